/* The first program: one write, one exit. Its arguments choose what it writes and how it ends. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : "hello, world\n";
	if (write(1, text, strlen(text)) != (ssize_t)strlen(text))
		return 99;
	return argc > 2 ? atoi(argv[2]) : 0;
}

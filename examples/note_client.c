/*
 * A client of note_server by native calls: each read and write is a message of up to 64 bytes in registers, from this program to the server and back.
 *
 *     gcc -O2 -I UXRT -o note_client note_client.c      UXRT: the folder with abi/ and include/; with -static if it is built elsewhere
 *     ./note_server /note &
 *     ./note_client /note remember; ./note_client /note
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "include/uxrt/transfer.h"

static long write_note(int file, const char *text)
{
	struct uxrt_registers words = { { 0 } };

	memcpy(&words, text, strnlen(text, sizeof words));
	return uxrt_write_reg(file, &words, strnlen(text, sizeof words));
}

static long read_note(int file)
{
	struct uxrt_registers words;
	long bytes;

	while ((bytes = uxrt_read_reg(file, &words, sizeof words)) > 0)
		fwrite(&words, 1, (size_t)bytes, stdout);
	return bytes;
}

int main(int argc, char **argv)
{
	int file = argc > 1 ? open(argv[1], O_RDWR) : -1;
	long result = argc > 2 ? write_note(file, argv[2]) : read_note(file);

	if (result < 0)
		fprintf(stderr, "note_client: %s\n", strerror((int)-result));
	return result < 0;
}

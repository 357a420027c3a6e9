/* charges: who pays for memory that a server asks for on a program's behalf (/proc/uxrt/charges): the program's role, not the server's. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_PAGES 300
#define PAGE       4096

/* Pages of memory objects that a role pays for. */
static long object_pages(const char *role)
{
	char line[256], name[32];
	FILE *file = fopen("/proc/uxrt/charges", "r");
	long pages = -1, found;

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "%31s processes %*d threads %*d objects %*d object_pages %ld", name, &found) == 2 && !strcmp(name, role))
			pages = found;
	if (file)
		fclose(file);
	return pages;
}

static void file_of_pages(const char *path, int pages)
{
	char page[PAGE];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(page, 'x', sizeof page);
	for (int i = 0; i < pages; i++)
		if (write(fd, page, sizeof page) != sizeof page) {
			perror(path);
			exit(1);
		}
	close(fd);
}

static int check(const char *what, long more, long expected)
{
	if (more == expected) {
		printf("ok %s\n", what);
		return 0;
	}
	printf("FAIL %s: expected %ld pages more, got %ld\n", what, expected, more);
	return 1;
}

int main(void)
{
	static const char path[] = "/tmp/charges";
	long program, service;
	int failed = 0;

	/* the first use of the role's name in a file that exists: whatever reading it takes is there */
	object_pages("system");
	file_of_pages(path, 1);
	unlink(path);
	program = object_pages("system");
	service = object_pages("service");
	file_of_pages(path, FILE_PAGES);
	failed |= check("a file's pages are charged to the role of who wrote them", object_pages("system") - program, FILE_PAGES);
	failed |= check("a file's pages are not charged to its server", object_pages("service") - service, 0);
	unlink(path);
	failed |= check("a file's pages are charged to nobody when it is gone", object_pages("system") - program, 0);
	return failed;
}

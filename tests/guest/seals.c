/*
 * memfd_create and its seals.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/guest/show.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif
#define PAGE 4096

static long map(int fd, int prot, int flags)
{
	void *at = mmap(NULL, PAGE, prot, flags, fd, 0);

	return at == MAP_FAILED ? -1 : 0;
}

static void kinds(void)
{
	int fd = SHOW(memfd_create("name", MFD_ALLOW_SEALING)), plain;
	static char two_pages[2 * PAGE];
	struct stat s;
	char *view;

	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GET_SEALS));
	fstat(fd, &s);
	printf("mode %o size %ld links %ld\n", s.st_mode, (long)s.st_size, (long)s.st_nlink);
	SHOW(ftruncate(fd, 2 * PAGE));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SHOW(ftruncate(fd, PAGE));
	SHOW(ftruncate(fd, 3 * PAGE));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SHOW(ftruncate(fd, 4 * PAGE));
	SHOW(pwrite(fd, "x", 1, 3 * PAGE));
	SHOW(pwrite(fd, two_pages, sizeof two_pages, 2 * PAGE));
	SHOW(pwrite(fd, "inside", 6, 2 * PAGE));
	SHOW(fallocate(fd, 0, 0, 4 * PAGE));
	SHOW(fcntl(fd, F_GET_SEALS));
	view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	strcpy(view, "mapped");
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	strcpy(view, "still");
	SHOW(pwrite(fd, "x", 1, 0));
	SHOW(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED));
	SHOW(map(fd, PROT_READ, MAP_SHARED));
	SHOW(map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	munmap(view, PAGE);
	view = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	printf("%s\n", view);
	SHOW(mprotect(view, PAGE, PROT_READ | PROT_WRITE));
	munmap(view, PAGE);
	fd = memfd_create("written", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	SHOW(fcntl(fd, F_GETFD));
	write(fd, "data", 4);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SHOW(write(fd, "x", 1));
	SHOW(map(fd, PROT_READ | PROT_WRITE, MAP_SHARED));
	SHOW(map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	SHOW(ftruncate(fd, PAGE));
	char text[10] = "";
	SHOW(pread(fd, text, 10, 0));
	puts(text);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SHOW(fcntl(fd, F_GET_SEALS));
	plain = memfd_create("", 0);
	SHOW(fcntl(plain, F_GET_SEALS));
	SHOW(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW));
	SHOW(fcntl(fd, F_ADD_SEALS, 64));
	int p[2];
	pipe(p);
	SHOW(fcntl(p[1], F_GET_SEALS));
	SHOW(fcntl(p[1], F_ADD_SEALS, F_SEAL_GROW));
	SHOW(memfd_create("x", 0x80));
	SHOW(memfd_create((void *)8, 0));
	static char long_name[260];
	memset(long_name, 'n', 250);
	SHOW(memfd_create(long_name, 0));
}

/* A receiver may trust what is sealed: the other holder cannot change it under its feet. */
static void shared(void)
{
	int fd = memfd_create("shared", MFD_ALLOW_SEALING);
	char text[20] = "";

	write(fd, "promise", 7);
	fflush(stdout);
	if (fork() == 0) {
		SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL));
		SHOW(pwrite(fd, "broken", 6, 0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(ftruncate(fd, 0));
	SHOW(pwrite(fd, "broken", 6, 0));
	SHOW(pread(fd, text, 20, 0));
	puts(text);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { { "kinds", kinds }, { "shared", shared } };

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}

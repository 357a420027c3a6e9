/* Rows of memory. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/rows.h"

#define PAGE 4096ul
#define AROUND 16u /* pages that a fault may map at once */
#define TABLE (2ul << 20) /* what one page table maps */

static char *map(unsigned long size, int flags)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

/* Every step-th of them. */
static unsigned long touch(char *p, unsigned pages, unsigned step)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < pages; i++)
		((volatile char *)p)[i * step * PAGE] = 1;
	return ticks() - start;
}

static unsigned long look(const char *p, unsigned pages)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < pages; i++)
		(void)((const volatile char *)p)[i * PAGE];
	return ticks() - start;
}

static unsigned long row_fault(unsigned n)
{
	char *p = map(n * PAGE, MAP_PRIVATE);
	unsigned long used;

	used = touch(p, n, 1);
	MUST(munmap(p, n * PAGE) == 0);
	return used;
}

/* Pages of a file that have been written, so that they are there. */
static unsigned long row_file_fault(unsigned n)
{
	static const char page[PAGE];
	int fd = open("/tmp/bench-map", O_RDWR | O_CREAT | O_TRUNC, 0600);
	unsigned long used;
	char *p;

	MUST(fd >= 0);
	for (unsigned i = 0; i < n; i++)
		MUST(write(fd, page, PAGE) == (ssize_t)PAGE);
	p = mmap(NULL, n * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	MUST(p != MAP_FAILED);
	used = look(p, n);
	MUST(munmap(p, n * PAGE) == 0 && close(fd) == 0 && unlink("/tmp/bench-map") == 0);
	return used;
}

/*
 * Writes to shared pages that are there, mapped elsewhere. Each is the last of an aligned AROUND pages, and written: neither kernel maps others with it.
 * The page tables are made before.
 */
static unsigned long row_ready_fault(unsigned n)
{
	unsigned long size = n * AROUND * PAGE, used = 0;
	int fd = memfd_create("bench", MFD_CLOEXEC);
	char *map[2];

	MUST(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	for (int i = 0; i < 2; i++) {
		map[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		MUST(map[i] != MAP_FAILED);
		for (unsigned long at = 0; at < size; at += TABLE)
			*(volatile char *)(map[i] + at) = 1;
		used = touch(map[i] + (AROUND - 1) * PAGE, n, AROUND);
	}
	MUST(munmap(map[0], size) == 0 && munmap(map[1], size) == 0 && close(fd) == 0);
	return used;
}

static unsigned long row_copy_on_write(unsigned n)
{
	char *p = map(n * PAGE, MAP_PRIVATE);
	unsigned long *result = (unsigned long *)map(PAGE, MAP_SHARED);

	touch(p, n, 1);
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		*result = touch(p, n, 1);
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
	unsigned long used = *result;
	MUST(munmap(p, n * PAGE) == 0 && munmap(result, PAGE) == 0);
	return used;
}

static unsigned long row_map_unmap(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++)
		munmap(map(4 << 20, MAP_PRIVATE), 4 << 20);
	return ticks() - start;
}

static unsigned long row_protect(unsigned n)
{
	char *p = map(16 * PAGE, MAP_PRIVATE);

	touch(p, 16, 1);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++)
		MUST(mprotect(p, 16 * PAGE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ) == 0);
	start = ticks() - start;
	munmap(p, 16 * PAGE);
	return start;
}

const struct row memory_rows[] = {
	{ "fault", "page fault (4 KiB, zeroed)", 256, row_fault },
	{ "file-fault", "fault of a page of a mapped file that is there", 256, row_file_fault },
	{ "ready-fault", "fault of a shared page that is there, mapped alone", 256, row_ready_fault },
	{ "copy-on-write", "copy-on-write fault", 256, row_copy_on_write },
	{ "map", "mmap + munmap of 4 MiB untouched", 1000, row_map_unmap },
	{ "protect", "mprotect of 64 KiB", 1000, row_protect },
	{ 0 },
};

/*
 * Another process's memory, locked memory, advice.
 *
 * calls: membarrier mincore mlock mlock2 mlockall mremap munlock munlockall process_vm_readv process_vm_writev
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE 4096ul

static char *map(unsigned long pages, int prot, int flags)
{
	return mmap(NULL, pages * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);
}

static struct iovec vec(void *base, size_t length)
{
	return (struct iovec){ base, length };
}

/* ---- process_vm_readv, process_vm_writev ---- */

/* A child that waits, with the memory that it had at the fork. */
static pid_t waiting_child(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	pause();
	_exit(0);
}

static void done_with(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void peers(void)
{
	char *text = map(64, PROT_READ | PROT_WRITE, MAP_PRIVATE), *hole = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE), own[64] = "";
	char *big = map(64, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct iovec local[3], remote[3];
	pid_t pid;

	strcpy(text, "the child's own words");
	memset(text + 8 * PAGE, 'x', 32 * PAGE);
	munmap(hole + 2 * PAGE, PAGE);
	memset(hole, 'h', 2 * PAGE);
	mprotect(hole + PAGE * 3, PAGE, PROT_NONE);
	pid = waiting_child();
	strcpy(text, "the parent's words are others");
	local[0] = vec(own, 22);
	remote[0] = vec(text, 22);
	SHOW(process_vm_readv(pid, local, 1, remote, 1, 0));
	puts(own);
	memset(own, 0, sizeof own);
	local[0] = vec(own, 3);
	local[1] = vec(own + 10, 0);
	local[2] = vec(own + 20, 30);
	remote[0] = vec(text + 4, 7);
	remote[1] = vec(text, 3);
	remote[2] = vec(text + 12, 3);
	SHOW(process_vm_readv(pid, local, 3, remote, 3, 0));
	printf("%s|%s\n", own, own + 20);
	local[0] = vec("WRITTEN", 7);
	remote[0] = vec(text + 4, 7);
	SHOW(process_vm_writev(pid, local, 1, remote, 1, 0));
	puts(text);
	local[0] = vec(own, 30);
	remote[0] = vec(text, 30);
	SHOW(process_vm_readv(pid, local, 1, remote, 1, 0));
	puts(own);
	local[0] = vec(big, 40 * PAGE);
	remote[0] = vec(text, 40 * PAGE);
	SHOW(process_vm_readv(pid, local, 1, remote, 1, 0));
	printf("%c%c\n", big[8 * PAGE], big[40 * PAGE - 1]);
	local[0] = vec(big, 4 * PAGE);
	remote[0] = vec(hole, 4 * PAGE);
	SHOW(process_vm_readv(pid, local, 1, remote, 1, 0));
	remote[0] = vec(hole + 2 * PAGE, 10);
	SHOW(process_vm_readv(pid, local, 1, remote, 1, 0));
	remote[0] = vec(hole + 3 * PAGE, 10);
	SHOW(process_vm_readv(pid, local, 1, remote, 1, 0));
	SHOW(process_vm_writev(pid, local, 1, remote, 1, 0));
	remote[0] = vec(hole + PAGE - 5, 10);
	remote[1] = vec(hole + 2 * PAGE, 10);
	remote[2] = vec(hole, 10);
	SHOW(process_vm_readv(pid, local, 1, remote, 3, 0));
	done_with(pid);
	local[0] = vec(own, 5);
	remote[0] = vec("me", 3);
	SHOW(process_vm_readv(getpid(), local, 1, remote, 1, 0));
	puts(own);
}

static void peer_errors(void)
{
	static char own[16], other[16];
	struct iovec local = vec(own, 16), remote = vec(other, 16), bad = vec((void *)8, 16), kernel = vec((void *)-4096l, 16);
	struct iovec negative = vec(own, (size_t)-1);
	pid_t pid = waiting_child();

	SHOW(process_vm_readv(pid, &local, 1, &remote, 1, 1));
	SHOW(process_vm_readv(32767, &local, 1, &remote, 1, 0));
	SHOW(process_vm_readv(-1, &local, 1, &remote, 1, 0));
	SHOW(process_vm_readv(pid, &local, 1025, &remote, 1, 0));
	SHOW(process_vm_readv(pid, &local, 1, &remote, 1025, 0));
	SHOW(process_vm_readv(pid, &local, 0, &remote, 1, 0));
	SHOW(process_vm_readv(pid, &local, 1, &remote, 0, 0));
	SHOW(process_vm_readv(pid, (void *)8, 1, &remote, 1, 0));
	SHOW(process_vm_readv(pid, &local, 1, (void *)8, 1, 0));
	SHOW(process_vm_readv(pid, &bad, 1, &remote, 1, 0));
	SHOW(process_vm_readv(pid, &local, 1, &bad, 1, 0));
	SHOW(process_vm_readv(pid, &local, 1, &kernel, 1, 0));
	SHOW(process_vm_readv(pid, &kernel, 1, &remote, 1, 0));
	SHOW(process_vm_readv(pid, &negative, 1, &remote, 1, 0));
	SHOW(process_vm_readv(pid, &local, 1, &negative, 1, 0));
	SHOW(process_vm_writev(pid, &local, 1, &bad, 1, 0));
	done_with(pid);
	SHOW(process_vm_writev(pid, &local, 1, &remote, 1, 0));
}

/* ---- locks ---- */

static void show_resident(const char *what, char *at, int pages)
{
	unsigned char v[16] = { 0 };

	mincore(at, pages * PAGE, v);
	printf("%s:", what);
	for (int i = 0; i < pages; i++)
		printf(" %d", v[i] & 1);
	puts("");
}

static void locks(void)
{
	char *m = map(8, PROT_READ | PROT_WRITE, MAP_PRIVATE), *none = map(2, PROT_NONE, MAP_PRIVATE), *later;

	show_resident("fresh", m, 4);
	SHOW(mlock(m + 10, PAGE));
	show_resident("locked", m, 4);
	SHOW(madvise(m, PAGE, MADV_DONTNEED));
	SHOW(madvise(m + 2 * PAGE, PAGE, MADV_DONTNEED));
	SHOW(madvise(m, PAGE, MADV_COLD));
	m[0] = 'l';
	SHOW(madvise(m, PAGE, 24 /* MADV_DONTNEED_LOCKED */));
	printf("%d\n", m[0]);
	SHOW(munlock(m, 2 * PAGE));
	m[0] = 'u';
	SHOW(madvise(m, PAGE, MADV_DONTNEED));
	printf("%d\n", m[0]);
	SHOW(mlock2(m + 4 * PAGE, 2 * PAGE, MLOCK_ONFAULT));
	show_resident("on fault", m + 4 * PAGE, 2);
	SHOW(madvise(m + 4 * PAGE, PAGE, MADV_DONTNEED));
	SHOW(mlock2(m, PAGE, 2));
	SHOW(mlock(none, PAGE));
	SHOW(munmap(m + 6 * PAGE, PAGE));
	SHOW(mlock(m + 5 * PAGE, 3 * PAGE));
	SHOW(munlock(m + 5 * PAGE, 3 * PAGE));
	SHOW(mlock(m, 0));
	SHOW(mlock((void *)-1, PAGE));
	SHOW(mlock((char *)1, (size_t)-1));
	SHOW(mlock((void *)0x7ffffffff000, PAGE));
	SHOW(munlock((void *)-1, PAGE));
	SHOW(mlock(NULL, PAGE));
	later = map(2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED);
	show_resident("MAP_LOCKED", later, 2);
	SHOW(madvise(later, PAGE, MADV_DONTNEED));
	fflush(stdout);
	if (fork() == 0) {
		SHOW(madvise(later, PAGE, MADV_DONTNEED)); /* not inherited */
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	munmap(later, 2 * PAGE);
	SHOW(mlockall(0));
	SHOW(mlockall(8));
	SHOW(mlockall(MCL_ONFAULT));
	SHOW(mlockall(MCL_FUTURE));
	later = map(3, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	show_resident("future", later, 3);
	SHOW(madvise(m, PAGE, MADV_DONTNEED));
	SHOW(munlockall());
	later = map(3, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	show_resident("after", later, 3);
	SHOW(mlockall(MCL_CURRENT | MCL_ONFAULT));
	SHOW(madvise(later, PAGE, MADV_DONTNEED));
	show_resident("on fault", later, 3);
	SHOW(mlockall(MCL_CURRENT));
	show_resident("current", later, 3);
	SHOW(munlockall());
	SHOW(madvise(later, PAGE, MADV_DONTNEED));
	show_resident("unlocked", later, 3);
}

static void lock_limits(void)
{
	struct rlimit limit = { 4 * PAGE, 4 * PAGE };
	char *m = map(16, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	setrlimit(RLIMIT_MEMLOCK, &limit);
	SHOW(mlock(m, 8 * PAGE));
	SHOW(munlock(m, 8 * PAGE));
	setresuid(1000, 1000, 1000);
	SHOW(mlock(m, 5 * PAGE));
	SHOW(mlock(m, 4 * PAGE));
	SHOW(mlock(m, 2 * PAGE));
	SHOW(mlock(m + 8 * PAGE, PAGE));
	SHOW(munlock(m, PAGE));
	SHOW(mlock(m + 8 * PAGE, PAGE));
	SHOW(mlockall(MCL_CURRENT));
	OK(map(1, PROT_READ, MAP_PRIVATE | MAP_LOCKED) == MAP_FAILED ? -1 : 0);
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	SHOW(mlock(m + 10 * PAGE, PAGE));
	OK(map(1, PROT_READ, MAP_PRIVATE | MAP_LOCKED) == MAP_FAILED ? -1 : 0);
	SHOW(munlockall());
}

/* ---- advice ---- */

static void advice_kinds(void)
{
	char *m = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE), *shared = map(4, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *readonly = map(2, PROT_READ, MAP_PRIVATE), *file;
	int fd = open("data", O_CREAT | O_RDWR, 0600);

	ftruncate(fd, 2 * PAGE);
	file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	for (int advice = MADV_NORMAL; advice <= MADV_WILLNEED; advice++)
		SHOW(madvise(m, 4 * PAGE, advice));
	SHOW(madvise(m, 4 * PAGE, MADV_PAGEOUT));
	SHOW(madvise(m, 4 * PAGE, 25 /* MADV_COLLAPSE: no room for a huge page */));
	SHOW(madvise(m, 4 * PAGE, MADV_FREE));
	SHOW(madvise(shared, PAGE, MADV_FREE));
	SHOW(madvise(file, PAGE, MADV_FREE));
	strcpy(shared, "one");
	strcpy(shared + PAGE, "two");
	SHOW(madvise(shared, PAGE, MADV_DONTNEED));
	printf("%s\n", shared);
	SHOW(madvise(shared, PAGE, MADV_REMOVE));
	printf("[%s] %s\n", shared, shared + PAGE);
	SHOW(madvise(m, PAGE, MADV_REMOVE));
	SHOW(madvise(file, PAGE, MADV_REMOVE));
	SHOW(madvise(m, PAGE, 9999));
	SHOW(madvise(m + 1, PAGE, MADV_NORMAL));
	SHOW(madvise(m, 0, MADV_DONTNEED));
	SHOW(madvise(m, 4 * PAGE, MADV_POPULATE_WRITE));
	show_resident("populated", m, 4);
	SHOW(madvise(readonly, PAGE, MADV_POPULATE_READ));
	SHOW(madvise(readonly, PAGE, MADV_POPULATE_WRITE));
	SHOW(madvise(shared, PAGE, MADV_WIPEONFORK));
	SHOW(madvise(m, PAGE, MADV_WIPEONFORK));
	SHOW(madvise(m + PAGE, PAGE, MADV_DONTFORK));
	strcpy(m, "wiped");
	strcpy(m + 2 * PAGE, "kept");
	fflush(stdout);
	if (fork() == 0) {
		unsigned char v[1];

		printf("[%s] [%s]\n", m, m + 2 * PAGE);
		SHOW(mincore(m + PAGE, PAGE, v));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	SHOW(madvise(m, PAGE, MADV_KEEPONFORK));
	SHOW(madvise(m + PAGE, PAGE, MADV_DOFORK));
	fflush(stdout);
	if (fork() == 0) {
		printf("[%s] %d\n", m, m[PAGE]);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	munmap(m + PAGE, PAGE);
	SHOW(madvise(m, 4 * PAGE, MADV_DONTNEED));
	printf("[%s] [%s]\n", m, m + 2 * PAGE);
	SHOW(madvise(m, 4 * PAGE, MADV_POPULATE_READ));
}

/* ---- mremap ---- */

static void moves(void)
{
	char *m = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE), *to, *shared = map(2, PROT_READ | PROT_WRITE, MAP_SHARED), *twice;
	char *place = map(8, PROT_NONE, MAP_PRIVATE);

	strcpy(m, "first");
	strcpy(m + 3 * PAGE, "last");
	SHOW(mremap(m, 4 * PAGE, 4 * PAGE, MREMAP_DONTUNMAP) == MAP_FAILED ? -1 : 0);
	SHOW(mremap(m, 4 * PAGE, 8 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	to = mremap(m, 4 * PAGE, 4 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE);
	printf("%d [%s] [%s] old [%s] [%s]\n", to != m, to, to + 3 * PAGE, m, m + 3 * PAGE);
	strcpy(m, "still there");
	SHOW(mremap(to, 4 * PAGE, 4 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
	printf("[%s] old [%s]\n", place, to);
	strcpy(shared, "shared");
	twice = mremap(shared, 0, 2 * PAGE, MREMAP_MAYMOVE);
	strcpy(shared, "SHARED");
	printf("%s\n", twice == MAP_FAILED ? "failed" : twice);
	SHOW(mremap(m, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	SHOW(mremap(shared, 2 * PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	SHOW(mremap(m, PAGE, 2 * PAGE, MREMAP_FIXED, place) == MAP_FAILED ? -1 : 0);
	SHOW(mremap(m, 2 * PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, m + PAGE) == MAP_FAILED ? -1 : 0);
	SHOW(mremap(m + 1, PAGE, PAGE, 0) == MAP_FAILED ? -1 : 0);
	SHOW(mremap(m, PAGE, 0, 0) == MAP_FAILED ? -1 : 0);
	SHOW(mremap(m, PAGE, PAGE, 8) == MAP_FAILED ? -1 : 0);
	munmap(m, 4 * PAGE);
	SHOW(mremap(m, PAGE, PAGE, 0) == MAP_FAILED ? -1 : 0);
}

/* To where the lower part of the same mapping was. */
static void moves_inside(void)
{
	char *m = map(5, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	unsigned char there[5];

	for (int i = 0; i < 5; i++)
		m[i * PAGE] = (char)('a' + i);
	SHOW(mremap(m + 3 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, m) == m);
	printf("%c %c %c %c\n", m[0], m[PAGE], m[2 * PAGE], m[4 * PAGE]);
	SHOW(mincore(m + 3 * PAGE, PAGE, there));
	SHOW(mremap(m + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, m + 3 * PAGE) == m + 3 * PAGE);
	printf("%c %c %c\n", m[0], m[2 * PAGE], m[3 * PAGE]);
	m[4 * PAGE] = 'z';
	SHOW(munmap(m, 5 * PAGE));
}

static void barriers(void)
{
	SHOW(syscall(SYS_membarrier, 0, 0, 0) > 0);
	SHOW(syscall(SYS_membarrier, 1, 0, 0));
	SHOW(syscall(SYS_membarrier, 8, 0, 0));
	SHOW(syscall(SYS_membarrier, 16, 0, 0));
	SHOW(syscall(SYS_membarrier, 8, 0, 0));
	SHOW(syscall(SYS_membarrier, 4, 0, 0));
	SHOW(syscall(SYS_membarrier, 2, 0, 0));
	SHOW(syscall(SYS_membarrier, 32, 0, 0));
	SHOW(syscall(SYS_membarrier, 64, 0, 0));
	SHOW(syscall(SYS_membarrier, 32, 0, 0));
	SHOW(syscall(SYS_membarrier, 1, 1, 0));
	SHOW(syscall(SYS_membarrier, 3, 0, 0));
	SHOW(syscall(SYS_membarrier, 1 << 20, 0, 0));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "peers", peers }, { "peer_errors", peer_errors }, { "locks", locks }, { "lock_limits", lock_limits }, { "advice_kinds", advice_kinds },
		{ "moves", moves }, { "moves_inside", moves_inside }, { "barriers", barriers },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}

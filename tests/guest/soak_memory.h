/* soak.c: mappings that go while other cores use them. */
#ifndef TESTS_GUEST_SOAK_MEMORY_H
#define TESTS_GUEST_SOAK_MEMORY_H

#include "soak.h"

#include <setjmp.h>

#define PAGE 4096

/* ---- a page that loses rights is lost to every core before the call returns ---- */

enum { SHOT_UNMAP, SHOT_NONE, SHOT_READ_ONLY, SHOT_DISCARD, SHOT_KINDS };

static struct {
	_Atomic(volatile int *) page;
	atomic_int round, kind, gone, ready, done, end;
} shot;

static __thread sigjmp_buf on_fault;
static __thread volatile int may_fault;

static void faulted(int number)
{
	if (!may_fault)
		fail("signal %d where none may come", number);
	siglongjmp(on_fault, 1);
}

/* 1: the access faulted. */
static int access_faults(volatile int *page, int write, int *value)
{
	int result = 1;

	if (!sigsetjmp(on_fault, 1)) {
		may_fault = 1;
		if (write)
			*page = 1000;
		else
			*value = *page;
		result = 0;
	}
	may_fault = 0;
	return result;
}

static void look_at_page(int round)
{
	volatile int *page = shot.page;
	int value = 0, last = 0, kind = shot.kind;

	MUST(!access_faults(page, 0, &value) && value == round);
	atomic_fetch_add(&shot.ready, 1);
	while (!shot.gone)
		if (!access_faults(page, 0, &last) && last != round && !(kind == SHOT_DISCARD && last == 0))
			fail("a page held %d, expected %d", last, round);
	if (kind == SHOT_UNMAP || kind == SHOT_NONE)
		MUST(access_faults(page, 0, &value));
	else if (kind == SHOT_READ_ONLY)
		MUST(access_faults(page, 1, &value));
	else
		MUST(!access_faults(page, 0, &value) && value == 0);
	atomic_fetch_add(&shot.done, 1);
}

static void *looker(void *unused)
{
	for (int round = 1;; round++) {
		while (shot.round < round && !shot.end)
			;
		if (shot.end)
			return unused;
		look_at_page(round);
	}
}

static void shoot(volatile int *page, size_t bytes, int kind)
{
	void *at = (void *)(uintptr_t)page;

	if (kind == SHOT_UNMAP)
		MUST(munmap(at, bytes) == 0);
	else if (kind == SHOT_NONE)
		MUST(mprotect(at, bytes, PROT_NONE) == 0);
	else if (kind == SHOT_READ_ONLY)
		MUST(mprotect(at, bytes, PROT_READ) == 0);
	else
		MUST(madvise(at, bytes, MADV_DONTNEED) == 0);
}

static void shootdowns(void)
{
	pthread_t thread[3];
	int lookers = 1 + (int)rnd(3), rounds = 4 + (int)rnd(8);

	memset(&shot, 0, sizeof shot);
	signal(SIGSEGV, faulted);
	for (int i = 0; i < lookers; i++)
		start_thread(&thread[i], looker, NULL);
	for (int round = 1; round <= rounds; round++) {
		size_t bytes = PAGE * (1 + rnd(rnd(4) ? 4 : 60));
		volatile int *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		MUST(page != MAP_FAILED);
		for (size_t at = 0; at < bytes; at += PAGE)
			page[at / sizeof *page] = round;
		shot.page = page + rnd((uint32_t)(bytes / PAGE)) * (PAGE / sizeof *page);
		shot.kind = (int)rnd(SHOT_KINDS);
		shot.gone = shot.ready = shot.done = 0;
		shot.round = round;
		while (shot.ready < lookers)
			sched_yield();
		shoot(page, bytes, shot.kind);
		shot.gone = 1;
		while (shot.done < lookers)
			sched_yield();
		if (shot.kind != SHOT_UNMAP)
			MUST(munmap((void *)(uintptr_t)page, bytes) == 0);
	}
	shot.end = 1;
	for (int i = 0; i < lookers; i++)
		MUST(pthread_join(thread[i], NULL) == 0);
	signal(SIGSEGV, SIG_DFL);
}

/* ---- a forked child has the memory of one moment ---- */

static struct {
	volatile long *first, *second; /* pages of their own; the second follows the first */
	atomic_int end;
} twins;

static void *twin_writer(void *unused)
{
	for (long i = 1; !twins.end; i++) {
		*twins.first = i;
		atomic_thread_fence(memory_order_seq_cst);
		*twins.second = i;
		atomic_thread_fence(memory_order_seq_cst);
	}
	return unused;
}

static void forks_of_one_moment(void)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t writer;

	MUST(pages != MAP_FAILED);
	twins.first = (long *)(rnd(2) ? pages : pages + PAGE);
	twins.second = (long *)((char *)twins.first == pages ? pages + PAGE : pages);
	*twins.first = *twins.second = 0;
	twins.end = 0;
	start_thread(&writer, twin_writer, NULL);
	for (int i = 0; i < 3; i++) {
		pid_t pid = make_child();

		if (pid == 0) {
			long first = *twins.first, second = *twins.second;

			for (int k = 0; k < 50; k++) {
				if (*twins.first != first || *twins.second != second || (first != second && first != second + 1))
					fail("a child sees %ld, %ld where it saw %ld, %ld", *twins.first, *twins.second, first, second);
				if (k % 10 == 0)
					sched_yield();
			}
			_exit(0);
		}
		expect_end(pid, 0);
	}
	twins.end = 1;
	MUST(pthread_join(writer, NULL) == 0);
	munmap(pages, 2 * PAGE);
}

/* ---- nobody else's bytes, and none of one's own from before ---- */

static void *mapper(void *number)
{
	uint64_t mark = (uint64_t)getpid() << 32 | (uintptr_t)number;

	for (int i = 0; i < 15; i++) {
		size_t words = PAGE / 8 * (1 + (size_t)(i % 5));
		uint64_t *p = mmap(NULL, words * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		MUST(p != MAP_FAILED);
		for (size_t k = 0; k < words; k += 64)
			if (p[k])
				fail("a fresh page holds %lx", (unsigned long)p[k]);
		for (size_t k = 0; k < words; k += 64)
			p[k] = mark + k;
		sched_yield();
		for (size_t k = 0; k < words; k += 64)
			if (p[k] != mark + k)
				fail("a page holds %lx, expected %lx", (unsigned long)p[k], (unsigned long)(mark + k));
		MUST(munmap(p, words * 8) == 0);
	}
	return NULL;
}

static void fresh_pages(void)
{
	pthread_t thread[4];

	for (uintptr_t i = 0; i < 4; i++)
		start_thread(&thread[i], mapper, (void *)i);
	for (int i = 0; i < 4; i++)
		MUST(pthread_join(thread[i], NULL) == 0);
}

static void shared_sums(void)
{
	atomic_long *sum = shared_pages(2 * PAGE);
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = make_child();
		if (pid[i] == 0) {
			for (int k = 0; k < 500; k++)
				atomic_fetch_add(&sum[k % 2 * (PAGE / 8)], 1);
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++)
		expect_end(pid[i], 0);
	MUST(sum[0] + sum[PAGE / 8] == 1500);
	munmap((void *)sum, 2 * PAGE);
}

/* A file that one process maps and another reads. */
static void mapped_files(void)
{
	char name[64];
	int fd;
	long *map, value = -1;
	pid_t pid;

	snprintf(name, sizeof name, "mapped%d", worker_number);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0);
	map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(map != MAP_FAILED);
	pid = make_child();
	if (pid == 0) {
		for (int i = 0; i < 3; i++)
			map[i * (PAGE / 8)] = 100 + i;
		_exit(0);
	}
	expect_end(pid, 0);
	for (int i = 0; i < 3; i++)
		MUST(pread(fd, &value, 8, i * PAGE) == 8 && value == 100 + i && map[i * (PAGE / 8)] == value);
	MUST(munmap(map, 3 * PAGE) == 0 && close(fd) == 0 && unlink(name) == 0);
}

#endif

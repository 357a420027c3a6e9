/* soak.c: threads, futexes, registers that must travel with a thread. */
#ifndef TESTS_GUEST_SOAK_THREADS_H
#define TESTS_GUEST_SOAK_THREADS_H

#include "soak.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <semaphore.h>

#define THREADS_MAX 6

static long futex(atomic_int *word, int operation, int value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

/* ---- contention ---- */

static struct {
	pthread_mutex_t mutex;
	pthread_barrier_t barrier;
	long counter;
	int rounds, threads;
	atomic_long atomic;
} contest;

static void *contender(void *unused)
{
	for (int i = 0; i < contest.rounds; i++) {
		pthread_mutex_lock(&contest.mutex);
		contest.counter++;
		pthread_mutex_unlock(&contest.mutex);
	}
	return unused;
}

static void mutexes(void)
{
	pthread_t thread[THREADS_MAX];
	int n = 2 + (int)rnd(THREADS_MAX - 1);

	contest.counter = 0;
	contest.rounds = 100 + (int)rnd(300);
	pthread_mutex_init(&contest.mutex, NULL);
	for (int i = 0; i < n; i++)
		start_thread(&thread[i], contender, NULL);
	for (int i = 0; i < n; i++)
		MUST(pthread_join(thread[i], NULL) == 0);
	MUST(contest.counter == (long)n * contest.rounds);
}

static void *barrier_user(void *unused)
{
	for (int i = 0; i < contest.rounds; i++) {
		atomic_fetch_add(&contest.atomic, 1);
		pthread_barrier_wait(&contest.barrier);
		MUST(atomic_load(&contest.atomic) >= (long)contest.threads * (i + 1));
		pthread_barrier_wait(&contest.barrier);
	}
	return unused;
}

static void barriers(void)
{
	pthread_t thread[THREADS_MAX];

	contest.threads = 2 + (int)rnd(THREADS_MAX - 1);
	contest.rounds = 20;
	contest.atomic = 0;
	pthread_barrier_init(&contest.barrier, NULL, (unsigned)contest.threads);
	for (int i = 0; i < contest.threads; i++)
		start_thread(&thread[i], barrier_user, NULL);
	for (int i = 0; i < contest.threads; i++)
		MUST(pthread_join(thread[i], NULL) == 0);
	pthread_barrier_destroy(&contest.barrier);
}

/* ---- a word whose value says whose turn it is: a wake-up that is lost is a hang ---- */

struct turns {
	atomic_int turn;
	int rounds, private;
};

static void take_turns(struct turns *t, int me)
{
	int flag = t->private ? FUTEX_PRIVATE_FLAG : 0;

	for (int i = 0; i < t->rounds; i++) {
		while (atomic_load(&t->turn) != me)
			futex(&t->turn, FUTEX_WAIT | flag, !me);
		atomic_store(&t->turn, !me);
		futex(&t->turn, FUTEX_WAKE | flag, 1);
	}
}

static void *second_turn(void *turns)
{
	take_turns(turns, 1);
	return NULL;
}

static void futex_turns(void)
{
	struct turns t = { .rounds = 200, .private = (int)rnd(2) };
	pthread_t other;

	start_thread(&other, second_turn, &t);
	take_turns(&t, 0);
	MUST(pthread_join(other, NULL) == 0);
}

static void futex_turns_of_processes(void)
{
	struct turns *t = shared_pages(4096);
	pid_t pid;

	t->rounds = 100;
	pid = make_child();
	take_turns(t, pid == 0);
	if (pid == 0)
		_exit(0);
	expect_end(pid, 0);
	munmap(t, 4096);
}

static void semaphores(void)
{
	sem_t *sem = shared_pages(4096);
	pid_t pid;

	sem_init(&sem[0], 1, 0);
	sem_init(&sem[1], 1, 0);
	pid = make_child();
	for (int i = 0; i < 100; i++) {
		sem_post(&sem[pid == 0]);
		while (sem_wait(&sem[pid != 0]))
			MUST(errno == EINTR);
	}
	if (pid == 0)
		_exit(0);
	expect_end(pid, 0);
	munmap(sem, 4096);
}

/* Whoever holds a robust mutex is killed: the next learns of it. */
static void robust_mutexes(void)
{
	struct {
		pthread_mutex_t mutex;
		atomic_int held;
	} *shared = shared_pages(4096);
	pthread_mutexattr_t attributes;
	pid_t pid;
	int error;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->mutex, &attributes);
	pid = make_child();
	if (pid == 0) {
		pthread_mutex_lock(&shared->mutex);
		shared->held = 1;
		for (;;)
			pause();
	}
	while (!shared->held)
		sched_yield();
	kill(pid, SIGKILL);
	error = pthread_mutex_lock(&shared->mutex);
	if (error != EOWNERDEAD)
		fail("the mutex of the dead gave %d", error);
	pthread_mutex_consistent(&shared->mutex);
	pthread_mutex_unlock(&shared->mutex);
	expect_end(pid, -SIGKILL);
	munmap(shared, 4096);
}

/* ---- what belongs to a thread goes with it from core to core ---- */

#define VECTOR_BYTES (16 * 16)

/* Loads all vector registers, makes a system call, stores them. */
static void vectors_over_call(const uint8_t *in, uint8_t *out, long number, long a, long b, long c)
{
	long result;

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD(n) "movdqu 16*" #n "(%1), %%xmm" #n "\n"
#define STORE(n) "movdqu %%xmm" #n ", 16*" #n "(%2)\n"
	__asm__ volatile(EACH(LOAD) "syscall\n" EACH(STORE)
			 : "=a"(result) : "r"(in), "r"(out), "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
			   "xmm12", "xmm13", "xmm14", "xmm15");
#undef LOAD
#undef STORE
#undef EACH
	MUST(result >= 0);
}

static void *vector_user(void *number)
{
	uint8_t in[VECTOR_BYTES], out[VECTOR_BYTES];

	for (int i = 0; i < 40; i++) {
		unsigned long mask = 1ul << (((uintptr_t)number + (unsigned)i) % (unsigned)cores());

		for (int k = 0; k < VECTOR_BYTES; k++)
			in[k] = (uint8_t)(k * 7 + i * 31 + (int)(uintptr_t)number * 101 + worker_number);
		if (i % 3)
			vectors_over_call(in, out, SYS_sched_setaffinity, 0, sizeof mask, (long)&mask);
		else
			vectors_over_call(in, out, SYS_sched_yield, 0, 0, 0);
		MUST(!memcmp(in, out, VECTOR_BYTES));
	}
	return NULL;
}

static void vectors(void)
{
	pthread_t thread[3];

	for (uintptr_t i = 0; i < 3; i++)
		start_thread(&thread[i], vector_user, (void *)i);
	for (int i = 0; i < 3; i++)
		MUST(pthread_join(thread[i], NULL) == 0);
}

static void *base_user(void *number)
{
	unsigned long base = 0x1000 * (unsigned long)(uintptr_t)number + (unsigned long)getpid(), got;

	MUST(syscall(SYS_arch_prctl, ARCH_SET_GS, base) == 0);
	for (int i = 0; i < 30; i++) {
		unsigned core = 99;

		move_to((int)(((uintptr_t)number + (unsigned)i) % (unsigned)cores()));
		MUST(syscall(SYS_getcpu, &core, NULL, NULL) == 0 && core == ((uintptr_t)number + (unsigned)i) % (unsigned)cores());
		MUST(syscall(SYS_arch_prctl, ARCH_GET_GS, &got) == 0 && got == base);
	}
	return NULL;
}

static void bases_and_places(void)
{
	pthread_t thread[3];

	for (uintptr_t i = 0; i < 3; i++)
		start_thread(&thread[i], base_user, (void *)(i + 1));
	for (int i = 0; i < 3; i++)
		MUST(pthread_join(thread[i], NULL) == 0);
}

/* ---- the clock never goes back, whoever looks ---- */

static void *clock_reader(void *unused)
{
	static struct timespec last;
	struct timespec now;

	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&contest.mutex);
		clock_gettime(CLOCK_MONOTONIC, &now);
		MUST(now.tv_sec > last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec));
		last = now;
		pthread_mutex_unlock(&contest.mutex);
	}
	return unused;
}

static void clocks(void)
{
	pthread_t thread[3];

	pthread_mutex_init(&contest.mutex, NULL);
	for (int i = 0; i < 3; i++)
		start_thread(&thread[i], clock_reader, NULL);
	for (int i = 0; i < 3; i++)
		MUST(pthread_join(thread[i], NULL) == 0);
}

#endif

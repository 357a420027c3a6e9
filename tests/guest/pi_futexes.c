/*
 * Futexes with priority inheritance, by their bare calls and as glibc's mutexes: who gets the lock, what the word shows, owners that end, mistakes, moving
 * waiters of a condition to the lock.
 * calls: futex
 */
#include "report.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static int word, condition;
static volatile int order[8], next_place;

static long futex(int *at, int op, int value, const void *timeout, int *other, int value3)
{
	return syscall(SYS_futex, at, op, value, timeout, other, value3);
}

static int tid(void)
{
	return syscall(SYS_gettid);
}

/* A word without its tid, which differs between systems. */
static void show_word(const char *what, int value, int owner)
{
	printf("%s:%s%s%s\n", what, value & FUTEX_WAITERS ? " waiters" : "", value & FUTEX_OWNER_DIED ? " died" : "",
	       !(value & FUTEX_TID_MASK) ? " free" : (value & FUTEX_TID_MASK) == owner ? " owner" : " another");
}

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec t;
	clock_gettime(clock, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* ---- results ---- */

static void *holder(void *ms)
{
	show("holder locks", futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	nap_ms((long)ms);
	return (void *)futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

static void results(void)
{
	struct timespec real = in_ms(CLOCK_REALTIME, 20), mono = in_ms(CLOCK_MONOTONIC, 20), past = { 1, 0 }, bad = { 0, 2000000000 };
	pthread_t t;
	void *result;
	show("unlock of a free one", futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	show("lock", futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show_word("word", word, tid());
	show("lock again", futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show("try again", futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	show("unlock", futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	show_word("word", word, tid());
	show("try", futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	show("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	word = 0x3ffffff0;
	show("no such thread", futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show("not the owner", futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	word = FUTEX_OWNER_DIED;
	show("after a death", futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show_word("word", word, tid());
	show("unlock", futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	show("bad time", futex(&word, FUTEX_LOCK_PI, 0, &bad, NULL, 0));
	show("unaligned", futex((int *)((char *)&word + 1), FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show("unmapped", futex((int *)0x1000, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show("unmapped", futex((int *)0x1000, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	show("a clock where there is none", futex(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, &real, NULL, 0));
	word = 0;
	pthread_create(&t, NULL, holder, (void *)100);
	nap_ms(5);
	show("try a taken one", futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	printf("waiters %d\n", (word & FUTEX_WAITERS) != 0);
	show("until a time that is over", futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &past, NULL, 0));
	show("realtime", futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &real, NULL, 0));
	show("monotonic", futex(&word, FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG, 0, &mono, NULL, 0));
	real = in_ms(CLOCK_REALTIME, 10);
	show("realtime by flag", futex(&word, FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 0, &real, NULL, 0));
	show("not mine", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	show("wait for it", futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	show_word("word", word, tid());
	pthread_join(t, &result);
	show("holder unlocked", (long)result);
	show("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	show_word("word", word, tid());
}

/* ---- who comes next ---- */

static void *in_line(void *number)
{
	long n = (long)number;
	struct sched_param param = { .sched_priority = n };
	if (n && sched_setscheduler(0, SCHED_FIFO, &param))
		printf("policy: %s\n", error_name(errno));
	futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	order[next_place++] = n;
	futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void priorities(void)
{
	static const long numbers[] = { 0, 5, 20, 0, 10, 20 };
	pthread_t t[6];
	futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	for (int i = 0; i < 6; i++) {
		pthread_create(&t[i], NULL, in_line, (void *)numbers[i]);
		nap_ms(5);
	}
	show("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 6; i++)
		printf("%d\n", order[i]);
	show_word("word", word, tid());
}

static pthread_mutex_t inherits;
static volatile int done[3];
static volatile long stop_spinning;

static void *low(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&inherits);
	nap_ms(5);
	for (volatile long i = 0; i < 3000000; i++)
		;
	done[0] = ++next_place;
	pthread_mutex_unlock(&inherits);
	return NULL;
}

static void *middle(void *unused)
{
	(void)unused;
	nap_ms(10);
	while (!stop_spinning)
		;
	done[1] = ++next_place;
	return NULL;
}

static void *high(void *unused)
{
	(void)unused;
	nap_ms(20);
	pthread_mutex_lock(&inherits);
	done[2] = ++next_place;
	pthread_mutex_unlock(&inherits);
	stop_spinning = 1;
	return NULL;
}

static pthread_t real_time(void *(*run)(void *), int priority)
{
	struct sched_param param = { .sched_priority = priority };
	pthread_attr_t attr;
	pthread_t t;
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	int error = pthread_create(&t, &attr, run, NULL);
	if (error)
		printf("thread: %s\n", error_name(error));
	return t;
}

static void make_mutex(pthread_mutex_t *m, int robust, int shared, int type)
{
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_setrobust(&a, robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
	pthread_mutexattr_setpshared(&a, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	pthread_mutexattr_settype(&a, type);
	int error = pthread_mutex_init(m, &a);
	if (error)
		printf("mutex: %s\n", error_name(error));
}

/* The middle one never ends unless the high one gets the lock, which the low one has. */
static void inversion(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof one, &one);
	make_mutex(&inherits, 0, 0, PTHREAD_MUTEX_NORMAL);
	pthread_t t[3] = { real_time(low, 1), real_time(middle, 10), real_time(high, 20) };
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	printf("low %d high %d middle %d\n", done[0], done[2], done[1]);
}

/* ---- deadlock, owners that end ---- */

static int second;

static void *other_way(void *unused)
{
	(void)unused;
	futex(&second, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	puts("the other has both");
	futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	futex(&second, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void deadlock(void)
{
	pthread_t t;
	futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	pthread_create(&t, NULL, other_way, NULL);
	nap_ms(10);
	show("a circle", futex(&second, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	show("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	pthread_join(t, NULL);
	show_word("first", word, tid());
	show_word("second", second, tid());
}

static void *ends_with_it(void *unused)
{
	(void)unused;
	futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	nap_ms(20);
	syscall(SYS_exit, 0);
	return NULL;
}

static void owner_ends(void)
{
	pthread_t t;
	pthread_create(&t, NULL, ends_with_it, NULL);
	nap_ms(5);
	show("lock", futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	show_word("word", word, tid());
	show("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	show_word("word", word, tid());
}

/* ---- signals and kills ---- */

static void caught(int number)
{
	printf("caught %d\n", number);
}

static void interrupted(void)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), status;
	futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	pid_t pid = child();
	if (!pid) {
		handle(SIGUSR1, caught, 0);
		show("child locks", futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
		show_word("child's", *shared, tid());
		_exit(show("child unlocks", futex(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0)));
	}
	nap_ms(20);
	kill(pid, SIGUSR1);
	nap_ms(20);
	long unlocked = futex(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	waitpid(pid, &status, 0);
	show("unlock", unlocked);
	show_status("child", status);
	pid = child();
	if (!pid) {
		futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		for (;;)
			pause();
	}
	nap_ms(20);
	pid_t waiter = child();
	if (!waiter) {
		futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
		_exit(1);
	}
	nap_ms(20);
	kill(waiter, SIGKILL);
	waitpid(waiter, &status, 0);
	show_status("killed waiter", status);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("left as it was: %d\n", (*shared & FUTEX_TID_MASK) == pid);
	show("an owner that is gone", futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
}

/* ---- glibc's mutexes ---- */

static int shared_count;

static void *counts(void *m)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(m);
		int was = shared_count;
		if (i % 64 == 0)
			sched_yield();
		shared_count = was + 1;
		pthread_mutex_unlock(m);
	}
	return NULL;
}

static void mutexes(void)
{
	static pthread_mutex_t m, recursive, checking;
	pthread_t t[6];
	make_mutex(&m, 0, 0, PTHREAD_MUTEX_NORMAL);
	for (int i = 0; i < 6; i++)
		pthread_create(&t[i], NULL, counts, &m);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	printf("%d\n", shared_count);
	make_mutex(&recursive, 0, 0, PTHREAD_MUTEX_RECURSIVE);
	printf("%d %d\n", pthread_mutex_lock(&recursive), pthread_mutex_lock(&recursive));
	printf("%d %d\n", pthread_mutex_unlock(&recursive), pthread_mutex_unlock(&recursive));
	make_mutex(&checking, 0, 0, PTHREAD_MUTEX_ERRORCHECK);
	printf("%d %s\n", pthread_mutex_lock(&checking), error_name(pthread_mutex_lock(&checking)));
	printf("%d %s\n", pthread_mutex_unlock(&checking), error_name(pthread_mutex_unlock(&checking)));
	struct timespec until = in_ms(CLOCK_REALTIME, 20);
	pthread_mutex_lock(&m);
	pid_t pid = child();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	printf("%s %s\n", error_name(pthread_mutex_trylock(&m)), error_name(pthread_mutex_timedlock(&m, &until)));
	printf("%d\n", pthread_mutex_unlock(&m));
}

static void robust(void)
{
	pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	make_mutex(m, 1, 1, PTHREAD_MUTEX_NORMAL);
	for (int waits = 0; waits < 2; waits++) {
		pid_t pid = child();
		if (!pid) {
			pthread_mutex_lock(m);
			if (waits)
				nap_ms(30);
			_exit(0);
		}
		if (waits)
			nap_ms(10);
		else
			waitpid(pid, NULL, 0);
		int error = pthread_mutex_lock(m);
		printf("%s\n", error_name(error));
		if (waits)
			waitpid(pid, NULL, 0);
		printf("%d %d\n", pthread_mutex_consistent(m), pthread_mutex_unlock(m));
		printf("%d %d\n", pthread_mutex_lock(m), pthread_mutex_unlock(m));
	}
	pid_t pid = child();
	if (!pid) {
		pthread_mutex_lock(m);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	printf("%s\n", error_name(pthread_mutex_lock(m)));
	printf("%d\n", pthread_mutex_unlock(m));
	printf("%s\n", error_name(pthread_mutex_lock(m)));
	make_mutex(m + 1, 0, 1, PTHREAD_MUTEX_NORMAL);
	int *count = (int *)(m + 4);
	for (int i = 0; i < 4; i++)
		if (!child()) {
			for (int k = 0; k < 500; k++) {
				pthread_mutex_lock(m + 1);
				int was = *count;
				if (k % 50 == 0)
					nap_ms(1);
				*count = was + 1;
				pthread_mutex_unlock(m + 1);
			}
			_exit(0);
		}
	for (int i = 0; i < 4; i++)
		wait(NULL);
	printf("%d\n", *count);
}

/* ---- conditions ---- */

static void *condition_waiter(void *number)
{
	long result = futex(&condition, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, NULL, &word, 0);
	printf("waiter %ld: %s, owner %d\n", (long)number, result ? error_name(errno) : "woken", (word & FUTEX_TID_MASK) == tid());
	if (!result)
		futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void *shared_waiter(void *unused)
{
	(void)unused;
	show("shared waiter", futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &second, 0));
	return NULL;
}

#define REQUEUE(wake, move, to, value) futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, wake, (void *)(long)(move), to, value)

static void conditions(void)
{
	struct timespec until = in_ms(CLOCK_MONOTONIC, 10);
	pthread_t t[4];
	show("value differs", futex(&condition, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, NULL, &word, 0));
	show("same word", futex(&condition, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, NULL, &condition, 0));
	show("timeout", futex(&condition, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, &until, &word, 0));
	show("nobody", REQUEUE(1, 10, &word, 0));
	show("wakes two", REQUEUE(2, 10, &word, 0));
	show("compares", REQUEUE(1, 10, &word, 5));
	show("same word", REQUEUE(1, 10, &condition, 0));
	for (long i = 0; i < 4; i++) {
		pthread_create(&t[i], NULL, condition_waiter, (void *)i);
		nap_ms(5);
	}
	show("another lock", REQUEUE(1, 10, &second, 0));
	show("one gets it", REQUEUE(1, 0, &word, 0));
	nap_ms(10);
	show("lock", futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	show("two wait for it", REQUEUE(1, 1, &word, 0));
	show_word("word", word, tid());
	show("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
	nap_ms(10);
	show("the last", REQUEUE(1, 100, &word, 0));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	show_word("word", word, tid());
	pthread_create(&t[0], NULL, shared_waiter, NULL);
	nap_ms(5);
	show("wake of a shared one", futex(&condition, FUTEX_WAKE, 1, NULL, NULL, 0));
	show("requeue of a shared one", futex(&condition, FUTEX_REQUEUE, 0, (void *)1, &word, 0));
	show("moved", futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &second, 0));
	pthread_join(t[0], NULL);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		PART(results), PART(priorities), PART(inversion), PART(deadlock), PART(owner_ends), PART(interrupted), PART(mutexes), PART(robust),
		PART(conditions),
	};
	return RUN_PARTS(parts, argc, argv);
}

/*
 * Threads of glibc: locks under contention, waiting with limits, cancelling, robust and shared mutexes, fork and exec from a thread.
 *
 * calls: exit exit_group gettid set_robust_list set_tid_address
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define THREADS 50
#define ROUNDS  400

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;
static long count, turn;
static __thread long own;

static void *contender(void *argument)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		long seen = count;

		if (i % 16 == 0)
			sched_yield();
		count = seen + 1;
		pthread_mutex_unlock(&mutex);
		own++;
	}
	return (void *)(own == ROUNDS ? (long)argument : -1);
}

static void contend(void)
{
	pthread_t threads[THREADS];
	long sum = 0;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, contender, (void *)i))
			printf("no thread %ld\n", i);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		sum += (long)result;
	}
	printf("count %ld sum %ld\n", count, sum);
}

static void *turn_taker(void *argument)
{
	long me = (long)argument;

	for (int i = 0; i < 20; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 8 != me)
			pthread_cond_wait(&condition, &mutex);
		turn++;
		pthread_cond_broadcast(&condition);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void conditions(void)
{
	pthread_t threads[8];
	struct timespec limit;

	for (long i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, turn_taker, (void *)i);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	printf("turns %ld\n", turn);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_nsec += 20000000;
	if (limit.tv_nsec >= 1000000000)
		limit.tv_nsec -= 1000000000, limit.tv_sec++;
	pthread_mutex_lock(&mutex);
	printf("timed wait: %s\n", strerror(pthread_cond_timedwait(&condition, &mutex, &limit)));
	printf("timed lock: %s\n", strerror(pthread_mutex_timedlock(&mutex, &limit)));
	pthread_mutex_unlock(&mutex);
	sem_init(&semaphore, 0, 1);
	SHOW(sem_timedwait(&semaphore, &limit));
	SHOW(sem_timedwait(&semaphore, &limit));
}

static void *reader(void *argument)
{
	for (int i = 0; i < 200; i++) {
		pthread_rwlock_rdlock(&rwlock);
		if (count % 2)
			printf("a reader saw a half-done change\n");
		pthread_rwlock_unlock(&rwlock);
	}
	return argument;
}

static void *writer(void *argument)
{
	for (int i = 0; i < 200; i++) {
		pthread_rwlock_wrlock(&rwlock);
		count++;
		sched_yield();
		count++;
		pthread_rwlock_unlock(&rwlock);
	}
	return argument;
}

static void readers_writers(void)
{
	pthread_t threads[12];

	for (int i = 0; i < 12; i++)
		pthread_create(&threads[i], NULL, i % 4 ? reader : writer, NULL);
	for (int i = 0; i < 12; i++)
		pthread_join(threads[i], NULL);
	printf("count %ld\n", count);
}

static void cleanup(void *argument)
{
	printf("cleanup %s\n", (char *)argument);
}

static void *sleeper(void *argument)
{
	pthread_cleanup_push(cleanup, "of the sleeper");
	for (;;)
		sleep(1000);
	pthread_cleanup_pop(0);
	return argument;
}

static void *spinner(void *argument)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	pthread_cleanup_push(cleanup, "of the spinner");
	for (;;)
		__asm__ volatile("");
	pthread_cleanup_pop(0);
	return argument;
}

static void cancel(void)
{
	void *(*const kinds[])(void *) = { sleeper, spinner };

	for (int i = 0; i < 2; i++) {
		pthread_t thread;
		void *result;

		pthread_create(&thread, NULL, kinds[i], NULL);
		usleep(20000);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		printf("cancelled: %d\n", result == PTHREAD_CANCELED);
	}
}

static void *die_holding(void *argument)
{
	pthread_mutex_lock(argument);
	return NULL;
}

static void robust(void)
{
	pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attributes;
	pthread_t thread;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(shared, &attributes);
	pthread_create(&thread, NULL, die_holding, shared);
	pthread_join(thread, NULL);
	printf("after a dead thread: %s\n", strerror(pthread_mutex_lock(shared)));
	pthread_mutex_consistent(shared);
	pthread_mutex_unlock(shared);
	fflush(stdout);
	if (!fork()) {
		pthread_mutex_lock(shared);
		usleep(50000);
		raise(SIGKILL);
	}
	usleep(10000);
	printf("after a killed process: %s\n", strerror(pthread_mutex_lock(shared)));
	wait(NULL);
}

static void shared(void)
{
	struct both {
		sem_t there, back;
		int value;
	} *both = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	sem_init(&both->there, 1, 0);
	sem_init(&both->back, 1, 0);
	fflush(stdout);
	if (!fork()) {
		for (int i = 0; i < 100; i++) {
			sem_wait(&both->there);
			both->value++;
			sem_post(&both->back);
		}
		_exit(0);
	}
	for (int i = 0; i < 100; i++) {
		both->value++;
		sem_post(&both->there);
		sem_wait(&both->back);
	}
	wait(NULL);
	printf("value %d\n", both->value);
}

static void *forker(void *argument)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(getpid() == syscall(SYS_gettid) ? 4 : 5);
	waitpid(pid, &status, 0);
	printf("child of a thread: exit %d\n", WEXITSTATUS(status));
	return argument;
}

static void *execer(void *argument)
{
	execl("/bin/sh", "sh", "-c", "echo exec from a thread; exit 6", (char *)0);
	return argument;
}

static void processes(void)
{
	pthread_t thread, other;
	int status;

	pthread_create(&thread, NULL, forker, NULL);
	pthread_join(thread, NULL);
	fflush(stdout);
	if (!fork()) {
		pthread_create(&other, NULL, sleeper, NULL);
		pthread_create(&thread, NULL, execer, NULL);
		for (;;)
			pause();
	}
	wait(&status);
	printf("exit %d\n", WEXITSTATUS(status));
	fflush(stdout);
	if (!fork()) {
		pthread_create(&thread, NULL, sleeper, NULL);
		exit(9);
	}
	wait(&status);
	printf("exit %d\n", WEXITSTATUS(status));
}

static void *quick(void *argument)
{
	return argument;
}

static void many(void)
{
	pthread_attr_t small;
	int made = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN + 8192);
	for (int i = 0; i < 500; i++) {
		pthread_t thread;
		void *result;

		if (pthread_create(&thread, &small, quick, &made))
			break;
		pthread_join(thread, &result);
		made += result == &made;
	}
	printf("made %d\n", made);
}

static volatile int caught;
static volatile pid_t caught_by;

static void handler(int signal)
{
	(void)signal;
	caught_by = (pid_t)syscall(SYS_gettid);
	caught++;
}

static void *waiter(void *argument)
{
	pthread_barrier_wait(&barrier);
	while (!caught)
		usleep(1000);
	*(pid_t *)argument = (pid_t)syscall(SYS_gettid);
	return NULL;
}

static void signals(void)
{
	struct sigaction a = { .sa_handler = handler };
	sigset_t set;
	pthread_t thread;
	pid_t tid = 0;
	int signal;

	sigaction(SIGUSR1, &a, NULL);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, waiter, &tid);
	pthread_barrier_wait(&barrier);
	SHOW(pthread_kill(thread, SIGUSR1));
	pthread_join(thread, NULL);
	printf("caught %d, by the thread: %d\n", caught, caught_by == tid);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	caught = 0;
	kill(getpid(), SIGUSR1);
	usleep(1000);
	printf("caught %d while blocked\n", caught);
	sigwait(&set, &signal);
	printf("sigwait: %d\n", signal == SIGUSR1);
	/* blocked here: a new thread that unblocks it gets the process's signal */
	pthread_create(&thread, NULL, quick, NULL);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "contend", contend }, { "conditions", conditions }, { "readers_writers", readers_writers }, { "cancel", cancel },
		{ "robust", robust }, { "shared", shared }, { "processes", processes }, { "many", many }, { "signals", signals },
	};

	return run_parts(parts, sizeof(parts) / sizeof(*parts), argc, argv);
}

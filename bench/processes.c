/* Rows of processes and threads. */
#include <linux/futex.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/rows.h"

#define PROGRAM "/bench/true"

static char *const program_arguments[] = { PROGRAM, NULL };
extern char **environ;

static void wait_for(pid_t pid)
{
	int status;

	MUST(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static unsigned long row_fork(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		wait_for(pid);
	}
	return ticks() - start;
}

static unsigned long row_fork_exec(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execve(PROGRAM, program_arguments, environ);
			_exit(127);
		}
		wait_for(pid);
	}
	return ticks() - start;
}

static pid_t vfork_program(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execve(PROGRAM, program_arguments, environ);
		_exit(127);
	}
	return pid;
}

static unsigned long row_vfork_exec(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++)
		wait_for(vfork_program());
	return ticks() - start;
}

static unsigned long row_spawn(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++) {
		pid_t pid = 0;

		MUST(posix_spawn(&pid, PROGRAM, NULL, NULL, program_arguments, environ) == 0);
		wait_for(pid);
	}
	return ticks() - start;
}

static void *nothing(void *argument)
{
	return argument;
}

static unsigned long row_thread(unsigned n)
{
	unsigned long start = ticks();

	for (unsigned i = 0; i < n; i++) {
		pthread_t thread;

		MUST(pthread_create(&thread, NULL, nothing, NULL) == 0);
		MUST(pthread_join(thread, NULL) == 0);
	}
	return ticks() - start;
}

static struct {
	pthread_mutex_t lock;
	pthread_cond_t turned;
	unsigned turn, left;
} game = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

static void play(unsigned me)
{
	pthread_mutex_lock(&game.lock);
	while (game.left) {
		if (game.turn == me) {
			game.turn = !me;
			game.left--;
			pthread_cond_signal(&game.turned);
		} else {
			pthread_cond_wait(&game.turned, &game.lock);
		}
	}
	pthread_cond_signal(&game.turned);
	pthread_mutex_unlock(&game.lock);
}

static void *second_player(void *argument)
{
	play(1);
	return argument;
}

static unsigned long row_condition(unsigned n)
{
	pthread_t thread;

	game.left = 2 * n;
	game.turn = 0;
	MUST(pthread_create(&thread, NULL, second_player, NULL) == 0);
	unsigned long start = ticks();
	play(0);
	start = ticks() - start;
	MUST(pthread_join(thread, NULL) == 0);
	return start;
}

/* A word for each way, 1: it has come. */
static atomic_uint words[2];

static void give(atomic_uint *word)
{
	atomic_store(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void await(atomic_uint *word)
{
	while (!atomic_load(word))
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	atomic_store(word, 0);
}

static void *give_back(void *count)
{
	for (unsigned i = *(unsigned *)count; i; i--) {
		await(&words[0]);
		give(&words[1]);
	}
	return NULL;
}

static unsigned long row_futex(unsigned n)
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, give_back, &n) == 0);
	unsigned long start = ticks();
	for (unsigned i = 0; i < n; i++) {
		give(&words[0]);
		await(&words[1]);
	}
	start = ticks() - start;
	MUST(pthread_join(thread, NULL) == 0);
	return start;
}

const struct row process_rows[] = {
	{ "fork", "fork + exit + wait", 100, row_fork },
	{ "fork-exec", "fork + exec of a static program + wait", 50, row_fork_exec },
	{ "vfork-exec", "vfork + exec of a static program + wait", 50, row_vfork_exec },
	{ "spawn", "posix_spawn of a static program + wait", 50, row_spawn },
	{ "thread", "pthread_create + join", 100, row_thread },
	{ "futex", "futex round trip, 2 threads", 1000, row_futex },
	{ "condition", "condition variable round trip, 2 threads", 1000, row_condition },
	{ 0 },
};

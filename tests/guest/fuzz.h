/*
 * What the fuzzers share: choices that a seed fixes, and cells. A cell is a process that does something hostile for one seed, as a user and in a
 * session and directory of its own, under limits, so that only kill -1 and the like of its own user can end it. Afterwards nothing of it is left:
 * its user's processes are killed, its files, System V objects and message queues are removed.
 */
#ifndef TESTS_GUEST_FUZZ_H
#define TESTS_GUEST_FUZZ_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <mqueue.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/objects.h"

#define FUZZ_PLACE "/tmp/fuzz"
#define FUZZ_QUEUE "/fuzz"
#define FUZZ_USER  20000 /* and the ones behind it */
#define FUZZ_USERS 500
#define TICK_MS    2
#define TICKS_STILL 8    /* without a call before the cell is killed; each but the first brings a signal */
#define TICKS_MAX   1000 /* a cell's whole life */
#define TICKS_DYING 2000 /* what was killed is gone by then, or will never be */

/* ---- choices ---- */

static __thread uint64_t fuzz_state;

static inline void fuzz_seed(uint64_t seed)
{
	fuzz_state = (seed + 1) * 0x9e3779b97f4a7c15ul;
	if (!fuzz_state)
		fuzz_state = 1;
}

static inline uint64_t any(uint64_t below)
{
	fuzz_state ^= fuzz_state << 13;
	fuzz_state ^= fuzz_state >> 7;
	fuzz_state ^= fuzz_state << 17;
	return below ? (fuzz_state >> 3) % below : 0;
}

static inline uint64_t any_bits(void)
{
	uint64_t high = any(1ul << 32);

	return high << 32 | any(1ul << 32);
}

#define ONE_OF(array) ((array)[any(sizeof(array) / sizeof *(array))])

/* ---- cells ---- */

/* Seen by the cell, whose calls it counts, and by the process that watches over it. */
struct fuzz_progress {
	volatile unsigned long calls; /* of all cells */
	volatile unsigned long beats; /* a cell lives that makes none */
	volatile unsigned long seed;
};
static struct fuzz_progress *fuzz_progress;
static unsigned fuzz_failures;

static inline void fuzz_begin(void)
{
	fuzz_progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fuzz_progress == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		printf("FAIL fuzz: cannot begin: %s\n", strerror(errno));
		exit(2);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static inline void fuzz_fail(uint64_t seed, const char *what)
{
	printf("FAIL seed %lu: %s\n", seed, what);
	fuzz_failures++;
}

static inline void pause_ms(unsigned ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000ul };

	nanosleep(&time, NULL);
}

static inline void limit(int resource, unsigned long most)
{
	struct rlimit r = { most, most };

	setrlimit(resource, &r);
}

static inline uid_t fuzz_user(uint64_t seed)
{
	return FUZZ_USER + seed % FUZZ_USERS;
}

static inline void cell_confine(uint64_t seed)
{
	uid_t user = fuzz_user(seed);

	setsid();
	limit(RLIMIT_NPROC, 12);
	limit(RLIMIT_AS, 256ul << 20);
	limit(RLIMIT_FSIZE, 4ul << 20);
	limit(RLIMIT_MEMLOCK, 1ul << 20);
	limit(RLIMIT_CORE, 0);
	if (mkdir(FUZZ_PLACE, 0777) || chdir(FUZZ_PLACE) || setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user))
		_exit(125);
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path) && 0;
}

/* Objects that live until they are removed. Only cells make any. */
static inline void remove_objects(void)
{
	struct shmid_ds segment;
	struct semid_ds set;
	struct msqid_ds queue;
	int highest, id;

	highest = shmctl(0, SHM_INFO, (void *)&segment);
	for (int i = 0; i <= highest; i++)
		if ((id = shmctl(i, SHM_STAT, &segment)) >= 0)
			shmctl(id, IPC_RMID, NULL);
	highest = semctl(0, 0, SEM_INFO, &(struct seminfo){ 0 });
	for (int i = 0; i <= highest; i++)
		if ((id = semctl(i, 0, SEM_STAT, &set)) >= 0)
			semctl(id, 0, IPC_RMID);
	highest = msgctl(0, MSG_INFO, (void *)&(struct msginfo){ 0 });
	for (int i = 0; i <= highest; i++)
		if ((id = msgctl(i, MSG_STAT, &queue)) >= 0)
			msgctl(id, IPC_RMID, NULL);
	mq_unlink(FUZZ_QUEUE);
}

static inline void kill_user(uid_t user)
{
	pid_t pid = fork();

	if (pid == 0) {
		setresuid(user, user, user);
		kill(-1, SIGKILL);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* What /proc says of the processes that are left. */
static inline void show_processes(void)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		char path[300], text[100] = "";
		int fd;

		if (atoi(entry->d_name) <= getpid())
			continue;
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		fd = open(path, O_RDONLY);
		(void)!read(fd, text, sizeof text - 1);
		close(fd);
		printf("  %s\n", text);
	}
	if (directory)
		closedir(directory);
}

/* All that the cell started is this process's children by now. */
static inline void cell_end(uint64_t seed)
{
	pid_t pid = 0;

	kill_user(fuzz_user(seed));
	for (int ticks = 0; (pid = waitpid(-1, NULL, WNOHANG)) >= 0 && ticks < TICKS_DYING; ticks += !pid)
		if (!pid)
			pause_ms(TICK_MS);
	if (pid >= 0) {
		fuzz_fail(seed, "a process of it does not die when it is killed");
		show_processes();
		exit(1); /* it would be found after each seed that follows */
	}
	/* It may have moved its place. */
	nftw("/tmp", remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	mkdir("/tmp", 01777);
	remove_objects();
}

/* A call that waits is ended by a signal; a cell that has blocked it, or waits for good, by another. */
static inline void cell_watch(pid_t cell)
{
	unsigned long before = fuzz_progress->calls + fuzz_progress->beats;

	for (int ticks = 0, still = 0; ticks < TICKS_MAX && still < TICKS_STILL; ticks++) {
		int status;

		if (waitpid(cell, &status, WNOHANG) == cell)
			return;
		pause_ms(TICK_MS);
		still = before == fuzz_progress->calls + fuzz_progress->beats ? still + 1 : 0;
		before = fuzz_progress->calls + fuzz_progress->beats;
		if (still > 1)
			kill(cell, SIGUSR1);
	}
	kill(cell, SIGKILL);
}

/* What another process does as long as a cell lives, if there is something. */
static void (*fuzz_companion)(void);

static inline pid_t companion_start(uint64_t seed)
{
	pid_t pid = fuzz_companion ? fork() : -1;

	if (pid == 0) {
		fuzz_seed(~seed);
		fuzz_companion();
		_exit(0);
	}
	return pid;
}

/* Does `work` for the seed in a cell. */
static inline void cell_run(uint64_t seed, void (*work)(uint64_t))
{
	pid_t cell, companion = companion_start(seed);

	fuzz_progress->seed = seed;
	cell = fork();
	if (cell == 0) {
		fuzz_seed(seed);
		cell_confine(seed);
		work(seed);
		_exit(0);
	}
	if (cell > 0)
		cell_watch(cell);
	else
		fuzz_fail(seed, "cannot fork");
	if (companion > 0)
		kill(companion, SIGKILL);
	cell_end(seed);
}

/* ---- a range of seeds ---- */

struct fuzz_range {
	uint64_t next, end;
	unsigned chunk; /* seeds between two looks at what is left behind */
	void (*work)(uint64_t);
	void (*after)(void); /* each chunk, if there is something to be done */
};

/* Says each seed before it is tried, so that the last one said is that of a system that died. */
static inline void fuzz_chunk(void *context)
{
	struct fuzz_range *range = context;

	for (unsigned i = 0; i < range->chunk && range->next < range->end; i++) {
		printf("seed %lu %lu\n", range->next, fuzz_progress->calls);
		cell_run(range->next++, range->work);
	}
	if (range->after)
		range->after();
}

/* Whether what the cells leave behind stays bounded: there is always one more run with other seeds that adds nothing. */
static inline void fuzz_watch(struct fuzz_range *range)
{
	char name[64];

	use_all_principals();
	fuzz_chunk(range); /* every service has been used once */
	while (range->next < range->end) {
		snprintf(name, sizeof name, "objects after seed %lu", range->next);
		fuzz_failures += !leaves_nothing_within(RUNS_MAX, name, fuzz_chunk, range);
	}
}

/* main of a fuzzer: NAME FIRST-SEED SEEDS [CHUNK]. With a chunk it is also told whether the seeds leave something behind; for UX/RT only. */
static inline int fuzz_main(int argc, char **argv, void (*work)(uint64_t))
{
	struct fuzz_range range = { .next = argc > 1 ? strtoul(argv[1], NULL, 0) : 1, .chunk = argc > 3 ? atoi(argv[3]) : 0, .work = work };

	range.end = range.next + (argc > 2 ? atoi(argv[2]) : 1);
	fuzz_begin();
	if (range.chunk) {
		fuzz_watch(&range);
	} else {
		range.chunk = range.end - range.next;
		fuzz_chunk(&range);
	}
	printf("calls %lu\n", fuzz_progress->calls);
	return fuzz_failures != 0;
}

#endif

/* Resource limits that are kept: what fails, with what, and what still goes. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

#define MIB (1l << 20)

static void limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit l = { soft, hard };

	if (setrlimit(resource, &l))
		printf("cannot set limit %d: %s\n", resource, strerror(errno));
}

static void map_tries(void)
{
	void *p;
	int fd = open("/proc/self/exe", O_RDONLY);

	OK((long)(p = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	OK((long)mmap(p, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	OK((long)mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK((long)mmap(NULL, 64 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK((long)mmap(NULL, 64 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	OK((long)mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	OK((long)mmap(NULL, 64 * MIB, PROT_READ, MAP_PRIVATE, fd, 0));
	OK((long)mremap(p, 4 * MIB, 64 * MIB, MREMAP_MAYMOVE));
	OK((long)mremap(p, 4 * MIB, 2 * MIB, 0));
	OK((long)sbrk(64 * MIB));
	OK((long)sbrk(MIB));
}

static void address_space(void)
{
	limit(RLIMIT_AS, 40 * MIB, 40 * MIB);
	map_tries();
}

static void data(void)
{
	limit(RLIMIT_DATA, 30 * MIB, 30 * MIB);
	map_tries();
}

static void data_protect(void)
{
	char *p;

	limit(RLIMIT_DATA, 30 * MIB, 30 * MIB);
	p = mmap(NULL, 64 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	OK(p == MAP_FAILED ? -1 : 0);
	SHOW(mprotect(p, 64 * MIB, PROT_READ | PROT_WRITE));
	SHOW(mprotect(p, MIB, PROT_READ | PROT_WRITE));
	SHOW(mprotect(p, MIB, PROT_READ));
}

static void memory(void)
{
	apart(address_space);
	apart(data);
	apart(data_protect);
}

/* ---- tasks ---- */

static void *nothing(void *arg)
{
	pause();
	return arg;
}

static int thread_tries(void)
{
	pthread_t thread;
	int error = 0, made = 0;

	while (made < 20 && !(error = pthread_create(&thread, NULL, nothing, NULL)))
		made++;
	printf("%d threads, then %s\n", made, strerror(error));
	return made;
}

static void tasks_of_user(void)
{
	setresuid(1234, 1234, 1234);
	limit(RLIMIT_NPROC, 5, 5);
	thread_tries();
	SHOW(fork());
}

static void tasks_of_root(void)
{
	limit(RLIMIT_NPROC, 5, 5);
	thread_tries();
}

static void forks_of_user(void)
{
	int made = 0;
	pid_t pid;

	setresuid(1235, 1235, 1235);
	limit(RLIMIT_NPROC, 4, 4);
	while (made < 20 && (pid = fork()) > 0)
		made++;
	if (!pid) {
		pause();
		_exit(0);
	}
	printf("%d children, then %s\n", made, strerror(errno));
	/* the dead count until they have been waited for */
	kill(0, SIGCONT);
	signal(SIGTERM, SIG_IGN);
	kill(-getpid(), SIGTERM);
	SHOW(fork());
	while (wait(NULL) > 0)
		;
	pid = fork();
	if (!pid)
		_exit(0);
	printf("after waiting: %s\n", pid > 0 ? "a child" : strerror(errno));
	wait(NULL);
}

static void forks_of_user_group(void)
{
	setpgid(0, 0);
	forks_of_user();
}

/* setuid goes through with too many tasks; exec then does not. */
static void exec_of_many(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	pipe(ready);
	for (int i = 0; i < 3; i++)
		if (!fork()) {
			setresuid(1236, 1236, 1236);
			write(ready[1], "", 1);
			pause();
			_exit(0);
		}
	for (int i = 0; i < 3; i++)
		read(ready[0], &byte, 1);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		limit(RLIMIT_NPROC, 2, 2);
		SHOW(setresuid(1236, 1236, 1236));
		SHOW(execl("/bin/true", "true", (char *)NULL));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
}

static void exec_of_many_group(void)
{
	setpgid(0, 0);
	exec_of_many();
}

static void tasks(void)
{
	apart(tasks_of_user);
	apart(tasks_of_root);
	apart(forks_of_user_group);
	apart(exec_of_many_group);
}

/* ---- CPU time ---- */

static volatile sig_atomic_t told;

static void told_so(int signal)
{
	(void)signal;
	told++;
}

static void burn_until(int times)
{
	struct timespec start, now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while (told < times && now.tv_sec - start.tv_sec < 4);
}

static void cpu_told(void)
{
	struct rlimit now;

	signal(SIGXCPU, told_so);
	limit(RLIMIT_CPU, 0, RLIM_INFINITY);
	burn_until(1);
	getrlimit(RLIMIT_CPU, &now);
	printf("told %d, limit now %ld\n", told, (long)now.rlim_cur);
}

static void cpu_ended(void)
{
	limit(RLIMIT_CPU, 0, RLIM_INFINITY);
	burn_until(1);
	printf("not ended\n");
}

static void cpu_killed(void)
{
	signal(SIGXCPU, SIG_IGN);
	limit(RLIMIT_CPU, 0, 0);
	burn_until(1);
	printf("not killed\n");
}

static void cpu_of_child(void)
{
	limit(RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY);
	signal(SIGXCPU, SIG_IGN);
	limit(RLIMIT_CPU, 0, RLIM_INFINITY);
	signal(SIGXCPU, SIG_DFL);
	apart(cpu_ended);
}

static void cpu(void)
{
	apart(cpu_told);
	apart(cpu_ended);
	apart(cpu_killed);
	apart(cpu_of_child);
}

/* ---- queued signals ---- */

static void pending(void)
{
	union sigval value = { .sival_int = 1 };
	sigset_t set;
	siginfo_t info;
	struct timespec now = { 0 };

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	limit(RLIMIT_SIGPENDING, 2, 2);
	for (int i = 0; i < 3; i++)
		SHOW(sigqueue(getpid(), SIGRTMIN, value));
	SHOW(kill(getpid(), SIGRTMIN + 1));
	SHOW(kill(getpid(), SIGUSR1));
	while (sigtimedwait(&set, &info, &now) > 0)
		printf("signal %d, code %d\n", info.si_signo, info.si_code);
	SHOW(sigqueue(getpid(), SIGRTMIN, value));
}

static void signals(void)
{
	apart(pending);
}

/* ---- stack ---- */

static int deeper(int levels)
{
	volatile char room[16384];

	room[0] = levels;
	return levels ? deeper(levels - 1) + room[0] : 0;
}

static void stack_small(void)
{
	limit(RLIMIT_STACK, 256 << 10, RLIM_INFINITY);
	deeper(8);
	printf("eight levels went\n");
	fflush(stdout);
	deeper(60);
	printf("sixty levels went\n");
}

static void stack(void)
{
	apart(stack_small);
}

/* ---- sizes of files ---- */

static volatile sig_atomic_t too_large;

static void count_too_large(int number)
{
	too_large += number == SIGXFSZ;
}

static void allocate_tries(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);

	SHOW(ftruncate(fd, 3000));
	signal(SIGXFSZ, count_too_large);
	limit(RLIMIT_FSIZE, 2000, RLIM_INFINITY);
	SHOW(fallocate(fd, 0, 0, 2000));
	SHOW(fallocate(fd, 0, 2500, 500));
	printf("signals %d\n", too_large);
	SHOW(fallocate(fd, 0, 2500, 501));
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 1));
	printf("signals %d\n", too_large);
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 8192, 1));
	SHOW(ftruncate(fd, 100));
	SHOW(fallocate(fd, 0, 0, 1999));
	SHOW(lseek(fd, 0, SEEK_END));
	printf("signals %d\n", too_large);
	signal(SIGXFSZ, SIG_DFL);
	fallocate(fd, 0, 0, 2001);
	printf("still here\n");
}

static void allocate(void)
{
	apart(allocate_tries);
}

static const struct part parts[] = { { "memory", memory }, { "tasks", tasks }, { "cpu", cpu }, { "signals", signals }, { "stack", stack },
	{ "allocate", allocate } };

int main(int argc, char **argv)
{
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}

/*
 * What Linux refuses and in which order it looks, and what it makes of arguments that few programs give.
 * calls: adjtimex arch_prctl clock_adjtime clone epoll_ctl fcntl fsync futex getpgid kill mmap msync personality prctl rt_sigqueueinfo select timer_settime unshare
 */
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/guest/show.h"

#define PAGE 4096l
#define SHOW_MAP(...) show_ok("mmap(" #__VA_ARGS__ ")", (long)mmap(__VA_ARGS__))

/* ---- epoll ---- */

static int add(int instance, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(instance, EPOLL_CTL_ADD, fd, &event);
}

static void nesting(void)
{
	int e[7];

	for (int i = 0; i < 7; i++)
		e[i] = epoll_create1(0);
	SHOW(add(e[0], e[0]));
	SHOW(add(e[0], e[1]));
	SHOW(add(e[1], e[0]));
	SHOW(add(e[1], e[2]));
	SHOW(add(e[2], e[3]));
	SHOW(add(e[3], e[4]));
	SHOW(add(e[4], e[5]));
	SHOW(add(e[6], e[0]));
	SHOW(add(e[4], e[0]));
	SHOW(add(e[0], e[4]));
	SHOW(add(e[0], e[1]));
	SHOW(epoll_ctl(e[2], EPOLL_CTL_DEL, e[3], NULL));
	SHOW(add(e[6], e[0]));
	close(e[4]);
	SHOW(add(e[3], e[6]));
}

static void not_waited_for(void)
{
	static const char *const paths[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/proc/self/status", "/tmp", "/dev/ptmx" };
	int instance = epoll_create1(0);

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		show(paths[i], add(instance, open(paths[i], O_RDONLY | O_NOCTTY)));
}

/* ---- memory ---- */

static void mmap_errors(void)
{
	int none = -1, reader, writer = open("mapped", O_CREAT | O_RDWR, 0600), all;

	ftruncate(writer, PAGE);
	close(writer);
	reader = open("mapped", O_RDONLY);
	writer = open("mapped", O_WRONLY);
	all = open("mapped", O_RDWR);
	SHOW_MAP(NULL, 0, PROT_READ, MAP_SHARED, none, 0);
	SHOW_MAP(NULL, 0, PROT_READ, MAP_SHARED, none, 1);
	SHOW_MAP(NULL, 0, PROT_READ, MAP_SHARED, writer, 0);
	SHOW_MAP(NULL, PAGE, PROT_READ, 0, writer, 0);
	SHOW_MAP(NULL, PAGE, PROT_READ, MAP_SHARED, writer, 0);
	SHOW_MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0);
	SHOW_MAP(NULL, PAGE, PROT_WRITE, MAP_SHARED, reader, 0);
	SHOW_MAP(NULL, PAGE, PROT_WRITE, MAP_PRIVATE, reader, 0);
	SHOW_MAP(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 1 << 10, all, 0);
	SHOW_MAP(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, all, 0);
	SHOW_MAP(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_NORESERVE | MAP_POPULATE, all, 0);
	SHOW_MAP(NULL, PAGE, PROT_READ, MAP_SHARED | 1 << 10, all, 0);
}

/* The number behind a word of a /proc file, the first after `where`. */
static long number_of(const char *path, const char *where, const char *name)
{
	char line[512];
	long value = -1;
	FILE *file = fopen(path, "r");
	int there = !where;

	while (file && fgets(line, sizeof line, file)) {
		there |= where && !strncmp(line, where, strlen(where));
		if (there && !strncmp(line, name, strlen(name))) {
			value = atol(line + strlen(name));
			break;
		}
	}
	if (file)
		fclose(file);
	return value;
}

static void locked_memory(void)
{
	char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), where[32];

	snprintf(where, sizeof where, "%08lx-", (long)at + PAGE);
	SHOW(number_of("/proc/self/status", NULL, "VmLck:"));
	SHOW(mlock(at + PAGE, 2 * PAGE));
	SHOW(number_of("/proc/self/status", NULL, "VmLck:"));
	SHOW(number_of("/proc/self/smaps", where, "Locked:"));
	SHOW(msync(at, 4 * PAGE, MS_SYNC));
	SHOW(msync(at, 4 * PAGE, MS_SYNC | MS_INVALIDATE));
	SHOW(msync(at, PAGE, MS_SYNC | MS_INVALIDATE));
	SHOW(munlock(at + PAGE, PAGE));
	SHOW(number_of("/proc/self/status", NULL, "VmLck:"));
	SHOW(munlockall());
	SHOW(number_of("/proc/self/status", NULL, "VmLck:"));
	SHOW(msync(at, 4 * PAGE, MS_SYNC | MS_INVALIDATE));
}

static volatile sig_atomic_t over;

static void overrun(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	over = info->si_overrun;
}

/* A timer set to begin in the past has passed all the intervals since. */
static void late_timers(void)
{
	struct sigaction action = { .sa_sigaction = overrun, .sa_flags = SA_SIGINFO };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec when = { .it_interval.tv_sec = 10 }, left;
	timer_t timer;

	sigaction(SIGUSR1, &action, NULL);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	sleep(1);
	clock_gettime(CLOCK_MONOTONIC, &when.it_value);
	when.it_value.tv_sec -= 1;
	when.it_interval = (struct timespec){ 0, 300000000 };
	SHOW(timer_settime(timer, TIMER_ABSTIME, &when, NULL));
	show("its overruns", over);
	show("and as they are asked for", timer_getoverrun(timer));
	timer_gettime(timer, &left);
	show("left, in 100 ms", (left.it_value.tv_nsec + 50000000) / 100000000);
}

/* Only futexes that processes may share are looked for in memory. */
static void futexes(void)
{
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *there = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = open("short", O_CREAT | O_RDWR, 0600);
	char *behind = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	SHOW(syscall(SYS_futex, none, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(syscall(SYS_futex, none, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(syscall(SYS_futex, behind, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(syscall(SYS_futex, there, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(syscall(SYS_futex, there + 1, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(syscall(SYS_futex, there, FUTEX_CMP_REQUEUE, 1, 1, none, 0));
	SHOW(syscall(SYS_futex, none, FUTEX_CMP_REQUEUE, 1, 1, there, 0));
	SHOW(syscall(SYS_futex, there, FUTEX_REQUEUE, 1, 1, there + 4, 0));
}

static void show_timex(const char *call, long result, const struct timex *x)
{
	show(call, result);
	if (result >= 0)
		printf("  modes %x offset %ld freq %ld errors %ld %ld status %x constant %ld precision %ld tolerance %ld tick %ld tai %d time %s\n", x->modes,
		       x->offset, x->freq, x->maxerror, x->esterror, x->status, x->constant, x->precision, x->tolerance, x->tick, x->tai,
		       labs(x->time.tv_sec - time(NULL)) <= 1 && x->time.tv_usec < 1000000 ? "now" : "another");
}

static void steer(int clock, unsigned modes, long tick)
{
	struct timex x = { .modes = modes, .tick = tick, .offset = 1234 };
	char call[64];

	snprintf(call, sizeof call, "clock_adjtime(%d, modes %x)", clock, modes);
	show_timex(call, syscall(SYS_clock_adjtime, clock, &x), &x);
}

/* The clock is read by all; who would steer it must be allowed to. */
static void steering(void)
{
	struct timex x = { .modes = 0 };

	show_timex("adjtimex", syscall(SYS_adjtimex, &x), &x);
	steer(CLOCK_REALTIME, 0, 0);
	steer(CLOCK_REALTIME, 0xa001, 0); /* ADJ_OFFSET_SS_READ */
	steer(CLOCK_REALTIME, 0x8000, 0);
	steer(CLOCK_REALTIME, 0xa000, 0);
	steer(CLOCK_REALTIME, ADJ_TICK, 8999);
	steer(CLOCK_REALTIME, ADJ_TICK, 11001);
	steer(CLOCK_MONOTONIC, 0, 0);
	steer(CLOCK_PROCESS_CPUTIME_ID, 0, 0);
	steer(77, 0, 0);
	SHOW(syscall(SYS_adjtimex, 8));
	SHOW(syscall(SYS_clock_adjtime, 77, 8));
	SHOW(syscall(SYS_setresuid, 1000, 1000, 1000));
	steer(CLOCK_REALTIME, 0, 0);
	steer(CLOCK_REALTIME, 0xa001, 0);
	steer(CLOCK_REALTIME, 0x8001, 0);
	steer(CLOCK_REALTIME, ADJ_TICK, 8999);
	steer(CLOCK_REALTIME, ADJ_STATUS, 0);
}

/* ---- processes ---- */

static void on_the_stack(int signal, siginfo_t *info, void *context)
{
	(void)context;
	printf("signal %d, code %x\n", signal, info->si_code);
}

/* A handler whose stack cannot take the frame does not run; SIGSEGV's does, on the stack that there is. */
static void broken_stack(void)
{
	struct sigaction on_alternate = { .sa_sigaction = on_the_stack, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct sigaction on_this = { .sa_sigaction = on_the_stack, .sa_flags = SA_SIGINFO };
	stack_t stack = { .ss_sp = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = 8 * PAGE };

	sigaltstack(&stack, NULL);
	sigaction(SIGHUP, &on_alternate, NULL);
	sigaction(SIGSEGV, &on_this, NULL);
	SHOW(raise(SIGHUP));
	mprotect(stack.ss_sp, stack.ss_size, PROT_READ | PROT_WRITE);
	SHOW(raise(SIGHUP));
	mprotect(stack.ss_sp, stack.ss_size, PROT_READ);
	sigaction(SIGSEGV, &on_alternate, NULL);
	fflush(stdout);
	raise(SIGHUP);
	printf("still here\n");
}

static void broken_stacks(void)
{
	apart(broken_stack);
}

static pid_t worker; /* a thread's id */
static int told[2];  /* the worker has begun */

static void *work(void *unused)
{
	worker = (pid_t)syscall(SYS_gettid);
	write(told[1], "", 1);
	for (;;)
		pause();
	return unused;
}

static void caught(int signal, siginfo_t *info, void *context)
{
	(void)context;
	printf("signal %d, code %d, value %d\n", signal, info->si_code, info->si_value.sival_int);
}

/* Calls that take a process's id take a thread's, too, and mean its process. */
static void threads_for_processes(void)
{
	struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_code = SI_QUEUE };
	struct rlimit limit;
	pthread_t thread;
	sigset_t set;
	char byte;

	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pipe(told);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pthread_create(&thread, NULL, work, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	read(told[0], &byte, 1);
	info.si_value.sival_int = 77;
	SHOW(kill(worker, 0));
	SHOW(syscall(SYS_rt_sigqueueinfo, worker, SIGUSR1, &info));
	show("its group", getpgid(worker) - getpgrp());
	show("its session", getsid(worker) - getsid(0));
	SHOW(prlimit(worker, RLIMIT_CORE, NULL, &limit));
}

static void ignored_children(void)
{
	struct rusage usage;

	signal(SIGCHLD, SIG_IGN);
	if (!fork()) {
		memset(malloc(32 << 20), 1, 32 << 20);
		_exit(0);
	}
	SHOW(wait(NULL));
	getrusage(RUSAGE_CHILDREN, &usage);
	show("memory of children", usage.ru_maxrss);
	show("faults of children", usage.ru_minflt);
}

static void name_spaces(void)
{
	SHOW(syscall(SYS_setresuid, 1000, 1000, 1000));
	SHOW(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
	SHOW(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
	SHOW(syscall(SYS_clone, CLONE_NEWNET | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
	SHOW(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
	SHOW(syscall(SYS_clone, CLONE_NEWIPC | CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
	SHOW(unshare(CLONE_NEWNS));
	SHOW(unshare(CLONE_NEWIPC | CLONE_FILES));
	SHOW(unshare(0x80)); /* CLONE_NEWTIME */
	SHOW(unshare(0x8000));
}

static void show_machine(void)
{
	struct utsname name;

	uname(&name);
	printf("%s, release begins with %.4s\n", name.machine, name.release);
}

/* What the call leaves of the time it was given. */
static void select_time(void)
{
	struct timeval time = { 0, 20000 };

	SHOW(select(0, NULL, NULL, NULL, &time));
	show("left", time.tv_usec);
}

static void personalities(void)
{
	SHOW(personality(0xffffffff));
	select_time();
	SHOW(personality(STICKY_TIMEOUTS));
	select_time();
	SHOW(personality(PER_LINUX32));
	show_machine();
	SHOW(personality(UNAME26));
	show_machine();
	SHOW(personality(PER_SOLARIS));
	SHOW(personality(PER_LINUX));
	show_machine();
	SHOW(personality(0xffffffff));
}

static void options(void)
{
	SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	SHOW(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
	SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 1));
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0));
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0));
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0));
}

/* ---- files ---- */

static void show_mode(const char *when)
{
	struct stat st;

	stat("owned", &st);
	printf("%s: %o\n", when, st.st_mode);
}

/* A new owner has no use for the old one's set-id bits. */
static void set_id_bits(void)
{
	int fd = open("owned", O_CREAT | O_RDWR, 0600);

	fchmod(fd, 06755);
	SHOW(chown("owned", 5, 6));
	show_mode("after chown");
	fchmod(fd, 06755);
	SHOW(fchown(fd, -1, -1));
	show_mode("after fchown to nobody");
	fchmod(fd, 06711);
	SHOW(lchown("owned", -1, 9));
	show_mode("after lchown");
	fchmod(fd, 02644);
	SHOW(chown("owned", 7, 7));
	show_mode("set-gid that is no execution");
	unlink("owned");
	mkdir("owned", 0755);
	chmod("owned", 06755);
	SHOW(chown("owned", 5, 6));
	show_mode("a directory");
}

/* F_GETLK of a free range changes the type alone. */
static void free_ranges(void)
{
	int fd = open("locked", O_CREAT | O_RDWR, 0600);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 7, .l_len = -3, .l_pid = 5 };

	lseek(fd, 10, SEEK_SET);
	SHOW(fcntl(fd, F_GETLK, &l));
	printf("%d %d %ld %ld %d\n", l.l_type, l.l_whence, (long)l.l_start, (long)l.l_len, l.l_pid);
}

static void odd_files(void)
{
	int null = open("/dev/null", O_WRONLY), ends[2], instance = inotify_init();

	pipe(ends);
	SHOW(fsync(null));
	SHOW(fdatasync(null));
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, 0));
	SHOW(fcntl(ends[1], F_GETPIPE_SZ));
	SHOW(inotify_add_watch(instance, "/tmp", IN_MODIFY | IN_ONESHOT | IN_EXCL_UNLINK | IN_ONLYDIR));
	char path[64], line[256];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", instance);
	FILE *info = fopen(path, "r");
	while (fgets(line, sizeof line, info))
		if (strstr(line, "mask:"))
			printf("%.13s\n", strstr(line, "mask:"));
	SHOW(number_of("/proc/sys/kernel/tainted", NULL, ""));
}

/* MSG_STAT takes a place in the table: an id's low bits are one. */
static void queue_places(void)
{
	int id = -1;
	struct msqid_ds status;

	for (int i = 0; i < 3; i++) {
		msgctl(id, IPC_RMID, NULL);
		id = msgget(IPC_PRIVATE, 0600);
	}
	show("by its id", msgctl(id, 11 /* MSG_STAT */, &status) - id);
	show("by its place", msgctl(id & 0x7fff, 11, &status) - id);
	show("one that is not there", msgctl((id & 0x7fff) + 1, 11, &status));
	msgctl(id, IPC_RMID, NULL);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "nesting", nesting }, { "not_waited_for", not_waited_for }, { "mmap_errors", mmap_errors }, { "locked_memory", locked_memory },
		{ "steering", steering }, { "futexes", futexes }, { "late_timers", late_timers },
		{ "broken_stacks", broken_stacks }, { "threads_for_processes", threads_for_processes }, { "ignored_children", ignored_children }, { "name_spaces", name_spaces },
		{ "personalities", personalities }, { "options", options }, { "set_id_bits", set_id_bits }, { "free_ranges", free_ranges },
		{ "odd_files", odd_files }, { "queue_places", queue_places },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}

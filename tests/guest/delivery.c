/*
 * Which process, thread and moment a signal comes to: defaults, queues, order, groups, stops, what discards what.
 *
 * calls: rt_sigpending tgkill
 */
#include "report.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What each signal does to a process that says nothing about it. */
static void defaults(void)
{
	for (int number = 1; number <= 64; number++) {
		if (number == 32 || number == 33 || number == 34)
			continue;
		pid_t pid = child();
		if (pid == 0) {
			setpgid(0, 0);
			signal(number, SIG_DFL);
			syscall(SYS_kill, getpid(), number);
			_exit(0);
		}
		int status;
		waitpid(pid, &status, WUNTRACED);
		printf("%d:%s%d ", number, WIFEXITED(status) ? "none" : WIFSTOPPED(status) ? "stop" : "end",
		       WIFSTOPPED(status) ? WSTOPSIG(status) : WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		if (WIFSTOPPED(status)) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
		}
	}
	printf("\n");
}

/* Hidden from the compiler, which would warn. */
static volatile int *volatile nowhere = (volatile int *)8;

static int order[64], values[64], taken;

static void record(int number, siginfo_t *info, void *context)
{
	(void)context;
	order[taken] = number;
	values[taken++] = info->si_value.sival_int;
}

static void show_taken(const char *what)
{
	printf("%s:", what);
	for (int i = 0; i < taken; i++)
		printf(" %d/%d", order[i] >= 34 ? order[i] - 34 + 1000 : order[i], values[i]);
	printf("\n");
	taken = 0;
}

static void block_all(sigset_t *old)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, old);
}

static void queue(int number, int value)
{
	union sigval v = { .sival_int = value };
	if (sigqueue(getpid(), number, v) != 0)
		printf("sigqueue: %s\n", error_name(errno));
}

/* Handlers that run one after the other: each blocks all, so the order of starting is the order of delivery. */
static void rt_order(void)
{
	sigset_t old;
	struct sigaction action = { .sa_sigaction = record, .sa_flags = SA_SIGINFO };
	sigfillset(&action.sa_mask);
	for (int i = 0; i < 4; i++)
		sigaction(SIGRTMIN + i, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	block_all(&old);
	for (int i = 0; i < 3; i++)
		for (int j = 3; j >= 0; j--)
			queue(SIGRTMIN + j, i * 10 + j);
	queue(SIGUSR2, 1);
	queue(SIGUSR1, 2);
	queue(SIGUSR1, 3);
	sigset_t pending;
	sigpending(&pending);
	printf("pending: %d %d %d\n", sigismember(&pending, SIGRTMIN), sigismember(&pending, SIGUSR1), sigismember(&pending, SIGHUP));
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf("taken %d, standard once, first ones: ", taken);
	int first_rt = 0;
	while (first_rt < taken && order[first_rt] < 34)
		first_rt++;
	printf("%d standard\n", first_rt);
	show_taken("order");
	block_all(&old);
	for (int i = 0; i < 40; i++)
		queue(SIGRTMIN, i);
	siginfo_t info;
	struct timespec none = { 0, 0 };
	sigset_t one;
	sigemptyset(&one);
	sigaddset(&one, SIGRTMIN);
	int sum = 0, last = -1, sorted = 1;
	while (sigtimedwait(&one, &info, &none) > 0) {
		sorted &= info.si_value.sival_int > last;
		last = info.si_value.sival_int;
		sum++;
	}
	printf("waited for %d, in order %d, error %s\n", sum, sorted, error_name(errno));
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void discards(void)
{
	sigset_t pending;
	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	sigpending(&pending);
	printf("ignoring discards: %d\n", sigismember(&pending, SIGUSR1));
	raise(SIGUSR1);
	sigpending(&pending);
	printf("ignored and blocked: %d\n", sigismember(&pending, SIGUSR1));
	signal(SIGUSR1, SIG_DFL);
	block(SIG_BLOCK, SIGTSTP);
	block(SIG_BLOCK, SIGCONT);
	raise(SIGTSTP);
	raise(SIGCONT);
	sigpending(&pending);
	printf("CONT discards a stop: %d %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
	raise(SIGTSTP);
	sigpending(&pending);
	printf("a stop discards CONT: %d %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
	raise(SIGCONT);
	block(SIG_BLOCK, SIGCHLD);
	if (child() == 0)
		_exit(0);
	wait(NULL);
	sigpending(&pending);
	printf("a blocked CHLD stays after the wait: %d\n", sigismember(&pending, SIGCHLD));
	signal(SIGCHLD, SIG_DFL);
	sigpending(&pending);
	printf("the default discards it: %d\n", sigismember(&pending, SIGCHLD));
	raise(SIGUSR1);
	if (child() == 0) {
		sigpending(&pending);
		_exit(sigismember(&pending, SIGUSR1));
	}
	int status;
	wait(&status);
	show_status("a child has none pending", status);
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static void rules(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN }, old;
	show("KILL cannot be ignored", sigaction(SIGKILL, &action, NULL));
	show("nor STOP", sigaction(SIGSTOP, &action, NULL));
	show("but looked at", sigaction(SIGKILL, NULL, &old));
	show("no such signal", sigaction(65, &action, NULL));
	show("none", sigaction(0, &action, NULL));
	show("kill with none", kill(getpid(), 0));
	show("kill with too many", kill(getpid(), 65));
	show("kill negative", kill(getpid(), -1));
	show("no such process", kill(999999, 0));
	show("no such group", kill(-999999, SIGTERM));
	show("tgkill of another's thread", syscall(SYS_tgkill, getppid(), getpid(), 0));
	show("tgkill zero", syscall(SYS_tgkill, 0, 0, 0));
	show("mask how", sigprocmask(77, &(sigset_t){ { 0 } }, NULL));
	sigset_t all, now;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigprocmask(SIG_SETMASK, NULL, &now);
	printf("KILL and STOP are never blocked: %d %d\n", sigismember(&now, SIGKILL), sigismember(&now, SIGSTOP));
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART | SA_NODEFER | SA_RESETHAND | SA_NOCLDSTOP;
	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR1, NULL, &old);
	printf("kept: %d flags %x, KILL masked %d\n", old.sa_handler == action.sa_handler, old.sa_flags & ~0x04000000, sigismember(&old.sa_mask, SIGKILL));
}

struct waiter {
	pthread_t thread;
	volatile pid_t tid, got;
	int blocked;
};

static struct waiter waiters[3];
static __thread struct waiter *self;

static void on_directed(int number)
{
	(void)number;
	self->got = syscall(SYS_gettid);
}

static void *wait_thread(void *argument)
{
	self = argument;
	block(self->blocked ? SIG_BLOCK : SIG_UNBLOCK, SIGUSR1);
	self->tid = syscall(SYS_gettid);
	while (!waiters[2].got)
		nap_ms(2);
	return NULL;
}

static void to_threads(void)
{
	handle(SIGUSR1, on_directed, SA_RESTART);
	block(SIG_BLOCK, SIGUSR1);
	for (int i = 0; i < 3; i++) {
		waiters[i].blocked = i != 1;
		pthread_create(&waiters[i].thread, NULL, wait_thread, &waiters[i]);
	}
	while (!waiters[0].tid || !waiters[1].tid || !waiters[2].tid)
		nap_ms(1);
	kill(getpid(), SIGUSR1);
	nap_ms(20);
	printf("to the process: the one that does not block it: %d %d %d\n", waiters[0].got > 0, waiters[1].got == waiters[1].tid, waiters[2].got > 0);
	syscall(SYS_tgkill, getpid(), waiters[0].tid, SIGUSR1);
	nap_ms(20);
	sigset_t pending;
	sigpending(&pending);
	printf("to a thread that blocks it: %d, pending for this one %d\n", waiters[0].got > 0, sigismember(&pending, SIGUSR1));
	kill(getpid(), SIGUSR1);
	nap_ms(10);
	waiters[2].got = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(waiters[i].thread, NULL);
	nap_ms(20);
	show("a thread that is gone", syscall(SYS_tgkill, getpid(), waiters[0].tid, 0));
}

/* A thread that faults with the signal blocked, or that a fatal signal comes to, ends the whole process. */
static void *crash(void *how)
{
	if (how)
		block(SIG_BLOCK, SIGSEGV);
	*nowhere = 1;
	return NULL;
}

static void crash_thread(void)
{
	pthread_t t;
	pthread_create(&t, NULL, crash, NULL);
	pause();
}

static void crash_blocked(void)
{
	handle(SIGSEGV, on_signal, 0);
	pthread_t t;
	pthread_create(&t, NULL, crash, (void *)1);
	pause();
}

static void *exit_thread(void *unused)
{
	(void)unused;
	exit(6);
}

static void thread_exits(void)
{
	pthread_t t;
	pthread_create(&t, NULL, exit_thread, NULL);
	pause();
}

static void *outlive(void *unused)
{
	nap_ms(30);
	(void)unused;
	_exit(7);
}

static void main_leaves(void)
{
	pthread_t t;
	pthread_create(&t, NULL, outlive, NULL);
	pthread_exit(NULL);
}

static void ends(void)
{
	show_status("a thread's fault", in_child(crash_thread));
	show_status("a blocked fault", in_child(crash_blocked));
	show_status("exit by a thread", in_child(thread_exits));
	show_status("main thread gone first", in_child(main_leaves));
}

/* Which calls go on after a handler that wants it, and which never do. */
static void restart_of(const char *what, int flags, long (*call)(int))
{
	int p[2];
	if (pipe(p) != 0)
		return;
	caught = 0;
	handle(SIGALRM, on_signal, flags);
	pid_t parent = getpid(), pid = child();
	if (pid == 0) {
		nap_ms(30);
		kill(parent, SIGALRM);
		nap_ms(30);
		_exit(write(p[1], "w", 1) != 1);
	}
	long result = call(p[0]);
	printf("%s%s: %s, handled %d\n", what, flags ? " with SA_RESTART" : "", result == -1 ? error_name(errno) : "went on", caught == SIGALRM);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(p[0]);
	close(p[1]);
}

static long call_read(int fd)
{
	char c;
	return read(fd, &c, 1);
}

static long call_wait(int fd)
{
	(void)fd;
	return waitpid(-1, NULL, 0);
}

static long call_sleep(int fd)
{
	(void)fd;
	struct timespec t = { 0, 50000000 };
	return nanosleep(&t, NULL);
}

static long call_futex(int fd)
{
	static int word = 0;
	struct timespec t = { 0, 80000000 };
	(void)fd;
	long result = syscall(SYS_futex, &word, 128, 0, &t, NULL, 0);
	return result == -1 && errno == ETIMEDOUT ? 0 : result;
}

static long call_open(int fd)
{
	(void)fd;
	mkfifo("fifo", 0600);
	int opener = 0;
	if ((opener = fork()) == 0) {
		nap_ms(60);
		_exit(open("fifo", O_WRONLY | O_NONBLOCK) < 0);
	}
	int opened = open("fifo", O_RDONLY), error = errno;
	waitpid(opener, NULL, 0);
	unlink("fifo");
	errno = error;
	return opened;
}

static void restart_matrix(void)
{
	struct {
		const char *name;
		long (*call)(int);
	} calls[] = { { "read", call_read }, { "wait", call_wait }, { "nanosleep", call_sleep }, { "futex", call_futex }, { "open of a FIFO", call_open } };
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		restart_of(calls[i].name, 0, calls[i].call);
		restart_of(calls[i].name, SA_RESTART, calls[i].call);
	}
}

/* ---- none is lost, whenever it comes ---- */

#define DELIVERIES 3000

static sigjmp_buf again;
static int nobody[2], word;

static void jump_back(int number)
{
	(void)number;
	siglongjmp(again, 1);
}

/* Waits for ever, each time in another way. */
static void wait_somehow(unsigned way)
{
	struct timespec long_time = { 1000, 0 };
	struct pollfd poll_nobody = { .fd = nobody[0], .events = POLLIN };
	sigset_t none;
	char c;

	switch (way) {
	case 0: nanosleep(&long_time, NULL); break;
	case 1: pause(); break;
	case 2: (void)!read(nobody[0], &c, 1); break;
	case 3: poll(&poll_nobody, 1, -1); break;
	case 4: syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL); break;
	case 5: syscall(SYS_futex, &word, FUTEX_WAIT, 0, &long_time); break;
	case 6: waitpid(-1, NULL, 0); break;
	case 7: sigemptyset(&none); sigsuspend(&none); break;
	}
}

static void jumper(const struct turn *turn)
{
	if (child() == 0)
		for (;;)
			pause();
	signal(SIGUSR1, jump_back);
	for (volatile unsigned n = 0; n < DELIVERIES; n++)
		if (sigsetjmp(again, 1) == 0) {
			turn_post(turn->from[1]);
			wait_somehow(n % 8);
			_exit(1); /* nothing but the handler ends it */
		}
	kill(0, SIGTERM); /* its child, too */
}

/* Sends SIGUSR1 each time that the child says it is ready, some time later. */
static void signal_at_any_moment(const struct turn *turn, pid_t pid)
{
	unsigned random = 1;

	for (int n = 0; n < DELIVERIES; n++) {
		turn_wait(turn->from[0]);
		random = random * 1103515245 + 12345;
		for (volatile unsigned spin = random >> 16 & 0xfff; spin; spin--)
			;
		kill(pid, SIGUSR1);
	}
}

static void none_is_lost(void)
{
	struct turn turn;
	int status;

	turn_make(&turn);
	if (pipe(nobody) != 0)
		return;
	pid_t pid = child();
	if (pid == 0) {
		setpgid(0, 0);
		jumper(&turn);
	}
	signal_at_any_moment(&turn, pid);
	waitpid(pid, &status, 0);
	show_status("after all of them", status);
}

/*
 * A signal that is waited for is had, and interrupts nothing, at whatever instruction of the call it comes: a timer sends it, each time a little later.
 * musl's sigtimedwait would call again after EINTR.
 */
static void taken_at_any_moment(void)
{
	struct timespec long_time = { 1000, 0 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	int had = 0;
	timer_t timer;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	show("timer", timer_create(CLOCK_MONOTONIC, &event, &timer));
	for (int n = 0; n < DELIVERIES; n++) {
		struct itimerspec when = { .it_value = { 0, 1 + n * 3 } };

		timer_settime(timer, 0, &when, NULL);
		had += syscall(SYS_rt_sigtimedwait, &set, NULL, &long_time, 8) == SIGUSR1;
	}
	printf("taken: %d of %d\n", had, DELIVERIES);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(defaults), PART(rt_order), PART(discards), PART(rules), PART(to_threads), PART(ends), PART(restart_matrix),
		PART(none_is_lost), PART(taken_at_any_moment) };
	return RUN_PARTS(parts, argc, argv);
}

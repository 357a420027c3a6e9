/*
 * Signals: frames, masks, stacks, restarts, queues, timers.
 *
 * calls: getpid nanosleep restart_syscall rt_sigaction rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend sigaltstack
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/guest/show.h"

static volatile int count;
static volatile int order[16];

static void note(int signal)
{
	if (count < 16)
		order[count] = signal;
	count++;
}

static void set_handler(int signal, void (*handler)(int), int flags)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	sigaction(signal, &a, NULL);
}

static void show_order(const char *text)
{
	printf("%s:", text);
	for (int i = 0; i < count && i < 16; i++)
		printf(" %d", order[i]);
	printf("\n");
	count = 0;
}

/* ---- what a handler finds, and what it may change ---- */

static void clobber(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal;
	printf("code %d pid %d uid %d value %d\n", info->si_code, info->si_pid == getpid(), info->si_uid, info->si_value.sival_int);
	printf("frame aligned %d, fp state %d, flags %lx\n", ((uintptr_t)__builtin_frame_address(0) & 15) == 0, uc->uc_mcontext.fpregs != NULL,
	       uc->uc_flags & 1);
	__asm__ volatile("pxor %%xmm5, %%xmm5; pxor %%xmm15, %%xmm15; fninit; mov $1, %%r10; mov $2, %%r11; std; cld"
			 : : : "xmm5", "xmm15", "r10", "r11");
}

static void frames(void)
{
	struct sigaction a = { .sa_sigaction = clobber, .sa_flags = SA_SIGINFO };
	union sigval value = { .sival_int = 42 };
	uint64_t vector[2] = { 0x1122334455667788, 0x99aabbccddeeff00 }, after[2], r12;
	double x87 = 1.5, back;

	sigaction(SIGRTMIN, &a, NULL);
	SHOW(sigqueue(getpid(), SIGRTMIN, value));
	SHOW(raise(SIGRTMIN));
	SHOW(kill(getpid(), SIGRTMIN));
	__asm__ volatile("fldl %3; movdqu %4, %%xmm5; movdqu %4, %%xmm15; mov $77, %%r12; mov %5, %%edi; mov %6, %%esi; mov $62, %%eax; syscall;"
			 "movdqu %%xmm5, %0; mov %%r12, %1; fstpl %2"
			 : "=m"(after), "=m"(r12), "=m"(back)
			 : "m"(x87), "m"(vector), "r"(getpid()), "r"(SIGRTMIN)
			 : "rax", "rcx", "r11", "rdi", "rsi", "r12", "xmm5", "xmm15", "memory");
	printf("vector kept %d, r12 %lu, x87 %.1f\n", !memcmp(vector, after, 16), r12, back);
}

static void wide_handler(int signal)
{
	(void)signal;
	__asm__ volatile("vxorps %%ymm3, %%ymm3, %%ymm3" : : : "xmm3");
	count++;
}

static void wide(void)
{
	uint32_t in[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, out[8];

	if (!__builtin_cpu_supports("avx2")) {
		printf("kept 1 count 1\n");
		return;
	}
	set_handler(SIGUSR1, wide_handler, 0);
	__asm__ volatile("vmovdqu %1, %%ymm3; mov %2, %%edi; mov $10, %%esi; mov $62, %%eax; syscall; vmovdqu %%ymm3, %0"
			 : "=m"(out) : "m"(in), "r"(getpid()) : "rax", "rcx", "r11", "rdi", "rsi", "xmm3", "memory");
	printf("kept %d count %d\n", !memcmp(in, out, sizeof(in)), count);
}

static void change(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal;
	(void)info;
	uc->uc_mcontext.gregs[REG_RBX] = 1234;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
	((uint32_t *)uc->uc_mcontext.fpregs->_xmm)[8 * 4] = 0xabcd; /* xmm8 */
}

static void changes(void)
{
	struct sigaction a = { .sa_sigaction = change, .sa_flags = SA_SIGINFO };
	uint32_t vector[4];
	sigset_t mask;
	long rbx;

	sigaction(SIGUSR1, &a, NULL);
	__asm__ volatile("pxor %%xmm8, %%xmm8; xor %%ebx, %%ebx; mov %2, %%edi; mov $10, %%esi; mov $62, %%eax; syscall; mov %%rbx, %0; movdqu %%xmm8, %1"
			 : "=r"(rbx), "=m"(vector) : "r"(getpid()) : "rax", "rbx", "rcx", "r11", "rdi", "rsi", "xmm8", "memory");
	sigprocmask(SIG_BLOCK, NULL, &mask);
	printf("rbx %ld xmm8 %x mask %d\n", rbx, vector[0], sigismember(&mask, SIGUSR2));
}

/* ---- masks and order ---- */

static void nested(int signal)
{
	note(signal);
	if (signal == SIGUSR1 && count == 1) {
		raise(SIGUSR2);
		raise(SIGUSR1);
		note(-signal);
	}
}

static void masks(void)
{
	struct sigaction a = { .sa_handler = nested };
	sigset_t set, old;

	sigaction(SIGUSR1, &a, NULL);
	sigaction(SIGUSR2, &a, NULL);
	raise(SIGUSR1);
	show_order("plain, the second while the first runs");
	sigaddset(&a.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &a, NULL);
	raise(SIGUSR1);
	show_order("masked");
	set_handler(SIGUSR1, note, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &a);
	printf("default again: %d\n", a.sa_handler == SIG_DFL);
	set_handler(SIGUSR1, note, 0);
	set_handler(SIGTERM, note, 0);
	for (int i = SIGRTMIN; i < SIGRTMIN + 3; i++)
		set_handler(i, note, 0);
	count = 0;
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGRTMIN + 2);
	kill(getpid(), SIGRTMIN);
	kill(getpid(), SIGRTMIN + 1);
	kill(getpid(), SIGRTMIN);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);
	sigpending(&set);
	printf("pending %d %d %d %d\n", sigismember(&set, SIGTERM), sigismember(&set, SIGUSR1), sigismember(&set, SIGRTMIN), sigismember(&set, SIGUSR2));
	sigprocmask(SIG_SETMASK, &old, NULL);
	for (int i = 0; i < count; i++)
		order[i] = order[i] >= SIGRTMIN ? 100 + order[i] - SIGRTMIN : order[i];
	show_order("unblocked at once");
}

static void suspends(void)
{
	sigset_t none, set, old;
	struct timespec limit = { 0, 10000000 };
	siginfo_t info;
	union sigval value = { .sival_int = 7 };

	set_handler(SIGUSR1, note, 0);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	SHOW(sigsuspend(&none));
	show_order("in sigsuspend");
	sigpending(&none);
	printf("still pending %d\n", sigismember(&none, SIGUSR1));
	sigprocmask(SIG_BLOCK, NULL, &none);
	printf("blocked again %d\n", sigismember(&none, SIGUSR1));
	SHOW(sigtimedwait(&set, &info, &limit));
	sigqueue(getpid(), SIGUSR1, value);
	SHOW(sigwaitinfo(&set, &info));
	printf("value %d code %d\n", info.si_value.sival_int, info.si_code);
	printf("handler ran %d times\n", count);
}

/* ---- stacks ---- */

static char room[65536] __attribute__((aligned(16)));

static void on_stack(int signal)
{
	char here;
	stack_t now;

	sigaltstack(NULL, &now);
	printf("signal %d on the other stack: %d, flags %d\n", signal, &here > room && &here < room + sizeof(room), now.ss_flags);
	if (signal == SIGUSR1) {
		stack_t none = { .ss_flags = SS_DISABLE };

		SHOW(sigaltstack(&none, NULL));
		raise(SIGUSR2);
	}
}

static void stacks(void)
{
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) }, old, small = { .ss_sp = room, .ss_size = 100 };

	SHOW(sigaltstack(&small, NULL));
	SHOW(sigaltstack(NULL, &old));
	printf("flags %d size %zu\n", old.ss_flags, old.ss_size);
	SHOW(sigaltstack(&stack, NULL));
	set_handler(SIGUSR1, on_stack, SA_ONSTACK);
	set_handler(SIGUSR2, on_stack, SA_ONSTACK);
	set_handler(SIGTERM, on_stack, 0);
	raise(SIGUSR1);
	raise(SIGTERM);
	SHOW(sigaltstack(NULL, &old));
	printf("flags %d size %zu\n", old.ss_flags, old.ss_size);
}

/* ---- interrupted calls ---- */

static void alarm_in(int ms)
{
	struct itimerval t = { .it_value = { 0, ms * 1000 } };

	setitimer(ITIMER_REAL, &t, NULL);
}

static void restarts(void)
{
	struct timespec t = { 0, 50000000 }, left;
	int pipes[2];
	char c;

	if (pipe(pipes))
		return;
	set_handler(SIGALRM, note, 0);
	alarm_in(10);
	SHOW(read(pipes[0], &c, 1));
	alarm_in(10);
	SHOW(nanosleep(&t, &left));
	printf("some is left: %d\n", left.tv_nsec > 1000000 && left.tv_nsec < 50000000);
	alarm_in(10);
	SHOW(pause());
	set_handler(SIGALRM, note, SA_RESTART);
	if (!fork()) {
		usleep(50000);
		_exit(write(pipes[1], "x", 1) != 1);
	}
	alarm_in(10);
	SHOW(read(pipes[0], &c, 1));
	SHOW(wait(NULL) > 0);
	alarm_in(10);
	SHOW(nanosleep(&t, &left));
	signal(SIGALRM, SIG_IGN);
	alarm_in(10);
	SHOW(nanosleep(&t, &left));
	printf("handled %d\n", count);
}

static void timers(void)
{
	struct itimerval t = { { 0, 10000 }, { 0, 10000 } }, old;
	sigset_t none;

	set_handler(SIGALRM, note, 0);
	setitimer(ITIMER_REAL, &t, NULL);
	sigemptyset(&none);
	while (count < 5)
		sigsuspend(&none);
	t.it_interval.tv_usec = t.it_value.tv_usec = 0;
	setitimer(ITIMER_REAL, &t, &old);
	printf("interval %ld\n", (long)old.it_interval.tv_usec);
	SHOW(alarm(100));
	SHOW(alarm(0));
	SHOW(alarm(0));
	signal(SIGALRM, SIG_DFL);
	fflush(stdout);
	if (!fork()) {
		alarm_in(5);
		for (;;)
			;
	}
	int status;

	wait(&status);
	printf("a loop is ended by %d\n", WTERMSIG(status));
}

static sigjmp_buf out;

static void leave(int signal)
{
	siglongjmp(out, signal);
}

static void jumps(void)
{
	sigset_t mask;

	set_handler(SIGUSR1, leave, 0);
	for (volatile int i = 0; i < 3; i++) {
		int from = sigsetjmp(out, 1);

		if (!from)
			raise(SIGUSR1);
		printf("back with %d\n", from);
	}
	sigprocmask(SIG_BLOCK, NULL, &mask);
	printf("blocked %d\n", sigismember(&mask, SIGUSR1));
}

static void nap(void)
{
	struct timespec t = { 0, 20000000 };

	while (nanosleep(&t, &t))
		;
}

static void child_handler(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	printf("SIGCHLD code %d status %d\n", info->si_code, info->si_status);
}

static void children(void)
{
	struct sigaction a = { .sa_sigaction = child_handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	pid_t pid;
	int status;

	sigaction(SIGCHLD, &a, NULL);
	fflush(stdout);
	if (!(pid = fork()))
		_exit(3);
	waitpid(pid, &status, 0);
	fflush(stdout);
	if (!(pid = fork()))
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
	kill(pid, SIGCONT);
	nap(); /* the child says so itself */
	waitpid(pid, &status, WCONTINUED);
	printf("continued %d\n", WIFCONTINUED(status));
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	printf("ended by %d\n", WTERMSIG(status));
	signal(SIGCHLD, SIG_IGN);
	fflush(stdout);
	if (!fork())
		_exit(0);
	SHOW(wait(NULL));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "frames", frames }, { "wide", wide }, { "changes", changes }, { "masks", masks }, { "suspends", suspends }, { "stacks", stacks },
		{ "restarts", restarts }, { "timers", timers }, { "jumps", jumps }, { "children", children },
	};

	return run_parts(parts, sizeof(parts) / sizeof(*parts), argc, argv);
}

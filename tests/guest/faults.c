/* Exceptions as signals: which, with which code and address; handlers that go on elsewhere; faults while blocked or ignored. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/guest/show.h"

static sigjmp_buf back;
static volatile uintptr_t base; /* addresses are shown from here */

static void handler(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	printf("  signal %d code %d, ", signal, info->si_code);
	if (signal == SIGSEGV || signal == SIGBUS)
		printf("address %ld, error %lld, trap %lld\n", (long)((uintptr_t)info->si_addr - base), uc->uc_mcontext.gregs[REG_ERR],
		       uc->uc_mcontext.gregs[REG_TRAPNO]);
	else
		printf("address is rip: %d, trap %lld\n", info->si_addr == (void *)uc->uc_mcontext.gregs[REG_RIP], uc->uc_mcontext.gregs[REG_TRAPNO]);
	siglongjmp(back, 1);
}

static void catch_all(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
	struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &a, NULL);
}

#define TRY(what)                          \
	do {                               \
		printf("%s\n", #what);     \
		fflush(stdout);            \
		if (!sigsetjmp(back, 1)) { \
			what;              \
			printf("  no signal\n"); \
		}                          \
	} while (0)

/* Hidden from the compiler, which would warn. */
static volatile char *at(uintptr_t address)
{
	__asm__ volatile("" : "+r"(address));
	return (volatile char *)address;
}
#define AT(address) at(address)

static void memory(void)
{
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	volatile char *f;

	catch_all();
	base = (uintptr_t)p;
	munmap(p + 8192, 4096);
	mprotect(p + 4096, 4096, PROT_NONE);
	TRY(*(volatile char *)(p + 4096));
	TRY(*(volatile char *)(p + 4097) = 1);
	TRY(*(volatile char *)(p + 8192));
	mprotect(p, 4096, PROT_READ);
	TRY(*(volatile char *)p = 1);
	TRY(*(volatile char *)p);
	TRY(((void (*)(void))p)());
	base = 0;
	TRY(*AT(0));
	TRY(*AT(8) = 1);
	TRY(*AT(0x800000000000) = 1);
	TRY(*AT(0xffff800000000000) = 1);
	ftruncate(fd, 100);
	f = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	base = (uintptr_t)f;
	TRY(f[99]);
	TRY(f[4095]);
	TRY(f[4096]);
	TRY(f[4097] = 1);
}

static void instructions(void)
{
	volatile int zero = 0;

	catch_all();
	TRY(zero = 1 / zero);
	TRY(__asm__ volatile("ud2"));
	TRY(__asm__ volatile("int3"));
	TRY(__asm__ volatile("hlt"));
	TRY(__asm__ volatile("cli"));
	TRY(__asm__ volatile("out %al, $0x80"));
	TRY(__asm__ volatile("mov %%cr0, %%rax" : : : "rax"));
	TRY(__asm__ volatile("int $0x81"));
	TRY(__asm__ volatile("mov %0, %%rax; movaps (%%rax), %%xmm0" : : "r"((char *)&back + 1) : "rax"));
	TRY(__asm__ volatile("movabs $0x8000000000000000, %%rax; mov (%%rax), %%al" : : : "rax"));
}

/* In a child: how does it end? */
static void ending(const char *text, void (*run)(void))
{
	int status;

	printf("%s: ", text);
	fflush(stdout);
	if (!fork()) {
		run();
		_exit(7);
	}
	wait(&status);
	if (WIFSIGNALED(status))
		printf("killed by %d\n", WTERMSIG(status));
	else
		printf("exit %d\n", WEXITSTATUS(status));
}

static void crash(void)
{
	*AT(0) = 1;
}

static void crash_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	crash();
}

static void crash_blocked(void)
{
	sigset_t set;

	catch_all();
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	crash();
}

static void crash_in_handler(int signal)
{
	(void)signal;
	crash();
}

static void crash_twice(void)
{
	signal(SIGSEGV, crash_in_handler);
	crash();
}

static void overflow_handler(int signal)
{
	(void)signal;
	_exit(3);
}

static int recurse(int n)
{
	volatile char room[4096];

	room[0] = (char)n;
	return n > 1 << 20 ? 0 : recurse(n + 1) + room[0];
}

static void overflow(void)
{
	recurse(0);
}

static void overflow_caught(void)
{
	struct sigaction a = { .sa_handler = overflow_handler, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &a, NULL);
	recurse(0);
}

static void overflow_no_room(void)
{
	signal(SIGSEGV, overflow_handler);
	recurse(0);
}

static void trap(void)
{
	__asm__ volatile("int3");
}

static void illegal(void)
{
	__asm__ volatile("ud2");
}

static void endings(void)
{
	ending("null pointer", crash);
	ending("ignored", crash_ignored);
	ending("blocked", crash_blocked);
	ending("in its own handler", crash_twice);
	ending("stack overflow", overflow);
	ending("stack overflow on another stack", overflow_caught);
	ending("stack overflow without one", overflow_no_room);
	ending("breakpoint", trap);
	ending("illegal instruction", illegal);
	ending("abort", abort);
}

/* A handler may repair and return. */
static char *page;

static void repair(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	printf("  repaired offset %ld\n", (long)((char *)info->si_addr - page));
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void skip(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal;
	(void)info;
	uc->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
	uc->uc_mcontext.gregs[REG_RBX] = 77;
}

static void repairs(void)
{
	struct sigaction a = { .sa_sigaction = repair, .sa_flags = SA_SIGINFO }, b = { .sa_sigaction = skip, .sa_flags = SA_SIGINFO };
	long rbx;

	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGILL, &b, NULL);
	page[10] = 5;
	printf("page[10] = %d\n", page[10]);
	__asm__ volatile("mov $5, %%ebx; ud2; mov %%rbx, %0" : "=r"(rbx) : : "rbx");
	printf("rbx = %ld\n", rbx);
}

/* System calls with addresses that are none of the program's. */
static void pointers(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pipes[2];
	struct timespec *bad = (void *)0xfffffffffffff000, *gate = (void *)0xffffff0000000000, *end = (void *)0x7ffffffff000;

	if (pipe(pipes))
		return;
	munmap(p + 4096, 4096);
	SHOW(syscall(SYS_nanosleep, bad, NULL));
	SHOW(syscall(SYS_nanosleep, gate, NULL));
	SHOW(syscall(SYS_nanosleep, end, NULL));
	SHOW(syscall(SYS_nanosleep, (void *)(p + 4090), NULL));
	SHOW(write(pipes[1], gate, 10));
	SHOW(write(pipes[1], p + 4090, 10));
	SHOW(read(pipes[0], gate, 10));
	SHOW(open((char *)gate, O_RDONLY));
	SHOW(open((char *)1, O_RDONLY));
	SHOW(open(p + 4096, O_RDONLY));
	memset(p + 4090, 'x', 6);
	SHOW(open(p + 4090, O_RDONLY));
	SHOW(munmap(gate, 4096));
	SHOW(mprotect(gate, 4096, PROT_READ));
	SHOW((long)mmap((void *)gate, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	SHOW(syscall(SYS_sigaltstack, gate, NULL));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "memory", memory }, { "instructions", instructions }, { "endings", endings }, { "repairs", repairs }, { "pointers", pointers },
	};

	return run_parts(parts, sizeof(parts) / sizeof(*parts), argc, argv);
}

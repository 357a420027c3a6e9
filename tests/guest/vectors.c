/*
 * Threads that have given up the vector registers (include/uxrt/native.h), and those beside them. On Linux there is no such thread: there an undefined
 * instruction stands for the one that uses a vector register.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "include/uxrt/native.h"
#include "tests/guest/show.h"

/* The compiler uses no vector registers in such a function. */
#define GENERAL __attribute__((target("general-regs-only"), noinline))
#define INSTRUCTION_BYTES 4
#define ROUNDS 300
#define REGISTERS_BYTES (16 * 16)

static int on_uxrt;

static GENERAL void give_up(void)
{
	if (on_uxrt && uxrt_vector_free())
		_exit(99);
}

static GENERAL void use(void)
{
	if (on_uxrt)
		__asm__ volatile("pxor %xmm0, %xmm0");
	else
		__asm__ volatile("ud2; nop; nop");
}

static GENERAL long call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

static void tell(const char *what, pid_t child)
{
	int status;

	waitpid(child, &status, 0);
	printf("%s: %s %d\n", what, WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	fflush(stdout);
}

static GENERAL void use_and_end(void)
{
	give_up();
	use();
	call(SYS_exit_group, 1, 0, 0);
}

static void a_vector_instruction_is_sigill(void)
{
	pid_t child = fork();

	if (child == 0)
		use_and_end();
	tell("a vector instruction", child);
}

static volatile int handled;

static GENERAL void skip(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal;
	handled += info->si_addr == (void *)uc->uc_mcontext.gregs[REG_RIP] && (!on_uxrt || (info->si_code == ILL_COPROC && !uc->uc_mcontext.fpregs));
	uc->uc_mcontext.gregs[REG_RIP] += INSTRUCTION_BYTES;
}

static GENERAL void use_and_go_on(void)
{
	give_up();
	for (int i = 0; i < 3; i++)
		use();
	call(SYS_exit_group, handled, 0, 0);
}

static void its_handler_returns(void)
{
	struct sigaction action = { .sa_sigaction = skip, .sa_flags = SA_SIGINFO };
	pid_t child = fork();

	if (child == 0) {
		sigaction(SIGILL, &action, NULL);
		use_and_go_on();
	}
	tell("its handler returned", child);
}

static GENERAL void fork_and_use(void)
{
	int status = 0;

	give_up();
	long child = call(SYS_fork, 0, 0, 0);
	if (child == 0)
		use_and_end();
	call(SYS_wait4, child, (long)&status, 0);
	call(SYS_exit_group, status & 0x7f, 0, 0);
}

static void its_child_has_none_either(void)
{
	pid_t child = fork();

	if (child == 0)
		fork_and_use();
	tell("its child ended with", child);
}

static char *again[] = { "/tests/bin/vectors", "after exec", NULL };

static GENERAL void exec_and_use(void)
{
	give_up();
	call(SYS_execve, (long)again[0], (long)again, 0);
	call(SYS_exit_group, 1, 0, 0);
}

static void exec_gives_them_back(void)
{
	pid_t child = fork();

	if (child == 0)
		exec_and_use();
	tell("exec", child);
}

/* ---- those beside it ---- */

static GENERAL void echo(int in, int out)
{
	char byte;

	give_up();
	while (call(SYS_read, in, (long)&byte, 1) == 1)
		call(SYS_write, out, (long)&byte, 1);
	call(SYS_exit_group, 0, 0, 0);
}

/* Loads all vector registers, writes a byte and reads one, stores them. */
static int over_a_turn(const uint8_t *in, uint8_t *out, int to, int from)
{
	char byte = 0;
	long written, got;

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD(n) "movdqu 16*" #n "(%[in]), %%xmm" #n "\n"
#define STORE(n) "movdqu %%xmm" #n ", 16*" #n "(%[out])\n"
	__asm__ volatile(EACH(LOAD) "mov %[to], %%rdi; mov %[write], %%eax; syscall; mov %%rax, %[written]\n"
			 "mov %[from], %%rdi; xor %%eax, %%eax; syscall; mov %%rax, %[got]\n" EACH(STORE)
			 : [written] "=&r"(written), [got] "=&r"(got)
			 : [in] "r"(in), [out] "r"(out), [to] "r"((long)to), [from] "r"((long)from), [write] "i"(SYS_write), "S"(&byte), "d"(1l)
			 : "rax", "rcx", "rdi", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
			   "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	return written == 1 && got == 1;
}

static _Noreturn void keep(unsigned number, int to, int from)
{
	uint8_t in[REGISTERS_BYTES], out[REGISTERS_BYTES];
	uint32_t mxcsr = 0x1f80 | (number & 3) << 13, now;

	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned k = 0; k < REGISTERS_BYTES; k++)
			in[k] = (uint8_t)(k * 7 + i * 31 + number * 101);
		if (!over_a_turn(in, out, to, from) || memcmp(in, out, REGISTERS_BYTES))
			_exit(1);
		__asm__ volatile("stmxcsr %0" : "=m"(now));
		if ((now & ~0x3fu) != (mxcsr & ~0x3fu))
			_exit(2);
	}
	_exit(0);
}

/* Each with one that has none, over two pipes; and two that use them. */
static void registers_beside_it_are_kept(void)
{
	pid_t keeper[2], echoer[2];

	for (unsigned i = 0; i < 2; i++) {
		int there[2], back[2];

		if (pipe(there) || pipe(back))
			exit(1);
		echoer[i] = fork();
		if (echoer[i] == 0) {
			close(there[1]);
			echo(there[0], back[1]);
		}
		keeper[i] = fork();
		if (keeper[i] == 0)
			keep(i + 1, there[1], back[0]);
		close(there[0]);
		close(there[1]);
		close(back[0]);
		close(back[1]);
	}
	for (unsigned i = 0; i < 2; i++)
		tell("registers beside it", keeper[i]);
	for (unsigned i = 0; i < 2; i++)
		tell("the other end", echoer[i]);
}

int main(int argc, char **argv)
{
	on_uxrt = access("/proc/uxrt/objects", R_OK) == 0;
	if (argc > 1 && !strcmp(argv[1], "after exec")) {
		__asm__ volatile("pxor %%xmm0, %%xmm0" : : : "xmm0");
		return 0;
	}
	a_vector_instruction_is_sigill();
	its_handler_returns();
	its_child_has_none_either();
	exec_gives_them_back();
	registers_beside_it_are_kept();
	return 0;
}

// sources: runtime/linux/start_stack.c runtime/linux/script.c runtime/linux/signal_frame.c
/* What a new program and a signal handler find on their stacks, and what the first line of a script means. */
#include <errno.h>
#include <stdlib.h>
#include <signal.h>
#include <ucontext.h>

#include "check.h"
#include "runtime/linux/script.h"
#include "runtime/linux/signal_frame.h"
#include "runtime/linux/start_stack.h"

#define TOP 0x7ffffffff000ul

static char memory[65536] __attribute__((aligned(16)));

static const char *text_at(u64 address)
{
	return memory + sizeof(memory) - (TOP - address);
}

static void stack_is_linux_s(void)
{
	static const char argv[] = "prog\0-x\0last", envp[] = "A=1\0HOME=/root";
	static const u64 aux[][2] = { { 6, 4096 }, { 9, 0x401000 } };
	static const u8 random[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	const struct stack_content content = {
		.argv = argv, .envp = envp, .argv_bytes = sizeof(argv), .envp_bytes = sizeof(envp), .argc = 3, .envc = 2,
		.execfn = "/bin/prog", .random = random, .auxv = aux, .auxv_count = 2,
	};
	struct stack_places places;
	const u64 *words;

	stack_build(memory + sizeof(memory), TOP, &content, &places);
	CHECK_EQ(places.sp % 16, 0);
	CHECK(TOP - places.sp <= stack_size(&content));
	words = (const u64 *)text_at(places.sp);
	CHECK_EQ(words[0], 3);
	CHECK_STR(text_at(words[1]), "prog");
	CHECK_STR(text_at(words[2]), "-x");
	CHECK_STR(text_at(words[3]), "last");
	CHECK_EQ(words[4], 0);
	CHECK_STR(text_at(words[5]), "A=1");
	CHECK_STR(text_at(words[6]), "HOME=/root");
	CHECK_EQ(words[7], 0);
	CHECK_EQ(words[8], 6);
	CHECK_EQ(words[9], 4096);
	CHECK_EQ(words[12], 25);
	CHECK_EQ(memcmp(text_at(words[13]), random, 16), 0);
	CHECK_EQ(words[14], 31);
	CHECK_STR(text_at(words[15]), "/bin/prog");
	CHECK_EQ(words[16], 15);
	CHECK_STR(text_at(words[17]), "x86_64");
	CHECK_EQ(words[18], 0);
	CHECK_EQ(places.arg_end - places.arg_start, sizeof(argv));
	CHECK_EQ(places.env_end - places.env_start, sizeof(envp));
}

static void strings_are_bounded(void)
{
	bool ok;

	CHECK_EQ(strings_size("a\0bc", 5, 2, &ok), 5);
	CHECK(ok);
	strings_size("a\0bc", 4, 2, &ok);
	CHECK(!ok);
	CHECK_EQ(strings_size("", 0, 0, &ok), 0);
	CHECK(ok);
}

static void script_case(const char *line, size_t size, int expected, const char *interp, const char *argument)
{
	struct script s = { 0 };
	char got[256];
	int error = 0;

	if (!script_parse(line, size, &s, &error)) {
		CHECK_EQ(1, expected);
		return;
	}
	CHECK_EQ(error, expected);
	if (error || expected)
		return;
	memcpy(got, s.interp, s.interp_length);
	got[s.interp_length] = 0;
	CHECK_STR(got, interp);
	memcpy(got, s.argument, s.argument_length);
	got[s.argument_length] = 0;
	CHECK_STR(got, argument);
}

#define SCRIPT(line, expected, interp, argument) script_case(line, sizeof(line) - 1, expected, interp, argument)

static void script_lines(void)
{
	char long_line[300];

	SCRIPT("#!/bin/sh\necho", 0, "/bin/sh", "");
	SCRIPT("#! /bin/sh -e  \n", 0, "/bin/sh", "-e");
	SCRIPT("#!/usr/bin/env -S python3 -u\n", 0, "/usr/bin/env", "-S python3 -u");
	SCRIPT("#!\t/bin/awk\t-f\n", 0, "/bin/awk", "-f");
	SCRIPT("#!\n", -ENOEXEC, "", "");
	SCRIPT("#!   \n", -ENOEXEC, "", "");
	SCRIPT("#!/bin/sh", 0, "/bin/sh", "");
	SCRIPT("\177ELF", 1, "", "");
	SCRIPT("#", 1, "", "");
	memset(long_line, 'a', sizeof(long_line));
	memcpy(long_line, "#!/", 3);
	script_case(long_line, sizeof(long_line), -ENOEXEC, "", "");
}

static void frame_offsets_are_the_libc_s(void)
{
	CHECK_EQ(offsetof(struct linux_ucontext, stack), offsetof(ucontext_t, uc_stack));
	CHECK_EQ(offsetof(struct linux_ucontext, context), offsetof(ucontext_t, uc_mcontext));
	CHECK_EQ(offsetof(struct linux_ucontext, mask), offsetof(ucontext_t, uc_sigmask));
	CHECK_EQ(offsetof(struct linux_sigcontext, rip), REG_RIP * 8);
	CHECK_EQ(offsetof(struct linux_sigcontext, rsp), REG_RSP * 8);
	CHECK_EQ(offsetof(struct linux_sigcontext, rdi), REG_RDI * 8);
	CHECK_EQ(offsetof(struct linux_sigcontext, rcx), REG_RCX * 8);
	CHECK_EQ(offsetof(struct linux_sigcontext, eflags), REG_EFL * 8);
	CHECK_EQ(offsetof(struct linux_sigcontext, cs), REG_CSGSFS * 8);
	CHECK_EQ(offsetof(struct linux_sigcontext, cr2), REG_CR2 * 8);
	CHECK_EQ(offsetof(struct linux_sigcontext, fpstate), offsetof(mcontext_t, fpregs));
	CHECK_EQ(offsetof(struct linux_siginfo, kill.pid), offsetof(siginfo_t, si_pid));
	CHECK_EQ(offsetof(struct linux_siginfo, kill.value), offsetof(siginfo_t, si_value));
	CHECK_EQ(offsetof(struct linux_siginfo, kill.value), offsetof(siginfo_t, si_status));
	CHECK_EQ(offsetof(struct linux_siginfo, fault.address), offsetof(siginfo_t, si_addr));
}

static void frames_are_aligned_and_fit(void)
{
	for (u64 sp = 0x700000001000; sp < 0x700000001100; sp++)
		for (u64 size = 512; size < 3000; size += 832 - 512) {
			struct frame_places p;

			CHECK(frame_place(sp, size, &p));
			CHECK_EQ(p.vector % 64, 0);
			CHECK(p.vector + size + 4 <= sp);
			CHECK_EQ((p.frame + 8) % 16, 0);
			CHECK(p.frame + sizeof(struct linux_sigframe) <= p.vector);
		}
	struct frame_places p;

	CHECK(!frame_place(100, 512, &p));
}

static void registers_survive_a_frame(void)
{
	struct gate_frame from, to = { 0 };
	struct linux_sigcontext context;

	for (size_t i = 0; i < sizeof(from) / 8; i++)
		((u64 *)&from)[i] = 0x1000 + i;
	from.rflags = 0x202 | 0x8d5 | 0x3000 | 0x4000; /* I/O privilege and nested task must not pass */
	sigcontext_fill(&context, &from, 5, 0x7000);
	sigcontext_restore(&to, &context);
	CHECK_EQ(to.rip, from.rip);
	CHECK_EQ(to.rsp, from.rsp);
	CHECK_EQ(to.r15, from.r15);
	CHECK_EQ(to.rax, from.rax);
	CHECK_EQ(to.rcx, from.rcx);
	CHECK_EQ(to.rflags, 0x202 | 0x8d5);
	CHECK_EQ(context.oldmask, 5);
	CHECK_EQ(context.fpstate, 0x7000);
}

int main(void)
{
	RUN(stack_is_linux_s);
	RUN(strings_are_bounded);
	RUN(script_lines);
	RUN(frame_offsets_are_the_libc_s);
	RUN(frames_are_aligned_and_fit);
	RUN(registers_survive_a_frame);
	return check_result();
}

/* Offsets that entry.S uses; the Makefile makes offsets.h of the assembly that this compiles to. */
#include "runtime/thread.h"
#include "runtime/linux/table.h"
#include "abi/kernel.h"
#include "abi/native.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %c0\"" :: "i"((unsigned long)(value)))
#define PROGRAM(reg) DEFINE(PROGRAM_##reg, offsetof(struct context_page, program.reg))
#define RECORD(name, field) DEFINE(name, THREAD_RECORD_OFFSET + offsetof(struct thread_record, field))

void offsets(void);
void offsets(void)
{
	DEFINE(AREA_SIZE, THREAD_AREA_SIZE);
	DEFINE(RECORD, THREAD_RECORD_OFFSET);
	DEFINE(RETURN_RIP, offsetof(struct context_page, return_rip));
	DEFINE(INTERRUPT_FLAG, offsetof(struct context_page, interrupt_flag));
	PROGRAM(r15); PROGRAM(r14); PROGRAM(r13); PROGRAM(r12); PROGRAM(r11); PROGRAM(r10); PROGRAM(r9); PROGRAM(r8);
	PROGRAM(rbp); PROGRAM(rdi); PROGRAM(rsi); PROGRAM(rdx); PROGRAM(rcx); PROGRAM(rbx); PROGRAM(rax);
	PROGRAM(rip); PROGRAM(rsp); PROGRAM(rflags);
	DEFINE(KCALL_gate_return, KCALL_gate_return);
	DEFINE(K_INTERRUPTED, K_INTERRUPTED);
	DEFINE(GATE_RETURN_PROGRAM, GATE_RETURN_PROGRAM);
	DEFINE(GATE_RETURN_GATE, GATE_RETURN_GATE);
	RECORD(RECORD_A0, a[0]); RECORD(RECORD_A1, a[1]); RECORD(RECORD_A2, a[2]);
	RECORD(RECORD_A3, a[3]); RECORD(RECORD_A4, a[4]); RECORD(RECORD_A5, a[5]);
	RECORD(RECORD_NUMBER, number);
	RECORD(RECORD_EXIT_FULL, exit_full);
	RECORD(RECORD_SLOW, slow);
	DEFINE(CALL_MAX, LINUX_CALL_MAX);
	DEFINE(CALL_HANDLER, offsetof(struct linux_call, handler));
	_Static_assert(sizeof(struct linux_call) == 40, "entry.S multiplies by 40");
	_Static_assert(offsetof(struct thread_record, a) == 0, "entry.S passes one pointer for both");
}

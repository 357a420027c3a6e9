#include "runtime/linux/signal_frame.h"

/* CF PF AF ZF SF TF DF OF RF AC: Linux's FIX_EFLAGS */
#define FLAGS_CHANGEABLE 0x50dd5ul
#define FLAGS_FIXED      0x202ul

bool frame_place(u64 sp, u64 vector_size, struct frame_places *places)
{
	u64 need = vector_size + 4 + 64 + sizeof(struct linux_sigframe) + 16;

	if (sp < need)
		return false;
	places->vector = ALIGN_DOWN(sp - vector_size - 4, 64);
	/* as at a function's entry: the stack pointer plus 8 is a multiple of 16 */
	places->frame = ALIGN_DOWN(places->vector - sizeof(struct linux_sigframe), 16) - 8;
	return true;
}

void sigcontext_fill(struct linux_sigcontext *to, const struct gate_frame *from, u64 mask, u64 vector)
{
	*to = (struct linux_sigcontext){
		.r8 = from->r8, .r9 = from->r9, .r10 = from->r10, .r11 = from->r11, .r12 = from->r12, .r13 = from->r13,
		.r14 = from->r14, .r15 = from->r15, .rdi = from->rdi, .rsi = from->rsi, .rbp = from->rbp, .rbx = from->rbx,
		.rdx = from->rdx, .rax = from->rax, .rcx = from->rcx, .rsp = from->rsp, .rip = from->rip, .eflags = from->rflags,
		.cs = (u16)from->cs, .ss = (u16)from->ss, .err = (u32)from->error, .trapno = from->vector, .oldmask = mask,
		.cr2 = from->address, .fpstate = vector,
	};
}

void sigcontext_restore(struct gate_frame *to, const struct linux_sigcontext *from)
{
	to->r8 = from->r8;
	to->r9 = from->r9;
	to->r10 = from->r10;
	to->r11 = from->r11;
	to->r12 = from->r12;
	to->r13 = from->r13;
	to->r14 = from->r14;
	to->r15 = from->r15;
	to->rdi = from->rdi;
	to->rsi = from->rsi;
	to->rbp = from->rbp;
	to->rbx = from->rbx;
	to->rdx = from->rdx;
	to->rax = from->rax;
	to->rcx = from->rcx;
	to->rsp = from->rsp;
	to->rip = from->rip;
	to->rflags = (from->eflags & FLAGS_CHANGEABLE) | FLAGS_FIXED;
}

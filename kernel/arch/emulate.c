/*
 * Instructions that the CPU should do for programs, done for them.
 *
 * iretq: QEMU's TCG (seen in 7.2) reads its stack with ring 0's rights even in ring 3, so with SMAP the read faults: a page fault
 * from ring 3 whose error code says "present, not user", which real CPUs never give for data.
 *
 * rdfsbase, rdgsbase, wrfsbase, wrgsbase: CPUs before 2012 do not have them. The runtime uses them for FS and GS, and tells programs that
 * they may.
 */
#include "kernel/arch/x86.h"
#include "kernel/vspace.h"

#define IRETQ_0 0x48
#define IRETQ_1 0xcf
/* CF PF AF ZF SF TF DF OF NT RF AC ID: what iretq changes in ring 3 */
#define RFLAGS_OF_USER 0x254dd5ull

#define REX_BITS 0xf0
#define REX 0x40
#define REX_W 8
#define REX_B 1

struct iret_frame {
	u64 rip, cs, rflags, rsp, ss;
};

static bool read_user(struct thread *t, u64 address, unsigned rights, void *to, unsigned bytes)
{
	u8 *at = to;

	for (; bytes; bytes--, address++) {
		paddr_t page;

		if (!t->space || !vspace_translate(t->space, ALIGN_DOWN(address, (u64)PAGE_SIZE), rights, &page))
			return false;
		*at++ = *((const u8 *)phys_to_virt(page) + address % PAGE_SIZE);
	}
	return true;
}

bool emulate_iret(struct thread *t)
{
	struct iret_frame frame;
	u8 code[2];

	if (!read_user(t, t->frame.rip, VSPACE_EXEC, code, sizeof(code)) || code[0] != IRETQ_0 || code[1] != IRETQ_1)
		return false;
	if (!read_user(t, t->frame.rsp, VSPACE_READ, &frame, sizeof(frame)))
		return false;
	if (frame.cs != ARCH_USER_CS || frame.ss != ARCH_USER_SS)
		return false;
	t->frame.rip = frame.rip; /* not canonical: the kernel's own iretq finds that */
	t->frame.rsp = frame.rsp;
	t->frame.rflags = (t->frame.rflags & ~RFLAGS_OF_USER) | (frame.rflags & RFLAGS_OF_USER);
	return true;
}

/* A register by its number in an instruction. */
static unsigned long *frame_register(struct gate_frame *f, unsigned n)
{
	unsigned long *const registers[16] = {
		&f->rax, &f->rcx, &f->rdx, &f->rbx, &f->rsp, &f->rbp, &f->rsi, &f->rdi,
		&f->r8, &f->r9, &f->r10, &f->r11, &f->r12, &f->r13, &f->r14, &f->r15,
	};

	return registers[n];
}

static bool canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

/* F3 [REX] 0F AE /0 rdfsbase, /1 rdgsbase, /2 wrfsbase, /3 wrgsbase, of a register. The thread runs, so its bases are in the CPU. */
bool emulate_fsgsbase(struct thread *t)
{
	u8 code[5], rex;
	unsigned length = 4, operation;
	unsigned long *reg;
	u32 msr;

	if (cpu_features.fsgsbase || !read_user(t, t->frame.rip, VSPACE_EXEC, code, 4) || code[0] != 0xf3)
		return false;
	rex = (code[1] & REX_BITS) == REX ? code[1] : 0;
	if (rex && !read_user(t, t->frame.rip + 1, VSPACE_EXEC, code, length++))
		return false;
	/* with REX, code was read again from behind the F3: both forms have 0F AE at 1 and the operands at 3 */
	operation = code[3] >> 3 & 7;
	if (code[1] != 0x0f || code[2] != 0xae || code[3] >> 6 != 3 || operation > 3)
		return false;
	reg = frame_register(&t->frame, (code[3] & 7) | (rex & REX_B ? 8 : 0));
	msr = operation & 1 ? MSR_KERNEL_GS_BASE : MSR_FS_BASE;
	if (operation < 2) {
		*reg = rex & REX_W ? msr_read(msr) : (u32)msr_read(msr);
	} else {
		u64 value = rex & REX_W ? *reg : (u32)*reg;

		if (!canonical(value))
			return false;
		msr_write(msr, value);
	}
	t->frame.rip += length;
	return true;
}

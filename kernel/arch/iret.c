/*
 * A program's own iretq, done for it. QEMU's TCG (seen in 7.2) reads iretq's stack with ring 0's rights even in ring 3, so with SMAP the
 * read faults: a page fault from ring 3 whose error code says "present, not user", which real CPUs never give for data. The
 * runtime returns to programs with iretq, and programs may use it as well.
 */
#include "kernel/arch/x86.h"
#include "kernel/vspace.h"

#define IRETQ_0 0x48
#define IRETQ_1 0xcf
/* CF PF AF ZF SF TF DF OF NT RF AC ID: what iretq changes in ring 3 */
#define RFLAGS_OF_USER 0x254dd5ull

struct iret_frame {
	u64 rip, cs, rflags, rsp, ss;
};

static bool read_user(struct thread *t, u64 address, unsigned rights, void *to, unsigned bytes)
{
	u8 *at = to;

	for (; bytes; bytes--, address++) {
		paddr_t page;

		if (!vspace_translate(t->space, ALIGN_DOWN(address, (u64)PAGE_SIZE), rights, &page))
			return false;
		*at++ = *((const u8 *)phys_to_virt(page) + address % PAGE_SIZE);
	}
	return true;
}

bool iret_emulate(struct thread *t)
{
	struct iret_frame frame;
	u8 code[2];

	if (!t->space || !read_user(t, t->frame.rip, VSPACE_EXEC, code, sizeof(code)) || code[0] != IRETQ_0 || code[1] != IRETQ_1)
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

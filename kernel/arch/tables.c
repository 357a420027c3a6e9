/* Descriptor tables: GDT, TSS, IDT. */
#include "kernel/arch/x86.h"

#define GATE_INTERRUPT_TYPE 0x8e /* present, DPL 0, interrupt gate */
#define GATE_DPL3 0x60

struct idt_gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "IDT gate");

struct table_pointer {
	u16 limit;
	u64 base;
} __attribute__((packed));

static struct idt_gate idt[256];

static void init_gdt(struct core_tables *t, unsigned core)
{
	u64 base = (u64)&t->tss, limit = sizeof(struct tss) - 1;

	t->gdt[KERNEL_CS / 8] = 0x00af9b000000ffff;
	t->gdt[KERNEL_DS / 8] = 0x00cf93000000ffff;
	t->gdt[ARCH_USER_SS / 8] = 0x00cff3000000ffff;
	t->gdt[ARCH_USER_CS / 8] = 0x00affb000000ffff;
	t->gdt[TSS_SELECTOR / 8] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
	t->gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
	t->gdt[GATE_CORE_SELECTOR / 8] = 0x0000f50000000000 | core; /* read-only data, ring 3 may load it, which gives it nothing it has not */
}

static void init_tss(struct core_tables *t, struct core *core)
{
	for (unsigned i = IST_DEBUG; i < IST_COUNT; i++) {
		u64 *top = (u64 *)&t->stack[i - 1][IST_STACK_SIZE - 16];

		*top = (u64)core;
		t->tss.ist[i - 1] = (u64)top;
	}
	t->tss.io_map = sizeof(struct tss); /* none: ring 3 has no ports */
}

static void set_gate(unsigned vector, const u8 *handler, enum ist ist, u8 type)
{
	u64 address = (u64)handler;

	idt[vector] = (struct idt_gate){
		.offset_low = address & 0xffff,
		.offset_middle = address >> 16 & 0xffff,
		.offset_high = address >> 32,
		.selector = KERNEL_CS,
		.ist = ist,
		.type = type,
	};
}

static void init_idt(void)
{
	for (unsigned i = 0; i < 256; i++)
		set_gate(i, entry_stubs + 16 * i, IST_NONE, GATE_INTERRUPT_TYPE);
	idt[EXCEPTION_BP].type |= GATE_DPL3;
	idt[EXCEPTION_OF].type |= GATE_DPL3;
	idt[VECTOR_INT80].type |= GATE_DPL3;
	set_gate(EXCEPTION_DB, entry_debug, IST_DEBUG, GATE_INTERRUPT_TYPE);
	set_gate(EXCEPTION_NMI, entry_nmi, IST_NMI, GATE_INTERRUPT_TYPE);
	set_gate(EXCEPTION_DF, entry_double_fault, IST_DOUBLE_FAULT, GATE_INTERRUPT_TYPE);
	set_gate(EXCEPTION_MC, entry_machine_check, IST_MACHINE_CHECK, GATE_INTERRUPT_TYPE);
}

static void load(struct core_tables *t)
{
	struct table_pointer gdt = { sizeof(t->gdt) - 1, (u64)t->gdt }, ids = { sizeof(idt) - 1, (u64)idt };

	__asm__ volatile("lgdt %0" : : "m"(gdt));
	__asm__ volatile("lidt %0" : : "m"(ids));
	__asm__ volatile("ltr %w0" : : "r"(TSS_SELECTOR));
	/* None: after a reset the processor has one, at address 0, which is a program's. */
	__asm__ volatile("lldt %w0" : : "r"(0));
}

void tables_init(struct core *core, struct core_tables *t)
{
	init_gdt(t, core->number);
	init_tss(t, core);
	core->rsp0 = (u8 *)t + offsetof(struct core_tables, tss.rsp);
	if (core == &boot_core)
		init_idt();
	load(t);
}

_Static_assert(offsetof(struct thread, frame) == 0, "entry.S takes the frame's address for the thread's");
_Static_assert(offsetof(struct thread, frame.address) % 16 == 0, "the CPU aligns its stack pointer to 16 bytes");

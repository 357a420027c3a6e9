/* What the files of kernel/arch/ share; nothing here is visible outside. */
#ifndef KERNEL_ARCH_X86_H
#define KERNEL_ARCH_X86_H

#include "kernel/arch.h"
#include "kernel/thread.h"
#include "kernel/log.h"
#include "kernel/arch/cpu.h"

#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define TSS_SELECTOR 0x40
#define STAR_USER 0x23 /* sysret: ss = this + 8, cs = this + 16 */
_Static_assert(STAR_USER + 8 == ARCH_USER_SS && STAR_USER + 16 == ARCH_USER_CS, "selectors that sysret makes");

#define VECTOR_GSI      0x30 /* + GSI */
#define VECTOR_INT80    0x80
#define VECTOR_TIMER    0xf0
#define VECTOR_SPURIOUS 0xff

#define PTE_GLOBAL BIT(8) /* the others: kernel/vspace.h; PTE_UNCACHED is PWT and PCD: UC in the reset PAT */

/* linker script */
extern u8 kernel_start[], rodata_start[], data_start[], kernel_end[], bundle_start[], bundle_end[];

static inline paddr_t image_to_phys(const void *v)
{
	return (paddr_t)v - KERNEL_BASE;
}

/* What ACPI says of the machine; found once at boot. */
struct acpi_port {
	u8 space, width, offset, access; /* space 0 memory, 1 I/O ports */
	u64 address;
};
struct acpi {
	paddr_t lapic;
	struct {
		paddr_t address;
		u32 gsi_base;
	} ioapic[4];
	unsigned ioapic_count;
	struct {
		bool valid, level, active_low, isa_default;
		u8 gsi;
	} isa[16]; /* by ISA interrupt */
	unsigned core_count;
	u16 pm_timer_port;   /* 0: none */
	u16 pm1a_control, pm1b_control;
	bool has_s5;
	u8 s5_type_a, s5_type_b;
	bool has_reset;
	struct acpi_port reset;
	u8 reset_value;
	u8 century_register; /* of the CMOS clock; 0: none */
};
extern struct acpi acpi;
void acpi_init(paddr_t rsdp);

/* What the CPU has. */
struct cpu_features {
	bool fsgsbase, smep, smap, umip, gigabyte_pages, nx, pge, xsave, eager_vectors;
};
extern struct cpu_features cpu_features;
void cpu_detect(void);
void cpu_enable(void); /* control registers and MSRs of this core */

void tables_init(struct core *core); /* GDT, TSS, IDT, system call entry */
void tables_set_rsp0(const struct core *core, struct thread *thread);

void memory_init(void); /* page tables, then machine.ram without what they took */
/* What the boot loader said is there, by kind. */
struct boot_range {
	paddr_t base, end;
	bool ram; /* otherwise ACPI tables */
};
extern struct boot_range boot_ranges[64];
extern unsigned boot_range_count;

void clock_init(void);
extern u64 clock_boot_tsc;
struct thread *clock_interrupt(struct thread *thread);

void apic_init(void);
u32 lapic_read(unsigned reg);
void lapic_write(unsigned reg, u32 value);
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE  16

void vector_enable(void);
void vector_trap(struct core *core, struct thread *thread); /* #NM */
void vector_switch(struct core *core, struct thread *next);

/* emulate.c: true if the exception came from such an instruction and it is done. */
bool emulate_iret(struct thread *thread);
bool emulate_fsgsbase(struct thread *thread);

void serial_init(void);

/* boot.S, entry.S */
extern u8 kernel_stack_guard[], kernel_stack[], kernel_stack_end[];
extern u8 entry_syscall[], entry_stubs[], entry_clac_site[];
extern u8 entry_debug[], entry_nmi[], entry_double_fault[], entry_machine_check[];
noreturn void arch_resume(struct thread *thread);
noreturn void arch_idle_loop(void);

/* called by assembly */
noreturn void arch_start(paddr_t start_info, u64 tsc);
struct thread *arch_trap(struct thread *thread);
noreturn void arch_kernel_trap(struct gate_frame *frame); /* without .address */
struct thread *arch_interrupt(struct thread *thread, unsigned vector);

#endif

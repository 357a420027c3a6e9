/* What the files of kernel/arch/ share; nothing here is visible outside. */
#ifndef KERNEL_ARCH_X86_H
#define KERNEL_ARCH_X86_H

#include "kernel/arch.h"
#include "kernel/thread.h"
#include "kernel/log.h"
#include "kernel/park.h"
#include "kernel/arch/cpu.h"

#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define TSS_SELECTOR 0x40
#define STAR_USER 0x23 /* sysret: ss = this + 8, cs = this + 16 */
_Static_assert(STAR_USER + 8 == ARCH_USER_SS && STAR_USER + 16 == ARCH_USER_CS, "selectors that sysret makes");

#define VECTOR_GSI      0x30 /* + GSI */
#define VECTOR_INT80    0x80
#define VECTOR_TIMER    0xf0
#define VECTOR_SCHEDULE 0xf1 /* ARCH_IPI_SCHEDULE */
#define VECTOR_REQUEST  0xf2 /* ARCH_IPI_REQUEST */
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
	unsigned core_count; /* usable processors; the first CORE_MAX of them: */
	u8 core_apic[CORE_MAX];
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
static inline bool cpu_fast(void) /* for fast.h */
{
	return cpu_features.fsgsbase && cpu_features.xsave;
}
void cpu_enable(void); /* control registers and MSRs of this core */
void cpu_patch(void);  /* the kernel's text, once */

#define IST_STACK_SIZE 4096
enum ist { IST_NONE, IST_DEBUG, IST_NMI, IST_DOUBLE_FAULT, IST_MACHINE_CHECK, IST_COUNT };

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, io_map;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "TSS");

/* One set a core. An IST stack ends with the core's address: entry.S reads it there, above the CPU's frame. */
struct core_tables {
	u8 stack[IST_COUNT - 1][IST_STACK_SIZE] __attribute__((aligned(16)));
	u64 gdt[GATE_CORE_SELECTOR / 8 + 1];
	struct tss tss;
};
void tables_init(struct core *core, struct core_tables *t); /* GDT, TSS, IDT */
typedef u64 tss_word __attribute__((aligned(4)));
static inline void tables_set_rsp0(const struct core *core, struct thread *thread)
{
	*(tss_word *)core->rsp0 = (u64)&thread->frame.address;
}

/* start.c, smp.c: the order in which a core is brought up. */
void core_init(struct core *core, u64 stack_top, unsigned number);
void cores_prepare(void); /* memory for the others; before memory_list_free */
struct core_tables *core_tables_of(struct core *core);
void core_started(void); /* by the core itself: it needs the starter no more */
void core_stop_if_told(void); /* in an NMI: does not return if another core has panicked */

void memory_init(void);      /* page tables */
void memory_list_free(void); /* machine.ram: RAM without what the page tables and the cores' areas took */
paddr_t memory_kernel_top(void);
/* Before memory_list_free: memory of a core's own, zeroed, behind a page that is not mapped; the lowest KERNEL_STACK_SIZE bytes are its stack. */
u8 *memory_core_area(unsigned number, u64 bytes);
/* A page below 1 MiB, where a core can start in real mode; 0: there is none. */
paddr_t memory_low_page(void);
#define KERNEL_STACK_SIZE 16384
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
void lapic_init(void); /* this core's */
u8 lapic_id(void);
void lapic_send(u8 apic, u32 command); /* interrupt command register */
#define IPI_FIXED 0x4000
#define IPI_NMI   0x4400
#define IPI_INIT  0x4500
#define IPI_START 0x4600 /* | page number of the first instruction */
u32 lapic_read(unsigned reg);
void lapic_write(unsigned reg, u32 value);
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE  16

void vector_enable(void);      /* finds out what there is */
void vector_enable_core(void); /* the same on this core */

/* emulate.c: true if the exception came from such an instruction and it is done. */
bool emulate_iret(struct thread *thread);
bool emulate_fsgsbase(struct thread *thread);

void serial_init(void);

/* trampoline.S: what is copied to the low page, and what it finds in the kernel's image */
extern const u8 trampoline[], trampoline_end[];
struct core_start {
	u64 efer, cr3, cr4, cr0, stack, core;
	u32 turn; /* the APIC of the core that is to start, + 1; the core makes it 0 when it has come, or the first core, when it gives it up */
};
extern volatile struct core_start core_start;


/* boot.S, entry.S */
extern u8 kernel_stack_guard[], kernel_stack[], kernel_stack_end[];
extern u8 entry_syscall[], entry_stubs[], entry_clac_site[];
extern u8 entry_debug[], entry_nmi[], entry_double_fault[], entry_machine_check[];
noreturn void arch_resume(struct thread *thread);
noreturn void arch_idle_loop(void);

/* called by assembly */
noreturn void arch_start(paddr_t start_info, u64 tsc);
noreturn void arch_start_core(struct core *core);
noreturn void core_idle(void);
struct thread *arch_trap(struct thread *thread);
noreturn void arch_kernel_trap(struct gate_frame *frame); /* without .address */
struct thread *arch_interrupt(struct thread *thread, unsigned vector);

#endif

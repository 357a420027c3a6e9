/* What the kernel gives the root server, and the bundle linked into the kernel image (tools/mkbundle writes it). */
#ifndef ABI_BOOT_H
#define ABI_BOOT_H

#define BUNDLE_MAGIC 0x42525855u /* "UXRB" */
#define BUNDLE_ROOT    1
#define BUNDLE_RUNTIME 2
#define BUNDLE_SERVER  3 /* a whole ELF file */

#define SEGMENT_READ  1
#define SEGMENT_WRITE 2
#define SEGMENT_EXEC  4

struct bundle_segment {
	unsigned long vaddr, offset; /* offset from the start of the bundle, page aligned */
	unsigned long file_size, mem_size;
	unsigned int flags, reserved;
};

struct bundle_entry {
	char name[32];
	unsigned int kind, segment_count;
	unsigned long entry;        /* address of the first instruction (root, runtime) */
	unsigned long offset, size; /* server: the ELF file, page aligned, padded with zeros to a page */
	struct bundle_segment segments[4];
};

struct bundle_header {
	unsigned int magic, count;
	unsigned long total_size;
	struct bundle_entry entries[];
};

/* Slots of root's system CNode at boot. Root has no files CNode. Everything from boot_info.first_free_slot on is empty. */
#define ROOT_SLOT_CNODE       1  /* its own system CNode */
#define ROOT_SLOT_VSPACE      2
#define ROOT_SLOT_THREAD      3
#define ROOT_SLOT_IRQ_CONTROL 4
#define ROOT_SLOT_IO_PORT     5  /* all ports */
#define ROOT_SLOT_SYSTEM      6
#define ROOT_SLOT_IMAGE       7  /* Frame: the boot module, whole pages */
#define ROOT_SLOT_BUNDLE      8  /* Frame: the bundle */
#define ROOT_SLOT_CLOCK       9  /* Frame: the clock page */
#define ROOT_SLOT_UNTYPED     16 /* RAM regions, boot_info.untyped_count of them */

/*
 * Root's address space at start: its image at GATE_BASE; boot_info at ROOT_BOOT_INFO; its context page and messages as thread 0
 * at GATE_THREAD_AREA(0); a 64 KiB boot stack below ROOT_STACK_TOP; all RAM readable and writable at ROOT_PHYSMAP + physical address (not counted).
 * Entry: rdi = ROOT_BOOT_INFO, rsp = ROOT_STACK_TOP. Root's kernel calls come from the upper half as everybody's.
 */
#define ROOT_PHYSMAP   0x100000000000ul
#define ROOT_BOOT_INFO (GATE_BASE + 0x10000000)
#define ROOT_STACK_TOP (GATE_BASE + 0x18000000)

struct boot_untyped {
	unsigned long base, size_bits; /* physical, naturally aligned */
	unsigned int device, reserved; /* device memory: Frames only */
};

#define BOOT_UNTYPED_MAX 64

struct boot_info {
	unsigned long first_free_slot, slot_count;
	unsigned long image_base, image_size;   /* physical; size in bytes as the boot loader gave it, 0: no module */
	unsigned long bundle_base, bundle_size; /* physical */
	unsigned long memory_bytes;             /* RAM in all */
	unsigned long memory_top;               /* end of the highest RAM */
	unsigned long untyped_count;
	struct boot_untyped untyped[BOOT_UNTYPED_MAX];
	unsigned long vector_size;              /* XSAVE area in bytes for XCR0 as set */
	unsigned long features;                 /* BOOT_FEATURE_ */
	unsigned long core_count;               /* that run threads */
	unsigned long boot_ns;                  /* monotonic clock at hand-over */
	char command_line[1024];
};
_Static_assert(sizeof(struct boot_info) <= 4096, "boot info is one page");

#define BOOT_FEATURE_SMEP 1
#define BOOT_FEATURE_SMAP 2
#define BOOT_FEATURE_UMIP 4
#define BOOT_FEATURE_NX   8

#endif

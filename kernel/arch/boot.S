/*
 * PVH entry (xen/include/public/arch-x86/hvm/start_info.h): 32-bit protected mode, paging off, ebx = struct hvm_start_info.
 * Makes page tables for the first GiB at 0 and at -2 GiB, goes to long mode and calls arch_start there.
 */
#include "offsets.h"

#define KERNEL_BASE 0xffffffff80000000
#define PHYSICAL(symbol) ((symbol) - KERNEL_BASE)
#define NOTE_PHYS32_ENTRY 18

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 8, NOTE_PHYS32_ENTRY
	.asciz "Xen"
	.quad pvh_entry_physical

	.globl pvh_entry_physical
	.set pvh_entry_physical, PHYSICAL(pvh_entry)

	.section .text.boot, "ax"
	.code32
	.globl pvh_entry
pvh_entry:
	cld
	rdtsc
	mov %eax, %ebp
	mov %edx, %esi

	/* top[0] and top[511] -> directory pointers; [0] and [510] -> directory of 512 pages of 2 MiB */
	mov $PHYSICAL(boot_pml4), %edi
	movl $PHYSICAL(boot_pdpt) + 3, (%edi)
	movl $PHYSICAL(boot_pdpt) + 3, 511 * 8(%edi)
	mov $PHYSICAL(boot_pdpt), %eax
	movl $PHYSICAL(boot_pd) + 3, (%eax)
	movl $PHYSICAL(boot_pd) + 3, 510 * 8(%eax)
	mov $PHYSICAL(boot_pd), %ecx
	mov $0x83, %eax
1:	mov %eax, (%ecx)
	add $8, %ecx
	add $0x200000, %eax
	cmp $PHYSICAL(boot_pd) + 4096, %ecx
	jb 1b

	mov %cr4, %eax
	or $0x20, %eax			/* PAE */
	mov %eax, %cr4
	mov %edi, %cr3
	mov $0xc0000080, %ecx		/* EFER.LME */
	rdmsr
	or $0x100, %eax
	wrmsr
	mov %cr0, %eax
	or $0x80000001, %eax
	mov %eax, %cr0
	lgdt PHYSICAL(boot_gdt_pointer)
	ljmp $0x10, $PHYSICAL(boot_long)

	.code64
boot_long:
	movabs $1f, %rax
	jmp *%rax
1:	mov $0x18, %eax
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov $kernel_stack_end, %rsp
	mov %ebx, %edi
	shl $32, %rsi
	mov %ebp, %ebp
	or %rbp, %rsi
	xor %ebp, %ebp
	call arch_start
	ud2

	.section .rodata, "a"
	.balign 8
	.globl boot_gdt
boot_gdt:
	.quad 0, 0
	.quad 0x00af9b000000ffff	/* 0x10: kernel code */
	.quad 0x00cf93000000ffff	/* 0x18: kernel data */
boot_gdt_pointer:
	.word . - boot_gdt - 1
	.long PHYSICAL(boot_gdt)

	.section .bss.pages, "aw", @nobits
	.balign 4096
	.globl boot_pml4
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pd:
	.skip 4096
	/* The core's kernel stack; the page below it is left unmapped. */
	.globl kernel_stack, kernel_stack_end, kernel_stack_guard
kernel_stack_guard:
	.skip 4096
kernel_stack:
	.skip 16384
kernel_stack_end:

/*
 * Where a further core starts: real mode, at a page below 1 MiB that this is copied to (SDM 3A, 8.4). It goes to long mode at once, on the
 * page tables that the first core came by (boot.S), which map the first GiB where it is and the image where it is linked; then takes
 * over the first core's control registers and page tables. All it knows of its place is nothing: the addresses are those of the image.
 */
#include "offsets.h"

#define KERNEL_BASE 0xffffffff80000000
#define PHYSICAL(symbol) ((symbol) - KERNEL_BASE)
#define CR4_PAE 0x20
#define CR0_PE_PG 0x80000001
#define EFER 0xc0000080
#define EFER_LME 0x100

	.section .rodata, "a"
	.globl trampoline, trampoline_end
	.code16
	.balign 16
trampoline:
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	mov $CR4_PAE, %eax
	mov %eax, %cr4
	mov $PHYSICAL(boot_pml4), %eax
	mov %eax, %cr3
	mov $EFER, %ecx
	xor %edx, %edx
	mov $EFER_LME, %eax
	wrmsr
	lgdtl gdt_pointer - trampoline
	mov $CR0_PE_PG, %eax
	mov %eax, %cr0
	ljmpl $0x10, $PHYSICAL(core_long)
	.balign 8
gdt_pointer:
	.word 4 * 8 - 1
	.long PHYSICAL(boot_gdt)
trampoline_end:

	.section .text.boot, "ax"
	.code64
core_long:
	movabs $1f, %rax
	jmp *%rax
1:	mov $0x18, %eax
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov core_start + CORE_START_EFER, %eax
	xor %edx, %edx
	mov $EFER, %ecx
	wrmsr
	mov core_start + CORE_START_CR0, %rax	/* before anything is written: caches are off after INIT */
	mov %rax, %cr0
	mov core_start + CORE_START_CR4, %rax
	mov %rax, %cr4
	mov core_start + CORE_START_CR3, %rax
	mov %rax, %cr3
	/* whose turn it is: its APIC's number + 1; another one's, if this one was given up before it came */
	mov $1, %eax
	cpuid
	shr $24, %ebx
	lea 1(%rbx), %eax
	xor %ecx, %ecx
	lock cmpxchg %ecx, core_start + CORE_START_TURN
	jne too_late
	mov core_start + CORE_START_STACK, %rsp
	mov core_start + CORE_START_CORE, %rdi
	xor %ebp, %ebp
	call arch_start_core
	ud2
too_late:
	cli
	hlt
	jmp too_late

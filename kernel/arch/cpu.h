/* x86-64 instructions and registers that C has no words for. Numbers: Intel SDM volumes 3A and 4. */
#ifndef KERNEL_ARCH_CPU_H
#define KERNEL_ARCH_CPU_H

#include "lib/types.h"

#define MSR_APIC_BASE      0x1b
#define MSR_SYSENTER_CS    0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SCE BIT(0)
#define EFER_NXE BIT(11)

#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)

#define CR4_PGE        BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_FSGSBASE   BIT(16)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)

#define RFLAGS_TF BIT(8)
#define RFLAGS_IF BIT(9)
#define RFLAGS_DF BIT(10)
#define RFLAGS_NT BIT(14)
#define RFLAGS_AC BIT(18)

#define EXCEPTION_DB 1
#define EXCEPTION_NMI 2
#define EXCEPTION_BP 3
#define EXCEPTION_OF 4
#define EXCEPTION_UD 6
#define EXCEPTION_NM 7
#define EXCEPTION_DF 8
#define EXCEPTION_PF 14
#define EXCEPTION_MC 18

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
	return r;
}

static inline u64 msr_read(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}
static inline void msr_write(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

#define CR_ACCESS(n)                                                          \
	static inline u64 cr##n##_read(void)                                  \
	{                                                                     \
		u64 value;                                                    \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(value));         \
		return value;                                                 \
	}                                                                     \
	static inline void cr##n##_write(u64 value)                           \
	{                                                                     \
		__asm__ volatile("mov %0, %%cr" #n : : "r"(value) : "memory"); \
	}
CR_ACCESS(0)
CR_ACCESS(2)
CR_ACCESS(3)
CR_ACCESS(4)

static inline u64 flags_read(void)
{
	u64 flags;

	__asm__ volatile("pushfq; pop %0" : "=r"(flags) : : "memory");
	return flags;
}

static inline void clts(void)
{
	__asm__ volatile("clts" : : : "memory");
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static inline void out8(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
static inline void out16(u16 port, u16 value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
static inline void out32(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
static inline u8 in8(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}
static inline u16 in16(u16 port)
{
	u16 value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}
static inline u32 in32(u16 port)
{
	u32 value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u64 fs_base_read(void)
{
	u64 value;

	__asm__ volatile("rdfsbase %0" : "=r"(value));
	return value;
}
static inline void fs_base_write(u64 value)
{
	__asm__ volatile("wrfsbase %0" : : "r"(value));
}

/* The user's GS base is in the hidden register while the kernel runs. Nothing may interrupt these but NMI and #MC, which do not trust GS. */
static inline u64 user_gs_base_read(void)
{
	u64 value;

	__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(value) : : "memory");
	return value;
}
static inline void user_gs_base_write(u64 value)
{
	__asm__ volatile("swapgs; wrgsbase %0; swapgs" : : "r"(value) : "memory");
}
/* Both in one. */
static inline u64 user_gs_base_exchange(u64 value)
{
	u64 old;

	__asm__ volatile("swapgs; rdgsbase %0; wrgsbase %1; swapgs" : "=&r"(old) : "r"(value) : "memory");
	return old;
}

#endif

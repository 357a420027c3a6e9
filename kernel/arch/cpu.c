/* What the CPU has, and the control registers set accordingly. */
#include "kernel/arch/x86.h"
#include "lib/string.h"

struct cpu_features cpu_features;

static bool bit(u32 word, unsigned n)
{
	return word >> n & 1;
}

static bool vendor_is(struct cpuid id, const char *name)
{
	return !memcmp(&id.ebx, name, 4) && !memcmp(&id.edx, name + 4, 4) && !memcmp(&id.ecx, name + 8, 4);
}

/* The same of a hypervisor's leaf, which has the words in the order ebx, ecx, edx. */
static bool hypervisor_is(const char *name)
{
	struct cpuid id = cpuid(0x40000000, 0);

	return cpuid(1, 0).ecx >> 31 && !memcmp(&id.ebx, name, 4) && !memcmp(&id.ecx, name + 4, 4) && !memcmp(&id.edx, name + 8, 4);
}

/*
 * Where one thread can get at another's vector registers though CR0.TS is set: Intel's CPUs read them speculatively (CVE-2018-3665);
 * QEMU's TCG executes XSAVE and XRSTOR without looking at CR0.TS (seen in 7.2).
 */
static bool vector_trap_leaks(void)
{
	return vendor_is(cpuid(0, 0), "GenuineIntel") || hypervisor_is("TCGTCGTCGTCG");
}

void cpu_detect(void)
{
	struct cpuid zero = cpuid(0, 0), one = cpuid(1, 0), seven = { 0 }, extended = { 0 };

	if (zero.eax >= 7)
		seven = cpuid(7, 0);
	if (cpuid(0x80000000, 0).eax >= 0x80000001)
		extended = cpuid(0x80000001, 0);
	cpu_features = (struct cpu_features){
		.fsgsbase = bit(seven.ebx, 0),
		.smep = bit(seven.ebx, 7),
		.smap = bit(seven.ebx, 20),
		.umip = bit(seven.ecx, 2),
		.nx = bit(extended.edx, 20),
		.gigabyte_pages = bit(extended.edx, 26),
		.pge = bit(one.edx, 13),
		.xsave = bit(one.ecx, 26),
		.eager_vectors = vector_trap_leaks(),
	};
	machine.features = (cpu_features.smep ? BOOT_FEATURE_SMEP : 0) | (cpu_features.smap ? BOOT_FEATURE_SMAP : 0) |
			   (cpu_features.umip ? BOOT_FEATURE_UMIP : 0) | (cpu_features.nx ? BOOT_FEATURE_NX : 0);
}

/* Text is still writable when the first core comes here. */
void cpu_patch(void)
{
	static const u8 clac[3] = { 0x0f, 0x01, 0xca };

	for (unsigned i = 0; cpu_features.smap && i < sizeof(clac); i++)
		entry_clac_site[i] = clac[i];
}

void cpu_enable(void)
{
	u64 cr4 = cr4_read() | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (cpu_features.pge)
		cr4 |= CR4_PGE;
	if (cpu_features.umip)
		cr4 |= CR4_UMIP;
	if (cpu_features.fsgsbase)
		cr4 |= CR4_FSGSBASE;
	if (cpu_features.xsave)
		cr4 |= CR4_OSXSAVE;
	if (cpu_features.smep)
		cr4 |= CR4_SMEP;
	if (cpu_features.smap)
		cr4 |= CR4_SMAP;
	cr4_write(cr4);
	cr0_write((cr0_read() & ~CR0_EM) | CR0_WP | CR0_NE | CR0_MP | CR0_TS);
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE | (cpu_features.nx ? EFER_NXE : 0));
	msr_write(MSR_STAR, (u64)STAR_USER << 48 | (u64)KERNEL_CS << 32);
	msr_write(MSR_LSTAR, (u64)entry_syscall);
	msr_write(MSR_SFMASK, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC | RFLAGS_NT);
	msr_write(MSR_SYSENTER_CS, 0); /* sysenter is #GP then */
}

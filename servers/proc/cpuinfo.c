/*
 * /proc/cpuinfo, from CPUID (Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E).
 */
#include <cpuid.h>

#include "lib/string.h"
#include "servers/proc/system_text.h"

struct leaf {
	u32 eax, ebx, ecx, edx;
};

static struct leaf leaf(u32 number, u32 sub)
{
	struct leaf l;

	__cpuid_count(number, sub, l.eax, l.ebx, l.ecx, l.edx);
	return l;
}

/* A leaf above the highest that there is: zeroes. */
static struct leaf leaf_if_any(u32 number, u32 sub)
{
	return leaf(number & 0x80000000u, 0).eax >= number ? leaf(number, sub) : (struct leaf){ 0 };
}

/* Names by bit, as Linux prints them, in Linux's order of words. "" : not shown. */
static const char *const leaf1_edx[32] = {
	"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "", "sep", "mtrr", "pge", "mca", "cmov",
	"pat", "pse36", "pn", "clflush", "", "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe",
};
static const char *const extended1_edx[32] = {
	[11] = "syscall", [19] = "mp", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt", [26] = "pdpe1gb", [27] = "rdtscp",
	[29] = "lm", [30] = "3dnowext", [31] = "3dnow",
};
static const char *const leaf1_ecx[32] = {
	"pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", "sdbg", "fma", "cx16", "xtpr",
	"pdcm", "", "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt", "tsc_deadline_timer", "aes", "xsave", "", "avx",
	"f16c", "rdrand", "hypervisor",
};
static const char *const extended1_ecx[32] = {
	"lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse", "3dnowprefetch", "osvw", "ibs", "xop",
	"skinit", "wdt", [15] = "lwp", [16] = "fma4", [21] = "tbm", [22] = "topoext",
};
static const char *const leaf7_ebx[32] = {
	"fsgsbase", "tsc_adjust", "", "bmi1", "hle", "avx2", "", "smep", "bmi2", "erms", "invpcid", "rtm", [16] = "avx512f",
	[17] = "avx512dq", [18] = "rdseed", [19] = "adx", [20] = "smap", [21] = "avx512ifma", [23] = "clflushopt", [24] = "clwb",
	[28] = "avx512cd", [29] = "sha_ni", [30] = "avx512bw", [31] = "avx512vl",
};
static const char *const leaf7_ecx[32] = {
	[1] = "avx512vbmi", [2] = "umip", [3] = "pku", [4] = "ospke", [8] = "gfni", [9] = "vaes", [10] = "vpclmulqdq",
	[16] = "la57", [22] = "rdpid",
};

static void flag_names(struct text *text, u32 bits, const char *const names[32])
{
	for (int i = 0; i < 32; i++)
		if (bits >> i & 1 && names[i] && names[i][0])
			text_add(text, " %s", names[i]);
}

static void flags(struct text *text)
{
	struct leaf one = leaf(1, 0), extended = leaf_if_any(0x80000001, 0), seven = leaf_if_any(7, 0);

	text_add(text, "flags\t\t:");
	flag_names(text, one.edx, leaf1_edx);
	flag_names(text, extended.edx, extended1_edx);
	flag_names(text, one.ecx, leaf1_ecx);
	flag_names(text, extended.ecx, extended1_ecx);
	flag_names(text, seven.ebx, leaf7_ebx);
	flag_names(text, seven.ecx, leaf7_ecx);
	text_add(text, "\n");
}

static void model(struct text *text)
{
	u32 id = leaf(1, 0).eax, family = id >> 8 & 15, number = id >> 4 & 15;

	if (family == 15)
		family += id >> 20 & 0xff;
	if (family >= 6)
		number |= id >> 12 & 0xf0;
	text_add(text, "cpu family\t: %u\nmodel\t\t: %u\nmodel name\t: ", family, number);
	char name[49] = "unknown";

	if (leaf(0x80000000, 0).eax >= 0x80000004)
		for (u32 i = 0; i < 3; i++) {
			struct leaf part = leaf(0x80000002 + i, 0);

			memcpy(name + 16 * i, &part, 16);
		}
	name[48] = 0;
	text_add(text, "%s\nstepping\t: %u\nmicrocode\t: 0x0\n", name, id & 15);
}

static void processor(struct text *text, unsigned long khz, unsigned number, unsigned cores)
{
	struct leaf zero = leaf(0, 0), one = leaf(1, 0), sizes = leaf_if_any(0x80000008, 0);
	char vendor[13] = { 0 };

	memcpy(vendor, &zero.ebx, 4);
	memcpy(vendor + 4, &zero.edx, 4);
	memcpy(vendor + 8, &zero.ecx, 4);
	text_add(text, "processor\t: %u\nvendor_id\t: %s\n", number, vendor);
	model(text);
	text_add(text, "cpu MHz\t\t: %lu.%03lu\ncache size\t: 0 KB\n", khz / 1000, khz % 1000);
	text_add(text, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n", cores, number, cores);
	text_add(text, "apicid\t\t: %u\ninitial apicid\t: %u\n", number, number);
	text_add(text, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", zero.eax);
	flags(text);
	text_add(text, "bugs\t\t:\nbogomips\t: %lu.%02lu\n", khz / 500, khz / 5 % 100);
	text_add(text, "clflush size\t: %u\ncache_alignment\t: %u\n", (one.ebx >> 8 & 0xff) * 8, (one.ebx >> 8 & 0xff) * 8);
	text_add(text, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n", sizes.eax & 0xff, sizes.eax >> 8 & 0xff);
}

/* All cores are said to be those of one package: the kernel does not tell more of them than how many they are. */
void system_text_cpuinfo(struct text *text, unsigned long tsc_hz, unsigned long cores)
{
	for (unsigned long i = 0; i < cores; i++)
		processor(text, tsc_hz / 1000, i, cores);
}

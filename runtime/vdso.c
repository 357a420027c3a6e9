/*
 * The vDSO's functions. They run in the program, on its stack, at another address than they are linked at: no calls, no data but the
 * clock page, and nothing that would make a table of jumps. What they do not know they ask by the system call.
 */
#include <asm/unistd_64.h>

#include "abi/gate.h"
#include "include/uxrt/transfer.h"
#include "lib/types.h"
#include "runtime/core.h"

#define VDSO __attribute__((section(".vdso.text"), visibility("hidden"), used))
#define INLINE static inline __attribute__((always_inline))

#define REALTIME_CLOCKS  ((1u << 0) | (1u << 5) | (1u << 11))            /* REALTIME, _COARSE, TAI */
#define MONOTONIC_CLOCKS ((1u << 1) | (1u << 4) | (1u << 6) | (1u << 7)) /* MONOTONIC, _RAW, _COARSE, BOOTTIME */

int vdso_clock_gettime(int clock, long *timespec);
int vdso_gettimeofday(long *timeval, int *zone);
long vdso_time(long *result);
int vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
int vdso_clock_getres(int clock, long *timespec);
long vdso_read_reg(int file, struct uxrt_registers *to, unsigned long bytes);
long vdso_write_reg(int file, const struct uxrt_registers *from, unsigned long bytes);
long vdso_read_buf(int file, unsigned long at, unsigned long bytes, unsigned long offset);
long vdso_write_buf(int file, unsigned long at, unsigned long bytes, unsigned long offset);
long vdso_share(int file, void *memory, unsigned long size);

INLINE long system_call(long number, long a, long b)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

INLINE unsigned long now(bool realtime)
{
	const volatile struct clock_page *page = (const volatile struct clock_page *)GATE_CLOCK;
	unsigned long ns;
	unsigned seq, low, high;

	do {
		while ((seq = page->seq) & 1)
			__builtin_ia32_pause();
		__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
		ns = (unsigned long)(((unsigned __int128)(((unsigned long)high << 32 | low) - page->tsc_base) * page->mult) >> 32);
		if (realtime)
			ns += page->realtime_base;
		__asm__ volatile("" : : : "memory");
	} while (page->seq != seq);
	return ns;
}

VDSO int vdso_clock_gettime(int clock, long *timespec)
{
	unsigned bit = (unsigned)clock < 32 ? 1u << clock : 0;
	unsigned long ns;

	if (!(bit & (REALTIME_CLOCKS | MONOTONIC_CLOCKS)))
		return (int)system_call(__NR_clock_gettime, clock, (long)timespec);
	ns = now(bit & REALTIME_CLOCKS);
	timespec[0] = (long)(ns / 1000000000);
	timespec[1] = (long)(ns % 1000000000);
	return 0;
}

VDSO int vdso_gettimeofday(long *timeval, int *zone)
{
	if (timeval) {
		unsigned long us = now(true) / 1000;

		timeval[0] = (long)(us / 1000000);
		timeval[1] = (long)(us % 1000000);
	}
	if (zone) {
		zone[0] = 0;
		zone[1] = 0;
	}
	return 0;
}

VDSO long vdso_time(long *result)
{
	long seconds = (long)(now(true) / 1000000000);

	if (result)
		*result = seconds;
	return seconds;
}

VDSO int vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	(void)unused;
	if (cpu)
		*cpu = core_number();
	if (node)
		*node = 0;
	return 0;
}

VDSO int vdso_clock_getres(int clock, long *timespec)
{
	return (int)system_call(__NR_clock_getres, clock, (long)timespec);
}

/* The native calls, for those who cannot include them. */

VDSO long vdso_read_reg(int file, struct uxrt_registers *to, unsigned long bytes)
{
	return uxrt_read_reg(file, to, bytes);
}

VDSO long vdso_write_reg(int file, const struct uxrt_registers *from, unsigned long bytes)
{
	return uxrt_write_reg(file, from, bytes);
}

VDSO long vdso_read_buf(int file, unsigned long at, unsigned long bytes, unsigned long offset)
{
	return uxrt_read_buf(file, at, bytes, offset);
}

VDSO long vdso_write_buf(int file, unsigned long at, unsigned long bytes, unsigned long offset)
{
	return uxrt_write_buf(file, at, bytes, offset);
}

VDSO long vdso_share(int file, void *memory, unsigned long size)
{
	return uxrt_share(file, memory, size);
}

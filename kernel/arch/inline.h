/* What arch.h declares and is worth inlining: this_core and the clock. Included by kernel/arch.h alone. */
#ifndef KERNEL_ARCH_INLINE_H
#define KERNEL_ARCH_INLINE_H

/* GS's base is the core's own while the kernel runs. A kernel entry never changes cores, so the compiler may keep the answer. */
static inline struct core *this_core(void)
{
	struct core *core;

	__asm__("mov %%gs:0, %0" : "=r"(core));
	return core;
}

/* From lower addresses to higher ones. */
static inline void arch_copy_words(void *to, const void *from, u64 words)
{
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static inline u64 arch_ticks(void)
{
	u64 low, high; /* their upper halves are 0 */

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return high << 32 | low;
}

static inline u64 arch_ticks_ns(u64 ticks)
{
	return (u64)((unsigned __int128)ticks * arch_clock_page.mult >> 32);
}

/* Of less than an hour. */
static inline u64 arch_ns_ticks(u64 ns)
{
	return ns / 1000 * (arch_clock_page.tsc_hz / 1000) / 1000;
}

static inline u64 arch_clock_ns(void)
{
	return arch_ticks_ns(arch_ticks() - arch_clock_page.tsc_base);
}

#endif

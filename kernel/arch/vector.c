/*
 * Vector state (x87, SSE, AVX, AVX-512): in the CPU it belongs to core->vector_owner. While another thread runs, CR0.TS is set; its
 * first vector instruction traps (#NM), the owner's state goes to its memory and the thread's comes in. Where that trap can be
 * got round (cpu.c says where), state is switched with the thread, but for the root server: it uses none, and reads no one's.
 *
 * CR0.TS is clear exactly while core->current is the owner; core->vector_trap is what it is now.
 *
 * A thread that goes on on another core has its state fetched from the one that it left, by an interrupt, when it is needed there:
 * most threads stay, and a switch to the root server or to nothing then costs no vector state at all.
 */
#include "kernel/arch/x86.h"
#include "kernel/park.h"
#include "kernel/remote.h"
#include "lib/string.h"

#define XCR0_X87_SSE 0x3ull
#define XCR0_AVX     0x4ull
#define XCR0_AVX512  0xe0ull
#define FXSAVE_SIZE  512
#define FCW_OFFSET   0
#define MXCSR_OFFSET 24
#define FCW_RESET    0x37f
#define MXCSR_RESET  0x1f80u

u32 vector_components[2];
static u64 components;

static void xcr0_write(u64 value)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

static u32 size_with(u64 wanted)
{
	xcr0_write(wanted);
	return cpuid(0xd, 0).ebx;
}

void vector_enable(void)
{
	u64 supported;

	machine.vector_size = FXSAVE_SIZE;
	if (!cpu_features.xsave)
		return;
	supported = cpuid(0xd, 0).eax;
	components = XCR0_X87_SSE | (supported & XCR0_AVX);
	if ((supported & XCR0_AVX512) == XCR0_AVX512 && supported & XCR0_AVX &&
	    size_with(components | XCR0_AVX512) <= THREAD_VECTOR_ROOM)
		components |= XCR0_AVX512;
	machine.vector_size = size_with(components);
	vector_components[0] = (u32)components;
	vector_components[1] = (u32)(components >> 32);
}

void vector_enable_core(void)
{
	if (cpu_features.xsave)
		xcr0_write(components);
}

static void trap_set(struct core *core, bool on)
{
	if (on == core->vector_trap)
		return;
	core->vector_trap = on;
	if (on)
		cr0_write(cr0_read() | CR0_TS);
	else
		clts();
}

static void state_save(struct thread *t)
{
	if (cpu_features.xsave)
		vector_state_save(t);
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(thread_vector_area(t)) : "memory");
}

static void state_load(struct thread *t)
{
	if (cpu_features.xsave)
		vector_state_load(t);
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(thread_vector_area(t)) : "memory");
}

static void take(struct core *core, struct thread *t)
{
	trap_set(core, false);
	if (core->vector_owner == t)
		return;
	if (core->vector_owner)
		state_save(core->vector_owner);
	if (unlikely(t->vector_core != core))
		remote_vector_save(t);
	state_load(t);
	core->vector_owner = t;
	t->vector_core = core;
}

void vector_trap(struct core *core, struct thread *t)
{
	ASSERT(core->vector_owner != t);
	take(core, t);
}

void vector_switch(struct core *core, struct thread *next)
{
	if (cpu_features.eager_vectors && next != core->idle && !next->vector_free)
		take(core, next);
	else
		trap_set(core, core->vector_owner != next);
}

void arch_vector_save(struct core *core, struct thread *t)
{
	bool trap = core->vector_trap;

	if (core->vector_owner != t)
		return;
	trap_set(core, false);
	state_save(t);
	trap_set(core, trap);
}

void arch_vector_forget(struct core *core, struct thread *t)
{
	if (core->vector_owner != t)
		return;
	core->vector_owner = NULL;
	if (core->current == t)
		trap_set(core, true);
}

/* All components in their initial state (XSTATE_BV 0); what FXRSTOR, and XRSTOR of MXCSR, take from memory in any case is set. */
void arch_vector_init(struct thread *t)
{
	u8 *area = thread_vector_area(t)->bytes;
	u16 fcw = FCW_RESET;
	u32 mxcsr = MXCSR_RESET;

	ASSERT(IS_ALIGNED((u64)area, 64));
	memset(area, 0, machine.vector_size);
	memcpy(area + FCW_OFFSET, &fcw, sizeof(fcw));
	memcpy(area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}

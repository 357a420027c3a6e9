/* The vector unit itself: what there is of it, and the instructions. Who has its registers: vector.c. */
#include "kernel/arch/vector.h"
#include "kernel/arch/x86.h"
#include "kernel/park.h"
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
struct vector_area vector_initial __attribute__((aligned(64)));

static void xcr0_write(u64 value)
{
	__asm__ volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

static u32 size_with(u64 wanted)
{
	xcr0_write(wanted);
	return cpuid(0xd, 0).ebx;
}

/* All components in their initial state (XSTATE_BV 0); what FXRSTOR, and XRSTOR of MXCSR, take from memory in any case is set. */
static void area_init(struct vector_area *area)
{
	u16 fcw = FCW_RESET;
	u32 mxcsr = MXCSR_RESET;

	ASSERT(IS_ALIGNED((u64)area, 64));
	memset(area->bytes, 0, machine.vector_size);
	memcpy(area->bytes + FCW_OFFSET, &fcw, sizeof(fcw));
	memcpy(area->bytes + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}

void arch_vector_init(struct thread *t)
{
	area_init(thread_vector_area(t));
}

void vector_enable(void)
{
	u64 supported;

	machine.vector_size = FXSAVE_SIZE;
	area_init(&vector_initial);
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

void vector_unit_save(struct vector_area *area)
{
	if (cpu_features.xsave)
		vector_state_save(area);
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void vector_unit_load(struct vector_area *area)
{
	if (cpu_features.xsave)
		vector_state_load(area);
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* The part of a thread object behind struct thread and its vector state: room for a forwarded message's data. */
#ifndef KERNEL_PARK_H
#define KERNEL_PARK_H

#include "kernel/thread.h"

#define THREAD_PARK_OFFSET ((1u << THREAD_SIZE_BITS) - ALIGN_UP(MESSAGE_BYTES, 64))

/* Vector state must end before it. */
#define THREAD_VECTOR_OFFSET ALIGN_UP(sizeof(struct thread), 64)
#define THREAD_VECTOR_ROOM   (THREAD_PARK_OFFSET - THREAD_VECTOR_OFFSET)

#define THREAD_FLAG_PARKED 1u  /* the queued message's data is in the park */
#define THREAD_FLAG_FORWARDED 2u
#define THREAD_FLAG_INTERRUPT 4u /* interrupt the program when its page fault is answered */
#define THREAD_FLAG_CANCELLED 8u /* the Reply's holder has been told */
#define THREAD_FLAG_ADRIFT 16u /* the Endpoint that it was received from is gone */
/* Those that the next Call, or its being received, ends. */
#define THREAD_FLAGS_CALL (THREAD_FLAG_PARKED | THREAD_FLAG_FORWARDED | THREAD_FLAG_CANCELLED | THREAD_FLAG_ADRIFT)

/* XSAVE area, 64-byte aligned. */
struct vector_area {
	u8 bytes[THREAD_VECTOR_ROOM];
};
static inline struct vector_area *thread_vector_area(struct thread *t)
{
	return (struct vector_area *)((u8 *)t + THREAD_VECTOR_OFFSET);
}
static inline u8 *thread_park(struct thread *t)
{
	return (u8 *)t + THREAD_PARK_OFFSET;
}
static inline bool thread_parked(const struct thread *t)
{
	return t->flags & THREAD_FLAG_PARKED;
}

#endif

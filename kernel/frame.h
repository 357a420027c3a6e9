/*
 * Counts of physical pages: mappings, page tables, context pages, copies in progress. Frames of devices and of RAM that the
 * kernel was not given are not counted. Guard: the node's lock.
 */
#ifndef KERNEL_FRAME_H
#define KERNEL_FRAME_H

#include "lib/types.h"
#include "kernel/arch.h"
#include "kernel/log.h"

extern u32 *frame_count;    /* by physical page number */
extern u64 frame_limit;     /* pages in the table */
extern u64 frames_counted_total;

static inline bool frame_is_counted_memory(paddr_t p)
{
	return (p >> PAGE_SHIFT) < frame_limit;
}
static inline u32 frame_get_count(paddr_t p)
{
	return frame_is_counted_memory(p) ? frame_count[p >> PAGE_SHIFT] : 0;
}
static inline void frame_take(paddr_t p)
{
	if (frame_is_counted_memory(p) && frame_count[p >> PAGE_SHIFT]++ == 0)
		frames_counted_total++;
}
/* True if the count has become 0: the page is its owner's again. */
static inline bool frame_drop(paddr_t p)
{
	if (!frame_is_counted_memory(p))
		return false;
	ASSERT(frame_count[p >> PAGE_SHIFT] > 0);
	if (--frame_count[p >> PAGE_SHIFT] != 0)
		return false;
	frames_counted_total--;
	return true;
}
static inline bool frames_counted(paddr_t base, u64 pages)
{
	for (u64 i = 0; i < pages; i++)
		if (frame_get_count(base + (i << PAGE_SHIFT)))
			return true;
	return false;
}

#endif

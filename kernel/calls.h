/* The handlers of kernel calls, by file. Each decodes its arguments from the thread's frame, checks all, then acts. */
#ifndef KERNEL_CALLS_H
#define KERNEL_CALLS_H

#include "kernel/endpoint.h"
#include "kernel/object.h"
#include "kernel/thread.h"

#define X(name, number) int call_##name(struct thread *t);
KERNEL_CALLS(X)
#undef X

int notification_wait(struct thread *t, struct notification *n);

/* Arguments and values of object calls (abi/kernel.h). */
static inline u64 arg0(const struct thread *t) { return t->frame.rdi; }
static inline u64 arg1(const struct thread *t) { return t->frame.rsi; }
static inline u64 arg2(const struct thread *t) { return t->frame.rdx; }
static inline u64 arg3(const struct thread *t) { return t->frame.r8; }
static inline u64 arg4(const struct thread *t) { return t->frame.r9; }
static inline u64 arg5(const struct thread *t) { return t->frame.r10; }
static inline u64 arg6(const struct thread *t) { return t->frame.rbx; }
static inline void set_values(struct thread *t, u64 v0, u64 v1)
{
	t->frame.rdx = v0;
	t->frame.r8 = v1;
}

/*
 * The slot that a cptr names, holding an object of that type (and these rights); else *err is set and NULL returned.
 */
struct cte *lookup(struct thread *t, u64 cptr, enum object_type type, unsigned rights, int *err);
static inline void *lookup_object(struct thread *t, u64 cptr, enum object_type type, unsigned rights, int *err)
{
	struct cte *c = lookup(t, cptr, type, rights, err);

	return c ? c->object : NULL;
}
/* Slot `number` of the CNode that cptr names. */
struct cte *lookup_slot(struct thread *t, u64 cnode, u64 number, int *err);
/* Physical address of the page that a page ref names. */
int lookup_page(struct thread *t, u64 ref, u64 pages, paddr_t *page);

#endif

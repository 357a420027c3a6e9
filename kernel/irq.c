/* Interrupts for drivers: an IRQHandler's line signals a Notification and stays masked until it is acknowledged. */
#include "kernel/irq.h"
#include "kernel/calls.h"
#include "kernel/schedule.h"
#include "kernel/trace.h"

static struct {
	struct cte *handler;
	struct notification *notification;
	u64 badge;
} line[ARCH_GSI_MAX];

void irq_moved(u64 gsi, struct cte *to)
{
	line[gsi].handler = to;
}

void irq_release(u64 gsi)
{
	arch_irq_disable(gsi);
	line[gsi].handler = NULL;
	line[gsi].notification = NULL;
}

void irq_notification_gone(struct notification *n)
{
	for (unsigned i = 0; i < ARCH_GSI_MAX; i++)
		if (line[i].notification == n)
			line[i].notification = NULL;
}

struct thread *kernel_irq(struct thread *thread, unsigned gsi)
{
	TRACE(TRACE_IRQ, thread->principal, gsi, 0);
	if (gsi < ARCH_GSI_MAX && line[gsi].notification)
		notification_signal(line[gsi].notification, line[gsi].badge);
	return schedule_if_needed(thread);
}

/* IRQControl, GSI, flags, dst slot */
int call_irq_handler(struct thread *t)
{
	int err = K_OK;
	struct cte *control = lookup(t, arg0(t), OBJECT_IRQ_CONTROL, 0, &err);
	struct cte *dst = cspace_system_slot(t, arg3(t) & ~(u64)CPTR_SYSTEM);
	u64 gsi = arg1(t);

	if (!control)
		return err;
	if (gsi >= ARCH_GSI_MAX || arg2(t) > 3 || !dst)
		return K_INVALID_ARG;
	if (!cap_empty(dst))
		return K_OCCUPIED;
	if (line[gsi].handler)
		return K_BUSY;
	err = arch_irq_enable(gsi, arg2(t) & 1, arg2(t) & 2);
	if (err)
		return err;
	cap_insert_child(dst, control, cap_word(OBJECT_IRQ_HANDLER, RIGHT_ALL, 0, gsi), NULL);
	line[gsi].handler = dst;
	return K_OK;
}

int call_irq_bind(struct thread *t)
{
	int err = K_OK;
	struct cte *handler = lookup(t, arg0(t), OBJECT_IRQ_HANDLER, 0, &err);
	struct cte *n = lookup(t, arg1(t), OBJECT_NOTIFICATION, RIGHT_SEND, &err);

	if (!handler || !n)
		return err;
	line[cap_value(handler)].notification = n->object;
	line[cap_value(handler)].badge = cap_value(n) ? cap_value(n) : 1;
	return K_OK;
}

int call_irq_ack(struct thread *t)
{
	int err = K_OK;
	struct cte *handler = lookup(t, arg0(t), OBJECT_IRQ_HANDLER, 0, &err);

	if (!handler)
		return err;
	arch_irq_ack(cap_value(handler));
	return K_OK;
}

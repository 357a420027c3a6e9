#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include "lib/types.h"
#include "kernel/cap.h"

struct notification;

void irq_moved(u64 gsi, struct cte *to);
void irq_release(u64 gsi);
void irq_notification_gone(struct notification *n);

#endif

/* signalfd: the server keeps the set of signals (abi/file.h); what is pending is the caller's own. */
#ifndef RUNTIME_LINUX_SIGNALFD_H
#define RUNTIME_LINUX_SIGNALFD_H

#include "lib/types.h"
#include "runtime/linux/file_poll.h"
#include "runtime/linux/iov.h"
#include "runtime/thread.h"

/* read of a signalfd, into the program's buffers. */
long signalfd_read(struct thread_record *t, unsigned fd, const struct buffer *buffers, unsigned long count, unsigned long total);

/*
 * poll_ask and poll_arm_edge of a signalfd. Arming adds the set to the thread's wait_mask, for which root interrupts the thread although the
 * signals are blocked; the counter is what is pending. signalfd_disarm: the wait is over.
 */
void signalfd_ask(struct thread_record *t, struct poll_item *item, bool arm);
bool signalfd_arm_edge(struct thread_record *t, struct poll_item *item);
void signalfd_disarm(struct thread_record *t);

/*
 * A wait ended with -ERESTARTSYS: true if no signal is to be delivered, so that it was for a signalfd and the caller looks again.
 */
bool signalfd_woken(struct thread_record *t);

#endif

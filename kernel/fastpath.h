#ifndef KERNEL_FASTPATH_H
#define KERNEL_FASTPATH_H

struct thread;

/* The thread that runs next; NULL: nothing was done, the general path has to. */
struct thread *fastpath_call(struct thread *t);
struct thread *fastpath_reply_recv(struct thread *t);
struct thread *fastpath_forward_recv(struct thread *t);

#endif

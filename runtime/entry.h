/* What entry.S calls and offers. */
#ifndef RUNTIME_ENTRY_H
#define RUNTIME_ENTRY_H

#include "runtime/thread.h"

/* Without this the compiler would look for what assembly defines in a global offset table. */
#pragma GCC visibility push(hidden)

/* Called by the gate on the thread's stack; gate_exit follows their return. */
void process_start(struct thread_record *t);                 /* start.c: a new process */
void thread_begin(struct thread_record *t, void *argument);  /* linux/clone.c: a new thread in shared memory */
void exception_entry(struct thread_record *t);               /* linux/fault.c: the program's exception is in context.program */
void interrupt_entry(struct thread_record *t);               /* linux/deliver.c: interrupted outside the gate */
void exit_work(struct thread_record *t);                     /* linux/deliver.c: interrupt flag, or a result ERESTART.. */
void gate_fault_entry(struct thread_record *t);              /* linux/fault.c: the runtime's own fault is in context.gate */
void bad_return(struct thread_record *t);                    /* linux/fault.c: the registers to go on with cannot be loaded */
long linux_dispatch_slow(struct thread_record *t);           /* linux/dispatch.c */

extern char thread_entry[];   /* where a new thread in shared memory starts; its argument goes to thread_begin */

struct fault_fixup {
	unsigned long from, to;
};
extern const struct fault_fixup fault_table_start[], fault_table_end[];

extern const char vdso_start[], vdso_end[];

long uaccess_xsave(void *area, u64 mask);
long uaccess_xrstor(const void *area, u64 mask);
long uaccess_fxsave(void *area);
long uaccess_fxrstor(const void *area);

#pragma GCC visibility pop

#endif

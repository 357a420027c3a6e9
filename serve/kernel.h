/*
 * Kernel calls and calls of root, as servers make them: through the native table at GATE_NATIVE. Errors of kernel calls are enum kernel_error.
 * The one message buffer serves requests, answers and calls of root alike: a call of root overwrites its data[].
 */
#ifndef SERVE_KERNEL_H
#define SERVE_KERNEL_H

#include "abi/kernel.h"
#include "abi/native.h"
#include "abi/process.h"
#include "lib/types.h"

/* The thread's message buffer (server processes have one thread). */
extern struct message_buffer *serve_message;

long kernel_ipc(unsigned long number, struct ipc *ipc);
long kernel_object(unsigned long number, unsigned long arguments[8]);
unsigned long kernel_monotonic(void);
unsigned long kernel_realtime(void);

/* Calls of objects; slots are numbers in the own system CNode. */
long kernel_signal(unsigned slot);
long kernel_slot_delete(unsigned slot);
/* The pool that new Handles are made of has no room: another takes its place. *tried: how many had none, 0 at first. False: all have. */
bool kernel_next_pool(u16 *tried);

/*
 * Between own memory and the window of the caller behind the reply slot. Returns the bytes copied; if fewer than asked for, *touch is the
 * caller's address that could not be reached (0: the caller is gone or its window ends there).
 */
size_t kernel_copy_out(unsigned reply_slot, u64 window_offset, const void *from, size_t length, unsigned long *touch);
size_t kernel_copy_in(unsigned reply_slot, u64 window_offset, void *to, size_t length, unsigned long *touch);

/*
 * Calls root: m[0..7] in and out, `bytes` of serve_message->data with it. m[0] of the answer, >= 0 or a negative errno; -EIO if the call
 * itself failed. root_call3 for those that take few words.
 */
long root_call(unsigned label, unsigned long m[8], unsigned bytes);
long root_call3(unsigned label, unsigned long a, unsigned long b, unsigned long c);
long root_call5(unsigned label, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e);

/* Slots of the own system CNode from SLOT_SERVER on; 0: none is free. Freeing does not delete what is in it. */
unsigned slot_take(void);
void slot_free(unsigned slot);

/* The process's own page from root. */
const struct process_info *serve_info(void);

noreturn void serve_exit(int status);

#endif

/* The way out of the runtime: delivering signals and restarting calls. */
#ifndef RUNTIME_LINUX_DELIVER_H
#define RUNTIME_LINUX_DELIVER_H

#include "lib/types.h"
#include "runtime/linux/signal_frame.h"
#include "runtime/thread.h"

/* A signal that the thread itself caused: cannot be blocked or ignored; then it is fatal. */
void signal_force(struct thread_record *t, const struct linux_siginfo *info);

/* The process ends by this signal. */
noreturn void signal_fatal(int signal);

/* context->program holds every register; needed before they are changed or copied. */
void frame_complete(struct thread_record *t);
void frame_segments(struct gate_frame *frame);

/* Bytes of a signal frame with the vector state. */
size_t signal_frame_size(void);

#endif

/* Controlling terminals of processes. */
#ifndef ROOT_TERMINAL_H
#define ROOT_TERMINAL_H

#include "root/process.h"

/* setsid: it has none. The caller publishes. */
void terminal_leave(struct process *process);
/* Its terminal's server is told, or who was left in the foreground when it hung up. */
void terminal_leader_ended(const struct process *leader);
/* The terminals of a service that has died are gone. */
void terminal_service_ended(u16 service);

#endif

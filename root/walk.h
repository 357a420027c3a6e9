/* The walk of a path over mounts and links, one pending a thread: abi/file.h. */
#ifndef ROOT_WALK_H
#define ROOT_WALK_H

#include "root/root.h"

/*
 * What most path operations are: one path, which goes straight on to its service. True: the message is as it goes to its new target. False: nothing is
 * done, and it has to go the long way.
 */
bool walk_plain(struct kmsg *msg, struct thread *thread);
/* A path operation from a client (label below 32). */
long walk_start(struct request *request);
/* FILE_CONTINUE, from a server. */
long walk_continue(struct request *request);
/* The thread's walk, if any, is over. */
void walk_forget(struct thread *thread);
/* The service is there now, or back: those who waited for it go on. */
void walk_service_ready(u16 service);

#endif

/*
 * Leases (fcntl's F_SETLEASE). A lease belongs to an open file, and stands in the way of opening: a read lease of opening for writing and of truncating, a
 * write lease of all opening. Its holder is signalled and has fs.lease-break-time seconds to give it up; who opens waits, with its file made
 * already, so that nobody takes another lease meanwhile. Servers whose regular files may have leases say so by `leases`.
 */
#ifndef SERVE_LEASE_H
#define SERVE_LEASE_H

#include "serve/file.h"

extern unsigned lease_count; /* 0 as a rule: then nothing below need be called */
extern u64 lease_waiting;    /* who waits for one waits for files to be closed */

/* For a file that is being opened: 0, -EAGAIN (O_NONBLOCK), -ENOMEM, or REQUEST_KEPT: open_node_go_on comes later. */
long lease_open(struct request *request, struct open_file *file, unsigned flags);
/* For a path that is to be truncated: the same; node_setattr and the answer come later. */
long lease_truncate(struct request *request, struct node node, u64 size);
/* The open file goes. */
void lease_drop(struct open_file *file);

/* When the next lease ends by itself, 0: none; those that do now. */
u64 lease_deadline(void);
void lease_expired(void);

#endif

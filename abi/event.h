/*
 * epoll: how the runtime and the event server share the work (abi/file.h has the message numbers).
 *
 * The server keeps an epoll instance: its interest list, which must survive fork and be seen by all who hold the descriptor. It polls
 * nothing: it could only do so with copies of Handles, which would keep the files open. The *waiting client* fetches the list, polls the
 * descriptors with FILE_POLL and its own Notification, and asks the server which of what it saw it may report. So level, edge and
 * one-shot are each decided in one place:
 *   level-triggered: what FILE_POLL says now is reported; the server is not asked.
 *   EPOLLET: FILE_POLL's counter (m[1] of its reply) is claimed by FILE_EPOLL_REPORT: granted once a counter value, and once after ADD or MOD
 *            whatever the counter is; of several waiters one gets it.
 *   EPOLLONESHOT: granted once after ADD or MOD.
 *
 * An entry is named by descriptor number and *identity* of the open file: kernel's id of the server's Endpoint, and badge (cap_identify). A
 * client whose descriptor of that number is closed or has another identity passes the entry over.
 *
 * FILE_EPOLL_CREATE: m[0] flags (EPOLL_CLOEXEC is the runtime's business) -> a Handle.
 *
 * FILE_EPOLL_CONTROL, on the epoll Handle: m[0] EPOLL_CONTROL_, m[1] descriptor, m[2] events (Linux EPOLL bits), m[3] data, m[4] m[5] identity, m[6] 1: of
 *   an epoll instance
 *   ADD     -> 0 or -EEXIST (same number and identity), -ELOOP (a cycle of instances, or more than four below another). An entry of the same number and another identity that the same process had added is
 *              dropped: there its descriptor must have been closed. -ENOSPC above EPOLL_ENTRIES_MAX.
 *   DELETE  -> 0 or -ENOENT
 *   MODIFY  -> 0 or -ENOENT; arms anew
 *   FORGET  the caller's process closed that descriptor: the entry of that number and identity that this process (the principal's) added
 *           goes. -> 0 always
 *   Each change of the list adds one to its generation and signals those who polled the epoll Handle.
 *
 * FILE_EPOLL_LIST: m[0] index of the first entry -> m[0] entries in data[], m[1] generation, m[2] entries in all; data[]: struct epoll_entry[],
 *   in an order that stays the same while the generation does.
 *
 * FILE_EPOLL_REPORT: data[]: struct epoll_claim[], m[0] their number, at most EPOLL_CLAIMS_MAX -> m[0] bit mask: those granted.
 *
 * FILE_POLL on an epoll Handle: -> m[0] 0 always, m[1] the generation. The capability is signalled when the generation changes.
 */
#ifndef ABI_EVENT_H
#define ABI_EVENT_H

#include "abi/kernel.h"

#define EPOLL_CONTROL_ADD    1 /* as Linux numbers them */
#define EPOLL_CONTROL_DELETE 2
#define EPOLL_CONTROL_MODIFY 3
#define EPOLL_CONTROL_FORGET 4

#define EPOLL_ENTRIES_MAX 65536
#define EPOLL_CLAIMS_MAX  63

struct epoll_entry {
	unsigned long data;
	unsigned long endpoint, badge; /* identity */
	unsigned int descriptor;
	unsigned int events;           /* EPOLL bits as given, EPOLLET and EPOLLONESHOT among them */
	unsigned int id;               /* of the entry, for a claim */
	unsigned int armed;            /* 0: a one-shot that was reported */
};
_Static_assert(sizeof(struct epoll_entry) == 40, "epoll entry layout");

#define EPOLL_LIST_MAX (MESSAGE_BYTES / sizeof(struct epoll_entry))

struct epoll_claim {
	unsigned int id, events;
	unsigned long counter;         /* as FILE_POLL gave it */
};
_Static_assert(sizeof(struct epoll_claim) == 16, "epoll claim layout");

#endif

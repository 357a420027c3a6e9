/*
 * inotify: how the runtime, the event server, file servers and root share the work (abi/file.h has the message numbers).
 *
 * An inotify instance is an open file of the event server: its queue and its watches by number are there. Whether something happens to a file only its
 * own server knows, and servers call nobody. So a watch is a pair: an O_PATH Handle that the event server holds, and at the file's server what is to
 * be told of that open file's node. Deleting the Handle ends the watch: the kernel says so to the file's server, whoever died.
 *
 * FILE_INOTIFY_ADD: the client opens the path (O_PATH, so root's walk and policy are those of any open) and calls the instance with the Handle. The event
 *   server keeps it, and passes the client on *through it*, as FILE_WATCH: what it names has been opened by the client. The file's server looks
 *   whether the instance watches that node already, and passes the client on to the event server (its SLOT_SERVICE_EVENT, whose badge says which service it is)
 *   with FILE_WATCHING: the badge of the open file that watches, which is the new one or an earlier one. There the client gets the watch's number.
 *
 * Events go through a ring: memory of the file's server (object WATCH_RING_OBJECT), which the event server maps too. A record is put there while the
 * request is served that it is about, before the answer; the event server empties all rings before it looks at any instance. So who sees a change has
 * its event, without a call. SLOT_EVENT_NOTIFY wakes the event server when a ring was empty before. Records name the open file, so a file's
 * server can tell only of what it was asked about; a ring that is full loses records, and the instances are told of an overflow.
 */
#ifndef ABI_INOTIFY_H
#define ABI_INOTIFY_H

/* Linux's bits, include/uapi/linux/inotify.h */
#define INOTIFY_ACCESS        0x1u
#define INOTIFY_MODIFY        0x2u
#define INOTIFY_ATTRIB        0x4u
#define INOTIFY_CLOSE_WRITE   0x8u
#define INOTIFY_CLOSE_NOWRITE 0x10u
#define INOTIFY_OPEN          0x20u
#define INOTIFY_MOVED_FROM    0x40u
#define INOTIFY_MOVED_TO      0x80u
#define INOTIFY_CREATE        0x100u
#define INOTIFY_DELETE        0x200u
#define INOTIFY_DELETE_SELF   0x400u
#define INOTIFY_MOVE_SELF     0x800u
#define INOTIFY_ALL           0xfffu
#define INOTIFY_UNMOUNT       0x2000u
#define INOTIFY_Q_OVERFLOW    0x4000u
#define INOTIFY_IGNORED       0x8000u
#define INOTIFY_ONLYDIR       0x01000000u
#define INOTIFY_DONT_FOLLOW   0x02000000u
#define INOTIFY_EXCL_UNLINK   0x04000000u
#define INOTIFY_MASK_CREATE   0x10000000u
#define INOTIFY_MASK_ADD      0x20000000u
#define INOTIFY_ISDIR         0x40000000u
#define INOTIFY_ONESHOT       0x80000000u

#define WATCH_RING_OBJECT (1ul << 62) /* id of the service's object */
#define WATCH_RING_BYTES  0x100000ul  /* of `bytes`, a power of two */

/* Counters of bytes that only grow; `head` is the file server's, `tail` the event server's. Neither believes the other. */
struct watch_ring {
	unsigned long epoch; /* another one after a restart of the file's server: what was watched is not any more */
	unsigned long head, tail;
	unsigned long lost;  /* set by the one, cleared by the other */
	unsigned long reserved[508];
	unsigned char bytes[WATCH_RING_BYTES];
};
_Static_assert(sizeof(struct watch_ring) == 4096 + WATCH_RING_BYTES, "watch ring layout");

/* Followed by the name, padded to 8 bytes. */
struct watch_record {
	unsigned long badge; /* of the open file that watches */
	unsigned int mask, cookie;
	unsigned int length, reserved; /* of the name, up to 255 */
};
_Static_assert(sizeof(struct watch_record) == 24, "watch record layout");

#endif

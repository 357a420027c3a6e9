/*
 * Pseudo-terminals (Linux drivers/tty/pty.c): a terminal (tty/tty.h), the *slave*, whose wire is another open file, the *master*.
 *
 *   write(master) --> pending --> line discipline --> read(slave)
 *   read(master) <-- ring <-- line discipline <-- write(slave), echo
 *
 * A pty is made by opening /dev/ptmx and lives until master, slaves and whoever else holds its node have gone. Its name goes with the master.
 */
#ifndef PTY_PTY_H
#define PTY_PTY_H

#include "tty/tty.h"

/* Mounts, in the order of the service table. */
#define MOUNT_PTMX 0
#define MOUNT_PTS  1

#define PTY_SLAVE_MAJOR 136 /* Linux Documentation/admin-guide/devices.txt */
#define PTY_FILES_MINOR 22  /* st_dev of /dev/pts */
#define PTYS_MAX 4096 /* the most that kernel.pty.max can be */

/* Linux holds 4095 bytes where a reader takes them, and 8 KiB on the way there. */
#define PTY_AT_READER 4095
#define PTY_PENDING   8192
#define PTY_RING      16384
#define PTY_RING_LIMIT (PTY_AT_READER + 8192) /* writers stop here; echo may have the rest */

struct pty {
	struct tty tty;
	unsigned index;
	unsigned references;      /* the master, open slaves, held nodes */
	unsigned slaves;          /* open files of the slave */
	struct list_node gone;    /* without references: waits for pty_reap() */
	bool master_open;
	bool locked;              /* the slave cannot be opened yet */
	bool slave_closed;        /* it was open, and is not now: the master reads EIO at the end */
	bool stopped;             /* the master's writes wait (TCXONC on it) */
	bool moving;              /* transmit() is at work */
	bool packet;              /* packet mode */
	u8 status;                /* TIOCPKT_ bits that the master has not read yet */
	u32 announced;            /* output_head when the master's pollers were last told */

	struct list_node readers, writers; /* the master's requests */
	struct poll_queue poll;   /* of the master */
	u32 pending_head, pending_tail; /* count bytes; modulo PTY_PENDING */

	unsigned mode, uid, gid;
	u64 atime, mtime, ctime;

	u8 pending[PTY_PENDING];
	u8 ring[PTY_RING];
};

static inline struct pty *pty_of(const struct open_file *file)
{
	return container_of(tty_of(file), struct pty, tty);
}

/* ---- pty.c: coming, going, and the wire ---- */
/* A new one, for its master. NULL: *error says why. */
struct pty *pty_new(const struct request *request, long *error);
/* By its number; NULL: it has no such name (any more). */
struct pty *pty_find(unsigned index);
void pty_hold(struct pty *pty);
void pty_unhold(struct pty *pty);
/*
 * Frees those without references. Answering a request may close the last file of a pty whose bytes are just being moved, so it is done when
 * nothing is.
 */
void pty_reap(void);
/* Bytes move as far as they can, in both directions. */
void pty_move(struct pty *pty);
long pty_open_slave(struct pty *pty, struct request *request, struct open_file *file, unsigned flags);
void pty_close_slave(struct open_file *file);
void pty_close_master(struct open_file *file);

/* ---- master.c ---- */
long master_read(struct request *request, struct open_file *file, u64 offset, size_t length);
long master_write(struct request *request, struct open_file *file, u64 offset, size_t length);
unsigned master_poll(struct open_file *file);
/* Those who wait go on. True: bytes moved. */
bool master_pump_readers(struct pty *pty);
bool master_pump_writers(struct pty *pty);

/* ---- control.c ---- */
long master_ioctl(struct request *request, struct open_file *file, unsigned command, unsigned long argument);

/* ---- main.c ---- */
struct node pty_node(struct pty *pty);

/* What the master of a pty in packet mode reads first (Linux include/uapi/asm-generic/ioctls.h). */
#define PACKET_DATA       0
#define PACKET_FLUSHREAD  1
#define PACKET_FLUSHWRITE 2
#define PACKET_STOP       4
#define PACKET_START      8
#define PACKET_NOSTOP     16
#define PACKET_DOSTOP     32
#define PACKET_IOCTL      64

#endif

/* Sockets. What the files of socket calls share, and their handlers: linux_NAME. */
#ifndef RUNTIME_LINUX_SOCKETS_H
#define RUNTIME_LINUX_SOCKETS_H

#include "abi/socket.h"
#include "lib/types.h"
#include "runtime/linux/iov.h"
#include "runtime/uaccess.h"

struct thread_record;
struct ipc;

#define SOCKET_CALLS(X) \
	/* socket.c */ \
	X(socket) X(socketpair) X(connect) X(accept) X(accept4) X(shutdown) X(bind) X(listen) X(getsockname) X(getpeername) \
	X(setsockopt) X(getsockopt) \
	/* socket_io.c */ \
	X(sendto) X(recvfrom) \
	/* socket_message.c */ \
	X(sendmsg) X(recvmsg) X(sendmmsg) X(recvmmsg)

#define X(name) long linux_##name(struct thread_record *t, const unsigned long a[6]);
SOCKET_CALLS(X)
#undef X

#define SOCKADDR_MAX 128u /* struct sockaddr_storage */

struct socket_address {
	unsigned length; /* 0: none */
	unsigned char bytes[SOCKADDR_MAX + 1];
};

/* The word of a descriptor that is a socket; -EBADF, -ENOTSOCK. */
long socket_word(struct thread_record *t, unsigned fd);

/* A program's address: -EINVAL for a length that cannot be, -EFAULT. */
long socket_address_take(struct socket_address *address, uaddr_t from, unsigned long length);
/* To a program, cut to the room it has, with its full length: -EFAULT, -EINVAL. */
long socket_address_give(const struct socket_address *address, uaddr_t to, uaddr_t length);

/*
 * For a message with an address: if it is a path, the Handle of its name comes to lie in a scratch slot, *cptr (-1: it is no path), to be given back with
 * descriptor_scratch_give() after the call. bind: the path is made. 0 or -errno.
 */
long socket_name_open(struct thread_record *t, const struct socket_address *address, unsigned mode, bool bind, long *cptr);

/* ---- transfers ---- */

/* One send or receive, decoded. */
struct socket_transfer {
	unsigned fd;
	u32 word;
	bool write;
	unsigned flags;               /* MSG_ */
	const struct buffer *buffers; /* the program's */
	unsigned long count, total;
	struct socket_address address; /* whom to; or who it came from */
	bool wants_address;
	bool full;                    /* the message's flags are wanted */
	unsigned long asked;          /* bytes of the last call */
	/* control: sending */
	bool has_credentials;
	struct socket_credentials credentials;
	unsigned rights_count;
	const int *rights;
	/* receiving */
	bool control;                 /* the program has room for some */
	unsigned long control_room;   /* bytes of it */
	unsigned flags_out;
	/* Control messages of other levels than SOL_SOCKET, as Linux lays them out: given or come. */
	unsigned more_control;
	unsigned char *more;          /* room for SOCKET_CONTROL_MAX, if `control` or there are some */
	bool got_credentials;
	unsigned rights_got;          /* in rights_fd */
	int *rights_fd;               /* room for SOCKET_RIGHTS_MAX */
};

/* Plain bytes: read, write and their like. -EPIPE has raised SIGPIPE already. */
long socket_plain(struct thread_record *t, unsigned fd, u32 word, bool write, unsigned flags, const struct buffer *buffers, unsigned long count,
	unsigned long total);
/* With everything. */
long socket_send(struct thread_record *t, struct socket_transfer *x);
long socket_receive(struct thread_record *t, struct socket_transfer *x);

/* Descriptors that came: their numbers become open ones. */
void socket_rights_install(struct thread_record *t, int fd, bool cloexec);

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_WAITALL      0x100u
#define MSG_NOSIGNAL     0x4000u
#define MSG_WAITFORONE   0x10000u
#define MSG_CMSG_CLOEXEC 0x40000000u
#define MSG_CMSG_COMPAT  0x80000000u

#endif

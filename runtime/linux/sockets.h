#ifndef RUNTIME_LINUX_SOCKETS_H
#define RUNTIME_LINUX_SOCKETS_H

struct thread_record;

/* Calls whose first argument is a socket. */
#define SOCKET_CALLS(X) \
	X(connect) X(accept) X(accept4) X(sendto) X(recvfrom) X(sendmsg) X(recvmsg) X(sendmmsg) X(recvmmsg) X(shutdown) X(bind) \
	X(listen) X(getsockname) X(getpeername) X(setsockopt) X(getsockopt)

#define X(name) long linux_##name(struct thread_record *t, const unsigned long a[6]);
SOCKET_CALLS(X) X(socket) X(socketpair)
#undef X

#endif

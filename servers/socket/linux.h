/* Numbers of Linux's socket interface that its uapi headers leave to libc (sys/socket.h). */
#ifndef SOCKET_LINUX_H
#define SOCKET_LINUX_H

#define LINUX_AF_UNSPEC 0
#define LINUX_AF_UNIX   1
#define LINUX_AF_INET   2
#define LINUX_AF_INET6  10
#define LINUX_AF_NETLINK 16

#define LINUX_SOCK_STREAM    1
#define LINUX_SOCK_DGRAM     2
#define LINUX_SOCK_RAW       3
#define LINUX_SOCK_SEQPACKET 5

#define LINUX_MSG_OOB       0x1
#define LINUX_MSG_PEEK      0x2
#define LINUX_MSG_CTRUNC    0x8
#define LINUX_MSG_TRUNC     0x20
#define LINUX_MSG_DONTWAIT  0x40
#define LINUX_MSG_EOR       0x80
#define LINUX_MSG_WAITALL   0x100
#define LINUX_MSG_ERRQUEUE  0x2000
#define LINUX_MSG_NOSIGNAL  0x4000

#define LINUX_SIOCINQ  0x541b /* FIONREAD */
#define LINUX_SIOCOUTQ 0x5411 /* TIOCOUTQ */

#define LINUX_SIOCATMARK 0x8905

#define LINUX_SOCKFS_MAGIC 0x534f434b

#endif

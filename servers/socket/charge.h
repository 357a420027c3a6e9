/*
 * What a message counts against its sender's SO_SNDBUF. Programs see it: how much can be written before EAGAIN, SIOCOUTQ, when poll says that there is
 * room. So it is counted as Linux counts it: the memory that Linux 6.1 would take for the message, its headers included.
 */
#ifndef SOCKET_CHARGE_H
#define SOCKET_CHARGE_H

#include "lib/types.h"

/* A stream is cut into messages: how many of the `left` bytes go into the next one. */
size_t charge_stream_part(size_t left, u32 send_limit);
u32 charge_of_stream(size_t length);
u32 charge_of_datagram(size_t length);
/* UDP's, against its receiver's SO_RCVBUF. */
u32 charge_of_udp(size_t length);
/* Netlink's, too; of a dump, what there was room for. */
u32 charge_of_netlink(size_t length);

#endif

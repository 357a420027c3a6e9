/* The one interface, lo, as ioctl, /proc/net and netlink tell of it. */
#ifndef SOCKET_INTERFACE_H
#define SOCKET_INTERFACE_H

#define LO_NAME     "lo"
#define LO_INDEX    1
#define LO_MTU      65536
#define LO_QUEUE    1000
#define LO_FLAGS    0x49 /* IFF_UP | IFF_LOOPBACK | IFF_RUNNING */
#define LO_CHANGEABLE 0xf3a5u /* those of Linux's flags that a program may set: IFF_UP, PROMISC, NOARP ... */
#define LO_HARDWARE 772  /* ARPHRD_LOOPBACK */

#endif

/*
 * Sockets: what the runtime, file systems and the socket server say to each other (abi/file.h has the message numbers).
 *
 * A socket is an open file of the socket server. read and write are FILE_READ and FILE_WRITE; what they cannot say is said by the messages below.
 * m[2] of each message that may wait: TRANSFER_NONBLOCK or 0. A wait that a timeout of the socket's limits is not restarted after a signal: such a reply has
 * m[0] = -EINTR and m[1] = SOCKET_NO_RESTART.
 *
 * NAMES. A socket bound to a path is found by the inode that stands for it. Only the file system knows that, so it says it:
 *   connect, sendto: the client opens the path (FILE_OPEN, O_RDWR | OPEN_SOCKET); bind: it makes it (FILE_MKNOD, S_IFSOCK, MKNOD_BIND).
 *   The file system forwards the client with FILE_SOCKET_NAME, which the socket server accepts only from a service: m[0] SOCKET_NAME_BIND or
 *   SOCKET_NAME_CONNECT, m[1] inode, m[2] mount's number, m[3] the inode's btime: with the badge of the forwarder they name the inode, now and ever.
 *   -> a Handle of the name, or -ECONNREFUSED: nobody is bound to it. The client sends that Handle with FILE_BIND, FILE_CONNECT or FILE_SEND.
 *   Who could not reach the path has no such Handle. The name goes with its last Handle.
 *
 * RIGHTS. Descriptors in a message (SCM_RIGHTS) are capabilities. Up to SEND_RIGHTS_MAX come with FILE_SEND itself. More are put into a bundle first:
 * FILE_RIGHTS on SLOT_SERVICE_SOCKET: up to MESSAGE_CAPS capabilities -> a Handle of a bundle with them in it; on the bundle: adds to it.
 *   -> the number that is in it now; -ETOOMANYREFS, -EINVAL above SOCKET_RIGHTS_MAX. Whoever dies leaves nothing behind: the bundle goes with its Handle.
 * FILE_RIGHTS_TAKE on a bundle: m[0] how many, at most MESSAGE_CAPS -> the capabilities, in order. m[0] how many came; 0: it is empty.
 * A receiver cannot know how many slots it needs, so it is told first, and nothing is consumed: see FILE_RECEIVE.
 *
 * FILE_SOCKET on SLOT_SERVICE_SOCKET: m[0] family, m[1] type, m[3] protocol, m[4] O_NONBLOCK or 0, m[5] 1: a pair -> one Handle or two.
 * FILE_BIND: data[]: sockaddr; a capability of the name if it is a path.
 * FILE_LISTEN: m[0] backlog.
 * FILE_CONNECT: as FILE_BIND.
 * FILE_ACCEPT: m[0] O_NONBLOCK or 0, for the new one -> a Handle; data[]: the peer's sockaddr, m[1] its length.
 * FILE_SEND: m[0] bytes, m[1] MSG_ flags, m[3] bytes of sockaddr in data[], m[4] SEND_ flags, m[5] number of rights; m[6] bytes of control messages, which
 *   come last in data[], as Linux lays them out (those of SOL_SOCKET are not among them); window. The capabilities: the name if the address is a path, then
 *   the rights or their bundle -> bytes sent.
 * FILE_RECEIVE: m[0] bytes, m[1] MSG_ flags, m[3] RECEIVE_ flags, m[4] room for so many rights; window -> m[0] bytes; m[1] MSG_ flags; m[2] length of the
 *   sender's sockaddr in data[]; m[3] rights that came; m[4] pid, m[5] uid | gid << 32 of the sender, if RECEIVED_CREDENTIALS in m[6];
 *   m[7] bytes of control messages behind the sockaddr, if RECEIVE_CONTROL was asked for.
 *   RECEIVE_CONTROL without room, and what would be received has rights: m[6] RECEIVED_NOTHING, m[3] how many; nothing else has happened. The
 *   client calls again with room. Up to MESSAGE_CAPS rights come with the reply; if more were asked for, one bundle with all of them.
 * FILE_SHUTDOWN: m[0] 0 reading, 1 writing, 2 both.
 * FILE_SOCKET_ADDRESS: m[0] 0 own, 1 the peer's -> data[]: sockaddr, m[0] its length.
 * FILE_GET_OPTION: m[0] level, m[1] name, m[3] bytes wanted -> data[], m[0] the value's length, which may be more.
 * FILE_SET_OPTION: m[0] level, m[1] name, m[3] value's length; data[]: value.
 */
#ifndef ABI_SOCKET_H
#define ABI_SOCKET_H

#include "abi/kernel.h"

#define SOCKET_NO_RESTART 1

#define SOCKET_NAME_CONNECT 0
#define SOCKET_NAME_BIND    1

#define SOCKET_ADDRESS_MAX 110 /* struct sockaddr_un */

#define SOCKET_CONTROL_MAX 256 /* bytes of control messages, beside descriptors and credentials */

#define SOCKET_RIGHTS_MAX 253  /* as Linux's SCM_MAX_FD */
#define SEND_RIGHTS_MAX   (MESSAGE_CAPS - 1)

#define SEND_BUNDLE      1 /* the rights are in a bundle */
#define SEND_CREDENTIALS 2 /* struct socket_credentials follows the address */

#define RECEIVE_CONTROL 1 /* the program wants rights */
#define RECEIVE_ADDRESS 2 /* the program wants the sender's address */

#define RECEIVED_CREDENTIALS 1
#define RECEIVED_NOTHING     2

/* Linux's struct ucred. */
struct socket_credentials {
	unsigned int pid, uid, gid;
};

#endif

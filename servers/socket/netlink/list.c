/* /proc/net/netlink: a line a socket, as Linux writes it. Linux's own sockets, one a protocol, are none here. */
#include "servers/socket/list.h"
#include "servers/socket/netlink/netlink.h"

#define REFERENCES 2

void list_netlink(struct list_text *text)
{
	list_add(text, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
	list_for_each_entry(socket, &sockets, struct socket, all) {
		const struct netlink *netlink = socket->netlink;

		if (!netlink)
			continue;
		list_add(text, "%016lx %-3u %-10u %08x %-8u %-8u %-5u %-8u %-8u %-8lu\n", 0ul, socket->protocol, netlink->port, (unsigned)netlink->groups, socket->sent, 0u,
			netlink->dump.part ? 1u : 0u, REFERENCES, netlink->lost, socket->ino);
	}
}

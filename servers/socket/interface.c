/* ioctl commands about network interfaces. There is one, lo. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/inet.h"
#include "servers/socket/interface.h"
#include "servers/socket/list.h"

#include <linux/sockios.h>

#define NAME_SIZE   16

/* Linux's struct ifreq. */
struct interface_request {
	char name[NAME_SIZE];
	union {
		struct {
			u16 family, port;
			u8 ip[4], zero[8];
		} address;
		short flags;
		int number;
		u8 bytes[24];
	};
};
_Static_assert(sizeof(struct interface_request) == 40, "ifreq");

static void set_address(struct interface_request *r, u8 first, u8 last)
{
	memset(r->bytes, 0, sizeof(r->bytes));
	r->address.family = LINUX_AF_INET;
	r->address.ip[0] = first;
	r->address.ip[3] = last;
}

/* SIOCGIFCONF: those that have addresses, as far as there is room; how large they are, if there is no buffer. */
static long give_list(struct request *request, unsigned long buffer)
{
	struct interface_request r = { .name = "lo" };

	set_address(&r, 127, 1);
	return buffer ? (long)request_give(request, &r, sizeof(r)) : (long)sizeof(r);
}

static bool is_lo(const struct interface_request *r)
{
	return r->name[0] == 'l' && r->name[1] == 'o' && !r->name[2];
}

static long answer_address(struct interface_request *r, unsigned command)
{
	switch (command) {
	case SIOCGIFADDR: case SIOCGIFDSTADDR: set_address(r, 127, 1); return 0;
	case SIOCGIFNETMASK: set_address(r, 255, 0); return 0;
	case SIOCGIFBRDADDR: set_address(r, 0, 0); return 0;
	default: return -ENOTTY;
	}
}

static long answer(struct interface_request *r, unsigned command, bool inet)
{
	switch (command) {
	case SIOCGIFFLAGS: r->flags = LO_FLAGS; return 0;
	case SIOCGIFMETRIC: r->number = 0; return 0;
	case SIOCGIFMTU: r->number = LO_MTU; return 0;
	case SIOCGIFINDEX: r->number = LO_INDEX; return 0;
	case SIOCGIFTXQLEN: r->number = LO_QUEUE; return 0;
	case SIOCGIFMAP: memset(r->bytes, 0, sizeof(r->bytes)); return 0;
	case SIOCGIFHWADDR:
		memset(r->bytes, 0, 16);
		r->address.family = LO_HARDWARE;
		return 0;
	default:
		return inet ? answer_address(r, command) : -ENOTTY;
	}
}

static long name_of_index(struct interface_request *r)
{
	if (r->number != LO_INDEX)
		return -ENODEV;
	memset(r->name, 0, sizeof(r->name));
	memcpy(r->name, "lo", 2);
	return 0;
}

static bool asks(unsigned command)
{
	struct interface_request r = { .flags = 0 };

	return command == SIOCGIFNAME || answer(&r, command, true) == 0;
}

/* User 0 may set what is set already. */
static long set_same(struct request *request, unsigned command)
{
	struct interface_request r;
	bool same;

	if (request_take(request, &r, sizeof(r)) < sizeof(r))
		return 0;
	if (credentials_of(request->principal, true).uid)
		return -EPERM;
	if (!is_lo(&r))
		return -ENODEV;
	same = command == SIOCSIFMTU ? r.number == LO_MTU : !(((unsigned)r.flags ^ LO_FLAGS) & LO_CHANGEABLE);
	return same ? 0 : -EPERM;
}

long interface_ioctl(struct request *request, unsigned command, unsigned long argument, bool inet)
{
	struct interface_request r;
	long error;

	if (command == SIOCGIFCONF)
		return give_list(request, argument);
	if (command == SIOCSIFFLAGS || command == SIOCSIFMTU)
		return set_same(request, command);
	/* They are the machine's: nobody changes them. */
	if (command >= SIOCSIFLINK && command <= SIOCSIFTXQLEN && !asks(command))
		return command == SIOCSIFADDR || command == SIOCSIFNETMASK ? -EPERM : -ENOTTY;
	if (!asks(command))
		return -ENOTTY;
	if (request_take(request, &r, sizeof(r)) < sizeof(r))
		return 0;
	r.name[NAME_SIZE - 1] = 0;
	if (command == SIOCGIFNAME)
		error = name_of_index(&r);
	else
		error = is_lo(&r) ? answer(&r, command, inet) : -ENODEV;
	if (error)
		return error;
	request->moved = 0;
	request_give(request, &r, sizeof(r));
	return 0;
}

/* ---- /proc/net/dev, if_inet6, route ---- */

/* Nothing goes through it that would be counted: what stays within the machine goes from queue to queue. */
void list_interfaces(struct list_text *text)
{
	list_add(text, "Inter-|   Receive                                                |  Transmit\n");
	list_add(text, " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n");
	list_add(text, "%6s: %7u %7u %4u %4u %4u %5u %10u %9u %8u %7u %4u %4u %4u %5u %7u %10u\n", "lo", 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u,
		0u, 0u);
}

void list_interfaces_six(struct list_text *text)
{
	list_add(text, "%032x %02x %02x %02x %02x %8s\n", 1u, LO_INDEX, 128u, 0x10u, 0x80u, "lo");
}

/* lo's addresses are in no table of routes that this shows, on Linux neither. */
void list_routes(struct list_text *text)
{
	list_add(text, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	list_end_line(text, 0, 128);
}

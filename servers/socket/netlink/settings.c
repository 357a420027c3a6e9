/*
 * NETLINK_ROUTE: what the Internet families tell of the interface beside its link: Linux's settings of lo, as they are when nobody has changed them.
 * Nothing is counted.
 */
#include "servers/socket/netlink/netlink.h"

#include "servers/socket/interface.h"

#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>

#define SIX_READY        0x80000000u
#define SIX_SETTINGS     (DEVCONF_NDISC_EVICT_NOCARRIER + 3) /* two more than the headers of Linux 6.1 name */
#define COUNTERS         37
#define COUNTERS_ICMP    7
#define REACHABLE_MS     30000
#define RETRANSMIT_MS    1000
#define REASSEMBLY_MAX   65535

static const int four[__IPV4_DEVCONF_MAX - 1] = {
	[IPV4_DEVCONF_ACCEPT_REDIRECTS - 1] = 1, [IPV4_DEVCONF_SECURE_REDIRECTS - 1] = 1, [IPV4_DEVCONF_SEND_REDIRECTS - 1] = 1,
	[IPV4_DEVCONF_SHARED_MEDIA - 1] = 1, [IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE - 1] = 1, [IPV4_DEVCONF_NOXFRM - 1] = 1, [IPV4_DEVCONF_NOPOLICY - 1] = 1,
	[IPV4_DEVCONF_IGMPV2_UNSOLICITED_REPORT_INTERVAL - 1] = 10000, [IPV4_DEVCONF_IGMPV3_UNSOLICITED_REPORT_INTERVAL - 1] = 1000,
	[IPV4_DEVCONF_ARP_EVICT_NOCARRIER - 1] = 1,
};

static const int six[SIX_SETTINGS] = {
	[DEVCONF_HOPLIMIT] = 64, [DEVCONF_MTU6] = LO_MTU, [DEVCONF_ACCEPT_RA] = 1, [DEVCONF_ACCEPT_REDIRECTS] = 1, [DEVCONF_AUTOCONF] = 1, [DEVCONF_DAD_TRANSMITS] = 1,
	[DEVCONF_RTR_SOLICITS] = -1, [DEVCONF_RTR_SOLICIT_INTERVAL] = 4000, [DEVCONF_RTR_SOLICIT_DELAY] = 1000, [DEVCONF_USE_TEMPADDR] = -1,
	[DEVCONF_TEMP_VALID_LFT] = 604800, [DEVCONF_TEMP_PREFERED_LFT] = 86400, [DEVCONF_REGEN_MAX_RETRY] = 3, [DEVCONF_MAX_DESYNC_FACTOR] = 600,
	[DEVCONF_MAX_ADDRESSES] = 16, [DEVCONF_ACCEPT_RA_DEFRTR] = 1, [DEVCONF_ACCEPT_RA_PINFO] = 1, [DEVCONF_ACCEPT_RA_RTR_PREF] = 1,
	[DEVCONF_RTR_PROBE_INTERVAL] = 60000, [DEVCONF_ACCEPT_DAD] = -1, [DEVCONF_MLDV1_UNSOLICITED_REPORT_INTERVAL] = 10000,
	[DEVCONF_MLDV2_UNSOLICITED_REPORT_INTERVAL] = 1000, [DEVCONF_SUPPRESS_FRAG_NDISC] = 1, [DEVCONF_ACCEPT_RA_MTU] = 1, [DEVCONF_ACCEPT_RA_MIN_HOP_LIMIT] = 1,
	[DEVCONF_RTR_SOLICIT_MAX_INTERVAL] = 3600000, [DEVCONF_ENHANCED_DAD] = 1, [DEVCONF_RA_DEFRTR_METRIC] = 1024, [DEVCONF_IOAM6_ID] = 65535,
	[DEVCONF_IOAM6_ID_WIDE] = -1, [DEVCONF_NDISC_EVICT_NOCARRIER] = 1,
};

void netlink_put_six(struct netlink_writer *w, bool counters)
{
	static const u64 none[COUNTERS] = { COUNTERS }, none_icmp[COUNTERS_ICMP] = { COUNTERS_ICMP };
	static const u8 token[16];
	struct ifla_cacheinfo times = { .max_reasm_len = REASSEMBLY_MAX, .reachable_time = REACHABLE_MS, .retrans_time = RETRANSMIT_MS };

	netlink_put_u32(w, IFLA_INET6_FLAGS, SIX_READY);
	netlink_put(w, IFLA_INET6_CACHEINFO, &times, sizeof(times));
	netlink_put(w, IFLA_INET6_CONF, six, sizeof(six));
	if (counters) {
		netlink_put(w, IFLA_INET6_STATS, none, sizeof(none));
		netlink_put(w, IFLA_INET6_ICMP6STATS, none_icmp, sizeof(none_icmp));
	}
	netlink_put(w, IFLA_INET6_TOKEN, token, sizeof(token));
	netlink_put_u8(w, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_EUI64);
}

void netlink_put_families(struct netlink_writer *w, bool counters)
{
	size_t all = netlink_nest(w, IFLA_AF_SPEC), one = netlink_nest(w, LINUX_AF_INET);

	netlink_put(w, IFLA_INET_CONF, four, sizeof(four));
	netlink_nest_end(w, one);
	one = netlink_nest(w, LINUX_AF_INET6);
	netlink_put_six(w, counters);
	netlink_nest_end(w, one);
	netlink_nest_end(w, all);
}

#include "servers/socket/charge.h"

#define CACHE_LINE     64u
#define SHARED_INFO    320u   /* Linux's skb_shared_info behind the linear bytes */
#define HEADER         256u   /* its sk_buff */
#define SMALLEST_SLAB  512u   /* nothing smaller holds SHARED_INFO */
#define LINEAR_PAGE    (PAGE_SIZE - SHARED_INFO)     /* linear bytes that fit a page */
#define LINEAR_MAX     (4 * PAGE_SIZE - SHARED_INFO) /* that a datagram has before pages are added */
#define PAGES_MAX      0x8000u                       /* bytes in pages that one part of a stream has */
#define DATAGRAM_PAGES (17 * PAGE_SIZE)

static u32 linear(size_t length)
{
	u32 size = (u32)ALIGN_UP(length, (size_t)CACHE_LINE) + SHARED_INFO, slab = SMALLEST_SLAB;

	while (slab < size)
		slab *= 2;
	return slab + HEADER;
}

static u32 with_pages(size_t length, size_t in_pages)
{
	return linear(length - in_pages) + (u32)ALIGN_UP(in_pages, (size_t)PAGE_SIZE);
}

size_t charge_stream_part(size_t left, u32 send_limit)
{
	return MIN(MIN(left, (size_t)(send_limit / 2 - CACHE_LINE)), (size_t)(LINEAR_PAGE + PAGES_MAX));
}

u32 charge_of_stream(size_t length)
{
	size_t beyond = length > LINEAR_PAGE ? length - LINEAR_PAGE : 0;

	return with_pages(length, MIN(length, ALIGN_UP(beyond, (size_t)PAGE_SIZE)));
}

u32 charge_of_datagram(size_t length)
{
	size_t beyond = length > LINEAR_MAX ? MIN(length - LINEAR_MAX, (size_t)DATAGRAM_PAGES) : 0;

	return with_pages(length, MIN(length, ALIGN_UP(beyond, (size_t)PAGE_SIZE)));
}

u32 charge_of_netlink(size_t length)
{
	return linear(length);
}

#define UDP_HEADERS 59u    /* IPv4, UDP, the interface's, and what aligns them */
#define UDP_LINEAR  16064u /* what is longer lies in pages, but for its headers */

u32 charge_of_udp(size_t length)
{
	if (length + UDP_HEADERS < UDP_LINEAR)
		return linear(length + UDP_HEADERS);
	return linear(UDP_HEADERS) + (u32)length;
}

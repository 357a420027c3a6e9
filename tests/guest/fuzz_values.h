/*
 * Where the arguments of random system calls come from: descriptors of every kind at fixed numbers, and memory with every kind of page and edge.
 * What is drawn depends on the seed alone, never on what a call returned.
 */
#ifndef TESTS_GUEST_FUZZ_VALUES_H
#define TESTS_GUEST_FUZZ_VALUES_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "abi/gate.h"
#include "tests/guest/fuzz.h"

#define PAGE 4096ul

/* ---- descriptors ---- */

enum {
	FD_FILE = 3, FD_READ_ONLY, FD_APPEND, FD_DIRECTORY, FD_ROOT, FD_PATH, FD_MEMFD, FD_PIPE, FD_PIPE_END, FD_NONBLOCK, FD_NONBLOCK_END, FD_FIFO,
	FD_EVENT, FD_SEMAPHORE, FD_TIMER, FD_EPOLL, FD_EPOLL_OUTER, FD_SIGNALS, FD_PIDFD, FD_STREAM, FD_STREAM_PEER, FD_DATAGRAM, FD_DATAGRAM_PEER,
	FD_PACKET, FD_PACKET_PEER, FD_LISTENING, FD_SOCKET, FD_TCP, FD_TCP_PEER, FD_TCP_LISTENING, FD_TCP_NEW, FD_UDP, FD_UDP_SIX, FD_NETLINK, FD_DIAGNOSIS, FD_MASTER, FD_SLAVE, FD_ZERO, FD_FULL, FD_RANDOM, FD_NULL, FD_STATUS, FD_SELF,
	FD_MEMORY, FD_MAPS, FD_EXE, FD_QUEUE, FD_CONSOLE, FD_SYS, FD_NET, FD_END
};

static inline void put_fd(int fd, int number)
{
	if (fd < 0 || fd == number)
		return;
	dup2(fd, number);
	close(fd);
}

static inline void put_pair(const int pair[2], int number)
{
	int first = fcntl(pair[0], F_DUPFD, FD_END), second = fcntl(pair[1], F_DUPFD, FD_END);

	close(pair[0]);
	close(pair[1]);
	put_fd(first, number);
	put_fd(second, number + 1);
}

static inline void open_files(void)
{
	static const struct {
		int number, flags;
		const char *path;
	} files[] = {
		{ FD_FILE, O_RDWR | O_CREAT, "file" }, { FD_READ_ONLY, O_RDONLY, "file" }, { FD_APPEND, O_WRONLY | O_APPEND, "file" },
		{ FD_DIRECTORY, O_RDONLY, "." }, { FD_ROOT, O_RDONLY, "/" }, { FD_PATH, O_PATH, "file" }, { FD_FIFO, O_RDWR | O_NONBLOCK, "fifo" },
		{ FD_MASTER, O_RDWR | O_NOCTTY, "/dev/ptmx" }, { FD_ZERO, O_RDWR, "/dev/zero" }, { FD_FULL, O_RDWR, "/dev/full" },
		{ FD_RANDOM, O_RDWR, "/dev/urandom" }, { FD_NULL, O_RDWR, "/dev/null" }, { FD_STATUS, O_RDONLY, "/proc/self/status" },
		{ FD_SELF, O_RDONLY, "/proc/self" }, { FD_MEMORY, O_RDONLY, "/proc/self/mem" }, { FD_MAPS, O_RDONLY, "/proc/self/maps" },
		{ FD_EXE, O_RDONLY, "/proc/self/exe" }, { FD_CONSOLE, O_RDWR | O_NOCTTY | O_NONBLOCK, "/dev/ttyS2" },
		{ FD_SYS, O_RDONLY, "/sys/devices/system/cpu/online" }, { FD_NET, O_RDONLY, "/proc/net/unix" },
	};
	static const char text[10000] = "#!/bin/true\n";
	const char *slave;
	int fd;

	mkfifo("fifo", 0666);
	mkdir("directory", 0777);
	(void)!symlink("file", "link");
	(void)!symlink("loop", "loop");
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		put_fd(open(files[i].path, files[i].flags, 0777), files[i].number);
	(void)!write(FD_FILE, text, sizeof text);
	slave = unlockpt(FD_MASTER) ? NULL : ptsname(FD_MASTER);
	fd = slave ? open(slave, O_RDWR | O_NOCTTY) : -1;
	put_fd(fd, FD_SLAVE);
}

static inline void open_sockets(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	struct sockaddr_un name = { AF_UNIX, "socket" };
	int pair[2];

	for (int i = 0; i < 3; i++)
		if (!socketpair(AF_UNIX, types[i], 0, pair))
			put_pair(pair, FD_STREAM + 2 * i);
	put_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), FD_LISTENING);
	bind(FD_LISTENING, (struct sockaddr *)&name, sizeof name);
	listen(FD_LISTENING, 4);
	put_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), FD_SOCKET);
}

#define FUZZ_PORT 20000 /* and the next three */

/* Of 127.0.0.1 or ::1, and a port that the others know. */
static inline socklen_t inet_name(struct sockaddr_in6 *name, int six, unsigned port)
{
	struct sockaddr_in four = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) }, { 0 } };

	*name = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	if (!six)
		memcpy(name, &four, sizeof four);
	return six ? sizeof *name : sizeof four;
}

static inline void open_inet(void)
{
	struct sockaddr_in6 name;
	socklen_t length = inet_name(&name, 0, FUZZ_PORT);
	int one = 1;

	put_fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), FD_TCP_LISTENING);
	setsockopt(FD_TCP_LISTENING, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	bind(FD_TCP_LISTENING, (struct sockaddr *)&name, length);
	listen(FD_TCP_LISTENING, 2);
	length = sizeof name;
	getsockname(FD_TCP_LISTENING, (struct sockaddr *)&name, &length);
	put_fd(socket(AF_INET, SOCK_STREAM, 0), FD_TCP);
	connect(FD_TCP, (struct sockaddr *)&name, length);
	put_fd(accept(FD_TCP_LISTENING, NULL, NULL), FD_TCP_PEER);
	put_fd(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), FD_TCP_NEW);
	put_fd(socket(AF_INET, SOCK_DGRAM, 0), FD_UDP);
	length = inet_name(&name, 0, FUZZ_PORT + 1);
	bind(FD_UDP, (struct sockaddr *)&name, length);
	put_fd(socket(AF_INET6, SOCK_DGRAM, 0), FD_UDP_SIX);
	length = inet_name(&name, 1, FUZZ_PORT + 1);
	connect(FD_UDP_SIX, (struct sockaddr *)&name, length);
}

/* One asks about interfaces, and is in a group; the other about sockets. */
static inline void open_netlink(void)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = 1 };

	put_fd(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE), FD_NETLINK);
	bind(FD_NETLINK, (struct sockaddr *)&name, sizeof name);
	put_fd(socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK, NETLINK_SOCK_DIAG), FD_DIAGNOSIS);
}

static inline void open_events(void)
{
	struct epoll_event event = { EPOLLIN | EPOLLOUT, { .u64 = 1 } };
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	sigset_t signals;
	int pair[2];

	if (!pipe(pair))
		put_pair(pair, FD_PIPE);
	if (!pipe2(pair, O_NONBLOCK))
		put_pair(pair, FD_NONBLOCK);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR2);
	put_fd(eventfd(1, 0), FD_EVENT);
	put_fd(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK), FD_SEMAPHORE);
	put_fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), FD_TIMER);
	put_fd(signalfd(-1, &signals, SFD_NONBLOCK), FD_SIGNALS);
	put_fd(syscall(SYS_pidfd_open, getpid(), 0), FD_PIDFD);
	put_fd(syscall(SYS_memfd_create, "fuzz", 2), FD_MEMFD);
	put_fd(epoll_create1(0), FD_EPOLL);
	put_fd(epoll_create1(0), FD_EPOLL_OUTER);
	epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, FD_PIPE, &event);
	epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, FD_EVENT, &event);
	epoll_ctl(FD_EPOLL_OUTER, EPOLL_CTL_ADD, FD_EPOLL, &event);
	put_fd(mq_open(FUZZ_QUEUE, O_RDWR | O_CREAT | O_NONBLOCK, 0666, &attributes), FD_QUEUE);
}

/* Standard input and output would be those of the process that tells how it goes. */
static inline void open_descriptors(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int i = 0; i < 3; i++)
		dup2(null, i);
	for (int i = 3; i < FD_END; i++)
		dup2(null, i);
	if (null >= FD_END)
		close(null);
	open_files();
	open_sockets();
	open_inet();
	open_netlink();
	open_events();
}

static inline int any_fd(void)
{
	switch (any(24)) {
	case 0: return -1;
	case 1: return AT_FDCWD;
	case 2: return any(FD_END + 20);
	case 3: return any_bits() >> any(64);
	default: return any(FD_END);
	}
}

/* ---- memory ---- */

#define ARENA      0x100000000ul /* pages of every kind; what programs hand to calls lies here */
#define PLAYGROUND 0x200000000ul /* where calls map, protect and unmap */
#define PLAYGROUND_PAGES 64

/* Where an argument may lie in the arena, in pages. Between them nothing is mapped. */
enum {
	AREA_PLAIN = 0, AREA_READ_ONLY = 5, AREA_NONE = 7, AREA_SHARED = 9, AREA_FILE = 12 /* its second page is past the file's end */, AREA_FRESH = 15
};

static inline void *map_area(unsigned page, unsigned pages, int prot, int flags, int fd)
{
	return mmap((void *)(ARENA + page * PAGE), pages * PAGE, prot, flags | MAP_FIXED, fd, 0);
}

static inline void map_arena(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	int fd = open("mapped", O_RDWR | O_CREAT, 0666);

	if (fd >= 0 && !ftruncate(fd, PAGE))
		map_area(AREA_FILE, 2, rw, MAP_SHARED, fd);
	close(fd);
	map_area(AREA_PLAIN, 4, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map_area(AREA_READ_ONLY, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map_area(AREA_NONE, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map_area(AREA_SHARED, 2, rw, MAP_SHARED | MAP_ANONYMOUS, -1);
	map_area(AREA_FRESH, 4, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	mmap((void *)PLAYGROUND, PLAYGROUND_PAGES * PAGE / 2, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static inline unsigned long bad_pointer(void)
{
	switch (any(12)) {
	case 0: return 0;
	case 1: return any(PAGE);
	case 2: return -any(3 * PAGE);
	case 3: return 0x800000000000ul - any(2 * PAGE);
	case 4: return 0x800000000000ul + any(PAGE);
	case 5: return GATE_BASE + any(1ul << 24);
	case 6: return GATE_THREADS_END - any(4 * THREAD_AREA_SIZE);
	case 7: return GATE_HEAP + any(1ul << 16);
	case 8: return 0xffffffff80000000ul + any(1ul << 22);
	case 9: return ARENA + AREA_NONE * PAGE + any(PAGE);
	case 10: return ARENA + 4 * PAGE + any(PAGE);
	default: return any_bits();
	}
}

/* Where something of `size` bytes is to lie: mostly where it can, often up to the edge of what is mapped, at times beyond. */
static inline unsigned long place(unsigned long size)
{
	static const unsigned edges[] = { AREA_PLAIN + 4, AREA_READ_ONLY + 1, AREA_SHARED + 2, AREA_FILE + 1, AREA_FRESH + 4, AREA_FRESH + 1 };
	unsigned long edge = ARENA + ONE_OF(edges) * PAGE;

	switch (any(12)) {
	case 0: return bad_pointer();
	case 1: return edge - any(size);
	case 2: return edge - size;
	case 3: return edge - size - any(64);
	case 4: return ARENA + PAGE - any(size + 1);
	default: return ARENA + any(384) * 8;
	}
}

static const struct {
	unsigned page, pages;
} areas_written[] = { { AREA_PLAIN, 4 }, { AREA_SHARED, 2 }, { AREA_FILE, 1 }, { AREA_FRESH, 4 } };

/* Writes what can be written there without a fault. */
static inline unsigned long put(unsigned long at, const void *data, unsigned long size)
{
	for (size_t i = 0; i < sizeof areas_written / sizeof *areas_written; i++) {
		unsigned long start = ARENA + areas_written[i].page * PAGE, end = start + areas_written[i].pages * PAGE;

		if (at >= start && at < end)
			memcpy((void *)at, data, at + size > end ? end - at : size);
	}
	return at;
}

static inline unsigned long put_somewhere(const void *data, unsigned long size)
{
	return put(place(size), data, size);
}

/* A number as structures have it: mostly small. */
static inline unsigned long any_number(void)
{
	switch (any(8)) {
	case 0: return 0;
	case 1: return -1 - any(2);
	case 2: return any_bits() >> any(64);
	case 3: return 1ul << any(64);
	case 4: return any(5000);
	default: return any(20);
	}
}

static inline unsigned long any_size(void)
{
	switch (any(12)) {
	case 0: return 0;
	case 1: return any_number();
	case 2: return PAGE * any(8);
	case 3: return PAGE + any(8) - 4;
	case 4: return any(1ul << 20);
	default: return any(200);
	}
}

/* A request of netlink, in most of what it says a real one: a family, what follows it, attributes. */
static inline unsigned long any_netlink(void)
{
	static const unsigned short types[] = { 16, 18, 19, 20, 22, 26, 30, 34, 21, 2, 3 };
	static const unsigned char families[] = { 0, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	union {
		struct nlmsghdr header;
		unsigned char bytes[256];
	} request = { .header = { .nlmsg_type = ONE_OF(types), .nlmsg_flags = any(4) ? NLM_F_REQUEST | (any(2) ? NLM_F_DUMP : any(2) ? NLM_F_ACK : 0) : any_number() } };
	unsigned length = sizeof request.header + 4 * any(16);

	for (unsigned i = sizeof request.header; i < sizeof request; i++)
		request.bytes[i] = any(3) ? 0 : any(2) ? 0xff : any(256);
	request.bytes[sizeof request.header] = ONE_OF(families);
	request.bytes[sizeof request.header + 1] = any(2) ? 6 : any(2) ? 17 : any(256);
	while (any(3) && length < sizeof request - 44) {
		struct nlattr attribute = { any(8) ? 4 + any(36) : any_number(), any(4) ? any(40) : any_number() };

		memcpy(request.bytes + length, &attribute, sizeof attribute);
		length += attribute.nla_len < 40 ? (attribute.nla_len + 3u) & ~3u : 40;
	}
	request.header.nlmsg_len = any(8) ? length : any_number();
	return put_somewhere(&request, sizeof request);
}

/* Any structure: words of numbers, pointers and descriptors. */
static inline unsigned long any_struct(void)
{
	unsigned long words[32];
	unsigned count = 1 + any(16);

	for (unsigned i = 0; i < count; i++)
		words[i] = any(4) ? any_number() : any(2) ? place(64) : any(FD_END) | any_number() << 32;
	return put_somewhere(words, count * 8);
}

#endif

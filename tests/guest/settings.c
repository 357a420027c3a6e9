/*
 * Files of /proc/sys: what may be written and by whom, and that what is written is obeyed. Each part puts back what it changes.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <mqueue.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include "tests/guest/show.h"

#define SYS "/proc/sys/"
#define USER 1000

/* ---- reading and writing ---- */

static long put(const char *name, const char *text)
{
	char path[256];
	long result;
	int fd;

	snprintf(path, sizeof path, SYS "%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	result = write(fd, text, strlen(text));
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

static const char *get(const char *name)
{
	static char text[256];
	char path[256];
	long n;
	int fd;

	snprintf(path, sizeof path, SYS "%s", name);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	return text;
}

static struct {
	const char *name;
	char text[256];
} kept[16];
static int kept_count;

static void set(const char *name, const char *text)
{
	kept[kept_count].name = name;
	strcpy(kept[kept_count++].text, get(name));
	if (put(name, text) < 0)
		printf("%s: %s\n", name, strerror(errno));
}

static void put_back(void)
{
	while (kept_count) {
		kept_count--;
		if (put(kept[kept_count].name, kept[kept_count].text) < 0)
			printf("%s cannot be put back: %s\n", kept[kept_count].name, strerror(errno));
	}
}

static void as_user(void)
{
	if (setgroups(0, NULL) || setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
		printf("no user\n");
}

/* ---- the files ---- */

static void try(const char *name, const char *text)
{
	long result = put(name, text);

	printf("%s = \"", name);
	for (const char *c = text; *c; c++)
		*c == '\n' ? printf("\\n") : *c == '\t' ? printf("\\t") : putchar(*c);
	printf("\": %s, ", result < 0 ? strerror(errno) : "ok");
	printf("now \"%s\"\n", get(name));
}

static void numbers(void)
{
	static const char *const pipe_sizes[] = {
		"4096", "8192\n", " 16384", "\t16384 \n", "0x10000", "0200000", "5000", "1", "0", "-1", "", "\n", " ", "x", "12x", "12 x", "4096 8192",
		"2147483648", "2147483649", "99999999999999999999", "00000000000000004096", "000000000000000000004096", "4096,", "+5", "0x", "08",
	};
	static const char *const ports[] = { "40000 50000", "40000", "50000\t40000", "40000 50000 60000", "0 5", "60000 65536", "41000 x", "2000\n3000\n" };
	static const char *const sems[] = { "32000 1024000000 500 32769", "100 200 30 40", "10", "12 13 14 15 16" };

	set("fs/pipe-max-size", "1048576");
	for (unsigned i = 0; i < sizeof pipe_sizes / sizeof *pipe_sizes; i++)
		try("fs/pipe-max-size", pipe_sizes[i]);
	set("net/ipv4/ip_local_port_range", "32768 60999");
	for (unsigned i = 0; i < sizeof ports / sizeof *ports; i++)
		try("net/ipv4/ip_local_port_range", ports[i]);
	set("kernel/sem", "32000 1024000000 500 32000");
	for (unsigned i = 0; i < sizeof sems / sizeof *sems; i++)
		try("kernel/sem", sems[i]);
	put_back();
}

static void bounds(void)
{
	static const struct {
		const char *name, *bad[4];
	} files[] = {
		{ "fs/nr_open", { "63", "2147483585", "x" } },
		{ "fs/inotify/max_queued_events", { "-1", "2147483648" } },
		{ "fs/inotify/max_user_instances", { "2147483648" } },
		{ "fs/mqueue/msg_max", { "0", "65537" } },
		{ "fs/mqueue/msgsize_max", { "127", "16777217" } },
		{ "fs/mqueue/msg_default", { "0", "65537" } },
		{ "fs/mqueue/msgsize_default", { "127", "16777217" } },
		{ "kernel/msgmax", { "-1", "2147483648" } },
		{ "kernel/msgmnb", { "-1", "2147483648" } },
		{ "kernel/msgmni", { "-1", "32769" } },
		{ "kernel/shmmni", { "-1", "32769" } },
		{ "kernel/pid_max", { "300", "4194305", "0" } },
		{ "kernel/threads-max", { "0", "-1" } },
		{ "net/core/somaxconn", { "-1" } },
		{ "net/ipv4/ip_unprivileged_port_start", { "-1", "65536", "40000" } },
		{ "vm/max_map_count", { "-1", "2147483648" } },
	};

	for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
		for (int j = 0; j < 4 && files[i].bad[j]; j++) {
			long result = put(files[i].name, files[i].bad[j]);

			printf("%s = %s: %ld %s\n", files[i].name, files[i].bad[j], result, result < 0 ? strerror(errno) : "");
		}
}

static void first_values(void)
{
	static const char *const files[] = {
		"fs/inotify/max_queued_events", "fs/inotify/max_user_instances", "fs/mqueue/msg_default", "fs/mqueue/msg_max", "fs/mqueue/msgsize_default",
		"fs/mqueue/msgsize_max", "fs/mqueue/queues_max", "fs/nr_open", "fs/overflowgid", "fs/overflowuid", "fs/pipe-max-size",
		"fs/pipe-user-pages-hard", "fs/pipe-user-pages-soft", "kernel/cap_last_cap", "kernel/core_pattern", "kernel/core_uses_pid", "kernel/msgmax",
		"kernel/msgmnb", "kernel/msgmni", "kernel/ngroups_max", "kernel/ostype", "kernel/overflowgid", "kernel/overflowuid", "kernel/pid_max",
		"kernel/pty/max", "kernel/random/poolsize", "kernel/sem", "kernel/shmall", "kernel/shmmax", "kernel/shmmni", "net/core/rmem_default",
		"net/core/rmem_max", "net/core/somaxconn", "net/core/wmem_default", "net/core/wmem_max", "net/ipv4/ip_forward",
		"net/ipv4/ip_local_port_range", "net/ipv4/ip_unprivileged_port_start", "vm/max_map_count", "vm/overcommit_memory",
	};

	for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
		printf("%s: %s\n", files[i], get(files[i]));
}

/* ---- who ---- */

static void user_opens(void)
{
	as_user();
	SHOW(open(SYS "kernel/msgmax", O_WRONLY));
	SHOW(open(SYS "kernel/hostname", O_RDWR));
	OK(open(SYS "kernel/msgmax", O_RDONLY));
}

static int given;

static void user_writes(void)
{
	as_user();
	SHOW(write(given, "7", 1));
}

static void rights(void)
{
	static const char *const names[] = { SYS "kernel/msgmax", SYS "kernel/hostname", SYS "kernel/domainname" };
	char text[8];

	apart(user_opens);
	for (int i = 0; i < 3; i++) {
		given = open(names[i], O_RDWR);
		apart(user_writes);
		close(given);
	}
	SHOW(open(SYS "kernel/ostype", O_WRONLY));
	SHOW(open(SYS "kernel/random/uuid", O_WRONLY));
	SHOW(open(SYS "kernel/nothing", O_WRONLY | O_CREAT, 0644));
	SHOW(mkdir(SYS "kernel/directory", 0755));
	SHOW(unlink(SYS "kernel/msgmax"));
	SHOW(truncate(SYS "kernel/msgmax", 5));
	set("kernel/msgmax", "8192");
	/* only the first write of an open file says anything */
	given = open(SYS "kernel/msgmax", O_RDWR | O_TRUNC);
	SHOW(write(given, "8000", 4));
	SHOW(write(given, "55", 2));
	SHOW(lseek(given, 0, SEEK_SET));
	SHOW(read(given, text, 4));
	SHOW(pwrite(given, "6000", 4, 0));
	close(given);
	given = open(SYS "kernel/msgmax", O_WRONLY | O_APPEND);
	SHOW(write(given, "7000", 4));
	close(given);
	printf("%s\n", get("kernel/msgmax"));
	put_back();
}

static void names(void)
{
	static char longest[80];
	struct utsname u;

	memset(longest, 'n', 70);
	set("kernel/hostname", "one");
	uname(&u);
	printf("%s %s\n", u.nodename, get("kernel/hostname"));
	SHOW(put("kernel/hostname", "two\nthree"));
	printf("%s\n", get("kernel/hostname"));
	SHOW(put("kernel/hostname", longest));
	printf("%s\n", get("kernel/hostname"));
	SHOW(put("kernel/hostname", "\n"));
	printf("'%s'\n", get("kernel/hostname"));
	set("kernel/domainname", "domain.example");
	uname(&u);
	printf("%s\n", u.domainname);
	put_back();
}

static void put_at(off_t at, const char *text)
{
	int fd = open(SYS "kernel/hostname", O_WRONLY);

	printf("%ld at %ld: %ld, ", (long)strlen(text), (long)at, (long)pwrite(fd, text, strlen(text), at));
	printf("'%s'\n", get("kernel/hostname"));
	close(fd);
}

/* A name goes on where it ends, and no further. */
static void names_in_parts(void)
{
	static char rest[80];
	int fd;

	memset(rest, 'r', 70);
	set("kernel/hostname", "begin");
	put_at(5, "+end");
	put_at(2, "cut");
	put_at(6, "beyond");
	put_at(5, "\n");
	put_at(3, "\n");
	put_at(3, "");
	put_at(3, rest);
	put_at(60, "over the end");
	put_at(64, "at the end");
	put_at(65, "behind it");
	put_at(1l << 40, "far");
	put_at(0, "again");
	/* one after another, by one open file */
	fd = open(SYS "kernel/hostname", O_WRONLY);
	SHOW(write(fd, "one", 3));
	SHOW(write(fd, "two", 3));
	printf("'%s' at %ld\n", get("kernel/hostname"), (long)lseek(fd, 0, SEEK_CUR));
	SHOW(write(fd, "x\nyz", 4));
	SHOW(write(fd, "lost", 4));
	printf("'%s' at %ld\n", get("kernel/hostname"), (long)lseek(fd, 0, SEEK_CUR));
	close(fd);
	fd = open(SYS "kernel/hostname", O_WRONLY | O_APPEND);
	SHOW(write(fd, "appended", 8));
	SHOW(write(fd, "more", 4));
	printf("'%s' at %ld\n", get("kernel/hostname"), (long)lseek(fd, 0, SEEK_CUR));
	close(fd);
	put_back();
}

/* ---- pipes ---- */

static int new_pipe(void)
{
	int ends[2];

	return pipe(ends) ? -1 : ends[0];
}

static void user_pipes(void)
{
	int fd;

	as_user();
	fd = new_pipe();
	SHOW(fcntl(fd, F_GETPIPE_SZ));
	SHOW(fcntl(fd, F_SETPIPE_SZ, 131072));
	SHOW(fcntl(fd, F_SETPIPE_SZ, 131073));
	SHOW(fcntl(fd, F_SETPIPE_SZ, 4096));
}

static void user_small_pipes(void)
{
	as_user();
	SHOW(fcntl(new_pipe(), F_GETPIPE_SZ));
}

static void user_many_pipes(void)
{
	int fd[4];

	as_user();
	for (int i = 0; i < 4; i++)
		fd[i] = new_pipe();
	for (int i = 0; i < 3; i++)
		SHOW(fcntl(fd[i], F_GETPIPE_SZ));
	SHOW(fd[3]);
	SHOW(new_pipe());
	SHOW(open("fifo", O_RDWR));
	SHOW(fcntl(fd[0], F_SETPIPE_SZ, 131072));
	SHOW(fcntl(fd[2], F_SETPIPE_SZ, 16384));
	SHOW(fcntl(fd[2], F_SETPIPE_SZ, 4096));
}

static void pipes(void)
{
	static char bytes[300000];
	int ends[2];

	set("fs/pipe-max-size", "131072");
	apart(user_pipes);
	pipe(ends);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	SHOW(fcntl(ends[1], F_SETPIPE_SZ, 2097152));
	for (int i = 0; i < 9; i++)
		SHOW(write(ends[1], bytes, sizeof bytes));
	SHOW(fcntl(ends[1], F_SETPIPE_SZ, 1048576));
	for (int i = 0; i < 4; i++)
		SHOW(read(ends[0], bytes, sizeof bytes));
	SHOW(fcntl(ends[1], F_SETPIPE_SZ, 1048576));
	close(ends[0]);
	close(ends[1]);
	put("fs/pipe-max-size", "4096");
	apart(user_small_pipes);
	SHOW(fcntl(new_pipe(), F_GETPIPE_SZ));
	put("fs/pipe-max-size", "1048576");
	set("fs/pipe-user-pages-soft", "32");
	set("fs/pipe-user-pages-hard", "35");
	mkfifo("fifo", 0666);
	chmod("fifo", 0666);
	apart(user_many_pipes);
	unlink("fifo");
	put_back();
}

/* ---- processes ---- */

static void ids(void)
{
	int above = 0, anew = 0, last = 0;

	set("kernel/pid_max", "400");
	/* until numbers begin anew, which is at 300 or the first above it that is free */
	for (int i = 0; i < 500 && !anew; i++) {
		int pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
		above += pid >= 400;
		if (pid < last)
			anew = pid;
		last = pid;
	}
	printf("%d %d\n", above, anew >= 300 && anew < 310);
	put("kernel/pid_max", "4194304");
	OK(waitpid(fork() ? -1 : (_exit(0), 0), NULL, 0));
	put_back();
}

static void tasks(void)
{
	set("kernel/threads-max", "1");
	SHOW(fork());
	put_back();
	OK(waitpid(fork() ? -1 : (_exit(0), 0), NULL, 0));
}

static void files(void)
{
	struct rlimit limit = { 100, 1000 };

	set("fs/nr_open", "1000");
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_max = 1001;
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	put("fs/nr_open", "2000000");
	limit.rlim_max = 2000000;
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
	put_back();
	limit.rlim_max = 1048577;
	SHOW(setrlimit(RLIMIT_NOFILE, &limit));
}

static void maps(void)
{
	char *at = mmap(NULL, 400 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int n = 0;

	set("vm/max_map_count", "200");
	while (n < 199 && !mprotect(at + n * 2 * 4096, 4096, PROT_READ | PROT_WRITE))
		n++;
	printf("%d %s\n", n > 20 && n < 100, strerror(errno));
	put_back();
	SHOW(mprotect(at + n * 2 * 4096, 4096, PROT_READ | PROT_WRITE));
	munmap(at, 400 * 4096);
}

/* A server maps a piece of each file that is written: it needs more regions than programs may have now. */
static void maps_of_servers(void)
{
	static char pages[8192]; /* a file of one page is in the server's own memory */
	long written = 0, got = 0;
	char name[32];
	int fd, i;

	mkdir("maps", 0755);
	set("vm/max_map_count", "60");
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "maps/%d", i);
		fd = open(name, O_CREAT | O_RDWR, 0600);
		written += write(fd, pages, sizeof pages);
		got += pread(fd, pages, sizeof pages, 0);
		close(fd);
	}
	put_back();
	printf("%ld %ld\n", written, got);
	while (i--) {
		snprintf(name, sizeof name, "maps/%d", i);
		unlink(name);
	}
	rmdir("maps");
}

/* ---- events ---- */

static void user_watches(void)
{
	int a, b, e = epoll_create1(0), other = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };

	as_user();
	a = inotify_init();
	b = inotify_init();
	SHOW(a >= 0 && b >= 0);
	SHOW(inotify_init());
	OK(inotify_add_watch(a, "/", IN_CREATE));
	OK(inotify_add_watch(b, "/tmp", IN_CREATE));
	OK(inotify_add_watch(b, "/usr", IN_CREATE));
	SHOW(inotify_add_watch(b, "/bin", IN_CREATE));
	/* root's instances do not count, and have no fewer for it */
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, a, &event));
	SHOW(epoll_ctl(other, EPOLL_CTL_ADD, a, &event));
	e = epoll_create1(0);
	other = epoll_create1(0);
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, a, &event));
	SHOW(epoll_ctl(other, EPOLL_CTL_ADD, a, &event));
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, a, &event));
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, b, &event));
	SHOW(epoll_ctl(other, EPOLL_CTL_DEL, a, NULL));
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, b, &event));
	close(e);
	SHOW(epoll_ctl(other, EPOLL_CTL_ADD, b, &event));
}

static void watches(void)
{
	char name[32], bytes[4096];
	int fd, n;

	set("fs/inotify/max_user_instances", "2");
	set("fs/inotify/max_user_watches", "3");
	set("fs/epoll/max_user_watches", "2");
	apart(user_watches);
	put_back();
	set("fs/inotify/max_queued_events", "3");
	fd = inotify_init1(IN_NONBLOCK);
	put_back();
	mkdir("queue", 0755);
	OK(inotify_add_watch(fd, "queue", IN_CREATE));
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "queue/%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	n = read(fd, bytes, sizeof bytes);
	for (int at = 0; at < n;) {
		struct inotify_event *e = (void *)(bytes + at);

		printf("%x %s\n", e->mask, e->len ? e->name : "");
		at += sizeof *e + e->len;
	}
	close(fd);
	system("rm -r queue");
}

/* ---- messages, semaphores, memory ---- */

static void user_queues(void)
{
	struct mq_attr attr = { .mq_maxmsg = 5, .mq_msgsize = 256 }, now;
	mqd_t q;

	as_user();
	OK(q = mq_open("/a", O_CREAT | O_RDWR, 0600, &attr));
	attr.mq_maxmsg = 6;
	SHOW(mq_open("/b", O_CREAT | O_RDWR, 0600, &attr));
	attr.mq_maxmsg = 5;
	attr.mq_msgsize = 257;
	SHOW(mq_open("/b", O_CREAT | O_RDWR, 0600, &attr));
	OK(q = mq_open("/b", O_CREAT | O_RDWR, 0600, NULL));
	mq_getattr(q, &now);
	printf("%ld %ld\n", now.mq_maxmsg, now.mq_msgsize);
	SHOW(mq_open("/c", O_CREAT | O_RDWR, 0600, NULL));
	mq_unlink("/a");
	mq_unlink("/b");
}

static void queues(void)
{
	set("fs/mqueue/msg_max", "5");
	set("fs/mqueue/msgsize_max", "256");
	set("fs/mqueue/msg_default", "3");
	set("fs/mqueue/msgsize_default", "200");
	set("fs/mqueue/queues_max", "2");
	apart(user_queues);
	put_back();
}

static void messages(void)
{
	struct { long type; char text[9000]; } m = { .type = 1 };
	struct { int pool, map, message, queue, queues, size, headers; unsigned short segments; } info;
	int a, b;

	set("kernel/msgmax", "100");
	set("kernel/msgmnb", "150");
	set("kernel/msgmni", "2");
	a = msgget(IPC_PRIVATE, 0600);
	SHOW(msgsnd(a, &m, 101, IPC_NOWAIT));
	SHOW(msgsnd(a, &m, 100, IPC_NOWAIT));
	SHOW(msgsnd(a, &m, 51, IPC_NOWAIT));
	SHOW(msgsnd(a, &m, 50, IPC_NOWAIT));
	b = msgget(IPC_PRIVATE, 0600);
	SHOW(msgget(IPC_PRIVATE, 0600));
	msgctl(0, IPC_INFO, (void *)&info);
	printf("%d %d %d\n", info.message, info.queue, info.queues);
	put("kernel/msgmax", "8500");
	put("kernel/msgmnb", "10000");
	msgctl(b, IPC_RMID, NULL);
	b = msgget(IPC_PRIVATE, 0600);
	SHOW(msgsnd(b, &m, 8500, IPC_NOWAIT));
	msgctl(a, IPC_RMID, NULL);
	msgctl(b, IPC_RMID, NULL);
	put_back();
}

static void semaphores(void)
{
	struct sembuf ops[4] = { { 0, 1, 0 }, { 1, 1, 0 }, { 2, 1, 0 }, { 3, 1, 0 } };
	struct { int map, sets, all, undos, per_set, per_call, undo_entries, undo_size, value, adjust; } info;
	int a, b;

	set("kernel/sem", "5 7 3 2");
	SHOW(semget(IPC_PRIVATE, 6, 0600));
	a = semget(IPC_PRIVATE, 5, 0600);
	SHOW(semget(IPC_PRIVATE, 3, 0600));
	b = semget(IPC_PRIVATE, 2, 0600);
	SHOW(semop(a, ops, 4));
	SHOW(semop(a, ops, 3));
	put("kernel/sem", "5 100");
	SHOW(semget(IPC_PRIVATE, 1, 0600));
	syscall(SYS_semctl, 0, 0, IPC_INFO, &info);
	printf("%d %d %d %d\n", info.sets, info.all, info.per_set, info.per_call);
	semctl(a, 0, IPC_RMID);
	semctl(b, 0, IPC_RMID);
	put_back();
}

static void segments(void)
{
	struct { unsigned long max, min, segments, per_process, all, unused[4]; } info;
	int a, b;

	set("kernel/shmmax", "10000");
	set("kernel/shmall", "5");
	set("kernel/shmmni", "2");
	SHOW(shmget(IPC_PRIVATE, 10001, 0600));
	a = shmget(IPC_PRIVATE, 10000, 0600);
	SHOW(shmget(IPC_PRIVATE, 9000, 0600));
	b = shmget(IPC_PRIVATE, 5000, 0600);
	put("kernel/shmall", "100");
	SHOW(shmget(IPC_PRIVATE, 1, 0600));
	shmctl(0, IPC_INFO, (void *)&info);
	printf("%lu %lu %lu\n", info.max, info.segments, info.all);
	shmctl(b, IPC_RMID, NULL);
	OK(b = shmget(IPC_PRIVATE, 1, 0600));
	shmctl(a, IPC_RMID, NULL);
	shmctl(b, IPC_RMID, NULL);
	put_back();
}

/* ---- sockets, terminals ---- */

static long bind_to(int port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t size = sizeof name;
	long result = bind(fd, (void *)&name, size);

	if (!result)
		getsockname(fd, (void *)&name, &size);
	return result ? result : ntohs(name.sin_port);
}

static void user_binds(void)
{
	as_user();
	OK(bind_to(80));
	OK(bind_to(81));
}

static void ports(void)
{
	int in_range = 0;

	set("net/ipv4/ip_local_port_range", "40000 40003");
	for (int i = 0; i < 4; i++) {
		long port = bind_to(0);

		in_range += port >= 40000 && port <= 40003;
	}
	SHOW(in_range);
	SHOW(bind_to(0));
	put_back();
	set("net/ipv4/ip_unprivileged_port_start", "81");
	apart(user_binds);
	put_back();
}

static void backlog(void)
{
	struct sockaddr_un name = { AF_UNIX, "\0settings" };
	socklen_t size = sizeof(sa_family_t) + 9;
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	set("net/core/somaxconn", "1");
	bind(listener, (void *)&name, size);
	SHOW(listen(listener, 100));
	for (int i = 0; i < 3; i++)
		SHOW(connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (void *)&name, size));
	put_back();
	SHOW(listen(listener, 100));
	SHOW(connect(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), (void *)&name, size));
}

static void terminals(void)
{
	int fd;

	set("kernel/pty/max", "1");
	SHOW(open("/dev/ptmx", O_RDWR));
	put_back();
	OK(fd = open("/dev/ptmx", O_RDWR));
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "numbers", numbers }, { "bounds", bounds }, { "first_values", first_values }, { "rights", rights }, { "names", names }, { "names_in_parts", names_in_parts }, { "pipes", pipes },
		{ "ids", ids }, { "tasks", tasks }, { "files", files }, { "maps", maps }, { "maps_of_servers", maps_of_servers }, { "watches", watches }, { "queues", queues },
		{ "messages", messages }, { "semaphores", semaphores }, { "segments", segments }, { "ports", ports }, { "backlog", backlog },
		{ "terminals", terminals },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}

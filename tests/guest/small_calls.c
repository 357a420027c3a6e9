/*
 * Calls that need a few lines each: extended attributes, identities, names and times of the system, scheduling, forms of wider calls.
 *
 * calls: recvmmsg recvmsg sendmmsg sendmsg clock_settime creat epoll_pwait epoll_pwait2 faccessat2 fadvise64 fgetxattr flistxattr fremovexattr fsetxattr futimesat
 * get_robust_list getcpu getgroups getpriority getresgid getresuid getxattr lgetxattr listxattr llistxattr lremovexattr lsetxattr preadv2
 * pwritev2 readahead reboot removexattr rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getattr
 * sched_getaffinity sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity setdomainname setgid setgroups sethostname setpriority setregid setreuid
 * settimeofday setuid setxattr sync_file_range sysinfo timer_getoverrun tkill uname
 */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/show.h"

static void attributes(void)
{
	char v[50] = "", list[200];
	long n;
	int fd = open("file", O_CREAT | O_RDWR, 0600);

	symlink("file", "link");
	SHOW(setxattr("file", "trusted.one", "value", 5, 0));
	SHOW(getxattr("file", "trusted.one", v, 50));
	puts(v);
	SHOW(getxattr("file", "trusted.one", v, 3));
	SHOW(getxattr("file", "trusted.one", NULL, 0));
	SHOW(getxattr("link", "trusted.one", v, 50));
	SHOW(lgetxattr("link", "trusted.one", v, 50));
	SHOW(lsetxattr("link", "trusted.own", "l", 1, 0));
	SHOW(lgetxattr("link", "trusted.own", v, 50));
	SHOW(getxattr("link", "trusted.own", v, 50));
	SHOW(fsetxattr(fd, "trusted.two", "", 0, XATTR_CREATE));
	SHOW(fsetxattr(fd, "trusted.two", "x", 1, XATTR_CREATE));
	SHOW(fsetxattr(fd, "trusted.two", "xy", 2, XATTR_REPLACE));
	SHOW(fsetxattr(fd, "trusted.three", "x", 1, XATTR_REPLACE));
	SHOW(fgetxattr(fd, "trusted.two", v, 50));
	SHOW(flistxattr(fd, NULL, 0));
	n = SHOW(listxattr("link", list, sizeof list));
	printf("%d\n", n > 0 && memmem(list, (size_t)n, "trusted.one", 12) && memmem(list, (size_t)n, "trusted.two", 12));
	SHOW(llistxattr("link", list, sizeof list));
	SHOW(flistxattr(fd, list, 5));
	SHOW(removexattr("file", "trusted.one"));
	SHOW(removexattr("file", "trusted.one"));
	SHOW(fremovexattr(fd, "trusted.two"));
	SHOW(lremovexattr("link", "trusted.own"));
	SHOW(lremovexattr("link", "trusted.own"));
	SHOW(setxattr("file", "trusted.one", "x", 1, 4));
	SHOW(setxattr("file", "", "x", 1, 0));
	SHOW(setxattr("file", "nonsense", "x", 1, 0));
	SHOW(setxattr("none", "trusted.one", "x", 1, 0));
	SHOW(fgetxattr(99, "trusted.one", v, 5));
	SHOW(getxattr("file", (void *)8, v, 5));
}

static void show_ids(void)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	printf("%u %u %u  %u %u %u\n", r, e, s, gr, ge, gs);
}

static void in_child(void (*act)(void))
{
	fflush(stdout);
	if (fork() == 0) {
		act();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void drop_all(void)
{
	gid_t groups[3] = { 10, 20, 30 }, got[10];

	SHOW(setgroups(3, groups));
	SHOW(getgroups(10, got));
	SHOW(setgid(55));
	SHOW(setuid(66));
	show_ids();
	SHOW(setuid(0));
	SHOW(setgid(0));
	SHOW(setgroups(0, NULL));
	SHOW(setuid(66));
}

static void exchange(void)
{
	SHOW(setregid(7, 8));
	SHOW(setreuid(5, 6));
	show_ids();
	SHOW(setreuid(6, 5));
	show_ids();
	SHOW(setreuid(-1, 6));
	show_ids();
	SHOW(setreuid(9, 9));
	SHOW(setregid(8, 7));
	show_ids();
	SHOW(setregid(9, 9));
	SHOW(setresuid(5, 6, 5));
	SHOW(setresgid(-1, -1, 77));
}

static void identities(void)
{
	show_ids();
	in_child(drop_all);
	in_child(exchange);
	show_ids();
	SHOW(syscall(SYS_getresuid, (void *)8, (void *)8, (void *)8));
	SHOW(syscall(SYS_getresgid, (void *)8, (void *)8, (void *)8));
	SHOW(syscall(SYS_setgroups, 65537, NULL));
}

static void names(void)
{
	struct utsname before, u;

	uname(&before);
	SHOW(sethostname("a-name", 6));
	SHOW(setdomainname("a.domain", 8));
	uname(&u);
	printf("%s %s\n", u.nodename, u.domainname);
	SHOW(sethostname(u.nodename, 65));
	SHOW(setdomainname(u.nodename, 65));
	SHOW(syscall(SYS_sethostname, (void *)8, 4));
	SHOW(syscall(SYS_sethostname, "x", -1));
	sethostname(before.nodename, strlen(before.nodename));
	setdomainname(before.domainname, strlen(before.domainname));
	SHOW(syscall(SYS_reboot, 1, 2, 3, 0));
	SHOW(syscall(SYS_reboot, 0xfee1dead, 672274793, 77, 0));
}

static void times(void)
{
	struct timespec was, set = { 1000000000, 0 }, now, bad = { 1, -1 };
	struct timeval v = { 1100000000, 5 }, wrong = { 1, 1000000 }, two[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat s;
	int fd = open("file", O_CREAT | O_RDWR, 0600);

	clock_gettime(CLOCK_REALTIME, &was);
	SHOW(clock_settime(CLOCK_REALTIME, &set));
	clock_gettime(CLOCK_REALTIME, &now);
	printf("%ld\n", (long)now.tv_sec);
	SHOW(settimeofday(&v, NULL));
	clock_gettime(CLOCK_REALTIME, &now);
	printf("%ld\n", (long)now.tv_sec);
	SHOW(clock_settime(CLOCK_MONOTONIC, &set));
	SHOW(clock_settime(CLOCK_REALTIME, &bad));
	SHOW(clock_settime(99, &set));
	SHOW(syscall(SYS_settimeofday, &wrong, NULL));
	clock_settime(CLOCK_REALTIME, &was);
	SHOW(syscall(SYS_futimesat, AT_FDCWD, "file", two));
	fstat(fd, &s);
	printf("%ld %ld %ld\n", (long)s.st_atime, (long)s.st_mtime, s.st_mtim.tv_nsec);
	SHOW(syscall(SYS_futimesat, AT_FDCWD, "none", two));
	SHOW(syscall(SYS_futimesat, AT_FDCWD, "file", &wrong));
	SHOW(syscall(SYS_futimesat, fd, "file", two));
}

static volatile int told;

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)context;
	told++;
	printf("signal %d code %d value %d\n", signal, info->si_code, info->si_int);
}

static void signals(void)
{
	struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	siginfo_t info = { 0 };
	timer_t timer;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct itimerspec every = { { 0, 10000000 }, { 0, 10000000 } }, none = { { 0, 0 }, { 0, 0 } };
	struct timespec nap = { 0, 55000000 };
	sigset_t set;

	sigaction(SIGUSR1, &a, NULL);
	SHOW(syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1));
	SHOW(syscall(SYS_tkill, 0, SIGUSR1));
	SHOW(syscall(SYS_tkill, 32767, SIGUSR1));
	info.si_code = SI_QUEUE;
	info.si_int = 17;
	SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &info));
	SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), 32767, SIGUSR1, &info));
	SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &every, NULL);
	nanosleep(&nap, NULL);
	SHOW(sigtimedwait(&set, &info, &nap));
	printf("overrun %d, %d\n", info.si_overrun >= 3 && info.si_overrun <= 4, timer_getoverrun(timer) == info.si_overrun);
	timer_settime(timer, 0, &none, NULL);
	SHOW(timer_delete(timer));
	SHOW(syscall(SYS_timer_getoverrun, 12345));
}

static void scheduling(void)
{
	struct sched_param param = { .sched_priority = 7 };
	struct timespec t;
	struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t more[3]; } attr;
	unsigned cpu = 9, node = 9;

	SHOW(sched_get_priority_max(SCHED_FIFO));
	SHOW(sched_get_priority_min(SCHED_FIFO));
	SHOW(sched_get_priority_max(SCHED_OTHER));
	SHOW(sched_get_priority_min(99));
	SHOW(syscall(SYS_sched_getscheduler, 0));
	SHOW(syscall(SYS_sched_getscheduler, 32767));
	SHOW(syscall(SYS_sched_getscheduler, -1));
	SHOW(syscall(SYS_sched_getparam, 0, &param));
	printf("%d\n", param.sched_priority);
	SHOW(syscall(SYS_sched_getparam, 0, NULL));
	SHOW(syscall(SYS_sched_rr_get_interval, 0, &t));
	printf("%ld\n", (long)t.tv_sec);
	SHOW(syscall(SYS_sched_rr_get_interval, -1, &t));
	SHOW(syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0));
	printf("policy %u nice %d\n", attr.policy, attr.nice);
	SHOW(syscall(SYS_sched_getattr, 0, &attr, 10, 0));
	SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
	printf("%u %u\n", cpu, node);
	SHOW(syscall(SYS_getcpu, (void *)8, NULL, NULL));
	SHOW(setpriority(PRIO_PROCESS, 0, 5));
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(setpriority(PRIO_PROCESS, 0, 99));
	SHOW(getpriority(PRIO_PROCESS, getpid()));
	SHOW(setpriority(PRIO_PROCESS, 0, -5));
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(setpriority(PRIO_PROCESS, 32767, 0));
	SHOW(getpriority(9, 0));
	SHOW(sched_yield());
}

static void affinity(void)
{
	unsigned long mask[2] = { ~0ul, ~0ul }, first[2] = { 1 }, second[2] = { 2 }, none[2] = { 0 };

	SHOW(syscall(SYS_sched_getaffinity, 0, sizeof mask, mask));
	printf("%lx\n", mask[0]);
	SHOW(syscall(SYS_sched_getaffinity, 0, 4, mask));
	SHOW(syscall(SYS_sched_getaffinity, 0, 12, mask));
	SHOW(syscall(SYS_sched_getaffinity, 0, 0, mask));
	SHOW(syscall(SYS_sched_getaffinity, 0, sizeof mask, 8));
	SHOW(syscall(SYS_sched_getaffinity, 32767, sizeof mask, mask));
	SHOW(syscall(SYS_sched_getaffinity, -1, sizeof mask, mask));
	SHOW(syscall(SYS_sched_setaffinity, 0, sizeof first, first));
	SHOW(syscall(SYS_sched_setaffinity, 0, sizeof second, second));
	SHOW(syscall(SYS_sched_setaffinity, 0, sizeof none, none));
	SHOW(syscall(SYS_sched_setaffinity, 0, 1, first));
	SHOW(syscall(SYS_sched_setaffinity, 0, 0, first));
	SHOW(syscall(SYS_sched_setaffinity, 0, sizeof first, NULL));
	SHOW(syscall(SYS_sched_setaffinity, 32767, sizeof first, first));
	SHOW(syscall(SYS_sched_setaffinity, getpid(), sizeof mask, (unsigned long[]){ ~0ul, ~0ul }));
	if (fork() == 0) {
		setuid(1000);
		SHOW(syscall(SYS_sched_setaffinity, getppid(), sizeof first, first));
		SHOW(syscall(SYS_sched_setaffinity, 0, sizeof first, first));
		SHOW(syscall(SYS_sched_getaffinity, getppid(), sizeof mask, mask));
		_exit(0);
	}
	wait(NULL);
}

static void forms(void)
{
	int fd = open("data", O_CREAT | O_RDWR, 0600), ep = epoll_create1(0), p[2];
	struct iovec v = { "0123456789", 10 };
	struct epoll_event e = { EPOLLIN, { .u32 = 8 } };
	struct timespec short_time = { 0, 10000000 };
	struct sysinfo info;
	sigset_t set;

	SHOW(creat("made", 0640));
	struct stat s;
	stat("made", &s);
	printf("%o %ld\n", s.st_mode, (long)s.st_size);
	SHOW(syscall(SYS_pwritev2, fd, &v, 1, 5, 0, 0));
	SHOW(syscall(SYS_pwritev2, fd, &v, 1, -1l, 0, 16 /* RWF_APPEND */));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(syscall(SYS_preadv2, fd, &v, 0, 0, 0, 0));
	SHOW(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, 8 /* RWF_NOWAIT */));
	SHOW(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, 0x10000));
	SHOW(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, 2 /* RWF_DSYNC */));
	SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	SHOW(syscall(SYS_fadvise64, fd, 0, 0, 99));
	SHOW(syscall(SYS_fadvise64, 99, 0, 0, 0));
	SHOW(readahead(fd, 0, 10));
	SHOW(readahead(99, 0, 10));
	SHOW(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	SHOW(sync_file_range(fd, 0, 0, 99));
	SHOW(sync_file_range(99, 0, 0, 0));
	SHOW(syscall(SYS_faccessat2, AT_FDCWD, "data", R_OK, AT_EACCESS));
	SHOW(syscall(SYS_faccessat2, AT_FDCWD, "data", X_OK, 0));
	SHOW(syscall(SYS_faccessat2, fd, "", F_OK, AT_EMPTY_PATH));
	SHOW(syscall(SYS_faccessat2, AT_FDCWD, "none", F_OK, 0));
	SHOW(syscall(SYS_faccessat2, AT_FDCWD, "data", 8, 0));
	pipe(p);
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	SHOW(epoll_pwait(ep, &e, 1, 10, &set));
	SHOW(syscall(SYS_epoll_pwait2, ep, &e, 1, &short_time, NULL, 8));
	write(p[1], "x", 1);
	SHOW(epoll_pwait(ep, &e, 1, 10, NULL));
	SHOW(syscall(SYS_epoll_pwait2, ep, &e, 1, &short_time, &set, 8));
	short_time.tv_nsec = -1;
	SHOW(syscall(SYS_epoll_pwait2, ep, &e, 1, &short_time, &set, 8));
	SHOW(sysinfo(&info));
	printf("%d %d %u\n", info.totalram > info.freeram, info.procs > 0, info.mem_unit);
	SHOW(syscall(SYS_sysinfo, (void *)8));
	/* another thread's robust list */
	void *head = NULL, *own = NULL;
	size_t size = 0;
	SHOW(syscall(SYS_get_robust_list, 0, &own, &size));
	pid_t pid = fork();
	if (!pid) {
		syscall(SYS_set_robust_list, (void *)0x12340, 24);
		nanosleep(&(struct timespec){ 10, 0 }, NULL);
		_exit(0);
	}
	nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	SHOW(syscall(SYS_get_robust_list, pid, &head, &size));
	printf("%lx %zu\n", (long)head, size);
	kill(pid, SIGKILL);
	wait(NULL);
	SHOW(syscall(SYS_get_robust_list, 32767, &head, &size));
	SHOW(syscall(SYS_set_robust_list, NULL, 23));
	SHOW(syscall(SYS_get_robust_list, 0, (void *)8, &size));
}

struct many {
	struct msghdr header;
	unsigned length;
};

/* Messages of several buffers, and several messages, over a pair of sockets; a descriptor goes along. */
static void message_vectors(void)
{
	int pair[2], p[2], got = -1;
	char a[] = "first ", b[] = "second", x[4] = "", y[20] = "", c[20] = "";
	struct iovec out[2] = { { a, 6 }, { b, 6 } }, in[2] = { { x, 3 }, { y, 19 } };
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr send = { .msg_iov = out, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control };
	struct msghdr take = { .msg_iov = in, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&send);
	struct many some[3];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	pipe(p);
	memset(some, 0, sizeof some);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &p[1], sizeof(int));
	SHOW(sendmsg(pair[0], &send, 0));
	memset(control, 0, sizeof control);
	SHOW(recvmsg(pair[1], &take, 0));
	printf("%s|%s flags %x\n", x, y, take.msg_flags);
	cmsg = CMSG_FIRSTHDR(&take);
	if (cmsg)
		memcpy(&got, CMSG_DATA(cmsg), sizeof got);
	SHOW(write(got, "through", 7));
	SHOW(read(p[0], c, sizeof c));
	send.msg_controllen = 0;
	SHOW(sendmsg(pair[0], &send, 0));
	take = (struct msghdr){ .msg_iov = in, .msg_iovlen = 1 };
	SHOW(recvmsg(pair[1], &take, 0));
	printf("flags %x\n", take.msg_flags);
	for (int i = 0; i < 3; i++)
		some[i].header = (struct msghdr){ .msg_iov = out + i % 2, .msg_iovlen = 1 };
	SHOW(syscall(SYS_sendmmsg, pair[0], some, 3, 0));
	printf("%u %u %u\n", some[0].length, some[1].length, some[2].length);
	for (int i = 0; i < 3; i++)
		some[i].header = (struct msghdr){ .msg_iov = in + i % 2, .msg_iovlen = 1 };
	SHOW(syscall(SYS_recvmmsg, pair[1], some, 3, MSG_DONTWAIT, NULL));
	printf("%u %u %u\n", some[0].length, some[1].length, some[2].length);
	SHOW(syscall(SYS_recvmmsg, pair[1], some, 3, MSG_DONTWAIT, NULL));
	SHOW(sendmsg(99, &send, 0));
	SHOW(recvmsg(p[0], &take, 0));
	SHOW(syscall(SYS_sendmsg, pair[0], (void *)8, 0));
	SHOW(syscall(SYS_sendmmsg, 1, some, 1, 0));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "attributes", attributes }, { "identities", identities }, { "names", names }, { "times", times }, { "signals", signals },
		{ "affinity", affinity }, { "scheduling", scheduling }, { "forms", forms }, { "message_vectors", message_vectors },
	};

	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}

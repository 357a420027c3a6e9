/*
 * Random system calls with random arguments, drawn by the type of each so that they get past the first check: fuzz_calls FIRST-SEED SEEDS [CHUNK]. Only who makes
 * them may be harmed. fuzz_calls --show SEED writes each call and its result to standard error. The same program runs on Linux.
 */
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>

#include "tests/guest/fuzz_flags.h"
#include "tests/guest/fuzz_values.h"

#define ROUNDS        5
#define CALLS_A_ROUND 400
#define CALLS_A_CHILD 10
#define SHOW_FD       60

/* ---- arguments, by letter ---- */

static const char *const paths[] = {
	"file", "new", "directory", "directory/new", "link", "loop", "fifo", "socket", "loop/x", "file/x", ".", "..", "directory/..", "directory/.", "", "/",
	"./directory//", "link/", "nothing/at/all", FUZZ_PLACE "/file", FUZZ_PLACE "/new", FUZZ_PLACE "/directory/../new", "/dev/null/x", "/proc/self/fd/3",
	"/proc/self/fd/9", "/proc/self/exe/x",
};

/* Where nothing can be spoilt for others. */
static const char *const paths_read[] = {
	"/proc/self/status", "/proc/self/stat", "/proc/self/maps", "/proc/self/smaps", "/proc/self/cmdline", "/proc/self/environ", "/proc/self/mem",
	"/proc/self/fd", "/proc/self/task", "/proc/1/stat", "/proc/meminfo", "/proc/mounts", "/proc/self/cwd", "/proc/self/root", "/proc/thread-self",
	"/proc", "/sys", "/sys/devices/system/cpu", "/dev", "/dev/zero", "/dev/null", "/dev/full", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts",
	"/dev/pts/0", "/dev/shm", "/dev/mqueue", "/dev/ttyS2", "/bin", "/etc", "/proc/sysvipc/shm", "/proc/net/unix", "/proc/self/fd/10",
	"/proc/self/fd/30", "/proc/uxrt/objects",
};

static unsigned long put_text(const char *text)
{
	return put_somewhere(text, strlen(text) + 1);
}

static unsigned long any_path(int for_reading)
{
	char text[5000];
	unsigned length;

	switch (any(16)) {
	case 0:
		return bad_pointer();
	case 1:
		length = any(2) ? any(sizeof text) : 4090 + any(10);
		for (unsigned i = 0; i < length; i++)
			text[i] = any(10) ? 'a' + any(3) : '/';
		text[0] = 'a';
		text[length < sizeof text ? length : sizeof text - 1] = 0;
		return put_somewhere(text, length + 1);
	case 2: /* without an end */
		return put_somewhere("directory/../directory/../directory/../directory", 40);
	}
	return put_text(for_reading && any(2) ? ONE_OF(paths_read) : ONE_OF(paths));
}

static unsigned long any_name(void)
{
	static const char *const names[] = { "user.a", "user.b", "trusted.x", "security.x", "system.posix_acl_access", "user.", "", FUZZ_QUEUE, "/", "fuzz",
					     "user.a/b" };
	return any(8) ? put_text(ONE_OF(names)) : any_path(0);
}

static unsigned long any_vector(void)
{
	struct iovec vector[8];

	for (int i = 0; i < 8; i++)
		vector[i] = (struct iovec){ (void *)(any(8) ? place(100) : any_netlink()), any_size() };
	return put_somewhere(vector, sizeof vector);
}

static struct timespec short_time(void)
{
	if (any(10) == 0)
		return (struct timespec){ any_number(), any_number() };
	return (struct timespec){ 0, any(3000000) };
}

static unsigned long any_time(void)
{
	struct timespec time = short_time();

	return any(5) ? put_somewhere(&time, sizeof time) : 0;
}

static unsigned long any_timer(void)
{
	struct itimerspec timer = { any(2) ? (struct timespec){ 0, 0 } : short_time(), short_time() };

	return put_somewhere(&timer, sizeof timer);
}

static unsigned long any_inet_address(void)
{
	struct sockaddr_in6 name;

	inet_name(&name, (int)any(2), FUZZ_PORT + any(4));
	if (!any(6))
		name.sin6_family = (sa_family_t)any_number();
	if (!any(6))
		name.sin6_port = (in_port_t)any_number();
	if (!any(4))
		((unsigned char *)&name)[any(sizeof name)] = (unsigned char)any_number();
	return put_somewhere(&name, sizeof name);
}

static unsigned long any_address(void)
{
	struct sockaddr_nl netlink = { .nl_family = AF_NETLINK, .nl_pid = any(2) ? any(4) : any_number(), .nl_groups = any(2) ? 0 : any_number() };

	if (any(2))
		return any_inet_address();
	if (!any(4))
		return put_somewhere(&netlink, sizeof netlink);
	struct sockaddr_un name = { .sun_family = any(8) ? AF_UNIX : any_number() };

	if (any(3))
		strcpy(name.sun_path, ONE_OF(paths));
	else
		memcpy(name.sun_path, "\0fuzz", 5);
	return put_somewhere(&name, sizeof name);
}

static unsigned long any_control(size_t *length)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int)) + CMSG_SPACE(16)];
		struct cmsghdr header;
	} control = { .bytes = "" };
	unsigned count = any(5);
	int *fds = (int *)CMSG_DATA(&control.header);

	control.header = (struct cmsghdr){ .cmsg_len = any(6) ? CMSG_LEN(count * sizeof(int)) : any_size(), .cmsg_level = any(2) ? SOL_SOCKET : any(2) ? IPPROTO_IP : any(4) ? IPPROTO_IPV6 : any_number(),
					   .cmsg_type = any(8) ? 1 + any(2) : any(2) ? IP_PKTINFO : any_number() };
	for (unsigned i = 0; i < count && i < 4; i++)
		fds[i] = any_fd();
	*length = any(8) ? CMSG_SPACE(count * sizeof(int)) : any_size();
	return put_somewhere(&control, sizeof control);
}

static struct msghdr message_header(void)
{
	struct msghdr message = { .msg_name = any(3) ? NULL : (void *)any_address(), .msg_namelen = any(4) ? (any(2) ? sizeof(struct sockaddr_un) : sizeof(struct sockaddr_in6)) : any_size(),
				  .msg_iov = (void *)any_vector(), .msg_iovlen = any(6) ? any(5) : any_number() };

	if (any(2)) {
		size_t length;

		message.msg_control = (void *)any_control(&length);
		message.msg_controllen = length;
	}
	return message;
}

static unsigned long any_message(void)
{
	struct mmsghdr messages[4];

	for (int i = 0; i < 4; i++)
		messages[i] = (struct mmsghdr){ message_header(), any_number() };
	return put_somewhere(messages, sizeof messages);
}

static unsigned long any_polls(void)
{
	struct pollfd polls[8];

	for (int i = 0; i < 8; i++)
		polls[i] = (struct pollfd){ any_fd(), any(2) ? POLLIN | POLLOUT : any_number(), 0 };
	return put_somewhere(polls, sizeof polls);
}

static void on_signal(int signal)
{
	(void)signal;
}

/* As the kernel has it: handler, flags, restorer, mask. */
static unsigned long any_action(void)
{
	unsigned long action[4] = { any(6) ? (unsigned long)on_signal : any(4), 0x04000000 | (any(3) ? 0 : any_number()), 0, any(2) ? 0 : any_bits() };

	return any(5) ? put_somewhere(action, sizeof action) : 0;
}

static unsigned long any_event(void)
{
	struct epoll_event event = { any(2) ? EPOLLIN : any_bits(), { .u64 = any_bits() } };

	return put_somewhere(&event, sizeof event);
}

static unsigned long any_arguments(void)
{
	unsigned long arguments[6];
	unsigned count = any(5);

	for (unsigned i = 0; i < count; i++)
		arguments[i] = any(10) ? put_text(ONE_OF(paths)) : any_path(0);
	arguments[count] = any(20) ? 0 : bad_pointer();
	return any(10) ? put_somewhere(arguments, (count + 1) * 8) : 0;
}

static unsigned long any_semaphores(void)
{
	unsigned short operations[8][3];

	for (int i = 0; i < 8; i++) {
		operations[i][0] = any(4);
		operations[i][1] = any(5) - 2;
		operations[i][2] = any(2) ? IPC_NOWAIT : any_number();
	}
	return put_somewhere(operations, sizeof operations);
}

static unsigned long any_clone3(void)
{
	unsigned long a[11] = { 0, place(4), place(4), place(4), SIGCHLD };

	a[0] = any(2) ? 0 : 1ul << any(34);
	if (!any(6))
		a[any(11)] = any_number();
	return put_somewhere(a, sizeof a);
}

static unsigned long any_pid(void)
{
	static const int pids[] = { 0, -1, 1, 2, 5 };

	switch (any(6)) {
	case 0: return ONE_OF(pids);
	case 1: return getppid();
	case 2: return any_number();
	case 3: return -getpid();
	default: return getpid();
	}
}

static unsigned long any_mapping(void)
{
	switch (any(12)) {
	case 0: return bad_pointer() & -PAGE;
	case 1: return ARENA + any(20) * PAGE;
	case 2: return 0;
	case 3: return PLAYGROUND + any(PAGE);
	default: return PLAYGROUND + any(PLAYGROUND_PAGES) * PAGE;
	}
}

static unsigned long any_mapping_size(void)
{
	return any(12) ? PAGE * (1 + any(12)) - (any(6) ? 0 : any(PAGE)) : any(8) ? any(PAGE) : any_number();
}

/* Those that nothing catches are seldom drawn: a cell is to live for its calls. */
static unsigned long any_signal(void)
{
	static const unsigned long fatal = 1ul << SIGKILL | 1ul << SIGSTOP | 1ul << SIGILL | 1ul << SIGTRAP | 1ul << SIGFPE | 1ul << SIGSEGV | 1ul << SIGBUS;
	unsigned long number = any(10) ? 1 + any(34) : any_number();

	return number < 64 && fatal >> number & 1 && any(8) ? 1 + any(2) : number;
}

/* The letters of the table below. */
static unsigned long argument(char kind)
{
	struct timespec time;
	unsigned long number;

	switch (kind) {
	case 'f': return any_fd();
	case 'd': return any(4) ? (any(2) ? AT_FDCWD : FD_DIRECTORY) : any_fd();
	case 's': return any_path(0);
	case 'r': return any_path(1);
	case 'q': return any_name();
	case 'p': return any(8) ? place(128) : any_netlink();
	case 'i': return any_struct();
	case 'z': return any_size();
	case 'l': return any(3) ? any(20000) : any_number();
	case 'x': return any(2) ? 0 : any_number();
	case 'o': return any(4) ? 0777 : any(0200000);
	case 'S': return any_signal();
	case 'P': return any_pid();
	case 'u': return any(6) ? any(8) : any_number();
	case 'v': return any_vector();
	case 'c': return any(8) ? any(8) : any_number();
	case 't': return any_time();
	case 'T': return any_timer();
	case 'a': return any_address();
	case 'A': return any(4) ? (unsigned long)(const int[]){ sizeof(struct sockaddr_un), sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6), sizeof(struct sockaddr_nl) }[any(4)] : any(2) ? 2 + any(12) : any_number();
	case 'k':
		number = any(4) ? 128 : any_number();
		return any(6) ? put_somewhere(&number, 4) : 0;
	case 'h': return any_message();
	case 'e': return any_event();
	case 'y': return any(3) ? 0 : any(4);
	case 'U': return any(3) ? FUZZ_USER + any(FUZZ_USERS) : any_number();
	case 'g': return any_mapping();
	case 'G': return any_mapping_size();
	case 'R': return FLAG_OF(protections);
	case 'M': return FLAG_OF(map_flags);
	case 'O': return FLAG_OF(open_flags);
	case 'C': return FLAG_OF(fcntls);
	case 'I': return any(3) ? FLAG_OF(ioctls) : 0x5400 + any(0x70);
	case 'w': return FLAG_OF(waits);
	case 'F': return any(13) | (any(2) ? FUTEX_PRIVATE_FLAG : 0) | (any(6) ? 0 : FUTEX_CLOCK_REALTIME);
	case 'N': return any(8) ? any(12) : any_number();
	case 'B': return any_polls();
	case 'Q':
		number = any_bits();
		return any(4) ? put_somewhere(&number, 8) : 0;
	case '8': return any(8) ? 8 : any_number();
	case '@': return FLAG_OF(at_flags);
	case 'V': return any_arguments();
	case 'E': return any(8) ? (unsigned long)(const int[]){ AF_UNIX, AF_INET, AF_INET6, AF_NETLINK }[any(4)] : any_number();
	case 'Y': return FLAG_OF(socket_types);
	case 'L': return FLAG_OF(clone_flags);
	case 'Z': return any(8) ? any(16) : any_number();
	case 'K': return FLAG_OF(commands_ipc);
	case 'j': return any(8) ? any(4) : any_number();
	case '#': return FLAG_OF(prctls);
	case '!': return FLAG_OF(options);
	case 'm': return FLAG_OF(message_flags);
	case 'H': return any_action();
	case '3': return any_clone3();
	case 'b': return any_semaphores();
	case '0': return any(8) ? 0 : any_number();
	case '1': return any(6) ? (unsigned long)(const int[]){ SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_IPV6 }[any(4)] : any_number();
	case 'D': /* a moment from now */
		clock_gettime(CLOCK_REALTIME, &time);
		time.tv_nsec = any(1000000000);
		return any(6) ? put_somewhere(&time, sizeof time) : any_time();
	default: return any_number();
	}
}

/* ---- the calls ---- */

enum { FORKS = 1, RARE, ENDS };

static const struct call {
	unsigned short number;
	unsigned char special;
	const char *name, *arguments;
} calls[] = {
#define CALL(name, arguments) { SYS_##name, 0, #name, arguments }
#define SPECIAL(name, arguments, what) { SYS_##name, what, #name, arguments }
	CALL(read, "fpz"), CALL(write, "fpz"), CALL(open, "rOo"), CALL(close, "f"), CALL(stat, "rp"), CALL(fstat, "fp"), CALL(lstat, "rp"),
	CALL(poll, "Bcu"), CALL(lseek, "flj"), CALL(mmap, "gGRMfl"), CALL(mmap, "gGRMfl"), CALL(mprotect, "gGR"), CALL(munmap, "gG"), CALL(brk, "p"),
	CALL(rt_sigaction, "SHp8"), CALL(rt_sigprocmask, "jQp8"), SPECIAL(rt_sigreturn, "", ENDS), CALL(ioctl, "fIp"), CALL(ioctl, "fIi"),
	CALL(ioctl, "fIu"), CALL(pread64, "fpzl"), CALL(pwrite64, "fpzl"), CALL(readv, "fvc"), CALL(writev, "fvc"), CALL(access, "ro"), CALL(pipe, "p"),
	CALL(select, "uiiit"), CALL(sched_yield, ""), CALL(mremap, "gGGug"), CALL(msync, "gGu"), CALL(mincore, "gGp"), CALL(madvise, "gGu"),
	CALL(shmget, "yGx"), CALL(shmat, "ugx"), CALL(shmctl, "uKi"), CALL(dup, "f"), CALL(dup2, "ff"), SPECIAL(pause, "", RARE), CALL(nanosleep, "tp"),
	CALL(getitimer, "jp"), CALL(alarm, "x"), CALL(setitimer, "jTp"), CALL(getpid, ""), CALL(sendfile, "ffpz"), CALL(socket, "EY0"),
	CALL(connect, "faA"), CALL(accept, "fpk"), CALL(sendto, "fpzmaA"), CALL(recvfrom, "fpzmpk"), CALL(sendmsg, "fhm"), CALL(recvmsg, "fhm"),
	CALL(shutdown, "fj"), CALL(bind, "faA"), CALL(listen, "fu"), CALL(getsockname, "fpk"), CALL(getpeername, "fpk"), CALL(socketpair, "EY0p"),
	CALL(setsockopt, "f1!iz"), CALL(getsockopt, "f1!pk"), SPECIAL(clone, "Lpppx", FORKS), SPECIAL(fork, "", FORKS), SPECIAL(vfork, "", FORKS),
	SPECIAL(execve, "rVV", RARE), SPECIAL(exit, "x", ENDS), CALL(wait4, "Ppwp"), CALL(kill, "PS"), CALL(uname, "p"), CALL(semget, "yux"),
	CALL(semop, "ubc"), CALL(semctl, "uuKi"), CALL(shmdt, "g"), CALL(msgget, "yx"), CALL(msgsnd, "uizx"), CALL(msgrcv, "upzlx"), CALL(msgctl, "uKi"),
	CALL(fcntl, "fCi"), CALL(fcntl, "fCu"), CALL(flock, "fu"), CALL(fsync, "f"), CALL(fdatasync, "f"), CALL(truncate, "sl"), CALL(ftruncate, "fl"),
	CALL(getdents, "fpz"), CALL(getcwd, "pz"), CALL(chdir, "s"), CALL(fchdir, "f"), CALL(rename, "ss"), CALL(mkdir, "so"), CALL(rmdir, "s"),
	CALL(creat, "so"), CALL(link, "ss"), CALL(unlink, "s"), CALL(symlink, "ss"), CALL(readlink, "rpz"), CALL(chmod, "so"), CALL(fchmod, "fo"),
	CALL(chown, "sUU"), CALL(fchown, "fUU"), CALL(lchown, "sUU"), CALL(umask, "o"), CALL(gettimeofday, "pp"), CALL(getrlimit, "Zp"),
	CALL(getrusage, "xp"), CALL(sysinfo, "p"), CALL(times, "p"), CALL(ptrace, "uPpp"), CALL(getuid, ""), CALL(syslog, "upz"), CALL(getgid, ""),
	CALL(setuid, "U"), CALL(setgid, "U"), CALL(geteuid, ""), CALL(getegid, ""), CALL(setpgid, "PP"), CALL(getppid, ""), CALL(getpgrp, ""),
	CALL(setsid, ""), CALL(setreuid, "UU"), CALL(setregid, "UU"), CALL(getgroups, "cp"), CALL(setgroups, "ci"), CALL(setresuid, "UUU"),
	CALL(getresuid, "ppp"), CALL(setresgid, "UUU"), CALL(getresgid, "ppp"), CALL(getpgid, "P"), CALL(setfsuid, "U"), CALL(setfsgid, "U"), CALL(getsid, "P"),
	CALL(capget, "ip"), CALL(capset, "ii"), CALL(rt_sigpending, "p8"), CALL(rt_sigtimedwait, "Qpt8"), CALL(rt_sigqueueinfo, "PSi"),
	SPECIAL(rt_sigsuspend, "Q8", RARE), CALL(sigaltstack, "ip"), CALL(utime, "si"), CALL(mknod, "sox"), CALL(personality, "x"), CALL(statfs, "rp"),
	CALL(fstatfs, "fp"), CALL(getpriority, "jP"), CALL(setpriority, "jPu"), CALL(sched_setparam, "Pi"), CALL(sched_getparam, "Pp"),
	CALL(sched_setscheduler, "Pui"), CALL(sched_getscheduler, "P"), CALL(sched_get_priority_max, "u"), CALL(sched_get_priority_min, "u"),
	CALL(sched_rr_get_interval, "Pp"), CALL(mlock, "gG"), CALL(munlock, "gG"), CALL(mlockall, "u"), CALL(munlockall, ""), CALL(vhangup, ""),
	CALL(modify_ldt, "upz"), CALL(prctl, "#pxxx"), CALL(prctl, "#uxxx"), CALL(arch_prctl, "xp"), CALL(setrlimit, "Zi"), CALL(chroot, "s"), CALL(sync, ""),
	CALL(settimeofday, "ii"), CALL(mount, "sssxp"), CALL(umount2, "sx"), CALL(reboot, "xxxp"), CALL(sethostname, "qu"), CALL(setdomainname, "qu"),
	CALL(gettid, ""), CALL(readahead, "flz"), CALL(setxattr, "sqpzx"), CALL(lsetxattr, "sqpzx"), CALL(fsetxattr, "fqpzx"), CALL(getxattr, "rqpz"),
	CALL(lgetxattr, "rqpz"), CALL(fgetxattr, "fqpz"), CALL(listxattr, "rpz"), CALL(llistxattr, "rpz"), CALL(flistxattr, "fpz"), CALL(removexattr, "sq"),
	CALL(lremovexattr, "sq"), CALL(fremovexattr, "fq"), CALL(tkill, "PS"), CALL(time, "p"), CALL(futex, "pFutpx"), CALL(futex, "pFuupx"),
	CALL(sched_setaffinity, "Pzi"), CALL(sched_getaffinity, "Pzp"), CALL(epoll_create, "u"), CALL(getdents64, "fpz"), CALL(set_tid_address, "p"),
	CALL(restart_syscall, ""), CALL(semtimedop, "ubct"), CALL(fadvise64, "fllu"), CALL(timer_create, "Nip"), CALL(timer_settime, "uxTp"),
	CALL(timer_gettime, "up"), CALL(timer_getoverrun, "u"), CALL(timer_delete, "u"), CALL(clock_settime, "Ni"), CALL(clock_gettime, "Np"),
	CALL(clock_getres, "Np"), CALL(clock_nanosleep, "Nxtp"), SPECIAL(exit_group, "x", ENDS), CALL(epoll_wait, "fpcu"), CALL(epoll_ctl, "fufe"),
	CALL(tgkill, "PPS"), CALL(utimes, "si"), CALL(mq_open, "qOoi"), CALL(mq_unlink, "q"), CALL(mq_timedsend, "fpzuD"), CALL(mq_timedreceive, "fpzpD"),
	CALL(mq_notify, "fi"), CALL(mq_getsetattr, "fip"), CALL(waitid, "jPpwp"), CALL(openat, "drOo"), CALL(mkdirat, "dso"), CALL(mknodat, "dsox"),
	CALL(fchownat, "dsUU@"), CALL(futimesat, "dsi"), CALL(newfstatat, "drp@"), CALL(unlinkat, "ds@"), CALL(renameat, "dsds"), CALL(linkat, "dsds@"),
	CALL(symlinkat, "sds"), CALL(readlinkat, "drpz"), CALL(fchmodat, "dso"), CALL(faccessat, "dro"), CALL(pselect6, "uiiiti"), CALL(ppoll, "BctQ8"),
	CALL(unshare, "x"), CALL(set_robust_list, "iz"), CALL(get_robust_list, "Ppp"), CALL(splice, "fpfpzx"), CALL(tee, "ffzx"), CALL(sync_file_range, "fllx"),
	CALL(vmsplice, "fvcx"), CALL(utimensat, "dsi@"), CALL(epoll_pwait, "fpcuQ8"), CALL(signalfd, "fQ8"), CALL(timerfd_create, "Nx"), CALL(eventfd, "u"),
	CALL(fallocate, "fxll"), CALL(timerfd_settime, "fxTp"), CALL(timerfd_gettime, "fp"), CALL(accept4, "fpkx"), CALL(signalfd4, "fQ8x"),
	CALL(eventfd2, "ux"), CALL(epoll_create1, "x"), CALL(dup3, "ffx"), CALL(pipe2, "px"), CALL(inotify_init1, "x"), CALL(preadv, "fvcl"),
	CALL(pwritev, "fvcl"), CALL(rt_tgsigqueueinfo, "PPSi"), CALL(recvmmsg, "fhcmt"), CALL(prlimit64, "PZip"), CALL(syncfs, "f"), CALL(sendmmsg, "fhcm"),
	CALL(getcpu, "pp"), CALL(process_vm_readv, "Pvcvc0"), CALL(process_vm_writev, "Pvcvc0"), CALL(kcmp, "PPuuu"), CALL(sched_setattr, "Pix"),
	CALL(sched_getattr, "Ppzx"), CALL(renameat2, "dsdsx"), CALL(seccomp, "uxi"), CALL(getrandom, "pzx"), CALL(memfd_create, "qx"),
	SPECIAL(execveat, "drVV@", RARE), CALL(membarrier, "x0u"), CALL(mlock2, "gGx"), CALL(copy_file_range, "fpfpzx"), CALL(preadv2, "fvclxx"),
	CALL(pwritev2, "fvclxx"), CALL(statx, "dr@xp"), CALL(rseq, "pzxx"), CALL(pidfd_send_signal, "fSi0"), CALL(pidfd_open, "Px"),
	SPECIAL(clone3, "3z", FORKS), CALL(close_range, "ffx"), CALL(openat2, "driz"), CALL(pidfd_getfd, "ff0"), CALL(faccessat2, "dro@"),
	CALL(epoll_pwait2, "fpctQ8"),
};

static long system_call(unsigned long number, const unsigned long a[6])
{
	register unsigned long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

/* A child that has its parent's memory, or another stack, ends before it touches any. */
static long system_fork(unsigned long number, const unsigned long a[6])
{
	register unsigned long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4];
	long result;

	__asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\tmov $60, %%eax\n\txor %%edi, %%edi\n\tsyscall\n1:"
			 : "=a"(result) : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
	return result;
}

static int showing;

static void show_call(const struct call *call, const unsigned long a[6])
{
	if (!showing)
		return;
	dprintf(SHOW_FD, "%d %s(", (int)getpid(), call->name);
	for (const char *kind = call->arguments; *kind; kind++)
		dprintf(SHOW_FD, "%s%#lx", kind == call->arguments ? "" : ", ", a[kind - call->arguments]);
	dprintf(SHOW_FD, ")");
}

static void make_call(void);

static void make_calls(unsigned count)
{
	while (count--)
		make_call();
}

static long make_fork(const struct call *call, const unsigned long a[6])
{
	long pid;

	if (call->number != SYS_fork && (call->number != SYS_clone || a[0] & CLONE_VM || a[1]))
		return system_fork(call->number, a);
	pid = system_call(call->number, a);
	if (pid == 0) {
		fuzz_seed(fuzz_state);
		make_calls(CALLS_A_CHILD);
		_exit(0);
	}
	return pid;
}

static const struct call *any_call(void)
{
	for (;;) {
		const struct call *call = &ONE_OF(calls);

		if (call->special != ENDS ? !call->special || !any(8) : !any(100))
			return call;
	}
}

/* A number that the table may not have, with arguments of any kind. Nothing is known of it but that it neither ends nor forks. */
static const struct call *unknown_call(void)
{
	static __thread struct call call;
	unsigned i;

	do {
		call = (struct call){ any(16) ? any(512) : any(65536), 0, "call", "xxxxxx" };
		for (i = 0; i < sizeof calls / sizeof *calls && !(calls[i].special && calls[i].number == call.number); i++)
			;
	} while (i < sizeof calls / sizeof *calls);
	return &call;
}

static void make_call(void)
{
	static const char kinds[] = "fdspizlxoSPuvctTaAkheyUgGRMOCIwFNBQ8@VEYLZKj";
	const struct call *call = any(32) ? any_call() : unknown_call();
	unsigned long a[6];
	long result;
	int i;

	for (i = 0; i < 6 && call->arguments[i]; i++)
		a[i] = argument(call->arguments[i] != 'x' || any(4) ? call->arguments[i] : ONE_OF(kinds));
	for (; i < 6; i++)
		a[i] = any_number();
	if (call->number == SYS_clone && any(3))
		a[1] = 0;
	show_call(call, a);
	__atomic_add_fetch(&fuzz_progress->calls, 1, __ATOMIC_RELAXED);
	result = call->special == FORKS ? make_fork(call, a) : system_call(call->number, a);
	if (showing)
		dprintf(SHOW_FD, " = %ld\n", result);
}

static void *second_thread(void *seed)
{
	fuzz_seed((uint64_t)seed);
	make_calls(ROUNDS * CALLS_A_ROUND);
	return NULL;
}

/* What puts arguments into memory that calls have unmapped gets it anew; the same fault twice, or another one, ends the cell. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	static __thread void *last;
	unsigned long at = (unsigned long)info->si_addr;

	(void)context;
	if (info->si_code > 0 && at >= ARENA && at < PLAYGROUND && info->si_addr != last)
		map_arena();
	else
		sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	last = info->si_addr;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal }, fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	for (int signal = 1; signal < SIGRTMIN + 8; signal++)
		if (signal == SIGSEGV || signal == SIGBUS)
			sigaction(signal, &fault, NULL);
		else if (signal != SIGILL && signal != SIGFPE && signal != SIGTRAP)
			sigaction(signal, &action, NULL);
}

static void work(uint64_t seed)
{
	pthread_t thread;

	if (showing)
		dup2(2, SHOW_FD);
	/* Each round finds descriptors, memory and handlers of every kind, whatever those before have closed. */
	for (int round = 0; round < ROUNDS; round++) {
		open_descriptors();
		map_arena();
		catch_signals();
		if (any(round ? 32 : 4) == 0)
			pthread_create(&thread, NULL, second_thread, (void *)~(seed + round));
		make_calls(CALLS_A_ROUND);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--show"))
		showing = 1, argv++, argc--;
	return fuzz_main(argc, argv, work);
}

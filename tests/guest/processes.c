/*
 * Processes: how they end, stop, go on and are waited for; groups, sessions and orphans; what fork shares and what it copies.
 *
 * calls: getegid geteuid getgid getpgid getpgrp getppid getsid getuid kill pause setpgid vfork wait4
 */
#include "report.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>

static void statuses(void)
{
	int ends[] = { 0, 1, 255, 256, -1 }, status;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		if (child() == 0)
			_exit(ends[i]);
		wait(&status);
		show_status("exit", status);
	}
	int kills[] = { SIGHUP, SIGKILL, SIGPIPE, SIGSEGV, SIGABRT, SIGUSR1, SIGALRM, SIGSYS, SIGRTMIN, SIGRTMAX };
	for (size_t i = 0; i < sizeof kills / sizeof *kills; i++) {
		if (child() == 0) {
			raise(kills[i]);
			_exit(77);
		}
		wait(&status);
		show_status("raised", status);
	}
	int harmless[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
		if (child() == 0) {
			raise(harmless[i]);
			_exit(77);
		}
		wait(&status);
		show_status("harmless", status);
	}
}

static void stops(void)
{
	int status, signals[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	pid_t pid = child();
	if (pid == 0)
		for (;;)
			pause();
	for (size_t i = 0; i < 4; i++) {
		setpgid(pid, pid);
		kill(pid, signals[i]);
		show("wait", waitpid(pid, &status, WUNTRACED) == pid);
		show_status("child", status);
		show("told once", waitpid(pid, &status, WUNTRACED | WNOHANG));
		kill(pid, SIGCONT);
		show("wait", waitpid(pid, &status, WCONTINUED) == pid);
		show_status("child", status);
	}
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGTERM);
	nap_ms(20);
	show("a stopped process does not end by SIGTERM", waitpid(pid, &status, WNOHANG));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	show_status("but by SIGKILL", status);
}

static void show_info(const char *what, int result, const siginfo_t *info, pid_t pid)
{
	static const char *const codes[] = { "0", "CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED" };
	if (result != 0)
		printf("%s: %s\n", what, error_name(errno));
	else if (info->si_pid == 0)
		printf("%s: nothing\n", what);
	else
		printf("%s: signo %d %s status %d pid %s uid %d\n", what, info->si_signo, codes[info->si_code], info->si_status,
		       info->si_pid == pid ? "child" : "other", (int)info->si_uid);
}

static void waitid_info(void)
{
	siginfo_t info = { 0 };
	pid_t pid = child();
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(9);
	}
	show_info("stopped", waitid(P_PID, pid, &info, WSTOPPED), &info, pid);
	info.si_pid = 0;
	show_info("nothing more", waitid(P_PID, pid, &info, WSTOPPED | WNOHANG), &info, pid);
	kill(pid, SIGCONT);
	show_info("left waitable", waitid(P_PID, pid, &info, WEXITED | WNOWAIT), &info, pid);
	show_info("exited", waitid(P_ALL, 0, &info, WEXITED), &info, pid);
	show_info("again", waitid(P_PID, pid, &info, WEXITED), &info, pid);
	show_info("no options", waitid(P_ALL, 0, &info, 0), &info, pid);
	pid = child();
	if (pid == 0) {
		setpgid(0, 0);
		pause();
	}
	setpgid(pid, pid);
	kill(pid, SIGKILL);
	show_info("killed, by group", waitid(P_PGID, pid, &info, WEXITED), &info, pid);
	show_info("no such group", waitid(P_PGID, pid, &info, WEXITED), &info, pid);
}

static void wait_rules(void)
{
	int status;
	show("no children", wait(&status));
	show("no such child", waitpid(getppid(), &status, 0));
	show("bad options", waitpid(-1, &status, 0x1000));
	pid_t slow = child();
	if (slow == 0) {
		nap_ms(100);
		_exit(1);
	}
	pid_t quick = child();
	if (quick == 0)
		_exit(2);
	show("none yet", waitpid(slow, &status, WNOHANG));
	show("any", waitpid(-1, &status, 0) == quick);
	show("own group", waitpid(0, &status, 0) == slow);
	show_status("slow", status);
	pid_t zombie = child();
	if (zombie == 0)
		_exit(3);
	nap_ms(20);
	show("a zombie can be signalled", kill(zombie, 0));
	show("and killed without effect", kill(zombie, SIGKILL));
	struct rusage usage;
	show("wait4", wait4(zombie, &status, 0, &usage) == zombie);
	show_status("zombie", status);
	show("gone", kill(zombie, 0));
	signal(SIGCHLD, SIG_IGN);
	if (child() == 0)
		_exit(4);
	show("ignored SIGCHLD leaves no zombie", wait(&status));
	struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	sigaction(SIGCHLD, &action, NULL);
	if (child() == 0)
		_exit(5);
	show("nor does SA_NOCLDWAIT", wait(&status));
	signal(SIGCHLD, SIG_DFL);
	if (child() == 0) {
		show("a grandchild is no child", child() == 0 ? (_exit(0), 0) : 0);
		wait(NULL);
		fflush(stdout);
		_exit(0);
	}
	show("reaped", wait(&status) > 0);
	show("none left", wait(&status));
}

static char data[64 << 10] = "data";

static void copy_on_write(void)
{
	char stack[64] = "stack", *heap = strcpy(malloc(300000), "heap");
	char *map = mmap(NULL, 64 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(map + 5000, "map");
	strcpy(shared, "shared");
	struct turn t;
	turn_make(&t);
	if (child() == 0) {
		printf("child sees %s %s %s %s %s\n", data, stack, heap, map + 5000, shared);
		data[0] = stack[0] = heap[0] = map[5000] = shared[0] = 'X';
		memset(data + 4096, 'X', 4096);
		turn_post(t.from[1]);
		turn_wait(t.to[0]);
		printf("child sees %s %s %s %s %s\n", data, stack, heap, map + 5000, shared);
		fflush(stdout);
		_exit(0);
	}
	turn_wait(t.from[0]);
	printf("parent sees %s %s %s %s %s, zero %d\n", data, stack, heap, map + 5000, shared, data[5000]);
	data[1] = stack[1] = heap[1] = map[5001] = shared[1] = 'P';
	turn_post(t.to[1]);
	wait(NULL);
	printf("parent sees %s %s %s %s %s\n", data, stack, heap, map + 5000, shared);
}

/* A page that three generations share, each of which writes it. */
static void generations(void)
{
	volatile unsigned char *page = mmap(NULL, 4096 * 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 16; i++)
		page[i * 4096] = i;
	int depth = 0;
	pid_t pid;
	while (depth < 5 && (pid = child()) == 0) {
		depth++;
		for (int i = 0; i < 16; i++)
			page[i * 4096] += depth;
	}
	if (depth < 5)
		wait(NULL);
	int sum = 0;
	for (int i = 0; i < 16; i++)
		sum += page[i * 4096];
	printf("depth %d sum %d\n", depth, sum);
	fflush(stdout);
	if (depth)
		_exit(0);
}

static void identities(void)
{
	pid_t me = getpid(), group = getpgrp(), session = getsid(0);
	printf("%d %d %d %d\n", getuid(), geteuid(), getgid(), getegid());
	show("getpgid(0)", getpgid(0) == group);
	show("thread id", syscall(SYS_gettid) == me);
	if (child() == 0) {
		printf("child: new pid %d, parent %d, group %d, session %d\n", getpid() != me, getppid() == me, getpgrp() == group,
		       getsid(0) == session);
		show("setsid", setsid() == getpid());
		show("leads its group", getpgrp() == getpid());
		show("setsid again", setsid());
		show("a leader cannot leave", setpgid(0, group));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	show("getpgid of none", getpgid(999999));
	show("getsid of none", getsid(999999));
	show("name", prctl(PR_SET_NAME, "a name longer than fits"));
	char name[16];
	prctl(PR_GET_NAME, name);
	printf("%s\n", name);
}

static void groups(void)
{
	struct turn t;
	turn_make(&t);
	pid_t a = child();
	if (a == 0) {
		turn_wait(t.to[0]);
		_exit(0);
	}
	pid_t b = child();
	if (b == 0) {
		pause();
		_exit(0);
	}
	show("own group", setpgid(a, a));
	show("join", setpgid(b, a));
	show("joined", getpgid(b) == a);
	show("no such group", setpgid(b, 999999));
	show("no such process", setpgid(999999, 0));
	show("the parent is no child", setpgid(getppid(), 0));
	show("negative", setpgid(b, -1));
	show("signal the group", kill(-a, SIGUSR1));
	int status;
	for (int i = 0; i < 2; i++) {
		pid_t pid = waitpid(-a, &status, 0);
		show_status(pid == a || pid == b ? "member" : "another", status);
	}
	show("empty group", kill(-a, 0));
	show("waiting for it", waitpid(-a, &status, 0));
	pid_t c = child();
	if (c == 0) {
		pause();
		_exit(0);
	}
	show("before exec", setpgid(c, c));
	kill(c, SIGKILL);
	wait(NULL);
}

static int hangups, continues;

static void on_hangup(int number)
{
	hangups += number == SIGHUP;
	continues += number == SIGCONT;
}

/* A stopped group whose last tie to another group of its session goes away gets SIGHUP and SIGCONT. */
static void orphaned_group(void)
{
	int p[2];
	if (pipe(p) != 0)
		return;
	pid_t leader = child();
	if (leader == 0) {
		if (fork() == 0) {
			setpgid(0, 0);
			handle(SIGHUP, on_hangup, 0);
			handle(SIGCONT, on_hangup, 0);
			raise(SIGSTOP);
			char text[64];
			int n = snprintf(text, sizeof text, "hangups %d, continues %d, parent changed %d", hangups, continues, getppid() != leader);
			_exit(write(p[1], text, n) != n);
		}
		int status;
		waitpid(-1, &status, WUNTRACED);
		_exit(WIFSTOPPED(status) ? 5 : 6);
	}
	int status;
	waitpid(leader, &status, 0);
	show_status("parent of the stopped one", status);
	close(p[1]);
	char text[64] = "";
	ssize_t n = read(p[0], text, sizeof text - 1);
	printf("%.*s\n", (int)(n > 0 ? n : 0), text);
}

static void reparenting(void)
{
	struct turn t;
	turn_make(&t);
	pid_t middle = child();
	if (middle == 0) {
		if (fork() == 0) {
			turn_wait(t.to[0]);
			_exit(write(t.from[1], &(int){ getppid() }, sizeof(int)) != sizeof(int));
		}
		_exit(0);
	}
	waitpid(middle, NULL, 0);
	turn_post(t.to[1]);
	int parent = 0;
	show("told", read(t.from[0], &parent, sizeof parent));
	show("process 1 is the parent of orphans", parent);
	show("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
	middle = child();
	if (middle == 0) {
		if (fork() == 0) {
			nap_ms(30);
			_exit(getppid() == 1 ? 1 : 42);
		}
		_exit(0);
	}
	waitpid(middle, NULL, 0);
	int status;
	show("adopted", wait(&status) > 0);
	show_status("it", status);
	if (child() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGUSR2);
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		nap_ms(20);
		_exit(0);
	}
	wait(&status);
	show("killed with its parent", wait(&status) > 0);
	show_status("it", status);
}

static int vforked;

static void vforks(void)
{
	volatile int local = 1;
	fflush(stdout);
	pid_t pid = vfork();
	if (pid == 0) {
		vforked = 7;
		nap_ms(30);
		_exit(3);
	}
	int status;
	printf("after the child: %d\n", vforked);
	waitpid(pid, &status, 0);
	show_status("child", status);
	pid = vfork();
	if (pid == 0) {
		execl("/bin/busybox", "busybox", "echo", "from exec", NULL);
		_exit(127);
	}
	printf("parent goes on, local %d\n", local);
	waitpid(pid, &status, 0);
	show_status("exec", status);
	pid = vfork();
	if (pid == 0) {
		execl("/nowhere/x", "x", NULL);
		_exit(errno == ENOENT ? 8 : 9);
	}
	waitpid(pid, &status, 0);
	show_status("failed exec", status);
	pid = vfork();
	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	show_status("killed", status);
	if (vfork() == 0) {
		close(0);
		chdir("/");
		_exit(0);
	}
	wait(NULL);
	char here[256];
	printf("its own descriptors and directory: %d %d\n", fcntl(0, F_GETFD) >= 0, strcmp(getcwd(here, sizeof here), "/") != 0);
}

static void times_of_children(void)
{
	struct tms t;
	struct rusage usage;
	volatile unsigned long work = 0;
	if (child() == 0) {
		struct timespec cpu;
		do {
			for (int i = 0; i < 100000; i++)
				work += i;
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
		} while (cpu.tv_sec == 0 && cpu.tv_nsec < 60000000);
		_exit(0);
	}
	wait(NULL);
	times(&t);
	getrusage(RUSAGE_CHILDREN, &usage);
	long us = usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
	printf("children's time counted: %d %d\n", t.tms_cutime + t.tms_cstime >= 3, us >= 40000);
	struct timespec cpu;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	printf("sleeping and waiting cost nothing: %d\n", cpu.tv_sec == 0 && cpu.tv_nsec < 50000000);
}

static void *other_thread(void *unused)
{
	(void)unused;
	show("a thread's slack", prctl(PR_GET_TIMERSLACK));
	prctl(PR_SET_TIMERSLACK, 7);
	show("its own", prctl(PR_GET_TIMERSLACK));
	prctl(PR_SET_TIMERSLACK, 0);
	show("what it began with", prctl(PR_GET_TIMERSLACK));
	show("kept capabilities there", prctl(PR_GET_KEEPCAPS));
	return NULL;
}

static void in_fork(void)
{
	prctl(PR_SET_TIMERSLACK, 9);
	prctl(PR_SET_TIMERSLACK, 0);
	show("a child's", prctl(PR_GET_TIMERSLACK));
	show("kept capabilities in a child", prctl(PR_GET_KEEPCAPS));
}

/* What prctl is told and asked for. */
static void kept_values(void)
{
	pthread_t thread;
	show("slack", prctl(PR_GET_TIMERSLACK));
	show("another", prctl(PR_SET_TIMERSLACK, 1234));
	show("slack", prctl(PR_GET_TIMERSLACK));
	show("kept capabilities", prctl(PR_GET_KEEPCAPS));
	show("keep", prctl(PR_SET_KEEPCAPS, 1));
	show("kept capabilities", prctl(PR_GET_KEEPCAPS));
	show("no flag", prctl(PR_SET_KEEPCAPS, 2));
	pthread_create(&thread, NULL, other_thread, NULL);
	pthread_join(thread, NULL);
	in_child(in_fork);
	show("slack", prctl(PR_GET_TIMERSLACK));
	show("the first again", prctl(PR_SET_TIMERSLACK, 0));
	show("slack", prctl(PR_GET_TIMERSLACK));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(statuses), PART(stops), PART(waitid_info), PART(wait_rules), PART(copy_on_write), PART(generations),
		PART(identities), PART(groups), PART(orphaned_group), PART(reparenting), PART(vforks), PART(times_of_children),
		PART(kept_values) };
	return RUN_PARTS(parts, argc, argv);
}

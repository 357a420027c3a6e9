/*
 * The first program of a machine in which anything else is killed at any moment, servers too. For UX/RT only: a server that is killed is
 * started again, its clients see an error on old descriptors, and everything else goes on. Says on the console how that went. How many are killed in
 * one round, and how often each server is, comes from the boot line: kills=N each=N.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/guest/objects.h"

#define LOADS 5
#define VICTIMS_MAX 64
#define SERVICES_MAX 32
#define RETURN_MS 2000 /* a service that is killed serves again before that */

static unsigned seed = 1;
static pid_t loads[LOADS];
static unsigned services_killed, programs_killed, services_missing;
static int kills = 100, each = 10;

static unsigned random_below(unsigned limit)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % limit;
}

static void nap(long microseconds)
{
	struct timespec t = { 0, microseconds * 1000 };

	nanosleep(&t, NULL);
}

/* ---- what is killed: programs that use every server, and go on after any error ---- */

static void use_files(int number)
{
	char name[32], text[64];
	int fd;

	snprintf(name, sizeof name, "/tmp/load%d", number);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	if (fd >= 0) {
		(void)!write(fd, name, sizeof name);
		(void)!pread(fd, text, sizeof text, 0);
		close(fd);
	}
	unlink(name);
}

static void use_pipe(void)
{
	int ends[2], status;
	char byte;
	pid_t pid;

	if (pipe(ends))
		return;
	pid = fork();
	if (pid == 0) {
		(void)!write(ends[1], "x", 1);
		_exit(0);
	}
	close(ends[1]);
	if (pid > 0) {
		(void)!read(ends[0], &byte, 1);
		waitpid(pid, &status, 0);
	}
	close(ends[0]);
}

/* A descriptor is passed as well, and left in the queue: nobody but the server knows of it then. */
static void use_sockets(void)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return;
	*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(header), &ends[0], sizeof(int));
	(void)!write(ends[0], "abc", 3);
	(void)!read(ends[1], &byte, 1);
	(void)!sendmsg(ends[0], &message, MSG_NOSIGNAL);
	close(ends[0]);
	close(ends[1]);
}

static void use_pty(void)
{
	char text[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	const char *name = master >= 0 && unlockpt(master) == 0 ? ptsname(master) : NULL;

	slave = name ? open(name, O_RDWR | O_NOCTTY) : -1;
	if (slave >= 0) {
		if (write(master, "line\n", 5) == 5)
			(void)!read(slave, text, sizeof text);
		close(slave);
	}
	close(master);
}

static void use_others(void)
{
	char text[256];
	int fd = eventfd(1, 0);

	if (fd >= 0) {
		(void)!read(fd, text, 8);
		close(fd);
	}
	fd = open("/proc/self/stat", O_RDONLY);
	if (fd >= 0) {
		(void)!read(fd, text, sizeof text);
		close(fd);
	}
	fd = open("/dev/zero", O_RDONLY);
	if (fd >= 0) {
		(void)!read(fd, text, sizeof text);
		close(fd);
	}
	fd = open("/dev/console", O_WRONLY | O_NOCTTY);
	if (fd >= 0) {
		(void)!write(fd, "", 0);
		close(fd);
	}
}

static void load(int number)
{
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		use_files(number);
		use_pipe();
		use_sockets();
		use_pty();
		use_others();
	}
}

static void start_load(int number)
{
	pid_t pid = fork();

	if (pid == 0)
		load(number);
	loads[number] = pid;
}

/* ---- the killing ---- */

static void reap(int flags)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, flags)) > 0)
		for (int i = 0; i < LOADS; i++)
			if (loads[i] == pid)
				loads[i] = 0;
}

/* All processes but this one. -1: there is no /proc just now. */
static int list_victims(pid_t *victims)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	if (!directory)
		return -1;
	while (count < VICTIMS_MAX && (entry = readdir(directory))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 1)
			victims[count++] = pid;
	}
	closedir(directory);
	return count;
}

/* Services are nobody's children. The name, if there is room for it, has 16 bytes. */
static int is_service_named(pid_t pid, char *name)
{
	char path[32], text[256] = "", *parent, *start;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	(void)!read(fd, text, sizeof text - 1);
	close(fd);
	start = strchr(text, '(');
	parent = strchr(text, ')');
	if (!start || !parent || strlen(parent) <= 4 || atoi(parent + 4) != 0)
		return 0;
	if (name)
		snprintf(name, 16, "%.*s", (int)(parent - start - 1), start + 1);
	return 1;
}

static int is_service(pid_t pid)
{
	return is_service_named(pid, NULL);
}

static void kill_one(void)
{
	pid_t victims[VICTIMS_MAX], pid;
	int count = list_victims(victims), service;

	if (count <= 0)
		return;
	pid = victims[random_below((unsigned)count)];
	service = is_service(pid);
	if (kill(pid, SIGKILL) == 0)
		*(service ? &services_killed : &programs_killed) += 1;
}

static void keep_loads_running(void)
{
	reap(WNOHANG);
	for (int k = 0; k < LOADS; k++)
		if (loads[k] <= 0)
			start_load(k);
}

static void end_loads(void)
{
	pid_t victims[VICTIMS_MAX];

	/* Programs fork: until none is left. */
	for (int left = 1; left;) {
		int count = list_victims(victims);

		left = count < 0;
		for (int i = 0; i < count; i++)
			if (!is_service(victims[i]) && kill(victims[i], SIGKILL) == 0)
				left++;
		reap(left ? WNOHANG : 0);
	}
	for (int i = 0; i < LOADS; i++) {
		char name[32];

		snprintf(name, sizeof name, "/tmp/load%d", i);
		unlink(name);
	}
}

static void round_of_kills(void)
{
	for (int i = 0; i < kills; i++) {
		keep_loads_running();
		nap(random_below(3000));
		kill_one();
	}
	end_loads();
}

/* ---- each server ---- */

static int list_services(char names[][16])
{
	pid_t victims[VICTIMS_MAX];
	int count, found = 0;

	while ((count = list_victims(victims)) < 0)
		nap(1000);
	for (int i = 0; i < count && found < SERVICES_MAX; i++)
		found += is_service_named(victims[i], names[found]);
	return found;
}

static pid_t find_service(const char *name)
{
	pid_t victims[VICTIMS_MAX];
	int count = list_victims(victims);
	char other[16];

	for (int i = 0; i < count; i++)
		if (is_service_named(victims[i], other) && !strcmp(other, name))
			return victims[i];
	return 0;
}

/* False: it did not come back. */
static int kill_service(const char *name)
{
	pid_t pid = 0;

	for (int ms = 0; !pid && ms < RETURN_MS; ms++) {
		pid = find_service(name);
		if (!pid)
			nap(1000);
	}
	return pid && kill(pid, SIGKILL) == 0;
}

static void round_of_services(void)
{
	char names[SERVICES_MAX][16];
	int count = list_services(names);

	for (int service = 0; service < count; service++) {
		int killed = 0;

		for (int i = 0; i < each; i++) {
			keep_loads_running();
			nap(random_below(4000));
			killed += kill_service(names[service]);
		}
		services_missing += each - killed; /* said later: the console may be dead */
	}
	end_loads();
}

/* ---- whether everything works ---- */

static void must(int good, const char *what)
{
	printf("%s %s\n", good ? "ok" : "FAIL", what);
}

static void check_all(void)
{
	char text[256];
	uint64_t value = 0;
	int ends[2], fd, pty = -1, status = -1;
	pid_t pid;

	fd = open("/tmp/after", O_RDWR | O_CREAT | O_EXCL, 0600);
	must(fd >= 0 && write(fd, "text", 4) == 4 && pread(fd, text, 4, 0) == 4 && !memcmp(text, "text", 4), "files can be made after ramfs was killed");
	close(fd);
	unlink("/tmp/after");
	fd = open("/kept", O_RDONLY);
	must(fd >= 0 && read(fd, text, 9) == 9 && !memcmp(text, "kept text", 9), "what was in a file is still there after ramfs was killed");
	close(fd);
	must(pipe(ends) == 0 && write(ends[1], "x", 1) == 1 && read(ends[0], text, 1) == 1, "pipes work after their server was killed");
	close(ends[0]);
	close(ends[1]);
	fd = eventfd(3, 0);
	must(fd >= 0 && read(fd, &value, 8) == 8 && value == 3, "eventfd works after its server was killed");
	close(fd);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && write(ends[0], "x", 1) == 1 && read(ends[1], text, 1) == 1,
	     "sockets work after their server was killed");
	close(ends[0]);
	close(ends[1]);
	fd = open("/dev/zero", O_RDONLY);
	must(fd >= 0 && read(fd, text, 4) == 4 && text[3] == 0, "/dev works after its server was killed");
	close(fd);
	fd = open("/proc/self/stat", O_RDONLY);
	must(fd >= 0 && read(fd, text, sizeof text) > 0, "/proc works after its server was killed");
	close(fd);
	fd = posix_openpt(O_RDWR | O_NOCTTY);
	must(fd >= 0 && unlockpt(fd) == 0 && (pty = open(ptsname(fd), O_RDWR | O_NOCTTY)) >= 0, "ptys can be made after their server was killed");
	must(write(fd, "line\n", 5) == 5 && read(pty, text, sizeof text) == 5, "bytes go through a pty after their server was killed");
	close(fd);
	close(pty);
	pid = fork();
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "programs can be run after all servers were killed");
}

/* Standard output is the console, opened anew: its server may have been killed. */
static void reopen_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		if (fd != i)
			dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* Every service begins anew, so that what each had done until it was killed does not show. */
static void restart_services(void)
{
	pid_t victims[VICTIMS_MAX];
	int count;

	while ((count = list_victims(victims)) < 0)
		nap(1000);
	for (int i = 0; i < count; i++)
		if (is_service(victims[i]))
			kill(victims[i], SIGKILL);
	nap(50000);
}

static void deed(void *round)
{
	((void (*)(void))round)();
	restart_services();
	reopen_console();
}

/* The number after `name` on the boot line, if it is there. */
static int boot_number(const char *name, int otherwise)
{
	char text[2048] = "", *at;
	int fd = open("/proc/cmdline", O_RDONLY);

	(void)!read(fd, text, sizeof text - 1);
	close(fd);
	at = strstr(text, name);
	return at ? atoi(at + strlen(name)) : otherwise;
}

int main(void)
{
	int fd = open("/kept", O_WRONLY | O_CREAT, 0600);

	if (getpid() != 1) {
		puts("kill_anything is a first program");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	(void)!write(fd, "kept text", 9);
	close(fd);
	use_all_principals();
	kills = boot_number(" kills=", kills);
	each = boot_number(" each=", each);
	leaves_nothing("kills of anything", deed, (void *)round_of_kills);
	leaves_nothing("kills of each server", deed, (void *)round_of_services);
	printf("killed: %u services, %u programs\n", services_killed, programs_killed);
	must(services_killed > 20 && programs_killed > 20, "services and programs were killed");
	must(services_missing == 0, "each server came back every time it was killed");
	check_all();
	puts("done");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}

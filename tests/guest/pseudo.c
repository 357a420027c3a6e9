/*
 * /proc and /dev as programs read them: the process about itself and its children, the system's files, devices.
 *
 * calls: getrandom
 */
#include "report.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char text[1 << 16];

static ssize_t slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t total = 0, n = -1;
	while (fd >= 0 && total < (ssize_t)sizeof text - 1 && (n = read(fd, text + total, sizeof text - 1 - total)) > 0)
		total += n;
	if (fd < 0 || n < 0) {
		printf("%s: %s\n", name, error_name(errno));
		total = 0;
	}
	text[total] = 0;
	close(fd);
	return total;
}

static const char *link_of(const char *name)
{
	static char path[512];
	ssize_t n = readlink(name, path, sizeof path - 1);
	if (n < 0)
		return error_name(errno);
	path[n] = 0;
	return path;
}

static void maps(void)
{
	static int data = 1;
	char stack, *map = mmap(NULL, 3 << 12, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(map + 4096, 4096, PROT_NONE);
	slurp("/proc/self/maps");
	int lines = 0, sorted = 1, found_data = 0, found_stack = 0, found_text = 0, parts = 0;
	unsigned long last = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long from, to, offset, inode;
		char modes[8], device[16], name[256] = "";
		if (sscanf(line, "%lx-%lx %7s %lx %15s %lu %255s", &from, &to, modes, &offset, device, &inode, name) < 6)
			printf("odd line: %s\n", line);
		lines++;
		sorted &= from >= last && to > from;
		last = to;
		found_data |= from <= (unsigned long)&data && (unsigned long)&data < to && strcmp(modes, "rw-p") == 0;
		found_stack |= from <= (unsigned long)&stack && (unsigned long)&stack < to && strcmp(name, "[stack]") == 0;
		found_text |= from <= (unsigned long)&maps && (unsigned long)&maps < to && strcmp(modes, "r-xp") == 0 && strstr(name, "/tests/bin/pseudo");
		if (from >= (unsigned long)map && to <= (unsigned long)map + (3 << 12))
			parts += modes[0] == 'r' ? 1 : 10;
	}
	printf("lines %d, sorted %d, data %d, stack %d, text %d, parts of a mapping %d\n", lines > 5, sorted, found_data, found_stack, found_text, parts);
}

/* A figure of smaps, of the region that begins at `start`; NULL: of all together. */
static long smaps_figure(const void *start, const char *key)
{
	static char buffer[1 << 16];
	FILE *f = fopen("/proc/self/smaps", "r");
	long sum = 0, value;
	unsigned long from = 0, begins, ends;
	char line[512], format[64];
	setvbuf(f, buffer, _IOFBF, sizeof buffer);
	snprintf(format, sizeof format, "%s: %%ld kB", key);
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, "%lx-%lx ", &begins, &ends) == 2)
			from = begins;
		else if ((!start || from == (unsigned long)start) && sscanf(line, format, &value) == 1)
			sum += value;
	}
	fclose(f);
	return sum;
}

static void show_smaps(const char *title, const void *start)
{
	static const char *const keys[] = { "Size", "Rss", "Pss", "Shared_Dirty", "Private_Dirty", "Anonymous" };
	printf("%s:", title);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		printf(" %s %ld", keys[i], smaps_figure(start, keys[i]));
	puts("");
}

/* Which pages are there, whose they are. */
static void smaps(void)
{
	enum { SIZE = 4 << 20, LARGE = 1 << 30 };
	int flags = MAP_ANONYMOUS | MAP_NORESERVE, ends[2];
	/* Regions of their own: nothing beside them is alike. */
	char *private = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, -1, 0), *gap = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | flags, -1, 0);
	char *large = mmap(NULL, LARGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | flags, -1, 0), byte;
	madvise(private, SIZE, MADV_NOHUGEPAGE);
	madvise(large, LARGE, MADV_NOHUGEPAGE);
	show_smaps("untouched", private);
	for (int i = 0; i < 300; i++)
		private[i * 3 << 12] = 1;
	show_smaps("300 pages", private);
	for (size_t at = 0; at < LARGE; at += 32 << 20)
		large[at] = 1;
	show_smaps("sparse", large);
	pid_t child = pipe(ends) ? -1 : fork();
	if (!child)
		_exit(read(ends[0], &byte, 1) != 1);
	for (int i = 0; i < 100; i++)
		private[i * 3 << 12] = 2;
	show_smaps("after a fork, 100 written", private);
	if (write(ends[1], "", 1) != 1 || waitpid(child, NULL, 0) != child)
		puts("no child");
	show_smaps("the child is gone", private);
	madvise(private, SIZE / 2, MADV_DONTNEED);
	show_smaps("half given back", private);
	long all = smaps_figure(NULL, "Rss");
	slurp("/proc/self/status");
	char *at = strstr(text, "VmRSS:");
	long told = at ? strtol(at + 6, NULL, 10) : 0;
	printf("as status says: %d\n", told > 0 && all > told * 9 / 10 && all < told * 11 / 10);
	munmap(gap, 4096);
}

static void show_line(const char *key)
{
	char *at = text;
	size_t length = strlen(key);
	while (at && strncmp(at, key, length) != 0)
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	if (at)
		printf("%.*s\n", (int)strcspn(at, "\n"), at);
	else
		printf("%s is missing\n", key);
}

static void ignore(int number)
{
	(void)number;
}

/* Each reading goes on behind the region that the last one ended with, and finds there what is so now. */
static void maps_in_parts(void)
{
	enum { PAGES = 1000, SIZE = PAGES << 12, PART = 4096, READINGS = 100 };
	static char whole[1 << 18], parts[1 << 18];
	char *many = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < PAGES; i += 2)
		mprotect(many + (i << 12), 4096, PROT_NONE);
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t length = 0, pieces = 0;
	for (ssize_t n; (n = pread(fd, whole + length, sizeof whole - length, length)) > 0;)
		length += n;
	for (ssize_t n; (n = read(fd, parts + pieces, 100)) > 0;)
		pieces += n;
	printf("in parts of 100 bytes: %d\n", length > PAGES * 40 && pieces == length && !memcmp(whole, parts, length));
	printf("in the middle: %d\n", pread(fd, parts, 100, 30000) == 100 && !memcmp(whole + 30000, parts, 100));
	printf("behind the end: %zd\n", pread(fd, parts, 100, length + 100));

	lseek(fd, 0, SEEK_SET);
	pieces = read(fd, parts, PART);
	mprotect(many, SIZE, PROT_READ | PROT_WRITE);
	for (ssize_t n; (n = read(fd, parts + pieces, PART)) > 0;)
		pieces += n;
	printf("a change behind what was read is seen: %d\n", pieces < length / 2);
	close(fd);

	for (int i = 0; i < PAGES; i += 2)
		mprotect(many + (i << 12), 4096, PROT_NONE);
	struct timespec begun, now;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (int i = 0; i < READINGS; i++) {
		fd = open("/proc/self/smaps", O_RDONLY);
		if (read(fd, parts, PART) <= 0)
			puts("nothing read");
		close(fd);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	long ms = (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000;
	printf("the beginning of a long text costs little: %d\n", ms < 500);
	munmap(many, SIZE);
}

static void status(void)
{
	block(SIG_BLOCK, SIGUSR1);
	signal(SIGHUP, SIG_IGN);
	handle(SIGUSR2, ignore, 0);
	raise(SIGUSR1);
	slurp("/proc/self/status");
	const char *keys[] = { "Name:", "State:", "Uid:", "Gid:", "Threads:", "SigBlk:", "SigIgn:", "SigCgt:" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		show_line(keys[i]);
	int pid = 0, parent = 0;
	sscanf(strstr(text, "\nPid:"), "\nPid: %d", &pid);
	sscanf(strstr(text, "\nPPid:"), "\nPPid: %d", &parent);
	printf("pid %d parent %d\n", pid == getpid(), parent == getppid());
	const char *sizes[] = { "VmSize:", "VmRSS:", "VmData:", "VmStk:" };
	for (int i = 0; i < 4; i++) {
		char *at = strstr(text, sizes[i]);
		printf("%s %d\n", sizes[i], at && atol(at + strlen(sizes[i])) > 0 && strstr(at, "kB"));
	}
	slurp("/proc/self/stat");
	char name[32], state;
	int numbers[5], fields = 1;
	sscanf(text, "%d (%31[^)]) %c %d %d %d", &numbers[0], name, &state, &numbers[1], &numbers[2], &numbers[3]);
	for (char *p = text; *p; p++)
		fields += *p == ' ';
	printf("%d %s %c %d %d %d, %d fields\n", numbers[0] == getpid(), name, state, numbers[1] == getppid(), numbers[2] == getpgrp(),
	       numbers[3] == getsid(0), fields);
	slurp("/proc/self/statm");
	fields = 1;
	for (char *p = text; *p; p++)
		fields += *p == ' ';
	printf("statm fields %d\n", fields);
}

static void links(void)
{
	char name[64];
	printf("exe %s\n", link_of("/proc/self/exe"));
	printf("cwd %s\n", link_of("/proc/self/cwd"));
	printf("root %s\n", link_of("/proc/self/root"));
	snprintf(name, sizeof name, "%d", getpid());
	printf("self %d\n", strcmp(link_of("/proc/self"), name) == 0);
	int f = open("file", O_CREAT | O_RDWR, 0600), p[2];
	dup2(f, 20);
	snprintf(name, sizeof name, "/proc/self/fd/%d", f);
	printf("file %s\n", link_of(name));
	unlink("file");
	printf("removed %s\n", link_of(name));
	if (pipe(p) == 0) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", p[0]);
		printf("pipe %.6s\n", link_of(name));
		snprintf(name, sizeof name, "/proc/self/fd/%d", p[1]);
		int again = open(name, O_WRONLY);
		show("opened by name", write(again, "x", 1));
		show("reads", read(p[0], name, 1));
	}
	printf("not open %s\n", link_of("/proc/self/fd/99"));
	DIR *d = opendir("/proc/self/fd");
	int count = 0, twenty = 0;
	for (struct dirent *e; (e = readdir(d));) {
		count += e->d_name[0] != '.';
		twenty |= strcmp(e->d_name, "20") == 0;
	}
	printf("descriptors %d, 20 is there %d\n", count, twenty);
	printf("/dev/fd %s\n", link_of("/dev/fd"));
	printf("/dev/stdin %s\n", link_of("/dev/stdin"));
	slurp("/proc/self/cmdline");
	printf("cmdline %s %s\n", text, text + strlen(text) + 1);
	slurp("/proc/self/comm");
	printf("comm %s", text);
	printf("environ %d\n", slurp("/proc/self/environ") > 0 && strncmp(text, environ[0], strlen(environ[0])) == 0);
	int me = open("/proc/self/exe", O_RDONLY);
	show("exe is readable", read(me, text, 4) == 4 && memcmp(text, "\177ELF", 4) == 0);
}

static void *sleeper(void *unused)
{
	nap_ms(200);
	return unused;
}

static void others(void)
{
	char name[64];
	struct turn t;
	turn_make(&t);
	pid_t pid = child();
	if (pid == 0) {
		chdir("/");
		turn_post(t.from[1]);
		turn_wait(t.to[0]);
		_exit(0);
	}
	turn_wait(t.from[0]);
	snprintf(name, sizeof name, "/proc/%d/cwd", pid);
	printf("cwd %s\n", link_of(name));
	snprintf(name, sizeof name, "/proc/%d/stat", pid);
	slurp(name);
	printf("parent %d\n", atoi(strrchr(text, ')') + 4) == getpid());
	int held = open(name, O_RDONLY);
	turn_post(t.to[1]);
	siginfo_t info;
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	slurp(name);
	printf("zombie %c\n", strrchr(text, ')')[2]);
	snprintf(name, sizeof name, "/proc/%d/cmdline", pid);
	printf("its arguments are gone %zd\n", slurp(name));
	waitpid(pid, NULL, 0);
	show("reaped", open(name, O_RDONLY));
	show("a descriptor from before", read(held, text, 10));
	pthread_t thread;
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, sleeper, NULL);
	nap_ms(10);
	int tasks = 0;
	DIR *d = opendir("/proc/self/task");
	while (readdir(d))
		tasks++;
	printf("tasks %d\n", tasks - 2);
	slurp("/proc/self/status");
	show_line("Threads:");
	show("thread as a process directory", access((snprintf(name, sizeof name, "/proc/self/task/%ld/stat", syscall(SYS_gettid)), name), R_OK));
	show("no such process", access("/proc/999999", F_OK));
	int listed = 0;
	d = opendir("/proc");
	for (struct dirent *e; (e = readdir(d));)
		listed += atoi(e->d_name) == getpid() || atoi(e->d_name) == 1;
	printf("listed %d\n", listed);
	show("create in it", open("/proc/self/x", O_CREAT | O_RDWR, 0600));
	show("remove from it", unlink("/proc/self/stat"));
}

static void of_the_system(void)
{
	const char *files[] = { "/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/meminfo", "/proc/stat", "/proc/cpuinfo", "/proc/filesystems",
		"/proc/mounts", "/proc/cmdline", "/proc/self/limits", "/proc/self/mountinfo", "/proc/sys/kernel/pid_max", "/proc/sys/kernel/hostname",
		"/proc/sys/kernel/osrelease", "/proc/sys/kernel/random/boot_id", "/proc/sys/fs/file-max", "/proc/sys/vm/overcommit_memory" };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		printf("%s %d\n", files[i], slurp(files[i]) > 0);
	slurp("/proc/sys/kernel/hostname");
	printf("host %s", text);
	slurp("/proc/self/limits");
	printf("%.40s\n", strstr(text, "Max file size"));
	slurp("/proc/mounts");
	printf("root mounted %d, proc %d\n", strstr(text, " / ") != NULL, strstr(text, " /proc proc") != NULL);
}

static void devices(void)
{
	static unsigned char bytes[4096];
	struct stat st;
	const char *names[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom" };
	for (int i = 0; i < 5; i++) {
		stat(names[i], &st);
		printf("%s: character device %d, %x:%x\n", names[i], S_ISCHR(st.st_mode), (int)(st.st_rdev >> 8), (int)(st.st_rdev & 255));
		int fd = open(names[i], O_RDWR), ones = 0, zeros = 0;
		memset(bytes, 1, sizeof bytes);
		printf("read %zd ", read(fd, bytes, 300));
		for (int j = 0; j < 300; j++)
			ones += bytes[j] == 1, zeros += bytes[j] == 0;
		printf("bytes %s, write %zd", ones == 300 ? "as before" : zeros == 300 ? "zero" : ones + zeros < 30 ? "random" : "odd", write(fd, bytes, 100));
		printf(" seek %lld\n", (long long)lseek(fd, 5, SEEK_SET));
		close(fd);
	}
	int full = open("/dev/full", O_WRONLY);
	show("full", write(full, bytes, 1));
	show("tty without a terminal", open("/dev/tty", O_RDWR));
	show("missing", open("/dev/nothing", O_RDWR));
	int fds[2];
	if (pipe(fds) == 0 && write(fds[1], "by name", 7) == 7) {
		char name[32];
		snprintf(name, sizeof name, "/dev/fd/%d", fds[0]);
		int again = open(name, O_RDONLY);
		printf("/dev/fd: %zd\n", read(again, bytes, 100));
	}
	show("getrandom", syscall(SYS_getrandom, bytes, 256, 0));
	show("getrandom with flags", syscall(SYS_getrandom, bytes, 16, 1));
	show("getrandom with unknown flags", syscall(SYS_getrandom, bytes, 16, 128));
	show("shm", open("/dev/shm/x", O_CREAT | O_RDWR, 0600) >= 0);
	show("removed", unlink("/dev/shm/x"));
}

/* Whether a write of nothing is an error is each file's own affair. */
static void written_nothing(void)
{
	static const char *const names[] = { "/proc/self/status", "/proc/self/maps", "/proc/self/comm", "/proc/self/oom_score_adj", "/proc/self/fdinfo/0",
		"/proc/self/task/self/comm", "/proc/meminfo", "/proc/version", "/proc/sys/kernel/hostname", "/proc/uptime" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int fd = open(names[i], O_WRONLY);
		if (fd < 0)
			continue;
		printf("%s: ", names[i]);
		show("write", write(fd, "", 0));
		close(fd);
	}
	slurp("/proc/self/comm");
	printf("comm \"%s\"\n", text);
	slurp("/proc/sys/kernel/hostname");
	printf("host %s", text);
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(written_nothing), PART(maps), PART(maps_in_parts), PART(smaps), PART(status), PART(links), PART(others), PART(of_the_system), PART(devices) };
	return RUN_PARTS(parts, argc, argv);
}

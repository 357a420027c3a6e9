/*
 * execve: its errors, scripts, what crosses it and what does not, large arguments, broken programs.
 *
 * calls: execve execveat
 */
#include "report.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char *self;
/* Hidden from the compiler, which would warn. */
static void *volatile nowhere = (void *)8;

static void put_file(const char *name, const void *bytes, size_t size, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, mode);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		exit(95);
	fchmod(fd, mode);
	close(fd);
}

static void put_text(const char *name, const char *text, mode_t mode)
{
	put_file(name, text, strlen(text), mode);
}

/* Whether it matters only that a program is refused, not how: Linux says EIO where it misses bytes. */
static int refusals;

/* Tries a program in a child: how exec failed, or how the program ended. */
static void try(const char *what, const char *path)
{
	pid_t pid = child();
	if (pid == 0) {
		char *args[] = { (char *)path, NULL }, *none[] = { NULL };
		execve(path, args, none);
		printf("%s: %s\n", what, refusals && (errno == ENOEXEC || errno == EIO) ? "refused" : error_name(errno));
		fflush(stdout);
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		show_status(what, status);
}

static void errors(void)
{
	char name[5000];
	try("missing", "nowhere");
	try("empty path", "");
	try("directory", ".");
	try("below a file", (put_text("plain", "#!/bin/sh\n", 0644), "plain/x"));
	try("not executable", "plain");
	symlink("loop", "loop");
	try("loop", "loop");
	memset(name, 'n', sizeof name);
	name[300] = 0;
	try("long name", name);
	name[300] = '/';
	name[4999] = 0;
	try("long path", name);
	try("empty file", (put_text("empty", "", 0755), "empty"));
	try("text", (put_text("text", "echo hi\n", 0755), "text"));
	try("device", "/dev/null");
	char *args[] = { "x", NULL };
	show("bad path", execve(nowhere, args, NULL));
	show("bad arguments", execve("/bin/busybox", nowhere, NULL));
	char *bad[] = { "busybox", nowhere, NULL };
	show("bad argument", execve("/bin/busybox", bad, NULL));
	int fd = open("plain", O_WRONLY);
	fchmod(fd, 0755);
	try("open for writing", "plain");
	close(fd);
}

static void too_big(void)
{
	static char big[200000];
	memset(big, 'a', sizeof big - 1);
	char *one[] = { "busybox", "true", big, NULL }, *none[] = { NULL };
	show("one string over 128 KiB", execve("/bin/busybox", one, none));
	big[100000] = 0;
	static char *many[102];
	many[0] = "busybox";
	for (int i = 1; i < 100; i++)
		many[i] = big;
	show("10 MB", execve("/bin/busybox", many, none));
	for (int i = 0; i < 12; i++)
		many[i + 3] = big;
	many[1] = "sh";
	many[2] = "-c";
	many[3] = "busybox printf '%s\\n' $# ${#1} ${#9}";
	many[15] = NULL;
	char *path[] = { "PATH=/bin", NULL };
	if (child() == 0) {
		execve("/bin/busybox", many, path);
		printf("1.2 MB: %s\n", error_name(errno));
		exit(0);
	}
	wait(NULL);
	/* The strings may take a quarter of the stack's limit. */
	struct rlimit small = { 512 << 10, RLIM_INFINITY };
	setrlimit(RLIMIT_STACK, &small);
	many[6] = NULL;
	big[30000] = 0;
	if (child() == 0) {
		execve("/bin/busybox", many, path);
		exit(1);
	}
	wait(NULL);
	many[6] = many[7] = many[8] = big;
	many[9] = NULL;
	show("180 KB of 512 KiB", execve("/bin/busybox", many, path));
}

static void scripts(void)
{
	char text[400];
	snprintf(text, sizeof text, "#!%s args\n", self);
	put_text("s1", text, 0755);
	try("plain", "./s1");
	snprintf(text, sizeof text, "#! \t%s   args  and more \t \nrest", self);
	put_text("s2", text, 0755);
	try("one argument, trimmed", "./s2");
	put_text("s3", "#!./s1\n", 0755);
	try("script of a script", "./s3");
	put_text("s4", "#!/nowhere/sh\n", 0755);
	try("missing interpreter", "./s4");
	put_text("s5", "#!./s5\n", 0755);
	try("its own interpreter", "./s5");
	put_text("s6", "#!\n", 0755);
	try("no interpreter", "./s6");
	put_text("s7", "#!./plain\n", 0755);
	put_text("plain", "x", 0644);
	try("interpreter not executable", "./s7");
	memset(text, 'x', sizeof text);
	memcpy(text, "#!/", 3);
	put_file("s8", text, sizeof text, 0755);
	try("first line too long", "./s8");
	snprintf(text, sizeof text, "#!%s", self);
	put_text("s9", text, 0755);
	try("no newline", "./s9");
}

static volatile int caught;

static void on_signal(int number)
{
	caught = number;
}

static void look(void)
{
	sigset_t set;
	struct sigaction action;
	char here[256];
	sigprocmask(SIG_SETMASK, NULL, &set);
	printf("blocked: USR1 %d USR2 %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
	sigpending(&set);
	printf("pending: USR1 %d\n", sigismember(&set, SIGUSR1));
	sigaction(SIGHUP, NULL, &action);
	printf("HUP ignored: %d\n", action.sa_handler == SIG_IGN);
	sigaction(SIGTERM, NULL, &action);
	printf("TERM default: %d flags %x\n", action.sa_handler == SIG_DFL, action.sa_flags & ~0x04000000);
	stack_t stack;
	sigaltstack(NULL, &stack);
	printf("no alternate stack: %d\n", (stack.ss_flags & SS_DISABLE) != 0);
	mode_t mask = umask(0);
	printf("umask %o, directory %s\n", mask, strrchr(getcwd(here, sizeof here), '/'));
	printf("pid kept: %d, parent kept: %d\n", getpid() == atoi(getenv("PID")), getppid() == atoi(getenv("PPID")));
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	printf("limit %d, alarm left %d\n", (int)limit.rlim_cur, alarm(0) > 0);
	printf("descriptors: %d %d\n", fcntl(10, F_GETFD), fcntl(11, F_GETFD));
}

static void kept(void)
{
	if (child() == 0) {
		char pid[16], parent[16];
		snprintf(pid, sizeof pid, "%d", getpid());
		snprintf(parent, sizeof parent, "%d", getppid());
		setenv("PID", pid, 1);
		setenv("PPID", parent, 1);
		static char memory[16384];
		stack_t stack = { .ss_sp = memory, .ss_size = sizeof memory };
		sigaltstack(&stack, NULL);
		block(SIG_BLOCK, SIGUSR1);
		raise(SIGUSR1);
		signal(SIGHUP, SIG_IGN);
		handle(SIGTERM, on_signal, SA_NODEFER | SA_ONSTACK);
		mkdir("sub", 0755);
		chdir("sub");
		umask(017);
		struct rlimit limit = { 50, 100 };
		setrlimit(RLIMIT_NOFILE, &limit);
		alarm(100);
		dup2(0, 10);
		dup3(0, 11, O_CLOEXEC);
		execl(self, self, "look", NULL);
		exit(1);
	}
	int status;
	wait(&status);
	show_status("looked", status);
}

static void *exec_from(void *unused)
{
	(void)unused;
	execl("/bin/busybox", "busybox", "sh", "-c", "[ $$ = $0 ] && echo the process keeps its id", getenv("PID"), NULL);
	return NULL;
}

static void *spin(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void from_thread(void)
{
	pid_t pid = child();
	if (pid == 0) {
		char text[16];
		snprintf(text, sizeof text, "%d", getpid());
		setenv("PID", text, 1);
		pthread_t t;
		for (int i = 0; i < 5; i++)
			pthread_create(&t, NULL, spin, NULL);
		pthread_create(&t, NULL, exec_from, NULL);
		pthread_join(t, NULL);
		_exit(1);
	}
	int status;
	waitpid(pid, &status, 0);
	show_status("other threads are gone", status);
}

static void show_args(void)
{
	extern char **environ;
	char line[256];
	int n = 0;
	FILE *f = fopen("/proc/self/cmdline", "r");
	size_t size = fread(line, 1, sizeof line, f);
	for (size_t i = 0; i < size; i++)
		n += line[i] == 0;
	printf("%d arguments, environment:", n);
	for (char **e = environ; *e; e++)
		printf(" %s", *e);
	printf("\n");
}

static void environments(void)
{
	char *args[] = { "name", "show_args", "", "x y", NULL };
	char *env[] = { "A=1", "B=", "=odd", "noequals", "A=2", NULL };
	if (child() == 0) {
		execve(self, args, env);
		_exit(1);
	}
	wait(NULL);
	if (child() == 0) {
		execve(self, (char *[]){ self, "show_args", NULL }, NULL);
		_exit(1);
	}
	wait(NULL);
	int fd = open(self, O_RDONLY | O_CLOEXEC), d = open("/bin", O_RDONLY | O_DIRECTORY);
	if (child() == 0) {
		syscall(SYS_execveat, fd, "", args, env, 0x1000);
		_exit(1);
	}
	wait(NULL);
	if (child() == 0) {
		syscall(SYS_execveat, d, "busybox", (char *[]){ "busybox", "echo", "by directory", NULL }, env, 0);
		_exit(1);
	}
	wait(NULL);
	show("empty path without the flag", syscall(SYS_execveat, fd, "", args, env, 0));
}

static void broken(void)
{
	static unsigned char image[200000];
	int fd = open("/tests/bin/hello", O_RDONLY);
	ssize_t size = read(fd, image, sizeof image);
	Elf64_Ehdr *h = (void *)image, good = *h;
	Elf64_Phdr *p = (void *)(image + good.e_phoff);
	refusals = 1;
#define TRY(what, change) \
	do { change; put_file("broken", image, size, 0755); try(what, "./broken"); *h = good; } while (0)
	put_file("cut", image, 40, 0755);
	try("cut in the header", "./cut");
	put_file("cut", image, sizeof good + 10, 0755);
	try("cut in the program headers", "./cut");
	TRY("wrong magic", image[1] = 'x');
	TRY("32 bit", h->e_machine = EM_386);
	TRY("another machine", h->e_machine = EM_AARCH64);
	TRY("an object file", h->e_type = ET_REL);
	TRY("no program headers", h->e_phnum = 0);
	TRY("too many program headers", h->e_phnum = 60000);
	TRY("wrong header size", h->e_phentsize = 1);
	TRY("headers behind the end", h->e_phoff = 1 << 30);
	int load = 0;
	while (p[load].p_type != PT_LOAD)
		load++;
	Elf64_Phdr saved = p[load];
	p[load].p_type = PT_INTERP;
	p[load].p_filesz = 1 << 20;
	TRY("interpreter's name too long", (void)0);
	p[load] = saved;
	show("whole again", (put_file("broken", image, size, 0755), chmod("broken", 0755)));
	try("runs", "./broken");
}

/* ---- run or written, not both ---- */

#define TELLS 15
#define WAITS 16

/* The copy, as a program: until nobody can write to what it waits for. */
static void wait_as_program(void)
{
	write(TELLS, "", 1);
	read(WAITS, &(char){ 0 }, 1);
}

static void copy_self(const char *name)
{
	static char bytes[1 << 20];
	int fd = open("/proc/self/exe", O_RDONLY);
	ssize_t size = read(fd, bytes, sizeof bytes);

	close(fd);
	put_file(name, bytes, (size_t)size, 0755);
}

static void opens(const char *what, int flags)
{
	int fd = open("copy", flags);

	show(what, fd < 0 ? fd : 0);
	if (fd >= 0)
		close(fd);
}

static void open_all(void)
{
	opens("for reading", O_RDONLY);
	opens("by its path alone", O_PATH);
	opens("for writing", O_WRONLY);
	opens("for both", O_RDWR);
	opens("truncated", O_WRONLY | O_TRUNC);
	opens("for reading, truncated", O_RDONLY | O_TRUNC);
	show("truncate", truncate("copy", 100));
}

static void busy(void)
{
	int tells[2], waits[2], fd;
	pid_t pid;

	copy_self("copy");
	fd = open("copy", O_WRONLY);
	try("open for writing", "./copy");
	close(fd);
	pipe(tells);
	pipe(waits);
	pid = child();
	if (pid == 0) {
		dup2(tells[1], TELLS);
		dup2(waits[0], WAITS);
		close(waits[1]);
		execl("./copy", "./copy", "wait", NULL);
		_exit(1);
	}
	close(tells[1]);
	show("it runs", read(tells[0], &(char){ 0 }, 1));
	open_all();
	chmod("copy", 0644);
	open_all();
	close(waits[1]);
	waitpid(pid, NULL, 0);
	printf("it has ended\n");
	open_all();
	unlink("copy");
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (strchr(self, '/') == NULL)
		self = "/tests/bin/execs";
	static const struct part parts[] = { PART(errors), PART(busy), PART(too_big), PART(scripts), PART(look), PART(kept), PART(from_thread),
		PART(show_args), PART(environments), PART(broken) };
	/* As the interpreter of a script: its name comes last. */
	if (argc > 1 && strncmp(argv[argc - 1], "./s", 3) == 0) {
		for (int i = 1; i < argc; i++)
			printf("<%s>%c", argv[i], i + 1 < argc ? ' ' : '\n');
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		return wait_as_program(), 0;
	if (argc > 1 && strcmp(argv[1], "show_args") == 0)
		return show_args(), 0;
	return RUN_PARTS(parts, argc, argv);
}

/*
 * Where relative paths start: at the working directory and at directories' descriptors, through dots, links, renames and mounts, shared between threads, over
 * fork, vfork and exec, passed through a socket, and below another root directory.
 *
 * calls: access chdir chroot dup2 faccessat fchdir fork mkdirat openat readlinkat recvmsg rename renameat2 sendmsg stat unlinkat vfork
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/guest/show.h"

static const char *program;

/* ---- a tree of directories that know their names ---- */

static void name_it(const char *directory)
{
	char path[256];
	int fd;

	mkdir(directory, 0755);
	snprintf(path, sizeof path, "%s/name", directory);
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	write(fd, directory, strlen(directory));
	close(fd);
}

static void tree(void)
{
	name_it("/tmp/case");
	name_it("/tmp/case/a");
	name_it("/tmp/case/a/b");
	name_it("/tmp/case/a/c");
	chdir("/tmp/case/a/b");
}

/* What `name` in the directory that the path leads to says. */
static void at(int directory, const char *path)
{
	char text[256] = "", whole[256];
	int fd;

	snprintf(whole, sizeof whole, "%s%sname", path, *path ? "/" : "");
	fd = openat(directory, whole, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
		snprintf(text, sizeof text, "%s", strerror(errno));
	close(fd);
	printf("'%s' from %s: %s\n", path, directory == AT_FDCWD ? "here" : "a descriptor", text);
}

static void here(void)
{
	at(AT_FDCWD, "");
}

/* ---- dots ---- */

static void each_dots(const char *path)
{
	struct stat found;
	int fd = open(path, O_RDONLY);

	printf("%s: open %d, create %s", path, fd >= 0, open(path, O_CREAT | O_RDWR, 0600) < 0 ? strerror(errno) : "done");
	printf(", exclusive %s", open(path, O_CREAT | O_EXCL | O_RDWR, 0600) < 0 ? strerror(errno) : "done");
	printf(", mkdir %s", mkdir(path, 0700) ? strerror(errno) : "done");
	printf(", unlink %s", unlink(path) ? strerror(errno) : "done");
	printf(", rmdir %s", rmdir(path) ? strerror(errno) : "done");
	printf(", readlink %s", readlink(path, (char[8]){ 0 }, 8) < 0 ? strerror(errno) : "done");
	printf(", access %d, stat %o\n", access(path, R_OK), stat(path, &found) ? 0 : found.st_mode);
	close(fd);
	at(AT_FDCWD, path);
}

static void dots(void)
{
	static const char *const paths[] = { ".", "./", "..", "../", "./.", "./..", "../.", "../..", "../../.", "../b", "../b/.", "../c", "./../c", "../../a/c", "../../../case",
		".//.", "..//c", ".///../c", ".b", "..b", "...", "../c/", "../../../..", "../../../../..", "../../../../../tmp/case", "link/..", "link/../b", "../c/name/..", "../c/name/", "../to_name/", "to_name_slash", "none/none/" };

	tree();
	symlink("../../a", "link");
	symlink("c/name", "../to_name");
	symlink("../c/name/", "to_name_slash");
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		each_dots(paths[i]);
	chdir("/");
	SHOW(access("..", F_OK) + access(".", F_OK) + access("./tmp/case/a", F_OK) + access("../tmp/case/a", F_OK) + access("../../tmp", F_OK));
	chdir("/tmp/case/a");
	SHOW(chdir(".."));
	here();
	SHOW(chdir("./a/../a/b/../../a/c"));
	here();
}

/* ---- links ---- */

static void links(void)
{
	static const char *const paths[] = { "near", "near/b", "far", "far/..", "up", "up/near/c", "turning", "turning/x", "loop/near/far", "nowhere", "near/", "far/b/.." };

	tree();
	chdir("/tmp/case/a");
	symlink("b", "near");
	symlink("/tmp/case/a", "b/b");
	symlink("/tmp/case", "far");
	symlink("..", "up");
	symlink("turning", "turning");
	symlink(".", "loop");
	symlink("none", "nowhere");
	symlink("c", "b/c");
	int directory = open("b", O_PATH);

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		at(AT_FDCWD, paths[i]);
	at(directory, "b/c");
	at(directory, "b/near/b/far/a");
	SHOW(openat(directory, "b/nowhere", O_CREAT | O_EXCL | O_WRONLY, 0600));
	SHOW(close(openat(directory, "b/nowhere", O_CREAT | O_WRONLY, 0600)));
	SHOW(access("none", F_OK));
	SHOW(readlinkat(directory, "b", (char[64]){ 0 }, 64));
	SHOW(unlinkat(directory, "b", 0));
	at(directory, "b/c");
}

/* ---- mounts, and what lies beside them ---- */

/* Names that begin as a mount's does are no mount. */
static void moved_beside_mounts(void)
{
	static const char *const places[] = { "/proc-not", "/prx", "/dev1", "/sys-", "/p", "/tmp/case/a/back" };
	const char *from = "/tmp/case/a/b";
	int directory = open(from, O_RDONLY);

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		SHOW(rename(from, places[i]));
		here();
		at(directory, "");
		at(directory, "./");
		SHOW(close(openat(directory, "made", O_CREAT | O_EXCL | O_RDWR, 0600)));
		SHOW(access("made", F_OK) + access("./made", F_OK));
		SHOW(unlinkat(AT_FDCWD, "made", 0));
		from = places[i];
	}
	SHOW(access("../c/name", F_OK));
}

static void mounts(void)
{
	tree();
	moved_beside_mounts();
	SHOW(symlink("/proc", "out") + symlink("../../../../dev", "outer"));
	SHOW(access("out/self/status", F_OK) + access("outer/null", F_OK) + access("../../../../proc/self/status", F_OK) + access("../../../../dev/zero", F_OK));
	SHOW(access("../../../../proc/self/nothing", F_OK));
	SHOW(chdir("/"));
	SHOW(access("proc/self/status", F_OK) + access("./dev/null", F_OK) + access("tmp/case/a/back/out/self/status", F_OK));
	SHOW(chdir("dev"));
	SHOW(access("null", F_OK) + access("./null", F_OK) + access("../tmp/case", F_OK) + access("shm", F_OK));
	SHOW(chdir("shm"));
	SHOW(close(open("starts", O_CREAT | O_EXCL | O_RDWR, 0600)));
	SHOW(access("../shm/starts", F_OK) + access("../../dev/shm/starts", F_OK) + access("../null", F_OK));
	SHOW(unlink("./starts"));
	SHOW(access("/dev/shm/starts", F_OK));
	SHOW(chdir("/proc/self"));
	SHOW(access("status", F_OK) + access("./status", F_OK) + access("../self/status", F_OK) + access("../../tmp/case/a", F_OK));
	SHOW(chdir("cwd/../../tmp/case"));
	here();
}

/* ---- who shares it ---- */

static void *goes(void *to)
{
	return (void *)(long)chdir(to);
}

static void in_thread(void *(*act)(void *), void *argument)
{
	pthread_t thread;

	pthread_create(&thread, NULL, act, argument);
	pthread_join(thread, NULL);
}

static void *looks(void *unused)
{
	here();
	at(AT_FDCWD, "..");
	return unused;
}

static void child_goes(void)
{
	here();
	SHOW(chdir("../c"));
	here();
}

static void vfork_goes(void)
{
	pid_t pid = vfork();
	int status = 0;

	if (!pid) {
		int wrong = chdir("../c") || access("../c/name", F_OK) || access("made-by-parent", F_OK) == 0;

		_exit(wrong);
	}
	waitpid(pid, &status, 0);
	printf("vfork's child: %d\n", status);
}

static void run_again(const char *part, int directory)
{
	char number[16];
	pid_t pid;

	snprintf(number, sizeof number, "%d", directory);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		chdir("../c");
		setenv("DIRECTORY", number, 1);
		execl(program, program, part, NULL);
		_exit(9);
	}
	waitpid(pid, NULL, 0);
}

static void after_exec(void)
{
	int directory = atoi(getenv("DIRECTORY"));

	here();
	at(AT_FDCWD, "..");
	at(directory, "");
	at(directory, "../b");
	SHOW(fchdir(directory));
	here();
}

static void shared(void)
{
	tree();
	close(open("made-by-parent", O_CREAT | O_RDWR, 0600));
	int kept = open("..", O_RDONLY | O_DIRECTORY), gone = open("..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), proc = open("/proc/self", O_RDONLY);

	here();
	in_thread(goes, "../c");
	here();
	in_thread(looks, NULL);
	in_thread(goes, "/proc");
	SHOW(access("self/status", F_OK));
	in_thread(goes, "/tmp/case/a/b");
	here();
	apart(child_goes);
	here();
	vfork_goes();
	here();
	run_again("after_exec", kept);
	run_again("after_exec", gone);
	run_again("after_exec", proc);
	here();
}

/* ---- a number that names another file later ---- */

static void replaced(void)
{
	tree();
	int directory = open("..", O_RDONLY), file = open("name", O_RDONLY), other = open("../c", O_RDONLY), proc = open("/proc", O_RDONLY), copy = dup(directory);

	at(directory, "");
	SHOW(dup2(other, directory) == directory);
	at(directory, "");
	SHOW(dup2(file, directory) == directory);
	at(directory, "");
	SHOW(dup2(proc, directory) == directory);
	at(directory, "");
	SHOW(faccessat(directory, "self/status", F_OK, 0));
	SHOW(fchdir(directory));
	SHOW(access("self/status", F_OK));
	SHOW(dup2(copy, directory) == directory);
	at(directory, "");
	SHOW(fchdir(directory));
	here();
	close(directory);
	at(directory, "");
	here();
}

/* ---- made again ---- */

static void made_again(void)
{
	tree();
	int directory = open("../c", O_RDONLY), below = open("../b", O_RDONLY);

	at(directory, "");
	at(below, "../c");
	unlink("../c/name");
	SHOW(rmdir("../c"));
	name_it("/tmp/case/a/c");
	at(directory, "");
	at(below, "../c");
	mkdir("/tmp/case/other", 0755);
	name_it("/tmp/case/other/b");
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "/tmp/case/other", AT_FDCWD, "/tmp/case/a", 2));
	here();
	at(below, "");
	at(AT_FDCWD, "../../a/b");
	SHOW(faccessat(below, "../c/name", F_OK, 0));
	SHOW(faccessat(open("/tmp/case/other", O_RDONLY), "c/name", F_OK, 0));
}

/* ---- passed ---- */

static void send_it(int socket, int file)
{
	char space[CMSG_SPACE(sizeof file)] = { 0 };
	struct iovec bytes = { "x", 1 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof file), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(header), &file, sizeof file);
	SHOW(sendmsg(socket, &message, 0));
}

static int take_it(int socket)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec bytes = { &byte, 1 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
	int file = -1;

	if (recvmsg(socket, &message, 0) == 1)
		memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof file);
	return file;
}

static void receiver(int socket)
{
	int directory = take_it(socket);

	at(directory, "");
	SHOW(rename("/tmp/case/a", "/tmp/case/A"));
	at(directory, "");
	at(directory, "../b");
	at(AT_FDCWD, "A/c");
	SHOW(mkdirat(directory, "made", 0755));
	SHOW(unlinkat(directory, "made", AT_REMOVEDIR));
	SHOW(fchdir(directory));
	here();
	directory = take_it(socket);
	SHOW(faccessat(directory, "self/status", F_OK, 0));
}

static void passed(void)
{
	int ends[2], status;

	tree();
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	send_it(ends[0], open("../c", O_RDONLY | O_DIRECTORY));
	send_it(ends[0], open("/proc", O_RDONLY));
	fflush(stdout);
	if (!fork()) {
		chdir("/tmp/case");
		receiver(ends[1]);
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	here();
}

/* ---- below another root directory ---- */

static int outside;

static void look_in_jail(void)
{
	here();
	at(AT_FDCWD, "..");
	at(AT_FDCWD, "../..");
	at(AT_FDCWD, "../../../tmp/case/a");
	at(AT_FDCWD, "root");
	at(AT_FDCWD, "root/b");
	at(outside, "");
	at(outside, "a");
	at(outside, "a/b/root");
}

static void in_jail(void)
{
	SHOW(chroot("/tmp/case/a"));
	look_in_jail(); /* the working directory is below it */
	SHOW(chdir("/"));
	look_in_jail();
	SHOW(chdir("b"));
	look_in_jail();
	apart(look_in_jail);
	SHOW(fchdir(outside));
	here();
	at(AT_FDCWD, "a");
}

static void *enters(void *unused)
{
	SHOW(chroot("/tmp/case/a"));
	return unused;
}

static void thread_enters(void)
{
	in_thread(enters, NULL);
	look_in_jail();
}

static void jailed(void)
{
	tree();
	symlink("/", "root");
	outside = open("/tmp/case", O_RDONLY);
	apart(in_jail);
	apart(thread_enters);
	here();
	at(AT_FDCWD, "..");
}

int main(int argc, char **argv)
{
	static const struct part parts[] = {
		{ "dots", dots }, { "links", links }, { "mounts", mounts }, { "shared", shared }, { "after_exec", after_exec }, { "replaced", replaced }, { "made_again", made_again },
		{ "passed", passed }, { "jailed", jailed },
	};

	program = argv[0];
	return run_parts(parts, sizeof parts / sizeof *parts, argc, argv);
}

/* jobs [NAME]...: measures what whole programs cost, Debian's: the command of each, from fork to wait. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"

/* What the commands work on: 500 files of 1 to 8 KiB, C sources, 8 MiB of text. The shell that makes it runs before anything is measured. */
static const char prepare[] =
	"set -e; mkdir -p /tmp/jobs/files; cd /tmp/jobs\n"
	"seq 1000000 | head -c 8388608 > text\n"
	"i=0; while [ $i -lt 500 ]; do\n"
	"  tail -c +$((i * 9000 + 1)) text | head -c $((1024 + i * 997 % 7168)) > files/$i; i=$((i + 1))\n"
	"done\n"
	"printf '#include <stdio.h>\\nint main(void) { puts(\"hello\"); return 0; }\\n' > hello.c\n"
	/* 200 functions of 10 lines */
	"i=0; while [ $i -lt 200 ]; do\n"
	"  printf 'int f%d(int *a, int n)\\n{\\n\\tint s = %d;\\n\\tfor (int i = 0; i < n; i++) {\\n\\t\\tif (a[i] > s)\\n' $i $i\n"
	"  printf '\\t\\t\\ts ^= a[i] << (i & 7);\\n\\t\\ta[i] += s;\\n\\t}\\n\\treturn s;\\n}\\n'; i=$((i + 1))\n"
	"done > large.c\n"
	"mkdir repository; cp -r files repository\n";

static int shell(const char *script)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid ? -1 : status;
}

/* `before` puts things as they were. */
static unsigned long job(const char *before, char *const *argv)
{
	MUST(!before || shell(before) == 0);
	MUST(chdir("/tmp/jobs") == 0);
	unsigned long start = ticks();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	MUST(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	return ticks() - start;
}

#define JOB(name, before, ...)                          \
	static unsigned long name(unsigned n)           \
	{                                               \
		char *const argv[] = { __VA_ARGS__, NULL }; \
                                                        \
		(void)n;                                \
		return job(before, argv);               \
	}

JOB(bash_forks, NULL, "bash", "-c", "for i in {1..200}; do /bin/true; done")
JOB(python_start, NULL, "python3", "-c", "pass")
JOB(sha256, NULL, "sh", "-c", "exec sha256sum text > sum")
JOB(dd_blocks, NULL, "dd", "if=/dev/zero", "of=/dev/null", "bs=64k", "count=1024", "status=none")
JOB(sqlite_inserts, NULL, "sqlite3", ":memory:",
    "create table t(a, b); begin; with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) "
    "insert into t select i, 'row ' || i from n; commit;")
JOB(gcc_hello, NULL, "gcc", "-O2", "-o", "hello", "hello.c")
JOB(gcc_large, NULL, "gcc", "-O2", "-c", "large.c")
JOB(tar_files, NULL, "tar", "cf", "files.tar", "files")
JOB(gzip_tar, "cd /tmp/jobs && tar cf files.tar files", "gzip", "-kf", "files.tar")
JOB(tar_gzip, NULL, "sh", "-c", "tar cf - files | gzip > files.tgz")
JOB(git_commit,
    "cd /tmp/jobs/repository && rm -rf .git && git init -q . && git config user.name jobs && git config user.email jobs@example.org && git config gc.auto 0",
    "sh", "-c", "cd repository && git add . && git commit -qm all")

int main(int argc, char **argv)
{
	static const struct row rows[] = {
		{ "bash-forks", "bash: 200 forks of /bin/true", 1, bash_forks },
		{ "python", "python3 -c pass", 1, python_start },
		{ "sha256", "sha256sum of 8 MiB", 1, sha256 },
		{ "dd", "dd of 64 MiB from /dev/zero to /dev/null, 64 KiB blocks", 1, dd_blocks },
		{ "sqlite", "sqlite3: 100,000 inserts in memory", 1, sqlite_inserts },
		{ "gcc-hello", "gcc -O2 of hello.c, linked", 1, gcc_hello },
		{ "gcc-large", "gcc -O2 -c of 2,000 lines", 1, gcc_large },
		{ "tar", "tar of 500 files", 1, tar_files },
		{ "gzip", "gzip of that", 1, gzip_tar },
		{ "tar-gzip", "tar of 500 files into gzip", 1, tar_gzip },
		{ "git-commit", "git add and commit of 500 files", 1, git_commit },
		{ 0 },
	};
	static const struct row_table table = { .rows = rows, .long_rows = 1 };

	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("HOME", "/tmp", 1);
	if (shell(prepare))
		fail("the files of the jobs");
	return measure_tables(&table, 1, argc, argv);
}

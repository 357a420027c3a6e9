/* objects COMMAND ARGUMENT...: whether a command leaves anything behind in the kernel or in root. Without a command: prepares for others. */
#include <ftw.h>
#include <sys/stat.h>

#include "tests/guest/objects.h"

#define PLACE "/tmp/objects"

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* In a directory of its own, which goes with all that the command left in it: killed programs leave files. */
static void run(void *argv)
{
	char **arguments = argv;
	int status = 0;
	pid_t pid;

	mkdir(PLACE, 0700);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		if (null < 0 || dup2(null, 1) < 0 || chdir(PLACE))
			_exit(126);
		close(null);
		execvp(arguments[0], arguments);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		printf("FAIL %s: it ended with wait status %#x\n", arguments[0], status);
		exit(2);
	}
	nftw(PLACE, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
	char name[256] = "";

	if (argc < 2) {
		use_all_principals();
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc && strlen(name) + strlen(argv[i]) < sizeof name - 2; i++)
		strcat(strcat(name, i > 1 ? " " : ""), argv[i]);
	return !leaves_nothing(name, run, argv + 1);
}

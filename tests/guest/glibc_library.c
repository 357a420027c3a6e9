/* What glibc brings to a dynamic program: the loader, dlopen, locales, users, streams, spawning, searching, ends of a program. */
#include "report.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <iconv.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <pwd.h>
#include <regex.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <ucontext.h>
#include <wchar.h>
#include <wordexp.h>

static int count_object(struct dl_phdr_info *info, size_t size, void *count)
{
	int *found = count;
	(void)size;
	found[0]++;
	found[1] += strstr(info->dlpi_name, "libc.so.6") != NULL;
	found[2] += strstr(info->dlpi_name, "vdso") != NULL;
	return 0;
}

static void loader(void)
{
	int found[3] = { 0 };
	dl_iterate_phdr(count_object, found);
	printf("objects %d, libc %d, vdso %d\n", found[0] >= 3, found[1], found[2]);
	void *m = dlopen("libm.so.6", RTLD_NOW);
	double (*cosine)(double) = m ? (double (*)(double))dlsym(m, "cos") : NULL;
	printf("libm %d, cos 0 = %.1f\n", m != NULL, cosine ? cosine(0) : -1);
	printf("missing symbol: %s\n", dlsym(m, "no_such_symbol") ? "found" : "error");
	printf("close %d\n", dlclose(m));
	printf("missing library: %s\n", dlopen("libnothing.so.9", RTLD_NOW) ? "found" : "error");
	FILE *f = fopen("bad.so", "w");
	fputs("not a library", f);
	fclose(f);
	printf("no library: %s\n", dlopen("./bad.so", RTLD_NOW) ? "found" : "error");
	Dl_info where;
	printf("printf is in libc: %d\n", dladdr((void *)printf, &where) && strstr(where.dli_fname, "libc.so.6"));
	void *self = dlopen(NULL, RTLD_NOW);
	printf("from the program itself: %d\n", dlsym(self, "malloc") != NULL);
}

static void texts(void)
{
	wchar_t wide[16];
	printf("locale %s\n", setlocale(LC_ALL, ""));
	printf("UTF-8 %s\n", setlocale(LC_ALL, "C.UTF-8"));
	size_t n = mbstowcs(wide, "a\303\244\342\202\254", 16);
	printf("wide %zu %lx %lx\n", n, (long)wide[1], (long)wide[2]);
	printf("nonsense %s\n", setlocale(LC_ALL, "xx_YY") ? "set" : "refused");
	char in[] = "\303\244", out[8] = "", *from = in, *to = out;
	size_t left = 2, room = 7;
	iconv_t c = iconv_open("ISO-8859-1", "UTF-8");
	show_ok("iconv_open", (long)c);
	size_t converted = c == (iconv_t)-1 ? 9 : iconv(c, &from, &left, &to, &room);
	printf("iconv %zu %x\n", converted, (unsigned char)out[0]);
	regex_t r;
	regmatch_t m[2];
	regcomp(&r, "([0-9]+)-x", REG_EXTENDED);
	int matched = regexec(&r, "ab 42-x", 2, m, 0);
	printf("regex %d %d\n", matched, m[1].rm_so);
	setlocale(LC_ALL, "C");
	printf("%s %.3f %e %a\n", "formats:", 3.14159, 12345.678, 1.5);
	int a;
	char word[16];
	float f;
	printf("scanned %d\n", sscanf("12 word 2.5", "%d %15s %f", &a, word, &f));
	printf("strtol %ld, strtod %.2f\n", strtol("0x1f", NULL, 0), strtod("2.5e2", NULL));
	struct tm tm;
	time_t t = 951782400;
	gmtime_r(&t, &tm);
	strftime(word, sizeof word, "%F", &tm);
	printf("%s %d\n", word, timegm(&tm) == t);
}

static void streams(void)
{
	char line[64];
	FILE *f = tmpfile();
	printf("tmpfile %d\n", f != NULL);
	for (int i = 0; i < 3000; i++)
		fprintf(f, "line %d\n", i);
	rewind(f);
	int count = 0;
	while (fgets(line, sizeof line, f))
		count++;
	printf("lines %d, at %ld\n", count, ftell(f));
	fseek(f, -5, SEEK_END);
	printf("last %s", fgets(line, sizeof line, f));
	fclose(f);
	char *text = NULL;
	size_t size = 0;
	f = open_memstream(&text, &size);
	fprintf(f, "in memory %d", 5);
	fclose(f);
	printf("%s, %zu\n", text, size);
	f = popen("cat >piped; exit 3", "w");
	fputs("through popen\n", f);
	int status = pclose(f);
	show_status("pclose", status);
	f = fopen("piped", "a+");
	printf("%s", fgets(line, sizeof line, f));
	fputs("appended\n", f);
	fclose(f);
	struct stat st;
	stat("piped", &st);
	printf("size %lld\n", (long long)st.st_size);
	f = fopen("piped", "r");
	setvbuf(f, NULL, _IONBF, 0);
	fgetc(f);
	printf("unbuffered: offset %lld\n", (long long)lseek(fileno(f), 0, SEEK_CUR));
	printf("pushed back %c\n", (ungetc('Z', f), fgetc(f)));
	char *whole = NULL;
	size_t room = 0;
	printf("getline %zd\n", getline(&whole, &room, f));
	printf("freopen %d\n", freopen("other", "w", f) != NULL);
	printf("exclusive %s\n", fopen("other", "wx") ? "opened" : error_name(errno));
	printf("fopen error %s\n", fopen("none/x", "r") ? "opened" : error_name(errno));
}

static void spawning(void)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	pid_t pid;
	int status;
	char *args[] = { "sh", "-c", "echo spawned; trap; exit 4", NULL }, *missing[] = { "x", NULL };
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT, 0600);
	posix_spawn_file_actions_addchdir_np(&actions, "/");
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
	sigset_t set;
	sigfillset(&set);
	posix_spawnattr_setsigdefault(&attributes, &set);
	printf("spawn %d\n", posix_spawnp(&pid, "sh", &actions, &attributes, args, environ));
	waitpid(pid, &status, 0);
	show_status("it", status);
	FILE *f = fopen("out", "r");
	char line[32] = "";
	printf("%s", f ? fgets(line, sizeof line, f) : "no file\n");
	printf("missing: %s\n", error_name(posix_spawn(&pid, "/nowhere/x", NULL, NULL, missing, environ)));
	printf("system %d\n", WEXITSTATUS(system("exit 7")));
	printf("no command %d\n", WEXITSTATUS(system("/nowhere/x 2>/dev/null")));
	printf("there is a shell %d\n", system(NULL) != 0);
}

static void of_the_system(void)
{
	struct passwd *p = getpwuid(0);
	printf("user %s\n", p ? p->pw_name : "none");
	printf("nobody %d\n", getpwnam("no such user") != NULL);
	printf("pages %ld, descriptors %d, processors %ld\n", sysconf(_SC_PAGESIZE), sysconf(_SC_OPEN_MAX) >= 256, sysconf(_SC_NPROCESSORS_ONLN));
	printf("memory %d, ticks %ld\n", sysconf(_SC_PHYS_PAGES) > 10000, sysconf(_SC_CLK_TCK));
	printf("name length %ld\n", pathconf("/tmp", _PC_NAME_MAX));
	char path[512];
	printf("realpath %s\n", realpath("/tmp/../tmp/./", path));
	glob_t g;
	close(open("g1", O_CREAT, 0600));
	close(open("g2", O_CREAT, 0600));
	int globbed = glob("g[0-9]", 0, NULL, &g);
	printf("glob %d %zu\n", globbed, g.gl_pathc);
	char name[] = "tXXXXXX";
	int fd = mkstemp(name);
	printf("mkstemp %d %d\n", fd >= 0, access(name, R_OK) == 0);
	struct utsname u;
	uname(&u);
	char host[32];
	gethostname(host, sizeof host);
	printf("%s %s\n", u.sysname, host);
	double load[3];
	printf("load %d\n", getloadavg(load, 3));
	srandom(1);
	printf("random %ld\n", random());
	wordexp_t w;
	printf("words %d\n", wordexp("a $HOME 'b c'", &w, 0) == 0 ? (int)w.we_wordc : -1);
}

static ucontext_t main_context, other_context;
static int steps;

static void other(void)
{
	for (;;) {
		steps++;
		swapcontext(&other_context, &main_context);
	}
}

static void contexts(void)
{
	static char stack[65536];
	getcontext(&other_context);
	other_context.uc_stack.ss_sp = stack;
	other_context.uc_stack.ss_size = sizeof stack;
	makecontext(&other_context, other, 0);
	for (int i = 0; i < 100; i++)
		swapcontext(&main_context, &other_context);
	printf("steps %d\n", steps);
}

static __thread int own = 5;
static pthread_key_t key;
static int destroyed;

static void destroy(void *value)
{
	__atomic_add_fetch(&destroyed, (int)(long)value, __ATOMIC_SEQ_CST);
}

static void *use_own(void *add)
{
	own += (long)add;
	pthread_setspecific(key, add);
	return (void *)(long)own;
}

static void thread_data(void)
{
	pthread_t t[10];
	long sum = 0;
	pthread_key_create(&key, destroy);
	for (long i = 0; i < 10; i++)
		pthread_create(&t[i], NULL, use_own, (void *)i);
	for (int i = 0; i < 10; i++) {
		void *value;
		pthread_join(t[i], &value);
		sum += (long)value;
	}
	printf("sum %ld, own %d, destroyed %d\n", sum, own, destroyed);
}

static void at_exit_one(void)
{
	printf("first registered\n");
}

static void at_exit_two(void)
{
	printf("last registered\n");
}

__attribute__((destructor)) static void at_unload(void)
{
	if (getenv("SHOW_END"))
		printf("destructor\n");
}

static void ending(void)
{
	setenv("SHOW_END", "1", 1);
	atexit(at_exit_one);
	atexit(at_exit_two);
	setvbuf(stdout, NULL, _IOFBF, 4096);
	printf("buffered until the end\n");
	exit(3);
}

static void abort_child(void)
{
	abort();
}

static void smash(void)
{
	fflush(stdout);
	int null = open("/dev/null", O_WRONLY);
	dup2(null, 2);
	char *volatile inside = malloc(100);
	inside += 16;
	free(inside);
}

static void ends(void)
{
	int status;
	if (child() == 0)
		ending();
	wait(&status);
	show_status("exit", status);
	show_status("abort", in_child(abort_child));
	show_status("a bad free", in_child(smash));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(loader), PART(texts), PART(streams), PART(spawning), PART(of_the_system), PART(contexts),
		PART(thread_data), PART(ends) };
	return RUN_PARTS(parts, argc, argv);
}

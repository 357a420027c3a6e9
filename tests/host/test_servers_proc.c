// sources: servers/proc/text.c servers/proc/process_text.c servers/proc/system_text.c
/* The texts of /proc from made-up processes: fields in Linux's places. */
#include "check.h"

#include "servers/proc/process_text.h"
#include "servers/proc/system_text.h"

static char bytes[8192];

static struct text start(void)
{
	memset(bytes, 0, sizeof(bytes));
	return (struct text){ .bytes = bytes, .room = sizeof(bytes) - 1 };
}

static bool begins(const char *with)
{
	return !strncmp(bytes, with, strlen(with));
}

static struct proc_info sample(void)
{
	struct proc_info info = {
		.pid = 42, .tid = 42, .ppid = 1, .pgid = 42, .sid = 40, .threads = 3, .uid = 0, .name = "a b) c", .state = 'S',
		.nice = 5, .priority = 25, .exit_signal = 17, .tty = 0x501, .tty_pgid = 42, .start_ns = 1230000000, .user_ns = 50000000,
		.system_ns = 70000000, .virtual_bytes = 40 * 4096, .resident_pages = 12, .shared_pages = 4,
		.code_start = 0x400000, .code_end = 0x403000,
	};

	for (int i = 0; i < 16; i++)
		info.rlimits[i][0] = info.rlimits[i][1] = ~0ul;
	info.rlimits[7][0] = 1024;
	return info;
}

static void stat_has_52_fields_in_place(void)
{
	struct text text = start();
	struct proc_info info = sample();
	char *fields[64];
	int count = 2;

	process_text_stat(&text, &info);
	CHECK(begins("42 (a b) c) S 1 42 40 1281 42 "));
	for (char *at = strtok(strrchr(bytes, ')') + 1, " \n"); at && count < 64; at = strtok(NULL, " \n"))
		fields[count++] = at;
	CHECK_EQ(count, 52);
	CHECK_STR(fields[13], "5");   /* utime */
	CHECK_STR(fields[14], "7");   /* stime */
	CHECK_STR(fields[17], "25");  /* priority */
	CHECK_STR(fields[18], "5");   /* nice */
	CHECK_STR(fields[19], "3");   /* threads */
	CHECK_STR(fields[21], "123"); /* start time */
	CHECK_STR(fields[22], "163840");
	CHECK_STR(fields[23], "12");
	CHECK_STR(fields[24], "18446744073709551615");
	CHECK_STR(fields[37], "17");  /* exit signal */
}

static void statm_counts_pages(void)
{
	struct text text = start();
	struct proc_info info = sample();

	process_text_statm(&text, &info);
	CHECK_STR(bytes, "40 12 4 3 0 37 0\n");
}

static void status_shows_names_and_memory(void)
{
	struct text text = start();
	struct proc_info info = sample();

	process_text_status(&text, &info);
	CHECK(begins("Name:\ta b) c\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t42\nNgid:\t0\nPid:\t42\nPPid:\t1\n"));
	CHECK(strstr(bytes, "\nVmRSS:\t      48 kB\n") != NULL);
	CHECK(strstr(bytes, "\nThreads:\t3\n") != NULL);
	info.state = 'Z';
	text = start();
	process_text_status(&text, &info);
	CHECK(strstr(bytes, "VmRSS") == NULL);
	CHECK(strstr(bytes, "\nState:\tZ (zombie)\n") != NULL);
}

static void status_shows_the_cores_that_it_may_use(void)
{
	static const struct {
		unsigned cores;
		unsigned long mask;
		const char *lines;
	} shown[] = {
		{ 1, 1, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\n" },
		{ 3, 6, "Cpus_allowed:\t6\nCpus_allowed_list:\t1-2\n" },
		{ 8, 0x2d, "Cpus_allowed:\t2d\nCpus_allowed_list:\t0,2-3,5\n" },
		{ 9, 1, "Cpus_allowed:\t001\nCpus_allowed_list:\t0\n" },
		{ 33, 0x100000001, "Cpus_allowed:\t1,00000001\nCpus_allowed_list:\t0,32\n" },
		{ 64, ~0ul, "Cpus_allowed:\tffffffff,ffffffff\nCpus_allowed_list:\t0-63\n" },
		{ 64, 1ul << 63, "Cpus_allowed:\t80000000,00000000\nCpus_allowed_list:\t63\n" },
	};

	for (unsigned i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
		struct text text = start();
		struct proc_info info = sample();

		info.core_count = shown[i].cores;
		info.affinity = shown[i].mask;
		process_text_status(&text, &info);
		if (!strstr(bytes, shown[i].lines))
			CHECK_FAIL("expected %s", shown[i].lines);
	}
}

static void limits_are_in_columns(void)
{
	struct text text = start();
	struct proc_info info = sample();

	process_text_limits(&text, &info);
	CHECK(begins("Limit                     Soft Limit           Hard Limit           Units     \n"));
	CHECK(strstr(bytes, "\nMax open files            1024                 unlimited            files     \n") != NULL);
	CHECK(strstr(bytes, "\nMax nice priority         unlimited            unlimited            \n") != NULL);
}

static void maps_names_begin_at_column_73(void)
{
	struct text text = start();
	struct proc_region region = { .start = 0x7ffc0000, .end = 0x7ffe0000, .prot = 3, .flags = 4 };

	process_text_region(&text, &region, "[stack]", NULL);
	CHECK_STR(bytes, "7ffc0000-7ffe0000 rw-p 00000000 00:00 0                                  [stack]\n");
	text = start();
	process_text_region(&text, &region, "", NULL);
	CHECK_STR(bytes, "7ffc0000-7ffe0000 rw-p 00000000 00:00 0 \n");
}

static void system_texts_have_linux_lines(void)
{
	struct system_state state = { .uptime_ns = 12345678901, .idle_ns = 10000000000, .info.core_idle_ns[0] = 10000000000, .memory_total = 256ul << 20,
				      .memory_free = 200ul << 20, .processes = 9, .running = 1, .last_pid = 77,
				      .load = { 65536 / 2, 65536 + 6554, 0 } };
	struct text text = start();

	system_text_uptime(&text, &state);
	CHECK_STR(bytes, "12.34 10.00\n");
	text = start();
	system_text_loadavg(&text, &state);
	CHECK_STR(bytes, "0.50 1.10 0.00 1/9 77\n");
	text = start();
	system_text_meminfo(&text, &state);
	CHECK(begins("MemTotal:         262144 kB\nMemFree:          204800 kB\nMemAvailable:     204800 kB\n"));
	text = start();
	system_text_stat(&text, &state);
	CHECK(begins("cpu  234 0 0 1000 0 0 0 0 0 0\ncpu0 234 0 0 1000 0"));
	state.info.core_count = 2;
	state.info.core_idle_ns[0] = 2000000000;
	state.info.core_idle_ns[1] = 8000000000;
	text = start();
	system_text_stat(&text, &state);
	CHECK(begins("cpu  1469 0 0 1000 0 0 0 0 0 0\ncpu0 1034 0 0 200 0 0 0 0 0 0\ncpu1 434 0 0 800 0"));
}

static void a_full_text_is_cut_and_says_so(void)
{
	struct text text = start();

	text.room = 5;
	text_add(&text, "%s", "1234567");
	CHECK(text.cut);
	CHECK_EQ(text.length, 5);
	CHECK_STR(bytes, "12345");
}

int main(void)
{
	RUN(stat_has_52_fields_in_place);
	RUN(statm_counts_pages);
	RUN(status_shows_names_and_memory);
	RUN(status_shows_the_cores_that_it_may_use);
	RUN(limits_are_in_columns);
	RUN(maps_names_begin_at_column_73);
	RUN(system_texts_have_linux_lines);
	RUN(a_full_text_is_cut_and_says_so);
	return check_result();
}

/* Boot: memory, services, the first program; then the loop. */
#include "lib/format.h"
#include "lib/options.h"
#include "lib/string.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/policy.h"
#include "root/root.h"
#include "root/settings.h"
#include "root/services.h"

#define ROOT_HANDLE_BITS 8
#define ARGUMENTS_MAX 32
#define INIT_PID 1

const struct boot_info *boot_info;
noreturn void root_main(const struct boot_info *info);

/* ---- boot options ---- */

const char *boot_option(const char *name, char *buffer, size_t size)
{
	size_t length;
	const char *value = option_value(boot_info->command_line, name, &length);

	if (!value)
		return NULL;
	strlcpy(buffer, value, MIN(size, length + 1));
	return buffer;
}

/* Words after "--" are the first program's arguments. */
static u32 init_arguments(const char **argv, char *copy, size_t size)
{
	char *at;
	u32 count = 1;

	strlcpy(copy, boot_info->command_line, size);
	for (at = copy; *at; at++)
		if ((at == copy || at[-1] == ' ') && at[0] == '-' && at[1] == '-' && (at[2] == ' ' || !at[2]))
			break;
	if (!*at)
		return count;
	at += 2;
	while (count < ARGUMENTS_MAX) {
		while (*at == ' ')
			*at++ = 0;
		if (!*at)
			break;
		argv[count++] = at;
		while (*at && *at != ' ')
			at++;
	}
	return count;
}

/* ---- the first program ---- */

static void init_start(void)
{
	static char option[256], words[1024];
	static const char *argv[ARGUMENTS_MAX];
	static const char *const envp[] = { "HOME=/", "TERM=linux" };
	static const char *const paths[] = { "/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	const char *chosen = boot_option("init", option, sizeof(option));
	const char *const chosen_paths[] = { chosen };
	static char trace[8];
	struct launch launch = { .name = "init", .paths = chosen ? chosen_paths : paths, .path_count = chosen ? 1 : ARRAY_SIZE(paths),
				 .argv = argv, .envp = envp, .envc = ARRAY_SIZE(envp) };

	argv[0] = launch.paths[0];
	launch.argc = init_arguments(argv, words, sizeof(words));
	init_process = process_launch(NULL, INIT_PID, 0, &launch);
	if (!init_process)
		root_panic("no memory for the first process; give the machine more");
	init_process->role = ROLE_SYSTEM;
	init_process->trace = boot_option("strace", trace, sizeof(trace)) != NULL;
	process_publish(init_process);
	process_run(init_process);
}

/* Without its first program the system has no purpose; the exit code says how it went. */
noreturn void init_ended(u32 status)
{
	u32 code = status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;

	root_log(LOG_WARNING, "the first program has ended with status %u; the system stops", code);
	KCALL2(system_exit, SYS(ROOT_SLOT_SYSTEM), code);
	root_panic("system_exit came back");
}

/* ---- randomness for canaries and layouts ---- */

u64 random_u64(void)
{
	static u64 state;
	u32 low, high;
	u64 x;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	state += ((u64)high << 32 | low) + 0x9e3779b97f4a7c15ul;
	x = state;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
	x = (x ^ x >> 27) * 0x94d049bb133111ebul;
	return x ^ x >> 31;
}

/* ---- boot ---- */

static void make_endpoint(void)
{
	if (kobject_create(&root_endpoint, OBJECT_ENDPOINT, 0) || kobject_create(&root_pool, OBJECT_HANDLE_POOL, ROOT_HANDLE_BITS))
		root_panic("no memory for root's endpoint; give the machine more");
}

noreturn void root_main(const struct boot_info *info)
{
	boot_info = info;
	clock_init();
	memory_init(info);
	root_log(LOG_INFO, "%lu KiB of memory, %lu KiB free", memory_counts.total_pages << 2, memory_counts.free_pages << 2);
	make_endpoint();
	replies_init();
	threads_init();
	settings_init();
	bundle_init();
	image_init();
	services_start();
	init_start();
	root_loop();
}

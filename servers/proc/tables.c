/*
 * What there is in /proc.
 */
#include "abi/inotify.h"
#include "servers/proc/system_text.h"
#include "servers/proc/tree.h"

#define REG LINUX_S_IFREG
#define DIR (LINUX_S_IFDIR | 0555)
#define LNK (LINUX_S_IFLNK | 0777)

/* Texts that never change. */
#define CONSTANT(name, ...)                                                                               \
	static long name(struct text *text, const struct place *place, const struct proc_info *info)      \
	{                                                                                                 \
		(void)place;                                                                              \
		(void)info;                                                                               \
		text_add(text, "%s", __VA_ARGS__);                                                        \
		return 0;                                                                                 \
	}
CONSTANT(filesystems, "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tpipefs\n")
CONSTANT(devices, "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n\nBlock devices:\n")
CONSTANT(partitions, "major minor  #blocks  name\n\n")
CONSTANT(swaps, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
CONSTANT(terminal_drivers, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
			   "/dev/console         /dev/console    5       1 system:console\n"
			   "serial               /dev/ttyS       4 64-67 serial\n")
CONSTANT(nothing, "")
CONSTANT(system_name, PROC_SYSTEM_NAME "\n")
CONSTANT(release, PROC_SYSTEM_RELEASE "\n")
CONSTANT(build, PROC_SYSTEM_VERSION "\n")
CONSTANT(pid_max, "32768\n")
CONSTANT(groups_max, "65536\n")
CONSTANT(last_capability, "40\n")
CONSTANT(entropy, "256\n")
CONSTANT(zero, "0\n")
CONSTANT(map_count, "65530\n")
CONSTANT(file_max, "9223372036854775807\n")
CONSTANT(open_max, "1048576\n")
CONSTANT(pipe_max, "1048576\n")
#define NUMBER(value) NUMBER_TEXT(value)
#define NUMBER_TEXT(value) #value "\n"
CONSTANT(queued_events_max, NUMBER(INOTIFY_QUEUE_MAX))
CONSTANT(inotify_instances_max, NUMBER(INOTIFY_INSTANCES_MAX))
CONSTANT(inotify_watches_max, NUMBER(INOTIFY_WATCHES_MAX))
CONSTANT(nothing_waits, "0")
CONSTANT(no_group, "0::/\n")
CONSTANT(no_login, "4294967295")

enum { ROOT, SYS, KERNEL, RANDOM, VM, FS, TTY, UXRT, INOTIFY };

const struct row fixed_rows[] = {
	[ROOT] = { .name = "", .mode = DIR },
	[SYS] = { .name = "sys", .mode = DIR, .parent = ROOT },
	[KERNEL] = { .name = "kernel", .mode = DIR, .parent = SYS },
	[RANDOM] = { .name = "random", .mode = DIR, .parent = KERNEL },
	[VM] = { .name = "vm", .mode = DIR, .parent = SYS },
	[FS] = { .name = "fs", .mode = DIR, .parent = SYS },
	[TTY] = { .name = "tty", .mode = DIR, .parent = ROOT },
	[UXRT] = { .name = "uxrt", .mode = DIR, .parent = ROOT },
	[INOTIFY] = { .name = "inotify", .mode = DIR, .parent = FS },
	{ .name = "sysvipc", .mode = DIR, .parent = ROOT }, /* the ipc server's is mounted there */
	{ .name = "self", .mode = LNK, .make = make_self },
	{ .name = "thread-self", .mode = LNK, .make = make_thread_self },
	{ .name = "mounts", .mode = LNK, .target = "self/mounts" },
	{ .name = "cmdline", .mode = REG | 0444, .make = make_boot_line },
	{ .name = "cpuinfo", .mode = REG | 0444, .make = make_cpuinfo },
	{ .name = "devices", .mode = REG | 0444, .make = devices },
	{ .name = "diskstats", .mode = REG | 0444, .make = nothing },
	{ .name = "filesystems", .mode = REG | 0444, .make = filesystems },
	{ .name = "loadavg", .mode = REG | 0444, .make = make_loadavg },
	{ .name = "meminfo", .mode = REG | 0444, .make = make_meminfo },
	{ .name = "partitions", .mode = REG | 0444, .make = partitions },
	{ .name = "stat", .mode = REG | 0444, .make = make_system_stat },
	{ .name = "swaps", .mode = REG | 0444, .make = swaps },
	{ .name = "uptime", .mode = REG | 0444, .make = make_uptime },
	{ .name = "version", .mode = REG | 0444, .make = make_version },
	{ .name = "vmstat", .mode = REG | 0444, .make = make_vmstat },
	{ .name = "drivers", .mode = REG | 0444, .make = terminal_drivers, .parent = TTY },
	{ .name = "hostname", .mode = REG | 0644, .make = make_hostname, .write = write_hostname, .parent = KERNEL },
	{ .name = "domainname", .mode = REG | 0444, .make = make_domainname, .parent = KERNEL },
	{ .name = "ostype", .mode = REG | 0444, .make = system_name, .parent = KERNEL },
	{ .name = "osrelease", .mode = REG | 0444, .make = release, .parent = KERNEL },
	{ .name = "version", .mode = REG | 0444, .make = build, .parent = KERNEL },
	{ .name = "pid_max", .mode = REG | 0444, .make = pid_max, .parent = KERNEL },
	{ .name = "threads-max", .mode = REG | 0444, .make = pid_max, .parent = KERNEL },
	{ .name = "ngroups_max", .mode = REG | 0444, .make = groups_max, .parent = KERNEL },
	{ .name = "cap_last_cap", .mode = REG | 0444, .make = last_capability, .parent = KERNEL },
	{ .name = "tainted", .mode = REG | 0644, .make = zero, .parent = KERNEL },
	{ .name = "randomize_va_space", .mode = REG | 0444, .make = zero, .parent = KERNEL },
	{ .name = "boot_id", .mode = REG | 0444, .make = make_boot_id, .parent = RANDOM },
	{ .name = "uuid", .mode = REG | 0444, .make = make_uuid, .parent = RANDOM },
	{ .name = "entropy_avail", .mode = REG | 0444, .make = entropy, .parent = RANDOM },
	{ .name = "poolsize", .mode = REG | 0444, .make = entropy, .parent = RANDOM },
	{ .name = "overcommit_memory", .mode = REG | 0444, .make = zero, .parent = VM },
	{ .name = "max_map_count", .mode = REG | 0444, .make = map_count, .parent = VM },
	{ .name = "file-max", .mode = REG | 0444, .make = file_max, .parent = FS },
	{ .name = "nr_open", .mode = REG | 0444, .make = open_max, .parent = FS },
	{ .name = "pipe-max-size", .mode = REG | 0444, .make = pipe_max, .parent = FS },
	{ .name = "max_queued_events", .mode = REG | 0444, .make = queued_events_max, .parent = INOTIFY },
	{ .name = "max_user_instances", .mode = REG | 0444, .make = inotify_instances_max, .parent = INOTIFY },
	{ .name = "max_user_watches", .mode = REG | 0444, .make = inotify_watches_max, .parent = INOTIFY },
	{ .name = "audit", .mode = REG | 0444, .make = make_audit, .parent = UXRT },
	{ .name = "charges", .mode = REG | 0444, .make = make_charges, .parent = UXRT },
	{ .name = "counters", .mode = REG | 0444, .make = make_counters, .parent = UXRT },
	{ .name = "objects", .mode = REG | 0444, .make = make_objects, .parent = UXRT },
};
const unsigned fixed_count = ARRAY_SIZE(fixed_rows);

const struct row process_rows[] = {
	[ROW_DIRECTORY] = { .name = "", .mode = DIR },
	[ROW_FD] = { .name = "fd", .mode = LINUX_S_IFDIR | 0500, .in_threads = true, .private = true },
	[ROW_TASK] = { .name = "task", .mode = DIR },
	[ROW_FDINFO] = { .name = "fdinfo", .mode = DIR, .in_threads = true, .private = true },
	{ .name = "cgroup", .mode = REG | 0444, .make = no_group, .in_threads = true },
	{ .name = "cmdline", .mode = REG | 0444, .make = make_cmdline, .in_threads = true },
	{ .name = "comm", .mode = REG | 0644, .make = make_comm, .write = write_comm, .in_threads = true },
	{ .name = "cwd", .mode = LNK, .magic = -2, .in_threads = true, .private = true },
	{ .name = "environ", .mode = REG | 0400, .make = make_environ, .in_threads = true, .private = true },
	{ .name = "exe", .mode = LNK, .magic = -1, .in_threads = true, .private = true },
	{ .name = "limits", .mode = REG | 0444, .make = make_limits, .in_threads = true },
	{ .name = "loginuid", .mode = REG | 0444, .make = no_login, .in_threads = true },
	{ .name = "maps", .mode = REG | 0444, .make = make_maps, .in_threads = true, .private = true },
	{ .name = "mountinfo", .mode = REG | 0444, .make = make_mountinfo, .in_threads = true },
	{ .name = "mounts", .mode = REG | 0444, .make = make_mounts, .in_threads = true },
	{ .name = "oom_score", .mode = REG | 0444, .make = make_oom_score, .in_threads = true },
	{ .name = "oom_score_adj", .mode = REG | 0644, .make = make_oom_adjust, .write = write_oom_adjust, .in_threads = true },
	{ .name = "root", .mode = LNK, .magic = -3, .in_threads = true, .private = true },
	{ .name = "smaps", .mode = REG | 0444, .make = make_smaps, .in_threads = true, .private = true },
	{ .name = "stat", .mode = REG | 0444, .make = make_stat, .in_threads = true },
	{ .name = "statm", .mode = REG | 0444, .make = make_statm, .in_threads = true },
	{ .name = "status", .mode = REG | 0444, .make = make_status, .in_threads = true },
	{ .name = "wchan", .mode = REG | 0444, .make = nothing_waits, .in_threads = true },
};
const unsigned process_count = ARRAY_SIZE(process_rows);

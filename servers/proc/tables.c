/*
 * What there is in /proc.
 */
#include "abi/settings.h"
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
CONSTANT(groups_max, "65536\n")
CONSTANT(last_capability, "40\n")
CONSTANT(entropy, "256\n")
CONSTANT(zero, "0\n")
CONSTANT(file_max, "9223372036854775807\n")
CONSTANT(nobody, "65534\n")
CONSTANT(core_name, "core\n")
CONSTANT(buffer_limit, "212992\n")
CONSTANT(nothing_waits, "0")
CONSTANT(no_group, "0::/\n")
CONSTANT(no_login, "4294967295")

#define SETTINGS_FILE(directory, file, first, count)                                                                                         \
	{ .name = file, .mode = REG | 0644, .make = make_setting, .write = write_setting, .setting = SETTING_##first, .settings = count, \
	  .parent = directory }
#define SETTING_FILE(directory, file, setting) SETTINGS_FILE(directory, file, setting, 1)
#define CONSTANT_FILE(directory, file, text) { .name = file, .mode = REG | 0444, .make = text, .parent = directory }

enum { ROOT, SYS, FS, EPOLL, INOTIFY, MQUEUE, KERNEL, PTY, RANDOM, NET, NET_CORE, NET_IPV4, VM, TTY, UXRT };

const struct row fixed_rows[] = {
	[ROOT] = { .name = "", .mode = DIR },
	[SYS] = { .name = "sys", .mode = DIR, .parent = ROOT },
	[FS] = { .name = "fs", .mode = DIR, .parent = SYS },
	[EPOLL] = { .name = "epoll", .mode = DIR, .parent = FS },
	[INOTIFY] = { .name = "inotify", .mode = DIR, .parent = FS },
	[MQUEUE] = { .name = "mqueue", .mode = DIR, .parent = FS },
	[KERNEL] = { .name = "kernel", .mode = DIR, .parent = SYS },
	[PTY] = { .name = "pty", .mode = DIR, .parent = KERNEL },
	[RANDOM] = { .name = "random", .mode = DIR, .parent = KERNEL },
	[NET] = { .name = "net", .mode = DIR, .parent = SYS },
	[NET_CORE] = { .name = "core", .mode = DIR, .parent = NET },
	[NET_IPV4] = { .name = "ipv4", .mode = DIR, .parent = NET },
	[VM] = { .name = "vm", .mode = DIR, .parent = SYS },
	[TTY] = { .name = "tty", .mode = DIR, .parent = ROOT },
	[UXRT] = { .name = "uxrt", .mode = DIR, .parent = ROOT },
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
	SETTING_FILE(EPOLL, "max_user_watches", EPOLL_WATCHES),
	SETTING_FILE(INOTIFY, "max_queued_events", INOTIFY_EVENTS),
	SETTING_FILE(INOTIFY, "max_user_instances", INOTIFY_INSTANCES),
	SETTING_FILE(INOTIFY, "max_user_watches", INOTIFY_WATCHES),
	SETTING_FILE(MQUEUE, "msg_default", MQUEUE_MESSAGES_DEFAULT),
	SETTING_FILE(MQUEUE, "msg_max", MQUEUE_MESSAGES),
	SETTING_FILE(MQUEUE, "msgsize_default", MQUEUE_SIZE_DEFAULT),
	SETTING_FILE(MQUEUE, "msgsize_max", MQUEUE_SIZE),
	SETTING_FILE(MQUEUE, "queues_max", MQUEUE_QUEUES),
	SETTING_FILE(FS, "dir-notify-enable", DIRECTORY_NOTES),
	CONSTANT_FILE(FS, "file-max", file_max),
	SETTING_FILE(FS, "lease-break-time", LEASE_BREAK_TIME),
	SETTING_FILE(FS, "leases-enable", LEASES),
	SETTING_FILE(FS, "nr_open", FILES_OF_PROCESS),
	CONSTANT_FILE(FS, "overflowgid", nobody),
	CONSTANT_FILE(FS, "overflowuid", nobody),
	SETTING_FILE(FS, "pipe-max-size", PIPE_MAX_SIZE),
	SETTING_FILE(FS, "pipe-user-pages-hard", PIPE_PAGES_HARD),
	SETTING_FILE(FS, "pipe-user-pages-soft", PIPE_PAGES_SOFT),
	SETTING_FILE(PTY, "max", PTYS),
	{ .name = "boot_id", .mode = REG | 0444, .make = make_boot_id, .parent = RANDOM },
	CONSTANT_FILE(RANDOM, "entropy_avail", entropy),
	CONSTANT_FILE(RANDOM, "poolsize", entropy),
	{ .name = "uuid", .mode = REG | 0444, .make = make_uuid, .parent = RANDOM },
	CONSTANT_FILE(KERNEL, "cap_last_cap", last_capability),
	CONSTANT_FILE(KERNEL, "core_pattern", core_name),
	CONSTANT_FILE(KERNEL, "core_uses_pid", zero),
	{ .name = "domainname", .mode = REG | 0644, .make = make_domainname, .write = write_domainname, .parent = KERNEL },
	{ .name = "hostname", .mode = REG | 0644, .make = make_hostname, .write = write_hostname, .parent = KERNEL },
	SETTING_FILE(KERNEL, "msgmax", MSG_SIZE),
	SETTING_FILE(KERNEL, "msgmnb", MSG_BYTES),
	SETTING_FILE(KERNEL, "msgmni", MSG_QUEUES),
	CONSTANT_FILE(KERNEL, "ngroups_max", groups_max),
	CONSTANT_FILE(KERNEL, "osrelease", release),
	CONSTANT_FILE(KERNEL, "ostype", system_name),
	CONSTANT_FILE(KERNEL, "overflowgid", nobody),
	CONSTANT_FILE(KERNEL, "overflowuid", nobody),
	SETTING_FILE(KERNEL, "pid_max", PID_MAX),
	CONSTANT_FILE(KERNEL, "randomize_va_space", zero),
	SETTINGS_FILE(KERNEL, "sem", SEM_PER_SET, 4),
	SETTING_FILE(KERNEL, "shmall", SHM_PAGES),
	SETTING_FILE(KERNEL, "shmmax", SHM_SIZE),
	SETTING_FILE(KERNEL, "shmmni", SHM_SEGMENTS),
	CONSTANT_FILE(KERNEL, "tainted", zero),
	SETTING_FILE(KERNEL, "threads-max", TASKS),
	CONSTANT_FILE(KERNEL, "version", build),
	CONSTANT_FILE(NET_CORE, "rmem_default", buffer_limit),
	CONSTANT_FILE(NET_CORE, "rmem_max", buffer_limit),
	SETTING_FILE(NET_CORE, "somaxconn", SOCKET_BACKLOG),
	CONSTANT_FILE(NET_CORE, "wmem_default", buffer_limit),
	CONSTANT_FILE(NET_CORE, "wmem_max", buffer_limit),
	CONSTANT_FILE(NET_IPV4, "ip_forward", zero),
	SETTINGS_FILE(NET_IPV4, "ip_local_port_range", PORT_FIRST, 2),
	SETTING_FILE(NET_IPV4, "ip_unprivileged_port_start", PORT_UNPRIVILEGED),
	SETTING_FILE(VM, "max_map_count", MAP_COUNT),
	CONSTANT_FILE(VM, "overcommit_memory", zero),
	{ .name = "audit", .mode = REG | 0444, .make = make_audit, .parent = UXRT },
	{ .name = "charges", .mode = REG | 0444, .make = make_charges, .parent = UXRT },
	{ .name = "counters", .mode = REG | 0444, .make = make_counters, .parent = UXRT },
	{ .name = "objects", .mode = REG | 0444, .make = make_objects, .parent = UXRT },
};
const unsigned fixed_count = ARRAY_SIZE(fixed_rows);

bool place_in_settings(const struct place *place)
{
	unsigned index = place->index;

	while (place->kind == NODE_FIXED && index != ROOT && index != SYS)
		index = fixed_rows[index].parent;
	return place->kind == NODE_FIXED && index == SYS;
}

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

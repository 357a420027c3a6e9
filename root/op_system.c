/* Requests about the whole system: log, counts, memory, clock, names, the end. */
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "root/load.h"
#include "root/log.h"
#include "root/names.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/policy.h"
#include "root/priority.h"
#include "root/root.h"
#include "root/services.h"

/*
 * The log goes out byte by byte while everybody waits, so nobody may fill it: LOG_BURST lines at once and then one each LOG_LINE_NS. Programs share
 * one allowance, since a program can make more programs; a service has its own. What was left out is counted. strace= asks for all of it.
 */
#define LOG_BURST   64
#define LOG_LINE_NS 50000000ul
#define LOG_BYTES   512

static bool log_allowed(struct log_allowance *a)
{
	u64 now = now_ns(), lines = (now - a->since) / LOG_LINE_NS;

	a->used -= MIN(lines, a->used);
	a->since = a->used ? a->since + lines * LOG_LINE_NS : now;
	if (a->used == LOG_BURST) {
		a->dropped++;
		return false;
	}
	a->used++;
	if (a->dropped)
		root_log(LOG_WARNING, "%lu lines were left out here", a->dropped);
	a->dropped = 0;
	return true;
}

long op_LOG(struct request *request)
{
	static struct log_allowance programs;
	const struct process *process = request->caller->process;
	struct service *service = service_get(process->service);
	u8 *text = root_message()->data;
	u64 length = MIN((u64)request->bytes, (u64)LOG_BYTES);

	if (request->m[0] > LOG_DEBUG)
		return -EINVAL;
	if (!process->trace && !log_allowed(service ? &service->log : &programs))
		return -EAGAIN;
	/* A line is one line, and nothing that a terminal would obey. */
	for (u64 i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	KCALL3(system_log, SYS(ROOT_SLOT_SYSTEM), length, request->m[0]);
	return 0;
}

long op_SYSTEM_INFO(struct request *request)
{
	if (KCALL1(system_info, SYS(ROOT_SLOT_SYSTEM)))
		return -EIO;
	request->out_bytes = sizeof(struct system_info);
	request->out[1] = memory_counts.by_type[PAGE_ANON];
	request->out[2] = memory_counts.by_type[PAGE_OBJECT];
	request->out[3] = memory_counts.by_type[PAGE_TABLE];
	request->out[4] = memory_counts.by_type[PAGE_PINNED];
	request->out[5] = memory_counts.by_type[PAGE_HEAP];
	request->out[6] = memory_counts.slots_used;
	request->out[7] = memory_counts.heap_bytes;
	return 0;
}

long op_CHARGES(struct request *request)
{
	struct charge_info charges[ROLE_COUNT] = {
#define X(name, number, text) [number].role = text,
		ROLES(X)
#undef X
	};

	if (!request->service)
		return -EPERM;
	for (u32 role = 0; role < ROLE_COUNT; role++) {
		charges[role].objects = object_charge_of(role)->objects;
		charges[role].object_pages = object_charge_of(role)->pages;
		charges[role].overrun_ns = deadline_overrun(role);
	}
	list_for_each_entry(p, &process_list, struct process, all) {
		charges[p->role].processes++;
		charges[p->role].threads += p->thread_count;
	}
	memcpy(root_message()->data, charges, sizeof(charges));
	request->out_bytes = sizeof(charges);
	return ROLE_COUNT;
}

long op_MEMORY_INFO(struct request *request)
{
	request->out[1] = memory_counts.total_pages << PAGE_SHIFT;
	request->out[2] = memory_counts.free_pages << PAGE_SHIFT;
	request->out[3] = memory_counts.by_type[PAGE_OBJECT] << PAGE_SHIFT;
	request->out[4] = thread_total;
	load_averages(&request->out[5]);
	return 0;
}

#define REBOOT_RESTART   0x01234567u
#define REBOOT_HALT      0xcdef0123u
#define REBOOT_POWER_OFF 0x4321fedcu
#define EXIT_RESTART     0x100

/* Writes to the control files that these requests stand for, until there are such files. */
static bool may_control(const struct request *request, enum capability capability)
{
	static const char file[] = "/sys/control";

	return process_capable(request->caller->process, capability) && policy_allows(request->caller->process->role, file, sizeof(file) - 1, POLICY_WRITE);
}

long op_REBOOT(struct request *request)
{
	if (!may_control(request, CAPABILITY_SYS_BOOT))
		return -EPERM;
	switch ((u32)request->m[0]) {
	case REBOOT_RESTART:
		return KCALL2(system_exit, SYS(ROOT_SLOT_SYSTEM), EXIT_RESTART) ? -EIO : 0;
	case REBOOT_HALT:
	case REBOOT_POWER_OFF:
		return KCALL2(system_exit, SYS(ROOT_SLOT_SYSTEM), 0) ? -EIO : 0;
	case 0x89abcdef: /* Ctrl-Alt-Del on and off: there is none */
	case 0:
		return 0;
	default:
		return -EINVAL;
	}
}

long op_SET_TIME(struct request *request)
{
	if (!may_control(request, CAPABILITY_SYS_TIME))
		return -EPERM;
	if (KCALL2(system_set_clock, SYS(ROOT_SLOT_SYSTEM), request->m[0] - now_ns()))
		return -EPERM;
	services_clock_set();
	return 0;
}

/* ---- names ---- */

#define NODE_NAME_MAX 64

static char host_name[NODE_NAME_MAX + 1] = "uxrt", domain_name[NODE_NAME_MAX + 1] = "(none)";

long op_HOSTNAME(struct request *request)
{
	char *name = request->m[1] ? domain_name : host_name;

	if (request->m[0]) {
		if (!may_control(request, CAPABILITY_SYS_ADMIN))
			return -EPERM;
		if (request->bytes > NODE_NAME_MAX)
			return -EINVAL;
		memcpy(name, root_message()->data, request->bytes);
		name[request->bytes] = 0;
		return 0;
	}
	request->out_bytes = strlen(name);
	memcpy(root_message()->data, name, request->out_bytes);
	return request->out_bytes;
}

long op_MOUNTS(struct request *request)
{
	char *out = (char *)root_message()->data;
	const struct mount *m;
	size_t n = 0;

	/* Shortest path first, as they were mounted; the table has the longest first. */
	unsigned count = 0;

	while (mount_nth(count))
		count++;
	while (count--) {
		m = mount_nth(count);
		if (mount_hidden(m))
			continue;
		if (n + m->length + 96 > MESSAGE_BYTES)
			break;
		n += snformat(out + n, MESSAGE_BYTES - n, "%s %s %s rw,relatime 0 0\n", service_get(m->service)->name, m->path,
			      service_get(m->service)->name);
	}
	request->out_bytes = n;
	return n;
}

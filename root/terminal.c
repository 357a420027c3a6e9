/*
 * Which process has which controlling terminal, as the servers of terminals say. A terminal's server knows its session and foreground group;
 * who in the session has it is a fact about processes: fork copies it, setsid drops it.
 */
#include "root/terminal.h"

#include "lib/errno.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/root.h"
#include "root/services.h"
#include "root/signal.h"

static const struct linux_siginfo *by_kernel(unsigned signal)
{
	static struct linux_siginfo info;

	info = (struct linux_siginfo){ .signo = signal, .code = SI_CODE_KERNEL };
	return &info;
}

void terminal_leave(struct process *process)
{
	process->terminal = (struct terminal){ .group = -1 };
}

static void leave(struct process *process)
{
	terminal_leave(process);
	process_publish(process);
}

void terminal_leader_ended(const struct process *leader)
{
	const struct terminal *terminal = &leader->terminal;

	if (terminal->device) {
		service_session_ended(terminal->service);
	} else if (terminal->old_group) {
		signal_group(terminal->old_group, SIGNAL_HUP, by_kernel(SIGNAL_HUP));
		signal_group(terminal->old_group, SIGNAL_CONT, by_kernel(SIGNAL_CONT));
	}
}

void terminal_service_ended(u16 service)
{
	list_for_each_entry(p, &process_list, struct process, all)
		if (p->terminal.device && p->terminal.service == service)
			leave(p);
}

/* ---- operations ---- */

static struct process *alive_in_group(u32 pgid)
{
	list_for_each_entry(p, &process_list, struct process, all)
		if (p->pgid == pgid && p->state == PROCESS_ALIVE)
			return p;
	return NULL;
}

long op_TTY_SIGNAL(struct request *request)
{
	u32 id = request->m[0];
	unsigned signal = request->m[1];
	struct process *process;

	if (!service_may(request->caller->process, SERVICE_TERMINALS))
		return -EPERM;
	if (!signal || signal > SIGNALS)
		return -EINVAL;
	process = request->m[2] ? process_find(id) : alive_in_group(id);
	if (!process || process->state != PROCESS_ALIVE)
		return -ESRCH;
	if (request->m[2])
		signal_process(process, signal, by_kernel(signal));
	else
		signal_group(id, signal, by_kernel(signal));
	return 0;
}

long op_ORPHANED(struct request *request)
{
	return service_may(request->caller->process, SERVICE_TERMINALS) ? group_orphaned(request->m[0]) : -EPERM;
}

static long acquire(const struct request *request)
{
	struct process *p = process_find(request->m[3]);

	if (!p || p->sid != request->m[0])
		return -ESRCH;
	p->terminal = (struct terminal){ .device = request->m[1], .group = (int)request->m[2], .service = request->service };
	process_publish(p);
	return 0;
}

static void new_foreground(const struct request *request)
{
	list_for_each_entry(p, &process_list, struct process, all)
		if (p->terminal.device == request->m[1] && p->terminal.service == request->service)
			p->terminal.group = (int)request->m[2];
}

static void release(const struct request *request)
{
	u32 old_group = request->m[2], only = request->m[3];

	list_for_each_entry(p, &process_list, struct process, all) {
		if (p->sid != request->m[0] || (only && p->pid != only))
			continue;
		if (p->terminal.device && p->terminal.service == request->service)
			leave(p);
		if (old_group && p->pid == p->sid)
			p->terminal.old_group = old_group;
	}
}

long op_SESSION_TTY(struct request *request)
{
	if (!request->service || !service_may(request->caller->process, SERVICE_TERMINALS))
		return -EPERM;
	if (request->m[1] && request->m[3])
		return acquire(request);
	if (request->m[1])
		new_foreground(request);
	else
		release(request);
	return 0;
}

long op_HANG_UP(struct request *request)
{
	const struct process *process = request->caller->process;
	const struct service *service = service_get(process->terminal.service);
	u64 m[MESSAGE_WORDS] = { 0 };

	if (!process_capable(process, CAPABILITY_TTY_CONFIG))
		return -EPERM;
	if (!process->terminal.device || !service->ready)
		return 0;
	return request_forward(request->caller, request->reply, SYS(service->endpoint.slot), INFO(PROC_HANG_UP, 0), m) ? -EIO : RESULT_LATER;
}

/*
 * Semaphore sets. A request's operations are tried in order and taken back if one cannot be done; then the request waits, and whenever a value changes
 * the waiting ones are tried again, the oldest first. What SEM_UNDO owes is kept by process and paid when the process has ended.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/ipc/ipc.h"

enum { GETPID = 11, GETVAL, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL, SEM_STAT, SEM_INFO, SEM_STAT_ANY };

#define SEM_UNDO 0x1000
#define VALUE_MAX 32767
#define PER_SET_MAX 65536 /* the most that kernel.sem can have */
#define SEMAPHORES_NAMED 1024000000 /* Linux tells this, and does not use it */

struct semaphore {
	int value, pid;
};

struct set {
	struct ipc_object base;
	unsigned count;
	long operated_at, changed_at;
	struct list_node waiters; /* struct waiter */
	struct list_node undos;   /* struct undo, one a process */
	struct semaphore at[];
};

struct undo {
	struct list_node link;
	unsigned pid, count;
	short adjust[];           /* added when the process ends */
};

struct waiter {
	struct list_node link;
	struct request *request;
	struct set *set;
	unsigned pid, count;
	const struct ipc_sem_operation *blocked; /* the one that could not be done */
	struct ipc_sem_operation operations[];
};

static struct ipc_table table = { .last_index = ~0u };
static unsigned total;

static struct set *set_of(struct ipc_object *object)
{
	return (struct set *)object;
}

static size_t set_size(unsigned count)
{
	return sizeof(struct set) + count * sizeof(struct semaphore);
}

static size_t undo_size(unsigned count)
{
	return sizeof(struct undo) + count * sizeof(short);
}

static size_t waiter_size(unsigned count)
{
	return sizeof(struct waiter) + count * sizeof(struct ipc_sem_operation);
}

/* ---- trying ---- */

static struct undo *undo_find(const struct set *set, unsigned pid)
{
	list_for_each_entry(undo, &set->undos, struct undo, link)
		if (undo->pid == pid)
			return undo;
	return NULL;
}

static struct undo *undo_get(struct set *set, unsigned pid)
{
	struct undo *undo = undo_find(set, pid);

	if (undo)
		return undo;
	undo = memory_take(undo_size(set->count));
	if (!undo)
		return NULL;
	undo->pid = pid;
	undo->count = set->count;
	list_push_back(&set->undos, &undo->link);
	return undo;
}

static bool undo_fits(const struct undo *undo, const struct ipc_sem_operation *op)
{
	int adjust = undo->adjust[op->number] - op->operation;

	return adjust >= -VALUE_MAX - 1 && adjust <= VALUE_MAX;
}

/* 0: done. 1: must wait. -ERANGE. */
static long try_one(struct set *set, const struct ipc_sem_operation *op, struct undo *undo)
{
	struct semaphore *s = &set->at[op->number];
	int result = s->value + op->operation;

	if (!op->operation)
		return s->value != 0;
	if (result < 0)
		return 1;
	if (result > VALUE_MAX || (op->flags & SEM_UNDO && !undo_fits(undo, op)))
		return -ERANGE;
	s->value = result;
	if (op->flags & SEM_UNDO)
		undo->adjust[op->number] = (short)(undo->adjust[op->number] - op->operation);
	return 0;
}

static void take_back(struct set *set, const struct ipc_sem_operation *ops, unsigned count, struct undo *undo)
{
	while (count--) {
		set->at[ops[count].number].value -= ops[count].operation;
		if (ops[count].flags & SEM_UNDO)
			undo->adjust[ops[count].number] = (short)(undo->adjust[ops[count].number] + ops[count].operation);
	}
}

/* As try_one, for all; *blocked is the one that must wait. */
static long try_all(struct set *set, const struct ipc_sem_operation *ops, unsigned count, unsigned pid, struct undo *undo,
		    const struct ipc_sem_operation **blocked)
{
	for (unsigned i = 0; i < count; i++) {
		long result = try_one(set, &ops[i], undo);

		if (!result)
			continue;
		take_back(set, ops, i, undo);
		*blocked = &ops[i];
		return result;
	}
	for (unsigned i = 0; i < count; i++)
		set->at[ops[i].number].pid = (int)pid;
	return 0;
}

/* ---- waiting ---- */

static void waiter_free(struct waiter *waiter)
{
	list_remove(&waiter->link);
	memory_free(waiter, waiter_size(waiter->count));
}

static void waiter_answer(struct waiter *waiter, long result)
{
	struct request *request = waiter->request;

	waiter_free(waiter);
	request_answer(request, result);
}

/* True: it has been answered. */
static bool try_waiter(struct waiter *waiter)
{
	struct set *set = waiter->set;
	long result = try_all(set, waiter->operations, waiter->count, waiter->pid, undo_find(set, waiter->pid), &waiter->blocked);

	if (result == 1)
		return false;
	if (!result)
		set->operated_at = ipc_seconds();
	waiter_answer(waiter, result);
	return true;
}

/* A value has changed. Each that goes on may let another. */
static void pump(struct set *set)
{
	bool again;

	do {
		again = false;
		list_for_each_entry_safe(waiter, &set->waiters, struct waiter, link)
			again |= try_waiter(waiter);
	} while (again);
}

static long cancel(struct request *request, unsigned reason)
{
	waiter_free(request->context);
	return reason == CANCEL_TIMED_OUT ? -EAGAIN : -EINTR;
}

static long wait_for(struct request *request, struct set *set, const struct ipc_sem_operation *ops, unsigned count, unsigned pid)
{
	struct waiter *waiter = memory_take(waiter_size(count));
	long kept;

	if (!waiter)
		return -ENOMEM;
	kept = request_wait(request, cancel);
	if (kept != REQUEST_KEPT) {
		memory_free(waiter, waiter_size(count));
		return kept;
	}
	*waiter = (struct waiter){ .request = request, .set = set, .pid = pid, .count = count };
	memcpy(waiter->operations, ops, count * sizeof(*ops));
	waiter->blocked = waiter->operations;
	request->context = waiter;
	list_push_back(&set->waiters, &waiter->link);
	return REQUEST_KEPT;
}

/* ---- operating ---- */

/* What the operations ask for. -EFBIG: a number that the set has not. */
static long decode(const struct set *set, const struct ipc_sem_operation *ops, unsigned count, bool *alters, bool *undoes)
{
	*alters = *undoes = false;
	for (unsigned i = 0; i < count; i++) {
		if (ops[i].number >= set->count)
			return -EFBIG;
		*alters |= ops[i].operation != 0;
		*undoes |= (ops[i].flags & SEM_UNDO) && ops[i].operation;
	}
	return 0;
}

static long operate(struct request *request)
{
	static struct ipc_sem_operation ops[SEM_OPERATIONS_MAX];
	struct ipc_caller who = ipc_caller(request);
	struct set *set = set_of(ipc_find(&table, (int)request->m[0]));
	unsigned count = (unsigned)request->m[1];
	const struct ipc_sem_operation *blocked = NULL;
	struct undo *undo = NULL;
	bool alters, undoes;
	long result;

	if (count > setting(SETTING_SEM_OPERATIONS))
		return -E2BIG;
	if (!count || count > SEM_OPERATIONS_MAX || count * sizeof(*ops) > request->bytes || !set)
		return -EINVAL;
	memcpy(ops, serve_message->data, count * sizeof(*ops));
	result = decode(set, ops, count, &alters, &undoes);
	if (!result)
		result = ipc_permit(&set->base, &who, alters ? 2 : 4);
	if (!result && undoes && !(undo = undo_get(set, who.pid)))
		result = -ENOMEM;
	if (!result)
		result = try_all(set, ops, count, who.pid, undo ? undo : undo_find(set, who.pid), &blocked);
	if (result < 0)
		return result;
	if (result == 1)
		return blocked->flags & IPC_NOWAIT ? -EAGAIN : wait_for(request, set, ops, count, who.pid);
	set->operated_at = ipc_seconds();
	if (alters)
		pump(set);
	return 0;
}

/* ---- undoing ---- */

static void undo_free(struct undo *undo)
{
	list_remove(&undo->link);
	memory_free(undo, undo_size(undo->count));
}

/* The process is gone: values are kept between 0 and the most, as Linux does it. */
static void pay(struct set *set, struct undo *undo)
{
	for (unsigned i = 0; i < set->count; i++) {
		struct semaphore *s = &set->at[i];

		if (!undo->adjust[i])
			continue;
		s->value = MIN(MAX(s->value + undo->adjust[i], 0), VALUE_MAX);
		s->pid = (int)undo->pid;
	}
	undo_free(undo);
	set->operated_at = ipc_seconds();
	pump(set);
}

static struct undo *undo_of_dead(const struct set *set)
{
	list_for_each_entry(undo, &set->undos, struct undo, link)
		if (!process_alive(undo->pid))
			return undo;
	return NULL;
}

void sem_sweep(void)
{
	for (unsigned i = 0; i < table.size; i++) {
		struct set *set = set_of(table.slot[i]);
		struct undo *undo;

		while (set && (undo = undo_of_dead(set)))
			pay(set, undo);
	}
}

/* SETVAL and SETALL forget what is owed. */
static void forget_undos(struct set *set, unsigned first, unsigned count)
{
	list_for_each_entry(undo, &set->undos, struct undo, link)
		memset(&undo->adjust[first], 0, count * sizeof(undo->adjust[0]));
}

/* ---- making, removing ---- */

static long make(const struct ipc_caller *who, int key, u64 count, unsigned flags)
{
	struct set *set;
	long result;

	if (!count)
		return -EINVAL;
	if (count + total > setting(SETTING_SEM_ALL))
		return -ENOSPC;
	set = memory_take(set_size((unsigned)count));
	if (!set)
		return -ENOMEM;
	set->count = (unsigned)count;
	set->changed_at = ipc_seconds();
	list_init(&set->waiters);
	list_init(&set->undos);
	result = ipc_add(&table, setting(SETTING_SEM_SETS), &set->base, who, key, flags);
	if (result < 0)
		memory_free(set, set_size((unsigned)count));
	else
		total += (unsigned)count;
	return result;
}

static long get(struct request *request)
{
	struct ipc_caller who = ipc_caller(request);
	struct ipc_object *found;
	bool fresh;
	long result;

	if ((int)request->m[1] < 0 || (unsigned)request->m[1] > MIN(setting(SETTING_SEM_PER_SET), (u64)PER_SET_MAX))
		return -EINVAL;
	result = ipc_find_key(&table, &who, (int)request->m[0], (unsigned)request->m[2], &found, &fresh);
	if (fresh)
		return make(&who, (int)request->m[0], (unsigned)request->m[1], (unsigned)request->m[2]);
	return result >= 0 && (unsigned)request->m[1] > set_of(found)->count ? -EINVAL : result;
}

static long remove(struct set *set)
{
	struct waiter *waiter;
	struct undo *undo;

	ipc_remove(&table, &set->base);
	while ((waiter = list_first_entry(&set->waiters, struct waiter, link)))
		waiter_answer(waiter, -EIDRM);
	while ((undo = list_first_entry(&set->undos, struct undo, link)))
		undo_free(undo);
	total -= set->count;
	memory_free(set, set_size(set->count));
	return 0;
}

/* ---- control ---- */

static long give_stat(struct request *request, const struct set *set, long result)
{
	struct ipc_sem stat = { .permissions = set->base.permissions, .operation_time = set->operated_at, .change_time = set->changed_at,
				.count = set->count };

	return ipc_give(request, &stat, sizeof(stat), result);
}

static unsigned waiting_for(const struct set *set, unsigned number, bool zero)
{
	unsigned count = 0;

	list_for_each_entry(waiter, &set->waiters, struct waiter, link)
		count += waiter->blocked->number == number && (waiter->blocked->operation == 0) == zero;
	return count;
}

static void set_value(struct request *request, struct set *set, unsigned number, int value)
{
	set->at[number].value = value;
	set->at[number].pid = (int)ipc_caller(request).pid;
	set->changed_at = ipc_seconds();
}

static long set_one(struct request *request, struct set *set, unsigned number, int value)
{
	if (value < 0 || value > VALUE_MAX)
		return -ERANGE;
	forget_undos(set, number, 1);
	set_value(request, set, number, value);
	pump(set);
	return 0;
}

static long give_all(struct request *request, const struct set *set)
{
	for (unsigned i = 0; i < set->count; i++) {
		unsigned short value = (unsigned short)set->at[i].value;

		if (request_give(request, &value, sizeof(value)) < sizeof(value)) {
			request->moved = 0;
			return 0;
		}
	}
	return 0;
}

static long set_all(struct request *request, struct set *set)
{
	static unsigned short values[PER_SET_MAX];
	size_t size = set->count * sizeof(values[0]);

	if (request_take(request, values, size) < size) {
		request->moved = 0;
		return 0;
	}
	for (unsigned i = 0; i < set->count; i++)
		if (values[i] > VALUE_MAX)
			return -ERANGE;
	forget_undos(set, 0, set->count);
	for (unsigned i = 0; i < set->count; i++)
		set_value(request, set, i, values[i]);
	pump(set);
	return 0;
}

/* Commands on one semaphore or on all, with the right that they need. */
static long values(struct request *request, unsigned command)
{
	struct ipc_caller who = ipc_caller(request);
	struct set *set = set_of(ipc_find(&table, (int)request->m[0]));
	unsigned number = (unsigned)request->m[1];
	long error;

	if (!set)
		return -EINVAL;
	error = ipc_permit(&set->base, &who, command == SETVAL || command == SETALL ? 2 : 4);
	if (error)
		return error;
	if (command == GETALL)
		return give_all(request, set);
	if (command == SETALL)
		return set_all(request, set);
	if (number >= set->count)
		return -EINVAL;
	switch (command) {
	case GETVAL:
		return set->at[number].value;
	case GETPID:
		return set->at[number].pid;
	case SETVAL:
		return set_one(request, set, number, (int)request->m[3]);
	default:
		return waiting_for(set, number, command == GETZCNT);
	}
}

static long change(struct request *request, unsigned command)
{
	struct ipc_caller who = ipc_caller(request);
	struct set *set = set_of(ipc_find(&table, (int)request->m[0]));
	struct ipc_sem from;
	long error = set ? ipc_permit_owner(&set->base, &who) : -EINVAL;

	if (error)
		return error;
	if (command == IPC_RMID)
		return remove(set);
	if (request->bytes < sizeof(from))
		return -EINVAL;
	memcpy(&from, serve_message->data, sizeof(from));
	ipc_set(&set->base, &from.permissions);
	set->changed_at = ipc_seconds();
	return 0;
}

static long give_limits(struct request *request, bool now)
{
	struct ipc_sem_limits limits = {
		.map = SEMAPHORES_NAMED, .sets = (int)setting(SETTING_SEM_SETS), .semaphores = (int)setting(SETTING_SEM_ALL),
		.undo_structures = SEMAPHORES_NAMED, .per_set = (int)setting(SETTING_SEM_PER_SET), .per_call = (int)setting(SETTING_SEM_OPERATIONS),
		.undo_entries = SEM_OPERATIONS_MAX, .undo_size = now ? (int)table.used : 20, .value_max = VALUE_MAX,
		.adjust_max = now ? (int)total : VALUE_MAX,
	};

	return ipc_give(request, &limits, sizeof(limits), ipc_last_index(&table));
}

static long stat_by(struct request *request, struct ipc_object *object, bool any, long result)
{
	struct ipc_caller who = ipc_caller(request);
	long error = object ? 0 : -EINVAL;

	if (!error && !any)
		error = ipc_permit(object, &who, 4);
	return error ? error : give_stat(request, set_of(object), result);
}

static long control(struct request *request)
{
	unsigned command = (unsigned)request->m[2];
	struct ipc_object *at;

	switch (command) {
	case IPC_INFO:
	case SEM_INFO:
		return give_limits(request, command == SEM_INFO);
	case SEM_STAT:
	case SEM_STAT_ANY:
		at = ipc_at(&table, (int)request->m[0]);
		return stat_by(request, at, command == SEM_STAT_ANY, at ? at->id : 0);
	case IPC_STAT:
		return stat_by(request, ipc_find(&table, (int)request->m[0]), false, 0);
	case IPC_SET:
	case IPC_RMID:
		return change(request, command);
	case GETPID: case GETVAL: case GETALL: case GETNCNT: case GETZCNT: case SETVAL: case SETALL:
		return values(request, command);
	}
	return -EINVAL;
}

long sem_message(struct request *request)
{
	switch (request->label) {
	case FILE_SEM_GET:
		return get(request);
	case FILE_SEM_OPERATE:
		return operate(request);
	default:
		return control(request);
	}
}

void sem_text(struct text *text)
{
	text_add(text, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	for (unsigned i = 0; i < table.size; i++) {
		const struct set *set = set_of(table.slot[i]);

		if (!set)
			continue;
		const struct ipc_permissions *p = &set->base.permissions;

		text_add(text, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lu %10lu\n", p->key, set->base.id, p->mode, set->count, p->uid, p->gid, p->cuid,
			 p->cgid, set->operated_at, set->changed_at);
	}
}

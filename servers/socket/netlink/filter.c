/*
 * The small programs by which a dump of sockets is asked to show only some (INET_DIAG_REQ_BYTECODE). Each of their operations is a test that goes on forward, by
 * one distance if it is true, by another if not; a socket passes if that leads to the very end. They are checked before they are used: every operation lies
 * within the program, and every jump leads to the beginning of one, to the end, or just beyond it, so a program makes at most as many steps as it has operations.
 */
#include "servers/socket/netlink/netlink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/inet.h"

#include <linux/inet_diag.h>

#define CODE_MAX 2048u     /* bytes of one */
#define HELD_MAX 0x80000u  /* of all; a user has what is fair of it (users.h) */
#define UNIT     4u        /* bytes that every distance is a multiple of; the size of a bare operation */

struct netlink_bytecode {
	size_t size;
	u32 user;              /* against whom it counts */
	u8 bytes[];
};

static struct users held; /* bytes of each */

static struct inet_diag_bc_op operation_at(const struct netlink_bytecode *code, size_t at)
{
	struct inet_diag_bc_op operation;

	memcpy(&operation, code->bytes + at, sizeof(operation));
	return operation;
}

/* ---- checking ---- */

static size_t size_of_condition(const struct netlink_bytecode *code, size_t at)
{
	struct inet_diag_hostcond condition;
	size_t size = UNIT + sizeof(condition), ip;

	if (code->size - at < size)
		return 0;
	memcpy(&condition, code->bytes + at + UNIT, sizeof(condition));
	ip = condition.family == LINUX_AF_INET ? 4 : condition.family == LINUX_AF_INET6 ? 16 : 0;
	if ((!ip && condition.family != LINUX_AF_UNSPEC) || condition.prefix_len > ip * 8)
		return 0;
	return size + ip;
}

/* Of the operation with what belongs to it; 0: it is none. */
static size_t size_of_operation(const struct netlink_bytecode *code, size_t at, unsigned operation)
{
	switch (operation) {
	case INET_DIAG_BC_NOP: case INET_DIAG_BC_JMP: case INET_DIAG_BC_AUTO:
		return UNIT;
	case INET_DIAG_BC_S_GE: case INET_DIAG_BC_S_LE: case INET_DIAG_BC_D_GE: case INET_DIAG_BC_D_LE:
	case INET_DIAG_BC_S_EQ: case INET_DIAG_BC_D_EQ: case INET_DIAG_BC_DEV_COND:
		return 2 * UNIT;
	case INET_DIAG_BC_MARK_COND:
		return UNIT + sizeof(struct inet_diag_markcond);
	case INET_DIAG_BC_CGROUP_COND:
		return UNIT + sizeof(u64);
	case INET_DIAG_BC_S_COND: case INET_DIAG_BC_D_COND:
		return size_of_condition(code, at);
	default:
		return 0;
	}
}

/* The program in order: where its operations begin. False: it is none. */
static bool find_starts(const struct netlink_bytecode *code, bool privileged, bool starts[CODE_MAX / UNIT + 2])
{
	size_t at = 0;

	while (at < code->size) {
		struct inet_diag_bc_op operation;
		size_t size;

		if (code->size - at < UNIT)
			return false;
		operation = operation_at(code, at);
		size = size_of_operation(code, at, operation.code);
		if (!size || code->size - at < size || operation.yes < size || operation.yes % UNIT)
			return false;
		if (operation.code == INET_DIAG_BC_MARK_COND && !privileged)
			return false;
		starts[at / UNIT] = true;
		at += operation.yes;
	}
	/* An end that is jumped over is one, too: the way there fails. */
	starts[code->size / UNIT] = starts[code->size / UNIT + 1] = true;
	return at == code->size;
}

static bool check(const struct netlink_bytecode *code, bool privileged)
{
	bool starts[CODE_MAX / UNIT + 2] = { false };

	if (code->size % UNIT || !find_starts(code, privileged, starts))
		return false;
	for (size_t at = 0; at < code->size; at += UNIT) {
		struct inet_diag_bc_op operation = operation_at(code, at);

		if (!starts[at / UNIT] || operation.code == INET_DIAG_BC_NOP)
			continue;
		if (operation.no < UNIT || operation.no % UNIT || operation.no > code->size - at + UNIT || !starts[(at + operation.no) / UNIT])
			return false;
	}
	return true;
}

long netlink_bytecode_take(struct netlink_request *request, const struct netlink_attribute *attribute, struct netlink_bytecode **code)
{
	u32 user = request->from->socket->user;
	struct netlink_bytecode *new;

	if (attribute->size > CODE_MAX)
		return netlink_fail(request, -EMSGSIZE, "Filter is too long");
	if (!users_is_fair(&held, user, attribute->size, HELD_MAX))
		return netlink_fail(request, -ENOMEM, "The user's other dumps hold too many filters");
	new = memory_take(sizeof(*new) + attribute->size);
	if (!new)
		return -ENOMEM;
	if (!users_add(&held, user, (s64)attribute->size)) {
		memory_free(new, sizeof(*new) + attribute->size);
		return -ENOMEM;
	}
	new->size = attribute->size;
	new->user = user;
	memcpy(new->bytes, attribute->data, attribute->size);
	if (check(new, request->privileged)) {
		*code = new;
		return 0;
	}
	netlink_bytecode_free(new);
	return -EINVAL;
}

void netlink_bytecode_free(struct netlink_bytecode *code)
{
	if (!code)
		return;
	users_add(&held, code->user, -(s64)code->size);
	memory_free(code, sizeof(*code) + code->size);
}

/* ---- running ---- */

static bool same_bits(const u8 *one, const u8 *two, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(one, two, bits / 8))
		return false;
	return !rest || (one[bits / 8] ^ two[bits / 8]) >> (8 - rest) == 0;
}

static bool condition_holds(const u8 *bytes, const struct socket *socket, const struct inet_name *name)
{
	struct inet_diag_hostcond condition;
	const u8 *ip = inet_is_six(socket) ? name->ip : name->ip + 12;

	memcpy(&condition, bytes, sizeof(condition));
	if (condition.port != -1 && condition.port != name->port)
		return false;
	if (condition.family != LINUX_AF_UNSPEC && condition.family != socket->domain) {
		if (condition.family != LINUX_AF_INET || !inet_is_mapped(name->ip))
			return false;
		ip = name->ip + 12;
	}
	return same_bits(ip, bytes + sizeof(condition), condition.prefix_len);
}

/* Numbers behind an operation: ports are in the place of a distance. */
static bool holds(unsigned operation, const u8 *bytes, const struct socket *socket)
{
	const struct inet *inet = inet_of(socket);
	struct inet_diag_bc_op argument = { .code = 0 };
	struct inet_diag_markcond mark = { 0, 0 };
	u64 group = 0;

	switch (operation) {
	case INET_DIAG_BC_NOP: return true;
	case INET_DIAG_BC_AUTO: return !inet->port_bound;
	case INET_DIAG_BC_S_COND: return condition_holds(bytes, socket, &inet->local);
	case INET_DIAG_BC_D_COND: return condition_holds(bytes, socket, &inet->remote);
	case INET_DIAG_BC_MARK_COND:
		memcpy(&mark, bytes, sizeof(mark));
		return mark.mark == 0;
	case INET_DIAG_BC_CGROUP_COND:
		memcpy(&group, bytes, sizeof(group));
		return group == 0;
	case INET_DIAG_BC_JMP:
		return false;
	}
	memcpy(&argument, bytes, sizeof(argument));
	switch (operation) {
	case INET_DIAG_BC_S_GE: return inet->local.port >= argument.no;
	case INET_DIAG_BC_S_LE: return inet->local.port <= argument.no;
	case INET_DIAG_BC_S_EQ: return inet->local.port == argument.no;
	case INET_DIAG_BC_D_GE: return inet->remote.port >= argument.no;
	case INET_DIAG_BC_D_LE: return inet->remote.port <= argument.no;
	case INET_DIAG_BC_D_EQ: return inet->remote.port == argument.no;
	case INET_DIAG_BC_DEV_COND: return !argument.code && !argument.yes && !argument.no; /* no socket is bound to an interface */
	default: return false;
	}
}

bool netlink_bytecode_passes(const struct netlink_bytecode *code, const struct socket *socket)
{
	size_t at = 0;

	while (at < code->size) {
		struct inet_diag_bc_op operation = operation_at(code, at);

		netlink_work++;
		at += holds(operation.code, code->bytes + at + UNIT, socket) ? operation.yes : operation.no;
	}
	return at == code->size;
}

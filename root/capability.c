/*
 * Linux's capability sets. Uid 0 has no power of its own, and neither have they: a role's rules say what files are opened, and between processes of a
 * role a set grants what Linux asks that capability for and root knows (permission.h), no more. Programs see them change as Linux has it: with
 * ids (capabilities(7), "Effect of user ID changes"), with exec, by capset and prctl. A file gives none.
 */
#include "lib/errno.h"
#include "root/operations.h"
#include "root/permission.h"

#define SECURE_NOROOT           (1u << 0)
#define SECURE_NO_SETUID_FIXUP  (1u << 2)
#define SECURE_KEEP_CAPS        (1u << 4)
#define SECURE_KEEP_CAPS_LOCKED (1u << 5)
#define SECURE_NO_AMBIENT_RAISE (1u << 6)
#define SECURE_BITS  0x55u /* each has its lock as the next bit */
#define SECURE_LOCKS 0xaau

static bool capability_valid(u64 n)
{
	return n <= CAPABILITY_LAST;
}

static bool subset(u64 a, u64 b)
{
	return !(a & ~b);
}

void capabilities_first(struct capabilities *c)
{
	*c = (struct capabilities){ .effective = CAPABILITIES_ALL, .permitted = CAPABILITIES_ALL, .bounding = CAPABILITIES_ALL };
}

/* ---- with ids and programs ---- */

static bool has_zero(const struct credentials *c)
{
	return !c->uid || !c->euid || !c->suid;
}

void capabilities_follow_ids(struct credentials *new, const struct credentials *old)
{
	struct capabilities *c = &new->capabilities;

	if (c->secure_bits & SECURE_NO_SETUID_FIXUP)
		return;
	if (has_zero(old) && !has_zero(new)) {
		if (!(c->secure_bits & SECURE_KEEP_CAPS))
			c->permitted = c->effective = 0;
		c->ambient = 0;
	}
	if (!old->euid && new->euid)
		c->effective = 0;
	if (old->euid && !new->euid)
		c->effective = c->permitted;
}

/* What uid 0 gets by running a program. */
static u64 given_by_root(const struct credentials *c)
{
	const struct capabilities *set = &c->capabilities;

	if (set->secure_bits & SECURE_NOROOT || (c->uid && c->euid))
		return 0;
	return set->bounding | set->inheritable;
}

struct exec_security credentials_exec(struct credentials *c, bool no_new_privileges)
{
	struct capabilities *set = &c->capabilities;
	struct credentials old = *c;
	bool other = c->euid != c->uid || c->egid != c->gid, effective = !(set->secure_bits & SECURE_NOROOT) && !c->euid;
	u64 permitted = given_by_root(c);

	if ((other || !subset(permitted, set->permitted)) && no_new_privileges) {
		c->euid = c->uid;
		c->egid = c->gid;
		permitted &= set->permitted;
	}
	c->suid = c->euid;
	c->sgid = c->egid;
	if (other)
		set->ambient = 0;
	set->permitted = permitted | set->ambient;
	set->effective = effective ? set->permitted : set->ambient;
	set->secure_bits &= ~SECURE_KEEP_CAPS;
	return (struct exec_security){
		.secure = other || (c->uid && (effective || !subset(set->permitted, set->ambient))),
		.dumpable = !other && c->euid == old.euid && subset(set->permitted, old.capabilities.permitted),
	};
}

/* ---- capget, capset ---- */

static long capabilities_set(struct capabilities *c, u64 effective, u64 permitted, u64 inheritable)
{
	if (!capabilities_have(c, CAPABILITY_SETPCAP) && !subset(inheritable, c->inheritable | c->permitted))
		return -EPERM;
	if (!subset(inheritable, c->inheritable | c->bounding) || !subset(permitted, c->permitted) || !subset(effective, permitted))
		return -EPERM;
	c->effective = effective;
	c->permitted = permitted;
	c->inheritable = inheritable;
	c->ambient &= permitted & inheritable;
	return 0;
}

long op_CAPABILITIES(struct request *request)
{
	const u64 *m = request->m;
	struct thread *thread = m[1] ? thread_find(m[1]) : request->caller;
	const struct capabilities *c;

	if (m[0])
		return capabilities_set(&request->caller->process->credentials.capabilities, m[2] & CAPABILITIES_ALL, m[3] & CAPABILITIES_ALL,
					m[4] & CAPABILITIES_ALL);
	if (!thread)
		return -ESRCH;
	c = &thread->process->credentials.capabilities;
	request->out[1] = c->effective;
	request->out[2] = c->permitted;
	request->out[3] = c->inheritable;
	return 0;
}

/* ---- prctl ---- */

enum { PRCTL_GET_KEEPCAPS = 7, PRCTL_SET_KEEPCAPS = 8, PRCTL_CAPBSET_READ = 23, PRCTL_CAPBSET_DROP = 24, PRCTL_GET_SECUREBITS = 27,
       PRCTL_SET_SECUREBITS = 28, PRCTL_CAP_AMBIENT = 47 };
enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE = 2, AMBIENT_LOWER = 3, AMBIENT_CLEAR_ALL = 4 };

static long bounding_drop(struct capabilities *c, u64 n)
{
	if (!capabilities_have(c, CAPABILITY_SETPCAP))
		return -EPERM;
	if (!capability_valid(n))
		return -EINVAL;
	c->bounding &= ~(1ul << n);
	return 0;
}

/* A lock that is set stays, and what it locks with it. */
static long secure_bits_set(struct capabilities *c, u64 bits)
{
	u32 locks = c->secure_bits & SECURE_LOCKS;

	if (locks >> 1 & (c->secure_bits ^ bits) || locks & ~bits || bits & ~(u64)(SECURE_BITS | SECURE_LOCKS) || !capabilities_have(c, CAPABILITY_SETPCAP))
		return -EPERM;
	c->secure_bits = bits;
	return 0;
}

static long keep_set(struct capabilities *c, u64 keep)
{
	if (keep > 1)
		return -EINVAL;
	if (c->secure_bits & SECURE_KEEP_CAPS_LOCKED)
		return -EPERM;
	c->secure_bits = (c->secure_bits & ~SECURE_KEEP_CAPS) | (keep ? SECURE_KEEP_CAPS : 0);
	return 0;
}

static long ambient(struct capabilities *c, u64 what, u64 n)
{
	u64 bit;

	if (what == AMBIENT_CLEAR_ALL && !n) {
		c->ambient = 0;
		return 0;
	}
	if (!capability_valid(n) || what < AMBIENT_IS_SET || what > AMBIENT_LOWER)
		return -EINVAL;
	bit = 1ul << n;
	if (what == AMBIENT_IS_SET)
		return (c->ambient & bit) != 0;
	if (what == AMBIENT_RAISE && (!(c->permitted & c->inheritable & bit) || c->secure_bits & SECURE_NO_AMBIENT_RAISE))
		return -EPERM;
	c->ambient = what == AMBIENT_RAISE ? c->ambient | bit : c->ambient & ~bit;
	return 0;
}

long capabilities_prctl(struct capabilities *c, const u64 m[MESSAGE_WORDS])
{
	switch (m[0]) {
	case PRCTL_GET_KEEPCAPS: return (c->secure_bits & SECURE_KEEP_CAPS) != 0;
	case PRCTL_SET_KEEPCAPS: return keep_set(c, m[1]);
	case PRCTL_CAPBSET_READ: return capability_valid(m[1]) ? (long)(c->bounding >> m[1] & 1) : -EINVAL;
	case PRCTL_CAPBSET_DROP: return bounding_drop(c, m[1]);
	case PRCTL_GET_SECUREBITS: return c->secure_bits;
	case PRCTL_SET_SECUREBITS: return secure_bits_set(c, m[1]);
	case PRCTL_CAP_AMBIENT: return m[3] | m[4] ? -EINVAL : ambient(c, m[1], m[2]);
	default: return -EINVAL;
	}
}

/*
 * Who a process is: ids from root's page or from root. uid and gid open no file, but change by Linux's rules, which root enforces, so that
 * programs which drop privileges see what they expect.
 */
#include <linux/capability.h>

#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/process.h"
#include "runtime/uaccess.h"

#define KEEP (~0u)

enum { IDS_PID, IDS_PPID, IDS_PGID, IDS_SID, IDS_TID };

struct credentials {
	unsigned id[6]; /* ruid euid suid rgid egid sgid, as PROC_SET_CREDENTIALS's mask counts them */
	unsigned long capabilities; /* the effective ones */
};
enum { RUID, EUID, SUID, RGID, EGID, SGID };

static long ids_get(int pid, unsigned which)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_GET_IDS, 0), .m = { (unsigned)pid } };
	long error = rt_request(&ipc);

	return error < 0 ? error : (long)(int)ipc.m[which];
}

static void credentials_get(struct credentials *c)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_GET_CREDENTIALS, 0) };

	memset(c, 0, sizeof(*c));
	if (rt_request(&ipc) < 0)
		return;
	for (unsigned i = 0; i < 6; i++)
		c->id[i] = (unsigned)ipc.m[1 + i];
	c->capabilities = ipc.m[7];
}

bool capable(unsigned capability)
{
	struct credentials c;

	credentials_get(&c);
	return c.capabilities >> capability & 1;
}

/* base: RUID or RGID, whose change is asked for */
static bool may_take_any(const struct credentials *c, unsigned base)
{
	return c->capabilities >> (base ? CAP_SETGID : CAP_SETUID) & 1;
}

static long credentials_set(const unsigned id[6])
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SET_CREDENTIALS, 0) };

	for (unsigned i = 0; i < 6; i++)
		if (id[i] != KEEP) {
			ipc.m[0] |= 1ul << i;
			ipc.m[1 + i] = id[i];
		}
	return ipc.m[0] ? rt_request(&ipc) : 0;
}

long linux_getpid(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	return process_pid(t->process);
}

long linux_gettid(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	return t->tid;
}

long linux_getppid(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	if (unlikely(t->process->foreign_memory))
		return ids_get(0, IDS_PPID);
	return process_info()->ppid;
}

long linux_getpgid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return (int)a[0] < 0 ? -ESRCH : ids_get((int)a[0], IDS_PGID);
}

long linux_getpgrp(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	(void)a;
	return ids_get(0, IDS_PGID);
}

long linux_getsid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return (int)a[0] < 0 ? -ESRCH : ids_get((int)a[0], IDS_SID);
}

long linux_setpgid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	if ((int)a[1] < 0)
		return -EINVAL;
	if ((int)a[0] < 0)
		return -ESRCH;
	return rt_root(PROC_SET_PGID, (unsigned)a[0], (unsigned)a[1], 0, 0, 0);
}

long linux_setsid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	(void)a;
	return rt_root(PROC_SET_SID, 0, 0, 0, 0, 0);
}

long linux_vhangup(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	(void)a;
	return rt_root(PROC_HANG_UP, 0, 0, 0, 0, 0);
}

/* ---- user and group ids ---- */

/* One of the page's words, or what root says to a process that lives in another's memory. */
static long id_get(struct thread_record *t, unsigned which, unsigned published)
{
	struct credentials c;

	if (likely(!t->process->foreign_memory))
		return published;
	credentials_get(&c);
	return c.id[which];
}

long linux_getuid(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	return id_get(t, RUID, process_info()->uid);
}

long linux_geteuid(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	return id_get(t, EUID, process_info()->euid);
}

long linux_getgid(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	return id_get(t, RGID, process_info()->gid);
}

long linux_getegid(struct thread_record *t, const unsigned long a[6])
{
	(void)a;
	return id_get(t, EGID, process_info()->egid);
}

static bool among(unsigned id, const unsigned *three, bool saved)
{
	return id == KEEP || id == three[0] || id == three[1] || (saved && id == three[2]);
}

static long set_one(unsigned base, unsigned id)
{
	unsigned set[6] = { KEEP, KEEP, KEEP, KEEP, KEEP, KEEP };
	struct credentials c;

	if (id == KEEP)
		return -EINVAL;
	credentials_get(&c);
	set[base + 1] = id;
	if (may_take_any(&c, base))
		set[base] = set[base + 2] = id;
	else if (id != c.id[base] && id != c.id[base + 2])
		return -EPERM;
	return credentials_set(set);
}

static long set_real_effective(unsigned base, unsigned real, unsigned effective)
{
	unsigned set[6] = { KEEP, KEEP, KEEP, KEEP, KEEP, KEEP };
	struct credentials c;

	credentials_get(&c);
	if (!may_take_any(&c, base) && (!among(real, &c.id[base], false) || !among(effective, &c.id[base], true)))
		return -EPERM;
	set[base] = real;
	set[base + 1] = effective;
	if (real != KEEP || (effective != KEEP && effective != c.id[base]))
		set[base + 2] = effective != KEEP ? effective : c.id[base + 1];
	return credentials_set(set);
}

static long set_three(unsigned base, unsigned real, unsigned effective, unsigned saved)
{
	unsigned set[6] = { KEEP, KEEP, KEEP, KEEP, KEEP, KEEP };
	struct credentials c;

	credentials_get(&c);
	if (!may_take_any(&c, base) && (!among(real, &c.id[base], true) || !among(effective, &c.id[base], true) || !among(saved, &c.id[base], true)))
		return -EPERM;
	set[base] = real;
	set[base + 1] = effective;
	set[base + 2] = saved;
	return credentials_set(set);
}

long linux_setuid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return set_one(RUID, (unsigned)a[0]);
}

long linux_setgid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return set_one(RGID, (unsigned)a[0]);
}

long linux_setreuid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return set_real_effective(RUID, (unsigned)a[0], (unsigned)a[1]);
}

long linux_setregid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return set_real_effective(RGID, (unsigned)a[0], (unsigned)a[1]);
}

long linux_setresuid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return set_three(RUID, (unsigned)a[0], (unsigned)a[1], (unsigned)a[2]);
}

long linux_setresgid(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return set_three(RGID, (unsigned)a[0], (unsigned)a[1], (unsigned)a[2]);
}

static long get_three(const unsigned *three, const unsigned long a[6])
{
	return put_user(three[0], a[0]) || put_user(three[1], a[1]) || put_user(three[2], a[2]) ? -EFAULT : 0;
}

long linux_getresuid(struct thread_record *t, const unsigned long a[6])
{
	struct credentials c;

	(void)t;
	credentials_get(&c);
	return get_three(&c.id[RUID], a);
}

long linux_getresgid(struct thread_record *t, const unsigned long a[6])
{
	struct credentials c;

	(void)t;
	credentials_get(&c);
	return get_three(&c.id[RGID], a);
}

/* File-system ids follow the effective ones; the call's result is the old value, success or not. */
long linux_setfsuid(struct thread_record *t, const unsigned long a[6])
{
	return linux_geteuid(t, a);
}

long linux_setfsgid(struct thread_record *t, const unsigned long a[6])
{
	return linux_getegid(t, a);
}

/* ---- supplementary groups ---- */

#define GROUPS_MAX (MESSAGE_BYTES / 4)

long linux_getgroups(struct thread_record *t, const unsigned long a[6])
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_GET_GROUPS, 0) };
	int size = (int)a[0];
	long n;

	if (size < 0)
		return -EINVAL;
	n = rt_request(&ipc);
	if (n <= 0 || !size)
		return n;
	if (n > size || n > (long)GROUPS_MAX)
		return -EINVAL;
	return copy_to_user(a[1], thread_message(t)->data, (size_t)n * 4) ? -EFAULT : n;
}

long linux_setgroups(struct thread_record *t, const unsigned long a[6])
{
	unsigned n = (unsigned)a[0];
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SET_GROUPS, (size_t)n * 4), .m = { n } };
	struct credentials c;

	credentials_get(&c);
	if (!may_take_any(&c, RGID))
		return -EPERM;
	if (n > GROUPS_MAX)
		return -EINVAL;
	if (copy_from_user(thread_message(t)->data, a[1], (size_t)n * 4))
		return -EFAULT;
	return rt_request(&ipc);
}

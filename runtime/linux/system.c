/* What is the system's or the machine's: names, load, restart, and the calls that only switch something of the thread. */
#include <asm/prctl.h>
#include <linux/membarrier.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include <linux/time_types.h>
#include <linux/utsname.h>

#include "lib/atomic.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/memory.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/time_value.h"

/* The interface that is offered, by the name that programs look for. */
#define UTS_RELEASE "6.1.0-uxrt"
#define UTS_RELEASE_26 "2.6.61-uxrt" /* the same for programs that know no other */
#define UTS_VERSION "#1 UX/RT"

static void name_get(struct thread_record *t, bool domain, char name[__NEW_UTS_LEN + 1])
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_HOSTNAME, 0), .m = { 0, domain } };
	size_t n = rt_request(&ipc) < 0 ? 0 : MIN((size_t)INFO_BYTES_OF(ipc.info), (size_t)__NEW_UTS_LEN);

	memcpy(name, thread_message(t)->data, n);
	name[n] = '\0';
}

long linux_uname(struct thread_record *t, const unsigned long a[6])
{
	u32 personality = t->process->personality;
	struct new_utsname uts;

	memset(&uts, 0, sizeof(uts));
	strlcpy(uts.sysname, "Linux", sizeof(uts.sysname));
	strlcpy(uts.release, personality & UNAME26 ? UTS_RELEASE_26 : UTS_RELEASE, sizeof(uts.release));
	strlcpy(uts.version, UTS_VERSION, sizeof(uts.version));
	strlcpy(uts.machine, (personality & PER_MASK) == PER_LINUX32 ? "i686" : "x86_64", sizeof(uts.machine));
	name_get(t, false, uts.nodename);
	name_get(t, true, uts.domainname);
	return put_user(uts, a[0]);
}

static long name_set(struct thread_record *t, bool domain, uaddr_t from, unsigned long length)
{
	/* root asks who may, and refuses what is too long, in that order */
	size_t n = MIN(length, (unsigned long)__NEW_UTS_LEN + 1);
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_HOSTNAME, n), .m = { 1, domain } };

	if (n <= __NEW_UTS_LEN && copy_from_user(thread_message(t)->data, from, n))
		return -EFAULT;
	return rt_request(&ipc);
}

long linux_sethostname(struct thread_record *t, const unsigned long a[6])
{
	return name_set(t, false, a[0], (unsigned long)(int)a[1]);
}

long linux_setdomainname(struct thread_record *t, const unsigned long a[6])
{
	return name_set(t, true, a[0], (unsigned long)(int)a[1]);
}

long linux_sysinfo(struct thread_record *t, const unsigned long a[6])
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_MEMORY_INFO, 0) };
	struct sysinfo info;
	long error = rt_request(&ipc);

	(void)t;
	if (error < 0)
		return error;
	memset(&info, 0, sizeof(info));
	info.uptime = (long)(clock_monotonic() / NS_PER_SECOND);
	info.totalram = ipc.m[1];
	info.freeram = ipc.m[2];
	info.sharedram = ipc.m[3];
	info.procs = (unsigned short)ipc.m[4];
	for (unsigned i = 0; i < 3; i++)
		info.loads[i] = ipc.m[5 + i];
	info.mem_unit = 1;
	return put_user(info, a[0]);
}

long linux_reboot(struct thread_record *t, const unsigned long a[6])
{
	unsigned second = (unsigned)a[1];

	(void)t;
	if ((unsigned)a[0] != LINUX_REBOOT_MAGIC1 || (second != LINUX_REBOOT_MAGIC2 && second != LINUX_REBOOT_MAGIC2A
						     && second != LINUX_REBOOT_MAGIC2B && second != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	return rt_root(PROC_REBOOT, (unsigned)a[2], 0, 0, 0, 0);
}

long linux_personality(struct thread_record *t, const unsigned long a[6])
{
	u32 old = t->process->personality, new = (u32)a[0];

	if (new == 0xffffffff)
		return old;
	t->process->personality = new;
	return old;
}

/* ---- prctl ---- */

static long thread_name_set(struct thread_record *t, uaddr_t from)
{
	struct ipc ipc = { .target = CPTR_ROOT, .m = { t->tid } };
	char name[16];
	long n = strncpy_from_user(name, from, 15);

	if (n < 0)
		return n;
	memcpy(thread_message(t)->data, name, (size_t)n);
	ipc.info = INFO(PROC_SET_NAME, (size_t)n);
	return rt_request(&ipc);
}

static long thread_name_get(struct thread_record *t, uaddr_t to)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_GET_NAME, 0), .m = { t->tid } };
	char name[16] = "";
	long error = rt_request(&ipc);

	if (error < 0)
		return error;
	memcpy(name, thread_message(t)->data, MIN((size_t)INFO_BYTES_OF(ipc.info), sizeof(name) - 1));
	return copy_to_user(to, name, sizeof(name));
}

static long prctl_root(const unsigned long a[6])
{
	return rt_root(PROC_PRCTL, (unsigned)a[0], a[1], a[2], a[3], a[4]);
}

/* Options whose answer goes to memory as an int. */
static long prctl_root_get(const unsigned long a[6])
{
	long value = prctl_root(a);
	int result = (int)value;

	return value < 0 ? value : put_user(result, a[1]);
}

#define TIMER_SLACK_FIRST 50000ul /* ns */

static unsigned long timer_slack(const struct thread_record *t)
{
	return t->timer_slack ? t->timer_slack : TIMER_SLACK_FIRST;
}

long linux_prctl(struct thread_record *t, const unsigned long a[6])
{
	struct process_state *p = t->process;

	switch ((int)a[0]) {
	case PR_SET_NAME: return thread_name_set(t, a[1]);
	case PR_GET_NAME: return thread_name_get(t, a[1]);
	case PR_SET_PDEATHSIG: return a[1] > SIGNAL_MAX ? -EINVAL : prctl_root(a);
	case PR_SET_CHILD_SUBREAPER: return prctl_root(a);
	case PR_GET_PDEATHSIG:
	case PR_GET_CHILD_SUBREAPER: return prctl_root_get(a);
	case PR_GET_DUMPABLE:
	case PR_SET_DUMPABLE: return prctl_root(a);
	case PR_GET_NO_NEW_PRIVS: return a[1] | a[2] | a[3] | a[4] ? -EINVAL : p->no_new_privs;
	case PR_SET_NO_NEW_PRIVS:
		if (a[1] != 1 || a[2] | a[3] | a[4])
			return -EINVAL;
		p->no_new_privs = true;
		return prctl_root(a);
	case PR_GET_KEEPCAPS:
	case PR_SET_KEEPCAPS:
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
	case PR_GET_SECUREBITS:
	case PR_SET_SECUREBITS:
	case PR_CAP_AMBIENT: return prctl_root(a);
	case PR_GET_TIMERSLACK: return (long)timer_slack(t);
	case PR_SET_TIMERSLACK: /* timers are never late on purpose, which any slack allows */
		t->timer_slack = (long)a[1] > 0 ? a[1] : t->inherited_slack;
		return 0;
	case PR_GET_TIMING: return PR_TIMING_STATISTICAL;
	case PR_GET_THP_DISABLE: return a[1] | a[2] | a[3] | a[4] ? -EINVAL : 0;
	case PR_GET_TID_ADDRESS: return put_user(thread_context(t)->clear_child_tid, a[1]);
	default: return -EINVAL;
	}
}

/* ---- FS and GS: the program's; the runtime uses neither ---- */

static bool base_ok(unsigned long base)
{
	return base < USER_END;
}

long linux_arch_prctl(struct thread_record *t, const unsigned long a[6])
{
	unsigned long base;

	(void)t;
	switch ((int)a[0]) {
	case ARCH_SET_FS:
		if (!base_ok(a[1]))
			return -EPERM;
		__asm__ volatile("wrfsbase %0" : : "r"(a[1]));
		return 0;
	case ARCH_SET_GS:
		if (!base_ok(a[1]))
			return -EPERM;
		__asm__ volatile("wrgsbase %0" : : "r"(a[1]));
		return 0;
	case ARCH_GET_FS:
		__asm__ volatile("rdfsbase %0" : "=r"(base));
		return put_user(base, a[1]);
	case ARCH_GET_GS:
		__asm__ volatile("rdgsbase %0" : "=r"(base));
		return put_user(base, a[1]);
	case ARCH_GET_CPUID: return 1;
	case ARCH_SET_CPUID: return -ENODEV; /* as on a processor whose cpuid cannot be made to fault */
	default: return -EINVAL;
	}
}

/* ---- the rest ---- */

#define MEMBARRIER_PRIVATE (MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE)
#define MEMBARRIER_REGISTER (MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED \
	| MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
#define MEMBARRIER_KNOWN (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_PRIVATE | MEMBARRIER_REGISTER)

/*
 * Every core that runs a thread of this process is interrupted: taking a page that was there out of the address space makes each forget its translation
 * before the call ends, which is a barrier there, and its return from the interrupt serialises. Other processes are not reached.
 */
static long barrier_on_all_cores(void)
{
	long at = memory_map(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS), error;

	if (at < 0)
		return at;
	error = user_touch((u64)at, true);
	memory_unmap((u64)at, PAGE_SIZE);
	return error;
}

/* A private command needs its registration, whose bit is the next one up, to be had before. */
long linux_membarrier(struct thread_record *t, const unsigned long a[6])
{
	unsigned command = (unsigned)a[0];

	if (a[1])
		return -EINVAL;
	if (command == MEMBARRIER_CMD_QUERY)
		return MEMBARRIER_KNOWN;
	if (command & ~(unsigned)MEMBARRIER_KNOWN || command & (command - 1))
		return -EINVAL;
	if (command & MEMBARRIER_REGISTER)
		atomic_fetch_or(&t->process->membarrier, command);
	if (command & MEMBARRIER_PRIVATE && !(atomic_load_acquire(&t->process->membarrier) & command << 1))
		return -EPERM;
	atomic_fence();
	return command & MEMBARRIER_REGISTER ? 0 : barrier_on_all_cores();
}

long linux_clock_settime(struct thread_record *t, const unsigned long a[6])
{
	struct __kernel_timespec v;
	unsigned long ns;

	(void)t;
	if ((int)a[0] != CLOCK_REALTIME)
		return -EINVAL;
	if (get_user(v, a[1]))
		return -EFAULT;
	if (!timespec_ns(&v, &ns))
		return -EINVAL;
	return rt_root(PROC_SET_TIME, ns, 0, 0, 0, 0);
}

long linux_settimeofday(struct thread_record *t, const unsigned long a[6])
{
	long v[2];

	(void)t;
	if (a[1])
		return -EINVAL; /* there is no time zone to set: libraries keep it */
	if (!a[0])
		return 0;
	if (get_user(v, a[0]))
		return -EFAULT;
	if (v[0] < 0 || (unsigned long)v[1] >= 1000000)
		return -EINVAL;
	return rt_root(PROC_SET_TIME, (unsigned long)v[0] * NS_PER_SECOND + (unsigned long)v[1] * 1000, 0, 0, 0, 0);
}

/* As of a kernel built without restartable sequences; every glibc program asks, so this is not logged. */
long linux_rseq(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	(void)a;
	return -ENOSYS;
}

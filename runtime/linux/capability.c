/* capget, capset: root keeps the sets; here are Linux's structures. */
#include <linux/capability.h>

#include "runtime/call.h"
#include "runtime/linux/process.h"
#include "runtime/uaccess.h"

struct sets {
	unsigned long effective, permitted, inheritable;
};

static unsigned capability_words(unsigned version)
{
	switch (version) {
	case _LINUX_CAPABILITY_VERSION_1: return 1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3: return 2;
	default: return 0;
	}
}

static long header_get(uaddr_t at, struct __user_cap_header_struct *header, unsigned *words)
{
	if (get_user(*header, at))
		return -EFAULT;
	*words = capability_words(header->version);
	if (*words)
		return 0;
	header->version = _LINUX_CAPABILITY_VERSION_3;
	return put_user(header->version, at) ? -EFAULT : -EINVAL;
}

static struct __user_cap_data_struct word_of(const struct sets *s, unsigned word)
{
	return (struct __user_cap_data_struct){ (unsigned)(s->effective >> 32 * word), (unsigned)(s->permitted >> 32 * word),
						(unsigned)(s->inheritable >> 32 * word) };
}

long linux_capget(struct thread_record *t, const unsigned long a[6])
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_CAPABILITIES, 0) };
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2];
	struct sets sets;
	unsigned words;
	long error = header_get(a[0], &header, &words);

	(void)t;
	if (error || !a[1])
		return error == -EINVAL && !a[1] ? 0 : error;
	if (header.pid < 0)
		return -EINVAL;
	ipc.m[1] = (unsigned)header.pid;
	error = rt_request(&ipc);
	if (error)
		return error;
	sets = (struct sets){ ipc.m[1], ipc.m[2], ipc.m[3] };
	for (unsigned i = 0; i < 2; i++)
		data[i] = word_of(&sets, i);
	return copy_to_user(a[1], data, words * sizeof(data[0]));
}

long linux_capset(struct thread_record *t, const unsigned long a[6])
{
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2] = { 0 };
	struct sets s = { 0 };
	unsigned words;
	long error = header_get(a[0], &header, &words);

	if (error)
		return error;
	if (header.pid && (unsigned)header.pid != t->tid)
		return -EPERM;
	if (copy_from_user(data, a[1], words * sizeof(data[0])))
		return -EFAULT;
	for (unsigned i = 0; i < 2; i++) {
		s.effective |= (unsigned long)data[i].effective << 32 * i;
		s.permitted |= (unsigned long)data[i].permitted << 32 * i;
		s.inheritable |= (unsigned long)data[i].inheritable << 32 * i;
	}
	return rt_root(PROC_CAPABILITIES, 1, 0, s.effective, s.permitted, s.inheritable);
}

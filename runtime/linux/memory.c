/* mmap and its family. Regions are root's; file-backed mappings start at the file's server (file_mmap). */
#include "runtime/linux/memory.h"

#include <linux/mman.h>

#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/files.h"
#include "runtime/linux/process.h"

long memory_map(u64 address, u64 length, unsigned prot, unsigned flags)
{
	return rt_root(PROC_MAP, address, length, prot, flags, 0);
}

long memory_bring_in(u64 start, u64 end, unsigned long how)
{
	long result = 0;

	while (result == 0 && start < end) {
		struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_BRING_IN, 0), .m = { start, end, how } };

		result = rt_request(&ipc);
		start = ipc.m[1];
	}
	return result;
}

void memory_populate(u64 address, u64 length, u64 from)
{
	if (from)
		memory_bring_in(from, address + ALIGN_UP(length, PAGE_SIZE), BRING_IN_OWN);
}

long memory_unmap(u64 address, u64 length)
{
	return rt_root(PROC_UNMAP, address, length, 0, 0, 0);
}

long memory_protect(u64 address, u64 length, unsigned prot)
{
	return rt_root(PROC_PROTECT, address, length, prot, 0, 0);
}

/* Rounds a length up to pages; 0 stays 0, one that wraps becomes 0 with *overflow. */
static u64 page_length(u64 length, bool *overflow)
{
	u64 rounded = ALIGN_UP(length, PAGE_SIZE);

	*overflow = length && !rounded;
	return rounded;
}

static bool range_bad(u64 address, u64 length)
{
	return !IS_ALIGNED(address, PAGE_SIZE) || !user_range_ok(address, length);
}

long linux_mmap(struct thread_record *t, const unsigned long a[6])
{
	bool overflow;
	u64 length = page_length(a[1], &overflow);
	unsigned flags = (unsigned)a[3], type = flags & MAP_TYPE;
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_MAP, 0), .m = { 0, 0, a[2] & (PROT_READ | PROT_WRITE | PROT_EXEC), flags } };
	u64 address = a[0];
	long result;

	if (!IS_ALIGNED(a[5], PAGE_SIZE))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS) && !descriptor_lookup_file(t, (unsigned)a[4]))
		return -EBADF;
	if (!a[1])
		return -EINVAL;
	if (overflow || length > USER_END)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (!IS_ALIGNED(address, PAGE_SIZE))
			return -EINVAL;
		if (!user_range_ok(address, length))
			return -ENOMEM;
	} else {
		address = ALIGN_DOWN(address, PAGE_SIZE); /* a hint */
	}
	if (!(flags & MAP_ANONYMOUS)) {
		unsigned long b[6] = { address, a[1], a[2], a[3], a[4], a[5] };

		return file_mmap(t, b);
	}
	if (type != MAP_PRIVATE && type != MAP_SHARED)
		return -EINVAL;
	ipc.m[0] = address;
	ipc.m[1] = length;
	result = rt_request(&ipc);
	if (result >= 0)
		memory_populate((u64)result, length, ipc.m[1]);
	return result;
}

long linux_munmap(struct thread_record *t, const unsigned long a[6])
{
	bool overflow;
	u64 length = page_length(a[1], &overflow);

	(void)t;
	if (overflow || !length || range_bad(a[0], length))
		return -EINVAL;
	return memory_unmap(a[0], length);
}

long linux_mprotect(struct thread_record *t, const unsigned long a[6])
{
	bool overflow;
	u64 length = page_length(a[1], &overflow);
	unsigned prot = (unsigned)a[2];

	(void)t;
	if (prot & ~(unsigned)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (!IS_ALIGNED(a[0], PAGE_SIZE))
		return -EINVAL;
	if (!length)
		return overflow ? -ENOMEM : 0;
	if (!user_range_ok(a[0], length))
		return -ENOMEM;
	return memory_protect(a[0], length, prot & (PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN));
}

long linux_mremap(struct thread_record *t, const unsigned long a[6])
{
	bool old_overflow, new_overflow;
	u64 old_length = page_length(a[1], &old_overflow), new_length = page_length(a[2], &new_overflow);
	unsigned flags = (unsigned)a[3];

	(void)t;
	if (flags & ~(unsigned)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) || !IS_ALIGNED(a[0], PAGE_SIZE))
		return -EINVAL;
	if (old_overflow || new_overflow || !new_length)
		return -EINVAL;
	if (flags & MREMAP_FIXED && (!(flags & MREMAP_MAYMOVE) || range_bad(a[4], new_length)))
		return -EINVAL;
	if (flags & MREMAP_DONTUNMAP && (!(flags & MREMAP_MAYMOVE) || old_length != new_length))
		return -EINVAL;
	if (!user_range_ok(a[0], old_length))
		return -EFAULT;
	return rt_root(PROC_REMAP, a[0], old_length, new_length, flags, a[4]);
}

long linux_madvise(struct thread_record *t, const unsigned long a[6])
{
	bool overflow;
	u64 length = page_length(a[1], &overflow);

	(void)t;
	if (overflow || !IS_ALIGNED(a[0], PAGE_SIZE))
		return -EINVAL;
	if (!length)
		return 0;
	if (!user_range_ok(a[0], length))
		return -ENOMEM;
	if ((unsigned)a[2] == MADV_POPULATE_READ || (unsigned)a[2] == MADV_POPULATE_WRITE)
		return memory_bring_in(a[0], a[0] + length, (unsigned)a[2] == MADV_POPULATE_WRITE ? BRING_IN_WRITE : BRING_IN_READ);
	return rt_root(PROC_ADVISE, a[0], length, (unsigned)a[2], 0, 0);
}

/* As Linux: the new end, or the old one if it cannot be. */
long linux_brk(struct thread_record *t, const unsigned long a[6])
{
	long end = rt_root(PROC_BREAK, a[0], 0, 0, 0, 0);

	(void)t;
	return end >= 0 ? end : rt_root(PROC_BREAK, 0, 0, 0, 0, 0);
}

long linux_msync(struct thread_record *t, const unsigned long a[6])
{
	bool overflow;
	u64 length = page_length(a[1], &overflow);
	unsigned flags = (unsigned)a[2];

	(void)t;
	if (flags & ~(unsigned)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || !IS_ALIGNED(a[0], PAGE_SIZE))
		return -EINVAL;
	if ((flags & MS_ASYNC) && (flags & MS_SYNC))
		return -EINVAL;
	if (overflow || !user_range_ok(a[0], length))
		return -ENOMEM;
	return length ? rt_root(PROC_SYNC, a[0], length, flags, 0, 0) : 0;
}

#define RESIDENT_BATCH 4096ul

long linux_mincore(struct thread_record *t, const unsigned long a[6])
{
	bool overflow;
	u64 length = page_length(a[1], &overflow), pages = length / PAGE_SIZE, done = 0;
	long result = 0;
	char *batch;

	if (!IS_ALIGNED(a[0], PAGE_SIZE))
		return -EINVAL;
	if (overflow || !user_range_ok(a[0], length))
		return -ENOMEM;
	if (!pages)
		return 0;
	batch = rt_zalloc(RESIDENT_BATCH);
	if (!batch)
		return -EAGAIN;
	while (done < pages && result >= 0) {
		u64 n = MIN(pages - done, RESIDENT_BATCH);
		struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_RESIDENT, 0) | INFO_WINDOWS(1), .m = { a[0] + done * PAGE_SIZE, n } };

		rt_window(t, 0, (unsigned long)batch, n);
		result = rt_request(&ipc);
		if (result >= 0)
			result = copy_to_user(a[2] + done, batch, n);
		done += n;
	}
	rt_free(batch);
	return result < 0 ? result : 0;
}

/* Nothing is ever paged out; root brings the pages in and remembers that they are locked. */
static long lock_range(u64 address, u64 length, unsigned long how)
{
	u64 start = ALIGN_DOWN(address, PAGE_SIZE), end = start + ALIGN_UP(length + address % PAGE_SIZE, PAGE_SIZE);
	long result;

	if (end < start)
		return -EINVAL;
	if (start == end) /* also where the length wraps, as on Linux */
		return 0;
	if (!user_range_ok(start, end - start))
		return -ENOMEM;
	result = rt_root(PROC_LOCK_MEMORY, start, end - start, how, 0, 0);
	if (result || how != LOCK_MEMORY_LOCK)
		return result;
	return memory_bring_in(start, end, BRING_IN_OWN) ? -ENOMEM : 0;
}

long linux_mlock(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return lock_range(a[0], a[1], LOCK_MEMORY_LOCK);
}

long linux_mlock2(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[2];

	(void)t;
	if (flags & ~(unsigned)MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range(a[0], a[1], LOCK_MEMORY_LOCK | (flags ? LOCK_MEMORY_ONFAULT : 0));
}

long linux_munlock(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	return lock_range(a[0], a[1], LOCK_MEMORY_UNLOCK);
}

long linux_mlockall(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[0];
	long result;

	(void)t;
	if (!flags || flags & ~(unsigned)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	result = rt_root(PROC_LOCK_MEMORY, 0, 0, LOCK_MEMORY_ALL | (flags & MCL_CURRENT ? LOCK_MEMORY_LOCK : 0)
		| (flags & MCL_FUTURE ? LOCK_MEMORY_FUTURE : 0) | (flags & MCL_ONFAULT ? LOCK_MEMORY_ONFAULT : 0), 0, 0);
	/* it has no error for pages that cannot be brought in */
	if (!result && flags & MCL_CURRENT && !(flags & MCL_ONFAULT))
		memory_bring_in(0, USER_END, BRING_IN_ALL);
	return result;
}

long linux_munlockall(struct thread_record *t, const unsigned long a[6])
{
	(void)t;
	(void)a;
	return rt_root(PROC_LOCK_MEMORY, 0, 0, LOCK_MEMORY_ALL, 0, 0);
}

/* mmap of files. The server checks how the file was opened and has root map its object. */
#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/linux/memory.h"

#include <linux/mman.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

/* What MAP_SHARED_VALIDATE lets pass of all files; MAP_SYNC is for memory that keeps its contents. */
#define FLAGS_VALID (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | \
		     MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | \
		     31u << MAP_HUGE_SHIFT)

/* The low bits of the flags say how it is shared. */
static long sharing_check(unsigned flags, unsigned prot, unsigned access)
{
	bool reads = access == O_RDONLY || access == O_RDWR;

	switch (flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (flags & ~FLAGS_VALID)
			return -EOPNOTSUPP;
		/* fall through */
	case MAP_SHARED:
		return !reads || (prot & PROT_WRITE && access != O_RDWR) ? -EACCES : 0;
	case MAP_PRIVATE:
		return reads ? 0 : -EACCES;
	default:
		return -EINVAL;
	}
}

long file_mmap(struct thread_record *t, const unsigned long a[6])
{
	unsigned fd = (unsigned)a[4], prot = (unsigned)a[2], flags = (unsigned)a[3];
	u32 word = descriptor_lookup_file(t, fd);
	unsigned access = descriptor_access(word);
	struct ipc c = { .target = fd, .info = INFO(FILE_MAP, 0), .m = { a[0], a[1], prot, flags, a[5] } };
	long result;

	if (!word)
		return -EBADF;
	result = sharing_check(flags, prot, access);
	if (result < 0)
		return result;
	result = descriptor_type(word) == S_IFDIR ? -ENODEV : file_call(&c, NULL);
	if (result >= 0)
		memory_populate((u64)result, a[1], c.m[1]);
	return result;
}

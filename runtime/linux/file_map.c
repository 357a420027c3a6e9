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

/* The low bits of the flags say how it is shared. MAP_SHARED_VALIDATE refuses flags it does not know; MAP_SYNC is the only one of interest. */
static long sharing_check(unsigned flags, unsigned prot, unsigned access)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (flags & MAP_SYNC)
			return -EOPNOTSUPP;
		/* fall through */
	case MAP_SHARED:
		return prot & PROT_WRITE && access != O_RDWR ? -EACCES : 0;
	case MAP_PRIVATE:
		return 0;
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
	if (access == O_WRONLY || access == O_ACCMODE)
		return -EACCES;
	result = sharing_check(flags, prot, access);
	if (result < 0)
		return result;
	result = descriptor_type(word) == S_IFDIR ? -ENODEV : file_call(&c, NULL);
	if (result >= 0)
		memory_populate((u64)result, a[1], c.m[1]);
	return result;
}

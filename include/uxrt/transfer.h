/*
 * Native reads and writes: the transfer modes of the file protocol (abi/file.h, docs/file-protocol.md) as calls. The file is any that was opened with
 * open(2): any server answers any mode. They are straight messages to its server, with what follows from that:
 *
 *  - A result is 0 or more, or a negative errno; errno itself is not touched.
 *  - A signal ends a call that waits: the handler has run, and the result is -EINTR, whether or not it was set up with SA_RESTART.
 *  - A write to a pipe without readers is -EPIPE, and no SIGPIPE; RLIMIT_FSIZE is not looked at. Less than asked for may be done, also by a write.
 *  - They work on UX/RT alone, from any thread.
 *
 * The same functions are symbols of the vDSO (linux-vdso.so.1, AT_SYSINFO_EHDR), for programs that are not in C.
 */
#ifndef UXRT_TRANSFER_H
#define UXRT_TRANSFER_H

#include "abi/file.h"
#include "include/uxrt/native.h"

#define UXRT_INLINE static inline __attribute__((always_inline))

/* Linux's numbers */
#define UXRT_EINTR  4
#define UXRT_EIO    5
#define UXRT_EBADF  9
#define UXRT_EINVAL 22

/* Up to REGISTER_BYTES bytes, from the lowest of word[0] on. Compilers keep it in registers where they can. */
struct uxrt_registers {
	unsigned long word[8];
};

/* One by one: compilers make a call of memcpy of a loop. */
UXRT_INLINE void uxrt_words(unsigned long *to, const unsigned long *from)
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
	to[4] = from[4];
	to[5] = from[5];
	to[6] = from[6];
	to[7] = from[7];
}

/* A system call of Linux's that has no effect: on its way back a signal that came while the message was under way is delivered. */
UXRT_INLINE void uxrt_take_signals(void)
{
	long number = 39; /* getpid */

	__asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
}

/* The result of a call that did not bring bytes in registers. */
UXRT_INLINE long uxrt_result(long error, const struct ipc *ipc)
{
	long result = (long)ipc->m[0];

	if (error == K_INTERRUPTED || (!error && result == -UXRT_EINTR)) {
		uxrt_take_signals();
		return -UXRT_EINTR;
	}
	if (error)
		return error == K_INVALID_CAP || error == K_WRONG_TYPE ? -UXRT_EBADF : -UXRT_EIO;
	return INFO_LABEL(ipc->info) || result < -4095 ? -UXRT_EIO : result;
}

/*
 * Register mode: `bytes` (1 to REGISTER_BYTES) at the file's position into *to, or from *from, and the message touches no memory. What is in *to behind the
 * bytes that were read means nothing.
 */
UXRT_INLINE long uxrt_read_reg(int file, struct uxrt_registers *to, unsigned long bytes)
{
	struct ipc ipc = { .target = (unsigned)file, .info = FILE_READ | INFO_INTERRUPTIBLE, .m = { bytes, OFFSET_CURRENT, TRANSFER_REGISTERS } };
	unsigned long count;
	long error;

	if (file < 0)
		return -UXRT_EBADF;
	if (bytes - 1 >= REGISTER_BYTES)
		return -UXRT_EINVAL;
	error = uxrt_enter(KCALL_call, &ipc);
	count = ipc.info - FILE_REPLY_REGISTERS;
	if (error || count - 1 >= bytes)
		return (error = uxrt_result(error, &ipc)) > 0 ? -UXRT_EIO : error;
	uxrt_words(to->word, ipc.m);
	return (long)count;
}

UXRT_INLINE long uxrt_write_reg(int file, const struct uxrt_registers *from, unsigned long bytes)
{
	struct ipc ipc = { .target = (unsigned)file, .info = (FILE_WRITE_REGISTERS + bytes) | INFO_INTERRUPTIBLE };
	long error;

	if (file < 0)
		return -UXRT_EBADF;
	if (bytes - 1 >= REGISTER_BYTES)
		return -UXRT_EINVAL;
	uxrt_words(ipc.m, from->word);
	error = uxrt_result(uxrt_enter(KCALL_call, &ipc), &ipc);
	return error > (long)bytes ? -UXRT_EIO : error;
}

/*
 * Shared buffer mode. A buffer is memory of this program (mmap with MAP_SHARED | MAP_ANONYMOUS, readable and writable, whole pages) that the file's server
 * maps too: bytes in it go to and from the server without being copied on the way. It belongs to the open file, so to all its descriptors; a file has one, the last
 * that was shared. Closing the file ends it at the server, munmap here.
 */
UXRT_INLINE long uxrt_share(int file, void *memory, unsigned long size)
{
	struct ipc ipc = { .target = CPTR_SYSTEM | SLOT_ROOT, .info = PROC_SHARE_BUFFER, .m = { (unsigned)file, (unsigned long)memory, size } };

	return file < 0 ? -UXRT_EBADF : uxrt_result(uxrt_enter(KCALL_call, &ipc), &ipc);
}

/* Like pread and pwrite, or with the offset OFFSET_CURRENT like read and write, `bytes` from `at` bytes into the file's buffer on. */
UXRT_INLINE long uxrt_move_buf(int file, unsigned long label, unsigned long at, unsigned long bytes, unsigned long offset)
{
	struct ipc ipc = { .target = (unsigned)file, .info = label | INFO_INTERRUPTIBLE, .m = { bytes, offset, TRANSFER_BUFFER, at } };
	long result;

	if (file < 0)
		return -UXRT_EBADF;
	result = uxrt_result(uxrt_enter(KCALL_call, &ipc), &ipc);
	return result > 0 && (unsigned long)result > bytes ? -UXRT_EIO : result;
}

UXRT_INLINE long uxrt_read_buf(int file, unsigned long at, unsigned long bytes, unsigned long offset)
{
	return uxrt_move_buf(file, FILE_READ, at, bytes, offset);
}

UXRT_INLINE long uxrt_write_buf(int file, unsigned long at, unsigned long bytes, unsigned long offset)
{
	return uxrt_move_buf(file, FILE_WRITE, at, bytes, offset);
}

#endif

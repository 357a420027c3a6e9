/*
 * The program's memory. Every access goes through these: an address that is not the program's, or a page that may not be
 * touched, gives -EFAULT (by a table of instructions that may fault), never a fault of the runtime.
 */
#ifndef RUNTIME_UACCESS_H
#define RUNTIME_UACCESS_H

#include "lib/types.h"

typedef unsigned long uaddr_t; /* an address that a program gave */

#define USER_END 0x7ffffffff000ul /* Linux's TASK_SIZE: the first address that no program has */

static inline bool user_range_ok(uaddr_t address, size_t length)
{
	return address <= USER_END && length <= USER_END - address;
}

/* Unchecked, for who has looked that the addresses are the program's: bytes not copied; 0 or -EFAULT. */
size_t uaccess_copy(void *to, const void *from, size_t n);
long uaccess_touch_write(uaddr_t address);

#ifdef HOST_TEST
bool user_touch_write(uaddr_t address);
#else
/* uaccess_touch_write in place: whether it can be written. */
static inline bool user_touch_write(uaddr_t address)
{
	__asm__ goto("1: lock orb $0, (%0); .pushsection .fault_table, \"a\"; .quad 1b, %l[bad]; .popsection" : : "r"(address) : "memory", "cc" : bad);
	return true;
bad:
	return false;
}
#endif

/* 0 or -EFAULT. After -EFAULT part may have been copied. */
long copy_from_user(void *to, uaddr_t from, size_t length);
long copy_to_user(uaddr_t to, const void *from, size_t length);
/* How many bytes could not be copied: for calls that report partial work. */
size_t copy_from_user_partial(void *to, uaddr_t from, size_t length);
size_t copy_to_user_partial(uaddr_t to, const void *from, size_t length);
/* 0 or -EFAULT */
long clear_user(uaddr_t to, size_t length);
/* The length without NUL; `size` if there is no NUL in the first `size` bytes (then nothing is terminated); -EFAULT. */
long strncpy_from_user(char *to, uaddr_t from, size_t size);
/* A path: its length, -ENAMETOOLONG if it does not fit into 4096 bytes with its NUL, -EFAULT. The empty path is length 0. */
long path_from_user(char to[4096], uaddr_t from);
/* Makes the page of the address present (a server said PARTIAL): 0 or -EFAULT. */
long user_touch(uaddr_t address, bool write);

/* get_user(lvalue, address), put_user(value, address): 0 or -EFAULT, for scalar types */
#define get_user(x, address) copy_from_user(&(x), (uaddr_t)(address), sizeof(x))
#define put_user(x, address) ({ __typeof__(x) put_ = (x); copy_to_user((uaddr_t)(address), &put_, sizeof(put_)); })

/* Atomic operations on the program's 32-bit words (futexes): 0 or -EFAULT; *old is the value before. */
long user_cmpxchg32(uaddr_t address, u32 expected, u32 value, u32 *old);
long user_load32(uaddr_t address, u32 *value);

#endif

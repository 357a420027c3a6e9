#include "runtime/uaccess.h"

#include "lib/errno.h"

size_t uaccess_clear(void *to, size_t n);
long uaccess_strncpy(char *to, const char *from, size_t n);
long uaccess_touch_read(uaddr_t address);
long uaccess_load32(uaddr_t from, u32 *value);
long uaccess_cmpxchg32(uaddr_t at, u32 expected, u32 value, u32 *old);

size_t copy_from_user_partial(void *to, uaddr_t from, size_t length)
{
	return user_range_ok(from, length) ? uaccess_copy(to, (const void *)from, length) : length;
}

size_t copy_to_user_partial(uaddr_t to, const void *from, size_t length)
{
	return user_range_ok(to, length) ? uaccess_copy((void *)to, from, length) : length;
}

long copy_from_user(void *to, uaddr_t from, size_t length)
{
	return copy_from_user_partial(to, from, length) ? -EFAULT : 0;
}

long copy_to_user(uaddr_t to, const void *from, size_t length)
{
	return copy_to_user_partial(to, from, length) ? -EFAULT : 0;
}

long clear_user(uaddr_t to, size_t length)
{
	return user_range_ok(to, length) && !uaccess_clear((void *)to, length) ? 0 : -EFAULT;
}

long strncpy_from_user(char *to, uaddr_t from, size_t size)
{
	size_t room = from < USER_END ? USER_END - from : 0;
	long length = uaccess_strncpy(to, (const char *)from, MIN(size, room));

	/* a text that runs into the end of user space without a NUL is not one */
	return length == (long)room && room < size ? -EFAULT : length;
}

long path_from_user(char to[4096], uaddr_t from)
{
	long length = strncpy_from_user(to, from, 4096);

	return length == 4096 ? -ENAMETOOLONG : length;
}

long user_touch(uaddr_t address, bool write)
{
	if (!user_range_ok(address, 1))
		return -EFAULT;
	return write ? uaccess_touch_write(address) : uaccess_touch_read(address);
}

long user_cmpxchg32(uaddr_t address, u32 expected, u32 value, u32 *old)
{
	return user_range_ok(address, 4) ? uaccess_cmpxchg32(address, expected, value, old) : -EFAULT;
}

long user_load32(uaddr_t address, u32 *value)
{
	return user_range_ok(address, 4) ? uaccess_load32(address, value) : -EFAULT;
}

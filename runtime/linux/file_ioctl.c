/*
 * ioctl. A server gets the command, the argument's value and, for commands that point to memory, a window on it: so the runtime must
 * know how large that memory is. Most newer commands say so in their number; the older ones are in the table.
 */
#include "abi/file.h"
#include "lib/errno.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/file_call.h"
#include "runtime/linux/files.h"
#include "runtime/uaccess.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <linux/stat.h>

#define UNKNOWN_SIZE 4096 /* of a command that is neither in the table nor says it */

#define IFREQ_SIZE   40   /* struct ifreq */

enum direction { VALUE, IN, OUT, BOTH };

struct shape {
	unsigned command;
	unsigned short size;
	unsigned char direction; /* IN: the program gives; OUT: it gets */
};

static const struct shape shapes[] = {
	{ TCGETS, sizeof(struct termios), OUT }, { TCSETS, sizeof(struct termios), IN },
	{ TCSETSW, sizeof(struct termios), IN }, { TCSETSF, sizeof(struct termios), IN },
	{ TCGETA, sizeof(struct termio), OUT }, { TCSETA, sizeof(struct termio), IN },
	{ TCSETAW, sizeof(struct termio), IN }, { TCSETAF, sizeof(struct termio), IN },
	{ TIOCGLCKTRMIOS, sizeof(struct termios), OUT }, { TIOCSLCKTRMIOS, sizeof(struct termios), IN },
	{ TCGETS2, sizeof(struct termios2), OUT }, { TCSETS2, sizeof(struct termios2), IN },
	{ TCSETSW2, sizeof(struct termios2), IN }, { TCSETSF2, sizeof(struct termios2), IN },
	{ TIOCGWINSZ, sizeof(struct winsize), OUT }, { TIOCSWINSZ, sizeof(struct winsize), IN },
	{ TIOCGPGRP, 4, OUT }, { TIOCSPGRP, 4, IN }, { TIOCGSID, 4, OUT }, { TIOCOUTQ, 4, OUT }, { FIONREAD, 4, OUT },
	{ SIOCATMARK, 4, OUT }, { TIOCGETD, 4, OUT }, { TIOCSETD, 4, IN }, { TIOCSTI, 1, IN }, { TIOCPKT, 4, IN }, { TIOCGPTN, 4, OUT }, { TIOCSPTLCK, 4, IN },
	{ TIOCGPTLCK, 4, OUT }, { TIOCGPKT, 4, OUT }, { TIOCGEXCL, 4, OUT }, { TIOCGDEV, 4, OUT },
	{ TIOCMGET, 4, OUT }, { TIOCMSET, 4, IN }, { TIOCMBIS, 4, IN }, { TIOCMBIC, 4, IN },
	{ TIOCGSOFTCAR, 4, OUT }, { TIOCSSOFTCAR, 4, IN }, { TIOCLINUX, 1, BOTH },
	{ TCSBRK, 0, VALUE }, { TCSBRKP, 0, VALUE }, { TCXONC, 0, VALUE }, { TCFLSH, 0, VALUE }, { TIOCEXCL, 0, VALUE },
	{ TIOCNXCL, 0, VALUE }, { TIOCSCTTY, 0, VALUE }, { TIOCNOTTY, 0, VALUE }, { TIOCSBRK, 0, VALUE }, { TIOCCBRK, 0, VALUE },
	{ TIOCVHANGUP, 0, VALUE }, { TIOCGPTPEER, 0, VALUE }, { TIOCCONS, 0, VALUE },
	{ BLKROSET, 4, IN }, { BLKROGET, 4, OUT }, { BLKGETSIZE, 8, OUT }, { BLKFLSBUF, 0, VALUE }, { BLKSSZGET, 4, OUT },
	{ BLKBSZGET, 4, OUT }, { BLKGETSIZE64, 8, OUT }, { BLKPBSZGET, 4, OUT },
	{ SIOCGIFNAME, IFREQ_SIZE, BOTH }, { SIOCGIFFLAGS, IFREQ_SIZE, BOTH }, { SIOCSIFFLAGS, IFREQ_SIZE, IN }, { SIOCGIFADDR, IFREQ_SIZE, BOTH },
	{ SIOCSIFADDR, IFREQ_SIZE, IN }, { SIOCGIFDSTADDR, IFREQ_SIZE, BOTH }, { SIOCGIFBRDADDR, IFREQ_SIZE, BOTH },
	{ SIOCGIFNETMASK, IFREQ_SIZE, BOTH }, { SIOCSIFNETMASK, IFREQ_SIZE, IN }, { SIOCGIFMETRIC, IFREQ_SIZE, BOTH },
	{ SIOCGIFMTU, IFREQ_SIZE, BOTH }, { SIOCSIFMTU, IFREQ_SIZE, IN }, { SIOCGIFHWADDR, IFREQ_SIZE, BOTH }, { SIOCGIFINDEX, IFREQ_SIZE, BOTH },
	{ SIOCGIFTXQLEN, IFREQ_SIZE, BOTH }, { SIOCGIFMAP, IFREQ_SIZE, BOTH },
	{ FS_IOC_GETFLAGS, 4, OUT }, { FS_IOC_SETFLAGS, 4, IN }, { FIGETBSZ, 4, OUT },
};

static struct shape shape_of(unsigned command)
{
	struct shape s = { command, (unsigned short)_IOC_SIZE(command), BOTH };

	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++)
		if (shapes[i].command == command)
			return shapes[i];
	if (_IOC_DIR(command) == _IOC_NONE)
		s.size = UNKNOWN_SIZE;
	return s;
}

/* To the server. An argument that is no address of the program goes as a value only: then a command that wanted memory fails there. */
static long control_server(struct thread_record *t, unsigned fd, unsigned command, unsigned long argument)
{
	struct shape s = shape_of(command);
	struct ipc c = { .target = fd, .info = INFO(FILE_IOCTL, 0) | INFO_INTERRUPTIBLE, .m = { command, argument } };

	if (s.direction == VALUE || s.size == 0)
		return file_call(&c, NULL);
	if (!user_range_ok(argument, s.size)) {
		if (s.size != UNKNOWN_SIZE)
			return -EFAULT;
		return file_call(&c, NULL);
	}
	return file_call_window(t, &c, argument, s.size, s.direction != IN);
}

static long change_flag(unsigned fd, uaddr_t argument, unsigned flag)
{
	int on;
	long flags;

	if (get_user(on, argument) < 0)
		return -EFAULT;
	flags = file_simple(fd, FILE_FLAGS, ~0ul, 0, 0, 0);
	if (flags < 0)
		return flags;
	flags = on ? flags | flag : flags & ~(long)flag;
	flags = file_simple(fd, FILE_FLAGS, (unsigned long)flags & (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC), fd, flag == FASYNC, 0);
	return flags < 0 ? flags : 0;
}

/* Sockets have ioctls for what fcntl does with owners. */
static long socket_owner(unsigned fd, bool set, uaddr_t argument)
{
	long error;
	int who;

	if (set)
		return get_user(who, argument) ? -EFAULT : owner_set_number(fd, who);
	who = owner_get_number(fd, &error);
	return error ? error : put_user(who, argument);
}

/* Of a regular file: what is left behind the position. */
static long bytes_left(struct thread_record *t, unsigned fd, uaddr_t argument)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_FSTAT, 0) };
	long error = file_call_data(&c, sizeof(struct file_attr));
	long size = (long)((struct file_attr *)thread_message(t)->data)->size;
	long at = error < 0 ? error : file_simple(fd, FILE_SEEK, 0, SEEK_CUR, 0, 0);

	return at < 0 ? at : put_user((int)(size - at), argument);
}

/* The slave of a pty, by its master: the one ioctl that gives a descriptor. Its argument is O_ flags. */
static long open_peer(struct thread_record *t, unsigned fd, unsigned flags)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_IOCTL, 0), .m = { TIOCGPTPEER, flags } };
	long result, new = descriptor_reserve(t);

	if (new < 0)
		return new;
	rt_receive_into(t, 0, (unsigned long)new);
	result = file_call(&c, NULL);
	if (result >= 0 && INFO_CAPS_OF(c.info) != 1)
		result = -EIO;
	if (result < 0) {
		descriptor_abandon(t, new);
		return result;
	}
	descriptor_install(t, new, file_word((unsigned)c.m[1], (unsigned)c.m[2], flags));
	return new;
}

/* struct ifconf: a buffer and its size, which becomes what is in it. */
static long interface_list(struct thread_record *t, unsigned fd, uaddr_t argument)
{
	struct ipc c = { .target = fd, .info = INFO(FILE_IOCTL, 0) };
	uaddr_t buffer;
	long result;
	int room;

	if (get_user(room, argument) < 0 || get_user(buffer, argument + 8) < 0)
		return -EFAULT;
	room = MIN(MAX(room, 0), UNKNOWN_SIZE) / IFREQ_SIZE * IFREQ_SIZE;
	c.m[0] = SIOCGIFCONF;
	c.m[1] = buffer;
	if (buffer && room && !user_range_ok(buffer, (size_t)room))
		return -EFAULT;
	result = buffer && !room ? 0 : buffer ? file_call_window(t, &c, buffer, (size_t)room, true) : file_call(&c, NULL);
	return result < 0 ? result : put_user((int)result, argument);
}

long linux_ioctl(struct thread_record *t, const unsigned long a[6])
{
	unsigned fd = (unsigned)a[0], command = (unsigned)a[1];
	u32 word = descriptor_lookup_file(t, fd);

	if (!word)
		return -EBADF;
	switch (command) {
	case FIOCLEX:
		return descriptor_mark(t, fd, DESCRIPTOR_CLOEXEC, 0);
	case FIONCLEX:
		return descriptor_mark(t, fd, 0, DESCRIPTOR_CLOEXEC);
	case FIONBIO:
		return change_flag(fd, a[2], O_NONBLOCK);
	case FIOASYNC:
		return change_flag(fd, a[2], FASYNC);
	case TIOCGPTPEER:
		return open_peer(t, fd, (unsigned)a[2]);
	case SIOCGIFCONF:
		if (descriptor_type(word) == S_IFSOCK)
			return interface_list(t, fd, a[2]);
		break;
	case FIOSETOWN:
	case SIOCSPGRP:
	case FIOGETOWN:
	case SIOCGPGRP:
		if (descriptor_type(word) == S_IFSOCK)
			return socket_owner(fd, command == FIOSETOWN || command == SIOCSPGRP, a[2]);
		break;
	case FIONREAD:
		if (descriptor_type(word) == S_IFREG)
			return bytes_left(t, fd, a[2]);
		break;
	}
	return control_server(t, fd, command, a[2]);
}

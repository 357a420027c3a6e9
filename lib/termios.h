/*
 * Linux x86-64's terminal settings, as its ioctls carry them (include/uapi/asm-generic/termbits.h). The names have
 * a prefix so that a host test can include the host's <termios.h> beside them.
 */
#ifndef LIB_TERMIOS_H
#define LIB_TERMIOS_H

#include "lib/types.h"

#define TIO_NCCS 19

/* TCGETS, TCSETS, TCSETSW, TCSETSF. */
struct tty_termios {
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[TIO_NCCS];
};

/* TCGETA, TCSETA, TCSETAW, TCSETAF: System V's, the low halves and the first characters of the above. */
#define TIO_NCC 8
struct tty_termio {
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[TIO_NCC];
	u8 pad;
};

/* TCGETS2, TCSETS2, TCSETSW2, TCSETSF2: the same, and speeds in bits a second. */
struct tty_termios2 {
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[TIO_NCCS];
	u32 c_ispeed, c_ospeed;
};

/* TIOCGWINSZ, TIOCSWINSZ. */
struct tty_winsize {
	u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};

_Static_assert(sizeof(struct tty_termios) == 36, "TCGETS");
_Static_assert(sizeof(struct tty_termio) == 18 && offsetof(struct tty_termio, c_cc) == 9, "TCGETA");
_Static_assert(sizeof(struct tty_termios2) == 44, "TCGETS2");
_Static_assert(offsetof(struct tty_termios2, c_ispeed) == 36, "TCGETS2 extends TCGETS");
_Static_assert(sizeof(struct tty_winsize) == 8, "TIOCGWINSZ");

/* c_cc */
enum {
	TIO_VINTR = 0,
	TIO_VQUIT = 1,
	TIO_VERASE = 2,
	TIO_VKILL = 3,
	TIO_VEOF = 4,
	TIO_VTIME = 5,
	TIO_VMIN = 6,
	TIO_VSWTC = 7,
	TIO_VSTART = 8,
	TIO_VSTOP = 9,
	TIO_VSUSP = 10,
	TIO_VEOL = 11,
	TIO_VREPRINT = 12,
	TIO_VDISCARD = 13,
	TIO_VWERASE = 14,
	TIO_VLNEXT = 15,
	TIO_VEOL2 = 16,
};

#define TIO_DISABLED 0 /* _POSIX_VDISABLE: a c_cc of this value is no character */

enum tty_iflag {
	TIO_IGNBRK = 0x1,
	TIO_BRKINT = 0x2,
	TIO_IGNPAR = 0x4,
	TIO_PARMRK = 0x8,
	TIO_INPCK = 0x10,
	TIO_ISTRIP = 0x20,
	TIO_INLCR = 0x40,
	TIO_IGNCR = 0x80,
	TIO_ICRNL = 0x100,
	TIO_IUCLC = 0x200,
	TIO_IXON = 0x400,
	TIO_IXANY = 0x800,
	TIO_IXOFF = 0x1000,
	TIO_IMAXBEL = 0x2000,
	TIO_IUTF8 = 0x4000,
};

enum tty_oflag {
	TIO_OPOST = 0x1,
	TIO_OLCUC = 0x2,
	TIO_ONLCR = 0x4,
	TIO_OCRNL = 0x8,
	TIO_ONOCR = 0x10,
	TIO_ONLRET = 0x20,
	TIO_OFILL = 0x40,
	TIO_OFDEL = 0x80,
	TIO_TABDLY = 0x1800,
	TIO_XTABS = 0x1800,
};

enum tty_cflag {
	TIO_CBAUD = 0x100f, /* the speed's code; 0: hang up */
	TIO_BOTHER = 0x1000, /* the speed is in c_ospeed */
	TIO_IBSHIFT = 16,    /* CBAUD for input, 0: as output */
	TIO_B38400 = 0xf,
	TIO_CSIZE = 0x30,
	TIO_CS8 = 0x30,
	TIO_CSTOPB = 0x40,
	TIO_CREAD = 0x80,
	TIO_PARENB = 0x100,
	TIO_HUPCL = 0x400,
	TIO_CLOCAL = 0x800,
};

enum tty_lflag {
	TIO_ISIG = 0x1,
	TIO_ICANON = 0x2,
	TIO_XCASE = 0x4,
	TIO_ECHO = 0x8,
	TIO_ECHOE = 0x10,
	TIO_ECHOK = 0x20,
	TIO_ECHONL = 0x40,
	TIO_NOFLSH = 0x80,
	TIO_TOSTOP = 0x100,
	TIO_ECHOCTL = 0x200,
	TIO_ECHOPRT = 0x400,
	TIO_ECHOKE = 0x800,
	TIO_FLUSHO = 0x1000,
	TIO_PENDIN = 0x4000,
	TIO_IEXTEN = 0x8000,
	TIO_EXTPROC = 0x10000,
};

#endif

/*
 * The serial lines: terminals (tty/tty.h) whose wire is a 16550. /dev/console is the first line.
 *
 * The first line works by interrupts. The others are sent to by polling, and looked at for input by a timer while somebody wants it.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "servers/console/uart.h"
#include "tty/tty.h"

#define LINES 4

struct line {
	struct tty tty;
	struct uart uart;
	bool interrupts;           /* works by interrupt; else by polling */
	unsigned settings_flags, settings_speed; /* c_cflag, speed that the uart has */
};

extern struct line lines[LINES];

void line_init(struct line *line, unsigned index);
/* The first line's interrupt. */
void line_interrupt(void);
/* The server's `deadline` and `expired`: for polled lines, and readers with VTIME. */
unsigned long line_deadline(void);
void line_expired(void);

#endif

/*
 * Between the files of the line discipline: ldisc.c (settings, queue, reading), ldisc_input.c, ldisc_output.c.
 */
#ifndef LIB_LDISC_INTERNAL_H
#define LIB_LDISC_INTERNAL_H

#include "lib/ldisc.h"

static inline bool iflag(const struct ldisc *ld, u32 flag)
{
	return ld->termios.c_iflag & flag;
}

static inline bool oflag(const struct ldisc *ld, u32 flag)
{
	return ld->termios.c_oflag & flag;
}

static inline bool lflag(const struct ldisc *ld, u32 flag)
{
	return ld->termios.c_lflag & flag;
}

/* Whether input goes by lines. With EXTPROC the other end of the line edits. */
static inline bool by_lines(const struct ldisc *ld)
{
	return lflag(ld, TIO_ICANON) && !lflag(ld, TIO_EXTPROC);
}

static inline u8 queue_at(const struct ldisc *ld, u32 position)
{
	return ld->queue[position % LDISC_QUEUE];
}

/* A later byte of a UTF-8 character, if the terminal speaks UTF-8. */
static inline bool is_continuation(const struct ldisc *ld, u8 c)
{
	return iflag(ld, TIO_IUTF8) && (c & 0xc0) == 0x80;
}

/* Linux's character classes are those of Latin-1, whatever IUTF8 says. */
static inline bool is_control(u8 c)
{
	return c < 32 || c == 127;
}

static inline bool is_upper(u8 c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static inline bool is_lower(u8 c)
{
	return (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
}

static inline bool is_word(u8 c)
{
	return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || c == '_';
}

/* ldisc_output.c */
void output_start(struct ldisc *ld);
void output_stop(struct ldisc *ld);

/* Echo of a byte; `echo_visible` shows control characters as ^X if ECHOCTL is set. */
void echo_plain(struct ldisc *ld, u8 c);
void echo_visible(struct ldisc *ld, u8 c);
void echo_back_column(struct ldisc *ld);
void echo_mark_canon_column(struct ldisc *ld);

/* Moves back over a tab, given the columns used since the line's start, or since the tab before it. */
void echo_erase_tab(struct ldisc *ld, u32 columns, bool after_tab);

#endif

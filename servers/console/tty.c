/*
 * Bytes between the serial lines and the line discipline.
 */
#include "servers/console/tty.h"

#include "lib/errno.h"
#include "lib/string.h"

struct tty ttys[TTY_LINES];

static const unsigned uart_base[TTY_LINES] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
#define CONSOLE_GSI 4
#define CONSOLE_NOTICE 1ul /* bit of SLOT_NOTIFY: the console's interrupt */

#define SEND_BURST 4096 /* bytes sent in one turn */
#define POLL_NS    4000000ul /* how often a polled line is looked at while somebody waits for it */

/* ---- the discipline's side ---- */

/* Echo beyond the ring is lost, as on any terminal that is typed at while its output stands still. */
static void emit(void *ctx, const u8 *bytes, size_t n)
{
	struct tty *tty = ctx;

	for (size_t i = 0; i < n && tty_output_used(tty) < TTY_OUTPUT; i++)
		tty->output[tty->output_head++ % TTY_OUTPUT] = bytes[i];
}

static void signal_group(void *ctx, int signal)
{
	job_signal(ctx, signal);
}

static void flush_output(void *ctx)
{
	struct tty *tty = ctx;

	tty->output_tail = tty->output_head;
}

static const struct ldisc_ops ldisc_ops = { .emit = emit, .signal = signal_group, .flush_output = flush_output };

/* ---- sending ---- */

/* As much as the transmitter takes at once, to a bound: nobody else is served meanwhile. */
static void send(struct tty *tty)
{
	u32 budget = SEND_BURST;

	while (tty->output_tail != tty->output_head && budget && uart_can_send(&tty->uart)) {
		u32 n = MIN(MIN(tty_output_used(tty), (u32)UART_FIFO), budget);

		budget -= n;
		while (n--)
			uart_send(&tty->uart, tty->output[tty->output_tail++ % TTY_OUTPUT]);
	}
}

/* Input is left in the port while the discipline has no room: then the sender at the other end waits. */
static bool wants_input(const struct tty *tty)
{
	return ldisc_input_room(&tty->ld) > 0;
}

static void arrange_interrupts(struct tty *tty)
{
	if (tty->interrupts)
		uart_interrupts(&tty->uart, wants_input(tty), tty->output_tail != tty->output_head);
}

static void answer_drainers(struct tty *tty)
{
	struct request *request;

	while (tty->output_tail == tty->output_head && (request = list_first_entry(&tty->drainers, struct request, link))) {
		list_remove(&request->link);
		request_answer(request, tty_drained(request));
	}
}

void tty_transmit(struct tty *tty)
{
	u32 before = tty_output_used(tty);

	if (!tty->uart.io_slot) {
		tty->output_tail = tty->output_head;
		return;
	}
	send(tty);
	if (tty_output_used(tty) < before) {
		tty_pump_writers(tty);
		answer_drainers(tty);
		if (tty_output_used(tty) < TTY_OUTPUT / 2)
			poll_wake(&tty->poll, LINUX_POLLOUT | LINUX_POLLWRNORM);
	}
	arrange_interrupts(tty);
}

/* ---- receiving ---- */

static void take_byte(struct tty *tty, u8 byte, unsigned flags)
{
	if (flags & UART_BREAK)
		ldisc_input_break(&tty->ld);
	else if (flags & UART_BAD)
		ldisc_input_error(&tty->ld, byte);
	else
		ldisc_input(&tty->ld, &byte, 1);
}

void tty_receive(struct tty *tty)
{
	bool any = false;
	unsigned flags;
	u8 byte;

	if (!tty->uart.io_slot)
		return;
	while (wants_input(tty) && (flags = uart_receive(&tty->uart, &byte))) {
		take_byte(tty, byte, flags);
		any = true;
	}
	if (any)
		tty_settle(tty);
}

void tty_settle(struct tty *tty)
{
	tty_pump_readers(tty);
	tty_pump_writers(tty);
	if (ldisc_poll_in(&tty->ld))
		poll_wake(&tty->poll, LINUX_POLLIN | LINUX_POLLRDNORM);
	tty_transmit(tty);
	answer_drainers(tty);
}

/*
 * The line interrupts on an edge, and an edge is lost while the line is masked, until it is acknowledged. So the port must be seen quiet
 * after the acknowledgement: whatever comes later makes a new edge.
 */
void tty_interrupt(void)
{
	struct tty *tty = &ttys[0];
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_IRQ };

	do {
		tty_receive(tty);
		tty_transmit(tty);
		kernel_object(KCALL_irq_ack, a);
	} while (uart_interrupt_pending(&tty->uart));
}

/* ---- timers ---- */

/* A polled line that has something to send, or somebody who waits for its input. */
static bool needs_polling(const struct tty *tty)
{
	if (tty->interrupts || !tty->uart.io_slot)
		return false;
	return tty->output_tail != tty->output_head || !list_empty(&tty->readers) || !list_empty(&tty->poll.armings);
}

static unsigned long next_look;

unsigned long tty_deadline(void)
{
	unsigned long earliest = 0;
	bool polling = false;

	for (unsigned i = 0; i < TTY_LINES; i++) {
		unsigned long at = tty_reader_deadline(&ttys[i]);

		if (at && (!earliest || at < earliest))
			earliest = at;
		polling |= needs_polling(&ttys[i]);
	}
	if (!polling)
		next_look = 0;
	else if (!next_look)
		next_look = kernel_monotonic() + POLL_NS;
	if (next_look && (!earliest || next_look < earliest))
		earliest = next_look;
	return earliest;
}

void tty_expired(void)
{
	unsigned long now = kernel_monotonic();

	if (next_look && now >= next_look)
		next_look = now + POLL_NS;
	for (unsigned i = 0; i < TTY_LINES; i++) {
		if (needs_polling(&ttys[i])) {
			tty_receive(&ttys[i]);
			tty_transmit(&ttys[i]);
		}
		tty_expire_readers(&ttys[i], now);
	}
}

/* ---- start ---- */

/* The Notification's badge tells the interrupt from root's notices. */
static bool bind_interrupt(void)
{
	unsigned slot = slot_take();
	unsigned long copy[8] = { CPTR_SYSTEM | SLOT_SYSTEM, slot, CPTR_SYSTEM | SLOT_SYSTEM, SLOT_NOTIFY, RIGHT_ALL, CONSOLE_NOTICE };
	unsigned long bind[8] = { CPTR_SYSTEM | SLOT_IRQ, CPTR_SYSTEM | slot };
	unsigned long ack[8] = { CPTR_SYSTEM | SLOT_IRQ };

	if (!slot || kernel_object(KCALL_cap_copy, copy) != K_OK || kernel_object(KCALL_irq_bind, bind) != K_OK)
		return false;
	kernel_object(KCALL_irq_ack, ack);
	return true;
}

void tty_init(struct tty *tty, unsigned index)
{
	bool console = index == 0;

	tty->index = index;
	ldisc_init(&tty->ld, &ldisc_ops, tty);
	list_init(&tty->readers);
	list_init(&tty->writers);
	list_init(&tty->drainers);
	list_init(&tty->files);
	poll_queue_init(&tty->poll);
	/* A serial line as Linux starts it: no carrier wanted; the console at its full speed. */
	tty->ld.termios.c_cflag = TIO_CS8 | TIO_CREAD | TIO_HUPCL | TIO_CLOCAL | (console ? 0x1002 : 0xd); /* B115200, B9600 */
	tty->ld.termios.c_ispeed = tty->ld.termios.c_ospeed = console ? 115200 : 9600;
	tty->settings_flags = tty->ld.termios.c_cflag;
	tty->settings_speed = tty->ld.termios.c_ospeed;
	if (!uart_init(&tty->uart, uart_base[index], console ? CONSOLE_GSI : -1))
		return;
	tty->interrupts = console && bind_interrupt();
	arrange_interrupts(tty);
}

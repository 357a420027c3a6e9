/*
 * Bytes between the serial lines and their terminals.
 */
#include "servers/console/console.h"

#include "lib/errno.h"

struct line lines[LINES];

static const unsigned uart_base[LINES] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
#define CONSOLE_GSI 4
#define CONSOLE_NOTICE 1ul /* bit of SLOT_NOTIFY: the console's interrupt */

#define OUTPUT     8192 /* bytes that wait for the transmitter */
#define ECHO_ROOM  512  /* of them, kept from writers: for echo */
#define SEND_BURST 4096 /* bytes sent in one turn */
#define POLL_NS    4000000ul /* how often a polled line is looked at while somebody waits for it */

static u8 rings[LINES][OUTPUT];

static struct line *line_of(struct tty *tty)
{
	return container_of(tty, struct line, tty);
}

/* ---- sending ---- */

/* As much as the transmitter takes at once, to a bound: nobody else is served meanwhile. */
static void send(struct line *line)
{
	u32 budget = SEND_BURST;

	while (tty_output_used(&line->tty) && budget && uart_can_send(&line->uart)) {
		u8 bytes[UART_FIFO];
		u32 n = tty_output_take(&line->tty, bytes, MIN((u32)UART_FIFO, budget));

		budget -= n;
		for (u32 i = 0; i < n; i++)
			uart_send(&line->uart, bytes[i]);
	}
}

/* Input is left in the port while the discipline has no room: then the sender at the other end waits. */
static bool wants_input(const struct line *line)
{
	return ldisc_input_room(&line->tty.ld) > 0;
}

static void arrange_interrupts(struct line *line)
{
	if (line->interrupts)
		uart_interrupts(&line->uart, wants_input(line), tty_output_used(&line->tty) > 0);
}

/* Sends what the transmitter takes, arranges for the rest. */
static void transmit(struct tty *tty)
{
	struct line *line = line_of(tty);
	u32 before = tty_output_used(tty);

	if (!line->uart.io_slot) {
		tty_output_drop(tty, 0);
		return;
	}
	send(line);
	if (tty_output_used(tty) < before)
		tty_output_sent(tty);
	arrange_interrupts(line);
}

static void flush_output(struct tty *tty)
{
	tty_output_drop(tty, 0);
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

static void receive(struct line *line)
{
	bool any = false;
	unsigned flags;
	u8 byte;

	if (!line->uart.io_slot)
		return;
	while (wants_input(line) && (flags = uart_receive(&line->uart, &byte))) {
		take_byte(&line->tty, byte, flags);
		any = true;
	}
	if (any)
		tty_settle(&line->tty);
}

/* A line that interrupts needs nobody to look. */
static void look(struct tty *tty)
{
	if (!line_of(tty)->interrupts)
		receive(line_of(tty));
}

/*
 * The line interrupts on an edge, and an edge is lost while the line is masked, until it is acknowledged. So the port must be seen quiet
 * after the acknowledgement: whatever comes later makes a new edge.
 */
void line_interrupt(void)
{
	struct line *line = &lines[0];
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_IRQ };

	do {
		receive(line);
		transmit(&line->tty);
		kernel_object(KCALL_irq_ack, a);
	} while (uart_interrupt_pending(&line->uart));
}

/* ---- timers ---- */

/* A polled line that has something to send, or somebody who waits for its input. */
static bool needs_polling(const struct line *line)
{
	const struct tty *tty = &line->tty;

	if (line->interrupts || !line->uart.io_slot)
		return false;
	return tty_output_used(tty) || !list_empty(&tty->readers) || !list_empty(&tty->poll.armings);
}

static unsigned long next_look;

unsigned long line_deadline(void)
{
	unsigned long earliest = tty_deadline();
	bool polling = false;

	for (unsigned i = 0; i < LINES; i++)
		polling |= needs_polling(&lines[i]);
	if (!polling)
		next_look = 0;
	else if (!next_look)
		next_look = kernel_monotonic() + POLL_NS;
	if (next_look && (!earliest || next_look < earliest))
		earliest = next_look;
	return earliest;
}

void line_expired(void)
{
	unsigned long now = kernel_monotonic();

	if (next_look && now >= next_look)
		next_look = now + POLL_NS;
	for (unsigned i = 0; i < LINES; i++) {
		if (!needs_polling(&lines[i]))
			continue;
		receive(&lines[i]);
		transmit(&lines[i].tty);
	}
	tty_expired();
}

/* ---- settings ---- */

static void configured(struct tty *tty, const struct tty_termios2 *old)
{
	const struct tty_termios2 *termios = &tty->ld.termios;
	struct line *line = line_of(tty);

	(void)old;
	if (termios->c_cflag == line->settings_flags && termios->c_ospeed == line->settings_speed)
		return;
	line->settings_flags = termios->c_cflag;
	line->settings_speed = termios->c_ospeed;
	if (line->uart.io_slot)
		uart_line(&line->uart, termios->c_ospeed, termios->c_cflag);
}

static void set_break(struct tty *tty, bool on)
{
	if (line_of(tty)->uart.io_slot)
		uart_break(&line_of(tty)->uart, on);
}

static long modem(struct tty *tty)
{
	struct uart *uart = &line_of(tty)->uart;

	return uart->io_slot ? (long)uart_modem(uart) : -EIO;
}

static void set_modem(struct tty *tty, unsigned wanted)
{
	uart_set_modem(&line_of(tty)->uart, wanted);
}

static const struct tty_wire wire = { .transmit = transmit, .flush_output = flush_output, .receive = look, .configured = configured,
				      .set_break = set_break, .modem = modem, .set_modem = set_modem };

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

void line_init(struct line *line, unsigned index)
{
	struct tty_termios2 *termios = &line->tty.ld.termios;
	bool console = index == 0;

	tty_init(&line->tty, &wire, 4 << 8 | (64 + index), rings[index], OUTPUT, OUTPUT - ECHO_ROOM);
	/* A serial line as Linux starts it: no carrier wanted; the console at its full speed. */
	termios->c_cflag = TIO_CS8 | TIO_CREAD | TIO_HUPCL | TIO_CLOCAL | (console ? 0x1002 : 0xd); /* B115200, B9600 */
	termios->c_ispeed = termios->c_ospeed = console ? 115200 : 9600;
	line->settings_flags = termios->c_cflag;
	line->settings_speed = termios->c_ospeed;
	if (!uart_init(&line->uart, uart_base[index], console ? CONSOLE_GSI : -1))
		return;
	line->interrupts = console && bind_interrupt();
	arrange_interrupts(line);
}

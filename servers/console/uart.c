#include "servers/console/uart.h"

#include "lib/termios.h"
#include "serve/serve.h"

/* Registers, from the base; the divisor's two bytes take the place of DATA and INTERRUPTS while LINE_DIVISOR is set. */
enum { DATA = 0, INTERRUPTS = 1, IDENTIFY = 2, FIFO = 2, LINE = 3, MODEM = 4, LINE_STATUS = 5, MODEM_STATUS = 6, SCRATCH = 7 };

#define WANT_RECEIVE  1
#define WANT_TRANSMIT 2
#define NOT_PENDING   1    /* IDENTIFY */
#define FIFO_ON       0x87 /* enable, clear both, trigger at 8 bytes: a time-out interrupt brings fewer */
#define LINE_BREAK    0x40
#define LINE_DIVISOR  0x80
#define MODEM_READY   0x0b /* DTR, RTS, and OUT2, which lets interrupts through on a PC */
#define STATUS_DATA   0x01
#define STATUS_BAD    0x0c /* parity, framing */
#define STATUS_BREAK  0x10
#define STATUS_EMPTY  0x20 /* the transmit FIFO */
#define CLOCK         115200

static unsigned get(struct uart *uart, unsigned reg)
{
	unsigned long a[8] = { CPTR_SYSTEM | uart->io_slot, uart->base + reg, 1 };

	return kernel_object(KCALL_io_in, a) == K_OK ? (unsigned)a[0] & 0xff : 0xff;
}

static void put(struct uart *uart, unsigned reg, unsigned value)
{
	unsigned long a[8] = { CPTR_SYSTEM | uart->io_slot, uart->base + reg, 1, value };

	kernel_object(KCALL_io_out, a);
}

/* Root puts the IOPort into SLOT_IO_PORT: it moves to a slot of its own, to make room for the next port's. */
static bool take_port(struct uart *uart, long gsi)
{
	unsigned slot = slot_take();
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_SYSTEM, slot, CPTR_SYSTEM | SLOT_SYSTEM, SLOT_IO_PORT };
	long error;

	if (!slot)
		return false;
	error = root_call3(PROC_NEEDS_IO, uart->base, uart->base + 7, (unsigned long)gsi);
	if (error < 0) {
		serve_log(LOG_WARNING, "port 0x%x: not given (error %ld)", uart->base, -error);
	} else if (kernel_object(KCALL_cap_move, a) == K_OK) {
		uart->io_slot = slot;
		return true;
	}
	slot_free(slot);
	return false;
}

/* A register that keeps what is written shows that a 16550 is there. */
static bool present(struct uart *uart)
{
	put(uart, SCRATCH, 0x5a);
	if (get(uart, SCRATCH) != 0x5a)
		return false;
	put(uart, SCRATCH, 0);
	return get(uart, SCRATCH) == 0;
}

bool uart_init(struct uart *uart, unsigned base, long gsi)
{
	uart->base = base;
	if (!take_port(uart, gsi))
		return false;
	if (!present(uart)) {
		uart->io_slot = 0;
		return false;
	}
	put(uart, INTERRUPTS, 0);
	uart->line = 3;
	uart_line(uart, CLOCK, TIO_CS8);
	put(uart, FIFO, FIFO_ON);
	uart->modem = MODEM_READY;
	put(uart, MODEM, uart->modem);
	return true;
}

unsigned uart_receive(struct uart *uart, u8 *byte)
{
	unsigned status = get(uart, LINE_STATUS), flags = UART_RECEIVED;

	if (!(status & STATUS_DATA))
		return 0;
	*byte = (u8)get(uart, DATA);
	if (status & STATUS_BREAK)
		flags |= UART_BREAK;
	else if (status & STATUS_BAD)
		flags |= UART_BAD;
	return flags;
}

bool uart_can_send(struct uart *uart)
{
	return get(uart, LINE_STATUS) & STATUS_EMPTY;
}

void uart_send(struct uart *uart, u8 byte)
{
	put(uart, DATA, byte);
}

void uart_interrupts(struct uart *uart, bool receive, bool transmit)
{
	u8 wanted = (receive ? WANT_RECEIVE : 0) | (transmit ? WANT_TRANSMIT : 0);

	if (wanted == uart->enabled)
		return;
	uart->enabled = wanted;
	put(uart, INTERRUPTS, wanted);
}

bool uart_interrupt_pending(struct uart *uart)
{
	return !(get(uart, IDENTIFY) & NOT_PENDING);
}

void uart_line(struct uart *uart, unsigned speed, unsigned cflag)
{
	unsigned divisor = speed ? MAX(CLOCK / speed, 1u) : 0;

	uart->line = (uart->line & LINE_BREAK) | (cflag >> 4 & 3) | (cflag & TIO_CSTOPB ? 4 : 0) | (cflag & TIO_PARENB ? 8 : 0);
	if (cflag & TIO_PARENB && !(cflag & 0x200)) /* not PARODD */
		uart->line |= 0x10;
	if (divisor) {
		put(uart, LINE, uart->line | LINE_DIVISOR);
		put(uart, DATA, divisor & 0xff);
		put(uart, INTERRUPTS, divisor >> 8);
	}
	put(uart, LINE, uart->line);
}

void uart_break(struct uart *uart, bool on)
{
	uart->line = on ? uart->line | LINE_BREAK : uart->line & (u8)~LINE_BREAK;
	put(uart, LINE, uart->line);
}

/* Linux's TIOCM_ bits: DTR 2, RTS 4, CTS 0x20, CD 0x40, RI 0x80, DSR 0x100, OUT1 0x2000, OUT2 0x4000 */
unsigned uart_modem(struct uart *uart)
{
	unsigned status = get(uart, MODEM_STATUS), lines = 0;

	lines |= uart->modem & 1 ? 0x2 : 0;
	lines |= uart->modem & 2 ? 0x4 : 0;
	lines |= status & 0x10 ? 0x20 : 0;
	lines |= status & 0x20 ? 0x100 : 0;
	lines |= status & 0x40 ? 0x80 : 0;
	lines |= status & 0x80 ? 0x40 : 0;
	return lines;
}

void uart_set_modem(struct uart *uart, unsigned lines)
{
	uart->modem = (u8)((uart->modem & ~3u) | (lines & 2 ? 1 : 0) | (lines & 4 ? 2 : 0));
	put(uart, MODEM, uart->modem);
}

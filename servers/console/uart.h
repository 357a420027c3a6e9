/*
 * A 16550 serial port (National Semiconductor PC16550D data sheet), through an IOPort capability.
 */
#ifndef CONSOLE_UART_H
#define CONSOLE_UART_H

#include "lib/types.h"

struct uart {
	unsigned base;    /* first port */
	unsigned io_slot; /* IOPort; 0: there is no such port here */
	u8 enabled;       /* interrupt-enable register as last written */
	u8 line, modem;   /* line and modem control registers */
};

/* What a received byte came with. */
#define UART_RECEIVED 1
#define UART_BREAK    2
#define UART_BAD      4 /* parity or framing error */

/* Takes the port from root: false: there is none. gsi -1: no interrupt wanted. */
bool uart_init(struct uart *uart, unsigned base, long gsi);

/* One byte and UART_ flags; 0: nothing is there. */
unsigned uart_receive(struct uart *uart, u8 *byte);

/* Whether the transmitter takes UART_FIFO bytes now. */
#define UART_FIFO 16
bool uart_can_send(struct uart *uart);
void uart_send(struct uart *uart, u8 byte);

/* Interrupts wanted: when bytes come; when the transmitter is empty. */
void uart_interrupts(struct uart *uart, bool receive, bool transmit);
/* Reads the reason of an interrupt, which ends it. False: none is pending. */
bool uart_interrupt_pending(struct uart *uart);

/* Speed in bits a second (0 keeps), and c_cflag's size, parity and stop bits. */
void uart_line(struct uart *uart, unsigned speed, unsigned cflag);
void uart_break(struct uart *uart, bool on);

/* The modem lines as TIOCM_ bits. */
unsigned uart_modem(struct uart *uart);
void uart_set_modem(struct uart *uart, unsigned lines);

#endif

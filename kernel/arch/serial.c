/* COM1, a 16550: 115200 8N1, polled. The console server takes the port over later; the log keeps writing to it. */
#include "kernel/arch/x86.h"

#define COM1 0x3f8
#define UART_DATA 0
#define UART_INTERRUPTS 1
#define UART_FIFO 2
#define UART_LINE 3
#define UART_MODEM 4
#define UART_STATUS 5
#define LINE_DIVISOR 0x80
#define LINE_8N1 3
#define FIFO_ENABLE_CLEAR 7
#define MODEM_DTR_RTS 3
#define STATUS_EMPTY 0x20
#define FIFO_SIZE 16
#define PATIENCE 1000000 /* polls; a port that is stuck must not stop the kernel */

static bool present;

void serial_init(void)
{
	if (in8(COM1 + UART_STATUS) == 0xff)
		return;
	out8(COM1 + UART_INTERRUPTS, 0);
	out8(COM1 + UART_LINE, LINE_DIVISOR);
	out8(COM1 + UART_DATA, 1);
	out8(COM1 + UART_INTERRUPTS, 0);
	out8(COM1 + UART_LINE, LINE_8N1);
	out8(COM1 + UART_FIFO, FIFO_ENABLE_CLEAR);
	out8(COM1 + UART_MODEM, MODEM_DTR_RTS);
	present = true;
}

static void wait_empty(void)
{
	for (unsigned i = 0; i < PATIENCE; i++)
		if (in8(COM1 + UART_STATUS) & STATUS_EMPTY)
			return;
}

void arch_console_write(const char *text, size_t length)
{
	if (!present)
		return;
	for (size_t i = 0; i < length; i++) {
		if (i % FIFO_SIZE == 0)
			wait_empty();
		out8(COM1 + UART_DATA, (u8)text[i]);
	}
}

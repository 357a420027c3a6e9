/* I/O ports for the portable kernel, and the ways to end or restart the machine. */
#include "kernel/arch/x86.h"

#define QEMU_EXIT_PORT 0xf4 /* isa-debug-exit: QEMU's status is code * 2 + 1 */
#define SLEEP_ENABLE BIT(13)
#define SLEEP_TYPE_SHIFT 10
#define RESET_CONTROL 0xcf9
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET 0xfe

void arch_io_out(u16 port, unsigned bytes, u32 value)
{
	if (bytes == 1)
		out8(port, (u8)value);
	else if (bytes == 2)
		out16(port, (u16)value);
	else
		out32(port, value);
}

u32 arch_io_in(u16 port, unsigned bytes)
{
	if (bytes == 1)
		return in8(port);
	return bytes == 2 ? in16(port) : in32(port);
}

noreturn void arch_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static bool power_off_known(void)
{
	return acpi.has_s5 && acpi.pm1a_control;
}

static void power_off(void)
{
	if (!power_off_known())
		return;
	out16(acpi.pm1a_control, (u16)(SLEEP_ENABLE | (u16)acpi.s5_type_a << SLEEP_TYPE_SHIFT));
	if (acpi.pm1b_control)
		out16(acpi.pm1b_control, (u16)(SLEEP_ENABLE | (u16)acpi.s5_type_b << SLEEP_TYPE_SHIFT));
}

noreturn void arch_exit(unsigned code)
{
	/* An orderly end is QEMU's status 0, which the exit device cannot give; the power goes off only some time after it was asked for. */
	if (code || !power_off_known())
		out32(QEMU_EXIT_PORT, code);
	power_off();
	arch_halt();
}

static void acpi_reset(void)
{
	if (!acpi.has_reset)
		return;
	if (acpi.reset.space == 1)
		out8((u16)acpi.reset.address, acpi.reset_value);
	else if (acpi.reset.space == 0 && acpi.reset.address < 4ull << 30)
		*(volatile u8 *)phys_to_virt(acpi.reset.address) = acpi.reset_value;
}

noreturn void arch_restart(void)
{
	acpi_reset();
	out8(RESET_CONTROL, 6);
	out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
	arch_halt();
}

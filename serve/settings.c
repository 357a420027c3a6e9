#include "serve/settings.h"

#include "abi/gate.h"

u64 setting(enum setting which)
{
	return ((const volatile unsigned long *)GATE_SETTINGS)[which];
}

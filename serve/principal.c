#include "serve/principal.h"

#include "abi/gate.h"

static const struct principal_entry *table(void)
{
	return (const struct principal_entry *)GATE_PRINCIPALS;
}

const struct principal_entry *principal_find(unsigned long principal)
{
	unsigned long index = principal & PRINCIPAL_INDEX_MASK;

	if (!principal || index >= PRINCIPALS_MAX || table()[index].principal != principal)
		return NULL;
	return &table()[index];
}

const struct principal_entry *principal_at(unsigned index)
{
	return index < PRINCIPALS_MAX && table()[index].principal ? &table()[index] : NULL;
}

unsigned principal_pid(unsigned long principal)
{
	const struct principal_entry *entry = principal_find(principal);

	return entry ? entry->pid : 0;
}

bool process_alive(unsigned pid)
{
	for (unsigned i = 0; i < PRINCIPALS_MAX; i++) {
		const struct principal_entry *entry = &table()[i];

		if (entry->principal && entry->pid == pid)
			return true;
	}
	return false;
}

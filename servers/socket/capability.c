/* What the kernel says of capabilities that came with messages. */
#include "servers/socket/socket.h"

static bool identify(unsigned slot, unsigned *type, unsigned long *badge, unsigned long *endpoint)
{
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_SYSTEM, slot };

	if (kernel_object(KCALL_cap_identify, a) != K_OK)
		return false;
	*type = (unsigned)(a[0] & 0xff);
	*badge = a[1];
	*endpoint = a[2];
	return true;
}

static unsigned long own_endpoint(void)
{
	static unsigned long id;
	unsigned long badge;
	unsigned type;

	if (!id)
		identify(SLOT_ENDPOINT, &type, &badge, &id);
	return id;
}

enum capability capability_kind(unsigned slot, struct open_file **file)
{
	unsigned long badge, endpoint;
	unsigned type;

	*file = NULL;
	if (!identify(slot, &type, &badge, &endpoint))
		return CAPABILITY_DEAD;
	if (type != OBJECT_HANDLE)
		return CAPABILITY_OTHER;
	if (endpoint != own_endpoint())
		return CAPABILITY_FILE;
	*file = open_file_find(badge);
	return *file ? CAPABILITY_OWN : CAPABILITY_FILE;
}

bool capability_copy(unsigned from, unsigned to)
{
	unsigned long a[8] = { CPTR_SYSTEM | SLOT_SYSTEM, to, CPTR_SYSTEM | SLOT_SYSTEM, from, RIGHT_ALL };

	return kernel_object(KCALL_cap_copy, a) == K_OK;
}

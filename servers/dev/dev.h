/*
 * The /dev server: one directory from a table. Devices it serves itself; others are mount points of other servers, listed so that readdir
 * shows them.
 */
#ifndef DEV_DEV_H
#define DEV_DEV_H

#include "serve/serve.h"

/* What a device does; NULL: the framework's error. */
struct device {
	long (*open)(struct open_file *file);
	long (*read)(struct request *request, size_t length);
	long (*write)(struct request *request, size_t length);
	long (*ioctl)(struct request *request, unsigned command);
	long (*map)(void);
	bool unpolled;
};

extern const struct device device_null, device_zero, device_full, device_random, device_urandom, device_kmsg;

/* Seeds the generator from what root gave this process, the clock and the processor. */
void device_random_start(void);

#endif

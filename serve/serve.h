/*
 * The file-server framework. A server is
 *
 *	static const struct serve_operations operations = { .root = ..., .mode = ..., .read = ... };
 *	int main(void) { ...; serve_run(&operations); }
 *
 * One thread, one loop: operations never block on anybody but root and the kernel.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "serve/file.h"
#include "serve/kernel.h"
#include "serve/log.h"
#include "serve/memory.h"
#include "serve/principal.h"
#include "serve/request.h"
#include "serve/settings.h"
#include "serve/users.h"

/* Says SERVICE_READY to root and serves for ever. */
noreturn void serve_run(const struct serve_operations *operations);

/* Linux's constants that its headers and the file protocol share. */
#include "serve/linux.h"

#endif

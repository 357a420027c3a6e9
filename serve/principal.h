/* Who a caller is: root's table, read-only in every server. */
#ifndef SERVE_PRINCIPAL_H
#define SERVE_PRINCIPAL_H

#include "abi/process.h"
#include "lib/types.h"

/* NULL: that thread is gone. The entry may change at any time: copy what must stay. */
const struct principal_entry *principal_find(unsigned long principal);
/* The index-th entry of the table, for walks; NULL: free. index < PRINCIPALS_MAX. */
const struct principal_entry *principal_at(unsigned index);
/* 0: gone. */
unsigned principal_pid(unsigned long principal);
/* Whether any thread of the process lives. Walks the table. */
bool process_alive(unsigned pid);

#endif

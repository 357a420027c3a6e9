/* The tables of bench/rows.c. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "bench/measure.h"

extern const struct row call_rows[], process_rows[], memory_rows[], native_rows[];

/* native.c: a server, and an empty call of it. */
void native_prepare(void);
void native_call(void);
int native_server(void); /* its process */

#endif

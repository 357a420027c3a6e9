/* The tables of bench/rows.c. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "bench/measure.h"

extern const struct row call_rows[], process_rows[], memory_rows[], native_rows[];

/* native.c: a server, and calls of it: empty, with 8 and 64 bytes in registers both ways, with 4 KiB copied, with 1 MiB in memory that both map. */
void native_prepare(void);
void native_call(void);
void native_call_word(void);
void native_call_words(void);
void native_call_data(void);
void native_call_shared(void);
int native_server(void); /* its process */

#endif

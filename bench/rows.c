/* rows [NAME]...: measures what single calls cost. */
#include "bench/rows.h"

int main(int argc, char **argv)
{
	static const struct row_table tables[] = { { .rows = call_rows }, { .rows = process_rows }, { .rows = memory_rows }, { .rows = native_rows, .uxrt_only = 1 } };

	return measure_tables(tables, sizeof tables / sizeof *tables, argc, argv);
}

/*
 * The texts of /proc/PID, byte for byte as Linux 6.1 writes them, from what root knows of a process. Pure: no calls.
 */
#ifndef PROC_PROCESS_TEXT_H
#define PROC_PROCESS_TEXT_H

#include "abi/process.h"
#include "servers/proc/text.h"

#define PROC_TICKS_PER_SECOND 100ul /* USER_HZ */

void process_text_stat(struct text *text, const struct proc_info *info);
void process_text_statm(struct text *text, const struct proc_info *info);
void process_text_status(struct text *text, const struct proc_info *info);
void process_text_limits(struct text *text, const struct proc_info *info);
struct region_pages {
	unsigned long mapped, alone, bytes; /* pages; pages that nobody else maps; each page's size by how many map it */
};
/* One line of maps; with `pages`, the lines that smaps adds. `name` may be "". */
void process_text_region(struct text *text, const struct proc_region *region, const char *name, const struct region_pages *pages);

#endif

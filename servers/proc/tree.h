/*
 * The trees of /proc and /sys. Tables say what there is: for /proc the fixed files, and the files of each process and thread; for /sys the fixed
 * files, and those of each processor. A row has a name and the function that writes its text. A node is a row, and which process, thread and
 * descriptor, or which processor, it is for.
 */
#ifndef PROC_TREE_H
#define PROC_TREE_H

#include "abi/process.h"
#include "serve/serve.h"
#include "servers/proc/system_text.h"
#include "servers/proc/text.h"

enum node_kind {
	NODE_FIXED = 1,  /* index: row of fixed_rows */
	NODE_PROCESS,    /* index: row of process_rows; pid */
	NODE_THREAD,     /* the same below task/: pid, number: tid */
	NODE_DESCRIPTOR, /* pid, number: descriptor */
	NODE_SYS,        /* index: row of sys_rows */
	NODE_CPU,        /* index: row of cpu_rows; pid: the processor's number */
	NODE_INFO,       /* a file of fdinfo: pid, number: descriptor; index: ROW_FDINFO */
};

struct place {
	enum node_kind kind;
	unsigned index, pid, number;
};

struct node place_node(struct place place);
struct place node_place(struct node node);

/* Writes the text of a file; 0 or a negative errno. `info` is of the process or thread; NULL for fixed files. */
typedef long text_maker(struct text *text, const struct place *place, const struct proc_info *info);

struct row {
	const char *name;
	unsigned mode;
	text_maker *make;
	const char *target;   /* fixed links; NULL with a link's mode: made by `make` */
	long magic;           /* process links: -1 exe, -2 cwd, -3 root; 0: none */
	unsigned parent;      /* rows of fixed_rows, sys_rows and cpu_rows: the directory's index */
	bool in_threads;      /* process rows: also in task/TID */
	bool private;         /* only for the same user */
	u16 setting, settings; /* make_setting, write_setting: the first one, and how many the file shows */
	/* How many bytes of the text it has taken, 0: all. */
	long (*write)(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset);
};

extern const struct row fixed_rows[], process_rows[], sys_rows[], cpu_rows[];
extern const unsigned fixed_count, process_count, sys_count, cpu_count;
/* Rows of process_rows that are directories with contents of their own. */
#define ROW_DIRECTORY 0
#define ROW_FD        1
#define ROW_TASK      2
#define ROW_FDINFO    3

static inline const struct row *place_row(const struct place *place)
{
	switch (place->kind) {
	case NODE_FIXED: return &fixed_rows[place->index];
	case NODE_SYS: return &sys_rows[place->index];
	case NODE_CPU: return &cpu_rows[place->index];
	default: return &process_rows[place->index];
	}
}

/* Whether it is below /proc/sys. */
bool place_in_settings(const struct place *place);

/* Whether it is for a process, which may have gone. */
static inline bool place_of_process(const struct place *place)
{
	return place->kind == NODE_PROCESS || place->kind == NODE_THREAD || place->kind == NODE_DESCRIPTOR || place->kind == NODE_INFO;
}

static inline bool place_in_sys(const struct place *place)
{
	return place->kind == NODE_SYS || place->kind == NODE_CPU;
}

/* What root knows of a process or thread; false: it is gone. */
bool process_ask(unsigned id, struct proc_info *info);

/* ---- file_text.c ---- */
/* An empty text that grows; NULL: no memory. */
struct text *text_new(void);
void text_free(struct text *text);
/* The open file's own, in file->data, emptied. */
struct text *file_text(struct open_file *file);
void file_text_forget(struct open_file *file);

/* ---- descriptor_info.c ---- */
/* 0: file->data is the text to be read; else what the read operation returns: the reader was passed on, and comes back. */
long descriptor_info_ready(struct request *request, struct open_file *file);
void descriptor_info_forget(struct open_file *file);

/* ---- process_files.c ---- */
text_maker make_stat, make_statm, make_status, make_limits, make_cmdline, make_comm, make_environ, make_maps, make_smaps, make_mounts,
	make_mountinfo, make_oom_score, make_oom_adjust;
long write_oom_adjust(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset);
long write_comm(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset);

/* ---- sys_files.c ---- */
/* The directory that has one directory a processor, by number; how many; and that directory itself. */
bool sys_lists_processors(const struct place *directory);
struct place sys_above_processors(void);

/* ---- system_files.c ---- */
struct system_state system_state_now(void);
unsigned processors_now(void); /* the processors of this node, all of which run */
text_maker make_self, make_thread_self, make_boot_line, make_cpuinfo, make_meminfo, make_vmstat, make_system_stat, make_uptime, make_loadavg, make_version,
	make_boot_id, make_uuid, make_objects, make_audit, make_charges, make_counters;

/* ---- settings.c: /proc/sys ---- */
text_maker make_setting, make_hostname, make_domainname;
long write_setting(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset);
long write_hostname(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset);
long write_domainname(const struct place *place, const struct proc_info *info, const char *text, size_t length, u64 offset);

#endif

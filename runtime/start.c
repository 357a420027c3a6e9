/*
 * The first thread of a new image. Root has mapped the runtime, an empty lower half and the start block; everything else happens here: the
 * runtime's own state, then the program's file, its interpreter, the vDSO and the stack.
 */
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/entry.h"
#include "runtime/linux/deliver.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/files.h"
#include "runtime/linux/image.h"
#include "runtime/linux/memory.h"
#include "runtime/linux/process.h"
#include "runtime/linux/signal.h"
#include "runtime/linux/start_stack.h"

#define PIE_BASE      0x555555554000ul
#define STACK_SPARE   0x20000ul /* mapped below what is written at the start, as Linux does; root lets the stack grow when it is touched below */

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

struct program {
	u64 entry;            /* of the interpreter if there is one */
	u64 program_entry, interp_base, phdr;
	unsigned phdr_count;
	bool exec_stack;
	u64 code_start, code_end, brk_start;
	u64 vdso;
};

static struct process_state first_process;

struct process_state *process_first(void)
{
	return &first_process;
}

noreturn static void start_failed(const char *what, long error)
{
	rt_log(0, "cannot start a program: %s: error %ld", what, -error);
	for (;;)
		rt_root(PROC_EXIT, 127 << 8, 1, 0, 0, 0);
}

/* ---- the start block ---- */

struct arguments {
	const struct start_block *block;
	const char *argv, *envp, *path;
	unsigned argc, envc;
	size_t argv_bytes, envp_bytes;
	const struct start_descriptor *descriptors;
};

static const char *block_at(const struct start_block *block, unsigned offset)
{
	return offset && offset < block->size ? (const char *)block + offset : NULL;
}

static bool block_text(const struct start_block *block, unsigned offset, unsigned count, const char **text, size_t *bytes)
{
	bool ok = true;

	*text = block_at(block, offset);
	*bytes = 0;
	if (!*text)
		return count == 0;
	*bytes = strings_size(*text, block->size - offset, count, &ok);
	return ok;
}

static void arguments_read(struct arguments *x)
{
	const struct start_block *block = (const struct start_block *)GATE_ARGUMENTS;
	size_t path_bytes;

	*x = (struct arguments){ .block = block };
	if (block->magic != START_MAGIC || block->size < sizeof(*block) || block->size > GATE_ARGUMENTS_MAX)
		start_failed("start block", -EINVAL);
	if (block->descriptor_count) {
		x->descriptors = (const void *)block_at(block, block->descriptors_offset);
		if (!x->descriptors || block->descriptor_count > (block->size - block->descriptors_offset) / sizeof(*x->descriptors))
			start_failed("descriptor list", -EINVAL);
	}
	if (block->bundle_name_offset) { /* a service: its name is all it is told */
		if (!block_text(block, block->bundle_name_offset, 1, &x->argv, &x->argv_bytes) || !x->argv)
			start_failed("service's name", -EINVAL);
		x->path = x->argv;
		x->argc = 1;
		return;
	}
	x->argc = block->argc;
	x->envc = block->envc;
	if (!block_text(block, block->argv_offset, block->argc, &x->argv, &x->argv_bytes)
	    || !block_text(block, block->envp_offset, block->envc, &x->envp, &x->envp_bytes)
	    || !block_text(block, block->path_offset, 1, &x->path, &path_bytes) || !x->path)
		start_failed("arguments", -EINVAL);
}

/* ---- the runtime's own state ---- */

static void state_init(struct thread_record *t, const struct start_block *block)
{
	struct context_page *context = thread_context(t);
	struct message_buffer *message = thread_message(t);
	struct process_state *p = &first_process;
	struct files_state *files;
	long error;

	t->index = (unsigned)context->thread_index;
	t->tid = (unsigned)context->tid;
	for (unsigned i = 0; i < MESSAGE_CAPS; i++)
		message->recv_slot[i] = SLOT_NONE;
	p->trace = process_info()->strace;
	p->thread_count = 1;
	p->personality = block->personality;
	p->heap = heap_start();
	t->process = p;
	t->heap = p->heap;
	t->slow = p->trace ? SLOW_TRACE : 0;
	context->signal_mask = block->signal_mask;
	t->sighand = sighand_create(block->signals_ignored);
	files = files_create();
	t->fs = fs_create(block->umask, block->cwd_takes_paths);
	if (!t->sighand || !files || !t->fs)
		start_failed("state", -ENOMEM);
	files_use(t, files);
	error = files_exec_adopt(t->files, (const void *)block_at(block, block->descriptors_offset), block->descriptor_count, block->descriptors_doubtful);
	if (error)
		start_failed("descriptors", error);
}

/* ---- the program ---- */

static u64 bias_of(const struct elf_image *elf)
{
	return elf->type == ELF_ET_DYN ? ALIGN_UP(PIE_BASE, elf->align) - ALIGN_DOWN(elf->lowest, elf->align) : 0;
}

static void program_describe(struct program *p, const struct elf_image *elf, u64 bias)
{
	p->entry = p->program_entry = elf->entry + bias;
	p->phdr = elf->phdr_vaddr ? elf->phdr_vaddr + bias : 0;
	p->phdr_count = elf->phdr_count;
	p->exec_stack = elf->exec_stack;
	p->code_start = elf->segments[0].vaddr + bias;
	p->code_end = p->code_start + elf->segments[0].mem_size;
	p->brk_start = ALIGN_UP(elf->highest + bias, PAGE_SIZE);
}

/* Reserves room for the interpreter wherever root likes, then maps it there. */
__attribute__((noinline)) static void interp_load(struct thread_record *t, struct program *p, const char *name)
{
	struct image_file file;
	struct elf_image elf;
	long descriptor = file_open_own(t, name, O_CLOEXEC), base, error;

	if (descriptor < 0)
		start_failed(name, descriptor);
	file.cptr = (unsigned long)descriptor;
	error = image_look(t, &file);
	if (!error)
		error = image_parse(t, &file, &elf);
	if (error)
		start_failed(name, error);
	base = 0;
	if (elf.type == ELF_ET_DYN) {
		u64 low = ALIGN_DOWN(elf.lowest, PAGE_SIZE);

		base = memory_map(0, ALIGN_UP(elf.highest, PAGE_SIZE) - low, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
		if (base < 0)
			start_failed(name, base);
		base -= (long)low;
	}
	error = image_map(t, &file, &elf, (u64)base);
	if (error)
		start_failed(name, error);
	descriptor_close(t, (unsigned)descriptor);
	p->interp_base = (u64)base;
	p->entry = elf.entry + (u64)base;
}

/* The functions below are kept apart so that their large frames do not add up: each page of stack is a page fault of every exec. */
__attribute__((noinline)) static void interp_find(struct thread_record *t, struct program *p, const struct image_file *file, const struct elf_image *elf)
{
	char *name = rt_alloc(ELF_INTERP_MAX);
	long error = name ? image_interp(t, file, elf, name) : -ENOMEM;

	if (error)
		start_failed("interpreter", error);
	interp_load(t, p, name);
	rt_free(name);
}

__attribute__((noinline)) static void program_load(struct thread_record *t, struct program *p)
{
	struct image_file file = { .cptr = CPTR_SYSTEM | SLOT_EXE };
	struct elf_image elf;
	long error = image_look(t, &file);
	u64 bias;

	if (!error)
		error = image_parse(t, &file, &elf);
	if (error)
		start_failed("executable", error);
	bias = bias_of(&elf);
	error = image_map(t, &file, &elf, bias);
	if (error)
		start_failed("segments", error);
	program_describe(p, &elf, bias);
	if (elf.has_interp)
		interp_find(t, p, &file, &elf);
}

/* A service's file is mapped whole at GATE_SERVICE_FILE; argv_offset is its size. */
__attribute__((noinline)) static void service_load(struct thread_record *t, struct program *p, const struct start_block *block)
{
	const char *bytes = (const char *)GATE_SERVICE_FILE;
	struct elf_image elf;
	s64 error = elf_parse(bytes, block->argv_offset, block->argv_offset, &elf);

	if (error)
		start_failed("service's file", error < 0 ? error : -ENOEXEC);
	error = image_map_memory(t, bytes, &elf, bias_of(&elf));
	if (error)
		start_failed("service's segments", error);
	program_describe(p, &elf, bias_of(&elf));
}

static void vdso_map(struct program *p)
{
	long at = rt_root(PROC_MAP_RUNTIME, (unsigned long)vdso_start, 0, 0, 0, 0);

	/* without it programs make system calls instead */
	p->vdso = at > 0 ? (u64)at : 0;
}

/* ---- the stack ---- */

static unsigned hwcap(void)
{
	unsigned a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

#define AUX_MAX 24

static size_t auxv_fill(u64 (*aux)[2], const struct program *p)
{
	const volatile struct process_info *info = process_info();
	const u64 all[][2] = {
		{ AT_SYSINFO_EHDR, p->vdso }, { AT_HWCAP, hwcap() }, { AT_PAGESZ, PAGE_SIZE }, { AT_CLKTCK, 100 },
		{ AT_PHDR, p->phdr }, { AT_PHENT, sizeof(struct elf_program_header) }, { AT_PHNUM, p->phdr_count },
		{ AT_BASE, p->interp_base }, { AT_FLAGS, 0 }, { AT_ENTRY, p->program_entry },
		{ AT_UID, info->uid }, { AT_EUID, info->euid }, { AT_GID, info->gid }, { AT_EGID, info->egid },
		{ AT_SECURE, info->secure }, { AT_HWCAP2, 2 /* FS and GS base instructions */ },
		{ AT_MINSIGSTKSZ, signal_frame_size() },
	};
	size_t n = 0;

	_Static_assert(ARRAY_SIZE(all) <= AUX_MAX, "room for the auxiliary vector");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i][0] == AT_SYSINFO_EHDR && !p->vdso)
			continue;
		aux[n][0] = all[i][0];
		aux[n++][1] = all[i][1];
	}
	return n;
}

__attribute__((noinline)) static u64 stack_make(const struct program *p, const struct arguments *x, struct stack_places *places)
{
	u64 aux[AUX_MAX][2];
	struct stack_content content = {
		.argv = x->argv, .envp = x->envp, .argv_bytes = x->argv_bytes, .envp_bytes = x->envp_bytes,
		.argc = x->argc, .envc = x->envc, .execfn = x->path,
		.random = (const u8 *)((const struct process_info *)GATE_INFO)->random,
		.auxv = (const u64 (*)[2])aux, .auxv_count = auxv_fill(aux, p),
	};
	unsigned prot = PROT_READ | PROT_WRITE | (p->exec_stack ? PROT_EXEC : 0);
	size_t size = ALIGN_UP(stack_size(&content), (size_t)PAGE_SIZE) + STACK_SPARE;
	long at = memory_map(USER_END - size, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE | MAP_STACK | MAP_GROWSDOWN);

	if (at < 0)
		start_failed("stack", at);
	stack_build((char *)USER_END, USER_END, &content, places);
	return places->sp;
}

static void layout_tell(const struct program *p, const struct stack_places *s)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SET_LAYOUT, 0) };

	ipc.m[0] = p->brk_start;
	ipc.m[1] = USER_END;
	ipc.m[2] = s->arg_start;
	ipc.m[3] = s->arg_end;
	ipc.m[4] = s->env_start;
	ipc.m[5] = s->env_end;
	ipc.m[6] = p->code_start;
	ipc.m[7] = p->code_end;
	rt_request(&ipc);
}

static void name_tell(struct thread_record *t, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t n = strnlen(name, 15);
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_SET_NAME, n) };

	memcpy(thread_message(t)->data, name, n);
	rt_request(&ipc);
}

static void frame_set(struct thread_record *t, u64 entry, u64 sp)
{
	struct gate_frame *frame = &thread_context(t)->program;

	*frame = (struct gate_frame){ .rip = entry, .rsp = sp, .rflags = 0x202 };
	frame_segments(frame);
	t->exit_full = 1;
}

/* ---- the first program of all ---- */

static void console_open(struct thread_record *t)
{
	for (int fd = 0; fd < 3; fd++)
		if (file_open_own(t, "/dev/console", O_RDWR) != fd)
			rt_log(1, "the first program has no /dev/console for descriptor %d", fd);
}

/* argv of the block with `path` in the place of its first string, or just `path`. */
static char *first_argv(const struct arguments *x, const char *path)
{
	size_t first = x->argv_bytes ? strlen(x->argv) + 1 : 0, n = strlen(path) + 1;
	char *argv = rt_alloc(n + x->argv_bytes - first);

	if (!argv)
		start_failed("arguments", -ENOMEM);
	memcpy(argv, path, n);
	memcpy(argv + n, x->argv + first, x->argv_bytes - first);
	return argv;
}

__attribute__((noinline)) noreturn static void first_program(struct thread_record *t, const struct arguments *x)
{
	const char *path = x->path, *end = (const char *)x->block + x->block->size;
	long error;

	console_open(t);
	error = directory_set_own(t, "/");
	if (error < 0)
		start_failed("the root directory", error);
	error = -ENOENT;
	while (path < end && *path && memchr(path, 0, (size_t)(end - path))) {
		char *argv = first_argv(x, path);

		error = exec_own(t, path, argv, MAX(x->argc, 1u), x->envp, x->envc);
		rt_log(1, "%s cannot be started: %s", path, errno_text((int)error));
		rt_free(argv);
		path += strlen(path) + 1;
	}
	start_failed("no first program; name one with init=PATH", error);
}

void process_start(struct thread_record *t)
{
	struct arguments x;
	struct program p = { 0 };
	struct stack_places places;

	arguments_read(&x);
	state_init(t, x.block);
	if (x.block->bundle_name_offset) {
		service_load(t, &p, x.block);
	} else {
		if (x.block->exe_descriptor == ~0u)
			first_program(t, &x);
		program_load(t, &p);
		name_tell(t, x.path);
	}
	vdso_map(&p);
	frame_set(t, p.entry, stack_make(&p, &x, &places));
	layout_tell(&p, &places);
	rt_root(PROC_UNMAP, GATE_ARGUMENTS, ALIGN_UP(x.block->size, PAGE_SIZE), 0, 0, 0);
}

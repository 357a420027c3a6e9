/*
 * execve. Everything that can fail is done here, in the old image: arguments copied, file and interpreter opened and checked. Then root
 * makes the new address space and lays the start block; start.c goes on there.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "lib/atomic.h"
#include "lib/format.h"
#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/descriptors.h"
#include "runtime/linux/files.h"
#include "runtime/linux/image.h"
#include "runtime/linux/process.h"
#include "runtime/linux/script.h"
#include "runtime/linux/signal.h"

#define PATH_BYTES      4096
#define STRING_MAX      0x20000ul  /* Linux's MAX_ARG_STRLEN */
#define STRINGS_ALWAYS  0x20000ul  /* ARG_MAX: allowed whatever the limits */
#define STRINGS_MAX     0x600000ul /* three quarters of the usual stack */
#define RLIMIT_STACK_   3
#define TEXT_FIRST      512ul      /* room for strings at first: each page of the heap that is touched is a page fault of every exec */
#define SCRIPT_DEPTH    5

/* Strings one after another, from start to end; what scripts put in front goes before start. */
struct text {
	char *memory;
	size_t start, end, size;
	unsigned count;
};

struct exec {
	struct text argv, envp;
	size_t strings_limit;       /* bytes of strings and pointers */
	bool limit_known;           /* else strings_limit is what is always allowed */
	char *path;                 /* what AT_EXECFN shows */
	char interp[SCRIPT_LINE];   /* a script's interpreter; "": what is loaded is the path */
	long descriptor;            /* of what is loaded */
	struct image_file file;
	struct elf_image elf;
};

/* ---- strings ---- */

static long text_init(struct text *x)
{
	x->size = TEXT_FIRST;
	x->memory = rt_alloc(x->size);
	x->start = x->end = 0;
	x->count = 0;
	return x->memory ? 0 : -ENOMEM;
}

static long text_grow(struct text *x)
{
	char *larger;

	if (x->end - x->start > STRINGS_MAX || x->size > STRINGS_MAX)
		return -E2BIG;
	larger = rt_realloc(x->memory, x->size * 2);
	if (!larger)
		return -ENOMEM;
	x->memory = larger;
	x->size *= 2;
	return 0;
}

static long text_add_user(struct text *x, uaddr_t string)
{
	for (;;) {
		size_t room = MIN(x->size - x->end, STRING_MAX);
		long n = strncpy_from_user(x->memory + x->end, string, room);

		if (n < 0)
			return n;
		if ((size_t)n < room) {
			x->end += (size_t)n + 1;
			x->count++;
			return 0;
		}
		if (room == STRING_MAX)
			return -E2BIG;
		n = text_grow(x);
		if (n)
			return n;
	}
}

/* A quarter of the stack's limit, within bounds. Few programs have so many arguments that it must be known. */
static size_t strings_limit(void)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_RLIMIT, 0), .m = { 0, RLIMIT_STACK_, 0 } };

	if (rt_request(&ipc) < 0)
		return STRINGS_ALWAYS;
	return MAX(MIN(ipc.m[1] / 4, STRINGS_MAX), STRINGS_ALWAYS);
}

static bool strings_fit(struct exec *x)
{
	size_t used = x->argv.end - x->argv.start + x->envp.end - x->envp.start + (x->argv.count + x->envp.count) * sizeof(uaddr_t);

	if (used > x->strings_limit && !x->limit_known) {
		x->strings_limit = strings_limit();
		x->limit_known = true;
	}
	return used <= x->strings_limit;
}

static long text_add_array(struct exec *exec, struct text *x, uaddr_t array)
{
	for (; array; array += sizeof(uaddr_t)) {
		uaddr_t string;
		long error = get_user(string, array);

		if (error || !string)
			return error;
		error = text_add_user(x, string);
		if (error)
			return error;
		if (!strings_fit(exec))
			return -E2BIG;
	}
	return 0;
}

static long text_add_own(struct text *x, const char *strings, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t n = strlen(strings) + 1;

		while (x->size - x->end < n) {
			long error = text_grow(x);

			if (error)
				return error;
		}
		memcpy(x->memory + x->end, strings, n);
		x->end += n;
		x->count++;
		strings += n;
	}
	return 0;
}

/* All that is free comes to lie in front, at least so much. */
static long text_make_front(struct text *x, size_t wanted)
{
	size_t room = x->size - x->end;

	if (x->start + room < wanted) {
		size_t size = x->size + wanted + TEXT_FIRST;
		char *larger = rt_realloc(x->memory, size);

		if (!larger)
			return -ENOMEM;
		x->memory = larger;
		x->size = size;
		room = size - x->end;
	}
	memmove(x->memory + x->start + room, x->memory + x->start, x->end - x->start);
	x->start += room;
	x->end += room;
	return 0;
}

static long text_prepend(struct text *x, const char *string, size_t length)
{
	long error = x->start < length + 1 ? text_make_front(x, length + 1) : 0;

	if (error)
		return error;
	x->start -= length + 1;
	memcpy(x->memory + x->start, string, length);
	x->memory[x->start + length] = '\0';
	x->count++;
	return 0;
}

static void text_drop_first(struct text *x)
{
	if (x->count) {
		x->start += strlen(x->memory + x->start) + 1;
		x->count--;
	}
}

/* ---- the file ---- */

static long exec_open_next(struct thread_record *t, struct exec *x, const char *path)
{
	long error;

	if (x->descriptor >= 0)
		descriptor_close(t, (unsigned)x->descriptor);
	x->descriptor = file_open_own(t, path, O_CLOEXEC | OPEN_EXEC);
	if (x->descriptor < 0)
		return x->descriptor;
	x->file.cptr = (unsigned long)x->descriptor;
	error = image_look(t, &x->file);
	return error;
}

/* One level of "#!": the arguments become interpreter, argument, script, rest. */
static long exec_script(struct thread_record *t, struct exec *x, const struct script *s)
{
	const char *script = x->interp[0] ? x->interp : x->path;
	long error;

	text_drop_first(&x->argv);
	error = text_prepend(&x->argv, script, strlen(script));
	if (!error && s->argument_length)
		error = text_prepend(&x->argv, s->argument, s->argument_length);
	if (!error)
		error = text_prepend(&x->argv, s->interp, s->interp_length);
	if (error)
		return error;
	memcpy(x->interp, s->interp, s->interp_length);
	x->interp[s->interp_length] = '\0';
	return exec_open_next(t, x, x->interp);
}

static long exec_check_interp(struct thread_record *t, struct exec *x)
{
	struct image_file *file = rt_alloc(sizeof(*file));
	struct elf_image *elf = rt_alloc(sizeof(*elf));
	char *name = rt_alloc(ELF_INTERP_MAX);
	long result = -ENOMEM, descriptor = -1;

	if (file && elf && name) {
		result = image_interp(t, &x->file, &x->elf, name);
		if (!result)
			result = descriptor = file_open_own(t, name, O_CLOEXEC);
		if (result >= 0) {
			file->cptr = (unsigned long)descriptor;
			result = image_look(t, file);
			if (!result)
				result = elf_interp_error((int)image_parse(t, file, elf));
			descriptor_close(t, (unsigned)descriptor);
		}
	}
	rt_free(file);
	rt_free(elf);
	rt_free(name);
	return result;
}

/* x->descriptor is open; finds the program that will run. */
static long exec_resolve(struct thread_record *t, struct exec *x)
{
	struct script script;
	int script_error;
	long error = image_look(t, &x->file);

	for (unsigned depth = 0; !error && script_parse(x->file.head, x->file.head_bytes, &script, &script_error); depth++) {
		if (script_error)
			return script_error;
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		error = exec_script(t, x, &script);
	}
	if (!error)
		error = image_parse(t, &x->file, &x->elf);
	if (!error && x->elf.has_interp)
		error = exec_check_interp(t, x);
	return error;
}

/* ---- the start block ---- */

static size_t block_put(char *block, size_t *at, const void *bytes, size_t n)
{
	size_t offset = *at;

	if (block)
		memcpy(block + offset, bytes, n);
	*at += n;
	return offset;
}

/* Lays everything out; block NULL: only the size. The block is of no use if its descriptor_count has become greater than `descriptors`. */
static size_t block_fill(struct thread_record *t, const struct exec *x, struct start_block *block, size_t descriptors)
{
	char *bytes = (char *)block;
	struct start_block head = { .magic = START_MAGIC };
	size_t at = sizeof(head);

	head.descriptors_offset = (unsigned)at;
	/* other threads may have closed some since they were counted, and go on until root ends them */
	head.descriptors_doubtful = atomic_load_relaxed(&t->process->thread_count) > 1 || atomic_load_relaxed(&t->files->references) > 1;
	if (block)
		head.descriptor_count = (unsigned)files_exec_list(t->files, (struct start_descriptor *)(bytes + at), descriptors);
	at += descriptors * sizeof(struct start_descriptor);
	head.argc = x->argv.count;
	head.envc = x->envp.count;
	head.argv_offset = (unsigned)block_put(bytes, &at, x->argv.memory + x->argv.start, x->argv.end - x->argv.start);
	head.envp_offset = (unsigned)block_put(bytes, &at, x->envp.memory + x->envp.start, x->envp.end - x->envp.start);
	head.path_offset = (unsigned)block_put(bytes, &at, x->path, strlen(x->path) + 1);
	if (!block)
		return at;
	head.size = (unsigned)at;
	head.exe_descriptor = (unsigned)x->descriptor;
	head.signal_mask = thread_context(t)->signal_mask;
	sighand_exec_flags(t->sighand, &head.signals_ignored);
	head.umask = fs_umask(t->fs);
	head.cwd_takes_paths = atomic_load_relaxed(&t->fs->cwd_takes_paths);
	head.personality = t->process->personality;
	*block = head;
	return at;
}

/* Other threads may open files between the counting and the filling: then again. */
static long block_make(struct thread_record *t, const struct exec *x, struct start_block **result)
{
	for (;;) {
		size_t descriptors = files_exec_list(t->files, NULL, 0), size = block_fill(t, x, NULL, descriptors);
		struct start_block *block;

		if (size > GATE_ARGUMENTS_MAX)
			return -E2BIG;
		block = rt_alloc(size);
		if (!block)
			return -ENOMEM;
		block_fill(t, x, block, descriptors);
		*result = block;
		if (block->descriptor_count <= descriptors)
			return (long)size;
		rt_free(block);
	}
}

static long exec_go(struct thread_record *t, const struct exec *x)
{
	struct ipc ipc = { .target = CPTR_ROOT, .info = INFO(PROC_EXEC, 0) | INFO_WINDOWS(1) };
	struct start_block *block;
	long size = block_make(t, x, &block), error;

	if (size < 0)
		return size;
	ipc.m[0] = (unsigned long)x->descriptor;
	ipc.m[1] = (unsigned long)size;
	rt_window(t, 0, (unsigned long)block, (size_t)size);
	error = rt_request(&ipc);
	rt_free(block);
	return error < 0 ? error : -EIO; /* success does not return */
}

/* ---- the calls ---- */

static struct exec *exec_create(void)
{
	struct exec *x = rt_alloc(sizeof(*x)); /* too large to be zeroed as a whole each time */

	if (x) {
		x->descriptor = -1;
		x->strings_limit = STRINGS_ALWAYS;
		x->limit_known = false;
		x->path = NULL;
		x->interp[0] = '\0';
		x->argv.memory = x->envp.memory = NULL;
	}
	if (x && (text_init(&x->argv) || text_init(&x->envp))) {
		rt_free(x->argv.memory);
		rt_free(x);
		x = NULL;
	}
	return x;
}

static void exec_destroy(struct thread_record *t, struct exec *x)
{
	if (x->descriptor >= 0)
		descriptor_close(t, (unsigned)x->descriptor);
	rt_free(x->argv.memory);
	rt_free(x->envp.memory);
	rt_free(x->path);
	rt_free(x);
}

static long exec_finish(struct thread_record *t, struct exec *x)
{
	long error;

	if (!x->argv.count) /* Linux since 5.18: never an empty argv */
		text_prepend(&x->argv, "", 0);
	x->file.cptr = (unsigned long)x->descriptor;
	error = exec_resolve(t, x);
	return error ? error : exec_go(t, x);
}

#define FD_NAME "/dev/fd/2147483647/"

/* The name that the program is told it was started by. The message's room holds it meanwhile: the stack would need a page more. */
static long exec_name(struct thread_record *t, struct exec *x, int dirfd, uaddr_t path)
{
	char *name = (char *)thread_message(t)->data;
	long n = path_from_user(name, path);
	size_t size = (size_t)n + sizeof(FD_NAME);

	_Static_assert(MESSAGE_BYTES >= PATH_BYTES, "room for a path");
	if (n < 0)
		return n;
	x->path = rt_alloc(size);
	if (!x->path)
		return -ENOMEM;
	if (dirfd == AT_FDCWD || name[0] == '/')
		memcpy(x->path, name, (size_t)n + 1);
	else if (snformat(x->path, size, n ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, name) >= PATH_BYTES)
		return -ENAMETOOLONG;
	return 0;
}

static long exec_user(struct thread_record *t, int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, unsigned flags)
{
	struct exec *x = exec_create();
	long error;

	if (!x)
		return -ENOMEM;
	error = exec_name(t, x, dirfd, path);
	if (!error)
		error = text_add_array(x, &x->argv, argv);
	if (!error)
		error = text_add_array(x, &x->envp, envp);
	if (!error) {
		x->descriptor = file_open_exec(t, dirfd, path, flags);
		error = x->descriptor < 0 ? x->descriptor : exec_finish(t, x);
	}
	exec_destroy(t, x);
	return error;
}

long linux_execve(struct thread_record *t, const unsigned long a[6])
{
	return exec_user(t, AT_FDCWD, a[0], a[1], a[2], 0);
}

long linux_execveat(struct thread_record *t, const unsigned long a[6])
{
	unsigned flags = (unsigned)a[4];

	if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return exec_user(t, (int)a[0], a[1], a[2], a[3], flags);
}

long exec_own(struct thread_record *t, const char *path, const char *argv, unsigned argc, const char *envp, unsigned envc)
{
	struct exec *x = exec_create();
	long error;

	if (!x)
		return -ENOMEM;
	x->path = rt_alloc(strlen(path) + 1);
	error = x->path ? 0 : -ENOMEM;
	if (!error) {
		memcpy(x->path, path, strlen(path) + 1);
		error = text_add_own(&x->argv, argv, argc);
	}
	if (!error)
		error = text_add_own(&x->envp, envp, envc);
	if (!error) {
		x->descriptor = file_open_own(t, path, O_CLOEXEC | OPEN_EXEC);
		error = x->descriptor < 0 ? x->descriptor : exec_finish(t, x);
	}
	exec_destroy(t, x);
	return error;
}

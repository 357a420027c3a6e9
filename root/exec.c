/*
 * EXEC. Everything that can fail comes first: the start block is copied and checked, the new address space and thread are made. Then the old
 * threads end, descriptors that are not listed go, and the new thread starts in the runtime.
 */
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/operations.h"
#include "root/permission.h"
#include "root/priority.h"
#include "root/root.h"
#include "root/services.h"
#include "root/signal.h"

struct exec {
	struct request *request;
	struct thread *old, *new;
	struct process *process;
	u32 size;
	pfn_t first, last;         /* the block's pages, linked by pages[].next */
	struct start_block block;
	struct space *space;
	struct files *files;
	struct sighand *sighand;
	u64 keep[BITMAP_WORDS(1u << FILES_BITS_MAX)];
};

/* ---- the start block ---- */

static void free_block(struct exec *x)
{
	while (x->first) {
		pfn_t pfn = x->first;

		x->first = pages[pfn].next;
		page_free(pfn);
	}
}

static int add_page(struct exec *x, u64 offset)
{
	u64 n = MIN((u64)PAGE_SIZE, x->size - offset);
	pfn_t pfn = page_alloc(PAGE_ANON);

	if (!pfn)
		return -ENOMEM;
	pages[pfn].next = 0;
	if (x->last)
		pages[x->last].next = pfn;
	else
		x->first = pfn;
	x->last = pfn;
	memset((u8 *)page_virt(pfn) + n, 0, PAGE_SIZE - n);
	return window_read(x->request, offset, page_virt(pfn), n);
}

static int copy_block(struct exec *x)
{
	int error = 0;

	for (u64 offset = 0; offset < x->size && !error; offset += PAGE_SIZE)
		error = add_page(x, offset);
	return error;
}

/* From the copy, across its pages. The range is inside. */
static void block_read(const struct exec *x, u64 offset, void *to, u64 length)
{
	pfn_t pfn = x->first;

	for (; offset >= PAGE_SIZE; offset -= PAGE_SIZE)
		pfn = pages[pfn].next;
	while (length) {
		u64 n = MIN(length, PAGE_SIZE - offset);

		memcpy(to, (u8 *)page_virt(pfn) + offset, n);
		to = (u8 *)to + n;
		length -= n;
		offset = 0;
		pfn = pages[pfn].next;
	}
}

static int check_block(struct exec *x)
{
	const struct start_block *b = &x->block;

	block_read(x, 0, &x->block, sizeof(x->block));
	if (b->magic != START_MAGIC || b->size != x->size || b->bundle_name_offset)
		return -EINVAL;
	if (b->descriptors_offset > x->size || b->descriptor_count > (x->size - b->descriptors_offset) / sizeof(struct start_descriptor))
		return -EINVAL;
	return 0;
}

static int read_descriptors(struct exec *x)
{
	if (x->block.descriptor_count > x->old->files->slots)
		return -EBADF;
	for (u32 i = 0; i < x->block.descriptor_count; i++) {
		struct start_descriptor d;

		block_read(x, x->block.descriptors_offset + i * sizeof(d), &d, sizeof(d));
		if (d.number >= x->old->files->slots)
			return -EBADF;
		bitmap_set(x->keep, d.number);
	}
	return 0;
}

/* ---- the new image ---- */

static int map_block(struct exec *x)
{
	u64 address = GATE_ARGUMENTS;
	int error = space_add_region(x->space, address, address + ALIGN_UP((u64)x->size, (u64)PAGE_SIZE), REGION_READ | REGION_WRITE,
				     REGION_GATE, NULL, 0);

	while (x->first && !error) {
		pfn_t pfn = x->first;

		error = space_map_page(x->space, address, VSPACE_READ | VSPACE_WRITE, pfn);
		if (error)
			break;
		x->first = pages[pfn].next;
		address += PAGE_SIZE;
	}
	return error;
}

static struct files *own_files(struct exec *x)
{
	struct files *files = x->old->files;
	u32 own = 0;

	list_for_each_entry(t, &x->process->threads, struct thread, in_process)
		own += t->files == files;
	/* Shared with another process. The process's own threads are about to end. */
	if (files->refs > own)
		return files_copy(files);
	files->refs++;
	return files;
}

static int make_image(struct exec *x)
{
	int error;

	x->space = space_create();
	if (!x->space)
		return -ENOMEM;
	limits_of_space(x->space, x->process);
	error = space_lay_runtime(x->space, x->process);
	if (!error)
		error = map_block(x);
	if (error)
		return error;
	x->files = own_files(x);
	x->sighand = x->files ? sighand_create(x->space, 0, NULL) : NULL;
	if (!x->sighand)
		return -ENOMEM;
	x->new = thread_create(x->process, x->space, x->files, x->sighand, 0);
	if (!x->new)
		return -ENOMEM;
	thread_fill_stack(x->new, 2);
	space_fill(x->space, GATE_HEAP, REGION_READ | REGION_WRITE, 1);
	return 0;
}

static void release_image(struct exec *x)
{
	if (x->sighand)
		sighand_put(x->sighand);
	if (x->files)
		files_put(x->files);
	if (x->space)
		space_put(x->space);
	free_block(x);
}

/* ---- the point of no return is behind ---- */

static void move_identity(struct exec *x)
{
	struct context_page *context = thread_context(x->new);

	memcpy(x->new->name, x->old->name, sizeof(x->new->name));
	x->new->nice = x->old->nice;
	x->new->policy = x->old->policy;
	x->new->real_time = x->old->real_time;
	x->new->reset_on_fork = x->old->reset_on_fork;
	x->new->affinity = x->old->affinity;
	deadline_move(x->new, x->old);
	signal_queue_move(&x->new->signals, &x->old->signals);
	context->signal_mask = x->block.signal_mask;
	sighand_shared(x->sighand)->signals_ignored = x->block.signals_ignored;
}

static void delete_descriptors(struct exec *x)
{
	u32 slots = x->files->slots, at = 0;

	while (at < slots) {
		u32 end = bitmap_find_set(x->keep, slots, at);

		if (end > at)
			cnode_delete(x->files->cnode.slot, at, end - at);
		at = bitmap_find_zero(x->keep, slots, end);
	}
}

static void set_executable(struct exec *x)
{
	u64 system = SYS(x->process->system_cnode.slot);

	KCALL2(cap_delete, system, SLOT_EXE);
	KCALL6(cap_copy, system, SLOT_EXE, SYS(x->old->files->cnode.slot), x->request->m[0], RIGHT_ALL, 0);
}

static void clean_system_cnode(struct process *process)
{
	u32 slots = (1u << process->system_bits) - 1;

	cnode_delete(process->system_cnode.slot, SLOT_SCRATCH, SLOT_SCRATCH_COUNT);
	cnode_delete(process->system_cnode.slot, SLOT_THREADS + 1, slots - SLOT_THREADS - 1);
}

static void commit(struct exec *x)
{
	struct process *process = x->process;
	u32 reply = x->request->reply;
	struct exec_security security;

	set_executable(x);
	move_identity(x);
	process_end_other_threads(process, x->new);
	KCALL2(cap_delete, ROOT_CNODE, reply);
	clean_system_cnode(process);
	delete_descriptors(x);
	thread_set_tid(x->new, process->pid);
	process->exec_done = true;
	posix_timers_delete(process);
	security = credentials_exec(&process->credentials, process->no_new_privs);
	process->secure = security.secure;
	process->dumpable = security.dumpable;
	if (!security.dumpable)
		process->pdeathsig = 0;
	vfork_done(process);
	process_publish(process);
	thread_configure(x->new);
	signal_publish(process);
	process_run(process);
}

long op_EXEC(struct request *request)
{
	static struct exec x;
	int error;

	memset(&x, 0, sizeof(x));
	x.request = request;
	x.old = request->caller;
	x.process = x.old->process;
	x.process->tasks_exceeded &= limits_tasks_exceeded(x.process);
	if (x.process->tasks_exceeded)
		return -EAGAIN;
	if (request->m[1] < sizeof(struct start_block) || request->m[1] > GATE_ARGUMENTS_MAX)
		return -E2BIG;
	if (request->m[0] >= x.old->files->slots)
		return -EBADF;
	x.size = request->m[1];
	error = copy_block(&x);
	if (!error)
		error = check_block(&x);
	if (!error)
		error = read_descriptors(&x);
	if (!error)
		error = make_image(&x);
	if (error) {
		release_image(&x);
		return error;
	}
	commit(&x);
	return RESULT_LATER;
}

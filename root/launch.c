/* New address spaces and processes that root itself starts: the first program and the services. */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/limits.h"
#include "root/log.h"
#include "root/object.h"
#include "root/root.h"
#include "root/settings.h"
#include "root/services.h"
#include "root/tree.h"

static struct object *bundle;
static const struct bundle_header *header;

static const struct bundle_entry *bundle_find(u32 kind, const char *name)
{
	for (u32 i = 0; i < header->count; i++)
		if (header->entries[i].kind == kind && (!name || !strcmp(header->entries[i].name, name)))
			return &header->entries[i];
	return NULL;
}

/* The whole bundle as one object, whose pages are never written. */
void bundle_init(void)
{
	u64 pages_in = ALIGN_UP(boot_info->bundle_size, (u64)PAGE_SIZE) >> PAGE_SHIFT;

	header = page_virt(boot_info->bundle_base >> PAGE_SHIFT);
	bundle = object_create(pages_in << PAGE_SHIFT, ROLE_SYSTEM);
	if (!bundle || header->magic != BUNDLE_MAGIC || !bundle_find(BUNDLE_RUNTIME, NULL))
		root_panic("the bundle holds no runtime: build with `make uxrt`");
	object_set_extent(bundle, 0, pages_in, boot_info->bundle_base >> PAGE_SHIFT);
}

bool bundle_has(const char *name)
{
	return bundle_find(BUNDLE_SERVER, name) != NULL;
}

/* ---- address spaces ---- */

static int lay_segment(struct space *space, const struct bundle_segment *s)
{
	u64 file_end = s->vaddr + ALIGN_UP(s->file_size, (u64)PAGE_SIZE), end = s->vaddr + ALIGN_UP(s->mem_size, (u64)PAGE_SIZE), done;
	u64 ref = PAGE_REF(ROOT_SLOT_BUNDLE, s->offset >> PAGE_SHIFT);
	int error = 0;

	if (file_end > s->vaddr)
		error = space_add_region(space, s->vaddr, file_end, s->flags, REGION_GATE, bundle, s->offset);
	if (!error && end > file_end)
		error = space_add_region(space, file_end, end, s->flags, REGION_GATE, NULL, 0);
	if (error || s->flags & SEGMENT_WRITE || file_end == s->vaddr)
		return error;
	return space_map(space, s->vaddr, (file_end - s->vaddr) >> PAGE_SHIFT, s->flags | VSPACE_CONTIGUOUS, &ref, &done);
}

static int lay_clock(struct space *space)
{
	u64 ref = PAGE_REF(ROOT_SLOT_CLOCK, 0), done;
	int error = space_add_region(space, GATE_CLOCK, GATE_CLOCK + PAGE_SIZE, REGION_READ, REGION_GATE | REGION_PINNED, NULL, 0);

	return error ? error : space_map(space, GATE_CLOCK, 1, VSPACE_READ, &ref, &done);
}

/* Every process's own: the info page, and where dispositions are published. */
int space_lay_info(struct space *space)
{
	int error = space_add_region(space, GATE_INFO, GATE_INFO + PAGE_SIZE, REGION_READ, REGION_GATE | REGION_PINNED, NULL, 0);

	/* Dispositions' pages are mapped one by one (sighand_create); none of them is anybody else's business. */
	if (!error)
		error = space_add_region(space, GATE_SHARED, GATE_SHARED + GATE_SHARED_MAX * PAGE_SIZE, REGION_READ | REGION_WRITE,
					 REGION_GATE | REGION_PINNED, NULL, 0);
	if (error)
		return error;
	space->info_page = page_alloc_zeroed(PAGE_PINNED);
	return space->info_page ? space_map_page(space, GATE_INFO, VSPACE_READ, space->info_page) : -ENOMEM;
}

int space_lay_runtime(struct space *space, struct process *process)
{
	const struct bundle_entry *runtime = bundle_find(BUNDLE_RUNTIME, NULL);
	int error = space_topup(space, 16);

	for (u32 i = 0; !error && i < runtime->segment_count; i++)
		error = lay_segment(space, &runtime->segments[i]);
	if (!error)
		error = space_add_region(space, GATE_HEAP, GATE_HEAP + GATE_HEAP_SIZE, REGION_READ | REGION_WRITE, REGION_GATE, NULL, 0);
	if (!error)
		error = lay_clock(space);
	if (!error)
		error = space_lay_info(space);
	if (!error)
		process_write_info(process, space);
	return error;
}

static void fill_random(struct process_info *info)
{
	/* Programs want a different canary each time, not a secret: RDRAND where there is one comes from the dev server. */
	for (unsigned i = 0; i < sizeof(info->random) / 8; i++) {
		u64 word = random_u64();

		memcpy(info->random + i * 8, &word, 8);
	}
}

void process_write_info(const struct process *process, struct space *space)
{
	struct process_info *info = page_virt(space->info_page);
	const struct thread *leader = process_leader(process);
	const struct credentials *c = &process->credentials;

	if (!info->vector_size) {
		fill_random(info);
		info->image_size = boot_info->image_size;
		info->vector_size = boot_info->vector_size;
		strlcpy(info->command_line, boot_info->command_line, sizeof(info->command_line));
		strlcpy(info->name, process->command, sizeof(info->name));
		info->service = process->service;
	}
	info->pid = process->pid;
	info->ppid = process->parent ? process->parent->pid : 0;
	info->strace = process->trace;
	info->system_slots = (1u << process->system_bits) - 1;
	info->files_slots = leader ? leader->files->slots : 0;
	info->nofile = process->rlimits[LIMIT_NOFILE].soft;
	info->fsize = process->rlimits[LIMIT_FSIZE].soft;
	info->tree_excluded = tree_excluded(process);
	info->uid = c->uid;
	info->euid = c->euid;
	info->gid = c->gid;
	info->egid = c->egid;
	info->secure = process->secure;
}

/* ---- start blocks ---- */

struct block_writer {
	u8 *page;
	u32 at;
	bool full;
};

static u32 put_text(struct block_writer *w, const char *text)
{
	u32 start = w->at, n = strlen(text) + 1;

	if (n > PAGE_SIZE - w->at) {
		w->full = true;
		return start;
	}
	memcpy(w->page + w->at, text, n);
	w->at += n;
	return start;
}

static u32 put_texts(struct block_writer *w, const char *const *texts, u32 count)
{
	u32 start = w->at;

	for (u32 i = 0; i < count; i++)
		put_text(w, texts[i]);
	return start;
}

/* A service's file is named by bundle_name_offset; its size stands in argv_offset's place. The first program has a list of paths to try. */
static bool write_start_block(u8 *page, const struct launch *launch, const struct bundle_entry *file)
{
	struct start_block *block = (struct start_block *)page;
	struct block_writer w = { page, sizeof(*block), false };

	*block = (struct start_block){ .magic = START_MAGIC, .argc = launch->argc, .envc = launch->envc, .exe_descriptor = ~0u,
				       .umask = 022 };
	block->argv_offset = put_texts(&w, launch->argv, launch->argc);
	block->envp_offset = put_texts(&w, launch->envp, launch->envc);
	block->path_offset = put_texts(&w, launch->paths, launch->path_count);
	put_text(&w, "");
	if (file) {
		block->bundle_name_offset = put_text(&w, file->name);
		block->argv_offset = file->size;
	}
	block->descriptors_offset = w.at;
	block->size = w.at;
	return !w.full;
}

static int lay_start_block(struct space *space, const struct launch *launch, const struct bundle_entry *file)
{
	pfn_t pfn = page_alloc_zeroed(PAGE_ANON);
	int error = pfn ? 0 : -ENOMEM;

	if (!error && !write_start_block(page_virt(pfn), launch, file))
		error = -E2BIG;
	if (!error)
		error = space_map_page(space, GATE_ARGUMENTS, VSPACE_READ | VSPACE_WRITE, pfn);
	if (error) {
		if (pfn)
			page_free(pfn);
		return error;
	}
	return space_add_region(space, GATE_ARGUMENTS, GATE_ARGUMENTS + PAGE_SIZE, REGION_READ | REGION_WRITE, REGION_GATE, NULL, 0);
}

static int lay_service(struct space *space, const struct bundle_entry *file)
{
	u64 end = GATE_PRINCIPALS + ALIGN_UP(PRINCIPALS_MAX * sizeof(struct principal_entry), (u64)PAGE_SIZE);
	int error = space_add_region(space, GATE_PRINCIPALS, end, REGION_READ, REGION_GATE | REGION_SHARED, principals_object(), 0);

	if (!error)
		error = space_add_region(space, GATE_SETTINGS, GATE_SETTINGS + PAGE_SIZE, REGION_READ, REGION_GATE | REGION_SHARED, settings_object(), 0);
	if (error)
		return error;
	return space_add_region(space, GATE_SERVICE_FILE, GATE_SERVICE_FILE + ALIGN_UP(file->size, (u64)PAGE_SIZE), REGION_READ,
				REGION_GATE, bundle, file->offset);
}

/* ---- processes ---- */

static int launch_space(struct process *process, struct space *space, const struct launch *launch)
{
	const struct bundle_entry *file = process->service ? bundle_find(BUNDLE_SERVER, process->command) : NULL;
	int error;

	limits_of_space(space, process);
	error = space_lay_runtime(space, process);
	if (!error)
		error = lay_start_block(space, launch, file);
	if (!error && file)
		error = lay_service(space, file);
	return error;
}

static struct thread *launch_thread(struct process *process, const struct launch *launch)
{
	struct space *space = space_create();
	struct files *files = space ? files_create(FILES_BITS_MIN) : NULL;
	struct sighand *sighand = NULL;
	struct thread *thread = NULL;

	if (!space)
		return NULL;
	if (files && !launch_space(process, space, launch))
		sighand = sighand_create(space, 0, NULL);
	if (sighand)
		thread = thread_create(process, space, files, sighand, AREA_ANY);
	if (thread)
		return thread;
	if (sighand)
		sighand_put(sighand);
	if (files)
		files_put(files);
	space_put(space);
	return NULL;
}

struct process *process_launch(struct process *parent, u32 pid, u16 service, const struct launch *launch)
{
	struct process *process = process_create(parent, parent);
	struct thread *thread = NULL;

	if (!process)
		return NULL;
	process->service = service;
	process->role = launch->role; /* before thread_configure: it is what its threads' charge is */
	process->exit_signal = 17;
	process->exec_done = true;
	if (service)
		strlcpy(process->command, launch->name, sizeof(process->command));
	process_set_pid(process, pid);
	process->pgid = process->sid = pid;
	if (!process_make_system(process, service ? service_get(service)->slot_bits : SYSTEM_BITS_MIN))
		thread = launch_thread(process, launch);
	if (!thread) {
		process_free(process);
		return NULL;
	}
	thread_set_tid(thread, pid);
	strlcpy(thread->name, launch->name, sizeof(thread->name));
	strlcpy(process->name, thread->name, sizeof(process->name));
	services_fill_slots(process);
	thread_configure(thread);
	process_publish(process);
	return process;
}

void process_run(struct process *process)
{
	struct thread *thread = process_leader(process);

	thread_start(thread, GATE_START, thread_area(thread) + THREAD_AREA_SIZE, thread_area(thread));
}

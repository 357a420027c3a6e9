/*
 * From machine to root server: the frame table, root's objects and address space are laid in RAM taken from the end of the
 * largest region; the rest of RAM becomes root's Untypeds. After this the kernel allocates nothing.
 */
#include "kernel/calls.h"
#include "kernel/frame.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/schedule.h"
#include "kernel/share.h"
#include "kernel/trace.h"
#include "kernel/vspace.h"
#include "lib/string.h"

#define ROOT_PRIORITY  200
#define ROOT_STACK_PAGES 16
#define UNTYPED_SMALLEST_BITS 16
#define LARGE_PAGE     (2ull << 20)

u32 *frame_count;
u64 frame_limit, frames_counted_total;

static unsigned heap_region;      /* RAM region that boot memory comes from */
static struct cnode *root_cnode;
static struct vspace *root_space;
struct thread *root_thread;
static u8 idle_object[1 << THREAD_SIZE_BITS] __attribute__((aligned(64))); /* a thread with its vector area */

static void choose_heap_region(void)
{
	for (unsigned i = 1; i < machine.ram_count; i++)
		if (machine.ram[i].end - machine.ram[i].base > machine.ram[heap_region].end - machine.ram[heap_region].base)
			heap_region = i;
}

/* Zeroed, naturally aligned to its size if that is a power of two, else to a page; panics when RAM is too small. */
static void *boot_take(u64 bytes, u64 align)
{
	paddr_t end = machine.ram[heap_region].end;
	paddr_t at = ALIGN_DOWN(end - bytes, align);

	if (bytes > end || at < machine.ram[heap_region].base || at > end)
		panic("too little memory: %lu MiB, of which the boot image takes %lu, is not enough to start; give the machine more",
		      (unsigned long)(machine.ram_bytes >> 20), (unsigned long)(machine.module_bytes >> 20));
	machine.ram[heap_region].end = at;
	return memset(phys_to_virt(at), 0, bytes);
}

static void *boot_page(void)
{
	return boot_take(PAGE_SIZE, PAGE_SIZE);
}

static struct cte *root_slot(unsigned n)
{
	return &root_cnode->slot[n];
}

static void make_frame_table(void)
{
	frame_limit = machine.ram_top >> PAGE_SHIFT;
	frame_count = boot_take(frame_limit * sizeof(u32), PAGE_SIZE);
}

/* One slot for each 16 KiB: a thread takes five, and each 256 KiB of pages one. */
static unsigned root_cnode_bits(void)
{
	u64 slots = MAX(16384ull, machine.ram_bytes >> 14);
	unsigned bits = 14;

	while ((1ull << bits) < slots && bits < 22)
		bits++;
	return bits;
}

static void make_root_objects(void)
{
	unsigned bits = root_cnode_bits();
	struct cte first = { 0 };
	u8 *memory = boot_take((u64)CNODE_SLOT_SIZE << bits, (u64)CNODE_SLOT_SIZE << bits);

	root_cnode = (struct cnode *)memory;
	object_init(&first, NULL, OBJECT_CNODE, bits, memory);
	cap_move(root_slot(ROOT_SLOT_CNODE), &first);
	object_init(root_slot(ROOT_SLOT_VSPACE), NULL, OBJECT_VSPACE, 0, boot_take(1 << VSPACE_SIZE_BITS, 1 << VSPACE_SIZE_BITS));
	object_init(root_slot(ROOT_SLOT_THREAD), NULL, OBJECT_THREAD, 0, boot_take(1 << THREAD_SIZE_BITS, 1 << THREAD_SIZE_BITS));
	root_space = root_slot(ROOT_SLOT_VSPACE)->object;
	cap_insert_child(root_slot(ROOT_SLOT_IRQ_CONTROL), NULL, cap_word(OBJECT_IRQ_CONTROL, RIGHT_ALL, 0, 0), NULL);
	cap_insert_child(root_slot(ROOT_SLOT_IO_PORT), NULL, cap_word(OBJECT_IO_PORT, RIGHT_ALL, 0, 0xffff0000), NULL);
	cap_insert_child(root_slot(ROOT_SLOT_SYSTEM), NULL, cap_word(OBJECT_SYSTEM, RIGHT_ALL, 0, 0), NULL);
}

static void root_frame_cap(unsigned slot, paddr_t base, paddr_t end)
{
	u64 pages = (ALIGN_UP(end, (paddr_t)PAGE_SIZE) - base) >> PAGE_SHIFT;

	if (pages)
		cap_insert_child(root_slot(slot), NULL, cap_word(OBJECT_FRAME, 0, 0, pages), phys_to_virt(base));
}

static void root_map(u64 address, paddr_t page, unsigned flags)
{
	u64 *pte;

	while (!(pte = vspace_entry(root_space, address, true)))
		vspace_pool_add(root_space, virt_to_phys(boot_page()));
	ASSERT(!(*pte & PTE_PRESENT));
	*pte = pte_make(page, flags);
	frame_take(page);
}

static void *root_map_new(u64 address, unsigned flags)
{
	void *page = boot_page();

	root_map(address, virt_to_phys(page), flags);
	return page;
}

/* All RAM at ROOT_PHYSMAP in 2 MiB pages: the level-1 table is made by asking for an entry in it, then filled. */
static void map_window(void)
{
	for (u64 at = 0; at < ALIGN_UP(machine.ram_top, LARGE_PAGE); at += LARGE_PAGE) {
		u64 address = ROOT_PHYSMAP + at;
		u64 *above = &root_space->root, *table = phys_to_virt(*above & PTE_ADDRESS);

		for (unsigned level = 3; level > 1; level--) {
			unsigned index = (address >> (PAGE_SHIFT + 9 * level)) & 511;
			u64 *entry = &table[index];

			if (!*entry) {
				void *page = boot_page();

				table_mark(above, index);
				*entry = virt_to_phys(page) | PTE_PRESENT | PTE_WRITE | PTE_USER;
				frame_take(virt_to_phys(page));
			}
			above = entry;
			table = phys_to_virt(*entry & PTE_ADDRESS);
		}
		table[(address >> (PAGE_SHIFT + 9)) & 511] = at | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_LARGE |
							      (machine.features & BOOT_FEATURE_NX ? PTE_NX : 0);
	}
}

static const struct bundle_entry *find_root(const struct bundle_header *bundle)
{
	if (bundle->magic == BUNDLE_MAGIC)
		for (unsigned i = 0; i < bundle->count; i++)
			if (bundle->entries[i].kind == BUNDLE_ROOT)
				return &bundle->entries[i];
	panic("the kernel image holds no root server: build it with `make uxrt`");
}

static void map_segment(const struct bundle_segment *s)
{
	const u8 *data = (const u8 *)phys_to_virt(machine.bundle_base + s->offset);

	for (u64 at = 0; at < s->mem_size; at += PAGE_SIZE) {
		u64 left = s->file_size > at ? s->file_size - at : 0;

		if (s->flags & SEGMENT_WRITE)
			memcpy(root_map_new(s->vaddr + at, s->flags), data + at, MIN(left, (u64)PAGE_SIZE));
		else
			root_map(s->vaddr + at, virt_to_phys(data + at), s->flags);
	}
}

_Static_assert(SEGMENT_READ == VSPACE_READ && SEGMENT_WRITE == VSPACE_WRITE && SEGMENT_EXEC == VSPACE_EXEC, "same rights");

static void describe_untyped(struct boot_info *info, paddr_t base, unsigned bits)
{
	struct cte *slot;

	if (info->untyped_count == BOOT_UNTYPED_MAX)
		return;
	slot = root_slot(ROOT_SLOT_UNTYPED + info->untyped_count);
	info->untyped[info->untyped_count++] = (struct boot_untyped){ .base = base, .size_bits = bits };
	cap_insert_child(slot, NULL, cap_word(OBJECT_UNTYPED, 0, bits, 0), phys_to_virt(base));
}

/* Every RAM region as the fewest naturally aligned powers of two. */
static void make_untypeds(struct boot_info *info)
{
	for (unsigned i = 0; i < machine.ram_count; i++) {
		paddr_t at = ALIGN_UP(machine.ram[i].base, (paddr_t)1 << UNTYPED_SMALLEST_BITS), end = machine.ram[i].end;

		while (at < end && end - at >= 1ull << UNTYPED_SMALLEST_BITS) {
			unsigned bits = at ? (unsigned)__builtin_ctzll(at) : 46;

			bits = MIN(bits, 63 - (unsigned)__builtin_clzll(end - at));
			describe_untyped(info, at, bits);
			at += 1ull << bits;
		}
	}
}

static struct boot_info *map_boot_info(void)
{
	struct boot_info *info = root_map_new(ROOT_BOOT_INFO, VSPACE_READ);

	info->slot_count = (u32)root_cnode->slots;
	info->image_base = machine.module_base;
	info->image_size = machine.module_bytes;
	info->bundle_base = machine.bundle_base;
	info->bundle_size = machine.bundle_end - machine.bundle_base;
	info->memory_bytes = machine.ram_bytes;
	info->memory_top = machine.ram_top;
	info->vector_size = machine.vector_size;
	info->features = machine.features;
	strlcpy(info->command_line, machine.command_line, sizeof(info->command_line));
	return info;
}

static void map_root_area(struct thread *root)
{
	for (unsigned i = 0; i < 3; i++)
		root->area_frames[i] = virt_to_phys(root_map_new(GATE_THREAD_AREA(0) + i * PAGE_SIZE, VSPACE_READ | VSPACE_WRITE));
	for (unsigned i = 0; i < 3; i++)
		frame_take(root->area_frames[i]);
	thread_set_context(root, phys_to_virt(root->area_frames[0]), GATE_THREAD_AREA(0));
	root->message_low = phys_to_virt(root->area_frames[1]);
	root->message_high = phys_to_virt(root->area_frames[2]);
	for (unsigned i = 1; i <= ROOT_STACK_PAGES; i++)
		root_map_new(ROOT_STACK_TOP - i * PAGE_SIZE, VSPACE_READ | VSPACE_WRITE);
}

static struct thread *make_root_thread(u64 entry)
{
	struct thread *root = root_slot(ROOT_SLOT_THREAD)->object;
	struct cte cnode = { 0 };

	map_root_area(root);
	cap_copy(&cnode, root_slot(ROOT_SLOT_CNODE), RIGHT_ALL);
	thread_set_cnode(root, &root->system_cnode, &cnode);
	cap_copy(&root->vspace, root_slot(ROOT_SLOT_VSPACE), RIGHT_ALL);
	thread_set_space(root, root_space);
	root_thread = root;
	root->priority = root->priority_own = ROOT_PRIORITY;
	root->vector_free = 1;
	root->frame.rip = entry;
	root->frame.rsp = ROOT_STACK_TOP;
	root->frame.rdi = ROOT_BOOT_INFO;
	root->frame.cs = ARCH_USER_CS;
	root->frame.ss = ARCH_USER_SS;
	root->frame.rflags = 0x202;
	return root;
}

static void init_core(struct core *core, struct thread *idle)
{
	thread_init(idle);
	arch_make_idle(idle);
	schedule_init(core, idle);
}

/* The others are started last: until this core runs root, they wait for the lock. */
static void start_cores(struct boot_info *info)
{
	core_count = arch_start_cores();
	for (unsigned i = 1; i < core_count; i++)
		init_core(cores[i], cores[i]->idle);
	info->core_count = core_count;
}

noreturn void kernel_core_main(void)
{
	node_lock(this_core()->current);
	arch_run(schedule());
}

noreturn void kernel_main(void)
{
	const struct bundle_entry *root_entry;
	struct boot_info *info;

	node_trylock();
	trace_configure(machine.command_line);
	share_configure(machine.command_line);
	klog(LOG_INFO, "UX/RT: %lu MiB of memory, %u core%s, boot image %lu KiB", (unsigned long)(machine.ram_bytes >> 20),
	     machine.core_count, machine.core_count == 1 ? "" : "s", (unsigned long)(machine.module_bytes >> 10));
	choose_heap_region();
	make_frame_table();
	make_root_objects();
	root_entry = find_root(phys_to_virt(machine.bundle_base));
	for (unsigned i = 0; i < root_entry->segment_count; i++)
		map_segment(&root_entry->segments[i]);
	map_window();
	info = map_boot_info();
	root_frame_cap(ROOT_SLOT_IMAGE, machine.module_base, machine.module_end);
	root_frame_cap(ROOT_SLOT_BUNDLE, machine.bundle_base, machine.bundle_end);
	root_frame_cap(ROOT_SLOT_CLOCK, arch_clock_page_address(), arch_clock_page_address() + PAGE_SIZE);
	init_core(this_core(), (struct thread *)idle_object);
	thread_ready(make_root_thread(root_entry->entry));
	make_untypeds(info);
	info->first_free_slot = ROOT_SLOT_UNTYPED + info->untyped_count;
	start_cores(info);
	info->boot_ns = arch_clock_ns();
	arch_run(schedule());
}

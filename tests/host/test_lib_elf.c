#include "lib/elf.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "tests/host/check.h"

#include <stdlib.h>

#define FILE_SIZE 0x4000

/* A file whose program headers the tests change. */
struct file {
	struct elf_header header;
	struct elf_program_header phdr[4];
};

static struct elf_image image;

static struct file good_file(void)
{
	struct file file = {
		.header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
			.e_type = ELF_ET_DYN,
			.e_machine = ELF_EM_X86_64,
			.e_entry = 0x1100,
			.e_phoff = offsetof(struct file, phdr),
			.e_phentsize = sizeof(struct elf_program_header),
			.e_phnum = 4,
		},
		.phdr = {
			{ .p_type = ELF_PT_INTERP, .p_offset = 0x300, .p_filesz = 28, .p_memsz = 28 },
			{ .p_type = ELF_PT_LOAD, .p_flags = ELF_PF_R | ELF_PF_X, .p_filesz = 0x1800, .p_memsz = 0x1800,
			  .p_align = 0x1000 },
			{ .p_type = ELF_PT_LOAD, .p_flags = ELF_PF_R | ELF_PF_W, .p_offset = 0x1800, .p_vaddr = 0x2800,
			  .p_filesz = 0x400, .p_memsz = 0x3000, .p_align = 0x200000 },
			{ .p_type = ELF_PT_GNU_STACK, .p_flags = ELF_PF_R | ELF_PF_W },
		},
	};

	return file;
}

static s64 parse(const struct file *file)
{
	return elf_parse(file, sizeof(*file), FILE_SIZE, &image);
}

static void a_good_file_is_described(void)
{
	struct file file = good_file();

	CHECK_EQ(parse(&file), 0);
	CHECK_EQ(image.type, ELF_ET_DYN);
	CHECK_EQ(image.entry, 0x1100);
	CHECK_EQ(image.segment_count, 2);
	CHECK_EQ(image.segments[1].mem_size, 0x3000);
	CHECK_EQ(image.segments[1].flags, ELF_PF_R | ELF_PF_W);
	CHECK_EQ(image.lowest, 0);
	CHECK_EQ(image.highest, 0x5800);
	CHECK_EQ(image.phdr_vaddr, file.header.e_phoff);
	CHECK_EQ(image.align, 0x200000);
	CHECK(image.has_interp && !image.exec_stack);
	CHECK_EQ(image.interp_offset, 0x300);
	CHECK_EQ(image.interp_size, 28);
}

static void segments_come_out_in_address_order(void)
{
	struct file file = good_file();
	struct elf_program_header first = file.phdr[1];

	file.phdr[1] = file.phdr[2];
	file.phdr[2] = first;
	CHECK_EQ(parse(&file), 0);
	CHECK_EQ(image.segments[0].vaddr, 0);
	CHECK_EQ(image.segments[1].vaddr, 0x2800);
}

#define HEADER_REFUSED(change)                                                                     \
	do {                                                                                       \
		struct file file = good_file();                                                    \
		change;                                                                            \
		CHECK_EQ(parse(&file), -ENOEXEC);                                                  \
	} while (0)

static void what_is_no_program_of_this_machine_is_enoexec(void)
{
	HEADER_REFUSED(file.header.e_ident[0] = 'x');
	HEADER_REFUSED(file.header.e_ident[4] = 1);
	HEADER_REFUSED(file.header.e_ident[5] = 2);
	HEADER_REFUSED(file.header.e_type = 1);
	HEADER_REFUSED(file.header.e_machine = 183);
	HEADER_REFUSED(file.header.e_phentsize = 32);
	HEADER_REFUSED(file.header.e_phnum = 0);
	HEADER_REFUSED(file.header.e_phnum = 74);
	HEADER_REFUSED(file.header.e_phoff = FILE_SIZE);
	HEADER_REFUSED(file.header.e_phoff = ~0ull - 8);
	HEADER_REFUSED(file.phdr[0].p_filesz = 1);
	HEADER_REFUSED(file.phdr[0].p_filesz = 4097);
	HEADER_REFUSED(file.phdr[0].p_offset = FILE_SIZE - 10);
	HEADER_REFUSED(file.phdr[0].p_offset = ~0ull);
	HEADER_REFUSED(file.phdr[1].p_filesz = file.phdr[1].p_memsz = FILE_SIZE + 1);
}

#define SEGMENT_REFUSED(change)                                                                    \
	do {                                                                                       \
		struct file file = good_file();                                                    \
		change;                                                                            \
		CHECK_EQ(parse(&file), -EINVAL);                                                   \
	} while (0)

static void segments_that_cannot_be_mapped_are_einval(void)
{
	SEGMENT_REFUSED(file.phdr[2].p_filesz = 0x3001);
	SEGMENT_REFUSED(file.phdr[2].p_vaddr = ELF_VADDR_LIMIT + 0x800);
	SEGMENT_REFUSED(file.phdr[2].p_vaddr = ELF_VADDR_LIMIT - 0x800);
	SEGMENT_REFUSED(file.phdr[2].p_vaddr = 0xffffffff80000800ull);
	SEGMENT_REFUSED(file.phdr[2].p_memsz = ~0ull);
	SEGMENT_REFUSED(file.phdr[2].p_vaddr = 0x2900);
	SEGMENT_REFUSED(file.phdr[2].p_vaddr = 0x800);
	SEGMENT_REFUSED(file.phdr[1].p_type = file.phdr[2].p_type = 0);
	SEGMENT_REFUSED(file.header.e_entry = ELF_VADDR_LIMIT);
}

static void a_short_head_says_how_much_is_needed(void)
{
	struct file file = good_file();

	CHECK_EQ(elf_parse(&file, 64, FILE_SIZE, &image), sizeof(file));
	CHECK_EQ(elf_parse(&file, 63, FILE_SIZE, &image), -ENOEXEC);
	CHECK_EQ(elf_phdrs_size(&image), sizeof(file.phdr));
}

static void gnu_stack_asks_for_an_executable_stack(void)
{
	struct file file = good_file();

	file.phdr[3].p_flags |= ELF_PF_X;
	CHECK_EQ(parse(&file), 0);
	CHECK(image.exec_stack);
}

static void the_interpreters_text_must_end(void)
{
	CHECK_EQ(elf_check_interp("/lib/ld.so", 11), 0);
	CHECK_EQ(elf_check_interp("/lib/ld.so", 10), -ENOEXEC);
	CHECK_EQ(elf_check_interp("", 1), -ENOEXEC);
	CHECK_EQ(elf_interp_error(-ENOEXEC), -ELIBBAD);
	CHECK_EQ(elf_interp_error(-EINVAL), -EINVAL);
}

static void this_program_itself_parses(void)
{
	static u8 head[4096];
	FILE *self = fopen("/proc/self/exe", "rb");
	size_t n = self ? fread(head, 1, sizeof(head), self) : 0;
	long size = 0;

	if (self && !fseek(self, 0, SEEK_END))
		size = ftell(self);
	if (self)
		fclose(self);
	CHECK_EQ(elf_parse(head, n, (u64)size, &image), 0);
	CHECK(image.segment_count >= 2);
	CHECK(image.entry >= image.lowest && image.entry < image.highest);
}

/* What the loader relies on, whatever the file said. */
static void check_promises(u64 file_size)
{
	u64 end = 0;

	CHECK(image.segment_count >= 1 && image.segment_count <= ELF_MAX_SEGMENTS);
	for (size_t i = 0; i < image.segment_count; i++) {
		const struct elf_segment *s = &image.segments[i];

		CHECK(s->vaddr >= end);
		end = s->vaddr + s->mem_size;
		CHECK(end > s->vaddr && end <= ELF_VADDR_LIMIT);
		CHECK(s->file_size <= s->mem_size);
		CHECK(s->offset + s->file_size >= s->offset && s->offset + s->file_size <= file_size);
		CHECK_EQ((s->vaddr - s->offset) % PAGE_SIZE, 0);
	}
	CHECK(!image.has_interp || image.interp_offset + image.interp_size <= file_size);
}

static void random_damage_never_breaks_a_promise(void)
{
	u64 seed = 7, accepted = 0;

	for (int round = 0; round < 200000 && !CHECK_FAILED(); round++) {
		struct file file = good_file();
		size_t n = splitmix64_next(&seed) % (sizeof(file) + 1);
		u8 *copy;

		for (u64 hits = splitmix64_next(&seed) % 4; hits < 4; hits++) {
			static const u64 odd[] = { 0, 1, 0x800, 0xfff, 0x1000, ~0ull, ELF_VADDR_LIMIT, FILE_SIZE };
			u64 value = odd[splitmix64_next(&seed) % ARRAY_SIZE(odd)];
			size_t at = splitmix64_next(&seed) % (sizeof(file) - 8);

			memcpy((u8 *)&file + at, &value, 1 + splitmix64_next(&seed) % 8);
		}
		if (splitmix64_next(&seed) % 4)
			n = sizeof(file);
		copy = malloc(n ? n : 1); /* exact, so that the sanitizer sees any read past it */
		memcpy(copy, &file, n);
		if (elf_parse(copy, n, FILE_SIZE, &image) == 0) {
			accepted++;
			check_promises(FILE_SIZE);
		}
		free(copy);
	}
	CHECK(accepted > 100);
}

int main(void)
{
	RUN(a_good_file_is_described);
	RUN(segments_come_out_in_address_order);
	RUN(what_is_no_program_of_this_machine_is_enoexec);
	RUN(segments_that_cannot_be_mapped_are_einval);
	RUN(a_short_head_says_how_much_is_needed);
	RUN(gnu_stack_asks_for_an_executable_stack);
	RUN(the_interpreters_text_must_end);
	RUN(this_program_itself_parses);
	RUN(random_damage_never_breaks_a_promise);
	return check_result();
}

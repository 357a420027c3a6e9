#include "lib/elf.h"

#include "lib/errno.h"
#include "lib/string.h"

/* Linux refuses a table above one page. */
#define PHDRS_MAX PAGE_SIZE

static bool header_is_ours(const struct elf_header *header)
{
	static const u8 ident[] = { 0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little endian */, 1 /* version */ };

	return !memcmp(header->e_ident, ident, sizeof(ident)) &&
	       (header->e_type == ELF_ET_EXEC || header->e_type == ELF_ET_DYN) && header->e_machine == ELF_EM_X86_64;
}

int elf_parse_header(const void *head, size_t head_size, u64 file_size, struct elf_image *image)
{
	struct elf_header header;
	u64 size;

	if (head_size < sizeof(header) || file_size < sizeof(header))
		return -ENOEXEC;
	memcpy(&header, head, sizeof(header));
	size = (u64)header.e_phnum * sizeof(struct elf_program_header);
	if (!header_is_ours(&header) || header.e_phentsize != sizeof(struct elf_program_header))
		return -ENOEXEC;
	if (!size || size > PHDRS_MAX || header.e_phoff > file_size || size > file_size - header.e_phoff)
		return -ENOEXEC;
	memset(image, 0, sizeof(*image));
	image->type = header.e_type;
	image->entry = header.e_entry;
	image->phdr_offset = header.e_phoff;
	image->phdr_count = header.e_phnum;
	return 0;
}

size_t elf_phdrs_size(const struct elf_image *image)
{
	return image->phdr_count * sizeof(struct elf_program_header);
}

static bool file_holds(u64 file_size, u64 offset, u64 size)
{
	return offset <= file_size && size <= file_size - offset;
}

static int check_load(const struct elf_program_header *phdr, u64 file_size)
{
	if (phdr->p_filesz > phdr->p_memsz)
		return -EINVAL;
	if (phdr->p_vaddr >= ELF_VADDR_LIMIT || phdr->p_memsz > ELF_VADDR_LIMIT - phdr->p_vaddr)
		return -EINVAL;
	if ((phdr->p_vaddr ^ phdr->p_offset) & (PAGE_SIZE - 1))
		return -EINVAL;
	/* Linux maps past the end and lets the program fault; a file cut short is better refused. */
	if (!file_holds(file_size, phdr->p_offset, phdr->p_filesz))
		return -ENOEXEC;
	return 0;
}

/* Puts a segment in its place by address; false if there is no room. */
static bool segment_insert(struct elf_image *image, const struct elf_program_header *phdr)
{
	size_t at = image->segment_count;

	if (at == ELF_MAX_SEGMENTS)
		return false;
	for (; at && image->segments[at - 1].vaddr > phdr->p_vaddr; at--)
		image->segments[at] = image->segments[at - 1];
	image->segments[at] = (struct elf_segment){
		.vaddr = phdr->p_vaddr,
		.mem_size = phdr->p_memsz,
		.offset = phdr->p_offset,
		.file_size = phdr->p_filesz,
		.flags = phdr->p_flags & (ELF_PF_R | ELF_PF_W | ELF_PF_X),
	};
	image->segment_count++;
	return true;
}

static int add_load(struct elf_image *image, const struct elf_program_header *phdr, u64 file_size)
{
	u64 table = image->phdr_offset;
	int error = check_load(phdr, file_size);

	if (error || !phdr->p_memsz)
		return error;
	if (!segment_insert(image, phdr))
		return -ENOEXEC;
	if (phdr->p_offset <= table && table - phdr->p_offset < phdr->p_filesz)
		image->phdr_vaddr = phdr->p_vaddr + (table - phdr->p_offset);
	/* As Linux: a p_align that is no power of two is ignored. */
	if (phdr->p_align > image->align && !(phdr->p_align & (phdr->p_align - 1)) &&
	    phdr->p_align < ELF_VADDR_LIMIT)
		image->align = phdr->p_align;
	return 0;
}

static int add_interp(struct elf_image *image, const struct elf_program_header *phdr, u64 file_size)
{
	if (image->has_interp)
		return 0;
	if (phdr->p_filesz < 2 || phdr->p_filesz > ELF_INTERP_MAX)
		return -ENOEXEC;
	if (!file_holds(file_size, phdr->p_offset, phdr->p_filesz))
		return -ENOEXEC;
	image->has_interp = true;
	image->interp_offset = phdr->p_offset;
	image->interp_size = phdr->p_filesz;
	return 0;
}

static int add_header(struct elf_image *image, const struct elf_program_header *phdr, u64 file_size)
{
	switch (phdr->p_type) {
	case ELF_PT_LOAD:
		return add_load(image, phdr, file_size);
	case ELF_PT_INTERP:
		return add_interp(image, phdr, file_size);
	case ELF_PT_GNU_STACK:
		image->exec_stack = phdr->p_flags & ELF_PF_X;
		return 0;
	}
	return 0;
}

static bool segments_overlap(const struct elf_image *image)
{
	for (size_t i = 1; i < image->segment_count; i++) {
		const struct elf_segment *low = &image->segments[i - 1], *high = &image->segments[i];

		if (low->vaddr + low->mem_size > high->vaddr)
			return true;
	}
	return false;
}

int elf_parse_segments(const void *phdrs, u64 file_size, struct elf_image *image)
{
	const struct elf_segment *last;

	image->align = PAGE_SIZE;
	for (size_t i = 0; i < image->phdr_count; i++) {
		struct elf_program_header phdr;
		int error;

		memcpy(&phdr, (const u8 *)phdrs + i * sizeof(phdr), sizeof(phdr));
		error = add_header(image, &phdr, file_size);
		if (error)
			return error;
	}
	if (!image->segment_count || segments_overlap(image) || image->entry >= ELF_VADDR_LIMIT)
		return -EINVAL;
	last = &image->segments[image->segment_count - 1];
	image->lowest = image->segments[0].vaddr;
	image->highest = last->vaddr + last->mem_size;
	return 0;
}

s64 elf_parse(const void *head, size_t head_size, u64 file_size, struct elf_image *image)
{
	int error = elf_parse_header(head, head_size, file_size, image);

	if (error)
		return error;
	if (image->phdr_offset + elf_phdrs_size(image) > head_size)
		return (s64)(image->phdr_offset + elf_phdrs_size(image));
	return elf_parse_segments((const u8 *)head + image->phdr_offset, file_size, image);
}

int elf_check_interp(const char *text, size_t size)
{
	return size >= 2 && size <= ELF_INTERP_MAX && !text[size - 1] ? 0 : -ENOEXEC;
}

int elf_interp_error(int error)
{
	return error == -ENOEXEC ? -ELIBBAD : error;
}

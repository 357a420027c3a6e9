/*
 * Checks an x86-64 ELF64 executable or shared object and says what a loader must map. Pure: it reads the bytes it is
 * given, nothing is mapped or allocated. Source: System V gABI chapters 4 and 5, x86-64 psABI.
 *
 * Errors are those of Linux execve: -ENOEXEC for what is no ELF program of this machine (and a bad PT_INTERP),
 * -EINVAL for segments that cannot be mapped. For a program interpreter pass the result through elf_interp_error.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include "lib/types.h"

struct elf_header {
	u8 e_ident[16];
	u16 e_type, e_machine;
	u32 e_version;
	u64 e_entry, e_phoff, e_shoff;
	u32 e_flags;
	u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

struct elf_program_header {
	u32 p_type, p_flags;
	u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};

_Static_assert(sizeof(struct elf_header) == 64, "ELF64 header");
_Static_assert(sizeof(struct elf_program_header) == 56, "ELF64 program header");

enum {
	ELF_ET_EXEC = 2,
	ELF_ET_DYN = 3,
	ELF_EM_X86_64 = 62,
	ELF_PT_LOAD = 1,
	ELF_PT_DYNAMIC = 2,
	ELF_PT_INTERP = 3,
	ELF_PT_PHDR = 6,
	ELF_PT_TLS = 7,
	ELF_PT_GNU_STACK = 0x6474e551,
	ELF_PF_X = 1,
	ELF_PF_W = 2,
	ELF_PF_R = 4,
};

#define ELF_MAX_SEGMENTS 64
#define ELF_VADDR_LIMIT 0x7ffffffff000ull /* Linux's TASK_SIZE: the first address no program may have */
#define ELF_INTERP_MAX 4096               /* PATH_MAX, with the NUL */

/* One PT_LOAD with memory. Bytes past file_size up to mem_size are zero. */
struct elf_segment {
	u64 vaddr, mem_size; /* vaddr and offset are congruent modulo PAGE_SIZE */
	u64 offset, file_size;
	u32 flags; /* ELF_PF_* */
};

struct elf_image {
	u16 type; /* ELF_ET_EXEC, or ELF_ET_DYN: add a load bias to every address */
	u16 phdr_count;
	u64 entry;
	u64 phdr_offset;
	u64 phdr_vaddr; /* for AT_PHDR; 0 if no segment holds the table */
	bool has_interp;
	bool exec_stack; /* PT_GNU_STACK asks for an executable stack */
	u64 interp_offset, interp_size; /* the path in the file, with its NUL */
	u64 lowest, highest;            /* of the segments' bytes in memory: first, last + 1 */
	u64 align;                      /* greatest sane p_align, at least PAGE_SIZE: the bias's alignment */
	size_t segment_count;           /* at least 1 */
	struct elf_segment segments[ELF_MAX_SEGMENTS]; /* ascending, disjoint; neighbours may share a page */
};

/*
 * Checks the header at the start of a file. `head` holds its first `head_size` bytes, `file_size` is its whole size.
 * Fills type, entry, phdr_offset and phdr_count; 0 or -ENOEXEC. The program headers, all inside the file, are
 * elf_phdrs_size(image) bytes at image->phdr_offset.
 */
int elf_parse_header(const void *head, size_t head_size, u64 file_size, struct elf_image *image);
size_t elf_phdrs_size(const struct elf_image *image);

/* The second half: `phdrs` are the program headers (any alignment). Fills the rest; 0, -ENOEXEC or -EINVAL. */
int elf_parse_segments(const void *phdrs, u64 file_size, struct elf_image *image);

/*
 * Both halves for the usual file, whose program headers lie within `head`. If they do not, returns how many bytes of
 * the file `head` would have to hold (> head_size).
 */
s64 elf_parse(const void *head, size_t head_size, u64 file_size, struct elf_image *image);

/* Checks the text of PT_INTERP as read from the file: 0, or -ENOEXEC unless it ends with NUL. */
int elf_check_interp(const char *text, size_t size);

/* What Linux makes of an error in a program interpreter: -ELIBBAD for -ENOEXEC, others as they are. */
int elf_interp_error(int error);

#endif

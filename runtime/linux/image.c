#include "runtime/linux/image.h"

#include <linux/mman.h>
#include <linux/stat.h>

#include "lib/string.h"
#include "runtime/call.h"
#include "runtime/linux/memory.h"
#include "runtime/uaccess.h"

long image_read(struct thread_record *t, unsigned long cptr, u64 offset, void *to, size_t length)
{
	size_t done = 0;

	while (done < length) {
		struct ipc ipc = { .target = cptr, .info = INFO(FILE_READ, 0) | INFO_WINDOWS(1), .m = { length - done, offset + done, 0 } };
		long n;

		rt_window(t, 0, (unsigned long)to + done, length - done);
		n = rt_request(&ipc);
		if (n == 0)
			break;
		if (n < 0 || n > (long)(length - done))
			return n < 0 ? n : -EIO;
		done += (size_t)n;
	}
	return (long)done;
}

static long image_attributes(struct thread_record *t, unsigned long cptr, struct file_attr *attr)
{
	struct ipc ipc = { .target = cptr, .info = INFO(FILE_FSTAT, 0) };
	long error = rt_request(&ipc);

	if (error < 0)
		return error;
	if (INFO_BYTES_OF(ipc.info) < sizeof(*attr))
		return -EIO;
	memcpy(attr, thread_message(t)->data, sizeof(*attr));
	return 0;
}

long image_look(struct thread_record *t, struct image_file *file)
{
	struct file_attr attr;
	long n = image_attributes(t, file->cptr, &attr);

	if (n < 0)
		return n;
	if (!S_ISREG(attr.mode) || !(attr.mode & 0111))
		return -EACCES;
	file->mode = attr.mode;
	file->size = attr.size;
	/* the server copies into present pages only */
	memset(file->head, 0, sizeof(file->head));
	n = image_read(t, file->cptr, 0, file->head, sizeof(file->head));
	if (n < 0)
		return n;
	file->head_bytes = (size_t)n;
	return 0;
}

long image_parse(struct thread_record *t, const struct image_file *file, struct elf_image *elf)
{
	int error = elf_parse_header(file->head, file->head_bytes, file->size, elf);
	char *phdrs;
	size_t size;
	long n;

	if (error)
		return error;
	size = elf_phdrs_size(elf);
	if (elf->phdr_offset + size <= file->head_bytes)
		return elf_parse_segments(file->head + elf->phdr_offset, file->size, elf);
	phdrs = rt_zalloc(size);
	if (!phdrs)
		return -ENOMEM;
	n = image_read(t, file->cptr, elf->phdr_offset, phdrs, size);
	if (n >= 0)
		n = n == (long)size ? elf_parse_segments(phdrs, file->size, elf) : -ENOEXEC;
	rt_free(phdrs);
	return n;
}

long image_interp(struct thread_record *t, const struct image_file *file, const struct elf_image *elf, char *interp)
{
	long n;

	memset(interp, 0, ELF_INTERP_MAX);
	if (elf->interp_offset + elf->interp_size <= file->head_bytes) {
		memcpy(interp, file->head + elf->interp_offset, elf->interp_size);
		return elf_check_interp(interp, elf->interp_size);
	}
	n = image_read(t, file->cptr, elf->interp_offset, interp, elf->interp_size);
	if (n < 0)
		return n;
	return n == (long)elf->interp_size ? elf_check_interp(interp, elf->interp_size) : -ENOEXEC;
}

/* ---- mapping ---- */

static unsigned segment_prot(const struct elf_segment *s)
{
	return (s->flags & ELF_PF_R ? PROT_READ : 0) | (s->flags & ELF_PF_W ? PROT_WRITE : 0) | (s->flags & ELF_PF_X ? PROT_EXEC : 0);
}

static long map_file(unsigned long cptr, u64 address, u64 length, unsigned prot, u64 offset)
{
	struct ipc ipc = { .target = cptr, .info = INFO(FILE_MAP, 0) };
	long result;

	ipc.m[0] = address;
	ipc.m[1] = length;
	ipc.m[2] = prot;
	ipc.m[3] = MAP_PRIVATE | MAP_FIXED;
	ipc.m[4] = offset;
	result = rt_request(&ipc);
	return result < 0 ? result : 0;
}

static long map_anonymous_at(u64 address, u64 length, unsigned prot)
{
	long result = memory_map(address, length, prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS);

	return result < 0 ? result : 0;
}

/* The part without file bytes: whole pages behind `from`, and the rest of the page `from` lies in. */
static long map_zero(const struct elf_segment *s, u64 from, u64 end, bool partial)
{
	u64 page = ALIGN_UP(from, PAGE_SIZE), last = ALIGN_UP(end, PAGE_SIZE);

	/* a segment that may not be written keeps what the file has there, as on Linux */
	if (partial && from < page && (s->flags & ELF_PF_W) && clear_user(from, page - from))
		return -EFAULT;
	return page < last ? map_anonymous_at(page, last - page, segment_prot(s)) : 0;
}

static long segment_map(const struct image_file *file, const struct elf_segment *s, u64 bias)
{
	u64 start = ALIGN_DOWN(s->vaddr + bias, PAGE_SIZE), file_end = s->vaddr + bias + s->file_size;
	long error = 0;

	if (s->file_size)
		error = map_file(file->cptr, start, ALIGN_UP(file_end, PAGE_SIZE) - start, segment_prot(s), ALIGN_DOWN(s->offset, PAGE_SIZE));
	if (error || s->mem_size == s->file_size)
		return error;
	return map_zero(s, s->file_size ? file_end : start, s->vaddr + bias + s->mem_size, s->file_size != 0);
}

long image_map(struct thread_record *t, const struct image_file *file, const struct elf_image *elf, u64 bias)
{
	long error = 0;

	(void)t;
	for (size_t i = 0; i < elf->segment_count && !error; i++)
		error = segment_map(file, &elf->segments[i], bias);
	return error;
}

long image_map_memory(struct thread_record *t, const char *bytes, const struct elf_image *elf, u64 bias)
{
	(void)t;
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *s = &elf->segments[i];
		u64 start = ALIGN_DOWN(s->vaddr + bias, PAGE_SIZE), end = ALIGN_UP(s->vaddr + bias + s->mem_size, PAGE_SIZE);
		long error = map_anonymous_at(start, end - start, PROT_READ | PROT_WRITE);

		if (!error)
			error = copy_to_user(s->vaddr + bias, bytes + s->offset, s->file_size);
		if (!error && segment_prot(s) != (PROT_READ | PROT_WRITE))
			error = memory_protect(start, end - start, segment_prot(s));
		if (error)
			return error;
	}
	return 0;
}

/* Requests about memory objects of a service. */
#include "lib/errno.h"
#include "lib/string.h"
#include "root/log.h"
#include "root/object.h"
#include "root/operations.h"
#include "root/root.h"
#include "root/services.h"
#include "root/space.h"

#define OBJECT_SIZE_MAX (1ul << 42)

static struct object *image;

struct object *image_object(void)
{
	return image;
}

/* The boot image: an object that every service may map by id 0, read-only or as private copy. */
void image_init(void)
{
	u64 count = ALIGN_UP(boot_info->image_size, (u64)PAGE_SIZE) >> PAGE_SHIFT;

	image = object_create(boot_info->image_size, ROLE_SYSTEM);
	if (!image)
		root_panic("no memory for the boot image's record");
	if (count)
		object_set_extent(image, 0, count, boot_info->image_base >> PAGE_SHIFT);
}

static struct object *named(const struct request *request)
{
	return request->service && request->m[0] ? object_find(request->service, request->m[0]) : NULL;
}

long op_OBJECT_CREATE(struct request *request)
{
	struct object *object;
	int error;

	if (!request->service)
		return -EPERM;
	if (!request->m[0] || request->m[1] > OBJECT_SIZE_MAX)
		return -EINVAL;
	object = object_create(request->m[1], request->charge);
	if (!object)
		return -ENOMEM;
	error = object_name(object, request->service, request->m[0]);
	object_put(object);
	return error;
}

/* The part of the last page that is behind the end reads as zero when the file grows again. */
static int zero_tail(struct object *object, u64 size)
{
	u64 index = size >> PAGE_SHIFT, tail = size % PAGE_SIZE;
	pfn_t replaced, pfn;

	if (!tail || !object_lookup(object, index))
		return 0;
	pfn = object_page(object, index, true, &replaced);
	if (!pfn)
		return -ENOMEM;
	if (replaced)
		object_unmap_page(object, index, replaced);
	memset((u8 *)page_virt(pfn) + tail, 0, PAGE_SIZE - tail);
	return 0;
}

long op_OBJECT_RESIZE(struct request *request)
{
	struct object *object = named(request);
	u64 size = request->m[1], first, old;

	if (!object)
		return -ENOENT;
	if (size > OBJECT_SIZE_MAX)
		return -EFBIG;
	if (size < object->size) {
		if (zero_tail(object, size))
			return -ENOMEM;
		first = ALIGN_UP(size, (u64)PAGE_SIZE) >> PAGE_SHIFT;
		old = ALIGN_UP(object->size, (u64)PAGE_SIZE) >> PAGE_SHIFT;
		object->size = size;
		if (old > first) {
			object_unmap_everywhere(object, first, old - first);
			object_drop(object, first, old - first);
		}
	}
	object->size = size;
	return 0;
}

long op_OBJECT_PUNCH(struct request *request)
{
	struct object *object = named(request);
	u64 offset = request->m[1], length = request->m[2];

	if (!object)
		return -ENOENT;
	if ((offset | length) % PAGE_SIZE || offset > OBJECT_SIZE_MAX || length > OBJECT_SIZE_MAX)
		return -EINVAL;
	object_unmap_everywhere(object, offset >> PAGE_SHIFT, length >> PAGE_SHIFT);
	object_drop(object, offset >> PAGE_SHIFT, length >> PAGE_SHIFT);
	return 0;
}

long op_OBJECT_DESTROY(struct request *request)
{
	struct object *object = named(request);

	if (!object)
		return -ENOENT;
	object_unname(object);
	return 0;
}

long op_OBJECT_INFO(struct request *request)
{
	struct object *object = named(request);

	if (!object)
		return -ENOENT;
	request->out[1] = object->present;
	list_for_each_entry(region, &object->regions, struct region, object_node) {
		request->out[2]++;
		request->out[3] += region->flags & REGION_SHARED && region->max_prot & REGION_WRITE && region->space != request->caller->space;
	}
	return object->size;
}

long op_OBJECT_LIST(struct request *request)
{
	struct object *object = request->service ? object_nth(request->service, request->m[1]) : NULL;

	return object ? (long)object->id : -ENOENT;
}

long op_OBJECT_SEEK(struct request *request)
{
	struct object *object = named(request);
	u64 offset = request->m[1], limit, found;

	if (!object)
		return -ENOENT;
	if (offset >= object->size)
		return -ENXIO;
	limit = ALIGN_UP(object->size, (u64)PAGE_SIZE) >> PAGE_SHIFT;
	found = object_seek(object, offset >> PAGE_SHIFT, limit, request->m[2] == 1);
	if (found == ~0ul)
		return request->m[2] == 1 ? (long)object->size : -ENXIO;
	return MIN(MAX(offset, found << PAGE_SHIFT), object->size);
}

/* m[1] page index, m[2] pages, m[3] byte offset in the boot image */
long op_OBJECT_IMAGE(struct request *request)
{
	struct object *object = named(request);
	u64 first = request->m[1], count = request->m[2], offset = request->m[3];
	u64 limit = ALIGN_UP(boot_info->image_size, (u64)PAGE_SIZE);
	pfn_t pfn = (boot_info->image_base + offset) >> PAGE_SHIFT;

	if (!service_may(request->caller->process, SERVICE_IMAGE))
		return -EPERM;
	if (!object)
		return -ENOENT;
	if (offset % PAGE_SIZE || offset > limit || count > (limit - offset) >> PAGE_SHIFT || first > OBJECT_SIZE_MAX >> PAGE_SHIFT)
		return -EINVAL;
	object_unmap_everywhere(object, first, count);
	object_drop(object, first, count);
	if (object_set_extent(object, first, count, pfn))
		return 0;
	for (u64 i = 0; i < count; i++)
		if (object_store(object, first + i, pfn + i))
			return -ENOMEM;
	return 0;
}

/*
 * A file server: serves one file, a note that who opens it may read and change, and that lives as long as the server. Any Linux program is its client:
 *
 *     gcc -O2 -I UXRT -o note_server note_server.c      UXRT: the folder with abi/ and include/; with -static if it is built elsewhere
 *     ./note_server /note &
 *     echo remember > /note; cat /note
 */
#include <stdio.h>

#include "include/uxrt/server.h"

static char note[4096];
static unsigned long length, opens;

static long read_note(struct uxrt_request *request, unsigned long *position)
{
	unsigned long at = request->m[1] == OFFSET_CURRENT ? *position : request->m[1];
	unsigned long left = at < length ? length - at : 0;
	unsigned long done = uxrt_give(request, note + at, request->m[0] < left ? request->m[0] : left);

	if (request->m[1] == OFFSET_CURRENT)
		*position += done;
	return (long)done;
}

static long write_note(struct uxrt_request *request)
{
	unsigned long wanted = request->m[0] < sizeof note ? request->m[0] : sizeof note;

	length = uxrt_take(request, note, wanted);
	return (long)length;
}

static long handle(struct uxrt_request *request)
{
	static unsigned long positions[256]; /* where each open file stands, by badge */
	struct file_attr *attr = (struct file_attr *)request->data;

	switch (request->label) {
	case FILE_OPEN:
		opens = opens % 255 + 1;
		positions[opens] = 0;
		return uxrt_opened(request, opens, 0100644);
	case FILE_READ:
		return read_note(request, &positions[request->badge % 256]);
	case FILE_WRITE:
		return write_note(request);
	case FILE_FSTAT:
	case FILE_STAT:
		*attr = (struct file_attr){ .ino = 1, .mode = 0100644, .nlink = 1, .size = length };
		request->data_bytes = sizeof *attr;
		return 0;
	}
	return uxrt_unknown(request);
}

int main(int argc, char **argv)
{
	long error = argc == 2 ? uxrt_serve(argv[1]) : -EINVAL;

	if (!error)
		error = uxrt_serve_requests(handle);
	fprintf(stderr, "note_server: %ld\n", error);
	return 1;
}

#include "servers/socket/message.h"

#include "lib/string.h"

/* Bytes of large messages lie in pieces of one size, which are never given back: a stream that flows takes no memory anew. */
#define PIECE_SIZE  0x4000
#define PIECE_BYTES (PIECE_SIZE - sizeof(struct piece))
#define SMALL_MAX   2048

static struct piece *pool;
static size_t held;

size_t messages_held(void)
{
	return held;
}

size_t message_size(size_t length)
{
	size_t pieces = length / PIECE_BYTES, rest = length % PIECE_BYTES, size = sizeof(struct message) + pieces * PIECE_SIZE;

	if (!rest)
		return size;
	return size + (rest > SMALL_MAX ? PIECE_SIZE : sizeof(struct piece) + rest);
}

static struct piece *piece_new(size_t want)
{
	struct piece *piece = pool;
	bool small = want <= SMALL_MAX;

	if (small || !piece) {
		piece = memory_take(small ? sizeof(*piece) + want : PIECE_SIZE);
		if (piece)
			piece->room = small ? (u32)want : PIECE_BYTES;
		if (piece)
			piece->pooled = !small;
		return piece;
	}
	pool = piece->next;
	piece->next = NULL;
	return piece;
}

static void piece_free(struct piece *piece)
{
	if (!piece->pooled) {
		memory_free(piece, sizeof(*piece) + piece->room);
		return;
	}
	piece->next = pool;
	pool = piece;
}

struct message *message_new(size_t length)
{
	struct message *message = memory_take(sizeof(*message));
	struct piece **end = message ? &message->pieces : NULL;

	if (!message)
		return NULL;
	message->length = (u32)length;
	held += message_size(length);
	for (size_t left = length; left; left -= MIN(left, (size_t)(*end)->room), end = &(*end)->next) {
		*end = piece_new(left);
		if (!*end) {
			message_free(message);
			return NULL;
		}
	}
	return message;
}

void message_free(struct message *message)
{
	struct piece *next;

	note_free(message->note);
	held -= message_size(message->length);
	for (struct piece *piece = message->pieces; piece; piece = next) {
		next = piece->next;
		piece_free(piece);
	}
	memory_free(message, sizeof(*message));
}

bool message_fill(struct request *request, struct message *message)
{
	size_t before = request->moved, left = message->length;

	for (struct piece *piece = message->pieces; piece; piece = piece->next) {
		size_t want = MIN(left, (size_t)piece->room);

		if (request_take(request, piece->bytes, want) < want) {
			request->moved = before;
			return false;
		}
		left -= want;
	}
	return true;
}

void message_put(struct message *message, const void *bytes)
{
	const u8 *from = bytes;
	size_t left = message->length;

	for (struct piece *piece = message->pieces; piece; piece = piece->next) {
		size_t want = MIN(left, (size_t)piece->room);

		memcpy(piece->bytes, from, want);
		from += want;
		left -= want;
	}
}

size_t message_give(struct request *request, const struct message *message, size_t start, size_t length)
{
	size_t done = 0;

	for (const struct piece *piece = message->pieces; piece && done < length; piece = piece->next) {
		size_t want, given;

		if (start >= piece->room) {
			start -= piece->room;
			continue;
		}
		want = MIN(length - done, piece->room - start);
		given = request_give(request, piece->bytes + start, want);
		done += given;
		if (given < want)
			break;
		start = 0;
	}
	return done;
}

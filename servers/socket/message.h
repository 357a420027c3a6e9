/*
 * A message on its way: bytes in pieces, who sent it, and what came with it. A stream is a row of messages whose boundaries a reader does not see.
 */
#ifndef SOCKET_MESSAGE_H
#define SOCKET_MESSAGE_H

#include "abi/socket.h"
#include "lib/list.h"
#include "serve/memory.h"
#include "serve/request.h"

struct socket;
struct rights;

struct piece {
	struct piece *next;
	u32 room;
	bool pooled;
	u8 bytes[];
};

/* One begins with this. */
struct note {
	u32 size; /* of all of it */
};

struct message {
	struct list_node link;
	struct socket *from;  /* a reference: who is charged until the message is gone. Its sender; of UDP its receiver */
	u32 length, taken;    /* bytes; of them read already */
	u32 charge;
	bool signed_by;       /* `who` is known */
	struct socket_credentials who;
	struct rights *rights; /* NULL: none */
	struct note *note;     /* the transport's: what a receiver is told beside the bytes; NULL: nothing. Freed with the message */
	struct piece *pieces;
};

/* With room for `length` bytes. NULL: no memory. */
struct message *message_new(size_t length);
/* Bytes and pieces; rights and sender are the caller's. */
void message_free(struct message *message);

/* The memory that a message of that length takes, and that all take that there are: an empty one is as much of the server's as its bytes. */
size_t message_size(size_t length);
size_t messages_held(void);

/* All of its bytes from the request's caller. False: they are not there; nothing was taken. */
bool message_fill(struct request *request, struct message *message);
/* All of its bytes, from memory. */
void message_put(struct message *message, const void *bytes);
/* Up to `length` of its bytes from `start` on, to the caller: how many. */
size_t message_give(struct request *request, const struct message *message, size_t start, size_t length);

static inline void note_free(struct note *note)
{
	if (note)
		memory_free(note, note->size);
}

static inline size_t message_left(const struct message *message)
{
	return message->length - message->taken;
}

#endif

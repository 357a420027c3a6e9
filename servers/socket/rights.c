/*
 * Descriptors in messages. One of another server is kept as its capability. One of a socket of this server is turned into a reference to the open file,
 * so that the kernel still says when no process has that socket any more; a Handle is made anew for the receiver.
 *
 * Sockets that only messages refer to, and those messages lie in such sockets' own lists, would stay for ever. They are collected: what cannot be
 * reached from a socket that a process has is emptied (rights_collect).
 *
 * Nothing is let go at once: dropping a socket drops its messages and so more sockets, to any depth. rights_drop() puts a set on a list that
 * sockets_settle() works off.
 */
#include "lib/errno.h"
#include "servers/socket/socket.h"

struct right {
	struct list_node link;
	unsigned slot;          /* of the capability; 0: */
	struct open_file *file; /* the own socket, kept */
};

struct rights {
	struct list_node link;  /* in the list of those that were dropped */
	struct list_node items;
	unsigned count;
};

static struct list_node dropped = LIST_INIT(dropped);
static struct list_node spent = LIST_INIT(spent); /* went out with an answer: their slots are empty, or nobody took what is in them */
static bool collection_wanted;

#define SLOTS_HELD_MAX 2048u /* others of the server's slots are for requests that wait */
static unsigned slots_held;

static struct rights *rights_new(void)
{
	struct rights *rights = memory_take(sizeof(*rights));

	if (rights)
		list_init(&rights->items);
	return rights;
}

unsigned rights_count(const struct rights *rights)
{
	return rights->count;
}

static void add(struct rights *rights, struct right *right)
{
	list_push_back(&rights->items, &right->link);
	rights->count++;
}

static void remove(struct rights *rights, struct right *right)
{
	list_remove(&right->link);
	rights->count--;
}

static void fly(struct open_file *file)
{
	open_file_keep(file);
	socket_of(file)->in_flight++;
}

static void land(struct open_file *file)
{
	struct socket *socket = socket_of(file);

	socket->in_flight--;
	if (file->closed && socket->in_flight)
		collection_wanted = true;
	open_file_unkeep(file);
}

/* ---- taking ---- */

/* The capability in the slot becomes a right: 0, or why not. */
static long right_take(struct rights *rights, unsigned slot)
{
	struct right *right = memory_take(sizeof(*right));
	struct open_file *file;
	enum capability kind = capability_kind(slot, &file);

	if (!right)
		return -ENOMEM;
	if (slots_held >= SLOTS_HELD_MAX) {
		memory_free(right, sizeof(*right));
		return -ETOOMANYREFS;
	}
	if (kind == CAPABILITY_OTHER || (kind == CAPABILITY_OWN && !socket_of(file))) {
		memory_free(right, sizeof(*right));
		return -EINVAL;
	}
	/* One of O_PATH refers to no socket that could hold it: it is kept as another server's would be. */
	if (kind == CAPABILITY_OWN && !(file->flags & LINUX_O_PATH)) {
		right->file = file;
		fly(file);
		kernel_slot_delete(slot);
		slot_free(slot);
	} else {
		right->slot = slot;
		slots_held++;
	}
	add(rights, right);
	return 0;
}

struct rights *rights_take(struct request *request, unsigned first, unsigned count, struct rights *to, long *error)
{
	struct rights *rights = to ? to : rights_new();

	*error = rights ? 0 : -ENOMEM;
	if (first + count > MESSAGE_CAPS || (rights && rights->count + count > SOCKET_RIGHTS_MAX))
		*error = -EINVAL;
	for (unsigned i = first; !*error && i < first + count; i++) {
		/* Out of slots it could not come. */
		*error = request->received[i] ? right_take(rights, request->received[i]) : -ETOOMANYREFS;
		if (!*error)
			request->received[i] = 0;
	}
	if (!*error || to)
		return rights;
	if (rights)
		rights_drop(rights);
	return NULL;
}

struct rights *rights_of_bundle(struct request *request, unsigned index, unsigned count, long *error)
{
	struct open_file *file = NULL;
	struct rights *rights = NULL;

	if (index < MESSAGE_CAPS && request->received[index])
		capability_kind(request->received[index], &file);
	if (file && file->node.entry == NODE_BUNDLE)
		rights = file->data;
	*error = rights && rights->count == count ? 0 : -EINVAL;
	if (*error)
		return NULL;
	file->data = NULL;
	return rights;
}

static struct right *right_copy(const struct right *from)
{
	struct right *right = memory_take(sizeof(*right));
	unsigned slot = right && from->slot && slots_held < SLOTS_HELD_MAX ? slot_take() : 0;

	if (!right)
		return NULL;
	right->file = from->file;
	right->slot = slot;
	if (from->file)
		fly(from->file);
	slots_held += slot != 0;
	if (from->file || (slot && capability_copy(from->slot, slot)))
		return right;
	slots_held -= slot != 0;
	if (slot)
		slot_free(slot);
	memory_free(right, sizeof(*right));
	return NULL;
}

struct rights *rights_copy(const struct rights *rights)
{
	struct rights *copy = rights_new();

	if (!copy)
		return NULL;
	list_for_each_entry(from, &rights->items, struct right, link) {
		struct right *right = right_copy(from);

		if (right)
			add(copy, right);
	}
	return copy;
}

/* ---- giving ---- */

/* Into the answer; the right is used up. False: it could not be. */
static bool right_give(struct request *request, struct right *right, unsigned index)
{
	struct open_file *file;
	bool given;

	if (right->file) {
		given = open_file_give(request, right->file, index) == 0;
		land(right->file);
		memory_free(right, sizeof(*right));
		return given;
	}
	given = capability_kind(right->slot, &file) != CAPABILITY_DEAD;
	if (given)
		request_give_capability(request, right->slot, index);
	list_push_back(&spent, &right->link);
	return given;
}

static unsigned give_each(struct request *request, struct rights *rights, unsigned room)
{
	unsigned given = 0;

	while (given < room && rights->count) {
		struct right *right = list_first_entry(&rights->items, struct right, link);

		remove(rights, right);
		given += right_give(request, right, given);
	}
	return given;
}

static long bundle_give(struct request *request, struct rights *rights)
{
	struct open_file *file = open_file_new((struct node){ .id = 1, .entry = NODE_BUNDLE }, LINUX_O_RDWR, LINUX_S_IFSOCK | 0600);
	long result = file ? open_file_give(request, file, 0) : -ENFILE;

	if (!result)
		file->data = rights;
	else if (file)
		open_file_drop(file);
	return result;
}

unsigned rights_give(struct request *request, struct rights **rights, unsigned room)
{
	struct rights *all = *rights;
	unsigned count = MIN(room, all->count);

	if (room <= MESSAGE_CAPS)
		return give_each(request, all, room);
	if (bundle_give(request, all))
		return 0;
	*rights = NULL;
	return count;
}

/* ---- letting go ---- */

void rights_drop(struct rights *rights)
{
	list_push_back(&dropped, &rights->link);
}

static void right_free(struct right *right)
{
	if (right->file)
		land(right->file);
	if (right->slot) {
		kernel_slot_delete(right->slot);
		slot_free(right->slot);
		slots_held--;
	}
	memory_free(right, sizeof(*right));
}

static void rights_free(struct rights *rights)
{
	struct right *right;

	while ((right = list_first_entry(&rights->items, struct right, link))) {
		remove(rights, right);
		right_free(right);
	}
	memory_free(rights, sizeof(*rights));
}

bool rights_settle(void)
{
	struct rights *rights = list_first_entry(&dropped, struct rights, link);

	if (rights) {
		list_remove(&rights->link);
		rights_free(rights);
		return true;
	}
	if (!collection_wanted)
		return false;
	collection_wanted = false;
	rights_collect();
	return true;
}

void rights_spent(void)
{
	struct right *right;

	while ((right = list_first_entry(&spent, struct right, link))) {
		list_remove(&right->link);
		right_free(right);
	}
}

/* ---- collecting ---- */

void rights_want_collection(void)
{
	collection_wanted = true;
}

static void reach(struct socket *socket, struct list_node *marked)
{
	if (socket->reached)
		return;
	socket->reached = true;
	list_push_back(marked, &socket->visited);
}

/* Calls `visit` for each socket in a message of that one's list. */
static void each_carried(struct socket *socket, void (*visit)(struct socket *carried, struct list_node *marked), struct list_node *marked)
{
	list_for_each_entry(message, &socket->messages, struct message, link) {
		if (!message->rights)
			continue;
		list_for_each_entry(right, &message->rights->items, struct right, link)
			if (right->file)
				visit(socket_of(right->file), marked);
	}
}

static void count_carried(struct socket *carried, struct list_node *marked)
{
	(void)marked;
	carried->carried++;
}

/* Somebody else than messages in lists refers to it: a process, a waiting request, or a message that is being sent. */
static bool is_root(const struct socket *socket)
{
	return socket->file && (socket->file->handles || socket->file->kept > socket->in_flight || socket->in_flight > socket->carried);
}

static void reach_all(struct list_node *marked)
{
	struct socket *socket;

	while ((socket = list_first_entry(marked, struct socket, visited))) {
		list_remove(&socket->visited);
		each_carried(socket, reach, marked);
		if (socket->state == SOCKET_LISTENING)
			list_for_each_entry(embryo, &socket->embryos, struct socket, embryos)
				reach(embryo, marked);
	}
}

void rights_collect(void)
{
	struct list_node marked = LIST_INIT(marked);

	list_for_each_entry(socket, &sockets, struct socket, all) {
		socket->reached = false;
		socket->carried = 0;
	}
	list_for_each_entry(socket, &sockets, struct socket, all)
		each_carried(socket, count_carried, NULL);
	list_for_each_entry(socket, &sockets, struct socket, all)
		if (is_root(socket))
			reach(socket, &marked);
	reach_all(&marked);
	list_for_each_entry(socket, &sockets, struct socket, all)
		if (!socket->reached)
			socket_empty(socket);
}

/* ---- bundles ---- */

long op_rights(struct request *request)
{
	struct open_file *file = request->file;
	struct rights *rights = file ? file->data : NULL;
	unsigned count = 0;
	long error;

	while (count < MESSAGE_CAPS && request->received[count])
		count++;
	if (file && (file->node.entry != NODE_BUNDLE || !rights))
		return -EINVAL;
	rights = rights_take(request, 0, count, rights, &error);
	if (error)
		return error;
	if (!file)
		error = bundle_give(request, rights);
	if (error)
		rights_drop(rights);
	return error ? error : (long)rights->count;
}

long op_rights_take(struct request *request)
{
	struct rights *rights = request->file && request->file->node.entry == NODE_BUNDLE ? request->file->data : NULL;

	return rights ? (long)give_each(request, rights, (unsigned)MIN(request->m[0], (unsigned long)MESSAGE_CAPS)) : -EINVAL;
}

/* Receiving: takes from the list of messages, in two steps, so that what wakes others comes before the answer is written. */
#include "lib/errno.h"
#include "lib/string.h"
#include "servers/socket/socket.h"

#define TRANSFER_MAX 0x7ffff000ul
#define OVERFLOW_ID  65534u

static struct message *first_message(const struct socket *socket)
{
	return list_first_entry(&socket->messages, struct message, link);
}

static bool peeks(const struct receive *r)
{
	return r->flags & LINUX_MSG_PEEK;
}

/* ---- what comes with bytes ---- */

static struct socket_credentials who_of(const struct message *message)
{
	return message->signed_by ? message->who : (struct socket_credentials){ 0, OVERFLOW_ID, OVERFLOW_ID };
}

/* A reader of a stream who asks for credentials does not get bytes of two senders at once. */
static bool same_sender(const struct receive *r, const struct message *message)
{
	struct socket_credentials who = who_of(message);

	return !r->any || !r->socket->options.pass_credentials || !memcmp(&who, &r->who, sizeof(who));
}

/* The rights that came go to the reader, or nowhere. */
static void note_rights(struct receive *r, struct message *message)
{
	if (!message->rights)
		return;
	if (!r->plain && r->control && r->room)
		r->rights = peeks(r) ? rights_copy(message->rights) : message->rights;
	else
		r->flags_out |= LINUX_MSG_CTRUNC;
	if (peeks(r))
		return;
	if (r->rights != message->rights)
		rights_drop(message->rights);
	message->rights = NULL;
}

/* What the receiver is told: the message's own, if that goes, or a copy. */
static void take_note(struct receive *r, struct message *message)
{
	if (r->plain)
		return;
	if (!peeks(r)) {
		r->note = message->note;
		message->note = NULL;
		return;
	}
	r->note = memory_take(message->note->size);
	if (r->note)
		memcpy(r->note, message->note, message->note->size);
}

static void note_message(struct receive *r, struct message *message)
{
	if (!r->any) {
		r->who = who_of(message);
		r->address = message->from->address;
		if (r->address)
			address_hold(r->address);
	}
	r->any = true;
	note_rights(r, message);
	if (message->note)
		take_note(r, message);
}

/* Its rights must be given, and the program has not made room. */
static bool room_is_missing(const struct receive *r, const struct message *message)
{
	return !r->plain && r->control && !r->room && message->rights && rights_count(message->rights);
}

/* Then nothing happens, but the program is told how many there are. */
static bool ask_for_room(struct receive *r, const struct message *message)
{
	if (!room_is_missing(r, message))
		return false;
	r->rights_waiting = rights_count(message->rights);
	return true;
}

/* ---- streams ---- */

/* Reading stops at a byte out of band, and then passes over it, if it is not to be read in its turn. It stops, too, behind where there was one. */
static bool is_passed_over(const struct socket *socket, const struct message *message)
{
	return !message_left(message) || (message == socket->mark && !socket->options.out_of_band_inline);
}

/* Whether reading on from the first message meets one whose rights need room. Asked before anything is taken. */
static bool stream_room_missing(struct receive *r)
{
	size_t ahead = 0;

	list_for_each_entry(message, &r->socket->messages, struct message, link) {
		/* its rights go with it */
		if (is_passed_over(r->socket, message))
			continue;
		if (ask_for_room(r, message))
			return true;
		ahead += message_left(message);
		if (ahead >= r->length)
			break;
	}
	return false;
}

static struct message *next_message(const struct socket *socket, const struct message *message)
{
	return message->link.next == &socket->messages ? NULL : list_entry(message->link.next, struct message, link);
}

/* From one message. True: reading goes on with the next. */
static bool stream_take(struct request *request, struct receive *r, struct message *message)
{
	size_t want = MIN(r->length - request->moved, message_left(message));
	size_t given = r->discard ? want : message_give(request, message, message->taken, want);
	bool had_rights = message->rights != NULL;

	if (given < want && !given)
		return false;
	if (r->discard)
		request->moved += given;
	note_message(r, message);
	if (!peeks(r))
		message->taken += (u32)given;
	return given == want && message_left(message) == (peeks(r) ? given : 0) && !had_rights;
}

static bool stops_at(const struct socket *socket, const struct message *message)
{
	return message == socket->mark || !message_left(message);
}

/* A read of no bytes leaves TCP's mark where it is; Unix streams pass over theirs. */
static bool begins(const struct receive *r, const struct message *first)
{
	return first && (r->length || !r->socket->transport->mark_stays || !is_passed_over(r->socket, first));
}

/* Whether it stopped before a message. */
static bool stream_read(struct request *request, struct receive *r)
{
	struct message *message = first_message(r->socket), *next;
	bool more = begins(r, message);

	while (more && message && same_sender(r, message)) {
		bool passed = is_passed_over(r->socket, message), stops = request->moved && stops_at(r->socket, message);

		if ((stops && message_left(message)) || (!passed && room_is_missing(r, message)))
			break;
		next = next_message(r->socket, message);
		more = passed ? !stops : stream_take(request, r, message);
		if (!peeks(r) && (passed || !message_left(message)))
			socket_message_consume(r->socket, message);
		message = next;
		more = more && request->moved < r->length;
	}
	return message != NULL;
}

static bool stream_satisfied(const struct request *request, const struct receive *r)
{
	size_t low = r->flags & LINUX_MSG_WAITALL ? r->length : MIN((size_t)r->socket->options.receive_low, r->length);

	return request->stopped || request->moved >= MAX(low, (size_t)1) || (r->any && (!r->length || r->rights || peeks(r)));
}

static long stream_try(struct request *request, struct receive *r)
{
	struct socket *socket = r->socket;
	long result;
	bool stopped;

	if (!request->moved && stream_room_missing(r))
		return 0;
	stopped = stream_read(request, r);
	if (stream_satisfied(request, r) || stopped)
		return (long)request->moved;
	result = socket->transport->at_end(socket, request->moved != 0);
	return result == WOULD_WAIT || !request->moved ? result : (long)request->moved;
}

/* ---- datagrams ---- */

static long datagram_take(struct request *request, struct receive *r, struct message *message)
{
	size_t want = MIN(r->length, (size_t)message->length);

	if (message_give(request, message, 0, want) < want)
		return 0;
	note_message(r, message);
	if (want < message->length)
		r->flags_out |= LINUX_MSG_TRUNC;
	want = r->flags & LINUX_MSG_TRUNC ? message->length : want;
	if (!peeks(r)) {
		struct socket *socket = r->socket;

		socket_message_consume(socket, message);
		if (socket->transport->received)
			socket->transport->received(socket, r->length);
		socket_room(socket);
	}
	return (long)want;
}

static long datagram_try(struct request *request, struct receive *r)
{
	struct socket *socket = r->socket;
	struct message *message = first_message(socket);
	bool waits = !request_nonblocking(request) && !(r->flags & LINUX_MSG_DONTWAIT);

	if (socket->type == LINUX_SOCK_SEQPACKET && socket->state != SOCKET_CONNECTED)
		return -ENOTCONN;
	if (socket->error)
		return socket_take_error(socket);
	if (message)
		return ask_for_room(r, message) ? 0 : datagram_take(request, r, message);
	if (socket->closed & CLOSED_RECEIVE && (waits || socket->type == LINUX_SOCK_SEQPACKET))
		return 0;
	return WOULD_WAIT;
}

/* ---- both ---- */

static long receive_try(struct request *request, struct receive *r)
{
	return socket_is_stream(r->socket) ? stream_try(request, r) : datagram_try(request, r);
}

static void write_rights(struct request *request, struct receive *r)
{
	unsigned there, given;

	if (!r->rights)
		return;
	there = rights_count(r->rights);
	given = rights_give(request, &r->rights, r->room);
	request->answer[3] = given;
	if (given < there)
		r->flags_out |= LINUX_MSG_CTRUNC;
	if (r->rights)
		rights_drop(r->rights);
}

static void write_note(struct request *request, struct receive *r)
{
	size_t control = SOCKET_CONTROL_MAX;

	request->answer[2] = r->socket->transport->tell(r->socket, r->note, serve_message->data, r->wants_address, &control);
	if (control && !r->control) {
		r->flags_out |= LINUX_MSG_CTRUNC;
		control = 0;
	}
	request->answer[7] = control;
	request->answer_bytes = (unsigned)(request->answer[2] + control);
}

/* Writes what came beside the bytes into the answer. */
static long receive_done(struct request *request, struct receive *r, long result)
{
	if (!r->plain && result >= 0) {
		write_rights(request, r);
		request->answer[6] = r->socket->options.pass_credentials && !r->socket->inet && (r->any || r->rights_waiting) ? RECEIVED_CREDENTIALS : 0;
		if (r->rights_waiting) {
			request->answer[3] = r->rights_waiting;
			request->answer[6] |= RECEIVED_NOTHING;
		}
		request->answer[4] = r->who.pid;
		request->answer[5] = r->who.uid | (u64)r->who.gid << 32;
		if (r->address && r->wants_address) {
			request->answer[2] = address_show(r->address, serve_message->data);
			request->answer_bytes = (unsigned)request->answer[2];
		}
		if (r->note)
			write_note(request, r);
		request->answer[1] = r->flags_out;
	} else if (r->rights) {
		rights_drop(r->rights);
	}
	if (r->address)
		address_drop(r->address);
	note_free(r->note);
	return result;
}

static long receive_again(struct request *request, void *operation)
{
	struct receive *r = operation;
	long given_up = wait_given_up(request), result;

	result = given_up ? (request->moved ? (long)request->moved : given_up) : receive_try(request, r);
	return result == WOULD_WAIT ? WOULD_WAIT : receive_done(request, r, result);
}

long socket_receive(struct request *request, struct receive *r)
{
	long result = receive_try(request, r);

	if (result == WOULD_WAIT && (request_nonblocking(request) || r->flags & LINUX_MSG_DONTWAIT))
		result = request->moved ? (long)request->moved : -EAGAIN;
	if (result == WOULD_WAIT)
		result = wait_start(request, r->socket, WAIT_RECEIVE, r->socket->options.receive_timeout, receive_again, r, sizeof(*r));
	sockets_settle();
	return result == REQUEST_KEPT ? result : receive_done(request, r, result);
}

/* MSG_OOB: never waits. */
static long mark_receive(struct request *request, struct receive *r)
{
	struct socket *socket = r->socket;
	bool gives = r->length && !r->discard;
	long result = socket->transport->mark_check(socket), length = r->length || !socket->transport->mark_stays;

	if (result)
		return result;
	if (gives && !message_give(request, socket->mark, 0, 1))
		return 0;
	r->flags_out |= LINUX_MSG_OOB | (length ? 0 : LINUX_MSG_TRUNC);
	if (peeks(r))
		return length;
	socket->mark_taken = true;
	if (!socket->transport->mark_stays) {
		socket->mark->taken = 1;
		socket->mark = NULL;
	}
	return length;
}

long op_receive(struct request *request)
{
	struct receive r = {
		.socket = socket_of(request->file),
		.length = MIN(request->m[0], TRANSFER_MAX),
		.flags = (unsigned)request->m[1],
		.control = request->m[3] & RECEIVE_CONTROL,
		.wants_address = request->m[3] & RECEIVE_ADDRESS,
		.room = (unsigned)MIN(request->m[4], (unsigned long)SOCKET_RIGHTS_MAX),
	};

	r.discard = r.flags & LINUX_MSG_TRUNC && r.socket->transport->truncates && socket_is_stream(r.socket);
	if (r.flags & LINUX_MSG_OOB && r.socket->transport->mark_check)
		return receive_done(request, &r, mark_receive(request, &r));
	/* There is no queue of errors, so it is empty; Unix sockets do not know the flag. */
	return r.flags & LINUX_MSG_ERRQUEUE && r.socket->inet ? -EAGAIN : socket_receive(request, &r);
}

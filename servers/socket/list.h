/* What /proc/net tells: a text for each file, made when it is opened. */
#ifndef SOCKET_LIST_H
#define SOCKET_LIST_H

#include "servers/socket/socket.h"

struct list_text {
	char *bytes;
	size_t length, room;
};

/* What does not fit is cut: room is for LIST_HEAD_MAX bytes and LIST_LINE_MAX for each socket. */
#define LIST_HEAD_MAX 1024u
#define LIST_LINE_MAX 256u

void list_add(struct list_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line is as long as Linux makes all of that file, with the newline. `start`: where it begins. */
void list_end_line(struct list_text *text, size_t start, size_t width);

/* inet_list.c */
void list_tcp(struct list_text *text);
void list_tcp6(struct list_text *text);
void list_udp(struct list_text *text);
void list_udp6(struct list_text *text);
void list_udplite(struct list_text *text);
void list_udplite6(struct list_text *text);
/* netlink/list.c */
void list_netlink(struct list_text *text);
/* statistics.c */
void list_sockstat(struct list_text *text);
void list_sockstat_six(struct list_text *text);
void list_snmp(struct list_text *text);
/* interface.c */
void list_interfaces(struct list_text *text);
void list_interfaces_six(struct list_text *text);
void list_routes(struct list_text *text);

/* The directory and its files, as nodes: number 0 is the directory. */
unsigned list_find(const char *name, size_t length); /* 0: there is none */
const char *list_name(unsigned number);              /* NULL: there is none */

#endif

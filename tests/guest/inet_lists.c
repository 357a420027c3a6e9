/*
 * What the system tells of its interfaces and of sockets: ioctl and /proc/net.
 *
 * calls: getdents64 ioctl read
 */
#include "inet.h"

#include <dirent.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/stat.h>

static struct ifreq request;

static long ask(int fd, unsigned long command, const char *name)
{
	memset(&request, 0x55, sizeof request);
	strcpy(request.ifr_name, name);
	return ioctl(fd, command, &request);
}

static void show_address(const char *what, long result)
{
	if (show(what, result) != 0)
		return;
	struct sockaddr_in *a = (struct sockaddr_in *)&request.ifr_addr;
	printf("family %d %s\n", a->sin_family, inet_ntoa(a->sin_addr));
}

static void show_number(const char *what, long result)
{
	if (show(what, result) == 0)
		printf("%d\n", request.ifr_ifindex);
}

static void ask_all(int fd)
{
	if (show("flags", ask(fd, SIOCGIFFLAGS, "lo")) == 0)
		printf("%x\n", (unsigned)request.ifr_flags & 0xffff);
	show_address("address", ask(fd, SIOCGIFADDR, "lo"));
	show_address("mask", ask(fd, SIOCGIFNETMASK, "lo"));
	show_address("broadcast", ask(fd, SIOCGIFBRDADDR, "lo"));
	show_address("other end", ask(fd, SIOCGIFDSTADDR, "lo"));
	if (show("hardware", ask(fd, SIOCGIFHWADDR, "lo")) == 0)
		printf("family %d %02x\n", request.ifr_hwaddr.sa_family, request.ifr_hwaddr.sa_data[0]);
	show_number("MTU", ask(fd, SIOCGIFMTU, "lo"));
	show_number("metric", ask(fd, SIOCGIFMETRIC, "lo"));
	show_number("index", ask(fd, SIOCGIFINDEX, "lo"));
	show_number("queue", ask(fd, SIOCGIFTXQLEN, "lo"));
	show("unknown", ask(fd, SIOCGIFINDEX, "eth9"));
	show("unknown", ask(fd, SIOCGIFADDR, "eth9"));
	show("empty", ask(fd, SIOCGIFFLAGS, ""));
	request.ifr_ifindex = 1;
	show("name", ioctl(fd, SIOCGIFNAME, &request));
	printf("%s\n", request.ifr_name);
	request.ifr_ifindex = 99;
	show("name", ioctl(fd, SIOCGIFNAME, &request));
	show("bad memory", ioctl(fd, SIOCGIFFLAGS, (void *)8));
	show("no interface command", ioctl(fd, 0x5599, &request));
}

static void interfaces(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
	struct ifreq list[4];
	struct ifconf conf = { .ifc_len = sizeof list, .ifc_req = list };

	ask_all(fd);
	show_address("by TCP", ask(tcp, SIOCGIFADDR, "lo"));
	printf("by a Unix socket\n");
	show_number("index", ask(local, SIOCGIFINDEX, "lo"));
	show("address", ask(local, SIOCGIFADDR, "lo"));
	show("list", ioctl(fd, SIOCGIFCONF, &conf));
	printf("%d bytes: %s %s\n", conf.ifc_len, list[0].ifr_name, inet_ntoa(((struct sockaddr_in *)&list[0].ifr_addr)->sin_addr));
	conf.ifc_len = 10;
	show("no room", ioctl(fd, SIOCGIFCONF, &conf));
	printf("%d bytes\n", conf.ifc_len);
	conf = (struct ifconf){ .ifc_len = 0 };
	show("how much", ioctl(fd, SIOCGIFCONF, &conf));
	printf("%d bytes\n", conf.ifc_len);
	show("bad memory", ioctl(fd, SIOCGIFCONF, (void *)8));
	printf("index %u\n", if_nametoindex("lo"));
	char name[IF_NAMESIZE] = "";
	printf("name %s\n", if_indextoname(1, name));
	show("file", ioctl(open("/dev/null", O_RDONLY), SIOCGIFFLAGS, &request));
}

static char kept[8][600];
static int kept_count;

/* Words that differ between systems become their kind. The order of lines does too: they are kept, to be sorted. */
static void show_line(char *line, unsigned port, ino_t inode)
{
	char own[8], ino[24];
	char *save = NULL;

	snprintf(own, sizeof own, ":%04X", port);
	snprintf(ino, sizeof ino, "%lu", (unsigned long)inode);
	if (!strstr(line, own))
		return;
	char *out = kept[kept_count++ % 8];
	int at = 0, n = sprintf(out, "length %d:", (int)(strlen(line) - (strlen(line) > 160 ? strlen(ino) : 0)));
	for (char *word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save), at++) {
		char *colon = strstr(word, own);
		if (colon && strlen(word) > 5)
			memcpy(colon, ":PORT", 5);
		else if ((at == 1 || at == 2) && strlen(word) > 8 && strcmp(word + strlen(word) - 5, ":0000"))
			memcpy(word + strlen(word) - 5, ":EPHE", 5);
		if (at == 0)
			n += sprintf(out + n, " N");
		else if (at == 9)
			n += sprintf(out + n, " %s", strcmp(word, ino) == 0 ? "INODE" : strcmp(word, "0") == 0 ? "0" : "OTHER");
		else if (at < 5 || at == 7)
			n += sprintf(out + n, " %s", word);
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void show_list(const char *path, int fd, unsigned port)
{
	struct stat st = { 0 };
	char line[600];
	FILE *f = fopen(path, "r");

	if (fd >= 0)
		fstat(fd, &st);
	printf("%s\n", path);
	if (!f || !fgets(line, sizeof line, f))
		return;
	printf("%s", line);
	while (fgets(line, sizeof line, f))
		show_line(line, port, st.st_ino);
	fclose(f);
	qsort(kept, (size_t)kept_count, sizeof kept[0], compare);
	for (int i = 0; i < kept_count; i++)
		printf("%s\n", kept[i]);
	kept_count = 0;
}

static void sockets(void)
{
	int l = inet_listening("127.0.0.1", 5), a = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
	int six = inet_listening("::", 5), u6 = socket(AF_INET6, SOCK_DGRAM, 0);

	show("connect", inet_connect(a, "127.0.0.1", inet_port(l)));
	write(a, "abc", 3);
	show_list("/proc/net/tcp", l, inet_port(l));
	int b = accept(l, NULL, NULL);
	show_list("/proc/net/tcp", b, inet_port(l));
	close(l);
	show_list("/proc/net/tcp", a, inet_port(a));
	shutdown(a, SHUT_WR);
	nap_ms(100);
	show_list("/proc/net/tcp", b, inet_port(b));
	show("bind", inet_bind(u, "127.0.0.5", 0));
	sendto(u, "x", 1, 0, (struct sockaddr *)&(struct sockaddr_in){ AF_INET, htons(inet_port(u)), { htonl(0x7f000005) }, { 0 } }, sizeof(struct sockaddr_in));
	show_list("/proc/net/udp", u, inet_port(u));
	show_list("/proc/net/tcp6", six, inet_port(six));
	show("connect", inet_connect(u6, "::1", 9));
	show_list("/proc/net/udp6", u6, inet_port(u6));
	int fresh = socket(AF_INET, SOCK_STREAM, 0);
	inet_bind(fresh, "127.0.0.1", 0);
	show_list("/proc/net/tcp", fresh, inet_port(fresh));
}

static void show_file(const char *path)
{
	char line[300];
	FILE *f = fopen(path, "r");

	printf("%s\n", path);
	while (f && fgets(line, sizeof line, f)) {
		/* The counters of lo differ: nothing passes it on UX/RT. */
		char *colon = strchr(line, ':');
		if (strstr(path, "dev") && colon)
			strcpy(colon + 1, "...\n");
		if (strstr(path, "if_inet6") && !strstr(line, " lo"))
			continue;
		fputs(line, stdout);
	}
	if (f)
		fclose(f);
}

static void files(void)
{
	static const char *const names[] = { "unix", "tcp", "tcp6", "udp", "udp6", "dev", "if_inet6", "route", "none" };

	show_file("/proc/net/dev");
	show_file("/proc/net/if_inet6");
	show_file("/proc/net/route");
	for (int i = 0; i < 9; i++) {
		char path[32];
		struct stat st = { 0 };
		snprintf(path, sizeof path, "/proc/net/%s", names[i]);
		if (show(path, stat(path, &st)) == 0)
			printf("mode %o size %d\n", (unsigned)st.st_mode, (int)st.st_size);
	}
	show("write", open("/proc/net/tcp", O_WRONLY | O_CREAT, 0644) < 0 ? -1 : 0);
	DIR *d = opendir("/proc/net");
	int seen = 0;
	for (struct dirent *e; d && (e = readdir(d));)
		for (int i = 0; i < 8; i++)
			seen += strcmp(e->d_name, names[i]) == 0;
	printf("listed %d\n", seen);
	char text[100] = "";
	int fd = open("/proc/net/dev", O_RDONLY);
	show("seek", lseek(fd, 6, SEEK_SET));
	show("read", read(fd, text, 10));
	printf("%s\n", text);
}

static const struct part parts[] = { PART(interfaces), PART(sockets), PART(files) };

int main(int argc, char **argv)
{
	return RUN_PARTS(parts, argc, argv);
}

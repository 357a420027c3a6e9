/*
 * Every way that a client can move bytes against every way that a server can, with include/uxrt/ alone: prints a line a pair and fails loudly. The file
 * has always the same content; a write of anything else is refused by the server.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <elf.h>

#include "include/uxrt/server.h"
#include "include/uxrt/transfer.h"

#define ROOT "/modes"
#define MOST (64ul << 20)
#define PAGE 4096ul

static const char *const modes[] = { "register", "copy", "buffer" };
#define BUFFER 2
#define MODES (sizeof modes / sizeof *modes)
static const size_t sizes[] = { 0, 1, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 1 << 20, MOST };

static unsigned char *content, *staging;

static void make_content(void)
{
	uint64_t *words = (uint64_t *)content;

	for (size_t i = 0; i < MOST / 8; i++)
		words[i] = i * 0x9e3779b97f4a7c15;
}

/* memcmp by words, where there are. */
static int right_at(const unsigned char *memory, size_t at, size_t size)
{
	size_t i = 0;

	for (; i + 8 <= size; i += 8)
		if (*(const uint64_t *)(memory + i) != *(const uint64_t *)(content + at + i))
			return 0;
	return !memcmp(memory + i, content + at + i, size - i);
}

static int right(const unsigned char *memory, size_t size)
{
	return right_at(memory, 0, size);
}

/* ---- the server ---- */

static struct {
	unsigned mode;
	size_t position;
} opened[256];

static long read_some(struct uxrt_request *request, unsigned mode, size_t at)
{
	size_t wanted = request->m[0] < MOST - at ? request->m[0] : MOST - at;
	unsigned char few[REGISTER_BYTES];

	if (mode == BUFFER && uxrt_place(request, &wanted)) {
		memcpy(uxrt_place(request, &wanted), content + at, wanted);
		uxrt_skip(request, wanted);
		return (long)wanted;
	}
	if (mode)
		return (long)uxrt_give(request, content + at, wanted);
	wanted = wanted < sizeof few ? wanted : sizeof few;
	memcpy(few, content + at, wanted);
	return (long)uxrt_give(request, few, wanted);
}

static long write_some(struct uxrt_request *request, unsigned mode, size_t at)
{
	size_t most = mode ? MOST : REGISTER_BYTES;
	size_t wanted = request->m[0] < most ? request->m[0] : most, taken;

	wanted = wanted < MOST - at ? wanted : MOST - at;
	if (mode == BUFFER && uxrt_place(request, &wanted))
		return right_at(uxrt_place(request, &wanted), at, wanted) ? (long)wanted : -EILSEQ;
	taken = uxrt_take(request, staging, wanted);
	return right_at(staging, at, taken) ? (long)taken : -EILSEQ;
}

static long transfer(struct uxrt_request *request)
{
	unsigned mode = opened[request->badge].mode;
	size_t *position = &opened[request->badge].position, at = request->m[1] == OFFSET_CURRENT ? *position : request->m[1];
	long done;

	if (at > MOST)
		return -EINVAL;
	done = request->label == FILE_READ ? read_some(request, mode, at) : write_some(request, mode, at);
	if (done > 0 && request->m[1] == OFFSET_CURRENT)
		*position += (size_t)done;
	return done;
}

static long open_mode(struct uxrt_request *request)
{
	static unsigned last;

	for (unsigned i = 0; i < MODES; i++)
		if (request->m[4] == strlen(modes[i]) && !memcmp(request->data, modes[i], request->m[4])) {
			last = last % 255 + 1;
			opened[last].mode = i;
			opened[last].position = 0;
			request->answer[2] = OPENED_SEEKABLE;
			return uxrt_opened(request, last, 0100644);
		}
	return -ENOENT;
}

static long handle(struct uxrt_request *request)
{
	switch (request->label) {
	case FILE_OPEN:
		return open_mode(request);
	case FILE_READ:
	case FILE_WRITE:
		return transfer(request);
	case FILE_SEEK:
		opened[request->badge].position = request->m[0];
		return (long)request->m[0];
	}
	return uxrt_unknown(request);
}

static pid_t start_server(void)
{
	int ready[2];
	char byte;
	pid_t server;

	if (pipe(ready))
		exit(90);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (uxrt_serve(ROOT) || write(ready[1], "", 1) != 1)
			_exit(91);
		uxrt_serve_requests(handle);
		_exit(92);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		exit(93);
	close(ready[0]);
	return server;
}

static int open_file(const char *mode)
{
	char path[64];

	snprintf(path, sizeof path, ROOT "/%s", mode);
	return open(path, O_RDWR);
}

/* ---- the client: moves what it can of `size` bytes, from the file's position on ---- */

typedef long mover(int file, unsigned char *memory, size_t size);

static long read_registers(int file, unsigned char *to, size_t size)
{
	struct uxrt_registers words;
	long done = uxrt_read_reg(file, &words, size < sizeof words ? size : sizeof words);

	if (done > 0)
		memcpy(to, &words, (size_t)done);
	return done;
}

static long write_registers(int file, unsigned char *from, size_t size)
{
	struct uxrt_registers words = { { 0 } };

	size = size < sizeof words ? size : sizeof words;
	memcpy(&words, from, size);
	return uxrt_write_reg(file, &words, size);
}

static long read_copy(int file, unsigned char *to, size_t size)
{
	long done = read(file, to, size);

	return done < 0 ? -errno : done;
}

static long write_copy(int file, unsigned char *from, size_t size)
{
	long done = write(file, from, size);

	return done < 0 ? -errno : done;
}

/* The client's buffer, if it has shared one: the memory is in it. */
static unsigned char *shared;

static long read_buffer(int file, unsigned char *to, size_t size)
{
	return uxrt_read_buf(file, (size_t)(to - shared), size, OFFSET_CURRENT);
}

static long write_buffer(int file, unsigned char *from, size_t size)
{
	return uxrt_write_buf(file, (size_t)(from - shared), size, OFFSET_CURRENT);
}

static mover *const readers[] = { read_registers, read_copy, read_buffer }, *const writers[] = { write_registers, write_copy, write_buffer };

/* All of it; -errno, or how much there was before the end. */
static long move_all(mover *move, int file, unsigned char *memory, size_t size)
{
	size_t done = 0;

	while (done < size) {
		long n = move(file, memory + done, size - done);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (long)done;
}

/* New memory: no page of it is there yet. */
static unsigned char *fresh_as(size_t size, int flags)
{
	unsigned char *memory = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		exit(94);
	return memory;
}

static unsigned char *fresh(size_t size)
{
	return fresh_as(size, MAP_PRIVATE);
}

#define PAGES(size) (((size) + PAGE - 1) / PAGE * PAGE)

/* Memory for a client of that kind. */
static unsigned char *memory_for(unsigned client, int file, size_t size)
{
	long error;

	if (client != BUFFER)
		return fresh(size);
	shared = fresh_as(size, MAP_SHARED);
	error = uxrt_share(file, shared, PAGES(size + 1));
	if (error) {
		printf("share: %ld\n", error);
		exit(1);
	}
	return shared;
}

static void check(const char *what, const char *client, const char *server, size_t size, long got, int good)
{
	if (got == (long)size && good)
		return;
	printf("%s: client %s, server %s, %zu bytes: %ld%s\n", what, client, server, size, got, good ? "" : ", wrong bytes");
	exit(1);
}

static void one_size(unsigned client, unsigned server, size_t size)
{
	int file = open_file(modes[server]);
	unsigned char *memory = memory_for(client, file, size);
	long got = move_all(readers[client], file, memory, size);

	check("read", modes[client], modes[server], size, got, right(memory, size));
	munmap(memory, size + PAGE);
	memory = memory_for(client, file, size);
	memcpy(memory, content, size);
	lseek(file, 0, SEEK_SET);
	check("write", modes[client], modes[server], size, move_all(writers[client], file, memory, size), 1);
	munmap(memory, size + PAGE);
	close(file);
}

/* most_by_registers: of pairs with an end that takes 64 bytes at a time, which takes its time. */
static void pairs(size_t most_by_registers)
{
	for (unsigned client = 0; client < MODES; client++)
		for (unsigned server = 0; server < MODES; server++) {
			size_t most = client && server ? MOST : most_by_registers;

			for (size_t i = 0; i < sizeof sizes / sizeof *sizes && sizes[i] <= most; i++)
				one_size(client, server, sizes[i]);
			printf("client %s, server %s: up to %zu bytes\n", modes[client], modes[server], most);
		}
}

/* Pages of the client's that nobody may touch, in the middle. What was done before them counts, and the file goes on behind it. */
static void holes(void)
{
	for (unsigned server = 0; server < MODES; server++) {
		unsigned char *memory = fresh(4 * PAGE);
		int file = open_file(modes[server]);
		long before, after;

		mprotect(memory + 2 * PAGE, PAGE, PROT_NONE);
		before = read_copy(file, memory + PAGE - 10, 2 * PAGE);
		after = read_copy(file, memory, 10);
		printf("server %s: a forbidden page: bytes before it %d, goes on %d\n", modes[server], before > 0 && before <= (long)PAGE + 10,
		       after == 10 && right_at(memory, (size_t)before, 10));
		lseek(file, 0, SEEK_SET);
		printf("nothing there %d\n", read_copy(file, memory + 2 * PAGE, 100) == -EFAULT);
		printf("nothing lost %d\n", read_copy(file, memory, 10) == 10 && right(memory, 10));
		close(file);
		munmap(memory, 5 * PAGE);
	}
}

static void bounds(void)
{
	struct uxrt_registers words = { { 0 } };
	int file = open_file("copy"), null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY), ends[2];

	printf("0 and 65 bytes: %ld %ld %ld %ld\n", uxrt_read_reg(file, &words, 0), uxrt_read_reg(file, &words, 65), uxrt_write_reg(file, &words, 0),
	       uxrt_write_reg(file, &words, 65));
	printf("no descriptor: %ld %ld\n", uxrt_read_reg(-1, &words, 1), uxrt_write_reg(1000, &words, 1));
	words.word[7] = 1;
	printf("other servers: %ld %ld %ld %ld\n", uxrt_write_reg(null, &words, 64), uxrt_read_reg(null, &words, 64), uxrt_write_reg(zero, &words, 1),
	       uxrt_read_reg(zero, &words, 64));
	printf("zeros %d\n", (words.word[0] | words.word[7]) == 0);
	if (pipe(ends))
		exit(95);
	strcpy((char *)&words, "through a pipe");
	printf("pipe %ld", uxrt_write_reg(ends[1], &words, 14));
	memset(&words, 0, sizeof words);
	printf(" %ld", uxrt_read_reg(ends[0], &words, 64));
	printf(" %s\n", (char *)&words);
	close(ends[0]);
	signal(SIGPIPE, SIG_DFL);
	printf("no reader %ld\n", uxrt_write_reg(ends[1], &words, 1));
}

/* What a buffer can be, and what a client may ask for in it. */
static void buffers(void)
{
	unsigned char *memory = fresh_as(4 * PAGE, MAP_SHARED), *private = fresh(PAGE), *grown;
	int file = open_file("buffer"), zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_RDWR);

	printf("none yet: %ld\n", uxrt_read_buf(file, 0, 10, 0));
	printf("no buffers: %ld %ld %ld %ld %ld\n", uxrt_share(file, private, PAGE), uxrt_share(file, memory + 1, PAGE), uxrt_share(file, memory, 100 * PAGE),
	       uxrt_share(file, memory, 0), uxrt_share(-1, memory, PAGE));
	/* mremap makes the mapping longer than the memory behind it: nobody can touch the rest */
	grown = mremap(fresh_as(PAGE, MAP_SHARED), 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	printf("more than there is: %ld %ld\n", uxrt_share(file, grown, 3 * PAGE), uxrt_share(file, grown, 2 * PAGE));
	printf("a part of it %ld", uxrt_share(file, memory + PAGE, 2 * PAGE));
	printf(": read %ld", uxrt_read_buf(file, 100, 200, 5));
	printf(" %d, nothing around it %d\n", right_at(memory + PAGE + 100, 5, 200), !memory[PAGE + 99] && !memory[PAGE + 300]);
	printf("over its end %ld %ld %ld\n", uxrt_read_buf(file, 2 * PAGE - 10, 100, 0), uxrt_read_buf(file, 2 * PAGE, 100, 0), uxrt_read_buf(file, -5ul, 100, 0));
	printf("another %ld", uxrt_share(file, memory, PAGE));
	printf(" %ld\n", uxrt_read_buf(file, PAGE - 10, 100, 0));
	memset(memory, 1, PAGE);
	printf("other servers: %ld %ld", uxrt_share(zero, memory, 4 * PAGE), uxrt_share(null, memory, 4 * PAGE));
	printf(" %ld %ld", uxrt_read_buf(zero, 10, 3 * PAGE, OFFSET_CURRENT), uxrt_write_buf(null, 0, 100, OFFSET_CURRENT));
	printf(" %d\n", memory[9] == 1 && !memory[10] && !memory[PAGE]);
}

/* The text is made on a way through root and back: it lies where the reader wants it, and is what others read. */
static void buffer_of_fdinfo(void)
{
	unsigned char *memory = fresh_as(PAGE, MAP_SHARED);
	char text[512] = "";
	int file = open("/proc/self/fdinfo/0", O_RDONLY | O_CLOEXEC);
	ssize_t length = pread(file, text, sizeof text, 0);
	long got = uxrt_share(file, memory, PAGE);

	printf("fdinfo: %ld", got);
	got = uxrt_read_buf(file, 1000, sizeof text, 0);
	printf(" %d %d, nothing around it %d\n", got == length, !memcmp(memory + 1000, text, (size_t)length), !memory[0] && !memory[999] && !memory[1000 + length]);
}

static volatile int rang;

static void ring(int signal)
{
	(void)signal;
	rang = 1;
}

/* A call that waits ends when a signal comes, and its handler has run. */
static void signals(void)
{
	struct uxrt_registers words;
	int ends[2];
	long result;

	if (pipe(ends))
		exit(95);
	signal(SIGALRM, ring);
	alarm(1);
	result = uxrt_read_reg(ends[0], &words, 1);
	printf("interrupted %ld, handler %d\n", result, rang);
}

/* The functions as other languages find them. */
static void *vdso_function(const char *name)
{
	char *base = (char *)getauxval(AT_SYSINFO_EHDR);
	Elf64_Ehdr *h = (Elf64_Ehdr *)base;
	Elf64_Phdr *p = (Elf64_Phdr *)(base + h->e_phoff);
	Elf64_Dyn *dynamic = NULL;
	const Elf64_Sym *symbols = NULL;
	const char *strings = NULL;
	const Elf32_Word *hashes = NULL;

	for (int i = 0; i < h->e_phnum; i++)
		if (p[i].p_type == PT_DYNAMIC)
			dynamic = (Elf64_Dyn *)(base + p[i].p_offset);
	for (; dynamic->d_tag; dynamic++) {
		symbols = dynamic->d_tag == DT_SYMTAB ? (void *)(base + dynamic->d_un.d_ptr) : symbols;
		strings = dynamic->d_tag == DT_STRTAB ? base + dynamic->d_un.d_ptr : strings;
		hashes = dynamic->d_tag == DT_HASH ? (void *)(base + dynamic->d_un.d_ptr) : hashes;
	}
	for (unsigned i = 0; i < hashes[1]; i++)
		if (!strcmp(strings + symbols[i].st_name, name))
			return base + symbols[i].st_value;
	return NULL;
}

static void vdso(void)
{
	long (*read_reg)(int, struct uxrt_registers *, size_t) = vdso_function("uxrt_read_reg");
	long (*write_reg)(int, const struct uxrt_registers *, size_t) = vdso_function("uxrt_write_reg");
	struct uxrt_registers words;
	int file = open_file("copy");
	long got = read_reg(file, &words, 64);

	printf("vDSO: read %ld %d", got, right((unsigned char *)&words, 64));
	lseek(file, 0, SEEK_SET);
	got = write_reg(file, &words, 33);
	printf(", write %ld, none %ld\n", got, read_reg(-1, &words, 1));
}

/* ---- ends ---- */

static void busy_client(void)
{
	unsigned mode = (unsigned)rand() % MODES;
	int file = open_file(modes[rand() % MODES]);
	unsigned char *memory = memory_for(mode, file, 1 << 20);

	for (;;) {
		lseek(file, 0, SEEK_SET);
		move_all(readers[mode], file, memory, 1 << 20);
	}
}

static void killed_clients(void)
{
	unsigned char *memory = fresh(PAGE);

	for (unsigned i = 0; i < 20; i++) {
		pid_t child = fork();

		if (child == 0) {
			srand(i);
			busy_client();
		}
		usleep(1000 + i * 500);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	printf("after clients were killed %d\n", read_copy(open_file("copy"), memory, PAGE) == (long)PAGE && right(memory, PAGE));
}

static int lost(long result)
{
	return result == -EIO || result == -EBADF;
}

static void killed_server(pid_t server)
{
	struct uxrt_registers words = { { 0 } };
	int file = open_file("copy");
	pid_t child = fork();
	long result = 0;

	if (child == 0) {
		usleep(20000);
		kill(server, SIGKILL);
		_exit(0);
	}
	while (result >= 0) {
		lseek(file, 0, SEEK_SET);
		result = uxrt_read_reg(file, &words, 64);
	}
	waitpid(child, NULL, 0);
	printf("the server was killed: %d, and again %d\n", lost(result), lost(uxrt_write_reg(file, &words, 1)));
}

int main(int argc, char **argv)
{
	pid_t server;

	setvbuf(stdout, NULL, _IOLBF, 0);
	content = fresh(MOST);
	staging = fresh(MOST);
	make_content();
	server = start_server();
	pairs(argc > 1 && !strcmp(argv[1], "long") ? MOST : 1 << 20);
	holes();
	bounds();
	buffers();
	buffer_of_fdinfo();
	signals();
	vdso();
	killed_clients();
	killed_server(server);
	return 0;
}

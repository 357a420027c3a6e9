/*
 * Executable files that are not as they should be: fuzz_programs FIRST-SEED SEEDS [CHUNK]. Small ELF files made here, with an interpreter or without, and
 * real programs, with fields and bytes changed or their end cut off; and scripts. Whatever such a file says, only who runs it may be harmed. The same
 * program runs on Linux.
 */
#include <elf.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "tests/guest/fuzz.h"

#define FILES_A_CELL 12
#define PATIENCE_MS  20
#define FILE_MAX     (1 << 20)
#define SEGMENTS_MAX 8
#define PAGE         4096ul

static unsigned char file[FILE_MAX];
static size_t file_size;

/* ---- a small program, as ld would make it ---- */

/* Also an interpreter: what it is for it does not ask. mov $60, %eax; xor %edi, %edi; syscall */
static const unsigned char code[] = { 0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05 };

static const unsigned segment_types[] = { PT_LOAD, PT_LOAD, PT_LOAD, PT_NULL, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS, PT_GNU_STACK, PT_GNU_RELRO, PT_GNU_PROPERTY };

static Elf64_Phdr *segments(void)
{
	return (Elf64_Phdr *)(file + sizeof(Elf64_Ehdr));
}

static Elf64_Ehdr *header(void)
{
	return (Elf64_Ehdr *)file;
}

static void add_segment(unsigned type, unsigned flags, unsigned long offset, unsigned long address, unsigned long size, unsigned long memory)
{
	segments()[header()->e_phnum++] = (Elf64_Phdr){ .p_type = type, .p_flags = flags, .p_offset = offset, .p_vaddr = address, .p_paddr = address,
							  .p_filesz = size, .p_memsz = memory, .p_align = type == PT_LOAD ? PAGE : 8 };
}

static void make_small(void)
{
	static const char interpreter[] = "/tmp/fuzz/interpreter";
	unsigned long base = any(2) ? 0x400000 : any(2) ? 0 : any(1ul << 35) * PAGE;

	memset(file, 0, 3 * PAGE);
	file_size = 2 * PAGE + any(PAGE);
	*header() = (Elf64_Ehdr){ .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = base ? ET_EXEC : ET_DYN,
				    .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_entry = base + 0x800, .e_phoff = sizeof(Elf64_Ehdr),
				    .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr) };
	memcpy(file + 0x800, code, sizeof code);
	memcpy(file + 0x700, interpreter, sizeof interpreter);
	if (any(3) == 0)
		add_segment(PT_INTERP, PF_R, 0x700, base + 0x700, sizeof interpreter, sizeof interpreter);
	add_segment(PT_LOAD, PF_R | PF_X, 0, base, PAGE, PAGE);
	add_segment(PT_LOAD, PF_R | PF_W, PAGE, base + 0x10000, PAGE, PAGE + any(8 * PAGE));
	if (any(2))
		add_segment(PT_GNU_STACK, PF_R | PF_W | any(2), 0, 0, 0, any(3) ? 0 : any(1 << 24));
	if (any(3) == 0)
		add_segment(ONE_OF(segment_types), any(8), any(file_size), base + any(4 * PAGE), any(PAGE), any(2 * PAGE));
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	for (file_size = 0; file_size < FILE_MAX && (n = read(fd, file + file_size, FILE_MAX - file_size)) > 0; file_size += n)
		;
	close(fd);
}

/* ---- changes ---- */

static unsigned long any_value(unsigned long was)
{
	switch (any(9)) {
	case 0: return 0;
	case 1: return -1 - any(2 * PAGE);
	case 2: return 1ul << any(64);
	case 3: return was + any(9) - 4;
	case 4: return was + (any(3) ? PAGE : -PAGE);
	case 5: return 0x7ffffffff000ul - any(4) * PAGE;
	case 6: return 0x800000000000ul - any(3);
	case 7: return any(1ul << 32);
	default: return any(1ul << any(64));
	}
}

/* A field of 2, 4 or 8 bytes. */
static void change_field(size_t at, unsigned bytes)
{
	unsigned long value = 0;

	memcpy(&value, file + at, bytes);
	value = any_value(value);
	memcpy(file + at, &value, bytes);
}

static void change_header(void)
{
#define FIELD(name) { offsetof(Elf64_Ehdr, name), sizeof ((Elf64_Ehdr *)0)->name }
	static const unsigned char fields[][2] = { FIELD(e_type), FIELD(e_machine), FIELD(e_version), FIELD(e_entry), FIELD(e_phoff), FIELD(e_shoff), FIELD(e_flags),
						   FIELD(e_ehsize), FIELD(e_phentsize), FIELD(e_phnum) };
#undef FIELD
	unsigned i = any(sizeof fields / sizeof *fields);

	change_field(fields[i][0], fields[i][1]);
}

static void change_segment(void)
{
#define FIELD(name) { offsetof(Elf64_Phdr, name), sizeof ((Elf64_Phdr *)0)->name }
	static const unsigned char fields[][2] = { FIELD(p_type), FIELD(p_flags), FIELD(p_offset), FIELD(p_vaddr), FIELD(p_filesz), FIELD(p_memsz), FIELD(p_align) };
#undef FIELD
	unsigned i = any(sizeof fields / sizeof *fields);
	unsigned long at = sizeof(Elf64_Ehdr) + any(SEGMENTS_MAX) * sizeof(Elf64_Phdr);

	if (i == 0 && any(2))
		memcpy(file + at, &ONE_OF(segment_types), sizeof(unsigned));
	else
		change_field(at + fields[i][0], fields[i][1]);
}

static void change(void)
{
	switch (any(8)) {
	case 0: change_header(); break;
	case 1: case 2: case 3: change_segment(); break;
	case 4: file[any(512)] ^= 1 << any(8); break;
	case 5: file[any(file_size)] = any(256); break;
	case 6: file_size = any(3) ? any(file_size + 1) : any(200); break;
	default: header()->e_phnum = any(4) ? any(70) : any(65536); break;
	}
	file_size = file_size ? file_size : 1;
}

/* ---- scripts ---- */

static void make_script(void)
{
	static const char *const lines[] = { "#!/bin/sh\n", "#!/bin/true", "#! \t/bin/true a b\n", "#!program\n", "#!/tmp/fuzz/program\n", "#!/tmp/fuzz/interpreter x\n", "#!\n", "#!",
					     "#!/\n", "#!/dev/null\n", "#!/proc/self/exe\n", "#!/tmp/fuzz/link\n", "\n", "#!/tmp/fuzz/../fuzz/program \n" };
	const char *line = ONE_OF(lines);

	file_size = strlen(line);
	memcpy(file, line, file_size);
	if (any(3) == 0) {
		unsigned more = any(2) ? any(300) : any(5000);

		for (unsigned i = 0; i < more; i++)
			file[file_size++] = any(20) ? 'a' + any(26) : any(256);
	}
	if (any(3) == 0)
		file[any(file_size)] = any(256);
}

/* ---- running ---- */

static void make_file(void)
{
	switch (any(8)) {
	case 0: case 1: make_script(); return;
	case 2: load("/bin/busybox"); break;
	case 3: load("/proc/self/exe"); break;
	default: make_small(); break;
	}
	for (unsigned changes = any(8) ? 1 + any(4) : 0; changes; changes--)
		change();
}

static void write_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0777);

	for (size_t done = 0; fd >= 0 && done < file_size;) {
		ssize_t n = write(fd, file + done, file_size - done);

		if (n <= 0)
			break;
		done += n;
	}
	close(fd);
}

static void run_file(void)
{
	static char *const argv[] = { "program", "argument", NULL }, *const none[] = { NULL };
	static char *many[3000];
	int how = any(6);

	if (how == 0) {
		syscall(SYS_execveat, open("program", O_RDONLY | (any(2) ? O_CLOEXEC : 0)), "", argv, none, AT_EMPTY_PATH);
	} else if (how == 1) {
		execve("program", none, none);
	} else if (how == 2) {
		for (unsigned i = 0; i < sizeof many / sizeof *many - 1; i++)
			many[i] = "many arguments";
		execve("program", many, many);
	} else {
		execve("program", argv, none);
	}
	_exit(126);
}

/* It may do anything by now. */
static void try_file(void)
{
	pid_t pid = fork();

	if (pid == 0)
		run_file();
	__atomic_add_fetch(&fuzz_progress->calls, 1, __ATOMIC_RELAXED);
	for (int ms = 0; pid > 0 && !waitpid(pid, NULL, WNOHANG); ms++) {
		if (ms == PATIENCE_MS)
			kill(pid, SIGKILL);
		pause_ms(1);
		fuzz_progress->beats += ms < PATIENCE_MS;
	}
}

static void work(uint64_t seed)
{
	int null = open("/dev/null", O_RDWR);

	(void)seed;
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close(null);
	(void)!symlink("link", "link");
	for (unsigned i = 0; i < FILES_A_CELL; i++) {
		if (any(3) == 0) {
			make_file();
			write_file("interpreter");
		}
		make_file();
		write_file("program");
		try_file();
	}
}

int main(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] < '0' || argv[1][0] > '9') /* one of those files, unchanged where it matters */
		return 0;
	return fuzz_main(argc, argv, work);
}

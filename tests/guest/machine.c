/*
 * The machine as programs see it: registers over system calls, FS and GS, vectors, unknown and hostile calls, other gates, auxv, vDSO.
 *
 * calls: arch_prctl getrlimit gettimeofday prlimit64 sched_yield statx
 */
#include "report.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <elf.h>
#include <immintrin.h>
#include <limits.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

static long raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

static void show_raw(const char *what, long result)
{
	errno = -result;
	show(what, result < 0 ? -1 : result);
}

/* Everything but RAX, RCX and R11 is as it was; RCX is the return address, R11 the flags. */
static void registers(void)
{
	uint64_t before[12], after[12], rcx, r11, here, flags;
	for (int i = 0; i < 12; i++)
		before[i] = 0x1111111111111111ull * (i + 1);
	register uint64_t *b __asm__("rbx") = before;
	register uint64_t *a __asm__("r15") = after;
	__asm__ volatile(
		"push %%rbp\n"
		"mov 0(%%rbx), %%rdi\n mov 8(%%rbx), %%rsi\n mov 16(%%rbx), %%rdx\n mov 24(%%rbx), %%r8\n mov 32(%%rbx), %%r9\n"
		"mov 40(%%rbx), %%r10\n mov 48(%%rbx), %%r12\n mov 56(%%rbx), %%r13\n mov 64(%%rbx), %%r14\n mov 72(%%rbx), %%rbp\n"
		"mov $39, %%eax\n stc\n std\n syscall\n 1: nop\n"
		"mov %%rdi, 0(%%r15)\n mov %%rsi, 8(%%r15)\n mov %%rdx, 16(%%r15)\n mov %%r8, 24(%%r15)\n mov %%r9, 32(%%r15)\n"
		"mov %%r10, 40(%%r15)\n mov %%r12, 48(%%r15)\n mov %%r13, 56(%%r15)\n mov %%r14, 64(%%r15)\n mov %%rbp, 72(%%r15)\n"
		"pop %%rbp\n pushfq\n pop %%rdi\n lea 1b(%%rip), %%rsi\n cld\n"
		: "=c"(rcx), "=S"(here), "=D"(flags), "+r"(b), "+r"(a)
		:
		: "rax", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "memory");
	__asm__ volatile("mov $39, %%eax\n syscall\n" : "=&c"(rcx), "=a"(r11) : : "r11", "memory");
	int same = 0;
	for (int i = 0; i < 10; i++)
		same += before[i] == after[i];
	printf("%d of 10 kept, carry %d, direction %d\n", same, (int)(flags & 1), (int)(flags >> 10 & 1));
	__asm__ volatile("mov $39, %%eax\n syscall\n 1: lea 1b(%%rip), %%rdx\n mov %%r11, %%rsi\n"
	                 : "=&c"(rcx), "=&d"(here), "=&S"(r11) : : "rax", "r11", "memory");
	printf("rcx is the return address %d, r11 the flags %d\n", rcx == here, (r11 & 2) != 0);
}

/* A system call instruction anywhere the program can have code: also at the last bytes of a page, of the lower half, unaligned. */
static void any_address(void)
{
	static const unsigned char code[] = { 0x0f, 0x05, 0xc3 };
	long offsets[] = { 0, 1, 4093, 2047 };
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 4; i++) {
		memcpy(page + offsets[i], code, 3);
		long result;
		__asm__ volatile("call *%1" : "=a"(result) : "r"(page + offsets[i]), "a"(SYS_getpid) : "rcx", "r11", "memory");
		printf("offset %ld: %d\n", offsets[i], result == getpid());
	}
	uintptr_t places[] = { 0x10000, 0x12345000, 0x7e0000000000ul, 0x7ffff000ul };
	for (int i = 0; i < 4; i++) {
		char *at = mmap((void *)places[i], 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (at == MAP_FAILED) {
			printf("place %d: not free\n", i);
			continue;
		}
		memcpy(at + 100, code, 3);
		long result;
		__asm__ volatile("call *%1" : "=a"(result) : "r"(at + 100), "a"(SYS_getppid) : "rcx", "r11", "memory");
		printf("place %d: %d\n", i, result == getppid());
		munmap(at, 4096);
	}
}

static void unknown(void)
{
	long numbers[] = { 1000, 511, 600, 4096, 0x40000000, 0x7fffffff, -1, -100, LONG_MIN, LONG_MAX, 0x100000000, 0xffffffffl, 335, 400 };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		long result = raw(numbers[i], 1, 2, 3, 4, 5, 6);
		printf("%lx: %s\n", numbers[i], result == -ENOSYS ? "ENOSYS" : result >= 0 ? "a result" : error_name(-result));
	}
	long upper = raw(0x100000000l | SYS_getpid, 0, 0, 0, 0, 0, 0);
	printf("the upper half of the number: %s\n", upper == getpid() ? "ignored" : upper == -ENOSYS ? "ENOSYS" : "?");
}

static uint64_t state = 88172645463325252ull;

static uint64_t noise(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* What kernels and this one's own calls might take for something: slots, gate addresses, small numbers, addresses of the stack. */
static long odd_value(void)
{
	static const uint64_t odd[] = { 0, 1, 2, 7, 16, 64, 255, 4096, 0xffffffffffffffff, 0x8000000000000000, 0x7fffffffffff, 0x800000000000,
		0xffff800000000000, 0xffffff0000000000, 0xffffff8000000000, 0xffffffff80000000, 0xfffffffffffff000, 0x100000000, 0x7fffffff };
	uint64_t pick = noise();
	return pick % 4 == 0 ? (long)noise() : (long)odd[pick / 4 % (sizeof odd / sizeof *odd)];
}

/* Calls without harm to the caller, with any registers: none may do anything but fail or answer. */
static void random_registers(void)
{
	static const short safe[] = { SYS_read, SYS_write, SYS_fstat, SYS_lseek, SYS_mprotect, SYS_rt_sigaction, SYS_ioctl, SYS_pread64, SYS_access,
		SYS_sched_yield, SYS_mincore, SYS_getitimer, SYS_getpid, SYS_sendfile, SYS_uname, SYS_getcwd, SYS_readlink, SYS_gettimeofday,
		SYS_getrlimit, SYS_getrusage, SYS_times, SYS_getuid, SYS_getgroups, SYS_sigaltstack, SYS_statfs, SYS_fstatfs, SYS_gettid, SYS_clock_gettime,
		SYS_clock_getres, SYS_getdents64, SYS_sched_getaffinity, SYS_epoll_ctl, SYS_readlinkat, SYS_faccessat, SYS_set_robust_list,
		SYS_get_robust_list, SYS_getrandom, SYS_statx, SYS_mremap, SYS_madvise, SYS_waitid, SYS_prlimit64, SYS_fcntl };
	int status, answered = 0;
	for (int round = 0; round < 8; round++) {
		pid_t pid = child();
		if (pid == 0) {
			int counted = 0;
			state += round;
			for (int fd = 0; fd < 3; fd++)
				close(fd);
			alarm(20);
			for (int i = 0; i < 1500; i++) {
				long number = safe[noise() % (sizeof safe / sizeof *safe)];
				long result = raw(number, odd_value(), odd_value(), odd_value(), odd_value(), odd_value(), odd_value());
				counted += result < -4095 ? 0 : 1;
			}
			_exit(raw(SYS_getpid, 0, 0, 0, 0, 0, 0) > 0 && counted > 0 ? 0 : 1);
		}
		waitpid(pid, &status, 0);
		/* Random protections and moves may take the program's own memory away; that is its own end, by a signal. */
		answered += WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS;
	}
	printf("%d of 8 rounds ended as they may\n", answered);
}

static void by_int80(void)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(0x7ffffffl), "b"(1), "c"(2), "d"(3) : "memory", "r8", "r9", "r10", "r11");
	if ((int)result != -ENOSYS)
		_exit(1);
}

static void by_sysenter(void)
{
	__asm__ volatile("mov $0x7ffffff, %%eax\n mov %%rsp, %%rbp\n sysenter" : : : "rax", "memory");
}

static void jump_into(void)
{
	((void (*)(void))0xffffff0000000000)();
}

static void gates(void)
{
	show_status("int 0x80 with an unknown number", in_child(by_int80));
	int status = in_child(by_sysenter);
	/* Linux of this configuration ends the program, an answer of ENOSYS is as good; what counts is that no call is made. */
	printf("sysenter: %s\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "killed hard" : "caught");
	status = in_child(jump_into);
	printf("a jump to the upper half: %s\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? "SIGSEGV" : "something else");
	show("goes on", getpid() > 0);
}

/* There is no local descriptor table: a selector of one names nothing, whatever the CPU had there after its reset. */
static void local_descriptors(void)
{
	static const uint16_t selectors[] = { 0x7, 0xf, 0x1007, 0xfff7 };
	for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++) {
		uint32_t limit = 0, rights = 0;
		uint8_t has_limit, has_rights;
		__asm__ volatile("lsl %2, %0; setz %1" : "+r"(limit), "=q"(has_limit) : "r"((uint32_t)selectors[i]) : "cc");
		__asm__ volatile("lar %2, %0; setz %1" : "+r"(rights), "=q"(has_rights) : "r"((uint32_t)selectors[i]) : "cc");
		printf("%#x: limit %d, rights %d\n", selectors[i], has_limit, has_rights);
	}
	if (child() == 0) {
		__asm__ volatile("mov %0, %%gs" : : "r"(0x7));
		_exit(0);
	}
	int status;
	wait(&status);
	show_status("loading one", status);
}

#define FLAG_TRAP  0x100
#define FLAG_ALIGN 0x40000

static volatile sig_atomic_t steps, steps_with_align;

static void on_step(int number, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;
	(void)number;
	steps += info->si_code == TRAP_TRACE;
	steps_with_align += (u->uc_mcontext.gregs[REG_EFL] & FLAG_ALIGN) != 0;
}

/* A program steps itself, with the flag set that lets a kernel read a program's memory (SMAP): the kernel must not take it over. */
static void single_steps(void)
{
	struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	sigaction(SIGTRAP, &action, NULL);
	__asm__ volatile("pushfq; orl %0, (%%rsp); popfq; nop; nop; nop; nop; pushfq; andl %1, (%%rsp); popfq"
			 : : "i"(FLAG_TRAP | FLAG_ALIGN), "i"(~(FLAG_TRAP | FLAG_ALIGN)) : "memory", "cc");
	printf("steps %d, with the alignment flag %d\n", (int)steps, (int)steps_with_align);
}

static void *check_base(void *unused)
{
	static char here;
	uint64_t base = 0, gs = (uint64_t)&here ^ (uint64_t)pthread_self();
	long bad = 0;
	raw(SYS_arch_prctl, ARCH_SET_GS, gs & 0x7fffffffffff, 0, 0, 0, 0);
	for (int i = 0; i < 50; i++) {
		sched_yield();
		raw(SYS_arch_prctl, ARCH_GET_GS, (long)&base, 0, 0, 0, 0);
		bad += base != (gs & 0x7fffffffffff);
	}
	(void)unused;
	return (void *)bad;
}

static void segment_bases(void)
{
	static uint64_t there[2] = { 11, 22 };
	uint64_t fs = 0, value, own = 0;
	show_raw("get", raw(SYS_arch_prctl, ARCH_GET_FS, (long)&fs, 0, 0, 0, 0));
	__asm__ volatile("mov %%fs:0, %0" : "=r"(own));
	show("fs:0 points at itself", own == fs);
	show_raw("set gs", raw(SYS_arch_prctl, ARCH_SET_GS, (long)there, 0, 0, 0, 0));
	__asm__ volatile("mov %%gs:8, %0" : "=r"(value));
	printf("gs:8 is %d\n", (int)value);
	if (child() == 0) {
		__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
		_exit(value);
	}
	int status;
	wait(&status);
	show_status("a child keeps it", status);
	show_raw("kernel's half", raw(SYS_arch_prctl, ARCH_SET_GS, (long)0xffff800000000000, 0, 0, 0, 0));
	show_raw("not canonical", raw(SYS_arch_prctl, ARCH_SET_FS, (long)0x8000000000000, 0, 0, 0, 0));
	show_raw("unknown", raw(SYS_arch_prctl, 0x9999, 0, 0, 0, 0, 0));
	pthread_t t[4];
	long bad = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, check_base, NULL);
	for (int i = 0; i < 4; i++) {
		void *one;
		pthread_join(t[i], &one);
		bad += (long)one;
	}
	__asm__ volatile("mov %%gs:8, %0" : "=r"(value));
	printf("each thread its own: %ld wrong, this one's %d\n", bad, (int)value);
}

/* Fills the vector and x87 registers with a pattern of its own and checks it over switches. */
__attribute__((target("avx2"))) static long vectors_of(unsigned seed, int rounds)
{
	static const unsigned short control[4] = { 0x37f, 0x27f, 0xb7f, 0x77f };
	unsigned mxcsr = 0x1f80 | seed % 4 << 13, got;
	unsigned short cw = control[seed % 4], cw_got;
	uint32_t out[8];
	long bad = 0;
	_mm_setcsr(mxcsr);
	__asm__ volatile("fldcw %0" : : "m"(cw));
	for (int i = 0; i < rounds; i++) {
		__asm__ volatile("vmovd %1, %%xmm6\n vpbroadcastd %%xmm6, %%ymm15\n vpaddd %%ymm15, %%ymm15, %%ymm7\n"
		                 "mov $24, %%eax\n syscall\n vmovdqu %%ymm15, %0\n"
		                 : "=m"(out) : "r"(seed + i) : "rax", "rcx", "r11", "xmm6", "xmm7", "xmm15", "memory");
		for (int j = 0; j < 8; j++)
			bad += out[j] != seed + i;
		got = _mm_getcsr();
		__asm__ volatile("fnstcw %0" : "=m"(cw_got));
		bad += (got & 0xffc0) != mxcsr || cw_got != cw;
	}
	return bad;
}

static void *vector_thread(void *seed)
{
	return (void *)vectors_of((unsigned)(long)seed * 1000003u, 200);
}

static void vectors(void)
{
	pthread_t t[6];
	long bad = 0;
	int status, wrong = 0;
	for (long i = 0; i < 6; i++)
		pthread_create(&t[i], NULL, vector_thread, (void *)(i + 1));
	for (int i = 0; i < 3; i++)
		if (child() == 0)
			_exit(vectors_of(i * 77777u + 5, 200) != 0);
	for (int i = 0; i < 6; i++) {
		void *one;
		pthread_join(t[i], &one);
		bad += (long)one;
	}
	while (wait(&status) > 0)
		wrong += status != 0;
	printf("threads: %ld wrong, processes: %d wrong\n", bad, wrong);
	_mm_setcsr(0x1f80 | 3 << 13);
	if (child() == 0)
		_exit((_mm_getcsr() & 0x6000) == 0x6000 ? 3 : 4);
	wait(&status);
	show_status("a child has the same rounding", status);
	_mm_setcsr(0x1f80);
}

static volatile sig_atomic_t ticks;

__attribute__((target("avx2"))) static void on_tick(int number)
{
	(void)number;
	__asm__ volatile("vpxor %%ymm15, %%ymm15, %%ymm15\n vpcmpeqd %%ymm0, %%ymm0, %%ymm0" : : : "xmm0", "xmm15");
	_mm_setcsr(0x1f80 | 1 << 13);
	ticks++;
}

static void vectors_in_handlers(void)
{
	struct timeval every = { 0, 2000 };
	struct { struct timeval interval, value; } timer = { every, every }, off = { { 0, 0 }, { 0, 0 } };
	handle(SIGALRM, on_tick, SA_RESTART);
	long bad = 0;
	raw(SYS_setitimer, 0, (long)&timer, 0, 0, 0, 0);
	for (unsigned i = 0; ticks < 30 && i < 100000; i++)
		bad += vectors_of(i * 4, 50);
	raw(SYS_setitimer, 0, (long)&off, 0, 0, 0, 0);
	printf("ticks enough: %d, wrong %ld\n", ticks >= 30, bad);
}

static void auxiliary(void)
{
	struct rlimit stack;
	getrlimit(RLIMIT_STACK, &stack);
	Elf64_Phdr *p = (void *)getauxval(AT_PHDR);
	int loads = 0;
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		loads += p[i].p_type == PT_LOAD;
	printf("page %lu, ticks %lu, phent %lu, loads %d\n", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK), getauxval(AT_PHENT), loads > 0);
	printf("uid %lu %lu gid %lu %lu secure %lu\n", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID), getauxval(AT_EGID), getauxval(AT_SECURE));
	extern char _start;
	printf("entry %d, base %d, program %s, platform %s\n", getauxval(AT_ENTRY) == (unsigned long)&_start, getauxval(AT_BASE) == 0,
	       strrchr((char *)getauxval(AT_EXECFN), '/'), (char *)getauxval(AT_PLATFORM));
	unsigned char *random = (void *)getauxval(AT_RANDOM);
	int bytes = 0;
	for (int i = 0; i < 16; i++)
		bytes += random[i] != 0;
	unsigned a, b, c, d;
	__cpuid(1, a, b, c, d);
	printf("random %d, capabilities are CPUID's %d\n", bytes > 8, getauxval(AT_HWCAP) == d);
	struct utsname name;
	uname(&name);
	printf("%s %s, release has dots %d\n", name.sysname, name.machine, strchr(name.release, '.') != NULL);
	uintptr_t sp = (uintptr_t)&stack;
	printf("stack aligned at the start %d, below the middle %d\n", (getauxval(AT_RANDOM) > sp), sp < 1ul << 47);
	show("alignment of argv", ((uintptr_t)environ & 7) == 0);
}

static const Elf64_Sym *vdso_symbol(char *base, const char *name)
{
	Elf64_Ehdr *h = (void *)base;
	Elf64_Phdr *p = (void *)(base + h->e_phoff);
	Elf64_Dyn *dynamic = NULL;
	uintptr_t slide = 0;
	for (int i = 0; i < h->e_phnum; i++) {
		if (p[i].p_type == PT_LOAD)
			slide = (uintptr_t)base + p[i].p_offset - p[i].p_vaddr;
		if (p[i].p_type == PT_DYNAMIC)
			dynamic = (void *)(base + p[i].p_offset);
	}
	const Elf64_Sym *symbols = NULL;
	const char *strings = NULL;
	const Elf32_Word *hashes = NULL;
	for (; dynamic && dynamic->d_tag; dynamic++) {
		void *at = (void *)(dynamic->d_un.d_ptr + slide);
		if (dynamic->d_tag == DT_SYMTAB)
			symbols = at;
		else if (dynamic->d_tag == DT_STRTAB)
			strings = at;
		else if (dynamic->d_tag == DT_HASH)
			hashes = at;
	}
	if (!symbols || !strings || !hashes)
		return NULL;
	for (unsigned i = 0; i < hashes[1]; i++)
		if (strcmp(strings + symbols[i].st_name, name) == 0)
			return &symbols[i];
	return NULL;
}

static void vdso(void)
{
	static const char *const names[] = { "__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time", "__vdso_getcpu", "__vdso_clock_getres" };
	char *base = (char *)getauxval(AT_SYSINFO_EHDR);
	if (!base || memcmp(base, ELFMAG, 4) != 0) {
		printf("no vDSO\n");
		return;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		printf("%s: %d\n", names[i], vdso_symbol(base, names[i]) != NULL);
	struct timespec a, b, c;
	raw(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&a, 0, 0, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	raw(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&c, 0, 0, 0, 0);
#define NS(t) ((t).tv_sec * 1000000000l + (t).tv_nsec)
	printf("between two calls of the kernel: %d\n", NS(a) <= NS(b) && NS(b) <= NS(c));
}

int main(int argc, char **argv)
{
	static const struct part parts[] = { PART(registers), PART(any_address), PART(unknown), PART(random_registers), PART(gates),
		PART(local_descriptors), PART(single_steps),
		PART(segment_bases), PART(vectors), PART(vectors_in_handlers), PART(auxiliary), PART(vdso) };
	return RUN_PARTS(parts, argc, argv);
}

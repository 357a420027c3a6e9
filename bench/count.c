/*
 * A plugin for QEMU (TCG) that counts the guest's instructions by place, while a row of bench/rows measures: from one rdtsc of a program to the next. bench/profile
 * loads it and reads what it writes: a line for each block of code, "ADDRESS INSTRUCTIONS COUNT BYTES", COUNT instructions in all, and the
 * bytes by which the program is known that the block belongs to.
 *
 * QEMU gives the interface in qemu-plugin.h, which Debian does not package; what is used of its version 1 is declared here
 * (https://www.qemu.org/docs/master/devel/tcg-plugins.html).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*callback)(qemu_plugin_id_t id, void *context), void *context);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op, void *word, uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*callback)(unsigned vcpu, void *context), enum qemu_plugin_cb_flags flags,
					    void *context);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

int qemu_plugin_version = 1;

#define BYTES_MAX 64
#define HASH_SIZE 65536

struct block {
	struct block *next;
	uint64_t address, count, before, counted; /* before: count when the clock was read first */
	unsigned instructions, size;
	unsigned char bytes[BYTES_MAX];
};

static struct block *hash[HASH_SIZE];
static bool measuring;
static const char *output;

static struct block *block_of(const struct block *wanted)
{
	struct block **list = &hash[(wanted->address ^ wanted->address >> 16) % HASH_SIZE], *b;

	for (b = *list; b; b = b->next)
		if (b->address == wanted->address && b->instructions == wanted->instructions && b->size == wanted->size
		    && !memcmp(b->bytes, wanted->bytes, b->size))
			return b;
	b = malloc(sizeof(*b));
	if (!b)
		abort();
	*b = *wanted;
	b->next = *list;
	*list = b;
	return b;
}

/* Where static programs lie: the firmware, the kernel and the runtime read the clock, too. */
static bool in_program(uint64_t address)
{
	return address >= 0x400000 && address < 0x800000;
}

static void clock_read(unsigned vcpu, void *context)
{
	(void)vcpu, (void)context;
	for (unsigned i = 0; i < HASH_SIZE; i++)
		for (struct block *b = hash[i]; b; b = b->next) {
			if (measuring)
				b->counted += b->count - b->before;
			b->before = b->count;
		}
	measuring = !measuring;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block new = { .address = qemu_plugin_tb_vaddr(tb), .instructions = (unsigned)qemu_plugin_tb_n_insns(tb) };
	struct block *b;

	(void)id;
	for (unsigned i = 0; i < new.instructions; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const unsigned char *data = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);

		if (size == 2 && data[0] == 0x0f && data[1] == 0x31 && in_program(qemu_plugin_insn_vaddr(insn)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, clock_read, QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (size > BYTES_MAX - new.size)
			size = BYTES_MAX - new.size;
		memcpy(new.bytes + new.size, data, size);
		new.size += (unsigned)size;
	}
	b = block_of(&new);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->count, b->instructions);
}

static void ended(qemu_plugin_id_t id, void *context)
{
	FILE *f = fopen(output, "w");

	(void)id, (void)context;
	if (!f)
		return;
	for (unsigned i = 0; i < HASH_SIZE; i++)
		for (const struct block *b = hash[i]; b; b = b->next) {
			if (!b->counted)
				continue;
			fprintf(f, "%" PRIx64 " %u %" PRIu64 " ", b->address, b->instructions, b->counted);
			for (unsigned j = 0; j < b->size; j++)
				fprintf(f, "%02x", b->bytes[j]);
			fprintf(f, "\n");
		}
	fclose(f);
}

/* Arguments: out=FILE. */
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			output = strdup(argv[i] + 4);
	if (!output)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}

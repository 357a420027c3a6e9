# UX/RT's build. `make help` lists the targets.
#
# One non-recursive graph per compiler and configuration, in build/COMPILER-CONFIG/. Sources are found by wildcard: a new .c or .S
# file in a folder is built without a change here. A source is compiled once per *flavour*, the machine it runs in:
#   kernel  ring 0, top 2 GiB             gate    root and runtime: position independent, upper half
#   server  a static program at 4 MiB     host    this machine, with sanitizers, for tests/host
# An object's path is FLAVOUR/SOURCE.o.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
# As many jobs as there are processors.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
.SUFFIXES:
.DELETE_ON_ERROR:

CONFIG ?= debug
COMPILERS := gcc clang
# `make` without a target or a compiler builds with both.
ONE_COMPILER := $(if $(filter undefined,$(origin COMPILER)),,yes)
COMPILER ?= gcc

ifeq ($(filter $(COMPILER),$(COMPILERS)),)
$(error COMPILER is "$(COMPILER)"; it must be one of: $(COMPILERS))
endif
ifeq ($(filter $(CONFIG),debug release),)
$(error CONFIG is "$(CONFIG)"; it must be debug or release)
endif

CC := $(COMPILER)
LD := ld
AR := ar
PYTHON := python3
B := build/$(COMPILER)-$(CONFIG)
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
define announce
$(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)')
endef

# ---------------------------------------------------------------------------------------------------------------------------------
# Flags

WARN := -Wall -Wextra -Werror
CONFIG_debug := -DDEBUG=1 -O2 -g
CONFIG_release := -DDEBUG=0 -DNDEBUG=1 -O2 -g
COMMON := -I. -std=gnu11 $(WARN) -MMD -MP $(CONFIG_$(CONFIG))
BARE := $(COMMON) -ffreestanding -nostdlib -fno-stack-protector -fno-common -fno-strict-aliasing -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fcf-protection=none -mgeneral-regs-only

FLAGS_kernel := $(BARE) -mcmodel=kernel -mno-red-zone -fno-pic
FLAGS_gate := $(BARE) -fpic -fvisibility=hidden -mno-red-zone
FLAGS_server := $(BARE) -fno-pic
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_host := -I. -Itests/host -std=gnu11 $(WARN) -MMD -MP -DDEBUG=1 -DHOST_TEST=1 -D_GNU_SOURCE -O1 -g \
	-fno-strict-aliasing -fno-omit-frame-pointer -fno-common $(SANITIZE)
# Called and left by entry.S only, which keeps nothing in registers.
FLAGS_fastpath_gcc := -fomit-frame-pointer -ffixed-rbp $(addprefix -fcall-used-,rbx r12 r13 r14 r15)
FLAGS_fastpath_clang := -fomit-frame-pointer
# gcc would turn the loop inside memcpy into a call of memcpy.
FLAGS_lib_gcc := -fno-tree-loop-distribute-patterns
FLAGS_lib_clang := -fno-builtin
FLAGS_lib := $(FLAGS_lib_$(COMPILER))

LINK := $(LD) -static -nostdlib -z max-page-size=4096 -z noexecstack --build-id=none --no-undefined

# ---------------------------------------------------------------------------------------------------------------------------------
# Sources

c_under = $(sort $(if $(wildcard $(1)),$(shell find $(1) -name '*.c' ! -name offsets.c)))
s_under = $(sort $(if $(wildcard $(1)),$(shell find $(1) -name '*.S')))
objects = $(patsubst %,$(B)/$(1)/%.o,$(2))

LIB_C := $(wildcard lib/*.c)
KERNEL_SOURCES := $(call c_under,kernel) $(call s_under,kernel)
ROOT_SOURCES := $(call c_under,root) $(call s_under,root)
RUNTIME_SOURCES := $(call c_under,runtime) $(call s_under,runtime)
SERVE_SOURCES := $(call c_under,serve) $(call s_under,serve)
TTY_SOURCES := $(call c_under,tty)
SERVER_DIRS := $(patsubst %/,%,$(sort $(dir $(wildcard servers/*/*.c drivers/*/*.c))))
SERVER_NAMES := $(notdir $(SERVER_DIRS))

KERNEL_OBJECTS := $(call objects,kernel,$(KERNEL_SOURCES) $(LIB_C))
ROOT_OBJECTS := $(call objects,gate,$(ROOT_SOURCES) $(LIB_C))
RUNTIME_OBJECTS := $(call objects,gate,$(RUNTIME_SOURCES) $(LIB_C))
SERVE_OBJECTS := $(call objects,server,$(SERVE_SOURCES) $(LIB_C))
TTY_OBJECTS := $(call objects,server,$(TTY_SOURCES))

# A part that has no linker script yet is left out, so that the others can be built before it exists.
KERNEL_ELF := $(if $(wildcard kernel/kernel.lds),$(B)/kernel.elf)
ROOT_ELF := $(if $(wildcard root/root.lds),$(B)/root.elf)
RUNTIME_ELF := $(if $(wildcard runtime/runtime.lds),$(B)/runtime.elf)
SERVER_ELFS := $(if $(SERVE_SOURCES),$(SERVER_NAMES:%=$(B)/servers/%.elf))
UXRT_ELF := $(if $(KERNEL_ELF),$(B)/uxrt.elf)

# ---------------------------------------------------------------------------------------------------------------------------------
# Targets for people

.PHONY: all both build kernel root runtime servers uxrt lib host-tests guest image run debug test stress fuzz oracle test-mutants soak test-suites record-suites check docs bench bench-record profile clean help deps
.PHONY: $(COMPILERS:%=with-%)

ifdef ONE_COMPILER
all: build
else
all: both
endif

help:
	@echo 'make                  build everything with gcc and with clang (debug)'
	@echo 'make COMPILER=clang   build everything with one compiler; CONFIG=release builds without assertions'
	@echo 'make kernel|root|runtime|servers|uxrt   build one part'
	@echo 'make run              install what is missing, build, make the root image, boot to a shell on this terminal'
	@echo 'make debug            the same, stopped at the first instruction, waiting for gdb on port 1234'
	@echo 'make test             everything that must pass before a change is accepted'
	@echo 'make host-tests       the host tests alone;  make check: who may include whom; documents against sources'
	@echo 'make stress           ten thousand forks, a thousand kills, each server killed a hundred times: what does it leave behind?'
	@echo 'make fuzz             random system calls and the like until ten million are made; goes on where it stopped; FUZZ="--calls 1000000 calls"'
	@echo 'make soak             an hour of random work on four cores; ended and begun again, it goes on where it was'
	@echo 'make test-mutants     break ten behaviours one at a time: a test must notice each; MUTANTS="append sigpipe" only these'
	@echo 'make test-suites      suites that others wrote, test by test on both kernels; SUITES=cpython/test_os some parts; make record-suites: and write docs/suites.md'
	@echo 'make bench            measure against Linux; make bench ROWS="fork pipe" some rows; make bench-record: and write docs/performance.md'
	@echo 'make profile ROW=stat  what the instructions of a row are spent on, by function'
	@echo 'make docs             the pages that are made from sources'
	@echo 'make oracle           the guest tests alone; make oracle CASES=bash/traps runs one, or a folder'
	@echo 'make guest            the first program of the image and the test programs;  make image: the root image'
	@echo 'make clean            remove what was built; downloaded packages stay'

both: $(COMPILERS:%=with-%)
$(COMPILERS:%=with-%): with-%:
	+$(Q)$(MAKE) --no-print-directory COMPILER=$* build

build: lib kernel root runtime servers uxrt

lib: $(call objects,kernel,$(LIB_C)) $(call objects,gate,$(LIB_C)) $(call objects,server,$(LIB_C))
kernel: $(KERNEL_OBJECTS) $(KERNEL_ELF)
root: $(ROOT_OBJECTS) $(ROOT_ELF)
runtime: $(RUNTIME_OBJECTS) $(RUNTIME_ELF)
servers: $(SERVE_OBJECTS) $(SERVER_ELFS)
uxrt: $(UXRT_ELF)

clean:
	rm -rf $(COMPILERS:%=build/%-debug) $(COMPILERS:%=build/%-release) build/guest build/images build/run

# ---------------------------------------------------------------------------------------------------------------------------------
# Compiling

$(call objects,kernel,$(LIB_C)) $(call objects,gate,$(LIB_C)) $(call objects,server,$(LIB_C)) \
$(call objects,host,$(LIB_C)): EXTRA := $(FLAGS_lib)

$(call objects,kernel,kernel/fastpath.c): EXTRA := $(FLAGS_fastpath_$(COMPILER))

# flavour_rules(flavour)
define flavour_rules
$(B)/$(1)/%.c.o: %.c Makefile
	$$(call announce,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(FLAGS_$(1)) $$(EXTRA) -c -o $$@ $$<

$(B)/$(1)/%.S.o: %.S Makefile
	$$(call announce,AS,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(FLAGS_$(1)) -D__ASSEMBLER__=1 $$(EXTRA) -Wa,--noexecstack -c -o $$@ $$<
endef
$(foreach f,kernel gate server host,$(eval $(call flavour_rules,$(f))))

# Offsets of structure fields for assembly: FOLDER/offsets.c is compiled to assembly with lines .ascii "->NAME VALUE", which become
# #define NAME VALUE in $(B)/offsets/FOLDER/offsets.h. offset_rules(folder, flavour)
define offset_rules
ifneq ($$(wildcard $(1)/offsets.c),)
$(B)/offsets/$(1)/offsets.h: $(1)/offsets.c Makefile
	$$(call announce,OFFSETS,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(filter-out -g,$$(FLAGS_$(2))) -MT $$@ -MF $$(@:.h=.d) -S -o $$(@:.h=.s) $$<
	$$(Q)sed -n 's/^.*"->\([A-Za-z0-9_]*\) [$$$$]*\(-*[0-9]*\).*$$$$/#define \1 \2/p' $$(@:.h=.s) > $$@
$(call objects,$(2),$(call s_under,$(1))): $(B)/offsets/$(1)/offsets.h
$(call objects,$(2),$(call s_under,$(1))): EXTRA := -I$(B)/offsets/$(1)
-include $(B)/offsets/$(1)/offsets.d
endif
endef
$(eval $(call offset_rules,kernel,kernel))
$(eval $(call offset_rules,root,gate))
$(eval $(call offset_rules,runtime,gate))
$(eval $(call offset_rules,serve,server))

# ---------------------------------------------------------------------------------------------------------------------------------
# Linking

# kernel.elf is the kernel with an empty bundle and no symbol table; uxrt.elf, what is booted, has both. Text comes first in
# the linker script, so the table does not move what it describes (tools/symbols checks that).
$(B)/kernel.elf: $(KERNEL_OBJECTS) $(B)/empty/symbols.S.o $(B)/empty/bundle.S.o kernel/kernel.lds
	$(call announce,LD,$@)
	$(Q)$(LINK) -T kernel/kernel.lds -o $@ $(filter %.o,$^)

$(B)/root.elf: $(ROOT_OBJECTS) root/root.lds
	$(call announce,LD,$@)
	$(Q)$(LINK) -no-pie -T root/root.lds -Map=$(@:.elf=.map) -o $@ $(filter %.o,$^)

$(B)/runtime.elf: $(RUNTIME_OBJECTS) runtime/runtime.lds
	$(call announce,LD,$@)
	$(Q)$(LINK) -no-pie -T runtime/runtime.lds -Map=$(@:.elf=.map) -o $@ $(filter %.o,$^)

$(B)/libserve.a: $(SERVE_OBJECTS)
	$(call announce,AR,$@)
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

# Terminals: only the servers that use them link anything of it.
$(B)/libtty.a: $(TTY_OBJECTS)
	$(call announce,AR,$@)
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

SERVER_LINK := $(if $(wildcard serve/server.lds),-T serve/server.lds,-Ttext-segment=0x400000)
# server_rules(folder)
define server_rules
$(B)/servers/$(notdir $(1)).elf: $(call objects,server,$(call c_under,$(1)) $(call s_under,$(1))) $(B)/libtty.a $(B)/libserve.a $(wildcard serve/server.lds)
	$$(call announce,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(LINK) -u _start $(SERVER_LINK) -o $$@ $$(filter %.o,$$^) $(B)/libtty.a $(B)/libserve.a
endef
$(foreach d,$(SERVER_DIRS),$(eval $(call server_rules,$(d))))

# The bundle holds servers as whole files: without their debugging information, which stays in servers/.
$(B)/stripped/%.elf: $(B)/servers/%.elf
	@mkdir -p $(@D)
	$(Q)strip -o $@ $<

BUNDLED_SERVERS := $(SERVER_ELFS:$(B)/servers/%=$(B)/stripped/%)
$(B)/bundle.bin: tools/mkbundle $(ROOT_ELF) $(RUNTIME_ELF) $(BUNDLED_SERVERS)
	$(call announce,BUNDLE,$@)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tools/mkbundle -o $@ $(ROOT_ELF:%=--root %) $(RUNTIME_ELF:%=--runtime %) $(BUNDLED_SERVERS:%=--server %)

$(B)/bundle.S.o: $(B)/bundle.bin
	$(Q)printf '.section .bundle,"aw"\n.balign 4096\n.global bundle_start\nbundle_start:\n.incbin "$<"\n.global bundle_end\nbundle_end:\n' \
		| $(CC) -x assembler -c -o $@ -

$(B)/symbols.S.o: $(B)/kernel.elf tools/symbols
	$(call announce,SYMBOLS,$@)
	$(Q)$(PYTHON) tools/symbols $< > $(B)/symbols.S
	$(Q)$(CC) -c -o $@ $(B)/symbols.S

$(B)/empty/bundle.S.o: Makefile
	@mkdir -p $(@D)
	$(Q)printf '.section .bundle,"aw"\n.balign 4096\n.global bundle_start\nbundle_start:\n.ascii "UXRB"\n.long 0\n.quad 16\n.global bundle_end\nbundle_end:\n' \
		| $(CC) -x assembler -c -o $@ -

$(B)/empty/symbols.S.o: Makefile
	@mkdir -p $(@D)
	$(Q)printf '.section .symtab_kernel,"a"\n.balign 8\n.global ksyms_start\nksyms_start:\n.long 0, 0\n.global ksyms_end\nksyms_end:\n' \
		| $(CC) -x assembler -c -o $@ -

$(B)/uxrt.elf: $(KERNEL_OBJECTS) $(B)/symbols.S.o $(B)/bundle.S.o kernel/kernel.lds
	$(call announce,LD,$@)
	$(Q)$(LINK) -T kernel/kernel.lds -Map=$(@:.elf=.map) -o $@.new $(filter %.o,$^)
	$(Q)$(PYTHON) tools/symbols --same $(B)/kernel.elf $@.new
	$(Q)mv $@.new $@

# ---------------------------------------------------------------------------------------------------------------------------------
# Host tests: tests/host/test_NAME.c, linked with lib and with the sources that its "// sources:" line names. KERNEL: all
# of the kernel that is no machine's; SOCKET: of the socket server, but for what takes its messages

HOST_TESTS := $(wildcard tests/host/test_*.c)
HOST_PROGRAMS := $(HOST_TESTS:tests/host/%.c=$(B)/host-tests/%)
HOST_KERNEL := $(filter-out kernel/log.c kernel/offsets.c kernel/symbols.c,$(wildcard kernel/*.c))
HOST_SOCKET := $(filter-out %/capability.c %/main.c,$(call c_under,servers/socket)) serve/users.c
# Other files of tests/host are shared by all of its programs.
HOST_SHARED := $(filter-out $(HOST_TESTS),$(wildcard tests/host/*.c))

$(B)/libhost.a: $(call objects,host,$(LIB_C) $(HOST_SHARED))
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

# host_rules(test, its sources)
define host_rules
$(B)/host-tests/$(basename $(notdir $(1))): $(call objects,host,$(1) $(2)) $(B)/libhost.a
	$$(call announce,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(SANITIZE) -o $$@ $$(filter %.o,$$^) $(B)/libhost.a -lpthread
HOST_OBJECTS += $(call objects,host,$(1) $(2))
endef
HOST_OBJECTS := $(call objects,host,$(LIB_C) $(HOST_SHARED))
$(foreach t,$(HOST_TESTS),$(eval $(call host_rules,$(t),$(patsubst SOCKET,$(HOST_SOCKET),$(patsubst KERNEL,$(HOST_KERNEL),$(shell sed -n 's,^// sources:,,p' $(t)))))))

host-tests: $(HOST_PROGRAMS)
	$(Q)$(PYTHON) tests/check/host $(HOST_PROGRAMS)

# ---------------------------------------------------------------------------------------------------------------------------------
# Programs that run in the guest: Linux programs, built once with the machine's own tools and libraries.
# tests/guest/init.c is the first program of every image. Every other tests/guest/NAME.c becomes /tests/bin/NAME: static with musl,
# or dynamic with glibc if its name starts with glibc_.

G := build/guest
GUEST_SOURCES := $(filter-out tests/guest/init.c,$(wildcard tests/guest/*.c))
GUEST_PROGRAMS := $(GUEST_SOURCES:tests/guest/%.c=$(G)/tests/tests/bin/%)
# The same bytes in every checkout: what Linux answers is kept by the programs that a case uses.
GUEST_FLAGS := -O2 -g -ffile-prefix-map=$(CURDIR)=. $(WARN) -I. -D_GNU_SOURCE -pthread
# musl-gcc does not look where linux-libc-dev puts its headers.
LINUX_HEADERS := -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu

guest: $(G)/root/init $(GUEST_PROGRAMS)

$(G)/root/init: tests/guest/init.c Makefile
	$(call announce,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)musl-gcc -static $(GUEST_FLAGS) $(LINUX_HEADERS) -s -o $@ $<

$(G)/tests/tests/bin/glibc_%: tests/guest/glibc_%.c Makefile $(wildcard tests/guest/*.h)
	$(call announce,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)gcc $(GUEST_FLAGS) -o $@ $<

$(G)/tests/tests/bin/%: tests/guest/%.c Makefile $(wildcard tests/guest/*.h)
	$(call announce,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)musl-gcc -static $(GUEST_FLAGS) $(LINUX_HEADERS) -o $@ $<

# The programs of bench/, in /bench of the image that is measured: static, the same files on both kernels.
BENCH_PROGRAMS := $(addprefix $(G)/bench/bench/,rows cores jobs true shell stamp)

$(G)/bench/bench/rows: $(addprefix bench/,measure.c rows.c calls.c processes.c memory.c native.c measure.h rows.h) $(wildcard abi/*.h include/uxrt/*.h) Makefile
	$(call announce,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)musl-gcc -static $(GUEST_FLAGS) $(LINUX_HEADERS) -s -o $@ $(filter %.c,$^)

$(G)/bench/bench/cores: $(addprefix bench/,measure.c cores.c native.c measure.h rows.h) $(wildcard abi/*.h include/uxrt/*.h) Makefile
	$(call announce,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)musl-gcc -static $(GUEST_FLAGS) $(LINUX_HEADERS) -s -o $@ $(filter %.c,$^)

$(G)/bench/bench/jobs: $(addprefix bench/,measure.c jobs.c measure.h) Makefile
	$(call announce,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)musl-gcc -static $(GUEST_FLAGS) $(LINUX_HEADERS) -s -o $@ $(filter %.c,$^)

$(G)/bench/bench/true $(G)/bench/bench/shell: $(G)/bench/bench/%: bench/%.c bench/measure.h Makefile
	$(call announce,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)musl-gcc -static $(GUEST_FLAGS) $(LINUX_HEADERS) -s -o $@ $<

$(G)/bench/bench/stamp: $(G)/bench/bench/shell
	$(Q)ln -f $< $@

# ---------------------------------------------------------------------------------------------------------------------------------
# Images, running, testing

deps:
	$(Q)tools/deps

image: $(G)/root/init
	$(Q)tools/mkimage --image default --extra $(G)/root

# tools/deps comes first: on a fresh machine there is no compiler yet.
run debug:
	$(Q)tools/deps
	+$(Q)$(MAKE) --no-print-directory COMPILER=$(COMPILER) uxrt guest
	$(Q)tools/run $(if $(filter debug,$@),--gdb) $(RUN)

check:
	$(Q)$(PYTHON) tests/check/includes
	$(Q)$(PYTHON) tests/check/docs
	$(Q)$(PYTHON) tests/check/calls

docs:
	$(Q)tools/linux-calls --write

oracle: guest
	$(Q)tests/oracle/run $(CASES)

test:
	$(Q)tests/run-all

# The long form of the stage about what stress leaves behind.
stress: guest build
	$(Q)tests/objects/run --long

# Hostile programs with new seeds, until each kind has made ten million calls. FUZZ: options of tests/fuzz/run.
fuzz: guest build
	$(Q)tests/fuzz/run $(FUZZ)

# An hour of random work on four cores, in runs of five minutes; begun again it goes on. AGAIN=1: a new hour.
soak: guest build
	$(Q)tests/soak/run --all $(if $(AGAIN),--again)

# Breaks one behaviour at a time in a copy of the tree: some test must notice each.
test-mutants: guest
	$(Q)tests/mutants/run $(MUTANTS)

# Suites that others wrote. SUITES="cpython/test_os" runs these parts; record-suites also writes docs/suites.md.
test-suites record-suites: guest
	+$(Q)$(MAKE) --no-print-directory COMPILER=gcc uxrt
	$(Q)tests/suites/run $(if $(filter record-suites,$@),--record) $(SUITES)

# Measurements: the release build against Linux. ROWS="fork pipe" measures only these; bench-record also writes docs/performance.md.
bench bench-record: guest $(BENCH_PROGRAMS)
	+$(Q)$(MAKE) --no-print-directory COMPILER=gcc CONFIG=release uxrt
	$(Q)bench/run $(if $(filter bench-record,$@),--record) $(ROWS)

profile: $(G)/root/init $(BENCH_PROGRAMS)
	+$(Q)$(MAKE) --no-print-directory COMPILER=gcc CONFIG=release uxrt
	$(Q)bench/profile $(ROW)

DEPENDENCIES := $(patsubst %.o,%.d,$(sort $(KERNEL_OBJECTS) $(ROOT_OBJECTS) $(RUNTIME_OBJECTS) $(SERVE_OBJECTS) $(TTY_OBJECTS) $(HOST_OBJECTS) \
	$(foreach d,$(SERVER_DIRS),$(call objects,server,$(call c_under,$(d)) $(call s_under,$(d))))))
-include $(wildcard $(DEPENDENCIES))

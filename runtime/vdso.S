/*
 * The vDSO: an ELF shared object within the runtime's read-only data, mapped into each program too (AT_SYSINFO_EHDR). The code is vdso.c's; this
 * is everything around it, as the dynamic linkers of glibc and musl, Go and the JVM read it: dynamic symbols with version LINUX_2.6, both
 * hash tables. One segment: file offsets are addresses. gABI chapter 5; GNU hash: one bucket, no bloom filtering.
 */
#define PT_LOAD 1
#define PT_DYNAMIC 2
#define SYMBOLS 11 /* of dynsym, with the empty one and the version's absolute symbol left out */

	.section .vdso.head, "a"
	.balign 4096
	.globl vdso_start
	.hidden vdso_start
vdso_start:
	.byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0
	.quad 0
	.short 3, 62		/* ET_DYN, x86-64 */
	.long 1
	.quad 0			/* entry */
	.quad phdrs - vdso_start
	.quad 0
	.long 0
	.short 64, 56, 2, 64, 0, 0
phdrs:
	.long PT_LOAD, 5
	.quad 0, 0, 0
	.quad vdso_end - vdso_start
	.quad vdso_end - vdso_start
	.quad 4096
	.long PT_DYNAMIC, 4
	.quad dynamic - vdso_start, dynamic - vdso_start, dynamic - vdso_start
	.quad dynamic_end - dynamic, dynamic_end - dynamic
	.quad 8

	.balign 8
dynamic:
	.quad 14, soname - strings		/* SONAME */
	.quad 4, hash - vdso_start		/* HASH */
	.quad 0x6ffffef5, gnu_hash - vdso_start	/* GNU_HASH */
	.quad 5, strings - vdso_start		/* STRTAB */
	.quad 6, symbols - vdso_start		/* SYMTAB */
	.quad 10, strings_end - strings		/* STRSZ */
	.quad 11, 24				/* SYMENT */
	.quad 0x6ffffffc, verdef - vdso_start	/* VERDEF */
	.quad 0x6ffffffd, 2			/* VERDEFNUM */
	.quad 0x6ffffff0, versym - vdso_start	/* VERSYM */
	.quad 0, 0
dynamic_end:

	.macro FUNCTION_SYMBOL name, function
	.long \name - strings
	.byte 0x12, 0		/* global function */
	.short 1		/* any section but undefined */
	.quad \function - vdso_start
	.quad 256		/* a bound: sizes are for debuggers */
	.endm
symbols:
	.fill 24
	FUNCTION_SYMBOL name_gettime, vdso_clock_gettime
	FUNCTION_SYMBOL name_timeofday, vdso_gettimeofday
	FUNCTION_SYMBOL name_time, vdso_time
	FUNCTION_SYMBOL name_getcpu, vdso_getcpu
	FUNCTION_SYMBOL name_getres, vdso_clock_getres
	FUNCTION_SYMBOL name_read_reg, vdso_read_reg
	FUNCTION_SYMBOL name_write_reg, vdso_write_reg
	FUNCTION_SYMBOL name_read_buf, vdso_read_buf
	FUNCTION_SYMBOL name_write_buf, vdso_write_buf
	FUNCTION_SYMBOL name_share, vdso_share

	.balign 4
hash:				/* one bucket, a chain through all */
	.long 1, SYMBOLS
	.long 1
	.long 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0

	.balign 8
gnu_hash:			/* buckets, first symbol, bloom words, shift */
	.long 1, 1, 1, 6
	.quad -1
	.long 1
	.long 0x6e43a318	/* hashes of the names; the lowest bit ends the chain */
	.long 0xb01bca00
	.long 0x821e8e0c
	.long 0x6562b026
	.long 0x68308f52
	.long 0x9555a1f0
	.long 0x1356b3be
	.long 0x95555fee
	.long 0x135671be
	.long 0xa581484b

versym:
	.short 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2

	.balign 8
verdef:
	.short 1, 1, 1, 1	/* the object itself */
	.long 0x0deebfa1
	.long 20, 28
	.long soname - strings, 0
	.short 1, 0, 2, 1	/* LINUX_2.6 */
	.long 0x03ae75f6
	.long 20, 0
	.long version - strings, 0

strings:
	.byte 0
soname:
	.asciz "linux-vdso.so.1"
version:
	.asciz "LINUX_2.6"
name_gettime:
	.asciz "__vdso_clock_gettime"
name_timeofday:
	.asciz "__vdso_gettimeofday"
name_time:
	.asciz "__vdso_time"
name_getcpu:
	.asciz "__vdso_getcpu"
name_getres:
	.asciz "__vdso_clock_getres"
name_read_reg:
	.asciz "uxrt_read_reg"
name_write_reg:
	.asciz "uxrt_write_reg"
name_read_buf:
	.asciz "uxrt_read_buf"
name_write_buf:
	.asciz "uxrt_write_buf"
name_share:
	.asciz "uxrt_share"
strings_end:

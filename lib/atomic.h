/*
 * The orders in use, named: the compiler's __atomic builtins, any integer or pointer type.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#include "lib/types.h"

#define atomic_load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define atomic_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define atomic_store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define atomic_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define atomic_store(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)

/* Each returns the value before the change and is sequentially consistent. */
#define atomic_exchange(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_add(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_sub(p, v) __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_or(p, v) __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, v) __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)

/* If *p == *expected stores v and returns true; otherwise loads *p into *expected and returns false. */
#define atomic_cas(p, expected, v) \
	__atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#define atomic_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define atomic_signal_fence() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

#endif

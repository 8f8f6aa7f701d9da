/* SPDX-License-Identifier: MIT */
/*
 * The only place that calls malloc and free. Out of memory aborts: sizes that come from a peer
 * never reach these functions unchecked (buf and arena have caps).
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* Zeroed memory; never NULL. Overflow of n * size aborts. */
void *mem_alloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
#define MEM_NEW(type) ((type *)mem_alloc(1, sizeof(type)))
/* Like reallocarray; new bytes are not zeroed; never NULL. */
void *mem_resize(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
/* NUL-terminated heap copy. */
char *mem_dup_z(struct str s) __attribute__((malloc, returns_nonnull));
/* Accepts NULL. Also for memory that a library took from malloc and gave away. */
void mem_free(void *p);
/* Gives back to the system what is free. Takes milliseconds: for a quiet moment. */
void mem_trim(void);
/* Overwrites a secret so that the compiler cannot leave it out. */
void mem_wipe(void *p, size_t n);

static inline void mem_auto_free(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p));
	mem_free(p);
}

/* Runs fn(&var) at the end of the scope: AUTO(fd_close) int fd = -1; */
#define AUTO(fn) __attribute__((cleanup(fn)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* SPDX-License-Identifier: MIT */
/*
 * Arena: many small allocations with one lifetime (a connection, a command, a job), freed
 * together. Every arena has a cap in bytes, and all arenas together a budget; at either
 * arena_alloc() returns NULL and the caller answers -E_LIMIT. One thread at a time.
 */
#pragma once

#include <stdarg.h>

#include "base/budget.h"
#include "base/mem.h"
#include "base/str.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t used;  /* bytes handed out and chunk heads */
	size_t cap;
	size_t bytes; /* of all chunks; beyond BUDGET_ARENA_FREE taken from the budget */
	enum budget purse;
};

/* For memory that a command needs while it runs. */
void arena_init(struct arena *a, size_t cap);
/* For memory that is kept while a peer is waited for. */
void arena_init_held(struct arena *a, size_t cap);
/* Gives everything back to the heap; the arena may be used again. Accepts NULL. */
void arena_fini(struct arena *a);
/* Frees what was allocated; keeps at most one small chunk for reuse. */
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type. NULL at the cap or when n * size overflows. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t n, size_t size);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), (n), sizeof(type)))
/* Copies; a failed copy has p == NULL (also n == 0). An empty copy has p != NULL. */
MUST_CHECK struct str arena_str(struct arena *a, struct str s);
/* NUL-terminated copy or NULL. */
MUST_CHECK char *arena_z(struct arena *a, struct str s);
MUST_CHECK struct str arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * A growing array in an arena: makes room for one more element of the given size in *items, which
 * holds n elements and *cap slots. 0 or -E_LIMIT.
 */
MUST_CHECK int arena_grow(struct arena *a, void *items_pp, size_t n, size_t *cap, size_t size);

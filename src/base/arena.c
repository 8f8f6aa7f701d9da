/* SPDX-License-Identifier: MIT */
/*
 * Chunks in a list, newest first; the first of the list is the one that is being filled. The first
 * chunk is small (an idle connection must cost little), each further one twice as large up to
 * CHUNK_MAX. An allocation that would waste a chunk gets one of its own, put behind the first.
 *
 * Invariant: bytes of a chunk beyond ->used are zero, so arena_alloc() never clears anything.
 * Sanitizer builds give every allocation a chunk of its own and of the exact size
 * (ARENA_EXACT, set by the Makefile), so that they see each over-read.
 */
#include "base/arena.h"

#include "base/err.h"
#include "base/must.h"

#include <stdalign.h>
#include <stdio.h>

#define CHUNK_FIRST 2048
#define CHUNK_MAX 65536

#ifndef ARENA_EXACT
#define ARENA_EXACT 0
#endif

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* of data */
	size_t used;
	alignas(max_align_t) char data[];
};

void arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){ .cap = cap, .purse = BUDGET_WORK };
}

void arena_init_held(struct arena *a, size_t cap)
{
	*a = (struct arena){ .cap = cap, .purse = BUDGET_HELD };
}

static size_t bytes_of(const struct arena_chunk *c)
{
	return sizeof(*c) + c->size;
}

/* What so many bytes of chunks have of the budget. */
static size_t counted(size_t bytes)
{
	return bytes > BUDGET_ARENA_FREE ? bytes - BUDGET_ARENA_FREE : 0;
}

static void give_back(struct arena *a, size_t bytes_left)
{
	budget_give(a->purse, counted(a->bytes) - counted(bytes_left));
	a->bytes = bytes_left;
}

static void free_chunks(struct arena_chunk *c)
{
	while (c != NULL) {
		struct arena_chunk *next = c->next;

		mem_free(c);
		c = next;
	}
}

void arena_fini(struct arena *a)
{
	if (a == NULL)
		return;
	free_chunks(a->chunks);
	give_back(a, 0);
	*a = (struct arena){ .cap = a->cap, .purse = a->purse };
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *keep = NULL;

	while (a->chunks != NULL && keep == NULL) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		if (c->size <= CHUNK_FIRST && !ARENA_EXACT)
			keep = c;
		else
			mem_free(c);
	}
	free_chunks(a->chunks);
	a->chunks = keep;
	give_back(a, keep != NULL ? bytes_of(keep) : 0);
	a->used = 0;
	if (keep == NULL)
		return;
	memset(keep->data, 0, keep->used);
	keep->next = NULL;
	keep->used = 0;
	a->used = sizeof(*keep);
}

/* A chunk with size bytes of data, already counted against cap and budget; NULL at either. */
static struct arena_chunk *chunk_new(struct arena *a, size_t size, size_t first_use)
{
	struct arena_chunk *c;
	size_t have = counted(a->bytes), more;

	if (first_use > SIZE_MAX - sizeof(*c) || a->used > a->cap ||
	    first_use + sizeof(*c) > a->cap - a->used)
		return NULL;
	more = counted(a->bytes + sizeof(*c) + size) - have;
	if (more > 0 && !budget_take(a->purse, have, more))
		return NULL;
	c = mem_alloc(1, sizeof(*c) + size);
	c->size = size;
	c->used = first_use;
	a->bytes += bytes_of(c);
	a->used += sizeof(*c) + first_use;
	return c;
}

static void *alloc_own_chunk(struct arena *a, size_t size)
{
	struct arena_chunk *c = chunk_new(a, size, size);

	if (c == NULL)
		return NULL;
	if (a->chunks == NULL) {
		a->chunks = c;
	} else {
		c->next = a->chunks->next;
		a->chunks->next = c;
	}
	return c->data;
}

static void *alloc_new_chunk(struct arena *a, size_t size)
{
	size_t chunk = a->chunks == NULL ? CHUNK_FIRST : a->chunks->size * 2;
	struct arena_chunk *c;

	if (chunk < CHUNK_FIRST)
		chunk = CHUNK_FIRST;
	if (chunk > CHUNK_MAX)
		chunk = CHUNK_MAX;
	if (ARENA_EXACT || size > chunk / 4)
		return alloc_own_chunk(a, size);
	c = chunk_new(a, chunk, size);
	if (c == NULL)
		return NULL;
	c->next = a->chunks;
	a->chunks = c;
	return c->data;
}

/* align: a power of two, at most that of max_align_t. */
static void *alloc_bytes(struct arena *a, size_t size, size_t align)
{
	struct arena_chunk *c = a->chunks;
	size_t at, end;

	if (size == 0)
		size = 1;
	if (size > a->cap)
		return NULL;
	if (c == NULL || ARENA_EXACT)
		return alloc_new_chunk(a, size);
	at = (c->used + align - 1) & ~(align - 1);
	if (at > c->size || size > c->size - at)
		return alloc_new_chunk(a, size);
	end = at + size;
	if (a->used > a->cap || end - c->used > a->cap - a->used)
		return NULL;
	a->used += end - c->used;
	c->used = end;
	return c->data + at;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return alloc_bytes(a, bytes, alignof(max_align_t));
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = alloc_bytes(a, s.n, 1);

	if (p == NULL)
		return (struct str){ NULL, 0 };
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

char *arena_z(struct arena *a, struct str s)
{
	char *p = s.n < SIZE_MAX ? alloc_bytes(a, s.n + 1, 1) : NULL;

	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	struct str s = { NULL, 0 };
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	must(n >= 0);
	p = alloc_bytes(a, (size_t)n + 1, 1);
	if (p == NULL)
		return s;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct str){ p, (size_t)n };
}

int arena_grow(struct arena *a, void *items_pp, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap < 8 ? 8 : *cap * 2;
	void *old, *items;

	if (n < *cap)
		return 0;
	items = arena_alloc(a, more, size);
	if (items == NULL)
		return -E_LIMIT;
	memcpy(&old, items_pp, sizeof(old));
	if (n > 0)
		memcpy(items, old, n * size);
	memcpy(items_pp, &items, sizeof(items));
	*cap = more;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Building a view: messages come in UID order, one by one or as whole chunks of an older view.
 * Whole chunks are shared; single messages gather in an open chunk. Chunks that became small are
 * copied and so joined with their neighbours.
 */
#include "store/store_int.h"

#include "base/must.h"

struct store_builder *store_build_new(void)
{
	struct store_builder *b = mem_resize(NULL, 1, sizeof(*b)); /* the open chunk is not cleared */

	b->chunks = NULL;
	b->n = b->cap = b->n_open = 0;
	return b;
}

static void push(struct store_builder *b, struct store_chunk *c)
{
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 16;
		b->chunks = mem_resize(b->chunks, b->cap, sizeof(struct store_chunk *));
	}
	b->chunks[b->n++] = c;
}

static void flush(struct store_builder *b)
{
	if (b->n_open == 0)
		return;
	push(b, store_chunk_new(b->open, b->n_open));
	b->n_open = 0;
}

void store_build_msg(struct store_builder *b, const struct store_msg *m)
{
	if (b->n_open == STORE_CHUNK)
		flush(b);
	b->open[b->n_open++] = *m;
}

void store_build_chunk(struct store_builder *b, struct store_chunk *c)
{
	if (b->n_open + c->n <= STORE_CHUNK / 2) {
		memcpy(&b->open[b->n_open], c->m, c->n * sizeof(*c->m));
		b->n_open += c->n;
		return;
	}
	flush(b);
	store_chunk_ref(c);
	push(b, c);
}

struct store_view *store_build_finish(struct store_builder *b)
{
	struct store_view *v = MEM_NEW(struct store_view);

	flush(b);
	v->refs = 1;
	v->n_chunks = b->n;
	v->chunks = mem_resize(b->chunks, b->n, sizeof(struct store_chunk *));
	v->first_seq = mem_alloc(b->n, sizeof(*v->first_seq));
	for (uint32_t i = 0; i < b->n; i++) {
		v->first_seq[i] = v->n + 1;
		v->n += v->chunks[i]->n;
	}
	b->chunks = NULL;
	b->n = b->cap = 0;
	return v;
}

void store_build_fini(struct store_builder *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		store_chunk_unref(b->chunks[i]);
	mem_free(b->chunks);
	b->chunks = NULL;
	b->n = b->cap = 0;
}

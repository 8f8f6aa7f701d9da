/* SPDX-License-Identifier: MIT */
/*
 * Keeping the trace: rows become findable in blocks, and old ones go. A block is one row that has the hashes of some thousand rows of
 * the trace, sorted. It only makes finding faster: rows beyond the last block are looked at one by one (trace_find.c).
 *
 * States of a row of the trace:
 *  1. written, behind all blocks (trace_row_write, in the transaction of what it tells).
 *  2. covered by a block (index_tx): found by it. A crash before leaves 1.
 *  3. older than queue.trace: gone (prune_tx), the oldest first; its block goes when all its rows are.
 */
#include "queue/trace_int.h"

#include <stdlib.h>

#include "base/clock.h"

#define BLOCK_ROWS 4096
#define BLOCK_KEYS (8 * BLOCK_ROWS) /* a block ends earlier with that many */
#define PRUNE_ROWS 1000             /* in one transaction */

uint32_t trace_load32(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

struct block {
	int64_t first, last;
	uint64_t *keys;
	size_t n, cap;
	size_t n_rows;
};

static int compare_keys(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

static void add_row(struct block *b, int64_t id, struct str keys)
{
	size_t n = keys.n / TRACE_KEY;

	if (b->n_rows++ == 0)
		b->first = id;
	b->last = id;
	if (b->n + n > b->cap) {
		b->cap = b->n + n > 2 * b->cap ? b->n + n : 2 * b->cap;
		b->keys = mem_resize(b->keys, b->cap, sizeof(*b->keys));
	}
	for (size_t i = 0; i < n; i++)
		b->keys[b->n++] = (uint64_t)trace_load32(keys.p + i * TRACE_KEY) << 32 | (uint32_t)(id - b->first);
}

/* The rows behind the last block, as many as make the next one. 1: enough, 0: not yet. */
static int gather(struct queue *q, struct block *b)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query last = { 0 };
	AUTO(db_done) struct db_query rows = { 0 };
	int rc = db_read_begin(store_db(q->store), &tx);

	if (rc < 0)
		return rc;
	db_query(tx, &last, SQL(TRACE_LAST_BLOCK), NULL, 0);
	rc = db_step(&last);
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &rows, SQL(TRACE_AFTER), DB_I(db_int(&last, 0)), DB_I(BLOCK_ROWS));
	while ((rc = db_step(&rows)) > 0 && b->n < BLOCK_KEYS)
		add_row(b, db_int(&rows, 0), db_text(&rows, 1));
	if (rc < 0)
		return rc;
	return b->n_rows >= BLOCK_ROWS || b->n >= BLOCK_KEYS;
}

static int index_tx(struct db_tx *tx, void *arg)
{
	struct block *b = arg;
	AUTO(buf_fini) struct buf keys = BUF_INIT(b->n * TRACE_BLOCK_KEY + 1);

	for (size_t i = 0; i < b->n; i++)
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_add_char(&keys, (char)(b->keys[i] >> shift));
	if (buf_overflowed(&keys))
		return -E_LIMIT;
	return DB_EXEC(tx, SQL(TRACE_BLOCK_ADD), DB_I(b->first), DB_I(b->last), DB_B(buf_str(&keys)));
}

/* 1: a block was made, 0: there are too few rows for one. */
static int make_block(struct queue *q)
{
	struct block b = { 0 };
	struct db_write_job w = { .fn = index_tx, .arg = &b, .durability = DB_LAZY };
	int rc = gather(q, &b);

	if (rc == 1) {
		qsort(b.keys, b.n, sizeof(*b.keys), compare_keys);
		rc = db_write(store_db(q->store), &w);
		rc = rc < 0 ? rc : 1;
	}
	mem_free(b.keys);
	return rc;
}

struct prune {
	int64_t before_s;
	int64_t n;
};

static int prune_tx(struct db_tx *tx, void *arg)
{
	struct prune *p = arg;
	const struct db_val v[] = { DB_I(p->before_s), DB_I(PRUNE_ROWS) };
	int rc = db_exec(tx, SQL(TRACE_PRUNE), v, ARRAY_LEN(v), &p->n);

	return rc < 0 || p->n == 0 ? rc : db_exec(tx, SQL(TRACE_PRUNE_BLOCKS), NULL, 0, NULL);
}

int queue_trace_tidy(struct queue *q)
{
	int64_t keep_ms = atomic_load(&q->trace_ms);
	struct prune p = { .before_s = (clock_wall_ms() - keep_ms) / 1000 };
	struct db_write_job w = { .fn = prune_tx, .arg = &p, .durability = DB_LAZY };
	int rc = make_block(q);

	if (rc != 0)
		return rc;
	rc = db_write(store_db(q->store), &w);
	return rc < 0 ? rc : p.n > PRUNE_ROWS / 2; /* a few young ones among them, of a clock that was wrong, stop nothing */
}

/* SPDX-License-Identifier: MIT */
/*
 * Finding stories: first the messages that what is asked for belongs to, the newest ones, then everything that is told of those. Hashes
 * say which rows to look at; the rows themselves say whether they are meant.
 */
#include "queue/trace_int.h"

#include <stdlib.h>

#define MESSAGES 100 /* of one address */

struct hits {
	int64_t v[QUEUE_TRACE_ROWS]; /* ids of rows, newest first */
	size_t n;
};

struct search {
	struct db_tx *tx;
	uint32_t keys[MESSAGES]; /* sorted */
	size_t n_keys;
	struct hits hits;
};

static int compare_u32(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return (a > b) - (a < b);
}

static int compare_newest(const void *pa, const void *pb)
{
	int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;

	return (a < b) - (a > b);
}

static bool is_full(const struct search *s)
{
	return s->hits.n == QUEUE_TRACE_ROWS;
}

static void add_hit(struct search *s, int64_t id)
{
	if (!is_full(s) && (s->hits.n == 0 || s->hits.v[s->hits.n - 1] != id))
		s->hits.v[s->hits.n++] = id;
}

/* Rows that no block covers: each is looked at, newest first. */
static int scan_tail(struct search *s, int64_t *ret_last)
{
	AUTO(db_done) struct db_query q = { 0 };
	AUTO(db_done) struct db_query rows = { 0 };
	int rc;

	db_query(s->tx, &q, SQL(TRACE_LAST_BLOCK), NULL, 0);
	rc = db_step(&q);
	if (rc < 0)
		return rc;
	*ret_last = db_int(&q, 0);
	DB_QUERY(s->tx, &rows, SQL(TRACE_TAIL), DB_I(*ret_last));
	while (!is_full(s) && (rc = db_step(&rows)) > 0) {
		struct str keys = db_text(&rows, 1);

		for (; keys.n >= TRACE_KEY; keys = str_skip(keys, TRACE_KEY)) {
			uint32_t key = trace_load32(keys.p);

			if (bsearch(&key, s->keys, s->n_keys, sizeof(key), compare_u32)) {
				add_hit(s, db_int(&rows, 0));
				break;
			}
		}
	}
	return rc < 0 ? rc : 0;
}

/* The first of the block's keys that is not smaller. */
static size_t lower_bound(struct str keys, uint32_t key)
{
	size_t lo = 0, hi = keys.n / TRACE_BLOCK_KEY;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (trace_load32(keys.p + mid * TRACE_BLOCK_KEY) < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* What is in one block; all of it, as it is sorted by hash and wanted by age. */
static void scan_block(struct search *s, int64_t first, struct str keys)
{
	size_t n = 0, cap = 64;
	int64_t *found = mem_alloc(cap, sizeof(*found));

	for (size_t k = 0; k < s->n_keys; k++) {
		for (size_t i = lower_bound(keys, s->keys[k]); i < keys.n / TRACE_BLOCK_KEY; i++) {
			const char *p = keys.p + i * TRACE_BLOCK_KEY;

			if (trace_load32(p) != s->keys[k])
				break;
			if (n == cap)
				found = mem_resize(found, cap *= 2, sizeof(*found));
			found[n++] = first + trace_load32(p + 4);
		}
	}
	qsort(found, n, sizeof(*found), compare_newest);
	for (size_t i = 0; i < n; i++)
		add_hit(s, found[i]);
	mem_free(found);
}

static int scan(struct search *s)
{
	AUTO(db_done) struct db_query q = { 0 };
	int64_t last = 0;
	int rc;

	s->hits.n = 0;
	qsort(s->keys, s->n_keys, sizeof(*s->keys), compare_u32);
	rc = scan_tail(s, &last);
	if (rc < 0)
		return rc;
	db_query(s->tx, &q, SQL(TRACE_BLOCKS), NULL, 0);
	while (!is_full(s) && (rc = db_step(&q)) > 0)
		scan_block(s, db_int(&q, 0), db_text(&q, 1));
	return rc < 0 ? rc : 0;
}

/* ---- rows ---- */

/* The queue id that each story begins with; "" in one that is damaged. */
static struct str story_qid(struct str story)
{
	ptrdiff_t end;

	if (!str_starts(story, S("{\"qid\":\"")))
		return S("");
	story = str_skip(story, 8);
	end = str_chr(story, '"');
	return end < 0 ? S("") : str_head(story, (size_t)end);
}

/* text: as in JSON, without quotes, because a Message-ID stands in brackets. One that had no room for its recipients is believed its hashes. */
static bool story_has(struct str story, struct str text)
{
	return str_ifind(story, text) >= 0 || str_find(story, S(",\"recipients\":")) >= 0;
}

/* 1: it is there and *ret's texts are in the arena; 0: it was pruned meanwhile. */
static int load(struct search *s, struct arena *a, int64_t id, struct queue_trace_row *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(s->tx, &q, SQL(TRACE_ROW), DB_I(id));
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	ret->at_s = db_int(&q, 0);
	ret->event = (enum queue_trace_event)db_int(&q, 1);
	ret->json = arena_str(a, db_text(&q, 2));
	ret->qid = story_qid(ret->json);
	return ret->json.p ? 1 : -E_LIMIT;
}

/* The ids of the messages that are meant, newest first, each once. */
static int find_messages(struct search *s, struct str what, struct str *qids, struct arena *a, size_t *ret_n)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(8192);
	AUTO(arena_fini) struct arena row_arena;
	struct queue_trace_row row;
	size_t n = 0;

	trace_json_str(&text, what);
	arena_init(&row_arena, 2 * TRACE_STORY_MAX);
	for (size_t i = 0; i < s->hits.n && n < MESSAGES; i++) {
		int rc = load(s, &row_arena, s->hits.v[i], &row);
		struct str qid = { 0 };
		bool is_meant = rc == 1 && story_has(row.json, str_of(text.p + 1, text.n - 2));

		if (rc < 0)
			return rc;
		if (is_meant)
			qid = str_head(row.qid, TRACE_QID);
		for (size_t k = 0; k < n && is_meant; k++)
			is_meant = !str_eq(qids[k], qid);
		if (is_meant) {
			qids[n] = arena_str(a, qid);
			if (!qids[n++].p)
				return -E_LIMIT;
		}
		arena_reset(&row_arena);
	}
	*ret_n = n;
	return 0;
}

struct found {
	size_t message; /* 0 is the newest */
	int64_t id;
	struct queue_trace_row row;
};

/* Message after message, the oldest first; in each as it happened. */
static int compare_found(const void *pa, const void *pb)
{
	const struct found *a = pa, *b = pb;

	if (a->message != b->message)
		return (a->message < b->message) - (a->message > b->message);
	return (a->id > b->id) - (a->id < b->id);
}

static int read_stories(struct search *s, const struct str *qids, size_t n_qids, struct arena *a, struct queue_trace_row **ret, size_t *ret_n)
{
	struct found *v = ARENA_ARRAY(a, struct found, s->hits.n + 1);
	struct queue_trace_row *rows = ARENA_ARRAY(a, struct queue_trace_row, s->hits.n + 1);
	size_t n = 0;

	if (!v || !rows)
		return -E_LIMIT;
	for (size_t i = 0; i < s->hits.n; i++) {
		int rc = load(s, a, s->hits.v[i], &v[n].row);

		if (rc < 0)
			return rc;
		v[n].id = s->hits.v[i];
		for (v[n].message = 0; rc == 1 && v[n].message < n_qids; v[n].message++)
			if (str_eq(str_head(v[n].row.qid, TRACE_QID), qids[v[n].message]))
				break;
		n += rc == 1 && v[n].message < n_qids;
	}
	qsort(v, n, sizeof(*v), compare_found);
	for (size_t i = 0; i < n; i++)
		rows[i] = v[i].row;
	*ret = rows;
	*ret_n = n;
	return 0;
}

int queue_trace_find(struct queue *q, struct arena *a, struct str what, struct queue_trace_row **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct search *s = ARENA_NEW(a, struct search);
	struct str *qids = ARENA_ARRAY(a, struct str, MESSAGES);
	size_t n_qids = 0;
	int rc = s && qids ? db_read_begin(store_db(q->store), &tx) : -E_LIMIT;

	if (rc < 0)
		return rc;
	what = str_trim(what);
	if (what.n > 2 && what.p[0] == '<' && what.p[what.n - 1] == '>')
		what = str_of(what.p + 1, what.n - 2);
	s->tx = tx;
	s->keys[0] = trace_key(str_chr(what, '@') < 0 ? str_head(what, TRACE_QID) : what);
	s->n_keys = 1;
	rc = scan(s);
	if (rc == 0)
		rc = find_messages(s, what, qids, a, &n_qids);
	for (s->n_keys = 0; rc == 0 && s->n_keys < n_qids; s->n_keys++)
		s->keys[s->n_keys] = trace_key(qids[s->n_keys]);
	if (rc == 0)
		rc = scan(s);
	return rc == 0 ? read_stories(s, qids, n_qids, a, ret, ret_n) : rc;
}

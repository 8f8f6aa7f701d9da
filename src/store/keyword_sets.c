/* SPDX-License-Identifier: MIT */
/*
 * Sets of keywords that are no bits: made when a message first gets one, and found again by their members. A set that no message has any more
 * stays, because the next STORE may want it again; when a mailbox has many more sets than messages, or too many, those are swept away in the
 * transaction that needs another one, or that has removed messages. So what a mailbox keeps is bounded by its messages.
 */
#include "store/keywords_int.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/store_int.h"

#define SETS_FREE 64 /* a mailbox may have, however few its messages */

_Static_assert(LIMIT_IMAP_KEYWORDS <= UINT16_MAX && LIMIT_KEYWORD_SETS < STORE_SETS, "numbers");

struct store_set_map {
	uint16_t to[STORE_SETS];
	uint8_t is_known[STORE_SETS / 8];
};

void store_sets_end(struct store_sets *s)
{
	mem_free(s->held);
	mem_free(s->taken);
	mem_free(s->map);
	s->held = s->taken = NULL;
	s->map = NULL;
}

/* ---- bytes ---- */

struct str store_set_print(const struct store_keyword_list *l, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i] < STORE_KEYWORD_BITS)
			continue;
		to[n++] = (char)(l->v[i] >> 8);
		to[n++] = (char)(l->v[i] & 0xff);
	}
	return str_of(to, n);
}

bool store_set_parse(struct str bytes, struct store_keyword_list *ret)
{
	bool is_right = bytes.n > 0 && bytes.n % 2 == 0 && bytes.n <= STORE_SET_BYTES;
	unsigned last = STORE_KEYWORD_BITS - 1;

	ret->n = 0;
	for (; bytes.n >= 2 && ret->n < LIMIT_MESSAGE_KEYWORDS; bytes = str_skip(bytes, 2)) {
		unsigned number = (unsigned)(uint8_t)bytes.p[0] << 8 | (uint8_t)bytes.p[1];

		if (number <= last || number >= LIMIT_IMAP_KEYWORDS) {
			is_right = false;
			continue;
		}
		ret->v[ret->n++] = (uint16_t)number;
		last = number;
	}
	return is_right;
}

/* ---- finding one ---- */

static int get(struct db_tx *tx, int64_t mailbox, unsigned set, struct store_keyword_list *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	ret->n = 0;
	DB_QUERY(tx, &q, SQL(KEYWORD_SET_GET), DB_I(mailbox), DB_I(set));
	rc = db_step(&q);
	if (rc > 0)
		(void)store_set_parse(db_text(&q, 0), ret);
	return rc < 0 ? rc : 0;
}

/* 1, 0. */
static int find(struct db_tx *tx, int64_t mailbox, struct str members, unsigned *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(KEYWORD_SET_FIND), DB_I(mailbox), DB_B(members));
	rc = db_step(&q);
	if (rc > 0)
		*ret = (unsigned)db_int(&q, 0) % STORE_SETS;
	return rc;
}

static int count(struct db_tx *tx, struct store_sets *s)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	if (s->is_counted)
		return 0;
	DB_QUERY(tx, &q, SQL(KEYWORD_SET_COUNT), DB_I(s->box->id));
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	s->n = db_int(&q, 0);
	s->last = db_int(&q, 1);
	s->bytes = db_int(&q, 2);
	s->is_counted = true;
	return 0;
}

/* ---- sweeping ---- */

static int find_used(struct db_tx *tx, int64_t mailbox, uint8_t *used)
{
	AUTO(store_states_end) struct store_states_walk w = store_states_walk(tx, mailbox, NULL);
	int rc;

	while ((rc = store_states_next(&w)) > 0)
		for (unsigned i = 0; i < w.s.n; i++)
			store_set_note(used, store_set_of(w.s.v[i].flags));
	return rc;
}

/* All numbers that have a row. Those that come later are held. */
static int know_taken(struct db_tx *tx, struct store_sets *s)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	if (s->taken)
		return 0;
	s->taken = mem_alloc(STORE_SETS / 8, 1);
	DB_QUERY(tx, &q, SQL(KEYWORD_SET_LIST), DB_I(s->box->id), DB_I(0));
	while ((rc = db_step(&q)) > 0)
		store_set_note(s->taken, (unsigned)db_int(&q, 0) % STORE_SETS);
	return rc;
}

/* When the largest number goes, it comes again, and whatever the caller does next: views must know. */
static int remove_unused(struct db_tx *tx, struct store_sets *s, const uint8_t *used)
{
	bool is_last_gone = false;
	int rc = 0;

	for (unsigned i = 1; i < STORE_SETS && rc == 0; i++) {
		if (!store_set_has(s->taken, i) || store_set_has(used, i) || (s->held && store_set_has(s->held, i)))
			continue;
		rc = DB_EXEC(tx, SQL(KEYWORD_SET_REMOVE), DB_I(s->box->id), DB_I(i));
		s->taken[i / 8] &= (uint8_t)~(1 << (i % 8));
		is_last_gone |= i == s->last;
	}
	if (rc == 0 && is_last_gone)
		rc = DB_EXEC(tx, SQL(KEYWORD_EPOCH_NEXT), DB_I(s->box->id));
	s->is_counted = false;
	return rc < 0 ? rc : count(tx, s);
}

static int sweep(struct db_tx *tx, struct store_sets *s)
{
	AUTO(mem_auto_free) uint8_t *used = mem_alloc(STORE_SETS / 8, 1);
	int rc;

	s->is_swept = true;
	rc = know_taken(tx, s);
	if (rc == 0)
		rc = find_used(tx, s->box->id, used);
	return rc < 0 ? rc : remove_unused(tx, s, used);
}

/* More than its messages are likely to need. */
static bool has_many(const struct store_sets *s)
{
	return s->n >= SETS_FREE + 2 * (s->box->messages + s->box->d.messages);
}

int store_tx_sets_trim(struct db_tx *tx, const struct store_box *box)
{
	struct store_sets s = { .box = box };
	int rc = count(tx, &s);

	if (rc == 0 && has_many(&s))
		rc = sweep(tx, &s);
	store_sets_end(&s);
	return rc;
}

/* ---- a new one ---- */

static bool is_full(const struct store_sets *s, struct str members)
{
	return s->n >= LIMIT_KEYWORD_SETS || s->bytes + (int64_t)members.n > LIMIT_KEYWORD_SET_BYTES;
}

/* Behind the last; when there is no more, one that is free, and views read all anew. */
static int new_number(struct db_tx *tx, struct store_sets *s, unsigned *ret)
{
	int rc;

	if (s->last < STORE_SETS - 1) {
		*ret = (unsigned)++s->last;
		return 0;
	}
	rc = know_taken(tx, s);
	if (rc < 0)
		return rc;
	while (store_set_has(s->taken, ++s->free))
		must(s->free < STORE_SETS - 1); /* is_full() comes long before */
	*ret = s->free;
	return DB_EXEC(tx, SQL(KEYWORD_EPOCH_NEXT), DB_I(s->box->id));
}

static int make(struct db_tx *tx, struct store_sets *s, struct str members, unsigned *ret)
{
	int rc = count(tx, s);

	if (rc == 0 && (has_many(s) || is_full(s, members)) && !s->is_swept)
		rc = sweep(tx, s);
	if (rc == 0 && is_full(s, members))
		rc = -E_LIMIT;
	if (rc == 0)
		rc = new_number(tx, s, ret);
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(KEYWORD_SET_ADD), DB_I(s->box->id), DB_I(*ret), DB_B(members));
	if (rc < 0)
		return rc;
	s->n++;
	s->bytes += (int64_t)members.n;
	return 0;
}

static int find_or_make(struct db_tx *tx, struct store_sets *s, const struct store_keyword_list *l,
			unsigned *ret)
{
	char bytes[STORE_SET_BYTES];
	struct str members = store_set_print(l, bytes);
	int rc;

	*ret = 0;
	if (members.n == 0)
		return 0;
	if (!s->held)
		s->held = mem_alloc(STORE_SETS / 8, 1);
	rc = find(tx, s->box->id, members, ret);
	if (rc == 0)
		rc = make(tx, s, members, ret);
	if (rc < 0)
		return rc;
	store_set_note(s->held, *ret);
	return 0;
}

/* ---- flags ---- */

int store_tx_keyword_flags(struct db_tx *tx, struct store_sets *s,
			   const struct store_keyword_list *l, uint64_t *ret)
{
	uint64_t flags = 0;
	unsigned set;
	int rc = find_or_make(tx, s, l, &set);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l->n && l->v[i] < STORE_KEYWORD_BITS; i++)
		flags |= (uint64_t)1 << (STORE_KEYWORD_BIT + l->v[i]);
	*ret = flags | (uint64_t)set << STORE_SET_BIT;
	return 0;
}

int store_tx_keyword_list(struct db_tx *tx, int64_t mailbox, uint64_t flags,
			  struct store_keyword_list *ret)
{
	struct store_keyword_list more = { .n = 0 };
	int rc = store_set_of(flags) ? get(tx, mailbox, store_set_of(flags), &more) : 0;

	must(ret->n == 0);
	for (unsigned i = 0; i < STORE_KEYWORD_BITS; i++)
		if (flags >> (STORE_KEYWORD_BIT + i) & 1)
			ret->v[ret->n++] = (uint16_t)i;
	for (size_t i = 0; i < more.n && ret->n < ARRAY_LEN(ret->v); i++)
		ret->v[ret->n++] = more.v[i];
	return rc;
}

int store_tx_set_change(struct db_tx *tx, struct store_sets *s, unsigned set,
			const struct store_keyword_list *l, bool is_add)
{
	struct store_keyword_list members = { .n = 0 };
	unsigned to = 0;
	int rc;

	if (!s->map)
		s->map = mem_alloc(1, sizeof(*s->map));
	if (store_set_has(s->map->is_known, set))
		return 0;
	rc = set ? get(tx, s->box->id, set, &members) : 0;
	for (size_t i = 0; i < l->n && rc == 0; i++) {
		if (l->v[i] < STORE_KEYWORD_BITS)
			continue;
		if (!is_add)
			store_keyword_list_remove(&members, l->v[i]);
		else if (!store_keyword_list_add(&members, l->v[i]))
			rc = -E_LIMIT;
	}
	if (rc == 0)
		rc = find_or_make(tx, s, &members, &to);
	if (rc < 0)
		return rc;
	s->map->to[set] = (uint16_t)to;
	store_set_note(s->map->is_known, set);
	return 0;
}

const uint16_t *store_sets_map(const struct store_sets *s)
{
	return s->map ? s->map->to : NULL;
}

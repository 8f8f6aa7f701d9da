/* SPDX-License-Identifier: MIT */
/*
 * Messages from another mail system.
 *
 * States of a message of the source, who moves it on, what a crash leaves:
 *  1. it is at the source only. Its key stands nowhere.
 *  2. its body was appended to a pack and synced (db_write): dead space that no row names.
 *  3. content, message, counters and its key were written in one transaction (import_tx): gone with the transaction.
 *  4. committed and synced: the message exists, and the key says so. Whoever imports the source again, after whatever crash,
 *     is told by store_import_have(), and import_tx() itself leaves it out.
 *  5. the message is expunged or moved: the key stays, so that it does not come back. Keys go with their mailbox (purge.c).
 *
 * States of a mailbox that keeps the UIDs of its source:
 *  1. it never had a message (uidnext 1). Its UIDVALIDITY is our own; no UID was ever given under it, so none fails to
 *     persist when it changes (RFC 9051 2.3.1.1). A session that has the mailbox open goes on with the old one until it selects again.
 *  2. store_import_begin(): its UIDVALIDITY is that of the source, UIDs below the source's UIDNEXT are reserved.
 *  3. messages come in the order of their UIDs. What is delivered meanwhile gets a UID beyond the reserved ones; from then on
 *     UIDs of the source are smaller than UIDNEXT and cannot be kept (RFC 9051 2.3.1.1: UIDs only grow): such a message gets a
 *     new one. A UID of the source never names another message.
 */
#include "store/import.h"

#include "base/must.h"
#include "store/store_int.h"

#define AHEAD_S 86400

/* ---- beginning ---- */

struct begin {
	struct store *s;
	int64_t mailbox;
	uint32_t uidvalidity, uidnext;
	bool keeps, was_begun;
};

static int has_any(struct db_tx *tx, int64_t mailbox)
{
	AUTO(db_done) struct db_query q = { 0 };

	DB_QUERY(tx, &q, SQL(IMPORT_ANY), DB_I(mailbox));
	return db_step(&q);
}

/*
 * Ours come from a counter that follows the clock. It is moved on to a larger one, so that a name that comes back has a larger one still;
 * one that is far ahead would use it up.
 */
static bool may_adopt(const struct begin *b, const struct store_box *box)
{
	return b->uidvalidity != 0 && b->uidvalidity != box->uidvalidity && box->uidnext == 1 &&
	       b->uidvalidity <= store_now_s() + AHEAD_S;
}

static int begin_tx(struct db_tx *tx, void *arg)
{
	struct begin *b = arg;
	struct store_box box;
	int rc = store_tx_box(tx, b->mailbox, &box);

	if (rc < 0)
		return rc;
	rc = has_any(tx, b->mailbox);
	if (rc < 0)
		return rc;
	b->was_begun = rc > 0;
	rc = 0;
	if (may_adopt(b, &box)) {
		rc = DB_EXEC(tx, SQL(IMPORT_ADOPT), DB_I(box.id), DB_I(b->uidvalidity));
		if (rc == 0)
			rc = DB_EXEC(tx, SQL(IMPORT_COUNTER), DB_I(b->uidvalidity));
		box.uidvalidity = b->uidvalidity;
	}
	b->keeps = b->uidvalidity != 0 && box.uidvalidity == b->uidvalidity;
	if (rc == 0 && b->keeps)
		rc = DB_EXEC(tx, SQL(IMPORT_RESERVE), DB_I(box.id), DB_I(b->uidnext));
	return rc < 0 ? rc : store_tx_box_change(b->s, tx, &box);
}

int store_import_begin(struct store *s, int64_t mailbox, uint32_t uidvalidity, uint32_t uidnext, bool *ret_keeps,
		       bool *ret_was_begun)
{
	struct begin b = { .s = s, .mailbox = mailbox, .uidvalidity = uidvalidity, .uidnext = uidnext };
	int rc = db_write(s->db, &(struct db_write_job){ .fn = begin_tx, .arg = &b, .durability = DB_DURABLE });

	if (rc < 0)
		return rc;
	*ret_keeps = b.keeps;
	*ret_was_begun = b.was_begun;
	return 0;
}

/* ---- asking ---- */

static int has_key(struct db_tx *tx, int64_t mailbox, struct str key)
{
	AUTO(db_done) struct db_query q = { 0 };

	DB_QUERY(tx, &q, SQL(IMPORT_HAS), DB_I(mailbox), DB_B(key));
	return db_step(&q);
}

int store_import_have(struct store *s, int64_t mailbox, struct str keys, bool *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < keys.n / STORE_IMPORT_KEY; i++) {
		rc = has_key(tx, mailbox, str_of(keys.p + i * STORE_IMPORT_KEY, STORE_IMPORT_KEY));
		if (rc < 0)
			return rc;
		ret[i] = rc > 0;
	}
	return 0;
}

/* ---- adding ---- */

struct job {
	struct store *s;
	int64_t mailbox;
	const struct store_import *v;
	const struct db_body *bodies;
	size_t n;
	struct store_imported *imported;
	struct arena a;
	struct store_box box;
	struct store_keyword_names keywords;
	struct store_sets sets;
};

/* 1: the key is new and kept now; 0: it was there. */
static int take_key(struct job *j, struct db_tx *tx, const struct store_import *v)
{
	struct db_val args[] = { DB_I(j->mailbox), DB_B(str_of(v->key, sizeof(v->key))) };
	int64_t changes = 0;
	int rc = db_exec(tx, SQL(IMPORT_ADD), args, ARRAY_LEN(args), &changes);

	return rc < 0 ? rc : changes > 0;
}

/* Without those that are no bits. */
static void keep_bits(struct store_keyword_list *l, unsigned *lost)
{
	while (l->n > 0 && l->v[l->n - 1] >= STORE_KEYWORD_BITS) {
		l->n--;
		(*lost)++;
	}
}

/* A keyword that the mailbox has no room for is no reason to lose a message. */
static int flags_of(struct job *j, struct db_tx *tx, const struct store_import *v, uint64_t *ret, unsigned *ret_lost)
{
	struct store_keyword_list l = { .n = 0 };
	unsigned lost = 0;
	uint64_t bits = 0;
	int rc;

	for (size_t i = 0; i < v->n_keywords; i++) {
		rc = store_tx_keyword_numbers(tx, j->mailbox, &j->keywords, &v->keywords[i], 1, true, &l);
		if (rc < 0 && rc != -E_LIMIT && rc != -E_SYNTAX)
			return rc;
		lost += rc < 0;
	}
	rc = store_tx_keyword_flags(tx, &j->sets, &l, &bits);
	if (rc == -E_LIMIT) {
		keep_bits(&l, &lost);
		rc = store_tx_keyword_flags(tx, &j->sets, &l, &bits);
	}
	*ret = (v->flags & STORE_SYSTEM_FLAGS) | bits;
	*ret_lost = lost;
	return rc;
}

static int import_one(struct job *j, struct db_tx *tx, size_t i)
{
	const struct store_import *v = &j->v[i];
	struct store_imported *done = &j->imported[i];
	struct store_adding m = {
		.internaldate_s = v->internaldate_s ? v->internaldate_s : store_now_s(),
		.size = (int64_t)v->content->bytes.n,
		.uid = v->uid,
	};
	int rc = take_key(j, tx, v);

	*done = (struct store_imported){ 0 };
	if (rc <= 0)
		return rc;
	rc = flags_of(j, tx, v, &m.flags, &done->lost_keywords);
	if (rc == 0)
		rc = store_tx_content_add(tx, v->content, &j->bodies[i].ref, &m.content);
	if (rc == 0)
		rc = store_tx_thread(tx, j->box.account, v->content, m.content, &m.thread);
	return rc < 0 ? rc : store_tx_box_add(tx, &j->box, &m, &done->uid);
}

static int import_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int rc = store_tx_box(tx, j->mailbox, &j->box);

	if (rc == 0)
		rc = store_tx_keywords(tx, &j->a, j->mailbox, &j->keywords);
	for (size_t i = 0; i < j->n && rc == 0; i++)
		rc = import_one(j, tx, i);
	return rc < 0 ? rc : store_tx_box_change(j->s, tx, &j->box);
}

int store_import(struct store *s, int64_t mailbox, const struct store_import *v, size_t n, struct store_imported *ret)
{
	AUTO(mem_auto_free) struct db_body *bodies = mem_alloc(n, sizeof(*bodies));
	AUTO(mem_auto_free) struct store_imported *imported = mem_alloc(n, sizeof(*imported));
	struct job j = { .s = s, .mailbox = mailbox, .v = v, .bodies = bodies, .n = n, .imported = imported };
	int rc;

	must(n > 0);
	arena_init(&j.a, STORE_KEYWORD_ARENA);
	j.sets.box = &j.box;
	for (size_t i = 0; i < n; i++)
		bodies[i].bytes = v[i].content->bytes;
	rc = db_write(s->db, &(struct db_write_job){ .fn = import_tx, .arg = &j, .durability = DB_DURABLE,
						     .bodies = bodies, .n_bodies = n });
	arena_fini(&j.a);
	store_sets_end(&j.sets);
	if (rc == 0)
		memcpy(ret, imported, n * sizeof(*ret));
	return rc;
}

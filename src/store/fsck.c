/* SPDX-License-Identifier: MIT */
/*
 * The check of the store, each pass of many short snapshots that go on after the last id they saw:
 *
 *  1. the tables themselves, as the database engine sees them, one after the other; rows that name
 *     nothing; the counter of UIDVALIDITYs;
 *  2. each account: counters against the sums over its mailboxes;
 *  3. each mailbox: counters, UIDNEXT and mod-sequences against its messages; and mailbox ids
 *     that only messages know;
 *  4. packs: their rows against files and contents;
 *  5. contents, REFS_STEP ids at a time: references and sizes against the rows that name them.
 *     The rows of contents and of those who name them come in order of content and are merged;
 *  6. each body: its record in the pack against its checksum, with no snapshot open
 *     (fsck_bodies.c); and whose the bad ones are.
 *
 * A repair goes through 1 to 5 again and again until there is nothing left that it can repair (one
 * repair shows another: a size that is set right is missing in the sum), then through 6, and at last looks
 * only, and says what stays.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/must.h"
#include "store/fsck_int.h"

#define REFS_STEP 200000
#define PENDING_MAX 10000 /* faults of one snapshot; the rest comes in the next round */
#define ROUNDS_MAX 8

bool fsck_is_stopped(const struct fsck *c)
{
	return atomic_load(&c->s->is_keep_stopped);
}

/* ---- faults ---- */

static void keep(struct fsck *c, const struct fsck_damage *d, const char *text_z)
{
	if (c->n_pending == PENDING_MAX) {
		c->n_repaired++; /* there has to be another round */
		return;
	}
	if (c->n_pending == c->cap_pending) {
		c->cap_pending = c->cap_pending ? 2 * c->cap_pending : 64;
		c->pending = mem_resize(c->pending, c->cap_pending, sizeof(*c->pending));
	}
	c->pending[c->n_pending] = *d;
	c->pending[c->n_pending++].text_z = mem_dup_z(str_z(text_z));
}

static void say_or_keep(struct fsck *c, const struct fsck_damage *d, const char *text_z)
{
	char with_why[2 * FSCK_TEXT];

	if (c->is_repairing) {
		keep(c, d, text_z);
		return;
	}
	if (c->job->say.repaired) {
		snprintf(with_why, sizeof(with_why), "%s; %s", text_z, fsck_why_not(d->kind));
		text_z = with_why;
	}
	c->job->say.found(c->job->say.ctx, text_z);
}

void fsck_found(struct fsck *c, enum fsck_kind kind, int64_t id, int64_t by, const char *format, ...)
{
	const struct fsck_damage d = { .kind = kind, .id = id, .by = by };
	char text[FSCK_TEXT];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	say_or_keep(c, &d, text);
}

void fsck_found_table(struct fsck *c, const char *table_z, struct str what)
{
	const struct fsck_damage d = { .kind = FSCK_TABLE, .name_z = table_z };
	char text[FSCK_TEXT];

	snprintf(text, sizeof(text), "table %s: %" STR_FMT, table_z, STR_ARG(what));
	say_or_keep(c, &d, text);
}

void fsck_found_bad(struct fsck *c, int64_t content, enum fsck_bad_why why)
{
	if (c->n_bad == c->cap_bad) {
		c->cap_bad = c->cap_bad ? 2 * c->cap_bad : 64;
		c->bad = mem_resize(c->bad, c->cap_bad, sizeof(*c->bad));
	}
	c->bad[c->n_bad++] = (struct fsck_bad){ content, why };
}

/* A counter and what was counted. */
struct pair {
	const char *name;
	int kept, counted; /* column of a row; place in what was counted */
	bool is_at_least;  /* kept may be larger */
};

static void compare(struct fsck *c, enum fsck_kind kind, const char *who_z, const struct pair *pairs,
		    size_t n, struct db_query *kept, const int64_t *counted)
{
	for (size_t i = 0; i < n; i++) {
		const struct pair *p = &pairs[i];
		int64_t k = db_int(kept, p->kept), m = counted[p->counted];

		if (p->is_at_least ? k < m : k != m)
			fsck_found(c, kind, db_int(kept, 0), 0, "%s: %s is %" PRId64 "%s%" PRId64,
				   who_z, p->name, k,
				   p->is_at_least ? ", must be at least " : ", counted ", m);
	}
}

/* ---- 1: tables ---- */

int fsck_check_table(struct fsck *c, const char *table_z)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_TABLE), DB_T(str_z(table_z)));
	while ((rc = db_step(&q)) > 0)
		if (!str_eq(db_text(&q, 0), S("ok")))
			fsck_found_table(c, table_z, db_text(&q, 0));
	return rc;
}

static int check_tables(struct fsck *c)
{
	static const char *const tables[] = {
		"accounts", "credentials", "domains",  "aliases",  "mailboxes", "subscriptions",
		"keywords", "messages",    "expunged", "contents", "threads",   "annotations",
		"sort_keys", "packs", "rights", "url_keys", "imports", "index_segments", "message_annotations",
		"forwards", "content_refs", "message_states", "keyword_sets",
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables) && rc == 0; i++) {
		rc = fsck_check_table(c, tables[i]);
		rc = rc < 0 ? rc : fsck_settle(c);
	}
	for (size_t i = 0; i < c->job->n_tables && rc == 0; i++) {
		rc = fsck_check_table(c, c->job->tables[i]);
		rc = rc < 0 ? rc : fsck_settle(c);
	}
	return rc;
}

/* ---- 1: rows that name nothing, and the counter ---- */

const struct fsck_left_over fsck_left_overs[FSCK_LEFT_OVERS] = {
	{ "credentials: rows of accounts that are not there", STORE_SQL_FSCK_LEFT_CREDENTIALS,
	  STORE_SQL_REPAIR_LEFT_CREDENTIALS },
	{ "aliases: rows of accounts that are not there", STORE_SQL_FSCK_LEFT_ALIASES,
	  STORE_SQL_REPAIR_LEFT_ALIASES },
	{ "subscriptions: rows of accounts that are not there", STORE_SQL_FSCK_LEFT_SUBSCRIPTIONS,
	  STORE_SQL_REPAIR_LEFT_SUBSCRIPTIONS },
	{ "threads: rows of accounts that are not there", STORE_SQL_FSCK_LEFT_THREADS,
	  STORE_SQL_REPAIR_LEFT_THREADS },
	{ "keywords: rows of mailboxes that are not there", STORE_SQL_FSCK_LEFT_KEYWORDS,
	  STORE_SQL_REPAIR_LEFT_KEYWORDS },
	{ "keyword_sets: rows of mailboxes that are not there", STORE_SQL_FSCK_LEFT_KEYWORD_SETS,
	  STORE_SQL_REPAIR_LEFT_KEYWORD_SETS },
	{ "expunged: rows of mailboxes that are not there", STORE_SQL_FSCK_LEFT_EXPUNGED,
	  STORE_SQL_REPAIR_LEFT_EXPUNGED },
	{ "message_states: rows of mailboxes that are not there", STORE_SQL_FSCK_LEFT_STATES,
	  STORE_SQL_REPAIR_LEFT_STATES },
	{ "annotations: rows of mailboxes or users that are not there",
	  STORE_SQL_FSCK_LEFT_ANNOTATIONS, STORE_SQL_REPAIR_LEFT_ANNOTATIONS },
	{ "message_annotations: rows of messages or users that are not there",
	  STORE_SQL_FSCK_LEFT_NOTES, STORE_SQL_REPAIR_LEFT_NOTES },
	{ "rights: rows of mailboxes or accounts that are not there", STORE_SQL_FSCK_LEFT_RIGHTS,
	  STORE_SQL_REPAIR_LEFT_RIGHTS },
	{ "url_keys: rows of mailboxes or accounts that are not there", STORE_SQL_FSCK_LEFT_URL_KEYS,
	  STORE_SQL_REPAIR_LEFT_URL_KEYS },
	{ "imports: rows of mailboxes that are not there", STORE_SQL_FSCK_LEFT_IMPORTS,
	  STORE_SQL_REPAIR_LEFT_IMPORTS },
	{ "index_segments: rows of accounts that are not there", STORE_SQL_FSCK_LEFT_SEGMENTS,
	  STORE_SQL_REPAIR_LEFT_SEGMENTS },
	{ "sort_keys: rows of contents that are not there", STORE_SQL_FSCK_LEFT_KEYS,
	  STORE_SQL_REPAIR_LEFT_KEYS },
	{ "content_refs: rows of contents that are not there", STORE_SQL_FSCK_LEFT_REFS,
	  STORE_SQL_REPAIR_LEFT_REFS },
};

static int check_left_over(struct fsck *c, int64_t i)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	db_query(tx, &q, &store_sql[fsck_left_overs[i].count], NULL, 0);
	rc = db_step(&q);
	if (rc > 0 && db_int(&q, 0) > 0)
		fsck_found(c, FSCK_LEFT_OVER, i, 0, "%s: %" PRId64, fsck_left_overs[i].what_z,
			   db_int(&q, 0));
	return rc < 0 ? rc : 0;
}

static int check_counter(struct fsck *c)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	db_query(tx, &q, SQL(FSCK_COUNTER), NULL, 0);
	rc = db_step(&q);
	if (rc > 0 && db_int(&q, 0) < db_int(&q, 1))
		fsck_found(c, FSCK_COUNTER, 0, 0,
			   "last UIDVALIDITY: is %" PRId64 ", must be at least %" PRId64,
			   db_int(&q, 0), db_int(&q, 1));
	return rc < 0 ? rc : 0;
}

/* Behind what gives mailboxes and accounts back to rows that name them. */
static int check_rest(struct fsck *c)
{
	int rc = check_counter(c);

	for (int64_t i = 0; rc == 0 && i < FSCK_LEFT_OVERS; i++)
		rc = check_left_over(c, i);
	return rc < 0 ? rc : fsck_settle(c);
}

/* ---- 2: accounts ---- */

/* 1: there was one after *id, which is moved on; 0: that was all. */
static int check_account(struct fsck *c, int64_t *id)
{
	static const struct pair pairs[] = {
		{ "used", 2, 0, false },
		{ "messages", 3, 1, false },
		{ "modseq", 4, 2, true },
		{ "annotation_bytes", 8, 3, false },
	};
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	char who[FSCK_TEXT / 2];
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_ACCOUNT), DB_I(*id));
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	*id = db_int(&q, 0);
	c->n.accounts++;
	snprintf(who, sizeof(who), "account %" STR_FMT, STR_ARG(db_text(&q, 1)));
	compare(c, FSCK_ACCOUNT, who, pairs, ARRAY_LEN(pairs), &q,
		(const int64_t[]){ db_int(&q, 5), db_int(&q, 6), db_int(&q, 7), db_int(&q, 9) });
	return 1;
}

/* ---- 3: mailboxes ---- */

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int count_mailbox(struct fsck *c, struct db_tx *tx, const char *who_z, struct db_query *box)
{
	static const struct pair pairs[] = {
		{ "messages", 3, 0, false },
		{ "unseen", 4, 1, false },
		{ "deleted", 5, 2, false },
		{ "bytes", 6, 3, false },
		{ "uidnext", 7, 4, true },
		{ "highestmodseq", 8, 5, true },
		{ "modseq of the account", 9, 6, true },
		{ "number of UIDs both there and expunged", 10, 7, false },
		{ "number of messages whose flags are damaged", 10, 8, false },
		{ "number of keywords that are none", 10, 9, false },
		{ "number of sets of keywords that are damaged", 10, 10, false },
	};
	AUTO(db_done) struct db_query q = { 0 };
	struct store_states_sum sum;
	struct store_keywords_sum keywords;
	int64_t mailbox = db_int(box, 0), modseq;
	int rc;

	DB_QUERY(tx, &q, SQL(FSCK_MAILBOX_COUNT), DB_I(mailbox));
	rc = db_step(&q);
	if (rc > 0)
		rc = store_tx_states_sum(tx, mailbox, &sum);
	if (rc == 0)
		rc = store_tx_keywords_sum(tx, mailbox, sum.flags, &keywords);
	if (rc < 0)
		return rc;
	c->n.messages += db_int(&q, 0);
	modseq = larger(sum.modseq, db_int(&q, 3));
	compare(c, FSCK_MAILBOX, who_z, pairs, ARRAY_LEN(pairs), box,
		(const int64_t[]){ db_int(&q, 0), sum.unseen, sum.deleted, db_int(&q, 1),
				   db_int(&q, 2), modseq, larger(modseq, db_int(&q, 4)),
				   db_int(&q, 5), sum.wrong, keywords.wrong_names,
				   keywords.wrong_sets });
	return 1;
}

static int check_mailbox(struct fsck *c, int64_t *id)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	char who[FSCK_TEXT / 2];
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_MAILBOX), DB_I(*id));
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	*id = db_int(&q, 0);
	c->n.mailboxes++;
	snprintf(who, sizeof(who), "mailbox %" PRId64 " (%" STR_FMT ")", *id,
		 STR_ARG(db_text(&q, 2)));
	if (!db_is_null(&q, 9))
		return count_mailbox(c, tx, who, &q);
	fsck_found(c, FSCK_NO_ACCOUNT, db_int(&q, 1), 0, "%s: its account %" PRId64 " is missing", who,
		   db_int(&q, 1));
	return 1;
}

/* Messages of a mailbox without a row. */
static int check_orphan(struct fsck *c, int64_t *id)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_ORPHAN), DB_I(*id));
	rc = db_step(&q);
	if (rc <= 0 || db_is_null(&q, 0))
		return rc < 0 ? rc : 0;
	*id = db_int(&q, 0);
	if (!db_int(&q, 1))
		fsck_found(c, FSCK_NO_MAILBOX, *id, 0, "mailbox %" PRId64 ": missing, but has messages",
			   *id);
	return 1;
}

/* ---- 4: packs ---- */

static int is_named(struct fsck *c, int64_t pack)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(PACK_NAMED), DB_I(pack));
	return db_step(&q);
}

/*
 * A pack may be emptied and removed since its row was read. In a backup, one of which nothing is named any more is what an
 * earlier one has copied of it.
 */
static int check_pack_file(struct fsck *c, int64_t pack, int64_t size, int64_t counted)
{
	int64_t bytes = 0;
	int rc = blob_pack_bytes(c->s->db, pack, &bytes);

	if (rc < 0 && rc != -E_NOT_FOUND)
		return rc;
	if (rc == 0 && bytes != size && counted > 0)
		fsck_found(c, FSCK_PACK_FILE, pack, 0,
			   "pack %" PRId64 ": has %" PRId64 " bytes, its row says %" PRId64, pack, bytes,
			   size);
	if (rc == -E_NOT_FOUND && counted > 0 && is_named(c, pack) > 0)
		fsck_found(c, FSCK_PACK_FILE, pack, 0,
			   "pack %" PRId64 ": the file is missing, but %" PRId64 " bytes of it are named",
			   pack, counted);
	return 0;
}

static int check_pack(struct fsck *c, int64_t *id)
{
	struct db_tx *tx = NULL;
	struct db_query q = { 0 };
	int64_t live, size, counted;
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_PACK), DB_I(*id));
	rc = db_step(&q);
	*id = rc > 0 ? db_int(&q, 0) : *id;
	size = rc > 0 ? db_int(&q, 1) : 0;
	live = rc > 0 ? db_int(&q, 2) : 0;
	counted = rc > 0 ? db_int(&q, 3) : 0;
	db_done(&q);
	db_read_end(&tx);
	if (rc <= 0)
		return rc;
	if (live != counted)
		fsck_found(c, FSCK_PACK, *id, 0, "pack %" PRId64 ": live is %" PRId64 ", counted %" PRId64,
			   *id, live, counted);
	rc = check_pack_file(c, *id, size, counted);
	return rc < 0 ? rc : 1;
}

/* ---- 5: references ---- */

/* One ordered list of (content, rows, smallest size, largest size). */
struct holder {
	struct db_query q;
	int64_t content; /* INT64_MAX: no more */
};

static int holder_next(struct holder *h)
{
	int rc = db_step(&h->q);

	h->content = rc > 0 ? db_int(&h->q, 0) : INT64_MAX;
	return rc < 0 ? rc : 0;
}

static void holder_fini(struct holder (*h)[1 + STORE_FSCK_REFS])
{
	for (size_t i = 0; i < ARRAY_LEN(*h); i++)
		db_done(&(*h)[i].q);
}

/* Takes all that name the content; size: what they have to say about it, -1: nothing. */
static int take_holders(struct fsck *c, struct holder *h, size_t n, int64_t content, int64_t size,
			int64_t *ret_rows)
{
	*ret_rows = 0;
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (h[i].content != content)
			continue;
		*ret_rows += db_int(&h[i].q, 1);
		if (size >= 0 && (db_int(&h[i].q, 2) != size || db_int(&h[i].q, 3) != size))
			fsck_found(c, FSCK_SIZE, content, 0,
				   "content %" PRId64 ": has %" PRId64 " bytes, rows say otherwise",
				   content, size);
		rc = holder_next(&h[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Contents that somebody names, below that id, are missing. */
static int missing_below(struct fsck *c, struct holder *h, size_t n, int64_t below)
{
	int64_t lowest, rows = 0;
	int rc = 0;

	do {
		lowest = INT64_MAX;
		for (size_t i = 0; i < n; i++)
			lowest = h[i].content < lowest ? h[i].content : lowest;
		if (lowest >= below)
			return 0;
		rc = take_holders(c, h, n, lowest, -1, &rows);
		fsck_found(c, FSCK_NO_CONTENT, lowest, 0,
			   "content %" PRId64 ": missing, but %" PRId64 " rows name it", lowest, rows);
		fsck_found_bad(c, lowest, FSCK_BAD_ROW);
	} while (rc == 0);
	return rc;
}

static int merge(struct fsck *c, struct db_query *contents, struct holder *h, size_t n)
{
	int64_t rows = 0;
	int rc, r;

	while ((rc = db_step(contents)) > 0) {
		int64_t id = db_int(contents, 0), refs = db_int(contents, 1);

		r = missing_below(c, h, n, id);
		if (r == 0)
			r = take_holders(c, h, n, id, db_int(contents, 2), &rows);
		if (r < 0)
			return r;
		if (refs != rows)
			fsck_found(c, FSCK_REFS, id, rows - refs,
				   "content %" PRId64 ": refs is %" PRId64 ", counted %" PRId64, id, refs,
				   rows);
		else if ((refs == 0) == db_is_null(contents, 3))
			fsck_found(c, FSCK_REFS, id, 0,
				   "content %" PRId64 ": refs and dead_since do not agree", id);
	}
	return rc < 0 ? rc : missing_below(c, h, n, INT64_MAX);
}

static int check_refs(struct fsck *c, int64_t lo, int64_t hi)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	AUTO(holder_fini) struct holder h[1 + STORE_FSCK_REFS] = { 0 };
	size_t n = 1 + c->job->n_refs;
	int rc = db_read_begin(c->s->db, &tx);

	must(c->job->n_refs <= STORE_FSCK_REFS);
	for (size_t i = 0; i < n && rc == 0; i++) {
		DB_QUERY(tx, &h[i].q, i ? c->job->refs[i - 1].sql : SQL(FSCK_MESSAGE_REFS),
			 DB_I(lo), DB_I(hi));
		rc = holder_next(&h[i]);
	}
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_CONTENT_REFS), DB_I(lo), DB_I(hi));
	return merge(c, &q, h, n);
}

/* Past the last id of contents the rest is asked for at once: nothing should be there. */
static int check_all_refs(struct fsck *c, int64_t last)
{
	int64_t lo = INT64_MIN, hi = REFS_STEP;
	int rc;

	for (; hi < last; lo = hi + 1, hi += REFS_STEP) {
		rc = fsck_is_stopped(c) ? -E_CLOSED : check_refs(c, lo, hi);
		rc = rc < 0 ? rc : fsck_settle(c);
		if (rc < 0)
			return rc;
	}
	rc = check_refs(c, lo, INT64_MAX);
	return rc < 0 ? rc : fsck_settle(c);
}

/* ---- all ---- */

static int last_content(struct fsck *c, int64_t *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	db_query(tx, &q, SQL(FSCK_CONTENT_LAST), NULL, 0);
	rc = db_step(&q);
	*ret = rc > 0 ? db_int(&q, 0) : 0;
	return rc < 0 ? rc : 0;
}

static int check_each(struct fsck *c, int (*check_next)(struct fsck *c, int64_t *id))
{
	int64_t id = INT64_MIN;
	int rc;

	do {
		int settled;

		rc = fsck_is_stopped(c) ? -E_CLOSED : check_next(c, &id);
		settled = rc < 0 ? 0 : fsck_settle(c);
		rc = settled < 0 ? settled : rc;
	} while (rc > 0);
	return rc;
}

/* A damaged table ends the pass that reads it; what is whole is looked at all the same. */
static int go_on(struct fsck *c, int rc, const char *what_z)
{
	if (rc != -E_IO)
		return rc;
	fsck_found(c, FSCK_UNREAD, 0, 0, "%s cannot be read to the end: the database file is damaged",
		   what_z);
	return fsck_settle(c);
}

static int check_accounts(struct fsck *c)
{
	return check_each(c, check_account);
}

static int check_mailboxes(struct fsck *c)
{
	return check_each(c, check_mailbox);
}

static int check_orphans(struct fsck *c)
{
	return check_each(c, check_orphan);
}

static int check_packs(struct fsck *c)
{
	return check_each(c, check_pack);
}

static int check_contents(struct fsck *c)
{
	int64_t last = 0;
	int rc = last_content(c, &last);

	return rc < 0 ? rc : check_all_refs(c, last);
}

/* Passes 1 to 5. */
static int check_rows(struct fsck *c)
{
	static const struct {
		int (*check)(struct fsck *c);
		const char *what_z;
	} passes[] = {
		{ check_tables, "the database" },
		{ check_accounts, "accounts" },
		{ check_mailboxes, "mailboxes" },
		{ check_orphans, "messages" },
		{ check_rest, "rows that may name nothing" },
		{ check_packs, "rows of packs" },
		{ check_contents, "contents and who names them" },
	};
	int rc = 0;

	c->n_bad = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(passes); i++)
		rc = go_on(c, passes[i].check(c), passes[i].what_z);
	return rc;
}

static int count_packs(struct fsck *c)
{
	AUTO(mem_auto_free) struct blob_pack *packs = NULL;
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct store_space space;
	size_t n = 0;
	int rc = store_space(c->s, &space);

	if (rc == 0)
		rc = blob_packs(c->s->db, &packs, &n);
	if (rc == 0)
		rc = db_read_begin(c->s->db, &tx);
	if (rc < 0)
		return rc;
	c->n.packs = (struct store_fsck_packs){ .n = space.packs, .bytes = space.bytes,
						.dead_bytes = space.dead_bytes };
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		AUTO(db_done) struct db_query q = { 0 };

		if (packs[i].is_busy)
			continue;
		DB_QUERY(tx, &q, SQL(PACK_NAMED), DB_I(packs[i].number));
		rc = db_step(&q);
		c->n.packs.unnamed += rc == 0;
	}
	return rc < 0 ? rc : 0;
}

static int repair_rows(struct fsck *c)
{
	int rc, round = 0;

	c->is_repairing = true;
	do {
		c->n_repaired = 0;
		rc = check_rows(c);
	} while (rc == 0 && c->n_repaired && ++round < ROUNDS_MAX);
	c->is_repairing = false;
	return rc;
}

/* All that changes something. Bodies are read here, and later only those that were bad. */
static int repair(struct fsck *c)
{
	int rc = repair_rows(c);

	c->is_repairing = true;
	if (rc == 0)
		rc = go_on(c, fsck_bodies(c), "bodies");
	if (rc == 0 && c->job->say.removes_unreadable)
		rc = fsck_whose(c);
	if (rc == 0)
		rc = fsck_bodies_again(c);
	c->is_repairing = false;
	return rc < 0 ? rc : repair_rows(c);
}

static int look(struct fsck *c)
{
	int rc = check_rows(c);

	if (rc == 0)
		rc = c->job->say.repaired ? fsck_bodies_again(c) :
					    go_on(c, fsck_bodies(c), "bodies");
	if (rc == 0)
		rc = go_on(c, fsck_whose(c), "owners of what cannot be read");
	return rc < 0 ? rc : go_on(c, count_packs(c), "packs");
}

static int run(struct fsck *c)
{
	int rc = c->job->say.repaired ? repair(c) : 0;

	c->n.accounts = c->n.mailboxes = c->n.messages = 0;
	return rc < 0 ? rc : look(c);
}

static void fsck_fini(struct fsck *c)
{
	for (size_t i = 0; i < c->n_pending; i++)
		mem_free(c->pending[i].text_z);
	mem_free(c->pending);
	mem_free(c->bad);
	mem_free(c->again);
}

int store_fsck(struct store *s, const struct store_fsck_job *job, struct store_fsck_counts *ret)
{
	AUTO(fsck_fini) struct fsck c = { .s = s, .job = job };
	int rc;

	if (job->say.repaired && !store_keep_enter(s)) /* it counts what we count */
		return -E_CLOSED;
	rc = run(&c);
	if (job->say.repaired)
		store_keep_leave(s);
	if (rc == 0)
		*ret = c.n;
	return rc;
}

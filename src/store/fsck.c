/* SPDX-License-Identifier: MIT */
/*
 * The check of the store, in five passes, each of many short snapshots that go on after the last
 * id they saw:
 *
 *  1. the tables themselves, as the database engine sees them, one after the other;
 *  2. each account: counters against the sums over its mailboxes;
 *  3. each mailbox: counters, UIDNEXT and mod-sequences against its messages; and mailbox ids
 *     that only messages know;
 *  4. contents, REFS_STEP ids at a time: references and sizes against the rows that name them.
 *     The rows of contents and of those who name them come in order of content and are merged;
 *  5. each body: its record in the pack against its checksum, with no snapshot open. A body may
 *     go or move meanwhile, so that a bad one counts only when its row still says the same.
 */
#include "store/fsck.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/must.h"
#include "store/store_int.h"

#define REFS_STEP 200000
#define BODIES_STEP 1000
#define TEXT_MAX 512

struct check {
	struct store *s;
	const struct store_fsck_job *job;
	struct store_fsck_counts n;
};

__attribute__((format(printf, 2, 3))) static void found(struct check *c, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->job->found(c->job->ctx, text);
}

/* A counter and what was counted: two columns of a row (of two rows, for a mailbox). */
struct pair {
	const char *name;
	int kept, counted; /* columns */
	bool is_at_least;  /* kept may be larger */
};

static void compare(struct check *c, const char *who_z, const struct pair *pairs, size_t n,
		    struct db_query *kept, struct db_query *counted)
{
	for (size_t i = 0; i < n; i++) {
		const struct pair *p = &pairs[i];
		int64_t k = db_int(kept, p->kept), m = db_int(counted, p->counted);

		if (p->is_at_least ? k < m : k != m)
			found(c, "%s: %s is %" PRId64 "%s%" PRId64, who_z, p->name, k,
			      p->is_at_least ? ", must be at least " : ", counted ", m);
	}
}

/* ---- 1: tables ---- */

static int check_table(struct check *c, const char *table_z)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_TABLE), DB_T(str_z(table_z)));
	while ((rc = db_step(&q)) > 0)
		if (!str_eq(db_text(&q, 0), S("ok")))
			found(c, "table %s: %" STR_FMT, table_z, STR_ARG(db_text(&q, 0)));
	return rc;
}

static int check_tables(struct check *c)
{
	static const char *const tables[] = {
		"accounts", "credentials", "domains",  "aliases",  "mailboxes", "subscriptions",
		"keywords", "messages",    "expunged", "contents", "threads",   "annotations",
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables) && rc == 0; i++)
		rc = check_table(c, tables[i]);
	for (size_t i = 0; i < c->job->n_tables && rc == 0; i++)
		rc = check_table(c, c->job->tables[i]);
	return rc;
}

/* ---- 2: accounts ---- */

/* 1: there was one after *id, which is moved on; 0: that was all. */
static int check_account(struct check *c, int64_t *id)
{
	static const struct pair pairs[] = {
		{ "used", 2, 5, false },
		{ "messages", 3, 6, false },
		{ "modseq", 4, 7, true },
		{ "annotation_bytes", 8, 9, false },
	};
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	char who[TEXT_MAX / 2];
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
	compare(c, who, pairs, ARRAY_LEN(pairs), &q, &q);
	return 1;
}

/* ---- 3: mailboxes ---- */

static int count_mailbox(struct check *c, struct db_tx *tx, const char *who_z, struct db_query *box)
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
	};
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(FSCK_MAILBOX_COUNT), DB_I(db_int(box, 0)));
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	c->n.messages += db_int(&q, 0);
	compare(c, who_z, pairs, ARRAY_LEN(pairs), box, &q);
	return 1;
}

static int check_mailbox(struct check *c, int64_t *id)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	char who[TEXT_MAX / 2];
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
	found(c, "%s: its account %" PRId64 " is missing", who, db_int(&q, 1));
	return 1;
}

/* Messages of a mailbox without a row. */
static int check_orphan(struct check *c, int64_t *id)
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
		found(c, "mailbox %" PRId64 ": missing, but has messages", *id);
	return 1;
}

/* ---- 4: references ---- */

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
static int take_holders(struct check *c, struct holder *h, size_t n, int64_t content, int64_t size,
			int64_t *ret_rows)
{
	*ret_rows = 0;
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (h[i].content != content)
			continue;
		*ret_rows += db_int(&h[i].q, 1);
		if (size >= 0 && (db_int(&h[i].q, 2) != size || db_int(&h[i].q, 3) != size))
			found(c, "content %" PRId64 ": has %" PRId64 " bytes, rows say otherwise",
			      content, size);
		rc = holder_next(&h[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Contents that somebody names, below that id, are missing. */
static int missing_below(struct check *c, struct holder *h, size_t n, int64_t below)
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
		found(c, "content %" PRId64 ": missing, but %" PRId64 " rows name it", lowest,
		      rows);
	} while (rc == 0);
	return rc;
}

static int merge(struct check *c, struct db_query *contents, struct holder *h, size_t n)
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
			found(c, "content %" PRId64 ": refs is %" PRId64 ", counted %" PRId64, id,
			      refs, rows);
		if ((refs == 0) == db_is_null(contents, 3))
			found(c, "content %" PRId64 ": refs and dead_since do not agree", id);
	}
	return rc < 0 ? rc : missing_below(c, h, n, INT64_MAX);
}

static int check_refs(struct check *c, int64_t lo, int64_t hi)
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
static int check_all_refs(struct check *c, int64_t last)
{
	int64_t lo = INT64_MIN, hi = REFS_STEP;
	int rc;

	for (; hi < last; lo = hi + 1, hi += REFS_STEP) {
		rc = check_refs(c, lo, hi);
		if (rc < 0)
			return rc;
	}
	return check_refs(c, lo, INT64_MAX);
}

/* ---- 5: bodies ---- */

struct body {
	int64_t content;
	struct blob_ref ref;
};

static int read_bodies(struct check *c, int64_t after, int64_t n, struct body *v, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	*ret_n = 0;
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_BODIES), DB_I(after), DB_I(n));
	while ((rc = db_step(&q)) > 0) {
		struct body *b = &v[(*ret_n)++];

		b->content = db_int(&q, 0);
		b->ref = (struct blob_ref){ db_int(&q, 1), db_int(&q, 2), db_int(&q, 3) };
	}
	return rc;
}

static bool is_same_place(const struct blob_ref *a, const struct blob_ref *b)
{
	return a->pack == b->pack && a->offset == b->offset && a->length == b->length;
}

/* A bad body counts when its row is still there and still says the same. */
static int check_body(struct check *c, const struct body *b)
{
	struct body now = *b;
	int bad;

	c->n.contents++;
	c->n.bytes += b->ref.length;
	while ((bad = blob_verify(c->s->db, &now.ref)) < 0) {
		struct blob_ref before = now.ref;
		size_t n;
		int rc = read_bodies(c, b->content - 1, 1, &now, &n);

		if (rc < 0 || n == 0 || now.content != b->content)
			return rc;
		if (is_same_place(&before, &now.ref))
			break;
	}
	if (bad < 0)
		found(c,
		      "content %" PRId64 ": its record in pack %" PRId64 " at %" PRId64 " is %s",
		      now.content, now.ref.pack, now.ref.offset,
		      bad == -E_NOT_FOUND ? "missing: no such pack" : "damaged");
	return 0;
}

static int check_bodies(struct check *c)
{
	AUTO(mem_auto_free) struct body *v = mem_alloc(BODIES_STEP, sizeof(*v));
	int64_t after = INT64_MIN;
	size_t n;

	do {
		int rc = read_bodies(c, after, BODIES_STEP, v, &n);

		for (size_t i = 0; i < n && rc == 0; i++)
			rc = check_body(c, &v[i]);
		if (rc < 0)
			return rc;
		after = n ? v[n - 1].content : after;
	} while (n == BODIES_STEP);
	return 0;
}

/* ---- all ---- */

static int last_content(struct check *c, int64_t *ret)
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

static int check_each(struct check *c, int (*check_next)(struct check *c, int64_t *id))
{
	int64_t id = INT64_MIN;
	int rc;

	do {
		rc = check_next(c, &id);
	} while (rc > 0);
	return rc;
}

int store_fsck(struct store *s, const struct store_fsck_job *job, struct store_fsck_counts *ret)
{
	struct check c = { .s = s, .job = job };
	int64_t last = 0;
	int rc = check_tables(&c);

	if (rc == 0)
		rc = check_each(&c, check_account);
	if (rc == 0)
		rc = check_each(&c, check_mailbox);
	if (rc == 0)
		rc = check_each(&c, check_orphan);
	if (rc == 0)
		rc = last_content(&c, &last);
	if (rc == 0)
		rc = check_all_refs(&c, last);
	if (rc == 0)
		rc = check_bodies(&c);
	if (rc == 0)
		*ret = c.n;
	return rc;
}

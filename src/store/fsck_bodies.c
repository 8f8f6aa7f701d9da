/* SPDX-License-Identifier: MIT */
/*
 * The check of bodies, and whose the bad contents are: those without a row, those whose record is missing
 * (pack or bytes are not there), those whose record is damaged (it does not match its checksums).
 *
 * What can be read of a damaged record stays readable, so its message is told and kept. One whose
 * row or record is missing has nothing to be read: it is told and kept too, and goes only on request, as if
 * its owner had expunged it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/fsck_int.h"

#define BODIES_STEP 1000
#define HELD_STEP 1000
#define ARENA (1u << 20)

static const char *const bad_z[] = {
	[FSCK_BAD_ROW] = "has no row",
	[FSCK_BAD_MISSING] = "is missing",
	[FSCK_BAD_DAMAGED] = "is damaged",
};

/* ---- reading ---- */

struct body {
	int64_t content;
	struct blob_ref ref;
};

static int read_bodies(struct fsck *c, int64_t after, int64_t n, struct body *v, size_t *ret_n)
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

/* Are the bytes there? A bad header may stand before a good body. */
static bool is_readable(struct fsck *c, const struct blob_ref *ref)
{
	char byte;

	return ref->length == 0 ||
	       blob_read(c->s->db, ref, (uint64_t)ref->length - 1, &byte, 1) == 0;
}

static void note_bad(struct fsck *c, const struct body *b, int bad)
{
	enum fsck_bad_why why = is_readable(c, &b->ref) ? FSCK_BAD_DAMAGED : FSCK_BAD_MISSING;

	fsck_found(c, FSCK_BODY, b->content, 0,
		   "content %" PRId64 ": its record in pack %" PRId64 " at %" PRId64 " is %s", b->content,
		   b->ref.pack, b->ref.offset,
		   bad == -E_NOT_FOUND	     ? "missing: no such pack" :
		   why == FSCK_BAD_MISSING ? "missing: the pack is too short" :
					     "damaged");
	fsck_found_bad(c, b->content, why);
}

/* A bad body counts when its row is still there and still says the same. */
static int check_body(struct fsck *c, const struct body *b)
{
	struct body now = *b;
	int bad;

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
		note_bad(c, &now, bad);
	return 0;
}

static void remember(struct fsck *c)
{
	for (size_t i = 0; i < c->n_bad; i++) {
		if (c->bad[i].why == FSCK_BAD_ROW)
			continue;
		if (c->n_again == c->cap_again) {
			c->cap_again = c->cap_again ? 2 * c->cap_again : 64;
			c->again = mem_resize(c->again, c->cap_again, sizeof(*c->again));
		}
		c->again[c->n_again++] = c->bad[i].content;
	}
}

int fsck_bodies(struct fsck *c)
{
	AUTO(mem_auto_free) struct body *v = mem_alloc(BODIES_STEP, sizeof(*v));
	int64_t after = INT64_MIN;
	size_t n;

	c->n.contents = c->n.bytes = 0;
	do {
		int rc = read_bodies(c, after, BODIES_STEP, v, &n);

		for (size_t i = 0; i < n && rc == 0; i++) {
			c->n.contents++;
			c->n.bytes += v[i].ref.length;
			rc = fsck_is_stopped(c) ? -E_CLOSED : check_body(c, &v[i]);
		}
		rc = rc < 0 ? rc : fsck_settle(c);
		if (rc < 0)
			return rc;
		after = n ? v[n - 1].content : after;
	} while (n == BODIES_STEP);
	remember(c);
	return 0;
}

int fsck_bodies_again(struct fsck *c)
{
	for (size_t i = 0; i < c->n_again; i++) {
		struct body b;
		size_t n;
		int rc = read_bodies(c, c->again[i] - 1, 1, &b, &n);

		if (rc == 0 && n > 0 && b.content == c->again[i])
			rc = check_body(c, &b);
		rc = rc < 0 ? rc : fsck_settle(c);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- whose ---- */

static int compare_bad(const void *pa, const void *pb)
{
	const struct fsck_bad *a = pa, *b = pb;

	return (a->content > b->content) - (a->content < b->content);
}

static const struct fsck_bad *find_bad(const struct fsck *c, int64_t content)
{
	const struct fsck_bad key = { .content = content };

	return bsearch(&key, c->bad, c->n_bad, sizeof(key), compare_bad);
}

struct owner {
	int64_t mailbox;
	char name[FSCK_TEXT / 2]; /* account and mailbox, for people */
};

/* 1: the next mailbox. */
static int next_owner(struct fsck *c, struct owner *o)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_OWNER), DB_I(o->mailbox));
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	o->mailbox = db_int(&q, 0);
	snprintf(o->name, sizeof(o->name), "%" STR_FMT ", mailbox %" STR_FMT, STR_ARG(db_text(&q, 2)),
		 STR_ARG(db_text(&q, 1)));
	return 1;
}

struct held {
	uint32_t uid;
	const struct fsck_bad *bad;
};

/* The next bad ones of the mailbox after that UID, which is moved on; 1: there may be more. */
static int read_held(struct fsck *c, int64_t mailbox, uint32_t *after, struct held v[HELD_STEP],
		     size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	size_t n = 0;
	int rc = db_read_begin(c->s->db, &tx);

	*ret_n = 0;
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_HELD), DB_I(mailbox), DB_I(*after));
	while (n < HELD_STEP && (rc = db_step(&q)) > 0) {
		const struct fsck_bad *bad = find_bad(c, db_int(&q, 1));

		*after = (uint32_t)db_int(&q, 0);
		if (bad)
			v[n++] = (struct held){ *after, bad };
	}
	*ret_n = n;
	return rc;
}

static int read_subject(struct fsck *c, int64_t content, char out[FSCK_TEXT / 4])
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	out[0] = '\0';
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_SUBJECT), DB_I(content));
	rc = db_step(&q);
	if (rc > 0)
		snprintf(out, FSCK_TEXT / 4, ", subject \"%" STR_FMT "\"", STR_ARG(db_text(&q, 0)));
	return rc < 0 ? rc : 0;
}

static bool must_go(const struct fsck *c, const struct held *h)
{
	return c->is_repairing && h->bad->why != FSCK_BAD_DAMAGED;
}

static int say_held(struct fsck *c, const struct owner *o, const struct held *h)
{
	const struct store_fsck_say *say = &c->job->say;
	char subject[FSCK_TEXT / 4], text[FSCK_TEXT];
	int rc = read_subject(c, h->bad->content, subject);

	snprintf(text, sizeof(text), "%s, UID %" PRIu32 "%s: content %" PRId64 " %s%s", o->name, h->uid,
		 subject, h->bad->content, bad_z[h->bad->why], must_go(c, h) ? "; removed" : "");
	if (rc == 0 && must_go(c, h))
		say->repaired(say->ctx, text);
	else if (rc == 0 && !c->is_repairing)
		say->unreadable(say->ctx, text);
	return rc;
}

static int remove_held(struct fsck *c, const struct owner *o, const struct held *v, size_t n)
{
	AUTO(arena_fini) struct arena a;
	struct uidset uids = { 0 }, gone;
	uint64_t modseq;
	int rc = 0;

	arena_init(&a, ARENA);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (must_go(c, &v[i]))
			rc = uidset_add(&a, &uids, v[i].uid, v[i].uid);
	if (rc == 0 && uids.n)
		rc = store_expunge(c->s, &a, o->mailbox, &uids, false, &gone, &modseq);
	return rc == -E_NOT_FOUND ? 0 : rc;
}

static int whose_mailbox(struct fsck *c, const struct owner *o, struct held v[HELD_STEP])
{
	uint32_t after = 0;
	size_t n;
	int more;

	do {
		int rc = 0;

		more = read_held(c, o->mailbox, &after, v, &n);
		for (size_t i = 0; i < n && rc == 0; i++)
			rc = say_held(c, o, &v[i]);
		if (rc == 0)
			rc = remove_held(c, o, v, n);
		if (rc < 0)
			return rc;
	} while (more > 0);
	return more;
}

/* ---- whose, outside the store ---- */

struct removal {
	const struct store_fsck_refs *refs;
	int64_t content;
};

static int removal_tx(struct db_tx *tx, void *arg)
{
	const struct removal *r = arg;

	return r->refs->remove(tx, r->content);
}

static int say_labels(struct fsck *c, const struct store_fsck_refs *refs, const struct fsck_bad *bad)
{
	const struct store_fsck_say *say = &c->job->say;
	bool goes = c->is_repairing && bad->why != FSCK_BAD_DAMAGED;
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	char text[FSCK_TEXT];
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, refs->label, DB_I(bad->content));
	while ((rc = db_step(&q)) > 0) {
		snprintf(text, sizeof(text), "%" STR_FMT ": content %" PRId64 " %s%s",
			 STR_ARG(db_text(&q, 0)), bad->content, bad_z[bad->why],
			 goes ? "; removed" : "");
		if (goes)
			say->repaired(say->ctx, text);
		else if (!c->is_repairing)
			say->unreadable(say->ctx, text);
	}
	return rc;
}

static int whose_outside(struct fsck *c, const struct store_fsck_refs *refs, const struct fsck_bad *bad)
{
	struct removal r = { refs, bad->content };
	int rc = say_labels(c, refs, bad);

	if (rc < 0 || !c->is_repairing || bad->why == FSCK_BAD_DAMAGED)
		return rc;
	return db_write(c->s->db, &(struct db_write_job){ .fn = removal_tx,
							  .arg = &r,
							  .durability = DB_DURABLE });
}

int fsck_whose(struct fsck *c)
{
	AUTO(mem_auto_free) struct held *v = NULL;
	struct owner o = { .mailbox = INT64_MIN };
	int rc = 0;

	if (c->n_bad == 0)
		return 0;
	qsort(c->bad, c->n_bad, sizeof(*c->bad), compare_bad);
	v = mem_alloc(HELD_STEP, sizeof(*v));
	while (rc == 0 && (rc = next_owner(c, &o)) > 0)
		rc = whose_mailbox(c, &o, v);
	for (size_t i = 0; rc == 0 && i < c->n_bad; i++)
		for (size_t k = 0; rc == 0 && k < c->job->n_refs; k++)
			rc = whose_outside(c, &c->job->refs[k], &c->bad[i]);
	return rc;
}

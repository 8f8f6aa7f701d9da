/* SPDX-License-Identifier: MIT */
/*
 * Expunged UIDs are remembered so that a client that comes back can ask what has gone since a modseq (RFC
 * 7162 3.2), and so that views in memory follow. After store.expunged_history they are forgotten,
 * mailbox by mailbox, oldest first, a slice to a transaction. The mailbox's pruned_modseq says up
 * to which modseq something may be missing; it is raised with the first row that goes.
 *
 * A view that stands in memory since before that would miss what is forgotten: it is brought up
 * to date first (views only go forward).
 */
#include "base/clock.h"
#include "store/keep_int.h"

#define SLICE 500
#define SLICE_PAUSE_MS 20
#define AGAIN_MS 3600000 /* a walk over all mailboxes is worth it once an hour */

struct prune {
	int64_t mailbox;
	int64_t before_s;
	int64_t n; /* removed by the last transaction */
};

/* 1: there are old ones; *mailbox is moved on to the next that has any rows. */
static int next_mailbox(struct store *s, struct prune *p)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(PRUNE_NEXT), DB_I(p->mailbox));
	rc = db_step(&q);
	if (rc <= 0 || db_is_null(&q, 0))
		return rc < 0 ? rc : 0;
	p->mailbox = db_int(&q, 0);
	return 1;
}

/* Up to where rows may go: the last of the first SLICE that is old enough. */
static int read_old(struct db_tx *tx, const struct prune *p, int64_t *modseq, int64_t *uid,
		    int64_t *ret_n)
{
	AUTO(db_done) struct db_query q = { 0 };
	int64_t n = 0;
	int rc;

	DB_QUERY(tx, &q, SQL(PRUNE_OLDEST), DB_I(p->mailbox), DB_I(SLICE));
	for (; (rc = db_step(&q)) > 0 && db_int(&q, 2) < p->before_s; n++) {
		*modseq = db_int(&q, 0);
		*uid = db_int(&q, 1);
	}
	*ret_n = n;
	return rc < 0 ? rc : 0;
}

static int prune_tx(struct db_tx *tx, void *arg)
{
	struct prune *p = arg;
	int64_t modseq = 0, uid = 0;
	int rc = read_old(tx, p, &modseq, &uid, &p->n);

	if (rc < 0 || p->n == 0)
		return rc;
	rc = DB_EXEC(tx, SQL(PRUNE_REMOVE), DB_I(p->mailbox), DB_I(modseq), DB_I(uid));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(PRUNE_FLOOR), DB_I(p->mailbox), DB_I(modseq));
	return rc;
}

static int has_old(struct store *s, const struct prune *p)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int64_t modseq, uid, n = 0;
	int rc = db_read_begin(s->db, &tx);

	if (rc == 0)
		rc = read_old(tx, p, &modseq, &uid, &n);
	return rc < 0 ? rc : n > 0;
}

/* When it stands in memory at all. */
static int refresh_view(struct store *s, int64_t mailbox)
{
	struct store_view *view = NULL;
	struct store_mbox *mbox;
	bool is_there;
	int rc;

	lock_get(&s->mbox_lock);
	is_there = store_idmap_get(&s->mboxes, mailbox) != NULL;
	lock_put(&s->mbox_lock);
	if (!is_there)
		return 0;
	rc = store_mbox_open(s, mailbox, &mbox);
	if (rc < 0)
		return rc;
	rc = store_mbox_glance(mbox, &view); /* as much of it as there is */
	store_view_unref(view);
	store_mbox_close(&mbox);
	return rc == -E_NOT_FOUND ? 0 : rc;
}

static int prune_mailbox(struct keep *k, struct prune *p)
{
	int rc = has_old(k->s, p);

	if (rc > 0)
		rc = refresh_view(k->s, p->mailbox);
	else
		return rc;
	if (rc < 0)
		return rc;
	do {
		rc = db_write(k->s->db,
			      &(struct db_write_job){
				      .fn = prune_tx, .arg = p, .durability = DB_LAZY });
		if (rc < 0)
			return rc;
		k->kept.expunged += p->n;
	} while (p->n == SLICE && store_keep_pause(k, SLICE_PAUSE_MS));
	return 0;
}

int store_keep_prune(struct keep *k)
{
	struct prune p = {
		.mailbox = INT64_MIN,
		.before_s = store_now_s() - atomic_load(&k->s->expunged_history_ms) / 1000,
	};
	int64_t now_ms = clock_mono_ms();
	int n = 0, rc;

	if (!k->job->is_asked && now_ms < k->s->prune_at_ms)
		return 0;
	while ((rc = next_mailbox(k->s, &p)) > 0) {
		rc = prune_mailbox(k, &p);
		if (rc < 0 || !store_keep_pause(k, ++n % 64 == 0 ? SLICE_PAUSE_MS : 0))
			return rc;
	}
	if (rc == 0)
		k->s->prune_at_ms = now_ms + AGAIN_MS;
	return rc;
}

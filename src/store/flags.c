/* SPDX-License-Identifier: MIT */
/*
 * STORE: whatever the operation, the new flags of a message are (old & keep) | come, so one
 * UPDATE does a whole range of UIDs, after one counting SELECT where more than one flag may change.
 * Only rows that really change get the new modseq (RFC 7162 3.1). Durable within a second: a crash
 * of the machine may bring back old flags, never a mix, and never an old modseq for a new change
 * (store.c).
 */
#include "store/store_int.h"

#define KEYWORD_ARENA (64u << 10)

struct job {
	struct store *s;
	struct arena *a, *keyword_arena;
	int64_t mailbox;
	const struct uidset *uids;
	const struct store_flag_change *change;
	struct uidset modified;
	uint64_t modseq;
	/* */
	struct store_box box;
	uint64_t may_set; /* flags that the user may change */
	uint64_t keep, come, since;
	int64_t n_changed;
};

/* What the change means in bits of this mailbox. */
static int set_masks(struct job *j, struct db_tx *tx)
{
	const struct store_flag_change *c = j->change;
	struct store_keyword_set have = { 0 };
	uint64_t bits = 0;
	bool has_named = c->flags != 0 || c->n_keywords > 0;
	bool may_keywords = j->may_set >> STORE_KEYWORD_BIT;
	int rc = 0;

	/* RFC 4314 4: not NO, as long as one of the flags may be changed. */
	if (j->may_set == 0 ||
	    (has_named && !(c->flags & j->may_set) && !(c->n_keywords && may_keywords)))
		return -E_DENIED;
	if (c->n_keywords && may_keywords)
		rc = store_tx_keywords(tx, j->keyword_arena, j->box.id, &have);
	if (c->n_keywords && may_keywords && rc == 0)
		rc = store_tx_keyword_bits(tx, j->box.id, &have, c->keywords, c->n_keywords,
					   c->op != STORE_FLAGS_REMOVE, &bits);
	if (rc < 0)
		return rc;
	bits |= c->flags & STORE_SYSTEM_FLAGS & j->may_set;
	j->keep = c->op == STORE_FLAGS_SET ? ~j->may_set : c->op == STORE_FLAGS_REMOVE ? ~bits : UINT64_MAX;
	j->come = c->op == STORE_FLAGS_REMOVE ? 0 : bits;
	j->since = c->has_unchangedsince && c->unchangedsince < INT64_MAX ? c->unchangedsince
									  : INT64_MAX;
	return 0;
}

static int count_range(struct job *j, struct db_tx *tx, struct uid_range r, int64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(FLAGS_COUNT), DB_I(j->box.id), DB_I(r.lo), DB_I(r.hi), DB_I(j->keep),
		 DB_I(j->come), DB_I(j->since));
	rc = db_step(&q);
	if (rc < 0)
		return rc;
	*ret = db_int(&q, 0);
	j->box.d.unseen += db_int(&q, 1);
	j->box.d.deleted += db_int(&q, 2);
	return 0;
}

static int update_range(struct job *j, struct db_tx *tx, struct uid_range r, int64_t *ret_n)
{
	const struct db_val args[] = { DB_I(j->box.id), DB_I(r.lo),    DB_I(r.hi),
				       DB_I(j->keep),   DB_I(j->come), DB_I(j->since),
				       DB_I(j->box.modseq) };

	return db_exec(tx, SQL(FLAGS_CHANGE), args, ARRAY_LEN(args), ret_n);
}

/* Where one flag comes or goes, what the UPDATE changes is all that there is to be counted. */
static int change_one_flag(struct job *j, struct db_tx *tx, struct uid_range r, uint64_t flag)
{
	int64_t n, more;
	int rc = update_range(j, tx, r, &n);

	if (rc < 0)
		return rc;
	more = j->come != 0 ? n : -n;
	j->n_changed += n;
	j->box.d.unseen -= flag == STORE_SEEN ? more : 0;
	j->box.d.deleted += flag == STORE_DELETED ? more : 0;
	return 0;
}

static int change_range(struct job *j, struct db_tx *tx, struct uid_range r)
{
	uint64_t touched = j->come | ~j->keep;
	int64_t n = 0;
	int rc = 0;

	if (j->change->has_unchangedsince)
		rc = store_tx_modified(tx, j->a, j->box.id, r, (uint64_t)j->since, &j->modified);
	if (rc == 0 && touched != 0 && (touched & (touched - 1)) == 0)
		return change_one_flag(j, tx, r, touched);
	if (rc == 0)
		rc = count_range(j, tx, r, &n);
	if (rc < 0 || n == 0)
		return rc;
	j->n_changed += n;
	return update_range(j, tx, r, &n);
}

static int flags_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	unsigned rights = 0;
	int rc = store_tx_box(tx, j->mailbox, &j->box);

	if (rc == 0)
		rc = store_tx_rights(j->s, tx, j->mailbox, j->change->user, &rights);
	if (rc == 0 && !(rights & STORE_R_READ))
		rc = -E_DENIED;
	j->may_set = store_rights_flags(rights);
	if (rc == 0)
		rc = set_masks(j, tx);
	for (size_t i = 0; i < j->uids->n && rc == 0; i++)
		rc = change_range(j, tx, j->uids->r[i]);
	if (rc < 0)
		return rc;
	j->modseq = j->n_changed ? j->box.modseq : j->box.highestmodseq;
	store_delta_flags(&j->box.delta, j->uids, j->keep, j->come, j->since);
	return j->n_changed ? store_tx_box_change(j->s, tx, &j->box) : 0;
}

int store_flags(struct store *s, struct arena *a, int64_t mailbox, const struct uidset *uids,
		const struct store_flag_change *change, struct uidset *ret_modified,
		uint64_t *ret_modseq)
{
	AUTO(arena_fini) struct arena keyword_arena;
	struct job j = { .s = s,
			 .a = a,
			 .keyword_arena = &keyword_arena,
			 .mailbox = mailbox,
			 .uids = uids,
			 .change = change };
	int rc;

	arena_init(&keyword_arena, KEYWORD_ARENA);
	rc = db_write(s->db,
		      &(struct db_write_job){ .fn = flags_tx, .arg = &j, .durability = DB_LAZY });
	if (rc < 0)
		return rc;
	if (ret_modified)
		*ret_modified = j.modified;
	*ret_modseq = j.modseq;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * STORE: whatever the operation, the new flags of a message are (old & keep) | come, so each row of
 * states (states_int.h) that has some of the messages is changed at once, and written if it differs.
 * Only messages that really change get the new modseq (RFC 7162 3.1). Durable within a second: a crash
 * of the machine may bring back old flags, never a mix, and never an old modseq for a new change
 * (store.c).
 */
#include "base/mem.h"
#include "store/store_int.h"

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
	struct store_keyword_list named;
	struct store_sets sets;
	bool changes_sets; /* named has some that are no bits, and each set becomes another one */
	struct store_state_change states;
};

/* The keywords that are named, as flags; those that each message may have besides are left to change_sets(). */
static int find_named(struct job *j, struct db_tx *tx, uint64_t *ret)
{
	const struct store_flag_change *c = j->change;
	struct store_keyword_names have;
	int rc = store_tx_keywords(tx, j->keyword_arena, j->box.id, &have);

	if (rc == 0)
		rc = store_tx_keyword_numbers(tx, j->box.id, &have, c->keywords, c->n_keywords,
					      c->op != STORE_FLAGS_REMOVE, &j->named);
	j->changes_sets = c->op != STORE_FLAGS_SET && j->named.n > 0 &&
			  j->named.v[j->named.n - 1] >= STORE_KEYWORD_BITS;
	if (rc < 0)
		return rc;
	if (!j->changes_sets)
		return store_tx_keyword_flags(tx, &j->sets, &j->named, ret);
	for (size_t i = 0; i < j->named.n && j->named.v[i] < STORE_KEYWORD_BITS; i++)
		*ret |= (uint64_t)1 << (STORE_KEYWORD_BIT + j->named.v[i]);
	return 0;
}

/* What the change means in flags of this mailbox. */
static int set_masks(struct job *j, struct db_tx *tx)
{
	const struct store_flag_change *c = j->change;
	uint64_t bits = 0;
	bool has_named = c->flags != 0 || c->n_keywords > 0;
	bool may_keywords = j->may_set >> STORE_KEYWORD_BIT;
	int rc = 0;

	/* RFC 4314 4: not NO, as long as one of the flags may be changed. */
	if (j->may_set == 0 ||
	    (has_named && !(c->flags & j->may_set) && !(c->n_keywords && may_keywords)))
		return -E_DENIED;
	if (c->n_keywords && may_keywords)
		rc = find_named(j, tx, &bits);
	if (rc < 0)
		return rc;
	bits |= c->flags & STORE_SYSTEM_FLAGS & j->may_set;
	j->states = (struct store_state_change){
		.keep = c->op == STORE_FLAGS_SET ? ~j->may_set
			: c->op == STORE_FLAGS_REMOVE ? ~bits : UINT64_MAX,
		.come = c->op == STORE_FLAGS_REMOVE ? 0 : bits,
		.since = c->has_unchangedsince ? c->unchangedsince : UINT64_MAX,
		.modseq = j->box.modseq,
	};
	return 0;
}

/* The sets that those messages have. */
static int find_sets(struct job *j, struct db_tx *tx, uint8_t *found)
{
	AUTO(store_states_end) struct store_states_walk w =
		store_states_walk(tx, j->box.id, j->uids);
	int rc;

	while ((rc = store_states_next(&w)) > 0) {
		for (unsigned i = 0; i < w.s.n; i++) {
			const struct store_state *v = &w.s.v[i];

			if (v->uids & w.uids && v->modseq <= j->states.since)
				store_set_note(found, store_set_of(v->flags));
		}
	}
	return rc;
}

/* What becomes of each of them, before any message changes. */
static int change_sets(struct job *j, struct db_tx *tx)
{
	AUTO(mem_auto_free) uint8_t *found = mem_alloc(STORE_SETS / 8, 1);
	int rc = find_sets(j, tx, found);

	for (unsigned i = 0; i < STORE_SETS && rc == 0; i++)
		if (store_set_has(found, i))
			rc = store_tx_set_change(tx, &j->sets, i, &j->named,
						 j->change->op == STORE_FLAGS_ADD);
	j->states.sets = store_sets_map(&j->sets);
	return rc;
}

static int change_states(struct job *j, struct db_tx *tx)
{
	AUTO(store_states_end) struct store_states_walk w =
		store_states_walk(tx, j->box.id, j->uids);
	int rc = 0, put = 0;

	while (put == 0 && (rc = store_states_next(&w)) > 0) {
		int64_t before = j->states.n;

		if (j->change->has_unchangedsince)
			put = store_states_modified(j->a, &w, j->states.since, &j->modified);
		store_states_change(&w.s, w.uids, &j->states);
		if (put == 0 && j->states.n > before)
			put = store_tx_states_put(tx, &w.s);
	}
	return put < 0 ? put : rc;
}

static int flags_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	unsigned rights = 0;
	int rc;

	j->sets.box = &j->box;
	rc = store_tx_box(tx, j->mailbox, &j->box);

	if (rc == 0)
		rc = store_tx_rights(j->s, tx, j->mailbox, j->change->user, &rights);
	if (rc == 0 && !(rights & STORE_R_READ))
		rc = -E_DENIED;
	j->may_set = store_rights_flags(rights);
	if (rc == 0)
		rc = set_masks(j, tx);
	if (rc == 0 && j->changes_sets)
		rc = change_sets(j, tx);
	if (rc == 0)
		rc = change_states(j, tx);
	if (rc < 0)
		return rc;
	j->box.d.unseen = j->states.unseen;
	j->box.d.deleted = j->states.deleted;
	j->modseq = j->states.n ? j->box.modseq : j->box.highestmodseq;
	store_delta_flags(&j->box.delta, j->uids, &j->states);
	return j->states.n ? store_tx_box_change(j->s, tx, &j->box) : 0;
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

	arena_init(&keyword_arena, STORE_KEYWORD_ARENA);
	rc = db_write(s->db,
		      &(struct db_write_job){ .fn = flags_tx, .arg = &j, .durability = DB_LAZY });
	store_sets_end(&j.sets);
	if (rc < 0)
		return rc;
	if (ret_modified)
		*ret_modified = j.modified;
	*ret_modseq = j.modseq;
	return 0;
}

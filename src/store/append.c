/* SPDX-License-Identifier: MIT */
/*
 * APPEND: n messages into one mailbox, all or none; REPLACE: one message in, one out (step 3 below
 * has the removal in the same transaction, as in expunge.c).
 *
 * States of a message (also of a delivered one, see deliver.c and queue/accept.c), who moves it
 * on, what a crash leaves:
 *  1. parsed (store_content_prepare): memory of the caller only. A crash leaves nothing.
 *  2. body bytes appended to a pack and synced (db_write, before append_tx runs): dead space that
 *     no row names.
 *  3. content row, message row, counters written in one transaction (append_tx): gone with the
 *     transaction.
 *  4. committed and synced: the message exists, with its UID. Nothing was said yet: the client
 *     may send it again.
 *  5. views and watchers know (store_announce's hook), then the caller is answered. A crash loses
 *     neither.
 *  6. the last row that names the content goes (expunge.c, purge.c): its refs are 0 and dead_since
 *     is set (content_refs); body and content row stay for sessions that still show it, until compaction.
 */
#include "store/note.h"
#include "store/store_int.h"

#include "base/must.h"

struct job {
	struct store *s;
	const struct store_append *v;
	const struct db_body *bodies;
	size_t n;
	struct store_appended *appended;
	struct arena a;
	struct store_box box;
	int64_t replaced_mailbox; /* 0: nothing is replaced */
	uint32_t replaced_uid;
	struct store_box other; /* of what is replaced, when it is another mailbox */
	uint64_t may_set;       /* flags that the user may set */
	struct store_noting noting;
	struct store_keyword_names keywords;
	struct store_sets sets;
	bool has_keywords;
};

/* All together, before the first is written. */
static int check_quota(const struct job *j)
{
	/* What goes makes room if it was the same account's. */
	bool is_same = j->other.account == j->box.account;
	int64_t bytes = is_same ? j->other.d.bytes : 0;

	for (size_t i = 0; i < j->n; i++)
		bytes += (int64_t)j->v[i].content->bytes.n;
	return store_box_fits(&j->box, (int64_t)j->n + (is_same ? j->other.d.messages : 0), bytes);
}

static int flags_of(struct job *j, struct db_tx *tx, const struct store_append *v, uint64_t *ret)
{
	struct store_keyword_list l = { .n = 0 };
	uint64_t bits = 0;
	int rc = 0;

	*ret = v->flags & STORE_SYSTEM_FLAGS & j->may_set;
	if (!v->n_keywords || !(j->may_set >> STORE_KEYWORD_BIT))
		return 0;
	if (!j->has_keywords) {
		rc = store_tx_keywords(tx, &j->a, j->box.id, &j->keywords);
		j->has_keywords = true;
	}
	if (rc == 0)
		rc = store_tx_keyword_numbers(tx, j->box.id, &j->keywords, v->keywords,
					      v->n_keywords, true, &l);
	if (rc == 0)
		rc = store_tx_keyword_flags(tx, &j->sets, &l, &bits);
	*ret |= bits;
	return rc;
}

static int append_one(struct job *j, struct db_tx *tx, size_t i)
{
	const struct store_append *v = &j->v[i];
	struct store_adding m = {
		.internaldate_s = v->internaldate_s ? v->internaldate_s : store_now_s(),
		.size = (int64_t)v->content->bytes.n,
	};
	int rc = flags_of(j, tx, v, &m.flags);

	if (rc == 0)
		rc = store_tx_content_add(tx, v->content, &j->bodies[i].ref, &m.content);
	if (rc == 0)
		rc = store_tx_thread(tx, j->box.account, v->content, m.content, &m.thread);
	if (rc == 0)
		rc = store_tx_box_add(tx, &j->box, &m, &j->appended[i].uid);
	j->appended[i].uidvalidity = j->box.uidvalidity;
	if (rc == 0 && v->n_notes > 0)
		rc = store_tx_notes_put(tx, &j->noting, v->notes, v->n_notes,
					(struct uid_range){ j->appended[i].uid,
							    j->appended[i].uid });
	return rc;
}

static int check_notes(struct job *j, unsigned rights)
{
	int rc = 0;

	j->noting = (struct store_noting){ .box = &j->box, .user = j->v[0].user };
	for (size_t i = 0; i < j->n && rc == 0; i++)
		rc = store_tx_notes_allowed(rights, j->v[i].notes, j->v[i].n_notes);
	return rc;
}

static int take_replaced(struct job *j, struct db_tx *tx, struct store_box *box)
{
	AUTO(store_rows_fini) struct store_rows rows = { 0 };
	struct uidset uids = { 0 };
	int rc = uidset_add(&j->a, &uids, j->replaced_uid, j->replaced_uid);

	if (rc == 0)
		rc = store_tx_rows(tx, box->id, &uids, 0, &rows);
	if (rc == 0 && rows.n == 0)
		rc = -E_NOT_FOUND;
	if (rc == 0)
		rc = store_tx_rows_expunge(tx, box, &rows);
	if (rc == 0)
		rc = store_tx_content_ref(tx, rows.v[0].content, -1);
	return rc;
}

static int remove_replaced(struct job *j, struct db_tx *tx)
{
	unsigned need = STORE_R_READ | STORE_R_TRASH | STORE_R_EXPUNGE, rights;
	int rc = store_tx_rights(j->s, tx, j->replaced_mailbox, j->v[0].user, &rights);

	if (rc == 0 && (rights & need) != need)
		rc = -E_DENIED;
	if (rc < 0)
		return rc;
	if (j->replaced_mailbox == j->box.id)
		return take_replaced(j, tx, &j->box);
	rc = store_tx_box(tx, j->replaced_mailbox, &j->other);
	if (rc == 0)
		rc = take_replaced(j, tx, &j->other);
	return rc < 0 ? rc : store_tx_box_change(j->s, tx, &j->other);
}

static int append_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	unsigned rights = 0;
	bool is_recent;
	int rc = store_tx_box(tx, j->v[0].mailbox, &j->box);

	if (rc == 0)
		rc = store_tx_rights_need(j->s, tx, j->box.id, j->v[0].user, STORE_R_INSERT, &rights);
	j->may_set = store_rights_flags(rights);
	if (rc == 0)
		rc = check_notes(j, rights);
	if (rc == 0 && j->replaced_mailbox != 0)
		rc = remove_replaced(j, tx);
	if (rc == 0)
		rc = check_quota(j);
	is_recent = j->v[0].wants_recent && j->box.recent_uid >= j->box.uidnext;
	for (size_t i = 0; i < j->n && rc == 0; i++) {
		rc = append_one(j, tx, i);
		j->appended[i].is_recent = is_recent;
	}
	if (is_recent)
		j->box.recent_uid = j->box.uidnext;
	if (rc == 0)
		rc = store_tx_notes_end(tx, &j->noting);
	return rc < 0 ? rc : store_tx_box_change(j->s, tx, &j->box);
}

static int run(struct job *j, struct store_appended *ret)
{
	AUTO(mem_auto_free) struct db_body *bodies = mem_alloc(j->n, sizeof(*bodies));
	AUTO(mem_auto_free) struct store_appended *appended = mem_alloc(j->n, sizeof(*appended));
	int rc;

	must(j->n > 0);
	arena_init(&j->a, STORE_KEYWORD_ARENA);
	j->sets.box = &j->box;
	for (size_t i = 0; i < j->n; i++) {
		must(j->v[i].mailbox == j->v[0].mailbox);
		bodies[i].bytes = j->v[i].content->bytes;
	}
	j->bodies = bodies;
	j->appended = appended;
	rc = db_write(j->s->db, &(struct db_write_job){ .fn = append_tx,
							.arg = j,
							.durability = DB_DURABLE,
							.bodies = bodies,
							.n_bodies = j->n });
	arena_fini(&j->a);
	store_sets_end(&j->sets);
	if (rc == 0)
		memcpy(ret, appended, j->n * sizeof(*ret));
	return rc;
}

int store_append(struct store *s, const struct store_append *v, size_t n,
		 struct store_appended *ret)
{
	struct job j = { .s = s, .v = v, .n = n };

	return run(&j, ret);
}

int store_replace(struct store *s, const struct store_append *v, int64_t mailbox, uint32_t uid,
		  struct store_appended *ret, uint64_t *ret_modseq)
{
	struct job j = { .s = s, .v = v, .n = 1, .replaced_mailbox = mailbox, .replaced_uid = uid };
	int rc = run(&j, ret);

	if (rc == 0)
		*ret_modseq = j.other.id != 0 ? j.other.modseq : j.box.modseq;
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * What is done about each kind of damage. A repair is one transaction of the writer, so that it may run
 * while the server serves: it looks again, and changes what is wrong then. It counts anew, raises what is
 * too low, takes away rows that name nothing, and gives back to an owner what has lost its own. It never takes a
 * message away: what cannot be read is told (fsck_bodies.c) and goes only on request.
 */
#include <stdio.h>

#include "base/rnd.h"
#include "store/fsck_int.h"
#include "store/news.h"

#define RECOVERED_DOMAIN "recovered.invalid" /* reserved: nobody can have it */

static int write_durably(struct fsck *c, db_write_fn *fn, void *arg)
{
	return db_write(c->s->db,
			&(struct db_write_job){ .fn = fn, .arg = arg, .durability = DB_DURABLE });
}

static int ask(struct db_tx *tx, const struct db_sql *sql, int64_t arg, int64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, sql, DB_I(arg));
	rc = db_step(&q);
	if (rc > 0)
		*ret = db_int(&q, 0);
	return rc > 0 ? 0 : rc < 0 ? rc : -E_NOT_FOUND;
}

struct job {
	struct store *s;
	const struct fsck_damage *d;
	int64_t a, b; /* what the repair needs besides */
};

/* ---- tables ---- */

static int rebuild_tx(struct db_tx *tx, void *arg)
{
	return db_rebuild(tx, ((const struct job *)arg)->d->name_z);
}

static int fix_table(struct fsck *c, const struct fsck_damage *d)
{
	struct job j = { .d = d };
	int rc = write_durably(c, rebuild_tx, &j);

	if (rc < 0)
		return rc;
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };

	rc = db_read_begin(c->s->db, &tx);
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(FSCK_TABLE), DB_T(str_z(d->name_z)));
	rc = db_step(&q);
	return rc > 0 ? str_eq(db_text(&q, 0), S("ok")) : rc;
}

static int left_over_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;

	return db_exec(tx, &store_sql[fsck_left_overs[j->d->id].remove], NULL, 0, NULL);
}

static int fix_left_over(struct fsck *c, const struct fsck_damage *d)
{
	struct job j = { .d = d };
	int rc = write_durably(c, left_over_tx, &j);

	return rc < 0 ? rc : 1;
}

static int counter_tx(struct db_tx *tx, void *arg)
{
	(void)arg;
	return db_exec(tx, SQL(REPAIR_COUNTER), NULL, 0, NULL);
}

static int fix_counter(struct fsck *c, const struct fsck_damage *d)
{
	int rc = write_durably(c, counter_tx, NULL);

	(void)d;
	return rc < 0 ? rc : 1;
}

/* ---- accounts and mailboxes ---- */

static int account_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;

	return DB_EXEC(tx, SQL(REPAIR_ACCOUNT), DB_I(j->d->id));
}

static int fix_account(struct fsck *c, const struct fsck_damage *d)
{
	struct job j = { .d = d };
	int rc = write_durably(c, account_tx, &j);

	return rc < 0 ? rc : 1;
}

/*
 * A UID that is both there and expunged is there. Who was told that it went has to see it again, so it
 * changes; and so does the mailbox, so that views are brought up to date. Messages whose flags are lost
 * change too, and those whose keywords have another name.
 */
static int mend_messages(struct db_tx *tx, int64_t mailbox, uint64_t flags, int64_t modseq)
{
	struct db_query q;
	int rc = store_tx_states_mend(tx, mailbox, (uint64_t)modseq);

	if (rc == 0)
		rc = store_tx_keywords_mend(tx, mailbox, flags, (uint64_t)modseq);
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(REPAIR_SHOW_AGAIN), DB_I(mailbox));
	rc = store_tx_states_touch(tx, mailbox, &q, (uint64_t)modseq);
	return rc < 0 ? rc : DB_EXEC(tx, SQL(REPAIR_NOT_EXPUNGED), DB_I(mailbox));
}

static int mailbox_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;
	struct store_states_sum sum = { 0 };
	int64_t mailbox = j->d->id, modseq = 0, account = 0;
	int rc = ask(tx, SQL(REPAIR_MODSEQ), mailbox, &modseq);

	if (rc == 0)
		rc = ask(tx, SQL(REPAIR_OWNER), mailbox, &account);
	if (rc == 0)
		rc = store_tx_states_sum(tx, mailbox, &sum);
	modseq = sum.modseq >= modseq ? sum.modseq + 1 : modseq;
	if (rc == 0)
		rc = mend_messages(tx, mailbox, sum.flags, modseq);
	if (rc == 0)
		rc = store_tx_states_sum(tx, mailbox, &sum);
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(REPAIR_MAILBOX), DB_I(mailbox), DB_I(modseq),
			     DB_I(sum.unseen), DB_I(sum.deleted));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(REPAIR_ACCOUNT_MODSEQ), DB_I(account), DB_I(modseq));
	if (rc == 0)
		store_announce(j->s, tx, &(struct store_event){ .account = account,
								.mailbox = mailbox,
								.modseq = modseq,
								.kinds = STORE_NEWS_MESSAGES });
	return rc;
}

static int fix_mailbox(struct fsck *c, const struct fsck_damage *d)
{
	struct job j = { .s = c->s, .d = d };
	int rc = write_durably(c, mailbox_tx, &j);

	return rc < 0 ? rc : 1;
}

static int add_account(struct db_tx *tx, int64_t id, struct str name)
{
	return DB_EXEC(tx, SQL(REPAIR_ACCOUNT_ADD), id ? DB_I(id) : DB_N, DB_T(name),
		       DB_T(S(RECOVERED_DOMAIN)), DB_I(store_now_s()));
}

static int no_account_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;
	char name[80];
	int n = snprintf(name, sizeof(name), "account-%lld@" RECOVERED_DOMAIN, (long long)j->d->id);
	int rc = add_account(tx, j->d->id, str_of(name, (size_t)n));

	return rc == -E_EXISTS ? 0 : rc; /* another mailbox of it was first */
}

static int fix_no_account(struct fsck *c, const struct fsck_damage *d)
{
	struct job j = { .d = d };
	int rc = write_durably(c, no_account_tx, &j);

	return rc < 0 ? rc : 1;
}

/* The account that gets what nobody else is known to own. */
static int find_recovered(struct db_tx *tx, int64_t *ret)
{
	static const struct str name = { "messages@" RECOVERED_DOMAIN,
					 sizeof("messages@" RECOVERED_DOMAIN) - 1 };
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(ACCOUNT_BY_NAME), DB_T(name));
	rc = db_step(&q);
	if (rc > 0)
		*ret = db_int(&q, 0);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = add_account(tx, 0, name);
	if (rc == 0)
		*ret = db_last_id(tx);
	return rc;
}

static int no_mailbox_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;
	char name[40], mailboxid[17];
	int64_t account = 0, uidvalidity = 0;
	int n = snprintf(name, sizeof(name), "mailbox-%lld", (long long)j->d->id);
	int rc = find_recovered(tx, &account);

	if (rc == 0)
		rc = ask(tx, SQL(UIDVALIDITY_NEXT), store_now_s(), &uidvalidity);
	if (rc < 0)
		return rc;
	rnd_id_z(mailboxid, sizeof(mailboxid) - 1);
	rc = DB_EXEC(tx, SQL(REPAIR_MAILBOX_ADD), DB_I(j->d->id), DB_I(account),
		     DB_T(str_of(name, (size_t)n)), DB_T(str_z(mailboxid)), DB_I(uidvalidity));
	return rc == -E_EXISTS ? 0 : rc;
}

static int fix_no_mailbox(struct fsck *c, const struct fsck_damage *d)
{
	struct job j = { .d = d };
	int rc = write_durably(c, no_mailbox_tx, &j);

	return rc < 0 ? rc : 1;
}

/* ---- packs ---- */

static int pack_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;

	return DB_EXEC(tx, SQL(REPAIR_PACK), DB_I(j->d->id), DB_I(j->a));
}

/* Counted anew, with the size that it has, and worth a new try where it was damaged. */
static int fix_pack(struct fsck *c, const struct fsck_damage *d)
{
	struct job j = { .d = d };
	int rc = blob_pack_final_bytes(c->s->db, d->id, &j.a);

	if (rc == -E_NOT_FOUND && d->kind == FSCK_PACK_FILE)
		return 0;
	if (rc == 0 || rc == -E_NOT_FOUND)
		rc = write_durably(c, pack_tx, &j);
	return rc < 0 ? rc : 1;
}

/* ---- contents ---- */

/* By difference: what others count up and down meanwhile stays counted. */
static int refs_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;

	return DB_EXEC(tx, SQL(CONTENT_REF), DB_I(j->d->id), DB_I(j->d->by), DB_I(store_now_s()));
}

static int fix_refs(struct fsck *c, const struct fsck_damage *d)
{
	struct job j = { .d = d };
	int rc = write_durably(c, refs_tx, &j);

	return rc < 0 ? rc : 1;
}

/* The place of the body, and the size with which its record is whole. */
static int find_size(struct fsck *c, int64_t content, struct blob_ref *ret, int64_t *ret_size)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(c->s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(REPAIR_REF), DB_I(content));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	*ret = (struct blob_ref){ db_int(&q, 0), db_int(&q, 1), db_int(&q, 2) };
	rc = blob_length(c->s->db, ret, ret_size);
	if (rc == 0)
		rc = blob_verify(c->s->db,
				 &(struct blob_ref){ ret->pack, ret->offset, *ret_size });
	return rc;
}

static int resize_content_tx(struct db_tx *tx, void *arg)
{
	const struct job *j = arg;

	return DB_EXEC(tx, SQL(REPAIR_CONTENT_SIZE), DB_I(j->d->id), DB_I(j->a));
}

struct sized {
	struct fsck *c;
	int64_t content, size;
	int64_t mailbox; /* the next message that says otherwise */
	uint32_t uid;
	int64_t said;
	bool is_over;
};

static int next_sized(struct db_tx *tx, struct sized *z)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(REPAIR_OTHER_SIZE), DB_I(z->content), DB_I(z->size));
	rc = db_step(&q);
	z->is_over = rc == 0;
	if (rc > 0) {
		z->mailbox = db_int(&q, 0);
		z->uid = (uint32_t)db_int(&q, 1);
		z->said = db_int(&q, 2);
	}
	return rc < 0 ? rc : 0;
}

/* One message, with its counters; then those outside the store. */
static int resize_row_tx(struct db_tx *tx, void *arg)
{
	struct sized *z = arg;
	struct store_box box;
	struct db_query q;
	int rc = next_sized(tx, z);

	for (size_t i = 0; rc == 0 && z->is_over && i < z->c->job->n_refs; i++)
		rc = DB_EXEC(tx, z->c->job->refs[i].resize, DB_I(z->content), DB_I(z->size));
	if (rc < 0 || z->is_over)
		return rc;
	rc = store_tx_box(tx, z->mailbox, &box);
	if (rc < 0)
		return rc;
	box.d.bytes = z->size - z->said;
	DB_QUERY(tx, &q, SQL(REPAIR_MESSAGE_SIZE), DB_I(z->mailbox), DB_I(z->uid), DB_I(z->size));
	rc = store_tx_states_touch(tx, z->mailbox, &q, box.modseq);
	return rc < 0 ? rc : store_tx_box_change(z->c->s, tx, &box);
}

static int fix_size(struct fsck *c, const struct fsck_damage *d)
{
	struct sized z = { .c = c, .content = d->id };
	struct job j = { .d = d };
	struct blob_ref ref;
	int rc = find_size(c, d->id, &ref, &z.size);

	if (rc < 0)
		return 0;
	j.a = z.size;
	if (ref.length != z.size)
		rc = write_durably(c, resize_content_tx, &j);
	while (rc == 0 && !z.is_over)
		rc = write_durably(c, resize_row_tx, &z);
	return rc < 0 ? rc : 1;
}

static int dead_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int64_t pack = 0, bytes = 0;
	int rc = ask(tx, SQL(REPAIR_DEAD_PACK), j->d->id, &pack);

	if (rc == 0)
		rc = ask(tx, SQL(REPAIR_DEAD_SIZE), j->d->id, &bytes);
	if (rc < 0)
		return rc == -E_NOT_FOUND ? 0 : rc;
	rc = store_tx_content_remove(tx, j->d->id, &j->a);
	return rc < 0 ? rc : DB_EXEC(tx, SQL(PACK_SHRINK), DB_I(pack), DB_I(bytes + BLOB_RECORD_EXTRA));
}

/* Expunged mail need not be whole: its row goes before its time. */
static int fix_body(struct fsck *c, const struct fsck_damage *d)
{
	struct job j = { .d = d };
	int rc = write_durably(c, dead_tx, &j);

	return rc < 0 ? rc : j.a > 0;
}

/* ---- the table ---- */

static const struct repair {
	int (*fn)(struct fsck *c, const struct fsck_damage *d); /* 1: done, 0: cannot be done */
	const char *done_z;
	const char *why_not_z;
} repairs[FSCK_COUNT_] = {
	[FSCK_TABLE] = { fix_table, "its indexes were built anew",
			 "not in an index: take the newest backup, or salvage the database file" },
	[FSCK_UNREAD] = { NULL, NULL, "take the newest backup, or salvage the database file" },
	[FSCK_COUNTER] = { fix_counter, "raised", "it could not be raised" },
	[FSCK_ACCOUNT] = { fix_account, "counted anew", "it could not be written" },
	[FSCK_MAILBOX] = { fix_mailbox, "counted anew", "it could not be written" },
	[FSCK_NO_ACCOUNT] = { fix_no_account,
			      "made again as account-N@" RECOVERED_DOMAIN,
			      "it could not be made again" },
	[FSCK_NO_MAILBOX] = { fix_no_mailbox, "made again in the account messages@" RECOVERED_DOMAIN,
			      "it could not be made again" },
	[FSCK_LEFT_OVER] = { fix_left_over, "removed", "they could not be removed" },
	[FSCK_PACK] = { fix_pack, "counted anew", "it could not be written" },
	[FSCK_PACK_FILE] = { fix_pack, "measured anew", "what was in it is told by its contents" },
	[FSCK_SIZE] = { fix_size, "the size of the record was taken",
			"with neither of them the record is whole" },
	[FSCK_REFS] = { fix_refs, "counted anew", "it could not be written" },
	[FSCK_NO_CONTENT] = { NULL, NULL,
			      "where its body is, nobody knows; --remove-unreadable takes the messages away" },
	[FSCK_BODY] = { fix_body, "nobody's any more: removed",
			"kept, as readable as it is; a backup may have it" },
};

const char *fsck_why_not(enum fsck_kind kind)
{
	return repairs[kind].why_not_z;
}

/* Several faults of one thing have one repair. */
static bool is_same(const struct fsck_damage *a, const struct fsck_damage *b)
{
	return a->kind == b->kind && a->id == b->id && a->by == b->by && a->name_z == b->name_z;
}

static int repair_one(struct fsck *c, const struct fsck_damage *d, const struct fsck_damage *before,
		      int *done)
{
	const struct store_fsck_say *say = &c->job->say;
	const struct repair *r = &repairs[d->kind];
	char text[2 * FSCK_TEXT];

	if (!before || !is_same(before, d))
		*done = r->fn ? r->fn(c, d) : 0;
	if (*done == -E_DISK_FULL || *done == -E_BUSY)
		return *done;
	if (*done <= 0)
		return 0; /* the last round tells why */
	c->n_repaired++;
	snprintf(text, sizeof(text), "%s; %s", d->text_z, r->done_z);
	say->repaired(say->ctx, text);
	return 0;
}

int fsck_settle(struct fsck *c)
{
	int done = 0, rc = 0;

	for (size_t i = 0; i < c->n_pending && rc == 0; i++)
		rc = repair_one(c, &c->pending[i], i ? &c->pending[i - 1] : NULL, &done);
	for (size_t i = 0; i < c->n_pending; i++)
		mem_free(c->pending[i].text_z);
	c->n_pending = 0;
	return rc;
}

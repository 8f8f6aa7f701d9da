/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing. What is shared between threads is listed in struct store (store_int.h),
 * each part with its lock.
 */
#include "store/store_int.h"

#include "base/clock.h"

#define MODSEQ_LEAP (1 << 20) /* more than an account changes in a second */

int64_t store_now_s(void)
{
	return clock_wall_ms() / 1000;
}

static int configure_defaults(struct store *s, struct fault *fault)
{
	static const struct conf_table *const tables[] = { &store_conf_table };
	struct conf *c = NULL;
	int rc = conf_load(tables, ARRAY_LEN(tables), NULL, &c, fault);

	if (rc == 0)
		store_configure(s, conf_get(c, &store_conf_table));
	conf_unref(c);
	return rc;
}

static int leap_tx(struct db_tx *tx, void *arg)
{
	(void)arg;
	return DB_EXEC(tx, SQL(ACCOUNTS_MODSEQ), DB_I(MODSEQ_LEAP));
}

/*
 * A power cut may have undone the flag changes of the last second, whose modseqs clients know (RFC 7162 3.1.2.1: they only
 * grow). What comes now must be larger, or those clients would not ask for it.
 */
static int leap(struct store *s, struct fault *fault)
{
	struct db_write_job job = { .fn = leap_tx, .durability = DB_DURABLE };
	int rc = db_was_cut_off(s->db) ? db_write(s->db, &job) : 0;

	return rc < 0 ? fault_set(fault, rc, "cannot begin after a crash: %s", err_row(rc)->text) : 0;
}

int store_open(struct db *db, store_wake_fn *wake, void *wake_ctx, struct store **ret,
	       struct fault *fault)
{
	struct store *s = MEM_NEW(struct store);
	int rc;

	s->db = db;
	s->wake = wake;
	s->wake_ctx = wake_ctx;
	store_feed_init(&s->feed);
	db_after_hooks(db, store_feed_wake, s);
	lock_init(&s->mbox_lock);
	lock_init(&s->pop3_lock);
	lock_init(&s->keep_lock);
	lock_cond_init(&s->keep_free);
	rc = configure_defaults(s, fault);
	if (rc == 0)
		rc = leap(s, fault);
	if (rc == 0) {
		rc = store_purge(s); /* what a crash left of a deleted mailbox */
		if (rc < 0)
			fault_set(fault, rc, "cannot remove the rest of deleted mailboxes");
	}
	if (rc < 0) {
		store_close(&s);
		return rc;
	}
	*ret = s;
	return 0;
}

void store_close(struct store **sp)
{
	struct store *s = *sp;

	if (!s)
		return;
	db_after_hooks(s->db, NULL, NULL);
	store_feed_fini(&s->feed);
	store_mbox_fini(s);
	store_idmap_fini(&s->mboxes);
	store_idmap_fini(&s->pop3);
	lock_fini(&s->mbox_lock);
	lock_fini(&s->pop3_lock);
	lock_cond_fini(&s->keep_free);
	lock_fini(&s->keep_lock);
	mem_free(s);
	*sp = NULL;
}

struct db *store_db(struct store *s)
{
	return s->db;
}

void store_configure(struct store *s, const struct store_conf *conf)
{
	atomic_store(&s->default_quota.bytes, conf->default_quota_bytes);
	atomic_store(&s->default_quota.messages, conf->default_quota_messages);
	atomic_store(&s->default_quota.mailboxes, conf->default_quota_mailboxes);
	atomic_store(&s->expunge_grace_ms, conf->expunge_grace_ms);
	atomic_store(&s->expunged_history_ms, conf->expunged_history_ms);
	atomic_store(&s->compact_percent, conf->compact_percent);
	atomic_store(&s->compact_rate_bytes, conf->compact_rate_bytes);
	/* What sessions know of rights is old. */
	if (atomic_exchange(&s->anyone, conf->anyone) != (int)conf->anyone) {
		atomic_fetch_add(&s->rights_generation, 1);
		store_news_put_shared_all(s);
	}
	atomic_store(&s->search_index, conf->search_index);
	atomic_store(&s->search_index_after, conf->search_index_after);
	atomic_store(&s->min_free_bytes, conf->min_free_bytes);
	db_keep_free(s->db, conf->min_free_bytes);
}

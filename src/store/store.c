/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing. What is shared between threads is listed in struct store (store_int.h),
 * each part with its lock.
 */
#include "store/store_int.h"

#include "base/clock.h"

int64_t store_now_s(void)
{
	return clock_wall_ms() / 1000;
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
	lock_init(&s->mbox_lock);
	lock_init(&s->pop3_lock);
	rc = store_purge(s); /* what a crash left of a deleted mailbox */
	if (rc < 0) {
		store_close(&s);
		return fault_set(fault, rc, "cannot remove the rest of deleted mailboxes");
	}
	*ret = s;
	return 0;
}

void store_close(struct store **sp)
{
	struct store *s = *sp;

	if (!s)
		return;
	store_feed_fini(&s->feed);
	store_mbox_fini(s);
	store_idmap_fini(&s->mboxes);
	store_idmap_fini(&s->pop3);
	lock_fini(&s->mbox_lock);
	lock_fini(&s->pop3_lock);
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
}

/* SPDX-License-Identifier: MIT */
/*
 * Mailboxes in use: one entry for each, with the newest view that somebody asked for.
 *
 * The commit hook writes the modseq of each change to `latest` before the change's caller is
 * answered. A view is fresh when its highestmodseq has reached `latest`; asking costs one atomic
 * read. Otherwise the view is brought up to date from the database, under the entry's lock:
 * sessions that ask at the same moment share the work.
 *
 * Locks: mbox_lock (table and counts), then nothing. An entry's lock is held over database reads
 * and is never taken under mbox_lock.
 */
#include "store/store_int.h"

#include "base/must.h"

struct store_mbox {
	struct store *s;
	int64_t mailbox;
	int refs;                /* under s->mbox_lock */
	_Atomic uint64_t latest; /* modseq of the newest commit; 0: none since the entry was made */
	atomic_bool is_gone;
	struct lock lock;
	struct store_view *view; /* under lock; NULL before the first question */
};

int store_mbox_open(struct store *s, int64_t mailbox, struct store_mbox **ret)
{
	struct store_mbox *m;

	lock_get(&s->mbox_lock);
	m = store_idmap_get(&s->mboxes, mailbox);
	if (!m) {
		m = MEM_NEW(struct store_mbox);
		m->s = s;
		m->mailbox = mailbox;
		lock_init(&m->lock);
		store_idmap_put(&s->mboxes, mailbox, m);
	}
	m->refs++;
	lock_put(&s->mbox_lock);
	*ret = m;
	return 0;
}

void store_mbox_close(struct store_mbox **mp)
{
	struct store_mbox *m = *mp;
	bool is_last;

	if (!m)
		return;
	*mp = NULL;
	lock_get(&m->s->mbox_lock);
	is_last = --m->refs == 0;
	if (is_last)
		store_idmap_remove(&m->s->mboxes, m->mailbox);
	lock_put(&m->s->mbox_lock);
	if (!is_last)
		return;
	store_view_unref(m->view);
	lock_fini(&m->lock);
	mem_free(m);
}

void store_mbox_publish(struct store *s, int64_t mailbox, int64_t modseq)
{
	struct store_mbox *m;

	lock_get(&s->mbox_lock);
	m = store_idmap_get(&s->mboxes, mailbox);
	if (m && modseq == STORE_GONE)
		atomic_store(&m->is_gone, true);
	else if (m)
		atomic_store(&m->latest, (uint64_t)modseq);
	lock_put(&s->mbox_lock);
}

bool store_mbox_has_news(struct store_mbox *m, const struct store_view *v)
{
	if (v->is_gone)
		return false;
	return atomic_load(&m->is_gone) || atomic_load(&m->latest) > v->highestmodseq;
}

/* Brings m->view up to date; under its lock. */
static int refresh(struct store_mbox *m)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct store_view *now = NULL;
	int rc;

	must(lock_held(&m->lock));
	rc = db_read_begin(m->s->db, &tx);
	if (rc < 0)
		return rc;
	rc = store_view_load(tx, m->mailbox, m->view, &now);
	if (rc == -E_NOT_FOUND && m->view) {
		now = store_view_gone(m->view);
		rc = 0;
	}
	if (rc < 0)
		return rc;
	store_view_unref(m->view);
	m->view = now;
	return 0;
}

int store_mbox_view(struct store_mbox *m, struct store_view **ret)
{
	int rc = 0;

	lock_get(&m->lock);
	if (!m->view || store_mbox_has_news(m, m->view))
		rc = refresh(m);
	if (rc == 0) {
		*ret = m->view;
		store_view_ref(m->view);
	}
	lock_put(&m->lock);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Mailboxes in use: one entry for each, with the newest view that somebody asked for.
 *
 * The commit hook writes the modseq of each change to `latest` before the change's caller is
 * answered. A view is fresh when its highestmodseq has reached `latest`; asking costs one atomic
 * read. Otherwise the view is brought up to date under the entry's lock: with the deltas that the
 * commits left (delta.c), if they lead to `latest`, else from the database. Sessions that ask at
 * the same moment share the work.
 *
 * When the last user leaves, the entry stays with its view for whoever comes next (clients go from
 * mailbox to mailbox and back), until it is the oldest and idle views hold too many messages
 * together. An idle entry is not refreshed: `latest` tells its next user what it missed.
 *
 * Who only selects a mailbox gets a bare view (glance.c) while there is no view yet; the first who
 * needs messages loads it for all.
 *
 * Locks: mbox_lock (table, counts, deltas), then nothing. An entry's lock is held over database reads
 * and is never taken under mbox_lock.
 */
#include "store/store_int.h"

#include "base/must.h"

#define IDLE_WEIGHT 262144 /* messages of idle views together, each 64 bytes of memory */
#define IDLE_OVERHEAD 32   /* what an entry costs besides, in messages */
#define DELTAS_MAX 16      /* of one entry that is in use: they wait for somebody who asks */

struct store_mbox {
	struct store *s;
	int64_t mailbox;
	int refs;                         /* under s->mbox_lock, as those down to n_deltas */
	struct store_mbox *newer, *older; /* among the idle ones: those with refs 0 */
	size_t weight;                    /* in idle_weight */
	struct store_delta *deltas, **deltas_end; /* in the order of their commits */
	unsigned n_deltas;
	_Atomic uint64_t latest; /* modseq of the newest commit; 0: none since the entry was made */
	atomic_bool is_gone, has_view;
	struct lock lock;
	struct store_view *view; /* under lock; NULL before the first question */
};

/* ---- idle entries; all under mbox_lock ---- */

static void idle_add(struct store *s, struct store_mbox *m)
{
	must(lock_held(&s->mbox_lock) && m->refs == 0);
	m->weight = IDLE_OVERHEAD + (m->view ? m->view->n : 0);
	s->idle_weight += m->weight;
	m->newer = NULL;
	m->older = s->idle_newest;
	*(m->older ? &m->older->newer : &s->idle_oldest) = m;
	s->idle_newest = m;
}

static void idle_remove(struct store *s, struct store_mbox *m)
{
	must(lock_held(&s->mbox_lock) && m->refs == 0);
	s->idle_weight -= m->weight;
	*(m->newer ? &m->newer->older : &s->idle_newest) = m->older;
	*(m->older ? &m->older->newer : &s->idle_oldest) = m->newer;
}

/* ---- deltas ---- */

static void free_deltas(struct store_delta *d)
{
	while (d) {
		struct store_delta *next = d->next;

		mem_free(d);
		d = next;
	}
}

static struct store_delta *take_deltas(struct store_mbox *m)
{
	struct store_delta *d = m->deltas;

	must(lock_held(&m->s->mbox_lock));
	m->deltas = NULL;
	m->n_deltas = 0;
	return d;
}

/* NULL, too many, or for nobody: those that wait lead nowhere any more. */
static void keep_delta(struct store_mbox *m, const struct store_delta *d)
{
	if (!d || m->n_deltas == DELTAS_MAX || m->refs == 0) {
		free_deltas(take_deltas(m));
		return;
	}
	if (!atomic_load(&m->has_view))
		return;
	if (m->n_deltas++ == 0)
		m->deltas_end = &m->deltas;
	*m->deltas_end = store_delta_copy(d);
	m->deltas_end = &(*m->deltas_end)->next;
}

/* ---- entries that go ---- */

/* Nobody uses it and nobody can find it after this. */
static void drop(struct store *s, struct store_mbox *m)
{
	idle_remove(s, m);
	store_idmap_remove(&s->mboxes, m->mailbox);
	store_view_unref(m->view);
	free_deltas(take_deltas(m));
	lock_fini(&m->lock);
	mem_free(m);
}

void store_mbox_fini(struct store *s)
{
	lock_get(&s->mbox_lock);
	while (s->idle_oldest)
		drop(s, s->idle_oldest);
	lock_put(&s->mbox_lock);
}

/* ---- in use ---- */

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
	} else if (m->refs == 0) {
		idle_remove(s, m);
	}
	m->refs++;
	lock_put(&s->mbox_lock);
	*ret = m;
	return 0;
}

void store_mbox_close(struct store_mbox **mp)
{
	struct store_mbox *m = *mp;
	struct store *s;

	if (!m)
		return;
	*mp = NULL;
	s = m->s;
	lock_get(&s->mbox_lock);
	if (--m->refs == 0) {
		free_deltas(take_deltas(m));
		idle_add(s, m);
		if (atomic_load(&m->is_gone))
			drop(s, m);
		while (s->idle_weight > IDLE_WEIGHT)
			drop(s, s->idle_oldest);
	}
	lock_put(&s->mbox_lock);
}

void store_mbox_publish(struct store *s, int64_t mailbox, int64_t modseq,
			const struct store_delta *d)
{
	struct store_mbox *m;

	lock_get(&s->mbox_lock);
	m = store_idmap_get(&s->mboxes, mailbox);
	if (m && modseq == STORE_GONE)
		atomic_store(&m->is_gone, true);
	else if (m)
		atomic_store(&m->latest, (uint64_t)modseq);
	if (m)
		keep_delta(m, d);
	if (m && modseq == STORE_GONE && m->refs == 0)
		drop(s, m);
	lock_put(&s->mbox_lock);
}

bool store_mbox_has_news(struct store_mbox *m, const struct store_view *v)
{
	if (v->is_gone)
		return false;
	return atomic_load(&m->is_gone) || atomic_load(&m->latest) > v->highestmodseq;
}

bool store_mbox_is_gone(struct store_mbox *m)
{
	return atomic_load(&m->is_gone);
}

/* As far as the deltas lead. */
static void apply_deltas(struct store_mbox *m)
{
	struct store_delta *all;

	lock_get(&m->s->mbox_lock);
	all = take_deltas(m);
	lock_put(&m->s->mbox_lock);
	for (const struct store_delta *d = all; d; d = d->next) {
		struct store_view *now = NULL;

		if (d->to <= m->view->highestmodseq)
			continue; /* it was read from the database already */
		now = store_delta_apply(m->view, d);
		if (!now)
			break;
		store_view_unref(m->view);
		m->view = now;
	}
	free_deltas(all);
}

/* Brings m->view up to date; under its lock. */
static int refresh(struct store_mbox *m)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct store_view *now = NULL;
	int rc;

	must(lock_held(&m->lock));
	if (m->view)
		apply_deltas(m);
	if (m->view && !store_mbox_has_news(m, m->view))
		return 0;
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
	atomic_store(&m->has_view, true);
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

/* Without the lock as long as there is no view: somebody may be loading it. */
int store_mbox_glance(struct store_mbox *m, struct store_view **ret)
{
	if (atomic_load(&m->has_view))
		return store_mbox_view(m, ret);
	return store_glance_load(m->s, m->mailbox, ret);
}

int store_mbox_fill(struct store_mbox *m, const struct store_view *bare, struct store_view **ret)
{
	struct store_view *now;
	int rc = store_mbox_view(m, &now);

	if (rc < 0)
		return rc;
	rc = now->is_gone ? -E_NOT_FOUND : store_view_fill(m->s, bare, now, ret);
	store_view_unref(now);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * The change feed: who wants to know about changes of which mailbox or account.
 *
 * A write function calls store_announce(); its hook runs on the writer thread after the commit
 * and before the writers are answered: first the views of the mailbox learn how far they have to
 * come (mbox.c), then watchers are woken. So whoever was answered, and whoever was woken, sees
 * the change.
 *
 * Watches stand in two tables, by what they watch and by who watches. Ids are copied out under
 * the lock and woken without it: a watcher may be woken once more after it left, never missed
 * while it is there.
 */
#include "store/store_int.h"

#include "base/must.h"

struct watch {
	int64_t target; /* a mailbox id, or the negative id of an account */
	uint64_t watcher;
	struct watch *next, **link; /* among those with the same target */
	struct watch *next_of_watcher;
};

void store_feed_init(struct store_feed *f)
{
	lock_init(&f->lock);
}

void store_feed_fini(struct store_feed *f)
{
	store_idmap_fini(&f->by_target);
	store_idmap_fini(&f->by_watcher);
	lock_fini(&f->lock);
	mem_free(f->woken);
}

static struct watch *find(const struct store_feed *f, int64_t target, uint64_t watcher)
{
	struct watch *w = store_idmap_get(&f->by_watcher, (int64_t)watcher);

	while (w && w->target != target)
		w = w->next_of_watcher;
	return w;
}

/*
 * The first watch of a target is in the table and has link NULL; the others hang on it.
 */
static void insert(struct store_feed *f, struct watch *w)
{
	struct watch *first = store_idmap_get(&f->by_target, w->target);

	if (first) {
		w->next = first->next;
		w->link = &first->next;
		if (w->next)
			w->next->link = &w->next;
		first->next = w;
	} else {
		store_idmap_put(&f->by_target, w->target, w);
	}
	w->next_of_watcher = store_idmap_get(&f->by_watcher, (int64_t)w->watcher);
	store_idmap_put(&f->by_watcher, (int64_t)w->watcher, w);
}

static void remove_from_target(struct store_feed *f, struct watch *w)
{
	if (w->link) {
		*w->link = w->next;
		if (w->next)
			w->next->link = w->link;
	} else if (w->next) {
		w->next->link = NULL;
		store_idmap_put(&f->by_target, w->target, w->next);
	} else {
		store_idmap_remove(&f->by_target, w->target);
	}
}

int store_watch_add(struct store *s, int64_t account, int64_t mailbox, uint64_t watcher_id)
{
	struct store_feed *f = &s->feed;
	int64_t target = mailbox ? mailbox : -account;

	lock_get(&f->lock);
	if (!find(f, target, watcher_id)) {
		struct watch *w = MEM_NEW(struct watch);

		w->target = target;
		w->watcher = watcher_id;
		insert(f, w);
	}
	lock_put(&f->lock);
	return 0;
}

void store_watch_remove(struct store *s, uint64_t watcher_id)
{
	struct store_feed *f = &s->feed;
	struct watch *w, *next;

	lock_get(&f->lock);
	w = store_idmap_get(&f->by_watcher, (int64_t)watcher_id);
	store_idmap_remove(&f->by_watcher, (int64_t)watcher_id);
	for (; w; w = next) {
		next = w->next_of_watcher;
		remove_from_target(f, w);
		mem_free(w);
	}
	lock_put(&f->lock);
}

static size_t gather(struct store_feed *f, int64_t target, size_t n)
{
	must(lock_held(&f->lock));
	for (struct watch *w = store_idmap_get(&f->by_target, target); w; w = w->next) {
		if (n == f->cap_woken) {
			f->cap_woken = f->cap_woken ? 2 * f->cap_woken : 64;
			f->woken = mem_resize(f->woken, f->cap_woken, sizeof(*f->woken));
		}
		f->woken[n++] = w->watcher;
	}
	return n;
}

void store_feed_wake(struct store *s, int64_t account, int64_t mailbox)
{
	struct store_feed *f = &s->feed;
	size_t n = 0;

	if (!s->wake)
		return;
	lock_get(&f->lock);
	if (mailbox)
		n = gather(f, mailbox, n);
	n = gather(f, -account, n);
	lock_put(&f->lock);
	for (size_t i = 0; i < n; i++)
		s->wake(s->wake_ctx, f->woken[i]);
}

/* ---- from commit to watchers ---- */

static void on_commit(void *ctx, int64_t account, int64_t mailbox, int64_t modseq)
{
	struct store *s = ctx;

	if (mailbox)
		store_mbox_publish(s, mailbox, modseq);
	store_feed_wake(s, account, mailbox);
}

void store_announce(struct store *s, struct db_tx *tx, int64_t account, int64_t mailbox,
		    int64_t modseq)
{
	db_on_commit(tx, on_commit, s, account, mailbox, modseq);
}

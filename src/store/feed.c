/* SPDX-License-Identifier: MIT */
/*
 * The change feed: who wants to know about changes of which mailbox or account.
 *
 * A write function calls store_announce(); its hook runs on the writer thread after the commit
 * and before the writers are answered: first the views of the mailbox learn how far they have
 * to come (mbox.c), then the news are put into the queues of those who want them (news.c). When
 * all of a commit have run, watchers are woken, each once. So whoever was answered, and whoever
 * was woken, sees the change.
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
	store_idmap_fini(&f->news);
	store_idmap_fini(&f->watched_news);
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

void store_watch_add(struct store *s, int64_t account, int64_t mailbox, uint64_t watcher_id)
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

void store_feed_add_woken(struct store_feed *f, uint64_t watcher)
{
	must(lock_held(&f->lock));
	if (f->n_woken == f->cap_woken) {
		f->cap_woken = f->cap_woken ? 2 * f->cap_woken : 64;
		f->woken = mem_resize(f->woken, f->cap_woken, sizeof(*f->woken));
	}
	f->woken[f->n_woken++] = watcher;
}

/* Who made the change was told with its answer. */
static void gather(struct store_feed *f, int64_t target, uint64_t actor)
{
	for (struct watch *w = store_idmap_get(&f->by_target, target); w; w = w->next)
		if (actor == 0 || w->watcher != actor)
			store_feed_add_woken(f, w->watcher);
}

/* ---- from commit to watchers ---- */

static void on_commit(void *ctx, void *owned)
{
	struct store *s = ctx;
	const struct store_event *e = owned;
	struct store_feed *f = &s->feed;

	if (e->mailbox && e->modseq)
		store_mbox_publish(s, e->mailbox, e->modseq, e->delta);
	if (e->is_rights) /* what sessions know of rights is old */
		atomic_fetch_add(&s->rights_generation, 1);
	if (!s->wake)
		return;
	lock_get(&f->lock);
	if (e->mailbox && (e->modseq || e->is_rights))
		gather(f, e->mailbox, e->actor);
	gather(f, -e->account, e->actor);
	store_news_put(f, e);
	lock_put(&f->lock);
}

static int compare_ids(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

void store_feed_wake(void *ctx)
{
	struct store *s = ctx;
	struct store_feed *f = &s->feed;

	if (f->n_woken > 1)
		qsort(f->woken, f->n_woken, sizeof(*f->woken), compare_ids);
	for (size_t i = 0; i < f->n_woken; i++) {
		if (i == 0 || f->woken[i] != f->woken[i - 1])
			s->wake(s->wake_ctx, f->woken[i]);
	}
	f->n_woken = 0;
}

struct str store_put_str(char **at, struct str s)
{
	struct str copy = str_of(*at, s.n);

	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

void store_announce(struct store *s, struct db_tx *tx, const struct store_event *e)
{
	size_t texts = e->name.n + e->old_name.n + e->entries.n;
	struct announced {
		struct store_event e; /* the first: it is freed by its address */
		struct store_delta delta;
		char texts[];
	} *block = mem_alloc(1, sizeof(*block) + texts);
	struct store_event *copy = &block->e;
	char *at = block->texts;

	*copy = *e;
	if (e->delta) {
		block->delta = *e->delta;
		copy->delta = &block->delta;
	}
	copy->actor = db_actor(tx);
	copy->name = store_put_str(&at, e->name);
	copy->old_name = store_put_str(&at, e->old_name);
	copy->entries = store_put_str(&at, e->entries);
	db_on_commit(tx, on_commit, s, copy);
}

void store_act_as(uint64_t watcher_id)
{
	db_act_as(watcher_id);
}

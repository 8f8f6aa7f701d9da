/* SPDX-License-Identifier: MIT */
/*
 * News of mailboxes of others. Who may see them changes with rights, so the writer thread does not ask:
 * whoever reads the news says which mailboxes he may and wants to hear of (store_news_watch()), and is told
 * STORE_NEWS_SHARED when that may have changed. A commit costs one look into the table of those mailboxes.
 * News that were put before a right was taken away may still wait: who reads them asks for his rights.
 */
#include "base/budget.h"
#include "base/must.h"
#include "store/news_int.h"

#define SLOT 48 /* of a mailbox in the table, which is at most full to a third or so */

/* ---- who is told of all changes ---- */

void store_news_place_sharer(struct store_news *n)
{
	struct store_feed *f = &n->s->feed;
	bool is_in = n->sharer_link != NULL;

	must(lock_held(&f->lock));
	if (is_in == !!(n->kinds & STORE_NEWS_SHARED))
		return;
	if (!is_in) {
		n->next_sharer = f->sharers;
		if (n->next_sharer != NULL)
			n->next_sharer->sharer_link = &n->next_sharer;
		f->sharers = n;
		n->sharer_link = &f->sharers;
		return;
	}
	*n->sharer_link = n->next_sharer;
	if (n->next_sharer != NULL)
		n->next_sharer->sharer_link = n->sharer_link;
	n->sharer_link = NULL;
}

void store_news_put_shared_all(struct store *s)
{
	const struct store_event e = { .kinds = STORE_NEWS_SHARED };
	uint64_t *woken = NULL;
	size_t n_woken = 0, cap = 0;

	lock_get(&s->feed.lock);
	for (struct store_news *n = s->feed.sharers; n != NULL; n = n->next_sharer) {
		if (!store_news_put_one(n, &e))
			continue;
		if (n_woken == cap) {
			cap = cap ? 2 * cap : 64;
			woken = mem_resize(woken, cap, sizeof(*woken));
		}
		woken[n_woken++] = n->watcher;
	}
	lock_put(&s->feed.lock);
	for (size_t i = 0; i < n_woken && s->wake; i++)
		s->wake(s->wake_ctx, woken[i]);
	mem_free(woken);
}

/* ---- which mailboxes ---- */

static void hang(struct store_feed *f, struct store_news_watched *w)
{
	struct store_news_watched *first = store_idmap_get(&f->watched_news, w->mailbox);

	if (first == NULL) {
		store_idmap_put(&f->watched_news, w->mailbox, w);
		return;
	}
	w->next = first->next;
	w->link = &first->next;
	if (w->next != NULL)
		w->next->link = &w->next;
	first->next = w;
}

static void unhang(struct store_feed *f, struct store_news_watched *w)
{
	if (w->link != NULL) {
		*w->link = w->next;
		if (w->next != NULL)
			w->next->link = w->link;
	} else if (w->next != NULL) {
		w->next->link = NULL;
		store_idmap_put(&f->watched_news, w->mailbox, w->next);
	} else {
		store_idmap_remove(&f->watched_news, w->mailbox);
	}
}

void store_news_forget_watched(struct store_news *n)
{
	must(lock_held(&n->s->feed.lock));
	for (size_t i = 0; i < n->n_watched; i++)
		unhang(&n->s->feed, &n->watched[i]);
	mem_free(n->watched);
	budget_give(BUDGET_HELD, n->watched_bytes);
	n->watched = NULL;
	n->n_watched = n->watched_bytes = 0;
}

int store_news_watch(struct store_news *n, const int64_t *ids, size_t n_ids)
{
	size_t bytes = n_ids * (sizeof(*n->watched) + SLOT);
	int rc = 0;

	lock_get(&n->s->feed.lock);
	store_news_forget_watched(n);
	if (n_ids > 0 && !budget_take(BUDGET_HELD, 0, bytes)) {
		rc = -E_LIMIT;
	} else if (n_ids > 0) {
		n->watched = mem_alloc(n_ids, sizeof(*n->watched));
		n->n_watched = n_ids;
		n->watched_bytes = bytes;
		for (size_t i = 0; i < n_ids; i++) {
			n->watched[i] = (struct store_news_watched){ .mailbox = ids[i], .news = n };
			hang(&n->s->feed, &n->watched[i]);
		}
	}
	lock_put(&n->s->feed.lock);
	return rc;
}

static void put_and_wake(struct store_feed *f, struct store_news *n, const struct store_event *e)
{
	if (store_news_put_one(n, e))
		store_feed_add_woken(f, n->watcher);
}

void store_news_put_shared(struct store_feed *f, const struct store_event *e)
{
	struct store_event of_others = *e;
	struct store_news_watched *w;

	must(lock_held(&f->lock));
	if (e->account == 0 && (e->kinds & STORE_NEWS_SHARED)) {
		for (struct store_news *n = f->sharers; n != NULL; n = n->next_sharer)
			put_and_wake(f, n, e);
	}
	of_others.kinds &= STORE_NEWS_OF_OTHERS;
	if (e->mailbox == 0 || of_others.kinds == 0 || e->is_private)
		return;
	for (w = store_idmap_get(&f->watched_news, e->mailbox); w != NULL; w = w->next)
		put_and_wake(f, w->news, &of_others);
}

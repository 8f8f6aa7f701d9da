/* SPDX-License-Identifier: MIT */
/*
 * The queues of news. They hang on their account in the feed, and on the mailboxes of others that they
 * watch (news_shared.c), and are guarded by its lock; the
 * writer thread fills them after a commit (store_news_put()), their owners empty them. A queue that
 * has become too long is thrown away as a whole and takes nothing until its owner has seen that.
 */
#include "store/news.h"

#include "base/budget.h"
#include "base/limits.h"
#include "base/must.h"
#include "store/news_int.h"
#include "store/store_int.h"

#define OVERHEAD 64 /* of an item, in the heap and in the table of mailboxes */
#define SHARED ((unsigned)(STORE_NEWS_SHARED | STORE_NEWS_SHARED_OWN))

/* ---- filling ---- */

static void forget(struct store_news *n)
{
	for (const struct store_news_item *i = n->head; i != NULL; i = i->next) {
		if (i->kinds & STORE_NEWS_MESSAGES)
			store_idmap_remove(&n->by_mailbox, i->mailbox);
	}
	store_idmap_fini(&n->by_mailbox);
	n->by_mailbox = (struct store_idmap){ 0 };
	n->head = NULL;
	n->shared = NULL;
	n->tail = &n->head;
	n->n = 0;
	budget_give(BUDGET_HELD, n->bytes);
	n->bytes = 0;
}

static void lose(struct store_news *n)
{
	struct store_news_item *list = n->head;

	forget(n);
	store_news_items_free(list);
	n->is_lost = true;
}

/* False: there is no room. */
static bool add(struct store_news *n, const struct store_event *e, unsigned kinds)
{
	bool is_messages = kinds & STORE_NEWS_MESSAGES;
	size_t texts = is_messages ? 0 : e->name.n + e->old_name.n + e->entries.n;
	size_t bytes = sizeof(struct store_news_item) + OVERHEAD + texts;
	struct store_news_item *item;
	char *at;

	if (n->n >= LIMIT_NEWS || bytes > LIMIT_NEWS_BYTES - n->bytes ||
	    !budget_take(BUDGET_HELD, n->bytes, bytes))
		return false;
	item = mem_alloc(1, sizeof(*item) + texts);
	at = (char *)(item + 1);
	item->kinds = kinds;
	item->mailbox = e->mailbox;
	if (!is_messages) {
		item->name = store_put_str(&at, e->name);
		item->old_name = store_put_str(&at, e->old_name);
		item->entries = store_put_str(&at, e->entries);
	} else {
		store_idmap_put(&n->by_mailbox, e->mailbox, item);
	}
	if (kinds & SHARED)
		n->shared = item;
	*n->tail = item;
	n->tail = &item->next;
	n->n++;
	n->bytes += bytes;
	return true;
}

bool store_news_put_one(struct store_news *n, const struct store_event *e)
{
	unsigned kinds = e->kinds & n->kinds;
	bool had_any = n->is_lost || n->head != NULL;
	bool is_own = e->actor != 0 && e->actor == n->watcher;
	bool is_first;
	struct store_news_item *known;

	if (is_own)
		kinds = kinds & STORE_NEWS_SHARED ? STORE_NEWS_SHARED_OWN : 0;
	if (kinds == 0 || n->is_lost)
		return false;
	known = kinds & SHARED		    ? n->shared
		: kinds & STORE_NEWS_MESSAGES ? store_idmap_get(&n->by_mailbox, e->mailbox)
					      : NULL;
	if (known != NULL)
		known->kinds |= kinds;
	else if (!add(n, e, kinds))
		lose(n);
	atomic_store(&n->has_any, true);
	/* Nobody was woken because of what waits: it was only the watcher's own. */
	is_first = !had_any || n->is_only_own;
	n->is_only_own = is_own && is_first;
	return !is_own && is_first;
}

void store_news_put(struct store_feed *f, const struct store_event *e)
{
	struct store_news *n = store_idmap_get(&f->news, e->account);

	must(lock_held(&f->lock));
	for (; n != NULL; n = n->next) {
		if (store_news_put_one(n, e))
			store_feed_add_woken(f, n->watcher);
	}
	store_news_put_shared(f, e);
}

/* ---- the owner's side ---- */

struct store_news *store_news_new(struct store *s, int64_t account, uint64_t watcher_id,
				  unsigned kinds)
{
	struct store_news *n = MEM_NEW(struct store_news);

	n->s = s;
	n->account = account;
	n->watcher = watcher_id;
	n->kinds = kinds;
	n->tail = &n->head;
	lock_get(&s->feed.lock);
	n->next = store_idmap_get(&s->feed.news, account);
	store_idmap_put(&s->feed.news, account, n);
	store_news_place_sharer(n);
	lock_put(&s->feed.lock);
	return n;
}

void store_news_want(struct store_news *n, unsigned kinds)
{
	lock_get(&n->s->feed.lock);
	n->kinds = kinds;
	store_news_place_sharer(n);
	lock_put(&n->s->feed.lock);
}

bool store_news_has(const struct store_news *n)
{
	return atomic_load(&n->has_any);
}

struct store_news_item *store_news_take(struct store_news *n, bool *ret_is_lost)
{
	struct store_news_item *list;

	lock_get(&n->s->feed.lock);
	list = n->head;
	*ret_is_lost = n->is_lost;
	n->is_lost = false;
	forget(n);
	atomic_store(&n->has_any, false);
	lock_put(&n->s->feed.lock);
	return list;
}

void store_news_items_free(struct store_news_item *list)
{
	while (list != NULL) {
		struct store_news_item *next = list->next;

		mem_free(list);
		list = next;
	}
}

static void take_out(struct store_feed *f, struct store_news *n)
{
	struct store_news *first = store_idmap_get(&f->news, n->account);

	if (first == n && n->next == NULL) {
		store_idmap_remove(&f->news, n->account);
	} else if (first == n) {
		store_idmap_put(&f->news, n->account, n->next);
	} else {
		while (first->next != n)
			first = first->next;
		first->next = n->next;
	}
}

void store_news_free(struct store_news **np)
{
	struct store_news *n = *np;

	if (n == NULL)
		return;
	*np = NULL;
	lock_get(&n->s->feed.lock);
	take_out(&n->s->feed, n);
	n->kinds = 0;
	store_news_place_sharer(n);
	store_news_forget_watched(n);
	lose(n);
	lock_put(&n->s->feed.lock);
	mem_free(n);
}

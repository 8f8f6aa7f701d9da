/* SPDX-License-Identifier: MIT */
/*
 * A queue of news as its files see it: news.c fills and empties it, news_shared.c says which mailboxes
 * of others it hears of. Everything is guarded by the lock of the feed, but has_any.
 */
#pragma once

#include "store/news.h"
#include "store/store_int.h"

struct store_news_watched {
	int64_t mailbox;
	struct store_news *news;
	struct store_news_watched *next, **link; /* of the same mailbox; link NULL: the first */
};

struct store_news {
	struct store *s;
	int64_t account;
	uint64_t watcher;
	unsigned kinds;
	atomic_bool has_any;
	bool is_lost;
	bool is_only_own; /* what waits is SHARED_OWN alone: nobody was woken for it */
	struct store_news_item *head, **tail;
	struct store_news_item *shared; /* the one of STORE_NEWS_SHARED that waits, or NULL */
	size_t n, bytes; /* bytes: taken from the budget */
	struct store_idmap by_mailbox; /* the items of messages */
	struct store_news *next; /* of the same account */
	struct store_news *next_sharer, **sharer_link; /* link NULL: it is not among the sharers */
	struct store_news_watched *watched;
	size_t n_watched, watched_bytes;
};

/* True: the watcher is to be woken. */
bool store_news_put_one(struct store_news *n, const struct store_event *e);
/* For who watches the mailbox of another, or is meant by "anyone". */
void store_news_put_shared(struct store_feed *f, const struct store_event *e);
/* Puts it among the sharers, or takes it out, as its kinds say. */
void store_news_place_sharer(struct store_news *n);
void store_news_forget_watched(struct store_news *n);

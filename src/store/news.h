/* SPDX-License-Identifier: MIT */
/*
 * News: what happened in an account, told to sessions that asked for it (RFC 5465, RFC 5464
 * 4.4.2). Each has a queue of bounded length, which commits fill; its watcher is woken when
 * something comes into an empty one. Changes of messages are not kept one by one: a mailbox
 * stands in the queue once, with what kinds of change it has had. What a watcher did itself
 * (store_act_as()) is no news to it.
 *
 * Who wants STORE_NEWS_SHARED learns that something has changed of what others share with the account,
 * not what: he looks, compares with what he knew, and says which of those mailboxes he watches.
 */
#pragma once

#include "base/str.h"
#include "store/store.h"

enum store_news_kind {
	STORE_NEWS_ADDED = 1, /* messages: merged, by mailbox */
	STORE_NEWS_EXPUNGED = 2,
	STORE_NEWS_FLAGS = 4,
	STORE_NEWS_CREATED = 8, /* names of mailboxes: one item each, in order */
	STORE_NEWS_DELETED = 16,
	STORE_NEWS_RENAMED = 32,
	STORE_NEWS_SUBSCRIBED = 64, /* or not any more */
	STORE_NEWS_METADATA = 128,  /* of a mailbox */
	STORE_NEWS_SERVER_METADATA = 256,
	STORE_NEWS_NOTES = 512, /* annotations of messages; merged too */
	STORE_NEWS_SHARED = 1024, /* what others share with the account: rights, names; once */
	STORE_NEWS_SHARED_OWN = 2048, /* the watcher did that itself: nobody is woken */
};
#define STORE_NEWS_MESSAGES (7 | STORE_NEWS_NOTES)
#define STORE_NEWS_NAMES 120
/* What is told of mailboxes of others (store_news_watch()). */
#define STORE_NEWS_OF_OTHERS ((unsigned)(STORE_NEWS_MESSAGES | STORE_NEWS_METADATA))

struct store_news_item {
	unsigned kinds;      /* enum store_news_kind; several only of messages, and of SHARED */
	int64_t mailbox;     /* id, of CREATED and RENAMED too; 0: of a name only, or the server */
	struct str name;     /* CREATED, DELETED, RENAMED, SUBSCRIBED: after the change */
	struct str old_name; /* RENAMED */
	struct str entries;  /* METADATA: canonical names, each followed by a line feed */
	struct store_news_item *next;
};

struct store_news;
/* A queue for the news of those kinds. Any thread. */
struct store_news *store_news_new(struct store *s, int64_t account, uint64_t watcher_id,
				  unsigned kinds);
/* Other kinds from now on. What waits stays. */
void store_news_want(struct store_news *n, unsigned kinds);
/*
 * From now on news of these mailboxes of others, too (STORE_NEWS_OF_OTHERS as far as wanted, entries of
 * "/private/" never), instead of those named before. May the account see them? The caller's affair. ids are
 * copied, each once; -E_LIMIT: memory is short, none is watched.
 */
MUST_CHECK int store_news_watch(struct store_news *n, const int64_t *ids, size_t n_ids);
/* Does anything wait? Costs nothing. */
bool store_news_has(const struct store_news *n);
/*
 * All that waits, in order, as a list that the caller frees. *ret_is_lost: there was more than
 * LIMIT_NEWS items or LIMIT_NEWS_BYTES, or memory was short (base/budget.h): then the list is
 * empty, and what happened is not known.
 */
struct store_news_item *store_news_take(struct store_news *n, bool *ret_is_lost);
void store_news_items_free(struct store_news_item *list); /* accepts NULL */
void store_news_free(struct store_news **n); /* accepts a pointer to NULL */

/* SPDX-License-Identifier: MIT */
/*
 * The mail store: accounts, mailboxes, messages, flags, changes. Only owner of its tables. Thread-safe:
 * every function may be called by any worker; none may be called inside a db_write() function unless its
 * name begins with store_tx_. Each state-changing function is one transaction, durable when it returns
 * (flag changes: within 1 s), and announced to views and watchers after its commit. While a thread has a
 * struct store_reader open it calls nothing here but store_content_get() and store_content_find().
 *
 * Parts: store/account.h, store/mailbox.h, store/message.h, store/view.h, store/news.h, store/search.h, store/annotation.h, store/rights.h, store/housekeep.h,
 * store/fsck.h.
 */
#pragma once

#include "base/err.h"
#include "conf/conf.h"
#include "db/db.h"

struct store;

/* Given to db_open() by whoever opens the database. */
extern const struct db_sql_set store_sql_set;
extern const struct db_migration_set store_migrations;
/* For db_backup(): the packs that contents name, and how far. */
extern const struct db_sql store_backup_packs;

/* [store] settings. */
extern const struct conf_table store_conf_table;
/* Whom the identifier "anyone" means (RFC 4314 2; docs/decisions/021). */
enum store_anyone { STORE_ANYONE_NO, STORE_ANYONE_DOMAIN, STORE_ANYONE_ALL };
struct store_conf {
	/* For accounts added without quotas of their own; 0: no limit. */
	int64_t default_quota_bytes, default_quota_messages, default_quota_mailboxes;
	int64_t checkpoint_pages;    /* struct db_options */
	int64_t housekeeping_ms;     /* from the end of a pass to the next */
	int64_t expunge_grace_ms;    /* how long what nobody names any more stays readable */
	int64_t expunged_history_ms; /* how long expunged UIDs are remembered */
	int64_t compact_percent;     /* dead share of a pack that is worth its compaction */
	int64_t compact_rate_bytes;  /* a second; 0: as fast as it goes */
	int64_t pack_bytes;          /* for db_options */
	bool search_index;
	int64_t search_index_after;  /* messages of an account that are not indexed yet and worth a pass */
	int64_t search_index_ms;     /* from the end of a pass to the next */
	int64_t min_free_bytes;      /* what db_has_room() keeps free */
	int anyone;                  /* enum store_anyone */
};

/* Called when something that a watcher watches has changed; any thread; must be quick (net_wake_cb fits). */
typedef void store_wake_fn(void *ctx, uint64_t watcher_id);

/*
 * What the calling thread changes from now on is that watcher's own doing (0, as at first: nobody's): it
 * is not woken for it and not told of it (store/news.h).
 */
void store_act_as(uint64_t watcher_id);

/* The database stays the caller's and must outlive the store. */
MUST_CHECK int store_open(struct db *db, store_wake_fn *wake, void *wake_ctx, struct store **ret, struct fault *fault);
/* Applies settings, at the start and on reload. Without it: the defaults. Thread-safe. */
void store_configure(struct store *s, const struct store_conf *conf);
void store_close(struct store **s); /* accepts a pointer to NULL; all views and watches must be gone */
struct db *store_db(struct store *s);

#define STORE_SECRET_BYTES 32
/*
 * Random bytes of that name (up to 32 characters), the same as long as the data lives. 0 or
 * trouble.
 */
MUST_CHECK int store_secret(struct store *s, struct str name, uint8_t ret[STORE_SECRET_BYTES]);

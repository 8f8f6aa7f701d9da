/* SPDX-License-Identifier: MIT */
/*
 * The indexer: one thread of the lowest priority that puts new mail into the search index
 * (store/index.h), a pass every store.search_index_every. It says what it did.
 */
#include "server/server_int.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/must.h"
#include "conf/live.h"
#include "store/index.h"

#define NICE 19

struct server_indexer {
	struct store *store;
	struct conf_live *conf;
	pthread_t thread;
	struct lock lock;
	struct lock_cond wake;
	bool is_stopping; /* under the lock */
};

/* False: the server stops. */
static bool wait_ms(void *ctx, int64_t ms)
{
	struct server_indexer *x = ctx;
	int64_t until = clock_mono_ms() + ms;
	bool goes_on;

	lock_get(&x->lock);
	while (!x->is_stopping && lock_wait(&x->lock, &x->wake, until))
		;
	goes_on = !x->is_stopping;
	lock_put(&x->lock);
	return goes_on;
}

static int64_t interval_ms(struct server_indexer *x)
{
	struct conf *conf = conf_live_get(x->conf);
	const struct store_conf *s = conf_get(conf, &store_conf_table);
	int64_t ms = s->search_index_ms;

	conf_unref(conf);
	return ms;
}

static void pass(struct server_indexer *x, struct store_indexer *indexer)
{
	const struct store_index_job job = { .pause = wait_ms, .ctx = x };
	int64_t since_ms = clock_mono_ms();
	struct store_indexed done;
	int r = store_indexer_pass(indexer, &job, &done);

	if (done.contents || done.merged)
		LOG(INFO, "store.search_index", F_INT("contents", done.contents), F_INT("segments", done.segments),
		    F_INT("merged", done.merged), F_INT("removed", done.removed),
		    F_INT("took_ms", clock_mono_ms() - since_ms));
	if (r < 0)
		LOG(WARN, "store.search_index", F_Z("err", err_row(r)->name), F_Z("note", "ended early, retrying later"));
}

static void *indexer_main(void *arg)
{
	struct server_indexer *x = arg;
	struct store_indexer *indexer = store_indexer_new(x->store);

	pthread_setname_np(pthread_self(), "indexer");
	(void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread */
	while (wait_ms(x, interval_ms(x)))
		pass(x, indexer);
	store_indexer_free(&indexer);
	return NULL;
}

struct server_indexer *server_indexer_start(struct store *store, struct conf_live *conf)
{
	struct server_indexer *x = MEM_NEW(struct server_indexer);
	sigset_t all, old;

	x->store = store;
	x->conf = conf;
	lock_init(&x->lock);
	lock_cond_init(&x->wake);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	must(pthread_create(&x->thread, NULL, indexer_main, x) == 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return x;
}

void server_indexer_stop(struct server_indexer *x)
{
	if (!x)
		return;
	lock_get(&x->lock);
	x->is_stopping = true;
	lock_signal(&x->wake);
	lock_put(&x->lock);
	must(pthread_join(x->thread, NULL) == 0);
	lock_cond_fini(&x->wake);
	lock_fini(&x->lock);
	mem_free(x);
}

/* SPDX-License-Identifier: MIT */
/*
 * The indexer: one thread of the lowest priority that puts new mail into the search index
 * (store/index.h), a pass every store.search_index_every. It says what it did.
 */
#include "server/server_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "conf/live.h"
#include "server/background.h"
#include "store/index.h"

#define NICE 19

struct server_indexer {
	struct store *store;
	struct conf_live *conf;
	struct server_background thread;
};

static bool wait_ms(void *ctx, int64_t ms)
{
	struct server_indexer *x = ctx;

	return server_background_rest(&x->thread, ms);
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

static void indexer_main(void *arg)
{
	struct server_indexer *x = arg;
	struct store_indexer *indexer = store_indexer_new(x->store);

	while (wait_ms(x, interval_ms(x)))
		pass(x, indexer);
	store_indexer_free(&indexer);
}

struct server_indexer *server_indexer_start(struct store *store, struct conf_live *conf)
{
	struct server_indexer *x = MEM_NEW(struct server_indexer);

	x->store = store;
	x->conf = conf;
	x->thread = (struct server_background){
		.name_z = "indexer", .nice = NICE, .run = indexer_main, .arg = x };
	server_background_start(&x->thread);
	return x;
}

void server_indexer_stop(struct server_indexer *x)
{
	if (!x)
		return;
	server_background_stop(&x->thread);
	mem_free(x);
}

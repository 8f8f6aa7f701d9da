/* SPDX-License-Identifier: MIT */
/*
 * The housekeeper: one thread of low priority that gives back the space of expunged mail
 * (store/housekeep.h), a pass every store.housekeeping. It says what it did, and what it found damaged.
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
#include "store/housekeep.h"

#define FIRST_MS 60000 /* at most; a server that starts often has to keep house too */
#define NICE 10

struct server_housekeeper {
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
	struct server_housekeeper *h = ctx;
	int64_t until = clock_mono_ms() + ms;
	bool goes_on;

	lock_get(&h->lock);
	while (!h->is_stopping && lock_wait(&h->lock, &h->wake, until))
		;
	goes_on = !h->is_stopping;
	lock_put(&h->lock);
	return goes_on;
}

static void say_damaged(void *ctx, const char *text_z)
{
	(void)ctx;
	LOG(ERROR, "store.damaged", F_Z("what", text_z));
}

static void keep_house(struct server_housekeeper *h)
{
	const struct store_keep_job job = { .pause = wait_ms, .damaged = say_damaged, .ctx = h };
	struct store_kept kept;
	int r = store_keep_house(h->store, &job, &kept);

	if (kept.contents || kept.expunged || kept.moved || kept.packs)
		LOG(INFO, "store.housekeeping", F_INT("contents", kept.contents), F_INT("expunged", kept.expunged),
		    F_INT("moved", kept.moved), F_INT("moved_bytes", kept.moved_bytes), F_INT("packs", kept.packs),
		    F_INT("freed_bytes", kept.freed_bytes));
	if (r < 0)
		LOG(WARN, "store.housekeeping", F_Z("err", err_row(r)->name), F_Z("note", "ended early, retrying later"));
}

static int64_t interval_ms(struct server_housekeeper *h)
{
	struct conf *conf = conf_live_get(h->conf);
	const struct store_conf *s = conf_get(conf, &store_conf_table);
	int64_t ms = s->housekeeping_ms;

	conf_unref(conf);
	return ms;
}

static void *housekeeper_main(void *arg)
{
	struct server_housekeeper *h = arg;
	int64_t first = interval_ms(h);

	pthread_setname_np(pthread_self(), "housekeeper");
	(void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread; without it we are only less polite */
	for (bool goes_on = wait_ms(h, first < FIRST_MS ? first : FIRST_MS); goes_on;
	     goes_on = wait_ms(h, interval_ms(h)))
		keep_house(h);
	return NULL;
}

struct server_housekeeper *server_housekeeper_start(struct store *store, struct conf_live *conf)
{
	struct server_housekeeper *h = MEM_NEW(struct server_housekeeper);
	sigset_t all, old;

	h->store = store;
	h->conf = conf;
	lock_init(&h->lock);
	lock_cond_init(&h->wake);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	must(pthread_create(&h->thread, NULL, housekeeper_main, h) == 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return h;
}

void server_housekeeper_stop(struct server_housekeeper *h)
{
	if (!h)
		return;
	store_keep_stop(h->store);
	lock_get(&h->lock);
	h->is_stopping = true;
	lock_signal(&h->wake);
	lock_put(&h->lock);
	must(pthread_join(h->thread, NULL) == 0);
	lock_cond_fini(&h->wake);
	lock_fini(&h->lock);
	mem_free(h);
}

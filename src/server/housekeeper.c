/* SPDX-License-Identifier: MIT */
/*
 * The housekeeper: one thread of low priority that gives back the space of expunged mail
 * (store/housekeep.h), and keeps the trace in order (queue/trace.h), a pass every store.housekeeping. It says what it did, and what it found damaged.
 */
#include "server/server_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "conf/live.h"
#include "server/background.h"
#include "queue/trace.h"
#include "store/housekeep.h"

#define FIRST_MS 60000 /* at most; a server that starts often has to keep house too */
#define NICE 10
#define TRACE_PAUSE_MS 20

struct server_housekeeper {
	struct store *store;
	struct queue *queue;
	struct conf_live *conf;
	struct server_background thread;
};

static bool wait_ms(void *ctx, int64_t ms)
{
	struct server_housekeeper *h = ctx;

	return server_background_rest(&h->thread, ms);
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

/* Small steps with pauses, as long as there is something to do. */
static void keep_trace(struct server_housekeeper *h)
{
	int r;

	do
		r = queue_trace_tidy(h->queue);
	while (r == 1 && wait_ms(h, TRACE_PAUSE_MS));
	if (r < 0)
		LOG(WARN, "queue.trace", F_Z("err", err_row(r)->name), F_Z("note", "ended early, retrying later"));
}

static void forget_domains(struct server_housekeeper *h)
{
	int r = queue_forget_domains(h->queue, LIMIT_KNOWN_DOMAINS);

	if (r < 0)
		LOG(WARN, "queue.domains", F_Z("err", err_row(r)->name), F_Z("note", "retrying later"));
}

static int64_t interval_ms(struct server_housekeeper *h)
{
	struct conf *conf = conf_live_get(h->conf);
	const struct store_conf *s = conf_get(conf, &store_conf_table);
	int64_t ms = s->housekeeping_ms;

	conf_unref(conf);
	return ms;
}

static void housekeeper_main(void *arg)
{
	struct server_housekeeper *h = arg;
	int64_t first = interval_ms(h);

	for (bool goes_on = wait_ms(h, first < FIRST_MS ? first : FIRST_MS); goes_on;
	     goes_on = wait_ms(h, interval_ms(h))) {
		keep_house(h);
		keep_trace(h);
		forget_domains(h);
	}
}

struct server_housekeeper *server_housekeeper_start(struct store *store, struct queue *queue, struct conf_live *conf)
{
	struct server_housekeeper *h = MEM_NEW(struct server_housekeeper);

	h->store = store;
	h->queue = queue;
	h->conf = conf;
	h->thread = (struct server_background){
		.name_z = "housekeeper", .nice = NICE, .run = housekeeper_main, .arg = h };
	server_background_start(&h->thread);
	return h;
}

void server_housekeeper_stop(struct server_housekeeper *h)
{
	if (!h)
		return;
	store_keep_stop(h->store);
	server_background_stop(&h->thread);
	mem_free(h);
}

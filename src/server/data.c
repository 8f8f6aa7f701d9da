/* SPDX-License-Identifier: MIT */
/* Opens and closes the data in the order in which the rooms stand on each other. */
#include "server/data.h"

#include <unistd.h>

#include "base/log.h"
#include "conf/live.h"
#include "db/db.h"
#include "queue/queue.h"
#include "sasl/sasl.h"
#include "server/server_int.h"
#include "store/store.h"

/* On the database's writer thread; sessions that wait for an answer get none. The supervisor starts another process. */
static void data_lost(const char *why_z)
{
	LOG(ERROR, "server.data", F_Z("fault", why_z), F_Z("then", "a sync failed: ending, to open the data anew"));
	_exit(1);
}

static void configure_queue(struct queue *q, struct conf_live *conf)
{
	struct conf *snapshot = conf_live_get(conf);
	char hostname[256];

	server_hostname(conf_get(snapshot, &server_conf_table), hostname, sizeof(hostname));
	queue_configure(q, snapshot, hostname);
	conf_unref(snapshot);
}

static int open_rooms(struct server_data *d, struct conf_live *conf, store_wake_fn *wake, void *wake_ctx,
		      struct fault *fault)
{
	int r = store_open(d->db, wake, wake_ctx, &d->store, fault);
	struct conf *snapshot;

	if (r < 0)
		return r;
	snapshot = conf_live_get(conf);
	store_configure(d->store, conf_get(snapshot, &store_conf_table));
	conf_unref(snapshot);
	r = queue_open(d->store, &d->queue, fault);
	if (r == 0)
		configure_queue(d->queue, conf);
	if (r == 0)
		r = sasl_open(d->store, conf, &d->sasl, fault);
	return r;
}

int server_data_open(const char *dir_z, int64_t lock_wait_ms, struct conf_live *conf, store_wake_fn *wake, void *wake_ctx,
		     struct server_data *ret, struct fault *fault)
{
	static struct db_sql_set sql[2]; /* the database keeps using them */
	static struct db_migration_set migrations[2];
	struct conf *snapshot = conf_live_get(conf);
	const struct store_conf *s = conf_get(snapshot, &store_conf_table);
	const struct db_options options = {
		.dir_z = dir_z,
		.lock_wait_ms = lock_wait_ms,
		.checkpoint_pages = s->checkpoint_pages,
		.lost = data_lost,
		.sql = sql,
		.n_sql = ARRAY_LEN(sql),
		.migrations = migrations,
		.n_migrations = ARRAY_LEN(migrations),
		.pack_bytes = s->pack_bytes,
	};
	struct server_data d = { 0 };
	int r;

	sql[0] = store_sql_set;
	sql[1] = queue_sql_set;
	migrations[0] = store_migrations;
	migrations[1] = queue_migrations;
	r = db_open(&options, &d.db, fault);
	conf_unref(snapshot);
	if (r < 0)
		return r;
	r = open_rooms(&d, conf, wake, wake_ctx, fault);
	if (r < 0) {
		server_data_close(&d);
		return r;
	}
	*ret = d;
	return 0;
}

void server_data_close(struct server_data *d)
{
	sasl_close(&d->sasl);
	queue_close(&d->queue);
	store_close(&d->store);
	db_close(&d->db);
}

/* SPDX-License-Identifier: MIT */
/* The data of one directory, opened: database, store, queue, logins. Used by the server and by commands that run without one. */
#pragma once

#include "base/err.h"
#include "store/store.h"

struct conf_live;
struct queue;
struct sasl;

struct server_data {
	struct db *db;
	struct store *store;
	struct queue *queue;
	struct sasl *sasl;
};

/* wake may be NULL. On failure nothing stays open. -E_BUSY: another process has the directory, still after lock_wait_ms. */
MUST_CHECK int server_data_open(const char *dir_z, int64_t lock_wait_ms, struct conf_live *conf, store_wake_fn *wake, void *wake_ctx,
				struct server_data *ret, struct fault *fault);
void server_data_close(struct server_data *d);

/* SPDX-License-Identifier: MIT */
/* Private to the queue: its statements by name, and its state. */
#pragma once

#include "queue/queue.h"

enum queue_sql_id {
	QUEUE_SQL_MESSAGE_ADD,
	QUEUE_SQL_RECIPIENT_ADD,
	QUEUE_SQL_LIST,
	QUEUE_SQL_COUNT_
};
extern const struct db_sql queue_sql[QUEUE_SQL_COUNT_];
#define SQL(name) (&queue_sql[QUEUE_SQL_##name])

struct queue {
	struct store *store;
	struct db *db;
};

/* queue_recipients.state */
enum queue_state {
	QUEUE_WAITING = 0, /* to be tried at next_attempt */
};

/* SPDX-License-Identifier: MIT */
/* Private to the queue: its statements by name. */
#pragma once

#include "queue/queue.h"

enum queue_sql_id {
	QUEUE_SQL_MESSAGE_ADD,
	QUEUE_SQL_RECIPIENT_ADD,
	QUEUE_SQL_LIST,
	QUEUE_SQL_FSCK_REFS,
	QUEUE_SQL_FSCK_ORPHANS,
	QUEUE_SQL_FSCK_EMPTY,
	QUEUE_SQL_FSCK_EMPTY_CONTENTS,
	QUEUE_SQL_FSCK_LABEL,
	QUEUE_SQL_REPAIR_ORPHANS,
	QUEUE_SQL_REPAIR_EMPTY,
	QUEUE_SQL_REPAIR_SIZE,
	QUEUE_SQL_REPAIR_RECIPIENTS_OF,
	QUEUE_SQL_REPAIR_MESSAGES_OF,
	QUEUE_SQL_COUNT_
};
extern const struct db_sql queue_sql[QUEUE_SQL_COUNT_];
#define SQL(name) (&queue_sql[QUEUE_SQL_##name])

enum queue_state {                    /* of a recipient row */
		   QUEUE_WAITING = 0, /* next_attempt says when */
};

struct queue {
	struct store *store;
	uint8_t srs_key[STORE_SECRET_BYTES];
};

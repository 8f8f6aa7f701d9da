/* SPDX-License-Identifier: MIT */
/*
 * What was learned of other domains (policies, and how well they are protected) is kept for a bounded number of them: whoever has a domain has any number
 * below it, and can make this server write to each, as to the sender of a message that asks for a notification.
 */
#include "queue/queue_int.h"

#include "base/clock.h"
#include "base/limits.h"

#define POLICY_S 31557600 /* RFC 8461 3.2: no policy is good for longer */

struct forget {
	int64_t keep, before_s;
};

static int forget_tx(struct db_tx *tx, void *arg)
{
	const struct forget *f = arg;
	int rc = DB_EXEC(tx, SQL(STS_FORGET), DB_I(f->keep), DB_I(f->before_s));

	return rc < 0 ? rc : DB_EXEC(tx, SQL(LEVELS_FORGET), DB_I(f->keep));
}

int queue_forget_domains(struct queue *q, int64_t keep)
{
	struct forget f = { .keep = keep, .before_s = clock_wall_ms() / 1000 - POLICY_S };

	return db_write(store_db(q->store), &(struct db_write_job){ .fn = forget_tx, .arg = &f, .durability = DB_LAZY });
}

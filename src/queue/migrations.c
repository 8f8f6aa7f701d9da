/* SPDX-License-Identifier: MIT */
/* The schema of the queue, in numbered steps that only go forward. Owner of both tables: room queue. */
#include "queue/queue.h"

static const char step_1[] =
	/*
	 * A message with recipients elsewhere. content: contents.id of the store, one reference counted for this row. dsn_ret, envid: RFC 3461.
	 * flags: bits of enum queue_flag in queue/accept.c. accepted: seconds.
	 */
	"CREATE TABLE queue_messages ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" qid TEXT NOT NULL UNIQUE,"
	" sid TEXT NOT NULL,"
	" content INTEGER NOT NULL,"
	" reverse_path TEXT NOT NULL,"
	" submitter INTEGER NOT NULL,"
	" dsn_ret INTEGER NOT NULL,"
	" envid TEXT NOT NULL,"
	" flags INTEGER NOT NULL,"
	" size INTEGER NOT NULL,"
	" accepted INTEGER NOT NULL);"

	/* One recipient of it. state: enum queue_state. next_attempt: seconds. */
	"CREATE TABLE queue_recipients ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" message INTEGER NOT NULL,"
	" address TEXT NOT NULL,"
	" notify INTEGER NOT NULL,"
	" orcpt TEXT NOT NULL,"
	" state INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" next_attempt INTEGER NOT NULL);"
	"CREATE INDEX queue_recipients_message ON queue_recipients (message);"
	"CREATE INDEX queue_recipients_due ON queue_recipients (state, next_attempt);";

static const struct db_migration steps[] = {
	{ 1, step_1 },
};

const struct db_migration_set queue_migrations = { "queue", steps, ARRAY_LEN(steps) };

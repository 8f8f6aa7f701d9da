/* SPDX-License-Identifier: MIT */
/*
 * The schema of the queue, forward only: a released step is never edited. Owner of both tables:
 * room queue.
 */
#include "queue/queue.h"

#include "base/mem.h"

static const char step_1[] =
	/*
	 * A message on its way to somewhere else. content: a row of the store's contents, which
	 * counts this row as a reference; size is a copy of its size. ret, envid: RFC 3461 4.3,
	 * 4.4. flags: enum queue_flag. accepted: seconds.
	 */
	"CREATE TABLE queue_messages ("
	" qid TEXT PRIMARY KEY,"
	" content INTEGER NOT NULL,"
	" size INTEGER NOT NULL,"
	" reverse_path TEXT NOT NULL,"
	" submitter INTEGER NOT NULL,"
	" ret INTEGER NOT NULL,"
	" envid TEXT NOT NULL,"
	" flags INTEGER NOT NULL,"
	" accepted INTEGER NOT NULL,"
	" sid TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX queue_messages_accepted ON queue_messages (accepted);"

	/* One recipient of it. orcpt, notify: RFC 3461 4.1, 4.2. state: enum queue_state. */
	"CREATE TABLE queue_recipients ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" qid TEXT NOT NULL,"
	" address TEXT NOT NULL,"
	" orcpt TEXT NOT NULL,"
	" notify INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL,"
	" next_attempt INTEGER NOT NULL);"
	"CREATE INDEX queue_recipients_qid ON queue_recipients (qid);"
	"CREATE INDEX queue_recipients_due ON queue_recipients (state, next_attempt);";

static const struct db_migration steps[] = {
	{ 1, step_1 },
};

const struct db_migration_set queue_migrations = { "queue", steps, ARRAY_LEN(steps) };

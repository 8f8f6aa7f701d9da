/* SPDX-License-Identifier: MIT */
/*
 * The schema of the queue, forward only: a released step is never edited. Owner of all its tables:
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

static const char step_2[] =
	/*
	 * When the message is wanted (struct queue_wish; by_flags: 1 returns, 2 traces). held_until:
	 * its age counts from there, if later than accepted. look: when its age is looked at next;
	 * told: its sender has heard of the delay.
	 */
	"ALTER TABLE queue_messages ADD COLUMN by_s INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE queue_messages ADD COLUMN by_flags INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE queue_messages ADD COLUMN held_until INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE queue_messages ADD COLUMN hold TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE queue_messages ADD COLUMN priority INTEGER;"
	"ALTER TABLE queue_messages ADD COLUMN look INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE queue_messages ADD COLUMN told INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX queue_messages_look ON queue_messages (look);"
	/*
	 * destination: the key of the next hop (route.c). The rest: what came of the last attempt;
	 * code 0: no reply, text is our own words.
	 */
	"ALTER TABLE queue_recipients ADD COLUMN destination TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE queue_recipients ADD COLUMN last_attempt INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE queue_recipients ADD COLUMN code INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE queue_recipients ADD COLUMN enhanced TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE queue_recipients ADD COLUMN text TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE queue_recipients ADD COLUMN host TEXT NOT NULL DEFAULT '';"
	"DROP INDEX queue_recipients_due;"
	"CREATE INDEX queue_recipients_due ON queue_recipients (destination, state, next_attempt);"
	/*
	 * Where something waits. due: when to look at it next, never later than the first of its
	 * recipients, or than the pause that it has earned; failures: attempts in a row that reached no host.
	 */
	"CREATE TABLE queue_destinations ("
	" name TEXT PRIMARY KEY,"
	" due INTEGER NOT NULL,"
	" failures INTEGER NOT NULL,"
	" is_failing INTEGER NOT NULL,"
	" enhanced TEXT NOT NULL,"
	" text TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX queue_destinations_due ON queue_destinations (is_failing, due);"
	/* What the sender has learned (RFC 8461), and how the keys of the destinations were made. */
	"CREATE TABLE sts_policies ("
	" domain TEXT PRIMARY KEY, id TEXT NOT NULL, text TEXT NOT NULL, fetched INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE queue_notes (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;";

static const char step_3[] =
	/*
	 * The story of each message (trace.h), an event a row, in the order in which they were
	 * written. event: enum queue_trace_event. keys: hashes of what it is found by, 4 bytes
	 * each. story: JSON.
	 */
	"CREATE TABLE queue_trace ("
	" id INTEGER PRIMARY KEY,"
	" at INTEGER NOT NULL,"
	" event INTEGER NOT NULL,"
	" keys BLOB NOT NULL,"
	" story TEXT NOT NULL);"

	/*
	 * The hashes of the rows from last - span to last of it, sorted: 8 bytes each, the hash and
	 * how far its row is from the first (trace_index.c).
	 */
	"CREATE TABLE queue_trace_blocks ("
	" last INTEGER PRIMARY KEY,"
	" span INTEGER NOT NULL,"
	" keys BLOB NOT NULL);";

static const char step_4[] =
	/* How well connections to a domain were protected lately (enum queue_level), and when that was learned or, a day later or more, seen again. */
	"CREATE TABLE domain_tls ("
	" domain TEXT PRIMARY KEY, level INTEGER NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID;";

static const char step_5[] =
	/* What an account has sent on a day, in days since 1970, and the addresses that it has ever sent to, as hashes (allowance.c). */
	"CREATE TABLE queue_allowances ("
	" account INTEGER PRIMARY KEY,"
	" day INTEGER NOT NULL,"
	" messages INTEGER NOT NULL,"
	" recipients INTEGER NOT NULL);"
	"CREATE TABLE queue_acquaintances ("
	" account INTEGER NOT NULL,"
	" address INTEGER NOT NULL,"
	" day INTEGER NOT NULL,"
	" PRIMARY KEY (account, address)) WITHOUT ROWID;";

static const char step_6[] =
	/*
	 * Sessions with other hosts, for reports (tlsrpt.h): one row for all of a day (UTC, in days since 1970) that went the same way. key: a hash of
	 * the columns behind it; type: enum queue_tlsrpt_type, policy: lines; outcome: enum queue_tlsrpt_outcome.
	 */
	"CREATE TABLE tlsrpt_sessions ("
	" day INTEGER NOT NULL,"
	" domain TEXT NOT NULL,"
	" key INTEGER NOT NULL,"
	" type INTEGER NOT NULL,"
	" policy_domain TEXT NOT NULL,"
	" policy TEXT NOT NULL,"
	" outcome INTEGER NOT NULL,"
	" host TEXT NOT NULL,"
	" peer TEXT NOT NULL,"
	" own TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" sessions INTEGER NOT NULL,"
	" PRIMARY KEY (day, domain, key)) WITHOUT ROWID;"
	/*
	 * The report of a day to a domain, as long as it is to be made or sent. id: of the report; rua: where to; due: when to look at it next,
	 * tries: how often it was tried, since when; size: what its sessions take.
	 */
	"CREATE TABLE tlsrpt_reports ("
	" day INTEGER NOT NULL,"
	" domain TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" rua TEXT NOT NULL,"
	" due INTEGER NOT NULL,"
	" tries INTEGER NOT NULL DEFAULT 0,"
	" since INTEGER NOT NULL DEFAULT 0,"
	" size INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY (day, domain)) WITHOUT ROWID;"
	"CREATE INDEX tlsrpt_reports_due ON tlsrpt_reports (due);"
	/* What all of a day take together, which is bounded. */
	"CREATE TABLE tlsrpt_days (day INTEGER PRIMARY KEY, domains INTEGER NOT NULL, size INTEGER NOT NULL);";

static const struct db_migration steps[] = {
	{ 1, step_1 },
	{ 2, step_2 },
	{ 3, step_3 },
	{ 4, step_4 },
	{ 5, step_5 },
	{ 6, step_6 },
};

const struct db_migration_set queue_migrations = { "queue", steps, ARRAY_LEN(steps) };

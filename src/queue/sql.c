/* SPDX-License-Identifier: MIT */
/* Every statement of the queue. */
#include "queue/queue_int.h"

/* Halves of a message: recipients without it, and one without recipients. */
#define ORPHANS \
	" FROM queue_recipients r WHERE NOT EXISTS" \
	" (SELECT 1 FROM queue_messages m WHERE m.qid = r.qid)"
#define EMPTY \
	" FROM queue_messages m WHERE NOT EXISTS" \
	" (SELECT 1 FROM queue_recipients r WHERE r.qid = m.qid)"

const struct db_sql queue_sql[QUEUE_SQL_COUNT_] = {
	[QUEUE_SQL_MESSAGE_ADD] = { .sql =
		"INSERT INTO queue_messages (qid, content, size, reverse_path, submitter, ret,"
		" envid, flags, accepted, sid)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)" },
	[QUEUE_SQL_RECIPIENT_ADD] = { .sql =
		"INSERT INTO queue_recipients (qid, address, orcpt, notify, state, attempts,"
		" next_attempt)"
		" VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)" },
	[QUEUE_SQL_LIST] = { .sql =
		"SELECT m.qid, m.reverse_path, r.address, m.accepted, m.size FROM queue_messages m"
		" JOIN queue_recipients r ON r.qid = m.qid ORDER BY m.accepted, m.qid, r.id"
		" LIMIT ?1" },
	[QUEUE_SQL_FSCK_REFS] = { .sql = /* struct store_fsck_refs */
		"SELECT content, count(*), min(size), max(size) FROM queue_messages"
		" WHERE content BETWEEN ?1 AND ?2 GROUP BY content ORDER BY content" },
	/* fsck.c; qid and what is said about it */
	[QUEUE_SQL_FSCK_ORPHANS] = { .sql = "SELECT r.qid, r.address" ORPHANS " LIMIT ?1" },
	[QUEUE_SQL_FSCK_EMPTY] = { .sql = "SELECT m.qid, ''" EMPTY " LIMIT ?1" },
	[QUEUE_SQL_FSCK_EMPTY_CONTENTS] = { .sql =
		"SELECT m.content" EMPTY " ORDER BY m.qid LIMIT ?1" },
	[QUEUE_SQL_FSCK_LABEL] = { .sql =
		"SELECT 'queue ' || qid || ', from <' || reverse_path || '>' FROM queue_messages"
		" WHERE content = ?1 ORDER BY qid" },
	[QUEUE_SQL_REPAIR_ORPHANS] = { .sql =
		"DELETE FROM queue_recipients WHERE id IN (SELECT r.id" ORPHANS ")" },
	[QUEUE_SQL_REPAIR_EMPTY] = { .sql = /* the same as FSCK_EMPTY_CONTENTS gave */
		"DELETE FROM queue_messages WHERE qid IN"
		" (SELECT m.qid" EMPTY " ORDER BY m.qid LIMIT ?1)" },
	[QUEUE_SQL_REPAIR_SIZE] = { .sql =
		"UPDATE queue_messages SET size = ?2 WHERE content = ?1" },
	[QUEUE_SQL_REPAIR_RECIPIENTS_OF] = { .sql =
		"DELETE FROM queue_recipients WHERE qid IN"
		" (SELECT qid FROM queue_messages WHERE content = ?1)" },
	[QUEUE_SQL_REPAIR_MESSAGES_OF] = { .sql = "DELETE FROM queue_messages WHERE content = ?1" },
};

const struct db_sql_set queue_sql_set = { "queue", queue_sql, QUEUE_SQL_COUNT_ };

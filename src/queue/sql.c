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

/* Something waits for a destination that nobody looks at. Without a key: rekey.c sees to it. */
#define FORGOTTEN \
	" FROM queue_recipients r WHERE r.state = 0 AND r.destination <> '' AND NOT EXISTS" \
	" (SELECT 1 FROM queue_destinations d WHERE d.name = r.destination)"

/* rows.c reads them in this order. */
#define MESSAGE_COLUMNS \
	"m.qid, m.content, m.size, m.reverse_path, m.ret, m.envid, m.flags, m.accepted, m.by_s, m.by_flags," \
	" m.held_until, m.hold, m.priority, m.told"
#define RECIPIENT_COLUMNS \
	"r.id, r.qid, r.address, r.orcpt, r.notify, r.state, r.attempts, r.destination, r.last_attempt, r.code," \
	" r.enhanced, r.text, r.host"

/* ?1 a qid, ?2 and ?3 an address or domain of recipient and sender, ?4 a state; '' and -1: any. */
#define ADDRESS_IS(column, arg) \
	"(" arg " = '' OR lower(" column ") = lower(" arg ") OR (instr(" arg ", '@') = 0" \
	" AND lower(substr(" column ", -length(" arg ") - 1)) = '@' || lower(" arg ")))"
#define PICKED \
	"(?1 = '' OR m.qid = ?1) AND " ADDRESS_IS("r.address", "?2") \
	" AND (" ADDRESS_IS("m.reverse_path", "?3") " OR (?3 = '<>' AND m.reverse_path = ''))" \
	" AND (?4 < 0 OR r.state = ?4)"

/* Mail has gone to this destination before, or it is a host of the settings. */
#define IS_KNOWN \
	"(instr(name, '[') > 0 OR EXISTS (SELECT 1 FROM domain_tls t WHERE t.domain = name))"

const struct db_sql queue_sql[QUEUE_SQL_COUNT_] = {
	[QUEUE_SQL_MESSAGE_ADD] = { .sql =
		"INSERT INTO queue_messages (qid, content, size, reverse_path, submitter, ret,"
		" envid, flags, accepted, sid, by_s, by_flags, held_until, hold, priority, look)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)" },
	[QUEUE_SQL_MESSAGE_GET] = { .sql = "SELECT " MESSAGE_COLUMNS " FROM queue_messages m WHERE m.qid = ?1" },
	[QUEUE_SQL_MESSAGE_REMOVE] = { .sql = "DELETE FROM queue_messages WHERE qid = ?1 RETURNING content" },
	[QUEUE_SQL_MESSAGE_LOOK] = { .sql = "UPDATE queue_messages SET look = ?2, told = ?3 WHERE qid = ?1" },
	[QUEUE_SQL_MESSAGES_LATE] = { .sql = "SELECT qid FROM queue_messages WHERE look <= ?1 ORDER BY look LIMIT ?2" },
	[QUEUE_SQL_NEXT_LOOK] = { .sql = "SELECT min(look) FROM queue_messages" },
	[QUEUE_SQL_RECIPIENT_ADD] = { .sql =
		"INSERT INTO queue_recipients (qid, address, orcpt, notify, state, attempts,"
		" next_attempt, destination)"
		" VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)" },
	[QUEUE_SQL_RECIPIENT_REMOVE] = { .sql = "DELETE FROM queue_recipients WHERE id = ?1" },
	[QUEUE_SQL_RECIPIENT_DEFER] = { .sql =
		"UPDATE queue_recipients SET attempts = ?2, next_attempt = iif(?3 > 0, ?3, next_attempt), last_attempt = ?4, code = ?5,"
		" enhanced = ?6, text = ?7, host = ?8 WHERE id = ?1" },
	[QUEUE_SQL_RECIPIENTS_OF] = { .sql =
		"SELECT " RECIPIENT_COLUMNS " FROM queue_recipients r WHERE r.qid = ?1 ORDER BY r.id" },
	[QUEUE_SQL_RECIPIENTS_DUE] = { .sql =
		"SELECT " RECIPIENT_COLUMNS " FROM queue_recipients r WHERE r.destination = ?1 AND r.state = 0"
		" AND r.next_attempt <= ?2 ORDER BY r.next_attempt, r.id LIMIT ?3" },
	[QUEUE_SQL_RECIPIENTS_LEFT] = { .sql = "SELECT 1 FROM queue_recipients WHERE qid = ?1 LIMIT 1" },
	[QUEUE_SQL_DESTINATION_ADD] = { .sql =
		"INSERT INTO queue_destinations (name, due, failures, is_failing, enhanced, text)"
		" VALUES (?1, ?2, 0, 0, '', '')"
		" ON CONFLICT (name) DO UPDATE SET due = excluded.due"
		" WHERE excluded.due < queue_destinations.due"
		" AND (queue_destinations.failures = 0 OR queue_destinations.fallback > 0)" },
	[QUEUE_SQL_DESTINATION_GET] = { .sql =
		"SELECT name, due, failures, enhanced, text, " IS_KNOWN ", down_until, fallback FROM queue_destinations WHERE name = ?1" },
	[QUEUE_SQL_DESTINATION_DOWN] = { .sql =
		"UPDATE queue_destinations SET due = ?2, failures = ?3, is_failing = 1, enhanced = ?4, text = ?5,"
		" down_until = ?6, fallback = ?7"
		" WHERE name = ?1" },
	[QUEUE_SQL_DESTINATION_UP] = { .sql =
		"UPDATE queue_destinations SET failures = 0, is_failing = 0, enhanced = '', text = '', down_until = 0, fallback = 0"
		" WHERE name = ?1 AND failures > 0" },
	[QUEUE_SQL_DESTINATION_FIRST] = { .sql =
		"SELECT min(next_attempt) FROM queue_recipients WHERE destination = ?1 AND state = 0" },
	[QUEUE_SQL_DESTINATION_DUE] = { .sql = "UPDATE queue_destinations SET due = ?2 WHERE name = ?1" },
	[QUEUE_SQL_DESTINATION_REMOVE] = { .sql = "DELETE FROM queue_destinations WHERE name = ?1" },
	[QUEUE_SQL_DESTINATIONS_DUE] = { .sql =
		"SELECT name, due, failures, enhanced, text, " IS_KNOWN ", down_until, fallback FROM queue_destinations"
		" WHERE is_failing = ?1 AND due <= ?2 ORDER BY due LIMIT ?3" },
	[QUEUE_SQL_DESTINATIONS_FRESH] = { .sql = "UPDATE queue_destinations SET due = 0 WHERE failures = 0 AND due > 0" },
	[QUEUE_SQL_NEXT_DUE] = { .sql =
		"SELECT min(due) FROM queue_destinations WHERE is_failing = ?1 AND due > ?2" },
	[QUEUE_SQL_RECIPIENT_ANY] = { .sql = "SELECT 1 FROM queue_recipients LIMIT 1" },
	[QUEUE_SQL_DESTINATION_ANY] = { .sql = "SELECT 1 FROM queue_destinations LIMIT 1" },
	/* rekey.c */
	[QUEUE_SQL_RECIPIENTS_AFTER] = { .sql =
		"SELECT r.id, r.address, r.destination, r.next_attempt, m.reverse_path FROM queue_recipients r"
		" JOIN queue_messages m ON m.qid = r.qid WHERE r.id > ?1 ORDER BY r.id LIMIT ?2" },
	[QUEUE_SQL_RECIPIENT_WITHOUT_KEY] = { .sql =
		"SELECT 1 FROM queue_recipients WHERE destination = '' AND state >= ?1 LIMIT 1" },
	[QUEUE_SQL_RECIPIENT_KEY] = { .sql = "UPDATE queue_recipients SET destination = ?2 WHERE id = ?1" },
	[QUEUE_SQL_NOTE_GET] = { .sql = "SELECT value FROM queue_notes WHERE name = ?1" },
	[QUEUE_SQL_NOTE_PUT] = { .sql =
		"INSERT INTO queue_notes (name, value) VALUES (?1, ?2)"
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value" },
	/* manage.c */
	[QUEUE_SQL_RECIPIENTS_PICKED] = { .sql =
		"SELECT " RECIPIENT_COLUMNS " FROM queue_recipients r JOIN queue_messages m ON m.qid = r.qid"
		" WHERE " PICKED " AND r.id > ?5 AND m.held_until <= ?6 ORDER BY r.id LIMIT 100" },
	[QUEUE_SQL_RECIPIENT_STATE] = { .sql =
		"UPDATE queue_recipients SET state = ?2, next_attempt = max(?3, CASE WHEN ?4 THEN 0 ELSE"
		" (SELECT m.held_until FROM queue_messages m WHERE m.qid = queue_recipients.qid) END) WHERE id = ?1" },
	[QUEUE_SQL_MESSAGE_LOOK_AT] = { .sql = "UPDATE queue_messages SET look = ?2 WHERE qid = ?1" },
	[QUEUE_SQL_MESSAGE_AGE_ANEW] = { .sql = "UPDATE queue_messages SET held_until = max(held_until, ?2) WHERE qid = ?1" },
	[QUEUE_SQL_DESTINATION_NOW] = { .sql =
		"UPDATE queue_destinations SET due = ?2, failures = 0, is_failing = 0, down_until = 0, fallback = 0 WHERE name = ?1" },
	[QUEUE_SQL_LEVEL_GET] = { .sql = "SELECT level, since FROM domain_tls WHERE domain = ?1" },
	[QUEUE_SQL_LEVEL_PUT] = { .sql =
		"INSERT INTO domain_tls (domain, level, since) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (domain) DO UPDATE SET level = excluded.level, since = excluded.since" },
	[QUEUE_SQL_STS_GET] = { .sql = "SELECT id, text, fetched FROM sts_policies WHERE domain = ?1" },
	[QUEUE_SQL_STS_PUT] = { .sql =
		"INSERT INTO sts_policies (domain, id, text, fetched) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT (domain) DO UPDATE SET id = excluded.id, text = excluded.text, fetched = excluded.fetched" },
	/* forget.c */
	[QUEUE_SQL_STS_FORGET] = { .sql =
		"DELETE FROM sts_policies WHERE fetched < ?2 OR domain IN"
		" (SELECT domain FROM sts_policies ORDER BY fetched DESC, domain LIMIT -1 OFFSET ?1)" },
	[QUEUE_SQL_LEVELS_FORGET] = { .sql =
		"DELETE FROM domain_tls WHERE domain IN"
		" (SELECT domain FROM domain_tls ORDER BY since DESC, domain LIMIT -1 OFFSET ?1)" },
	/* allowance.c */
	[QUEUE_SQL_ALLOWANCE_GET] = { .sql =
		"SELECT day, messages, recipients FROM queue_allowances WHERE account = ?1" },
	[QUEUE_SQL_ALLOWANCE_PUT] = { .sql =
		"INSERT OR REPLACE INTO queue_allowances (account, day, messages, recipients) VALUES (?1, ?2, ?3, ?4)" },
	[QUEUE_SQL_ACQUAINTANCE_ADD] = { .sql =
		"INSERT INTO queue_acquaintances (account, address, day) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING" },
	[QUEUE_SQL_ACQUAINTANCE_SEEN] = { .sql =
		"UPDATE queue_acquaintances SET day = ?3 WHERE account = ?1 AND address = ?2 AND day <> ?3" },
	[QUEUE_SQL_ACQUAINTANCES_FORGET] = { .sql =
		"DELETE FROM queue_acquaintances WHERE account = ?1 AND day < ?2" },
	[QUEUE_SQL_LIST] = { .sql =
		"SELECT m.qid, m.reverse_path, r.address, m.accepted, m.size, r.state, r.destination,"
		" r.attempts, r.next_attempt, r.last_attempt, r.enhanced, r.text, r.host,"
		" d.failures, d.due, d.enhanced, d.text"
		" FROM queue_messages m"
		" JOIN queue_recipients r ON r.qid = m.qid"
		" LEFT JOIN queue_destinations d ON d.name = r.destination"
		" WHERE " PICKED " ORDER BY m.accepted, m.qid, r.id LIMIT ?5" },
	[QUEUE_SQL_COUNT_RECIPIENTS] = { .sql = "SELECT count(*), coalesce(sum(state = 1), 0) FROM queue_recipients" },
	[QUEUE_SQL_COUNT_DESTINATIONS] = { .sql =
		"SELECT count(*), coalesce(sum(is_failing), 0) FROM queue_destinations" },
	[QUEUE_SQL_OLDEST] = { .sql = "SELECT coalesce(min(accepted), 0) FROM queue_messages" },
	[QUEUE_SQL_FSCK_REFS] = { .sql = /* struct store_fsck_refs */
		"SELECT content, count(*), min(size), max(size) FROM queue_messages"
		" WHERE content BETWEEN ?1 AND ?2 GROUP BY content ORDER BY content" },
	/* fsck.c; qid and what is said about it */
	[QUEUE_SQL_FSCK_ORPHANS] = { .sql = "SELECT r.qid, r.address" ORPHANS " LIMIT ?1" },
	[QUEUE_SQL_FSCK_EMPTY] = { .sql = "SELECT m.qid, ''" EMPTY " LIMIT ?1" },
	[QUEUE_SQL_FSCK_EMPTY_CONTENTS] = { .sql =
		"SELECT m.content" EMPTY " ORDER BY m.qid LIMIT ?1" },
	[QUEUE_SQL_FSCK_FORGOTTEN] = { .sql = "SELECT DISTINCT r.destination, ''" FORGOTTEN " LIMIT ?1" },
	[QUEUE_SQL_FSCK_LABEL] = { .sql =
		"SELECT 'queue ' || qid || ', from <' || reverse_path || '>' FROM queue_messages"
		" WHERE content = ?1 ORDER BY qid" },
	[QUEUE_SQL_REPAIR_ORPHANS] = { .sql =
		"DELETE FROM queue_recipients WHERE id IN (SELECT r.id" ORPHANS ")" },
	[QUEUE_SQL_REPAIR_EMPTY] = { .sql = /* the same as FSCK_EMPTY_CONTENTS gave */
		"DELETE FROM queue_messages WHERE qid IN"
		" (SELECT m.qid" EMPTY " ORDER BY m.qid LIMIT ?1)" },
	[QUEUE_SQL_REPAIR_FORGOTTEN] = { .sql =
		"INSERT INTO queue_destinations (name, due, failures, is_failing, enhanced, text)"
		" SELECT DISTINCT r.destination, 0, 0, 0, '', ''" FORGOTTEN },
	[QUEUE_SQL_REPAIR_SIZE] = { .sql =
		"UPDATE queue_messages SET size = ?2 WHERE content = ?1" },
	[QUEUE_SQL_REPAIR_RECIPIENTS_OF] = { .sql =
		"DELETE FROM queue_recipients WHERE qid IN"
		" (SELECT qid FROM queue_messages WHERE content = ?1)" },
	[QUEUE_SQL_REPAIR_MESSAGES_OF] = { .sql = "DELETE FROM queue_messages WHERE content = ?1" },
	/* tlsrpt_count.c */
	[QUEUE_SQL_TLSRPT_COUNT] = { .sql = "UPDATE tlsrpt_sessions SET sessions = sessions + 1 WHERE day = ?1 AND domain = ?2 AND key = ?3 RETURNING 1" },
	[QUEUE_SQL_TLSRPT_SESSION_ADD] = { .sql = "INSERT INTO tlsrpt_sessions (day, domain, key, type, policy_domain, policy, outcome, host, peer, own, reason, sessions)"
						  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)" },
	[QUEUE_SQL_TLSRPT_SIZE] = { .sql = "SELECT size FROM tlsrpt_reports WHERE day = ?1 AND domain = ?2" },
	[QUEUE_SQL_TLSRPT_ADD] = { .sql = "INSERT INTO tlsrpt_reports (day, domain, id, rua, due) VALUES (?1, ?2, ?3, ?4, ?5)" },
	[QUEUE_SQL_TLSRPT_GREW] = { .sql = "UPDATE tlsrpt_reports SET size = size + ?3 WHERE day = ?1 AND domain = ?2" },
	[QUEUE_SQL_TLSRPT_DAY] = { .sql = "SELECT domains, size FROM tlsrpt_days WHERE day = ?1" },
	[QUEUE_SQL_TLSRPT_DAY_GREW] = { .sql = "INSERT INTO tlsrpt_days (day, domains, size) VALUES (?1, ?2, ?3)"
					       " ON CONFLICT (day) DO UPDATE SET domains = tlsrpt_days.domains + excluded.domains,"
					       " size = tlsrpt_days.size + excluded.size" },
	/* tlsrpt.c */
	[QUEUE_SQL_TLSRPT_DUE] = { .sql =
		"SELECT day, domain, id, rua, tries, since FROM tlsrpt_reports WHERE due <= ?1 ORDER BY due LIMIT ?2" },
	[QUEUE_SQL_TLSRPT_NEXT] = { .sql = "SELECT min(due) FROM tlsrpt_reports WHERE due > ?1" },
	[QUEUE_SQL_TLSRPT_ROWS] = { .sql =
		"SELECT type, policy_domain, policy, outcome, host, peer, own, reason, sessions FROM tlsrpt_sessions"
		" WHERE day = ?1 AND domain = ?2 ORDER BY type, policy_domain, policy, outcome, host, peer, key" },
	[QUEUE_SQL_TLSRPT_PUT_OFF] = { .sql =
		"UPDATE tlsrpt_reports SET due = ?3, tries = ?4, since = ?5 WHERE day = ?1 AND domain = ?2" },
	[QUEUE_SQL_TLSRPT_SESSIONS_REMOVE] = { .sql = "DELETE FROM tlsrpt_sessions WHERE day = ?1 AND domain = ?2" },
	[QUEUE_SQL_TLSRPT_REMOVE] = { .sql = "DELETE FROM tlsrpt_reports WHERE day = ?1 AND domain = ?2" },
	[QUEUE_SQL_TLSRPT_DAY_END] = { .sql =
		"DELETE FROM tlsrpt_days WHERE day = ?1 AND NOT EXISTS (SELECT 1 FROM tlsrpt_reports WHERE day = ?1)" },
	/* trace.c, trace_index.c, trace_find.c */
	[QUEUE_SQL_TRACE_ADD] = { .sql =
		"INSERT INTO queue_trace (at, event, keys, story) VALUES (?1, ?2, ?3, ?4)" },
	[QUEUE_SQL_TRACE_ROW] = { .sql = "SELECT at, event, story FROM queue_trace WHERE id = ?1" },
	[QUEUE_SQL_TRACE_AFTER] = { .sql =
		"SELECT id, keys FROM queue_trace WHERE id > ?1 ORDER BY id LIMIT ?2" },
	[QUEUE_SQL_TRACE_TAIL] = { .sql =
		"SELECT id, keys FROM queue_trace WHERE id > ?1 ORDER BY id DESC" },
	[QUEUE_SQL_TRACE_LAST_BLOCK] = { .sql = "SELECT coalesce(max(last), 0) FROM queue_trace_blocks" },
	[QUEUE_SQL_TRACE_BLOCKS] = { .sql =
		"SELECT last - span, keys FROM queue_trace_blocks ORDER BY last DESC" },
	[QUEUE_SQL_TRACE_BLOCK_ADD] = { .sql =
		"INSERT INTO queue_trace_blocks (last, span, keys) VALUES (?2, ?2 - ?1, ?3)" },
	[QUEUE_SQL_TRACE_PRUNE] = { .sql =
		"DELETE FROM queue_trace WHERE at < ?1 AND id IN"
		" (SELECT id FROM queue_trace ORDER BY id LIMIT ?2)" },
	[QUEUE_SQL_TRACE_PRUNE_BLOCKS] = { .sql =
		"DELETE FROM queue_trace_blocks WHERE last <"
		" (SELECT coalesce(min(id), 9223372036854775807) FROM queue_trace)" },
};

const struct db_sql_set queue_sql_set = { "queue", queue_sql, QUEUE_SQL_COUNT_ };

/* SPDX-License-Identifier: MIT */
/*
 * Every statement of the store. The order of columns is a contract with the function that reads
 * them (named where it is not obvious).
 */
#include "store/store_int.h"

#define ACCOUNT \
	"SELECT id, name, quota, used, messages, created, enabled, quota_messages, quota_mailboxes" \
	" FROM accounts "
/* store_mailbox_row() */
#define MAILBOX_COLUMNS \
	"SELECT m.id, m.account, m.name, m.mailboxid, m.uidvalidity, m.uidnext, m.highestmodseq," \
	" m.messages," \
	" m.unseen, m.deleted, m.bytes, m.special_use," \
	" EXISTS (SELECT 1 FROM subscriptions s WHERE s.account = m.account AND s.name = m.name)"
#define MAILBOX MAILBOX_COLUMNS " FROM mailboxes m "
/* box.c */
#define BOX \
	"SELECT m.id, m.account, m.uidvalidity, m.uidnext, m.highestmodseq, m.messages, m.bytes," \
	" a.modseq, a.quota, a.used, a.quota_messages, a.messages, m.reserved_uid, m.recent_uid" \
	" FROM mailboxes m JOIN accounts a ON a.id = m.account "
/* view_load.c */
#define MESSAGE "SELECT uid, size, content, thread, internaldate, savedate FROM messages "
/* ?1 mailbox, ?2..?3 UIDs of one row of states, ?4 which of its 64: bits (states_int.h) */
#define OF_STATES \
	" WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND (?4 >> (uid & 63)) & 1 <> 0"
/* The mailbox of a row of states, as its index has it. */
#define STATES_MAILBOX "message_states.id >> 26"

/* Rows of a table that name nothing. */
#define LEFT_WHERE(column, owners) \
	" WHERE NOT EXISTS (SELECT 1 FROM " owners " o WHERE o.id = " column ")"
#define LEFT_ANNOTATIONS \
	" WHERE (mailbox <> 0 AND NOT EXISTS (SELECT 1 FROM mailboxes o WHERE o.id = mailbox))" \
	" OR (user <> 0 AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.id = user))"
#define LEFT_RIGHTS \
	" WHERE NOT EXISTS (SELECT 1 FROM mailboxes o WHERE o.id = mailbox AND o.account <> 0)" \
	" OR (who <> 0 AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.id = who))"
#define LEFT_URL_KEYS \
	" WHERE NOT EXISTS (SELECT 1 FROM mailboxes o WHERE o.id = mailbox AND o.account <> 0)" \
	" OR NOT EXISTS (SELECT 1 FROM accounts o WHERE o.id = url_keys.account)"
/* note.c: what a row takes (STORE_NOTE_BYTES); rows whose message has gone */
#define NOTE_BYTES "32 + length(n.entry) + coalesce(length(n.value), 0)"
#define NOTE_GONE \
	" NOT EXISTS (SELECT 1 FROM messages m WHERE m.mailbox = n.mailbox AND m.uid = n.uid)"
/* those that go with their messages: of what the change ?2 has expunged, of what was purged up to ?2 */
#define NOTE_EXPUNGED \
	" n.mailbox = ?1 AND n.uid IN (SELECT e.uid FROM expunged e WHERE e.mailbox = ?1 AND e.modseq = ?2)"
#define NOTE_PURGED " n.mailbox = ?1 AND n.uid <= ?2"
#define NOTE_BALANCE(sign, which) \
	"UPDATE accounts SET annotation_bytes = annotation_bytes " sign " d.bytes FROM (SELECT n.payer AS payer," \
	" sum(" NOTE_BYTES ") AS bytes FROM message_annotations n WHERE" which " GROUP BY n.payer) AS d" \
	" WHERE accounts.id = d.payer"
/* removed ones of ?1, but for those that the change ?3 of the mailbox ?2 has removed */
#define NOTE_FORGOTTEN " n.payer = ?1 AND n.value IS NULL AND NOT (n.mailbox = ?2 AND n.modseq = ?3)"
#define LEFT_NOTES \
	" n WHERE" NOTE_GONE " OR (n.user <> 0 AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.id = n.user))"
/* Those that nobody names go in their time (housekeep.c), whether the content is there or not. */
#define LEFT_REFS \
	" WHERE refs > 0 AND NOT EXISTS (SELECT 1 FROM contents o WHERE o.id = content)"
#define IS_DEAD " AND EXISTS (SELECT 1 FROM content_refs r WHERE r.content = id AND r.refs = 0)"
#define LEFT_COUNT(table, column, owners) "SELECT count(*) FROM " table LEFT_WHERE(column, owners)
#define LEFT_REMOVE(table, column, owners) "DELETE FROM " table LEFT_WHERE(column, owners)

const struct db_sql store_sql[STORE_SQL_COUNT_] = {
	/* accounts */
	[STORE_SQL_ACCOUNT_ADD] = { .sql =
		"INSERT INTO accounts (name, domain, quota, created, quota_messages, quota_mailboxes)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
	[STORE_SQL_ACCOUNT_BY_NAME] = { .sql = ACCOUNT "WHERE name = ?1" },
	[STORE_SQL_ACCOUNT_BY_ID] = { .sql = ACCOUNT "WHERE id = ?1" },
	[STORE_SQL_ACCOUNT_FIRST] = { .sql = ACCOUNT "ORDER BY id LIMIT 1" },
	[STORE_SQL_ACCOUNT_LIST] = { .sql = ACCOUNT "ORDER BY name LIMIT ?1" },
	[STORE_SQL_ACCOUNT_QUOTA] = { .sql = /* quota.c; NULL: stays */
		"UPDATE accounts SET quota = coalesce(?2, quota),"
		" quota_messages = coalesce(?3, quota_messages),"
		" quota_mailboxes = coalesce(?4, quota_mailboxes) WHERE id = ?1" },
	[STORE_SQL_ACCOUNT_QUOTA_GET] = { .sql =
		"SELECT quota, quota_messages, quota_mailboxes, used, messages,"
		" (SELECT count(*) FROM mailboxes WHERE account = ?1) FROM accounts WHERE id = ?1" },
	[STORE_SQL_ACCOUNT_REMOVE] = { .sql = "DELETE FROM accounts WHERE id = ?1" },
	[STORE_SQL_ACCOUNT_ENABLE] = { .sql = "UPDATE accounts SET enabled = ?2 WHERE id = ?1" },
	[STORE_SQL_ACCOUNT_MODSEQ] = { .sql =
		"UPDATE accounts SET modseq = modseq + 1 WHERE id = ?1 RETURNING modseq" },
	[STORE_SQL_ACCOUNTS_MODSEQ] = { .sql = "UPDATE accounts SET modseq = modseq + ?1" },
	[STORE_SQL_ACCOUNT_CHANGE] = { .sql =
		"UPDATE accounts SET modseq = ?2, used = used + ?3, messages = messages + ?4"
		" WHERE id = ?1" },

	[STORE_SQL_CREDENTIAL_ADD] = { .sql =
		"INSERT INTO credentials (account, kind, value) VALUES (?1, ?2, ?3)" },
	[STORE_SQL_CREDENTIAL_GET] = { .sql =
		"SELECT value FROM credentials WHERE account = ?1 AND kind = ?2" },
	[STORE_SQL_CREDENTIALS_REMOVE] = { .sql = "DELETE FROM credentials WHERE account = ?1" },

	[STORE_SQL_DOMAIN_ADD] = { .sql = "INSERT INTO domains (name) VALUES (?1)" },
	[STORE_SQL_DOMAIN_REMOVE] = { .sql = "DELETE FROM domains WHERE name = ?1" },
	[STORE_SQL_DOMAIN_LIST] = { .sql = "SELECT name FROM domains ORDER BY name LIMIT ?1" },
	[STORE_SQL_DOMAIN_FIND] = { .sql = "SELECT 1 FROM domains WHERE name = ?1" },
	[STORE_SQL_DOMAIN_IN_USE] = { .sql =
		"SELECT (SELECT count(*) FROM accounts WHERE domain = ?1), (SELECT count(*) FROM"
		" aliases WHERE domain = ?1) + (SELECT count(*) FROM forwards WHERE domain = ?1)" },

	[STORE_SQL_ALIAS_ADD] = { .sql =
		"INSERT INTO aliases (address, account, domain) VALUES (?1, ?2, ?3)" },
	[STORE_SQL_ALIAS_GET] = { .sql =
		"SELECT a.id, a.quota, a.used, a.quota_messages, a.messages FROM aliases l"
		" JOIN accounts a ON a.id = l.account WHERE l.address = ?1 LIMIT ?2" },
	[STORE_SQL_ALIAS_COUNT] = { .sql =
		"SELECT (SELECT count(*) FROM aliases WHERE address = ?1)"
		" + (SELECT count(*) FROM forwards WHERE address = ?1)" },
	[STORE_SQL_ALIAS_REMOVE] = { .sql =
		"DELETE FROM aliases WHERE address = ?1 AND account = ?2" },
	[STORE_SQL_ALIAS_REMOVE_ALL] = { .sql = "DELETE FROM aliases WHERE address = ?1" },
	[STORE_SQL_ALIAS_REMOVE_ACCOUNT] = { .sql = "DELETE FROM aliases WHERE account = ?1" },
	[STORE_SQL_ALIAS_LIST] = { .sql =
		"SELECT l.address AS address, a.name AS target FROM aliases l JOIN accounts a ON a.id = l.account"
		" UNION ALL SELECT address, target FROM forwards ORDER BY address, target LIMIT ?1" },
	[STORE_SQL_FORWARD_ADD] = { .sql =
		"INSERT INTO forwards (address, target, domain, target_domain) VALUES (?1, ?2, ?3, ?4)" },
	[STORE_SQL_FORWARD_GET] = { .sql = "SELECT target FROM forwards WHERE address = ?1 ORDER BY target LIMIT ?2" },
	[STORE_SQL_FORWARD_REMOVE] = { .sql = "DELETE FROM forwards WHERE address = ?1 AND target = ?2" },
	[STORE_SQL_FORWARD_REMOVE_ALL] = { .sql = "DELETE FROM forwards WHERE address = ?1" },
	[STORE_SQL_FORWARD_TO] = { .sql = "SELECT address FROM forwards WHERE target_domain = ?1 ORDER BY address LIMIT 1" },

	/* secrets */
	[STORE_SQL_COUNTER_GET] = { .sql = "SELECT value FROM store_counters WHERE name = ?1" },
	[STORE_SQL_COUNTER_PUT] = { .sql =
		"INSERT INTO store_counters (name, value) VALUES (?1, ?2)"
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value" },

	/* mailboxes */
	[STORE_SQL_UIDVALIDITY_NEXT] = { .sql =
		"UPDATE store_counters SET value = CASE WHEN value >= ?1 THEN value + 1 ELSE ?1 END"
		" WHERE name = 'uidvalidity' RETURNING value" },
	[STORE_SQL_MAILBOX_ADD] = { .sql =
		"INSERT INTO mailboxes (account, name, mailboxid, uidvalidity, highestmodseq,"
		" special_use)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
	[STORE_SQL_MAILBOX_LIST] = { .sql = MAILBOX "WHERE m.account = ?1 LIMIT ?2" },
	[STORE_SQL_MAILBOX_FIND] = { .sql = MAILBOX "WHERE m.account = ?1 AND m.name = ?2" },
	[STORE_SQL_MAILBOX_GET] = { .sql = MAILBOX "WHERE m.id = ?1 AND m.account <> 0" },
	[STORE_SQL_MAILBOX_COUNT] = { .sql = "SELECT count(*) FROM mailboxes WHERE account = ?1" },
	[STORE_SQL_MAILBOX_NAMES] = { .sql = /* ?2 the name, ?3 and ?4 enclose its inferiors */
		"SELECT id, name FROM mailboxes WHERE account = ?1 AND (name = ?2 OR (name > ?3"
		" AND name < ?4))" },
	[STORE_SQL_MAILBOX_NAME] = { .sql = "UPDATE mailboxes SET name = ?2 WHERE id = ?1" },
	[STORE_SQL_MAILBOX_CHILD] = { .sql =
		"SELECT 1 FROM mailboxes WHERE account = ?1 AND name > ?2 AND name < ?3 LIMIT 1" },
	[STORE_SQL_MAILBOX_DOOM] = { .sql =
		"UPDATE mailboxes SET account = 0, name = mailboxid WHERE id = ?1" },
	[STORE_SQL_SUBSCRIPTION_ADD] = { .sql =
		"INSERT INTO subscriptions (account, name) VALUES (?1, ?2) ON CONFLICT DO"
		" NOTHING" },
	[STORE_SQL_SUBSCRIPTION_REMOVE] = { .sql =
		"DELETE FROM subscriptions WHERE account = ?1 AND name = ?2" },
	[STORE_SQL_SUBSCRIPTION_LIST] = { .sql =
		"SELECT name FROM subscriptions WHERE account = ?1 LIMIT ?2" },
	[STORE_SQL_SUBSCRIPTION_HAS] = { .sql =
		"SELECT 1 FROM subscriptions WHERE account = ?1 AND name = ?2" },
	[STORE_SQL_SUBSCRIPTION_COUNT] = { .sql =
		"SELECT count(*) FROM subscriptions WHERE account = ?1" },
	[STORE_SQL_SUBSCRIPTIONS_REMOVE] = { .sql =
		"DELETE FROM subscriptions WHERE account = ?1" },
	[STORE_SQL_RECENT_GET] = { .sql =
		"SELECT recent_uid FROM mailboxes WHERE id = ?1 AND account <> 0" },
	[STORE_SQL_RECENT_TAKE] = { .sql =
		"UPDATE mailboxes SET recent_uid = ?2 WHERE id = ?1" },
	[STORE_SQL_RECENT_COUNT] = { .sql =
		"SELECT count(*) FROM messages WHERE mailbox = ?1 AND uid >="
		" (SELECT recent_uid FROM mailboxes WHERE id = ?1)" },
	[STORE_SQL_BOX_BY_ID] = { .sql = BOX "WHERE m.id = ?1" },
	[STORE_SQL_BOX_BY_NAME] = { .sql = BOX "WHERE m.account = ?1 AND m.name = ?2" },
	[STORE_SQL_BOX_CHANGE] = { .sql =
		"UPDATE mailboxes SET uidnext = ?2, highestmodseq = ?3, messages = messages +"
		" ?4, unseen = unseen + ?5,"
		" deleted = deleted + ?6, bytes = bytes + ?7, recent_uid = ?8 WHERE id = ?1" },

	/* imports (import.c) */
	[STORE_SQL_IMPORT_RESERVE] = { .sql =
		"UPDATE mailboxes SET reserved_uid = ?2 WHERE id = ?1 AND reserved_uid < ?2" },
	[STORE_SQL_IMPORT_ADOPT] = { .sql =
		"UPDATE mailboxes SET uidvalidity = ?2 WHERE id = ?1 AND uidnext = 1"
		" AND messages = 0 AND account <> 0" },
	[STORE_SQL_IMPORT_COUNTER] = { .sql =
		"UPDATE store_counters SET value = ?1 WHERE name = 'uidvalidity' AND value < ?1" },
	[STORE_SQL_IMPORT_HAS] = { .sql =
		"SELECT 1 FROM imports WHERE mailbox = ?1 AND key = ?2" },
	[STORE_SQL_IMPORT_ANY] = { .sql = "SELECT 1 FROM imports WHERE mailbox = ?1 LIMIT 1" },
	[STORE_SQL_IMPORT_ADD] = { .sql =
		"INSERT INTO imports (mailbox, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING" },
	[STORE_SQL_IMPORTS_REMOVE] = { .sql = "DELETE FROM imports WHERE mailbox = ?1" },

	/* annotations; their size is length(entry) + length(value) */
	[STORE_SQL_ANNOTATION_LIST] = { .sql =
		"SELECT entry, value FROM annotations WHERE mailbox = ?1 AND user IN (0, ?2)"
		" ORDER BY entry" },
	[STORE_SQL_ANNOTATION_GET] = { .sql =
		"SELECT value FROM annotations WHERE mailbox = ?1 AND user = ?2 AND entry = ?3" },
	[STORE_SQL_ANNOTATION_SIZE] = { .sql =
		"SELECT length(entry) + length(value) FROM annotations"
		" WHERE mailbox = ?1 AND user = ?2 AND entry = ?3" },
	[STORE_SQL_ANNOTATION_COUNT] = { .sql =
		"SELECT count(*) FROM annotations WHERE mailbox = ?1 AND user = ?2" },
	[STORE_SQL_ANNOTATION_SET] = { .sql =
		"INSERT INTO annotations (mailbox, user, entry, value, payer)"
		" VALUES (?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT (mailbox, user, entry) DO UPDATE SET value = ?4" },
	[STORE_SQL_ANNOTATION_REMOVE] = { .sql =
		"DELETE FROM annotations WHERE mailbox = ?1 AND user = ?2 AND entry = ?3" },
	[STORE_SQL_ANNOTATION_BYTES] = { .sql =
		"SELECT annotation_bytes FROM accounts WHERE id = ?1" },
	[STORE_SQL_ANNOTATION_BYTES_ADD] = { .sql =
		"UPDATE accounts SET annotation_bytes = annotation_bytes + ?2 WHERE id = ?1" },
	[STORE_SQL_ANNOTATION_BYTES_TAKE] = { .sql = /* all of a mailbox */
		"UPDATE accounts SET annotation_bytes = annotation_bytes"
		" + (SELECT sum(length(entry) + length(value)) FROM annotations n"
		" WHERE n.mailbox = ?1 AND n.payer = accounts.id)"
		" WHERE id IN (SELECT payer FROM annotations WHERE mailbox = ?1)" },
	[STORE_SQL_ANNOTATION_BYTES_DROP] = { .sql =
		"UPDATE accounts SET annotation_bytes = annotation_bytes"
		" - (SELECT sum(length(entry) + length(value)) FROM annotations n"
		" WHERE n.mailbox = ?1 AND n.payer = accounts.id)"
		" WHERE id IN (SELECT payer FROM annotations WHERE mailbox = ?1)" },
	[STORE_SQL_ANNOTATIONS_COPY] = { .sql =
		"INSERT INTO annotations (mailbox, user, entry, value, payer)"
		" SELECT ?2, user, entry, value, payer FROM annotations WHERE mailbox = ?1" },
	[STORE_SQL_ANNOTATIONS_REMOVE] = { .sql = "DELETE FROM annotations WHERE mailbox = ?1" },
	[STORE_SQL_ANNOTATIONS_REMOVE_USER] = { .sql = "DELETE FROM annotations WHERE user = ?1" },

	/* annotations of messages (note.c, note_set.c) */
	[STORE_SQL_NOTE_GET] = { .sql =
		"SELECT entry, user, value FROM message_annotations WHERE mailbox = ?1 AND uid = ?2"
		" AND user IN (0, ?3) AND value IS NOT NULL ORDER BY entry, user DESC" },
	[STORE_SQL_NOTE_CHANGED] = { .sql =
		"SELECT uid, entry, modseq FROM message_annotations WHERE mailbox = ?1 AND modseq > ?2"
		" AND +user IN (0, ?3) ORDER BY uid, entry" },
	[STORE_SQL_NOTE_VALUES] = { .sql =
		"SELECT uid, user, entry, value FROM message_annotations WHERE mailbox = ?1"
		" AND uid BETWEEN ?3 AND ?4 AND +user IN (0, ?2) AND value IS NOT NULL ORDER BY uid" },
	[STORE_SQL_NOTE_ENTRY] = { .sql =
		"SELECT uid, value FROM message_annotations WHERE mailbox = ?1"
		" AND uid BETWEEN ?4 AND ?5 AND user = ?2 AND entry = ?3 AND value IS NOT NULL ORDER BY uid" },
	/* ?1 mailbox, ?2..?3 UIDs, ?4 user, ?5 entry; rows and their bytes now */
	[STORE_SQL_NOTE_COUNT_SET] = { .sql =
		"SELECT count(*), coalesce(sum(CASE WHEN n.entry IS NULL THEN 0 ELSE " NOTE_BYTES
		" END), 0) FROM messages m LEFT JOIN message_annotations n ON n.mailbox = m.mailbox"
		" AND n.uid = m.uid AND n.user = ?4 AND n.entry = ?5 WHERE m.mailbox = ?1"
		" AND m.uid BETWEEN ?2 AND ?3 AND n.value IS DISTINCT FROM ?6" },
	[STORE_SQL_NOTE_COUNT_REMOVE] = { .sql =
		"SELECT count(*), coalesce(sum(" NOTE_BYTES "), 0) FROM messages m"
		" CROSS JOIN message_annotations n ON n.mailbox = m.mailbox AND n.uid = m.uid"
		" AND n.user = ?4 AND n.entry = ?5 WHERE m.mailbox = ?1 AND m.uid BETWEEN ?2 AND ?3"
		" AND n.value IS NOT NULL" },
	[STORE_SQL_NOTE_SET] = { .sql =
		"INSERT INTO message_annotations (mailbox, uid, user, entry, value, payer, modseq)"
		" SELECT m.mailbox, m.uid, ?4, ?5, ?6, ?7, ?8 FROM messages m WHERE m.mailbox = ?1"
		" AND m.uid BETWEEN ?2 AND ?3"
		" ON CONFLICT (mailbox, uid, user, entry) DO UPDATE SET value = ?6, modseq = ?8"
		" WHERE message_annotations.value IS DISTINCT FROM ?6" },
	[STORE_SQL_NOTE_REMOVE] = { .sql =
		"UPDATE message_annotations SET value = NULL, modseq = ?6 WHERE mailbox = ?1"
		" AND uid IN (SELECT m.uid FROM messages m WHERE m.mailbox = ?1"
		" AND m.uid BETWEEN ?2 AND ?3)"
		" AND user = ?4 AND entry = ?5 AND value IS NOT NULL" },
	[STORE_SQL_NOTE_CROWD] = { .sql =
		"SELECT 1 FROM message_annotations WHERE mailbox = ?1 AND user = ?2 AND uid IN"
		" (SELECT uid FROM message_annotations WHERE mailbox = ?1 AND modseq = ?3)"
		" GROUP BY uid HAVING count(value) > ?4 LIMIT 1" },
	[STORE_SQL_NOTE_UIDS] = { .sql = /* of one change */
		"SELECT DISTINCT uid FROM message_annotations WHERE mailbox = ?1 AND modseq = ?2"
		" ORDER BY uid" },
	[STORE_SQL_NOTE_FORGET_BYTES] = { .sql =
		"UPDATE accounts SET annotation_bytes = annotation_bytes - (SELECT coalesce(sum(" NOTE_BYTES
		"), 0) FROM message_annotations n WHERE" NOTE_FORGOTTEN ") WHERE id = ?1" },
	[STORE_SQL_NOTE_FORGET] = { .sql =
		"DELETE FROM message_annotations AS n WHERE" NOTE_FORGOTTEN },
	[STORE_SQL_NOTE_ANY] = { .sql =
		"SELECT 1 FROM message_annotations WHERE mailbox = ?1 LIMIT 1" },
	[STORE_SQL_NOTE_EXPUNGE_BYTES] = { .sql = NOTE_BALANCE("-", NOTE_EXPUNGED) },
	[STORE_SQL_NOTE_EXPUNGE] = { .sql = "DELETE FROM message_annotations AS n WHERE" NOTE_EXPUNGED },
	[STORE_SQL_NOTE_PURGE_BYTES] = { .sql = NOTE_BALANCE("-", NOTE_PURGED) },
	[STORE_SQL_NOTE_PURGE] = { .sql = "DELETE FROM message_annotations AS n WHERE" NOTE_PURGED },
	/* ?1, ?2 from; ?3, ?4, ?5, ?6 mailbox, UID, account, modseq; ?7 user (0: everybody's); ?8 enum store_note_scope */
	[STORE_SQL_NOTE_COPY] = { .sql =
		"INSERT INTO message_annotations (mailbox, uid, user, entry, value, payer, modseq)"
		" SELECT ?3, ?4, n.user, n.entry, n.value, CASE WHEN n.user = 0 THEN ?5 ELSE n.payer END, ?6"
		" FROM message_annotations n WHERE n.mailbox = ?1 AND n.uid = ?2 AND n.value IS NOT NULL"
		" AND CASE WHEN n.user = 0 THEN ?8 & 2 <> 0 ELSE ?8 & 1 <> 0 AND ?7 IN (0, n.user) END" },
	[STORE_SQL_NOTE_COPIED_BYTES] = { .sql =
		NOTE_BALANCE("+", " n.mailbox = ?1 AND n.modseq = ?2") },
	[STORE_SQL_NOTES_REMOVE_USER] = { .sql =
		"DELETE FROM message_annotations WHERE payer = ?1 AND user = ?1" },

	/* rights (rights.c): a row for each of the user's and anyone's, or one with NULLs */
	[STORE_SQL_RIGHTS_GET] = { .sql =
		/* Asked in front of each change, mostly by the owner; "+": no table is made of the two. */
		"SELECT m.account, CASE WHEN m.account = ?2 THEN 1 ELSE"
		" coalesce((SELECT domain FROM accounts WHERE id = ?2) ="
		" (SELECT domain FROM accounts WHERE id = m.account), 0) END,"
		" r.who, r.given, coalesce(r.rights, 0)"
		" FROM mailboxes m LEFT JOIN rights r ON r.mailbox = m.id AND +r.who IN (0, ?2)"
		" WHERE m.id = ?1 AND m.account <> 0" },
	[STORE_SQL_RIGHTS_LIST] = { .sql =
		"SELECT 1 AS is_owner, o.name AS name, 1 AS given, 0 AS rights FROM mailboxes m"
		" JOIN accounts o ON o.id = m.account WHERE m.id = ?1"
		" UNION ALL SELECT 0, CASE r.who WHEN 0 THEN 'anyone' ELSE w.name END, r.given,"
		" r.rights FROM rights r LEFT JOIN accounts w ON w.id = r.who"
		" WHERE r.mailbox = ?1 AND (r.who = 0 OR w.id IS NOT NULL)"
		" ORDER BY is_owner DESC, name, given DESC" },
	/* Each once; those from whom something is taken away, too. */
	[STORE_SQL_RIGHTS_WHO] = { .sql = "SELECT DISTINCT who FROM rights WHERE mailbox = ?1" },
	[STORE_SQL_RIGHTS_WHO_BELOW] = { .sql =
		"SELECT DISTINCT r.who FROM mailboxes m JOIN rights r ON r.mailbox = m.id"
		" WHERE m.account = ?1 AND (m.name = ?2 OR (m.name >= ?3 AND m.name < ?4))" },
	[STORE_SQL_RIGHTS_ROW] = { .sql =
		"SELECT coalesce((SELECT rights FROM rights WHERE mailbox = ?1 AND who = ?2"
		" AND given = ?3), 0), (SELECT count(*) FROM rights WHERE mailbox = ?1)" },
	[STORE_SQL_RIGHTS_COUNT] = { .sql =
		"SELECT count(*) FROM (SELECT 1 FROM mailboxes m JOIN rights r ON r.mailbox = m.id"
		" WHERE m.account = ?1 LIMIT ?2)" },
	[STORE_SQL_RIGHTS_PUT] = { .sql =
		"INSERT INTO rights (mailbox, who, given, rights, domain) VALUES (?1, ?2, ?3, ?4,"
		" CASE ?2 WHEN 0 THEN (SELECT o.domain FROM mailboxes m JOIN accounts o"
		" ON o.id = m.account WHERE m.id = ?1) ELSE '' END)"
		" ON CONFLICT (mailbox, who, given) DO UPDATE SET rights = ?4" },
	[STORE_SQL_RIGHTS_REMOVE] = { .sql =
		"DELETE FROM rights WHERE mailbox = ?1 AND who = ?2 AND given = ?3" },
	[STORE_SQL_RIGHTS_COPY] = { .sql =
		"INSERT INTO rights (mailbox, who, given, rights, domain)"
		" SELECT ?2, who, given, rights, domain FROM rights WHERE mailbox = ?1" },
	[STORE_SQL_RIGHTS_REMOVE_MAILBOX] = { .sql = "DELETE FROM rights WHERE mailbox = ?1" },
	[STORE_SQL_RIGHTS_REMOVE_ACCOUNT] = { .sql = "DELETE FROM rights WHERE who = ?1" },
	/*
	 * mailbox_list.c: store_mailbox_row(), then of whom, and a row of rights. ?3: enum
	 * store_anyone. In the order of the index, so what there is beyond the limit is not read;
	 * of what is within it all rows are, or one that takes rights away could be beyond.
	 */
	/* May the list below have anything? Most users are given nothing. */
	[STORE_SQL_SHARED_ANY] = { .sql =
		"SELECT 1 FROM rights WHERE who = ?1 AND domain = ''"
		" UNION ALL SELECT 1 FROM rights WHERE ?2 <> 0 AND who = 0 LIMIT 1" },
	[STORE_SQL_SHARED_LIST] = { .sql =
		MAILBOX_COLUMNS ", o.name, o.domain = (SELECT domain FROM accounts WHERE id = ?1),"
		" r.who, r.given, r.rights FROM ("
		"SELECT mailbox FROM (SELECT mailbox FROM rights WHERE who = ?1 AND domain = ''"
		" ORDER BY mailbox, given LIMIT ?2)"
		" UNION SELECT mailbox FROM (SELECT mailbox FROM rights WHERE ?3 = 1 AND who = 0"
		" AND domain = (SELECT domain FROM accounts WHERE id = ?1)"
		" ORDER BY mailbox, given LIMIT ?2)"
		" UNION SELECT mailbox FROM (SELECT mailbox FROM rights WHERE ?3 = 2 AND who = 0"
		" ORDER BY domain, mailbox, given LIMIT ?2)) f"
		" JOIN mailboxes m ON m.id = f.mailbox JOIN accounts o ON o.id = m.account"
		" JOIN rights r ON r.mailbox = f.mailbox AND r.who IN (0, ?1)"
		" WHERE m.account <> ?1 ORDER BY f.mailbox" },

	/* mailbox access keys (urlkey.c) */
	[STORE_SQL_URL_KEY_GET] = { .sql =
		"SELECT secret FROM url_keys WHERE account = ?1 AND mailbox = ?2" },
	[STORE_SQL_URL_KEY_PUT] = { .sql =
		"INSERT INTO url_keys (account, mailbox, secret) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (account, mailbox) DO UPDATE SET secret = ?3" },
	[STORE_SQL_URL_KEYS_REMOVE_MAILBOX] = { .sql = "DELETE FROM url_keys WHERE mailbox = ?1" },
	[STORE_SQL_URL_KEYS_REMOVE_ACCOUNT] = { .sql = "DELETE FROM url_keys WHERE account = ?1" },
	[STORE_SQL_MAILBOX_USE_TAKE] = { .sql =
		"UPDATE mailboxes SET special_use = special_use & ~?2"
		" WHERE account = ?1 AND special_use & ?2 <> 0 AND id <> ?3 RETURNING id" },
	[STORE_SQL_MAILBOX_USE_SET] = { .sql =
		"UPDATE mailboxes SET special_use = ?2 WHERE id = ?1" },

	/* keywords */
	[STORE_SQL_KEYWORD_LIST] = { .sql =
		"SELECT bit, name FROM keywords WHERE mailbox = ?1 ORDER BY bit" },
	[STORE_SQL_KEYWORD_ADD] = { .sql =
		"INSERT INTO keywords (mailbox, bit, name) VALUES (?1, ?2, ?3)" },
	[STORE_SQL_KEYWORDS_REMOVE] = { .sql = "DELETE FROM keywords WHERE mailbox = ?1" },
	[STORE_SQL_KEYWORD_NAME] = { .sql =
		"INSERT INTO keywords (mailbox, bit, name) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (mailbox, bit) DO UPDATE SET name = ?3" },
	[STORE_SQL_KEYWORD_STRAY] = { .sql =
		"DELETE FROM keywords WHERE mailbox = ?1 AND bit NOT BETWEEN ?2 AND ?3" },
	[STORE_SQL_KEYWORD_SET_GET] = { .sql =
		"SELECT members FROM keyword_sets WHERE mailbox = ?1 AND number = ?2" },
	[STORE_SQL_KEYWORD_SET_FIND] = { .sql =
		"SELECT number FROM keyword_sets WHERE mailbox = ?1 AND members = ?2" },
	[STORE_SQL_KEYWORD_SET_LIST] = { .sql =
		"SELECT number, members FROM keyword_sets WHERE mailbox = ?1 AND number > ?2"
		" ORDER BY number" },
	[STORE_SQL_KEYWORD_SET_COUNT] = { .sql =
		"SELECT count(*), coalesce(max(number), 0), coalesce(sum(length(members)), 0)"
		" FROM keyword_sets WHERE mailbox = ?1" },
	[STORE_SQL_KEYWORD_SET_ADD] = { .sql =
		"INSERT INTO keyword_sets (mailbox, number, members) VALUES (?1, ?2, ?3)" },
	[STORE_SQL_KEYWORD_SET_REMOVE] = { .sql =
		"DELETE FROM keyword_sets WHERE mailbox = ?1 AND number = ?2" },
	[STORE_SQL_KEYWORD_SETS_REMOVE] = { .sql = "DELETE FROM keyword_sets WHERE mailbox = ?1" },
	[STORE_SQL_KEYWORD_EPOCH] = { .sql = "SELECT keyword_epoch FROM mailboxes WHERE id = ?1" },
	[STORE_SQL_KEYWORD_EPOCH_NEXT] = { .sql =
		"UPDATE mailboxes SET keyword_epoch = keyword_epoch + 1 WHERE id = ?1" },

	/* messages */
	[STORE_SQL_MESSAGE_ADD] = { .sql =
		"INSERT INTO messages (mailbox, uid, content, unused_modseq, unused_flags,"
		" internaldate, savedate, size, thread)"
		" VALUES (?1, ?2, ?3, 0, 0, ?4, ?5, ?6, ?7)" },
	[STORE_SQL_MESSAGE_ALL] = { .sql = MESSAGE "WHERE mailbox = ?1 ORDER BY uid" },
	[STORE_SQL_MESSAGE_SOME] = { .sql = MESSAGE OF_STATES " ORDER BY uid" },
	[STORE_SQL_MESSAGE_ROWS] = { .sql = /* rows.c */
		"SELECT uid, content, internaldate, size, thread FROM messages" OF_STATES
		" ORDER BY uid" },
	[STORE_SQL_MESSAGE_CONTENT] = { .sql = /* content.c */
		"SELECT content FROM messages WHERE mailbox = ?1 AND uid = ?2" },
	[STORE_SQL_MESSAGE_EXPUNGE] = { .sql =
		"INSERT INTO expunged (mailbox, modseq, uid, at) SELECT mailbox, ?5, uid, ?6"
		" FROM messages" OF_STATES },
	[STORE_SQL_MESSAGE_REMOVE] = { .sql = "DELETE FROM messages" OF_STATES },

	/* flags and mod-sequences (states_rows.c, states_check.c); store_states_row() */
	[STORE_SQL_STATES_GET] = { .sql = "SELECT id, states FROM message_states WHERE id = ?1" },
	[STORE_SQL_STATES_RANGE] = { .sql =
		"SELECT id, states, modseq FROM message_states WHERE id BETWEEN ?1 AND ?2"
		" ORDER BY id" },
	[STORE_SQL_STATES_DOWN] = { .sql =
		"SELECT id, states FROM message_states WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC" },
	[STORE_SQL_STATES_NEWER] = { .sql = /* ?3: the last row of a view, that its index may not know */
		"SELECT id, states FROM message_states WHERE " STATES_MAILBOX " = ?1 AND modseq > ?2"
		" AND +id < ?3 UNION ALL SELECT id, states FROM message_states"
		" WHERE id BETWEEN ?3 AND ?4" },
	[STORE_SQL_STATES_ADD] = { .sql = /* behind those that are there; || makes text of two blobs */
		"INSERT INTO message_states (id, modseq, states) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (id) DO UPDATE SET states = CAST(states || ?3 AS BLOB)" },
	[STORE_SQL_STATES_RAISE] = { .sql =
		"UPDATE message_states SET modseq = ?2 WHERE id = ?1 AND modseq < ?2" },
	[STORE_SQL_STATES_CHANGE] = { .sql =
		"UPDATE message_states SET modseq = ?2, states = ?3 WHERE id = ?1" },
	[STORE_SQL_STATES_SHRINK] = { .sql =
		"UPDATE message_states SET states = ?2 WHERE id = ?1" },
	[STORE_SQL_STATES_REMOVE] = { .sql = "DELETE FROM message_states WHERE id = ?1" },
	[STORE_SQL_STATES_PURGE] = { .sql =
		"DELETE FROM message_states WHERE id BETWEEN ?1 AND ?2" },
	[STORE_SQL_STATES_MESSAGES] = { .sql =
		"SELECT uid FROM messages WHERE mailbox = ?1 ORDER BY uid" },
	[STORE_SQL_EXPUNGED_SINCE] = { .sql =
		"SELECT uid FROM expunged WHERE mailbox = ?1 AND modseq > ?2 ORDER BY uid" },
	[STORE_SQL_EXPUNGED_FLOOR] = { .sql =
		"SELECT pruned_modseq FROM mailboxes WHERE id = ?1" },
	[STORE_SQL_EXPUNGED_REMOVE] = { .sql = "DELETE FROM expunged WHERE mailbox = ?1" },
	[STORE_SQL_VIEW_BOX] = { .sql =
		"SELECT uidvalidity, uidnext, highestmodseq, messages, unseen, deleted FROM mailboxes"
		" WHERE id = ?1 AND account <> 0" },
	/* glance.c */
	[STORE_SQL_GLANCE_COUNT] = { .sql =
		"SELECT count(*) FROM (SELECT 1 FROM messages WHERE mailbox = ?1"
		" AND uid BETWEEN ?2 AND ?3 LIMIT ?4)" },
	[STORE_SQL_GLANCE_EXPUNGED] = { .sql =
		"SELECT 1 FROM expunged WHERE mailbox = ?1 AND modseq > ?2 AND uid < ?3 LIMIT 1" },

	/* what SORT and THREAD compare (keys.c, content.c); FROM as the one of contents */
	[STORE_SQL_KEYS_ADD] = { .sql =
		"INSERT INTO sort_keys (content, sent, is_reply, ids, subject, from_mailbox,"
		" to_mailbox, cc_mailbox, from_display, to_display)"
		" SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE EXISTS"
		" (SELECT 1 FROM contents WHERE id = ?1) ON CONFLICT DO NOTHING" },
	/* Columns in the order of store_content_keys(), no more than are compared. */
	[STORE_SQL_KEYS_SENT_FROM] = { .sql =
		"SELECT content, sent FROM sort_keys WHERE content >= ?1 ORDER BY content" },
	[STORE_SQL_KEYS_THREAD_FROM] = { .sql =
		"SELECT content, sent, is_reply, ids, subject FROM sort_keys"
		" WHERE content >= ?1 ORDER BY content" },
	[STORE_SQL_KEYS_FROM] = { .sql =
		"SELECT content, sent, is_reply, ids, subject, from_mailbox, to_mailbox,"
		" cc_mailbox, from_display, to_display FROM sort_keys"
		" WHERE content >= ?1 ORDER BY content" },
	[STORE_SQL_KEYS_REMOVE] = { .sql = "DELETE FROM sort_keys WHERE content = ?1" },

	/* contents and threads */
	[STORE_SQL_CONTENT_ADD] = { .sql =
		"INSERT INTO contents (unused_refs, pack, pos, size, header_n, sent, created,"
		" message_id, base_subject,"
		" envelope, structure, map, preview) VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
		" ?10, ?11, ?12)" },
	[STORE_SQL_CONTENT_PREVIEW] = { .sql =
		"UPDATE contents SET preview = ?2 WHERE id = ?1" },
	[STORE_SQL_CONTENT_REF] = { .sql =
		"INSERT INTO content_refs (content, refs, dead_since)"
		" VALUES (?1, 1 + ?2, CASE WHEN 1 + ?2 <= 0 THEN ?3 END)"
		" ON CONFLICT (content) DO UPDATE SET refs = content_refs.refs + ?2,"
		" dead_since = CASE WHEN content_refs.refs + ?2 <= 0 THEN ?3 END" },
	/* content.c goes on from row to row while ids are near each other */
	[STORE_SQL_CONTENT_FROM] = { .sql =
		"SELECT id, pack, pos, size, header_n, sent FROM contents"
		" WHERE id >= ?1 ORDER BY id" },
	[STORE_SQL_CONTENT_SHOWN_FROM] = { .sql =
		"SELECT id, pack, pos, size, header_n, sent, envelope, structure FROM contents"
		" WHERE id >= ?1 ORDER BY id" },
	[STORE_SQL_CONTENT_TEXTS_FROM] = { .sql =
		"SELECT id, pack, pos, size, header_n, sent, envelope, structure, map,"
		" preview FROM contents"
		" WHERE id >= ?1 ORDER BY id" },
	[STORE_SQL_THREAD_GET] = { .sql =
		"SELECT thread FROM threads WHERE account = ?1 AND key = ?2" },
	[STORE_SQL_THREAD_ADD] = { .sql =
		"INSERT INTO threads (account, key, thread) VALUES (?1, ?2, ?3) ON CONFLICT DO"
		" NOTHING" },
	[STORE_SQL_THREADS_REMOVE] = { .sql = "DELETE FROM threads WHERE account = ?1" },

	/* what was deleted (purge.c) */
	[STORE_SQL_DOOMED_NEXT] = { .sql = "SELECT id FROM mailboxes WHERE account = 0 LIMIT 1" },
	[STORE_SQL_DOOMED_MESSAGES] = { .sql =
		"SELECT uid, content FROM messages WHERE mailbox = ?1 ORDER BY uid LIMIT ?2" },
	[STORE_SQL_DOOMED_MESSAGE_REMOVE] = { .sql =
		"DELETE FROM messages WHERE mailbox = ?1 AND uid <= ?2" },
	[STORE_SQL_DOOMED_REMOVE] = { .sql = "DELETE FROM mailboxes WHERE id = ?1" },

	/* housekeeping (housekeep.c, prune.c, compact.c) */
	[STORE_SQL_KEEP_DEAD] = { .sql =
		"SELECT r.content, c.pack, c.size FROM content_refs r"
		" LEFT JOIN contents c ON c.id = r.content"
		" WHERE r.dead_since <= ?1 AND (r.refs = 0 OR c.id IS NULL)"
		" ORDER BY r.dead_since LIMIT ?2" },
	[STORE_SQL_CONTENT_REMOVE] = { .sql = "DELETE FROM contents WHERE id = ?1" },
	[STORE_SQL_REFS_REMOVE] = { .sql = "DELETE FROM content_refs WHERE content = ?1" },
	[STORE_SQL_CONTENT_PLACE] = { .sql = "SELECT pack, pos FROM contents WHERE id = ?1" },
	[STORE_SQL_CONTENT_MOVE] = { .sql =
		"UPDATE contents SET pack = ?5, pos = ?6"
		" WHERE id = ?1 AND pack = ?2 AND pos = ?3 AND size = ?4" },
	[STORE_SQL_PACK_ADD] = { .sql =
		"INSERT INTO packs (pack, size, live) VALUES (?1, ?2, ?3)" },
	[STORE_SQL_PACK_SHRINK] = { .sql =
		"UPDATE packs SET live = live - ?2 WHERE pack = ?1" },
	[STORE_SQL_PACK_DAMAGED] = { .sql = "UPDATE packs SET damaged = ?2 WHERE pack = ?1" },
	[STORE_SQL_PACK_REMOVE] = { .sql = "DELETE FROM packs WHERE pack = ?1" },
	[STORE_SQL_PACK_LIST] = { .sql = "SELECT pack FROM packs ORDER BY pack" },
	[STORE_SQL_PACK_CHOOSE] = { .sql = /* ?1: percent that must be dead */
		"SELECT pack, live FROM packs WHERE live = 0 OR"
		" (damaged = 0 AND (size - live) * 100 >= size * ?1 AND size > live)"
		" ORDER BY live LIMIT ?2" },
	[STORE_SQL_PACK_COUNT] = { .sql =
		"SELECT count(*), coalesce(sum(size), 0) FROM contents WHERE pack = ?1" },
	[STORE_SQL_PACK_NAMED] = { .sql = "SELECT 1 FROM contents WHERE pack = ?1 LIMIT 1" },
	[STORE_SQL_PACK_BODIES] = { .sql =
		"SELECT id, pos, size FROM contents WHERE pack = ?1 AND pos > ?2"
		" ORDER BY pos LIMIT ?3" },
	[STORE_SQL_INDEX_ACCOUNTS] = { .sql = /* index.c */
		"SELECT id, modseq FROM accounts ORDER BY id" },
	[STORE_SQL_INDEX_CONTENTS] = { .sql =
		"SELECT m.content, m.size FROM mailboxes b CROSS JOIN messages m ON m.mailbox = b.id"
		" WHERE b.account = ?1 ORDER BY m.content" },
	[STORE_SQL_INDEX_SEGMENTS] = { .sql =
		"SELECT name FROM index_segments WHERE account = ?1 LIMIT ?2" },
	[STORE_SQL_INDEX_SEGMENT_ADD] = { .sql =
		"INSERT INTO index_segments (account, name) SELECT id, ?2 FROM accounts WHERE id = ?1" },
	[STORE_SQL_INDEX_SEGMENT_REMOVE] = { .sql =
		"DELETE FROM index_segments WHERE account = ?1 AND name = ?2" },
	[STORE_SQL_INDEX_SEGMENTS_REMOVE] = { .sql =
		"DELETE FROM index_segments WHERE account = ?1" },
	[STORE_SQL_INDEX_OWNER] = { .sql = "SELECT account FROM mailboxes WHERE id = ?1" },
	[STORE_SQL_SPACE] = { .sql =
		"SELECT count(*), coalesce(sum(size), 0),"
		" coalesce(sum(CASE WHEN size > live THEN size - live ELSE 0 END), 0),"
		" (SELECT count(*) FROM content_refs WHERE dead_since IS NOT NULL) FROM packs" },
	[STORE_SQL_PRUNE_NEXT] = { .sql = "SELECT min(mailbox) FROM expunged WHERE mailbox > ?1" },
	[STORE_SQL_PRUNE_OLDEST] = { .sql =
		"SELECT modseq, uid, at FROM expunged WHERE mailbox = ?1"
		" ORDER BY modseq, uid LIMIT ?2" },
	[STORE_SQL_PRUNE_REMOVE] = { .sql =
		"DELETE FROM expunged WHERE mailbox = ?1 AND (modseq, uid) <= (?2, ?3)" },
	[STORE_SQL_PRUNE_FLOOR] = { .sql =
		"UPDATE mailboxes SET pruned_modseq = ?2 WHERE id = ?1 AND pruned_modseq < ?2" },

	/* the check (fsck.c); ids go on after ?1 */
	[STORE_SQL_FSCK_TABLE] = {
		.sql = "SELECT integrity_check FROM pragma_integrity_check(?1)",
		.postgres = "SELECT 'ok' WHERE ?1 <> ''",
	},
	[STORE_SQL_FSCK_ACCOUNT] = { .sql =
		"SELECT a.id, a.name, a.used, a.messages, a.modseq, coalesce(sum(b.bytes), 0),"
		" coalesce(sum(b.messages), 0), coalesce(max(b.highestmodseq), 0),"
		" a.annotation_bytes, (SELECT coalesce(sum(length(entry) + length(value)), 0)"
		" FROM annotations n WHERE n.payer = a.id AND (n.user = a.id OR n.mailbox IN"
		" (SELECT id FROM mailboxes WHERE account = a.id)))"
		" + (SELECT coalesce(sum(" NOTE_BYTES "), 0) FROM message_annotations n"
		" WHERE n.payer = a.id) FROM accounts a"
		" LEFT JOIN mailboxes b ON b.account = a.id"
		" WHERE a.id = (SELECT min(id) FROM accounts WHERE id > ?1) GROUP BY a.id" },
	[STORE_SQL_FSCK_MAILBOX] = { .sql = /* 0: the last of the pairs in fsck.c has no counter */
		"SELECT b.id, b.account, b.name, b.messages, b.unseen, b.deleted, b.bytes,"
		" b.uidnext, b.highestmodseq, a.modseq, 0 FROM mailboxes b"
		" LEFT JOIN accounts a ON a.id = b.account"
		" WHERE b.id > ?1 AND b.account <> 0 ORDER BY b.id LIMIT 1" },
	[STORE_SQL_FSCK_MAILBOX_COUNT] = { .sql =
		"SELECT count(*), coalesce(sum(size), 0),"
		" 1 + max(coalesce(max(uid), 0), (SELECT coalesce(max(uid), 0) FROM expunged"
		" WHERE mailbox = ?1)),"
		" (SELECT coalesce(max(modseq), 0) FROM expunged WHERE mailbox = ?1),"
		" (SELECT highestmodseq FROM mailboxes WHERE id = ?1),"
		" (SELECT count(*) FROM expunged e JOIN messages x ON x.mailbox = e.mailbox"
		" AND x.uid = e.uid WHERE e.mailbox = ?1)"
		" FROM messages WHERE mailbox = ?1" },
	[STORE_SQL_FSCK_ORPHAN] = { .sql =
		"SELECT n.id, EXISTS (SELECT 1 FROM mailboxes b WHERE b.id = n.id) FROM"
		" (SELECT min(mailbox) AS id FROM messages WHERE mailbox > ?1) n" },
	[STORE_SQL_FSCK_MESSAGE_REFS] = { .sql =
		"SELECT content, count(*), min(size), max(size) FROM messages"
		" WHERE content BETWEEN ?1 AND ?2 GROUP BY content ORDER BY content" },
	[STORE_SQL_FSCK_CONTENT_REFS] = { .sql =
		"SELECT c.id, coalesce(r.refs, 1), c.size, r.dead_since FROM contents c"
		" LEFT JOIN content_refs r ON r.content = c.id"
		" WHERE c.id BETWEEN ?1 AND ?2 ORDER BY c.id" },
	[STORE_SQL_FSCK_CONTENT_LAST] = { .sql = "SELECT coalesce(max(id), 0) FROM contents" },
	[STORE_SQL_FSCK_BODIES] = { .sql =
		"SELECT id, pack, pos, size FROM contents WHERE id > ?1 ORDER BY id LIMIT ?2" },
	[STORE_SQL_FSCK_COUNTER] = { .sql =
		"SELECT value, (SELECT coalesce(max(uidvalidity), 0) FROM mailboxes)"
		" FROM store_counters WHERE name = 'uidvalidity'" },
	[STORE_SQL_FSCK_LEFT_CREDENTIALS] = { .sql = LEFT_COUNT("credentials", "account", "accounts") },
	[STORE_SQL_FSCK_LEFT_ALIASES] = { .sql = LEFT_COUNT("aliases", "account", "accounts") },
	[STORE_SQL_FSCK_LEFT_SUBSCRIPTIONS] = { .sql =
		LEFT_COUNT("subscriptions", "account", "accounts") },
	[STORE_SQL_FSCK_LEFT_THREADS] = { .sql = LEFT_COUNT("threads", "account", "accounts") },
	[STORE_SQL_FSCK_LEFT_KEYWORDS] = { .sql = LEFT_COUNT("keywords", "mailbox", "mailboxes") },
	[STORE_SQL_FSCK_LEFT_KEYWORD_SETS] = { .sql =
		LEFT_COUNT("keyword_sets", "mailbox", "mailboxes") },
	[STORE_SQL_FSCK_LEFT_EXPUNGED] = { .sql = LEFT_COUNT("expunged", "mailbox", "mailboxes") },
	[STORE_SQL_FSCK_LEFT_STATES] = { .sql =
		LEFT_COUNT("message_states", STATES_MAILBOX, "mailboxes") },
	[STORE_SQL_FSCK_LEFT_ANNOTATIONS] = { .sql = "SELECT count(*) FROM annotations" LEFT_ANNOTATIONS },
	[STORE_SQL_FSCK_LEFT_NOTES] = { .sql = "SELECT count(*) FROM message_annotations" LEFT_NOTES },
	[STORE_SQL_FSCK_LEFT_RIGHTS] = { .sql = "SELECT count(*) FROM rights" LEFT_RIGHTS },
	[STORE_SQL_FSCK_LEFT_URL_KEYS] = { .sql = "SELECT count(*) FROM url_keys" LEFT_URL_KEYS },
	[STORE_SQL_FSCK_LEFT_IMPORTS] = { .sql = LEFT_COUNT("imports", "mailbox", "mailboxes") },
	[STORE_SQL_FSCK_LEFT_SEGMENTS] = { .sql =
		LEFT_COUNT("index_segments", "account", "accounts") },
	[STORE_SQL_FSCK_LEFT_KEYS] = { .sql = LEFT_COUNT("sort_keys", "content", "contents") },
	[STORE_SQL_FSCK_LEFT_REFS] = { .sql = "SELECT count(*) FROM content_refs" LEFT_REFS },
	[STORE_SQL_FSCK_PACK] = { .sql =
		"SELECT p.pack, p.size, p.live, (SELECT coalesce(sum(c.size), 0) + 32 * count(*)"
		" FROM contents c WHERE c.pack = p.pack) FROM packs p"
		" WHERE p.pack > ?1 ORDER BY p.pack LIMIT 1" },
	[STORE_SQL_FSCK_OWNER] = { .sql =
		"SELECT b.id, b.name, coalesce(a.name, '(nobody)') FROM mailboxes b"
		" LEFT JOIN accounts a ON a.id = b.account"
		" WHERE b.id > ?1 AND b.account <> 0 ORDER BY b.id LIMIT 1" },
	[STORE_SQL_FSCK_HELD] = { .sql =
		"SELECT uid, content FROM messages WHERE mailbox = ?1 AND uid > ?2 ORDER BY uid" },
	[STORE_SQL_FSCK_SUBJECT] = { .sql = "SELECT base_subject FROM contents WHERE id = ?1" },

	/* repair.c */
	[STORE_SQL_REPAIR_LEFT_CREDENTIALS] = { .sql =
		LEFT_REMOVE("credentials", "account", "accounts") },
	[STORE_SQL_REPAIR_LEFT_ALIASES] = { .sql = LEFT_REMOVE("aliases", "account", "accounts") },
	[STORE_SQL_REPAIR_LEFT_SUBSCRIPTIONS] = { .sql =
		LEFT_REMOVE("subscriptions", "account", "accounts") },
	[STORE_SQL_REPAIR_LEFT_THREADS] = { .sql = LEFT_REMOVE("threads", "account", "accounts") },
	[STORE_SQL_REPAIR_LEFT_KEYWORDS] = { .sql = LEFT_REMOVE("keywords", "mailbox", "mailboxes") },
	[STORE_SQL_REPAIR_LEFT_KEYWORD_SETS] = { .sql =
		LEFT_REMOVE("keyword_sets", "mailbox", "mailboxes") },
	[STORE_SQL_REPAIR_LEFT_EXPUNGED] = { .sql = LEFT_REMOVE("expunged", "mailbox", "mailboxes") },
	[STORE_SQL_REPAIR_LEFT_STATES] = { .sql =
		LEFT_REMOVE("message_states", STATES_MAILBOX, "mailboxes") },
	[STORE_SQL_REPAIR_LEFT_ANNOTATIONS] = { .sql = "DELETE FROM annotations" LEFT_ANNOTATIONS },
	[STORE_SQL_REPAIR_LEFT_NOTES] = { .sql = "DELETE FROM message_annotations AS" LEFT_NOTES },
	[STORE_SQL_REPAIR_LEFT_RIGHTS] = { .sql = "DELETE FROM rights" LEFT_RIGHTS },
	[STORE_SQL_REPAIR_LEFT_URL_KEYS] = { .sql = "DELETE FROM url_keys" LEFT_URL_KEYS },
	[STORE_SQL_REPAIR_LEFT_IMPORTS] = { .sql = LEFT_REMOVE("imports", "mailbox", "mailboxes") },
	[STORE_SQL_REPAIR_LEFT_SEGMENTS] = { .sql =
		LEFT_REMOVE("index_segments", "account", "accounts") },
	[STORE_SQL_REPAIR_LEFT_KEYS] = { .sql = LEFT_REMOVE("sort_keys", "content", "contents") },
	[STORE_SQL_REPAIR_LEFT_REFS] = { .sql = "DELETE FROM content_refs" LEFT_REFS },
	[STORE_SQL_REPAIR_COUNTER] = { .sql =
		"UPDATE store_counters SET value = (SELECT max(uidvalidity) FROM mailboxes)"
		" WHERE name = 'uidvalidity'"
		" AND value < (SELECT max(uidvalidity) FROM mailboxes)" },
	[STORE_SQL_REPAIR_ACCOUNT] = { .sql =
		"UPDATE accounts SET"
		" used = (SELECT coalesce(sum(bytes), 0) FROM mailboxes WHERE account = ?1),"
		" messages = (SELECT coalesce(sum(messages), 0) FROM mailboxes WHERE account = ?1),"
		" modseq = max(modseq, (SELECT coalesce(max(highestmodseq), 0) FROM mailboxes"
		" WHERE account = ?1)), annotation_bytes ="
		" (SELECT coalesce(sum(length(entry) + length(value)), 0) FROM annotations n"
		" WHERE n.payer = ?1 AND (n.user = ?1 OR n.mailbox IN"
		" (SELECT id FROM mailboxes WHERE account = ?1)))"
		" + (SELECT coalesce(sum(" NOTE_BYTES "), 0) FROM message_annotations n"
		" WHERE n.payer = ?1) WHERE id = ?1" },
	[STORE_SQL_REPAIR_MODSEQ] = { .sql = /* the next for all that the mailbox has, but its states */
		"SELECT 1 + max(a.modseq, b.highestmodseq,"
		" (SELECT coalesce(max(modseq), 0) FROM expunged WHERE mailbox = ?1))"
		" FROM mailboxes b JOIN accounts a ON a.id = b.account WHERE b.id = ?1" },
	[STORE_SQL_REPAIR_OWNER] = { .sql = "SELECT account FROM mailboxes WHERE id = ?1" },
	[STORE_SQL_REPAIR_SHOW_AGAIN] = { .sql =
		"SELECT m.uid FROM messages m WHERE m.mailbox = ?1 AND m.uid IN"
		" (SELECT uid FROM expunged WHERE mailbox = ?1) ORDER BY m.uid" },
	[STORE_SQL_REPAIR_NOT_EXPUNGED] = { .sql =
		"DELETE FROM expunged WHERE mailbox = ?1"
		" AND uid IN (SELECT uid FROM messages WHERE mailbox = ?1)" },
	[STORE_SQL_REPAIR_MAILBOX] = { .sql =
		"UPDATE mailboxes SET (messages, bytes, uidnext) ="
		" (SELECT count(*), coalesce(sum(size), 0),"
		" max(mailboxes.uidnext, 1 + coalesce(max(uid), 0),"
		" 1 + (SELECT coalesce(max(uid), 0) FROM expunged WHERE mailbox = ?1))"
		" FROM messages WHERE mailbox = ?1), highestmodseq = ?2, unseen = ?3, deleted = ?4"
		" WHERE id = ?1" },
	[STORE_SQL_REPAIR_ACCOUNT_MODSEQ] = { .sql =
		"UPDATE accounts SET modseq = ?2 WHERE id = ?1 AND modseq < ?2" },
	[STORE_SQL_REPAIR_ACCOUNT_ADD] = { .sql =
		"INSERT INTO accounts (id, name, domain, quota, created) VALUES (?1, ?2, ?3, 0, ?4)" },
	[STORE_SQL_REPAIR_MAILBOX_ADD] = { .sql =
		"INSERT INTO mailboxes (id, account, name, mailboxid, uidvalidity, highestmodseq)"
		" VALUES (?1, ?2, ?3, ?4, ?5, 1)" },
	[STORE_SQL_REPAIR_PACK] = { .sql =
		"UPDATE packs SET size = ?2, damaged = 0, live ="
		" (SELECT coalesce(sum(size), 0) + 32 * count(*) FROM contents WHERE pack = ?1)"
		" WHERE pack = ?1" },
	[STORE_SQL_REPAIR_REF] = { .sql = "SELECT pack, pos, size FROM contents WHERE id = ?1" },
	[STORE_SQL_REPAIR_CONTENT_SIZE] = { .sql = "UPDATE contents SET size = ?2 WHERE id = ?1" },
	[STORE_SQL_REPAIR_OTHER_SIZE] = { .sql =
		"SELECT mailbox, uid, size FROM messages WHERE content = ?1 AND size <> ?2 LIMIT 1" },
	[STORE_SQL_REPAIR_MESSAGE_SIZE] = { .sql =
		"UPDATE messages SET size = ?3 WHERE mailbox = ?1 AND uid = ?2 RETURNING uid" },
	[STORE_SQL_REPAIR_DEAD_PACK] = { .sql =
		"SELECT pack FROM contents WHERE id = ?1" IS_DEAD },
	[STORE_SQL_REPAIR_DEAD_SIZE] = { .sql =
		"SELECT size FROM contents WHERE id = ?1" IS_DEAD },
};

/* Of packs at rest all, so that their rows stay right. */
const struct db_sql store_backup_packs = {
	.sql = "SELECT c.pack, max(max(c.pos + c.size), coalesce(max(p.size), 0)) FROM contents c"
	       " LEFT JOIN packs p ON p.pack = c.pack GROUP BY c.pack ORDER BY c.pack",
};

const struct db_sql_set store_sql_set = { "store", store_sql, STORE_SQL_COUNT_ };

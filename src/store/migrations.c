/* SPDX-License-Identifier: MIT */
/*
 * The schema of the store, in numbered steps that only go forward: a step that was released is
 * never edited, a change is a new step. Owner of every table here: room store.
 *
 * Ids of accounts, mailboxes and contents are never used twice (AUTOINCREMENT): sessions,
 * MAILBOXID and EMAILID outlive rows. There are no foreign keys and no triggers: each write
 * function keeps rows and counters in step itself, and the tests recount them after every step.
 */
#include "store/store.h"

#include "base/mem.h"

static const char step_1[] =
	/*
	 * One row for each mailbox owner. used and messages: sums over its mailboxes. modseq: the
	 * last one given.
	 */
	"CREATE TABLE accounts ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE," /* canonical address */
	" domain TEXT NOT NULL,"
	" quota INTEGER NOT NULL,"
	" used INTEGER NOT NULL DEFAULT 0,"
	" messages INTEGER NOT NULL DEFAULT 0,"
	" modseq INTEGER NOT NULL DEFAULT 1,"
	" created INTEGER NOT NULL,"
	" enabled INTEGER NOT NULL DEFAULT 1);"
	"CREATE INDEX accounts_domain ON accounts (domain);"

	"CREATE TABLE credentials ("
	" account INTEGER NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,"
	" PRIMARY KEY (account, kind)) WITHOUT ROWID;"

	"CREATE TABLE domains (name TEXT PRIMARY KEY) WITHOUT ROWID;"

	"CREATE TABLE aliases ("
	" address TEXT NOT NULL, account INTEGER NOT NULL, domain TEXT NOT NULL,"
	" PRIMARY KEY (address, account)) WITHOUT ROWID;"
	"CREATE INDEX aliases_account ON aliases (account);"
	"CREATE INDEX aliases_domain ON aliases (domain);"

	/*
	 * The last UIDVALIDITY given, over all accounts, so that a name that comes back always
	 * has a larger one.
	 */
	"CREATE TABLE store_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO store_counters (name, value) VALUES ('uidvalidity', 0);"

	/*
	 * account 0: deleted, waits for store/purge.c. recent_uid: first UID that no session has
	 * claimed as \\Recent.
	 */
	"CREATE TABLE mailboxes ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" account INTEGER NOT NULL,"
	" name TEXT NOT NULL,"
	" mailboxid TEXT NOT NULL,"
	" uidvalidity INTEGER NOT NULL,"
	" uidnext INTEGER NOT NULL DEFAULT 1,"
	" highestmodseq INTEGER NOT NULL,"
	" messages INTEGER NOT NULL DEFAULT 0,"
	" unseen INTEGER NOT NULL DEFAULT 0,"
	" deleted INTEGER NOT NULL DEFAULT 0,"
	" bytes INTEGER NOT NULL DEFAULT 0,"
	" special_use INTEGER NOT NULL DEFAULT 0,"
	" recent_uid INTEGER NOT NULL DEFAULT 1,"
	" UNIQUE (account, name));"

	"CREATE TABLE subscriptions ("
	" account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) WITHOUT ROWID;"

	/* bit: of messages.flags, from STORE_KEYWORD_BIT on */
	"CREATE TABLE keywords ("
	" mailbox INTEGER NOT NULL, bit INTEGER NOT NULL, name TEXT NOT NULL,"
	" PRIMARY KEY (mailbox, bit)) WITHOUT ROWID;"

	"CREATE TABLE messages ("
	" mailbox INTEGER NOT NULL,"
	" uid INTEGER NOT NULL,"
	" content INTEGER NOT NULL,"
	" modseq INTEGER NOT NULL,"
	" flags INTEGER NOT NULL,"
	" internaldate INTEGER NOT NULL,"
	" savedate INTEGER NOT NULL,"
	" size INTEGER NOT NULL,"
	" thread INTEGER NOT NULL,"
	" PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;"
	"CREATE INDEX messages_modseq ON messages (mailbox, modseq);"

	/* UIDs that are gone, for QRESYNC and for views */
	"CREATE TABLE expunged ("
	" mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL, uid INTEGER NOT NULL,"
	" PRIMARY KEY (mailbox, modseq, uid)) WITHOUT ROWID;"

	/*
	 * refs: rows of messages and of the queue that name it. At 0 the row and the body stay,
	 * dead since that second, until compaction: a session may still show the message. sent:
	 * NULL when the message has no usable Date.
	 */
	"CREATE TABLE contents ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" refs INTEGER NOT NULL,"
	" dead_since INTEGER,"
	" pack INTEGER NOT NULL,"
	" pos INTEGER NOT NULL,"
	" size INTEGER NOT NULL,"
	" header_n INTEGER NOT NULL,"
	" sent INTEGER,"
	" created INTEGER NOT NULL,"
	" message_id TEXT NOT NULL,"
	" base_subject TEXT NOT NULL,"
	" envelope BLOB NOT NULL,"
	" structure BLOB NOT NULL,"
	" map BLOB NOT NULL);"
	"CREATE INDEX contents_dead ON contents (dead_since) WHERE dead_since IS NOT NULL;"

	/* key: hash of a message id that occurred in a message of the account */
	"CREATE TABLE threads ("
	" account INTEGER NOT NULL, key INTEGER NOT NULL, thread INTEGER NOT NULL,"
	" PRIMARY KEY (account, key)) WITHOUT ROWID;";

/* RFC 9208: limits beside the one on bytes. 0: none. */
static const char step_2[] =
	"ALTER TABLE accounts ADD COLUMN quota_messages INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE accounts ADD COLUMN quota_mailboxes INTEGER NOT NULL DEFAULT 0;";

/*
 * RFC 5464. mailbox 0: of the server. user 0: below /shared. payer: the account whose annotation_bytes
 * count it.
 */
static const char step_3[] =
	"CREATE TABLE annotations ("
	" mailbox INTEGER NOT NULL, user INTEGER NOT NULL, entry TEXT NOT NULL, value BLOB NOT NULL,"
	" payer INTEGER NOT NULL,"
	" PRIMARY KEY (mailbox, user, entry)) WITHOUT ROWID;"
	"CREATE INDEX annotations_user ON annotations (user);"
	"ALTER TABLE accounts ADD COLUMN annotation_bytes INTEGER NOT NULL DEFAULT 0;";

/* RFC 8970: the beginning of the text. NULL: not made yet (content.c makes it when it is asked for). */
static const char step_4[] = "ALTER TABLE contents ADD COLUMN preview TEXT;";

static const char step_5[] =
	/* What SORT and THREAD compare of a content (keys.c); made later where it is missing. */
	"CREATE TABLE sort_keys ("
	" content INTEGER PRIMARY KEY,"
	" sent INTEGER,"
	" is_reply INTEGER NOT NULL,"
	" ids BLOB NOT NULL,"
	" subject TEXT NOT NULL,"
	" from_mailbox TEXT NOT NULL,"
	" to_mailbox TEXT NOT NULL,"
	" cc_mailbox TEXT NOT NULL,"
	" from_display TEXT NOT NULL,"
	" to_display TEXT NOT NULL);";

static const char step_6[] =
	/*
	 * Packs that no body comes to any more (compact.c). live: what the rows of contents that name
	 * it take of its size. damaged: bodies that could not be moved out.
	 */
	"CREATE TABLE packs ("
	" pack INTEGER PRIMARY KEY,"
	" size INTEGER NOT NULL,"
	" live INTEGER NOT NULL,"
	" damaged INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX contents_pack ON contents (pack, pos, size);"
	/* When they went, in seconds; for those of before this step: now. */
	"ALTER TABLE expunged ADD COLUMN at INTEGER NOT NULL DEFAULT 0;"
	"UPDATE expunged SET at = CAST(strftime('%s', 'now') AS INTEGER);"
	/* Rows of expunged with this modseq or a smaller one may have been forgotten (prune.c). */
	"ALTER TABLE mailboxes ADD COLUMN pruned_modseq INTEGER NOT NULL DEFAULT 0;";

static const char step_7[] =
	/*
	 * RFC 4314: what others may do with a mailbox. who: account, 0: anyone. given 0: rights that
	 * are taken away. rights: enum store_right. domain: of the owner where who is 0, else empty.
	 * The owner has no row.
	 */
	"CREATE TABLE rights ("
	" mailbox INTEGER NOT NULL,"
	" who INTEGER NOT NULL,"
	" given INTEGER NOT NULL,"
	" rights INTEGER NOT NULL,"
	" domain TEXT NOT NULL,"
	" PRIMARY KEY (mailbox, who, given)) WITHOUT ROWID;"
	"CREATE INDEX rights_who ON rights (who, domain);"
	/*
	 * That name means other things from now on (place.c); what has it stays within reach, under
	 * a name that is free, or a user could keep the server from starting.
	 */
	"CREATE TABLE moved AS SELECT DISTINCT account, 'My Other Users' AS name FROM ("
	"SELECT account, name FROM mailboxes WHERE account <> 0"
	" UNION ALL SELECT account, name FROM subscriptions)"
	" WHERE name = 'Other Users' OR substr(name, 1, 12) = 'Other Users/';"
	"UPDATE moved SET name = name || ' ' || lower(hex(randomblob(8))) WHERE EXISTS ("
	"SELECT 1 FROM mailboxes m WHERE m.account = moved.account AND (m.name = moved.name"
	" OR substr(m.name, 1, 15) = moved.name || '/'))"
	" OR EXISTS (SELECT 1 FROM subscriptions s WHERE s.account = moved.account AND ("
	"s.name = moved.name OR substr(s.name, 1, 15) = moved.name || '/'));"
	"UPDATE mailboxes SET name = (SELECT v.name FROM moved v WHERE v.account = mailboxes.account)"
	" || substr(name, 12)"
	" WHERE account <> 0 AND (name = 'Other Users' OR substr(name, 1, 12) = 'Other Users/');"
	"UPDATE subscriptions SET name = (SELECT v.name FROM moved v"
	" WHERE v.account = subscriptions.account) || substr(name, 12)"
	" WHERE name = 'Other Users' OR substr(name, 1, 12) = 'Other Users/';"
	"DROP TABLE moved;";

static const char step_8[] =
	/* RFC 4467 2.2: what a user signs URLs with that name messages of a mailbox. */
	"CREATE TABLE url_keys ("
	" account INTEGER NOT NULL, mailbox INTEGER NOT NULL, secret BLOB NOT NULL,"
	" PRIMARY KEY (account, mailbox)) WITHOUT ROWID;"
	"CREATE INDEX url_keys_mailbox ON url_keys (mailbox);";

static const char step_9[] =
	/* What came from elsewhere (import.c): a hash for each message, so that none comes twice. */
	"CREATE TABLE imports ("
	" mailbox INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (mailbox, key)) WITHOUT ROWID;"
	/* UIDs below it belong to messages that an import is still to bring; 0: none. */
	"ALTER TABLE mailboxes ADD COLUMN reserved_uid INTEGER NOT NULL DEFAULT 0;";

static const char step_10[] =
	/*
	 * The files of the search index that tell of this database (index_write.c). What is no row
	 * here was written by a database that has gone on elsewhere.
	 */
	"CREATE TABLE index_segments ("
	" account INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, name)) WITHOUT ROWID;";

static const char step_11[] =
	/*
	 * RFC 5257: annotations of messages (note.c). user 0: shared. value NULL: it was removed. payer: as
	 * in annotations. modseq: of the last change.
	 */
	"CREATE TABLE message_annotations ("
	" mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, user INTEGER NOT NULL, entry TEXT NOT NULL,"
	" value BLOB, payer INTEGER NOT NULL, modseq INTEGER NOT NULL,"
	" PRIMARY KEY (mailbox, uid, user, entry)) WITHOUT ROWID;"
	"CREATE INDEX message_annotations_modseq ON message_annotations (mailbox, modseq);"
	"CREATE INDEX message_annotations_payer ON message_annotations (payer);"
	"CREATE INDEX message_annotations_removed ON message_annotations (payer) WHERE value IS NULL;";

static const char step_12[] =
	/*
	 * Where an alias leads outside of this server: an address there, or "/null". target_domain: of
	 * the target, "" of /null.
	 */
	"CREATE TABLE forwards ("
	" address TEXT NOT NULL, target TEXT NOT NULL, domain TEXT NOT NULL, target_domain TEXT NOT NULL,"
	" PRIMARY KEY (address, target)) WITHOUT ROWID;"
	"CREATE INDEX forwards_domain ON forwards (domain);"
	"CREATE INDEX forwards_target_domain ON forwards (target_domain);";

static const char step_13[] =
	/*
	 * How many rows name a content, where that is not one: most contents have no row here, and
	 * what is copied or expunged changes no wide row (docs/decisions/026). refs and dead_since
	 * as step 1 says of contents, whose own two columns are not looked at any more.
	 */
	"CREATE TABLE content_refs ("
	" content INTEGER PRIMARY KEY,"
	" refs INTEGER NOT NULL,"
	" dead_since INTEGER);"
	"INSERT INTO content_refs (content, refs, dead_since)"
	" SELECT id, refs, CASE WHEN refs = 0 THEN dead_since END FROM contents WHERE refs <> 1"
	" ORDER BY id;"
	"CREATE INDEX content_refs_dead ON content_refs (dead_since) WHERE dead_since IS NOT NULL;"
	"DROP INDEX contents_dead;"
	"ALTER TABLE contents RENAME COLUMN refs TO unused_refs;"
	"ALTER TABLE contents RENAME COLUMN dead_since TO unused_dead_since;";

/* One byte of a number, as a blob; of eight, the highest first. x: of all bytes in a row. */
#define BYTE(v, shift) "substr(x, 1 + (" v " >> " #shift " & 255), 1)"
#define BYTES(v) \
	BYTE(v, 56) " || " BYTE(v, 48) " || " BYTE(v, 40) " || " BYTE(v, 32) " || " \
	BYTE(v, 24) " || " BYTE(v, 16) " || " BYTE(v, 8) " || " BYTE(v, 0)
#define ROW16(h) \
	h "0" h "1" h "2" h "3" h "4" h "5" h "6" h "7" h "8" h "9" h "A" h "B" h "C" h "D" h "E" h "F"
#define ALL_BYTES \
	ROW16("0") ROW16("1") ROW16("2") ROW16("3") ROW16("4") ROW16("5") ROW16("6") ROW16("7") \
	ROW16("8") ROW16("9") ROW16("A") ROW16("B") ROW16("C") ROW16("D") ROW16("E") ROW16("F")

static const char step_14[] =
	/*
	 * Flags and mod-sequences, of 64 UIDs in a row (states_int.h, docs/decisions/040). id: mailbox
	 * << 26 | uid >> 6. modseq: the largest of them. states: for each, 8 bytes each of UIDs (bit uid
	 * & 63), flags, modseq. Here one is made for each message; those that are the same are joined
	 * when the row is changed.
	 */
	"CREATE TABLE message_states ("
	" id INTEGER PRIMARY KEY,"
	" modseq INTEGER NOT NULL,"
	" states BLOB NOT NULL);"
	"INSERT INTO message_states (id, modseq, states)"
	" SELECT (mailbox << 26) | (uid >> 6), modseq,"
	" CAST(" BYTES("bit") " || " BYTES("flags") " || " BYTES("modseq") " AS BLOB)"
	" FROM (SELECT X'" ALL_BYTES "' AS x, mailbox, uid, 1 << (uid & 63) AS bit, flags, modseq"
	" FROM messages) WHERE true ORDER BY mailbox, uid"
	" ON CONFLICT (id) DO UPDATE SET modseq = max(modseq, excluded.modseq),"
	" states = CAST(states || excluded.states AS BLOB);"
	"CREATE INDEX message_states_modseq ON message_states (id >> 26, modseq);"
	"DROP INDEX messages_modseq;"
	"ALTER TABLE messages RENAME COLUMN flags TO unused_flags;"
	"ALTER TABLE messages RENAME COLUMN modseq TO unused_modseq;";

/* Members of a set of the bits 48 to 63 of flags, whose keywords have the numbers 40 (hexadecimal 28) to 55. */
#define OLD_MEMBER(bit, number) "CASE WHEN number >> " #bit " & 1 THEN X'00" #number "' ELSE X'' END"
#define HEX_DIGIT(i) "(instr('0123456789ABCDEF', substr(x, " #i ", 1)) - 1)"

static const char step_15[] =
	/*
	 * Keywords beyond the first 40 of a mailbox, that messages have as sets (keywords_int.h, docs/decisions/045): number stands in
	 * the highest 16 bits of flags. members: two bytes for each, keywords.bit - 8, ascending.
	 */
	"CREATE TABLE keyword_sets ("
	" mailbox INTEGER NOT NULL, number INTEGER NOT NULL, members BLOB NOT NULL,"
	" PRIMARY KEY (mailbox, number)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX keyword_sets_members ON keyword_sets (mailbox, members);"
	/* Changes when a number of a set gets another meaning. */
	"ALTER TABLE mailboxes ADD COLUMN keyword_epoch INTEGER NOT NULL DEFAULT 0;"
	/*
	 * These 16 bits were keywords until now: what they say is taken for the number of a set, of just those keywords. So no row of
	 * states changes, and only those of mailboxes with so many keywords are read.
	 */
	"INSERT INTO keyword_sets (mailbox, number, members)"
	" WITH RECURSIVE place(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM place WHERE i < 63),"
	" old(mailbox, x) AS (SELECT DISTINCT k.mailbox, hex(substr(s.states, 24 * i + 9, 2))"
	" FROM (SELECT DISTINCT mailbox FROM keywords WHERE bit BETWEEN 48 AND 63) k"
	" CROSS JOIN message_states s ON s.id BETWEEN k.mailbox << 26 AND k.mailbox << 26 | 67108863"
	" CROSS JOIN place WHERE 24 * i + 24 <= length(s.states)),"
	" used(mailbox, number) AS (SELECT mailbox, " HEX_DIGIT(1) " * 4096 + " HEX_DIGIT(2) " * 256 + "
	HEX_DIGIT(3) " * 16 + " HEX_DIGIT(4) " FROM old WHERE x <> '0000')"
	" SELECT mailbox, number, CAST("
	OLD_MEMBER(0, 28) " || " OLD_MEMBER(1, 29) " || " OLD_MEMBER(2, 2A) " || " OLD_MEMBER(3, 2B) " || "
	OLD_MEMBER(4, 2C) " || " OLD_MEMBER(5, 2D) " || " OLD_MEMBER(6, 2E) " || " OLD_MEMBER(7, 2F) " || "
	OLD_MEMBER(8, 30) " || " OLD_MEMBER(9, 31) " || " OLD_MEMBER(10, 32) " || " OLD_MEMBER(11, 33) " || "
	OLD_MEMBER(12, 34) " || " OLD_MEMBER(13, 35) " || " OLD_MEMBER(14, 36) " || " OLD_MEMBER(15, 37)
	" AS BLOB) FROM used;";

static const char step_16[] =
	/*
	 * Keys that are read otherwise now (keys.c makes them when they are asked for): dates that were none, encoded words in a charset that
	 * had no known name, characters that were refused, controls that are characters of Windows. Few: each SORT reads the headers of those that
	 * are missing.
	 */
	"DELETE FROM sort_keys WHERE sent IS NULL"
	" OR subject || from_display || to_display GLOB '*=[?]*'"
	" OR subject || from_display || to_display GLOB '*[' || char(128) || '-' || char(159) || char(65533) || ']*';";

static const struct db_migration steps[] = {
	{ 1, step_1 },
	{ 2, step_2 },
	{ 3, step_3 },
	{ 4, step_4 },
	{ 5, step_5 },
	{ 6, step_6 },
	{ 7, step_7 },
	{ 8, step_8 },
	{ 9, step_9 },
	{ 10, step_10 },
	{ 11, step_11 },
	{ 12, step_12 },
	{ 13, step_13 },
	{ 14, step_14 },
	{ 15, step_15 },
	{ 16, step_16 },
};

const struct db_migration_set store_migrations = { "store", steps, ARRAY_LEN(steps) };

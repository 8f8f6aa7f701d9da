/* SPDX-License-Identifier: MIT */
/* Names, Dovecot's files, mbox. */
#include "move/move.h"

#include "base/test.h"

TEST(file_names_have_flags)
{
	static const struct {
		const char *name, *base;
		unsigned flags;
		bool is_forwarded;
		uint32_t letters;
	} rows[] = {
		{ "1.M1P2.host,S=12,W=13:2,FS", "1.M1P2.host,S=12,W=13", STORE_FLAGGED | STORE_SEEN, false, 0 },
		{ "1.host", "1.host", 0, false, 0 },
		{ "1.host:2,", "1.host", 0, false, 0 },
		{ "1.host:1,S", "1.host:1,S", 0, false, 0 },
		{ "1.host:2,DPRTac", "1.host", STORE_DRAFT | STORE_ANSWERED | STORE_DELETED, true, 5 },
		{ "1.host;2,S", "1.host", STORE_SEEN, false, 0 },
		{ ":2,S", ":2,S", 0, false, 0 },
		{ "", "", 0, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct move_file_name n = move_file_name_parse(str_z(rows[i].name));

		test_row(rows[i].name);
		assert_str_eq(n.base, str_z(rows[i].base));
		assert_int_equal(n.flags, rows[i].flags);
		assert_int_equal(n.is_forwarded, rows[i].is_forwarded);
		assert_int_equal(n.letters, rows[i].letters);
	}
}

TEST(file_name_flags_are_written_in_order)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(100);

	move_file_name_add_flags(&b, STORE_SEEN | STORE_DRAFT | STORE_ANSWERED | STORE_FLAGGED | STORE_DELETED, true, 5);
	assert_str_eq(buf_str(&b), S(":2,DFPRSTac"));
}

TEST(mailbox_names_are_read)
{
	static const struct {
		const char *disk, *name;
		char sep;
		bool is_same;
	} rows[] = {
		{ "Sent", "Sent", '.', true },
		{ "Sent.2024", "Sent/2024", '.', true },
		{ "Entw&APw-rfe", "Entw\xc3\xbcrfe", '.', true },
		{ "Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe", '.', true },
		{ "a&AC4-b&AC8-", "a.b_", '.', false },
		{ "a&AC4-b", "a.b", '.', true },
		{ "R&-D", "R&D", '.', true },
		{ "R&ACY-D", "R&D", '.', true },
		{ "R&D", "R&D", '.', true },
		{ "a/b.c", "a/b.c", '/', true },
		{ "a..b", "a/_/b", '.', false },
		{ "a.", "a", '.', true }, /* nothing stands behind the separator */
		{ "x\x01y", "x_y", '.', false },
		{ "\xff", "_", '.', false },
		{ "", "_", '.', false },
		{ "Other Users", "My Other Users", '.', false },
		{ "Other Users.a.b", "My Other Users/a/b", '.', false },
		{ "Other Users2", "Other Users2", '.', true },
		{ "inbox", "inbox", '.', true }, /* the store makes it INBOX */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf b = BUF_INIT(4096);

		test_row(rows[i].disk);
		assert_int_equal(move_name_read(&b, str_z(rows[i].disk), rows[i].sep), rows[i].is_same);
		assert_str_eq(buf_str(&b), str_z(rows[i].name));
	}
}

TEST(mailbox_names_come_back)
{
	static const char *const names[] = { "Sent/2024", "a.b/c.d", "R&D", "\xc3\xa4.\xc3\xb6/~x", "a..b", "INBOX/x" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO(buf_fini) struct buf disk = BUF_INIT(4096);
		AUTO(buf_fini) struct buf name = BUF_INIT(4096);

		test_row(names[i]);
		move_name_write(&disk, str_z(names[i]), '.');
		assert_true(move_name_read(&name, buf_str(&disk), '.'));
		assert_str_eq(buf_str(&name), str_z(names[i]));
	}
}

TEST(uidlist_versions)
{
	struct str in = S("3 V1795464480 N12 G0123\n7 W123 S120 :a:2,S\nrubbish\n9 :b\n10 b\n0 :c\n11 P:x :d e");
	struct move_uidlist list = { 0 };
	struct str file;
	uint32_t uid;

	assert_int_equal(move_uidlist_head(&in, &list), 1);
	assert_int_equal(list.uidvalidity, 1795464480);
	assert_int_equal(list.uidnext, 12);
	assert_int_equal(move_uidlist_entry(&in, &list, &uid, &file), 1);
	assert_int_equal(uid, 7);
	assert_str_eq(file, S("a:2,S"));
	assert_int_equal(move_uidlist_entry(&in, &list, &uid, &file), -E_SYNTAX);
	assert_int_equal(move_uidlist_entry(&in, &list, &uid, &file), 1);
	assert_str_eq(file, S("b"));
	assert_int_equal(move_uidlist_entry(&in, &list, &uid, &file), -E_SYNTAX);
	assert_int_equal(move_uidlist_entry(&in, &list, &uid, &file), -E_SYNTAX);
	assert_int_equal(move_uidlist_entry(&in, &list, &uid, &file), 1);
	assert_int_equal(uid, 11);
	assert_str_eq(file, S("d e"));
	assert_int_equal(move_uidlist_entry(&in, &list, &uid, &file), 0);

	in = S("1 5 8\n7 a:2,S\n");
	assert_int_equal(move_uidlist_head(&in, &list), 1);
	assert_int_equal(list.uidvalidity, 5);
	assert_int_equal(move_uidlist_entry(&in, &list, &uid, &file), 1);
	assert_str_eq(file, S("a:2,S"));
	in = S("2 5 8\n");
	assert_int_equal(move_uidlist_head(&in, &list), 0);
	in = S("3 N8\n");
	assert_int_equal(move_uidlist_head(&in, &list), 0);
}

TEST(subscriptions_versions)
{
	struct move_subscriptions s = { 0 };
	struct str in = S("V\t2\n\nSent\nArchive\t2024\na\001\001tb\n");
	AUTO(buf_fini) struct buf b = BUF_INIT(100);

	assert_int_equal(move_subscription_entry(&in, &s, &b), 1);
	assert_str_eq(buf_str(&b), S("Sent"));
	buf_reset(&b);
	assert_int_equal(move_subscription_entry(&in, &s, &b), 1);
	assert_str_eq(buf_str(&b), S("Archive/2024"));
	buf_reset(&b);
	assert_int_equal(move_subscription_entry(&in, &s, &b), 1);
	assert_str_eq(buf_str(&b), S("a?tb"));
	assert_int_equal(move_subscription_entry(&in, &s, &b), 0);
	assert_true(s.is_v2);

	s = (struct move_subscriptions){ 0 };
	in = S("Sent\n");
	buf_reset(&b);
	assert_int_equal(move_subscription_entry(&in, &s, &b), 1);
	assert_false(s.is_v2);
}

/* All messages of an mbox, each behind "(flags keyword...)". */
static void read_mbox(struct str in, enum move_mbox_quoting quoting, struct buf *out)
{
	struct move_mbox_part part;
	struct move_message m = { 0 };

	while (move_mbox_next(&in, &part) == 1) {
		AUTO(buf_fini) struct buf b = BUF_INIT(100000);

		assert_int_equal(move_mbox_message(&part, quoting, &b, &m), 0);
		buf_printf(out, "(%u", m.flags);
		for (size_t i = 0; i < m.n_keywords; i++)
			buf_printf(out, " %" STR_FMT, STR_ARG(m.keywords[i]));
		buf_printf(out, ")%" STR_FMT, STR_ARG(buf_str(&b)));
	}
}

TEST(plain_paths)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "Sent/2024", "Sent/2024" },           { "Sent.sbd/2024.sbd/May", "Sent/2024/May" },
		{ "Sent.sbd", "Sent.sbd" },             { ".sbd/x", ".sbd/x" },
		{ ".a.directory/.b.directory/c", "a/b/c" }, { ".a.directory", ".a.directory" },
		{ ".directory/x", ".directory/x" },     { "a/.directory/x", "a/directory/x" },
		{ "top/.sub/.deep", "top/sub/deep" },   { "a/.", "a/." },
		{ "a/..b", "a/.b" },                    { "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf b = BUF_INIT(1000);

		test_row(rows[i].in);
		move_path_plain(&b, str_z(rows[i].in));
		assert_str_eq(buf_str(&b), str_z(rows[i].out));
	}
}

#define FROM "From bob@example.org Mon Nov 23 20:08:00 2026\n"

TEST(mbox_messages)
{
	static const struct {
		const char *name, *in, *out;
		enum move_mbox_quoting quoting;
	} rows[] = {
		{ "two", FROM "A: 1\n\nx\n\n" FROM "A: 2\n\ny\n", "(0)A: 1\r\n\r\nx\r\n(0)A: 2\r\n\r\ny\r\n", MOVE_MBOXRD },
		{ "flags", FROM "Status: RO\nA: 1\nX-Status: AF\nX-Keywords: $Junk  b \n\nx\n", "(7 $Junk b)A: 1\r\n\r\nx\r\n",
		  MOVE_MBOXRD },
		{ "flags of Thunderbird", FROM "X-Mozilla-Status: 1007\nX-Mozilla-Status2: 00800000\nX-Mozilla-Keys: $label1 b      \nA: 1\n\nx\n",
		  "(7 $Forwarded $label1 b)A: 1\r\n\r\nx\r\n", MOVE_MBOXRD },
		{ "removed in Thunderbird", FROM "X-Mozilla-Status: 0009\nX-Mozilla-Keys:  \nA: 1\n\n", "(9)A: 1\r\n\r\n", MOVE_MBOXRD },
		{ "no status at all", FROM "X-Mozilla-Status: x\nA: 1\n\n", "(0)A: 1\r\n\r\n", MOVE_MBOXRD },
		{ "From_ lines without a date", "From \nA: 1\n\nx\n\nFrom -\nA: 2\n\nFrom \r\nA: 3\r\n\r\ny\r\n\r\nFrom \r\nno field\r\n",
		  "(0)A: 1\r\n\r\nx\r\n(0)A: 2\r\n\r\n(0)A: 3\r\n\r\ny\r\n\r\nFrom \r\nno field\r\n", MOVE_MBOXRD },
		{ "fields of an mbox only", FROM "X-IMAPbase: 5 7 a\n b\nX-UID: 7\nA: 1\n\n", "(0)A: 1\r\n\r\n", MOVE_MBOXRD },
		{ "rd", FROM "A: 1\n\n>From a\n>>From b\n>From\n", "(0)A: 1\r\n\r\nFrom a\r\n>From b\r\n>From\r\n", MOVE_MBOXRD },
		{ "o", FROM "A: 1\n\n>From a\n>>From b\n", "(0)A: 1\r\n\r\nFrom a\r\n>>From b\r\n", MOVE_MBOXO },
		{ "From in a text", FROM "A: 1\n\nx\nFrom b Mon Nov 23 20:08:00 2026\n\nFrom here on\n",
		  "(0)A: 1\r\n\r\nx\r\nFrom b Mon Nov 23 20:08:00 2026\r\n\r\nFrom here on\r\n", MOVE_MBOXRD },
		{ "length", FROM "Content-Length: 50\nA: 1\n\n\n" FROM "x>\n\n" FROM "A: 2\n\n>From y\n",
		  "(0)A: 1\r\n\r\n\r\nFrom bob@example.org Mon Nov 23 20:08:00 2026\r\nx>\r\n(0)A: 2\r\n\r\nFrom y\r\n",
		  MOVE_MBOXRD },
		{ "wrong length", FROM "Content-Length: 4\nA: 1\n\nx\n\n" FROM "A: 2\n\ny\n",
		  "(0)A: 1\r\n\r\nx\r\n(0)A: 2\r\n\r\ny\r\n", MOVE_MBOXRD },
		{ "length beyond the end", FROM "Content-Length: 99999\nA: 1\n\nx\n", "(0)A: 1\r\n\r\nx\r\n", MOVE_MBOXRD },
		{ "CRLF", FROM "A: 1\r\n\r\nx\r\n\r\n" FROM "A: 2\r\n\r\n", "(0)A: 1\r\n\r\nx\r\n(0)A: 2\r\n\r\n", MOVE_MBOXRD },
		{ "no body, no end", FROM "A: 1", "(0)A: 1", MOVE_MBOXRD },
		{ "empty body before the next", FROM "A: 1\n\n" FROM "A: 2\n\n", "(0)A: 1\r\n\r\n(0)A: 2\r\n\r\n", MOVE_MBOXRD },
		{ "empty lines at the end stay", FROM "A: 1\n\nx\n\n\n" FROM "A: 2\n\n", "(0)A: 1\r\n\r\nx\r\n\r\n(0)A: 2\r\n\r\n",
		  MOVE_MBOXRD },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf b = BUF_INIT(100000);
		char *in = test_copy(str_z(rows[i].in));

		test_row(rows[i].name);
		read_mbox(str_of(in, strlen(rows[i].in)), rows[i].quoting, &b);
		assert_str_eq(buf_str(&b), str_z(rows[i].out));
		mem_free(in);
	}
}

TEST(mbox_dates)
{
	static const struct {
		const char *from;
		int64_t date; /* -1: none */
	} rows[] = {
		{ "From bob Mon Nov 23 20:08:00 2026 +0000", 1795464480 },
		{ "From bob Mon Nov 23 21:08:00 +0100 2026", 1795464480 },
		{ "From bob Mon Nov 23 20:08 GMT 2026", 1795464480 },
		{ "From bob@x  Mon Nov 23 20:08:00 2026 remote from x +0000", 1795464480 },
		{ "From bob", -1 },
		{ "From Mon to Fri we work", -1 },
		{ "From bob Mon Nov 99 20:08:00 2026", -1 },
		{ "From bob Mon Nov 23 20:08:00", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t date = -1;

		test_row(rows[i].from);
		assert_int_equal(move_mbox_date(str_z(rows[i].from), &date), rows[i].date >= 0);
		assert_int_equal(date, rows[i].date);
	}
}

TEST(mbox_that_is_none)
{
	struct str in = S("hello\n");
	struct move_mbox_part part;

	assert_int_equal(move_mbox_next(&in, &part), -E_SYNTAX);
	in = S("\n\n");
	assert_int_equal(move_mbox_next(&in, &part), 0);
}

TEST(keys_tell_parts_apart)
{
	uint8_t a[STORE_IMPORT_KEY], b[STORE_IMPORT_KEY];

	move_key(S("maildir"), S("ab"), S("c"), a);
	move_key(S("maildir"), S("a"), S("bc"), b);
	assert_memory_not_equal(a, b, sizeof(a));
	move_key(S("maildir"), S("ab"), S("c"), b);
	assert_memory_equal(a, b, sizeof(a));
}

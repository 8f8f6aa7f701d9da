/* SPDX-License-Identifier: MIT */
/* Threading and sorting keys: RFC 5256 2.1, RFC 5322 3.6.4. */
#include "base/test.h"
#include "mime/mime_int.h"

TEST(summary_base_subjects)
{
	static const struct {
		const char *subject, *want;
	} rows[] = {
		{ "", "" },
		{ "Hello", "HELLO" },
		{ "Re: Hello", "HELLO" },
		{ "re:RE : Fwd:  fw:Hello (fwd)(FWD) ", "HELLO" },
		{ "Re[2]: Hello", "HELLO" },
		{ "[list] Re: [x] [y] Hello", "HELLO" },
		{ "[a][b]", "[B]" },
		{ "[a] [b] re: [c]", "[C]" },
		{ "[fwd: Re: [x] Hello]", "HELLO" },
		{ "[Fwd: [fwd: Hello (fwd)]]", "HELLO" },
		{ "Fwd: [fwd: a] b", "B" },
		{ "Re: ", "" },
		{ "Regards", "REGARDS" },
		{ "re", "RE" },
		{ "a\t b\r\n  c", "A B C" },
		{ "=?utf-8?Q?Re:_?= =?utf-8?Q?=C3=BC?=", "U\xCC\x88" },
		{ "[open", "[OPEN" },
		{ "(fwd)", "" },
		{ "[fwd:]", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		struct mime_summary s;
		struct str header;

		test_row(rows[i].subject);
		header = arena_printf(&a, "Subject: %s\r\n", rows[i].subject);
		assert_int_equal(mime_summary(&a, header, &s), 0);
		assert_str_eq(s.base_subject, str_z(rows[i].want));
	}
}

TEST(summary_of_a_header)
{
	AUTO(arena_fini) struct arena a = { .cap = 100000 };
	struct mime_summary s;

	assert_int_equal(mime_summary(&a, S("Message-ID: x <m@x> y\n"
					    "References: <1@x>\n <2@x> junk <3@x>\n"
					    "In-Reply-To: <2@x> <4@x>\n"
					    "Subject: =?utf-8?q?=C3=BC?=\n"
					    "Date: Thu, 1 Jan 1970 00:00:01 +0000\n\nDate: no"), &s), 0);
	assert_str_eq(s.message_id, S("<m@x>"));
	assert_int_equal(s.n_references, 4);
	assert_str_eq(s.references[0], S("<1@x>"));
	assert_str_eq(s.references[2], S("<3@x>"));
	assert_str_eq(s.references[3], S("<4@x>"));
	assert_str_eq(s.subject, S("\xC3\xBC"));
	assert_int_equal(s.sent_s, 1);
	assert_int_equal(mime_summary(&a, S(""), &s), 0);
	assert_true(s.sent_s == INT64_MIN && s.message_id.n == 0 && s.n_references == 0);
}

TEST(summary_replies)
{
	static const struct {
		const char *subject;
		bool want;
	} rows[] = {
		{ "Hello", false },      { "Re: Hello", true },      { "[list] hello", false },
		{ "[list] re: x", true }, { "Hello (fwd)", true },    { "[fwd: Hello]", true },
		{ "Regards", false },    { "fw[3]: x", true },       { "  ", false },
		{ "[fwd: Hello", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		struct mime_summary s;

		test_row(rows[i].subject);
		assert_int_equal(mime_summary(&a, arena_printf(&a, "Subject: %s\r\n", rows[i].subject),
					      &s), 0);
		assert_int_equal(s.is_reply, rows[i].want);
	}
}

/* RFC 5256 3: References, or else the first of In-Reply-To. */
TEST(summary_ancestors)
{
	static const struct {
		const char *header, *want;
	} rows[] = {
		{ "References: <1@x> <2@x>\nIn-Reply-To: <3@x>\n", "<1@x><2@x>" },
		{ "In-Reply-To: x <3@x> <4@x>\n", "<3@x>" },
		{ "References: none\nIn-Reply-To: <3@x>\n", "<3@x>" },
		{ "References:\n", "" },
		{ "Subject: x\n", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		AUTO(buf_fini) struct buf got = BUF_INIT(1000);
		struct mime_summary s;

		test_row(rows[i].header);
		assert_int_equal(mime_summary(&a, str_z(rows[i].header), &s), 0);
		for (size_t k = 0; k < s.n_ancestors; k++)
			buf_add(&got, s.ancestors[k]);
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}

TEST(summary_addresses)
{
	static const struct {
		const char *value, *mailbox, *display;
	} rows[] = {
		{ "Bob Smith <Bob@x>, a@y", "BOB", "BOB SMITH" },
		{ "bob@x", "BOB", "BOB@X" },
		{ "=?utf-8?q?=C3=BC?= <u@x>", "U", "U\xCC\x88" },
		{ "=?utf-8?q?" "?= <u@x>", "U", "U@X" },
		{ "\"\" <u@x>", "U", "U@X" },
		{ "friends: a@x, b@x;", "FRIENDS", "FRIENDS" },
		{ "a@x (The Comment)", "A", "THE COMMENT" },
		{ "", "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		struct mime_summary s;

		test_row(rows[i].value);
		assert_int_equal(mime_summary(&a, arena_printf(&a, "From: %s\r\nTo: x\r\nCC: %s\r\n",
							       rows[i].value, rows[i].value), &s), 0);
		assert_str_eq(s.from, str_z(rows[i].mailbox));
		assert_str_eq(s.cc, str_z(rows[i].mailbox));
		assert_str_eq(s.display_from, str_z(rows[i].display));
		assert_str_eq(s.to, S("X"));
	}
}

TEST(summary_msg_id_normal)
{
	static const struct {
		const char *id, *want;
	} rows[] = {
		{ "<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>", "<01KF8JCEOCBS0045PS@xxx.yyy.com>" },
		{ "<01KF8JCEOCBS0045PS@xxx.yyy.com>", "<01KF8JCEOCBS0045PS@xxx.yyy.com>" },
		{ "<\"a\\\"b\"@x>", "<a\"b@x>" },
		{ "<a\\", "<a\\" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		struct str got;

		test_row(rows[i].id);
		assert_int_equal(mime_msg_id_normal(&a, str_z(rows[i].id), &got), 0);
		assert_str_eq(got, str_z(rows[i].want));
	}
}

TEST(summary_keeps_the_newest_references)
{
	AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
	AUTO(buf_fini) struct buf in = BUF_INIT(1u << 20);
	struct mime_summary s;

	buf_add(&in, S("References:"));
	for (int i = 0; i < 1000; i++)
		buf_printf(&in, " <%d@x>", i);
	buf_add(&in, S("\nIn-Reply-To: <r@x>\n"));
	assert_int_equal(mime_summary(&a, buf_str(&in), &s), 0);
	assert_int_equal(s.n_references, LIMIT_MIME_REFERENCES);
	assert_str_eq(s.references[0], S("<901@x>"));
	assert_str_eq(s.references[98], S("<999@x>"));
	assert_str_eq(s.references[99], S("<r@x>"));
}

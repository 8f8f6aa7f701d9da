/* SPDX-License-Identifier: MIT */
/* The IMAP texts: ENVELOPE and BODYSTRUCTURE (RFC 9051 7.5.2). */
#include "base/test.h"
#include "mime/mime_int.h"

#define NILS8 " NIL NIL NIL NIL NIL NIL NIL NIL)"
#define X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

TEST(envelope_prints)
{
	static const struct {
		const char *header, *want;
	} rows[] = {
		{ "", "(NIL NIL" NILS8 },
		{ "Subject:\r\nDate: \r\n", "(\"\" \"\"" NILS8 },
		{ "Subject: one\r\nSubject: two\r\n", "(NIL \"one\"" NILS8 },
		{ "Subject: a\r\n b\r\n\tc \"q\" \\\r\n", "(NIL \"a b c \\\"q\\\" \\\\\"" NILS8 },
		{ "Subject: \xC3\xA4\"\r\n", "(NIL {3}\r\n\xC3\xA4\"" NILS8 },
		{ "Subject: a\x01\x02\x7F" "b\r\n", "(NIL \"a   b\"" NILS8 },
		{ "Subject: " X1000 "\n", "(NIL {1000}\r\n" X1000 NILS8 },
		/* RFC 9051 7.5.2: Sender and Reply-To are From when absent or empty. */
		{ "From: A <a@b>\n",
		  "(NIL NIL ((\"A\" NIL \"a\" \"b\")) ((\"A\" NIL \"a\" \"b\")) "
		  "((\"A\" NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)" },
		{ "From: a@b\nSender: c@d\nReply-To: \n",
		  "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) "
		  "((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)" },
		{ "To: a@b, <@r:c@d>\ncc: G:e@f;\nBcc: root\n",
		  "(NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL \"@r\" \"c\" \"d\")) "
		  "((NIL NIL \"G\" NIL)(NIL NIL \"e\" \"f\")(NIL NIL NIL NIL)) "
		  "((NIL NIL \"root\" \"\")) NIL NIL)" },
		{ "To: a@b\nTo: c@d\n",
		  "(NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)" },
		{ "In-Reply-To: <a@b>\nMessage-Id: <c@d>\n\nTo: a@b",
		  "(NIL NIL NIL NIL NIL NIL NIL NIL \"<a@b>\" \"<c@d>\")" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		AUTO(buf_fini) struct buf got = BUF_INIT(10000);
		AUTO(mem_auto_free) char *copy = test_copy(str_z(rows[i].header));

		test_row(rows[i].header);
		assert_int_equal(
			mime_envelope_print(&a, str_of(copy, strlen(rows[i].header)), &got), 0);
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}

TEST(envelope_that_does_not_fit_is_empty)
{
	AUTO(arena_fini) struct arena a = { .cap = 100000 };
	AUTO(buf_fini) struct buf got = BUF_INIT(100), tiny = BUF_INIT(10);

	assert_int_equal(mime_envelope_print(&a, S("Subject: " X100), &got), 0);
	assert_str_eq(buf_str(&got), S("(NIL NIL" NILS8));
	assert_int_equal(mime_envelope_print(&a, S(""), &tiny), -E_LIMIT);
}

#define EXT(x) "\x01" x "\x02"
#define NO_EXT EXT(" NIL NIL NIL NIL")
#define ASCII "(\"charset\" \"us-ascii\")"

TEST(bodystructure_prints)
{
	static const struct {
		const char *message, *want;
	} rows[] = {
		{ "Subject: x\n\na\nb\n",
		  "(\"text\" \"plain\" " ASCII " NIL NIL \"7bit\" 4 2" NO_EXT ")" },
		{ "Content-Type: TEXT/Html\nContent-Transfer-Encoding: 8BIT\n\n",
		  "(\"TEXT\" \"Html\" NIL NIL NIL \"8BIT\" 0 0" NO_EXT ")" },
		{ "Content-Type: a/b; c=\"d\\\"\"\nContent-ID: <i>\nContent-Description: \xC3\xA4\n\nx",
		  "(\"a\" \"b\" (\"c\" \"d\\\"\") \"<i>\" {2}\r\n\xC3\xA4 \"7bit\" 1" NO_EXT ")" },
		{ "Content-Type: a/b\nContent-MD5: m\nContent-Disposition: inline; a=b\n"
		  "Content-Language: en (a), (c) de (\\) d), (e)\nContent-Location: l\n\n",
		  "(\"a\" \"b\" NIL NIL NIL \"7bit\" 0"
		  EXT(" \"m\" (\"inline\" (\"a\" \"b\")) (\"en\" \"de\") \"l\"") ")" },
		{ "Content-Type: a/b\nContent-Disposition: attachment; f*=utf-8''%c3%a4\n\n",
		  "(\"a\" \"b\" NIL NIL NIL \"7bit\" 0"
		  EXT(" NIL (\"attachment\" (\"f*\" \"utf-8''%C3%A4\")) NIL NIL") ")" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: a/b\n\n--b--\n",
		  "((\"text\" \"plain\" " ASCII " NIL NIL \"7bit\" 1 0" NO_EXT ")"
		  "(\"a\" \"b\" NIL NIL NIL \"7bit\" 0" NO_EXT ") \"mixed\""
		  EXT(" (\"boundary\" \"b\") NIL NIL NIL") ")" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n",
		  "((\"text\" \"plain\" " ASCII " NIL NIL \"7bit\" 0 0" NO_EXT ") \"mixed\""
		  EXT(" (\"boundary\" \"b\") NIL NIL NIL") ")" },
		{ "Content-Type: multipart/mixed; a=b\n\nx\n",
		  "(\"text\" \"plain\" " ASCII " NIL NIL \"7bit\" 2 1" NO_EXT ")" },
		{ "Content-Type: text; charset=\"iso-8859-2\"\n\n",
		  "(\"text\" \"plain\" (\"charset\" \"iso-8859-2\") NIL NIL \"7bit\" 0 0" NO_EXT ")" },
		{ "Content-Type: text/ (?) ; charset=\"iso-8859-2\"\n\n",
		  "(\"text\" \"plain\" (\"charset\" \"iso-8859-2\") NIL NIL \"7bit\" 0 0" NO_EXT ")" },
		{ "Content-Type: message/rfc822; name=\"a.eml\"\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogcwoKeAo=\n",
		  "(\"application\" \"octet-stream\" (\"name\" \"a.eml\") NIL NIL \"base64\" 21" NO_EXT ")" },
		{ "Content-Type: message/rfc822\n\nSubject: s\n\nx\ny\n",
		  "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 16 (NIL \"s\"" NILS8
		  " (\"text\" \"plain\" " ASCII " NIL NIL \"7bit\" 4 2" NO_EXT ") 4" NO_EXT ")" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		AUTO(buf_fini) struct buf got = BUF_INIT(10000);
		AUTO(mem_auto_free) char *copy = test_copy(str_z(rows[i].message));
		struct str message = str_of(copy, strlen(rows[i].message));
		struct mime_part *root;

		test_row(rows[i].message);
		assert_int_equal(mime_parse(&a, message, &root), 0);
		assert_int_equal(mime_bodystructure_print(&a, message, root, &got), 0);
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}

TEST(bodystructure_views)
{
	AUTO(buf_fini) struct buf got = BUF_INIT(1000);
	struct str stored = S("((\"a\"\x01 NIL\x02)(\"b\"\x01 NIL\x02) \"c\"\x01 x\x02)");

	mime_bodystructure_view(stored, true, &got);
	assert_str_eq(buf_str(&got), S("((\"a\" NIL)(\"b\" NIL) \"c\" x)"));
	buf_reset(&got);
	mime_bodystructure_view(stored, false, &got);
	assert_str_eq(buf_str(&got), S("((\"a\")(\"b\") \"c\")"));
}

TEST(bodystructure_that_does_not_fit_is_a_leaf)
{
	AUTO(arena_fini) struct arena a = { .cap = 100000 };
	AUTO(buf_fini) struct buf got = BUF_INIT(100);
	struct str message = S("Content-Type: text/x; a=" X100 "\n\nabc");
	struct mime_part *root;

	assert_int_equal(mime_parse(&a, message, &root), 0);
	assert_int_equal(mime_bodystructure_print(&a, message, root, &got), 0);
	assert_str_eq(buf_str(&got),
		      S("(\"application\" \"octet-stream\" NIL NIL NIL \"binary\" 3" NO_EXT ")"));
}

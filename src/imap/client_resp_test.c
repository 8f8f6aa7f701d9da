/* SPDX-License-Identifier: MIT */
/* RFC 9051 7: what another server answers. */
#include "imap/client_int.h"

#include "base/limits.h"
#include "base/test.h"
#include "store/view.h"

TEST(client_responses_end_behind_their_literals)
{
	static const struct {
		const char *in;
		int r;
		size_t n;
	} rows[] = {
		{ "* OK x\r\n* 1", 1, 8 },
		{ "* OK x", 0, 0 },
		{ "", 0, 0 },
		{ "* 1 FETCH (BODY[] {5}\r\nab\r\nc)\r\n+", 1, 31 },
		{ "* 1 FETCH (BODY[] {5}\r\nab\r\n", 0, 0 },
		{ "* 1 FETCH (A {0}\r\n B {9}\r\n)\r\n", 0, 0 },
		{ "* OK {x}\r\n", 1, 10 },
		{ "* OK x{3}\n", 1, 10 }, /* no CR: no literal */
		{ "* 1 FETCH (BODY[] {999999999999}\r\n", -E_LIMIT, 0 },
		{ "* 1 FETCH (BODY[] {99999999999999999999999}\r\n", 1, 45 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = 0;

		test_row(rows[i].in);
		assert_int_equal(imap_client_response(str_z(rows[i].in), LIMIT_IMPORT_MESSAGE, &n), rows[i].r);
		assert_int_equal(n, rows[i].n);
	}
}

TEST(client_response_lines_are_bounded)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(2 * LIMIT_IMAP_RESPONSE);
	size_t n;

	while (b.n <= LIMIT_IMAP_RESPONSE)
		buf_add_char(&b, 'x');
	assert_int_equal(imap_client_response(buf_str(&b), 10, &n), -E_LIMIT);
	assert_int_equal(imap_client_response(str_head(buf_str(&b), b.n - 1), 10, &n), 0);
	buf_reset(&b);
	while (b.n <= LIMIT_IMAP_RESPONSE / 4 * 5) /* many small literals are no way around it */
		buf_add(&b, S("{1}\r\nx"));
	assert_int_equal(imap_client_response(buf_str(&b), LIMIT_IMPORT_MESSAGE, &n), -E_LIMIT);
	assert_int_equal(imap_client_response(S("* 1 FETCH (BODY[] {11}\r\n"), 10, &n), -E_LIMIT);
	assert_int_equal(imap_client_response(S("* 1 FETCH (BODY[] {10}\r\n"), 10, &n), 0);
}

/* However it arrives, it is the same. */
TEST(client_scan_goes_on_where_it_stopped)
{
	static const struct str in = STR_INIT("* 1 FETCH (BODY[] {5}\r\nab\r\nc FLAGS {0}\r\n {2}\r\n\r\n)\r\n* OK");

	for (size_t by = 1; by < in.n; by++) {
		struct imap_client_scan s = { 0 };
		size_t n = 0, have = by;

		while (imap_client_scan(&s, str_head(in, have), 100, &n) == 0)
			have += by;
		assert_int_equal(n, in.n - 4);
		assert_true(have < n + by);
		assert_int_equal(s.at + s.looked + s.in_lines, 0);
	}
}

static int parse(struct arena *a, const char *text_z, struct imap_client_reply *r)
{
	test_row(text_z);
	return imap_client_parse(a, str_z(text_z), r);
}

TEST(client_fetch_items)
{
	AUTO(arena_fini) struct arena a;
	struct imap_client_reply r;

	arena_init(&a, 1u << 20);
	assert_int_equal(parse(&a, "* 12 FETCH (FLAGS (\\Seen \\Recent $Work \\Odd \\*) X-GM-LABELS (\"a b\" (c {1}\r\nx)) UID 7"
			       " INTERNALDATE \"23-Nov-2026 20:08:00 +0000\" RFC822.SIZE 5 BODY[] {5}\r\na)b\r\n"
			       " ENVELOPE NIL)\r\n", &r), 1);
	assert_int_equal(r.kind, IMAP_CLIENT_FETCH);
	assert_int_equal(r.number, 12);
	assert_int_equal(r.uid, 7);
	assert_int_equal(r.size, 5);
	assert_int_equal(r.date_s, 1795464480);
	assert_int_equal(r.flags.flags, STORE_SEEN);
	assert_int_equal(r.flags.n_keywords, 1);
	assert_str_eq(r.flags.keywords[0], S("$Work"));
	assert_true(r.has_body && r.is_whole);
	assert_str_eq(r.body, S("a)b\r\n"));
	assert_int_equal(parse(&a, "* 1 FETCH (UID 7 BODY[] NIL)\r\n", &r), 1);
	assert_false(r.has_body);
	assert_int_equal(parse(&a, "* 1 FETCH (BODY[HEADER.FIELDS (A B)]<0> {1}\r\nx UID 9)\r\n", &r), 1);
	assert_int_equal(r.uid, 9);
	assert_true(r.has_body && !r.is_whole);
	assert_int_equal(parse(&a, "* 1 FETCH (BODY[] \"all\" BODY[HEADER] \"part\" MODSEQ (917162500) UID 9)\r\n", &r), 1);
	assert_str_eq(r.body, S("all"));
	assert_true(r.is_whole && r.modseq == 917162500);
	assert_int_equal(parse(&a, "* 1 FETCH (X \"\xff\\\"\" BODY[] \"\xfe\\\\\")\r\n", &r), 1);
	assert_str_eq(r.body, S("\xfe\\"));
	assert_int_equal(parse(&a, "* 1 FETCH (UID 0)\r\n", &r), -E_SYNTAX);
	assert_int_equal(parse(&a, "* 1 FETCH (UID 7\r\n", &r), -E_SYNTAX);
	assert_int_equal(parse(&a, "* 1 FETCH (BODY[] {9}\r\nx)\r\n", &r), -E_SYNTAX);
	assert_int_equal(parse(&a, "* 1 FETCH (X ((((((((((((((((((((((((a)))))))))))))))))))))))))\r\n", &r), -E_LIMIT);
}

TEST(client_list_and_status)
{
	AUTO(arena_fini) struct arena a;
	struct imap_client_reply r;

	arena_init(&a, 1u << 20);
	assert_int_equal(parse(&a, "* LIST (\\HasChildren \\Noselect) \"/\" \"a \\\"b\\\"\"\r\n", &r), 1);
	assert_true(r.is_noselect && !r.is_lsub && r.delimiter == '/');
	assert_str_eq(r.name, S("a \"b\""));
	assert_int_equal(parse(&a, "* LSUB () NIL {3}\r\nx\"y\r\n", &r), 1);
	assert_true(r.is_lsub && r.delimiter == '\0');
	assert_str_eq(r.name, S("x\"y"));
	assert_int_equal(parse(&a, "* LIST () \".\" INBOX.Sent\r\n", &r), 1);
	assert_str_eq(r.name, S("INBOX.Sent"));
	assert_int_equal(parse(&a, "* LIST x\r\n", &r), -E_SYNTAX);
	assert_int_equal(parse(&a, "* OK [UIDVALIDITY 12] fine\r\n", &r), 1);
	assert_int_equal(r.uidvalidity, 12);
	assert_int_equal(parse(&a, "* OK [UIDNEXT 13] fine\r\n", &r), 1);
	assert_int_equal(r.uidnext, 13);
	assert_int_equal(parse(&a, "m7 NO [SERVERBUG] x\r\n", &r), 1);
	assert_true(r.kind == IMAP_CLIENT_TAGGED && !r.is_ok && !r.is_bad);
	assert_str_eq(r.tag, S("m7"));
	assert_int_equal(parse(&a, "m7 OK\r\n", &r), 1);
	assert_true(r.is_ok);
	assert_int_equal(parse(&a, "* 3 EXPUNGE\r\n", &r), 1);
	assert_int_equal(r.kind, IMAP_CLIENT_EXPUNGE);
	assert_int_equal(parse(&a, "* BYE\r\n", &r), 1);
	assert_int_equal(r.kind, IMAP_CLIENT_BYE);
	assert_int_equal(parse(&a, "+ go\r\n", &r), 1);
	assert_int_equal(r.kind, IMAP_CLIENT_CONTINUE);
	assert_str_eq(r.text, S("go"));
	assert_int_equal(parse(&a, "+\r\n", &r), 1);
	assert_int_equal(parse(&a, "* ID NIL\r\n", &r), 1);
	assert_int_equal(r.kind, IMAP_CLIENT_OTHER);
	assert_int_equal(parse(&a, "hello\r\n", &r), -E_SYNTAX);
}

TEST(client_codes)
{
	AUTO(arena_fini) struct arena a;
	struct imap_client_reply r;

	arena_init(&a, 1u << 20);
	assert_int_equal(parse(&a, "m7 OK [APPENDUID 38505 3955] done\r\n", &r), 1);
	assert_int_equal(r.uidvalidity, 38505);
	assert_str_eq(r.uids_to, S("3955"));
	assert_str_eq(r.code, S("APPENDUID 38505 3955"));
	assert_str_eq(r.text, S("done"));
	assert_int_equal(parse(&a, "* OK [COPYUID 38505 304,319:320 3956:3958]\r\n", &r), 1);
	assert_int_equal(r.uidvalidity, 38505);
	assert_str_eq(r.uids_from, S("304,319:320"));
	assert_str_eq(r.uids_to, S("3956:3958"));
	assert_int_equal(parse(&a, "* OK [HIGHESTMODSEQ 18446744073709551615] x\r\n", &r), 1);
	assert_int_equal(r.highestmodseq, 0);
	assert_int_equal(parse(&a, "* OK [HIGHESTMODSEQ 715194045007] x\r\n", &r), 1);
	assert_int_equal(r.highestmodseq, 715194045007);
	assert_int_equal(parse(&a, "* OK [UIDVALIDITY 4294967296] x\r\n", &r), 1);
	assert_int_equal(r.uidvalidity, 0);
	assert_int_equal(parse(&a, "* OK [PERMANENTFLAGS (\\Deleted \\*)] x\r\n", &r), 1);
	assert_str_eq(r.code, S("PERMANENTFLAGS (\\Deleted \\*)"));
	assert_int_equal(parse(&a, "* NO [X \"a]\\\"b\"] x\r\n", &r), 1);
	assert_str_eq(r.code, S("X \"a]\\\"b\""));
	assert_int_equal(parse(&a, "* OK [without an end\r\n", &r), 1);
	assert_str_eq(r.text, S("[without an end"));
	assert_int_equal(r.code.n, 0);
}

TEST(client_sets_and_numbers)
{
	static const struct {
		const char *in, *text; /* NULL: syntax error */
	} rows[] = {
		{ "* SEARCH 1 2 4294967295\r\n", "1 2 4294967295" },
		{ "* SEARCH\r\n", "" },
		{ "* SEARCH 2 5 (MODSEQ 917162500)\r\n", "2 5 (MODSEQ 917162500)" },
		{ "* ESEARCH (TAG \"m7\") UID MIN 3 ALL 2,10:15 MODSEQ 9\r\n", "2,10:15" },
		{ "* ESEARCH (TAG \"m7\") UID COUNT 0\r\n", "" },
		{ "* ESEARCH\r\n", "" },
		{ "* ESEARCH (TAG \"m7\" UID\r\n", NULL },
		{ "* ESEARCH UID ALL\r\n", NULL },
		{ "* VANISHED 3:7,9\r\n", "3:7,9" },
		{ "* VANISHED (EARLIER) 41,43:116\r\n", "41,43:116" },
		{ "* VANISHED\r\n", NULL },
		{ "* VANISHED \r\n", NULL },
	};
	AUTO(arena_fini) struct arena a;
	struct imap_client_reply r;

	arena_init(&a, 1u << 20);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(&a, rows[i].in, &r), rows[i].text ? 1 : -E_SYNTAX);
		if (rows[i].text)
			assert_str_eq(r.text, str_z(rows[i].text));
	}
	assert_int_equal(parse(&a, "* VANISHED (EARLIER) 41\r\n", &r), 1);
	assert_true(r.is_earlier && r.kind == IMAP_CLIENT_VANISHED);
	assert_int_equal(parse(&a, "* STATUS {5}\r\na b\"c (MESSAGES 231 UIDNEXT 44292 X (1 2) UIDVALIDITY 7 HIGHESTMODSEQ 8)\r\n", &r), 1);
	assert_true(r.kind == IMAP_CLIENT_STATUS && r.number == 231 && r.uidnext == 44292 && r.uidvalidity == 7 && r.highestmodseq == 8);
	assert_str_eq(r.name, S("a b\"c"));
	assert_int_equal(parse(&a, "* STATUS INBOX ()\r\n", &r), 1);
	assert_int_equal(parse(&a, "* STATUS INBOX (MESSAGES)\r\n", &r), -E_SYNTAX);
	assert_int_equal(parse(&a, "* STATUS INBOX\r\n", &r), -E_SYNTAX);
}

/* SPDX-License-Identifier: MIT */
/* RFC 9051 7: what another server answers; RFC 5092: where it is. */
#include "move/imap.h"

#include "base/limits.h"
#include "base/test.h"

TEST(imap_responses_end_behind_their_literals)
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
		assert_int_equal(move_imap_response(str_z(rows[i].in), &n), rows[i].r);
		assert_int_equal(n, rows[i].n);
	}
}

TEST(imap_response_lines_are_bounded)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(2 * LIMIT_MOVE_LINE);
	size_t n;

	while (b.n < LIMIT_MOVE_LINE)
		buf_add_char(&b, 'x');
	assert_int_equal(move_imap_response(buf_str(&b), &n), -E_LIMIT);
	assert_int_equal(move_imap_response(str_head(buf_str(&b), b.n - 1), &n), 0);
}

static int parse(struct arena *a, const char *text_z, struct move_imap_reply *r)
{
	test_row(text_z);
	return move_imap_parse(a, str_z(text_z), r);
}

TEST(imap_fetch_items)
{
	AUTO(arena_fini) struct arena a;
	struct move_imap_reply r;

	arena_init(&a, 1u << 20);
	assert_int_equal(parse(&a, "* 12 FETCH (FLAGS (\\Seen \\Recent $Work \\Odd \\*) X-GM-LABELS (\"a b\" (c {1}\r\nx)) UID 7"
			       " INTERNALDATE \"23-Nov-2026 20:08:00 +0000\" RFC822.SIZE 5 BODY[] {5}\r\na)b\r\n"
			       " ENVELOPE NIL)\r\n", &r), 1);
	assert_int_equal(r.kind, MOVE_IMAP_FETCH);
	assert_int_equal(r.number, 12);
	assert_int_equal(r.uid, 7);
	assert_int_equal(r.size, 5);
	assert_int_equal(r.date_s, 1795464480);
	assert_int_equal(r.flags.flags, STORE_SEEN);
	assert_int_equal(r.flags.n_keywords, 1);
	assert_str_eq(r.flags.keywords[0], S("$Work"));
	assert_true(r.has_body);
	assert_str_eq(r.body, S("a)b\r\n"));
	assert_int_equal(parse(&a, "* 1 FETCH (UID 7 BODY[] NIL)\r\n", &r), 1);
	assert_false(r.has_body);
	assert_int_equal(parse(&a, "* 1 FETCH (BODY[HEADER.FIELDS (A B)]<0> {1}\r\nx UID 9)\r\n", &r), 1);
	assert_int_equal(r.uid, 9);
	assert_int_equal(parse(&a, "* 1 FETCH (UID 0)\r\n", &r), -E_SYNTAX);
	assert_int_equal(parse(&a, "* 1 FETCH (UID 7\r\n", &r), -E_SYNTAX);
	assert_int_equal(parse(&a, "* 1 FETCH (BODY[] {9}\r\nx)\r\n", &r), -E_SYNTAX);
	assert_int_equal(parse(&a, "* 1 FETCH (X ((((((((((((((((((((((((a)))))))))))))))))))))))))\r\n", &r), -E_LIMIT);
}

TEST(imap_list_and_status)
{
	AUTO(arena_fini) struct arena a;
	struct move_imap_reply r;

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
	assert_true(r.kind == MOVE_IMAP_TAGGED && !r.is_ok && !r.is_bad);
	assert_str_eq(r.tag, S("m7"));
	assert_int_equal(parse(&a, "m7 OK\r\n", &r), 1);
	assert_true(r.is_ok);
	assert_int_equal(parse(&a, "* 3 EXPUNGE\r\n", &r), 1);
	assert_int_equal(r.kind, MOVE_IMAP_EXPUNGE);
	assert_int_equal(parse(&a, "* BYE\r\n", &r), 1);
	assert_int_equal(r.kind, MOVE_IMAP_BYE);
	assert_int_equal(parse(&a, "+ go\r\n", &r), 1);
	assert_int_equal(r.kind, MOVE_IMAP_CONTINUE);
	assert_int_equal(parse(&a, "* SEARCH 1 2\r\n", &r), 1);
	assert_int_equal(r.kind, MOVE_IMAP_OTHER);
	assert_int_equal(parse(&a, "hello\r\n", &r), -E_SYNTAX);
}

TEST(imap_urls)
{
	static const struct {
		const char *url, *user, *host; /* user NULL: none */
		uint16_t port;
		bool is_tls;
	} rows[] = {
		{ "imaps://bob@mail.example.org/", "bob", "mail.example.org", 993, true },
		{ "imaps://bob%40example.org@mail.example.org:1993", "bob@example.org", "mail.example.org", 1993, true },
		{ "imap://bob@example.org@host", "bob@example.org", "host", 143, false },
		{ "IMAPS://b@[::1]:7/", "b", "::1", 7, true },
		{ "imaps://b@[::1]", "b", "::1", 993, true },
		{ "imaps://mail.example.org/", NULL, NULL, 0, false },
		{ "imaps://b@host/INBOX", NULL, NULL, 0, false },
		{ "imaps://b@host:0", NULL, NULL, 0, false },
		{ "imaps://b@", NULL, NULL, 0, false },
		{ "imaps://b:secret@host", NULL, NULL, 0, false },
		{ "imaps://b%3Ac@host", "b:c", "host", 993, true },
		{ "imaps://b%0d@host", NULL, NULL, 0, false },
		{ "/home/bob/Maildir", NULL, NULL, 0, false },
	};
	AUTO(arena_fini) struct arena a;

	arena_init(&a, 1u << 20);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct move_imap_options o = { 0 };

		test_row(rows[i].url);
		assert_int_equal(move_imap_url(&a, str_z(rows[i].url), &o), rows[i].user != NULL);
		if (!rows[i].user)
			continue;
		assert_str_eq(o.user, str_z(rows[i].user));
		assert_str_eq(o.host, str_z(rows[i].host));
		assert_int_equal(o.port, rows[i].port);
		assert_int_equal(o.is_tls, rows[i].is_tls);
	}
}

/* SPDX-License-Identifier: MIT */
/* The arguments of APPEND: in which pieces they come, what they may be, and their bounds. */
#include "imap/script_test.h"

#include "base/limits.h"
#include "imap/note.h"

static const struct imap_script scripts[] = {
	{ "several",
	  STR_INIT("a APPEND {5}\r\nINBOX (\\Seen $x) \"17-Jul-1996 02:44:25 -0700\" {9}\r\n"
		   "A: b\r\n\r\nc {4+}\r\nd: e ($y) ~{3+}\r\n\0\0\0\r\n"
		   "b EXAMINE INBOX\r\nc FETCH 1:* (FLAGS INTERNALDATE BODY[])\r\n"),
	  { "+ go ahead", "+ go ahead", "a OK [APPENDUID ", " 1:3]", "FLAGS (\\Seen \\Recent $x)",
	    "17-Jul-1996 09:44:25", "{9}\r\nA: b\r\n\r\nc)", "FLAGS (\\Recent)", "{4}\r\nd: e)",
	    "FLAGS (\\Recent $y)", "{3}\r\n", "c OK" } },
	{ "a literal that is no message",
	  STR_INIT("a APPEND INBOX x {3+}\r\nabc\r\nb APPEND INBOX{3+}\r\nabc\r\n"
		   "c APPEND INBOX {3+}\r\nabc{3+}\r\nabc\r\nd APPEND INBOX {3+}\r\nabc \r\n"
		   "e APPEND INBOX ({3+}\r\nabc) {3+}\r\nabc\r\nf APPEND \"INBOX\r\n"
		   "g STATUS INBOX (MESSAGES)\r\n"),
	  { "a BAD", "b BAD", "c BAD", "d BAD", "e BAD", "f BAD", "(MESSAGES 0)" } },
	{ "one that cannot be",
	  STR_INIT("a APPEND INBOX {3+}\r\nabc {0+}\r\n\r\nb APPEND INBOX {3+}\r\nabc {65537}\r\n"
		   "c APPEND INBOX {3+}\r\nabc {3+}\r\na\0c\r\nd APPEND nope {3+}\r\nabc {3+}\r\nabc\r\n"
		   "e APPEND INBOX {3+}\r\nabc {99999999999999999999}\r\n"
		   "f STATUS INBOX (MESSAGES)\r\n"),
	  { "a NO [CANNOT]", "b NO [TOOBIG]", "c BAD", "d NO [TRYCREATE]", "e NO [TOOBIG]",
	    "(MESSAGES 0)" } },
	{ "catenate urls",
	  STR_INIT("a SELECT INBOX\r\nb APPEND INBOX CATENATE (TEXT {4}\r\nabcd TEXT ~{2+}\r\n\0e)"
		   " (\\Seen) {1+}\r\nx\r\n"
		   "c APPEND INBOX (\\Draft) catenate (url {6}\r\n;UID=1 Text {1+}\r\n- URL"
		   " \";UID=1/;PARTIAL=0.2\" URL \"/inbox/;UID=2\")\r\n"
		   "d FETCH 1:* (RFC822.SIZE)\r\ne FETCH 3 BODY.PEEK[]\r\n"),
	  { "b OK [APPENDUID ", " 1:2]", "+ go ahead", "c OK", "RFC822.SIZE 6)", "RFC822.SIZE 1)",
	    "RFC822.SIZE 10)", "BODY[] {10}\r\nabcd" } },
	{ "catenate is refused",
	  STR_INIT("a APPEND INBOX CATENATE\r\nb APPEND INBOX CATENATE (\r\n"
		   "c APPEND INBOX CATENATE (TEXT {1+}\r\nx \r\nd APPEND INBOX CATENATE (URL)\r\n"
		   "e APPEND INBOX CATENATE (TEXT \"x\")\r\nf APPEND INBOX CATENATE (X {1+}\r\nx)\r\n"
		   "g APPEND INBOX CATENATE (TEXT {1+}\r\nx))\r\n"
		   "h APPEND INBOX CATENATE (URL /a/;UID=1)x\r\n"
		   "i APPEND INBOX CATENATE (URL /a/;UID=1) (\\Seen)\r\nj NOOP\r\n"),
	  { "a BAD", "b BAD", "c BAD", "d BAD", "e BAD", "f BAD", "g BAD", "h BAD", "i BAD", "j OK" } },
	{ "utf8",
	  STR_INIT("a APPEND INBOX (\\Seen) UTF8 (~{4}\r\na: b)\r\nb APPEND INBOX utf8 (~{4+}\r\na: b) {1+}\r\n"
		   "x CATENATE (TEXT {1+}\r\ny UTF8 (~{1+}\r\nz) UTF8 (~{1}\r\n!))\r\n"
		   "c APPEND INBOX UTF8 ({1+}\r\nx)\r\nd APPEND INBOX UTF8 (~{1+}\r\nx\r\n"
		   "e APPEND INBOX UTF8 (~{1+}\r\nx) y\r\nf APPEND INBOX CATENATE (UTF8 (~{1+}\r\nx)\r\n"
		   "g APPEND INBOX UTF8 ()\r\nh APPEND INBOX CATENATE ({1+}\r\nx)\r\n"
		   "i EXAMINE INBOX\r\nj FETCH 4 BODY.PEEK[]\r\n"),
	  { "+ go ahead", "a OK [APPENDUID ", " 1]", "+ go ahead", "b OK [APPENDUID ", " 2:4]", "c BAD",
	    "d BAD", "e BAD", "f BAD", "g BAD", "h BAD", "* 4 EXISTS", "BODY[] {3}\r\nyz!" } },
	{ "annotations",
	  STR_INIT("a APPEND INBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" ANNOTATION (/comment (value.priv {3}\r\nabc"
		   " value.shared ~{3+}\r\na\0c) {2+}\r\n/x (value.priv \"\\\"\")) {4}\r\na: b"
		   " ANNOTATION (/1/comment (value.shared \"s\")) CATENATE (TEXT {2+}\r\n\r\n TEXT {1+}\r\nx)\r\n"
		   "b EXAMINE INBOX\r\nc FETCH 1:* (FLAGS ANNOTATION (* value))\r\n"),
	  { "+ go ahead", "+ go ahead", "a OK [APPENDUID ", " 1:2]",
	    "1 FETCH (FLAGS (\\Seen \\Recent) ANNOTATION (/comment (value.priv \"abc\" value.shared ~{3}\r\n",
	    " /x (value.priv \"\\\"\" value.shared NIL)))", "ANNOTATION (/1/comment (value.priv NIL value.shared \"s\"))", "c OK" } },
	{ "annotations are refused",
	  STR_INIT("a APPEND INBOX ANNOTATION (/1.2/comment (value.priv \"x\")) {4+}\r\na: b\r\n"
		   "b APPEND INBOX ANNOTATION (/comment (value \"x\")) {4+}\r\na: b\r\n"
		   "c APPEND INBOX ANNOTATION (/comment (value.priv x)) {4+}\r\na: b\r\n"
		   "d APPEND INBOX ANNOTATION (/comment (value.priv {1+}\r\nx) {4+}\r\na: b\r\n"
		   "e APPEND INBOX ANNOTATION (/c (value.priv \"x\")) (\\Seen) {4+}\r\na: b\r\n"
		   "f APPEND INBOX ANNOTATION () {4+}\r\na: b\r\n"
		   "g APPEND INBOX {1+}\r\na ANNOTATION (/flags/x (value.priv \"x\")) {4+}\r\na: b\r\n"
		   "h APPEND INBOX ANNOTATION (/c (value.priv \"x\"))\r\n"
		   "i STATUS INBOX (MESSAGES)\r\n"),
	  { "a BAD", "b BAD", "c BAD", "d BAD", "e BAD", "f BAD", "g BAD", "h BAD", "(MESSAGES 0)" } },
	{ "names that are refused",
	  STR_INIT("a APPEND a&b {3+}\r\nabc\r\nb APPEND {1+}\r\n/ {3+}\r\nabc\r\nc NOOP\r\n"),
	  { "a NO [CANNOT]", "b NO", "c OK" } },
};

TEST(append_scripts)
{
	imap_scripts_run("[imap]\nmax_message_size = 64K\n", scripts, ARRAY_LEN(scripts));
}

/* n messages of one command, and what must come back. */
static void append_many(int n, const char *want_z)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(1u << 20);
	struct imap_script script = { .name = "many", .want = { want_z, "z OK" } };
	struct imap_fixture f;

	buf_add(&input, S("a APPEND INBOX"));
	while (n-- > 0)
		buf_add(&input, S(" (\\Seen) {4+}\r\na: b"));
	buf_add(&input, S("\r\nz NOOP\r\n"));
	script.input = buf_str(&input);
	imap_fixture_open(&f, test_dir(), "");
	imap_script_run(&f, &script, 0);
	imap_fixture_close(&f);
}

TEST(append_bounds_the_number_of_parts)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(1u << 20);
	struct imap_script script = { .name = "parts", .want = { "a NO [LIMIT]", "z OK" } };
	struct imap_fixture f;

	buf_add(&input, S("a APPEND INBOX CATENATE (URL x"));
	for (int i = 0; i < LIMIT_IMAP_APPEND_PARTS; i++)
		buf_add(&input, S(" URL {1+}\r\nx"));
	buf_add(&input, S(")\r\nz NOOP\r\n"));
	script.input = buf_str(&input);
	imap_fixture_open(&f, test_dir(), "");
	imap_script_run(&f, &script, 0);
	imap_fixture_close(&f);
}

/* Values of annotations may be literals, each of which has the command read again from the message's beginning. */
TEST(append_bounds_how_often_it_is_read)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(1u << 20);
	struct imap_script script = { .name = "tries", .want = { "a NO [ANNOTATE TOOMANY]", "b NO [LIMIT]", "z OK" } };
	struct imap_fixture f;

	buf_add(&input, S("a APPEND INBOX ANNOTATION (/a (value.priv \"\""));
	for (int i = 0; i < IMAP_NOTES + 1; i++)
		buf_add(&input, S(" value.priv {1+}\r\nx"));
	buf_add(&input, S(")) {1+}\r\nx\r\nb APPEND INBOX ANNOTATION (x"));
	for (int i = 0; i < 4 * IMAP_NOTES + 1; i++)
		buf_add(&input, S(" {1+}\r\nx"));
	buf_add(&input, S("\r\nz NOOP\r\n"));
	script.input = buf_str(&input);
	imap_fixture_open(&f, test_dir(), "");
	imap_script_run(&f, &script, 0);
	imap_fixture_close(&f);
}

TEST(append_bounds_the_number_of_messages)
{
	append_many(LIMIT_IMAP_APPEND_MESSAGES, " 1:1000] ");
	append_many(LIMIT_IMAP_APPEND_MESSAGES + 1, "a NO [LIMIT]");
}

/* Refused by its announced size, before it comes. */
TEST(append_bounds_the_bytes_of_all_messages)
{
	static const struct imap_script script = {
		"bytes",
		STR_INIT("a APPEND INBOX {268435457}\r\nb APPEND INBOX {4+}\r\na: b {268435453}\r\n"
			 "c APPEND INBOX {4+}\r\na: b\r\n"),
		{ "a NO [TOOBIG]", "b NO [LIMIT]", "c OK" },
	};
	struct imap_fixture f;

	imap_fixture_open(&f, test_dir(), "[imap]\nmax_message_size = 256M\n");
	imap_script_run(&f, &script, 0);
	imap_fixture_close(&f);
}

/* The fields of a large header are few bytes, and much work. */
static void append_fields(int n, const char *want_z)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(4u << 20);
	struct imap_script script = { .name = "fields", .want = { "a OK", want_z, "z OK" } };
	size_t header_n = 1u << 20;
	struct imap_fixture f;

	buf_printf(&input, "a APPEND INBOX {%zu+}\r\n", header_n);
	memset(buf_reserve(&input, header_n), 'x', header_n);
	buf_commit(&input, header_n);
	buf_add(&input, S("\r\nb APPEND INBOX CATENATE (TEXT {1+}\r\nx"));
	while (n-- > 0)
		buf_add(&input, S(" URL \"/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(a)\""));
	buf_add(&input, S(")\r\nz NOOP\r\n"));
	script.input = buf_str(&input);
	imap_fixture_open(&f, test_dir(), "");
	imap_script_run(&f, &script, 0);
	imap_fixture_close(&f);
}

TEST(append_bounds_the_headers_that_fields_are_picked_from)
{
	append_fields(64, "b OK");
	append_fields(65, "b NO [LIMIT]");
}

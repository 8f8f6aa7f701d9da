/* SPDX-License-Identifier: MIT */
/* FETCH of annotations of messages by lists of many patterns (RFC 5257 4.3). */
#include "imap/script_test.h"

#include "base/limits.h"
#include "imap/note.h"

#define LIST 200 /* patterns of each kind in a list; wildcards in the longest */

static void add_patterns(struct buf *out, char last)
{
	for (int i = 0; i < LIST; i++) {
		buf_add(out, S(" /"));
		for (int k = 0; k < i; k++)
			buf_add_char(out, '*');
		buf_add_char(out, last);
	}
}

/* Names of one message are compared once with each pattern: not with all patterns before one that matches. */
TEST(note_fetch_of_many_patterns)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(1u << 20);
	struct imap_script script = { .name = "patterns",
				      .want = { "a OK", "* 1 FETCH (ANNOTATION (", " /aaaa",
						" /bbbb", "b OK", "z OK" } };
	struct imap_fixture f;
	int64_t start_ms;

	buf_add(&input, S("a APPEND INBOX ANNOTATION ("));
	for (int i = 0; i < LIMIT_MESSAGE_ANNOTATIONS; i++) {
		buf_printf(&input, "%s/%c", i > 0 ? " " : "", i % 2 ? 'b' : 'a');
		for (int k = 0; k < LIST; k++)
			buf_add_char(&input, (char)('a' + i / 2 % 26));
		buf_printf(&input, "%da (value.shared \"\")", i);
	}
	buf_add(&input, S(") {1+}\r\nx\r\ns EXAMINE INBOX\r\nb FETCH 1 (ANNOTATION ((/x"));
	add_patterns(&input, 'x');
	add_patterns(&input, 'a');
	buf_add(&input, S(") value.shared))\r\nz NOOP\r\n"));
	assert_false(buf_overflowed(&input));
	script.input = buf_str(&input);
	imap_fixture_open(&f, test_dir(), "");
	start_ms = test_cpu_ms();
	imap_script_run(&f, &script, 0);
	assert_true(test_cpu_ms() - start_ms < 1200);
	imap_fixture_close(&f);
}

static const struct imap_script scripts[] = {
	{ "each entry once, in the order of the list",
	  STR_INIT(
		  "a APPEND INBOX ANNOTATION (/a (value.priv \"1\") /b (value.shared \"2\") /c/d (value.priv \"3\""
		  " value.shared \"4\")) {1+}\r\nx\r\nb EXAMINE INBOX\r\n"
		  "c FETCH 1 (ANNOTATION ((/c/d /x /x /% /* /b /x /%) value))\r\n"
		  "d FETCH 1 (ANNOTATION ((/% /b /a) value.priv))\r\n"
		  "e FETCH 1 (ANNOTATION ((/b /*) value.shared))\r\n"
		  "f FETCH 1 (ANNOTATION ((/* /a /b) (size.shared)))\r\n"),
	  { "ANNOTATION (/c/d (value.priv \"3\" value.shared \"4\") /x (value.priv NIL value.shared NIL)"
	    " /a (value.priv \"1\" value.shared NIL) /b (value.priv NIL value.shared \"2\")))\r\nc OK",
	    "ANNOTATION (/a (value.priv \"1\") /b (value.priv NIL)))\r\nd OK",
	    "ANNOTATION (/b (value.shared \"2\") /c/d (value.shared \"4\")))\r\ne OK",
	    "ANNOTATION (/b (size.shared \"1\") /c/d (size.shared \"1\") /a (size.shared \"0\")))\r\nf OK" } },
};

TEST(note_fetch)
{
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct imap_fixture f;

		imap_fixture_open(&f, test_dir(), "");
		imap_script_run(&f, &scripts[i], 0);
		imap_fixture_close(&f);
	}
}

static void add_store(struct buf *out, const char *set_z, int n)
{
	buf_printf(out, "s STORE %s ANNOTATION (", set_z);
	for (int i = 0; i < n; i++)
		buf_printf(out, "%s/a%d (value.priv NIL)", i > 0 ? " " : "", i);
	buf_add(out, S(")\r\n"));
}

/* Each entry of a list takes the writer through all the messages. */
TEST(note_store_of_many_on_many)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(1u << 20);
	struct imap_script script = {
		.name = "store", .want = { "* 1024 EXISTS", "s OK", "s NO [LIMIT]", "s OK", "s OK" }
	};
	struct imap_fixture f;

	buf_add(&input, S("a APPEND INBOX {1+}\r\nx\r\nb SELECT INBOX\r\n"));
	for (int i = 0; i < 10; i++)
		buf_add(&input, S("c COPY 1:* INBOX\r\nd NOOP\r\n"));
	add_store(&input, "1:*", LIMIT_STORE_ANNOTATIONS / 1024);
	add_store(&input, "1:*", LIMIT_STORE_ANNOTATIONS / 1024 + 1);
	add_store(&input, "2:*", LIMIT_STORE_ANNOTATIONS / 1024);
	add_store(&input, "1:*", 1);
	script.input = buf_str(&input);
	imap_fixture_open(&f, test_dir(), "");
	imap_script_run(&f, &script, 0);
	imap_fixture_close(&f);
}

/* Parts are looked for in portions: the last message counts as the first. */
TEST(note_store_of_parts_of_many)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(1u << 20);
	struct imap_script script = { .name = "parts",
				      .want = { "* 512 EXISTS", "s OK",
						"s BAD a message has no such part", "* SEARCH\r\n",
						"* 1 FETCH", "z OK" } };
	struct imap_fixture f;

	buf_add(&input,
		S("a APPEND INBOX {91+}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
		  "\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n\r\nb SELECT INBOX\r\n"));
	for (int i = 0; i < 9; i++)
		buf_add(&input, S("c COPY 1:* INBOX\r\nd NOOP\r\n"));
	buf_add(&input, S("s STORE 1:* ANNOTATION (/2/comment (value.priv \"x\"))\r\n"
			  "a APPEND INBOX {1+}\r\nx\r\n"
			  "s STORE 1:* ANNOTATION (/2/comment (value.shared \"x\"))\r\n"
			  "e SEARCH ANNOTATION /2/comment value.shared \"x\"\r\n"
			  "e FETCH 1 (ANNOTATION (/2/comment value.priv))\r\nz NOOP\r\n"));
	script.input = buf_str(&input);
	imap_fixture_open(&f, test_dir(), "");
	imap_script_run(&f, &script, 0);
	imap_fixture_close(&f);
}

/* SPDX-License-Identifier: MIT */
/* Previews (RFC 8970): which part, what of it, HTML, bounds. */
#include "mime/preview.h"

#include "base/test.h"

/* What stands in \xNN is bytes of UTF-8 unless the charset says otherwise. */
static const struct {
	const char *name, *message, *want;
} rows[] = {
	{ "plain", "Subject: x\r\n\r\nHello\r\n  Joe,\t\tdo you think?\r\n\r\nYes.\r\n",
	  "Hello Joe, do you think? Yes." },
	{ "no body", "Subject: x\r\n\r\n", "" },
	{ "no header", "\r\nHello\r\n", "Hello" },
	{ "quotes, rules and signature",
	  "\r\n====\r\n> old\r\n>> older\r\nnew > old\r\n---\r\n-- \r\nJoe\r\n", "new > old" },
	{ "nothing but quotes", "\r\n> old\r\n", "> old" },
	{ "a signature alone", "\r\n-- \r\nJoe\r\n", "Joe" },
	{ "quoted-printable, latin1",
	  "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	  "Gr=FC=DFe aus der K=\r\n=FCche\r\n",
	  "Gr\xc3\xbc\xc3\x9f" "e aus der K\xc3\xbc" "che" },
	{ "8-bit without a charset", "\r\nGr\xfc\xdf" "e\r\n", "Gr\xc3\xbc\xc3\x9f" "e" },
	{ "UTF-8 without a charset", "\r\nGr\xc3\xbc\xc3\x9f" "e\r\n", "Gr\xc3\xbc\xc3\x9f" "e" },
	{ "an unknown charset", "Content-Type: text/plain; charset=x-none\r\n\r\na\xfc" "b\r\n",
	  "a\xc3\xbc" "b" },
	{ "base64", "Content-Transfer-Encoding: base64\r\n\r\nUHLDvGZ1bmcgYmVzdGFuZGVu\r\n",
	  "Pr\xc3\xbc" "fung bestanden" },
	{ "alternatives: the plain one",
	  "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n"
	  "--b\r\n\r\nplain\r\n--b--\r\n",
	  "plain" },
	{ "alternatives: the plain one is empty",
	  "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n"
	  "--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b--\r\n",
	  "html" },
	{ "an image and no text", "Content-Type: image/png\r\n\r\nPNG\r\n", "" },
	{ "attachments do not count",
	  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment\r\n\r\nfile\r\n"
	  "--b\r\n\r\ntext\r\n--b--\r\n",
	  "text" },
	{ "related", "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
		     "<b>a</b>b<br>c\r\n--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n",
	  "ab c" },
	{ "an enclosed message",
	  "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n", "inner text" },
	{ "encrypted",
	  "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nVersion: 1\r\n--b\r\n\r\nx\r\n--b--\r\n", "" },
	{ "layout characters",
	  "\r\n\xef\xbb\xbf\xe2\x80\x8b Save\xc2\xad" "d\xc2\xa0\xe2\x80\x8c \xcd\x8f\xe2\x80\xae now\xe3\x80\x80!\x01\x7f\r\n",
	  "Saved now !" },
	{ "joiners between characters stay", "\r\n\xe2\x80\x8d" "a\xe2\x80\x8d" "b\r\n", "a\xe2\x80\x8d" "b" },
};

#define HTML "Content-Type: text/html; charset=utf-8\r\n\r\n"

static const struct {
	const char *html, *want;
} html_rows[] = {
	{ "<html><head><title>T</title><style>p > a { x: \"</p>\" }</style></head><body><p>Hello <b>wor</b>ld</p><p>two</p>",
	  "Hello world two" },
	{ "a<script>if (a < b) document.write('</b>');</script>b", "ab" },
	{ "a<SCRIPT>x</scripty>y</ScRiPt >b", "ab" },
	{ "a<script>never ends", "a" },
	{ "a<!-- <b> --> b<!--[if mso]>no<![endif]--> c<!DOCTYPE x> d<?php x ?> e", "a b c d e" },
	{ "a<!-- never ends", "a" },
	{ "a<!---->b", "ab" },
	{ "a<!-->b<!--->c<!-- x -->d", "abcd" },
	{ "a<!--[if !mso]><!-->b<!--<![endif]-->c", "abc" },
	{ "<a title=\"x > y\" alt='>'>b</a>", "b" },
	{ "<a title = \"x > y\">b</a><a b='c\">d</a>", "b" },
	{ "<a x\"y>b</a>", "b" },
	{ "1 < 2 & 3 > 2 &unknown; &", "1 < 2 & 3 > 2 &unknown; &" },
	{ "&amp;lt; &lt;b&gt; &quot;&apos;&#39; &nbsp;&euro;&#8364;&#x20AC;&#X20ac &Uuml;&uuml;&szlig;",
	  "&lt; <b> \"'' \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac \xc3\x9c\xc3\xbc\xc3\x9f" },
	{ "&#0;&#55296;&#1114112;&#99999999999999999999;&#;&#x;x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd&#;&#x;x" },
	{ "one<br>two<td>three</td><hr/>four<o:p></o:p>five<x-y>six", "one two three fourfive six" },
	{ "</", "</" },
	{ "<", "<" },
	{ "<>", "<>" },
	{ "a<b", "a" },
	{ "&zwnj;&nbsp;&zwnj;&nbsp;&#847;&#8203;Hi", "Hi" },
	{ "<template><p>x</p></template>y", "y" },
	{ "", "" },
};

static void check(struct str message, const char *want_z)
{
	AUTO(arena_fini) struct arena a;
	AUTO(buf_fini) struct buf out = BUF_INIT(MIME_PREVIEW_BYTES);
	char *copy = test_copy(message);
	struct mime_part *root;

	arena_init(&a, LIMIT_MIME_ARENA);
	assert_int_equal(mime_parse(&a, str_of(copy, message.n), &root), 0);
	mime_preview(str_of(copy, message.n), root, &out);
	assert_false(buf_overflowed(&out));
	assert_str_eq(mime_buf_text(&out), str_z(want_z));
	mem_free(copy);
}

TEST(preview_parts)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].name);
		check(str_z(rows[i].message), rows[i].want);
	}
}

TEST(preview_html)
{
	for (size_t i = 0; i < ARRAY_LEN(html_rows); i++) {
		AUTO(buf_fini) struct buf message = BUF_INIT(4096);

		test_row(html_rows[i].html);
		buf_add(&message, S(HTML));
		buf_add(&message, str_z(html_rows[i].html));
		check(buf_str(&message), html_rows[i].want);
	}
}

/* RFC 8970 3.3: characters count, of whatever length they are. */
TEST(preview_length)
{
	static const char *const chars[] = { "x", "\xc3\xbc", "\xe6\x97\xa5", "\xf0\x9f\x98\x80" };

	for (size_t i = 0; i < ARRAY_LEN(chars); i++) {
		AUTO(buf_fini) struct buf message = BUF_INIT(8192);
		AUTO(buf_fini) struct buf want = BUF_INIT(8192);

		buf_add(&message, S("\r\n"));
		for (int k = 0; k < 1000; k++)
			buf_printf(&message, "%s%s", chars[i], k % 100 == 98 ? " \r\n" : "");
		for (int k = 0; k < 199; k++)
			buf_printf(&want, "%s%s", chars[i], k == 98 ? " " : "");
		check(buf_str(&message), buf_z(&want));
	}
}

/* The text behind much style is found, behind too much it is not looked for. */
TEST(preview_is_bounded)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(64u << 20);

	for (int turn = 0; turn < 2; turn++) {
		buf_reset(&message);
		buf_add(&message, S(HTML "<style>"));
		for (int i = 0; i < (turn == 0 ? 10000 : 1000000); i++)
			buf_add(&message, S("p{color:#00"));
		buf_add(&message, S("</style>Hi"));
		check(buf_str(&message), turn == 0 ? "Hi" : "");
	}
	buf_reset(&message);
	buf_add(&message, S("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
	for (int i = 0; i < 10000; i++)
		buf_add(&message, S("--b\r\n\r\n \r\n"));
	buf_add(&message, S("--b\r\n\r\nHi\r\n--b--\r\n"));
	check(buf_str(&message), "");
}

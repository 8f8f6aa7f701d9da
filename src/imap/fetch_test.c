/* SPDX-License-Identifier: MIT */
/* What FETCH asks for: each row is parsed and printed in canonical form. RFC 9051 6.4.5, 9; RFC 3501 6.4.5; RFC 7162 3.1.4. */
#include "imap/fetch.h"

#include "base/test.h"

static const struct {
	const char *name, *input, *want; /* want NULL: refused */
} rows[] = {
	{ "fast", " FAST", "flags date size |" },
	{ "all", " all", "flags date size |ENVELOPE |" },
	{ "full", " FULL", "flags date size |ENVELOPE |BODY |" },
	{ "one item", " UID", "uid |" },
	{ "every simple item", " (UID FLAGS MODSEQ INTERNALDATE RFC822.SIZE EMAILID THREADID SAVEDATE)",
	  "uid flags modseq date size emailid threadid savedate modseq! |" },
	{ "same item twice", " (FLAGS FLAGS)", "flags |" },
	{ "body and bodystructure", " (BODY BODYSTRUCTURE)", "|BODY |BODYSTRUCTURE |" },
	{ "whole message", " BODY[]", "seen |BODY[] |" },
	{ "peek", " BODY.PEEK[]", "|BODY[] |" },
	{ "lower case", " body.peek[header.fields (from TO)]", "|BODY[HEADER.FIELDS (from TO)] |" },
	{ "odd field names", " BODY.PEEK[HEADER.FIELDS.NOT (\"a b\" {2}\r\nc\" x]y)]",
	  "|BODY[HEADER.FIELDS.NOT (\"a b\" \"c\\\"\" \"x]y\")] |" },
	{ "parts", " (BODY.PEEK[1.2.3] BODY.PEEK[1.MIME] BODY.PEEK[1.2.HEADER] BODY[3.TEXT])",
	  "seen |BODY[1.2.3] |BODY[1.MIME] |BODY[1.2.HEADER] |BODY[3.TEXT] |" },
	{ "partial", " BODY.PEEK[TEXT]<10.20>", "|BODY[TEXT]<10> 10+20 |" },
	{ "largest partial", " BODY.PEEK[]<9223372036854775807.9223372036854775807>",
	  "|BODY[]<9223372036854775807> 9223372036854775807+9223372036854775807 |" },
	{ "rev1 names", " (RFC822 RFC822.HEADER RFC822.TEXT)", "seen |RFC822 |RFC822.HEADER |RFC822.TEXT |" },
	{ "rev1 header does not set seen", " RFC822.HEADER", "|RFC822.HEADER |" },
	{ "binary", " (BINARY[1]<0.5> BINARY.PEEK[1.1] BINARY.SIZE[2] BINARY[])",
	  "seen |BINARY[1]<0> 0+5 |BINARY[1.1] |BINARY.SIZE[2] |BINARY[] |" },
	{ "changedsince", " FLAGS (CHANGEDSINCE 12345)", "flags modseq modseq! since=12345 |" },
	{ "changedsince 0", " UID (CHANGEDSINCE 0)", "uid modseq modseq! since=0 |" },

	{ "nothing", "", NULL },
	{ "no blank", "UID", NULL },
	{ "unknown item", " X", NULL },
	{ "empty list", " ()", NULL },
	{ "macro in a list", " (ALL)", NULL },
	{ "open list", " (UID", NULL },
	{ "two blanks", " (UID  FLAGS)", NULL },
	{ "open section", " BODY[", NULL },
	{ "part 0", " BODY[0]", NULL },
	{ "part 01", " BODY[01]", NULL },
	{ "dot at the end", " BODY[1.]", NULL },
	{ "mime without a part", " BODY[MIME]", NULL },
	{ "unknown section", " BODY[1.FOO]", NULL },
	{ "text before part", " BODY[TEXT.1]", NULL },
	{ "fields without a list", " BODY[HEADER.FIELDS]", NULL },
	{ "fields with an empty list", " BODY[HEADER.FIELDS ()]", NULL },
	{ "field with 8 bits", " BODY[HEADER.FIELDS ({1}\r\n\xe4)]", NULL },
	{ "partial of nothing", " BODY[]<0.0>", NULL },
	{ "partial without count", " BODY[]<0>", NULL },
	{ "partial too large", " BODY[]<9223372036854775808.1>", NULL },
	{ "binary of a text", " BINARY[1.TEXT]", NULL },
	{ "binary size with partial", " BINARY.SIZE[1]<0.1>", NULL },
	{ "binary without section", " BINARY", NULL },
	{ "section on rfc822", " RFC822[]", NULL },
	{ "unknown modifier", " UID (FOO 1)", NULL },
	{ "empty modifiers", " UID ()", NULL },
};

static void print(struct buf *out, const struct imap_fetch *f)
{
	static const char *const names[] = { "uid", "flags", "modseq", "date", "size", "emailid", "threadid", "savedate" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (f->bits >> i & 1)
			buf_printf(out, "%s ", names[i]);
	}
	if (f->has_modseq)
		buf_add(out, S("modseq! "));
	if (f->has_changedsince)
		buf_printf(out, "since=%llu ", (unsigned long long)f->changedsince);
	if (f->sets_seen)
		buf_add(out, S("seen "));
	buf_add_char(out, '|');
	for (size_t i = 0; i < f->n; i++) {
		buf_add(out, f->items[i].label);
		buf_add_char(out, ' ');
		if (f->items[i].has_partial)
			buf_printf(out, "%llu+%llu ", (unsigned long long)f->items[i].start,
				   (unsigned long long)f->items[i].count);
		buf_add_char(out, '|');
	}
}

TEST(fetch_parse)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
		AUTO(buf_fini) struct buf out = BUF_INIT(4000);
		struct str input = str_z(rows[i].input);
		AUTO(mem_auto_free) char *copy = test_copy(input);
		struct imap_fetch f;
		struct imap_parse p;
		int r;

		test_row(rows[i].name);
		imap_parse_init(&p, &a, str_of(copy, input.n), false);
		r = imap_fetch_parse(&p, &f);
		if (r > 0 && imap_parse_end(&p))
			print(&out, &f);
		if (rows[i].want == NULL && r == 0)
			assert_true(p.p == copy);
		assert_true((r > 0 && imap_parse_end(&p)) == (rows[i].want != NULL));
		assert_str_eq(buf_str(&out), str_z(rows[i].want != NULL ? rows[i].want : ""));
	}
}

TEST(fetch_parse_limits)
{
	AUTO(arena_fini) struct arena a = { .cap = 4u << 20 };
	AUTO(buf_fini) struct buf items = BUF_INIT(100000);
	AUTO(buf_fini) struct buf deep = BUF_INIT(100000);
	AUTO(buf_fini) struct buf fields = BUF_INIT(100000);
	struct imap_fetch f;
	struct imap_parse p;

	for (int i = 0; i <= IMAP_FETCH_ITEMS; i++)
		buf_add(&items, i == 0 ? S(" (BODY[]") : S(" BODY[]"));
	buf_add_char(&items, ')');
	imap_parse_init(&p, &a, buf_str(&items), false);
	assert_int_equal(imap_fetch_parse(&p, &f), -E_LIMIT);
	for (int i = 0; i <= IMAP_FETCH_DEPTH; i++)
		buf_add(&deep, i == 0 ? S(" BODY[1") : S(".1"));
	buf_add_char(&deep, ']');
	imap_parse_init(&p, &a, buf_str(&deep), false);
	assert_int_equal(imap_fetch_parse(&p, &f), -E_LIMIT);
	/* Half of the names in each of two items, then one more. */
	for (int i = 0; i < IMAP_FETCH_FIELDS; i++)
		buf_add(&fields, i == 0 ? S(" (BODY[HEADER.FIELDS (x") :
				 i == IMAP_FETCH_FIELDS / 2 ? S(")] BODY[HEADER.FIELDS (x") : S(" x"));
	buf_add(&fields, S(")])"));
	imap_parse_init(&p, &a, buf_str(&fields), false);
	assert_int_equal(imap_fetch_parse(&p, &f), 1);
	buf_truncate(&fields, fields.n - 3);
	buf_add(&fields, S(" x)])"));
	imap_parse_init(&p, &a, buf_str(&fields), false);
	assert_int_equal(imap_fetch_parse(&p, &f), -E_LIMIT);
}

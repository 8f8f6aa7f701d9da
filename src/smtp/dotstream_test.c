/* SPDX-License-Identifier: MIT */
/*
 * The end of DATA and line ends. Every row runs whole and cut at each place and byte by byte;
 * the answer must be the same. The rows with "smuggling" hold the sequences with which servers
 * were made to see two messages where others saw one.
 */
#include "smtp/dotstream.h"

#include "base/buf.h"
#include "base/test.h"

#define LF SMTP_DOT_BARE_LF
#define CR SMTP_DOT_BARE_CR
#define NUL SMTP_DOT_NUL

struct row {
	const char *name;
	struct str in;
	struct str out;
	unsigned found;
	int rest; /* bytes left behind the end; -1: the end was not seen */
};

static const struct row rows[] = {
	{ "empty message", STR_INIT(".\r\n"), STR_INIT(""), 0, 0 },
	{ "plain", STR_INIT("a\r\nb\r\n.\r\n"), STR_INIT("a\r\nb\r\n"), 0, 0 },
	{ "rest is left", STR_INIT("a\r\n.\r\nQUIT\r\n"), STR_INIT("a\r\n"), 0, 6 },
	{ "stuffed", STR_INIT("..\r\n.a\r\n...\r\n.\r\n"), STR_INIT(".\r\na\r\n..\r\n"), 0, 0 },
	{ "dot and CR", STR_INIT(".\rx\r\n.\r\n"), STR_INIT("\rx\r\n"), CR, 0 },
	{ "dot CR CR LF", STR_INIT(".\r\r\n.\r\n"), STR_INIT("\r\r\n"), CR, 0 },
	{ "dot inside", STR_INIT("a.\r\n.b.\r\n.\r\n"), STR_INIT("a.\r\nb.\r\n"), 0, 0 },
	{ "empty lines", STR_INIT("\r\n\r\n.\r\n"), STR_INIT("\r\n\r\n"), 0, 0 },
	{ "no end", STR_INIT("a\r\n."), STR_INIT("a\r\n"), 0, -1 },
	{ "no end, dot CR", STR_INIT("a\r\n.\r"), STR_INIT("a\r\n"), CR, -1 },
	{ "8 bit", STR_INIT("\xff\x80\r\n.\r\n"), STR_INIT("\xff\x80\r\n"), 0, 0 },
	{ "NUL", STR_INIT("a\0b\r\n.\r\n"), STR_INIT("a\0b\r\n"), NUL, 0 },
	{ "CR CR LF", STR_INIT("a\r\r\n.\r\n"), STR_INIT("a\r\r\n"), CR, 0 },
	{ "bare LF", STR_INIT("a\nb\r\n.\r\n"), STR_INIT("a\nb\r\n"), LF, 0 },
	{ "bare LF after CRLF", STR_INIT("a\r\n\n\r\n.\r\n"), STR_INIT("a\r\n\n\r\n"), LF, 0 },
	{ "bare CR", STR_INIT("a\rb\r\n.\r\n"), STR_INIT("a\rb\r\n"), CR, 0 },
	{ "smuggling LF . LF", STR_INIT("a\n.\nM\r\n.\r\n"), STR_INIT("a\n.\nM\r\n"), LF, 0 },
	{ "smuggling LF . CRLF", STR_INIT("a\n.\r\nM\r\n.\r\n"), STR_INIT("a\n.\r\nM\r\n"), LF, 0 },
	{ "smuggling CRLF . LF", STR_INIT("a\r\n.\nM\r\n.\r\n"), STR_INIT("a\r\n\nM\r\n"), LF, 0 },
	{ "smuggling CR . CR", STR_INIT("a\r.\rM\r\n.\r\n"), STR_INIT("a\r.\rM\r\n"), CR, 0 },
	{ "smuggling CR . CRLF", STR_INIT("a\r.\r\nM\r\n.\r\n"), STR_INIT("a\r.\r\nM\r\n"), CR, 0 },
	{ "smuggling CR . LF", STR_INIT("a\r.\nM\r\n.\r\n"), STR_INIT("a\r.\nM\r\n"), CR | LF, 0 },
	{ "smuggling CRLF . CR", STR_INIT("a\r\n.\rM\r\n.\r\n"), STR_INIT("a\r\n\rM\r\n"), CR, 0 },
	{ "smuggling LF . CR", STR_INIT("a\n.\rM\r\n.\r\n"), STR_INIT("a\n.\rM\r\n"), CR | LF, 0 },
	{ "smuggling CRLF . CR CRLF", STR_INIT("a\r\n.\r\r\nM\r\n.\r\n"),
	  STR_INIT("a\r\n\r\r\nM\r\n"), CR, 0 },
	{ "smuggling CRLF NUL . CRLF", STR_INIT("a\r\n\0.\r\nM\r\n.\r\n"),
	  STR_INIT("a\r\n\0.\r\nM\r\n"), NUL, 0 },
	{ "smuggling CRLF . NUL CRLF", STR_INIT("a\r\n.\0\r\nM\r\n.\r\n"),
	  STR_INIT("a\r\n\0\r\nM\r\n"), NUL, 0 },
	{ "smuggling LF CR . CRLF", STR_INIT("a\n\r.\r\nM\r\n.\r\n"), STR_INIT("a\n\r.\r\nM\r\n"),
	  CR | LF, 0 },
	{ "smuggling CR LF LF . CRLF", STR_INIT("a\r\n\n.\r\nM\r\n.\r\n"),
	  STR_INIT("a\r\n\n.\r\nM\r\n"), LF, 0 },
	{ "smuggling first line", STR_INIT(".\nM\r\n.\r\n"), STR_INIT("\nM\r\n"), LF, 0 },
};

static const struct row normalised[] = {
	{ "bare LF", STR_INIT("a\nb\r\n.\r\n"), STR_INIT("a\r\nb\r\n"), 0, 0 },
	{ "many", STR_INIT("\n\na\n\n.\r\n\r\n.\r\n"), STR_INIT("\r\n\r\na\r\n\r\n.\r\n\r\n"), 0,
	  0 },
	{ "no new end", STR_INIT("a\n.\nM\n.\r\nN\r\n.\r\n"), STR_INIT("a\r\n.\r\nM\r\n.\r\nN\r\n"),
	  0, 0 },
	{ "CR stays bare", STR_INIT("a\rb\n\r\n.\r\n"), STR_INIT("a\rb\r\n\r\n"), CR, 0 },
};

static const struct row chunked[] = {
	{ "dots are text", STR_INIT(".\r\n..\r\n.\r\n"), STR_INIT(".\r\n..\r\n.\r\n"), 0, -1 },
	{ "bare LF", STR_INIT("a\n"), STR_INIT("a\n"), LF, -1 },
	{ "open CR", STR_INIT("a\r"), STR_INIT("a\r"), CR, -1 },
	{ "no line end", STR_INIT("a"), STR_INIT("a"), 0, -1 },
	{ "NUL", STR_INIT("\0"), STR_INIT("\0"), NUL, -1 },
};

/* Feeds pieces of the sizes first, step, step, ... */
static void run(const struct row *row, struct smtp_dotstream d, size_t first, size_t step)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);
	enum smtp_dot_what what = SMTP_DOT_MORE;
	struct str all = row->in, slice;
	size_t size = first;

	while (all.n > 0 && what != SMTP_DOT_END) {
		size_t n = size < all.n ? size : all.n;
		char *copy = test_copy(str_head(all, n));
		struct str piece = str_of(copy, n);

		while ((what = smtp_dotstream_next(&d, &piece, &slice)) == SMTP_DOT_SLICE)
			buf_add(&out, slice);
		all = str_skip(all, n - piece.n);
		mem_free(copy);
		size = step;
	}
	assert_str_eq(buf_str(&out), row->out);
	assert_int_equal(smtp_dotstream_found(&d), row->found);
	assert_int_equal(what == SMTP_DOT_END ? (int)all.n : -1, row->rest);
}

static void run_all(const struct row *table, size_t n, struct smtp_dotstream d)
{
	for (size_t i = 0; i < n; i++) {
		test_row(table[i].name);
		for (size_t first = 1; first <= table[i].in.n; first++)
			run(&table[i], d, first, 4096);
		run(&table[i], d, 1, 1);
		run(&table[i], d, 2, 2);
	}
}

TEST(dotstream_data)
{
	run_all(rows, ARRAY_LEN(rows), (struct smtp_dotstream){ 0 });
}

TEST(dotstream_normalising)
{
	run_all(normalised, ARRAY_LEN(normalised),
		(struct smtp_dotstream){ .normalises_lf = true });
}

TEST(dotstream_chunked)
{
	run_all(chunked, ARRAY_LEN(chunked), (struct smtp_dotstream){ .is_chunked = true });
}

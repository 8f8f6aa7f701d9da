/* SPDX-License-Identifier: MIT */
/*
 * Character sets: the first line is a name, the rest text in it. What comes out is UTF-8 and not
 * longer than eight times what went in, in pieces as in the whole, and folding it stays bounded too.
 */
#include "base/must.h"
#include "mime/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Pieces of 1, 2, 3 ... bytes. */
static void in_pieces(struct str name, struct str in, struct buf *out)
{
	AUTO(mime_charset_close) struct mime_charset c;

	must(mime_charset_open(&c, name) == 0);
	for (size_t n = 1; in.n > 0; n++) {
		mime_charset_add(&c, str_head(in, n), out);
		in = str_skip(in, n);
	}
	mime_charset_end(&c, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(64u << 20);
	AUTO(buf_fini) struct buf pieces = BUF_INIT(64u << 20);
	AUTO(buf_fini) struct buf small = BUF_INIT(16);
	AUTO(buf_fini) struct buf folded = BUF_INIT(256u << 20);
	struct str in = str_of(data, size), name = S("");

	if (!str_split(&in, '\n', &name) || mime_to_utf8(name, in, &text) < 0)
		return 0;
	must(str_is_utf8(buf_str(&text)) && text.n <= 8 * in.n + 64);
	in_pieces(name, in, &pieces);
	/* What is damaged may be damaged elsewhere: iconv has states. */
	must(str_find(buf_str(&text), S("\xEF\xBF\xBD")) >= 0 || str_eq(buf_str(&pieces), buf_str(&text)));
	/* Where it does not fit, what is there is still text. */
	(void)!mime_to_utf8(name, in, &small);
	must(small.n <= 16);
	mime_casemap(buf_str(&text), &folded);
	must(str_is_utf8(buf_str(&folded)) && folded.n <= 32 * text.n + 64);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Character sets: the first line is a name, the rest text in it. What comes out is UTF-8 and not
 * longer than eight times what went in, and folding it stays bounded too.
 */
#include "base/must.h"
#include "mime/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(64u << 20);
	AUTO(buf_fini) struct buf small = BUF_INIT(16);
	AUTO(buf_fini) struct buf folded = BUF_INIT(256u << 20);
	struct str in = str_of(data, size), name = S("");

	if (!str_split(&in, '\n', &name) || mime_to_utf8(name, in, &text) < 0)
		return 0;
	must(str_is_utf8(buf_str(&text)) && text.n <= 8 * in.n + 64);
	/* Where it does not fit, what is there is still text. */
	(void)!mime_to_utf8(name, in, &small);
	must(small.n <= 16);
	mime_casemap(buf_str(&text), &folded);
	must(str_is_utf8(buf_str(&folded)) && folded.n <= 32 * text.n + 64);
	return 0;
}

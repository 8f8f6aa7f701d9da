/* SPDX-License-Identifier: MIT */
/*
 * The body machine against a slow and simple one: the end must be at the first CR LF . CR LF
 * (or . CR LF at the start), the output must be the text without stuffing, and cutting the
 * input anywhere must change nothing.
 */
#include "smtp/dotstream.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Where the end stands, seen byte by byte; adds the text before it to out. Returns the offset
 * behind it, or -1.
 */
static ptrdiff_t simple(struct str in, struct buf *out)
{
	bool is_line = true;

	for (size_t i = 0; i < in.n; i++) {
		if (is_line && in.p[i] == '.') {
			if (in.n - i >= 3 && in.p[i + 1] == '\r' && in.p[i + 2] == '\n')
				return (ptrdiff_t)i + 3;
			is_line = false;
			if (in.n - i == 2 &&
			    in.p[i + 1] == '\r') /* may yet become the end: held back */
				break;
			continue;
		}
		buf_add_char(out, in.p[i]);
		is_line = i > 0 && in.p[i] == '\n' && in.p[i - 1] == '\r';
	}
	return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf got = BUF_INIT(1 << 20);
	AUTO(buf_fini) struct buf want = BUF_INIT(1 << 20);
	struct str in = str_of(data + (size > 0), size - (size > 0)), all = in, slice;
	size_t step = size > 0 && data[0] ? data[0] : in.n;
	enum smtp_dot_what what = SMTP_DOT_MORE;
	struct smtp_dotstream d = { 0 };
	ptrdiff_t end;

	if (size > 1 << 19)
		return 0;
	end = simple(in, &want);
	while (all.n > 0 && what != SMTP_DOT_END) {
		struct str piece = str_head(all, step);
		size_t n = piece.n;

		while ((what = smtp_dotstream_next(&d, &piece, &slice)) == SMTP_DOT_SLICE)
			buf_add(&got, slice);
		all = str_skip(all, n - piece.n);
	}
	must((what == SMTP_DOT_END) == (end >= 0));
	must(end < 0 || in.n - all.n == (size_t)end);
	must(str_eq(buf_str(&got), buf_str(&want)));
	return 0;
}

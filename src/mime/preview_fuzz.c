/* SPDX-License-Identifier: MIT */
/*
 * A body of HTML or, when the first byte is odd, of plain text: its preview is one line of UTF-8,
 * and short.
 */
#include "base/must.h"
#include "mime/preview.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a;
	AUTO(buf_fini) struct buf message = BUF_INIT(1u << 20);
	AUTO(buf_fini) struct buf out = BUF_INIT(MIME_PREVIEW_BYTES);
	struct mime_part *root;
	struct str text;
	size_t n = 0;

	if (size < 1 || size > 65536)
		return 0;
	buf_add(&message, data[0] & 1 ? S("\r\n") : S("Content-Type: text/html\r\n\r\n"));
	buf_add(&message, str_of(data + 1, size - 1));
	arena_init(&a, LIMIT_MIME_ARENA);
	must(mime_parse(&a, buf_str(&message), &root) == 0);
	mime_preview(buf_str(&message), root, &out);
	text = mime_buf_text(&out);
	must(!buf_overflowed(&out) && str_is_utf8(text));
	for (size_t i = 0; i < text.n; i++) {
		must((unsigned char)text.p[i] >= 0x20 && text.p[i] != 0x7f);
		n += (text.p[i] & 0xc0) != 0x80;
	}
	must(n <= MIME_PREVIEW_CHARS && (n == 0 || (text.p[0] != ' ' && text.p[text.n - 1] != ' ')));
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Encoded words and case mapping: always UTF-8, bounded. */
#include "base/must.h"
#include "mime/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(64u << 20);
	AUTO(buf_fini) struct buf mapped = BUF_INIT(256u << 20);

	mime_encword_decode(str_of(data, size), &text);
	must(str_is_utf8(buf_str(&text)));
	mime_casemap(buf_str(&text), &mapped);
	must(str_is_utf8(buf_str(&mapped)));
	return 0;
}

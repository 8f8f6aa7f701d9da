/* SPDX-License-Identifier: MIT */
/*
 * print(parse(y)) == y for every name that is taken, and parse(print(x)) == x for every
 * valid UTF-8.
 */
#include "base/must.h"
#include "imap/utf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);
	AUTO(buf_fini) struct buf a = BUF_INIT(1 << 20);
	AUTO(buf_fini) struct buf b = BUF_INIT(1 << 20);

	if (size > 4096)
		return 0;
	if (imap_utf7_decode(&a, in)) {
		must(str_is_utf8(buf_str(&a)));
		imap_utf7_encode(&b, buf_str(&a));
		must(str_eq(buf_str(&b), in));
	}
	buf_reset(&a);
	buf_reset(&b);
	if (str_is_utf8(in)) {
		imap_utf7_encode(&a, in);
		must(imap_utf7_decode(&b, buf_str(&a)));
		must(str_eq(buf_str(&b), in));
	}
	return 0;
}

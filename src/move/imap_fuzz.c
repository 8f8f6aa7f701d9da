/* SPDX-License-Identifier: MIT */
/* What an IMAP server may send: responses end where the next begins, slices stay inside. */
#include "base/limits.h"
#include "base/must.h"
#include "move/imap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);
	struct move_imap_reply r;
	struct move_imap_options o;
	AUTO(arena_fini) struct arena a;
	size_t n;

	arena_init(&a, 8u << 20);
	(void)move_imap_url(&a, in, &o);
	while (in.n && move_imap_response(in, &n) == 1) {
		struct str one = str_head(in, n);

		must(n > 0 && n <= in.n);
		if (move_imap_parse(&a, one, &r) == 1)
			must(r.body.n == 0 || (r.body.p >= one.p && r.body.p + r.body.n <= one.p + one.n));
		in = str_skip(in, n);
	}
	return 0;
}

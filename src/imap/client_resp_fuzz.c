/* SPDX-License-Identifier: MIT */
/* What an IMAP server may send: responses end where the next begins, however they arrive; slices stay inside. */
#include "base/limits.h"
#include "base/must.h"
#include "imap/client_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct str part, struct str all)
{
	return part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static size_t scan_slowly(struct str in, size_t by)
{
	struct imap_client_scan s = { 0 };
	size_t n = 0, have = by;

	while (imap_client_scan(&s, str_head(in, have), LIMIT_IMPORT_MESSAGE, &n) == 0)
		have += by;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);
	struct imap_client_reply r;
	AUTO(arena_fini) struct arena a;
	size_t n;

	arena_init(&a, 8u << 20);
	while (in.n && imap_client_response(in, LIMIT_IMPORT_MESSAGE, &n) == 1) {
		struct str one = str_head(in, n);

		must(n > 0 && n <= in.n && scan_slowly(in, 1 + in.n % 7) == n);
		if (imap_client_parse(&a, one, &r) == 1) {
			must(is_inside(r.code, one) && is_inside(r.text, one) && is_inside(r.attributes, one) && is_inside(r.uids_to, one));
			must(r.has_body || (r.body.n == 0 && !r.is_whole));
		}
		in = str_skip(in, n);
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* The QRESYNC parameter: what is taken ascends, and compares with any view in no time. */
#include "base/must.h"
#include "imap/qresync.h"
#include "store/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a = { .cap = 4u << 20 };
	const struct store_view empty = { .uidnext = 1 };
	struct imap_qresync q;
	struct imap_parse p;

	imap_parse_init(&p, &a, str_of(data, size), false);
	if (imap_qresync_parse(&p, &q) <= 0) {
		must(p.p == (const char *)data);
		return 0;
	}
	must(q.uidvalidity > 0 && (q.match_seqs.n > 0) == (q.match_uids.n > 0));
	for (size_t i = 1; i < q.match_seqs.n; i++)
		must(q.match_seqs.r[i].lo > q.match_seqs.r[i - 1].hi);
	must(imap_qresync_match(&q, &empty) == 0);
	return 0;
}

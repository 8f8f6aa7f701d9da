/* SPDX-License-Identifier: MIT */
/*
 * parse(print(x)) == x for the numbers of a sequence set, and every set resolves in an
 * empty mailbox.
 */
#include "base/must.h"
#include "imap/seqset.h"
#include "store/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int numbers(struct arena *a, struct str text, struct imap_seqset *set, struct uidset *ret)
{
	struct imap_parse p;

	imap_parse_init(&p, a, text, false);
	if (imap_parse_seqset(&p, set) <= 0 || !imap_parse_end(&p) || set->is_saved)
		return -E_SYNTAX;
	return imap_seqset_numbers(a, set, 1000, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a = { .cap = 16u << 20 };
	AUTO(buf_fini) struct buf text = BUF_INIT(1 << 20);
	const struct store_view empty = { .uidnext = 1 };
	struct uidset first = { 0 }, again = { 0 }, seqs = { 0 };
	struct imap_seqset set;
	size_t i;

	if (size > 4096 || numbers(&a, str_of(data, size), &set, &first) < 0)
		return 0;
	must(imap_seqset_resolve(&a, &set, false, &empty, &first, &seqs) == -E_SYNTAX);
	must(imap_seqset_resolve(&a, &set, true, &empty, &first, &seqs) == 0 && seqs.n == 0);
	uidset_print(&text, &first);
	must(numbers(&a, buf_str(&text), &set, &again) == 0 && again.n == first.n);
	for (i = 0; i < first.n; i++)
		must(first.r[i].lo == again.r[i].lo && first.r[i].hi == again.r[i].hi);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What stands after FETCH's sequence set: no crash, and labels that a client could parse
 * again.
 */
#include "base/must.h"
#include "imap/fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a = { .cap = 4u << 20 };
	struct imap_fetch f;
	struct imap_parse p;
	int r;

	imap_parse_init(&p, &a, str_of(data, size), false);
	r = imap_fetch_parse(&p, &f);
	must(r == 1 || p.p == (const char *)data);
	must(r != 1 || f.n > 0 || f.bits != 0);
	for (size_t i = 0; r == 1 && i < f.n; i++) {
		struct str label = f.items[i].label;

		must(label.n > 0 && f.items[i].n_part <= IMAP_FETCH_DEPTH);
		must(str_chr(label, '\r') < 0 && str_chr(label, '\n') < 0 &&
		     str_chr(label, '\0') < 0);
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Senders and local parts as arbitrary bytes. What goes forward comes back the same; what is not ours is never taken. */
#include "mailauth/srs.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[SRS_KEY] = "k";
	struct str input = str_of(data, size), there, back;
	struct arena a;

	arena_init(&a, 1u << 16);
	/* With luck a guess is right: one of 2^30. */
	(void)!srs_reverse(key, 1700000000, input, &a, &back);
	if (size > 0 && memchr(data, 0, size) == NULL && srs_forward(key, 1700000000, input, S("b.example"), &a, &there) == 0) {
		must(srs_reverse(key, 1700000000, str_head(there, (size_t)str_rchr(there, '@')), &a, &back) == 0);
		must(str_starts(there, S("SRS1")) || str_starts(there, S("\"SRS1")) || str_eq(back, input));
	}
	arena_fini(&a);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* A record and a policy as arbitrary bytes. What is taken keeps its bounds. */
#include "mailauth/sts.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of(data, size), id;
	struct sts_policy p;
	struct arena a;

	if (sts_record_parse(&input, 1, &id))
		must(id.n > 0 && id.n <= STS_ID_MAX && id.p >= input.p && id.p + id.n <= input.p + input.n);
	arena_init(&a, 1u << 20);
	if (sts_policy_parse(input, &a, &p) == 0) {
		must(p.n_mx <= STS_POLICY_MX && p.max_age_s >= 0 && p.max_age_s <= STS_MAX_AGE_S);
		must(p.mode == STS_NONE || p.n_mx > 0);
		for (size_t i = 0; i < p.n_mx; i++)
			must(sts_policy_has_mx(&p, p.mx[i]) || p.mx[i].p[0] == '*');
	}
	arena_fini(&a);
	return 0;
}

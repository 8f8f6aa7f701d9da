/* SPDX-License-Identifier: MIT */
/* A record of DMARC as arbitrary bytes, read, and found at every name. */
#include "mailauth/dmarc.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ask(void *ctx, struct arena *a, struct str name, enum lookup_type type,
	       struct lookup_answer *ret)
{
	must(type == LOOKUP_TXT && name.n <= 253);
	*ret = (struct lookup_answer){ .v = ARENA_ARRAY(a, struct str, 1), .n = 1 };
	if (!ret->v)
		return -E_LIMIT;
	ret->v[0] = *(const struct str *)ctx;
	return 0;
}

static void check_uris(const struct dmarc_uri *v, size_t n)
{
	must(n <= DMARC_URIS);
	for (size_t i = 0; i < n; i++)
		must(v[i].uri.n > 0 && v[i].host.n <= 253);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of(data, size), name;
	const struct lookup l = { .ask = ask, .ctx = &input };
	struct dmarc_record r;
	struct dmarc_found f;
	struct arena a;

	if (dmarc_record_parse(input, &r) == 0) {
		must(dmarc_record_is(input) && r.p < DMARC_N_POLICIES && r.n_notes <= DMARC_NOTES);
		check_uris(r.rua, r.n_rua);
		check_uris(r.ruf, r.n_ruf);
	}
	arena_init(&a, 1u << 20);
	if (dmarc_find(&l, S("a.b.c.d.e.f.g.h.i.example.com"), &a, &f) == 0 && f.domain.n > 0)
		for (size_t i = 0; i < f.record.n_rua; i++)
			if (f.record.rua[i].host.n > 0)
				must(dmarc_may_report(&l, &f, f.record.rua[i].host, &a, &name) <=
				     1);
	arena_fini(&a);
	return 0;
}

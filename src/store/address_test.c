/* SPDX-License-Identifier: MIT */
/* Addresses in their one form: what goes the short way comes out as IDNA has it. */
#include "base/test.h"

#include <idn2.h>

#include "base/rnd.h"
#include "store/account.h"

/* What libidn2 makes of it; empty where it refuses. */
static struct str by_idna(struct arena *a, struct str domain)
{
	char *out_z = NULL;
	struct str out = S("");

	if (idn2_lookup_u8((const uint8_t *)arena_z(a, domain), (uint8_t **)&out_z, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK)
		out = arena_str(a, str_z(out_z));
	idn2_free(out_z);
	return out;
}

static void check(struct arena *a, struct str domain)
{
	struct str got = S("");
	struct str want = by_idna(a, domain);
	int r = store_domain_canonical(a, domain, &got);

	bool has_empty = domain.p[0] == '.' || str_find(domain, S("..")) >= 0; /* which it lets pass */

	assert_int_equal(r == 0, want.n > 0 && !has_empty);
	assert_str_eq(got, has_empty ? S("") : want);
}

TEST(domains_are_as_idna_has_them)
{
	static const char *const names[] = { "example.org", "EXAMPLE.Org", "a", "A1-b.c", "-a.org", "a-.org", "a--b.org", "xn--mnchen-3ya.de", "XN--MNCHEN-3YA.de",
					     "xn--.de", "a..b", ".a", "1.2", "a_b.org", "m\xc3\xbcnchen.de", "M\xc3\x9cNCHEN.de", "ab--c.de", "a.b-c.d" };
	AUTO(arena_fini) struct arena a;

	arena_init(&a, 1u << 20);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		check(&a, str_z(names[i]));
}

TEST(domains_at_random_are_as_idna_has_them)
{
	static const char letters[] = "aZ09-..bxXnN";
	char text[70];
	AUTO(arena_fini) struct arena a;

	arena_init(&a, 1u << 20);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t bytes[sizeof(text)];
		size_t n;

		rnd_bytes(bytes, sizeof(bytes));
		n = 1 + bytes[0] % (sizeof(text) - 1);
		for (size_t k = 0; k < n; k++)
			text[k] = letters[bytes[k % sizeof(bytes)] % (sizeof(letters) - 1)];
		if (text[n - 1] != '.')
			check(&a, str_of(text, n));
		arena_reset(&a);
	}
}

TEST(domains_have_lengths)
{
	char label64[64 + 4 + 1];
	struct str got;
	AUTO(arena_fini) struct arena a;

	arena_init(&a, 1u << 16);
	memset(label64, 'a', 64);
	memcpy(label64 + 64, ".org", 5);
	assert_int_equal(store_domain_canonical(&a, str_z(label64), &got), -E_SYNTAX);
	assert_int_equal(store_domain_canonical(&a, str_z(label64 + 1), &got), 0);
	assert_str_eq(got, str_z(label64 + 1));
	assert_int_equal(store_domain_canonical(&a, S(""), &got), -E_SYNTAX);
	assert_int_equal(store_domain_canonical(&a, S("Example.ORG."), &got), 0);
	assert_str_eq(got, S("example.org"));
	assert_int_equal(store_domain_canonical(&a, S("example.org.."), &got), -E_SYNTAX);
}

/* SPDX-License-Identifier: MIT */
/* Data of records: whatever it is, readers stay within it; a name that is read as text is one, or has a byte that no host has. */
#include "base/must.h"
#include "net/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_name(struct str name)
{
	must(name.n <= 4 * 255);
	for (size_t i = 0; i < name.n; i++)
		must(name.p[i] > ' ' && name.p[i] < 127);
	if (name.n > 0 && str_chr(name, '\\') < 0 && net_dns_is_name(name))
		must(name.n <= 253);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rdata = str_of(data, size);
	struct net_dns_tlsa tlsa;
	struct net_dns_caa caa;
	struct net_dns_srv srv;
	struct arena a;
	struct str name;
	uint16_t preference;

	arena_init(&a, 1 << 20);
	if (net_dns_mx(&a, rdata, &preference, &name)) {
		must(size >= 3);
		look_at_name(name);
	}
	if (net_dns_srv(&a, rdata, &srv)) {
		must(size >= 7);
		look_at_name(srv.target);
	}
	if (net_dns_target(&a, rdata, &name))
		look_at_name(name);
	if (net_dns_txt(&a, rdata, &name))
		must(name.n < size);
	if (net_dns_tlsa(rdata, &tlsa))
		must(tlsa.data.n == size - 3 && tlsa.data.n > 0);
	if (net_dns_caa(rdata, &caa))
		must(caa.tag.n > 0 && caa.tag.n + caa.value.n == size - 2);
	(void)net_dns_is_name(rdata);
	arena_fini(&a);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Names of hosts as people write them. */
#include "doctor/find_int.h"

#include <idn2.h>

#define NAME_MAX_BYTES 1000 /* as it is written; in UTF-8 that is more than 253 A-label characters can come from */

static struct str without_brackets(struct str s)
{
	if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return s;
	s = str_head(str_skip(s, 1), s.n - 2);
	return str_istarts(s, S("IPv6:")) ? str_skip(s, 5) : s;
}

bool find_is_address(struct str host)
{
	struct net_address address;

	return net_address_parse(host, 0, &address);
}

bool find_is_within(struct str host, struct str domain)
{
	struct str tail;

	if (host.n <= domain.n)
		return str_ieq(host, domain);
	tail = str_skip(host, host.n - domain.n);
	return domain.n > 0 && str_ieq(tail, domain) && host.p[host.n - domain.n - 1] == '.';
}

static int to_ascii(struct arena *a, struct str name, const char **ret_z)
{
	char *in_z = arena_z(a, name), *out_z = NULL;

	if (!in_z)
		return -E_LIMIT;
	if (idn2_lookup_u8((const uint8_t *)in_z, (uint8_t **)&out_z, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
		return -E_SYNTAX;
	*ret_z = arena_z(a, str_z(out_z));
	idn2_free(out_z);
	return *ret_z ? 0 : -E_LIMIT;
}

/* ASCII is taken as it is: servers have names that IDNA would not let one register, such as those with '_'. */
static int lower(struct arena *a, struct str name, const char **ret_z)
{
	char *copy_z = arena_z(a, name);

	for (size_t i = 0; copy_z && i < name.n; i++)
		copy_z[i] = str_lower_char(copy_z[i]);
	*ret_z = copy_z;
	return copy_z ? 0 : -E_LIMIT;
}

int doctor_find_host(struct arena *a, struct str text, const char **ret_z)
{
	struct str bare = without_brackets(text);
	const char *name_z = NULL;
	int r;

	if (find_is_address(bare))
		return lower(a, bare, ret_z);
	if (str_ends(text, S(".")))
		text.n--;
	if (text.n == 0 || text.n > NAME_MAX_BYTES || memchr(text.p, '\0', text.n) || !str_is_utf8(text))
		return -E_SYNTAX;
	r = str_is_ascii(text) ? lower(a, text, &name_z) : to_ascii(a, text, &name_z);
	if (r < 0)
		return r;
	if (!net_dns_is_name(str_z(name_z)) || str_ends(str_z(name_z), S(".")))
		return -E_SYNTAX;
	*ret_z = name_z;
	return 0;
}

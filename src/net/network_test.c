/* SPDX-License-Identifier: MIT */
/* Networks: their forms, and what lies in them. */
#include "net/network.h"

#include "base/test.h"

TEST(an_address_lies_in_a_network_or_not)
{
	static const struct {
		const char *network, *address;
		bool is_in;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },        { "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/25", "192.0.2.127", true },        { "192.0.2.0/25", "192.0.2.128", false },
		{ "192.0.2.1", "192.0.2.1", true },             { "192.0.2.1", "192.0.2.2", false },
		{ "0.0.0.0/0", "203.0.113.9", true },           { "0.0.0.0/0", "2001:db8::1", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },      { "127.0.0.0/8", "::1", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },  { "2001:db8::/32", "2001:db9::1", false },
		{ "::1", "::1", true },                         { "::/0", "192.0.2.1", true },
		{ "10.0.0.0/8", "unix", false },                { "10.0.0.0/8", "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_network n;

		test_row(rows[i].address);
		assert_true(net_network_parse(str_z(rows[i].network), &n));
		assert_int_equal(net_network_has(&n, str_z(rows[i].address)), rows[i].is_in);
	}
}

TEST(a_malformed_network_is_none)
{
	static const char *const bad[] = { "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8", "10.0.0.1/8",
					   "2001:db8::/129", "2001:db8::1/64", "example.org", "10.0.0.0/ 8", "*" };
	struct net_network n;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		test_row(bad[i]);
		assert_false(net_network_parse(str_z(bad[i]), &n));
	}
}

/* SPDX-License-Identifier: MIT */
/* Records and addresses of TLSRPT, with the examples of RFC 8460 3.1. */
#include "mailauth/tlsrpt.h"

#include "base/test.h"

TEST(a_tlsrpt_record_is_the_one_that_says_its_version)
{
	static const struct {
		const char *name, *records[3], *rua;
	} rows[] = {
		{ "the RFC's, mail",
		  { "v=TLSRPTv1;rua=mailto:reports@example.com" },
		  "mailto:reports@example.com" },
		{ "the RFC's, https",
		  { "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt" },
		  "https://reporting.example.com/v1/tlsrpt" },
		{ "both, spaces",
		  { "v=TLSRPTv1 ; rua=mailto:a@b.example , https://c.example ; " },
		  "mailto:a@b.example https://c.example" },
		{ "others beside it",
		  { "v=spf1 -all", "v=TLSRPTv1;rua=mailto:a@b", "v=TLSRPTv2;rua=mailto:c@d" },
		  "mailto:a@b" },
		{ "an unknown field",
		  { "v=TLSRPTv1; x-y.z_1=a:b; rua=mailto:a@b;" },
		  "mailto:a@b" },
		{ "another scheme", { "v=TLSRPTv1; rua=ftp://x/,mailto:a@b" }, "mailto:a@b" },
		{ "a query with =",
		  { "v=TLSRPTv1;rua=https://c.example/?k=v" },
		  "https://c.example/?k=v" },
		{ "of five the first four",
		  { "v=TLSRPTv1;rua=mailto:a@b,mailto:b@b,mailto:c@b,mailto:d@b,mailto:e@b" },
		  "mailto:a@b mailto:b@b mailto:c@b mailto:d@b" },
		{ "two records",
		  { "v=TLSRPTv1;rua=mailto:a@b", "v=TLSRPTv1;rua=mailto:c@d" },
		  NULL },
		{ "no address", { "v=TLSRPTv1;" }, NULL },
		{ "no delimiter", { "v=TLSRPTv1" }, NULL },
		{ "an empty address", { "v=TLSRPTv1;rua=;" }, NULL },
		{ "only others", { "v=TLSRPTv1;rua=http://c.example/" }, NULL },
		{ "wrong case", { "v=tlsrptv1;rua=mailto:a@b" }, NULL },
		{ "RUA", { "v=TLSRPTv1;RUA=mailto:a@b" }, NULL },
		{ "not at its begin", { " v=TLSRPTv1;rua=mailto:a@b" }, NULL },
		{ "an empty field", { "v=TLSRPTv1;;rua=mailto:a@b" }, NULL },
		{ "a field without value", { "v=TLSRPTv1;rua=mailto:a@b;x" }, NULL },
		{ "nothing", { "" }, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str records[3], rua = { 0 };
		struct arena a;
		size_t n = 0;

		test_row(rows[i].name);
		arena_init(&a, 1u << 16);
		for (; n < 3 && rows[i].records[n]; n++)
			records[n] = str_z(rows[i].records[n]);
		assert_int_equal(tlsrpt_record_parse(records, n, &a, &rua), rows[i].rua != NULL);
		if (rows[i].rua)
			assert_str_eq(rua, str_z(rows[i].rua));
		arena_fini(&a);
	}
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

TEST(an_address_for_reports_is_one_that_can_be_used)
{
	static const struct {
		const char *uri, *address, *host, *path;
		int port;
	} rows[] = {
		{ .uri = "mailto:reports@example.com", .address = "reports@example.com" },
		{ .uri = "MAILTO:tls%2Brpt@example.com?subject=x",
		  .address = "tls+rpt@example.com" },
		{ .uri = "mailto:a@b%2Cc" },
		{ .uri = "mailto:a@b.example,c@d.example" }, /* a comma separates in the record */
		{ .uri = "mailto:%22a%20b%22@example.com" },
		{ .uri = "mailto:a%0d%0aBcc:x@example.com" },
		{ .uri = "mailto:a%00@example.com" },
		{ .uri = "mailto:a@b%00c" },
		{ .uri = "mailto:a%4" },
		{ .uri = "mailto:a@example.com!10m" },
		{ .uri = "mailto:@example.com" },
		{ .uri = "mailto:a" },
		{ .uri = "mailto:" },
		{ .uri = "mailto:a@[192.0.2.1]" },
		{ .uri = "https://reporting.example.com/v1/tlsrpt",
		  .host = "reporting.example.com",
		  .path = "/v1/tlsrpt" },
		{ .uri = "HTTPS://h.example:8443?x#frag",
		  .host = "h.example",
		  .path = "/?x",
		  .port = 8443 },
		{ .uri = "https://h.example", .host = "h.example", .path = "/" },
		{ .uri = "https://u:p@h.example/" },
		{ .uri = "https://[::1]/" },
		{ .uri = "https:///x" },
		{ .uri = "https://h.example:0/" },
		{ .uri = "https://h.example:65536/" },
		{ .uri = "https://h..example/" },
		{ .uri = "https://" X64 "/" },
		{ .uri = "https://h.example/a b" },
		{ .uri = "https://h.example/" X64 X64 X64 X64 },
		{ .uri = "http://h.example/" },
		{ .uri = "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tlsrpt_uri u;
		struct arena a;
		char *uri = test_copy(str_z(rows[i].uri));

		test_row(rows[i].uri);
		arena_init(&a, 1u << 16);
		assert_int_equal(tlsrpt_uri_parse(str_of(uri, strlen(rows[i].uri)), &a, &u),
				 rows[i].address || rows[i].host);
		if (rows[i].address)
			assert_str_eq(u.address, str_z(rows[i].address));
		if (rows[i].host) {
			assert_str_eq(u.host, str_z(rows[i].host));
			assert_str_eq(u.path, str_z(rows[i].path));
			assert_int_equal(u.port, rows[i].port);
		}
		mem_free(uri);
		arena_fini(&a);
	}
}

/* SPDX-License-Identifier: MIT */
/* Responses of ManageSieve servers, the first bytes of any port, and files of hosts. */
#include "base/test.h"
#include "doctor/attempt.h"
#include "doctor/host.h"
#include "doctor/sieve.h"

TEST(sieve_responses)
{
	static const struct {
		struct str in;
		int want;
		enum doctor_sieve_kind kind;
		struct str name, value, code, text;
	} rows[] = {
		{ STR_INIT("\"STARTTLS\"\r\n"), 1, DOCTOR_SIEVE_CAPABILITY, STR_INIT("STARTTLS"), { 0 }, { 0 }, { 0 } },
		{ STR_INIT("\"SASL\" \"PLAIN LOGIN\"\r\n"), 1, DOCTOR_SIEVE_CAPABILITY, STR_INIT("SASL"), STR_INIT("PLAIN LOGIN"), { 0 }, { 0 } },
		{ STR_INIT("\"SASL\" {5}\r\nPLAIN\r\n"), 1, DOCTOR_SIEVE_CAPABILITY, STR_INIT("SASL"), STR_INIT("PLAIN"), { 0 }, { 0 } },
		{ STR_INIT("{4}\r\nSASL\r\n"), 1, DOCTOR_SIEVE_CAPABILITY, STR_INIT("SASL"), { 0 }, { 0 }, { 0 } },
		{ STR_INIT("OK\r\n"), 1, DOCTOR_SIEVE_OK, { 0 }, { 0 }, { 0 }, { 0 } },
		{ STR_INIT("ok \"ready\"\r\n"), 1, DOCTOR_SIEVE_OK, { 0 }, { 0 }, { 0 }, STR_INIT("ready") },
		{ STR_INIT("NO (QUOTA/MAXSIZE) \"too big\"\r\n"), 1, DOCTOR_SIEVE_NO, { 0 }, { 0 }, STR_INIT("QUOTA/MAXSIZE"), STR_INIT("too big") },
		{ STR_INIT("OK (TAG \"a)b\")\r\n"), 1, DOCTOR_SIEVE_OK, { 0 }, { 0 }, STR_INIT("TAG \"a)b\""), { 0 } },
		{ STR_INIT("BYE {3}\r\na\nb\r\n"), 1, DOCTOR_SIEVE_BYE, { 0 }, { 0 }, { 0 }, STR_INIT("a\nb") },
		{ STR_INIT("\"a\\\"b\"\r\n"), 1, DOCTOR_SIEVE_CAPABILITY, STR_INIT("a\\\"b"), { 0 }, { 0 }, { 0 } },
		{ STR_INIT("OKAY\r\n"), -E_SYNTAX, 0, { 0 }, { 0 }, { 0 }, { 0 } },
		{ STR_INIT("\"SASL\r\n"), -E_SYNTAX, 0, { 0 }, { 0 }, { 0 }, { 0 } },
		{ STR_INIT("\"SASL\"\"x\"\r\n"), -E_SYNTAX, 0, { 0 }, { 0 }, { 0 }, { 0 } },
		{ STR_INIT("OK (x\r\n"), -E_SYNTAX, 0, { 0 }, { 0 }, { 0 }, { 0 } },
		{ STR_INIT("{9}\r\nSASL\r\n"), -E_SYNTAX, 0, { 0 }, { 0 }, { 0 }, { 0 } },
		{ STR_INIT("\"a\\\r\n"), -E_SYNTAX, 0, { 0 }, { 0 }, { 0 }, { 0 } },
		{ STR_INIT("220 mx ESMTP\r\n"), -E_SYNTAX, 0, { 0 }, { 0 }, { 0 }, { 0 } },
		{ STR_INIT("\"SASL\""), -E_SYNTAX, 0, { 0 }, { 0 }, { 0 }, { 0 } },
		{ STR_INIT(""), -E_SYNTAX, 0, { 0 }, { 0 }, { 0 }, { 0 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy = test_copy(rows[i].in);
		struct doctor_sieve_response r = { 0 };

		test_row(rows[i].in.p);
		assert_int_equal(doctor_sieve_parse(str_of(copy, rows[i].in.n), &r), rows[i].want);
		if (rows[i].want == 1) {
			assert_int_equal(r.kind, rows[i].kind);
			assert_str_eq(r.name, rows[i].name);
			assert_str_eq(r.value, rows[i].value);
			assert_str_eq(r.code, rows[i].code);
			assert_str_eq(r.text, rows[i].text);
		}
		mem_free(copy);
	}
}

TEST(sieve_literals)
{
	assert_int_equal(doctor_sieve_literal(S("\"SASL\" {12}")), 12);
	assert_int_equal(doctor_sieve_literal(S("{0}")), 0);
	assert_int_equal(doctor_sieve_literal(S("{}")), -1);
	assert_int_equal(doctor_sieve_literal(S("{12} ")), -1);
	assert_int_equal(doctor_sieve_literal(S("12}")), -1);
	assert_int_equal(doctor_sieve_literal(S("{99999999999}")), -1);
}

TEST(speech)
{
	static const struct {
		struct str bytes;
		enum doctor_speech want;
	} rows[] = {
		{ STR_INIT(""), DOCTOR_SAYS_NOTHING },
		{ STR_INIT("220 mx.example ESMTP\r\n"), DOCTOR_SAYS_SMTP },
		{ STR_INIT("554-go away"), DOCTOR_SAYS_SMTP },
		{ STR_INIT("2200 x"), DOCTOR_SAYS_OTHER },
		{ STR_INIT("* OK ready"), DOCTOR_SAYS_IMAP },
		{ STR_INIT("* bye full"), DOCTOR_SAYS_IMAP },
		{ STR_INIT("+OK <1@x>"), DOCTOR_SAYS_POP3 },
		{ STR_INIT("\"IMPLEMENTATION\" \"x\""), DOCTOR_SAYS_SIEVE },
		{ STR_INIT("\x15\x03\x01"), DOCTOR_SAYS_TLS },
		{ STR_INIT("HTTP/1.1 400 Bad Request"), DOCTOR_SAYS_HTTP },
		{ STR_INIT("SSH-2.0-OpenSSH"), DOCTOR_SAYS_SSH },
		{ STR_INIT("RFB 003.008"), DOCTOR_SAYS_OTHER },
		{ STR_INIT("2"), DOCTOR_SAYS_OTHER },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy = test_copy(rows[i].bytes);

		test_row(rows[i].bytes.p);
		assert_int_equal(doctor_speech_of(str_of(copy, rows[i].bytes.n)), rows[i].want);
		mem_free(copy);
	}
}

TEST(words_of_strangers_are_cleaned)
{
	struct arena a;

	arena_init(&a, 1 << 16);
	assert_string_equal(doctor_clean(&a, S("a\033[31mb\nc\td\x7f\xc2\x9b\0e"), 100), "a?[31mb c d????e");
	assert_string_equal(doctor_clean(&a, S("abcdef"), 3), "abc");
	assert_string_equal(doctor_clean(&a, S(""), 3), "");
	arena_fini(&a);
}

TEST(hosts_file)
{
	struct doctor_host h = { .name_z = "mail.example.org" };
	char text[NET_ADDRESS_TEXT];

	doctor_host_scan(&h, S("127.0.0.1 localhost\n# 192.0.2.1 mail.example.org\n192.0.2.7\twww Mail.Example.ORG # here\n"
			       "2001:db8::7 mail.example.org\n192.0.2.8 mail.example.org.evil\nnonsense mail.example.org"));
	assert_int_equal(h.n, 2);
	net_address_text(&h.addresses[0], text);
	assert_string_equal(text, "192.0.2.7");
	net_address_text(&h.addresses[1], text);
	assert_string_equal(text, "2001:db8::7");
}

TEST(hosts_of_the_system)
{
	static const struct {
		const char *name_z;
		int err;
		size_t n;
	} rows[] = {
		{ "192.0.2.3", 0, 1 },
		{ "2001:db8::3", 0, 1 },
		{ "localhost", 0, 2 }, /* RFC 6761 6.3 */
		{ "imap.localhost", 0, 2 },
		{ "elsewhere.example", -E_NOT_FOUND, 0 }, /* there is no DNS here */
		{ "not a name", -E_NOT_FOUND, 0 },
	};
	const struct doctor_setup setup = { .hosts_file_z = "/dev/null" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct doctor_host h = { .name_z = rows[i].name_z };

		test_row(rows[i].name_z);
		doctor_host_find(&h, &setup, INT64_MAX);
		assert_int_equal(h.stage.err, rows[i].err);
		assert_int_equal(h.n, rows[i].n);
	}
}

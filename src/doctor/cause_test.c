/* SPDX-License-Identifier: MIT */
/* Each cause from an attempt that shows it, alone and beside others. */
#include "doctor/doctor_test.h"

#define IMAPS .protocol = DOCTOR_IMAP, .port = 993, .tls = DOCTOR_IMPLICIT
#define IMAP .protocol = DOCTOR_IMAP, .port = 143, .tls = DOCTOR_STARTTLS
#define SUBMISSION .protocol = DOCTOR_SUBMISSION, .port = 587, .tls = DOCTOR_STARTTLS
#define SUBMISSIONS .protocol = DOCTOR_SUBMISSION, .port = 465, .tls = DOCTOR_IMPLICIT
#define MX .protocol = DOCTOR_SMTP, .port = 25, .tls = DOCTOR_STARTTLS
#define FAILS(step, code) .failed = DOCTOR_AT_##step, .err = -E_##code

static const struct {
	const char *name;
	struct made made;
	enum doctor_cause cause;
	enum doctor_owner owner;
} rows[] = {
	{ "works", { IMAPS }, DOCTOR_WORKS, DOCTOR_NOBODY },
	{ "greets late", { MX, .greeting_ms = 6000 }, DOCTOR_WORKS_LATE, DOCTOR_SERVER },
	{ "password in the clear", { .protocol = DOCTOR_IMAP, .tls = DOCTOR_PLAIN }, DOCTOR_WORKS_PLAIN, DOCTOR_SERVER },
	{ "LMTP needs no TLS", { .protocol = DOCTOR_LMTP, .tls = DOCTOR_PLAIN }, DOCTOR_WORKS_OPEN, DOCTOR_NOBODY },
	{ "LOGINDISABLED", { .protocol = DOCTOR_IMAP, .tls = DOCTOR_PLAIN, .demands_tls = true }, DOCTOR_DEMANDS_TLS, DOCTOR_YOU },

	{ "no such name", { IMAPS, FAILS(DNS, NOT_FOUND), .source = DOCTOR_BY_NAME }, DOCTOR_NO_NAME, DOCTOR_DNS },
	{ "no address", { IMAPS, FAILS(DNS, CANNOT) }, DOCTOR_NO_ADDRESS, DOCTOR_DNS },
	{ "published without address", { IMAPS, FAILS(DNS, NOT_FOUND), .source = DOCTOR_BY_SRV }, DOCTOR_PUBLISHED_NO_ADDRESS, DOCTOR_PROVIDER },
	{ "bogus", { IMAPS, FAILS(DNS, DENIED) }, DOCTOR_DNS_BOGUS, DOCTOR_DNS },
	{ "DNS is silent", { IMAPS, FAILS(DNS, TIMEOUT) }, DOCTOR_DNS_SILENT, DOCTOR_NETWORK },
	{ "no IPv6", { IMAPS, FAILS(ROUTE, IO), .errnum = ENETUNREACH, .address_z = "2001:db8::1" }, DOCTOR_NO_IPV6, DOCTOR_NOBODY },
	{ "no route", { IMAPS, FAILS(ROUTE, IO), .errnum = ENETUNREACH }, DOCTOR_NO_ROUTE, DOCTOR_YOU },
	{ "blackhole route", { IMAPS, FAILS(ROUTE, IO), .errnum = EINVAL }, DOCTOR_FORBIDDEN_HERE, DOCTOR_YOU },
	{ "own firewall", { IMAPS, FAILS(TCP, DENIED), .errnum = EPERM }, DOCTOR_FORBIDDEN_HERE, DOCTOR_YOU },
	{ "unreachable", { IMAPS, FAILS(TCP, IO), .errnum = EHOSTUNREACH }, DOCTOR_UNREACHABLE, DOCTOR_NETWORK },
	{ "refused", { IMAPS, FAILS(TCP, IO), .errnum = ECONNREFUSED }, DOCTOR_REFUSED, DOCTOR_SERVER },
	{ "silent alone", { IMAPS, FAILS(TCP, TIMEOUT), .errnum = ETIMEDOUT }, DOCTOR_SILENT, DOCTOR_NETWORK },
	{ "cut off", { IMAPS, FAILS(TCP, TIMEOUT), .errnum = ETIMEDOUT, .is_cut_off = true }, DOCTOR_NO_TIME, DOCTOR_NOBODY },

	{ "no greeting", { IMAP, FAILS(GREETING, TIMEOUT) }, DOCTOR_NO_GREETING, DOCTOR_SERVER },
	{ "closed", { IMAP, FAILS(GREETING, CLOSED) }, DOCTOR_CLOSED, DOCTOR_SERVER },
	{ "554", { MX, FAILS(GREETING, DENIED), .code = 554, .speech = DOCTOR_SAYS_SMTP, .words_z = "554 no" }, DOCTOR_TURNED_AWAY, DOCTOR_SERVER },
	{ "BYE", { IMAP, FAILS(GREETING, DENIED), .speech = DOCTOR_SAYS_IMAP, .words_z = "full" }, DOCTOR_TURNED_AWAY, DOCTOR_SERVER },
	{ "HTTP", { IMAP, FAILS(GREETING, TIMEOUT), .speech = DOCTOR_SAYS_HTTP }, DOCTOR_NOT_MAIL, DOCTOR_SERVER },
	{ "SSH", { SUBMISSION, FAILS(GREETING, SYNTAX), .speech = DOCTOR_SAYS_SSH }, DOCTOR_NOT_MAIL, DOCTOR_SERVER },
	{ "POP3 for IMAP", { IMAP, FAILS(GREETING, SYNTAX), .speech = DOCTOR_SAYS_POP3 }, DOCTOR_OTHER_PROTOCOL, DOCTOR_YOU },
	{ "LMTP for SMTP", { MX, FAILS(CAPABILITIES, DENIED), .code = 500 }, DOCTOR_OTHER_PROTOCOL, DOCTOR_YOU },
	{ "a port for users", { MX, FAILS(COMMAND, DENIED), .code = 530 }, DOCTOR_OTHER_PROTOCOL, DOCTOR_YOU },
	{ "TLS first", { IMAP, FAILS(GREETING, TIMEOUT), .speech = DOCTOR_SAYS_TLS }, DOCTOR_WANTS_TLS_FIRST, DOCTOR_YOU },
	{ "speaks plain", { IMAPS, FAILS(TLS, TLS), .speech = DOCTOR_SAYS_IMAP }, DOCTOR_SPEAKS_PLAIN, DOCTOR_YOU },
	{ "web server at a TLS port", { IMAPS, FAILS(TLS, TLS), .speech = DOCTOR_SAYS_HTTP }, DOCTOR_NOT_MAIL, DOCTOR_SERVER },
	{ "broken off", { SUBMISSION, FAILS(CAPABILITIES, CLOSED) }, DOCTOR_BROKEN_OFF, DOCTOR_SERVER },
	{ "MAIL refused", { MX, FAILS(COMMAND, DENIED), .code = 550 }, DOCTOR_COMMAND_REFUSED, DOCTOR_SERVER },
	{ "no AUTH", { SUBMISSION, .auth_z = "" }, DOCTOR_NO_LOGINS, DOCTOR_SERVER },

	{ "no STARTTLS", { SUBMISSION, FAILS(STARTTLS, CANNOT) }, DOCTOR_STARTTLS_MISSING, DOCTOR_SERVER },
	{ "250-XXXXXXXA", { SUBMISSION, FAILS(STARTTLS, CANNOT), .is_mangled = true }, DOCTOR_STARTTLS_STRIPPED, DOCTOR_NETWORK },
	{ "demanded and not offered", { SUBMISSION, FAILS(STARTTLS, CANNOT), .demands_tls = true }, DOCTOR_STARTTLS_STRIPPED, DOCTOR_NETWORK },
	{ "454", { SUBMISSION, FAILS(STARTTLS, DENIED), .is_asked = true, .code = 454 }, DOCTOR_STARTTLS_REFUSED, DOCTOR_SERVER },
	{ "handshake", { IMAPS, FAILS(TLS, TLS) }, DOCTOR_TLS_FAILED, DOCTOR_SERVER },
	{ "cut in the handshake", { IMAPS, FAILS(TLS, CLOSED) }, DOCTOR_TLS_CUT, DOCTOR_NETWORK },
	{ "old TLS", { IMAPS, .version_z = "TLSv1.1" }, DOCTOR_TLS_OLD, DOCTOR_SERVER },
	{ "old TLS comes before its certificate", { IMAPS, FAILS(CERTIFICATE, TLS), .version_z = "TLSv1" }, DOCTOR_TLS_OLD, DOCTOR_SERVER },
	{ "expired", { IMAPS, FAILS(CERTIFICATE, TLS), .problem = NET_TLS_EXPIRED }, DOCTOR_CERTIFICATE_EXPIRED, DOCTOR_SERVER },
	{ "other name", { IMAPS, FAILS(CERTIFICATE, TLS), .problem = NET_TLS_OTHER_NAME }, DOCTOR_CERTIFICATE_OTHER_NAME, DOCTOR_SERVER },
	{ "untrusted", { IMAPS, FAILS(CERTIFICATE, TLS), .problem = NET_TLS_UNTRUSTED }, DOCTOR_CERTIFICATE_UNTRUSTED, DOCTOR_SERVER },
	{ "bad", { IMAPS, FAILS(CERTIFICATE, TLS), .problem = NET_TLS_OTHER }, DOCTOR_CERTIFICATE_BAD, DOCTOR_SERVER },

	{ "535", { SUBMISSIONS, FAILS(LOGIN, DENIED), .code = 535 }, DOCTOR_LOGIN_REFUSED, DOCTOR_YOU },
	{ "NO AUTHENTICATIONFAILED", { IMAPS, FAILS(LOGIN, AUTH_FAILED) }, DOCTOR_LOGIN_REFUSED, DOCTOR_YOU },
	{ "454 later", { SUBMISSIONS, FAILS(LOGIN, DENIED), .code = 454 }, DOCTOR_LOGIN_LATER, DOCTOR_SERVER },
	{ "only tokens", { IMAPS, FAILS(LOGIN, CANNOT) }, DOCTOR_LOGIN_NO_WAY, DOCTOR_PROVIDER },
	{ "closed in the login", { IMAPS, FAILS(LOGIN, CLOSED) }, DOCTOR_BROKEN_OFF, DOCTOR_SERVER },
};

TEST(cause_of_one)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct doctor_candidate c;
		struct doctor_attempt a;

		test_row(rows[i].name);
		make(&rows[i].made, &c, &a);
		assert_string_equal(doctor_causes[doctor_cause_of(&a)].code_z, doctor_causes[rows[i].cause].code_z);
		assert_int_equal(doctor_causes[doctor_cause_of(&a)].owner, rows[i].owner);
	}
}

#define HOST_PORT(host, address, p) .host_z = host, .address_z = address, .port = p
#define SILENT FAILS(TCP, TIMEOUT), .errnum = ETIMEDOUT
#define REFUSED FAILS(TCP, IO), .errnum = ECONNREFUSED

/* The first of each row is judged. */
static const struct {
	const char *name;
	struct made made[4];
	size_t n;
	enum doctor_cause cause;
} groups[] = {
	{ "one port of a host that refuses others", { { HOST_PORT("a", "192.0.2.1", 465), SILENT }, { HOST_PORT("a", "192.0.2.1", 2525), REFUSED } }, 2, DOCTOR_PORT_BLOCKED },
	{ "one port of a host that drops what is closed", { { HOST_PORT("a", "192.0.2.1", 995), SILENT }, { HOST_PORT("a", "192.0.2.1", 993) } }, 2, DOCTOR_PORT_FILTERED },
	{ "a published one", { { HOST_PORT("a", "192.0.2.1", 465), SILENT, .source = DOCTOR_BY_SRV }, { HOST_PORT("a", "192.0.2.1", 993) } }, 2, DOCTOR_PORT_BLOCKED },
	{ "port 25", { { HOST_PORT("a", "192.0.2.1", 25), SILENT }, { HOST_PORT("a", "192.0.2.1", 993) } }, 2, DOCTOR_PORT_BLOCKED },
	{ "one address of two", { { HOST_PORT("a", "2001:db8::1", 993), SILENT }, { HOST_PORT("a", "192.0.2.1", 993) } }, 2, DOCTOR_ADDRESS_SILENT },
	{ "one host of two", { { HOST_PORT("a", "192.0.2.1", 993), SILENT }, { HOST_PORT("b", "192.0.2.2", 993) } }, 2, DOCTOR_HOST_SILENT },
	{ "all is silent", { { HOST_PORT("a", "192.0.2.1", 993), SILENT }, { HOST_PORT("a", "192.0.2.1", 465), SILENT } }, 2, DOCTOR_NETWORK_SILENT },
	{ "one alone", { { HOST_PORT("a", "192.0.2.1", 993), SILENT } }, 1, DOCTOR_SILENT },
	{ "all is refused", { { HOST_PORT("a", "192.0.2.1", 993), REFUSED }, { HOST_PORT("a", "192.0.2.1", 465), REFUSED } }, 2, DOCTOR_NO_SERVER },
	{ "one is refused", { { HOST_PORT("a", "192.0.2.1", 993), REFUSED }, { HOST_PORT("a", "192.0.2.1", 465) } }, 2, DOCTOR_REFUSED },
	{ "STARTTLS offered at the other address",
	  { { SUBMISSION, .host_z = "a", .address_z = "192.0.2.1", FAILS(STARTTLS, CANNOT) }, { SUBMISSION, .host_z = "a", .address_z = "2001:db8::1", .has_starttls = true } },
	  2, DOCTOR_STARTTLS_STRIPPED },
	{ "STARTTLS offered by another host",
	  { { SUBMISSION, .host_z = "a", .address_z = "192.0.2.1", FAILS(STARTTLS, CANNOT) }, { SUBMISSION, .host_z = "b", .address_z = "192.0.2.2", .has_starttls = true } },
	  2, DOCTOR_STARTTLS_MISSING },
};

TEST(cause_by_comparison)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		struct doctor_candidate c[4];
		struct doctor_attempt a[4];

		test_row(groups[i].name);
		for (size_t j = 0; j < groups[i].n; j++)
			make(&groups[i].made[j], &c[j], &a[j]);
		doctor_judge(a, groups[i].n);
		assert_string_equal(doctor_causes[a[0].cause].code_z, doctor_causes[groups[i].cause].code_z);
	}
}

TEST(cause_rows_are_whole)
{
	for (size_t i = 0; i < DOCTOR_N_CAUSES; i++) {
		assert_non_null(doctor_causes[i].code_z);
		test_row(doctor_causes[i].code_z);
		assert_true(doctor_causes[i].means_z[0]);
		assert_true(doctor_is_good((enum doctor_cause)i) || doctor_causes[i].next_z[0]);
		assert_true(doctor_is_good((enum doctor_cause)i) == (doctor_causes[i].class == DOCTOR_CLASS_OK));
	}
}

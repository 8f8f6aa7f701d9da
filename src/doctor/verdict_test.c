/* SPDX-License-Identifier: MIT */
/* What is advised: which port, in which words, what is a failure and what was only a guess, how it ends. */
#include "doctor/doctor_test.h"
#include "doctor/rank.h"
#include "doctor/verdict.h"

#define MAX 8
#define SILENT .failed = DOCTOR_AT_TCP, .err = -E_TIMEOUT, .errnum = ETIMEDOUT
#define REFUSED .failed = DOCTOR_AT_TCP, .err = -E_IO, .errnum = ECONNREFUSED
#define EXPIRED .failed = DOCTOR_AT_CERTIFICATE, .err = -E_TLS, .problem = NET_TLS_EXPIRED
#define IMAPS .protocol = DOCTOR_IMAP, .port = 993, .tls = DOCTOR_IMPLICIT
#define IMAP .protocol = DOCTOR_IMAP, .port = 143, .tls = DOCTOR_STARTTLS
#define IMAP_PLAIN .protocol = DOCTOR_IMAP, .port = 143, .tls = DOCTOR_PLAIN
#define SUBMISSION .protocol = DOCTOR_SUBMISSION, .port = 587, .tls = DOCTOR_STARTTLS
#define SUBMISSIONS .protocol = DOCTOR_SUBMISSION, .port = 465, .tls = DOCTOR_IMPLICIT
#define SUBMISSION_2525 .protocol = DOCTOR_SUBMISSION, .port = 2525, .tls = DOCTOR_STARTTLS

struct scene {
	struct arena arena;
	struct doctor_candidate c[MAX];
	struct doctor_attempt a[MAX];
	size_t n;
	struct doctor_wish wish;
	struct doctor_verdict v;
};

static void judge(struct scene *s, const struct made *made, size_t n)
{
	arena_init(&s->arena, 1 << 20);
	for (s->n = 0; s->n < n; s->n++)
		make(&made[s->n], &s->c[s->n], &s->a[s->n]);
	doctor_judge(s->a, n);
	assert_int_equal(doctor_verdict(s->a, n, &s->wish, &s->arena, &s->v), 0);
}

static size_t failures(const struct scene *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->v.n_services; i++)
		n += s->v.services[i].n_good == 0 && !s->v.services[i].is_noise;
	return n;
}

static const struct {
	const char *name;
	struct made made[5];
	size_t n;
	unsigned protocols;
	bool is_host;
	uint16_t imap, submission;   /* the port that is advised; 0: none */
	enum doctor_class class;
	size_t failures;
} rows[] = {
	{ "all works", { { IMAPS }, { SUBMISSIONS } }, 2, 0, false, 993, 465, DOCTOR_CLASS_OK, 0 },
	{ "newest TLS before TLS from the start", { { IMAPS, .version_z = "TLSv1.2" }, { IMAP }, { SUBMISSION } }, 3, 0, false, 143, 587, DOCTOR_CLASS_OK, 0 },
	{ "TLS from the start before STARTTLS", { { IMAP }, { IMAPS }, { SUBMISSION } }, 3, 0, false, 993, 587, DOCTOR_CLASS_OK, 0 },
	{ "usual ports before others", { { IMAPS }, { SUBMISSION_2525 }, { SUBMISSION } }, 3, 0, false, 993, 587, DOCTOR_CLASS_OK, 0 },
	{ "nothing to send by", { { IMAPS }, { SUBMISSIONS, EXPIRED }, { SUBMISSION, REFUSED } }, 3, 0, false, 993, 0, DOCTOR_CLASS_TLS, 2 },
	{ "nothing to read by", { { IMAPS, REFUSED }, { SUBMISSION } }, 2, 0, false, 0, 587, DOCTOR_CLASS_SERVER, 1 },
	{ "a host need not do all", { { IMAPS, REFUSED }, { SUBMISSION } }, 2, 0, true, 0, 587, DOCTOR_CLASS_OK, 0 },
	{ "but what was asked for", { { IMAPS, REFUSED }, { SUBMISSION } }, 2, 1u << DOCTOR_IMAP, true, 0, 587, DOCTOR_CLASS_SERVER, 1 },
	{ "all is silent", { { IMAPS, SILENT }, { SUBMISSIONS, SILENT } }, 2, 0, false, 0, 0, DOCTOR_CLASS_NETWORK, 2 },
	{ "no such name", { { IMAPS, .err = -E_NOT_FOUND }, { SUBMISSIONS, .err = -E_NOT_FOUND } }, 2, 0, false, 0, 0, DOCTOR_CLASS_NAMES, 2 },
	{ "a guess that is not there", { { IMAPS }, { IMAP, REFUSED }, { SUBMISSION } }, 3, 0, false, 993, 587, DOCTOR_CLASS_OK, 0 },
	{ "what is published and not there is a failure", { { IMAPS }, { IMAP, REFUSED, .source = DOCTOR_BY_SRV }, { SUBMISSION } }, 3, 0, false, 993, 587, DOCTOR_CLASS_OK, 1 },
	{ "a login in the clear is no way", { { IMAP_PLAIN }, { SUBMISSION } }, 2, 0, false, 0, 587, DOCTOR_CLASS_TLS, 1 },
	{ "that TLS is demanded is no failure", { { IMAP }, { IMAP_PLAIN, .demands_tls = true }, { SUBMISSION } }, 3, 0, false, 143, 587, DOCTOR_CLASS_OK, 0 },
	{ "a refused login", { { IMAPS, .failed = DOCTOR_AT_LOGIN, .err = -E_AUTH_FAILED }, { SUBMISSION } }, 2, 0, false, 0, 587, DOCTOR_CLASS_LOGIN, 1 },
	{ "a strange port tried in all ways", { { .protocol = DOCTOR_IMAP, .port = 1993, .tls = DOCTOR_IMPLICIT }, { .protocol = DOCTOR_SUBMISSION, .port = 1993, .tls = DOCTOR_IMPLICIT, .failed = DOCTOR_AT_GREETING, .err = -E_SYNTAX, .speech = DOCTOR_SAYS_IMAP } },
	  2, 0, true, 1993, 0, DOCTOR_CLASS_OK, 0 },
	{ "the other address is refused: not there", { { IMAPS }, { SUBMISSION }, { IMAP, SILENT, .address_z = "2001:db8::1" }, { IMAP, REFUSED }, { IMAPS, SILENT, .address_z = "2001:db8::1" } },
	  5, 0, false, 993, 587, DOCTOR_CLASS_OK, 0 },
	{ "the same port under another name is told once",
	  { { IMAPS }, { SUBMISSION }, { SUBMISSIONS, EXPIRED }, { SUBMISSIONS, EXPIRED, .host_z = "smtp.example.org", .source = DOCTOR_BY_NAME } }, 4, 0, false, 993, 587, DOCTOR_CLASS_OK, 1 },
	{ "a guess at a silent host", { { IMAPS }, { SUBMISSION }, { IMAPS, SILENT, .host_z = "imap.example.org", .address_z = "192.0.2.9", .source = DOCTOR_BY_NAME } },
	  3, 0, false, 993, 587, DOCTOR_CLASS_OK, 0 },
	{ "what is published at a silent host", { { IMAPS }, { SUBMISSION }, { IMAPS, SILENT, .host_z = "imap.example.org", .address_z = "192.0.2.9", .source = DOCTOR_BY_SRV } },
	  3, 0, false, 993, 587, DOCTOR_CLASS_OK, 1 },
	{ "the other address works", { { IMAPS, SILENT, .address_z = "2001:db8::1" }, { IMAPS }, { SUBMISSION } }, 3, 0, false, 993, 587, DOCTOR_CLASS_OK, 0 },
};

static uint16_t port_of(const struct doctor_settings *s)
{
	return s->use ? s->use->candidate->port : 0;
}

TEST(verdict_advises)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scene s = { .wish = { .protocols = rows[i].protocols, .is_host = rows[i].is_host, .user = S("you@example.org") } };

		test_row(rows[i].name);
		judge(&s, rows[i].made, rows[i].n);
		assert_int_equal(port_of(&s.v.settings[DOCTOR_IMAP]), rows[i].imap);
		assert_int_equal(port_of(&s.v.settings[DOCTOR_SUBMISSION]), rows[i].submission);
		assert_string_equal(doctor_class_names[s.v.class], doctor_class_names[rows[i].class]);
		assert_int_equal(failures(&s), rows[i].failures);
		arena_fini(&s.arena);
	}
}

TEST(verdict_names_the_port_instead)
{
	static const struct {
		const char *name;
		struct made made[3];
		const char *says_z;
	} lines[] = {
		{ "silent", { { SUBMISSIONS, SILENT, .source = DOCTOR_BY_SRV }, { SUBMISSION, .source = DOCTOR_BY_SRV }, { IMAPS, REFUSED } },
		  "port 465 does not answer from here, 587 works: use that" },
		{ "expired", { { SUBMISSIONS, EXPIRED }, { SUBMISSION }, { IMAPS } },
		  "port 465 is of no use (the certificate has expired), 587 works: use that" },
		{ "another host", { { SUBMISSIONS, SILENT, .host_z = "a.example.org", .address_z = "192.0.2.9", .source = DOCTOR_BY_SRV }, { SUBMISSION, .source = DOCTOR_BY_NAME }, { IMAPS } },
		  "a.example.org port 465 does not answer from here, mail.example.org port 587 works: use that" },
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct scene s = { 0 };

		test_row(lines[i].name);
		judge(&s, lines[i].made, 3);
		assert_non_null(s.v.settings[DOCTOR_SUBMISSION].instead_z);
		assert_string_equal(s.v.settings[DOCTOR_SUBMISSION].instead_z, lines[i].says_z);
		arena_fini(&s.arena);
	}
}

TEST(verdict_tells_exact_settings)
{
	struct scene s = { .wish = { .user = S("you@example.org") } };
	const struct made made[] = { { IMAPS, .auth_z = "SCRAM-SHA-256" }, { SUBMISSION, .auth_z = "XOAUTH2" } };

	judge(&s, made, 2);
	assert_string_equal(s.v.settings[DOCTOR_IMAP].security_z, "SSL/TLS");
	assert_string_equal(s.v.settings[DOCTOR_IMAP].login_z, "encrypted password");
	assert_string_equal(s.v.settings[DOCTOR_IMAP].user_z, "you@example.org");
	assert_null(s.v.settings[DOCTOR_IMAP].instead_z);
	assert_string_equal(s.v.settings[DOCTOR_SUBMISSION].security_z, "STARTTLS");
	assert_string_equal(s.v.settings[DOCTOR_SUBMISSION].login_z, "OAuth2");
	arena_fini(&s.arena);
}

TEST(verdict_uses_the_name_that_is_published)
{
	struct scene s = { .wish = { .user = S("you@example.org") } };
	const struct made made[] = { { IMAPS } };

	arena_init(&s.arena, 1 << 20);
	make(&made[0], &s.c[0], &s.a[0]);
	s.c[0].user_z = "you";
	doctor_judge(s.a, 1);
	assert_int_equal(doctor_verdict(s.a, 1, &s.wish, &s.arena, &s.v), 0);
	assert_string_equal(s.v.settings[DOCTOR_IMAP].user_z, "you");
	arena_fini(&s.arena);
}

TEST(verdict_warns)
{
	struct scene s = { .wish = { .now_s = 1000000 } };
	const struct made made[] = { { IMAPS, .address_z = "2001:db8::1", SILENT }, { IMAPS }, { IMAP, .is_plain_login = true },
				     { .protocol = DOCTOR_SMTP, .port = 25, .tls = DOCTOR_STARTTLS, .greeting_ms = 6000 } };

	arena_init(&s.arena, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(made); i++)
		make(&made[i], &s.c[i], &s.a[i]);
	s.a[1].not_after_s = 1000000 + 3 * 86400 + 10;
	doctor_judge(s.a, ARRAY_LEN(made));
	assert_int_equal(doctor_verdict(s.a, ARRAY_LEN(made), &s.wish, &s.arena, &s.v), 0);
	assert_int_equal(s.v.n_warnings, 4);
	assert_string_equal(s.v.warnings_z[0], "mail.example.org: its IPv6 address does not answer, so programs that try it first are slow");
	assert_string_equal(s.v.warnings_z[1], "mail.example.org port 993: the certificate expires in 3 days");
	assert_non_null(strstr(s.v.warnings_z[2], "port 143 takes a login without encryption"));
	assert_string_equal(s.v.warnings_z[3], "mail.example.org port 25 greets after 6 s");
	arena_fini(&s.arena);
}

TEST(rank_prefers_the_host_that_is_named)
{
	const struct made made[] = { { SUBMISSION, .source = DOCTOR_BY_NAME, .host_z = "smtp.example.org" }, { SUBMISSION, .source = DOCTOR_BY_NAME } };
	struct scene s = { 0 };

	judge(&s, made, 2);
	s.a[1].is_host_named = true;
	assert_ptr_equal(doctor_rank_best(s.a, 2, DOCTOR_SUBMISSION), &s.a[1]);
	assert_null(doctor_rank_best(s.a, 2, DOCTOR_IMAP));
	arena_fini(&s.arena);
}

TEST(verdict_of_nothing)
{
	struct scene s = { 0 };

	judge(&s, NULL, 0);
	assert_int_equal(s.v.n_services, 0);
	assert_int_equal(s.v.class, DOCTOR_CLASS_NAMES);
	arena_fini(&s.arena);
}

/* SPDX-License-Identifier: MIT */
/*
 * The cause of one attempt, from its own stages. Rows for each stage, the first whose question is answered with yes; the last row of a stage asks nothing. The stage is
 * the first that failed. To add a cause: a row here, one in cause_rows.c, one in cause_test.c.
 */
#include "doctor/cause.h"

#include <errno.h>

#include "base/must.h"

typedef bool asks(const struct doctor_attempt *a);

static int err_at(const struct doctor_attempt *a, enum doctor_step step)
{
	return a->stages[step].err;
}

static bool is_cut_off(const struct doctor_attempt *a)
{
	return !a->is_in_time;
}

/* ---- names and the way ---- */

static bool is_bogus(const struct doctor_attempt *a)
{
	return err_at(a, DOCTOR_AT_DNS) == -E_DENIED;
}

static bool is_dns_silent(const struct doctor_attempt *a)
{
	return err_at(a, DOCTOR_AT_DNS) == -E_TIMEOUT || err_at(a, DOCTOR_AT_DNS) == -E_IO;
}

static bool is_published(const struct doctor_attempt *a)
{
	enum doctor_source source = a->candidate->source;

	return source == DOCTOR_BY_SRV || source == DOCTOR_BY_AUTOCONFIG || source == DOCTOR_BY_MX;
}

static bool has_no_address(const struct doctor_attempt *a)
{
	return err_at(a, DOCTOR_AT_DNS) == -E_CANNOT; /* the name is there, without one */
}

/* EACCES, EPERM: a rule; EINVAL: a blackhole route. */
static bool is_forbidden(const struct doctor_attempt *a)
{
	return a->errnum == EACCES || a->errnum == EPERM || a->errnum == EINVAL;
}

static bool is_v6(const struct doctor_attempt *a)
{
	return a->address.any.sa_family == AF_INET6;
}

static bool is_refused(const struct doctor_attempt *a)
{
	return a->errnum == ECONNREFUSED || a->errnum == ECONNRESET;
}

static bool is_unreachable(const struct doctor_attempt *a)
{
	return a->errnum == EHOSTUNREACH || a->errnum == ENETUNREACH || a->errnum == ENOPROTOOPT || a->errnum == EHOSTDOWN;
}

/* ---- the greeting ---- */

static bool is_at_443(const struct doctor_attempt *a)
{
	return a->candidate->alpn_z != NULL;
}

static bool wants_tls(const struct doctor_attempt *a)
{
	return a->speech == DOCTOR_SAYS_TLS;
}

static bool is_no_mail(const struct doctor_attempt *a)
{
	return a->speech == DOCTOR_SAYS_HTTP || a->speech == DOCTOR_SAYS_SSH || a->speech == DOCTOR_SAYS_OTHER;
}

static enum doctor_speech wanted_speech(const struct doctor_attempt *a)
{
	static const enum doctor_speech speeches[DOCTOR_N_PROTOCOLS] = {
		[DOCTOR_IMAP] = DOCTOR_SAYS_IMAP, [DOCTOR_POP3] = DOCTOR_SAYS_POP3, [DOCTOR_SUBMISSION] = DOCTOR_SAYS_SMTP,
		[DOCTOR_SMTP] = DOCTOR_SAYS_SMTP, [DOCTOR_LMTP] = DOCTOR_SAYS_SMTP, [DOCTOR_SIEVE] = DOCTOR_SAYS_SIEVE,
	};

	return speeches[a->candidate->protocol];
}

static bool is_mail(enum doctor_speech s)
{
	return s == DOCTOR_SAYS_SMTP || s == DOCTOR_SAYS_IMAP || s == DOCTOR_SAYS_POP3 || s == DOCTOR_SAYS_SIEVE;
}

static bool is_other_mail(const struct doctor_attempt *a)
{
	return is_mail(a->speech) && a->speech != wanted_speech(a);
}

static bool says_no(const struct doctor_attempt *a)
{
	return err_at(a, DOCTOR_AT_GREETING) == -E_DENIED || a->code >= 400 || (a->speech == wanted_speech(a) && a->words_z != NULL);
}

static bool is_closed(const struct doctor_attempt *a)
{
	return err_at(a, DOCTOR_AT_GREETING) == -E_CLOSED || err_at(a, DOCTOR_AT_GREETING) == -E_IO;
}

static bool is_silent(const struct doctor_attempt *a)
{
	return err_at(a, DOCTOR_AT_GREETING) == -E_TIMEOUT;
}

/* ---- TLS ---- */

static bool is_mangled(const struct doctor_attempt *a)
{
	return a->is_mangled;
}

/* It demands what it does not offer: somebody took the offer away. */
static bool demands_unoffered(const struct doctor_attempt *a)
{
	return !a->is_asked && a->demands_tls;
}

static bool is_refused_tls(const struct doctor_attempt *a)
{
	return a->is_asked;
}

static bool speaks_plain(const struct doctor_attempt *a)
{
	return a->candidate->tls == DOCTOR_IMPLICIT && is_mail(a->speech);
}

static bool is_handshake_cut(const struct doctor_attempt *a)
{
	int err = err_at(a, DOCTOR_AT_TLS);

	return err == -E_CLOSED || err == -E_IO || err == -E_TIMEOUT;
}

static bool is_problem(const struct doctor_attempt *a, enum net_tls_problem problem)
{
	return a->problem == problem;
}

static bool is_expired(const struct doctor_attempt *a)
{
	return is_problem(a, NET_TLS_EXPIRED);
}

static bool is_other_name(const struct doctor_attempt *a)
{
	return is_problem(a, NET_TLS_OTHER_NAME);
}

static bool is_untrusted(const struct doctor_attempt *a)
{
	return is_problem(a, NET_TLS_UNTRUSTED);
}

/* RFC 8996 */
static bool is_old(const struct doctor_attempt *a)
{
	struct str version = str_z(a->version_z);

	return a->is_tls && (str_eq(version, S("TLSv1")) || str_eq(version, S("TLSv1.1")) || str_eq(version, S("SSLv3")));
}

/* ---- login and command ---- */

static bool has_no_way_in(const struct doctor_attempt *a)
{
	return err_at(a, DOCTOR_AT_LOGIN) == -E_CANNOT;
}

static bool is_later(const struct doctor_attempt *a)
{
	int err = err_at(a, DOCTOR_AT_LOGIN);

	return err == -E_BUSY || err == -E_THROTTLED || (a->code >= 400 && a->code < 500);
}

static bool is_login_refused(const struct doctor_attempt *a)
{
	int err = err_at(a, DOCTOR_AT_LOGIN);

	return err == -E_AUTH_FAILED || err == -E_DENIED;
}

static bool demands_tls(const struct doctor_attempt *a)
{
	return a->demands_tls && !a->is_tls;
}

static bool is_smtp(const struct doctor_attempt *a)
{
	enum doctor_protocol p = a->candidate->protocol;

	return p == DOCTOR_SUBMISSION || p == DOCTOR_SMTP || p == DOCTOR_LMTP;
}

/* RFC 2033 4.1: LMTP knows no EHLO, SMTP no LHLO. */
static bool is_other_hello(const struct doctor_attempt *a)
{
	return is_smtp(a) && a->code >= 500 && a->code <= 504;
}

/* RFC 6409 4.3: a port for users wants a login before MAIL. */
static bool is_for_users(const struct doctor_attempt *a)
{
	return a->candidate->protocol == DOCTOR_SMTP && a->code == 530;
}

static bool is_turned_down(const struct doctor_attempt *a)
{
	return err_at(a, DOCTOR_AT_COMMAND) == -E_DENIED || err_at(a, DOCTOR_AT_COMMAND) == -E_CANNOT;
}

static const struct {
	enum doctor_step step;
	enum doctor_cause cause;
	asks *is; /* NULL: whatever else */
} rows[] = {
	{ DOCTOR_AT_DNS, DOCTOR_DNS_BOGUS, is_bogus },
	{ DOCTOR_AT_DNS, DOCTOR_DNS_SILENT, is_dns_silent },
	{ DOCTOR_AT_DNS, DOCTOR_PUBLISHED_NO_ADDRESS, is_published },
	{ DOCTOR_AT_DNS, DOCTOR_NO_ADDRESS, has_no_address },
	{ DOCTOR_AT_DNS, DOCTOR_NO_NAME, NULL },
	{ DOCTOR_AT_ROUTE, DOCTOR_FORBIDDEN_HERE, is_forbidden },
	{ DOCTOR_AT_ROUTE, DOCTOR_NO_IPV6, is_v6 },
	{ DOCTOR_AT_ROUTE, DOCTOR_NO_ROUTE, NULL },
	{ DOCTOR_AT_TCP, DOCTOR_NO_TIME, is_cut_off },
	{ DOCTOR_AT_TCP, DOCTOR_REFUSED, is_refused },
	{ DOCTOR_AT_TCP, DOCTOR_UNREACHABLE, is_unreachable },
	{ DOCTOR_AT_TCP, DOCTOR_FORBIDDEN_HERE, is_forbidden },
	{ DOCTOR_AT_TCP, DOCTOR_SILENT, NULL },
	{ DOCTOR_AT_GREETING, DOCTOR_NO_ALPN, is_at_443 },
	{ DOCTOR_AT_GREETING, DOCTOR_WANTS_TLS_FIRST, wants_tls },
	{ DOCTOR_AT_GREETING, DOCTOR_NOT_MAIL, is_no_mail },
	{ DOCTOR_AT_GREETING, DOCTOR_OTHER_PROTOCOL, is_other_mail },
	{ DOCTOR_AT_GREETING, DOCTOR_NO_TIME, is_cut_off },
	{ DOCTOR_AT_GREETING, DOCTOR_NO_GREETING, is_silent },
	{ DOCTOR_AT_GREETING, DOCTOR_CLOSED, is_closed },
	{ DOCTOR_AT_GREETING, DOCTOR_TURNED_AWAY, says_no },
	{ DOCTOR_AT_GREETING, DOCTOR_NOT_MAIL, NULL },
	{ DOCTOR_AT_STARTTLS, DOCTOR_STARTTLS_STRIPPED, is_mangled },
	{ DOCTOR_AT_STARTTLS, DOCTOR_STARTTLS_STRIPPED, demands_unoffered },
	{ DOCTOR_AT_STARTTLS, DOCTOR_STARTTLS_REFUSED, is_refused_tls },
	{ DOCTOR_AT_STARTTLS, DOCTOR_STARTTLS_MISSING, NULL },
	{ DOCTOR_AT_TLS, DOCTOR_NO_ALPN, is_at_443 },
	{ DOCTOR_AT_TLS, DOCTOR_SPEAKS_PLAIN, speaks_plain },
	{ DOCTOR_AT_TLS, DOCTOR_NOT_MAIL, is_no_mail },
	{ DOCTOR_AT_TLS, DOCTOR_NO_TIME, is_cut_off },
	{ DOCTOR_AT_TLS, DOCTOR_TLS_CUT, is_handshake_cut },
	{ DOCTOR_AT_TLS, DOCTOR_TLS_FAILED, NULL },
	{ DOCTOR_AT_CERTIFICATE, DOCTOR_TLS_OLD, is_old },
	{ DOCTOR_AT_CERTIFICATE, DOCTOR_CERTIFICATE_EXPIRED, is_expired },
	{ DOCTOR_AT_CERTIFICATE, DOCTOR_CERTIFICATE_OTHER_NAME, is_other_name },
	{ DOCTOR_AT_CERTIFICATE, DOCTOR_CERTIFICATE_UNTRUSTED, is_untrusted },
	{ DOCTOR_AT_CERTIFICATE, DOCTOR_CERTIFICATE_BAD, NULL },
	{ DOCTOR_AT_CAPABILITIES, DOCTOR_NO_TIME, is_cut_off },
	{ DOCTOR_AT_CAPABILITIES, DOCTOR_DEMANDS_TLS, demands_tls },
	{ DOCTOR_AT_CAPABILITIES, DOCTOR_BROKEN_OFF, NULL },
	{ DOCTOR_AT_LOGIN, DOCTOR_NO_TIME, is_cut_off },
	{ DOCTOR_AT_LOGIN, DOCTOR_LOGIN_NO_WAY, has_no_way_in },
	{ DOCTOR_AT_LOGIN, DOCTOR_LOGIN_LATER, is_later },
	{ DOCTOR_AT_LOGIN, DOCTOR_LOGIN_REFUSED, is_login_refused },
	{ DOCTOR_AT_LOGIN, DOCTOR_BROKEN_OFF, NULL },
	{ DOCTOR_AT_COMMAND, DOCTOR_NO_TIME, is_cut_off },
	{ DOCTOR_AT_COMMAND, DOCTOR_DEMANDS_TLS, demands_tls },
	{ DOCTOR_AT_COMMAND, DOCTOR_COMMAND_REFUSED, is_turned_down },
	{ DOCTOR_AT_COMMAND, DOCTOR_BROKEN_OFF, NULL },
};

/* RFC 8314 3.3: a port for mail programs without any login, once TLS is there or not asked for, is one for servers. */
static bool has_no_logins(const struct doctor_attempt *a)
{
	return a->candidate->protocol == DOCTOR_SUBMISSION && a->stages[DOCTOR_AT_CAPABILITIES].state == DOCTOR_OK && str_z(a->auth_z).n == 0 &&
	       (a->is_tls || !a->demands_tls);
}

/* Between servers no password is sent. */
static enum doctor_cause of_plain(const struct doctor_attempt *a)
{
	bool is_of_servers = a->candidate->protocol == DOCTOR_SMTP || a->candidate->protocol == DOCTOR_LMTP;

	return a->demands_tls ? DOCTOR_DEMANDS_TLS : has_no_logins(a) ? DOCTOR_NO_LOGINS : is_of_servers ? DOCTOR_WORKS_OPEN : DOCTOR_WORKS_PLAIN;
}

static enum doctor_cause of_good(const struct doctor_attempt *a)
{
	if (a->stages[DOCTOR_AT_TCP].state != DOCTOR_OK || a->stages[DOCTOR_AT_GREETING].state != DOCTOR_OK)
		return DOCTOR_NO_TIME;
	if (!a->is_tls)
		return of_plain(a);
	if (is_old(a))
		return DOCTOR_TLS_OLD;
	if (has_no_logins(a))
		return DOCTOR_NO_LOGINS;
	return a->stages[DOCTOR_AT_GREETING].ms >= DOCTOR_LATE_MS ? DOCTOR_WORKS_LATE : DOCTOR_WORKS;
}

/* Whatever else is wrong: it is not the port that this attempt takes it for. */
static bool is_misplaced(const struct doctor_attempt *a)
{
	return (a->stages[DOCTOR_AT_CAPABILITIES].state == DOCTOR_FAILED && is_other_hello(a)) ||
	       (a->stages[DOCTOR_AT_COMMAND].state == DOCTOR_FAILED && is_for_users(a) && !a->demands_tls);
}

enum doctor_cause doctor_cause_of(const struct doctor_attempt *a)
{
	enum doctor_step step;

	if (is_misplaced(a))
		return DOCTOR_OTHER_PROTOCOL;
	if (!doctor_attempt_failed_at(a, &step))
		return of_good(a);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].step == step && (rows[i].is == NULL || rows[i].is(a)))
			return rows[i].cause;
	must(false); /* each step has a row without a question */
}

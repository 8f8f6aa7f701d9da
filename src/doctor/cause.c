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
	asks *is; /* NULL: whatever else */
	enum doctor_cause cause;
} rows[] = {
	{ DOCTOR_AT_DNS, is_bogus, DOCTOR_DNS_BOGUS },
	{ DOCTOR_AT_DNS, is_dns_silent, DOCTOR_DNS_SILENT },
	{ DOCTOR_AT_DNS, is_published, DOCTOR_PUBLISHED_NO_ADDRESS },
	{ DOCTOR_AT_DNS, has_no_address, DOCTOR_NO_ADDRESS },
	{ DOCTOR_AT_DNS, NULL, DOCTOR_NO_NAME },
	{ DOCTOR_AT_ROUTE, is_forbidden, DOCTOR_FORBIDDEN_HERE },
	{ DOCTOR_AT_ROUTE, is_v6, DOCTOR_NO_IPV6 },
	{ DOCTOR_AT_ROUTE, NULL, DOCTOR_NO_ROUTE },
	{ DOCTOR_AT_TCP, is_cut_off, DOCTOR_NO_TIME },
	{ DOCTOR_AT_TCP, is_refused, DOCTOR_REFUSED },
	{ DOCTOR_AT_TCP, is_unreachable, DOCTOR_UNREACHABLE },
	{ DOCTOR_AT_TCP, is_forbidden, DOCTOR_FORBIDDEN_HERE },
	{ DOCTOR_AT_TCP, NULL, DOCTOR_SILENT },
	{ DOCTOR_AT_GREETING, is_at_443, DOCTOR_NO_ALPN },
	{ DOCTOR_AT_GREETING, wants_tls, DOCTOR_WANTS_TLS_FIRST },
	{ DOCTOR_AT_GREETING, is_no_mail, DOCTOR_NOT_MAIL },
	{ DOCTOR_AT_GREETING, is_other_mail, DOCTOR_OTHER_PROTOCOL },
	{ DOCTOR_AT_GREETING, is_cut_off, DOCTOR_NO_TIME },
	{ DOCTOR_AT_GREETING, is_silent, DOCTOR_NO_GREETING },
	{ DOCTOR_AT_GREETING, is_closed, DOCTOR_CLOSED },
	{ DOCTOR_AT_GREETING, says_no, DOCTOR_TURNED_AWAY },
	{ DOCTOR_AT_GREETING, NULL, DOCTOR_NOT_MAIL },
	{ DOCTOR_AT_STARTTLS, is_mangled, DOCTOR_STARTTLS_STRIPPED },
	{ DOCTOR_AT_STARTTLS, demands_unoffered, DOCTOR_STARTTLS_STRIPPED },
	{ DOCTOR_AT_STARTTLS, is_refused_tls, DOCTOR_STARTTLS_REFUSED },
	{ DOCTOR_AT_STARTTLS, NULL, DOCTOR_STARTTLS_MISSING },
	{ DOCTOR_AT_TLS, is_at_443, DOCTOR_NO_ALPN },
	{ DOCTOR_AT_TLS, speaks_plain, DOCTOR_SPEAKS_PLAIN },
	{ DOCTOR_AT_TLS, is_no_mail, DOCTOR_NOT_MAIL },
	{ DOCTOR_AT_TLS, is_cut_off, DOCTOR_NO_TIME },
	{ DOCTOR_AT_TLS, is_handshake_cut, DOCTOR_TLS_CUT },
	{ DOCTOR_AT_TLS, NULL, DOCTOR_TLS_FAILED },
	{ DOCTOR_AT_CERTIFICATE, is_old, DOCTOR_TLS_OLD },
	{ DOCTOR_AT_CERTIFICATE, is_expired, DOCTOR_CERTIFICATE_EXPIRED },
	{ DOCTOR_AT_CERTIFICATE, is_other_name, DOCTOR_CERTIFICATE_OTHER_NAME },
	{ DOCTOR_AT_CERTIFICATE, is_untrusted, DOCTOR_CERTIFICATE_UNTRUSTED },
	{ DOCTOR_AT_CERTIFICATE, NULL, DOCTOR_CERTIFICATE_BAD },
	{ DOCTOR_AT_CAPABILITIES, is_cut_off, DOCTOR_NO_TIME },
	{ DOCTOR_AT_CAPABILITIES, demands_tls, DOCTOR_DEMANDS_TLS },
	{ DOCTOR_AT_CAPABILITIES, NULL, DOCTOR_BROKEN_OFF },
	{ DOCTOR_AT_LOGIN, is_cut_off, DOCTOR_NO_TIME },
	{ DOCTOR_AT_LOGIN, has_no_way_in, DOCTOR_LOGIN_NO_WAY },
	{ DOCTOR_AT_LOGIN, is_later, DOCTOR_LOGIN_LATER },
	{ DOCTOR_AT_LOGIN, is_login_refused, DOCTOR_LOGIN_REFUSED },
	{ DOCTOR_AT_LOGIN, NULL, DOCTOR_BROKEN_OFF },
	{ DOCTOR_AT_COMMAND, is_cut_off, DOCTOR_NO_TIME },
	{ DOCTOR_AT_COMMAND, demands_tls, DOCTOR_DEMANDS_TLS },
	{ DOCTOR_AT_COMMAND, is_turned_down, DOCTOR_COMMAND_REFUSED },
	{ DOCTOR_AT_COMMAND, NULL, DOCTOR_BROKEN_OFF },
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

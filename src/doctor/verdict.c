/* SPDX-License-Identifier: MIT */
/*
 * From attempts to advice. Attempts are gathered to services (host, port, protocol, way of TLS); a service works when one of its addresses does. Then for each
 * protocol the best, the one that was hoped for and failed, and the class of all.
 */
#include "doctor/verdict.h"

#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "doctor/rank.h"

#define WARN_DAYS 14
#define DAY_S 86400
#define WARNINGS 32

/* ---- services ---- */

static bool is_of(const struct doctor_service *s, const struct doctor_candidate *c)
{
	const struct doctor_candidate *d = s->candidate;

	return c->protocol == d->protocol && c->port == d->port && c->tls == d->tls && str_ieq(str_z(c->host_z), str_z(d->host_z));
}

/* The address as a whole is of no use, or nobody knows: another address tells what is wrong with the port. */
static bool is_of_address(enum doctor_cause c)
{
	return c == DOCTOR_NO_IPV6 || c == DOCTOR_NO_TIME || c == DOCTOR_ADDRESS_SILENT;
}

/* How far it came, and in the same place: silence tells more of what is wrong than "not there". */
static int told(const struct doctor_attempt *a)
{
	enum doctor_step step = DOCTOR_N_STEPS;
	bool is_absent = a->cause == DOCTOR_REFUSED || a->cause == DOCTOR_NO_SERVER || a->cause == DOCTOR_PORT_FILTERED;

	if (is_of_address((enum doctor_cause)a->cause))
		return -1;
	(void)doctor_attempt_failed_at(a, &step);
	return 2 * (int)step + !is_absent;
}

static void add(struct doctor_service *s, const struct doctor_attempt *a)
{
	bool is_good = doctor_is_good((enum doctor_cause)a->cause);
	bool is_better = !s->best || (is_good && (s->n_good == 0 || doctor_rank_compare(a, s->best) < 0)) ||
			 (!is_good && s->n_good == 0 && told(a) > told(s->best));

	s->attempts[s->n++] = a;
	s->n_good += is_good;
	if (is_better)
		s->best = a;
	s->cause = (enum doctor_cause)s->best->cause;
}

static int gather(const struct doctor_attempt *v, size_t n, struct arena *a, struct doctor_verdict *out)
{
	out->services = ARENA_ARRAY(a, struct doctor_service, n + 1);
	for (size_t i = 0; i < n && out->services; i++) {
		struct doctor_service *s = out->services;

		while (s < out->services + out->n_services && !is_of(s, v[i].candidate))
			s++;
		if (s == out->services + out->n_services) {
			*s = (struct doctor_service){ .candidate = v[i].candidate, .attempts = ARENA_ARRAY(a, const struct doctor_attempt *, n) };
			out->n_services++;
		}
		if (!s->attempts)
			return -E_LIMIT;
		add(s, &v[i]);
	}
	return out->services ? 0 : -E_LIMIT;
}

static bool is_good(const struct doctor_service *s)
{
	return s->n_good > 0;
}

/* ---- what is expected ---- */

enum direction { INCOMING, OUTGOING, OTHER };

static enum direction direction_of(enum doctor_protocol p)
{
	return p == DOCTOR_IMAP || p == DOCTOR_POP3 ? INCOMING : p == DOCTOR_SUBMISSION ? OUTGOING : OTHER;
}

static bool is_published(const struct doctor_candidate *c)
{
	return c->source == DOCTOR_BY_SRV || c->source == DOCTOR_BY_AUTOCONFIG;
}

static bool is_absence(enum doctor_cause c)
{
	return c == DOCTOR_REFUSED || c == DOCTOR_NO_SERVER || c == DOCTOR_PORT_FILTERED || c == DOCTOR_NO_ALPN || c == DOCTOR_NO_NAME || c == DOCTOR_NO_ADDRESS ||
	       c == DOCTOR_NO_IPV6 || c == DOCTOR_NO_TIME;
}

static bool any_good(const struct doctor_verdict *out, enum direction d)
{
	for (size_t i = 0; i < out->n_services; i++)
		if (is_good(&out->services[i]) && direction_of(out->services[i].candidate->protocol) == d)
			return true;
	return false;
}

static bool any_good_at_all(const struct doctor_verdict *out)
{
	return any_good(out, INCOMING) || any_good(out, OUTGOING) || any_good(out, OTHER);
}

/* The port speaks, but not as this service would have it. */
static bool is_misfit(enum doctor_cause c)
{
	return c == DOCTOR_OTHER_PROTOCOL || c == DOCTOR_WANTS_TLS_FIRST || c == DOCTOR_SPEAKS_PLAIN;
}

static bool is_same_port(const struct doctor_service *s, const struct doctor_service *t)
{
	return s != t && s->candidate->port == t->candidate->port && str_ieq(str_z(s->candidate->host_z), str_z(t->candidate->host_z));
}

static bool is_of_protocol(const struct doctor_service *s, const struct doctor_service *t)
{
	return s->candidate->protocol == t->candidate->protocol;
}

/* Another service tells more of this port: in the clear is tried to see what TLS would be told of, a strange port is tried in all ways. */
static bool is_told_by_other(const struct doctor_verdict *out, const struct doctor_service *s)
{
	bool is_plain = s->candidate->tls == DOCTOR_PLAIN, is_protocol_good = false, is_better_told = false;

	for (size_t i = 0; i < out->n_services; i++) {
		const struct doctor_service *t = &out->services[i];

		is_protocol_good |= is_of_protocol(s, t) && is_good(t);
		if (!is_same_port(s, t))
			continue;
		is_better_told |= is_misfit(s->cause) && !is_misfit(t->cause) && t->cause != DOCTOR_NO_GREETING;
		is_better_told |= is_plain && s->cause != DOCTOR_WORKS_PLAIN && is_of_protocol(s, t) && t->candidate->tls != DOCTOR_PLAIN;
	}
	/* Deliveries on the same host or network need no TLS. */
	return is_better_told || (is_protocol_good && (s->cause == DOCTOR_WORKS_PLAIN ||
						       (s->candidate->protocol == DOCTOR_LMTP && s->cause == DOCTOR_STARTTLS_MISSING)));
}

static bool is_silence(enum doctor_cause c)
{
	return c == DOCTOR_PORT_BLOCKED || c == DOCTOR_ADDRESS_SILENT || c == DOCTOR_HOST_SILENT || c == DOCTOR_NETWORK_SILENT || c == DOCTOR_SILENT ||
	       c == DOCTOR_UNREACHABLE;
}

/* The same port of the same machine under a better name. */
static bool is_told_by_other_name(const struct doctor_verdict *out, const struct doctor_service *s)
{
	for (size_t i = 0; i < out->n_services; i++) {
		const struct doctor_service *t = &out->services[i];

		if (t != s && is_of_protocol(s, t) && t->candidate->port == s->candidate->port && t->candidate->tls == s->candidate->tls &&
		    t->cause == s->cause && doctor_attempt_is_same_address(s->best, t->best) && doctor_rank_hope(t->candidate, s->candidate) < 0)
			return true;
	}
	return false;
}

/* A guess at a host that is of no use for this direction anyway. */
static bool is_guess_elsewhere(const struct doctor_verdict *out, const struct doctor_service *s)
{
	enum direction d = direction_of(s->candidate->protocol);
	bool is_guess = s->candidate->source == DOCTOR_BY_NAME || (s->candidate->source == DOCTOR_BY_MX && s->candidate->protocol != DOCTOR_SMTP);

	for (size_t i = 0; i < out->n_services && is_guess; i++) {
		const struct doctor_service *t = &out->services[i];

		if (is_good(t) && direction_of(t->candidate->protocol) == d && str_ieq(str_z(t->candidate->host_z), str_z(s->candidate->host_z)))
			return false;
	}
	return is_guess && is_silence(s->cause) && any_good(out, d);
}

static bool is_noise(const struct doctor_verdict *out, const struct doctor_service *s, bool is_done)
{
	return (is_absence(s->cause) && !is_published(s->candidate) && is_done) || is_told_by_other(out, s) || is_told_by_other_name(out, s) ||
	       is_guess_elsewhere(out, s);
}

/* What is not there and was only guessed is no failure, as long as something else does the same work. */
static void mark_noise(struct doctor_verdict *out, const struct doctor_wish *wish)
{
	for (size_t i = 0; i < out->n_services; i++) {
		struct doctor_service *s = &out->services[i];
		enum direction d = direction_of(s->candidate->protocol);
		bool is_wished = (wish->protocols & (1u << s->candidate->protocol)) != 0;
		bool is_done = d == OTHER ? !is_wished : any_good(out, d) || (wish->is_host && !is_wished && any_good_at_all(out));

		s->is_noise = !is_good(s) && is_noise(out, s, is_done);
	}
}

/* ---- settings ---- */

static const struct doctor_service *best_of(const struct doctor_verdict *out, enum doctor_protocol p)
{
	const struct doctor_service *best = NULL;

	for (size_t i = 0; i < out->n_services; i++) {
		const struct doctor_service *s = &out->services[i];

		if (s->candidate->protocol == p && is_good(s) && (!best || doctor_rank_compare(s->best, best->best) < 0))
			best = s;
	}
	return best;
}

/* The one that a program would try first. */
static const struct doctor_service *hoped_for(const struct doctor_verdict *out, enum doctor_protocol p)
{
	const struct doctor_service *first = NULL;

	for (size_t i = 0; i < out->n_services; i++) {
		const struct doctor_service *s = &out->services[i];

		if (s->candidate->protocol == p && !s->is_noise && (!first || doctor_rank_hope(s->candidate, first->candidate) < 0))
			first = s;
	}
	return first;
}

static const char *printed(struct arena *a, struct str s)
{
	const char *z = arena_z(a, s);

	return z ? z : "";
}

/* In a few words, for the one line. */
static const char *short_of(enum doctor_cause c)
{
	switch (c) {
	case DOCTOR_PORT_BLOCKED:
	case DOCTOR_PORT_FILTERED:
	case DOCTOR_SILENT:
	case DOCTOR_ADDRESS_SILENT:
	case DOCTOR_HOST_SILENT:
	case DOCTOR_NETWORK_SILENT:
		return "does not answer from here";
	default:
		return "is of no use";
	}
}

static const char *instead(struct arena *a, const struct doctor_service *use, const struct doctor_service *hoped)
{
	const struct doctor_candidate *c = hoped->candidate, *u = use->candidate;
	bool is_same_host = str_ieq(str_z(c->host_z), str_z(u->host_z));
	bool is_silent = !str_eq(str_z(short_of(hoped->cause)), S("is of no use"));

	return printed(a, arena_printf(a, "%s%sport %u %s%s%s%s, %s%s%u%s works: use that", is_same_host ? "" : c->host_z, is_same_host ? "" : " ", c->port,
				       short_of(hoped->cause), is_silent ? "" : " (", is_silent ? "" : doctor_causes[hoped->cause].means_z, is_silent ? "" : ")",
				       is_same_host ? "" : u->host_z, is_same_host ? "" : " port ", u->port,
				       c->port == u->port && is_same_host ? (u->tls == DOCTOR_IMPLICIT ? " with SSL/TLS" : " with STARTTLS") : ""));
}

static bool has_word(struct str list, struct str word)
{
	struct str one;

	while (str_split(&list, ' ', &one))
		if (str_ieq(one, word))
			return true;
	return false;
}

/* As mail programs call it. */
static const char *login_of(const struct doctor_attempt *a)
{
	struct str auth = str_z(a->auth_z);

	if (auth.n == 0 || has_word(auth, S("PLAIN")) || has_word(auth, S("LOGIN")) || has_word(auth, S("USER")))
		return "normal password";
	if (str_ifind(auth, S("SCRAM-")) >= 0 || has_word(auth, S("CRAM-MD5")))
		return "encrypted password";
	return str_ifind(auth, S("OAUTH")) >= 0 ? "OAuth2" : "normal password";
}

static void set_settings(struct doctor_verdict *out, const struct doctor_wish *wish, struct arena *a, enum doctor_protocol p)
{
	static const char *const securities[DOCTOR_N_TLS] = { [DOCTOR_IMPLICIT] = "SSL/TLS", [DOCTOR_STARTTLS] = "STARTTLS", [DOCTOR_PLAIN] = "none" };
	struct doctor_settings *s = &out->settings[p];
	const struct doctor_service *hoped = hoped_for(out, p);
	const char *named_z;

	s->use = best_of(out, p);
	if (!s->use)
		return;
	named_z = s->use->candidate->user_z;
	s->security_z = securities[s->use->candidate->tls];
	s->login_z = login_of(s->use->best);
	s->is_login_proven = s->use->best->stages[DOCTOR_AT_LOGIN].state == DOCTOR_OK;
	s->user_z = named_z && !s->is_login_proven ? named_z : printed(a, wish->user);
	if (hoped && hoped != s->use && !is_good(hoped) && s->use->candidate->tls != DOCTOR_PLAIN)
		s->instead_z = instead(a, s->use, hoped);
}

/* ---- warnings ---- */

static void warn(struct doctor_verdict *out, struct arena *a, struct str text)
{
	const char *text_z = printed(a, text);

	for (size_t i = 0; i < out->n_warnings; i++)
		if (str_eq(str_z(out->warnings_z[i]), str_z(text_z)))
			return;
	if (out->n_warnings < WARNINGS)
		out->warnings_z[out->n_warnings++] = text_z;
}

static void warn_of_certificate(struct doctor_verdict *out, struct arena *a, const struct doctor_attempt *t, int64_t now_s)
{
	int64_t days = (t->not_after_s - now_s) / DAY_S;

	if (!t->is_verified || days > WARN_DAYS)
		return;
	warn(out, a, arena_printf(a, "%s port %u: the certificate expires in %lld day%s", t->candidate->host_z, t->candidate->port, (long long)days,
				  days == 1 ? "" : "s"));
}

static bool is_loopback(const struct doctor_attempt *t)
{
	return t->address.any.sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&t->address.v6.sin6_addr)
						     : (ntohl(t->address.v4.sin_addr.s_addr) >> 24) == 127;
}

/* Is anything of this host among the settings? Where there are none, all hosts count. */
static bool is_of_use(const struct doctor_verdict *out, const char *host_z)
{
	bool has_any = false;

	for (int p = 0; p < DOCTOR_N_PROTOCOLS; p++) {
		const struct doctor_service *use = out->settings[p].use;

		if (use && str_ieq(str_z(use->candidate->host_z), str_z(host_z)))
			return true;
		has_any |= use != NULL;
	}
	return !has_any;
}

static void warn_of_attempt(struct doctor_verdict *out, struct arena *a, const struct doctor_attempt *t, int64_t now_s)
{
	const struct doctor_candidate *c = t->candidate;

	if (!is_of_use(out, c->host_z))
		return;
	warn_of_certificate(out, a, t, now_s);
	if (t->is_plain_login && !is_loopback(t))
		warn(out, a, arena_printf(a, "%s port %u takes a login without encryption: a program that is set wrongly shows the password to everybody on the way",
					  c->host_z, c->port));
	if (t->cause == DOCTOR_WORKS_LATE)
		warn(out, a, arena_printf(a, "%s port %u greets after %lld s", c->host_z, c->port,
					  (long long)t->stages[DOCTOR_AT_GREETING].ms / 1000));
	if (t->cause == DOCTOR_ADDRESS_SILENT)
		warn(out, a, arena_printf(a, "%s: its IPv%d address does not answer, so programs that try it first are slow", c->host_z,
					  t->address.any.sa_family == AF_INET6 ? 6 : 4));
}

/* What is advised works at one address, and a program comes to another that does not. */
static void warn_of_addresses(struct doctor_verdict *out, struct arena *a, const struct doctor_service *s)
{
	for (size_t i = 0; i < s->n && s->n_good > 0; i++) {
		enum doctor_cause cause = (enum doctor_cause)s->attempts[i]->cause;
		char text[NET_ADDRESS_TEXT];

		if (doctor_is_good(cause) || is_of_address(cause) || !s->attempts[i]->has_address)
			continue;
		net_address_text(&s->attempts[i]->address, text);
		warn(out, a, arena_printf(a, "%s port %u works, but not at its address %s: %s", s->candidate->host_z, s->candidate->port, text,
					  doctor_causes[cause].means_z));
	}
}

/* ---- the end of it ---- */

static enum doctor_class worst_of(const struct doctor_verdict *out, enum direction d, unsigned protocols)
{
	const struct doctor_service *worst = NULL;

	for (size_t i = 0; i < out->n_services; i++) {
		const struct doctor_service *s = &out->services[i];
		bool is_asked = protocols ? (protocols & (1u << s->candidate->protocol)) != 0 : d == OTHER || direction_of(s->candidate->protocol) == d;

		if (is_asked && !is_good(s) && (!worst || told(s->best) > told(worst->best)))
			worst = s;
	}
	return worst ? doctor_causes[worst->cause].class : DOCTOR_CLASS_NAMES;
}

static bool was_login_refused(const struct doctor_verdict *out)
{
	for (size_t i = 0; i < out->n_services; i++)
		for (size_t j = 0; j < out->services[i].n; j++)
			if (doctor_causes[out->services[i].attempts[j]->cause].class == DOCTOR_CLASS_LOGIN)
				return true;
	return false;
}

static enum doctor_class class_of(const struct doctor_verdict *out, const struct doctor_wish *wish)
{
	if (was_login_refused(out))
		return DOCTOR_CLASS_LOGIN;
	for (unsigned p = 0; p < DOCTOR_N_PROTOCOLS; p++)
		if ((wish->protocols & (1u << p)) && !out->settings[p].use)
			return worst_of(out, OTHER, 1u << p);
	if (wish->protocols)
		return DOCTOR_CLASS_OK;
	if (wish->is_host)
		return any_good_at_all(out) ? DOCTOR_CLASS_OK : worst_of(out, OTHER, 0);
	if (!any_good(out, INCOMING))
		return worst_of(out, INCOMING, 0);
	return any_good(out, OUTGOING) ? DOCTOR_CLASS_OK : worst_of(out, OUTGOING, 0);
}

static const char *headline(const struct doctor_verdict *out, const struct doctor_wish *wish)
{
	bool in = any_good(out, INCOMING), go = any_good(out, OUTGOING);

	if (out->class == DOCTOR_CLASS_LOGIN)
		return "It connects, but the login does not work.";
	if (in && go)
		return "Mail can be read and sent.";
	if (in)
		return wish->is_host || wish->protocols ? "Mail can be read." : "Mail can be read, but not sent.";
	if (go)
		return wish->is_host || wish->protocols ? "Mail can be sent." : "Mail can be sent, but not read.";
	return any_good(out, OTHER) ? "A mail server answers, though not for mail programs." : "It does not connect.";
}

static int service_order(const void *one, const void *other)
{
	const struct doctor_service *a = one, *b = other;

	if (a->is_noise != b->is_noise)
		return a->is_noise - b->is_noise;
	if (is_good(a) != is_good(b))
		return is_good(b) - is_good(a);
	if (a->candidate->protocol != b->candidate->protocol)
		return (int)a->candidate->protocol - (int)b->candidate->protocol;
	return is_good(a) ? doctor_rank_compare(a->best, b->best) : doctor_rank_hope(a->candidate, b->candidate);
}

int doctor_verdict(const struct doctor_attempt *v, size_t n, const struct doctor_wish *wish, struct arena *a, struct doctor_verdict *ret)
{
	struct doctor_verdict out = { 0 };
	int r = gather(v, n, a, &out);

	out.warnings_z = ARENA_ARRAY(a, const char *, WARNINGS);
	if (r < 0 || !out.warnings_z)
		return -E_LIMIT;
	mark_noise(&out, wish);
	qsort(out.services, out.n_services, sizeof(*out.services), service_order);
	for (unsigned p = 0; p < DOCTOR_N_PROTOCOLS; p++)
		set_settings(&out, wish, a, (enum doctor_protocol)p);
	for (unsigned p = 0; p < DOCTOR_N_PROTOCOLS; p++)
		if (out.settings[p].use)
			warn_of_addresses(&out, a, out.settings[p].use);
	for (size_t i = 0; i < n; i++)
		warn_of_attempt(&out, a, &v[i], wish->now_s);
	out.class = class_of(&out, wish);
	out.headline_z = headline(&out, wish);
	*ret = out;
	return 0;
}

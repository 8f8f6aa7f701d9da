/* SPDX-License-Identifier: MIT */
/*
 * Causes that one attempt cannot know: who is silent is told by what else is silent.
 *
 *   the whole host silent, another address of it answers    this address
 *   the whole host silent, other hosts answer               this host
 *   all is silent                                           this network, or the host where there is but one
 *   one port silent, others of the address answer:
 *     the port is published or one that networks block, or other ports are refused (so what is closed there answers)   this network blocks it
 *     everything else that is closed is silent too          the server's firewall: it does not serve it
 *
 * A port that is refused like all others of the host: no mail server there. STARTTLS that is not offered at one address or port of a host but at another of the same protocol was taken away on the way.
 */
#include "doctor/cause.h"

#include "base/mem.h"

struct sight {
	struct doctor_attempt *v;
	size_t n;
};

static bool is_same_host(const struct doctor_attempt *a, const struct doctor_attempt *b)
{
	return str_ieq(str_z(a->candidate->host_z), str_z(b->candidate->host_z));
}

static bool is_silent(const struct doctor_attempt *a)
{
	return a->cause == DOCTOR_SILENT;
}

/* Something came back from the other side itself. */
static bool has_answered(const struct doctor_attempt *a)
{
	return a->cause == DOCTOR_REFUSED || a->stages[DOCTOR_AT_TCP].state == DOCTOR_OK;
}

/* Does any other attempt fit? */
static bool any(const struct sight *s, const struct doctor_attempt *a, bool (*is_like)(const struct doctor_attempt *a, const struct doctor_attempt *b),
		bool (*is)(const struct doctor_attempt *b))
{
	for (size_t i = 0; i < s->n; i++)
		if (&s->v[i] != a && (!is_like || is_like(a, &s->v[i])) && is(&s->v[i]))
			return true;
	return false;
}

static bool is_refused(const struct doctor_attempt *a)
{
	return a->cause == DOCTOR_REFUSED;
}

/* Where others have an interest that nobody sends mail past them. */
static bool is_often_blocked(const struct doctor_attempt *a)
{
	return a->candidate->port == 25;
}

static bool is_published(const struct doctor_attempt *a)
{
	enum doctor_source source = a->candidate->source;

	return source == DOCTOR_BY_SRV || source == DOCTOR_BY_AUTOCONFIG || (source == DOCTOR_BY_MX && a->candidate->protocol == DOCTOR_SMTP);
}

static bool is_other_host(const struct doctor_attempt *a, const struct doctor_attempt *b)
{
	return !is_same_host(a, b) && !doctor_attempt_is_same_address(a, b);
}

static enum doctor_cause whose_silence(const struct sight *s, const struct doctor_attempt *a)
{
	if (any(s, a, doctor_attempt_is_same_address, has_answered)) {
		bool is_blocked = is_often_blocked(a) || is_published(a) || any(s, a, doctor_attempt_is_same_address, is_refused);

		return is_blocked ? DOCTOR_PORT_BLOCKED : DOCTOR_PORT_FILTERED;
	}
	if (any(s, a, is_same_host, has_answered))
		return DOCTOR_ADDRESS_SILENT;
	if (any(s, a, is_other_host, has_answered))
		return DOCTOR_HOST_SILENT;
	return any(s, a, doctor_attempt_is_same_address, is_silent) ? DOCTOR_NETWORK_SILENT : DOCTOR_SILENT;
}

static bool is_connected(const struct doctor_attempt *a)
{
	return a->stages[DOCTOR_AT_TCP].state == DOCTOR_OK;
}

static bool is_other_port(const struct doctor_attempt *a, const struct doctor_attempt *b)
{
	return is_same_host(a, b) && a->candidate->port != b->candidate->port;
}

/* Nothing of the host listens, as far as was tried. */
static bool refuses_all(const struct sight *s, const struct doctor_attempt *a)
{
	return any(s, a, is_other_port, is_refused) && !any(s, a, is_same_host, is_connected) && !any(s, a, is_same_host, is_silent);
}

static bool is_same_service(const struct doctor_attempt *a, const struct doctor_attempt *b)
{
	return is_same_host(a, b) && a->candidate->protocol == b->candidate->protocol && b->candidate->tls != DOCTOR_IMPLICIT;
}

static bool offers_starttls(const struct doctor_attempt *b)
{
	return b->has_starttls;
}

void doctor_judge(struct doctor_attempt *v, size_t n)
{
	struct sight s = { v, n };
	unsigned *causes = mem_alloc(n + 1, sizeof(*causes));

	for (size_t i = 0; i < n; i++)
		v[i].cause = doctor_cause_of(&v[i]);
	for (size_t i = 0; i < n; i++) {
		causes[i] = v[i].cause;
		if (is_silent(&v[i]))
			causes[i] = whose_silence(&s, &v[i]);
		else if (is_refused(&v[i]) && refuses_all(&s, &v[i]))
			causes[i] = DOCTOR_NO_SERVER;
		else if (v[i].cause == DOCTOR_STARTTLS_MISSING && any(&s, &v[i], is_same_service, offers_starttls))
			causes[i] = DOCTOR_STARTTLS_STRIPPED;
	}
	for (size_t i = 0; i < n; i++)
		v[i].cause = causes[i];
	mem_free(causes);
}

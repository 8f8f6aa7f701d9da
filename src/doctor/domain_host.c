/* SPDX-License-Identifier: MIT */
/* What the walks to the hosts came to (domain_walk.c): the port, STARTTLS, certificates, DANE. RFC 3207, RFC 7672, RFC 8461. */
#include "doctor/domain_int.h"

#include <time.h>

#include "base/clock.h"

#define CONNECT_MS 10000 /* who has not answered then is not there */
#define DAY_S 86400
#define SOON_S (14 * DAY_S) /* certificates of 90 days are renewed 30 before */

/* ---- the port ---- */

static bool can_speak(const struct domain_host *h)
{
	return h->walk.is_done && h->walk.has_connect && h->walk.connect_err == 0 &&
	       h->walk.has_helo;
}

/* No connection: because of the host, unless the check was short. */
static void say_dead(const struct domain_host *h, bool has_other, struct doctor_domain_finding *f)
{
	f->evidence = h->walk.connect;
	if (h->walk.is_out_of_time && h->ms < CONNECT_MS) {
		f->state = DOCTOR_DOMAIN_SKIPPED;
		f->reason = S(
			"No answer in the time of this check: ask again with a longer --timeout.");
	} else if (has_other) {
		f->reason = S(
			"Nobody answers at this host; mail goes to the others, later than it could.");
	} else {
		f->reason = S(
			"Nobody answers, so no mail comes. Or the network here lets nobody out to port 25, as many do: try again from elsewhere.");
	}
}

/* A connection, and no greeting or answer to EHLO that is worth anything. Some greet late on purpose. */
static void say_rude(const struct domain_host *h, struct doctor_domain_finding *f)
{
	f->evidence = h->walk.greeting;
	if (h->walk.is_out_of_time) {
		f->state = DOCTOR_DOMAIN_WARN;
		f->reason = S(
			"It takes the connection and says nothing in the time of this check. Senders wait, for five minutes (RFC 5321 4.5.3.2.1): ask again with a longer --timeout.");
	} else {
		f->reason = S(
			"It answers, and takes no mail from here: by its own words. An address without a name, or on a blocklist, may be refused so.");
	}
}

static void say_port(struct domain_check *c, const struct domain_host *h, bool has_other)
{
	const struct domain_walk *w = &h->walk;
	struct doctor_domain_finding f = { .state = has_other ? DOCTOR_DOMAIN_WARN
							      : DOCTOR_DOMAIN_FAIL,
					   .what = h->name };

	if (can_speak(h)) {
		f.state = DOCTOR_DOMAIN_PASS;
		f.evidence = domain_printf(c, "%" STR_FMT ": %" STR_FMT "%s%" STR_FMT,
					   STR_ARG(w->connect), STR_ARG(w->greeting),
					   w->others.n > 0 ? "\nnot " : "", STR_ARG(w->others));
		f.reason = S("It takes connections and speaks SMTP.");
	} else if (w->has_connect && w->connect_err < 0) {
		say_dead(h, has_other, &f);
	} else if (w->has_greeting && w->greeting_err < 0) {
		say_rude(h, &f);
	} else {
		f.state = DOCTOR_DOMAIN_SKIPPED;
		f.evidence = w->dane_err < 0 ? w->dane_why : w->failure;
		f.reason = S("It did not come to a connection.");
	}
	domain_add(c, &f);
}

void domain_port(struct domain_check *c)
{
	size_t n_good = 0;

	for (size_t i = 0; i < c->n_hosts; i++)
		n_good += can_speak(&c->hosts[i]);
	for (size_t i = 0; i < c->n_hosts; i++) {
		if (c->hosts[i].walk.is_done)
			say_port(c, &c->hosts[i], n_good > 0);
		else if (c->d->is_dns_only)
			DOMAIN_SAY(c, SKIPPED, c->hosts[i].name, S(""), "Nobody is connected to.",
				   S(""));
	}
}

/* ---- STARTTLS ---- */

/* RFC 7672 2.2.1: only with the records that name the host signed too. */
static bool has_dane(const struct domain_check *c, const struct domain_host *h)
{
	return h->walk.has_dane && c->is_mx_secure;
}

static bool is_tls_demanded(const struct domain_check *c, const struct domain_host *h)
{
	return has_dane(c, h) || (c->has_sts && c->sts.mode == STS_ENFORCE);
}

static void say_starttls(struct domain_check *c, const struct domain_host *h)
{
	const struct domain_walk *w = &h->walk;
	enum doctor_domain_state worse =
		is_tls_demanded(c, h) ? DOCTOR_DOMAIN_FAIL : DOCTOR_DOMAIN_WARN;
	struct doctor_domain_finding f = { .state = worse, .what = h->name, .evidence = w->tls };

	if (!w->has_starttls) {
		f.evidence = S("STARTTLS is not offered");
		f.reason =
			worse == DOCTOR_DOMAIN_FAIL
				? S("The domain publishes that its hosts have TLS, so mail waits at senders that look at that.")
				: S("Mail comes in the clear: whoever is on the way reads it. Give the server a certificate; a self-made one will do for that.");
	} else if (!w->has_tls && w->has_certificate && w->problem.n > 0) {
		f.reason = S("The handshake ends because of the certificate.");
	} else if (!w->has_tls) {
		f.reason = S(
			"STARTTLS is offered and fails: mail comes in the clear, or waits at senders that demand TLS.");
	} else if (w->is_old_tls) {
		f.state = DOCTOR_DOMAIN_WARN;
		f.reason = S(
			"This version of TLS is not to be used any more (RFC 8996): newer senders give up, or send in the clear.");
	} else {
		f.state = DOCTOR_DOMAIN_PASS;
		f.reason = S("Mail comes encrypted.");
	}
	domain_add(c, &f);
}

void domain_starttls(struct domain_check *c)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		if (can_speak(&c->hosts[i]))
			say_starttls(c, &c->hosts[i]);
}

/* ---- the certificate ---- */

static struct str date_of(struct domain_check *c, int64_t at_s)
{
	char text[32] = "";
	time_t t = (time_t)at_s;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	return domain_printf(c, "%s", text);
}

static void say_certificate(struct domain_check *c, const struct domain_host *h)
{
	const struct domain_walk *w = &h->walk;
	int64_t now_s = clock_wall_ms() / 1000;
	struct doctor_domain_finding f = { .state = DOCTOR_DOMAIN_PASS, .what = h->name };

	f.evidence =
		domain_printf(c, "for %" STR_FMT ", until %" STR_FMT ", by %" STR_FMT "%s%" STR_FMT,
			      STR_ARG(w->names), STR_ARG(date_of(c, w->not_after_s)),
			      STR_ARG(w->issuer), w->problem.n > 0 ? "\n" : "",
			      STR_ARG(w->problem));
	if (w->is_dane_verified) {
		f.reason = S("Its TLSA records vouch for it: no authority is needed.");
	} else if (!w->is_certificate_good && has_dane(c, h)) {
		f.state = DOCTOR_DOMAIN_FAIL;
		f.reason = S(
			"It is not the one that the TLSA records name: senders that look at DANE keep their mail.");
	} else if (!w->is_certificate_good && c->has_sts && c->sts.mode == STS_ENFORCE) {
		f.state = DOCTOR_DOMAIN_FAIL;
		f.reason = S(
			"The MTA-STS policy demands a certificate for the host by an authority that everybody knows (RFC 8461 4.2): senders that look at it keep their mail.");
	} else if (!w->is_certificate_good) {
		f.state = DOCTOR_DOMAIN_WARN;
		f.reason = S(
			"It does not verify. Most senders do not look; those that demand a good one keep their mail.");
	} else if (w->not_after_s - now_s < SOON_S) {
		f.state = DOCTOR_DOMAIN_WARN;
		f.reason = S("It verifies, and ends soon: is it renewed by itself?");
	} else {
		f.reason = S("It verifies.");
	}
	domain_add(c, &f);
}

void domain_certificate(struct domain_check *c)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		if (c->hosts[i].walk.is_done && c->hosts[i].walk.has_certificate)
			say_certificate(c, &c->hosts[i]);
}

/* ---- DANE ---- */

/* Records that nobody may believe: the zone is not signed, or that of the domain is not (RFC 7672 2.2.1). */
static bool has_unsigned_records(struct domain_check *c, const struct domain_host *h)
{
	struct net_dns_answer answer;
	struct str name = domain_printf(c, "_%u._tcp.%" STR_FMT, c->d->port, STR_ARG(h->name));

	return domain_ask_quiet(c, name, NET_DNS_TLSA, &answer, NULL) == 0 && answer.n > 0;
}

static void say_no_dane(struct domain_check *c, const struct domain_host *h)
{
	bool is_secure = h->is_secure && c->is_mx_secure;

	if (!is_secure && (h->walk.has_dane || has_unsigned_records(c, h)))
		DOMAIN_SAY(
			c, WARN, h->name,
			h->is_secure ? S("TLSA records, and the MX records are not signed")
				     : S("TLSA records in a zone that is not signed"),
			"Without DNSSEC for both the domain and the host nobody looks at TLSA records (RFC 7672 2.2).",
			S(""));
	else if (is_secure)
		DOMAIN_SAY(
			c, INFO, h->name, S("no TLSA records"),
			"The DNS is signed, so TLSA records would make TLS to this host safe (RFC 7672): `martlet dns` prints those of a server.",
			S(""));
	else
		DOMAIN_SAY(c, INFO, h->name, S("no DNSSEC"), "DANE is not possible.", S(""));
}

static void say_dane(struct domain_check *c, const struct domain_host *h)
{
	const struct domain_walk *w = &h->walk;
	struct str records = domain_printf(c, "%zu TLSA records", w->n_tlsa);

	if (w->dane_err < 0)
		DOMAIN_SAY(
			c, FAIL, h->name, w->dane_why,
			"There is no right answer about its TLSA records, so senders that look at DANE keep their mail (RFC 7672 2.1.2).",
			S(""));
	else if (!has_dane(c, h))
		say_no_dane(c, h);
	else if (!w->is_dane_usable)
		DOMAIN_SAY(
			c, WARN, h->name, records,
			"None is of use for mail: only 2 and 3 as usage are (RFC 7672 3.1). TLS is demanded all the same, with any certificate.",
			S(""));
	else if (w->is_dane_verified)
		DOMAIN_SAY(c, PASS, h->name, records, "The certificate is one that they name.",
			   S(""));
	else if (w->has_tls || w->tls_err < 0 || !w->has_starttls)
		DOMAIN_SAY(
			c, FAIL, h->name,
			domain_printf(c, "%" STR_FMT "\n%" STR_FMT, STR_ARG(records),
				      STR_ARG(w->has_starttls ? w->tls
							      : S("STARTTLS is not offered"))),
			"The host shows no certificate that they name: senders that look at DANE keep their mail. Publish the record of the certificate that it has now.",
			S(""));
	else
		DOMAIN_SAY(c, SKIPPED, h->name, records,
			   "The host could not be asked for its certificate.", S(""));
}

void domain_dane(struct domain_check *c)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		if (c->hosts[i].walk.is_done && c->hosts[i].n > 0)
			say_dane(c, &c->hosts[i]);
		else if (c->d->is_dns_only && c->hosts[i].n > 0 &&
			 !(c->hosts[i].is_secure && c->is_mx_secure))
			say_no_dane(c, &c->hosts[i]);
}

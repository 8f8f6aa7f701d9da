/* SPDX-License-Identifier: MIT */
/* DMARC: RFC 9989, RFC 7489 7.1, by mailauth/dmarc.h. */
#include "doctor/domain_int.h"

#include "mailauth/dmarc.h"

static const struct {
	enum doctor_domain_state state;
	const char *reason_z;
} kinds[] = {
	[DMARC_NOTE_SYNTAX] = { DOCTOR_DOMAIN_WARN,
				"That is no tag=value; what is around it counts." },
	[DMARC_NOTE_VALUE] = { DOCTOR_DOMAIN_FAIL,
			       "The tag cannot have this value, so the record says something else than it seems to; with p, sp or np, all of it is p=none (RFC 9989 4.10.1)." },
	[DMARC_NOTE_TWICE] = { DOCTOR_DOMAIN_WARN, "The tag stands there twice." },
	[DMARC_NOTE_OLD] = { DOCTOR_DOMAIN_INFO,
			     "This tag is of the older DMARC, and receivers pass over it (RFC 9989)." },
	[DMARC_NOTE_UNKNOWN] = { DOCTOR_DOMAIN_INFO, "There is no such tag." },
	[DMARC_NOTE_URI] = { DOCTOR_DOMAIN_FAIL,
			     "Nobody sends a report to that: write mailto: before the address." },
	[DMARC_NOTE_SIZE] = { DOCTOR_DOMAIN_INFO,
			      "A size behind an address is of the older DMARC; receivers pass over it." },
	[DMARC_NOTE_NO_P] = { DOCTOR_DOMAIN_WARN, "p= is missing, which means p=none if the record names an address for reports." },
};

static struct str name_of(struct domain_check *c, struct str domain)
{
	return domain_printf(c, "_dmarc.%" STR_FMT, STR_ARG(domain));
}

static void say_none(struct domain_check *c, const struct dmarc_found *f)
{
	struct str domain = c->d->domain, name = name_of(c, domain);
	struct str value =
		c->is_null_mx
			? S("v=DMARC1; p=reject")
			: domain_printf(c, "v=DMARC1; p=none; rua=mailto:postmaster@%" STR_FMT,
					STR_ARG(domain));

	if (f->n_own > 1)
		DOMAIN_SAY(
			c, FAIL, name, domain_printf(c, "%zu records", f->n_own),
			"There may be one: several count as none (RFC 9989 4.10). Make one of them.",
			S(""));
	else
		DOMAIN_SAY(
			c, WARN, name, S("no record that begins with v=DMARC1"),
			"Anybody can write this domain into From. Large providers want a record of those who send much. Begin with p=none and reports; then p=quarantine, then "
			"p=reject.",
			domain_record(c, name, "TXT", value));
}

/* ---- who gets reports ---- */

static void look_at_uri(struct domain_check *c, const struct dmarc_found *f,
			const struct dmarc_uri *u)
{
	struct str name;
	int r;

	if (u->host.n == 0)
		return;
	r = dmarc_may_report(&c->lookup, f, u->host, c->a, &name);
	if (r < 0)
		DOMAIN_SAY(c, SKIPPED, u->uri, S(""),
			   "Whether its domain agrees to get reports could not be asked.", S(""));
	else if (r == 0)
		DOMAIN_SAY(
			c, WARN, u->uri, domain_printf(c, "no record at %" STR_FMT, STR_ARG(name)),
			"The address is in another domain, which has to say that it wants these reports; else nobody sends them (RFC 7489 7.1). It publishes this.",
			domain_record(c, name, "TXT", S("v=DMARC1")));
	else if (name.n > 0)
		DOMAIN_SAY(c, PASS, u->uri, name,
			   "The address is in another domain, and that agrees to get reports.",
			   S(""));
}

static void look_at_uris(struct domain_check *c, const struct dmarc_found *f,
			 const struct dmarc_uri *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		look_at_uri(c, f, &v[i]);
}

/* ---- the record ---- */

static void say_record(struct domain_check *c, const struct dmarc_found *f)
{
	const struct dmarc_record *r = &f->record;
	struct str what = name_of(c, f->domain);
	struct str evidence = domain_printf(
		c, "%" STR_FMT "\npolicy for the domain: %s; organizational domain: %" STR_FMT,
		STR_ARG(r->text), f->policy == DMARC_NO_POLICY ? "no policy" : dmarc_policy_names[f->policy], STR_ARG(f->organization));

	if (f->policy == DMARC_NO_POLICY)
		DOMAIN_SAY(
			c, FAIL, what, evidence,
			"p, sp or np is missing or says something that it cannot say, and nobody can get reports: the record counts as none (RFC 9989 4.10.1).",
			S(""));
	else if (f->policy == DMARC_NONE && r->n_rua == 0)
		DOMAIN_SAY(
			c, WARN, what, evidence,
			"It asks for nothing, and nobody is told anything: name an address for reports (rua=), see whether all your mail passes, then write "
			"p=quarantine.",
			S(""));
	else if (f->policy == DMARC_NONE)
		DOMAIN_SAY(
			c, PASS, what, evidence,
			"It asks for reports, and nothing is done to mail that fails: when they show for some weeks that all your mail passes, write "
			"p=quarantine, then p=reject.",
			S(""));
	else if (r->is_test)
		DOMAIN_SAY(
			c, PASS, what, evidence,
			"t=y: the policy is being tried, and receivers do one step less than it says.",
			S(""));
	else
		DOMAIN_SAY(c, PASS, what, evidence,
			   "Mail that others send with this domain in From is kept away.", S(""));
}

void domain_dmarc(struct domain_check *c)
{
	struct dmarc_found f;

	if (dmarc_find(&c->lookup, c->d->domain, c->a, &f) < 0) {
		DOMAIN_SAY(c, SKIPPED, name_of(c, c->d->domain), S(""),
			   "The DNS gives no answer here.", S(""));
		return;
	}
	if (f.domain.n == 0 || f.n_own > 1) {
		say_none(c, &f);
		return;
	}
	say_record(c, &f);
	for (size_t i = 0; i < f.record.n_notes; i++)
		domain_add(c, &(struct doctor_domain_finding){
				      .state = kinds[f.record.notes[i].kind].state,
				      .what = name_of(c, f.domain),
				      .evidence = f.record.notes[i].text,
				      .reason = str_z(kinds[f.record.notes[i].kind].reason_z) });
	look_at_uris(c, &f, f.record.rua, f.record.n_rua);
	look_at_uris(c, &f, f.record.ruf, f.record.n_ruf);
}

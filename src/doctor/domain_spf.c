/* SPDX-License-Identifier: MIT */
/* SPF: RFC 7208, by mailauth/spf.h. */
#include "doctor/domain_int.h"

#include "mailauth/spf.h"

#define TREE_MAX 12 /* records of the tree that are shown */

/* What each note is, by its kind; the rest is the same for all. */
static const struct {
	enum doctor_domain_state state;
	const char *reason_z;
} kinds[SPF_N_NOTES] = {
	[SPF_NOTE_NO_ANSWER] = { DOCTOR_DOMAIN_WARN,
				 "The DNS gives no answer for this part: receivers put mail off, or take it for unproven, while that lasts." },
	[SPF_NOTE_NO_RECORD] = { DOCTOR_DOMAIN_FAIL,
				 "Without SPF anybody can send with this domain as the return address, and large providers refuse its mail or call it spam. The "
				 "record says that the hosts that take its mail send it, too, and nobody else." },
	[SPF_NOTE_MANY_RECORDS] = { DOCTOR_DOMAIN_FAIL,
				    "There may be one record that begins with v=spf1: with several SPF fails for everybody (RFC 7208 4.5). Make one of them." },
	[SPF_NOTE_SYNTAX] = { DOCTOR_DOMAIN_FAIL,
			      "A record with a mistake in it counts for nothing: SPF fails for everybody (RFC 7208 4.6)." },
	[SPF_NOTE_NO_TARGET] = { DOCTOR_DOMAIN_FAIL,
				 "The domain that is named has no SPF record (any more): SPF fails for everybody that nothing before it matches (RFC 7208 5.2, 6.1). Take "
				 "it out." },
	[SPF_NOTE_LOOP] = { DOCTOR_DOMAIN_FAIL,
			    "The record leads back to itself: SPF fails for everybody that nothing before it matches." },
	[SPF_NOTE_LOOKUPS] = { DOCTOR_DOMAIN_FAIL,
			       "More than 10 terms ask the DNS, those of included records among them, and receivers stop there: SPF fails for mail that comes so far "
			       "(RFC 7208 4.6.4). Leave services out that you do not use, or write ip4 and ip6 for hosts that do not move." },
	[SPF_NOTE_VOIDS] = { DOCTOR_DOMAIN_FAIL,
			     "More than 2 terms name something that does not exist, and receivers stop there: SPF fails (RFC 7208 4.6.4). Take them out." },
	[SPF_NOTE_NAMES] = { DOCTOR_DOMAIN_FAIL,
			     "An mx of more than 10 hosts: SPF fails there (RFC 7208 4.6.4). Write their networks with ip4 and ip6." },
	[SPF_NOTE_PLUS_ALL] = { DOCTOR_DOMAIN_FAIL,
				"The record lets the whole world send with this domain as the return address: it is worse than none." },
	[SPF_NOTE_NO_ALL] = { DOCTOR_DOMAIN_WARN,
			      "Nothing is said about hosts that are not named: end the record with -all, or with ~all as long as you are not sure." },
	[SPF_NOTE_NEUTRAL_ALL] = { DOCTOR_DOMAIN_WARN,
				   "?all says nothing about hosts that are not named: write -all, or ~all as long as you are not sure." },
	[SPF_NOTE_AFTER_ALL] = { DOCTOR_DOMAIN_WARN,
				 "What stands behind all, and a redirect beside it, is never looked at (RFC 7208 5.1)." },
	[SPF_NOTE_PTR] = { DOCTOR_DOMAIN_WARN,
			   "ptr is slow, unreliable and not to be used (RFC 7208 5.5); some receivers pass over it. Write a, mx, ip4 or ip6." },
	[SPF_NOTE_LONG] = { DOCTOR_DOMAIN_WARN,
			    "A record of more than 450 bytes does not fit one UDP answer everywhere (RFC 7208 3.4): divide it with include." },
	[SPF_NOTE_VOID] = { DOCTOR_DOMAIN_WARN,
			    "This names something that does not exist. Two such terms are allowed; take it out." },
	[SPF_NOTE_MACRO] = { DOCTOR_DOMAIN_INFO,
			     "This depends on the message, so it was not followed." },
	[SPF_NOTE_MORE] = { DOCTOR_DOMAIN_INFO,
			    "The tree of included records goes on; it was not followed further." },
};

/* RFC 7208 10.1: a domain that sends no mail says so; 5.4: without MX records "mx" is nobody. */
static struct str proposal(struct domain_check *c)
{
	return domain_record(c, c->d->domain, "TXT",
			     c->is_null_mx       ? S("v=spf1 -all")
			     : c->is_implicit_mx ? S("v=spf1 a -all")
						 : S("v=spf1 mx -all"));
}

/* The record with another end. */
static struct str with_end(struct domain_check *c, struct str record, struct str end)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SPF_RECORD_MAX + 8);
	struct str rest = record, term;

	while (str_split(&rest, ' ', &term)) {
		bool is_end = str_ieq(term, S("all")) ||
			      (term.n == 4 && str_ieq(str_skip(term, 1), S("all")));

		if (term.n == 0 || is_end)
			continue;
		buf_add(&out, term);
		buf_add_char(&out, ' ');
	}
	buf_add(&out, end);
	return domain_record(c, c->d->domain, "TXT", buf_str(&out));
}

/* The record without a term; empty: it is not there. */
static struct str without(struct domain_check *c, struct str record, struct str unwanted)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SPF_RECORD_MAX);
	struct str rest = record, term;
	bool is_found = false;

	while (str_split(&rest, ' ', &term)) {
		bool is_it = str_ieq(term, unwanted);

		is_found |= is_it;
		if (term.n > 0 && !is_it)
			buf_printf(&out, "%s%" STR_FMT, out.n > 0 ? " " : "", STR_ARG(term));
	}
	return is_found ? domain_record(c, c->d->domain, "TXT", buf_str(&out)) : S("");
}

static struct str record_for(struct domain_check *c, const struct spf_report *r,
			     const struct spf_note *n)
{
	bool is_own = str_ieq(n->domain, c->d->domain) && r->record.n > 0;

	if (n->kind == SPF_NOTE_NO_RECORD)
		return proposal(c);
	if (is_own && (n->kind == SPF_NOTE_PLUS_ALL || n->kind == SPF_NOTE_NEUTRAL_ALL ||
		       n->kind == SPF_NOTE_NO_ALL))
		return with_end(c, r->record, S("-all"));
	if (is_own && (n->kind == SPF_NOTE_NO_TARGET || n->kind == SPF_NOTE_VOID))
		return without(c, r->record, n->text);
	return S("");
}

static struct str evidence_of(struct domain_check *c, const struct spf_note *n)
{
	bool is_elsewhere = !str_ieq(n->domain, c->d->domain);

	return domain_printf(
		c, "%s%" STR_FMT "%s%" STR_FMT, is_elsewhere ? "in the record of " : "",
		STR_ARG(is_elsewhere ? n->domain : S("")),
		is_elsewhere && n->text.n > 0 ? ": " : "",
		STR_ARG(n->kind == SPF_NOTE_NO_RECORD ? S("no TXT record that begins with v=spf1")
						      : n->text));
}

/* The whole: its record, its tree, its counts. */
static void say_whole(struct domain_check *c, const struct spf_report *r)
{
	struct doctor_domain_finding f = { .state = DOCTOR_DOMAIN_PASS };
	struct str tree = S("");

	for (size_t i = 0; i < r->n_seen && i < TREE_MAX; i++)
		tree = domain_printf(c, "%" STR_FMT "\n%*s%" STR_FMT ": %" STR_FMT, STR_ARG(tree),
				     (int)(2 * r->seen[i].depth), "", STR_ARG(r->seen[i].domain),
				     STR_ARG(r->seen[i].text));
	f.evidence = domain_printf(
		c,
		"%u of 10 terms that ask the DNS, %u of 2 without an answer, others: %s%" STR_FMT
		"%s",
		r->lookups, r->voids, spf_result_names[r->rest], STR_ARG(tree),
		r->n_seen > TREE_MAX ? "\n..." : "");
	f.reason = S("Receivers can tell which hosts send the domain's mail.");
	if (r->is_error) {
		f.state = DOCTOR_DOMAIN_INFO;
		f.reason = S("The record as it was read.");
	} else if (r->lookups > 8) {
		f.reason = S(
			"Receivers can tell which hosts send the domain's mail. It is close to the limit of 10: an included record that grows ends it.");
	}
	domain_add(c, &f);
}

void domain_spf(struct domain_check *c)
{
	struct spf_report r;

	if (spf_look(&c->lookup, c->d->domain, c->a, &r) < 0) {
		DOMAIN_SAY(c, SKIPPED, S(""), S(""), "The records are too large to be looked at.",
			   S(""));
		return;
	}
	for (size_t i = 0; i < r.n_notes; i++) {
		const struct spf_note *n = &r.notes[i];

		domain_add(c, &(struct doctor_domain_finding){
				      .state = kinds[n->kind].state,
				      .evidence = evidence_of(c, n),
				      .reason = str_z(kinds[n->kind].reason_z),
				      .record = record_for(c, &r, n) });
	}
	if (r.n_seen > 0)
		say_whole(c, &r);
}

/* SPDX-License-Identifier: MIT */
/* Keys of DKIM: RFC 6376 3.6.1, RFC 8301, by mailauth/dkim_record.h. */
#include "doctor/domain_int.h"

#include "mailauth/dkim_record.h"

/* No list says which selectors a domain has; these are the defaults of programs and large providers. */
static const struct str usual[] = {
	STR_INIT("default"),   STR_INIT("mail"),       STR_INIT("dkim"), STR_INIT("s1"),
	STR_INIT("s2"),        STR_INIT("k1"),         STR_INIT("k2"),   STR_INIT("selector1"),
	STR_INIT("selector2"), STR_INIT("google"),     STR_INIT("key1"), STR_INIT("martlet"),
	STR_INIT("fm1"),       STR_INIT("protonmail"), STR_INIT("x"),    STR_INIT("smtp"),
};

static struct str name_of(struct domain_check *c, struct str selector)
{
	return domain_printf(c, "%" STR_FMT "._domainkey.%" STR_FMT, STR_ARG(selector),
			     STR_ARG(c->d->domain));
}

static struct str kind_text(struct domain_check *c, const struct dkim_record *r)
{
	if (r->kind == DKIM_KEY_OTHER)
		return domain_printf(c, "k=%" STR_FMT, STR_ARG(r->k));
	return domain_printf(c, "%s, %d bits%s", r->kind == DKIM_KEY_RSA ? "RSA" : "Ed25519",
			     r->bits, r->is_test ? ", t=y" : "");
}

/* The first that is so. */
static void judge(const struct dkim_record *r, bool is_named, enum doctor_domain_state *ret_state,
		  struct str *ret_reason)
{
	const struct {
		bool is_so;
		enum doctor_domain_state state;
		struct str reason;
	} rows[] = {
		{ r->is_revoked && is_named, DOCTOR_DOMAIN_FAIL,
		  S("p= is empty: the key is withdrawn, and signatures with it fail.") },
		{ r->is_revoked, DOCTOR_DOMAIN_INFO, S("A key that was withdrawn.") },
		{ r->kind == DKIM_KEY_RSA && r->bits < DKIM_RSA_MIN, DOCTOR_DOMAIN_FAIL,
		  S("A key of less than 1024 bits can be found out by anybody, and signatures with it count for nothing (RFC 8301 3.2). Make one of 2048.") },
		{ !r->is_for_mail, DOCTOR_DOMAIN_FAIL,
		  S("s= has neither \"*\" nor \"email\": it is not for mail.") },
		{ !r->has_sha256, DOCTOR_DOMAIN_FAIL,
		  S("h= leaves sha256 out, which is the only hash that counts (RFC 8301 3.1).") },
		{ r->kind == DKIM_KEY_OTHER, DOCTOR_DOMAIN_WARN,
		  S("A kind of key that hardly any receiver knows.") },
		{ r->kind == DKIM_KEY_RSA && r->bits < DKIM_RSA_GOOD, DOCTOR_DOMAIN_WARN,
		  S("Keys should have 2048 bits (RFC 8301 3.2).") },
		{ r->is_test, DOCTOR_DOMAIN_WARN,
		  S("t=y says that DKIM is being tested, and mail is to be treated as if it was not signed (RFC 6376 3.6.1). Take it out.") },
		{ r->kind == DKIM_KEY_ED25519, DOCTOR_DOMAIN_PASS,
		  S("A good key, which many receivers do not know yet: sign with an RSA key too (RFC 8463).") },
	};

	*ret_state = DOCTOR_DOMAIN_PASS;
	*ret_reason = S("A good key.");
	for (size_t i = ARRAY_LEN(rows); i-- > 0;)
		if (rows[i].is_so) {
			*ret_state = rows[i].state;
			*ret_reason = rows[i].reason;
		}
}

static void say_key(struct domain_check *c, struct str name, struct str text, bool is_named)
{
	struct doctor_domain_finding f = { .what = name };
	struct dkim_record record;
	const char *what_z = "";

	if (dkim_record_parse(text, c->a, &record, &what_z) < 0) {
		f.state = DOCTOR_DOMAIN_FAIL;
		f.evidence =
			domain_printf(c, "%s: %" STR_FMT, what_z, STR_ARG(str_head(text, 200)));
		f.reason = S("The record is not right, so signatures with this selector fail.");
	} else {
		judge(&record, is_named, &f.state, &f.reason);
		f.evidence = kind_text(c, &record);
	}
	domain_add(c, &f);
}

/* RFC 6376 3.6.2.2: one record. 1: something is there; 0: nothing; negative. */
static int look_at(struct domain_check *c, struct str selector, bool is_named)
{
	struct str name = name_of(c, selector), *texts = NULL;
	size_t n = 0, n_keys = 0, k = 0;
	int r = domain_texts(c, name, &texts, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (dkim_record_is(texts[i])) {
			n_keys++;
			k = i;
		}
	if (n_keys > 1)
		DOMAIN_SAY(
			c, FAIL, name, domain_printf(c, "%zu records", n_keys),
			"There may be one: what receivers do with several is not defined, and some let signatures fail.",
			S(""));
	else if (n_keys == 1)
		say_key(c, name, texts[k], is_named);
	else if (is_named && n > 0)
		say_key(c, name, texts[0], true);
	return n_keys > 0 || (is_named && n > 0);
}

static void look_at_named(struct domain_check *c)
{
	for (size_t i = 0; i < c->d->n_selectors && i < DOCTOR_DOMAIN_SELECTORS; i++)
		if (look_at(c, c->d->selectors[i], true) == 0)
			DOMAIN_SAY(
				c, FAIL, name_of(c, c->d->selectors[i]), S("no TXT record"),
				"Signatures with this selector fail: nobody finds the key. Publish its public half: \"v=DKIM1; k=rsa; p=...\".",
				S(""));
}

/* RFC 8020 2: a name that does not exist has nothing below. */
static bool has_none(struct domain_check *c)
{
	struct net_dns_answer answer;
	struct str name = domain_printf(c, "_domainkey.%" STR_FMT, STR_ARG(c->d->domain));

	return domain_ask_quiet(c, name, NET_DNS_TXT, &answer, NULL) == 0 && answer.is_nxdomain;
}

void domain_dkim(struct domain_check *c)
{
	size_t n_found = 0;

	if (c->d->n_selectors > 0) {
		look_at_named(c);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		domain_ahead(c, name_of(c, usual[i]), NET_DNS_TXT);
	if (has_none(c)) {
		DOMAIN_SAY(
			c, WARN, S(""), S("_domainkey does not exist"),
			"The domain has no key for DKIM at all: nobody can tell its mail from somebody else's, and large providers want signatures.",
			S(""));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		n_found += look_at(c, usual[i], false) > 0;
	if (n_found == 0)
		DOMAIN_SAY(
			c, INFO, S(""), S("no key under the usual names"),
			"Which selectors a domain has cannot be asked; some usual ones were tried. Name yours: --selector NAME, which stands "
			"behind s= in the DKIM-Signature of a message.",
			S(""));
}

/* SPDX-License-Identifier: MIT */
/* Who may give certificates for the hosts: RFC 8659. */
#include "doctor/domain_int.h"

/* RFC 8659 3: the first name with records, from the host upwards. 1; 0: none; negative. */
static int climb(struct domain_check *c, struct str host, struct str *ret_name,
		 struct net_dns_answer *ret)
{
	for (struct str name = host; name.n > 0;) {
		ptrdiff_t dot = str_chr(name, '.');
		int r = domain_ask(c, name, NET_DNS_CAA, ret);

		if (r < 0)
			return r;
		*ret_name = name;
		if (ret->n > 0)
			return 1;
		name = dot < 0 ? S("") : str_skip(name, (size_t)dot + 1);
	}
	return 0;
}

/* RFC 8659 4.2: "" or ";" is nobody; parameters behind ";" are the authority's business. */
static struct str issuer(struct str value)
{
	ptrdiff_t semicolon = str_chr(value, ';');

	return str_trim(semicolon < 0 ? value : str_head(value, (size_t)semicolon));
}

/* RFC 8659 4.1, 4.3 to 4.5, RFC 8657, RFC 9495: what authorities know, so that its critical flag stops nobody. */
static bool is_known_tag(struct str tag)
{
	static const struct str known[] = { STR_INIT("issue"),        STR_INIT("issuewild"),
					    STR_INIT("iodef"),        STR_INIT("contactemail"),
					    STR_INIT("contactphone"), STR_INIT("issuemail"),
					    STR_INIT("issuevmc") };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_ieq(tag, known[i]))
			return true;
	return false;
}

static void look_at_records(struct domain_check *c, struct str name,
			    const struct net_dns_answer *answer)
{
	struct str issuers = S("");
	bool is_restricted = false;

	for (size_t i = 0; i < answer->n; i++) {
		struct net_dns_caa caa;

		if (!net_dns_caa(answer->rdata[i], &caa)) {
			DOMAIN_SAY(
				c, FAIL, name, S("CAA"),
				"A CAA record that is not well-formed: authorities may refuse to give a certificate.",
				S(""));
			continue;
		}
		caa.value = domain_line(c, caa.value);
		if (caa.is_critical && !is_known_tag(caa.tag))
			DOMAIN_SAY(
				c, FAIL, name,
				domain_printf(c, "128 %" STR_FMT " \"%" STR_FMT "\"",
					      STR_ARG(caa.tag), STR_ARG(caa.value)),
				"A critical property that authorities do not know: they have to refuse a certificate (RFC 8659 4.5).",
				S(""));
		if (!str_ieq(caa.tag, S("issue")))
			continue;
		is_restricted = true;
		if (issuer(caa.value).n > 0 && issuers.n < DOMAIN_EVIDENCE)
			issuers =
				domain_printf(c, "%" STR_FMT "%s%" STR_FMT, STR_ARG(issuers),
					      issuers.n > 0 ? " " : "", STR_ARG(issuer(caa.value)));
	}
	if (is_restricted && issuers.n == 0)
		DOMAIN_SAY(
			c, WARN, name, S("issue \";\""),
			"No authority may give a certificate for these names: the next renewal fails, unless the certificate is self-made.",
			S(""));
	else if (is_restricted)
		DOMAIN_SAY(c, PASS, name, issuers,
			   "Only these authorities may give certificates for its hosts.", S(""));
	else
		DOMAIN_SAY(c, INFO, name, S("CAA without issue"),
			   "Any authority may give certificates for its hosts.", S(""));
}

/* The host's own records, or those above it: each once. */
void domain_caa(struct domain_check *c)
{
	struct str seen[DOCTOR_DOMAIN_HOSTS], name;
	size_t n_seen = 0;

	for (size_t i = 0; i < c->n_hosts; i++) {
		struct net_dns_answer answer;
		bool is_new = true;
		int r = climb(c, c->hosts[i].name, &name, &answer);

		if (r < 0)
			continue;
		if (r == 0) {
			DOMAIN_SAY(
				c, INFO, c->hosts[i].name, S("no CAA record"),
				"Any authority may give certificates for it. A record names the one that you use (RFC 8659).",
				S(""));
			continue;
		}
		for (size_t k = 0; k < n_seen; k++)
			is_new &= !str_ieq(seen[k], name);
		if (!is_new)
			continue;
		seen[n_seen++] = name;
		look_at_records(c, name, &answer);
	}
}

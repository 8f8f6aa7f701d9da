/* SPDX-License-Identifier: MIT */
/*
 * Lists of addresses that send spam: RFC 5782. Only those that were named are asked, as every one has terms of its own, many refuse the resolvers of others, and being on
 * one says little about another. A list proves itself first: 127.0.0.2 has to be on it, 127.0.0.1 not (RFC 5782 5).
 */
#include "doctor/domain_int.h"

#include <arpa/inet.h>

enum listing { LISTED, NOT_LISTED, REFUSED, BROKEN, NO_ANSWER };

static struct str answer_text(struct domain_check *c, struct str rdata)
{
	char text[INET_ADDRSTRLEN] = "?";

	if (rdata.n == 4 && !inet_ntop(AF_INET, rdata.p, text, sizeof(text)))
		text[0] = '\0';
	return domain_printf(c, "%s", text);
}

/* RFC 5782 2.1: an answer is of 127.0.0.0/8. 127.255.255.x is nobody's listing, but a refusal: large lists answer those so whom they do not serve. */
static enum listing ask(struct domain_check *c, struct str name, struct str *ret_text)
{
	struct net_dns_answer answer;
	struct fault fault = { 0 };
	enum listing worst = NOT_LISTED;

	*ret_text = S("");
	if (domain_ask_quiet(c, name, NET_DNS_A, &answer, &fault) < 0) {
		*ret_text = domain_printf(c, "%s", fault.text);
		return NO_ANSWER;
	}
	for (size_t i = 0; i < answer.n; i++) {
		const unsigned char *b = (const unsigned char *)answer.rdata[i].p;
		enum listing one = answer.rdata[i].n != 4 || b[0] != 127 ? BROKEN
				   : b[1] == 255 && b[2] == 255          ? REFUSED
									 : LISTED;

		if (ret_text->n < DOMAIN_EVIDENCE)
			*ret_text = domain_printf(c, "%" STR_FMT "%s%" STR_FMT, STR_ARG(*ret_text), i > 0 ? " " : "",
						  STR_ARG(answer_text(c, answer.rdata[i])));
		if (i == 0 || one > worst)
			worst = one;
	}
	return answer.n > 0 ? worst : NOT_LISTED;
}

static struct str name_at(struct domain_check *c, const struct net_address *address,
			  struct str list)
{
	return domain_printf(c, "%" STR_FMT "%" STR_FMT, STR_ARG(domain_reversed(c, address)),
			     STR_ARG(list));
}

static void say_refused(struct domain_check *c, struct str what, struct str text)
{
	DOMAIN_SAY(
		c, SKIPPED, what, text,
		"The list does not answer the resolver that was asked, as it is public, or asks too much: 127.255.255.x is a refusal and no listing. Ask with a "
		"resolver of your own ([dns] servers).",
		S(""));
}

/* RFC 5782 5, for each kind of address. True: it can be asked. */
static bool is_working(struct domain_check *c, struct str list, bool is_v6)
{
	static const char *const good[] = { "127.0.0.1", "::ffff:7f00:1" }, *const bad[] = {
		"127.0.0.2", "::ffff:7f00:2"
	};
	struct net_address listed, clean;
	struct str text;
	enum listing l;

	if (!net_address_parse(str_z(bad[is_v6]), 0, &listed) ||
	    !net_address_parse(str_z(good[is_v6]), 0, &clean))
		return false;
	l = ask(c, name_at(c, &listed, list), &text);
	if (l == REFUSED) {
		say_refused(c, list, text);
	} else if (l == NO_ANSWER) {
		DOMAIN_SAY(c, SKIPPED, list, text, "The list gives no answer.", S(""));
	} else if (l != LISTED) {
		domain_add(
			c,
			&(struct doctor_domain_finding){
				.state = DOCTOR_DOMAIN_SKIPPED,
				.what = list,
				.evidence =
					domain_printf(c, "%s: %" STR_FMT, bad[is_v6],
						      STR_ARG(text.n > 0 ? text : S("not there"))),
				.reason =
					is_v6 ? S("The list knows no IPv6 addresses.")
					      : S("It does not have its test entry (RFC 5782 5): it is not a list, is gone, or refuses to answer here.") });
	} else if (ask(c, name_at(c, &clean, list), &text) == LISTED) {
		DOMAIN_SAY(
			c, SKIPPED, list,
			domain_printf(c, "%s: %" STR_FMT, good[is_v6], STR_ARG(text)),
			"It lists what may never be on it (RFC 5782 5): a list that is gone often lists the whole world. Do not use it.",
			S(""));
	} else {
		return true;
	}
	return false;
}

/* RFC 5782 2.1: TXT says why. */
static struct str why(struct domain_check *c, struct str name)
{
	struct net_dns_answer answer;
	struct str text = S("");

	if (domain_ask_quiet(c, name, NET_DNS_TXT, &answer, NULL) < 0 || answer.n == 0 ||
	    !domain_text(c->a, answer.rdata[0], &text))
		return S("");
	return text;
}

static void look_at(struct domain_check *c, const struct net_address *address, struct str list)
{
	struct str name = name_at(c, address, list), text,
		   what = domain_printf(c, "%" STR_FMT " at %" STR_FMT,
					STR_ARG(domain_address_text(c, address)), STR_ARG(list));

	switch (ask(c, name, &text)) {
	case NOT_LISTED:
		DOMAIN_SAY(c, PASS, what, S("not listed"), "The list does not have the address.",
			   S(""));
		break;
	case REFUSED:
		say_refused(c, what, text);
		break;
	case BROKEN:
		DOMAIN_SAY(c, SKIPPED, what, text, "That is no answer of a list.", S(""));
		break;
	case NO_ANSWER:
		DOMAIN_SAY(c, SKIPPED, what, text, "The list gives no answer.", S(""));
		break;
	case LISTED:
		DOMAIN_SAY(
			c, FAIL, what,
			domain_printf(c, "%" STR_FMT "\n%" STR_FMT, STR_ARG(text),
				      STR_ARG(why(c, name))),
			"The address is on the list, so who asks the list refuses mail from there. Find out what was sent, end it, and ask the list to take the address off.",
			S(""));
		break;
	}
}

static void look_at_list(struct domain_check *c, struct str list)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };

	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		size_t n_done = 0;

		for (size_t i = 0; i < c->n_hosts; i++)
			for (size_t k = 0; k < c->hosts[i].n; k++) {
				const struct net_address *address = &c->hosts[i].v[k];

				if (address->any.sa_family != families[f] ||
				    (net_address_is_private(address) && !c->may_private))
					continue;
				if (n_done++ == 0 && !is_working(c, list, f == 1))
					return;
				look_at(c, address, list);
			}
	}
}

static void ask_ahead(struct domain_check *c, struct str list)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		for (size_t k = 0; k < c->hosts[i].n; k++)
			domain_ahead(c, name_at(c, &c->hosts[i].v[k], list), NET_DNS_A);
}

void domain_dnsbl(struct domain_check *c)
{
	for (size_t i = 0; i < c->d->n_dnsbls; i++)
		ask_ahead(c, c->d->dnsbls[i]);
	for (size_t i = 0; i < c->d->n_dnsbls; i++)
		look_at_list(c, c->d->dnsbls[i]);
	if (c->d->n_dnsbls == 0 && c->n_hosts > 0)
		DOMAIN_SAY(
			c, SKIPPED, S(""), S(""),
			"No blocklist was asked, as none was named: --dnsbl LIST, such as one that receivers of your mail name when they refuse it.",
			S(""));
}

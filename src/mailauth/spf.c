/* SPDX-License-Identifier: MIT */
/* The record of SPF: RFC 7208 4.5, 4.6, 5, 6, 12. A function for each production; what is asked of the DNS is spf_walk.c's. */
#include "mailauth/spf_int.h"

#include <arpa/inet.h>

#include "mailauth/txt.h"

const char *const spf_result_names[SPF_N_RESULTS] = { "none",     "neutral",   "pass",     "fail",
						      "softfail", "temperror", "permerror" };

#define VERSION S("v=spf1")

bool spf_record_is(struct str text)
{
	return str_istarts(text, VERSION) && (text.n == VERSION.n || text.p[VERSION.n] == ' ');
}

struct parse {
	struct arena *arena;
	struct str text;
	struct spf_directive *directives;
	size_t n, cap;
	struct spf_record record;
	bool has_redirect, has_exp;
	struct spf_mistake mistake;
};

static int wrong(struct parse *p, struct str where, const char *what_z)
{
	p->mistake = (struct spf_mistake){ (size_t)(where.p - p->text.p), what_z };
	return -E_SYNTAX;
}

/* ---- networks ---- */

/* "0" / %x31-39 0*2DIGIT, up to max; from the end of *s, behind a "/". 1; 0: there is none; negative. */
static int take_bits(struct parse *p, struct str *s, unsigned max, uint8_t *ret)
{
	ptrdiff_t slash = str_rchr(*s, '/');
	struct str digits = slash < 0 ? S("") : str_skip(*s, (size_t)slash + 1);
	uint64_t bits;

	if (slash < 0)
		return 0;
	for (size_t i = 0; i < digits.n; i++)
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return 0;
	if (!str_to_u64(digits, max, &bits) || (digits.n > 1 && digits.p[0] == '0'))
		return wrong(p, str_skip(*s, (size_t)slash), "no length of a network");
	*ret = (uint8_t)bits;
	s->n = (size_t)slash;
	return 1;
}

/* dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ] */
static int take_dual_bits(struct parse *p, struct str *s, struct spf_directive *d)
{
	struct str before = *s;
	uint8_t bits = 0;
	int r = take_bits(p, s, 128, &bits);

	if (r <= 0)
		return r;
	if (!str_ends(*s, S("/"))) {
		*s = before;
		return take_bits(p, s, 32, &d->bits_v4);
	}
	d->bits_v6 = bits;
	s->n--;
	return take_bits(p, s, 32, &d->bits_v4);
}

/* ip4-network, ip6-network */
static int take_address(struct parse *p, struct str s, int family, struct spf_directive *d)
{
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
		return wrong(p, s, family == AF_INET ? "no IPv4 address" : "no IPv6 address");
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(family, text, d->address) != 1)
		return wrong(p, s, family == AF_INET ? "no IPv4 address" : "no IPv6 address");
	return 0;
}

/* ---- mechanisms: what stands behind the name, with its ":" or "/" ---- */

static int take_nothing(struct parse *p, struct str s, struct spf_directive *d)
{
	(void)d;
	return s.n == 0 ? 0 : wrong(p, s, "nothing may stand behind this mechanism");
}

static int take_domain(struct parse *p, struct str s, struct spf_directive *d)
{
	if (!str_starts(s, S(":")) || !spf_domain_spec_is(str_skip(s, 1)))
		return wrong(p, s, "a domain has to stand here, behind a colon");
	d->domain = str_skip(s, 1);
	return 0;
}

static int take_optional_domain(struct parse *p, struct str s, struct spf_directive *d)
{
	return s.n == 0 ? 0 : take_domain(p, s, d);
}

static int take_host(struct parse *p, struct str s, struct spf_directive *d)
{
	int r = take_dual_bits(p, &s, d);

	return r < 0 ? r : take_optional_domain(p, s, d);
}

static int take_ip4(struct parse *p, struct str s, struct spf_directive *d)
{
	if (!str_starts(s, S(":")))
		return wrong(p, s, "an address has to stand here, behind a colon");
	s = str_skip(s, 1);
	return take_bits(p, &s, 32, &d->bits_v4) < 0 ? -E_SYNTAX : take_address(p, s, AF_INET, d);
}

static int take_ip6(struct parse *p, struct str s, struct spf_directive *d)
{
	if (!str_starts(s, S(":")))
		return wrong(p, s, "an address has to stand here, behind a colon");
	s = str_skip(s, 1);
	return take_bits(p, &s, 128, &d->bits_v6) < 0 ? -E_SYNTAX : take_address(p, s, AF_INET6, d);
}

static const struct {
	struct str name;
	int (*take)(struct parse *p, struct str s, struct spf_directive *d);
} mechanisms[SPF_N_MECHANISMS] = {
	[SPF_ALL] = { STR_INIT("all"), take_nothing },
	[SPF_INCLUDE] = { STR_INIT("include"), take_domain },
	[SPF_A] = { STR_INIT("a"), take_host },
	[SPF_MX] = { STR_INIT("mx"), take_host },
	[SPF_PTR] = { STR_INIT("ptr"), take_optional_domain },
	[SPF_IP4] = { STR_INIT("ip4"), take_ip4 },
	[SPF_IP6] = { STR_INIT("ip6"), take_ip6 },
	[SPF_EXISTS] = { STR_INIT("exists"), take_domain },
};

/* ---- terms ---- */

/* qualifier = "+" / "-" / "?" / "~" */
static bool take_qualifier(struct str *s, enum spf_result *ret)
{
	static const enum spf_result results[] = { SPF_PASS, SPF_FAIL, SPF_NEUTRAL, SPF_SOFTFAIL };
	ptrdiff_t at = s->n > 0 ? str_chr(S("+-?~"), s->p[0]) : -1;

	*ret = at < 0 ? SPF_PASS : results[at];
	*s = str_skip(*s, at < 0 ? 0 : 1);
	return at >= 0;
}

/* directive = [ qualifier ] mechanism */
static int take_directive(struct parse *p, struct str term, size_t n_name)
{
	struct spf_directive d = { .bits_v4 = 32, .bits_v6 = 128, .text = term };
	struct str rest = term, name;
	size_t m = 0;
	int r;

	n_name -= take_qualifier(&rest, &d.qualifier);
	name = str_head(rest, n_name);
	while (m < SPF_N_MECHANISMS && !str_ieq(name, mechanisms[m].name))
		m++;
	if (m == SPF_N_MECHANISMS)
		return wrong(p, term, "there is no such mechanism");
	d.mechanism = (enum spf_mechanism)m;
	r = mechanisms[m].take(p, str_skip(rest, n_name), &d);
	if (r < 0)
		return r;
	if (p->n == SPF_TERMS ||
	    arena_grow(p->arena, &p->directives, p->n, &p->cap, sizeof(d)) < 0) {
		p->mistake = (struct spf_mistake){ (size_t)(term.p - p->text.p), "too many terms" };
		return -E_LIMIT;
	}
	p->directives[p->n++] = d;
	return 0;
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!txt_is_alnum(s.p[i]) && str_chr(S("-_."), s.p[i]) < 0)
			return false;
	return s.n > 0 && txt_is_alnum(s.p[0]) && (s.p[0] < '0' || s.p[0] > '9');
}

/* RFC 7208 6: redirect and exp are there once at most. */
static int take_once(struct parse *p, struct str term, struct str value, bool *has, struct str *ret)
{
	if (*has)
		return wrong(p, term, "this stands there twice");
	*has = true;
	*ret = value;
	return spf_domain_spec_is(value) ? 0 : wrong(p, value, "no domain");
}

/* modifier = redirect / explanation / unknown-modifier */
static int take_modifier(struct parse *p, struct str term, size_t n_name)
{
	struct str name = str_head(term, n_name), value = str_skip(term, n_name + 1);

	if (!is_name(name))
		return wrong(p, term, "no name of a modifier");
	if (str_ieq(name, S("redirect")))
		return take_once(p, term, value, &p->has_redirect, &p->record.redirect);
	if (str_ieq(name, S("exp")))
		return take_once(p, term, value, &p->has_exp, &p->record.exp);
	return spf_macro_string_is(value) ? 0 : wrong(p, value, "no text with macros");
}

static int take_term(struct parse *p, struct str term)
{
	size_t n = 0;

	while (n < term.n && term.p[n] != ':' && term.p[n] != '/' && term.p[n] != '=')
		n++;
	return n < term.n && term.p[n] == '=' ? take_modifier(p, term, n)
					      : take_directive(p, term, n);
}

/* record = version *( 1*SP ( directive / modifier ) ) *SP */
static int take_terms(struct parse *p)
{
	struct str rest = str_skip(p->text, VERSION.n), term;

	if (!spf_record_is(p->text))
		return wrong(p, p->text, "it does not begin with v=spf1 and a space");
	while (str_split(&rest, ' ', &term)) {
		int r = term.n == 0 ? 0 : take_term(p, term);

		if (r < 0)
			return r;
	}
	return 0;
}

int spf_record_parse(struct str text, struct arena *a, struct spf_record *ret,
		     struct spf_mistake *ret_mistake)
{
	struct parse p = { .arena = a, .text = text };
	int r;

	if (text.n > SPF_RECORD_MAX) {
		*ret_mistake = (struct spf_mistake){ SPF_RECORD_MAX, "it is too long" };
		return -E_LIMIT;
	}
	r = take_terms(&p);
	p.record.directives = p.directives;
	p.record.n = p.n;
	p.record.text = text;
	if (r < 0)
		*ret_mistake = p.mistake;
	else
		*ret = p.record;
	return r;
}

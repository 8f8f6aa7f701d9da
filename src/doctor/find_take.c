/* SPDX-License-Identifier: MIT */
/* What answers mean: candidates, and a hint in words for each question. */
#include "doctor/find_int.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"

#define WILDCARD_RANK 1000   /* added to that of a name which is as good as one made by chance */
#define GUESS_RANK 100000    /* added to an MX host's preference: it may have more than mail from other hosts */
#define READERS (FIND_BIT(DOCTOR_IMAP) | FIND_BIT(DOCTOR_POP3) | FIND_BIT(DOCTOR_SUBMISSION) | FIND_BIT(DOCTOR_SIEVE))

/* ---- hints ---- */

/* No character that a terminal would take for a command, whoever wrote it. */
static const char *clean(struct arena *a, struct str s)
{
	AUTO(buf_fini) struct buf shown = BUF_INIT(LIMIT_DOCTOR_TEXT);

	text_clean(&shown, s);
	for (size_t i = 0; i < shown.n; i++)
		if (shown.p[i] == '\n')
			shown.p[i] = '?';
	return arena_z(a, buf_str(&shown));
}

/* found: what the answer says; not looked at when there was none. */
static int add_hint(struct finding *f, const struct find_job *j, enum doctor_source source, struct str what, struct buf *found)
{
	struct str text = str_z(j->fault.text);
	struct doctor_hint h = { .source = source, .err = j->err, .ms = j->ms };

	/* net_https_get() begins with the URL, which has the address in it. */
	if (str_starts(text, S("https://")))
		text = str_skip(text, str_find(text, S(": ")) < 0 ? 0 : (size_t)str_find(text, S(": ")) + 2);
	h.what_z = clean(f->arena, what);
	h.found_z = clean(f->arena, j->err == 0 ? buf_str(found) : text);
	if (!h.what_z || !h.found_z || arena_grow(f->arena, &f->found.hints, f->found.n_hints, &f->cap_hints, sizeof(h)) < 0)
		return -E_LIMIT;
	f->found.hints[f->found.n_hints++] = h;
	return 0;
}

static void put_comma(struct buf *b)
{
	if (b->n > 0)
		buf_add(b, S(", "));
}

/* ---- SRV: RFC 2782, RFC 6186 3, RFC 8314 5.1, RFC 5804 1.8 ---- */

/*
 * DEVIATION(RFC 2782): records of one priority are in the order of their weights, not in one made by chance: each is looked at, and twice the same question gets
 * twice the same answer.
 */
static unsigned srv_rank(const struct net_dns_srv *srv)
{
	return (unsigned)srv->priority << 16 | (unsigned)(UINT16_MAX - srv->weight);
}

static int add_srv(struct finding *f, const struct find_job *j, const struct net_dns_srv *srv, bool is_unproven)
{
	struct doctor_candidate c = { .port = srv->port, .source = DOCTOR_BY_SRV, .rank = srv_rank(srv), .is_unproven = is_unproven };
	int r = doctor_find_host(f->arena, srv->target, &c.host_z);

	if (r < 0)
		return r == -E_SYNTAX ? 0 : r;
	for (c.protocol = 0; !(j->row->protocols & FIND_BIT(c.protocol));)
		c.protocol++;
	for (c.tls = 0; c.tls < DOCTOR_N_TLS; c.tls++)
		if ((j->row->tls & (1u << c.tls)) && find_add(f, c) < 0)
			return -E_LIMIT;
	return 0;
}

/* The best LIMIT_DOCTOR_RECORDS, sorted in. */
static size_t read_srv(struct arena *a, const struct net_dns_answer *answer, struct net_dns_srv *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < answer->n; i++) {
		struct net_dns_srv srv;
		size_t k;

		if (!net_dns_srv(a, answer->rdata[i], &srv))
			continue;
		for (k = n; k > 0 && srv_rank(&ret[k - 1]) > srv_rank(&srv); k--)
			if (k < LIMIT_DOCTOR_RECORDS)
				ret[k] = ret[k - 1];
		if (k < LIMIT_DOCTOR_RECORDS)
			ret[k] = srv;
		n += n < LIMIT_DOCTOR_RECORDS;
	}
	return n;
}

static void deny(struct finding *f, const struct find_job *j)
{
	for (size_t i = 0; i < DOCTOR_N_PROTOCOLS; i++)
		if (j->row->protocols & FIND_BIT(i))
			f->denied[i] |= j->row->tls;
}

static int take_srv(struct finding *f, const struct find_job *j)
{
	AUTO(buf_fini) struct buf found = BUF_INIT(LIMIT_DOCTOR_TEXT), what = BUF_INIT(LIMIT_DOCTOR_TEXT);
	struct net_dns_srv srv[LIMIT_DOCTOR_RECORDS];
	size_t n = j->err == 0 ? read_srv(f->arena, &j->answer, srv) : 0;
	bool is_secure = j->answer.trust == NET_DNS_SECURE, is_any_unproven = false;

	for (size_t i = 0; i < n; i++) {
		bool is_unproven = !is_secure && !find_is_within(srv[i].target, f->domain);

		put_comma(&found);
		buf_printf(&found, "%u %u %u %" STR_FMT, srv[i].priority, srv[i].weight, srv[i].port,
			   STR_ARG(srv[i].target.n > 0 ? srv[i].target : S(".")));
		if (srv[i].target.n == 0 || srv[i].port == 0)
			continue;
		is_any_unproven |= is_unproven;
		if (add_srv(f, j, &srv[i], is_unproven) < 0)
			return -E_LIMIT;
	}
	if (n == 1 && srv[0].target.n == 0) {
		deny(f, j);
		buf_add(&found, S(": the domain says that it has no such service"));
	}
	if (is_any_unproven)
		buf_printf(&found, "; outside of %" STR_FMT " and not signed: a mail program asks its user first (RFC 6186 6)", STR_ARG(f->domain));
	buf_printf(&what, "SRV %" STR_FMT, STR_ARG(j->name));
	return add_hint(f, j, DOCTOR_BY_SRV, buf_str(&what), &found);
}

/* ---- autoconfig ---- */

static int take_autoconfig(struct finding *f, const struct find_job *j)
{
	AUTO(buf_fini) struct buf found = BUF_INIT(LIMIT_DOCTOR_TEXT), what = BUF_INIT(LIMIT_DOCTOR_TEXT);
	const struct doctor_autoconfig *config = &j->config;

	for (size_t i = 0; j->err == 0 && i < config->n; i++) {
		const struct doctor_autoconfig_server *s = &config->v[i];
		struct doctor_candidate c = { .protocol = s->protocol, .tls = s->tls, .host_z = arena_z(f->arena, str_z(s->host_z)), .port = s->port,
					      .source = DOCTOR_BY_AUTOCONFIG, .rank = (unsigned)i };

		if (s->user_z)
			c.user_z = arena_z(f->arena, str_z(s->user_z));
		if (!c.host_z || (s->user_z && !c.user_z) || find_add(f, c) < 0)
			return -E_LIMIT;
		put_comma(&found);
		buf_printf(&found, "%s %s port %u %s%s%s", doctor_protocol_names[s->protocol], s->host_z, s->port, doctor_tls_names[s->tls],
			   s->login_z[0] ? " " : "", s->login_z);
	}
	if (config->n == 0)
		buf_add(&found, S("no server that can be used"));
	if (config->n_unusable > 0)
		buf_printf(&found, "; entries that cannot be used: %zu", config->n_unusable);
	buf_printf(&what, "https://%" STR_FMT "%s", STR_ARG(j->name), j->row->path_z);
	return add_hint(f, j, DOCTOR_BY_AUTOCONFIG, buf_str(&what), &found);
}

/* ---- MX: RFC 5321 5.1, RFC 7505 3 ---- */

static int add_mx(struct finding *f, struct str host, unsigned preference, bool is_unproven)
{
	struct doctor_candidate c = { .source = DOCTOR_BY_MX, .rank = preference, .is_unproven = is_unproven };
	int r = doctor_find_host(f->arena, host, &c.host_z);

	if (r < 0)
		return r == -E_SYNTAX ? 0 : r;
	r = find_add_ports(f, c, FIND_BIT(DOCTOR_SMTP), true);
	c.rank += GUESS_RANK;
	return r < 0 ? r : find_add_ports(f, c, READERS, true);
}

struct mx {
	uint16_t preference;
	struct str host;
};

static size_t read_mx(struct arena *a, const struct net_dns_answer *answer, struct mx *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < answer->n; i++) {
		struct mx mx;
		size_t k;

		if (!net_dns_mx(a, answer->rdata[i], &mx.preference, &mx.host))
			continue;
		for (k = n; k > 0 && ret[k - 1].preference > mx.preference; k--)
			if (k < LIMIT_DOCTOR_RECORDS)
				ret[k] = ret[k - 1];
		if (k < LIMIT_DOCTOR_RECORDS)
			ret[k] = mx;
		n += n < LIMIT_DOCTOR_RECORDS;
	}
	return n;
}

static int take_mx(struct finding *f, const struct find_job *j)
{
	AUTO(buf_fini) struct buf found = BUF_INIT(LIMIT_DOCTOR_TEXT), what = BUF_INIT(LIMIT_DOCTOR_TEXT);
	bool is_secure = j->answer.trust == NET_DNS_SECURE;
	struct mx mx[LIMIT_DOCTOR_RECORDS];
	size_t n = j->err == 0 ? read_mx(f->arena, &j->answer, mx) : 0;

	f->found.is_nxdomain |= j->answer.is_nxdomain;
	f->found.is_null_mx = n == 1 && mx[0].host.n == 0;
	f->has_no_mx = j->err == -E_NOT_FOUND && !j->answer.is_nxdomain;
	for (size_t i = 0; i < n; i++) {
		put_comma(&found);
		buf_printf(&found, "%u %" STR_FMT, mx[i].preference, STR_ARG(mx[i].host.n > 0 ? mx[i].host : S(".")));
		if (mx[i].host.n > 0 && add_mx(f, mx[i].host, mx[i].preference, !is_secure && !find_is_within(mx[i].host, f->domain)) < 0)
			return -E_LIMIT;
	}
	if (f->found.is_null_mx)
		buf_add(&found, S(": the domain takes no mail (RFC 7505)"));
	buf_printf(&what, "MX %" STR_FMT, STR_ARG(j->name));
	return add_hint(f, j, DOCTOR_BY_MX, buf_str(&what), &found);
}

int find_take_implicit_mx(struct finding *f, const struct find_addresses *apex)
{
	struct doctor_candidate c = { .source = DOCTOR_BY_MX, .host_z = arena_z(f->arena, f->domain) };

	if (!c.host_z)
		return -E_LIMIT;
	return f->has_no_mx && apex->n > 0 ? find_add_ports(f, c, FIND_BIT(DOCTOR_SMTP), true) : 0;
}

/* ---- names ---- */

/* An address in common is enough: pools answer with a part of theirs. */
static bool is_like_chance(const struct finding *f, const struct find_addresses *addresses)
{
	for (size_t i = 0; i < addresses->n; i++)
		for (size_t k = 0; k < f->chance->n; k++)
			if (net_address_is_same_host(&addresses->v[i], &f->chance->v[k]))
				return true;
	return false;
}

static void put_addresses(struct buf *out, const struct find_addresses *addresses)
{
	for (size_t i = 0; i < addresses->n; i++) {
		char text[NET_ADDRESS_TEXT];

		net_address_text(&addresses->v[i], text);
		put_comma(out);
		buf_add(out, str_z(text));
	}
}

static int take_name(struct finding *f, const struct find_job *j)
{
	AUTO(buf_fini) struct buf found = BUF_INIT(LIMIT_DOCTOR_TEXT), what = BUF_INIT(LIMIT_DOCTOR_TEXT);
	bool is_wild = is_like_chance(f, &j->addresses), is_chance = j->row->kind == FIND_CHANCE, is_apex = j->row->label_z[0] == '\0';
	struct doctor_candidate c = { .source = DOCTOR_BY_NAME, .rank = (unsigned)f->found.n_hints, .host_z = arena_z(f->arena, j->name) };

	if (is_wild && !is_apex)
		c.rank += WILDCARD_RANK;
	if (!c.host_z)
		return -E_LIMIT;
	if (j->err == 0 && !is_chance && find_add_ports(f, c, j->row->protocols & READERS, true) < 0)
		return -E_LIMIT;
	if (is_chance && f->chance->n == 0)
		return 0;
	put_addresses(&found, &j->addresses);
	if (is_chance)
		buf_add(&found, S(": a name made by chance has an address too, so the usual names say little"));
	else if (is_wild && !is_apex)
		buf_add(&found, S(": as any name of this domain"));
	f->found.is_wildcard |= is_chance;
	buf_printf(&what, "A, AAAA %" STR_FMT, STR_ARG(j->name));
	return add_hint(f, j, DOCTOR_BY_NAME, buf_str(&what), &found);
}

static bool is_heard(const struct find_job *j)
{
	return j->err == 0 || j->err == -E_NOT_FOUND || j->err == -E_DENIED;
}

int find_take(struct finding *f, const struct find_job *j)
{
	static int (*const takes[])(struct finding *, const struct find_job *) = {
		[FIND_SRV] = take_srv, [FIND_AUTOCONFIG] = take_autoconfig, [FIND_MX] = take_mx, [FIND_NAME] = take_name, [FIND_CHANCE] = take_name };

	if (j->row->kind == FIND_TOP) {
		f->is_top_heard = is_heard(j);
		return 0;
	}
	if (j->row->kind != FIND_AUTOCONFIG) {
		f->is_heard |= is_heard(j);
		f->found.is_bogus |= j->err == -E_DENIED;
	}
	return takes[j->row->kind](f, j);
}

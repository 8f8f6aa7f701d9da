/* SPDX-License-Identifier: MIT */
/* The rows of [route "..."], and the choice among them. */
#include "queue/route.h"

#include <arpa/inet.h>

#include "base/mem.h"
#include "store/account.h"

/* enum queue_tls, enum queue_protocol */
static const char *const tls_names[] = { "may", "none", "encrypt", "verify", "implicit", NULL };
static const char *const protocol_names[] = { "smtp", "lmtp", NULL };

#define AT(member) offsetof(struct queue_route_conf, member)
static const struct conf_row rows[] = {
	{ .key = "domains", .type = CONF_LIST, .offset = AT(domains), .default_z = "", .reload = CONF_LIVE,
	  .help = "Domains of recipients, .example.org for all below one; empty for every one." },
	{ .key = "senders", .type = CONF_LIST, .offset = AT(senders), .default_z = "", .reload = CONF_LIVE,
	  .help = "Senders, as name@example.org, @example.org, or <> for bounces; empty for every one." },
	{ .key = "host", .type = CONF_STR, .offset = AT(host), .default_z = "", .reload = CONF_LIVE,
	  .help = "The host that takes this mail, a name or an address; mx sends it to where the DNS says, with the rest of this section." },
	{ .key = "port", .type = CONF_INT, .offset = AT(port), .default_z = "25", .min = 1, .max = 65535, .reload = CONF_LIVE,
	  .help = "Its port." },
	{ .key = "protocol", .type = CONF_ENUM, .offset = AT(protocol), .default_z = "smtp", .names = protocol_names, .reload = CONF_LIVE,
	  .help = "What is spoken there." },
	{ .key = "tls", .type = CONF_ENUM, .offset = AT(tls), .default_z = "may", .names = tls_names, .reload = CONF_LIVE,
	  .help = "What the connection has to have: may takes TLS when it is offered, encrypt demands it, verify a good certificate for host as well, "
		  "implicit all that and TLS from the start, as on port 465." },
	{ .key = "user", .type = CONF_STR, .offset = AT(user), .default_z = "", .reload = CONF_LIVE,
	  .help = "Whom to log in as there; empty for nobody." },
	{ .key = "password_file", .type = CONF_STR, .offset = AT(password_file), .default_z = "", .reload = CONF_LIVE,
	  .help = "The file whose first line is the password for it; read at the start and at a reload." },
	{ .key = "fallback", .type = CONF_STR, .offset = AT(fallback), .default_z = "", .reload = CONF_LIVE,
	  .help = "The name of the [route] section whose host takes this mail while the hosts here cannot be reached or refuse for now; empty: it waits." },
	{ .key = "only_fallback", .type = CONF_BOOL, .offset = AT(is_only_fallback), .default_z = "no", .reload = CONF_LIVE,
	  .help = "Whether this section is only for those that name it as their fallback." },
};
#undef AT

static bool is_mx(const struct queue_route_conf *r)
{
	return str_eq(str_z(r->host), S("mx"));
}

static bool is_address(const char *host_z)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host_z, bytes) == 1 || inet_pton(AF_INET6, host_z, bytes) == 1;
}

static int check(const void *values, struct fault *fault)
{
	const struct queue_route_conf *r = values;

	if (!r->host[0] || strpbrk(r->host, " \t[]"))
		return fault_set(fault, -E_USAGE, "host = %.100s: write a name, an address without brackets, or mx", r->host);
	if (!str_is_ascii(str_z(r->host)))
		return fault_set(fault, -E_USAGE, "host = %.100s: write it as it stands in the DNS (xn--...)", r->host);
	if (!r->user[0] != !r->password_file[0])
		return fault_set(fault, -E_USAGE, "user and password_file go together");
	if (is_mx(r) && (r->user[0] || r->protocol == QUEUE_LMTP))
		return fault_set(fault, -E_USAGE, "host = mx: strangers get no password and no LMTP; name one host");
	if (r->user[0] && r->tls < QUEUE_TLS_VERIFY)
		return fault_set(fault, -E_USAGE, "a password is given to nobody who is not known for sure: write tls = verify or implicit");
	if (r->tls >= QUEUE_TLS_VERIFY && is_address(r->host))
		return fault_set(fault, -E_USAGE, "host = %.100s: tls = verify and implicit need the name that its certificate is for", r->host);
	if (r->is_only_fallback && (r->domains.n > 0 || r->senders.n > 0))
		return fault_set(fault, -E_USAGE, "only_fallback = yes: it takes what other sections send here; leave out domains and senders");
	if (r->is_only_fallback && r->fallback[0])
		return fault_set(fault, -E_USAGE, "only_fallback = yes: a fallback of a fallback is never asked; leave out fallback");
	return 0;
}

static const struct queue_route_conf *find_named(const struct conf *c, const char *name_z)
{
	for (size_t i = 0; i < conf_count(c, &queue_route_table); i++) {
		const char *name;
		const struct queue_route_conf *r = conf_get_nth(c, &queue_route_table, i, &name);

		if (str_eq(str_z(name), str_z(name_z)))
			return r;
	}
	return NULL;
}

/* RFC 5321 5.1: mail must not come back to where it could not be sent from. */
static int check_fallback(const struct conf *c, const void *values, struct fault *fault)
{
	const struct queue_route_conf *r = values, *f = find_named(c, r->fallback);

	if (!r->fallback[0])
		return 0;
	if (!f)
		return fault_set(fault, -E_USAGE, "fallback = %.80s: there is no section [route \"%.80s\"]; write one with its host, and only_fallback = yes",
				 r->fallback, r->fallback);
	if (is_mx(f))
		return fault_set(fault, -E_USAGE, "fallback = %.80s: its host is mx, which is what has failed; name a section with a host of its own", r->fallback);
	if (f == r || (str_ieq(str_z(f->host), str_z(r->host)) && f->port == r->port && f->protocol == r->protocol))
		return fault_set(fault, -E_USAGE, "fallback = %.80s: that is the same host; name a section with another one", r->fallback);
	if (f->protocol == QUEUE_LMTP)
		return fault_set(fault, -E_USAGE, "fallback = %.80s: it has protocol = lmtp, which relays nothing; name a section with protocol = smtp",
				 r->fallback);
	return 0;
}

const struct conf_table queue_route_table = {
	.section = "route",
	.is_named = true,
	.struct_size = sizeof(struct queue_route_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "Mail for elsewhere that goes another way than the DNS says; the first section that fits counts.",
	.check = check,
	.check_with = check_fallback,
};

/* ---- the choice ---- */

#define DOMAIN_ARENA 4096

/* One and the same, in letters of any alphabet or in A-labels? */
static bool is_domain(struct str a, struct str b)
{
	AUTO(arena_fini) struct arena memory = { .cap = DOMAIN_ARENA };

	if (str_is_ascii(a) && str_is_ascii(b))
		return str_ieq(a, b);
	return store_domain_canonical(&memory, a, &a) == 0 && store_domain_canonical(&memory, b, &b) == 0 && str_ieq(a, b);
}

/* want: ".example.org". domain: in A-labels. */
static bool is_below(struct str domain, struct str want)
{
	AUTO(arena_fini) struct arena memory = { .cap = DOMAIN_ARENA };
	struct str parent = str_skip(want, 1);

	if (!str_starts(want, S(".")) || (!str_is_ascii(parent) && store_domain_canonical(&memory, parent, &parent) < 0))
		return false;
	return domain.n > parent.n + 1 && domain.p[domain.n - parent.n - 1] == '.' && str_ieq(str_skip(domain, domain.n - parent.n), parent);
}

static bool fits_domain(const struct conf_list *list, struct str domain)
{
	for (size_t i = 0; i < list->n; i++) {
		struct str want = str_z(list->v[i]);

		if (is_domain(want, domain) || is_below(domain, want))
			return true;
	}
	return list->n == 0;
}

static bool fits_sender(const struct conf_list *list, struct str sender)
{
	ptrdiff_t at = str_rchr(sender, '@');

	for (size_t i = 0; i < list->n; i++) {
		struct str want = str_z(list->v[i]);
		ptrdiff_t want_at = str_rchr(want, '@');

		if (sender.n == 0 ? str_eq(want, S("<>")) : str_ieq(want, sender))
			return true;
		if (at < 0 || want_at < 0 || (want_at > 0 && !str_ieq(str_head(want, (size_t)want_at), str_head(sender, (size_t)at))))
			continue;
		if (is_domain(str_skip(want, (size_t)want_at + 1), str_skip(sender, (size_t)at + 1)))
			return true;
	}
	return list->n == 0;
}

/*
 * The key: an attempt is for recipients of one key, and trouble is shared by them. So what the connection has to have is in it, where routes may want
 * different things of one host: nobody's mail goes by the setting of another's.
 */
static int set_key(struct arena *a, struct queue_hop *hop)
{
	static const char *const tls_z[] = {
		[QUEUE_TLS_MAY] = "", [QUEUE_TLS_NONE] = " tls=none", [QUEUE_TLS_ENCRYPT] = " tls=encrypt",
		[QUEUE_TLS_VERIFY] = " tls=verify", [QUEUE_TLS_IMPLICIT] = " tls=implicit" };

	if (hop->host.n == 0)
		hop->destination = arena_printf(a, "%" STR_FMT, STR_ARG(hop->domain));
	else
		hop->destination = arena_printf(a, "%s[%" STR_FMT "]:%u%s%" STR_FMT "%s", hop->is_lmtp ? "lmtp:" : "", STR_ARG(hop->host),
						hop->port, hop->user.n ? " " : "", STR_ARG(hop->user), tls_z[hop->tls]);
	return hop->destination.p ? 0 : -E_LIMIT;
}

static void take_route(const struct queue_route_conf *r, struct queue_hop *hop)
{
	hop->port = (uint16_t)r->port;
	hop->tls = (enum queue_tls)r->tls;
	hop->is_lmtp = r->protocol == QUEUE_LMTP;
	hop->user = str_z(r->user);
	if (!is_mx(r))
		hop->host = str_z(r->host);
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3): the host itself. */
static bool take_literal(struct str domain, struct queue_hop *hop)
{
	if (domain.n < 3 || domain.p[0] != '[' || domain.p[domain.n - 1] != ']')
		return false;
	hop->host = str_of(domain.p + 1, domain.n - 2);
	if (str_istarts(hop->host, S("IPv6:")))
		hop->host = str_skip(hop->host, 5);
	return true;
}

/* NULL: none fits. */
static const struct queue_route_conf *choose(const struct conf *c, struct str sender, struct str domain)
{
	for (size_t i = 0; i < conf_count(c, &queue_route_table); i++) {
		const char *name;
		const struct queue_route_conf *r = conf_get_nth(c, &queue_route_table, i, &name);

		if (!r->is_only_fallback && fits_domain(&r->domains, domain) && fits_sender(&r->senders, sender))
			return r;
	}
	return NULL;
}

int queue_route_find(const struct conf *c, struct arena *a, struct str sender, struct str domain, struct queue_hop *ret,
		     const char **ret_password_file)
{
	const struct queue_conf *q = conf_get(c, &queue_conf_table);
	struct queue_hop hop = { .domain = domain, .port = (uint16_t)q->port, .tls = (enum queue_tls)q->tls };
	const struct queue_route_conf *r = choose(c, sender, domain);

	*ret_password_file = "";
	if (r) {
		take_route(r, &hop);
		*ret_password_file = r->password_file;
	}
	if (hop.host.n == 0)
		(void)take_literal(domain, &hop);
	*ret = hop;
	return set_key(a, ret);
}

int queue_route_fallback(const struct conf *c, struct arena *a, struct str sender, struct str domain, struct queue_hop *ret)
{
	const struct queue_route_conf *r = choose(c, sender, domain);

	if (!r || !r->fallback[0])
		return -E_NOT_FOUND;
	r = find_named(c, r->fallback);
	if (!r) /* such settings are not taken */
		return -E_NOT_FOUND;
	*ret = (struct queue_hop){ .domain = domain };
	take_route(r, ret);
	return set_key(a, ret);
}

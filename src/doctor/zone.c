/* SPDX-License-Identifier: MIT */
/*
 * What a domain publishes, from what the server is. One function for each kind of record, in a table in the order in which they should be published:
 * first what mail needs to come at all, then what makes other hosts take ours, then what helps.
 */
#include "doctor/zone.h"

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/text.h"
#include "net/stream.h"

#define TXT_STRING 255 /* RFC 1035 3.3 */
#define SPF_MAX 4096

const char *const doctor_need_names[] = { [DOCTOR_MUST] = "must", [DOCTOR_SHOULD] = "should", [DOCTOR_MAY] = "may" };
const char *const doctor_place_names[] = { [DOCTOR_HERE] = "here", [DOCTOR_ELSEWHERE] = "elsewhere", [DOCTOR_LATER] = "later" };

struct list {
	const struct doctor_zone *z;
	struct arena *a;
	struct doctor_record *v;
	size_t n, cap;
	bool is_full; /* the arena */
};

static void add(struct list *l, const struct doctor_record *r)
{
	if (!r->name.p || !r->value.p || !r->why_z || l->is_full || arena_grow(l->a, &l->v, l->n, &l->cap, sizeof(*l->v)) < 0)
		l->is_full = true;
	else
		l->v[l->n++] = *r;
}

/* Where a name below the domain stands; one that belongs to another domain is in its zone. */
static enum doctor_place place_of(const struct doctor_zone *z, struct str name)
{
	size_t at = name.n - z->domain.n;

	if (name.n < z->domain.n || !str_ieq(str_skip(name, at), z->domain))
		return DOCTOR_ELSEWHERE;
	return at == 0 || name.p[at - 1] == '.' ? DOCTOR_HERE : DOCTOR_ELSEWHERE;
}

static struct str below(struct list *l, const char *labels_z, struct str name)
{
	return arena_printf(l->a, "%s.%" STR_FMT, labels_z, STR_ARG(name));
}

/* ---- mail comes ---- */

static void add_mx(struct list *l)
{
	add(l, &(struct doctor_record){ .name = l->z->domain, .type_z = "MX", .need = DOCTOR_MUST,
					.value = arena_printf(l->a, "10 %" STR_FMT ".", STR_ARG(l->z->host)),
					.why_z = "mail for the domain comes to this host" });
}

static void add_addresses(struct list *l)
{
	for (size_t i = 0; i < l->z->n_addresses; i++)
		add(l, &(struct doctor_record){ .name = l->z->host, .type_z = str_chr(l->z->addresses[i], ':') >= 0 ? "AAAA" : "A",
						.value = l->z->addresses[i], .need = DOCTOR_MUST, .place = place_of(l->z, l->z->host),
						.why_z = "where this host is" });
}

struct str doctor_reverse_name(struct arena *a, const struct net_address *address)
{
	const uint8_t *b = address->any.sa_family == AF_INET6 ? address->v6.sin6_addr.s6_addr : (const uint8_t *)&address->v4.sin_addr;
	struct buf out = BUF_INIT(128);
	struct str ret;

	if (address->any.sa_family == AF_INET6)
		for (size_t i = 16; i-- > 0;)
			buf_printf(&out, "%x.%x.", b[i] & 15, b[i] >> 4);
	else
		buf_printf(&out, "%u.%u.%u.%u.", b[3], b[2], b[1], b[0]);
	buf_add(&out, address->any.sa_family == AF_INET6 ? S("ip6.arpa") : S("in-addr.arpa"));
	ret = arena_str(a, buf_str(&out));
	buf_fini(&out);
	return ret;
}

static void add_reverse(struct list *l, const struct str *addresses, size_t n)
{
	struct net_address address;

	for (size_t i = 0; i < n; i++)
		if (net_address_parse(addresses[i], 0, &address))
			add(l, &(struct doctor_record){ .name = doctor_reverse_name(l->a, &address), .type_z = "PTR", .need = DOCTOR_MUST,
							.value = arena_printf(l->a, "%" STR_FMT ".", STR_ARG(l->z->host)),
							.place = DOCTOR_ELSEWHERE,
							.why_z = "whoever gave you the address sets it; without it large providers "
								 "refuse mail from here" });
}

static void add_reverses(struct list *l)
{
	add_reverse(l, l->z->addresses, l->z->n_addresses);
	add_reverse(l, l->z->senders, l->z->n_senders);
}

/* ---- mail from here is believed ---- */

/* RFC 7208 5.6 */
static struct str spf(struct list *l, const char *who_z, const char *all_z)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SPF_MAX);

	buf_printf(&out, "v=spf1 %s", who_z);
	for (size_t i = 0; i < l->z->n_senders; i++)
		buf_printf(&out, " ip%c:%" STR_FMT, str_chr(l->z->senders[i], ':') >= 0 ? '6' : '4', STR_ARG(l->z->senders[i]));
	buf_printf(&out, " %s", all_z);
	return arena_str(l->a, buf_str(&out));
}

/*
 * RFC 7208 4.6.4: "mx" is all hosts that take mail for the domain, which is this one. A relay sends from addresses that only its owner knows,
 * so that mail it sends must not fail meanwhile.
 */
static void add_spf(struct list *l)
{
	const struct str relay = l->z->relay;

	if (relay.n == 0)
		add(l, &(struct doctor_record){ .name = l->z->domain, .type_z = "TXT", .value = spf(l, "mx", "-all"), .need = DOCTOR_MUST,
						.why_z = "SPF: the hosts that take mail for the domain send its mail too, and nobody else does; "
							 "name others before -all, as ip4:192.0.2.1" });
	else
		add(l, &(struct doctor_record){ .name = l->z->domain, .type_z = "TXT", .need = DOCTOR_MUST,
						.value = arena_printf(l->a, "v=spf1 mx a:%" STR_FMT " ~all", STR_ARG(relay)),
						.why_z = "SPF: mail goes out by a relay; put the include: that its provider names in place of a:, "
							 "and then -all in place of ~all" });
	if (relay.n == 0 && !str_ieq(l->z->host, l->z->domain)) /* RFC 7208 2.3, 2.4 */
		add(l, &(struct doctor_record){ .name = l->z->host, .type_z = "TXT", .value = spf(l, "a", "-all"), .need = DOCTOR_SHOULD,
						.place = place_of(l->z, l->z->host),
						.why_z = "SPF for notices of this host, which have no sender: its name is looked at then" });
}

/* RFC 6376 3.6.1, RFC 8463 4 */
static void add_dkim(struct list *l)
{
	for (size_t i = 0; i < l->z->n_dkim; i++) {
		const struct doctor_dkim *k = &l->z->dkim[i];

		add(l, &(struct doctor_record){ .name = arena_printf(l->a, "%" STR_FMT "._domainkey.%" STR_FMT, STR_ARG(k->selector),
								     STR_ARG(l->z->domain)),
						.type_z = "TXT", .need = DOCTOR_MUST,
						.value = arena_printf(l->a, "v=DKIM1; k=%s; p=%" STR_FMT, k->is_ed25519 ? "ed25519" : "rsa",
								      STR_ARG(k->public_key)),
						.why_z = k->is_ed25519 ? "DKIM: the short key, for receivers that know it (RFC 8463)"
								       : "DKIM: the key that proves signatures of this server" });
	}
}

/*
 * RFC 7489 6.3. A new domain asks for reports and nothing else: with p=reject from the first day, what was forgotten (a newsletter service, a
 * printer, a mailing list) is lost without anybody hearing of it.
 */
static void add_dmarc(struct list *l)
{
	const struct str rua = l->z->dmarc_rua;

	add(l, &(struct doctor_record){ .name = below(l, "_dmarc", l->z->domain), .type_z = "TXT", .need = DOCTOR_SHOULD,
					.value = arena_printf(l->a, "v=DMARC1; p=none%s%" STR_FMT, rua.n ? "; rua=" : "", STR_ARG(rua)),
					.why_z = "DMARC: large providers want one. p=none asks for reports only; when they show for some weeks that all your "
						 "mail passes, write p=quarantine, then p=reject" });
}

/* ---- mail comes encrypted ---- */

static void add_tlsrpt(struct list *l)
{
	const struct str rua = l->z->tlsrpt_rua;

	if (rua.n > 0) /* RFC 8460 3 */
		add(l, &(struct doctor_record){ .name = below(l, "_smtp._tls", l->z->domain), .type_z = "TXT", .need = DOCTOR_SHOULD,
						.value = arena_printf(l->a, "v=TLSRPTv1; rua=%" STR_FMT, STR_ARG(rua)),
						.why_z = "other hosts report when TLS to this one fails" });
}

void doctor_sts_policy(const struct doctor_zone *z, struct buf *out)
{
	buf_printf(out, "version: STSv1\r\nmode: testing\r\nmx: %" STR_FMT "\r\nmax_age: 86400\r\n", STR_ARG(z->host));
}

/* RFC 8461 3.1: 1*32(ALPHA / DIGIT). The same policy has the same one. */
static struct str sts_id(struct list *l)
{
	AUTO(buf_fini) struct buf policy = BUF_INIT(1024), hex = BUF_INIT(64);
	uint8_t digest[32];

	if (l->z->sts_id.n > 0)
		return l->z->sts_id;
	doctor_sts_policy(l->z, &policy);
	if (EVP_Digest(policy.p, policy.n, digest, NULL, EVP_sha256(), NULL) != 1)
		return (struct str){ 0 };
	text_hex(&hex, str_of(digest, 8));
	return arena_str(l->a, buf_str(&hex));
}

static void add_sts(struct list *l)
{
	const struct str domain = l->z->domain, host = l->z->host;
	static const char text_z[] = "MTA-STS: %shttps://mta-sts.%" STR_FMT "/.well-known/mta-sts.txt, under a certificate for that name, must say: version: STSv1, "
				     "mode: testing, mx: %" STR_FMT ", max_age: 86400 (each on a line); later mode: enforce, max_age: 604800, and another id here";
	struct str id = sts_id(l);
	struct str why = arena_printf(l->a, text_z, l->z->has_sts_host ? "" : "only with a web server; this server has none. ", STR_ARG(domain),
				      STR_ARG(host));

	add(l, &(struct doctor_record){ .name = below(l, "_mta-sts", domain), .type_z = "TXT", .need = DOCTOR_MAY,
					.value = id.p ? arena_printf(l->a, "v=STSv1; id=%" STR_FMT, STR_ARG(id)) : id,
					.place = l->z->has_sts_host ? DOCTOR_HERE : DOCTOR_LATER, .why_z = arena_z(l->a, why) });
}

/* RFC 7672 3.1.1: DANE-EE of the key, so that a renewed certificate with the same key needs no new record. */
static void add_tlsa(struct list *l)
{
	for (size_t i = 0; i < l->z->n_spki; i++) {
		AUTO(buf_fini) struct buf hex = BUF_INIT(80);

		text_hex(&hex, str_of(l->z->spki_sha256[i], 32));
		add(l, &(struct doctor_record){ .name = below(l, "_25._tcp", l->z->host), .type_z = "TLSA", .need = DOCTOR_MAY,
						.value = arena_printf(l->a, "3 1 1 %" STR_FMT, STR_ARG(buf_str(&hex))),
						.place = place_of(l->z, l->z->host),
						.why_z = "DANE: counts only in a zone signed with DNSSEC, and there mail stops when the key changes before this "
							 "record does: keep the key at renewals (certbot: --reuse-key)" });
	}
}

/* ---- mail programs find their servers ---- */

/* RFC 8314 3: TLS from the first byte is better than STARTTLS, and RFC 6186 3.4: IMAP is, for most, better than POP3. */
static const struct {
	const char *labels_z;
	unsigned priority;
} services[DOCTOR_N_SERVICES] = {
	[DOCTOR_SUBMISSIONS] = { "_submissions._tcp", 0 }, [DOCTOR_SUBMISSION_STARTTLS] = { "_submission._tcp", 10 },
	[DOCTOR_IMAPS] = { "_imaps._tcp", 0 },		   [DOCTOR_IMAP_STARTTLS] = { "_imap._tcp", 10 },
	[DOCTOR_POP3S] = { "_pop3s._tcp", 20 },		   [DOCTOR_POP3_STARTTLS] = { "_pop3._tcp", 30 },
};

static void add_services(struct list *l)
{
	for (size_t i = 0; i < DOCTOR_N_SERVICES; i++) {
		uint16_t port = l->z->ports[i];
		struct str name = below(l, services[i].labels_z, l->z->domain);

		if (port > 0)
			add(l, &(struct doctor_record){ .name = name, .type_z = "SRV", .need = DOCTOR_SHOULD,
							.value = arena_printf(l->a, "%u 1 %u %" STR_FMT ".", services[i].priority, port,
									      STR_ARG(l->z->host)),
							.why_z = "where mail programs find the service" });
		else /* RFC 6186 3.4 */
			add(l, &(struct doctor_record){ .name = name, .type_z = "SRV", .value = S("0 0 0 ."), .need = DOCTOR_MAY,
							.why_z = "it is not offered, and nobody need try" });
	}
}

/* RFC 8659 4.2 */
static void add_caa(struct list *l)
{
	add(l, &(struct doctor_record){ .name = l->z->domain, .type_z = "CAA", .value = S("0 issue \"letsencrypt.org\""), .need = DOCTOR_MAY,
					.place = DOCTOR_LATER,
					.why_z = "lets only that authority give certificates for your names: write yours; web servers of the domain need theirs too" });
}

static void (*const kinds[])(struct list *) = {
	add_addresses, add_mx, add_reverses, add_spf, add_dkim, add_dmarc, add_tlsrpt, add_sts, add_tlsa, add_services, add_caa,
};

int doctor_zone(const struct doctor_zone *z, struct arena *a, struct doctor_record **ret, size_t *ret_n)
{
	struct list l = { .z = z, .a = a };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		kinds[i](&l);
	if (l.is_full)
		return -E_LIMIT;
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

/* ---- a line of a zone file ---- */

/* RFC 1035 5.1 */
static void print_string(struct str s, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c > '~')
			buf_printf(out, "\\%03u", c);
		else
			buf_printf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	buf_add_char(out, '"');
}

void doctor_record_print(const struct doctor_record *r, struct buf *out)
{
	struct str rest = r->value;

	buf_printf(out, "%" STR_FMT ". IN %s", STR_ARG(r->name), r->type_z);
	if (!str_eq(str_z(r->type_z), S("TXT"))) {
		buf_printf(out, " %" STR_FMT "\n", STR_ARG(rest));
		return;
	}
	do {
		buf_add_char(out, ' ');
		print_string(str_head(rest, TXT_STRING), out);
		rest = str_skip(rest, TXT_STRING);
	} while (rest.n > 0);
	buf_add_char(out, '\n');
}

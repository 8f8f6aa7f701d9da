/* SPDX-License-Identifier: MIT */
/* See zone_of.h. */
#include "cli/zone_of.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/draft.h"
#include "mailauth/dkim.h"
#include "net/dns.h"
#include "net/net.h"
#include "net/stream.h"
#include "net/tls.h"
#include "queue/dkim.h"
#include "queue/queue.h"
#include "queue/route.h"
#include "server/admin.h"
#include "server/server.h"
#include "store/account.h"

#define ZONE_FILE (1u << 20) /* of one key or certificate */
#define ADDRESSES_MAX 64
#define COMMENT_WIDTH 110

struct zone_of {
	const struct conf *conf;
	struct arena *a;
	struct doctor_zone *z;
	struct buf *notes;
};

static int read_file(const char *path_z, struct buf *out, struct fault *fault)
{
	FILE *f = fopen(path_z, "re");
	int r;

	if (!f)
		return fault_errno(fault, errno, "cannot be read"); /* who tells it names the file */
	r = draft_read_file(f, path_z, out, fault);
	fclose(f);
	return r;
}

/* ---- the host ---- */

static int take_host(struct zone_of *o, struct fault *fault)
{
	char name[256];

	server_hostname(conf_get(o->conf, &server_conf_table), name, sizeof(name));
	if (!net_dns_is_name(str_z(name)) || str_chr(str_z(name), '.') < 0)
		return fault_set(fault, -E_USAGE, "[server] hostname: this host is called %s, which no other host could find; set its full name, such as "
				 "mail.example.org", name[0] ? name : "nothing");
	o->z->host = arena_str(o->a, str_z(name));
	return o->z->host.p ? 0 : -E_LIMIT;
}

static bool is_known(const struct doctor_zone *z, struct str address)
{
	for (size_t i = 0; i < z->n_addresses; i++)
		if (str_eq(z->addresses[i], address))
			return true;
	return false;
}

/* Those at which mail can come from everywhere; of interfaces that are up. */
static int take_own_addresses(struct zone_of *o)
{
	struct str *v = ARENA_ARRAY(o->a, struct str, ADDRESSES_MAX);
	struct ifaddrs *all = NULL;

	if (!v || getifaddrs(&all) < 0)
		return v ? 0 : -E_LIMIT;
	o->z->addresses = v;
	for (const struct ifaddrs *i = all; i && o->z->n_addresses < ADDRESSES_MAX; i = i->ifa_next) {
		struct net_address address = { 0 };
		char text[NET_ADDRESS_TEXT];

		if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&address, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ? sizeof(address.v4) : sizeof(address.v6));
		net_address_text(&address, text);
		if (!net_address_is_private(&address) && !is_known(o->z, str_z(text)))
			v[o->z->n_addresses++] = arena_str(o->a, str_z(text));
	}
	freeifaddrs(all);
	return 0;
}

static int take_addresses(struct zone_of *o, const struct str *addresses, size_t n)
{
	int r = 0;

	o->z->addresses = addresses;
	o->z->n_addresses = n;
	if (n == 0)
		r = take_own_addresses(o);
	if (r == 0 && o->z->n_addresses == 0)
		buf_printf(o->notes, "this host has no public address of its own: name the one that it is reached at by --address\n");
	return r;
}

/* What the settings send from, if it is seen from outside and not known yet. */
static int take_senders(struct zone_of *o)
{
	const struct queue_conf *q = conf_get(o->conf, &queue_conf_table);
	const char *sources_z[] = { q->source_v4, q->source_v6 };
	struct str *v = ARENA_ARRAY(o->a, struct str, ARRAY_LEN(sources_z));
	struct net_address address;

	if (!v)
		return -E_LIMIT;
	o->z->senders = v;
	for (size_t i = 0; i < ARRAY_LEN(sources_z); i++)
		if (net_address_parse(str_z(sources_z[i]), 0, &address) && !net_address_is_private(&address) && !is_known(o->z, str_z(sources_z[i])))
			v[o->z->n_senders++] = str_z(sources_z[i]);
	return 0;
}

int cli_zone_addresses(const struct cli_args *args, struct arena *a, struct str **ret, size_t *ret_n, struct fault *fault)
{
	struct str *v = ARENA_ARRAY(a, struct str, args->n_options + 1);
	size_t n = 0;

	for (size_t i = 0; v && i < args->n_options; i++) {
		struct str text = str_z(args->options[i].value);
		struct net_address unused;

		if (!str_eq(str_z(args->options[i].name), S("--address")))
			continue;
		if (!net_address_parse(text, 0, &unused))
			return fault_set(fault, -E_USAGE, "--address %.100s: write an IPv4 or IPv6 address", args->options[i].value);
		v[n++] = text;
	}
	*ret = v;
	*ret_n = n;
	return v ? 0 : -E_LIMIT;
}

/* ---- what it serves ---- */

static const struct {
	enum server_protocol protocol;
	enum net_tls_mode tls;
} services[DOCTOR_N_SERVICES] = {
	[DOCTOR_SUBMISSIONS] = { SERVER_SUBMISSION, NET_TLS_IMPLICIT }, [DOCTOR_SUBMISSION_STARTTLS] = { SERVER_SUBMISSION, NET_TLS_STARTTLS },
	[DOCTOR_IMAPS] = { SERVER_IMAP, NET_TLS_IMPLICIT },		[DOCTOR_IMAP_STARTTLS] = { SERVER_IMAP, NET_TLS_STARTTLS },
	[DOCTOR_POP3S] = { SERVER_POP3, NET_TLS_IMPLICIT },		[DOCTOR_POP3_STARTTLS] = { SERVER_POP3, NET_TLS_STARTTLS },
};

static bool is_loopback(const struct server_listener_conf *l)
{
	return str_starts(str_z(l->address), S("127.")) || str_eq(str_z(l->address), S("::1")) || l->address[0] == '/';
}

/* Those of loopback are for programs of this host, unless all are: then somebody tries it out. */
static void take_services(struct zone_of *o, bool with_loopback)
{
	bool has_any = false;

	for (size_t i = 0; i < conf_count(o->conf, &server_listener_table); i++) {
		const char *name_z;
		const struct server_listener_conf *l = conf_get_nth(o->conf, &server_listener_table, i, &name_z);

		has_any |= !is_loopback(l);
		for (size_t k = 0; k < DOCTOR_N_SERVICES; k++)
			if ((int)services[k].protocol == l->protocol && (int)services[k].tls == l->tls && (with_loopback || !is_loopback(l)) &&
			    o->z->ports[k] == 0)
				o->z->ports[k] = (uint16_t)l->port;
	}
	if (!has_any && !with_loopback)
		take_services(o, true);
}

/* The section that all mail for others goes by, if there is one. */
static void take_relay(struct zone_of *o)
{
	for (size_t i = 0; i < conf_count(o->conf, &queue_route_table) && o->z->relay.n == 0; i++) {
		const char *name_z;
		const struct queue_route_conf *r = conf_get_nth(o->conf, &queue_route_table, i, &name_z);
		struct net_address unused;

		if (r->domains.n == 0 && r->senders.n == 0 && !r->is_only_fallback && !str_ieq(str_z(r->host), S("mx")) &&
		    !net_address_parse(str_z(r->host), 0, &unused))
			o->z->relay = str_z(r->host);
	}
}

/* ---- keys and certificates ---- */

static int add_key(struct zone_of *o, const struct queue_dkim_pair *p, struct doctor_dkim *v)
{
	AUTO(buf_fini) struct buf pem = BUF_INIT(ZONE_FILE), text = BUF_INIT(ZONE_FILE);
	struct dkim_key *key = NULL;
	struct fault f = { 0 };
	int r = read_file(p->file_z, &pem, &f);

	if (r == 0)
		r = dkim_key_parse(buf_str(&pem), &key, &f);
	mem_wipe(pem.p, pem.n);
	if (r == 0)
		r = dkim_key_public(key, &text);
	if (r < 0) {
		buf_printf(o->notes, "the record of DKIM selector %s is left out: %s: %s\n", p->selector_z, p->file_z, f.text);
		return 0;
	}
	v[o->z->n_dkim] = (struct doctor_dkim){ str_z(p->selector_z), arena_str(o->a, buf_str(&text)), dkim_key_is_ed25519(key) };
	dkim_key_unref(key);
	return v[o->z->n_dkim++].public_key.p ? 0 : -E_LIMIT;
}

static int take_dkim(struct zone_of *o)
{
	struct doctor_dkim *v = ARENA_ARRAY(o->a, struct doctor_dkim, QUEUE_DKIM_N_KINDS);
	int r = v ? 0 : -E_LIMIT;
	bool is_there = false;

	o->z->dkim = v;
	for (size_t i = 0; i < conf_count(o->conf, &queue_dkim_conf_table); i++) {
		const char *name_z;
		const struct queue_dkim_conf *c = conf_get_nth(o->conf, &queue_dkim_conf_table, i, &name_z);
		struct str name;

		if (store_domain_canonical(o->a, str_z(name_z), &name) < 0 || !str_eq(name, o->z->domain) || is_there)
			continue;
		is_there = true;
		for (unsigned k = 0; k < QUEUE_DKIM_N_KINDS && r == 0; k++) {
			struct queue_dkim_pair p = queue_dkim_pair(c, (enum queue_dkim_kind)k);

			r = p.file_z[0] ? add_key(o, &p, v) : 0;
		}
	}
	if (!is_there)
		buf_printf(o->notes, "mail of %" STR_FMT " is not signed: the settings have no section [dkim \"%" STR_FMT "\"]\n", STR_ARG(o->z->domain),
			   STR_ARG(o->z->domain));
	return r;
}

/* must_fit: it counts only when it is for the host, as it is chosen by that name. */
static void add_certificate(struct zone_of *o, const char *path_z, bool must_fit, uint8_t (*v)[32])
{
	AUTO(buf_fini) struct buf pem = BUF_INIT(ZONE_FILE);
	const char *host_z = arena_z(o->a, o->z->host);
	struct fault f = { 0 };
	bool is_for_host = false, is_new = true;
	uint8_t digest[32];
	int r = read_file(path_z, &pem, &f);

	if (r == 0 && net_tls_key_sha256(buf_str(&pem), host_z, digest, &is_for_host) < 0)
		r = fault_set(&f, -E_USAGE, "no certificate in PEM");
	if (r < 0)
		buf_printf(o->notes, "the TLSA record of a certificate is left out: %s: %s\n", path_z, f.text);
	for (size_t i = 0; i < o->z->n_spki; i++)
		is_new = is_new && memcmp(v[i], digest, 32) != 0;
	if (r == 0 && is_new && (is_for_host || !must_fit))
		memcpy(v[o->z->n_spki++], digest, 32);
}

static int take_certificates(struct zone_of *o)
{
	const struct server_tls_conf *tls = conf_get(o->conf, &server_tls_table);
	size_t n = conf_count(o->conf, &server_certificate_table);
	uint8_t (*v)[32] = arena_alloc(o->a, n + 1, 32);

	if (!v)
		return -E_LIMIT;
	o->z->spki_sha256 = (const uint8_t (*)[32])v;
	if (tls->certificate[0])
		add_certificate(o, tls->certificate, false, v);
	else /* its key changes whenever it is made anew */
		buf_printf(o->notes, "no TLSA record: the settings name no certificate, and the self-made one does not last\n");
	for (size_t i = 0; i < n; i++) {
		const char *name_z;
		const struct server_certificate_conf *c = conf_get_nth(o->conf, &server_certificate_table, i, &name_z);

		add_certificate(o, c->certificate, true, v);
	}
	return 0;
}

/* ---- all of it ---- */

int cli_zone_of(const struct conf *conf, struct str domain, const struct str *addresses, size_t n_addresses, struct arena *a, struct doctor_zone *ret,
		struct buf *notes, struct fault *fault)
{
	struct str postmaster = arena_printf(a, "mailto:postmaster@%" STR_FMT, STR_ARG(domain));
	struct doctor_zone z = { .domain = domain, .tlsrpt_rua = postmaster, .dmarc_rua = postmaster };
	struct zone_of o = { conf, a, &z, notes };
	int r = postmaster.p ? take_host(&o, fault) : -E_LIMIT;

	if (r == 0)
		r = take_addresses(&o, addresses, n_addresses);
	if (r == 0)
		r = take_senders(&o);
	if (r == 0)
		r = take_dkim(&o);
	if (r == 0)
		r = take_certificates(&o);
	if (r < 0)
		return r;
	take_services(&o, false);
	take_relay(&o);
	*ret = z;
	return 0;
}

/* ---- as text ---- */

/* In lines of a bearable width. */
static void print_comment(const char *first_z, struct str text, struct buf *out)
{
	struct str word;
	size_t column = 2 + str_z(first_z).n;

	buf_printf(out, "; %s", first_z);
	for (bool is_first = true; str_split(&text, ' ', &word); is_first = false) {
		bool is_full = column + 1 + word.n > COMMENT_WIDTH;

		buf_add(out, is_first ? S("") : is_full ? S("\n; ") : S(" "));
		column = is_full ? 2 + word.n : column + 1 + word.n;
		buf_add(out, word);
	}
	buf_add_char(out, '\n');
}

/* One reason for several records that follow one another is said once. */
static void print_record(const struct doctor_record *r, const char **why_z, struct buf *out)
{
	static const char *const says[] = {
		[DOCTOR_HERE] = "", [DOCTOR_ELSEWHERE] = "(in another zone) ", [DOCTOR_LATER] = "(a proposal) ",
	};

	if (!*why_z || !str_eq(str_z(*why_z), str_z(r->why_z))) {
		buf_add_char(out, '\n');
		print_comment(says[r->place], str_z(r->why_z), out);
	}
	*why_z = r->why_z;
	if (r->place != DOCTOR_HERE)
		buf_add(out, S("; "));
	doctor_record_print(r, out);
}

void cli_zone_print(const struct doctor_zone *z, const struct doctor_record *records, size_t n, struct str notes, struct buf *out)
{
	const char *why_z = NULL;
	struct str line;

	buf_printf(out, "; What %" STR_FMT " publishes, so that mail comes to %" STR_FMT " and mail from there is believed.\n", STR_ARG(z->domain),
		   STR_ARG(z->host));
	while (str_split(&notes, '\n', &line) && line.n > 0)
		print_comment("NOTE: ", line, out);
	for (size_t i = 0; i < n; i++)
		print_record(&records[i], &why_z, out);
}

json_t *cli_zone_json(const struct doctor_record *records, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		AUTO(buf_fini) struct buf line = BUF_INIT(65536);
		const struct doctor_record *r = &records[i];

		doctor_record_print(r, &line);
		json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o, s:s, s:s, s:s}", "name", admin_json_str(r->name), "type", r->type_z, "value",
						      admin_json_str(r->value), "line", admin_json_str(str_trim(buf_str(&line))), "need",
						      doctor_need_names[r->need], "place", doctor_place_names[r->place], "why", r->why_z));
	}
	return list;
}

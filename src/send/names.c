/* SPDX-License-Identifier: MIT */
/* What an attempt asks the DNS and the web, as it is: send_names without a test. */
#include "send/send_int.h"

#include "base/clock.h"
#include "mailauth/tlsrpt.h"
#include "net/dns.h"
#include "net/https.h"

#define GET_MS 15000 /* RFC 8461 3.3: a minute at most */
#define POST_MS 60000

static int ask_mx(void *ctx, struct arena *a, struct str domain, const char *const *own_names, int64_t deadline_ms, struct send_hosts *ret,
		  struct queue_reply *ret_reply)
{
	struct send *s = ctx;

	return send_mx(s->dns, a, domain, own_names, deadline_ms, ret, ret_reply);
}

static int ask_addresses(void *ctx, struct arena *a, struct str host, uint16_t port, bool may_private, int64_t deadline_ms,
			 struct send_place *ret, struct queue_reply *ret_reply)
{
	struct send *s = ctx;

	return send_addresses(s->dns, a, host, port, may_private, deadline_ms, ret, ret_reply);
}

static int ask_tlsa(void *ctx, struct arena *a, const struct send_place *place, uint16_t port, int64_t deadline_ms, struct send_records *ret,
		    struct queue_reply *ret_reply)
{
	struct send *s = ctx;

	return send_tlsa(s->dns, a, place, port, deadline_ms, ret, ret_reply);
}

static int ask_txt(void *ctx, struct arena *a, struct str name, int64_t deadline_ms, struct str **ret, size_t *ret_n)
{
	struct send *s = ctx;
	struct net_dns_answer answer;
	struct fault fault = { 0 };
	int r = net_dns_ask(s->dns, a, name, NET_DNS_TXT, deadline_ms, &answer, &fault);
	size_t n = 0;

	if (r < 0)
		return r;
	if (answer.trust == NET_DNS_BOGUS)
		return -E_IO;
	*ret = ARENA_ARRAY(a, struct str, answer.n + 1);
	if (!*ret)
		return -E_LIMIT;
	for (size_t i = 0; i < answer.n; i++)
		n += net_dns_txt(a, answer.rdata[i], &(*ret)[n]);
	*ret_n = n;
	return 0;
}

static void ahead(void *ctx, struct str name)
{
	struct send *s = ctx;

	net_dns_ahead(s->dns, name, NET_DNS_TXT);
}

static int get(void *ctx, struct arena *a, struct str host, struct str path, struct buf *out, struct fault *fault)
{
	struct send *s = ctx;
	struct send_place place = { 0 };
	struct queue_reply reply = { 0 };
	int64_t deadline_ms = send_deadline(s, GET_MS);
	struct net_https_get g = { .host_z = arena_z(a, host), .path_z = arena_z(a, path), .type_z = "text/plain", .deadline_ms = deadline_ms,
				   .port = (uint16_t)s->q->sts_port };
	int r;

	if (!s->https || !g.host_z || !g.path_z)
		return fault_set(fault, -E_CANNOT, "HTTPS is off");
	r = s->names.addresses(ctx, a, host, g.port, s->q->may_private, deadline_ms, &place, &reply);
	if (r < 0 || place.n == 0)
		return fault_set(fault, r < 0 ? r : -E_NOT_FOUND, "%" STR_FMT, STR_ARG(reply.text));
	g.addresses = place.v;
	g.n_addresses = place.n;
	return net_https_get(s->https, &g, out, fault);
}

/* RFC 8460 5.4. No other port than that of the settings: the sandbox lets us connect to that only. */
static int post(void *ctx, struct arena *a, struct str uri, struct str report, struct fault *fault)
{
	struct send *s = ctx;
	struct send_place place = { 0 };
	struct queue_reply reply = { 0 };
	struct net_https_get g = { .type_z = "application/tlsrpt+gzip", .port = (uint16_t)s->tlsrpt->https_port,
				   .deadline_ms = clock_mono_ms() + POST_MS };
	struct tlsrpt_uri u;
	int r;

	if (!s->https || !tlsrpt_uri_parse(uri, a, &u) || u.is_mail)
		return fault_set(fault, -E_CANNOT, "no https address");
	if (u.port != 0 && u.port != g.port)
		return fault_set(fault, -E_CANNOT, "port %u is not %u, the only one that reports go to", u.port, g.port);
	g.host_z = arena_z(a, u.host);
	g.path_z = arena_z(a, u.path);
	if (!g.host_z || !g.path_z)
		return fault_set(fault, -E_LIMIT, "no memory");
	r = s->names.addresses(ctx, a, u.host, g.port, s->q->may_private, g.deadline_ms, &place, &reply);
	if (r < 0 || place.n == 0)
		return fault_set(fault, r < 0 ? r : -E_NOT_FOUND, "%" STR_FMT, STR_ARG(reply.text));
	g.addresses = place.v;
	g.n_addresses = place.n;
	return net_https_post(s->https, &g, report, fault);
}

const struct send_names send_names_dns = { .mx = ask_mx, .addresses = ask_addresses, .tlsa = ask_tlsa, .txt = ask_txt, .get = get, .post = post,
					   .ahead = ahead };

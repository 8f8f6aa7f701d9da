/* SPDX-License-Identifier: MIT */
/* What an attempt asks the DNS and the web, as it is: send_names without a test. */
#include "send/send_int.h"

#include "base/clock.h"
#include "net/dns.h"
#include "net/https.h"

#define GET_MS 15000 /* RFC 8461 3.3: a minute at most */

static int ask_mx(void *ctx, struct arena *a, struct str domain, const char *const *own_names, int64_t deadline_ms, struct send_hosts *ret,
		  struct queue_reply *ret_reply)
{
	struct send *s = ctx;

	return send_mx(s->dns, a, domain, own_names, deadline_ms, ret, ret_reply);
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

static int get(void *ctx, struct arena *a, struct str host, struct str path, struct buf *out)
{
	struct send *s = ctx;
	struct send_place place = { 0 };
	struct queue_reply reply = { 0 };
	struct fault fault = { 0 };
	int64_t deadline_ms = clock_mono_ms() + GET_MS;
	struct net_https_get g = { .host_z = arena_z(a, host), .path_z = arena_z(a, path), .type_z = "text/plain", .deadline_ms = deadline_ms,
				   .port = (uint16_t)s->q->sts_port };
	int r;

	if (!s->https || !g.host_z || !g.path_z)
		return -E_CANNOT;
	r = s->names.addresses(ctx, a, host, g.port, deadline_ms, &place, &reply);
	if (r < 0 || place.n == 0)
		return r < 0 ? r : -E_NOT_FOUND;
	g.addresses = place.v;
	g.n_addresses = place.n;
	return net_https_get(s->https, &g, out, &fault);
}

static int no_addresses(void *ctx, struct arena *a, struct str host, uint16_t port, int64_t deadline_ms, struct send_place *ret,
			struct queue_reply *ret_reply)
{
	(void)ctx, (void)host, (void)port, (void)deadline_ms, (void)ret;
	*ret_reply = send_say(a, "4.4.3", "not yet");
	return -E_CANNOT;
}
static int no_tlsa(void *ctx, struct arena *a, struct str base, uint16_t port, int64_t deadline_ms, struct send_records *ret, struct queue_reply *ret_reply)
{
	(void)ctx, (void)a, (void)base, (void)port, (void)deadline_ms, (void)ret, (void)ret_reply;
	return 0;
}
const struct send_names send_names_dns = { .mx = ask_mx, .addresses = no_addresses, .tlsa = no_tlsa, .txt = ask_txt, .get = get };
int send_mx(struct net_dns *d, struct arena *a, struct str domain, const char *const *own_names, int64_t deadline_ms,
		       struct send_hosts *ret, struct queue_reply *ret_reply)
{
	(void)d, (void)domain, (void)own_names, (void)deadline_ms, (void)ret;
	*ret_reply = send_say(a, "4.4.3", "not yet");
	return -E_CANNOT;
}

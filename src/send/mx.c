/* SPDX-License-Identifier: MIT */
/*
 * The hosts that take mail for a domain (RFC 5321 5.1), and words for what the DNS did not say.
 *
 *   no such name             5.1.2    no MX                the domain itself (implicit MX)
 *   one MX "."   556 5.1.10           names of no host     left out; nothing else: 5.4.4
 *   ourselves    what is not better is left out; nothing else: 5.4.6
 *   no answer                4.4.3    signed and wrong     4.7.5
 */
#include "send/dns_int.h"

#include "base/rnd.h"

int send_dns_ask(struct net_dns *d, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms,
		 struct net_dns_answer *ret, struct queue_reply *ret_reply)
{
	struct fault fault = { 0 };
	int r = net_dns_ask(d, a, name, type, deadline_ms, ret, &fault);

	if (r == -E_LIMIT)
		*ret_reply = send_say(a, "4.3.0", "the answer of the DNS for %" STR_FMT " is too long", STR_ARG(name));
	else if (r < 0)
		*ret_reply = send_say(a, "4.4.3", "%s", fault.text);
	if (r == 0 && ret->trust == NET_DNS_BOGUS) {
		*ret_reply = send_say(a, "4.7.5", "the signatures in the DNS of %" STR_FMT " are wrong: %" STR_FMT, STR_ARG(name),
					    STR_ARG(ret->why));
		return -E_DENIED;
	}
	return r;
}

/* ---- MX records ---- */

static bool is_own(struct str name, const char *const *own_names)
{
	for (size_t i = 0; own_names && own_names[i]; i++)
		if (str_ieq(name, str_z(own_names[i])))
			return true;
	return false;
}

/* Once each, with its best preference. */
static void add_host(struct send_hosts *h, struct send_host host)
{
	for (size_t i = 0; i < h->n; i++) {
		if (!str_eq(h->hosts[i].name, host.name))
			continue;
		if (host.preference < h->hosts[i].preference)
			h->hosts[i].preference = host.preference;
		return;
	}
	h->hosts[h->n++] = host;
}

static struct str lower(struct arena *a, struct str name)
{
	char *copy = arena_z(a, name);

	for (size_t i = 0; copy && i < name.n; i++)
		copy[i] = str_lower_char(copy[i]);
	return str_of(copy, copy ? name.n : 0);
}

/* Sorted in: behind all that are as good or better. */
static void sort(struct send_hosts *h)
{
	for (size_t i = 1; i < h->n; i++) {
		struct send_host host = h->hosts[i];
		size_t j = i;

		for (; j > 0 && h->hosts[j - 1].preference > host.preference; j--)
			h->hosts[j] = h->hosts[j - 1];
		h->hosts[j] = host;
	}
}

/* RFC 5321 5.1: equal ones in an order made by chance. */
static void mix(struct send_hosts *h)
{
	for (size_t i = h->n; i > 1; i--) {
		size_t j = (size_t)(rnd_u64() % i);
		struct send_host host = h->hosts[i - 1];

		h->hosts[i - 1] = h->hosts[j];
		h->hosts[j] = host;
	}
}

/* RFC 5321 5.1: ourselves, and all that are not better. */
static void cut_self(struct send_hosts *h, const char *const *own_names)
{
	size_t n = h->n;

	for (size_t i = 0; i < h->n; i++)
		if (is_own(h->hosts[i].name, own_names) && !h->is_self) {
			h->is_self = true;
			n = i;
			while (n > 0 && h->hosts[n - 1].preference == h->hosts[i].preference)
				n--;
		}
	h->n = n;
}

#define SEND_RECORDS 256 /* that are looked at: each is compared with each */

static int take_records(struct arena *a, const struct net_dns_answer *answer, struct send_hosts *ret)
{
	size_t n = answer->n < SEND_RECORDS ? answer->n : SEND_RECORDS;

	ret->hosts = ARENA_ARRAY(a, struct send_host, n);
	if (!ret->hosts)
		return -E_LIMIT;
	for (size_t i = 0; i < n; i++) {
		struct send_host host = { .is_mx = true };
		struct str name;

		if (!net_dns_mx(a, answer->rdata[i], &host.preference, &name))
			continue;
		/* RFC 7505 3: beside others it says nothing. */
		if (name.n == 0 && answer->n == 1)
			ret->is_null_mx = true;
		if (!net_dns_is_name(name))
			continue;
		host.name = lower(a, name);
		if (!host.name.p)
			return -E_LIMIT;
		add_host(ret, host);
	}
	return 0;
}

static int implicit(struct arena *a, struct str domain, struct send_hosts *ret)
{
	ret->hosts = ARENA_ARRAY(a, struct send_host, 1);
	if (!ret->hosts)
		return -E_LIMIT;
	ret->hosts[0].name = lower(a, domain);
	ret->n = 1;
	return ret->hosts[0].name.p ? 0 : -E_LIMIT;
}

/* Why there is no host. */
static struct queue_reply no_host(struct arena *a, struct str domain, const struct send_hosts *h)
{
	struct queue_reply reply;

	if (h->is_null_mx) {
		reply = send_say(a, "5.1.10", "%" STR_FMT " takes no mail (null MX)", STR_ARG(domain));
		reply.code = 556; /* RFC 7505 4.1 */
		return reply;
	}
	if (h->is_self)
		return send_say(a, "5.4.6", "mail for %" STR_FMT " comes back to this host, which has no such domain", STR_ARG(domain));
	return send_say(a, "5.4.4", "the MX records of %" STR_FMT " name no host", STR_ARG(domain));
}

int send_mx_of(struct arena *a, struct str domain, const char *const *own_names, const struct net_dns_answer *answer,
	       struct send_hosts *ret, struct queue_reply *ret_reply)
{
	int r;

	*ret = (struct send_hosts){ .is_secure = answer->trust == NET_DNS_SECURE };
	if (answer->is_nxdomain) {
		*ret_reply = send_say(a, "5.1.2", "there is no domain %" STR_FMT, STR_ARG(domain));
		return 0;
	}
	r = answer->n > 0 ? take_records(a, answer, ret) : implicit(a, domain, ret);
	if (r < 0) {
		*ret_reply = send_say(a, "4.3.0", "the answer of the DNS for %" STR_FMT " is too long", STR_ARG(domain));
		return r;
	}
	mix(ret);
	sort(ret);
	cut_self(ret, own_names);
	if (ret->n > SEND_HOSTS)
		ret->n = SEND_HOSTS;
	if (ret->n == 0)
		*ret_reply = no_host(a, domain, ret);
	return 0;
}

int send_mx(struct net_dns *d, struct arena *a, struct str domain, const char *const *own_names, int64_t deadline_ms,
	    struct send_hosts *ret, struct queue_reply *ret_reply)
{
	struct net_dns_answer answer;
	int r;

	*ret = (struct send_hosts){ 0 };
	if (!net_dns_is_name(domain)) {
		*ret_reply = send_say(a, "5.1.2", "no name of a domain: %" STR_FMT, STR_ARG(str_head(domain, 255)));
		return 0;
	}
	r = send_dns_ask(d, a, domain, NET_DNS_MX, deadline_ms, &answer, ret_reply);
	return r < 0 ? r : send_mx_of(a, domain, own_names, &answer, ret, ret_reply);
}

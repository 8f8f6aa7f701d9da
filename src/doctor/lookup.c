/* SPDX-License-Identifier: MIT */
/* The DNS and the web as they are: doctor_lookup without a test. */
#include "doctor/lookup.h"

struct real {
	struct doctor_lookup l;
	struct net_dns *dns;
	struct net_https *https;
};

static int ask(void *ctx, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms, struct net_dns_answer *ret,
	       struct fault *fault)
{
	struct real *r = ctx;

	return net_dns_ask(r->dns, a, name, type, deadline_ms, ret, fault);
}

static void ahead(void *ctx, struct str name, enum net_dns_type type)
{
	struct real *r = ctx;

	net_dns_ahead(r->dns, name, type);
}

static int get(void *ctx, const struct net_https_get *g, struct buf *out, struct fault *fault)
{
	struct real *r = ctx;

	return net_https_get(r->https, g, out, fault);
}

void doctor_lookup_open(struct net_dns *dns, struct str ca_pem, struct doctor_lookup **ret)
{
	struct real *r = MEM_NEW(struct real);
	const char *why_z = "";

	r->dns = dns;
	r->l = (struct doctor_lookup){ .ctx = r, .dns = ask, .ahead = ahead, .https_port = 443 };
	if (!libexpat_load(&r->l.expat, &why_z))
		(void)fault_set(&r->l.why, -E_CANNOT, "no libexpat, which reads XML: %s", why_z);
	else if (net_https_open(ca_pem, &r->https, &r->l.why) == 0)
		r->l.get = get;
	*ret = &r->l;
}

void doctor_lookup_close(struct doctor_lookup **lp)
{
	struct real *r = *lp ? (*lp)->ctx : NULL;

	if (!r)
		return;
	net_https_close(&r->https);
	mem_free(r);
	*lp = NULL;
}

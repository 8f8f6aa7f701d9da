/* SPDX-License-Identifier: MIT */
/* MTA-STS: RFC 8461 3, by mailauth/sts.h; reports about TLS: RFC 8460 3, by mailauth/tlsrpt.h. */
#include "doctor/domain_int.h"

#include "base/clock.h"
#include "mailauth/tlsrpt.h"
#include "net/https.h"
#include "queue/queue.h"

#define WELL_KNOWN_Z "/.well-known/mta-sts.txt"
#define GET_MS 10000
#define AGE_MIN_S \
	86400 /* RFC 8461 10.2: whoever is in the way for longer than that takes it away */

static const char *const modes[] = {
	[STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"
};

/* ---- the record ---- */

static size_t count_of_version(const struct str *texts, size_t n, struct str version)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += str_istarts(texts[i], version);
	return found;
}

static struct str join(struct domain_check *c, const struct str *texts, size_t n,
		       struct str version)
{
	struct str all = S("");

	for (size_t i = 0; i < n && all.n < DOMAIN_EVIDENCE; i++)
		if (str_istarts(texts[i], version))
			all = domain_printf(c, "%" STR_FMT "%s%" STR_FMT, STR_ARG(all),
					    all.n > 0 ? "\n" : "", STR_ARG(texts[i]));
	return all;
}

/* True: there is one, and it is right. */
static bool look_at_record(struct domain_check *c, struct str name)
{
	struct str *texts = NULL, id, record = domain_record(c, name, "TXT", S("v=STSv1; id=1"));
	size_t n = 0, n_found;

	if (domain_texts(c, name, &texts, &n) < 0)
		return false;
	n_found = count_of_version(texts, n, S("v=STSv1"));
	if (n_found == 1 && sts_record_parse(texts, n, &id))
		return true;
	if (n_found == 0)
		DOMAIN_SAY(
			c, INFO, name, S("no record that begins with v=STSv1"),
			"MTA-STS keeps mail to the domain from being read on its way, without DNSSEC: it needs a policy on a web "
			"server (RFC 8461), and then this record.",
			record);
	else if (n_found > 1)
		DOMAIN_SAY(c, FAIL, name, join(c, texts, n, S("v=STSv1")),
			   "There may be one such record: several count as none (RFC 8461 3.1).",
			   S(""));
	else
		DOMAIN_SAY(
			c, FAIL, name, join(c, texts, n, S("v=STSv1")),
			"The record is not right, so it counts as none: behind v=STSv1; it has id= with 1 to 32 letters and digits (RFC 8461 3.1).",
			record);
	return false;
}

/* ---- the policy ---- */

static size_t find_web_server(struct domain_check *c, struct str host, uint16_t port,
			      struct net_address *v, size_t max)
{
	struct net_dns_answer answer;
	size_t n = 0;

	if (domain_ask(c, host, NET_DNS_A, &answer) == 0)
		n = domain_addresses_of(&answer, port, v, n, max);
	if (domain_ask(c, host, NET_DNS_AAAA, &answer) == 0)
		n = domain_addresses_of(&answer, port, v, n, max);
	for (size_t i = n; i-- > 0;)
		if (!c->may_private && net_address_is_private(&v[i])) {
			memmove(&v[i], &v[i + 1], (n - i - 1) * sizeof(*v));
			n--;
		}
	return n;
}

/* RFC 8461 3.3. 0: it is in out; negative: it has been said why not. */
static int fetch(struct domain_check *c, struct str host, struct buf *out)
{
	const struct queue_conf *q = conf_get(c->d->conf, &queue_conf_table);
	struct net_address addresses[DOCTOR_DOMAIN_ADDRESSES];
	struct net_https_get g = { .host_z = arena_z(c->a, host),
				   .port = (uint16_t)q->sts_port,
				   .path_z = WELL_KNOWN_Z,
				   .type_z = "text/plain",
				   .addresses = addresses };
	struct fault fault = { 0 };
	int64_t now_ms = clock_mono_ms();
	int r;

	g.n_addresses = find_web_server(c, host, g.port, addresses, ARRAY_LEN(addresses));
	g.deadline_ms = c->deadline_ms < now_ms + GET_MS ? c->deadline_ms : now_ms + GET_MS;
	if (g.n_addresses == 0 || !g.host_z) {
		DOMAIN_SAY(
			c, FAIL, host, S("no address that may be used"),
			"The record says that there is a policy, and its web server has no address.",
			S(""));
		return -E_NOT_FOUND;
	}
	r = net_https_get(c->d->https, &g, out, &fault);
	if (r == -E_TIMEOUT && g.deadline_ms < now_ms + GET_MS)
		DOMAIN_SAY(c, SKIPPED, host, domain_printf(c, "%s", fault.text),
			   "No answer in the time of this check: ask again with a longer --timeout.",
			   S(""));
	else if (r < 0)
		DOMAIN_SAY(
			c, FAIL, host, domain_printf(c, "%s", fault.text),
			"The record says that there is a policy, and it cannot be had: over HTTPS, with a certificate for the host's name, "
			"status 200, as text/plain, without a redirect (RFC 8461 3.3). Senders do without, or with the one that they had.",
			S(""));
	return r;
}

static struct str names_of(struct domain_check *c)
{
	struct str all = S("");

	for (size_t i = 0; i < c->sts.n_mx && all.n < DOMAIN_EVIDENCE; i++)
		all = domain_printf(c, "%" STR_FMT " %" STR_FMT, STR_ARG(all),
				    STR_ARG(c->sts.mx[i]));
	return all;
}

/* RFC 8461 4.1: each host that the MX records name has to be one of the policy's. */
static void compare_hosts(struct domain_check *c, struct str host)
{
	for (size_t i = 0; i < c->n_hosts; i++) {
		struct doctor_domain_finding f = {
			.state = DOCTOR_DOMAIN_WARN,
			.what = c->hosts[i].name,
			.evidence = domain_printf(c, "mx:%" STR_FMT, STR_ARG(names_of(c)))
		};

		if (c->sts.mode == STS_NONE || sts_policy_has_mx(&c->sts, c->hosts[i].name))
			continue;
		f.reason = S(
			"The policy, which is being tested, does not name this host: with mode enforce no mail would go there.");
		if (c->sts.mode == STS_ENFORCE) {
			f.state = DOCTOR_DOMAIN_FAIL;
			f.reason = domain_printf(
				c,
				"The policy does not name this host, so senders that look at it send nothing there (RFC 8461 4.1). Add \"mx: %" STR_FMT
				"\" to the policy at %" STR_FMT ", and a new id to the record.",
				STR_ARG(c->hosts[i].name), STR_ARG(host));
		}
		domain_add(c, &f);
	}
}

static void say_policy(struct domain_check *c, struct str host)
{
	struct str evidence =
		domain_printf(c, "mode %s, for %lld s, mx:%" STR_FMT, modes[c->sts.mode],
			      (long long)c->sts.max_age_s, STR_ARG(names_of(c)));

	if (c->sts.mode == STS_ENFORCE && c->sts.max_age_s < AGE_MIN_S)
		DOMAIN_SAY(
			c, WARN, host, evidence,
			"It ends so soon that it protects from little: max_age should be weeks (RFC 8461 3.2).",
			S(""));
	else if (c->sts.mode == STS_ENFORCE)
		DOMAIN_SAY(
			c, PASS, host, evidence,
			"Senders that look at it send to these hosts only, over TLS with a certificate that verifies.",
			S(""));
	else if (c->sts.mode == STS_TESTING)
		DOMAIN_SAY(
			c, INFO, host, evidence,
			"It is being tested: failures are reported, if there is a TLSRPT record, and mail goes all the same. Then: mode enforce, and a new id.",
			S(""));
	else
		DOMAIN_SAY(c, INFO, host, evidence, "It asks for nothing any more.", S(""));
}

void domain_sts(struct domain_check *c)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(STS_POLICY_MAX);
	struct str name = domain_printf(c, "_mta-sts.%" STR_FMT, STR_ARG(c->d->domain)),
		   host = domain_printf(c, "mta-sts.%" STR_FMT, STR_ARG(c->d->domain));

	if (c->is_null_mx || !look_at_record(c, name))
		return;
	if (c->d->is_dns_only || !c->d->https) {
		DOMAIN_SAY(c, SKIPPED, host, S("a record that is right"),
			   "The policy was not fetched: nobody is connected to.", S(""));
		return;
	}
	if (fetch(c, host, &text) < 0)
		return;
	if (sts_policy_parse(buf_str(&text), c->a, &c->sts) < 0) {
		DOMAIN_SAY(
			c, FAIL, host, domain_line(c, str_head(buf_str(&text), 300)),
			"What is there is no policy: version, mode, max_age and mx, each on a line (RFC 8461 3.2).",
			S(""));
		return;
	}
	c->has_sts = true;
	say_policy(c, host);
	compare_hosts(c, host);
}

/* ---- reports about TLS ---- */

static bool has_promise(const struct domain_check *c)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		if (c->hosts[i].walk.has_dane && c->is_mx_secure)
			return true;
	return c->has_sts && c->sts.mode != STS_NONE;
}

void domain_tlsrpt(struct domain_check *c)
{
	struct str name = domain_printf(c, "_smtp._tls.%" STR_FMT, STR_ARG(c->d->domain)),
		   *texts = NULL, rua;
	struct str record =
		domain_record(c, name, "TXT",
			      domain_printf(c, "v=TLSRPTv1; rua=mailto:postmaster@%" STR_FMT,
					    STR_ARG(c->d->domain)));
	size_t n = 0, n_found;

	if (c->is_null_mx || domain_texts(c, name, &texts, &n) < 0)
		return;
	n_found = count_of_version(texts, n, S("v=TLSRPTv1"));
	if (n_found == 0 && has_promise(c))
		DOMAIN_SAY(
			c, WARN, name, S("no record that begins with v=TLSRPTv1"),
			"The domain demands TLS, and nobody tells it when that keeps mail away: have reports sent.",
			record);
	else if (n_found == 0)
		DOMAIN_SAY(
			c, INFO, name, S("no record that begins with v=TLSRPTv1"),
			"With it, others report when TLS to the domain's hosts fails (RFC 8460).",
			record);
	else if (n_found > 1)
		DOMAIN_SAY(c, FAIL, name, join(c, texts, n, S("v=TLSRPTv1")),
			   "There may be one such record: several count as none (RFC 8460 3).",
			   S(""));
	else if (!tlsrpt_record_parse(texts, n, c->a, &rua))
		DOMAIN_SAY(
			c, FAIL, name, join(c, texts, n, S("v=TLSRPTv1")),
			"The record is not right, so nobody reports: behind v=TLSRPTv1; it has rua= with mailto: or https: (RFC 8460 3).",
			record);
	else
		DOMAIN_SAY(c, PASS, name, rua,
			   "Others report there how TLS to the domain's hosts went.", S(""));
}

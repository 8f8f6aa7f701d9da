/* SPDX-License-Identifier: MIT */
/* Opens and closes the resolver: files, options, contexts. Questions are in dns.c. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/dns_int.h"

#include "base/buf.h"
#include "base/must.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define FILE_MAX (64u << 10)
#define ANCHORS_MAX 64

/* IANA's keys of the root, of 2017 and 2024 (https://data.iana.org/root-anchors/root-anchors.xml). */
static const char *const built_in_anchors[] = {
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

/* ---- files ---- */

/* 0, -E_NOT_FOUND, or another code with the fault. */
static int read_file(const char *path_z, struct buf *out, struct fault *fault)
{
	FILE *f = fopen(path_z, "re");
	char *p = buf_reserve(out, FILE_MAX);
	size_t n;

	if (!f)
		return fault_errno(fault, errno, "cannot read %s", path_z);
	must(p);
	n = fread(p, 1, FILE_MAX, f);
	buf_commit(out, n);
	if (ferror(f) || n == FILE_MAX) {
		fclose(f);
		return fault_set(fault, -E_USAGE, "cannot read %s, or it is too long", path_z);
	}
	fclose(f);
	return 0;
}

static bool next_word(struct str *line, struct str *ret)
{
	size_t n = 0;

	*line = str_trim(*line);
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	*ret = str_head(*line, n);
	*line = str_skip(*line, n);
	return n > 0;
}

static void add_server(struct net_dns *d, struct str server)
{
	if (d->n_servers < DNS_SERVERS && net_dns_is_server(server))
		d->servers_z[d->n_servers++] = mem_dup_z(server);
}

/* resolv.conf(5). Without the file, or without a server in it that can be used (no address with a scope), there are none. */
static void read_resolv_conf(struct net_dns *d)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(FILE_MAX + 1);
	struct str rest, line, word;

	if (read_file(RESOLV_CONF, &text, NULL) < 0)
		return;
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line))
		if (next_word(&line, &word) && str_eq(word, S("nameserver")) && next_word(&line, &word))
			add_server(d, word);
}

static void add_anchor(struct net_dns *d, struct str line)
{
	ptrdiff_t comment = str_chr(line, ';');

	if (comment >= 0)
		line = str_head(line, (size_t)comment);
	line = str_trim(line);
	if (line.n > 0 && d->n_anchors < ANCHORS_MAX)
		d->anchors_z[d->n_anchors++] = mem_dup_z(line);
}

static int read_anchors(struct net_dns *d, const char *path_z, struct fault *fault)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(FILE_MAX + 1);
	bool is_default = path_z[0] == '\0';
	struct str rest, line;
	bool is_read;
	int r = read_file(is_default ? NET_DNS_TRUST_ANCHOR_FILE : path_z, &text, fault);

	d->anchors_z = mem_alloc(ANCHORS_MAX, sizeof(*d->anchors_z));
	if (r < 0 && !is_default)
		return r;
	rest = r < 0 ? S("") : buf_str(&text);
	while (str_split(&rest, '\n', &line))
		add_anchor(d, line);
	is_read = d->n_anchors > 0;
	if (!is_read && !is_default)
		return fault_set(fault, -E_USAGE, "%s has no trust anchor", path_z);
	for (size_t i = 0; i < ARRAY_LEN(built_in_anchors) && !is_read; i++)
		add_anchor(d, str_z(built_in_anchors[i]));
	return 0;
}

/* ---- contexts ---- */

/*
 * Sizes bound the caches. The small times make a question fail after some 12 s when nobody answers, and a resolver that was away count again
 * after 10 s; by itself libunbound waits for minutes. Names that only the own network has
 * (RFC 6303, RFC 6761 6.2) are asked for like others: who forwards them decides.
 */
static const struct {
	const char *name_z, *value_z;
} options[] = {
	{ "use-syslog:", "no" },
	{ "trust-anchor-signaling:", "no" },
	{ "do-not-query-localhost:", "no" },
	{ "unblock-lan-zones:", "yes" },
	{ "local-zone:", "test. transparent" },
	{ "local-zone:", "home.arpa. transparent" },
	{ "outgoing-range:", "512" },
	{ "num-queries-per-thread:", "4096" },
	{ "outgoing-num-tcp:", "32" },
	{ "msg-cache-size:", "4194304" },
	{ "rrset-cache-size:", "8388608" },
	{ "key-cache-size:", "1048576" },
	{ "neg-cache-size:", "262144" },
	{ "infra-cache-numhosts:", "2000" },
	{ "infra-host-ttl:", "10" },
	{ "infra-keep-probing:", "yes" },
	{ "infra-cache-max-rtt:", "5000" },
};

static int set_options(struct net_dns *d, struct ub_ctx *ctx, bool is_validating)
{
	int r = d->ub.ctx_debugout(ctx, NULL);

	for (size_t i = 0; i < ARRAY_LEN(options) && r == 0; i++)
		r = d->ub.ctx_set_option(ctx, options[i].name_z, options[i].value_z);
	if (r == 0)
		r = d->ub.ctx_set_option(ctx, "module-config:", is_validating ? "validator iterator" : "iterator");
	for (size_t i = 0; i < d->n_servers && r == 0; i++)
		r = d->ub.ctx_set_fwd(ctx, d->servers_z[i]);
	for (size_t i = 0; i < d->n_unsigned && r == 0 && is_validating; i++)
		r = d->ub.ctx_set_option(ctx, "domain-insecure:", d->unsigned_z[i]);
	for (size_t i = 0; i < d->n_anchors && r == 0 && is_validating; i++)
		r = d->ub.ctx_add_ta(ctx, d->anchors_z[i]);
	return r == 0 ? d->ub.ctx_async(ctx, 1) : r;
}

static void drop(void *arg, int err, struct ub_result *result)
{
	struct net_dns *d = arg;

	if (err == 0)
		d->ub.resolve_free(result);
}

/* The first question, which needs no network, makes libunbound read what is configured and start its thread. */
struct ub_ctx *net_dns_ctx(struct net_dns *d, bool is_validating, struct fault *fault)
{
	struct ub_ctx *ctx = d->ub.ctx_create();
	int r = ctx ? set_options(d, ctx, is_validating) : UB_NOMEM;

	if (r == 0)
		r = d->ub.ctx_zone_remove(ctx, "nothing.invalid.");
	if (r == 0)
		r = d->ub.resolve_async(ctx, "localhost.", NET_DNS_A, 1, d, drop, NULL);
	if (r == 0)
		return ctx;
	(void)fault_set(fault, -E_USAGE, "the resolver does not start, are servers and trust anchors of [dns] right? %s", d->ub.strerror(r));
	d->ub.ctx_delete(ctx);
	return NULL;
}

/* ---- open and close ---- */

static int read_settings(struct net_dns *d, const struct net_dns_conf *conf, struct fault *fault)
{
	d->timeout_ms = conf->timeout_ms;
	d->dnssec = (enum net_dns_dnssec)conf->dnssec;
	for (size_t i = 0; i < conf->servers.n; i++)
		add_server(d, str_z(conf->servers.v[i]));
	if (conf->servers.n == 0)
		read_resolv_conf(d);
	d->unsigned_z = mem_alloc(conf->unsigned_domains.n + 1, sizeof(*d->unsigned_z));
	for (size_t i = 0; i < conf->unsigned_domains.n; i++)
		d->unsigned_z[d->n_unsigned++] = mem_dup_z(str_z(conf->unsigned_domains.v[i]));
	return d->dnssec == NET_DNS_DNSSEC_NO ? 0 : read_anchors(d, conf->trust_anchor_file, fault);
}

/* With all signals blocked: they are for the threads of whoever opens. */
static void start_thread(struct net_dns *d)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	must(pthread_create(&d->thread, NULL, net_dns_main, d) == 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	d->has_thread = true;
}

int net_dns_open(const struct net_dns_conf *conf, struct net_dns **ret, struct fault *fault)
{
	struct net_dns *d = MEM_NEW(struct net_dns);
	const char *why_z;
	int r;

	lock_init(&d->lock);
	lock_cond_init(&d->made);
	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = d->wake_fd < 0 ? fault_errno(fault, errno, "eventfd") : read_settings(d, conf, fault);
	if (r == 0 && !libunbound_load(&d->ub, &why_z))
		r = fault_set(fault, -E_CANNOT, "%s", why_z);
	if (r == 0 && d->n_anchors > 0 && conf->trust_anchor_file[0]) { /* now, as what stands in it may be wrong */
		d->validated.ub = net_dns_ctx(d, true, fault);
		r = d->validated.ub ? 0 : -E_USAGE;
	}
	if (r < 0) {
		net_dns_close(&d);
		return r;
	}
	start_thread(d);
	*ret = d;
	return 0;
}

static void free_list(char **list_z, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mem_free(list_z[i]);
}

static void stop_thread(struct net_dns *d)
{
	lock_get(&d->lock);
	d->is_closing = true;
	net_dns_wake(d);
	lock_put(&d->lock);
	must(pthread_join(d->thread, NULL) == 0);
}

void net_dns_close(struct net_dns **dp)
{
	struct net_dns *d = *dp;

	if (!d)
		return;
	if (d->has_thread)
		stop_thread(d);
	if (d->validated.ub)
		d->ub.ctx_delete(d->validated.ub);
	if (d->plain.ub)
		d->ub.ctx_delete(d->plain.ub);
	net_dns_forget(d);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	free_list(d->servers_z, d->n_servers);
	free_list(d->anchors_z, d->n_anchors);
	free_list(d->unsigned_z, d->n_unsigned);
	mem_free(d->anchors_z);
	mem_free(d->unsigned_z);
	lock_cond_fini(&d->made);
	lock_fini(&d->lock);
	mem_free(d);
	*dp = NULL;
}

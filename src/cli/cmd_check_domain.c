/* SPDX-License-Identifier: MIT */
/*
 * check domain DOMAIN: what the domain publishes for its mail and how its hosts are (doctor/domain.h), with the records to publish; fails first. Asks from this process,
 * whether a server runs or not.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/zone_of.h"

#include "base/limits.h"
#include "base/log.h"
#include "doctor/domain.h"
#include "net/dns.h"
#include "net/https.h"
#include "net/stream.h"
#include "queue/queue.h"
#include "server/admin.h"
#include "server/server.h"
#include "store/account.h"

#define CHECK_ARENA (32u << 20)
#define CHECK_NOTES (64u << 10)
#define CHECK_S 30
#define CHECK_MAX_S 3600
#define INDENT "        "

struct check {
	struct arena arena;
	struct conf *conf;
	struct net_dns *dns;
	struct net_https *https;
	struct buf ca, notes;
	char hostname[256];
	struct doctor_domain what;
};

/* ---- arguments ---- */

/* Names of the DNS as the user writes them. */
static int take_name(struct check *c, const char *option_z, const char *text_z, struct str *ret,
		     struct fault *fault)
{
	struct str text = str_z(text_z);

	if (str_ends(text, S(".")))
		text.n--;
	if (store_domain_canonical(&c->arena, text, ret) < 0 || !net_dns_is_name(*ret))
		return fault_set(fault, -E_USAGE, "%s%s%.100s: not a name of the DNS", option_z,
				 option_z[0] ? " " : "", text_z);
	return 0;
}

static int take_domain(const struct cli_args *args, struct check *c, struct fault *fault)
{
	const char *text_z = args->positional[0];
	ptrdiff_t at = str_rchr(str_z(text_z), '@');

	return take_name(c, "", text_z + (at < 0 ? 0 : at + 1), &c->what.domain, fault);
}

/* An option that may be there several times. */
static int take_names(const struct cli_args *args, struct check *c, const char *option_z,
		      size_t max, const struct str **ret, size_t *ret_n, struct fault *fault)
{
	struct str *v = ARENA_ARRAY(&c->arena, struct str, max);
	size_t n = 0;

	for (size_t i = 0; v && i < args->n_options; i++) {
		int r;

		if (!str_eq(str_z(args->options[i].name), str_z(option_z)))
			continue;
		if (n == max)
			return fault_set(fault, -E_USAGE, "%s: at most %zu of them", option_z, max);
		r = take_name(c, option_z, args->options[i].value, &v[n++], fault);
		if (r < 0)
			return r;
	}
	*ret = v;
	*ret_n = n;
	return v ? 0 : -E_LIMIT;
}

static int take_arguments(const struct cli_args *args, struct check *c, struct fault *fault)
{
	struct doctor_domain *w = &c->what;
	const char *timeout_z = cli_option(args, "--timeout");
	uint64_t seconds = CHECK_S;
	int r = take_domain(args, c, fault);

	if (r == 0)
		r = take_names(args, c, "--selector", DOCTOR_DOMAIN_SELECTORS, &w->selectors,
			       &w->n_selectors, fault);
	if (r == 0)
		r = take_names(args, c, "--dnsbl", DOCTOR_DOMAIN_DNSBLS, &w->dnsbls, &w->n_dnsbls,
			       fault);
	if (r == 0 && timeout_z &&
	    (!str_to_u64(str_z(timeout_z), CHECK_MAX_S, &seconds) || seconds == 0))
		r = fault_set(fault, -E_USAGE, "--timeout %s: a number from 1 to %d", timeout_z,
			      CHECK_MAX_S);
	w->ms = (int64_t)seconds * 1000;
	w->is_dns_only = cli_option(args, "--dns-only") != NULL;
	return r;
}

/* Selectors of the keys that this server signs with. */
static int take_selectors(struct check *c, const struct doctor_zone *z)
{
	struct str *v = ARENA_ARRAY(&c->arena, struct str, z->n_dkim + 1);

	for (size_t i = 0; v && i < z->n_dkim; i++)
		v[i] = z->dkim[i].selector;
	c->what.selectors = v;
	c->what.n_selectors = z->n_dkim;
	return v ? 0 : -E_LIMIT;
}

/* Mail goes out from the address that the settings name for its kind; without one from any, and from behind a private one it is not known which. */
static bool is_sender(const struct queue_conf *q, struct str address)
{
	const char *source_z = str_chr(address, ':') >= 0 ? q->source_v6 : q->source_v4;
	struct net_address source;

	return !net_address_parse(str_z(source_z), 0, &source) || net_address_is_private(&source) || str_eq(address, str_z(source_z));
}

static int take_own(struct check *c, const struct doctor_zone *z)
{
	struct str *v = ARENA_ARRAY(&c->arena, struct str, z->n_addresses + z->n_senders + 1);
	const struct queue_conf *q = conf_get(c->conf, &queue_conf_table);
	struct doctor_domain *w = &c->what;

	if (!v)
		return -E_LIMIT;
	for (size_t i = 0; i < z->n_addresses; i++)
		if (is_sender(q, z->addresses[i]))
			v[w->n_own++] = z->addresses[i];
	for (size_t i = 0; i < z->n_senders; i++)
		v[w->n_own++] = z->senders[i];
	w->own = v;
	return 0;
}

/* --for-this-server: before privileges are dropped, as it reads keys. A relay sends from addresses of its own. */
static int take_server(const struct cli_args *args, struct check *c, struct fault *fault)
{
	struct doctor_domain *w = &c->what;
	struct doctor_record *records = NULL;
	struct str *addresses = NULL;
	struct doctor_zone z = { 0 };
	size_t n = 0;
	int r = cli_zone_addresses(args, &c->arena, &addresses, &n, fault);

	if (r == 0 && !cli_option(args, "--for-this-server"))
		return n == 0 ? 0
			      : fault_set(fault, -E_USAGE, "--address goes with --for-this-server");
	if (r == 0)
		r = cli_zone_of(c->conf, w->domain, addresses, n, &c->arena, &z, &c->notes, fault);
	if (r == 0)
		r = doctor_zone(&z, &c->arena, &records, &w->n_wanted);
	if (r == 0 && w->n_selectors == 0)
		r = take_selectors(c, &z);
	if (r < 0)
		return r;
	w->wanted = records;
	w->notes = buf_str(&c->notes);
	return z.relay.n > 0 ? 0 : take_own(c, &z);
}

static int open_all(struct check *c, struct fault *fault)
{
	const struct server_conf *s = conf_get(c->conf, &server_conf_table);
	const struct queue_conf *q = conf_get(c->conf, &queue_conf_table);
	int r = q->ca_file[0] ? cli_file_read(q->ca_file, &c->ca, fault) : 0;

	server_hostname(s, c->hostname, sizeof(c->hostname));
	/* What comes next has to do with strangers' bytes: as the server's own user. */
	if (r == 0)
		r = server_privileges_drop(s, fault);
	if (r == 0)
		r = net_dns_open(conf_get(c->conf, &net_dns_conf_table), &c->dns, fault);
	if (q->ca_file[0])
		c->what.ca_pem = c->ca.n > 0 ? buf_str(&c->ca) : S("");
	if (r == 0 && !c->what.is_dns_only)
		r = net_https_open(c->what.ca_pem, &c->https, fault);
	c->what.conf = c->conf;
	c->what.dns = c->dns;
	c->what.https = c->https;
	c->what.helo_z = c->hostname;
	c->what.port = (uint16_t)q->port;
	return r;
}

static int prepare(const struct cli_args *args, struct check *c, struct fault *fault)
{
	int r = cli_settings_load(args, &c->conf, fault);

	if (r == 0)
		r = take_arguments(args, c, fault);
	if (r == 0)
		r = take_server(args, c, fault);
	return r < 0 ? r : open_all(c, fault);
}

/* ---- what is printed ---- */

static void print_lines(const char *head_z, struct str text)
{
	struct str line;

	while (str_split(&text, '\n', &line)) {
		printf(INDENT "%s%" STR_FMT "\n", head_z, STR_ARG(line));
		head_z = "";
	}
}

static void print_finding(const struct doctor_domain_finding *f)
{
	static const char *const words[DOCTOR_DOMAIN_N_STATES] = { "FAIL", "WARN", "pass", "info",
								   "skipped" };
	bool is_brief = f->state >= DOCTOR_DOMAIN_PASS;

	printf("%-8s%s: %" STR_FMT "\n", words[f->state], f->check_z, STR_ARG(f->what));
	print_lines("", f->evidence);
	print_lines("", f->reason);
	if (f->record.n > 0)
		print_lines("publish: ", f->record);
	if (!is_brief)
		printf("\n");
}

static void print_text(const struct check *c, const struct doctor_domain_report *r)
{
	const size_t *n = r->counts;

	for (size_t i = 0; i < r->n; i++)
		print_finding(&r->findings[i]);
	printf("%s%" STR_FMT
	       ": %zu failed, %zu to be mended, %zu good, %zu to know, %zu left out\n",
	       r->n > 0 ? "\n" : "", STR_ARG(c->what.domain), n[DOCTOR_DOMAIN_FAIL],
	       n[DOCTOR_DOMAIN_WARN], n[DOCTOR_DOMAIN_PASS], n[DOCTOR_DOMAIN_INFO],
	       n[DOCTOR_DOMAIN_SKIPPED]);
}

static const char *state_of(const struct doctor_domain_report *r)
{
	if (r->counts[DOCTOR_DOMAIN_FAIL] > 0)
		return "fail";
	if (r->is_unasked)
		return "unknown";
	return r->counts[DOCTOR_DOMAIN_WARN] > 0 ? "warn" : "pass";
}

static void print_json(const struct check *c, const struct doctor_domain_report *r)
{
	json_t *list = json_array(), *counts = json_object(), *all;

	for (size_t i = 0; i < r->n; i++) {
		const struct doctor_domain_finding *f = &r->findings[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "check",
						      f->check_z, "state",
						      doctor_domain_state_names[f->state], "what",
						      admin_json_str(f->what), "evidence",
						      admin_json_str(f->evidence), "reason",
						      admin_json_str(f->reason), "record",
						      admin_json_str(f->record)));
	}
	for (size_t i = 0; i < DOCTOR_DOMAIN_N_STATES; i++)
		json_object_set_new(counts, doctor_domain_state_names[i],
				    json_integer((json_int_t)r->counts[i]));
	all = json_pack("{s:o, s:s, s:b, s:o, s:o}", "domain", admin_json_str(c->what.domain),
			"state", state_of(r), "is_validating", net_dns_is_validating(c->dns),
			"counts", counts, "findings", list);
	json_dumpf(all, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(all);
}

static enum cli_status run(const struct cli_args *args, struct check *c)
{
	struct doctor_domain_report r;
	struct fault fault = { 0 };

	if (doctor_domain(&c->what, &c->arena, &r) < 0)
		return cli_fail(args,
				fault_set(&fault, -E_LIMIT,
					  "the domain publishes more than is looked at"),
				&fault);
	if (cli_option(args, "--json"))
		print_json(c, &r);
	else
		print_text(c, &r);
	if (fflush(stdout) != 0 || ferror(stdout))
		return cli_fail(args, fault_set(&fault, -E_IO, "cannot write to standard output"), &fault);
	return r.counts[DOCTOR_DOMAIN_FAIL] > 0 ? CLI_FAILED
	       : r.is_unasked                   ? CLI_UNAVAILABLE
						: CLI_OK;
}

static void finish(struct check *c)
{
	net_https_close(&c->https);
	net_dns_close(&c->dns);
	conf_unref(c->conf);
	buf_fini(&c->ca);
	buf_fini(&c->notes);
	arena_fini(&c->arena);
	mem_free(c);
}

enum cli_status cli_check_domain(const struct cli_command *cmd, const struct cli_args *args)
{
	struct check *c = MEM_NEW(struct check);
	struct fault fault = { 0 };
	enum cli_status status;
	int r;

	(void)cmd;
	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	arena_init(&c->arena, CHECK_ARENA);
	buf_init(&c->ca, LIMIT_TLS_CA_FILE);
	buf_init(&c->notes, CHECK_NOTES);
	r = prepare(args, c, &fault);
	status = r < 0 ? cli_fail(args, r, &fault) : run(args, c);
	finish(c);
	return status;
}

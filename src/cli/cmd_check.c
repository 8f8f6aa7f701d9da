/* SPDX-License-Identifier: MIT */
/*
 * check mx DOMAIN: runs what the sender would do for a domain, by the same functions, stage by stage, each with its time. Asks the DNS from
 * this process, whether a server runs or not.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/cli.h"

#include "base/clock.h"
#include "base/log.h"
#include "queue/queue.h"
#include "server/admin.h"
#include "server/server.h"
#include "store/account.h"

#define CHECK_ARENA (16u << 20)

static const char *const state_names[CHECK_N_STATES] = { "ok", "none", "later", "failed" };

static const char *trust(bool is_secure)
{
	return is_secure ? "secure" : "insecure";
}

/* A failure that a later try may not have. */
static void later(struct check_finding *f, int r)
{
	f->state = CHECK_LATER;
	if (r == -E_DENIED)
		f->trust_z = "bogus";
}

static void say(struct check_finding *f, struct str text)
{
	json_array_append_new(f->found, admin_json_str(text));
}

/* ---- stages ---- */

static void check_mx(struct check *c, struct check_host *unused, struct check_finding *f)
{
	struct send_hosts *h = &c->hosts;
	json_t *list = json_array();
	int r = send_mx(c->dns, &c->arena, c->domain, c->own_names, clock_mono_ms() + CHECK_MS, h, &f->reply);

	(void)unused;
	f->trust_z = r == 0 ? trust(h->is_secure) : "";
	if (r < 0) {
		later(f, r);
		h->n = 0;
	} else if (h->n == 0) {
		f->state = CHECK_FAILED;
	}
	for (size_t i = 0; i < h->n; i++) {
		const struct send_host *host = &h->hosts[i];

		say(f, host->is_mx ? arena_printf(&c->arena, "%u %" STR_FMT, host->preference, STR_ARG(host->name))
				   : arena_printf(&c->arena, "%" STR_FMT " (no MX records: the domain itself)", STR_ARG(host->name)));
		json_array_append_new(list, json_pack("{s:o, s:i, s:b}", "host", admin_json_str(host->name), "preference",
						      host->preference, "is_mx", host->is_mx));
	}
	json_object_set_new(f->details, "hosts", list);
	json_object_set_new(f->details, "is_null_mx", json_boolean(h->is_null_mx));
	json_object_set_new(f->details, "is_self", json_boolean(h->is_self));
}

static void check_addresses(struct check *c, struct check_host *host, struct check_finding *f)
{
	const struct queue_conf *q = conf_get(c->conf, &queue_conf_table);
	struct send_place *p = &host->place;
	json_t *list = json_array();
	int r = send_addresses(c->dns, &c->arena, host->name, c->port, q->may_private, clock_mono_ms() + CHECK_MS, p, &f->reply);

	f->trust_z = p->n > 0 ? trust(p->is_secure) : "";
	if (r < 0)
		later(f, r);
	else if (p->n == 0)
		f->state = CHECK_FAILED;
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		char text[NET_ADDRESS_TEXT];

		net_address_text(&p->v[i], text);
		say(f, str_z(text));
		json_array_append_new(list, json_string(text));
	}
	json_object_set_new(f->details, "addresses", list);
}

/* As in a zone file, the data cut. */
static struct str tlsa_text(struct arena *a, struct str rdata)
{
	struct net_dns_tlsa t;
	char hex[2 * 32 + 1];
	size_t n;

	if (!net_dns_tlsa(rdata, &t))
		return S("not well-formed");
	n = t.data.n < 32 ? t.data.n : 32;
	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)t.data.p[i]);
	return arena_printf(a, "%u %u %u %s%s%s", t.usage, t.selector, t.matching, hex, n < t.data.n ? "..." : "",
			    send_tlsa_is_usable(rdata) ? "" : " (of no use for mail)");
}

static void check_dane(struct check *c, struct check_host *host, struct check_finding *f)
{
	struct send_records *records = &host->records;
	json_t *list = json_array();
	int r = 0;

	/* RFC 7672 2.2.1: worth what the MX records are that led here. */
	if (c->hosts.is_secure)
		r = send_tlsa(c->dns, &c->arena, &host->place, c->port, clock_mono_ms() + CHECK_MS, records, &f->reply);
	f->state = records->n > 0 ? CHECK_OK : CHECK_NONE;
	f->trust_z = records->n > 0 ? "secure" : "";
	if (r < 0)
		later(f, r);
	if (r == 0 && records->n == 0)
		say(f, !net_dns_is_validating(c->dns) ? S("signatures of the DNS are not checked")
		       : c->hosts.is_secure && host->place.is_secure ? S("no records") : S("not asked for: the DNS that leads here is not signed"));
	for (size_t i = 0; i < records->n; i++) {
		say(f, tlsa_text(&c->arena, records->v[i]));
		json_array_append(list, json_array_get(f->found, i));
	}
	if (records->n > 0 && !records->is_usable)
		say(f, S("TLS is demanded, with any certificate"));
	json_object_set_new(f->details, "records", list);
	json_object_set_new(f->details, "base", admin_json_str(records->base));
	json_object_set_new(f->details, "is_usable", json_boolean(records->is_usable));
}

static const struct {
	const char *name;
	void (*run)(struct check *c, struct check_host *host, struct check_finding *f);
	bool is_of_host;
} stages[] = {
	{ "mx", check_mx, false },
	{ "addresses", check_addresses, true },
	{ "dane", check_dane, true },
};

/* ---- running them ---- */

static struct str reply_text(struct arena *a, const struct queue_reply *r)
{
	if (r->code)
		return arena_printf(a, "%d %" STR_FMT " %" STR_FMT, r->code, STR_ARG(r->enhanced), STR_ARG(r->text));
	return arena_printf(a, "%" STR_FMT " %" STR_FMT, STR_ARG(r->enhanced), STR_ARG(r->text));
}

static void print_finding(const char *name, struct str host, int64_t ms, const json_t *found, const struct check_finding *f)
{
	printf("%-10s %-7s %5lld ms  %s%s%" STR_FMT "\n", name, state_names[f->state], (long long)ms, f->trust_z, f->trust_z[0] && host.n ? "  " : "",
	       STR_ARG(host));
	for (size_t i = 0; i < json_array_size(found); i++)
		printf("             %s\n", json_string_value(json_array_get(found, i)));
}

static json_t *run_stage(struct check *c, size_t i, struct check_host *host, bool is_json, enum check_state *ret)
{
	struct check_finding f = { .trust_z = "", .found = json_array(), .details = json_object() };
	struct str name = host ? host->name : S("");
	int64_t begin_ms = clock_mono_ms(), ms;

	stages[i].run(c, host, &f);
	ms = clock_mono_ms() - begin_ms;
	if (f.reply.enhanced.n > 0)
		say(&f, reply_text(&c->arena, &f.reply));
	if (host && f.state > CHECK_NONE)
		host->is_out = true;
	if (!is_json)
		print_finding(stages[i].name, name, ms, f.found, &f);
	*ret = f.state;
	return json_pack("{s:s, s:o, s:s, s:s, s:I, s:o, s:o, s:o}", "stage", stages[i].name, "host", admin_json_str(name), "state",
			 state_names[f.state], "trust", f.trust_z, "ms", (json_int_t)ms, "found", f.found, "enhanced",
			 admin_json_str(f.reply.enhanced), "details", f.details);
}

static int list_hosts(struct check *c)
{
	c->host = ARENA_ARRAY(&c->arena, struct check_host, c->hosts.n);
	if (c->hosts.n > 0 && !c->host)
		return -E_LIMIT;
	for (size_t i = 0; i < c->hosts.n; i++)
		c->host[i].name = c->hosts.hosts[i].name;
	return 0;
}

/* One that is good is enough; else mail waits as long as one may become so. */
static enum check_state sum_up(const enum check_state *states, size_t n)
{
	enum check_state sum = CHECK_FAILED;

	for (size_t i = 0; i < n; i++)
		if (states[i] < sum)
			sum = states[i];
	return sum;
}

static enum check_state run_hosts(struct check *c, json_t *rows, bool is_json)
{
	enum check_state states[SEND_HOSTS], state;

	for (size_t h = 0; h < c->hosts.n; h++) {
		states[h] = CHECK_OK;
		for (size_t i = 0; i < ARRAY_LEN(stages) && !c->host[h].is_out; i++) {
			if (!stages[i].is_of_host)
				continue;
			json_array_append_new(rows, run_stage(c, i, &c->host[h], is_json, &state));
			if (state > CHECK_NONE)
				states[h] = state;
		}
	}
	return sum_up(states, c->hosts.n);
}

static enum check_state run_all(struct check *c, json_t *rows, bool is_json)
{
	enum check_state state = CHECK_OK;

	for (size_t i = 0; i < ARRAY_LEN(stages) && state == CHECK_OK; i++)
		if (!stages[i].is_of_host)
			json_array_append_new(rows, run_stage(c, i, NULL, is_json, &state));
	if (state != CHECK_OK || list_hosts(c) < 0)
		return state == CHECK_OK ? CHECK_LATER : state;
	return run_hosts(c, rows, is_json);
}

/* ---- the command ---- */

/* Without a file at the default place: the defaults. */
static int load_settings(const struct cli_args *args, struct check *c, struct fault *fault)
{
	char buf[4096];
	const char *path = cli_config_path(args, buf, sizeof(buf));
	bool is_named = cli_option(args, "--config") || cli_option(args, "--dir");

	if (!is_named && access(path, F_OK) < 0)
		return conf_load(server_tables, server_n_tables, NULL, &c->conf, fault);
	return server_conf_load(path, &c->conf, fault);
}

static int take_arguments(const struct cli_args *args, struct check *c, struct fault *fault)
{
	const struct queue_conf *q = conf_get(c->conf, &queue_conf_table);
	const char *port_z = cli_option(args, "--port");
	struct str domain = str_z(args->positional[0]);
	ptrdiff_t at = str_rchr(domain, '@');
	uint64_t port = (uint64_t)q->port;

	if (at >= 0)
		domain = str_skip(domain, (size_t)at + 1);
	if (port_z && (!str_to_u64(str_z(port_z), 65535, &port) || port == 0))
		return fault_set(fault, -E_USAGE, "--port %s: a number from 1 to 65535", port_z);
	c->port = (uint16_t)port;
	if (store_domain_canonical(&c->arena, domain, &c->domain) < 0 || !net_dns_is_name(c->domain))
		return fault_set(fault, -E_USAGE, "%" STR_FMT ": not a domain", STR_ARG(domain));
	return 0;
}

static int prepare(const struct cli_args *args, struct check *c, struct fault *fault)
{
	const struct server_conf *s;
	int r = load_settings(args, c, fault);

	if (r == 0)
		r = take_arguments(args, c, fault);
	if (r < 0)
		return r;
	s = conf_get(c->conf, &server_conf_table);
	if (!s->hostname[0])
		(void)gethostname(c->hostname, sizeof(c->hostname) - 1);
	c->own_names[0] = s->hostname[0] ? s->hostname : c->hostname;
	return net_dns_open(conf_get(c->conf, &net_dns_conf_table), &c->dns, fault);
}

static enum cli_status status_of(enum check_state state)
{
	return state == CHECK_LATER ? CLI_UNAVAILABLE : state == CHECK_FAILED ? CLI_FAILED : CLI_OK;
}

static enum cli_status finish(struct check *c, bool is_json)
{
	json_t *rows = json_array();
	enum check_state state = run_all(c, rows, is_json);
	json_t *all = json_pack("{s:o, s:i, s:s, s:b, s:o}", "domain", admin_json_str(c->domain), "port", c->port, "state", state_names[state],
				"is_validating", net_dns_is_validating(c->dns), "stages", rows);

	if (is_json) {
		json_dumpf(all, stdout, JSON_COMPACT);
		printf("\n");
	} else {
		printf("%s\n", state == CHECK_OK      ? "Mail would go out."
			       : state == CHECK_LATER ? "Mail would wait."
						      : "Mail would come back to its sender.");
	}
	json_decref(all);
	return status_of(state);
}

enum cli_status cli_check(const struct cli_command *cmd, const struct cli_args *args)
{
	struct check c = { 0 };
	struct fault fault = { 0 };
	enum cli_status status;
	int r;

	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	arena_init(&c.arena, CHECK_ARENA);
	if (args->n_positional != 1)
		r = fault_set(&fault, -E_USAGE, "usage: martlet %s %s", cmd->name, cmd->usage);
	else
		r = prepare(args, &c, &fault);
	status = r < 0 ? cli_fail(args, r, &fault) : finish(&c, cli_option(args, "--json") != NULL);
	net_dns_close(&c.dns);
	conf_unref(c.conf);
	arena_fini(&c.arena);
	return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * check mx DOMAIN: runs what the sender would do for a domain, by the same functions (send/check.h), stage by stage, each with its time. Asks the
 * DNS and the hosts from this process, whether a server runs or not; sends no message.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/cli.h"

#include "base/limits.h"
#include "base/log.h"
#include "queue/explain.h"
#include "queue/queue.h"
#include "queue/route.h"
#include "server/admin.h"
#include "server/server.h"
#include "smtp/syntax.h"
#include "store/account.h"

#define CHECK_ARENA (16u << 20)
#define CHECK_S 60       /* for all of it; some hosts greet late on purpose */
#define CHECK_MAX_S 3600
#define CHECK_PASSWORD 1024

/* ---- arguments and settings ---- */

/* RFC 5321 4.1.3 */
static bool is_literal(struct str s)
{
	struct str literal;

	return smtp_address_literal_parse(&s, &literal) == 1 && s.n == 0;
}

static int take_domain(const struct cli_args *args, struct check *c, struct fault *fault)
{
	struct str domain = str_z(args->positional[0]);
	ptrdiff_t at = str_rchr(domain, '@');

	if (at >= 0)
		domain = str_skip(domain, (size_t)at + 1);
	if (is_literal(domain)) {
		c->domain = domain;
		return 0;
	}
	if (store_domain_canonical(&c->arena, domain, &c->domain) < 0 || !net_dns_is_name(c->domain))
		return fault_set(fault, -E_USAGE, "%" STR_FMT ": not a domain", STR_ARG(domain));
	return 0;
}

static int take_number(const struct cli_args *args, const char *option_z, uint64_t max, uint64_t *ret, struct fault *fault)
{
	const char *text_z = cli_option(args, option_z);

	if (text_z && (!str_to_u64(str_z(text_z), max, ret) || *ret == 0))
		return fault_set(fault, -E_USAGE, "%s %s: a number from 1 to %llu", option_z, text_z, (unsigned long long)max);
	return 0;
}

/* --host: that one alone, as if a route named it, and no login there. */
static int take_host(const struct cli_args *args, struct check *c, struct fault *fault)
{
	const struct queue_conf *q = conf_get(c->conf, &queue_conf_table);
	const char *host_z = cli_option(args, "--host");
	struct queue_hop *hop = &c->what.hop;
	struct str host = str_z(host_z);
	struct net_address unused;

	if (!host_z)
		return 0;
	if (is_literal(host))
		host = str_head(str_skip(host, 1), host.n - 2);
	hop->host = str_istarts(host, S("IPv6:")) ? str_skip(host, 5) : host;
	hop->port = (uint16_t)q->port;
	hop->is_lmtp = false;
	hop->user = S("");
	if (net_address_parse(hop->host, hop->port, &unused))
		return 0;
	if (store_domain_canonical(&c->arena, host, &hop->host) < 0 || !net_dns_is_name(hop->host))
		return fault_set(fault, -E_USAGE, "--host %s: not a host", host_z);
	return 0;
}

static int take_password(struct check *c, const char *file_z, struct fault *fault)
{
	int r;

	if (c->what.hop.user.n == 0 || !file_z[0])
		return 0;
	r = cli_read_secret(file_z, &c->password, fault);
	c->what.hop.password = buf_str(&c->password);
	return r;
}

/* As in MAIL and RCPT, the brackets left out at will. */
static int take_address(const struct cli_args *args, const char *option_z, unsigned flags, struct check *c, struct str *ret, struct fault *fault)
{
	const char *text_z = cli_option(args, option_z);
	struct str path = str_z(text_z ? text_z : "");

	if (!text_z)
		return 0;
	if (!str_starts(path, S("<")))
		path = arena_printf(&c->arena, "<%s>", text_z);
	if (smtp_path_parse(&path, flags | SMTP_PATH_UTF8, &c->arena, ret) == 1 && path.n == 0)
		return 0;
	return fault_set(fault, -E_USAGE, "%s %s: not an address", option_z, text_z);
}

static int take_arguments(const struct cli_args *args, struct check *c, struct fault *fault)
{
	struct send_check *w = &c->what;
	const char *password_file_z = "";
	uint64_t seconds = CHECK_S, port = 0;
	int r = take_domain(args, c, fault);

	if (r == 0)
		r = take_address(args, "--rcpt", SMTP_PATH_POSTMASTER, c, &w->to, fault);
	if (r == 0)
		r = take_address(args, "--from", SMTP_PATH_NULL, c, &w->from, fault);
	if (r == 0)
		r = take_number(args, "--timeout", CHECK_MAX_S, &seconds, fault);
	if (r == 0)
		r = take_number(args, "--port", UINT16_MAX, &port, fault);
	if (r == 0 && queue_route_find(c->conf, &c->arena, w->from, c->domain, &w->hop, &password_file_z) < 0)
		r = fault_set(fault, -E_LIMIT, "the domain is too long");
	if (r == 0)
		r = take_host(args, c, fault);
	if (r == 0)
		r = take_password(c, password_file_z, fault);
	if (port > 0)
		w->hop.port = (uint16_t)port;
	w->ms = (int64_t)seconds * 1000;
	w->is_dns_only = cli_option(args, "--dns-only") != NULL;
	w->see = check_see;
	w->ctx = c;
	return r;
}

/*
 * What the running server knows: whether the domain is its own, and the MTA-STS policy that it remembers, which counts while no newer one can be
 * had (RFC 8461 3.3). Whoever may not ask does without.
 */
static void recall(struct check *c)
{
	const struct server_conf *s = conf_get(c->conf, &server_conf_table);
	json_t *request = json_pack("{s:o}", "domain", admin_json_str(c->domain)), *answer = NULL;
	struct queue_sts *sts = &c->what.sts;
	struct fault ignored = { 0 };

	if (cli_ask_running(s->data_dir, "domain.known", request, &answer, &ignored) == 0) {
		c->has_memory = true;
		c->is_local = json_is_true(json_object_get(answer, "is_local"));
		sts->id = arena_str(&c->arena, str_z(json_string_value(json_object_get(answer, "id"))));
		sts->text = arena_str(&c->arena, str_z(json_string_value(json_object_get(answer, "text"))));
		sts->fetched_s = json_integer_value(json_object_get(answer, "fetched"));
	}
	json_decref(answer);
	json_decref(request);
}

static int open_sender(struct check *c, struct fault *fault)
{
	const struct server_conf *s = conf_get(c->conf, &server_conf_table);
	const struct queue_conf *q = conf_get(c->conf, &queue_conf_table);
	struct send_options o = { .conf = c->conf, .helo_z = c->hostname };
	int r;

	server_hostname(s, c->hostname, sizeof(c->hostname));
	o.n_own = server_own_addresses(c->conf, &c->own);
	o.own = c->own;
	c->is_sending = q->is_sending;
	recall(c);
	r = q->ca_file[0] ? cli_file_read(q->ca_file, &c->ca, fault) : 0;
	/* What comes next has to do with strangers' bytes: as the server's own user. */
	if (r == 0)
		r = server_privileges_drop(s, fault);
	if (r == 0)
		r = net_dns_open(conf_get(c->conf, &net_dns_conf_table), &c->dns, fault);
	o.dns = c->dns;
	if (q->ca_file[0])
		o.ca_pem = c->ca.n > 0 ? buf_str(&c->ca) : S(""); /* which is refused, as by the server */
	return r < 0 ? r : send_open(&o, &c->send, fault);
}

static int prepare(const struct cli_args *args, struct check *c, struct fault *fault)
{
	int r = cli_settings_load(args, &c->conf, fault);

	if (r == 0)
		r = take_arguments(args, c, fault);
	return r < 0 ? r : open_sender(c, fault);
}

/* ---- the command ---- */

static enum cli_status status_of(enum check_state state)
{
	return state == CHECK_LATER ? CLI_UNAVAILABLE : state == CHECK_FAILED ? CLI_FAILED : CLI_OK;
}

static void print_verdict(const struct check *c, enum check_state state, struct str reply, const struct queue_explain *e)
{
	printf("%s\n", state == CHECK_OK      ? "Mail would go out."
		       : state == CHECK_LATER ? "Mail would wait."
					      : "Mail would come back to its sender.");
	if (c->is_local)
		check_print(S("Not from this server: the domain is its own, and mail for it stays here."));
	else if (!c->is_sending)
		check_print(S("Not for now: this server keeps what is for others, as [queue] send = no says."));
	if (state == CHECK_OK)
		return;
	check_print(reply);
	if (c->is_out_of_time)
		check_print(S("Maybe only for this check, which had no time left: ask again with a longer --timeout."));
	check_print(str_z(e->meaning_z));
	check_print(str_z(e->admin_z));
}

static enum cli_status run(struct check *c)
{
	struct queue_rcpt_result result = { 0 };
	const struct queue_explain *e;
	enum check_state state;
	struct str reply;
	json_t *all;
	bool is_ok;

	c->rows = json_array();
	send_check(c->send, &c->what, &c->arena, &result);
	state = check_state_of(result.outcome);
	is_ok = state == CHECK_OK;
	reply = check_reply_text(&c->arena, &result.reply);
	e = queue_explain(result.reply.code, result.reply.enhanced, result.reply.text, S(""));
	all = json_pack("{s:o, s:i, s:s, s:o, s:s, s:s, s:b, s:b, s:b, s:b, s:o}", "domain", admin_json_str(c->domain), "port", c->what.hop.port, "state",
			check_state_names[state], "reply", admin_json_str(is_ok ? S("") : reply), "meaning", is_ok ? "" : e->meaning_z,
			"advice", is_ok ? "" : e->admin_z, "is_out_of_time", c->is_out_of_time, "is_local", c->is_local, "is_sending", c->is_sending, "is_validating",
			net_dns_is_validating(c->dns), "stages", c->rows);
	if (c->is_json) {
		json_dumpf(all, stdout, JSON_COMPACT);
		printf("\n");
	} else {
		print_verdict(c, state, reply, e);
	}
	json_decref(all);
	return status_of(state);
}

static void finish(struct check *c)
{
	send_close(&c->send);
	net_dns_close(&c->dns);
	conf_unref(c->conf);
	mem_wipe(c->password.p, c->password.n);
	buf_fini(&c->password);
	buf_fini(&c->ca);
	mem_free(c->own);
	arena_fini(&c->arena);
	mem_free(c);
}

enum cli_status cli_check(const struct cli_command *cmd, const struct cli_args *args)
{
	struct check *c = MEM_NEW(struct check);
	struct fault fault = { 0 };
	enum cli_status status;
	int r;

	(void)cmd;
	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	arena_init(&c->arena, CHECK_ARENA);
	buf_init(&c->ca, LIMIT_TLS_CA_FILE);
	buf_init(&c->password, CHECK_PASSWORD);
	c->is_json = cli_option(args, "--json") != NULL;
	r = prepare(args, c, &fault);
	status = r < 0 ? cli_fail(args, r, &fault) : run(c);
	finish(c);
	return status;
}

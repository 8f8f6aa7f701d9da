/* SPDX-License-Identifier: MIT */
/*
 * check ADDRESS, check HOST: why it does not connect. Finds where the servers may be (doctor/find.h), tries all of it side by side (doctor/run.h), and
 * says what to use (doctor/verdict.h). Needs no root, no settings and no server; asks the DNS and connects from this process. Sends no message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/peer.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "doctor/lookup.h"
#include "net/dns.h"
#include "queue/queue.h"
#include "server/server.h"

#define DOCTOR_ARENA (16u << 20)
#define DOCTOR_S 10
#define DOCTOR_MAX_S 600
#define DOCTOR_PASSWORD 1024
#define PRINT_MS 300    /* of the time, for what comes after the last attempt */
#define SHARE_FIND 3    /* of the time, this part is for finding */
#define SHOW_MS 80

struct doctor_cmd {
	struct arena arena;
	struct conf *conf;
	struct net_dns *dns;
	struct doctor_lookup *lookup;
	struct doctor_find find;
	struct doctor_setup setup;
	struct doctor_wish wish;
	struct doctor_case result;
	struct buf password, ca;
	struct str authorities;
	char helo_z[256];
	bool is_json, is_terminal;
	int64_t shown_ms;
};

/* ---- arguments ---- */

static int take_what(const char *what_z, struct doctor_cmd *d)
{
	struct str what = str_z(what_z);
	ptrdiff_t at = str_rchr(what, '@');

	d->result.what = what;
	d->find.is_host = at < 0;
	d->find.address = at < 0 ? S("") : what;
	d->find.domain_or_host = str_skip(what, (size_t)(at + 1));
	return at == 0 ? -E_USAGE : 0;
}

static int take_protocol(struct doctor_cmd *d, struct str name, struct fault *fault)
{
	for (unsigned p = 0; p < DOCTOR_N_PROTOCOLS; p++) {
		if (!str_ieq(name, str_z(doctor_protocol_names[p])))
			continue;
		d->find.protocols |= 1u << p;
		return 0;
	}
	return fault_set(fault, -E_USAGE, "--protocol %" STR_FMT ": one of imap, pop3, submission, smtp, lmtp, sieve", STR_ARG(str_head(name, 100)));
}

static int take_protocols(const struct cli_args *args, struct doctor_cmd *d, struct fault *fault)
{
	int r = 0;

	for (size_t i = 0; i < args->n_options && r == 0; i++) {
		struct str list = str_z(args->options[i].value), name;

		if (!str_eq(str_z(args->options[i].name), S("--protocol")))
			continue;
		while (r == 0 && str_split(&list, ',', &name))
			r = take_protocol(d, name, fault);
	}
	return r;
}

static int take_number(const struct cli_args *args, const char *option_z, uint64_t max, uint64_t *ret, struct fault *fault)
{
	const char *text_z = cli_option(args, option_z);

	if (text_z && (!str_to_u64(str_z(text_z), max, ret) || *ret == 0))
		return fault_set(fault, -E_USAGE, "%s %s: a number from 1 to %llu", option_z, text_z, (unsigned long long)max);
	return 0;
}

/* A password without a name is that of the address. A name without a password is only told in the settings. */
static int take_login(const struct cli_args *args, struct doctor_cmd *d, struct fault *fault)
{
	const char *user_z = cli_option(args, "--user"), *file_z = cli_option(args, "--password-file");
	int r;

	d->wish.user = user_z ? str_z(user_z) : d->find.address;
	if (!file_z)
		return 0;
	if (d->wish.user.n == 0)
		return fault_set(fault, -E_USAGE, "--password-file: whose? --user NAME says it");
	r = cli_read_secret(file_z, &d->password, fault);
	d->setup.user = d->wish.user;
	d->setup.sender = d->find.address.n > 0 ? d->find.address : d->wish.user;
	d->setup.password = buf_str(&d->password);
	return r;
}

static int take_arguments(const struct cli_args *args, struct doctor_cmd *d, struct fault *fault)
{
	uint64_t seconds = DOCTOR_S, port = 0;
	int r = take_what(args->positional[0], d);

	if (r < 0)
		return fault_set(fault, r, "%s: neither an address nor a host", args->positional[0]);
	r = take_protocols(args, d, fault);
	if (r == 0)
		r = take_number(args, "--port", UINT16_MAX, &port, fault);
	if (r == 0)
		r = take_number(args, "--timeout", DOCTOR_MAX_S, &seconds, fault);
	if (r == 0)
		r = take_login(args, d, fault);
	d->find.port = (uint16_t)port;
	d->wish.protocols = d->find.protocols;
	d->wish.is_host = d->find.is_host;
	d->setup.begun_ms = d->result.begun_ms = clock_mono_ms();
	d->setup.deadline_ms = d->setup.begun_ms + (int64_t)seconds * 1000 - PRINT_MS;
	d->result.has_login = d->setup.user.n > 0;
	d->result.shows_all = cli_option(args, "--all") != NULL;
	return r;
}

/* What is to be trusted: the option, else what the sender trusts, else the system's. */
static int open_tls(const struct cli_args *args, struct doctor_cmd *d, struct fault *fault)
{
	const struct queue_conf *q = conf_get(d->conf, &queue_conf_table);
	const char *path_z = cli_option(args, "--ca-file");
	int r = 0;

	if (!path_z && q->ca_file[0])
		path_z = q->ca_file;
	if (path_z)
		r = cli_file_read(path_z, &d->ca, fault);
	d->authorities = path_z ? str_of(d->ca.n > 0 ? d->ca.p : "", d->ca.n) : (struct str){ NULL, 0 };
	return r < 0 ? r : net_stream_tls_new(d->authorities, &d->setup.tls, fault);
}

static int open_all(const struct cli_args *args, struct doctor_cmd *d, struct fault *fault)
{
	int r = open_tls(args, d, fault);

	peer_own_name(d->helo_z, sizeof(d->helo_z));
	d->setup.helo_z = d->helo_z;
	/* What comes next has to do with strangers' bytes: not as root. */
	if (r == 0)
		r = server_privileges_drop(conf_get(d->conf, &server_conf_table), fault);
	if (r == 0)
		r = net_dns_open(conf_get(d->conf, &net_dns_conf_table), &d->dns, fault);
	if (r < 0)
		return r;
	doctor_lookup_open(d->dns, d->authorities, &d->lookup);
	d->setup.dns = d->dns;
	return 0;
}

/* ---- progress ---- */

static void see(void *ctx, const struct doctor_attempt *a, size_t n_done, size_t n_all)
{
	struct doctor_cmd *d = ctx;
	int64_t now_ms = clock_mono_ms();

	if (!d->is_terminal || (now_ms - d->shown_ms < SHOW_MS && n_done < n_all))
		return;
	d->shown_ms = now_ms;
	fprintf(stderr, "\r\033[K%zu of %zu tried; last: %s %s port %u", n_done, n_all, doctor_protocol_names[a->candidate->protocol],
		a->candidate->host_z, a->candidate->port);
	fflush(stderr);
}

static void say_begin(const struct doctor_cmd *d)
{
	if (!d->is_terminal)
		return;
	fprintf(stderr, "Looking for the servers of %" STR_FMT " ...", STR_ARG(d->find.domain_or_host));
	fflush(stderr);
}

/* ---- the command ---- */

static enum cli_status status_of(enum doctor_class class)
{
	static const int statuses[DOCTOR_N_CLASSES] = {
		[DOCTOR_CLASS_OK] = CLI_OK, [DOCTOR_CLASS_NAMES] = CLI_NOT_FOUND, [DOCTOR_CLASS_NETWORK] = 20,
		[DOCTOR_CLASS_SERVER] = 21, [DOCTOR_CLASS_TLS] = 22, [DOCTOR_CLASS_LOGIN] = 23,
	};

	return (enum cli_status)statuses[class];
}

static bool wants_colour(void)
{
	const char *no_z = getenv("NO_COLOR"), *term_z = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 && !(no_z && no_z[0]) && term_z && !str_eq(str_z(term_z), S("dumb"));
}

static int examine(struct doctor_cmd *d, struct fault *fault)
{
	struct doctor_case *c = &d->result;
	struct doctor_run run = { .setup = &d->setup, .see = see, .ctx = d };
	int r;

	say_begin(d);
	d->find.deadline_ms = d->setup.begun_ms + (d->setup.deadline_ms - d->setup.begun_ms) / SHARE_FIND;
	r = doctor_find(d->lookup, &d->find, &d->arena, &c->found);
	if (r == 0) {
		run.candidates = c->found.v;
		run.n = c->found.n;
		doctor_run(&run, &c->report);
		d->wish.now_s = clock_wall_ms() / 1000;
		r = doctor_verdict(c->report.v, c->report.n, &d->wish, &d->arena, &c->verdict);
	}
	if (d->is_terminal)
		fprintf(stderr, "\r\033[K");
	c->ms = clock_mono_ms() - c->begun_ms;
	if (r == -E_SYNTAX)
		return fault_set(fault, -E_USAGE, "%" STR_FMT ": neither an address nor a host", STR_ARG(c->what));
	return r < 0 ? fault_set(fault, r, "%s", err_row(r)->text) : 0;
}

static void finish(struct doctor_cmd *d)
{
	doctor_report_fini(&d->result.report);
	doctor_lookup_close(&d->lookup);
	net_dns_close(&d->dns);
	net_stream_tls_free(d->setup.tls);
	conf_unref(d->conf);
	mem_wipe(d->password.p, d->password.n);
	buf_fini(&d->password);
	buf_fini(&d->ca);
	arena_fini(&d->arena);
	mem_free(d);
}

enum cli_status cli_doctor(const struct cli_command *cmd, const struct cli_args *args)
{
	struct doctor_cmd *d = MEM_NEW(struct doctor_cmd);
	struct fault fault = { 0 };
	enum cli_status status;
	int r;

	(void)cmd;
	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	arena_init(&d->arena, DOCTOR_ARENA);
	buf_init(&d->password, DOCTOR_PASSWORD);
	buf_init(&d->ca, LIMIT_TLS_CA_FILE);
	d->is_json = cli_option(args, "--json") != NULL;
	d->is_terminal = !d->is_json && isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
	r = cli_settings_load(args, &d->conf, &fault);
	if (r == 0)
		r = take_arguments(args, d, &fault);
	if (r == 0)
		r = open_all(args, d, &fault);
	if (r == 0)
		r = examine(d, &fault);
	if (r == 0 && d->is_json)
		doctor_print_json(&d->result);
	else if (r == 0)
		doctor_print(&d->result, wants_colour());
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = fault_set(&fault, -E_IO, "cannot write to standard output");
	status = r < 0 ? cli_fail(args, r, &fault) : status_of(d->result.verdict.class);
	finish(d);
	return status;
}

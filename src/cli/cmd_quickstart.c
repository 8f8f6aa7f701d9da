/* SPDX-License-Identifier: MIT */
/*
 * quickstart ADDRESS: from an empty host to a server with an account, as far as this host and its network let it, and the list of what is left to people
 * (docs/decisions/038-quickstart.md). The steps are the rows of a table, run in their order; a step that fails ends those that need it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/quickstart.h"

#include "base/log.h"
#include "base/text.h"
#include "cli/zone_of.h"
#include "net/dns.h"
#include "server/admin.h"
#include "server/server.h"
#include "smtp/syntax.h"
#include "store/account.h"

#define QUICKSTART_ARENA (16u << 20)
#define QUICKSTART_MAX_OFFSET (65535 - 995)
#define SAID_MAX 4096

static const char *const state_names[QUICKSTART_N_STATES] = {
	[QUICKSTART_DONE] = "there", [QUICKSTART_MADE] = "made", [QUICKSTART_WOULD] = "not yet", [QUICKSTART_LEFT] = "to do", [QUICKSTART_FAILED] = "FAILED",
};
static const char *const state_words[QUICKSTART_N_STATES] = { /* for programs */
	[QUICKSTART_DONE] = "done", [QUICKSTART_MADE] = "made", [QUICKSTART_WOULD] = "would", [QUICKSTART_LEFT] = "left", [QUICKSTART_FAILED] = "failed",
};

/* ---- what steps say ---- */

void quickstart_say(struct quickstart *q, const char *fmt, ...)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(SAID_MAX), shown = BUF_INIT(SAID_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	text_clean(&shown, buf_str(&text)); /* some of it is a stranger's */
	for (size_t i = 0; i < shown.n; i++)
		if (shown.p[i] == '\n')
			shown.p[i] = ' ';
	json_array_append_new(q->said, admin_json_str(buf_str(&shown)));
}

const char *quickstart_path(struct quickstart *q, const char *fmt, ...)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(SAID_MAX);
	const char *z;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	z = arena_z(&q->arena, buf_str(&text));
	return z ? z : ""; /* of a few hundred in all; an empty path cannot be opened */
}

/* ---- the records ---- */

/* While keys can still be read. */
static int make_records(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	struct str *addresses, line, rest;
	size_t n;
	int r = cli_zone_addresses(q->args, &q->arena, &addresses, &n, fault);

	if (r == 0)
		r = cli_zone_of(q->conf, q->domain, addresses, n, &q->arena, &q->zone, &q->notes, fault);
	if (r == 0)
		r = doctor_zone(&q->zone, &q->arena, &q->records, &q->n_records);
	if (r < 0)
		return r;
	*ret = QUICKSTART_LEFT;
	quickstart_say(q, "publish those below; how to print them again stands below them");
	for (rest = buf_str(&q->notes); str_split(&rest, '\n', &line) && line.n > 0;)
		quickstart_say(q, "%" STR_FMT, STR_ARG(line));
	return 0;
}

/* ---- the table ---- */

static const struct {
	const char *name_z;
	quickstart_fn *run;
	bool is_base; /* without it no later step makes sense */
} steps[] = {
	{ "settings", quickstart_settings, true },
	{ "user", quickstart_user, false },
	{ "data", quickstart_data_dir, false },
	{ "keys", quickstart_keys, false },
	{ "certificate", quickstart_certificate, false },
	{ "check", quickstart_check, false },
	{ "domain", quickstart_domain, false },
	{ "account", quickstart_account, false },
	{ "postmaster", quickstart_postmaster, false },
	{ "records", make_records, true },
	{ "port 25", quickstart_port25, false }, /* root is given up from here on */
	{ "names", quickstart_names, false },
};

static void print_step(const struct quickstart *q, const char *name_z, enum quickstart_state state)
{
	for (size_t i = 0; i < json_array_size(q->said); i++)
		printf("%-12s %-8s %s\n", i == 0 ? name_z : "", i == 0 ? state_names[state] : "", json_string_value(json_array_get(q->said, i)));
	if (q->password)
		printf("%-12s %-8s password, shown this once: %s\n", "", "", json_string_value(q->password));
	fflush(stdout);
}

static json_t *step_json(const struct quickstart *q, const char *name_z, enum quickstart_state state)
{
	json_t *v = json_pack("{s:s, s:s, s:O}", "step", name_z, "state", state_words[state], "said", q->said);

	if (q->password)
		json_object_set(v, "password", q->password);
	return v;
}

/* The worst state that there was. */
static enum quickstart_state run_steps(struct quickstart *q, json_t *all, bool is_json)
{
	enum quickstart_state worst = QUICKSTART_DONE;
	bool goes_on = true;

	for (size_t i = 0; goes_on && i < ARRAY_LEN(steps); i++) {
		enum quickstart_state state = QUICKSTART_FAILED;
		struct fault fault = { 0 };
		int r;

		q->said = json_array();
		r = steps[i].run(q, &state, &fault);
		if (r < 0) {
			state = QUICKSTART_FAILED;
			quickstart_say(q, "%s", fault.text[0] ? fault.text : err_row(r)->text);
		}
		if (!is_json)
			print_step(q, steps[i].name_z, state);
		json_array_append_new(all, step_json(q, steps[i].name_z, state));
		json_decref(q->said);
		json_decref(q->password);
		q->password = NULL;
		worst = state > worst ? state : worst;
		goes_on = r == 0 || !steps[i].is_base;
	}
	return worst;
}

/* ---- what comes next ---- */

static json_t *next_json(const struct quickstart *q)
{
	bool has_systemd = access("/run/systemd/system", F_OK) == 0 && str_eq(str_z(q->config_z), S(CLI_DEFAULT_CONFIG));
	const char *more_z = str_eq(str_z(q->config_z), S(CLI_DEFAULT_CONFIG)) ? "" : " --config ";
	const char *config_z = more_z[0] ? q->config_z : "";
	json_t *list = json_array();

	json_array_append_new(list, has_systemd ? json_string("systemctl enable --now martlet") : json_sprintf("%s serve%s%s", cli_program_z, more_z, config_z));
	json_array_append_new(list, json_sprintf("%s dns %.*s%s%s", cli_program_z, (int)q->domain.n, q->domain.p, more_z, config_z));
	json_array_append_new(list, json_sprintf("%s quickstart %.*s%s%s", cli_program_z, (int)q->address.n, q->address.p, more_z, config_z));
	return list;
}

static const char *const next_says[] = { "start the server", "print the records again", "look at all of it again" };

static void print_end(const struct quickstart *q)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(1u << 20);
	json_t *list = next_json(q);

	if (q->records) {
		cli_zone_print(&q->zone, q->records, q->n_records, S(""), &out);
		printf("\n%" STR_FMT, STR_ARG(buf_str(&out)));
	}
	printf("\nNext:\n");
	for (size_t i = 0; i < ARRAY_LEN(next_says); i++)
		printf("  %-60s # %s\n", json_string_value(json_array_get(list, i)), next_says[i]);
	printf("and log in as %" STR_FMT " at %s, when its records are published.\n", STR_ARG(q->address), q->hostname);
	json_decref(list);
}

/* ---- arguments ---- */

/* An address of a new account: what MAIL takes, in lower case. */
static int take_address(struct quickstart *q, struct fault *fault)
{
	const char *text_z = q->args->positional[0];
	struct str path = arena_printf(&q->arena, "<%s>", text_z), address;
	ptrdiff_t at;
	char *p;

	if (smtp_path_parse(&path, SMTP_PATH_UTF8, &q->arena, &address) != 1 || path.n > 0 || (at = str_rchr(address, '@')) <= 0 ||
	    store_domain_canonical(&q->arena, str_skip(address, (size_t)at + 1), &q->domain) < 0 || !net_dns_is_name(q->domain) ||
	    str_chr(q->domain, '.') < 0)
		return fault_set(fault, -E_USAGE, "%.200s: not an address; for example: martlet quickstart you@example.org", text_z[0] ? text_z : "nothing");
	address = arena_printf(&q->arena, "%" STR_FMT "@%" STR_FMT, (int)at, address.p, STR_ARG(q->domain));
	p = arena_z(&q->arena, address);
	for (size_t i = 0; p && i < address.n; i++)
		p[i] = str_lower_char(p[i]);
	q->address = str_of(p, address.n);
	return p ? 0 : -E_LIMIT;
}

/* --hostname, else the machine's own name if others could find it, else mail.DOMAIN. */
static int take_hostname(struct quickstart *q, struct fault *fault)
{
	const char *name_z = cli_option(q->args, "--hostname");

	if (name_z && (!net_dns_is_name(str_z(name_z)) || str_chr(str_z(name_z), '.') < 0))
		return fault_set(fault, -E_USAGE, "--hostname %.200s: write a full name, such as mail.%" STR_FMT, name_z, STR_ARG(q->domain));
	if (name_z)
		snprintf(q->hostname, sizeof(q->hostname), "%s", name_z);
	else if (gethostname(q->hostname, sizeof(q->hostname) - 1) < 0 || !net_dns_is_name(str_z(q->hostname)) || str_chr(str_z(q->hostname), '.') < 0)
		snprintf(q->hostname, sizeof(q->hostname), "mail.%" STR_FMT, STR_ARG(str_head(q->domain, 250)));
	return 0;
}

/* From / on: the settings name files so. */
static const char *whole_path(struct quickstart *q, const char *path_z)
{
	char here[4096];

	if (path_z[0] == '/' || !getcwd(here, sizeof(here)))
		return path_z;
	return quickstart_path(q, "%s/%s", here, path_z);
}

static int take_paths(struct quickstart *q, struct fault *fault)
{
	const char *data_z = cli_option(q->args, "--data"), *user_z = cli_option(q->args, "--user"), *config_z = cli_option(q->args, "--config");
	struct str path;

	q->config_z = whole_path(q, config_z ? config_z : CLI_DEFAULT_CONFIG);
	path = str_z(q->config_z);
	q->dir_z = quickstart_path(q, "%" STR_FMT, STR_ARG(str_head(path, (size_t)str_rchr(path, '/'))));
	q->data_z = data_z ? whole_path(q, data_z) : "";
	q->user_z = user_z ? user_z : geteuid() == 0 ? "martlet" : "";
	if (path.n > 3000 || str_z(q->data_z).n > 3000)
		return fault_set(fault, -E_USAGE, "the path is too long");
	for (size_t i = 0; q->user_z[i]; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", q->user_z[i]) || (i == 0 && q->user_z[i] == '-'))
			return fault_set(fault, -E_USAGE, "--user %.100s: write lower-case letters, digits, '-' and '_'", q->user_z);
	if (strpbrk(q->config_z, "\r\n") || strpbrk(q->data_z, "\r\n"))
		return fault_set(fault, -E_USAGE, "a path may have no line end");
	return 0;
}

static int take_arguments(struct quickstart *q, struct fault *fault)
{
	const char *offset_z = cli_option(q->args, "--port-offset");
	uint64_t offset = 0;
	int r = take_address(q, fault);

	if (r == 0)
		r = take_hostname(q, fault);
	if (r == 0)
		r = take_paths(q, fault);
	if (r == 0 && offset_z && !str_to_u64(str_z(offset_z), QUICKSTART_MAX_OFFSET, &offset))
		r = fault_set(fault, -E_USAGE, "--port-offset %s: write a number from 0 to %d", offset_z, QUICKSTART_MAX_OFFSET);
	q->port_offset = (unsigned)offset;
	q->is_dry = cli_option(q->args, "--dry-run") != NULL;
	q->has_network = !cli_option(q->args, "--no-network");
	return r;
}

/* ---- the command ---- */

static enum cli_status run(struct quickstart *q, const struct cli_args *args)
{
	bool is_json = cli_option(args, "--json");
	json_t *all = json_array(), *result;
	enum quickstart_state worst = run_steps(q, all, is_json);

	if (is_json) {
		result = json_pack("{s:o, s:s, s:o, s:o, s:o}", "address", admin_json_str(q->address), "hostname", q->hostname, "steps", all, "records",
				   cli_zone_json(q->records, q->n_records), "next", next_json(q));
		json_dumpf(result, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(result);
	} else {
		if (q->conf)
			print_end(q);
		json_decref(all);
	}
	if (fflush(stdout) != 0)
		return CLI_UNAVAILABLE;
	return worst == QUICKSTART_FAILED ? CLI_FAILED : CLI_OK;
}

enum cli_status cli_quickstart(const struct cli_command *cmd, const struct cli_args *args)
{
	struct quickstart q = { .args = args, .notes = BUF_INIT(65536) };
	struct fault fault = { 0 };
	enum cli_status st;
	int r;

	(void)cmd;
	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	arena_init(&q.arena, QUICKSTART_ARENA);
	r = take_arguments(&q, &fault);
	st = r < 0 ? cli_fail(args, r, &fault) : run(&q, args);
	conf_unref(q.conf);
	buf_fini(&q.notes);
	arena_fini(&q.arena);
	return st;
}

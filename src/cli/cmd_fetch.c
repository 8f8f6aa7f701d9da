/* SPDX-License-Identifier: MIT */
/*
 * fetch: mail of other servers to a Maildir, an mbox, standard output or a command (room move, fetch.h). The accounts are sections of the user's file of servers (profile.h), or one
 * is told by options; options win. One account after the other; one that fails does not keep the next from being fetched.
 *
 * The exit status is that of the first account that failed: where it ended (STATUS_...), or as every command's. CLI_FAILED: messages stay on the server that should have come.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/peer.h"
#include "cli/profile.h"
#include "cli/progress.h"

#include "base/limits.h"
#include "base/log.h"
#include "move/fetch.h"
#include "server/admin.h"

#define MEMORY_MAX ((size_t)4 << 30) /* a message of the largest size, as it grows in buffers; nobody else is here */
#define STATUS_CONNECT 10  /* no connection, or it broke */
#define STATUS_TLS 11
#define STATUS_LOGIN 12
#define STATUS_PROTOCOL 13 /* the server does not speak it */

static const struct move_fetch_source *const sources[] = { &move_fetch_imap, &move_fetch_pop3 };

struct fetching {
	const struct cli_args *args;
	const char *name_z;       /* of the account */
	bool is_json;
	struct cli_progress progress;
	uint64_t seen;
	/* of the account at hand */
	struct peer peer;
	struct move_fetch_options o;
	const struct move_fetch_source *source;
	const char *to_z;
	struct str boxes[CLI_OPTIONS_MAX];
	struct buf to, ca, password;
};

/* ---- telling ---- */

/* Takes the reference to line. */
static void print_json(const struct fetching *x, const char *event_z, json_t *line)
{
	json_object_set_new(line, "event", json_string(event_z));
	json_object_set_new(line, "account", admin_json_str(str_z(x->name_z)));
	json_dumpf(line, stdout, JSON_COMPACT);
	printf("\n");
	fflush(stdout);
	json_decref(line);
}

static void say_box(void *ctx, struct str name, uint64_t n)
{
	struct fetching *x = ctx;
	AUTO(buf_fini) struct buf text = BUF_INIT(4096);

	buf_printf(&text, "%s %" STR_FMT, x->name_z, STR_ARG(name));
	cli_progress_box(&x->progress, buf_str(&text), n, x->seen);
	if (x->is_json)
		print_json(x, "mailbox", json_pack("{s:o, s:I}", "mailbox", admin_json_str(name), "new", (json_int_t)n));
}

static void say_message(void *ctx, const struct move_fetched *m, int err, const char *why_z)
{
	struct fetching *x = ctx;
	json_t *line;

	x->seen++;
	cli_progress_show(&x->progress, x->seen);
	if (err < 0)
		cli_progress_say(&x->progress, x->name_z, why_z);
	if (!x->is_json)
		return;
	line = json_pack("{s:o, s:o, s:I, s:s}", "mailbox", admin_json_str(m->box), "name", admin_json_str(m->name), "bytes", (json_int_t)m->bytes.n,
			 "outcome", err == 0 ? "fetched" : err > 0 ? "there" : "left");
	if (err < 0)
		json_object_set_new(line, "text", admin_json_str(str_z(why_z)));
	print_json(x, "message", line);
}

static void say_committed(void *ctx, uint64_t n)
{
	if (((struct fetching *)ctx)->is_json)
		print_json(ctx, "committed", json_pack("{s:I}", "messages", (json_int_t)n));
}

static void say_deleted(void *ctx, uint64_t n)
{
	if (((struct fetching *)ctx)->is_json)
		print_json(ctx, "deleted", json_pack("{s:I}", "messages", (json_int_t)n));
}

static void say_note(void *ctx, const char *text_z)
{
	struct fetching *x = ctx;

	cli_progress_say(&x->progress, x->name_z, text_z);
	if (x->is_json)
		print_json(x, "note", json_pack("{s:o}", "text", admin_json_str(str_z(text_z))));
}

static int status_of(int r, bool is_ours)
{
	switch (is_ours ? 0 : r) {
	case -E_TLS:
		return STATUS_TLS;
	case -E_AUTH_FAILED:
		return STATUS_LOGIN;
	case -E_TIMEOUT:
	case -E_CLOSED:
	case -E_IO:
	case -E_NOT_FOUND:
		return STATUS_CONNECT;
	case -E_SYNTAX:
		return STATUS_PROTOCOL;
	default:
		return 0;
	}
}

/* The end of an account. The exit status. */
static int say_end(struct fetching *x, const struct move_fetch *f, int r, bool is_begun, const struct fault *fault)
{
	bool is_ours = !is_begun || f->broken < 0 || f->target.own == NULL; /* the trouble */
	int status = r < 0 ? status_of(r, is_ours) : f->n_left > 0 ? (int)CLI_FAILED : (int)CLI_OK;
	const struct cli_args quiet = { .n_options = 0 };

	cli_progress_end(&x->progress, x->seen);
	if (r < 0) {
		struct fault named;

		(void)fault_set(&named, r, "%s: %s", x->name_z, fault->text[0] != '\0' ? fault->text : err_row(r)->text);
		status = status > 0 ? ((void)cli_fail(&quiet, r, &named), status) : (int)cli_fail(&quiet, r, &named);
	}
	if (x->is_json) {
		json_t *line = json_pack("{s:I, s:I, s:I, s:I}", "fetched", (json_int_t)f->n_fetched, "there", (json_int_t)f->n_there, "left",
					 (json_int_t)f->n_left, "deleted", (json_int_t)f->n_deleted);

		if (x->o.is_sync)
			json_object_update_new(line, json_pack("{s:I, s:I, s:I}", "sent", (json_int_t)f->n_sent, "removed", (json_int_t)f->n_removed, "flagged",
							       (json_int_t)f->n_flagged));
		if (r < 0) {
			json_object_set_new(line, "error", json_string(err_row(r)->name));
			json_object_set_new(line, "text", admin_json_str(str_z(fault->text)));
		}
		print_json(x, "end", line);
	} else if (is_begun) {
		fprintf(stderr, "%s: %" PRIu64 " fetched", x->name_z, f->n_fetched);
		if (f->n_there > 0)
			fprintf(stderr, ", %" PRIu64 " were there", f->n_there);
		if (f->n_sent > 0)
			fprintf(stderr, ", %" PRIu64 " sent to the server", f->n_sent);
		if (f->n_flagged > 0)
			fprintf(stderr, ", %" PRIu64 " with other flags", f->n_flagged);
		if (f->n_removed > 0)
			fprintf(stderr, ", %" PRIu64 " removed here", f->n_removed);
		if (f->n_deleted > 0)
			fprintf(stderr, ", %" PRIu64 " deleted on the server", f->n_deleted);
		if (f->n_left > 0)
			fprintf(stderr, ", %" PRIu64 " stay on the server", f->n_left);
		fputc('\n', stderr);
	}
	return status;
}

/* ---- what is asked for ---- */

static int choose_source(struct fetching *x, const char *name_z, struct fault *fault)
{
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		if (!str_eq(str_z(sources[i]->name_z), str_z(name_z)))
			continue;
		x->source = sources[i];
		return 0;
	}
	return fault_set(fault, -E_USAGE, "--protocol %s: write one of those that martlet help fetch names", name_z);
}

/* Of the command line, whatever the account says. */
static int take_options(struct fetching *x, struct fault *fault)
{
	const char *days_z = cli_option(x->args, "--keep-days"), *ca_z = cli_option(x->args, "--ca-file"), *to_z = cli_option(x->args, "--to");
	size_t n_boxes = 0;
	uint64_t days;

	for (size_t i = 0; i < x->args->n_options; i++)
		if (str_eq(str_z(x->args->options[i].name), S("--mailbox")))
			x->boxes[n_boxes++] = str_z(x->args->options[i].value);
	if (n_boxes > 0)
		x->o.n_boxes = n_boxes;
	x->o.boxes = x->boxes;
	if (days_z != NULL && !str_to_u64(str_z(days_z), 10000, &days))
		return fault_set(fault, -E_USAGE, "--keep-days needs a number of days");
	if (days_z != NULL)
		x->o.keep_s = (int64_t)days * 86400;
	x->o.is_delete = x->o.is_delete || cli_option(x->args, "--delete") != NULL || days_z != NULL;
	x->o.is_insecure = x->o.is_insecure || cli_option(x->args, "--insecure") != NULL;
	x->o.is_idle = cli_option(x->args, "--idle") != NULL;
	if (x->o.is_idle && x->source != &move_fetch_imap)
		return fault_set(fault, -E_USAGE, "--idle is for IMAP");
	if (n_boxes > 0 && x->source != &move_fetch_imap)
		return fault_set(fault, -E_USAGE, "--mailbox is for IMAP: a POP3 server has one");
	x->o.is_sync = cli_option(x->args, "--sync") != NULL;
	x->o.may_empty = cli_option(x->args, "--allow-empty") != NULL;
	if (x->o.may_empty && !x->o.is_sync)
		return fault_set(fault, -E_USAGE, "--allow-empty is a part of --sync: give both");
	if (x->o.is_sync && (x->source != &move_fetch_imap || x->o.is_idle || x->o.is_delete))
		return fault_set(fault, -E_USAGE, "--sync is for IMAP, without --idle and --delete");
	if (cli_option(x->args, "--trace") != NULL)
		x->o.trace = peer_trace;
	if (ca_z != NULL)
		buf_reset(&x->ca), buf_add(&x->ca, str_z(ca_z));
	x->to_z = to_z != NULL ? to_z : x->to_z;
	if (x->to_z == NULL || x->to_z[0] == '\0')
		return fault_set(fault, -E_USAGE, "--to says where mail goes: maildir:DIRECTORY, mbox:FILE, stdout, or command:COMMAND");
	if (x->o.is_sync && !str_starts(str_z(x->to_z), S("maildir:")))
		return fault_set(fault, -E_USAGE, "--sync needs a Maildir: --to maildir:DIRECTORY");
	if (x->is_json && str_eq(str_z(x->to_z), S("stdout")))
		return fault_set(fault, -E_USAGE, "--json and --to stdout both want the standard output");
	return 0;
}

static int take_server(struct fetching *x, struct fault *fault)
{
	const char *protocol_z = cli_option(x->args, "--protocol"), *tls_z = cli_option(x->args, "--tls"), *user_z = cli_option(x->args, "--user");
	int r;

	x->name_z = user_z != NULL && user_z[0] != '\0' ? user_z : cli_option(x->args, "--server");
	r = choose_source(x, protocol_z != NULL ? protocol_z : sources[0]->name_z, fault);
	x->o.starttls = NET_STARTTLS_FROM_START;
	if (r == 0 && tls_z != NULL && !profile_tls(tls_z, &x->o.starttls))
		r = fault_set(fault, -E_USAGE, "--tls knows implicit, starttls and never");
	if (r == 0)
		r = peer_parse(&x->peer, cli_option(x->args, "--server"), "--server",
			       x->o.starttls == NET_STARTTLS_FROM_START ? x->source->tls_port : x->source->port, fault);
	if (r == 0 && (user_z == NULL || user_z[0] == '\0'))
		r = fault_set(fault, -E_USAGE, "--user says who logs in");
	if (r < 0)
		return r;
	x->o.user = str_z(user_z);
	return cli_read_secret(cli_option(x->args, "--password-file"), &x->password, fault);
}

/* "maildir:~/Mail": the path is of who calls. */
static void take_to(struct fetching *x, const char *to_z)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(65536);
	ptrdiff_t colon = str_chr(str_z(to_z), ':');

	buf_reset(&x->to);
	buf_add(&x->to, str_head(str_z(to_z), (size_t)(colon + 1)));
	buf_add(&x->to, str_z(profile_path(to_z + colon + 1, &path)));
	x->to_z = buf_z(&x->to);
}

static int take_profile(struct fetching *x, const struct profile *p, struct fault *fault)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(65536);
	const char *protocol_z = cli_option(x->args, "--protocol"), *user_z = cli_option(x->args, "--user"), *file_z = cli_option(x->args, "--password-file");
	bool is_pop3 = protocol_z != NULL ? str_eq(str_z(protocol_z), S("pop3")) : p->from == PROFILE_POP3;
	int r = choose_source(x, protocol_z != NULL ? protocol_z : is_pop3 ? "pop3" : "imap", fault);

	if (r == 0 && cli_option(x->args, "--tls") != NULL)
		r = fault_set(fault, -E_USAGE, "--tls belongs to --server; for an account the file of servers says imap_tls or pop3_tls");
	if (r == 0)
		r = profile_server(p, is_pop3 ? PROFILE_POP3 : PROFILE_IMAP, &x->peer, &x->o.starttls, fault);
	if (r < 0)
		return r;
	x->o.user = str_z(user_z != NULL ? user_z : profile_user(p));
	x->o.secret_env_z = p->password_env_z[0] != '\0' ? p->password_env_z : NULL;
	x->o.is_insecure = p->is_insecure;
	x->o.is_delete = p->is_delete;
	x->o.keep_s = p->delete_after_ms / 1000;
	for (size_t i = 0; i < p->mailboxes.n && i < ARRAY_LEN(x->boxes); i++)
		x->boxes[x->o.n_boxes++] = str_z(p->mailboxes.v[i]);
	buf_add(&x->ca, str_z(p->ca_file_z[0] != '\0' ? profile_path(p->ca_file_z, &path) : ""));
	take_to(x, p->to_z);
	return file_z != NULL ? cli_read_secret(file_z, &x->password, fault) : profile_password(p, x->name_z, &x->password, fault);
}

/* ---- one account ---- */

static int fetch_now(struct fetching *x, struct move_fetch *f, struct fault *fault)
{
	const struct move_fetch_watch watch = { say_box, say_message, say_committed, say_deleted, say_note, x };
	int r = net_stream_tls_new_file(x->ca.n > 0 ? buf_z(&x->ca) : NULL, &x->o.tls, fault);

	x->o.host_z = x->peer.host_z;
	x->o.port = x->peer.port;
	x->o.password = buf_str(&x->password);
	if (r == 0)
		r = move_fetch_open(f, x->source, &x->o, x->to_z, cli_option(x->args, "--state"), &watch, fault);
	if (r == 0)
		r = move_fetch_run(f, fault);
	return r;
}

static void account_end(struct fetching *x)
{
	net_stream_tls_free(x->o.tls);
	if (x->password.p != NULL)
		mem_wipe(x->password.p, x->password.n);
	buf_fini(&x->password);
	buf_fini(&x->ca);
	buf_fini(&x->to);
}

/* p NULL: as the options say. The exit status. */
static int one_account(struct fetching *x, const char *name_z, const struct profile *p)
{
	struct move_fetch f = { 0 };
	struct fault fault = { "" };
	int r, status;
	bool is_begun;

	x->name_z = name_z;
	x->o = (struct move_fetch_options){ 0 };
	x->to_z = NULL;
	x->password = (struct buf)BUF_INIT(4096);
	x->ca = x->to = (struct buf)BUF_INIT(65536);
	r = p != NULL ? take_profile(x, p, &fault) : take_server(x, &fault);
	if (r == 0)
		r = take_options(x, &fault);
	is_begun = r == 0;
	if (is_begun)
		r = fetch_now(x, &f, &fault);
	status = say_end(x, &f, r, is_begun, &fault);
	if (is_begun)
		move_fetch_close(&f);
	account_end(x);
	return status;
}

/* ---- the command ---- */

static int first_of(int status, int next)
{
	return status != CLI_OK ? status : next;
}

static size_t count_options(const struct cli_args *args, const char *name_z)
{
	size_t n = 0;

	for (size_t i = 0; i < args->n_options; i++)
		n += str_eq(str_z(args->options[i].name), str_z(name_z));
	return n;
}

/* Those that are named, or all that say where their mail goes. */
static int accounts(struct fetching *x, struct fault *fault, int *ret_status)
{
	const char *profiles_z = cli_option(x->args, "--profiles"), *name_z;
	const struct profile *p = NULL;
	struct conf *c = NULL;
	size_t n = 0;
	int r = profile_load(profiles_z, &c, fault);

	if (r == 0 && cli_option(x->args, "--idle") != NULL && count_options(x->args, "--account") != 1)
		r = fault_set(fault, -E_USAGE, "--idle waits for one account: name it with --account");
	for (size_t i = 0; r == 0 && i < x->args->n_options; i++) {
		if (!str_eq(str_z(x->args->options[i].name), S("--account")))
			continue;
		r = profile_find(c, x->args->options[i].value, &p, fault);
		if (r == 0)
			*ret_status = first_of(*ret_status, one_account(x, x->args->options[i].value, p));
		n++;
	}
	for (size_t i = 0; r == 0 && cli_option(x->args, "--account") == NULL && i < profile_count(c); i++) {
		p = profile_nth(c, i, &name_z);
		if (p->to_z[0] == '\0')
			continue;
		*ret_status = first_of(*ret_status, one_account(x, name_z, p));
		n++;
	}
	if (r == 0 && n == 0)
		r = fault_set(fault, -E_USAGE, "no account of the file of servers says where its mail goes: write to = maildir:DIRECTORY");
	conf_unref(c);
	return r;
}

enum cli_status cli_fetch(const struct cli_command *cmd, const struct cli_args *args)
{
	static struct fetching x; /* large */
	struct fault fault = { "" };
	int status = CLI_OK, r = 0;

	(void)cmd;
	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	budget_set(MEMORY_MAX);
	x.args = args;
	x.is_json = cli_option(args, "--json") != NULL;
	cli_progress_begin(&x.progress, x.is_json || isatty(STDERR_FILENO) != 1);
	if (cli_option(args, "--server") != NULL && cli_option(args, "--account") != NULL)
		r = fault_set(&fault, -E_USAGE, "--server and --account: one of them says where mail comes from");
	else if (cli_option(args, "--server") != NULL)
		status = one_account(&x, "", NULL);
	else
		r = accounts(&x, &fault, &status);
	return r < 0 ? cli_fail(args, r, &fault) : (enum cli_status)status;
}

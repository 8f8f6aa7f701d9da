/* SPDX-License-Identifier: MIT */
/*
 * send: hands one message to one server by SMTP or LMTP and tells what became of it, for people and scripts. It needs no
 * settings and no data: a stream (net/stream.h) and a client (smtp/client.h) in this process. The message stands on standard input as
 * it goes, or is made of its text there, a subject and files (draft.h).
 *
 * The exit status says how far it came: 0, or 10 for the connection and 11 and up for the stages of the dialogue.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/auto_port.h"
#include "cli/cli.h"
#include "cli/draft.h"
#include "cli/peer.h"
#include "cli/profile.h"

#include "base/limits.h"
#include "server/admin.h"
#include "smtp/client.h"

#define REPLY_MS 60000
#define END_MS 600000
#define STATUS_CONNECT 10
#define STATUS_STAGE 11 /* and the stage */

static const char *const stages_z[SMTP_CLIENT_N_STAGES] = { "greeting", "helo", "tls", "auth", "mail", "rcpt", "data", "end" };

struct tls_mode {
	const char *name_z;
	enum net_starttls starttls;
	enum net_trust trust;
};

static const struct tls_mode tls_modes[] = {
	{ "may", NET_STARTTLS_IF_OFFERED, NET_TRUST_ANY },
	{ "never", NET_STARTTLS_NEVER, NET_TRUST_ANY },
	{ "always", NET_STARTTLS_ALWAYS, NET_TRUST_ANY },
	{ "verify", NET_STARTTLS_ALWAYS, NET_TRUST_PKIX },
	{ "implicit", NET_STARTTLS_FROM_START, NET_TRUST_PKIX },
};

enum stop { STOP_NOT, STOP_CONNECT, STOP_TLS, STOP_AUTH, STOP_MAIL, STOP_RCPT, STOP_DATA, N_STOPS };
static const char *const stops_z[N_STOPS] = { "", "connect", "tls", "auth", "mail", "rcpt", "data" };
static const enum smtp_client_stage until[N_STOPS] = {
	[STOP_MAIL] = SMTP_CLIENT_MAIL,
	[STOP_RCPT] = SMTP_CLIENT_RCPT,
	[STOP_DATA] = SMTP_CLIENT_DATA,
};

struct sending {
	const struct cli_args *args;
	const struct tls_mode *tls;
	bool is_auto;        /* HOST:auto: port and TLS are found out */
	enum stop stop;
	struct peer peer;
	struct conf *profiles;
	const struct profile *profile; /* of --account; NULL: none */
	const char *user_z;            /* NULL: no login */
	bool is_insecure;
	char helo_z[256];
	struct draft draft;
	struct str reverse_path, envid;
	int dsn_ret;
	unsigned notify;
	struct smtp_client_rcpt rcpts[CLI_OPTIONS_MAX];
	size_t n_rcpts;
	struct buf message;
	struct arena arena;
	json_t *result;
};

/* ---- what is asked for ---- */

static const struct tls_mode *mode_of(const char *name_z)
{
	for (size_t i = 0; name_z != NULL && i < ARRAY_LEN(tls_modes); i++)
		if (str_eq(str_z(tls_modes[i].name_z), str_z(name_z)))
			return &tls_modes[i];
	return name_z == NULL ? &tls_modes[0] : NULL;
}

/* --account: its server for SMTP, how TLS begins there, who logs in. Options win. */
static int take_account(struct sending *s, struct fault *fault)
{
	static const char *const modes_z[] = {
		[NET_STARTTLS_NEVER] = "never", [NET_STARTTLS_ALWAYS] = "verify", [NET_STARTTLS_FROM_START] = "implicit",
	};
	const char *name_z = cli_option(s->args, "--account"), *user_z = cli_option(s->args, "--user");
	enum net_starttls tls = NET_STARTTLS_ALWAYS;
	int r;

	s->user_z = user_z;
	s->is_insecure = cli_option(s->args, "--insecure") != NULL;
	if (name_z == NULL)
		return 0;
	r = profile_load(cli_option(s->args, "--profiles"), &s->profiles, fault);
	if (r == 0)
		r = profile_find(s->profiles, name_z, &s->profile, fault);
	if (r == 0 && cli_option(s->args, "--server") == NULL)
		r = profile_server(s->profile, PROFILE_SMTP, &s->peer, &tls, fault);
	if (r < 0)
		return r;
	s->is_insecure = s->is_insecure || s->profile->is_insecure;
	if (cli_option(s->args, "--server") == NULL && cli_option(s->args, "--tls") == NULL)
		s->tls = mode_of(modes_z[tls]);
	if (user_z == NULL && profile_user(s->profile)[0] != '\0')
		s->user_z = profile_user(s->profile);
	return 0;
}

/* "HOST:auto": the port, and TLS with it, are found when there is something to send. */
static int take_auto(struct sending *s, const char *server_z, struct fault *fault)
{
	struct str host = str_head(str_z(server_z), strlen(server_z) - strlen(":auto"));
	char host_z[sizeof(s->peer.host_z)];

	if (cli_option(s->args, "--tls") != NULL || cli_option(s->args, "--lmtp") != NULL)
		return fault_set(fault, -E_USAGE, "the port auto chooses TLS too, and speaks no LMTP: leave --tls and --lmtp out");
	if (host.n >= sizeof(host_z))
		return fault_set(fault, -E_USAGE, "--server: the name of the host is too long");
	snprintf(host_z, sizeof(host_z), "%" STR_FMT, STR_ARG(host));
	return peer_parse(&s->peer, host_z, "--server", 465, fault);
}

static int take_server(struct sending *s, struct fault *fault)
{
	const char *server_z = cli_option(s->args, "--server");

	if (server_z == NULL && s->profile != NULL)
		return 0;
	if (server_z == NULL)
		return fault_set(fault, -E_USAGE, "--server or --account names where the message goes");
	s->is_auto = str_ends(str_z(server_z), S(":auto"));
	return s->is_auto ? take_auto(s, server_z, fault)
			  : peer_parse(&s->peer, server_z, "--server", s->tls->starttls == NET_STARTTLS_FROM_START ? 465 : 25, fault);
}

static int take_password(struct sending *s, struct buf *out, struct fault *fault)
{
	const char *file_z = cli_option(s->args, "--password-file");

	if (file_z != NULL)
		return cli_read_secret(file_z, out, fault);
	if (s->profile != NULL)
		return profile_password(s->profile, cli_option(s->args, "--account"), out, fault);
	return fault_set(fault, -E_USAGE, "--user needs --password-file");
}

static const char *ca_file_of(const struct sending *s, struct buf *path)
{
	const char *file_z = cli_option(s->args, "--ca-file");

	if (file_z != NULL || s->profile == NULL || s->profile->ca_file_z[0] == '\0')
		return file_z;
	return profile_path(s->profile->ca_file_z, path);
}

static int take_stop(struct sending *s, struct fault *fault)
{
	const char *stop_z = cli_option(s->args, "--stop-after");

	while (stop_z != NULL && !str_eq(str_z(stops_z[s->stop]), str_z(stop_z)))
		if (++s->stop == N_STOPS)
			return fault_set(fault, -E_USAGE, "--stop-after knows connect, tls, auth, mail, rcpt and data");
	return 0;
}

/* Of a message that is made here they may have names, as people write them. */
static int take_envelope(struct sending *s, struct fault *fault)
{
	int r = 0;

	s->reverse_path = str_z(cli_option(s->args, "--from"));
	if (cli_option(s->args, "--from") == NULL && s->profile != NULL)
		s->reverse_path = str_z(s->profile->address_z);
	if (draft_is_wanted(s->args)) {
		r = draft_addresses(&s->draft, s->args, s->profile != NULL ? s->profile->address_z : NULL, &s->arena, fault);
		s->reverse_path = r < 0 ? s->reverse_path : draft_addr_spec(&s->draft.d.from.v[0], &s->arena);
		if (r == 0 && s->reverse_path.n == 0)
			r = fault_set(fault, -E_USAGE, "--from is too long");
		for (size_t i = 0; r == 0 && i < s->draft.d.to.n; i++) {
			s->rcpts[s->n_rcpts].address = draft_addr_spec(&s->draft.d.to.v[i], &s->arena);
			if (s->rcpts[s->n_rcpts++].address.n == 0)
				r = fault_set(fault, -E_USAGE, "an address of --to is too long");
		}
		return r;
	}
	for (size_t i = 0; i < s->args->n_options; i++)
		if (str_eq(str_z(s->args->options[i].name), S("--to")))
			s->rcpts[s->n_rcpts++].address = str_z(s->args->options[i].value);
	return r;
}

static int take_recipients(struct sending *s, struct fault *fault)
{
	int r = take_envelope(s, fault);

	if (r < 0)
		return r;
	if (s->n_rcpts == 0 && s->stop == STOP_MAIL) /* no RCPT is said; somebody has to have the reply */
		s->rcpts[s->n_rcpts++].address = S("postmaster");
	if (s->n_rcpts == 0 && (s->stop == STOP_NOT || s->stop >= STOP_RCPT))
		return fault_set(fault, -E_USAGE, "--to names who is to get the message");
	return 0;
}

/* RFC 3461: what the server is to tell the sender of. */
static int take_dsn(struct sending *s, struct fault *fault)
{
	const char *notify_z = cli_option(s->args, "--notify"), *ret_z = cli_option(s->args, "--ret"), *id_z = cli_option(s->args, "--envid");

	if (notify_z != NULL && !peer_notify(notify_z, &s->notify))
		return fault_set(fault, -E_USAGE, "--notify knows never, or success, failure and delay");
	if (ret_z != NULL && !peer_ret(ret_z, &s->dsn_ret))
		return fault_set(fault, -E_USAGE, "--ret knows full and hdrs");
	s->envid = id_z != NULL ? peer_xtext(&s->arena, id_z) : S("");
	if (id_z != NULL && s->envid.n == 0)
		return fault_set(fault, -E_USAGE, "--envid is empty, or too long");
	for (size_t i = 0; i < s->n_rcpts; i++)
		s->rcpts[i].notify = s->notify;
	return 0;
}

static int take_helo(struct sending *s, struct fault *fault)
{
	const char *name_z = cli_option(s->args, "--helo");

	if (name_z == NULL)
		peer_own_name(s->helo_z, sizeof(s->helo_z));
	else
		snprintf(s->helo_z, sizeof(s->helo_z), "%s", name_z);
	for (const char *p = s->helo_z; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return fault_set(fault, -E_USAGE, "--helo is no name of a host");
	return 0;
}

static int take_arguments(struct sending *s, struct fault *fault)
{
	int r;

	s->tls = mode_of(cli_option(s->args, "--tls"));
	if (s->tls == NULL)
		return fault_set(fault, -E_USAGE, "--tls knows may, never, always, verify and implicit");
	r = take_account(s, fault);
	if (r == 0)
		r = take_server(s, fault);
	if (r == 0)
		r = take_stop(s, fault);
	if (r == 0)
		r = take_recipients(s, fault);
	if (r == 0)
		r = take_dsn(s, fault);
	return r < 0 ? r : take_helo(s, fault);
}

/* Lines of a text file end with LF: those of a message with CR LF. One that has a CR LF goes as it is. */
static int read_message(struct sending *s, struct fault *fault)
{
	AUTO(buf_fini) struct buf raw = BUF_INIT(LIMIT_IMPORT_MESSAGE);
	struct str rest, line;
	/* By stdio, as the password may have stood in front of it. */
	int r = draft_read_file(stdin, "standard input", &raw, fault);

	if (r < 0 || draft_is_wanted(s->args))
		return r < 0 ? r : draft_make(&s->draft, s->args, buf_str(&raw), &s->message, fault);
	rest = buf_str(&raw);
	if (str_find(rest, S("\r\n")) >= 0) {
		buf_add(&s->message, rest);
		return 0;
	}
	while (str_split(&rest, '\n', &line)) {
		buf_add(&s->message, line);
		buf_add(&s->message, S("\r\n"));
	}
	return 0;
}

/* ---- telling ---- */

static json_t *reply_json(const struct smtp_client_reply *reply, enum smtp_client_stage stage)
{
	return json_pack("{s:s, s:i, s:o, s:o}", "stage", stages_z[stage], "code", reply->code, "enhanced", admin_json_str(reply->enhanced),
			 "text", admin_json_str(reply->text));
}

static void say_reply(FILE *to, const char *about_z, const struct smtp_client_reply *reply, enum smtp_client_stage stage)
{
	peer_say(to, about_z, reply);
	fprintf(to, "%s%s%s\n", stage == SMTP_CLIENT_END ? "" : " (", stage == SMTP_CLIENT_END ? "" : stages_z[stage],
		stage == SMTP_CLIENT_END ? "" : ")");
}

static void keep_tls(struct sending *s, struct smtp_client *c)
{
	struct net_stream_tls_info info;

	json_object_set_new(s->result, "server", admin_json_str(smtp_client_caps(c)->name));
	json_object_set_new(s->result, "address", json_string(s->peer.address));
	if (net_stream_tls_info(smtp_client_stream(c), &info))
		json_object_set_new(s->result, "tls",
				    json_pack("{s:s, s:s, s:b, s:s}", "version", info.version_z, "cipher", info.cipher_z, "verified",
					      info.is_verified, "problem", info.problem_z));
}

/* The status of the first recipient that did not get it. */
static int say_fates(struct sending *s)
{
	bool is_json = cli_option(s->args, "--json") != NULL;
	json_t *list = json_array();
	int status = CLI_OK;

	for (size_t i = 0; i < s->n_rcpts; i++) {
		const struct smtp_client_rcpt *r = &s->rcpts[i];
		AUTO(mem_auto_free) char *address_z = mem_dup_z(r->address);
		json_t *one = reply_json(&r->reply, r->stage);

		json_object_set_new(one, "address", admin_json_str(r->address));
		json_array_append_new(list, one);
		if (!is_json)
			say_reply(stdout, address_z, &r->reply, r->stage);
		if (r->reply.code / 100 != 2 && r->reply.code / 100 != 3 && status == CLI_OK)
			status = STATUS_STAGE + (int)r->stage;
	}
	json_object_set_new(s->result, "recipients", list);
	return status;
}

/* ---- the dialogue ---- */

static int transact(struct sending *s, struct smtp_client *c)
{
	struct smtp_client_message m = { .reverse_path = s->reverse_path, .bytes = buf_str(&s->message), .envid = s->envid, .dsn_ret = s->dsn_ret };

	m.is_8bit = !str_is_ascii(m.bytes);
	m.is_smtputf8 = !str_is_ascii(m.reverse_path);
	for (size_t i = 0; i < s->n_rcpts; i++)
		m.is_smtputf8 = m.is_smtputf8 || !str_is_ascii(s->rcpts[i].address);
	/* What a lost connection means stands with each recipient. */
	if (s->stop != STOP_NOT)
		(void)!smtp_client_probe(c, &m, s->rcpts, s->n_rcpts, until[s->stop], &s->arena);
	else
		(void)!smtp_client_send(c, &m, s->rcpts, s->n_rcpts, &s->arena);
	return say_fates(s);
}

static int talk(struct sending *s, struct net_stream *stream, struct net_stream_tls *tls, struct str password)
{
	const char *names_z[] = { s->peer.host_z, NULL };
	struct net_address literal;
	struct smtp_client_options o = {
		.helo_z = s->helo_z,
		.is_lmtp = cli_option(s->args, "--lmtp") != NULL,
		.starttls = s->tls->starttls,
		.tls = tls,
		.want = { .trust = s->is_insecure ? NET_TRUST_ANY : s->tls->trust, .names_z = names_z },
		.user = s->stop == STOP_TLS ? S("") : str_z(s->user_z),
		.password = password,
		.may_plain = s->is_insecure,
		.times = { REPLY_MS, REPLY_MS, REPLY_MS, REPLY_MS, REPLY_MS, REPLY_MS, END_MS, 0 },
		.trace = cli_option(s->args, "--trace") ? peer_trace : NULL,
	};
	struct smtp_client *c = NULL;
	struct smtp_client_reply reply = { 0 };
	enum smtp_client_stage stage = SMTP_CLIENT_GREETING;
	int status = CLI_OK;

	o.want.sni_z = net_address_parse(str_z(s->peer.host_z), 0, &literal) ? NULL : s->peer.host_z;
	if (smtp_client_open(stream, &o, &s->arena, &c, &stage, &reply) < 0) {
		say_reply(stderr, "martlet", &reply, stage);
		if (stage == SMTP_CLIENT_AUTH && reply.code == 0 && !s->is_insecure && o.want.trust == NET_TRUST_ANY)
			fprintf(stderr, "martlet: --tls verify or implicit verifies it, with --ca-file if the system does not know its authority; --insecure takes any\n");
		json_object_set_new(s->result, "error", reply_json(&reply, stage));
		return STATUS_STAGE + (int)stage;
	}
	keep_tls(s, c);
	if (s->stop == STOP_NOT || s->stop >= STOP_MAIL)
		status = transact(s, c);
	smtp_client_close(&c);
	return status;
}

/* The best port, with a certificate that verifies. */
static int find_port(struct sending *s, struct net_stream_tls *tls, struct fault *fault)
{
	bool is_implicit = false;
	int r = auto_port_find(&s->peer, tls, s->helo_z, &is_implicit, fault);

	s->tls = mode_of(is_implicit ? "implicit" : "verify");
	if (r == 0 && cli_option(s->args, "--trace"))
		fprintf(stderr, "port %u, %s\n", s->peer.port, is_implicit ? "TLS from the start" : "STARTTLS");
	return r;
}

/* Connects and talks. The exit status. */
static int go(struct sending *s, struct net_stream_tls *tls, struct str password)
{
	struct net_stream *stream = NULL;
	struct fault fault = { "" };
	int status = CLI_OK;

	if (s->is_auto && find_port(s, tls, &fault) < 0) {
		fprintf(stderr, "martlet: no port of %s takes mail from programs (%s)\n", s->peer.host_z, fault.text);
		json_object_set_new(s->result, "error", json_pack("{s:s, s:s}", "stage", "connect", "text", fault.text));
		return STATUS_CONNECT;
	}
	if (peer_connect(&s->peer, &stream, &fault) < 0) {
		fprintf(stderr, "martlet: cannot connect to %s port %u: %s\n", s->peer.host_z, s->peer.port, fault.text);
		json_object_set_new(s->result, "error", json_pack("{s:s, s:s}", "stage", "connect", "text", fault.text));
		return STATUS_CONNECT;
	}
	if (s->stop == STOP_CONNECT)
		net_stream_close(&stream);
	else
		status = talk(s, stream, tls, password);
	return status;
}

enum cli_status cli_send(const struct cli_command *cmd, const struct cli_args *args)
{
	struct sending s = { .args = args, .message = BUF_INIT(2u * LIMIT_IMPORT_MESSAGE) };
	AUTO(buf_fini) struct buf password = BUF_INIT(4096), path = BUF_INIT(65536);
	struct net_stream_tls *tls = NULL;
	struct fault fault = { "" };
	int status, r;

	(void)cmd;
	arena_init(&s.arena, 1u << 20);
	r = take_arguments(&s, &fault);
	s.result = json_object();
	if (r == 0)
		r = net_stream_tls_new_file(ca_file_of(&s, &path), &tls, &fault);
	if (r == 0 && s.user_z != NULL && s.stop != STOP_TLS && s.stop != STOP_CONNECT)
		r = take_password(&s, &password, &fault);
	if (r == 0 && s.stop == STOP_NOT)
		r = read_message(&s, &fault);
	status = r < 0 ? (int)cli_fail(args, r, &fault) : go(&s, tls, buf_str(&password));
	if (r == 0 && cli_option(args, "--json") != NULL) {
		json_dumpf(s.result, stdout, JSON_COMPACT);
		printf("\n");
	}
	json_decref(s.result);
	net_stream_tls_free(tls);
	if (password.p != NULL)
		mem_wipe(password.p, password.n);
	draft_fini(&s.draft);
	conf_unref(s.profiles);
	buf_fini(&s.message);
	arena_fini(&s.arena);
	return (enum cli_status)status;
}

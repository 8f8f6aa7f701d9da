/* SPDX-License-Identifier: MIT */
/*
 * sendmail: what cron, scripts, mail programs and web applications call to hand in a message, with the options of sendmail(1); also when this
 * program is called by that name. It makes the message whole (header, recipients of -t) and gives it to a server by SMTP, by
 * default the one on this host. Nothing is kept here: when that server cannot take it, the caller hears of it (EX_TEMPFAIL).
 *
 * Exit statuses are those of sysexits(3), which callers know.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/draft.h"
#include "cli/peer.h"
#include "cli/profile.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/rnd.h"
#include "mime/mime.h"
#include "smtp/client.h"

#define RCPTS_MAX 10000
#define RCPTS_AT_ONCE 100 /* RFC 5321 4.5.3.1.8: every server takes so many */
#define REPLY_MS 60000
#define END_MS 600000
#define ARENA (16u << 20)
#define SERVER_Z "localhost"

struct mail {
	struct arena arena;
	const char *server_z, *from_z, *name_z; /* -S, -f, -F */
	struct peer peer;
	struct conf *profiles;
	const struct profile *profile; /* of MARTLET_ACCOUNT; NULL: none */
	enum net_starttls starttls;    /* of that */
	struct buf password;
	struct str envid;
	int ret;
	unsigned notify;
	bool takes_header; /* -t */
	bool ignores_dots; /* -i */
	bool is_verbose;
	const char *domain_z;      /* of addresses without one */
	const struct passwd *user; /* who calls; NULL: unknown */
	struct mime_address sender;
	struct smtp_client_rcpt *rcpts;
	size_t n_rcpts, cap_rcpts;
	size_t n_said; /* with those that were named twice */
	struct buf message;
};

/* ---- options ---- */

static int complain(const char *what_z, const char *word_z)
{
	fprintf(stderr, "sendmail: %s%s%s; see: man martlet\n", what_z, word_z[0] ? " " : "",
		word_z);
	return EX_USAGE;
}

static int take_value(struct mail *m, char letter, const char *value_z)
{
	switch (letter) {
	case 'f':
	case 'r':
		m->from_z = value_z;
		return 0;
	case 'F':
		m->name_z = value_z;
		return 0;
	case 'S':
		m->server_z = value_z;
		return 0;
	case 'V':
		m->envid = peer_xtext(&m->arena, value_z);
		return 0;
	case 'N':
		return peer_notify(value_z, &m->notify)
			       ? 0
			       : complain("-N knows never, or success, failure and delay, not",
					  value_z);
	case 'R':
		return peer_ret(value_z, &m->ret)
			       ? 0
			       : complain("-R knows full and hdrs, not", value_z);
	default:
		m->ignores_dots = m->ignores_dots || (letter == 'o' && value_z[0] == 'i');
		return 0;
	}
}

/* -b: only what sends is done here. */
static int take_mode(const char *mode_z)
{
	if (mode_z[0] == 'm')
		return 0;
	if (mode_z[0] == 'p')
		return complain("the queue is told by: martlet queue list", "");
	return complain("no mode", mode_z);
}

static int take_switch(struct mail *m, char letter)
{
	m->takes_header = m->takes_header || letter == 't';
	m->ignores_dots = m->ignores_dots || letter == 'i';
	m->is_verbose = m->is_verbose || letter == 'v';
	return 0;
}

/* What sendmail(1) knows; those that neither take_switch() nor take_value() looks at say how the server works, and mean nothing here. */
#define SWITCHES "cGimnItUvx"
#define OPTIONS "+:" SWITCHES "A:B:C:D:F:L:N:O:R:S:V:X:b:d::e:f:h:o:p:q::r:"

static int add_rcpt(struct mail *m, const struct mime_address *a);

/*
 * Those of a header field or of an argument. What the parser would leave out, as it bounds what it reads, is refused: a recipient is never
 * lost unheard.
 */
static int add_list(struct mail *m, struct str text)
{
	struct mime_addresses list;
	int status = 0;

	if (text.n > LIMIT_MIME_HEADER_FIELD || mime_addresses_parse(&m->arena, text, &list) < 0 ||
	    list.n >= LIMIT_MIME_ADDRESSES - 1)
		return complain("too many recipients in one list", "");
	for (size_t i = 0; status == 0 && i < list.n; i++)
		if (list.v[i].kind == MIME_ADDR_MAILBOX)
			status = add_rcpt(m, &list.v[i]);
	return status;
}

static int take_option(struct mail *m, int letter)
{
	const char word[] = { '-', (char)optopt, '\0' };

	switch (letter) {
	case '?':
		return complain("no option", word);
	case ':':
		return complain("a value must follow", word);
	case 'b':
		return take_mode(optarg);
	case 'q':
		return complain("the queue is run by: martlet queue flush", "");
	default:
		return strchr(SWITCHES, letter) ? take_switch(m, (char)letter)
						: take_value(m, (char)letter, optarg ? optarg : "");
	}
}

/* With -t the addresses of the command line are further recipients, as in Postfix. Options come first; argv[0] is no argument. */
static int take_arguments(struct mail *m, int argc, char **argv)
{
	bool is_ended;
	int letter, status = 0;

	opterr = 0;
	while (status == 0 && (letter = getopt(argc, argv, OPTIONS)) != -1)
		status = take_option(m, letter);
	is_ended = str_eq(str_z(argv[optind - 1]), S("--"));
	for (int i = optind; i < argc && status == 0; i++) {
		size_t had = m->n_said;

		if (!is_ended && argv[i][0] == '-')
			return complain("options come before recipients:", argv[i]);
		status = add_list(m, str_z(argv[i]));
		if (status == 0 && m->n_said == had)
			return complain("no address:", argv[i]);
	}
	return status;
}

/* ---- who and where ---- */

/* What stands behind the @ of "root": as other programs of the host have it, else its name. */
static const char *domain_of_host_z(void)
{
	static char name_z[256] = "localhost";
	FILE *f = fopen("/etc/mailname", "re");
	struct str name = S("");

	if (f != NULL) {
		if (fgets(name_z, sizeof(name_z), f) != NULL)
			name = str_trim(str_z(name_z));
		fclose(f);
	}
	if (name.n == 0 || str_chr(name, ' ') >= 0) {
		peer_own_name(name_z, sizeof(name_z));
		return name_z;
	}
	memmove(name_z, name.p, name.n);
	name_z[name.n] = '\0';
	return name_z;
}

/* "root" is somebody of this host. */
static struct mime_address qualified(const struct mail *m, const struct mime_address *a)
{
	struct mime_address whole = *a;

	if (whole.domain.n == 0)
		whole.domain = str_z(m->domain_z);
	return whole;
}

static struct str spec_of(struct mail *m, const struct mime_address *a)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(4096);
	struct mime_address whole = qualified(m, a);
	struct str copy;

	mime_addr_spec(&whole, &text);
	copy = arena_str(&m->arena, buf_str(&text));
	return copy.p && !buf_overflowed(&text) ? copy : S("");
}

static int add_rcpt(struct mail *m, const struct mime_address *a)
{
	struct str address = a->mailbox.n > 0 ? spec_of(m, a) : S("");

	if (address.n == 0) {
		AUTO(mem_auto_free) char *name_z = mem_dup_z(a->name);

		return complain("no address:", name_z);
	}
	m->n_said++;
	for (size_t i = 0; i < m->n_rcpts; i++)
		if (str_eq(m->rcpts[i].address, address))
			return 0;
	if (m->n_rcpts == RCPTS_MAX)
		return complain("too many recipients", "");
	if (m->n_rcpts == m->cap_rcpts) {
		m->cap_rcpts = m->cap_rcpts ? 2 * m->cap_rcpts : 16;
		m->rcpts = mem_resize(m->rcpts, m->cap_rcpts, sizeof(*m->rcpts));
	}
	m->rcpts[m->n_rcpts++] =
		(struct smtp_client_rcpt){ .address = address, .notify = m->notify };
	return 0;
}

/* Who calls, by the system's word: the login name is a local part, whatever is in it. */
static int take_caller(struct mail *m)
{
	struct str name;
	ptrdiff_t comma;

	if (m->user == NULL) {
		fprintf(stderr, "sendmail: who calls is not known to this host; -f says it\n");
		return EX_OSERR;
	}
	name = str_z(m->user->pw_gecos);
	comma = str_chr(name, ',');
	m->sender = (struct mime_address){ .mailbox = str_z(m->user->pw_name),
					   .domain = str_z(m->domain_z),
					   .name = comma < 0 ? name : str_head(name, (size_t)comma) };
	if (!mime_address_is_whole(&m->sender))
		m->sender.name = S("");
	return 0;
}

/* -f, else the caller; name: -F, else what the system knows. An empty -f is the null reverse-path. */
static int find_sender(struct mail *m)
{
	struct mime_addresses list = { NULL, 0 };
	struct str text = str_trim(str_z(m->from_z));
	int status = m->from_z ? 0 : take_caller(m);

	if (status != 0 || (m->from_z && (str_eq(text, S("<>")) || text.n == 0)))
		return status;
	if (m->from_z) {
		if (mime_addresses_parse(&m->arena, text, &list) < 0 || list.n != 1 || list.v[0].mailbox.n == 0)
			return complain("no address:", m->from_z);
		m->sender = qualified(m, &list.v[0]);
	}
	if (m->name_z)
		m->sender.name = str_z(m->name_z);
	if (mime_address_is_whole(&m->sender) && spec_of(m, &m->sender).n > 0)
		return 0;
	return complain("no address, or no name, for a header:", m->name_z ? m->name_z : m->from_z ? m->from_z : m->domain_z);
}

/* ---- the message ---- */

/* Lines with CRLF, as they come; without -i a line that is a dot ends it. */
static int read_message(struct mail *m, struct buf *out)
{
	AUTO(buf_fini) struct buf raw = BUF_INIT(LIMIT_IMPORT_MESSAGE);
	struct str rest, line;
	struct fault fault = { "" };
	int r = draft_read_file(stdin, "standard input", &raw, &fault);

	if (r < 0) {
		fprintf(stderr, "sendmail: %s\n", fault.text);
		return r == -E_TOO_BIG ? EX_DATAERR : EX_IOERR;
	}
	rest = buf_str(&raw);
	if (str_starts(rest, S("From "))) /* of an mbox */
		(void)str_split(&rest, '\n', &line);
	while (str_split(&rest, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (!m->ignores_dots && str_eq(line, S(".")))
			break;
		buf_add(out, line);
		buf_add(out, S("\r\n"));
	}
	return 0;
}

enum seen { SEEN_FROM = 1, SEEN_DATE = 2, SEEN_ID = 4, SEEN_RESENT = 8 };

static const struct {
	const char *name_z;
	unsigned seen;
	bool is_dropped; /* for nobody's eyes, or the next server's to write */
	bool is_recipients;
	bool is_resent;
} fields[] = {
	{ "From", SEEN_FROM, false, false, false },
	{ "Date", SEEN_DATE, false, false, false },
	{ "Message-ID", SEEN_ID, false, false, false },
	{ "To", 0, false, true, false },
	{ "Cc", 0, false, true, false },
	{ "Bcc", 0, true, true, false },
	{ "Resent-To", SEEN_RESENT, false, true, true },
	{ "Resent-Cc", SEEN_RESENT, false, true, true },
	{ "Resent-Bcc", SEEN_RESENT, true, true, true },
	{ "Return-Path", 0, true, false, false },
	{ "Content-Length", 0, true, false, false },
};

static int field_row(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (str_ieq(name, str_z(fields[i].name_z)))
			return (int)i;
	return -1;
}

/* Which there are, and how long the header is: a line that is no field begins the body. */
static unsigned look_at_header(struct str message, size_t *ret_n)
{
	struct mime_field f;
	struct str rest = message;
	unsigned seen = 0;

	*ret_n = 0;
	while (mime_field_next(&rest, &f) > 0 && f.name.n > 0) {
		int row = field_row(f.name);

		*ret_n += f.raw.n;
		seen |= row < 0 ? 0 : fields[row].seen;
	}
	return seen;
}

/* RFC 5322 3.6.6: of a message that is sent again the new recipients are meant. */
static int take_recipients(struct mail *m, struct str header, bool is_resent)
{
	struct mime_field f;
	int status = 0;

	while (status == 0 && mime_field_next(&header, &f) > 0) {
		int row = field_row(f.name);
		struct str value;

		if (row < 0 || !fields[row].is_recipients || fields[row].is_resent != is_resent)
			continue;
		if (mime_unfold(&m->arena, f.value, &value) < 0)
			return complain("too many recipients in one list", "");
		status = add_list(m, value);
	}
	return status;
}

static void write_missing(struct mail *m, unsigned seen)
{
	struct buf *out = &m->message;
	char date_z[40], id_z[25];

	if (!(seen & SEEN_FROM)) {
		struct mime_address a = m->sender;

		if (a.mailbox.n == 0)
			a = (struct mime_address){ .mailbox = S("MAILER-DAEMON"),
						   .domain = str_z(m->domain_z) };
		buf_add(out, S("From: "));
		mime_address_write(&a, out);
		buf_add(out, S("\r\n"));
	}
	if (!(seen & SEEN_DATE)) {
		int64_t now_s = clock_wall_ms() / 1000;

		mime_date_print_z(date_z, now_s, draft_zone_min(now_s));
		buf_printf(out, "Date: %s\r\n", date_z);
	}
	if (!(seen & SEEN_ID)) {
		rnd_id_z(id_z, sizeof(id_z) - 1);
		buf_printf(out, "Message-ID: <%s@%s>\r\n", id_z, m->domain_z);
	}
}

static int make_message(struct mail *m)
{
	AUTO(buf_fini) struct buf raw = BUF_INIT(2u * LIMIT_IMPORT_MESSAGE);
	struct mime_field f;
	struct str header, body;
	unsigned seen;
	size_t n;
	int status = read_message(m, &raw);

	if (status != 0)
		return status;
	seen = look_at_header(buf_str(&raw), &n);
	header = str_head(buf_str(&raw), n);
	body = str_skip(buf_str(&raw), n);
	if (m->takes_header)
		status = take_recipients(m, header, (seen & SEEN_RESENT) != 0);
	while (status == 0 && mime_field_next(&header, &f) > 0) {
		int row = field_row(f.name);

		if (row < 0 || !fields[row].is_dropped)
			buf_add(&m->message, f.raw);
	}
	write_missing(m, seen);
	if (!str_starts(body, S("\r\n")))
		buf_add(&m->message, S("\r\n"));
	buf_add(&m->message, body);
	if (status == 0 && buf_overflowed(&m->message)) {
		fprintf(stderr, "sendmail: the message is larger than a message may be\n");
		status = EX_DATAERR;
	}
	return status;
}

/* ---- handing it in ---- */

/* A refusal for good is the message's or the recipient's fault; all else may pass. */
static int status_of(const struct smtp_client_reply *reply)
{
	if (reply->code / 100 == 2)
		return EX_OK;
	return reply->code / 100 == 5 || str_starts(reply->enhanced, S("5.")) ? EX_UNAVAILABLE
									      : EX_TEMPFAIL;
}

static void say(const char *about_z, const struct smtp_client_reply *reply)
{
	fputs("sendmail: ", stderr);
	peer_say(stderr, about_z, reply);
	fputc('\n', stderr);
}

/*
 * EX_TEMPFAIL makes callers come again with all recipients, so it is said only where nobody has the message yet, and nobody was refused for good:
 * nobody gets it twice.
 */
static int say_fates(const struct mail *m)
{
	bool is_taken = false;
	int status = EX_OK;

	for (size_t i = 0; i < m->n_rcpts; i++) {
		AUTO(mem_auto_free) char *address_z = mem_dup_z(m->rcpts[i].address);
		int one = status_of(&m->rcpts[i].reply);

		is_taken = is_taken || one == EX_OK;
		if (one == EX_OK)
			continue;
		say(address_z, &m->rcpts[i].reply);
		if (status != EX_UNAVAILABLE)
			status = one;
	}
	return is_taken && status == EX_TEMPFAIL ? EX_UNAVAILABLE : status;
}

static int transact(struct mail *m, struct smtp_client *c)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(2u * LIMIT_IMPORT_MESSAGE);
	struct smtp_client_message message = { .bytes = buf_str(&m->message),
					       .envid = m->envid,
					       .dsn_ret = m->ret };

	if (m->sender.mailbox.n > 0)
		message.reverse_path = spec_of(m, &m->sender);
	message.is_8bit = !str_is_ascii(message.bytes);
	if (message.is_8bit && !smtp_client_caps(c)->has_8bitmime &&
	    mime_convert_7bit(message.bytes, &plain) == 0) { /* RFC 6152 3 */
		message.bytes = buf_str(&plain);
		message.is_8bit = false;
	}
	message.is_smtputf8 = !str_is_ascii(message.reverse_path);
	for (size_t i = 0; i < m->n_rcpts; i++)
		message.is_smtputf8 = message.is_smtputf8 || !str_is_ascii(m->rcpts[i].address);
	/* What a lost connection means stands with each recipient; those of the next transactions are told so, too. */
	for (size_t i = 0; i < m->n_rcpts; i += RCPTS_AT_ONCE) {
		size_t n = m->n_rcpts - i < RCPTS_AT_ONCE ? m->n_rcpts - i : RCPTS_AT_ONCE;

		(void)!smtp_client_send(c, &message, m->rcpts + i, n, &m->arena);
	}
	return say_fates(m);
}

/* On this host TLS would hide nothing from anybody. */
static bool is_here(const struct peer *peer)
{
	return str_starts(str_z(peer->address), S("127.")) ||
	       str_eq(str_z(peer->address), S("::1"));
}

/* An account of ours: its server is known by its certificate, and gets its password. */
static void use_account(const struct mail *m, struct smtp_client_options *o, const char *names_z[2])
{
	struct net_address literal;

	if (m->profile == NULL)
		return;
	names_z[0] = m->peer.host_z;
	o->starttls = m->starttls;
	o->want = (struct net_stream_tls_want){ .trust = m->profile->is_insecure ? NET_TRUST_ANY : NET_TRUST_PKIX, .names_z = names_z };
	o->want.sni_z = net_address_parse(str_z(m->peer.host_z), 0, &literal) ? NULL : m->peer.host_z;
	o->user = str_z(profile_user(m->profile));
	o->password = buf_str(&m->password);
	o->may_plain = m->profile->is_insecure;
}

static int talk(struct mail *m, struct net_stream *stream, struct net_stream_tls *tls)
{
	const struct peer *peer = &m->peer;
	struct smtp_client_options o = {
		.helo_z = m->domain_z,
		.starttls = is_here(peer) ? NET_STARTTLS_NEVER : NET_STARTTLS_IF_OFFERED,
		.tls = tls,
		.want = { .trust = NET_TRUST_ANY },
		.times = { REPLY_MS, REPLY_MS, REPLY_MS, REPLY_MS, REPLY_MS, REPLY_MS, END_MS, 0 },
		.trace = m->is_verbose ? peer_trace : NULL,
	};
	struct smtp_client *c = NULL;
	struct smtp_client_reply reply = { 0 };
	enum smtp_client_stage stage = SMTP_CLIENT_GREETING;
	const char *names_z[2] = { NULL, NULL };
	int status;

	use_account(m, &o, names_z);
	if (smtp_client_open(stream, &o, &m->arena, &c, &stage, &reply) < 0) {
		say(peer->host_z, &reply);
		return status_of(&reply) == EX_OK ? EX_TEMPFAIL : status_of(&reply);
	}
	status = transact(m, c);
	smtp_client_close(&c);
	return status;
}

static int hand_in(struct mail *m)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(65536);
	const char *ca_z = m->profile != NULL && m->profile->ca_file_z[0] != '\0' ? profile_path(m->profile->ca_file_z, &path) : NULL;
	struct net_stream *stream = NULL;
	struct net_stream_tls *tls = NULL;
	struct fault fault = { "" };
	int status;

	if (peer_connect(&m->peer, &stream, &fault) < 0) {
		fprintf(stderr, "sendmail: cannot connect to %s port %u: %s\n", m->peer.host_z,
			m->peer.port, fault.text);
		return EX_TEMPFAIL;
	}
	if (net_stream_tls_new_file(ca_z, &tls, &fault) < 0) {
		fprintf(stderr, "sendmail: %s\n", fault.text);
		net_stream_close(&stream);
		return EX_TEMPFAIL;
	}
	status = talk(m, stream, tls);
	net_stream_tls_free(tls);
	return status;
}

/* MARTLET_ACCOUNT: an account of the user's file of servers. What -S and -f say wins. */
static int take_account(struct mail *m, const char *name_z)
{
	struct fault fault = { "" };
	int r = profile_load(NULL, &m->profiles, &fault);

	if (r == 0)
		r = profile_find(m->profiles, name_z, &m->profile, &fault);
	if (r == 0)
		r = profile_server(m->profile, PROFILE_SMTP, &m->peer, &m->starttls, &fault);
	if (r == 0 && profile_user(m->profile)[0] != '\0')
		r = profile_password(m->profile, name_z, &m->password, &fault);
	if (r < 0) {
		fprintf(stderr, "sendmail: %s\n", fault.text);
		return EX_CONFIG;
	}
	if (m->from_z == NULL && m->profile->address_z[0] != '\0')
		m->from_z = m->profile->address_z;
	return 0;
}

/* Where to: -S, else the account, else MARTLET_SENDMAIL_SERVER, else this host. */
static int find_server(struct mail *m)
{
	const char *account_z = getenv("MARTLET_ACCOUNT"), *server_z = getenv("MARTLET_SENDMAIL_SERVER");
	struct fault fault = { "" };

	if (m->server_z == NULL && account_z != NULL && account_z[0] != '\0')
		return take_account(m, account_z);
	if (m->server_z == NULL)
		m->server_z = server_z != NULL && server_z[0] != '\0' ? server_z : SERVER_Z;
	return peer_parse(&m->peer, m->server_z, "the server of -S or MARTLET_SENDMAIL_SERVER", 25, &fault) < 0 ? complain(fault.text, "") : 0;
}

static int run(struct mail *m, int argc, char **argv)
{
	int status;

	arena_init(&m->arena, ARENA);
	m->domain_z = domain_of_host_z();
	m->user = getpwuid(getuid());
	status = take_arguments(m, argc, argv);
	if (status == 0)
		status = find_server(m);
	if (status == 0)
		status = find_sender(m);
	if (status == 0)
		status = make_message(m);
	if (status == 0 && m->n_rcpts == 0)
		status = complain(
			m->takes_header ? "the header names no recipients" : "no recipients", "");
	return status == 0 ? hand_in(m) : status;
}

int cli_sendmail(int argc, char **argv)
{
	struct mail m = { .message = BUF_INIT(2u * LIMIT_IMPORT_MESSAGE), .password = BUF_INIT(4096) };
	int status = run(&m, argc, argv);

	if (m.password.p != NULL)
		mem_wipe(m.password.p, m.password.n);
	buf_fini(&m.password);
	conf_unref(m.profiles);
	mem_free(m.rcpts);
	buf_fini(&m.message);
	arena_fini(&m.arena);
	return status;
}

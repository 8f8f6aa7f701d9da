/* SPDX-License-Identifier: MIT */
/* The rows of [server], [listener "..."], [tls] and [certificate "..."], and the list of all tables. */
#include "server/server.h"

#include <arpa/inet.h>

#include "imap/imap.h"
#include "net/dns.h"
#include "pop3/pop3.h"
#include "queue/dkim.h"
#include "queue/queue.h"
#include "queue/route.h"
#include "queue/tlsrpt.h"
#include "sasl/sasl.h"
#include "smtp/smtp.h"
#include "store/store.h"

static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const sandboxes[] = { "no", "yes", "required", NULL };
static const char *const protocols[] = { "smtp", "submission", "lmtp", "imap", "pop3", NULL };
static const char *const tls_modes[] = { "none", "starttls", "implicit", NULL };

#define AT(member) offsetof(struct server_conf, member)
static const struct conf_row server_rows[] = {
	{ .key = "hostname", .type = CONF_STR, .offset = AT(hostname), .default_z = "", .reload = CONF_RESTART,
	  .help = "The fully qualified name of this host, said in greetings and trace headers; empty takes the machine's own." },
	{ .key = "data_dir", .type = CONF_STR, .offset = AT(data_dir), .default_z = "/var/lib/martlet", .reload = CONF_RESTART,
	  .help = "The directory that holds everything the server keeps." },
	{ .key = "user", .type = CONF_STR, .offset = AT(user), .default_z = "", .reload = CONF_RESTART,
	  .help = "The user that the server process runs as when started by root; empty keeps the starting user." },
	{ .key = "log_level", .type = CONF_ENUM, .offset = AT(log_level), .default_z = "info", .names = log_levels, .reload = CONF_LIVE,
	  .help = "The least important kind of log line that is written." },
	{ .key = "log_format", .type = CONF_ENUM, .offset = AT(log_format), .default_z = "text", .names = log_formats, .reload = CONF_LIVE,
	  .help = "How log lines are written: key=value text or one JSON object a line." },
	{ .key = "sandbox", .type = CONF_ENUM, .offset = AT(sandbox), .default_z = "yes", .names = sandboxes, .reload = CONF_RESTART,
	  .help = "Whether the server process is closed in (Landlock, seccomp): as far as the kernel can, or not at all, or it does not start without both." },
	{ .key = "restart_pause", .type = CONF_TIME, .offset = AT(restart_pause_ms), .default_z = "5s", .max = 600000, .reload = CONF_LIVE,
	  .help = "The longest pause before a server process that died again and again is started once more; the first time there is none." },
	{ .key = "stop_grace", .type = CONF_TIME, .offset = AT(stop_grace_ms), .default_z = "10s", .max = 600000, .reload = CONF_LIVE,
	  .help = "How long sessions may finish their command when the server stops." },
	{ .key = "test_verbs", .type = CONF_BOOL, .offset = AT(has_test_verbs), .default_z = "no", .reload = CONF_RESTART,
	  .help = "Lets the control socket move the clock and make writes fail; for tests only." },
};
#undef AT

/* It is said in greetings and written into messages. RFC 5321 2.3.5; underscores are common in inner networks. */
static bool is_host_name(struct str s)
{
	if (s.n > 255 || str_starts(s, S("-")) || str_starts(s, S(".")))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-._", str_lower_char(s.p[i])))
			return false;
	return true;
}

static int check_server(const void *values, struct fault *fault)
{
	const struct server_conf *s = values;

	if (!is_host_name(str_z(s->hostname)))
		return fault_set(fault, -E_USAGE, "hostname = %.100s: not a name of letters, digits, hyphens and dots, such as "
				 "mail.example.org (of other scripts write the form with xn--)", s->hostname);
	if (s->data_dir[0] != '/')
		return fault_set(fault, -E_USAGE, "data_dir = %.100s: write the whole path, from / on", s->data_dir);
	return 0;
}

const struct conf_table server_conf_table = {
	.section = "server", .struct_size = sizeof(struct server_conf),
	.rows = server_rows, .n_rows = ARRAY_LEN(server_rows), .check = check_server,
	.help = "The server as a whole.",
};

static bool is_address(const char *z)
{
	unsigned char room[sizeof(struct in6_addr)];

	return z[0] == '/' || str_eq(str_z(z), S("*")) || inet_pton(AF_INET, z, room) == 1 || inet_pton(AF_INET6, z, room) == 1;
}

static int check_listener(const void *values, struct fault *fault)
{
	const struct server_listener_conf *l = values;

	if (!is_address(l->address))
		return fault_set(fault, -E_USAGE, "address = %.100s: write *, an IPv4 or IPv6 address, or /path", l->address);
	if (l->address[0] != '/' && l->port == 0)
		return fault_set(fault, -E_USAGE, "a listener needs a port, write for example: port = 143");
	if (l->protocol == SERVER_SMTP && l->tls == NET_TLS_IMPLICIT)
		return fault_set(fault, -E_USAGE, "smtp has no implicit TLS, write tls = starttls, or protocol = submission");
	return 0;
}

#define AT(member) offsetof(struct server_listener_conf, member)
static const struct conf_row listener_rows[] = {
	{ .key = "protocol", .type = CONF_ENUM, .offset = AT(protocol), .default_z = "smtp", .names = protocols, .reload = CONF_RESTART,
	  .help = "The protocol that is spoken on this port." },
	{ .key = "address", .type = CONF_STR, .offset = AT(address), .default_z = "*", .reload = CONF_RESTART,
	  .help = "The address to listen on: * for all, an IPv4 or IPv6 address, or /path for a unix socket, which every user who may enter its directory can use." },
	{ .key = "port", .type = CONF_INT, .offset = AT(port), .default_z = "0", .max = 65535, .reload = CONF_RESTART,
	  .help = "The port to listen on; not used for a unix socket." },
	{ .key = "tls", .type = CONF_ENUM, .offset = AT(tls), .default_z = "starttls", .names = tls_modes, .reload = CONF_RESTART,
	  .help = "Whether TLS is not there, offered by STARTTLS, or begins at once (implicit)." },
};
#undef AT

const struct conf_table server_listener_table = {
	.section = "listener", .is_named = true, .struct_size = sizeof(struct server_listener_conf),
	.rows = listener_rows, .n_rows = ARRAY_LEN(listener_rows), .check = check_listener,
	.help = "One port and the protocol on it; any number of these sections.",
};

#define AT(member) offsetof(struct server_tls_conf, member)
static const struct conf_row tls_rows[] = {
	{ .key = "certificate", .type = CONF_STR, .offset = AT(certificate), .default_z = "", .reload = CONF_LIVE,
	  .help = "PEM file with the certificate chain, leaf first; empty makes a self-signed one in the data directory." },
	{ .key = "key", .type = CONF_STR, .offset = AT(key), .default_z = "", .reload = CONF_LIVE,
	  .help = "PEM file with the private key of the certificate." },
	{ .key = "client_ca", .type = CONF_STR, .offset = AT(client_ca), .default_z = "", .reload = CONF_LIVE,
	  .help = "PEM file with the authorities whose client certificates may log in (SASL EXTERNAL); empty asks for none." },
};
#undef AT

const struct conf_table server_tls_table = {
	.section = "tls", .struct_size = sizeof(struct server_tls_conf),
	.rows = tls_rows, .n_rows = ARRAY_LEN(tls_rows),
	.help = "The default certificate.",
};

#define AT(member) offsetof(struct server_certificate_conf, member)
static const struct conf_row certificate_rows[] = {
	{ .key = "certificate", .type = CONF_STR, .offset = AT(certificate), .default_z = "", .reload = CONF_LIVE,
	  .help = "PEM file with the certificate chain, leaf first." },
	{ .key = "key", .type = CONF_STR, .offset = AT(key), .default_z = "", .reload = CONF_LIVE,
	  .help = "PEM file with the private key." },
};
#undef AT

static int check_certificate(const void *values, struct fault *fault)
{
	const struct server_certificate_conf *c = values;

	if (!c->certificate[0] || !c->key[0])
		return fault_set(fault, -E_USAGE, "a certificate section needs both certificate = FILE and key = FILE");
	return 0;
}

const struct conf_table server_certificate_table = {
	.section = "certificate", .is_named = true, .struct_size = sizeof(struct server_certificate_conf),
	.rows = certificate_rows, .n_rows = ARRAY_LEN(certificate_rows), .check = check_certificate,
	.help = "A further certificate, used when a client asks for one of its names (SNI).",
};

const struct conf_table *const server_tables[] = {
	&server_conf_table, &server_listener_table, &server_tls_table, &server_certificate_table,
	&net_conf_table, &net_dns_conf_table, &store_conf_table, &queue_conf_table, &queue_route_table, &queue_tlsrpt_conf_table, &queue_dkim_conf_table, &sasl_conf_table,
	&smtp_conf_table, &imap_conf_table, &pop3_conf_table,
};
const size_t server_n_tables = ARRAY_LEN(server_tables);

static int check_whole(const struct conf *c, const char *path_z, struct fault *fault)
{
	size_t n = conf_count(c, &server_listener_table);
	const struct server_tls_conf *tls = conf_get(c, &server_tls_table);

	if (n == 0)
		return fault_set(fault, -E_USAGE, "%s: no [listener \"name\"] section, so nothing would be served; martlet config explain listener tells what is in one", path_z);
	if (!tls->certificate[0] != !tls->key[0])
		return fault_set(fault, -E_USAGE, "%s: [tls] needs both certificate and key, or neither", path_z);
	for (size_t i = 0; i < n; i++) {
		const char *name;
		const struct server_listener_conf *a = conf_get_nth(c, &server_listener_table, i, &name);

		for (size_t j = 0; j < i; j++) {
			const char *other;
			const struct server_listener_conf *b = conf_get_nth(c, &server_listener_table, j, &other);

			if (a->port == b->port && str_eq(str_z(a->address), str_z(b->address)))
				return fault_set(fault, -E_USAGE, "%s: listeners \"%s\" and \"%s\" have the same address and port",
						 path_z, other, name);
		}
	}
	return 0;
}

static int keep_if_whole(struct conf *c, const char *path_z, struct conf **ret, struct fault *fault)
{
	int r = check_whole(c, path_z, fault);

	if (r < 0) {
		conf_unref(c);
		return r;
	}
	*ret = c;
	return 0;
}

int server_conf_load(const char *path_z, struct conf **ret, struct fault *fault)
{
	struct conf *c = NULL;
	int r = conf_load(server_tables, server_n_tables, path_z, &c, fault);

	return r < 0 ? r : keep_if_whole(c, path_z, ret, fault);
}

int server_conf_parse(const char *path_z, struct str text, struct conf **ret, struct fault *fault)
{
	struct conf *c = NULL;
	int r = conf_parse(server_tables, server_n_tables, path_z, text, &c, fault);

	return r < 0 ? r : keep_if_whole(c, path_z, ret, fault);
}

/* SPDX-License-Identifier: MIT */
/*
 * See profile.h. The file is read as the server's settings are (room conf): unknown keys and wrong values are told with their line and what to write.
 *
 * It names commands that are run: it has to belong to who runs it, or root, and nobody else may write to it. A file with a password may be read by nobody else either.
 */
#include "cli/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "cli/cli.h"

static const char *const tls_names[] = { "implicit", "starttls", "never", NULL };
static const enum net_starttls tls_modes[] = { NET_STARTTLS_FROM_START, NET_STARTTLS_ALWAYS, NET_STARTTLS_NEVER };
static const char *const from_names[] = { "imap", "pop3", NULL };

#define AT(member) offsetof(struct profile, member)

static const struct conf_row rows[] = {
	{ .key = "address", .type = CONF_STR, .offset = AT(address_z), .default_z = "", .help = "Your address there: who mail is from." },
	{ .key = "user", .type = CONF_STR, .offset = AT(user_z), .default_z = "", .help = "The name to log in with; the address if there is none." },
	{ .key = "imap", .type = CONF_STR, .offset = AT(servers[PROFILE_IMAP].host_z), .default_z = "", .help = "HOST or HOST:PORT." },
	{ .key = "imap_tls", .type = CONF_ENUM, .offset = AT(servers[PROFILE_IMAP].tls), .default_z = "implicit", .names = tls_names,
	  .help = "How TLS begins there." },
	{ .key = "pop3", .type = CONF_STR, .offset = AT(servers[PROFILE_POP3].host_z), .default_z = "", .help = "HOST or HOST:PORT." },
	{ .key = "pop3_tls", .type = CONF_ENUM, .offset = AT(servers[PROFILE_POP3].tls), .default_z = "implicit", .names = tls_names,
	  .help = "How TLS begins there." },
	{ .key = "smtp", .type = CONF_STR, .offset = AT(servers[PROFILE_SMTP].host_z), .default_z = "", .help = "HOST or HOST:PORT, to send by." },
	{ .key = "smtp_tls", .type = CONF_ENUM, .offset = AT(servers[PROFILE_SMTP].tls), .default_z = "implicit", .names = tls_names,
	  .help = "How TLS begins there." },
	{ .key = "ca_file", .type = CONF_STR, .offset = AT(ca_file_z), .default_z = "", .help = "Certificates to trust instead of the system's." },
	{ .key = "insecure", .type = CONF_BOOL, .offset = AT(is_insecure), .default_z = "no",
	  .help = "Take any certificate, and log in without TLS where there is none." },
	{ .key = "password_file", .type = CONF_STR, .offset = AT(password_file_z), .default_z = "", .help = "Its first line is the password." },
	{ .key = "password_env", .type = CONF_STR, .offset = AT(password_env_z), .default_z = "", .help = "The environment variable that has it." },
	{ .key = "password_command", .type = CONF_STR, .offset = AT(password_command_z), .default_z = "",
	  .help = "The first line that it prints is the password." },
	{ .key = "from", .type = CONF_ENUM, .offset = AT(from), .default_z = "imap", .names = from_names, .help = "What fetch speaks." },
	{ .key = "mailboxes", .type = CONF_LIST, .offset = AT(mailboxes), .default_z = "", .help = "Which fetch takes, over IMAP; INBOX if none is named." },
	{ .key = "to", .type = CONF_STR, .offset = AT(to_z), .default_z = "",
	  .help = "Where fetch puts mail: maildir:DIRECTORY, mbox:FILE, stdout or command:COMMAND." },
	{ .key = "delete", .type = CONF_BOOL, .offset = AT(is_delete), .default_z = "no", .help = "Delete on the server what fetch has put on the disk." },
	{ .key = "delete_after", .type = CONF_TIME, .offset = AT(delete_after_ms), .default_z = "0", .min = 0, .max = INT64_C(10000) * 86400000,
	  .help = "With delete: not before it has been here for so long." },
};

static int check(const void *values, struct fault *fault)
{
	const struct profile *p = values;
	int n = (p->password_file_z[0] != '\0') + (p->password_env_z[0] != '\0') + (p->password_command_z[0] != '\0');

	for (size_t i = 0; i < PROFILE_N_PROTOCOLS; i++) {
		struct peer peer;

		if (p->servers[i].host_z[0] != '\0' && peer_parse(&peer, p->servers[i].host_z, "a server", 1, fault) < 0)
			return -E_USAGE;
	}
	return n > 1 ? fault_set(fault, -E_USAGE, "password_file, password_env and password_command: write one of them") : 0;
}

static const struct conf_table table = {
	.section = "account", .is_named = true, .struct_size = sizeof(struct profile), .rows = rows, .n_rows = ARRAY_LEN(rows),
	.help = "An account on another server.", .check = check,
};
static const struct conf_table *const tables[] = { &table };

/* ---- files ---- */

const char *profile_path(const char *path_z, struct buf *out)
{
	const char *home_z = getenv("HOME");

	buf_reset(out);
	if (str_starts(str_z(path_z), S("~/")) && home_z != NULL)
		buf_printf(out, "%s%s", home_z, path_z + 1);
	else
		buf_add(out, str_z(path_z));
	return buf_z(out);
}

static const char *default_path(struct buf *out)
{
	const char *xdg_z = getenv("XDG_CONFIG_HOME");

	if (xdg_z == NULL || xdg_z[0] != '/')
		return profile_path("~/.config/martlet/servers.ini", out);
	buf_printf(out, "%s/martlet/servers.ini", xdg_z);
	return buf_z(out);
}

static int check_owner(const char *path_z, struct fault *fault)
{
	struct stat st;

	if (stat(path_z, &st) < 0)
		return errno == ENOENT ? fault_set(fault, -E_NOT_FOUND, "there is no %s; make one with a section [account \"NAME\"], or name one with --profiles", path_z)
				       : fault_errno(fault, errno, "cannot read %s", path_z);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fault_set(fault, -E_USAGE, "%s belongs to somebody else, and it may name commands: copy it to a file of your own", path_z);
	if (S_ISREG(st.st_mode) && (st.st_mode & 022) != 0)
		return fault_set(fault, -E_USAGE, "others may write to %s, and it may name commands: chmod go-w %s", path_z, path_z);
	return 0;
}

int profile_load(const char *path_z, struct conf **ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(65536);
	int r;

	if (path_z == NULL)
		path_z = default_path(&path);
	r = check_owner(path_z, fault);
	return r < 0 ? r : conf_load(tables, 1, path_z, ret, fault);
}

/* ---- accounts ---- */

size_t profile_count(const struct conf *c)
{
	return conf_count(c, &table);
}

const struct profile *profile_nth(const struct conf *c, size_t i, const char **ret_name_z)
{
	return conf_get_nth(c, &table, i, ret_name_z);
}

int profile_find(const struct conf *c, const char *name_z, const struct profile **ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf all = BUF_INIT(200);
	const char *at_z;

	for (size_t i = 0; i < profile_count(c); i++) {
		const struct profile *p = profile_nth(c, i, &at_z);

		if (str_eq(str_z(at_z), str_z(name_z))) {
			*ret = p;
			return 0;
		}
		buf_printf(&all, "%s%s", i > 0 ? ", " : "", at_z);
	}
	return fault_set(fault, -E_NOT_FOUND, "no account \"%s\" in the file of servers; it has: %s", name_z, all.n > 0 ? buf_z(&all) : "none");
}

int profile_server(const struct profile *p, enum profile_protocol protocol, struct peer *ret, enum net_starttls *ret_tls, struct fault *fault)
{
	static const struct {
		const char *key_z;
		uint16_t port, tls_port;
	} ports[] = { { "imap", 143, 993 }, { "pop3", 110, 995 }, { "smtp", 587, 465 } };
	const char *host_z = p->servers[protocol].host_z;
	enum net_starttls tls = tls_modes[p->servers[protocol].tls];

	*ret_tls = tls;
	if (host_z[0] == '\0')
		return fault_set(fault, -E_USAGE, "the account names no server for that: write %s = HOST", ports[protocol].key_z);
	return peer_parse(ret, host_z, ports[protocol].key_z, tls == NET_STARTTLS_FROM_START ? ports[protocol].tls_port : ports[protocol].port, fault);
}

const char *profile_user(const struct profile *p)
{
	return p->user_z[0] != '\0' ? p->user_z : p->address_z;
}

bool profile_tls(const char *word_z, enum net_starttls *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(tls_modes); i++) {
		if (!str_eq(str_z(tls_names[i]), str_z(word_z)))
			continue;
		*ret = tls_modes[i];
		return true;
	}
	return false;
}

/* ---- passwords ---- */

static int from_file(const char *path_z, struct buf *out, struct fault *fault)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(65536);
	struct stat st;

	path_z = profile_path(path_z, &path);
	if (stat(path_z, &st) < 0)
		return fault_set(fault, -E_USAGE, "cannot read the password in %s: %s", path_z, strerror(errno));
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		return fault_set(fault, -E_USAGE, "others may read the password in %s: chmod 600 %s", path_z, path_z);
	return cli_read_secret(path_z, out, fault);
}

static int from_command(const char *command_z, struct buf *out, struct fault *fault)
{
	char line[1024] = "";
	FILE *f = popen(command_z, "re");
	char *got = f != NULL ? fgets(line, sizeof(line), f) : NULL;
	char rest[1024];
	int status;

	if (f == NULL)
		return fault_errno(fault, errno, "cannot run password_command");
	while (fgets(rest, sizeof(rest), f) != NULL) /* so that it does not end by SIGPIPE */
		;
	mem_wipe(rest, sizeof(rest));
	status = pclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	buf_add(out, str_z(line));
	mem_wipe(line, sizeof(line));
	if (status != 0)
		return fault_set(fault, -E_USAGE, "password_command failed: run it by hand to see why");
	return got == NULL || out->n == 0 ? fault_set(fault, -E_USAGE, "password_command printed no password") : 0;
}

int profile_password(const struct profile *p, const char *name_z, struct buf *out, struct fault *fault)
{
	const char *value_z = p->password_env_z[0] != '\0' ? getenv(p->password_env_z) : NULL;

	if (p->password_file_z[0] != '\0')
		return from_file(p->password_file_z, out, fault);
	if (p->password_command_z[0] != '\0')
		return from_command(p->password_command_z, out, fault);
	if (value_z != NULL && value_z[0] != '\0') {
		buf_add(out, str_z(value_z));
		return 0;
	}
	if (p->password_env_z[0] != '\0')
		return fault_set(fault, -E_USAGE, "the environment variable %s of account \"%s\" is not set", p->password_env_z, name_z);
	if (isatty(STDIN_FILENO) == 1)
		return cli_read_secret(NULL, out, fault);
	return fault_set(fault, -E_USAGE, "account \"%s\" says nothing of a password: write password_file, password_env or password_command", name_z);
}

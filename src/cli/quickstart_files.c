/* SPDX-License-Identifier: MIT */
/* Steps of quickstart that are files: settings, the user, the data directory, keys, the certificate. None of them is ever written over. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/quickstart.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/draft.h"
#include "mailauth/dkim.h"
#include "net/tls.h"
#include "queue/dkim.h"
#include "server/server.h"
#include "store/account.h"

#define FILE_MAX (1u << 20)

/* ---- files ---- */

static void end_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* The name is durable too: a key that is published must not be another one after a power cut. */
static bool sync_dir(const char *path_z)
{
	struct str path = str_z(path_z);
	char dir_z[4096];
	AUTO(end_fd) int fd = -1;

	snprintf(dir_z, sizeof(dir_z), "%" STR_FMT "/", STR_ARG(str_head(path, (size_t)str_rchr(path, '/'))));
	fd = open(dir_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0;
}

/* All of it or nothing, and never over another: -E_EXISTS. */
static int write_new(struct quickstart *q, const char *path_z, struct str bytes, mode_t mode, struct fault *fault)
{
	const char *new_z = quickstart_path(q, "%s.new", path_z);
	AUTO(end_fd) int fd = -1;
	int r = 0;

	unlink(new_z);
	fd = open(new_z, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return fault_errno(fault, errno, "cannot write %s", new_z);
	if (fchmod(fd, mode) < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n || fsync(fd) < 0 || link(new_z, path_z) < 0 ||
	    !sync_dir(path_z))
		r = fault_errno(fault, errno, "cannot write %s", path_z);
	unlink(new_z);
	return r;
}

/* One level: what is above is a mistake when it is not there. Whatever the umask is: the server's user has to come to its data, everybody to the settings. */
static int make_dir(const char *path_z, mode_t mode, struct fault *fault)
{
	int r = mkdir(path_z, mode);

	if (r < 0 && errno == EEXIST)
		return 0;
	if (r < 0 || chmod(path_z, mode) < 0)
		return fault_errno(fault, errno, "cannot make the directory %s", path_z);
	return 0;
}

static int read_whole(const char *path_z, struct buf *out, struct fault *fault)
{
	FILE *f = fopen(path_z, "re");
	int r;

	if (!f)
		return fault_errno(fault, errno, "cannot read %s", path_z);
	r = draft_read_file(f, path_z, out, fault);
	fclose(f);
	return r;
}

/* ---- settings ---- */

static const struct {
	const char *name_z, *protocol_z, *tls_z;
	unsigned port;
} listeners[] = {
	{ "smtp", "smtp", "starttls", 25 },   { "submission", "submission", "starttls", 587 }, { "submissions", "submission", "implicit", 465 },
	{ "imap", "imap", "starttls", 143 },  { "imaps", "imap", "implicit", 993 },	       { "pop3s", "pop3", "implicit", 995 },
};

static const char *key_path(struct quickstart *q, bool is_ed25519)
{
	return quickstart_path(q, "%s/dkim-%" STR_FMT "-%s.pem", q->dir_z, STR_ARG(q->domain), is_ed25519 ? "ed25519" : "rsa");
}

const char *quickstart_selector(struct quickstart *q, bool is_ed25519)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	gmtime_r(&now, &tm);
	return quickstart_path(q, "%s%04d%02d", is_ed25519 ? "e" : "r", tm.tm_year + 1900, tm.tm_mon + 1);
}

static void print_signing(struct quickstart *q, struct buf *out)
{
	buf_printf(out, "[dkim \"%" STR_FMT "\"]\n", STR_ARG(q->domain));
	for (int k = 0; k < 2; k++)
		buf_printf(out, "%s_selector = %s\n%s_key_file = %s\n", k ? "ed25519" : "rsa", quickstart_selector(q, k), k ? "ed25519" : "rsa",
			   key_path(q, k));
}

/* Where certbot and its like put it. */
static const char *authority_path(struct quickstart *q, const char *file_z)
{
	return quickstart_path(q, "/etc/letsencrypt/live/%s/%s", q->hostname, file_z);
}

static void print_certificate(struct quickstart *q, struct buf *out)
{
	const char *chain_z = authority_path(q, "fullchain.pem"), *key_z = authority_path(q, "privkey.pem");
	const char *mark_z = access(chain_z, R_OK) == 0 && access(key_z, R_OK) == 0 ? "" : "# ";

	if (mark_z[0])
		buf_add(out, S("# Until these two are set, a self-made certificate is used, which programs and other servers do not trust.\n"));
	buf_printf(out, "%s[tls]\n%scertificate = %s\n%skey = %s\n\n", mark_z, mark_z, chain_z, mark_z, key_z);
}

static void print_settings(struct quickstart *q, struct buf *out)
{
	buf_printf(out, "# Written by martlet quickstart. After a change: martlet config check, then reload or restart.\n"
			"# All settings, each explained: martlet config show --sample\n\n[server]\nhostname = %s\n", q->hostname);
	if (q->data_z[0])
		buf_printf(out, "data_dir = %s\n", q->data_z);
	if (q->user_z[0])
		buf_printf(out, "user = %s\n", q->user_z);
	buf_add_char(out, '\n');
	print_certificate(q, out);
	print_signing(q, out);
	for (size_t i = 0; i < ARRAY_LEN(listeners); i++) {
		buf_printf(out, "\n[listener \"%s\"]\nprotocol = %s\n", listeners[i].name_z, listeners[i].protocol_z);
		if (q->port_offset > 0) /* a trial */
			buf_add(out, S("address = 127.0.0.1\n"));
		buf_printf(out, "port = %u\ntls = %s\n", listeners[i].port + q->port_offset, listeners[i].tls_z);
	}
}

/* What was asked for and is otherwise in the file: the file counts. */
static void say_differences(struct quickstart *q)
{
	const struct server_conf *s = q->server;

	if (cli_option(q->args, "--hostname") && !str_ieq(str_z(s->hostname), str_z(q->hostname)))
		quickstart_say(q, "its hostname is %s, and stays so", s->hostname);
	if (q->data_z[0] && !str_eq(str_z(s->data_dir), str_z(q->data_z)))
		quickstart_say(q, "its data_dir is %s, and stays so", s->data_dir);
	if (cli_option(q->args, "--user") && !str_eq(str_z(s->user), str_z(q->user_z)))
		quickstart_say(q, "its user is %s, and stays so", s->user[0] ? s->user : "not set");
}

int quickstart_settings(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(FILE_MAX);
	bool is_there = access(q->config_z, F_OK) == 0;
	int r = 0;

	print_settings(q, &text);
	if (!is_there && !q->is_dry && (r = make_dir(q->dir_z, 0755, fault)) == 0)
		r = write_new(q, q->config_z, buf_str(&text), 0644, fault);
	if (r < 0)
		return r;
	r = is_there || !q->is_dry ? server_conf_load(q->config_z, &q->conf, fault) : server_conf_parse(q->config_z, buf_str(&text), &q->conf, fault);
	if (r < 0)
		return r;
	q->server = conf_get(q->conf, &server_conf_table);
	quickstart_say(q, "%s", q->config_z);
	if (is_there)
		say_differences(q);
	server_hostname(q->server, q->hostname, sizeof(q->hostname));
	*ret = is_there ? QUICKSTART_DONE : q->is_dry ? QUICKSTART_WOULD : QUICKSTART_MADE;
	return 0;
}

/* ---- the user ---- */

static bool has_user(const char *name_z)
{
	struct passwd pw, *found = NULL;
	char space[4096];

	getpwnam_r(name_z, &pw, space, sizeof(space), &found);
	return found != NULL;
}

/* No shell is asked, and no file of this process goes along. */
static int add_user(const char *name_z, struct fault *fault)
{
	char *const argv[] = { (char *)(uintptr_t) "useradd", (char *)(uintptr_t) "--system", (char *)(uintptr_t) "--", (char *)(uintptr_t)name_z, NULL };
	char *const env[] = { (char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int status = 0;
	pid_t pid;
	int r = posix_spawnp(&pid, "/usr/sbin/useradd", NULL, NULL, argv, env);

	if (r == 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return fault_set(fault, -E_CANNOT, "useradd could not make the user %s; make it yourself: useradd --system %s", name_z, name_z);
}

int quickstart_user(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	const char *user_z = q->server->user;
	bool is_needed = user_z[0] && !has_user(user_z);

	if (!user_z[0] && geteuid() == 0)
		quickstart_say(q, "[server] user is not set: started by root, the server process stays root, without its powers");
	else
		quickstart_say(q, "%s", user_z[0] ? user_z : "the server runs as who starts it");
	*ret = !is_needed ? QUICKSTART_DONE : q->is_dry ? QUICKSTART_WOULD : geteuid() == 0 ? QUICKSTART_MADE : QUICKSTART_LEFT;
	if (*ret == QUICKSTART_LEFT)
		quickstart_say(q, "as root: useradd --system %s", user_z);
	return *ret == QUICKSTART_MADE ? add_user(user_z, fault) : 0;
}

/* ---- the data ---- */

int quickstart_data_dir(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	const char *dir_z = q->server->data_dir;
	struct stat st;
	bool is_there = stat(dir_z, &st) == 0;
	int r = 0;

	if (is_there && !S_ISDIR(st.st_mode))
		return fault_set(fault, -E_USAGE, "data_dir %s is not a directory; name another in %s", dir_z, q->config_z);
	quickstart_say(q, "%s", dir_z);
	*ret = is_there ? QUICKSTART_DONE : q->is_dry ? QUICKSTART_WOULD : QUICKSTART_MADE;
	if (!q->is_dry && (!is_there || geteuid() == 0)) /* gives it to the user; refuses one with data of others */
		r = server_privileges_prepare(q->server, fault);
	return r < 0 || is_there || q->is_dry ? r : make_dir(dir_z, 0700, fault);
}

/* ---- keys ---- */

/* A key that is there has to be one, and a secret. */
static int look_at_key(const char *path_z, bool is_ed25519, struct fault *fault)
{
	AUTO(buf_fini) struct buf pem = BUF_INIT(FILE_MAX);
	struct dkim_key *key = NULL;
	struct fault f = { 0 };
	struct stat st;
	int r;

	if (stat(path_z, &st) == 0 && (st.st_mode & 037))
		return fault_set(fault, -E_USAGE, "%s can be read or written by others; chmod 600 %s", path_z, path_z);
	r = read_whole(path_z, &pem, fault);
	if (r < 0)
		return r;
	r = dkim_key_parse(buf_str(&pem), &key, &f);
	mem_wipe(pem.p, pem.n);
	if (r == 0 && dkim_key_is_ed25519(key) != is_ed25519)
		r = fault_set(&f, -E_USAGE, "a key of %s is wanted", is_ed25519 ? "Ed25519" : "RSA");
	dkim_key_unref(key);
	return r < 0 ? fault_set(fault, r, "%s: %s; move it away, and another is made", path_z, f.text) : 0;
}

static int make_key(struct quickstart *q, const char *path_z, bool is_ed25519, struct fault *fault)
{
	AUTO(buf_fini) struct buf pem = BUF_INIT(FILE_MAX);
	int r = dkim_key_make(is_ed25519, &pem);

	r = r < 0 ? fault_set(fault, r, "cannot make a key") : write_new(q, path_z, buf_str(&pem), 0600, fault);
	mem_wipe(pem.p, pem.n);
	return r;
}

/* The section of the domain; NULL: none. */
static const struct queue_dkim_conf *find_section(struct quickstart *q)
{
	for (size_t i = 0; i < conf_count(q->conf, &queue_dkim_conf_table); i++) {
		const char *name_z;
		const struct queue_dkim_conf *c = conf_get_nth(q->conf, &queue_dkim_conf_table, i, &name_z);
		struct str name;

		if (store_domain_canonical(&q->arena, str_z(name_z), &name) == 0 && str_eq(name, q->domain))
			return c;
	}
	return NULL;
}

static int one_key(struct quickstart *q, const struct queue_dkim_conf *c, enum queue_dkim_kind kind, bool *made, struct fault *fault)
{
	bool is_ed25519 = kind == QUEUE_DKIM_ED25519;
	struct queue_dkim_pair p = c ? queue_dkim_pair(c, kind) : (struct queue_dkim_pair){ "", key_path(q, is_ed25519), "" };
	int r;

	if (!p.file_z[0]) /* the section has the other kind alone */
		return 0;
	if (access(p.file_z, F_OK) == 0) {
		r = look_at_key(p.file_z, is_ed25519, fault);
	} else {
		*made = true;
		r = q->is_dry ? 0 : make_key(q, p.file_z, is_ed25519, fault);
	}
	quickstart_say(q, "%s, %s", p.file_z, is_ed25519 ? "Ed25519" : "RSA");
	return r;
}

int quickstart_keys(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	const struct queue_dkim_conf *c = find_section(q);
	bool is_made = false;
	int r = 0;

	for (unsigned k = 0; k < QUEUE_DKIM_N_KINDS && r == 0; k++)
		r = one_key(q, c, (enum queue_dkim_kind)k, &is_made, fault);
	*ret = !is_made ? QUICKSTART_DONE : q->is_dry ? QUICKSTART_WOULD : QUICKSTART_MADE;
	if (r == 0 && !c) {
		AUTO(buf_fini) struct buf text = BUF_INIT(4096);
		struct str rest, line;

		print_signing(q, &text);
		quickstart_say(q, "the settings do not name them; add to %s, and reload:", q->config_z);
		for (rest = buf_str(&text); str_split(&rest, '\n', &line) && line.n > 0;)
			quickstart_say(q, "    %" STR_FMT, STR_ARG(line));
		*ret = QUICKSTART_LEFT;
	}
	return r;
}

/* ---- the certificate ---- */

static int look_at_certificate(struct quickstart *q, const char *path_z, enum quickstart_state *ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf pem = BUF_INIT(FILE_MAX);
	uint8_t digest[32];
	bool is_for_host = false;
	int r = read_whole(path_z, &pem, fault);

	if (r == 0 && net_tls_key_sha256(buf_str(&pem), q->hostname, digest, &is_for_host) < 0)
		r = fault_set(fault, -E_USAGE, "%s: no certificate in PEM; [tls] certificate names another file", path_z);
	if (r < 0)
		return r;
	quickstart_say(q, "%s", path_z);
	*ret = is_for_host ? QUICKSTART_DONE : QUICKSTART_LEFT;
	if (!is_for_host)
		quickstart_say(q, "it is not for %s: get one that is", q->hostname);
	return 0;
}

static void say_how_to_get_one(struct quickstart *q, const char *request_z, const char *key_z)
{
	if (access(authority_path(q, "fullchain.pem"), F_OK) == 0) {
		quickstart_say(q, "the settings name none, and there is one; in %s: [tls], certificate = %s, key = %s", q->config_z,
			       authority_path(q, "fullchain.pem"), authority_path(q, "privkey.pem"));
		return;
	}
	quickstart_say(q, "the settings name none: a self-made one is used, so that the server starts; programs do not trust it");
	quickstart_say(q, "from Let's Encrypt, once %s leads here and port 80 is open:", q->hostname);
	quickstart_say(q, "    certbot certonly --standalone -d %s --reuse-key --deploy-hook 'systemctl reload martlet'", q->hostname);
	quickstart_say(q, "    then in %s: [tls], certificate = %s, key = %s", q->config_z, authority_path(q, "fullchain.pem"), authority_path(q, "privkey.pem"));
	quickstart_say(q, "from another authority: give it %s; then [tls], certificate = what it gives, key = %s", request_z, key_z);
}

int quickstart_certificate(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	const struct server_tls_conf *tls = conf_get(q->conf, &server_tls_table);
	const char *request_z = quickstart_path(q, "%s/%s.csr", q->dir_z, q->hostname), *key_z = quickstart_path(q, "%s/%s.key", q->dir_z, q->hostname);
	const char *names_z[] = { q->hostname, NULL };
	int r = 0;

	if (tls->certificate[0])
		return look_at_certificate(q, tls->certificate, ret, fault);
	*ret = q->is_dry ? QUICKSTART_WOULD : QUICKSTART_LEFT;
	if (!q->is_dry)
		r = net_tls_make_request(request_z, key_z, names_z, fault);
	say_how_to_get_one(q, request_z, key_z);
	return r;
}

/* ---- all of it ---- */

int quickstart_check(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	quickstart_say(q, "martlet config check --config %s", q->config_z);
	*ret = q->is_dry ? QUICKSTART_WOULD : QUICKSTART_DONE;
	return q->is_dry ? 0 : server_conf_try(q->conf, q->config_z, fault);
}

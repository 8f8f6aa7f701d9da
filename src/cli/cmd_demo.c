/* SPDX-License-Identifier: MIT */
/*
 * demo: a throw-away server without settings: loopback only, self-made certificate, two accounts, nothing is sent to other hosts. It writes
 * DIR/martlet.conf and then runs as `serve` does, so that every other command works on it with --dir DIR.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#include "base/arena.h"
#include "base/limits.h"
#include "server/admin.h"
#include "server/server.h"

static const struct {
	const char *name, *protocol, *tls, *say;
	unsigned port;
} ports[] = {
	{ "smtp", "smtp", "starttls", "SMTP, from other servers", 25 },
	{ "submission", "submission", "starttls", "submission, STARTTLS", 587 },
	{ "submissions", "submission", "implicit", "submission, TLS", 465 },
	{ "imap", "imap", "starttls", "IMAP, STARTTLS", 143 },
	{ "imaps", "imap", "implicit", "IMAP, TLS", 993 },
	{ "pop3", "pop3", "starttls", "POP3, STARTTLS", 110 },
	{ "pop3s", "pop3", "implicit", "POP3, TLS", 995 },
	{ "lmtp", "lmtp", "none", "LMTP", 24 },
};

#define DEMO_MAX_OFFSET (65535 - 995)
static const char *const demo_accounts[] = { "alice@example.test", "bob@example.test" };
static const char demo_password[] = "demo";
static char demo_dir[2048];
static unsigned demo_offset = 10000;
static const char head_line[] = "# Written by martlet demo at each start; changes here are lost.\n";

/* Makes the directory, or takes one that is ours and closed to others: a shared /tmp holds traps. */
static int claim_dir(const char *dir_z, struct fault *fault)
{
	struct stat st;

	if (mkdir(dir_z, 0700) < 0 && errno != EEXIST)
		return fault_errno(fault, errno, "cannot make %s", dir_z);
	if (lstat(dir_z, &st) < 0)
		return fault_errno(fault, errno, "cannot look at %s", dir_z);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return fault_set(fault, -E_DENIED, "%s is not a directory of our own that only we can write to; "
				 "name another with --dir", dir_z);
	return 0;
}

/* 1, 0 or negative: does anything stand in it? */
static int is_used(const char *dir_z, struct fault *fault)
{
	DIR *d = opendir(dir_z);
	const struct dirent *e;
	bool is_found = false;

	if (!d)
		return fault_errno(fault, errno, "cannot look at %s", dir_z);
	while (!is_found && (e = readdir(d)) != NULL)
		is_found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return is_found;
}

/* Settings are written over and data are made only where that was done before, or where there is nothing: --dir may name any place by mistake. */
static int check_use(const char *path_z, struct fault *fault)
{
	char head[sizeof(head_line)] = "";
	int fd = open(path_z, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof(head) - 1);
	int r = 0;

	if (fd >= 0)
		close(fd);
	if (n != (ssize_t)sizeof(head) - 1 || memcmp(head, head_line, sizeof(head) - 1) != 0)
		r = is_used(demo_dir, fault);
	return r > 0 ? fault_set(fault, -E_EXISTS, "%s is not empty and no demo's; name an empty or a new directory with --dir", demo_dir) : r;
}

/* The settings name the data by its whole path. */
static int make_absolute(struct fault *fault)
{
	char path[PATH_MAX];

	if (!realpath(demo_dir, path))
		return fault_errno(fault, errno, "cannot look at %s", demo_dir);
	if (strlen(path) >= sizeof(demo_dir))
		return fault_set(fault, -E_USAGE, "--dir is too long");
	memcpy(demo_dir, path, strlen(path) + 1);
	return 0;
}

static void print_settings(struct buf *out)
{
	buf_printf(out, "%s[server]\nhostname = localhost\ndata_dir = %s/data\ntest_verbs = yes\nlog_level = info\n\n"
		   "[queue]\nsend = no\n\n"
		   "[auth]\nplaintext_on_loopback = yes\n", head_line, demo_dir);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		buf_printf(out, "\n[listener \"%s\"]\nprotocol = %s\naddress = 127.0.0.1\nport = %u\ntls = %s\n",
			   ports[i].name, ports[i].protocol, ports[i].port + demo_offset, ports[i].tls);
}

static int write_settings(const char *path_z, struct fault *fault)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(65536);
	int fd = open(path_z, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (fd < 0)
		return fault_errno(fault, errno, "cannot write %s", path_z);
	print_settings(&out);
	n = write(fd, out.p, out.n);
	if (close(fd) < 0 || n != (ssize_t)out.n)
		return fault_set(fault, -E_IO, "cannot write %s", path_z);
	return 0;
}

static int add_one(struct admin *ad, const char *verb, json_t *args, struct fault *fault)
{
	json_t *result = NULL;
	int r = admin_run(ad, verb, args, &result, fault);

	json_decref(result);
	json_decref(args);
	return r == -E_EXISTS ? 0 : r;
}

/* In the server process: the domain and the accounts, unless an earlier run made them. */
static int prepare(struct admin *ad, struct fault *fault)
{
	int r = add_one(ad, "domain.add", json_pack("{s:s}", "domain", "example.test"), fault);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(demo_accounts); i++)
		r = add_one(ad, "account.add", json_pack("{s:s, s:s}", "address", demo_accounts[i], "password", demo_password), fault);
	return r;
}

static unsigned port(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (str_eq(str_z(ports[i].name), str_z(name)))
			return ports[i].port + demo_offset;
	return 0;
}

static void welcome(const struct conf *conf)
{
	(void)conf;
	printf("\nMartlet demo, data in %s. Stop it with Ctrl-C.\n\n", demo_dir);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		printf("  127.0.0.1:%-6u %s\n", ports[i].port + demo_offset, ports[i].say);
	printf("\n  accounts         alice@example.test   password demo\n"
	       "                   bob@example.test     password demo\n");
	printf("\nIn another terminal, send a message from alice to bob:\n\n"
	       "  printf 'From: alice@example.test\\r\\nTo: bob@example.test\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n' |\n"
	       "    curl -sS -k --ssl-reqd smtp://127.0.0.1:%u -u alice@example.test:demo \\\n"
	       "      --mail-from alice@example.test --mail-rcpt bob@example.test -T -\n", port("submission"));
	printf("\nand read it as bob over IMAP, then over POP3:\n\n"
	       "  curl -sS -k 'imaps://127.0.0.1:%u/INBOX;MAILINDEX=1' -u bob@example.test:demo\n"
	       "  curl -sS -k pop3s://127.0.0.1:%u/1 -u bob@example.test:demo\n", port("imaps"), port("pop3s"));
	printf("\nAsk whether a mail program would connect, and what to set in it:\n\n"
	       "  %s check localhost --port %u --ca-file %s/data/self-signed.crt\n", cli_program_z, port("imaps"), demo_dir);
	printf("\nThe demo sends nothing to the Internet: mail for other domains is accepted and waits (%s queue list --dir %s).\n",
	       cli_program_z, demo_dir);
	printf("\nAdminister it:\n\n  %s account list --dir %s\n\n", cli_program_z, demo_dir);
	fflush(stdout);
}

static int set_up(const struct cli_args *args, char *path, size_t path_size, struct fault *fault)
{
	const char *dir = cli_option(args, "--dir");
	const char *offset = cli_option(args, "--port-offset");
	uint64_t n = demo_offset;
	int r;

	if (offset && !str_to_u64(str_z(offset), DEMO_MAX_OFFSET, &n))
		return fault_set(fault, -E_USAGE, "--port-offset %s: write a number from 0 to %d", offset, DEMO_MAX_OFFSET);
	demo_offset = (unsigned)n;
	if (dir && strlen(dir) >= sizeof(demo_dir))
		return fault_set(fault, -E_USAGE, "--dir is too long");
	if (dir)
		snprintf(demo_dir, sizeof(demo_dir), "%s", dir);
	else
		snprintf(demo_dir, sizeof(demo_dir), "/tmp/martlet-demo-%u", (unsigned)geteuid());
	r = claim_dir(demo_dir, fault);
	if (r == 0)
		r = make_absolute(fault);
	if (r < 0)
		return r;
	snprintf(path, path_size, "%s/martlet.conf", demo_dir);
	r = check_use(path, fault);
	return r < 0 ? r : write_settings(path, fault);
}

enum cli_status cli_demo(const struct cli_command *cmd, const struct cli_args *args)
{
	char path[4096];
	struct server_options o = { .config_path_z = path, .prepare = prepare, .ready = welcome };
	struct fault fault = { 0 };
	int r = set_up(args, path, sizeof(path), &fault);

	(void)cmd;
	if (r == 0)
		r = server_run(&o, &fault);
	if (r == -E_BUSY) {
		const struct fault why = fault;

		(void)fault_set(&fault, r, "%s; --port-offset N takes other ports, --dir DIR another directory", why.text);
	}
	return r < 0 ? cli_fail(args, r, &fault) : CLI_OK;
}

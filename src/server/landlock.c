/* SPDX-License-Identifier: MIT */
/*
 * Landlock: the kernel lets this process and all that it starts reach only the files of this table, whatever user it is. By bare
 * system calls, with numbers of our own: the headers of Debian 12 end at version 2 of an interface that grows.
 *
 * Rights that a kernel does not know yet are left out of the request (closed[] says since when each is there); the list of
 * system calls stands in for most of them, see seccomp.c.
 */
#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "net/stream.h"

#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define NET_BIND_TCP (1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_ABSTRACT_UNIX (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)
#define RULE_NET_PORT 2

/* Everything of the first version: executing, reading, writing, making and removing of all kinds. */
#define FS_FIRST ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* struct landlock_ruleset_attr as it is today; an older kernel takes it when what it does not know is 0. */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct net_port {
	uint64_t allowed, port;
};

/* What is closed, and the first version of the interface that can do it. */
static const struct {
	int abi;
	struct ruleset rights;
	const char *name_z;
} closed[] = {
	{ 1, { .fs = FS_FIRST }, "files" },
	{ 2, { .fs = LANDLOCK_ACCESS_FS_REFER }, "moving files" },
	{ 3, { .fs = FS_TRUNCATE }, "truncating" },
	{ 4, { .net = NET_BIND_TCP | NET_CONNECT_TCP }, "TCP" },
	{ 5, { .fs = FS_IOCTL_DEV }, "device control" },
	{ 6, { .scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL }, "signals and abstract sockets" },
};

/* In the data directory: whatever files and directories need, but no programs, devices, pipes or symbolic links. */
#define DATA_RIGHTS \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)

#define READ_DIR (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define SERVER SERVER_CAGE_SERVER
#define ASKERS (SERVER_CAGE_ASKER | SERVER_CAGE_SENDER) /* of names */
#define HELPERS (ASKERS | SERVER_CAGE_FETCHER)
#define SENDER SERVER_CAGE_SENDER

/* Files elsewhere, and whose. */
static const struct {
	unsigned who; /* enum server_cage, any of them */
	const char *path_z;
	uint64_t rights;
} paths[] = {
	{ SERVER | SENDER, "/dev/urandom", READ_FILE }, /* SQLite and libunbound seed themselves from it */
	/* how names become addresses */
	{ ASKERS, "/etc/resolv.conf", READ_FILE },
	{ ASKERS, "/run/systemd/resolve", READ_DIR }, /* where that may be a link to, and is replaced */
	{ ASKERS, "/etc/hosts", READ_FILE },
	{ ASKERS, "/etc/host.conf", READ_FILE },
	{ ASKERS, "/etc/nsswitch.conf", READ_FILE },
	{ ASKERS, "/etc/gai.conf", READ_FILE },
	/* authorities of the system; files in other places follow (net_stream_tls_authorities()), links to wherever they lead */
	{ HELPERS, "/etc/ssl/certs", READ_DIR },
	{ HELPERS, "/etc/ssl/openssl.cnf", READ_FILE },
	{ HELPERS, "/usr/share/ca-certificates", READ_DIR },
	{ HELPERS, "/etc/pki/tls/certs", READ_DIR },
	/* the key of the root of the DNS */
	{ SENDER, "/usr/share/dns", READ_DIR },
};

static struct ruleset rights_of(int abi)
{
	struct ruleset all = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
		if (closed[i].abi > abi)
			continue;
		all.fs |= closed[i].rights.fs;
		all.net |= closed[i].rights.net;
		all.scoped |= closed[i].rights.scoped;
	}
	return all;
}

void server_landlock_gaps(int abi, char *buf, size_t n)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(closed) && at < n; i++)
		if (closed[i].abi > abi)
			at += (size_t)snprintf(buf + at, n - at, "%s%s", at > 0 ? ", " : "", closed[i].name_z);
}

/* Opens the rule set for one path; -1 with errno. */
static int allow_path(int rules, const char *path_z, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	long r;

	rule.parent_fd = open(path_z, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return -1;
	r = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return (int)r;
}

/* What one process may. TCP ports are only to connect to: the listeners are bound by the supervisor. */
struct cage {
	enum server_cage who;
	const char *data_dir_z; /* NULL: not the data */
	const struct server_doors *doors;
};

static int allow_port(int rules, uint64_t rights, uint16_t number)
{
	const struct net_port port = { rights, number };

	return (int)syscall(SYS_landlock_add_rule, rules, RULE_NET_PORT, &port, 0);
}

/* A file elsewhere; one that is not there is not missed. */
static int allow_elsewhere(int rules, const char *path_z, uint64_t rights)
{
	int r = allow_path(rules, path_z, rights);

	return r < 0 && errno != ENOENT && errno != ENOTDIR && errno != EACCES ? r : 0;
}

/* The rules of the tables; -1 with errno when the kernel refuses one of ours. */
static int allow_rest(int rules, const struct ruleset *known, const struct cage *cage)
{
	const struct server_doors *d = cage->doors;
	const char *path_z;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if ((paths[i].who & cage->who) && allow_elsewhere(rules, paths[i].path_z, paths[i].rights & known->fs) < 0)
			return -1;
	for (size_t i = 0; (cage->who & HELPERS) && (path_z = net_stream_tls_authorities(i)) != NULL; i++)
		if (allow_elsewhere(rules, path_z, READ_FILE & known->fs) < 0)
			return -1;
	for (size_t i = 0; i < d->n_files; i++)
		if (allow_elsewhere(rules, d->files[i], READ_FILE & known->fs) < 0)
			return -1;
	for (size_t i = 0; i < d->n_ports && (known->net & NET_CONNECT_TCP); i++)
		if (allow_port(rules, NET_CONNECT_TCP, d->ports[i]) < 0)
			return -1;
	/* an own address to come from, at any port that is free */
	return cage->who == SENDER && (known->net & NET_BIND_TCP) ? allow_port(rules, NET_BIND_TCP, 0) : 0;
}

static int enter(const struct cage *cage, int *ret_abi, struct fault *fault)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset known = rights_of((int)abi);
	int rules, r;

	*ret_abi = 0;
	rules = abi < 1 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &known, sizeof(known), 0);
	if (rules < 0) {
		(void)fault_errno(fault, errno, "Landlock");
		return 0;
	}
	if (cage->data_dir_z && allow_path(rules, cage->data_dir_z, DATA_RIGHTS & known.fs) < 0) {
		r = fault_errno(fault, errno, "cannot open data_dir %s", cage->data_dir_z);
		close(rules);
		return r;
	}
	if (allow_rest(rules, &known, cage) < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		(void)fault_errno(fault, errno, "Landlock");
	else
		*ret_abi = (int)abi;
	close(rules);
	return 0;
}

int server_landlock_enter(const char *data_dir_z, int *ret_abi, struct fault *fault)
{
	return enter(&(struct cage){ SERVER, data_dir_z, &(struct server_doors){ 0 } }, ret_abi, fault);
}

int server_landlock_enter_helper(enum server_cage who, const struct server_doors *doors, int *ret_abi, struct fault *fault)
{
	return enter(&(struct cage){ who, NULL, doors }, ret_abi, fault);
}

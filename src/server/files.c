/* SPDX-License-Identifier: MIT */
/*
 * The files that only the supervisor can be sure to read (settings, certificates, keys, secrets), as bytes in memory. The server
 * process inherits them at its fork; on reload the supervisor hands over a new set:
 *
 *  1. the supervisor reads and checks everything (server_files_load). A mistake: logged, nothing else happens.
 *  2. it writes the set to a memory file and passes its descriptor (server_files_send), then signals.
 *  3. the server process takes it (server_files_receive), and only then changes anything.
 *
 * One entry in the memory file: length of the name with its NUL (4 bytes), length of the bytes (4), name, bytes.
 */
#include "server/server_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "mailauth/dkim.h"
#include "queue/dkim.h"
#include "queue/queue.h"
#include "queue/route.h"
#include "queue/tlsrpt.h"
#include "sasl/sasl.h"
#include "store/account.h"

#define FILE_MAX ((size_t)4 << 20)  /* of one file */
#define ALL_MAX ((size_t)64 << 20)

struct server_file {
	char *path_z;
	char *p;
	size_t n;
};

struct server_files {
	struct server_file *v;
	size_t n, cap;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* An entry with room for n bytes, made once: memory that grows would leave copies of a key behind. */
static struct server_file *add(struct server_files *files, struct str path, size_t n)
{
	struct server_file *f;

	if (files->n == files->cap) {
		files->cap = files->cap ? 2 * files->cap : 8;
		files->v = mem_resize(files->v, files->cap, sizeof(*files->v));
	}
	f = &files->v[files->n++];
	f->path_z = mem_dup_z(path);
	f->p = mem_alloc(n + 1, 1);
	f->n = n;
	return f;
}

void server_files_free(struct server_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->n; i++) {
		mem_wipe(files->v[i].p, files->v[i].n);
		mem_free(files->v[i].p);
		mem_free(files->v[i].path_z);
	}
	mem_free(files->v);
	mem_free(files);
}

struct str server_files_get(const struct server_files *files, const char *path_z)
{
	for (size_t i = 0; i < files->n; i++)
		if (str_eq(str_z(files->v[i].path_z), str_z(path_z)))
			return str_of(files->v[i].p, files->v[i].n);
	return (struct str){ 0 };
}

static int read_file(struct server_files *files, const char *path_z, struct fault *fault)
{
	AUTO(close_fd) int fd = open(path_z, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct server_file *f;
	struct stat st;
	size_t at = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fault_errno(fault, errno, "cannot read %s", path_z);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, -E_USAGE, "cannot read %s: not a regular file", path_z);
	if (st.st_size > (off_t)FILE_MAX)
		return fault_set(fault, -E_LIMIT, "%s: larger than %zu bytes", path_z, FILE_MAX);
	f = add(files, str_z(path_z), (size_t)st.st_size);
	while (at < f->n && (n = read(fd, f->p + at, f->n - at)) != 0) {
		if (n < 0)
			return fault_errno(fault, errno, "cannot read %s", path_z);
		at += (size_t)n;
	}
	f->n = at; /* less when it was cut just now */
	return 0;
}

/* where_z: the setting that names the file, for the fault. */
static int read_named(struct server_files *files, const char *where_z, const char *path_z, struct fault *fault)
{
	struct fault f = { 0 };
	int r;

	if (!path_z[0] || server_files_get(files, path_z).p)
		return 0;
	r = read_file(files, path_z, &f);
	return r < 0 ? fault_set(fault, r, "%s: %s", where_z, f.text) : 0;
}

static int read_pair(struct server_files *files, const char *name_z, const struct server_certificate_conf *c,
		     struct fault *fault)
{
	char where[128];
	int r;

	snprintf(where, sizeof(where), "[certificate \"%.80s\"] certificate", name_z);
	r = read_named(files, where, c->certificate, fault);
	snprintf(where, sizeof(where), "[certificate \"%.80s\"] key", name_z);
	return r < 0 ? r : read_named(files, where, c->key, fault);
}

/* A secret that others can read or change is none. */
static int read_secret(struct server_files *files, const char *where_z, const char *path_z, struct fault *fault)
{
	struct stat st;

	if (path_z[0] && stat(path_z, &st) == 0 && (st.st_mode & 037))
		return fault_set(fault, -E_USAGE, "%s: %s can be read or written by others; chmod 600 it", where_z, path_z);
	return read_named(files, where_z, path_z, fault);
}

static int read_oauth(struct server_files *files, const struct conf *conf, struct fault *fault)
{
	const struct sasl_conf *auth = conf_get(conf, &sasl_conf_table);
	int r = read_named(files, "[auth] oauth_jwks_file", auth->oauth_jwks_file, fault);

	if (r == 0)
		r = read_named(files, "[auth] oauth_ca_file", auth->oauth_ca_file, fault);
	return r < 0 ? r : read_secret(files, "[auth] oauth_client_secret_file", auth->oauth_client_secret_file, fault);
}

/* Of the sender. */
static int read_outgoing(struct server_files *files, const struct conf *conf, struct fault *fault)
{
	const struct queue_conf *q = conf_get(conf, &queue_conf_table);
	int r = read_named(files, "[queue] ca_file", q->ca_file, fault);

	for (size_t i = 0; r == 0 && i < conf_count(conf, &queue_route_table); i++) {
		const char *name;
		const struct queue_route_conf *route = conf_get_nth(conf, &queue_route_table, i, &name);
		char where[128];

		snprintf(where, sizeof(where), "[route \"%.80s\"] password_file", name);
		r = read_secret(files, where, route->password_file, fault);
	}
	return r;
}

/* Of the domains that sign their mail. */
static int read_signers(struct server_files *files, const struct conf *conf, struct fault *fault)
{
	size_t n = conf_count(conf, &queue_dkim_conf_table);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n * QUEUE_DKIM_N_KINDS; i++) {
		const char *name;
		const struct queue_dkim_conf *c = conf_get_nth(conf, &queue_dkim_conf_table, i / QUEUE_DKIM_N_KINDS, &name);
		struct queue_dkim_pair p = queue_dkim_pair(c, (enum queue_dkim_kind)(i % QUEUE_DKIM_N_KINDS));
		char where[128];

		snprintf(where, sizeof(where), "[dkim \"%.80s\"] %s", name, p.setting_z);
		r = read_secret(files, where, p.file_z, fault);
	}
	return r;
}

static const struct queue_tlsrpt_conf *conf_of_reports(const struct conf *conf)
{
	return conf_get(conf, &queue_tlsrpt_conf_table);
}

static int read_all(struct server_files *files, const struct conf *conf, struct fault *fault)
{
	const struct server_tls_conf *tls = conf_get(conf, &server_tls_table);
	int r = read_named(files, "[tls] certificate", tls->certificate, fault);

	if (r == 0)
		r = read_named(files, "[tls] key", tls->key, fault);
	if (r == 0)
		r = read_named(files, "[tls] client_ca", tls->client_ca, fault);
	if (r == 0)
		r = read_oauth(files, conf, fault);
	if (r == 0)
		r = read_outgoing(files, conf, fault);
	if (r == 0)
		r = read_secret(files, "[tlsrpt] dkim_key_file", conf_of_reports(conf)->dkim_key_file, fault);
	if (r == 0)
		r = read_signers(files, conf, fault);
	for (size_t i = 0; r == 0 && i < conf_count(conf, &server_certificate_table); i++) {
		const char *name;
		const struct server_certificate_conf *c = conf_get_nth(conf, &server_certificate_table, i, &name);

		r = read_pair(files, name, c, fault);
	}
	return r;
}

int server_files_jwks(const struct conf *conf, const struct server_files *files, struct sasl_jwks **ret, struct fault *fault)
{
	const struct sasl_conf *auth = conf_get(conf, &sasl_conf_table);
	struct fault f = { 0 };
	int r;

	*ret = NULL;
	if (!auth->oauth_jwks_file[0])
		return 0;
	r = sasl_jwks_parse(server_files_get(files, auth->oauth_jwks_file), ret, &f);
	return r < 0 ? fault_set(fault, r, "[auth] oauth_jwks_file: %s: %s", auth->oauth_jwks_file, f.text) : 0;
}

int server_files_dkim(const struct conf *conf, const struct server_files *files, struct dkim_key **ret, struct fault *fault)
{
	const char *path_z = conf_of_reports(conf)->dkim_key_file;
	struct fault f = { 0 };
	int r;

	*ret = NULL;
	if (!path_z[0])
		return 0;
	r = dkim_key_parse(server_files_get(files, path_z), ret, &f);
	return r < 0 ? fault_set(fault, r, "[tlsrpt] dkim_key_file: %s: %s", path_z, f.text) : 0;
}

static int add_signer(struct queue_dkim *d, const struct server_files *files, const char *name_z, enum queue_dkim_kind kind,
		      const struct queue_dkim_conf *c, struct fault *fault)
{
	AUTO(arena_fini) struct arena a;
	struct queue_dkim_pair p = queue_dkim_pair(c, kind);
	struct dkim_key *key = NULL;
	struct fault f = { 0 };
	struct str domain;
	int r;

	arena_init(&a, 4096);
	if (store_domain_canonical(&a, str_z(name_z), &domain) < 0)
		return fault_set(fault, -E_USAGE, "[dkim \"%.80s\"]: not a domain", name_z);
	if (!p.file_z[0])
		return 0;
	r = dkim_key_parse(server_files_get(files, p.file_z), &key, &f);
	if (r == 0)
		r = queue_dkim_add(d, domain, kind, p.selector_z, key, &f);
	return r < 0 ? fault_set(fault, r, "[dkim \"%.80s\"] %s: %s: %s", name_z, p.setting_z, p.file_z, f.text) : 0;
}

int server_files_signers(const struct conf *conf, const struct server_files *files, struct queue_dkim **ret, struct fault *fault)
{
	size_t n = conf_count(conf, &queue_dkim_conf_table);
	struct queue_dkim *d;
	int r = 0;

	*ret = NULL;
	if (n == 0)
		return 0;
	d = queue_dkim_new();
	for (size_t i = 0; r == 0 && i < n * QUEUE_DKIM_N_KINDS; i++) {
		const char *name;
		const struct queue_dkim_conf *c = conf_get_nth(conf, &queue_dkim_conf_table, i / QUEUE_DKIM_N_KINDS, &name);

		r = add_signer(d, files, name, (enum queue_dkim_kind)(i % QUEUE_DKIM_N_KINDS), c, fault);
	}
	if (r < 0) {
		queue_dkim_unref(d);
		return r;
	}
	*ret = d;
	return 0;
}

int server_files_read(const struct conf *conf, struct server_files **ret, struct fault *fault)
{
	struct server_files *files = MEM_NEW(struct server_files);
	int r = read_all(files, conf, fault);

	if (r < 0) {
		server_files_free(files);
		return r;
	}
	*ret = files;
	return 0;
}

int server_files_load(const char *config_path_z, struct conf **conf, struct server_files **ret, struct fault *fault)
{
	struct server_files *files = MEM_NEW(struct server_files);
	struct conf *c = NULL;
	struct fault f = { 0 };
	int r = read_file(files, config_path_z, fault);

	if (r == 0)
		r = server_conf_parse(config_path_z, server_files_get(files, config_path_z), &c, fault);
	if (r == 0)
		r = read_all(files, c, &f);
	if (r < 0 && f.text[0])
		(void)fault_set(fault, r, "%s: %s", config_path_z, f.text);
	if (r < 0) {
		conf_unref(c);
		server_files_free(files);
		return r;
	}
	*conf = c;
	*ret = files;
	return 0;
}

/* ---- handing them over ---- */

static size_t packed_size(const struct server_files *files)
{
	size_t n = 0;

	for (size_t i = 0; i < files->n; i++)
		n += 2 * sizeof(uint32_t) + strlen(files->v[i].path_z) + 1 + files->v[i].n;
	return n;
}

static void pack(const struct server_files *files, struct buf *out)
{
	for (size_t i = 0; i < files->n; i++) {
		const struct server_file *f = &files->v[i];
		uint32_t lengths[2] = { (uint32_t)strlen(f->path_z) + 1, (uint32_t)f->n };

		buf_add(out, str_of(lengths, sizeof(lengths)));
		buf_add(out, str_of(f->path_z, lengths[0]));
		buf_add(out, str_of(f->p, f->n));
	}
}

static int unpack(struct str all, struct server_files *files)
{
	while (all.n > 0) {
		uint32_t lengths[2];

		if (all.n < sizeof(lengths))
			return -E_BUG;
		memcpy(lengths, all.p, sizeof(lengths));
		all = str_skip(all, sizeof(lengths));
		if (lengths[0] == 0 || lengths[0] > all.n || lengths[1] > all.n - lengths[0])
			return -E_BUG;
		memcpy(add(files, str_head(all, lengths[0] - 1), lengths[1])->p, all.p + lengths[0], lengths[1]);
		all = str_skip(all, (size_t)lengths[0] + lengths[1]);
	}
	return 0;
}

static int write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0)
			return -1;
		s = str_skip(s, (size_t)n);
	}
	return 0;
}

/* The room for one descriptor in a message. */
union fd_message {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static int send_fd(int sock, int fd)
{
	char byte = 'F';
	struct iovec iov = { &byte, 1 };
	union fd_message m = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = m.room, .msg_controllen = sizeof(m.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}

int server_files_send(int sock, const struct server_files *files, struct fault *fault)
{
	AUTO(close_fd) int fd = memfd_create("martlet-files", MFD_CLOEXEC);
	AUTO(buf_fini) struct buf out = BUF_INIT(ALL_MAX);
	int r;

	if (!buf_reserve(&out, packed_size(files)))
		return fault_set(fault, -E_LIMIT, "settings and certificates are larger than %zu bytes", ALL_MAX);
	pack(files, &out);
	r = fd < 0 || write_all(fd, buf_str(&out)) < 0 || send_fd(sock, fd) < 0 ? errno : 0;
	mem_wipe(out.p, out.n);
	return r == 0 ? 0 : fault_errno(fault, r, "cannot hand the new settings to the server process");
}

/* -E_NOT_FOUND: nothing was sent; -E_CANNOT: something was, but its descriptor found no room here. */
static int receive_fd(int sock)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union fd_message m = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = m.room, .msg_controllen = sizeof(m.room) };
	struct cmsghdr *c;
	int fd = -E_CANNOT;

	if (recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -E_NOT_FOUND;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

int server_files_receive(int sock, struct server_files **ret, struct fault *fault)
{
	AUTO(close_fd) int fd = receive_fd(sock);
	struct server_files *files;
	struct stat st;
	void *p;
	int r;

	if (fd == -E_NOT_FOUND)
		return fd;
	if (fd < 0)
		return fault_set(fault, fd, "no file descriptor is free to take the new settings");
	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return fault_set(fault, -E_BUG, "an empty set of files came from the supervisor");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return fault_errno(fault, errno, "cannot map the new settings");
	files = MEM_NEW(struct server_files);
	r = unpack(str_of(p, (size_t)st.st_size), files);
	munmap(p, (size_t)st.st_size);
	if (r < 0) {
		server_files_free(files);
		return fault_set(fault, r, "a damaged set of files came from the supervisor");
	}
	*ret = files;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Listeners and their TLS: one TLS context for each protocol (they differ in ALPN and session tickets), one session context for each
 * bound socket.
 */
#include "server/server_int.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "net/tls.h"

static const struct {
	const char *alpn_z;
	bool has_tickets; /* a large sender breaks on them at port 25 */
} tls_uses[SERVER_N_TLS] = {
	[SERVER_TLS_SMTP] = { NULL, false },
	[SERVER_TLS_SUBMISSION] = { NULL, true },
	[SERVER_TLS_IMAP] = { "imap", true },
	[SERVER_TLS_POP3] = { "pop3", true },
};

struct cert_paths {
	char cert[4096], key[4096];
};

bool server_tls_is_self_made(const struct conf *conf)
{
	const struct server_tls_conf *t = conf_get(conf, &server_tls_table);

	return !t->certificate[0];
}

static int self_made(struct server_process *p, struct cert_paths *paths, struct fault *fault)
{
	bool is_local = strcmp(p->hostname, "localhost") == 0;
	const char *const names[] = { is_local ? "localhost" : p->hostname, "127.0.0.1", "::1",
				      is_local ? NULL : "localhost", NULL };

	snprintf(paths->cert, sizeof(paths->cert), "%s/self-signed.crt", p->fixed->data_dir);
	snprintf(paths->key, sizeof(paths->key), "%s/self-signed.key", p->fixed->data_dir);
	return net_tls_make_self_signed(paths->cert, paths->key, names, 825, fault);
}

/* All certificates of the settings, the default one first. */
static int gather_certs(struct server_process *p, struct arena *a, const struct conf *conf, const struct server_files *files,
			struct net_tls_cert **ret, size_t *ret_n, struct fault *fault)
{
	const struct server_tls_conf *t = conf_get(conf, &server_tls_table);
	size_t n = conf_count(conf, &server_certificate_table);
	struct net_tls_cert *certs = ARENA_ARRAY(a, struct net_tls_cert, n + 1);
	struct cert_paths *paths = ARENA_NEW(a, struct cert_paths);

	if (!certs || !paths)
		return fault_set(fault, -E_LIMIT, "too many certificate sections");
	certs[0] = (struct net_tls_cert){ .cert_path_z = t->certificate, .key_path_z = t->key };
	if (server_tls_is_self_made(conf)) {
		int r = self_made(p, paths, fault);

		if (r < 0)
			return r;
		certs[0] = (struct net_tls_cert){ .cert_path_z = paths->cert, .key_path_z = paths->key };
	}
	for (size_t i = 0; i < n; i++) {
		const char *name;
		const struct server_certificate_conf *c = conf_get_nth(conf, &server_certificate_table, i, &name);

		certs[i + 1] = (struct net_tls_cert){ .cert_path_z = c->certificate, .key_path_z = c->key };
	}
	for (size_t i = 0; i <= n; i++) {
		certs[i].cert_pem = server_files_get(files, certs[i].cert_path_z);
		certs[i].key_pem = server_files_get(files, certs[i].key_path_z);
	}
	*ret = certs;
	*ret_n = n + 1;
	return 0;
}

/* All of them or none. */
static int make_tls(struct server_process *p, const struct conf *conf, const struct server_files *files,
		    struct net_tls *ret[SERVER_N_TLS], struct fault *fault)
{
	const struct server_tls_conf *t = conf_get(conf, &server_tls_table);
	struct net_tls_options o = { .client_ca_path_z = t->client_ca[0] ? t->client_ca : NULL };
	AUTO(arena_fini) struct arena a;
	struct net_tls_cert *certs = NULL;
	int r;

	arena_init(&a, 1u << 20);
	r = gather_certs(p, &a, conf, files, &certs, &o.n_certs, fault);
	if (r < 0)
		return r;
	o.certs = certs;
	if (o.client_ca_path_z)
		o.client_ca_pem = server_files_get(files, o.client_ca_path_z);
	for (size_t i = 0; i < SERVER_N_TLS; i++) {
		o.alpn_z = tls_uses[i].alpn_z;
		o.has_tickets = tls_uses[i].has_tickets;
		r = net_tls_new(&o, &ret[i], fault);
		if (r == 0)
			continue;
		while (i > 0)
			net_tls_unref(ret[--i]);
		return r;
	}
	return 0;
}

int server_tls_open(struct server_process *p, const struct conf *conf, const struct server_files *files, struct fault *fault)
{
	struct net_tls *made[SERVER_N_TLS];
	int r = make_tls(p, conf, files, made, fault);

	if (r == 0)
		memcpy(p->tls, made, sizeof(p->tls));
	return r;
}

int server_tls_reload(struct server_process *p, const struct conf *conf, const struct server_files *files, struct fault *fault)
{
	struct net_tls *made[SERVER_N_TLS];
	int r = make_tls(p, conf, files, made, fault);

	for (size_t i = 0; r == 0 && i < SERVER_N_TLS; i++)
		net_tls_take(p->tls[i], made[i]);
	return r;
}

/* What differs between the protocols of a listener. */
static const struct {
	const struct net_protocol *protocol;
	enum server_tls_use tls;
	enum smtp_role role;
} protocols[] = {
	[SERVER_SMTP] = { &smtp_protocol, SERVER_TLS_SMTP, SMTP_MX },
	[SERVER_SUBMISSION] = { &smtp_protocol, SERVER_TLS_SUBMISSION, SMTP_SUBMISSION },
	[SERVER_LMTP] = { &smtp_protocol, SERVER_TLS_SMTP, SMTP_LMTP },
	[SERVER_IMAP] = { &imap_protocol, SERVER_TLS_IMAP, 0 },
	[SERVER_POP3] = { &pop3_protocol, SERVER_TLS_POP3, 0 },
};

static void fill_context(struct server_process *p, union server_context *c, enum server_protocol protocol, struct net_tls *starttls)
{
	struct str hostname = str_z(p->hostname);

	switch (protocol) {
	case SERVER_IMAP:
		c->imap = (struct imap_context){ .hostname = hostname, .store = p->data.store, .sasl = p->data.sasl,
						 .conf = p->conf, .tls = starttls };
		break;
	case SERVER_POP3:
		c->pop3 = (struct pop3_context){ .hostname = hostname, .store = p->data.store, .sasl = p->data.sasl,
						 .conf = p->conf, .tls = starttls };
		break;
	case SERVER_SMTP:
	case SERVER_SUBMISSION:
	case SERVER_LMTP:
		c->smtp = (struct smtp_context){ .role = protocols[protocol].role, .hostname = hostname,
						 .store = p->data.store, .queue = p->data.queue,
						 .sasl = p->data.sasl, .conf = p->conf, .tls = starttls };
		break;
	}
}

int server_listeners_open(struct server_process *p, const struct server_bound *bound, size_t n, struct fault *fault)
{
	p->contexts = mem_alloc(n, sizeof(*p->contexts));
	for (size_t i = 0; i < n; i++) {
		enum server_protocol protocol = (enum server_protocol)bound[i].conf->protocol;
		enum net_tls_mode mode = (enum net_tls_mode)bound[i].conf->tls;
		struct net_tls *tls = p->tls[protocols[protocol].tls];
		struct net_listener l = {
			.fd = bound[i].fd,
			.tls_mode = mode,
			.tls = mode == NET_TLS_IMPLICIT ? tls : NULL,
			.protocol = protocols[protocol].protocol,
			.ctx = &p->contexts[i],
		};
		int r;

		snprintf(l.name, sizeof(l.name), "%s", bound[i].name_z);
		fill_context(p, &p->contexts[i], protocol, mode == NET_TLS_STARTTLS ? tls : NULL);
		r = net_listen(p->net, &l, fault);
		if (r < 0)
			return r;
	}
	return 0;
}

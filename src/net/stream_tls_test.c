/* SPDX-License-Identifier: MIT */
/*
 * TLS as client: what is taken and what is refused by each way of trust, old servers, injected bytes, peers that stall or make noise. The
 * server is a thread with certificates made on the spot.
 */
#include "net/stream.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/test.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* ---- certificates ---- */

struct cert {
	X509 *x509;
	EVP_PKEY *key;
};

/* issuer NULL: itself; a CA has no names but the common one. days: from now on; negative: it has expired. bits 0: an elliptic curve. */
static struct cert mint(const char *name_z, const struct cert *issuer, int days, unsigned bits, bool is_ca)
{
	struct cert c = { X509_new(), bits ? EVP_RSA_gen(bits) : EVP_EC_gen("P-256") };
	X509_NAME *name = X509_get_subject_name(c.x509);
	char san[300];
	X509V3_CTX v3;
	X509_EXTENSION *ext;
	static long serial;

	must(c.key != NULL);
	X509_set_version(c.x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x509), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(c.x509), -20L * 86400);
	X509_gmtime_adj(X509_getm_notAfter(c.x509), days * 86400L);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)name_z, -1, -1, 0);
	X509_set_issuer_name(c.x509, issuer ? X509_get_subject_name(issuer->x509) : name);
	X509_set_pubkey(c.x509, c.key);
	X509V3_set_ctx_nodb(&v3);
	X509V3_set_ctx(&v3, issuer ? issuer->x509 : c.x509, c.x509, NULL, NULL, 0);
	snprintf(san, sizeof(san), "DNS:%s", name_z);
	ext = X509V3_EXT_conf_nid(NULL, &v3, is_ca ? NID_basic_constraints : NID_subject_alt_name, is_ca ? "critical,CA:TRUE" : san);
	must(ext != NULL && X509_add_ext(c.x509, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	must(X509_sign(c.x509, issuer ? issuer->key : c.key, EVP_sha256()) > 0);
	return c;
}

static void cert_free(struct cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
}

static struct net_stream_tls *trusting(const struct cert *ca)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct net_stream_tls *t = NULL;
	struct fault fault = { "" };
	char *p;
	long n;

	must(PEM_write_bio_X509(bio, ca->x509) == 1);
	n = BIO_get_mem_data(bio, &p);
	if (net_stream_tls_new(str_of(p, (size_t)n), &t, &fault) < 0)
		fail_msg("%s", fault.text);
	BIO_free(bio);
	return t;
}

/* A TLSA record in buf: SHA-256 of the key (selector 1) or of the whole certificate. */
static struct str tlsa(const struct cert *c, uint8_t usage, uint8_t selector, uint8_t *buf)
{
	unsigned char *der = NULL;
	int n = selector ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x509), &der) : i2d_X509(c->x509, &der);

	must(n > 0);
	buf[0] = usage;
	buf[1] = selector;
	buf[2] = 1;
	must(EVP_Digest(der, (size_t)n, buf + 3, NULL, EVP_sha256(), NULL) == 1);
	OPENSSL_free(der);
	return str_of(buf, 35);
}

/* ---- the server ---- */

enum manner { ECHOES, STALLS, TALKS_NONSENSE, MAKES_NOISE, CLOSES, LEAVES };

struct server {
	int fd, far;
	SSL_CTX *ctx;
	enum manner manner;
	pthread_t thread;
	uint8_t exporter[32];
	char sni[100], alpn[20];
};

static void echo(SSL *ssl)
{
	char bytes[20000];
	size_t total = 0;
	int n;

	while ((n = SSL_read(ssl, bytes, sizeof(bytes))) > 0) {
		if (total / 500000 != (total + (size_t)n) / 500000)
			SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED); /* TLS 1.3; else it fails */
		total += (size_t)n;
		if (SSL_write(ssl, bytes, n) != n)
			return;
	}
}

static void after_handshake(struct server *v, SSL *ssl)
{
	const char *sni_z = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const unsigned char *alpn;
	unsigned n;

	snprintf(v->sni, sizeof(v->sni), "%s", sni_z ? sni_z : "-");
	SSL_get0_alpn_selected(ssl, &alpn, &n);
	snprintf(v->alpn, sizeof(v->alpn), "%.*s", (int)n, n ? (const char *)alpn : "");
	SSL_export_keying_material(ssl, v->exporter, 32, "EXPORTER-Channel-Binding", 24, (const unsigned char *)"", 0, 1);
	if (v->manner == ECHOES)
		echo(ssl);
	while (v->manner == MAKES_NOISE)
		if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 || SSL_do_handshake(ssl) != 1)
			break;
}

static void *serve(void *arg)
{
	struct server *v = arg;
	SSL *ssl = SSL_new(v->ctx);
	char sink[4096];

	SSL_set_fd(ssl, v->fd);
	if (v->manner == TALKS_NONSENSE)
		(void)!send(v->fd, "220 what TLS?\r\n", 15, MSG_NOSIGNAL);
	if (v->manner == CLOSES)
		(void)!recv(v->fd, sink, sizeof(sink), 0);
	if (v->manner == ECHOES || v->manner == MAKES_NOISE || v->manner == LEAVES) {
		if (SSL_accept(ssl) == 1)
			after_handshake(v, ssl);
	} else if (v->manner != CLOSES) {
		while (recv(v->fd, sink, sizeof(sink), 0) > 0)
			;
	}
	SSL_free(ssl);
	shutdown(v->fd, SHUT_RDWR);
	return NULL;
}

static int pick_alpn(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in, unsigned in_n, void *arg)
{
	(void)ssl, (void)arg, (void)in_n;
	*out = in + 1;
	*n = in[0];
	return SSL_TLSEXT_ERR_OK;
}

/* What is sent to a peer that has gone must not kill the tests; the server side is OpenSSL's own. */
static void *without_sigpipe(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return serve(arg);
}

static struct net_stream *serve_with(struct server *v, const struct cert *leaf, const struct cert *ca, int max_version)
{
	int fds[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	v->fd = fds[1];
	v->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(v->ctx, 0);
	SSL_CTX_set_min_proto_version(v->ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(v->ctx, max_version);
	SSL_CTX_set_alpn_select_cb(v->ctx, pick_alpn, NULL);
	must(SSL_CTX_use_certificate(v->ctx, leaf->x509) == 1 && SSL_CTX_use_PrivateKey(v->ctx, leaf->key) == 1);
	if (ca != NULL)
		must(SSL_CTX_add1_chain_cert(v->ctx, ca->x509) == 1);
	must(pthread_create(&v->thread, NULL, without_sigpipe, v) == 0);
	return net_stream_of_fd(fds[0]);
}

static void done(struct server *v, struct net_stream *s)
{
	net_stream_close(&s);
	pthread_join(v->thread, NULL);
	close(v->fd);
	SSL_CTX_free(v->ctx);
}

static int64_t soon(void)
{
	return clock_mono_ms() + 60000;
}

/* ---- trust ---- */

enum which { GOOD, OLD, STRANGER, SHORT, N_WHICH };

struct trust_row {
	const char *name_z;
	enum which leaf;
	enum net_trust trust;
	const char *host_z;    /* expected */
	const char *other_z;   /* a second name, may be NULL */
	int usage;             /* of the TLSA record (RFC 7218 2.1); -1: none */
	bool of_ca;            /* it names the authority, else the leaf */
	bool is_wrong;         /* it names another certificate */
	int max_version;
	int want;
	bool is_verified, is_pkix_good;
	const char *problem_z; /* or the fault's end */
};

/* RFC 7672 3.1.1, 3.1.2, 3.1.3; RFC 9525 6.3; RFC 7435 3. */
static const struct trust_row trust_rows[] = {
	{ "any, good", GOOD, NET_TRUST_ANY, "mx.example", NULL, -1, 0, 0, 0, 0, false, true, "" },
	{ "any, other name", GOOD, NET_TRUST_ANY, "mx2.example", NULL, -1, 0, 0, 0, 0, false, false, "hostname mismatch" },
	{ "any, no name", GOOD, NET_TRUST_ANY, NULL, NULL, -1, 0, 0, 0, 0, false, false, "" },
	{ "any, expired", OLD, NET_TRUST_ANY, "mx.example", NULL, -1, 0, 0, 0, 0, false, false, "certificate has expired" },
	{ "any, stranger", STRANGER, NET_TRUST_ANY, "mx.example", NULL, -1, 0, 0, 0, 0, false, false, "self-signed certificate" },
	{ "any, short key", SHORT, NET_TRUST_ANY, "mx.example", NULL, -1, 0, 0, 0, 0, false, false, "EE certificate key too weak" },
	{ "any, TLS 1.0", GOOD, NET_TRUST_ANY, "mx.example", NULL, -1, 0, 0, TLS1_VERSION, 0, false, true, "" },
	{ "pkix, good", GOOD, NET_TRUST_PKIX, "mx.example", NULL, -1, 0, 0, 0, 0, true, true, "" },
	{ "pkix, second name", GOOD, NET_TRUST_PKIX, "mx2.example", "mx.example", -1, 0, 0, 0, 0, true, true, "" },
	{ "pkix, other name", GOOD, NET_TRUST_PKIX, "x.example", NULL, -1, 0, 0, 0, -E_TLS, false, false, "hostname mismatch" },
	{ "pkix, no name", GOOD, NET_TRUST_PKIX, NULL, NULL, -1, 0, 0, 0, -E_TLS, false, false, "could be for" },
	{ "pkix, expired", OLD, NET_TRUST_PKIX, "mx.example", NULL, -1, 0, 0, 0, -E_TLS, false, false, "certificate has expired" },
	{ "pkix, stranger", STRANGER, NET_TRUST_PKIX, "mx.example", NULL, -1, 0, 0, 0, -E_TLS, false, false, "self-signed certificate" },
	{ "pkix, short key", SHORT, NET_TRUST_PKIX, "mx.example", NULL, -1, 0, 0, 0, -E_TLS, false, false, "key too weak" },
	{ "pkix, TLS 1.1", GOOD, NET_TRUST_PKIX, "mx.example", NULL, -1, 0, 0, TLS1_1_VERSION, -E_TLS, false, false, "version" },
	{ "dane-ee", GOOD, NET_TRUST_DANE, "mx.example", NULL, 3, 0, 0, 0, 0, true, false, "" },
	{ "dane-ee, other name", GOOD, NET_TRUST_DANE, "x.example", NULL, 3, 0, 0, 0, 0, true, false, "" },
	{ "dane-ee, expired", OLD, NET_TRUST_DANE, "mx.example", NULL, 3, 0, 0, 0, 0, true, false, "" },
	{ "dane-ee, stranger", STRANGER, NET_TRUST_DANE, "mx.example", NULL, 3, 0, 0, 0, 0, true, false, "" },
	{ "dane-ee, wrong", GOOD, NET_TRUST_DANE, "mx.example", NULL, 3, 0, true, 0, -E_TLS, false, false, "TLSA" },
	{ "dane-ta", GOOD, NET_TRUST_DANE, "mx.example", NULL, 2, true, 0, 0, 0, true, false, "" },
	{ "dane-ta, second name", GOOD, NET_TRUST_DANE, "x.example", "mx.example", 2, true, 0, 0, 0, true, false, "" },
	{ "dane-ta, other name", GOOD, NET_TRUST_DANE, "x.example", NULL, 2, true, 0, 0, -E_TLS, false, false, "hostname mismatch" },
	{ "dane-ta, expired", OLD, NET_TRUST_DANE, "mx.example", NULL, 2, true, 0, 0, -E_TLS, false, false, "certificate has expired" },
	{ "dane-ta, wrong", STRANGER, NET_TRUST_DANE, "mx.example", NULL, 2, true, 0, 0, -E_TLS, false, false, "TLSA" },
	{ "pkix-ee usage", GOOD, NET_TRUST_DANE, "mx.example", NULL, 1, 0, 0, 0, -E_CANNOT, false, false, "no TLSA record is usable" },
	{ "pkix-ta usage", GOOD, NET_TRUST_DANE, "mx.example", NULL, 0, true, 0, 0, -E_CANNOT, false, false, "no TLSA record is usable" },
	{ "dane without name", GOOD, NET_TRUST_DANE, NULL, NULL, 3, 0, 0, 0, -E_TLS, false, false, "name of the host" },
};

/* By the words. */
static enum net_tls_problem kind(const char *problem_z)
{
	static const struct {
		const char *problem_z;
		enum net_tls_problem kind;
	} kinds[] = { { "", NET_TLS_FINE }, { "hostname mismatch", NET_TLS_OTHER_NAME }, { "certificate has expired", NET_TLS_EXPIRED },
		      { "self-signed certificate", NET_TLS_UNTRUSTED } };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(str_z(problem_z), str_z(kinds[i].problem_z)))
			return kinds[i].kind;
	return NET_TLS_OTHER;
}

static void try_row(const struct trust_row *r, struct net_stream_tls *t, const struct cert *ca, const struct cert leaves[N_WHICH])
{
	const char *names[] = { r->host_z, r->other_z, NULL };
	uint8_t record[35];
	const struct cert *named = r->is_wrong ? &leaves[STRANGER] : r->of_ca ? ca : &leaves[r->leaf];
	struct str rdata = tlsa(named, (uint8_t)(r->usage < 0 ? 3 : r->usage), r->of_ca ? 0 : 1, record);
	struct net_stream_tls_want w = { .trust = r->trust, .sni_z = r->host_z, .names_z = names, .tlsa = &rdata,
					 .n_tlsa = r->usage >= 0 };
	struct server v = { .manner = ECHOES };
	struct net_stream *s = serve_with(&v, &leaves[r->leaf], r->leaf == STRANGER ? NULL : ca, r->max_version);
	struct net_stream_tls_info info = { 0 };
	struct str line;

	test_row(r->name_z);
	assert_int_equal(net_stream_starttls(s, t, &w, soon()), r->want);
	if (r->want == -E_TLS && strstr(net_stream_fault_z(s), r->problem_z) == NULL)
		fail_msg("%s: %s", r->name_z, net_stream_fault_z(s));
	if (r->want == 0) {
		assert_true(net_stream_is_tls(s) && net_stream_tls_info(s, &info));
		assert_int_equal(info.is_verified, r->is_verified);
		assert_int_equal(info.is_pkix_good, r->is_pkix_good);
		assert_string_equal(info.problem_z, r->problem_z);
		assert_int_equal(info.problem, kind(r->problem_z));
		assert_string_equal(info.subject_z, "CN=mx.example");
		assert_true((info.not_after_s * 1000 > clock_wall_ms()) == (r->leaf != OLD));
		net_stream_write(s, S("ping\r\n"), soon());
		assert_int_equal(net_stream_flush(s, soon()), 0);
		assert_int_equal(net_stream_line(s, 10, soon(), &line), 0);
		assert_str_eq(line, S("ping"));
		done(&v, s);
		assert_string_equal(v.sni, r->host_z ? r->host_z : "-");
		return;
	}
	assert_false(net_stream_is_tls(s));
	if (net_stream_tls_info(s, &info)) {
		assert_int_equal(info.problem, kind(r->problem_z));
		assert_true(net_stream_line(s, 10, soon(), &line) < 0);
	} else { /* no handshake was begun, and the server waits for one */
		assert_true(net_stream_line(s, 10, clock_mono_ms() + 20, &line) < 0);
	}
	done(&v, s);
}

TEST(stream_tls_trust)
{
	struct cert ca = mint("Test CA", NULL, 20, 0, true);
	struct cert leaves[N_WHICH] = {
		[GOOD] = mint("mx.example", &ca, 20, 0, false),
		[OLD] = mint("mx.example", &ca, -1, 0, false),
		[STRANGER] = mint("mx.example", NULL, 20, 0, false),
		[SHORT] = mint("mx.example", &ca, 20, 1024, false),
	};
	struct net_stream_tls *t = trusting(&ca);

	for (size_t i = 0; i < ARRAY_LEN(trust_rows); i++)
		try_row(&trust_rows[i], t, &ca, leaves);
	for (size_t i = 0; i < N_WHICH; i++)
		cert_free(&leaves[i]);
	cert_free(&ca);
	net_stream_tls_free(t);
	net_stream_tls_free(NULL);
}

/* RFC 9525 6.3: one whole label, and never the common name. */
TEST(stream_tls_wildcards_and_addresses)
{
	static const struct {
		const char *cert_z, *host_z;
		bool want, has_no_san;
	} rows[] = {
		{ "mx.mail.example", "mx.mail.example", true, false },
		{ "mx.mail.example", "mx.mail.example", false, true },
		{ "*.mail.example", "mx.mail.example", true, false },
		{ "*.mail.example", "a.mx.mail.example", false, false },
		{ "*.mail.example", "mail.example", false, false },
		{ "m*.mail.example", "mx.mail.example", false, false },
		{ "MX.Example", "mx.EXAMPLE", true, false },
		{ "192.0.2.1", "192.0.2.1", false, false }, /* as a DNS name */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert leaf = mint(rows[i].cert_z, NULL, 20, 0, rows[i].has_no_san);
		struct net_stream_tls *t = trusting(&leaf);
		const char *names[] = { rows[i].host_z, NULL };
		struct net_stream_tls_want w = { .trust = NET_TRUST_PKIX, .names_z = names };
		struct server v = { .manner = ECHOES };
		struct net_stream *s = serve_with(&v, &leaf, NULL, 0);

		test_row(rows[i].cert_z);
		assert_int_equal(net_stream_starttls(s, t, &w, soon()), rows[i].want ? 0 : -E_TLS);
		done(&v, s);
		net_stream_tls_free(t);
		cert_free(&leaf);
	}
}

/* RFC 7671 10.1.1: what cannot be understood is skipped, what can is used. */
TEST(stream_tlsa_usable)
{
	struct cert c = mint("mx.example", NULL, 20, 0, false);
	struct net_stream_tls *t = trusting(&c);
	uint8_t good[35], usage[35], selector[35], type[35];
	struct str all[7] = { tlsa(&c, 3, 1, good), tlsa(&c, 1, 1, usage), tlsa(&c, 3, 1, selector), tlsa(&c, 3, 1, type),
			      str_of(good, 34), str_of(good, 3), S("") };

	selector[1] = 7;
	type[2] = 9;
	assert_int_equal(net_stream_tlsa_usable(t, all, 7), 1);
	assert_int_equal(net_stream_tlsa_usable(t, all + 1, 6), 0);
	net_stream_tls_free(t);
	cert_free(&c);
}

/* ---- bytes ---- */

/* Both directions at once, in pieces of all sizes, with changes of keys in the middle (RFC 8446 4.6.3). */
TEST(stream_tls_carries_much)
{
	const size_t n = 3u << 20;
	char *bytes = mem_alloc(n, 1), *got = mem_alloc(n, 1);
	struct cert c = mint("mx.example", NULL, 20, 0, false);
	struct net_stream_tls *t = trusting(&c);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i % 251);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct server v = { .manner = ECHOES };
		struct net_stream *s = serve_with(&v, &c, NULL, version);
		struct net_stream_tls_want w = { .alpn_z = "smtp" };
		uint8_t exporter[32];
		size_t have = 0;

		test_row(version == TLS1_2_VERSION ? "TLS 1.2" : "TLS 1.3");
		assert_false(net_stream_tls_exporter(s, exporter));
		assert_int_equal(net_stream_starttls(s, t, &w, soon()), 0);
		assert_false(net_stream_has_input(s)); /* tickets are none */
		for (size_t at = 0, piece = 1; at < n; at += piece) {
			int r;

			piece = piece * 2 % 100003;
			piece = piece < n - at ? piece : n - at;
			net_stream_write(s, str_of(bytes + at, piece), soon());
			assert_int_equal(net_stream_flush(s, soon()), 0);
			for (; have < at + piece; have += (size_t)r) {
				r = net_stream_read(s, got + have, n - have, soon());
				assert_true(r > 0);
			}
		}
		assert_memory_equal(got, bytes, n);
		assert_true(net_stream_tls_exporter(s, exporter));
		done(&v, s);
		assert_memory_equal(exporter, v.exporter, 32);
		assert_string_equal(v.alpn, "smtp");
	}
	net_stream_tls_free(t);
	cert_free(&c);
	mem_free(bytes);
	mem_free(got);
}

/* RFC 3207 6: what was sent in the clear behind the reply is no reply under TLS. */
TEST(stream_tls_refuses_what_was_injected)
{
	struct cert c = mint("mx.example", NULL, 20, 0, false);
	struct net_stream_tls *t = trusting(&c);
	struct server v = { .manner = TALKS_NONSENSE };
	struct net_stream *s = serve_with(&v, &c, NULL, 0);
	struct str line;
	int fds[2];

	assert_int_equal(net_stream_starttls(s, t, &(struct net_stream_tls_want){ 0 }, soon()), -E_TLS);
	done(&v, s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	s = net_stream_of_fd(fds[0]);
	assert_int_equal(send(fds[1], "220 go\r\n250 injected\r\n", 22, 0), 22);
	assert_int_equal(net_stream_line(s, 100, soon(), &line), 0);
	assert_int_equal(net_stream_starttls(s, t, &(struct net_stream_tls_want){ 0 }, soon()), -E_TLS);
	assert_non_null(strstr(net_stream_fault_z(s), "between its reply and TLS"));
	net_stream_close(&s);
	close(fds[1]);
	net_stream_tls_free(t);
	cert_free(&c);
}

TEST(stream_tls_hostile_servers)
{
	struct cert c = mint("mx.example", NULL, 20, 0, false);
	struct net_stream_tls *t = trusting(&c);
	struct net_stream_tls_want w = { 0 };
	struct server v = { .manner = STALLS };
	struct net_stream *s = serve_with(&v, &c, NULL, 0);
	struct str line;

	assert_int_equal(net_stream_starttls(s, t, &w, clock_mono_ms() + 50), -E_TIMEOUT);
	done(&v, s);
	v = (struct server){ .manner = CLOSES };
	s = serve_with(&v, &c, NULL, 0);
	assert_int_equal(net_stream_starttls(s, t, &w, soon()), -E_CLOSED);
	done(&v, s);
	v = (struct server){ .manner = MAKES_NOISE };
	s = serve_with(&v, &c, NULL, 0);
	assert_int_equal(net_stream_starttls(s, t, &w, soon()), 0);
	assert_int_equal(net_stream_line(s, 100, soon(), &line), -E_TLS);
	done(&v, s);
	/* One that leaves without a good-bye, as many do. */
	v = (struct server){ .manner = LEAVES };
	s = serve_with(&v, &c, NULL, 0);
	assert_int_equal(net_stream_starttls(s, t, &w, soon()), 0);
	assert_int_equal(net_stream_line(s, 100, soon(), &line), -E_CLOSED);
	assert_string_equal(net_stream_fault_z(s), "the peer closed the connection");
	done(&v, s);
	net_stream_tls_free(t);
	cert_free(&c);
}

struct sharing {
	struct net_stream_tls *t;
	const struct cert *c;
	int good;
};

static void *share(void *arg)
{
	struct sharing *sh = arg;
	const char *names[] = { "mx.example", NULL };
	uint8_t record[35];
	struct str rdata = tlsa(sh->c, 3, 1, record), line;

	for (int i = 0; i < 20; i++) {
		struct net_stream_tls_want w = { .trust = i % 3, .sni_z = "mx.example", .names_z = names, .tlsa = &rdata, .n_tlsa = 1 };
		struct server v = { .manner = ECHOES };
		struct net_stream *s = serve_with(&v, sh->c, NULL, 0);

		if (net_stream_starttls(s, sh->t, &w, soon()) == 0) {
			net_stream_write(s, S("ping\r\n"), soon());
			sh->good += net_stream_flush(s, soon()) == 0 && net_stream_line(s, 10, soon(), &line) == 0;
		}
		done(&v, s);
	}
	return NULL;
}

static void check_sharing(struct net_stream_tls *t, const struct cert *c)
{
	struct sharing sh[4];
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		sh[i] = (struct sharing){ .t = t, .c = c };
		assert_int_equal(pthread_create(&threads[i], NULL, share, &sh[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(sh[i].good, 20);
	}
}

TEST(stream_tls_is_shared_by_threads)
{
	struct cert c = mint("mx.example", NULL, 20, 0, false);
	struct net_stream_tls *t = trusting(&c);

	check_sharing(t, &c);
	net_stream_tls_free(t);
	cert_free(&c);
}

/* Several want it first, at once. The authorities are the system's: the file is gone when they are read. */
TEST(stream_tls_made_late_is_shared_by_threads)
{
	struct cert c = mint("mx.example", NULL, 20, 0, false);
	char path_z[] = "/tmp/stream-tls-XXXXXX";
	FILE *f = fdopen(mkstemp(path_z), "w");
	struct net_stream_tls *t = NULL;
	struct fault fault = { "" };

	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, c.x509), 1);
	fclose(f);
	setenv("SSL_CERT_FILE", path_z, 1);
	assert_int_equal(net_stream_tls_new_late((struct str){ NULL, 0 }, &t, &fault), 0);
	unsetenv("SSL_CERT_FILE");
	unlink(path_z);
	check_sharing(t, &c);
	net_stream_tls_free(t);
	cert_free(&c);
}

TEST(stream_tls_made_late_knows_tlsa_at_once)
{
	struct cert c = mint("mx.example", NULL, 20, 0, false);
	struct net_stream_tls *t = NULL;
	struct fault fault = { "" };
	uint8_t record[40];
	struct str rdata = tlsa(&c, 3, 1, record);

	assert_int_equal(net_stream_tls_new_late((struct str){ NULL, 0 }, &t, &fault), 0);
	assert_int_equal(net_stream_tlsa_usable(t, &rdata, 1), 1);
	net_stream_tls_free(t);
	assert_int_equal(net_stream_tls_new_late((struct str){ NULL, 0 }, &t, &fault), 0);
	net_stream_tls_free(t); /* never wanted */
	cert_free(&c);
}

TEST(stream_tls_authorities)
{
	struct net_stream_tls *t = NULL;
	struct fault fault = { "" };

	assert_int_equal(net_stream_tls_new(S("no certificate"), &t, &fault), -E_TLS);
	assert_int_equal(net_stream_tls_new_late(S("no certificate"), &t, &fault), -E_TLS);
	assert_int_equal(net_stream_tls_new_file("/dev/null", &t, &fault), -E_TLS);
	assert_int_equal(net_stream_tls_new_file("/nothing/there", &t, &fault), -E_USAGE);
	assert_int_equal(net_stream_tls_new((struct str){ NULL, 0 }, &t, &fault), 0);
	net_stream_tls_free(t);
}

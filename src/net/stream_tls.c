/* SPDX-License-Identifier: MIT */
/*
 * TLS as client, for connections that this program makes.
 *
 * 1. One SSL_CTX for all threads: authorities, and what all connections have in common. What differs is set on each SSL.
 * 2. TLS never touches the socket for writing: our BIO puts records into s->wire, which stream.c sends. So nothing raises SIGPIPE,
 *    and an SSL_write() never waits.
 * 3. A peer that sends LIMIT_TLS_SERVER_NOISE bytes without data among them is cut off.
 * 4. NET_TRUST_ANY is opportunistic (RFC 7435 3): the alternative is no TLS at all, so TLS 1.0 and 1.1, short keys and servers
 *    without secure renegotiation are taken. DEVIATION(RFC 8996 4, 5): for the same reason. Where a certificate has to verify,
 *    TLS 1.2 and OpenSSL's security level 2 (RSA 2048) are the least.
 * 5. Names: RFC 9525 6.3: DNS names of subjectAltName only, a wildcard for a whole leftmost label.
 * 6. DANE: RFC 7672 3.1: usages 2 and 3 only; with 3 neither names nor dates count.
 *
 * After a fatal error the SSL object is not spoken to again (is_tls_dead).
 */
#include "net/stream_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "net/net_int.h"

#define LEVEL_VERIFIED 2
#define ALPN_MAX 63
#define USAGE_DANE_TA 2 /* RFC 7218 2.1 */
#define USAGE_DANE_EE 3
#define AUTHORITY_FILES 5 /* those below, and one that the environment names */

struct net_stream_tls {
	SSL_CTX *ctx;                 /* NULL: not made yet; the lock's, read without it behind ready() */
	BIO_METHOD *bio;
	struct lock lock;
	BIO *system[AUTHORITY_FILES]; /* the system's authorities, open and not read before the first handshake: 34 ms, 1.2 MB */
	bool has_authorities;         /* the lock's, as those are */
};

/* ---- the BIO ---- */

static int bio_read(BIO *bio, char *p, int n)
{
	struct net_stream *s = BIO_get_data(bio);
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (s->noise > LIMIT_TLS_SERVER_NOISE) {
		net_stream_fail(s, -E_TLS, "the peer sends TLS records without data and no end");
		return -1;
	}
	do
		got = recv(s->fd, p, (size_t)n, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	if (got > 0)
		s->noise += (size_t)got;
	s->has_eof = got == 0;
	return (int)got;
}

static int bio_write(BIO *bio, const char *p, int n)
{
	struct net_stream *s = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	buf_add(&s->wire, str_of(p, (size_t)n));
	return buf_overflowed(&s->wire) ? -1 : n;
}

static long bio_ctrl(BIO *bio, int what, long number, void *p)
{
	const struct net_stream *s = BIO_get_data(bio);

	(void)number, (void)p;
	return what == BIO_CTRL_FLUSH || (what == BIO_CTRL_EOF && s != NULL && s->has_eof);
}

/* ---- the context ---- */

/* Of Debian, Fedora, SUSE, Alpine. */
static const char *const authority_files[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

const char *net_stream_tls_authorities(size_t i)
{
	const char *named_z = getenv(X509_get_default_cert_file_env());

	if (named_z != NULL && i == 0)
		return named_z;
	i -= named_z != NULL;
	return i < ARRAY_LEN(authority_files) ? authority_files[i] : NULL;
}

static size_t add_authorities(SSL_CTX *ctx, BIO *bio)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	size_t n = 0;
	X509 *ca;

	while (bio != NULL && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, ca) == 1;
		X509_free(ca);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n;
}

/* Those of the system are only opened: whoever closes itself in later can read them then. */
static int take_authorities(struct net_stream_tls *t, struct str pem, struct fault *fault)
{
	const char *path_z;

	t->has_authorities = pem.p != NULL;
	if (pem.p != NULL)
		return add_authorities(t->ctx, BIO_new_mem_buf(pem.p, pem.n > INT32_MAX ? 0 : (int)pem.n)) > 0
			       ? 0 : fault_set(fault, -E_TLS, "there are no certificates in what is to be trusted");
	for (size_t i = 0; i < AUTHORITY_FILES && (path_z = net_stream_tls_authorities(i)) != NULL; i++)
		t->system[i] = BIO_new_file(path_z, "re");
	ERR_clear_error();
	return 0;
}

/* All of the first file that has any. Under the lock. */
static void read_authorities(struct net_stream_tls *t)
{
	size_t n = 0;

	for (size_t i = 0; i < AUTHORITY_FILES && !t->has_authorities; i++) {
		if (n == 0)
			n = add_authorities(t->ctx, t->system[i]);
		else
			BIO_free(t->system[i]);
		t->system[i] = NULL;
	}
	t->has_authorities = true;
}

static void print_name(const X509_NAME *name, char *ret, size_t n)
{
	BIO *bio = BIO_new(BIO_s_mem());

	must(bio != NULL);
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	memset(ret, 0, n);
	(void)BIO_read(bio, ret, (int)n - 1);
	BIO_free(bio);
}

static bool may_be_shown(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static void print_dns_names(X509 *leaf, char *ret, size_t n)
{
	static const char cut[] = " ...";
	GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	size_t used = 0;
	bool is_cut = false;

	n -= sizeof(cut) - 1;
	ret[0] = '\0';

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) { /* -1 for NULL */
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
		struct str s;

		if (g->type != GEN_DNS)
			continue;
		s = str_of((const char *)ASN1_STRING_get0_data(g->d.dNSName), (size_t)ASN1_STRING_length(g->d.dNSName));
		is_cut |= may_be_shown(s) && used + s.n + 2 > n;
		if (may_be_shown(s) && !is_cut)
			used += (size_t)snprintf(ret + used, n - used, "%s%" STR_FMT, used > 0 ? " " : "", STR_ARG(s));
	}
	if (is_cut)
		memcpy(ret + used, cut, sizeof(cut));
	GENERAL_NAMES_free(all);
	ERR_clear_error();
}

/* Sees the leaf also when it is refused, which SSL_get0_peer_certificate() does not. */
static int on_verify(X509_STORE_CTX *store_ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct net_stream *s = SSL_get_app_data(ssl);
	X509 *leaf = X509_STORE_CTX_get0_cert(store_ctx);
	struct tm tm;

	(void)arg;
	if (leaf != NULL) {
		print_name(X509_get_subject_name(leaf), s->subject, sizeof(s->subject));
		print_name(X509_get_issuer_name(leaf), s->issuer, sizeof(s->issuer));
		print_dns_names(leaf, s->names, sizeof(s->names));
		s->has_leaf = true;
		if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) == 1)
			s->info.not_after_s = timegm(&tm);
	}
	return X509_verify_cert(store_ctx);
}

static bool configure(SSL_CTX *ctx)
{
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "DEFAULT:!aNULL:!eNULL:!PSK:!SRP") != 1 || SSL_CTX_dane_enable(ctx) <= 0)
		return false;
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_max_cert_list(ctx, LIMIT_TLS_SERVER_CERTS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
	return true;
}

static bool make_context(struct net_stream_tls *t)
{
	ERR_clear_error();
	t->ctx = SSL_CTX_new(TLS_client_method());
	return t->ctx != NULL && configure(t->ctx);
}

/* Before the context is used. That it cannot be made is no fault of the peer, after which somebody might go on without TLS: so it is the end. */
static void ready(struct net_stream_tls *t)
{
	lock_get(&t->lock);
	must(t->ctx != NULL || make_context(t));
	read_authorities(t);
	lock_put(&t->lock);
}

static int open_tls(struct str ca_pem, bool is_late, struct net_stream_tls **ret, struct fault *fault)
{
	struct net_stream_tls *t = MEM_NEW(struct net_stream_tls);
	int r;

	lock_init(&t->lock);
	t->bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "net_stream");
	if (t->bio == NULL || BIO_meth_set_read(t->bio, bio_read) != 1 || BIO_meth_set_write(t->bio, bio_write) != 1 ||
	    BIO_meth_set_ctrl(t->bio, bio_ctrl) != 1 || !(is_late || make_context(t)))
		r = fault_set(fault, -E_TLS, "OpenSSL refuses our settings: %s", net_tls_error_z());
	else
		r = take_authorities(t, ca_pem, fault);
	if (r < 0)
		net_stream_tls_free(t);
	else
		*ret = t;
	return r;
}

int net_stream_tls_new(struct str ca_pem, struct net_stream_tls **ret, struct fault *fault)
{
	return open_tls(ca_pem, false, ret, fault);
}

int net_stream_tls_new_late(struct str ca_pem, struct net_stream_tls **ret, struct fault *fault)
{
	return open_tls(ca_pem, ca_pem.p == NULL, ret, fault);
}

int net_stream_tls_new_file(const char *path_z, struct net_stream_tls **ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf pem = BUF_INIT(LIMIT_TLS_CA_FILE);
	FILE *file = path_z != NULL ? fopen(path_z, "re") : NULL;
	char *p;
	size_t n;

	if (path_z == NULL)
		return net_stream_tls_new((struct str){ NULL, 0 }, ret, fault);
	if (file == NULL)
		return fault_set(fault, -E_USAGE, "cannot read %s: %s", path_z, strerror(errno));
	while ((p = buf_reserve(&pem, STREAM_READ)) != NULL && (n = fread(p, 1, STREAM_READ, file)) > 0)
		buf_commit(&pem, n);
	fclose(file);
	return net_stream_tls_new(pem.n > 0 ? buf_str(&pem) : S(""), ret, fault);
}

void net_stream_tls_free(struct net_stream_tls *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < AUTHORITY_FILES; i++)
		BIO_free(t->system[i]);
	lock_fini(&t->lock);
	SSL_CTX_free(t->ctx);
	BIO_meth_free(t->bio);
	mem_free(t);
}

/* ---- what is wanted ---- */

static bool add_name(SSL *ssl, const char *name_z)
{
	struct in6_addr ip;

	if (inet_pton(AF_INET, name_z, &ip) == 1 || inet_pton(AF_INET6, name_z, &ip) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name_z) == 1;
	return SSL_add1_host(ssl, name_z) == 1;
}

static bool add_names(SSL *ssl, const char *const *names_z)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	for (size_t i = 0; names_z != NULL && names_z[i] != NULL; i++)
		if (!add_name(ssl, names_z[i]))
			return false;
	return true;
}

/* How many were usable. */
static size_t add_tlsa(SSL *ssl, const struct str *tlsa, size_t n)
{
	size_t usable = 0;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = (const uint8_t *)tlsa[i].p;

		if (tlsa[i].n > 3 && (p[0] == USAGE_DANE_TA || p[0] == USAGE_DANE_EE))
			usable += SSL_dane_tlsa_add(ssl, p[0], p[1], p[2], p + 3, tlsa[i].n - 3) == 1;
	}
	ERR_clear_error();
	return usable;
}

size_t net_stream_tlsa_usable(struct net_stream_tls *t, const struct str *tlsa, size_t n)
{
	size_t usable = 0;
	SSL *ssl;

	ready(t);
	ssl = SSL_new(t->ctx);
	if (ssl != NULL && SSL_dane_enable(ssl, "example") > 0)
		usable = add_tlsa(ssl, tlsa, n);
	SSL_free(ssl);
	return usable;
}

static bool set_alpn(SSL *ssl, const char *alpn_z)
{
	unsigned char protos[ALPN_MAX + 1];
	size_t n = strlen(alpn_z);

	if (n == 0 || n > ALPN_MAX)
		return false;
	protos[0] = (unsigned char)n;
	memcpy(protos + 1, alpn_z, n);
	return SSL_set_alpn_protos(ssl, protos, (unsigned)n + 1) == 0;
}

/* The macro of OpenSSL casts const away. */
static bool set_sni(SSL *ssl, const char *name_z)
{
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)name_z) == 1;
}

static int prepare(struct net_stream *s, const struct net_stream_tls_want *w)
{
	bool is_any = w->trust == NET_TRUST_ANY;

	SSL_set_security_level(s->ssl, is_any ? 0 : LEVEL_VERIFIED);
	/* Also with NET_TRUST_ANY a chain is judged by what it would have to be. */
	X509_VERIFY_PARAM_set_auth_level(SSL_get0_param(s->ssl), LEVEL_VERIFIED);
	SSL_set_verify(s->ssl, is_any ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (is_any)
		SSL_set_options(s->ssl, SSL_OP_LEGACY_SERVER_CONNECT);
	if ((is_any && SSL_set_min_proto_version(s->ssl, TLS1_VERSION) != 1) ||
	    (w->sni_z != NULL && !set_sni(s->ssl, w->sni_z)) ||
	    (w->alpn_z != NULL && !set_alpn(s->ssl, w->alpn_z)))
		return net_stream_fail(s, -E_TLS, "OpenSSL refuses our settings: %s", net_tls_error_z());
	if (w->trust == NET_TRUST_PKIX && (w->names_z == NULL || w->names_z[0] == NULL))
		return net_stream_fail(s, -E_TLS, "there is no name that the certificate could be for");
	if (w->trust == NET_TRUST_DANE && (w->sni_z == NULL || SSL_dane_enable(s->ssl, w->sni_z) <= 0))
		return net_stream_fail(s, -E_TLS, "DANE needs the name of the host");
	if (!add_names(s->ssl, w->names_z)) /* behind that of DANE, which takes others away */
		return net_stream_fail(s, -E_TLS, "OpenSSL refuses a name: %s", net_tls_error_z());
	if (w->trust != NET_TRUST_DANE)
		return 0;
	SSL_dane_set_flags(s->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	return add_tlsa(s->ssl, w->tlsa, w->n_tlsa) > 0 ? 0 : net_stream_fail(s, -E_CANNOT, "no TLSA record is usable");
}

static int attach(struct net_stream *s, struct net_stream_tls *t)
{
	BIO *bio;

	s->ssl = SSL_new(t->ctx);
	bio = BIO_new(t->bio);
	if (s->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		return net_stream_fail(s, -E_TLS, "%s", net_tls_error_z());
	}
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, s);
	return 0;
}

/* ---- the handshake ---- */

static enum net_tls_problem kind_of(long result)
{
	switch (result) {
	case X509_V_OK:
		return NET_TLS_FINE;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return NET_TLS_OTHER_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return NET_TLS_EXPIRED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REJECTED:
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
		return NET_TLS_UNTRUSTED;
	default:
		return NET_TLS_OTHER;
	}
}

static void learn(struct net_stream *s, const struct net_stream_tls_want *w)
{
	long result = SSL_get_verify_result(s->ssl);
	bool is_good = result == X509_V_OK && s->has_leaf;

	s->info.version_z = SSL_get_version(s->ssl);
	s->info.cipher_z = SSL_get_cipher_name(s->ssl);
	s->info.subject_z = s->subject;
	s->info.issuer_z = s->issuer;
	s->info.names_z = s->names;
	s->info.problem_z = s->problem;
	s->info.problem = is_good               ? NET_TLS_FINE
			  : result == X509_V_OK ? NET_TLS_OTHER
						: kind_of(result);
	if (result != X509_V_OK)
		snprintf(s->problem, sizeof(s->problem), "%s", X509_verify_cert_error_string(result));
	else if (!is_good)
		snprintf(s->problem, sizeof(s->problem), "there is no certificate");
	s->info.is_pkix_good = is_good && w->trust != NET_TRUST_DANE && w->names_z != NULL && w->names_z[0] != NULL;
	s->info.is_verified = w->trust == NET_TRUST_PKIX ? s->info.is_pkix_good
							  : w->trust == NET_TRUST_DANE && is_good &&
								    SSL_get0_dane_authority(s->ssl, NULL, NULL) >= 0;
}

static int handshake_fault(struct net_stream *s, int rc)
{
	int saved = errno;
	unsigned long e = ERR_peek_last_error();
	long result = SSL_get_verify_result(s->ssl);

	s->is_tls_dead = true;
	if (result != X509_V_OK && e != 0 && ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return net_stream_fail(s, -E_TLS, "the certificate does not verify: %s", X509_verify_cert_error_string(result));
	if (SSL_get_error(s->ssl, rc) == SSL_ERROR_SYSCALL && s->noise > LIMIT_TLS_SERVER_NOISE)
		return -E_TLS;
	if (s->has_eof)
		return net_stream_fail(s, -E_CLOSED, "the peer closed the connection in the TLS handshake");
	if (e == 0)
		return net_stream_fail(s, -E_CLOSED, "in the TLS handshake: %s", strerror(saved));
	return net_stream_fail(s, -E_TLS, "TLS failed: %s", net_tls_error_z());
}

static int shake(struct net_stream *s, int64_t deadline_ms)
{
	for (;;) {
		short events;
		int rc, what, r;

		ERR_clear_error();
		rc = SSL_connect(s->ssl);
		what = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, rc);
		if (rc != 1 && what != SSL_ERROR_WANT_READ) {
			r = handshake_fault(s, rc);
			(void)!net_stream_send_wire(s, clock_mono_ms()); /* the alert */
			return r;
		}
		r = net_stream_send_wire(s, deadline_ms);
		if (r == 0 && rc != 1)
			r = net_stream_wait(s, POLLIN, deadline_ms, &events);
		if (r < 0 || rc == 1)
			return r;
	}
}

int net_stream_starttls(struct net_stream *s, struct net_stream_tls *t, const struct net_stream_tls_want *want,
			int64_t deadline_ms)
{
	int r;

	must(s->ssl == NULL && s->out.n == 0);
	if (s->in.n > s->used)
		return net_stream_fail(s, -E_TLS, "the peer sent something between its reply and TLS");
	if (s->is_scripted)
		return net_stream_fail(s, -E_TLS, "there is no TLS here");
	ready(t);
	r = attach(s, t);
	if (r == 0)
		r = prepare(s, want);
	if (r < 0) {
		s->is_tls_dead = true;
		return r;
	}
	s->is_shaking = true;
	r = shake(s, deadline_ms);
	s->is_shaking = false;
	learn(s, want);
	s->noise = 0;
	s->is_tls_dead |= r < 0;
	return r;
}

/* ---- data ---- */

int net_stream_tls_take(struct net_stream *s, char *p, size_t n)
{
	int got;

	if (s->is_tls_dead)
		return net_stream_fail(s, -E_TLS, "TLS has failed before");
	ERR_clear_error();
	got = SSL_read(s->ssl, p, n > INT32_MAX ? INT32_MAX : (int)n);
	if (got > 0) {
		s->noise = 0;
		return got;
	}
	switch (SSL_get_error(s->ssl, got)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		s->is_ended = true;
		return net_stream_fail(s, -E_CLOSED, "the peer closed the connection");
	case SSL_ERROR_SYSCALL:
		s->is_ended = s->is_tls_dead = true;
		return s->noise > LIMIT_TLS_SERVER_NOISE
			       ? -E_TLS
			       : net_stream_fail(s, -E_CLOSED, "%s", s->has_eof ? "the peer closed the connection" : strerror(errno));
	default:
		s->is_ended = s->is_tls_dead = true;
		return net_stream_fail(s, -E_TLS, "TLS failed: %s", net_tls_error_z());
	}
}

int net_stream_tls_seal(struct net_stream *s, struct str bytes)
{
	int put;

	if (s->is_tls_dead)
		return net_stream_fail(s, -E_TLS, "TLS has failed before");
	ERR_clear_error();
	put = SSL_write(s->ssl, bytes.p, (int)bytes.n);
	if (put == (int)bytes.n)
		return 0;
	s->is_tls_dead = true;
	return net_stream_fail(s, -E_TLS, "TLS failed: %s", net_tls_error_z());
}

void net_stream_tls_bye(struct net_stream *s)
{
	if (s->is_tls_dead || !SSL_is_init_finished(s->ssl))
		return;
	ERR_clear_error();
	(void)SSL_shutdown(s->ssl);
	(void)!net_stream_send_wire(s, clock_mono_ms());
}

/* ---- what may be asked ---- */

bool net_stream_is_tls(const struct net_stream *s)
{
	return s->ssl != NULL && !s->is_tls_dead && !s->is_shaking;
}

bool net_stream_tls_info(const struct net_stream *s, struct net_stream_tls_info *ret)
{
	if (s->info.subject_z == NULL)
		return false;
	*ret = s->info;
	return true;
}

bool net_stream_tls_exporter(const struct net_stream *s, uint8_t ret[32])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	/* RFC 9266 2, RFC 7627: before TLS 1.3 only with the extended master secret is a binding unique. */
	if (!net_stream_is_tls(s) || (SSL_version(s->ssl) < TLS1_3_VERSION && SSL_get_extms_support(s->ssl) != 1))
		return false;
	return SSL_export_keying_material(s->ssl, ret, 32, label, sizeof(label) - 1, (const unsigned char *)"", 0, 1) == 1;
}

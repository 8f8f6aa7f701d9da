/* SPDX-License-Identifier: MIT */
/*
 * TLS contexts. A struct net_tls is a mutable handle to an immutable set of contexts; a reload
 * builds a whole new one and takes its set, connections keep the set that they were made of.
 *
 * A set has one "site" for each different list of names: an SSL_CTX with its certificates (one of
 * each key type, so RSA and ECDSA for the same names go together). The first is the default. The
 * ClientHello's server name picks the site; an unknown or missing name gets the default (mail
 * clients often send none).
 *
 * RFC 9325 and RFC 8996 (TLS 1.2 and 1.3, AEAD with ephemeral ECDH, no renegotiation, no
 * compression), RFC 6066 3 (SNI), RFC 7301 3.2 (ALPN), RFC 9525 6.3 (one wildcard, the whole
 * leftmost label).
 */
#include "net/tls.h"

#include "base/mem.h"
#include "base/must.h"
#include "net/net_int.h"

#include <errno.h>
#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define ALPN_MAX 63
#define NAMES_MAX 1000 /* of one certificate */

/*
 * RFC 9325 4.2: the recommended suites and their AES-256 and ChaCha20 sisters. TLS 1.3 has its
 * own list.
 */
static const char ciphers_z[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
				"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
static char groups_z[] = "X25519:P-256:P-384";

struct tls_site {
	SSL_CTX *ctx;
	char **names; /* lower case */
	size_t n_names;
	int key_types[4]; /* of the certificates in ctx */
	size_t n_key_types;
};

struct net_tls_set {
	atomic_int refs;
	struct tls_site *sites;
	size_t n_sites;
	unsigned char alpn[ALPN_MAX + 1]; /* length byte and protocol; length 0: none */
};

struct net_tls {
	atomic_int refs;
	struct lock lock;
	struct net_tls_set *set; /* lock */
};

const char *net_tls_error_z(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e == 0 ? NULL : ERR_reason_error_string(e);

	ERR_clear_error();
	return text != NULL ? text : "no detail";
}

/* ---- choosing during a handshake ---- */

/* RFC 9525 6.3: "*.example.org" stands for exactly one label. */
static bool name_matches(struct str pattern, struct str host)
{
	ptrdiff_t dot;

	if (!str_starts(pattern, S("*.")))
		return str_ieq(pattern, host);
	dot = str_chr(host, '.');
	return dot > 0 && str_ieq(str_skip(pattern, 1), str_skip(host, (size_t)dot));
}

static const struct tls_site *site_find(const struct net_tls_set *set, struct str host)
{
	for (int want_wildcard = 0; want_wildcard < 2; want_wildcard++)
		for (size_t i = 0; i < set->n_sites; i++)
			for (size_t j = 0; j < set->sites[i].n_names; j++) {
				const char *name = set->sites[i].names[j];

				if ((name[0] == '*') == (want_wildcard == 1) &&
				    name_matches(str_z(name), host))
					return &set->sites[i];
			}
	return NULL;
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct net_tls_set *set = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_site *site;

	(void)alert;
	site = name == NULL ? NULL : site_find(set, str_z(name));
	if (site != NULL && SSL_get_SSL_CTX(ssl) != site->ctx)
		SSL_set_SSL_CTX(ssl, site->ctx);
	return SSL_TLSEXT_ERR_OK;
}

/*
 * RFC 7301 3.2: a client that offers ALPN and not our protocol is refused: it wants to talk to
 * somebody else.
 */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
		   const unsigned char *in, unsigned in_n, void *arg)
{
	const struct net_tls_set *set = arg;
	unsigned n = set->alpn[0];

	(void)ssl;
	for (unsigned i = 0; i < in_n && in_n - i > in[i]; i += 1u + in[i]) {
		if (in[i] == n && memcmp(in + i + 1, set->alpn + 1, n) == 0) {
			*out = set->alpn + 1;
			*out_n = (unsigned char)n;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/*
 * A client certificate that does not verify is as good as none; peer_learn() asks for the
 * result.
 */
static int on_verify(int is_ok, X509_STORE_CTX *ctx)
{
	(void)is_ok, (void)ctx;
	return 1;
}

/* ---- building a set ---- */

static void x509_close(X509 **x)
{
	X509_free(*x);
}

static void bio_close(BIO **b)
{
	BIO_free(*b);
}

static void names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mem_free(names[i]);
	mem_free(names);
}

static char *lower_dup(const unsigned char *p, int n)
{
	char *z = mem_dup_z(str_of(p, (size_t)n));

	for (char *at = z; *at != '\0'; at++)
		*at = str_lower_char(*at);
	return z;
}

/* The DNS names of a certificate; without any, the common name (old private certificates). */
static char **names_of(X509 *cert, size_t *ret_n)
{
	GENERAL_NAMES *san = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int n_san = san == NULL ? 0 : sk_GENERAL_NAME_num(san);
	char **names = mem_alloc((size_t)n_san + 1, sizeof(names[0]));
	char cn[256];
	size_t n = 0;

	for (int i = 0; i < n_san && n < NAMES_MAX; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(san, i);

		if (name->type == GEN_DNS)
			names[n++] = lower_dup(ASN1_STRING_get0_data(name->d.dNSName),
					       ASN1_STRING_length(name->d.dNSName));
	}
	GENERAL_NAMES_free(san);
	if (n == 0 && X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, cn,
						sizeof(cn)) > 0)
		names[n++] = lower_dup((const unsigned char *)cn, (int)strlen(cn));
	*ret_n = n;
	return names;
}

/* The bytes of a PEM file: those given, or else read from path_z. NULL when it cannot be opened. */
static BIO *pem_open(const char *path_z, struct str pem)
{
	if (pem.p == NULL)
		return BIO_new_file(path_z, "r");
	return pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
}

static int ctx_client_ca(SSL_CTX *ctx, const char *path_z, struct str pem, struct fault *fault)
{
	AUTO(bio_close) BIO *bio = path_z == NULL ? NULL : pem_open(path_z, pem);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	int n = 0;
	X509 *ca;

	if (path_z == NULL)
		return 0;
	while (bio != NULL && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (X509_STORE_add_cert(store, ca) == 1 && SSL_CTX_add_client_CA(ctx, ca) == 1)
			n++;
		X509_free(ca);
	}
	if (n == 0)
		return fault_set(fault, -E_TLS, "%s: no usable CA certificates: %s", path_z,
				 net_tls_error_z());
	ERR_clear_error(); /* of reading past the last one */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	return 0;
}

/* An SSL_CTX with everything but certificates. */
static int ctx_new(const struct net_tls_options *o, struct net_tls_set *set, SSL_CTX **ret,
		   struct fault *fault)
{
	static const unsigned char session_context[] = "martlet";
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, ciphers_z) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups_z) != 1) {
		SSL_CTX_free(ctx);
		return fault_set(fault, -E_TLS, "OpenSSL refuses our settings: %s",
				 net_tls_error_z());
	}
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY); /* conn_tls.c, 4 */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_max_cert_list(ctx, LIMIT_TLS_CERTS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, session_context, sizeof(session_context) - 1);
	if (!o->has_tickets) {
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(ctx, 0);
	} else {
		SSL_CTX_set_num_tickets(ctx, 1);
	}
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, set);
	if (set->alpn[0] > 0)
		SSL_CTX_set_alpn_select_cb(ctx, on_alpn, set);
	*ret = ctx;
	return ctx_client_ca(ctx, o->client_ca_path_z, o->client_ca_pem, fault);
}

static bool site_fits(const struct tls_site *s, char *const *names, size_t n, int key_type)
{
	if (s->n_names != n || s->n_key_types == ARRAY_LEN(s->key_types))
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(s->names[i], names[i]) != 0)
			return false;
	for (size_t i = 0; i < s->n_key_types; i++)
		if (s->key_types[i] == key_type)
			return false;
	return true;
}

/*
 * The site that the certificate goes to: one with the same names and another key type, or a new
 * one.
 */
static int site_for(struct net_tls_set *set, const struct net_tls_options *o, X509 *leaf,
		    struct tls_site **ret, struct fault *fault)
{
	int key_type = EVP_PKEY_get_base_id(X509_get0_pubkey(leaf));
	struct tls_site *site = NULL;
	size_t n_names;
	char **names = names_of(leaf, &n_names);
	int rc = 0;

	for (size_t i = 0; i < set->n_sites && site == NULL; i++)
		if (site_fits(&set->sites[i], names, n_names, key_type))
			site = &set->sites[i];
	if (site != NULL) {
		names_free(names, n_names);
	} else {
		must(set->sites != NULL && set->n_sites < o->n_certs);
		site = &set->sites[set->n_sites++];
		site->names = names;
		site->n_names = n_names;
		rc = ctx_new(o, set, &site->ctx, fault);
	}
	site->key_types[site->n_key_types++] = key_type;
	*ret = site;
	return rc;
}

/* The certificates behind the leaf, which *bio has read already. */
static bool use_chain(SSL_CTX *ctx, X509 *leaf, BIO *bio)
{
	X509 *ca;

	if (SSL_CTX_use_certificate(ctx, leaf) != 1 || SSL_CTX_clear_chain_certs(ctx) != 1)
		return false;
	while ((ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (SSL_CTX_add0_chain_cert(ctx, ca) != 1) {
			X509_free(ca);
			return false;
		}
	}
	/* Reading ends with "no start line"; anything else is damage. */
	if (ERR_GET_LIB(ERR_peek_last_error()) != ERR_LIB_PEM ||
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

/* A server has nobody to ask. */
static int no_passphrase(char *buf, int size, int is_writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)is_writing;
	(void)ctx;
	return -1;
}

/* The leaf is asked: the context would also take the key of its certificate of another type. */
static int use_key(SSL_CTX *ctx, X509 *leaf, const struct net_tls_cert *cert, struct fault *fault)
{
	AUTO(bio_close) BIO *bio = pem_open(cert->key_path_z, cert->key_pem);
	EVP_PKEY *key;
	bool is_good;

	if (bio == NULL)
		return fault_errno(fault, errno, "%s: cannot read the key", cert->key_path_z);
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	is_good = key != NULL && X509_check_private_key(leaf, key) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
	EVP_PKEY_free(key);
	if (!is_good)
		return fault_set(fault, -E_TLS, "%s: not the key of %s: %s", cert->key_path_z,
				 cert->cert_path_z, net_tls_error_z());
	return 0;
}

static int set_add_cert(struct net_tls_set *set, const struct net_tls_options *o,
			const struct net_tls_cert *cert, struct fault *fault)
{
	AUTO(bio_close) BIO *bio = pem_open(cert->cert_path_z, cert->cert_pem);
	AUTO(x509_close)
	X509 *leaf = bio == NULL ? NULL : PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	struct tls_site *site;
	int rc;

	if (leaf == NULL || X509_get0_pubkey(leaf) == NULL)
		return fault_set(fault, -E_TLS, "%s: not a PEM certificate that can be read: %s",
				 cert->cert_path_z, net_tls_error_z());
	rc = site_for(set, o, leaf, &site, fault);
	if (rc < 0)
		return rc;
	if (!use_chain(site->ctx, leaf, bio))
		return fault_set(fault, -E_TLS, "%s: %s", cert->cert_path_z, net_tls_error_z());
	return use_key(site->ctx, leaf, cert, fault);
}

void net_tls_set_unref(struct net_tls_set *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1)
		return;
	for (size_t i = 0; i < s->n_sites; i++) {
		SSL_CTX_free(s->sites[i].ctx);
		names_free(s->sites[i].names, s->sites[i].n_names);
	}
	mem_free(s->sites);
	mem_free(s);
}

static int set_new(const struct net_tls_options *o, struct net_tls_set **ret, struct fault *fault)
{
	size_t n_alpn = o->alpn_z == NULL ? 0 : strlen(o->alpn_z);
	struct net_tls_set *set;
	int rc = 0;

	if (o->n_certs == 0 || n_alpn > ALPN_MAX)
		return fault_set(fault, -E_USAGE,
				 o->n_certs == 0 ? "no certificate is given"
						 : "the ALPN name is too long");
	set = MEM_NEW(struct net_tls_set);
	atomic_init(&set->refs, 1);
	set->sites = mem_alloc(o->n_certs, sizeof(set->sites[0]));
	set->alpn[0] = (unsigned char)n_alpn;
	if (n_alpn > 0)
		memcpy(set->alpn + 1, o->alpn_z, n_alpn);
	ERR_clear_error();
	for (size_t i = 0; i < o->n_certs && rc == 0; i++)
		rc = set_add_cert(set, o, &o->certs[i], fault);
	if (rc < 0) {
		net_tls_set_unref(set);
		return rc;
	}
	*ret = set;
	return 0;
}

struct net_tls_set *net_tls_set_get(struct net_tls *t)
{
	struct net_tls_set *set;

	lock_get(&t->lock);
	set = t->set;
	atomic_fetch_add(&set->refs, 1);
	lock_put(&t->lock);
	return set;
}

SSL_CTX *net_tls_set_default(struct net_tls_set *s)
{
	return s->sites[0].ctx;
}

/* ---- the handle ---- */

int net_tls_new(const struct net_tls_options *o, struct net_tls **ret, struct fault *fault)
{
	struct net_tls_set *set = NULL;
	struct net_tls *t;
	int rc = set_new(o, &set, fault);

	if (rc < 0)
		return rc;
	t = MEM_NEW(struct net_tls);
	atomic_init(&t->refs, 1);
	lock_init(&t->lock);
	t->set = set;
	*ret = t;
	return 0;
}

void net_tls_take(struct net_tls *t, struct net_tls *from)
{
	struct net_tls_set *set = net_tls_set_get(from);
	struct net_tls_set *old;

	lock_get(&t->lock);
	old = t->set;
	t->set = set;
	lock_put(&t->lock);
	net_tls_set_unref(old);
	net_tls_unref(from);
}

struct net_tls *net_tls_ref(struct net_tls *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void net_tls_unref(struct net_tls *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) > 1)
		return;
	net_tls_set_unref(t->set);
	lock_fini(&t->lock);
	mem_free(t);
}

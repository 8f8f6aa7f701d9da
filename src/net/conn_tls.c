/* SPDX-License-Identifier: MIT */
/*
 * The TLS transport of one connection: handshake in steps, reading, writing, and what a session
 * may ask about it.
 *
 * 1. The SSL object is made when the ClientHello has arrived, not before (tls_hello.c): a silent
 *    peer costs nothing.
 * 2. It keeps a reference to the set of contexts that it was made of (its callbacks use the set),
 *    so a reload never pulls anything away.
 * 3. After a fatal error the SSL object is not spoken to again (is_tls_dead).
 * 4. A read that meets records without data (KeyUpdate) comes back rather than to read on, and a
 *    peer that sends LIMIT_TLS_NOISE bytes without any data among them is cut off: they cost us
 *    more than they cost it.
 */
#include "net/net_int.h"

#include "base/mem.h"
#include "base/must.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

#define ALPN_MAX 63
#define CERT_EMAILS_MAX 32

struct net_tls_peer {
	char alpn[ALPN_MAX + 1];
	bool has_cert;
	char *subject;
	char *emails[CERT_EMAILS_MAX];
	size_t n_emails;
};

/* The code for the outcome rc of an SSL call; 0: not now, *wants says for what. */
static int outcome(struct conn *c, int rc, short *wants)
{
	switch (SSL_get_error(c->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*wants = POLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		*wants = POLLOUT;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -E_CLOSED;
	case SSL_ERROR_SYSCALL:
		c->is_tls_dead = true;
		return -E_CLOSED;
	default:
		c->is_tls_dead = true;
		return -E_TLS;
	}
}

/* Has the peer sent too much that was no data? Called when there was none. */
static bool is_noisy(const struct conn *c)
{
	return BIO_number_read(SSL_get_rbio(c->ssl)) - c->tls_heard > LIMIT_TLS_NOISE;
}

static int tls_read(struct conn *c, void *p, size_t n, size_t *ret_n)
{
	int got, rc;

	*ret_n = 0;
	if (c->ssl == NULL || c->phase == NET_PHASE_HANDSHAKE)
		return 0;
	if (c->is_tls_dead)
		return -E_TLS;
	ERR_clear_error();
	got = SSL_read(c->ssl, p, n > INT32_MAX ? INT32_MAX : (int)n);
	if (got > 0) {
		*ret_n = (size_t)got;
		c->tls_heard = BIO_number_read(SSL_get_rbio(c->ssl));
		/* Bytes read ahead may hold another record; otherwise wait for epoll. */
		c->is_drained = SSL_has_pending(c->ssl) == 0;
		c->read_wants = POLLIN;
		return 0;
	}
	c->is_drained = true;
	rc = outcome(c, got, &c->read_wants);
	if (rc != 0 || !is_noisy(c))
		return rc;
	c->is_tls_dead = true;
	return -E_TLS;
}

static int tls_write(struct conn *c, const void *p, size_t n, size_t *ret_n)
{
	int put;

	*ret_n = 0;
	if (c->ssl == NULL || c->phase == NET_PHASE_HANDSHAKE)
		return -E_BUG;
	if (c->is_tls_dead)
		return -E_TLS;
	ERR_clear_error();
	put = SSL_write(c->ssl, p, n > INT32_MAX ? INT32_MAX : (int)n);
	if (put > 0) {
		*ret_n = (size_t)put;
		return 0;
	}
	return outcome(c, put, &c->write_wants);
}

static void tls_shutdown(struct conn *c)
{
	if (c->ssl == NULL || c->is_tls_dead || !SSL_is_init_finished(c->ssl))
		return;
	ERR_clear_error();
	(void)SSL_shutdown(c->ssl);
}

const struct net_transport net_tls_transport = {
	.read = tls_read,
	.write = tls_write,
	.shutdown = tls_shutdown,
};

/* ---- handshake ---- */

/* The rfc822Names of a certificate; names with a NUL inside are a known trick and left out. */
static void copy_emails(struct net_tls_peer *p, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		struct str s;

		if (name->type != GEN_EMAIL || p->n_emails == CERT_EMAILS_MAX)
			continue;
		s = str_of(ASN1_STRING_get0_data(name->d.rfc822Name),
			   (size_t)ASN1_STRING_length(name->d.rfc822Name));
		if (s.n > 0 && str_chr(s, '\0') < 0)
			p->emails[p->n_emails++] = mem_dup_z(s);
	}
	GENERAL_NAMES_free(names);
}

static char *subject_of(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *ret;
	long n;

	must(bio != NULL);
	X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
	n = BIO_get_mem_data(bio, &text);
	ret = mem_dup_z(str_of(text, n > 0 ? (size_t)n : 0));
	BIO_free(bio);
	return ret;
}

/* Keeps what conn_tls_info() tells; most peers have none of it and cost nothing. */
static void peer_learn(struct conn *c)
{
	X509 *cert = SSL_get0_peer_certificate(c->ssl);
	const unsigned char *alpn;
	unsigned n;

	if (cert != NULL && SSL_get_verify_result(c->ssl) != X509_V_OK)
		cert = NULL;
	SSL_get0_alpn_selected(c->ssl, &alpn, &n);
	if (cert == NULL && n == 0)
		return;
	c->tls_peer = MEM_NEW(struct net_tls_peer);
	if (n <= ALPN_MAX && n > 0)
		memcpy(c->tls_peer->alpn, alpn, n);
	if (cert == NULL)
		return;
	c->tls_peer->has_cert = true;
	c->tls_peer->subject = subject_of(cert);
	copy_emails(c->tls_peer, cert);
}

int net_tls_handshake(struct conn *c, struct fault *fault)
{
	int rc, code;

	ERR_clear_error();
	if (c->ssl == NULL) {
		rc = net_tls_hello_wait(c, fault);
		if (rc <= 0)
			return rc;
		c->tls_set = net_tls_set_get(c->tls);
		c->ssl = SSL_new(net_tls_set_default(c->tls_set));
		if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
			return fault_set(fault, -E_TLS, "%s", net_tls_error_z());
		net_tls_unref(c->tls);
		c->tls = NULL;
	}
	rc = SSL_accept(c->ssl);
	if (rc == 1) {
		c->is_drained = SSL_has_pending(c->ssl) == 0;
		c->tls_heard = BIO_number_read(SSL_get_rbio(c->ssl));
		peer_learn(c);
		return 1;
	}
	code = outcome(c, rc, &c->read_wants);
	if (code < 0) {
		c->is_tls_dead = true;
		return fault_set(fault, code, "%s",
				 code == -E_CLOSED ? "the peer closed during the handshake"
						   : net_tls_error_z());
	}
	return 0;
}

void net_tls_conn_fini(struct conn *c)
{
	if (c->tls_peer != NULL) {
		for (size_t i = 0; i < c->tls_peer->n_emails; i++)
			mem_free(c->tls_peer->emails[i]);
		mem_free(c->tls_peer->subject);
		mem_free(c->tls_peer);
		c->tls_peer = NULL;
	}
	SSL_free(c->ssl);
	c->ssl = NULL;
	net_tls_unref(c->tls);
	c->tls = NULL;
	net_tls_set_unref(c->tls_set);
	c->tls_set = NULL;
}

/* ---- what a session may ask ---- */

bool conn_tls_info(const struct conn *c, struct conn_tls_info *ret)
{
	const struct net_tls_peer *p = c->tls_peer;
	const char *sni;

	if (!c->is_tls)
		return false;
	*ret = (struct conn_tls_info){ .version = "TLSv1.3",
				       .cipher = "TLS_AES_256_GCM_SHA384",
				       .bits = 256,
				       .sni = "",
				       .alpn = "",
				       .client_cert_subject = "" };
	if (c->ssl == NULL) /* scripted */
		return true;
	sni = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
	ret->version = SSL_get_version(c->ssl);
	ret->cipher = SSL_get_cipher_name(c->ssl);
	ret->bits = SSL_get_cipher_bits(c->ssl, NULL);
	ret->sni = sni != NULL ? sni : "";
	if (p == NULL)
		return true;
	ret->alpn = p->alpn;
	ret->has_client_cert = p->has_cert;
	ret->client_cert_subject = p->has_cert ? p->subject : "";
	ret->client_cert_emails = (const char *const *)p->emails;
	ret->n_client_cert_emails = p->n_emails;
	return true;
}

bool conn_tls_binding(const struct conn *c, enum conn_binding which, struct buf *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char b[64];
	size_t n = 32;

	if (!c->is_tls)
		return false;
	if (c->ssl == NULL) { /* scripted: something to compute with */
		memset(b, 0x42, n);
		if (which == CONN_BIND_TLS_EXPORTER)
			buf_add(out, str_of(b, n));
		return which == CONN_BIND_TLS_EXPORTER;
	}
	/*
	 * RFC 9266 2 and RFC 7627: before TLS 1.3 only with the extended master secret is a
	 * binding unique.
	 */
	if (SSL_version(c->ssl) < TLS1_3_VERSION && SSL_get_extms_support(c->ssl) != 1)
		return false;
	if (which == CONN_BIND_TLS_EXPORTER) {
		if (SSL_export_keying_material(c->ssl, b, n, label, sizeof(label) - 1,
					       (const unsigned char *)"", 0, 1) != 1)
			return false;
		buf_add(out, str_of(b, n));
		return true;
	}
	if (SSL_version(c->ssl) != TLS1_2_VERSION)
		return false;
	/*
	 * RFC 5929 3.1: the first Finished message: the client's, or the server's when a session
	 * is resumed.
	 */
	n = SSL_session_reused(c->ssl) ? SSL_get_finished(c->ssl, b, sizeof(b))
				       : SSL_get_peer_finished(c->ssl, b, sizeof(b));
	if (n == 0 || n > sizeof(b))
		return false;
	buf_add(out, str_of(b, n));
	return true;
}

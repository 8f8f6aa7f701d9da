/* SPDX-License-Identifier: MIT */
/*
 * Server-side TLS contexts by OpenSSL: TLS 1.2 and 1.3 with RFC 9325 ciphers, several
 * certificates chosen by SNI, ALPN, reload while sessions run. Reference-counted and thread-safe.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct net_tls;

struct net_tls_cert {
	const char *cert_path_z; /* PEM chain, leaf first */
	const char *key_path_z;
	/* What stands in the files, when the caller has read them (p not NULL): then they are only names for errors. */
	struct str cert_pem, key_pem;
};

struct net_tls_options {
	const struct net_tls_cert *certs; /* the first is the default; names come from the certificates themselves */
	size_t n_certs;
	const char *client_ca_path_z;     /* NULL: no client certificates; else they are asked for and optional */
	struct str client_ca_pem;         /* its bytes, as above */
	const char *alpn_z;               /* the protocol of the listener ("imap", "pop3", "smtp"...); NULL: none */
	bool has_tickets;                 /* session tickets; false on port 25 */
};

/*
 * Loads keys and certificates, from the bytes given or else from their files.
 */
MUST_CHECK int net_tls_new(const struct net_tls_options *o, struct net_tls **ret, struct fault *fault);
/*
 * A reload: connections to come get what from was made of, those that are there keep theirs; from is given up. It cannot fail, so
 * several contexts change together: all are made first.
 */
void net_tls_take(struct net_tls *t, struct net_tls *from);
struct net_tls *net_tls_ref(struct net_tls *t);
void net_tls_unref(struct net_tls *t); /* accepts NULL */

/*
 * A self-signed certificate (ECDSA P-256, names_z NULL-terminated, days valid) written as PEM
 * files with mode 0600; existing files are kept when still valid. For the demo and first starts.
 */
MUST_CHECK int net_tls_make_self_signed(const char *cert_path_z, const char *key_path_z,
					const char *const *names_z, int days, struct fault *fault);
/*
 * A request for a certificate (CSR, PKCS #10) for these names, beside a new key, as PEM files with mode 0600; existing files are kept. For who asks an
 * authority.
 */
MUST_CHECK int net_tls_make_request(const char *request_path_z, const char *key_path_z, const char *const *names_z, struct fault *fault);
/*
 * SHA-256 of the key (SubjectPublicKeyInfo) of the first certificate in PEM: what a TLSA record 3 1 1 has (RFC 6698 2.1). *ret_is_for_host: it is for that name.
 * -E_USAGE: no certificate.
 */
MUST_CHECK int net_tls_key_sha256(struct str pem, const char *host_z, uint8_t ret[32], bool *ret_is_for_host);

/* SPDX-License-Identifier: MIT */
/*
 * Self-signed certificates for the demo and for first starts, requests for an authority, and the digest of a certificate's key. The key is written first, both files
 * through a temporary name, so a crash leaves either a good pair or one that is made anew.
 */
#include "net/tls.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "net/net_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096

static void x509_close(X509 **x)
{
	X509_free(*x);
}

static void pkey_close(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void bio_close(BIO **b)
{
	BIO_free(*b);
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static bool is_ip(const char *name_z)
{
	unsigned char b[16];

	return inet_pton(AF_INET, name_z, b) == 1 || inet_pton(AF_INET6, name_z, b) == 1;
}

/* Is there a matching pair that names all of names_z and does not end within a day? */
static bool pair_is_good(const char *cert_path_z, const char *key_path_z,
			 const char *const *names_z)
{
	AUTO(bio_close) BIO *cert_bio = BIO_new_file(cert_path_z, "r");
	AUTO(bio_close) BIO *key_bio = BIO_new_file(key_path_z, "r");
	AUTO(x509_close) X509 *cert = NULL;
	AUTO(pkey_close) EVP_PKEY *key = NULL;
	time_t tomorrow = time(NULL) + 86400;

	if (cert_bio != NULL)
		cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
	if (key_bio != NULL)
		key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
	ERR_clear_error();
	if (cert == NULL || key == NULL || X509_check_private_key(cert, key) != 1 ||
	    X509_cmp_time(X509_get0_notAfter(cert), &tomorrow) <= 0)
		return false;
	for (; *names_z != NULL; names_z++)
		if ((is_ip(*names_z) ? X509_check_ip_asc(cert, *names_z, 0)
				     : X509_check_host(cert, *names_z, 0, 0, NULL)) != 1)
			return false;
	return true;
}

static bool add_extension(X509 *cert, int nid, const char *value_z)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool is_ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value_z);
	is_ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return is_ok;
}

static bool set_names(X509 *cert, const char *const *names_z)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	struct buf san = BUF_INIT(8192);
	bool is_ok;

	for (size_t i = 0; names_z[i] != NULL; i++)
		buf_printf(&san, "%s%s:%s", i > 0 ? "," : "", is_ip(names_z[i]) ? "IP" : "DNS",
			   names_z[i]);
	is_ok = !buf_overflowed(&san) &&
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					   (const unsigned char *)names_z[0], -1, -1, 0) == 1 &&
		X509_set_issuer_name(cert, subject) == 1 &&
		add_extension(cert, NID_subject_alt_name, buf_z(&san));
	buf_fini(&san);
	return is_ok;
}

static bool fill_cert(X509 *cert, EVP_PKEY *key, const char *const *names_z, int days)
{
	unsigned char serial[16];
	BIGNUM *bn;
	bool is_ok;

	rnd_bytes(serial, sizeof(serial));
	serial[0] &= 0x7f;
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	is_ok = bn != NULL && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL;
	BN_free(bn);
	return is_ok && X509_set_version(cert, X509_VERSION_3) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) != NULL &&
	       X509_set_pubkey(cert, key) == 1 && set_names(cert, names_z) &&
	       add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       add_extension(cert, NID_subject_key_identifier, "hash") &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

/* Writes all of bio's bytes to the file by way of a temporary one in the same directory. */
static int file_replace(const char *path_z, BIO *bio, struct fault *fault)
{
	AUTO(fd_close) int fd = -1;
	char tmp[PATH_MAX_BYTES];
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	if (snprintf(tmp, sizeof(tmp), "%s.new", path_z) >= (int)sizeof(tmp))
		return fault_set(fault, -E_USAGE, "%.100s...: the path is too long", path_z);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault_errno(fault, errno, "%s", tmp);
	if (write(fd, p, (size_t)n) != n || fsync(fd) != 0)
		return fault_errno(fault, errno, "%s", tmp);
	if (rename(tmp, path_z) != 0)
		return fault_errno(fault, errno, "%s", path_z);
	return 0;
}

int net_tls_make_self_signed(const char *cert_path_z, const char *key_path_z,
			     const char *const *names_z, int days, struct fault *fault)
{
	AUTO(pkey_close) EVP_PKEY *key = NULL;
	AUTO(x509_close) X509 *cert = NULL;
	AUTO(bio_close) BIO *key_bio = NULL;
	AUTO(bio_close) BIO *cert_bio = NULL;
	int rc;

	if (names_z[0] == NULL || days < 1)
		return fault_set(fault, -E_USAGE, "a certificate needs a name and days to live");
	if (pair_is_good(cert_path_z, key_path_z, names_z))
		return 0;
	key = EVP_EC_gen("P-256");
	cert = X509_new();
	key_bio = BIO_new(BIO_s_mem());
	cert_bio = BIO_new(BIO_s_mem());
	if (key == NULL || cert == NULL || key_bio == NULL || cert_bio == NULL ||
	    !fill_cert(cert, key, names_z, days) ||
	    PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    PEM_write_bio_X509(cert_bio, cert) != 1)
		return fault_set(fault, -E_TLS, "cannot make a certificate: %s", net_tls_error_z());
	rc = file_replace(key_path_z, key_bio, fault);
	return rc < 0 ? rc : file_replace(cert_path_z, cert_bio, fault);
}

/* ---- for an authority ---- */

static void req_close(X509_REQ **r)
{
	X509_REQ_free(*r);
}

static void names_close(STACK_OF(X509_EXTENSION) **s)
{
	sk_X509_EXTENSION_pop_free(*s, X509_EXTENSION_free);
}

/* The names as a subject alternative name, which is where authorities and clients look. */
static bool fill_request(X509_REQ *req, EVP_PKEY *key, const char *const *names_z)
{
	AUTO(names_close) STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	AUTO(buf_fini) struct buf san = BUF_INIT(8192);
	X509_EXTENSION *ext;

	for (size_t i = 0; names_z[i] != NULL; i++)
		buf_printf(&san, "%sDNS:%s", i > 0 ? "," : "", names_z[i]);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, buf_z(&san));
	if (list == NULL || ext == NULL || sk_X509_EXTENSION_push(list, ext) < 1) {
		X509_EXTENSION_free(ext);
		return false;
	}
	return X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 && X509_REQ_set_pubkey(req, key) == 1 && X509_REQ_add_extensions(req, list) == 1 &&
	       X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8, (const unsigned char *)names_z[0], -1, -1, 0) == 1 &&
	       X509_REQ_sign(req, key, EVP_sha256()) > 0;
}

static EVP_PKEY *read_key(const char *path_z)
{
	AUTO(bio_close) BIO *bio = BIO_new_file(path_z, "r");
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

	ERR_clear_error();
	return key;
}

static int make_key(const char *path_z, EVP_PKEY **ret, struct fault *fault)
{
	AUTO(bio_close) BIO *bio = BIO_new(BIO_s_mem());

	*ret = EVP_EC_gen("P-256");
	if (bio == NULL || *ret == NULL || PEM_write_bio_PKCS8PrivateKey(bio, *ret, NULL, NULL, 0, NULL, NULL) != 1)
		return fault_set(fault, -E_TLS, "cannot make a key: %s", net_tls_error_z());
	return file_replace(path_z, bio, fault);
}

int net_tls_make_request(const char *request_path_z, const char *key_path_z, const char *const *names_z, struct fault *fault)
{
	AUTO(pkey_close) EVP_PKEY *key = NULL;
	AUTO(req_close) X509_REQ *req = NULL;
	AUTO(bio_close) BIO *bio = NULL;
	bool has_key = access(key_path_z, F_OK) == 0;
	int rc;

	if (has_key && access(request_path_z, F_OK) == 0)
		return 0;
	if (has_key && (key = read_key(key_path_z)) == NULL)
		return fault_set(fault, -E_USAGE, "%s: no private key in PEM, or it cannot be read", key_path_z);
	rc = has_key ? 0 : make_key(key_path_z, &key, fault);
	if (rc < 0)
		return rc;
	req = X509_REQ_new();
	bio = BIO_new(BIO_s_mem());
	if (req == NULL || bio == NULL || !fill_request(req, key, names_z) || PEM_write_bio_X509_REQ(bio, req) != 1)
		return fault_set(fault, -E_TLS, "cannot make a certificate request: %s", net_tls_error_z());
	return file_replace(request_path_z, bio, fault);
}

int net_tls_key_sha256(struct str pem, const char *host_z, uint8_t ret[32], bool *ret_is_for_host)
{
	AUTO(bio_close) BIO *bio = BIO_new_mem_buf(pem.n > 0 ? pem.p : "", pem.n > INT32_MAX ? 0 : (int)pem.n);
	AUTO(x509_close) X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	unsigned char *der = NULL;
	int n = cert != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der) : 0;
	bool is_done = n > 0 && EVP_Digest(der, (size_t)n, ret, NULL, EVP_sha256(), NULL) == 1;

	*ret_is_for_host = is_done && X509_check_host(cert, host_z, 0, 0, NULL) == 1;
	OPENSSL_free(der);
	ERR_clear_error();
	return is_done ? 0 : -E_USAGE;
}

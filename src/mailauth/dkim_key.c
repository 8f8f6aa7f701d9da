/* SPDX-License-Identifier: MIT */
/* Private keys: read, made, and the public half that the DNS has. RFC 6376 3.3, RFC 8301 3, RFC 8463 2. */
#include "mailauth/dkim_int.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "base/text.h"

#define RSA_BITS 2048 /* RFC 8301 3.2; longer ones do not fit everywhere in the DNS */

/* Nobody is there to be asked for a password. */
static int no_password(char *p, int n, int is_writing, void *ctx)
{
	(void)p, (void)n, (void)is_writing, (void)ctx;
	return -1;
}

static int check_kind(EVP_PKEY *pkey, struct fault *fault)
{
	int id = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);

	if (id == EVP_PKEY_ED25519)
		return 0;
	if (id != EVP_PKEY_RSA)
		return fault_set(fault, -E_USAGE, "the key is neither RSA nor Ed25519");
	if (bits < 1024 || bits > 8 * DKIM_SIGNATURE_MAX)
		return fault_set(fault, -E_USAGE, "the RSA key has %d bits; make one with: openssl genrsa 2048", bits);
	return 0;
}

int dkim_key_parse(struct str pem, struct dkim_key **ret, struct fault *fault)
{
	BIO *bio = BIO_new_mem_buf(pem.n > 0 ? pem.p : "", pem.n > INT32_MAX ? 0 : (int)pem.n);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	int r = pkey ? check_kind(pkey, fault) : fault_set(fault, -E_USAGE, "no private key in PEM, or one with a password");

	BIO_free(bio);
	ERR_clear_error();
	if (r < 0) {
		EVP_PKEY_free(pkey);
		return r;
	}
	*ret = MEM_NEW(struct dkim_key);
	(*ret)->pkey = pkey;
	(*ret)->is_ed25519 = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519;
	(*ret)->refs = 1;
	return 0;
}

struct dkim_key *dkim_key_ref(struct dkim_key *k)
{
	atomic_fetch_add(&k->refs, 1);
	return k;
}

void dkim_key_unref(struct dkim_key *k)
{
	if (!k || atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	EVP_PKEY_free(k->pkey); /* clears it */
	mem_free(k);
}

/* ---- new ones, and what the DNS has of them ---- */

static EVP_PKEY *generate(bool is_ed25519)
{
	return is_ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
}

int dkim_key_make(bool is_ed25519, struct buf *out)
{
	EVP_PKEY *pkey = generate(is_ed25519);
	BIO *bio = BIO_new(BIO_s_mem());
	bool is_done = pkey && bio && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1;
	char *p = NULL;
	long n = is_done ? BIO_get_mem_data(bio, &p) : 0;

	buf_add(out, str_of(p, (size_t)n));
	if (p)
		mem_wipe(p, (size_t)n);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return is_done ? 0 : -E_BUG;
}

bool dkim_key_is_ed25519(const struct dkim_key *k)
{
	return k->is_ed25519;
}

/* RFC 6376 3.6.1: the SubjectPublicKeyInfo of RSA; RFC 8463 4.1: the bare key of Ed25519. */
int dkim_key_public(const struct dkim_key *k, struct buf *out)
{
	unsigned char raw[32], *der = NULL;
	size_t n = sizeof(raw);
	int der_n;

	if (k->is_ed25519) {
		if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) != 1)
			return -E_BUG;
		text_b64_encode(out, str_of(raw, n));
		return 0;
	}
	der_n = i2d_PUBKEY(k->pkey, &der);
	if (der_n <= 0)
		return -E_BUG;
	text_b64_encode(out, str_of(der, (size_t)der_n));
	OPENSSL_free(der);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * SCRAM keys (RFC 5802 3, RFC 7677): what is stored instead of the password, by OpenSSL.
 *
 *   SaltedPassword = PBKDF2(password, salt, iterations)
 *   StoredKey      = H(HMAC(SaltedPassword, "Client Key"))
 *   ServerKey      = HMAC(SaltedPassword, "Server Key")
 *
 * A user that does not exist gets a salt that is an HMAC of the name, so that asking twice shows
 * nothing, and keys that are random: the exchange then fails at the proof, exactly as a wrong
 * password does. The HMAC's key lives as long as the data: a restart shows nothing either.
 */
#include "sasl/sasl_int.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/rnd.h"
#include "base/text.h"

/* RFC 5802 5.1 and RFC 7677 4: at least 4096 iterations. */
static const struct sasl_scram_kind kinds[] = {
	{ "scram-sha-256", "SHA256", 32, 10000,
	  "10000,AAAAAAAAAAAAAAAAAAAAAA==,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,"
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
	{ "scram-sha-1", "SHA1", 20, 4096,
	  "4096,AAAAAAAAAAAAAAAAAAAAAA==,AAAAAAAAAAAAAAAAAAAAAAAAAAA=,AAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
};

const struct sasl_scram_kind *sasl_scram_kind_find(struct str kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(str_z(kinds[i].kind), kind))
			return &kinds[i];
	return NULL;
}

/* Base64 into a fixed array; false when it does not fit. */
static bool b64_z(char *out, size_t size, const void *p, size_t n)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(256);

	text_b64_encode(&b, str_of(p, n));
	if (buf_overflowed(&b) || b.n >= size)
		return false;
	memcpy(out, b.p, b.n);
	out[b.n] = '\0';
	return true;
}

/* A field that must be base64 of n bytes (0: any number). */
static bool take_b64(struct str *value, size_t n, char *out, size_t size)
{
	AUTO(buf_fini) struct buf raw = BUF_INIT(256);
	struct str field;

	if (!str_split(value, ',', &field) || field.n == 0 || field.n >= size)
		return false;
	if (!text_b64_decode(&raw, field) || buf_overflowed(&raw) || (n != 0 && raw.n != n))
		return false;
	memcpy(out, field.p, field.n);
	out[field.n] = '\0';
	return true;
}

bool sasl_scram_parse(const struct sasl_scram_kind *k, struct str value, struct sasl_scram *ret)
{
	struct sasl_scram s = { 0 };
	struct str field;
	uint64_t iterations;

	if (!str_split(&value, ',', &field) || !str_to_u64(field, 10000000, &iterations) ||
	    iterations == 0)
		return false;
	snprintf(s.iterations, sizeof(s.iterations), "%u", (unsigned)iterations);
	if (!take_b64(&value, 0, s.salt, sizeof(s.salt)) ||
	    !take_b64(&value, k->key_n, s.stored_key, sizeof(s.stored_key)) ||
	    !take_b64(&value, k->key_n, s.server_key, sizeof(s.server_key)) || value.n != 0)
		return false;
	*ret = s;
	return true;
}

static bool hmac(const EVP_MD *md, const uint8_t *key, size_t key_n, struct str text, uint8_t *ret)
{
	return HMAC(md, key, (int)key_n, (const uint8_t *)text.p, text.n, ret, NULL) != NULL;
}

static bool derive(const struct sasl_scram_kind *k, struct str password, const uint8_t *salt,
		   uint8_t *ret_stored, uint8_t *ret_server)
{
	const EVP_MD *md = EVP_get_digestbyname(k->digest);
	uint8_t salted[SASL_SCRAM_KEY_MAX], client[SASL_SCRAM_KEY_MAX];
	bool is_ok = md != NULL &&
		     PKCS5_PBKDF2_HMAC(password.p, (int)password.n, salt, SASL_SCRAM_SALT,
				       k->iterations, md, (int)k->key_n, salted) == 1 &&
		     hmac(md, salted, k->key_n, S("Client Key"), client) &&
		     EVP_Digest(client, k->key_n, ret_stored, NULL, md, NULL) == 1 &&
		     hmac(md, salted, k->key_n, S("Server Key"), ret_server);

	mem_wipe(salted, sizeof(salted));
	mem_wipe(client, sizeof(client));
	return is_ok;
}

int sasl_scram_make(struct arena *a, const struct sasl_scram_kind *k, struct str password,
		    struct str *ret_value)
{
	uint8_t salt[SASL_SCRAM_SALT], stored[SASL_SCRAM_KEY_MAX], server[SASL_SCRAM_KEY_MAX];
	struct sasl_scram s;

	rnd_bytes(salt, sizeof(salt));
	if (!derive(k, password, salt, stored, server))
		return -E_IO;
	if (!b64_z(s.salt, sizeof(s.salt), salt, sizeof(salt)) ||
	    !b64_z(s.stored_key, sizeof(s.stored_key), stored, k->key_n) ||
	    !b64_z(s.server_key, sizeof(s.server_key), server, k->key_n))
		return -E_BUG;
	*ret_value =
		arena_printf(a, "%d,%s,%s,%s", k->iterations, s.salt, s.stored_key, s.server_key);
	return ret_value->p != NULL ? 0 : -E_LIMIT;
}

void sasl_scram_fake(const struct sasl_scram_kind *k, const uint8_t key[32], struct str name,
		     struct sasl_scram *ret)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1024);
	uint8_t mac[32], noise[SASL_SCRAM_KEY_MAX];

	/* Names are compared without case, so their salts must not differ by case either. */
	buf_printf(&text, "%s,", k->kind);
	for (size_t i = 0; i < name.n && i < 512; i++)
		buf_add_char(&text, str_lower_char(name.p[i]));
	memset(mac, 0, sizeof(mac));
	hmac(EVP_sha256(), key, 32, buf_str(&text), mac);
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->iterations, sizeof(ret->iterations), "%d", k->iterations);
	b64_z(ret->salt, sizeof(ret->salt), mac, SASL_SCRAM_SALT);
	rnd_bytes(noise, sizeof(noise));
	b64_z(ret->stored_key, sizeof(ret->stored_key), noise, k->key_n);
	rnd_bytes(noise, sizeof(noise));
	b64_z(ret->server_key, sizeof(ret->server_key), noise, k->key_n);
}

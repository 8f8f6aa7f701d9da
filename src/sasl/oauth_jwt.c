/* SPDX-License-Identifier: MIT */
/*
 * Signed access tokens (RFC 7519, RFC 9068) and the keys for them (JWKS, RFC 7517 5), through cjose, which
 * knows RSA and the curves of NIST, not Ed25519. Nothing else in the program knows that library.
 *
 * RFC 8725 3.1, what makes a token good before its claims are looked at:
 * 1. Its algorithm is in the settings, and in algs[], where neither "none" nor a symmetric one
 *    stands, so that a public key cannot be used as a shared secret.
 * 2. The key is of our set alone, found by kid; jku, jwk and x5u in a token are not looked at. Without
 *    kid there must be only one key of the kind.
 * 3. Key type, curve, and the key's own "alg" fit the algorithm.
 * 4. No extension that must be understood ("crit") is there, as none is.
 * 5. The library's base64 decoder ends the process on some texts that are none, so it sees only what
 *    is_base64url() let through; and of a key only its public members.
 */
#include "sasl/oauth.h"

#include <cjose/cjose.h>

#include "base/limits.h"

static const struct alg {
	const char *name_z;
	cjose_jwk_kty_t type;
	int curve; /* 0: none */
} algs[] = {
	{ "RS256", CJOSE_JWK_KTY_RSA, 0 },  { "RS384", CJOSE_JWK_KTY_RSA, 0 },
	{ "RS512", CJOSE_JWK_KTY_RSA, 0 },  { "PS256", CJOSE_JWK_KTY_RSA, 0 },
	{ "PS384", CJOSE_JWK_KTY_RSA, 0 },  { "PS512", CJOSE_JWK_KTY_RSA, 0 },
	{ "ES256", CJOSE_JWK_KTY_EC, CJOSE_JWK_EC_P_256 }, { "ES384", CJOSE_JWK_KTY_EC, CJOSE_JWK_EC_P_384 },
	{ "ES512", CJOSE_JWK_KTY_EC, CJOSE_JWK_EC_P_521 },
};

#define RSA_MIN_BITS 2048 /* RFC 7518 3.3 */

struct key {
	cjose_jwk_t *jwk;
	char kid[256]; /* "": none */
	char alg[16];  /* the only one that it is for; "": any of its kind */
};

struct sasl_jwks {
	struct lock lock; /* the library's objects count references without one */
	size_t refs;
	size_t n;
	struct key v[LIMIT_OAUTH_KEYS];
};

static const struct alg *find_alg(const char *name_z)
{
	for (size_t i = 0; i < ARRAY_LEN(algs) && name_z != NULL; i++)
		if (str_eq(str_z(algs[i].name_z), str_z(name_z)))
			return &algs[i];
	return NULL;
}

bool sasl_jwt_knows_alg(struct str alg)
{
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (str_eq(str_z(algs[i].name_z), alg))
			return true;
	return false;
}

/* RFC 7515 2: without padding. See 5 above. */
static bool is_base64url(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = str_lower_char(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return s.n > 0 && s.n % 4 != 1;
}

/* ---- keys ---- */

struct sasl_jwks *sasl_jwks_ref(struct sasl_jwks *k)
{
	if (k == NULL)
		return NULL;
	lock_get(&k->lock);
	k->refs++;
	lock_put(&k->lock);
	return k;
}

void sasl_jwks_unref(struct sasl_jwks *k)
{
	size_t left;

	if (k == NULL)
		return;
	lock_get(&k->lock);
	left = --k->refs;
	lock_put(&k->lock);
	if (left > 0)
		return;
	for (size_t i = 0; i < k->n; i++)
		(void)cjose_jwk_release(k->v[i].jwk);
	lock_fini(&k->lock);
	mem_free(k);
}

static const char *text_z(const json_t *o, const char *name_z)
{
	const char *v = json_string_value(json_object_get(o, name_z));

	return v != NULL ? v : "";
}

/* RFC 7517 4.2, 4.3: is it for signatures? */
static bool is_for_signatures(const json_t *o)
{
	const json_t *ops = json_object_get(o, "key_ops");
	const char *use_z = text_z(o, "use");

	if (use_z[0] && !str_eq(str_z(use_z), S("sig")))
		return false;
	for (size_t i = 0; i < json_array_size(ops); i++)
		if (str_eq(str_z(json_string_value(json_array_get(ops, i))), S("verify")))
			return true;
	return ops == NULL;
}

/* The public members as text, for the library; NULL when one is missing or has not its form. */
static char *public_part(const json_t *o, bool is_rsa)
{
	static const char *const members[2][2] = { { "x", "y" }, { "n", "e" } };
	json_t *part = json_pack("{s:s}", "kty", text_z(o, "kty"));
	char *text = NULL;
	bool is_good = part != NULL;

	for (size_t i = 0; i < 2 && is_good; i++) {
		const char *name_z = members[is_rsa][i];

		is_good = is_base64url(str_z(text_z(o, name_z))) &&
			  json_object_set(part, name_z, json_object_get(o, name_z)) == 0;
	}
	if (is_good && !is_rsa)
		is_good = json_object_set_new(part, "crv", json_string(text_z(o, "crv"))) == 0;
	if (is_good)
		text = json_dumps(part, JSON_COMPACT);
	json_decref(part);
	return text;
}

static int import(struct sasl_jwks *k, const json_t *o, bool is_rsa, struct fault *fault)
{
	struct key *key = &k->v[k->n];
	char *text;

	if (k->n == LIMIT_OAUTH_KEYS)
		return fault_set(fault, -E_LIMIT, "more than %d keys", LIMIT_OAUTH_KEYS);
	snprintf(key->kid, sizeof(key->kid), "%s", text_z(o, "kid"));
	snprintf(key->alg, sizeof(key->alg), "%s", text_z(o, "alg"));
	text = public_part(o, is_rsa);
	key->jwk = text != NULL ? cjose_jwk_import(text, strlen(text), NULL) : NULL;
	mem_free(text);
	if (key->jwk == NULL)
		return fault_set(fault, -E_USAGE, "key \"%.64s\" cannot be read", key->kid);
	k->n++;
	if (is_rsa && cjose_jwk_get_keysize(key->jwk, NULL) < RSA_MIN_BITS)
		return fault_set(fault, -E_USAGE, "key \"%.64s\": RSA keys have at least %d bits",
				 key->kid, RSA_MIN_BITS);
	return 0;
}

/* Keys of kinds that are not known, and those that are not for signatures, are passed over (RFC 7517 5). */
static int add_key(struct sasl_jwks *k, const json_t *o, struct fault *fault)
{
	struct str type = str_z(text_z(o, "kty")), kid = str_z(text_z(o, "kid"));
	const char *alg_z = text_z(o, "alg");

	if (str_eq(type, S("oct")))
		return fault_set(fault, -E_USAGE, "a secret key (kty oct); take the provider's public keys");
	if (json_object_get(o, "d") != NULL)
		return fault_set(fault, -E_USAGE, "a private key; take the provider's public keys");
	if (!is_for_signatures(o) || (alg_z[0] && find_alg(alg_z) == NULL) ||
	    (!str_eq(type, S("RSA")) && !str_eq(type, S("EC"))))
		return 0;
	if (kid.n >= sizeof(k->v[0].kid))
		return fault_set(fault, -E_USAGE, "a kid is longer than %zu bytes", sizeof(k->v[0].kid) - 1);
	for (size_t i = 0; i < k->n; i++)
		if (kid.n > 0 && str_eq(str_z(k->v[i].kid), kid))
			return fault_set(fault, -E_USAGE, "two keys have the kid \"%.64s\"", k->v[i].kid);
	return import(k, o, str_eq(type, S("RSA")), fault);
}

int sasl_jwks_parse(struct str text, struct sasl_jwks **ret, struct fault *fault)
{
	struct sasl_jwks *k = MEM_NEW(struct sasl_jwks);
	json_error_t e;
	json_t *root = json_loadb(text.p != NULL ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &e);
	const json_t *keys = json_object_get(root, "keys");
	int r = 0;

	lock_init(&k->lock);
	k->refs = 1;
	if (root == NULL)
		r = fault_set(fault, -E_USAGE, "no JSON: line %d: %s", e.line, e.text);
	else if (!json_is_array(keys))
		r = fault_set(fault, -E_USAGE, "no set of keys: write {\"keys\": [...]}, as a provider's jwks_uri gives it");
	for (size_t i = 0; r == 0 && i < json_array_size(keys); i++)
		r = add_key(k, json_array_get(keys, i), fault);
	if (r == 0 && k->n == 0)
		r = fault_set(fault, -E_USAGE, "no key for signatures that can be used (RSA, EC)");
	json_decref(root);
	if (r < 0)
		sasl_jwks_unref(k);
	else
		*ret = k;
	return r;
}

/* ---- tokens ---- */

bool sasl_jwt_is_one(struct str token)
{
	struct str rest = token, part;
	int n = 0;

	if (token.n == 0 || token.n > LIMIT_OAUTH_TOKEN || token.p[token.n - 1] == '.')
		return false;
	while (n <= 3 && str_split(&rest, '.', &part)) {
		if (!is_base64url(part))
			return false;
		n++;
	}
	return n == 3;
}

static bool is_permitted(const struct sasl_conf *set, const char *alg_z)
{
	for (size_t i = 0; i < set->oauth_algorithms.n; i++)
		if (str_eq(str_z(set->oauth_algorithms.v[i]), str_z(alg_z)))
			return true;
	return false;
}

static bool fits(const struct key *key, const struct alg *alg)
{
	if (cjose_jwk_get_kty(key->jwk, NULL) != alg->type)
		return false;
	if (key->alg[0] && !str_eq(str_z(key->alg), str_z(alg->name_z)))
		return false;
	return alg->curve == 0 || (int)cjose_jwk_EC_get_curve(key->jwk, NULL) == alg->curve;
}

/* See 2 and 3 above. */
static const struct key *find_key(const struct sasl_jwks *k, const struct alg *alg, const char *kid_z,
				  const char **reason)
{
	const struct key *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		if (kid_z != NULL ? !str_eq(str_z(k->v[i].kid), str_z(kid_z)) : !fits(&k->v[i], alg))
			continue;
		found = &k->v[i];
		n++;
	}
	*reason = n == 0 ? "unknown-key" : n > 1 ? "no-key-id" : !fits(found, alg) ? "wrong-key-type" : NULL;
	return *reason == NULL ? found : NULL;
}

/* RFC 9068 4, RFC 8725 3.11: of what kind it says to be. */
static bool is_type_good(const struct sasl_conf *set, const char *typ_z)
{
	struct str typ = str_z(typ_z != NULL ? typ_z : "");

	if (str_istarts(typ, S("application/")))
		typ = str_skip(typ, sizeof("application/") - 1);
	if (str_ieq(typ, S("at+jwt")))
		return true;
	return !set->oauth_requires_at_jwt && (typ.n == 0 || str_ieq(typ, S("JWT")));
}

/* The header, parsed by us: with a name that stands twice it is none, so the library sees the same. */
static json_t *parse_header(struct str token)
{
	uint8_t *text = NULL;
	size_t n = 0;
	json_t *h = NULL;
	struct str head;

	(void)str_split(&token, '.', &head);
	if (cjose_base64url_decode(head.p, head.n, &text, &n, NULL))
		h = json_loadb((const char *)text, n, JSON_REJECT_DUPLICATES, NULL);
	mem_free(text);
	return h;
}

static const char *check_header(const struct sasl_jwks *k, const struct sasl_conf *set,
				const json_t *h, const struct key **ret)
{
	const json_t *kid = json_object_get(h, "kid"), *typ = json_object_get(h, "typ");
	const char *alg_z = json_string_value(json_object_get(h, "alg")), *reason;
	const struct alg *alg = find_alg(alg_z);

	if (!json_is_object(h) || (typ != NULL && !json_is_string(typ)))
		return "malformed-token";
	if (json_object_get(h, "crit") != NULL)
		return "critical-header";
	if (alg == NULL || !is_permitted(set, alg_z))
		return "wrong-algorithm";
	if (!is_type_good(set, json_string_value(typ)))
		return "wrong-token-type";
	if (kid != NULL && json_string_length(kid) == 0)
		return "unknown-key";
	*ret = find_key(k, alg, json_string_value(kid), &reason);
	return reason;
}

static const char *check_signature(const struct key *key, cjose_jws_t *jws, json_t **ret)
{
	uint8_t *text = NULL;
	size_t n = 0;

	if (jws == NULL)
		return "malformed-token";
	if (!cjose_jws_verify(jws, key->jwk, NULL))
		return "wrong-signature";
	if (!cjose_jws_get_plaintext(jws, &text, &n, NULL))
		return "malformed-token";
	*ret = json_loadb((const char *)text, n, JSON_REJECT_DUPLICATES, NULL);
	return json_is_object(*ret) ? NULL : "malformed-token";
}

const char *sasl_jwt_verify(struct sasl_jwks *k, const struct sasl_conf *set, struct str token,
			    json_t **ret)
{
	const struct key *key = NULL;
	const char *reason;
	json_t *header;
	cjose_jws_t *jws;

	*ret = NULL;
	if (!sasl_jwt_is_one(token))
		return "malformed-token";
	header = parse_header(token);
	reason = check_header(k, set, header, &key);
	json_decref(header);
	if (reason != NULL)
		return reason;
	lock_get(&k->lock);
	jws = cjose_jws_import(token.p, token.n, NULL);
	reason = check_signature(key, jws, ret);
	cjose_jws_release(jws);
	lock_put(&k->lock);
	if (reason != NULL) {
		json_decref(*ret);
		*ret = NULL;
	}
	return reason;
}

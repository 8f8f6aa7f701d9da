/* SPDX-License-Identifier: MIT */
/*
 * What comes with an access token, as arbitrary bytes: client messages (RFC 7628 3.1, XOAUTH2), a JWT, a set of keys,
 * claims. Nothing may crash; what is taken has its form; no token is good, as nobody here can sign one.
 */
#include "sasl/oauth.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 7517 A.1 */
static const char keys_z[] =
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
	"\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"kid\":\"1\"}]}";

static const char *const words[] = { "mail", "ES256", "RS256" };
static const struct sasl_conf set = {
	.oauth_issuer = "i",
	.oauth_domain = "example.test",
	.oauth_audience = { words, 1 },
	.oauth_algorithms = { words + 1, 2 },
};

static void message(struct str input)
{
	struct sasl_bearer b;

	if (!sasl_bearer_parse(input, &b) && !sasl_xoauth2_parse(input, &b))
		return;
	must(b.token.n > 0 && b.token.n <= LIMIT_OAUTH_TOKEN);
	must(b.token.p >= input.p && b.token.p + b.token.n <= input.p + input.n);
	must(strlen(b.user) < sizeof(b.user) && str_is_utf8(str_z(b.user)));
	must(str_chr(b.token, ' ') < 0 && str_chr(b.token, '\x01') < 0);
}

static void claims(struct str input)
{
	json_t *o = json_loadb(input.p, input.n, JSON_REJECT_DUPLICATES, NULL);
	struct sasl_claims c;

	if (o != NULL && sasl_claims_check(&set, o, false, 1000, &c) == NULL)
		must(c.name[0] != '\0' && json_is_true(json_object_get(o, "active")) && c.exp_s > 900);
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sasl_jwks *keys;
	struct str input = { size > 0 ? (const char *)data : "", size };
	struct sasl_jwks *others = NULL;
	struct fault fault = { 0 };
	json_t *o = NULL;

	if (keys == NULL)
		must(sasl_jwks_parse(str_z(keys_z), &keys, &fault) == 0);
	message(input);
	must(sasl_jwt_verify(keys, &set, input, &o) != NULL && o == NULL);
	claims(input);
	if (sasl_jwks_parse(input, &others, &fault) == 0)
		sasl_jwks_unref(others);
	return 0;
}

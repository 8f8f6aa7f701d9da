/* SPDX-License-Identifier: MIT */
/*
 * Access tokens: the client's messages, claims, signed tokens and keys, and whole exchanges in which this file is the asker.
 * Tokens are signed with keys that are made here; one vector is RFC 7515's.
 */
#include "sasl/oauth.h"
#include "sasl/sasl_test.h"

#include <cjose/cjose.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test.h"
#include "base/text.h"
#include "sasl/ask.h"

/* ---- messages ---- */

struct message_row {
	const char *name;
	struct str input;
	const char *want_user, *want_token; /* NULL: not of that form */
};

static const struct message_row bearer_rows[] = {
	{ "RFC 7628 4.1",
	  STR_INIT("n,a=user@example.com,\1host=server.example.com\1port=143\1"
		   "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"),
	  "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==" },
	{ "no user", STR_INIT("n,,\1auth=Bearer t\1\1"), "", "t" },
	{ "y", STR_INIT("y,,\1auth=bEaReR   t.-_~+/=\1\1"), "", "t.-_~+/=" },
	{ "escapes", STR_INIT("n,a=a=2cb=3D,\1auth=Bearer t\1\1"), "a,b=", "t" },
	{ "others", STR_INIT("n,,\1x=\1auth=Bearer t\1qs=a=b\tc\r\n\1\1"), "", "t" },
	{ "kvsep", STR_INIT("\1"), NULL, NULL },
	{ "empty", STR_INIT(""), NULL, NULL },
	{ "binding", STR_INIT("p=tls-unique,,\1auth=Bearer t\1\1"), NULL, NULL },
	{ "empty name", STR_INIT("n,a=,\1auth=Bearer t\1\1"), NULL, NULL },
	{ "bad escape", STR_INIT("n,a=a=b,\1auth=Bearer t\1\1"), NULL, NULL },
	{ "not UTF-8", STR_INIT("n,a=\xff,\1auth=Bearer t\1\1"), NULL, NULL },
	{ "no end", STR_INIT("n,,\1auth=Bearer t\1"), NULL, NULL },
	{ "behind the end", STR_INIT("n,,\1auth=Bearer t\1\1\1"), NULL, NULL },
	{ "no auth", STR_INIT("n,,\1host=x\1\1"), NULL, NULL },
	{ "nothing", STR_INIT("n,,\1\1"), NULL, NULL },
	{ "twice", STR_INIT("n,,\1auth=Bearer t\1auth=Bearer u\1\1"), NULL, NULL },
	{ "other scheme", STR_INIT("n,,\1auth=Basic dDp0\1\1"), NULL, NULL },
	{ "no token", STR_INIT("n,,\1auth=Bearer \1\1"), NULL, NULL },
	{ "no space", STR_INIT("n,,\1auth=Bearert\1\1"), NULL, NULL },
	{ "two words", STR_INIT("n,,\1auth=Bearer t u\1\1"), NULL, NULL },
	{ "padding alone", STR_INIT("n,,\1auth=Bearer ==\1\1"), NULL, NULL },
	{ "padding inside", STR_INIT("n,,\1auth=Bearer a=b\1\1"), NULL, NULL },
	{ "no equals", STR_INIT("n,,\1auth\1\1"), NULL, NULL },
	{ "no key", STR_INIT("n,,\1=x\1auth=Bearer t\1\1"), NULL, NULL },
	{ "digit key", STR_INIT("n,,\1a1=x\1auth=Bearer t\1\1"), NULL, NULL },
	{ "NUL", STR_INIT("n,,\1x=\0\1auth=Bearer t\1\1"), NULL, NULL },
};
static const struct message_row xoauth2_rows[] = {
	{ "good", STR_INIT("user=a@b\1auth=Bearer t\1\1"), "a@b", "t" },
	{ "no user", STR_INIT("auth=Bearer t\1\1"), NULL, NULL },
	{ "empty user", STR_INIT("user=\1auth=Bearer t\1\1"), NULL, NULL },
	{ "NUL", STR_INIT("user=a\0b\1auth=Bearer t\1\1"), NULL, NULL },
	{ "half", STR_INIT("user=a@b"), NULL, NULL },
	{ "no end", STR_INIT("user=a@b\1auth=Bearer t\1"), NULL, NULL },
};

static void try_messages(const struct message_row *rows, size_t n,
			 bool (*parse)(struct str, struct sasl_bearer *))
{
	for (size_t i = 0; i < n; i++) {
		struct sasl_bearer b;
		char *copy = mem_alloc(rows[i].input.n + 1, 1);
		bool is_good;

		test_row(rows[i].name);
		memcpy(copy, rows[i].input.p, rows[i].input.n);
		is_good = parse((struct str){ copy, rows[i].input.n }, &b);
		assert_int_equal(is_good, rows[i].want_user != NULL);
		if (is_good) {
			assert_string_equal(b.user, rows[i].want_user);
			assert_true(str_eq(b.token, str_z(rows[i].want_token)));
		}
		mem_free(copy);
	}
}

TEST(oauth_messages)
{
	try_messages(bearer_rows, ARRAY_LEN(bearer_rows), sasl_bearer_parse);
	try_messages(xoauth2_rows, ARRAY_LEN(xoauth2_rows), sasl_xoauth2_parse);
}

/* ---- claims ---- */

#define NOW 1000000
static const char *const audience[] = { "mail" }, *const scopes[] = { "imap", "smtp" };
static const char *const algorithms[] = { "RS256", "ES256" };
static const struct sasl_conf strict = {
	.oauth_issuer = "https://id",
	.oauth_domain = "example.test",
	.oauth_audience = { audience, 1 },
	.oauth_scope = { scopes, 2 },
	.oauth_algorithms = { algorithms, 2 },
	.oauth_leeway_ms = 30000,
};

#define GOOD "\"active\":true,\"iss\":\"https://id\",\"aud\":\"mail\",\"email\":\"alice\","
#define ALL GOOD "\"scope\":\"smtp x imap\""
static const struct {
	const char *text_z;
	const char *want_z; /* the reason; NULL: good */
	bool is_jwt;
} claim_rows[] = {
	{ "{" ALL "}", NULL, false },
	{ "{" ALL "}", "no-expiry", true },
	{ "{" ALL ",\"exp\":1000001,\"iat\":1,\"nbf\":1.5}", NULL, true },
	{ "{" ALL ",\"exp\":999971}", NULL, true },
	{ "{" ALL ",\"exp\":999970}", "expired", true },
	{ "{" ALL ",\"nbf\":1000030}", NULL, false },
	{ "{" ALL ",\"nbf\":1000031}", "not-yet-valid", false },
	{ "{" ALL ",\"iat\":1000031}", "not-yet-valid", false },
	{ "{" ALL ",\"exp\":\"2000000\"}", "malformed-date", false },
	{ "{" ALL ",\"exp\":1e300}", "malformed-date", false },
	{ "{" ALL ",\"exp\":-1}", "malformed-date", false },
	{ "{" ALL ",\"exp\":null}", "malformed-date", false },
	{ "{" ALL ",\"cnf\":{}}", "bound-to-a-key", false },
	{ "{" ALL ",\"token_type\":\"DPoP\"}", "bound-to-a-key", false },
	{ "{" ALL ",\"email_verified\":true}", NULL, false },
	{ "{" ALL ",\"email_verified\":false}", "email-not-verified", false },
	{ "{" ALL ",\"email_verified\":null}", "email-not-verified", false },
	{ "{" GOOD "\"scope\":[\"imap\",\"smtp\"]}", NULL, false },
	{ "{" GOOD "\"scp\":\"imap smtp\"}", NULL, false },
	{ "{" GOOD "\"scope\":\"imap smtpx\"}", "insufficient-scope", false },
	{ "{" GOOD "\"scope\":7}", "insufficient-scope", false },
	{ "{\"active\":\"true\"}", "inactive", false },
	{ "{\"active\":1}", "inactive", false },
	{ "{}", "inactive", false },
	{ "{\"active\":true}", "wrong-issuer", false },
	{ "{\"active\":true,\"iss\":\"https://id\"}", "wrong-audience", false },
	{ "{\"active\":true,\"iss\":\"https://id\",\"aud\":[]}", "wrong-audience", false },
	{ "{\"active\":true,\"iss\":\"https://id\",\"aud\":[[\"mail\"],\"x\"]}", "wrong-audience", false },
	{ "{\"active\":true,\"iss\":\"https://id\",\"aud\":{\"0\":\"mail\"}}", "wrong-audience", false },
	{ "{\"active\":true,\"iss\":\"https://id\",\"aud\":\"mail\",\"scope\":\"imap smtp\"}", "no-account-claim", false },
	{ "[]", "malformed-answer", true },
};

TEST(oauth_claims)
{
	for (size_t i = 0; i < ARRAY_LEN(claim_rows); i++) {
		json_t *o = json_loads(claim_rows[i].text_z, 0, NULL);
		struct sasl_claims c = { .name = "" };
		const char *got = sasl_claims_check(&strict, o, claim_rows[i].is_jwt, NOW, &c);

		test_row(claim_rows[i].text_z);
		assert_non_null(o);
		if (claim_rows[i].want_z == NULL) {
			assert_null(got);
			assert_string_equal(c.name, "alice@example.test");
		} else {
			assert_non_null(got);
			assert_string_equal(got, claim_rows[i].want_z);
		}
		json_decref(o);
	}
}

/* ---- signed tokens ---- */

/* RFC 7515 A.3 */
TEST(oauth_jwt_vector)
{
	static const char keys_z[] =
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
	char token_z[] = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
			 "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISl"
			 "SApmWQxfKTUJqPP3-Kg6NU1Q";
	struct sasl_jwks *keys = NULL;
	struct fault fault = { 0 };
	json_t *claims = NULL;

	assert_int_equal(sasl_jwks_parse(str_z(keys_z), &keys, &fault), 0);
	assert_null(sasl_jwt_verify(keys, &strict, str_z(token_z), &claims));
	assert_string_equal(json_string_value(json_object_get(claims, "iss")), "joe");
	json_decref(claims);
	for (size_t i = 0; i < sizeof(token_z) - 1; i += 7) {
		char was = token_z[i];

		token_z[i] = was == 'A' ? 'B' : 'A';
		assert_non_null(sasl_jwt_verify(keys, &strict, str_z(token_z), &claims));
		token_z[i] = was;
		assert_non_null(sasl_jwt_verify(keys, &strict, str_of(token_z, i), &claims));
	}
	sasl_jwks_unref(keys);
}

/* Texts at which the library's base64 decoder would end the process. */
TEST(oauth_jwt_base64)
{
	static const char *const keys[] = {
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"abc7=4\",\"y\":\"AAAA\"}", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"A\",\"y\":\"AA\"}",
		"{\"kty\":\"RSA\",\"n\":\"=\",\"e\":\"AQAB\"}", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB=\"}", "{\"kty\":\"RSA\",\"n\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":7,\"e\":\"AQAB\"}", "{\"kty\":\"EC\",\"crv\":\"P-999\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
	};
	static const char *const tokens[] = { "", ".", "..", "...", "a.b.c", "aa.bb.c", "aaaaa.bb.cc", "aa.bb", "aa.bb.cc.dd", "aa.bb.", "aa..cc",
					      ".bb.cc", "aa.b=.cc", "aa.bb.cc=", "aa.bb.c+", "aa.bb.cc." };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		AUTO(buf_fini) struct buf set = BUF_INIT(4096);
		struct sasl_jwks *k = NULL;
		struct fault fault = { 0 };

		test_row(keys[i]);
		buf_printf(&set, "{\"keys\":[%s]}", keys[i]);
		assert_int_equal(sasl_jwks_parse(buf_str(&set), &k, &fault), -E_USAGE);
	}
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		test_row(tokens[i]);
		assert_false(sasl_jwt_is_one(str_z(tokens[i])));
	}
	assert_true(sasl_jwt_is_one(S("aa.bbb.c-_1")));
}

/* A key pair; its public half in the set is called kid_z. */
static cjose_jwk_t *make_key(cjose_jwk_t *k, const char *kid_z, const char *more_z, struct buf *set)
{
	char *text;
	json_t *o, *more = json_loads(more_z, 0, NULL);

	assert_non_null(k);
	assert_true(cjose_jwk_set_kid(k, kid_z, strlen(kid_z), NULL));
	text = cjose_jwk_to_json(k, false, NULL);
	o = json_loads(text, 0, NULL);
	mem_free(text);
	assert_int_equal(json_object_update(o, more), 0);
	text = json_dumps(o, 0);
	buf_printf(set, "%s%s", set->n > 0 ? "," : "{\"keys\":[", text);
	mem_free(text);
	json_decref(o);
	json_decref(more);
	return k;
}

/* Signed by k with this header. */
static void sign(const cjose_jwk_t *k, const char *header_z, struct buf *out)
{
	json_t *h = json_loads(header_z, 0, NULL);
	cjose_header_t *header = cjose_header_new(NULL);
	const char *name, *text_z = NULL;
	json_t *v;
	cjose_jws_t *jws;

	assert_non_null(h);
	json_object_foreach (h, name, v) {
		char *raw = json_dumps(v, JSON_ENCODE_ANY);

		if (json_is_string(v))
			assert_true(cjose_header_set(header, name, json_string_value(v), NULL));
		else
			assert_true(cjose_header_set_raw(header, name, raw, NULL));
		mem_free(raw);
	}
	jws = cjose_jws_sign(k, header, (const uint8_t *)"{}", 2, NULL);
	assert_non_null(jws);
	assert_true(cjose_jws_export(jws, &text_z, NULL));
	buf_reset(out);
	buf_add(out, str_z(text_z));
	cjose_jws_release(jws);
	cjose_header_release(header);
	json_decref(h);
}

enum which { K_RSA, K_EC, K_EC384, K_ENC, K_PINNED, K_OTHER, K_SECRET, N_KEYS };
static const struct {
	enum which key;
	const char *header_z;
	const char *want_z;
} jwt_rows[] = {
	{ K_RSA, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", NULL },
	{ K_RSA, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JWT\"}", NULL },
	{ K_RSA, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"application/AT+jwt\"}", NULL },
	{ K_RSA, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"dpop+jwt\"}", "wrong-token-type" },
	{ K_RSA, "{\"alg\":\"RS256\"}", "no-key-id" },
	{ K_RSA, "{\"alg\":\"RS256\",\"kid\":\"none such\"}", "unknown-key" },
	{ K_RSA, "{\"alg\":\"RS256\",\"kid\":\"ec\"}", "wrong-key-type" },
	{ K_RSA, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"b64\"]}", "critical-header" },
	{ K_RSA, "{\"alg\":\"RS512\",\"kid\":\"rsa\"}", "wrong-algorithm" },
	{ K_RSA, "{\"alg\":\"PS256\",\"kid\":\"rsa\"}", "wrong-algorithm" },
	{ K_EC, "{\"alg\":\"ES256\",\"kid\":\"ec\"}", NULL },
	{ K_EC, "{\"alg\":\"ES256\"}", NULL },
	{ K_EC, "{\"alg\":\"ES256\",\"kid\":\"ec384\"}", "wrong-key-type" },
	{ K_ENC, "{\"alg\":\"RS256\",\"kid\":\"enc\"}", "unknown-key" },
	{ K_PINNED, "{\"alg\":\"RS256\",\"kid\":\"pinned\"}", "wrong-key-type" },
	{ K_OTHER, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "wrong-signature" },
	{ K_SECRET, "{\"alg\":\"HS256\",\"kid\":\"rsa\"}", "wrong-algorithm" },
};

static void make_keys(cjose_jwk_t *k[N_KEYS], struct sasl_jwks **ret)
{
	static const uint8_t e[] = { 1, 0, 1 };
	AUTO(buf_fini) struct buf set = BUF_INIT(1u << 16), ignored = BUF_INIT(1u << 16);
	struct fault fault = { 0 };

	k[K_RSA] = make_key(cjose_jwk_create_RSA_random(2048, e, 3, NULL), "rsa", "{\"use\":\"sig\"}", &set);
	k[K_EC] = make_key(cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, NULL), "ec", "{\"key_ops\":[\"verify\"]}", &set);
	k[K_EC384] = make_key(cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_384, NULL), "ec384", "{}", &set);
	k[K_ENC] = make_key(cjose_jwk_create_RSA_random(2048, e, 3, NULL), "enc", "{\"use\":\"enc\"}", &set);
	k[K_PINNED] = make_key(cjose_jwk_create_RSA_random(2048, e, 3, NULL), "pinned", "{\"alg\":\"PS256\"}", &set);
	(void)make_key(cjose_jwk_retain(k[K_RSA], NULL), "rsa", "{\"kid\":\"same\"}", &set);
	(void)cjose_jwk_release(k[K_RSA]);
	k[K_OTHER] = make_key(cjose_jwk_create_RSA_random(2048, e, 3, NULL), "rsa", "{}", &ignored);
	k[K_SECRET] = cjose_jwk_create_oct_random(256, NULL);
	buf_add(&set, S("]}"));
	assert_int_equal(sasl_jwks_parse(buf_str(&set), ret, &fault), 0);
}

TEST(oauth_jwt)
{
	AUTO(buf_fini) struct buf token = BUF_INIT(1u << 16);
	cjose_jwk_t *k[N_KEYS] = { NULL };
	struct sasl_jwks *keys = NULL;

	make_keys(k, &keys);
	for (size_t i = 0; i < ARRAY_LEN(jwt_rows); i++) {
		json_t *claims = NULL;
		const char *got;

		test_row(jwt_rows[i].header_z);
		sign(k[jwt_rows[i].key], jwt_rows[i].header_z, &token);
		got = sasl_jwt_verify(keys, &strict, buf_str(&token), &claims);
		if (jwt_rows[i].want_z == NULL)
			assert_null(got);
		else
			assert_string_equal(got != NULL ? got : "good", jwt_rows[i].want_z);
		json_decref(claims);
	}
	for (size_t i = 0; i < N_KEYS; i++)
		(void)cjose_jwk_release(k[i]);
	sasl_jwks_unref(keys);
}

/* RFC 8725 3.1: what no library would sign. */
TEST(oauth_jwt_forged)
{
	static const char *const headers[] = { "{\"alg\":\"none\"}", "{\"alg\":\"ES256\",\"alg\":\"none\"}", "{\"alg\":null}", "{\"alg\":[\"ES256\"]}",
					       "{}", "[]", "", "{\"alg\":\"ES256\",\"kid\":7}", "{\"alg\":\"ES256\",\"kid\":null}",
					       "{\"alg\":\"ES256\",\"crit\":\"x\"}", "{\"alg\":\"ES256\",\"crit\":null}", "{\"alg\":\"ES256\",\"typ\":1}",
					       "{\"alg\":\"ES256\"}" };
	static const char keys_z[] =
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
	struct sasl_jwks *keys = NULL;
	struct fault fault = { 0 };
	json_t *claims = NULL;

	assert_int_equal(sasl_jwks_parse(str_z(keys_z), &keys, &fault), 0);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		AUTO(buf_fini) struct buf token = BUF_INIT(4096);
		char *b64 = NULL;
		size_t n = 0;

		test_row(headers[i]);
		assert_true(cjose_base64url_encode((const uint8_t *)headers[i], strlen(headers[i]), &b64, &n, NULL));
		buf_printf(&token, "%s.e30.", b64 != NULL ? b64 : "");
		mem_free(b64);
		assert_non_null(sasl_jwt_verify(keys, &strict, buf_str(&token), &claims));
		buf_add(&token, S("AAAA"));
		assert_non_null(sasl_jwt_verify(keys, &strict, buf_str(&token), &claims));
		assert_null(claims);
	}
	sasl_jwks_unref(keys);
}

/* ---- tokens that are remembered ---- */

TEST(oauth_seen)
{
	struct sasl_seen *s = sasl_seen_new();
	uint8_t a[32], b[32];

	sasl_seen_digest(s, S("a"), a);
	sasl_seen_digest(s, S("b"), b);
	assert_int_equal(sasl_seen_find(s, a), 0);
	sasl_seen_add(s, sasl_seen_epoch(s), a, 7, 60000);
	sasl_seen_add(s, sasl_seen_epoch(s), b, 8, 1);
	assert_int_equal(sasl_seen_find(s, a), 7);
	usleep(5000);
	assert_int_equal(sasl_seen_find(s, b), 0);
	sasl_seen_forget(s, 8);
	assert_int_equal(sasl_seen_find(s, a), 7);
	sasl_seen_forget(s, 7);
	assert_int_equal(sasl_seen_find(s, a), 0);
	sasl_seen_add(s, sasl_seen_epoch(s), a, 7, 0);
	assert_int_equal(sasl_seen_find(s, a), 0);
	for (int i = 0; i < 3 * LIMIT_OAUTH_TOKENS; i++) {
		sasl_seen_digest(s, str_of(&i, sizeof(i)), a);
		sasl_seen_add(s, sasl_seen_epoch(s), a, i + 1, 60000);
		assert_int_equal(sasl_seen_find(s, a), i + 1);
	}
	sasl_seen_add(s, sasl_seen_epoch(s), b, 7, 60000);
	sasl_seen_forget(s, 0);
	sasl_seen_add(s, sasl_seen_epoch(s) - 1, b, 7, 60000); /* checked by settings that are gone */
	assert_int_equal(sasl_seen_find(s, b), 0);
	sasl_seen_free(s);
}

/* ---- whole exchanges; this file is the asker ---- */

static atomic_int n_wakes;

static void wake(void *ctx, uint64_t conn)
{
	(void)ctx, (void)conn;
	atomic_fetch_add(&n_wakes, 1);
}

#define ASK_SETTINGS \
	"[auth]\nfailure_delay = 0ms\nthrottle_exempt = 192.0.2.0/24\noauth_introspection_url = https://id/x\n" \
	"oauth_client_id = m\noauth_client_secret_file = /s\noauth_max_waiting = 4\n"

struct asking {
	struct sasl_fixture f;
	int fd; /* the asker's */
	struct conn *conn;
	struct sasl_exchange *x;
	struct buf out;
	struct sasl_identity id;
};

static void asking_open(struct asking *a)
{
	struct fault fault = { 0 };
	int fds[2];

	*a = (struct asking){ .out = BUF_INIT(65536) };
	sasl_fixture_open(&a->f, test_dir(), ASK_SETTINGS);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(sasl_oauth_connect(a->f.sasl, fds[0], wake, NULL, &fault), 0);
	a->fd = fds[1];
	a->conn = conn_new_scripted(S(""), 0, true, "192.0.2.7");
}

static void asking_close(struct asking *a)
{
	sasl_exchange_free(a->x);
	conn_free_scripted(a->conn);
	buf_fini(&a->out);
	close(a->fd);
	sasl_fixture_close(&a->f);
}

static int asking_begin(struct asking *a, const char *message_z)
{
	AUTO(buf_fini) struct buf b64 = BUF_INIT(65536);

	sasl_exchange_free(a->x);
	a->x = NULL;
	assert_int_equal(sasl_exchange_new(a->f.sasl, a->conn, "imap", S("XOAUTH2"), &a->x), 0);
	text_b64_encode(&b64, str_z(message_z));
	return sasl_exchange_step(a->x, buf_str(&b64), &a->out, &a->id);
}

/* The asker's part: the token that was asked about, and an answer. */
static void answer(struct asking *a, const char *token_z, uint32_t status, const char *body_z)
{
	struct sasl_ask_request request;
	struct sasl_ask_answer reply = { .status = status, .n = (uint32_t)strlen(body_z) };
	ssize_t n = recv(a->fd, &request, sizeof(request), 0);
	int before = atomic_load(&n_wakes);

	assert_true(n > (ssize_t)SASL_ASK_REQUEST_HEAD);
	assert_true(str_eq(str_of(request.token, (size_t)n - SASL_ASK_REQUEST_HEAD), str_z(token_z)));
	memcpy(reply.body, body_z, reply.n);
	reply.id = request.id + 2; /* nobody's */
	assert_true(send(a->fd, &reply, SASL_ASK_ANSWER_HEAD + reply.n, 0) > 0);
	reply.id = request.id;
	assert_true(send(a->fd, &reply, SASL_ASK_ANSWER_HEAD + reply.n, 0) > 0);
	while (atomic_load(&n_wakes) == before)
		usleep(1000);
}

#define ALICE_MESSAGE(token) "user=alice@example.test\1auth=Bearer " token "\1\1"
#define ALICE_ACTIVE "{\"active\":true,\"email\":\"alice@example.test\"}"

TEST(oauth_asks)
{
	struct asking a;

	asking_open(&a);
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t1")), SASL_WAITS);
	assert_true(sasl_exchange_is_waiting(a.x));
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), SASL_WAITS); /* woken by something else */
	answer(&a, "t1", 200, ALICE_ACTIVE);
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), 0);
	assert_int_equal(a.id.account, a.f.alice);
	assert_string_equal(a.id.mechanism, "XOAUTH2");
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t1")), 0); /* it is remembered */
	assert_int_equal(asking_begin(&a, "user=bob@example.test\1auth=Bearer t1\1\1"), 1);
	sasl_forget(a.f.sasl, a.f.alice);
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t1")), SASL_WAITS);
	answer(&a, "t1", 200, ALICE_ACTIVE);
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), 0);
	sasl_oauth_configure(a.f.sasl, NULL);
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t1")), SASL_WAITS);
	answer(&a, "t1", 200, "{\"active\":false}");
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), 1);
	assert_string_equal(sasl_exchange_refusal(a.x)->reason, "inactive");
	assert_int_equal(sasl_exchange_step(a.x, S("AQ=="), &a.out, &a.id), -E_AUTH_FAILED);
	asking_close(&a);
}

/* Whoever was asked before the settings changed has no say after it. */
TEST(oauth_asks_across_a_reload)
{
	struct asking a;

	asking_open(&a);
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t1")), SASL_WAITS);
	sasl_oauth_configure(a.f.sasl, NULL);
	answer(&a, "t1", 200, ALICE_ACTIVE);
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), -E_IO);
	assert_string_equal(sasl_exchange_refusal(a.x)->reason, "settings-changed");
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t1")), SASL_WAITS); /* and was not remembered */
	answer(&a, "t1", 200, ALICE_ACTIVE);
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), 0);
	asking_close(&a);
}

TEST(oauth_asks_in_vain)
{
	const struct sasl_ask_answer lost = { .id = 0 };
	struct asking a;
	int before;

	asking_open(&a);
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t1")), SASL_WAITS);
	answer(&a, "t1", 500, ALICE_ACTIVE);
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), -E_IO);
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t2")), SASL_WAITS);
	answer(&a, "t2", 200, "{");
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), -E_IO);
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t3")), SASL_WAITS);
	before = atomic_load(&n_wakes);
	assert_true(send(a.fd, "x", 1, 0) == 1); /* no answer at all */
	assert_true(send(a.fd, &lost, SASL_ASK_ANSWER_HEAD, 0) > 0);
	while (atomic_load(&n_wakes) == before)
		usleep(1000);
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), -E_IO);
	sasl_fixture_disable(&a.f, a.f.alice);
	assert_int_equal(asking_begin(&a, ALICE_MESSAGE("t4")), SASL_WAITS);
	assert_true(recv(a.fd, (char[16384]){ 0 }, 16384, 0) > 0);
	answer(&a, "t4", 200, ALICE_ACTIVE);
	assert_int_equal(sasl_exchange_resume(a.x, &a.out, &a.id), 1);
	assert_string_equal(sasl_exchange_refusal(a.x)->reason, "disabled");
	asking_close(&a);
}

/* A place is taken while an exchange waits, and given back with it. */
TEST(oauth_waiting_is_bounded)
{
	struct sasl_ask *ask = sasl_ask_new();
	struct fault fault = { 0 };
	uint64_t ids[8];
	int fds[2];

	assert_int_equal(sasl_ask_begin(ask, S("t"), 1, 0, 8, &ids[0]), -E_BUSY); /* nobody to ask */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(sasl_ask_connect(ask, fds[0], wake, NULL, &fault), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(sasl_ask_begin(ask, S("t"), 1, 77, 8, &ids[i]), 0);
	assert_int_equal(sasl_ask_begin(ask, S("t"), 1, 77, 8, &ids[7]), -E_BUSY); /* a quarter of them */
	for (size_t i = 2; i < 8; i++)
		assert_int_equal(sasl_ask_begin(ask, S("t"), 1, 0, 8, &ids[i]), 0);
	assert_int_equal(sasl_ask_begin(ask, S("t"), 1, 0, 8, &ids[0]), -E_BUSY);
	sasl_ask_forget(ask, ids[7]);
	assert_int_equal(sasl_ask_begin(ask, S("t"), 1, 0, 8, &ids[7]), 0);
	sasl_ask_free(ask);
	close(fds[1]);
}

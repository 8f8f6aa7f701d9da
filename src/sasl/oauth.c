/* SPDX-License-Identifier: MIT */
/*
 * One login by an access token: OAUTHBEARER (RFC 7628) and XOAUTH2.
 *
 *   FIRST   --message--> a token that is known, or that our keys can check --> done or REFUSED
 *   FIRST   --message--> the asker is asked --> ASKED (the session waits; no thread does)
 *   ASKED   --answer--> done or REFUSED      --none in time--> trouble, try again later
 *   REFUSED --any message--> failed: the reason went out as a challenge before (RFC 7628 3.2.3)
 *
 * 1. Whose token it is says a claim, never the client. What the client says (authzid, "user=") must be
 *    that account.
 * 2. A failure is counted like a wrong password when it is known, before the client hears of it; the same
 *    wrong token again is one that was counted. Trouble is not counted.
 * 3. A JWT is checked here when there are keys; one whose key is not among them is asked about, if there
 *    is somebody to ask.
 * 4. An answer is good for the settings in force when it was asked for: after new ones it is trouble, as
 *    somebody else may have been asked.
 */
#include "sasl/oauth.h"

#include "base/clock.h"
#include "base/limits.h"

#define OAUTH_ARENA (64u << 10)
#define ASK_MARGIN_MS 1000 /* the asker's own deadline comes first */

enum state { FIRST, ASKED, REFUSED };

struct sasl_oauth {
	struct sasl *sasl;
	struct conn *conn;
	bool is_xoauth2;
	enum state state;
	char user[SASL_BEARER_USER]; /* as the client says, "" when it does not */
	uint8_t digest[32];          /* of the token */
	struct sasl_attempt attempt;
	uint64_t epoch; /* of the settings that check the token */
	uint64_t ask_id;
	int64_t ask_until_ms;
};

struct sasl_oauth *sasl_oauth_new(struct sasl *s, struct conn *c, bool is_xoauth2)
{
	struct sasl_oauth *o = MEM_NEW(struct sasl_oauth);

	o->sasl = s;
	o->conn = c;
	o->is_xoauth2 = is_xoauth2;
	return o;
}

void sasl_oauth_free(struct sasl_oauth *o)
{
	if (o == NULL)
		return;
	sasl_ask_forget(o->sasl->ask, o->ask_id);
	mem_free(o);
}

struct str sasl_oauth_user(const struct sasl_oauth *o)
{
	return str_z(o->user);
}

/* One step, with the settings in force. */
struct step {
	struct sasl_oauth *o;
	const struct sasl_conf *set;
	struct buf *out;
	struct sasl_identity *id;
	struct sasl_refusal *why;
	bool is_refused;
};

/* ---- refusals ---- */

/* RFC 6750 3.1, RFC 7628 3.2.2 */
static const char *status_of(const char *reason_z)
{
	if (str_eq(str_z(reason_z), S("malformed")))
		return "invalid_request";
	return str_eq(str_z(reason_z), S("insufficient-scope")) ? "insufficient_scope" : "invalid_token";
}

/* What the client is told; XOAUTH2 has numbers of HTTP for it. */
static void print_error(struct step *st, const char *reason_z)
{
	const struct sasl_conf *set = st->set;
	json_t *o = json_object();
	char *text;

	if (st->o->is_xoauth2) {
		(void)json_object_set_new(o, "status", json_string("401"));
		(void)json_object_set_new(o, "schemes", json_string("bearer"));
	} else {
		(void)json_object_set_new(o, "status", json_string(status_of(reason_z)));
	}
	if (set->oauth_scope.n > 0)
		(void)json_object_set_new(o, "scope", json_string(set->oauth_scope.v[0]));
	if (set->oauth_configuration_url[0])
		(void)json_object_set_new(o, "openid-configuration",
					  json_string(set->oauth_configuration_url));
	text = json_dumps(o, JSON_COMPACT);
	buf_add(st->out, str_z(text));
	mem_free(text);
	json_decref(o);
}

static int refuse(struct step *st, const char *reason_z)
{
	st->why->reason = reason_z;
	sasl_throttle_failed(st->o->sasl->throttle, st->set, &st->o->attempt, clock_mono_ms(), st->why);
	st->o->state = REFUSED;
	st->is_refused = true;
	print_error(st, reason_z);
	return 1;
}

/* ---- whose it is ---- */

/* Is the name that the client gave this account? */
static bool is_own(const struct step *st, struct arena *a, const struct store_account *account)
{
	struct store_account other = { 0 };
	struct str name = S("");

	if (st->o->user[0] == '\0' || str_ieq(str_z(st->o->user), account->name))
		return true;
	return sasl_prep(a, str_z(st->o->user), &name) == 0 &&
	       sasl_account_find(st->o->sasl, a, name, &other) == 0 && other.id == account->id;
}

static int admit(struct step *st, const struct store_account *account)
{
	struct sasl_oauth *o = st->o;

	sasl_attempt_make(o->sasl->throttle, st->set, conn_peer(o->conn), account->name, &o->attempt);
	sasl_throttle_succeeded(o->sasl->throttle, st->set, &o->attempt, clock_mono_ms());
	sasl_identity_set(st->id, account, o->is_xoauth2 ? S("XOAUTH2") : S("OAUTHBEARER"));
	return 0;
}

static int find_account(struct step *st, const struct sasl_claims *claims)
{
	AUTO(arena_fini) struct arena a = { .cap = OAUTH_ARENA };
	struct store_account account = { 0 };
	struct str name = S("");
	int64_t left_ms = claims->exp_s == INT64_MAX ? INT64_MAX : claims->exp_s * 1000 - clock_wall_ms();
	int r = sasl_prep(&a, str_z(claims->name), &name);

	if (r == 0)
		r = sasl_account_find(st->o->sasl, &a, name, &account);
	if (r == -E_SYNTAX || r == -E_AUTH_FAILED)
		return refuse(st, account.id != 0 ? "disabled" : "unknown-user");
	if (r < 0)
		return r;
	if (!is_own(st, &a, &account))
		return refuse(st, "authorization-id");
	sasl_seen_add(st->o->sasl->seen, st->o->epoch, st->o->digest, account.id,
		      left_ms < st->set->oauth_cache_ttl_ms ? left_ms : st->set->oauth_cache_ttl_ms);
	return admit(st, &account);
}

static int judge(struct step *st, const json_t *said, bool is_jwt)
{
	struct sasl_claims claims;
	const char *reason = sasl_claims_check(st->set, said, is_jwt, clock_wall_ms() / 1000, &claims);

	return reason != NULL ? refuse(st, reason) : find_account(st, &claims);
}

/* A token that was good lately: the account must still be there, and be the one that is wanted. */
static int admit_known(struct step *st, int64_t id)
{
	AUTO(arena_fini) struct arena a = { .cap = OAUTH_ARENA };
	struct store_account account;
	int r = store_account_get(st->o->sasl->store, &a, id, &account);

	if (r == -E_NOT_FOUND || (r == 0 && !account.is_enabled))
		return refuse(st, "disabled");
	if (r < 0)
		return r;
	return is_own(st, &a, &account) ? admit(st, &account) : refuse(st, "authorization-id");
}

/* ---- the steps ---- */

static int await(struct sasl_oauth *o)
{
	int64_t left_ms = o->ask_until_ms - clock_mono_ms();

	conn_await(o->conn, left_ms > 0 ? left_ms : 1);
	return SASL_WAITS;
}

static int ask(struct step *st, struct str token)
{
	struct sasl_oauth *o = st->o;
	int r = sasl_ask_begin(o->sasl->ask, token, conn_id(o->conn), o->attempt.keys[SASL_ADDRESS],
			       st->set->oauth_max_waiting, &o->ask_id);

	if (r < 0)
		return r;
	o->state = ASKED;
	o->ask_until_ms = clock_mono_ms() + st->set->oauth_timeout_ms + ASK_MARGIN_MS;
	return await(o);
}

/* See 3 above. */
static int check_token(struct step *st, struct str token)
{
	bool may_ask = st->set->oauth_introspection_url[0] != '\0';
	struct sasl_jwks *keys = sasl_oauth_keys(st->o->sasl);
	const char *reason = "unknown-kind-of-token";
	bool is_checked = keys != NULL && sasl_jwt_is_one(token);
	json_t *claims = NULL;
	int r;

	if (is_checked)
		reason = sasl_jwt_verify(keys, st->set, token, &claims);
	sasl_jwks_unref(keys);
	if (reason == NULL)
		r = judge(st, claims, true);
	else if (may_ask && (!is_checked || str_eq(str_z(reason), S("unknown-key"))))
		r = ask(st, token);
	else
		r = refuse(st, reason);
	json_decref(claims);
	return r;
}

static int first(struct step *st, struct str message)
{
	struct sasl_oauth *o = st->o;
	struct sasl_bearer b = { 0 };
	bool is_good = o->is_xoauth2 ? sasl_xoauth2_parse(message, &b) : sasl_bearer_parse(message, &b);
	int64_t known;

	memcpy(o->user, b.user, sizeof(o->user));
	sasl_attempt_make(o->sasl->throttle, st->set, conn_peer(o->conn), str_z(o->user), &o->attempt);
	if (!sasl_throttle_allow(o->sasl->throttle, st->set, &o->attempt, clock_mono_ms(), st->why))
		return -E_THROTTLED;
	if (!is_good)
		return refuse(st, "malformed");
	sasl_seen_digest(o->sasl->seen, b.token, o->digest);
	sasl_attempt_guess(o->sasl->throttle, &o->attempt, S("oauth"), str_of(o->digest, 32));
	known = sasl_seen_find(o->sasl->seen, o->digest);
	return known != 0 ? admit_known(st, known) : check_token(st, b.token);
}

int sasl_oauth_step(struct sasl_oauth *o, struct str message, struct buf *out, struct sasl_identity *ret,
		    struct sasl_refusal *why, bool *ret_is_refused)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	uint64_t epoch = sasl_seen_epoch(o->sasl->seen); /* before the settings */
	struct step st = { o, sasl_conf_get(o->sasl, &hold), out, ret, why, false };
	int r;

	*ret_is_refused = false;
	if (o->state != FIRST)
		return -E_AUTH_FAILED;
	if (message.p == NULL)
		return 1; /* the client speaks first */
	o->epoch = epoch;
	r = first(&st, message);
	*ret_is_refused = st.is_refused;
	return r;
}

int sasl_oauth_resume(struct sasl_oauth *o, struct buf *out, struct sasl_identity *ret,
		      struct sasl_refusal *why, bool *ret_is_refused)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	AUTO(buf_fini) struct buf answer = BUF_INIT(LIMIT_OAUTH_ANSWER);
	uint64_t epoch = sasl_seen_epoch(o->sasl->seen);
	struct step st = { o, sasl_conf_get(o->sasl, &hold), out, ret, why, false };
	json_t *said;
	int r = o->state == ASKED ? sasl_ask_take(o->sasl->ask, o->ask_id, &answer) : -E_IO;

	*ret_is_refused = false;
	if (r == 0 && clock_mono_ms() < o->ask_until_ms)
		return await(o);
	if (r != 1) {
		why->reason = "no-answer-about-token";
		return -E_IO;
	}
	o->ask_id = 0;
	if (epoch != o->epoch) {
		why->reason = "settings-changed";
		return -E_IO;
	}
	said = json_loadb(answer.p != NULL ? answer.p : "", answer.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(said) || !json_is_boolean(json_object_get(said, "active"))) {
		why->reason = "malformed-answer-about-token";
		r = -E_IO;
	} else {
		r = judge(&st, said, false);
	}
	json_decref(said);
	*ret_is_refused = st.is_refused;
	return r;
}

/* ---- settings ---- */

struct sasl_jwks *sasl_oauth_keys(struct sasl *s)
{
	struct sasl_jwks *k;

	lock_get(&s->keys_lock);
	k = sasl_jwks_ref(s->keys);
	lock_put(&s->keys_lock);
	return k;
}

void sasl_oauth_configure(struct sasl *s, struct sasl_jwks *keys)
{
	struct sasl_jwks *old;

	lock_get(&s->keys_lock);
	old = s->keys;
	s->keys = keys;
	lock_put(&s->keys_lock);
	sasl_jwks_unref(old);
	sasl_seen_forget(s->seen, 0);
}

int sasl_oauth_connect(struct sasl *s, int fd, sasl_wake_fn *wake, void *ctx, struct fault *fault)
{
	return sasl_ask_connect(s->ask, fd, wake, ctx, fault);
}

bool sasl_oauth_is_set(const struct sasl_conf *set)
{
	return set->oauth_introspection_url[0] || set->oauth_jwks_file[0];
}

/* http:// only to this machine: tokens and the secret would be read on the way. */
static bool is_url_safe(struct str url)
{
	static const struct str local[] = { STR_INIT("http://127.0.0.1"), STR_INIT("http://localhost"),
					    STR_INIT("http://[::1]") };

	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] >= 0x7f || url.p[i] == '@')
			return false;
	if (str_istarts(url, S("https://")))
		return url.n > sizeof("https://");
	for (size_t i = 0; i < ARRAY_LEN(local); i++) {
		struct str rest = str_skip(url, local[i].n);

		if (str_istarts(url, local[i]) && (rest.n == 0 || rest.p[0] == ':' || rest.p[0] == '/'))
			return true;
	}
	return false;
}

static int check_keys(const struct sasl_conf *set, struct fault *fault)
{
	for (size_t i = 0; i < set->oauth_algorithms.n; i++)
		if (!sasl_jwt_knows_alg(str_z(set->oauth_algorithms.v[i])))
			return fault_set(fault, -E_USAGE,
					 "oauth_algorithms: \"%s\" is not possible; take some of RS256 RS384 "
					 "RS512 PS256 PS384 PS512 ES256 ES384 ES512",
					 set->oauth_algorithms.v[i]);
	if (set->oauth_jwks_file[0] && (!set->oauth_issuer[0] || set->oauth_audience.n == 0))
		return fault_set(fault, -E_USAGE,
				 "oauth_jwks_file needs oauth_issuer and oauth_audience: a signature alone "
				 "does not say that the token is meant for this server");
	if (set->oauth_jwks_file[0] && set->oauth_algorithms.n == 0)
		return fault_set(fault, -E_USAGE, "oauth_jwks_file needs oauth_algorithms");
	return 0;
}

int sasl_oauth_check(const struct sasl_conf *set, struct fault *fault)
{
	struct str url = str_z(set->oauth_introspection_url), info = str_z(set->oauth_configuration_url);

	if (url.n > 0 && !is_url_safe(url))
		return fault_set(fault, -E_USAGE,
				 "oauth_introspection_url: write https://HOST/PATH; http:// is possible only "
				 "to 127.0.0.1, [::1] and localhost");
	if (info.n > 0 && !str_istarts(info, S("https://"))) /* RFC 7628 3.2.2 */
		return fault_set(fault, -E_USAGE, "oauth_configuration_url: write https://...");
	if (!set->oauth_client_id[0] != !set->oauth_client_secret_file[0])
		return fault_set(fault, -E_USAGE,
				 "oauth_client_id and oauth_client_secret_file go together");
	if (url.n > 0 && !set->oauth_client_id[0]) /* RFC 7662 2.1: the endpoint asks who asks */
		return fault_set(fault, -E_USAGE,
				 "oauth_introspection_url needs oauth_client_id and oauth_client_secret_file");
	return check_keys(set, fault);
}

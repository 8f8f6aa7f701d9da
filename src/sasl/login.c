/* SPDX-License-Identifier: MIT */
/*
 * Is this the password of that account? All plain passwords come here: PLAIN and LOGIN from
 * exchange.c, LOGIN and USER/PASS by sasl_login().
 *
 * 1. Unknown and disabled accounts cost one slow hash too (one that nothing matches).
 * 2. A password that was right lately is known by the cache, one that was wrong lately by the
 *    throttle, and then no slow hash runs.
 * 3. Whether it may be tried at all is asked before that (throttle.c).
 * 4. After a login by an account that has no SCRAM keys (its hash was imported) they are made
 *    from the password, so that SCRAM works next time.
 */
#include "sasl/oauth.h"

#include "base/clock.h"

#define LOGIN_ARENA (64u << 10)
#define LOGIN_NAME_MAX 319

const struct sasl_conf *sasl_conf_get(struct sasl *s, struct conf **ret_hold)
{
	*ret_hold = conf_live_get(s->conf);
	return conf_get(*ret_hold, &sasl_conf_table);
}

void sasl_conf_put(struct conf **hold)
{
	conf_unref(*hold);
	*hold = NULL;
}

int sasl_account_find(struct sasl *s, struct arena *a, struct str name, struct store_account *ret)
{
	int rc;

	if (name.n == 0 || name.n > LOGIN_NAME_MAX)
		return -E_AUTH_FAILED;
	rc = store_account_find(s->store, a, name, ret);
	if (rc == -E_NOT_FOUND || rc == -E_SYNTAX)
		return -E_AUTH_FAILED;
	if (rc == 0 && (!ret->is_enabled || ret->name.n > LOGIN_NAME_MAX))
		return -E_AUTH_FAILED;
	return rc;
}

void sasl_identity_set(struct sasl_identity *id, const struct store_account *account,
		       struct str mechanism)
{
	id->account = account->id;
	snprintf(id->name, sizeof(id->name), "%" STR_FMT, STR_ARG(account->name));
	snprintf(id->mechanism, sizeof(id->mechanism), "%" STR_FMT, STR_ARG(mechanism));
}

/*
 * Only if the hash is still the one that the password was checked against: when the password was
 * changed while the slow hash ran, the old one must not come back. Failure is harmless, the next
 * login tries again.
 */
static void add_scram(struct sasl *s, struct arena *a, int64_t account, struct str password,
		      struct str hash)
{
	struct store_credential creds[3] = { { .kind = S("crypt"), .value = hash } };
	struct str ignored;

	if (store_credential_get(s->store, a, account, S("scram-sha-256"), &ignored) !=
	    -E_NOT_FOUND)
		return;
	if (sasl_scram_credentials(a, password, &creds[1]) < 0)
		return;
	if (store_credentials_set_if(s->store, account, &creds[0], creds, ARRAY_LEN(creds)) < 0)
		return;
}

/* One check of a password. */
struct check {
	struct sasl *sasl;
	const struct sasl_conf *set;
	const struct sasl_login *login;
	struct store_account account; /* id 0: there is none */
	struct str hash;              /* NUL-terminated; p NULL: there is none */
	struct sasl_attempt attempt;
	const char *reason; /* should the password be wrong */
	struct sasl_refusal *why;
};

/* 0, also when account or hash are missing; or trouble. */
static int find_hash(struct check *c, struct arena *a)
{
	struct sasl *s = c->sasl;
	struct str value = { 0 };
	int rc = sasl_account_find(s, a, c->login->user, &c->account);

	c->reason = c->account.id != 0 ? "disabled" : "unknown-user";
	if (rc == 0) {
		c->reason = "no-password";
		rc = store_credential_get(s->store, a, c->account.id, S("crypt"), &value);
	}
	if (rc == -E_AUTH_FAILED || rc == -E_NOT_FOUND)
		return 0;
	if (rc < 0)
		return rc;
	c->reason = "wrong-password";
	c->hash = (struct str){ arena_z(a, value), value.n };
	return c->hash.p != NULL ? 0 : -E_LIMIT;
}

static bool may_go_on(struct check *c)
{
	return sasl_throttle_allow(c->sasl->throttle, c->set, &c->attempt, clock_mono_ms(), c->why);
}

static int wrong(struct check *c)
{
	c->why->reason = c->reason;
	sasl_throttle_failed(c->sasl->throttle, c->set, &c->attempt, clock_mono_ms(), c->why);
	return -E_AUTH_FAILED;
}

/*
 * 0: right; -E_AUTH_FAILED: wrong; -E_THROTTLED, or trouble. A password that is known, as right
 * or as wrong, costs no slow hash. Who had to wait for its turn may be over the limit by then, so a
 * failure counts before the next one has its turn.
 */
static int compare(struct check *c)
{
	struct sasl *s = c->sasl;
	struct str password = c->login->password;
	int rc;

	if (c->hash.p != NULL && c->set->cache_ttl_ms > 0 &&
	    sasl_cache_has(s->cache, c->account.id, password, c->hash))
		return 0;
	if (sasl_throttle_was_tried(s->throttle, &c->attempt, clock_mono_ms())) {
		if (c->hash.p != NULL)
			c->reason = "wrong-password-again";
		return wrong(c);
	}
	rc = sasl_gate_enter(s->gate, c->login->conn);
	if (rc < 0)
		return rc;
	if (!may_go_on(c))
		rc = -E_THROTTLED;
	else if (!sasl_hash_matches(password.p, c->hash.p))
		rc = wrong(c);
	sasl_gate_leave(s->gate);
	return rc;
}

int sasl_password_check(struct sasl *s, const struct sasl_login *login, struct sasl_identity *ret,
			struct sasl_refusal *why)
{
	AUTO(arena_fini) struct arena a = { .cap = LOGIN_ARENA };
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	struct check c = { .sasl = s, .set = sasl_conf_get(s, &hold), .login = login, .why = why };
	int rc = find_hash(&c, &a);

	if (rc < 0)
		return rc;
	sasl_attempt_make(s->throttle, c.set, login->peer,
			  c.account.id != 0 ? c.account.name : login->user, &c.attempt);
	sasl_attempt_guess(s->throttle, &c.attempt, c.hash, login->password);
	rc = may_go_on(&c) ? compare(&c) : -E_THROTTLED;
	if (rc < 0)
		return rc;
	sasl_throttle_succeeded(s->throttle, c.set, &c.attempt, clock_mono_ms());
	sasl_cache_add(s->cache, c.account.id, login->password, c.hash, c.set->cache_ttl_ms);
	add_scram(s, &a, c.account.id, login->password, c.hash);
	sasl_identity_set(ret, &c.account, login->mechanism);
	return 0;
}

void sasl_hold(struct sasl *s, struct conn *c, int rc, int64_t start_ms)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	int64_t delay_ms = sasl_conf_get(s, &hold)->failure_delay_ms;

	if (delay_ms > 0 && (rc == -E_AUTH_FAILED || rc == -E_THROTTLED))
		conn_hold(c, delay_ms - (clock_mono_ms() - start_ms) % delay_ms);
}

int sasl_login(struct sasl *s, struct conn *c, struct str user, struct str password,
	       struct sasl_identity *ret, struct sasl_refusal *why)
{
	AUTO(arena_fini) struct arena a = { .cap = LOGIN_ARENA };
	struct str name = S(""), secret = S("");
	int64_t start_ms = clock_mono_ms();
	int rc;

	*why = (struct sasl_refusal)SASL_REFUSAL_INIT;
	if (!sasl_is_permitted(s, c))
		return -E_TLS;
	/* What SASLprep refuses is nobody's name or password; the check still takes its time. */
	if (sasl_prep(&a, user, &name) < 0 || sasl_prep(&a, password, &secret) < 0)
		name = S("");
	rc = sasl_password_check(s,
				 &(struct sasl_login){ .conn = c,
						       .peer = conn_peer(c),
						       .user = name,
						       .password = secret,
						       .mechanism = S("plaintext") },
				 ret, why);
	if (secret.n > 0)
		mem_wipe((char *)(uintptr_t)secret.p, secret.n);
	sasl_hold(s, c, rc, start_ms);
	return rc;
}

void sasl_forget(struct sasl *s, int64_t account)
{
	sasl_cache_forget(s->cache, account);
	sasl_seen_forget(s->seen, account);
}

/* SPDX-License-Identifier: MIT */
/*
 * Is this the password of that account? All plain passwords come here: PLAIN and LOGIN from
 * exchange.c, LOGIN and USER/PASS by sasl_login().
 *
 * 1. Unknown and disabled accounts cost one slow hash too (one that nothing matches).
 * 2. A password that was right lately is known by the cache, and then no slow hash runs.
 * 3. After a login by an account that has no SCRAM keys (its hash was imported) they are made
 *    from the password, so that SCRAM works next time.
 */
#include "sasl/sasl_int.h"

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

/*
 * The account and its hash as a NUL-terminated text; hash.p stays NULL when either is missing,
 * which is no failure here.
 */
static int find_hash(struct sasl *s, struct arena *a, struct str user,
		     struct store_account *account, struct str *hash)
{
	struct str value = { 0 };
	int rc = sasl_account_find(s, a, user, account);

	if (rc == 0)
		rc = store_credential_get(s->store, a, account->id, S("crypt"), &value);
	if (rc == -E_AUTH_FAILED || rc == -E_NOT_FOUND)
		return 0;
	if (rc < 0)
		return rc;
	*hash = (struct str){ arena_z(a, value), value.n };
	return hash->p != NULL ? 0 : -E_LIMIT;
}

int sasl_password_check(struct sasl *s, struct str user, struct str password, struct str mechanism,
			struct sasl_identity *ret)
{
	AUTO(arena_fini) struct arena a = { .cap = LOGIN_ARENA };
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	const struct sasl_conf *set = sasl_conf_get(s, &hold);
	struct store_account account = { 0 };
	struct str hash = { 0 };
	int rc = find_hash(s, &a, user, &account, &hash);

	if (rc < 0)
		return rc;
	if (hash.p != NULL && set->cache_ttl_ms > 0 &&
	    sasl_cache_has(s->cache, account.id, password, hash)) {
		sasl_identity_set(ret, &account, mechanism);
		return 0;
	}
	rc = sasl_hash_check(s->gate, password.p, hash.p);
	if (rc <= 0)
		return rc < 0 ? rc : -E_AUTH_FAILED;
	sasl_cache_add(s->cache, account.id, password, hash, set->cache_ttl_ms);
	add_scram(s, &a, account.id, password, hash);
	sasl_identity_set(ret, &account, mechanism);
	return 0;
}

int sasl_login(struct sasl *s, const struct conn *c, const char *service_z, struct str user,
	       struct str password, struct sasl_identity *ret)
{
	AUTO(arena_fini) struct arena a = { .cap = LOGIN_ARENA };
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	const struct sasl_conf *set = sasl_conf_get(s, &hold);
	struct str name = S(""), secret = S("");
	int rc;

	(void)service_z;
	if (!sasl_is_permitted(s, c))
		return -E_TLS;
	if (!sasl_throttle_allow(s->throttle, conn_peer(c)))
		return -E_BUSY;
	/* What SASLprep refuses is nobody's name or password; the check still takes its time. */
	if (sasl_prep(&a, user, &name) < 0 || sasl_prep(&a, password, &secret) < 0)
		name = S("");
	rc = sasl_password_check(s, name, secret, S("plaintext"), ret);
	if (secret.n > 0)
		mem_wipe((char *)(uintptr_t)secret.p, secret.n);
	if (rc == -E_AUTH_FAILED)
		sasl_throttle_failed(s->throttle, conn_peer(c), set->failure_delay_ms);
	else if (rc == 0)
		sasl_throttle_succeeded(s->throttle, conn_peer(c));
	return rc;
}

void sasl_forget(struct sasl *s, int64_t account)
{
	sasl_cache_forget(s->cache, account);
}

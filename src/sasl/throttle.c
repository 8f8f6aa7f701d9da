/* SPDX-License-Identifier: MIT */
/*
 * What wrong passwords cost, and whom. The reasons are in docs/decisions/012-wrong-passwords.md.
 *
 * Failures are counted in five scopes, each for [auth] failure_memory, in tables of fixed size
 * (tally.c); a sixth table knows where accounts have logged in from (known.c):
 *   address   an IPv4 address or an IPv6 /64
 *   network   an IPv6 /48, with NETWORK_SHARE times the limit of an address
 *   account   a login name, whether or not there is such an account
 *   pair      one address at one account
 *   guess     the wrong password itself: a digest of account, stored hash and password
 *
 * 1. The same wrong password counts once, wherever it comes from, and costs no slow hash again.
 *    (A SCRAM proof does not show which wrong password it was made of; there each counts.)
 * 2. An address at its limit waits FIRST_WAIT_MS, twice as long with each further failure, up to
 *    max_wait; and max_wait at twice the limit, where the count ends.
 * 3. An account at its limit is under attack: only addresses without a failure may try, one each
 *    TURN_MS. One address adds at most PAIR_MAX to it, so it takes many to get there.
 * 4. An address from which the account has logged in lately is known: 2 and 3 do not hold for it,
 *    and what fails there counts for nobody. Only after KNOWN_BURST different wrong passwords it
 *    gets one try each KNOWN_PACE_MS, or there would be no limit at all for who shares it.
 * 5. A right password takes back what the failures of this address at this account have cost, and
 *    nothing else: to have an account does not help to guess the others.
 * 6. Unix sockets and the networks of throttle_exempt (loopback) are not counted at all.
 *
 * Who is refused is refused before the password is looked at, with -E_THROTTLED: "later", not
 * "wrong". Guesses that are checked at the same moment may pass a limit by as many as there are
 * slow hashes (SCRAM: workers) at once.
 */
#include "sasl/sasl_int.h"

#include "base/limits.h"
#include "base/rnd.h"

#define NETWORK_SHARE 8
#define FIRST_WAIT_MS 10000
#define PAIR_MAX 5
#define TURN_MS 5000
#define KNOWN_BURST 300
#define KNOWN_PACE_MS 10000

static const size_t table_sizes[SASL_N_SCOPES] = {
	[SASL_ADDRESS] = LIMIT_AUTH_ADDRESSES, [SASL_NETWORK] = LIMIT_AUTH_NETWORKS,
	[SASL_ACCOUNT] = LIMIT_AUTH_ACCOUNTS,  [SASL_PAIR] = LIMIT_AUTH_PAIRS,
	[SASL_GUESS] = LIMIT_AUTH_GUESSES,
};

struct sasl_throttle *sasl_throttle_new(void)
{
	struct sasl_throttle *t = MEM_NEW(struct sasl_throttle);

	lock_init(&t->lock);
	rnd_bytes(t->key, sizeof(t->key));
	for (size_t i = 0; i < SASL_N_SCOPES; i++)
		sasl_tally_init(&t->tallies[i], table_sizes[i], i < SASL_N_LABELS);
	sasl_known_init(&t->known);
	return t;
}

void sasl_throttle_free(struct sasl_throttle *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < SASL_N_SCOPES; i++)
		sasl_tally_fini(&t->tallies[i]);
	sasl_known_fini(&t->known);
	lock_fini(&t->lock);
	mem_wipe(t, sizeof(*t));
	mem_free(t);
}

/* ---- how much ---- */

struct sasl_rate sasl_throttle_rate(const struct sasl_conf *set, enum sasl_scope scope)
{
	const int64_t limits[SASL_N_SCOPES] = {
		[SASL_ADDRESS] = set->max_address_failures,
		[SASL_NETWORK] = set->max_address_failures * NETWORK_SHARE,
		[SASL_ACCOUNT] = set->max_account_failures,
		[SASL_PAIR] = PAIR_MAX,
		[SASL_GUESS] = 1,
	};

	return (struct sasl_rate){ limits[scope], set->failure_memory_ms };
}

static struct sasl_tally_entry *find(const struct sasl_throttle *t, const struct sasl_attempt *at,
				     enum sasl_scope scope, int64_t now_ms)
{
	return sasl_tally_find(&t->tallies[scope], at->keys[scope], now_ms);
}

static int64_t count(const struct sasl_throttle *t, const struct sasl_conf *set,
		     const struct sasl_attempt *at, enum sasl_scope scope, int64_t now_ms)
{
	return sasl_tally_count(find(t, at, scope, now_ms), sasl_throttle_rate(set, scope), now_ms);
}

static int64_t wait_ms(const struct sasl_throttle *t, const struct sasl_conf *set,
		       const struct sasl_attempt *at, enum sasl_scope scope, int64_t now_ms)
{
	const struct sasl_tally_entry *e = find(t, at, scope, now_ms);

	return set->max_address_failures > 0 && e != NULL && e->until_ms > now_ms
		       ? e->until_ms - now_ms
		       : 0;
}

static struct sasl_known_entry *find_known(const struct sasl_throttle *t,
					   const struct sasl_attempt *at, int64_t now_ms)
{
	return sasl_known_find(&t->known, at->keys[SASL_ACCOUNT], at->keys[SASL_PAIR], now_ms);
}

static void describe(const struct sasl_throttle *t, const struct sasl_conf *set,
		     const struct sasl_attempt *at, int64_t now_ms, struct sasl_refusal *why)
{
	int64_t network_ms = wait_ms(t, set, at, SASL_NETWORK, now_ms);
	int64_t address_ms = wait_ms(t, set, at, SASL_ADDRESS, now_ms);

	why->address_failures = count(t, set, at, SASL_ADDRESS, now_ms);
	why->account_failures = count(t, set, at, SASL_ACCOUNT, now_ms);
	why->wait_s = ((network_ms > address_ms ? network_ms : address_ms) + 999) / 1000;
}

/* ---- may it be tried? ---- */

static bool is_attacked(const struct sasl_throttle *t, const struct sasl_conf *set,
			const struct sasl_attempt *at, int64_t now_ms)
{
	return set->max_account_failures > 0 &&
	       count(t, set, at, SASL_ACCOUNT, now_ms) >= set->max_account_failures;
}

/* Rule 3. */
static bool take_turn(struct sasl_throttle *t, struct sasl_attempt *at, int64_t now_ms)
{
	struct sasl_tally_entry *e = find(t, at, SASL_ACCOUNT, now_ms);

	if (at->has_turn || e == NULL)
		return true;
	if (find(t, at, SASL_ADDRESS, now_ms) != NULL || find(t, at, SASL_PAIR, now_ms) != NULL ||
	    e->until_ms > now_ms)
		return false;
	e->until_ms = now_ms + TURN_MS;
	at->has_turn = true;
	return true;
}

/* Why not; NULL: it may. */
static const char *refusal(struct sasl_throttle *t, const struct sasl_conf *set,
			   struct sasl_attempt *at, int64_t now_ms)
{
	const struct sasl_known_entry *known = find_known(t, at, now_ms);

	if (known != NULL)
		return known->pace_ms - now_ms >= KNOWN_BURST * KNOWN_PACE_MS ? "pace" : NULL;
	if (wait_ms(t, set, at, SASL_ADDRESS, now_ms) > 0)
		return "address";
	if (wait_ms(t, set, at, SASL_NETWORK, now_ms) > 0)
		return "network";
	if (is_attacked(t, set, at, now_ms) && !take_turn(t, at, now_ms))
		return "account";
	return NULL;
}

bool sasl_throttle_allow(struct sasl_throttle *t, const struct sasl_conf *set,
			 struct sasl_attempt *at, int64_t now_ms, struct sasl_refusal *why)
{
	const char *reason;

	if (at->is_exempt)
		return true;
	lock_get(&t->lock);
	reason = refusal(t, set, at, now_ms);
	if (reason != NULL) {
		describe(t, set, at, now_ms, why);
		why->reason = reason;
		t->n.throttled++;
	}
	lock_put(&t->lock);
	return reason == NULL;
}

bool sasl_throttle_was_tried(struct sasl_throttle *t, const struct sasl_attempt *at, int64_t now_ms)
{
	bool was_tried;

	lock_get(&t->lock);
	was_tried = find(t, at, SASL_GUESS, now_ms) != NULL;
	lock_put(&t->lock);
	return was_tried;
}

/* ---- what came of it ---- */

/* One more in that scope; NULL when it is not counted. */
static struct sasl_tally_entry *add(struct sasl_throttle *t, const struct sasl_conf *set,
				    const struct sasl_attempt *at, enum sasl_scope scope,
				    int64_t now_ms)
{
	struct sasl_rate r = sasl_throttle_rate(set, scope);
	struct sasl_tally_entry *e;

	if (at->keys[scope] == 0 || r.limit == 0)
		return NULL;
	e = sasl_tally_take(&t->tallies[scope], at->keys[scope],
			    scope < SASL_N_LABELS ? at->labels[scope] : "", now_ms);
	sasl_tally_add(e, r, 1, now_ms);
	return e;
}

/* Rule 2, for an address or network. */
static void add_wait(struct sasl_throttle *t, const struct sasl_conf *set,
		     const struct sasl_attempt *at, enum sasl_scope scope, int64_t now_ms)
{
	struct sasl_tally_entry *e = add(t, set, at, scope, now_ms);
	struct sasl_rate r = sasl_throttle_rate(set, scope);
	int64_t over = sasl_tally_count(e, r, now_ms) - r.limit, ms = FIRST_WAIT_MS;

	if (e == NULL || over < 0)
		return;
	for (int64_t i = 0; i < over && ms < set->max_wait_ms; i++)
		ms *= 2;
	if (over >= r.limit || ms > set->max_wait_ms)
		ms = set->max_wait_ms;
	e->until_ms = now_ms + ms;
}

static void charge(struct sasl_throttle *t, const struct sasl_conf *set,
		   const struct sasl_attempt *at, int64_t now_ms)
{
	struct sasl_known_entry *known = find_known(t, at, now_ms);

	if (known != NULL) {
		known->pace_ms =
			(known->pace_ms > now_ms ? known->pace_ms : now_ms) + KNOWN_PACE_MS;
		return;
	}
	add_wait(t, set, at, SASL_ADDRESS, now_ms);
	add_wait(t, set, at, SASL_NETWORK, now_ms);
	add(t, set, at, SASL_PAIR, now_ms);
	if (count(t, set, at, SASL_PAIR, now_ms) <= PAIR_MAX)
		add(t, set, at, SASL_ACCOUNT, now_ms);
}

void sasl_throttle_failed(struct sasl_throttle *t, const struct sasl_conf *set,
			  const struct sasl_attempt *at, int64_t now_ms, struct sasl_refusal *why)
{
	lock_get(&t->lock);
	if (find(t, at, SASL_GUESS, now_ms) != NULL) {
		t->n.repeated++;
	} else {
		t->n.failed++;
		if (!at->is_exempt)
			charge(t, set, at, now_ms);
	}
	add(t, set, at, SASL_GUESS, now_ms);
	describe(t, set, at, now_ms, why);
	lock_put(&t->lock);
}

/* Rule 5. */
static void refund(struct sasl_throttle *t, const struct sasl_conf *set,
		   const struct sasl_attempt *at, int64_t now_ms)
{
	int64_t n = count(t, set, at, SASL_PAIR, now_ms);

	for (enum sasl_scope scope = 0; scope <= SASL_PAIR && n > 0; scope++) {
		struct sasl_rate r = sasl_throttle_rate(set, scope);
		struct sasl_tally_entry *e = find(t, at, scope, now_ms);

		if (e == NULL || r.limit == 0)
			continue;
		sasl_tally_add(e, r, scope == SASL_ACCOUNT && n > PAIR_MAX ? -PAIR_MAX : -n,
			       now_ms);
	}
}

void sasl_throttle_succeeded(struct sasl_throttle *t, const struct sasl_conf *set,
			     const struct sasl_attempt *at, int64_t now_ms)
{
	lock_get(&t->lock);
	t->n.succeeded++;
	if (!at->is_exempt) {
		refund(t, set, at, now_ms);
		sasl_known_add(&t->known, at->keys[SASL_ACCOUNT], at->keys[SASL_PAIR], now_ms,
			       now_ms + set->known_memory_ms);
	}
	lock_put(&t->lock);
}

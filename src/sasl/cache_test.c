/* SPDX-License-Identifier: MIT */
/* What slow hashes cost: the cache of passwords that are known, the gate. */
#include "sasl/exchange_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* ---- the cache ---- */

static int64_t timed_login(struct sasl_fixture *f, const char *password_z, int want)
{
	struct conn *c = tls_conn();
	struct sasl_identity id;
	struct sasl_refusal why;
	int64_t start_us = sasl_test_now_us();

	assert_int_equal(sasl_login(f->sasl, c, S("alice@example.test"), str_z(password_z), &id,
				    &why),
			 want);
	conn_free_scripted(c);
	return sasl_test_now_us() - start_us;
}

/* Without a gate a slow hash would crash. */
TEST(repeated_login_costs_no_hash)
{
	struct sasl_fixture f;
	struct sasl_gate *gate;
	int64_t quick_us = INT64_MAX;

	fixture_open(&f, PLAIN_SETTINGS);
	timed_login(&f, SASL_TEST_PASSWORD, 0);
	gate = f.sasl->gate;
	f.sasl->gate = NULL;
	for (int i = 0; i < 20; i++) {
		int64_t us = timed_login(&f, SASL_TEST_PASSWORD, 0);

		quick_us = us < quick_us ? us : quick_us;
	}
	f.sasl->gate = gate;
	/* A wrong one is not let in by the cache, nor does it throw out the right one. */
	timed_login(&f, "wrong", -E_AUTH_FAILED);
	f.sasl->gate = NULL;
	timed_login(&f, SASL_TEST_PASSWORD, 0);
	f.sasl->gate = gate;
	sasl_forget(f.sasl, f.alice);
	assert_true(timed_login(&f, SASL_TEST_PASSWORD, 0) > quick_us);
	sasl_fixture_close(&f);
}

/* Only roughly: that the slow hash runs at all for a name that does not exist. */
TEST(unknown_user_costs_a_hash_too)
{
	struct sasl_fixture f;
	struct sasl_identity id;
	struct sasl_refusal why;
	struct conn *c = tls_conn();
	int64_t wrong_us, unknown_us, start_us;

	fixture_open(&f, PLAIN_SETTINGS);
	wrong_us = timed_login(&f, "wrong", -E_AUTH_FAILED);
	start_us = sasl_test_now_us();
	assert_int_equal(sasl_login(f.sasl, c, S("carol@example.test"), S("wrong"), &id, &why),
			 -E_AUTH_FAILED);
	unknown_us = sasl_test_now_us() - start_us;
	assert_true(unknown_us * 4 > wrong_us);
	conn_free_scripted(c);
	sasl_fixture_close(&f);
}

struct crowd {
	struct sasl_fixture *f;
	int n_wrong; /* answers that should not have been */
};

static void *crowd_member(void *arg)
{
	struct crowd *crowd = arg;
	struct conn *c = tls_conn();

	for (int i = 0; i < 6; i++) {
		bool is_right = i % 3 != 0;
		struct sasl_identity id;
		struct sasl_refusal why;
		int rc = sasl_login(crowd->f->sasl, c, S("alice@example.test"),
				    is_right ? S(SASL_TEST_PASSWORD) : S("wrong"), &id, &why);

		if (rc != (is_right ? 0 : -E_AUTH_FAILED))
			__atomic_add_fetch(&crowd->n_wrong, 1, __ATOMIC_RELAXED);
		if (i == 4)
			sasl_forget(crowd->f->sasl, crowd->f->alice);
	}
	conn_free_scripted(c);
	return NULL;
}

TEST(logins_from_many_threads)
{
	pthread_t threads[8];
	struct sasl_fixture f;
	struct crowd crowd = { .f = &f };

	fixture_open(&f, "[auth]\nfailure_delay = 1ms\nmax_address_failures = 1000000\n");
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_member, &crowd), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.n_wrong, 0);
	sasl_fixture_close(&f);
}

TEST(changed_password_is_not_cached)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct store_credential creds[3];
	struct sasl_fixture f;

	fixture_open(&f, PLAIN_SETTINGS);
	timed_login(&f, SASL_TEST_PASSWORD, 0);
	assert_int_equal(sasl_credentials_make(&a, S("new one"), creds, NULL), 0);
	assert_int_equal(store_credentials_set(f.store, f.alice, creds, 3), 0);
	/* Nobody called sasl_forget(). */
	timed_login(&f, SASL_TEST_PASSWORD, -E_AUTH_FAILED);
	timed_login(&f, "new one", 0);
	sasl_fixture_close(&f);
}

TEST(cache_entries)
{
	struct sasl_cache *c = sasl_cache_new();

	sasl_cache_add(c, 1, S("pw"), S("h"), 60000);
	assert_true(sasl_cache_has(c, 1, S("pw"), S("h")));
	assert_false(sasl_cache_has(c, 2, S("pw"), S("h")));
	assert_false(sasl_cache_has(c, 1, S("pwh"), S("")));
	assert_false(sasl_cache_has(c, 1, S("pw"), S("H")));
	sasl_cache_add(c, 1, S("pw2"), S("h2"), 60000);
	assert_false(sasl_cache_has(c, 1, S("pw"), S("h")));
	assert_true(sasl_cache_has(c, 1, S("pw2"), S("h2")));
	sasl_cache_forget(c, 1);
	assert_false(sasl_cache_has(c, 1, S("pw2"), S("h2")));
	sasl_cache_add(c, 1, S("pw"), S("h"), 0);
	assert_false(sasl_cache_has(c, 1, S("pw"), S("h")));
	for (int64_t i = 1; i < 20000; i++)
		sasl_cache_add(c, i, S("pw"), S("h"), 60000);
	assert_true(sasl_cache_has(c, 19999, S("pw"), S("h")));
	assert_false(sasl_cache_has(c, 1, S("pw"), S("h")));
	sasl_cache_free(c);
}

/* ---- the gate ---- */

#define STORM 150
#define MAY_WAIT 96

struct storm {
	struct sasl_gate *gate;
	atomic_int n_checked, n_refused;
};

static void *storm_member(void *arg)
{
	struct storm *s = arg;
	int rc = sasl_gate_enter(s->gate, NULL);

	if (rc == 0)
		sasl_gate_leave(s->gate);
	atomic_fetch_add(rc == -E_BUSY ? &s->n_refused : &s->n_checked, 1);
	return NULL;
}

/* Guesses wait for their turn only up to a number: each that waits holds a thread. */
TEST(gate_lets_only_some_wait)
{
	struct storm s = { .gate = sasl_gate_new(1) };
	pthread_t threads[STORM];

	assert_int_equal(sasl_gate_enter(s.gate, NULL), 0);
	for (size_t i = 0; i < STORM; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, storm_member, &s), 0);
	/* As long as one is inside, those beyond the number are refused at once, and nobody else comes to an end. */
	while (s.n_refused < STORM - MAY_WAIT)
		usleep(1000);
	assert_int_equal(s.n_checked, 0);
	sasl_gate_leave(s.gate);
	for (size_t i = 0; i < STORM; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(s.n_checked, MAY_WAIT);
	assert_int_equal(s.n_refused, STORM - MAY_WAIT);
	sasl_gate_free(s.gate);
}

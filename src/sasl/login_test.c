/* SPDX-License-Identifier: MIT */
/*
 * What refused logins see: throttling through the whole room, the time that answers take, and the
 * places of an account. SCRAM's client is GNU SASL's own.
 */
#include "sasl/sasl_test.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/test.h"
#include "base/text.h"

#define SETTINGS "[auth]\nfailure_delay = 0ms\n"
#define ALICE "alice@example.test"
#define CAROL "carol@example.test" /* is nobody */

static int login(struct sasl_fixture *f, const char *peer_z, const char *user_z,
		 const char *password_z, struct sasl_refusal *why)
{
	struct conn *c = conn_new_scripted(S(""), 0, true, peer_z);
	struct sasl_identity id;
	int rc = sasl_login(f->sasl, c, str_z(user_z), str_z(password_z), &id, why);

	conn_free_scripted(c);
	return rc;
}

/* PLAIN: one message; LOGIN: name first. */
static int exchange(struct sasl_fixture *f, const char *mechanism_z, const char *peer_z,
		    const char *user_z, const char *password_z, struct sasl_refusal *why)
{
	struct conn *c = conn_new_scripted(S(""), 0, true, peer_z);
	AUTO(buf_fini) struct buf text = BUF_INIT(1024);
	AUTO(buf_fini) struct buf b64 = BUF_INIT(1024);
	AUTO(buf_fini) struct buf out = BUF_INIT(1024);
	struct sasl_exchange *x = NULL;
	struct sasl_identity id;
	int rc;

	assert_int_equal(sasl_exchange_new(f->sasl, c, "imap", str_z(mechanism_z), &x), 0);
	if (strcmp(mechanism_z, "LOGIN") == 0) {
		text_b64_encode(&b64, str_z(user_z));
		assert_int_equal(sasl_exchange_step(x, buf_str(&b64), &out, &id), 1);
		buf_add(&text, str_z(password_z));
	} else {
		buf_printf(&text, "%c%s%c%s", 0, user_z, 0, password_z);
	}
	buf_reset(&b64);
	text_b64_encode(&b64, buf_str(&text));
	rc = sasl_exchange_step(x, buf_str(&b64), &out, &id);
	*why = *sasl_exchange_refusal(x);
	sasl_exchange_free(x);
	conn_free_scripted(c);
	return rc;
}

static int no_callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	(void)gsasl, (void)session, (void)property;
	return GSASL_NO_CALLBACK;
}

static int scram_steps; /* messages that the server took the last time */

/* ret_us: what the server needed in all. */
static int scram(struct sasl_fixture *f, const char *mechanism_z, const char *peer_z,
		 const char *user_z, const char *password_z, struct sasl_refusal *why,
		 int64_t *ret_us)
{
	struct conn *c = conn_new_scripted(S(""), 0, true, peer_z);
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);
	struct sasl_exchange *x = NULL;
	struct sasl_identity id;
	Gsasl *gsasl = NULL;
	Gsasl_session *client = NULL;
	char *text_z = NULL;
	int rc = 1;

	assert_int_equal(gsasl_init(&gsasl), GSASL_OK);
	gsasl_callback_set(gsasl, no_callback);
	assert_int_equal(gsasl_client_start(gsasl, mechanism_z, &client), GSASL_OK);
	gsasl_property_set(client, GSASL_AUTHID, user_z);
	gsasl_property_set(client, GSASL_PASSWORD, password_z);
	assert_int_equal(sasl_exchange_new(f->sasl, c, "imap", str_z(mechanism_z), &x), 0);
	assert_int_equal(gsasl_step64(client, "", &text_z), GSASL_NEEDS_MORE);
	*ret_us = 0;
	scram_steps = 0;
	while (rc == 1) {
		int64_t start_us = sasl_test_now_us();

		scram_steps++;
		rc = sasl_exchange_step(x, str_z(text_z), &out, &id);
		*ret_us += sasl_test_now_us() - start_us;
		gsasl_free(text_z);
		text_z = NULL;
		if (rc == 1)
			assert_int_equal(gsasl_step64(client, buf_z(&out), &text_z),
					 GSASL_NEEDS_MORE);
	}
	*why = *sasl_exchange_refusal(x);
	gsasl_free(text_z);
	gsasl_finish(client);
	gsasl_done(gsasl);
	sasl_exchange_free(x);
	conn_free_scripted(c);
	return rc;
}

/* ---- the throttle ---- */

/* Without a gate a slow hash would crash: what is refused or known to be wrong computes none. */
TEST(throttled_logins_compute_no_hash)
{
	struct sasl_fixture f;
	struct sasl_refusal why;
	struct sasl_gate *gate;
	char guess[32];

	sasl_fixture_open(&f, test_dir(), SETTINGS "max_address_failures = 4\n");
	assert_int_equal(login(&f, "192.0.2.9", ALICE, SASL_TEST_PASSWORD, &why), 0);
	for (int i = 0; i < 4; i++) {
		snprintf(guess, sizeof(guess), "wrong %d", i);
		assert_int_equal(login(&f, "192.0.2.1", i % 2 == 0 ? ALICE : CAROL, guess, &why),
				 -E_AUTH_FAILED);
		assert_string_equal(why.reason, i % 2 == 0 ? "wrong-password" : "unknown-user");
		assert_int_equal(why.address_failures, i + 1);
	}
	assert_int_equal(why.wait_s, 10);
	gate = f.sasl->gate;
	f.sasl->gate = NULL;
	assert_int_equal(login(&f, "192.0.2.1", ALICE, SASL_TEST_PASSWORD, &why), -E_THROTTLED);
	assert_string_equal(why.reason, "address");
	assert_int_equal(exchange(&f, "PLAIN", "192.0.2.1", CAROL, "x", &why), -E_THROTTLED);
	assert_int_equal(exchange(&f, "LOGIN", "192.0.2.1", ALICE, "x", &why), -E_THROTTLED);
	assert_int_equal(login(&f, "192.0.2.2", ALICE, "wrong 0", &why), -E_AUTH_FAILED);
	assert_string_equal(why.reason, "wrong-password-again");
	assert_int_equal(login(&f, "192.0.2.2", CAROL, "wrong 1", &why), -E_AUTH_FAILED);
	assert_string_equal(why.reason, "unknown-user");
	assert_int_equal(why.address_failures, 0);
	f.sasl->gate = gate;
	assert_int_equal(login(&f, "192.0.2.9", ALICE, SASL_TEST_PASSWORD, &why), 0);
	sasl_fixture_close(&f);
}

struct guesser {
	struct sasl_fixture *f;
	char password[16];
	int rc;
};

static void *guesser_main(void *arg)
{
	struct guesser *g = arg;
	struct sasl_refusal why;

	g->rc = login(g->f, "192.0.2.1", ALICE, g->password, &why);
	return NULL;
}

/* Guesses that wait for the slow hash together are not all computed. */
TEST(throttled_guesses_in_parallel)
{
	struct guesser g[24];
	pthread_t threads[ARRAY_LEN(g)];
	struct sasl_fixture f;
	int n_failed = 0;

	sasl_fixture_open(&f, test_dir(), SETTINGS "max_address_failures = 4\n");
	sasl_gate_free(f.sasl->gate);
	f.sasl->gate = sasl_gate_new(1);
	for (size_t i = 0; i < ARRAY_LEN(g); i++) {
		g[i].f = &f;
		snprintf(g[i].password, sizeof(g[i].password), "wrong %zu", i);
		assert_int_equal(pthread_create(&threads[i], NULL, guesser_main, &g[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(g); i++) {
		pthread_join(threads[i], NULL);
		n_failed += g[i].rc == -E_AUTH_FAILED;
		assert_true(g[i].rc == -E_AUTH_FAILED || g[i].rc == -E_THROTTLED);
	}
	assert_int_equal(n_failed, 4);
	sasl_fixture_close(&f);
}

/* A wrong password that has become the right one is looked at again. */
TEST(throttled_password_that_becomes_right)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct store_credential creds[3];
	struct sasl_fixture f;
	struct sasl_refusal why;

	sasl_fixture_open(&f, test_dir(), SETTINGS);
	assert_int_equal(login(&f, "192.0.2.1", ALICE, "new one", &why), -E_AUTH_FAILED);
	assert_int_equal(login(&f, "192.0.2.1", CAROL, "new one", &why), -E_AUTH_FAILED);
	assert_int_equal(sasl_credentials_make(&a, S("new one"), creds, NULL), 0);
	assert_int_equal(store_credentials_set(f.store, f.alice, creds, 3), 0);
	assert_true(sasl_fixture_account(&f, CAROL, creds, 3) > 0);
	assert_int_equal(login(&f, "192.0.2.1", ALICE, "new one", &why), 0);
	assert_int_equal(login(&f, "192.0.2.1", CAROL, "new one", &why), 0);
	sasl_fixture_close(&f);
}

TEST(throttled_scram)
{
	static const char *const mechanisms[] = { "SCRAM-SHA-256", "SCRAM-SHA-1" };
	struct sasl_fixture f;
	struct sasl_refusal why;
	int64_t us;

	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
		const char *m = mechanisms[i];

		test_row(m);
		sasl_fixture_open(&f, test_dir(), SETTINGS "max_address_failures = 4\n");
		assert_int_equal(scram(&f, m, "192.0.2.9", ALICE, SASL_TEST_PASSWORD, &why, &us),
				 0);
		for (int k = 0; k < 4; k++) {
			assert_int_equal(scram(&f, m, "192.0.2.1", k % 2 ? CAROL : ALICE, "same",
					       &why, &us),
					 -E_AUTH_FAILED);
			assert_string_equal(why.reason, k % 2 ? "unknown-user" : "wrong-proof");
			assert_int_equal(why.address_failures, k + 1);
			assert_int_equal(why.account_failures, k / 2 + 1);
		}
		assert_int_equal(scram(&f, m, "192.0.2.1", ALICE, SASL_TEST_PASSWORD, &why, &us),
				 -E_THROTTLED);
		assert_int_equal(scram_steps, 1); /* no challenge */
		/* Not where alice has logged in. */
		for (int k = 0; k < 20; k++)
			assert_int_equal(scram(&f, m, "192.0.2.9", ALICE, "same", &why, &us),
					 -E_AUTH_FAILED);
		assert_int_equal(scram(&f, m, "192.0.2.9", ALICE, SASL_TEST_PASSWORD, &why, &us),
				 0);
		sasl_fixture_close(&f);
	}
}

/* Many exchanges that have a challenge each do not get around the count. */
TEST(throttled_scram_in_parallel)
{
	struct conn *c = conn_new_scripted(S(""), 0, true, "192.0.2.1");
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);
	struct sasl_exchange *x[10] = { NULL };
	struct sasl_identity id;
	struct sasl_fixture f;
	int n_failed = 0;

	sasl_fixture_open(&f, test_dir(), SETTINGS "max_address_failures = 4\n");
	for (size_t i = 0; i < ARRAY_LEN(x); i++) {
		AUTO(buf_fini) struct buf first = BUF_INIT(256);

		assert_int_equal(sasl_exchange_new(f.sasl, c, "imap", S("SCRAM-SHA-256"), &x[i]),
				 0);
		text_b64_encode(&first, S("n,,n=" ALICE ",r=abcdefgh"));
		assert_int_equal(sasl_exchange_step(x[i], buf_str(&first), &out, &id), 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(x); i++) {
		AUTO(buf_fini) struct buf last = BUF_INIT(256);
		int rc;

		text_b64_encode(&last, S("c=biws,r=abcdefgh,p=AAAA"));
		rc = sasl_exchange_step(x[i], buf_str(&last), &out, &id);
		assert_int_equal(rc, i < 4 ? -E_AUTH_FAILED : -E_THROTTLED);
		n_failed += rc == -E_AUTH_FAILED;
		sasl_exchange_free(x[i]);
	}
	assert_int_equal(n_failed, 4);
	conn_free_scripted(c);
	sasl_fixture_close(&f);
}

/* Nonsense counts for the address; what was cancelled, or is an own name's business, does not. */
TEST(throttled_reasons)
{
	static const struct {
		const char *mechanism;
		struct str message;
		int want;
		const char *reason;
		int failures;
	} rows[] = {
		{ "PLAIN", STR_INIT("alice"), -E_AUTH_FAILED, "malformed", 1 },
		{ "PLAIN", STR_INIT("\0" ALICE "\0\x01"), -E_AUTH_FAILED, "malformed", 1 },
		{ "PLAIN", STR_INIT("bob@example.test\0" ALICE "\0" SASL_TEST_PASSWORD),
		  -E_AUTH_FAILED, "authorization-id", 0 },
		{ "SCRAM-SHA-256", STR_INIT("n,a=bob@example.test,n=" ALICE ",r=abcdefgh"),
		  -E_AUTH_FAILED, "authorization-id", 1 },
		{ "SCRAM-SHA-256", STR_INIT("what?"), -E_AUTH_FAILED, "malformed", 1 },
	};
	struct sasl_identity id;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf b64 = BUF_INIT(1024);
		AUTO(buf_fini) struct buf out = BUF_INIT(1024);
		struct conn *c = conn_new_scripted(S(""), 0, true, "192.0.2.1");
		struct sasl_exchange *x = NULL;
		struct sasl_fixture f;

		test_row(rows[i].mechanism);
		sasl_fixture_open(&f, test_dir(), SETTINGS);
		text_b64_encode(&b64, rows[i].message);
		assert_int_equal(sasl_exchange_new(f.sasl, c, "imap", str_z(rows[i].mechanism), &x),
				 0);
		assert_int_equal(sasl_exchange_step(x, buf_str(&b64), &out, &id), rows[i].want);
		assert_string_equal(sasl_exchange_refusal(x)->reason, rows[i].reason);
		assert_int_equal(sasl_exchange_refusal(x)->address_failures, rows[i].failures);
		sasl_exchange_free(x);
		conn_free_scripted(c);
		sasl_fixture_close(&f);
	}
}

/* ---- the same time and the same answer, whoever it is ---- */

enum { UNKNOWN, WRONG, DISABLED, N_KINDS };

static const char *const kind_names[N_KINDS] = { CAROL, ALICE, "dave@example.test" };

/* Runs one failing login that way; how long the server took. */
static int64_t time_one(struct sasl_fixture *f, const char *way_z, const char *user_z, int n)
{
	struct sasl_refusal why;
	char password[32];
	int64_t us = sasl_test_now_us();
	int rc;

	snprintf(password, sizeof(password), "wrong %d", n);
	if (str_starts(str_z(way_z), S("SCRAM"))) {
		rc = scram(f, way_z, "192.0.2.1", user_z, password, &why, &us);
	} else {
		rc = strcmp(way_z, "USER/PASS") == 0
			     ? login(f, "192.0.2.1", user_z, password, &why)
			     : exchange(f, way_z, "192.0.2.1", user_z, password, &why);
		us = sasl_test_now_us() - us;
	}
	assert_int_equal(rc, -E_AUTH_FAILED);
	return us;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

struct timing_row {
	const char *way;
	int tries;
	double ratio; /* of medians, that is still taken for the same */
};
static const struct timing_row timing_rows[] = {
	{ "USER/PASS", 15, 1.5 },   { "PLAIN", 15, 1.5 },     { "LOGIN", 15, 1.5 },
	{ "SCRAM-SHA-256", 60, 2 }, { "SCRAM-SHA-1", 60, 2 },
};

/* The largest median by the smallest. Measured in turns, so that the machine's other work falls on all alike. */
static double compare_medians(struct sasl_fixture *f, const char *way_z, int tries,
			      int64_t ret_us[N_KINDS])
{
	static int n;
	int64_t *us[N_KINDS], low = INT64_MAX, high = 0;

	for (int k = 0; k < N_KINDS; k++)
		us[k] = mem_alloc((size_t)tries, sizeof(us[k][0]));
	for (int t = 0; t < tries; t++)
		for (int k = 0; k < N_KINDS; k++)
			us[k][t] = time_one(f, way_z, kind_names[k], n++);
	for (int k = 0; k < N_KINDS; k++) {
		qsort(us[k], (size_t)tries, sizeof(us[k][0]), by_number);
		ret_us[k] = us[k][tries / 2];
		low = ret_us[k] < low ? ret_us[k] : low;
		high = ret_us[k] > high ? ret_us[k] : high;
		mem_free(us[k]);
	}
	return (double)high / (double)low;
}

/*
 * The slow hash is all but the whole time of the plain ways. A difference that is there shows
 * each time; one that a busy machine has made does not, so there are several rounds.
 * SASL_TIMING_TRIES asks for that many tries, in one round.
 */
TEST(same_time_for_unknown_wrong_and_disabled)
{
	const char *more_z = getenv("SASL_TIMING_TRIES");
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct store_credential creds[3];
	struct sasl_fixture f;
	int64_t us[N_KINDS];

	sasl_fixture_open(&f, test_dir(),
			  SETTINGS "max_address_failures = 0\nmax_account_failures = 0\n");
	assert_int_equal(sasl_credentials_make(&a, S(SASL_TEST_PASSWORD), creds, NULL), 0);
	sasl_fixture_disable(&f, sasl_fixture_account(&f, kind_names[DISABLED], creds, 3));
	for (size_t i = 0; i < ARRAY_LEN(timing_rows); i++) {
		const struct timing_row *row = &timing_rows[i];
		int tries = more_z != NULL ? (int)strtol(more_z, NULL, 10) : row->tries;
		int rounds = more_z != NULL ? 1 : 6;
		double ratio = compare_medians(&f, row->way, tries, us);

		test_row(row->way);
		for (int r = 1; r < rounds && ratio > row->ratio; r++)
			ratio = compare_medians(&f, row->way, tries, us);
		if (more_z != NULL)
			printf("%-14s median us: unknown %lld, wrong %lld, disabled %lld\n",
			       row->way, (long long)us[UNKNOWN], (long long)us[WRONG],
			       (long long)us[DISABLED]);
		assert_true(ratio <= row->ratio);
	}
	sasl_fixture_close(&f);
}

/* ---- places ---- */

TEST(seats)
{
	struct sasl_seat seats[4] = { 0 }, other = { 0 };
	struct sasl_counts n;
	struct sasl_fixture f;
	struct fault fault;
	int64_t id;

	sasl_fixture_open(&f, test_dir(), "[auth]\nmax_connections_per_account = 3\n");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(sasl_seat_take(f.sasl, f.alice, 1, &seats[i]), 0);
	assert_int_equal(sasl_seat_take(f.sasl, f.alice, 1, &seats[3]), -E_LIMIT);
	assert_null(seats[3].sasl);
	sasl_seat_give(&seats[3]); /* what was not taken is not given */
	assert_int_equal(sasl_seat_take(f.sasl, f.alice, 1, &seats[3]), -E_LIMIT);
	assert_int_equal(sasl_seat_take(f.sasl, f.bob, 2, &other), 0);
	sasl_counts(f.sasl, &n);
	assert_int_equal(n.logged_in, 4);
	sasl_seat_give(&seats[0]);
	sasl_seat_give(&seats[0]); /* once only */
	assert_int_equal(sasl_seat_take(f.sasl, f.alice, 1, &seats[3]), 0);
	assert_int_equal(sasl_seat_take(f.sasl, f.alice, 1, &seats[0]), -E_LIMIT);
	for (size_t i = 0; i < ARRAY_LEN(seats); i++)
		sasl_seat_give(&seats[i]);
	sasl_seat_give(&other);
	/* It was disabled while its password was looked at. */
	assert_int_equal(store_account_enable(f.store, S("bob@example.test"), false, &id, &fault), 0);
	assert_int_equal(id, f.bob);
	assert_int_equal(sasl_seat_take(f.sasl, f.bob, 2, &other), -E_AUTH_FAILED);
	assert_null(other.sasl);
	assert_int_equal(store_account_enable(f.store, S("bob@example.test"), true, &id, &fault), 0);
	assert_int_equal(sasl_seat_take(f.sasl, f.bob, 2, &other), 0);
	sasl_seat_give(&other);
	assert_int_equal(sasl_seat_take(f.sasl, f.bob + 1024, 2, &other), -E_AUTH_FAILED);
	sasl_counts(f.sasl, &n);
	assert_int_equal(n.logged_in, 0);
	sasl_fixture_close(&f);
}

static void *seat_taker(void *arg)
{
	struct sasl_fixture *f = arg;

	for (int i = 0; i < 2000; i++) {
		struct sasl_seat seat = { 0 };

		if (sasl_seat_take(f->sasl, i % 2 == 0 ? f->alice : f->bob, 3, &seat) == 0)
			sasl_seat_give(&seat);
	}
	return NULL;
}

TEST(seats_from_many_threads)
{
	pthread_t threads[6];
	struct sasl_counts n;
	struct sasl_fixture f;

	sasl_fixture_open(&f, test_dir(), "[auth]\nmax_connections_per_account = 2\n");
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, seat_taker, &f), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	sasl_counts(f.sasl, &n);
	assert_int_equal(n.logged_in, 0);
	sasl_fixture_close(&f);
}

/* ---- what operators see ---- */

TEST(throttled_list_and_forget)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct sasl_throttled *v;
	struct sasl_refusal why;
	struct sasl_counts c;
	struct sasl_fixture f;
	size_t n;

	sasl_fixture_open(&f, test_dir(),
			  SETTINGS "max_address_failures = 2\nmax_account_failures = 3\n");
	assert_int_equal(login(&f, "192.0.2.1", "Carol@example.test", "a", &why), -E_AUTH_FAILED);
	assert_int_equal(login(&f, "192.0.2.1", CAROL, "b", &why), -E_AUTH_FAILED);
	assert_int_equal(login(&f, "192.0.2.1", CAROL, "c", &why), -E_THROTTLED);
	assert_int_equal(login(&f, "2001:db8:1:2::3", CAROL, "d", &why), -E_AUTH_FAILED);
	assert_int_equal(sasl_throttled_list(f.sasl, &a, &v, &n), 0);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		bool is_account = strcmp(v[i].scope_z, "account") == 0;
		bool is_v4 = str_eq(v[i].name, S("192.0.2.1"));

		assert_true(is_account || is_v4 || str_eq(v[i].name, S("2001:db8:1:2::/64")) ||
			    str_eq(v[i].name, S("2001:db8:1::/48")));
		if (is_account)
			assert_str_eq(v[i].name, S(CAROL));
		assert_int_equal(v[i].failures, is_account ? 3 : is_v4 ? 2 : 1);
		assert_int_equal(v[i].is_limited, is_account || is_v4);
		assert_int_equal(v[i].wait_s > 0, is_v4);
	}
	sasl_counts(f.sasl, &c);
	assert_int_equal(c.failed, 3);
	assert_int_equal(c.throttled, 1);
	assert_int_equal(c.addresses_refused, 1);
	assert_int_equal(c.accounts_attacked, 1);
	assert_int_equal(sasl_throttled_forget(f.sasl, S("192.0.2.2")), -E_NOT_FOUND);
	assert_int_equal(sasl_throttled_forget(f.sasl, S("192.0.2.1")), 0);
	assert_int_equal(sasl_throttled_forget(f.sasl, S("192.0.2.1")), -E_NOT_FOUND);
	assert_int_equal(login(&f, "192.0.2.1", ALICE, "c", &why), -E_AUTH_FAILED);
	assert_int_equal(login(&f, "192.0.2.1", CAROL, "c", &why), -E_THROTTLED);
	assert_string_equal(why.reason, "account");
	assert_int_equal(sasl_throttled_forget(f.sasl, S("Carol@Example.test")), 0);
	assert_int_equal(login(&f, "192.0.2.7", CAROL, "c", &why), -E_AUTH_FAILED);
	sasl_fixture_close(&f);
}

TEST(throttle_settings)
{
	static const struct conf_table *const tables[] = { &sasl_conf_table };
	struct conf *conf = NULL;
	struct fault fault;

	assert_int_equal(conf_parse(tables, 1, "t",
				    S("[auth]\nthrottle_exempt = 192.0.2.0/24 2001:db8::/32\n"),
				    &conf, &fault),
			 0);
	conf_unref(conf);
	assert_int_equal(conf_parse(tables, 1, "t", S("[auth]\nthrottle_exempt = 10.0.0.0/33\n"),
				    &conf, &fault),
			 -E_USAGE);
	assert_non_null(strstr(fault.text, "10.0.0.0/33"));
}

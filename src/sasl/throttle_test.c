/* SPDX-License-Identifier: MIT */
/* The rules of throttle.c, with a clock that the tests move. */
#include "sasl/sasl_int.h"

#include "base/limits.h"
#include "base/test.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define RIGHT "right"

static const char *const loopback[] = { "127.0.0.0/8", "::1" };

struct lab {
	struct sasl_throttle *t;
	struct sasl_conf set;
	int64_t now_ms;
	int n; /* makes wrong passwords differ */
	struct sasl_refusal why;
};

/* As the settings are by default. */
static void lab_open(struct lab *l)
{
	*l = (struct lab){ .t = sasl_throttle_new(), .now_ms = 1000000 };
	l->set = (struct sasl_conf){
		.max_address_failures = 10,
		.max_account_failures = 50,
		.failure_memory_ms = 6 * HOUR,
		.max_wait_ms = 15 * MINUTE,
		.known_memory_ms = 24ll * 30 * HOUR,
		.throttle_exempt = { loopback, ARRAY_LEN(loopback) },
	};
}

static void lab_close(struct lab *l)
{
	sasl_throttle_free(l->t);
}

/* One login as login.c does it: 0, -E_AUTH_FAILED or -E_THROTTLED. password NULL: a SCRAM proof. */
static int try(struct lab *l, const char *peer_z, const char *account_z, const char *password_z)
{
	struct str password = str_z(password_z);
	struct sasl_attempt at;

	l->why = (struct sasl_refusal)SASL_REFUSAL_INIT;
	sasl_attempt_make(l->t, &l->set, str_z(peer_z), str_z(account_z), &at);
	if (password_z != NULL)
		sasl_attempt_guess(l->t, &at, S("$y$hash"), password);
	if (!sasl_throttle_allow(l->t, &l->set, &at, l->now_ms, &l->why))
		return -E_THROTTLED;
	if (str_eq(password, S(RIGHT))) {
		sasl_throttle_succeeded(l->t, &l->set, &at, l->now_ms);
		return 0;
	}
	sasl_throttle_failed(l->t, &l->set, &at, l->now_ms, &l->why);
	return -E_AUTH_FAILED;
}

/* A password that was not tried before. */
static int guess(struct lab *l, const char *peer_z, const char *account_z)
{
	char password[32];

	snprintf(password, sizeof(password), "wrong %d", l->n++);
	return try(l, peer_z, account_z, password);
}

/* Guesses until refused; how many were taken. */
static int guess_all(struct lab *l, const char *peer_z, const char *account_z, int max)
{
	int n = 0;

	while (n < max && guess(l, peer_z, account_z) == -E_AUTH_FAILED)
		n++;
	return n;
}

static const char *address(int i, char out[32])
{
	snprintf(out, 32, "10.%d.%d.%d", i >> 16 & 255, i >> 8 & 255, i & 255);
	return out;
}

/* Enough failures from enough addresses, beginning with number first, to put it under attack. */
static int attack(struct lab *l, const char *account_z, int first)
{
	char peer[32];
	int i = first;

	do {
		guess(l, address(i, peer), account_z);
		guess(l, address(i++, peer), account_z);
	} while (l->why.account_failures < l->set.max_account_failures && i < first + 1000);
	assert_true(i < first + 1000);
	return i;
}

TEST(throttle_address_waits_longer_each_time)
{
	struct lab l;
	int64_t wait_ms = 10 * SECOND;

	lab_open(&l);
	assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 100), 10);
	assert_string_equal(l.why.reason, "address");
	assert_int_equal(l.why.address_failures, 10);
	assert_int_equal(l.why.wait_s, 10);
	for (int i = 0; i < 50; i++) {
		/* Not the right one either, and not for another account. */
		l.now_ms += wait_ms - 1;
		assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), -E_THROTTLED);
		assert_int_equal(guess(&l, "192.0.2.1", "bob@example.test"), -E_THROTTLED);
		assert_int_equal(guess(&l, "192.0.2.2", "bob@example.test"), -E_AUTH_FAILED);
		l.now_ms++;
		assert_int_equal(guess(&l, "192.0.2.1", "alice@example.test"), -E_AUTH_FAILED);
		wait_ms = wait_ms * 2 < 15 * MINUTE ? wait_ms * 2 : 15 * MINUTE;
	}
	/* Forgotten: twice the memory at most, as the count goes no higher than twice the limit. */
	l.now_ms += 12 * HOUR;
	assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 100), 10);
	lab_close(&l);
}

/* A strict limit is no weaker: the count stops at twice the limit, the wait does not stop with it. */
TEST(throttle_small_limits_wait_as_long)
{
	for (int limit = 1; limit <= 12; limit++) {
		struct lab l;

		lab_open(&l);
		l.set.max_address_failures = limit;
		l.set.max_wait_ms = 24ll * HOUR;
		l.set.failure_memory_ms = 7 * 24ll * HOUR;
		assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 100), limit);
		assert_int_equal(l.why.wait_s, 10);
		for (int i = 0; i < limit; i++) {
			l.now_ms += l.why.wait_s * SECOND;
			assert_int_equal(guess(&l, "192.0.2.1", "alice@example.test"),
					 -E_AUTH_FAILED);
		}
		assert_int_equal(l.why.wait_s, 24ll * HOUR / SECOND);
		lab_close(&l);
	}
}

TEST(throttle_failures_are_forgiven_one_by_one)
{
	struct lab l;

	lab_open(&l);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(guess(&l, "192.0.2.1", "alice@example.test"), -E_AUTH_FAILED);
		l.now_ms += 6 * HOUR / 10;
	}
	lab_close(&l);
}

/* Rule 1: a telephone that has the old password, wherever it is. */
TEST(throttle_same_wrong_password_counts_once)
{
	struct lab l;
	char peer[32];

	lab_open(&l);
	for (int i = 0; i < 1000; i++) {
		l.now_ms += MINUTE;
		assert_int_equal(try(&l, address(i % 50, peer), "alice@example.test", "old"),
				 -E_AUTH_FAILED);
		assert_true(l.why.account_failures <= 1 && l.why.address_failures <= 1);
	}
	assert_int_equal(try(&l, peer, "alice@example.test", RIGHT), 0);
	/* It is another guess at another account. */
	assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", "old"), -E_AUTH_FAILED);
	assert_int_equal(l.why.address_failures, 0);
	assert_int_equal(try(&l, "192.0.2.1", "bob@example.test", "old"), -E_AUTH_FAILED);
	assert_int_equal(l.why.address_failures, 1);
	assert_int_equal(l.t->n.repeated, 1000);
	assert_int_equal(l.t->n.failed, 2);
	lab_close(&l);
}

/* SCRAM shows nothing of the password: each counts for the address, but few for the account. */
TEST(throttle_one_address_does_not_make_an_attack)
{
	struct lab l;

	lab_open(&l);
	for (int i = 0; i < 2000; i++) {
		l.now_ms += 5 * MINUTE;
		(void)try(&l, "192.0.2.1", "alice@example.test", NULL);
		assert_in_range(l.why.account_failures, 0, 6);
	}
	assert_true(l.t->n.throttled > 500);
	assert_int_equal(try(&l, "192.0.2.2", "alice@example.test", RIGHT), 0);
	l.set.max_address_failures = 0;
	for (int i = 0; i < 2000; i++) {
		l.now_ms += MINUTE;
		assert_int_equal(try(&l, "192.0.2.3", "alice@example.test", NULL), -E_AUTH_FAILED);
		assert_in_range(l.why.account_failures, 0, 6);
	}
	lab_close(&l);
}

/* Rule 3. */
TEST(throttle_account_under_attack)
{
	struct lab l;
	int next;
	char peer[32];

	lab_open(&l);
	assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
	next = attack(&l, "alice@example.test", 0);
	assert_in_range(next, 10, 30);
	/* Who has failed is out, for this account. */
	assert_int_equal(guess(&l, address(0, peer), "alice@example.test"), -E_THROTTLED);
	assert_string_equal(l.why.reason, "account");
	assert_int_equal(guess(&l, address(0, peer), "bob@example.test"), -E_AUTH_FAILED);
	/* New ones get a turn now and then. */
	assert_int_equal(guess(&l, address(next++, peer), "alice@example.test"), -E_AUTH_FAILED);
	assert_int_equal(guess(&l, address(next++, peer), "alice@example.test"), -E_THROTTLED);
	l.now_ms += 4999;
	assert_int_equal(try(&l, address(next, peer), "alice@example.test", RIGHT), -E_THROTTLED);
	l.now_ms += 1;
	assert_int_equal(try(&l, address(next, peer), "alice@example.test", RIGHT), 0);
	/* Known ones come in at any time. */
	for (int i = 0; i < 100; i++) {
		(void)guess(&l, address(next + 1 + i, peer), "alice@example.test");
		assert_int_equal(try(&l, address(next, peer), "alice@example.test", RIGHT), 0);
		assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
		assert_int_equal(guess(&l, "192.0.2.1", "alice@example.test"), -E_AUTH_FAILED);
	}
	/* The others are as free as before; and it ends. */
	assert_int_equal(try(&l, "198.51.100.1", "bob@example.test", RIGHT), 0);
	l.now_ms += 12 * HOUR;
	assert_int_equal(guess(&l, "198.51.100.1", "alice@example.test"), -E_AUTH_FAILED);
	assert_int_equal(guess(&l, "198.51.100.1", "alice@example.test"), -E_AUTH_FAILED);
	lab_close(&l);
}

/* However many addresses: one turn each five seconds. */
TEST(throttle_attack_goes_at_the_pace_of_turns)
{
	struct lab l;
	int next, taken = 0;
	char peer[32];

	lab_open(&l);
	next = attack(&l, "alice@example.test", 0);
	for (int i = 0; i < 3600; i++) {
		l.now_ms += SECOND;
		for (int k = 0; k < 3; k++)
			taken += guess(&l, address(next++, peer), "alice@example.test") ==
				 -E_AUTH_FAILED;
	}
	assert_in_range(taken, 700, 721);
	lab_close(&l);
}

/* An attempt of several steps asks several times and takes one turn. */
TEST(throttle_turn_lasts_for_the_attempt)
{
	struct sasl_attempt at, other;
	struct lab l;

	lab_open(&l);
	attack(&l, "alice@example.test", 0);
	sasl_attempt_make(l.t, &l.set, S("192.0.2.1"), S("alice@example.test"), &at);
	sasl_attempt_make(l.t, &l.set, S("192.0.2.2"), S("alice@example.test"), &other);
	assert_true(sasl_throttle_allow(l.t, &l.set, &at, l.now_ms, &l.why));
	assert_false(sasl_throttle_allow(l.t, &l.set, &other, l.now_ms, &l.why));
	assert_true(sasl_throttle_allow(l.t, &l.set, &at, l.now_ms + 1, &l.why));
	lab_close(&l);
}

/* Rule 4: the owner's own network, with an old telephone in it, or a neighbour. */
TEST(throttle_known_address)
{
	struct lab l;
	int n = 0;

	lab_open(&l);
	assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
	assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 250), 250);
	assert_int_equal(l.why.address_failures, 0);
	assert_int_equal(l.why.account_failures, 0);
	assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
	/* For others the address is like any. */
	assert_int_equal(guess_all(&l, "192.0.2.1", "bob@example.test", 100), 10);
	assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
	/* There is an end to guessing, but not to coming in. */
	assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 1000), 300);
	assert_string_equal(l.why.reason, "pace");
	for (int i = 0; i < 1000; i++) {
		l.now_ms += SECOND;
		n += guess(&l, "192.0.2.1", "alice@example.test") == -E_AUTH_FAILED;
	}
	assert_in_range(n, 99, 101);
	l.now_ms += 10 * SECOND;
	assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
	assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 1000), 300);
	/* In the end it is a stranger again. */
	l.now_ms += 31ll * 24 * HOUR;
	assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 1000), 10);
	lab_close(&l);
}

/* A telephone with the old password at home, that speaks SCRAM, for a week. */
TEST(throttle_known_address_with_a_stale_client)
{
	struct lab l;

	lab_open(&l);
	assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
	for (int i = 0; i < 7 * 24 * 60; i++) {
		l.now_ms += MINUTE;
		assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", NULL), -E_AUTH_FAILED);
	}
	assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
	assert_int_equal(try(&l, "192.0.2.1", "bob@example.test", RIGHT), 0);
	lab_close(&l);
}

/* Rule 5. */
TEST(throttle_success_takes_back_its_own_failures)
{
	struct lab l;

	lab_open(&l);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 9), 9);
		assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
		l.now_ms += 31ll * 24 * HOUR; /* so that it is not known any more */
	}
	/* No more than they have cost the account, whatever they have cost the address. */
	for (int i = 0; i < 5; i++)
		assert_int_equal(guess(&l, "192.0.2.3", "alice@example.test"), -E_AUTH_FAILED);
	assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 9), 9);
	assert_int_equal(l.why.account_failures, 10);
	assert_int_equal(try(&l, "192.0.2.1", "alice@example.test", RIGHT), 0);
	assert_int_equal(guess(&l, "192.0.2.4", "alice@example.test"), -E_AUTH_FAILED);
	assert_int_equal(l.why.account_failures, 6);
	l.now_ms += 31ll * 24 * HOUR;
	/* An account of one's own does not help. */
	assert_int_equal(guess_all(&l, "192.0.2.2", "alice@example.test", 6), 6);
	assert_int_equal(guess_all(&l, "192.0.2.2", "bob@example.test", 3), 3);
	assert_int_equal(l.why.address_failures, 9);
	assert_int_equal(try(&l, "192.0.2.2", "bob@example.test", RIGHT), 0);
	assert_int_equal(guess(&l, "192.0.2.2", "alice@example.test"), -E_AUTH_FAILED);
	assert_int_equal(l.why.address_failures, 7);
	assert_int_equal(guess_all(&l, "192.0.2.2", "alice@example.test", 100), 3);
	assert_int_equal(try(&l, "192.0.2.2", "bob@example.test", RIGHT), 0);
	assert_int_equal(guess(&l, "192.0.2.2", "alice@example.test"), -E_THROTTLED);
	lab_close(&l);
}

TEST(throttle_ipv6_counts_by_64_and_48)
{
	struct lab l;
	char peer[64];
	int n = 0;

	lab_open(&l);
	for (int i = 0; i < 10; i++) {
		snprintf(peer, sizeof(peer), "2001:db8:1:2::%x", i + 1);
		assert_int_equal(guess(&l, peer, "alice@example.test"), -E_AUTH_FAILED);
	}
	assert_int_equal(guess(&l, "2001:db8:1:2:ffff::1", "alice@example.test"), -E_THROTTLED);
	assert_int_equal(guess(&l, "2001:db8:1:3::1", "bob@example.test"), -E_AUTH_FAILED);
	for (int i = 16; i < 200; i++) {
		char account[32];

		snprintf(peer, sizeof(peer), "2001:db8:1:%x::1", i);
		snprintf(account, sizeof(account), "%d@example.test", i);
		n += guess(&l, peer, account) == -E_AUTH_FAILED;
	}
	assert_int_equal(n, 80 - 11);
	assert_string_equal(l.why.reason, "network");
	assert_int_equal(guess(&l, "2001:db8:2::1", "bob@example.test"), -E_AUTH_FAILED);
	lab_close(&l);
}

struct exempt_row {
	const char *peer;
	bool is_exempt;
};
static const struct exempt_row exempt_rows[] = {
	{ "127.0.0.1", true },
	{ "127.200.0.9", true },
	{ "::1", true },
	{ "unix", true },
	{ "", true },
	{ "128.0.0.1", false },
	{ "::2", false },
	{ "192.0.2.1", false },
	{ "::", false },
	{ "fe80::1", false },
	{ "126.255.255.255", false },
};

TEST(throttle_exempt)
{
	for (size_t i = 0; i < ARRAY_LEN(exempt_rows); i++) {
		const struct exempt_row *row = &exempt_rows[i];
		struct lab l;

		test_row(row->peer);
		lab_open(&l);
		assert_int_equal(guess_all(&l, row->peer, "alice@example.test", 1000),
				 row->is_exempt ? 1000 : 10);
		/* Nor does it put the account under attack. */
		assert_int_equal(try(&l, "198.51.100.1", "alice@example.test", RIGHT), 0);
		lab_close(&l);
	}
}

TEST(throttle_switched_off)
{
	struct lab l;
	char peer[32];

	lab_open(&l);
	l.set.max_address_failures = 0;
	assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 1000), 1000);
	l.set.max_account_failures = 0;
	for (int i = 0; i < 200; i++)
		assert_int_equal(guess(&l, address(i, peer), "alice@example.test"), -E_AUTH_FAILED);
	l.set.max_account_failures = 50;
	attack(&l, "alice@example.test", 1000);
	l.set.max_account_failures = 0;
	assert_int_equal(guess(&l, "192.0.2.1", "alice@example.test"), -E_AUTH_FAILED);
	l.set.known_memory_ms = 0;
	l.set.max_address_failures = 10;
	assert_int_equal(try(&l, "192.0.2.9", "alice@example.test", RIGHT), 0);
	assert_int_equal(guess_all(&l, "192.0.2.9", "alice@example.test", 1000), 10);
	lab_close(&l);
}

/* A flood of others does not push out who has done most, and the memory stays what it is. */
TEST(throttle_tables_under_a_flood)
{
	struct lab l;
	char peer[32], account[64];

	lab_open(&l);
	assert_int_equal(guess_all(&l, "192.0.2.1", "alice@example.test", 100), 10);
	l.now_ms += 10 * SECOND;
	assert_int_equal(guess(&l, "192.0.2.1", "alice@example.test"), -E_AUTH_FAILED);
	assert_int_equal(try(&l, "192.0.2.3", "bob@example.test", RIGHT), 0);
	for (int i = 0; i < 5 * LIMIT_AUTH_ADDRESSES; i++) {
		snprintf(account, sizeof(account), "%d@example.test", i);
		(void)guess(&l, address(i, peer), account);
		(void)guess(&l, address(i, peer), account);
	}
	assert_int_equal(guess(&l, "192.0.2.1", "alice@example.test"), -E_THROTTLED);
	assert_int_equal(guess_all(&l, "192.0.2.3", "bob@example.test", 100), 100);
	lab_close(&l);
}

/* Nor does an account that logs in from everywhere push out where others have been. */
TEST(throttle_known_addresses_are_shared_fairly)
{
	struct lab l;
	char peer[32], account[64];
	int n_known = 0;

	lab_open(&l);
	for (int i = 0; i < 2000; i++) {
		snprintf(account, sizeof(account), "%d@example.test", i);
		assert_int_equal(try(&l, "192.0.2.1", account, RIGHT), 0);
	}
	for (int i = 0; i < 100000; i++, l.now_ms++)
		assert_int_equal(try(&l, address(i, peer), "eve@example.test", RIGHT), 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(account, sizeof(account), "%d@example.test", i);
		n_known += guess(&l, "192.0.2.1", account) == -E_AUTH_FAILED &&
			   l.why.address_failures == 0;
	}
	assert_int_equal(n_known, 2000);
	/* Its own newest are there. */
	assert_int_equal(guess(&l, address(99999, peer), "eve@example.test"), -E_AUTH_FAILED);
	assert_int_equal(l.why.address_failures, 0);
	assert_int_equal(guess(&l, address(1, peer), "eve@example.test"), -E_AUTH_FAILED);
	assert_int_equal(l.why.address_failures, 1);
	lab_close(&l);
}

struct network_row {
	const char *text;
	const char *want; /* NULL: no network */
};
static const struct network_row network_rows[] = {
	{ "192.0.2.77/24", "192.0.2.0/24" },
	{ "192.0.2.77", "192.0.2.77" },
	{ "10.1.2.3/8", "10.0.0.0/8" },
	{ "1.2.3.4/0", "0.0.0.0/0" },
	{ "192.0.2.255/31", "192.0.2.254/31" },
	{ "2001:db8:ffff::1/33", "2001:db8:8000::/33" },
	{ "2001:db8::1", "2001:db8::1" },
	{ "::/0", "::/0" },
	{ "192.0.2.0/33", NULL },
	{ "::/129", NULL },
	{ "192.0.2.0/x", NULL },
	{ "192.0.2", NULL },
	{ "localhost", NULL },
	{ "", NULL },
	{ "/8", NULL },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", NULL },
};

TEST(peer_networks)
{
	for (size_t i = 0; i < ARRAY_LEN(network_rows); i++) {
		const struct network_row *row = &network_rows[i];
		char label[SASL_LABEL];
		struct sasl_peer p;
		unsigned bits = 0;

		test_row(row->text);
		assert_int_equal(sasl_network_parse(str_z(row->text), &p, &bits),
				 row->want != NULL);
		if (row->want == NULL)
			continue;
		sasl_peer_print(&p, bits, label);
		assert_string_equal(label, row->want);
	}
}

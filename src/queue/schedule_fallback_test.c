/* SPDX-License-Identifier: MIT */
/* The schedule and fallbacks: what goes there, when, and when no more. */
#include "queue/schedule_test.h"

#define RELAY "[relay.example]:25"
#define WITH_RELAY(more) "[queue]\nlifetime = 2d\n[route \"all\"]\nhost = mx\nfallback = relay\n" \
	"[route \"relay\"]\nonly_fallback = yes\nhost = relay.example\n" more

static void setup_with(struct fixture *x, const char *settings_z)
{
	setup(x);
	x->needs = QUEUE_LEVEL_PLAIN;
	configure(x, settings_z);
	start(x);
}

static void say_at_host(struct fixture *x, char what)
{
	lock_get(&x->lock);
	x->at_host = what;
	lock_put(&x->lock);
}

/* The nth attempt, from 0, is there, and went that way. */
static void assert_went(struct fixture *x, size_t nth, const char *to_z)
{
	wait_seen(x, nth + 1);
	lock_get(&x->lock);
	assert_string_equal(x->seen[nth].to, to_z);
	lock_put(&x->lock);
}

static void restart(struct fixture *x)
{
	queue_sched_stop(&x->sched, 2000);
	start(x);
}

TEST(what_cannot_be_reached_goes_to_the_fallback)
{
	struct fixture x;

	setup_with(&x, WITH_RELAY(""));
	send_to(&x, ALICE, "b1@far.example", 0);
	assert_went(&x, 0, "far.example");
	assert_went(&x, 1, RELAY);
	wait_count(&x, Q_MESSAGES, 0);
	assert_story(&x, "b1@far.example", "Att", "\"fallback_for\":\"far.example\"");
	assert_story(&x, "b1@far.example", "Att", "\"down\":true");
	send_to(&x, ALICE, "b2@far.example", 0); /* it is known to be down */
	assert_went(&x, 2, RELAY);
	wait_count(&x, Q_MESSAGES, 0);
	restart(&x);
	send_to(&x, ALICE, "b3@far.example", 0); /* still */
	assert_went(&x, 3, RELAY);
	wait_count(&x, Q_MESSAGES, 0);
	stays_seen(&x, 4);
	assert_int_equal(mails(&x), 0);
	teardown(&x);
}

TEST(the_hosts_themselves_are_tried_again)
{
	struct fixture x;

	setup_with(&x, WITH_RELAY(""));
	send_to(&x, ALICE, "b1@far.example", 0);
	assert_went(&x, 1, RELAY);
	wait_count(&x, Q_MESSAGES, 0);
	pass(&x, 6 * MINUTE_MS);
	wait_count(&x, Q_DESTINATIONS, 0); /* nothing waits, so nobody asks */
	send_to(&x, ALICE, "b2@far.example", 0);
	assert_went(&x, 2, "far.example");
	assert_went(&x, 3, RELAY);
	wait_count(&x, Q_MESSAGES, 0);
	pass(&x, 12 * MINUTE_MS);
	override(&x, SAYS_250);
	send_to(&x, ALICE, "b3@far.example", 0);
	assert_went(&x, 4, "far.example");
	wait_count(&x, Q_MESSAGES, 0);
	send_to(&x, ALICE, "b4@far.example", 0);
	assert_went(&x, 5, "far.example");
	wait_count(&x, Q_MESSAGES, 0);
	stays_seen(&x, 6);
	teardown(&x);
}

TEST(an_answer_is_no_reason_for_it)
{
	struct fixture x;

	setup_with(&x, WITH_RELAY(""));
	send_to(&x, ALICE, "f1@far.example", 0);
	assert_went(&x, 0, "far.example");
	wait_mails(&x, 1);
	send_to(&x, ALICE, "d1@far.example", 0);
	assert_went(&x, 1, "far.example");
	wait_count(&x, Q_TRIED, 1);
	stays_seen(&x, 2);
	pass(&x, 6 * MINUTE_MS);
	assert_went(&x, 2, "far.example");
	stays_seen(&x, 3);
	teardown(&x);
}

/* Refused for now at MAIL: greylisting passes by, what lasts does not. */
TEST(what_is_put_off_for_long_goes_to_the_fallback)
{
	struct fixture x;

	setup_with(&x, WITH_RELAY(""));
	send_to(&x, ALICE, "p1@far.example", 0);
	assert_went(&x, 0, "far.example");
	wait_count(&x, Q_TRIED, 1);
	stays_seen(&x, 1);
	pass(&x, 6 * MINUTE_MS);
	assert_went(&x, 1, "far.example");
	wait_count(&x, Q_TRIED, 2);
	stays_seen(&x, 2);
	pass(&x, 12 * MINUTE_MS);
	assert_went(&x, 2, "far.example");
	assert_went(&x, 3, RELAY);
	wait_count(&x, Q_MESSAGES, 0);
	teardown(&x);
}

/* Without one, and where what the hosts would have had to be is more than the fallback is: as always. */
TEST(what_may_not_go_there_waits)
{
	static const struct {
		const char *name, *settings_z;
		enum queue_level needs;
		bool is_requiretls;
		const char *goes_z; /* to; NULL: nowhere */
	} rows[] = {
		{ "the sender says no", WITH_RELAY(""), QUEUE_LEVEL_UNKNOWN, false, NULL },
		{ "TLS is needed", WITH_RELAY("tls = may\n"), QUEUE_LEVEL_ENCRYPTED, false, NULL },
		{ "TLS is there", WITH_RELAY("tls = encrypt\n"), QUEUE_LEVEL_ENCRYPTED, false, RELAY " tls=encrypt" },
		{ "verified is needed", WITH_RELAY("tls = encrypt\n"), QUEUE_LEVEL_VERIFIED, false, NULL },
		{ "verified is there", WITH_RELAY("tls = verify\n"), QUEUE_LEVEL_VERIFIED, false, RELAY " tls=verify" },
		{ "REQUIRETLS", WITH_RELAY("tls = encrypt\n"), QUEUE_LEVEL_PLAIN, true, NULL },
		{ "REQUIRETLS, verified", WITH_RELAY("tls = implicit\n"), QUEUE_LEVEL_PLAIN, true, RELAY " tls=implicit" },
		{ "no fallback", "[queue]\n[route \"all\"]\nhost = mx\n", QUEUE_LEVEL_PLAIN, false, NULL },
		{ "of other domains", "[queue]\n[route \"a\"]\ndomains = near.example\nhost = mx\nfallback = relay\n"
		  "[route \"relay\"]\nonly_fallback = yes\nhost = relay.example\n", QUEUE_LEVEL_PLAIN, false, NULL },
		{ "of this domain", "[queue]\n[route \"a\"]\ndomains = far.example\nhost = mx\nfallback = relay\n"
		  "[route \"relay\"]\nonly_fallback = yes\nhost = relay.example\n", QUEUE_LEVEL_PLAIN, false, RELAY },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture x;

		test_row(rows[i].name);
		setup_with(&x, rows[i].settings_z);
		x.needs = rows[i].needs;
		x.is_requiretls = rows[i].is_requiretls;
		send_to(&x, ALICE, "b1@far.example", 0);
		assert_went(&x, 0, "far.example");
		if (rows[i].goes_z) {
			assert_went(&x, 1, rows[i].goes_z);
			wait_count(&x, Q_MESSAGES, 0);
		} else {
			wait_count(&x, Q_TRIED, 1);
			stays_seen(&x, 1);
			assert_int_equal(count(&x, Q_MESSAGES), 1);
		}
		teardown(&x);
	}
}

/* What one sender's mail for a domain has to have is not what another's has, though both wait for the same hosts. */
TEST(a_fallback_is_good_enough_for_each_sender)
{
	struct fixture x;

	setup_with(&x, "[queue]\n[route \"strict\"]\nsenders = carol@example.org\nhost = mx\ntls = verify\nfallback = relay\n"
		       "[route \"all\"]\nhost = mx\nfallback = relay\n[route \"relay\"]\nonly_fallback = yes\nhost = relay.example\n");
	send_to(&x, ALICE, "b1@far.example", 0);
	assert_went(&x, 0, "far.example");
	assert_went(&x, 1, RELAY);
	wait_count(&x, Q_MESSAGES, 0);
	send_to(&x, "carol@example.org", "b2@far.example", 0);
	stays_seen(&x, 2);
	send_to(&x, ALICE, "b3@far.example", 0);
	assert_went(&x, 2, RELAY);
	wait_count(&x, Q_MESSAGES, 1);
	pass(&x, 6 * MINUTE_MS);
	assert_went(&x, 3, "far.example");
	teardown(&x);
}

/* What the sender found nobody had looked at is nothing to mail that goes without TLS by the settings; for the others it may be anything. */
TEST(a_fallback_has_mail_that_needs_no_tls)
{
	struct fixture x;

	setup_with(&x, "[queue]\n[route \"open\"]\nsenders = carol@example.org\nhost = mx\ntls = none\nfallback = relay\n"
		       "[route \"all\"]\nhost = mx\nfallback = relay\n[route \"relay\"]\nonly_fallback = yes\nhost = relay.example\n");
	x.needs = QUEUE_LEVEL_VERIFIED;
	send_to(&x, "carol@example.org", "b1@far.example", 0);
	assert_went(&x, 0, "far.example");
	assert_went(&x, 1, RELAY);
	wait_count(&x, Q_MESSAGES, 0);
	send_to(&x, ALICE, "b2@far.example", 0);
	stays_seen(&x, 2);
	assert_int_equal(count(&x, Q_MESSAGES), 1);
	teardown(&x);
}

/* Both are down: the mail waits for whichever is there first, the schedule does not turn for it, and in the end it goes back. */
TEST(a_fallback_that_is_down_is_waited_for)
{
	struct fixture x;
	int64_t before;

	setup_with(&x, WITH_RELAY(""));
	say_at_host(&x, SAYS_DOWN);
	send_to(&x, ALICE, "b1@far.example", 0);
	assert_went(&x, 0, "far.example");
	assert_went(&x, 1, RELAY);
	wait_count(&x, Q_TRIED, 2);
	send_to(&x, ALICE, "b2@far.example", 0);
	stays_seen(&x, 2);
	before = x.sched->n_turns;
	usleep(300000);
	assert_in_range(x.sched->n_turns - before, 0, 20);
	say_at_host(&x, SAYS_250);
	pass(&x, 6 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	say_at_host(&x, SAYS_DOWN);
	send_to(&x, ALICE, "b3@far.example", 0);
	for (int i = 0; i < 60 && count(&x, Q_MESSAGES) > 0; i++) {
		pass(&x, HOUR_MS);
		settle(&x);
		pass(&x, 2 * MINUTE_MS); /* of what is just being tried the age is looked at a little later */
		settle(&x);
	}
	wait_mails(&x, 2); /* it is late; it goes back */
	wait_count(&x, Q_MESSAGES, 0);
	teardown(&x);
}

/* Its refusals of the mail are answers; that it cannot have it is none. */
TEST(what_the_fallback_says)
{
	struct fixture x;

	setup_with(&x, WITH_RELAY(""));
	say_at_host(&x, SAYS_550);
	send_to(&x, ALICE, "b1@far.example", 0);
	wait_mails(&x, 1);
	wait_count(&x, Q_MESSAGES, 0);
	say_at_host(&x, SAYS_CANNOT);
	send_to(&x, ALICE, "b2@far.example", 0);
	assert_went(&x, 2, RELAY);
	wait_count(&x, Q_TRIED, 1);
	assert_story(&x, "b2@far.example", "At", "\"outcome\":\"deferred\",\"enhanced\":\"4.7.30\"");
	override(&x, SAYS_250);
	pass(&x, 12 * MINUTE_MS);
	assert_went(&x, 3, "far.example");
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(mails(&x), 1);
	teardown(&x);
}

/* Its sessions are its own, whosever mail it is: a window for all of them, that grows with what it takes. */
TEST(one_window_for_all_that_comes_to_a_fallback)
{
	struct fixture x;
	unsigned largest = 0;

	setup_with(&x, WITH_RELAY(""));
	say_at_host(&x, SAYS_NOTHING);
	send_to(&x, ALICE, "b1@a.example b2@b.example b3@c.example", 0);
	wait_seen(&x, 4);
	stays_seen(&x, 4); /* each of its own hosts, and one there, until it has shown that it is there */
	say_at_host(&x, 0);
	for (size_t i = 0; i < 4; i++)
		if (str_eq(str_z(x.seen[i].to), S(RELAY)))
			answer_seen(&x, i, SAYS_250);
	wait_count(&x, Q_MESSAGES, 0);
	wait_seen(&x, 6);
	for (size_t i = 0; i < 6; i++)
		largest = x.seen[i].max_sessions > largest ? x.seen[i].max_sessions : largest;
	assert_in_range(largest, 5, 20);
	assert_int_equal(count(&x, Q_RECIPIENTS), 0);
	teardown(&x);
}

/* That its hosts are down, and what a fallback has to be, stands in the row. */
TEST(a_restart_finds_what_was_on_its_way_round)
{
	struct fixture x;

	setup_with(&x, WITH_RELAY(""));
	say_at_host(&x, SAYS_NOTHING);
	send_to(&x, ALICE, "b1@far.example", 0);
	assert_went(&x, 1, RELAY);
	queue_sched_stop(&x.sched, 0); /* without its result, as in a crash */
	say_at_host(&x, 0);
	start(&x);
	assert_went(&x, 2, RELAY);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(mails(&x), 0);
	teardown(&x);
}

/* SPDX-License-Identifier: MIT */
/* When reports are sent, where to, and what becomes of them: RFC 8460 3, 4.1, 5.5. */
#include "queue/schedule_test.h"

#include "queue/tlsrpt_int.h"

/* RFC 8463 A.2: everybody's. */
static const char key_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
			      "-----END PRIVATE KEY-----\n";

#define DAY_S 86400
#define DELAY_MS (4 * HOUR_MS)
#define ON "[tlsrpt]\naddress = tls@we.example\n"
#define SIGNED ON "dkim_selector = s1\ndkim_key_file = x\n"

struct counted {
	const char *domain_z, *rua_z;
};

static int count_tx(struct db_tx *tx, void *arg)
{
	const struct counted *c = arg;
	struct queue_tlsrpt_policy p = { QUEUE_TLSRPT_NONE, str_z(c->domain_z), S("") };
	struct queue_tlsrpt_session s = { .outcome = QUEUE_TLSRPT_NO_STARTTLS, .host = S("mx"), .peer = S("192.0.2.1"), .own = S(""),
					  .reason = S("") };
	const struct queue_tlsrpt_seen seen = { str_z(c->rua_z), &p, 1, &s, 1 };

	return queue_tlsrpt_count_tx(tx, str_z(c->domain_z), &seen, clock_wall_ms() / 1000);
}

/* Today, at some time. */
static void see(struct fixture *x, const char *domain_z, const char *rua_z)
{
	struct counted c = { domain_z, rua_z };

	assert_int_equal(db_write(x->db, &(struct db_write_job){ .fn = count_tx, .arg = &c, .durability = DB_LAZY }), 0);
}

/* The clock of tests goes on only, so each begins with a new day. */
static void next_day(struct fixture *x)
{
	int64_t ms = clock_wall_ms();

	pass(x, DAY_MS - ms % DAY_MS);
}

static void setup_reports(struct fixture *x, const char *settings_z, char says)
{
	setup(x);
	configure(x, settings_z);
	x->override = says;
	next_day(x);
	start(x);
}

/* With one report, which was tried. */
static void setup_tried(struct fixture *x, char says)
{
	setup_reports(x, ON, says);
	see(x, "far.example", "https://a.example/");
	pass(x, DAY_MS + DELAY_MS);
	wait_seen(x, 1);
}

TEST(a_report_is_sent_when_its_day_is_over)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(1024);
	struct fixture x;

	setup_reports(&x, ON, SAYS_250);
	see(&x, "far.example", "https://reports.far.example/v1");
	see(&x, "far.example", "https://reports.far.example/v1");
	pass(&x, DAY_MS - MINUTE_MS);
	stays_seen(&x, 0);
	next_day(&x); /* begins; some time within four hours */
	pass(&x, DELAY_MS + MINUTE_MS);
	wait_seen(&x, 1);
	assert_string_equal(x.seen[0].post, "https://reports.far.example/v1");
	assert_int_equal((unsigned char)x.last[0], 0x1f); /* RFC 1952 2.3.1 */
	assert_int_equal((unsigned char)x.last[1], 0x8b);
	wait_count(&x, Q_RPT_REPORTS, 0);
	assert_int_equal(count(&x, Q_RPT_ROWS), 0);
	assert_int_equal(count(&x, Q_RPT_DAYS), 0);
	pass(&x, DAY_MS);
	stays_seen(&x, 1); /* once */
	teardown(&x);
}

TEST(the_delay_is_random_and_within_four_hours)
{
	struct fixture x;
	size_t n;

	setup_reports(&x, ON, SAYS_250);
	for (int i = 0; i < 40; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%d.example", i);
		see(&x, domain, "https://reports.far.example/v1");
	}
	pass(&x, DAY_MS + 2 * HOUR_MS);
	wait_seen(&x, 5); /* of 40 so few are sooner with a chance of 1 : 10^6 */
	settle(&x);
	n = seen(&x);
	assert_true(n < 36);
	pass(&x, 2 * HOUR_MS);
	wait_seen(&x, 40);
	wait_count(&x, Q_RPT_REPORTS, 0);
	teardown(&x);
}

TEST(a_report_that_fails_goes_again_by_turns_until_a_day_is_over)
{
	struct fixture x;
	size_t n = 1;

	setup_reports(&x, ON, SAYS_450);
	see(&x, "far.example", "https://a.example/ https://b.example/");
	pass(&x, DAY_MS + DELAY_MS);
	wait_seen(&x, 1);
	assert_string_equal(x.seen[0].post, "https://a.example/");
	settle(&x); /* from when it is written down on */
	pass(&x, 4 * MINUTE_MS);
	stays_seen(&x, 1);
	pass(&x, MINUTE_MS + 1000);
	wait_seen(&x, 2);
	assert_string_equal(x.seen[1].post, "https://b.example/");
	/* 10, 20, 40 ... minutes, four hours at most. */
	while (count(&x, Q_RPT_REPORTS) > 0 && n < 40) {
		settle(&x);
		pass(&x, HOUR_MS);
		n++;
	}
	settle(&x);
	assert_int_equal(count(&x, Q_RPT_ROWS), 0);
	assert_true(n >= 19 && n <= 26);
	assert_true(seen(&x) > 6 && seen(&x) < 20);
	teardown(&x);
}

TEST(a_second_try_that_is_taken_ends_it)
{
	struct fixture x;

	setup_tried(&x, SAYS_450);
	settle(&x);
	override(&x, SAYS_250);
	assert_int_equal(count(&x, Q_RPT_REPORTS), 1);
	pass(&x, 6 * MINUTE_MS);
	wait_count(&x, Q_RPT_REPORTS, 0);
	assert_int_equal(seen(&x), 2);
	teardown(&x);
}

/* A packet without a number is the result of no report, and not of one that is over. */
TEST(nonsense_costs_no_try)
{
	struct fixture x;

	setup_tried(&x, SAYS_450);
	settle(&x);
	pass(&x, 4 * MINUTE_MS);
	assert_int_equal(send(x.fds[1], "n", 1, 0), 1);
	stays_seen(&x, 1);
	pass(&x, MINUTE_MS + 1000);
	wait_seen(&x, 2);
	teardown(&x);
}

/* What an attempt does not say the sender forgets, so reports say it too. */
TEST(a_report_tells_of_a_signed_root)
{
	struct fixture x;

	setup_reports(&x, ON, SAYS_250);
	x.is_root_signed = true;
	see(&x, "far.example", "https://a.example/");
	pass(&x, DAY_MS - HOUR_MS);
	send_to(&x, ALICE, "a@other.example", 0);
	wait_count(&x, Q_MESSAGES, 0);
	pass(&x, HOUR_MS + DELAY_MS + MINUTE_MS);
	wait_seen(&x, 2);
	assert_string_equal(x.seen[1].post, "https://a.example/");
	assert_true(x.seen[1].is_root_signed);
	teardown(&x);
}

TEST(a_sender_that_dies_costs_a_try)
{
	struct fixture x;

	setup_tried(&x, SAYS_LOST);
	settle(&x);
	override(&x, SAYS_250);
	assert_int_equal(count(&x, Q_RPT_REPORTS), 1);
	pass(&x, 6 * MINUTE_MS);
	wait_count(&x, Q_RPT_REPORTS, 0);
	teardown(&x);
}

/* Also when the server was not there for long: it is sent when it is there again. */
TEST(a_restart_in_the_middle_sends_it_again)
{
	struct fixture x;

	setup_tried(&x, SAYS_NOTHING);
	queue_sched_stop(&x.sched, 0);
	assert_int_equal(count(&x, Q_RPT_REPORTS), 1);
	clock_shift_ms(5 * DAY_MS);
	override(&x, SAYS_250);
	start(&x);
	wait_count(&x, Q_RPT_REPORTS, 0);
	assert_int_equal(seen(&x), 2);
	teardown(&x);
}

/* More than go at once; none of them is forgotten. */
TEST(many_reports_go_one_after_the_other)
{
	struct fixture x;

	setup_reports(&x, ON, SAYS_250);
	for (int i = 0; i < 50; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "d%d.example", i);
		see(&x, domain, i % 5 ? "https://reports.far.example/v1" : "https://reports.far.example:8443/");
	}
	pass(&x, DAY_MS + DELAY_MS);
	wait_count(&x, Q_RPT_REPORTS, 0);
	assert_int_equal(seen(&x), 40); /* those to another port go nowhere */
	teardown(&x);
}

TEST(reports_that_are_switched_off_are_dropped)
{
	struct fixture x;

	setup_reports(&x, ON, SAYS_250);
	see(&x, "far.example", "https://a.example/");
	configure(&x, "");
	pass(&x, DAY_MS + DELAY_MS);
	wait_count(&x, Q_RPT_REPORTS, 0);
	assert_int_equal(seen(&x), 0);
	teardown(&x);
}

/* ---- by mail ---- */

static void set_key(struct fixture *x)
{
	struct dkim_key *key = NULL;

	assert_int_equal(dkim_key_parse(str_z(key_pem), &key, NULL), 0);
	queue_tlsrpt_key(x->q, key);
}

static void assert_has(struct str text, const char *what_z)
{
	test_row(what_z);
	assert_true(str_find(text, str_z(what_z)) >= 0);
}

/* RFC 8460 5.3 */
TEST(a_report_by_mail_is_a_message_in_the_queue)
{
	static const char *const has[] = {
		"\r\nFrom: <tls@we.example>\r\nTo: <areports@far.example>\r\n",
		"\r\nSubject: Report Domain: far.example\r\n Submitter: we.example\r\n Report-ID: <",
		"\r\nTLS-Report-Domain: far.example\r\nTLS-Report-Submitter: we.example\r\nTLS-Required: No\r\n",
		"\r\nContent-Type: multipart/report; report-type=\"tlsrpt\";\r\n\tboundary=\"",
		"\r\nContent-Type: text/plain; charset=us-ascii\r\n",
		"\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment;\r\n\tfilename=\"we.example!far.example!",
		".json.gz\"\r\n\r\nH4sI", /* gzip in base64 */
	};
	struct fixture x;
	struct str text;

	setup_reports(&x, SIGNED, SAYS_250);
	set_key(&x);
	see(&x, "far.example", "mailto:areports@far.example");
	pass(&x, DAY_MS + DELAY_MS);
	wait_seen(&x, 1);
	wait_count(&x, Q_MESSAGES, 0);
	assert_string_equal(x.seen[0].post, "");
	assert_string_equal(x.seen[0].first, "areports@far.example");
	assert_int_equal(x.seen[0].flags, QUEUE_TLS_OPTIONAL | QUEUE_FOR_A_DAY);
	assert_string_equal(x.seen[0].from, "");
	text = str_of(x.last, x.n_last);
	assert_true(str_starts(text, S("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n\td=we.example;\r\n\ts=s1; t=")));
	for (size_t i = 0; i < ARRAY_LEN(has); i++)
		assert_has(text, has[i]);
	assert_true(str_is_ascii(text));
	assert_int_equal(count(&x, Q_RPT_REPORTS) + count(&x, Q_RPT_ROWS) + count(&x, Q_RPT_DAYS), 0);
	teardown(&x);
}

/* RFC 8460 5.5; and nobody hears of it. */
TEST(a_report_in_the_queue_is_given_up_after_a_day)
{
	struct fixture x;

	setup_reports(&x, SIGNED, SAYS_450);
	set_key(&x);
	see(&x, "far.example", "mailto:reports@far.example");
	pass(&x, DAY_MS + DELAY_MS);
	wait_seen(&x, 1);
	wait_count(&x, Q_RPT_REPORTS, 0);
	wait_count(&x, Q_TRIED, 1);
	pass(&x, 23 * HOUR_MS);
	wait_count(&x, Q_TRIED, 2);
	assert_int_equal(count(&x, Q_MESSAGES), 1);
	pass(&x, 70 * MINUTE_MS);
	wait_count(&x, Q_TRIED, 3); /* once more, since it was due */
	pass(&x, 2 * MINUTE_MS);
	wait_count(&x, Q_MESSAGES, 0);
	assert_int_equal(mails(&x), 0);
	teardown(&x);
}

TEST(without_a_key_nothing_goes_by_mail)
{
	struct fixture x;

	setup_reports(&x, ON, SAYS_250);
	see(&x, "far.example", "mailto:reports@far.example https://a.example/");
	see(&x, "mail.example", "mailto:reports@mail.example");
	pass(&x, DAY_MS + DELAY_MS);
	wait_count(&x, Q_RPT_REPORTS, 0);
	assert_int_equal(seen(&x), 1);
	assert_string_equal(x.seen[0].post, "https://a.example/");
	teardown(&x);
}

/* example.org is served here. */
TEST(an_address_here_that_is_not_there_is_a_try)
{
	struct fixture x;

	setup_reports(&x, SIGNED, SAYS_250);
	set_key(&x);
	see(&x, "far.example", "mailto:nobody@example.org mailto:alice@example.org");
	pass(&x, DAY_MS + DELAY_MS);
	stays_seen(&x, 0);
	assert_int_equal(mails(&x), 0);
	assert_int_equal(count(&x, Q_RPT_REPORTS), 1);
	pass(&x, 6 * MINUTE_MS);
	wait_mails(&x, 1);
	assert_int_equal(count(&x, Q_RPT_REPORTS), 0);
	teardown(&x);
}

/* Nothing of it is lost, and nothing goes twice, when the disk is full or a write fails. */
TEST(a_report_that_cannot_be_stored_stays)
{
	static const enum db_fail_point points[] = { DB_FAIL_PACK_WRITE, DB_FAIL_STATEMENT, DB_FAIL_COMMIT };

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		struct fixture x;

		test_row(i == 0 ? "pack" : i == 1 ? "statement" : "commit");
		setup_reports(&x, SIGNED, SAYS_250);
		set_key(&x);
		see(&x, "far.example", "mailto:reports@far.example");
		pass(&x, DAY_MS - MINUTE_MS);
		stays_seen(&x, 0);
		clock_shift_ms(DELAY_MS + MINUTE_MS);
		db_fail_next(x.db, points[i], 1, -E_DISK_FULL);
		wake_once(&x); /* a second turn has all that it needs */
		assert_int_equal(seen(&x), 0);
		assert_int_equal(count(&x, Q_RPT_REPORTS), 1);
		assert_int_equal(count(&x, Q_RPT_ROWS), 1);
		assert_int_equal(count(&x, Q_MESSAGES), 0);
		db_fail_next(x.db, DB_FAIL_NONE, 0, 0);
		pass(&x, 61000);
		wait_seen(&x, 1);
		wait_count(&x, Q_MESSAGES, 0);
		assert_int_equal(count(&x, Q_RPT_REPORTS), 0);
		pass(&x, HOUR_MS);
		stays_seen(&x, 1);
		teardown(&x);
	}
}

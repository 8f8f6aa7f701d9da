/* SPDX-License-Identifier: MIT */
/* Sessions counted for reports: by day and kind, and never more than there is room for. RFC 8460 4. */
#include "queue/schedule_test.h"

#include "base/limits.h"

#define DAY_S 86400

struct seen {
	struct str domain;
	struct queue_tlsrpt_policy policy;
	struct queue_tlsrpt_session session;
	int64_t now_s;
};

static int count_tx(struct db_tx *tx, void *arg)
{
	struct seen *s = arg;
	const struct queue_tlsrpt_seen seen = { S("mailto:r@far.example"), &s->policy, 1,
						&s->session, 1 };

	return queue_tlsrpt_count_tx(tx, s->domain, &seen, s->now_s);
}

static void see(struct fixture *x, struct seen s)
{
	if (!s.domain.p)
		s.domain = S("far.example");
	if (!s.policy.domain.p)
		s.policy.domain = s.domain;
	assert_int_equal(db_write(x->db, &(struct db_write_job){ .fn = count_tx,
								 .arg = &s,
								 .durability = DB_LAZY }),
			 0);
}

TEST(sessions_that_went_alike_share_a_row)
{
	static const struct queue_tlsrpt_session expired = { 0,
							     QUEUE_TLSRPT_EXPIRED,
							     STR_INIT("mx"),
							     STR_INIT("192.0.2.1"),
							     STR_INIT("192.0.2.2"),
							     STR_INIT("old") };
	struct queue_tlsrpt_session other;
	struct fixture x;

	setup(&x);
	for (int i = 0; i < 3; i++)
		see(&x, (struct seen){ .now_s = 5 * DAY_S });
	for (int i = 0; i < 2; i++)
		see(&x, (struct seen){ .now_s = 5 * DAY_S + DAY_S - 1, .session = expired });
	assert_int_equal(count(&x, Q_RPT_ROWS), 2);
	assert_int_equal(count(&x, Q_RPT_SESSIONS), 5);
	assert_int_equal(count(&x, Q_RPT_REPORTS), 1);
	/* Whatever differs makes another. */
	other = expired;
	other.host = S("mx2");
	see(&x, (struct seen){ .now_s = 5 * DAY_S, .session = other });
	other = expired;
	other.peer = S("192.0.2.11"); /* the same letters, in other places */
	other.own = S("92.0.2.2");
	see(&x, (struct seen){ .now_s = 5 * DAY_S, .session = other });
	other = expired;
	other.outcome = QUEUE_TLSRPT_NOT_TRUSTED;
	see(&x, (struct seen){ .now_s = 5 * DAY_S, .session = other });
	see(&x, (struct seen){ .now_s = 5 * DAY_S,
			       .session = expired,
			       .policy = { .type = QUEUE_TLSRPT_STS } });
	assert_int_equal(count(&x, Q_RPT_ROWS), 6);
	/* The next day is another report. */
	see(&x, (struct seen){ .now_s = 6 * DAY_S, .session = expired });
	assert_int_equal(count(&x, Q_RPT_ROWS), 7);
	assert_int_equal(count(&x, Q_RPT_REPORTS), 2);
	assert_int_equal(count(&x, Q_RPT_DAYS), 2);
	teardown(&x);
}

TEST(what_is_no_domain_is_not_counted)
{
	static const struct str names[] = { STR_INIT("[192.0.2.1]"), STR_INIT("a b.example"),
					    STR_INIT("a\r\nb"),
					    STR_INIT("a\0b.example"), STR_INIT("") };
	struct fixture x;

	setup(&x);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		see(&x, (struct seen){ .domain = names[i], .now_s = DAY_S });
	assert_int_equal(count(&x, Q_RPT_ROWS), 0);
	assert_int_equal(count(&x, Q_RPT_REPORTS), 0);
	teardown(&x);
}

struct flood {
	size_t n;
	size_t domains; /* that they belong to */
	size_t bytes;   /* of the policy of each */
};

static int flood_tx(struct db_tx *tx, void *arg)
{
	static char policy[QUEUE_TLSRPT_POLICY];
	const struct flood *f = arg;
	int rc = 0;

	memset(policy, 'p', sizeof(policy));
	for (size_t i = 0; i < f->n && rc == 0; i++) {
		char name[64], host[64];
		struct seen s = { .now_s = DAY_S,
				  .policy = {
					  QUEUE_TLSRPT_TLSA, { 0 }, str_of(policy, f->bytes) } };

		snprintf(name, sizeof(name), "d%zu.evil.example", i % f->domains);
		snprintf(host, sizeof(host), "h%zu.evil.example", i);
		s.domain = str_z(name);
		s.policy.domain = str_z(host);
		rc = count_tx(tx, &s);
	}
	return rc;
}

static void flood(struct fixture *x, struct flood *f)
{
	assert_int_equal(db_write(x->db, &(struct db_write_job){ .fn = flood_tx, .arg = f, .durability = DB_LAZY }), 0);
}

TEST(one_domain_has_a_bound)
{
	struct flood f = { .n = 1000, .domains = 1, .bytes = QUEUE_TLSRPT_POLICY };
	struct fixture x;

	setup(&x);
	flood(&x, &f);
	assert_true(count(&x, Q_RPT_ROWS) > 10 &&
		    count(&x, Q_RPT_ROWS) <= LIMIT_TLSRPT_DOMAIN / QUEUE_TLSRPT_POLICY);
	/* What is there is counted all the same, and so are others. */
	f.n = 1;
	flood(&x, &f);
	assert_int_equal(count(&x, Q_RPT_SESSIONS), count(&x, Q_RPT_ROWS) + 1);
	see(&x, (struct seen){ .domain = S("other.example"), .now_s = DAY_S });
	assert_int_equal(count(&x, Q_RPT_REPORTS), 2);
	teardown(&x);
}

TEST(all_domains_of_a_day_have_a_bound)
{
	struct flood f = { .n = LIMIT_TLSRPT_DOMAINS + 10, .domains = SIZE_MAX };
	struct fixture x;

	setup(&x);
	flood(&x, &f);
	assert_int_equal(count(&x, Q_RPT_REPORTS), LIMIT_TLSRPT_DOMAINS);
	assert_int_equal(count(&x, Q_RPT_ROWS), LIMIT_TLSRPT_DOMAINS);
	see(&x, (struct seen){ .now_s = 2 * DAY_S }); /* the next day has its own */
	assert_int_equal(count(&x, Q_RPT_REPORTS), LIMIT_TLSRPT_DOMAINS + 1);
	teardown(&x);
}

TEST(a_day_has_a_bound)
{
	struct flood f = { .n = 20000, .domains = 1000, .bytes = QUEUE_TLSRPT_POLICY };
	struct fixture x;

	setup(&x);
	flood(&x, &f);
	assert_true(count(&x, Q_RPT_ROWS) > 1000 &&
		    count(&x, Q_RPT_ROWS) <= LIMIT_TLSRPT_DAY / QUEUE_TLSRPT_POLICY);
	teardown(&x);
}

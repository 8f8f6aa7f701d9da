/* SPDX-License-Identifier: MIT */
/* Which MTA-STS policy counts: the newest, else the one that is known, else none (RFC 8461 5.1). */
#include "send/send_test.h"

#include "base/clock.h"

#define POLICY(mode) "version: STSv1\r\nmode: " mode "\r\nmx: h11\r\nmax_age: 1000\r\n"

static struct {
	const char *record_z, *policy_z;
	unsigned n_gets;
} world;

static int fake_txt(void *ctx, struct arena *a, struct str name, int64_t deadline_ms, struct str **ret, size_t *ret_n)
{
	(void)ctx, (void)deadline_ms;
	assert_str_eq(name, S("_mta-sts.there.test"));
	if (!world.record_z)
		return -E_TIMEOUT;
	*ret = ARENA_ARRAY(a, struct str, 1);
	(*ret)[0] = str_z(world.record_z);
	*ret_n = world.record_z[0] != '\0';
	return 0;
}

static int fake_get(void *ctx, struct arena *a, struct str host, struct str path, struct buf *out, struct fault *fault)
{
	(void)ctx, (void)a, (void)fault;
	assert_str_eq(host, S("mta-sts.there.test"));
	assert_str_eq(path, S("/.well-known/mta-sts.txt"));
	world.n_gets++;
	if (!world.policy_z)
		return -E_NOT_FOUND;
	buf_add(out, str_z(world.policy_z));
	return 0;
}

TEST(sts_which_policy)
{
	static const struct {
		const char *name, *record_z, *policy_z;
		const char *known_id_z, *known_z;
		int64_t known_age_s;
		int want;                /* -1: none; else its mode */
		unsigned gets;
		const char *new_id_z;
		enum queue_tlsrpt_outcome trouble; /* RFC 8460 4.3.2.2 */
	} rows[] = {
		{ .name = "no record", .record_z = "", .want = -1 },
		{ .name = "record and policy", .record_z = "v=STSv1; id=1;", .policy_z = POLICY("enforce"), .want = STS_ENFORCE, .gets = 1, .new_id_z = "1" },
		{ .name = "web server is down", .record_z = "v=STSv1; id=1;", .want = -1, .gets = 1, .trouble = QUEUE_TLSRPT_STS_FETCH },
		{ .name = "no policy there", .record_z = "v=STSv1; id=1;", .policy_z = "<html>", .want = -1, .gets = 1, .trouble = QUEUE_TLSRPT_STS_INVALID },
		{ .name = "known, same id", .record_z = "v=STSv1; id=1;", .known_id_z = "1", .known_z = POLICY("enforce"), .want = STS_ENFORCE },
		{ .name = "known, newer id", .record_z = "v=STSv1; id=2;", .policy_z = POLICY("testing"), .known_id_z = "1",
		  .known_z = POLICY("enforce"), .want = STS_TESTING, .gets = 1, .new_id_z = "2" },
		{ .name = "known, newer id, web server is down", .record_z = "v=STSv1; id=2;", .known_id_z = "1", .known_z = POLICY("enforce"),
		  .want = STS_ENFORCE, .gets = 1, .trouble = QUEUE_TLSRPT_STS_FETCH },
		{ .name = "known, the record is gone", .record_z = "", .known_id_z = "1", .known_z = POLICY("enforce"), .want = STS_ENFORCE },
		{ .name = "known, the DNS does not answer", .known_id_z = "1", .known_z = POLICY("enforce"), .want = STS_ENFORCE },
		{ .name = "known and too old", .record_z = "", .known_id_z = "1", .known_z = POLICY("enforce"), .known_age_s = 1000, .want = -1 },
		{ .name = "too old, same id, fetched again", .record_z = "v=STSv1; id=1;", .policy_z = POLICY("enforce"), .known_id_z = "1",
		  .known_z = POLICY("enforce"), .known_age_s = 1000, .want = STS_ENFORCE, .gets = 1, .new_id_z = "1" },
		{ .name = "half of its time is over", .record_z = "v=STSv1; id=1;", .policy_z = POLICY("enforce"), .known_id_z = "1",
		  .known_z = POLICY("enforce"), .known_age_s = 600, .want = STS_ENFORCE, .gets = 1, .new_id_z = "1" },
		{ .name = "the same, the record is gone", .record_z = "", .policy_z = POLICY("testing"), .known_id_z = "1",
		  .known_z = POLICY("enforce"), .known_age_s = 600, .want = STS_TESTING, .gets = 1, .new_id_z = "1" },
		{ .name = "the same, the web server is down", .record_z = "", .known_id_z = "1", .known_z = POLICY("enforce"), .known_age_s = 600,
		  .want = STS_ENFORCE, .gets = 1, .trouble = QUEUE_TLSRPT_STS_FETCH },
		{ .name = "taken back", .record_z = "v=STSv1; id=2;", .policy_z = POLICY("none"), .known_id_z = "1", .known_z = POLICY("enforce"),
		  .want = -1, .gets = 1, .new_id_z = "2" },
		{ .name = "known from the future", .record_z = "", .known_id_z = "1", .known_z = POLICY("enforce"), .known_age_s = -100, .want = -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct queue_attempt t = { .hop.domain = S("there.test") };
		struct queue_sts fresh = { 0 };
		struct sts_policy policy;
		enum queue_tlsrpt_outcome trouble;
		struct test_send s;
		struct arena a;

		test_row(rows[i].name);
		world.record_z = rows[i].record_z;
		world.policy_z = rows[i].policy_z;
		world.n_gets = 0;
		t.sts = (struct queue_sts){ .id = str_z(rows[i].known_id_z), .text = str_z(rows[i].known_z),
					    .fetched_s = clock_wall_ms() / 1000 - rows[i].known_age_s };
		test_send_open(&s, "");
		s.send->names.txt = fake_txt;
		s.send->names.get = fake_get;
		arena_init(&a, 1 << 20);
		assert_int_equal(send_sts_of(s.send, &a, &t, &policy, &fresh, &trouble) ? (int)policy.mode : -1, rows[i].want);
		assert_int_equal(trouble, rows[i].trouble);
		assert_int_equal(world.n_gets, rows[i].gets);
		assert_str_eq(fresh.id, str_z(rows[i].new_id_z));
		/* A web server that failed is left alone for a while. */
		(void)send_sts_of(s.send, &a, &t, &policy, &fresh, &trouble);
		assert_int_equal(trouble, rows[i].trouble);
		if (rows[i].gets && !rows[i].new_id_z)
			assert_int_equal(world.n_gets, 1);
		arena_fini(&a);
		test_send_close(&s);
	}
}

/* RFC 8461 4.1, 5: enforced, testing; the host must be named, and TLS must verify. */
TEST(sts_walk)
{
	static const struct {
		const char *name, *policy_z;
		enum queue_outcome want;
		const char *enhanced_z;
		unsigned messages, flags;
	} rows[] = {
		{ "enforced, no TLS there", "version: STSv1\nmode: enforce\nmx: h11\nmax_age: 1000\n", QUEUE_DEFERRED, "4.7.4", 0, 0 },
		{ "enforced, another host", "version: STSv1\nmode: enforce\nmx: h12\nmax_age: 1000\n", QUEUE_DEFERRED, "4.7.5", 0, 0 },
		{ "testing", "version: STSv1\nmode: testing\nmx: h12\nmax_age: 1000\n", QUEUE_DELIVERED, "2.0.0", 1, 0 },
		/* RFC 8689 4.2.2 */
		{ "TLS-Required: No", "version: STSv1\nmode: enforce\nmx: h12\nmax_age: 1000\n", QUEUE_DELIVERED, "2.0.0", 1,
		  QUEUE_TLS_OPTIONAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct queue_attempt_rcpt rcpt = { .address = S("to@there.test") };
		struct queue_attempt t = { .id = 1, .hop = { .destination = S("h11"), .domain = S("there.test"), .port = sink_port() }, .max_sessions = 1,
					   .rcpts = &rcpt, .n_rcpts = 1, .flags = rows[i].flags,
					   .message = S("Subject: x\r\n\r\nHello\r\n"),
					   .sts = { S("1"), str_z(rows[i].policy_z), clock_wall_ms() / 1000 - 1 } };
		struct queue_rcpt_result got;
		struct queue_result r = { .rcpts = &got };
		struct sink *sink = sink_open(11, &(struct sink_says){ 0 });
		struct send_link link;
		struct test_send s;
		struct arena a;

		test_row(rows[i].name);
		world.record_z = NULL;
		test_send_open(&s, "");
		s.send->names.txt = fake_txt;
		s.send->names.get = fake_get;
		arena_init(&a, 1 << 20);
		send_link_init(&link);
		send_walk(s.send, &t, &a, &link, &r);
		assert_int_equal(got.outcome, rows[i].want);
		assert_str_eq(got.reply.enhanced, str_z(rows[i].enhanced_z));
		send_link_close(&link);
		assert_int_equal(sink_messages(sink), rows[i].messages);
		sink_close(sink);
		arena_fini(&a);
		test_send_close(&s);
	}
}

/* SPDX-License-Identifier: MIT */
/* A check: it says what becomes of mail, as an attempt would, sends none, and tells each step. */
#include "send/send_test.h"

#include "base/clock.h"

#define SEEN 64
#define SINKS 3

struct seen {
	struct test_send s;
	struct arena a;
	struct send_seen v[SEEN]; /* without pointers that do not live so long */
	bool has_tls_words[SEEN], is_remembered, has_policy;
	char hosts[SEEN][16], why[128];
	size_t n;
	struct queue_rcpt_result result;
};

static void see(void *ctx, const struct send_seen *seen)
{
	struct seen *t = ctx;

	assert_true(t->n < SEEN);
	assert_true(seen->ms >= 0);
	t->v[t->n] = *seen;
	snprintf(t->hosts[t->n], sizeof(t->hosts[0]), "%" STR_FMT, STR_ARG(seen->host));
	t->has_tls_words[t->n] = seen->caps && seen->caps->has_starttls;
	if (seen->sts) {
		t->is_remembered = seen->sts->is_remembered;
		t->has_policy = seen->sts->has_policy;
		snprintf(t->why, sizeof(t->why), "%s", seen->sts->why_z);
	}
	t->n++;
}

static void check_begin(struct seen *t, const char *settings_z)
{
	*t = (struct seen){ 0 };
	test_send_open(&t->s, settings_z);
	arena_init(&t->a, 4 << 20);
}

static struct send_check check_of(struct seen *t, const char *domain_z)
{
	return (struct send_check){ .hop = { .domain = str_z(domain_z), .destination = str_z(domain_z), .port = sink_port() }, .from = S("from@we.test"),
				    .to = S("to@there.test"), .ms = 20000, .see = see, .ctx = t };
}

static void check_run(struct seen *t, const struct send_check *c)
{
	t->n = 0;
	send_check(t->s.send, c, &t->a, &t->result);
}

static void check_end(struct seen *t)
{
	arena_fini(&t->a);
	test_send_close(&t->s);
}

/* The step of that host, or NULL. */
static const struct send_seen *step_of(const struct seen *t, const char *host_z, enum send_step step)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].step == step && str_eq(str_z(t->hosts[i]), str_z(host_z)))
			return &t->v[i];
	return NULL;
}

static enum queue_outcome outcome_of(const struct seen *t, const char *host_z, enum send_step step)
{
	const struct send_seen *s = step_of(t, host_z, step);

	assert_non_null(s);
	return s->outcome;
}

/* ---- the same as an attempt ---- */

#define EHLO_TLS "250-sink.test\r\n250-PIPELINING\r\n250 STARTTLS"

static const struct check_row {
	const char *name, *domain_z;
	struct sink_says says[SINKS]; /* of h11, h12, h13 */
	enum queue_tls tls;
	const char *host_z;
} check_rows[] = {
	{ .name = "taken", .domain_z = "h11,h12" },
	{ .name = "the first is dead", .domain_z = "h14,h11" },
	{ .name = "nobody is there", .domain_z = "h14,h15" },
	{ .name = "greeting 421, then taken", .domain_z = "h11,h12", .says[0].greeting_z = "421 4.3.2 not now" },
	{ .name = "greeting 421, then RCPT 550", .domain_z = "h11,h12", .says[0].greeting_z = "421 4.3.2 not now", .says[1].rcpt_z = "550 5.1.1 nobody" },
	{ .name = "greeting 554", .domain_z = "h11", .says[0].greeting_z = "554 5.7.1 not you" },
	{ .name = "greeting 521", .domain_z = "h11", .says[0].greeting_z = "521 takes no mail" },
	{ .name = "greeting 521 and 421", .domain_z = "h11,h12", .says[0].greeting_z = "521 takes no mail", .says[1].greeting_z = "421 4.3.2 not now" },
	{ .name = "greeting 421 and 521", .domain_z = "h11,h12", .says[0].greeting_z = "421 4.3.2 not now", .says[1].greeting_z = "521 takes no mail" },
	{ .name = "no greeting", .domain_z = "h11", .says[0].greeting_z = "-" },
	{ .name = "nonsense", .domain_z = "h11", .says[0].greeting_z = "hello" },
	{ .name = "EHLO 421, then taken", .domain_z = "h11,h12", .says[0].ehlo_z = "421 4.3.2 going" },
	{ .name = "it says our name", .domain_z = "h11", .says[0].ehlo_z = "250-We.Test\r\n250 PIPELINING" },
	{ .name = "our own address", .domain_z = "h99" },
	{ .name = "nobody behind ours", .domain_z = "h99,h11" },
	{ .name = "nobody behind ours, and who is better is dead", .domain_z = "h14,h99,h11" },
	{ .name = "nobody behind an address of this host", .domain_z = "own,h11" },
	{ .name = "nobody behind who says our name", .domain_z = "h11,h12", .says[0].ehlo_z = "250-We.Test\r\n250 PIPELINING" },
	{ .name = "null MX", .domain_z = "null" },
	{ .name = "the DNS does not answer", .domain_z = "broken" },
	{ .name = "a host without address", .domain_z = "nowhere,h11" },
	{ .name = "MAIL 451", .domain_z = "h11,h12", .says[0].mail_z = "451 4.7.1 come again" },
	{ .name = "MAIL 550", .domain_z = "h11,h12", .says[0].mail_z = "550 5.7.1 not you" },
	{ .name = "MAIL 421, then taken", .domain_z = "h11,h12", .says[0].mail_z = "421 4.3.2 closing" },
	{ .name = "RCPT 550 is final", .domain_z = "h11,h12", .says[0].rcpt_z = "550 5.1.1 nobody" },
	{ .name = "RCPT 450", .domain_z = "h11,h12", .says[0].rcpt_z = "450 4.2.0 greylisted" },
	{ .name = "lost at RCPT, then taken", .domain_z = "h11,h12", .says[0].rcpt_z = "-" },
	{ .name = "lost at RCPT", .domain_z = "h11", .says[0].rcpt_z = "-" },
	{ .name = "TLS demanded, not offered", .domain_z = "h11", .tls = QUEUE_TLS_ENCRYPT },
	{ .name = "STARTTLS refused", .domain_z = "h11", .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "454 4.7.0 later" } },
	{ .name = "handshake fails", .domain_z = "h11", .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" } },
	{ .name = "handshake fails, TLS demanded", .domain_z = "h11", .tls = QUEUE_TLS_ENCRYPT,
	  .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" } },
	{ .name = "TLS is off", .domain_z = "h11", .tls = QUEUE_TLS_NONE, .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" } },
	{ .name = "a host of the settings", .domain_z = "example.test", .host_z = "127.0.0.11" },
	{ .name = "a literal of our network", .domain_z = "[127.0.0.11]", .host_z = "127.0.0.11" },
	{ .name = "more connections than an attempt makes", .domain_z = "h14,h15,h16,h17,h18,h19,h20,h21,h22,h23,h11" },
	{ .name = "the last that an attempt makes", .domain_z = "h14,h15,h16,h17,h18,h19,h20,h21,h22,h11" },
};

/* One that refuses content says so only to who has some: left out here. */
static void check_against_attempt(const struct check_row *row)
{
	struct sink *sinks[SINKS];
	struct queue_rcpt_result got;
	struct queue_result r = { .rcpts = &got };
	struct queue_attempt_rcpt rcpt = { .address = S("to@there.test") };
	struct queue_attempt t = { .id = 7, .reverse_path = S("from@we.test"), .max_sessions = 1, .rcpts = &rcpt, .n_rcpts = 1,
				   .message = S("Subject: x\r\n\r\nHello\r\n") };
	struct send_link link;
	struct send_check c;
	struct seen seen;

	check_begin(&seen, "");
	c = check_of(&seen, row->domain_z);
	c.hop.tls = row->tls;
	c.hop.host = str_z(row->host_z);
	t.hop = c.hop;
	for (unsigned i = 0; i < SINKS; i++)
		sinks[i] = sink_open(11 + i, &row->says[i]);
	check_run(&seen, &c);
	for (unsigned i = 0; i < SINKS; i++) {
		assert_int_equal(sink_messages(sinks[i]), 0);
		assert_int_equal(sink_commands(sinks[i], "DATA"), 0);
	}
	send_link_init(&link);
	send_walk(seen.s.send, &t, &seen.a, &link, &r);
	send_link_close(&link);
	if (seen.result.outcome != got.outcome)
		fail_msg("%s: an attempt comes to %d, a check to %d", row->name, got.outcome, seen.result.outcome);
	if (got.outcome != QUEUE_DELIVERED) {
		assert_int_equal(seen.result.reply.code, got.reply.code);
		assert_str_eq(seen.result.reply.enhanced, got.reply.enhanced);
		assert_str_eq(seen.result.reply.text, got.reply.text);
	}
	for (unsigned i = 0; i < SINKS; i++)
		sink_close(sinks[i]);
	check_end(&seen);
}

TEST(check_comes_to_what_an_attempt_does)
{
	for (size_t i = 0; i < ARRAY_LEN(check_rows); i++)
		check_against_attempt(&check_rows[i]);
}

/* ---- steps ---- */

/* Every host is looked at, in its turn, and told with its own end; the first that gives an answer counts. */
TEST(check_looks_at_each_host)
{
	struct sink *sinks[] = { sink_open(11, &(struct sink_says){ .greeting_z = "421 4.3.2 no" }), sink_open(12, &(struct sink_says){ .rcpt_z = "550 5.1.1 x" }),
				 sink_open(13, &(struct sink_says){ 0 }) };
	static const enum send_step steps[] = { SEND_SAW_ADDRESSES, SEND_SAW_DANE, SEND_SAW_POLICY, SEND_SAW_CONNECT, SEND_SAW_GREETING, SEND_SAW_HELO,
						SEND_SAW_TLS, SEND_SAW_LIMITS, SEND_SAW_RCPT, SEND_SAW_HOST };
	struct send_check c;
	struct seen t;
	size_t first = 0;

	check_begin(&t, "");
	c = check_of(&t, "h11,h12,h13");
	check_run(&t, &c);
	assert_int_equal(t.v[0].step, SEND_SAW_MX);
	assert_int_equal(outcome_of(&t, "h11", SEND_SAW_HOST), QUEUE_DEFERRED);
	assert_int_equal(outcome_of(&t, "h12", SEND_SAW_HOST), QUEUE_FAILED);
	assert_int_equal(outcome_of(&t, "h13", SEND_SAW_HOST), QUEUE_DELIVERED);
	assert_int_equal(t.result.outcome, QUEUE_FAILED);
	assert_int_equal(outcome_of(&t, "h11", SEND_SAW_GREETING), QUEUE_DEFERRED);
	assert_null(step_of(&t, "h11", SEND_SAW_HELO));
	while (!str_eq(str_z(t.hosts[first]), S("h13")))
		first++;
	assert_int_equal(t.n - first, ARRAY_LEN(steps));
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		assert_int_equal(t.v[first + i].step, steps[i]);
	/* MAIL and RCPT are taken back. */
	assert_int_equal(sink_commands(sinks[2], "RSET"), 1);
	assert_int_equal(sink_commands(sinks[2], "QUIT"), 1);
	for (size_t i = 0; i < ARRAY_LEN(sinks); i++)
		sink_close(sinks[i]);
	check_end(&t);
}

/* Without a recipient nothing is said after EHLO; with the DNS alone nobody is connected to. */
TEST(check_says_no_more_than_asked)
{
	struct sink *sink = sink_open(11, &(struct sink_says){ .mail_z = "550 5.7.1 no" });
	struct send_check c;
	struct seen t;

	check_begin(&t, "");
	c = check_of(&t, "h11");
	c.to = S("");
	check_run(&t, &c);
	assert_int_equal(t.result.outcome, QUEUE_DELIVERED);
	assert_int_equal(sink_commands(sink, "MAIL"), 0);
	assert_int_equal(sink_connections(sink), 1);
	c.is_dns_only = true;
	check_run(&t, &c);
	assert_int_equal(t.result.outcome, QUEUE_DELIVERED);
	assert_non_null(step_of(&t, "h11", SEND_SAW_POLICY));
	assert_null(step_of(&t, "h11", SEND_SAW_CONNECT));
	assert_int_equal(sink_connections(sink), 1);
	sink_close(sink);
	check_end(&t);
}

/* STARTTLS that is refused or fails where nothing demands it: told, and no reason to keep mail. */
TEST(check_tells_tls_that_nobody_demands)
{
	struct sink *sinks[] = { sink_open(11, &(struct sink_says){ .ehlo_z = EHLO_TLS, .starttls_z = "454 4.7.0 later" }),
				 sink_open(12, &(struct sink_says){ .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" }) };
	const struct send_seen *tls;
	struct send_check c;
	struct seen t;

	check_begin(&t, "");
	c = check_of(&t, "h11");
	check_run(&t, &c);
	tls = step_of(&t, "h11", SEND_SAW_TLS);
	assert_int_equal(tls->err, 0);
	assert_int_equal(tls->reply.code, 454);
	assert_true(t.has_tls_words[step_of(&t, "h11", SEND_SAW_HELO) - t.v]);
	c = check_of(&t, "h12");
	check_run(&t, &c);
	tls = step_of(&t, "h12", SEND_SAW_TLS);
	assert_true(tls->err < 0);
	assert_int_equal(tls->level, SEND_PLAIN);
	assert_int_equal(t.result.outcome, QUEUE_DELIVERED);
	assert_int_equal(sink_connections(sinks[1]), 2);
	for (size_t i = 0; i < ARRAY_LEN(sinks); i++)
		sink_close(sinks[i]);
	check_end(&t);
}

/* ---- its time ---- */

/* A silent host costs its part of the time, which is told; the next one has its own. What an attempt waits for longer counts as nothing here. */
TEST(check_ends_in_time)
{
	struct sink *sinks[] = { sink_open(11, &(struct sink_says){ .greeting_z = "" }), sink_open(12, &(struct sink_says){ 0 }) };
	int64_t begun_ms = clock_mono_ms();
	const struct send_seen *greeting;
	struct send_check c;
	struct seen t;

	check_begin(&t, "");
	c = check_of(&t, "h11,h12");
	c.ms = 4000;
	check_run(&t, &c);
	assert_true(clock_mono_ms() - begun_ms < 60000); /* an attempt waits five minutes */
	greeting = step_of(&t, "h11", SEND_SAW_GREETING);
	assert_int_equal(greeting->err, -E_TIMEOUT);
	assert_true(greeting->is_out_of_time);
	assert_int_equal(t.result.outcome, QUEUE_DELIVERED);
	/* A limit of the settings is the host's fault. */
	check_end(&t);
	check_begin(&t, "command_timeout = 100ms");
	c = check_of(&t, "h11");
	check_run(&t, &c);
	greeting = step_of(&t, "h11", SEND_SAW_GREETING);
	assert_int_equal(greeting->err, -E_TIMEOUT);
	assert_false(greeting->is_out_of_time);
	assert_int_equal(t.result.outcome, QUEUE_DEFERRED);
	for (size_t i = 0; i < ARRAY_LEN(sinks); i++)
		sink_close(sinks[i]);
	check_end(&t);
}

/* ---- MTA-STS ---- */

static struct {
	const char *record_z, *policy_z;
	bool is_mute; /* the DNS */
	unsigned n_gets;
} web;

static int fake_txt(void *ctx, struct arena *a, struct str name, int64_t deadline_ms, struct str **ret, size_t *ret_n)
{
	(void)ctx, (void)name, (void)deadline_ms;
	if (web.is_mute)
		return -E_TIMEOUT;
	*ret = ARENA_ARRAY(a, struct str, 1);
	(*ret)[0] = str_z(web.record_z);
	*ret_n = web.record_z ? 1 : 0;
	return 0;
}

static int fake_get(void *ctx, struct arena *a, struct str host, struct str path, struct buf *out, struct fault *fault)
{
	(void)ctx, (void)a, (void)host, (void)path;
	web.n_gets++;
	if (!web.policy_z)
		return fault_set(fault, -E_IO, "the web is down");
	buf_add(out, str_z(web.policy_z));
	return 0;
}

#define POLICY(mode, host) "version: STSv1\nmode: " mode "\nmx: " host "\nmax_age: 86400\n"

/* The policy that counts is the one that counts for an attempt: a newer one, else what the server remembers; nothing without either. */
TEST(check_remembers_a_policy)
{
	struct sink *sink = sink_open(11, &(struct sink_says){ 0 });
	const struct queue_sts known = { S("1"), S(POLICY("enforce", "elsewhere")), clock_wall_ms() / 1000 - 60 };
	struct send_check c;
	struct seen t;

	check_begin(&t, "mta_sts = yes");
	t.s.send->names.txt = fake_txt;
	t.s.send->names.get = fake_get;
	c = check_of(&t, "h11");

	web.record_z = "v=STSv1; id=2;"; /* announced, not to be had, nothing remembered */
	check_run(&t, &c);
	assert_false(t.has_policy);
	assert_non_null(strstr(t.why, "the web is down"));
	assert_int_equal(t.result.outcome, QUEUE_DELIVERED);

	c.sts = known;
	memset(t.s.send->sts_failed, 0, sizeof(t.s.send->sts_failed));
	check_run(&t, &c);
	assert_true(t.has_policy && t.is_remembered);
	assert_non_null(strstr(t.why, "the web is down"));
	assert_int_equal(t.result.outcome, QUEUE_DEFERRED);
	assert_str_eq(t.result.reply.enhanced, S("4.7.5"));
	assert_int_equal(outcome_of(&t, "h11", SEND_SAW_POLICY), QUEUE_DEFERRED);

	web.record_z = NULL; /* the domain takes its record away: what is remembered still counts */
	web.n_gets = 0;
	check_run(&t, &c);
	assert_true(t.is_remembered);
	assert_int_equal(web.n_gets, 0);
	assert_int_equal(t.result.outcome, QUEUE_DEFERRED);

	assert_str_eq(str_z(t.why), S(""));
	web.is_mute = true; /* nor does one that cannot be asked for */
	check_run(&t, &c);
	assert_true(t.is_remembered);
	assert_non_null(strstr(t.why, "no answer"));
	assert_int_equal(t.result.outcome, QUEUE_DEFERRED);
	web.is_mute = false;

	web.record_z = "v=STSv1; id=2;"; /* a newer one */
	web.policy_z = POLICY("testing", "elsewhere");
	memset(t.s.send->sts_failed, 0, sizeof(t.s.send->sts_failed));
	check_run(&t, &c);
	assert_true(t.has_policy && !t.is_remembered);
	assert_int_equal(t.result.outcome, QUEUE_DELIVERED);

	c.is_dns_only = true; /* no web server is asked */
	web.n_gets = 0;
	check_run(&t, &c);
	assert_true(t.is_remembered);
	assert_int_equal(web.n_gets, 0);
	sink_close(sink);
	check_end(&t);
	web.record_z = web.policy_z = NULL;
}

/* ---- reports about TLS ---- */

static unsigned n_report_questions;

static bool is_of_reports(struct str name)
{
	return str_starts(name, S("_smtp._tls."));
}

static int report_txt(void *ctx, struct arena *a, struct str name, int64_t deadline_ms, struct str **ret, size_t *ret_n)
{
	(void)ctx, (void)deadline_ms;
	n_report_questions += is_of_reports(name);
	*ret = ARENA_ARRAY(a, struct str, 1);
	(*ret)[0] = S("v=TLSRPTv1; rua=mailto:r@h11");
	*ret_n = is_of_reports(name);
	return 0;
}

static void report_ahead(void *ctx, struct str name)
{
	(void)ctx;
	n_report_questions += is_of_reports(name);
}

/* RFC 8460 3: a check is no delivery, so nobody is asked where he wants to hear of it. */
TEST(check_is_not_reported)
{
	struct sink *sink = sink_open(11, &(struct sink_says){ 0 });
	struct send_check c;
	struct seen t;

	check_begin(&t, "[tlsrpt]\naddress = tls@we.test");
	t.s.send->names.txt = report_txt;
	t.s.send->names.ahead = report_ahead;
	c = check_of(&t, "h11");
	n_report_questions = 0;
	check_run(&t, &c);
	assert_int_equal(t.result.outcome, QUEUE_DELIVERED);
	assert_int_equal(n_report_questions, 0);
	sink_close(sink);
	check_end(&t);
}

/* SPDX-License-Identifier: MIT */
/* What is noted of an attempt for the report of its domain: RFC 8460 4.3. Handshakes that go well are those of tests/clients/tlsrpt.py. */
#include "send/send_test.h"

#include "base/clock.h"

#define ON "[tlsrpt]\naddress = reports@we.test\n"
#define EHLO_TLS "250-sink.test\r\n250 STARTTLS"
#define NO_TLS "starttls at h11 127.0.0.11 by 127.0.0.1\n"
#define POLICY(mode, mx) "version: STSv1\nmode: " mode "\nmx: " mx "\nmax_age: 1000\n"
#define STS(mode, mx) "sts there.test version: STSv1|mode: " mode "|mx: " mx "|max_age: 1000\n"

static struct {
	const char *tlsrpt_z, *sts_z; /* records; NULL: none */
	bool is_secure;
	int tlsa; /* what the question for TLSA gives */
	unsigned n_asked;
} world;

static int fake_txt(void *ctx, struct arena *a, struct str name, int64_t deadline_ms,
		    struct str **ret, size_t *ret_n)
{
	bool is_tlsrpt = str_eq(name, S("_smtp._tls.there.test"));
	const char *record_z = is_tlsrpt ? world.tlsrpt_z : world.sts_z;

	(void)ctx, (void)deadline_ms;
	assert_true(is_tlsrpt || str_eq(name, S("_mta-sts.there.test")));
	world.n_asked += is_tlsrpt;
	*ret = ARENA_ARRAY(a, struct str, 1);
	(*ret)[0] = str_z(record_z);
	*ret_n = record_z != NULL;
	return 0;
}

static int fake_get(void *ctx, struct arena *a, struct str host, struct str path, struct buf *out,
		    struct fault *fault)
{
	(void)ctx, (void)a, (void)host, (void)path, (void)out, (void)fault;
	return -E_TLS;
}

static int fake_mx(void *ctx, struct arena *a, struct str domain, const char *const *own_names,
		   int64_t deadline_ms, struct send_hosts *ret, struct queue_reply *ret_reply)
{
	int r = test_names.mx(ctx, a, domain, own_names, deadline_ms, ret, ret_reply);

	ret->is_secure = world.is_secure;
	return r;
}

static int fake_addresses(void *ctx, struct arena *a, struct str host, uint16_t port,
			  bool may_private, int64_t deadline_ms, struct send_place *ret,
			  struct queue_reply *ret_reply)
{
	int r = test_names.addresses(ctx, a, host, port, may_private, deadline_ms, ret, ret_reply);

	ret->is_secure = world.is_secure;
	return r;
}

static int fake_tlsa(void *ctx, struct arena *a, const struct send_place *place, uint16_t port,
		     int64_t deadline_ms, struct send_records *ret, struct queue_reply *ret_reply)
{
	static struct str record = STR_INIT("\x00\x01\x01\xab\xcd"); /* usage 0 is of no use */

	(void)ctx, (void)place, (void)port, (void)deadline_ms;
	if (world.tlsa < 0) {
		*ret_reply = send_say(a, "4.7.5", "wrong signatures");
		return world.tlsa;
	}
	*ret = (struct send_records){ .v = &record,
				      .n = (size_t)world.tlsa,
				      .base = S("h11.there.test") };
	return 0;
}

/* "type domain line|line" of each policy, "outcome at host address by address" of each session. */
static void print(const struct queue_tlsrpt_seen *t, struct buf *out)
{
	static const char *const types_z[] = { "none", "tlsa", "sts" };

	for (size_t i = 0; i < t->n_policies; i++) {
		buf_printf(out, "%s %" STR_FMT " ", types_z[t->policies[i].type],
			   STR_ARG(t->policies[i].domain));
		for (size_t k = 0; k < t->policies[i].text.n; k++)
			buf_add_char(out, t->policies[i].text.p[k] == '\n'
						  ? '|'
						  : t->policies[i].text.p[k]);
		buf_add_char(out, '\n');
	}
	for (size_t i = 0; i < t->n_sessions; i++) {
		const struct queue_tlsrpt_session *s = &t->sessions[i];
		struct str name = str_z(queue_tlsrpt_outcome_z(s->outcome));

		buf_printf(out, "%" STR_FMT " at %" STR_FMT " %" STR_FMT " by %" STR_FMT "\n",
			   STR_ARG(str_eq(name, S("starttls-not-supported")) ? S("starttls")
									     : name),
			   STR_ARG(s->host), STR_ARG(s->peer), STR_ARG(s->own));
	}
}

struct rpt_row {
	const char *name_z, *settings_z, *tlsrpt_z, *sts_z, *known_z;
	struct sink_says says;
	bool is_secure;
	int tlsa;
	unsigned flags;
	enum queue_tls tls;
	const char *want_z;
	unsigned n_asked;
};

#define RUA "v=TLSRPTv1; rua=mailto:r@there.test"
static const struct rpt_row rpt_rows[] = {
	{ .name_z = "nothing published, no TLS there",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .want_z = "none there.test \n" NO_TLS,
	  .n_asked = 1 },
	{ .name_z = "STARTTLS refused",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .says = { .ehlo_z = EHLO_TLS, .starttls_z = "454 4.7.0 no" },
	  .want_z = "none there.test \n" NO_TLS,
	  .n_asked = 1 },
	{ .name_z = "handshake fails; the second try, without TLS, is none",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .says = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" },
	  .want_z = "none there.test \nvalidation-failure at h11 127.0.0.11 by 127.0.0.1\n",
	  .n_asked = 1 },
	{ .name_z = "no greeting, no session",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .says.greeting_z = "421 busy",
	  .want_z = "" },
	{ .name_z = "the domain does not want to hear",
	  .settings_z = ON,
	  .want_z = "",
	  .n_asked = 1 },
	{ .name_z = "we do not report", .settings_z = "", .tlsrpt_z = RUA, .want_z = "" },
	{ .name_z = "TLS is off",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .tls = QUEUE_TLS_NONE,
	  .want_z = "" },
	{ .name_z = "the message needs none",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .flags = QUEUE_TLS_OPTIONAL,
	  .want_z = "" },
	{ .name_z = "enforced",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .known_z = POLICY("enforce", "h11"),
	  .want_z = STS("enforce", "h11") NO_TLS,
	  .n_asked = 1 },
	{ .name_z = "enforced, another host",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .known_z = POLICY("enforce", "*.there.test"),
	  .want_z = STS("enforce", "*.there.test") "validation-failure at h11  by \n",
	  .n_asked = 1 },
	{ .name_z = "testing",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .known_z = POLICY("testing", "h11"),
	  .want_z = STS("testing", "h11") NO_TLS,
	  .n_asked = 1 },
	{ .name_z = "testing, another host, handshake fails",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .known_z = POLICY("testing", "h12"),
	  .says = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" },
	  .want_z = STS("testing", "h12") "validation-failure at h11 127.0.0.11 by 127.0.0.1\n",
	  .n_asked = 1 },
	{ .name_z = "the policy cannot be had, none is known",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .sts_z = "v=STSv1; id=1;",
	  .want_z = "sts there.test \nnone there.test \nsts-webpki-invalid at   by \n" NO_TLS,
	  .n_asked = 1 },
	{ .name_z = "the newer policy cannot be had",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .sts_z = "v=STSv1; id=2;",
	  .known_z = POLICY("testing", "h11"),
	  .want_z = STS("testing", "h11") "sts-webpki-invalid at   by \n" NO_TLS,
	  .n_asked = 1 },
	{ .name_z = "TLSA of no use",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .is_secure = true,
	  .tlsa = 1,
	  .says = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" },
	  .want_z = "tlsa h11.there.test 0 1 1 ABCD\ntlsa-invalid at h11 127.0.0.11 by 127.0.0.1\n",
	  .n_asked = 1 },
	{ .name_z = "TLSA, and no TLS",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .is_secure = true,
	  .tlsa = 1,
	  .want_z = "tlsa h11.there.test 0 1 1 ABCD\n" NO_TLS,
	  .n_asked = 1 },
	{ .name_z = "TLSA with wrong signatures",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .is_secure = true,
	  .tlsa = -E_DENIED,
	  .want_z = "tlsa h11 \ndnssec-invalid at h11  by \n",
	  .n_asked = 1 },
	{ .name_z = "TLSA, and no answer",
	  .settings_z = ON,
	  .tlsrpt_z = RUA,
	  .is_secure = true,
	  .tlsa = -E_TIMEOUT,
	  .want_z = "" },
};

static void check_row(const struct rpt_row *row)
{
	AUTO(buf_fini) struct buf got = BUF_INIT(65536);
	struct queue_attempt_rcpt rcpt = { .address = S("to@there.test") };
	struct queue_attempt t = { .id = 1,
				   .hop = { .destination = S("there.test"),
					    .domain = S("there.test"),
					    .port = sink_port(),
					    .tls = row->tls },
				   .max_sessions = 1,
				   .rcpts = &rcpt,
				   .n_rcpts = 1,
				   .flags = row->flags,
				   .message = S("Subject: x\r\n\r\nHello\r\n") };
	struct queue_rcpt_result one;
	struct queue_result r = { .rcpts = &one };
	struct sink *sink = sink_open(11, &row->says);
	struct send_link link;
	struct test_send s;
	struct arena a;

	test_row(row->name_z);
	if (row->known_z)
		t.sts = (struct queue_sts){ S("1"), str_z(row->known_z),
					    clock_wall_ms() / 1000 - 1 };
	world.tlsrpt_z = row->tlsrpt_z;
	world.sts_z = row->sts_z;
	world.is_secure = row->is_secure;
	world.tlsa = row->tlsa;
	world.n_asked = 0;
	test_send_open(&s, row->settings_z);
	s.send->names = (struct send_names){ .mx = fake_mx,
					     .addresses = fake_addresses,
					     .tlsa = fake_tlsa,
					     .txt = fake_txt,
					     .get = fake_get };
	arena_init(&a, 1 << 20);
	send_link_init(&link);
	send_walk(s.send, &t, &a, &link, &r);
	print(&r.tlsrpt, &got);
	assert_str_eq(buf_str(&got), str_z(row->want_z));
	assert_str_eq(r.tlsrpt.rua, row->want_z[0] ? S("mailto:r@there.test") : S(""));
	assert_int_equal(world.n_asked, row->n_asked);
	/* The same connection again is no session. */
	if (link.client) {
		send_walk(s.send, &t, &a, &link, &r);
		assert_true(r.is_reused);
		assert_int_equal(r.tlsrpt.n_sessions, 0);
	}
	send_link_close(&link);
	sink_close(sink);
	arena_fini(&a);
	test_send_close(&s);
}

TEST(tlsrpt_what_is_noted)
{
	for (size_t i = 0; i < ARRAY_LEN(rpt_rows); i++)
		check_row(&rpt_rows[i]);
}

/* Whatever a domain publishes and its hosts do, a result keeps its bounds. */
TEST(tlsrpt_is_bounded)
{
	static char long_text[4096];
	struct queue_tlsrpt_seen seen = { 0 };
	struct str records[100];
	struct send_records tlsa = { .v = records, .n = ARRAY_LEN(records), .base = S("h") };
	struct sts_policy sts = { .mode = STS_ENFORCE, .mx = records, .n_mx = ARRAY_LEN(records) };
	struct queue_tlsrpt_policy p;
	struct arena a;

	memset(long_text, 'x', sizeof(long_text));
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(records); i++)
		records[i] = str_of(long_text, 200);
	p = send_tlsrpt_of_tlsa(&a, &tlsa);
	assert_true(p.text.n > 0 && p.text.n <= QUEUE_TLSRPT_POLICY);
	p = send_tlsrpt_of_sts(&a, S("there.test"), &sts);
	assert_true(p.text.n > 0 && p.text.n <= QUEUE_TLSRPT_POLICY);
	seen.policies = ARENA_ARRAY(&a, struct queue_tlsrpt_policy, QUEUE_TLSRPT_POLICIES);
	seen.sessions = ARENA_ARRAY(&a, struct queue_tlsrpt_session, QUEUE_TLSRPT_SESSIONS);
	for (size_t i = 0; i < 100; i++) {
		p.domain = arena_printf(&a, "d%zu", i / 2);
		send_tlsrpt_note(&a, &seen, &p,
				 &(struct queue_tlsrpt_session){ .outcome = QUEUE_TLSRPT_VALIDATION,
								 .host = S("h"),
								 .reason =
									 str_of(long_text, 1000) });
	}
	assert_int_equal(seen.n_policies, QUEUE_TLSRPT_POLICIES);
	assert_int_equal(seen.n_sessions, QUEUE_TLSRPT_SESSIONS);
	assert_int_equal(seen.sessions[15].policy, 7);
	assert_int_equal(seen.sessions[15].reason.n, QUEUE_TLSRPT_REASON);
	arena_fini(&a);
}

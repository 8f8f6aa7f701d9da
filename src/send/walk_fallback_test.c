/* SPDX-License-Identifier: MIT */
/* When mail may go to a fallback, and what that has to be. */
#include "send/send_test.h"

#include "base/clock.h"

#define MAX_SINKS 2

struct fallback_row {
	const char *name;
	const char *domain_z;
	struct sink_says says[MAX_SINKS]; /* of h11, h12 */
	unsigned n_sinks;
	enum queue_level want;
	bool is_down;
	unsigned connections[MAX_SINKS];
	/* the attempt */
	bool has_none;                    /* no fallback is named */
	enum queue_tls tls;
	const char *host_z;
	unsigned flags;
	/* what is published */
	bool has_dane, has_sts, is_self;
	bool is_dane_unusable;
};

#define UNKNOWN QUEUE_LEVEL_UNKNOWN
#define EHLO_TLS "250-sink.test\r\n250 STARTTLS"
#define LATER "451 4.7.1 too many today"

static const struct fallback_row fallback_rows[] = {
	{ .name = "nobody is there", .domain_z = "h13,h14", .want = QUEUE_LEVEL_PLAIN, .is_down = true },
	{ .name = "a host of the settings is not", .domain_z = "x", .host_z = "127.0.0.13", .want = QUEUE_LEVEL_PLAIN, .is_down = true },
	{ .name = "greetings for now", .domain_z = "h11,h12", .says = { { .greeting_z = "421 later" }, { .greeting_z = "450 later" } }, .n_sinks = 2,
	  .want = QUEUE_LEVEL_PLAIN, .is_down = true, .connections = { 1, 1 } },
	{ .name = "EHLO for now", .domain_z = "h11", .says[0].ehlo_z = "421 later", .n_sinks = 1, .want = QUEUE_LEVEL_PLAIN, .is_down = true,
	  .connections = { 1 } },
	{ .name = "one of them takes it", .domain_z = "h13,h11", .n_sinks = 1, .want = UNKNOWN, .connections = { 1 } },
	{ .name = "a greeting that is no", .domain_z = "h13,h11", .says[0].greeting_z = "554 5.7.1 not you", .n_sinks = 1, .want = UNKNOWN,
	  .is_down = true, .connections = { 1 } },
	{ .name = "MAIL for now: all are asked", .domain_z = "h11,h12", .says = { { .mail_z = LATER }, { .mail_z = LATER } }, .n_sinks = 2,
	  .want = QUEUE_LEVEL_PLAIN, .connections = { 1, 1 } },
	{ .name = "MAIL for now, 421", .domain_z = "h11", .says[0].mail_z = "421 later", .n_sinks = 1, .want = QUEUE_LEVEL_PLAIN, .connections = { 1 } },
	{ .name = "MAIL for now, the second takes it", .domain_z = "h11,h12", .says[0].mail_z = LATER, .n_sinks = 2, .want = UNKNOWN,
	  .connections = { 1, 1 } },
	{ .name = "MAIL for now, and no fallback", .domain_z = "h11,h12", .says[0].mail_z = LATER, .n_sinks = 2, .want = UNKNOWN, .has_none = true,
	  .connections = { 1, 0 } },
	{ .name = "MAIL for ever", .domain_z = "h11,h12", .says[0].mail_z = "550 5.1.8 not you", .n_sinks = 2, .want = UNKNOWN, .connections = { 1, 0 } },
	{ .name = "RCPT for now", .domain_z = "h11,h12", .says[0].rcpt_z = "450 4.2.0 greylisted", .n_sinks = 2, .want = UNKNOWN,
	  .connections = { 1, 0 } },
	{ .name = "RCPT 421", .domain_z = "h11", .says[0].rcpt_z = "421 later", .n_sinks = 1, .want = UNKNOWN, .connections = { 1 } },
	{ .name = "RCPT for ever", .domain_z = "h11", .says[0].rcpt_z = "550 5.1.1 nobody", .n_sinks = 1, .want = UNKNOWN, .connections = { 1 } },
	{ .name = "lost at RCPT", .domain_z = "h11", .says[0].rcpt_z = "-", .n_sinks = 1, .want = UNKNOWN, .connections = { 1 } },
	{ .name = "lost after the whole message", .domain_z = "h11", .says[0].end_z = "-", .n_sinks = 1, .want = UNKNOWN, .connections = { 1 } },
	{ .name = "null MX", .domain_z = "null", .want = UNKNOWN },
	{ .name = "DNS does not answer", .domain_z = "broken", .want = UNKNOWN, .is_down = true },
	{ .name = "nor for one of the hosts", .domain_z = "nowhere,h13", .want = UNKNOWN, .is_down = true },
	{ .name = "we are one of the hosts", .domain_z = "h13", .is_self = true, .want = UNKNOWN, .is_down = true },
	{ .name = "more hosts than are asked", .domain_z = "h13,h14,h15,h16,h17,h18,h19,h20,h21,h22,h23", .want = UNKNOWN, .is_down = true },
	{ .name = "as many", .domain_z = "h13,h14,h15,h16,h17,h18,h19,h20,h21,h22", .want = QUEUE_LEVEL_PLAIN, .is_down = true },
	{ .name = "our own address is", .domain_z = "h13,h99", .want = UNKNOWN, .is_down = true },
	{ .name = "an address of this host is", .domain_z = "h13,own", .want = UNKNOWN, .is_down = true },
	{ .name = "TLS is demanded and not offered", .domain_z = "h11,h13", .tls = QUEUE_TLS_ENCRYPT, .n_sinks = 1, .want = UNKNOWN, .is_down = true,
	  .connections = { 1 } },
	{ .name = "TLS is demanded and fails", .domain_z = "h11", .tls = QUEUE_TLS_ENCRYPT,
	  .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "220 go\r\nnonsense" }, .n_sinks = 1, .want = UNKNOWN, .is_down = true, .connections = { 1 } },
	{ .name = "TLS fails, nobody demands it", .domain_z = "h11", .says[0] = { .ehlo_z = EHLO_TLS, .starttls_z = "454 later", .mail_z = LATER },
	  .n_sinks = 1, .want = QUEUE_LEVEL_PLAIN, .connections = { 1 } },
	{ .name = "TLS is demanded of hosts that are not there", .domain_z = "h13", .tls = QUEUE_TLS_ENCRYPT, .want = QUEUE_LEVEL_ENCRYPTED,
	  .is_down = true },
	{ .name = "and verified", .domain_z = "h13", .tls = QUEUE_TLS_VERIFY, .want = QUEUE_LEVEL_VERIFIED, .is_down = true },
	{ .name = "DANE of hosts that are not there", .domain_z = "h13", .has_dane = true, .want = QUEUE_LEVEL_VERIFIED, .is_down = true },
	{ .name = "DANE, unusable", .domain_z = "h13", .has_dane = true, .is_dane_unusable = true, .want = QUEUE_LEVEL_ENCRYPTED, .is_down = true },
	{ .name = "DANE that fails", .domain_z = "h11", .n_sinks = 1, .has_dane = true, .want = UNKNOWN, .is_down = true, .connections = { 1 } },
	{ .name = "MTA-STS of hosts that are not there", .domain_z = "h13", .has_sts = true, .want = QUEUE_LEVEL_VERIFIED, .is_down = true },
	{ .name = "a host that MTA-STS does not name", .domain_z = "h14,h13", .has_sts = true, .want = UNKNOWN, .is_down = true },
	{ .name = "what nobody looked at may be anything", .domain_z = "h13", .flags = QUEUE_TLS_OPTIONAL, .has_dane = true,
	  .want = QUEUE_LEVEL_VERIFIED, .is_down = true },
	{ .name = "nor where the settings want no TLS", .domain_z = "h13", .tls = QUEUE_TLS_NONE, .has_dane = true, .want = QUEUE_LEVEL_VERIFIED,
	  .is_down = true },
	{ .name = "what one message demands is not the hosts'", .domain_z = "h13", .host_z = "127.0.0.13", .flags = QUEUE_REQUIRETLS,
	  .want = QUEUE_LEVEL_PLAIN, .is_down = true },
	{ .name = "REQUIRETLS, and the host has no TLS", .domain_z = "h11", .host_z = "127.0.0.11", .flags = QUEUE_REQUIRETLS, .n_sinks = 1,
	  .want = UNKNOWN, .connections = { 1 } },
};

/* ---- names that publish what a row says ---- */

static int row_mx(void *ctx, struct arena *a, struct str domain, const char *const *own_names, int64_t deadline_ms, struct send_hosts *ret,
		  struct queue_reply *ret_reply)
{
	const struct fallback_row *row = ctx;
	int r = test_names.mx(NULL, a, domain, own_names, deadline_ms, ret, ret_reply);

	ret->is_secure = row->has_dane;
	ret->is_self = row->is_self;
	return r;
}

static int row_addresses(void *ctx, struct arena *a, struct str host, uint16_t port, bool may_private, int64_t deadline_ms,
			 struct send_place *ret, struct queue_reply *ret_reply)
{
	const struct fallback_row *row = ctx;

	ret->is_secure = row->has_dane;
	return test_names.addresses(NULL, a, host, port, may_private, deadline_ms, ret, ret_reply);
}

static int row_tlsa(void *ctx, struct arena *a, const struct send_place *place, uint16_t port, int64_t deadline_ms, struct send_records *ret,
		    struct queue_reply *ret_reply)
{
	static struct str record = STR_INIT("\3\1\1" "0123456789abcdef0123456789abcdef");
	const struct fallback_row *row = ctx;

	(void)a, (void)place, (void)port, (void)deadline_ms, (void)ret_reply;
	*ret = (struct send_records){ .v = &record, .n = row->has_dane, .is_usable = !row->is_dane_unusable, .base = S("h13") };
	return 0;
}

static int row_txt(void *ctx, struct arena *a, struct str name, int64_t deadline_ms, struct str **ret, size_t *ret_n)
{
	(void)ctx, (void)a, (void)name, (void)deadline_ms, (void)ret;
	*ret_n = 0;
	return 0;
}

static struct queue_attempt attempt_of(const struct fallback_row *row, struct queue_attempt_rcpt *rcpt)
{
	struct queue_attempt t = { .id = 7, .reverse_path = S("from@we.test"), .flags = row->flags, .max_sessions = 1, .rcpts = rcpt, .n_rcpts = 1,
				   .has_fallback = !row->has_none, .message = S("Subject: x\r\n\r\nHello\r\n") };

	t.hop = (struct queue_hop){ .destination = str_z(row->domain_z), .domain = str_z(row->domain_z), .port = sink_port(), .tls = row->tls,
				    .host = str_z(row->host_z) };
	if (row->has_sts)
		t.sts = (struct queue_sts){ S("1"), S("version: STSv1\nmode: enforce\nmx: h13\nmax_age: 86400\n"), clock_wall_ms() / 1000 };
	return t;
}

static void check_fallback(const struct fallback_row *row)
{
	AUTO(arena_fini) struct arena a = { .cap = 1 << 20 };
	struct queue_attempt_rcpt rcpt = { .address = S("to@there.test") };
	struct queue_attempt t = attempt_of(row, &rcpt);
	struct queue_rcpt_result got;
	struct queue_result r = { .rcpts = &got };
	struct sink *sinks[MAX_SINKS] = { NULL };
	struct send_link link;
	struct test_send s;

	test_row(row->name);
	test_send_open(&s, "");
	s.send->names = (struct send_names){ .mx = row_mx, .addresses = row_addresses, .tlsa = row_tlsa, .txt = row->has_sts ? row_txt : NULL,
					     .ctx = (void *)(uintptr_t)row };
	send_link_init(&link);
	for (unsigned i = 0; i < row->n_sinks; i++)
		sinks[i] = sink_open(11 + i, &row->says[i]);
	send_walk(s.send, &t, &a, &link, &r);
	assert_int_equal(r.fallback, row->want);
	assert_int_equal(r.is_down, row->is_down);
	if (r.fallback != QUEUE_LEVEL_UNKNOWN)
		assert_int_equal(got.outcome, QUEUE_DEFERRED);
	send_link_close(&link);
	for (unsigned i = 0; i < row->n_sinks; i++) {
		assert_int_equal(sink_connections(sinks[i]), row->connections[i]);
		sink_close(sinks[i]);
	}
	test_send_close(&s);
}

TEST(fallback_is_for_hosts_that_are_not_there)
{
	for (size_t i = 0; i < ARRAY_LEN(fallback_rows); i++)
		check_fallback(&fallback_rows[i]);
}

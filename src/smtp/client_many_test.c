/* SPDX-License-Identifier: MIT */
/* Servers that take fewer recipients in one transaction than a message has: RFC 5321 4.5.3.1.10, RFC 9422. */
#include "smtp/client_test.h"

#define MANY "452 4.5.3 one at a time" LINE

static const struct send_row many_rows[] = {
	/* RFC 5321 4.5.3.1.10: those that were too many for one transaction get another at once, also when the server says 552. */
	{ "one recipient at a time", IN_GROUP, STR_INIT(OK OK MANY MANY GO NEXT OK NEXT OK OK GO NEXT OK NEXT OK OK GO NEXT OK NEXT), 3, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA BODY "." LINE MAIL RCPT(1) DATA BODY "." LINE MAIL RCPT(2) DATA BODY "." LINE) },
	{ "552 for too many", IN_GROUP, STR_INIT(OK OK OK "552 too many recipients" LINE GO NEXT OK NEXT OK OK GO NEXT OK NEXT), 3, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA BODY "." LINE MAIL RCPT(2) DATA BODY "." LINE) },
	/* RFC 3463 3.6: X.5.3 says it whatever the code. */
	{ "451 and 550 for too many", IN_GROUP, STR_INIT(OK OK "451 4.5.3 too many" LINE "550 5.5.3 too many" LINE GO NEXT OK NEXT OK OK GO NEXT OK NEXT
						       OK OK GO NEXT OK NEXT), 3, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA BODY "." LINE MAIL RCPT(1) DATA BODY "." LINE MAIL RCPT(2) DATA BODY "." LINE) },
	{ "too many, one by one", "", STR_INIT(OK NEXT OK NEXT MANY NEXT GO NEXT OK NEXT OK NEXT OK NEXT GO NEXT OK NEXT), 2, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA BODY "." LINE MAIL RCPT(1) DATA BODY "." LINE) },
	{ "too many for LMTP", IN_GROUP, STR_INIT(OK OK MANY GO NEXT OK NEXT OK OK GO NEXT NO NEXT), 2, true, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 550, SMTP_CLIENT_END, "unknown", "5.1.1" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA BODY "." LINE MAIL RCPT(1) DATA BODY "." LINE) },
	{ "too many for chunks", "PIPELINING" LINE "250-CHUNKING", STR_INIT(OK OK MANY NEXT OK NEXT OK OK NEXT OK NEXT), 2, 0,
	  { .bytes = STR_INIT("a\nb" LINE) }, 0, { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT("MAIL FROM:<>" LINE RCPT(0) RCPT(1) "BDAT 5 LAST" LINE "a\nb" LINE "MAIL FROM:<>" LINE RCPT(1) "BDAT 5 LAST" LINE "a\nb" LINE) },
	/* Exim with recipients_max_reject: who was named too many is held against all of them. */
	{ "too many, and DATA refused for it", IN_GROUP, STR_INIT(OK OK OK "552 too many recipients" LINE "554 Too many recipients" LINE NEXT
							       OK OK OK OK GO NEXT OK NEXT OK OK GO NEXT OK NEXT), 3, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA "RSET" LINE MAIL RCPT(0) RCPT(1) DATA BODY "." LINE MAIL RCPT(2) DATA BODY "." LINE) },
	{ "too many, and DATA refused again", IN_GROUP, STR_INIT(OK OK MANY "554 no" LINE NEXT OK OK OK "554 no" LINE NEXT OK OK OK "554 no" LINE NEXT), 2, 0, TEXT, 0,
	  { { 554, SMTP_CLIENT_DATA, "no", "" }, { 554, SMTP_CLIENT_DATA, "no", "" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA "RSET" LINE MAIL RCPT(0) DATA "RSET" LINE MAIL RCPT(1) DATA) },
	{ "too many by itself", IN_GROUP, STR_INIT(OK OK MANY GO NEXT OK NEXT OK MANY "503 x" LINE NEXT), 2, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 452, SMTP_CLIENT_RCPT, "one at a time", "4.5.3" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA BODY "." LINE MAIL RCPT(1) DATA) },
	{ "a full mailbox is not too many", IN_GROUP, STR_INIT(OK OK "452 4.2.2 full" LINE "552 5.2.2 full" LINE GO NEXT OK NEXT), 3, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 452, SMTP_CLIENT_RCPT, "full", "4.2.2" }, { 552, SMTP_CLIENT_RCPT, "full", "5.2.2" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA BODY "." LINE) },
	{ "nobody before it", IN_GROUP, STR_INIT(OK "552 too much" LINE "503 x" LINE NEXT), 1, 0, TEXT, 0,
	  { { 552, SMTP_CLIENT_RCPT, "too much", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	/* What the message was refused with is no reason to send it again at once. */
	{ "too many, and the message refused", IN_GROUP, STR_INIT(OK OK MANY GO NEXT "554 spam" LINE NEXT), 2, 0, TEXT, 0,
	  { { 554, SMTP_CLIENT_END, "spam", "" }, { 452, SMTP_CLIENT_RCPT, "one at a time", "4.5.3" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA BODY "." LINE) },
	{ "too many, and it leaves at the end", IN_GROUP, STR_INIT(OK OK MANY GO NEXT), 2, 0, TEXT, -E_CLOSED,
	  { { 0, SMTP_CLIENT_END, "the peer closed the connection", "" }, { 452, SMTP_CLIENT_RCPT, "one at a time", "4.5.3" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA BODY "." LINE) },
	{ "leaves before the second", IN_GROUP, STR_INIT(OK OK MANY GO NEXT OK NEXT), 2, 0, TEXT, -E_CLOSED,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 0, SMTP_CLIENT_MAIL, "the peer closed the connection", "" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA BODY "." LINE MAIL RCPT(1) DATA) },
	/* It stays as many as it turned out to be. */
	{ "too many, and as many next time", IN_GROUP, STR_INIT(OK OK MANY MANY GO NEXT OK NEXT OK OK GO NEXT OK NEXT OK NO "503 x" LINE NEXT), 3, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA BODY "." LINE MAIL RCPT(1) DATA BODY "." LINE MAIL RCPT(2) DATA) },
	/* RFC 9422 4.1, 4.2 */
	{ "RCPTMAX", "PIPELINING" LINE "250-LIMITS MAILMAX=9 RCPTMAX=2", STR_INIT(OK OK OK GO NEXT OK NEXT OK OK GO NEXT "554 no" LINE NEXT), 3, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 554, SMTP_CLIENT_END, "no", "" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA BODY "." LINE MAIL RCPT(2) DATA BODY "." LINE) },
	{ "RCPTMAX, all of the first refused", "PIPELINING" LINE "250-LIMITS RCPTMAX=1", STR_INIT(OK NO "503 x" LINE NEXT OK OK OK GO NEXT OK NEXT), 2, 0, TEXT, 0,
	  { { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT(MAIL RCPT(0) DATA "RSET" LINE MAIL RCPT(1) DATA BODY "." LINE) },
	/* Who was not named was not refused: each gets his own answer. */
	{ "RCPTMAX, and the message refused to one", "PIPELINING" LINE "250-LIMITS RCPTMAX=1", STR_INIT(OK OK GO NEXT "554 spam" LINE NEXT OK OK GO NEXT OK NEXT), 2, 0,
	  TEXT, 0, { { 554, SMTP_CLIENT_END, "spam", "" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT(MAIL RCPT(0) DATA BODY "." LINE MAIL RCPT(1) DATA BODY "." LINE) },
	{ "RCPTMAX, and DATA refused to one", "PIPELINING" LINE "250-LIMITS RCPTMAX=1", STR_INIT(OK OK "450 4.2.0 not him" LINE NEXT OK OK OK GO NEXT OK NEXT), 2, 0,
	  TEXT, 0, { { 450, SMTP_CLIENT_DATA, "not him", "4.2.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT(MAIL RCPT(0) DATA "RSET" LINE MAIL RCPT(1) DATA BODY "." LINE) },
	{ "RCPTMAX, and a chunk refused to one", "PIPELINING" LINE "250-CHUNKING" LINE "250-LIMITS RCPTMAX=1", STR_INIT(OK OK NEXT NO NEXT OK OK OK NEXT OK NEXT), 2, 0,
	  { .bytes = STR_INIT("a\nb" LINE) }, 0, { { 550, SMTP_CLIENT_END, "unknown", "5.1.1" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT("MAIL FROM:<>" LINE RCPT(0) "BDAT 5 LAST" LINE "a\nb" LINE "RSET" LINE "MAIL FROM:<>" LINE RCPT(1) "BDAT 5 LAST" LINE "a\nb" LINE) },
	{ "RCPTMAX, and MAIL refused", "PIPELINING" LINE "250-LIMITS RCPTMAX=1", STR_INIT("550 not you" LINE NO "503 x" LINE NEXT), 2, 0, TEXT, 0,
	  { { 550, SMTP_CLIENT_MAIL, "not you", "" }, { 550, SMTP_CLIENT_MAIL, "not you", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "RCPTMAX, and no other MAIL", "PIPELINING" LINE "250-LIMITS RCPTMAX=1", STR_INIT(OK OK GO NEXT OK NEXT "550 enough" LINE NO "503 x" LINE NEXT), 3, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 550, SMTP_CLIENT_MAIL, "enough", "" }, { 550, SMTP_CLIENT_MAIL, "enough", "" } },
	  STR_INIT(MAIL RCPT(0) DATA BODY "." LINE MAIL RCPT(1) DATA) },
	{ "RCPTMAX, lost at the end", "PIPELINING" LINE "250-LIMITS RCPTMAX=1", STR_INIT(OK OK GO NEXT), 2, 0, TEXT, -E_CLOSED,
	  { { 0, SMTP_CLIENT_END, "the peer closed the connection", "" }, { 0, SMTP_CLIENT_MAIL, "the peer closed the connection", "" } },
	  STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	{ "MAILMAX", "PIPELINING" LINE "250-LIMITS RCPTMAX=1 MAILMAX=1", STR_INIT(OK OK GO NEXT OK NEXT), 2, 0, TEXT, -E_CLOSED,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 0, SMTP_CLIENT_MAIL, "the server takes no more messages over this connection", "" } },
	  STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	{ "limits that are none", "PIPELINING" LINE "250-LIMITS RCPTMAX=0 MAILMAX=x RCPTMAX RCPTMAX=01 MAILMAX=1000000", STR_INIT(OK OK OK GO NEXT OK NEXT), 2, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA BODY "." LINE) },
};

TEST(client_many_recipients)
{
	for (size_t i = 0; i < ARRAY_LEN(many_rows); i++)
		run_row(&many_rows[i]);
}

/* What is no refusal for good, whatever its code. */
TEST(client_too_many_is_for_now)
{
	static const struct {
		const char *caps_z;
		struct str script;
		int codes[MAX];
		bool are_too_many[MAX];
	} rows[] = {
		{ "PIPELINING", STR_INIT(OK OK "552 too many" LINE NO GO NEXT "554 spam" LINE NEXT), { 554, 552, 550 }, { false, true, false } },
		{ "PIPELINING", STR_INIT(OK OK "552 too many" LINE NO GO NEXT OK NEXT OK OK GO NEXT OK NEXT), { 250, 250, 550 }, { false } },
		{ "PIPELINING" LINE "250-LIMITS RCPTMAX=1", STR_INIT("550 not you" LINE NO "503 x" LINE NEXT), { 550, 550, 550 }, { false } },
		{ "PIPELINING" LINE "250-LIMITS RCPTMAX=1", STR_INIT(OK OK GO NEXT OK NEXT "550 enough" LINE NO "503 x" LINE NEXT), { 250, 550, 550 },
		  { false } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct smtp_client *c = connected(rows[i].caps_z, rows[i].script, false, &a);
		const struct smtp_client_message m = TEXT;
		struct smtp_client_rcpt rcpts[MAX];

		for (size_t j = 0; j < MAX; j++)
			address(&rcpts[j], &a, j);
		assert_int_equal(send_all(c, &m, rcpts, MAX, &a), 0);
		for (size_t j = 0; j < MAX; j++) {
			assert_int_equal(rcpts[j].reply.code, rows[i].codes[j]);
			assert_int_equal(rcpts[j].is_too_many, rows[i].are_too_many[j]);
		}
		smtp_client_close(&c);
	}
}

/* What came of a message is written down before the others are named: they are left, and nobody knows them yet. */
TEST(client_leaves_the_others)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected("PIPELINING", (struct str)STR_INIT(OK OK MANY "552 5.2.2 full" LINE GO NEXT OK NEXT OK OK GO NEXT OK NEXT), false, &a);
	const struct smtp_client_message m = TEXT;
	struct smtp_client_rcpt rcpts[MAX];

	for (size_t j = 0; j < MAX; j++)
		address(&rcpts[j], &a, j);
	assert_int_equal(smtp_client_send(c, &m, rcpts, MAX, &a), 0);
	assert_int_equal(rcpts[0].reply.code, 250);
	assert_int_equal(rcpts[1].reply.code, 0);
	assert_int_equal(rcpts[2].reply.code, 552);
	for (size_t j = 0; j < MAX; j++) {
		assert_int_equal(rcpts[j].is_left, j == 1);
		assert_false(rcpts[j].is_too_many);
	}
	assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9), S(MAIL RCPT(0) RCPT(1) RCPT(2) DATA BODY "." LINE));
	smtp_client_close(&c);
}

/* A server that takes one recipient at a time, and is late with its refusal of each: the rest is for another day. */
TEST(client_many_transactions_have_an_end)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected("PIPELINING" LINE "250-LIMITS RCPTMAX=1", (struct str)STR_INIT(OK NO "503 x" LINE NEXT), false, &a);
	const struct smtp_client_message m = TEXT;
	struct smtp_client_rcpt rcpts[2];

	c->o.times.data_end = 0;
	for (size_t j = 0; j < 2; j++)
		address(&rcpts[j], &a, j);
	assert_int_equal(smtp_client_send(c, &m, rcpts, 2, &a), 0);
	assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9), S(MAIL RCPT(0) DATA));
	assert_int_equal(rcpts[0].reply.code, 550);
	assert_int_equal(rcpts[1].reply.code, 0);
	assert_str_eq(rcpts[1].reply.enhanced, S("4.5.3"));
	assert_str_eq(rcpts[1].reply.text, S("the server takes few recipients at once, and time is over"));
	assert_false(rcpts[1].is_left);
	smtp_client_close(&c);
}

#define HUNDRED 100

static size_t count_of(struct str s, struct str what)
{
	size_t n = 0;

	for (ptrdiff_t at; (at = str_find(s, what)) >= 0; n++)
		s = str_skip(s, (size_t)at + what.n);
	return n;
}

/* It says that one is too many, however few are named, and refuses DATA for it. */
static void never_content(struct buf *script, size_t named, bool is_first)
{
	if (!is_first)
		buf_add(script, S(OK));
	buf_add(script, S(OK));
	for (size_t i = 1; i < named; i++)
		buf_add(script, S(OK));
	buf_add(script, named > 1 ? S(MANY) : S(OK));
	buf_add(script, S("450 4.2.0 no" LINE NEXT));
}

/* Not every number of recipients is tried with who refuses DATA whatever their number, and nobody is returned for it. */
TEST(client_splits_in_few_steps)
{
	static const size_t named[] = { 100, 99, 49, 24, 12, 6, 3, 1 };
	AUTO(buf_fini) struct buf script = BUF_INIT(1 << 20);
	AUTO(arena_fini) struct arena a = { .cap = 1 << 20 };
	const struct smtp_client_message m = TEXT;
	struct smtp_client_rcpt rcpts[HUNDRED];
	struct smtp_client *c;

	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		never_content(&script, named[i], i == 0);
	c = connected("PIPELINING", buf_str(&script), false, &a);
	for (size_t j = 0; j < HUNDRED; j++)
		address(&rcpts[j], &a, j);
	assert_int_equal(smtp_client_send(c, &m, rcpts, HUNDRED, &a), 0);
	for (size_t j = 0; j < HUNDRED; j++) {
		assert_int_equal(rcpts[j].reply.code, 450);
		assert_false(rcpts[j].is_left);
	}
	assert_int_equal(count_of(net_stream_scripted_said(smtp_client_stream(c)), S("MAIL FROM")), ARRAY_LEN(named));
	smtp_client_close(&c);
}

/* What was few enough once is few enough for the next message. */
TEST(client_remembers_how_many_are_few_enough)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected("PIPELINING", (struct str)STR_INIT(
		OK OK OK MANY "451 4.5.3 too many" LINE NEXT OK OK OK OK GO NEXT OK NEXT OK OK GO NEXT OK NEXT /* the third of the first message */
		OK OK OK GO NEXT OK NEXT), false, &a);
	const struct smtp_client_message m = TEXT;
	struct smtp_client_rcpt rcpts[MAX];

	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < MAX; j++)
			address(&rcpts[j], &a, j);
		assert_int_equal(i == 0 ? send_all(c, &m, rcpts, MAX, &a) : smtp_client_send(c, &m, rcpts, MAX, &a), 0);
	}
	assert_true(rcpts[0].reply.code == 250 && rcpts[1].reply.code == 250 && rcpts[2].is_left);
	assert_true(str_ends(net_stream_scripted_said(smtp_client_stream(c)),
			     S(MAIL RCPT(2) DATA BODY "." LINE MAIL RCPT(0) RCPT(1) DATA BODY "." LINE)));
	smtp_client_close(&c);
}

/* RFC 9422 4.3: recipients of so many domains over one connection; the others have another one, and nobody is refused. */
TEST(client_domains_of_a_connection)
{
	static const char *const addresses[] = { "a@one.example", "b@two.example", "c@ONE.example" };
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected("PIPELINING" LINE "250-LIMITS RCPTDOMAINMAX=1", (struct str)STR_INIT(OK OK OK GO NEXT OK NEXT), false, &a);
	const struct smtp_client_message m = TEXT;
	struct smtp_client_rcpt rcpts[MAX];

	for (size_t j = 0; j < MAX; j++)
		rcpts[j] = (struct smtp_client_rcpt){ .address = str_z(addresses[j]) };
	assert_int_equal(smtp_client_send(c, &m, rcpts, MAX, &a), 0);
	assert_true(rcpts[0].reply.code == 250 && rcpts[2].reply.code == 250 && rcpts[1].is_left);
	assert_false(smtp_client_is_used_up(c));
	/* Nothing of the other domain is said, and its message has not gone anywhere. */
	assert_int_equal(smtp_client_send(c, &m, &rcpts[1], 1, &a), -E_CLOSED);
	assert_true(smtp_client_is_used_up(c));
	assert_int_equal(rcpts[1].reply.code, 0);
	assert_int_equal(rcpts[1].stage, SMTP_CLIENT_MAIL);
	assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9),
		      S(MAIL "RCPT TO:<a@one.example>" LINE "RCPT TO:<c@ONE.example>" LINE DATA BODY "." LINE));
	smtp_client_close(&c);
}

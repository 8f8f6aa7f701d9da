/* SPDX-License-Identifier: MIT */
/*
 * The client against servers of memory (net_stream_scripted): each row is what a server says, and what must come of it. Most of them
 * lie, stall, stumble or leave.
 */
#include "pop3/client_int.h"

#include "base/limits.h"
#include "base/test.h"

#define NEXT "\x1e"  /* what follows is said when the client has said something */
#define LINE "\r\n"
#define HI "+OK hello" LINE NEXT
#define CAPS "+OK" LINE "USER" LINE "UIDL" LINE "TOP" LINE "PIPELINING" LINE "." LINE NEXT
#define IN "+OK" LINE NEXT "+OK in" LINE NEXT
#define PLAIN "+OK" LINE "SASL PLAIN" LINE "." LINE NEXT
#define ASKED "CAPA" LINE
#define LOGGED "USER ann" LINE "PASS secret" LINE

/* ---- opening ---- */

struct open_row {
	const char *name_z;
	struct str script;
	enum net_starttls starttls;
	bool has_login, is_strict;
	int want;
	enum pop3_client_stage stage; /* of a failure */
	const char *text_z;           /* part of the fault */
	struct str said;              /* all of it */
};

/* RFC 1939 4, 7; RFC 2449 5, 8; RFC 2595 4; RFC 3206 4; RFC 6856 2.1. */
static const struct open_row open_rows[] = {
	{ "no login", STR_INIT(HI CAPS), .said = STR_INIT(ASKED) },
	{ "login", STR_INIT(HI CAPS IN), .has_login = true, .said = STR_INIT(ASKED LOGGED) },
	{ "no CAPA", STR_INIT(HI "-ERR what" LINE NEXT IN), .has_login = true, .said = STR_INIT(ASKED LOGGED) },
	{ "told to who is in", STR_INIT(HI "+OK" LINE "USER" LINE "." LINE NEXT IN CAPS), .has_login = true,
	  .said = STR_INIT(ASKED LOGGED ASKED) },
	{ "UTF8", STR_INIT(HI "+OK" LINE "USER" LINE "UTF8" LINE "UIDL" LINE "TOP" LINE "PIPELINING" LINE "." LINE NEXT "-ERR" LINE NEXT IN), .has_login = true,
	  .said = STR_INIT(ASKED "UTF8" LINE LOGGED) },
	{ "greeting refused", STR_INIT("-ERR go away" LINE NEXT), .want = -E_DENIED, .text_z = "go away", .said = STR_INIT("QUIT" LINE) },
	{ "greeting busy", STR_INIT("-ERR [SYS/TEMP] later" LINE NEXT), .want = -E_BUSY, .text_z = "later", .said = STR_INIT("QUIT" LINE) },
	{ "SMTP", STR_INIT("220 mx.example ESMTP" LINE), .want = -E_SYNTAX, .text_z = "220 mx.example" },
	{ "a challenge for a greeting", STR_INIT("+ x" LINE), .want = -E_SYNTAX },
	{ "nothing", STR_INIT(""), .want = -E_CLOSED },
	{ "silence", STR_INIT(NEXT), .want = -E_TIMEOUT },
	{ "leaves", STR_INIT("+OK"), .want = -E_CLOSED },
	{ "capabilities cut", STR_INIT(HI "+OK" LINE "USER" LINE), .want = -E_CLOSED, .stage = POP3_CLIENT_CAPS, .said = STR_INIT(ASKED) },
	{ "STLS not offered", STR_INIT(HI CAPS), .starttls = NET_STARTTLS_ALWAYS, .want = -E_CANNOT, .stage = POP3_CLIENT_TLS, .text_z = "STLS",
	  .said = STR_INIT(ASKED "QUIT" LINE) },
	{ "STLS not needed", STR_INIT(HI CAPS), .starttls = NET_STARTTLS_IF_OFFERED, .said = STR_INIT(ASKED) },
	{ "STLS refused", STR_INIT(HI "+OK" LINE "STLS" LINE "." LINE NEXT "-ERR no" LINE NEXT), .starttls = NET_STARTTLS_ALWAYS, .want = -E_DENIED,
	  .stage = POP3_CLIENT_TLS, .said = STR_INIT(ASKED "STLS" LINE "QUIT" LINE) },
	{ "bytes before TLS", STR_INIT(HI "+OK" LINE "STLS" LINE "." LINE NEXT "+OK" LINE "+OK injected" LINE), .starttls = NET_STARTTLS_ALWAYS,
	  .want = -E_TLS, .stage = POP3_CLIENT_TLS, .text_z = "not asked for", .said = STR_INIT(ASKED "STLS" LINE) },
	{ "no password in the clear", STR_INIT(HI CAPS IN), .has_login = true, .is_strict = true, .want = -E_CANNOT, .stage = POP3_CLIENT_AUTH,
	  .text_z = "no password", .said = STR_INIT(ASKED "QUIT" LINE) },
	{ "wrong password", STR_INIT(HI CAPS "+OK" LINE NEXT "-ERR no" LINE NEXT), .has_login = true, .want = -E_AUTH_FAILED, .stage = POP3_CLIENT_AUTH,
	  .text_z = "no", .said = STR_INIT(ASKED LOGGED "QUIT" LINE) },
	{ "wrong user", STR_INIT(HI CAPS "-ERR who" LINE NEXT), .has_login = true, .want = -E_AUTH_FAILED, .stage = POP3_CLIENT_AUTH,
	  .said = STR_INIT(ASKED "USER ann" LINE "QUIT" LINE) },
	{ "in use", STR_INIT(HI CAPS "+OK" LINE NEXT "-ERR [IN-USE] later" LINE NEXT), .has_login = true, .want = -E_BUSY, .stage = POP3_CLIENT_AUTH,
	  .said = STR_INIT(ASKED LOGGED "QUIT" LINE) },
	{ "broken there", STR_INIT(HI CAPS "+OK" LINE NEXT "-ERR [SYS/PERM] call" LINE NEXT), .has_login = true, .want = -E_DENIED, .stage = POP3_CLIENT_AUTH,
	  .said = STR_INIT(ASKED LOGGED "QUIT" LINE) },
	{ "no way in", STR_INIT(HI "+OK" LINE "SASL OAUTH" LINE "." LINE NEXT), .has_login = true, .want = -E_CANNOT, .stage = POP3_CLIENT_AUTH,
	  .text_z = "OAUTH", .said = STR_INIT(ASKED "QUIT" LINE) },
	{ "PLAIN", STR_INIT(HI PLAIN "+OK" LINE NEXT "+OK" LINE "USER" LINE "." LINE), .has_login = true, .said = STR_INIT(ASKED "AUTH PLAIN <secret>" LINE ASKED) },
	{ "PLAIN refused", STR_INIT(HI PLAIN "-ERR [AUTH] no" LINE NEXT), .has_login = true, .want = -E_AUTH_FAILED, .stage = POP3_CLIENT_AUTH,
	  .said = STR_INIT(ASKED "AUTH PLAIN <secret>" LINE "QUIT" LINE) },
	{ "PLAIN in use", STR_INIT(HI PLAIN "-ERR [IN-USE] no" LINE NEXT), .has_login = true, .want = -E_BUSY, .stage = POP3_CLIENT_AUTH,
	  .said = STR_INIT(ASKED "AUTH PLAIN <secret>" LINE "QUIT" LINE) },
	{ "LOGIN", STR_INIT(HI "+OK" LINE "SASL LOGIN" LINE "." LINE NEXT "+ VXNlciBOYW1lAA==" LINE NEXT "+ UGFzc3dvcmQA" LINE NEXT "+OK" LINE NEXT CAPS),
	  .has_login = true, .said = STR_INIT(ASKED "AUTH LOGIN" LINE "<secret>" LINE "<secret>" LINE ASKED) },
	{ "SCRAM refused, then PLAIN", STR_INIT(HI "+OK" LINE "SASL PLAIN SCRAM-SHA-256" LINE "." LINE NEXT "-ERR no" LINE NEXT "+OK" LINE NEXT CAPS), .has_login = true,
	  .said = STR_INIT(ASKED "AUTH SCRAM-SHA-256 <secret>" LINE "AUTH PLAIN <secret>" LINE ASKED) },
	{ "SCRAM without proof", STR_INIT(HI "+OK" LINE "SASL SCRAM-SHA-256" LINE "." LINE NEXT "+OK" LINE NEXT), .has_login = true, .want = -E_DENIED,
	  .stage = POP3_CLIENT_AUTH, .text_z = "prove", .said = STR_INIT(ASKED "AUTH SCRAM-SHA-256 <secret>" LINE) },
	{ "a challenge that is none", STR_INIT(HI "+OK" LINE "SASL SCRAM-SHA-256" LINE "." LINE NEXT "+ !!!" LINE NEXT "-ERR" LINE NEXT), .has_login = true,
	  .want = -E_DENIED, .stage = POP3_CLIENT_AUTH, .said = STR_INIT(ASKED "AUTH SCRAM-SHA-256 <secret>" LINE "*" LINE "QUIT" LINE) },
	{ "challenges without end", STR_INIT(HI PLAIN "+ " LINE NEXT "+ " LINE NEXT "-ERR" LINE NEXT), .has_login = true, .want = -E_SYNTAX,
	  .stage = POP3_CLIENT_AUTH, .said = STR_INIT(ASKED "AUTH PLAIN <secret>" LINE "*" LINE "QUIT" LINE) },
	{ "a status that is none", STR_INIT(HI CAPS "OK" LINE NEXT), .has_login = true, .want = -E_SYNTAX, .stage = POP3_CLIENT_AUTH,
	  .said = STR_INIT(ASKED "USER ann" LINE) },
};

static const struct pop3_client_options logged_in = { .user = { "ann", 3 }, .password = { "secret", 6 }, .may_plain = true };

static struct buf said;

/* The stream of a client that is closed has nothing to ask: what was said is traced. */
static void keep_said(void *ctx, bool is_ours, struct str line)
{
	(void)ctx;
	if (!is_ours)
		return;
	buf_add(&said, str_starts(line, S("PASS ")) ? S("PASS secret") : line);
	buf_add(&said, S(LINE));
}

TEST(client_opens)
{
	for (size_t i = 0; i < ARRAY_LEN(open_rows); i++) {
		const struct open_row *row = &open_rows[i];
		struct pop3_client_options o = { .starttls = row->starttls, .may_plain = !row->is_strict, .trace = keep_said };
		enum pop3_client_stage stage = POP3_CLIENT_GREETING;
		struct pop3_client *c = NULL;
		struct fault fault = { "" };

		test_row(row->name_z);
		buf_init(&said, 10000);
		if (row->starttls != NET_STARTTLS_NEVER)
			assert_int_equal(net_stream_tls_new((struct str){ NULL, 0 }, &o.tls, &fault), 0);
		if (row->has_login) {
			o.user = S("ann");
			o.password = S("secret");
		}
		assert_int_equal(pop3_client_open(net_stream_scripted(row->script), &o, &c, &stage, &fault), row->want);
		assert_str_eq(buf_str(&said), row->said.p != NULL ? row->said : S(""));
		if (row->want < 0)
			assert_int_equal(stage, row->stage);
		if (row->text_z != NULL && strstr(fault.text, row->text_z) == NULL)
			assert_string_equal(fault.text, row->text_z);
		pop3_client_close(&c);
		net_stream_tls_free(o.tls);
		buf_fini(&said);
	}
}

/* RFC 2449 6. */
TEST(client_capabilities)
{
	struct pop3_client_options o = { 0 };
	enum pop3_client_stage stage;
	struct pop3_client *c = NULL;
	const struct pop3_client_caps *caps;

	assert_int_equal(pop3_client_open(net_stream_scripted(S("+OK hi\x01 there" LINE NEXT "+OK" LINE "SASL PLAIN LOGIN" LINE "STLS" LINE "EXPIRE NEVER" LINE
							   "RESP-CODES" LINE "IMPLEMENTATION Some Thing" LINE "X\x1b[2J" LINE "." LINE)),
					  &o, &c, &stage, NULL), 0);
	caps = pop3_client_caps(c);
	assert_true(caps->is_told && caps->has_stls && caps->has_resp_codes);
	assert_false(caps->has_user || caps->has_uidl || caps->has_top || caps->has_pipelining);
	assert_str_eq(caps->auth, S("PLAIN LOGIN"));
	assert_str_eq(caps->implementation, S("Some Thing"));
	assert_str_eq(caps->all, S("SASL PLAIN LOGIN STLS EXPIRE NEVER RESP-CODES IMPLEMENTATION Some Thing X?[2J"));
	assert_true(caps->expire_days == INT64_MAX);
	assert_str_eq(pop3_client_greeting(c), S("hi? there"));
	pop3_client_close(&c);
}

/* ---- messages ---- */

#define READY HI CAPS IN
/* Without PIPELINING. */
#define READY_SLOW HI "-ERR" LINE NEXT IN

static struct pop3_client *opened(struct str script)
{
	enum pop3_client_stage stage;
	struct pop3_client *c = NULL;
	struct fault fault = { "" };

	if (pop3_client_open(net_stream_scripted(script), &logged_in, &c, &stage, &fault) < 0)
		fail_msg("%s", fault.text);
	(void)net_stream_scripted_said(c->s);
	return c;
}

struct list_row {
	const char *name_z;
	struct str script;
	int want;
	size_t n;
	const char *shown_z; /* "number:size:uidl ..." */
};

/* RFC 1939 5, 7. */
static const struct list_row list_rows[] = {
	{ "empty", STR_INIT(READY "+OK" LINE "." LINE "+OK" LINE "." LINE), 0, 0, "" },
	{ "two", STR_INIT(READY "+OK" LINE "1 10" LINE "3 20 more" LINE "." LINE "+OK" LINE "1 a" LINE "3 b" LINE "." LINE), 0, 2, "1:10:a 3:20:b " },
	{ "slow", STR_INIT(READY_SLOW "+OK" LINE "1 10" LINE "." LINE NEXT "+OK" LINE "1 a" LINE "." LINE), 0, 1, "1:10:a " },
	{ "no UIDL", STR_INIT(READY "+OK" LINE "1 10" LINE "." LINE "-ERR what" LINE), -E_CANNOT, 1, "1:10: " },
	{ "a name that is none", STR_INIT(READY "+OK" LINE "1 10" LINE "." LINE "+OK" LINE "1 a b" LINE "." LINE), 0, 1, "1:10: " },
	{ "LIST refused", STR_INIT(READY "-ERR" LINE "-ERR" LINE), -E_DENIED, 0, "" },
	{ "number 0", STR_INIT(READY "+OK" LINE "0 10" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "number too large", STR_INIT(READY "+OK" LINE "4294967296 10" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "negative", STR_INIT(READY "+OK" LINE "-1 10" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "no size", STR_INIT(READY "+OK" LINE "1" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "size too large", STR_INIT(READY "+OK" LINE "1 99999999999999999999999" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "twice", STR_INIT(READY "+OK" LINE "1 10" LINE "1 10" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "backwards", STR_INIT(READY "+OK" LINE "2 10" LINE "1 10" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "UIDL of another", STR_INIT(READY "+OK" LINE "1 10" LINE "." LINE "+OK" LINE "2 a" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "UIDL twice", STR_INIT(READY "+OK" LINE "1 10" LINE "." LINE "+OK" LINE "1 a" LINE "1 b" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "UIDL of nothing", STR_INIT(READY "+OK" LINE "." LINE "+OK" LINE "1 a" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "NUL", STR_INIT(READY "+OK" LINE "1 1\0000" LINE "." LINE), -E_SYNTAX, 0, "" },
	{ "cut", STR_INIT(READY "+OK" LINE "1 10" LINE), -E_CLOSED, 0, "" },
	{ "stalls", STR_INIT(READY "+OK" LINE "1 10" LINE NEXT), -E_TIMEOUT, 0, "" },
};

TEST(client_lists)
{
	for (size_t i = 0; i < ARRAY_LEN(list_rows); i++) {
		const struct list_row *row = &list_rows[i];
		struct pop3_client *c = opened(row->script);
		struct pop3_client_message *v = NULL;
		AUTO(arena_fini) struct arena a;
		AUTO(buf_fini) struct buf shown = BUF_INIT(1000);
		size_t n = 0;

		test_row(row->name_z);
		arena_init(&a, 1 << 20);
		assert_int_equal(pop3_client_list(c, &a, &v, &n, NULL), row->want);
		assert_int_equal(n, row->n);
		for (size_t k = 0; k < n; k++)
			buf_printf(&shown, "%u:%llu:%.*s ", v[k].number, (unsigned long long)v[k].size, (int)v[k].uidl.n, v[k].uidl.p);
		assert_str_eq(buf_str(&shown), str_z(row->shown_z));
		assert_true((c->lost < 0) == (row->want < 0 && row->want != -E_CANNOT));
		pop3_client_close(&c);
	}
}

struct body_row {
	const char *name_z;
	struct str script; /* behind "+OK" LINE */
	int want;
	struct str bytes;
};

static const struct body_row body_rows[] = {
	{ "plain", STR_INIT("a" LINE "b" LINE "." LINE), 0, STR_INIT("a" LINE "b" LINE) },
	{ "empty", STR_INIT("." LINE), 0, STR_INIT("") },
	{ "dots", STR_INIT(".." LINE "..." LINE "..x" LINE "x..y" LINE "." LINE), 0, STR_INIT("." LINE ".." LINE ".x" LINE "x..y" LINE) },
	{ "a dot that nobody stuffed", STR_INIT(".x" LINE "." LINE), 0, STR_INIT(".x" LINE) },
	{ "bare LF", STR_INIT("a\nb\n..c" LINE "." LINE), 0, STR_INIT("a\nb\n.c" LINE) },
	{ "no end behind a bare LF", STR_INIT("a\n." LINE "b" LINE "." LINE), 0, STR_INIT("a\n." LINE "b" LINE) },
	{ "no end before a bare LF", STR_INIT("a" LINE ".\nb" LINE "." LINE), 0, STR_INIT("a" LINE ".\nb" LINE) },
	{ "bare CR", STR_INIT("a\rb\r\r" LINE "." LINE), 0, STR_INIT("a\rb\r\r" LINE) },
	{ "NUL and more", STR_INIT("a\000b\377" LINE "." LINE), 0, STR_INIT("a\000b\377" LINE) },
	{ "cut", STR_INIT("a" LINE "."), -E_CLOSED, STR_INIT("") },
	{ "cut before", STR_INIT("a"), -E_CLOSED, STR_INIT("") },
	{ "stalls", STR_INIT("a" LINE NEXT), -E_TIMEOUT, STR_INIT("") },
};

/* The answer comes in two pieces, with a cut at each place: the first was read before. */
static void check_body(const struct body_row *row)
{
	AUTO(buf_fini) struct buf answer = BUF_INIT(10000);

	buf_add(&answer, S("+OK" LINE));
	buf_add(&answer, row->script);
	for (size_t cut = 0; cut < answer.n; cut++) {
		AUTO(buf_fini) struct buf script = BUF_INIT(10000);
		AUTO(buf_fini) struct buf out = BUF_INIT(10000);
		struct pop3_client *c;

		buf_add(&script, S(READY));
		buf_add(&script, str_skip(buf_str(&answer), cut));
		c = opened(buf_str(&script));
		buf_add(&c->in, str_head(buf_str(&answer), cut));
		assert_int_equal(pop3_client_ask(c, 1, -1, NULL), 0);
		assert_int_equal(pop3_client_take(c, &out, NULL), row->want);
		if (row->want == 0)
			assert_str_eq(buf_str(&out), row->bytes);
		pop3_client_close(&c);
	}
}

TEST(client_takes_messages)
{
	for (size_t i = 0; i < ARRAY_LEN(body_rows); i++) {
		test_row(body_rows[i].name_z);
		check_body(&body_rows[i]);
	}
}

TEST(client_pipelines)
{
	struct pop3_client *c = opened(S(READY "+OK" LINE "a" LINE "." LINE "-ERR gone" LINE "+OK" LINE "ccccccc" LINE "." LINE "+OK" LINE "d" LINE "." LINE));
	AUTO(buf_fini) struct buf out = BUF_INIT(4);
	struct fault fault;

	for (uint32_t i = 1; i <= 4; i++)
		assert_int_equal(pop3_client_ask(c, i, i == 4 ? 0 : -1, NULL), 0);
	assert_int_equal(pop3_client_take(c, &out, NULL), 0);
	assert_str_eq(buf_str(&out), S("a" LINE));
	buf_reset(&out);
	assert_int_equal(pop3_client_take(c, &out, &fault), -E_NOT_FOUND);
	assert_non_null(strstr(fault.text, "gone"));
	assert_int_equal(pop3_client_take(c, &out, NULL), -E_TOO_BIG);
	buf_reset(&out);
	assert_int_equal(pop3_client_take(c, &out, NULL), 0);
	assert_str_eq(buf_str(&out), S("d" LINE));
	assert_true(str_ends(net_stream_scripted_said(c->s), S("RETR 1" LINE "RETR 2" LINE "RETR 3" LINE "TOP 4 0" LINE)));
	pop3_client_close(&c);
}

/* RFC 1939 6: nothing is gone before QUIT is answered. */
TEST(client_deletes)
{
	static const uint32_t numbers[] = { 1, 2, 5 };
	struct pop3_client *c = opened(S(READY "+OK" LINE "+OK" LINE "+OK" LINE NEXT "+OK bye" LINE));
	struct fault fault;

	assert_int_equal(pop3_client_dele(c, numbers, 3, NULL), 0);
	assert_int_equal(pop3_client_quit(&c, NULL), 0);
	assert_null(c);
	c = opened(S(READY "+OK" LINE "-ERR no" LINE "+OK" LINE NEXT "-ERR some not deleted" LINE));
	assert_int_equal(pop3_client_dele(c, numbers, 3, &fault), -E_CANNOT);
	assert_non_null(strstr(fault.text, "message 2: no"));
	assert_int_equal(pop3_client_quit(&c, NULL), -E_CANNOT);
	c = opened(S(READY "+OK" LINE));
	assert_int_equal(pop3_client_dele(c, numbers, 3, NULL), -E_CLOSED);
	assert_int_equal(pop3_client_quit(&c, NULL), -E_CLOSED);
}

/* ---- who sends without end ---- */

/* head, then n lines, or numbers. */
static int list_of(struct str head, struct str line, size_t n)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(256u << 20);
	AUTO(arena_fini) struct arena a;
	enum pop3_client_stage stage;
	struct pop3_client *c = NULL;
	struct pop3_client_message *v;
	size_t n_v;
	int r;

	arena_init(&a, 256u << 20);
	buf_add(&script, head);
	for (size_t i = 1; i <= n; i++) {
		if (line.n > 0)
			buf_add(&script, line);
		else
			buf_printf(&script, "%zu 1\r\n", i);
	}
	r = pop3_client_open(net_stream_scripted(buf_str(&script)), &logged_in, &c, &stage, NULL);
	if (r == 0)
		r = pop3_client_list(c, &a, &v, &n_v, NULL);
	pop3_client_close(&c);
	return r;
}

TEST(client_bounds)
{
	assert_int_equal(list_of(S(HI "+OK" LINE), S("X-AND-ON" LINE), 10000), -E_LIMIT);
	assert_int_equal(list_of(S("+OK "), S("and on "), 10000), -E_SYNTAX);
	assert_int_equal(list_of(S(READY "+OK" LINE), S(""), LIMIT_POP3_CLIENT_MESSAGES + 1), -E_LIMIT);
	assert_int_equal(list_of(S(READY "+OK" LINE "1 1" LINE "." LINE "+OK" LINE), S("1 \t" LINE), 10000), -E_SYNTAX);
}

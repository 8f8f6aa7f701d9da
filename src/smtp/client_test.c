/* SPDX-License-Identifier: MIT */
/*
 * The client against servers of memory (net_stream_scripted): each row is what a server says, and what must come of it. Most of them
 * lie, stall, stumble or leave.
 */
#include "smtp/client_test.h"

#include <pthread.h>
#include <unistd.h>

/* ---- replies ---- */

TEST(client_reply_lines)
{
	static const struct {
		struct str line;
		int code; /* 0: none */
		bool is_last;
		struct str text;
	} rows[] = {
		{ STR_INIT("250 ok"), 250, true, STR_INIT("ok") }, { STR_INIT("250-ok"), 250, false, STR_INIT("ok") },
		{ STR_INIT("250"), 250, true, STR_INIT("") }, { STR_INIT("250 "), 250, true, STR_INIT("") },
		{ STR_INIT("571 no"), 571, true, STR_INIT("no") }, { STR_INIT("599-"), 599, false, STR_INIT("") },
		{ STR_INIT(""), 0, 0, STR_INIT("") }, { STR_INIT("25"), 0, 0, STR_INIT("") }, { STR_INIT("2500"), 0, 0, STR_INIT("") },
		{ STR_INIT("250ok"), 0, 0, STR_INIT("") }, { STR_INIT("150 x"), 0, 0, STR_INIT("") },
		{ STR_INIT("650 x"), 0, 0, STR_INIT("") }, { STR_INIT("2x0 x"), 0, 0, STR_INIT("") },
		{ STR_INIT(" 250 x"), 0, 0, STR_INIT("") }, { STR_INIT("250\tx"), 0, 0, STR_INIT("") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int code = 0;
		bool is_last = false;
		struct str text = S("");

		test_row(rows[i].line.p);
		assert_int_equal(smtp_client_reply_line(rows[i].line, &code, &is_last, &text), rows[i].code != 0);
		assert_int_equal(code, rows[i].code);
		assert_int_equal(is_last, rows[i].is_last);
		assert_str_eq(text, rows[i].text);
	}
}

/* ---- opening ---- */

struct open_row {
	const char *name_z;
	struct str script;
	enum net_starttls starttls;
	bool is_lmtp, has_login, may_plain;
	int want, code;
	enum smtp_client_stage stage; /* of a failure */
	const char *text_z;           /* the reply's */
	enum smtp_client_tls_state tls;
	struct str said;              /* to the end of a failure, secrets masked */
};

#define HI "220 mx.example ESMTP" LINE NEXT
#define AS_EHLO "EHLO me.example" LINE
#define QUIT "QUIT" LINE

/* RFC 5321 3.1, 3.2, 4.1.1.10, 4.3.2; RFC 3207 4; RFC 4954 4; RFC 2033 4.1. */
static const struct open_row open_rows[] = {
	{ "good", STR_INIT(HI "250 mx.example" LINE NEXT), .said = STR_INIT(AS_EHLO) },
	{ "several lines", STR_INIT("220-mx" LINE "220-a" LINE "220 b" LINE NEXT "250-mx" LINE "250 SIZE" LINE NEXT),
	  .said = STR_INIT(AS_EHLO) },
	{ "refuses everybody", STR_INIT("554 5.7.1 go away" LINE), .want = -E_DENIED, .stage = SMTP_CLIENT_GREETING, .code = 554,
	  .text_z = "go away", .said = STR_INIT(QUIT) },
	{ "521", STR_INIT("521 no mail here" LINE), .want = -E_DENIED, .stage = SMTP_CLIENT_GREETING, .code = 521, .text_z = "no mail here",
	  .said = STR_INIT(QUIT) },
	{ "421 at once", STR_INIT("421 4.3.2 busy" LINE), .want = -E_DENIED, .stage = SMTP_CLIENT_GREETING, .code = 421, .text_z = "busy" },
	{ "closes at once", STR_INIT(""), .want = -E_CLOSED, .stage = SMTP_CLIENT_GREETING, .text_z = "the peer closed the connection" },
	{ "says nothing", STR_INIT(NEXT), .want = -E_TIMEOUT, .stage = SMTP_CLIENT_GREETING, .text_z = "timed out" },
	{ "half a line", STR_INIT("220 mx"), .want = -E_CLOSED, .stage = SMTP_CLIENT_GREETING, .text_z = "the peer closed the connection" },
	{ "is no SMTP", STR_INIT("SSH-2.0-x\x01" LINE), .want = -E_SYNTAX, .stage = SMTP_CLIENT_GREETING,
	  .text_z = "the server sent what is no SMTP reply: SSH-2.0-x?" },
	{ "asks for a message", STR_INIT("354 go" LINE), .want = -E_SYNTAX, .stage = SMTP_CLIENT_GREETING,
	  .text_z = "the server answered the connection with 354" },
	{ "of old times", STR_INIT(HI "502 what?" LINE NEXT "250 hi" LINE NEXT), .said = STR_INIT(AS_EHLO "HELO me.example" LINE) },
	{ "refuses HELO too", STR_INIT(HI "500 what?" LINE NEXT "550 no" LINE NEXT), .want = -E_DENIED, .stage = SMTP_CLIENT_HELO,
	  .code = 550, .text_z = "no", .said = STR_INIT(AS_EHLO "HELO me.example" LINE QUIT) },
	{ "EHLO later", STR_INIT(HI "450 4.7.1 wait" LINE NEXT), .want = -E_DENIED, .stage = SMTP_CLIENT_HELO, .code = 450,
	  .text_z = "wait", .said = STR_INIT(AS_EHLO QUIT) },
	{ "421 to EHLO", STR_INIT(HI "421 bye" LINE NEXT), .want = -E_DENIED, .stage = SMTP_CLIENT_HELO, .code = 421, .text_z = "bye",
	  .said = STR_INIT(AS_EHLO) },
	{ "closes on EHLO", STR_INIT(HI), .want = -E_CLOSED, .stage = SMTP_CLIENT_HELO, .text_z = "the peer closed the connection",
	  .said = STR_INIT(AS_EHLO) },
	{ "LMTP", STR_INIT(HI "250 hi" LINE NEXT), .is_lmtp = true, .said = STR_INIT("LHLO me.example" LINE) },
	{ "LMTP has no HELO", STR_INIT(HI "500 what?" LINE NEXT), .is_lmtp = true, .want = -E_DENIED, .stage = SMTP_CLIENT_HELO,
	  .code = 500, .text_z = "what?", .said = STR_INIT("LHLO me.example" LINE QUIT) },
	{ "no STARTTLS", STR_INIT(HI "250 hi" LINE NEXT), .starttls = NET_STARTTLS_ALWAYS, .want = -E_CANNOT, .stage = SMTP_CLIENT_TLS,
	  .text_z = "the server does not offer STARTTLS", .said = STR_INIT(AS_EHLO QUIT), .tls = SMTP_CLIENT_TLS_NOT_THERE },
	{ "STARTTLS refused, wanted", STR_INIT(HI "250-hi" LINE "250 STARTTLS" LINE NEXT "454 4.7.0 no" LINE NEXT),
	  .starttls = NET_STARTTLS_ALWAYS, .want = -E_DENIED, .stage = SMTP_CLIENT_TLS, .code = 454, .text_z = "no",
	  .said = STR_INIT(AS_EHLO "STARTTLS" LINE QUIT), .tls = SMTP_CLIENT_TLS_NOT_THERE },
	{ "STARTTLS refused, if offered", STR_INIT(HI "250-hi" LINE "250 STARTTLS" LINE NEXT "454 no" LINE NEXT),
	  .starttls = NET_STARTTLS_IF_OFFERED, .said = STR_INIT(AS_EHLO "STARTTLS" LINE), .tls = SMTP_CLIENT_TLS_NOT_THERE },
	{ "421 to STARTTLS", STR_INIT(HI "250-hi" LINE "250 STARTTLS" LINE NEXT "421 no" LINE NEXT),
	  .starttls = NET_STARTTLS_IF_OFFERED, .want = -E_DENIED, .stage = SMTP_CLIENT_TLS, .code = 421, .text_z = "no",
	  .said = STR_INIT(AS_EHLO "STARTTLS" LINE), .tls = SMTP_CLIENT_TLS_NOT_THERE },
	{ "354 to STARTTLS", STR_INIT(HI "250-hi" LINE "250 STARTTLS" LINE NEXT "354 no" LINE NEXT),
	  .starttls = NET_STARTTLS_IF_OFFERED, .want = -E_SYNTAX, .stage = SMTP_CLIENT_TLS,
	  .text_z = "the server answered STARTTLS with 354", .said = STR_INIT(AS_EHLO "STARTTLS" LINE), .tls = SMTP_CLIENT_TLS_NOT_THERE },
	{ "injected before TLS", STR_INIT(HI "250-hi" LINE "250 STARTTLS" LINE NEXT "220 go" LINE "250-x" LINE "250 AUTH PLAIN" LINE NEXT),
	  .starttls = NET_STARTTLS_IF_OFFERED, .want = -E_TLS, .stage = SMTP_CLIENT_TLS,
	  .text_z = "the peer sent something between its reply and TLS", .said = STR_INIT(AS_EHLO "STARTTLS" LINE), .tls = SMTP_CLIENT_TLS_FAILED },
	{ "no password in the clear", STR_INIT(HI "250-hi" LINE "250 AUTH PLAIN SCRAM-SHA-256" LINE NEXT), .has_login = true,
	  .want = -E_CANNOT, .stage = SMTP_CLIENT_AUTH,
	  .text_z = "no password is sent without TLS and a certificate that verifies", .said = STR_INIT(AS_EHLO QUIT) },
	{ "AUTH PLAIN", STR_INIT(HI "250-hi" LINE "250 AUTH LOGIN PLAIN" LINE NEXT "235 2.7.0 hello" LINE NEXT), .has_login = true,
	  .may_plain = true, .said = STR_INIT(AS_EHLO "AUTH PLAIN AGFubgBzZWNyZXQ=" LINE) },
	{ "AUTH LOGIN", STR_INIT(HI "250-hi" LINE "250 AUTH=LOGIN" LINE NEXT "334 VXNlcm5hbWU6" LINE NEXT "334 UGFzc3dvcmQ6" LINE NEXT
				 "235 ok" LINE NEXT), .has_login = true, .may_plain = true,
	  .said = STR_INIT(AS_EHLO "AUTH LOGIN" LINE "YW5u" LINE "c2VjcmV0" LINE) },
	{ "wrong password", STR_INIT(HI "250-hi" LINE "250 AUTH PLAIN" LINE NEXT "535 5.7.8 wrong" LINE NEXT), .has_login = true,
	  .may_plain = true, .want = -E_DENIED, .stage = SMTP_CLIENT_AUTH, .code = 535, .text_z = "wrong",
	  .said = STR_INIT(AS_EHLO "AUTH PLAIN <secret>" LINE QUIT) },
	{ "PLAIN goes on for ever", STR_INIT(HI "250-hi" LINE "250 AUTH PLAIN" LINE NEXT "334 " LINE NEXT "334 " LINE NEXT "334 " LINE NEXT
				       "334 " LINE NEXT "334 " LINE NEXT "334 " LINE NEXT "334 " LINE NEXT "334 " LINE NEXT "334 " LINE NEXT),
	  .has_login = true, .may_plain = true, .want = -E_SYNTAX, .stage = SMTP_CLIENT_AUTH,
	  .text_z = "the server answered AUTH with 334",
	  .said = STR_INIT(AS_EHLO "AUTH PLAIN <secret>" LINE "*" LINE) },
	{ "SCRAM without a proof", STR_INIT(HI "250-hi" LINE "250 AUTH SCRAM-SHA-1" LINE NEXT "235 hello" LINE NEXT), .has_login = true,
	  .may_plain = true, .want = -E_DENIED, .stage = SMTP_CLIENT_AUTH,
	  .text_z = "the server said that the login succeeded, and did not prove that it knows the password",
	  .said = STR_INIT(AS_EHLO "AUTH SCRAM-SHA-1 <secret>" LINE) },
	{ "SCRAM of another one", STR_INIT(HI "250-hi" LINE "250 AUTH SCRAM-SHA-1" LINE NEXT "334 cj14LHM9YSxpPTQwOTY=" LINE NEXT
					   "501 cancelled" LINE NEXT), .has_login = true, .may_plain = true, .want = -E_DENIED,
	  .stage = SMTP_CLIENT_AUTH, .code = 501, .text_z = "cancelled",
	  .said = STR_INIT(AS_EHLO "AUTH SCRAM-SHA-1 <secret>" LINE "*" LINE QUIT) },
	{ "SCRAM and PLAIN refused", STR_INIT(HI "250-hi" LINE "250 AUTH SCRAM-SHA-1 PLAIN" LINE NEXT "535 no" LINE NEXT "535 no" LINE NEXT),
	  .has_login = true, .may_plain = true, .want = -E_DENIED, .stage = SMTP_CLIENT_AUTH, .code = 535, .text_z = "no",
	  .said = STR_INIT(AS_EHLO "AUTH SCRAM-SHA-1 <secret>" LINE "AUTH PLAIN <secret>" LINE QUIT) },
	{ "no AUTH", STR_INIT(HI "250 hi" LINE NEXT), .has_login = true, .may_plain = true, .want = -E_CANNOT, .stage = SMTP_CLIENT_AUTH,
	  .text_z = "the server offers no way to log in that we know (no AUTH)", .said = STR_INIT(AS_EHLO QUIT) },
	{ "unknown AUTH", STR_INIT(HI "250-hi" LINE "250 AUTH GSSAPI PLAINEST" LINE NEXT), .has_login = true, .may_plain = true,
	  .want = -E_CANNOT, .stage = SMTP_CLIENT_AUTH,
	  .text_z = "the server offers no way to log in that we know (GSSAPI PLAINEST)", .said = STR_INIT(AS_EHLO QUIT) },
};

static struct smtp_client_options options_of(const struct open_row *r)
{
	static char no_tls; /* never looked at: a scripted stream has none */

	return (struct smtp_client_options){
		.helo_z = "me.example",
		.is_lmtp = r->is_lmtp,
		.starttls = r->starttls,
		.tls = (struct net_stream_tls *)(void *)&no_tls,
		.user = r->has_login ? S("ann") : S(""),
		.password = S("secret"),
		.may_plain = r->may_plain,
	};
}

/* The stream of a failure is gone: what was said is in the trace, without secrets. */
static void note_ours(void *ctx, bool is_ours, struct str line)
{
	if (is_ours)
		buf_printf(ctx, "%" STR_FMT LINE, STR_ARG(line));
}

TEST(client_open)
{
	for (size_t i = 0; i < ARRAY_LEN(open_rows); i++) {
		const struct open_row *r = &open_rows[i];
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct smtp_client_options o = options_of(r);
		struct smtp_client *c = NULL;
		struct smtp_client_reply reply = { 0 };
		enum smtp_client_stage stage;
		struct smtp_client_tls seen = { 0 };
		AUTO(buf_fini) struct buf said = BUF_INIT(65536);

		test_row(r->name_z);
		o.seen = &seen;
		o.trace = note_ours;
		o.trace_ctx = &said;
		assert_int_equal(smtp_client_open(net_stream_scripted(r->script), &o, &a, &c, &stage, &reply), r->want);
		assert_int_equal(seen.state, r->tls);
		if (r->want == 0) {
			assert_str_eq(net_stream_scripted_said(smtp_client_stream(c)), r->said);
			smtp_client_close(&c);
			continue;
		}
		assert_null(c);
		assert_int_equal(stage, r->stage);
		assert_int_equal(reply.code, r->code);
		assert_str_eq(reply.text, str_z(r->text_z));
		assert_str_eq(buf_str(&said), r->said);
	}
}

/* A greeting of megabytes, in lines and in one line; a reply of too many lines. */
TEST(client_replies_have_bounds)
{
	AUTO(buf_fini) struct buf many = BUF_INIT(4u << 20);
	AUTO(buf_fini) struct buf one = BUF_INIT(4u << 20);
	struct str scripts[2];

	for (int i = 0; i < 40000; i++) {
		buf_add(&many, S("220-welcome to the world of mail\r\n"));
		buf_add(&one, S("220 welcome to the world of mail "));
	}
	scripts[0] = buf_str(&many);
	scripts[1] = buf_str(&one);
	for (int i = 0; i < 2; i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct smtp_client_options o = { .helo_z = "me" };
		struct smtp_client *c = NULL;
		struct smtp_client_reply reply;
		enum smtp_client_stage stage;

		assert_int_equal(smtp_client_open(net_stream_scripted(scripts[i]), &o, &a, &c, &stage, &reply), -E_SYNTAX);
		assert_str_eq(reply.text, i == 0 ? S("the server sends a reply without end") : S("the peer sends a line that is too long"));
	}
}

/* ---- sending ---- */

static const struct send_row send_rows[] = {
	{ "grouped", IN_GROUP, STR_INIT(OK OK GO NEXT "250 2.0.0 queued as 1" LINE NEXT), 1, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "queued as 1", "2.0.0" } }, STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	{ "one by one", "HELP", STR_INIT(OK NEXT OK NEXT GO NEXT "250 taken" LINE NEXT), 1, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "taken", "" } }, STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	{ "LMTP, nobody, and 354", IN_GROUP, STR_INIT(OK NO GO NEXT NEXT), 1, true, TEXT, -E_SYNTAX, { { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "251 is good too", IN_GROUP, STR_INIT(OK "251 will forward" LINE GO NEXT OK NEXT), 1, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" } }, STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	{ "some refused", IN_GROUP, STR_INIT(OK OK NO "450 4.2.0 later" LINE GO NEXT OK NEXT), 3, 0, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" },
	    { 450, SMTP_CLIENT_RCPT, "later", "4.2.0" } }, STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA BODY "." LINE) },
	/* RFC 2920 3.1: a server that takes nobody and wants the message gets an empty one. */
	{ "nobody, 354", IN_GROUP, STR_INIT(OK NO NO GO NEXT "554 no recipients" LINE NEXT), 2, 0, TEXT, 0,
	  { { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" }, { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA "." LINE) },
	{ "nobody, takes the empty one", IN_GROUP, STR_INIT(OK NO GO NEXT OK NEXT), 1, 0, TEXT, 0,
	  { { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" } }, STR_INIT(MAIL RCPT(0) DATA "." LINE) },
	{ "nobody, 503", IN_GROUP, STR_INIT(OK NO "503 5.5.1 no" LINE NEXT), 1, 0, TEXT, 0, { { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "nobody, 250 to DATA", IN_GROUP, STR_INIT(OK NO OK NEXT), 1, 0, TEXT, -E_SYNTAX,
	  { { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "nobody, one by one", "", STR_INIT(OK NEXT NO NEXT), 1, 0, TEXT, 0, { { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" } },
	  STR_INIT(MAIL RCPT(0)) },
	{ "sender refused", IN_GROUP, STR_INIT("550 5.7.1 spam" LINE "503 a" LINE "503 b" LINE "503 c" LINE NEXT), 2, 0, TEXT, 0,
	  { { 550, SMTP_CLIENT_MAIL, "spam", "5.7.1" }, { 550, SMTP_CLIENT_MAIL, "spam", "5.7.1" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA) },
	{ "sender refused, recipients taken", IN_GROUP, STR_INIT("451 x" LINE OK GO NEXT "503 y" LINE NEXT), 1, 0, TEXT, 0,
	  { { 451, SMTP_CLIENT_MAIL, "x", "" } }, STR_INIT(MAIL RCPT(0) DATA "." LINE) },
	{ "sender refused, one by one", "", STR_INIT("451 4.7.1 x" LINE NEXT), 2, 0, TEXT, 0,
	  { { 451, SMTP_CLIENT_MAIL, "x", "4.7.1" }, { 451, SMTP_CLIENT_MAIL, "x", "4.7.1" } }, STR_INIT(MAIL) },
	{ "DATA refused", IN_GROUP, STR_INIT(OK OK NO "451 4.3.0 no disk" LINE NEXT), 2, 0, TEXT, 0,
	  { { 451, SMTP_CLIENT_DATA, "no disk", "4.3.0" }, { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) DATA) },
	{ "message refused", IN_GROUP, STR_INIT(OK OK GO NEXT "554-5.6.0 line one" LINE "554 5.6.0 line two" LINE NEXT), 1, 0, TEXT, 0,
	  { { 554, SMTP_CLIENT_END, "line one\nline two", "5.6.0" } }, STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	{ "250 to DATA", IN_GROUP, STR_INIT(OK OK OK NEXT OK NEXT), 1, 0, TEXT, -E_SYNTAX,
	  { { 0, SMTP_CLIENT_DATA, "the server answered DATA with 250", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "354 to everything", IN_GROUP, STR_INIT(GO GO GO NEXT GO NEXT GO NEXT), 1, 0, TEXT, -E_SYNTAX,
	  { { 0, SMTP_CLIENT_MAIL, "the server answered MAIL with 354", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "354 to the end", IN_GROUP, STR_INIT(OK OK GO NEXT GO NEXT), 1, 0, TEXT, -E_SYNTAX,
	  { { 0, SMTP_CLIENT_END, "the server answered the end of the message with 354", "" } },
	  STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	/* One reply too many: the last 250 is none for a message that has not been sent. */
	{ "a reply too many", IN_GROUP, STR_INIT(OK OK GO OK NEXT OK NEXT), 1, 0, TEXT, -E_SYNTAX,
	  { { 0, SMTP_CLIENT_DATA, "the server answered with 250 before the message was over", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "refused before it was over", IN_GROUP, STR_INIT(OK OK GO "552 5.3.4 too big" LINE NEXT), 1, 0, TEXT, -E_CLOSED,
	  { { 552, SMTP_CLIENT_DATA, "too big", "5.3.4" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "421 to MAIL", IN_GROUP, STR_INIT("421 4.3.2 bye" LINE), 2, 0, TEXT, -E_CLOSED,
	  { { 421, SMTP_CLIENT_MAIL, "bye", "4.3.2" }, { 421, SMTP_CLIENT_MAIL, "bye", "4.3.2" } }, STR_INIT(MAIL RCPT(0) RCPT(1) DATA) },
	{ "421 to a recipient", IN_GROUP, STR_INIT(OK OK NO "421 bye" LINE), 3, 0, TEXT, -E_CLOSED,
	  { { 421, SMTP_CLIENT_RCPT, "bye", "" }, { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" }, { 421, SMTP_CLIENT_RCPT, "bye", "" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA) },
	{ "421 to DATA", IN_GROUP, STR_INIT(OK OK "421 bye" LINE), 1, 0, TEXT, -E_CLOSED, { { 421, SMTP_CLIENT_DATA, "bye", "" } },
	  STR_INIT(MAIL RCPT(0) DATA) },
	{ "421 to the end", IN_GROUP, STR_INIT(OK OK GO NEXT "421 bye" LINE), 1, 0, TEXT, -E_CLOSED,
	  { { 421, SMTP_CLIENT_END, "bye", "" } }, STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	{ "leaves after MAIL", IN_GROUP, STR_INIT(OK), 1, 0, TEXT, -E_CLOSED,
	  { { 0, SMTP_CLIENT_RCPT, "the peer closed the connection", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "leaves after 354", IN_GROUP, STR_INIT(OK OK GO), 1, 0, TEXT, -E_CLOSED,
	  { { 0, SMTP_CLIENT_DATA, "the peer closed the connection", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "leaves after the end", IN_GROUP, STR_INIT(OK OK GO NEXT), 1, 0, TEXT, -E_CLOSED,
	  { { 0, SMTP_CLIENT_END, "the peer closed the connection", "" } }, STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	{ "stalls after the end", IN_GROUP, STR_INIT(OK OK GO NEXT NEXT), 1, 0, TEXT, -E_TIMEOUT,
	  { { 0, SMTP_CLIENT_END, "timed out", "" } }, STR_INIT(MAIL RCPT(0) DATA BODY "." LINE) },
	{ "answers RCPT late", IN_GROUP, STR_INIT(OK NEXT NO NEXT), 1, 0, TEXT, -E_TIMEOUT,
	  { { 0, SMTP_CLIENT_RCPT, "timed out", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "code out of range", IN_GROUP, STR_INIT(OK "650 ok" LINE GO NEXT), 1, 0, TEXT, -E_SYNTAX,
	  { { 0, SMTP_CLIENT_RCPT, "the server sent what is no SMTP reply: 650 ok", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "an empty line", IN_GROUP, STR_INIT(OK LINE OK GO NEXT), 1, 0, TEXT, -E_SYNTAX,
	  { { 0, SMTP_CLIENT_RCPT, "the server sent what is no SMTP reply: ", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "wrapped lines", IN_GROUP, STR_INIT(OK "550-5.7.1 this was" LINE "wrapped" LINE "550 5.7.1 end\x07\xff\xc3\xa4\xc2\x85" LINE
					      "503 x" LINE NEXT), 1, 0, TEXT, 0,
	  { { 550, SMTP_CLIENT_RCPT, "this was\nwrapped\nend??\xc3\xa4??", "5.7.1" } }, STR_INIT(MAIL RCPT(0) DATA) },
	{ "another class", IN_GROUP, STR_INIT(OK "550 2.1.5 hm" LINE "503 x" LINE NEXT), 1, 0, TEXT, 0,
	  { { 550, SMTP_CLIENT_RCPT, "2.1.5 hm", "" } }, STR_INIT(MAIL RCPT(0) DATA) },
	/* RFC 5321 4.5.2. */
	{ "dots", IN_GROUP, STR_INIT(OK OK GO NEXT OK NEXT), 1, 0,
	  { .reverse_path = STR_INIT("a@b.example"), .bytes = STR_INIT("." LINE "..x" LINE "x." LINE "." LINE) }, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" } }, STR_INIT(MAIL RCPT(0) DATA ".." LINE "...x" LINE "x." LINE ".." LINE "." LINE) },
	{ "no last line end", IN_GROUP, STR_INIT(OK OK GO NEXT OK NEXT), 1, 0, { .bytes = STR_INIT("x" LINE ".y") }, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" } }, STR_INIT("MAIL FROM:<>" LINE RCPT(0) DATA "x" LINE "..y" LINE "." LINE) },
	{ "empty", IN_GROUP, STR_INIT(OK OK GO NEXT OK NEXT), 1, 0, { .bytes = STR_INIT("") }, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" } }, STR_INIT("MAIL FROM:<>" LINE RCPT(0) DATA "." LINE) },
	/* RFC 2033 4.2: a reply for each that was taken. */
	{ "LMTP", IN_GROUP, STR_INIT(OK OK NO OK GO NEXT OK "452 4.2.2 full" LINE NEXT), 3, true, TEXT, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 550, SMTP_CLIENT_RCPT, "unknown", "5.1.1" }, { 452, SMTP_CLIENT_END, "full", "4.2.2" } },
	  STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA BODY "." LINE) },
	{ "LMTP leaves in between", IN_GROUP, STR_INIT(OK OK OK OK GO NEXT OK NO), 3, true, TEXT, -E_CLOSED,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" }, { 550, SMTP_CLIENT_END, "unknown", "5.1.1" },
	    { 0, SMTP_CLIENT_END, "the peer closed the connection", "" } }, STR_INIT(MAIL RCPT(0) RCPT(1) RCPT(2) DATA BODY "." LINE) },
	/* RFC 3030 2: as it is. */
	{ "binary", "PIPELINING" LINE "250-CHUNKING" LINE "250-BINARYMIME" LINE "250-8BITMIME",
	  STR_INIT(OK OK NEXT OK NEXT), 1, 0, { .bytes = STR_INIT("." LINE ".\n\r\0x"), .is_binary = true, .is_8bit = true }, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT("MAIL FROM:<> BODY=BINARYMIME" LINE RCPT(0) "BDAT 8 LAST" LINE "." LINE ".\n\r\0x") },
	{ "a bare LF goes in a chunk", "PIPELINING" LINE "250-CHUNKING", STR_INIT(OK OK NEXT "554 no" LINE NEXT), 1, 0,
	  { .bytes = STR_INIT("a\nb" LINE) }, 0, { { 554, SMTP_CLIENT_END, "no", "" } },
	  STR_INIT("MAIL FROM:<>" LINE RCPT(0) "BDAT 5 LAST" LINE "a\nb" LINE) },
	{ "chunk answered too early", "PIPELINING" LINE "250-CHUNKING" LINE "250-BINARYMIME", STR_INIT(OK OK OK NEXT OK NEXT), 1, 0,
	  { .bytes = STR_INIT("x"), .is_binary = true }, -E_SYNTAX,
	  { { 0, SMTP_CLIENT_DATA, "the server answered with 250 before the message was over", "" } },
	  STR_INIT("MAIL FROM:<> BODY=BINARYMIME" LINE RCPT(0)) },
	/* RFC 1870 6, RFC 6152 3, RFC 6531 3.4, RFC 3461 4.3, 4.4. */
	{ "parameters", "PIPELINING" LINE "250-SIZE 1000" LINE "250-8BITMIME" LINE "250-SMTPUTF8" LINE "250-DSN",
	  STR_INIT(OK OK GO NEXT OK NEXT), 1, 0,
	  { .reverse_path = STR_INIT("\xc3\xa4@b.example"), .bytes = STR_INIT(BODY), .is_8bit = true, .is_smtputf8 = true,
	    .envid = STR_INIT("QQ314159"), .dsn_ret = QUEUE_RET_HDRS }, 0, { { 250, SMTP_CLIENT_END, "ok", "2.0.0" } },
	  STR_INIT("MAIL FROM:<\xc3\xa4@b.example> SIZE=18 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314159" LINE
		   "RCPT TO:<r0@c.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y" LINE DATA BODY "." LINE) },
	{ "DSN is not offered", IN_GROUP, STR_INIT(OK OK GO NEXT OK NEXT), 1, 0,
	  { .bytes = STR_INIT(BODY), .envid = STR_INIT("QQ314159"), .dsn_ret = QUEUE_RET_FULL }, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" } }, STR_INIT("MAIL FROM:<>" LINE RCPT(0) DATA BODY "." LINE) },
	/* What the server cannot take is not begun. */
	{ "8-bit", IN_GROUP, STR_INIT(""), 1, 0, { .is_8bit = true }, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the message needs 8BITMIME, which the server does not offer", "5.6.3" } }, STR_INIT("") },
	{ "UTF-8", IN_GROUP, STR_INIT(""), 1, 0, { .is_smtputf8 = true }, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the message needs SMTPUTF8, which the server does not offer", "5.6.7" } }, STR_INIT("") },
	{ "binary without chunks", "BINARYMIME", STR_INIT(""), 1, 0, { .is_binary = true }, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the message needs BINARYMIME, which the server does not offer", "5.6.3" } }, STR_INIT("") },
	/* RFC 8689 4.2.1. */
	{ "REQUIRETLS", IN_GROUP, STR_INIT(""), 1, 0, { .reverse_path = STR_INIT("a@b.example"), .is_requiretls = true }, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the message needs REQUIRETLS, which the server does not offer", "5.7.30" } }, STR_INIT("") },
	/* RFC 8689 5: a bounce goes all the same. */
	{ "REQUIRETLS of a bounce", IN_GROUP, STR_INIT(OK OK GO NEXT OK NEXT), 1, 0, { .bytes = STR_INIT(BODY), .is_requiretls = true }, 0,
	  { { 250, SMTP_CLIENT_END, "ok", "2.0.0" } }, STR_INIT("MAIL FROM:<>" LINE RCPT(0) DATA BODY "." LINE) },
	{ "REQUIRETLS without TLS", "REQUIRETLS", STR_INIT(""), 1, 0, { .reverse_path = STR_INIT("a@b.example"), .is_requiretls = true }, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the message needs TLS with a certificate that verifies", "5.7.10" } }, STR_INIT("") },
	{ "too big", "SIZE 17", STR_INIT(""), 1, 0, TEXT, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the message is larger than the server takes", "5.3.4" } }, STR_INIT("") },
	{ "smuggling", IN_GROUP, STR_INIT(""), 1, 0, { .bytes = STR_INIT("a\r\n.\nMAIL FROM:<x>\r\n") }, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the message has a CR or LF that stands alone", "5.6.0" } }, STR_INIT("") },
	{ "smuggling with CR", IN_GROUP, STR_INIT(""), 1, 0, { .bytes = STR_INIT("a\n.\r\n") }, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the message has a CR or LF that stands alone", "5.6.0" } }, STR_INIT("") },
	{ "commands in the sender", IN_GROUP, STR_INIT(""), 1, 0, { .reverse_path = STR_INIT("a@b>\r\nRCPT TO:<x@y") }, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the sender's address cannot be sent", "5.1.7" } }, STR_INIT("") },
	{ "a parameter in the envelope id", IN_GROUP, STR_INIT(""), 1, 0, { .envid = STR_INIT("a b") }, 0,
	  { { 0, SMTP_CLIENT_MAIL, "the envelope id cannot be sent", "5.5.4" } }, STR_INIT("") },
	{ "to nobody", IN_GROUP, STR_INIT(OK OK OK OK NEXT), 0, 0, TEXT, 0, { { 0 } }, STR_INIT("") },
};

TEST(client_send)
{
	for (size_t i = 0; i < ARRAY_LEN(send_rows); i++)
		run_row(&send_rows[i]);
}

/* Several transactions on one connection: what was left open is reset, with the next group. */
TEST(client_sends_again)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected("PIPELINING",
					  S(OK NO "503 x" LINE NEXT OK OK NO "503 x" LINE NEXT OK OK OK GO NEXT OK NEXT OK OK GO NEXT OK NEXT
					    "221 bye" LINE), false, &a);
	const struct smtp_client_message m = TEXT;
	struct smtp_client_rcpt rcpt;

	address(&rcpt, &a, 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(smtp_client_send(c, &m, &rcpt, 1, &a), 0);
		assert_int_equal(rcpt.reply.code, i < 2 ? 550 : 250);
	}
	assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9),
		      S(MAIL RCPT(0) DATA "RSET" LINE MAIL RCPT(0) DATA "RSET" LINE MAIL RCPT(0) DATA BODY "." LINE
			MAIL RCPT(0) DATA BODY "." LINE));
	smtp_client_close(&c);
}

/* RFC 3030 2 says nothing of what a refused BDAT leaves behind; RFC 5321 4.1.1.4 does of DATA. */
TEST(client_resets_after_a_refused_chunk)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected("PIPELINING" LINE "250-CHUNKING",
					  S(OK OK NEXT "452 full" LINE NEXT OK OK OK GO NEXT "452 full" LINE NEXT OK OK GO NEXT OK NEXT), false, &a);
	const struct smtp_client_message chunk = { .bytes = S("a\nb" LINE) }, m = TEXT;
	struct smtp_client_rcpt rcpt;

	address(&rcpt, &a, 0);
	assert_int_equal(smtp_client_send(c, &chunk, &rcpt, 1, &a), 0);
	assert_int_equal(rcpt.reply.code, 452);
	assert_int_equal(smtp_client_send(c, &m, &rcpt, 1, &a), 0);
	assert_int_equal(rcpt.reply.code, 452);
	assert_int_equal(smtp_client_send(c, &m, &rcpt, 1, &a), 0);
	assert_int_equal(rcpt.reply.code, 250);
	assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9),
		      S("MAIL FROM:<>" LINE RCPT(0) "BDAT 5 LAST" LINE "a\nb" LINE "RSET" LINE MAIL RCPT(0) DATA BODY "." LINE
			MAIL RCPT(0) DATA BODY "." LINE));
	smtp_client_close(&c);
}

/* A server that cannot get out of its transaction refuses the next MAIL: that is no refusal of the message. */
TEST(client_hears_no_refusal_after_a_failed_rset)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected("PIPELINING", S(OK NO "503 x" LINE NEXT "502 what" LINE "503 nested" LINE NO NO), false, &a);
	struct smtp_client_rcpt rcpt = { .address = S("x@y.example") };

	assert_int_equal(smtp_client_send(c, &(struct smtp_client_message)TEXT, &rcpt, 1, &a), 0);
	assert_int_equal(smtp_client_send(c, &(struct smtp_client_message)TEXT, &rcpt, 1, &a), -E_SYNTAX);
	assert_str_eq(rcpt.reply.text, S("the server answered RSET with 502")); /* and no 503 */
	smtp_client_close(&c);
}

/* RFC 5321 3.8: a server that has waited too long says so before it is asked. */
TEST(client_sees_that_a_kept_connection_is_over)
{
	static const struct {
		struct str script;
		int want, code;
	} rows[] = {
		{ STR_INIT("421 4.4.2 idle" LINE), -E_CLOSED, 421 },
		{ STR_INIT("250 hm" LINE NEXT), -E_SYNTAX, 0 },
		{ STR_INIT(""), -E_CLOSED, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		AUTO(buf_fini) struct buf script = BUF_INIT(1000);
		const struct smtp_client_message m = TEXT;
		struct smtp_client_rcpt rcpt;
		struct smtp_client *c;

		buf_add(&script, S(OK OK GO NEXT OK));
		buf_add(&script, rows[i].script);
		c = connected("PIPELINING", buf_str(&script), false, &a);
		address(&rcpt, &a, 0);
		assert_int_equal(smtp_client_send(c, &m, &rcpt, 1, &a), 0);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(smtp_client_send(c, &m, &rcpt, 1, &a), rows[i].want);
			assert_int_equal(rcpt.reply.code, rows[i].code);
			assert_int_equal(rcpt.stage, SMTP_CLIENT_MAIL);
		}
		smtp_client_close(&c);
	}
}

/* More recipients than go in one write. */
TEST(client_sends_in_groups)
{
	AUTO(arena_fini) struct arena a = { .cap = 1 << 20 };
	AUTO(buf_fini) struct buf script = BUF_INIT(100000);
	const struct smtp_client_message m = TEXT;
	struct smtp_client_rcpt rcpts[250];
	struct smtp_client *c;
	struct str said;

	for (size_t i = 0; i < 251; i++) {
		buf_add(&script, i % 7 == 3 ? S(NO) : S(OK)); /* 0 is MAIL */
		if (i == 100 || i == 200)
			buf_add(&script, S(NEXT));
	}
	buf_add(&script, S(GO NEXT OK));
	c = connected("PIPELINING", buf_str(&script), false, &a);
	for (size_t i = 0; i < 250; i++)
		address(&rcpts[i], &a, i);
	assert_int_equal(smtp_client_send(c, &m, rcpts, 250, &a), 0);
	for (size_t i = 0; i < 250; i++)
		assert_int_equal(rcpts[i].reply.code, (i + 1) % 7 == 3 ? 550 : 250);
	said = net_stream_scripted_said(smtp_client_stream(c));
	assert_true(str_ends(said, S("RCPT TO:<r249@c.example>" LINE DATA BODY "." LINE)));
	smtp_client_close(&c);
}

static void *drip(void *arg)
{
	const int *fd = arg;
	char sink[4096];

	(void)!send(*fd, "220 mx\r\n", 8, MSG_NOSIGNAL);
	(void)!recv(*fd, sink, sizeof(sink), 0);
	(void)!send(*fd, "250-mx\r\n250 PIPELINING\r\n", 24, MSG_NOSIGNAL);
	(void)!recv(*fd, sink, sizeof(sink), 0);
	while (send(*fd, "250 ok\r\n", 8, MSG_NOSIGNAL) == 8)
		usleep(60000);
	return NULL;
}

/* Each reply comes in its time, and all of them would take too long. */
TEST(client_waits_for_all_replies_only_so_long)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client_options o = { .helo_z = "me", .times = { .mail = 100, .rcpt = 100, .command = 5000, .greeting = 5000 } };
	const struct smtp_client_message m = TEXT;
	struct smtp_client_rcpt rcpts[30];
	struct smtp_client_reply reply;
	enum smtp_client_stage stage;
	struct smtp_client *c = NULL;
	pthread_t thread;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, drip, &fds[1]), 0);
	assert_int_equal(smtp_client_open(net_stream_of_fd(fds[0]), &o, &a, &c, &stage, &reply), 0);
	c->o.times.command = 100;
	for (size_t i = 0; i < 30; i++)
		address(&rcpts[i], &a, i);
	assert_int_equal(smtp_client_send(c, &m, rcpts, 30, &a), -E_TIMEOUT);
	assert_int_equal(rcpts[0].reply.code, 0);
	smtp_client_close(&c);
	pthread_join(thread, NULL);
	close(fds[1]);
}

enum reader { REFUSES_HALFWAY, LEAVES_HALFWAY, STALLS_HALFWAY, READS_SLOWLY };

struct slow {
	int fd;
	enum reader how;
};

/* A server that takes the envelope, and of the message 100 KB. */
static void *read_some(void *arg)
{
	const struct slow *v = arg;
	static const char *const says_z[] = { "220 mx\r\n", "250-mx\r\n250 PIPELINING\r\n", "250 a\r\n250 b\r\n354 go\r\n" };
	char sink[4096], last[5] = "";
	ssize_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(says_z); i++) {
		if (i > 0)
			(void)!recv(v->fd, sink, sizeof(sink), 0);
		(void)!send(v->fd, says_z[i], strlen(says_z[i]), MSG_NOSIGNAL);
	}
	for (size_t got = 0; got < 100000 && n > 0; got += (size_t)n)
		n = recv(v->fd, sink, sizeof(sink), 0);
	if (v->how == REFUSES_HALFWAY)
		(void)!send(v->fd, "552 5.3.4 too big\r\n", 19, MSG_NOSIGNAL);
	while (v->how != LEAVES_HALFWAY && v->how != STALLS_HALFWAY && n > 0) {
		n = recv(v->fd, sink, sizeof(sink), 0);
		for (ssize_t i = n > 5 ? n - 5 : 0; i < n; i++) {
			memmove(last, last + 1, 4);
			last[4] = sink[i];
		}
		if (v->how == READS_SLOWLY && memcmp(last, "\r\n.\r\n", 5) == 0)
			(void)!send(v->fd, "250 taken\r\n", 11, MSG_NOSIGNAL);
	}
	if (v->how != STALLS_HALFWAY)
		shutdown(v->fd, SHUT_RDWR);
	return NULL;
}

/* A message that is larger than what the kernel takes, and servers that do not read it to its end. */
TEST(client_large_messages)
{
	static const struct {
		const char *name_z;
		enum reader how;
		int want, code;
		enum smtp_client_stage stage;
	} rows[] = {
		{ "refuses", REFUSES_HALFWAY, -E_CLOSED, 552, SMTP_CLIENT_DATA },
		{ "leaves", LEAVES_HALFWAY, -E_CLOSED, 0, SMTP_CLIENT_DATA },
		{ "stalls", STALLS_HALFWAY, -E_TIMEOUT, 0, SMTP_CLIENT_DATA },
		{ "takes it", READS_SLOWLY, 0, 250, SMTP_CLIENT_END },
	};
	AUTO(buf_fini) struct buf bytes = BUF_INIT(4u << 20);

	for (int i = 0; i < 50000; i++)
		buf_add(&bytes, i % 3 ? S("a line of a message that is long and goes on and on\r\n") : S(".\r\n"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct smtp_client_options o = { .helo_z = "me", .times = { .data_block = rows[i].how == STALLS_HALFWAY ? 200 : 20000, .data_end = 20000 } };
		const struct smtp_client_message m = { .bytes = buf_str(&bytes) };
		struct smtp_client_rcpt rcpt = { .address = S("x@y.example") };
		struct smtp_client_reply reply;
		enum smtp_client_stage stage;
		struct smtp_client *c = NULL;
		struct slow v = { .how = rows[i].how };
		pthread_t thread;
		int fds[2];

		test_row(rows[i].name_z);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		v.fd = fds[1];
		assert_int_equal(pthread_create(&thread, NULL, read_some, &v), 0);
		assert_int_equal(smtp_client_open(net_stream_of_fd(fds[0]), &o, &a, &c, &stage, &reply), 0);
		assert_int_equal(smtp_client_send(c, &m, &rcpt, 1, &a), rows[i].want);
		assert_int_equal(rcpt.reply.code, rows[i].code);
		assert_int_equal(rcpt.stage, rows[i].stage);
		c->o.times.quit = 100;
		smtp_client_close(&c);
		pthread_join(thread, NULL);
		close(fds[1]);
	}
}

TEST(client_probe)
{
	static const struct {
		const char *name_z, *caps_z;
		struct str script;
		enum smtp_client_stage until;
		int codes[2];
		struct str said;
	} rows[] = {
		{ "sender", "PIPELINING", STR_INIT(OK NEXT OK NEXT), SMTP_CLIENT_MAIL, { 250, 250 }, STR_INIT(MAIL "RSET" LINE) },
		{ "sender, one by one", "", STR_INIT(OK NEXT OK NEXT), SMTP_CLIENT_MAIL, { 250, 250 }, STR_INIT(MAIL "RSET" LINE) },
		{ "sender refused", "PIPELINING", STR_INIT("553 no" LINE NEXT OK NEXT), SMTP_CLIENT_MAIL, { 553, 553 },
		  STR_INIT(MAIL "RSET" LINE) },
		{ "recipients", "PIPELINING", STR_INIT(OK OK NO NEXT OK NEXT), SMTP_CLIENT_RCPT, { 250, 550 },
		  STR_INIT(MAIL RCPT(0) RCPT(1) "RSET" LINE) },
		{ "recipients, one by one", "", STR_INIT(OK NEXT OK NEXT NO NEXT OK NEXT), SMTP_CLIENT_RCPT, { 250, 550 },
		  STR_INIT(MAIL RCPT(0) RCPT(1) "RSET" LINE) },
		{ "DATA", "PIPELINING", STR_INIT(OK OK NO GO NEXT), SMTP_CLIENT_DATA, { 354, 550 }, STR_INIT(MAIL RCPT(0) RCPT(1) DATA) },
		{ "DATA, one by one", "", STR_INIT(OK NEXT OK NEXT NO NEXT "451 no" LINE NEXT OK NEXT), SMTP_CLIENT_DATA, { 451, 550 },
		  STR_INIT(MAIL RCPT(0) RCPT(1) DATA "RSET" LINE) },
		{ "DATA, nobody", "PIPELINING", STR_INIT(OK NO NO GO NEXT "554 x" LINE NEXT OK NEXT), SMTP_CLIENT_DATA, { 550, 550 },
		  STR_INIT(MAIL RCPT(0) RCPT(1) DATA "." LINE "RSET" LINE) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct smtp_client *c = connected(rows[i].caps_z, rows[i].script, false, &a);
		const struct smtp_client_message m = TEXT;
		struct smtp_client_rcpt rcpts[2];

		test_row(rows[i].name_z);
		address(&rcpts[0], &a, 0);
		address(&rcpts[1], &a, 1);
		assert_int_equal(smtp_client_probe(c, &m, rcpts, 2, rows[i].until, &a), 0);
		assert_int_equal(rcpts[0].reply.code, rows[i].codes[0]);
		assert_int_equal(rcpts[1].reply.code, rows[i].codes[1]);
		assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9), rows[i].said);
		if (rcpts[0].reply.code == 354)
			assert_int_equal(smtp_client_send(c, &m, rcpts, 2, &a), -E_CLOSED);
		smtp_client_close(&c);
	}
}

/* Addresses that are no commands. */
TEST(client_addresses)
{
	static const struct {
		const char *address_z, *enhanced_z;
	} rows[] = {
		{ "", "5.1.3" }, { "a b@c", "5.1.3" }, { "a@b> NOTIFY=NEVER", "5.1.3" }, { "a@b\r\nDATA", "5.1.3" },
		{ "\"a b@c", "5.1.3" }, { "\"a\\\"@c", "5.1.3" }, { "\xc3\xa4@c", "5.6.7" }, { "a\x7f@c", "5.1.3" },
	};
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected("PIPELINING", S(OK OK OK GO NEXT OK), false, &a);
	const struct smtp_client_message m = TEXT;
	struct smtp_client_rcpt rcpts[ARRAY_LEN(rows) + 2] = { { .address = S("\"a b>\\\"\"@c.example") } };

	rcpts[1].address = S("\"\\\\\"@c.example");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rcpts[i + 2].address = str_z(rows[i].address_z);
	assert_int_equal(smtp_client_send(c, &m, rcpts, ARRAY_LEN(rcpts), &a), 0);
	assert_int_equal(rcpts[0].reply.code, 250);
	assert_int_equal(rcpts[1].reply.code, 250);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].address_z);
		assert_int_equal(rcpts[i + 2].reply.code, 0);
		assert_str_eq(rcpts[i + 2].reply.enhanced, str_z(rows[i].enhanced_z));
	}
	assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9),
		      S(MAIL "RCPT TO:<\"a b>\\\"\"@c.example>" LINE "RCPT TO:<\"\\\\\"@c.example>" LINE DATA BODY "." LINE));
	smtp_client_close(&c);
}

/* RFC 6533 3: an original recipient in UTF-8 goes so only where UTF-8 may go. */
TEST(client_original_recipient_in_utf8)
{
	AUTO(arena_fini) struct arena a = { .cap = 65536 };
	struct smtp_client *c = connected("PIPELINING" LINE "250-SMTPUTF8" LINE "250-DSN", S(OK OK GO NEXT OK NEXT OK OK GO NEXT OK NEXT),
					  false, &a);
	struct smtp_client_message m = TEXT;

	for (int i = 0; i < 2; i++) {
		struct smtp_client_rcpt rcpt = { .address = S("r0@c.example"), .orcpt = S("utf-8;\xc3\xa4\xf0\x9f\x98\x80\\x{2B}@x") };

		m.is_smtputf8 = i == 1;
		assert_int_equal(smtp_client_send(c, &m, &rcpt, 1, &a), 0);
		assert_int_equal(rcpt.reply.code, 250);
	}
	assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9),
		      S(MAIL "RCPT TO:<r0@c.example> ORCPT=utf-8;\\x{E4}\\x{1F600}\\x{2B}@x" LINE DATA BODY "." LINE
			"MAIL FROM:<a@b.example> SMTPUTF8" LINE
			"RCPT TO:<r0@c.example> ORCPT=utf-8;\xc3\xa4\xf0\x9f\x98\x80\\x{2B}@x" LINE DATA BODY "." LINE));
	smtp_client_close(&c);
}

/* Nobody's message comes back because of an original recipient that is no value of a parameter (some clients write "=" in one of the type utf-8). */
TEST(client_original_recipient_that_cannot_be_sent)
{
	static const char *const rows[] = { "utf-8;a=b@x", "rfc822;a b@x", "rfc822;a\r\nDATA", "rfc822;a\x7f" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 65536 };
		struct smtp_client *c = connected("PIPELINING" LINE "250-DSN", S(OK OK GO NEXT OK NEXT), false, &a);
		struct smtp_client_rcpt rcpt = { .address = S("r0@c.example"), .orcpt = str_z(rows[i]) };
		const struct smtp_client_message m = TEXT;

		test_row(rows[i]);
		assert_int_equal(smtp_client_send(c, &m, &rcpt, 1, &a), 0);
		assert_int_equal(rcpt.reply.code, 250);
		assert_str_eq(str_skip(net_stream_scripted_said(smtp_client_stream(c)), 9), S(MAIL RCPT(0) DATA BODY "." LINE));
		smtp_client_close(&c);
	}
}

TEST(client_lines)
{
	static const struct {
		struct str bytes;
		size_t n_dots;
		bool is_bare, is_ended;
	} rows[] = {
		{ STR_INIT(""), 0, false, true }, { STR_INIT("a\r\n"), 0, false, true }, { STR_INIT("a"), 0, false, false },
		{ STR_INIT(".\r\n.\r\n"), 2, false, true }, { STR_INIT("\r\n."), 1, false, false }, { STR_INIT("a\n"), 0, true, true },
		{ STR_INIT("a\r"), 0, true, false }, { STR_INIT("a\rb\r\n"), 0, true, true }, { STR_INIT("\r\r\n"), 0, true, true },
		{ STR_INIT("\n"), 0, true, true }, { STR_INIT("\r\n\n"), 0, true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy = test_copy(rows[i].bytes);
		struct smtp_client_lines l;

		smtp_client_lines(str_of(copy, rows[i].bytes.n), &l);
		test_row(rows[i].bytes.p);
		assert_int_equal(l.is_bare, rows[i].is_bare);
		if (!l.is_bare) {
			assert_int_equal(l.n_dots, rows[i].n_dots);
			assert_int_equal(l.is_ended, rows[i].is_ended);
		}
		mem_free(copy);
	}
}

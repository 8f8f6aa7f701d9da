/* SPDX-License-Identifier: MIT */
/* Notifications: whether, and what stands in them; read again with the mime room, as whoever gets them does. */
#include "queue/dsn_int.h"

#include "base/limits.h"
#include "base/test.h"
#include "mime/mime.h"

#define ORIGINAL "From: alice@example.com\r\nSubject: hello\r\nMessage-ID: <1@example.com>\r\n\r\nHello Bob.\r\n"

static struct queue_dsn_rcpt failed(struct str address)
{
	return (struct queue_dsn_rcpt){
		.address = address,
		.action = QUEUE_DSN_FAILED,
		.reply = { 550, S("5.1.1"), S("5.1.1 no such user") },
		.host = S("mx.example.org"),
		.last_attempt_s = 1764123456,
	};
}

static struct queue_dsn about(const struct queue_dsn_rcpt *rcpts, size_t n)
{
	return (struct queue_dsn){
		.hostname_z = "mail.example.com",
		.to = S("alice@example.com"),
		.qid = S("c1d2f3g4h5j6k7l8"),
		.accepted_s = 1764120000,
		.now_s = 1764123460,
		.message = S(ORIGINAL),
		.max_returned = 50000,
		.rcpts = rcpts,
		.n_rcpts = n,
	};
}

struct written {
	struct arena a;
	struct buf out;
	struct mime_part *root, *parts[3];
	struct str text; /* decoded */
	struct str status, returned;
	struct buf decoded;
};

static struct str body_of(const struct written *w, const struct mime_part *p)
{
	return str_of(w->out.p + p->body_off, p->body_n);
}

/* Writes it and takes it apart: three parts, whatever went in, and lines that any server takes. */
static void write_and_read(struct written *w, const struct queue_dsn *d)
{
	struct mime_part *p;
	int n = 0;

	*w = (struct written){ .a = { .cap = LIMIT_MIME_ARENA }, .out = BUF_INIT(4u << 20), .decoded = BUF_INIT(4u << 20) };
	queue_dsn_write(d, &w->out);
	assert_false(buf_overflowed(&w->out));
	assert_true(mime_has_plain_lines(buf_str(&w->out)));
	assert_int_equal(mime_parse(&w->a, buf_str(&w->out), &w->root), 0);
	assert_str_eq(w->root->subtype, S("report"));
	for (p = w->root->child; p; p = p->next, n++)
		if (n < 3)
			w->parts[n] = p;
	assert_int_equal(n, 3);
	mime_cte_decode(w->parts[0]->cte, body_of(w, w->parts[0]), &w->decoded);
	w->text = buf_str(&w->decoded);
	assert_true(str_is_utf8(w->text));
	w->status = body_of(w, w->parts[1]);
	w->returned = body_of(w, w->parts[2]);
}

static void end(struct written *w)
{
	arena_fini(&w->a);
	buf_fini(&w->out);
	buf_fini(&w->decoded);
}

static bool has(struct str s, const char *part_z)
{
	return str_find(s, str_z(part_z)) >= 0;
}

/* The value of a field of the nth group of the machine part; "" when it is not there. */
static struct str status_field(struct str status, int nth, const char *name_z)
{
	struct mime_field f;

	for (; nth > 0; nth--)
		while (mime_field_next(&status, &f) == 1)
			continue;
	return mime_field_find(status, str_z(name_z), &f) ? str_trim(f.value) : S("");
}

/* RFC 3461 4.1, 6.2 */
TEST(dsn_is_due)
{
	static const struct {
		unsigned notify;
		bool want[QUEUE_DSN_N_ACTIONS];
	} rows[] = {
		{ 0, { true, true, false, false } },
		{ QUEUE_NOTIFY_NEVER, { false, false, false, false } },
		{ QUEUE_NOTIFY_SUCCESS, { false, false, true, true } },
		{ QUEUE_NOTIFY_FAILURE, { true, false, false, false } },
		{ QUEUE_NOTIFY_DELAY, { false, true, false, false } },
		{ QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY, { true, true, true, true } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int k = 0; k < QUEUE_DSN_N_ACTIONS; k++) {
			assert_int_equal(queue_dsn_is_due(S("a@x"), rows[i].notify, (enum queue_dsn_action)k), rows[i].want[k]);
			assert_false(queue_dsn_is_due(S(""), rows[i].notify, (enum queue_dsn_action)k));
		}
	}
}

/* It is read on screens of 80 columns. */
static bool is_narrow(struct str text)
{
	struct str line;
	bool is = true;

	while (str_split(&text, '\n', &line))
		is = is && line.n <= 79;
	return is && text.n <= 79;
}

/* RFC 3464 2.2, 2.3; RFC 6522 3; RFC 3834 5 */
TEST(dsn_of_a_failure)
{
	struct queue_dsn_rcpt r = failed(S("bob@example.org"));
	struct queue_dsn d = about(&r, 1);
	struct written w;
	struct mime_field f;

	r.orcpt = S("rfc822;Bob+2Bx@Example.ORG");
	d.envid = S("QQ+2B314159");
	write_and_read(&w, &d);
	assert_true(str_is_ascii(buf_str(&w.out)));
	assert_str_eq(w.root->params[0].value, S("delivery-status"));
	assert_true(mime_field_find(buf_str(&w.out), S("Auto-Submitted"), &f) && str_eq(str_trim(f.value), S("auto-replied")));
	assert_true(mime_field_find(buf_str(&w.out), S("To"), &f) && str_eq(str_trim(f.value), S("<alice@example.com>")));
	assert_true(mime_field_find(buf_str(&w.out), S("In-Reply-To"), &f) && str_eq(str_trim(f.value), S("<1@example.com>")));
	assert_true(mime_field_find(buf_str(&w.out), S("Date"), &f) && mime_field_find(buf_str(&w.out), S("Message-ID"), &f));
	assert_true(has(w.text, "<bob@example.org>\r\n    (you wrote to Bob+x@Example.ORG)\r\n"
				"    The mail server mx.example.org said:\r\n      550 5.1.1 no such user\r\n"));
	assert_true(has(w.text, "could not be delivered to this address"));
	assert_true(is_narrow(w.text));
	assert_true(has(w.text, "\r\n    This means: There is no mailbox with that address.\r\n"
				"    What to do: Check the address for typing mistakes, and ask the recipient\r\n      for the right one.\r\n"));
	assert_str_eq(w.parts[1]->subtype, S("delivery-status"));
	assert_str_eq(w.status, S("Original-Envelope-Id: QQ+314159\r\n"
				  "Reporting-MTA: dns; mail.example.com\r\n"
				  "Arrival-Date: Wed, 26 Nov 2025 01:20:00 +0000\r\n"
				  "\r\n"
				  "Original-Recipient: rfc822; Bob+x@Example.ORG\r\n"
				  "Final-Recipient: rfc822; bob@example.org\r\n"
				  "Action: failed\r\n"
				  "Status: 5.1.1\r\n"
				  "Remote-MTA: dns; mx.example.org\r\n"
				  "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
				  "Last-Attempt-Date: Wed, 26 Nov 2025 02:17:36 +0000\r\n"));
	assert_true(w.parts[2]->is_message);
	assert_str_eq(w.returned, S(ORIGINAL));
	end(&w);
}

/* RFC 3461 10.6, 10.7: one that is there, one that failed, one passed on, one that waits: each in its own words. */
TEST(dsn_of_several)
{
	struct queue_dsn_rcpt r[] = {
		{ .address = S("carol@ivory.edu"), .action = QUEUE_DSN_DELIVERED, .reply = { 250, S("2.1.5"), S("thanks") } },
		failed(S("dana@ivory.edu")),
		{ .address = S("eric@bombs.af.mil"), .action = QUEUE_DSN_RELAYED, .host = S("bombs.af.mil") },
		{ .address = S("fred@tax-me.gov"), .action = QUEUE_DSN_DELAYED, .reply = { 451, S("4.7.1"), S("first\nand second") },
		  .host = S("tax-me.gov"), .retry_until_s = 1764552000 },
	};
	struct queue_dsn d = about(r, ARRAY_LEN(r));
	struct written w;
	static const char *const actions[] = { "delivered", "failed", "relayed", "delayed" };
	static const char *const statuses[] = { "2.1.5", "5.1.1", "2.0.0", "4.7.1" };

	write_and_read(&w, &d);
	for (int i = 0; i < 4; i++) {
		assert_str_eq(status_field(w.status, i + 1, "Action"), str_z(actions[i]));
		assert_str_eq(status_field(w.status, i + 1, "Status"), str_z(statuses[i]));
	}
	assert_str_eq(status_field(w.status, 4, "Will-Retry-Until"), S("Mon, 01 Dec 2025 01:20:00 +0000"));
	assert_str_eq(status_field(w.status, 4, "Diagnostic-Code"), S("smtp; 451 4.7.1 first\r\n    451 4.7.1 and second"));
	assert_true(has(w.text, "was delivered to this address") && has(w.text, "will hear no more of it:\r\n\r\n  <eric@bombs.af.mil>"));
	assert_true(has(w.text, "has not been delivered to this address yet:\r\n\r\n  <fred@tax-me.gov>"));
	assert_true(has(w.text, "      451 4.7.1 first\r\n      451 4.7.1 and second\r\n"));
	assert_true(has(w.text, "    This means: The other side does not want this message"));
	assert_false(has(w.text, "What to do: Ask the recipient, by another way"));
	assert_true(has(w.text, "It will be tried until Mon, 01 Dec 2025 01:20:00 +0000,\r\nand is returned to you"));
	assert_true(has(w.text, "<carol@ivory.edu>\r\n\r\n")); /* nobody said anything */
	assert_true(is_narrow(w.text));
	assert_true(has(buf_str(&w.out), "Subject: Your message could not be delivered\r\n"));
	end(&w);
}

/* A code of our own (RFC 7505 4.1) is no other server's word. */
TEST(dsn_of_our_own)
{
	struct queue_dsn_rcpt r = failed(S("bob@null.example.org"));
	struct queue_dsn d = about(&r, 1);
	struct written w;

	r.host = S("");
	r.reply = (struct queue_reply){ 556, S("5.1.10"), S("null.example.org takes no mail (null MX)") };
	write_and_read(&w, &d);
	assert_true(has(w.text, "    The reason:\r\n      556 5.1.10 null.example.org takes no mail (null MX)\r\n"));
	assert_false(has(w.text, "server said"));
	end(&w);
	r.reply = (struct queue_reply){ 0, S("5.4.4"), S("no host of null.example.org has an address") };
	write_and_read(&w, &d);
	assert_true(has(w.text, "    The reason:\r\n      no host of null.example.org has an address\r\n"));
	end(&w);
}

/* RFC 3464 2.3.5, 2.1.2 */
TEST(dsn_host_by_its_address)
{
	static const struct {
		const char *host, *want;
	} rows[] = {
		{ "mx.example.org", "dns; mx.example.org" },
		{ "192.0.2.1", "dns; [192.0.2.1]" },
		{ "2001:db8::1", "dns; [IPv6:2001:db8::1]" },
		{ "192.0.2.1.example.org", "dns; 192.0.2.1.example.org" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct queue_dsn_rcpt r = failed(S("bob@example.org"));
		struct queue_dsn d = about(&r, 1);
		struct written w;

		test_row(rows[i].host);
		r.host = str_z(rows[i].host);
		write_and_read(&w, &d);
		assert_str_eq(status_field(w.status, 1, "Remote-MTA"), str_z(rows[i].want));
		end(&w);
	}
}

/* RFC 3464 2.3.4, RFC 3463 2: a status that fits the action. */
TEST(dsn_status)
{
	static const struct {
		enum queue_dsn_action action;
		const char *enhanced, *want;
	} rows[] = {
		{ QUEUE_DSN_FAILED, "", "5.0.0" },           { QUEUE_DSN_FAILED, "5.7.26", "5.7.26" },
		{ QUEUE_DSN_FAILED, "4.4.7", "4.4.7" },      { QUEUE_DSN_FAILED, "2.0.0", "5.0.0" },
		{ QUEUE_DSN_FAILED, "5.1", "5.0.0" },        { QUEUE_DSN_FAILED, "5.1.1.1", "5.0.0" },
		{ QUEUE_DSN_FAILED, "5.1.1.", "5.0.0" },     { QUEUE_DSN_FAILED, "5.1000.1", "5.0.0" },
		{ QUEUE_DSN_FAILED, "55.1.1", "5.0.0" },     { QUEUE_DSN_FAILED, "5.1.1\r\nX: y", "5.0.0" },
		{ QUEUE_DSN_FAILED, "5..1", "5.0.0" },       { QUEUE_DSN_DELAYED, "5.1.1", "4.0.0" },
		{ QUEUE_DSN_DELAYED, "4.2.2", "4.2.2" },     { QUEUE_DSN_DELIVERED, "", "2.0.0" },
		{ QUEUE_DSN_RELAYED, "4.0.0", "2.0.0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct queue_dsn_rcpt r = failed(S("bob@example.org"));
		struct queue_dsn d = about(&r, 1);
		struct written w;

		test_row(rows[i].enhanced);
		r.action = rows[i].action;
		r.reply.enhanced = str_z(rows[i].enhanced);
		write_and_read(&w, &d);
		assert_str_eq(status_field(w.status, 1, "Status"), str_z(rows[i].want));
		end(&w);
	}
}

/* Nothing that a stranger says makes a field, a part or a line of its own. */
TEST(dsn_of_hostile_strings)
{
	static const char *const rows[] = {
		"x\r\nX-Evil: 1", "x\nX-Evil: 1", "x\r\n\r\nX-Evil: 1", "x\r\n--boundary\r\nX-Evil: 1", "rfc822;a+0D+0AX-Evil: 1",
		"utf-8;a\\x{0D}\\x{0A}X-Evil: 1", "utf-8;\xff\xfe", "rfc822;\r\nX-Evil: 1", "a\tb\x7f\x1b[2J", "\xff\x80", ";", "rfc822;", "+", "+4",
		"\\x{", "\\x{D800}", "\\x{110000}", "\\x{41", "1.2.3\r\nX-Evil: 1", "-\n-\n\n\n",
	};
	AUTO(buf_fini) struct buf big = BUF_INIT(200000);

	while (big.n < 100000)
		buf_add(&big, S("\xc3\xa4+"));
	for (size_t i = 0; i <= 2 * ARRAY_LEN(rows) + 1; i++) {
		struct str s = i / 2 < ARRAY_LEN(rows) ? str_z(rows[i / 2]) : buf_str(&big);
		struct queue_dsn_rcpt r = { s, s, QUEUE_DSN_FAILED, { i % 2 ? 550 : 0, s, s }, s, s, 1, 1 };
		struct queue_dsn d = about(&r, 1);
		struct mime_field f;
		struct str rest;
		struct written w;
		int n = 0;

		test_row(i / 2 < ARRAY_LEN(rows) ? rows[i / 2] : "big");
		d.to = d.qid = d.envid = s;
		d.is_smtputf8 = i % 2;
		write_and_read(&w, &d);
		assert_false(has(buf_str(&w.out), "\nX-Evil"));
		rest = w.status;
		while (mime_field_next(&rest, &f) == 1)
			assert_true(f.name.n > 0);
		while (mime_field_next(&rest, &f) == 1)
			n += f.name.n > 0 ? 1 : 100;
		assert_in_range(n, 5, 7);
		assert_true(d.is_smtputf8 || str_is_ascii(w.status));
		end(&w);
	}
}

/* RFC 6533 3, 4.1 */
TEST(dsn_of_utf8_addresses)
{
	static const struct {
		const char *orcpt, *want_global, *want_ascii;
	} rows[] = {
		{ "utf-8;b\xc3\xbc@x.test", "utf-8; b\xc3\xbc@x.test", "utf-8; b\\x{FC}@x.test" },
		{ "utf-8;b\\x{FC}\\x{2B}c@x.test", "utf-8; b\xc3\xbc+c@x.test", "utf-8; b\\x{FC}\\x{2B}c@x.test" },
		{ "utf-8;\\x{1F600}\\x{20AC}@x", "utf-8; \xf0\x9f\x98\x80\xe2\x82\xac@x", "utf-8; \\x{1F600}\\x{20AC}@x" },
		{ "utf-8;b\\x{20}c@x", "utf-8; b c@x", "utf-8; b\\x{20}c@x" },
		{ "rfc822;a+3Db@x", "rfc822; a=b@x", "rfc822; a=b@x" },
		{ "rfc822;a+80b@x", "rfc822; a+80b@x", "rfc822; a+80b@x" },
		{ "x400;+2FC=de", "x400; /C=de", "x400; /C=de" },
		{ "x 400;a", "", "" },
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		struct queue_dsn_rcpt r = failed(S("b\xc3\xbc@x.test"));
		struct queue_dsn d = about(&r, 1);
		struct written w;

		test_row(rows[i / 2].orcpt);
		d.is_smtputf8 = i % 2;
		r.orcpt = str_z(rows[i / 2].orcpt);
		r.reply.text = S("gr\xc3\xbc\xc3\x9f");
		write_and_read(&w, &d);
		assert_str_eq(w.parts[1]->subtype, i % 2 ? S("global-delivery-status") : S("delivery-status"));
		assert_str_eq(status_field(w.status, 1, "Original-Recipient"), str_z(i % 2 ? rows[i / 2].want_global : rows[i / 2].want_ascii));
		assert_str_eq(status_field(w.status, 1, "Final-Recipient"), i % 2 ? S("utf-8; b\xc3\xbc@x.test") : S("utf-8; b\\x{FC}@x.test"));
		assert_true(has(w.text, "<b\xc3\xbc@x.test>") && has(w.text, "550 5.1.1 gr\xc3\xbc\xc3\x9f"));
		assert_int_equal(str_is_ascii(buf_str(&w.out)), i % 2 == 0);
		end(&w);
	}
}

/* RFC 3461 4.3, RFC 6522 4, RFC 6533 4.2, 4.3: what comes back of the message. */
TEST(dsn_returned)
{
	static const struct {
		const char *name;
		struct str message;
		enum queue_ret ret;
		enum queue_dsn_action action;
		bool is_smtputf8;
		const char *type;
		struct str want; /* decoded */
		bool is_8bit;
	} rows[] = {
		{ "whole", STR_INIT(ORIGINAL), QUEUE_RET_FULL, QUEUE_DSN_FAILED, false, "message/rfc822", STR_INIT(ORIGINAL), false },
		{ "hdrs", STR_INIT("A: b\r\nC: d\r\n\r\nx\r\n"), QUEUE_RET_HDRS, QUEUE_DSN_FAILED, false, "text/rfc822-headers",
		  STR_INIT("A: b\r\nC: d\r\n"), false },
		{ "no failure", STR_INIT("A: b\r\n\r\nx\r\n"), QUEUE_RET_FULL, QUEUE_DSN_DELAYED, false, "text/rfc822-headers",
		  STR_INIT("A: b\r\n"), false },
		{ "8bit", STR_INIT("A: b\r\n\r\n\xc3\xbc\r\n"), QUEUE_RET_NONE, QUEUE_DSN_FAILED, false, "message/rfc822",
		  STR_INIT("A: b\r\n\r\n\xc3\xbc\r\n"), true },
		{ "binary", STR_INIT("A: b\r\n\r\n\0\r\n"), QUEUE_RET_FULL, QUEUE_DSN_FAILED, false, "text/rfc822-headers",
		  STR_INIT("A: b\r\n"), false },
		{ "bare LF", STR_INIT("A: b\nC: d\n\nx\n"), QUEUE_RET_FULL, QUEUE_DSN_FAILED, false, "text/rfc822-headers",
		  STR_INIT("A: b\nC: d\n\n"), false },
		{ "8bit header", STR_INIT("A: \xff\r\n\r\nx"), QUEUE_RET_HDRS, QUEUE_DSN_FAILED, false, "text/rfc822-headers",
		  STR_INIT("A: \xff\r\n"), false },
		{ "UTF-8 header", STR_INIT("A: \xc3\xbc\r\n\r\nx"), QUEUE_RET_HDRS, QUEUE_DSN_FAILED, true, "message/global-headers",
		  STR_INIT("A: \xc3\xbc\r\n"), true },
		{ "UTF-8 message", STR_INIT("A: \xc3\xbc\r\n\r\nx"), QUEUE_RET_FULL, QUEUE_DSN_FAILED, true, "message/global",
		  STR_INIT("A: \xc3\xbc\r\n\r\nx"), true },
		{ "header without end", STR_INIT("A: b"), QUEUE_RET_HDRS, QUEUE_DSN_FAILED, false, "text/rfc822-headers", STR_INIT("A: b"), false },
		{ "empty", STR_INIT(""), QUEUE_RET_HDRS, QUEUE_DSN_FAILED, false, "text/rfc822-headers", STR_INIT(""), false },
		{ "no header", STR_INIT("\r\nx"), QUEUE_RET_HDRS, QUEUE_DSN_FAILED, false, "text/rfc822-headers", STR_INIT(""), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf back = BUF_INIT(100000), type = BUF_INIT(100);
		struct queue_dsn_rcpt r = failed(S("bob@example.org"));
		struct queue_dsn d = about(&r, 1);
		struct written w;

		test_row(rows[i].name);
		r.action = rows[i].action;
		d.message = rows[i].message;
		d.ret = rows[i].ret;
		d.is_smtputf8 = rows[i].is_smtputf8;
		write_and_read(&w, &d);
		buf_printf(&type, "%" STR_FMT "/%" STR_FMT, STR_ARG(w.parts[2]->type), STR_ARG(w.parts[2]->subtype));
		assert_str_eq(buf_str(&type), str_z(rows[i].type));
		mime_cte_decode(w.parts[2]->cte, w.returned, &back);
		assert_str_eq(buf_str(&back), rows[i].want);
		assert_int_equal(!str_is_ascii(buf_str(&w.out)), rows[i].is_8bit);
		assert_int_equal(w.root->cte == MIME_CTE_8BIT, rows[i].is_8bit);
		end(&w);
	}
}

/* Long messages and giant headers come back in part. */
TEST(dsn_bounds_what_returns)
{
	AUTO(buf_fini) struct buf big = BUF_INIT(1u << 20);
	struct queue_dsn_rcpt r = failed(S("bob@example.org"));
	struct queue_dsn d = about(&r, 1);
	struct written w;

	d.max_returned = sizeof(ORIGINAL) - 2;
	write_and_read(&w, &d);
	assert_str_eq(w.parts[2]->subtype, S("rfc822-headers"));
	end(&w);
	while (big.n < 500000)
		buf_add(&big, S("Received: from somewhere\r\n"));
	d.message = buf_str(&big);
	write_and_read(&w, &d);
	assert_in_range(w.returned.n, 32000, 32768);
	assert_true(str_ends(w.returned, S("somewhere")) || str_ends(w.returned, S("somewhere\r\n")));
	end(&w);
	buf_reset(&big);
	while (big.n < 500000)
		buf_add_char(&big, 'x');
	d.message = buf_str(&big);
	write_and_read(&w, &d);
	assert_in_range(w.returned.n, 32768, 40000);
	end(&w);
}

/* SPDX-License-Identifier: MIT */
/* Whole sessions: bytes in, replies out, and what stands in the mailboxes afterwards. */
#include "smtp/smtp_test.h"

#include "base/test.h"

static struct smtp_fixture *fixture(void)
{
	static struct smtp_fixture f;

	if (!f.db)
		smtp_fixture_open(&f, test_dir(),
				  "[smtp]\nreject_early_talkers = no\nmax_errors = 8\n"
				  "max_message_size = 64K\nmax_recipients = 100\nmax_hops = 10\nmax_hold = 0s\n"
				  "[auth]\nfailure_delay = 0ms\n");
	return &f;
}

/* Runs it and compares the replies, each of want's lines with the begin of a line of the output. */
static void expect_lines(struct str out, const char *want_z)
{
	struct str want = str_z(want_z), line, got;

	while (str_split(&want, '\n', &line)) {
		if (!str_split(&out, '\n', &got))
			got = S("(nothing)");
		if (!str_starts(got, line))
			assert_str_eq(got, line);
	}
	assert_str_eq(out, S(""));
}

static void run(const struct smtp_script *script, const char *want_z)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(1 << 20);

	smtp_fixture_run(fixture(), script, &out);
	expect_lines(buf_str(&out), want_z);
}

#define HELLO \
	"250-mx.example.test\n250-PIPELINING\n250-SIZE 65536\n250-8BITMIME\n250-SMTPUTF8\n" \
	"250-ENHANCEDSTATUSCODES\n250-CHUNKING\n250-BINARYMIME\n250-DSN\n250-LIMITS RCPTMAX=100\n" \
	"250-DELIVERBY\n250-MT-PRIORITY\n"
#define HELLO_MX HELLO "250 STARTTLS"
#define HELLO_TLS HELLO "250 REQUIRETLS"
#define START \
	"EHLO client.example.org\r\nMAIL FROM:<x@example.org>\r\nRCPT TO:<bob@example.test>\r\n"
#define STARTED "220 mx.example.test ESMTP\n" HELLO_MX "\n250 2.1.0 \n250 2.1.5 \n"

struct row {
	const char *name;
	struct str in;
	const char *want;
};

static void run_rows(enum smtp_role role, bool is_tls, const char *peer_z, const struct row *rows,
		     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		static const size_t chunks[] = { 0, 1, 7 };

		for (size_t k = 0; k < ARRAY_LEN(chunks); k++) {
			test_row(rows[i].name);
			run(&(struct smtp_script){ .role = role,
						   .input = rows[i].in,
						   .chunk = chunks[k],
						   .is_tls = is_tls,
						   .peer_z = peer_z },
			    rows[i].want);
		}
	}
}

TEST(mx_commands)
{
	static const struct row rows[] = {
		{ "nothing", STR_INIT(""), "220 mx.example.test ESMTP" },
		{ "quit", STR_INIT("QUIT\r\nNOOP\r\n"), "220 \n221 2.0.0 " },
		{ "helo", STR_INIT("HELO x\r\n"), "220 \n250 mx.example.test\r" },
		{ "ehlo", STR_INIT("EHLO x\r\n"), "220 \n" HELLO_MX },
		{ "helo without name", STR_INIT("EHLO\r\nEHLO a b\r\n"), "220 \n501 Say\n501 Say" },
		{ "case", STR_INIT("eHlO x\r\nnoop\r\n"), "220 \n" HELLO_MX "\n250 2.0.0 " },
		{ "misc",
		  STR_INIT(
			  "NOOP x\r\nRSET\r\nHELP me\r\nVRFY bob\r\nVRFY\r\nEXPN l\r\nFOO\r\n\r\nRSET x\r\n"),
		  "220 \n250 2.0.0 \n250 2.0.0 \n214 2.0.0 See RFC 5321; commands: MAIL RCPT DATA BDAT RSET EHLO HELO STARTTLS "
		  "QUIT NOOP VRFY HELP\r\n252 2.5.0 \n501 5.5.4 \n502 5.5.1 \n500 5.5.1 \n500 5.5.1 \n501 5.5.4 " },
		{ "no AUTH, no LHLO", STR_INIT("EHLO x\r\nAUTH PLAIN\r\nLHLO x\r\n"),
		  "220 \n" HELLO_MX "\n502 5.5.1 \n502 5.5.1 " },
		{ "order",
		  STR_INIT(
			  "MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nHELO x\r\nRCPT TO:<bob@example.test>\r\n"
			  "DATA\r\nMAIL FROM:<>\r\nDATA\r\nMAIL FROM:<>\r\n"),
		  "220 \n503 5.5.1 \n503 5.5.1 \n503 5.5.1 \n250 mx\n503 5.5.1 Need MAIL\n503 5.5.1 Need MAIL\n250 2.1.0 \n"
		  "503 5.5.1 Need RCPT\n503 5.5.1 There" },
		{ "nested in RCPT", STR_INIT(START "MAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\n"),
		  STARTED "503 5.5.1 \n250 2.0.0 \n250 2.1.0 " },
		{ "EHLO resets", STR_INIT(START "EHLO x\r\nDATA\r\n"),
		  STARTED HELLO_MX "\n503 5.5.1 Need MAIL" },
		{ "bare LF", STR_INIT("NOOP\nNOOP\r\nNOOP\r\n"), "220 \n500 5.5.2 \n250 2.0.0 " },
		{ "bare CR and NUL", STR_INIT("NO\rOP\r\nNOOP\0\r\nNOOP\r\n"),
		  "220 \n500 5.5.2 \n500 5.5.2 \n250 2.0.0 " },
		{ "not UTF-8", STR_INIT("NOOP \xff\r\n"), "220 \n500 5.5.2 " },
		{ "http", STR_INIT("GET / HTTP/1.1\r\nNOOP\r\n"), "220 \n500 5.5.1 " },
		{ "too many errors", STR_INIT("A\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\n"),
		  "220 \n500 \n500 \n500 \n500 \n500 \n500 \n500 \n500 \n421 4.7.0 " },
	};

	run_rows(SMTP_MX, false, NULL, rows, ARRAY_LEN(rows));
}

TEST(mail_parameters)
{
	static const struct {
		const char *args, *want;
	} rows[] = {
		{ "FROM:<a@b.c>", "250 2.1.0 " },
		{ "FROM: <a@b.c>", "250 2.1.0 " },
		{ "from:<>", "250 2.1.0 " },
		{ "FROM:a@b.c", "501 5.5.4 " },
		{ "FROM:<a b@c>", "501 5.1.7 " },
		{ "TO:<a@b.c>", "501 5.5.4 " },
		{ "FROM:<a@b.c> SIZE=65536", "250 2.1.0 " },
		{ "FROM:<a@b.c> SIZE=65537", "552 5.3.4 " },
		{ "FROM:<a@b.c> SIZE=99999999999999999999999", "501 5.5.4 " },
		{ "FROM:<a@b.c> SIZE", "501 5.5.4 " },
		{ "FROM:<a@b.c> SIZE=1 SIZE=1", "501 5.5.4 " },
		{ "FROM:<a@b.c>SIZE=1", "501 5.5.4 " },
		{ "FROM:<a@b.c> BODY=8bitmime", "250 2.1.0 " },
		{ "FROM:<a@b.c> BODY=x", "501 5.5.4 " },
		{ "FROM:<a@b.c> SMTPUTF8", "250 2.1.0 " },
		{ "FROM:<a@b.c> SMTPUTF8=1", "501 5.5.4 " },
		{ "FROM:<j\xc3\xbc@b.c> SMTPUTF8", "250 2.1.0 " },
		{ "FROM:<j\xc3\xbc@b.c>", "553 5.6.7 " },
		{ "FROM:<a@b.c> RET=HDRS ENVID=a+2Bb", "250 2.1.0 " },
		{ "FROM:<a@b.c> RET=ALL", "501 5.5.4 " },
		{ "FROM:<a@b.c> ENVID=a+0Ab", "501 5.5.4 " },
		{ "FROM:<a@b.c> REQUIRETLS", "555 5.5.4 " },
		{ "FROM:<a@b.c> AUTH=<>", "555 5.5.4 " },
		{ "FROM:<a@b.c> FOO=1", "555 5.5.4 " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf in = BUF_INIT(4096);
		AUTO(buf_fini) struct buf want = BUF_INIT(4096);

		test_row(rows[i].args);
		buf_printf(&in, "HELO x\r\nMAIL %s\r\n", rows[i].args);
		buf_printf(&want, "220 \n250 mx\n%s", rows[i].want);
		run(&(struct smtp_script){ .role = SMTP_MX, .input = buf_str(&in) }, buf_z(&want));
	}
	run(&(struct smtp_script){ .role = SMTP_MX,
				   .is_tls = true,
				   .input = S("EHLO x\r\nMAIL FROM:<a@b.c> REQUIRETLS\r\n") },
	    "220 \n" HELLO_TLS "\n250 2.1.0 ");
}

TEST(rcpt_parameters)
{
	static const struct {
		const char *args, *want;
	} rows[] = {
		{ "TO:<bob@example.test>", "250 2.1.5 " },
		{ "TO: <BOB+tag@Example.Test>", "250 2.1.5 " },
		{ "TO:<both@example.test>", "250 2.1.5 " },
		{ "TO:<postmaster>", "250 2.1.5 " },
		{ "TO:<\"bob\"@example.test>", "250 2.1.5 " },
		{ "TO:<@x.org:bob@example.test>", "250 2.1.5 " },
		{ "TO:<nobody@example.test>", "550 5.1.1 " },
		{ "TO:<bob@example.org>", "550 5.7.1 " },
		{ "TO:<bob%example.org@example.test>", "550 5.1.1 " },
		{ "TO:<bob@[192.0.2.1]>", "550 5.7.1 " },
		{ "TO:<bob>", "501 5.1.3 " },
		{ "TO:<>", "501 5.1.3 " },
		{ "TO:bob@example.test", "501 5.5.4 " },
		{ "TO:<b\xc3\xb6@example.test>", "553 5.6.7 " },
		{ "TO:<bob@example.test> NOTIFY=SUCCESS,delay ORCPT=rfc822;a+2Bb@c.d",
		  "250 2.1.5 " },
		{ "TO:<bob@example.test> NOTIFY=NEVER", "250 2.1.5 " },
		{ "TO:<bob@example.test> NOTIFY=NEVER,DELAY", "501 5.5.4 " },
		{ "TO:<bob@example.test> NOTIFY=X", "501 5.5.4 " },
		{ "TO:<bob@example.test> ORCPT=x", "501 5.5.4 " },
		{ "TO:<bob@example.test> FOO", "555 5.5.4 " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf in = BUF_INIT(4096);
		AUTO(buf_fini) struct buf want = BUF_INIT(4096);

		test_row(rows[i].args);
		buf_printf(&in, "HELO x\r\nMAIL FROM:<>\r\nRCPT %s\r\n", rows[i].args);
		buf_printf(&want, "220 \n250 mx\n250 2.1.0 \n%s", rows[i].want);
		run(&(struct smtp_script){ .role = SMTP_MX, .input = buf_str(&in) }, buf_z(&want));
	}
}

TEST(full_mailbox)
{
	run(
		&(struct smtp_script){
			.role = SMTP_MX,
			.input = S(
				"HELO x\r\nMAIL FROM:<> SIZE=1000\r\nRCPT TO:<carol@example.test>\r\n"
				"RCPT TO:<bob@example.test>\r\n") },
		"220 \n250 mx\n250 2.1.0 \n452 4.2.2 \n250 2.1.5 ");
}

TEST(too_many_recipients)
{
	AUTO(buf_fini) struct buf in = BUF_INIT(1 << 16);
	AUTO(buf_fini) struct buf want = BUF_INIT(1 << 16);

	buf_add(&in, S("HELO x\r\nMAIL FROM:<>\r\n"));
	buf_add(&want, S("220 \n250 mx\n250 2.1.0 \n"));
	for (int i = 0; i < 100; i++) {
		buf_printf(&in, "RCPT TO:<bob+%d@example.test>\r\n", i);
		buf_add(&want, S("250 2.1.5 \n"));
	}
	buf_add(&in, S("RCPT TO:<alice@example.test>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n"));
	buf_add(&want, S("452 4.5.3 \n354 \n250 2.0.0 "));
	run(&(struct smtp_script){ .role = SMTP_MX, .input = buf_str(&in), .chunk = 11 },
	    buf_z(&want));
}

/* The last message behind its trace headers: Return-Path, and Received up to its date line. */
static struct str after_trace(struct str message)
{
	ptrdiff_t at = str_find(message, S("; "));

	if (at < 0)
		at = str_find(message, S(";\r\n\t"));
	message = str_skip(message, (size_t)(at < 0 ? 0 : at) + 3);
	at = str_find(message, S("\r\n"));
	return str_skip(message, (size_t)(at < 0 ? 0 : at) + 2);
}

static void assert_has(struct str all, const char *want_z)
{
	if (str_find(all, str_z(want_z)) < 0)
		assert_str_eq(all, str_z(want_z));
}

#define MESSAGE "From: x@example.org\r\nSubject: hi\r\n\r\n..leading\r\n.\xff 8 bit\r\n\r\nend\r\n"
#define MESSAGE_KEPT \
	"From: x@example.org\r\nSubject: hi\r\n\r\n.leading\r\n\xff 8 bit\r\n\r\nend\r\n"

TEST(data_is_stored_byte_for_byte)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(1 << 20);
	AUTO(buf_fini) struct buf again = BUF_INIT(1 << 20);
	struct smtp_fixture *f = fixture();
	size_t n = smtp_fixture_inbox(f, f->bob, &again);

	run(&(struct smtp_script){ .role = SMTP_MX,
				   .chunk = 5,
				   .input = S(START "DATA\r\n" MESSAGE ".\r\nQUIT\r\n") },
	    STARTED "354 \n250 2.0.0 queued as \n221 ");
	assert_int_equal(smtp_fixture_inbox(f, f->bob, &message), n + 1);
	assert_true(str_starts(
		buf_str(&message),
		S("Return-Path: <x@example.org>\r\nReceived: from client.example.org ([192.0.2.7])\r\n"
		  "\tby mx.example.test with ESMTP\r\n\tid ")));
	assert_has(buf_str(&message), "\r\n\tfor <bob@example.test>;\r\n\t");
	assert_str_eq(after_trace(buf_str(&message)), S(MESSAGE_KEPT));
}

TEST(several_recipients_one_copy_each)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(1 << 20);
	struct smtp_fixture *f = fixture();
	size_t alice = smtp_fixture_inbox(f, f->alice, &message),
	       bob = smtp_fixture_inbox(f, f->bob, &message);

	run(
		&(struct smtp_script){
			.role = SMTP_MX,
			.peer_z = "2001:db8::7",
			.input = S(
				"HELO a(b\r\nMAIL FROM:<>\r\nRCPT TO:<both@example.test>\r\n"
				"RCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n.\r\n") },
		"220 \n250 mx\n250 2.1.0 \n250 2.1.5 \n550 5.1.1 \n250 2.1.5 \n354 \n250 2.0.0 queued");
	buf_reset(&message);
	assert_int_equal(smtp_fixture_inbox(f, f->alice, &message), alice + 1);
	buf_reset(&message);
	assert_int_equal(smtp_fixture_inbox(f, f->bob, &message), bob + 1);
	assert_has(
		buf_str(&message),
		"Return-Path: <>\r\nReceived: from unknown ([IPv6:2001:db8::7])\r\n\tby mx.example.test with SMTP\r\n");
	assert_true(str_find(buf_str(&message), S("for <")) < 0);
}

TEST(data_refused)
{
	static const struct row rows[] = {
		{ "all refused",
		  STR_INIT("HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<no@example.test>\r\nDATA\r\n"),
		  "220 \n250 mx\n250 2.1.0 \n550 5.1.1 \n554 5.5.1 No valid" },
		{ "argument", STR_INIT(START "DATA x\r\n"), STARTED "501 5.5.4 " },
		{ "cut off", STR_INIT(START "DATA\r\na\r\n."), STARTED "354 \n421 4.4.2 " },
		{ "bare LF", STR_INIT(START "DATA\r\na\nb\r\n.\r\nNOOP\r\n"),
		  STARTED "354 \n550 5.6.0 The message contains a bare LF\n250 2.0.0 Ok" },
		{ "bare CR", STR_INIT(START "DATA\r\na\rb\r\n.\r\nNOOP\r\n"),
		  STARTED "354 \n550 5.6.0 The message contains a bare CR\n250 2.0.0 Ok" },
		{ "NUL", STR_INIT(START "DATA\r\na\0b\r\n.\r\nNOOP\r\n"),
		  STARTED "354 \n550 5.6.0 The message contains a NUL\n250 2.0.0 Ok" },
		{ "smuggled message",
		  STR_INIT(
			  START
			  "DATA\r\na\r\n.\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nb\r\n.\r\n"),
		  STARTED "354 \n550 5.6.0 " },
		{ "loop",
		  STR_INIT(
			  START
			  "DATA\r\nReceived: 1\r\nReceived: 2\r\nReceived: 3\r\nReceived: 4\r\nReceived: 5\r\nReceived: 6\r\n"
			  "Received: 7\r\nReceived: 8\r\nReceived: 9\r\nReceived: 10\r\nReceived: 11\r\n\r\n.\r\n"),
		  STARTED "354 \n554 5.4.6 " },
		{ "not in the header",
		  STR_INIT(
			  START
			  "DATA\r\nReceived: 1\r\nReceived: 2\r\nReceived: 3\r\nReceived: 4\r\nReceived: 5\r\nReceived: 6\r\n"
			  "Received: 7\r\nReceived: 8\r\nReceived: 9\r\nReceived: 10\r\n\r\nReceived: 11\r\n.\r\n"),
		  STARTED "354 \n250 2.0.0 " },
		{ "transaction is over", STR_INIT(START "DATA\r\n.\r\nDATA\r\n"),
		  STARTED "354 \n250 2.0.0 \n503 5.5.1 Need MAIL" },
	};

	run_rows(SMTP_MX, false, NULL, rows, ARRAY_LEN(rows));
}

TEST(too_large)
{
	AUTO(buf_fini) struct buf in = BUF_INIT(1 << 20);

	buf_add(&in, S(START "DATA\r\n"));
	for (int i = 0; i < 1100; i++)
		buf_add(&in,
			S("sixty-four bytes of text, as a line that says nothing much at all\r\n"));
	buf_add(&in, S(".\r\nNOOP\r\n"));
	run(&(struct smtp_script){ .role = SMTP_MX, .input = buf_str(&in) },
	    STARTED "354 \n552 5.3.4 \n250 2.0.0 Ok");
	buf_reset(&in);
	buf_add(&in, S(START "DATA\r\n"));
	for (int i = 0; i < 4000; i++)
		buf_add(&in,
			S("sixty-four bytes of text, as a line that says nothing much at all\r\n"));
	run(&(struct smtp_script){ .role = SMTP_MX, .input = buf_str(&in) },
	    STARTED "354 \n552 5.3.4 ");
}

TEST(bdat)
{
	static const struct row rows[] = {
		{ "one chunk", STR_INIT(START "BDAT 6 LAST\r\na: b\r\nNOOP\r\n"),
		  STARTED "250 2.0.0 queued as \n250 2.0.0 Ok" },
		{ "chunks", STR_INIT(START "BDAT 3\r\na: BDAT 3\r\nb\r\nBDAT 0 LAST\r\nNOOP\r\n"),
		  STARTED "250 2.0.0 Octets\n250 2.0.0 Octets\n250 2.0.0 queued\n250 2.0.0 Ok" },
		{ "dots are text", STR_INIT(START "BDAT 8 LAST\r\n.\r\n..a\r\nNOOP\r\n"),
		  STARTED "250 2.0.0 queued\n250 2.0.0 Ok" },
		{ "RSET", STR_INIT(START "BDAT 2\r\nabRSET\r\nBDAT 0 LAST\r\n"),
		  STARTED "250 2.0.0 Octets\n250 2.0.0 Ok\n503 5.5.1 Need MAIL" },
		{ "no DATA, no RCPT, no MAIL",
		  STR_INIT(
			  START
			  "BDAT 2\r\nabDATA\r\nRCPT TO:<bob@example.test>\r\nMAIL FROM:<>\r\nBDAT 2 LAST\r\n\r\n"),
		  STARTED
		  "250 2.0.0 \n503 5.5.1 Only\n503 5.5.1 Only\n503 5.5.1 Only\n250 2.0.0 queued" },
		{ "dropped",
		  STR_INIT(
			  "HELO x\r\nBDAT 6 LAST\r\nNOOP\r\nMAIL FROM:<>\r\nBDAT 6\r\nQUIT\r\nNOOP\r\n"),
		  "220 \n250 mx\n503 5.5.1 Need MAIL\n250 2.1.0 \n503 5.5.1 Need RCPT\n250 2.0.0 Ok" },
		{ "bad length", STR_INIT(START "BDAT x\r\nQUIT\r\n"), STARTED "501 5.5.4 " },
		{ "bad word", STR_INIT(START "BDAT 6 LEAST\r\nQUIT\r\n"), STARTED "501 5.5.4 " },
		{ "absurd", STR_INIT(START "BDAT 18446744073709551615\r\nQUIT\r\n"),
		  STARTED "552 5.3.4 " },
		{ "bare LF", STR_INIT(START "BDAT 2\r\na\nBDAT 2 LAST\r\n\r\nNOOP\r\n"),
		  STARTED "250 2.0.0 Octets\n550 5.6.0 \n250 2.0.0 Ok" },
		{ "CR LF across chunks", STR_INIT(START "BDAT 2\r\na\rBDAT 1 LAST\r\n\nNOOP\r\n"),
		  STARTED "250 2.0.0 Octets\n250 2.0.0 queued\n250 2.0.0 Ok" },
		{ "open CR", STR_INIT(START "BDAT 2 LAST\r\na\rNOOP\r\n"),
		  STARTED "550 5.6.0 \n250 2.0.0 Ok" },
		{ "cut off", STR_INIT(START "BDAT 9 LAST\r\na"), STARTED "421 4.4.2 " },
	};

	run_rows(SMTP_MX, false, NULL, rows, ARRAY_LEN(rows));
}

TEST(bdat_binary)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(1 << 20);
	struct smtp_fixture *f = fixture();

	run(
		&(struct smtp_script){
			.role = SMTP_MX,
			.chunk = 3,
			.input = S(
				"EHLO x\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
				"BDAT 9 LAST\r\na: b\r\n\r\n\0"
				"BDAT 1\r\n\n") },
		"220 \n" HELLO_MX
		"\n250 2.1.0 \n250 2.1.5 \n503 5.5.1 \n250 2.0.0 queued\n503 5.5.1 Need MAIL");
	smtp_fixture_inbox(f, f->bob, &message);
	assert_str_eq(after_trace(buf_str(&message)), S("a: b\r\n\r\n\0"));
}

TEST(bdat_too_large)
{
	AUTO(buf_fini) struct buf in = BUF_INIT(1 << 20);

	buf_add(&in, S(START "BDAT 70000\r\n"));
	for (int i = 0; i < 7000; i++)
		buf_add(&in, S("12345678\r\n"));
	buf_add(&in, S("BDAT 2\r\n\r\nBDAT 0 LAST\r\nNOOP\r\n"));
	run(&(struct smtp_script){ .role = SMTP_MX, .input = buf_str(&in) },
	    STARTED "552 5.3.4 \n552 5.3.4 \n552 5.3.4 \n250 2.0.0 Ok");
}

TEST(starttls)
{
	/*
	 * One chunk: what follows STARTTLS came before the handshake and is dropped (RFC 3207
	 * 4.2).
	 */
	run(&(struct smtp_script){ .role = SMTP_MX,
				   .input = S("EHLO x\r\nSTARTTLS\r\nMAIL FROM:<>\r\nQUIT\r\n") },
	    "220 \n" HELLO_MX "\n220 2.0.0 ");
	/* Two chunks: what was said before is forgotten, STARTTLS is gone. */
	run(&(struct smtp_script){ .role = SMTP_MX,
				   .chunk = 41,
				   .input = S("EHLO x\r\nMAIL FROM:<xxxxx@b.c>\r\nSTARTTLS\r\n"
					      "MAIL FROM:<>\r\nEHLO x\r\nSTARTTLS\r\n") },
	    "220 \n" HELLO_MX "\n250 2.1.0 \n220 2.0.0 \n503 5.5.1 Say\n" HELLO_TLS
	    "\n503 5.5.1 TLS is");
	run(&(struct smtp_script){ .role = SMTP_MX,
				   .input = S("STARTTLS\r\nEHLO x\r\nSTARTTLS now\r\n") },
	    "220 \n503 5.5.1 \n" HELLO_MX "\n501 5.5.4 ");
}

/* "\0alice@example.test\0open sesame" */
#define PLAIN "AGFsaWNlQGV4YW1wbGUudGVzdABvcGVuIHNlc2FtZQ=="
#define LOGIN "EHLO [192.0.2.7]\r\nAUTH PLAIN " PLAIN "\r\n"
#define HELLO_SUBMISSION HELLO "250-REQUIRETLS\n250 AUTH "
#define LOGGED_IN "220 \n" HELLO_SUBMISSION "\n235 2.7.0 \n"

TEST(submission_needs_tls)
{
	static const struct row rows[] = {
		{ "clear",
		  STR_INIT("EHLO x\r\nAUTH PLAIN " PLAIN "\r\nMAIL FROM:<alice@example.test>\r\n"),
		  "220 \n" HELLO_MX "\n538 5.7.11 \n530 5.7.0 Must issue" },
	};

	run_rows(SMTP_SUBMISSION, false, NULL, rows, ARRAY_LEN(rows));
}

TEST(submission_auth)
{
	static const struct row rows[] = {
		{ "no login", STR_INIT("EHLO x\r\nMAIL FROM:<alice@example.test>\r\n"),
		  "220 \n" HELLO_SUBMISSION "\n530 5.7.0 Authentication" },
		{ "at once", STR_INIT(LOGIN "AUTH PLAIN\r\n"), LOGGED_IN "503 5.5.1 Already" },
		{ "continued", STR_INIT("EHLO x\r\nAUTH PLAIN\r\n" PLAIN "\r\nNOOP\r\n"),
		  "220 \n" HELLO_SUBMISSION "\n334 \r\n235 2.7.0 \n250 2.0.0 " },
		{ "LOGIN",
		  STR_INIT(
			  "EHLO x\r\nAUTH login\r\nYWxpY2VAZXhhbXBsZS50ZXN0\r\nb3BlbiBzZXNhbWU=\r\n"),
		  "220 \n" HELLO_SUBMISSION "\n334 VXNlcm5hbWU6\n334 UGFzc3dvcmQ6\n235 2.7.0 " },
		{ "cancelled", STR_INIT("EHLO x\r\nAUTH PLAIN\r\n*\r\nNOOP\r\n"),
		  "220 \n" HELLO_SUBMISSION "\n334 \r\n501 5.7.0 \n250 2.0.0 " },
		{ "bare LF", STR_INIT("EHLO x\r\nAUTH PLAIN\r\n" PLAIN "\nNOOP\r\nNOOP\r\n"),
		  "220 \n" HELLO_SUBMISSION "\n334 \r\n500 5.5.2 \n250 2.0.0 " },
		{ "not base64", STR_INIT("EHLO x\r\nAUTH PLAIN !!!\r\nNOOP\r\n"),
		  "220 \n" HELLO_SUBMISSION "\n501 5.5.2 \n250 2.0.0 " },
		{ "unknown", STR_INIT("EHLO x\r\nAUTH FOO\r\nAUTH\r\nAUTH PLAIN a b\r\n"),
		  "220 \n" HELLO_SUBMISSION "\n504 5.5.4 \n501 5.5.4 \n501 5.5.4 " },
		{ "in a transaction", STR_INIT(LOGIN "MAIL FROM:<>\r\nAUTH PLAIN\r\n"),
		  LOGGED_IN "250 2.1.0 \n503 5.5.1 " },
	};

	run_rows(SMTP_SUBMISSION, true, NULL, rows, ARRAY_LEN(rows));
}

TEST(submission_wrong_password)
{
	run(
		&(struct smtp_script){
			.role = SMTP_SUBMISSION,
			.is_tls = true,
			.input = S(
				"EHLO x\r\nAUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB4\r\nAUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB4\r\n"
				"AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB4\r\nNOOP\r\n") },
		"220 \n" HELLO_SUBMISSION "\n535 5.7.8 \n535 5.7.8 \n535 5.7.8 \n421 4.7.0 ");
}

TEST(submission_sender)
{
	static const struct row rows[] = {
		{ "own", STR_INIT(LOGIN "MAIL FROM:<alice@example.test>\r\n"),
		  LOGGED_IN "250 2.1.0 " },
		{ "tag", STR_INIT(LOGIN "MAIL FROM:<alice+x@example.test>\r\n"),
		  LOGGED_IN "250 2.1.0 " },
		{ "alias", STR_INIT(LOGIN "MAIL FROM:<both@example.test> AUTH=<>\r\n"),
		  LOGGED_IN "250 2.1.0 " },
		{ "null", STR_INIT(LOGIN "MAIL FROM:<>\r\n"), LOGGED_IN "250 2.1.0 " },
		{ "other",
		  STR_INIT(LOGIN "MAIL FROM:<bob@example.test>\r\nRCPT TO:<x@example.org>\r\n"),
		  LOGGED_IN "553 5.7.1 \n503 5.5.1 " },
		{ "elsewhere", STR_INIT(LOGIN "MAIL FROM:<alice@example.org>\r\n"),
		  LOGGED_IN "553 5.7.1 " },
		{ "recipients",
		  STR_INIT(
			  LOGIN
			  "MAIL FROM:<>\r\nRCPT TO:<x@example.org>\r\nRCPT TO:<no@example.test>\r\nRCPT TO:<bob@example.test>\r\n"),
		  LOGGED_IN "250 2.1.0 \n250 2.1.5 \n550 5.1.1 \n250 2.1.5 " },
	};

	run_rows(SMTP_SUBMISSION, true, NULL, rows, ARRAY_LEN(rows));
}

TEST(submission_completes_the_header)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(1 << 20);
	AUTO(arena_fini) struct arena a = { .cap = 1 << 20 };
	struct smtp_fixture *f = fixture();
	struct queue_item *items;
	struct str text;
	size_t n;

	run(
		&(struct smtp_script){
			.role = SMTP_SUBMISSION,
			.is_tls = true,
			.input = S(
				LOGIN
				"MAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nRCPT TO:<x@example.org>\r\n"
				"DATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n") },
		LOGGED_IN "250 2.1.0 \n250 2.1.5 \n250 2.1.5 \n354 \n250 2.0.0 queued");
	smtp_fixture_inbox(f, f->bob, &message);
	text = buf_str(&message);
	assert_true(str_starts(
		text,
		S("Return-Path: <alice@example.test>\r\nReceived: by mx.example.test with ESMTPSA")));
	assert_true(str_find(text, S("192.0.2.7")) < 0);
	assert_has(after_trace(text), "Date: ");
	assert_has(after_trace(text), "Message-ID: <");
	assert_true(str_ends(text, S("@mx.example.test>\r\nSubject: x\r\n\r\nbody\r\n")));
	assert_int_equal(queue_list(f->queue, &a, &(struct queue_pick){ 0 }, &items, &n), 0);
	assert_true(n > 0);
	assert_str_eq(items[n - 1].recipient, S("x@example.org"));
	assert_str_eq(items[n - 1].reverse_path, S("alice@example.test"));

	run(
		&(struct smtp_script){
			.role = SMTP_SUBMISSION,
			.is_tls = true,
			.input = S(
				LOGIN
				"MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
				"date: Mon, 23 Nov 2026 20:08:00 +0000\r\nmessage-id: <a@b>\r\n\r\n.\r\n") },
		LOGGED_IN "250 2.1.0 \n250 2.1.5 \n354 \n250 2.0.0 queued");
	buf_reset(&message);
	smtp_fixture_inbox(f, f->bob, &message);
	assert_str_eq(after_trace(buf_str(&message)),
		      S("date: Mon, 23 Nov 2026 20:08:00 +0000\r\nmessage-id: <a@b>\r\n\r\n"));
}

TEST(lmtp)
{
	static const struct row rows[] = {
		{ "errors do not close",
		  STR_INIT("A\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nA\r\nNOOP\r\n"),
		  "220 \n500 \n500 \n500 \n500 \n500 \n500 \n500 \n500 \n250 2.0.0 " },
		{ "no HELO", STR_INIT("HELO x\r\nEHLO x\r\n"),
		  "220 mx.example.test LMTP\n500 5.5.1 \n500 5.5.1 " },
		{ "a reply each",
		  STR_INIT(
			  "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nRCPT TO:<no@example.test>\r\n"
			  "RCPT TO:<alice@example.test>\r\nDATA\r\n.\r\nNOOP\r\n"),
		  "220 \n" HELLO_MX
		  "\n250 2.1.0 \n250 2.1.5 \n550 5.1.1 \n250 2.1.5 \n354 \n250 2.0.0 queued\n250 2.0.0 queued\n250 2.0.0 Ok" },
		{ "refused each",
		  STR_INIT(
			  "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nRCPT TO:<alice@example.test>\r\n"
			  "BDAT 1\r\n\nBDAT 0 LAST\r\nNOOP\r\n"),
		  "220 \n" HELLO_MX
		  "\n250 2.1.0 \n250 2.1.5 \n250 2.1.5 \n250 2.0.0 Octets\n550 5.6.0 \n550 5.6.0 \n250 2.0.0 Ok" },
		{ "none",
		  STR_INIT(
			  "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<no@example.test>\r\nDATA\r\nRCPT TO:<x@example.org>\r\n"),
		  "220 \n" HELLO_MX "\n250 2.1.0 \n550 5.1.1 \n503 5.5.1 \n550 5.7.1 " },
	};

	run_rows(SMTP_LMTP, false, "unix", rows, ARRAY_LEN(rows));
}

TEST(ends)
{
	run(&(struct smtp_script){ .role = SMTP_MX, .input = S(""), .last = NET_TIMEOUT },
	    "220 \n421 4.4.2 ");
	run(&(struct smtp_script){ .role = SMTP_MX, .input = S(""), .last = NET_STOP },
	    "220 \n421 4.3.2 ");
}

TEST(long_lines)
{
	AUTO(buf_fini) struct buf in = BUF_INIT(1 << 20);

	buf_add(&in, S("NOOP "));
	for (int i = 0; i < 20000; i++)
		buf_add_char(&in, 'x');
	buf_add(&in, S("\r\nNOOP\r\n"));
	run(&(struct smtp_script){ .role = SMTP_MX, .input = buf_str(&in) },
	    "220 \n500 5.5.6 \n250 2.0.0 ");
}

/* With their own settings: early talkers, pipelining, normalising. */
TEST(settings)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(1 << 16);
	AUTO(buf_fini) struct buf message = BUF_INIT(1 << 16);
	struct smtp_fixture f = { 0 };

	smtp_fixture_open(
		&f, test_dir(),
		"[smtp]\nreject_bad_pipelining = yes\nsubmission_bare_lf = normalise\nmax_messages = 1\n"
		"[auth]\nfailure_delay = 0ms\n");
	smtp_fixture_run(&f, &(struct smtp_script){ .role = SMTP_MX, .input = S("EHLO x\r\n") },
			 &out);
	expect_lines(buf_str(&out), "554 5.5.1 You spoke");

	/* Nobody may be parked waiting for the greeting here: without a delay it comes at once. */
	buf_reset(&out);
	smtp_fixture_run(&f, &(struct smtp_script){ .role = SMTP_MX, .input = S("") }, &out);
	expect_lines(buf_str(&out), "220 ");

	buf_reset(&out);
	smtp_fixture_run(
		&f, &(struct smtp_script){ .role = SMTP_LMTP, .input = S("LHLO x\r\nNOOP\r\n") },
		&out);
	expect_lines(buf_str(&out), "220 \n554 5.5.1 You sent");

	buf_reset(&out);
	smtp_fixture_run(
		&f,
		&(struct smtp_script){
			.role = SMTP_SUBMISSION,
			.is_tls = true,
			.chunk = 1,
			.input = S(
				LOGIN
				"MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nDate: x\nMessage-ID: y\n\n.\na\r\n.\r\nMAIL FROM:<>\r\nNOOP\r\n") },
		&out);
	assert_has(buf_str(&out), "250-LIMITS MAILMAX=1 RCPTMAX=1000\r\n");
	assert_has(buf_str(&out), "\r\n250 2.0.0 queued as ");
	assert_true(
		str_ends(buf_str(&out),
			 S("\r\n421 4.7.0 Too many messages in one session, open a new one\r\n")));
	smtp_fixture_inbox(&f, f.bob, &message);
	assert_str_eq(after_trace(buf_str(&message)),
		      S("Date: x\r\nMessage-ID: y\r\n\r\n.\r\na\r\n"));
	smtp_fixture_close(&f);
}

TEST(greet_delay)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(1 << 16);
	struct smtp_fixture f = { 0 };

	smtp_fixture_open(&f, test_dir(), "[smtp]\ngreet_delay = 5s\n");
	smtp_fixture_run(
		&f, &(struct smtp_script){ .role = SMTP_MX, .input = S(""), .last = NET_TIMEOUT },
		&out);
	expect_lines(buf_str(&out), "220 ");
	buf_reset(&out);
	smtp_fixture_run(&f, &(struct smtp_script){ .role = SMTP_MX, .input = S("") }, &out);
	expect_lines(buf_str(&out), "");
	smtp_fixture_close(&f);
}

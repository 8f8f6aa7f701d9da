/* SPDX-License-Identifier: MIT */
/* POP3 sessions against a real store, line by line. */
#include "pop3/pop3_test.h"

#include "base/log.h"
#include "base/test.h"

#define SETTINGS "[auth]\nfailure_delay = 0ms\n"
#define BANNER "+OK mail.example.test Martlet POP3 ready\r\n"
#define LOGIN "USER alice@example.test\r\nPASS pass word\r\n"

#define MESSAGE_1 "Subject: one\r\n\r\nbody\r\n"
#define MESSAGE_2 "Subject: two\r\nX: y\r\n\r\n.\r\n..two\r\n.three\r\nlast\r\n"

/*
 * What a session answers after the banner: one line of want for each line; "..." at the end of
 * one: only its beginning counts.
 */
struct session_row {
	const char *name;
	const char *input;
	const char *want;
};

static bool line_fits(struct str got, struct str want)
{
	if (str_ends(want, S("...")))
		return str_starts(got, str_head(want, want.n - 3));
	return str_eq(got, want);
}

static void assert_lines(struct str got, struct str want)
{
	struct str g = S(""), w = S("");

	while (want.n > 0) {
		assert_true(str_split(&want, '\n', &w));
		if (!str_split(&got, '\n', &g))
			g = S("(nothing)");
		if (str_ends(g, S("\r")))
			g.n--;
		if (!line_fits(g, w))
			assert_str_eq(g, w);
	}
	assert_str_eq(got, S(""));
}

static void run_on(struct pop3_fixture *f, const char *input_z, size_t chunk, bool is_tls,
		   const char *want_z)
{
	struct conn *c = conn_new_scripted(str_z(input_z), chunk, is_tls, "192.0.2.7");

	pop3_fixture_run(f, c, 100000);
	assert_true(str_starts(conn_scripted_output(c), S(BANNER)));
	assert_lines(str_skip(conn_scripted_output(c), strlen(BANNER)), str_z(want_z));
	conn_free_scripted(c);
}

static void fixture_open(struct pop3_fixture *f, const char *settings_z)
{
	memset(f, 0, sizeof(*f));
	log_setup(2, LOG_LVL_ERROR, LOG_FMT_TEXT);
	pop3_fixture_open(f, test_dir(), settings_z);
	pop3_fixture_add(f, S(MESSAGE_1));
	pop3_fixture_add(f, S(MESSAGE_2));
}

#define IN "+OK now...\n+OK 2 messages, 68 octets\n"

static const struct session_row rows[] = {
	{ "nothing", "", "" },
	{ "quit", "QUIT\r\n", "+OK good-bye\n" },
	{ "bare LF", "QUIT\n", "+OK good-bye\n" },
	{ "lower case", "quit\r\n", "+OK good-bye\n" },
	{ "unknown", "APOP x y\r\nXTND\r\n\r\nQUIT\r\n",
	  "-ERR unknown...\n-ERR unknown...\n-ERR unknown...\n+OK good-bye\n" },
	{ "states", "STAT\r\nRETR 1\r\nNOOP\r\n" LOGIN "USER x\r\nAUTH PLAIN\r\nSTLS\r\nUTF8\r\n",
	  "-ERR log in first\n-ERR log in first\n-ERR log in first\n" IN
	  "-ERR not after the login\n-ERR not after the login\n-ERR not after the login\n-ERR not after the login\n" },
	{ "arguments", "USER\r\nQUIT now\r\nUTF8 x\r\n",
	  "-ERR USER needs...\n-ERR QUIT takes no...\n-ERR UTF8 takes no...\n" },
	{ "pass first", "PASS x\r\n", "-ERR USER comes first\n" },
	{ "wrong password", "USER alice@example.test\r\nPASS no\r\nPASS pass word\r\n",
	  "+OK...\n-ERR [AUTH]...\n-ERR USER comes first\n" },
	{ "unknown user", "USER x@example.test\r\nPASS no\r\n", "+OK...\n-ERR [AUTH]...\n" },
	{ "stat", LOGIN "STAT\r\n", IN "+OK 2 68\n" },
	{ "list",
	  LOGIN "LIST\r\nLIST 2\r\nLIST 3\r\nLIST 0\r\nLIST x\r\nLIST 18446744073709551617\r\n",
	  IN
	  "+OK 2 messages\n1 22\n2 46\n.\n+OK 2 46\n-ERR no such message\n-ERR no such message\n-ERR a message...\n-ERR a message...\n" },
	{ "retr", LOGIN "RETR 1\r\n", IN "+OK 22 octets\nSubject: one\n\nbody\n.\n" },
	{ "dot-stuffing", LOGIN "RETR 2\r\n",
	  IN "+OK 46 octets\nSubject: two\nX: y\n\n..\n...two\n..three\nlast\n.\n" },
	{ "top", LOGIN "TOP 2 0\r\nTOP 2 1\r\nTOP 2 99\r\nTOP 2\r\nTOP 2 x\r\nTOP 9 1\r\n",
	  IN
	  "+OK top...\nSubject: two\nX: y\n\n.\n+OK top...\nSubject: two\nX: y\n\n..\n.\n"
	  "+OK top...\nSubject: two\nX: y\n\n..\n...two\n..three\nlast\n.\n-ERR write TOP...\n-ERR write TOP...\n-ERR no such message\n" },
	{ "dele and rset",
	  LOGIN "DELE 1\r\nDELE 1\r\nRETR 1\r\nLIST\r\nSTAT\r\nLIST 1\r\nRSET\r\nSTAT\r\n",
	  IN
	  "+OK message 1...\n-ERR no such message\n-ERR no such message\n+OK 1 messages\n2 46\n.\n+OK 1 46\n-ERR no such message\n"
	  "+OK no message...\n+OK 2 68\n" },
	{ "lang", "LANG\r\nLANG en\r\nLANG *\r\nLANG MUL\r\n" LOGIN "LANG EN-us\r\n",
	  "+OK languages...\nen English\n.\n+OK en ...\n+OK en ...\n-ERR that...\n" IN
	  "+OK en ...\n" },
	{ "utf8", "UTF8\r\n" LOGIN "NOOP\r\n", "+OK UTF-8...\n" IN "+OK nothing...\n" },
	{ "auth plain", "AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABwYXNzIHdvcmQ=\r\nSTAT\r\n",
	  "+OK 2 messages, 68 octets\n+OK 2 68\n" },
	{ "auth plain, challenge",
	  "AUTH PLAIN\r\nAGFsaWNlQGV4YW1wbGUudGVzdABwYXNzIHdvcmQ=\r\nSTAT\r\n",
	  "+ \n+OK 2 messages, 68 octets\n+OK 2 68\n" },
	{ "auth login", "AUTH LOGIN\r\nYWxpY2VAZXhhbXBsZS50ZXN0\r\ncGFzcyB3b3Jk\r\nSTAT\r\n",
	  "+ VXNlcm5hbWU6\n+ UGFzc3dvcmQ6\n+OK 2 messages, 68 octets\n+OK 2 68\n" },
	{ "auth cancelled", "AUTH LOGIN\r\n*\r\nSTAT\r\n",
	  "+ VXNlcm5hbWU6\n-ERR the exchange...\n-ERR log in first\n" },
	{ "auth not base64", "AUTH PLAIN\r\n!!\r\nAUTH PLAIN =AAA\r\n",
	  "+ \n-ERR the exchange...\n-ERR the exchange...\n" },
	{ "auth wrong", "AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB4\r\n", "-ERR [AUTH]...\n" },
	{ "auth unknown", "AUTH NTLM\r\n", "-ERR mechanism...\n" },
	{ "auth list", "AUTH\r\n",
	  "+OK mechanisms...\nSCRAM-SHA-256-PLUS\nSCRAM-SHA-1-PLUS\nSCRAM-SHA-256\nSCRAM-SHA-1\nPLAIN\nLOGIN\n.\n" },
	{ "auth scram begins",
	  "AUTH SCRAM-SHA-256 biwsbj1hbGljZUBleGFtcGxlLnRlc3Qscj1hYmNkZWZnaA==\r\n*\r\n",
	  "+ cj1hYmNkZWZna...\n-ERR the exchange...\n" },
};

TEST(sessions)
{
	static const size_t chunks[] = { 0, 1, 7 };

	for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
		struct pop3_fixture f;

		fixture_open(&f, SETTINGS);
		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			test_row(rows[k].name);
			run_on(&f, rows[k].input, chunks[i], true, rows[k].want);
		}
		pop3_fixture_close(&f);
	}
}

TEST(without_tls)
{
	struct pop3_fixture f;

	fixture_open(&f, SETTINGS);
	run_on(&f, "USER alice@example.test\r\nAUTH PLAIN\r\nSTLS\r\nAUTH\r\nCAPA\r\n", 0, false,
	       "-ERR TLS is needed...\n-ERR TLS is needed...\n-ERR TLS is not offered...\n+OK mechanisms...\n.\n"
	       "+OK capa...\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nLOGIN-DELAY 0\nPIPELINING\nEXPIRE NEVER\n"
	       "UTF8 USER\nLANG\nIMPLEMENTATION Martlet\n.\n");
	pop3_fixture_close(&f);
}

#define CAPA_TLS \
	"+OK capa...\nTOP\nUSER\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nLOGIN-DELAY 0\nPIPELINING\nEXPIRE NEVER\n" \
	"UTF8 USER\nLANG\nIMPLEMENTATION Martlet\n" \
	"SASL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN\n.\n"

TEST(capabilities)
{
	struct pop3_fixture f;

	fixture_open(&f, SETTINGS);
	/* RFC 2449 3: what is announced before the login is announced after it. */
	run_on(&f, "CAPA\r\n" LOGIN "CAPA\r\n", 0, true, CAPA_TLS IN CAPA_TLS);
	pop3_fixture_close(&f);
}

TEST(stls)
{
	struct pop3_fixture f;
	/* Never looked into by a scripted conn. */
	static char no_tls;

	fixture_open(&f, SETTINGS);
	f.ctx.tls = (struct net_tls *)(void *)&no_tls;
	/* RFC 2595 4: what stands behind STLS in the same packet is dropped. */
	run_on(&f, "CAPA\r\nSTLS\r\nUSER x\r\n", 0, false,
	       "+OK capa...\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nLOGIN-DELAY 0\nPIPELINING\nEXPIRE NEVER\nSTLS\n"
	       "UTF8 USER\nLANG\nIMPLEMENTATION Martlet\n.\n+OK begin TLS\n");
	run_on(&f, "STLS\r\n", 0, true, "-ERR TLS is on already\n");
	pop3_fixture_close(&f);
}

/* RFC 1939 6: deletions happen in UPDATE and nowhere else. */
TEST(only_quit_deletes)
{
	struct pop3_fixture f;

	fixture_open(&f, SETTINGS);
	run_on(&f, LOGIN "DELE 1\r\n", 0, true, IN "+OK...\n");
	run_on(&f, LOGIN "DELE 1\r\nDELE 2\r\nRSET\r\nQUIT\r\n", 0, true,
	       IN "+OK...\n+OK...\n+OK...\n+OK good-bye\n");
	run_on(&f, LOGIN "DELE 1\r\nQUIT\r\n", 0, true, IN "+OK...\n+OK good-bye\n");
	run_on(&f, LOGIN "LIST\r\nDELE 1\r\nQUIT\r\n", 0, true,
	       "+OK now...\n+OK 1 messages, 46 octets\n+OK 1 messages\n1 46\n.\n+OK...\n+OK good-bye\n");
	run_on(&f, LOGIN "LIST\r\nUIDL\r\nQUIT\r\n", 0, true,
	       "+OK now...\n+OK 0 messages, 0 octets\n+OK 0 messages\n.\n+OK 0 messages\n.\n+OK good-bye\n");
	pop3_fixture_close(&f);
}

static void uidls(struct pop3_fixture *f, struct buf *out)
{
	struct conn *c = conn_new_scripted(S(LOGIN "UIDL\r\nQUIT\r\n"), 0, true, "192.0.2.7");

	pop3_fixture_run(f, c, 100);
	buf_add(out, str_skip(conn_scripted_output(c),
			      (size_t)str_find(conn_scripted_output(c), S("\r\n1 "))));
	conn_free_scripted(c);
}

TEST(uidl_stays)
{
	AUTO(buf_fini) struct buf before = BUF_INIT(4096);
	AUTO(buf_fini) struct buf after = BUF_INIT(4096);
	struct pop3_fixture f;

	fixture_open(&f, SETTINGS);
	uidls(&f, &before);
	run_on(&f, LOGIN "DELE 1\r\nQUIT\r\n", 0, true, IN "+OK...\n+OK good-bye\n");
	uidls(&f, &after);
	/* "\r\n1 " and 16 digits and "\r\n2 ": the second message's UID is now the first's. */
	assert_str_eq(str_head(str_skip(buf_str(&after), 4), 16),
		      str_head(str_skip(buf_str(&before), 24), 16));
	pop3_fixture_close(&f);
}

TEST(one_session_at_a_time)
{
	struct pop3_fixture f;

	fixture_open(&f, SETTINGS);
	assert_int_equal(store_pop3_lock(f.store, f.alice), 0);
	run_on(&f, LOGIN "STAT\r\n", 0, true, "+OK...\n-ERR [IN-USE]...\n-ERR log in first\n");
	store_pop3_unlock(f.store, f.alice);
	run_on(&f, LOGIN "QUIT\r\n", 0, true, IN "+OK good-bye\n");
	run_on(&f, LOGIN, 0, true, IN);
	pop3_fixture_close(&f);
}

/* The lock is free again before QUIT is answered: a client may come back at once. */
TEST(lock_is_given_back_by_quit)
{
	struct pop3_fixture f;
	struct conn *c;
	void *session;

	fixture_open(&f, SETTINGS);
	c = conn_new_scripted(S(LOGIN "QUIT\r\n"), 0, true, "192.0.2.7");
	session = pop3_protocol.open(c, &f.ctx);
	assert_int_equal(pop3_protocol.run(session, NET_START), NET_CLOSE);
	assert_int_equal(store_pop3_lock(f.store, f.alice), 0);
	store_pop3_unlock(f.store, f.alice);
	pop3_protocol.close(session);
	conn_free_scripted(c);
	pop3_fixture_close(&f);
}

TEST(snapshot_is_fixed)
{
	struct pop3_fixture f;
	struct conn *c;
	void *session;

	fixture_open(&f, SETTINGS);
	c = conn_new_scripted(S(LOGIN "STAT\r\n"), strlen(LOGIN), true, "192.0.2.7");
	session = pop3_protocol.open(c, &f.ctx);
	assert_int_equal(pop3_protocol.run(session, NET_START), NET_PARK);
	pop3_fixture_add(&f, S(MESSAGE_1));
	while (pop3_protocol.run(session, NET_INPUT) == NET_PARK)
		continue;
	conn_flush(c);
	assert_true(str_ends(conn_scripted_output(c), S("\r\n+OK 2 68\r\n")));
	pop3_protocol.close(session);
	conn_free_scripted(c);
	pop3_fixture_close(&f);
}

/* Another session's EXPUNGE takes nothing from a session that has seen the message. */
TEST(message_expunged_elsewhere)
{
	AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
	struct uidset expunged = { 0 };
	struct pop3_fixture f;
	struct conn *c;
	uint64_t modseq;
	void *session;

	fixture_open(&f, SETTINGS);
	c = conn_new_scripted(S(LOGIN "RETR 1\r\nDELE 1\r\nQUIT\r\n"), strlen(LOGIN), true,
			      "192.0.2.7");
	session = pop3_protocol.open(c, &f.ctx);
	assert_int_equal(pop3_protocol.run(session, NET_START), NET_PARK);
	assert_int_equal(store_expunge(f.store, &a, f.inbox, NULL, false, &expunged, &modseq), 0);
	while (pop3_protocol.run(session, NET_INPUT) == NET_PARK)
		continue;
	conn_flush(c);
	assert_lines(str_skip(conn_scripted_output(c), strlen(BANNER)),
		     S(IN "+OK 22 octets\nSubject: one\n\nbody\n.\n+OK...\n+OK good-bye\n"));
	pop3_protocol.close(session);
	conn_free_scripted(c);
	pop3_fixture_close(&f);
}

/* What could not be made durable is not claimed, and has not happened. */
TEST(failed_update)
{
	struct pop3_fixture f;
	struct conn *c;
	void *session;

	fixture_open(&f, SETTINGS);
	c = conn_new_scripted(S(LOGIN "DELE 1\r\nQUIT\r\n"), strlen(LOGIN), true, "192.0.2.7");
	session = pop3_protocol.open(c, &f.ctx);
	assert_int_equal(pop3_protocol.run(session, NET_START), NET_PARK);
	db_fail_next(f.db, DB_FAIL_COMMIT, 1, -E_DISK_FULL);
	while (pop3_protocol.run(session, NET_INPUT) == NET_PARK)
		continue;
	conn_flush(c);
	assert_lines(str_skip(conn_scripted_output(c), strlen(BANNER)),
		     S(IN "+OK...\n-ERR [SYS/TEMP]...\n"));
	pop3_protocol.close(session);
	conn_free_scripted(c);
	run_on(&f, LOGIN, 0, true, IN);
	pop3_fixture_close(&f);
}

TEST(timeout_is_silent_and_deletes_nothing)
{
	struct pop3_fixture f;
	struct conn *c;
	void *session;
	size_t n;

	fixture_open(&f, SETTINGS);
	c = conn_new_scripted(S(LOGIN "DELE 1\r\nSTAT\r\n"), strlen(LOGIN "DELE 1\r\n"), true,
			      "192.0.2.7");
	session = pop3_protocol.open(c, &f.ctx);
	assert_int_equal(pop3_protocol.run(session, NET_START), NET_PARK);
	conn_flush(c);
	n = conn_scripted_output(c).n;
	assert_int_equal(pop3_protocol.run(session, NET_TIMEOUT), NET_CLOSE);
	conn_flush(c);
	assert_int_equal(conn_scripted_output(c).n, n);
	pop3_protocol.close(session);
	conn_free_scripted(c);
	run_on(&f, LOGIN, 0, true, IN);
	pop3_fixture_close(&f);
}

TEST(too_many_errors)
{
	struct pop3_fixture f;

	fixture_open(&f, SETTINGS "[pop3]\nmax_errors = 2\n");
	run_on(&f, "X\r\nY\r\nZ\r\n", 0, true,
	       "-ERR unknown...\n-ERR unknown...\n-ERR too many errors...\n");
	pop3_fixture_close(&f);
}

TEST(damaged_lines)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(65536);
	struct pop3_fixture f;
	struct conn *c;

	fixture_open(&f, SETTINGS);
	for (int i = 0; i < 3000; i++)
		buf_add_char(&input, 'x');
	buf_add(&input, S("\r\nNO\0OP\r\nNO\rOP\r\nQUIT\r\n"));
	c = conn_new_scripted(buf_str(&input), 100, true, "192.0.2.7");
	pop3_fixture_run(&f, c, 1000);
	assert_lines(
		str_skip(conn_scripted_output(c), strlen(BANNER)),
		S("-ERR the line is too long\n-ERR a command is...\n-ERR a command is...\n+OK good-bye\n"));
	conn_free_scripted(c);
	pop3_fixture_close(&f);
}

/*
 * RFC 1939 3 and the sizes of 5: what RETR sends is the message, whatever it is made of and
 * wherever a piece ends.
 */
static void unstuff(struct str reply, struct buf *out)
{
	struct str line = S("");

	while (reply.n > 0) {
		ptrdiff_t at = str_find(reply, S("\r\n"));

		assert_true(at >= 0);
		line = str_head(reply, (size_t)at);
		reply = str_skip(reply, (size_t)at + 2);
		if (str_eq(line, S("."))) {
			assert_int_equal(reply.n, 0);
			return;
		}
		buf_add(out, str_starts(line, S(".")) ? str_skip(line, 1) : line);
		buf_add(out, S("\r\n"));
	}
	fail_msg("the reply has no end");
}

TEST(large_message_comes_back)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(4u << 20);
	AUTO(buf_fini) struct buf got = BUF_INIT(4u << 20);
	struct pop3_fixture f;
	struct conn *c;
	struct str reply;

	fixture_open(&f, SETTINGS);
	buf_add(&message, S("Subject: large\r\n\r\n"));
	for (int i = 0; message.n < 1000000; i++)
		buf_printf(
			&message, "%s%.*s\r\n", i % 3 ? "." : "", i % 71,
			"........................................................................");
	pop3_fixture_add(&f, buf_str(&message));
	c = conn_new_scripted(S(LOGIN "RETR 3\r\n"), 0, true, "192.0.2.7");
	pop3_fixture_run(&f, c, 100);
	reply = conn_scripted_output(c);
	reply = str_skip(reply, (size_t)str_find(reply, S(" octets\r\nSubject: large")) + 9);
	unstuff(reply, &got);
	assert_str_eq(buf_str(&got), buf_str(&message));
	conn_free_scripted(c);
	pop3_fixture_close(&f);
}

struct stuff_row {
	const char *name;
	struct str input;
	int top; /* -1: RETR */
	struct str want;
};
static const struct stuff_row stuff_rows[] = {
	{ "empty", STR_INIT(""), -1, STR_INIT(".\r\n") },
	{ "dot", STR_INIT("."), -1, STR_INIT("..\r\n.\r\n") },
	{ "no line end", STR_INIT("a"), -1, STR_INIT("a\r\n.\r\n") },
	{ "CR at the end", STR_INIT("a\r"), -1, STR_INIT("a\r\n.\r\n") },
	{ "LF at the end", STR_INIT("a\n"), -1, STR_INIT("a\n\r\n.\r\n") },
	{ "dot after LF", STR_INIT("a\n.\r\n"), -1, STR_INIT("a\n..\r\n.\r\n") },
	{ "dot after CR", STR_INIT("a\r.\r\n"), -1, STR_INIT("a\r.\r\n.\r\n") },
	{ "top 0", STR_INIT("a: b\r\n\r\nx\r\ny\r\n"), 0, STR_INIT("a: b\r\n\r\n.\r\n") },
	{ "top 1", STR_INIT("a: b\r\n\r\nx\r\ny\r\n"), 1, STR_INIT("a: b\r\n\r\nx\r\n.\r\n") },
	{ "top, empty body lines", STR_INIT("a: b\r\n\r\n\r\n\r\ny\r\n"), 2,
	  STR_INIT("a: b\r\n\r\n\r\n\r\n.\r\n") },
	{ "top, no body", STR_INIT("a: b\r\n"), 3, STR_INIT("a: b\r\n.\r\n") },
	{ "top, no header", STR_INIT("\r\nx\r\ny\r\n"), 1, STR_INIT("\r\nx\r\n.\r\n") },
	{ "top, CR CR LF is not empty", STR_INIT("a\r\n\r\r\nb\r\n\r\nx\r\n"), 0,
	  STR_INIT("a\r\n\r\r\nb\r\n\r\n.\r\n") },
};

TEST(stuffing_in_pieces)
{
	for (size_t i = 0; i < ARRAY_LEN(stuff_rows); i++)
		for (size_t step = 1; step < 6; step++) {
			const struct stuff_row *row = &stuff_rows[i];
			struct conn *c = conn_new_scripted(S(""), 0, false, "192.0.2.7");
			struct pop3_stuff f = POP3_STUFF_RETR;
			AUTO(mem_auto_free) char *copy = test_copy(row->input);

			test_row(row->name);
			if (row->top >= 0)
				f = POP3_STUFF_TOP((uint64_t)row->top);
			for (size_t at = 0; at < row->input.n; at += step)
				pop3_stuff_add(&f, c,
					       str_head(str_skip(str_of(copy, row->input.n), at),
							step));
			pop3_stuff_end(&f, c);
			assert_int_equal(conn_flush(c), 0);
			assert_str_eq(conn_scripted_output(c), row->want);
			conn_free_scripted(c);
		}
}

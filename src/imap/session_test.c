/* SPDX-License-Identifier: MIT */
/*
 * Whole sessions against a temporary store: states, login, literals, mailboxes, notices
 * between two clients, IDLE.
 */
#include "imap/imap_test.h"

#include "base/test.h"

static bool has(struct str out, const char *want_z)
{
	return str_find(out, str_z(want_z)) >= 0;
}

#define assert_has(out, want) \
	do { \
		if (!has((out), (want))) \
			fail_msg("no <%s> in <%" STR_FMT ">", (want), STR_ARG(out)); \
	} while (0)
#define assert_has_not(out, want) \
	do { \
		if (has((out), (want))) \
			fail_msg("<%s> in <%" STR_FMT ">", (want), STR_ARG(out)); \
	} while (0)

/* Each row: what one client sends, and pieces of the answer in their order. */
struct script {
	const char *name, *input;
	bool is_logged_in;
	const char *want[12];
};

static const struct script scripts[] = {
	{ "greeting",
	  "",
	  false,
	  { "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ", "AUTH=PLAIN", "ready\r\n" } },
	{ "line ends",
	  "a NOOP\nb\tNOOP\r\nc LIST \"\" \"\rx\"\r\nd IDLE\r\nDONE\ne NOOP\r\n",
	  true,
	  { "a BAD a line ends in CRLF", "* BAD", "c BAD", "d BAD", "e OK" } },
	{ "states",
	  "a SELECT INBOX\r\nb LOGIN a\r\nc FOO\r\nd\r\n\r\ne UID NOOP\r\nf NOOP x\r\ng NOOP\r\n",
	  false,
	  { "a BAD log in first", "b BAD ", "c BAD unknown command", "d BAD ", "* BAD ", "e BAD ",
	    "f BAD ", "g OK " } },
	{ "login",
	  "a LOGIN alice@example.test \"correct horse\"\r\nb LOGIN x y\r\nc CAPABILITY\r\n",
	  false,
	  { "a OK [CAPABILITY ", "UIDPLUS", "] logged in", "b BAD already logged in",
	    "* CAPABILITY ", "c OK" } },
	{ "login by literals",
	  "a LOGIN {18}\r\nalice@example.test {13+}\r\ncorrect horse\r\n",
	  false,
	  { "+ go ahead\r\n", "a OK " } },
	{ "login refused",
	  "a LOGIN alice@example.test wrong\r\nb NOOP\r\n",
	  false,
	  { "a NO [AUTHENTICATIONFAILED]", "b OK " } },
	{ "login literal too big",
	  "a LOGIN {5000}\r\nb NOOP\r\nc LOGIN {5000+}\r\n",
	  false,
	  { "a NO [LIMIT]", "b OK", "* BYE [LIMIT]" } },
	{ "authenticate",
	  "a AUTHENTICATE PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABjb3JyZWN0IGhvcnNl\r\n",
	  false,
	  { "a OK " } },
	{ "authenticate in steps",
	  "a AUTHENTICATE PLAIN\r\nAGFsaWNlQGV4YW1wbGUudGVzdABjb3JyZWN0IGhvcnNl\r\nb NOOP\r\n",
	  false,
	  { "+ \r\n", "a OK ", "b OK " } },
	{ "authenticate cancelled",
	  "a AUTHENTICATE PLAIN\r\n*\r\nb AUTHENTICATE NOPE\r\nc NOOP\r\n",
	  false,
	  { "+ \r\n", "a BAD ", "b NO ", "c OK " } },
	{ "starttls on tls", "a STARTTLS\r\n", false, { "a BAD TLS is on already" } },
	{ "logout", "a LOGOUT\r\nb NOOP\r\n", true, { "* BYE ", "a OK " } },
	{ "misc",
	  "a ID NIL\r\nb ID (\"name\" \"x\" \"os\" NIL)\r\nc ID x\r\nd NAMESPACE\r\n",
	  true,
	  { "* ID (", "a OK", "* ID (", "b OK", "c BAD", "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL",
	    "d OK" } },
	{ "select",
	  "a SELECT inbox\r\nb CHECK\r\nc UNSELECT\r\nd CLOSE\r\ne SELECT nope\r\n",
	  true,
	  { "* FLAGS (\\Answered", "[PERMANENTFLAGS (", "\\*)]", "* 0 EXISTS", "* 0 RECENT",
	    "[UIDVALIDITY ", "[UIDNEXT 1]", "[HIGHESTMODSEQ ", "a OK [READ-WRITE]", "b OK ",
	    "d BAD no mailbox", "e NO [NONEXISTENT]" } },
	{ "select in rev2",
	  "a ENABLE IMAP4rev2 X\r\nb SELECT INBOX\r\nc EXAMINE INBOX\r\nd EXPUNGE\r\n",
	  true,
	  { "* ENABLED IMAP4rev2\r\n", "* LIST () \"/\" INBOX", "b OK [READ-WRITE]",
	    "* OK [CLOSED]", "[PERMANENTFLAGS ()]", "c OK [READ-ONLY]", "d NO [NOPERM]" } },
	{ "append",
	  "a APPEND INBOX (\\Seen $x) \"17-Jul-1996 02:44:25 -0700\" {9}\r\nA: b\r\n\r\nc\r\n"
	  "b APPEND inbox {9+}\r\nA: b\r\n\r\nd\r\nc APPEND {4}\r\nnope {1}\r\n"
	  "d STATUS INBOX (MESSAGES UIDNEXT UNSEEN SIZE RECENT)\r\n",
	  true,
	  { "+ go ahead", "a OK [APPENDUID ", "b OK [APPENDUID ", "+ go ahead", "c NO [TRYCREATE]",
	    "* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UNSEEN 1 SIZE 18 RECENT 2)", "d OK" } },
	{ "append refused",
	  "a APPEND INBOX {99999999999}\r\nb APPEND INBOX (\\Recent) {3}\r\nabc\r\n"
	  "c APPEND nope {3+}\r\nabc\r\nd APPEND INBOX {0+}\r\n\r\ne APPEND INBOX \"x\"\r\nf NOOP\r\n",
	  true,
	  { "a NO [TOOBIG]", "b BAD", "c NO [TRYCREATE]", "d NO ", "e BAD", "f OK" } },
	{ "append sees itself",
	  "a SELECT INBOX\r\nb APPEND INBOX {9+}\r\nA: b\r\n\r\nd\r\n",
	  true,
	  { "* 0 EXISTS", "* 1 EXISTS", "* 1 RECENT", "b OK [APPENDUID " } },
	{ "mailboxes",
	  "a CREATE a/b/\r\nb CREATE a/b\r\nc RENAME a/b x\r\nd DELETE x\r\ne DELETE x\r\nf DELETE INBOX\r\n"
	  "g CREATE Done (USE (\\Archive))\r\nh CREATE All (USE (\\All))\r\n",
	  true,
	  { "a OK", "b NO [ALREADYEXISTS]", "c OK", "d OK", "e NO [NONEXISTENT]", "f NO [CANNOT]",
	    "g OK", "h NO [USEATTR]" } },
	{ "list",
	  "a LIST \"\" \"\"\r\nb LIST \"\" (INBOX Sent)\r\nc CREATE p/q\r\nd LIST \"\" p*\r\n"
	  "e LIST (SPECIAL-USE) \"\" % RETURN (STATUS (MESSAGES))\r\n",
	  true,
	  { "* LIST (\\Noselect) \"/\" \"\"", "* LIST (\\HasNoChildren) \"/\" INBOX\r\n",
	    "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n", "* LIST (\\HasChildren) \"/\" p\r\n",
	    "* LIST (\\HasNoChildren) \"/\" p/q\r\n", "\"/\" Archive",
	    "* STATUS Archive (MESSAGES 0)", "e OK" } },
	{ "subscriptions",
	  "a CREATE p/q\r\nb SUBSCRIBE p/q\r\nc UNSUBSCRIBE p\r\nd LSUB \"\" p*\r\ne LSUB \"\" %\r\n"
	  "f LIST (SUBSCRIBED RECURSIVEMATCH) \"\" p\r\ng LIST (RECURSIVEMATCH) \"\" *\r\n",
	  true,
	  { "d OK", "* LSUB (\\Noselect) \"/\" p\r\n", "e OK", "(\"CHILDINFO\" (\"SUBSCRIBED\"))",
	    "f OK", "g BAD" } },
	{ "names in utf-7 and utf-8",
	  "a CREATE Entw&APw-rfe\r\nb LIST \"\" Entw*\r\nc CREATE a&b\r\nd ENABLE IMAP4rev2\r\n"
	  "e LIST \"\" Entw*\r\nf SELECT \"Entw\xc3\xbcrfe\"\r\n",
	  true,
	  { "a OK", "\"/\" \"Entw&APw-rfe\"\r\n", "c NO [CANNOT]", "\"/\" \"Entw\xc3\xbcrfe\"\r\n",
	    "f OK" } },
	{ "condstore",
	  "a SELECT INBOX (CONDSTORE)\r\nb STATUS INBOX (HIGHESTMODSEQ)\r\nc SELECT INBOX (QRESYNC)\r\n",
	  true,
	  { "[HIGHESTMODSEQ ", "a OK", "* STATUS INBOX (HIGHESTMODSEQ ", "b OK", "c BAD" } },
	{ "idle answers",
	  "a IDLE\r\nDONE\r\nb IDLE\r\nc NOOP\r\n",
	  true,
	  { "+ idling", "a OK", "+ idling", "b BAD" } },
};

static void run_script(const struct script *script, size_t chunk)
{
	struct imap_fixture f;
	struct imap_peer p;
	struct str out;
	size_t i;

	test_row(script->name);
	imap_fixture_open(&f, test_dir(), "");
	imap_peer_open(&f, &p, str_z(script->input), chunk, script->is_logged_in);
	(void)imap_peer_run(&p, NET_START);
	out = imap_peer_finish(&p);
	for (i = 0; i < ARRAY_LEN(script->want) && script->want[i] != NULL; i++) {
		ptrdiff_t at = str_find(out, str_z(script->want[i]));

		if (at < 0)
			fail_msg("%s: no <%s> in <%" STR_FMT "> of <%" STR_FMT ">", script->name,
				 script->want[i], STR_ARG(out),
				 STR_ARG(conn_scripted_output(p.conn)));
		out = str_skip(out, (size_t)at + strlen(script->want[i]));
	}
	imap_peer_close(&p);
	imap_fixture_close(&f);
}

TEST(session_scripts)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(scripts); i++)
		run_script(&scripts[i], 0);
}

/* The same with input that comes in pieces. */
TEST(session_scripts_in_pieces)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(scripts); i++)
		run_script(&scripts[i], 7);
}

TEST(session_without_tls)
{
	struct imap_fixture f;
	struct imap_session *s;
	struct conn *c = conn_new_scripted(
		S("a LOGIN alice@example.test \"correct horse\"\r\nb AUTHENTICATE PLAIN\r\n"), 0,
		false, "192.0.2.7");

	imap_fixture_open(&f, test_dir(), "");
	s = imap_protocol.open(c, &f.ctx);
	assert_int_equal(imap_protocol.run(s, NET_START), NET_CLOSE);
	(void)conn_flush(c);
	assert_has(conn_scripted_output(c), "LOGINDISABLED");
	assert_has(conn_scripted_output(c), "a NO [PRIVACYREQUIRED]");
	assert_has(conn_scripted_output(c), "b NO [PRIVACYREQUIRED]");
	assert_has_not(conn_scripted_output(c), "AUTH=");
	imap_protocol.close(s);
	conn_free_scripted(c);
	imap_fixture_close(&f);
}

TEST(session_too_many_errors)
{
	struct imap_fixture f;
	struct imap_peer p;
	struct str out;

	imap_fixture_open(&f, test_dir(), "[imap]\nmax_errors = 3\n");
	imap_peer_open(&f, &p, S("a X\r\nb X\r\nc X\r\nd NOOP\r\n"), 0, true);
	out = imap_peer_finish(&p);
	assert_has(out, "c BAD");
	assert_has(out, "* BYE too many errors");
	assert_has_not(out, "d OK");
	imap_peer_close(&p);
	/* What is right in between makes good for it, but not before login. */
	imap_peer_open(&f, &p, S("a X\r\nb X\r\nc NOOP\r\nd X\r\ne X\r\nf NOOP\r\n"), 0, true);
	out = imap_peer_finish(&p);
	assert_has_not(out, "* BYE");
	assert_has(out, "f OK");
	imap_peer_close(&p);
	imap_peer_open(&f, &p, S("a X\r\nb X\r\nc NOOP\r\nd X\r\ne NOOP\r\n"), 0, false);
	out = imap_peer_finish(&p);
	assert_has(out, "* BYE too many errors");
	assert_has_not(out, "e OK");
	imap_peer_close(&p);
	imap_fixture_close(&f);
}

/* Patterns cost time for each byte of each name, so all of them together are bounded. */
TEST(session_list_bounds_its_patterns)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(100000);
	struct imap_fixture f;
	struct imap_peer p;
	struct str out;

	for (int i = 0; i < 5; i++) {
		buf_printf(&script, "%s\"", i == 0 ? "a LIST \"\" (" : " ");
		for (int k = 0; k < 450; k++)
			buf_add(&script, S("x*"));
		buf_add(&script, S("\""));
	}
	buf_add(&script, S(")\r\nb LIST \"\" (\"%\" \"*\")\r\n"));
	imap_fixture_open(&f, test_dir(), "");
	imap_peer_open(&f, &p, buf_str(&script), 0, true);
	out = imap_peer_finish(&p);
	assert_has(out, "a NO [LIMIT]");
	assert_has(out, "b OK");
	imap_peer_close(&p);
	imap_fixture_close(&f);
}

/* ---- two clients ---- */

#define LINE(b, command) imap_test_line(&(b), "", (command))

static void open_lines(struct imap_fixture *f, struct imap_peer *p, struct buf *script)
{
	imap_peer_open(f, p, buf_str(script), IMAP_TEST_LINE, true);
	(void)imap_peer_run(p, NET_START);
}

/*
 * One APPEND command in exactly three chunks would be fragile: messages come from a peer
 * of their own.
 */
static void append(struct imap_fixture *f, const char *flags_z)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(1000);
	struct imap_peer p;

	buf_printf(&script, "a APPEND INBOX (%s) {9+}\r\nA: b\r\n\r\nc\r\n", flags_z);
	imap_peer_open(f, &p, buf_str(&script), 0, true);
	assert_has(imap_peer_finish(&p), "a OK [APPENDUID");
	imap_peer_close(&p);
}

TEST(session_two_clients)
{
	struct imap_fixture f;
	struct imap_peer a, b;
	AUTO(buf_fini) struct buf sa = BUF_INIT(4000);
	AUTO(buf_fini) struct buf sb = BUF_INIT(4000);
	struct str out;

	LINE(sa, "SELECT INBOX");
	LINE(sa, "NOOP");
	LINE(sa, "NOOP\r\ni IDLE"); /* with a tag that is short enough to be parked */
	imap_test_line(&sa, "DONE\r\n", "NOOP");
	LINE(sb, "SELECT INBOX");
	LINE(sb, "NOOP");
	LINE(sb, "NOOP");
	imap_fixture_open(&f, test_dir(), "");
	open_lines(&f, &a, &sa);
	open_lines(&f, &b, &sb);
	append(&f, "\\Seen");
	out = imap_peer_step(&a);
	assert_has(out, "* 1 EXISTS");
	assert_has(out, "* 1 RECENT");
	out = imap_peer_step(&b);
	assert_has(out, "* 1 EXISTS");
	assert_has_not(out, "RECENT");
	assert_has(imap_peer_step(&a), "+ idling");
	f.woken = UINT64_MAX;
	append(&f, "kw");
	assert_int_equal(f.woken, conn_id(a.conn));
	out = imap_peer_run(&a, NET_WAKE);
	assert_has(out, "* 2 EXISTS");
	assert_has(out, "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw)");
	/* At once, not with the answer to the DONE that came next. */
	assert_true(str_find(out, S("* 2 EXISTS")) < str_find(out, S("i OK IDLE")));
	(void)imap_peer_step(&b);
	imap_peer_close(&a);
	imap_peer_close(&b);
	imap_fixture_close(&f);
}

TEST(session_selected_mailbox_deleted)
{
	struct imap_fixture f;
	struct imap_peer a, b;
	AUTO(buf_fini) struct buf sa = BUF_INIT(4000);
	AUTO(buf_fini) struct buf sb = BUF_INIT(4000);

	LINE(sa, "SELECT Junk");
	LINE(sa, "NOOP");
	LINE(sb, "SELECT Junk");
	LINE(sb, "DELETE Junk");
	LINE(sb, "NOOP");
	imap_fixture_open(&f, test_dir(), "");
	open_lines(&f, &a, &sa);
	open_lines(&f, &b, &sb);
	assert_int_equal(b.s->state, IMAP_ST_SELECTED);
	assert_has(imap_peer_step(&b), " OK DELETE");
	assert_int_equal(b.s->state, IMAP_ST_AUTH);
	assert_has(imap_peer_step(&a), "* BYE ");
	assert_true(a.is_closed);
	imap_peer_close(&a);
	imap_peer_close(&b);
	imap_fixture_close(&f);
}

/* A parked session holds no command memory. */
TEST(session_parked_is_small)
{
	struct imap_fixture f;
	struct imap_peer a;
	AUTO(buf_fini) struct buf sa = BUF_INIT(4000);

	LINE(sa, "SELECT INBOX");
	LINE(sa, "NOOP");
	imap_fixture_open(&f, test_dir(), "");
	open_lines(&f, &a, &sa);
	assert_int_equal(a.s->arena.used, 0);
	assert_null(a.s->arena.chunks);
	assert_null(a.s->in.p);
	assert_true(sizeof(struct imap_session) + sizeof(struct imap_selected) < 2048);
	imap_peer_close(&a);
	imap_fixture_close(&f);
}

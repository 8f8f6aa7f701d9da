/* SPDX-License-Identifier: MIT */
/*
 * Two clients in one mailbox: what the commands on messages answer when the other one changed
 * something in between; both have looked at the messages before, or one has only selected it.
 */
#include "imap/imap_test.h"

#include "base/limits.h"
#include "base/test.h"
#include "store/housekeep.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/view.h"

#define LINES 12
#define N_MAILS 3

struct two {
	struct imap_fixture f;
	struct buf script[2];
	struct imap_peer peer[2];
};

static void append(struct imap_fixture *f)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct store_content_new content;
	struct store_mailbox inbox;
	struct store_appended appended;
	struct store_append v = { .content = &content };

	must(store_mailbox_find(f->store, &a, f->alice, S("INBOX"), &inbox) == 0);
	v.mailbox = inbox.id;
	must(store_content_prepare(&a, S("Subject: s\r\n\r\nbody\r\n"), &content) == 0);
	must(store_append(f->store, &v, 1, &appended) == 0);
}

/* Both select INBOX with its messages; lines are run one at a time by step(). */
static void two_open_bare(struct two *t, const char *const a[LINES], const char *const b[LINES])
{
	imap_fixture_open(&t->f, test_dir(), "");
	for (int i = 0; i < N_MAILS; i++)
		append(&t->f);
	for (int i = 0; i < 2; i++) {
		const char *const *lines = i == 0 ? a : b;

		buf_init(&t->script[i], 2 * LINES * IMAP_TEST_LINE);
		imap_test_line(&t->script[i], "", "SELECT INBOX");
		for (int k = 0; k < LINES && lines[k] != NULL; k++) {
			struct str done = S("DONE\r\n");
			bool is_idle = str_starts(str_z(lines[k]), done);

			imap_test_line(&t->script[i], is_idle ? done.p : "",
				       lines[k] + (is_idle ? done.n : 0));
		}
		imap_peer_open(&t->f, &t->peer[i], buf_str(&t->script[i]), IMAP_TEST_LINE, true);
		(void)imap_peer_run(&t->peer[i], NET_START);
	}
}

/* And both have looked at the messages: the first of their lines does. */
static void two_open(struct two *t, const char *const a[LINES], const char *const b[LINES])
{
	const char *lines[2][LINES] = { { "UID FETCH 1 UID" }, { "UID FETCH 1 UID" } };

	for (int k = 0; k + 1 < LINES; k++) {
		lines[0][k + 1] = a[k];
		lines[1][k + 1] = b[k];
	}
	two_open_bare(t, lines[0], lines[1]);
	for (int i = 0; i < 2; i++) {
		(void)imap_peer_step(&t->peer[i]);
		assert_false(t->peer[i].s->sel->view->is_bare);
	}
}

static bool is_bare(const struct two *t, int who)
{
	return t->peer[who].s->sel->view->is_bare;
}

static void two_close(struct two *t)
{
	for (int i = 0; i < 2; i++) {
		imap_peer_close(&t->peer[i]);
		buf_fini(&t->script[i]);
	}
	imap_fixture_close(&t->f);
}

/*
 * Runs the next line of a client; each piece must be in the answer, in order; "!piece"
 * nowhere.
 */
static void step_output(struct str all, const char *const want[6])
{
	struct str out = all;

	for (int i = 0; i < 6 && want[i] != NULL; i++) {
		bool is_never = want[i][0] == '!';
		struct str piece = str_z(want[i] + is_never);
		ptrdiff_t at = str_find(is_never ? all : out, piece);

		if ((at >= 0) == is_never)
			fail_msg("%s<%s> in <%" STR_FMT ">", is_never ? "" : "no ", want[i],
				 STR_ARG(all));
		if (!is_never)
			out = str_skip(out, (size_t)at + piece.n);
	}
}
#define STEP(who, ...) step_output(imap_peer_step(&t.peer[who]), (const char *const[6]){ __VA_ARGS__ })
#define WAKE(who, ...) \
	step_output(imap_peer_run(&t.peer[who], NET_WAKE), (const char *const[6]){ __VA_ARGS__ })

/*
 * RFC 9051 7.5.1: no EXPUNGE during FETCH, STORE, SEARCH; what is expunged stays readable
 * until it is told.
 */
TEST(shared_expunged_stays_readable)
{
	static const char *const a[LINES] = { "STORE 2 +FLAGS.SILENT (\\Deleted)", "EXPUNGE" };
	static const char *const b[LINES] = {
		"FETCH 1:3 (UID BODY.PEEK[TEXT])",
		"FETCH 2 BODY[TEXT]",
		"STORE 2 +FLAGS (\\Seen)",
		"STORE 1:3 +FLAGS (\\Flagged)",
		"STORE 1:3 +FLAGS.SILENT (\\Answered)",
		"SEARCH ALL",
		"SEARCH BODY body",
		"COPY 1:3 Archive",
		"STATUS Archive (MESSAGES)",
		"COPY 1:2 Archive",
		"UID FETCH 1:* UID",
	};
	struct two t;

	two_open(&t, a, b);
	STEP(0, " OK STORE");
	STEP(0, "* 2 EXPUNGE", " OK EXPUNGE");
	STEP(1, "* 1 FETCH (UID 1 BODY[TEXT] {6}", "* 2 FETCH (UID 2 BODY[TEXT] {6}\r\nbody",
	     "* 3 FETCH (UID 3", " OK FETCH", "!EXPUNGE");
	STEP(1, "* 2 FETCH (", "BODY[TEXT] {6}\r\nbody", " OK FETCH", "!EXPUNGE");
	/* RFC 2180 4.2.2, 4.2.3, 4.2.1 */
	STEP(1, " NO [EXPUNGEISSUED] some of these messages no longer exist", "!EXPUNGE\r\n", "!FETCH");
	STEP(1, "* 1 FETCH (FLAGS (\\Flagged", "* 3 FETCH (FLAGS (\\Flagged", " OK [EXPUNGEISSUED] STORE",
	     "!EXPUNGE\r\n", "!* 2 FETCH");
	STEP(1, " OK [EXPUNGEISSUED] STORE", "!EXPUNGE\r\n", "!FETCH");
	/* RFC 5530 3 */
	STEP(1, "* SEARCH 1 2 3\r\n", " OK [EXPUNGEISSUED] SEARCH", "!EXPUNGE\r\n");
	STEP(1, "* SEARCH 1 2 3\r\n", " OK [EXPUNGEISSUED] SEARCH", "!EXPUNGE\r\n");
	/* RFC 2180 4.4.1: nothing is copied, and the expunge is told. */
	STEP(1, "* 2 EXPUNGE", " NO [EXPUNGEISSUED]");
	STEP(1, "(MESSAGES 0)", " OK STATUS");
	STEP(1, " OK [COPYUID", " 1,3 1:2]");
	STEP(1, "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 3)\r\n", " OK UID FETCH");
	two_close(&t);
}

/*
 * RFC 9051 6.4.6: .SILENT hides the client's own change, not what somebody else did to the
 * same message.
 */
static void keep_house(struct store *s)
{
	static const struct store_conf eager = { .expunge_grace_ms = 0, .compact_percent = 1 };
	const struct store_keep_job job = { .is_asked = true };
	struct store_kept kept;

	store_configure(s, &eager);
	must(store_keep_house(s, &job, &kept) == 0);
	assert_int_equal(kept.contents, 1);
}

/* RFC 2180 4.1.2, RFC 9051 7.1 EXPUNGEISSUED: the grace of an expunged message is over. */
TEST(shared_expunged_is_gone_for_good)
{
	static const char *const a[LINES] = {
		"FETCH 1:3 (UID BODY.PEEK[TEXT])", "FETCH 2 ENVELOPE", "FETCH 2 (UID FLAGS)",
		"SEARCH BODY body",	      "NOOP",		  "FETCH 1:2 (UID BODY.PEEK[TEXT])",
	};
	static const char *const b[LINES] = { "STORE 2 +FLAGS (\\Deleted)", "EXPUNGE" };
	struct two t;

	two_open(&t, a, b);
	STEP(1, "OK STORE");
	STEP(1, "* 2 EXPUNGE", "OK EXPUNGE");
	keep_house(t.f.store);
	STEP(0, "* 1 FETCH (UID 1 BODY[TEXT] {6}", "* 3 FETCH (UID 3 BODY[TEXT] {6}",
	     "NO [EXPUNGEISSUED] ", "!* 2 FETCH", "!* 2 EXPUNGE");
	STEP(0, "NO [EXPUNGEISSUED] ", "!* 2 FETCH");
	STEP(0, "* 2 FETCH (UID 2 FLAGS (", "OK FETCH");
	STEP(0, "OK", "!NO");
	STEP(0, "* 2 EXPUNGE", "OK NOOP");
	STEP(0, "* 1 FETCH (UID 1", "* 2 FETCH (UID 3", "OK FETCH");
	two_close(&t);
}

TEST(shared_silent_store)
{
	static const char *const a[LINES] = { "STORE 1 +FLAGS (\\Flagged)",
					      "STORE 3 +FLAGS (\\Deleted)", "EXPUNGE", "NOOP" };
	static const char *const b[LINES] = {
		"STORE 2 +FLAGS.SILENT (\\Seen)",
		"STORE 1 +FLAGS.SILENT (\\Seen)",
		"NOOP",
	};
	struct two t;

	two_open(&t, a, b);
	STEP(0, "* 1 FETCH (FLAGS (\\Flagged", " OK STORE");
	STEP(0, " OK STORE");
	STEP(0, "* 3 EXPUNGE", " OK");
	STEP(1, "* 1 FETCH (UID 1 FLAGS (\\Flagged)", " OK STORE", "!* 2 FETCH", "!EXPUNGE");
	STEP(1, " OK STORE", "!FETCH", "!EXPUNGE");
	STEP(1, "* 3 EXPUNGE", " OK NOOP", "!FETCH");
	STEP(0, "* 1 FETCH (UID 1 FLAGS (\\Flagged \\Seen", "* 2 FETCH (UID 2 FLAGS (\\Seen",
	     " OK NOOP");
	two_close(&t);
}

/*
 * While an expunge waits, a client sees its own changes, those of others, and new mail; what it was
 * told is never taken back.
 */
TEST(shared_waiting_expunge_hides_nothing_else)
{
	static const char *const a[LINES] = { "STORE 2 +FLAGS.SILENT (\\Deleted)", "EXPUNGE",
					      "STORE 1 +FLAGS (\\Flagged)" };
	static const char *const b[LINES] = {
		"STORE 3 +FLAGS.SILENT (\\Seen)",
		"FETCH 1:3 (UID FLAGS)",
		"STORE 3 +FLAGS.SILENT (\\Draft)",
		"SEARCH SEEN DRAFT",
		"FETCH 4 UID",
		"UID FETCH 1:* FLAGS",
		"NOOP",
	};
	struct two t;

	two_open(&t, a, b);
	STEP(0, " OK STORE");
	STEP(0, "* 2 EXPUNGE", " OK EXPUNGE");
	STEP(1, " OK STORE", "!FETCH", "!EXPUNGE");
	STEP(0, " OK STORE");
	STEP(1, "* 1 FETCH (UID 1 FLAGS (\\Flagged)", "* 1 FETCH (UID 1 FLAGS (\\Flagged)",
	     "* 2 FETCH (UID 2 ", "* 3 FETCH (UID 3 FLAGS (\\Seen)", " OK FETCH", "!EXPUNGE");
	append(&t.f);
	STEP(1, "* 4 EXISTS", " OK STORE", "!FETCH", "!EXPUNGE");
	STEP(1, "* SEARCH 3\r\n", " OK [EXPUNGEISSUED] SEARCH", "!EXPUNGE\r\n");
	STEP(1, "* 4 FETCH (UID 4)", " OK FETCH", "!EXPUNGE");
	STEP(1, "* 3 FETCH (UID 3 FLAGS (\\Seen \\Draft)", "* 2 EXPUNGE", " OK UID FETCH",
	     "!EXISTS");
	STEP(1, " OK NOOP", "!FETCH");
	two_close(&t);
}

/*
 * The flags that a FETCH sets are in its own answer and not told again; the other client
 * learns them.
 */
TEST(shared_seen_by_fetch)
{
	static const char *const a[LINES] = { "FETCH 1:2 BODY[TEXT]", "NOOP" };
	static const char *const b[LINES] = { "NOOP", "FETCH 1 BODY[TEXT]", "NOOP" };
	struct two t;

	two_open(&t, a, b);
	STEP(0, "* 1 FETCH (FLAGS (\\Seen", "* 2 FETCH (FLAGS (\\Seen", " OK FETCH", "!(UID");
	STEP(0, " OK NOOP", "!FETCH");
	STEP(1, "* 1 FETCH (UID 1 FLAGS (\\Seen", "* 2 FETCH (UID 2 FLAGS (\\Seen", " OK NOOP");
	STEP(1, "* 1 FETCH (BODY[TEXT]", " OK FETCH", "!FLAGS");
	STEP(1, " OK NOOP", "!FETCH");
	two_close(&t);
}

/*
 * RFC 6851 3.3: the other client sees a MOVE as an expunge; RFC 7162: conditional STORE
 * refuses what changed.
 */
TEST(shared_move_and_conditional_store)
{
	static const char *const a[LINES] = { "MOVE 1 Archive", "STORE 1 +FLAGS (\\Answered)" };
	static const char *const b[LINES] = {
		"FETCH 1:3 MODSEQ",
		"UID STORE 2:3 (UNCHANGEDSINCE 1) +FLAGS.SILENT (x)",
		"NOOP",
	};
	struct two t;

	two_open(&t, a, b);
	STEP(1, "* OK [HIGHESTMODSEQ ", "* 3 FETCH (MODSEQ (", " OK FETCH");
	STEP(0, "* OK [COPYUID ", "] moved\r\n* 1 EXPUNGE", " OK MOVE");
	STEP(0, "* 1 FETCH (FLAGS (\\Answered", " OK STORE");
	STEP(1, "* 2 FETCH (UID 2 FLAGS (\\Answered", "MODSEQ (", "* 1 EXPUNGE",
	     " OK [MODIFIED 2:3]");
	STEP(1, " OK NOOP", "!FETCH");
	two_close(&t);
}

/* ---- nobody has looked at the messages yet ---- */

/* SELECT, and what only asks for counters, reads no messages; new mail is told all the same. */
TEST(shared_bare_as_long_as_possible)
{
	static const char *const a[LINES] = {
		"NOOP",
		"STATUS INBOX (MESSAGES)",
		"NOOP",
		"NOOP\r\ni IDLE",
		"DONE\r\nNOOP\r\ni IDLE",
		"DONE\r\nCLOSE",
	};
	static const char *const b[LINES] = { "STORE 1 +FLAGS.SILENT (\\Seen)" };
	struct two t;

	two_open_bare(&t, a, b);
	assert_true(is_bare(&t, 0));
	STEP(0, " OK NOOP", "!EXISTS");
	STEP(0, "* STATUS INBOX (MESSAGES 3)", " OK STATUS");
	append(&t.f);
	append(&t.f);
	STEP(0, "* 5 EXISTS\r\n* 5 RECENT\r\n", " OK NOOP", "!FETCH", "!EXPUNGE");
	STEP(0, "+ idling");
	append(&t.f);
	/* What follows the wake is the next line of the client. */
	WAKE(0, "* 6 EXISTS\r\n* 6 RECENT\r\ni OK IDLE", "+ idling", "!FETCH");
	assert_true(is_bare(&t, 0));
	/* Somebody else's flags are news about a message. */
	STEP(1, " OK STORE");
	WAKE(0, "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent", "i OK IDLE", " OK CLOSE", "!EXISTS");
	two_close(&t);
}

/* RFC 2180 4.1.2, RFC 5530 3: what is gone before it was looked at keeps its number, and no more. */
TEST(shared_bare_expunged)
{
	static const char *const a[LINES] = {
		"STORE 2 +FLAGS.SILENT (\\Deleted)",
		"EXPUNGE",
	};
	static const char *const b[LINES] = {
		"FETCH 1:3 (UID BODY.PEEK[TEXT])", "FETCH 2 BODY[]",	"STORE 2 +FLAGS (\\Seen)",
		"SEARCH ALL",			   "SEARCH NOT BODY x", "COPY 2 Archive",
		"UID FETCH 1:* UID",
	};
	struct two t;

	two_open_bare(&t, a, b);
	STEP(0, " OK STORE");
	STEP(0, "* 2 EXPUNGE", " OK EXPUNGE");
	assert_true(is_bare(&t, 1));
	STEP(1, "* 1 FETCH (UID 1 BODY[TEXT] {6}", "* 3 FETCH (UID 3 BODY[TEXT] {6}",
	     " NO [EXPUNGEISSUED]", "!* 2 FETCH", "!EXPUNGE\r\n");
	STEP(1, " NO [EXPUNGEISSUED]", "!FETCH (", "!EXPUNGE\r\n");
	STEP(1, " NO [EXPUNGEISSUED]", "!FETCH", "!EXPUNGE\r\n");
	STEP(1, "* SEARCH 1 3\r\n", " OK [EXPUNGEISSUED] SEARCH", "!EXPUNGE\r\n");
	STEP(1, "* SEARCH 1 3\r\n", " OK [EXPUNGEISSUED] SEARCH", "!EXPUNGE\r\n");
	STEP(1, "* 2 EXPUNGE", " NO [EXPUNGEISSUED]");
	STEP(1, "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 3)\r\n", " OK UID FETCH");
	two_close(&t);
}

/* Commands that come first and may tell of expunges; numbers mean what SELECT said. */
TEST(shared_bare_first_commands)
{
	static const char *const a[LINES] = {
		"UID STORE 1 +FLAGS.SILENT (\\Deleted)", "EXPUNGE",
		"UID STORE 2 +FLAGS.SILENT (\\Flagged)", "SELECT INBOX", "NOOP", "CLOSE",
	};
	static const char *const b[LINES] = {
		"COPY 2:3 Archive", "SELECT INBOX", "EXPUNGE", "NOOP", "SELECT INBOX", "MOVE 1 Trash",
	};
	struct two t;

	two_open_bare(&t, a, b);
	STEP(0, " OK UID STORE");
	STEP(0, "* 1 EXPUNGE", " OK");
	STEP(0, " OK");
	append(&t.f);
	STEP(1, "* 1 EXPUNGE\r\n", "* 3 EXISTS", "* 1 FETCH (UID 2 FLAGS (\\Flagged",
	     " OK [COPYUID ", " 2:3 ", "!* 4 EXISTS");
	two_close(&t);
}

/* RFC 7162 3.1: a client with flags of its own, kept up to date by HIGHESTMODSEQ, misses no change. */
TEST(shared_bare_modseq)
{
	static const char *const a[LINES] = { "STORE 2 +FLAGS.SILENT (x)" };
	static const char *const b[LINES] = { "ENABLE CONDSTORE", "NOOP", "FETCH 2 FLAGS" };
	struct two t;

	two_open_bare(&t, a, b);
	STEP(1, "* OK [HIGHESTMODSEQ ", " OK ENABLE");
	assert_true(is_bare(&t, 1));
	STEP(0, " OK STORE");
	STEP(1, "* FLAGS (", " x)", "* 2 FETCH (UID 2 FLAGS (x) MODSEQ (", " OK NOOP");
	STEP(1, "* 2 FETCH (FLAGS (x) MODSEQ (", " OK FETCH");
	two_close(&t);
}

/* RFC 2180 3.3 and what cannot be known any more: the connection ends, no number is wrong. */
TEST(shared_bare_gone)
{
	static const char *const a[LINES] = { "CREATE box", "SELECT box", "FETCH 1 UID" };
	static const char *const b[LINES] = { "DELETE box", "FETCH 1 UID" };
	struct two t;

	two_open_bare(&t, a, b);
	STEP(0, "] CREATE completed");
	STEP(0, " OK [READ-WRITE]");
	STEP(1, " OK DELETE");
	STEP(0, "* BYE", "!FETCH");
	assert_true(t.peer[0].is_closed);
	/* Counters that do not count what is there. */
	assert_true(is_bare(&t, 1));
	t.peer[1].s->sel->view->n++;
	STEP(1, "* BYE", "!FETCH");
	assert_true(t.peer[1].is_closed);
	two_close(&t);
}

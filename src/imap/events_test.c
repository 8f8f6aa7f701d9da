/* SPDX-License-Identifier: MIT */
/* What NOTIFY's sessions are told where the protocol scripts do not go: too much news, and trouble. */
#include "imap/imap_test.h"

#include "base/limits.h"
#include "base/test.h"
#include "imap/event_filter.h"
#include "imap/events.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/news.h"
#include "store/rights.h"

static void begin(struct imap_fixture *f, struct imap_peer *p, struct buf *script,
		  const char *const lines[])
{
	imap_fixture_open(f, test_dir(), "");
	buf_init(script, 1 << 20);
	for (; *lines != NULL; lines++)
		imap_test_line(script, "", *lines);
	imap_peer_open(f, p, buf_str(script), IMAP_TEST_LINE, true);
	(void)imap_peer_run(p, NET_START);
}

static void end(struct imap_fixture *f, struct imap_peer *p, struct buf *script)
{
	imap_peer_close(p);
	assert_int_equal(budget_used(BUDGET_HELD), 0);
	buf_fini(script);
	imap_fixture_close(f);
}

static void assert_has(struct str text, const char *want_z, bool is_there)
{
	test_row(want_z);
	assert_int_equal(str_find(text, str_z(want_z)) >= 0, is_there);
}

static void subscribe_many(struct imap_fixture *f)
{
	char name[LIMIT_MAILBOX_NAME], number[32];

	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < LIMIT_NEWS_BYTES / LIMIT_MAILBOX_NAME; i++) {
		snprintf(number, sizeof(number), "%09zu", i);
		memcpy(name, number, 9);
		assert_int_equal(store_mailbox_subscribe(f->store, f->alice,
							 str_of(name, sizeof(name)), true, NULL),
				 0);
	}
}

/* RFC 5465 5.8: as NOTIFY NONE, also for the selected mailbox. */
TEST(events_overflow)
{
	static const char *const lines[] = {
		"SELECT INBOX",
		"NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (SubscriptionChange))",
		"NOOP", "NOOP", "NOTIFY SET (personal (SubscriptionChange))", "NOOP", NULL,
	};
	struct imap_fixture f;
	struct imap_peer p;
	struct buf script;
	struct str got;

	begin(&f, &p, &script, lines);
	got = imap_peer_step(&p);
	assert_has(got, " OK NOTIFY completed", true);
	assert_int_equal(p.s->watched, p.s->sel->mailbox);
	assert_true(p.s->events->arena.bytes <= 4096); /* what it holds while it waits */
	subscribe_many(&f);
	assert_int_equal(f.woken, conn_id(p.conn));
	got = imap_peer_step(&p);
	assert_true(str_starts(got, S("* OK [NOTIFICATIONOVERFLOW] ")));
	assert_has(got, "* LIST", false);
	assert_has(got, " OK NOOP completed", true);
	assert_int_equal(p.s->watched, 0);
	assert_null(p.s->news);
	subscribe_many(&f);
	assert_has(imap_peer_step(&p), "* ", false);
	assert_has(imap_peer_step(&p), " OK NOTIFY completed", true);
	assert_int_equal(store_mailbox_subscribe(f.store, f.alice, S("x"), true, NULL), 0);
	assert_has(imap_peer_step(&p), "* LIST (\\NonExistent \\Subscribed \\HasNoChildren) \"/\" x\r\n",
		   true);
	end(&f, &p, &script);
}

/* News that cannot be read are not kept silent about. */
TEST(events_trouble)
{
	static const char *const lines[] = {
		"NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))", "NOOP", NULL,
	};
	struct imap_fixture f;
	struct imap_peer p;
	struct buf script;
	struct str got;
	int64_t id;

	begin(&f, &p, &script, lines);
	assert_int_equal(store_mailbox_create(f.store, f.alice, S("x"), 0, &id, NULL), 0);
	db_fail_next(f.db, DB_FAIL_STATEMENT, 1, -E_IO);
	got = imap_peer_run(&p, NET_WAKE);
	db_fail_next(f.db, DB_FAIL_NONE, 0, 0);
	assert_true(str_starts(got, S("* OK [NOTIFICATIONOVERFLOW] ")));
	end(&f, &p, &script);
}

/* ---- mailboxes of others ---- */

/* bob shares as many mailboxes with alice, whose names have so many bytes. The last one. */
static int64_t share_many(struct imap_fixture *f, int n, size_t bytes)
{
	const struct store_identifier alice = { .who = f->alice };
	char name[LIMIT_MAILBOX_NAME], number[32];
	struct fault fault = { 0 };
	int64_t bob, id = 0;

	memset(name, 'n', sizeof(name));
	must(store_account_add(f->store, S("bob@example.test"), NULL, NULL, 0, &bob, &fault) == 0);
	for (int i = 0; i < n; i++) {
		snprintf(number, sizeof(number), "%05d", i);
		memcpy(name, number, 5);
		must(store_mailbox_create(f->store, bob, str_of(name, bytes), 0, &id, NULL) == 0);
		must(store_rights_change(f->store, id, 0, &alice, STORE_RIGHTS_SET,
					 STORE_R_LOOKUP | STORE_R_READ) == 0);
	}
	return id;
}

/* What somebody holds who watches everything that others share with him. */
TEST(events_shared_are_bounded)
{
	static const char *const lines[] = {
		"NOTIFY SET (subtree \"Other Users\" (MessageNew MessageExpunge))", "NOOP",
		"NOTIFY NONE", NULL,
	};
	struct imap_fixture f;
	struct imap_peer p;
	struct buf script;
	struct str got;

	begin(&f, &p, &script, lines);
	(void)share_many(&f, 300, 60);
	got = imap_peer_run(&p, NET_WAKE);
	assert_has(got, "* LIST (\\HasNoChildren) \"/\" \"Other Users/bob@example.test/00299n", true);
	assert_has(got, "* STATUS \"Other Users/bob@example.test/00299n", true);
	assert_true(budget_used(BUDGET_HELD) >= 300 * 100);
	assert_true(budget_used(BUDGET_HELD) <= 300 * 400 + LIMIT_NOTIFY_BYTES);
	assert_has(imap_peer_step(&p), " OK NOTIFY completed", true);
	assert_null(p.s->shared);
	end(&f, &p, &script);
}

static void append(struct imap_fixture *f, int64_t mailbox)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct store_content_new content;
	struct store_appended appended;
	struct store_append v = { .content = &content, .mailbox = mailbox };

	must(store_content_prepare(&a, S("A: b\r\n\r\n"), &content) == 0);
	must(store_append(f->store, &v, 1, &appended) == 0);
}

/* What still waits when the right to read goes is told to nobody. */
TEST(events_shared_taken_back)
{
	static const char *const lines[] = {
		"NOTIFY SET (subtree \"Other Users\" (MessageNew MessageExpunge))", "NOOP", "NOOP", NULL,
	};
	struct imap_fixture f;
	const struct store_identifier alice = { .who = 1 };
	struct imap_peer p;
	struct buf script;
	struct str got;
	int64_t id;

	begin(&f, &p, &script, lines);
	assert_int_equal(f.alice, alice.who);
	id = share_many(&f, 1, 8);
	append(&f, id);
	assert_has(imap_peer_run(&p, NET_WAKE), "(MESSAGES 1 ", true);
	append(&f, id);
	assert_int_equal(store_rights_change(f.store, id, 0, &alice, STORE_RIGHTS_SET, STORE_R_LOOKUP), 0);
	got = imap_peer_run(&p, NET_WAKE);
	assert_has(got, "* LIST (\\NoAccess \\Noselect ", true);
	assert_has(got, "* STATUS", false);
	end(&f, &p, &script);
}

TEST(events_shared_overflow)
{
	static const char *const lines[] = {
		"NOTIFY SET (subtree \"Other Users\" (MessageNew MessageExpunge))", "NOOP",
		"NOTIFY SET (subtree \"Other Users\" (MessageNew MessageExpunge))", NULL,
	};
	struct imap_fixture f;
	struct imap_peer p;
	struct buf script;
	struct str got;

	begin(&f, &p, &script, lines);
	assert_non_null(p.s->shared);
	(void)share_many(&f, 300, 900);
	budget_set(100000);
	got = imap_peer_run(&p, NET_WAKE);
	assert_has(got, "* OK [NOTIFICATIONOVERFLOW] ", true);
	assert_has(got, "* LIST", false);
	assert_null(p.s->shared);
	assert_has(imap_peer_step(&p), " NO [NOTIFICATIONOVERFLOW] ", true);
	assert_null(p.s->shared);
	assert_int_equal(p.s->events->kinds, 0);
	budget_set(LIMIT_PEER_MEMORY);
	end(&f, &p, &script);
}

/* ---- the grammar ---- */

static const struct {
	const char *text;
	int want;
	unsigned kinds, selected;
} rows[] = {
	{ "(personal NONE)", 0, 0, 0 },
	{ "(personal (MessageNew MessageExpunge))", 0, 3, 0 },
	{ "(SELECTED (messagenew (UID FLAGS BODY.PEEK[]<0.9>) messageexpunge FLAGCHANGE))", 0, 0, 7 },
	{ "(selected-delayed NONE) (inboxes (MailboxName)) (subscribed (SubscriptionChange))", 0, 120,
	  0 },
	{ "(subtree (a b {1+}\r\nc \"d e\") (ServerMetadataChange))", 0, 256, 0 },
	{ "(mailboxes a (MailboxMetadataChange))", 0, 128, 0 },
	{ "(selected (MessageNew (BODY[]) MessageExpunge))", 0, 0, 3 },
	{ "(personal NONE) ", -E_SYNTAX, 0, 0 },
	{ "(personal  NONE)", -E_SYNTAX, 0, 0 },
	{ "(personalNONE)", -E_SYNTAX, 0, 0 },
	{ "(personal NONEX)", -E_SYNTAX, 0, 0 },
	{ "(mailboxes a b NONE)", -E_SYNTAX, 0, 0 },
	{ "(selected (MessageNew (UID) MessageNew (FLAGS) MessageExpunge))", -E_SYNTAX, 0, 0 },
	{ "(selected (MessageNew (UID MessageExpunge))", -E_SYNTAX, 0, 0 },
	{ "", -E_SYNTAX, 0, 0 },
};

static int parse(const char *text_z, struct imap_event_filter *f)
{
	struct imap_parse p;

	imap_parse_init(&p, &f->arena, str_z(text_z), true);
	return imap_event_filter_parse(&p, f);
}

TEST(events_grammar)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct imap_event_filter *f = imap_event_filter_new();

		test_row(rows[i].text);
		assert_int_equal(parse(rows[i].text, f), rows[i].want);
		if (rows[i].want == 0) {
			assert_int_equal(f->kinds, rows[i].kinds);
			assert_int_equal(f->selected, rows[i].selected);
			assert_false(f->fetch.sets_seen);
		}
		imap_event_filter_free(&f);
	}
}

/* "(mailboxes (x x ...) (MailboxName))" */
static int parse_names(int n, struct imap_event_filter *f)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1 << 20);

	buf_add(&text, S("(mailboxes (x"));
	for (int i = 1; i < n; i++)
		buf_add(&text, S(" x"));
	buf_add(&text, S(") (MailboxName))"));
	return parse(buf_z(&text), f);
}

TEST(events_grammar_is_bounded)
{
	AUTO(buf_fini) struct buf many = BUF_INIT(1 << 20);
	struct imap_event_filter *f = imap_event_filter_new();

	f->arena.cap = 16 * LIMIT_NOTIFY_BYTES; /* the number alone; sanitizer builds take more for each */
	assert_int_equal(parse_names(LIMIT_NOTIFY_NAMES + 1, f), -E_LIMIT);
	imap_event_filter_free(&f);
	f = imap_event_filter_new();
	f->arena.cap = 16 * LIMIT_NOTIFY_BYTES;
	assert_int_equal(parse_names(LIMIT_NOTIFY_NAMES, f), 0);
	assert_true(budget_used(BUDGET_HELD) > 0); /* it counts while it waits */
	imap_event_filter_free(&f);
	assert_int_equal(budget_used(BUDGET_HELD), 0);
	for (size_t i = 0; i < LIMIT_NOTIFY_BYTES / 16; i++)
		buf_add(&many, S("(personal NONE) "));
	f = imap_event_filter_new();
	assert_int_equal(parse(buf_z(&many), f), -E_LIMIT);
	imap_event_filter_free(&f);
	assert_int_equal(budget_used(BUDGET_HELD), 0);
}

TEST(events_match_names)
{
	struct imap_event_filter *f = imap_event_filter_new();

	assert_int_equal(parse("(subtree (Lists inbox/x) (MessageNew MessageExpunge)) (mailboxes (misc "
			       "Lists/a) (MailboxName)) (subscribed (SubscriptionChange)) (inboxes "
			       "(MailboxMetadataChange))",
			       f),
			 0);
	assert_int_equal(imap_event_filter_kinds(f, S("Lists"), false), 3);
	assert_int_equal(imap_event_filter_kinds(f, S("Lists/a"), false), 3 | 56);
	assert_int_equal(imap_event_filter_kinds(f, S("Lists/a/b"), true), 3 | 64);
	assert_int_equal(imap_event_filter_kinds(f, S("Listserv"), false), 0);
	assert_int_equal(imap_event_filter_kinds(f, S("lists"), false), 0);
	assert_int_equal(imap_event_filter_kinds(f, S("INBOX/x/y"), false), 3);
	assert_int_equal(imap_event_filter_kinds(f, S("INBOX"), false), 128);
	assert_int_equal(imap_event_filter_kinds(f, S("misc/x"), false), 0);
	imap_event_filter_free(&f);
	f = imap_event_filter_new();
	assert_int_equal(parse("(personal (MailboxName)) (mailboxes \"Other Users/a@b.example/x\" "
			       "(MailboxMetadataChange))",
			       f),
			 0);
	assert_int_equal(imap_event_filter_kinds(f, S("Other"), false), 56);
	assert_int_equal(imap_event_filter_kinds(f, S("Other Users/a@b.example/x"), false), 128);
	assert_int_equal(imap_event_filter_kinds(f, S("Other Users/a@b.example/y"), true), 0);
	imap_event_filter_free(&f);
}

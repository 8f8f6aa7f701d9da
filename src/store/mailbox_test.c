/* SPDX-License-Identifier: MIT */
/* Mailbox names and what may be done with them. */
#include "store/store_test.h"

TEST(name_check)
{
	static const struct {
		struct str in;
		int rc;
		struct str want;
	} rows[] = {
		{ STR_INIT("foo"), 0, STR_INIT("foo") },
		{ STR_INIT("inbox"), 0, STR_INIT("INBOX") },
		{ STR_INIT("iNbOx/Foo"), 0, STR_INIT("INBOX/Foo") },
		{ STR_INIT("inboxes"), 0, STR_INIT("inboxes") },
		{ STR_INIT("foo/inbox"), 0, STR_INIT("foo/inbox") },
		{ STR_INIT("u\xcc\x88"), 0, STR_INIT("\xc3\xbc") }, /* NFC */
		{ STR_INIT("a b/c%d*"), 0, STR_INIT("a b/c%d*") },
		{ STR_INIT(""), -E_CANNOT, { 0 } },
		{ STR_INIT("/"), -E_CANNOT, { 0 } },
		{ STR_INIT("/a"), -E_CANNOT, { 0 } },
		{ STR_INIT("a/"), -E_CANNOT, { 0 } },
		{ STR_INIT("a//b"), -E_CANNOT, { 0 } },
		{ STR_INIT("a\0b"), -E_CANNOT, { 0 } },
		{ STR_INIT("a\nb"), -E_CANNOT, { 0 } },
		{ STR_INIT("a\x7f"), -E_CANNOT, { 0 } },
		{ STR_INIT("a\xc2\x85"), -E_CANNOT, { 0 } },
		{ STR_INIT("a\xe2\x80\xa8"), -E_CANNOT, { 0 } },
		{ STR_INIT("\xff"), -E_CANNOT, { 0 } },
		{ STR_INIT("\xc3"), -E_CANNOT, { 0 } },
	};
	AUTO(arena_fini) struct arena a;
	char longest[LIMIT_MAILBOX_NAME + 1];
	struct str got;

	arena_init(&a, 65536);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy = test_copy(rows[i].in);

		test_row(rows[i].in.p);
		assert_int_equal(store_name_check(&a, str_of(copy, rows[i].in.n), &got, NULL),
				 rows[i].rc);
		if (rows[i].rc == 0)
			assert_str_eq(got, rows[i].want);
		mem_free(copy);
	}
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(store_name_check(&a, str_of(longest, LIMIT_MAILBOX_NAME), &got, NULL), 0);
	assert_int_equal(store_name_check(&a, str_of(longest, LIMIT_MAILBOX_NAME + 1), &got, NULL),
			 -E_LIMIT);
}

static int create(struct test_store *t, const char *name_z)
{
	int64_t id;

	return store_mailbox_create(t->s, t->alice, str_z(name_z), 0, &id, NULL);
}

static int rename_mailbox(struct test_store *t, const char *from_z, const char *to_z)
{
	return store_mailbox_rename(t->s, t->alice, str_z(from_z), str_z(to_z), NULL);
}

/*
 * All names: "name" with flags: ! does not exist, + has children, s subscribed; separated by
 * spaces.
 */
static void assert_names(struct test_store *t, const char *want)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(4096);
	struct store_mailbox *v;
	size_t n;

	assert_int_equal(store_mailbox_list(t->s, &t->a, t->alice, &v, &n), 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%.*s%s%s%s", i ? " " : "", STR_ARG(v[i].name), v[i].id ? "" : "!",
			   v[i].has_children ? "+" : "", v[i].is_subscribed ? "s" : "");
	assert_string_equal(buf_z(&b), want);
}

#define USUAL "Archives Draftss Junks Sents Trashs"

TEST(mailbox_create_makes_superiors)
{
	struct test_store t;
	struct store_mailbox m;

	test_open(&t);
	assert_int_equal(create(&t, "INBOX"), -E_EXISTS);
	assert_int_equal(create(&t, "zoo/a/b"), 0);
	assert_int_equal(create(&t, "zoo"), -E_EXISTS);
	assert_int_equal(create(&t, "zoo/a/c"), 0);
	assert_int_equal(create(&t, "inbox/x"), 0);
	assert_names(&t, "INBOX+s "
			 "Archives Draftss INBOX/x Junks Sents Trashs zoo+ zoo/a+ zoo/a/b zoo/a/c");
	assert_int_equal(store_mailbox_find(t.s, &t.a, t.alice, S("zoo/a"), &m), 0);
	assert_true(m.has_children);
	assert_int_equal(store_mailbox_find(t.s, &t.a, t.alice, S("zoo//a"), &m), -E_NOT_FOUND);
	test_close(&t);
}

TEST(mailbox_delete_keeps_inferiors_and_subscription)
{
	struct test_store t;
	struct store_mailbox before, after;
	struct fault f;

	test_open(&t);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("inbox"), &f), -E_CANNOT);
	assert_string_equal(f.text, "INBOX cannot be deleted");
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("zoo"), &f), -E_NOT_FOUND);
	assert_int_equal(create(&t, "zoo/a/b"), 0);
	assert_int_equal(store_mailbox_subscribe(t.s, t.alice, S("zoo/a/b"), true, &f), 0);
	assert_int_equal(store_mailbox_find(t.s, &t.a, t.alice, S("zoo/a"), &before), 0);
	test_append(&t, before.id, 0, 3);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("zoo/a"), &f), 0);
	assert_int_equal(store_mailbox_get(t.s, &t.a, before.id, &after), -E_NOT_FOUND);
	assert_names(&t, "INBOXs " USUAL " zoo+ zoo/a!+ zoo/a/bs");
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("zoo/a/b"), &f), 0);
	assert_names(&t, "INBOXs " USUAL " zoo zoo/a/b!s");
	assert_int_equal(create(&t, "zoo/a"), 0);
	assert_int_equal(store_mailbox_find(t.s, &t.a, t.alice, S("zoo/a"), &after), 0);
	assert_true(after.uidvalidity > before.uidvalidity);
	assert_true(after.id > before.id);
	assert_int_equal(after.messages, 0);
	assert_int_equal(after.uidnext, 1);
	assert_int_equal(store_mailbox_subscribe(t.s, t.alice, S("zoo/a/b"), false, &f), 0);
	assert_names(&t, "INBOXs " USUAL " zoo+ zoo/a");
	test_close(&t);
}

TEST(mailbox_rename)
{
	struct test_store t;
	struct store_mailbox before, after;

	test_open(&t);
	assert_int_equal(create(&t, "foo/a/b"), 0);
	assert_int_equal(create(&t, "foot"), 0);
	assert_int_equal(create(&t, "foo-x"), 0);
	assert_int_equal(store_mailbox_find(t.s, &t.a, t.alice, S("foo/a"), &before), 0);
	assert_int_equal(rename_mailbox(&t, "none", "x"), -E_NOT_FOUND);
	assert_int_equal(rename_mailbox(&t, "foo", "foot"), -E_EXISTS);
	assert_int_equal(rename_mailbox(&t, "foo", "foo/c"), -E_CANNOT);
	assert_int_equal(rename_mailbox(&t, "foo", "INBOX"), -E_EXISTS);
	assert_int_equal(rename_mailbox(&t, "foo", "new/deep/bar"), 0);
	assert_names(&t,
		     "INBOXs " USUAL
		     " foo-x foot new+ new/deep+ new/deep/bar+ new/deep/bar/a+ new/deep/bar/a/b");
	assert_int_equal(store_mailbox_find(t.s, &t.a, t.alice, S("new/deep/bar/a"), &after), 0);
	assert_int_equal(after.id, before.id);
	assert_int_equal(after.uidvalidity, before.uidvalidity);
	assert_str_eq(after.mailboxid, before.mailboxid);
	test_close(&t);
}

TEST(mailbox_rename_inbox_moves_the_messages)
{
	struct test_store t;
	struct store_mailbox inbox, old;

	test_open(&t);
	test_append(&t, t.inbox, STORE_SEEN, 5);
	assert_int_equal(create(&t, "INBOX/sub"), 0);
	assert_int_equal(rename_mailbox(&t, "inbox", "old/mail"), 0);
	assert_int_equal(store_mailbox_find(t.s, &t.a, t.alice, S("INBOX"), &inbox), 0);
	assert_int_equal(store_mailbox_find(t.s, &t.a, t.alice, S("old/mail"), &old), 0);
	assert_int_equal(inbox.id, t.inbox);
	assert_int_equal(inbox.messages, 0);
	assert_int_equal(inbox.uidnext, 6);
	assert_int_equal(old.messages, 5);
	assert_int_equal(old.unseen, 0);
	assert_names(&t, "INBOX+s Archives Draftss INBOX/sub Junks Sents Trashs old+ old/mail");
	test_close(&t);
}

static bool append_recent(struct test_store *t, bool wants_recent)
{
	AUTO(arena_fini) struct arena a;
	struct store_appended done;
	struct store_content_new c;
	struct store_append v = { .mailbox = t->inbox, .content = &c, .wants_recent = wants_recent };

	arena_init(&a, 1u << 20);
	c = test_prepare(&a, S("Subject: test\r\n\r\nHello\r\n"));
	assert_int_equal(store_append(t->s, &v, 1, &done), 0);
	return done.is_recent;
}

/* A session has what it adds itself, when nothing before it waits for another. */
TEST(mailbox_recent_of_the_one_who_adds)
{
	struct test_store t;
	uint64_t n;
	uint32_t first;

	test_open(&t);
	assert_true(append_recent(&t, true));
	assert_int_equal(store_mailbox_recent_count(t.s, t.inbox, &n), 0);
	assert_int_equal(n, 0);
	assert_false(append_recent(&t, false));
	assert_false(append_recent(&t, true)); /* the one before is nobody's yet */
	assert_int_equal(store_mailbox_recent_count(t.s, t.inbox, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(store_mailbox_recent(t.s, t.inbox, 4, &first), 0);
	assert_int_equal(first, 2);
	assert_true(append_recent(&t, true));
	assert_int_equal(store_mailbox_recent(t.s, t.inbox, 5, &first), 0);
	assert_int_equal(first, 5);
	test_close(&t);
}

TEST(mailbox_recent_is_given_once)
{
	struct test_store t;
	uint64_t n;
	uint32_t first;

	test_open(&t);
	test_append(&t, t.inbox, 0, 3);
	assert_int_equal(store_mailbox_recent(t.s, t.inbox, 0, &first), 0);
	assert_int_equal(first, 1);
	/* A session that shows a view of two messages leaves the third to the next. */
	assert_int_equal(store_mailbox_recent(t.s, t.inbox, 3, &first), 0);
	assert_int_equal(first, 1);
	assert_int_equal(store_mailbox_recent_count(t.s, t.inbox, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(store_mailbox_recent(t.s, t.inbox, 4, &first), 0);
	assert_int_equal(first, 3);
	/* An older view takes nothing back. */
	assert_int_equal(store_mailbox_recent(t.s, t.inbox, 2, &first), 0);
	assert_int_equal(first, 4);
	test_append(&t, t.inbox, 0, 1);
	assert_int_equal(store_mailbox_recent(t.s, t.inbox, 5, &first), 0);
	assert_int_equal(first, 4);
	assert_int_equal(store_mailbox_recent_count(t.s, t.inbox, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_mailbox_recent(t.s, 999, 5, &first), -E_NOT_FOUND);
	test_close(&t);
}

/* A crash between deletion and purge: the next opening finishes it. */
TEST(mailbox_purge_goes_on_after_a_crash)
{
	struct test_store t;
	struct fault f;
	char dir[300];

	test_open(&t);
	assert_int_equal(create(&t, "doomed"), 0);
	test_append(&t, test_mailbox(&t, "doomed"), 0, 1500);
	/* Statements of the deletion itself, then the first of the purge fails. */
	db_fail_next(t.db, DB_FAIL_STATEMENT, 10, E_IO);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("doomed"), &f), 0);
	db_fail_next(t.db, DB_FAIL_NONE, 0, 0);
	snprintf(dir, sizeof(dir), "%s", db_dir_z(t.db));
	test_recount(&t);
	store_close(&t.s);
	db_close(&t.db);
	test_reopen(&t, NULL, NULL, dir);
	assert_names(&t, "INBOXs " USUAL);
	test_close(&t);
}

/* SPDX-License-Identifier: MIT */
/*
 * The queues of news: what comes into them, in which order, how much, and that nothing stays
 * behind.
 */
#include "store/news.h"

#include "base/budget.h"
#include "store/annotation.h"
#include "store/rights.h"
#include "store/store_test.h"

#define ALL (STORE_NEWS_MESSAGES | STORE_NEWS_NAMES | STORE_NEWS_METADATA | STORE_NEWS_SERVER_METADATA)

static int wakes[8];

static void note_wake(void *ctx, uint64_t watcher)
{
	(void)ctx;
	wakes[watcher % ARRAY_LEN(wakes)]++;
}

static void open_store(struct test_store *t)
{
	test_open_with(t, note_wake, NULL);
	memset(wakes, 0, sizeof(wakes));
}

/* All that waits, as text: "kinds:name<old|entries;" or "kinds:#mailbox;" */
static const char *taken(struct store_news *n, int64_t inbox)
{
	static char text[4096];
	size_t at = 0;
	bool is_lost;
	struct store_news_item *list = store_news_take(n, &is_lost);

	assert_false(is_lost);
	text[0] = '\0';
	for (const struct store_news_item *i = list; i != NULL; i = i->next) {
		int k = i->kinds & STORE_NEWS_MESSAGES
				? snprintf(text + at, sizeof(text) - at, "%u:#%s;", i->kinds,
					   i->mailbox == inbox ? "INBOX" : "other")
				: snprintf(text + at, sizeof(text) - at,
					   "%u:%" STR_FMT "<%" STR_FMT "|%" STR_FMT ";", i->kinds,
					   STR_ARG(i->name), STR_ARG(i->old_name), STR_ARG(i->entries));

		at += (size_t)k;
	}
	store_news_items_free(list);
	return text;
}

static void set_comments(struct test_store *t, int64_t mailbox)
{
	const struct store_annotation v[] = { { S("/private/comment"), S("x") },
					      { S("/shared/comment"), S("y") } };
	const struct store_annotations_change change = { .v = v, .n = mailbox != 0 ? 2 : 1 };

	assert_int_equal(store_annotations_set(t->s, mailbox, t->alice, &change), 0);
}

TEST(news_of_each_kind)
{
	struct test_store t;
	struct store_news *n;
	int64_t id;

	open_store(&t);
	n = store_news_new(t.s, t.alice, 1, ALL);
	assert_false(store_news_has(n));
	test_append(&t, t.inbox, 0, 3);
	assert_true(store_news_has(n));
	test_flag(&t, t.archive, 1, 1, STORE_FLAGS_ADD, STORE_SEEN); /* nothing is there */
	assert_string_equal(taken(n, t.inbox), "1:#INBOX;");
	assert_false(store_news_has(n));
	test_flag(&t, t.inbox, 1, 1, STORE_FLAGS_ADD, STORE_DELETED);
	assert_string_equal(taken(n, t.inbox), "4:#INBOX;");
	/* once for each mailbox, whatever has happened there */
	test_append(&t, t.archive, 0, 1);
	test_flag(&t, t.inbox, 2, 2, STORE_FLAGS_ADD, STORE_SEEN);
	test_flag(&t, t.archive, 1, 1, STORE_FLAGS_ADD, STORE_SEEN);
	test_append(&t, t.inbox, 0, 1);
	assert_string_equal(taken(n, t.inbox), "5:#other;5:#INBOX;");
	assert_int_equal(store_mailbox_create(t.s, t.alice, S("a/b"), 0, &id, NULL), 0);
	assert_int_equal(store_mailbox_rename(t.s, t.alice, S("a/b"), S("c"), NULL), 0);
	assert_int_equal(store_mailbox_subscribe(t.s, t.alice, S("c"), true, NULL), 0);
	set_comments(&t, id);
	set_comments(&t, 0);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("c"), NULL), 0);
	assert_string_equal(taken(n, t.inbox), "8:a<|;8:a/b<|;32:c<a/b|;64:c<|;"
					       "128:<|/private/comment\n;128:<|/shared/comment\n;"
					       "256:<|/private/comment\n;16:c<|;");
	/* what was refused is not told */
	assert_true(store_mailbox_create(t.s, t.alice, S("INBOX"), 0, &id, NULL) < 0);
	assert_true(store_mailbox_rename(t.s, t.alice, S("INBOX"), S("Archive"), NULL) < 0);
	assert_string_equal(taken(n, t.inbox), "");
	assert_int_equal(budget_used(BUDGET_HELD), 0);
	store_news_free(&n);
	test_close(&t);
}

TEST(news_are_for_whom_they_concern)
{
	struct test_store t;
	struct store_news *n[4];
	int64_t id;

	open_store(&t);
	n[0] = store_news_new(t.s, t.alice, 1, STORE_NEWS_EXPUNGED | STORE_NEWS_CREATED);
	n[1] = store_news_new(t.s, t.alice, 2, ALL);
	n[2] = store_news_new(t.s, t.alice + 1, 3, ALL);
	n[3] = store_news_new(t.s, t.alice, 4, ALL);
	/* 2 is woken once for what it has not taken yet; nobody for his own doing */
	store_act_as(4);
	test_append(&t, t.inbox, 0, 1);
	test_append(&t, t.inbox, 0, 1);
	store_act_as(0);
	assert_int_equal(wakes[1] + wakes[3] + wakes[4], 0);
	assert_int_equal(wakes[2], 1);
	assert_string_equal(taken(n[0], t.inbox), "");
	assert_string_equal(taken(n[3], t.inbox), "");
	assert_int_equal(store_mailbox_create(t.s, t.alice, S("x/y/z"), 0, &id, NULL), 0);
	assert_int_equal(wakes[1], 1);
	assert_int_equal(wakes[2], 1);
	assert_int_equal(wakes[4], 1);
	assert_string_equal(taken(n[2], t.inbox), "");
	store_news_want(n[0], 0);
	store_news_free(&n[3]);
	store_news_free(&n[1]);
	assert_int_equal(store_mailbox_create(t.s, t.alice, S("w"), 0, &id, NULL), 0);
	assert_int_equal(wakes[1], 1);
	for (int i = 0; i < 4; i++)
		store_news_free(&n[i]);
	assert_int_equal(budget_used(BUDGET_HELD), 0);
	test_close(&t);
}

/* A watch of the mailbox does not wake who made the change. */
TEST(news_watchers_know_their_own)
{
	struct test_store t;

	open_store(&t);
	store_watch_add(t.s, t.alice, t.inbox, 1);
	store_watch_add(t.s, t.alice, t.inbox, 2);
	store_act_as(1);
	test_append(&t, t.inbox, 0, 1);
	store_act_as(0);
	assert_int_equal(wakes[1], 0);
	assert_int_equal(wakes[2], 1);
	store_watch_remove(t.s, 1);
	store_watch_remove(t.s, 2);
	test_close(&t);
}

static void subscribe_many(struct test_store *t, int n)
{
	char name[LIMIT_MAILBOX_NAME], number[32];

	memset(name, 'n', sizeof(name));
	for (int i = 0; i < n; i++) {
		snprintf(number, sizeof(number), "%09d", i);
		memcpy(name, number, 9);
		assert_int_equal(store_mailbox_subscribe(t->s, t->alice, str_of(name, sizeof(name)),
							 true, NULL),
				 0);
	}
}

static void assert_lost(struct store_news *n)
{
	bool is_lost;

	assert_true(store_news_has(n));
	assert_null(store_news_take(n, &is_lost));
	assert_true(is_lost);
	assert_int_equal(budget_used(BUDGET_HELD), 0);
}

TEST(news_are_bounded)
{
	struct test_store t;
	struct store_news *n;

	open_store(&t);
	n = store_news_new(t.s, t.alice, 1, ALL);
	subscribe_many(&t, LIMIT_NEWS_BYTES / LIMIT_MAILBOX_NAME / 2);
	assert_true(budget_used(BUDGET_HELD) > LIMIT_NEWS_BYTES / 2);
	subscribe_many(&t, LIMIT_NEWS_BYTES / LIMIT_MAILBOX_NAME);
	assert_int_equal(budget_used(BUDGET_HELD), 0);
	assert_lost(n);
	/* and then it goes on */
	test_append(&t, t.inbox, 0, 1);
	assert_string_equal(taken(n, t.inbox), "1:#INBOX;");
	/* less is there for all */
	budget_set(5000);
	subscribe_many(&t, 10);
	budget_set(LIMIT_PEER_MEMORY);
	assert_lost(n);
	store_news_free(&n);
	test_close(&t);
}

/* ---- mailboxes of others ---- */

static void share(struct test_store *t, int64_t who, enum store_rights_op op)
{
	const struct store_identifier id = { .who = who };

	assert_int_equal(store_rights_change(t->s, t->archive, 0, &id, op, STORE_R_LOOKUP | STORE_R_READ), 0);
}

static int64_t add_bob(struct test_store *t)
{
	struct fault fault = { 0 };
	int64_t bob;

	assert_int_equal(store_account_add(t->s, S("bob@example.org"), NULL, NULL, 0, &bob, &fault), 0);
	return bob;
}

/* Told to those who have rows, and to all because of "anyone"; once, however much it is. */
TEST(news_of_what_is_shared)
{
	struct test_store t;
	struct store_news *n, *other;
	int64_t bob, id;

	open_store(&t);
	bob = add_bob(&t);
	n = store_news_new(t.s, bob, 1, STORE_NEWS_SHARED);
	other = store_news_new(t.s, bob + 1, 2, ALL | STORE_NEWS_SHARED);
	store_news_want(other, ALL);
	share(&t, bob, STORE_RIGHTS_SET);
	assert_string_equal(taken(n, 0), "1024:<|;");
	assert_int_equal(store_mailbox_create(t.s, t.alice, S("unshared"), 0, &id, NULL), 0);
	assert_int_equal(store_mailbox_rename(t.s, t.alice, S("unshared"), S("x"), NULL), 0);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("x"), NULL), 0);
	assert_string_equal(taken(n, 0), "");
	/* it has the rights of its superior */
	assert_int_equal(store_mailbox_create(t.s, t.alice, S("Archive/kid"), 0, &id, NULL), 0);
	assert_string_equal(taken(n, 0), "1024:<|;");
	/* what is only below the renamed one */
	share(&t, bob, STORE_RIGHTS_TAKE);
	(void)taken(n, 0);
	assert_int_equal(store_mailbox_rename(t.s, t.alice, S("Archive"), S("y"), NULL), 0);
	assert_string_equal(taken(n, 0), "1024:<|;");
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("y/kid"), NULL), 0);
	share(&t, 0, STORE_RIGHTS_SET);
	assert_int_equal(wakes[1], 5);
	assert_string_equal(taken(n, 0), "1024:<|;");
	store_configure(t.s, &(struct store_conf){ .anyone = STORE_ANYONE_NO });
	assert_string_equal(taken(n, 0), "1024:<|;");
	store_configure(t.s, &(struct store_conf){ .anyone = STORE_ANYONE_NO });
	assert_false(store_news_has(n));
	assert_false(store_news_has(other));
	assert_int_equal(wakes[2], 0);
	store_news_free(&other);
	store_news_free(&n);
	assert_int_equal(budget_used(BUDGET_HELD), 0);
	test_close(&t);
}

/* Its own doing wakes nobody, and hides nothing that comes after. */
TEST(news_of_what_is_shared_own)
{
	struct test_store t;
	struct store_news *n;
	int64_t bob;

	open_store(&t);
	bob = add_bob(&t);
	n = store_news_new(t.s, bob, 1, STORE_NEWS_SHARED);
	store_act_as(1);
	share(&t, bob, STORE_RIGHTS_SET);
	store_act_as(0);
	assert_int_equal(wakes[1], 0);
	assert_true(store_news_has(n));
	share(&t, bob, STORE_RIGHTS_TAKE);
	assert_int_equal(wakes[1], 1);
	share(&t, bob, STORE_RIGHTS_SET);
	assert_int_equal(wakes[1], 1);
	assert_string_equal(taken(n, 0), "3072:<|;");
	share(&t, bob, STORE_RIGHTS_TAKE);
	assert_int_equal(wakes[1], 2);
	store_act_as(1);
	share(&t, bob, STORE_RIGHTS_SET);
	store_act_as(0);
	share(&t, bob, STORE_RIGHTS_TAKE);
	assert_int_equal(wakes[1], 2);
	store_news_free(&n);
	test_close(&t);
}

TEST(news_of_watched_mailboxes)
{
	struct test_store t;
	struct store_news *n[2];
	int64_t bob;

	open_store(&t);
	bob = add_bob(&t);
	for (int i = 0; i < 2; i++)
		n[i] = store_news_new(t.s, bob, 1 + (uint64_t)i, ALL);
	assert_int_equal(store_news_watch(n[0], (int64_t[]){ t.archive, t.inbox }, 2), 0);
	assert_int_equal(store_news_watch(n[1], (int64_t[]){ t.archive }, 1), 0);
	test_append(&t, t.archive, 0, 1);
	assert_int_equal(wakes[1] + wakes[2], 2);
	assert_string_equal(taken(n[0], t.inbox), "1:#other;");
	assert_string_equal(taken(n[1], t.inbox), "1:#other;");
	/* entries that all see, not those of their owner */
	set_comments(&t, t.archive);
	assert_string_equal(taken(n[0], 0), "128:<|/shared/comment\n;");
	assert_string_equal(taken(n[1], 0), "128:<|/shared/comment\n;");
	set_comments(&t, 0);
	assert_false(store_news_has(n[0]));
	/* the first of a mailbox leaves, the second stays */
	assert_int_equal(store_news_watch(n[0], (int64_t[]){ t.inbox }, 1), 0);
	test_append(&t, t.archive, 0, 1);
	assert_false(store_news_has(n[0]));
	assert_string_equal(taken(n[1], t.inbox), "1:#other;");
	assert_int_equal(store_news_watch(n[1], NULL, 0), 0);
	test_append(&t, t.archive, 0, 1);
	assert_false(store_news_has(n[1]));
	/* memory is short */
	budget_set(5000);
	assert_int_equal(store_news_watch(n[0], (int64_t[5000]){ 1 }, 5000), -E_LIMIT);
	budget_set(LIMIT_PEER_MEMORY);
	test_append(&t, t.inbox, 0, 1);
	assert_false(store_news_has(n[0]));
	for (int i = 0; i < 2; i++)
		store_news_free(&n[i]);
	assert_int_equal(budget_used(BUDGET_HELD), 0);
	test_close(&t);
}

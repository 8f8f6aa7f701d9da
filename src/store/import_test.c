/* SPDX-License-Identifier: MIT */
/* Imports: UIDs and UIDVALIDITY of the source, each message once, other mail in between. */
#include "store/import.h"

#include "store/store_test.h"

static struct store_import message(struct test_store *t, unsigned number, uint32_t uid)
{
	struct str text = arena_printf(&t->a, "Message-ID: <%u@example.net>\r\n\r\nbody\r\n", number);
	struct store_import v = { .internaldate_s = 1000000000 + number, .uid = uid };

	v.content = ARENA_NEW(&t->a, struct store_content_new);
	*v.content = test_prepare(&t->a, text);
	memcpy(v.key, &number, sizeof(number));
	return v;
}

static uint32_t import_one(struct test_store *t, int64_t mailbox, unsigned number, uint32_t uid)
{
	struct store_import v = message(t, number, uid);
	struct store_imported done;

	assert_int_equal(store_import(t->s, mailbox, &v, 1, &done), 0);
	return done.uid;
}

static void begin(struct test_store *t, int64_t mailbox, uint32_t uidvalidity, uint32_t uidnext, bool want_keeps)
{
	bool keeps, was_begun;

	assert_int_equal(store_import_begin(t->s, mailbox, uidvalidity, uidnext, &keeps, &was_begun), 0);
	assert_int_equal(keeps, want_keeps);
}

static uint32_t uidvalidity_of(struct test_store *t, int64_t mailbox)
{
	struct store_mailbox m;

	assert_int_equal(store_mailbox_get(t->s, &t->a, mailbox, &m), 0);
	return m.uidvalidity;
}

TEST(import_keeps_uids_of_an_empty_mailbox)
{
	struct test_store t;

	test_open(&t);
	begin(&t, t.archive, 12345, 50, true);
	assert_int_equal(uidvalidity_of(&t, t.archive), 12345);
	assert_int_equal(import_one(&t, t.archive, 1, 7), 7);
	assert_int_equal(import_one(&t, t.archive, 2, 20), 20);
	/* Again: nothing, also in one call with what is new. */
	assert_int_equal(import_one(&t, t.archive, 2, 20), 0);
	begin(&t, t.archive, 12345, 50, true);
	assert_int_equal(import_one(&t, t.archive, 3, 49), 49);
	test_recount(&t);
	test_append(&t, t.archive, 0, 1);
	assert_int_equal(import_one(&t, t.archive, 4, 0), 51);
	test_recount(&t);
	test_close(&t);
}

TEST(import_gives_other_mail_no_uid_of_the_source)
{
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *view;

	test_open(&t);
	begin(&t, t.archive, 12345, 50, true);
	assert_int_equal(import_one(&t, t.archive, 1, 7), 7);
	test_append(&t, t.archive, 0, 1); /* delivered meanwhile: 50 */
	assert_int_equal(import_one(&t, t.archive, 2, 20), 51);
	assert_int_equal(store_mbox_open(t.s, t.archive, &mbox), 0);
	view = test_view(mbox);
	assert_int_equal(view->n, 3);
	assert_int_equal(store_view_at(view, 2)->uid, 50);
	assert_int_equal(store_view_at(view, 3)->uid, 51);
	store_view_unref(view);
	store_mbox_close(&mbox);
	test_recount(&t);
	test_close(&t);
}

TEST(import_into_a_used_mailbox_gives_new_uids)
{
	struct test_store t;
	uint32_t before;

	test_open(&t);
	test_append(&t, t.inbox, 0, 2);
	before = uidvalidity_of(&t, t.inbox);
	begin(&t, t.inbox, 12345, 50, false);
	assert_int_equal(uidvalidity_of(&t, t.inbox), before);
	assert_int_equal(import_one(&t, t.inbox, 1, 0), 3);
	/* A UIDVALIDITY of the future would be in the way of those that we give. */
	begin(&t, t.archive, UINT32_MAX, 50, false);
	/* Another one than that of the import that was begun. */
	begin(&t, t.archive, 12345, 50, true);
	assert_int_equal(import_one(&t, t.archive, 1, 7), 7);
	begin(&t, t.archive, 12346, 50, false);
	test_recount(&t);
	test_close(&t);
}

TEST(import_knows_what_was_imported)
{
	struct test_store t;
	uint8_t keys[2][STORE_IMPORT_KEY] = { { 0 } };
	bool have[2], keeps, was_begun;

	test_open(&t);
	assert_int_equal(store_import_begin(t.s, t.archive, 0, 0, &keeps, &was_begun), 0);
	assert_false(keeps || was_begun);
	import_one(&t, t.archive, 1, 0);
	keys[0][0] = 2;
	keys[1][0] = 1;
	assert_int_equal(store_import_have(t.s, t.archive, str_of(keys, sizeof(keys)), have), 0);
	assert_true(!have[0] && have[1]);
	assert_int_equal(store_import_have(t.s, t.inbox, str_of(keys, sizeof(keys)), have), 0);
	assert_true(!have[0] && !have[1]);
	assert_int_equal(store_import_begin(t.s, t.archive, 0, 0, &keeps, &was_begun), 0);
	assert_true(was_begun);
	test_close(&t);
}

TEST(import_leaves_out_keywords_that_have_no_room)
{
	struct test_store t;
	struct str names[LIMIT_IMAP_KEYWORDS + 2];
	struct store_import v;
	struct store_imported done;
	uint32_t uid = 0;

	test_open(&t);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		names[i] = arena_printf(&t.a, "k%zu", i);
	for (size_t i = 0; i < ARRAY_LEN(names); i += 64) {
		v = message(&t, ++uid, 0);
		v.keywords = &names[i];
		v.n_keywords = ARRAY_LEN(names) - i < 64 ? ARRAY_LEN(names) - i : 64;
		assert_int_equal(store_import(t.s, t.archive, &v, 1, &done), 0);
		assert_int_equal(done.uid, uid);
		assert_int_equal(done.lost_keywords, i < LIMIT_IMAP_KEYWORDS ? 0 : 2);
	}
	/* All at once are too many for a message. */
	v = message(&t, ++uid, 0);
	v.keywords = names;
	v.n_keywords = ARRAY_LEN(names);
	assert_int_equal(store_import(t.s, t.archive, &v, 1, &done), 0);
	assert_int_equal(done.lost_keywords, ARRAY_LEN(names) - STORE_KEYWORDS_MAX);
	test_recount(&t);
	test_close(&t);
}

/* What comes out of files of other programs stands in answers of IMAP as it is. */
TEST(import_leaves_out_what_is_no_keyword)
{
	static const struct str names[] = {
		STR_INIT("a(b"), STR_INIT("a)"), STR_INIT("\"x"), STR_INIT("{5}"), STR_INIT("a]b"), STR_INIT("\\Seen"), STR_INIT("*"),
		STR_INIT("50%"), STR_INIT("a b"), STR_INIT("a\x01"), STR_INIT("a\x7f"), STR_INIT("\xc3\xa4"), STR_INIT(""),
		STR_INIT("$Label1"), STR_INIT("a}b[c+d"),
	};
	struct test_store t;
	struct store_import v;
	struct store_imported done;
	struct store_mbox *mbox;
	struct store_view *view;

	test_open(&t);
	v = message(&t, 1, 0);
	v.keywords = names;
	v.n_keywords = ARRAY_LEN(names);
	assert_int_equal(store_import(t.s, t.archive, &v, 1, &done), 0);
	assert_int_equal(done.lost_keywords, ARRAY_LEN(names) - 2);
	assert_int_equal(store_mbox_open(t.s, t.archive, &mbox), 0);
	view = test_view(mbox);
	assert_int_equal(view->keywords->n, 2);
	assert_str_eq(view->keywords->v[0], S("$Label1"));
	assert_str_eq(view->keywords->v[1], S("a}b[c+d"));
	store_view_unref(view);
	store_mbox_close(&mbox);
	test_close(&t);
}

/* SPDX-License-Identifier: MIT */
/*
 * Annotations: names, whose they are, bounds, and what becomes of them with the mailbox (RFC 5464).
 */
#include "store/annotation.h"
#include "store/store_test.h"

static const struct {
	const char *name;
	bool is_set;
	int want;
	const char *canonical;
} names[] = {
	{ "/private/Comment", true, 0, "/private/comment" },
	{ "/SHARED/vendor/cmu/cyrus-imapd/Color", true, 0, "/shared/vendor/cmu/cyrus-imapd/color" },
	{ "/private/a b", true, 0, "/private/a b" },
	{ "/private", false, 0, "/private" },
	{ "/shared/vendor", false, 0, "/shared/vendor" },
	{ "/private", true, -E_SYNTAX, "" },
	{ "/privately/x", false, -E_SYNTAX, "" },
	{ "/private/vendor/x", true, -E_SYNTAX, "" },
	{ "/private/vendor/x/y", true, 0, "/private/vendor/x/y" },
	{ "/private/", false, -E_SYNTAX, "" },
	{ "/private//x", false, -E_SYNTAX, "" },
	{ "private/x", false, -E_SYNTAX, "" },
	{ "/private/x*", false, -E_SYNTAX, "" },
	{ "/private/x%", false, -E_SYNTAX, "" },
	{ "/private/\xc3\xbc", false, -E_SYNTAX, "" },
	{ "/private/x\x19", false, -E_SYNTAX, "" },
	{ "/", false, -E_SYNTAX, "" },
	{ "", false, -E_SYNTAX, "" },
};

TEST(annotation_names)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str name = str_z(names[i].name), got = S("");
		char *copy = test_copy(name);
		AUTO(arena_fini) struct arena a;

		test_row(names[i].name);
		arena_init(&a, 4096);
		assert_int_equal(store_entry_check(&a, str_of(copy, name.n), names[i].is_set, &got),
				 names[i].want);
		mem_free(copy);
		assert_str_eq(got, str_z(names[i].canonical));
	}
}

/* value_z NULL: removed. */
static int set(struct test_store *t, int64_t mailbox, int64_t user, const char *entry_z,
	       struct str value)
{
	const struct store_annotation v = { str_z(entry_z), value };
	const struct store_annotations_change c = { .v = &v, .n = 1 };

	return store_annotations_set(t->s, mailbox, user, &c);
}

static size_t count(struct test_store *t, int64_t mailbox, int64_t user)
{
	struct store_annotation *v;
	size_t n;

	assert_int_equal(store_annotations_list(t->s, &t->a, mailbox, user, &v, &n), 0);
	return n;
}

TEST(annotations_of_users_and_mailboxes)
{
	struct test_store t;
	struct store_annotation *v;
	struct fault f = { "" };
	int64_t bob;
	size_t n;

	test_open(&t);
	assert_int_equal(store_account_add(t.s, S("bob@example.org"), NULL, NULL, 0, &bob, &f), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, "/private/a", S("1")), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, "/private/a", S("longer")), 0);
	/* RFC 5464 3.3: "l" and one of "rswip". */
	assert_int_equal(set(&t, t.inbox, bob, "/private/a", S("2")), -E_NOT_FOUND);
	test_share(&t, t.inbox, bob, "l");
	assert_int_equal(set(&t, t.inbox, bob, "/private/a", S("2")), -E_DENIED);
	test_share(&t, t.inbox, bob, "lp");
	assert_int_equal(set(&t, t.inbox, bob, "/private/a", S("2")), 0);
	assert_int_equal(set(&t, t.inbox, bob, "/shared/b", S("3\0x")), 0);
	assert_int_equal(set(&t, 0, t.alice, "/private/a", S("")), 0);
	assert_int_equal(set(&t, 0, t.alice, "/shared/a", S("4")), -E_DENIED);
	assert_int_equal(set(&t, 4711, t.alice, "/private/a", S("5")), -E_NOT_FOUND);
	test_recount(&t);
	assert_int_equal(store_annotations_list(t.s, &t.a, t.inbox, t.alice, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_str_eq(v[0].entry, S("/private/a"));
	assert_str_eq(v[0].value, S("longer"));
	assert_str_eq(v[1].value, S("3\0x"));
	assert_int_equal(count(&t, 0, t.alice), 1);
	assert_int_equal(count(&t, 0, bob), 0);
	/* Gone with the account, and with the mailbox. */
	assert_int_equal(store_account_remove(t.s, S("bob@example.org"), &f), 0);
	assert_int_equal(count(&t, t.inbox, bob), 1);
	assert_int_equal(set(&t, t.archive, t.alice, "/shared/b", S("6")), 0);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("Archive"), &f), 0);
	assert_int_equal(count(&t, t.archive, t.alice), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, "/private/a", (struct str){ 0 }), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, "/private/a", (struct str){ 0 }), 0);
	assert_int_equal(count(&t, t.inbox, t.alice), 1);
	test_close(&t);
}

TEST(annotations_are_bounded)
{
	static char big[LIMIT_ANNOTATION_VALUE + 1];
	struct test_store t;
	struct fault f = { "" };
	char entry[64];
	int i, r = 0;

	test_open(&t);
	assert_int_equal(set(&t, t.inbox, t.alice, "/private/a", str_of(big, sizeof(big))),
			 -E_TOO_BIG);
	/* Half of what the account may have, on INBOX; to copy it is just possible, and no more. */
	for (i = 0; i < LIMIT_ANNOTATION_BYTES / LIMIT_ANNOTATION_VALUE / 2 - 1; i++) {
		snprintf(entry, sizeof(entry), "/shared/%d", i);
		assert_int_equal(set(&t, t.inbox, t.alice, entry,
				     str_of(big, LIMIT_ANNOTATION_VALUE)),
				 0);
	}
	assert_int_equal(store_mailbox_rename(t.s, t.alice, S("INBOX"), S("old"), &f), 0);
	assert_int_equal(count(&t, test_mailbox(&t, "old"), t.alice), i);
	assert_int_equal(count(&t, t.inbox, t.alice), i);
	test_recount(&t);
	assert_int_equal(store_mailbox_rename(t.s, t.alice, S("INBOX"), S("older"), &f), -E_LIMIT);
	for (i = 0; i < 10 && r == 0; i++) {
		snprintf(entry, sizeof(entry), "/private/%d", i);
		r = set(&t, 0, t.alice, entry, str_of(big, LIMIT_ANNOTATION_VALUE));
	}
	assert_int_equal(r, -E_LIMIT);
	assert_true(count(&t, 0, t.alice) == (size_t)i - 1);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("old"), &f), 0);
	assert_int_equal(set(&t, 0, t.alice, entry, S("x")), 0);
	test_close(&t);
}

/* A change of several is made whole or not at all; the last of one entry counts. */
TEST(annotations_all_or_none)
{
	static char big[LIMIT_ANNOTATION_VALUE + 1];
	const struct store_annotation bad[] = {
		{ S("/private/a"), S("1") },
		{ S("/private/b"), str_of(big, sizeof(big)) },
	};
	const struct store_annotation good[] = {
		{ S("/private/a"), S("1") },
		{ S("/private/a"), { 0 } },
		{ S("/private/b"), { 0 } },
		{ S("/private/b"), S("2") },
	};
	struct store_annotations_change c = { .v = bad, .n = 2 };
	struct store_mailbox m;
	struct test_store t;

	test_open(&t);
	assert_int_equal(store_annotations_set(t.s, t.inbox, t.alice, &c), -E_TOO_BIG);
	assert_int_equal(count(&t, t.inbox, t.alice), 0);
	c = (struct store_annotations_change){
		.v = good, .n = 4, .sets_special_use = true, .special_use = STORE_USE_SENT,
	};
	assert_int_equal(store_annotations_set(t.s, 0, t.alice, &c), -E_CANNOT);
	assert_int_equal(store_annotations_set(t.s, t.archive, t.alice, &c), 0);
	assert_int_equal(count(&t, t.archive, t.alice), 1);
	assert_int_equal(store_mailbox_find(t.s, &t.a, t.alice, S("Sent"), &m), 0);
	assert_int_equal(m.special_use, 0);
	assert_int_equal(store_mailbox_get(t.s, &t.a, t.archive, &m), 0);
	assert_int_equal(m.special_use, STORE_USE_SENT);
	test_close(&t);
}

/* SPDX-License-Identifier: MIT */
/* Keywords beyond those that are bits: limits, a model, what is swept away, what an older schema had. */
#include "store/store_test.h"

#include "store/fsck.h"

static struct str word(struct test_store *t, unsigned i)
{
	return arena_printf(&t->a, "$Key%u", i);
}

/* keywords lo to hi of those UIDs */
static int flag(struct test_store *t, int64_t mailbox, struct uidset uids, enum store_flag_op op, unsigned lo, unsigned hi)
{
	struct str words[STORE_KEYWORDS_MAX];
	struct store_flag_change change = { .op = op, .keywords = words };
	uint64_t modseq;

	for (unsigned i = lo; i <= hi; i++)
		words[change.n_keywords++] = word(t, i);
	return store_flags(t->s, &t->a, mailbox, &uids, &change, NULL, &modseq);
}

static bool has(const struct store_view *v, uint32_t seq, struct str name)
{
	int number = store_keywords_find(v->keywords, name);

	return number >= 0 && store_keywords_has(v->keywords, store_view_at(v, seq)->flags, (unsigned)number);
}

static size_t count(const struct store_view *v, uint32_t seq)
{
	uint16_t numbers[STORE_KEYWORDS_MAX];

	return store_keywords_of(v->keywords, store_view_at(v, seq)->flags, numbers);
}

static int64_t count_sets(struct test_store *t, int64_t mailbox)
{
	struct db_query q = { 0 };
	struct db_tx *tx;
	int64_t n;

	assert_int_equal(db_read_begin(t->db, &tx), 0);
	DB_QUERY(tx, &q, SQL(KEYWORD_SET_COUNT), DB_I(mailbox));
	assert_int_equal(db_step(&q), 1);
	n = db_int(&q, 0);
	db_done(&q);
	db_read_end(&tx);
	return n;
}

TEST(keywords_up_to_the_limit)
{
	struct test_store t;
	struct store_copied copied;
	struct uidset uids;
	struct store_view *v;

	test_open(&t);
	test_append(&t, t.inbox, STORE_SEEN, 10);
	for (unsigned i = 0; i < LIMIT_IMAP_KEYWORDS; i++)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 1 + i / 100, 1 + i / 100), STORE_FLAGS_ADD, i, i), 0);
	uids = test_uids(&t, 1, 10);
	assert_int_equal(flag(&t, t.inbox, uids, STORE_FLAGS_ADD, LIMIT_IMAP_KEYWORDS, LIMIT_IMAP_KEYWORDS), -E_LIMIT);
	assert_int_equal(flag(&t, t.inbox, uids, STORE_FLAGS_REMOVE, 3, 3), 0);
	assert_int_equal(flag(&t, t.inbox, uids, STORE_FLAGS_REMOVE, 303, 303), 0);
	/* What the destination has no room for stays behind. */
	for (unsigned i = 0; i < 10; i++) {
		test_append(&t, t.archive, 0, 1);
		assert_int_equal(flag(&t, t.archive, test_uids(&t, 1, 1), STORE_FLAGS_SET, 1000 + i, 1000 + i), 0);
	}
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &uids, t.archive, false, &copied), 0);
	v = test_view_anew(&t, t.archive);
	assert_int_equal(v->keywords->n, LIMIT_IMAP_KEYWORDS);
	assert_true(has(v, 11, S("$key0")) && has(v, 11, S("$KEY55")) && has(v, 11, S("$Key99")));
	assert_true(!has(v, 11, S("$Key3")) && !has(v, 11, S("$Key100")));
	assert_int_equal(count(v, 11), 99);
	assert_true(has(v, 14, S("$Key304")) && !has(v, 14, S("$Key303")));
	assert_int_equal(count(v, 14), 99);
	assert_int_equal(count(v, 16), 12 - 10 + 2); /* two were nobody's, so there is room for two more */
	assert_int_equal(store_view_at(v, 16)->flags & STORE_SYSTEM_FLAGS, STORE_SEEN);
	store_view_unref(v);
	test_close(&t);
}

TEST(keywords_of_one_message_are_bounded)
{
	struct test_store t;
	struct uidset one;
	struct store_view *v;
	unsigned i = 0;

	test_open(&t);
	test_append(&t, t.inbox, 0, 2);
	one = test_uids(&t, 1, 1);
	while (i < STORE_KEYWORD_BITS + LIMIT_MESSAGE_KEYWORDS) {
		assert_int_equal(flag(&t, t.inbox, one, STORE_FLAGS_ADD, i, i + 7), 0);
		i += 8;
	}
	assert_int_equal(flag(&t, t.inbox, one, STORE_FLAGS_ADD, i, i), -E_LIMIT);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, 2, 2), STORE_FLAGS_ADD, i, i), 0);
	v = test_view_anew(&t, t.inbox);
	assert_int_equal(count(v, 1), STORE_KEYWORDS_MAX);
	store_view_unref(v);
	assert_int_equal(flag(&t, t.inbox, one, STORE_FLAGS_SET, 50, 51), 0);
	v = test_view_anew(&t, t.inbox);
	assert_int_equal(count(v, 1), 2);
	assert_true(has(v, 1, S("$Key50")) && has(v, 1, S("$Key51")) && count(v, 2) == 1);
	store_view_unref(v);
	test_close(&t);
}

/* One STORE after the other, of ever other keywords: what nobody has goes. */
TEST(sets_without_messages_go)
{
	struct test_store t;
	struct uidset one;
	struct store_mbox *mbox;
	struct store_view *v;

	test_open(&t);
	test_append(&t, t.inbox, 0, 3);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	for (unsigned i = 0; i < STORE_KEYWORD_BITS; i += 8)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 3, 3), STORE_FLAGS_ADD, i, i + 7), 0);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, 2, 2), STORE_FLAGS_ADD, 60, 69), 0);
	one = test_uids(&t, 1, 1);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(flag(&t, t.inbox, one, i % 3 ? STORE_FLAGS_ADD : STORE_FLAGS_SET, 70 + i % 400, 72 + i % 400), 0);
	assert_in_range(count_sets(&t, t.inbox), 2, 64 + 2 * 3);
	v = test_view(mbox);
	assert_int_equal(count(v, 2), 10);
	assert_true(has(v, 2, S("$Key60")) && has(v, 2, S("$Key69")));
	store_view_unref(v);
	store_mbox_close(&mbox);
	test_close(&t);
}

/* What expunged messages leave behind is bounded by those that are left; sessions that are open see the same as before. */
TEST(sets_go_with_their_messages)
{
	struct test_store t;
	struct uidset uids, gone;
	struct store_mbox *mbox;
	struct store_view *v;
	uint64_t modseq;

	test_open(&t);
	test_append(&t, t.inbox, 0, 501);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	for (unsigned i = 0; i < STORE_KEYWORD_BITS; i += 8)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 1, 1), STORE_FLAGS_SET, i, i + 7), 0);
	for (unsigned i = 1; i <= 400; i++)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, i, i), STORE_FLAGS_SET, 100 + i % 400, 100 + i % 400), 0);
	assert_int_equal(count_sets(&t, t.inbox), 400);
	v = test_view(mbox);
	store_view_unref(v);
	uids = test_uids(&t, 2, 501);
	assert_int_equal(store_expunge(t.s, &t.a, t.inbox, &uids, false, &gone, &modseq), 0);
	assert_int_equal(count_sets(&t, t.inbox), 1);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, 1, 1), STORE_FLAGS_ADD, 500, 501), 0);
	v = test_view(mbox);
	assert_int_equal(count(v, 1), 3);
	assert_true(has(v, 1, S("$Key101")) && has(v, 1, S("$Key500")) && has(v, 1, S("$Key501")));
	store_view_unref(v);
	store_mbox_close(&mbox);
	test_close(&t);
}

/* Few sets, but large ones. */
TEST(sets_up_to_their_bytes)
{
	struct test_store t;
	int rc = 0;
	uint32_t uid;

	test_open(&t);
	test_append(&t, t.inbox, 0, 3000);
	for (unsigned i = 0; i < 400; i += 50)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 3000, 3000), STORE_FLAGS_SET, i, i + 49), 0);
	for (uid = 1; uid < 2900 && rc == 0; uid++) {
		unsigned from = 40 + uid % 200, n = 120 - uid / 200;

		rc = flag(&t, t.inbox, test_uids(&t, uid, uid), STORE_FLAGS_SET, from, from + n - 1);
	}
	assert_int_equal(rc, -E_LIMIT);
	assert_in_range(uid, LIMIT_KEYWORD_SET_BYTES / 2 / 120, LIMIT_KEYWORD_SET_BYTES / 2 / 100);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, 1, 100), STORE_FLAGS_SET, 0, 1), 0);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, uid, uid), STORE_FLAGS_SET, 270, 389), 0);
	test_close(&t);
}

/* n messages, each with two keywords of its own. Returns whether there was room for their sets. */
static int append_pairs(struct test_store *t, size_t n)
{
	static unsigned a = STORE_KEYWORD_BITS, b = STORE_KEYWORD_BITS; /* of the last message */
	struct store_append *v = mem_alloc(n, sizeof(*v));
	struct store_appended *done = mem_alloc(n, sizeof(*done));
	struct str *words = mem_alloc(2 * n, sizeof(*words));
	struct store_content_new c = test_prepare(&t->a, S("Subject: x\r\n\r\nx\r\n"));
	int rc;

	for (size_t i = 0; i < n; i++) {
		if (++b >= 240) {
			a++;
			b = a + 1;
		}
		words[2 * i] = word(t, a);
		words[2 * i + 1] = word(t, b);
		v[i] = (struct store_append){ .mailbox = t->inbox, .content = &c, .keywords = &words[2 * i], .n_keywords = 2 };
	}
	rc = store_append(t->s, v, n, done);
	mem_free(v);
	mem_free(done);
	mem_free(words);
	return rc;
}

/* As many different sets as there may be, all of them messages': no more, until one of these goes. */
TEST(sets_up_to_the_limit)
{
	struct test_store t;
	struct uidset last, first;

	test_open(&t);
	test_append(&t, t.inbox, 0, 2);
	first = test_uids(&t, 1, 1);
	last = test_uids(&t, 2, 2);
	for (unsigned i = 0; i < 240; i += 60)
		assert_int_equal(flag(&t, t.inbox, first, STORE_FLAGS_SET, i, i + 59), 0);
	for (unsigned i = 1; i < LIMIT_KEYWORD_SETS / 1000; i++)
		assert_int_equal(append_pairs(&t, 1000), 0);
	assert_int_equal(append_pairs(&t, LIMIT_KEYWORD_SETS % 1000 + 1000 - 1), 0);
	assert_int_equal(count_sets(&t, t.inbox), LIMIT_KEYWORD_SETS);
	assert_int_equal(flag(&t, t.inbox, last, STORE_FLAGS_SET, 237, 239), -E_LIMIT);
	assert_int_equal(flag(&t, t.inbox, last, STORE_FLAGS_SET, 0, 2), 0);
	assert_int_equal(flag(&t, t.inbox, first, STORE_FLAGS_SET, 0, 0), 0);
	assert_int_equal(flag(&t, t.inbox, last, STORE_FLAGS_SET, 237, 239), 0);
	assert_int_equal(flag(&t, t.inbox, last, STORE_FLAGS_SET, 236, 239), -E_LIMIT);
	assert_int_equal(count_sets(&t, t.inbox), LIMIT_KEYWORD_SETS);
	test_close(&t);
}

/* A message that has all that one may have keeps all of it, wherever it goes. */
TEST(keywords_of_one_message_go_along)
{
	struct test_store t;
	struct store_copied copied;
	struct uidset one;
	struct store_view *v;

	test_open(&t);
	test_append(&t, t.inbox, 0, 1);
	one = test_uids(&t, 1, 1);
	for (unsigned i = 0; i < STORE_KEYWORDS_MAX; i += 8)
		assert_int_equal(flag(&t, t.inbox, one, STORE_FLAGS_ADD, i, i + 7), 0);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &one, t.inbox, false, &copied), 0);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &one, t.archive, true, &copied), 0);
	v = test_view_anew(&t, t.inbox);
	assert_int_equal(count(v, 1), STORE_KEYWORDS_MAX);
	store_view_unref(v);
	v = test_view_anew(&t, t.archive);
	assert_int_equal(count(v, 1), STORE_KEYWORDS_MAX);
	store_view_unref(v);
	/* And it can be named at once. */
	assert_int_equal(flag(&t, t.archive, one, STORE_FLAGS_SET, 1, 3), 0);
	assert_int_equal(flag(&t, t.archive, one, STORE_FLAGS_SET, 0, STORE_KEYWORDS_MAX - 1), 0);
	v = test_view_anew(&t, t.archive);
	assert_int_equal(count(v, 1), STORE_KEYWORDS_MAX);
	store_view_unref(v);
	test_close(&t);
}

/* Names are bounded together: a mailbox without a message can have them, and no quota counts them. */
TEST(names_up_to_their_bytes)
{
	static char name_z[LIMIT_IMAP_KEYWORD_BYTES + 1];
	const struct str name = str_of(name_z, LIMIT_IMAP_KEYWORD_BYTES);
	struct store_flag_change change = { .op = STORE_FLAGS_ADD, .keywords = &name, .n_keywords = 1 };
	struct test_store t;
	struct uidset none;
	uint64_t modseq;
	int rc = 0;
	unsigned i;

	test_open(&t);
	test_append(&t, t.inbox, 0, 1);
	none = test_uids(&t, 7, 7);
	memset(name_z, 'x', LIMIT_IMAP_KEYWORD_BYTES);
	for (i = 0; i < LIMIT_IMAP_KEYWORDS && rc == 0; i++) {
		name_z[0] = (char)('a' + i % 26);
		name_z[1] = (char)('a' + i / 26);
		rc = store_flags(t.s, &t.a, t.inbox, &none, &change, NULL, &modseq);
	}
	assert_int_equal(rc, -E_LIMIT);
	assert_int_equal(i, LIMIT_KEYWORD_NAMES / LIMIT_IMAP_KEYWORD_BYTES + 1);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, 1, 1), STORE_FLAGS_ADD, 1, 1), 0);
	test_close(&t);
}

/* n messages with 128 keywords each that are no bits, no two with the same. */
static void append_large(struct test_store *t, uint32_t n)
{
	struct store_content_new c = test_prepare(&t->a, S("Subject: x\r\n\r\nx\r\n"));
	struct str words[LIMIT_MESSAGE_KEYWORDS];
	struct store_append v = { .mailbox = t->inbox, .content = &c, .keywords = words, .n_keywords = ARRAY_LEN(words) };
	struct store_appended done;

	for (uint32_t i = 0; i < n; i++) {
		for (unsigned k = 0; k + 1 < ARRAY_LEN(words); k++)
			words[k] = word(t, STORE_KEYWORD_BITS + i % 300 + k);
		words[ARRAY_LEN(words) - 1] = word(t, STORE_KEYWORD_BITS + i % 300 + LIMIT_MESSAGE_KEYWORDS - 1 + i / 300);
		assert_int_equal(store_append(t->s, &v, 1, &done), 0);
	}
}

/* A sweep that makes not enough room, in a COPY that does without: the numbers that went may be given again, and an open view knows. */
TEST(sets_swept_in_vain)
{
	struct test_store t;
	struct store_copied copied;
	struct store_mbox *mbox;
	struct store_view *v;
	struct uidset one, all;

	test_open(&t);
	test_append(&t, t.inbox, 0, 2);
	test_append(&t, t.archive, 0, 1);
	one = test_uids(&t, 1, 1);
	all = test_uids(&t, 1, UINT32_MAX);
	for (unsigned i = 0; i < LIMIT_IMAP_KEYWORDS; i += 128)
		assert_int_equal(flag(&t, t.inbox, one, STORE_FLAGS_SET, i, i + 127), 0);
	assert_int_equal(flag(&t, t.inbox, one, STORE_FLAGS_SET, 100, 101), 0);
	append_large(&t, LIMIT_KEYWORD_SET_BYTES / 2 / LIMIT_MESSAGE_KEYWORDS - 1);
	/* What is left is less than the archive's message needs. */
	assert_int_equal(flag(&t, t.archive, one, STORE_FLAGS_SET, 384, 511), 0);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	one = test_uids(&t, 2, 2);
	assert_int_equal(flag(&t, t.inbox, one, STORE_FLAGS_SET, 200, 200), 0);
	v = test_view(mbox);
	assert_true(count(v, 2) == 1 && has(v, 2, S("$Key200")));
	store_view_unref(v);
	assert_int_equal(flag(&t, t.inbox, one, STORE_FLAGS_SET, 0, 0), 0);
	assert_int_equal(store_copy(t.s, &t.a, t.archive, &all, t.inbox, false, &copied), 0);
	assert_int_equal(flag(&t, t.inbox, one, STORE_FLAGS_SET, 300, 300), 0);
	v = test_view(mbox);
	assert_int_equal(count(v, v->n), 0);
	assert_true(count(v, 2) == 1 && has(v, 2, S("$Key300")));
	store_view_unref(v);
	store_mbox_close(&mbox);
	test_close(&t);
}

static void expunge(struct test_store *t, struct uidset uids)
{
	struct uidset gone;
	uint64_t modseq;

	assert_int_equal(store_expunge(t->s, &t->a, t->inbox, &uids, false, &gone, &modseq), 0);
}

static void check_kept(struct test_store *t, const struct store_view *v)
{
	assert_int_equal(v->n, 301);
	for (uint32_t seq = 2; seq <= 300; seq++)
		assert_true(count(v, seq) == 1 && has(v, seq, word(t, 100 + seq % 150)));
}

/* What is expunged but shown still has its keywords, whatever became of the numbers of sets. */
TEST(sets_of_what_is_shown_still)
{
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *v, *now, *kept, *again, *bare, *full;

	test_open(&t);
	test_append(&t, t.inbox, 0, 301);
	for (unsigned i = 0; i < 400; i += 100)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 1, 1), STORE_FLAGS_SET, i, i + 99), 0);
	for (unsigned i = 2; i <= 300; i++)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, i, i), STORE_FLAGS_SET, 100 + i % 150, 100 + i % 150), 0);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	assert_int_equal(store_mbox_glance(mbox, &bare), 0);
	assert_true(bare->is_bare);
	v = test_view(mbox);
	check_kept(&t, v);
	expunge(&t, test_uids(&t, 2, 300));
	assert_in_range(count_sets(&t, t.inbox), 0, 1);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 301, 301), STORE_FLAGS_ADD, 300 + i, 300 + i), 0);
	now = test_view(mbox);
	kept = store_view_keep(v, now);
	check_kept(&t, kept);
	assert_int_equal(count(kept, 301), 10);
	/* What was only counted before is read now. */
	assert_int_equal(store_mbox_fill(mbox, bare, &full), 0);
	assert_int_equal(count(full, 301), 10);
	assert_true(has(full, 301, S("$Key300")) && has(full, 301, S("$Key309")));
	store_view_unref(full);
	store_view_unref(bare);
	store_view_unref(now);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, 301, 301), STORE_FLAGS_ADD, 300, 320), 0);
	now = test_view(mbox);
	again = store_view_keep(kept, now);
	check_kept(&t, again);
	assert_int_equal(count(again, 301), 21);
	store_view_unref(again);
	store_view_unref(kept);
	store_view_unref(now);
	store_view_unref(v);
	store_mbox_close(&mbox);
	test_close(&t);
}

/* A MOVE to the mailbox where they are: between going and coming no message has their sets. */
TEST(sets_moved_to_their_own_mailbox)
{
	struct test_store t;
	struct store_copied copied;
	struct uidset both;
	struct store_view *v;

	test_open(&t);
	test_append(&t, t.inbox, 0, 2);
	both = test_uids(&t, 1, 2);
	assert_int_equal(flag(&t, t.inbox, both, STORE_FLAGS_SET, 0, 119), 0);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, 2, 2), STORE_FLAGS_SET, 60, 61), 0);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 1, 1), STORE_FLAGS_SET, 50 + i, 50 + i), 0);
	assert_in_range(count_sets(&t, t.inbox), 64, 68); /* more than may stay of a mailbox without messages */
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &both, t.inbox, true, &copied), 0);
	v = test_view_anew(&t, t.inbox);
	assert_true(count(v, 1) == 1 && has(v, 1, S("$Key113")));
	assert_true(count(v, 2) == 2 && has(v, 2, S("$Key60")) && has(v, 2, S("$Key61")));
	store_view_unref(v);
	test_close(&t);
}

/* A view that is read after it was counted has all keywords whose names were told by then, and no others. */
TEST(keywords_of_what_was_counted)
{
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *bare, *full;

	test_open(&t);
	test_append(&t, t.inbox, 0, 3);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, 1, 1), STORE_FLAGS_SET, 0, 99), 0);
	assert_int_equal(flag(&t, t.inbox, test_uids(&t, 2, 2), STORE_FLAGS_SET, 60, 60), 0);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(store_glance_load(t.s, t.inbox, &bare), 0);
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 2, 2), STORE_FLAGS_ADD, 61 + i, 61 + i), 0);
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 2, 3), STORE_FLAGS_ADD, 100, 99 + i), 0);
		assert_int_equal(store_mbox_fill(mbox, bare, &full), 0);
		assert_true(has(full, 2, S("$Key60")) && has(full, 2, S("$Key61")) && count(full, 2) == 2 + i);
		assert_int_equal(count(full, 3), 0);
		assert_int_equal(full->keywords->n, 100);
		store_view_unref(full);
		store_view_unref(bare);
	}
	store_mbox_close(&mbox);
	test_close(&t);
}

/* ---- against a model ---- */

#define WORDS 200
#define MESSAGES 150

struct mirror {
	struct test_store t;
	uint32_t rnd;
	struct mirror_box {
		int64_t id;
		struct store_mbox *mbox;
		uint32_t n;
		bool has[MESSAGES][WORDS];
		uint32_t uid[MESSAGES];
	} box[2];
};

static uint32_t pick(struct mirror *m, uint32_t n)
{
	m->rnd = m->rnd * 1664525 + 1013904223;
	return (m->rnd >> 8) % n;
}

static void append_one(struct mirror *m, struct mirror_box *b)
{
	struct str words[5];
	struct store_content_new c = test_prepare(&m->t.a, S("Subject: x\r\n\r\nx\r\n"));
	struct store_append v = { .mailbox = b->id, .content = &c, .keywords = words };
	struct store_appended done;

	if (b->n == MESSAGES)
		return;
	memset(b->has[b->n], 0, sizeof(b->has[0]));
	for (v.n_keywords = 0; v.n_keywords < pick(m, 6) % 6 && v.n_keywords < 5; v.n_keywords++) {
		unsigned w = pick(m, WORDS);

		words[v.n_keywords] = word(&m->t, w);
		b->has[b->n][w] = true;
	}
	assert_int_equal(store_append(m->t.s, &v, 1, &done), 0);
	b->uid[b->n++] = done.uid;
}

static void store_some(struct mirror *m, struct mirror_box *b)
{
	uint32_t from = pick(m, b->n), to = from + pick(m, 4);
	unsigned lo = pick(m, WORDS), hi = lo + pick(m, 3);
	enum store_flag_op op = pick(m, 3);

	to = to < b->n ? to : b->n - 1;
	hi = hi < WORDS ? hi : WORDS - 1;
	assert_int_equal(flag(&m->t, b->id, test_uids(&m->t, b->uid[from], b->uid[to]), op, lo, hi), 0);
	for (uint32_t i = from; i <= to; i++) {
		if (op == STORE_FLAGS_SET)
			memset(b->has[i], 0, sizeof(b->has[i]));
		for (unsigned w = lo; w <= hi; w++)
			b->has[i][w] = op != STORE_FLAGS_REMOVE;
	}
}

static void copy_some(struct mirror *m, struct mirror_box *from, struct mirror_box *to)
{
	uint32_t lo = pick(m, from->n), hi = lo + pick(m, 5);
	struct store_copied copied;
	struct uidset uids;

	hi = hi < from->n ? hi : from->n - 1;
	if (to->n + hi - lo + 1 > MESSAGES)
		return;
	uids = test_uids(&m->t, from->uid[lo], from->uid[hi]);
	assert_int_equal(store_copy(m->t.s, &m->t.a, from->id, &uids, to->id, false, &copied), 0);
	for (uint32_t i = lo; i <= hi; i++) {
		memcpy(to->has[to->n], from->has[i], sizeof(to->has[0]));
		to->uid[to->n++] = copied.to[i - lo];
	}
}

/* Always the first ones, so that the rest stays in its place by one memmove. */
static void move_some(struct mirror *m, struct mirror_box *from, struct mirror_box *to)
{
	uint32_t n = 1 + pick(m, 3);
	struct store_copied copied;
	struct uidset uids;

	if (from->n < n + 2 || to->n + n > MESSAGES)
		return;
	uids = test_uids(&m->t, from->uid[0], from->uid[n - 1]);
	assert_int_equal(store_copy(m->t.s, &m->t.a, from->id, &uids, to->id, true, &copied), 0);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(to->has[to->n], from->has[i], sizeof(to->has[0]));
		to->uid[to->n++] = copied.to[i];
	}
	from->n -= n;
	memmove(from->has, from->has[n], from->n * sizeof(from->has[0]));
	memmove(from->uid, &from->uid[n], from->n * sizeof(from->uid[0]));
}

static void expunge_some(struct mirror *m, struct mirror_box *b)
{
	struct uidset uids, gone;
	uint64_t modseq;
	uint32_t n = b->n / 2;

	if (b->n < MESSAGES - 10)
		return;
	uids = test_uids(&m->t, b->uid[0], b->uid[n - 1]);
	assert_int_equal(store_expunge(m->t.s, &m->t.a, b->id, &uids, false, &gone, &modseq), 0);
	b->n -= n;
	memmove(b->has, b->has[n], b->n * sizeof(b->has[0]));
	memmove(b->uid, &b->uid[n], b->n * sizeof(b->uid[0]));
}

struct far {
	int64_t mailbox;
	struct str members;
};

static int far_tx(struct db_tx *tx, void *arg)
{
	const struct far *f = arg;

	return DB_EXEC(tx, SQL(KEYWORD_SET_ADD), DB_I(f->mailbox), DB_I(STORE_SETS - 1), DB_B(f->members));
}

/* A set with the last number there is, so that those which come have numbers that were others'. */
static void store_far(struct mirror *m, struct mirror_box *b)
{
	struct store_view *v = test_view(b->mbox);
	struct store_keyword_list l = { .n = 0 };
	struct str words[9];
	struct store_flag_change change = { .op = STORE_FLAGS_SET, .keywords = words, .n_keywords = ARRAY_LEN(words) };
	const struct uidset last = test_uids(&m->t, b->n ? b->uid[b->n - 1] : 1, b->n ? b->uid[b->n - 1] : 1);
	char bytes[STORE_SET_BYTES];
	struct far f = { .mailbox = b->id };
	uint64_t modseq, w;

	if (b->n > 0 && v->keywords->n > STORE_KEYWORD_BITS + 30) {
		memset(b->has[b->n - 1], 0, sizeof(b->has[0]));
		for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
			assert_true(store_keyword_list_add(&l, STORE_KEYWORD_BITS + 3 * i));
			words[i] = arena_str(&m->t.a, v->keywords->v[l.v[i]]);
			assert_true(str_to_u64(str_skip(words[i], 4), WORDS - 1, &w));
			b->has[b->n - 1][w] = true;
		}
		f.members = store_set_print(&l, bytes);
		/* It may be there from before. */
		(void)!db_write(m->t.db, &(struct db_write_job){ .fn = far_tx, .arg = &f });
		assert_int_equal(store_flags(m->t.s, &m->t.a, b->id, &last, &change, NULL, &modseq), 0);
	}
	store_view_unref(v);
}

static void check_view(const struct mirror *m, const struct mirror_box *b, const struct store_view *v)
{
	(void)m;
	assert_int_equal(v->n, b->n);
	for (uint32_t i = 0; i < b->n; i++) {
		uint16_t numbers[STORE_KEYWORDS_MAX];
		size_t n = store_keywords_of(v->keywords, store_view_at(v, i + 1)->flags, numbers), want = 0;

		assert_int_equal(store_view_at(v, i + 1)->uid, b->uid[i]);
		for (unsigned w = 0; w < WORDS; w++)
			want += b->has[i][w];
		assert_int_equal(n, want);
		for (size_t k = 0; k < n; k++) {
			uint64_t w;

			assert_true(str_to_u64(str_skip(v->keywords->v[numbers[k]], 4), WORDS - 1, &w));
			assert_true(b->has[i][w]);
			assert_true(k == 0 || numbers[k] > numbers[k - 1]);
		}
	}
}

static void check(struct mirror *m)
{
	for (int i = 0; i < 2; i++) {
		struct store_view *v = test_view(m->box[i].mbox), *anew = test_view_anew(&m->t, m->box[i].id);

		check_view(m, &m->box[i], v);
		check_view(m, &m->box[i], anew);
		store_view_unref(v);
		store_view_unref(anew);
	}
}

static void step(struct mirror *m)
{
	struct mirror_box *b = &m->box[pick(m, 2)], *other = &m->box[b == &m->box[0]];
	uint32_t what = pick(m, 20);

	if (b->n < 5 || what < 3)
		append_one(m, b);
	else if (what < 15)
		store_some(m, b);
	else if (what < 17)
		copy_some(m, b, pick(m, 3) ? other : b);
	else if (what < 18)
		move_some(m, b, other);
	else
		expunge_some(m, b);
}

TEST(keywords_against_a_model)
{
	struct mirror *m = MEM_NEW(struct mirror);

	for (uint32_t seed = 1; seed <= 3; seed++) { /* 3: numbers of sets come again */
		memset(m->box, 0, sizeof(m->box));
		test_open(&m->t);
		m->rnd = seed;
		m->box[0].id = m->t.inbox;
		m->box[1].id = m->t.archive;
		for (int i = 0; i < 2; i++)
			assert_int_equal(store_mbox_open(m->t.s, m->box[i].id, &m->box[i].mbox), 0);
		for (int i = 0; i < 1500; i++) {
			step(m);
			if (seed == 3 && i % 20 == 0)
				store_far(m, &m->box[i % 40 == 0]);
			if (i % 50 == 0 || (seed == 3 && i > 1300))
				check(m);
		}
		check(m);
		for (int i = 0; i < 2; i++)
			store_mbox_close(&m->box[i].mbox);
		test_close(&m->t);
	}
	mem_free(m);
}

/* ---- damage ---- */

static int spoil_tx(struct db_tx *tx, void *arg)
{
	static const char *const names[] = { "a(b", "Key1", "x y", "\"{5}\\" };
	const struct test_store *t = arg;
	int rc = 0;

	for (int64_t i = 0; i < 4 && rc == 0; i++)
		rc = DB_EXEC(tx, SQL(KEYWORD_NAME), DB_I(t->inbox), DB_I(STORE_KEYWORD_BIT + 39 + i), DB_T(str_z(names[i])));
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(KEYWORD_NAME), DB_I(t->inbox), DB_I(STORE_KEYWORD_BIT), DB_T(S("x_y")));
	return rc;
}

static void say_nothing(void *ctx, const char *text_z)
{
	(void)ctx;
	(void)text_z;
}

/* Names that are none are not shown; a repair makes some of them, and clients that were away learn of it. */
TEST(what_is_no_keyword_gets_a_name)
{
	const struct store_fsck_job job = { .say = { .found = say_nothing, .unreadable = say_nothing, .repaired = say_nothing } };
	struct store_fsck_counts n;
	struct store_mbox *mbox;
	struct test_store t;
	struct store_view *v;
	uint64_t before;

	test_open(&t);
	test_append(&t, t.inbox, 0, 70);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(flag(&t, t.inbox, test_uids(&t, 1 + i, 1 + i), STORE_FLAGS_ADD, i, i), 0);
	assert_int_equal(db_write(t.db, &(struct db_write_job){ .fn = spoil_tx, .arg = &t }), 0);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	v = test_view(mbox);
	before = v->highestmodseq;
	assert_true(count(v, 40) == 0 && count(v, 42) == 0 && count(v, 43) == 0 && count(v, 45) == 1);
	assert_int_equal(store_keywords_find(v->keywords, S("a(b")), -1);
	assert_int_equal(v->keywords->v[39].n, 0);
	store_view_unref(v);
	assert_int_equal(store_fsck(t.s, &job, &n), 0);
	v = test_view(mbox);
	assert_true(has(v, 40, S("a_b")) && has(v, 41, S("key1")) && has(v, 42, S("x_y_2")) && has(v, 43, S("__5}_")));
	assert_true(has(v, 1, S("x_y")));
	for (uint32_t i = 1; i <= 70; i++)
		assert_int_equal(store_view_at(v, i)->modseq > before, i == 40 || i == 42 || i == 43);
	store_view_unref(v);
	store_mbox_close(&mbox);
	test_close(&t);
}

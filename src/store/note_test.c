/* SPDX-License-Identifier: MIT */
/*
 * Annotations of messages (RFC 5257): names, whose they are, what a change does to modseqs,
 * bounds, and what becomes of them when their message is copied, moved, expunged, or its mailbox
 * or their user goes.
 */
#include "store/note.h"

#include "base/clock.h"
#include "base/limits.h"
#include "store/annotation.h"
#include "store/store_test.h"

/* RFC 5257 3.2, 3.2.1 */
static const struct {
	const char *name;
	bool is_pattern;
	int want;
	size_t n_part;
} names[] = {
	{ "/comment", false, 0, 0 },
	{ "/Comment", false, 0, 0 },
	{ "/vendor/foobar/label.priv", false, 0, 0 },
	{ "/1/comment", false, 0, 1 },
	{ "/1.20.3/flags/seen", false, 0, 3 },
	{ "/1/*", true, 0, 0 },
	{ "*", true, 0, 0 },
	{ "/%", true, 0, 0 },
	{ "/1*", true, 0, 0 },
	{ "/flagsx", false, 0, 0 },
	{ "/*", false, -E_SYNTAX, 0 },
	{ "%", false, -E_SYNTAX, 0 },
	{ "", false, -E_SYNTAX, 0 },
	{ "/", false, -E_SYNTAX, 0 },
	{ "comment", false, -E_SYNTAX, 0 },
	{ "comment", true, -E_SYNTAX, 0 },
	{ "//comment", false, -E_SYNTAX, 0 },
	{ "/a//b", false, -E_SYNTAX, 0 },
	{ "/a/", false, -E_SYNTAX, 0 },
	{ "/flags", false, -E_SYNTAX, 0 },
	{ "/flags/seen", false, -E_SYNTAX, 0 },
	{ "/flags/%", true, -E_SYNTAX, 0 },
	{ "/1", false, -E_SYNTAX, 0 },
	{ "/0/comment", false, -E_SYNTAX, 0 },
	{ "/01/comment", false, -E_SYNTAX, 0 },
	{ "/1./comment", false, -E_SYNTAX, 0 },
	{ "/1..2/comment", false, -E_SYNTAX, 0 },
	{ "/1a/comment", false, -E_SYNTAX, 0 },
	{ "/4294967296/comment", false, -E_SYNTAX, 0 },
	{ "/0/%", true, -E_SYNTAX, 0 },
	{ "/a\x01", false, -E_SYNTAX, 0 },
	{ "/\xc3\xbc", false, -E_SYNTAX, 0 },
};

TEST(note_names)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str name = str_z(names[i].name);
		char *copy = test_copy(name);
		uint32_t part[STORE_NOTE_PART];
		size_t n_part = 0;

		test_row(names[i].name);
		assert_int_equal(store_note_check(str_of(copy, name.n), names[i].is_pattern, part,
						  &n_part),
				 names[i].want);
		mem_free(copy);
		assert_int_equal(n_part, names[i].n_part);
	}
}

/* RFC 5257 4.3: "one or more characters" */
TEST(note_patterns)
{
	static const struct {
		const char *pattern, *entry;
		bool want;
	} rows[] = {
		{ "/comment", "/comment", true },
		{ "/comment", "/Comment", false },
		{ "/comment", "/comments", false },
		{ "/*", "/comment", true },
		{ "/*", "/1/comment", true },
		{ "/%", "/altsubject", true },
		{ "/%", "/1/comment", false },
		{ "/%/comment", "/1.2/comment", true },
		{ "*", "/comment", true },
		{ "%", "/comment", false },
		{ "/comment*", "/comment", false },
		{ "/comment*", "/comments", true },
		{ "/*a*b", "/xaxb", true },
		{ "/*a*b", "/xab", false },
		{ "/%a*", "/x/ay", false },
		{ "/**", "/x", false },
		{ "/**", "/xy", true },
		{ "/*x", "/xxxx", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].pattern);
		assert_int_equal(store_note_matches(str_z(rows[i].pattern), str_z(rows[i].entry)),
				 rows[i].want);
	}
}

/* What "*" and "%" mean, said again. */
static bool matches(const char *pattern, const char *entry)
{
	bool is_wild = *pattern == '*' || (*pattern == '%' && *entry != '/');

	if (*pattern == '\0' || *entry == '\0')
		return *pattern == *entry;
	if (is_wild)
		return matches(pattern + 1, entry + 1) || matches(pattern, entry + 1);
	return *pattern == *entry && matches(pattern + 1, entry + 1);
}

static unsigned below(uint64_t *seed, unsigned n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % n;
}

TEST(note_patterns_of_every_form)
{
	uint64_t seed = 1;
	char pattern[LIMIT_ANNOTATION_ENTRY + 2], entry[LIMIT_ANNOTATION_ENTRY + 1];
	size_t n_true = 0;

	for (unsigned i = 0; i < 20000; i++) {
		size_t n = 1 + below(&seed, 7), n_entry = 1 + below(&seed, 9);

		for (size_t k = 0; k < n; k++)
			pattern[k] = "*%/ab"[below(&seed, 5)];
		for (size_t k = 0; k < n_entry; k++)
			entry[k] = "/ab"[below(&seed, 3)];
		pattern[n] = entry[n_entry] = '\0';
		test_row(pattern);
		n_true += matches(pattern, entry);
		assert_int_equal(store_note_matches(str_z(pattern), str_z(entry)),
				 matches(pattern, entry));
	}
	assert_true(n_true > 1000);
	/* Of all lengths: words of positions meet. */
	memset(entry, 'a', sizeof(entry));
	memset(pattern, '*', sizeof(pattern));
	for (size_t n = 1; n <= LIMIT_ANNOTATION_ENTRY; n++) {
		assert_true(store_note_matches(str_of(entry, n), str_of(entry, n)));
		assert_false(store_note_matches(str_of(entry, n), str_of(entry, n - 1)));
		assert_true(store_note_matches(str_of(pattern, n), str_of(entry, n)));
		assert_false(store_note_matches(str_of(pattern, n), str_of(entry, n - 1)));
	}
	assert_false(
		store_note_matches(str_of(pattern, sizeof(pattern)), str_of(entry, sizeof(entry))));
}

static int64_t match_many(struct str pattern, struct str entry)
{
	int64_t start_ms = test_cpu_ms();
	size_t n = 0;

	for (int i = 0; i < 20000; i++)
		n += store_note_matches(pattern, entry);
	assert_int_equal(n, 20000);
	return test_cpu_ms() - start_ms;
}

TEST(note_patterns_of_many_wildcards_cost_no_more)
{
	char pattern[LIMIT_ANNOTATION_ENTRY], entry[LIMIT_ANNOTATION_ENTRY];
	int64_t plain_ms, wild_ms;

	memset(entry, 'a', sizeof(entry));
	memset(pattern, '*', sizeof(pattern));
	plain_ms = match_many(str_of(entry, sizeof(entry)), str_of(entry, sizeof(entry)));
	wild_ms = match_many(str_of(pattern, 128), str_of(entry, sizeof(entry)));
	assert_true(wild_ms <= 20 * plain_ms + 100);
}

TEST(note_values_of_flags)
{
	assert_true(store_note_value_fits(S("/1/flags/seen"), S("1")));
	assert_true(store_note_value_fits(S("/1.2/flags/forwarded"), S("0")));
	assert_false(store_note_value_fits(S("/1/flags/seen"), S("2")));
	assert_false(store_note_value_fits(S("/1/flags/answered"), S("")));
	assert_true(store_note_value_fits(S("/1/flags/mine"), S("2")));
	assert_true(store_note_value_fits(S("/vendor/flags/seen"), S("2")));
}

static int change(struct test_store *t, int64_t mailbox, int64_t user, uint32_t lo, uint32_t hi,
		  const struct store_notes_change *c, size_t *ret_n_modified, uint64_t *ret_modseq)
{
	const struct uidset uids = test_uids(t, lo, hi);
	struct uidset modified = { 0 };
	struct store_notes_change with = *c;
	int r;

	with.user = user;
	r = store_notes_set(t->s, &t->a, mailbox, &uids, &with, &modified, ret_modseq);
	*ret_n_modified = modified.n;
	return r;
}

/* value p == NULL: removed. */
static int set(struct test_store *t, int64_t mailbox, int64_t user, uint32_t lo, uint32_t hi,
	       const char *entry_z, bool is_shared, struct str value)
{
	const struct store_note v = { str_z(entry_z), value, is_shared };
	const struct store_notes_change c = { .v = &v, .n = 1 };
	uint64_t modseq;
	size_t n;

	return change(t, mailbox, user, lo, hi, &c, &n, &modseq);
}

#define NONE ((struct str){ 0 })

/* "p/comment=x s/comment=y" */
static const char *notes(struct test_store *t, int64_t mailbox, int64_t user, uint32_t uid)
{
	AUTO(store_reader_close) struct store_reader *r = NULL;
	static char text[4096];
	struct store_note *v;
	size_t n, at = 0;

	assert_int_equal(store_reader_open(t->s, &r), 0);
	assert_int_equal(store_notes_get(r, &t->a, mailbox, user, uid, &v, &n), 0);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%c%.*s=%.*s",
				       i > 0 ? " " : "", v[i].is_shared ? 's' : 'p',
				       STR_ARG(v[i].entry), STR_ARG(v[i].value));
	return text;
}

/* The modseq of a message. */
static uint64_t modseq_of(struct test_store *t, int64_t mailbox, uint32_t uid)
{
	struct store_mbox *m;
	struct store_view *v;
	uint64_t modseq;

	assert_int_equal(store_mbox_open(t->s, mailbox, &m), 0);
	v = test_view(m);
	modseq = store_view_at(v, store_view_seq(v, uid))->modseq;
	store_view_unref(v);
	store_mbox_close(&m);
	return modseq;
}

static int64_t add_account(struct test_store *t, const char *name_z)
{
	struct fault f = { "" };
	int64_t id;

	assert_int_equal(store_account_add(t->s, str_z(name_z), NULL, NULL, 0, &id, &f), 0);
	return id;
}

static void copy(struct test_store *t, int64_t user, int64_t src, uint32_t lo, uint32_t hi,
		 int64_t dst, bool is_move, int want, uint32_t *ret_first)
{
	const struct uidset uids = test_uids(t, lo, hi);
	struct store_copied done = { 0 };

	assert_int_equal(test_copy_by(t->s, &t->a, user, src, &uids, dst, is_move, &done), want);
	*ret_first = done.n > 0 ? done.to[0] : 0;
}

TEST(notes_are_private_or_shared)
{
	struct test_store t;
	int64_t bob;

	test_open(&t);
	bob = add_account(&t, "bob@example.org");
	test_append(&t, t.inbox, 0, 2);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 1, "/comment", false, S("mine")), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 2, "/comment", true, S("ours")), 0);
	assert_string_equal(notes(&t, t.inbox, t.alice, 1), "p/comment=mine s/comment=ours");
	assert_string_equal(notes(&t, t.inbox, t.alice, 2), "s/comment=ours");
	assert_string_equal(notes(&t, t.inbox, bob, 1), "s/comment=ours");
	/* RFC 5257 3.4: "r" for one's own, "n" for those of all. */
	assert_int_equal(set(&t, t.inbox, bob, 1, 1, "/comment", false, S("x")), -E_DENIED);
	test_share(&t, t.inbox, bob, "lswipkxtean");
	assert_int_equal(set(&t, t.inbox, bob, 1, 1, "/comment", false, S("x")), -E_DENIED);
	assert_int_equal(set(&t, t.inbox, bob, 1, 1, "/comment", true, S("x")), -E_DENIED);
	test_share(&t, t.inbox, bob, "lrswipkxtea");
	assert_int_equal(set(&t, t.inbox, bob, 1, 1, "/comment", true, S("x")), -E_DENIED);
	assert_int_equal(set(&t, t.inbox, bob, 1, 1, "/comment", true, NONE), -E_DENIED);
	assert_int_equal(set(&t, t.inbox, bob, 1, 1, "/comment", false, S("bob's")), 0);
	assert_string_equal(notes(&t, t.inbox, t.alice, 1), "p/comment=mine s/comment=ours");
	assert_string_equal(notes(&t, t.inbox, bob, 1), "p/comment=bob's s/comment=ours");
	test_share(&t, t.inbox, bob, "rn");
	assert_int_equal(set(&t, t.inbox, bob, 1, 1, "/comment", true, S("all")), 0);
	assert_int_equal(set(&t, t.inbox, bob, 1, 1, "/comment", false, NONE), 0);
	assert_string_equal(notes(&t, t.inbox, bob, 1), "s/comment=all");
	assert_string_equal(notes(&t, t.inbox, t.alice, 1), "p/comment=mine s/comment=all");
	test_recount(&t);
	assert_int_equal(set(&t, t.inbox, bob, 1, 2, "/x", false, S("y")), 0);
	assert_int_equal(store_account_remove(t.s, S("bob@example.org"), &(struct fault){ "" }), 0);
	assert_string_equal(notes(&t, t.inbox, bob, 2), "s/comment=ours");
	test_close(&t);
}

/* RFC 7162 3.1, 3.1.3: only what changes gets a new modseq; a condition holds others back. */
TEST(notes_change_modseqs)
{
	const struct store_note v[] = { { S("/a"), S("1"), false }, { S("/b"), S("2"), true } };
	struct store_notes_change c = { .v = v, .n = 2 };
	struct test_store t;
	struct store_note_change *changes;
	uint64_t first, modseq, old;
	size_t n;

	test_open(&t);
	test_append(&t, t.inbox, 0, 3);
	first = modseq_of(&t, t.inbox, 1);
	assert_int_equal(change(&t, t.inbox, t.alice, 1, 2, &c, &n, &modseq), 0);
	assert_true(modseq > first);
	assert_true(modseq_of(&t, t.inbox, 1) == modseq && modseq_of(&t, t.inbox, 2) == modseq);
	assert_true(modseq_of(&t, t.inbox, 3) == first);
	old = modseq;
	assert_int_equal(change(&t, t.inbox, t.alice, 1, 2, &c, &n, &modseq), 0);
	assert_true(modseq == old && modseq_of(&t, t.inbox, 1) == old);
	/* Message 3 alone has not changed since. */
	c.has_unchangedsince = true;
	c.unchangedsince = first;
	assert_int_equal(change(&t, t.inbox, t.alice, 1, 3, &c, &n, &modseq), 0);
	assert_int_equal(n, 1);
	assert_true(modseq > old && modseq_of(&t, t.inbox, 3) == modseq);
	assert_true(modseq_of(&t, t.inbox, 2) == old);
	/* To remove what is not there is no change; what is removed is told. */
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 3, "/c", false, NONE), 0);
	assert_true(modseq_of(&t, t.inbox, 3) == modseq);
	assert_int_equal(set(&t, t.inbox, t.alice, 2, 2, "/a", false, NONE), 0);
	assert_int_equal(store_notes_changed(t.s, &t.a, t.inbox, t.alice, modseq, &changes, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(changes[0].uid, 2);
	assert_str_eq(changes[0].entry, S("/a"));
	assert_true(changes[0].modseq == modseq_of(&t, t.inbox, 2));
	assert_int_equal(store_notes_changed(t.s, &t.a, t.inbox, 4711, old, &changes, &n), 0);
	assert_int_equal(n, 1); /* of alice's own nobody learns */
	assert_str_eq(changes[0].entry, S("/b"));
	test_close(&t);
}

/* RFC 5257 4.6 */
TEST(notes_are_copied)
{
	struct test_store t;
	struct fault f = { "" };
	int64_t bob, bobs;
	uint32_t uid;

	test_open(&t);
	bob = add_account(&t, "bob@example.org");
	assert_int_equal(store_mailbox_create(t.s, bob, S("Box"), 0, &bobs, &f), 0);
	test_append(&t, t.inbox, 0, 2);
	test_share(&t, t.inbox, bob, "lrswite");
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 1, "/a", false, S("alice")), 0);
	assert_int_equal(set(&t, t.inbox, bob, 1, 1, "/a", false, S("bob")), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 2, "/a", true, S("all")), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 1, "/gone", true, S("x")), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 1, "/gone", true, NONE), 0);
	/* Within the account and to another, where others pay. */
	copy(&t, t.alice, t.inbox, 1, 2, t.archive, false, 0, &uid);
	assert_string_equal(notes(&t, t.archive, t.alice, uid), "p/a=alice s/a=all");
	assert_string_equal(notes(&t, t.archive, bob, uid), "s/a=all");
	assert_string_equal(notes(&t, t.archive, t.alice, uid + 1), "s/a=all");
	copy(&t, bob, t.inbox, 1, 1, bobs, false, 0, &uid);
	assert_string_equal(notes(&t, bobs, bob, uid), "p/a=bob s/a=all");
	assert_string_equal(notes(&t, bobs, t.alice, uid), "s/a=all");
	test_recount(&t);
	/* Into one's own mailbox again; what the target does not permit stays behind. */
	copy(&t, t.alice, t.inbox, 1, 1, t.inbox, false, 0, &uid);
	assert_string_equal(notes(&t, t.inbox, t.alice, uid), "p/a=alice s/a=all");
	test_share(&t, t.archive, bob, "lri");
	copy(&t, bob, t.inbox, 1, 1, t.archive, false, 0, &uid);
	assert_string_equal(notes(&t, t.archive, bob, uid), "p/a=bob");
	test_share(&t, t.archive, bob, "in");
	copy(&t, bob, t.inbox, 1, 1, t.archive, false, 0, &uid);
	assert_string_equal(notes(&t, t.archive, bob, uid), "s/a=all");
	/* A MOVE, also within a mailbox; then a new name for INBOX, where nobody's are lost. */
	copy(&t, t.alice, t.inbox, 2, 2, t.inbox, true, 0, &uid);
	assert_string_equal(notes(&t, t.inbox, t.alice, uid), "s/a=all");
	assert_int_equal(store_mailbox_rename(t.s, t.alice, S("INBOX"), S("old"), &f), 0);
	assert_string_equal(notes(&t, t.inbox, t.alice, 1), "");
	assert_string_equal(notes(&t, test_mailbox(&t, "old"), t.alice, 1), "p/a=alice s/a=all");
	assert_string_equal(notes(&t, test_mailbox(&t, "old"), bob, 1), "p/a=bob s/a=all");
	copy(&t, t.alice, test_mailbox(&t, "old"), 1, 1, t.archive, true, 0, &uid);
	assert_string_equal(notes(&t, t.archive, t.alice, uid), "p/a=alice s/a=all");
	assert_string_equal(notes(&t, t.archive, bob, uid), "s/a=all");
	test_close(&t);
}

TEST(notes_go_with_their_message)
{
	const struct store_note v[] = { { S("/a"), S("1"), false }, { S("/a"), S("2"), true } };
	struct store_content_new c;
	struct store_append add = { .content = &c, .notes = v, .n_notes = 2 };
	struct store_appended at;
	struct test_store t;
	struct uidset uids, gone;
	struct fault f = { "" };
	uint64_t modseq;

	test_open(&t);
	c = test_prepare(&t.a, S("Subject: a\r\n\r\nb\r\n"));
	add.mailbox = t.inbox;
	add.user = t.alice;
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(store_append(t.s, &add, 1, &at), 0);
	assert_string_equal(notes(&t, t.inbox, t.alice, 3), "p/a=1 s/a=2");
	/* RFC 8508 3.1: nothing is inherited. */
	add.n_notes = 0;
	assert_int_equal(store_replace(t.s, &add, t.inbox, 3, &at, &modseq), 0);
	assert_string_equal(notes(&t, t.inbox, t.alice, at.uid), "");
	uids = test_uids(&t, 1, 1);
	assert_int_equal(store_expunge(t.s, &t.a, t.inbox, &uids, false, &gone, &modseq), 0);
	assert_string_equal(notes(&t, t.inbox, t.alice, 1), "");
	test_recount(&t);
	add.mailbox = t.archive;
	add.n_notes = 2;
	assert_int_equal(store_append(t.s, &add, 1, &at), 0);
	assert_int_equal(store_mailbox_delete(t.s, t.alice, S("Archive"), &f), 0);
	test_close(&t);
}

/* Expunges those one by one. */
static int64_t expunge_each(struct test_store *t, uint32_t lo, uint32_t hi)
{
	int64_t start_ms = clock_mono_ms();

	for (uint32_t uid = lo; uid <= hi; uid++) {
		struct uidset gone;
		uint64_t modseq;

		test_flag(t, t->inbox, uid, uid, STORE_FLAGS_ADD, STORE_DELETED);
		assert_int_equal(store_expunge(t->s, &t->a, t->inbox, NULL, true, &gone, &modseq),
				 0);
		assert_int_equal(uidset_count(&gone), 1);
	}
	return clock_mono_ms() - start_ms;
}

TEST(notes_of_other_messages_do_not_slow_expunge)
{
	struct test_store t;
	bool is_as_fast = false;
	int64_t before_ms;
	char entry[16];

	test_open(&t);
	test_append(&t, t.inbox, 0, 1000);
	before_ms = expunge_each(&t, 901, 930);
	for (int i = 0; i < 40; i++) {
		snprintf(entry, sizeof(entry), "/a%d", i);
		assert_int_equal(set(&t, t.inbox, t.alice, 1, 1000, entry, true, S("")), 0);
	}
	/* The machine may have other things to do for a while. */
	for (uint32_t lo = 811; !is_as_fast && lo < 901; lo += 30)
		is_as_fast = expunge_each(&t, lo, lo + 29) <= 5 * before_ms + 100;
	assert_true(is_as_fast);
	test_recount(&t);
	test_close(&t);
}

TEST(notes_of_append_need_rights)
{
	struct store_note v = { S("/a"), S("1"), false };
	struct store_content_new c;
	struct store_append add = { .content = &c, .notes = &v, .n_notes = 1 };
	struct store_appended at;
	struct test_store t;

	test_open(&t);
	c = test_prepare(&t.a, S("Subject: a\r\n\r\nb\r\n"));
	add.mailbox = t.inbox;
	add.user = add_account(&t, "bob@example.org");
	test_share(&t, t.inbox, add.user, "lin");
	assert_int_equal(store_append(t.s, &add, 1, &at), -E_DENIED);
	v.is_shared = true;
	assert_int_equal(store_append(t.s, &add, 1, &at), 0);
	test_share(&t, t.inbox, add.user, "lri");
	assert_int_equal(store_append(t.s, &add, 1, &at), -E_DENIED);
	v.is_shared = false;
	assert_int_equal(store_append(t.s, &add, 1, &at), 0);
	assert_string_equal(notes(&t, t.inbox, add.user, 1), "s/a=1");
	assert_string_equal(notes(&t, t.inbox, add.user, 2), "p/a=1");
	test_close(&t);
}

TEST(notes_are_bounded)
{
	static char big[LIMIT_ANNOTATION_VALUE + 1];
	struct test_store t;
	char entry[LIMIT_ANNOTATION_ENTRY + 1];
	uint32_t uid;
	int i, r = 0;

	test_open(&t);
	test_append(&t, t.inbox, 0, 300);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 1, "/a", false, str_of(big, sizeof(big))),
			 -E_NOTE_SIZE);
	for (i = 0; i < LIMIT_MESSAGE_ANNOTATIONS; i++) {
		snprintf(entry, sizeof(entry), "/%c%d", 'a' + i % 26, i);
		assert_int_equal(set(&t, t.inbox, t.alice, 1, 2, entry, true, S("x")), 0);
	}
	assert_int_equal(set(&t, t.inbox, t.alice, 2, 3, "/more", true, S("x")), -E_NOTES);
	assert_string_equal(notes(&t, t.inbox, t.alice, 3), "");
	assert_int_equal(set(&t, t.inbox, t.alice, 2, 3, "/more", false, S("x")), 0);
	/* A removed one makes room. */
	assert_int_equal(set(&t, t.inbox, t.alice, 2, 2, "/a0", true, NONE), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 2, 2, "/more", true, S("x")), 0);
	/* All of an account: 255 large ones are just possible. */
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 300, "/big", false,
			     str_of(big, LIMIT_ANNOTATION_VALUE)),
			 -E_NOTES);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 254, "/big", false,
			     str_of(big, LIMIT_ANNOTATION_VALUE)),
			 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 255, 256, "/big", false,
			     str_of(big, LIMIT_ANNOTATION_VALUE)),
			 -E_NOTES);
	copy(&t, t.alice, t.inbox, 1, 2, t.archive, false, -E_NOTES, &uid);
	copy(&t, t.alice, t.inbox, 1, 2, t.archive, true, 0, &uid);
	test_recount(&t);
	/* What is left of removed ones counts, but never stands in the way. */
	for (i = 0; i < 40 && r == 0; i++) {
		snprintf(entry, sizeof(entry), "/a%0253d", i);
		r = set(&t, t.inbox, t.alice, 3, 22, entry, false, S("x"));
		if (r == 0)
			r = set(&t, t.inbox, t.alice, 3, 22, entry, false, NONE);
	}
	assert_int_equal(r, 0);
	test_close(&t);
}

/* What is left of removed ones counts, but never stands in the way, of annotations of mailboxes neither. */
TEST(notes_that_were_removed_make_room)
{
	static char big[LIMIT_ANNOTATION_VALUE];
	const struct store_annotation v = { S("/private/x"), str_of(big, 60000) };
	const struct store_annotations_change c = { .v = &v, .n = 1 };
	char entry[LIMIT_ANNOTATION_ENTRY + 1];
	struct test_store t;

	test_open(&t);
	test_append(&t, t.inbox, 0, 254);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 254, "/big", false, str_of(big, sizeof(big))),
			 0);
	for (int i = 0; i < 8; i++) {
		snprintf(entry, sizeof(entry), "/a%0253d", i);
		assert_int_equal(set(&t, t.inbox, t.alice, 1, 30, entry, false, S("x")), 0);
		assert_int_equal(set(&t, t.inbox, t.alice, 1, 30, entry, false, NONE), 0);
	}
	assert_int_equal(store_annotations_set(t.s, 0, t.alice, &c), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 254, "/more", false, str_of(big, 300)),
			 -E_NOTES);
	test_close(&t);
}

TEST(notes_are_found)
{
	struct store_note_search q = {
		.pattern = S("/comment"), .scopes = 3, .value = S("IMAP4"), .lo = 1, .hi = 5
	};
	struct uidset found;
	struct test_store t;

	test_open(&t);
	test_append(&t, t.inbox, 0, 5);
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 1, "/comment", false, S("about imap4 only")),
			 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 3, 3, "/comment", true, S("IMAP4")), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 4, 4, "/altsubject", true,
			     S("\xc3\xbc"
			       "Imap4")),
			 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 5, 5, "/comment", true, S("IMAP4")), 0);
	assert_int_equal(set(&t, t.inbox, t.alice, 5, 5, "/comment", true, NONE), 0);
	q.user = t.alice;
	assert_int_equal(store_notes_search(t.s, &t.a, t.inbox, &q, &found), 0);
	assert_true(uidset_has(&found, 1) && !uidset_has(&found, 2) && uidset_has(&found, 3) &&
		    !uidset_has(&found, 4) && !uidset_has(&found, 5));
	q.lo = 2;
	assert_int_equal(store_notes_search(t.s, &t.a, t.inbox, &q, &found), 0);
	assert_true(!uidset_has(&found, 1) && uidset_has(&found, 3));
	q.lo = 1;
	q.scopes = STORE_NOTE_SHARED;
	q.pattern = S("*");
	assert_int_equal(store_notes_search(t.s, &t.a, t.inbox, &q, &found), 0);
	assert_true(!uidset_has(&found, 1) && uidset_has(&found, 3) && uidset_has(&found, 4));
	/* Of alice's own others find nothing. */
	q.user++;
	q.scopes = 3;
	assert_int_equal(store_notes_search(t.s, &t.a, t.inbox, &q, &found), 0);
	assert_false(uidset_has(&found, 1));
	test_close(&t);
}

/* A text that nearly fits everywhere is not compared again and again. */
TEST(notes_are_found_in_time)
{
	static char value[LIMIT_ANNOTATION_VALUE], text[LIMIT_ANNOTATION_VALUE / 2];
	struct store_note_search q = { .pattern = S("/comment"), .scopes = 3, .lo = 1, .hi = 1 };
	struct uidset found;
	struct test_store t;
	int64_t start_ms;

	test_open(&t);
	test_append(&t, t.inbox, 0, 1);
	memset(value, 'a', sizeof(value));
	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = 'B';
	assert_int_equal(set(&t, t.inbox, t.alice, 1, 1, "/comment", false,
			     str_of(value, sizeof(value))),
			 0);
	q.user = t.alice;
	q.value = str_of(text, sizeof(text));
	start_ms = test_cpu_ms();
	assert_int_equal(store_notes_search(t.s, &t.a, t.inbox, &q, &found), 0);
	assert_int_equal(found.n, 0);
	assert_true(test_cpu_ms() - start_ms < 300);
	q.value.n--;
	assert_int_equal(store_notes_search(t.s, &t.a, t.inbox, &q, &found), 0);
	assert_int_equal(found.n, 1);
	test_close(&t);
}

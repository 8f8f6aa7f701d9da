/* SPDX-License-Identifier: MIT */
/* What sequence sets mean in a mailbox with the UIDs 2, 4, 6, 8, 10, and in an empty one. */
#include "imap/seqset.h"

#include "base/test.h"
#include "imap/imap_test.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/view.h"

static void add(struct imap_fixture *f, int64_t mailbox, int n)
{
	AUTO(arena_fini) struct arena a = { 0 };
	struct store_content_new content;
	struct store_appended at;

	arena_init(&a, 4u << 20);
	assert_int_equal(store_content_prepare(&a, S("A: b\r\n\r\nc"), &content), 0);
	while (n-- > 0)
		assert_int_equal(store_append(f->store,
					      &(struct store_append){ .mailbox = mailbox,
								      .content = &content },
					      1, &at),
				 0);
}

/* The view of INBOX after the odd ones of 1..10 went. */
static struct store_view *five(struct imap_fixture *f)
{
	AUTO(arena_fini) struct arena a = { 0 };
	struct store_mailbox box;
	struct store_mbox *mbox;
	struct store_view *view;
	struct uidset odd = { 0 }, gone;
	uint64_t modseq;
	uint32_t uid;

	arena_init(&a, 1u << 20);
	assert_int_equal(store_mailbox_find(f->store, &a, f->alice, S("INBOX"), &box), 0);
	add(f, box.id, 10);
	for (uid = 1; uid <= 9; uid += 2)
		assert_int_equal(uidset_add(&a, &odd, uid, uid), 0);
	assert_int_equal(store_expunge(f->store, &a, box.id, &odd, false, &gone, &modseq), 0);
	assert_int_equal(store_mbox_open(f->store, box.id, &mbox), 0);
	assert_int_equal(store_mbox_view(mbox, &view), 0);
	store_mbox_close(&mbox);
	return view;
}

static const struct {
	const char *set;
	bool is_uid;
	int want;
	const char *seqs, *uids;
} rows[] = {
	{ "1", false, 0, "1", "2" },
	{ "1:5", false, 0, "1:5", "2:10" },
	{ "*", false, 0, "5", "10" },
	{ "*:4,1", false, 0, "1,4:5", "2,8:10" },
	{ "5,4,3,1", false, 0, "1,3:5", "2,6:10" },
	{ "6", false, -E_SYNTAX, NULL, NULL },
	{ "1:4294967295", false, -E_SYNTAX, NULL, NULL },
	{ "1", true, 0, "", "" },
	{ "2", true, 0, "1", "2" },
	{ "1:*", true, 0, "1:5", "2:10" },
	{ "*", true, 0, "5", "10" },
	{ "99:*", true, 0, "5", "10" },
	{ "3:5,9", true, 0, "2", "4" },
	{ "4294967295", true, 0, "", "" },
	{ "1:4294967295", true, 0, "1:5", "2:10" },
	{ "$", true, 0, "2:3", "4:6" },
	{ "$", false, 0, "2:3", "4:6" },
};

TEST(seqset_rows)
{
	struct imap_fixture f;
	struct store_view *view;
	size_t i;

	imap_fixture_open(&f, test_dir(), "");
	view = five(&f);
	assert_int_equal(view->n, 5);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { 0 };
		AUTO(buf_fini) struct buf text = BUF_INIT(1000);
		struct uidset seqs = { 0 }, uids = { 0 }, saved = { 0 };
		struct imap_seqset set;
		struct imap_parse p;

		test_row(rows[i].set);
		arena_init(&a, 1u << 20);
		assert_int_equal(uidset_add(&a, &saved, 3, 7), 0);
		imap_parse_init(&p, &a, str_z(rows[i].set), false);
		assert_int_equal(imap_parse_seqset(&p, &set), 1);
		assert_int_equal(imap_seqset_resolve(&a, &set, rows[i].is_uid, view, &saved, &seqs),
				 rows[i].want);
		if (rows[i].want < 0)
			continue;
		uidset_print(&text, &seqs);
		assert_str_eq(buf_str(&text), str_z(rows[i].seqs));
		buf_reset(&text);
		assert_int_equal(imap_seqset_uids(&a, &seqs, view, &uids), 0);
		uidset_print(&text, &uids);
		assert_str_eq(buf_str(&text), str_z(rows[i].uids));
	}
	store_view_unref(view);
	imap_fixture_close(&f);
}

TEST(seqset_empty_mailbox)
{
	AUTO(arena_fini) struct arena a = { 0 };
	const struct store_view empty = { .uidnext = 7 };
	struct imap_seqset set;
	struct uidset seqs = { 0 }, saved = { 0 };
	struct imap_parse p;

	arena_init(&a, 1u << 20);
	imap_parse_init(&p, &a, S("1:*"), false);
	assert_int_equal(imap_parse_seqset(&p, &set), 1);
	assert_int_equal(imap_seqset_resolve(&a, &set, false, &empty, &saved, &seqs), -E_SYNTAX);
	assert_int_equal(imap_seqset_resolve(&a, &set, true, &empty, &saved, &seqs), 0);
	assert_int_equal(seqs.n, 0);
}

/* As many ranges as a command can hold, in the worst order, take no time to speak of. */
TEST(seqset_descending)
{
	AUTO(arena_fini) struct arena a = { 0 };
	AUTO(buf_fini) struct buf text = BUF_INIT(2u << 20);
	struct imap_seqset set;
	struct uidset out = { 0 };
	struct imap_parse p;
	int v;

	arena_init(&a, 64u << 20);
	for (v = 300000; v > 0; v -= 2)
		buf_printf(&text, "%d%s", v, v > 2 ? "," : "");
	imap_parse_init(&p, &a, buf_str(&text), false);
	assert_int_equal(imap_parse_seqset(&p, &set), 1);
	assert_int_equal(imap_seqset_numbers(&a, &set, 1, &out), 0);
	assert_int_equal(out.n, 150000);
}

TEST(seqset_partial)
{
	static const struct {
		struct imap_partial partial;
		const char *want;
	} parts[] = { /* of 2:4,7,9:12 */
		{ { 1, 1, false, STR_INIT("") }, "2" },     { { 1, 3, false, STR_INIT("") }, "2:4" },
		{ { 2, 5, false, STR_INIT("") }, "3:4,7,9" }, { { 4, 4, false, STR_INIT("") }, "7" },
		{ { 5, 100, false, STR_INIT("") }, "9:12" }, { { 8, 8, false, STR_INIT("") }, "12" },
		{ { 9, 20, false, STR_INIT("") }, "" },     { { 1, 1, true, STR_INIT("") }, "12" },
		{ { 1, 5, true, STR_INIT("") }, "7,9:12" }, { { 4, 6, true, STR_INIT("") }, "4,7,9" },
		{ { 8, 100, true, STR_INIT("") }, "2" },    { { 9, 100, true, STR_INIT("") }, "" },
		{ { 1, UINT32_MAX, true, STR_INIT("") }, "2:4,7,9:12" },
	};
	AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
	struct uidset set = { 0 }, none = { 0 }, got;

	assert_int_equal(uidset_add(&a, &set, 2, 4) + uidset_add(&a, &set, 7, 7) +
				 uidset_add(&a, &set, 9, 12), 0);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		AUTO(buf_fini) struct buf b = BUF_INIT(100);

		test_row(parts[i].want);
		assert_int_equal(imap_partial_set(&a, &parts[i].partial, &set, &got), 0);
		uidset_print(&b, &got);
		assert_string_equal(b.n ? buf_z(&b) : "", parts[i].want);
		assert_int_equal(imap_partial_set(&a, &parts[i].partial, &none, &got), 0);
		assert_int_equal(got.n, 0);
	}
}

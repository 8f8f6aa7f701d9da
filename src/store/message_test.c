/* SPDX-License-Identifier: MIT */
/*
 * Contents, APPEND, STORE, COPY, MOVE, EXPUNGE, threads and quota, each by itself. random_test.c
 * mixes them.
 */
#include "store/store_test.h"

TEST(content_is_kept_byte_for_byte)
{
	static const struct str text = STR_INIT(
		"Message-ID: <1@example.org>\r\nDate: Mon, 23 Nov 2026 20:08:00 +0000\r\nFrom: A <a@example.org>\r\n"
		"Subject: Re: hello\r\n\r\nbody\r\n\0\xff\r\n");
	struct test_store t;
	struct store_content_new c;
	struct store_append v;
	struct store_appended done;
	struct store_reader *reader;
	struct store_content got;
	struct store_mbox *mbox;
	struct store_view *view;
	char body[256];

	test_open(&t);
	c = test_prepare(&t.a, text);
	assert_str_eq(c.message_id, S("<1@example.org>"));
	v = (struct store_append){ .mailbox = t.inbox,
				   .content = &c,
				   .internaldate_s = 1234567890 };
	assert_int_equal(store_append(t.s, &v, 1, &done), 0);
	assert_int_equal(done.uid, 1);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	view = test_view(mbox);
	assert_int_equal(store_view_at(view, 1)->internaldate_s, 1234567890);
	assert_int_equal(store_view_at(view, 1)->size, text.n);
	assert_int_equal(store_reader_open(t.s, &reader), 0);
	assert_int_equal(store_content_get(reader, &t.a, store_view_at(view, 1)->content,
					   STORE_C_ENVELOPE | STORE_C_STRUCTURE | STORE_C_MAP,
					   &got),
			 0);
	assert_str_eq(got.envelope, c.envelope);
	assert_str_eq(got.structure, c.structure);
	assert_str_eq(got.map, c.map);
	assert_int_equal(got.header_n, c.header_n);
	assert_int_equal(got.sent_s, 1795464480);
	assert_int_equal(store_content_get(reader, &t.a, 999, 0, &got), -E_NOT_FOUND);
	store_reader_close(&reader);
	assert_int_equal(got.size, text.n);
	assert_int_equal(store_content_read(t.s, &got, 0, body, text.n), 0);
	assert_memory_equal(body, text.p, text.n);
	store_view_unref(view);
	store_mbox_close(&mbox);
	test_close(&t);
}

/* Too many parts of too many parameters for the parser's arena: kept as one text part. */
TEST(content_beyond_the_parser_is_kept_plainly)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(64u << 20);
	AUTO(arena_fini) struct arena small;
	struct store_content_new c;

	buf_add(&b, S("Content-Type: multipart/mixed; boundary=x\r\nSubject: big\r\n\r\n"));
	for (int i = 0; i < 9000; i++) {
		buf_add(&b, S("--x\r\nContent-Type: text/plain"));
		for (int k = 0; k < 60; k++)
			buf_printf(&b, "; p%d=v%d", k, k);
		buf_add(&b, S("\r\n\r\nx\r\n"));
	}
	arena_init(&small, 256u << 10);
	c = test_prepare(&small, buf_str(&b));
	assert_int_equal(c.bytes.n, b.n);
	assert_true(str_find(c.structure, S("PLAIN")) > 0 || str_find(c.structure, S("plain")) > 0);
	assert_true(c.map.n > 0);
	assert_true(c.envelope.n > 0);
	assert_int_equal(c.header_n, 59);
}

/* What is stored for ever is not made poorer because memory is short at this moment. */
TEST(content_comes_again_when_memory_is_short)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(1u << 20);
	AUTO(arena_fini) struct arena a;
	struct store_content_new c;

	buf_add(&b, S("Content-Type: multipart/mixed; boundary=x\r\n\r\n"));
	for (int i = 0; i < 1000; i++)
		buf_add(&b, S("--x\r\nContent-Type: text/plain\r\n\r\nx\r\n"));
	arena_init(&a, LIMIT_COMMAND_ARENA);
	budget_set(20000);
	assert_int_equal(store_content_prepare(&a, buf_str(&b), &c), -E_BUSY);
	budget_set(LIMIT_PEER_MEMORY);
	assert_int_equal(store_content_prepare(&a, buf_str(&b), &c), 0);
	assert_true(str_find(c.structure, S("mixed")) > 0);
}

TEST(content_of_no_bytes_and_of_odd_ones)
{
	static const struct str rows[] = {
		STR_INIT(""), STR_INIT("\r\n"), STR_INIT("no header"), STR_INIT("\0"), STR_INIT("a:"),
		STR_INIT("Message-ID: <\xff\xfe@x>\r\nSubject: \xff\r\n\r\n"),
	};
	struct test_store t;

	test_open(&t);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy = test_copy(rows[i]);
		struct store_content_new c = test_prepare(&t.a, str_of(copy, rows[i].n));
		struct store_append v = { .mailbox = t.inbox, .content = &c };
		struct store_appended done;

		assert_int_equal(store_append(t.s, &v, 1, &done), 0);
		assert_true(str_is_utf8(c.message_id) && str_is_utf8(c.base_subject));
		mem_free(copy);
	}
	test_close(&t);
}

TEST(append_all_or_none)
{
	struct test_store t;
	struct store_content_new c;
	struct store_append v[3];
	struct store_appended done[3];
	const struct str bad = STR_INIT("");

	test_open(&t);
	c = test_prepare(&t.a, S("Subject: x\r\n\r\n"));
	for (size_t i = 0; i < 3; i++)
		v[i] = (struct store_append){ .mailbox = t.inbox, .content = &c };
	v[2].keywords = &bad;
	v[2].n_keywords = 1;
	assert_int_equal(store_append(t.s, v, 3, done), -E_SYNTAX);
	test_recount(&t);
	v[2].n_keywords = 0;
	assert_int_equal(store_append(t.s, v, 3, done), 0);
	assert_int_equal(done[2].uid, 3);
	for (size_t i = 0; i < 3; i++)
		v[i].mailbox = 4711;
	assert_int_equal(store_append(t.s, v, 3, done), -E_NOT_FOUND);
	test_close(&t);
}

TEST(quota)
{
	struct test_store t;
	struct store_content_new c;
	struct store_append v;
	struct store_appended done;
	struct store_copied copied;
	struct uidset uids, gone;
	uint64_t modseq;

	test_open(&t);
	c = test_prepare(&t.a, S("Subject: 20 bytes..\r\n"));
	v = (struct store_append){ .mailbox = t.inbox, .content = &c };
	assert_int_equal(c.bytes.n, 21);
	assert_int_equal(store_quota_set(t.s, t.alice, &(struct store_quota){ 50, -1, -1 }), 0);
	assert_int_equal(store_append(t.s, &v, 1, &done), 0);
	assert_int_equal(store_append(t.s, &v, 1, &done), 0);
	assert_int_equal(store_append(t.s, &v, 1, &done), -E_QUOTA);
	uids = test_uids(&t, 1, 1);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &uids, t.archive, false, &copied),
			 -E_QUOTA);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &uids, t.archive, true, &copied), 0);
	uids = test_uids(&t, 2, 2);
	assert_int_equal(store_expunge(t.s, &t.a, t.inbox, &uids, false, &gone, &modseq), 0);
	assert_int_equal(store_append(t.s, &v, 1, &done), 0);
	assert_int_equal(done.uid, 3);
	/* Two messages are there; a third may come, two together may not. */
	assert_int_equal(store_quota_set(t.s, t.alice, &(struct store_quota){ 0, 3, -1 }), 0);
	assert_int_equal(store_append(t.s, (struct store_append[]){ v, v }, 2,
				      (struct store_appended[2]){ 0 }),
			 -E_QUOTA);
	assert_int_equal(store_append(t.s, &v, 1, &done), 0);
	uids = test_uids(&t, 3, 3);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &uids, t.archive, false, &copied),
			 -E_QUOTA);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &uids, t.archive, true, &copied), 0);
	test_recount(&t);
	test_close(&t);
}

/* The same mailbox, another one, another account's; a message that is not there. */
TEST(replace)
{
	struct test_store t;
	struct store_content_new c;
	struct store_append v;
	struct store_appended at;
	struct store_mailbox m;
	struct fault f = { "" };
	uint64_t modseq;
	int64_t bob;

	test_open(&t);
	c = test_prepare(&t.a, S("Subject: replaced\r\n"));
	v = (struct store_append){ .mailbox = t.inbox, .content = &c, .flags = STORE_DRAFT };
	test_append(&t, t.inbox, STORE_DELETED, 2);
	assert_int_equal(store_replace(t.s, &v, t.inbox, 1, &at, &modseq), 0);
	assert_int_equal(at.uid, 3);
	assert_int_equal(store_mailbox_get(t.s, &t.a, t.inbox, &m), 0);
	assert_int_equal(m.messages, 2);
	assert_int_equal(m.deleted, 1);
	assert_int_equal(m.highestmodseq, modseq);
	test_recount(&t);
	assert_int_equal(store_replace(t.s, &v, t.inbox, 1, &at, &modseq), -E_NOT_FOUND);
	v.mailbox = t.archive;
	assert_int_equal(store_replace(t.s, &v, t.inbox, 2, &at, &modseq), 0);
	assert_int_equal(at.uid, 1);
	assert_int_equal(store_mailbox_get(t.s, &t.a, t.inbox, &m), 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.highestmodseq, modseq);
	test_recount(&t);
	assert_int_equal(store_account_add(t.s, S("bob@example.org"), NULL, NULL, 0, &bob, &f), 0);
	assert_int_equal(store_mailbox_find(t.s, &t.a, bob, S("INBOX"), &m), 0);
	v.mailbox = m.id;
	v.user = t.alice;
	assert_int_equal(store_replace(t.s, &v, t.inbox, 2, &at, &modseq), -E_NOT_FOUND);
	test_share(&t, m.id, t.alice, "lri");
	test_append(&t, t.inbox, 0, 1);
	assert_int_equal(store_replace(t.s, &v, t.inbox, 4, &at, &modseq), 0);
	/* The other way round it takes what he may not take. */
	test_append(&t, m.id, 0, 1);
	v.mailbox = t.inbox;
	assert_int_equal(store_replace(t.s, &v, m.id, 2, &at, &modseq), -E_DENIED);
	test_share(&t, m.id, t.alice, "lrte");
	assert_int_equal(store_replace(t.s, &v, m.id, 2, &at, &modseq), 0);
	test_recount(&t);
	test_close(&t);
}

TEST(flags_only_real_changes_get_a_modseq)
{
	struct test_store t;
	uint64_t first, again;

	test_open(&t);
	test_append(&t, t.inbox, 0, 10);
	first = test_flag(&t, t.inbox, 3, 5, STORE_FLAGS_ADD, STORE_SEEN | STORE_DELETED);
	again = test_flag(&t, t.inbox, 1, 10, STORE_FLAGS_REMOVE, STORE_DRAFT);
	assert_int_equal(again, first);
	assert_true(test_flag(&t, t.inbox, 1, UINT32_MAX, STORE_FLAGS_SET, STORE_SEEN) > first);
	test_recount(&t);
	test_close(&t);
}

TEST(flags_unchangedsince)
{
	struct test_store t;
	struct store_flag_change change = { .op = STORE_FLAGS_ADD,
					    .flags = STORE_FLAGGED,
					    .has_unchangedsince = true };
	struct uidset uids, modified;
	AUTO(buf_fini) struct buf b = BUF_INIT(100);
	uint64_t modseq;

	test_open(&t);
	test_append(&t, t.inbox, 0, 10);
	change.unchangedsince = test_flag(&t, t.inbox, 10, 10, STORE_FLAGS_ADD, STORE_SEEN);
	test_flag(&t, t.inbox, 4, 6, STORE_FLAGS_ADD, STORE_SEEN);
	uids = test_uids(&t, 2, 5);
	assert_int_equal(store_flags(t.s, &t.a, t.inbox, &uids, &change, &modified, &modseq), 0);
	uidset_print(&b, &modified);
	assert_string_equal(buf_z(&b), "4:5");
	change.unchangedsince = 0;
	uids = test_uids(&t, 1, 3);
	assert_int_equal(store_flags(t.s, &t.a, t.inbox, &uids, &change, &modified, &modseq), 0);
	buf_reset(&b);
	uidset_print(&b, &modified);
	assert_string_equal(buf_z(&b), "1:3");
	test_close(&t);
}

static int add_bad_keyword(struct db_tx *tx, void *arg)
{
	return DB_EXEC(tx, SQL(KEYWORD_ADD), DB_I(*(const int64_t *)arg), DB_I(STORE_KEYWORD_BIT), DB_T(S("a(b")));
}

static int mend_keywords(struct db_tx *tx, void *arg)
{
	return store_tx_keywords_mend(tx, *(const int64_t *)arg, UINT64_MAX, 1);
}

/* An old import let it in: it does not go further, and holds up nothing. */
TEST(copy_leaves_behind_what_is_no_keyword)
{
	const struct str bad = STR_INIT("a(b");
	struct store_flag_change change = { .op = STORE_FLAGS_ADD, .keywords = &bad, .n_keywords = 1 };
	struct uidset uids, modified = { 0 };
	struct store_copied copied;
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *view;
	uint64_t modseq;

	test_open(&t);
	test_append(&t, t.inbox, STORE_SEEN, 1);
	uids = test_uids(&t, 1, 1);
	assert_int_equal(db_write(t.s->db, &(struct db_write_job){ .fn = add_bad_keyword, .arg = &t.inbox }), 0);
	assert_int_equal(store_flags(t.s, &t.a, t.inbox, &uids, &change, &modified, &modseq), 0);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &uids, t.archive, false, &copied), 0);
	assert_int_equal(store_mbox_open(t.s, t.archive, &mbox), 0);
	view = test_view(mbox);
	assert_true(view->keywords == NULL || view->keywords->n == 0);
	assert_int_equal(store_view_at(view, 1)->flags, STORE_SEEN);
	store_view_unref(view);
	store_mbox_close(&mbox);
	assert_int_equal(db_write(t.s->db, &(struct db_write_job){ .fn = mend_keywords, .arg = &t.inbox }), 0);
	test_close(&t);
}

TEST(expunge_only_deleted)
{
	struct test_store t;
	struct uidset gone, since;
	AUTO(buf_fini) struct buf b = BUF_INIT(100);
	uint64_t modseq, later, floor = 1;

	test_open(&t);
	test_append(&t, t.inbox, 0, 10);
	test_flag(&t, t.inbox, 2, 4, STORE_FLAGS_ADD, STORE_DELETED);
	test_flag(&t, t.inbox, 9, 9, STORE_FLAGS_ADD, STORE_DELETED);
	assert_int_equal(store_expunge(t.s, &t.a, t.inbox, NULL, true, &gone, &modseq), 0);
	uidset_print(&b, &gone);
	assert_string_equal(buf_z(&b), "2:4,9");
	assert_int_equal(store_expunge(t.s, &t.a, t.inbox, NULL, true, &gone, &later), 0);
	assert_int_equal(gone.n, 0);
	assert_int_equal(later, modseq);
	assert_int_equal(store_expunged_since(t.s, &t.a, t.inbox, modseq - 1, &since, &floor), 0);
	buf_reset(&b);
	uidset_print(&b, &since);
	assert_string_equal(buf_z(&b), "2:4,9");
	assert_int_equal(store_expunged_since(t.s, &t.a, t.inbox, modseq, &since, &floor), 0);
	assert_int_equal(since.n, 0);
	assert_int_equal(floor, 0);
	test_close(&t);
}

TEST(copy_and_move_into_the_same_mailbox)
{
	struct test_store t;
	struct store_copied copied;
	struct uidset all;
	struct store_mbox *mbox;
	struct store_view *view;

	test_open(&t);
	test_append(&t, t.inbox, STORE_FLAGGED, 3);
	all = test_uids(&t, 1, UINT32_MAX);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &all, t.inbox, false, &copied), 0);
	assert_int_equal(copied.n, 3);
	assert_int_equal(copied.to[2], 6);
	test_recount(&t);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &all, t.inbox, true, &copied), 0);
	assert_int_equal(copied.n, 6);
	assert_int_equal(copied.from[0], 1);
	assert_int_equal(copied.to[0], 7);
	test_recount(&t);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	view = test_view(mbox);
	assert_int_equal(view->n, 6);
	assert_int_equal(view->uidnext, 13);
	store_view_unref(view);
	store_mbox_close(&mbox);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &all, 4711, true, &copied), -E_NOT_FOUND);
	test_close(&t);
}

TEST(copy_to_another_account)
{
	struct test_store t;
	struct store_copied copied;
	struct store_mailbox m;
	struct uidset all;
	struct fault f;
	int64_t bob;

	test_open(&t);
	assert_int_equal(store_account_add(t.s, S("bob@example.org"), NULL, NULL, 0, &bob, &f), 0);
	assert_int_equal(store_mailbox_find(t.s, &t.a, bob, S("INBOX"), &m), 0);
	test_append(&t, t.inbox, 0, 1);
	all = test_uids(&t, 1, 1);
	assert_int_equal(test_copy_by(t.s, &t.a, t.alice, t.inbox, &all, m.id, false, &copied),
			 -E_NOT_FOUND);
	test_share(&t, m.id, t.alice, "l");
	assert_int_equal(test_copy_by(t.s, &t.a, t.alice, t.inbox, &all, m.id, true, &copied),
			 -E_DENIED);
	test_share(&t, m.id, t.alice, "li");
	assert_int_equal(test_copy_by(t.s, &t.a, t.alice, t.inbox, &all, m.id, false, &copied), 0);
	assert_int_equal(test_copy_by(t.s, &t.a, t.alice, t.inbox, &all, m.id, true, &copied), 0);
	assert_int_equal(copied.n, 1);
	test_recount(&t);
	/* What is taken away must be one's to take, and to read. */
	all = test_uids(&t, 1, 1);
	test_share(&t, m.id, t.alice, "lwite");
	assert_int_equal(test_copy_by(t.s, &t.a, t.alice, m.id, &all, t.inbox, false, &copied),
			 -E_DENIED);
	test_share(&t, m.id, t.alice, "lrit");
	assert_int_equal(test_copy_by(t.s, &t.a, t.alice, m.id, &all, t.inbox, true, &copied),
			 -E_DENIED);
	test_share(&t, m.id, t.alice, "rite");
	assert_int_equal(test_copy_by(t.s, &t.a, t.alice, m.id, &all, t.inbox, true, &copied), 0);
	assert_int_equal(copied.n, 1);
	test_recount(&t);
	/* The owner pays. */
	assert_int_equal(store_quota_set(t.s, bob, &(struct store_quota){ -1, 1, -1 }), 0);
	all = test_uids(&t, 2, 2);
	assert_int_equal(test_copy_by(t.s, &t.a, t.alice, t.inbox, &all, m.id, true, &copied),
			 -E_QUOTA);
	test_recount(&t);
	test_close(&t);
}

TEST(threads_by_message_ids)
{
	static const struct {
		const char *name, *header;
		int thread; /* of the message with that number */
	} rows[] = {
		{ "first", "Message-ID: <a@x>\r\n", 0 },
		{ "answer", "Message-ID: <b@x>\r\nReferences: <a@x>\r\n", 0 },
		{ "other", "Message-ID: <c@x>\r\n", 2 },
		{ "In-Reply-To alone", "Message-ID: <d@x>\r\nIn-Reply-To: <b@x>\r\n", 0 },
		{ "no ids", "Subject: x\r\n", 4 },
		{ "no ids again", "Subject: x\r\n", 5 },
		{ "answer before its question", "Message-ID: <f@x>\r\nReferences: <e@x>\r\n", 6 },
		{ "the question", "Message-ID: <e@x>\r\n", 6 },
		{ "nearest reference wins", "Message-ID: <g@x>\r\nReferences: <c@x> <a@x>\r\n", 0 },
		{ "the same again", "Message-ID: <a@x>\r\n", 0 },
	};
	struct test_store t;
	struct store_mbox *mbox;
	struct store_view *view;

	test_open(&t);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store_content_new c =
			test_prepare(&t.a, arena_printf(&t.a, "%s\r\nx\r\n", rows[i].header));
		struct store_append v = { .mailbox = i % 2 ? t.inbox : t.inbox, .content = &c };
		struct store_appended done;

		assert_int_equal(store_append(t.s, &v, 1, &done), 0);
	}
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	view = test_view(mbox);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].name);
		assert_int_equal(store_view_at(view, (uint32_t)i + 1)->thread,
				 store_view_at(view, (uint32_t)rows[i].thread + 1)->thread);
		if (rows[i].thread == (int)i)
			assert_int_equal(store_view_at(view, (uint32_t)i + 1)->thread,
					 store_view_at(view, (uint32_t)i + 1)->content);
	}
	store_view_unref(view);
	store_mbox_close(&mbox);
	test_close(&t);
}

/* Each statement of each operation fails once: nothing changes, and it works the next time. */
TEST(failures_leave_nothing_behind)
{
	struct test_store t;
	struct uidset gone, uids;
	struct store_copied copied;
	uint64_t modseq;
	int failures = 0;

	test_open(&t);
	test_append(&t, t.inbox, 0, 6);
	uids = test_uids(&t, 2, 3);
	for (int nth = 1; nth < 40; nth++) {
		const struct store_flag_change change = { .op = nth % 2 ? STORE_FLAGS_ADD
									: STORE_FLAGS_REMOVE,
							  .flags = STORE_SEEN };
		struct store_content_new c = test_prepare(&t.a, S("Message-ID: <a@b>\r\n\r\n"));
		struct store_append v = {
			.mailbox = t.inbox, .content = &c, .keywords = &S("$x"), .n_keywords = 1
		};
		struct store_appended done;

		db_fail_next(t.db, DB_FAIL_STATEMENT, nth, E_IO);
		failures += store_copy(t.s, &t.a, t.inbox, &uids, t.archive, nth % 2, &copied) < 0;
		failures += store_flags(t.s, &t.a, t.inbox, &uids, &change, NULL, &modseq) < 0;
		failures += store_append(t.s, &v, 1, &done) < 0;
		failures += store_expunge(t.s, &t.a, t.archive, NULL, false, &gone, &modseq) < 0;
		db_fail_next(t.db, DB_FAIL_NONE, 0, 0);
		test_recount(&t);
		uids = test_uids(&t, 2, 2 + (uint32_t)nth);
	}
	assert_true(failures > 30);
	test_close(&t);
}

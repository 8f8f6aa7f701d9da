/* SPDX-License-Identifier: MIT */
/* What the tests of housekeeping share: mail that can be told from its number, and eager passes. Only for *_test.c. */
#pragma once

#include "store/store_test.h"

#include "store/fsck.h"
#include "store/keep_int.h"

#define DAY_S 86400

/* ---- mail that is known by its number ---- */

static inline void print_mail(struct buf *b, int number, size_t size)
{
	buf_reset(b);
	buf_printf(b, "Subject: %d\r\n\r\n", number);
	while (b->n < size)
		buf_printf(b, "line %zu of %d\r\n", b->n, number);
}

/* Returns the UID. */
static inline uint32_t add(struct test_store *t, int64_t mailbox, int number, size_t size)
{
	AUTO(arena_fini) struct arena a;
	AUTO(buf_fini) struct buf b = BUF_INIT(4u << 20);
	struct store_content_new c;
	struct store_append v = { .mailbox = mailbox, .content = &c };
	struct store_appended done;

	arena_init(&a, 1u << 20);
	print_mail(&b, number, size);
	c = test_prepare(&a, buf_str(&b));
	assert_int_equal(store_append(t->s, &v, 1, &done), 0);
	return done.uid;
}

static inline void expunge(struct test_store *t, int64_t mailbox, uint32_t lo, uint32_t hi)
{
	const struct uidset uids = test_uids(t, lo, hi);
	struct uidset gone;
	uint64_t modseq;

	assert_int_equal(store_expunge(t->s, &t->a, mailbox, &uids, false, &gone, &modseq), 0);
}

/* The row of a content, as a session has it. */
static inline int get(struct test_store *t, int64_t content, struct store_content *ret)
{
	struct store_reader *r;
	int rc;

	assert_int_equal(store_reader_open(t->s, &r), 0);
	rc = store_content_get(r, &t->a, content, 0, ret);
	store_reader_close(&r);
	return rc;
}

static inline int number_of(struct str body)
{
	uint64_t n = 0;

	assert_true(str_starts(body, S("Subject: ")));
	body = str_skip(body, 9);
	assert_true(str_to_u64(str_head(body, (size_t)str_chr(body, '\r')), INT32_MAX, &n));
	return (int)n;
}

/* A body is the message of its number, which is returned. */
static inline int check_body(struct test_store *t, const struct store_content *c)
{
	AUTO(buf_fini) struct buf want = BUF_INIT(4u << 20);
	AUTO(mem_auto_free) char *got = mem_alloc(c->size + 1, 1);
	struct str body = str_of(got, c->size);
	int number;

	assert_int_equal(store_content_read(t->s, c, 0, got, c->size), 0);
	number = number_of(body);
	print_mail(&want, number, c->size);
	assert_str_eq(body, buf_str(&want));
	return number;
}

/* All of a mailbox; the numbers, when somebody wants them. Returns how many. */
static inline size_t check_mailbox(struct test_store *t, int64_t mailbox, int *numbers)
{
	struct store_mbox *m;
	struct store_view *v;
	size_t n;

	assert_int_equal(store_mbox_open(t->s, mailbox, &m), 0);
	v = test_view(m);
	n = v->n;
	for (uint32_t seq = 1; seq <= n; seq++) {
		struct store_content c;
		int number;

		assert_int_equal(get(t, store_view_at(v, seq)->content, &c), 0);
		number = check_body(t, &c);
		if (numbers)
			numbers[seq - 1] = number;
	}
	store_view_unref(v);
	store_mbox_close(&m);
	return n;
}

static inline void no_fault(void *ctx, const char *text_z)
{
	(void)ctx;
	fail_msg("%s", text_z);
}

static inline void check_all(struct test_store *t)
{
	const struct store_fsck_job job = { .say = { .found = no_fault } };
	struct store_fsck_counts n;

	test_recount(t);
	assert_int_equal(store_fsck(t->s, &job, &n), 0);
}

/* ---- passes ---- */

static const struct store_conf eager __attribute__((unused)) = {
	.expunge_grace_ms = 0,
	.expunged_history_ms = (int64_t)30 * DAY_S * 1000,
	.compact_percent = 1,
};

static int n_damaged __attribute__((unused));

static inline void count_damaged(void *ctx, const char *text_z)
{
	(void)ctx;
	assert_true(str_starts(str_z(text_z), S("content ")));
	n_damaged++;
}

static inline int keep_rc(struct test_store *t, struct store_kept *ret)
{
	const struct store_keep_job job = { .damaged = count_damaged, .is_asked = true };

	return store_keep_house(t->s, &job, ret);
}

static inline struct store_kept keep(struct test_store *t)
{
	struct store_kept kept;

	assert_int_equal(keep_rc(t, &kept), 0);
	return kept;
}

static inline void open_small(struct test_store *t)
{
	test_pack_bytes = 4096;
	test_open(t);
	store_configure(t->s, &eager);
	n_damaged = 0;
}

static inline void close_small(struct test_store *t)
{
	test_pack_bytes = 0;
	test_close(t);
}

static inline int64_t content_at(struct test_store *t, int64_t mailbox, uint32_t seq)
{
	struct store_mbox *m;
	struct store_view *v;
	int64_t content;

	assert_int_equal(store_mbox_open(t->s, mailbox, &m), 0);
	v = test_view(m);
	content = store_view_at(v, seq)->content;
	store_view_unref(v);
	store_mbox_close(&m);
	return content;
}

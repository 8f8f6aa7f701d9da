/* SPDX-License-Identifier: MIT */
/* Housekeeping gives space back and nothing else, whatever fails. */
#include "store/housekeep_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- contents ---- */

TEST(contents_go_after_their_grace)
{
	struct store_conf conf = eager;
	struct store_content c;
	struct store_kept kept;
	struct test_store t;
	int64_t content;

	test_open(&t);
	conf.expunge_grace_ms = 60000;
	store_configure(t.s, &conf);
	for (int i = 1; i <= 5; i++)
		add(&t, t.inbox, i, 200);
	content = content_at(&t, t.inbox, 2);
	expunge(&t, t.inbox, 2, 3);
	kept = keep(&t);
	assert_int_equal(kept.contents, 0);
	assert_int_equal(get(&t, content, &c), 0);
	assert_int_equal(check_body(&t, &c), 2);
	clock_shift_ms(61000);
	kept = keep(&t);
	clock_shift_ms(-61000);
	assert_int_equal(kept.contents, 2);
	assert_int_equal(get(&t, content, &c), -E_NOT_FOUND);
	assert_int_equal(check_mailbox(&t, t.inbox, NULL), 3);
	check_all(&t);
	test_close(&t);
}

TEST(a_shared_content_stays)
{
	struct test_store t;
	struct store_copied copied;
	struct uidset one;

	open_small(&t);
	add(&t, t.inbox, 7, 300);
	one = test_uids(&t, 1, 1);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &one, t.archive, false, &copied), 0);
	expunge(&t, t.inbox, 1, 1);
	assert_int_equal(keep(&t).contents, 0);
	assert_int_equal(check_mailbox(&t, t.archive, NULL), 1);
	expunge(&t, t.archive, 1, 1);
	assert_int_equal(keep(&t).contents, 1);
	check_all(&t);
	close_small(&t);
}

/* ---- packs ---- */

/* 60 messages in packs of about 8; two of three are expunged. Their numbers are their UIDs. */
static void fill(struct test_store *t)
{
	for (int i = 1; i <= 60; i++)
		assert_int_equal(add(t, t->inbox, i, 500), i);
	for (uint32_t uid = 1; uid <= 60; uid += 3)
		expunge(t, t->inbox, uid, uid + 1);
}

static void check_filled(struct test_store *t)
{
	int numbers[60];

	assert_int_equal(check_mailbox(t, t->inbox, numbers), 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(numbers[i], 3 * i + 3);
	check_all(t);
}

TEST(space_comes_back)
{
	struct store_space before, after;
	struct store_kept kept;
	struct test_store t;

	open_small(&t);
	fill(&t);
	assert_int_equal(store_space(t.s, &before), 0);
	assert_int_equal(before.waiting, 40);
	assert_int_equal(before.dead_bytes, 0);
	kept = keep(&t);
	assert_int_equal(kept.contents, 40);
	assert_int_equal(kept.moved, 20);
	assert_int_equal(kept.damaged, 0);
	assert_int_equal(kept.packs, before.packs);
	assert_int_equal(kept.freed_bytes, before.bytes);
	assert_int_equal(store_space(t.s, &after), 0);
	assert_int_equal(after.dead_bytes, 0);
	assert_int_equal(after.waiting, 0);
	assert_int_equal(after.bytes, kept.moved_bytes);
	check_filled(&t);
	kept = keep(&t);
	assert_int_equal(kept.moved, 0);
	assert_int_equal(kept.packs, 0);
	/* all of it; the last pack stays, for its number */
	expunge(&t, t.inbox, 1, 60);
	kept = keep(&t);
	assert_int_equal(kept.contents, 20);
	assert_int_equal(store_space(t.s, &after), 0);
	assert_int_equal(after.packs, 1);
	add(&t, t.inbox, 61, 100);
	kept = keep(&t);
	assert_int_equal(store_space(t.s, &after), 0);
	assert_int_equal(after.dead_bytes, 0);
	assert_int_equal(check_mailbox(&t, t.inbox, NULL), 1);
	close_small(&t);
}

TEST(little_dead_space_is_left_alone)
{
	struct store_conf conf = eager;
	struct store_space space;
	struct store_kept kept;
	struct test_store t;

	open_small(&t);
	conf.compact_percent = 60;
	store_configure(t.s, &conf);
	for (int i = 1; i <= 60; i++)
		add(&t, t.inbox, i, 500);
	for (uint32_t uid = 1; uid <= 60; uid += 2)
		expunge(&t, t.inbox, uid, uid);
	kept = keep(&t);
	assert_int_equal(kept.contents, 30);
	assert_int_equal(kept.moved, 0);
	assert_int_equal(store_space(t.s, &space), 0);
	assert_true(space.dead_bytes > 30 * 500);
	expunge(&t, t.inbox, 1, 30);
	kept = keep(&t);
	assert_true(kept.packs >= 3);
	assert_true(kept.moved < 15);
	assert_int_equal(check_mailbox(&t, t.inbox, NULL), 15);
	check_all(&t);
	close_small(&t);
}

TEST(a_large_body_takes_its_pack_with_it)
{
	struct store_space space;
	struct store_kept kept;
	struct test_store t;

	open_small(&t);
	add(&t, t.inbox, 1, LIMIT_BODY_BATCHED + 100);
	add(&t, t.inbox, 2, 100);
	add(&t, t.inbox, 3, LIMIT_BODY_BATCHED + 100);
	expunge(&t, t.inbox, 1, 1);
	kept = keep(&t);
	assert_int_equal(kept.moved, 0);
	assert_int_equal(kept.packs, 1);
	assert_true(kept.freed_bytes > LIMIT_BODY_BATCHED);
	assert_int_equal(check_mailbox(&t, t.inbox, NULL), 2);
	assert_int_equal(store_space(t.s, &space), 0);
	assert_int_equal(space.dead_bytes, 0);
	check_all(&t);
	close_small(&t);
}

/* What a session read from a row names a place that is empty now. */
TEST(who_reads_follows)
{
	struct store_content live, dead;
	struct test_store t;

	open_small(&t);
	fill(&t);
	assert_int_equal(get(&t, content_at(&t, t.inbox, 5), &live), 0);
	assert_int_equal(get(&t, live.id - 1, &dead), 0);
	assert_int_equal(keep(&t).moved, 20);
	assert_int_equal(check_body(&t, &live), 15);
	/* and once more, two moves behind */
	expunge(&t, t.inbox, 30, 60);
	assert_true(keep(&t).moved > 0);
	assert_int_equal(check_body(&t, &live), 15);
	char byte;

	assert_int_equal(store_content_read(t.s, &dead, 0, &byte, 1), -E_NOT_FOUND);
	live.ref.pack = 9999;
	assert_int_equal(check_body(&t, &live), 15);
	close_small(&t);
}

static void flip(struct test_store *t, const struct blob_ref *ref)
{
	char path[600], byte;
	int fd;

	snprintf(path, sizeof(path), "%s/pack/%06" PRId64 ".pack", db_dir_z(t->db), ref->pack);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, ref->offset + 20), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, ref->offset + 20), 1);
	close(fd);
}

TEST(damage_stays_where_it_is)
{
	struct store_content c, now;
	struct store_kept kept;
	struct test_store t;

	open_small(&t);
	fill(&t);
	assert_int_equal(get(&t, content_at(&t, t.inbox, 2), &c), 0);
	flip(&t, &c.ref);
	kept = keep(&t);
	assert_int_equal(kept.moved, 19);
	assert_int_equal(kept.damaged, 1);
	assert_int_equal(n_damaged, 1);
	assert_int_equal(get(&t, c.id, &now), 0);
	assert_int_equal(now.ref.pack, c.ref.pack);
	assert_int_equal(now.ref.offset, c.ref.offset);
	/* it is not tried again, and its bytes are as readable as before */
	kept = keep(&t);
	assert_int_equal(kept.damaged, 0);
	assert_int_equal(kept.packs, 0);
	flip(&t, &c.ref);
	check_filled(&t);
	/* once it is gone, its pack goes */
	expunge(&t, t.inbox, 6, 6);
	kept = keep(&t);
	assert_true(kept.packs >= 1);
	assert_int_equal(check_mailbox(&t, t.inbox, NULL), 19);
	check_all(&t);
	close_small(&t);
}

/* As after a restart. */
static void reopen(struct test_store *t)
{
	char dir[600];

	snprintf(dir, sizeof(dir), "%s", db_dir_z(t->db));
	store_close(&t->s);
	db_close(&t->db);
	test_reopen(t, NULL, NULL, dir);
	store_configure(t->s, &eager);
}

TEST(packs_are_held)
{
	struct store_kept kept;
	struct test_store t;

	open_small(&t);
	fill(&t);
	assert_false(blob_packs_hold(t.db, 600000));
	kept = keep(&t);
	assert_int_equal(kept.contents, 40);
	assert_int_equal(kept.packs, 0);
	assert_int_equal(kept.moved, 0);
	/* until it is opened again */
	reopen(&t);
	kept = keep(&t);
	assert_true(kept.packs >= 7);
	check_filled(&t);
	close_small(&t);
}

static bool end_now(void *ctx, int64_t ms)
{
	int *left = ctx;

	(void)ms;
	return --*left > 0;
}

/* A pass may end between any two steps. */
TEST(a_pass_is_ended)
{
	struct test_store t;
	int steps;

	open_small(&t);
	fill(&t);
	for (steps = 1; steps < 100; steps++) {
		int left = steps;
		const struct store_keep_job job = { .pause = end_now, .ctx = &left };
		struct store_kept kept;

		assert_int_equal(store_keep_house(t.s, &job, &kept), 0);
		check_filled(&t);
		if (left > 0)
			break;
	}
	assert_in_range(steps, 5, 99);
	store_keep_stop(t.s);
	expunge(&t, t.inbox, 1, 60);
	assert_int_equal(keep(&t).contents, 0);
	close_small(&t);
}

/* No room for mail: what takes away and what makes room goes on. */
TEST(a_full_disk_can_be_emptied)
{
	AUTO(arena_fini) struct arena a;
	struct store_content_new c;
	struct store_append v = { .content = &c };
	struct store_appended done;
	struct store_copied copied;
	struct store_space space;
	struct store_kept kept;
	struct test_store t;
	struct uidset some;
	int64_t have;

	open_small(&t);
	arena_init(&a, 1u << 20);
	fill(&t);
	some = test_uids(&t, 3, 9);
	db_keep_free(t.db, INT64_MAX / 2);
	c = test_prepare(&a, S("Subject: 1\r\n\r\nx\r\n"));
	v.mailbox = t.inbox;
	assert_int_equal(store_append(t.s, &v, 1, &done), -E_DISK_FULL);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &some, t.archive, false, &copied),
			 -E_DISK_FULL);
	test_flag(&t, t.inbox, 1, 60, STORE_FLAGS_ADD, STORE_SEEN);
	assert_int_equal(store_copy(t.s, &t.a, t.inbox, &some, t.archive, true, &copied), 0);
	assert_int_equal(copied.n, 3);
	expunge(&t, t.inbox, 30, 60);
	/* not with the last of the room: then only what costs nothing is done */
	assert_int_equal(keep_rc(&t, &kept), -E_DISK_FULL);
	assert_int_equal(kept.moved, 0);
	assert_true(kept.packs > 0);
	assert_int_equal(store_append(t.s, &v, 1, &done), -E_DISK_FULL);
	assert_int_equal(db_free_bytes(t.db, &have), 0);
	db_keep_free(t.db, have / 10 * 13);
	assert_int_equal(store_append(t.s, &v, 1, &done), -E_DISK_FULL);
	assert_true(keep(&t).moved > 0);
	assert_int_equal(store_space(t.s, &space), 0);
	assert_int_equal(space.dead_bytes, 0);
	db_keep_free(t.db, 0);
	assert_int_equal(store_append(t.s, &v, 1, &done), 0);
	check_all(&t);
	close_small(&t);
}

/* ---- failures ---- */

TEST(failures_lose_nothing)
{
	static const struct {
		enum db_fail_point point;
		int last, err;
	} rows[] = {
		{ DB_FAIL_PACK_WRITE, 25, -E_DISK_FULL },
		{ DB_FAIL_PACK_SYNC, 10, -E_IO },
		{ DB_FAIL_COMMIT, 40, -E_IO },
		{ DB_FAIL_STATEMENT, 300, -E_IO },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int failed = 0;

		for (int nth = 1; nth <= rows[i].last; nth += 1 + nth / 10) {
			struct store_kept kept;
			struct store_space space;
			struct test_store t;

			open_small(&t);
			fill(&t);
			db_fail_next(t.db, rows[i].point, nth, rows[i].err);
			failed += keep_rc(&t, &kept) < 0;
			db_fail_next(t.db, DB_FAIL_NONE, 0, 0);
			check_filled(&t);
			keep(&t);
			keep(&t);
			check_filled(&t);
			assert_int_equal(n_damaged, 0);
			assert_int_equal(store_space(t.s, &space), 0);
			assert_true(space.dead_bytes <= 4096);
			close_small(&t);
		}
		assert_true(failed > 0);
	}
}

static size_t packs_with_a_row(struct test_store *t)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	size_t n = 0;

	assert_int_equal(db_read_begin(t->db, &tx), 0);
	db_query(tx, &q, SQL(PACK_LIST), NULL, 0);
	while (db_step(&q) > 0)
		n++;
	return n;
}

/* What a killed process wrote behind its last sync goes with the next power cut, unless the pack is synced before it is counted. */
TEST(a_pack_is_synced_before_its_size_is_written_down)
{
	struct store_kept kept;
	struct test_store t;

	open_small(&t);
	add(&t, t.inbox, 1, 100);
	reopen(&t);
	db_fail_next(t.db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	assert_int_equal(keep_rc(&t, &kept), -E_IO);
	assert_int_equal(packs_with_a_row(&t), 0);
	keep(&t);
	assert_int_equal(packs_with_a_row(&t), 1);
	close_small(&t);
}

/* ---- expunged UIDs ---- */

static size_t rows_of(struct test_store *t, uint64_t since, uint64_t *floor)
{
	struct uidset set;
	size_t n = 0;

	assert_int_equal(store_expunged_since(t->s, &t->a, t->inbox, since, &set, floor), 0);
	for (size_t i = 0; i < set.n; i++)
		n += set.r[i].hi - set.r[i].lo + 1;
	return n;
}

TEST(expunged_uids_are_forgotten)
{
	struct store_mbox *mbox;
	struct store_view *view;
	struct test_store t;
	uint64_t floor, modseq;
	struct uidset uids, gone;

	test_open(&t);
	store_configure(t.s, &eager);
	test_append(&t, t.inbox, 0, 1300);
	uids = test_uids(&t, 1, 1200);
	/* a view that nobody refreshes */
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	store_view_unref(test_view(mbox));
	store_mbox_close(&mbox);
	assert_int_equal(store_expunge(t.s, &t.a, t.inbox, &uids, false, &gone, &modseq), 0);
	clock_shift_ms((int64_t)20 * DAY_S * 1000);
	expunge(&t, t.inbox, 1201, 1201);
	assert_int_equal(keep(&t).expunged, 0);
	clock_shift_ms((int64_t)11 * DAY_S * 1000);
	assert_int_equal(keep(&t).expunged, 1200);
	clock_shift_ms((int64_t)-31 * DAY_S * 1000);
	assert_int_equal(rows_of(&t, 0, &floor), 1);
	assert_int_equal(floor, modseq);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	view = test_view(mbox);
	assert_int_equal(view->n, 99);
	store_view_unref(view);
	store_mbox_close(&mbox);
	check_all(&t);
	test_close(&t);
}

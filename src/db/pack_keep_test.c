/* SPDX-License-Identifier: MIT */
/* Packs are listed, copied from and removed only as far as nothing can be lost by it. */
#include "db/db_test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"

static struct blob_ref put_ref(struct db *db, const char *name_z, struct str body)
{
	struct blob_ref ref = { 0 };

	assert_int_equal(test_put(db, name_z, body), 0);
	assert_true(test_ref(db, name_z, &ref));
	return ref;
}

/* 1: there and busy, 0: there, -1: not there. */
static int state_of(struct db *db, int64_t pack)
{
	AUTO(mem_auto_free) struct blob_pack *v = NULL;
	size_t n;

	assert_int_equal(blob_packs(db, &v, &n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || v[i].number > v[i - 1].number);
		if (v[i].number == pack)
			return v[i].is_busy;
	}
	return -1;
}

static int64_t last_pack(struct db *db)
{
	AUTO(mem_auto_free) struct blob_pack *v = NULL;
	size_t n;

	assert_int_equal(blob_packs(db, &v, &n), 0);
	assert_true(n > 0);
	return v[n - 1].number;
}

static void flip(const struct db *db, int64_t pack, int64_t at)
{
	char path[600], byte;
	int fd;

	snprintf(path, sizeof(path), "%s/pack/%06" PRId64 ".pack", db_dir_z(db), pack);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void body_is(struct db *db, const struct blob_ref *ref, struct str want)
{
	AUTO(mem_auto_free) char *got = mem_alloc(want.n + 1, 1);

	assert_int_equal(ref->length, want.n);
	assert_int_equal(blob_read(db, ref, 0, got, want.n), 0);
	assert_memory_equal(got, want.p, want.n);
	assert_int_equal(blob_verify(db, ref), 0);
}

TEST(packs_are_busy_while_they_are_written_to)
{
	struct db *db = test_open(test_dir());
	struct blob_ref a = put_ref(db, "a", S("aaaa")), b;

	assert_int_equal(state_of(db, a.pack), 1);
	assert_int_equal(blob_pack_drop(db, a.pack), -E_BUSY);
	blob_pack_finish(db, a.pack);
	assert_int_equal(state_of(db, a.pack), 0);
	/* the highest stays: its number must not come again */
	assert_int_equal(blob_pack_drop(db, a.pack), -E_BUSY);
	b = put_ref(db, "b", S("bbbb"));
	assert_true(b.pack > a.pack);
	assert_int_equal(blob_pack_drop(db, a.pack), 0);
	assert_int_equal(state_of(db, a.pack), -1);
	assert_int_equal(blob_pack_drop(db, a.pack), -E_NOT_FOUND);
	test_body_is(db, "b", S("bbbb"));
	db_close(&db);
}

TEST(numbers_are_not_used_twice)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z);
	struct blob_ref a = put_ref(db, "a", S("aaaa")), b;

	blob_pack_finish(db, a.pack);
	/* a pack whose first sync failed is no proof of a higher number */
	db_fail_next(db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	assert_int_equal(test_put(db, "lost", S("llll")), -E_IO);
	assert_int_equal(blob_pack_drop(db, a.pack), -E_BUSY);
	db_close(&db);
	db = test_open(dir_z);
	assert_int_equal(blob_pack_drop(db, a.pack), -E_BUSY);
	b = put_ref(db, "b", S("bbbb"));
	assert_true(b.pack > a.pack);
	db_close(&db);
}

TEST(packs_are_held_for_a_while)
{
	struct db *db = test_open(test_dir());
	struct blob_ref a = put_ref(db, "a", S("aaaa"));

	blob_pack_finish(db, a.pack);
	put_ref(db, "b", S("bbbb"));
	assert_false(blob_packs_hold(db, 600000));
	assert_true(blob_packs_held(db));
	assert_int_equal(blob_pack_drop(db, a.pack), -E_BUSY);
	assert_true(blob_packs_hold(db, 1));
	assert_int_equal(blob_pack_drop(db, a.pack), -E_BUSY);
	test_body_is(db, "a", S("aaaa"));
	db->packs->hold_until_ms = 0;
	assert_false(blob_packs_held(db));
	assert_int_equal(blob_pack_drop(db, a.pack), 0);
	db_close(&db);
}

/* A large body has its pack before its row. */
static int look_fn(struct db_tx *tx, void *arg)
{
	struct test_put *p = arg;

	if (state_of(tx->db, p->body.ref.pack) != 1)
		return -E_BUG;
	if (blob_pack_drop(tx->db, p->body.ref.pack) != -E_BUSY)
		return -E_BUG;
	return p->fail;
}

TEST(own_packs_are_busy_until_their_job_has_ended)
{
	struct db *db = test_open(test_dir());
	size_t n = LIMIT_BODY_BATCHED + 1;
	AUTO(mem_auto_free) char *body = mem_alloc(n, 1);
	struct test_put p = { .body = { .bytes = str_of(body, n) } };
	struct db_write_job j = {
		.fn = look_fn, .arg = &p, .bodies = &p.body, .n_bodies = 1,
	};
	int64_t pack;

	assert_int_equal(db_write(db, &j), 0);
	pack = p.body.ref.pack;
	assert_int_equal(state_of(db, pack), 0);
	put_ref(db, "later", S("llll"));
	assert_int_equal(blob_pack_drop(db, pack), 0);

	p.fail = -E_QUOTA;
	assert_int_equal(db_write(db, &j), -E_QUOTA);
	/* nobody knows whether it is on the disk: busy for good */
	p.fail = 0;
	db_fail_next(db, DB_FAIL_COMMIT, 1, -E_IO);
	assert_int_equal(db_write(db, &j), -E_IO);
	pack = last_pack(db);
	blob_pack_finish(db, put_ref(db, "later still", S("llll")).pack);
	put_ref(db, "last", S("llll"));
	assert_true(pack < last_pack(db));
	assert_int_equal(state_of(db, pack), 1);
	assert_int_equal(blob_pack_drop(db, pack), -E_BUSY);
	db_close(&db);
}

TEST(a_copy_is_the_same_body)
{
	struct db *db = test_open(test_dir());
	size_t n = 600000; /* several pieces */
	AUTO(mem_auto_free) char *large = mem_alloc(n, 1);
	struct blob_ref from[3], to[3];
	bool is_damaged;

	for (size_t i = 0; i < n; i++)
		large[i] = (char)(i * 7 / 3);
	const struct str bodies[3] = { S("small"), S(""), str_of(large, n) };
	static const char *const names[3] = { "a", "b", "c" };

	for (int i = 0; i < 3; i++)
		from[i] = put_ref(db, names[i], bodies[i]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(blob_copy(db, &from[i], &to[i], &is_damaged), 0);
	assert_int_equal(blob_copy_sync(db), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_not_equal(to[i].pack, from[i].pack);
		assert_int_equal(to[i].pack, to[0].pack);
		body_is(db, &to[i], bodies[i]);
		body_is(db, &from[i], bodies[i]);
	}
	assert_int_equal(state_of(db, to[0].pack), 1);
	blob_copy_end(db, to[0].pack + 1);
	assert_int_equal(state_of(db, to[0].pack), 1);
	blob_copy_end(db, to[0].pack);
	assert_int_equal(state_of(db, to[0].pack), 0);
	db_close(&db);
}

/* Damage anywhere in the record stops its copy, and no other one. */
TEST(what_is_damaged_is_not_copied)
{
	struct db *db = test_open(test_dir());
	struct blob_ref a = put_ref(db, "a", S("precious")), b = put_ref(db, "b", S("whole")), to;
	bool is_damaged;

	for (int64_t at = a.offset - 32; at < a.offset + a.length; at++) {
		flip(db, a.pack, at);
		assert_int_equal(blob_copy(db, &a, &to, &is_damaged), -E_IO);
		assert_true(is_damaged);
		flip(db, a.pack, at);
		assert_int_equal(blob_copy(db, &b, &to, &is_damaged), 0);
		assert_int_equal(blob_copy_sync(db), 0);
		body_is(db, &to, S("whole"));
	}
	a.pack = 99;
	assert_int_equal(blob_copy(db, &a, &to, &is_damaged), -E_NOT_FOUND);
	assert_true(is_damaged);
	db_close(&db);
}

TEST(copies_that_fail)
{
	struct db *db = test_open_with(test_dir(), 100);
	struct blob_ref a = put_ref(db, "a", S("aaaa")), one, two, three;
	int64_t size;
	bool is_damaged;

	/* a write: what was copied before is good */
	assert_int_equal(blob_copy(db, &a, &one, &is_damaged), 0);
	db_fail_next(db, DB_FAIL_PACK_WRITE, 1, -E_DISK_FULL);
	assert_int_equal(blob_copy(db, &a, &two, &is_damaged), -E_DISK_FULL);
	assert_false(is_damaged);
	assert_int_equal(blob_copy_sync(db), 0);
	body_is(db, &one, S("aaaa"));
	/* a sync: nothing since the last one is good, and the pack is left alone */
	assert_int_equal(blob_copy(db, &a, &two, &is_damaged), 0);
	assert_int_equal(two.pack, one.pack);
	assert_int_equal(two.offset, one.offset + 36);
	db_fail_next(db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	assert_int_equal(blob_copy_sync(db), -E_IO);
	assert_int_equal(blob_copy_sync(db), -E_IO);
	assert_int_equal(state_of(db, one.pack), 0);
	assert_int_equal(blob_pack_bytes(db, one.pack, &size), 0);
	assert_int_equal(size, one.offset + 4);
	body_is(db, &one, S("aaaa"));
	/* the first sync of a pack: no file stays */
	assert_int_equal(blob_copy(db, &a, &three, &is_damaged), 0);
	assert_true(three.pack > one.pack);
	db_fail_next(db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	assert_int_equal(blob_copy_sync(db), -E_IO);
	assert_int_equal(state_of(db, three.pack), -1);
	/* a full pack is ended by the sync */
	for (int i = 0; i < 3; i++)
		assert_int_equal(blob_copy(db, &a, &three, &is_damaged), 0);
	assert_int_equal(blob_copy_sync(db), 0);
	assert_int_equal(state_of(db, three.pack), 0);
	db_close(&db);
}

/* A size counts nothing that a failed sync may have lost, and a final one nothing that was never synced. */
TEST(sizes_are_of_what_is_synced)
{
	struct db *db = test_open(test_dir());
	struct blob_ref a = put_ref(db, "a", S("aaaa"));
	int64_t size = 0;

	db_fail_next(db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	assert_int_equal(test_put(db, "lost", S("llll")), -E_IO);
	assert_int_equal(state_of(db, a.pack), 0);
	assert_int_equal(blob_pack_bytes(db, a.pack, &size), 0);
	assert_int_equal(size, a.offset + 4);
	size = 0;
	db_fail_next(db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	assert_int_equal(blob_pack_final_bytes(db, a.pack, &size), -E_IO);
	assert_int_equal(size, 0);
	assert_int_equal(blob_pack_final_bytes(db, a.pack, &size), 0);
	assert_int_equal(size, a.offset + 4);
	assert_int_equal(blob_pack_final_bytes(db, a.pack + 1, &size), -E_NOT_FOUND);
	db_close(&db);
}

/* Who reads keeps on reading; nobody keeps the file for longer. */
TEST(a_removed_pack_is_let_go)
{
	struct db *db = test_open(test_dir());
	struct blob_ref a = put_ref(db, "a", S("aaaa"));
	struct pack_borrowed b;
	char got[4];

	blob_pack_finish(db, a.pack);
	put_ref(db, "b", S("bbbb"));
	assert_int_equal(pack_borrow(db->packs, a.pack, &b), 0);
	assert_int_equal(blob_pack_drop(db, a.pack), 0);
	assert_int_equal(pread(b.fd, got, 4, a.offset), 4);
	assert_memory_equal(got, "aaaa", 4);
	assert_int_equal(blob_read(db, &a, 0, got, 4), -E_NOT_FOUND);
	pack_give_back(&b);
	assert_int_equal(fcntl(b.fd, F_GETFD), -1);
	assert_int_equal(blob_read(db, &a, 0, got, 4), -E_NOT_FOUND);
	db_close(&db);
}

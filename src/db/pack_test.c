/* SPDX-License-Identifier: MIT */
/*
 * Packs: what is written is read, damage is seen, failures leave the old bodies alone, packs
 * are never reused.
 */
#include "db/db_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

static void pack_path(const struct db *db, int64_t pack, char out[600])
{
	snprintf(out, 600, "%s/pack/%06" PRId64 ".pack", db_dir_z(db), pack);
}

static int count_packs(const struct db *db)
{
	char path[600];
	struct dirent *e;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/pack", db_dir_z(db));
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += str_ends(str_z(e->d_name), S(".pack"));
	closedir(dir);
	return n;
}

static struct blob_ref put_ref(struct db *db, const char *name_z, struct str body)
{
	struct blob_ref ref = { 0 };

	assert_int_equal(test_put(db, name_z, body), 0);
	assert_true(test_ref(db, name_z, &ref));
	return ref;
}

TEST(pack_read)
{
	struct db *db = test_open(test_dir());
	struct blob_ref ref = put_ref(db, "a", S("0123456789"));
	static const struct {
		uint64_t off;
		size_t n;
		int want;
	} rows[] = {
		{ 0, 10, 0 }, { 3, 4, 0 }, { 10, 0, 0 }, { 9, 1, 0 },
		{ 10, 1, -E_IO }, { 0, 11, -E_IO }, { 11, 0, -E_IO }, { UINT64_MAX, 2, -E_IO },
	};
	char got[16];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(blob_read(db, &ref, rows[i].off, got, rows[i].n), rows[i].want);
		if (rows[i].want == 0)
			assert_memory_equal(got, &"0123456789"[rows[i].off], rows[i].n);
	}
	ref.length = 3; /* the record knows better */
	assert_int_equal(blob_verify(db, &ref), -E_IO);
	assert_int_equal(blob_length(db, &ref, &ref.length), 0);
	assert_int_equal(ref.length, 10);
	assert_int_equal(blob_verify(db, &ref), 0);
	ref.offset++;
	assert_int_equal(blob_length(db, &ref, &ref.length), -E_IO);
	ref.offset--;
	ref.pack = 77;
	assert_int_equal(blob_read(db, &ref, 0, got, 1), -E_NOT_FOUND);
	assert_int_equal(blob_verify(db, &ref), -E_NOT_FOUND);
	ref.pack = 0;
	assert_int_equal(blob_read(db, &ref, 0, got, 1), -E_IO);
	assert_int_equal(test_put(db, "empty", S("")), 0);
	test_body_is(db, "empty", S(""));
	db_close(&db);
}

/* Every single byte of the record counts. */
TEST(pack_damage)
{
	struct db *db = test_open(test_dir());
	struct blob_ref ref = put_ref(db, "a", S("precious"));
	char path[600], byte;
	int fd;

	pack_path(db, ref.pack, path);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	for (off_t at = ref.offset - 32; at < ref.offset + ref.length; at++) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(blob_verify(db, &ref), -E_IO);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_int_equal(blob_verify(db, &ref), 0);
	assert_int_equal(ftruncate(fd, ref.offset + 3), 0);
	assert_int_equal(blob_verify(db, &ref), -E_IO);
	assert_int_equal(blob_read(db, &ref, 0, path, 8), -E_IO);
	close(fd);
	db_close(&db);
}

/* What another process left at the end of its pack stays as it is. */
TEST(pack_reopen)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z);
	struct blob_ref a = put_ref(db, "a", S("first")), b;
	char path[600];
	struct stat st;
	int fd;

	pack_path(db, a.pack, path);
	db_close(&db);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "torn", 4), 4);
	close(fd);

	db = test_open(dir_z);
	assert_int_equal(count_packs(db), 1); /* none is made without need */
	b = put_ref(db, "b", S("second"));
	assert_true(b.pack > a.pack);
	test_body_is(db, "a", S("first"));
	test_body_is(db, "b", S("second"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 32 + 5 + 4);
	assert_int_equal(st.st_mode & 0777, 0600);
	db_close(&db);
}

static int64_t file_bytes(const struct db *db, int64_t pack)
{
	char path[600];
	struct stat st;

	pack_path(db, pack, path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* Zeros stand where the next small bodies go; they are not counted, and do not stay. */
TEST(pack_is_written_ahead)
{
	struct db *db = test_open(test_dir());
	size_t n = LIMIT_BODY_BATCHED;
	AUTO(mem_auto_free) char *body = mem_alloc(n, 1);
	struct blob_ref a = put_ref(db, "a", S("aaaa")), b, large;
	int64_t bytes, ahead = file_bytes(db, a.pack);

	assert_true(ahead > a.offset + 4);
	assert_int_equal(blob_pack_bytes(db, a.pack, &bytes), 0);
	assert_int_equal(bytes, a.offset + 4);
	b = put_ref(db, "b", S("bbbb"));
	assert_int_equal(b.offset, a.offset + 4 + BLOB_RECORD_EXTRA);
	assert_int_equal(file_bytes(db, a.pack), ahead);
	/* a failed write leaves nothing behind the last record */
	db_fail_next(db, DB_FAIL_PACK_WRITE, 1, -E_DISK_FULL);
	assert_int_equal(test_put(db, "full", S("ffff")), -E_DISK_FULL);
	assert_int_equal(file_bytes(db, a.pack), b.offset + 4);
	b = put_ref(db, "d", S("dddd"));
	assert_true(file_bytes(db, a.pack) > b.offset + 4 + BLOB_RECORD_EXTRA + 4);
	/* what is large is written once */
	large = put_ref(db, "large", str_of(body, n));
	assert_int_equal(large.pack, a.pack);
	assert_int_equal(file_bytes(db, a.pack), large.offset + large.length);
	put_ref(db, "c", S("cccc"));
	assert_true(file_bytes(db, a.pack) > large.offset + large.length + BLOB_RECORD_EXTRA + 4);
	blob_pack_finish(db, a.pack);
	assert_int_equal(file_bytes(db, a.pack), large.offset + large.length + BLOB_RECORD_EXTRA + 4);
	b = put_ref(db, "e", S("eeee"));
	assert_true(b.pack > a.pack && file_bytes(db, b.pack) > b.offset + 4);
	test_body_is(db, "a", S("aaaa"));
	test_body_is(db, "b", S("bbbb"));
	test_body_is(db, "large", str_of(body, n));
	test_body_is(db, "c", S("cccc"));
	db_close(&db);
}

struct measuring {
	struct db *db;
	int64_t pack, bytes;
	int result;
};

static void *measure_main(void *arg)
{
	struct measuring *m = arg;

	m->result = blob_pack_bytes(m->db, m->pack, &m->bytes);
	return NULL;
}

/* The pack ends while somebody asks for its size: the zeros are not counted. */
TEST(pack_bytes_of_one_that_ends)
{
	struct db *db = test_open(test_dir());
	struct blob_ref a = put_ref(db, "a", S("aaaa"));
	struct measuring m = { .db = db, .pack = a.pack };
	pthread_t thread;

	lock_get(&db->packs->batch_lock);
	assert_int_equal(pthread_create(&thread, NULL, measure_main, &m), 0);
	usleep(20000); /* it waits for the lock, or has not come so far */
	pack_out_close(db->packs, &db->packs->batch);
	lock_put(&db->packs->batch_lock);
	pthread_join(thread, NULL);
	assert_int_equal(m.result, 0);
	assert_int_equal(m.bytes, a.offset + 4);
	db_close(&db);
}

/* More packs than are kept open. */
TEST(pack_many)
{
	struct db *db = test_open_with(test_dir(), 100);
	char name[32], body[200];

	memset(body, 'x', sizeof(body));
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%d", i);
		memcpy(body, name, strlen(name) + 1);
		assert_int_equal(test_put(db, name, str_of(body, sizeof(body))), 0);
	}
	assert_int_equal(count_packs(db), 100);
	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "%d", i);
			memset(body, 'x', sizeof(body));
			memcpy(body, name, strlen(name) + 1);
			test_body_is(db, name, str_of(body, sizeof(body)));
		}
	db_close(&db);
}

TEST(pack_large_body)
{
	struct db *db = test_open(test_dir());
	size_t n = LIMIT_BODY_BATCHED + 1;
	char *body = mem_alloc(n, 1);
	struct str s = str_of(body, n);
	struct blob_ref small = put_ref(db, "small", S("x")), ref;
	struct test_put p = { .name = S("refused"), .body = { .bytes = s }, .fail = -E_QUOTA };

	memset(body, 'y', n);
	assert_int_equal(test_put(db, "large", s), 0);
	test_body_is(db, "large", s);
	assert_true(test_ref(db, "large", &ref));
	assert_int_not_equal(ref.pack, small.pack);
	assert_int_equal(count_packs(db), 2);

	/*
	 * its own pack goes when the job fails; it stays when nobody knows whether the commit
	 * is on the disk
	 */
	assert_int_equal(test_put_as(db, &p, DB_DURABLE), -E_QUOTA);
	assert_int_equal(p.body.ref.pack, 0);
	assert_int_equal(count_packs(db), 2);
	db_fail_next(db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	assert_int_equal(test_put(db, "no sync", s), -E_IO);
	assert_int_equal(count_packs(db), 2);
	db_fail_next(db, DB_FAIL_COMMIT, 1, -E_IO);
	assert_int_equal(test_put(db, "unsure", s), -E_IO);
	assert_int_equal(count_packs(db), 3);
	/* the batch's pack went on */
	ref = put_ref(db, "small 2", S("x"));
	assert_int_equal(ref.pack, small.pack);
	mem_free(body);
	db_close(&db);
}

TEST(pack_failures)
{
	struct db *db = test_open(test_dir());
	struct blob_ref a = put_ref(db, "a", S("aaaa")), b, c;

	/* a failed write gives its space back and the pack goes on */
	db_fail_next(db, DB_FAIL_PACK_WRITE, 1, -E_DISK_FULL);
	assert_int_equal(test_put(db, "full", S("ffff")), -E_DISK_FULL);
	b = put_ref(db, "b", S("bbbb"));
	assert_int_equal(b.pack, a.pack);
	assert_int_equal(b.offset, a.offset + 4 + 32);
	/* a failed sync ends the pack */
	db_fail_next(db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	assert_int_equal(test_put(db, "unsynced", S("uuuu")), -E_IO);
	c = put_ref(db, "c", S("cccc"));
	assert_true(c.pack > b.pack);
	test_body_is(db, "a", S("aaaa"));
	test_body_is(db, "b", S("bbbb"));
	test_body_is(db, "c", S("cccc"));
	/* a new pack whose first sync fails leaves no file */
	db_close(&db);
	db = test_open(test_dir());
	db_fail_next(db, DB_FAIL_PACK_SYNC, 1, -E_IO);
	assert_int_equal(test_put(db, "unsynced", S("uuuu")), -E_IO);
	assert_int_equal(count_packs(db), 0);
	db_close(&db);
}

static int several_fn(struct db_tx *tx, void *arg)
{
	struct db_body *bodies = arg;
	static const char *const names[] = { "0", "1", "2", "3", "4" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct blob_ref *ref = &bodies[i].ref;
		int rc = DB_EXEC(tx, &test_sql[T_BODY], DB_T(str_z(names[i])), DB_I(ref->pack),
				 DB_I(ref->offset), DB_I(ref->length));

		if (rc < 0)
			return rc;
	}
	return 0;
}

TEST(pack_several_bodies)
{
	struct db *db = test_open(test_dir());
	struct db_body bodies[5] = {
		{ .bytes = S("zero") }, { .bytes = S("") }, { .bytes = S("two") },
		{ .bytes = S("three") }, { .bytes = S("four") },
	};
	struct db_write_job j = {
		.fn = several_fn, .arg = bodies, .bodies = bodies, .n_bodies = ARRAY_LEN(bodies),
	};

	assert_int_equal(db_write(db, &j), 0);
	test_body_is(db, "0", S("zero"));
	test_body_is(db, "1", S(""));
	test_body_is(db, "2", S("two"));
	test_body_is(db, "4", S("four"));
	db_close(&db);
}

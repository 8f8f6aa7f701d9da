/* SPDX-License-Identifier: MIT */
/*
 * What SQLite writes to the WAL reaches the system in few calls, in time, and with its failures. This
 * program's own pwrite64() is taken instead of libc's.
 */
#include "db/db_test.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIG_ROWS 3000
#define BIG_BYTES 3000

static struct {
	atomic_int calls;
	atomic_llong bytes;
	atomic_int fail; /* the nth from now; 0: none */
} wal;

static bool is_wal(int fd)
{
	char link[64], name[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name));
	return n > 0 && str_ends(str_of(name, (size_t)n), S("-wal"));
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t off)
{
	if (is_wal(fd)) {
		wal.calls++;
		if (wal.fail > 0 && --wal.fail == 0) {
			errno = ENOSPC;
			return -1;
		}
		wal.bytes += (long long)n;
	}
	return syscall(SYS_pwrite64, fd, p, n, off);
}

static int several_fn(struct db_tx *tx, void *arg)
{
	const int *n = arg;
	static char big[BIG_BYTES];

	for (int i = 0; i < *n; i++) {
		char name[32];
		int rc;

		snprintf(name, sizeof(name), "row %d", i);
		rc = DB_EXEC(tx, &test_sql[T_INSERT], DB_T(str_z(name)), DB_B(str_of(big, sizeof(big))));
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int several(struct db *db, int n, enum db_durability durability)
{
	struct db_write_job j = { .fn = several_fn, .arg = &n, .durability = durability };

	return db_write(db, &j);
}

/* A reader, which has files of its own, sees all of it; the next one finds it on the disk. */
TEST(wal_commits_are_one_write)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z);

	assert_int_equal(test_put(db, "first", (struct str){ 0 }), 0);
	wal.calls = 0;
	wal.bytes = 0;
	assert_int_equal(several(db, 5, DB_LAZY), 0);
	assert_int_equal(wal.calls, 1);
	assert_true(wal.bytes >= 5 * (BIG_BYTES + 24));
	assert_int_equal(test_count(db), 6);
	assert_int_equal(test_put(db, "durable", (struct str){ 0 }), 0);
	assert_int_equal(wal.calls, 2);
	assert_int_equal(test_count(db), 7);
	db_close(&db);
	db = test_open(dir_z);
	assert_int_equal(test_count(db), 7);
	db_close(&db);
}

static int change_fn(struct db_tx *tx, void *arg)
{
	int n = BIG_ROWS;
	int rc = several_fn(tx, &n);

	(void)arg;
	return rc < 0 ? rc : DB_EXEC(tx, &test_sql[T_DROP], DB_T(S("row 0")));
}

/*
 * More than is held, more than the cache holds: pages are written before the end, read again, and written again
 * in their places, after which SQLite changes the headers of all frames behind them.
 */
TEST(wal_of_a_large_transaction)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z);
	struct db_write_job change = { .fn = change_fn, .durability = DB_LAZY };

	assert_int_equal(db_write(db, &change), 0);
	assert_int_equal(test_count(db), BIG_ROWS - 1);
	assert_int_equal(test_put(db, "row 0", (struct str){ 0 }), 0);
	assert_int_equal(test_count(db), BIG_ROWS);
	db_close(&db);
	db = test_open(dir_z);
	assert_int_equal(test_count(db), BIG_ROWS);
	db_close(&db);
}

TEST(wal_of_many_pages)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z);

	wal.calls = 0;
	wal.bytes = 0;
	assert_int_equal(several(db, BIG_ROWS, DB_DURABLE), 0);
	assert_int_equal(test_count(db), BIG_ROWS);
	assert_true(wal.bytes > (long long)BIG_ROWS * BIG_BYTES);
	assert_true(wal.calls < BIG_ROWS);
	db_close(&db);
	db = test_open(dir_z);
	assert_int_equal(test_count(db), BIG_ROWS);
	db_close(&db);
}

/* Whichever call fails, that commit fails, nobody sees it, and the next works. */
TEST(wal_writes_that_fail)
{
	for (int nth = 1; nth <= 3; nth++) {
		const char *dir_z = test_dir();
		struct db *db = test_open(dir_z);

		assert_int_equal(test_put(db, "first", (struct str){ 0 }), 0);
		wal.fail = nth;
		assert_int_equal(several(db, 50, DB_LAZY), -E_DISK_FULL);
		assert_int_equal(wal.fail, 0);
		assert_int_equal(test_count(db), 1);
		assert_int_equal(several(db, 5, DB_DURABLE), 0);
		assert_int_equal(test_count(db), 6);
		db_close(&db);
		db = test_open(dir_z);
		assert_int_equal(test_count(db), 6);
		db_close(&db);
	}
}

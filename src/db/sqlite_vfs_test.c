/* SPDX-License-Identifier: MIT */
/*
 * What SQLite writes to the WAL reaches the system in few calls, in time, and with its failures. This
 * program's own pwrite64() is taken instead of libc's.
 */
#include "db/db_test.h"
#include "db/sqlite_vfs.h"

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

static int nothing_fn(struct db_tx *tx, void *arg)
{
	(void)tx;
	(void)arg;
	return 0;
}

static int give_up_fn(struct db_tx *tx, void *arg)
{
	int n = BIG_ROWS;
	int rc = several_fn(tx, &n);

	(void)arg;
	return rc < 0 ? rc : -E_QUOTA;
}

/* Frames of a transaction that is gone are held when it ends; a commit that writes none itself does not mind. */
TEST(wal_of_a_large_transaction_that_fails)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z);

	assert_int_equal(test_put(db, "first", (struct str){ 0 }), 0);
	db_close(&db); /* a new WAL, of which the rollback reads nothing */
	db = test_open(dir_z);
	assert_int_equal(db_write(db, &(struct db_write_job){ .fn = give_up_fn }), -E_QUOTA);
	assert_int_equal(db_write(db, &(struct db_write_job){ .fn = nothing_fn }), 0);
	assert_int_equal(test_count(db), 1);
	assert_int_equal(several(db, 5, DB_DURABLE), 0);
	assert_int_equal(test_count(db), 6);
	db_close(&db);
	db = test_open(dir_z);
	assert_int_equal(test_count(db), 6);
	db_close(&db);
}

static int go_on_fn(struct db_tx *tx, void *arg)
{
	int n = BIG_ROWS, *ret = arg;

	*ret = several_fn(tx, &n);
	wal.fail = 1;
	for (int i = 0; i < BIG_ROWS && *ret == 0; i++) {
		char name[32];

		snprintf(name, sizeof(name), "row %d", i);
		*ret = DB_EXEC(tx, &test_sql[T_DROP], DB_T(str_z(name)));
	}
	return 0;
}

/*
 * A statement reads what was spilled, so that what is held must be written, and the disk is full: SQLite would undo that
 * statement alone, but the frames that are lost are of those before it.
 */
TEST(wal_that_cannot_be_read)
{
	const char *dir_z = test_dir();
	struct db *db = test_open(dir_z);
	int why = 0;

	assert_int_equal(test_put(db, "first", (struct str){ 0 }), 0);
	assert_int_equal(db_write(db, &(struct db_write_job){ .fn = go_on_fn, .arg = &why }), -E_IO);
	assert_int_equal(why, -E_DISK_FULL);
	assert_int_equal(test_count(db), 1);
	assert_int_equal(several(db, 5, DB_DURABLE), 0);
	assert_int_equal(test_count(db), 6);
	db_close(&db);
	db = test_open(dir_z);
	assert_int_equal(test_count(db), 6);
	db_close(&db);
}

/* A frame as SQLite writes it; the last of a transaction says how many pages there are then. */
static int write_frame(sqlite3_file *f, int i, bool is_last)
{
	static const char page[4096] = "page";
	char head[24] = { 0, 0, 0, 1, 0, 0, 0, is_last };
	sqlite3_int64 at = 32 + i * (sqlite3_int64)(sizeof(head) + sizeof(page));
	int rc = f->pMethods->xWrite(f, head, sizeof(head), at);

	return rc == SQLITE_OK ? f->pMethods->xWrite(f, page, sizeof(page), at + (sqlite3_int64)sizeof(head)) : rc;
}

/* A WAL of nobody's, to be written to by hand. */
static sqlite3_file *open_wal(struct db *db)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(SQLITE_VFS_NAME);
	sqlite3_file *f = mem_alloc((size_t)vfs->szOsFile, 1);
	int fd = os_file_create(db->dir_fd, "other"); /* whose mode its WAL gets */
	char path[600];

	assert_true(fd >= 0);
	os_file_close(&fd);
	snprintf(path, sizeof(path), "%s/other-wal", db->dir_z);
	assert_int_equal(vfs->xOpen(vfs, path, f, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL, NULL),
			 SQLITE_OK);
	return f;
}

static void close_wal(sqlite3_file *f)
{
	assert_int_equal(f->pMethods->xClose(f), SQLITE_OK);
	mem_free(f);
}

/* Whoever asks the file for something finds in it what was written before. */
TEST(wal_calls_find_what_is_held)
{
	struct db *db = test_open(test_dir());
	sqlite3_file *f = open_wal(db);
	const struct sqlite3_io_methods *m = f->pMethods;
	sqlite3_int64 frame = 24 + 4096, size;
	int64_t bytes;
	char got[4];

	assert_int_equal(write_frame(f, 0, false), SQLITE_OK);
	assert_int_equal(m->xFileSize(f, &size), SQLITE_OK);
	assert_int_equal(size, 32 + frame);
	assert_int_equal(write_frame(f, 1, false), SQLITE_OK);
	assert_int_equal(m->xRead(f, got, 4, 32 + frame + 24), SQLITE_OK);
	assert_memory_equal(got, "page", 4);
	/* a new size would else be undone by the write behind it */
	assert_int_equal(write_frame(f, 2, false), SQLITE_OK);
	assert_int_equal(m->xTruncate(f, 32 + frame), SQLITE_OK);
	assert_int_equal(m->xFileSize(f, &size), SQLITE_OK);
	assert_int_equal(size, 32 + frame);
	assert_int_equal(write_frame(f, 1, false), SQLITE_OK);
	assert_true(sqlite_vfs_is_held(f));
	assert_int_equal(m->xSync(f, SQLITE_SYNC_NORMAL), SQLITE_OK);
	assert_false(sqlite_vfs_is_held(f));
	assert_int_equal(write_frame(f, 2, false), SQLITE_OK);
	assert_true(sqlite_vfs_is_held(f));
	(void)!m->xFileControl(f, SQLITE_FCNTL_SIZE_HINT, &size);
	assert_false(sqlite_vfs_is_held(f));
	assert_int_equal(write_frame(f, 3, false), SQLITE_OK);
	close_wal(f);
	assert_int_equal(os_file_size(db->dir_fd, "other-wal", &bytes), 0);
	assert_int_equal(bytes, 32 + 4 * frame);
	db_close(&db);
}

/* Whatever SQLite makes of a failure, no commit stands behind frames that are lost. */
TEST(wal_after_a_loss)
{
	struct db *db = test_open(test_dir());
	sqlite3_file *f = open_wal(db);
	sqlite3_int64 size;
	char byte;

	assert_int_equal(write_frame(f, 0, false), SQLITE_OK);
	assert_true(sqlite_vfs_is_held(f));
	wal.fail = 1;
	assert_int_equal(f->pMethods->xRead(f, &byte, 1, 0), SQLITE_IOERR_WRITE);
	assert_int_equal(wal.fail, 0);
	assert_int_equal(write_frame(f, 1, true), SQLITE_FULL);
	assert_int_equal(write_frame(f, 0, true), SQLITE_FULL);
	assert_int_equal(f->pMethods->xSync(f, SQLITE_SYNC_NORMAL), SQLITE_IOERR_WRITE);
	/* given up: the next transaction is whole, and has nothing of that one */
	sqlite_vfs_forget(f);
	assert_int_equal(write_frame(f, 0, false), SQLITE_OK);
	assert_int_equal(write_frame(f, 1, false), SQLITE_OK);
	assert_true(sqlite_vfs_is_held(f));
	sqlite_vfs_forget(f);
	assert_false(sqlite_vfs_is_held(f));
	assert_int_equal(write_frame(f, 0, true), SQLITE_OK);
	assert_false(sqlite_vfs_is_held(f));
	assert_int_equal(f->pMethods->xFileSize(f, &size), SQLITE_OK);
	assert_int_equal(size, 32 + 24 + 4096);
	close_wal(f);
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

static void check(struct db *db)
{
	struct db_tx *tx = NULL;
	struct db_query q;

	assert_int_equal(db_read_begin(db, &tx), 0);
	db_query(tx, &q, &test_sql[T_CHECK], NULL, 0);
	assert_int_equal(db_step(&q), 1);
	assert_str_eq(db_text(&q, 0), S("ok"));
	db_done(&q);
	db_read_end(&tx);
}

static int ignore_fn(struct db_tx *tx, void *arg)
{
	int n = BIG_ROWS / 2;
	int rc = several_fn(tx, &n);

	(void)arg;
	for (int i = 0; i < n && rc == 0; i++) {
		char name[32];

		snprintf(name, sizeof(name), "row %d", i);
		rc = DB_EXEC(tx, &test_sql[T_DROP], DB_T(str_z(name)));
	}
	return 0;
}

/* Wherever the disk is full, and even if the job makes nothing of it: all of the transaction is there or nothing. */
TEST(wal_writes_that_fail_in_a_large_transaction)
{
	int n_failed = 0;

	for (int nth = 1; nth < 2000; nth += 1 + nth / 3) {
		const char *dir_z = test_dir();
		struct db *db = test_open(dir_z);

		assert_int_equal(test_put(db, "first", (struct str){ 0 }), 0);
		wal.fail = nth;
		n_failed += db_write(db, &(struct db_write_job){ .fn = ignore_fn }) < 0;
		wal.fail = 0;
		assert_int_equal(test_count(db), 1);
		assert_int_equal(several(db, 5, DB_DURABLE), 0);
		check(db);
		db_close(&db);
		db = test_open(dir_z);
		assert_int_equal(test_count(db), 6);
		check(db);
		db_close(&db);
	}
	assert_true(n_failed > 10);
}

/* SPDX-License-Identifier: MIT */
/*
 * Syncs that fail, for SQLite's files too: this program's own fdatasync(), fsync() and pwritev()
 * are taken instead of libc's. After a failed sync of the database nothing is tried again, nobody
 * is told anything, and the next open makes good whatever the kernel did with the bytes.
 */
#include "db/db_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

enum kind { DATABASE, WAL, PACK, DIRECTORY, OTHER, KINDS };

static struct {
	atomic_int syncs[KINDS];
	atomic_int fail[KINDS]; /* the nth from now; 0: none */
	atomic_int wal_bytes;   /* written by os_file.c */
	atomic_llong pack_max;  /* the disk is full where a pack is larger; 0: it is never */
	atomic_int lost;
	atomic_int answered; /* of jobs, when it was lost */
} disk;

static enum kind kind_of(int fd)
{
	static const char *const tails[] = { [DATABASE] = ".db", [WAL] = "-wal", [PACK] = ".pack" };
	char link[64], name[4096];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return DIRECTORY;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name));
	for (size_t i = 0; n > 0 && i < ARRAY_LEN(tails); i++)
		if (str_ends(str_of(name, (size_t)n), str_z(tails[i])))
			return (enum kind)i;
	return OTHER;
}

/* No real sync is made. */
static int sync_or_fail(int fd)
{
	enum kind kind = kind_of(fd);

	disk.syncs[kind]++;
	if (disk.fail[kind] > 0 && --disk.fail[kind] == 0) {
		errno = EIO;
		return -1;
	}
	return 0;
}

int fdatasync(int fd)
{
	return sync_or_fail(fd);
}

int fsync(int fd)
{
	return sync_or_fail(fd);
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	enum kind kind = kind_of(fd);
	ssize_t done;

	if (kind == PACK && disk.pack_max) {
		struct iovec part = iov[0];

		if (off >= disk.pack_max) {
			errno = ENOSPC;
			return -1;
		}
		if (part.iov_len > (size_t)(disk.pack_max - off))
			part.iov_len = (size_t)(disk.pack_max - off);
		return syscall(SYS_pwritev, fd, &part, 1, off, 0);
	}
	done = syscall(SYS_pwritev, fd, iov, n, off, 0);
	if (done > 0 && kind == WAL)
		disk.wal_bytes += (int)done;
	return done;
}

static int jobs_answered;

static void lost(const char *why_z)
{
	assert_non_null(why_z);
	disk.lost++;
	disk.answered = __atomic_load_n(&jobs_answered, __ATOMIC_SEQ_CST);
}

static int try_open(const char *dir_z, struct db **ret, struct fault *f)
{
	const struct db_options o = {
		.dir_z = dir_z,
		.sql = test_sets,
		.n_sql = 1,
		.migrations = test_migrations,
		.n_migrations = 1,
		.checkpoint_pages = 20,
		.lost = lost,
	};

	return db_open(&o, ret, f);
}

static struct db *open_at(const char *dir_z)
{
	struct fault f = { "" };
	struct db *db = NULL;

	assert_int_equal(try_open(dir_z, &db, &f), 0);
	memset(&disk, 0, sizeof(disk));
	jobs_answered = 0;
	return db;
}

static int put(struct db *db, const char *name_z, enum db_durability durability)
{
	struct test_put p = { .name = str_z(name_z) };
	int rc = test_put_as(db, &p, durability);

	__atomic_add_fetch(&jobs_answered, 1, __ATOMIC_SEQ_CST);
	return rc;
}

static char *read_file(const char *dir_z, const char *name_z, size_t *ret_n)
{
	char path[4096];
	struct stat st;
	char *bytes;

	snprintf(path, sizeof(path), "%s/%s", dir_z, name_z);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*ret_n = (size_t)st.st_size;
	bytes = mem_alloc(*ret_n + 1, 1);
	assert_int_equal(read(fd, bytes, *ret_n), st.st_size);
	close(fd);
	return bytes;
}

static void write_file(const char *dir_z, const char *name_z, const char *bytes, size_t n)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir_z, name_z);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* Nothing is read, written or synced any more. */
static void is_lost(struct db *db)
{
	struct db_tx *tx = NULL;
	int syncs = disk.syncs[WAL] + disk.syncs[DATABASE];

	assert_int_equal(disk.lost, 1);
	assert_int_equal(put(db, "later", DB_DURABLE), -E_IO);
	assert_int_equal(put(db, "later and lazy", DB_LAZY), -E_IO);
	assert_int_equal(db_read_begin(db, &tx), -E_IO);
	db_close(&db);
	assert_int_equal(disk.syncs[WAL] + disk.syncs[DATABASE], syncs);
	assert_int_equal(disk.lost, 1);
}

TEST(sync_of_a_commit_fails)
{
	const char *dir_z = test_dir();
	struct db *db = open_at(dir_z);
	struct blob_ref ref;

	assert_int_equal(put(db, "before", DB_DURABLE), 0);
	disk.fail[WAL] = 1;
	assert_int_equal(put(db, "unknown", DB_DURABLE), -E_IO);
	assert_int_equal(disk.answered, 1); /* lost was told before the second answer */
	is_lost(db);

	db = open_at(dir_z);
	assert_true(test_ref(db, "before", &ref));
	assert_false(test_ref(db, "later", &ref));
	assert_int_equal(put(db, "after", DB_DURABLE), 0);
	db_close(&db);
	db = open_at(dir_z);
	assert_true(test_ref(db, "after", &ref));
	db_close(&db);
}

TEST(sync_of_lazy_commits_fails)
{
	const char *dir_z = test_dir();
	struct db *db = open_at(dir_z);
	int64_t start = clock_mono_ms();

	disk.fail[WAL] = 1;
	assert_int_equal(put(db, "lazy", DB_LAZY), 0);
	while (disk.lost == 0 && clock_mono_ms() - start < 10000)
		usleep(10000);
	is_lost(db);
	db = open_at(dir_z);
	assert_int_equal(put(db, "after", DB_DURABLE), 0);
	db_close(&db);
}

/*
 * A reader lets a checkpoint copy only the first pages, unsynced; the next one copies the rest, and
 * its sync fails. The kernel may have dropped all of them, so all must be copied again.
 */
TEST(sync_of_a_checkpoint_fails)
{
	const char *dir_z = test_dir();
	struct db *db = open_at(dir_z);
	AUTO(mem_auto_free) char *old = NULL;
	struct db_tx *tx;
	char name[32];
	size_t n_old;
	int n = 0;

	old = read_file(dir_z, "martlet.db", &n_old);
	for (; n < 5; n++) {
		snprintf(name, sizeof(name), "%d", n);
		assert_int_equal(put(db, name, DB_DURABLE), 0);
	}
	assert_int_equal(db_read_begin(db, &tx), 0);
	AUTO(db_done) struct db_query q = { 0 };

	DB_QUERY(tx, &q, &test_sql[T_COUNT]);
	assert_int_equal(db_step(&q), 1);
	for (; n < 25; n++) {
		snprintf(name, sizeof(name), "%d", n);
		assert_int_equal(put(db, name, DB_DURABLE), 0);
	}
	assert_int_equal(disk.syncs[DATABASE], 0);
	db_done(&q);
	db_read_end(&tx);
	disk.fail[DATABASE] = 1;
	for (; n < 50 && disk.lost == 0; n++) {
		snprintf(name, sizeof(name), "%d", n);
		if (put(db, name, DB_DURABLE) < 0)
			break;
	}
	is_lost(db);

	write_file(dir_z, "martlet.db", old, n_old);
	db = open_at(dir_z);
	for (int i = 0; i < n; i++) {
		struct blob_ref ref;

		snprintf(name, sizeof(name), "%d", i);
		assert_true(test_ref(db, name, &ref));
	}
	db_close(&db);
}

/* What a killed process left in the WAL is written and synced again before it is believed. */
TEST(sync_of_an_old_wal)
{
	const char *dir_z = test_dir();
	char copy[4096];
	struct db *db = open_at(dir_z);
	AUTO(mem_auto_free) char *wal = NULL, *file = NULL;
	struct fault f = { "" };
	struct blob_ref ref;
	size_t n_wal, n_file;

	assert_int_equal(put(db, "old", DB_DURABLE), 0);
	snprintf(copy, sizeof(copy), "%s/copy", dir_z);
	assert_int_equal(mkdir(copy, 0700), 0);
	wal = read_file(dir_z, "martlet.db-wal", &n_wal);
	file = read_file(dir_z, "martlet.db", &n_file);
	write_file(copy, "martlet.db-wal", wal, n_wal);
	write_file(copy, "martlet.db", file, n_file);
	db_close(&db);

	memset(&disk, 0, sizeof(disk));
	disk.fail[WAL] = 1;
	assert_int_equal(try_open(copy, &db, &f), -E_IO);
	assert_null(db);
	assert_int_equal(disk.wal_bytes, n_wal);
	assert_int_equal(disk.syncs[DATABASE], 0);
	assert_non_null(strstr(f.text, "martlet.db-wal"));
	disk.wal_bytes = 0;
	assert_int_equal(try_open(copy, &db, &f), 0);
	assert_int_equal(disk.wal_bytes, n_wal);
	assert_true(test_ref(db, "old", &ref));
	db_close(&db);
}

/* The last name that an open makes is the WAL's; SQLite does not look whether it is synced. */
TEST(sync_of_the_names_fails)
{
	char dir[4096];
	struct db *db = NULL;
	struct fault f = { "" };
	int n;

	memset(&disk, 0, sizeof(disk));
	assert_int_equal(try_open(test_dir(), &db, &f), 0);
	n = disk.syncs[DIRECTORY];
	assert_true(n >= 2);
	snprintf(dir, sizeof(dir), "%s/second", db_dir_z(db));
	db_close(&db);
	disk.fail[DIRECTORY] = n;
	assert_int_equal(try_open(dir, &db, &f), -E_IO);
	assert_null(db);
	assert_int_equal(disk.fail[DIRECTORY], 0);
	assert_int_equal(try_open(dir, &db, &f), 0);
	db_close(&db);
}

/* Packs are left alone after a failed sync; what was stored in them before stays good. */
TEST(sync_of_a_pack_fails)
{
	struct db *db = open_at(test_dir());

	assert_int_equal(test_put(db, "a", S("a body")), 0);
	disk.fail[PACK] = 1;
	assert_int_equal(test_put(db, "b", S("another body")), -E_IO);
	assert_int_equal(test_put(db, "c", S("the third")), 0);
	assert_int_equal(disk.lost, 0);
	test_body_is(db, "a", S("a body"));
	test_body_is(db, "c", S("the third"));
	db_close(&db);
}

static int64_t pack_file_bytes(struct db *db, int64_t pack)
{
	char name[32];
	int64_t bytes;

	pack_name(name, pack);
	assert_int_equal(os_file_size(db->packs->dir_fd, name, &bytes), 0);
	return bytes;
}

/* Zeros ahead of the bodies that the disk has no room for: what was written of them does not keep room from others. */
TEST(sync_of_a_pack_without_room_ahead)
{
	struct db *db = open_at(test_dir());
	struct test_put a = { .name = S("a"), .body = { .bytes = S("aaaa") } };
	struct test_put b = { .name = S("b"), .body = { .bytes = S("bbbb") } };
	int64_t bytes;

	disk.pack_max = 100000;
	assert_int_equal(test_put_as(db, &a, DB_DURABLE), 0);
	assert_int_equal(pack_file_bytes(db, a.body.ref.pack), a.body.ref.offset + 4);
	disk.pack_max = 0;
	assert_int_equal(test_put_as(db, &b, DB_DURABLE), 0);
	assert_true(pack_file_bytes(db, a.body.ref.pack) > b.body.ref.offset + 4);
	blob_pack_finish(db, a.body.ref.pack);
	assert_int_equal(blob_pack_bytes(db, a.body.ref.pack, &bytes), 0);
	assert_int_equal(bytes, b.body.ref.offset + 4);
	test_body_is(db, "a", S("aaaa"));
	test_body_is(db, "b", S("bbbb"));
	db_close(&db);
}

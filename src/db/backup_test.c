/* SPDX-License-Identifier: MIT */
/* A backup is whole, or what it was before; what is there already is not copied again. */
#include "db/db_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "db/backup.h"

static const struct db_sql ends = {
	.sql = "SELECT pack, max(off + len) FROM item WHERE pack IS NOT NULL AND pack > 0"
	       " GROUP BY pack ORDER BY pack"
};

struct watch {
	int left; /* calls of go_on() before it ends the backup; 0: never */
	int n_damaged;
	char said[200];
};

static int count_down(void *ctx, struct fault *fault)
{
	struct watch *w = ctx;

	if (w->left == 0 || --w->left > 0)
		return 0;
	return fault_set(fault, -E_TIMEOUT, "ended by the test");
}

static void keep_damaged(void *ctx, const char *text_z)
{
	struct watch *w = ctx;

	w->n_damaged++;
	snprintf(w->said, sizeof(w->said), "%s", text_z);
}

static int backup_rc(const char *from_z, const char *to_z, bool is_alone, struct watch *w,
		     struct db_backup_counts *ret, struct fault *f)
{
	const struct db_backup_job job = {
		.from_z = from_z, .to_z = to_z, .packs = &ends, .is_alone = is_alone,
		.go_on = count_down, .damaged = keep_damaged, .ctx = w,
	};

	return db_backup(&job, ret, f);
}

static struct db_backup_counts backup(const char *from_z, const char *to_z, bool is_alone)
{
	struct watch w = { 0 };
	struct db_backup_counts n;
	struct fault f = { "" };
	int rc = backup_rc(from_z, to_z, is_alone, &w, &n, &f);

	if (rc < 0)
		fail_msg("%s", f.text);
	assert_int_equal(w.n_damaged, 0);
	return n;
}

static void in(const char *dir_z, const char *name_z, char out[300])
{
	assert_true(snprintf(out, 300, "%s/%s", dir_z, name_z) < 300);
}

static bool is_there(const char *dir_z, const char *name_z)
{
	char path[300];

	in(dir_z, name_z, path);
	return access(path, F_OK) == 0;
}

static ino_t inode(const char *dir_z, const char *name_z)
{
	char path[300];
	struct stat st;

	in(dir_z, name_z, path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static int open_rc(const char *dir_z, struct fault *f)
{
	const struct db_options o = { .dir_z = dir_z, .sql = test_sets, .n_sql = 1,
				      .migrations = test_migrations, .n_migrations = 1 };
	struct db *db = NULL;
	int rc = db_open(&o, &db, f);

	db_close(&db);
	return rc;
}

/* n bodies of about 900 bytes, in packs of about 4. */
static void put_many(struct db *db, int from, int n)
{
	char name[32], body[900];

	for (int i = from; i < from + n; i++) {
		snprintf(name, sizeof(name), "%d", i);
		memset(body, 'a' + i % 26, sizeof(body));
		memcpy(body, name, strlen(name));
		assert_int_equal(test_put(db, name, str_of(body, sizeof(body))), 0);
	}
}

static void check_many(const char *dir_z, int n)
{
	struct db *db = test_open(dir_z);
	char name[32], body[900];

	assert_int_equal(test_count(db), n);
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%d", i);
		memset(body, 'a' + i % 26, sizeof(body));
		memcpy(body, name, strlen(name));
		test_body_is(db, name, str_of(body, sizeof(body)));
	}
	db_close(&db);
}

static void two_dirs(char from[300], char to[300])
{
	const char *dir_z = test_dir();

	in(dir_z, "from", from);
	in(dir_z, "to", to);
}

/* Beside the one that writes, and again with more. */
TEST(backup_of_a_directory_in_use)
{
	char from[300], to[300];
	struct db_backup_counts n;
	struct db *db;
	ino_t first;

	two_dirs(from, to);
	db = test_open_with(from, 3000);
	put_many(db, 0, 10);
	n = backup(from, to, false);
	assert_int_equal(n.packs, 3);
	assert_int_equal(n.copied, 3);
	assert_int_equal(n.bytes, 10 * (900 + 32));
	assert_true(is_there(to, DB_BACKUP_DONE));
	assert_false(is_there(to, DB_BACKUP_UNFINISHED));
	check_many(to, 10);
	/* more to the last pack, and a new one */
	first = inode(to, "pack/000001.pack");
	put_many(db, 10, 5);
	n = backup(from, to, false);
	assert_int_equal(n.packs, 4);
	assert_int_equal(n.copied, 2);
	assert_int_equal(inode(to, "pack/000001.pack"), first);
	check_many(to, 15);
	n = backup(from, to, false);
	assert_int_equal(n.copied, 0);
	/* looking into it does not make it anything else; its owner may be gone for good */
	db_close(&db);
	check_many(from, 15);
	n = backup(from, to, true);
	assert_int_equal(n.copied, 0);
	check_many(to, 15);
}

static int drop_item(struct db_tx *tx, void *arg)
{
	return DB_EXEC(tx, &test_sql[T_DROP], DB_T(str_z(arg)));
}

TEST(backup_forgets_what_is_gone)
{
	char from[300], to[300], name[] = "0";
	struct db_write_job j = { .fn = drop_item, .arg = name };
	struct db_backup_counts n;
	struct db *db;

	two_dirs(from, to);
	db = test_open_with(from, 100);
	put_many(db, 0, 3);
	backup(from, to, false);
	assert_int_equal(db_write(db, &j), 0);
	n = backup(from, to, false);
	assert_int_equal(n.packs, 2);
	assert_int_equal(n.removed, 1);
	assert_false(is_there(to, "pack/000001.pack"));
	assert_true(is_there(from, "pack/000001.pack"));
	db_close(&db);
}

/* A first backup that ends anywhere is none; the next one goes on. */
TEST(backup_unfinished)
{
	char from[300], to[300];
	struct db_backup_counts n;
	struct watch w = { 0 };
	struct fault f = { "" };
	struct db *db;
	int calls;

	two_dirs(from, to);
	db = test_open_with(from, 100);
	put_many(db, 0, 8);
	for (calls = 1; calls < 100; calls++) {
		w.left = calls;
		int rc = backup_rc(from, to, false, &w, &n, &f);

		if (rc == 0)
			break;
		assert_int_equal(rc, -E_TIMEOUT);
		assert_string_equal(f.text, "ended by the test");
		assert_true(is_there(to, DB_BACKUP_UNFINISHED));
		assert_int_equal(open_rc(to, &f), -E_CANNOT);
	}
	assert_in_range(calls, 8, 50);
	assert_in_range(n.copied, 0, 2);
	check_many(to, 8);
	db_close(&db);
}

/* A later one leaves the earlier one whole until it is whole itself. */
TEST(backup_brought_up_to_date)
{
	char from[300], to[300];
	struct db_backup_counts n;
	struct watch w = { 0 };
	struct fault f = { "" };
	struct db *db;
	int calls;

	two_dirs(from, to);
	db = test_open_with(from, 2000);
	put_many(db, 0, 8);
	backup(from, to, false);
	put_many(db, 8, 8);
	for (calls = 1; calls < 100; calls++) {
		w.left = calls;
		if (backup_rc(from, to, false, &w, &n, &f) == 0)
			break;
		check_many(to, 8);
	}
	assert_in_range(calls, 3, 50);
	check_many(to, 16);
	db_close(&db);
}

TEST(backup_refuses)
{
	char from[300], to[300], path[300];
	struct db_backup_counts n;
	struct watch w = { 0 };
	struct fault f = { "" };
	struct db *db, *other;
	int fd;

	two_dirs(from, to);
	assert_int_equal(backup_rc(from, to, true, &w, &n, &f), -E_NOT_FOUND);
	assert_false(is_there(to, DB_BACKUP_UNFINISHED));
	db = test_open_with(from, 100);
	put_many(db, 0, 2);
	/* somebody's directory */
	assert_int_equal(mkdir(to, 0700), 0);
	in(to, "letter", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(backup_rc(from, to, false, &w, &n, &f), -E_EXISTS);
	assert_int_equal(unlink(path), 0);
	/* itself; a directory that is in use; a source that is not ours alone */
	assert_int_equal(backup_rc(from, from, false, &w, &n, &f), -E_EXISTS);
	backup(from, to, false);
	assert_int_equal(backup_rc(from, to, true, &w, &n, &f), -E_BUSY);
	other = test_open(to);
	assert_int_equal(backup_rc(from, to, false, &w, &n, &f), -E_BUSY);
	/* lived in: no backup any more, whatever happens to it */
	assert_int_equal(db_claim(other, &f), 0);
	assert_int_equal(db_claim(other, &f), 0);
	db_close(&other);
	assert_int_equal(backup_rc(from, to, false, &w, &n, &f), -E_EXISTS);
	check_many(to, 2);
	db_close(&db);
}

static void flip(const char *dir_z, const char *name_z, off_t at)
{
	char path[300], byte;
	int fd;

	in(dir_z, name_z, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Whether the backup is of other data or one of both is damaged: nothing is overwritten. */
TEST(backup_of_other_data)
{
	char from[300], to[300];
	struct db_backup_counts n;
	struct watch w = { 0 };
	struct fault f = { "" };
	struct db *db;

	two_dirs(from, to);
	db = test_open_with(from, 3000);
	put_many(db, 0, 8);
	backup(from, to, false);
	flip(from, "pack/000001.pack", 10);
	assert_int_equal(backup_rc(from, to, false, &w, &n, &f), -E_CANNOT);
	check_many(to, 8);
	flip(from, "pack/000001.pack", 10);
	backup(from, to, false);
	db_close(&db);
}

/* What the source has lost stays in the earlier backup, and is told. */
TEST(backup_of_damaged_data)
{
	char from[300], to[300], path[300];
	struct db_backup_counts n;
	struct watch w = { 0 };
	struct fault f = { "" };
	struct db *db;

	two_dirs(from, to);
	db = test_open_with(from, 100);
	put_many(db, 0, 4);
	backup(from, to, false);
	in(from, "pack/000002.pack", path);
	assert_int_equal(unlink(path), 0);
	in(from, "pack/000003.pack", path);
	assert_int_equal(truncate(path, 500), 0);
	assert_int_equal(backup_rc(from, to, false, &w, &n, &f), 0);
	assert_int_equal(w.n_damaged, 2);
	assert_int_equal(n.damaged, 2);
	check_many(to, 4);
	db_close(&db);
}

/* The WAL of somebody who looked into the earlier backup and died is not taken for the new one's. */
TEST(backup_over_a_wal)
{
	char from[300], to[300], path[300], other[300];
	struct db *db;

	two_dirs(from, to);
	db = test_open_with(from, 3000);
	put_many(db, 0, 4);
	backup(from, to, false);
	/* a WAL of its own: as left by a process that was killed */
	struct db *dead = test_open(to);

	assert_int_equal(test_put(dead, "stray", (struct str){ 0 }), 0);
	in(to, "martlet.db-wal", path);
	in(to, "kept-wal", other);
	assert_int_equal(link(path, other), 0);
	db_close(&dead);
	assert_int_equal(rename(other, path), 0);
	put_many(db, 4, 4);
	backup(from, to, false);
	assert_false(is_there(to, "martlet.db-wal"));
	check_many(to, 8);
	db_close(&db);
}

struct writer {
	struct db *db;
	atomic_int n_done;
	atomic_bool is_over;
};

static void *writer_main(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; !atomic_load(&w->is_over); i++) {
		put_many(w->db, i, 1);
		atomic_store(&w->n_done, i + 1);
	}
	return NULL;
}

/* What was answered before it began is in it; of what came later there is a beginning. */
TEST(backup_while_others_write)
{
	char from[300], to[300];
	struct writer w = { 0 };
	pthread_t thread;

	two_dirs(from, to);
	w.db = test_open_with(from, 20000);
	pthread_create(&thread, NULL, writer_main, &w);
	for (int round = 0; round < 4; round++) {
		struct db *copy;
		int before, n;

		while (atomic_load(&w.n_done) < 50 * (round + 1))
			usleep(1000);
		before = atomic_load(&w.n_done);
		backup(from, to, false);
		copy = test_open(to);
		n = (int)test_count(copy);
		db_close(&copy);
		assert_true(n >= before);
		check_many(to, n);
	}
	atomic_store(&w.is_over, true);
	pthread_join(thread, NULL);
	db_close(&w.db);
}

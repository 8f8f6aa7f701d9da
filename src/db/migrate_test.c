/* SPDX-License-Identifier: MIT */
/* Schema versions: fresh, raised, half done, too new. */
#include "db/db_int.h"

#include "base/test.h"

static const struct db_sql sql[] = { { .sql = "SELECT count(*) FROM t" } };
static const struct db_sql_set sets[] = { { "room", sql, 1 } };
static const struct db_migration steps[] = {
	{ 1, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)" },
	{ 2, "INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)" },
	{ 3, "INSERT INTO t VALUES (4); INSERT INTO no_table VALUES (1)" },
};

static int open_at(const char *dir_z, size_t version, struct db **ret, struct fault *f)
{
	static struct db_migration_set set; /* outlives the database */
	const struct db_options o = {
		.dir_z = dir_z, .sql = sets, .n_sql = 1, .migrations = &set, .n_migrations = 1,
	};

	set = (struct db_migration_set){ "room", steps, version };
	return db_open(&o, ret, f);
}

static void rows_are(struct db *db, int64_t want)
{
	struct db_tx *tx;
	struct db_query q;

	assert_int_equal(db_read_begin(db, &tx), 0);
	DB_QUERY(tx, &q, &sql[0]);
	assert_int_equal(db_step(&q), 1);
	assert_int_equal(db_int(&q, 0), want);
	db_done(&q);
	db_read_end(&tx);
}

TEST(migrate_steps)
{
	static const struct {
		const char *name;
		size_t version;
		int want_rc;
		int64_t want_rows;
		const char *want_text;
	} rows[] = {
		{ "fresh", 1, 0, 1, "" },
		{ "again", 1, 0, 1, "" },
		{ "raised", 2, 0, 3, "" },
		{ "step 3 fails", 3, -E_BUG, 0, "migration room 3 failed" },
		{ "and left nothing", 2, 0, 3, "" },
		{ "too new", 1, -E_CANNOT, 0, "newer martlet" },
		{ "untouched", 2, 0, 3, "" },
	};
	const char *dir_z = test_dir();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fault f = { "" };
		struct db *db = NULL;

		test_row(rows[i].name);
		assert_int_equal(open_at(dir_z, rows[i].version, &db, &f), rows[i].want_rc);
		assert_non_null(strstr(f.text, rows[i].want_text));
		if (db)
			rows_are(db, rows[i].want_rows);
		db_close(&db);
	}
}

TEST(migrate_fresh_at_once)
{
	struct fault f = { "" };
	struct db *db = NULL;

	assert_int_equal(open_at(test_dir(), 2, &db, &f), 0);
	rows_are(db, 3);
	assert_int_equal(db_check_sql(db, &f), 0);
	db_close(&db);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the tests of this room share: a small schema, its statements, and short ways to use
 * them. Only for *_test.c.
 */
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include "base/test.h"
#include "db/pack_int.h"

enum test_sql { T_INSERT, T_GET, T_COUNT, T_BODY, T_REF, T_CHILD, T_DROP, T_WRONG, T_CHECK, T_COUNT_ };

static const struct db_sql test_sql[T_COUNT_] __attribute__((unused)) = {
	[T_INSERT] = { .sql = "INSERT INTO item (name, value) VALUES (?1, ?2)" },
	[T_GET] = { .sql = "SELECT value, typeof(value) FROM item WHERE name = ?1" },
	[T_COUNT] = { .sql = "SELECT count(*) FROM item" },
	[T_BODY] = { .sql = "INSERT INTO item (name, pack, off, len) VALUES (?1, ?2, ?3, ?4)" },
	[T_REF] = { .sql = "SELECT pack, off, len FROM item WHERE name = ?1" },
	[T_CHILD] = { .sql = "INSERT INTO child (item) VALUES (?1)" },
	[T_DROP] = { .sql = "DELETE FROM item WHERE name = ?1" },
	[T_WRONG] = { .sql = "SELECT a FROM nowhere" },
	[T_CHECK] = { .sql = "PRAGMA integrity_check" },
};
static const struct db_sql_set test_sets[] __attribute__((unused)) = {
	{ "test", test_sql, T_COUNT_ },
};
static const struct db_migration test_steps[] __attribute__((unused)) = {
	{ 1, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value,"
	     " pack INTEGER, off INTEGER, len INTEGER);"
	     "CREATE TABLE child (item INTEGER REFERENCES item (id))" },
};
static const struct db_migration_set test_migrations[] __attribute__((unused)) = {
	{ "test", test_steps, ARRAY_LEN(test_steps) },
};

static inline struct db *test_open_with(const char *dir_z, int64_t pack_bytes)
{
	const struct db_options o = {
		.dir_z = dir_z,
		.sql = test_sets,
		.n_sql = 1,
		.migrations = test_migrations,
		.n_migrations = 1,
		.pack_bytes = pack_bytes,
	};
	struct fault f = { "" };
	struct db *db = NULL;
	int rc = db_open(&o, &db, &f);

	if (rc < 0)
		print_error("db_open: %s\n", f.text);
	assert_int_equal(rc, 0);
	return db;
}

static inline struct db *test_open(const char *dir_z)
{
	return test_open_with(dir_z, 0);
}

/* A job that inserts one item, perhaps with a body. */
struct test_put {
	struct str name;
	struct db_body body;
	int fail; /* what fn answers after the insert */
};

static inline int test_put_fn(struct db_tx *tx, void *arg)
{
	struct test_put *p = arg;
	int rc = DB_EXEC(tx, &test_sql[T_BODY], DB_T(p->name), DB_I(p->body.ref.pack),
			 DB_I(p->body.ref.offset), DB_I(p->body.ref.length));

	return rc < 0 ? rc : p->fail;
}

static inline int test_put_as(struct db *db, struct test_put *p, enum db_durability durability)
{
	struct db_write_job j = {
		.fn = test_put_fn,
		.arg = p,
		.durability = durability,
		.bodies = &p->body,
		.n_bodies = p->body.bytes.p ? 1 : 0,
	};

	return db_write(db, &j);
}

/* body with p == NULL: none */
static inline int test_put(struct db *db, const char *name_z, struct str body)
{
	struct test_put p = { .name = str_z(name_z), .body = { .bytes = body } };

	return test_put_as(db, &p, DB_DURABLE);
}

/* The writer is in this job's transaction until it may go on. */
struct test_gate {
	struct db *db;
	sem_t entered, open;
	pthread_t thread;
	int result;
};

static inline int test_gate_fn(struct db_tx *tx, void *arg)
{
	struct test_gate *g = arg;

	(void)tx;
	sem_post(&g->entered);
	sem_wait(&g->open);
	return 0;
}

static inline void *test_gate_main(void *arg)
{
	struct test_gate *g = arg;

	g->result = db_write(g->db, &(struct db_write_job){ .fn = test_gate_fn, .arg = g });
	return NULL;
}

/* Behind the jobs that wait. */
static inline void test_gate_queue(struct test_gate *g, struct db *db)
{
	*g = (struct test_gate){ .db = db };
	sem_init(&g->entered, 0, 0);
	sem_init(&g->open, 0, 0);
	assert_int_equal(pthread_create(&g->thread, NULL, test_gate_main, g), 0);
}

static inline void test_gate_close(struct test_gate *g, struct db *db)
{
	test_gate_queue(g, db);
	sem_wait(&g->entered);
}

static inline void test_gate_open(struct test_gate *g)
{
	sem_post(&g->open);
	pthread_join(g->thread, NULL);
	assert_int_equal(g->result, 0);
	sem_destroy(&g->entered);
	sem_destroy(&g->open);
}

static inline int64_t test_count(struct db *db)
{
	struct db_tx *tx;
	struct db_query q;
	int64_t n;

	assert_int_equal(db_read_begin(db, &tx), 0);
	DB_QUERY(tx, &q, &test_sql[T_COUNT]);
	assert_int_equal(db_step(&q), 1);
	n = db_int(&q, 0);
	db_done(&q);
	db_read_end(&tx);
	return n;
}

/* False: no such item. */
static inline bool test_ref(struct db *db, const char *name_z, struct blob_ref *ret)
{
	struct db_tx *tx;
	struct db_query q;
	int rc;

	assert_int_equal(db_read_begin(db, &tx), 0);
	DB_QUERY(tx, &q, &test_sql[T_REF], DB_T(str_z(name_z)));
	rc = db_step(&q);
	assert_true(rc >= 0);
	if (rc > 0)
		*ret = (struct blob_ref){ db_int(&q, 0), db_int(&q, 1), db_int(&q, 2) };
	db_done(&q);
	db_read_end(&tx);
	return rc > 0;
}

/* The item's body is exactly this, by content and by checksum. */
static inline void test_body_is(struct db *db, const char *name_z, struct str want)
{
	struct blob_ref ref;
	char *got;

	assert_true(test_ref(db, name_z, &ref));
	assert_int_equal(ref.length, want.n);
	got = mem_alloc(want.n + 1, 1);
	assert_int_equal(blob_read(db, &ref, 0, got, want.n), 0);
	assert_memory_equal(got, want.p, want.n);
	mem_free(got);
	assert_int_equal(blob_verify(db, &ref), 0);
}

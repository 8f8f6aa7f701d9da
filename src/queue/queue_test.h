/* SPDX-License-Identifier: MIT */
/*
 * What the tests of this room share: a fresh store with a queue, settings, a body, and short ways to count rows and to
 * damage them. Only for *_test.c.
 */
#pragma once

#include <stdio.h>

#include "base/test.h"
#include "queue/queue_int.h"
#include "queue/route.h"
#include "store/account.h"

/* A store with example.org and alice, and its queue; n checks are statements for test_count() and test_alter(). */
static inline void test_open(const struct db_sql *checks, size_t n, struct db **ret_db, struct store **ret_s, struct queue **ret_q,
			     int64_t *ret_alice)
{
	static struct db_sql_set sets[3];
	static struct db_migration_set migrations[2];
	static int nth;
	char dir[300];
	const struct db_options o = { .dir_z = dir, .sql = sets, .n_sql = 3, .migrations = migrations, .n_migrations = 2 };
	struct fault f = { "" };

	sets[0] = store_sql_set;
	sets[1] = queue_sql_set;
	sets[2] = (struct db_sql_set){ "checks", checks, n };
	migrations[0] = store_migrations;
	migrations[1] = queue_migrations;
	snprintf(dir, sizeof(dir), "%s/queue%d", test_dir(), ++nth);
	if (db_open(&o, ret_db, &f) < 0 || db_check_sql(*ret_db, &f) < 0)
		fail_msg("%s", f.text);
	assert_int_equal(store_open(*ret_db, NULL, NULL, ret_s, &f), 0);
	assert_int_equal(queue_open(*ret_s, ret_q, &f), 0);
	assert_int_equal(store_domain_add(*ret_s, S("example.org"), &f), 0);
	assert_int_equal(store_account_add(*ret_s, S("alice@example.org"), NULL, NULL, 0, ret_alice, &f), 0);
}

static inline void test_close(struct db **db, struct store **s, struct queue **q)
{
	queue_close(q);
	store_close(s);
	db_close(db);
}

/* Somebody else of example.org, who has so much room. */
static inline int64_t test_account(struct store *s, const char *name_z, int64_t bytes)
{
	struct fault f = { "" };
	int64_t id;

	assert_int_equal(store_account_add(s, str_z(name_z), &(struct store_quota){ .bytes = bytes }, NULL, 0, &id, &f), 0);
	return id;
}

/* Settings of this room. */
static inline void test_configure(struct queue *q, const char *text_z)
{
	static const struct conf_table *const tables[] = { &queue_conf_table, &queue_route_table, &queue_tlsrpt_conf_table };
	struct conf *c = NULL;
	struct fault f = { "" };

	assert_int_equal(conf_parse(tables, ARRAY_LEN(tables), "t", str_z(text_z), &c, &f), 0);
	queue_configure(q, c, "mx.example.org");
	conf_unref(c);
}

static inline struct spool *test_spool(struct db *db, const char *text_z)
{
	struct spool *spool;

	assert_int_equal(spool_new(db, 1u << 20, &spool), 0);
	assert_int_equal(spool_append(spool, str_z(text_z)), 0);
	return spool;
}

static inline int64_t test_count(struct db *db, const struct db_sql *check)
{
	struct db_tx *tx;
	struct db_query q;
	int64_t n;

	assert_int_equal(db_read_begin(db, &tx), 0);
	db_query(tx, &q, check, NULL, 0);
	assert_int_equal(db_step(&q), 1);
	n = db_int(&q, 0);
	db_done(&q);
	db_read_end(&tx);
	return n;
}

static inline int test_alter_tx(struct db_tx *tx, void *arg)
{
	const struct db_sql *const *statement = arg;

	return db_exec(tx, *statement, NULL, 0, NULL);
}

/* Rows as nothing but damage, or an older program, leaves them. */
static inline void test_alter(struct db *db, const struct db_sql *statement)
{
	assert_int_equal(db_write(db, &(struct db_write_job){ .fn = test_alter_tx, .arg = &statement }), 0);
}

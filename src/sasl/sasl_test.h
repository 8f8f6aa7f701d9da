/* SPDX-License-Identifier: MIT */
/* A store with two accounts and an open room sasl, for tests and fuzz targets of this room. */
#pragma once

#include "sasl/sasl_int.h"

#include <time.h>

#include "base/must.h"

#define SASL_TEST_PASSWORD "correct horse"

struct sasl_fixture {
	struct db *db;
	struct store *store;
	struct conf_live *conf;
	struct sasl *sasl;
	int64_t alice; /* all credentials */
	int64_t bob;   /* an imported hash only */
};

static inline int64_t sasl_fixture_account(struct sasl_fixture *f, const char *name_z,
					   const struct store_credential *creds, size_t n)
{
	struct fault fault = { 0 };
	int64_t id = 0;

	must(store_account_add(f->store, str_z(name_z), NULL, creds, n, &id, &fault) == 0);
	return id;
}

static const struct db_sql sasl_fixture_sql[] = {
	{ .sql = "UPDATE accounts SET enabled = 0 WHERE id = ?1" },
};

static inline int sasl_fixture_disable_tx(struct db_tx *tx, void *arg)
{
	return DB_EXEC(tx, &sasl_fixture_sql[0], DB_I(*(int64_t *)arg));
}

static inline void sasl_fixture_disable(struct sasl_fixture *f, int64_t account)
{
	must(db_write(f->db, &(struct db_write_job){ .fn = sasl_fixture_disable_tx,
						     .arg = &account }) == 0);
}

static inline int64_t sasl_test_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline void sasl_fixture_open(struct sasl_fixture *f, const char *dir_z,
				     const char *settings_z)
{
	static const struct conf_table *const tables[] = { &sasl_conf_table };
	static struct db_sql_set sql[2];
	static struct db_migration_set migrations;
	AUTO(arena_fini) struct arena a = { .cap = 1u << 16 };
	struct store_credential creds[3];
	struct fault fault = { 0 };
	struct conf *conf = NULL;

	sql[0] = store_sql_set;
	sql[1] = (struct db_sql_set){ "sasl test", sasl_fixture_sql, 1 };
	migrations = store_migrations;
	must(conf_parse(tables, 1, "test", str_z(settings_z), &conf, &fault) == 0);
	f->conf = conf_live_new(conf);
	must(db_open(&(struct db_options){ .dir_z = dir_z,
					   .sql = sql,
					   .n_sql = 2,
					   .migrations = &migrations,
					   .n_migrations = 1 },
		     &f->db, &fault) == 0);
	must(store_open(f->db, NULL, NULL, &f->store, &fault) == 0);
	must(sasl_open(f->store, f->conf, &f->sasl, &fault) == 0);
	must(store_domain_add(f->store, S("example.test"), &fault) == 0);
	must(sasl_credentials_make(&a, S(SASL_TEST_PASSWORD), creds, &fault) == 0);
	f->alice = sasl_fixture_account(f, "alice@example.test", creds, 3);
	must(sasl_credential_import(
		     &a,
		     S("{SHA512-CRYPT}$6$rounds=1000$saltsalt$4GMtaIz3E1AdDi2SmCokEW0ehi."
		       "HdxNDcL3fGE1XXuzvo6kbx7UOloZKONqEk5H3JrQA4NOfU8BmqFPrpGqwA1"),
		     &creds[0], &fault) == 0);
	f->bob = sasl_fixture_account(f, "bob@example.test", creds, 1);
}

static inline void sasl_fixture_close(struct sasl_fixture *f)
{
	sasl_close(&f->sasl);
	store_close(&f->store);
	db_close(&f->db);
	conf_live_free(f->conf);
}

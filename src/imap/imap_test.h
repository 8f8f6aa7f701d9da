/* SPDX-License-Identifier: MIT */
/*
 * A store with one account and scripted clients, for tests and fuzz targets of this room.
 *
 * Several clients at once: a client sends its script in chunks of IMAP_TEST_LINE bytes
 * and parks between them; imap_test_line() makes each command line exactly that long by
 * its tag, so imap_peer_step() runs one command.
 */
#pragma once

#include "base/mem.h"
#include "base/must.h"
#include "conf/live.h"
#include "imap/imap_int.h"
#include "net/conn.h"
#include "store/account.h"
#include "store/store.h"

#define IMAP_TEST_PASSWORD "correct horse"
#define IMAP_TEST_LINE 96

struct imap_fixture {
	struct db *db;
	struct store *store;
	struct conf_live *conf;
	struct sasl *sasl;
	struct imap_context ctx;
	int64_t alice;
	uint64_t woken; /* the last watcher that was woken */
};

static inline void imap_fixture_wake(void *ctx, uint64_t id)
{
	struct imap_fixture *f = ctx;

	__atomic_store_n(&f->woken, id, __ATOMIC_SEQ_CST);
}

static inline void imap_fixture_open(struct imap_fixture *f, const char *dir_z,
				     const char *settings_z)
{
	static const struct conf_table *const tables[] = { &sasl_conf_table, &imap_conf_table };
	static struct db_sql_set sql;
	static struct db_migration_set migrations;
	AUTO(arena_fini) struct arena a = { .cap = 1u << 16 };
	struct store_credential creds[3];
	struct fault fault = { 0 };
	struct conf *conf = NULL;

	*f = (struct imap_fixture){ 0 };
	sql = store_sql_set;
	migrations = store_migrations;
	must(conf_parse(tables, ARRAY_LEN(tables), "test", str_z(settings_z), &conf, &fault) == 0);
	f->conf = conf_live_new(conf);
	must(db_open(&(struct db_options){ .dir_z = dir_z,
					   .sql = &sql,
					   .n_sql = 1,
					   .migrations = &migrations,
					   .n_migrations = 1 },
		     &f->db, &fault) == 0);
	must(store_open(f->db, imap_fixture_wake, f, &f->store, &fault) == 0);
	must(sasl_open(f->store, f->conf, &f->sasl, &fault) == 0);
	must(store_domain_add(f->store, S("example.test"), &fault) == 0);
	must(sasl_credentials_make(&a, S(IMAP_TEST_PASSWORD), creds, &fault) == 0);
	must(store_account_add(f->store, S("alice@example.test"), NULL, creds, 3, &f->alice, &fault) ==
	     0);
	f->ctx = (struct imap_context){
		.hostname = S("mx.example.test"),
		.store = f->store,
		.sasl = f->sasl,
		.conf = f->conf,
	};
}

static inline void imap_fixture_close(struct imap_fixture *f)
{
	sasl_close(&f->sasl);
	store_close(&f->store);
	db_close(&f->db);
	conf_live_free(f->conf);
}

/* One client and its session. */
struct imap_peer {
	struct conn *conn;
	struct imap_session *s;
	size_t seen;
	bool is_closed;
};

static inline void imap_peer_open(struct imap_fixture *f, struct imap_peer *p, struct str script,
				  size_t chunk, bool is_logged_in)
{
	*p = (struct imap_peer){ .conn = conn_new_scripted(script, chunk, true, "192.0.2.7") };
	p->s = imap_protocol.open(p->conn, &f->ctx);
	if (is_logged_in) {
		p->s->account = f->alice;
		p->s->state = IMAP_ST_AUTH;
	}
}

/* Runs it once; what it wrote since the last time. */
static inline struct str imap_peer_run(struct imap_peer *p, enum net_reason why)
{
	struct str new;

	if (!p->is_closed && imap_protocol.run(p->s, why) == NET_CLOSE)
		p->is_closed = true;
	(void)conn_flush(p->conn);
	new = str_skip(conn_scripted_output(p->conn), p->seen);
	p->seen += new.n;
	return new;
}

static inline struct str imap_peer_step(struct imap_peer *p)
{
	return imap_peer_run(p, NET_INPUT);
}

/* Runs it to its end; all that it wrote. */
static inline struct str imap_peer_finish(struct imap_peer *p)
{
	while (!p->is_closed)
		(void)imap_peer_step(p);
	return conn_scripted_output(p->conn);
}

static inline void imap_peer_close(struct imap_peer *p)
{
	imap_protocol.close(p->s);
	conn_free_scripted(p->conn);
}

/*
 * before (such as "DONE" CRLF, or nothing), then tag, command and CRLF, together
 * IMAP_TEST_LINE bytes.
 */
static inline void imap_test_line(struct buf *out, const char *before_z, const char *command_z)
{
	size_t n = IMAP_TEST_LINE - strlen(before_z) - strlen(command_z) - 3;

	must(n > 0 && n < IMAP_TEST_LINE);
	buf_add(out, str_z(before_z));
	while (n-- > 0)
		buf_add_char(out, 't');
	buf_printf(out, " %s\r\n", command_z);
}

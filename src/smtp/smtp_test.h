/* SPDX-License-Identifier: MIT */
/*
 * A store with accounts, a queue and room sasl, and a way to run a scripted session; for tests
 * and fuzz targets of this room.
 */
#pragma once

#include "smtp/smtp_int.h"

#include "base/must.h"
#include "conf/live.h"
#include "net/conn.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/view.h"

#define SMTP_TEST_PASSWORD "open sesame"

struct smtp_fixture {
	struct db *db;
	struct store *store;
	struct queue *queue;
	struct sasl *sasl;
	struct conf_live *conf;
	struct smtp_context ctx[3]; /* by role */
	int64_t alice, bob, carol;
};

static inline int64_t smtp_fixture_account(struct smtp_fixture *f, const char *name_z,
					   int64_t quota_bytes)
{
	AUTO(arena_fini) struct arena a = { .cap = 1u << 16 };
	struct store_credential creds[3];
	struct fault fault = { 0 };
	int64_t id = 0;

	must(sasl_credentials_make(&a, S(SMTP_TEST_PASSWORD), creds, &fault) == 0);
	must(store_account_add(f->store, str_z(name_z),
			       &(struct store_quota){ .bytes = quota_bytes }, creds, 3, &id,
			       &fault) == 0);
	return id;
}

static inline void smtp_fixture_data(struct smtp_fixture *f)
{
	struct fault fault = { 0 };

	must(store_domain_add(f->store, S("example.test"), &fault) == 0);
	f->alice = smtp_fixture_account(f, "alice@example.test", 0);
	f->bob = smtp_fixture_account(f, "bob@example.test", 0);
	f->carol = smtp_fixture_account(f, "carol@example.test", 100); /* nearly full */
	must(store_alias_add(f->store, S("both@example.test"), S("alice@example.test"), &fault) ==
	     0);
	must(store_alias_add(f->store, S("both@example.test"), S("bob@example.test"), &fault) == 0);
}

static inline void smtp_fixture_open(struct smtp_fixture *f, const char *dir_z,
				     const char *settings_z)
{
	static const struct conf_table *const tables[] = { &smtp_conf_table, &sasl_conf_table };
	static struct db_sql_set sql[2];
	static struct db_migration_set migrations[2];
	static int tls; /* scripted connections only ask whether there is any */
	struct fault fault = { 0 };
	struct conf *conf = NULL;

	sql[0] = store_sql_set, sql[1] = queue_sql_set;
	migrations[0] = store_migrations, migrations[1] = queue_migrations;
	must(conf_parse(tables, ARRAY_LEN(tables), "test", str_z(settings_z), &conf, &fault) == 0);
	f->conf = conf_live_new(conf);
	must(db_open(&(struct db_options){ .dir_z = dir_z,
					   .sql = sql,
					   .n_sql = 2,
					   .migrations = migrations,
					   .n_migrations = 2 },
		     &f->db, &fault) == 0);
	must(store_open(f->db, NULL, NULL, &f->store, &fault) == 0);
	must(queue_open(f->store, &f->queue, &fault) == 0);
	must(sasl_open(f->store, f->conf, &f->sasl, &fault) == 0);
	smtp_fixture_data(f);
	for (int role = SMTP_MX; role <= SMTP_LMTP; role++)
		f->ctx[role] = (struct smtp_context){
			.role = (enum smtp_role)role,
			.hostname = S("mx.example.test"),
			.store = f->store,
			.queue = f->queue,
			.sasl = f->sasl,
			.conf = f->conf,
			.tls = (struct net_tls *)&tls,
		};
}

static inline void smtp_fixture_close(struct smtp_fixture *f)
{
	sasl_close(&f->sasl);
	queue_close(&f->queue);
	store_close(&f->store);
	db_close(&f->db);
	conf_live_free(f->conf);
}

struct smtp_script {
	enum smtp_role role;
	struct str input;
	size_t chunk;
	bool is_tls;
	const char *peer_z; /* NULL: 192.0.2.7 */
	enum net_reason
		last; /* NET_TIMEOUT, NET_STOP: happens when the input is used up; 0: nothing */
};

/* Runs a whole session; adds what it said to out. */
static inline void smtp_fixture_run(struct smtp_fixture *f, const struct smtp_script *script,
				    struct buf *out)
{
	struct conn *c = conn_new_scripted(script->input, script->chunk, script->is_tls,
					   script->peer_z ? script->peer_z : "192.0.2.7");
	void *session = smtp_protocol.open(c, &f->ctx[script->role]);
	enum net_next next = smtp_protocol.run(session, NET_START);

	if (script->last != NET_START && next == NET_PARK)
		next = smtp_protocol.run(session, script->last);
	while (next == NET_PARK)
		next = smtp_protocol.run(session, NET_INPUT);
	must(conn_flush(c) == 0);
	buf_add(out, conn_scripted_output(c));
	smtp_protocol.close(session);
	conn_free_scripted(c);
}

/* The last message of the account's INBOX, added to out; its number of messages. */
static inline size_t smtp_fixture_inbox(struct smtp_fixture *f, int64_t account, struct buf *out)
{
	AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
	struct store_mailbox mailbox;
	struct store_mbox *mbox = NULL;
	struct store_view *view = NULL;
	struct store_reader *reader = NULL;
	struct store_content content;
	size_t n;

	must(store_mailbox_find(f->store, &a, account, S("INBOX"), &mailbox) == 0);
	must(store_mbox_open(f->store, mailbox.id, &mbox) == 0);
	must(store_mbox_view(mbox, &view) == 0);
	n = view->n;
	if (n > 0) {
		must(store_reader_open(f->store, &reader) == 0);
		must(store_content_get(reader, &a, store_view_at(view, view->n)->content, 0,
				       &content) == 0);
		store_reader_close(&reader);
		must(store_content_read(f->store, &content, 0, buf_reserve(out, content.size),
					content.size) == 0);
		buf_commit(out, content.size);
	}
	store_view_unref(view);
	store_mbox_close(&mbox);
	return n;
}

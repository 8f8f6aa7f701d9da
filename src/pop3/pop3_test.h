/* SPDX-License-Identifier: MIT */
/*
 * A store with a maildrop and a POP3 context, and a way to run a scripted session; for tests and
 * fuzz targets of this room.
 */
#pragma once

#include "pop3/pop3_int.h"

#include "base/must.h"
#include "store/account.h"
#include "store/mailbox.h"
#include "store/message.h"

struct pop3_fixture {
	struct db *db;
	struct store *store;
	struct conf_live *conf;
	struct sasl *sasl;
	struct pop3_context ctx;
	int64_t alice;
	int64_t inbox;
};

static inline void pop3_fixture_open(struct pop3_fixture *f, const char *dir_z,
				     const char *settings_z)
{
	static const struct conf_table *const tables[] = { &sasl_conf_table, &pop3_conf_table };
	static struct db_sql_set sql;
	static struct db_migration_set migrations;
	AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
	struct store_credential creds[3];
	struct store_mailbox inbox;
	struct fault fault = { 0 };
	struct conf *conf = NULL;

	sql = store_sql_set;
	migrations = store_migrations;
	must(conf_parse(tables, 2, "test", str_z(settings_z), &conf, &fault) == 0);
	f->conf = conf_live_new(conf);
	must(db_open(&(struct db_options){ .dir_z = dir_z,
					   .sql = &sql,
					   .n_sql = 1,
					   .migrations = &migrations,
					   .n_migrations = 1 },
		     &f->db, &fault) == 0);
	must(store_open(f->db, NULL, NULL, &f->store, &fault) == 0);
	must(sasl_open(f->store, f->conf, &f->sasl, &fault) == 0);
	must(store_domain_add(f->store, S("example.test"), &fault) == 0);
	must(sasl_credentials_make(&a, S("pass word"), creds, &fault) == 0);
	must(store_account_add(f->store, S("alice@example.test"), NULL, creds, 3, &f->alice, &fault) ==
	     0);
	must(store_mailbox_find(f->store, &a, f->alice, S("INBOX"), &inbox) == 0);
	f->inbox = inbox.id;
	f->ctx = (struct pop3_context){ .hostname = S("mail.example.test"),
					.store = f->store,
					.sasl = f->sasl,
					.conf = f->conf };
}

static inline void pop3_fixture_close(struct pop3_fixture *f)
{
	sasl_close(&f->sasl);
	store_close(&f->store);
	db_close(&f->db);
	conf_live_free(f->conf);
}

static inline void pop3_fixture_add(struct pop3_fixture *f, struct str message)
{
	AUTO(arena_fini) struct arena a = { .cap = 32u << 20 };
	struct store_content_new content;
	struct store_append append = { .mailbox = f->inbox, .content = &content };
	struct store_appended appended;

	must(store_content_prepare(&a, message, &content) == 0);
	must(store_append(f->store, &append, 1, &appended) == 0);
}

/*
 * Runs the session over the conn until it closes, as the net does: a park is followed by another
 * run. The limit on turns catches a session that parks for ever.
 */
static inline void pop3_fixture_run(struct pop3_fixture *f, struct conn *c, size_t turns)
{
	void *session = pop3_protocol.open(c, &f->ctx);
	enum net_next next = pop3_protocol.run(session, NET_START);

	for (; next == NET_PARK && turns > 0; turns--)
		next = pop3_protocol.run(session, NET_INPUT);
	must(next == NET_CLOSE);
	must(conn_flush(c) <= 0);
	pop3_protocol.close(session);
}

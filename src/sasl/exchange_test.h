/* SPDX-License-Identifier: MIT */
/*
 * What the tests of logins share: settings, a room in a directory of its own, a connection with TLS (conn_new_scripted()
 * pretends it and gives channel binding bytes), and exchanges whose messages are known beforehand. Only for *_test.c.
 */
#pragma once

#include "sasl/sasl_test.h"

#include "base/test.h"
#include "base/text.h"

#define UNCOUNTED "[auth]\nfailure_delay = 0ms\nthrottle_exempt = 192.0.2.0/24\n"
#define PLAIN_SETTINGS UNCOUNTED
#define LOOPBACK_SETTINGS UNCOUNTED "plaintext_on_loopback = yes\n"

static inline void fixture_open(struct sasl_fixture *f, const char *settings_z)
{
	sasl_fixture_open(f, test_dir(), settings_z);
}

static inline struct conn *tls_conn(void)
{
	return conn_new_scripted(S(""), 0, true, "192.0.2.7");
}

static inline void assert_alice(const struct sasl_identity *id, const char *mechanism_z)
{
	assert_string_equal(id->name, "alice@example.test");
	assert_string_equal(id->mechanism, mechanism_z);
}

/* An exchange: what the client says, and what the last of it comes to. */
struct plain_row {
	const char *name;
	const char *mechanism;
	struct str messages[3]; /* before base64; p NULL: no initial response */
	size_t n;
	int want;
};

static inline int run_plain(struct sasl_fixture *f, const struct plain_row *row, struct sasl_identity *id)
{
	struct conn *c = tls_conn();
	struct sasl_exchange *x = NULL;
	AUTO(buf_fini) struct buf out = BUF_INIT(4096);
	int rc = 0;

	assert_int_equal(sasl_exchange_new(f->sasl, c, "imap", str_z(row->mechanism), &x), 0);
	for (size_t i = 0; i < row->n; i++) {
		AUTO(buf_fini) struct buf b64 = BUF_INIT(4096);
		struct str message = row->messages[i];

		text_b64_encode(&b64, message);
		rc = sasl_exchange_step(x,
					message.p == NULL ? (struct str){ 0 }
					: message.n == 0  ? S("=")
							  : buf_str(&b64),
					&out, id);
		assert_int_equal(rc, i + 1 < row->n ? 1 : row->want);
	}
	assert_int_equal(sasl_exchange_step(x, S("="), &out, id), -E_AUTH_FAILED);
	sasl_exchange_free(x);
	conn_free_scripted(c);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/* The commands that are a few lines each. */
#include "pop3/pop3_int.h"

#include "base/buf.h"

const struct store_msg *pop3_message(struct pop3_session *s, struct str number,
				     uint32_t *ret_number)
{
	const struct store_msg *m = NULL;
	uint64_t v;

	if (!str_to_u64(number, UINT32_MAX, &v)) {
		pop3_err(s, "a message number is needed");
		return NULL;
	}
	m = pop3_snapshot_at(&s->box, v);
	if (m == NULL)
		pop3_err(s, "no such message");
	else if (ret_number != NULL)
		*ret_number = (uint32_t)v;
	return m;
}

/* ---- what the server can do ---- */

static bool has_login(const struct pop3_session *s)
{
	return sasl_is_permitted(s->ctx->sasl, s->conn);
}

static bool has_stls(const struct pop3_session *s)
{
	return s->ctx->tls != NULL && !conn_is_tls(s->conn);
}

struct capa_row {
	const char *text;
	bool (*is_there)(const struct pop3_session *s); /* NULL: always */
	const char *rfc;
};
static const struct capa_row capa_rows[] = {
	{ "TOP", NULL, "RFC 2449 6.1" },
	{ "USER", has_login, "RFC 2449 6.2" },
	{ "UIDL", NULL, "RFC 2449 6.8" },
	{ "RESP-CODES", NULL, "RFC 2449 6.4" },
	{ "AUTH-RESP-CODE", NULL, "RFC 3206 6" },
	{ "LOGIN-DELAY 0", NULL, "RFC 2449 6.5" },
	{ "PIPELINING", NULL, "RFC 2449 6.6" },
	{ "EXPIRE NEVER", NULL, "RFC 2449 6.7" },
	{ "STLS", has_stls, "RFC 2595 4" },
	{ "UTF8 USER", NULL, "RFC 6856 2" },
	{ "LANG", NULL, "RFC 6856 3" },
	{ "IMPLEMENTATION Martlet", NULL, "RFC 2449 6.9" },
};

/* RFC 2449 5. The list is the same in both states, as section 3 wants it. */
void pop3_cmd_capa(struct pop3_session *s, struct str args)
{
	AUTO(buf_fini) struct buf mechanisms = BUF_INIT(512);

	(void)args;
	pop3_ok(s, "capabilities follow");
	for (size_t i = 0; i < ARRAY_LEN(capa_rows); i++)
		if (capa_rows[i].is_there == NULL || capa_rows[i].is_there(s))
			conn_printf(s->conn, "%s\r\n", capa_rows[i].text);
	/* RFC 5034 3 */
	sasl_mechanisms(s->ctx->sasl, s->conn, " ", "", &mechanisms);
	if (mechanisms.n > 0)
		conn_printf(s->conn, "SASL%" STR_FMT "\r\n", STR_ARG(buf_str(&mechanisms)));
	conn_write(s->conn, S(".\r\n"));
}

/* RFC 6856 3.2. All text of this server is English. */
void pop3_cmd_lang(struct pop3_session *s, struct str args)
{
	if (args.n == 0) {
		pop3_ok(s, "languages follow");
		conn_write(s->conn, S("en English\r\n.\r\n"));
	} else if (str_eq(args, S("*")) || str_ieq(args, S("en")) || str_istarts(args, S("en-"))) {
		pop3_ok(s, "en this server speaks English");
	} else {
		pop3_err(s, "that language is not known here");
	}
}

/*
 * RFC 6856 2.1. Messages are sent as they are in either mode, see cmd_retr.c; names and passwords
 * may be UTF-8 anyway.
 */
void pop3_cmd_utf8(struct pop3_session *s, struct str args)
{
	(void)args;
	pop3_ok(s, "UTF-8 mode");
}

/* RFC 1939 5 */
void pop3_cmd_noop(struct pop3_session *s, struct str args)
{
	(void)args;
	pop3_ok(s, "nothing done");
}

/* ---- the maildrop ---- */

/* RFC 1939 5 */
void pop3_cmd_rset(struct pop3_session *s, struct str args)
{
	(void)args;
	pop3_snapshot_undelete_all(&s->box);
	pop3_ok(s, "no message is marked deleted");
}

/* RFC 1939 5: "+OK", SP, number of messages, SP, octets: here exactly that */
void pop3_cmd_stat(struct pop3_session *s, struct str args)
{
	uint64_t octets;
	uint32_t n;

	(void)args;
	pop3_snapshot_count(&s->box, &n, &octets);
	pop3_ok(s, "%u %llu", n, (unsigned long long)octets);
}

static void print_size(const struct pop3_session *s, struct buf *out, const struct store_msg *m)
{
	(void)s;
	buf_add_u64(out, m->size);
}

/*
 * RFC 1939 7: 1..70 characters of 0x21..0x7E, never used again: UIDs are not, and a new
 * UIDVALIDITY comes with new UIDs.
 */
static void print_uid(const struct pop3_session *s, struct buf *out, const struct store_msg *m)
{
	buf_printf(out, "%08x%08x", s->box.view->uidvalidity, m->uid);
}

/* LIST and UIDL: one message, or all that are not marked deleted. */
static void listing(struct pop3_session *s, struct str args,
		    void (*print)(const struct pop3_session *s, struct buf *out,
				  const struct store_msg *m))
{
	AUTO(buf_fini) struct buf item = BUF_INIT(64);
	const struct store_msg *m;
	uint32_t number;

	if (args.n > 0) {
		m = pop3_message(s, args, &number);
		if (m == NULL)
			return;
		print(s, &item, m);
		pop3_ok(s, "%u %" STR_FMT, number, STR_ARG(buf_str(&item)));
		return;
	}
	pop3_ok(s, "%u messages", s->box.view->n - s->box.n_deleted);
	for (number = 1; number <= s->box.view->n && !conn_failed(s->conn); number++) {
		m = pop3_snapshot_at(&s->box, number);
		if (m == NULL)
			continue;
		buf_reset(&item);
		print(s, &item, m);
		conn_printf(s->conn, "%u %" STR_FMT "\r\n", number, STR_ARG(buf_str(&item)));
	}
	conn_write(s->conn, S(".\r\n"));
}

/* RFC 1939 5 */
void pop3_cmd_list(struct pop3_session *s, struct str args)
{
	listing(s, args, print_size);
}

/* RFC 1939 7 */
void pop3_cmd_uidl(struct pop3_session *s, struct str args)
{
	listing(s, args, print_uid);
}

/* RFC 1939 5 */
void pop3_cmd_dele(struct pop3_session *s, struct str args)
{
	uint32_t number;

	if (pop3_message(s, args, &number) == NULL)
		return;
	pop3_snapshot_delete(&s->box, number);
	pop3_ok(s, "message %u is marked deleted", number);
}

/* RFC 1939 6: the UPDATE state. What QUIT claims has happened is durable. */
void pop3_cmd_quit(struct pop3_session *s, struct str args)
{
	uint32_t n_expunged = 0;
	int rc = 0;

	(void)args;
	s->is_over = true;
	if (s->state == POP3_TRANSACTION)
		rc = pop3_snapshot_expunge(&s->box, s->ctx->store, &n_expunged);
	/* Before the answer: the client may be back as soon as it has read it. */
	pop3_session_leave(s);
	if (rc < 0) {
		pop3_fail(s, "update", rc);
		return;
	}
	s->n_expunged = n_expunged;
	pop3_ok(s, "good-bye");
}

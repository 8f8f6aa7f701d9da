/* SPDX-License-Identifier: MIT */
/* MAIL: begins a transaction. RFC 5321 4.1.1.2, its parameters from the RFCs in the table. */
#include "smtp/smtp_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "net/conn.h"
#include "smtp/syntax.h"

#define ENVID_MAX 100 /* RFC 3461 4.4 */

/* Twenty digits may say more than 64 bits hold: too much, but no syntax error. */
static bool is_huge_size(struct str value)
{
	uint64_t rest;

	return value.n == 20 && value.p[0] >= '1' && value.p[0] <= '9' &&
	       str_to_u64(str_skip(value, 1), UINT64_MAX, &rest);
}

/* size-value ::= 1*20DIGIT     RFC 1870 6.1: refused at once when it cannot fit */
static int apply_size(struct smtp_session *s, void *target, struct str value)
{
	struct smtp_tx *tx = target;

	if (!str_to_u64(value, UINT64_MAX, &tx->announced_size))
		return is_huge_size(value) ? SMTP_R_TOO_BIG : SMTP_R_SYNTAX_PARAM;
	return tx->announced_size > (uint64_t)s->conf->max_message_size ? SMTP_R_TOO_BIG : 0;
}

/* body-value ::= "7BIT" / "8BITMIME" / "BINARYMIME" */
static int apply_body(struct smtp_session *s, void *target, struct str value)
{
	static const char *const names[] = {
		[SMTP_BODY_7BIT] = "7BIT",
		[SMTP_BODY_8BITMIME] = "8BITMIME",
		[SMTP_BODY_BINARYMIME] = "BINARYMIME",
	};
	struct smtp_tx *tx = target;

	(void)s;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_ieq(value, str_z(names[i]))) {
			tx->body = (enum smtp_body)i;
			return 0;
		}
	}
	return SMTP_R_SYNTAX_PARAM;
}

static int apply_smtputf8(struct smtp_session *s, void *target, struct str value)
{
	(void)s;
	(void)value;
	((struct smtp_tx *)target)->is_smtputf8 = true;
	return 0;
}

static int apply_requiretls(struct smtp_session *s, void *target, struct str value)
{
	(void)s;
	(void)value;
	((struct smtp_tx *)target)->is_requiretls = true;
	return 0;
}

/* ret-value = "FULL" / "HDRS" */
static int apply_ret(struct smtp_session *s, void *target, struct str value)
{
	struct smtp_tx *tx = target;

	(void)s;
	if (str_ieq(value, S("FULL")))
		tx->dsn_ret = QUEUE_RET_FULL;
	else if (str_ieq(value, S("HDRS")))
		tx->dsn_ret = QUEUE_RET_HDRS;
	else
		return SMTP_R_SYNTAX_PARAM;
	return 0;
}

/* envid-parameter = "ENVID=" xtext, which stands for printable US-ASCII */
static int apply_envid(struct smtp_session *s, void *target, struct str value)
{
	AUTO(buf_fini) struct buf decoded = BUF_INIT(ENVID_MAX);
	struct smtp_tx *tx = target;

	if (!smtp_xtext_decode(value, &decoded) || buf_overflowed(&decoded))
		return SMTP_R_SYNTAX_PARAM;
	for (size_t i = 0; i < decoded.n; i++)
		if (decoded.p[i] < 32 || decoded.p[i] > 126)
			return SMTP_R_SYNTAX_PARAM;
	tx->envid = arena_str(&s->arena, value);
	return tx->envid.p ? 0 : -E_LIMIT;
}

/*
 * RFC 4954 5: who a trusted client says has submitted it. No client is trusted so, which is the
 * same as AUTH=<>.
 */
static int apply_auth(struct smtp_session *s, void *target, struct str value)
{
	AUTO(buf_fini) struct buf ignored = BUF_INIT(1024);

	(void)s;
	(void)target;
	return smtp_xtext_decode(value, &ignored) ? 0 : SMTP_R_SYNTAX_PARAM;
}

static bool is_submission(const struct smtp_session *s)
{
	return s->ctx->role == SMTP_SUBMISSION;
}

static bool is_tls(const struct smtp_session *s)
{
	return conn_is_tls(s->conn);
}

static const struct smtp_param_row params[] = {
	{ "SIZE", SMTP_VALUE_NEEDED, NULL, apply_size, "RFC 1870 6" },
	{ "BODY", SMTP_VALUE_NEEDED, NULL, apply_body, "RFC 6152 3, RFC 3030 3" },
	{ "SMTPUTF8", SMTP_VALUE_NONE, NULL, apply_smtputf8, "RFC 6531 3.4" },
	{ "RET", SMTP_VALUE_NEEDED, NULL, apply_ret, "RFC 3461 4.3" },
	{ "ENVID", SMTP_VALUE_NEEDED, NULL, apply_envid, "RFC 3461 4.4" },
	{ "AUTH", SMTP_VALUE_NEEDED, is_submission, apply_auth, "RFC 4954 5" },
	{ "REQUIRETLS", SMTP_VALUE_NONE, is_tls, apply_requiretls, "RFC 8689 2" },
	{ "BY", SMTP_VALUE_NEEDED, NULL, smtp_apply_by, "RFC 2852 4" },
	{ "HOLDFOR", SMTP_VALUE_NEEDED, smtp_hold_is_offered, smtp_apply_holdfor, "RFC 4865 3" },
	{ "HOLDUNTIL", SMTP_VALUE_NEEDED, smtp_hold_is_offered, smtp_apply_holduntil, "RFC 4865 3" },
	{ "MT-PRIORITY", SMTP_VALUE_NEEDED, NULL, smtp_apply_priority, "RFC 6710 4.1" },
};

/* "MAIL FROM:" Reverse-path [SP Mail-parameters] */
static int mail_parse(struct smtp_session *s, struct str args, struct smtp_tx *tx)
{
	int r;

	if (!str_istarts(args, S("FROM:")))
		return SMTP_R_SYNTAX_MAIL;
	/* RFC 5321 3.3 forbids a space here; many clients send one. */
	args = str_trim(str_skip(args, 5));
	r = smtp_path_parse(&args, SMTP_PATH_NULL | SMTP_PATH_UTF8, &s->arena, &tx->reverse_path);
	if (r == -E_TOO_BIG)
		return SMTP_R_LONG_ADDRESS;
	if (r <= 0)
		return r < 0                            ? r
		       : args.n > 0 && args.p[0] == '<' ? SMTP_R_BAD_SENDER
							: SMTP_R_SYNTAX_MAIL;
	r = smtp_params_apply(s, args, params, ARRAY_LEN(params), tx);
	if (r != 0)
		return r;
	if (smtp_wish_contradicts(&tx->wish))
		return SMTP_R_SYNTAX_PARAM;
	if (!tx->is_smtputf8 && !str_is_ascii(tx->reverse_path))
		return SMTP_R_NEED_SMTPUTF8;
	return 0;
}

/*
 * RFC 6409 6.1: in submission the address must be the account's own. The null path is anybody's
 * (RFC 5321 4.5.5).
 */
static int sender_check(struct smtp_session *s, const struct smtp_tx *tx)
{
	int r;

	if (!is_submission(s) || tx->reverse_path.n == 0)
		return 0;
	r = store_may_send_as(s->ctx->store, s->identity->account, tx->reverse_path);
	return r == -E_DENIED ? SMTP_R_NOT_YOUR_ADDRESS : r;
}

int smtp_cmd_mail(struct smtp_session *s, struct str args)
{
	const struct smtp_reply_row *row;
	struct smtp_reply_row room;
	struct smtp_tx tx = { 0 };
	int r;

	if (s->conf->max_messages > 0 && s->n_mails >= (size_t)s->conf->max_messages)
		return SMTP_R_TOO_MANY_MESSAGES;
	r = mail_parse(s, args, &tx);
	if (r == 0)
		r = sender_check(s, &tx);
	/* RFC 1870 6.1: 452 before the message is sent in vain. */
	if (r == 0 && !db_has_room(store_db(s->ctx->store), (int64_t)tx.announced_size))
		r = -E_DISK_FULL;
	if (r != 0) {
		row = smtp_reply_row(r, &room);
		LOG(INFO, "smtp.reject", F_STR("peer", conn_peer(s->conn)),
		    F_Z("user", s->identity ? s->identity->name : ""),
		    F_STR("from", tx.reverse_path),
		    F_INT("code", row->code), F_Z("enhanced", row->enhanced), F_Z("reply", row->text));
		smtp_tx_reset(s);
		return r;
	}
	rnd_id_z(tx.qid, sizeof(tx.qid) - 1);
	tx.start_ms = clock_mono_ms();
	s->tx = tx;
	s->n_mails++;
	smtp_session_enter(s, SMTP_ST_MAIL);
	return SMTP_R_MAIL_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * RCPT: one more recipient. RFC 5321 4.1.1.3, RFC 3461 4.1 and 4.2. This is the place that
 * decides whether mail is taken for an address: room store says where the address leads, and
 * only submission may go elsewhere.
 */
#include "smtp/smtp_int.h"

#include "base/budget.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/conn.h"
#include "net/network.h"
#include "smtp/syntax.h"

#define ORCPT_MAX 500 /* RFC 3461 4.2 */
#define FREE_SLOTS 128

/*
 * notify-esmtp-value = "NEVER" / 1#notify-list-element     notify-list-element = "SUCCESS" /
 * "FAILURE" / "DELAY"
 */
static int apply_notify(struct smtp_session *s, void *target, struct str value)
{
	static const struct {
		const char *word;
		unsigned bit;
	} words[] = {
		{ "NEVER", QUEUE_NOTIFY_NEVER },
		{ "SUCCESS", QUEUE_NOTIFY_SUCCESS },
		{ "FAILURE", QUEUE_NOTIFY_FAILURE },
		{ "DELAY", QUEUE_NOTIFY_DELAY },
	};
	struct queue_rcpt *rcpt = target;
	struct str word;

	(void)s;
	while (str_split(&value, ',', &word)) {
		unsigned bit = 0;

		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (str_ieq(word, str_z(words[i].word)))
				bit = words[i].bit;
		if (!bit)
			return SMTP_R_SYNTAX_PARAM;
		rcpt->notify |= bit;
	}
	if ((rcpt->notify & QUEUE_NOTIFY_NEVER) && rcpt->notify != QUEUE_NOTIFY_NEVER)
		return SMTP_R_SYNTAX_PARAM;
	return 0;
}

static int apply_orcpt(struct smtp_session *s, void *target, struct str value)
{
	struct queue_rcpt *rcpt = target;

	if (value.n > ORCPT_MAX || !smtp_orcpt_is_valid(value, s->tx.is_smtputf8))
		return SMTP_R_SYNTAX_PARAM;
	rcpt->orcpt = arena_str(&s->arena, value);
	return rcpt->orcpt.p ? 0 : -E_LIMIT;
}

static const struct smtp_param_row params[] = {
	{ "NOTIFY", SMTP_VALUE_NEEDED, NULL, apply_notify, "RFC 3461 4.1" },
	{ "ORCPT", SMTP_VALUE_NEEDED, NULL, apply_orcpt, "RFC 3461 4.2" },
};

/* "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] */
static int rcpt_parse(struct smtp_session *s, struct str args, struct queue_rcpt *rcpt)
{
	unsigned flags = SMTP_PATH_POSTMASTER | (s->tx.is_smtputf8 ? SMTP_PATH_UTF8 : 0);
	int r;

	if (!str_istarts(args, S("TO:")))
		return SMTP_R_SYNTAX_RCPT;
	/* RFC 5321 3.3 forbids a space here; many clients send one. */
	args = str_trim(str_skip(args, 3));
	r = smtp_path_parse(&args, flags, &s->arena, &rcpt->address);
	if (r == -E_BAD_CHARSET)
		return SMTP_R_NEED_SMTPUTF8;
	if (r == -E_TOO_BIG)
		return SMTP_R_LONG_ADDRESS;
	if (r <= 0)
		return r < 0                            ? r
		       : args.n > 0 && args.p[0] == '<' ? SMTP_R_BAD_RCPT
							: SMTP_R_SYNTAX_RCPT;
	return smtp_params_apply(s, args, params, ARRAY_LEN(params), rcpt);
}

/* Somebody of ours who needs no login, such as a printer. Not over LMTP, which delivers here. */
static bool is_in_relay_networks(const struct smtp_session *s)
{
	const struct conf_list *list = &s->conf->relay_networks;
	struct net_network n;

	for (size_t i = 0; i < list->n && s->ctx->role != SMTP_LMTP; i++)
		if (net_network_parse(str_z(list->v[i]), &n) && net_network_has(&n, conn_peer(s->conn)))
			return true;
	return false;
}

static bool may_go_elsewhere(const struct smtp_session *s, struct str address)
{
	return str_chr(address, '@') >= 0 && (s->ctx->role == SMTP_SUBMISSION || is_in_relay_networks(s));
}

/*
 * A bounce to somebody whose mail we forwarded: his host gets it. 0; -E_NOT_FOUND: it is none. Only with the null reverse-path, as a
 * bounce has it (RFC 5321 4.5.5), so that nobody else is reached by it.
 */
static int return_route(struct smtp_session *s, struct queue_rcpt *rcpt)
{
	return s->tx.reverse_path.n > 0 ? -E_NOT_FOUND
					: queue_return_path(s->ctx->queue, &s->arena, rcpt->address, &rcpt->address);
}

/* RFC 5321 4.5.1: whom notices of this host come from (queue/dsn.c), so that who answers one reaches somebody. */
static bool is_postmaster_of_host(const struct smtp_session *s, struct str address)
{
	ptrdiff_t at = str_rchr(address, '@');

	return at >= 0 && str_ieq(str_head(address, (size_t)at), S("postmaster")) && str_ieq(str_skip(address, (size_t)at + 1), s->ctx->hostname);
}

/* Where does it lead, and may this session send there? */
static int rcpt_route(struct smtp_session *s, struct queue_rcpt *rcpt)
{
	struct store_route route;
	int r = return_route(s, rcpt);

	if (r != -E_NOT_FOUND)
		return r;
	r = store_route(s->ctx->store, &s->arena, rcpt->address, (int64_t)s->tx.announced_size, &route);
	if (r == -E_DENIED && is_postmaster_of_host(s, rcpt->address)) {
		rcpt->address = S("postmaster"); /* is found without this session's word as well: it may have to wait (RFC 4865) */
		r = store_route(s->ctx->store, &s->arena, rcpt->address, (int64_t)s->tx.announced_size, &route);
	}
	switch (r) {
	case 0:
		queue_rcpt_here(rcpt, &route);
		return 0;
	case -E_DENIED:
		return may_go_elsewhere(s, rcpt->address) ? 0 : SMTP_R_RELAY;
	case -E_NOT_FOUND:
		return SMTP_R_NO_USER;
	case -E_QUOTA:
		return SMTP_R_MAILBOX_FULL;
	default:
		return r;
	}
}

/* What so many slots have of the budget; a few are free. */
static size_t counted(size_t slots)
{
	return slots > FREE_SLOTS ? (slots - FREE_SLOTS) * sizeof(struct queue_rcpt) : 0;
}

static int rcpt_add(struct smtp_session *s, const struct queue_rcpt *rcpt)
{
	struct smtp_tx *tx = &s->tx;

	if (tx->n_rcpts == tx->cap_rcpts) {
		size_t cap = tx->cap_rcpts ? tx->cap_rcpts * 2 : 4;
		size_t have = counted(tx->cap_rcpts);

		if (counted(cap) > 0 && !budget_take(BUDGET_HELD, have, counted(cap) - have))
			return -E_LIMIT;
		tx->cap_rcpts = cap;
		tx->rcpts = mem_resize(tx->rcpts, cap, sizeof(*tx->rcpts));
	}
	tx->rcpts[tx->n_rcpts++] = *rcpt;
	return 0;
}

void smtp_rcpts_free(struct smtp_tx *tx)
{
	budget_give(BUDGET_HELD, counted(tx->cap_rcpts));
	mem_free(tx->rcpts);
	tx->rcpts = NULL;
	tx->n_rcpts = tx->cap_rcpts = 0;
}

int smtp_cmd_rcpt(struct smtp_session *s, struct str args)
{
	const struct smtp_reply_row *row;
	struct smtp_reply_row room;
	struct queue_rcpt rcpt = { 0 };
	int r;

	/* RFC 5321 4.5.3.1.10: also when there is no room, which long addresses can need earlier. */
	if (s->tx.n_rcpts >= (size_t)s->conf->max_recipients)
		return SMTP_R_TOO_MANY_RCPTS;
	r = rcpt_parse(s, args, &rcpt);
	if (r == 0)
		r = rcpt_route(s, &rcpt);
	if (r == 0)
		r = rcpt_add(s, &rcpt);
	if (r == -E_LIMIT)
		r = SMTP_R_TOO_MANY_RCPTS;
	if (r != 0) {
		row = smtp_reply_row(r, &room);
		s->tx.n_refused++;
		if (s->n_refused++ >= LIMIT_LOG_REFUSALS)
			return r;
		LOG(INFO, "smtp.reject", F_Z("qid", s->tx.qid), F_STR("peer", conn_peer(s->conn)),
		    F_STR("from", s->tx.reverse_path), F_STR("to", rcpt.address),
		    F_INT("code", row->code), F_Z("enhanced", row->enhanced), F_Z("reply", row->text));
		return r;
	}
	s->n_commands--;
	if (s->state == SMTP_ST_MAIL)
		smtp_session_enter(s, SMTP_ST_RCPT);
	return SMTP_R_RCPT_OK;
}

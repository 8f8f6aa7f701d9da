/* SPDX-License-Identifier: MIT */
/*
 * The signature of what is submitted (RFC 6376 5; docs/decisions/039-signing.md). Signed is what somebody who logged in sends with an address of his own in
 * From, when its domain has keys here: anybody may write any From, and our signature says that he may.
 *
 * A message for others is made 7-bit first (RFC 6376 5.3), since what is converted on its way afterwards has a signature no more; room send changes nothing
 * that is signed, it returns what a host cannot take. What cannot be converted (8-bit header, signed or encrypted parts) is signed as it is.
 */
#include "smtp/smtp_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/blob.h"
#include "mime/mime.h"
#include "queue/dkim.h"

#define FROM_ARENA 65536u
#define CONVERTED_EXTRA 65536u /* a message of nothing but 8-bit bytes is at most three times as long; it may not pass the usual limit anyway */

/* The one address of the one From field, as local@domain, and its domain; in the arena. False: there is no such thing. */
static bool find_author(struct str message, struct arena *a, struct str *ret_address, struct str *ret_domain)
{
	struct mime_addresses list;
	struct mime_field field, from;
	size_t n = 0;

	while (mime_field_next(&message, &field) == 1) {
		if (!str_ieq(field.name, S("From")))
			continue;
		from = field;
		n++;
	}
	if (n != 1 || mime_addresses_parse(a, from.value, &list) < 0 || list.n != 1 || list.v[0].kind != MIME_ADDR_MAILBOX)
		return false;
	if (store_domain_canonical(a, list.v[0].domain, ret_domain) < 0)
		return false;
	*ret_address = arena_printf(a, "%" STR_FMT "@%" STR_FMT, STR_ARG(list.v[0].mailbox), STR_ARG(*ret_domain));
	return ret_address->p != NULL;
}

/* The keys for this message, a reference, and the domain; NULL: it is not signed. */
static struct queue_dkim *choose(struct smtp_session *s, struct str message, struct arena *a, struct str *ret_domain)
{
	struct queue_dkim *keys;
	struct str address;

	if (s->ctx->role != SMTP_SUBMISSION || !s->is_authenticated)
		return NULL;
	keys = queue_dkim_get(s->ctx->queue);
	if (keys && find_author(message, a, &address, ret_domain) && queue_dkim_has(keys, *ret_domain) &&
	    store_may_send_as(s->ctx->store, s->identity->account, address) == 0)
		return keys;
	queue_dkim_unref(keys);
	return NULL;
}

/* ---- 7-bit ---- */

static bool goes_elsewhere(const struct smtp_tx *tx)
{
	for (size_t i = 0; i < tx->n_rcpts; i++)
		if (!tx->rcpts[i].is_local || tx->rcpts[i].n_forwards > 0)
			return true;
	return tx->wish.hold_until_s > 0; /* it waits in the queue, whoever it is for */
}

/* What does not fit in the limits stays what it was. */
static int make_7bit(struct smtp_session *s, struct str message)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(3 * message.n + CONVERTED_EXTRA);
	struct smtp_tx *tx = &s->tx;
	struct spool *spool = NULL;
	int r;

	if ((str_is_ascii(message) && !mime_has_long_lines(message) && tx->body != SMTP_BODY_BINARYMIME) || !goes_elsewhere(tx) || mime_convert_7bit(message, &out) < 0)
		return 0;
	r = spool_new(store_db(s->ctx->store), (size_t)s->conf->max_message_size, &spool);
	if (r == 0)
		r = spool_append(spool, buf_str(&out));
	if (r < 0) {
		spool_free(spool);
		return r == -E_TOO_BIG ? 0 : r;
	}
	spool_free(tx->spool);
	tx->spool = spool;
	tx->body = SMTP_BODY_7BIT;
	return 0;
}

/* ---- the signature ---- */

/* Of what will be sent: Date and Message-ID that this server adds are signed as well. */
static void sign(struct smtp_session *s, const struct queue_dkim *keys, struct str domain, size_t room)
{
	AUTO(buf_fini) struct buf fields = BUF_INIT(room > 0 ? room : 1);
	struct str message;
	int r = spool_view(s->tx.spool, &message);

	if (r == 0)
		r = queue_dkim_sign(keys, domain, message, clock_wall_ms() / 1000, &fields);
	if (r == 0)
		r = spool_prepend(s->tx.spool, buf_str(&fields));
	if (r < 0)
		LOG(WARN, "smtp.sign", F_Z("qid", s->tx.qid), F_STR("domain", domain), F_Z("err", err_row(r)->name),
		    F_Z("note", "it goes without a signature"));
}

int smtp_sign(struct smtp_session *s, struct str message, struct str trace)
{
	AUTO(arena_fini) struct arena a;
	struct str domain, return_path = str_head(trace, (size_t)str_chr(trace, '\n') + 1); /* ours stays the first line (received.c) */
	struct queue_dkim *keys;
	int r;

	arena_init(&a, FROM_ARENA);
	keys = choose(s, message, &a, &domain);
	if (!keys)
		return spool_prepend(s->tx.spool, trace);
	r = make_7bit(s, message);
	if (r == 0)
		r = spool_prepend(s->tx.spool, str_skip(trace, return_path.n));
	if (r == 0)
		sign(s, keys, domain, SPOOL_HEADROOM - trace.n);
	queue_dkim_unref(keys);
	return r < 0 ? r : spool_prepend(s->tx.spool, return_path);
}

/* SPDX-License-Identifier: MIT */
/*
 * What senders are told: whether a notification is due (RFC 3461), the message (dsn.c), and where it goes: through the same door as
 * all mail (accept.c), with the null reverse-path, so that nobody ever hears of a notification that could not be delivered.
 */
#include "queue/queue_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/rnd.h"
#include "mime/mime.h"
#include "queue/dkim.h"
#include "queue/dsn.h"

#define NOTICE_MAX (64u << 20)

/* Nobody hears of what happened to these: the log is all there is. */
static void log_dropped(const struct queue_message_row *m, const char *why_z)
{
	LOG(WARN, "queue.untold", F_STR("qid", m->qid), F_STR("from", m->reverse_path), F_Z("fault", why_z));
}

/* Those recipients of which the sender wants to hear. */
static size_t pick(const struct queue_message_row *m, const struct queue_notice_rcpt *rcpts, size_t n, int64_t retry_until_s,
		   struct queue_dsn_rcpt *ret)
{
	size_t n_due = 0;

	for (size_t i = 0; i < n; i++) {
		const struct queue_notice_rcpt *r = &rcpts[i];
		enum queue_dsn_action action = (enum queue_dsn_action)r->action;
		/* RFC 2852 4.1.4: of a relay hears who asked for a trace, or for a time that the next host knows nothing of. */
		bool is_traced = action == QUEUE_DSN_RELAYED && (m->by_traces || (m->age.by_s != 0 && !m->age.by_returns)) &&
				 m->reverse_path.n > 0 && !(r->row->notify & QUEUE_NOTIFY_NEVER);

		if (!is_traced && !queue_dsn_is_due(m->reverse_path, r->row->notify, action))
			continue;
		ret[n_due++] = (struct queue_dsn_rcpt){
			.address = r->row->address, .orcpt = r->row->orcpt, .action = action, .reply = r->reply, .host = r->host,
			.status = r->status, .last_attempt_s = r->last_attempt_s, .retry_until_s = retry_until_s,
		};
	}
	return n_due;
}

/*
 * The domain of From is this host's. A notice of 8-bit bytes is not signed: it would be lost where a peer takes 7-bit only, as nobody hears of a notice
 * that comes back.
 */
static void sign(struct queue *q, struct str domain, struct str text, int64_t now_s, struct buf *out)
{
	struct queue_dkim *keys = queue_dkim_get(q);

	if (queue_dkim_sign(keys, domain, text, now_s, out) < 0)
		LOG(WARN, "queue.notice", F_Z("fault", "it cannot be signed, so it goes without"));
	queue_dkim_unref(keys);
}

/* Can it go to a peer that takes 7-bit only? What is sealed (RFC 1847 2.1), or broken, inside of the message may be in the way. */
static bool is_portable(struct str text)
{
	AUTO(buf_fini) struct buf narrow = BUF_INIT(NOTICE_MAX);

	return str_is_ascii(text) || mime_convert_7bit(text, &narrow) == 0;
}

static int write_text(struct queue *q, const struct queue_message_row *m, const struct queue_dsn_rcpt *rcpts, size_t n, struct str bytes,
		      struct queue_notice *ret)
{
	struct conf *c = queue_conf_get(q);
	char hostname[sizeof(q->hostname)];
	struct queue_dsn d = {
		.hostname_z = hostname, .to = ret->rcpt.address, .qid = m->qid, .envid = m->envid, .accepted_s = m->age.accepted_s,
		.now_s = clock_wall_ms() / 1000, .ret = m->flags & QUEUE_REQUIRETLS ? QUEUE_RET_HDRS : m->dsn_ret, /* RFC 8689 5 */
		.is_smtputf8 = m->flags & QUEUE_SMTPUTF8,
		.message = queue_body_outgoing(bytes), .max_returned = (size_t)queue_conf_of(c)->max_returned, .rcpts = rcpts, .n_rcpts = n,
	};

	AUTO(buf_fini) struct buf text = BUF_INIT(NOTICE_MAX);

	lock_get(&q->lock);
	memcpy(hostname, q->hostname, sizeof(hostname));
	lock_put(&q->lock);
	queue_dsn_write(&d, &text);
	if (!is_portable(buf_str(&text))) {
		d.ret = QUEUE_RET_HDRS;
		buf_reset(&text);
		queue_dsn_write(&d, &text);
	}
	conf_unref(c);
	buf_add(&ret->text, S("Return-Path: <>\r\n"));
	if (!buf_overflowed(&text) && str_is_ascii(buf_str(&text)))
		sign(q, str_z(hostname), buf_str(&text), d.now_s, &ret->text);
	buf_add(&ret->text, buf_str(&text));
	return buf_overflowed(&text) || buf_overflowed(&ret->text) ? -E_LIMIT : 0;
}

/* Who is told: of forwarded mail whom its return address stands for. 1; 0: there is nobody to tell. */
static int find_sender(struct queue *q, const struct queue_message_row *m, struct queue_notice *ret)
{
	int rc = queue_rcpt_find(q, &ret->arena, m->reverse_path, &ret->rcpt);

	if (rc == -E_NOT_FOUND) {
		log_dropped(m, "the sender is nobody here");
		return 0;
	}
	/* Whose mailbox is full is no recipient here for now: it waits in the queue as mail for elsewhere does, and is looked at again by local.c. */
	return rc < 0 && rc != -E_QUOTA ? rc : 1;
}

/* 1: it is ready to be stored; negative. */
static int address_it(struct queue *q, const struct queue_message_row *m, struct queue_notice *ret)
{
	int rc;

	rnd_id_z(ret->qid, sizeof(ret->qid) - 1);
	ret->rcpt.notify = QUEUE_NOTIFY_NEVER;
	ret->envelope = (struct queue_envelope){
		.qid_z = ret->qid, .sid_z = "", .is_8bit = !str_is_ascii(buf_str(&ret->text)),
		.is_smtputf8 = !str_is_ascii(ret->rcpt.address), .is_requiretls = m->flags & QUEUE_REQUIRETLS, .rcpts = &ret->rcpt, .n_rcpts = 1,
		.wish = { .priority = m->priority, .has_priority = m->has_priority }, /* RFC 6710 4.6 */
	};
	rc = queue_mail_prepare(&ret->mail, q, &ret->envelope, buf_str(&ret->text), &ret->arena);
	return rc < 0 ? rc : 1;
}

/* What is damaged in the packs goes to nobody, but its sender hears so all the same. */
static int read_body(struct queue *q, const struct queue_message_row *m, char **ret_heap, struct str *ret)
{
	int rc = queue_body_read(q, m->content, ret_heap, ret);

	if (rc != -E_IO && rc != -E_NOT_FOUND)
		return rc;
	LOG(ERROR, "queue.notice", F_STR("qid", m->qid), F_Z("fault", "the message cannot be read, so it is told of without it"),
	    F_Z("err", err_row(rc)->name));
	*ret = S("");
	return 0;
}

/* bytes: the message; p NULL: it is read. */
static int make(struct queue *q, const struct queue_message_row *m, const struct queue_notice_rcpt *rcpts, size_t n, struct str bytes,
		struct queue_notice *ret)
{
	struct queue_dsn_rcpt due[QUEUE_ATTEMPT_RCPTS];
	struct conf *c = queue_conf_get(q);
	AUTO(mem_auto_free) char *body = NULL; /* not kept: many notices may be stored in one transaction, each about a large message */
	size_t n_due;
	int rc;

	must(n <= QUEUE_ATTEMPT_RCPTS);
	n_due = pick(m, rcpts, n, queue_ends_s(queue_conf_of(c), &m->age), due);
	conf_unref(c);
	if (n_due == 0)
		return 0;
	*ret = (struct queue_notice){ .text = BUF_INIT(NOTICE_MAX) };
	arena_init(&ret->arena, NOTICE_MAX);
	rc = find_sender(q, m, ret);
	if (rc <= 0) {
		queue_notice_done(ret);
		return rc;
	}
	rc = bytes.p ? 0 : read_body(q, m, &body, &bytes);
	ret->what_z = queue_dsn_action_z(due[0].action);
	ret->about = arena_str(&ret->arena, m->qid);
	if (rc == 0 && !ret->about.p)
		rc = -E_LIMIT;
	if (rc == 0)
		rc = write_text(q, m, due, n_due, bytes, ret);
	if (rc == 0)
		rc = address_it(q, m, ret);
	if (rc <= 0)
		queue_notice_done(ret);
	return rc;
}

int queue_notice_make(struct queue *q, const struct queue_message_row *m, const struct queue_notice_rcpt *rcpts, size_t n,
		      struct queue_notice *ret)
{
	if (m->reverse_path.n > 0)
		return make(q, m, rcpts, n, (struct str){ 0 }, ret);
	for (size_t i = 0; i < n; i++)
		if (rcpts[i].action == QUEUE_DSN_FAILED)
			log_dropped(m, "a bounce that cannot be delivered goes nowhere else");
	return 0;
}

int queue_notice_tx(struct queue_notice *n, struct db_tx *tx)
{
	int rc = queue_mail_tx(&n->mail, tx);

	if (rc < 0)
		return queue_mail_is_void(&n->mail, rc) ? 0 : rc;
	return queue_trace_add(n->mail.q, tx, &(struct queue_trace_entry){
		.event = QUEUE_TRACE_DSN, .qid = n->about, .at_s = n->mail.now_s, .detail = str_z(n->qid) });
}

void queue_notice_stored(struct queue_notice *n)
{
	queue_mail_stored(&n->mail);
	LOG(INFO, "queue.notice", F_STR("qid", n->about), F_Z("as", n->qid), F_STR("to", n->rcpt.address), F_Z("what", n->what_z));
}

void queue_notice_done(struct queue_notice *n)
{
	queue_mail_done(&n->mail);
	buf_fini(&n->text);
	arena_fini(&n->arena);
}

/* ---- success here ---- */

static bool is_to_be_told(const struct queue_rcpt *r)
{
	return r->is_local && r->n_accounts > 0 && (r->notify & QUEUE_NOTIFY_SUCCESS);
}

static int make_told(struct queue_mail *m, const struct queue_notice_rcpt *rcpts, size_t n, const struct queue_rcpt *of)
{
	const struct queue_envelope *e = m->e;
	const struct queue_message_row row = {
		.qid = str_z(e->qid_z), .reverse_path = e->reverse_path, .envid = e->envid, .dsn_ret = e->dsn_ret,
		.flags = (e->is_smtputf8 ? QUEUE_SMTPUTF8 : 0) | (e->is_requiretls ? QUEUE_REQUIRETLS : 0), .priority = e->wish.priority,
		.has_priority = e->wish.has_priority, .age.accepted_s = m->now_s,
	};
	int rc = make(m->q, &row, rcpts, n, m->body.bytes, &m->told[m->n_told]);

	if (rc > 0)
		m->told[m->n_told++].of = of;
	return rc;
}

/* Not inlined: its rows take 22 KB of stack, which threads whose mail asks for no such notice do not need. */
static __attribute__((noinline)) int make_all_told(struct queue_mail *m, size_t n_all)
{
	const struct queue_envelope *e = m->e;
	struct queue_rcpt_row rows[QUEUE_ATTEMPT_RCPTS];
	struct queue_notice_rcpt told[QUEUE_ATTEMPT_RCPTS];
	size_t n = 0, max = e->is_per_recipient ? 1 : ARRAY_LEN(told);
	int rc = 0;

	m->told = mem_alloc((n_all + max - 1) / max, sizeof(*m->told));
	for (size_t i = 0; i < e->n_rcpts && rc >= 0; i++) {
		const struct queue_rcpt *r = &e->rcpts[i];

		if (!is_to_be_told(r))
			continue;
		rows[n] = (struct queue_rcpt_row){ .address = r->address, .orcpt = r->orcpt, .notify = r->notify };
		told[n] = (struct queue_notice_rcpt){ .row = &rows[n], .action = QUEUE_DSN_DELIVERED, .last_attempt_s = m->now_s,
						      .reply = { 250, S("2.1.5"), S("delivered to the mailbox") } };
		n++;
		n_all--;
		if (n == max || n_all == 0) {
			rc = make_told(m, told, n, e->is_per_recipient ? r : NULL);
			n = 0;
		}
	}
	m->bodies = mem_alloc(1 + m->n_told, sizeof(*m->bodies));
	return rc < 0 ? rc : 0;
}

int queue_told_make(struct queue_mail *m)
{
	const struct queue_envelope *e = m->e;
	size_t n_all = 0;

	for (size_t i = 0; i < e->n_rcpts && e->reverse_path.n > 0; i++)
		n_all += is_to_be_told(&e->rcpts[i]);
	return n_all > 0 ? make_all_told(m, n_all) : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * A message on its way from the wire to the queue. DATA and BDAT feed it slices; at the end it
 * is checked, gets its trace headers, and is stored by one queue_accept(), which returns once
 * it is durable.
 *
 * What exists when:
 *   1. begin   a spool (memory, then an unlinked file): a crash leaves nothing, the client
 *      has no reply and sends again
 *   2. add     the same; the first trouble is kept, the spool given back, the rest dropped
 *   3. end     it is signed (signing.c) and trace headers are prepended; queue_accept() commits message and recipients at once
 *   4. reply   "250 queued as"; if the client is gone by now it may send again: a duplicate,
 *      never a loss (RFC 1047)
 *
 * What was sent is what is stored, byte for byte, behind our headers; the dots of RFC 5321
 * 4.5.2 apart, and what is made 7-bit before it is signed (signing.c).
 */
#include "smtp/smtp_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "db/blob.h"
#include "mime/mime.h"
#include "net/conn.h"
#include "queue/trace.h"

int smtp_receive_begin(struct smtp_session *s, bool is_chunked)
{
	bool normalises = s->ctx->role == SMTP_SUBMISSION &&
			  s->conf->submission_bare_lf == SMTP_BARE_LF_NORMALISE;

	must(!s->tx.spool && s->tx.n_rcpts > 0);
	s->tx.dots =
		(struct smtp_dotstream){ .is_chunked = is_chunked, .normalises_lf = normalises };
	return spool_new(store_db(s->ctx->store), (size_t)s->conf->max_message_size, &s->tx.spool);
}

int smtp_receive_body_begin(struct smtp_session *s)
{
	const struct conn_body_limit limit = {
		.total_ms = s->conf->data_total_timeout_ms,
		.idle_ms = s->conf->data_idle_timeout_ms,
		.min_rate = s->conf->data_min_rate,
	};

	return conn_body_begin(s->conn, &limit);
}

void smtp_receive_add(struct smtp_session *s, struct str bytes)
{
	struct smtp_tx *tx = &s->tx;

	tx->received += bytes.n;
	if (tx->trouble < 0 || bytes.n == 0)
		return;
	/* A body with bad line ends is refused at its end; nothing more of it needs room. */
	if (tx->dots.found)
		return;
	tx->trouble = spool_append(tx->spool, bytes);
	if (tx->trouble < 0) {
		spool_free(tx->spool);
		tx->spool = NULL;
	}
}

bool smtp_receive_is_hopeless(const struct smtp_session *s)
{
	return s->tx.received > 2 * (uint64_t)s->conf->max_message_size;
}

/* ---- the whole message ---- */

struct scan {
	int64_t hops;
	bool has_date, has_message_id, is_tls_optional;
};

static struct scan header_scan(struct str message)
{
	struct mime_field field;
	struct scan scan = { 0 };

	while (mime_field_next(&message, &field) == 1) {
		if (str_ieq(field.name, S("Received")))
			scan.hops++;
		else if (str_ieq(field.name, S("Date")))
			scan.has_date = true;
		else if (str_ieq(field.name, S("Message-ID")))
			scan.has_message_id = true;
		else if (str_ieq(field.name, S("TLS-Required"))) /* RFC 8689 3 */
			scan.is_tls_optional = str_ieq(str_trim(field.value), S("No"));
	}
	return scan;
}

/* The reply for bytes that may not be in a message. RFC 5321 2.3.8, 4.1.1.4. */
static int found_reply(unsigned found)
{
	if (found & SMTP_DOT_BARE_LF)
		return SMTP_R_BARE_LF;
	if (found & SMTP_DOT_BARE_CR)
		return SMTP_R_BARE_CR;
	return found ? SMTP_R_NUL : 0;
}

/* Checks the complete message and puts our headers before it. 0 or a reply. */
static int message_finish(struct smtp_session *s)
{
	AUTO(buf_fini) struct buf trace = BUF_INIT(SPOOL_HEADROOM);
	bool is_submission = s->ctx->role == SMTP_SUBMISSION;
	struct scan scan;
	struct str message;
	int r;

	if (s->tx.trouble < 0)
		return s->tx.trouble;
	r = s->tx.body == SMTP_BODY_BINARYMIME ? 0 : found_reply(smtp_dotstream_found(&s->tx.dots));
	if (r != 0)
		return r;
	r = spool_view(s->tx.spool, &message);
	if (r < 0)
		return r;
	scan = header_scan(message);
	s->tx.is_tls_optional = scan.is_tls_optional && !s->tx.is_requiretls; /* RFC 8689 4.1 */
	/* RFC 5321 6.3 */
	if (scan.hops > s->conf->max_hops)
		return SMTP_R_LOOP;
	/* RFC 6409 8.2, 8.3 */
	smtp_trace_print(s, is_submission && !scan.has_date, is_submission && !scan.has_message_id,
			 &trace);
	if (buf_overflowed(&trace))
		return -E_LIMIT;
	return smtp_sign(s, message, buf_str(&trace));
}

/* What its story tells of its coming; the texts are in out. */
static struct queue_origin origin_of(const struct smtp_session *s, struct buf *out)
{
	struct queue_origin o = {
		.peer = conn_peer(s->conn),
		.helo = str_z(s->helo_z),
		.user = str_z(s->identity ? s->identity->name : ""),
	};
	struct conn_tls_info tls;
	size_t n;

	smtp_protocol_print(s, out);
	n = out->n;
	if (conn_tls_info(s->conn, &tls))
		buf_printf(out, "%s %s", tls.version ? tls.version : "TLS", tls.cipher ? tls.cipher : "");
	o.protocol = str_head(buf_str(out), n);
	o.tls = str_skip(buf_str(out), n);
	return o;
}

/* Stores it, or (refused) keeps the story of its refusal. */
static int message_hand_over(struct smtp_session *s, const struct queue_reply *refused)
{
	AUTO(buf_fini) struct buf origin = BUF_INIT(500);
	struct queue_envelope envelope = {
		.origin = origin_of(s, &origin),
		.qid_z = s->tx.qid,
		.sid_z = conn_sid(s->conn),
		.reverse_path = s->tx.reverse_path,
		.submitter = s->is_authenticated ? s->identity->account : 0,
		.dsn_ret = s->tx.dsn_ret,
		.envid = s->tx.envid,
		.is_8bit = s->tx.body == SMTP_BODY_8BITMIME,
		.is_binary = s->tx.body == SMTP_BODY_BINARYMIME,
		.is_smtputf8 = s->tx.is_smtputf8,
		.is_requiretls = s->tx.is_requiretls,
		.is_tls_optional = s->tx.is_tls_optional,
		.wish = s->tx.wish,
		.rcpts = s->tx.rcpts,
		.n_rcpts = s->tx.n_rcpts,
		.is_per_recipient = s->ctx->role == SMTP_LMTP,
	};

	return refused ? queue_trace_refused(s->ctx->queue, &envelope, s->tx.received, refused)
		       : queue_accept(s->ctx->queue, &envelope, s->tx.spool);
}

/* ---- the answer ---- */

static const char *into_z(const struct queue_rcpt *rcpt)
{
	if (rcpt->n_accounts > 0)
		return rcpt->n_forwards > 0 ? "INBOX+queue" : "INBOX";
	return !rcpt->is_local || rcpt->n_forwards > 0 ? "queue" : "nowhere";
}

/* Where the message went for each recipient that has it now: one line each, so that its id leads from here to the mailbox. */
static void log_rcpts(const struct smtp_session *s, int r)
{
	for (size_t i = 0; i < s->tx.n_rcpts; i++) {
		const struct queue_rcpt *rcpt = &s->tx.rcpts[i];

		if (r == 0 && rcpt->result == 0)
			LOG(INFO, "smtp.rcpt", F_Z("qid", s->tx.qid), F_STR("to", rcpt->address),
			    F_Z("into", into_z(rcpt)));
	}
}

static void log_message(const struct smtp_session *s, int reply, size_t n_accepted)
{
	struct smtp_reply_row room;
	const struct smtp_reply_row *row = smtp_reply_row(reply, &room);

	LOG(INFO, n_accepted > 0 ? "smtp.accept" : "smtp.reject", F_Z("qid", s->tx.qid),
	    F_STR("peer", conn_peer(s->conn)), F_Z("user", s->identity ? s->identity->name : ""),
	    F_STR("from", s->tx.reverse_path), F_INT("rcpts", n_accepted), F_INT("size", s->tx.received), F_INT("code", row->code),
	    F_Z("enhanced", row->enhanced), F_Z("reply", n_accepted > 0 ? "" : row->text), F_INT("ms", clock_mono_ms() - s->tx.start_ms));
}

/* The client has its answer; what is kept of it is for administrators, and its failing nobody's trouble but theirs. */
static void trace_refused(struct smtp_session *s, int reply)
{
	struct smtp_reply_row room;
	const struct smtp_reply_row *row = smtp_reply_row(reply, &room);
	const struct queue_reply refused = { row->code, str_z(row->enhanced), str_z(row->text) };
	int r = message_hand_over(s, &refused);

	if (r < 0)
		LOG(WARN, "smtp.trace", F_Z("qid", s->tx.qid), F_Z("err", err_row(r)->name), F_Z("note", "its refusal is not kept"));
}

static void reply_one(struct smtp_session *s, int r)
{
	if (r == 0)
		smtp_session_reply(s, SMTP_R_QUEUED, str_z(s->tx.qid));
	else /* an account may have been removed since RCPT */
		smtp_session_reply(s, r == -E_NOT_FOUND ? SMTP_R_NO_USER : r, S(""));
}

/* RFC 2033 4.2: a reply for each recipient that RCPT accepted, in that order. */
static size_t reply_each(struct smtp_session *s, int r)
{
	size_t n_accepted = 0;

	for (size_t i = 0; i < s->tx.n_rcpts; i++) {
		int result = s->tx.rcpts[i].result != 0 ? s->tx.rcpts[i].result : r;

		n_accepted += result == 0;
		reply_one(s, result);
	}
	return n_accepted;
}

void smtp_receive_end(struct smtp_session *s)
{
	size_t n_accepted;
	int r = message_finish(s);

	if (r == 0)
		r = message_hand_over(s, NULL);
	/* One of several is gone since RCPT: the next try tells which, a 550 would refuse them all. */
	if (r == -E_NOT_FOUND && s->tx.n_rcpts > 1)
		r = -E_IO;
	if (s->ctx->role == SMTP_LMTP) {
		n_accepted = reply_each(s, r);
	} else {
		n_accepted = r == 0 ? s->tx.n_rcpts : 0;
		reply_one(s, r);
	}
	log_rcpts(s, r);
	s->n_messages += n_accepted > 0;
	s->n_commands = 0;
	s->n_refused += n_accepted == 0;
	if (n_accepted == 0 && r == 0)
		r = s->tx.rcpts[0].result;
	log_message(s, n_accepted > 0 ? SMTP_R_QUEUED : r, n_accepted);
	if (n_accepted == 0)
		trace_refused(s, r);
	smtp_tx_reset(s);
	smtp_session_enter(s, SMTP_ST_READY);
}

/* SPDX-License-Identifier: MIT */
/*
 * Accepting a message: the moment from which it is ours. One job of the writer does everything,
 * so that "250" stands for one commit and not for a promise.
 *
 * States of an accepted message, who moves it on, and what a crash leaves:
 *  1. in the session's spool, parsed (queue_accept): nothing, the client was not answered.
 *  2. body in a pack, synced (db_write): dead space that no row names.
 *  3. accept_tx has written the content row, a message row in each local INBOX (store_tx_deliver),
 *     the queue rows of recipients elsewhere, the first row of its trace, and what its sender is told of
 *     success here: gone with the transaction.
 *  4. committed and synced: local recipients have it, remote ones wait in queue_recipients. The
 *     client was not answered yet and may send it again: a double, never a loss.
 *  5. queue_accept() returns, the session says 250. Rows of the queue are taken out again by the
 *     delivery to come (state QUEUE_WAITING, next_attempt).
 *
 * All recipients share one content. Its references: one for each INBOX and one for each row of queue_messages: one for
 * recipients elsewhere, and another for those that an alias here forwards to, whose return address is ours
 * (mailauth/srs.h), so that the next host's look at SPF is at us.
 */
#include "queue/trace_int.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "mailauth/srs.h"
#include "store/account.h"

#define RESULT_ARENA (16u << 20) /* what the parsed message leaves: ready-made texts and keys */

/* ---- who gets a copy ---- */

static int compare_targets(const void *pa, const void *pb)
{
	const struct queue_target *a = pa, *b = pb;

	return (a->account > b->account) - (a->account < b->account);
}

static void gather_targets(struct queue_mail *m)
{
	const struct queue_envelope *e = m->e;
	size_t n = 0, unique = 0;

	for (size_t i = 0; i < e->n_rcpts; i++) {
		m->has_forwards |= e->rcpts[i].n_forwards > 0;
		if (e->rcpts[i].is_local)
			n += e->rcpts[i].n_accounts;
		else
			m->has_remote = true;
	}
	m->targets = mem_alloc(n, sizeof(*m->targets));
	n = 0;
	for (size_t i = 0; i < e->n_rcpts; i++)
		for (size_t k = 0; e->rcpts[i].is_local && k < e->rcpts[i].n_accounts; k++)
			m->targets[n++].account = e->rcpts[i].accounts[k];
	if (n)
		qsort(m->targets, n, sizeof(*m->targets), compare_targets);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || m->targets[i].account != m->targets[unique - 1].account)
			m->targets[unique++] = m->targets[i];
	m->n_targets = unique;
}

/* LMTP: a recipient is served when one of its accounts is, or it goes elsewhere too; else it hears the last refusal. */
static int result_of(const struct queue_mail *m, const struct queue_rcpt *r)
{
	int rc = 0;

	if (r->n_forwards > 0)
		return 0; /* it would be sent there once more */
	for (size_t i = 0; r->is_local && i < r->n_accounts; i++) {
		const struct queue_target key = { .account = r->accounts[i] };
		const struct queue_target *t = bsearch(&key, m->targets, m->n_targets, sizeof(key), compare_targets);

		must(t);
		rc = t->result;
		if (rc == 0)
			return 0;
	}
	return rc;
}

/* ---- where the rest goes ---- */

/* The return address of what is forwarded: at the domain of the first alias that does so. */
static int make_return_path(struct queue_mail *m, struct arena *a)
{
	const struct queue_envelope *e = m->e;
	const struct queue_rcpt *r = e->rcpts;

	m->return_path = e->reverse_path;
	if (e->reverse_path.n == 0)
		return 0;
	while (r->n_forwards == 0)
		r++;
	return srs_forward(m->q->srs_key, m->now_s, e->reverse_path,
			   str_skip(r->address, (size_t)(str_rchr(r->address, '@') + 1)), a, &m->return_path);
}

/* Where it goes, and by what it is known to be the same as another: its domain in A-labels and lower case. A local part means what it says (RFC 5321 2.4). */
static int find_hop(const struct conf *c, struct arena *a, struct str reverse_path, struct queue_elsewhere *to)
{
	struct str local = str_head(to->address, (size_t)(str_rchr(to->address, '@') + 1));
	struct queue_hop hop;
	int rc = queue_hop_find(c, a, reverse_path, to->address, &hop);

	if (rc < 0)
		return rc;
	to->key = hop.destination;
	to->id = arena_printf(a, "%" STR_FMT "%" STR_FMT, STR_ARG(local), STR_ARG(hop.domain));
	return to->id.p ? 0 : -E_LIMIT;
}

static void list_elsewhere(struct queue_mail *m)
{
	const struct queue_envelope *e = m->e;
	size_t n = 0;

	for (size_t i = 0; i < e->n_rcpts; i++)
		n += !e->rcpts[i].is_local + e->rcpts[i].n_forwards;
	m->elsewhere = mem_alloc(n, sizeof(*m->elsewhere));
	n = 0;
	for (size_t i = 0; i < e->n_rcpts; i++) {
		const struct queue_rcpt *r = &e->rcpts[i];
		struct queue_elsewhere to = { .address = r->address, .orcpt = r->orcpt, .notify = r->notify, .nth = n };

		if (!r->is_local)
			m->elsewhere[n++] = to;
		for (size_t k = 0; k < r->n_forwards; k++) {
			to.address = r->forwards[k];
			to.is_forward = true;
			to.nth = n;
			m->elsewhere[n++] = to;
		}
	}
	m->n_elsewhere = n;
}

/* The same address side by side: of one ORCPT together, those without last, and first as it was asked for, if it was. */
static int compare_ids(const void *pa, const void *pb)
{
	const struct queue_elsewhere *a = pa, *b = pb;
	int order = str_cmp(a->id, b->id);

	if (order == 0)
		order = str_cmp(b->orcpt, a->orcpt);
	if (order == 0)
		order = a->is_forward - b->is_forward;
	return order != 0 ? order : (a->nth > b->nth) - (a->nth < b->nth);
}

static int compare_nth(const void *pa, const void *pb)
{
	const struct queue_elsewhere *a = pa, *b = pb;

	return (a->nth > b->nth) - (a->nth < b->nth);
}

/* RFC 3461 4.1: the sender hears what he asked to hear of either. */
static unsigned notify_of_both(unsigned a, unsigned b)
{
	const unsigned usual = QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY;

	if (a == b || b == QUEUE_NOTIFY_NEVER)
		return a;
	return a == QUEUE_NOTIFY_NEVER ? b : (a ? a : usual) | (b ? b : usual);
}

/*
 * Is the next one a recipient that is the same? Not if the sender wants to hear of either by a name of its own (RFC 3461 4.2): of one of them he would
 * hear nothing. One without a name takes that of the other, but who was asked for does not become who an alias leads to.
 */
static bool is_same(const struct queue_elsewhere *to, const struct queue_elsewhere *next)
{
	return str_eq(to->id, next->id) && (str_eq(to->orcpt, next->orcpt) || (next->orcpt.n == 0 && (!to->is_forward || next->is_forward)));
}

static void join(struct queue_elsewhere *to, const struct queue_elsewhere *same)
{
	to->notify = notify_of_both(to->notify, same->notify);
	if (same->nth < to->nth && same->is_forward == to->is_forward) {
		to->nth = same->nth;
		to->address = same->address;
	}
}

/*
 * Whoever names one address many times, in whatever way it may be written, or aliases that lead to it, sends one copy there: as it was asked for, else
 * as the first alias was.
 */
static void drop_doubles(struct queue_mail *m)
{
	struct queue_elsewhere *v = m->elsewhere;
	size_t unique = 0;

	if (m->n_elsewhere < 2)
		return;
	qsort(v, m->n_elsewhere, sizeof(*v), compare_ids);
	for (size_t i = 0; i < m->n_elsewhere; i++)
		if (unique > 0 && is_same(&v[unique - 1], &v[i]))
			join(&v[unique - 1], &v[i]);
		else
			v[unique++] = v[i];
	m->n_elsewhere = unique;
	qsort(v, unique, sizeof(*v), compare_nth);
	m->has_forwards = false;
	for (size_t i = 0; i < unique; i++)
		m->has_forwards |= v[i].is_forward;
}

static int find_elsewhere(struct queue_mail *m, const struct conf *c, struct arena *a)
{
	int rc = m->has_forwards ? make_return_path(m, a) : 0;

	m->forward_qid = arena_printf(a, "%sF", m->e->qid_z);
	if (!m->forward_qid.p)
		return -E_LIMIT;
	list_elsewhere(m);
	for (size_t i = 0; i < m->n_elsewhere && rc == 0; i++)
		rc = find_hop(c, a, m->elsewhere[i].is_forward ? m->return_path : m->e->reverse_path, &m->elsewhere[i]);
	if (rc < 0)
		return rc;
	drop_doubles(m);
	m->n_ahead = queue_share_take(m->q, m->e->submitter, m->e->reverse_path, m->n_elsewhere, m->now_s);
	return 0;
}

/* RFC 4865 4.2: nothing is released before its time, also what is for somebody here: all wait in the queue. */
static void hold(struct queue_envelope *e)
{
	for (size_t i = 0; i < e->n_rcpts; i++) {
		e->rcpts[i].is_local = false;
		e->rcpts[i].n_accounts = e->rcpts[i].n_forwards = 0;
	}
}

static void read_limits(struct queue_mail *m)
{
	struct conf *c;

	if (m->e->submitter == 0)
		return;
	c = queue_conf_get(m->q);
	m->max_messages = queue_conf_of(c)->max_messages_per_day;
	m->max_recipients = queue_conf_of(c)->max_new_recipients_per_day;
	conf_unref(c);
}

int queue_mail_prepare(struct queue_mail *m, struct queue *q, struct queue_envelope *e, struct str bytes, struct arena *a)
{
	int64_t now_s = clock_wall_ms() / 1000;
	struct conf *c;
	int rc;

	must(e->n_rcpts > 0);
	if (e->wish.hold_until_s > now_s)
		hold(e);
	*m = (struct queue_mail){ .q = q, .e = e, .body.bytes = bytes, .now_s = now_s };
	rc = store_content_prepare(a, bytes, &m->content);
	if (rc < 0)
		return rc;
	gather_targets(m);
	read_limits(m);
	m->has_trace = atomic_load(&q->trace_ms) != 0;
	trace_row_init(&m->trace, QUEUE_TRACE_ACCEPTED);
	if (m->has_trace)
		trace_row_message(&m->trace, e, m->content.message_id, m->content.bytes.n, NULL);
	if (!m->has_remote && !m->has_forwards)
		return queue_told_make(m);
	c = queue_conf_get(q);
	m->look_s = queue_look_s(queue_conf_of(c), &(struct queue_age){ .accepted_s = now_s, .held_until_s = e->wish.hold_until_s,
									.by_s = e->wish.by_s, .by_returns = e->wish.by_returns,
									.is_for_a_day = e->is_for_a_day });
	rc = find_elsewhere(m, c, a);
	conf_unref(c);
	return rc < 0 ? rc : queue_told_make(m);
}

struct db_write_job queue_mail_job(struct queue_mail *m, db_write_fn *fn, void *arg)
{
	for (size_t i = 0; i < m->n_told; i++)
		m->bodies[1 + i] = m->told[i].mail.body;
	if (m->n_told > 0)
		m->bodies[0] = m->body;
	return (struct db_write_job){ .fn = fn, .arg = arg, .durability = DB_DURABLE, .bodies = m->n_told > 0 ? m->bodies : &m->body,
				      .n_bodies = 1 + m->n_told };
}

/* ---- the one transaction ---- */

/* What one recipient may be refused with while the others get the message. */
static bool is_own_refusal(int rc)
{
	return rc == -E_QUOTA || rc == -E_NOT_FOUND;
}

static int deliver(struct queue_mail *m, struct db_tx *tx, int64_t content, int64_t *refs)
{
	for (size_t i = 0; i < m->n_targets; i++) {
		struct queue_target *t = &m->targets[i];
		int64_t mailbox;
		uint32_t uid;

		t->result = store_tx_deliver(m->q->store, tx, t->account, content, &m->content, m->e->is_per_recipient, &mailbox,
					     &uid);
		if (t->result < 0 && !(m->e->is_per_recipient && is_own_refusal(t->result)))
			return t->result;
		*refs += t->result == 0;
	}
	return 0;
}

static int flags_of(const struct queue_envelope *e)
{
	return (e->is_8bit ? QUEUE_8BIT : 0) | (e->is_binary ? QUEUE_BINARY : 0) |
	       (e->is_smtputf8 ? QUEUE_SMTPUTF8 : 0) | (e->is_requiretls ? QUEUE_REQUIRETLS : 0) |
	       (e->is_tls_optional ? QUEUE_TLS_OPTIONAL : 0) | (e->is_for_a_day ? QUEUE_FOR_A_DAY : 0);
}

static int add_message(struct queue_mail *m, struct db_tx *tx, int64_t content, struct str qid, struct str reverse_path)
{
	const struct queue_envelope *e = m->e;
	const struct queue_wish *w = &e->wish;
	int by_flags = (w->by_returns ? QUEUE_BY_RETURNS : 0) | (w->by_traces ? QUEUE_BY_TRACES : 0);

	return DB_EXEC(tx, SQL(MESSAGE_ADD), DB_T(qid), DB_I(content), DB_I(m->content.bytes.n), DB_T(reverse_path),
		       DB_I(e->submitter), DB_I(e->dsn_ret), DB_T(e->envid), DB_I(flags_of(e)), DB_I(m->now_s),
		       DB_T(str_z(e->sid_z)), DB_I(w->by_s), DB_I(by_flags), DB_I(w->hold_until_s),
		       DB_T(w->hold.p ? w->hold : S("")), w->has_priority ? DB_I(w->priority) : DB_N, DB_I(m->look_s));
}

/*
 * RFC 6710 5.1: who is more urgent goes first. A step of priority is worth an hour of waiting, and one below the usual a second of
 * standing aside.
 */
static int64_t first_attempt_s(const struct queue_mail *m, bool is_ahead)
{
	const struct queue_wish *w = &m->e->wish;
	int64_t s = w->hold_until_s > m->now_s ? w->hold_until_s : m->now_s;

	if (w->priority < 0)
		return s - w->priority;
	if (w->hold_until_s > m->now_s)
		return s;
	return s - (int64_t)w->priority * 3600 - (is_ahead ? QUEUE_AHEAD_S : 0);
}

static int add_recipient(struct queue_mail *m, struct db_tx *tx, struct str qid, const struct queue_elsewhere *to, bool is_ahead)
{
	int64_t at_s = first_attempt_s(m, is_ahead);
	int rc = DB_EXEC(tx, SQL(RECIPIENT_ADD), DB_T(qid), DB_T(to->address), DB_T(to->orcpt), DB_I(to->notify), DB_I(QUEUE_WAITING),
			 DB_I(at_s), DB_T(to->key));

	return rc < 0 ? rc : DB_EXEC(tx, SQL(DESTINATION_ADD), DB_T(to->key), DB_I(at_s));
}

/*
 * Those that were asked for, or those that aliases lead to: a message of its own, with an id that shows which one it came from. RFC 3461 5.2.7.1: what was
 * asked about notices goes along.
 */
static int enqueue(struct queue_mail *m, struct db_tx *tx, int64_t content, bool is_forward)
{
	struct str qid = is_forward ? m->forward_qid : str_z(m->e->qid_z);
	int rc = add_message(m, tx, content, qid, is_forward ? m->return_path : m->e->reverse_path);

	for (size_t i = 0; i < m->n_elsewhere && rc == 0; i++)
		if (m->elsewhere[i].is_forward == is_forward)
			rc = add_recipient(m, tx, qid, &m->elsewhere[i], i < m->n_ahead);
	return rc == -E_EXISTS ? -E_IO : rc; /* the id is taken: the next try has another */
}

/* The first event of its story. Who was refused by himself is known only now. */
static int write_trace(struct queue_mail *m, struct db_tx *tx)
{
	bool is_as_made = true;

	for (size_t i = 0; i < m->n_targets; i++)
		is_as_made = is_as_made && m->targets[i].result == 0;
	if (!is_as_made) {
		for (size_t i = 0; i < m->e->n_rcpts; i++)
			m->e->rcpts[i].result = result_of(m, &m->e->rcpts[i]);
		trace_row_fini(&m->trace);
		trace_row_message(&m->trace, m->e, m->content.message_id, m->content.bytes.n, NULL);
		for (size_t i = 0; i < m->e->n_rcpts; i++)
			m->e->rcpts[i].result = 0; /* it counts when it is committed */
	}
	return trace_row_write(tx, &m->trace, m->now_s);
}

static bool has_got_it(const struct queue_mail *m, const struct queue_rcpt *r)
{
	return !r || result_of(m, r) == 0;
}

static int tell(struct queue_mail *m, struct db_tx *tx)
{
	int rc = 0;

	for (size_t i = 0; i < m->n_told && rc == 0; i++) {
		m->told[i].mail.body = m->bodies[1 + i];
		if (has_got_it(m, m->told[i].of))
			rc = queue_notice_tx(&m->told[i], tx);
	}
	return rc;
}

int queue_mail_tx(struct queue_mail *m, struct db_tx *tx)
{
	int64_t content = 0, refs = 0;
	int rc = queue_allowance_tx(m, tx);

	if (m->n_told > 0)
		m->body = m->bodies[0];
	if (rc == 0)
		rc = store_tx_content_add(tx, &m->content, &m->body.ref, &content);
	if (rc == 0)
		rc = deliver(m, tx, content, &refs);
	if (rc == 0 && m->has_remote) {
		rc = enqueue(m, tx, content, false);
		refs++;
	}
	if (rc == 0 && m->has_forwards) {
		rc = enqueue(m, tx, content, true);
		refs++;
	}
	if (rc == 0 && m->has_trace)
		rc = write_trace(m, tx);
	if (rc == 0)
		rc = tell(m, tx);
	if (rc < 0)
		return rc;
	if (refs == 0 && (rc = store_tx_content_ref(tx, content, -1)) < 0)
		return rc;
	if (refs == 0)
		return -E_QUOTA; /* everybody refused, or it goes nowhere: nothing is kept, each has its own result */
	return store_tx_content_ref(tx, content, refs - 1);
}

bool queue_mail_is_void(const struct queue_mail *m, int rc)
{
	bool is_void = rc == -E_QUOTA && !m->has_remote && !m->has_forwards && (m->e->is_per_recipient || m->n_targets == 0);

	for (size_t i = 0; i < m->n_targets && is_void; i++)
		is_void = is_own_refusal(m->targets[i].result);
	return is_void;
}

void queue_mail_stored(struct queue_mail *m)
{
	const struct queue_envelope *e = m->e;

	for (size_t i = 0; i < e->n_rcpts; i++)
		e->rcpts[i].result = result_of(m, &e->rcpts[i]);
	for (size_t i = 0; i < m->n_elsewhere; i++)
		queue_hint(m->q, m->elsewhere[i].key);
	for (size_t i = 0; i < m->n_told; i++)
		if (has_got_it(m, m->told[i].of))
			queue_notice_stored(&m->told[i]);
}

void queue_mail_done(struct queue_mail *m)
{
	for (size_t i = 0; i < m->n_told; i++)
		queue_notice_done(&m->told[i]);
	trace_row_fini(&m->trace);
	mem_free(m->targets);
	mem_free(m->elsewhere);
	mem_free(m->told);
	mem_free(m->bodies);
	m->targets = NULL;
	m->elsewhere = NULL;
	m->told = NULL;
	m->bodies = NULL;
	m->n_told = 0;
}

/* ---- the caller's side ---- */

static int accept_tx(struct db_tx *tx, void *arg)
{
	return queue_mail_tx(arg, tx);
}

static int void_tx(struct db_tx *tx, void *arg)
{
	return write_trace(arg, tx);
}

/* What went to /null, of which nothing but its story is kept; a power cut may take that. What everybody refused has none. */
static int write_void_trace(struct queue_mail *m)
{
	struct db_write_job w = { .fn = void_tx, .arg = m, .durability = DB_LAZY };

	return m->has_trace && m->n_targets == 0 ? db_write(store_db(m->q->store), &w) : 0;
}

static int run(struct queue_mail *m)
{
	struct db_write_job w = queue_mail_job(m, accept_tx, m);
	int rc = db_write(store_db(m->q->store), &w);

	if (rc < 0 && queue_mail_is_void(m, rc))
		rc = write_void_trace(m);
	if (rc < 0)
		return rc;
	queue_mail_stored(m);
	return 0;
}

int queue_accept(struct queue *q, struct queue_envelope *e, struct spool *message)
{
	AUTO(arena_fini) struct arena a;
	struct queue_mail m = { 0 };
	struct str bytes;
	int rc;

	arena_init(&a, RESULT_ARENA);
	rc = spool_view(message, &bytes);
	if (rc == 0)
		rc = queue_mail_prepare(&m, q, e, bytes, &a);
	if (rc == 0)
		rc = run(&m);
	queue_mail_done(&m);
	return rc;
}

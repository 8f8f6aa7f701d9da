/* SPDX-License-Identifier: MIT */
/*
 * Reports about TLS, made when their day is over and sent, on the schedule's thread: by HTTPS through the sender, as an attempt without a
 * recipient; by mail as a message in the queue. tlsrpt_count.c has the states of a report. Each try is for the next of the addresses that the
 * domain names, until one has taken it (RFC 8460 3), the queue for mail, or a day is over since the first one (RFC 8460 5.5).
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/rnd.h"
#include "queue/schedule_int.h"
#include "queue/tlsrpt_int.h"

#define DUE_MAX 16        /* looked at in one turn; more than can be on their way */
#define LOOK_S 3600       /* at most between two looks: counting tells nobody */
#define GIVE_UP_S 86400
#define BUSY_S 60
#define REPORT_ARENA (4u << 20)

struct due {
	int64_t day, tries, since_s;
	struct str domain, id, rua;
};

/* ---- rows ---- */

struct change {
	int64_t day, due_s, tries, since_s;
	struct str domain;
};

static int remove_tx(struct db_tx *tx, void *arg)
{
	const struct change *c = arg;
	int rc = DB_EXEC(tx, SQL(TLSRPT_SESSIONS_REMOVE), DB_I(c->day), DB_T(c->domain));

	if (rc == 0)
		rc = DB_EXEC(tx, SQL(TLSRPT_REMOVE), DB_I(c->day), DB_T(c->domain));
	return rc == 0 ? DB_EXEC(tx, SQL(TLSRPT_DAY_END), DB_I(c->day)) : rc;
}

static int put_off_tx(struct db_tx *tx, void *arg)
{
	const struct change *c = arg;

	return DB_EXEC(tx, SQL(TLSRPT_PUT_OFF), DB_I(c->day), DB_T(c->domain), DB_I(c->due_s), DB_I(c->tries), DB_I(c->since_s));
}

static int write_change(struct queue_sched *s, db_write_fn *fn, struct change *c)
{
	return db_write(store_db(s->q->store), &(struct db_write_job){ .fn = fn, .arg = c, .durability = DB_LAZY });
}

static int read_due(struct queue_sched *s, struct arena *a, struct due ret[DUE_MAX], size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(store_db(s->q->store), &tx);

	*ret_n = 0;
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(TLSRPT_DUE), DB_I(s->now_s), DB_I(DUE_MAX));
	while ((rc = db_step(&q)) > 0) {
		struct due *d = &ret[(*ret_n)++];

		*d = (struct due){ .day = db_int(&q, 0), .tries = db_int(&q, 4), .since_s = db_int(&q, 5),
				   .domain = arena_str(a, db_text(&q, 1)), .id = arena_str(a, db_text(&q, 2)),
				   .rua = arena_str(a, db_text(&q, 3)) };
		if (!d->domain.p || !d->id.p || !d->rua.p)
			return -E_LIMIT;
	}
	return rc;
}

static int read_row(struct db_query *q, struct arena *a, struct queue_tlsrpt_row *r)
{
	struct str *const texts[] = { &r->policy.domain, &r->policy.text, &r->session.host, &r->session.peer, &r->session.own,
				      &r->session.reason };
	static const int columns[] = { 1, 2, 4, 5, 6, 7 };

	r->policy.type = (enum queue_tlsrpt_type)(db_int(q, 0) % QUEUE_TLSRPT_N_TYPES);
	r->session.outcome = (enum queue_tlsrpt_outcome)(db_int(q, 3) % QUEUE_TLSRPT_N_OUTCOMES);
	r->sessions = db_int(q, 8);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		*texts[i] = arena_str(a, db_text(q, columns[i]));
		if (!texts[i]->p)
			return -E_LIMIT;
	}
	return 0;
}

static int read_rows(struct queue_sched *s, struct arena *a, const struct due *d, struct queue_tlsrpt_report *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	size_t cap = 0;
	int rc = db_read_begin(store_db(s->q->store), &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(TLSRPT_ROWS), DB_I(d->day), DB_T(d->domain));
	while ((rc = db_step(&q)) > 0) {
		rc = arena_grow(a, &ret->rows, ret->n_rows, &cap, sizeof(*ret->rows));
		if (rc == 0)
			rc = read_row(&q, a, &ret->rows[ret->n_rows]);
		if (rc < 0)
			return rc;
		ret->n_rows++;
	}
	return rc;
}

/* ---- the end of one ---- */

static int drop(struct queue_sched *s, int64_t day, struct str domain, const char *why_z)
{
	struct change c = { .day = day, .domain = domain };

	LOG(INFO, "tlsrpt.dropped", F_STR("domain", domain), F_INT("day", day), F_Z("fault", why_z));
	return write_change(s, remove_tx, &c);
}

/* It goes again later, unless a day of trying is over. */
static int put_off(struct queue_sched *s, const struct queue_report *r, struct str why)
{
	struct change c = { .day = r->day, .domain = str_z(r->domain), .tries = r->tries + 1,
			    .since_s = r->since_s > 0 ? r->since_s : s->now_s };

	c.due_s = s->now_s + queue_pause_s(s->set, c.tries);
	if (c.due_s - c.since_s > GIVE_UP_S)
		return drop(s, r->day, c.domain, "it could not be delivered within a day");
	LOG(INFO, "tlsrpt.deferred", F_STR("domain", c.domain), F_INT("tries", c.tries), F_STR("fault", why));
	return write_change(s, put_off_tx, &c);
}

static void land(struct queue_sched *s, struct queue_report *r, const struct queue_result *result)
{
	bool is_taken = result && result->n_rcpts == 1 && result->rcpts[0].outcome == QUEUE_DELIVERED;
	struct change c = { .day = r->day, .domain = str_z(r->domain) };
	struct str why = result && result->n_rcpts == 1 ? result->rcpts[0].reply.text : S("the sending process ended");
	int rc;

	if (is_taken)
		LOG(INFO, "tlsrpt.sent", F_Z("domain", r->domain), F_Z("by", "https"), F_INT("tries", r->tries + 1), F_INT("ms", result->ms));
	rc = is_taken ? write_change(s, remove_tx, &c) : put_off(s, r, why);
	if (rc < 0) /* it is still due: the other side knows its id */
		LOG(WARN, "tlsrpt.result", F_Z("domain", r->domain), F_Z("err", err_row(rc)->name), F_Z("then", "trying again"));
	r->id = 0;
	s->next_report_s = rc < 0 ? s->now_s + BUSY_S : 0; /* there is room for another */
}

bool queue_reports_take(struct queue_sched *s, const struct queue_result *result)
{
	for (size_t i = 0; result->id != 0 && i < SCHED_REPORTS; i++)
		if (s->reports[i].id == result->id) {
			land(s, &s->reports[i], result);
			return true;
		}
	return false;
}

void queue_reports_lost(struct queue_sched *s)
{
	for (size_t i = 0; i < SCHED_REPORTS; i++)
		if (s->reports[i].id != 0)
			land(s, &s->reports[i], NULL);
}

/* ---- the key ---- */

void queue_tlsrpt_key(struct queue *q, struct dkim_key *key)
{
	struct dkim_key *old;

	lock_get(&q->lock);
	old = q->dkim;
	q->dkim = key;
	lock_put(&q->lock);
	dkim_key_unref(old);
}

static void end_key(struct dkim_key **k)
{
	dkim_key_unref(*k);
}

/* With a reference; NULL: none. */
static struct dkim_key *get_key(struct queue *q)
{
	struct dkim_key *key;

	lock_get(&q->lock);
	key = q->dkim ? dkim_key_ref(q->dkim) : NULL;
	lock_put(&q->lock);
	return key;
}

/* ---- the begin of one ---- */

/* What is used for all of a turn. */
struct means {
	const struct queue_tlsrpt_conf *conf;
	struct dkim_key *key; /* NULL: nothing goes by mail */
};

static bool is_usable(const struct means *m, struct str uri, struct arena *a, struct tlsrpt_uri *ret)
{
	if (!tlsrpt_uri_parse(uri, a, ret))
		return false;
	return ret->is_mail ? m->key != NULL : ret->port == 0 || ret->port == m->conf->https_port;
}

/* The one whose turn it is. False: none is of use. */
static bool choose_uri(const struct means *m, const struct due *d, struct arena *a, struct str *ret, struct tlsrpt_uri *ret_parsed)
{
	struct str uris[TLSRPT_URIS], rest = d->rua, uri;
	size_t n = 0;

	while (n < TLSRPT_URIS && str_split(&rest, ' ', &uri))
		if (is_usable(m, uri, a, ret_parsed))
			uris[n++] = uri;
	if (n == 0)
		return false;
	*ret = uris[(size_t)d->tries % n];
	return is_usable(m, *ret, a, ret_parsed);
}

static int make(struct queue_sched *s, const struct queue_tlsrpt_conf *t, const struct due *d, struct arena *a,
		struct queue_tlsrpt_report *ret, struct buf *out)
{
	AUTO(buf_fini) struct buf json = BUF_INIT(QUEUE_TLSRPT_JSON);
	int rc;

	*ret = (struct queue_tlsrpt_report){ .day = d->day, .domain = d->domain, .organization = queue_tlsrpt_organization(t),
					     .address = str_z(t->address) };
	ret->id = arena_printf(a, "%" STR_FMT "@%" STR_FMT, STR_ARG(d->id), STR_ARG(queue_tlsrpt_domain(t)));
	if (!ret->id.p)
		return -E_LIMIT;
	rc = read_rows(s, a, d, ret);
	if (rc < 0)
		return rc;
	queue_tlsrpt_json(ret, &json);
	return buf_overflowed(&json) ? -E_LIMIT : queue_tlsrpt_gzip(buf_str(&json), out);
}

static int post(struct queue_sched *s, const struct due *d, struct queue_report *slot, struct str uri, const struct tlsrpt_uri *u, struct str report,
		struct arena *a)
{
	struct queue_attempt_rcpt nobody = { .address = S("") };
	struct queue_attempt t = { .id = ++s->last_id, .n_lost = s->n_lost, .max_sessions = 1, .post = uri, .message = report,
				   .is_root_signed = queue_is_root_signed(s), .rcpts = &nobody, .n_rcpts = 1 };
	int rc;

	t.hop.destination = arena_printf(a, "https://%" STR_FMT, STR_ARG(u->host));
	rc = t.hop.destination.p ? queue_attempt_send(s->fd, &t) : -E_LIMIT;
	s->is_full |= rc == -E_BUSY;
	s->is_cut_off |= rc == -E_CLOSED;
	if (rc < 0)
		return rc;
	*slot = (struct queue_report){ .id = t.id, .day = d->day, .tries = d->tries, .since_s = d->since_s };
	memcpy(slot->domain, d->domain.p, d->domain.n);
	return 0;
}

/* ---- by mail ---- */

struct mail {
	struct queue_mail mail;
	struct change gone;
};

/* The message is in the queue by the same commit by which the report's rows are gone. */
static int mail_tx(struct db_tx *tx, void *arg)
{
	struct mail *m = arg;
	int rc = queue_mail_tx(&m->mail, tx);

	return rc < 0 && !queue_mail_is_void(&m->mail, rc) ? rc : remove_tx(tx, &m->gone);
}

static int store(struct queue_sched *s, const struct due *d, struct queue_envelope *e, struct str message, struct arena *a)
{
	struct mail m = { .gone = { .day = d->day, .domain = d->domain } };
	int rc = queue_mail_prepare(&m.mail, s->q, e, message, a);
	struct db_write_job w = { .fn = mail_tx, .arg = &m, .durability = DB_DURABLE, .bodies = &m.mail.body, .n_bodies = 1 };

	if (rc == 0)
		rc = db_write(store_db(s->q->store), &w);
	if (rc == 0)
		queue_mail_stored(&m.mail);
	queue_mail_done(&m.mail);
	return rc;
}

/*
 * With the null reverse-path, so that nobody hears of what becomes of it, and whatever the TLS of its recipient's hosts is: the report may be
 * about that (RFC 8460 3, 5.3). 0; negative.
 */
static int enqueue(struct queue_sched *s, const struct means *m, const struct due *d, const struct queue_tlsrpt_report *r, struct str to,
		struct str report, struct arena *a)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(QUEUE_TLSRPT_MAIL);
	struct queue_rcpt rcpt;
	struct queue_envelope e = { .sid_z = "", .rcpts = &rcpt, .n_rcpts = 1, .is_tls_optional = true, .is_for_a_day = true };
	const struct dkim_signer signer = { m->key, queue_tlsrpt_signer(m->conf), str_z(m->conf->dkim_selector), s->now_s };
	char qid[17];
	int rc = queue_rcpt_find(s->q, a, to, &rcpt);

	if (rc == 0)
		rc = queue_tlsrpt_mail(r, to, report, &signer, &text);
	if (rc < 0)
		return rc;
	rnd_id_z(qid, sizeof(qid) - 1);
	e.qid_z = qid;
	rcpt.notify = QUEUE_NOTIFY_NEVER;
	rc = store(s, d, &e, buf_str(&text), a);
	if (rc == 0)
		LOG(INFO, "tlsrpt.sent", F_STR("domain", d->domain), F_Z("by", "mail"), F_STR("to", to), F_Z("qid", qid),
		    F_INT("tries", d->tries + 1));
	return rc;
}

/* What is not the disk's trouble counts as a try. */
static int mail(struct queue_sched *s, const struct means *m, const struct due *d, const struct queue_tlsrpt_report *r, struct str to,
		struct str report, struct arena *a)
{
	struct queue_report try = { .day = d->day, .tries = d->tries, .since_s = d->since_s };
	int rc = enqueue(s, m, d, r, to, report, a);

	if (rc == 0 || queue_is_lasting(rc))
		return rc;
	memcpy(try.domain, d->domain.p, d->domain.n);
	return put_off(s, &try, str_z(err_row(rc)->text));
}

/* 1: it is on its way; 0: it is settled; negative: no more now. */
static int start(struct queue_sched *s, const struct means *m, const struct due *d, struct queue_report *slot)
{
	AUTO(arena_fini) struct arena a;
	AUTO(buf_fini) struct buf report = BUF_INIT(QUEUE_TLSRPT_JSON);
	struct queue_tlsrpt_report r;
	struct tlsrpt_uri u;
	struct str uri;
	int rc;

	arena_init(&a, REPORT_ARENA);
	if (d->domain.n >= sizeof(slot->domain) || !choose_uri(m, d, &a, &uri, &u))
		return drop(s, d->day, d->domain,
			    m->key ? "no address that it names can be used"
				   : "no address that it names can be used; for those by mail set dkim_key_file in [tlsrpt]");
	rc = make(s, m->conf, d, &a, &r, &report);
	if (rc == 0 && u.is_mail)
		return mail(s, m, d, &r, u.address, buf_str(&report), &a);
	if (rc == -E_LIMIT)
		return drop(s, d->day, d->domain, "it is too long");
	if (rc == 0)
		rc = post(s, d, slot, uri, &u, buf_str(&report), &a);
	return rc < 0 ? rc : 1;
}

static struct queue_report *free_slot(struct queue_sched *s)
{
	for (size_t i = 0; i < SCHED_REPORTS; i++)
		if (s->reports[i].id == 0)
			return &s->reports[i];
	return NULL;
}

static bool is_on_its_way(const struct queue_sched *s, const struct due *d)
{
	for (size_t i = 0; i < SCHED_REPORTS; i++)
		if (s->reports[i].id != 0 && s->reports[i].day == d->day && str_eq(str_z(s->reports[i].domain), d->domain))
			return true;
	return false;
}

/* The next that is not due yet; those that are wait for a slot. */
static int find_next(struct queue_sched *s)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(store_db(s->q->store), &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(TLSRPT_NEXT), DB_I(s->now_s));
	rc = db_step(&q);
	s->next_report_s = s->now_s + LOOK_S;
	if (rc > 0 && !db_is_null(&q, 0) && db_int(&q, 0) < s->next_report_s)
		s->next_report_s = db_int(&q, 0);
	return rc < 0 ? rc : 0;
}

static int look(struct queue_sched *s)
{
	AUTO(end_key) struct dkim_key *key = get_key(s->q);
	const struct means m = { queue_tlsrpt_conf_of(s->conf), key };
	AUTO(arena_fini) struct arena a;
	struct due v[DUE_MAX];
	struct queue_report *slot;
	bool has_more;
	size_t n;
	int rc;

	arena_init(&a, REPORT_ARENA);
	rc = read_due(s, &a, v, &n);
	has_more = rc == 0 && n == DUE_MAX;
	for (size_t i = 0; i < n && rc >= 0 && (slot = free_slot(s)) != NULL; i++) {
		if (is_on_its_way(s, &v[i]))
			continue;
		rc = m.conf->address[0] ? start(s, &m, &v[i], slot) : drop(s, v[i].day, v[i].domain, "reports are off now");
	}
	rc = rc < 0 ? rc : find_next(s);
	if (rc == 0 && has_more && free_slot(s) != NULL)
		s->next_report_s = s->now_s; /* in the next turn */
	return rc;
}

/* Trouble with reports is no trouble of mail. */
void queue_reports_look(struct queue_sched *s)
{
	int rc = s->set->is_sending ? look(s) : 0;

	if (!s->set->is_sending)
		s->next_report_s = s->now_s + LOOK_S;
	if (rc < 0)
		s->next_report_s = s->now_s + BUSY_S;
	if (rc < 0 && rc != -E_BUSY && rc != -E_CLOSED)
		LOG(WARN, "tlsrpt.reports", F_Z("err", err_row(rc)->name), F_Z("then", "trying again"));
}

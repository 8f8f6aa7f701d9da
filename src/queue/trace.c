/* SPDX-License-Identifier: MIT */
/*
 * Writing the trace. Each event is one row at the end of one table, without any index: the story as JSON, and the hashes by which it
 * is found. An index over many rows is made behind everybody's back (trace_index.c); docs/decisions/031-the-trace.md.
 */
#include "queue/trace_int.h"

#include "base/clock.h"

#define CUT 600   /* bytes of a string */
#define USUAL 600 /* bytes of a story */

uint32_t trace_key(struct str s)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)str_lower_char(s.p[i])) * 16777619u;
	return h;
}

/* ---- JSON ---- */

static bool is_plain(char c)
{
	return c >= 32 && c < 127 && c != '"' && c != '\\';
}

void trace_json_str(struct buf *out, struct str s)
{
	size_t from = 0, i = 0;
	bool is_utf8 = false;

	if (s.n > CUT) {
		s.n = CUT; /* between two characters */
		for (int k = 0; k < 3 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80; k++)
			s.n--;
	}
	buf_add_char(out, '"');
	while (i < s.n && is_plain(s.p[i])) /* nearly always all of it */
		i++;
	if (i < s.n)
		is_utf8 = str_is_utf8(s);
	for (; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_plain(s.p[i]) || (c >= 128 && is_utf8))
			continue;
		buf_add(out, str_of(s.p + from, i - from));
		from = i + 1;
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 128)
			buf_printf(out, "\\u%04x", c);
		else
			buf_add_char(out, '?');
	}
	buf_add(out, str_of(s.p + from, s.n - from));
	buf_add_char(out, '"');
}

#define NAME(lit) S(",\"" lit "\":")

static void member(struct buf *out, struct str name, struct str value)
{
	if (value.n == 0)
		return;
	buf_add(out, name);
	trace_json_str(out, value);
}

static void member_int(struct buf *out, struct str name, int64_t v)
{
	buf_add(out, name);
	buf_add_u64(out, v < 0 ? 0 : (uint64_t)v);
}

static void reply_members(struct buf *out, const struct queue_reply *r)
{
	if (r->code > 0)
		member_int(out, NAME("code"), r->code);
	member(out, NAME("enhanced"), r->enhanced);
	member(out, NAME("reply"), r->text);
}

/* ---- rows ---- */

void trace_row_init(struct trace_row *r, enum queue_trace_event event)
{
	*r = (struct trace_row){ .event = event, .keys = BUF_INIT(TRACE_STORY_MAX), .story = BUF_INIT(TRACE_STORY_MAX) };
}

void trace_row_fini(struct trace_row *r)
{
	buf_fini(&r->keys);
	buf_fini(&r->story);
}

static void add_key(struct trace_row *r, struct str s)
{
	uint32_t h = trace_key(s);
	const char bytes[TRACE_KEY] = { (char)(h >> 24), (char)(h >> 16), (char)(h >> 8), (char)h };

	if (s.n > 0)
		buf_add(&r->keys, str_of(bytes, sizeof(bytes)));
}

static void begin(struct trace_row *r, struct str qid)
{
	(void)buf_reserve(&r->story, USUAL);
	(void)buf_reserve(&r->keys, 8 * TRACE_KEY);
	add_key(r, str_head(qid, TRACE_QID));
	buf_add(&r->story, S("{\"qid\":"));
	trace_json_str(&r->story, qid);
}

/* When not all recipients fit: what was before them, and their number. */
static void end_list(struct trace_row *r, size_t before, size_t n)
{
	buf_add(&r->story, S("]}"));
	if (!buf_overflowed(&r->story))
		return;
	buf_truncate(&r->story, before);
	r->story.overflowed = false;
	member_int(&r->story, NAME("recipients"), (int64_t)n);
	buf_add_char(&r->story, '}');
}

int trace_row_write(struct db_tx *tx, const struct trace_row *r, int64_t at_s)
{
	return DB_EXEC(tx, SQL(TRACE_ADD), DB_I(at_s), DB_I(r->event), DB_B(buf_str(&r->keys)), DB_T(buf_str(&r->story)));
}

/* ---- a message comes ---- */

static struct str without_brackets(struct str id)
{
	return id.n > 2 && id.p[0] == '<' && id.p[id.n - 1] == '>' ? str_of(id.p + 1, id.n - 2) : id;
}

static void add_recipient(struct trace_row *r, const struct queue_rcpt *t, bool is_refused)
{
	struct buf *out = &r->story;

	add_key(r, t->address);
	buf_add(out, S("{\"address\":"));
	trace_json_str(out, t->address);
	if (!is_refused && t->result < 0)
		member(out, NAME("refused"), str_z(err_row(t->result)->name));
	else if (!is_refused)
		member(out, NAME("into"), t->is_local ? t->n_accounts ? S("INBOX") : t->n_forwards ? S("") : S("nowhere") : S("queue"));
	for (size_t k = 0; !is_refused && k < t->n_forwards; k++) {
		add_key(r, t->forwards[k]);
		buf_add(out, k ? S(",") : S(",\"forwards\":["));
		trace_json_str(out, t->forwards[k]);
	}
	buf_add(out, !is_refused && t->n_forwards ? S("]}") : S("}"));
}

void trace_row_message(struct trace_row *r, const struct queue_envelope *e, struct str message_id, uint64_t size,
		       const struct queue_reply *refused)
{
	struct buf *out = &r->story;
	size_t before;

	begin(r, str_z(e->qid_z));
	add_key(r, e->reverse_path);
	add_key(r, without_brackets(message_id));
	buf_add(out, S(",\"from\":"));
	trace_json_str(out, e->reverse_path);
	member(out, NAME("message_id"), message_id);
	member_int(out, NAME("size"), (int64_t)size);
	member(out, NAME("peer"), e->origin.peer);
	member(out, NAME("helo"), e->origin.helo);
	member(out, NAME("tls"), e->origin.tls);
	member(out, NAME("protocol"), e->origin.protocol);
	member(out, NAME("user"), e->origin.user);
	member(out, NAME("sid"), str_z(e->sid_z));
	if (refused)
		reply_members(out, refused);
	before = out->n;
	buf_add(out, S(",\"to\":["));
	for (size_t i = 0; i < e->n_rcpts; i++) {
		buf_add(out, i ? S(",") : S(""));
		add_recipient(r, &e->rcpts[i], refused != NULL);
	}
	end_list(r, before, e->n_rcpts);
}

struct refused_job {
	struct trace_row row;
	int64_t at_s;
};

static int refused_tx(struct db_tx *tx, void *arg)
{
	struct refused_job *j = arg;

	return trace_row_write(tx, &j->row, j->at_s);
}

/* Whether one more of this hour is kept: hostile peers must not fill the disk with what was refused. */
static bool may_keep_refused(struct queue *q, int64_t now_s)
{
	int64_t hour = now_s / 3600;

	if (atomic_exchange(&q->trace_hour, hour) != hour)
		atomic_store(&q->trace_refused, 0);
	return atomic_fetch_add(&q->trace_refused, 1) < QUEUE_TRACE_REFUSALS;
}

int queue_trace_refused(struct queue *q, const struct queue_envelope *e, uint64_t size, const struct queue_reply *reply)
{
	struct refused_job j = { .at_s = clock_wall_ms() / 1000 };
	struct db_write_job w = { .fn = refused_tx, .arg = &j, .durability = DB_LAZY };
	int rc;

	if (atomic_load(&q->trace_ms) == 0 || !may_keep_refused(q, j.at_s))
		return 0;
	trace_row_init(&j.row, QUEUE_TRACE_REFUSED);
	trace_row_message(&j.row, e, S(""), size, reply);
	rc = db_write(store_db(q->store), &w);
	trace_row_fini(&j.row);
	return rc;
}

/* ---- and what becomes of it ---- */

static const char *const outcome_names[] = {
	[QUEUE_DELIVERED] = "delivered", [QUEUE_RELAYED] = "relayed", [QUEUE_DEFERRED] = "deferred", [QUEUE_FAILED] = "failed",
};
static const char *const stage_names[] = {
	[QUEUE_AT_DNS] = "dns",   [QUEUE_AT_CONNECT] = "connect", [QUEUE_AT_GREETING] = "greeting", [QUEUE_AT_HELO] = "helo",
	[QUEUE_AT_TLS] = "tls",   [QUEUE_AT_AUTH] = "auth",       [QUEUE_AT_MAIL] = "mail",         [QUEUE_AT_RCPT] = "rcpt",
	[QUEUE_AT_DATA] = "data", [QUEUE_AT_END] = "end",
};

static void add_result(struct trace_row *r, const struct queue_result *result)
{
	struct buf *out = &r->story;

	if (result->id == 0) {
		buf_add(out, S(",\"lost\":true"));
		return;
	}
	member(out, NAME("host"), result->host);
	member(out, NAME("ip"), result->address);
	member(out, NAME("tls"), result->tls);
	member(out, NAME("stage"), (size_t)result->stage < ARRAY_LEN(stage_names) ? str_z(stage_names[result->stage]) : S(""));
	member_int(out, NAME("ms"), result->ms);
	if (result->is_down)
		buf_add(out, S(",\"down\":true"));
	if (result->is_reused)
		buf_add(out, S(",\"reused\":true"));
}

static void add_entry(struct trace_row *r, const struct queue_trace_entry *e)
{
	struct buf *out = &r->story;
	size_t before;

	begin(r, e->qid);
	if (e->event == QUEUE_TRACE_ATTEMPT && e->result)
		add_result(r, e->result);
	member(out, NAME("fallback_for"), e->fallback_for);
	member(out, NAME("detail"), e->detail);
	if (e->event == QUEUE_TRACE_DSN)
		add_key(r, str_head(e->detail, TRACE_QID));
	before = out->n;
	buf_add(out, S(",\"to\":["));
	for (size_t i = 0; i < e->n_rcpts; i++) {
		const struct queue_rcpt_result *one = e->result && i < e->result->n_rcpts ? &e->result->rcpts[i] : NULL;

		buf_add(out, i ? S(",{\"address\":") : S("{\"address\":"));
		trace_json_str(out, e->rcpts[i].address);
		if (one && (size_t)one->outcome < ARRAY_LEN(outcome_names))
			member(out, NAME("outcome"), str_z(outcome_names[one->outcome]));
		if (one)
			reply_members(out, &one->reply);
		buf_add_char(out, '}');
	}
	end_list(r, before, e->n_rcpts);
}

int queue_trace_add(struct queue *q, struct db_tx *tx, const struct queue_trace_entry *e)
{
	struct trace_row r;
	int rc;

	if (atomic_load(&q->trace_ms) == 0)
		return 0;
	trace_row_init(&r, e->event);
	add_entry(&r, e);
	rc = trace_row_write(tx, &r, e->at_s);
	trace_row_fini(&r);
	return rc;
}

void queue_trace_keep(struct queue *q, int64_t ms)
{
	atomic_store(&q->trace_ms, ms);
}

/* SPDX-License-Identifier: MIT */
/*
 * Contents: a message as it was received, parsed once, shared by all its copies.
 *
 * store_content_prepare() runs on the caller's thread, before any transaction: everything that
 * later FETCHes need (ENVELOPE, BODYSTRUCTURE, the map of parts, the preview) is made here. It works in an
 * arena of its own; the caller's arena only gets the results. A message that breaks a limit of
 * the parser is kept all the same, described as one text part. That memory is short at this moment
 * is no such limit: then it must come again.
 */
#include "store/note.h"
#include "store/sort_int.h"

#include "base/limits.h"
#include "base/must.h"
#include "mime/mime.h"

#define THREAD_KEYS 20      /* own Message-ID and the references nearest to the message */
#define TEXT_MAX (8u << 20) /* of one ready-made text */
#define PREVIEW_HEAD (1u << 20) /* of a body that the preview is made of later */
#define MOVES_FOLLOWED 10   /* of a body that is read while packs are compacted */
#define KEY_TEXT_MAX 998 /* RFC 5322 2.1.1: message ids and subjects are not longer than a line */

/* ---- parsing ---- */

static int keep(struct arena *a, const struct buf *b, struct str *ret)
{
	if (buf_overflowed(b))
		return -E_LIMIT;
	*ret = arena_str(a, buf_str(b));
	return ret->p ? 0 : -E_LIMIT;
}

static int keep_threads(struct arena *a, const struct mime_summary *m, struct store_content_new *c)
{
	size_t n_refs = m->n_references < THREAD_KEYS - 1 ? m->n_references : THREAD_KEYS - 1;

	c->thread_keys = ARENA_ARRAY(a, int64_t, n_refs + 1);
	if (!c->thread_keys)
		return -E_LIMIT;
	if (m->message_id.n)
		c->thread_keys[c->n_thread_keys++] = (int64_t)store_thread_key(m->message_id);
	/* The last reference is the parent: the nearest come first. */
	for (size_t i = 0; i < n_refs; i++)
		c->thread_keys[c->n_thread_keys++] =
			(int64_t)store_thread_key(m->references[m->n_references - 1 - i]);
	return 0;
}

/* A cut in the middle of a character would not be text any more. */
static struct str cut(struct str s)
{
	s = str_head(s, KEY_TEXT_MAX);
	for (int i = 0; i < 4 && s.n && !str_is_utf8(s); i++)
		s.n--;
	return str_is_utf8(s) ? s : S("");
}

static int summarise(struct arena *work, struct arena *a, struct str header,
		     struct store_content_new *c)
{
	struct mime_summary m;
	int rc = mime_summary(work, header, &m);

	if (rc == 0)
		rc = keep_threads(a, &m, c);
	if (rc < 0)
		return rc;
	c->keys = ARENA_NEW(a, struct store_keys);
	rc = c->keys ? store_keys_of(a, &m, c->keys) : -E_LIMIT;
	if (rc < 0)
		return rc;
	c->sent_s = m.sent_s;
	c->message_id = arena_str(a, cut(m.message_id));
	c->base_subject = arena_str(a, cut(m.base_subject));
	return c->message_id.p && c->base_subject.p ? 0 : -E_LIMIT;
}

static int describe(struct arena *work, struct arena *a, struct str header,
		    struct store_content_new *c)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(TEXT_MAX);
	struct mime_part *root = NULL;
	int rc = mime_envelope_print(work, header, &b);

	if (rc == 0)
		rc = keep(a, &b, &c->envelope);
	if (rc == 0)
		rc = mime_parse(work, c->bytes, &root);
	if (rc < 0)
		return rc;
	buf_reset(&b);
	mime_map_write(&b, root);
	rc = keep(a, &b, &c->map);
	if (rc < 0)
		return rc;
	buf_reset(&b);
	rc = mime_bodystructure_print(work, c->bytes, root, &b);
	if (rc == 0)
		rc = keep(a, &b, &c->structure);
	if (rc < 0)
		return rc;
	buf_reset(&b);
	mime_preview(c->bytes, root, &b);
	return keep(a, &b, &c->preview);
}

/* The texts of a message that is one text part without any header that we could read. */
static int describe_plainly(struct arena *a, size_t header_n, struct store_content_new *c)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(4096);
	struct mime_part root = {
		.header_n = header_n,
		.body_off = header_n,
		.body_n = c->bytes.n - header_n,
		.type = S("text"),
		.subtype = S("plain"),
		.cte_text = S("7bit"),
		.cte = MIME_CTE_7BIT,
	};
	int rc;

	for (size_t i = header_n; i < c->bytes.n; i++)
		root.body_lines += c->bytes.p[i] == '\n';
	mime_map_write(&b, &root);
	rc = keep(a, &b, &c->map);
	if (rc < 0)
		return rc;
	buf_reset(&b);
	rc = mime_bodystructure_print(a, c->bytes, &root, &b);
	if (rc == 0)
		rc = keep(a, &b, &c->structure);
	c->envelope = S("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
	c->message_id = c->base_subject = c->preview = S("");
	c->sent_s = INT64_MIN;
	c->keys = ARENA_NEW(a, struct store_keys);
	if (!c->keys)
		return -E_LIMIT;
	return rc < 0 ? rc : store_keys_of(a, NULL, c->keys);
}

int store_content_prepare(struct arena *a, struct str bytes, struct store_content_new *ret)
{
	AUTO(arena_fini) struct arena work;
	struct store_content_new c = { .bytes = bytes };
	unsigned refusals = budget_refusals();
	struct str header, body;
	int rc;

	arena_init(&work, LIMIT_MIME_ARENA);
	mime_split(bytes, &header, &body);
	c.header_n = header.n;
	rc = summarise(&work, a, header, &c);
	if (rc == 0)
		rc = describe(&work, a, header, &c);
	if (budget_refusals() != refusals)
		return -E_BUSY;
	if (rc == -E_LIMIT) {
		c = (struct store_content_new){ .bytes = bytes, .header_n = header.n };
		rc = describe_plainly(a, header.n, &c);
	}
	if (rc == 0)
		*ret = c;
	return rc;
}

/* ---- rows ---- */

int store_tx_content_add(struct db_tx *tx, const struct store_content_new *c,
			 const struct blob_ref *ref, int64_t *ret_content)
{
	int rc =
		DB_EXEC(tx, SQL(CONTENT_ADD), DB_I(ref->pack), DB_I(ref->offset), DB_I(ref->length),
			DB_I(c->header_n), c->sent_s == INT64_MIN ? DB_N : DB_I(c->sent_s),
			DB_I(store_now_s()), DB_T(c->message_id), DB_T(c->base_subject),
			DB_B(c->envelope), DB_B(c->structure), DB_B(c->map),
			c->preview.p != NULL ? DB_T(c->preview) : DB_N);

	if (rc < 0)
		return rc;
	*ret_content = db_last_id(tx);
	return store_tx_keys_add(tx, *ret_content, c->keys);
}

int store_tx_content_remove(struct db_tx *tx, int64_t content, int64_t *ret_n)
{
	const struct db_val args[] = { DB_I(content) };
	int rc = db_exec(tx, SQL(CONTENT_REMOVE), args, ARRAY_LEN(args), ret_n);

	if (rc == 0)
		rc = DB_EXEC(tx, SQL(REFS_REMOVE), DB_I(content));
	return rc < 0 ? rc : DB_EXEC(tx, SQL(KEYS_REMOVE), DB_I(content));
}

int store_tx_content_ref(struct db_tx *tx, int64_t content, int64_t by)
{
	if (by == 0)
		return 0;
	return DB_EXEC(tx, SQL(CONTENT_REF), DB_I(content), DB_I(by), DB_I(store_now_s()));
}

/* ---- reading ---- */

/*
 * Messages that came one after the other have neighbouring rows: the reader stays at the row that
 * it read last, and goes on from there when that is nearer than a search from the root.
 */
#define NEAR 8 /* rows that are passed over */

struct store_reader {
	struct db_tx *tx;
	struct db_query q;
	const struct db_sql *sql; /* of q; NULL: no row */
	int64_t at;               /* its id */
};

int store_reader_open(struct store *s, struct store_reader **ret)
{
	struct db_tx *tx;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	*ret = MEM_NEW(struct store_reader);
	(*ret)->tx = tx;
	return 0;
}

void store_reader_close(struct store_reader **rp)
{
	struct store_reader *r = *rp;

	if (!r)
		return;
	db_done(&r->q);
	db_read_end(&r->tx);
	mem_free(r);
	*rp = NULL;
}

static int copy_texts(struct db_query *q, struct arena *a, unsigned fields, struct store_content *c)
{
	const struct {
		unsigned field;
		int column;
		struct str *to;
	} texts[] = {
		{ STORE_C_ENVELOPE, 6, &c->envelope },
		{ STORE_C_STRUCTURE, 7, &c->structure },
		{ STORE_C_MAP, 8, &c->map },
		{ STORE_C_PREVIEW, 9, &c->preview },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!(fields & texts[i].field) || db_is_null(q, texts[i].column))
			continue;
		*texts[i].to = arena_str(a, db_text(q, texts[i].column));
		if (!texts[i].to->p)
			return -E_LIMIT;
	}
	return 0;
}

static int next_row(struct store_reader *r)
{
	int rc = db_step(&r->q);

	if (rc <= 0)
		r->sql = NULL;
	else
		r->at = db_int(&r->q, 0);
	return rc;
}

/* To the row of that content. */
static int seek(struct store_reader *r, const struct db_sql *sql, int64_t content)
{
	int rc = 1;

	if (r->sql != sql || content < r->at || content - r->at > NEAR) {
		db_done(&r->q);
		DB_QUERY(r->tx, &r->q, sql, DB_I(content));
		r->sql = sql;
		rc = next_row(r);
	}
	while (rc > 0 && r->at < content)
		rc = next_row(r);
	if (rc < 0)
		return rc;
	return rc > 0 && r->at == content ? 0 : -E_NOT_FOUND;
}

/* Texts cost also where they are not looked at. */
static const struct db_sql *row_with(unsigned fields)
{
	if (fields == 0)
		return SQL(CONTENT_FROM);
	if ((fields & ~(unsigned)(STORE_C_ENVELOPE | STORE_C_STRUCTURE)) == 0)
		return SQL(CONTENT_SHOWN_FROM);
	return SQL(CONTENT_TEXTS_FROM);
}

int store_content_get(struct store_reader *r, struct arena *a, int64_t content, unsigned fields,
		      struct store_content *ret)
{
	struct db_query *q = &r->q;
	struct store_content c = { .id = content };
	int rc = seek(r, row_with(fields), content);

	if (rc < 0)
		return rc;
	c.ref = (struct blob_ref){ db_int(q, 1), db_int(q, 2), db_int(q, 3) };
	c.size = (uint64_t)c.ref.length;
	c.header_n = (uint64_t)db_int(q, 4);
	c.sent_s = db_is_null(q, 5) ? INT64_MIN : db_int(q, 5);
	rc = copy_texts(q, a, fields, &c);
	if (rc == 0)
		*ret = c;
	return rc;
}

int store_notes_get(struct store_reader *r, struct arena *a, int64_t mailbox, int64_t user,
		    uint32_t uid, struct store_note **ret, size_t *ret_n)
{
	return store_tx_notes_get(r->tx, a, mailbox, user, uid, ret, ret_n);
}

int store_content_find(struct store_reader *r, int64_t mailbox, uint32_t uid, int64_t *ret_content)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(r->tx, &q, SQL(MESSAGE_CONTENT), DB_I(mailbox), DB_I(uid));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	*ret_content = db_int(&q, 0);
	return 0;
}

int store_content_keys(struct store_reader *r, int64_t content, enum store_keys_want want,
		       struct store_keys *ret)
{
	static const struct {
		const struct db_sql *sql;
		int n_texts;
	} wants[] = {
		[STORE_KEYS_SENT] = { SQL(KEYS_SENT_FROM), 0 },
		[STORE_KEYS_THREAD] = { SQL(KEYS_THREAD_FROM), STORE_K_SUBJECT + 1 },
		[STORE_KEYS_ALL] = { SQL(KEYS_FROM), STORE_K_TEXTS },
	};
	struct db_query *q = &r->q;
	int rc = seek(r, wants[want].sql, content);

	if (rc < 0)
		return rc;
	*ret = (struct store_keys){ .sent_s = db_is_null(q, 1) ? INT64_MIN : db_int(q, 1) };
	if (want == STORE_KEYS_SENT)
		return 0;
	ret->is_reply = db_int(q, 2) != 0;
	ret->ids = db_text(q, 3);
	for (int i = 0; i < wants[want].n_texts; i++)
		ret->text[i] = db_text(q, 4 + i);
	return 0;
}

/* 1: the row names another place than before; 0: the same. */
static int find_again(struct store *s, int64_t content, struct blob_ref *ref)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int64_t pack = ref->pack, offset = ref->offset;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(CONTENT_PLACE), DB_I(content));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	ref->pack = db_int(&q, 0);
	ref->offset = db_int(&q, 1);
	return ref->pack != pack || ref->offset != offset;
}

int store_content_read(struct store *s, const struct store_content *c, uint64_t off, void *dst,
		       size_t n)
{
	struct blob_ref ref = c->ref;
	int rc;

	must(!db_is_reading()); /* also when find_again() is not needed, that is, nearly always */
	rc = blob_read(s->db, &ref, off, dst, n);
	/* Each turn, a whole pack was emptied and removed since the row was read. */
	for (int turn = 0; rc == -E_NOT_FOUND && turn < MOVES_FOLLOWED; turn++) {
		rc = find_again(s, c->id, &ref);
		if (rc < 0)
			return rc;
		if (rc == 0)
			return -E_IO; /* the pack is missing */
		rc = blob_read(s->db, &ref, off, dst, n);
	}
	return rc == -E_NOT_FOUND ? -E_IO : rc;
}

int store_content_read_through(struct store *s, const struct store_content *first,
			       const struct store_content *last, void *dst)
{
	struct blob_ref all = first->ref;

	must(!db_is_reading() && last->ref.pack == all.pack && last->ref.offset >= all.offset);
	all.length = last->ref.offset + last->ref.length - all.offset;
	return blob_read(s->db, &all, 0, dst, (size_t)all.length);
}

/* ---- a preview that is made later ---- */

struct preview_job {
	int64_t content;
	struct str text;
};

static int keep_preview_tx(struct db_tx *tx, void *arg)
{
	const struct preview_job *j = arg;

	return DB_EXEC(tx, SQL(CONTENT_PREVIEW), DB_I(j->content), DB_T(j->text));
}

int store_content_preview(struct store *s, struct arena *a, const struct store_content *c,
			  struct str *ret)
{
	AUTO(arena_fini) struct arena work;
	AUTO(buf_fini) struct buf text = BUF_INIT(MIME_PREVIEW_BYTES);
	size_t n = c->size < PREVIEW_HEAD ? (size_t)c->size : PREVIEW_HEAD;
	AUTO(mem_auto_free) char *head = mem_alloc(n + 1, 1);
	struct preview_job j = { .content = c->id };
	struct mime_part *root;
	int rc = n > 0 ? store_content_read(s, c, 0, head, n) : 0;

	arena_init(&work, LIMIT_MIME_ARENA);
	if (rc == 0)
		rc = mime_parse(&work, str_of(head, n), &root);
	if (rc == 0)
		mime_preview(str_of(head, n), root, &text);
	if (rc == 0 || rc == -E_LIMIT)
		rc = keep(a, &text, &j.text);
	if (rc < 0)
		return rc;
	*ret = j.text;
	/* It is right also when it cannot be kept. */
	(void)!db_write(s->db, &(struct db_write_job){
				       .fn = keep_preview_tx, .arg = &j, .durability = DB_LAZY });
	return 0;
}

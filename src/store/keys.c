/* SPDX-License-Identifier: MIT */
/*
 * What SORT and THREAD compare of a message, in a narrow row beside its content: a walk over a
 * large mailbox reads no more than it needs. Made when the message arrives; for contents that
 * are older than the table, when it is first asked for.
 *
 * Message ids are kept as hashes of 64 bits: two different ones that hash alike would only put a
 * message into a wrong thread.
 */
#include "store/sort_int.h"

#include "base/limits.h"

#define SUBJECT_MAX 500 /* compared; RFC 5322 2.1.1: a line is 998 with its name */
#define ADDRESS_MAX 255
#define HEADER_MAX (4u << 20) /* of a header that is read again */
#define KEPT_AT_ONCE 1000     /* rows of a walk that are made up for */

/* ---- making ---- */

/* Cut at the end of a character. */
static struct str cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	s.n = max;
	while (s.n > 0 && !str_is_utf8(s))
		s.n--;
	return s;
}

static int hash_id(struct arena *a, struct str id, unsigned char *to)
{
	struct str normal;
	uint64_t h = 0;

	if (id.n > 0) {
		if (mime_msg_id_normal(a, id, &normal) < 0)
			return -E_LIMIT;
		h = store_thread_key(normal);
		h += h == 0; /* 0 is none */
	}
	for (int i = 0; i < STORE_ID_BYTES; i++)
		to[i] = (unsigned char)(h >> 8 * i);
	return 0;
}

static int keep_ids(struct arena *a, const struct mime_summary *m, struct store_keys *k)
{
	size_t n = m->n_ancestors + 1;
	unsigned char *p = ARENA_ARRAY(a, unsigned char, n * STORE_ID_BYTES);
	int rc;

	if (!p)
		return -E_LIMIT;
	rc = hash_id(a, m->message_id, p);
	for (size_t i = 1; i < n && rc == 0; i++)
		rc = hash_id(a, m->ancestors[i - 1], p + i * STORE_ID_BYTES);
	k->ids = str_of((const char *)p, n * STORE_ID_BYTES);
	return rc;
}

int store_keys_of(struct arena *a, const struct mime_summary *m, struct store_keys *ret)
{
	static const struct mime_summary nothing = { .sent_s = INT64_MIN };
	const struct str texts[STORE_K_TEXTS] = {
		[STORE_K_SUBJECT] = m ? m->base_subject : S(""),
		[STORE_K_FROM] = m ? m->from : S(""),
		[STORE_K_TO] = m ? m->to : S(""),
		[STORE_K_CC] = m ? m->cc : S(""),
		[STORE_K_DISPLAY_FROM] = m ? m->display_from : S(""),
		[STORE_K_DISPLAY_TO] = m ? m->display_to : S(""),
	};

	m = m ? m : &nothing;
	*ret = (struct store_keys){ .sent_s = m->sent_s, .is_reply = m->is_reply };
	for (size_t i = 0; i < STORE_K_TEXTS; i++) {
		ret->text[i] = arena_str(a, cut(texts[i], i == STORE_K_SUBJECT ? SUBJECT_MAX
									       : ADDRESS_MAX));
		if (!ret->text[i].p)
			return -E_LIMIT;
	}
	return keep_ids(a, m, ret);
}

int store_tx_keys_add(struct db_tx *tx, int64_t content, const struct store_keys *k)
{
	const struct str *t = k->text;

	return DB_EXEC(tx, SQL(KEYS_ADD), DB_I(content),
		       k->sent_s == INT64_MIN ? DB_N : DB_I(k->sent_s), DB_I(k->is_reply),
		       DB_B(k->ids), DB_T(t[STORE_K_SUBJECT]), DB_T(t[STORE_K_FROM]),
		       DB_T(t[STORE_K_TO]), DB_T(t[STORE_K_CC]), DB_T(t[STORE_K_DISPLAY_FROM]),
		       DB_T(t[STORE_K_DISPLAY_TO]));
}

/* ---- contents without a row ---- */

struct made {
	int64_t content;
	struct store_keys keys;
};

struct late {
	struct store *s;
	struct arena kept; /* keys of v */
	struct made v[KEPT_AT_ONCE];
	size_t n;
};

static int add_made_tx(struct db_tx *tx, void *arg)
{
	const struct late *l = arg;
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++)
		rc = store_tx_keys_add(tx, l->v[i].content, &l->v[i].keys);
	return rc;
}

static int make(struct store *s, struct arena *a, struct arena *kept, int64_t content,
		struct store_keys *ret)
{
	AUTO(store_reader_close) struct store_reader *reader = NULL;
	struct store_content c;
	struct mime_summary m;
	char *header = NULL;
	int rc = store_reader_open(s, &reader);

	if (rc == 0)
		rc = store_content_get(reader, a, content, 0, &c);
	store_reader_close(&reader);
	if (rc == 0) {
		c.header_n = c.header_n < HEADER_MAX ? c.header_n : HEADER_MAX;
		header = arena_alloc(a, 1, c.header_n + 1);
		rc = header ? store_content_read(s, &c, 0, header, c.header_n) : -E_LIMIT;
	}
	if (rc == 0)
		rc = mime_summary(a, str_of(header, c.header_n), &m);
	/* What cannot be read is a message without a header. */
	return store_keys_of(kept, rc == 0 ? &m : NULL, ret);
}

static int make_late(struct late *l, const struct store_keyed *v, const size_t *missing, size_t n,
		     store_keys_fn *fn, void *ctx)
{
	AUTO(arena_fini) struct arena work;
	int rc = 0;

	arena_init(&work, LIMIT_MIME_ARENA);
	for (size_t i = 0; i < n && rc == 0; i++) {
		int64_t content = v[missing[i]].m->content;
		struct store_keys k;

		rc = make(l->s, &work, l->n < KEPT_AT_ONCE ? &l->kept : &work, content, &k);
		if (rc == 0 && l->n < KEPT_AT_ONCE)
			l->v[l->n++] = (struct made){ content, k };
		if (rc == 0)
			rc = fn(ctx, missing[i], &k);
		arena_reset(&work);
	}
	return rc;
}

static int read_late(struct store *s, const struct store_keyed *v, const size_t *missing, size_t n,
		     store_keys_fn *fn, void *ctx)
{
	AUTO(mem_auto_free) struct late *l = MEM_NEW(struct late);
	int rc;

	l->s = s;
	arena_init(&l->kept, 4 * LIMIT_MIME_ARENA);
	rc = make_late(l, v, missing, n, fn, ctx);
	/* That they cannot be kept is no trouble: they are made again. */
	if (rc == 0 && l->n > 0)
		(void)!db_write(s->db, &(struct db_write_job){
					       .fn = add_made_tx, .arg = l, .durability = DB_LAZY });
	arena_fini(&l->kept);
	return rc;
}

/* ---- reading ---- */

int store_keyed_list(struct arena *a, const struct store_view *v, const struct uidset *seqs,
		     struct store_keyed **ret, size_t *ret_n)
{
	uint64_t n = uidset_count(seqs);
	struct store_keyed *list = ARENA_ARRAY(a, struct store_keyed, n);
	size_t at = 0;

	if (!list)
		return -E_LIMIT;
	for (size_t i = 0; i < seqs->n; i++) {
		uint32_t seq = seqs->r[i].lo, run;
		const struct store_msg *m;

		while (seq <= seqs->r[i].hi && (run = store_view_run(v, seq, &m)) > 0)
			for (; run > 0 && seq <= seqs->r[i].hi; run--, seq++, m++)
				list[at++] = (struct store_keyed){ m, seq };
	}
	*ret = list;
	*ret_n = at;
	return 0;
}

static int read_rows(struct store *s, const struct store_keyed *v, size_t n,
		     enum store_keys_want want, store_keys_fn *fn, void *ctx, size_t *missing,
		     size_t *ret_n_missing)
{
	AUTO(store_reader_close) struct store_reader *reader = NULL;
	int rc = store_reader_open(s, &reader);

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct store_keys k;

		rc = store_content_keys(reader, v[i].m->content, want, &k);
		if (rc == -E_NOT_FOUND) {
			missing[(*ret_n_missing)++] = i;
			rc = 0;
		} else if (rc == 0) {
			rc = fn(ctx, i, &k);
		}
	}
	return rc;
}

int store_keys_read(struct store *s, const struct store_keyed *v, size_t n,
		    enum store_keys_want want, store_keys_fn *fn, void *ctx)
{
	AUTO(mem_auto_free) size_t *missing = mem_alloc(n + 1, sizeof(*missing));
	size_t n_missing = 0;
	int rc = read_rows(s, v, n, want, fn, ctx, missing, &n_missing);

	return rc == 0 && n_missing > 0 ? read_late(s, v, missing, n_missing, fn, ctx) : rc;
}

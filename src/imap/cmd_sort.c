/* SPDX-License-Identifier: MIT */
/*
 * SORT and THREAD with their UID forms (RFC 5256 3, 4; RFC 5957; RFC 7162 3.1.9). SORT with
 * RETURN is answered by an ESEARCH whose sets stand in the order of the sort (RFC 5267 3).
 */
#include "imap/imap_int.h"
#include "imap/limit.h"
#include "imap/resp.h"
#include "imap/search.h"
#include "imap/seqset.h"
#include "imap/update.h"
#include "net/conn.h"
#include "store/view.h"

#define PIECE (32u << 10)

struct sorted {
	struct uidset seqs; /* as found */
	const uint8_t *scores; /* by sequence number; NULL: not asked for */
	uint32_t *v;        /* sequence numbers in order */
	size_t n;
	const uint32_t *partial; /* those of v that PARTIAL names */
	size_t n_partial;
	struct uidset told; /* see imap_search_told() */
};

static void flush(struct imap_session *s, struct buf *out, size_t above)
{
	if (out->n <= above)
		return;
	imap_resp(s, buf_str(out));
	buf_reset(out);
}

/* ---- SORT ---- */

/* "* SORT" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"] */
static void answer_sort(struct imap_session *s, const struct imap_search *q, const struct sorted *res)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(2 * PIECE);

	imap_resp(s, S("* SORT"));
	for (size_t i = 0; i < res->n && !conn_failed(s->conn); i++) {
		buf_add_char(&out, ' ');
		buf_add_u64(&out, imap_search_number(s, res->v[i]));
		flush(s, &out, PIECE);
	}
	flush(s, &out, 0);
	if (q->has_modseq && res->n > 0)
		imap_respf(s, " (MODSEQ %llu)",
			   (unsigned long long)imap_search_modseq(q->in.view, &res->told));
	imap_resp_end(s);
}

/* A set in that order; what follows by one each is a range (RFC 5267 3.2). */
static void print_set(struct imap_session *s, const uint32_t *v, size_t n)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(2 * PIECE);

	for (size_t i = 0, end; i < n && !conn_failed(s->conn); i = end) {
		uint32_t first = imap_search_number(s, v[i]), last = first;

		for (end = i + 1; end < n && imap_search_number(s, v[end]) == last + 1; end++)
			last++;
		buf_printf(&out, i > 0 ? ",%u" : "%u", first);
		if (last > first)
			buf_printf(&out, ":%u", last);
		flush(s, &out, PIECE);
	}
	flush(s, &out, 0);
}

/* "RELEVANCY" SP score-list (RFC 6203 7), of what the answer names. */
static void answer_scores(struct imap_session *s, const struct imap_search *q, const struct sorted *res)
{
	bool is_partial = q->returns & IMAP_RETURN_PARTIAL;
	const uint32_t *v = is_partial ? res->partial : res->v;
	size_t n = is_partial ? res->n_partial : res->n;

	imap_resp(s, S(" RELEVANCY ("));
	for (size_t i = 0; i < n && !conn_failed(s->conn); i++)
		imap_respf(s, i > 0 ? " %u" : "%u", res->scores[v[i]]);
	imap_resp(s, S(")"));
}

static void answer_esort(struct imap_session *s, const struct imap_search *q, const struct sorted *res)
{
	imap_search_begin(s, q);
	if (res->n > 0 && (q->returns & IMAP_RETURN_MIN))
		imap_respf(s, " MIN %u", imap_search_number(s, res->v[0]));
	if (res->n > 0 && (q->returns & IMAP_RETURN_MAX))
		imap_respf(s, " MAX %u", imap_search_number(s, res->v[res->n - 1]));
	if (res->n > 0 && (q->returns & IMAP_RETURN_ALL)) {
		imap_resp(s, S(" ALL "));
		print_set(s, res->v, res->n);
	}
	if (q->returns & IMAP_RETURN_PARTIAL) {
		imap_search_partial(s, q);
		print_set(s, res->partial, res->n_partial);
		imap_resp(s, res->n_partial > 0 ? S(")") : S("NIL)"));
	}
	if (q->returns & IMAP_RETURN_COUNT)
		imap_respf(s, " COUNT %zu", res->n);
	if (q->has_modseq && res->told.n > 0)
		imap_respf(s, " MODSEQ %llu",
			   (unsigned long long)imap_search_modseq(q->in.view, &res->told));
	if (res->n > 0 && (q->returns & IMAP_RETURN_RELEVANCY))
		answer_scores(s, q, res);
	imap_resp_end(s);
}

static int find(struct imap_session *s, const struct imap_search *q, struct uidset *ret)
{
	return store_search_run(imap_store(s), &s->arena, s->sel->view, q->tree, STORE_SEARCH_ALL,
				ret);
}

static int compare_seqs(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static int partial_set(struct imap_session *s, const struct sorted *res, struct uidset *ret)
{
	uint32_t *v = ARENA_ARRAY(&s->arena, uint32_t, res->n_partial);
	int r = v == NULL ? -E_LIMIT : 0;

	if (r < 0 || res->n_partial == 0)
		return r;
	memcpy(v, res->partial, res->n_partial * sizeof(*v));
	qsort(v, res->n_partial, sizeof(*v), compare_seqs);
	for (size_t i = 0; i < res->n_partial && r == 0; i++)
		r = uidset_add(&s->arena, ret, v[i], v[i]);
	return r;
}

/* Which of them the answer names. */
static int tell(struct imap_session *s, const struct imap_search *q, struct sorted *res)
{
	struct imap_found found = { .all = res->seqs };
	uint32_t first;
	int r = 0;

	if (res->n > 0) {
		found.first = res->v[0];
		found.last = res->v[res->n - 1];
	}
	if (q->returns & IMAP_RETURN_PARTIAL) {
		res->n_partial = imap_partial_of(&q->partial, (uint32_t)res->n, &first);
		res->partial = res->n_partial > 0 ? res->v + first - 1 : NULL;
	}
	if (q->has_modseq || (q->returns & IMAP_RETURN_SAVE))
		r = partial_set(s, res, &found.partial);
	return r < 0 ? r : imap_search_told(q, &found, &res->told);
}

/* RELEVANCY needs the scores in the order of the mailbox. */
static int take_scores(struct imap_sort *q, struct sorted *res)
{
	struct imap_search with = q->search;
	int r;

	if (q->search.has_fuzzy)
		with.returns |= IMAP_RETURN_RELEVANCY;
	r = imap_search_scores(&with, &res->seqs, &res->scores);
	for (size_t i = 0; i < q->n_by; i++)
		q->by[i].scores = res->scores;
	return r;
}

static int sort(struct imap_session *s, struct imap_sort *q, struct sorted *ret)
{
	struct sorted res = { 0 };
	int r = find(s, &q->search, &res.seqs);

	if (r == 0)
		r = take_scores(q, &res);
	if (r == 0)
		r = store_sort_run(imap_store(s), &s->arena, s->sel->view, &res.seqs, q->by, q->n_by,
				   &res.v, &res.n);
	if (r == 0)
		r = tell(s, &q->search, &res);
	if (r == 0 && (q->search.returns & IMAP_RETURN_SAVE))
		r = imap_search_save(s, &res.told);
	if (r < 0)
		return r;
	if (!q->search.has_return)
		answer_sort(s, &q->search, &res);
	else if (q->search.returns != IMAP_RETURN_SAVE)
		answer_esort(s, &q->search, &res);
	*ret = res;
	return 0;
}

int imap_cmd_sort(struct imap_session *s)
{
	struct imap_update *update = NULL;
	struct sorted res = { 0 };
	struct imap_sort q;
	int r = imap_sort_parse(s, &q);

	if (r == 0)
		r = imap_update_new(s, &q.search, q.by, q.n_by, &update);
	if (r == 0 && q.search.has_modseq)
		imap_condstore_enable(s);
	if (r == 0)
		r = sort(s, &q, &res);
	if (r < 0) {
		imap_update_free(update);
		return imap_search_failed(s, &q.search, r);
	}
	imap_update_start(s, &q.search, update, &res.seqs, res.v);
	return 0;
}

/* ---- THREAD ---- */

/*
 * thread-list = "(" (thread-members / thread-nested) ")"
 * From a message down to its only child there is a blank; more children have a list each. Goes
 * from node to node without recursion: a thread may be as long as the mailbox.
 */
static void print_thread(struct imap_session *s, const struct store_thread_node *nodes, uint32_t top,
			 struct buf *out)
{
	uint32_t at = top;

	buf_add_char(out, '(');
	while (true) {
		const struct store_thread_node *x = &nodes[at];

		if (x->seq > 0)
			buf_add_u64(out, imap_search_number(s, x->seq));
		flush(s, out, PIECE);
		if (x->child != STORE_NO_NODE) {
			at = x->child;
			if (x->seq > 0)
				buf_add_char(out, ' ');
			if (nodes[at].next != STORE_NO_NODE)
				buf_add_char(out, '(');
			continue;
		}
		while (at != top && nodes[at].next == STORE_NO_NODE) {
			/* Its list ends, if it has one: it is not the first child. */
			if (nodes[nodes[at].parent].child != at)
				buf_add_char(out, ')');
			at = nodes[at].parent;
		}
		if (at == top)
			break;
		buf_add(out, S(")("));
		at = nodes[at].next;
	}
	buf_add_char(out, ')');
}

/* "* THREAD" [SP 1*thread-list] */
static void answer_thread(struct imap_session *s, const struct store_threads *t)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(2 * PIECE);

	imap_resp(s, t->first != STORE_NO_NODE ? S("* THREAD ") : S("* THREAD"));
	for (uint32_t at = t->first; at != STORE_NO_NODE && !conn_failed(s->conn);
	     at = t->nodes[at].next)
		print_thread(s, t->nodes, at, &out);
	flush(s, &out, 0);
	imap_resp_end(s);
}

int imap_cmd_thread(struct imap_session *s)
{
	AUTO(store_threads_fini) struct store_threads threads = { .first = STORE_NO_NODE };
	struct imap_sort q;
	struct uidset seqs;
	int r = imap_thread_parse(s, &q);

	if (r == 0 && q.search.has_modseq)
		imap_condstore_enable(s);
	if (r == 0)
		r = imap_limit_scope(s, &q.search, &seqs);
	if (r > 0)
		r = imap_limit_whole(s, &seqs);
	if (r == 0)
		r = find(s, &q.search, &seqs);
	if (r == 0)
		r = store_thread_run(imap_store(s), s->sel->view, &seqs, q.algorithm, &threads);
	if (r < 0)
		return imap_search_failed(s, &q.search, r);
	answer_thread(s, &threads);
	return 0;
}

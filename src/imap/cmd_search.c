/* SPDX-License-Identifier: MIT */
/*
 * SEARCH and UID SEARCH (RFC 9051 6.4.4, RFC 4731, RFC 5182). A client that never spoke of
 * IMAP4rev2 and gave no RETURN gets the SEARCH response of RFC 3501 7.2.5; all others get one
 * ESEARCH (RFC 9051 7.3.4).
 */
#include "base/limits.h"
#include "imap/imap_int.h"
#include "imap/limit.h"
#include "imap/resp.h"
#include "imap/search.h"
#include "imap/seqset.h"
#include "imap/update.h"
#include "net/conn.h"
#include "store/view.h"

struct result {
	struct uidset seqs; /* all, or only those that MIN and MAX need */
	struct uidset partial;
	struct uidset told; /* see imap_search_told() */
};

/* MIN and MAX alone need not look at everything. */
static bool is_ends_only(unsigned returns)
{
	return (returns & (IMAP_RETURN_MIN | IMAP_RETURN_MAX)) &&
	       !(returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT | IMAP_RETURN_PARTIAL |
			    IMAP_RETURN_UPDATE | IMAP_RETURN_RELEVANCY));
}

static int run_ends(struct imap_session *s, const struct imap_search *q, struct uidset *ret)
{
	struct uidset first = { 0 }, last = { 0 };
	int r = 0;

	if (q->returns & IMAP_RETURN_MIN)
		r = store_search_run(imap_store(s), q->in.arena, q->in.view, q->tree,
				     STORE_SEARCH_FIRST, &first);
	if (r == 0 && (q->returns & IMAP_RETURN_MAX))
		r = store_search_run(imap_store(s), q->in.arena, q->in.view, q->tree,
				     STORE_SEARCH_LAST, &last);
	if (r == 0 && last.n > 0)
		r = uidset_add(q->in.arena, &first, last.r[0].lo, last.r[0].lo);
	if (r == 0)
		*ret = first;
	return r;
}

int imap_search_told(const struct imap_search *q, const struct imap_found *found,
		     struct uidset *ret)
{
	static const unsigned some = IMAP_RETURN_MIN | IMAP_RETURN_MAX | IMAP_RETURN_PARTIAL;
	struct uidset told = { 0 };
	int r = 0;

	*ret = found->all;
	if (found->all.n == 0 || !(q->returns & some) ||
	    (q->returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)))
		return 0;
	for (size_t i = 0; i < found->partial.n && r == 0; i++)
		r = uidset_add(q->in.arena, &told, found->partial.r[i].lo, found->partial.r[i].hi);
	if (r == 0 && (q->returns & IMAP_RETURN_MIN))
		r = uidset_add(q->in.arena, &told, found->first, found->first);
	if (r == 0 && (q->returns & IMAP_RETURN_MAX))
		r = uidset_add(q->in.arena, &told, found->last, found->last);
	*ret = told;
	return r;
}

static int tell(const struct imap_search *q, struct result *res)
{
	struct imap_found found = { .all = res->seqs, .partial = res->partial };

	if (res->seqs.n > 0) {
		found.first = res->seqs.r[0].lo;
		found.last = res->seqs.r[res->seqs.n - 1].hi;
	}
	return imap_search_told(q, &found, &res->told);
}

/* among: only these messages are looked at; NULL: all. */
static int search_run(struct imap_session *s, const struct imap_search *q,
		      const struct uidset *among, struct result *ret)
{
	const struct store_view *v = q->in.view;
	int r;

	*ret = (struct result){ 0 };
	if (among != NULL)
		r = store_search_among(imap_store(s), q->in.arena, v, q->tree, among, &ret->seqs);
	else if (is_ends_only(q->returns))
		r = run_ends(s, q, &ret->seqs);
	else
		r = store_search_run(imap_store(s), q->in.arena, v, q->tree, STORE_SEARCH_ALL,
				     &ret->seqs);
	if (r == 0 && (q->returns & IMAP_RETURN_PARTIAL))
		r = imap_partial_set(q->in.arena, &q->partial, &ret->seqs, &ret->partial);
	return r < 0 ? r : tell(q, ret);
}

uint64_t imap_search_modseq(const struct store_view *v, const struct uidset *seqs)
{
	struct uidset_iter it = { 0 };
	uint64_t highest = 0;

	while (uidset_next(seqs, &it)) {
		uint64_t modseq = store_view_at(v, it.v)->modseq;

		highest = modseq > highest ? modseq : highest;
	}
	return highest;
}

/* ---- answers ---- */

uint32_t imap_search_number(const struct imap_session *s, uint32_t seq)
{
	return s->cmd.is_uid ? store_view_at(s->sel->view, seq)->uid : seq;
}

/* The same in q->in. */
static uint32_t number(const struct imap_session *s, const struct imap_search *q, uint32_t seq)
{
	return s->cmd.is_uid ? store_view_at(q->in.view, seq)->uid : seq;
}

/*
 * RFC 3501 7.2.5, RFC 7162 3.1.6:
 * "* SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]
 */
static void answer_search(struct imap_session *s, const struct imap_search *q,
			  const struct result *res)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(64u << 10);
	struct uidset_iter it = { 0 };

	imap_resp(s, S("* SEARCH"));
	while (uidset_next(&res->seqs, &it) && !conn_failed(s->conn)) {
		buf_add_char(&out, ' ');
		buf_add_u64(&out, number(s, q, it.v));
		if (out.n > (32u << 10)) {
			imap_resp(s, buf_str(&out));
			buf_reset(&out);
		}
	}
	imap_resp(s, buf_str(&out));
	if (q->has_modseq && res->seqs.n > 0)
		imap_respf(s, " (MODSEQ %llu)",
			   (unsigned long long)imap_search_modseq(q->in.view, &res->told));
	imap_resp_end(s);
}

/*
 * The set as the client numbers it: each UID by itself, so that a range names nothing that
 * did not match.
 */
static int numbers(struct imap_session *s, const struct imap_search *q, const struct uidset *seqs,
		   struct uidset *ret)
{
	struct uidset_iter it = { 0 };

	*ret = *seqs;
	if (!s->cmd.is_uid)
		return 0;
	*ret = (struct uidset){ 0 };
	while (uidset_next(seqs, &it)) {
		uint32_t uid = number(s, q, it.v);

		if (uidset_add(q->in.arena, ret, uid, uid) < 0)
			return -E_LIMIT;
	}
	return 0;
}

void imap_search_begin(struct imap_session *s, const struct imap_search *q)
{
	imap_resp(s, S("* ESEARCH (TAG \""));
	imap_resp(s, s->cmd.tag);
	imap_resp(s, S("\""));
	if (q->in.mailbox.p != NULL) {
		imap_resp(s, S(" MAILBOX "));
		imap_resp_mailbox(s, q->in.mailbox);
		imap_respf(s, " UIDVALIDITY %u", q->in.view->uidvalidity);
	}
	imap_resp(s, s->cmd.is_uid ? S(") UID") : S(")"));
}

void imap_search_partial(struct imap_session *s, const struct imap_search *q)
{
	imap_resp(s, S(" PARTIAL ("));
	imap_resp(s, q->partial.text);
	imap_resp(s, S(" "));
}

static void answer_scores(struct imap_session *s, const uint8_t *scores, const struct uidset *seqs)
{
	struct uidset_iter it = { 0 };
	const char *before_z = " RELEVANCY (";

	for (; uidset_next(seqs, &it) && !conn_failed(s->conn); before_z = " ")
		imap_respf(s, "%s%u", before_z, scores[it.v]);
	imap_resp(s, before_z[1] == 'R' ? S(" RELEVANCY ()") : S(")"));
}

/* esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data) */
static int answer_esearch(struct imap_session *s, const struct imap_search *q,
			  const struct result *res)
{
	bool is_partial = q->returns & IMAP_RETURN_PARTIAL;
	const struct uidset *named = is_partial ? &res->partial : &res->seqs;
	const uint8_t *scores = NULL;
	struct uidset set = { 0 };
	size_t n = res->seqs.n;
	int r = 0;

	if (is_partial || (q->returns & IMAP_RETURN_ALL))
		r = numbers(s, q, named, &set);
	if (r == 0)
		r = imap_search_scores(q, &res->seqs, &scores);
	if (r < 0)
		return r;
	imap_search_begin(s, q);
	if (n > 0 && (q->returns & IMAP_RETURN_MIN))
		imap_respf(s, " MIN %u", number(s, q, res->seqs.r[0].lo));
	if (n > 0 && (q->returns & IMAP_RETURN_MAX))
		imap_respf(s, " MAX %u", number(s, q, res->seqs.r[n - 1].hi));
	if (n > 0 && (q->returns & IMAP_RETURN_ALL)) {
		imap_resp(s, S(" ALL "));
		imap_resp_uidset(s, &set);
	}
	if (is_partial) {
		imap_search_partial(s, q);
		imap_resp_uidset(s, &set);
		imap_resp(s, set.n > 0 ? S(")") : S("NIL)"));
	}
	if (q->returns & IMAP_RETURN_COUNT)
		imap_respf(s, " COUNT %llu", (unsigned long long)uidset_count(&res->seqs));
	if (q->has_modseq && res->told.n > 0)
		imap_respf(s, " MODSEQ %llu",
			   (unsigned long long)imap_search_modseq(q->in.view, &res->told));
	if (n > 0 && scores != NULL)
		answer_scores(s, scores, named);
	imap_resp_end(s);
	return 0;
}

/* RFC 9051 6.4.4: SAVE alone is silent. */
static int answer(struct imap_session *s, const struct imap_search *q, const struct result *res)
{
	if (q->returns == IMAP_RETURN_SAVE)
		return 0;
	if (q->has_return || s->is_rev2)
		return answer_esearch(s, q, res);
	answer_search(s, q, res);
	return 0;
}

int imap_search_scores(const struct imap_search *q, const struct uidset *seqs, const uint8_t **ret)
{
	const struct store_scores *scores = q->tree->scores; /* those of the last run */
	struct uidset_iter it = { 0 };
	size_t i = 0;
	uint8_t *v;

	*ret = NULL;
	if (!(q->returns & IMAP_RETURN_RELEVANCY))
		return 0;
	v = ARENA_ARRAY(q->in.arena, uint8_t, (size_t)q->in.view->n + 1);
	if (v == NULL)
		return -E_LIMIT;
	for (; uidset_next(seqs, &it) && i < scores->n; i++)
		v[it.v] = scores->v[i];
	*ret = v;
	return 0;
}

int imap_search_save(struct imap_session *s, const struct uidset *seqs)
{
	struct uidset uids = { 0 };
	int r = imap_seqset_uids(&s->arena, seqs, s->sel->view, &uids);

	return r < 0 ? r : imap_saved_set(s, &uids);
}

int imap_search_failed(struct imap_session *s, const struct imap_search *q, int err)
{
	static const struct uidset none;

	if (err == -E_BAD_CHARSET)
		imap_code(s, "BADCHARSET (UTF-8)");
	if ((q->returns & IMAP_RETURN_SAVE) && s->sel != NULL && err != -E_SYNTAX && err != -E_USAGE)
		(void)!imap_saved_set(s, &none);
	return err;
}

int imap_search_mailbox(struct imap_session *s, const struct imap_search *q,
			struct uidset *ret_found)
{
	struct result res = { 0 };
	int r = search_run(s, q, NULL, &res);

	if (r == 0 && (q->returns & IMAP_RETURN_SAVE))
		r = imap_search_save(s, &res.told);
	if (r == 0 && ret_found != NULL)
		*ret_found = res.seqs;
	if (r == 0 && res.seqs.n > 0 && q->returns != IMAP_RETURN_SAVE)
		r = answer_esearch(s, q, &res);
	return r;
}

/* Within what one command may look at (RFC 9738). */
static int search_limited(struct imap_session *s, const struct imap_search *q, struct result *ret)
{
	struct uidset scope;
	int r = imap_limit_scope(s, q, &scope);

	if (r > 0)
		r = imap_limit_cut(s, &scope);
	return r < 0 ? r : search_run(s, q, s->cmd.lowest_done > 0 ? &scope : NULL, ret);
}

int imap_cmd_search(struct imap_session *s)
{
	struct imap_search q;
	struct result res = { 0 };
	struct imap_update *update = NULL;
	int r = imap_search_parse(s, &q);

	if (r == 0)
		r = imap_update_new(s, &q, NULL, 0, &update);
	if (r == 0 && q.has_modseq)
		imap_condstore_enable(s);
	if (r == 0)
		r = search_limited(s, &q, &res);
	if (r == 0 && (q.returns & IMAP_RETURN_SAVE))
		r = imap_search_save(s, &res.told);
	if (r == 0)
		r = answer(s, &q, &res);
	if (r < 0) {
		imap_update_free(update);
		return imap_search_failed(s, &q, r);
	}
	imap_update_start(s, &q, update, &res.seqs, NULL);
	return 0;
}

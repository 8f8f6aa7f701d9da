/* SPDX-License-Identifier: MIT */
/*
 * Walking a view with a tree of keys. Three costs: the view (memory), the content row and
 * header (one row, one read), the text (all of the message). Keys under AND and OR are tried
 * in order of cost, and evaluation knows three answers: where a key needs what is not there
 * yet the answer is UNKNOWN, unless cheaper keys decide. Messages that stay unknown after the
 * view are gathered and looked into in batches, each under its own short snapshot of the
 * database.
 *
 * Invariant: matches are found in the order of the walk, so that FIRST and LAST may stop.
 */
#include "store/search_int.h"

#include "base/limits.h"
#include "base/work.h"
#include "store/note.h"
#include "store/view.h"

#define BATCH 256
#define DAY_S 86400
#define BATCH_BYTES (8u << 20) /* maps of a batch; it is looked into early beyond this */

enum answer { NO, YES, UNKNOWN };
enum { COST_VIEW, COST_ROW, COST_HEADER, COST_BODY };

struct candidate {
	uint32_t seq;
	const struct store_msg *m;
	enum answer answer;
	uint8_t score;
	struct store_content content;
};

struct walk {
	struct store *store;
	struct arena *a; /* of the result */
	const struct store_view *view;
	struct store_search *tree;
	enum store_search_want want;
	const struct uidset *among; /* only these are looked at; NULL: all */
	unsigned content_fields;
	struct uidset found;
	struct candidate batch[BATCH];
	size_t n_batch, n_unknown;
	struct arena texts; /* of the batch */
	struct search_msg msg;
};

struct store_search *store_search_new(struct arena *a, enum store_search_op op)
{
	struct store_search *key = ARENA_NEW(a, struct store_search);

	if (key != NULL)
		key->op = op;
	return key;
}

void store_search_add(struct store_search ***at, struct store_search *key)
{
	**at = key;
	*at = &key->next;
}

/* ---- preparing ---- */

/* Cheapest first; stable. Lists are as short as a command. */
static struct store_search *sorted(struct store_search *list)
{
	struct store_search *out = NULL;

	while (list != NULL) {
		struct store_search *key = list, **at = &out;

		list = list->next;
		while (*at != NULL && (*at)->cost <= key->cost)
			at = &(*at)->next;
		key->next = *at;
		*at = key;
	}
	return out;
}

static int own_cost(enum store_search_op op)
{
	switch (op) {
	case STORE_S_SENT_BEFORE:
	case STORE_S_SENT_ON:
	case STORE_S_SENT_SINCE:
		return COST_ROW;
	case STORE_S_HEADER:
		return COST_HEADER;
	case STORE_S_BODY:
	case STORE_S_TEXT:
		return COST_BODY;
	default:
		return COST_VIEW;
	}
}

/*
 * Sets costs, orders children, and looks up the numbers of keywords in this view. What the index said belongs to
 * the run before.
 */
static void prepare(struct walk *w, struct store_search *key)
{
	key->hits = NULL;
	key->cost = own_cost(key->op);
	if (key->cost == COST_BODY)
		w->content_fields |= STORE_C_MAP;
	if (key->op == STORE_S_KEYWORD) {
		int number = store_keywords_find(w->view->keywords, key->name);

		key->keywords = number < STORE_KEYWORD_BITS ? NULL : w->view->keywords;
		key->number = number < 0 ? 0 : key->keywords ? (uint64_t)number : (uint64_t)1 << (STORE_KEYWORD_BIT + number);
	}
	for (struct store_search *k = key->child; k != NULL; k = k->next) {
		prepare(w, k);
		if (k->cost > key->cost)
			key->cost = k->cost;
	}
	key->child = sorted(key->child);
}

/* ---- evaluating ---- */

static bool compare_day(enum store_search_op op, enum store_search_op before, int64_t at_s,
			int64_t day_s)
{
	if (op == before)
		return at_s < day_s;
	if (op == before + 1) /* ON */
		return at_s >= day_s && at_s - day_s < DAY_S;
	return at_s >= day_s;
}

/*
 * RFC 9051 6.4.4: the day as the sender wrote it. The stored time is UTC, so only near a
 * border the field is read.
 */
static bool sent(struct search_msg *msg, const struct store_search *key)
{
	int64_t at = msg->content->sent_s;
	bool is_known = at != INT64_MIN; /* or the field was not understood when the message came */

	if (is_known && (at < key->day_s - DAY_S || at >= key->day_s + 2 * DAY_S))
		return compare_day(key->op, STORE_S_SENT_BEFORE, at, key->day_s);
	return search_text_sent_day(msg, &at) &&
	       compare_day(key->op, STORE_S_SENT_BEFORE, at, key->day_s);
}

static enum answer from_view(const struct store_search *key, uint32_t seq,
			     const struct store_msg *m)
{
	switch (key->op) {
	case STORE_S_ALL:
		return YES;
	case STORE_S_SEQS:
		return uidset_has(&key->set, seq);
	case STORE_S_UIDS:
	case STORE_S_ANNOTATION:
		return uidset_has(&key->set, m->uid);
	case STORE_S_FLAGS:
		return (m->flags & key->number) == key->number;
	case STORE_S_KEYWORD:
		return key->keywords ? store_keywords_has(key->keywords, m->flags, (unsigned)key->number)
				     : (m->flags & key->number) != 0;
	case STORE_S_UNTIL:
		return m->internaldate_s <= key->day_s ? YES : NO;
	case STORE_S_FROM:
		return m->internaldate_s >= key->day_s ? YES : NO;
	case STORE_S_LARGER:
		return m->size > key->number;
	case STORE_S_SMALLER:
		return m->size < key->number;
	case STORE_S_BEFORE:
	case STORE_S_ON:
	case STORE_S_SINCE:
		return compare_day(key->op, STORE_S_BEFORE, m->internaldate_s, key->day_s);
	case STORE_S_SAVED_BEFORE:
	case STORE_S_SAVED_ON:
	case STORE_S_SAVED_SINCE:
		return compare_day(key->op, STORE_S_SAVED_BEFORE, m->savedate_s, key->day_s);
	case STORE_S_MODSEQ:
		return m->modseq >= key->number;
	case STORE_S_EMAILID:
		return (uint64_t)m->content == key->number;
	case STORE_S_THREADID:
		return (uint64_t)m->thread == key->number;
	default:
		return NO;
	}
}

/* Before the message is there, the index may know. */
static enum answer from_index(struct search_msg *msg, struct store_search *key,
			      const struct store_msg *m)
{
	int r = msg->index != NULL && key->op >= STORE_S_HEADER ? search_index_ask(msg->index, key, m) : -1;

	return r < 0 ? UNKNOWN : r > 0 ? YES : NO;
}

static enum answer from_fuzzy(struct search_msg *msg, struct store_search *key,
			      const struct store_msg *m)
{
	int score = -1;

	if (msg->content != NULL)
		score = (int)search_fuzzy_text(msg, key);
	else if (msg->index != NULL)
		score = search_index_ask(msg->index, key, m);
	if (score <= 0)
		return score < 0 ? UNKNOWN : NO;
	msg->score += (unsigned)score;
	msg->n_scores++;
	return YES;
}

static enum answer from_content(struct search_msg *msg, struct store_search *key,
				const struct store_msg *m)
{
	if (key->is_fuzzy)
		return from_fuzzy(msg, key, m);
	if (msg->content == NULL)
		return from_index(msg, key, m);
	switch (key->op) {
	case STORE_S_HEADER:
		return search_text_header(msg, key);
	case STORE_S_BODY:
		return search_text_body(msg, key, false);
	case STORE_S_TEXT:
		return search_text_body(msg, key, true);
	default:
		return sent(msg, key);
	}
}

static enum answer eval(struct search_msg *msg, struct store_search *key, uint32_t seq,
			const struct store_msg *m);

/*
 * AND ends at the first NO, OR at the first YES; otherwise an unknown child leaves it
 * unknown.
 */
static enum answer eval_list(struct search_msg *msg, struct store_search *key, uint32_t seq,
			     const struct store_msg *m)
{
	enum answer decides = key->op == STORE_S_AND ? NO : YES;
	enum answer result = key->op == STORE_S_AND ? YES : NO;

	for (struct store_search *k = key->child; k != NULL; k = k->next) {
		enum answer got = eval(msg, k, seq, m);

		if (got == decides)
			return got;
		if (got == UNKNOWN)
			result = UNKNOWN;
	}
	return result;
}

static enum answer eval(struct search_msg *msg, struct store_search *key, uint32_t seq,
			const struct store_msg *m)
{
	enum answer got;

	switch (key->op) {
	case STORE_S_AND:
	case STORE_S_OR:
		return eval_list(msg, key, seq, m);
	case STORE_S_NOT:
		got = eval(msg, key->child, seq, m);
		return got == UNKNOWN ? UNKNOWN : got == YES ? NO : YES;
	default:
		return own_cost(key->op) == COST_VIEW ? from_view(key, seq, m)
						      : from_content(msg, key, m);
	}
}

/* ---- batches ---- */

static bool is_done(const struct walk *w)
{
	return w->want != STORE_SEARCH_ALL && w->found.n > 0;
}

/*
 * Reads rows of unknown candidates from `from` on, until there is enough. Returns how far it
 * came, or negative.
 */
static int read_rows(struct walk *w, size_t from)
{
	AUTO(store_reader_close) struct store_reader *reader = NULL;
	int r = store_reader_open(w->store, &reader);
	size_t i = from;

	if (r < 0)
		return r;
	do {
		struct candidate *c = &w->batch[i];

		if (c->answer != UNKNOWN)
			continue;
		r = store_content_get(reader, &w->texts, c->m->content, w->content_fields,
				      &c->content);
		if (r == -E_NOT_FOUND)
			c->answer = NO;
		else if (r < 0)
			return r;
	} while (++i < w->n_batch && w->texts.used < BATCH_BYTES);
	return (int)i;
}

/* After a message whose content was looked at. */
static void progress(const struct walk *w, uint32_t seq)
{
	uint32_t n = w->view->n, done = w->want == STORE_SEARCH_LAST ? n - seq + 1 : seq;

	if (done < n)
		work_progress(done, n);
}

/* Evaluates all keys, and the score. */
static enum answer eval_all(struct walk *w, struct candidate *c)
{
	enum answer answer;

	w->msg.score = w->msg.n_scores = 0;
	answer = eval(&w->msg, w->tree, c->seq, c->m);
	c->score = (uint8_t)(w->msg.n_scores > 0 ? w->msg.score / w->msg.n_scores : 100);
	return answer;
}

static int add_found(struct walk *w, const struct candidate *c)
{
	struct store_scores *scores = w->tree->scores;

	if (scores != NULL) {
		if (arena_grow(w->a, &scores->v, scores->n, &scores->cap, 1) < 0)
			return -E_LIMIT;
		scores->v[scores->n++] = c->score;
	}
	return uidset_add(w->a, &w->found, c->seq, c->seq);
}

static int decide(struct walk *w, struct candidate *c)
{
	if (c->answer == UNKNOWN) {
		search_msg_begin(&w->msg, &c->content);
		c->answer = eval_all(w, c);
		search_msg_begin(&w->msg, NULL);
		if (w->msg.is_given_up || !work_go_on())
			return -E_CLOSED;
		progress(w, c->seq);
	}
	return c->answer == YES && !is_done(w) ? add_found(w, c) : 0;
}

static int finish_batch(struct walk *w)
{
	size_t done = 0;

	while (done < w->n_batch && !is_done(w)) {
		int end = w->n_unknown > 0 ? read_rows(w, done) : (int)w->n_batch;

		if (end < 0)
			return end;
		for (; done < (size_t)end; done++) {
			int r = decide(w, &w->batch[done]);

			if (r < 0)
				return r;
		}
		arena_reset(&w->texts);
	}
	w->n_batch = w->n_unknown = 0;
	return 0;
}

static int visit(struct walk *w, uint32_t seq, const struct store_msg *m)
{
	struct candidate c = { .seq = seq, .m = m };

	c.answer = m->is_lost ? NO : eval_all(w, &c);
	if (c.answer == NO)
		return 0;
	if (c.answer == YES && w->n_unknown == 0)
		return add_found(w, &c);
	w->batch[w->n_batch++] = c;
	w->n_unknown += c.answer == UNKNOWN;
	return w->n_batch == BATCH ? finish_batch(w) : 0;
}

/* ---- walking ---- */

static int walk_up(struct walk *w, uint32_t lo, uint32_t hi)
{
	while (lo <= hi) {
		const struct store_msg *m;
		uint32_t n = store_view_run(w->view, lo, &m);

		if (n == 0)
			return 0;
		for (; n > 0 && lo <= hi; n--, lo++, m++) {
			int r = visit(w, lo, m);

			if (r < 0 || is_done(w))
				return r;
		}
	}
	return 0;
}

static int walk_down(struct walk *w, uint32_t lo, uint32_t hi)
{
	for (uint32_t seq = hi; seq >= lo && seq > 0; seq--) {
		int r = visit(w, seq, store_view_at(w->view, seq));

		if (r < 0 || is_done(w))
			return r;
	}
	return 0;
}

/*
 * Sets of sequence numbers that every match must be in: "UID 1000000:*" then costs nothing
 * for the rest.
 */
static void bounds(const struct store_search *key, uint32_t *lo, uint32_t *hi)
{
	if (key->op == STORE_S_AND) {
		for (const struct store_search *k = key->child; k != NULL; k = k->next)
			bounds(k, lo, hi);
	} else if (key->op == STORE_S_SEQS && key->set.n == 0) {
		*hi = 0;
	} else if (key->op == STORE_S_SEQS) {
		uint32_t first = key->set.r[0].lo, last = key->set.r[key->set.n - 1].hi;

		*lo = first > *lo ? first : *lo;
		*hi = last < *hi ? last : *hi;
	}
}

/* Which messages have the annotations that are looked for; only from lo to hi they are asked for. */
static int find_notes(struct walk *w, struct store_search *key, uint32_t lo, uint32_t hi)
{
	int r = 0;

	if (key->op == STORE_S_ANNOTATION) {
		const struct store_note_search q = { .user = key->user,
						     .pattern = key->name,
						     .value = key->value,
						     .scopes = (unsigned)key->number,
						     .lo = store_view_at(w->view, lo)->uid,
						     .hi = store_view_at(w->view, hi)->uid };

		r = store_notes_search(w->store, w->a, w->view->mailbox, &q, &key->set);
	}
	for (struct store_search *k = key->child; k != NULL && r == 0; k = k->next)
		r = find_notes(w, k, lo, hi);
	return r;
}

static int run(struct walk *w)
{
	uint32_t lo = 1, hi = w->view->n;
	int r = 0;

	prepare(w, w->tree);
	bounds(w->tree, &lo, &hi);
	if (w->among != NULL && w->among->n > 0) {
		lo = w->among->r[0].lo;
		hi = w->among->r[w->among->n - 1].hi;
	}
	if (lo <= hi && hi > 0 && (w->among == NULL || w->among->n > 0))
		r = find_notes(w, w->tree, lo, hi);
	if (r < 0)
		return r;
	if (w->among != NULL)
		for (size_t i = 0; i < w->among->n && r == 0; i++)
			r = walk_up(w, w->among->r[i].lo, w->among->r[i].hi);
	else
		r = w->want == STORE_SEARCH_LAST ? walk_down(w, lo, hi) : walk_up(w, lo, hi);
	if (r == 0 && !is_done(w))
		r = finish_batch(w);
	return r;
}

static int search(struct store *s, struct arena *a, const struct store_view *v,
		  struct store_search *tree, enum store_search_want want,
		  const struct uidset *among, struct uidset *ret_seqs)
{
	AUTO(mem_auto_free) struct walk *w = MEM_NEW(struct walk);
	AUTO(search_index_free) struct search_index *index = search_index_new(s, v->mailbox);
	unsigned refusals = budget_refusals();
	int r;

	w->store = s;
	w->a = a;
	w->view = v;
	w->tree = tree;
	w->want = want;
	w->among = among;
	arena_init(&w->texts, LIMIT_COMMAND_ARENA);
	search_msg_init(&w->msg, s);
	w->msg.index = index;
	if (tree->scores != NULL)
		*tree->scores = (struct store_scores){ 0 };
	r = run(w);
	search_msg_fini(&w->msg);
	arena_fini(&w->texts);
	/* What was too large to be looked at for want of memory is no answer. */
	if (r == 0 && budget_refusals() - refusals != search_index_refusals(index))
		r = -E_LIMIT;
	if (r == 0)
		*ret_seqs = w->found;
	return r;
}

int store_search_run(struct store *s, struct arena *a, const struct store_view *v,
		     struct store_search *tree, enum store_search_want want,
		     struct uidset *ret_seqs)
{
	return search(s, a, v, tree, want, NULL, ret_seqs);
}

int store_search_among(struct store *s, struct arena *a, const struct store_view *v,
		       struct store_search *tree, const struct uidset *seqs,
		       struct uidset *ret_seqs)
{
	return search(s, a, v, tree, STORE_SEARCH_ALL, seqs, ret_seqs);
}

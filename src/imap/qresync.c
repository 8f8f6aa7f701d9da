/* SPDX-License-Identifier: MIT */
/*
 * What has changed while a client was away (RFC 7162 3.2.5, 3.2.6, 3.2.10.1). Changed messages are
 * found in the view by their modseq; expunged ones in what the store remembers of them. Where
 * it does not remember so far back, or they are too many for the command, the client is told
 * all of its UIDs that are not there.
 *
 * The view and the memory of expunged messages are read one after the other. What was expunged in
 * between is still in the view, so it counts as there: it is told with the next notices, by
 * VANISHED without EARLIER.
 */
#include "imap/qresync.h"

#include "base/limits.h"
#include "imap/fetch_line.h"
#include "imap/imap_int.h"
#include "imap/note.h"
#include "imap/resp.h"
#include "imap/seqset.h"
#include "net/conn.h"
#include "store/message.h"

/* ---- the parameter ---- */

static bool has_star(const struct imap_seqset *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->r[i].lo == 0 || set->r[i].hi == 0)
			return true;
	}
	return set->is_saved;
}

/* How many numbers; 0 when they do not ascend. */
static uint64_t count_ascending(const struct imap_seqset *set)
{
	uint64_t n = 0;
	uint32_t last = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (set->r[i].lo <= last || set->r[i].hi < set->r[i].lo)
			return 0;
		last = set->r[i].hi;
		n += (uint64_t)last - set->r[i].lo + 1;
	}
	return n;
}

/* A sequence-set in which "*" and "$" are not allowed */
static int plain_set(struct imap_parse *p, struct imap_seqset *ret)
{
	int r = imap_parse_seqset(p, ret);

	return r > 0 && has_star(ret) ? 0 : r;
}

/* seq-match-data = "(" known-sequence-set SP known-uid-set ")" */
static int match_data(struct imap_parse *p, struct imap_qresync *q)
{
	uint64_t n;
	int r = imap_parse_char(p, '(');

	if (r > 0)
		r = plain_set(p, &q->match_seqs);
	if (r > 0)
		r = imap_parse_sp(p);
	if (r > 0)
		r = plain_set(p, &q->match_uids);
	if (r > 0)
		r = imap_parse_char(p, ')');
	if (r <= 0)
		return r;
	n = count_ascending(&q->match_seqs);
	return n > 0 && n == count_ascending(&q->match_uids);
}

/* [SP known-uids] [SP seq-match-data] ")" */
static int known(struct imap_parse *p, struct imap_qresync *q)
{
	int r = 1;

	if (imap_parse_sp(p) <= 0)
		return imap_parse_char(p, ')');
	if (imap_parse_peek(p) != '(') {
		r = plain_set(p, &q->known);
		if (r > 0 && imap_parse_sp(p) <= 0)
			return imap_parse_char(p, ')');
	}
	if (r > 0)
		r = match_data(p, q);
	return r > 0 ? imap_parse_char(p, ')') : r;
}

/*
 * "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
 * A modseq of 0 is taken too: everything.
 */
int imap_qresync_parse(struct imap_parse *p, struct imap_qresync *ret)
{
	struct imap_parse c = *p;
	struct imap_qresync q = { 0 };
	int r;

	if (imap_parse_word(&c, S("QRESYNC")) <= 0 || imap_parse_sp(&c) <= 0 ||
	    imap_parse_char(&c, '(') <= 0 || imap_parse_nz_number(&c, &q.uidvalidity) <= 0 ||
	    imap_parse_sp(&c) <= 0 || imap_parse_number64(&c, &q.modseq) <= 0)
		return 0;
	r = known(&c, &q);
	if (r <= 0)
		return r;
	*ret = q;
	p->p = c.p;
	return 1;
}

/* ---- match data ---- */

/*
 * The last of n pairs (seq, uid), (seq + 1, uid + 1)... that is in the view: 0 or its UID. From
 * one pair to the next the UID in the view grows at least as much as the one of the client.
 */
static uint32_t match_run(const struct store_view *v, uint32_t seq, uint32_t uid, uint32_t n)
{
	uint32_t lo = 0, hi = seq > v->n ? 0 : v->n - seq + 1;

	hi = hi < n ? hi : n;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (store_view_at(v, seq + mid)->uid <= uid + mid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && store_view_at(v, seq + lo - 1)->uid == uid + lo - 1 ? uid + lo - 1 : 0;
}

uint32_t imap_qresync_match(const struct imap_qresync *q, const struct store_view *v)
{
	const struct imap_seqset *seqs = &q->match_seqs, *uids = &q->match_uids;
	size_t i = 0, k = 0;
	uint32_t i_done = 0, k_done = 0, found = 0;

	while (i < seqs->n && k < uids->n) {
		uint32_t seq = seqs->r[i].lo + i_done, uid = uids->r[k].lo + k_done;
		uint32_t n_seqs = seqs->r[i].hi - seq, n_uids = uids->r[k].hi - uid;
		uint32_t n = n_seqs < n_uids ? n_seqs : n_uids; /* and one more */
		uint32_t last = match_run(v, seq, uid, n < UINT32_MAX ? n + 1 : n);

		found = last > found ? last : found;
		i_done = n == n_seqs ? 0 : i_done + n + 1;
		k_done = n == n_uids ? 0 : k_done + n + 1;
		i += n == n_seqs;
		k += n == n_uids;
	}
	return found;
}

/* ---- VANISHED (EARLIER) ---- */

struct vanished {
	struct imap_session *s;
	struct buf out;
	bool has_any;
};

static void add_gap(struct vanished *w, uint32_t lo, uint32_t hi)
{
	buf_add(&w->out, w->has_any ? S(",") : S("* VANISHED (EARLIER) "));
	w->has_any = true;
	buf_add_u64(&w->out, lo);
	if (hi > lo) {
		buf_add_char(&w->out, ':');
		buf_add_u64(&w->out, hi);
	}
	if (w->out.n > (32u << 10)) {
		imap_resp(w->s, buf_str(&w->out));
		buf_reset(&w->out);
	}
}

/* Those of lo..hi that are not in the view. */
static void add_missing(struct vanished *w, uint32_t lo, uint32_t hi)
{
	const struct store_view *v = w->s->sel->view;
	uint32_t seq = store_view_seq_from(v, lo), n;
	const struct store_msg *m;

	while ((n = store_view_run(v, seq, &m)) > 0) {
		for (; n > 0 && m->uid <= hi; n--, seq++, m++) {
			if (m->uid > lo)
				add_gap(w, lo, m->uid - 1);
			if (m->uid == hi)
				return;
			lo = m->uid + 1;
		}
		if (n > 0)
			break;
	}
	add_gap(w, lo, hi);
}

/* Both are ascending; each pair of ranges that overlap is looked at once. */
static void add_common(struct vanished *w, const struct uidset *a, const struct uidset *b)
{
	size_t i = 0, k = 0;

	while (i < a->n && k < b->n && !conn_failed(w->s->conn)) {
		uint32_t lo = a->r[i].lo > b->r[k].lo ? a->r[i].lo : b->r[k].lo;
		uint32_t hi = a->r[i].hi < b->r[k].hi ? a->r[i].hi : b->r[k].hi;

		if (lo <= hi)
			add_missing(w, lo, hi);
		if (a->r[i].hi < b->r[k].hi)
			i++;
		else
			k++;
	}
}

/* What may have been expunged since modseq, of the UIDs that the view has used. */
static int gone_since(struct imap_session *s, uint64_t modseq, struct uidset *ret)
{
	uint32_t uidnext = s->sel->view->uidnext;
	struct uidset all = { 0 };
	uint64_t floor = 0;
	int r = store_expunged_since(imap_store(s), &s->arena, s->sel->mailbox, modseq, ret,
				     &floor);

	if (r == -E_LIMIT || (r == 0 && modseq < floor)) {
		r = uidnext > 1 ? uidset_add(&s->arena, &all, 1, uidnext - 1) : 0;
		*ret = all;
	}
	return r;
}

void imap_qresync_tell(struct imap_session *s, const struct uidset *uids, const struct uidset *gone)
{
	struct vanished w = { .s = s };

	buf_init(&w.out, 64u << 10);
	add_common(&w, uids, gone);
	imap_resp(s, buf_str(&w.out));
	buf_fini(&w.out);
	if (w.has_any)
		imap_resp_end(s);
}

int imap_qresync_vanished(struct imap_session *s, const struct uidset *uids, uint64_t modseq)
{
	struct uidset gone = { 0 };
	int r = gone_since(s, modseq, &gone);

	if (r < 0)
		return r;
	imap_qresync_tell(s, uids, &gone);
	return conn_failed(s->conn) ? -E_CLOSED : 0;
}

/* ---- SELECT ---- */

/* Annotations that have changed too, for SELECT (QRESYNC (...) ANNOTATE) (RFC 5257 4.4). */
struct notes {
	struct store_note_change *v; /* by UID */
	size_t n;
};

/* Those of one message; the UIDs ascend from call to call. */
static void show_notes(struct imap_session *s, struct imap_fetch_line *line, struct notes *notes,
		       uint32_t uid)
{
	size_t n = 0;

	while (notes->n > 0 && notes->v->uid < uid) {
		notes->v++;
		notes->n--;
	}
	while (n < notes->n && notes->v[n].uid == uid)
		n++;
	if (n == 0)
		return;
	imap_fetch_line_flush(line);
	imap_note_names_write(s, " ", notes->v, n);
	notes->v += n;
	notes->n -= n;
}

static void show_range(struct imap_session *s, struct imap_fetch_line *line, struct uid_range r,
		       uint64_t modseq, struct notes *notes)
{
	unsigned bits = IMAP_FETCH_FLAGS | IMAP_FETCH_MODSEQ | (s->has_uidonly ? 0 : IMAP_FETCH_UID);
	const struct store_view *v = s->sel->view;
	const struct store_msg *m;
	uint32_t seq = r.lo, n;

	while (seq <= r.hi && (n = store_view_run(v, seq, &m)) > 0 && !conn_failed(s->conn)) {
		for (; n > 0 && seq <= r.hi; n--, seq++, m++) {
			if (m->modseq <= modseq || m->is_lost)
				continue;
			imap_fetch_line_begin(line, seq, bits, v->keywords, m);
			show_notes(s, line, notes, m->uid);
			imap_fetch_line_end(line);
		}
	}
}

static int show_changed(struct imap_session *s, const struct imap_seqset *uids, uint64_t modseq)
{
	AUTO(arena_fini) struct arena a;
	struct imap_fetch_line line;
	struct notes notes = { 0 };
	struct uidset seqs;
	int r = imap_seqset_resolve(&s->arena, uids, true, s->sel->view, &s->sel->saved, &seqs);

	arena_init(&a, LIMIT_COMMAND_ARENA);
	if (r < 0)
		return r;
	/* Names that cannot be read are not told. */
	if (s->sel->has_annotate &&
	    store_notes_changed(imap_store(s), &a, s->sel->mailbox, s->account, modseq, &notes.v,
				&notes.n) < 0)
		notes = (struct notes){ 0 };
	imap_fetch_line_init(&line, s);
	for (size_t i = 0; i < seqs.n; i++)
		show_range(s, &line, seqs.r[i], modseq, &notes);
	imap_fetch_line_flush(&line);
	imap_fetch_line_fini(&line);
	return conn_failed(s->conn) ? -E_CLOSED : 0;
}

/* The UIDs of the set above first. */
static int uids_above(struct imap_session *s, const struct imap_seqset *set, uint32_t first,
		      struct uidset *ret)
{
	struct uidset all = { 0 };
	int r = imap_seqset_numbers(&s->arena, set, UINT32_MAX, &all);

	*ret = (struct uidset){ 0 };
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		uint32_t lo = all.r[i].lo > first ? all.r[i].lo : first + 1;

		if (all.r[i].hi > first)
			r = uidset_add(&s->arena, ret, lo, all.r[i].hi);
	}
	return r;
}

int imap_qresync_show(struct imap_session *s, const struct imap_qresync *q)
{
	static struct imap_seq_range everything[] = { { 1, 0 } };
	struct imap_seqset set = q->known;
	struct uidset uids;
	int r;

	/* RFC 7162 3.2.5: another mailbox. And who knows the newest modseq knows all. */
	if (q->uidvalidity != s->sel->view->uidvalidity || q->modseq >= s->sel->view->highestmodseq)
		return 0;
	if (set.n == 0)
		set = (struct imap_seqset){ .r = everything, .n = 1 };
	r = imap_view_need(s);
	if (r == 0)
		r = uids_above(s, &set, imap_qresync_match(q, s->sel->view), &uids);
	if (r == 0)
		r = imap_qresync_vanished(s, &uids, q->modseq);
	return r < 0 ? r : show_changed(s, &set, q->modseq);
}

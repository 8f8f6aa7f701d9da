/* SPDX-License-Identifier: MIT */
/*
 * FETCH and UID FETCH (RFC 9051 6.4.5, 6.4.9; RFC 7162 3.1.4 for CHANGEDSINCE and MODSEQ,
 * 3.2.6 for VANISHED).
 *
 * Messages are walked in the view that the client was shown. Those that need their content
 * come in batches: the rows of a batch are read under one snapshot into the batch's arena,
 * the snapshot is closed, then the batch is written. So no snapshot waits for a slow client,
 * and memory does not grow with the number of messages.
 *
 * \Seen is set first, for all messages at once: then the responses carry the flags that the
 * command itself caused. That it cannot be set (a full disk) is no reason to withhold the
 * mail.
 */
#include "base/limits.h"
#include "imap/fetch.h"
#include "imap/fetch_line.h"
#include "imap/imap_int.h"
#include "imap/language.h"
#include "imap/limit.h"
#include "imap/qresync.h"
#include "imap/resp.h"
#include "imap/seqset.h"
#include "net/conn.h"
#include "store/rights.h"
#include "store/view.h"

#define BATCH 128
#define BATCH_BYTES (4u << 20) /* texts of a batch; it is closed early beyond this */

struct entry {
	uint32_t seq;
	const struct store_msg *m;
	struct store_content content;
	struct store_note *notes;
	size_t n_notes;
	int err; /* of reading the row */
};

struct fetch {
	struct imap_session *s;
	const struct imap_fetch *f;
	const struct store_view *view;
	struct imap_fetch_line line;
	struct uidset marked;   /* UIDs that this command made \Seen */
	struct store_view *now; /* the view after that; NULL when nothing was marked */
	struct entry *batch;    /* BATCH of them, when rows are needed */
	size_t n_batch;
	struct arena arena; /* texts of the batch */
	struct imap_fetch_ahead ahead;
	bool is_whole; /* bodies are read ahead */
	int err;            /* the first trouble: NO at the end */
	bool has_lost;      /* messages were left out that others have expunged */
};

static void fetch_fini(struct fetch *r)
{
	imap_fetch_line_fini(&r->line);
	store_view_unref(r->now);
	arena_fini(&r->arena);
	imap_fetch_ahead_fini(&r->ahead);
	mem_free(r->batch);
}

static bool is_left_out(const struct fetch *r, const struct store_msg *m)
{
	return m->is_lost || (r->f->has_changedsince && m->modseq <= r->f->changedsince);
}

/* One message, or 0 to go on, negative to end the command. */
typedef int walk_fn(struct fetch *r, uint32_t seq, const struct store_msg *m);

static int walk(struct fetch *r, const struct uidset *seqs, walk_fn *fn)
{
	for (size_t i = 0; i < seqs->n; i++) {
		uint32_t seq = seqs->r[i].lo, end = seqs->r[i].hi;

		while (seq <= end) {
			const struct store_msg *m;
			uint32_t n = store_view_run(r->view, seq, &m);

			if (n == 0)
				return 0;
			for (; n > 0 && seq <= end; n--, seq++, m++) {
				int rc;

				r->has_lost |= m->is_lost;
				if (is_left_out(r, m))
					continue;
				rc = fn(r, seq, m);
				if (rc < 0)
					return rc;
			}
			if (conn_failed(r->s->conn))
				return -E_CLOSED;
		}
	}
	return 0;
}

/* ---- \Seen ---- */

static int collect_unseen(struct fetch *r, uint32_t seq, const struct store_msg *m)
{
	(void)seq;
	return m->flags & STORE_SEEN ? 0 : uidset_add(&r->s->arena, &r->marked, m->uid, m->uid);
}

static int mark_seen(struct fetch *r, const struct uidset *seqs)
{
	struct imap_session *s = r->s;
	const struct store_flag_change change = {
		.user = s->account,
		.op = STORE_FLAGS_ADD,
		.flags = STORE_SEEN,
	};
	struct uidset modified = { 0 };
	uint64_t modseq = 0;
	int rc = walk(r, seqs, collect_unseen);

	if (rc < 0 || r->marked.n == 0)
		return rc;
	rc = store_flags(imap_store(s), &s->arena, s->sel->mailbox, &r->marked, &change, &modified,
			 &modseq);
	if (rc == 0)
		rc = store_mbox_view(s->sel->mbox, &r->now);
	if (rc < 0) {
		r->marked = (struct uidset){ 0 };
		return 0;
	}
	imap_notify_new_keywords(s, r->now);
	imap_notify_flags_shown(s, &r->marked, modseq);
	return 0;
}

/* ---- responses ---- */

/* The simple items of a message, with its newest flags when this command changed them. */
static void begin_line(struct fetch *r, uint32_t seq, const struct store_msg *m, unsigned bits)
{
	const struct store_keywords *keywords = r->view->keywords;

	if (r->now != NULL && uidset_has(&r->marked, m->uid)) {
		uint32_t at = store_view_seq(r->now, m->uid);

		/* RFC 7162 3.2.4, RFC 9051 7.5.2: what the client did not ask for has the UID. */
		bits |= IMAP_FETCH_FLAGS;
		if ((r->s->has_condstore || r->s->is_rev2) && !r->s->has_uidonly)
			bits |= IMAP_FETCH_UID;
		/* Expunged meanwhile: it is what it was when the client last saw it. */
		if (at > 0) {
			m = store_view_at(r->now, at);
			keywords = r->now->keywords;
		}
	}
	if (r->s->has_condstore && (bits & IMAP_FETCH_FLAGS))
		bits |= IMAP_FETCH_MODSEQ;
	imap_fetch_line_begin(&r->line, seq, bits, keywords, m);
}

static int write_simple(struct fetch *r, uint32_t seq, const struct store_msg *m)
{
	begin_line(r, seq, m, r->f->bits);
	imap_fetch_line_end(&r->line);
	return 0;
}

/*
 * A content is missing because another session expunged the message long ago (store.expunge_grace)
 * and this one has not been told yet. Else the store is damaged.
 */
static bool is_expunged(const struct fetch *r, uint32_t uid)
{
	struct store_view *now = NULL;
	bool is_gone = store_mbox_view(r->s->sel->mbox, &now) == 0 &&
		       (now->is_gone || store_view_seq(now, uid) == 0);

	store_view_unref(now);
	return is_gone;
}

static void note_err(struct fetch *r, int rc)
{
	if (rc < 0 && r->err == 0)
		r->err = rc == -E_NOT_FOUND ? -E_IO : rc;
}

/* RFC 5257 5: there is no empty ANNOTATION; where nothing matches the item is left out. */
static bool is_shown(const struct entry *e, const struct imap_fetch_item *item)
{
	return item->kind != IMAP_FETCH_ANNOTATION ||
	       imap_note_has_answer(item->notes, e->notes, e->n_notes);
}

static int write_items(struct fetch *r, struct entry *e)
{
	AUTO(imap_fetch_msg_fini)
	struct imap_fetch_msg msg = { .content = e->content,
				      .ahead = &r->ahead,
				      .notes = e->notes,
				      .n_notes = e->n_notes };
	bool has_any = r->line.out.p[r->line.out.n - 1] != '(';

	for (size_t i = 0; i < r->f->n; i++) {
		int rc;

		if (!is_shown(e, &r->f->items[i]))
			continue;
		if (has_any)
			buf_add_char(&r->line.out, ' ');
		has_any = true;
		imap_fetch_line_flush(&r->line);
		rc = imap_fetch_item_write(r->s, &msg, &r->f->items[i]);
		if (rc == -E_CLOSED || conn_failed(r->s->conn))
			return -E_CLOSED;
		note_err(r, rc);
	}
	imap_fetch_line_end(&r->line);
	return 0;
}

static int write_entry(struct fetch *r, struct entry *e)
{
	bool has_items = r->f->bits != 0 && e->err == 0;

	if (e->err == -E_NOT_FOUND && is_expunged(r, e->m->uid)) {
		r->has_lost = true;
		return 0;
	}
	for (size_t i = 0; e->err == 0 && i < r->f->n; i++)
		has_items |= is_shown(e, &r->f->items[i]);
	/* Without anything else a message has at least its UID to show. */
	begin_line(r, e->seq, e->m, r->f->bits | (has_items ? 0 : IMAP_FETCH_UID));
	if (e->err == 0)
		return write_items(r, e);
	note_err(r, e->err);
	imap_fetch_line_end(&r->line);
	return 0;
}

/* ---- batches ---- */

/*
 * Reads rows of the batch from entry from on, until the arena has enough. Returns how far it
 * came, or negative.
 */
static int read_rows(struct fetch *r, size_t from)
{
	AUTO(store_reader_close) struct store_reader *reader = NULL;
	int rc = store_reader_open(imap_store(r->s), &reader);
	size_t i = from;

	if (rc < 0)
		return rc;
	do {
		struct entry *e = &r->batch[i];

		e->err = store_content_get(reader, &r->arena, e->m->content, r->f->content_fields,
					   &e->content);
		if (e->err == 0 && r->f->has_notes)
			e->err = store_notes_get(reader, &r->arena, r->view->mailbox, r->s->account,
						 e->m->uid, &e->notes, &e->n_notes);
	} while (++i < r->n_batch && r->arena.used < BATCH_BYTES);
	return (int)i;
}

/* The bodies of entries from at on, as far as they stand together; when they are not here yet. */
static void read_ahead(struct fetch *r, size_t at, size_t end)
{
	const struct entry *first = &r->batch[at], *last = first;

	if (first->err < 0 || imap_fetch_ahead_find(&r->ahead, &first->content, 0, 0) != NULL)
		return;
	for (const struct entry *e = first + 1; e < r->batch + end && e->err == 0; e++) {
		if (!imap_fetch_ahead_fits(&first->content, &last->content, &e->content))
			break;
		last = e;
	}
	if (last != first)
		imap_fetch_ahead_read(&r->ahead, r->s, &first->content, &last->content);
}

static int write_batch(struct fetch *r)
{
	size_t done = 0;

	while (done < r->n_batch) {
		int end = read_rows(r, done);

		if (end < 0)
			return end;
		for (; done < (size_t)end; done++) {
			int rc;

			if (r->is_whole)
				read_ahead(r, done, (size_t)end);
			rc = write_entry(r, &r->batch[done]);
			if (rc < 0)
				return rc;
		}
		arena_reset(&r->arena);
	}
	r->n_batch = 0;
	return 0;
}

static int add_to_batch(struct fetch *r, uint32_t seq, const struct store_msg *m)
{
	r->batch[r->n_batch++] = (struct entry){ .seq = seq, .m = m };
	return r->n_batch == BATCH ? write_batch(r) : 0;
}

/* *ret_has_lost: messages were left out that others have expunged. */
static int fetch_run(struct imap_session *s, const struct imap_fetch *f, const struct uidset *seqs,
		     bool *ret_has_lost)
{
	AUTO(mem_auto_free) struct fetch *r = MEM_NEW(struct fetch);
	int rc = 0;

	r->s = s;
	r->f = f;
	r->view = s->sel->view;
	r->is_whole = imap_fetch_is_whole(f);
	if (f->n > 0)
		r->batch = mem_resize(NULL, BATCH, sizeof(*r->batch)); /* each is set as it is added */
	arena_init(&r->arena, LIMIT_COMMAND_ARENA);
	imap_fetch_line_init(&r->line, s);
	/* RFC 4314 4 */
	if (f->sets_seen && !s->sel->is_examined && (s->sel->rights & STORE_R_SEEN))
		rc = mark_seen(r, seqs);
	if (rc == 0)
		rc = walk(r, seqs, f->n > 0 ? add_to_batch : write_simple);
	if (rc == 0)
		rc = write_batch(r);
	if (rc != -E_CLOSED)
		imap_fetch_line_flush(&r->line);
	if (rc == 0)
		rc = r->err;
	*ret_has_lost = r->has_lost;
	fetch_fini(r);
	return rc;
}

int imap_fetch_tell(struct imap_session *s, const struct imap_fetch *f, const struct uidset *seqs)
{
	struct imap_fetch with_uid = *f;
	bool has_lost;
	int r;

	if (!s->has_uidonly)
		with_uid.bits |= IMAP_FETCH_UID;
	r = fetch_run(s, &with_uid, seqs, &has_lost);
	/* That an annotation is of a part that is not there is nobody's mistake here. */
	return r == -E_SYNTAX ? 0 : r;
}

/* RFC 2180 4.1.2, RFC 5530 3; a UID that is gone is nobody's mistake (RFC 9051 6.4.9). */
static int fetch_asked(struct imap_session *s, const struct imap_fetch *f,
		       const struct uidset *seqs)
{
	bool has_lost = false;
	int r = fetch_run(s, f, seqs, &has_lost);

	if (r == -E_SYNTAX)
		imap_say(s, "a message has no such part"); /* RFC 5257 3.2.1 */
	if (r < 0 || !has_lost || s->cmd.is_uid)
		return r;
	imap_code(s, "EXPUNGEISSUED");
	imap_limit_answer(s);
	imap_say(s, IMAP_SAYS_GONE);
	return -E_NOT_FOUND;
}

/*
 * RFC 7162 3.2.6: UID FETCH only, after ENABLE QRESYNC. "*" is the last UID that there ever was, so
 * that 1:* has the ones expunged at the end.
 */
static int show_vanished(struct imap_session *s, const struct imap_seqset *set,
			 const struct imap_fetch *f)
{
	const struct store_view *v = s->sel->view;
	struct uidset uids = s->sel->saved;
	int r = 0;

	if (!set->is_saved)
		r = imap_seqset_numbers(&s->arena, set, v->uidnext > 1 ? v->uidnext - 1 : 1, &uids);
	return r < 0 ? r : imap_qresync_vanished(s, &uids, f->changedsince);
}

static int check_modifiers(struct imap_session *s, const struct imap_fetch *f)
{
	if (f->has_partial && !s->cmd.is_uid) {
		imap_say(s, "PARTIAL is for UID FETCH");
		return -E_USAGE;
	}
	if (!f->has_vanished || (s->cmd.is_uid && s->has_qresync))
		return 0;
	imap_say(s, s->cmd.is_uid ? "ENABLE QRESYNC first" : "VANISHED is for UID FETCH");
	return -E_USAGE;
}

/* fetch = "FETCH" SP sequence-set SP (items) [fetch-modifiers] */
int imap_cmd_fetch(struct imap_session *s)
{
	struct imap_seqset set;
	struct imap_fetch f;
	struct uidset seqs;
	int r = imap_need(imap_parse_sp(&s->p));

	if (r == 0)
		r = imap_need(imap_parse_seqset(&s->p, &set));
	if (r == 0)
		r = imap_need(imap_fetch_parse(&s->p, &f));
	if (r == 0)
		r = imap_need(imap_parse_end(&s->p));
	if (r == 0)
		r = check_modifiers(s, &f);
	if (r == 0)
		r = imap_seqset_resolve(&s->arena, &set, s->cmd.is_uid, s->sel->view,
					&s->sel->saved, &seqs);
	/* RFC 9394 3.4: before CHANGEDSINCE takes any away. */
	if (r == 0 && f.has_partial)
		r = imap_partial_set(&s->arena, &f.partial, &seqs, &seqs);
	if (r == 0)
		r = f.has_partial ? imap_limit_whole(s, &seqs) : imap_limit_cut(s, &seqs);
	if (r < 0)
		return r;
	if (s->cmd.is_uid && !s->has_uidonly)
		f.bits |= IMAP_FETCH_UID;
	if (f.has_modseq)
		imap_condstore_enable(s);
	if (f.has_vanished)
		r = show_vanished(s, &set, &f);
	return r < 0 ? r : fetch_asked(s, &f, &seqs);
}

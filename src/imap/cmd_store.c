/* SPDX-License-Identifier: MIT */
/*
 * STORE and UID STORE (RFC 9051 6.4.6, RFC 7162 3.1.3), of annotations too (RFC 5257 4.5). The
 * change is one transaction of the store; the answers show the flags as they are after it, under
 * the sequence numbers that the client knows. What is answered here, or silenced by the client,
 * notify.c does not show again.
 */
#include "base/limits.h"
#include "base/work.h"
#include "imap/fetch_line.h"
#include "imap/imap_int.h"
#include "imap/language.h"
#include "imap/limit.h"
#include "imap/note.h"
#include "imap/seqset.h"
#include "net/conn.h"
#include "store/message.h"
#include "store/view.h"

#define PARTS_BATCH 256 /* messages that are looked at under one snapshot of the database */

struct store_args {
	struct imap_seqset set;
	struct store_flag_change change;
	bool is_silent;
	bool has_notes; /* annotations are set, and no flags (RFC 5257 4.5) */
	struct imap_note_list notes;
};

/*
 * RFC 7162 7, RFC 4466 2.5:
 * store-modifiers = SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"
 */
static int modifiers(struct imap_parse *p, struct store_args *args)
{
	if (imap_parse_peek(p) != '(')
		return 1;
	if (imap_parse_char(p, '(') <= 0 || imap_parse_word(p, S("UNCHANGEDSINCE")) <= 0 ||
	    imap_parse_sp(p) <= 0 || imap_parse_number64(p, &args->change.unchangedsince) <= 0 ||
	    imap_parse_char(p, ')') <= 0)
		return 0;
	args->change.has_unchangedsince = true;
	return imap_parse_sp(p);
}

/*
 * att-annotate = "ANNOTATION" SP "(" entry-att *(SP entry-att) ")"
 * It is silent (RFC 5257 4.5).
 */
static int att_annotate(struct imap_parse *p, struct store_args *args)
{
	struct imap_parse q = *p;
	int r;

	if (imap_parse_word(&q, S("ANNOTATION")) <= 0 || imap_parse_sp(&q) <= 0)
		return 0;
	r = imap_note_list_parse(&q, &args->notes);
	if (r > 0)
		p->p = q.p;
	args->has_notes = args->is_silent = r > 0;
	return r;
}

/* store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag))) */
static int att_flags(struct imap_parse *p, struct store_args *args, struct imap_flags *flags)
{
	int r;

	if (imap_parse_char(p, '+') > 0)
		args->change.op = STORE_FLAGS_ADD;
	else if (imap_parse_char(p, '-') > 0)
		args->change.op = STORE_FLAGS_REMOVE;
	else
		args->change.op = STORE_FLAGS_SET;
	args->is_silent = imap_parse_word(p, S("FLAGS.SILENT")) > 0;
	if (!args->is_silent && imap_parse_word(p, S("FLAGS")) <= 0)
		return 0;
	if (imap_parse_sp(p) <= 0)
		return 0;
	r = imap_parse_flag_list(p, flags);
	if (r != 0)
		return r;
	do {
		r = imap_parse_flag(p, flags);
		if (r <= 0)
			return r;
	} while (imap_parse_sp(p) > 0);
	return 1;
}

/* store = "STORE" SP sequence-set [store-modifiers] SP (store-att-flags / att-annotate) */
static int parse(struct imap_parse *p, struct store_args *args)
{
	struct imap_flags flags = { 0 };
	int r = imap_need(imap_parse_sp(p));

	if (r == 0)
		r = imap_need(imap_parse_seqset(p, &args->set));
	if (r == 0)
		r = imap_need(imap_parse_sp(p));
	if (r == 0)
		r = imap_need(modifiers(p, args));
	if (r == 0) {
		r = att_annotate(p, args);
		r = imap_need(r != 0 ? r : att_flags(p, args, &flags));
	}
	if (r == 0)
		r = imap_need(imap_parse_end(p));
	args->change.flags = flags.flags;
	args->change.keywords = flags.keywords;
	args->change.n_keywords = flags.n_keywords;
	return r;
}

/*
 * Which items the answers have; 0: none are sent. RFC 7162 3.1.3: .SILENT does not silence
 * MODSEQ; 3.2.4, RFC 9051 7.5.2: it brings the UID along, and nobody can tell these answers from others.
 */
static unsigned answer_bits(const struct imap_session *s, bool is_silent)
{
	unsigned bits =
		(is_silent ? 0 : IMAP_FETCH_FLAGS) | (s->has_condstore ? IMAP_FETCH_MODSEQ : 0);

	/* RFC 9586 3.3: UIDFETCH begins with it. */
	if (bits == 0 || s->has_uidonly)
		return bits;
	return s->cmd.is_uid || s->has_condstore || s->is_rev2 ? bits | IMAP_FETCH_UID : bits;
}

struct numbers { /* of keywords, one bit each */
	uint64_t v[LIMIT_IMAP_KEYWORDS / 64];
};

struct answers {
	struct imap_session *s;
	const struct store_args *args;
	const struct uidset *modified; /* UIDs that UNCHANGEDSINCE kept from changing */
	uint64_t modseq;               /* of the change */
	const struct store_view *now;
	struct uidset shown; /* UIDs that notify.c need not tell */
	bool has_lost, has_living; /* messages of the set that others have expunged, and others */
	struct uid_range run; /* more of them; hi 0: none */
	struct imap_fetch_line line;
	/* What the command named, in the newest view: flags that are bits, and numbers of other keywords */
	uint64_t bits;
	struct numbers numbers;
	uint64_t set_was, set_is; /* two of which is_known: whether the second is what the change makes of the first */
	bool is_known, is_same;
};

static void find_named(struct answers *a)
{
	const struct store_flag_change *c = &a->args->change;

	a->bits = c->flags;
	for (size_t i = 0; i < c->n_keywords; i++) {
		int number = store_keywords_find(a->now->keywords, c->keywords[i]);

		if (number >= STORE_KEYWORD_BITS)
			a->numbers.v[number / 64] |= (uint64_t)1 << (number % 64);
		else if (number >= 0)
			a->bits |= (uint64_t)1 << (STORE_KEYWORD_BIT + number);
	}
}

static struct numbers numbers_of(const struct store_keywords *k, uint64_t flags)
{
	struct numbers ret = { { 0 } };
	uint16_t v[STORE_KEYWORDS_MAX];
	size_t n = store_keywords_of(k, flags, v);

	for (size_t i = 0; i < n; i++)
		ret.v[v[i] / 64] |= (uint64_t)1 << (v[i] % 64);
	return ret;
}

/* Annotations change no flags: as if none were added. */
static enum store_flag_op op_of(const struct answers *a)
{
	return a->args->has_notes ? STORE_FLAGS_ADD : a->args->change.op;
}

/* Is the set of keywords that are no bits what the change makes of the one before? Mostly they are the same two again. */
static bool is_set_expected(struct answers *a, uint64_t was, uint64_t is)
{
	enum store_flag_op op = op_of(a);
	struct numbers before, now;

	if (a->is_known && a->set_was == was && a->set_is == is)
		return a->is_same;
	before = numbers_of(a->s->sel->view->keywords, was);
	now = numbers_of(a->now->keywords, is);
	a->set_was = was;
	a->set_is = is;
	a->is_known = a->is_same = true;
	for (size_t i = 0; i < ARRAY_LEN(now.v); i++) {
		uint64_t named = a->numbers.v[i];
		uint64_t want = op == STORE_FLAGS_SET ? named
				: op == STORE_FLAGS_ADD ? before.v[i] | named : before.v[i] & ~named;

		a->is_same &= now.v[i] == want;
	}
	return a->is_same;
}

/* Are the flags now what a silenced client believes them to be? */
static bool is_expected(struct answers *a, uint64_t was, uint64_t is)
{
	const uint64_t set = UINT64_MAX << STORE_SET_BIT;
	enum store_flag_op op = op_of(a);
	uint64_t want = op == STORE_FLAGS_SET ? a->bits
			: op == STORE_FLAGS_ADD ? was | a->bits : was & ~a->bits;

	return ((want ^ is) & ~set) == 0 && is_set_expected(a, was & set, is & set);
}

/* Puts the run among the shown ones. */
static int end_run(struct answers *a)
{
	int r = a->run.hi == 0 ? 0 : uidset_add(&a->s->arena, &a->shown, a->run.lo, a->run.hi);

	a->run.hi = 0;
	return r;
}

static int add_shown(struct answers *a, uint32_t uid)
{
	int r = uid == a->run.hi + 1 && a->run.hi > 0 ? 0 : end_run(a);

	if (a->run.hi == 0)
		a->run.lo = uid;
	a->run.hi = uid;
	return r;
}

/* One message of the set, as it was shown before the command and as it is now. */
static int answer_one(struct answers *a, uint32_t seq, const struct store_msg *was,
		      const struct store_msg *m)
{
	/*
	 * RFC 9051 6.4.6: no race about the flags. The ones that were told in front of this change may
	 * have reached the client after it asked for the change, so the new ones follow.
	 */
	bool is_silent =
		a->args->is_silent && (a->args->has_notes || !uidset_has(&a->s->sel->told, m->uid));
	unsigned bits = answer_bits(a->s, is_silent);
	/* RFC 7162 3.1.3: who sets a condition hears of each message, also that it was so already. */
	bool is_told = !is_silent || m->modseq == a->modseq || a->args->change.has_unchangedsince;

	/*
	 * RFC 9051 6.4.6: what somebody else changed meanwhile is told, .SILENT or not; that
	 * is left to the notices.
	 */
	if (is_silent && !is_expected(a, was->flags, m->flags))
		return 0;
	if (add_shown(a, m->uid) < 0)
		return -E_LIMIT;
	if (bits == 0 || !is_told)
		return 0;
	imap_fetch_line_begin(&a->line, seq, bits, a->now->keywords, m);
	imap_fetch_line_end(&a->line);
	return 0;
}

static int answer_all(struct answers *a, const struct uidset *seqs)
{
	struct store_near old = { .v = a->s->sel->view }, now = { .v = a->now };
	struct uidset_iter it = { 0 };
	int r = 0;

	while (r == 0 && uidset_next(seqs, &it)) {
		const struct store_msg *was = store_near_at(&old, it.v);
		const struct store_msg *m = was != NULL ? store_near_uid(&now, was->uid) : NULL;

		a->has_lost |= m == NULL;
		a->has_living |= m != NULL;
		if (m != NULL && !uidset_has(a->modified, was->uid))
			r = answer_one(a, it.v, was, m);
		if (conn_failed(a->s->conn))
			return -E_CLOSED;
	}
	imap_fetch_line_flush(&a->line);
	if (r == 0)
		r = end_run(a);
	if (r == 0)
		imap_notify_flags_shown(a->s, &a->shown, a->modseq);
	return r;
}

/* How many messages of the set others have expunged. */
enum lost { LOST_NONE, LOST_SOME, LOST_ALL };

static int answer(struct imap_session *s, const struct store_args *args, const struct uidset *seqs,
		  const struct uidset *modified, uint64_t modseq, enum lost *ret_lost)
{
	struct answers a = { .s = s, .args = args, .modified = modified, .modseq = modseq };
	struct store_view *now;
	int r = store_mbox_view(s->sel->mbox, &now);

	if (r < 0)
		return r;
	a.now = now;
	find_named(&a);
	imap_notify_new_keywords(s, now);
	imap_fetch_line_init(&a.line, s);
	r = answer_all(&a, seqs);
	*ret_lost = !a.has_lost ? LOST_NONE : a.has_living ? LOST_SOME : LOST_ALL;
	imap_fetch_line_fini(&a.line);
	store_view_unref(now);
	return r;
}

/* RFC 7162 3.1.3: [MODIFIED set], as numbers of the kind that the command used. */
static int code_modified(struct imap_session *s, const struct uidset *modified)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1u << 20);
	struct uidset seqs = { 0 };
	struct uidset_iter it = { 0 };

	if (modified->n == 0)
		return 0;
	while (!s->cmd.is_uid && uidset_next(modified, &it)) {
		uint32_t seq = store_view_seq(s->sel->view, it.v);

		if (seq > 0 && uidset_add(&s->arena, &seqs, seq, seq) < 0)
			return -E_LIMIT;
	}
	uidset_print(&text, s->cmd.is_uid ? modified : &seqs);
	if (!buf_overflowed(&text) && text.n > 0)
		imap_code(s, "MODIFIED %" STR_FMT, STR_ARG(buf_str(&text)));
	imap_say(s, "conditional STORE failed for some");
	return 0;
}

/*
 * Messages of the set were expunged by others. RFC 2180 4.2.2: of no others NO, unless it was silent (4.2.1). Where others were changed and
 * answered, 4.2.3 leaves it open, and programs take a NO for a STORE that did nothing: OK, and the code says the rest. RFC 9051
 * 6.4.9: a UID that is gone is nobody's mistake.
 */
static int answer_lost(struct imap_session *s, const struct store_args *args, enum lost lost)
{
	if (s->cmd.is_uid)
		return 0;
	if (s->cmd.code.n == 0) /* RFC 7162 3.1.3: MODIFIED goes before */
		imap_code(s, "EXPUNGEISSUED");
	if (args->is_silent || lost == LOST_SOME)
		return 0;
	imap_limit_answer(s);
	imap_say(s, IMAP_SAYS_GONE);
	return -E_NOT_FOUND;
}

/* The next messages of the set, under one snapshot of the database. */
static int check_some(struct imap_session *s, const struct imap_note_list *notes,
		      const struct uidset *seqs, struct uidset_iter *it, bool *ret_is_end)
{
	AUTO(store_reader_close) struct store_reader *reader = NULL;
	AUTO(arena_fini) struct arena a;
	int r = store_reader_open(imap_store(s), &reader);

	arena_init(&a, LIMIT_MIME_ARENA);
	for (int i = 0; r == 0 && i < PARTS_BATCH; i++) {
		const struct store_msg *m;
		struct store_content content;

		*ret_is_end = !uidset_next(seqs, it);
		if (*ret_is_end)
			return 0;
		arena_reset(&a);
		m = store_view_at(s->sel->view, it->v);
		if (m == NULL || m->is_lost)
			continue;
		r = store_content_get(reader, &a, m->content, STORE_C_MAP, &content);
		if (r == 0 && !imap_note_has_parts(content.map, notes->v, notes->n)) {
			imap_say(s, "a message has no such part");
			r = -E_SYNTAX;
		}
		/* Expunged by somebody else: nothing is set there. */
		r = r == -E_NOT_FOUND ? 0 : r;
	}
	return r;
}

/* RFC 5257 3.2.1: BAD for a part that one of the messages has not. */
static int check_parts(struct imap_session *s, const struct imap_note_list *notes,
		       const struct uidset *seqs)
{
	struct uidset_iter it = { 0 };
	bool is_end = !notes->has_parts;
	int r = 0;

	while (r == 0 && !is_end)
		r = work_go_on() ? check_some(s, notes, seqs, &it, &is_end) : -E_CLOSED;
	return r;
}

static int change(struct imap_session *s, const struct store_args *args, const struct uidset *seqs,
		  const struct uidset *uids, struct uidset *ret_modified, uint64_t *ret_modseq)
{
	const struct store_notes_change notes = {
		.user = s->account,
		.v = args->notes.v,
		.n = args->notes.n,
		.has_unchangedsince = args->change.has_unchangedsince,
		.unchangedsince = args->change.unchangedsince,
	};
	int r;

	if (!args->has_notes)
		return store_flags(imap_store(s), &s->arena, s->sel->mailbox, uids, &args->change,
				   ret_modified, ret_modseq);
	/* The writer is everybody's, and each entry takes it through all the messages. */
	if (notes.n > 1 && uidset_count(seqs) * notes.n > LIMIT_STORE_ANNOTATIONS) {
		imap_say(s, "too many annotations at once");
		return -E_LIMIT;
	}
	r = check_parts(s, &args->notes, seqs);
	return r < 0 ? r
		     : store_notes_set(imap_store(s), &s->arena, s->sel->mailbox, uids, &notes,
				       ret_modified, ret_modseq);
}

/* RFC 5257 3.4: somebody's own annotations take "r", which does not make a mailbox READ-WRITE. */
static int check_writable(struct imap_session *s, const struct store_args *args)
{
	if (args->has_notes ? !s->sel->is_examined : !s->sel->is_readonly)
		return 0;
	imap_say(s, "the mailbox is open for reading only");
	return -E_DENIED;
}

int imap_cmd_store(struct imap_session *s)
{
	struct store_args args = { 0 };
	struct uidset seqs = { 0 }, uids, modified = { 0 };
	uint64_t modseq = 0;
	enum lost lost = LOST_NONE;
	int r = parse(&s->p, &args);

	if (r == 0)
		r = check_writable(s, &args);
	if (r == 0)
		r = imap_seqset_resolve(&s->arena, &args.set, s->cmd.is_uid, s->sel->view,
					&s->sel->saved, &seqs);
	if (r == 0)
		r = imap_limit_cut(s, &seqs);
	if (r < 0)
		return r;
	if (args.change.has_unchangedsince)
		imap_condstore_enable(s);
	if (seqs.n == 0)
		return 0;
	args.change.user = s->account;
	r = imap_seqset_uids(&s->arena, &seqs, s->sel->view, &uids);
	if (r == 0)
		r = change(s, &args, &seqs, &uids, &modified, &modseq);
	if (r == 0)
		r = answer(s, &args, &seqs, &modified, modseq, &lost);
	if (r == 0)
		r = code_modified(s, &modified);
	return r == 0 && lost != LOST_NONE ? answer_lost(s, &args, lost) : r;
}

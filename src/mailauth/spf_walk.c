/* SPDX-License-Identifier: MIT */
/*
 * The walk over a domain's record and all that it includes: RFC 7208 4, 5, 6.
 *
 *  1. With a client it is check_host(): the first directive that matches ends it, and so does the first error.
 *  2. Without one it is a look: nothing matches, so all is walked up to "all"; errors are noted, and it goes on behind them. What it counts is the most that
 *     check_host() can come to for any client.
 *  3. Both are bounded by questions, those of loops too: a walk with a client by SPF_LOOKUPS (an error is its end), a look by LOOK_LOOKUPS and
 *     LOOK_QUESTIONS (it ends with a note).
 */
#include "mailauth/spf_int.h"

#define LOOK_LOOKUPS 50 /* how far beyond SPF_LOOKUPS is told */
#define LOOK_QUESTIONS 200
#define LOOK_NOTES 100

struct walk {
	const struct lookup *lookup;
	const struct spf_query *query; /* NULL: a look */
	struct arena *arena;
	unsigned lookups, voids, questions;
	bool is_short; /* of memory */
	/* check_host */
	struct str matched, problem;
	struct str exp, exp_domain;          /* of the record that said fail (RFC 7208 6.2) */
	struct str validated, validated_for; /* %{p}, of the domain that it was asked for last */
	/* a look */
	struct spf_report *report;
	struct spf_seen *seen;
	struct spf_note *notes;
	size_t seen_cap, notes_cap;
};

/* A record that is evaluated now; those that led to it are above. */
struct frame {
	const struct frame *above;
	struct str domain;
	unsigned depth;
	bool is_included;
	struct spf_record record;
};

static enum spf_result evaluate(struct walk *w, struct frame *f);

/* ---- what is noted ---- */

static void note(struct walk *w, enum spf_note_kind kind, struct str domain, struct str text)
{
	struct spf_report *r = w->report;

	if (!r || r->n_notes == LOOK_NOTES)
		return;
	if (arena_grow(w->arena, &w->notes, r->n_notes, &w->notes_cap, sizeof(*w->notes)) < 0) {
		w->is_short = true;
		return;
	}
	w->notes[r->n_notes++] = (struct spf_note){ kind, domain, text };
	r->notes = w->notes;
}

static bool has_note(const struct walk *w, enum spf_note_kind kind)
{
	for (size_t i = 0; i < w->report->n_notes; i++)
		if (w->notes[i].kind == kind)
			return true;
	return false;
}

/* An error: the end for check_host(). */
static enum spf_result fail(struct walk *w, enum spf_result error, enum spf_note_kind kind,
			    const struct frame *f, struct str text)
{
	static const char *const words[SPF_N_NOTES] = {
		[SPF_NOTE_NO_ANSWER] = "the DNS gives no answer",
		[SPF_NOTE_MANY_RECORDS] = "several records",
		[SPF_NOTE_SYNTAX] = "syntax",
		[SPF_NOTE_NO_TARGET] = "no record at",
		[SPF_NOTE_LOOKUPS] = "more than 10 terms that ask the DNS",
		[SPF_NOTE_VOIDS] = "more than 2 names without what is asked for",
		[SPF_NOTE_NAMES] = "more than 10 hosts in an mx"
	};

	note(w, kind, f->domain, text);
	if (w->report && error == SPF_PERMERROR)
		w->report->is_error = true;
	if (w->query && w->problem.n == 0)
		w->problem =
			arena_printf(w->arena, "%" STR_FMT ": %s: %" STR_FMT, STR_ARG(f->domain),
				     words[kind] ? words[kind] : "", STR_ARG(text));
	return error;
}

/* ---- questions ---- */

static int ask(struct walk *w, struct str name, enum lookup_type type, struct lookup_answer *ret)
{
	*ret = (struct lookup_answer){ 0 };
	if (w->report && w->questions >= LOOK_QUESTIONS)
		return 0;
	w->questions++;
	return w->lookup->ask(w->lookup->ctx, w->arena, name, type, ret);
}

/* RFC 7208 4.6.4: one more term that asks. NONE: go on. */
static enum spf_result count_lookup(struct walk *w, const struct frame *f, struct str term)
{
	w->lookups++;
	if (w->lookups <= SPF_LOOKUPS)
		return SPF_NONE;
	if (w->query || !has_note(w, SPF_NOTE_LOOKUPS))
		return fail(w, SPF_PERMERROR, SPF_NOTE_LOOKUPS, f, term);
	return SPF_NONE;
}

/* The same: its answer was empty. */
static enum spf_result count_void(struct walk *w, const struct frame *f, struct str term)
{
	if (w->report && w->questions >= LOOK_QUESTIONS) /* it was not asked for */
		return SPF_NONE;
	w->voids++;
	note(w, SPF_NOTE_VOID, f->domain, term);
	if (w->voids > SPF_VOIDS && (w->query || !has_note(w, SPF_NOTE_VOIDS)))
		return fail(w, SPF_PERMERROR, SPF_NOTE_VOIDS, f, term);
	return SPF_NONE;
}

/* ---- addresses ---- */

static bool is_in_network(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	uint8_t mask = (uint8_t)(0xff00 >> (bits & 7));

	return memcmp(a, b, bits / 8) == 0 &&
	       ((bits & 7) == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

static bool is_among(const struct spf_query *q, const struct lookup_answer *addresses,
		     const struct spf_directive *d)
{
	unsigned bits = q->is_v6 ? d->bits_v6 : d->bits_v4;

	for (size_t i = 0; i < addresses->n; i++) {
		uint8_t address[16];

		if (addresses->v[i].n != (q->is_v6 ? 16u : 4u))
			continue;
		memcpy(address, addresses->v[i].p, addresses->v[i].n);
		if (is_in_network(q->ip, address, bits))
			return true;
	}
	return false;
}

/* The addresses of a host, of the client's kind; a look asks for both. 1: the client is one; 0; negative. ret_n: how many there are. */
static int ask_host(struct walk *w, struct str name, const struct spf_directive *d, size_t *ret_n)
{
	bool is_v6 = w->query && w->query->is_v6;
	struct lookup_answer answer, other = { 0 };
	int r = ask(w, name, is_v6 ? LOOKUP_AAAA : LOOKUP_A, &answer);

	if (r == 0 && !w->query && answer.n == 0)
		r = ask(w, name, LOOKUP_AAAA, &other);
	if (r < 0)
		return r;
	*ret_n = answer.n + other.n;
	return w->query && is_among(w->query, &answer, d);
}

/* ---- the name of the client (RFC 7208 5.5) ---- */

static struct str reverse_name(struct walk *w)
{
	const struct spf_query *q = w->query;
	AUTO(buf_fini) struct buf out = BUF_INIT(128);

	for (size_t i = q->is_v6 ? 16 : 4; i-- > 0;)
		if (q->is_v6)
			buf_printf(&out, "%x.%x.", q->ip[i] & 15, q->ip[i] >> 4);
		else
			buf_printf(&out, "%u.", q->ip[i]);
	buf_add(&out, q->is_v6 ? S("ip6.arpa") : S("in-addr.arpa"));
	return arena_str(w->arena, buf_str(&out));
}

static bool is_below(struct str name, struct str domain)
{
	return str_ieq(name, domain) ||
	       (name.n > domain.n + 1 && name.p[name.n - domain.n - 1] == '.' &&
		str_ieq(str_skip(name, name.n - domain.n), domain));
}

/*
 * A name of the client that leads back to it, at domain or below, the domain itself first; empty: none. Errors are as if there were no names. *ret_void: it
 * has no names at all.
 */
static struct str find_validated(struct walk *w, struct str domain, bool any, bool *ret_void)
{
	static const struct spf_directive exactly = { .bits_v4 = 32, .bits_v6 = 128 };
	struct lookup_answer names;
	struct str found = S("");
	size_t n = 0;

	*ret_void = ask(w, reverse_name(w), LOOKUP_PTR, &names) == 0 && names.n == 0;
	for (size_t i = 0; i < names.n && i < SPF_NAMES; i++) {
		bool is_of_domain = is_below(names.v[i], domain);

		if (names.v[i].n == 0 || !(is_of_domain || (any && found.n == 0)) ||
		    ask_host(w, names.v[i], &exactly, &n) <= 0)
			continue;
		found = names.v[i];
		if (str_ieq(found, domain))
			return found;
		if (is_of_domain)
			any = false;
	}
	return found;
}

/* ---- macros ---- */

struct validated_of {
	struct walk *w;
	struct str domain;
};

/* %{p}: asked for once, however often it stands there. */
static struct str validated(void *ctx)
{
	struct validated_of *v = ctx;
	struct walk *w = v->w;
	bool is_void;

	if (!str_eq(w->validated_for, v->domain)) {
		w->validated = find_validated(w, v->domain, true, &is_void);
		w->validated_for = v->domain;
	}
	return w->validated.n > 0 ? w->validated : S("unknown");
}

/* The name that a domain-spec stands for. 1; 0: none that can be asked for, or in a look one that depends on the message. */
static int target(struct walk *w, const struct frame *f, struct str spec, struct str *ret)
{
	struct validated_of of = { w, f->domain };
	const struct spf_query nobody = { 0 };
	struct spf_values v = { .query = w->query ? w->query : &nobody,
				.domain = f->domain,
				.validated = w->query ? validated : NULL,
				.ctx = &of };

	*ret = f->domain;
	if (spec.n == 0)
		return 1;
	if (!w->query && spf_has_macro(spec)) {
		note(w, SPF_NOTE_MACRO, f->domain, spec);
		return 0;
	}
	return spf_expand_name(spec, &v, w->arena, ret);
}

/* ---- mechanisms: 1: matches; 0: does not; else the error in *ret_error, and 0 ---- */

static bool no_answer(struct walk *w, const struct frame *f, const struct spf_directive *d,
		      enum spf_result *ret_error)
{
	*ret_error = fail(w, SPF_TEMPERROR, SPF_NOTE_NO_ANSWER, f, d->text);
	return false;
}

static bool match_all(struct walk *w, struct frame *f, const struct spf_directive *d,
		      enum spf_result *ret_error)
{
	(void)f, (void)d, (void)ret_error;
	return w->query != NULL;
}

static bool match_ip(struct walk *w, struct frame *f, const struct spf_directive *d,
		     enum spf_result *ret_error)
{
	const struct spf_query *q = w->query;

	(void)f, (void)ret_error;
	return q && q->is_v6 == (d->mechanism == SPF_IP6) &&
	       is_in_network(q->ip, d->address, q->is_v6 ? d->bits_v6 : d->bits_v4);
}

/* RFC 7208 5.3 */
static bool match_a(struct walk *w, struct frame *f, const struct spf_directive *d,
		    enum spf_result *ret_error)
{
	struct str name;
	size_t n = 0;
	int r;

	if (!target(w, f, d->domain, &name))
		return false;
	r = ask_host(w, name, d, &n);
	if (r < 0)
		return no_answer(w, f, d, ret_error);
	if (n == 0)
		*ret_error = count_void(w, f, d->text);
	return r > 0;
}

/* RFC 7208 5.4 */
static bool match_mx(struct walk *w, struct frame *f, const struct spf_directive *d,
		     enum spf_result *ret_error)
{
	struct lookup_answer hosts;
	struct str name;
	size_t n;
	int r = 0;

	if (!target(w, f, d->domain, &name))
		return false;
	if (ask(w, name, LOOKUP_MX, &hosts) < 0)
		return no_answer(w, f, d, ret_error);
	if (hosts.n == 0)
		*ret_error = count_void(w, f, d->text);
	if (hosts.n > SPF_NAMES) {
		*ret_error = fail(w, SPF_PERMERROR, SPF_NOTE_NAMES, f, d->text);
		return false;
	}
	for (size_t i = 0; i < hosts.n && r == 0; i++)
		if (hosts.v[i].n > 0)
			r = ask_host(w, hosts.v[i], d, &n);
	return r < 0 ? no_answer(w, f, d, ret_error) : r > 0;
}

/* RFC 7208 5.5 */
static bool match_ptr(struct walk *w, struct frame *f, const struct spf_directive *d,
		      enum spf_result *ret_error)
{
	bool is_void = false;
	struct str name;

	note(w, SPF_NOTE_PTR, f->domain, d->text);
	if (!w->query || !target(w, f, d->domain, &name))
		return false;
	name = find_validated(w, name, false, &is_void);
	if (is_void)
		*ret_error = count_void(w, f, d->text);
	return name.n > 0;
}

/* RFC 7208 5.7: A, whatever the client's address is. */
static bool match_exists(struct walk *w, struct frame *f, const struct spf_directive *d,
			 enum spf_result *ret_error)
{
	struct lookup_answer answer;
	struct str name;

	if (!target(w, f, d->domain, &name))
		return false;
	if (ask(w, name, LOOKUP_A, &answer) < 0)
		return no_answer(w, f, d, ret_error);
	if (answer.n == 0)
		*ret_error = count_void(w, f, d->text);
	return w->query && answer.n > 0;
}

static bool is_loop(const struct frame *f, struct str domain)
{
	for (; f; f = f->above)
		if (str_ieq(f->domain, domain))
			return true;
	return false;
}

/* Another domain's record. A loop ends a look; check_host() runs into SPF_LOOKUPS, as everybody's does. */
static enum spf_result go_to(struct walk *w, const struct frame *f, struct str domain,
			     bool is_included)
{
	struct frame next = { .above = f,
			      .domain = domain,
			      .depth = f->depth + 1,
			      .is_included = is_included || f->is_included };

	if (!w->query && is_loop(f, domain))
		return fail(w, SPF_PERMERROR, SPF_NOTE_LOOP, f, domain);
	return evaluate(w, &next);
}

/* RFC 7208 5.2, its table of results. */
static bool match_include(struct walk *w, struct frame *f, const struct spf_directive *d,
			  enum spf_result *ret_error)
{
	enum spf_result r;
	struct str name;

	if (!target(w, f, d->domain, &name))
		return false;
	r = go_to(w, f, name, true);
	if (r == SPF_NONE)
		r = fail(w, SPF_PERMERROR, SPF_NOTE_NO_TARGET, f, d->text);
	if (r == SPF_PERMERROR || r == SPF_TEMPERROR)
		*ret_error = r;
	return w->query && r == SPF_PASS;
}

static const struct {
	bool (*match)(struct walk *w, struct frame *f, const struct spf_directive *d,
		      enum spf_result *ret_error);
	bool asks; /* counts (RFC 7208 4.6.4) */
} mechanisms[SPF_N_MECHANISMS] = {
	[SPF_ALL] = { match_all, false }, [SPF_INCLUDE] = { match_include, true },
	[SPF_A] = { match_a, true },      [SPF_MX] = { match_mx, true },
	[SPF_PTR] = { match_ptr, true },  [SPF_IP4] = { match_ip, false },
	[SPF_IP6] = { match_ip, false },  [SPF_EXISTS] = { match_exists, true },
};

/* ---- a record ---- */

/* NONE with a record in f, else how it ends. */
static enum spf_result find_record(struct walk *w, struct frame *f, bool *ret_has)
{
	struct lookup_answer texts;
	struct spf_mistake mistake = { 0 };
	struct str text = S("");
	size_t n = 0;

	*ret_has = false;
	if (ask(w, f->domain, LOOKUP_TXT, &texts) < 0)
		return fail(w, SPF_TEMPERROR, SPF_NOTE_NO_ANSWER, f, S("TXT"));
	for (size_t i = 0; i < texts.n; i++)
		if (spf_record_is(texts.v[i])) {
			text = texts.v[i];
			n++;
		}
	if (texts.n == 0 && f->above && count_void(w, f->above, f->domain) != SPF_NONE && w->query)
		return SPF_PERMERROR;
	if (n > 1)
		return fail(w, SPF_PERMERROR, SPF_NOTE_MANY_RECORDS, f, S(""));
	if (n == 0)
		return SPF_NONE;
	if (w->report && !f->above)
		w->report->record = text;
	if (spf_record_parse(text, w->arena, &f->record, &mistake) < 0)
		return fail(w, SPF_PERMERROR, SPF_NOTE_SYNTAX, f,
			    arena_printf(w->arena, "%s, at byte %zu: %" STR_FMT, mistake.what_z,
					 mistake.at,
					 STR_ARG(str_head(str_skip(text, mistake.at), 60))));
	*ret_has = true;
	return SPF_NONE;
}

static void begin_asking(struct walk *w, const struct spf_record *r)
{
	for (size_t i = 0; w->lookup->ahead && i < r->n && i < 4 * SPF_LOOKUPS; i++) {
		static const enum lookup_type types[SPF_N_MECHANISMS] = { [SPF_INCLUDE] =
										  LOOKUP_TXT,
									  [SPF_A] = LOOKUP_A,
									  [SPF_MX] = LOOKUP_MX,
									  [SPF_EXISTS] = LOOKUP_A };
		const struct spf_directive *d = &r->directives[i];

		if (mechanisms[d->mechanism].asks && d->mechanism != SPF_PTR && d->domain.n > 0 &&
		    !spf_has_macro(d->domain))
			w->lookup->ahead(w->lookup->ctx, d->domain, types[d->mechanism]);
	}
}

static void see_record(struct walk *w, const struct frame *f)
{
	struct spf_report *r = w->report;

	if (arena_grow(w->arena, &w->seen, r->n_seen, &w->seen_cap, sizeof(*w->seen)) < 0) {
		w->is_short = true;
		return;
	}
	w->seen[r->n_seen++] = (struct spf_seen){ f->domain, f->record.text, f->depth, w->lookups };
	r->seen = w->seen;
	if (f->record.text.n > SPF_SHORT)
		note(w, SPF_NOTE_LONG, f->domain,
		     arena_printf(w->arena, "%zu bytes", f->record.text.n));
}

/* What is of interest about the end of a record that nothing matched; only those that decide for the domain. */
static void see_all(struct walk *w, const struct frame *f, const struct spf_directive *all,
		    bool has_more)
{
	if (has_more)
		note(w, SPF_NOTE_AFTER_ALL, f->domain, f->record.text);
	if (f->is_included)
		return;
	w->report->rest = all->qualifier;
	if (all->qualifier == SPF_PASS)
		note(w, SPF_NOTE_PLUS_ALL, f->domain, all->text);
	if (all->qualifier == SPF_NEUTRAL)
		note(w, SPF_NOTE_NEUTRAL_ALL, f->domain, all->text);
}

static bool is_too_much(struct walk *w, const struct frame *f)
{
	if (w->query || (w->lookups < LOOK_LOOKUPS && w->questions < LOOK_QUESTIONS))
		return false;
	if (!has_note(w, SPF_NOTE_MORE))
		note(w, SPF_NOTE_MORE, f->domain, S(""));
	return true;
}

/* RFC 7208 6.1 */
static enum spf_result redirect(struct walk *w, struct frame *f)
{
	enum spf_result r;
	struct str name;

	r = count_lookup(w, f, f->record.redirect);
	if (w->query && r != SPF_NONE)
		return r;
	if (!target(w, f, f->record.redirect, &name))
		return w->query ? SPF_PERMERROR : SPF_NEUTRAL;
	r = go_to(w, f, name, false);
	return r == SPF_NONE ? fail(w, SPF_PERMERROR, SPF_NOTE_NO_TARGET, f, f->record.redirect)
			     : r;
}

/* One directive. True: the evaluation ends with *ret. */
static bool take_directive(struct walk *w, struct frame *f, const struct spf_directive *d,
			   enum spf_result *ret)
{
	enum spf_result error =
		mechanisms[d->mechanism].asks ? count_lookup(w, f, d->text) : SPF_NONE;
	bool is_match;

	if (w->query && error != SPF_NONE) {
		*ret = error;
		return true;
	}
	error = SPF_NONE;
	is_match = mechanisms[d->mechanism].match(w, f, d, &error);
	if (!w->query)
		return false;
	*ret = error != SPF_NONE ? error : d->qualifier;
	if (error == SPF_NONE && is_match && !f->is_included) {
		w->matched = d->text;
		w->exp = f->record.exp;
		w->exp_domain = f->domain;
	}
	return error != SPF_NONE || is_match;
}

/* RFC 7208 4.6.2, 4.7. */
static enum spf_result evaluate(struct walk *w, struct frame *f)
{
	bool has_record;
	enum spf_result r = find_record(w, f, &has_record);

	if (!has_record)
		return r;
	begin_asking(w, &f->record);
	if (w->report)
		see_record(w, f);
	for (size_t i = 0; i < f->record.n; i++) {
		const struct spf_directive *d = &f->record.directives[i];

		if (is_too_much(w, f))
			return SPF_NEUTRAL;
		if (take_directive(w, f, d, &r))
			return r;
		if (d->mechanism == SPF_ALL) { /* of a look, or it would have matched */
			see_all(w, f, d, i + 1 < f->record.n || f->record.redirect.n > 0);
			return d->qualifier;
		}
	}
	if (f->record.redirect.n > 0 && !is_too_much(w, f))
		return redirect(w, f);
	if (!f->is_included)
		note(w, SPF_NOTE_NO_ALL, f->domain, S(""));
	return SPF_NEUTRAL;
}

/* ---- one host ---- */

/* RFC 7208 6.2: one text, expanded; anything wrong with it: none. */
static struct str explain(struct walk *w, const struct spf_query *q)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SPF_RECORD_MAX);
	struct validated_of of = { w, w->exp_domain };
	struct spf_values v = {
		.query = q, .domain = w->exp_domain, .validated = validated, .ctx = &of
	};
	struct lookup_answer texts;
	struct str name;

	if (w->exp.n == 0 || !spf_expand_name(w->exp, &v, w->arena, &name) ||
	    ask(w, name, LOOKUP_TXT, &texts) < 0 || texts.n != 1 ||
	    !spf_expand(texts.v[0], &v, true, &out))
		return S("");
	for (size_t i = 0; i < out.n; i++)
		if (out.p[i] < ' ' || out.p[i] >= 0x7f)
			return S("");
	name = arena_str(w->arena, buf_str(&out));
	return name.p ? name : S("");
}

/* RFC 7208 4.3: labels of 1 to 63, at least two of them. */
static bool is_domain(struct str s)
{
	struct str label;
	size_t n = 0;

	if (s.n > SPF_NAME_MAX)
		return false;
	for (; str_split(&s, '.', &label); n++)
		if (label.n == 0 || label.n > 63)
			return false;
	return n >= 2;
}

/* RFC 7208 5: ::ffff:192.0.2.1 is an IPv4 address. */
static void unpack(struct spf_query *q)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (!q->is_v6 || memcmp(q->ip, mapped, sizeof(mapped)) != 0)
		return;
	memmove(q->ip, q->ip + sizeof(mapped), 4);
	q->is_v6 = false;
}

void spf_check_host(const struct lookup *l, const struct spf_query *query, struct arena *a,
		    struct spf_verdict *ret)
{
	struct spf_query q = *query;
	ptrdiff_t at = str_rchr(q.sender, '@');
	struct frame f = { .domain = q.sender.n == 0 ? q.helo
						     : str_skip(q.sender, (size_t)(at + 1)) };
	struct walk w = { .lookup = l, .query = &q, .arena = a };

	*ret = (struct spf_verdict){ .result = SPF_NONE };
	if (str_ends(f.domain, S(".")))
		f.domain.n--;
	if (!is_domain(f.domain))
		return;
	unpack(&q);
	if (at <= 0)
		q.sender = arena_printf(a, "postmaster@%" STR_FMT, STR_ARG(f.domain));
	ret->result = q.sender.p ? evaluate(&w, &f) : SPF_TEMPERROR;
	ret->lookups = w.lookups;
	ret->voids = w.voids;
	ret->problem = w.problem;
	ret->matched = w.matched;
	if (ret->result == SPF_FAIL)
		ret->explanation = explain(&w, &q);
}

/* ---- one domain ---- */

int spf_look(const struct lookup *l, struct str domain, struct arena *a, struct spf_report *ret)
{
	struct frame f = { .domain = domain };
	struct walk w = { .lookup = l, .arena = a, .report = ret };
	enum spf_result r;

	*ret = (struct spf_report){ .rest = SPF_NEUTRAL };
	r = evaluate(&w, &f);
	if (r == SPF_NONE)
		note(&w, SPF_NOTE_NO_RECORD, domain, S(""));
	ret->lookups = w.lookups;
	ret->voids = w.voids;
	return w.is_short ? -E_LIMIT : 0;
}

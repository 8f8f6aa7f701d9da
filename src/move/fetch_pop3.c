/* SPDX-License-Identifier: MIT */
/*
 * POP3 as a source, RFC 1939. What was fetched is known by its UIDL; the state has for each
 *
 *   uUIDL     size as LIST tells, hash of the header, when it came [, when it was not listed any more]
 *   =HASH     the same for a message without a name of its own (no UIDL, a wrong one, one that two messages have): by its bytes
 *
 * 1. A message is deleted when it was committed in this session, or when an earlier one has and the server still shows the same: size and header (TOP) are compared
 *    first, for some servers give a UIDL twice. One that is another comes as new.
 * 2. DELE comes at the end, when nothing is on its way: only QUIT makes it so (RFC 1939 6), and only then the state forgets.
 * 3. A name that the server does not list any more is kept for a week, in case it comes again.
 */
#include "move/fetch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "pop3/client.h"

#define WINDOW 64           /* messages that are asked for and not there yet */
#define KEEP_GONE_S (7 * 86400)
#define LIST_MEMORY (512u << 20)
#define HEADER_MAX (8u << 20)
#define HASH 8              /* bytes of the header's hash that are kept */

enum fate {
	FATE_FETCH,        /* it is new */
	FATE_LOOK,         /* known; before more is done with it, is it still the same? */
	FATE_KNOWN,        /* and stays */
	FATE_DELETE,       /* known, and done with */
};

struct item {
	struct pop3_client_message m;
	struct buf key;    /* in the state; empty until the bytes are there, for those without a name */
	enum fate fate;
	bool is_nameless, was_refused;
};

struct drop {
	struct move_fetch *f;
	struct pop3_client *c;
	struct arena arena;
	struct item *v;
	size_t n;
	int64_t now_s;
	struct buf bytes;
};

/* ---- what the state has of a message ---- */

struct known {
	uint64_t size;
	struct str hash;
	uint64_t came_s, gone_s; /* gone_s 0: listed last time */
};

static bool parse_known(struct str s, struct known *ret)
{
	struct str size, came, gone = S("0");

	ret->gone_s = 0;
	return s.p != NULL && str_split(&s, ' ', &size) && str_split(&s, ' ', &ret->hash) && str_split(&s, ' ', &came) && (s.n == 0 || str_split(&s, ' ', &gone)) &&
	       str_to_u64(size, UINT64_MAX, &ret->size) && str_to_u64(came, INT64_MAX, &ret->came_s) && str_to_u64(gone, INT64_MAX, &ret->gone_s);
}

static void print_known(struct buf *out, const struct known *k)
{
	buf_printf(out, "%" PRIu64 " %" STR_FMT " %" PRIu64, k->size, STR_ARG(k->hash), k->came_s);
	if (k->gone_s > 0)
		buf_printf(out, " %" PRIu64, k->gone_s);
}

/* Of the header, without the empty line and the line ends at its end: TOP of some servers lacks them. */
static void add_header_hash(struct buf *out, struct str bytes)
{
	ptrdiff_t end = str_find(bytes, S("\r\n\r\n"));
	struct str header = end < 0 ? bytes : str_head(bytes, (size_t)end);
	uint8_t key[STORE_IMPORT_KEY];

	while (str_ends(header, S("\r\n")))
		header.n -= 2;
	move_key(S("header"), S(""), header, key);
	text_hex(out, str_of(key, HASH));
}

static void set_known(struct drop *d, struct item *it, struct known k)
{
	AUTO(buf_fini) struct buf value = BUF_INIT(256);

	print_known(&value, &k);
	move_state_set(d->f->state, buf_str(&it->key), buf_str(&value));
}

/* May one that came then go from the server? */
static bool is_due(const struct drop *d, uint64_t came_s)
{
	return d->f->o->is_delete && (int64_t)came_s + d->f->o->keep_s <= d->now_s;
}

/* ---- the list ---- */

static int by_uidl(const void *a, const void *b)
{
	return str_cmp((*(const struct item *const *)a)->m.uidl, (*(const struct item *const *)b)->m.uidl);
}

/* A name that two have names none. */
static int find_nameless(struct drop *d, struct fault *fault)
{
	struct item **sorted = ARENA_ARRAY(&d->arena, struct item *, d->n + 1);

	if (sorted == NULL)
		return fault_set(fault, -E_LIMIT, "there is not enough memory for the list of messages");
	for (size_t i = 0; i < d->n; i++)
		sorted[i] = &d->v[i];
	qsort(sorted, d->n, sizeof(*sorted), by_uidl);
	for (size_t i = 0; i < d->n; i++) {
		struct item *it = sorted[i];

		it->is_nameless = it->m.uidl.n == 0 || (i > 0 && str_eq(sorted[i - 1]->m.uidl, it->m.uidl)) ||
				  (i + 1 < d->n && str_eq(sorted[i + 1]->m.uidl, it->m.uidl));
	}
	return 0;
}

static void choose_fate(struct drop *d, struct item *it)
{
	struct known k;

	if (it->is_nameless)
		return;
	buf_add_char(&it->key, 'u');
	buf_add(&it->key, it->m.uidl);
	if (!parse_known(move_state_get(d->f->state, buf_str(&it->key)), &k))
		return;
	it->fate = is_due(d, k.came_s) || k.size != it->m.size ? FATE_LOOK : FATE_KNOWN;
	if (k.gone_s > 0 && it->fate == FATE_KNOWN) { /* it is back */
		k.gone_s = 0;
		set_known(d, it, k);
	}
}

static int take_list(struct drop *d, struct fault *fault)
{
	struct pop3_client_message *list = NULL;
	struct fault why = { "" };
	int r = pop3_client_list(d->c, &d->arena, &list, &d->n, &why);

	if (r == -E_CANNOT && !d->f->o->is_delete)
		return fault_set(fault, -E_CANNOT, "the server has no UIDL, so nobody knows which messages are new: fetch with --delete, or over IMAP");
	if (r < 0 && r != -E_CANNOT)
		return fault_set(fault, r, "%s", why.text);
	d->v = ARENA_ARRAY(&d->arena, struct item, d->n + 1);
	if (d->v == NULL)
		return fault_set(fault, -E_LIMIT, "there is not enough memory for the list of messages");
	for (size_t i = 0; i < d->n; i++)
		d->v[i] = (struct item){ .m = list[i], .key = BUF_INIT(LIMIT_POP3_CLIENT_UIDL + 2) };
	r = find_nameless(d, fault);
	for (size_t i = 0; r == 0 && i < d->n; i++)
		choose_fate(d, &d->v[i]);
	return r;
}

static size_t count(const struct drop *d, enum fate fate)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += d->v[i].fate == fate;
	return n;
}

/* ---- asking for many, pipelined ---- */

/*
 * Asks for each message of that fate, and gives each answer to take(), which has it in d->bytes: err is what pop3_client_take() returned. An answer of take() that is
 * negative ends it, when nothing is under way any more.
 */
static int for_each(struct drop *d, enum fate fate, int lines, int (*take)(struct drop *d, struct item *it, int err, struct fault *fault), struct fault *fault)
{
	size_t window = pop3_client_caps(d->c)->has_pipelining ? WINDOW : 1, asked = 0, under_way = 0;
	bool is_low; /* asked for in groups: one packet for many */

	for (size_t i = 0; i < d->n; i++) {
		struct fault why = { "" };
		int r = 0;

		for (is_low = under_way <= window / 2; is_low && asked < d->n && under_way < window && r == 0; asked++) {
			if (d->v[asked].fate != fate)
				continue;
			r = pop3_client_ask(d->c, d->v[asked].m.number, lines, fault);
			under_way++;
		}
		if (r < 0)
			return r;
		if (d->v[i].fate != fate)
			continue;
		buf_reset(&d->bytes);
		r = pop3_client_take(d->c, &d->bytes, &why);
		under_way--;
		*fault = why;
		if (r == 0 || r == -E_NOT_FOUND || r == -E_TOO_BIG)
			r = take(d, &d->v[i], r, fault);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- is it still the same? ---- */

static int take_header(struct drop *d, struct item *it, int err, struct fault *fault)
{
	AUTO(buf_fini) struct buf hash = BUF_INIT(2 * HASH + 1);
	struct known k;

	(void)fault;
	add_header_hash(&hash, buf_str(&d->bytes));
	/* The window runs ahead by the fate: it is changed when all are answered. */
	it->was_refused = err < 0 || !parse_known(move_state_get(d->f->state, buf_str(&it->key)), &k) || !str_eq(k.hash, buf_str(&hash));
	return 0;
}

static void settle_look(struct drop *d, bool has_looked)
{
	for (size_t i = 0; i < d->n; i++) {
		struct item *it = &d->v[i];
		struct known k;

		if (it->fate != FATE_LOOK || !parse_known(move_state_get(d->f->state, buf_str(&it->key)), &k))
			continue;
		if (it->was_refused || (!has_looked && k.size != it->m.size)) {
			it->fate = FATE_FETCH;
			it->was_refused = false;
			continue;
		}
		it->fate = is_due(d, k.came_s) ? FATE_DELETE : FATE_KNOWN;
		if (k.size == it->m.size && k.gone_s == 0)
			continue;
		k.size = it->m.size;
		k.gone_s = 0;
		set_known(d, it, k);
	}
}

static int look(struct drop *d, struct fault *fault)
{
	bool has_top = pop3_client_caps(d->c)->has_top;
	int r = 0;

	if (has_top) {
		d->bytes.max = HEADER_MAX;
		r = for_each(d, FATE_LOOK, 0, take_header, fault);
	}
	if (r == 0)
		settle_look(d, has_top);
	return r;
}

/* ---- fetching ---- */

static void leave(struct drop *d, struct item *it, int err, const char *why_z)
{
	const struct move_fetched m = { .box = S("INBOX"), .bytes = S(""), .name = it->m.uidl };

	it->was_refused = true;
	d->f->n_left++;
	if (d->f->watch->message != NULL)
		d->f->watch->message(d->f->watch->ctx, &m, err, why_z);
}

/* A message without a name is known by its bytes: it is there already, or has a key from now on. */
static bool is_there(struct drop *d, struct item *it)
{
	uint8_t key[STORE_IMPORT_KEY];

	if (!it->is_nameless)
		return false;
	move_key(S("pop3"), S(""), buf_str(&d->bytes), key);
	buf_reset(&it->key);
	buf_add_char(&it->key, '=');
	text_hex(&it->key, str_of(key, sizeof(key)));
	return move_state_get(d->f->state, buf_str(&it->key)).p != NULL;
}

static int take_message(struct drop *d, struct item *it, int err, struct fault *fault)
{
	AUTO(buf_fini) struct buf hash = BUF_INIT(2 * HASH + 1), value = BUF_INIT(256);
	struct known k = { .size = it->m.size, .came_s = (uint64_t)d->now_s };
	struct move_fetched m = { .box = S("INBOX"), .bytes = buf_str(&d->bytes), .name = it->m.uidl };
	int r;

	if (err < 0) {
		leave(d, it, err, fault->text);
		return 0;
	}
	if (is_there(d, it))
		return 0;
	add_header_hash(&hash, m.bytes);
	k.hash = buf_str(&hash);
	print_known(&value, &k);
	if (it->is_nameless)
		m.name = S("");
	m.key = buf_str(&it->key);
	m.value = buf_str(&value);
	r = move_fetch_put(d->f, &m, fault);
	it->was_refused = r > 0;
	return r < 0 ? r : move_fetch_is_due(d->f) ? move_fetch_commit(d->f, fault) : 0;
}

/* Those that are too big are not asked for; a server that tells a smaller size is seen through by the client. */
static void leave_big_ones(struct drop *d)
{
	uint64_t max = d->f->o->max_message > 0 ? d->f->o->max_message : LIMIT_IMPORT_MESSAGE;

	d->bytes.max = max;
	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].fate != FATE_FETCH || d->v[i].m.size <= max)
			continue;
		d->v[i].fate = FATE_KNOWN;
		leave(d, &d->v[i], -E_TOO_BIG, "it is larger than messages may be");
	}
}

static int fetch(struct drop *d, struct fault *fault)
{
	int r;

	leave_big_ones(d);
	if (d->f->watch->box != NULL)
		d->f->watch->box(d->f->watch->ctx, S("INBOX"), count(d, FATE_FETCH));
	r = for_each(d, FATE_FETCH, -1, take_message, fault);
	return r < 0 ? r : move_fetch_commit(d->f, fault);
}

/* ---- the end ---- */

/* Is it here, and to be deleted? Everything that was fetched is committed. */
static bool is_done_with(const struct drop *d, const struct item *it)
{
	struct known k;

	if (it->was_refused || it->fate == FATE_KNOWN)
		return false;
	return parse_known(move_state_get(d->f->state, buf_str(&it->key)), &k) && is_due(d, k.came_s);
}

/* QUIT: with its answer they are gone, and need not be known any more. */
static int quit(struct drop *d, const uint32_t *numbers, size_t n, struct fault *fault)
{
	int r = n > 0 ? pop3_client_dele(d->c, numbers, n, fault) : 0, end;

	if (r < 0 && r != -E_CANNOT)
		return r;
	end = pop3_client_quit(&d->c, fault);
	if (end == -E_CANNOT || r == -E_CANNOT) { /* those that are still there are known when they are listed again */
		move_fetch_note(d->f, "%s", fault->text);
		return 0;
	}
	for (size_t i = 0; i < d->n && end == 0; i++)
		if (is_done_with(d, &d->v[i]))
			move_state_remove(d->f->state, buf_str(&d->v[i].key));
	if (end == 0 && n > 0) {
		d->f->n_deleted += n;
		if (d->f->watch->deleted != NULL)
			d->f->watch->deleted(d->f->watch->ctx, n);
	}
	return n > 0 ? end : 0; /* where nothing hangs on it, no answer is none */
}

static int by_key(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* What is not listed any more is forgotten in the end. */
static void forget_gone(struct drop *d, const struct str *listed, size_t n)
{
	struct str key, value;

	for (size_t at = 0; move_state_next(d->f->state, &at, &key, &value);) {
		AUTO(buf_fini) struct buf text = BUF_INIT(256);
		struct known k;

		if ((key.p[0] != 'u' && key.p[0] != '=') || (n > 0 && bsearch(&key, listed, n, sizeof(*listed), by_key) != NULL))
			continue;
		if (parse_known(value, &k) && (k.gone_s == 0 || (int64_t)k.gone_s + KEEP_GONE_S > d->now_s)) {
			if (k.gone_s > 0)
				continue;
			k.gone_s = (uint64_t)d->now_s;
			print_known(&text, &k);
			move_state_set(d->f->state, key, buf_str(&text));
		} else {
			move_state_remove(d->f->state, key);
		}
	}
}

static int end(struct drop *d, struct fault *fault)
{
	uint32_t *numbers = ARENA_ARRAY(&d->arena, uint32_t, d->n + 1);
	struct str *listed = ARENA_ARRAY(&d->arena, struct str, d->n + 1);
	size_t n = 0, n_listed = 0;
	int r;

	if (numbers == NULL || listed == NULL)
		return fault_set(fault, -E_LIMIT, "there is not enough memory for the list of messages");
	for (size_t i = 0; i < d->n; i++) {
		if (is_done_with(d, &d->v[i]))
			numbers[n++] = d->v[i].m.number;
		if (d->v[i].key.n > 0)
			listed[n_listed++] = buf_str(&d->v[i].key);
	}
	r = quit(d, numbers, n, fault);
	if (n_listed > 0)
		qsort(listed, n_listed, sizeof(*listed), by_key);
	forget_gone(d, listed, n_listed);
	return r < 0 ? r : move_state_sync(d->f->state, fault);
}

static int session(struct drop *d, struct fault *fault)
{
	int r = take_list(d, fault);

	if (r == 0)
		r = look(d, fault);
	if (r == 0)
		r = fetch(d, fault);
	return r < 0 ? r : end(d, fault);
}

static int run(struct move_fetch *f, struct net_stream *s, struct fault *fault)
{
	const struct move_fetch_options *o = f->o;
	struct drop d = { .f = f, .now_s = clock_wall_ms() / 1000, .bytes = BUF_INIT(LIMIT_IMPORT_MESSAGE) };
	const char *names_z[2];
	const struct pop3_client_options co = {
		.starttls = o->starttls, .tls = o->tls, .want = move_fetch_want(f, names_z), .user = o->user, .password = o->password,
		.may_plain = o->is_insecure, .host_z = o->host_z, .trace = o->trace,
	};
	enum pop3_client_stage stage;
	int r = pop3_client_open(s, &co, &d.c, &stage, fault);

	if (r < 0)
		return r;
	arena_init(&d.arena, LIST_MEMORY);
	r = session(&d, fault);
	pop3_client_close(&d.c);
	for (size_t i = 0; i < d.n && d.v != NULL; i++)
		buf_fini(&d.v[i].key);
	buf_fini(&d.bytes);
	arena_fini(&d.arena);
	return r;
}

const struct move_fetch_source move_fetch_pop3 = { "pop3", 110, 995, run };

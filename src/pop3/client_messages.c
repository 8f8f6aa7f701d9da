/* SPDX-License-Identifier: MIT */
/*
 * Messages of a maildrop: LIST, UIDL, RETR, TOP, DELE, QUIT; RFC 1939 5, 6, 7. What the server tells of numbers is checked before it is believed;
 * a list ends at its bound.
 *
 * A message ends with CRLF "." CRLF and nothing else. A dot is taken off where a line begins with two: also behind a bare LF, where servers that see
 * lines there put one (ours does), and never where there is only one, which no stuffing has made.
 */
#include "pop3/client_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/must.h"
#include "base/text.h"

#define GROUP 100 /* DELE in one write */

/* ---- lists ---- */

/* "7 1234" or "7 name": RFC 1939 5, 7. */
static bool numbered(struct str line, uint32_t *ret_number, struct str *ret_rest)
{
	struct str rest = line, word;
	uint64_t number;

	if (!str_split(&rest, ' ', &word) || !str_to_u64(word, UINT32_MAX, &number) || number == 0)
		return false;
	*ret_number = (uint32_t)number;
	*ret_rest = str_trim(rest);
	return true;
}

static int no_list(struct pop3_client *c, struct fault *fault, const char *what_z, struct str line)
{
	AUTO(buf_fini) struct buf shown = BUF_INIT(1024);

	text_clean(&shown, str_head(line, 100));
	return pop3_client_lose(c, fault, -E_SYNTAX, "the server's %s has a wrong line: %s", what_z, buf_z(&shown));
}

static int take_list(struct pop3_client *c, struct arena *a, struct pop3_client_message **v, size_t *n, struct fault *fault)
{
	size_t cap = 0;
	struct str line, rest;
	int r;

	while ((r = pop3_client_more(c, &line, fault)) > 0) {
		struct pop3_client_message m = { .uidl = S("") };
		struct str size;

		/* More may stand behind the size (RFC 1939 5). */
		if (!numbered(line, &m.number, &rest) || !str_split(&rest, ' ', &size) || !str_to_u64(size, UINT64_MAX, &m.size) ||
		    (*n > 0 && m.number <= (*v)[*n - 1].number))
			return no_list(c, fault, "LIST", line);
		if (*n == LIMIT_POP3_CLIENT_MESSAGES || arena_grow(a, v, *n, &cap, sizeof(m)) < 0)
			return pop3_client_lose(c, fault, -E_LIMIT, "the server lists more messages than %d", LIMIT_POP3_CLIENT_MESSAGES);
		(*v)[(*n)++] = m;
	}
	return r;
}

static int by_number(const void *key, const void *item)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct pop3_client_message *)item)->number;

	return a < b ? -1 : a > b;
}

/* RFC 1939 7: 1 to 70 characters of 0x21 to 0x7E. */
static bool is_uidl(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0 && s.n <= LIMIT_POP3_CLIENT_UIDL;
}

/* What is no name of a message is none: the message stays without. */
static int take_uidl(struct pop3_client *c, struct arena *a, struct pop3_client_message *v, size_t n, struct fault *fault)
{
	struct str line, rest;
	uint32_t number;
	int r;

	for (size_t lines = 0; (r = pop3_client_more(c, &line, fault)) > 0; lines++) {
		struct pop3_client_message *m = NULL;

		if (numbered(line, &number, &rest) && n > 0)
			m = bsearch(&number, v, n, sizeof(*v), by_number);
		if (m == NULL || m->uidl.n > 0 || lines >= n)
			return no_list(c, fault, "UIDL", line);
		if (!is_uidl(rest))
			continue;
		m->uidl = arena_str(a, rest);
		if (m->uidl.p == NULL)
			return pop3_client_lose(c, fault, -E_LIMIT, "there is not enough memory for the names of the messages");
	}
	return r;
}

/* The status of the answer that comes next. */
static int next_status(struct pop3_client *c, struct fault *fault)
{
	int r = pop3_client_flush(c, fault);

	pop3_client_begin(c);
	return r < 0 ? r : pop3_client_status(c, fault);
}

int pop3_client_list(struct pop3_client *c, struct arena *a, struct pop3_client_message **ret, size_t *ret_n, struct fault *fault)
{
	struct pop3_client_message *v = NULL;
	bool is_piped = c->caps.has_pipelining && c->caps.has_uidl;
	size_t n = 0;
	int r;

	must(c->n_asked == 0);
	pop3_client_put(c, S("LIST"), NULL);
	if (is_piped)
		pop3_client_put(c, S("UIDL"), NULL);
	r = next_status(c, fault);
	if (r == 0 && !c->is_ok)
		return pop3_client_lose(c, fault, -E_DENIED, "the server refuses LIST: %s", buf_z(&c->text));
	if (r == 0)
		r = take_list(c, a, &v, &n, fault);
	if (r == 0 && !is_piped)
		pop3_client_put(c, S("UIDL"), NULL);
	if (r == 0)
		r = next_status(c, fault);
	if (r == 0 && c->is_ok)
		r = take_uidl(c, a, v, n, fault);
	else if (r == 0)
		r = fault_set(fault, -E_CANNOT, "the server has no UIDL: %s", buf_z(&c->text));
	if (r == 0 || r == -E_CANNOT) {
		*ret = v;
		*ret_n = n;
	}
	return r;
}

/* ---- messages ---- */

int pop3_client_ask(struct pop3_client *c, uint32_t number, int lines, struct fault *fault)
{
	char line[64];

	must(c->n_asked == 0 || c->caps.has_pipelining);
	if (c->lost < 0)
		return fault_set(fault, c->lost, "the connection was lost");
	if (lines < 0)
		snprintf(line, sizeof(line), "RETR %u", number);
	else
		snprintf(line, sizeof(line), "TOP %u %d", number, lines);
	pop3_client_put(c, str_z(line), NULL);
	c->n_asked++;
	return 0;
}

/* What is taken off the connection, and where we are in it. */
struct body {
	struct buf *out;
	uint64_t n, dropped;
	bool is_too_big;
	bool is_line_start, is_after_crlf; /* behind an LF; behind a CRLF, or at the beginning */
	char last;
};

static int take_bytes(struct pop3_client *c, struct body *b, size_t n, struct fault *fault)
{
	struct str bytes = str_head(pop3_client_unread(c), n);

	if (!b->is_too_big)
		buf_add(b->out, bytes);
	b->is_too_big = b->is_too_big || buf_overflowed(b->out);
	b->dropped += b->is_too_big ? n : 0;
	b->n += n;
	b->is_line_start = bytes.p[n - 1] == '\n';
	b->is_after_crlf = b->is_line_start && (n > 1 ? bytes.p[n - 2] : b->last) == '\r';
	b->last = bytes.p[n - 1];
	pop3_client_skip(c, n);
	return b->dropped > LIMIT_POP3_CLIENT_DROPPED ? pop3_client_lose(c, fault, -E_LIMIT, "the server sends a message without end") : 0;
}

/* A dot at the beginning of a line. 1: it is done with; 0: the message ended; 2: more is needed to know. */
static int take_dot(struct pop3_client *c, struct body *b)
{
	struct str in = pop3_client_unread(c);

	if (b->is_after_crlf && str_starts(in, S(".\r\n"))) {
		pop3_client_skip(c, 3);
		return 0;
	}
	if (in.n < 2 || (b->is_after_crlf && str_eq(in, S(".\r"))))
		return 2;
	if (in.p[1] == '.')
		pop3_client_skip(c, 1);
	b->is_line_start = false;
	return 1;
}

/* Up to the next line that begins with a dot. */
static size_t piece(struct str in)
{
	const char *at = memmem(in.p, in.n, "\n.", 2);

	return at != NULL ? (size_t)(at - in.p) + 1 : in.n;
}

static int take_body(struct pop3_client *c, struct body *b, struct fault *fault)
{
	for (;;) {
		struct str in = pop3_client_unread(c);
		bool is_dot = in.n > 0 && b->is_line_start && in.p[0] == '.';
		int at = is_dot ? take_dot(c, b) : 1, r = 0;

		if (at == 0)
			return 0;
		in = pop3_client_unread(c);
		if (at == 2 || in.n == 0)
			r = pop3_client_fill(c, fault);
		else
			r = take_bytes(c, b, piece(in), fault);
		if (r < 0)
			return r;
	}
}

static void trace_message(struct pop3_client *c, uint64_t n)
{
	char line[64];

	snprintf(line, sizeof(line), "<%llu bytes>", (unsigned long long)n);
	if (c->o.trace != NULL)
		c->o.trace(c->o.trace_ctx, false, str_z(line));
}

int pop3_client_take(struct pop3_client *c, struct buf *out, struct fault *fault)
{
	struct body b = { .out = out, .is_line_start = true, .is_after_crlf = true };
	int r;

	must(c->n_asked > 0);
	c->n_asked--;
	if (c->lost < 0)
		return fault_set(fault, c->lost, "the connection was lost");
	r = next_status(c, fault);
	if (r == 0 && !c->is_ok)
		return fault_set(fault, -E_NOT_FOUND, "the server does not give the message: %s", buf_z(&c->text));
	if (r == 0)
		r = take_body(c, &b, fault);
	if (r < 0)
		return r;
	trace_message(c, b.n);
	return b.is_too_big ? fault_set(fault, -E_TOO_BIG, "a message of %llu bytes is too big", (unsigned long long)b.n) : 0;
}

/* ---- the end ---- */

int pop3_client_dele(struct pop3_client *c, const uint32_t *numbers, size_t n, struct fault *fault)
{
	size_t group = c->caps.has_pipelining ? GROUP : 1, refused = 0;
	struct fault first = { "" };

	must(c->n_asked == 0);
	for (size_t at = 0; at < n; at += group) {
		size_t end = n - at < group ? n : at + group;

		for (size_t i = at; i < end; i++) {
			char line[32];

			snprintf(line, sizeof(line), "DELE %u", numbers[i]);
			pop3_client_put(c, str_z(line), NULL);
		}
		for (size_t i = at; i < end; i++) {
			int r = next_status(c, fault);

			if (r < 0)
				return r;
			if (!c->is_ok && refused++ == 0)
				(void)fault_set(&first, -E_CANNOT, "the server does not delete message %u: %s", numbers[i], buf_z(&c->text));
		}
	}
	return refused > 0 ? fault_set(fault, -E_CANNOT, "%s", first.text) : 0;
}

int pop3_client_noop(struct pop3_client *c, struct fault *fault)
{
	int r = pop3_client_say(c, S("NOOP"), NULL, fault);

	return r < 0 || c->is_ok ? r : pop3_client_lose(c, fault, -E_SYNTAX, "the server refuses NOOP: %s", buf_z(&c->text));
}

int pop3_client_quit(struct pop3_client **cp, struct fault *fault)
{
	struct pop3_client *c = *cp;
	int r = c->lost;

	must(c->n_asked == 0 || c->lost < 0);
	if (r < 0)
		(void)fault_set(fault, r, "the connection was lost");
	else
		r = pop3_client_say(c, S("QUIT"), NULL, fault);
	if (r == 0 && !c->is_ok)
		r = fault_set(fault, -E_CANNOT, "the server did not delete all that it should: %s", c->text.n > 0 ? buf_z(&c->text) : "without a word");
	pop3_client_close(cp);
	return r;
}

/* SPDX-License-Identifier: MIT */
/*
 * Reading one command: lines, and literals (RFC 9051 4.3, RFC 7888). The only place that
 * decides about line ends and sizes.
 *
 * Lines come without blocking: an unfinished command is kept in session.in and the
 * session parks. A literal is read with blocking calls inside conn_body_begin/end, after
 * its size was checked; before login it is small and must come within seconds.
 *
 * A synchronizing literal that is refused is simply not asked for. A non-synchronizing
 * one comes anyway: it and the rest of the command are read and dropped
 * (session.in_refused) up to DRAIN_MAX; beyond that the connection ends.
 *
 * A line ends in CRLF and nothing else: LF alone ends it too, but the command is refused. Bare
 * CR and NUL stay in the text, where no production of parse.c takes them.
 */
#include "base/limits.h"
#include "base/must.h"
#include "db/blob.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "net/conn.h"

#define LINE_PREAUTH 16384 /* a SASL initial response may be 12288 (RFC 4954 4) */
#define DRAIN_MAX (8u << 20)

static const struct conn_body_limit body_preauth = { .total_ms = 10000, .idle_ms = 5000 };
static const struct conn_body_limit body_limit = { .idle_ms = 60000, .min_rate = 256 };

struct literal {
	uint64_t n;
	bool is_sync;
};

/*
 * Does the line end in "{" number64 ["+"] "}"? A number that is too large counts as
 * UINT64_MAX.
 */
static bool literal_at_end(struct str line, struct literal *ret)
{
	size_t end = line.n, at;
	struct str digits;

	if (end == 0 || line.p[end - 1] != '}')
		return false;
	end--;
	ret->is_sync = end == 0 || line.p[end - 1] != '+';
	if (!ret->is_sync)
		end--;
	for (at = end; at > 0 && line.p[at - 1] >= '0' && line.p[at - 1] <= '9'; at--)
		;
	if (at == end || at == 0 || line.p[at - 1] != '{')
		return false;
	digits = str_of(line.p + at, end - at);
	if (!str_to_u64(digits, INT64_MAX, &ret->n))
		ret->n = UINT64_MAX;
	return true;
}

static bool is_preauth(const struct imap_session *s)
{
	return s->state == IMAP_ST_NOTAUTH;
}

static int bye(struct imap_session *s, const char *code, const char *text)
{
	imap_resp_untagged(s, "BYE [%s] %s", code, text);
	s->is_over = true;
	return -E_CLOSED;
}

/* Trouble while a literal was read. */
static int broken(struct imap_session *s, int r)
{
	return r == -E_TIMEOUT ? bye(s, "UNAVAILABLE", "the literal took too long") : -E_CLOSED;
}

static int drain(struct imap_session *s, uint64_t n)
{
	while (n > 0) {
		struct str got;
		int r = conn_peek_wait(s->conn, &got);

		if (r < 0)
			return r;
		if (got.n > n)
			got.n = (size_t)n;
		conn_take(s->conn, got.n);
		n -= got.n;
	}
	return 0;
}

/*
 * A message of APPEND: into the spool; its trouble is remembered and the bytes are
 * taken anyway.
 */
static int read_message(struct imap_session *s, uint64_t n)
{
	while (n > 0) {
		struct str got;
		int r = conn_peek_wait(s->conn, &got);

		if (r < 0)
			return r;
		if (got.n > n)
			got.n = (size_t)n;
		r = s->in_refused != 0 ? 0 : spool_append(s->spool, got);
		if (r < 0)
			s->in_refused = r;
		conn_take(s->conn, got.n);
		n -= got.n;
	}
	return 0;
}

static int read_small(struct imap_session *s, uint64_t n)
{
	char *to = buf_reserve(&s->in, (size_t)n);
	int r;

	must(to != NULL);
	r = n == 0 ? 0 : conn_read_wait(s->conn, to, (size_t)n);
	if (r == 0)
		buf_commit(&s->in, (size_t)n);
	return r;
}

/*
 * May this literal come? 0: into s->in; 1: into the spool; negative: refused. Nothing of
 * it has been read yet.
 */
static int check_size(struct imap_session *s, uint64_t n)
{
	int r;

	if (s->in_refused != 0)
		return s->in_refused;
	if (is_preauth(s))
		return n > LIMIT_IMAP_LITERAL_PREAUTH || s->in.n + n > s->in.max - 2 ? -E_LIMIT : 0;
	r = imap_append_literal(s, buf_str(&s->in), n);
	if (r != 0)
		return r;
	return n > s->in.max - 2 || s->in.n + n > s->in.max - 2 ? -E_LIMIT : 0;
}

/*
 * Reads one literal, or arranges that it is refused. 1: go on with the next line; else as
 * imap_input().
 */
static int take_literal(struct imap_session *s, struct literal lit)
{
	int where = check_size(s, lit.n);
	int r;

	if (where < 0 && lit.is_sync)
		return where;
	if (where < 0)
		s->in_refused = where;
	if (where < 0 && (is_preauth(s) || lit.n > DRAIN_MAX))
		return bye(s, err_row(where)->imap, err_row(where)->text);
	r = conn_body_begin(s->conn, is_preauth(s) ? &body_preauth : &body_limit);
	if (r < 0)
		return lit.is_sync ? r
				   : bye(s, "INUSE", "too many transfers at once, try again later");
	if (lit.is_sync) {
		imap_resp(s, S("+ "));
		imap_resp(s, imap_language_text(s->language, S("go ahead")));
		imap_resp_end(s);
		(void)conn_flush(s->conn);
	}
	if (where < 0)
		r = drain(s, lit.n);
	else
		r = where > 0 ? read_message(s, lit.n) : read_small(s, lit.n);
	conn_body_end(s->conn);
	return r < 0 ? broken(s, r) : 1;
}

/*
 * One more line of the command. 1: literal follows (*ret); 2: the command is complete;
 * negative: as imap_input().
 */
static int add_line(struct imap_session *s, const struct conn_line *line, struct literal *ret)
{
	bool has_literal = literal_at_end(line->text, ret);

	if (line->flags & CONN_LINE_BARE_LF) {
		imap_say(s, "a line ends in CRLF");
		s->in_refused = s->in_refused != 0 ? s->in_refused : -E_SYNTAX;
	}
	if (s->in_refused == 0 || s->in.n == 0) {
		buf_add(&s->in, line->text);
		if (has_literal)
			buf_add(&s->in, S("\r\n"));
		if (buf_overflowed(&s->in))
			s->in_refused = -E_LIMIT;
	}
	return has_literal ? 1 : 2;
}

int imap_input(struct imap_session *s)
{
	size_t max = is_preauth(s) ? LINE_PREAUTH : LIMIT_IMAP_LINE;

	s->in.max =
		is_preauth(s) ? LINE_PREAUTH + 2 * LIMIT_IMAP_LITERAL_PREAUTH : LIMIT_IMAP_COMMAND;
	for (;;) {
		struct conn_line line;
		struct literal lit;
		int r = conn_line(s->conn, max, &line);

		if (r == 0)
			return 0;
		/*
		 * A literal may have stood at its end: what follows cannot be told apart
		 * from commands.
		 */
		if (r == -E_LIMIT)
			return bye(s, "LIMIT", "the line is too long");
		if (r < 0)
			return -E_CLOSED;
		r = add_line(s, &line, &lit);
		if (r == 2)
			return s->in_refused != 0 ? s->in_refused : 1;
		r = take_literal(s, lit);
		if (r <= 0)
			return r;
	}
}

void imap_input_reset(struct imap_session *s)
{
	mem_wipe(s->in.p, s->in.n);
	buf_fini(&s->in);
	spool_free(s->spool);
	s->spool = NULL;
	s->in_refused = 0;
}

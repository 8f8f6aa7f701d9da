/* SPDX-License-Identifier: MIT */
/*
 * Reading one command: lines, and literals (RFC 9051 4.3, RFC 7888). The only place that
 * decides about line ends and sizes.
 *
 * Everything comes without blocking: an unfinished command is kept in session.in (or its
 * spool) and the session parks. A literal's size is checked before any of it is read; from
 * the first one on until its end the command is a body (net/conn.h), with a place and limits.
 * Before login a literal is small and the command must come within seconds.
 *
 * A synchronizing literal that is refused is simply not asked for. A non-synchronizing
 * one comes anyway: it and the rest of the command are read and dropped
 * (session.in_refused) up to LIMIT_IMAP_DRAIN; beyond that the connection ends.
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

static const struct conn_body_limit body_preauth = { .total_ms = 10000, .idle_ms = 5000 };
static const struct conn_body_limit body_limit = { .idle_ms = 60000, .min_rate = 256 };

struct announced {
	uint64_t n;
	bool is_sync;
};

/*
 * Does the line end in "{" number64 ["+"] "}"? A number that is too large counts as
 * UINT64_MAX.
 */
static bool literal_at_end(struct str line, struct announced *ret)
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

/* Trouble in the middle of a command. */
static int broken(struct imap_session *s, int r)
{
	if (r == -E_BUSY)
		return bye(s, "INUSE", "too many transfers at once, try again later");
	return r == -E_TIMEOUT ? bye(s, "UNAVAILABLE", "the command took too long") : -E_CLOSED;
}

/* Some bytes of the literal, to where they go; trouble with them is remembered. */
static void put(struct imap_session *s, struct str bytes)
{
	int r = 0;

	if (s->literal.to == IMAP_LIT_SPOOL)
		r = spool_append(s->spool, bytes);
	else if (s->literal.to == IMAP_LIT_COMMAND)
		buf_add(&s->in, bytes);
	if (s->literal.to == IMAP_LIT_COMMAND && buf_overflowed(&s->in))
		r = -E_LIMIT;
	if (r == 0)
		return;
	s->in_refused = r;
	s->literal.to = IMAP_LIT_NOWHERE;
}

/* 1: the literal is whole; else as imap_input(). */
static int read_literal(struct imap_session *s)
{
	while (s->literal.left > 0) {
		struct str got;
		int r = conn_body_peek(s->conn, &got);

		if (r <= 0)
			return r < 0 ? broken(s, r) : 0;
		if (got.n > s->literal.left)
			got.n = (size_t)s->literal.left;
		put(s, got);
		conn_take(s->conn, got.n);
		s->literal.left -= got.n;
	}
	s->literal.to = IMAP_LIT_NONE;
	return 1;
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

/* Has the command a place already, or can it have one? */
static int enter_body(struct imap_session *s)
{
	if (s->is_in_body)
		return 0;
	s->is_in_body = conn_body_begin(s->conn, is_preauth(s) ? &body_preauth : &body_limit) == 0;
	return s->is_in_body ? 0 : -E_BUSY;
}

/*
 * Begins to read a literal, or arranges that it is refused. 1: go on; else as imap_input().
 */
static int begin_literal(struct imap_session *s, struct announced lit)
{
	static const enum imap_literal_to to[] = { IMAP_LIT_COMMAND, IMAP_LIT_SPOOL };
	int where = check_size(s, lit.n);

	if (where < 0 && lit.is_sync)
		return where;
	if (where < 0)
		s->in_refused = where;
	if (where < 0 && (is_preauth(s) || lit.n > LIMIT_IMAP_DRAIN))
		return bye(s, err_row(where)->imap, err_row(where)->text);
	if (enter_body(s) < 0)
		return lit.is_sync ? -E_BUSY : broken(s, -E_BUSY);
	if (lit.is_sync) {
		imap_resp(s, S("+ "));
		imap_resp(s, imap_language_text(s->language, S("go ahead")));
		imap_resp_end(s);
	}
	s->literal.to = where < 0 ? IMAP_LIT_NOWHERE : to[where];
	s->literal.left = lit.n;
	return 1;
}

/*
 * One more line of the command. 1: literal follows (*ret); 2: the command is complete;
 * negative: as imap_input().
 */
static int add_line(struct imap_session *s, const struct conn_line *line, struct announced *ret)
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

/* A line, and what follows from it. 1: go on; 2: the command is complete; else as imap_input(). */
static int read_line(struct imap_session *s)
{
	struct conn_line line;
	struct announced lit;
	int r = conn_line(s->conn, is_preauth(s) ? LIMIT_IMAP_LINE_PREAUTH : LIMIT_IMAP_LINE, &line);

	if (r == 0)
		return 0;
	/* A literal may have stood at its end: what follows cannot be told apart from commands. */
	if (r == -E_LIMIT)
		return bye(s, "LIMIT", "the line is too long");
	if (r < 0)
		return broken(s, r);
	r = add_line(s, &line, &lit);
	return r == 1 ? begin_literal(s, lit) : r;
}

int imap_input(struct imap_session *s)
{
	int r = 1;

	s->in.max =
		is_preauth(s) ? LIMIT_IMAP_LINE_PREAUTH + 2 * LIMIT_IMAP_LITERAL_PREAUTH : LIMIT_IMAP_COMMAND;
	while (r == 1)
		r = s->literal.to != IMAP_LIT_NONE ? read_literal(s) : read_line(s);
	if (r == 0)
		return 0;
	if (s->is_in_body)
		conn_body_end(s->conn);
	s->is_in_body = false;
	if (r < 0)
		return r;
	return s->in_refused != 0 ? s->in_refused : 1;
}

void imap_input_reset(struct imap_session *s)
{
	mem_wipe(s->in.p, s->in.n);
	buf_fini(&s->in);
	spool_free(s->spool);
	s->spool = NULL;
	s->literal = (struct imap_literal){ 0 };
	s->in_refused = 0;
}

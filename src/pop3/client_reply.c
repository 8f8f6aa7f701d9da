/* SPDX-License-Identifier: MIT */
/*
 * Answers of strangers: RFC 1939 3, RFC 2449 8, RFC 3206. A line has a bound, an answer has an end in time: who sends a byte now and then
 * does not hold us for ever. Everything is read into c->in, which no line makes longer than its bound.
 */
#include "pop3/client_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "base/text.h"

#define WAIT_MS 120000
#define MS_PER_BYTE 10  /* 100 bytes a second are the least */
#define READ 65536

int pop3_client_lose(struct pop3_client *c, struct fault *fault, int code, const char *fmt, ...)
{
	char why[sizeof(fault->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	c->lost = code;
	return fault_set(fault, code, "%s", why);
}

/* ---- bytes ---- */

void pop3_client_begin(struct pop3_client *c)
{
	c->begun_ms = clock_mono_ms();
	c->received = 0;
}

struct str pop3_client_unread(const struct pop3_client *c)
{
	return str_skip(buf_str(&c->in), c->used);
}

void pop3_client_skip(struct pop3_client *c, size_t n)
{
	c->used += n;
	must(c->used <= c->in.n);
}

static int64_t answer_deadline(const struct pop3_client *c)
{
	int64_t wait_ms = c->o.wait_ms > 0 ? c->o.wait_ms : WAIT_MS;
	int64_t deadline_ms = c->begun_ms + wait_ms + (int64_t)c->received * MS_PER_BYTE;
	int64_t idle_ms = clock_mono_ms() + wait_ms;

	deadline_ms = idle_ms < deadline_ms ? idle_ms : deadline_ms;
	return c->o.until_ms > 0 && c->o.until_ms < deadline_ms ? c->o.until_ms : deadline_ms;
}

int pop3_client_fill(struct pop3_client *c, struct fault *fault)
{
	char *p;
	int n;

	buf_consume(&c->in, c->used);
	c->used = 0;
	p = buf_reserve(&c->in, READ);
	if (p == NULL)
		return pop3_client_lose(c, fault, -E_LIMIT, "the server sends a line that is too long");
	n = net_stream_read(c->s, p, READ, answer_deadline(c));
	if (n < 0)
		return pop3_client_lose(c, fault, n, n == -E_TIMEOUT ? "the server does not answer (%s)" : "%s", net_stream_fault_z(c->s));
	buf_commit(&c->in, (size_t)n);
	c->received += (uint64_t)n;
	return 0;
}

/* ---- lines ---- */

int pop3_client_line(struct pop3_client *c, struct str *ret, struct fault *fault)
{
	size_t looked = 0;

	for (;;) {
		struct str in = pop3_client_unread(c);
		ptrdiff_t lf = str_chr(str_skip(in, looked), '\n');
		size_t n = looked + (size_t)lf;
		int r;

		if ((lf < 0 ? in.n : n) > LIMIT_POP3_CLIENT_LINE)
			return pop3_client_lose(c, fault, -E_SYNTAX, "the server sends a line that is too long");
		if (lf >= 0) {
			pop3_client_skip(c, n + 1);
			*ret = str_head(in, n - (n > 0 && in.p[n - 1] == '\r'));
			return 0;
		}
		looked = in.n;
		r = pop3_client_fill(c, fault);
		if (r < 0)
			return r;
	}
}

static void trace(struct pop3_client *c, struct str line)
{
	if (c->o.trace != NULL)
		c->o.trace(c->o.trace_ctx, false, line);
}

int pop3_client_more(struct pop3_client *c, struct str *ret, struct fault *fault)
{
	struct str line;
	int r = pop3_client_line(c, &line, fault);

	if (r < 0)
		return r;
	trace(c, line);
	if (str_eq(line, S(".")))
		return 0;
	*ret = str_skip(line, str_starts(line, S(".")));
	return 1;
}

/* RFC 2449 8: "-ERR [IN-USE] words". */
static struct str response_code(struct str text)
{
	ptrdiff_t end = str_chr(text, ']');

	return str_starts(text, S("[")) && end > 0 ? str_of(text.p + 1, (size_t)end - 1) : S("");
}

int pop3_client_status(struct pop3_client *c, struct fault *fault)
{
	struct str line = { 0 }, words;
	int r = pop3_client_line(c, &line, fault);

	buf_reset(&c->text);
	buf_reset(&c->code);
	if (r < 0)
		return r;
	c->is_ok = str_istarts(line, S("+OK"));
	c->is_challenge = !c->is_ok && (str_starts(line, S("+ ")) || str_eq(line, S("+")));
	trace(c, c->hides && c->is_challenge ? S("+ <challenge>") : line);
	if (!c->is_ok && !c->is_challenge && !str_istarts(line, S("-ERR"))) {
		AUTO(buf_fini) struct buf shown = BUF_INIT(1024);

		text_clean(&shown, str_head(line, 200));
		return pop3_client_lose(c, fault, -E_SYNTAX, "the server sent what is no answer of POP3: %s", buf_z(&shown));
	}
	words = str_trim(str_skip(line, c->is_ok ? 3 : c->is_challenge ? 1 : 4));
	if (c->is_challenge)
		buf_add(&c->text, words);
	else
		text_clean(&c->text, words);
	buf_add(&c->code, response_code(buf_str(&c->text)));
	return 0;
}

int pop3_client_refused(struct pop3_client *c, struct fault *fault, int code, const char *what_z)
{
	static const struct {
		struct str code;
		int err;
	} rows[] = {
		{ STR_INIT("IN-USE"), -E_BUSY },      /* RFC 2449 8.1.2 */
		{ STR_INIT("LOGIN-DELAY"), -E_BUSY }, /* RFC 2449 8.1.1 */
		{ STR_INIT("SYS/TEMP"), -E_BUSY },    /* RFC 3206 4 */
		{ STR_INIT("SYS/PERM"), -E_DENIED },  /* RFC 3206 4: somebody has to mend something there */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_ieq(buf_str(&c->code), rows[i].code))
			code = rows[i].err;
	return fault_set(fault, code, "the server refuses %s: %s", what_z, c->text.n > 0 ? buf_z(&c->text) : "without a word");
}

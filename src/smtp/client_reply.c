/* SPDX-License-Identifier: MIT */
/*
 * Replies of strangers: RFC 5321 4.2, RFC 2034 3. Every line and every reply has a bound; what is kept has neither control characters nor
 * broken UTF-8.
 *
 * Tolerated: a line without a code in the middle of a reply of several lines (long texts that were wrapped on the way), different codes in
 * one reply (the last one counts), any second digit ("571" is in use).
 */
#include "smtp/client_int.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool smtp_client_reply_line(struct str line, int *ret_code, bool *ret_is_last, struct str *ret_text)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !is_digit(line.p[1]) || !is_digit(line.p[2]) ||
	    (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
		return false;
	*ret_code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + line.p[2] - '0';
	*ret_is_last = line.n == 3 || line.p[3] == ' ';
	*ret_text = str_skip(line, 4);
	return true;
}

int smtp_client_lose(struct smtp_client *c, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	c->lost = code;
	return code;
}

int smtp_client_decline(struct smtp_client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return -E_CANNOT;
}

static void add_text(struct buf *out, struct str text, bool is_first)
{
	size_t room = LIMIT_SMTP_REPLY_KEPT - out->n;

	if (!is_first && room > 0)
		buf_add_char(out, '\n');
	buf_add(out, str_head(text, room > 1 ? room - 1 : 0));
}

int smtp_client_reply_read(struct smtp_client *c, int64_t ms)
{
	int64_t deadline_ms = smtp_client_deadline(c, ms);
	size_t total = 0;
	bool is_last = false;

	buf_reset(&c->text);
	c->code = 0;
	for (int n = 0; !is_last; n++) {
		struct str line, text;
		int code, r = net_stream_line(c->s, LIMIT_SMTP_REPLY_LINE, deadline_ms, &line);

		if (r < 0)
			return smtp_client_lose(c, r == -E_LIMIT ? -E_SYNTAX : r, "%s", net_stream_fault_z(c->s));
		if (c->o.trace != NULL)
			c->o.trace(c->o.trace_ctx, false,
				   c->hides_challenges && str_starts(line, S("334 ")) ? S("334 <challenge>") : line);
		total += line.n + 1;
		if (total > LIMIT_SMTP_REPLY)
			return smtp_client_lose(c, -E_SYNTAX, "the server sends a reply without end");
		if (smtp_client_reply_line(line, &code, &is_last, &text))
			c->code = code;
		else if (n > 0)
			text = line;
		else
			return smtp_client_lose(c, -E_SYNTAX, "the server sent what is no SMTP reply: %" STR_FMT,
						STR_ARG(str_head(line, 200)));
		add_text(&c->text, text, n == 0);
	}
	if (c->code == 421) { /* RFC 5321 3.8: it closes, whatever it was asked */
		c->lost = -E_CLOSED;
		c->why[0] = '\0';
	}
	return 0;
}

/* ---- what is kept ---- */

static struct str cleaned(struct arena *a, struct str s)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(SMTP_CLIENT_TEXT);
	struct str ret;

	text_clean(&out, s);
	ret = arena_str(a, buf_str(&out));
	return ret.p != NULL ? ret : S("");
}

static size_t digits(struct str s, size_t at)
{
	size_t n = 0;

	while (at + n < s.n && n < 4 && is_digit(s.p[at + n]))
		n++;
	return n < 4 ? n : 0;
}

/* RFC 2034 4: class "." subject "." detail at the beginning, of the class of the code. Its length, or 0. */
static size_t enhanced_length(struct str s, int code)
{
	size_t subject, detail, end;

	if (s.n < 5 || s.p[0] - '0' != code / 100 || s.p[1] != '.')
		return 0;
	subject = digits(s, 2);
	if (subject == 0 || 2 + subject >= s.n || s.p[2 + subject] != '.')
		return 0;
	detail = digits(s, 3 + subject);
	end = 3 + subject + detail;
	return detail > 0 && (end == s.n || s.p[end] == ' ') ? end : 0;
}

struct smtp_client_reply smtp_client_reply_keep(const struct smtp_client *c, struct arena *a)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(LIMIT_SMTP_REPLY_KEPT + 1);
	struct smtp_client_reply reply = { .code = c->code };
	struct str rest = buf_str(&c->text), line, enhanced = S("");

	while (str_split(&rest, '\n', &line)) {
		size_t n = enhanced_length(line, c->code);

		if (n > 0 && enhanced.n == 0)
			enhanced = str_head(line, n);
		if (n > 0 && str_eq(enhanced, str_head(line, n)))
			line = str_skip(line, n + 1);
		if (text.n > 0)
			buf_add_char(&text, '\n');
		buf_add(&text, line);
	}
	reply.enhanced = cleaned(a, enhanced);
	reply.text = cleaned(a, buf_str(&text));
	return reply;
}

struct smtp_client_reply smtp_client_reply_own(struct arena *a, const char *enhanced_z, const char *text_z)
{
	return (struct smtp_client_reply){ .enhanced = str_z(enhanced_z), .text = cleaned(a, str_z(text_z)) };
}

/* SPDX-License-Identifier: MIT */
/* Finding the row that explains a reply: known texts first, then the enhanced code, then the code. */
#include "queue/explain_int.h"

#define ENHANCED_MAX 12

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* class "." subject "." detail at the start of s: its length, or 0 (RFC 3463 2). */
static size_t enhanced_length(struct str s)
{
	size_t dots = 0, i = 0;

	if (s.n < 5 || s.p[0] < '2' || s.p[0] > '5' || s.p[1] != '.')
		return 0;
	for (; i < s.n && i < ENHANCED_MAX && (is_digit(s.p[i]) || s.p[i] == '.'); i++) {
		if (s.p[i] == '.' && (i + 1 == s.n || !is_digit(s.p[i + 1])))
			break; /* the end of a sentence */
		dots += s.p[i] == '.';
	}
	return dots == 2 ? i : 0;
}

static bool applies(const struct explain_row *r, int code, struct str enhanced, struct str text, struct str host)
{
	if (r->code && r->code != code && r->code != code / 100)
		return false;
	if (r->status[0] && (enhanced.n < 3 || !str_eq(str_skip(enhanced, 2), str_z(r->status))))
		return false;
	return r->words[0] == '\0' || str_ifind(text, str_z(r->words)) >= 0 || str_ifind(host, str_z(r->words)) >= 0;
}

static const struct explain_row *find(const struct explain_row *rows, size_t n, int code, struct str enhanced, struct str text, struct str host)
{
	for (size_t i = 0; i < n; i++)
		if (applies(&rows[i], code, enhanced, text, host))
			return &rows[i];
	return NULL;
}

const struct queue_explain *queue_explain(int code, struct str enhanced, struct str text, struct str host)
{
	const struct explain_row *r;

	/* What the host gave counts more than what was made of it. */
	if (enhanced_length(text) > 0)
		enhanced = str_head(text, enhanced_length(text));
	else if (enhanced_length(enhanced) != enhanced.n)
		enhanced = S("");
	r = find(explain_texts, explain_n_texts, code, enhanced, text, host);
	if (!r)
		r = find(explain_codes, explain_n_codes, code, enhanced, text, host);
	return &r->e;
}

const struct queue_explain *queue_explain_line(struct str reply)
{
	struct str enhanced = S("");
	int code = 0;
	size_t n;

	reply = str_trim(reply);
	if (reply.n >= 3 && reply.p[0] >= '2' && reply.p[0] <= '5' && is_digit(reply.p[1]) && is_digit(reply.p[2]) &&
	    (reply.n == 3 || reply.p[3] == ' ' || reply.p[3] == '-')) {
		code = (reply.p[0] - '0') * 100 + (reply.p[1] - '0') * 10 + (reply.p[2] - '0');
		reply = str_trim(str_skip(reply, 4));
	}
	n = enhanced_length(reply);
	if (n > 0) {
		enhanced = str_head(reply, n);
		reply = str_trim(str_skip(reply, n));
		if (code == 0)
			code = (enhanced.p[0] - '0') * 100;
	}
	return queue_explain(code, enhanced, reply, S(""));
}

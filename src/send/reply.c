/* SPDX-License-Identifier: MIT */
/* Replies as they are kept: the other side's, cut, or our own words. */
#include "send/send_int.h"

#include <stdarg.h>
#include <stdio.h>

/* No control characters, no half of a UTF-8 character at the end. */
static struct str clean(struct arena *a, struct str from)
{
	struct str s = str_head(from, QUEUE_REPLY_TEXT);
	char *p;

	while (s.n > 0 && s.n < from.n && ((unsigned char)from.p[s.n] & 0xc0) == 0x80)
		s.n--;
	p = arena_alloc(a, s.n + 1, 1);
	if (!p)
		return S("");
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		p[i] = (c < 0x20 && c != '\n') || c == 0x7f ? '?' : (char)c;
	}
	s.p = p;
	if (str_is_utf8(s))
		return s;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)p[i] >= 0x80)
			p[i] = '?';
	return s;
}

struct queue_reply send_say(struct arena *a, const char *enhanced_z, const char *fmt, ...)
{
	char text[QUEUE_REPLY_TEXT + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return (struct queue_reply){ .enhanced = str_z(enhanced_z), .text = clean(a, str_z(text)) };
}

static bool is_enhanced(struct str s)
{
	return s.n >= 5 && s.n <= 11 && strchr("245", s.p[0]) && s.p[1] == '.';
}

struct queue_reply send_reply_of(struct arena *a, const struct smtp_client_reply *r)
{
	struct queue_reply q = { .code = r->code >= 200 && r->code <= 599 ? r->code : 0, .text = clean(a, r->text) };

	if (is_enhanced(r->enhanced))
		q.enhanced = clean(a, r->enhanced);
	return q;
}

struct queue_reply send_reply_soft(struct arena *a, struct queue_reply r)
{
	char *p = r.enhanced.n > 0 ? arena_z(a, r.enhanced) : NULL;

	if (!p) {
		r.enhanced = S("4.0.0");
		return r;
	}
	p[0] = '4';
	r.enhanced = str_z(p);
	return r;
}

struct queue_reply send_reply_before(struct arena *a, struct queue_reply r)
{
	return r.code >= 500 && r.code != 521 ? send_reply_soft(a, r) : r;
}

enum queue_outcome send_outcome_before(enum queue_stage stage, const struct queue_reply *r)
{
	bool is_final = (stage == QUEUE_AT_DNS || r->code == 521 || r->code == 0) && send_is_permanent(r);

	return is_final ? QUEUE_FAILED : QUEUE_DEFERRED;
}

/* RFC 5321 4.2.1: the code's first digit; without a code ours, RFC 3463 2. */
bool send_is_permanent(const struct queue_reply *r)
{
	return r->code ? r->code >= 500 : str_starts(r->enhanced, S("5"));
}

/* SPDX-License-Identifier: MIT */
/*
 * Responses, piece by piece, to the connection. The only place that knows how text must
 * be spelled for a client.
 */
#include "imap/resp.h"

#include "base/limits.h"
#include "imap/imap_int.h"
#include "imap/utf7.h"
#include "net/conn.h"
#include "store/view.h"

/* Longer strings go as literals: some clients have fixed buffers for quoted ones. */
#define QUOTED_MAX 1000

void imap_resp(struct imap_session *s, struct str text)
{
	conn_write(s->conn, text);
}

__attribute__((format(printf, 2, 0))) static void
respv(struct imap_session *s, const char *fmt, va_list ap)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(4096);

	buf_vprintf(&b, fmt, ap);
	conn_write(s->conn, buf_str(&b));
}

void imap_respf(struct imap_session *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	respv(s, fmt, ap);
	va_end(ap);
}

void imap_resp_end(struct imap_session *s)
{
	conn_write(s->conn, S("\r\n"));
}

/* The human-readable end of "OK [code] text" and the like; nothing when it is data. */
static struct str resp_text(struct str line)
{
	static const struct str kinds[] = { STR_INIT("OK "), STR_INIT("NO "), STR_INIT("BAD "),
					    STR_INIT("BYE ") };
	ptrdiff_t end;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!str_starts(line, kinds[i]))
			continue;
		line = str_skip(line, kinds[i].n);
		end = str_starts(line, S("[")) ? str_find(line, S("] ")) : -2;
		return str_skip(line, end == -1 ? line.n : (size_t)(end + 2));
	}
	return str_skip(line, line.n);
}

void imap_resp_untagged(struct imap_session *s, const char *fmt, ...)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(4096);
	struct str line, text;
	va_list ap;

	conn_write(s->conn, S("* "));
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	line = buf_str(&b);
	text = resp_text(line);
	conn_write(s->conn, str_head(line, line.n - text.n));
	conn_write(s->conn, imap_language_text(s->language, text));
	imap_resp_end(s);
}

/* May v stand between quotes? RFC 9051 9 QUOTED-CHAR, RFC 6855 3; RFC 3501 9: only 7 bits. */
static bool is_quotable(const struct imap_session *s, struct str v)
{
	size_t i;
	bool has_8bit = false;

	if (v.n > QUOTED_MAX)
		return false;
	for (i = 0; i < v.n; i++) {
		if (v.p[i] == '\r' || v.p[i] == '\n' || v.p[i] == '\0')
			return false;
		has_8bit |= (unsigned char)v.p[i] >= 0x80;
	}
	return !has_8bit || (imap_is_utf8(s) && str_is_utf8(v));
}

void imap_resp_string(struct imap_session *s, struct str v)
{
	size_t i, from = 0;

	if (!is_quotable(s, v)) {
		imap_resp_literal(s, v.n, false);
		conn_write(s->conn, v);
		return;
	}
	conn_write(s->conn, S("\""));
	for (i = 0; i < v.n; i++) {
		if (v.p[i] != '"' && v.p[i] != '\\')
			continue;
		conn_write(s->conn, str_of(v.p + from, i - from));
		conn_write(s->conn, S("\\"));
		from = i;
	}
	conn_write(s->conn, str_skip(v, from));
	conn_write(s->conn, S("\""));
}

void imap_resp_nstring(struct imap_session *s, struct str v)
{
	if (v.p == NULL)
		conn_write(s->conn, S("NIL"));
	else
		imap_resp_string(s, v);
}

void imap_resp_literal(struct imap_session *s, uint64_t n, bool is_binary)
{
	char text[32], *p = text + sizeof(text);

	*--p = '\n';
	*--p = '\r';
	*--p = '}';
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	*--p = '{';
	if (is_binary)
		*--p = '~';
	conn_write(s->conn, str_of(p, (size_t)(text + sizeof(text) - p)));
}

/* A name that needs no quotes, which is how clients expect INBOX and the like. */
static bool is_plain_name(struct str v)
{
	size_t i;

	for (i = 0; i < v.n; i++) {
		char c = str_lower_char(v.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '/' && c != '-' &&
		    c != '_' && c != '.')
			return false;
	}
	return v.n > 0 && !str_ieq(v, S("NIL"));
}

void imap_resp_mailbox(struct imap_session *s, struct str name)
{
	AUTO(buf_fini) struct buf utf7 = BUF_INIT(8 * LIMIT_MAILBOX_NAME);

	if (!imap_is_utf8(s)) {
		imap_utf7_encode(&utf7, name);
		name = buf_str(&utf7);
	}
	if (is_plain_name(name))
		conn_write(s->conn, name);
	else
		imap_resp_string(s, name);
}

static const struct {
	uint64_t flag;
	struct str name;
} flag_names[] = {
	{ STORE_ANSWERED, STR_INIT("\\Answered") }, { STORE_FLAGGED, STR_INIT("\\Flagged") },
	{ STORE_DELETED, STR_INIT("\\Deleted") },   { STORE_SEEN, STR_INIT("\\Seen") },
	{ STORE_DRAFT, STR_INIT("\\Draft") },
};

void imap_resp_flags(struct imap_session *s, const struct store_view *v, const struct store_msg *m)
{
	uint16_t numbers[STORE_KEYWORDS_MAX];
	struct str sep = S("(");
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(flag_names); i++) {
		if (m->flags & flag_names[i].flag) {
			conn_write(s->conn, sep);
			conn_write(s->conn, flag_names[i].name);
			sep = S(" ");
		}
	}
	n = m->flags >> STORE_KEYWORD_BIT ? store_keywords_of(v->keywords, m->flags, numbers) : 0;
	for (i = 0; i < n; i++) {
		conn_write(s->conn, sep);
		conn_write(s->conn, v->keywords->v[numbers[i]]);
		sep = S(" ");
	}
	if (imap_is_recent(s, m->uid)) {
		conn_write(s->conn, sep);
		conn_write(s->conn, S("\\Recent"));
		sep = S(" ");
	}
	conn_write(s->conn, sep.p[0] == '(' ? S("()") : S(")"));
}

void imap_resp_uidset(struct imap_session *s, const struct uidset *set)
{
	/* Range by range: a set may be megabytes as text. */
	for (size_t i = 0; i < set->n; i++) {
		AUTO(buf_fini) struct buf b = BUF_INIT(64);
		struct uidset one = { .r = &set->r[i], .n = 1 };

		if (i > 0)
			conn_write(s->conn, S(","));
		uidset_print(&b, &one);
		conn_write(s->conn, buf_str(&b));
	}
}

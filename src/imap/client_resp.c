/* SPDX-License-Identifier: MIT */
/*
 * What an IMAP server answers (RFC 9051 7), as far as a client that copies mail needs it. Built on the cursors of parse.c, and looser where servers are:
 * strings with any bytes, flags that nobody knows, items that nobody asked for.
 */
#include "imap/client_int.h"

#include "base/limits.h"

#define DEPTH_MAX 20

/* "...{123}" at the end of a line: 1; 0 none. */
static int literal_at_end(struct str line, uint64_t *ret)
{
	ptrdiff_t open = str_rchr(line, '{');

	if (line.n < 3 || line.p[line.n - 1] != '}' || open < 0)
		return 0;
	return str_to_u64(str_of(line.p + open + 1, line.n - (size_t)open - 2), UINT64_MAX, ret);
}

int imap_client_scan(struct imap_client_scan *s, struct str in, uint64_t max_literal, size_t *ret_n)
{
	while (in.n > s->at) {
		struct str line = str_skip(in, s->at);
		ptrdiff_t lf = str_chr(str_skip(line, s->looked), '\n');
		size_t n = lf < 0 ? line.n : s->looked + (size_t)lf + 1;
		uint64_t literal;

		if (s->in_lines + n > LIMIT_IMAP_RESPONSE)
			return -E_LIMIT;
		s->looked = lf < 0 ? n : 0;
		if (lf < 0)
			return 0;
		s->in_lines += n;
		s->at += n;
		if (n < 2 || line.p[n - 2] != '\r' || !literal_at_end(str_head(line, n - 2), &literal)) {
			*ret_n = s->at;
			*s = (struct imap_client_scan){ 0 };
			return 1;
		}
		if (literal > max_literal || s->at + literal > max_literal + LIMIT_IMAP_RESPONSE)
			return -E_LIMIT;
		s->at += (size_t)literal;
	}
	return 0;
}

int imap_client_response(struct str in, uint64_t max_literal, size_t *ret_n)
{
	struct imap_client_scan s = { 0 };

	return imap_client_scan(&s, in, max_literal, ret_n);
}

/* ---- pieces ---- */

/* literal of any bytes: servers send NUL where they have it. */
static int any_literal(struct imap_parse *p, struct str *ret)
{
	struct imap_parse q = *p;
	uint64_t n;

	(void)imap_parse_char(&q, '~');
	if (imap_parse_char(&q, '{') <= 0 || imap_parse_number64(&q, &n) <= 0 || imap_parse_prefix(&q, S("}\r\n")) <= 0 ||
	    n > (uint64_t)(q.end - q.p))
		return 0;
	*ret = str_of(q.p, (size_t)n);
	p->p = q.p + n;
	return 1;
}

/* quoted, with any bytes but NUL, CR and LF. */
static int any_quoted(struct imap_parse *p, struct str *ret)
{
	const char *at = p->p;
	size_t n_escapes = 0, n = 0;
	char *out;

	if (at == p->end || *at != '"')
		return 0;
	for (at++; at < p->end && *at != '"'; at++) {
		if (*at == '\\') {
			n_escapes++;
			at++;
		}
		if (at == p->end || *at == '\r' || *at == '\n' || *at == '\0')
			return 0;
	}
	if (at == p->end)
		return 0;
	*ret = str_of(p->p + 1, (size_t)(at - p->p) - 1);
	p->p = at + 1;
	if (n_escapes == 0)
		return 1;
	out = arena_alloc(p->arena, ret->n, 1);
	if (out == NULL)
		return -E_LIMIT;
	for (size_t i = 0; i < ret->n; i++) {
		i += ret->p[i] == '\\';
		out[n++] = ret->p[i];
	}
	*ret = str_of(out, n);
	return 1;
}

/* nstring; NIL gives p == NULL. */
static int any_string(struct imap_parse *p, struct str *ret)
{
	int r = any_literal(p, ret);

	if (r == 0 && imap_parse_word(p, S("NIL")) > 0) {
		*ret = str_of(NULL, 0);
		return 1;
	}
	return r != 0 ? r : any_quoted(p, ret);
}

/* A value that is not needed: a string, a list, or a run without spaces and brackets. */
static int skip_value(struct imap_parse *p, int depth)
{
	struct str s;
	int r;

	if (depth > DEPTH_MAX)
		return -E_LIMIT;
	r = any_string(p, &s);
	if (r != 0)
		return r;
	if (imap_parse_char(p, '(') > 0) {
		while (imap_parse_char(p, ')') <= 0) {
			if (imap_parse_peek(p) == ' ')
				p->p++;
			else if ((r = skip_value(p, depth + 1)) <= 0)
				return r;
		}
		return 1;
	}
	for (r = 0; p->p < p->end && !strchr(" ()\r\n\"", *p->p); r = 1)
		p->p++;
	return r;
}

/* flag-list as servers send it: with \Recent, unknown ones and \*; those that cannot be kept are left out. */
static int flag_list(struct imap_parse *p, struct imap_flags *ret)
{
	if (imap_parse_char(p, '(') <= 0)
		return 0;
	while (imap_parse_char(p, ')') <= 0) {
		const char *from = p->p;
		int r = imap_parse_flag(p, ret);

		if (r == 0 || r == -E_LIMIT) {
			while (p->p < p->end && !strchr(" ()\r\n", *p->p))
				p->p++;
		} else if (r < 0) {
			return r;
		}
		(void)imap_parse_sp(p);
		if (p->p == from)
			return 0;
	}
	return 1;
}

/* ---- FETCH ---- */

static bool is_whole(struct str name)
{
	return str_ieq(name, S("BODY[]")) || str_ieq(name, S("RFC822")) || str_ieq(name, S("BINARY[]"));
}

/* "UID", "BODY[]", "BODY[HEADER.FIELDS (A)]<0>": up to the space behind it. */
static struct str item_name(struct imap_parse *p)
{
	const char *from = p->p;
	int depth = 0;

	while (p->p < p->end && (depth > 0 || (*p->p != ' ' && *p->p != ')')) && *p->p != '\r') {
		depth += *p->p == '[' ? 1 : *p->p == ']' ? -1 : 0;
		p->p++;
	}
	return str_of(from, (size_t)(p->p - from));
}

/* What was asked for as a whole is not replaced by a part. */
static int body(struct imap_parse *p, struct imap_client_reply *r, bool is_all)
{
	struct str bytes;
	int rc = imap_need(any_string(p, &bytes));

	if (rc < 0 || (r->is_whole && !is_all))
		return rc;
	r->body = bytes;
	r->has_body = bytes.p != NULL;
	r->is_whole = is_all && r->has_body;
	return 0;
}

/* mod-sequence: "(" 1*DIGIT ")" (RFC 7162 7) */
static int modseq(struct imap_parse *p, uint64_t *ret)
{
	struct imap_parse q = *p;

	if (imap_parse_char(&q, '(') <= 0 || imap_parse_number64(&q, ret) <= 0 || imap_parse_char(&q, ')') <= 0)
		return imap_need(skip_value(p, 0));
	p->p = q.p;
	return 0;
}

static int fetch_item(struct imap_parse *p, struct imap_client_reply *r)
{
	struct str name = item_name(p);

	if (name.n == 0 || imap_parse_sp(p) <= 0)
		return -E_SYNTAX;
	if (str_ieq(name, S("UID")))
		return imap_need(imap_parse_nz_number(p, &r->uid));
	if (str_ieq(name, S("RFC822.SIZE")))
		return imap_need(imap_parse_number64(p, &r->size));
	if (str_ieq(name, S("MODSEQ")))
		return modseq(p, &r->modseq);
	if (str_ieq(name, S("FLAGS"))) {
		r->has_flags = true;
		r->flags = (struct imap_flags){ 0 };
		return imap_need(flag_list(p, &r->flags));
	}
	if (str_ieq(name, S("INTERNALDATE")) && imap_parse_date_time(p, &r->date_s) > 0)
		return 0;
	if (is_whole(name) || str_istarts(name, S("BODY[")))
		return body(p, r, is_whole(name));
	return imap_need(skip_value(p, 0));
}

/* msg-att, behind "* 12 FETCH " */
static int fetch(struct imap_parse *p, struct imap_client_reply *r)
{
	int rc = 0;

	if (imap_parse_char(p, '(') <= 0)
		return -E_SYNTAX;
	while (rc == 0 && imap_parse_char(p, ')') <= 0) {
		rc = fetch_item(p, r);
		(void)imap_parse_sp(p);
	}
	return rc < 0 ? rc : 1;
}

/* ---- LIST ---- */

/* mailbox as it stands there: an atom, or a string of any bytes. */
static int mailbox(struct imap_parse *p, struct str *ret)
{
	const char *from = p->p;
	int r = any_literal(p, ret);

	if (r == 0)
		r = any_quoted(p, ret);
	if (r == 0) {
		while (p->p < p->end && !strchr(" ()\r\n\"{", *p->p))
			p->p++;
		*ret = str_of(from, (size_t)(p->p - from));
		r = 1;
	}
	return r > 0 && ret->n > 0 ? 1 : r < 0 ? r : -E_SYNTAX;
}

/* mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox */
static int list(struct imap_parse *p, struct imap_client_reply *r)
{
	const char *from = p->p;
	struct str flags, delimiter;

	if (imap_parse_peek(p) != '(' || skip_value(p, 0) <= 0)
		return -E_SYNTAX;
	flags = str_of(from + 1, (size_t)(p->p - from) - 2);
	r->attributes = flags;
	r->is_noselect = str_ifind(flags, S("\\Noselect")) >= 0 || str_ifind(flags, S("\\NonExistent")) >= 0;
	if (imap_parse_sp(p) <= 0 || any_string(p, &delimiter) <= 0 || imap_parse_sp(p) <= 0)
		return -E_SYNTAX;
	r->delimiter = delimiter.n ? delimiter.p[0] : '\0';
	return mailbox(p, &r->name);
}

/* ---- numbers and sets ---- */

/* What is left of the line. */
static struct str rest_of_line(const struct imap_parse *p)
{
	return str_trim(str_of(p->p, (size_t)(p->end - p->p)));
}

/* search-correlator, "UID", then pairs of a name and a value (RFC 9051 7.3.4); of those ALL is kept. */
static int esearch(struct imap_parse *p, struct imap_client_reply *r)
{
	bool is_next = imap_parse_peek(p) != '(';

	if (!is_next && skip_value(p, 0) <= 0)
		return -E_SYNTAX;
	for (; is_next || imap_parse_sp(p) > 0; is_next = false) {
		struct str name = item_name(p);
		const char *from;

		if (str_ieq(name, S("UID")))
			continue;
		if (name.n == 0 || imap_parse_sp(p) <= 0)
			return -E_SYNTAX;
		from = p->p;
		if (skip_value(p, 0) <= 0)
			return -E_SYNTAX;
		if (str_ieq(name, S("ALL")))
			r->text = str_of(from, (size_t)(p->p - from));
	}
	return 1;
}

/* "* VANISHED (EARLIER) 1:3" (RFC 7162 3.2.10) */
static int vanished(struct imap_parse *p, struct imap_client_reply *r)
{
	if (imap_parse_prefix(p, S("(EARLIER) ")) > 0)
		r->is_earlier = true;
	r->text = rest_of_line(p);
	return r->text.n > 0 ? 1 : -E_SYNTAX;
}

static int search(struct imap_parse *p, struct imap_client_reply *r)
{
	r->text = rest_of_line(p);
	return 1;
}

/* ---- status ---- */

static void number_of(struct imap_client_reply *r, struct str name, uint64_t v)
{
	uint32_t small = v <= UINT32_MAX ? (uint32_t)v : 0;

	if (str_ieq(name, S("UIDVALIDITY")))
		r->uidvalidity = small;
	else if (str_ieq(name, S("UIDNEXT")))
		r->uidnext = small;
	else if (str_ieq(name, S("HIGHESTMODSEQ")))
		r->highestmodseq = v;
	else if (str_ieq(name, S("MESSAGES")))
		r->number = small;
}

/* "* STATUS INBOX (MESSAGES 3 UIDNEXT 7)" (RFC 9051 7.3.3) */
static int status_data(struct imap_parse *p, struct imap_client_reply *r)
{
	int rc = mailbox(p, &r->name);

	if (rc < 0 || imap_parse_sp(p) <= 0 || imap_parse_char(p, '(') <= 0)
		return -E_SYNTAX;
	while (imap_parse_char(p, ')') <= 0) {
		struct str name = item_name(p);
		uint64_t v = 0;

		if (name.n == 0 || imap_parse_sp(p) <= 0)
			return -E_SYNTAX;
		if (imap_parse_number64(p, &v) <= 0 && skip_value(p, 0) <= 0)
			return -E_SYNTAX;
		number_of(r, name, v);
		(void)imap_parse_sp(p);
	}
	return 1;
}

/* The length of resp-text-code at the beginning of text, behind its "[": up to the "]" that is in no quoted string. */
static ptrdiff_t code_length(struct str text)
{
	bool is_quoted = false;

	for (size_t i = 1; i < text.n; i++) {
		if (is_quoted && text.p[i] == '\\')
			i++;
		else if (text.p[i] == '"')
			is_quoted = !is_quoted;
		else if (text.p[i] == ']' && !is_quoted)
			return (ptrdiff_t)i - 1;
	}
	return -1;
}

/* resp-code-apnd, resp-code-copy (RFC 9051 9), and codes that are a number. */
static void code(struct imap_client_reply *r)
{
	struct str rest = r->code, name = S(""), first = S("");
	bool is_copy;
	uint64_t v;

	(void)str_split(&rest, ' ', &name);
	is_copy = str_ieq(name, S("COPYUID"));
	(void)str_split(&rest, ' ', &first);
	if (!str_to_u64(first, INT64_MAX, &v))
		return;
	number_of(r, name, v);
	if (!is_copy && !str_ieq(name, S("APPENDUID")))
		return;
	r->uidvalidity = v <= UINT32_MAX ? (uint32_t)v : 0;
	if (is_copy)
		(void)str_split(&rest, ' ', &r->uids_from);
	r->uids_to = rest;
}

static int status(struct imap_parse *p, enum imap_client_kind kind, struct imap_client_reply *r)
{
	ptrdiff_t n;

	r->kind = kind;
	r->text = rest_of_line(p);
	n = str_starts(r->text, S("[")) ? code_length(r->text) : -1;
	if (n >= 0) {
		r->code = str_of(r->text.p + 1, (size_t)n);
		r->text = str_trim(str_skip(r->text, (size_t)n + 2));
		code(r);
	}
	return 1;
}

static int untagged_number(struct imap_parse *p, struct imap_client_reply *r)
{
	if (imap_parse_word(p, S("EXISTS")) > 0)
		r->kind = IMAP_CLIENT_EXISTS;
	else if (imap_parse_word(p, S("EXPUNGE")) > 0)
		r->kind = IMAP_CLIENT_EXPUNGE;
	else if (imap_parse_word(p, S("FETCH")) > 0) {
		r->kind = IMAP_CLIENT_FETCH;
		return imap_parse_sp(p) > 0 ? fetch(p, r) : -E_SYNTAX;
	}
	return 1;
}

static int untagged(struct imap_parse *p, struct imap_client_reply *r)
{
	static const struct {
		struct str word;
		enum imap_client_kind kind;
	} words[] = {
		{ STR_INIT("OK"), IMAP_CLIENT_UNTAGGED }, { STR_INIT("NO"), IMAP_CLIENT_UNTAGGED }, { STR_INIT("BAD"), IMAP_CLIENT_UNTAGGED },
		{ STR_INIT("PREAUTH"), IMAP_CLIENT_PREAUTH }, { STR_INIT("BYE"), IMAP_CLIENT_BYE },
		{ STR_INIT("CAPABILITY"), IMAP_CLIENT_CAPABILITY },
	};
	static const struct {
		struct str word;
		enum imap_client_kind kind;
		int (*parse)(struct imap_parse *p, struct imap_client_reply *r);
	} data[] = {
		{ STR_INIT("LSUB"), IMAP_CLIENT_LIST, list },
		{ STR_INIT("LIST"), IMAP_CLIENT_LIST, list },
		{ STR_INIT("STATUS"), IMAP_CLIENT_STATUS, status_data },
		{ STR_INIT("SEARCH"), IMAP_CLIENT_SEARCH, search },
		{ STR_INIT("ESEARCH"), IMAP_CLIENT_SEARCH, esearch },
		{ STR_INIT("VANISHED"), IMAP_CLIENT_VANISHED, vanished },
	};

	if (imap_parse_number(p, &r->number) > 0)
		return imap_parse_sp(p) > 0 ? untagged_number(p, r) : -E_SYNTAX;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (imap_parse_word(p, words[i].word) > 0) {
			r->is_ok = i == 0;
			r->is_bad = i == 2;
			return status(p, words[i].kind, r);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(data); i++) {
		if (imap_parse_word(p, data[i].word) > 0) {
			r->kind = data[i].kind;
			r->is_lsub = i == 0;
			return imap_parse_sp(p) > 0 ? data[i].parse(p, r) : data[i].kind == IMAP_CLIENT_SEARCH ? 1 : -E_SYNTAX;
		}
	}
	return 1;
}

int imap_client_parse(struct arena *a, struct str response, struct imap_client_reply *ret)
{
	struct imap_client_reply r = { 0 };
	struct imap_parse p;
	int rc = -E_SYNTAX;

	imap_parse_init(&p, a, response, false);
	if (imap_parse_char(&p, '+') > 0) {
		r.kind = IMAP_CLIENT_CONTINUE;
		r.text = rest_of_line(&p);
		rc = 1;
	} else if (imap_parse_prefix(&p, S("* ")) > 0) {
		rc = untagged(&p, &r);
	} else if (imap_parse_tag(&p, &r.tag) > 0 && imap_parse_sp(&p) > 0) {
		r.is_ok = imap_parse_word(&p, S("OK")) > 0;
		r.is_bad = !r.is_ok && imap_parse_word(&p, S("BAD")) > 0;
		if (r.is_ok || r.is_bad || imap_parse_word(&p, S("NO")) > 0)
			rc = status(&p, IMAP_CLIENT_TAGGED, &r);
	}
	if (rc > 0)
		*ret = r;
	return rc;
}

/* SPDX-License-Identifier: MIT */
/* What an IMAP server answers (RFC 9051 7), as far as copying mail from it needs. Built on the cursors of room imap. */
#include "move/imap.h"

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

int move_imap_response(struct str in, size_t *ret_n)
{
	size_t at = 0, in_lines = 0;
	uint64_t n;

	while (true) {
		struct str rest = str_skip(in, at);
		ptrdiff_t lf = str_chr(str_head(rest, LIMIT_MOVE_LINE), '\n');

		if (lf < 0 || in_lines + (size_t)lf > LIMIT_MOVE_LINE)
			return rest.n >= LIMIT_MOVE_LINE || lf >= 0 ? -E_LIMIT : 0;
		in_lines += (size_t)lf;
		at += (size_t)lf + 1;
		if (lf == 0 || rest.p[lf - 1] != '\r' || !literal_at_end(str_head(rest, (size_t)lf - 1), &n)) {
			*ret_n = at;
			return 1;
		}
		if (n > LIMIT_IMPORT_MESSAGE || at + n > LIMIT_IMPORT_MESSAGE + LIMIT_MOVE_LINE)
			return -E_LIMIT;
		if (n > in.n - at)
			return 0;
		at += (size_t)n;
	}
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

/* nstring; NIL gives p == NULL. */
static int any_string(struct imap_parse *p, struct str *ret)
{
	int r = any_literal(p, ret);

	if (r == 0 && imap_parse_word(p, S("NIL")) > 0) {
		*ret = str_of(NULL, 0);
		return 1;
	}
	return r != 0 ? r : imap_parse_quoted(p, ret);
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

static bool is_body(struct str name)
{
	return str_ieq(name, S("BODY[]")) || str_ieq(name, S("RFC822"));
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

static int fetch_item(struct imap_parse *p, struct move_imap_reply *r)
{
	struct str name = item_name(p);

	if (name.n == 0 || imap_parse_sp(p) <= 0)
		return -E_SYNTAX;
	if (str_ieq(name, S("UID")))
		return imap_need(imap_parse_nz_number(p, &r->uid));
	if (str_ieq(name, S("RFC822.SIZE")))
		return imap_need(imap_parse_number64(p, &r->size));
	if (str_ieq(name, S("FLAGS"))) {
		r->has_flags = true;
		return imap_need(flag_list(p, &r->flags));
	}
	if (str_ieq(name, S("INTERNALDATE")) && imap_parse_date_time(p, &r->date_s) > 0)
		return 0;
	if (is_body(name)) {
		int rc = imap_need(any_string(p, &r->body));

		r->has_body = rc == 0 && r->body.p != NULL;
		return rc;
	}
	return imap_need(skip_value(p, 0));
}

/* msg-att, behind "* 12 FETCH " */
static int fetch(struct imap_parse *p, struct move_imap_reply *r)
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

/* mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox */
static int list(struct imap_parse *p, struct move_imap_reply *r)
{
	const char *from = p->p;
	struct str flags, delimiter;

	if (imap_parse_peek(p) != '(' || skip_value(p, 0) <= 0)
		return -E_SYNTAX;
	flags = str_of(from, (size_t)(p->p - from));
	r->is_noselect = str_ifind(flags, S("\\Noselect")) >= 0 || str_ifind(flags, S("\\NonExistent")) >= 0;
	if (imap_parse_sp(p) <= 0 || any_string(p, &delimiter) <= 0 || imap_parse_sp(p) <= 0)
		return -E_SYNTAX;
	r->delimiter = delimiter.n ? delimiter.p[0] : '\0';
	if (any_literal(p, &r->name) > 0)
		return 1;
	return imap_parse_astring(p, &r->name) > 0 && r->name.n ? 1 : -E_SYNTAX;
}

/* ---- status ---- */

static void number_code(struct str text, struct str name, uint32_t *ret)
{
	struct imap_parse p;
	uint32_t v;

	if (!str_istarts(text, name))
		return;
	imap_parse_init(&p, NULL, str_skip(text, name.n), false);
	if (imap_parse_nz_number(&p, &v) > 0)
		*ret = v;
}

static int status(struct imap_parse *p, enum move_imap_kind kind, struct move_imap_reply *r)
{
	r->kind = kind;
	r->text = str_trim(str_of(p->p, (size_t)(p->end - p->p)));
	number_code(r->text, S("[UIDVALIDITY "), &r->uidvalidity);
	number_code(r->text, S("[UIDNEXT "), &r->uidnext);
	return 1;
}

static int untagged_number(struct imap_parse *p, struct move_imap_reply *r)
{
	if (imap_parse_word(p, S("EXISTS")) > 0)
		r->kind = MOVE_IMAP_EXISTS;
	else if (imap_parse_word(p, S("EXPUNGE")) > 0)
		r->kind = MOVE_IMAP_EXPUNGE;
	else if (imap_parse_word(p, S("FETCH")) > 0) {
		r->kind = MOVE_IMAP_FETCH;
		return imap_parse_sp(p) > 0 ? fetch(p, r) : -E_SYNTAX;
	}
	return 1;
}

static int untagged(struct imap_parse *p, struct move_imap_reply *r)
{
	static const struct {
		struct str word;
		enum move_imap_kind kind;
	} words[] = {
		{ STR_INIT("OK"), MOVE_IMAP_UNTAGGED }, { STR_INIT("NO"), MOVE_IMAP_UNTAGGED }, { STR_INIT("BAD"), MOVE_IMAP_UNTAGGED },
		{ STR_INIT("PREAUTH"), MOVE_IMAP_GREETING_AUTH }, { STR_INIT("BYE"), MOVE_IMAP_BYE },
		{ STR_INIT("CAPABILITY"), MOVE_IMAP_CAPABILITY },
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
	r->is_lsub = imap_parse_word(p, S("LSUB")) > 0;
	if (r->is_lsub || imap_parse_word(p, S("LIST")) > 0) {
		r->kind = MOVE_IMAP_LIST;
		return imap_parse_sp(p) > 0 ? list(p, r) : -E_SYNTAX;
	}
	return 1;
}

int move_imap_parse(struct arena *a, struct str response, struct move_imap_reply *ret)
{
	struct move_imap_reply r = { 0 };
	struct imap_parse p;
	int rc = -E_SYNTAX;

	imap_parse_init(&p, a, response, false);
	if (imap_parse_char(&p, '+') > 0) {
		r.kind = MOVE_IMAP_CONTINUE;
		rc = 1;
	} else if (imap_parse_prefix(&p, S("* ")) > 0) {
		rc = untagged(&p, &r);
	} else if (imap_parse_tag(&p, &r.tag) > 0 && imap_parse_sp(&p) > 0) {
		r.is_ok = imap_parse_word(&p, S("OK")) > 0;
		r.is_bad = !r.is_ok && imap_parse_word(&p, S("BAD")) > 0;
		if (r.is_ok || r.is_bad || imap_parse_word(&p, S("NO")) > 0)
			rc = status(&p, MOVE_IMAP_TAGGED, &r);
	}
	if (rc > 0)
		*ret = r;
	return rc;
}

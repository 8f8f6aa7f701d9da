/* SPDX-License-Identifier: MIT */
/*
 * Cursor over one complete command (RFC 9051 9): one function per production. All return
 * 1 (it was there, the cursor stands after it), 0 (it is not there, the cursor has not
 * moved) or negative (-E_LIMIT: arena full; other codes where said; the cursor has not
 * moved). Slices point into the command or, when something was decoded, into the arena.
 * In the command text a literal's bytes stand right after its "{n}" CRLF.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct imap_parse {
	const char *p, *end;
	struct arena *arena;
	bool is_utf8; /* mailbox names are UTF-8 (IMAP4rev2, UTF8=ACCEPT), not modified UTF-7 */
};

void imap_parse_init(struct imap_parse *p, struct arena *a, struct str command, bool is_utf8);

/*
 * For handlers: 1 -> 0, 0 -> -E_SYNTAX, negative -> itself. if ((r =
 * imap_need(imap_parse_sp(p))) < 0) return r;
 */
static inline int imap_need(int got)
{
	return got > 0 ? 0 : got == 0 ? -E_SYNTAX : got;
}

/* The whole command is consumed? */
int imap_parse_end(const struct imap_parse *p);
/* Next byte without taking it; -1 at the end. */
int imap_parse_peek(const struct imap_parse *p);

int imap_parse_sp(struct imap_parse *p);
int imap_parse_char(struct imap_parse *p, char c);
/*
 * A keyword in any case, not followed by another atom character: imap_parse_word(p,
 * S("RETURN")).
 */
int imap_parse_word(struct imap_parse *p, struct str word);
/* The same without the look-ahead: for "BODY[", "FLAGS.SILENT" built from pieces. */
int imap_parse_prefix(struct imap_parse *p, struct str word);
int imap_parse_tag(struct imap_parse *p, struct str *ret);
/* 1*ATOM-CHAR */
int imap_parse_atom(struct imap_parse *p, struct str *ret);
/*
 * Letters, digits, '.', '-', '_': names of items and options; stops before "[", "(", "<"
 * and the like.
 */
int imap_parse_name(struct imap_parse *p, struct str *ret);

int imap_parse_number(struct imap_parse *p, uint32_t *ret);
int imap_parse_nz_number(struct imap_parse *p, uint32_t *ret);
int imap_parse_number64(struct imap_parse *p, uint64_t *ret);

int imap_parse_quoted(struct imap_parse *p, struct str *ret);
/* Does a quoted string stand here that would be one but for bytes that are no UTF-8? */
bool imap_parse_is_other_charset(const struct imap_parse *p);
/*
 * "{n}" or "{n+}"; ret_is_binary (may be NULL: then "~{n}" does not match) tells "~{n}".
 * NUL only in the latter.
 */
int imap_parse_literal(struct imap_parse *p, struct str *ret, bool *ret_is_binary);
int imap_parse_string(struct imap_parse *p, struct str *ret);
/* NIL gives p == NULL. */
int imap_parse_nstring(struct imap_parse *p, struct str *ret);
int imap_parse_astring(struct imap_parse *p, struct str *ret);
/* 1*list-char / string as written; imap_parse_list_mailbox() is what commands want. */
int imap_parse_list_chars(struct imap_parse *p, struct str *ret);
/*
 * list-mailbox or string: LIST's pattern; decoded like a mailbox name. -E_CANNOT: bad
 * encoding.
 */
int imap_parse_list_mailbox(struct imap_parse *p, struct str *ret);
/*
 * Decoded to UTF-8 (8-bit bytes are always UTF-8, RFC 6855 3); INBOX in upper case; not normalised (store_name_check does).
 * -E_CANNOT: bad modified UTF-7 or UTF-8.
 */
int imap_parse_mailbox(struct imap_parse *p, struct str *ret);
/* Also as it was written, decoded only: RFC 9051 6.3.9.7. */
int imap_parse_mailbox_given(struct imap_parse *p, struct str *ret, struct str *ret_given);

struct imap_seq_range {
	uint32_t lo, hi; /* as written; 0 is "*" */
};
struct imap_seqset {
	struct imap_seq_range *r;
	size_t n;
	bool is_saved; /* "$" (RFC 5182) */
};
/* sequence-set; what the numbers mean is seqset.h's job. */
int imap_parse_seqset(struct imap_parse *p, struct imap_seqset *ret);

struct imap_partial { /* RFC 9394 4 */
	uint32_t lo, hi; /* places in a list, from 1; lo <= hi */
	bool is_last;    /* counted from its end */
	struct str text; /* as written */
};
/* partial-range = nz-number ":" nz-number / "-" nz-number ":" "-" nz-number */
int imap_parse_partial(struct imap_parse *p, struct imap_partial *ret);

struct imap_flags {
	uint64_t flags; /* enum store_flag */
	struct str *keywords;
	size_t n_keywords;
	size_t cap;
};
/*
 * One flag added to *ret: system flags in any case, keywords. "\Recent" and unknown "\X"
 * flags do not match.
 */
int imap_parse_flag(struct imap_parse *p, struct imap_flags *ret);
/* "(" [flag *(SP flag)] ")" */
int imap_parse_flag_list(struct imap_parse *p, struct imap_flags *ret);

/*
 * DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE: seconds
 * since the epoch.
 */
int imap_parse_date_time(struct imap_parse *p, int64_t *ret_s);
/* date-text or quoted date-text: midnight UTC of that day as seconds since the epoch. */
int imap_parse_date(struct imap_parse *p, int64_t *ret_s);

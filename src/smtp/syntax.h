/* SPDX-License-Identifier: MIT */
/*
 * The text of SMTP commands as structs: paths, parameters, xtext. Pure functions, no I/O.
 * Parsers are cursors: they answer 1 and advance *in, or 0 ("not this") or a negative code and
 * leave *in alone.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum smtp_path_flags {
	SMTP_PATH_NULL = 1,       /* "<>" is accepted: reverse-path */
	SMTP_PATH_POSTMASTER = 2, /* "<Postmaster>" is accepted: RFC 5321 4.1.1.3 */
	SMTP_PATH_UTF8 = 4,       /* the transaction has SMTPUTF8: RFC 6531 3.3 */
};

/*
 * A reverse-path or forward-path in angle brackets; a source route is read and ignored (RFC
 * 5321 C). *ret_address is a copy in the arena: local-part@domain, the local part unquoted
 * where it need not be quoted ("postmaster" for <Postmaster>), empty for the null path. 1; 0:
 * no path; -E_BAD_CHARSET: UTF-8 without SMTP_PATH_UTF8; -E_TOO_BIG: longer than
 * LIMIT_SMTP_PATH; -E_LIMIT: the arena is full.
 */
MUST_CHECK int smtp_path_parse(struct str *in, unsigned flags, struct arena *a,
			       struct str *ret_address);

/* Cursor over one production each. Domain accepts "_" too: seen in names of Windows hosts. */
MUST_CHECK int smtp_domain_parse(struct str *in, struct str *ret);
MUST_CHECK int smtp_address_literal_parse(struct str *in, struct str *ret);

struct smtp_param {
	struct str keyword;
	struct str value; /* p == NULL when there is no "=" */
};
/* The next SP-separated parameter: 1, 0 at the end, -E_SYNTAX. */
MUST_CHECK int smtp_param_next(struct str *in, struct smtp_param *ret);

/* RFC 3461 4: decodes xtext and adds the result to out. False: it is not xtext. */
MUST_CHECK bool smtp_xtext_decode(struct str s, struct buf *out);
/* RFC 3461 4.2, RFC 6533 3: addr-type ";" address in xtext or utf-8-addr-unitext. */
MUST_CHECK bool smtp_orcpt_is_valid(struct str s, bool allows_utf8);

/* RFC 6533 3: the same (valid UTF-8) for a server that knows nothing of SMTPUTF8: what is not ASCII as \x{...}. */
void smtp_orcpt_add_ascii(struct str s, struct buf *out);

/* Is the argument of HELO, EHLO or LHLO a domain or address literal as the grammar wants it? */
bool smtp_helo_is_valid(struct str s);

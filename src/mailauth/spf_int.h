/* SPDX-License-Identifier: MIT */
/* Private to SPF: macros (RFC 7208 7). */
#pragma once

#include "base/buf.h"
#include "mailauth/spf.h"

#define SPF_NAME_MAX 253 /* RFC 7208 7.3 */

/* domain-spec, whole: a macro-string that ends in a top label or a macro. */
bool spf_domain_spec_is(struct str s);
/* macro-string, whole. */
bool spf_macro_string_is(struct str s);
/* Does what it means depend on the message or the client? Only %{d} does not. */
bool spf_has_macro(struct str s);
/* What letters stand for. p: asks the DNS, so it is a function. */
struct spf_values {
	const struct spf_query *query;      /* with a sender that has both parts */
	struct str domain;                  /* <domain>, of the record that is evaluated */
	struct str (*validated)(void *ctx); /* %{p} */
	void *ctx;
};
/* Adds what a valid macro-string means. is_text: of an explanation, with spaces and the letters c, r, t. False: it is not valid, or does not fit. */
bool spf_expand(struct str s, const struct spf_values *v, bool is_text, struct buf *out);
/* The same for a name to ask for: at most SPF_NAME_MAX bytes, what is too much cut from the left by labels, no last dot. False also when nothing is left. */
bool spf_expand_name(struct str s, const struct spf_values *v, struct arena *a, struct str *ret);

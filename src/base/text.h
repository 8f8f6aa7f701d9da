/* SPDX-License-Identifier: MIT */
/* Base64 and hexadecimal (RFC 4648), and quoted strings, used by SASL, MIME and the protocol rooms. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* RFC 4648 4: adds the encoding of s, with padding, without line breaks. */
void text_b64_encode(struct buf *out, struct str s);
/* What the character stands for, 0 to 63; -1: it is none of them. */
static inline int text_b64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/*
 * Strict decoding (RFC 4648 4: padding needed, no other characters): false on a violation. Adds to
 * out; what was added before the violation stays.
 */
bool text_b64_decode(struct buf *out, struct str s);
void text_hex(struct buf *out, struct str s);
/* 0..15, or -1. */
int text_hex_digit(char c);
/* In double quotes, with a backslash before a double quote or a backslash: quoted strings of RFC 5322 3.2.4, RFC 5321 4.1.2, RFC 9051 9. */
void text_quote(struct buf *out, struct str s);
/*
 * Adds what strangers say so that it may be shown: a control character other than LF, of those that turn the direction of text too, and what is no
 * UTF-8, is "?" for each byte, a tab is a space. As many whole characters as fit into out.
 */
void text_clean(struct buf *out, struct str s);

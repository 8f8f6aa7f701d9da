/* SPDX-License-Identifier: MIT */
/*
 * Grammar of SMTP arguments: RFC 5321 4.1.2 and 4.1.3, with the internationalized productions
 * of RFC 6531 3.3. One function for each production, the ABNF line above it.
 *
 * Strict, with three tolerances, each marked where it is made: "_" in domains, spaces after
 * "FROM:" and "TO:" (cmd_mail.c, cmd_rcpt.c), and control over UTF-8 in one flag.
 */
#include "smtp/syntax.h"

#include "base/limits.h"
#include "base/text.h"

#include <arpa/inet.h>

static bool is_alpha(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/*
 * atext = ALPHA / DIGIT / "!" / "#" / "$" / ... (RFC 5322 3.2.3), with UTF8-non-ascii (RFC 6531
 * 3.3)
 */
static bool is_atext(unsigned char c)
{
	return is_alpha(c) || is_digit(c) || c >= 0x80 ||
	       (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool take_char(struct str *in, char c)
{
	if (in->n == 0 || in->p[0] != c)
		return false;
	*in = str_skip(*in, 1);
	return true;
}

/* sub-domain = Let-dig [Ldh-str]   (or a U-label) */
static size_t sub_domain_length(struct str s)
{
	size_t n = 0;

	while (n < s.n) {
		unsigned char c = (unsigned char)s.p[n];

		if (!is_alpha(c) && !is_digit(c) && c < 0x80 && c != '_' && (c != '-' || n == 0))
			break;
		n++;
	}
	return n > 0 && s.p[n - 1] == '-' ? 0 : n;
}

/*
 * Domain = sub-domain *("." sub-domain); RFC 5321 4.5.3.1.2: 255 octets; RFC 1035 2.3.4: 63 for
 * a label
 */
int smtp_domain_parse(struct str *in, struct str *ret)
{
	struct str rest = *in;
	size_t n;

	do {
		n = sub_domain_length(rest);
		if (n == 0 || n > 63)
			return 0;
		rest = str_skip(rest, n);
	} while (take_char(&rest, '.'));
	n = in->n - rest.n;
	if (n > 255)
		return 0;
	*ret = str_head(*in, n);
	*in = rest;
	return 1;
}

/*
 * address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal
 * ) "]" IPv6-address-literal = "IPv6:" IPv6-addr. No general literal has ever been registered.
 */
int smtp_address_literal_parse(struct str *in, struct str *ret)
{
	struct str rest = *in;
	ptrdiff_t end = str_chr(rest, ']');
	unsigned char address[16];
	struct str inner;
	char z[INET6_ADDRSTRLEN];
	bool is_v6;

	if (end < 2 || rest.p[0] != '[')
		return 0;
	inner = str_of(rest.p + 1, (size_t)end - 1);
	is_v6 = str_istarts(inner, S("IPv6:"));
	if (is_v6)
		inner = str_skip(inner, 5);
	if (inner.n >= sizeof(z) || !str_is_ascii(inner))
		return 0;
	memcpy(z, inner.p, inner.n);
	z[inner.n] = 0;
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, z, address) != 1)
		return 0;
	*ret = str_head(rest, (size_t)end + 1);
	*in = str_skip(rest, (size_t)end + 1);
	return 1;
}

/* Dot-string = Atom *("." Atom) */
static int dot_string_parse(struct str *in, struct str *ret)
{
	size_t n = 0;
	bool is_atom = false;

	for (; n < in->n; n++) {
		if (in->p[n] == '.') {
			if (!is_atom)
				return 0;
			is_atom = false;
		} else if (is_atext((unsigned char)in->p[n])) {
			is_atom = true;
		} else {
			break;
		}
	}
	if (!is_atom)
		return 0;
	*ret = str_head(*in, n);
	*in = str_skip(*in, n);
	return 1;
}

/*
 * Quoted-string = DQUOTE *QcontentSMTP DQUOTE
 * QcontentSMTP = qtextSMTP / quoted-pairSMTP     quoted-pairSMTP = %d92 %d32-126
 * qtextSMTP = %d32-33 / %d35-91 / %d93-126 / UTF8-non-ascii
 * *ret is what stands between the quotes, pairs not resolved.
 */
static int quoted_string_parse(struct str *in, struct str *ret)
{
	size_t n = 1;

	if (in->n < 2 || in->p[0] != '"')
		return 0;
	for (; n < in->n && in->p[n] != '"'; n++) {
		unsigned char c = (unsigned char)in->p[n];

		if (c == '\\') {
			if (++n == in->n)
				return 0;
			c = (unsigned char)in->p[n];
			if (c >= 0x7f)
				return 0;
		}
		if (c < 32 || c == 127)
			return 0;
	}
	if (n >= in->n)
		return 0;
	*ret = str_of(in->p + 1, n - 1);
	*in = str_skip(*in, n + 1);
	return 1;
}

/*
 * Adds a quoted local part in its one canonical form: RFC 5321 4.1.2 says to prefer the form
 * without quotes.
 */
static void quoted_add_canonical(struct buf *out, struct str content)
{
	char plain_bytes[LIMIT_SMTP_PATH];
	struct str plain, rest, ignored;
	size_t n = 0;

	for (size_t i = 0; i < content.n && n < sizeof(plain_bytes); i++) {
		if (content.p[i] == '\\')
			i++;
		plain_bytes[n++] = content.p[i];
	}
	plain = rest = str_of(plain_bytes, n);
	if (dot_string_parse(&rest, &ignored) == 1 && rest.n == 0) {
		buf_add(out, plain);
		return;
	}
	text_quote(out, plain);
}

/* A-d-l = At-domain *( "," At-domain )     At-domain = "@" Domain */
static bool source_route_skip(struct str *in)
{
	struct str rest = *in, domain;

	do {
		if (!take_char(&rest, '@') || smtp_domain_parse(&rest, &domain) != 1)
			return false;
	} while (take_char(&rest, ','));
	if (!take_char(&rest, ':'))
		return false;
	*in = rest;
	return true;
}

/*
 * Mailbox = Local-part "@" ( Domain / address-literal )     Local-part = Dot-string / Quoted-
 * string
 */
static int mailbox_parse(struct str *in, unsigned flags, struct buf *out)
{
	struct str rest = *in, local, domain;
	bool is_postmaster;

	if (dot_string_parse(&rest, &local) == 1)
		buf_add(out, local);
	else if (quoted_string_parse(&rest, &local) == 1)
		quoted_add_canonical(out, local);
	else
		return 0;
	is_postmaster = (flags & SMTP_PATH_POSTMASTER) && str_ieq(local, S("postmaster"));
	if (take_char(&rest, '@')) {
		if (smtp_domain_parse(&rest, &domain) != 1 &&
		    smtp_address_literal_parse(&rest, &domain) != 1)
			return 0;
		buf_add_char(out, '@');
		buf_add(out, domain);
	} else if (is_postmaster) {
		buf_reset(out);
		buf_add(out, S("postmaster"));
	} else {
		return 0;
	}
	*in = rest;
	return 1;
}

/* Reverse-path = Path / "<>"     Forward-path = Path     Path = "<" [ A-d-l ":" ] Mailbox ">" */
int smtp_path_parse(struct str *in, unsigned flags, struct arena *a, struct str *ret_address)
{
	struct str rest = *in, whole;
	AUTO(buf_fini) struct buf out = BUF_INIT(LIMIT_SMTP_PATH);

	if (!take_char(&rest, '<'))
		return 0;
	if ((flags & SMTP_PATH_NULL) && take_char(&rest, '>')) {
		*ret_address = S("");
		*in = rest;
		return 1;
	}
	source_route_skip(&rest);
	if (mailbox_parse(&rest, flags, &out) != 1 || !take_char(&rest, '>'))
		return buf_overflowed(&out) ? -E_TOO_BIG : 0;
	whole = str_head(*in, in->n - rest.n);
	if (buf_overflowed(&out) || whole.n > LIMIT_SMTP_PATH)
		return -E_TOO_BIG;
	if (!str_is_ascii(whole)) {
		if (!str_is_utf8(whole))
			return 0;
		if (!(flags & SMTP_PATH_UTF8))
			return -E_BAD_CHARSET;
	}
	whole = arena_str(a, buf_str(&out));
	if (!whole.p)
		return -E_LIMIT;
	*ret_address = whole;
	*in = rest;
	return 1;
}

/*
 * esmtp-param = esmtp-keyword ["=" esmtp-value]
 * esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
 * esmtp-value = 1*(%d33-60 / %d62-126 / UTF8-non-ascii)
 */
int smtp_param_next(struct str *in, struct smtp_param *ret)
{
	struct str rest = *in, word;
	struct smtp_param param = { 0 };
	size_t n = 0;

	while (take_char(&rest, ' '))
		continue;
	if (rest.n == 0) {
		*in = rest;
		return 0;
	}
	if (rest.p == in->p)
		return -E_SYNTAX;
	if (!str_split(&rest, ' ', &word))
		return -E_SYNTAX;
	while (n < word.n && (is_alpha((unsigned char)word.p[n]) ||
			      is_digit((unsigned char)word.p[n]) || (word.p[n] == '-' && n > 0)))
		n++;
	param.keyword = str_head(word, n);
	if (n < word.n) {
		if (word.p[n] != '=' || n + 1 == word.n)
			return -E_SYNTAX;
		param.value = str_skip(word, n + 1);
	}
	if (n == 0)
		return -E_SYNTAX;
	for (size_t i = 0; i < param.value.n; i++) {
		unsigned char c = (unsigned char)param.value.p[i];

		if (c <= 32 || c == '=' || c == 127)
			return -E_SYNTAX;
	}
	/* The word ended at a space, which the next call wants to see, or at the end. */
	*in = str_skip(*in, (size_t)(word.p - in->p) + word.n);
	*ret = param;
	return 1;
}

static int hex_value(char c)
{
	return is_digit((unsigned char)c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/*
 * xtext = *( xchar / hexchar )     xchar = %d33-42 / %d44-60 / %d62-126     hexchar = "+"
 * 2HEXDIG (upper case)
 */
bool smtp_xtext_decode(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 33 || c > 126 || c == '=')
			return false;
		if (c == '+') {
			int high = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (unsigned char)(high * 16 + low);
			i += 2;
		}
		buf_add_char(out, (char)c);
	}
	return true;
}

/* original-recipient-address = addr-type ";" ( xtext / utf-8-addr-unitext )     addr-type = atom */
bool smtp_orcpt_is_valid(struct str s, bool allows_utf8)
{
	AUTO(buf_fini) struct buf ignored = BUF_INIT(LIMIT_SMTP_PATH);
	struct str type;

	if (str_chr(s, ';') <= 0 || !str_split(&s, ';', &type) || s.n == 0)
		return false;
	for (size_t i = 0; i < type.n; i++)
		if (!is_atext((unsigned char)type.p[i]) || (unsigned char)type.p[i] >= 0x80)
			return false;
	if (str_is_ascii(s) && smtp_xtext_decode(s, &ignored))
		return !buf_overflowed(&ignored);
	/*
	 * RFC 6533 3: "utf-8" addresses may stand unencoded, or with \x{...} in place of
	 * characters.
	 */
	if (!str_ieq(type, S("utf-8")))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 33 || s.p[i] == 127)
			return false;
	return str_is_ascii(s) || (allows_utf8 && str_is_utf8(s));
}

/* utf-8-addr-xtext = 1*(QCHAR / EmbeddedUnicodeChar)     EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}" */
void smtp_orcpt_add_ascii(struct str s, struct buf *out)
{
	for (size_t n; s.n > 0; s = str_skip(s, n)) {
		uint32_t c;

		n = str_code_point(s, &c);
		if (n == 1)
			buf_add_char(out, s.p[0]);
		else
			buf_printf(out, "\\x{%X}", c);
	}
}

bool smtp_helo_is_valid(struct str s)
{
	struct str rest = s, ignored;

	if (!str_is_ascii(s))
		return false;
	return (smtp_domain_parse(&rest, &ignored) == 1 ||
		smtp_address_literal_parse(&rest, &ignored) == 1) &&
	       rest.n == 0;
}

/* SPDX-License-Identifier: MIT */
/* The record of a domain that wants TLS reports, and the addresses in it. RFC 8460 3. */
#include "mailauth/tlsrpt.h"

#include "base/text.h"
#include "mailauth/txt.h"

#define NAME_MAX_BYTES 253    /* RFC 1035 2.3.4 */
#define ADDRESS_MAX_BYTES 254 /* RFC 5321 4.5.3.1.3 */

/* ---- addresses ---- */

/* Dot-atom of RFC 5322 3.2.3: nothing in it has a meaning in a header field or a command. */
static bool is_address(struct str s)
{
	ptrdiff_t at = str_chr(s, '@');

	if (at < 1 || s.n > ADDRESS_MAX_BYTES || s.p[0] == '.' || s.p[at - 1] == '.')
		return false;
	for (ptrdiff_t i = 0; i < at; i++)
		if (!txt_is_alnum(s.p[i]) && str_chr(S("!#$%&'*+-/=?^_`{|}~."), s.p[i]) < 0)
			return false;
	return txt_is_host(str_skip(s, (size_t)at + 1), NAME_MAX_BYTES);
}

/* RFC 3986 2.1 */
static bool decode(struct str s, struct arena *a, struct str *ret)
{
	char *p = arena_alloc(a, s.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; p && i < s.n; i++) {
		int high, low;

		if (s.p[i] != '%') {
			p[n++] = s.p[i];
			continue;
		}
		if (s.n - i < 3 || (high = text_hex_digit(s.p[i + 1])) < 0 ||
		    (low = text_hex_digit(s.p[i + 2])) < 0)
			return false;
		p[n++] = (char)(high * 16 + low);
		i += 2;
	}
	*ret = str_of(p, n);
	return p != NULL;
}

static struct str before(struct str s, char c)
{
	ptrdiff_t at = str_chr(s, c);

	return at < 0 ? s : str_head(s, (size_t)at);
}

/* RFC 6068 2: "mailto:" [ to ] [ hfields ] */
static bool parse_mailto(struct str rest, struct arena *a, struct tlsrpt_uri *ret)
{
	ret->is_mail = true;
	return decode(before(before(rest, '?'), ','), a, &ret->address) && is_address(ret->address);
}

/* No user, no address in brackets. */
static bool parse_https(struct str rest, struct arena *a, struct tlsrpt_uri *ret)
{
	size_t n = 0;
	struct str authority, path;
	uint64_t port = 0;

	rest = before(rest, '#');
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	authority = str_head(rest, n);
	path = str_skip(rest, n);
	ret->host = before(authority, ':');
	if (ret->host.n < authority.n &&
	    (!str_to_u64(str_skip(authority, ret->host.n + 1), UINT16_MAX, &port) || port == 0))
		return false;
	ret->port = (uint16_t)port;
	ret->path = arena_printf(a, "%s%" STR_FMT, path.n > 0 && path.p[0] == '/' ? "" : "/",
				 STR_ARG(path));
	return ret->path.p && txt_is_host(ret->host, NAME_MAX_BYTES);
}

/* RFC 8460 3: what separates URIs and fields is encoded in them, and so is "!". */
static bool is_uri_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("!,;\"<>\\^`{|}", s.p[i]))
			return false;
	return s.n <= TLSRPT_URI_MAX;
}

bool tlsrpt_uri_parse(struct str uri, struct arena *a, struct tlsrpt_uri *ret)
{
	*ret = (struct tlsrpt_uri){ 0 };
	if (!is_uri_text(uri))
		return false;
	if (str_istarts(uri, S("mailto:")))
		return parse_mailto(str_skip(uri, 7), a, ret);
	return str_istarts(uri, S("https://")) && parse_https(str_skip(uri, 8), a, ret);
}

/* ---- the record ---- */

/* tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri) */
static bool read_rua(struct str value, struct arena *a, struct str *ret)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(TLSRPT_RUA_MAX);
	struct tlsrpt_uri parsed;
	struct str uri;
	size_t n = 0;

	while (n < TLSRPT_URIS && str_split(&value, ',', &uri)) {
		uri = str_trim(uri);
		if (!tlsrpt_uri_parse(uri, a, &parsed))
			continue; /* others may be of use */
		buf_add(&out, n > 0 ? S(" ") : S(""));
		buf_add(&out, uri);
		n++;
	}
	*ret = arena_str(a, buf_str(&out));
	return n > 0 && ret->p;
}

/* 1*(field-delim tlsrpt-field) [field-delim], behind the first delimiter; fields that are not known are passed over. */
static bool parse_fields(struct str fields, struct arena *a, struct str *ret_rua)
{
	struct str rua = { 0 }, name, value;
	int r;

	while ((r = txt_field_next(&fields, &name, &value)) > 0) {
		if (value.n == 0)
			return false;
		if (!rua.p && str_eq(name, S("rua")))
			rua = value;
	}
	return r == 0 && rua.p && read_rua(rua, a, ret_rua);
}

bool tlsrpt_record_parse(const struct str *records, size_t n, struct arena *a, struct str *ret_rua)
{
	struct str fields = { 0 };

	return txt_record_choose(records, n, S("v=TLSRPTv1"), &fields) && parse_fields(fields, a, ret_rua);
}

/* SPDX-License-Identifier: MIT */
/*
 * The client's message of OAUTHBEARER (RFC 7628 3.1, with the GS2 header of RFC 5801 4) and of
 * XOAUTH2, as cursors over the decoded bytes. Pure. Fuzz target sasl_oauth.
 *
 * DEVIATION(RFC 7628 3.2): host and port are not compared with ours. A server behind a forwarded
 * port or a second name does not know by what it was called, and a bearer token is bound to neither;
 * which server the client talks to is proven by its certificate.
 */
#include "sasl/oauth.h"

#define KVSEP '\x01'

static bool take_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

static bool take_word(struct str *s, struct str word)
{
	if (!str_istarts(*s, word))
		return false;
	*s = str_skip(*s, word.n);
	return true;
}

/* saslname = 1*(UTF8-char-safe / "=2C" / "=3D"); ends before a comma. */
static bool take_saslname(struct str *s, char out[SASL_BEARER_USER])
{
	struct str rest = *s;
	size_t n = 0;

	while (rest.n > 0 && rest.p[0] != ',') {
		char c = rest.p[0];

		if (str_istarts(rest, S("=2C")) || str_istarts(rest, S("=3D"))) {
			c = rest.p[1] == '2' ? ',' : '=';
			rest = str_skip(rest, 2);
		} else if (c == '=' || (unsigned char)c < 0x20) {
			return false;
		}
		if (n + 1 >= SASL_BEARER_USER)
			return false;
		out[n++] = c;
		rest = str_skip(rest, 1);
	}
	out[n] = '\0';
	*s = rest;
	return n > 0 && str_is_utf8(str_of(out, n));
}

/*
 * gs2-header = gs2-cb-flag "," [gs2-authzid] ","      gs2-authzid = "a=" saslname
 * gs2-cb-flag = "n" / "y"; a binding ("p=...") has no place in a mechanism without one.
 */
static bool take_gs2_header(struct str *s, char user[SASL_BEARER_USER])
{
	if (!take_char(s, 'n') && !take_char(s, 'y'))
		return false;
	if (!take_char(s, ','))
		return false;
	if (str_starts(*s, S("a="))) {
		*s = str_skip(*s, 2);
		if (!take_saslname(s, user))
			return false;
	}
	return take_char(s, ',');
}

static bool is_alpha(char c)
{
	c = str_lower_char(c);
	return c >= 'a' && c <= 'z';
}

static bool is_value_char(char c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\r' || c == '\n';
}

/* kvpair = key "=" value kvsep      key = 1*(ALPHA)      value = *(VCHAR / SP / HTAB / CR / LF) */
static bool take_kvpair(struct str *s, struct str *ret_key, struct str *ret_value)
{
	struct str rest = *s, pair;

	if (!str_split(&rest, KVSEP, &pair) || pair.n + 1 > s->n)
		return false;
	if (!str_split(&pair, '=', ret_key) || ret_key->n == 0)
		return false;
	for (size_t i = 0; i < ret_key->n; i++)
		if (!is_alpha(ret_key->p[i]))
			return false;
	if (pair.p == NULL || ret_key->p + ret_key->n + 1 != pair.p)
		return false; /* no "=" */
	for (size_t i = 0; i < pair.n; i++)
		if (!is_value_char(pair.p[i]))
			return false;
	*ret_value = pair;
	*s = rest;
	return true;
}

static bool is_token_char(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~+/", c) != NULL);
}

/* RFC 6750 2.1: credentials = "Bearer" 1*SP b64token      b64token = 1*(ALPHA / DIGIT / ...) *"=" */
static bool take_credentials(struct str s, struct str *ret_token)
{
	size_t n = 0;

	if (!take_word(&s, S("Bearer")) || s.n == 0 || s.p[0] != ' ')
		return false;
	s = str_trim(s);
	while (n < s.n && is_token_char(s.p[n]))
		n++;
	if (n == 0)
		return false;
	for (size_t i = n; i < s.n; i++)
		if (s.p[i] != '=')
			return false;
	*ret_token = s;
	return s.n <= LIMIT_OAUTH_TOKEN;
}

/* *kvpair kvsep, and then nothing. Pairs that are not known are ignored; auth stands once. */
static bool take_pairs(struct str s, struct sasl_bearer *ret)
{
	struct str key, value, auth = { 0 };

	while (s.n > 0 && s.p[0] != KVSEP) {
		if (!take_kvpair(&s, &key, &value))
			return false;
		if (!str_ieq(key, S("auth")))
			continue;
		if (auth.p != NULL)
			return false;
		auth = value;
	}
	return take_char(&s, KVSEP) && s.n == 0 && auth.p != NULL &&
	       take_credentials(auth, &ret->token);
}

/* client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep; the latter is only an answer to an error. */
bool sasl_bearer_parse(struct str message, struct sasl_bearer *ret)
{
	ret->user[0] = '\0';
	return take_gs2_header(&message, ret->user) && take_char(&message, KVSEP) &&
	       take_pairs(message, ret);
}

/* "user=" name kvsep "auth=Bearer " token kvsep kvsep */
bool sasl_xoauth2_parse(struct str message, struct sasl_bearer *ret)
{
	struct str name;

	ret->user[0] = '\0';
	if (!take_word(&message, S("user=")) || str_chr(message, KVSEP) < 0 ||
	    !str_split(&message, KVSEP, &name))
		return false;
	if (name.n == 0 || name.n >= SASL_BEARER_USER || !str_is_utf8(name) || str_chr(name, '\0') >= 0)
		return false;
	memcpy(ret->user, name.p, name.n);
	ret->user[name.n] = '\0';
	return take_pairs(message, ret);
}

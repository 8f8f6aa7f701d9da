/* SPDX-License-Identifier: MIT */
/*
 * URLs that authorize (RFC 4467 9, RFC 5092 11): the part in front of the message and the part behind
 * it; what is between is url.c's.
 *
 *   authimapurl = "imap://" enc-user [iauth] "@" iserver-host "/" imessagepart
 *   iurlauth    = [";EXPIRE=" date-time] ";URLAUTH=" access [":" mechanism ":" enc-urlauth]
 *   access      = "submit+" enc-user / "user+" enc-user / "authuser" / "anonymous"
 *
 * The host is not compared: what clients call this server only DNS knows, and the token is of the
 * whole text. The applications of RFC 5593 are unknown, so their URLs are refused.
 */
#include "imap/url.h"

#include "imap/url_int.h"

/* achar = uchar / "&" / "=" */
static bool is_achar(char c)
{
	return imap_url_is_bchar(c) && c != ':' && c != '@' && c != '/';
}

static bool is_hex(char c)
{
	char l = str_lower_char(c);

	return (l >= '0' && l <= '9') || (l >= 'a' && l <= 'f');
}

/* enc-user = 1*achar, decoded: UTF-8 without NUL. */
static int take_user(struct arena *a, struct str *s, struct str *ret)
{
	size_t n = 0;

	while (n < s->n) {
		if (s->p[n] == '%' && n + 2 < s->n && is_hex(s->p[n + 1]) && is_hex(s->p[n + 2]))
			n += 3;
		else if (is_achar(s->p[n]))
			n++;
		else
			break;
	}
	if (n == 0)
		return 0;
	if (imap_url_decode(a, str_head(*s, n), ret) < 0)
		return -E_LIMIT;
	*s = str_skip(*s, n);
	return str_is_utf8(*ret) && str_chr(*ret, '\0') < 0;
}

/* iauth = ";AUTH=" ("*" / enc-auth-type); it says how to log in, which is done already. */
static bool take_iauth(struct str *s)
{
	size_t n = 0;

	if (!imap_url_name(s, S(";AUTH=")))
		return true;
	while (n < s->n && is_achar(s->p[n]))
		n++;
	*s = str_skip(*s, n);
	return n > 0;
}

/* host [":" port] "/" */
static bool take_host(struct str *s)
{
	ptrdiff_t slash = str_chr(*s, '/');

	if (slash <= 0)
		return false;
	for (ptrdiff_t i = 0; i < slash; i++) {
		char l = str_lower_char(s->p[i]);

		if (!(l >= 'a' && l <= 'z') && !(l >= '0' && l <= '9') &&
		    (l == '\0' || strchr("-._:[]", l) == NULL))
			return false;
	}
	*s = str_skip(*s, (size_t)slash + 1);
	return true;
}

/* ---- RFC 3339 5.6 ---- */

static bool take_digits(struct str *s, size_t n, int *ret)
{
	uint64_t v;

	if (s->n < n || !str_to_u64(str_head(*s, n), 9999, &v))
		return false;
	*ret = (int)v;
	*s = str_skip(*s, n);
	return true;
}

static bool take_one(struct str *s, const char *of_z)
{
	if (s->n == 0 || s->p[0] == '\0' || strchr(of_z, s->p[0]) == NULL)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

/* full-date, in days since 1970 */
static bool take_date(struct str *s, int64_t *ret)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day, era_year;
	int64_t n;

	if (!take_digits(s, 4, &year) || !take_one(s, "-") || !take_digits(s, 2, &month) ||
	    !take_one(s, "-") || !take_digits(s, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 ||
	    day > days[month - 1] +
			    (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)))
		return false;
	/* Years that begin in March have the odd day at their end. */
	era_year = month > 2 ? year : year - 1;
	n = (int64_t)365 * era_year + era_year / 4 - era_year / 100 + era_year / 400;
	*ret = n + (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1 - 719468;
	return true;
}

/* time-offset = "Z" / ("+" / "-") time-hour ":" time-minute */
static bool take_offset(struct str *s, int *ret_s)
{
	int hour, minute, sign = s->n > 0 && s->p[0] == '-' ? -1 : 1;

	*ret_s = 0;
	if (take_one(s, "Zz"))
		return true;
	if (!take_one(s, "+-") || !take_digits(s, 2, &hour) || !take_one(s, ":") ||
	    !take_digits(s, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*ret_s = sign * (hour * 3600 + minute * 60);
	return true;
}

static bool take_date_time(struct str *s, int64_t *ret_s)
{
	int hour, minute, second, offset, fraction;
	int64_t days;

	if (!take_date(s, &days) || !take_one(s, "Tt") || !take_digits(s, 2, &hour) ||
	    !take_one(s, ":") || !take_digits(s, 2, &minute) || !take_one(s, ":") ||
	    !take_digits(s, 2, &second) || hour > 23 || minute > 59 || second > 60)
		return false;
	if (take_one(s, ".")) {
		if (!take_digits(s, 1, &fraction))
			return false;
		while (take_digits(s, 1, &fraction))
			;
	}
	if (!take_offset(s, &offset))
		return false;
	*ret_s = days * 86400 + hour * 3600 + minute * 60 + second - offset;
	return true;
}

/* ---- behind the message ---- */

static int take_access(struct arena *a, struct str *s, struct imap_url_auth *u)
{
	static const struct {
		struct str name;
		enum imap_url_access access;
		bool has_user;
	} rows[] = {
		{ STR_INIT("submit+"), IMAP_ACCESS_SUBMIT, true },
		{ STR_INIT("user+"), IMAP_ACCESS_USER, true },
		{ STR_INIT("authuser"), IMAP_ACCESS_AUTHUSER, false },
		{ STR_INIT("anonymous"), IMAP_ACCESS_ANONYMOUS, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!imap_url_name(s, rows[i].name))
			continue;
		u->access = rows[i].access;
		return rows[i].has_user ? take_user(a, s, &u->access_user) : 1;
	}
	return 0;
}

/* ":" mechanism ":" enc-urlauth, or nothing; then the end. */
static bool take_token(struct str *s, struct imap_url_auth *u)
{
	ptrdiff_t colon;

	if (s->n == 0)
		return true;
	*s = str_skip(*s, 1);
	colon = str_chr(*s, ':');
	if (s->p[-1] != ':' || colon <= 0)
		return false;
	u->mechanism = str_head(*s, (size_t)colon);
	u->token = str_skip(*s, (size_t)colon + 1);
	for (size_t i = 0; i < u->token.n; i++) {
		if (!is_hex(u->token.p[i]))
			return false;
	}
	return u->token.n >= 32;
}

int imap_url_auth_parse(struct arena *a, struct str url, struct imap_url_auth *ret)
{
	struct imap_url_auth u = { 0 };
	struct str s = url;
	int r;

	if (!imap_url_name(&s, S("imap://")))
		return 0;
	r = take_user(a, &s, &u.user);
	if (r <= 0 || !take_iauth(&s) || !take_one(&s, "@") || !take_host(&s))
		return r < 0 ? r : 0;
	r = imap_url_take(a, &s, &u.url);
	if (r <= 0)
		return r;
	u.has_expire = imap_url_name(&s, S(";EXPIRE="));
	if (u.has_expire && !take_date_time(&s, &u.expire_s))
		return 0;
	if (!imap_url_name(&s, S(";URLAUTH=")))
		return 0;
	r = take_access(a, &s, &u);
	if (r <= 0)
		return r;
	u.rump = str_head(url, (size_t)(s.p - url.p));
	if (!take_token(&s, &u))
		return 0;
	*ret = u;
	return 1;
}

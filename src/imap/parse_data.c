/* SPDX-License-Identifier: MIT */
/*
 * Productions of RFC 9051 9 made of the tokens of parse.c: mailbox names, sequence sets,
 * flags, dates. The encoding of mailbox names is undone here, so that everything behind
 * it sees UTF-8.
 */
#include "imap/parse.h"

#include "base/buf.h"
#include "base/limits.h"
#include "imap/utf7.h"
#include "store/view.h"

/* ---- mailbox names ---- */

/* From the session's spelling to UTF-8. 1, or -E_CANNOT / -E_LIMIT. */
static int name_decode(const struct imap_parse *p, struct str raw, struct str *ret)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(3 * LIMIT_MAILBOX_NAME);

	if (raw.n > 3 * LIMIT_MAILBOX_NAME)
		return -E_LIMIT;
	if (p->is_utf8 || !str_is_ascii(raw)) {
		*ret = raw;
		return str_is_utf8(raw) ? 1 : -E_CANNOT;
	}
	if (str_chr(raw, '&') < 0) {
		*ret = raw;
		return 1;
	}
	if (!imap_utf7_decode(&out, raw))
		return -E_CANNOT;
	*ret = arena_str(p->arena, buf_str(&out));
	return ret->p == NULL && out.n > 0 ? -E_LIMIT : 1;
}

/* mailbox = "INBOX" / astring */
int imap_parse_mailbox_given(struct imap_parse *p, struct str *ret, struct str *ret_given)
{
	struct imap_parse q = *p;
	struct str raw, name;
	int r = imap_parse_astring(&q, &raw);

	if (r <= 0)
		return r;
	r = name_decode(p, raw, &name);
	if (r < 0)
		return r;
	*ret = str_ieq(name, S("INBOX")) ? S("INBOX") : name;
	*ret_given = name;
	p->p = q.p;
	return 1;
}

int imap_parse_mailbox(struct imap_parse *p, struct str *ret)
{
	struct str given;

	return imap_parse_mailbox_given(p, ret, &given);
}

/* list-mailbox = 1*list-char / string */
int imap_parse_list_mailbox(struct imap_parse *p, struct str *ret)
{
	struct imap_parse q = *p;
	struct str raw;
	int r = imap_parse_list_chars(&q, &raw);

	if (r <= 0)
		return r;
	r = name_decode(p, raw, ret);
	if (r > 0)
		p->p = q.p;
	return r;
}

/* ---- sequence sets ---- */

/* seq-number = nz-number / "*" */
static int seq_number(struct imap_parse *p, uint32_t *ret)
{
	if (imap_parse_char(p, '*') > 0) {
		*ret = 0;
		return 1;
	}
	return imap_parse_nz_number(p, ret);
}

/*
 * sequence-set = (seq-number / seq-range) ["," sequence-set]
 * sequence-set =/ seq-last-command ; "$"
 * seq-range = seq-number ":" seq-number
 */
int imap_parse_seqset(struct imap_parse *p, struct imap_seqset *ret)
{
	struct imap_parse q = *p;
	struct imap_seqset set = { 0 };
	size_t cap = 0;

	if (imap_parse_char(&q, '$') > 0) {
		*ret = (struct imap_seqset){ .is_saved = true };
		p->p = q.p;
		return 1;
	}
	do {
		struct imap_seq_range r;

		if (seq_number(&q, &r.lo) <= 0)
			return 0;
		r.hi = r.lo;
		if (imap_parse_char(&q, ':') > 0 && seq_number(&q, &r.hi) <= 0)
			return 0;
		if (arena_grow(q.arena, &set.r, set.n, &cap, sizeof(set.r[0])) < 0)
			return -E_LIMIT;
		set.r[set.n++] = r;
	} while (imap_parse_char(&q, ',') > 0);
	*ret = set;
	p->p = q.p;
	return 1;
}

int imap_parse_partial(struct imap_parse *p, struct imap_partial *ret)
{
	struct imap_parse q = *p;
	struct imap_partial v = { .is_last = imap_parse_char(&q, '-') > 0 };
	uint32_t other;

	if (imap_parse_nz_number(&q, &v.lo) <= 0 || imap_parse_char(&q, ':') <= 0 ||
	    (imap_parse_char(&q, '-') > 0) != v.is_last || imap_parse_nz_number(&q, &other) <= 0)
		return 0;
	v.hi = v.lo > other ? v.lo : other;
	v.lo = v.lo < other ? v.lo : other;
	v.text = str_of(p->p, (size_t)(q.p - p->p));
	*ret = v;
	p->p = q.p;
	return 1;
}

/* ---- flags ---- */

static const struct {
	struct str name;
	uint64_t flag;
} system_flags[] = {
	{ STR_INIT("Answered"), STORE_ANSWERED }, { STR_INIT("Flagged"), STORE_FLAGGED },
	{ STR_INIT("Deleted"), STORE_DELETED },   { STR_INIT("Seen"), STORE_SEEN },
	{ STR_INIT("Draft"), STORE_DRAFT },
};

static int system_flag(struct imap_parse *p, struct imap_flags *ret)
{
	struct imap_parse q = *p;
	struct str name;
	size_t i;

	if (imap_parse_char(&q, '\\') <= 0 || imap_parse_atom(&q, &name) <= 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(system_flags); i++) {
		if (str_ieq(name, system_flags[i].name)) {
			ret->flags |= system_flags[i].flag;
			p->p = q.p;
			return 1;
		}
	}
	return 0;
}

/*
 * flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword /
 * flag-extension No flag-extension is known here, and RFC 3501's "\Recent" cannot be set.
 */
int imap_parse_flag(struct imap_parse *p, struct imap_flags *ret)
{
	struct imap_parse q = *p;
	struct str keyword;
	size_t i;

	if (imap_parse_peek(p) == '\\')
		return system_flag(p, ret);
	if (imap_parse_atom(&q, &keyword) <= 0)
		return 0;
	if (keyword.n > LIMIT_IMAP_KEYWORD_BYTES)
		return -E_LIMIT;
	for (i = 0; i < ret->n_keywords; i++) {
		if (str_ieq(ret->keywords[i], keyword)) {
			p->p = q.p;
			return 1;
		}
	}
	/*
	 * A message cannot have more; the cap also keeps the loop above short.
	 */
	if (ret->n_keywords >= STORE_KEYWORDS_MAX)
		return -E_LIMIT;
	if (arena_grow(p->arena, &ret->keywords, ret->n_keywords, &ret->cap, sizeof(keyword)) < 0)
		return -E_LIMIT;
	ret->keywords[ret->n_keywords++] = keyword;
	p->p = q.p;
	return 1;
}

/*
 * flag-list = "(" [flag *(SP flag)] ")"
 *
 * DEVIATION(RFC 9051 9): one space is taken before the first flag, too: Dovecot's imapc writes it
 * before keywords when there are no other flags.
 */
int imap_parse_flag_list(struct imap_parse *p, struct imap_flags *ret)
{
	struct imap_parse q = *p;
	struct imap_flags flags = { 0 };

	if (imap_parse_char(&q, '(') <= 0)
		return 0;
	if (imap_parse_sp(&q) > 0 || imap_parse_char(&q, ')') <= 0) {
		do {
			int r = imap_parse_flag(&q, &flags);

			if (r <= 0)
				return r;
		} while (imap_parse_sp(&q) > 0);
		if (imap_parse_char(&q, ')') <= 0)
			return 0;
	}
	*ret = flags;
	p->p = q.p;
	return 1;
}

/* ---- dates ---- */

/* Exactly n digits. */
static int digits(struct imap_parse *p, int n, int *ret)
{
	int v = 0;

	if (p->end - p->p < n)
		return 0;
	for (int i = 0; i < n; i++) {
		if (p->p[i] < '0' || p->p[i] > '9')
			return 0;
		v = v * 10 + (p->p[i] - '0');
	}
	p->p += n;
	*ret = v;
	return 1;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar; month 1..12. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* "-" date-month "-" date-year after the day; midnight UTC in seconds. */
static int month_year(struct imap_parse *p, int day, int64_t *ret_s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int month, year;

	if (imap_parse_char(p, '-') <= 0)
		return 0;
	for (month = 1; month <= 12; month++) {
		if (imap_parse_prefix(p, str_of(names + 3 * (month - 1), 3)) > 0)
			break;
	}
	if (month > 12 || imap_parse_char(p, '-') <= 0 || digits(p, 4, &year) <= 0)
		return 0;
	if (day < 1 || day > days_in_month(year, month))
		return 0;
	*ret_s = days_of(year, month, day) * 86400;
	return 1;
}

/*
 * SP time SP zone: seconds to add to midnight. time = 2DIGIT ":" 2DIGIT ":" 2DIGIT, zone
 * = ("+" / "-") 4DIGIT
 */
static int time_zone(struct imap_parse *p, int64_t *ret_s)
{
	int h, m, s, zh, zm, sign;

	if (imap_parse_sp(p) <= 0 || digits(p, 2, &h) <= 0 || imap_parse_char(p, ':') <= 0 ||
	    digits(p, 2, &m) <= 0 || imap_parse_char(p, ':') <= 0 || digits(p, 2, &s) <= 0 ||
	    imap_parse_sp(p) <= 0)
		return 0;
	sign = imap_parse_peek(p) == '-' ? -1 : 1;
	if (imap_parse_char(p, '+') <= 0 && imap_parse_char(p, '-') <= 0)
		return 0;
	if (digits(p, 2, &zh) <= 0 || digits(p, 2, &zm) <= 0)
		return 0;
	if (h > 23 || m > 59 || s > 60 || zh > 23 || zm > 59)
		return 0;
	*ret_s = h * 3600 + m * 60 + s - sign * (zh * 3600 + zm * 60);
	return 1;
}

/* date-day = 1*2DIGIT */
static int date_day(struct imap_parse *p, int *ret_day)
{
	return digits(p, 2, ret_day) > 0 || digits(p, 1, ret_day) > 0;
}

/*
 * date-day-fixed = (SP DIGIT) / 2DIGIT
 *
 * DEVIATION(RFC 9051 9): one digit is taken without the space, too: node-imap and Horde write it in APPEND.
 */
static int day_fixed(struct imap_parse *p, int *ret_day)
{
	return imap_parse_sp(p) > 0 ? digits(p, 1, ret_day) : date_day(p, ret_day);
}

/* date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE */
int imap_parse_date_time(struct imap_parse *p, int64_t *ret_s)
{
	struct imap_parse q = *p;
	int64_t midnight, of_day;
	int day;

	if (imap_parse_char(&q, '"') <= 0 || day_fixed(&q, &day) <= 0 ||
	    month_year(&q, day, &midnight) <= 0 || time_zone(&q, &of_day) <= 0 ||
	    imap_parse_char(&q, '"') <= 0)
		return 0;
	*ret_s = midnight + of_day;
	p->p = q.p;
	return 1;
}

/*
 * date = date-text / DQUOTE date-text DQUOTE
 * date-text = date-day "-" date-month "-" date-year, date-day = 1*2DIGIT
 */
int imap_parse_date(struct imap_parse *p, int64_t *ret_s)
{
	struct imap_parse q = *p;
	bool is_quoted = imap_parse_char(&q, '"') > 0;
	int64_t midnight;
	int day;

	if (date_day(&q, &day) <= 0 || month_year(&q, day, &midnight) <= 0 ||
	    (is_quoted && imap_parse_char(&q, '"') <= 0))
		return 0;
	*ret_s = midnight;
	p->p = q.p;
	return 1;
}

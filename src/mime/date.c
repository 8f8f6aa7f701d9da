/* SPDX-License-Identifier: MIT */
/*
 * Dates (RFC 5322 3.3, 4.3): a cursor over the text, one function per part. Ranges are strict,
 * spelling is not: comments and folds anywhere, two-digit years, named zones, no day name, no
 * seconds, no zone. What ctime() writes, the month in front of the day, and RFC 3339 5.6 are read too: mail has been sent with them.
 */
#include "mime/mime_int.h"

#include <stdio.h>

static const struct str months[] = {
	STR_INIT("January"), STR_INIT("February"), STR_INIT("March"), STR_INIT("April"),
	STR_INIT("May"), STR_INIT("June"), STR_INIT("July"), STR_INIT("August"),
	STR_INIT("September"), STR_INIT("October"), STR_INIT("November"), STR_INIT("December"),
};

static const struct str days[] = { /* 1970-01-01 was a Thursday */
	STR_INIT("Thursday"), STR_INIT("Friday"), STR_INIT("Saturday"), STR_INIT("Sunday"),
	STR_INIT("Monday"), STR_INIT("Tuesday"), STR_INIT("Wednesday"),
};

/* RFC 5322 4.3: obs-zone; every other name, the military letters too, counts as -0000. */
static const struct {
	struct str name;
	int minutes;
} zones[] = {
	{ STR_INIT("EDT"), -4 * 60 }, { STR_INIT("EST"), -5 * 60 }, { STR_INIT("CDT"), -5 * 60 },
	{ STR_INIT("CST"), -6 * 60 }, { STR_INIT("MDT"), -6 * 60 }, { STR_INIT("MST"), -7 * 60 },
	{ STR_INIT("PDT"), -7 * 60 }, { STR_INIT("PST"), -8 * 60 },
};

static struct str take_letters(struct str *s)
{
	struct str word;
	size_t n = 0;

	mime_cfws_skip(s);
	while (n < s->n && (s->p[n] | 32) >= 'a' && (s->p[n] | 32) <= 'z')
		n++;
	word = str_head(*s, n);
	*s = str_skip(*s, n);
	return word;
}

/* min..max digits, not followed by another; returns how many, 0 for none of that. */
static size_t take_number(struct str *s, size_t min, size_t max, int *ret)
{
	size_t n = 0;
	int v = 0;

	mime_cfws_skip(s);
	for (; n < s->n && n <= max && s->p[n] >= '0' && s->p[n] <= '9'; n++)
		v = v * 10 + (s->p[n] - '0');
	if (n < min || n > max)
		return 0;
	*ret = v;
	*s = str_skip(*s, n);
	return n;
}

static bool take_char(struct str *s, char c)
{
	mime_cfws_skip(s);
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

/* The row that starts with word, which has at least three letters; -1: none. */
static int find_name(const struct str *names, size_t n, struct str word)
{
	for (size_t i = 0; word.n >= 3 && i < n; i++) {
		if (str_istarts(names[i], word))
			return (int)i;
	}
	return -1;
}

/* Days since the epoch of a Gregorian date: 400-year eras that begin on March 1. */
static int64_t days_from_date(int64_t year, int month, int day)
{
	int64_t era, of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	of_era = year - era * 400;
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719468;
}

static int days_of_month(int year, int month)
{
	static const int n[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return n[month - 1] + (month == 2 && is_leap);
}

/* RFC 5322 4.3: obs-year; n: of its digits, 0 when there is none. */
static bool is_date(int year, size_t n, int month, int day, int64_t *ret_days)
{
	if (n == 3 || (n == 2 && year >= 50))
		year += 1900;
	else if (n == 2)
		year += 2000;
	if (n == 0 || year < 1900 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
		return false;
	*ret_days = days_from_date(year, month, day);
	return true;
}

/* date = day month year */
static bool take_date(struct str *s, int64_t *ret_days)
{
	int day, month, year = 0;
	size_t n;

	if (take_number(s, 1, 2, &day) == 0)
		return false;
	month = find_name(months, ARRAY_LEN(months), take_letters(s)) + 1;
	n = take_number(s, 2, 4, &year);
	return is_date(year, n, month, day, ret_days);
}

/* time-of-day = hour ":" minute [ ":" second ] */
static bool take_time(struct str *s, int *ret_s)
{
	int hour, minute, second = 0;

	if (take_number(s, 1, 2, &hour) == 0 || !take_char(s, ':') ||
	    take_number(s, 2, 2, &minute) == 0)
		return false;
	if (take_char(s, ':') && take_number(s, 2, 2, &second) == 0)
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ret_s = (hour * 60 + minute) * 60 + second;
	return true;
}

/* 4DIGIT, or 2DIGIT ":" 2DIGIT as RFC 3339 5.6 has it */
static bool take_offset(struct str *s, int sign, int *ret_min)
{
	int hours, minutes;

	if (take_number(s, 2, 2, &hours) > 0) {
		if (!take_char(s, ':') || take_number(s, 2, 2, &minutes) == 0)
			return false;
	} else if (take_number(s, 4, 4, &minutes) > 0) {
		hours = minutes / 100;
		minutes %= 100;
	} else {
		return false;
	}
	*ret_min = sign * (hours * 60 + minutes);
	return minutes <= 59;
}

/* zone = (FWS ( "+" / "-" ) 4DIGIT) / (FWS obs-zone) */
static bool take_zone(struct str *s, int *ret_min)
{
	struct str word;
	int sign;

	*ret_min = 0;
	sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
	if (sign != 0)
		return take_offset(s, sign, ret_min);
	word = take_letters(s);
	/* "GMT+0200" is two hours ahead of it */
	if (str_ieq(word, S("GMT")) || str_ieq(word, S("UTC"))) {
		sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
		return sign == 0 || take_offset(s, sign, ret_min);
	}
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		if (str_ieq(word, zones[i].name))
			*ret_min = zones[i].minutes;
	}
	return true;
}

struct date {
	int64_t day; /* since the epoch */
	int time_s, zone_min;
};

/* date-time of RFC 5322, behind its day of the week */
static bool take_rfc5322(struct str *s, struct date *d)
{
	return take_date(s, &d->day) && take_time(s, &d->time_s) && take_zone(s, &d->zone_min);
}

/* "Feb 24 13:40:45 1995", also with a zone in front of the year or behind it; "Feb 24, 1995 13:40:45 +0100" */
static bool take_month_first(struct str *s, struct date *d)
{
	int month = find_name(months, ARRAY_LEN(months), take_letters(s)) + 1, day, year = 0;
	struct str before_time;
	bool is_ctime;
	size_t n;

	if (take_number(s, 1, 2, &day) == 0)
		return false;
	take_char(s, ',');
	before_time = *s;
	is_ctime = take_time(s, &d->time_s);
	if (!is_ctime)
		*s = before_time;
	else if (!take_zone(s, &d->zone_min))
		return false;
	n = take_number(s, 2, 4, &year);
	if (!is_date(year, n, month, day, &d->day))
		return false;
	if (!is_ctime)
		return take_time(s, &d->time_s) && take_zone(s, &d->zone_min);
	return d->zone_min != 0 || take_zone(s, &d->zone_min);
}

/* RFC 3339 5.6: full-date ("T" / " ") full-time, its seconds without a fraction */
static bool take_rfc3339(struct str *s, struct date *d)
{
	int year = 0, month, day;
	size_t n = take_number(s, 4, 4, &year);
	struct str rest;

	if (n == 0 || !take_char(s, '-') || take_number(s, 2, 2, &month) == 0 || !take_char(s, '-') || take_number(s, 2, 2, &day) == 0)
		return false;
	if (!is_date(year, n, month, day, &d->day))
		return false;
	rest = *s;
	if (!str_ieq(take_letters(s), S("T")))
		*s = rest;
	return take_time(s, &d->time_s) && take_zone(s, &d->zone_min);
}

bool mime_date_parse(struct str value, int64_t *ret_epoch_s, int *ret_zone_min)
{
	static bool (*const forms[])(struct str *, struct date *) = { take_rfc5322, take_month_first, take_rfc3339 };
	struct str s = str_head(value, LIMIT_MIME_HEADER_FIELD), word, rest = s;
	struct date d;
	bool is_read = false;

	/* [ day-of-week "," ]; the comma is sometimes missing */
	word = take_letters(&s);
	if (find_name(days, ARRAY_LEN(days), word) >= 0) {
		take_char(&s, ',');
		rest = s;
	}
	for (size_t i = 0; i < ARRAY_LEN(forms) && !is_read; i++) {
		d = (struct date){ 0 };
		s = rest;
		is_read = forms[i](&s, &d);
	}
	if (!is_read)
		return false;
	*ret_epoch_s = d.day * 86400 + d.time_s - d.zone_min * 60;
	*ret_zone_min = d.zone_min;
	return true;
}

static int64_t clamp(int64_t v, int64_t min, int64_t max)
{
	return v < min ? min : v > max ? max : v;
}

void mime_date_print_z(char out[40], int64_t epoch_s, int zone_min)
{
	struct tm tm = { 0 };
	time_t local;
	int zone = (int)clamp(zone_min, -(99 * 60 + 59), 99 * 60 + 59);
	int minutes = zone < 0 ? -zone : zone;

	/* RFC 5322 3.3: four-digit years from 1900 on */
	local = (time_t)(clamp(epoch_s, -2208988800, 253401900000) + zone * 60);
	gmtime_r(&local, &tm);
	snprintf(out, 40, "%.3s, %02u %.3s %04d %02u:%02u:%02u %c%02d%02d",
		 days[(tm.tm_wday + 3) % 7].p, (unsigned char)tm.tm_mday % 32u,
		 months[tm.tm_mon].p, (tm.tm_year + 1900) % 10000, (unsigned char)tm.tm_hour % 24u,
		 (unsigned char)tm.tm_min % 60u, (unsigned char)tm.tm_sec % 61u,
		 zone < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
}

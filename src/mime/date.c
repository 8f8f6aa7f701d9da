/* SPDX-License-Identifier: MIT */
/*
 * Dates (RFC 5322 3.3, 4.3): a cursor over the text, one function per part. Ranges are strict,
 * spelling is not: comments and folds anywhere, two-digit years, named zones, no day name, no
 * seconds, no zone.
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

/* date = day month year */
static bool take_date(struct str *s, int64_t *ret_days)
{
	int day, month, year;
	size_t n;

	if (take_number(s, 1, 2, &day) == 0)
		return false;
	month = find_name(months, ARRAY_LEN(months), take_letters(s)) + 1;
	n = take_number(s, 2, 4, &year);
	if (month == 0 || n == 0)
		return false;
	/* RFC 5322 4.3: obs-year */
	if (n == 3 || (n == 2 && year >= 50))
		year += 1900;
	else if (n == 2)
		year += 2000;
	if (year < 1900 || day < 1 || day > days_of_month(year, month))
		return false;
	*ret_days = days_from_date(year, month, day);
	return true;
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

/* zone = (FWS ( "+" / "-" ) 4DIGIT) / (FWS obs-zone) */
static bool take_zone(struct str *s, int *ret_min)
{
	struct str word;
	int sign, v;

	*ret_min = 0;
	sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
	if (sign != 0) {
		if (take_number(s, 4, 4, &v) == 0 || v % 100 > 59)
			return false;
		*ret_min = sign * (v / 100 * 60 + v % 100);
		return true;
	}
	word = take_letters(s);
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		if (str_ieq(word, zones[i].name))
			*ret_min = zones[i].minutes;
	}
	return true;
}

bool mime_date_parse(struct str value, int64_t *ret_epoch_s, int *ret_zone_min)
{
	struct str s = str_head(value, LIMIT_MIME_HEADER_FIELD), word;
	int64_t day;
	int time_s, zone_min;

	/* [ day-of-week "," ]; the comma is sometimes missing */
	word = take_letters(&s);
	if (word.n > 0 && find_name(days, ARRAY_LEN(days), word) < 0)
		return false;
	if (word.n > 0)
		take_char(&s, ',');
	if (!take_date(&s, &day) || !take_time(&s, &time_s) || !take_zone(&s, &zone_min))
		return false;
	*ret_epoch_s = day * 86400 + time_s - zone_min * 60;
	*ret_zone_min = zone_min;
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

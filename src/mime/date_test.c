/* SPDX-License-Identifier: MIT */
/* Dates: RFC 5322 3.3 and 4.3, and what must not count as one. */
#include "base/test.h"
#include "mime/mime.h"

TEST(date_parses)
{
	static const struct {
		const char *in;
		int64_t epoch_s;
		int zone_min;
	} rows[] = {
		{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360 },
		{ "21 Nov 97 09:55:06 GMT", 880106106, 0 },
		{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360 },
		{ "\r\n Thu,\r\n\t13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)", -27723480, -210 },
		{ "Thu, 1 Jan 1970 00:00:00 +0000", 0, 0 },
		{ "1 Jan 1970 00:00:00", 0, 0 },
		{ "1 jan 1970 1:02 z", 3720, 0 },
		{ "1 Jan 1970 00:00 EST", 18000, -300 },
		{ "1 Jan 1970 00:00 pdt", 25200, -420 },
		{ "1 Jan 1970 00:00 A", 0, 0 },
		{ "1 Jan 1970 00:00 CEST", 0, 0 },
		{ "Thursday 1 January 1970 00:00:00 +0000 extra", 0, 0 },
		{ "31 Dec 49 00:00 UT", 2524521600, 0 },
		{ "1 Jan 50 00:00 UT", -631152000, 0 },
		{ "1 Jan 100 00:00 UT", 946684800, 0 },
		{ "29 Feb 2000 23:59:60 +0000", 951868800, 0 },
		{ "1 Jan 1900 00:00:00 +0000", -2208988800, 0 },
		{ "31 Dec 9999 23:59:59 +0000", 253402300799, 0 },
		{ "1 Jan 1970 00:00:00 +9959", -359940, 5999 },
		/* ctime(), with the zone where some put it */
		{ "Fri Feb 24 13:40:45 1995", 793633245, 0 },
		{ "Thu Jan  1 00:00:00 1970", 0, 0 },
		{ "Mon Feb 12 17:21:48 EST 1996", 824163708, -300 },
		{ "Thu Dec 4 16:00:00 2008 -0800", 1228435200, -480 },
		{ "Thu Dec 4 16:00:00 -0800 2008", 1228435200, -480 },
		/* the month in front */
		{ "Fri, Nov 01 02 01:50:58", 1036115458, 0 },
		{ "Wed Sep 10 2008 19:35:00 +0200", 1221068100, 120 },
		{ "January 1, 1970 01:00 +0100", 0, 60 },
		/* RFC 3339 5.8 */
		{ "1996-12-19T16:39:57-08:00", 851042397, -480 },
		{ "1996-12-19 16:39:57 -0800", 851042397, -480 },
		{ "1996-12-20T00:39:57Z", 851042397, 0 },
		{ "1 Jan 1970 01:00:00 +01:00", 0, 60 },
		{ "1 Jan 1970 02:00:00 GMT+0200", 0, 120 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_auto_free) char *copy = test_copy(str_z(rows[i].in));
		int64_t epoch_s;
		int zone_min;

		test_row(rows[i].in);
		assert_true(mime_date_parse(str_of(copy, strlen(rows[i].in)), &epoch_s, &zone_min));
		assert_int_equal(epoch_s, rows[i].epoch_s);
		assert_int_equal(zone_min, rows[i].zone_min);
	}
}

TEST(date_refuses)
{
	static const char *const rows[] = {
		"", "now", "Fri, 32 Nov 1997 09:55:06 -0600", "29 Feb 1900 00:00 +0000",
		"0 Jan 1970 00:00 +0000", "1 Jam 1970 00:00 +0000", "1 Ja 1970 00:00 +0000",
		"1 Jan 1899 00:00 +0000", "1 Jan 1 00:00 +0000", "1 Jan 19700 00:00 +0000",
		"1 Jan 1970 24:00 +0000", "1 Jan 1970 00:60 +0000", "1 Jan 1970 00:00:61 +0000",
		"1 Jan 1970 00:00:00 +0060", "1 Jan 1970 00:00:00 +000", "1 Jan 1970 00:00:00 +00000",
		"1 Jan 1970 0 +0000", "1 Jan 1970", "Foo, 1 Jan 1970 00:00:00 +0000", "(1 Jan 1970 00:00",
		"1 Jan 1970 00:0 +0000", "-1 Jan 1970 00:00 +0000",
		"Feb 24 13:40:45", "Feb 30 13:40:45 1995", "Fri Feb 24 1995", "Foo 24 13:40:45 1995", "Feb 24 13:40:45 19950",
		"1996-02-30T00:00:00Z", "1996-13-01 00:00:00", "1996-12-19", "96-12-19 16:39:57", "1 Jan 1970 00:00 +01:60",
		"1 Jan 1970 00:00 +01:", "1 Jan 1970 00:00 GMT+02",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t epoch_s;
		int zone_min;

		test_row(rows[i]);
		assert_false(mime_date_parse(str_z(rows[i]), &epoch_s, &zone_min));
	}
}

TEST(date_prints)
{
	static const struct {
		int64_t epoch_s;
		int zone_min;
		const char *want;
	} rows[] = {
		{ 0, 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ 1795464480, 0, "Mon, 23 Nov 2026 20:08:00 +0000" },
		{ 880127706, -360, "Fri, 21 Nov 1997 09:55:06 -0600" },
		{ 0, -210, "Wed, 31 Dec 1969 20:30:00 -0330" },
		{ INT64_MIN, 0, "Mon, 01 Jan 1900 00:00:00 +0000" },
		{ INT64_MAX, 99999, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[40];

		mime_date_print_z(got, rows[i].epoch_s, rows[i].zone_min);
		assert_int_equal(strlen(got), 31);
		if (rows[i].want != NULL)
			assert_string_equal(got, rows[i].want);
	}
}

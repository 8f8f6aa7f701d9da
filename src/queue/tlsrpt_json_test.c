/* SPDX-License-Identifier: MIT */
/* Reports as JSON, with the example of RFC 8460 B, and packed. */
#include "queue/tlsrpt_int.h"

#include <jansson.h>
#include <zlib.h>

#include "base/test.h"

#define STS_OF_Y \
	{ QUEUE_TLSRPT_STS, STR_INIT("company-y.example"), \
	  STR_INIT("version: STSv1\nmode: testing\nmx: *.mail.company-y.example\nmax_age: 86400") }

/* RFC 8460 B, without a link for people. */
static struct queue_tlsrpt_row rows_of_b[] = {
	{ STS_OF_Y, { .outcome = QUEUE_TLSRPT_SUCCESS }, 5326 },
	{ STS_OF_Y,
	  { 0, QUEUE_TLSRPT_EXPIRED, STR_INIT("mx1.mail.company-y.example"), { 0 }, STR_INIT("2001:db8:abcd:12::1"), { 0 } },
	  100 },
	{ STS_OF_Y,
	  { 0, QUEUE_TLSRPT_NO_STARTTLS, STR_INIT("mx2.mail.company-y.example"), STR_INIT("203.0.113.56"),
	    STR_INIT("2001:db8:abcd:13::1"), { 0 } },
	  200 },
	{ STS_OF_Y,
	  { 0, QUEUE_TLSRPT_VALIDATION, STR_INIT("mx-backup.mail.company-y.example"), STR_INIT("203.0.113.58"),
	    STR_INIT("198.51.100.62"), STR_INIT("X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED") },
	  3 },
};

static const struct queue_tlsrpt_report example = {
	.day = 16892, /* 2016-04-01 */
	.domain = STR_INIT("company-y.example"),
	.id = STR_INIT("5065427c-23d3-47ca-b6e0-946ea0e8c4be@company-x.example"),
	.organization = STR_INIT("Company-X"),
	.address = STR_INIT("sts-reporting@company-x.example"),
	.rows = rows_of_b,
	.n_rows = ARRAY_LEN(rows_of_b),
};

static const char example_json[] =
	"{\"organization-name\":\"Company-X\","
	"\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\",\"end-datetime\":\"2016-04-01T23:59:59Z\"},"
	"\"contact-info\":\"sts-reporting@company-x.example\","
	"\"report-id\":\"5065427c-23d3-47ca-b6e0-946ea0e8c4be@company-x.example\","
	"\"policies\":[{"
	"\"policy\":{\"policy-type\":\"sts\","
	"\"policy-string\":[\"version: STSv1\",\"mode: testing\",\"mx: *.mail.company-y.example\",\"max_age: 86400\"],"
	"\"policy-domain\":\"company-y.example\",\"mx-host\":[\"*.mail.company-y.example\"]},"
	"\"summary\":{\"total-successful-session-count\":5326,\"total-failure-session-count\":303},"
	"\"failure-details\":[{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":\"2001:db8:abcd:12::1\","
	"\"receiving-mx-hostname\":\"mx1.mail.company-y.example\",\"failed-session-count\":100},"
	"{\"result-type\":\"starttls-not-supported\",\"sending-mta-ip\":\"2001:db8:abcd:13::1\","
	"\"receiving-mx-hostname\":\"mx2.mail.company-y.example\",\"receiving-ip\":\"203.0.113.56\","
	"\"failed-session-count\":200},"
	"{\"result-type\":\"validation-failure\",\"sending-mta-ip\":\"198.51.100.62\","
	"\"receiving-mx-hostname\":\"mx-backup.mail.company-y.example\",\"receiving-ip\":\"203.0.113.58\","
	"\"failed-session-count\":3,\"failure-reason-code\":\"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED\"}]}]}";

TEST(the_report_of_the_rfc)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(QUEUE_TLSRPT_JSON);

	queue_tlsrpt_json(&example, &out);
	assert_str_eq(buf_str(&out), str_z(example_json));
}

/* RFC 8460 4: one entry for each policy; TLSA as in 4.5, and nothing published. */
TEST(policies_stand_apart)
{
	struct queue_tlsrpt_row rows[] = {
		{ { QUEUE_TLSRPT_NONE, STR_INIT("far.example"), STR_INIT("") }, { .outcome = QUEUE_TLSRPT_SUCCESS }, 2 },
		{ { QUEUE_TLSRPT_TLSA, STR_INIT("mx1.far.example"), STR_INIT("3 1 1 AB\n2 0 1 CD") },
		  { .outcome = QUEUE_TLSRPT_SUCCESS },
		  3 },
		{ { QUEUE_TLSRPT_TLSA, STR_INIT("mx2.far.example"), STR_INIT("") },
		  { .outcome = QUEUE_TLSRPT_DNSSEC_INVALID, .host = STR_INIT("mx2.far.example"), .reason = STR_INIT("bad \"quote\" \xff") },
		  4 },
	};
	const struct queue_tlsrpt_report r = { .day = 0, .domain = S("far.example"), .id = S("1@we.example"), .organization = S("W\xc3\xa9"),
					       .address = S("r@we.example"), .rows = rows, .n_rows = ARRAY_LEN(rows) };
	AUTO(buf_fini) struct buf out = BUF_INIT(QUEUE_TLSRPT_JSON);
	static const char want[] =
		"{\"organization-name\":\"W\xc3\xa9\","
		"\"date-range\":{\"start-datetime\":\"1970-01-01T00:00:00Z\",\"end-datetime\":\"1970-01-01T23:59:59Z\"},"
		"\"contact-info\":\"r@we.example\",\"report-id\":\"1@we.example\",\"policies\":["
		"{\"policy\":{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"far.example\"},"
		"\"summary\":{\"total-successful-session-count\":2,\"total-failure-session-count\":0}},"
		"{\"policy\":{\"policy-type\":\"tlsa\",\"policy-string\":[\"3 1 1 AB\",\"2 0 1 CD\"],\"policy-domain\":\"mx1.far.example\"},"
		"\"summary\":{\"total-successful-session-count\":3,\"total-failure-session-count\":0}},"
		"{\"policy\":{\"policy-type\":\"tlsa\",\"policy-domain\":\"mx2.far.example\"},"
		"\"summary\":{\"total-successful-session-count\":0,\"total-failure-session-count\":4},"
		"\"failure-details\":[{\"result-type\":\"dnssec-invalid\",\"receiving-mx-hostname\":\"mx2.far.example\","
		"\"failed-session-count\":4,\"failure-reason-code\":\"\"}]}]}";

	queue_tlsrpt_json(&r, &out);
	assert_str_eq(buf_str(&out), str_z(want));
}

/* RFC 1952: what zlib reads with gzip's header only. */
TEST(a_report_packed_is_gzip)
{
	AUTO(buf_fini) struct buf packed = BUF_INIT(1u << 16);
	char back[sizeof(example_json)];
	z_stream z = { 0 };

	assert_int_equal(queue_tlsrpt_gzip(str_z(example_json), &packed), 0);
	assert_true(packed.n < sizeof(example_json) / 2);
	z.next_in = (Bytef *)packed.p;
	z.avail_in = (uInt)packed.n;
	z.next_out = (Bytef *)back;
	z.avail_out = sizeof(back);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_str_eq(str_of(back, z.total_out), str_z(example_json));
	inflateEnd(&z);
}

TEST(a_report_has_a_filename)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(1024);

	queue_tlsrpt_filename(&example, &out);
	assert_str_eq(buf_str(&out), S("company-x.example!company-y.example!1459468800!1459555199!"
				       "5065427c-23d3-47ca-b6e0-946ea0e8c4be.json.gz"));
}

/* SPDX-License-Identifier: MIT */
/* A report as JSON, and packed. Pure. RFC 8460 4.4, 5.1, 5.2. */
#include "queue/tlsrpt_int.h"

#include <jansson.h>
#include <time.h>
#include <zlib.h>

#include "base/must.h"

#define DAY_S 86400
#define GZIP_WINDOW (15 + 16) /* zlib's largest, with gzip's header */

static json_t *text_of(struct str s)
{
	json_t *j = json_stringn(s.p ? s.p : "", s.n);

	return j ? j : json_string(""); /* no UTF-8 */
}

static void set_text(json_t *o, const char *key_z, struct str s)
{
	if (s.n > 0)
		json_object_set_new(o, key_z, text_of(s));
}

/* ---- one policy ---- */

static json_t *lines_of(struct str text)
{
	json_t *all = json_array();
	struct str line;

	while (str_split(&text, '\n', &line))
		json_array_append_new(all, text_of(line));
	return all;
}

/* RFC 8460 4.4: the patterns of the policy, as a JSON array. */
static json_t *patterns_of(struct str text)
{
	json_t *all = json_array();
	struct str line;

	while (str_split(&text, '\n', &line))
		if (str_starts(line, S("mx: ")))
			json_array_append_new(all, text_of(str_skip(line, 4)));
	return all;
}

static json_t *policy_of(const struct queue_tlsrpt_row *row)
{
	static const char *const types_z[QUEUE_TLSRPT_N_TYPES] = { [QUEUE_TLSRPT_NONE] = "no-policy-found",
								   [QUEUE_TLSRPT_TLSA] = "tlsa",
								   [QUEUE_TLSRPT_STS] = "sts" };
	json_t *p = json_object(), *patterns;

	json_object_set_new(p, "policy-type", json_string(types_z[row->policy.type]));
	if (row->policy.text.n > 0)
		json_object_set_new(p, "policy-string", lines_of(row->policy.text));
	set_text(p, "policy-domain", row->policy.domain);
	patterns = patterns_of(row->policy.type == QUEUE_TLSRPT_STS ? row->policy.text : S(""));
	if (json_array_size(patterns) > 0)
		json_object_set_new(p, "mx-host", patterns);
	else
		json_decref(patterns);
	return p;
}

static json_t *failure_of(const struct queue_tlsrpt_row *row)
{
	json_t *f = json_object();

	json_object_set_new(f, "result-type", json_string(queue_tlsrpt_outcome_z(row->session.outcome)));
	set_text(f, "sending-mta-ip", row->session.own);
	set_text(f, "receiving-mx-hostname", row->session.host);
	set_text(f, "receiving-ip", row->session.peer);
	json_object_set_new(f, "failed-session-count", json_integer(row->sessions));
	set_text(f, "failure-reason-code", row->session.reason);
	return f;
}

static bool is_same(const struct queue_tlsrpt_policy *a, const struct queue_tlsrpt_policy *b)
{
	return a->type == b->type && str_eq(a->domain, b->domain) && str_eq(a->text, b->text);
}

/* Of the rows that stand together; *i is moved behind them. */
static json_t *entry_of(const struct queue_tlsrpt_report *r, size_t *i)
{
	const struct queue_tlsrpt_row *first = &r->rows[*i];
	json_t *entry = json_object(), *summary = json_object(), *details = json_array();
	int64_t good = 0, bad = 0;

	for (; *i < r->n_rows && is_same(&r->rows[*i].policy, &first->policy); (*i)++) {
		const struct queue_tlsrpt_row *row = &r->rows[*i];

		if (row->session.outcome == QUEUE_TLSRPT_SUCCESS) {
			good += row->sessions;
			continue;
		}
		bad += row->sessions;
		json_array_append_new(details, failure_of(row));
	}
	json_object_set_new(summary, "total-successful-session-count", json_integer(good));
	json_object_set_new(summary, "total-failure-session-count", json_integer(bad));
	json_object_set_new(entry, "policy", policy_of(first));
	json_object_set_new(entry, "summary", summary);
	if (json_array_size(details) > 0)
		json_object_set_new(entry, "failure-details", details);
	else
		json_decref(details);
	return entry;
}

/* ---- the whole ---- */

/* RFC 3339 5.6 */
static json_t *time_of(int64_t s)
{
	time_t t = (time_t)s;
	char text[32];
	struct tm tm;

	must(gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	return json_string(text);
}

static int add_to_buf(const char *p, size_t n, void *arg)
{
	buf_add(arg, str_of(p, n));
	return 0;
}

void queue_tlsrpt_json(const struct queue_tlsrpt_report *r, struct buf *out)
{
	json_t *all = json_object(), *range = json_object(), *policies = json_array();
	size_t i = 0;

	json_object_set_new(range, "start-datetime", time_of(r->day * DAY_S));
	json_object_set_new(range, "end-datetime", time_of(r->day * DAY_S + DAY_S - 1));
	json_object_set_new(all, "organization-name", text_of(r->organization));
	json_object_set_new(all, "date-range", range);
	json_object_set_new(all, "contact-info", text_of(r->address));
	json_object_set_new(all, "report-id", text_of(r->id));
	while (i < r->n_rows)
		json_array_append_new(policies, entry_of(r, &i));
	json_object_set_new(all, "policies", policies);
	must(json_dump_callback(all, add_to_buf, out, JSON_COMPACT) == 0);
	json_decref(all);
}

int queue_tlsrpt_gzip(struct str text, struct buf *out)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)text.p, .avail_in = (uInt)text.n };
	size_t room;
	char *p;
	int rc;

	must(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	room = deflateBound(&z, text.n);
	p = buf_reserve(out, room);
	if (!p) {
		deflateEnd(&z);
		return -E_LIMIT;
	}
	z.next_out = (Bytef *)p;
	z.avail_out = (uInt)room;
	rc = deflate(&z, Z_FINISH);
	buf_commit(out, room - z.avail_out);
	deflateEnd(&z);
	return rc == Z_STREAM_END ? 0 : -E_BUG;
}

/* RFC 8460 5.1: sender!policy-domain!begin!end!unique-id.json.gz */
void queue_tlsrpt_filename(const struct queue_tlsrpt_report *r, struct buf *out)
{
	struct str domain = str_skip(r->address, (size_t)(str_chr(r->address, '@') + 1));
	struct str id = str_head(r->id, (size_t)str_chr(r->id, '@'));

	buf_printf(out, "%" STR_FMT "!%" STR_FMT "!%lld!%lld!%" STR_FMT ".json.gz", STR_ARG(domain), STR_ARG(r->domain),
		   (long long)r->day * DAY_S, (long long)r->day * DAY_S + DAY_S - 1, STR_ARG(id));
}

/* SPDX-License-Identifier: MIT */
/* The record, the policy and the match of MTA-STS. RFC 8461 3.1, 3.2, 4.1. */
#include "mailauth/sts.h"

#include "base/err.h"
#include "mailauth/txt.h"

#define NAME_MAX_BYTES 255 /* of a host, RFC 1035 2.3.4 */

/* ---- the record ---- */

/* sts-ext-value = 1*(%x21-3A / %x3C / %x3E-7E) */
static bool is_record_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == ';' || s.p[i] == '=' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static bool is_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!txt_is_alnum(s.p[i]))
			return false;
	return s.n > 0 && s.n <= STS_ID_MAX;
}

/* RFC 8461 3.1: of a field that is there twice the first counts. */
static bool parse_record(struct str fields, struct str *ret_id)
{
	struct str id = { 0 }, name, value;
	int r;

	while ((r = txt_field_next(&fields, &name, &value)) > 0) {
		if (str_eq(name, S("id"))) {
			if (!is_id(value))
				return false;
			if (!id.p)
				id = value;
		} else if (!is_record_value(value)) {
			return false;
		}
	}
	*ret_id = id;
	return r == 0 && id.p != NULL;
}

bool sts_record_parse(const struct str *records, size_t n, struct str *ret_id)
{
	struct str fields = { 0 };

	return txt_record_choose(records, n, S("v=STSv1"), &fields) && parse_record(fields, ret_id);
}

/* ---- the policy ---- */

/* ["*."] Domain of RFC 5321 4.1.2; underscores are in use. */
static bool is_pattern(struct str s)
{
	return txt_is_host(str_starts(s, S("*.")) ? str_skip(s, 2) : s, NAME_MAX_BYTES);
}

struct reading {
	struct arena *arena;
	struct sts_policy policy;
	struct str *mx;
	size_t cap;
	bool has_version, has_mode, has_max_age;
};

static int read_version(struct reading *r, struct str value)
{
	if (!r->has_version && !str_eq(value, S("STSv1")))
		return -E_SYNTAX;
	r->has_version = true;
	return 0;
}

static int read_mode(struct reading *r, struct str value)
{
	static const struct str modes[] = {
		[STS_NONE] = STR_INIT("none"), [STS_TESTING] = STR_INIT("testing"), [STS_ENFORCE] = STR_INIT("enforce") };

	if (r->has_mode)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (str_eq(value, modes[i])) {
			r->policy.mode = (enum sts_mode)i;
			r->has_mode = true;
		}
	return r->has_mode ? 0 : -E_SYNTAX;
}

/* A longer age than may be is the longest that may be. */
static int read_max_age(struct reading *r, struct str value)
{
	uint64_t age;

	if (r->has_max_age)
		return 0;
	if (value.n > 10 || !str_to_u64(value, UINT64_MAX, &age))
		return -E_SYNTAX;
	r->policy.max_age_s = age < STS_MAX_AGE_S ? (int64_t)age : STS_MAX_AGE_S;
	r->has_max_age = true;
	return 0;
}

static int read_mx(struct reading *r, struct str value)
{
	char *name;

	if (!is_pattern(value))
		return -E_SYNTAX;
	if (r->policy.n_mx == STS_POLICY_MX || arena_grow(r->arena, &r->mx, r->policy.n_mx, &r->cap, sizeof(*r->mx)) < 0)
		return -E_LIMIT;
	name = arena_alloc(r->arena, value.n, 1);
	if (!name)
		return -E_LIMIT;
	for (size_t i = 0; i < value.n; i++)
		name[i] = str_lower_char(value.p[i]);
	r->mx[r->policy.n_mx++] = str_of(name, value.n);
	return 0;
}

static const struct {
	struct str name;
	int (*read)(struct reading *r, struct str value);
} fields[] = {
	{ STR_INIT("version"), read_version },
	{ STR_INIT("mode"), read_mode },
	{ STR_INIT("max_age"), read_max_age },
	{ STR_INIT("mx"), read_mx },
};

/* sts-policy-field. What is not known is well-formed all the same, and skipped. */
static int read_field(struct reading *r, struct str line)
{
	ptrdiff_t at = str_chr(line, ':');
	struct str name, value;

	if (at < 0)
		return -E_SYNTAX;
	name = str_head(line, (size_t)at);
	value = str_trim(str_skip(line, (size_t)at + 1));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (str_eq(name, fields[i].name))
			return fields[i].read(r, value);
	return txt_is_field_name(name) && value.n > 0 && str_is_utf8(value) ? 0 : -E_SYNTAX;
}

int sts_policy_parse(struct str text, struct arena *a, struct sts_policy *ret)
{
	struct reading r = { .arena = a };
	struct str line;

	if (text.n > STS_POLICY_MAX)
		return -E_LIMIT;
	while (str_split(&text, '\n', &line)) {
		int rc;

		if (str_ends(line, S("\r")))
			line.n--;
		/* One behind the last line end is none; others that are empty are common and harmless. */
		if (str_trim(line).n == 0)
			continue;
		rc = read_field(&r, line);
		if (rc < 0)
			return rc;
	}
	if (!r.has_version || !r.has_mode || !r.has_max_age || (r.policy.n_mx == 0 && r.policy.mode != STS_NONE))
		return -E_SYNTAX;
	r.policy.mx = r.mx;
	*ret = r.policy;
	return 0;
}

/* ---- the match ---- */

bool sts_policy_has_mx(const struct sts_policy *p, struct str host)
{
	ptrdiff_t dot = str_chr(host, '.');

	for (size_t i = 0; i < p->n_mx; i++) {
		if (str_ieq(p->mx[i], host))
			return true;
		/* The star is the whole left-most label. */
		if (dot > 0 && str_starts(p->mx[i], S("*.")) && str_ieq(str_skip(p->mx[i], 1), str_skip(host, (size_t)dot)))
			return true;
	}
	return false;
}

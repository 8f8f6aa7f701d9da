/* SPDX-License-Identifier: MIT */
/* What a server says it can do: the lines of its EHLO reply (RFC 5321 4.1.1.1), one row for each word that matters to us. */
#include "smtp/client_int.h"

#include <stddef.h>

#define AT(member) offsetof(struct smtp_client_caps, member)

static const struct {
	struct str keyword;
	size_t at; /* of a bool */
} words[] = {
	{ STR_INIT("PIPELINING"), AT(has_pipelining) },          /* RFC 2920 3 */
	{ STR_INIT("8BITMIME"), AT(has_8bitmime) },              /* RFC 6152 2 */
	{ STR_INIT("BINARYMIME"), AT(has_binarymime) },          /* RFC 3030 3 */
	{ STR_INIT("CHUNKING"), AT(has_chunking) },              /* RFC 3030 2 */
	{ STR_INIT("SMTPUTF8"), AT(has_smtputf8) },              /* RFC 6531 3.1 */
	{ STR_INIT("DSN"), AT(has_dsn) },                        /* RFC 3461 4 */
	{ STR_INIT("SIZE"), AT(has_size) },                      /* RFC 1870 3 */
	{ STR_INIT("STARTTLS"), AT(has_starttls) },              /* RFC 3207 4 */
	{ STR_INIT("REQUIRETLS"), AT(has_requiretls) },          /* RFC 8689 2 */
	{ STR_INIT("ENHANCEDSTATUSCODES"), AT(has_enhanced) },   /* RFC 2034 3 */
	{ STR_INIT("DELIVERBY"), AT(has_deliverby) },            /* RFC 2852 2 */
	{ STR_INIT("MT-PRIORITY"), AT(has_mt_priority) },        /* RFC 6710 2 */
	{ STR_INIT("FUTURERELEASE"), AT(has_futurerelease) },    /* RFC 4865 3 */
	{ STR_INIT("LIMITS"), AT(has_limits) },                  /* RFC 9422 4 */
};

static struct str kept(struct arena *a, struct str s)
{
	struct str copy = arena_str(a, s);

	return copy.p != NULL ? copy : S("");
}

/* "AUTH PLAIN LOGIN", and "AUTH=PLAIN LOGIN" of old servers. */
static void auth_line(struct str line, struct arena *a, struct smtp_client_caps *ret)
{
	if (line.n > 5 && str_istarts(line, S("AUTH")) && (line.p[4] == ' ' || line.p[4] == '=') && ret->auth.n == 0)
		ret->auth = kept(a, str_trim(str_skip(line, 5)));
}

#define LIMIT_MAX 999999

/* RFC 9422 3: esmtp-limits = limit-item *(SP limit-item), RFC 9422 4.1 to 4.3: %x31-39 0*5DIGIT; anything else is no limit (RFC 9422 3.7). */
static void limits_line(struct str arguments, struct arena *a, struct smtp_client_caps *ret)
{
	struct str item, name;
	uint64_t n;

	ret->limits = kept(a, arguments);
	while (str_split(&arguments, ' ', &item)) {
		if (!str_split(&item, '=', &name) || str_starts(item, S("0")) || !str_to_u64(item, LIMIT_MAX, &n))
			continue;
		if (str_ieq(name, S("MAILMAX")))
			ret->max_mails = n;
		else if (str_ieq(name, S("RCPTMAX")))
			ret->max_rcpts = n;
		else if (str_ieq(name, S("RCPTDOMAINMAX")))
			ret->max_domains = n;
	}
}

static void take_line(struct str line, struct arena *a, struct smtp_client_caps *ret)
{
	struct str keyword, arguments = str_trim(line);

	auth_line(arguments, a, ret);
	if (!str_split(&arguments, ' ', &keyword))
		return;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(words[i].keyword, keyword))
			*(bool *)(void *)((char *)ret + words[i].at) = true;
	if (str_ieq(keyword, S("SIZE")))
		(void)!str_to_u64(str_trim(arguments), UINT64_MAX, &ret->max_size);
	if (str_ieq(keyword, S("LIMITS")))
		limits_line(str_trim(arguments), a, ret);
	if (str_ieq(keyword, S("DELIVERBY")))
		(void)!str_to_u64(str_trim(arguments), UINT32_MAX, &ret->min_by_s);
}

void smtp_client_caps_parse(struct str text, struct arena *a, struct smtp_client_caps *ret)
{
	struct str line, name;

	*ret = (struct smtp_client_caps){ .is_extended = true };
	if (str_split(&text, '\n', &line) && str_split(&line, ' ', &name))
		ret->name = kept(a, name);
	while (str_split(&text, '\n', &line))
		take_line(line, a, ret);
}

size_t smtp_client_caps_words(const struct smtp_client_caps *c, struct str *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(words) && n < max; i++)
		if (*(const bool *)(const void *)((const char *)c + words[i].at))
			ret[n++] = words[i].keyword;
	return n;
}

/* SPDX-License-Identifier: MIT */
/*
 * SRS0 and SRS1. Local parts may lose their case on the way, so hash and time are of letters that mean the same in both, and the hash is taken
 * over lower case.
 */
#include "mailauth/srs.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/must.h"

#define HASH_LETTERS 6 /* of five bits */
#define DAY_S 86400
#define DAYS_MASK 1023 /* what two letters hold */
#define TEXT_MAX (2 * LIMIT_SMTP_PATH)

static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

static int value_of(char c)
{
	const char *at = c ? strchr(letters, str_lower_char(c)) : NULL;

	return at ? (int)(at - letters) : -1;
}

/* Over the parts, each with its end, in lower case. */
static void make_hash(const uint8_t key[SRS_KEY], const struct str *parts, size_t n, char ret[HASH_LETTERS])
{
	AUTO(buf_fini) struct buf text = BUF_INIT(2 * TEXT_MAX);
	uint8_t mac[EVP_MAX_MD_SIZE];

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < parts[i].n; k++)
			buf_add_char(&text, str_lower_char(parts[i].p[k]));
		buf_add_char(&text, '\0');
	}
	must(!buf_overflowed(&text));
	must(HMAC(EVP_sha256(), key, SRS_KEY, (const uint8_t *)text.p, text.n, mac, NULL));
	for (size_t i = 0; i < HASH_LETTERS; i++)
		ret[i] = letters[mac[i] & 31];
}

static bool is_hash(const uint8_t key[SRS_KEY], const struct str *parts, size_t n, struct str given)
{
	char want[HASH_LETTERS], lower[HASH_LETTERS];

	if (given.n != HASH_LETTERS)
		return false;
	make_hash(key, parts, n, want);
	for (size_t i = 0; i < HASH_LETTERS; i++)
		lower[i] = str_lower_char(given.p[i]);
	return str_eq_secret(str_of(want, HASH_LETTERS), str_of(lower, HASH_LETTERS));
}

/* Takes what stands before the next '='. */
static bool take(struct str *s, struct str *ret)
{
	ptrdiff_t at = str_chr(*s, '=');

	if (at < 0)
		return false;
	*ret = str_head(*s, (size_t)at);
	*s = str_skip(*s, (size_t)at + 1);
	return true;
}

/* "SRS0" or "SRS1" and one of the three separators that are in use. */
static bool is_form(struct str local, char digit)
{
	return local.n > 5 && str_istarts(local, S("SRS")) && local.p[3] == digit && strchr("=+-", local.p[4]);
}

/* RFC 5321 4.1.2: a quoted string is one as a whole, so what is written before it goes inside the quotes. Gives what stands in them. */
static struct str unquote(struct str local, const char **ret_quote_z)
{
	bool is_quoted = local.n > 2 && local.p[0] == '"' && local.p[local.n - 1] == '"';

	*ret_quote_z = is_quoted ? "\"" : "";
	return is_quoted ? str_of(local.p + 1, local.n - 2) : local;
}

/* text as arena_printf() gave it. */
static int finish(struct str text, struct str *ret)
{
	*ret = text;
	return text.p ? 0 : -E_LIMIT;
}

/* ---- forward ---- */

/* An address of ours to be; local and rest are without their quotes. */
struct forwarded {
	const char *quote_z;
	struct str domain;
	struct arena *a;
};

static int forward_plain(const uint8_t key[SRS_KEY], int64_t now_s, struct str local, struct str host, const struct forwarded *f,
			 struct str *ret)
{
	int64_t day = now_s / DAY_S & DAYS_MASK;
	const char time[2] = { letters[day >> 5], letters[day & 31] };
	const struct str parts[] = { str_of(time, 2), host, local };
	char hash[HASH_LETTERS];

	make_hash(key, parts, ARRAY_LEN(parts), hash);
	return finish(arena_printf(f->a, "%sSRS0=%.6s=%.2s=%" STR_FMT "=%" STR_FMT "%s@%" STR_FMT, f->quote_z, hash, time, STR_ARG(host),
				      STR_ARG(local), f->quote_z, STR_ARG(f->domain)), ret);
}

/* rest: what the first forwarder wrote behind "SRS0", its separator with it. */
static int forward_again(const uint8_t key[SRS_KEY], struct str rest, struct str host, const struct forwarded *f, struct str *ret)
{
	const struct str parts[] = { host, rest };
	char hash[HASH_LETTERS];

	make_hash(key, parts, ARRAY_LEN(parts), hash);
	return finish(arena_printf(f->a, "%sSRS1=%.6s=%" STR_FMT "=%" STR_FMT "%s@%" STR_FMT, f->quote_z, hash, STR_ARG(host), STR_ARG(rest),
				      f->quote_z, STR_ARG(f->domain)), ret);
}

int srs_forward(const uint8_t key[SRS_KEY], int64_t now_s, struct str sender, struct str domain, struct arena *a, struct str *ret)
{
	ptrdiff_t at = str_rchr(sender, '@');
	struct forwarded f = { .domain = domain, .a = a };
	struct str local, host, ignored, first;

	if (at <= 0 || (size_t)at + 1 == sender.n || sender.n > LIMIT_SMTP_PATH || domain.n == 0)
		return -E_SYNTAX;
	local = unquote(str_head(sender, (size_t)at), &f.quote_z);
	host = str_skip(sender, (size_t)at + 1);
	if (str_chr(host, '=') >= 0)
		return -E_SYNTAX; /* no host's name; it would end elsewhere when it is read back */
	if (is_form(local, '0'))
		return forward_again(key, str_skip(local, 4), host, &f, ret);
	if (is_form(local, '1')) { /* of the second forwarder: the first stays the one to go back to */
		struct str rest = str_skip(local, 5);

		if (take(&rest, &ignored) && take(&rest, &first) && first.n > 0 && rest.n > 1)
			return forward_again(key, rest, first, &f, ret);
	}
	return forward_plain(key, now_s, local, host, &f, ret);
}

/* ---- and back ---- */

static bool is_fresh(struct str time, int64_t now_s)
{
	int high = time.n == 2 ? value_of(time.p[0]) : -1;
	int low = time.n == 2 ? value_of(time.p[1]) : -1;
	int64_t age;

	if (high < 0 || low < 0)
		return false;
	age = (now_s / DAY_S - (high << 5 | low)) & DAYS_MASK;
	return age <= SRS_DAYS || age == DAYS_MASK; /* a clock of ours that went back a little */
}

static int reverse_plain(const uint8_t key[SRS_KEY], int64_t now_s, struct str rest, const char *quote_z, struct arena *a, struct str *ret)
{
	struct str hash, parts[3];

	if (!take(&rest, &hash) || !take(&rest, &parts[0]) || !take(&rest, &parts[1]) || parts[1].n == 0 || rest.n == 0)
		return -E_NOT_FOUND;
	parts[2] = rest;
	if (!is_hash(key, parts, ARRAY_LEN(parts), hash) || !is_fresh(parts[0], now_s))
		return -E_DENIED;
	return finish(arena_printf(a, "%s%" STR_FMT "%s@%" STR_FMT, quote_z, STR_ARG(rest), quote_z, STR_ARG(parts[1])), ret);
}

/* Back to the first forwarder, who knows whether it is his. */
static int reverse_again(const uint8_t key[SRS_KEY], struct str rest, const char *quote_z, struct arena *a, struct str *ret)
{
	struct str hash, parts[2];

	if (!take(&rest, &hash) || !take(&rest, &parts[0]) || parts[0].n == 0 || rest.n < 2)
		return -E_NOT_FOUND;
	parts[1] = rest;
	if (!is_hash(key, parts, ARRAY_LEN(parts), hash))
		return -E_DENIED;
	return finish(arena_printf(a, "%sSRS0%" STR_FMT "%s@%" STR_FMT, quote_z, STR_ARG(rest), quote_z, STR_ARG(parts[0])), ret);
}

int srs_reverse(const uint8_t key[SRS_KEY], int64_t now_s, struct str local, struct arena *a, struct str *ret)
{
	const char *quote_z;

	if (local.n > TEXT_MAX)
		return -E_NOT_FOUND;
	local = unquote(local, &quote_z);
	if (is_form(local, '0'))
		return reverse_plain(key, now_s, str_skip(local, 5), quote_z, a, ret);
	if (is_form(local, '1'))
		return reverse_again(key, str_skip(local, 5), quote_z, a, ret);
	return -E_NOT_FOUND;
}

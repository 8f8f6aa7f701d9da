/* SPDX-License-Identifier: MIT */
/*
 * Addresses in the one form in which they are compared and kept: local part unquoted,
 * case-folded, NFC; domain as lower-case A-labels (RFC 5890), so that its U-label spelling is the
 * same domain.
 *
 * DEVIATION(RFC 5321 2.4): local parts are compared without case. The host of a mailbox may
 * decide that, and here it does.
 */
#include "store/store_int.h"

#include <idn2.h>
#include <utf8proc.h>

#include "base/limits.h"

#define LOCAL_MAX 256  /* RFC 5321 4.5.3.1.1 asks for 64; UTF-8 needs more */
#define DOMAIN_MAX 255 /* RFC 5321 4.5.3.1.2 */
#define DOMAIN_SURE 253 /* no name of the DNS is longer as text (RFC 1035 2.3.4): IDNA decides */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (str_lower_char(c) >= 'a' && str_lower_char(c) <= 'z');
}

/* A label about which IDNA has nothing to say but its case: letters, digits, single hyphens between them. */
static bool is_plain_label(struct str label)
{
	for (size_t i = 0; i < label.n; i++)
		if (!is_alnum(label.p[i]) &&
		    (label.p[i] != '-' || i == 0 || label.p[i - 1] == '-' || i + 1 == label.n))
			return false;
	return label.n >= 1 && label.n <= 63;
}

static bool is_plain(struct str domain)
{
	struct str label;

	if (domain.p[domain.n - 1] == '.')
		return false;
	while (str_split(&domain, '.', &label))
		if (!is_plain_label(label))
			return false;
	return true;
}

static struct str lower(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.n + 1, 1);

	for (size_t i = 0; out && i < s.n; i++)
		out[i] = str_lower_char(s.p[i]);
	return str_of(out, out ? s.n : 0);
}

/* Letters, digits, '-' and '_', in labels that are not empty (RFC 1035 2.3.1). */
static bool is_host(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '.' ? i == 0 || s.p[i - 1] == '.' || i + 1 == s.n : !is_alnum(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

/* IDNA (RFC 5890): what may have other scripts, or says that it has. */
static int domain_by_idna(struct arena *a, struct str domain, struct str *ret)
{
	char *in_z, *out_z = NULL;
	struct str out;
	int rc;

	if (!str_is_utf8(domain) || memchr(domain.p, 0, domain.n))
		return -E_SYNTAX;
	in_z = arena_z(a, domain);
	if (!in_z)
		return -E_LIMIT;
	rc = idn2_lookup_u8((const uint8_t *)in_z, (uint8_t **)&out_z,
			    IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (rc != IDN2_OK)
		return -E_SYNTAX;
	out = arena_str(a, str_z(out_z));
	idn2_free(out_z);
	if (!out.p)
		return -E_LIMIT;
	if (!is_host(out))
		return -E_SYNTAX;
	*ret = out;
	return 0;
}

int store_domain_canonical(struct arena *a, struct str domain, struct str *ret)
{
	if (domain.n > 1 && domain.p[domain.n - 1] == '.') /* the same name, written as absolute */
		domain.n--;
	if (domain.n == 0 || domain.n > DOMAIN_MAX)
		return -E_SYNTAX;
	if (domain.n > DOMAIN_SURE || !is_plain(domain))
		return domain_by_idna(a, domain, ret);
	*ret = lower(a, domain);
	return ret->p ? 0 : -E_LIMIT;
}

/* RFC 5321 4.1.2: Quoted-string without its quotes; anything else as it is. */
static int unquote(struct arena *a, struct str local, struct str *ret)
{
	char *out;
	size_t n = 0;

	if (local.n < 2 || local.p[0] != '"' || local.p[local.n - 1] != '"') {
		*ret = local;
		return 0;
	}
	local = str_head(str_skip(local, 1), local.n - 2);
	out = arena_alloc(a, local.n + 1, 1);
	if (!out)
		return -E_LIMIT;
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '\\' && i + 1 < local.n)
			i++;
		out[n++] = local.p[i];
	}
	*ret = str_of(out, n);
	return 0;
}

static int fold(struct arena *a, struct str text, struct str *ret)
{
	utf8proc_uint8_t *out = NULL;
	utf8proc_ssize_t n;

	if (str_is_ascii(text)) {
		*ret = lower(a, text);
		return ret->p ? 0 : -E_LIMIT;
	}
	n = utf8proc_map((const utf8proc_uint8_t *)text.p, (utf8proc_ssize_t)text.n, &out,
			     UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);

	if (n < 0)
		return n == UTF8PROC_ERROR_NOMEM ? -E_LIMIT : -E_SYNTAX;
	*ret = arena_str(a, str_of(out, (size_t)n));
	mem_free(out);
	return ret->p ? 0 : -E_LIMIT;
}

static bool has_controls(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

int store_address_parse(struct arena *a, struct str text, bool may_catch_all,
			struct store_address *ret)
{
	ptrdiff_t at = str_rchr(text, '@');
	struct str local = S(""), domain, full;
	int rc;

	if (at < 0 || text.n > LIMIT_SMTP_PATH || (at == 0 && !may_catch_all))
		return -E_SYNTAX;
	if (at > 0) {
		rc = unquote(a, str_head(text, (size_t)at), &local);
		if (rc < 0)
			return rc;
		if (local.n == 0 || local.n > LOCAL_MAX || !str_is_utf8(local) ||
		    has_controls(local))
			return -E_SYNTAX;
		rc = fold(a, local, &local);
		if (rc < 0)
			return rc;
	}
	rc = store_domain_canonical(a, str_skip(text, (size_t)at + 1), &domain);
	if (rc < 0)
		return rc;
	full = arena_printf(a, "%" STR_FMT "@%" STR_FMT, STR_ARG(local), STR_ARG(domain));
	if (!full.p)
		return -E_LIMIT;
	*ret = (struct store_address){
		.full = full,
		.local = str_head(full, local.n),
		.domain = str_skip(full, local.n + 1),
	};
	return 0;
}

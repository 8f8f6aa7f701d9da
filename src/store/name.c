/* SPDX-License-Identifier: MIT */
/* Mailbox names: which are allowed, and the one form in which each is kept (RFC 9051 5.1). */
#include "store/store_int.h"

#include <utf8proc.h>

#include "base/limits.h"

static const char *why_not_z(struct str name)
{
	if (name.n == 0)
		return "a mailbox name cannot be empty";
	if (!str_is_utf8(name))
		return "a mailbox name must be UTF-8";
	if (name.p[0] == '/' || name.p[name.n - 1] == '/' || str_find(name, S("//")) >= 0)
		return "a mailbox name cannot begin or end with '/' or contain '//'";
	return NULL;
}

/* RFC 9051 5.1, RFC 5198 2: neither C0 and C1 controls nor LINE and PARAGRAPH SEPARATOR. */
static bool is_control(utf8proc_int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

static bool has_controls(struct str name)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n;

	for (; name.n > 0; name = str_skip(name, (size_t)n)) {
		n = utf8proc_iterate((const utf8proc_uint8_t *)name.p, (utf8proc_ssize_t)name.n,
				     &c);
		if (n <= 0 || is_control(c))
			return true;
	}
	return false;
}

int store_name_nfc(struct arena *a, struct str name, struct str *ret)
{
	char *out_z;
	utf8proc_uint8_t *out = NULL;
	utf8proc_ssize_t n =
		utf8proc_map((const utf8proc_uint8_t *)name.p, (utf8proc_ssize_t)name.n, &out,
			     UTF8PROC_STABLE | UTF8PROC_COMPOSE);

	if (n < 0)
		return -E_CANNOT;
	out_z = arena_z(a, str_of(out, (size_t)n));
	mem_free(out);
	if (out_z == NULL)
		return -E_LIMIT;
	*ret = str_of(out_z, (size_t)n);
	return 0;
}

struct str store_name_trim(struct str name)
{
	return name.n > 1 && name.p[name.n - 1] == '/' ? str_head(name, name.n - 1) : name;
}

int store_name_check(struct arena *a, struct str name, struct str *ret, struct fault *fault)
{
	const char *why_z;
	struct str out;
	int rc;

	if (name.n > LIMIT_MAILBOX_NAME)
		return fault_set(fault, -E_LIMIT, "a mailbox name can have %d bytes",
				 LIMIT_MAILBOX_NAME);
	why_z = why_not_z(name);
	if (why_z)
		return fault_set(fault, -E_CANNOT, "%s", why_z);
	if (has_controls(name))
		return fault_set(fault, -E_CANNOT,
				 "a mailbox name cannot contain control characters");
	rc = store_name_nfc(a, name, &out);
	if (rc < 0)
		return fault_set(fault, rc, "the mailbox name cannot be normalised");
	if (out.n > LIMIT_MAILBOX_NAME)
		return fault_set(fault, -E_LIMIT, "a mailbox name can have %d bytes",
				 LIMIT_MAILBOX_NAME);
	/* RFC 9051 5.1: INBOX is the same in any case. */
	if (str_istarts(out, S("inbox")) && (out.n == 5 || out.p[5] == '/')) {
		out = arena_printf(a, "INBOX%" STR_FMT, STR_ARG(str_skip(out, 5)));
		if (out.p == NULL)
			return -E_LIMIT;
	}
	*ret = out;
	return 0;
}

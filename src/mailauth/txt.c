/* SPDX-License-Identifier: MIT */
#include "mailauth/txt.h"

#include "base/err.h"

bool txt_is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (str_lower_char(c) >= 'a' && str_lower_char(c) <= 'z');
}

bool txt_is_host(struct str s, size_t max)
{
	size_t label = 0;

	if (s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && label == 0)
			return false;
		label = s.p[i] == '.' ? 0 : label + 1;
		if (label > 63 || !(txt_is_alnum(s.p[i]) || str_chr(S("-_."), s.p[i]) >= 0))
			return false;
	}
	return label > 0;
}

bool txt_is_field_name(struct str s)
{
	if (s.n == 0 || s.n > 32 || !txt_is_alnum(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!txt_is_alnum(s.p[i]) && str_chr(S("_-."), s.p[i]) < 0)
			return false;
	return true;
}

static bool is_of_version(struct str record, struct str version, struct str *ret_fields)
{
	struct str rest = str_skip(record, version.n);

	if (!str_starts(record, version))
		return false;
	while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t'))
		rest = str_skip(rest, 1);
	if (rest.n == 0 || rest.p[0] != ';')
		return false;
	*ret_fields = str_skip(rest, 1);
	return true;
}

bool txt_record_choose(const struct str *records, size_t n, struct str version, struct str *ret_fields)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += is_of_version(records[i], version, ret_fields);
	return found == 1;
}

int txt_field_next(struct str *fields, struct str *ret_name, struct str *ret_value)
{
	struct str field;
	ptrdiff_t at;

	if (!str_split(fields, ';', &field))
		return 0;
	field = str_trim(field);
	if (field.n == 0 && str_trim(*fields).n == 0)
		return 0;
	at = str_chr(field, '=');
	if (at < 0 || !txt_is_field_name(str_head(field, (size_t)at)))
		return -E_SYNTAX;
	*ret_name = str_head(field, (size_t)at);
	*ret_value = str_skip(field, (size_t)at + 1);
	return 1;
}

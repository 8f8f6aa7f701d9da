/* SPDX-License-Identifier: MIT */
/* See sieve.h. One function for each production; all return 1, 0 or -E_SYNTAX and advance only on success. */
#include "doctor/sieve.h"

#include "base/limits.h"

/* literal-s2c = "{" number "}" CRLF *OCTET */
int64_t doctor_sieve_literal(struct str line)
{
	ptrdiff_t open = str_rchr(line, '{');
	uint64_t n;

	if (open < 0 || !str_ends(line, S("}")) ||
	    !str_to_u64(str_head(str_skip(line, (size_t)open + 1), line.n - (size_t)open - 2), UINT32_MAX, &n))
		return -1;
	return (int64_t)n;
}

static int literal(struct str *s, struct str *ret)
{
	ptrdiff_t end = str_find(*s, S("\r\n"));
	int64_t n = end > 0 ? doctor_sieve_literal(str_head(*s, (size_t)end)) : -1;

	if (n < 0 || (uint64_t)n > s->n - (size_t)end - 2)
		return -E_SYNTAX;
	*ret = str_head(str_skip(*s, (size_t)end + 2), (size_t)n);
	*s = str_skip(*s, (size_t)end + 2 + (size_t)n);
	return 1;
}

/* quoted = <"> *1024QUOTED-CHAR <"> */
static int quoted(struct str *s, struct str *ret)
{
	size_t i = 1;

	while (i < s->n && s->p[i] != '"') {
		if (s->p[i] == '\r' || s->p[i] == '\n')
			return -E_SYNTAX;
		i += s->p[i] == '\\' ? 2 : 1;
	}
	if (i >= s->n)
		return -E_SYNTAX;
	*ret = str_head(str_skip(*s, 1), i - 1);
	*s = str_skip(*s, i + 1);
	return 1;
}

/* string = quoted / literal-s2c */
static int string(struct str *s, struct str *ret)
{
	if (str_starts(*s, S("\"")))
		return quoted(s, ret);
	return str_starts(*s, S("{")) ? literal(s, ret) : 0;
}

/* "(" resp-code ")": codes nest no parentheses but in strings, which are looked over. */
static int code(struct str *s, struct str *ret)
{
	struct str rest = str_skip(*s, 1), unused;

	while (rest.n > 0 && rest.p[0] != ')') {
		int r = string(&rest, &unused);

		if (r < 0 || rest.n == 0 || rest.p[0] == '\r')
			return -E_SYNTAX;
		if (r == 0)
			rest = str_skip(rest, 1);
	}
	if (rest.n == 0)
		return -E_SYNTAX;
	*ret = str_of(s->p + 1, (size_t)(rest.p - s->p) - 1);
	*s = str_skip(rest, 1);
	return 1;
}

static bool space(struct str *s)
{
	bool is_there = str_starts(*s, S(" "));

	*s = str_skip(*s, is_there);
	return is_there;
}

/* response-oknobye = ("OK" / "NO" / "BYE") [SP "(" resp-code ")"] [SP string] CRLF */
static int status(struct str *s, struct doctor_sieve_response *ret)
{
	int r = 1;

	if (space(s) && str_starts(*s, S("("))) {
		r = code(s, &ret->code);
		if (r > 0)
			space(s);
	}
	return r > 0 && s->n > 2 ? string(s, &ret->text) : r;
}

/* single-capability = string [SP string] CRLF */
static int capability(struct str *s, struct doctor_sieve_response *ret)
{
	int r = string(s, &ret->name);

	return r > 0 && space(s) ? string(s, &ret->value) : r;
}

int doctor_sieve_parse(struct str response, struct doctor_sieve_response *ret)
{
	static const struct {
		struct str word;
		enum doctor_sieve_kind kind;
	} words[] = { { STR_INIT("OK"), DOCTOR_SIEVE_OK }, { STR_INIT("NO"), DOCTOR_SIEVE_NO }, { STR_INIT("BYE"), DOCTOR_SIEVE_BYE } };
	struct doctor_sieve_response out = { .kind = DOCTOR_SIEVE_CAPABILITY };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(words) && out.kind == DOCTOR_SIEVE_CAPABILITY; i++) {
		struct str rest = str_skip(response, words[i].word.n);

		if (!str_istarts(response, words[i].word) || rest.n == 0 || (rest.p[0] != ' ' && rest.p[0] != '\r'))
			continue;
		out.kind = words[i].kind;
		response = rest;
	}
	r = out.kind == DOCTOR_SIEVE_CAPABILITY ? capability(&response, &out) : status(&response, &out);
	if (r <= 0 || !str_eq(response, S("\r\n")))
		return -E_SYNTAX;
	*ret = out;
	return 1;
}

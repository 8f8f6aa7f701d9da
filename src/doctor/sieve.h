/* SPDX-License-Identifier: MIT */
/* Responses of a ManageSieve server, as far as a check needs them (RFC 5804 4). Pure. */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum doctor_sieve_kind { DOCTOR_SIEVE_CAPABILITY, DOCTOR_SIEVE_OK, DOCTOR_SIEVE_NO, DOCTOR_SIEVE_BYE };

struct doctor_sieve_response {
	enum doctor_sieve_kind kind;
	struct str name, value; /* of a capability; what stands between quotes, escapes as they came */
	struct str code;        /* of the others: between the parentheses, or empty */
	struct str text;
};
/* How many bytes of a literal follow a line that ends so ("{12}", without its CRLF); -1: none do. */
int64_t doctor_sieve_literal(struct str line);
/* One whole response with its literals and its CRLF. 1; -E_SYNTAX. Slices of it. */
MUST_CHECK int doctor_sieve_parse(struct str response, struct doctor_sieve_response *ret);

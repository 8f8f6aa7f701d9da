/* SPDX-License-Identifier: MIT */
/* Responses of a ManageSieve server and first bytes of any: whatever comes, slices lie inside of it. */
#include "doctor/sieve.h"

#include "base/must.h"
#include "doctor/attempt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct str s, struct str whole)
{
	must(s.n == 0 || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);
	struct doctor_sieve_response r;
	int64_t n = doctor_sieve_literal(in);

	must(n >= -1 && n <= UINT32_MAX);
	must(doctor_speech_of(in) < DOCTOR_N_SPEECHES);
	if (doctor_sieve_parse(in, &r) != 1)
		return 0;
	check_inside(r.name, in);
	check_inside(r.value, in);
	check_inside(r.code, in);
	check_inside(r.text, in);
	must(str_ends(in, S("\r\n")));
	return 0;
}

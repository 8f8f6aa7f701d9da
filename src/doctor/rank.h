/* SPDX-License-Identifier: MIT */
/* Which of the attempts that work a program should use: by security, then TLS from the start (RFC 8314 3), usual ports, who named it, speed. Pure. */
#pragma once

#include "doctor/cause.h"

/* < 0: a before b. Both work. */
int doctor_rank_compare(const struct doctor_attempt *a, const struct doctor_attempt *b);
/* The best of a protocol that works; NULL: none does. */
struct doctor_attempt *doctor_rank_best(struct doctor_attempt *v, size_t n, enum doctor_protocol protocol);
/* Which of two candidates one would try first, knowing nothing of what they come to. < 0: a. */
int doctor_rank_hope(const struct doctor_candidate *a, const struct doctor_candidate *b);
/* What a connection takes until it can be used. */
int64_t doctor_rank_ms(const struct doctor_attempt *a);

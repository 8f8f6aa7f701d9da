/* SPDX-License-Identifier: MIT */
/* martlet check ADDRESS or HOST: what the files of the command share. What is found out is in room doctor. */
#pragma once

#include <jansson.h>

#include "doctor/find.h"
#include "doctor/run.h"
#include "doctor/verdict.h"

struct doctor_case {
	struct str what;              /* as the user wrote it */
	struct doctor_found found;
	struct doctor_report report;
	struct doctor_verdict verdict;
	int64_t begun_ms, ms;         /* ms: of all of it */
	bool has_login, shows_all;
};

/* For people. is_coloured: for a terminal (ECMA-48 SGR). */
void doctor_print(const struct doctor_case *c, bool is_coloured);
/* For programs, one line. */
void doctor_print_json(const struct doctor_case *c);

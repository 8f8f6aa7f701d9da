/* SPDX-License-Identifier: MIT */
/*
 * What a person needs of a report: what works and which of it to use, the settings for a mail program, what failed with its cause, and how all of it ends. Pure:
 * strings in the arena or of the report, which has to live.
 */
#pragma once

#include "doctor/cause.h"

/* One port of one host in one way: its attempts at all addresses. */
struct doctor_service {
	const struct doctor_candidate *candidate;
	const struct doctor_attempt **attempts;
	size_t n, n_good;
	const struct doctor_attempt *best;  /* the best that works, else the one whose cause says most */
	enum doctor_cause cause;            /* of best */
	bool is_noise;                      /* nobody expects it to work: it is named in one line */
};

/* For a mail program. */
struct doctor_settings {
	const struct doctor_service *use;   /* NULL: nothing works */
	const char *security_z;             /* "SSL/TLS", "STARTTLS" */
	const char *login_z;                /* "normal password", "encrypted password", "OAuth2" */
	const char *user_z;                 /* "": not known */
	bool is_login_proven;
	const char *instead_z;              /* "port 465 does not answer from here ..., 587 works: use that"; NULL: nothing better failed */
};

struct doctor_verdict {
	struct doctor_settings settings[DOCTOR_N_PROTOCOLS];
	struct doctor_service *services;    /* those that work first, best first; noise last */
	size_t n_services;
	const char **warnings_z;
	size_t n_warnings;
	enum doctor_class class;            /* DOCTOR_CLASS_OK: all that was asked for works */
	const char *headline_z;
};

struct doctor_wish {
	unsigned protocols;     /* bits of those that were asked for; 0: none in particular */
	bool is_host;           /* a host was named: it need not do all */
	struct str user;        /* the name for a login: given, or the address; may be empty */
	int64_t now_s;
};
/* v: judged. 0; -E_LIMIT: the arena. */
MUST_CHECK int doctor_verdict(const struct doctor_attempt *v, size_t n, const struct doctor_wish *wish, struct arena *a, struct doctor_verdict *ret);

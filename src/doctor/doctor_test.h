/* SPDX-License-Identifier: MIT */
/* Attempts that nobody made: stages and facts as a row of a table says. Only for tests. */
#pragma once

#include <errno.h>

#include "base/test.h"
#include "doctor/cause.h"

struct made {
	enum doctor_protocol protocol;
	uint16_t port;
	enum doctor_tls tls;
	const char *host_z, *address_z;
	enum doctor_source source;
	enum doctor_step failed;     /* 0 is DNS: with err only */
	int err;                     /* 0: nothing failed */
	int errnum, code;
	enum doctor_speech speech;
	enum net_tls_problem problem;
	const char *version_z;       /* NULL: TLS 1.3 where there is TLS */
	const char *auth_z;          /* NULL: "PLAIN" */
	const char *words_z;
	int64_t greeting_ms;
	bool is_mangled, demands_tls, is_asked, has_starttls, is_cut_off, is_plain_login;
};

/* c has to live as long as the attempt. */
static inline void make(const struct made *m, struct doctor_candidate *c, struct doctor_attempt *a)
{
	int last = m->err ? (int)m->failed : DOCTOR_N_STEPS;

	*c = (struct doctor_candidate){ .protocol = m->protocol, .tls = m->tls, .host_z = m->host_z ? m->host_z : "mail.example.org",
					.port = m->port ? m->port : 993, .source = m->source };
	*a = (struct doctor_attempt){ .candidate = c, .errnum = m->errnum, .code = m->code, .speech = m->speech, .problem = m->problem,
				      .auth_z = m->auth_z ? m->auth_z : "PLAIN", .words_z = m->words_z, .is_in_time = !m->is_cut_off,
				      .is_mangled = m->is_mangled, .demands_tls = m->demands_tls, .is_asked = m->is_asked,
				      .has_starttls = m->has_starttls, .is_plain_login = m->is_plain_login };
	for (int i = 0; i < last; i++)
		if (i != DOCTOR_AT_LOGIN && (i < DOCTOR_AT_STARTTLS || i > DOCTOR_AT_CERTIFICATE || m->tls != DOCTOR_PLAIN))
			a->stages[i] = (struct doctor_stage){ .state = DOCTOR_OK, .ms = 1 };
	if (m->err)
		a->stages[m->failed] = (struct doctor_stage){ .state = DOCTOR_FAILED, .err = m->err };
	if (m->greeting_ms)
		a->stages[DOCTOR_AT_GREETING].ms = m->greeting_ms;
	a->has_address = m->failed != DOCTOR_AT_DNS || !m->err;
	assert_true(net_address_parse(str_z(m->address_z ? m->address_z : "192.0.2.1"), c->port, &a->address));
	a->is_tls = m->tls != DOCTOR_PLAIN && (!m->err || m->failed > DOCTOR_AT_TLS);
	a->is_verified = a->is_tls && m->problem == NET_TLS_FINE;
	a->version_z = m->version_z ? m->version_z : a->is_tls ? "TLSv1.3" : NULL;
	a->not_after_s = INT32_MAX;
}

/* SPDX-License-Identifier: MIT */
/*
 * Why an attempt did not work, and whose it is: one table of causes, decided from the stages of the attempt (cause.c), then from what other attempts of the same
 * run came to (cause_compare.c): silence alone says nothing about who is silent. Pure.
 */
#pragma once

#include "doctor/attempt.h"

enum doctor_owner { DOCTOR_NOBODY, DOCTOR_YOU, DOCTOR_NETWORK, DOCTOR_SERVER, DOCTOR_PROVIDER, DOCTOR_DNS, DOCTOR_N_OWNERS };
extern const char *const doctor_owner_names[DOCTOR_N_OWNERS];

/* For the exit status, and to put like to like. */
enum doctor_class { DOCTOR_CLASS_OK, DOCTOR_CLASS_NAMES, DOCTOR_CLASS_NETWORK, DOCTOR_CLASS_SERVER, DOCTOR_CLASS_TLS, DOCTOR_CLASS_LOGIN, DOCTOR_N_CLASSES };
extern const char *const doctor_class_names[DOCTOR_N_CLASSES];

enum doctor_cause {
	DOCTOR_WORKS,
	DOCTOR_WORKS_LATE,         /* the greeting comes late on purpose */
	DOCTOR_WORKS_OPEN,         /* without encryption, where no password is sent */
	DOCTOR_WORKS_PLAIN,        /* without encryption, where one is */
	/* names */
	DOCTOR_NO_NAME,
	DOCTOR_NO_ADDRESS,
	DOCTOR_PUBLISHED_NO_ADDRESS,
	DOCTOR_DNS_BOGUS,
	DOCTOR_DNS_SILENT,
	/* the way */
	DOCTOR_NO_IPV6,
	DOCTOR_NO_ROUTE,
	DOCTOR_FORBIDDEN_HERE,
	DOCTOR_UNREACHABLE,
	DOCTOR_SILENT,             /* one port, nothing to compare with */
	DOCTOR_PORT_BLOCKED,
	DOCTOR_PORT_FILTERED,
	DOCTOR_ADDRESS_SILENT,
	DOCTOR_HOST_SILENT,
	DOCTOR_NETWORK_SILENT,
	DOCTOR_REFUSED,
	DOCTOR_NO_SERVER,
	/* the server */
	DOCTOR_NO_GREETING,
	DOCTOR_CLOSED,
	DOCTOR_TURNED_AWAY,
	DOCTOR_NOT_MAIL,
	DOCTOR_OTHER_PROTOCOL,
	DOCTOR_WANTS_TLS_FIRST,
	DOCTOR_SPEAKS_PLAIN,
	DOCTOR_BROKEN_OFF,
	DOCTOR_COMMAND_REFUSED,
	DOCTOR_NO_LOGINS,
	/* TLS */
	DOCTOR_STARTTLS_MISSING,
	DOCTOR_STARTTLS_STRIPPED,
	DOCTOR_STARTTLS_REFUSED,
	DOCTOR_DEMANDS_TLS,
	DOCTOR_TLS_FAILED,
	DOCTOR_TLS_CUT,
	DOCTOR_TLS_OLD,
	DOCTOR_NO_ALPN,
	DOCTOR_CERTIFICATE_EXPIRED,
	DOCTOR_CERTIFICATE_OTHER_NAME,
	DOCTOR_CERTIFICATE_UNTRUSTED,
	DOCTOR_CERTIFICATE_BAD,
	/* the login */
	DOCTOR_LOGIN_REFUSED,
	DOCTOR_LOGIN_NO_WAY,
	DOCTOR_LOGIN_LATER,
	/* the check itself */
	DOCTOR_NO_TIME,
	DOCTOR_N_CAUSES
};

struct doctor_cause_row {
	const char *code_z;     /* "port-blocked", for programs */
	enum doctor_owner owner;
	enum doctor_class class;
	const char *means_z;    /* a sentence without its subject and dot: "...: this network blocks the port" */
	const char *next_z;     /* the next thing to try */
};
extern const struct doctor_cause_row doctor_causes[DOCTOR_N_CAUSES];

/* Of one attempt alone. */
enum doctor_cause doctor_cause_of(const struct doctor_attempt *a);
/* Sets the cause of all of them. */
void doctor_judge(struct doctor_attempt *v, size_t n);
/* DOCTOR_WORKS, _LATE or _OPEN: settings that may be told. */
bool doctor_is_good(enum doctor_cause cause);

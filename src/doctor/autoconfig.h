/* SPDX-License-Identifier: MIT */
/*
 * The file in which a domain says how mail programs reach its servers: config-v1.1.xml, as Thunderbird, Evolution, KMail and others read it. Text to
 * structs, no I/O. The XML is libexpat's to read, and kept small: no document type, hence no entities but the five, bounded bytes, depth and texts
 * (docs/decisions/036-xml.md).
 */
#pragma once

#include "doctor/find.h"
#include "doctor/libexpat.h"

/* Whose file it is: what placeholders stand for. */
struct doctor_autoconfig_who {
	struct str address; /* "you@example.org"; empty: not known, then a user name that needs it is NULL */
	struct str domain;  /* of it, A-labels */
};

struct doctor_autoconfig_server {
	enum doctor_protocol protocol; /* IMAP, POP3, SUBMISSION */
	enum doctor_tls tls;
	const char *host_z;            /* as in a candidate */
	uint16_t port;
	const char *user_z;            /* no control characters; NULL: not told */
	const char *login_z;           /* the first way to log in that it names: "password-cleartext", "OAuth2"; "": none. No control characters */
};

struct doctor_autoconfig {
	struct doctor_autoconfig_server *v; /* in the file's order: better first */
	size_t n;
	size_t n_unusable;             /* entries of other kinds, or without a host, a port, a kind of TLS */
};

/*
 * -E_SYNTAX: it is no XML, or another kind of file; -E_DENIED: it has a document type declaration; -E_LIMIT: bytes (LIMIT_AUTOCONFIG), depth, the arena; all
 * with fault. A file without a server that can be used is 0.
 */
MUST_CHECK int doctor_autoconfig_parse(const struct libexpat *x, struct str text, const struct doctor_autoconfig_who *who, struct arena *a,
				       struct doctor_autoconfig *ret, struct fault *fault);

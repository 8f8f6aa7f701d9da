/* SPDX-License-Identifier: MIT */
/*
 * Expected outcomes, one table for the whole program. Functions that can fail return 0 (or a
 * positive answer) or the negative code: return -E_NOT_FOUND. A row carries what each protocol
 * says about it; handlers never spell a code by hand.
 *
 * Row: name, number, text for people, SMTP reply, enhanced status (RFC 3463), IMAP response code (RFC 9051 7.1)
 */
#pragma once

#include "base/mem.h"
#include "base/str.h"

#define ERR_TABLE(X) \
	X(NOT_FOUND, 1, "no such thing", 550, "5.1.1", "NONEXISTENT") \
	X(EXISTS, 2, "it exists already", 550, "5.3.0", "ALREADYEXISTS") \
	X(QUOTA, 3, "mailbox is full", 452, "4.2.2", "OVERQUOTA") \
	X(LIMIT, 4, "a limit of this server was reached", 452, "4.3.1", "LIMIT") \
	X(SYNTAX, 5, "syntax error", 501, "5.5.4", "CLIENTBUG") \
	X(BUSY, 6, "in use, try again", 450, "4.2.1", "INUSE") \
	X(DISK_FULL, 7, "no space left, try again later", 452, "4.3.1", "LIMIT") \
	X(IO, 8, "temporary trouble of this server", 451, "4.3.0", "UNAVAILABLE") \
	X(DENIED, 9, "not permitted", 550, "5.7.1", "NOPERM") \
	X(AUTH_FAILED, 10, "authentication failed", 535, "5.7.8", "AUTHENTICATIONFAILED") \
	X(TIMEOUT, 11, "timed out", 421, "4.4.2", "UNAVAILABLE") \
	X(CLOSED, 12, "the peer closed the connection", 421, "4.4.2", "UNAVAILABLE") \
	X(CANNOT, 13, "that cannot be done", 554, "5.3.0", "CANNOT") \
	X(TOO_BIG, 14, "message is too large", 552, "5.3.4", "TOOBIG") \
	X(BAD_CHARSET, 15, "unknown character set", 554, "5.6.0", "BADCHARSET") \
	X(UNKNOWN_CTE, 16, "unknown content transfer encoding", 554, "5.6.0", "UNKNOWN-CTE") \
	X(TLS, 17, "TLS failed", 454, "4.7.0", "PRIVACYREQUIRED") \
	X(BUG, 18, "internal error", 451, "4.3.0", "SERVERBUG") \
	X(USAGE, 19, "bad settings or arguments", 501, "5.5.4", "CLIENTBUG") \
	X(THROTTLED, 21, "too many failed logins, try again later", 454, "4.7.0", "UNAVAILABLE") \
	X(ALLOWANCE, 22, "this account has sent as much as it may in a day, try again tomorrow", 452, "4.7.0", "LIMIT") \
	X(NOTES, 30, "there are too many annotations", 452, "4.3.1", "ANNOTATE TOOMANY") \
	X(NOTE_SIZE, 31, "the value is too large", 552, "5.3.4", "ANNOTATE TOOBIG")

enum err {
#define X(name, number, text, smtp, enhanced, imap) E_##name = number,
	ERR_TABLE(X)
#undef X
};

struct err_row {
	int code; /* positive */
	const char *name;
	const char *text;
	int smtp;
	const char *enhanced;
	const char *imap;
};

/* The row of a code, given negative or positive; the row of E_BUG when there is none. Never NULL. */
const struct err_row *err_row(int code);

/* The negative code for an errno: ENOSPC, EDQUOT -> -E_DISK_FULL, ENOENT -> -E_NOT_FOUND, ..., else -E_IO. */
int err_from_errno(int errnum);

/*
 * Detail for the log or the operator, beside a code. Filled by whoever returns the code; NULL is
 * accepted everywhere a fault is taken.
 */
struct fault {
	char text[320];
};

/* Writes the text (cut at the end) and returns code, so that `return fault_set(f, -E_IO, "...")` reads well. */
int fault_set(struct fault *f, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same with ": strerror(errnum)" appended and the code taken from errnum. */
int fault_errno(struct fault *f, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

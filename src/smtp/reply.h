/* SPDX-License-Identifier: MIT */
/*
 * Every reply that the server gives, by name. Row: name, code, enhanced status code (RFC 3463;
 * RFC 2034 3: on all 2xx, 4xx and 5xx replies but those to EHLO, HELO and LHLO and the
 * greeting), text. A new refusal is one row.
 */
#pragma once

#include "base/str.h"

#define SMTP_REPLY_TABLE(X) \
	X(AUTH_OK, 235, "2.7.0", "Authentication successful") \
	X(BYE, 221, "2.0.0", "Goodbye") \
	X(CHUNK_OK, 250, "2.0.0", "Octets received") \
	X(CONTINUE_DATA, 354, "", "Send the message, end with <CR><LF>.<CR><LF>") \
	X(HELP, 214, "2.0.0", "See RFC 5321; commands:") \
	X(MAIL_OK, 250, "2.1.0", "Sender ok") \
	X(OK, 250, "2.0.0", "Ok") \
	X(QUEUED, 250, "2.0.0", "queued as") \
	X(RCPT_OK, 250, "2.1.5", "Recipient ok") \
	X(TLS_GO, 220, "2.0.0", "Ready to start TLS") \
	X(VRFY, 252, "2.5.0", "Cannot verify the user, but will take mail for it") \
	/* the session ends */ \
	X(STOPPING, 421, "4.3.2", "The server stops, try again later") \
	X(TIMED_OUT, 421, "4.4.2", "Timed out waiting for you") \
	X(TOO_MANY_ERRORS, 421, "4.7.0", "Too many errors") \
	X(TOO_MANY_SEATS, 421, "4.7.0", "Too many connections of this account, try again later") \
	X(TOO_MANY_COMMANDS, 421, "4.7.0", "Too many commands and no message") \
	X(TOO_MANY_MESSAGES, 421, "4.7.0", "Too many messages in one session, open a new one") \
	X(TOO_BUSY, 421, "4.3.2", "Too many transfers at this moment, try again later") \
	X(EARLY_TALKER, 554, "5.5.1", "You spoke before the greeting") \
	X(BAD_PIPELINING, 554, "5.5.1", \
	  "You sent more behind a command that must be the last of a group") \
	/* temporary */ \
	X(AUTH_TROUBLE, 454, "4.7.0", "Temporary authentication failure") \
	X(AUTH_THROTTLED, 454, "4.7.0", "Too many failed logins, try again later") \
	X(MAILBOX_FULL, 452, "4.2.2", "Mailbox is full") \
	X(TOO_MANY_RCPTS, 452, "4.5.3", "Too many recipients") \
	/* command not understood */ \
	X(UNKNOWN, 500, "5.5.1", "Command unknown") \
	X(BAD_LINE, 500, "5.5.2", \
	  "A command line ends in CR LF and contains neither CR, LF nor NUL") \
	X(LONG_LINE, 500, "5.5.6", "Command line too long") \
	X(NOT_UTF8, 500, "5.5.2", "Command line is not valid UTF-8") \
	X(NOT_HERE, 502, "5.5.1", "Command not implemented here") \
	X(HELO_SYNTAX, 501, "", "Say who you are: a domain or address literal") \
	X(SYNTAX_NO_ARGS, 501, "5.5.4", "This command takes no argument") \
	X(SYNTAX_MAIL, 501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]") \
	X(SYNTAX_RCPT, 501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]") \
	X(SYNTAX_BDAT, 501, "5.5.4", "Syntax: BDAT octets [LAST]") \
	X(SYNTAX_AUTH, 501, "5.5.4", "Syntax: AUTH mechanism [initial-response]") \
	X(SYNTAX_VRFY, 501, "5.5.4", "Syntax: VRFY user-or-address") \
	X(SYNTAX_PARAM, 501, "5.5.4", "Parameter with a wrong, doubled or missing value") \
	X(UNKNOWN_PARAM, 555, "5.5.4", "Parameter not known") \
	X(BAD_SENDER, 501, "5.1.7", "Sender address with wrong syntax") \
	X(BAD_RCPT, 501, "5.1.3", "Recipient address with wrong syntax") \
	/* order */ \
	X(NEED_HELO, 503, "5.5.1", "Say EHLO first") \
	X(NEED_MAIL, 503, "5.5.1", "Need MAIL first") \
	X(NEED_RCPT, 503, "5.5.1", "Need RCPT first") \
	X(NO_VALID_RCPT, 554, "5.5.1", "No valid recipients") \
	X(NESTED_MAIL, 503, "5.5.1", "There is a transaction already, RSET ends it") \
	X(IN_BDAT, 503, "5.5.1", "Only BDAT, RSET, NOOP and QUIT after the first BDAT") \
	X(NEED_BDAT, 503, "5.5.1", "BODY=BINARYMIME needs BDAT") \
	X(TLS_ALREADY, 503, "5.5.1", "TLS is on already") \
	X(AUTH_ALREADY, 503, "5.5.1", "Already authenticated") \
	/* refused */ \
	X(NEED_TLS, 530, "5.7.0", "Must issue a STARTTLS command first") \
	X(NEED_AUTH, 530, "5.7.0", "Authentication required") \
	X(AUTH_FAILED, 535, "5.7.8", "Authentication credentials invalid") \
	X(AUTH_NEEDS_TLS, 538, "5.7.11", "Encryption required for authentication") \
	X(AUTH_MECHANISM, 504, "5.5.4", "Authentication mechanism not known") \
	X(AUTH_CANCELLED, 501, "5.7.0", "Authentication cancelled") \
	X(AUTH_SYNTAX, 501, "5.5.2", "Cannot decode the response") \
	X(AUTH_LONG, 500, "5.5.6", "Authentication exchange line is too long") \
	X(NOT_YOUR_ADDRESS, 553, "5.7.1", "The sender address does not belong to you") \
	X(NEED_SMTPUTF8, 553, "5.6.7", "Such an address needs the SMTPUTF8 parameter of MAIL") \
	X(LONG_ADDRESS, 501, "5.1.0", "Address too long") \
	X(RELAY, 550, "5.7.1", "Relaying is refused") \
	X(NO_USER, 550, "5.1.1", "No such user here") \
	X(TOO_BIG, 552, "5.3.4", "Message is larger than the limit") \
	X(LOOP, 554, "5.4.6", "Too many Received lines, mail is looping") \
	X(BARE_LF, 550, "5.6.0", "The message contains a bare LF: every line must end in CR LF") \
	X(BARE_CR, 550, "5.6.0", "The message contains a bare CR: every line must end in CR LF") \
	X(NUL, 550, "5.6.0", "The message contains a NUL, which only BODY=BINARYMIME allows")

enum smtp_reply {
	SMTP_R_NONE, /* the handler has answered itself, or will later */
#define X(name, code, enhanced, text) SMTP_R_##name,
	SMTP_REPLY_TABLE(X)
#undef X
};

struct smtp_reply_row {
	int code;
	const char *enhanced; /* "": none */
	const char *text;
};

/*
 * The row of what a handler returned: enum smtp_reply, or a negative code, whose row of
 * err_row() is copied to *err_room. Never NULL; not for SMTP_R_NONE.
 */
const struct smtp_reply_row *smtp_reply_row(int reply, struct smtp_reply_row *err_room);

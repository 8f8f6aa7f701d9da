/* SPDX-License-Identifier: MIT */
/* What a port speaks, by its first bytes. */
#include "doctor/attempt.h"

#include "base/mem.h"

const char *const doctor_speech_names[DOCTOR_N_SPEECHES] = {
	[DOCTOR_SAYS_UNKNOWN] = "", [DOCTOR_SAYS_NOTHING] = "nothing", [DOCTOR_SAYS_SMTP] = "SMTP", [DOCTOR_SAYS_IMAP] = "IMAP",
	[DOCTOR_SAYS_POP3] = "POP3", [DOCTOR_SAYS_SIEVE] = "ManageSieve", [DOCTOR_SAYS_TLS] = "TLS", [DOCTOR_SAYS_HTTP] = "HTTP",
	[DOCTOR_SAYS_SSH] = "SSH", [DOCTOR_SAYS_OTHER] = "something else",
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 5321 4.2: "220 " or "220-", also 421 and 554 of who greets nobody. */
static bool is_reply(struct str s)
{
	return s.n >= 4 && s.p[0] >= '2' && s.p[0] <= '5' && is_digit(s.p[1]) && is_digit(s.p[2]) && (s.p[3] == ' ' || s.p[3] == '-');
}

enum doctor_speech doctor_speech_of(struct str bytes)
{
	static const struct {
		struct str begin;
		enum doctor_speech speech;
	} rows[] = {
		{ STR_INIT("* OK"), DOCTOR_SAYS_IMAP },     /* RFC 9051 7.1 */
		{ STR_INIT("* PREAUTH"), DOCTOR_SAYS_IMAP },
		{ STR_INIT("* BYE"), DOCTOR_SAYS_IMAP },
		{ STR_INIT("+OK"), DOCTOR_SAYS_POP3 },      /* RFC 1939 3 */
		{ STR_INIT("-ERR"), DOCTOR_SAYS_POP3 },
		{ STR_INIT("\"IMPLEMENTATION\""), DOCTOR_SAYS_SIEVE }, /* RFC 5804 1.7 */
		{ STR_INIT("\"SIEVE\""), DOCTOR_SAYS_SIEVE },
		{ STR_INIT("\"SASL\""), DOCTOR_SAYS_SIEVE },
		{ STR_INIT("\x15\x03"), DOCTOR_SAYS_TLS },  /* RFC 8446 5.1: an alert */
		{ STR_INIT("\x16\x03"), DOCTOR_SAYS_TLS },
		{ STR_INIT("HTTP/"), DOCTOR_SAYS_HTTP },
		{ STR_INIT("<!DOCTYPE"), DOCTOR_SAYS_HTTP },
		{ STR_INIT("<html"), DOCTOR_SAYS_HTTP },
		{ STR_INIT("SSH-"), DOCTOR_SAYS_SSH },      /* RFC 4253 4.2 */
	};

	if (bytes.n == 0)
		return DOCTOR_SAYS_NOTHING;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_istarts(bytes, rows[i].begin))
			return rows[i].speech;
	return is_reply(bytes) ? DOCTOR_SAYS_SMTP : DOCTOR_SAYS_OTHER;
}

/* SPDX-License-Identifier: MIT */
/*
 * Status lines (RFC 1939 3, RFC 2449 8). What an internal code means to a POP3 client is one row
 * here; the peer gets the row's safe text, the detail is in the log.
 */
#include "pop3/pop3_int.h"

#include "base/log.h"

#define REPLY_MAX 512 /* RFC 1939 3: a status line is at most 512 with CRLF */

__attribute__((format(printf, 3, 0)))
static void status(struct pop3_session *s, const char *word, const char *fmt, va_list ap)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(REPLY_MAX);

	buf_vprintf(&line, fmt, ap);
	conn_printf(s->conn, "%s %" STR_FMT "\r\n", word, STR_ARG(buf_str(&line)));
}

void pop3_ok(struct pop3_session *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	status(s, "+OK", fmt, ap);
	va_end(ap);
}

void pop3_err(struct pop3_session *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	status(s, "-ERR", fmt, ap);
	va_end(ap);
	s->errors++;
}

struct fail_row {
	int err;
	bool is_ours;     /* worth a warning in the log */
	const char *code; /* with the space after it */
	const char *text; /* NULL: the text of the error table */
};
static const struct fail_row fail_rows[] = {
	{ E_AUTH_FAILED, false, "[AUTH] ", NULL }, /* RFC 3206 5 */
	{ E_THROTTLED, false, "[SYS/TEMP] ", NULL }, /* RFC 3206 4: the password may be right */
	{ E_TLS, false, "", "TLS is needed first, use STLS" },
	{ E_CANNOT, false, "", "mechanism not supported here" },
	{ E_SYNTAX, false, "", "the exchange was cancelled or damaged" },
	{ E_NOT_FOUND, false, "", "the message is gone" },
	{ E_BUSY, true, "[SYS/TEMP] ", "too busy, try again later" }, /* RFC 3206 4 */
	{ E_DISK_FULL, true, "[SYS/TEMP] ", NULL },
	{ E_LIMIT, true, "[SYS/TEMP] ", NULL },
	{ E_IO, true, "[SYS/TEMP] ", NULL },
};

void pop3_fail(struct pop3_session *s, const char *what, int err)
{
	static const struct fail_row other = { E_BUG, true, "[SYS/TEMP] ", NULL };
	const struct fail_row *row = &other;

	for (size_t i = 0; i < ARRAY_LEN(fail_rows); i++)
		if (err == -fail_rows[i].err)
			row = &fail_rows[i];
	pop3_err(s, "%s%s", row->code, row->text != NULL ? row->text : err_row(err)->text);
	if (row->is_ours)
		LOG(WARN, "pop3.trouble", F_Z("what", what), F_Z("err", err_row(err)->name));
}

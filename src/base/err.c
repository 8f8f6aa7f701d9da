/* SPDX-License-Identifier: MIT */
/* The outcome table as data, errno as outcomes, and the detail text beside a code. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const struct err_row rows[] = {
#define X(name, number, text, smtp, enhanced, imap) { number, #name, text, smtp, enhanced, imap },
	ERR_TABLE(X)
#undef X
};

static const struct {
	int errnum;
	int code;
} errno_codes[] = {
	{ ENOSPC, E_DISK_FULL },  { EDQUOT, E_DISK_FULL },  { EFBIG, E_DISK_FULL },
	{ ENOENT, E_NOT_FOUND },  { ENOTDIR, E_NOT_FOUND }, { EEXIST, E_EXISTS },
	{ EACCES, E_DENIED },     { EPERM, E_DENIED },      { EROFS, E_DENIED },
	{ EAGAIN, E_BUSY },       { EBUSY, E_BUSY },        { EADDRINUSE, E_BUSY },
	{ ETIMEDOUT, E_TIMEOUT }, { ECONNRESET, E_CLOSED }, { EPIPE, E_CLOSED },
};

const struct err_row *err_row(int code)
{
	const struct err_row *bug = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].code == code || rows[i].code == -code)
			return &rows[i];
		if (rows[i].code == E_BUG)
			bug = &rows[i];
	}
	return bug;
}

int err_from_errno(int errnum)
{
	for (size_t i = 0; i < ARRAY_LEN(errno_codes); i++)
		if (errno_codes[i].errnum == errnum)
			return -errno_codes[i].code;
	return -E_IO;
}

/* By way of a second buffer: an argument may be the old text of f itself. */
static void __attribute__((format(printf, 2, 0)))
write_text(struct fault *f, const char *fmt, va_list ap)
{
	char text[sizeof(f->text)];

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	memcpy(f->text, text, sizeof(text));
}

int fault_set(struct fault *f, int code, const char *fmt, ...)
{
	va_list ap;

	if (f == NULL)
		return code;
	va_start(ap, fmt);
	write_text(f, fmt, ap);
	va_end(ap);
	return code;
}

int fault_errno(struct fault *f, int errnum, const char *fmt, ...)
{
	char why[128];
	va_list ap;
	size_t n;

	if (f == NULL)
		return err_from_errno(errnum);
	va_start(ap, fmt);
	write_text(f, fmt, ap);
	va_end(ap);
	n = strlen(f->text);
	snprintf(f->text + n, sizeof(f->text) - n, ": %s", strerror_r(errnum, why, sizeof(why)));
	return err_from_errno(errnum);
}

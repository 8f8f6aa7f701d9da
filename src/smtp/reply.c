/* SPDX-License-Identifier: MIT */
/* The table of replies as rows. */
#include "smtp/reply.h"

#include "base/err.h"
#include "base/must.h"

static const struct smtp_reply_row rows[] = {
#define X(name, number, status, words) \
	[SMTP_R_##name] = { .code = number, .enhanced = status, .text = words },
	SMTP_REPLY_TABLE(X)
#undef X
};

const struct smtp_reply_row *smtp_reply_row(int reply, struct smtp_reply_row *err_room)
{
	const struct err_row *err;

	if (reply > 0) {
		must((size_t)reply < ARRAY_LEN(rows));
		return &rows[reply];
	}
	must(reply != SMTP_R_NONE);
	err = err_row(reply);
	*err_room = (struct smtp_reply_row){ .code = err->smtp,
					     .enhanced = err->enhanced,
					     .text = err->text };
	return err_room;
}

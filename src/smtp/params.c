/* SPDX-License-Identifier: MIT */
/*
 * ESMTP parameters of MAIL and RCPT, walked against the tables in cmd_mail.c and cmd_rcpt.c.
 * RFC 5321 4.1.2, 4.1.1.11.
 */
#include "smtp/smtp_int.h"

#include "base/must.h"
#include "smtp/syntax.h"

static const struct smtp_param_row *row_find(const struct smtp_session *s,
					     const struct smtp_param_row *rows, size_t n_rows,
					     struct str keyword)
{
	for (size_t i = 0; i < n_rows; i++)
		if (str_ieq(keyword, str_z(rows[i].keyword)))
			return rows[i].is_offered && !rows[i].is_offered(s) ? NULL : &rows[i];
	return NULL;
}

int smtp_params_apply(struct smtp_session *s, struct str args, const struct smtp_param_row *rows,
		      size_t n_rows, void *target)
{
	struct smtp_param param;
	unsigned seen = 0;
	int r;

	must(n_rows <= 32);
	while ((r = smtp_param_next(&args, &param)) == 1) {
		const struct smtp_param_row *row = row_find(s, rows, n_rows, param.keyword);
		unsigned bit;

		if (!row)
			return SMTP_R_UNKNOWN_PARAM;
		bit = 1u << (row - rows);
		if ((seen & bit) || (row->value == SMTP_VALUE_NEEDED) != (param.value.p != NULL))
			return SMTP_R_SYNTAX_PARAM;
		seen |= bit;
		r = row->apply(s, target, param.value);
		if (r != 0)
			return r;
	}
	return r < 0 ? SMTP_R_SYNTAX_PARAM : 0;
}

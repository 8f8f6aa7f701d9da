/* SPDX-License-Identifier: MIT */
/*
 * A message body on the wire: RFC 5321 4.1.1.4 and 4.5.2. A pure machine over chunks of any
 * size. It is the only place that decides where a DATA body ends and what a line end is.
 *
 *   while ((what = smtp_dotstream_next(&d, &in, &slice)) == SMTP_DOT_SLICE)
 *           append(slice);
 */
#pragma once

#include "base/str.h"

enum smtp_dot_found {
	SMTP_DOT_BARE_LF = 1,
	SMTP_DOT_BARE_CR = 2,
	SMTP_DOT_NUL = 4,
};

struct smtp_dotstream {
	bool is_chunked;    /* BDAT: no dots and no end, only the check of line ends */
	bool normalises_lf; /* a bare LF becomes CR LF in the output and is not noted in found */
	unsigned found;     /* enum smtp_dot_found, out */
	/* private; zero at the start */
	enum {
		SMTP_DOT_ST_LINE,
		SMTP_DOT_ST_TEXT,
		SMTP_DOT_ST_CR,
		SMTP_DOT_ST_DOT,
		SMTP_DOT_ST_DOT_CR
	} state;
};

enum smtp_dot_what {
	SMTP_DOT_MORE,  /* *in is used up */
	SMTP_DOT_SLICE, /* *ret belongs to the message; call again */
	SMTP_DOT_END,   /* the end was seen; *in stands behind it */
};

/* Slices are cut from *in or are static; valid as long as the chunk. */
enum smtp_dot_what smtp_dotstream_next(struct smtp_dotstream *d, struct str *in, struct str *ret);
/*
 * What was found in all, once the last byte is there: a CR at the very end of a BDAT message is
 * a bare one.
 */
unsigned smtp_dotstream_found(const struct smtp_dotstream *d);

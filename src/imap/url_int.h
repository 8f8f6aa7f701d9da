/* SPDX-License-Identifier: MIT */
/* The grammar of IMAP URLs, between url.c and url_auth.c. */
#pragma once

#include "imap/url.h"

/* bchar, without "%". */
bool imap_url_is_bchar(char c);
/* A name such as ";UID=", in any case. */
bool imap_url_name(struct str *s, struct str name);
/* Percent-decoding of what has been checked. 1 or -E_LIMIT. */
int imap_url_decode(struct arena *a, struct str raw, struct str *ret);
/* imailbox-ref "/;UID=" ... of a message, up to what follows it. 1, 0, -E_LIMIT. */
int imap_url_take(struct arena *a, struct str *s, struct imap_url *ret);

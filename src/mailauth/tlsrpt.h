/* SPDX-License-Identifier: MIT */
/*
 * TLS reports, RFC 8460 3: whether a domain wants them, and where. The text alone; who asks for it and sends reports is above. No I/O, no
 * state; any thread.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define TLSRPT_URIS 4      /* of one record; others behind them are not looked at */
#define TLSRPT_URI_MAX 255 /* longer ones are passed over */
#define TLSRPT_RUA_MAX (TLSRPT_URIS * (TLSRPT_URI_MAX + 1))

/*
 * The TXT records at _smtp._tls.DOMAIN, each with its strings put together. True: exactly one of them says "v=TLSRPTv1;", it is
 * well-formed, and names an address that tlsrpt_uri_parse() takes: *ret_rua has those, a space between two, in the arena.
 */
bool tlsrpt_record_parse(const struct str *records, size_t n, struct arena *a, struct str *ret_rua);

struct tlsrpt_uri {
	bool is_mail;
	struct str
		address; /* mail: user@example.org, printable ASCII that can stand in a header field */
	struct str host; /* https: a name of letters, digits, "-", "_" and "." */
	uint16_t port;   /* 0: none was named */
	struct str path; /* with its first slash, and the query */
};
/* One of them: mailto (RFC 6068), of which the first address counts and no header fields, or https. False: another, or none of use. */
bool tlsrpt_uri_parse(struct str uri, struct arena *a, struct tlsrpt_uri *ret);

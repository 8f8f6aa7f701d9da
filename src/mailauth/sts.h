/* SPDX-License-Identifier: MIT */
/*
 * MTA-STS, RFC 8461: what a domain says about the hosts that take its mail. The two texts and the match of names; who asks for them
 * and keeps them is above. No I/O, no state; any thread.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define STS_POLICY_MAX (64u << 10)     /* RFC 8461 3.3 */
#define STS_POLICY_MX 100              /* patterns of one policy that are kept; one with more is no policy */
#define STS_MAX_AGE_S 31557600         /* RFC 8461 3.2 */
#define STS_ID_MAX 32

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_policy {
	enum sts_mode mode;
	int64_t max_age_s;
	const struct str *mx;  /* lower case: "mail.example.com", "*.example.net" */
	size_t n_mx;           /* 0 only with STS_NONE */
};

/*
 * The TXT records at _mta-sts.DOMAIN, each with its strings put together (RFC 8461 3.1). True: exactly one of them says
 * "v=STSv1;", and it is well-formed: its id, a slice of it, 1..STS_ID_MAX letters and digits.
 */
bool sts_record_parse(const struct str *records, size_t n, struct str *ret_id);

/* The policy as it was fetched (RFC 8461 3.2). -E_SYNTAX: it is none; -E_LIMIT. The names are in the arena. */
MUST_CHECK int sts_policy_parse(struct str text, struct arena *a, struct sts_policy *ret);

/* May this host take the domain's mail (RFC 8461 4.1)? host: A-labels, any case, without the last dot. */
bool sts_policy_has_mx(const struct sts_policy *p, struct str host);

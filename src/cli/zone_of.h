/* SPDX-License-Identifier: MIT */
/*
 * What the records of a domain are made of (doctor/zone.h), by the settings, keys, certificates and addresses of this host. For `dns`, `quickstart` and
 * `check domain --for-this-server`. The main thread only.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "doctor/zone.h"

/*
 * domain: A-labels (store_domain_canonical). addresses: of this host as text, instead of the public ones that it has itself; may be empty. Strings live in the
 * arena or in the settings. What could not be found out and is left out becomes a line of notes each: keys and certificates that cannot be read, no public
 * address. 0; -E_LIMIT: the arena; -E_USAGE: an address that is none, or no host name that others could use.
 */
MUST_CHECK int cli_zone_of(const struct conf *conf, struct str domain, const struct str *addresses, size_t n_addresses, struct arena *a,
			   struct doctor_zone *ret, struct buf *notes, struct fault *fault);
/* The words of all --address options; in the arena. */
struct cli_args;
MUST_CHECK int cli_zone_addresses(const struct cli_args *args, struct arena *a, struct str **ret, size_t *ret_n, struct fault *fault);

/* The whole zone file with its comments and those notes. */
void cli_zone_print(const struct doctor_zone *z, const struct doctor_record *records, size_t n, struct str notes, struct buf *out);
/* The records as {"name", "type", "value", "line", "need", "place", "why"}; a new value. */
#include <jansson.h>
json_t *cli_zone_json(const struct doctor_record *records, size_t n);

/* SPDX-License-Identifier: MIT */
/*
 * What the TXT records of MTA-STS and TLSRPT have in common (RFC 8461 3.1, RFC 8460 3): one record of a version, fields with names, names of
 * hosts. Only for this room. Pure functions over slices; any thread.
 */
#pragma once

#include "base/str.h"

bool txt_is_alnum(char c);
/* Labels of 1 to 63 letters, digits, "-" and "_", which is in use; at most max bytes. */
bool txt_is_host(struct str s, size_t max);
/* A letter or digit and up to 31 more, "_", "-" and "." among them. */
bool txt_is_field_name(struct str s);
/* The fields of the one record that begins with the version ("v=STSv1") and its delimiter. False: there is none, or more than one. */
bool txt_record_choose(const struct str *records, size_t n, struct str version, struct str *ret_fields);
/*
 * The next field, trimmed, with its name, and what is behind the "=". 1; 0: no more; negative: it is none. A delimiter may stand behind the last.
 */
int txt_field_next(struct str *fields, struct str *ret_name, struct str *ret_value);

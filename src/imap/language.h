/* SPDX-License-Identifier: MIT */
/*
 * Languages of the human-readable text in responses (RFC 5255 3): which there are, and the
 * translations.
 */
#pragma once

#include "base/str.h"

/* i-default is English that says so (RFC 2277 4.5); the text is the same as in IMAP_LANG_EN. */
enum imap_language { IMAP_LANG_DEFAULT, IMAP_LANG_EN, IMAP_LANG_DE, IMAP_LANG_FR, IMAP_LANG_COUNT_ };

/* Their tags, NULL-terminated: also the names of the setting. */
extern const char *const imap_language_tags[];

/*
 * The language that a range of RFC 4647 asks for, by its Lookup scheme (3.4): "de-AT" finds "de". 1
 * found; 0 none;
 * -E_SYNTAX: no range.
 */
int imap_language_find(struct str range, enum imap_language *ret);

/* What several commands say with EXPUNGEISSUED (RFC 9051 7.1). */
#define IMAP_SAYS_GONE "some of these messages no longer exist, they were deleted meanwhile"

/* The same text in that language; itself when there is no translation. UTF-8. */
struct str imap_language_text(enum imap_language language, struct str english);

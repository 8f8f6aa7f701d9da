/* SPDX-License-Identifier: MIT */
/*
 * Annotations of mailboxes and of the server (RFC 5464): named values that clients keep here. Those
 * below /private belong to one user, those below /shared to the mailbox. They go with their mailbox
 * and stay with it when it is renamed.
 */
#pragma once

#include "base/arena.h"
#include "store/store.h"

/* No annotation: the special use of the mailbox (RFC 6154 4). */
#define STORE_ENTRY_SPECIAL_USE "/private/specialuse"

struct store_annotation {
	struct str entry; /* canonical: store_entry_check() */
	struct str value; /* p == NULL: none */
};

/*
 * The canonical form of an entry name: lower case. -E_SYNTAX: RFC 5464 3.2 has no such name. With
 * is_set it must be one that can have a value: two components, below .../vendor/ four.
 */
MUST_CHECK int store_entry_check(struct arena *a, struct str entry, bool is_set, struct str *ret);

/* RFC 5464 3.3: may somebody with these rights read and set annotations of a mailbox? */
bool store_annotations_may(unsigned rights);

/* All of a mailbox that this user sees, by entry. mailbox 0: the user's own ones of the server. */
MUST_CHECK int store_annotations_list(struct store *s, struct arena *a, int64_t mailbox, int64_t user,
				      struct store_annotation **ret, size_t *ret_n);

/* The value of one of the user's own of the server, in the arena; entry is canonical. -E_NOT_FOUND. */
MUST_CHECK int store_annotation_get(struct store *s, struct arena *a, int64_t user, struct str entry,
				    struct str *ret);

struct store_annotations_change {
	const struct store_annotation *v; /* values that are not there are removed; the last of an entry counts */
	size_t n;
	bool sets_special_use;            /* RFC 6154 4: and no other mailbox of the account keeps these uses */
	unsigned special_use;
};
/*
 * Sets and removes all of them or none. mailbox 0: of the server, where only /private can be set
 * (-E_DENIED), as whoever lacks the rights (enum store_right) is refused. -E_NOT_FOUND mailbox; -E_TOO_BIG: a value beyond LIMIT_ANNOTATION_VALUE; -E_LIMIT:
 * more than LIMIT_ANNOTATIONS or LIMIT_ANNOTATION_BYTES would be there. Durable.
 */
MUST_CHECK int store_annotations_set(struct store *s, int64_t mailbox, int64_t user,
				     const struct store_annotations_change *change);

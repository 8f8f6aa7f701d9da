/* SPDX-License-Identifier: MIT */
/*
 * Who may do what with a mailbox (RFC 4314), and what a name means that a user says: an own mailbox, or
 * "Other Users/" LOGIN "/" NAME, a mailbox of another account.
 *
 * The owner of a mailbox has all rights, always. Others have what rows give them: the union of what is given to
 * them and to "anyone", less what the rows of "-them" and "-anyone" take away. Without a row a mailbox does not
 * exist for others: what is refused to somebody without `l` is refused as if it were not there.
 *
 * user 0 is the server itself (delivery, POP3, administration): it has all rights everywhere.
 */
#pragma once

#include "base/arena.h"
#include "store/store.h"

enum store_right { /* RFC 4314 2.1 */
	STORE_R_LOOKUP = 1,   /* l */
	STORE_R_READ = 2,     /* r */
	STORE_R_SEEN = 4,     /* s */
	STORE_R_WRITE = 8,    /* w */
	STORE_R_INSERT = 16,  /* i */
	STORE_R_POST = 32,    /* p: kept and shown; nothing here asks for it */
	STORE_R_CREATE = 64,  /* k */
	STORE_R_DELETE = 128, /* x */
	STORE_R_TRASH = 256,  /* t */
	STORE_R_EXPUNGE = 512, /* e */
	STORE_R_ADMIN = 1024, /* a */
	STORE_R_ANNOTATE = 2048, /* n: shared annotations of messages (RFC 5257 3.4) */
};
#define STORE_RIGHTS_ALL 4095u
/* Who has one of these may know that the mailbox is there (RFC 4314 4, "Any"). */
#define STORE_RIGHTS_ANY \
	((unsigned)(STORE_R_LOOKUP | STORE_R_READ | STORE_R_INSERT | STORE_R_CREATE | STORE_R_DELETE | STORE_R_ADMIN))
/* One of them makes a selected mailbox READ-WRITE (RFC 4314 5.2; all flags are shared here; RFC 5257 3.4). */
#define STORE_RIGHTS_CHANGE \
	((unsigned)(STORE_R_INSERT | STORE_R_EXPUNGE | STORE_R_SEEN | STORE_R_WRITE | STORE_R_TRASH | STORE_R_ANNOTATE))

/* Letters, "c" and "d" as RFC 4314 2.1.1 has them (c = kx, d = te). False: another character. */
bool store_rights_parse(struct str text, unsigned *ret);
/* In the order of RFC 4314 2.1, then n, c and d; needs 14 bytes of room. */
void store_rights_print(unsigned rights, struct buf *out);
/* Does `have` do for `need`? 0; -E_DENIED; without `l` -E_NOT_FOUND. */
MUST_CHECK int store_rights_check(unsigned have, unsigned need);
/* The message flags that these rights let somebody change: \Seen s, \Deleted t, all others w. */
uint64_t store_rights_flags(unsigned rights);

/* ---- names ---- */

#define STORE_OTHER_USERS "Other Users"

/* A name as a user says it, taken apart; nothing is looked up. */
struct store_place {
	struct str login; /* canonical; empty: the user's own */
	struct str local; /* as the owner calls it, checked; empty: "Other Users", or that with a login only */
	struct str shown; /* the whole name, canonical */
	bool is_other;    /* below "Other Users" */
};
/* -E_CANNOT, -E_LIMIT as store_name_check(). A login that cannot be one: is_other with empty login and local. */
MUST_CHECK int store_place_parse(struct arena *a, struct str name, struct store_place *ret, struct fault *fault);
/*
 * Whose it is. -E_NOT_FOUND: no such account, or it is the user's own, which have one name only. Whoever tells this from a
 * refusal to the user tells him which accounts there are.
 */
MUST_CHECK int store_place_owner(struct store *s, struct arena *a, int64_t user, const struct store_place *p, int64_t *ret_owner);

struct store_mailbox;
/*
 * THE way from a name to a mailbox for everything that a user asks for: the mailbox, with the rights that the user has
 * (ret->rights, ret->local), if they include `need` (bits; 0: one of STORE_RIGHTS_ANY). -E_NOT_FOUND when there is none, when there is one without
 * any right, and when something is missing and `l` too; -E_DENIED when something is missing and `l` is there; -E_CANNOT and
 * -E_LIMIT for what cannot be a name. What is done with the mailbox afterwards asks again in its transaction (the functions
 * that take a user).
 */
MUST_CHECK int store_mailbox_lookup(struct store *s, struct arena *a, int64_t user, struct str name, unsigned need,
				    struct store_mailbox *ret);
/* The same by its id, with the name that the user has for it now (ret->name), and whether he has subscribed to that. */
MUST_CHECK int store_mailbox_get_for(struct store *s, struct arena *a, int64_t user, int64_t id, unsigned need,
				     struct store_mailbox *ret);

/* ---- rights ---- */

/* Those of a user now. -E_NOT_FOUND: the mailbox is gone. */
MUST_CHECK int store_rights_get(struct store *s, int64_t mailbox, int64_t user, unsigned *ret);
/* Grows with every change of rights: while it stands still, what store_rights_get() said is true. Costs one load. */
uint64_t store_rights_generation(struct store *s);

struct store_rights_entry {
	struct str identifier; /* a login name or "anyone", with "-" in front: taken away */
	unsigned rights;
};
/* The owner first, then the rows. */
MUST_CHECK int store_rights_list(struct store *s, struct arena *a, int64_t mailbox, struct store_rights_entry **ret, size_t *ret_n);

/* Who a row is about. */
struct store_identifier {
	int64_t who; /* account; 0: anyone */
	bool is_negative;
	bool is_owner; /* of the mailbox; set by store_identifier_find() */
};
/* -E_SYNTAX: it is no name at all; -E_NOT_FOUND: nobody has it. */
MUST_CHECK int store_identifier_find(struct store *s, struct arena *a, int64_t mailbox, struct str text, struct store_identifier *ret);

enum store_rights_op { STORE_RIGHTS_SET, STORE_RIGHTS_ADD, STORE_RIGHTS_TAKE };
/*
 * Changes one row; a row without rights goes. `user` needs `a` (see store_mailbox_lookup() for what is refused how). -E_CANNOT: the owner's rights
 * are what they are; -E_LIMIT: more than LIMIT_RIGHTS rows, or than LIMIT_RIGHTS_ACCOUNT. Durable. Sessions see it with their next command.
 */
MUST_CHECK int store_rights_change(struct store *s, int64_t mailbox, int64_t user, const struct store_identifier *id,
				   enum store_rights_op op, unsigned rights);

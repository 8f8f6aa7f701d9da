/* SPDX-License-Identifier: MIT */
/* Who has mail here: domains, accounts with their credentials, aliases; and where an address leads. */
#pragma once

#include "base/arena.h"
#include "store/store.h"

/*
 * Limits of one account, or what it uses of them (RFC 9208). A limit of 0: none. Only what would be
 * added is refused (-E_QUOTA): who is beyond a new limit keeps what is there.
 */
struct store_quota {
	int64_t bytes, messages, mailboxes;
};

struct store_account {
	int64_t id;
	struct str name;          /* its own address, the login name: localpart@domain in lower case */
	struct store_quota quota;
	int64_t used_bytes;
	int64_t messages;
	int64_t created_s;
	bool is_enabled;
};

/* A stored proof of identity; several kinds for one account. Values are opaque here; room sasl makes and reads them. */
struct store_credential {
	struct str kind;  /* "crypt", "scram-sha-1", "scram-sha-256" */
	struct str value;
};

/*
 * Adds an account with INBOX, Drafts, Sent, Junk, Trash, Archive (RFC 6154), subscribed. The domain must exist. -E_EXISTS when the
 * address is an account or alias, -E_NOT_FOUND when the domain is not ours, -E_SYNTAX for a bad address; fault says what to do.
 * quota NULL, or a negative member of it: the default of the settings.
 */
MUST_CHECK int store_account_add(struct store *s, struct str address, const struct store_quota *quota,
				 const struct store_credential *creds, size_t n_creds, int64_t *ret_id, struct fault *fault);
/* Removes it with all its mail. -E_NOT_FOUND. */
MUST_CHECK int store_account_remove(struct store *s, struct str address, struct fault *fault);
/*
 * Whether it may log in. Its mail, and mail to it, is not touched. *ret_id is the account's. -E_NOT_FOUND with fault.
 * Durable. Who is logged in stays so: see sasl_disconnect().
 */
MUST_CHECK int store_account_enable(struct store *s, struct str address, bool is_enabled, int64_t *ret_id,
				    struct fault *fault);
MUST_CHECK int store_account_list(struct store *s, struct arena *a, struct store_account **ret, size_t *ret_n);
/* By login name (case-insensitive domain and local part). -E_NOT_FOUND. */
MUST_CHECK int store_account_find(struct store *s, struct arena *a, struct str name, struct store_account *ret);
MUST_CHECK int store_account_get(struct store *s, struct arena *a, int64_t id, struct store_account *ret);
/* Limits and use at one moment; the limits as set. -E_NOT_FOUND. */
MUST_CHECK int store_quota_get(struct store *s, int64_t account, struct store_quota *ret_limit, struct store_quota *ret_used);
/* A negative member stays as it is. -E_NOT_FOUND. */
MUST_CHECK int store_quota_set(struct store *s, int64_t account, const struct store_quota *limit);

/* Replaces all credentials of the account. */
MUST_CHECK int store_credentials_set(struct store *s, int64_t account, const struct store_credential *creds, size_t n);
/*
 * The same, if the account's credential of expected->kind still has expected->value when the
 * write happens; else -E_BUSY and nothing changes. For who has read a credential and must not
 * undo what somebody else has set since.
 */
MUST_CHECK int store_credentials_set_if(struct store *s, int64_t account,
					const struct store_credential *expected,
					const struct store_credential *creds, size_t n);
/* -E_NOT_FOUND when there is none of that kind. */
MUST_CHECK int store_credential_get(struct store *s, struct arena *a, int64_t account, struct str kind, struct str *ret_value);

MUST_CHECK int store_domain_add(struct store *s, struct str domain, struct fault *fault);
/* -E_BUSY while accounts or aliases are in it. (And no domain is added to which an alias forwards.) */
MUST_CHECK int store_domain_remove(struct store *s, struct str domain, struct fault *fault);
MUST_CHECK int store_domain_list(struct store *s, struct arena *a, struct str **ret, size_t *ret_n);
/* Lower case, A-labels (RFC 5890), without a last dot, in the arena. -E_SYNTAX, -E_LIMIT. */
MUST_CHECK int store_domain_canonical(struct arena *a, struct str domain, struct str *ret);
/* Is mail for the domain delivered here? -E_NOT_FOUND or 0. */
MUST_CHECK int store_domain_find(struct store *s, struct str domain);

struct store_alias {
	struct str address; /* "@domain" is the domain's catch-all */
	struct str target;  /* an account's address, an address elsewhere, or "/null" */
};
/*
 * Adds one target to an alias: a local account (-E_NOT_FOUND: its domain is served here and it is not one), an address of a domain
 * that is not served here, or "/null", which takes mail and drops it. The alias may not be an account (-E_EXISTS).
 */
MUST_CHECK int store_alias_add(struct store *s, struct str address, struct str target, struct fault *fault);
/* An empty target removes the whole alias. */
MUST_CHECK int store_alias_remove(struct store *s, struct str address, struct str target, struct fault *fault);
MUST_CHECK int store_alias_list(struct store *s, struct arena *a, struct store_alias **ret, size_t *ret_n);

/*
 * Where a recipient address leads: exact account, then alias, then the same without "+tag" (RFC 5233), then the catch-all.
 * "postmaster" without a domain (RFC 5321 4.5.1), and postmaster@ a local domain without such account or alias, lead
 * to the first account of the server.
 * 0: local, with at least one account, one address elsewhere, or is_dropped. -E_NOT_FOUND: the domain is ours, the user is not. -E_DENIED: not our domain.
 * -E_QUOTA: it leads to accounts only, and every one is full (size_bytes is the announced size, 0 when unknown).
 */
struct store_route {
	int64_t *accounts;
	size_t n_accounts;
	struct str *forwards;  /* addresses elsewhere: local part as it was given, domain as A-labels */
	size_t n_forwards;
	bool is_dropped;       /* to /null as well */
};
MUST_CHECK int store_route(struct store *s, struct arena *a, struct str address, int64_t size_bytes, struct store_route *ret);

/* May this account use the address as a sender? Where mail to it leads to the account, see store_route(). 0, -E_DENIED, or trouble. */
MUST_CHECK int store_may_send_as(struct store *s, int64_t account, struct str address);

/* The one POP3 session of an account (RFC 1939 4). -E_BUSY. In memory. */
MUST_CHECK int store_pop3_lock(struct store *s, int64_t account);
void store_pop3_unlock(struct store *s, int64_t account);

/* SPDX-License-Identifier: MIT */
/*
 * IMAP URLs (RFC 5092) that name a message, or a part of one: those without scheme and server, which
 * CATENATE takes (RFC 4469 3), and those that authorize (RFC 4467).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct imap_url {
	struct str mailbox;   /* decoded, UTF-8; p == NULL: the one that is selected */
	uint32_t uidvalidity; /* 0: any */
	uint32_t uid;
	struct str section;   /* decoded: what stands in BODY[...] */
	bool has_partial;
	uint64_t start, count; /* count 0: to the end */
};

/* 1; 0: no such URL (another kind, a wrong one); -E_LIMIT: the arena is full. */
int imap_url_parse(struct arena *a, struct str url, struct imap_url *ret);

enum imap_url_access {
	IMAP_ACCESS_SUBMIT, /* submission servers, for access_user */
	IMAP_ACCESS_USER,   /* access_user */
	IMAP_ACCESS_AUTHUSER,
	IMAP_ACCESS_ANONYMOUS,
};
struct imap_url_auth {
	struct imap_url url;    /* the mailbox as `user` calls it */
	struct str user;        /* decoded; whose access counts */
	bool has_expire;
	int64_t expire_s;
	enum imap_url_access access;
	struct str access_user; /* decoded */
	struct str rump;        /* what is signed, as it stands there */
	struct str mechanism, token; /* p == NULL: it is the rump only; token: hexadecimal, 32 digits at least */
};
/* As imap_url_parse(). */
int imap_url_auth_parse(struct arena *a, struct str url, struct imap_url_auth *ret);

/* ---- what a URL names (url_item.c) ---- */

struct imap_session;
struct imap_fetch_item;
struct store_content;
/* The section as FETCH has it. 1, 0 or -E_LIMIT. */
int imap_url_item(struct arena *a, const struct imap_url *url, struct imap_fetch_item *ret);
/* The content of a message; fields: enum store_content_fields. -E_NOT_FOUND. */
MUST_CHECK int imap_url_content(struct imap_session *s, int64_t mailbox, uint32_t uid, unsigned fields,
				struct store_content *ret);

/* SPDX-License-Identifier: MIT */
/*
 * The client of an IMAP dialogue: greeting, STARTTLS, login, then commands and responses, over a stream that is connected. Straight-line code that
 * blocks, each wait with a deadline. It reads responses of strangers: a response without its literals, and its literals, have bounds. One thread at a time.
 * Used by `martlet import`, `martlet fetch` and the connection doctor.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "imap/parse.h"
#include "net/stream.h"

struct imap_client;

/* ---- responses (client_resp.c; cursors, pure) ---- */

/* How long the response at the beginning of in is, with its literals and its CRLF: 1; 0: more is needed; -E_LIMIT. */
MUST_CHECK int imap_client_response(struct str in, uint64_t max_literal, size_t *ret_n);

enum imap_client_kind {
	IMAP_CLIENT_OTHER,
	IMAP_CLIENT_CONTINUE,      /* "+ " */
	IMAP_CLIENT_TAGGED,        /* with status, as what follows */
	IMAP_CLIENT_UNTAGGED,      /* "* OK", "* NO", "* BAD" */
	IMAP_CLIENT_PREAUTH,
	IMAP_CLIENT_BYE,
	IMAP_CLIENT_CAPABILITY,
	IMAP_CLIENT_EXISTS,
	IMAP_CLIENT_EXPUNGE,
	IMAP_CLIENT_VANISHED,      /* RFC 7162 3.2.10 */
	IMAP_CLIENT_FETCH,
	IMAP_CLIENT_LIST,          /* and LSUB */
	IMAP_CLIENT_STATUS,
	IMAP_CLIENT_SEARCH,        /* and ESEARCH with ALL: text has the set or the numbers */
};

/* Slices of the response or in the arena. */
struct imap_client_reply {
	enum imap_client_kind kind;
	struct str tag;
	bool is_ok, is_bad;        /* else NO */
	struct str code;           /* of a status: what stands in "[...]", without the brackets; or empty */
	struct str text;           /* of a status, behind its code; of CAPABILITY, SEARCH, VANISHED, CONTINUE */
	uint32_t uidvalidity, uidnext; /* of a response code or STATUS; 0: none */
	uint64_t highestmodseq;    /* the same */
	uint32_t number;           /* EXISTS, EXPUNGE, FETCH; MESSAGES of STATUS */
	/* APPENDUID and COPYUID (RFC 9051 7.1): uidvalidity is above */
	struct str uids_from, uids_to;
	/* FETCH */
	uint32_t uid;
	uint64_t size, modseq;
	bool has_flags, has_body;
	bool is_whole;             /* body is the message, not a part of it */
	struct imap_flags flags;   /* without those that we could not keep */
	int64_t date_s;
	struct str body;           /* of BODY[...] or RFC822 */
	/* VANISHED */
	bool is_earlier;
	/* LIST, STATUS */
	bool is_lsub, is_noselect;
	char delimiter;            /* 0: none */
	struct str name;           /* as the server writes it */
	struct str attributes;     /* of LIST, as told: "\HasNoChildren \Sent" */
};
/* One response as above. 1; -E_SYNTAX: it is not what it begins to be; -E_LIMIT. */
MUST_CHECK int imap_client_parse(struct arena *a, struct str response, struct imap_client_reply *ret);

/* ---- a dialogue (client.c, client_auth.c) ---- */

enum imap_client_stage { IMAP_CLIENT_GREETING, IMAP_CLIENT_CAPS, IMAP_CLIENT_TLS, IMAP_CLIENT_AUTH, IMAP_CLIENT_N_STAGES };

/* What the server said it can do, last. */
struct imap_client_caps {
	struct str all;            /* the words as told; control characters are replaced. Lives with the client, until they are told anew */
	struct str auth;           /* mechanisms, spaces between */
	bool is_rev1, is_rev2, has_starttls, is_login_disabled, has_sasl_ir, has_idle, has_uidplus, has_condstore, has_qresync, has_enable, has_literal_plus,
		has_literal_minus, has_move, has_compress, has_namespace, has_special_use, has_list_extended, has_list_status, has_utf8, has_appendlimit;
};

struct imap_client_options {
	enum net_starttls starttls;
	struct net_stream_tls *tls;
	struct net_stream_tls_want want;
	struct str user, password;     /* empty user: no login. Never sent without verified TLS, unless may_plain */
	bool may_plain;
	const char *host_z;            /* for SASL */
	int64_t wait_ms;               /* for a response; 0: two minutes */
	int64_t until_ms;              /* clock_mono_ms: nothing is waited for longer; 0: no such end */
	uint64_t max_literal;          /* of one; 0: LIMIT_IMPORT_MESSAGE */
	/* Each line of the dialogue, secrets masked, literals as their length; may be NULL. */
	void (*trace)(void *ctx, bool is_ours, struct str line);
	void *trace_ctx;
	/* Each stage once it is over: 0, or what imap_client_open() returns, with the server's words; also one that has failed. May be NULL. */
	void (*over)(void *ctx, struct imap_client *c, enum imap_client_stage stage, int err, struct str text);
	void *over_ctx;
};

/*
 * Greeting to login. The stream is the client's from here on, whatever comes back; strings of the options are not needed afterwards. 0 with *ret.
 * -E_TIMEOUT, -E_CLOSED, -E_IO; -E_TLS; -E_SYNTAX (it does not speak IMAP); -E_DENIED (BYE, or a refusal that is not of the login); -E_AUTH_FAILED; -E_BUSY (it takes no logins now: UNAVAILABLE); -E_CANNOT (what
 * the options demand is not offered): *ret is NULL, *ret_stage says where, fault why with the server's words. What was learned before TLS is forgotten, and what
 * was sent before it and not asked for ends the dialogue (RFC 9051 11.1).
 */
MUST_CHECK int imap_client_open(struct net_stream *s, const struct imap_client_options *o, struct imap_client **ret, enum imap_client_stage *ret_stage,
				struct fault *fault);
const struct imap_client_caps *imap_client_caps(const struct imap_client *c);
struct net_stream *imap_client_stream(struct imap_client *c);
/* Words of the greeting, cleaned; live with the client. */
struct str imap_client_greeting(const struct imap_client *c);

/* Sends a command without its tag and does not wait: several may be under way. Lines of literals are the caller's ("{3+}"). *ret_tag may be NULL. */
MUST_CHECK int imap_client_send(struct imap_client *c, struct str command, unsigned *ret_tag, struct fault *fault);
/* Sends bytes as they are: the rest of a command behind a literal, DONE. */
MUST_CHECK int imap_client_put(struct imap_client *c, struct str bytes, struct fault *fault);
/* Adds the name of a mailbox, as the server writes it, as a quoted string. False: it has characters that a quoted string cannot have. */
bool imap_client_add_name(struct buf *out, struct str raw);
/* APPEND of one message, with LITERAL+ where it is offered; the server's answer in *ret. flags, date: as in the command, or empty. */
MUST_CHECK int imap_client_append(struct imap_client *c, struct str mailbox, struct str flags, struct str date, struct str bytes, struct imap_client_reply *ret,
				  struct fault *fault);
/*
 * The next response; valid until the next call. Its end: IMAP_CLIENT_TAGGED. -E_CLOSED (BYE too, with its words), -E_TIMEOUT, -E_SYNTAX, -E_LIMIT: the connection is
 * of no use any more.
 */
MUST_CHECK int imap_client_next(struct imap_client *c, struct imap_client_reply *ret, struct fault *fault);
/* The same, waiting ms at most; 1: a response; 0: nothing came, and all is well (IDLE). */
MUST_CHECK int imap_client_await(struct imap_client *c, int64_t ms, struct imap_client_reply *ret, struct fault *fault);
/* What the end of a command says, right behind imap_client_next(): 0, or -E_CANNOT with the server's words. */
MUST_CHECK int imap_client_result(struct imap_client *c, const struct imap_client_reply *tagged, struct fault *fault);
unsigned imap_client_tag(struct str tag); /* the number of one of ours; 0: it is not */
/* Sends it and takes what comes to its end; each response before that to see(), if not NULL. -E_CANNOT with the server's words: NO or BAD. */
MUST_CHECK int imap_client_ask(struct imap_client *c, struct str command, int (*see)(void *ctx, const struct imap_client_reply *r, struct fault *fault), void *ctx,
			       struct fault *fault);
/* LOGOUT where the dialogue is in step, and close; does not wait long. Accepts a pointer to NULL. */
void imap_client_close(struct imap_client **c);

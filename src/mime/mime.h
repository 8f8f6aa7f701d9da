/* SPDX-License-Identifier: MIT */
/*
 * Messages as text (RFC 5322, 2045-2049, 6532): pure functions over slices, no I/O, no failure on bad
 * mail: whatever arrives gets a stable, valid answer, bounded in time and memory. Work happens
 * in the arena that the caller gives. All offsets are from the first byte of the message.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* ---- header fields (mime/header.c) ---- */

struct mime_field {
	struct str name;  /* without the colon */
	struct str raw;   /* the whole field: name, colon, folds, final line end */
	struct str value; /* after the colon: raw, folded, without the final line end */
};

/*
 * Next header field of *rest (which starts at a line begin); advances *rest. 1: a field; 0: end of the
 * header (*rest then stands after the empty line, or at the end). A line that is no field ("From " lines,
 * junk without a colon) comes back with an empty name and its raw text. Both CRLF and bare LF end lines.
 */
int mime_field_next(struct str *rest, struct mime_field *ret);
/* First field of that name in a header block; false when there is none. */
bool mime_field_find(struct str header, struct str name, struct mime_field *ret);
/* A copy of the value with folds removed (RFC 5322 2.2.3) and outer white space trimmed. */
MUST_CHECK int mime_unfold(struct arena *a, struct str value, struct str *ret);
/* Header block and body of a message or part: header includes the empty line. */
void mime_split(struct str message, struct str *ret_header, struct str *ret_body);

/* ---- encoded words and charsets (mime/encword.c, mime/charset.c) ---- */

/*
 * Any charset to UTF-8; bytes that do not convert become U+FFFD. An empty name, US-ASCII and names that say "unknown": UTF-8, and bytes that are
 * not as windows-1252 has them. -E_BAD_CHARSET: unknown name.
 */
MUST_CHECK int mime_to_utf8(struct str charset, struct str in, struct buf *out);
/*
 * The same for text that comes in pieces, cut anywhere: a character that is cut waits for the next piece, and a set with states keeps them. Each
 * mime_charset_add() puts whole characters into out; mime_charset_end() what is left. Opened or not, it is to be closed.
 */
struct mime_charset {
	enum { MIME_CHARSET_UTF8, MIME_CHARSET_TABLE, MIME_CHARSET_ICONV, MIME_CHARSET_JIS } kind;
	unsigned jis;          /* the set that was chosen last */
	const uint16_t *codes; /* of a table; of UTF-8: what bytes are that are none, or NULL */
	void *cd;              /* of iconv; of EUC-JP for MIME_CHARSET_JIS */
	size_t unit;           /* bytes that are skipped where iconv finds no character */
	size_t n_rest;
	char rest[16];
};
MUST_CHECK int mime_charset_open(struct mime_charset *c, struct str charset);
void mime_charset_add(struct mime_charset *c, struct str piece, struct buf *out);
void mime_charset_end(struct mime_charset *c, struct buf *out);
void mime_charset_close(struct mime_charset *c);
/*
 * Loads the usual character sets. For a process that cannot open iconv's files later (sandbox): the others are
 * then unknown.
 */
void mime_charsets_load(void);
/* RFC 2047 encoded words to UTF-8; what is not one stays, as text without a charset. Never fails. */
void mime_encword_decode(struct str text, struct buf *out);
/* i;unicode-casemap (RFC 5051) by utf8proc: the form in which SEARCH compares. */
void mime_casemap(struct str utf8, struct buf *out);

/* ---- addresses (mime/address.c): RFC 5322 3.4 with what mail really carries ---- */

struct mime_address {
	struct str name;    /* display name, comments and quotes removed, not decoded; may be empty */
	struct str route;   /* obs-route, nearly always empty */
	struct str mailbox; /* local part, unquoted */
	struct str domain;
	enum { MIME_ADDR_MAILBOX, MIME_ADDR_GROUP_START, MIME_ADDR_GROUP_END } kind; /* group name is in mailbox */
};

struct mime_addresses {
	struct mime_address *v;
	size_t n;
};

MUST_CHECK int mime_addresses_parse(struct arena *a, struct str value, struct mime_addresses *ret);

/* ---- dates (mime/date.c) ---- */

/* RFC 5322 3.3 with obsolete forms: seconds since the epoch and the zone in minutes. False: not a date. */
bool mime_date_parse(struct str value, int64_t *ret_epoch_s, int *ret_zone_min);
/* "Mon, 23 Nov 2026 20:08:00 +0000" (31 bytes and NUL fit in 40). */
void mime_date_print_z(char out[40], int64_t epoch_s, int zone_min);

/* ---- structure (mime/structure.c) ---- */

enum mime_cte { MIME_CTE_7BIT, MIME_CTE_8BIT, MIME_CTE_BINARY, MIME_CTE_QP, MIME_CTE_BASE64, MIME_CTE_UNKNOWN };

struct mime_param {
	struct str name;  /* as written, without the marks of RFC 2231 */
	struct str value; /* unquoted; RFC 2231 continuations joined and decoded to UTF-8 */
	bool is_extended; /* had a charset (RFC 2231 4): BODYSTRUCTURE shows it as "name*" (RFC 9051 7.5.2) */
};

struct mime_part {
	uint64_t header_off, header_n; /* with the empty line */
	uint64_t body_off, body_n;
	uint32_t body_lines;           /* line ends in the body */
	struct str type, subtype;      /* "text" "plain" when absent or broken; multipart/digest children: message/rfc822 */
	struct mime_param *params;
	size_t n_params;
	struct str id, description;    /* raw header values, unfolded */
	struct str cte_text;           /* as written; "7bit" when absent */
	enum mime_cte cte;
	struct str disposition;        /* empty when absent */
	struct mime_param *disposition_params;
	size_t n_disposition_params;
	struct str languages, location, md5; /* raw header values */
	bool is_multipart, is_message; /* is_message: message/rfc822 or message/global; then one child, the message */
	bool has_no_boundary;          /* it says that it is a multipart; type is text/plain */
	struct mime_part *parent;
	struct mime_part *child, *next;
};

/*
 * Parses a whole message into a tree whose slices point into the message or the arena. Bounded by
 * LIMIT_MIME_*: beyond depth or part count the rest is a leaf. A multipart always has a child (an empty one
 * when the message has none). Linear time in n. -E_LIMIT only when the arena is full: one with
 * LIMIT_MIME_ARENA never is.
 */
MUST_CHECK int mime_parse(struct arena *a, struct str message, struct mime_part **ret_root);

/*
 * The compact map of a tree that is stored with a message, so that sections are found without parsing
 * again; little endian, versioned in its first byte.
 */
void mime_map_write(struct buf *out, const struct mime_part *root);
struct mime_map_part {
	uint64_t header_off, header_n, body_off, body_n;
	enum mime_cte cte;
	bool is_multipart, is_message, is_text;
	uint64_t message_header_n; /* is_message: the body starts with a header of that length (BODY[n.HEADER]) */
};
/*
 * Finds a section part such as {2,1} (n == 0: the message itself), counted as RFC 9051 6.4.5.1 does (through
 * message/rfc822 into its children; part 1 of a message that is not multipart is its body).
 * 1 found, 0 no such part, -E_SYNTAX damaged map.
 */
MUST_CHECK int mime_map_find(struct str map, const uint32_t *section, size_t n, struct mime_map_part *ret);
/* Walks all parts in order; *pos starts at 0. 1 part, 0 end, -E_SYNTAX damaged. */
MUST_CHECK int mime_map_next(struct str map, size_t *pos, struct mime_map_part *ret);

/* ---- ready-made IMAP texts (mime/envelope.c, mime/bodystructure.c): RFC 9051 7.5.2 ---- */

/*
 * "(date subject from sender reply-to to cc bcc in-reply-to message-id)"; 8-bit strings as literals. One that
 * would pass the maximum of out is printed with everything NIL; -E_LIMIT only when not even that fits.
 */
MUST_CHECK int mime_envelope_print(struct arena *a, struct str header, struct buf *out);
/*
 * A structure that would pass the maximum of out is printed as one opaque leaf; -E_LIMIT as above.
 * BODYSTRUCTURE in which each run of extension data stands between bytes 0x01 and 0x02, so that
 * one stored text serves BODY (the run left out) and BODYSTRUCTURE (only the two bytes left out). No other control
 * character below 0x20 occurs outside CRLF of literals.
 */
MUST_CHECK int mime_bodystructure_print(struct arena *a, struct str message, const struct mime_part *root,
					struct buf *out);
/* Reads that text: with_extension true gives BODYSTRUCTURE, false BODY. */
void mime_bodystructure_view(struct str stored, bool with_extension, struct buf *out);

/* ---- previews (mime/preview.c, mime/html.c): RFC 8970 3.3 ---- */

#define MIME_PREVIEW_CHARS 200
#define MIME_PREVIEW_BYTES (4 * MIME_PREVIEW_CHARS)
/*
 * The beginning of the message's text as one line of UTF-8 without controls, at most MIME_PREVIEW_CHARS characters,
 * to the end of out (empty, room for MIME_PREVIEW_BYTES); nothing when there is none. root: of mime_parse(); the
 * message may have been cut behind it.
 */
void mime_preview(struct str message, const struct mime_part *root, struct buf *out);

/* ---- content transfer encodings (mime/cte.c) ---- */

/* Decodes tolerantly (never fails on damage, unknown cte copies). For SEARCH. */
void mime_cte_decode(enum mime_cte cte, struct str in, struct buf *out);
/* Decodes strictly enough for BINARY (RFC 3516): -E_UNKNOWN_CTE when cte is unknown or the base64 is not decodable. */
MUST_CHECK int mime_cte_decode_strict(enum mime_cte cte, struct str in, struct buf *out);
/*
 * Quoted-printable (RFC 2045 6.7): lines of at most 76, CRLF stays a line end, a CR or LF alone is encoded: every byte comes back as it
 * was.
 */
void mime_qp_encode(struct str in, struct buf *out);
/* Base64 (RFC 2045 6.8): lines of 76, each with its CRLF. */
void mime_b64_encode(struct str in, struct buf *out);
/* Fit to stand in a message as it is (RFC 5322 2.1.1, 2.3): CRLF only, no NUL, no line above 998? 8-bit bytes may be. */
bool mime_has_plain_lines(struct str s);
/* A line above 998 (RFC 5322 2.1.1), and nothing else of that: looks at little of s. */
bool mime_has_long_lines(struct str s);

/* ---- for a peer that takes 7-bit only (mime/convert.c): RFC 6152 3, RFC 2045 6.4 ---- */

/*
 * The message with everything in quoted-printable or base64 that is not 7-bit (RFC 2045 2.7); decoded, each part is what it was. 0, also when
 * there was nothing to do (out then has a copy). -E_CANNOT: it may not be changed (signed, encrypted), or cannot be made so (8-bit
 * header, text around the parts, a part whose encoding is unknown): the caller returns it (5.6.3). -E_LIMIT: out is full.
 */
MUST_CHECK int mime_convert_7bit(struct str message, struct buf *out);

/* ---- a message from its pieces (mime/compose.c): RFC 5322 3.6, RFC 2045 to 2047, 2183, 2231 ---- */

struct mime_attachment {
	struct str name; /* of the file, UTF-8, without a path; its end tells the type */
	struct str bytes;
};

struct mime_draft {
	struct mime_addresses from, to; /* one, and any number; names in UTF-8 */
	struct str subject;             /* UTF-8; may be empty */
	struct str text;                /* lines that end with LF or CRLF; the charset is UTF-8, or unknown-8bit when it is not that */
	const struct mime_attachment *attachments;
	size_t n_attachments;
	int64_t sent_s;
	int zone_min;
	struct str host; /* for the Message-ID */
};

/* RFC 5322 3.4.1: the address alone, its local part quoted where it must be. */
void mime_addr_spec(const struct mime_address *a, struct buf *out);
/* A mailbox with a domain, and nothing in it that a header cannot hold. */
bool mime_address_is_whole(const struct mime_address *a);
/* As it stands in a header: the name, encoded or quoted where it must be, and <addr-spec>. One that is whole. */
void mime_address_write(const struct mime_address *a, struct buf *out);
/*
 * Writes it behind what is in out, 7-bit but for addresses that are not (RFC 6532). -E_SYNTAX: a control or something that is not UTF-8 in a
 * piece of the header, or an address that is none; -E_LIMIT: out is full.
 */
MUST_CHECK int mime_compose(const struct mime_draft *d, struct buf *out);

/* ---- threading and sorting keys (mime/summary.c) ---- */

/* What the store keeps about a message; all slices in the arena. */
struct mime_summary {
	int64_t sent_s;             /* Date:, INT64_MIN when absent or broken */
	struct str message_id;      /* "<...>" or empty */
	struct str *references;     /* from References, then In-Reply-To; at most 100, oldest first */
	size_t n_references;
	struct str base_subject;    /* RFC 5256 2.1, UTF-8, case-mapped */
	struct str subject;         /* decoded UTF-8 */
	bool is_reply;              /* or a forward: "Re:" and the like went to make the base subject (RFC 5256 3) */
	/*
	 * The references that THREAD goes by (RFC 5256 3): the last LIMIT_MIME_REFERENCES of References, or the first of
	 * In-Reply-To.
	 */
	struct str *ancestors;
	size_t n_ancestors;
	/*
	 * Of the first From, To and Cc address, as ENVELOPE has it, decoded and case-mapped: addr-mailbox (RFC 5256 3), and what
	 * RFC 5957 3 sorts by.
	 */
	struct str from, to, cc, display_from, display_to;
};
/* The bytes of a msg-id without what its quoting adds: equal ones mean the same (RFC 5256 3). */
MUST_CHECK int mime_msg_id_normal(struct arena *a, struct str id, struct str *ret);
MUST_CHECK int mime_summary(struct arena *a, struct str header, struct mime_summary *ret);

/* SPDX-License-Identifier: MIT */
/*
 * A FETCH as parsed (fetch_items.c), the command that walks the messages (cmd_fetch.c), what
 * writes the items that come from a content (fetch_body.c) and what reads many at once
 * (fetch_ahead.c). Only for those.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "imap/note.h"
#include "imap/parse.h"
#include "store/message.h"

struct imap_session;
struct spool;

/* Items that a view alone can answer are bits; they are written first, in this order. */
enum imap_fetch_bit {
	IMAP_FETCH_UID = 1,
	IMAP_FETCH_FLAGS = 2,
	IMAP_FETCH_MODSEQ = 4,
	IMAP_FETCH_INTERNALDATE = 8,
	IMAP_FETCH_SIZE = 16,
	IMAP_FETCH_EMAILID = 32,
	IMAP_FETCH_THREADID = 64,
	IMAP_FETCH_SAVEDATE = 128,
};

/* Items that need the content's row or bytes; written in the order of the command. */
enum imap_fetch_kind {
	IMAP_FETCH_ENVELOPE,
	IMAP_FETCH_BODY,
	IMAP_FETCH_BODYSTRUCTURE,
	IMAP_FETCH_SECTION, /* BODY[...], RFC822... */
	IMAP_FETCH_BINARY,
	IMAP_FETCH_BINARY_SIZE,
	IMAP_FETCH_PREVIEW,
	IMAP_FETCH_ANNOTATION,
};

enum imap_fetch_text {
	IMAP_TEXT_ALL,
	IMAP_TEXT_HEADER,
	IMAP_TEXT_FIELDS,
	IMAP_TEXT_FIELDS_NOT,
	IMAP_TEXT_TEXT,
	IMAP_TEXT_MIME,
};

struct imap_fetch_item {
	enum imap_fetch_kind kind;
	struct str label;         /* as it stands in the response: "BODY[1.MIME]<0>" */
	uint32_t *part;           /* {1,2} of "1.2" */
	size_t n_part;
	enum imap_fetch_text text;
	struct str *fields;
	size_t n_fields;
	struct imap_note_fetch *notes; /* ANNOTATION; n_fields: how many entries */
	bool is_lazy;             /* PREVIEW (LAZY): NIL rather than wait */
	bool has_partial;
	uint64_t start, count;    /* with has_partial */
};

struct imap_fetch {
	unsigned bits;            /* enum imap_fetch_bit */
	struct imap_fetch_item *items;
	size_t n;
	size_t n_fields;          /* of all items */
	unsigned content_fields;  /* enum store_content_fields */
	bool has_notes;           /* ANNOTATION is among the items */
	bool sets_seen;
	bool has_modseq;          /* MODSEQ or CHANGEDSINCE was there: CONDSTORE from now on */
	bool has_changedsince;
	uint64_t changedsince;
	bool has_partial;         /* RFC 9394 3.3: UID FETCH of some of the set */
	struct imap_partial partial;
	bool has_vanished;        /* RFC 7162 3.2.6; only with CHANGEDSINCE */
};

/*
 * More items than a client has use for; without a bound one line could ask for a message a
 * thousand times.
 */
#define IMAP_FETCH_ITEMS 200
/* Names of header fields in all items: each is compared with each field; entries of annotations likewise. */
#define IMAP_FETCH_FIELDS 1000
#define IMAP_FETCH_DEPTH 101 /* LIMIT_MIME_DEPTH parts, and one to miss */

/*
 * What stands after the sequence set: SP items [SP modifiers]. 1, 0 (not the grammar, cursor
 * unmoved) or -E_LIMIT. All in the cursor's arena.
 */
int imap_fetch_parse(struct imap_parse *p, struct imap_fetch *ret);

/* "(" fetch-att *(SP fetch-att) ")", for NOTIFY. As imap_fetch_parse(). */
int imap_fetch_atts_parse(struct imap_parse *p, struct imap_fetch *ret);

/* section = "[" ... "]" of BODY, into item->part, text and fields. As imap_fetch_parse(). */
int imap_fetch_section_parse(struct imap_parse *p, struct imap_fetch_item *ret);

struct uidset;
/*
 * FETCH responses that nobody asked for, of these sequence numbers (RFC 5465 5.2); with UIDs
 * (cmd_fetch.c). 0 or negative.
 */
MUST_CHECK int imap_fetch_tell(struct imap_session *s, const struct imap_fetch *f,
			       const struct uidset *seqs);

/* Bytes of a pack, read for more than one message (fetch_ahead.c). */
struct imap_fetch_ahead {
	char *bytes;
	size_t cap;
	struct blob_ref at;       /* which they are; a length of 0: none */
};
void imap_fetch_ahead_fini(struct imap_fetch_ahead *a);
/* It asks for all that messages have, or nearly all. */
bool imap_fetch_is_whole(const struct imap_fetch *f);
/* May next be read with those from first to last? */
bool imap_fetch_ahead_fits(const struct store_content *first, const struct store_content *last,
			   const struct store_content *next);
/* Reads them all. That it cannot be done is no failure: there is nothing then. */
void imap_fetch_ahead_read(struct imap_fetch_ahead *a, struct imap_session *s,
			   const struct store_content *first, const struct store_content *last);
/* Those bytes of the content, until the next read; NULL: they are not here. */
const char *imap_fetch_ahead_find(const struct imap_fetch_ahead *a, const struct store_content *c,
				  uint64_t off, size_t n);

/* A message while its items are written. */
struct imap_fetch_msg {
	struct store_content content;
	const struct imap_fetch_ahead *ahead; /* may be NULL */
	const struct store_note *notes; /* of an imap_fetch with has_notes */
	size_t n_notes;
	struct buf header;        /* the message's own header once it was read */
	bool has_header;
};
void imap_fetch_msg_fini(struct imap_fetch_msg *m);

/*
 * Writes "label value" of one item. 0; or trouble that leaves the response well-formed (NIL
 * stands there): -E_UNKNOWN_CTE, -E_IO, -E_LIMIT ...; or -E_CLOSED when the connection cannot
 * go on.
 */
MUST_CHECK int imap_fetch_item_write(struct imap_session *s, struct imap_fetch_msg *m,
				     const struct imap_fetch_item *item);
/*
 * How many bytes a part has without its content transfer encoding. -E_NOT_FOUND, -E_UNKNOWN_CTE,
 * other trouble.
 */
MUST_CHECK int imap_fetch_binary_size(struct imap_session *s, const struct imap_fetch_msg *m,
				      const struct imap_fetch_item *item, uint64_t *ret);
/* What an item may cost: its own bytes; bytes of headers, less by what is read of them. */
struct imap_fetch_room {
	uint64_t bytes, header_bytes;
};
/*
 * The bytes that a BODY[...]<...> would have, to the end of a spool (CATENATE). 0; -E_NOT_FOUND:
 * there is no such section; -E_TOO_BIG, -E_LIMIT: more bytes, or bytes of headers, than there is
 * room for; other trouble.
 */
MUST_CHECK int imap_fetch_item_spool(struct imap_session *s, struct imap_fetch_msg *m,
				     const struct imap_fetch_item *item,
				     struct imap_fetch_room *room, struct spool *out);

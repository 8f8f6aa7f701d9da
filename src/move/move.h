/* SPDX-License-Identifier: MIT */
/*
 * Mail of other systems: what `martlet import` reads. A source is walked from its beginning to its end and hands what it finds to a
 * sink, mailbox after mailbox, in the order of UIDs. It keeps no state of its own: the keys of messages tell what was imported.
 *
 * Files belong to strangers and are perhaps read by root: symbolic links are not followed below the path that was named, only
 * regular files are opened, nothing waits for a FIFO. One thread.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "store/import.h"
#include "store/view.h"

#define MOVE_KEYWORDS STORE_KEYWORDS_MAX /* of one message */

struct move_box {
	struct str name;        /* UTF-8, '/' between levels */
	uint32_t uidvalidity;   /* 0: the source has no UIDs */
	uint32_t uidnext;
	uint64_t n;             /* messages; 0: not known beforehand */
};

struct move_message {
	struct str bytes;       /* CRLF */
	unsigned flags;         /* enum store_flag */
	struct str keywords[MOVE_KEYWORDS];
	size_t n_keywords;
	int64_t date_s;         /* INTERNALDATE; 0: not known */
	uint32_t uid;           /* 0: none */
	uint8_t key[STORE_IMPORT_KEY];
	const char *where_z;    /* the file, or the mailbox and UID: for what is said about it */
};

/* Each answers 0, or a negative code with fault that ends the walk. All pointers are the caller's. */
struct move_sink {
	int (*box)(void *ctx, const struct move_box *box, struct fault *fault);
	int (*message)(void *ctx, const struct move_message *m, struct fault *fault);
	/* Which of n keys of the current box need not come again. */
	int (*have)(void *ctx, const uint8_t (*keys)[STORE_IMPORT_KEY], size_t n, bool *ret, struct fault *fault);
	int (*subscribed)(void *ctx, struct str name, struct fault *fault);
	/* A message (or a whole file) that cannot be imported. */
	void (*bad)(void *ctx, const char *where_z, const char *why_z);
	/* Something that the user should know, such as another name. */
	void (*note)(void *ctx, const char *text_z);
	void *ctx;
};

/*
 * A Maildir or Maildir++, with Dovecot's files where they are (maildir.c). into_z: the name of its INBOX, or NULL.
 * -E_NOT_FOUND: there is none; then nothing was given to the sink but what is bad.
 */
MUST_CHECK int move_maildir(const char *path_z, const char *into_z, const struct move_sink *sink, struct fault *fault);
/* One mbox file into one mailbox (mbox_file.c). */
enum move_mbox_quoting { MOVE_MBOXRD, MOVE_MBOXO };
MUST_CHECK int move_mbox(const char *path_z, const char *into_z, enum move_mbox_quoting quoting, const struct move_sink *sink,
			 struct fault *fault);

/*
 * All files of a directory and those below it that begin with "From "; each is a mailbox of its name. NAME.mbox is as our own export
 * writes it: modified UTF-7, '.' between levels. -E_NOT_FOUND: there is none. is_beside: Maildirs of that directory were read, so
 * there need not be one, and what is in them is left alone.
 */
MUST_CHECK int move_mbox_dir(const char *path_z, bool is_beside, enum move_mbox_quoting quoting, const struct move_sink *sink,
			     struct fault *fault);

/* ---- lines (lines.c) ---- */

/* Adds s with each LF that has no CR before it as CRLF. last: the byte before s, 0 at the beginning. */
void move_add_crlf(struct buf *out, struct str s, char last);

/* ---- keys (lines.c) ---- */

/* The first bytes of the SHA-256 of what names a message: a kind, a name, its bytes; each with its length. */
void move_key(struct str kind, struct str name, struct str bytes, uint8_t ret[STORE_IMPORT_KEY]);

/* ---- names of files and mailboxes (names.c) ---- */

struct move_file_name {
	struct str base;        /* before ":2," */
	unsigned flags;         /* enum store_flag */
	bool is_forwarded;      /* P: $Forwarded */
	uint32_t letters;       /* bit 0 is a: Dovecot's keywords */
};
/* The name of a message's file in cur: "1795464480.M1P2.host,S=12,W=13:2,FS". Any bytes. */
struct move_file_name move_file_name_parse(struct str file);
/* Adds ":2,FS" in the order of the alphabet. */
void move_file_name_add_flags(struct buf *out, unsigned flags, bool is_forwarded, uint32_t letters);

/*
 * Levels of a mailbox name, out of the name that it has on the disk: between sep, each in modified UTF-7, or else UTF-8. They come behind
 * those that out has. False: something had to be changed.
 */
bool move_name_add(struct buf *out, struct str disk, char sep);
/* After all levels: makes of them a name that the store takes. False: it had to be changed to be one. */
bool move_name_end(struct buf *out);
/* Both; out is empty before. */
bool move_name_read(struct buf *out, struct str disk, char sep);
/*
 * The path of a folder in a tree of directories, below where the tree begins, without what programs add to the names of those that have
 * folders below them: NAME.sbd (Thunderbird), .NAME.directory (KMail), and a '.' before a folder below another (mbsync, "Legacy").
 */
void move_path_plain(struct buf *out, struct str path);
/* Is it ".NAME.directory"? */
bool move_is_of_kmail(struct str name);
/* The other way: levels between sep, modified UTF-7; a sep inside a level and what Maildir++ forbids is encoded too. */
void move_name_write(struct buf *out, struct str name, char sep);

/* ---- Dovecot's files (dovecot.c); cursors ---- */

struct move_uidlist {
	unsigned version;       /* 1 or 3 */
	uint32_t uidvalidity, uidnext;
};
/* The first line of dovecot-uidlist. 1, or 0: it is none of those that are known. */
int move_uidlist_head(struct str *in, struct move_uidlist *ret);
/* The next line: 1: a file with a UID; 0: the end; -E_SYNTAX: a line of another kind, which is taken. */
MUST_CHECK int move_uidlist_entry(struct str *in, const struct move_uidlist *list, uint32_t *ret_uid, struct str *ret_file);
/* A line of dovecot-keywords, "0 name". As above; *ret_letter is 0..25. */
MUST_CHECK int move_keyword_entry(struct str *in, unsigned *ret_letter, struct str *ret_name);
/* A line of subscriptions (version 1 or 2): the name as on the disk, levels between '/' in version 2, added to out. 1 or 0. */
struct move_subscriptions {
	bool is_begun, is_v2;
};
int move_subscription_entry(struct str *in, struct move_subscriptions *s, struct buf *out);

/* ---- mbox (mbox.c); a cursor over the file ---- */

struct move_mbox_part {
	struct str from;        /* the From_ line, without its end */
	struct str header;      /* with the empty line */
	struct str body;
	bool is_quoted;         /* lines of the body that begin with "From " have a '>' before them */
};
/* The next message. 1; 0: no more; -E_SYNTAX: what stands there is none (only at the beginning); *in is at the end then. */
MUST_CHECK int move_mbox_next(struct str *in, struct move_mbox_part *ret);
/* The date of a From_ line "From bob@example.org Mon Nov 23 20:08:00 2026", with a zone or in the time zone of this machine. */
bool move_mbox_date(struct str from, int64_t *ret_epoch_s);
/* Does a message begin here: with a From_ line that has a date, or one that says nothing and a field behind it? Looks at two lines. */
bool move_mbox_is_begin(struct str s);
/*
 * The message as it was before it came into the mbox: added to out with CRLF, without the fields that only an mbox has; what they say
 * goes to *ret (flags, keywords: slices of the part). -E_TOO_BIG.
 */
MUST_CHECK int move_mbox_message(const struct move_mbox_part *part, enum move_mbox_quoting quoting, struct buf *out,
				 struct move_message *ret);
/* Is it the message in which UW IMAP keeps its data? */
bool move_mbox_is_internal(const struct move_mbox_part *part);

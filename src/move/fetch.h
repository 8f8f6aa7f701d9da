/* SPDX-License-Identifier: MIT */
/*
 * What `martlet fetch` does: mail of one account of another server comes to one target, what is new only. A source (POP3: fetch_pop3.c; IMAP: fetch_imap.c) talks to
 * the server over one connection, and puts messages; a target (fetch_maildir.c, fetch_mbox.c, fetch_pipe.c) makes them durable; the state (fetch_state.c) says what is
 * there. fetch.c puts them together, and connects again when a connection breaks. One thread.
 *
 * 1. A message counts as fetched, and may be deleted on the server, when move_fetch_commit() has said that it is on the disk: target first, state second.
 * 2. A crash leaves at worst messages in the target that the state does not know. They come once more, and Maildir and mbox recognise them.
 */
#pragma once

#include "move/move.h"
#include "net/stream.h"

/* ---- state (fetch_state.c): a small durable table of bytes ---- */

struct move_state;
/*
 * The file at that name in dir_fd, made if it is not there; who: whose state it is, one line. One process at a time has it. -E_BUSY: another one has; -E_CANNOT:
 * it is of somebody else, or no state. Its end that a crash has torn is cut off.
 */
MUST_CHECK int move_state_open(int dir_fd, const char *name_z, struct str who, struct move_state **ret, struct fault *fault);
/* The value of a key; p is NULL when there is none. Valid until the state is closed. */
struct str move_state_get(const struct move_state *s, struct str key);
/* Key: no TAB, no LF, "!" at its beginning for targets only; value: no LF; together below 64 KB. Durable with the next move_state_sync(), in this order or not at all. */
void move_state_set(struct move_state *s, struct str key, struct str value);
void move_state_remove(struct move_state *s, struct str key);
/* Walks over all pairs, in any order, from *at = 0 on; one may be set or removed on the way if no key is new. False: no more. */
bool move_state_next(const struct move_state *s, size_t *at, struct str *ret_key, struct str *ret_value);
MUST_CHECK int move_state_sync(struct move_state *s, struct fault *fault);
/* Writes the file anew when most of it is old. What was not synced is not written. Accepts a pointer to NULL. */
void move_state_close(struct move_state **s);

/* ---- messages ---- */

struct move_fetched {
	struct str box;         /* UTF-8, '/' between levels; "INBOX" for POP3 */
	struct str bytes;       /* as they came, CRLF */
	unsigned flags;         /* enum store_flag */
	struct str keywords[MOVE_KEYWORDS];
	size_t n_keywords;
	int64_t date_s;         /* INTERNALDATE; 0: not known, it is new */
	struct str name;        /* the server's for it, which never changes: UIDL; UIDVALIDITY and UID. With the bytes it says whether the target has it */
	/*
	 * What the state is told once it is on the disk (move_state_set()); key empty: nothing. A key that begins with "?" is only for a target that looks for what a crash
	 * has left: the state has it for a message that was found so, and for no other.
	 */
	struct str key, value;
};

/* ---- targets ---- */

struct move_target;
struct move_target_kind {
	const char *name_z;
	size_t batch;             /* so many messages wait for a commit at most */
	/* Takes t->path_z; what a crash has left is made good, and what it had finished goes into the state. */
	int (*open)(struct move_target *t, struct fault *fault);
	/* 0; 1: the target has it already; -E_CANNOT: it does not take this one, others it may. Nothing of m is kept by pointer. */
	int (*add)(struct move_target *t, const struct move_fetched *m, struct fault *fault);
	/* All that was added is on the disk. */
	int (*commit)(struct move_target *t, struct fault *fault);
	void (*close)(struct move_target *t);
};
extern const struct move_target_kind move_to_maildir, move_to_mbox, move_to_stdout, move_to_command;

struct move_target {
	const struct move_target_kind *kind;
	const char *path_z;       /* directory, file or command */
	struct str who;           /* the account */
	const char *secret_env_z; /* of the options */
	struct move_state *state;
	void *own;
};
/* "maildir:PATH", "mbox:PATH", "stdout", "command:TEXT" (for /bin/sh -c). -E_USAGE. */
MUST_CHECK int move_target_parse(const char *text_z, const struct move_target_kind **ret_kind, const char **ret_path_z, struct fault *fault);

/* ---- the Maildir, for who reads it too (fetch_maildir.c) ---- */

struct move_fetch_dirs {
	int fd, tmp, new, cur;
};
/* The folder of a mailbox below the Maildir, made if it is not there. To be closed also when it fails. */
MUST_CHECK int move_fetch_maildir_dirs(int root, struct str box, struct move_fetch_dirs *ret, struct fault *fault);
void move_fetch_dirs_close(struct move_fetch_dirs *d);
/* What a file of a message is known by. */
void move_fetch_maildir_key(struct str who, const struct move_fetched *m, uint8_t ret[STORE_IMPORT_KEY]);
/* That key in the name of a file, as "K" and digits: a slice; empty: it is none of ours. */
struct str move_fetch_maildir_name(struct str file);

/* ---- fetching (fetch.c) ---- */

struct move_fetch;
struct move_fetch_source {
	const char *name_z;       /* "pop3" */
	uint16_t port, tls_port;
	/*
	 * All of one session over that stream, which is its own from here on: logs in, puts what is new, commits, deletes what may be, says good-bye. 0. -E_CLOSED, -E_TIMEOUT,
	 * -E_IO: the connection broke, it may be tried again; -E_BUSY: later; others: the end.
	 */
	int (*run)(struct move_fetch *f, struct net_stream *s, struct fault *fault);
};
extern const struct move_fetch_source move_fetch_pop3, move_fetch_imap;

struct move_fetch_options {
	const char *host_z;
	uint16_t port;            /* 0: the source's */
	enum net_starttls starttls;
	struct net_stream_tls *tls;
	bool is_insecure;         /* any certificate, or none, will do */
	struct str user, password;
	const char *secret_env_z; /* the environment variable that had it, which commands do not get; may be NULL */
	void (*trace)(void *ctx, bool is_ours, struct str line); /* as the clients have it; may be NULL */
	bool is_delete;           /* on the server, what is on the disk here */
	int64_t keep_s;           /* with is_delete: not before it has been here for so long */
	const struct str *boxes;  /* IMAP: which; n 0: INBOX */
	size_t n_boxes;
	bool is_idle, is_sync;    /* IMAP; both ways: sync.h */
	bool may_empty;           /* with is_sync: also when all that was there is gone at once */
	uint64_t max_message;     /* larger ones stay where they are; 0: LIMIT_IMPORT_MESSAGE */
};

/* What people and scripts hear. Each may be NULL; texts of strangers are not cleaned. */
struct move_fetch_watch {
	void (*box)(void *ctx, struct str name, uint64_t n); /* begins, with n that are new */
	/* err: 0: on its way to the disk, 1: it was there; -E_...: it stays on the server, why_z says why. */
	void (*message)(void *ctx, const struct move_fetched *m, int err, const char *why_z);
	void (*committed)(void *ctx, uint64_t n); /* messages, on the disk now */
	void (*deleted)(void *ctx, uint64_t n);   /* on the server */
	void (*note)(void *ctx, const char *text_z);
	void *ctx;
};

struct move_fetch {
	const struct move_fetch_source *source;
	const struct move_fetch_options *o;
	const struct move_fetch_watch *watch;
	struct move_state *state;
	struct move_target target;
	uint64_t n_fetched, n_there, n_left; /* on the disk; recognised; not taken or not given: they stay on the server */
	uint64_t n_deleted;
	uint64_t n_sent, n_removed, n_flagged; /* with is_sync: new on the server; gone here; with other flags on one side */
	/* inside fetch.c */
	struct buf who, pending;
	char box[1024];
	size_t n_pending;
	uint64_t pending_bytes;
	int broken;               /* the target or the state: nothing more is put */
	char why[320];
};

/* The account's name, the same in each run: "pop3 user@host"; the port only where it is neither of the usual two. */
void move_fetch_who(const struct move_fetch_source *source, const struct move_fetch_options *o, struct buf *out);
/*
 * state_z: the file of the state; NULL: beside the target, or for those that are no files in $XDG_STATE_HOME/martlet or ~/.local/state/martlet. All pointers are the caller's and
 * stay until it is closed. 0 or negative with fault; close it also then.
 */
MUST_CHECK int move_fetch_open(struct move_fetch *f, const struct move_fetch_source *source, const struct move_fetch_options *o, const char *to_z,
			       const char *state_z, const struct move_fetch_watch *watch, struct fault *fault);
/* Connects, and runs the source to its end; again when the connection breaks, as long as it comes further. */
MUST_CHECK int move_fetch_run(struct move_fetch *f, struct fault *fault);
void move_fetch_close(struct move_fetch *f);

/* ---- for sources ---- */

/* 0: it is taken, or there already; 1: it is not (watch has heard): it stays on the server; negative: the target is broken. */
MUST_CHECK int move_fetch_put(struct move_fetch *f, const struct move_fetched *m, struct fault *fault);
/* Are so many waiting that a commit is worth its while? */
bool move_fetch_is_due(const struct move_fetch *f);
/*
 * The state is told with the next commit, when all that was put is on the disk. What says that messages are there goes this way: targets sync the state before they write.
 */
void move_fetch_later(struct move_fetch *f, struct str key, struct str value);
/* All that was put and taken is on the disk, and the state says so; also what else was set in it. */
MUST_CHECK int move_fetch_commit(struct move_fetch *f, struct fault *fault);
/* What the TLS of a client wants; names_z: room for the host and a NULL. */
struct net_stream_tls_want move_fetch_want(const struct move_fetch *f, const char *names_z[2]);
/* Says it, if somebody listens. */
void move_fetch_note(const struct move_fetch *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

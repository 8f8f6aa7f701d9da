/* SPDX-License-Identifier: MIT */
/*
 * One attempt: one candidate at one address, stage by stage, each with its time and what was said. Only what is seen is here; what it means is cause.h.
 * An attempt belongs to the thread that runs it, and to who reads the report afterwards.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "doctor/find.h"
#include "net/stream.h"

/* In the order of the report; with TLS from the start the greeting comes behind the certificate. */
enum doctor_step {
	DOCTOR_AT_DNS,
	DOCTOR_AT_ROUTE,        /* does this host have a way there? No packet is sent */
	DOCTOR_AT_TCP,
	DOCTOR_AT_GREETING,
	DOCTOR_AT_STARTTLS,     /* offered, asked for and taken */
	DOCTOR_AT_TLS,          /* the handshake */
	DOCTOR_AT_CERTIFICATE,
	DOCTOR_AT_CAPABILITIES,
	DOCTOR_AT_LOGIN,
	DOCTOR_AT_COMMAND,      /* the first one that a program would say then */
	DOCTOR_N_STEPS
};
extern const char *const doctor_step_names[DOCTOR_N_STEPS];

enum doctor_state { DOCTOR_SKIPPED, DOCTOR_OK, DOCTOR_FAILED, DOCTOR_N_STATES };
extern const char *const doctor_state_names[DOCTOR_N_STATES];

struct doctor_stage {
	enum doctor_state state;
	int err;                /* negative, of base/err.h, where it failed */
	int64_t ms;
	const char *text_z;     /* what was seen, cleaned; NULL: nothing to say */
};

/* What a port speaks, by its first bytes. */
enum doctor_speech {
	DOCTOR_SAYS_UNKNOWN,    /* not looked at */
	DOCTOR_SAYS_NOTHING,
	DOCTOR_SAYS_SMTP,       /* and LMTP */
	DOCTOR_SAYS_IMAP,
	DOCTOR_SAYS_POP3,
	DOCTOR_SAYS_SIEVE,
	DOCTOR_SAYS_TLS,
	DOCTOR_SAYS_HTTP,
	DOCTOR_SAYS_SSH,
	DOCTOR_SAYS_OTHER,
	DOCTOR_N_SPEECHES
};
extern const char *const doctor_speech_names[DOCTOR_N_SPEECHES];
/* Of the bytes that came first; pure. */
enum doctor_speech doctor_speech_of(struct str bytes);

#define DOCTOR_LATE_MS 4000    /* a greeting that takes so long is late on purpose */

struct doctor_attempt {
	const struct doctor_candidate *candidate;
	struct net_address address;
	bool has_address;
	bool is_host_named;     /* by the user, SRV or autoconfig, for this or another service */
	struct doctor_stage stages[DOCTOR_N_STEPS];

	/* facts */
	int errnum;             /* of the route or of TCP */
	int code;               /* of SMTP, in the stage that failed; 0: none */
	const char *words_z;    /* what the other side said there; NULL: nothing */
	const char *greeting_z;
	bool is_in_time;        /* nothing was cut off by the end of the run */
	enum doctor_speech speech; /* by a second look, or the greeting that was none */
	bool has_starttls;      /* offered */
	bool is_asked;          /* STARTTLS was asked for */
	bool is_mangled;        /* "250-XXXXXXXA": somebody writes over what the server offers */
	bool is_tls;
	enum net_tls_problem problem;
	const char *problem_z, *version_z, *cipher_z, *names_z, *subject_z, *issuer_z;
	int64_t not_after_s;
	bool is_verified;
	const char *words_plain_z; /* capabilities before TLS; NULL: none were told */
	const char *caps_z;     /* in the end */
	const char *auth_z;     /* mechanisms in the end */
	bool is_plain_login;    /* a login is offered in the clear */
	bool demands_tls;       /* LOGINDISABLED, or "530 5.7.0 STARTTLS first" */
	bool is_login;          /* a login was tried */

	struct buf dialogue;    /* lines "> ..." and "< ...", cleaned, secrets masked; its beginning */
	struct arena arena;     /* of all the texts */

	unsigned cause;         /* enum doctor_cause (cause.h), once judged */
};

struct net_dns;

/* What all attempts of a run have in common. */
struct doctor_setup {
	struct net_dns *dns;        /* NULL: names have no addresses but those of /etc/hosts */
	struct net_stream_tls *tls;
	const char *helo_z;
	struct str user, password;  /* empty: no login is tried */
	struct str sender;          /* behind a login MAIL is said with it, if it is an address, else not at all: servers refuse senders that are not the user's */
	const char *hosts_file_z;   /* NULL: /etc/hosts */
	int64_t begun_ms, deadline_ms; /* clock_mono_ms, of all of it */
};

/* a is zeroed but for candidate, address, has_address, is_host_named and the stage of the DNS. */
void doctor_attempt_init(struct doctor_attempt *a);
void doctor_attempt_fini(struct doctor_attempt *a);
/* Both have one, and it is the same; pure. */
bool doctor_attempt_is_same_address(const struct doctor_attempt *a, const struct doctor_attempt *b);
/*
 * From the route on, until until_ms and no longer. is_login: the user's name and password are sent, if the certificate verifies and never else. Whatever
 * comes of it is in *a.
 */
void doctor_attempt_run(struct doctor_attempt *a, const struct doctor_setup *setup, bool is_login, int64_t until_ms);
/* All stages that were entered went well, but for what lies in the cause of one that works. */
bool doctor_attempt_failed_at(const struct doctor_attempt *a, enum doctor_step *ret);
/* Words of strangers, at most max bytes, for people: no control characters, nothing beyond ASCII. In the arena, never NULL. */
const char *doctor_clean(struct arena *a, struct str s, size_t max);

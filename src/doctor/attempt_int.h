/* SPDX-License-Identifier: MIT */
/* What the files of an attempt share: the stages of a dialogue as its client tells them. */
#pragma once

#include "doctor/attempt.h"

/* An attempt under way. */
struct doctor_try {
	struct doctor_attempt *a;
	const struct doctor_setup *setup;
	bool is_login;
	int64_t until_ms;
	int64_t last_ms;        /* when the stage before was over */
	int64_t asked_ms, answered_ms, shaken_ms; /* STARTTLS was said, answered, and the first line behind the handshake said; 0: not yet */
	const char *names_z[2]; /* that the certificate has to be for */
};

/* Whose stages are told by their client; the stream is theirs. */
typedef void doctor_dialogue(struct doctor_try *t, struct net_stream *s);
doctor_dialogue doctor_dialogue_smtp, doctor_dialogue_imap, doctor_dialogue_pop3, doctor_dialogue_sieve;

/* Ends a stage now, with what was said; text_z NULL: nothing. err < 0: it failed. */
void doctor_try_end(struct doctor_try *t, enum doctor_step step, int err, const char *text_z);
/* Its failure's words: what the other side said, or what our client says of it. */
void doctor_try_failed(struct doctor_try *t, int code, struct str words);
/* The part of TLS is over: STARTTLS, handshake and certificate from what the stream knows. err, words: as the client tells. */
void doctor_try_tls(struct doctor_try *t, struct net_stream *s, int err, struct str words);
/* Each line of the dialogue, for the clients' trace(). ctx: struct doctor_try. */
void doctor_try_line(void *ctx, bool is_ours, struct str line);
enum net_starttls doctor_try_starttls(const struct doctor_try *t);
struct net_stream_tls_want doctor_try_want(const struct doctor_try *t);
int64_t doctor_try_left_ms(const struct doctor_try *t);

/* ---- reach.c ---- */

/* The route and TCP. A socket; -1, the stages say why. */
int doctor_reach(struct doctor_try *t);
/* A connected socket for a second look, within ms; -1. */
int doctor_reach_again(const struct doctor_try *t, int64_t ms);
/* Does the other side say anything within ms? Nothing is taken. */
bool doctor_reach_hears(int fd, int64_t ms);

/* ---- look.c ---- */

/* The first bytes of a port that TLS did not work at. */
enum doctor_speech doctor_look_plain(const struct doctor_try *t);
/* A port that does not greet inside of TLS: does it want HTTP? */
enum doctor_speech doctor_look_inside(const struct doctor_try *t);
/* A port that does not greet: does it want TLS, or HTTP? */
enum doctor_speech doctor_look_silent(const struct doctor_try *t);

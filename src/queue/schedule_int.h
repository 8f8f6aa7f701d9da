/* SPDX-License-Identifier: MIT */
/* Inside the schedule: destinations and attempts in memory. One thread, so no locks. */
#pragma once

#include "queue/queue_int.h"
#include "queue/schedule.h"

#define SCHED_BUCKETS 1024
#define SCHED_SIZES 3     /* small, large and huge messages (flights.c) */
#define SCHED_FLIGHT_ARENA (4u << 20) /* rows of one attempt's recipients */

/* An attempt that the sender has. */
struct queue_flight {
	uint64_t id;
	struct queue_dest *dest;         /* that its rows wait for */
	struct queue_dest *way;          /* that it goes to: the same, or its fallback */
	bool has_fallback;               /* may go another way when that is down */
	struct queue_flight *next;       /* of the destination */
	struct queue_flight *next_by_id; /* of the bucket */
	struct arena arena;
	struct queue_message_row message;
	struct queue_rcpt_row *rcpts;
	size_t n, cap;
	bool is_stuck;                   /* its result is known, and cannot be written down */
};

/* A destination that has attempts, or is about to. */
struct queue_dest {
	char *name;
	struct queue_dest *next_in_bucket, *prev, *next; /* of all */
	struct queue_flight *flights;
	size_t n_flights;
	size_t n_coming;       /* flights that go there, whosever they are */
	unsigned window;       /* sessions that it may have at once: grows with success, shrinks with trouble */
	bool has_worked;       /* since it became active */
	bool is_exhausted;     /* nothing of it is due that has no attempt */
	int64_t failures;      /* as its row says, or will */
	bool is_known;         /* mail has gone there before (domain_tls), or the settings name it */
	int64_t not_before_s;  /* it is down until then */
	enum queue_level fallback; /* while it is down: what a fallback has to be that takes its mail; UNKNOWN: none does */
	int64_t no_way_s;      /* and until then none can take what waits */
	bool is_fallback;      /* mail of others goes there */
	unsigned n_put_off;    /* attempts in a row that it refused for now up to MAIL */
	enum queue_level level; /* that its connections had lately, by its row in domain_tls; UNKNOWN: not asked yet, or none */
	int64_t level_s;       /* when its row was written */
	bool has_level;
};

#define SCHED_REPORTS 4 /* about TLS, on their way by HTTPS at once */
struct queue_report {
	uint64_t id;           /* of the attempt; 0: free */
	int64_t day, tries, since_s;
	char domain[256];
};

struct queue_sched {
	struct queue *q;
	int fd, event_fd;
	int looked_fd;                  /* an eventfd: the first look is done */
	pthread_t thread;
	_Atomic bool is_stopping;
	_Atomic int64_t stop_ms;        /* clock_mono_ms: then the thread ends */
	_Atomic int64_t n_active_seen, n_flights_seen, n_turns;
	struct conf *conf;              /* for one turn */
	const struct queue_conf *set;
	struct conf *keyed;             /* the settings by which the keys are known to be made, or NULL; referenced, as it is known by where it is */
	bool is_keyed;
	uint64_t configured_id;         /* attempts up to it began with other settings */
	int64_t root_signed_s;          /* when a sender said last that the root of the DNS is signed; memory alone */
	uint64_t rekeyed_id;            /* attempts up to it began by other keys, so their rows may turn up elsewhere */
	size_t n_old;                   /* such that still run */
	int64_t now_s;
	int64_t since_s;                /* from then on it has looked at what is due: its start, or when the clock was set, or [queue] send */
	bool was_sending;               /* at the last turn */
	int64_t ahead_ms;               /* clock_ahead_ms at the last turn */
	struct queue_dest *by_name[SCHED_BUCKETS];
	struct queue_flight *by_id[SCHED_BUCKETS];
	struct queue_dest *first;       /* of all */
	uint64_t flying_bytes[SCHED_SIZES]; /* of the messages of all flights, of each size: each is in memory until its result */
	size_t n_dests, n_failing, n_unknown, n_flights;
	uint64_t last_id;
	uint64_t n_lost;                /* so often the sender has died */
	bool wants_scan;                /* rows may be due that memory knows nothing of */
	bool has_unseen;                /* such are due, and there was no room for them */
	bool has_room;                  /* for them, since */
	bool is_full;                   /* the socket takes no more now */
	bool is_losing;                 /* the sender is gone: what it had counts as tried */
	bool is_cut_off;                /* the socket is of no use any more */
	int64_t next_due_s, next_look_s, next_report_s;
	struct queue_report reports[SCHED_REPORTS];
	/* Results that are not written down yet. */
	struct arena results;
	struct queue_settlement settled[QUEUE_SETTLE];
	struct queue_verdict *verdicts[QUEUE_SETTLE]; /* theirs */
	struct queue_flight *landed[QUEUE_SETTLE];
	size_t n_settled;
	int64_t retry_ms;               /* clock_mono_ms: when to try again to write them */
};

/* ---- dests.c: which destinations are active ---- */

/* Activates what is due, as far as there is room; sets next_due_s. */
MUST_CHECK int queue_dests_scan(struct queue_sched *s);
/* At the start: nothing is put off but what is down. What was kept from being sent by the settings is looked at. */
MUST_CHECK int queue_dests_refresh(struct queue_sched *s);
/* Something new is there for it. */
MUST_CHECK int queue_dests_hint(struct queue_sched *s, struct str name);
/* Mail of others is to go there: finds it, or makes it active, however many are. Negative: the database's error. */
MUST_CHECK int queue_dests_way(struct queue_sched *s, struct db_tx *tx, struct str name, struct queue_dest **ret);
/* Those that have nothing to do leave memory; their rows say when they are due again. */
MUST_CHECK int queue_dests_rest(struct queue_sched *s);
void queue_dests_free(struct queue_sched *s);

/* ---- rekey.c: when routes have changed ---- */

MUST_CHECK int queue_rekey(struct queue_sched *s);

/* ---- flights.c: attempts to the sender ---- */

/* Gives every active destination as many attempts as it may have. */
MUST_CHECK int queue_flights_start(struct queue_sched *s);
/* Is it down, and is there perhaps a fallback that takes its mail now? */
bool queue_goes_round(const struct queue_sched *s, const struct queue_dest *d);
struct queue_flight *queue_flight_find(struct queue_sched *s, uint64_t id);
void queue_flight_end(struct queue_sched *s, struct queue_flight *f);
/* What each attempt tells the sender, which forgets it if one does not. */
bool queue_is_root_signed(const struct queue_sched *s);
bool queue_flights_have(const struct queue_sched *s, int64_t rcpt);

/* ---- local.c: what is for somebody here after all ---- */

/* Is it for somebody here: in a domain of this server, or without one? address: of one of its recipients. */
bool queue_is_local(struct queue *q, const struct queue_hop *hop, struct str address);
/* Delivers, or settles, all recipients of the attempt. bytes: the whole message, as it is stored; the arena is for parsing it. */
MUST_CHECK int queue_deliver_here(struct queue_sched *s, struct queue_flight *f, struct arena *a, struct str bytes);

/* ---- results.c: what the sender says ---- */

/* Takes the results that are there and writes them down. */
void queue_results_take(struct queue_sched *s);
/* Does it concern all, for as long as it lasts? */
bool queue_is_lasting(int rc);

/* ---- age.c: messages that wait for long ---- */

/* Looks at some whose time has come; sets next_look_s. */
MUST_CHECK int queue_age_look(struct queue_sched *s);

/* ---- tlsrpt.c: reports about TLS (tlsrpt_count.c has their states) ---- */

/* Makes those that are due and sends them; sets next_report_s. */
void queue_reports_look(struct queue_sched *s);
/* True: it is the result of one. */
bool queue_reports_take(struct queue_sched *s, const struct queue_result *r);
/* The sender is gone with those that it had. */
void queue_reports_lost(struct queue_sched *s);

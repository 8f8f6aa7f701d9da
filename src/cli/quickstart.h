/* SPDX-License-Identifier: MIT */
/*
 * martlet quickstart ADDRESS: what stands between an empty host and a mail server, as a table of steps (cmd_quickstart.c). Each looks whether it is done, does
 * what is missing, and says so; whatever is there is left as it is, so that running it again does no harm. The main thread only.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "doctor/zone.h"

/* What a step came to. */
enum quickstart_state {
	QUICKSTART_DONE,   /* it was there */
	QUICKSTART_MADE,
	QUICKSTART_WOULD,  /* --dry-run, or no network: not made, not looked at */
	QUICKSTART_LEFT,   /* for people: the step says what to do */
	QUICKSTART_FAILED, /* likewise, and the fault says why */
	QUICKSTART_N_STATES
};

struct quickstart {
	const struct cli_args *args;
	struct arena arena;
	struct str address, domain;    /* A-labels, lower case */
	char hostname[256];
	const char *config_z, *dir_z;  /* the settings file, and the directory that it is in; whole paths */
	const char *data_z, *user_z;   /* for new settings; "": the default, nobody */
	unsigned port_offset;
	bool is_dry, has_network;
	struct conf *conf;             /* from the first step on */
	const struct server_conf *server;
	struct doctor_zone zone;       /* from the step "records" on */
	struct doctor_record *records;
	size_t n_records;
	struct buf notes;              /* of the zone */
	int64_t until_ms;              /* of the network steps, each */
	/* the step of now */
	json_t *said;                  /* array of strings */
	json_t *password;              /* of the account that was made, if nobody gave one */
};

/*
 * A step: 0 with its state, having said what there is to say. Negative with fault: it failed.
 * Those that write find out first whether there is anything to do, and with is_dry only say so.
 */
typedef int quickstart_fn(struct quickstart *q, enum quickstart_state *ret, struct fault *fault);

/* quickstart_files.c */
quickstart_fn quickstart_settings, quickstart_user, quickstart_data_dir, quickstart_keys, quickstart_certificate, quickstart_check;
/* quickstart_data.c */
quickstart_fn quickstart_domain, quickstart_account, quickstart_postmaster;
/* quickstart_net.c: the first of them gives up root */
quickstart_fn quickstart_port25, quickstart_names;

/* A line for people about the step of now. */
void quickstart_say(struct quickstart *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The selector of a new key: its kind, and the month, so that the next one has another. In the arena. */
const char *quickstart_selector(struct quickstart *q, bool is_ed25519);
/* DIR/NAME in the arena. */
const char *quickstart_path(struct quickstart *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* SPDX-License-Identifier: MIT */
/* The snapshot that is in force now: sessions take a reference at their start, a reload swaps it. Thread-safe. */
#pragma once

#include "conf/conf.h"

struct conf_live;

/* Takes over the caller's reference. */
struct conf_live *conf_live_new(struct conf *first);
void conf_live_free(struct conf_live *l); /* accepts NULL */
/* A new reference; give it back with conf_unref(). */
struct conf *conf_live_get(struct conf_live *l);
/* Takes over the caller's reference to the new snapshot and drops the old one. */
void conf_live_swap(struct conf_live *l, struct conf *next);

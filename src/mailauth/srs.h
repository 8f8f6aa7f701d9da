/* SPDX-License-Identifier: MIT */
/*
 * The Sender Rewriting Scheme: a forwarder's own return address for a message of somebody else, so that SPF does not fail at the next host
 * and a bounce still finds its way back. No RFC; the form is that of the libraries that mail servers use:
 *
 *   alice@a.example forwarded by b.example  SRS0=HHHHHH=TT=a.example=alice@b.example
 *   that one forwarded by c.example         SRS1=HHHHHH=b.example==HHHHHH=TT=a.example=alice@c.example
 *
 * TT: the day, HHHHHH: six letters of an HMAC with our key, so nobody makes us send what he likes to whom he likes. No I/O, no state; any
 * thread.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define SRS_KEY 32
#define SRS_DAYS 21 /* a bounce that comes later is not taken */

/*
 * The return address at our domain for a message from sender (local@domain). An address of SRS0 or SRS1 of others becomes SRS1. 0 with *ret in the
 * arena; -E_SYNTAX: sender is no local@domain; -E_LIMIT.
 */
MUST_CHECK int srs_forward(const uint8_t key[SRS_KEY], int64_t now_s, struct str sender, struct str domain, struct arena *a,
			   struct str *ret);
/*
 * Whom a return address of ours stands for; local is its local part. 0 with *ret in the arena; -E_NOT_FOUND: it has not that form;
 * -E_DENIED: it is not ours, or too old; -E_LIMIT.
 */
MUST_CHECK int srs_reverse(const uint8_t key[SRS_KEY], int64_t now_s, struct str local, struct arena *a, struct str *ret);

/* SPDX-License-Identifier: MIT */
/* The port of a host by which mail can be sent from here, found out by the doctor. */
#pragma once

#include "cli/peer.h"

/*
 * Tries the ports for mail programs (465, 587, 2525, and 25 where it takes logins) side by side, with certificates that have to verify, and sets p->port to the best; whether
 * it has TLS from the start, else STARTTLS. Takes 10 s at most. -E_CLOSED, with the cause of each in the fault.
 */
MUST_CHECK int auto_port_find(struct peer *p, struct net_stream_tls *tls, const char *helo_z, bool *ret_is_implicit, struct fault *fault);

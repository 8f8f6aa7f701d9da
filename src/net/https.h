/* SPDX-License-Identifier: MIT */
/*
 * One small document over HTTPS, to or from, by libcurl. Whoever opens this loads it into its process, or has another process do it (net_https_far()): the
 * server process and the sender do not load it. Any number of threads may get at once.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct net_https;
struct net_address;

/* ca_pem is copied: authorities; p NULL: those of the system. Before a process closes itself in. */
MUST_CHECK int net_https_open(struct str ca_pem, struct net_https **ret, struct fault *fault);
/*
 * By the process at the other end of fd, a SOCK_SEQPACKET, which must stay open until this is closed (https_far.h). It decides about authorities; what is asked is
 * bounded there as well.
 */
struct net_https *net_https_far(int fd);
void net_https_close(struct net_https **h); /* nobody may be getting; accepts a pointer to NULL */

struct net_https_get {
	const char *host_z;                  /* a name: what the certificate must be for */
	uint16_t port;
	const char *path_z;                  /* with its first slash */
	const char *type_z;                  /* the media type that it must have, or several with "," between; parameters are not looked at */
	const struct net_address *addresses; /* of the host; no other is asked for */
	size_t n_addresses;
	int64_t deadline_ms;                 /* clock_mono_ms */
	struct buf *redirect;                /* where a redirect leads (a whole URL) is written here, but not by net_https_far(); NULL: nobody wants to know */
};

/*
 * 0: the server answered 200, and out has the document. No redirect is followed, no proxies, no cookies, no cache. -E_LIMIT: longer than out may be;
 * -E_NOT_FOUND: another status; -E_SYNTAX: another media type; -E_TLS: the certificate is not good for that name; -E_TIMEOUT, -E_IO; with fault.
 */
MUST_CHECK int net_https_get(struct net_https *h, const struct net_https_get *g, struct buf *out, struct fault *fault);
/*
 * POST of a document with the type that it has. 0: the server answered 2xx; what it says is not kept. For what need not be secret: any certificate will
 * do. -E_NOT_FOUND: another status; -E_TLS: no TLS; the rest as above.
 */
MUST_CHECK int net_https_post(struct net_https *h, const struct net_https_get *g, struct str document, struct fault *fault);

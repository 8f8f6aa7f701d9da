/* SPDX-License-Identifier: MIT */
/*
 * Where mail for elsewhere goes next: the first [route "..."] section whose domains and senders fit, else the hosts that the DNS names for the
 * recipient's domain. Any thread.
 */
#pragma once

#include "queue/attempt.h"

extern const struct conf_table queue_route_table;
struct queue_route_conf {
	struct conf_list domains; /* of recipients: "example.org", ".example.org" for all below it; empty: every domain */
	struct conf_list senders; /* "alice@example.org", "@example.org", "<>" for bounces; empty: every sender */
	const char *host;
	int64_t port;
	int protocol;             /* enum queue_protocol */
	int tls;                  /* enum queue_tls */
	const char *user, *password_file;
	const char *fallback;     /* the name of another section; empty: none */
	bool is_only_fallback;
};
enum queue_protocol { QUEUE_SMTP, QUEUE_LMTP };

#define QUEUE_DESTINATION 512 /* bytes of a key at most */

/*
 * domain: canonical (A-labels, lower case, or an address literal with its brackets); sender: as in MAIL, empty for the null one. 0 with *ret: strings in the arena or of
 * the settings, which must outlive it; the password is not in it. *ret_password_file: "" for none. -E_LIMIT.
 */
MUST_CHECK int queue_route_find(const struct conf *c, struct arena *a, struct str sender, struct str domain, struct queue_hop *ret,
				const char **ret_password_file);
/*
 * Where this mail may go when no host of that hop can be spoken to, if what they have to have lets it (flights.c). 0 as above; -E_NOT_FOUND:
 * nowhere; -E_LIMIT.
 */
MUST_CHECK int queue_route_fallback(const struct conf *c, struct arena *a, struct str sender, struct str domain, struct queue_hop *ret);

/* SPDX-License-Identifier: MIT */
/*
 * HTTPS by another process (docs/decisions/044-https-in-a-process-of-its-own.md): net_https_get() and net_https_post() as questions over one
 * pair of SOCK_SEQPACKET sockets, for any number of threads and processes that ask. Both ends are of one build.
 *
 *   asks                                          does it
 *   a packet: what is asked, and one end of
 *   a pair of stream sockets made for it   -->    https_far_receive()
 *   the document of a post over that pair  -->    https_far_do()
 *   code, fault and the document of a get  <--
 *
 * Each question has a socket of its own, so no answer goes astray: whoever dies closes what it has, and the other end hears so. A question that nobody
 * has taken yet waits in the pair.
 */
#pragma once

#include "net/https.h"
#include "net/stream.h"

#define HTTPS_FAR_ADDRESSES 16
#define HTTPS_FAR_PATH 1024
#define HTTPS_FAR_DOCUMENT (1u << 20) /* of a post */
#define HTTPS_FAR_ANSWER (64u << 10)  /* to a get */
#define HTTPS_FAR_MARGIN_MS 1000      /* beyond the deadline, in which it says that its time is over */

struct https_far_request {
	int64_t deadline_ms;
	uint32_t n_document;          /* of a post */
	uint32_t max_answer;          /* to a get */
	uint16_t port;
	uint16_t n_addresses;
	bool is_post;
	char host_z[256], type_z[64], path_z[HTTPS_FAR_PATH];
	struct net_address addresses[HTTPS_FAR_ADDRESSES];
};
struct https_far_answer { /* then n bytes */
	int32_t code;
	uint32_t n;
	struct fault fault;
};

/*
 * out: NULL for a post of the document. As net_https_get() and net_https_post(), and -E_LIMIT when it asks more than the above; -E_IO also when the other
 * process dies on the way, -E_TIMEOUT also when it says nothing until the margin is over, -E_BUSY when the pair is full. Does not tell redirects.
 */
MUST_CHECK int https_far_ask(int fd, const struct net_https_get *g, struct str document, struct buf *out, struct fault *fault);

/* Takes the next question. 1: *ret, and its socket, the caller's; 0: there is none, or one that is not well formed; -E_CLOSED: there will be none. */
MUST_CHECK int https_far_receive(int fd, struct https_far_request *ret, int *ret_socket);
/* Does it and says what came of it, if anybody still wants to know; closes the socket. Until the margin is over at the latest. */
void https_far_do(struct net_https *h, const struct https_far_request *r, int socket);

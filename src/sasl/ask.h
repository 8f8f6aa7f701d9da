/* SPDX-License-Identifier: MIT */
/*
 * What the server process and the asker (server/asker_main.c) say to each other about access tokens,
 * over a pair of SOCK_SEQPACKET sockets, which keep the bounds of messages: to the asker an id and
 * the token, back the id, the HTTP status and the body. Both are of one build, so these are plain
 * structs.
 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

struct sasl_ask_request {
	uint64_t id; /* never 0 */
	char token[LIMIT_OAUTH_TOKEN];
};
#define SASL_ASK_REQUEST_HEAD sizeof(uint64_t)

struct sasl_ask_answer {
	uint64_t id;     /* 0: whatever was asked so far is lost */
	uint32_t status; /* of HTTP; 0: there was no answer */
	uint32_t n;
	char body[LIMIT_OAUTH_ANSWER];
};
#define SASL_ASK_ANSWER_HEAD (sizeof(uint64_t) + 2 * sizeof(uint32_t))

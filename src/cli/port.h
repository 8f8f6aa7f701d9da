/* SPDX-License-Identifier: MIT */
/*
 * Verbs for commands that ask many times and read or write files of others: to the running server, or to a process of our own that
 * opened the data as the server's user. Answers come in the order of the requests.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "cli/cli.h"

struct cli_port {
	int fd;
	pid_t child; /* 0: a server runs */
	struct buf in;
};

/* Close it also after a failure. */
MUST_CHECK int cli_port_open(const struct cli_args *args, struct cli_port *ret, struct fault *fault);
void cli_port_close(struct cli_port *p); /* waits until the process of our own has closed the data */
/* Sends a request and takes the reference to request. body: what comes with it, in n pieces. */
MUST_CHECK int cli_port_send(struct cli_port *p, const char *verb, json_t *request, const struct str *body, size_t n,
			     struct fault *fault);
/* *ret is a new value; a refusal is its code and text. */
MUST_CHECK int cli_port_receive(struct cli_port *p, json_t **ret, struct fault *fault);
MUST_CHECK int cli_port_ask(struct cli_port *p, const char *verb, json_t *request, json_t **ret, struct fault *fault);
/* The next of the bytes that follow an answer: 1 to n of them. */
MUST_CHECK int cli_port_bytes(struct cli_port *p, size_t n, struct str *ret, struct fault *fault);
void cli_port_took(struct cli_port *p, size_t n);

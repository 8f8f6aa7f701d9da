/* SPDX-License-Identifier: MIT */
/*
 * libunbound, loaded when it is needed: by processes that ask the DNS. Linking it (with libraries for cryptography and events of its
 * own) takes 0.7 MB of each process, and the server process has no use for it.
 */
#pragma once

#include <stdbool.h>

#include <unbound.h>

#define LIBUNBOUND_FUNCTIONS(X) \
	X(ctx_create) X(ctx_delete) X(ctx_set_option) X(ctx_set_fwd) X(ctx_add_ta) X(ctx_debugout) X(ctx_async) \
	X(ctx_zone_remove) X(fd) X(process) X(resolve_async) X(resolve_free) X(strerror)

/* ub_fd() is ub.fd(). */
struct libunbound {
#define LIBUNBOUND_MEMBER(name) __typeof__(ub_##name) *name;
	LIBUNBOUND_FUNCTIONS(LIBUNBOUND_MEMBER)
#undef LIBUNBOUND_MEMBER
};

/* False: it is not there, or is another; *ret_why_z says what. Before the process closes itself in. */
bool libunbound_load(struct libunbound *ret, const char **ret_why_z);

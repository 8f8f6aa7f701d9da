/* SPDX-License-Identifier: MIT */
/*
 * libcurl, loaded when it is needed: by the asker, the fetcher and commands. What it brings along (a second TLS library, LDAP, Kerberos)
 * takes memory in each process that is linked with it, and the server process and the sender have no use for it.
 */
#pragma once

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>

#define LIBCURL_FUNCTIONS(X) \
	X(easy_cleanup) X(easy_escape) X(easy_getinfo) X(easy_init) X(easy_perform) X(easy_setopt) X(easy_strerror) \
	X(global_init) X(multi_add_handle) X(multi_info_read) X(multi_init) \
	X(multi_perform) X(multi_poll) X(multi_remove_handle) X(multi_setopt) X(slist_append) X(slist_free_all) \
	X(url) X(url_cleanup) X(url_get) X(url_set)

/* curl_easy_init() is curl.easy_init(); curl_free() is release(). */
struct libcurl {
#define LIBCURL_MEMBER(name) __typeof__(curl_##name) *name;
	LIBCURL_FUNCTIONS(LIBCURL_MEMBER)
#undef LIBCURL_MEMBER
	__typeof__(curl_free) *release;
};

/* False: it is not there, or is another; *ret_why_z says what. Before the process closes itself in. */
bool libcurl_load(struct libcurl *ret, const char **ret_why_z);

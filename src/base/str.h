/* SPDX-License-Identifier: MIT */
/*
 * Slices: a pointer and a length, passed by value, for everything that is read.
 * A slice never owns its bytes and is not NUL-terminated; it lives as long as what it was cut from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A slice of a string literal, usable as an expression and (STR_INIT) in static tables. */
#define S(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_INIT(lit) { "" lit, sizeof(lit) - 1 }
/* printf("%" STR_FMT, STR_ARG(s)) */
#define STR_FMT ".*s"
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const void *p, size_t n)
{
	return (struct str){ p, n };
}

/* The slice of a NUL-terminated string; NULL gives the empty slice. */
static inline struct str str_z(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* The slice without its first n bytes (all of it when n is larger). */
static inline struct str str_skip(struct str s, size_t n)
{
	if (n > s.n)
		n = s.n;
	return (struct str){ n ? s.p + n : s.p, s.n - n };
}

/* The first n bytes (all when there are fewer). */
static inline struct str str_head(struct str s, size_t n)
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

static inline char str_lower_char(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* ASCII case-insensitive comparison, the only kind that protocols use. */
bool str_ieq(struct str a, struct str b);
bool str_istarts(struct str s, struct str prefix);
/* Three-way, ASCII case-insensitive; suitable for sorting. */
int str_icmp(struct str a, struct str b);
int str_cmp(struct str a, struct str b);

/* Offset of the first byte c / first occurrence of needle, or -1. */
ptrdiff_t str_chr(struct str s, char c);
ptrdiff_t str_rchr(struct str s, char c);
ptrdiff_t str_find(struct str s, struct str needle);
ptrdiff_t str_ifind(struct str s, struct str needle);

/* Without spaces, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);

/*
 * Cuts at the first sep: *ret_head is what stands before, the rest (after sep) stays in *s.
 * False when s is exhausted. Without sep the whole remainder is the last head.
 */
bool str_split(struct str *s, char sep, struct str *ret_head);

/* A decimal number of 1..20 digits and nothing else, <= max. False otherwise; *ret untouched then. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);

/* Valid UTF-8 (RFC 3629: no overlongs, no surrogates)? */
bool str_is_utf8(struct str s);
/* The code point at the start of s, which is valid UTF-8 and not empty; how long it is. */
size_t str_code_point(struct str s, uint32_t *ret);
/* Only bytes 1..127? */
bool str_is_ascii(struct str s);
/* Equal in time that depends on the lengths only; for secrets. */
bool str_eq_secret(struct str a, struct str b);

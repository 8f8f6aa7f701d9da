/* SPDX-License-Identifier: MIT */
/*
 * Randomness comes from the kernel each time: no state to seed, fork or steal.
 *
 * An id is 6 characters of time (seconds since 2024, base 30: 23 years until they start again), so
 * that ids of one log sort by age, then random characters from the same alphabet. Without vowels no
 * id spells a word.
 */
#include "base/rnd.h"

#include "base/clock.h"
#include "base/must.h"

#include <errno.h>
#include <sys/random.h>

#define ID_TIME_CHARS 6
#define ID_EPOCH_S 1704067200 /* 2024-01-01 */

static const char id_chars[] = "0123456789bcdfghjklmnpqrstvwxz";
#define ID_BASE (sizeof(id_chars) - 1)

void rnd_bytes(void *p, size_t n)
{
	unsigned char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		must(got > 0);
		at += got;
		n -= (size_t)got;
	}
}

uint64_t rnd_u64(void)
{
	uint64_t v;

	rnd_bytes(&v, sizeof(v));
	return v;
}

/* One character without bias: bytes beyond the largest multiple of the base are thrown away. */
static char random_char(void)
{
	static _Thread_local unsigned char pool[64];
	static _Thread_local size_t left;
	unsigned char b;

	do {
		if (left == 0) {
			rnd_bytes(pool, sizeof(pool));
			left = sizeof(pool);
		}
		b = pool[--left];
	} while (b >= 256 / ID_BASE * ID_BASE);
	return id_chars[b % ID_BASE];
}

void rnd_id_z(char *out, size_t n)
{
	uint64_t t = (uint64_t)(clock_wall_ms() / 1000 - ID_EPOCH_S);

	must(n >= 8);
	for (size_t i = ID_TIME_CHARS; i-- > 0; t /= ID_BASE)
		out[i] = id_chars[t % ID_BASE];
	for (size_t i = ID_TIME_CHARS; i < n; i++)
		out[i] = random_char();
	out[n] = '\0';
}

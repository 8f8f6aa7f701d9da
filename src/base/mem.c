/* SPDX-License-Identifier: MIT */
/*
 * The heap. Out of memory is not an outcome that callers can meet: the process says so and aborts,
 * and the supervisor starts a new server. That is safe because nothing that a peer controls gets
 * here without a cap (base/arena, base/buf).
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

/* The one file that may: see base/banned.h. */
#undef calloc
#undef free
#undef malloc
#undef reallocarray

static _Noreturn void out_of_memory(void)
{
	static const char text[] = "martlet: out of memory\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	abort();
}

void *mem_alloc(size_t n, size_t size)
{
	void *p = n == 0 || size == 0 ? calloc(1, 1) : calloc(n, size);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *mem_resize(void *p, size_t n, size_t size)
{
	/* A size of 0 would free: one byte keeps "never NULL" true. */
	void *q = n == 0 || size == 0 ? reallocarray(p, 1, 1) : reallocarray(p, n, size);

	if (q == NULL)
		out_of_memory();
	return q;
}

char *mem_dup_z(struct str s)
{
	char *z;

	if (s.n == SIZE_MAX)
		out_of_memory();
	z = malloc(s.n + 1);
	if (z == NULL)
		out_of_memory();
	if (s.n > 0)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

void mem_free(void *p)
{
	free(p);
}

void mem_trim(void)
{
	malloc_trim(0);
}

void mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

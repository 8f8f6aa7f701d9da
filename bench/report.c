/* SPDX-License-Identifier: MIT */
/* Samples and what is printed of them. */
#include "load.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/mem.h"

static const char *const kinds[LOAD_KINDS] = {
	[LOAD_MAIN] = "",          [LOAD_LOGIN] = "/login",   [LOAD_SELECT] = "/select",
	[LOAD_FLAGS] = "/flags",   [LOAD_ENVELOPE] = "/envelope", [LOAD_SCREEN] = "/screen",
	[LOAD_BODY] = "/body",     [LOAD_STORE] = "/store",   [LOAD_SEARCH] = "/search",
	[LOAD_LIST] = "/list",     [LOAD_STATUS] = "/status", [LOAD_APPEND] = "/append",
	[LOAD_DELETE] = "/delete", [LOAD_EXPUNGE] = "/expunge", [LOAD_LOGOUT] = "/logout",
};

void worker_sample(struct worker *w, enum load_kind kind, uint64_t since_us)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 256;
		w->samples = mem_resize(w->samples, w->cap, sizeof(*w->samples));
	}
	w->samples[w->n++] = (struct sample){ (uint32_t)(load_now_us() - since_us), (uint8_t)kind };
}

static int by_time(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->us > y->us) - (x->us < y->us);
}

static double percentile_ms(const struct sample *s, size_t n, double share)
{
	return (double)s[(size_t)((double)(n - 1) * share)].us / 1000;
}

/* The samples of all workers, sorted. */
static struct sample *gather(const struct worker *w, size_t n, size_t *ret_n)
{
	struct sample *all;
	size_t sum = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		sum += w[i].n;
	all = mem_alloc(sum + 1, sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		if (w[i].n)
			memcpy(all + at, w[i].samples, w[i].n * sizeof(*all));
		at += w[i].n;
	}
	qsort(all, sum, sizeof(*all), by_time);
	*ret_n = sum;
	return all;
}

static double own_cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

void workers_report(const char *name_z, const char *unit_z, const struct worker *w, size_t n,
		    double seconds)
{
	size_t n_all;
	struct sample *all = gather(w, n, &n_all), *of = mem_alloc(n_all + 1, sizeof(*of));
	double cpu_ms = own_cpu_ms();
	uint64_t done = 0;

	for (size_t i = 0; i < n; i++)
		done += w[i].done;
	for (int kind = 0; kind < LOAD_KINDS; kind++) {
		size_t k = 0;

		for (size_t i = 0; i < n_all; i++)
			if (all[i].kind == kind || kind == LOAD_MAIN)
				of[k++] = all[i];
		if (k)
			printf("%s%s %.1f %s %.3f %.3f\n", name_z, kinds[kind],
			       (double)(kind == LOAD_MAIN ? done : k) / seconds, unit_z,
			       percentile_ms(of, k, 0.5), percentile_ms(of, k, 0.99));
	}
	printf("count %llu units %.3f %.3f\n", (unsigned long long)done, seconds, cpu_ms);
	fflush(stdout);
	mem_free(all);
	mem_free(of);
}

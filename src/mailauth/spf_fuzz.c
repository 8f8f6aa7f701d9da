/* SPDX-License-Identifier: MIT */
/* Records of SPF as arbitrary bytes, a line for each: parsed, looked at, and evaluated in a DNS that answers every question with one of them. */
#include "mailauth/spf_int.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUESTIONS 400 /* more than any walk may have */

struct world {
	struct str lines[8];
	size_t n;
	unsigned asked;
};

/* The question's name chooses the line; other records have at most as many bytes as their type. */
static int ask(void *ctx, struct arena *a, struct str name, enum lookup_type type,
	       struct lookup_answer *ret)
{
	static const size_t sizes[LOOKUP_N_TYPES] = {
		[LOOKUP_A] = 4, [LOOKUP_AAAA] = 16, [LOOKUP_MX] = 255, [LOOKUP_PTR] = 255
	};
	struct world *w = ctx;
	struct str line;

	must(++w->asked < QUESTIONS);
	must(name.n > 0 && name.n <= SPF_RECORD_MAX);
	line = w->n > 0 ? w->lines[(name.n + (unsigned char)name.p[0]) % w->n] : S("");
	*ret = (struct lookup_answer){ 0 };
	if (line.n == 0 || line.p[0] == '!')
		return line.n == 0 ? 0 : -E_TIMEOUT;
	ret->n = line.n % 3 == 2 ? 12 : 1;
	ret->v = ARENA_ARRAY(a, struct str, ret->n);
	if (!ret->v)
		return -E_LIMIT;
	for (size_t i = 0; i < ret->n; i++)
		ret->v[i] = sizes[type] ? str_head(line, sizes[type]) : line;
	return 0;
}

static void parse(struct str text, struct arena *a)
{
	struct spf_mistake m = { 0 };
	struct spf_record r;

	if (spf_record_parse(text, a, &r, &m) < 0) {
		must(m.what_z && m.at <= text.n);
		return;
	}
	must(r.n <= SPF_TERMS && spf_record_is(text));
	for (size_t i = 0; i < r.n; i++) {
		must(r.directives[i].bits_v4 <= 32 && r.directives[i].bits_v6 <= 128);
		must(r.directives[i].domain.n == 0 || spf_macro_string_is(r.directives[i].domain));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_of(data, size), line;
	struct world w = { .n = 0 };
	const struct lookup l = { .ask = ask, .ctx = &w };
	struct spf_query q = { .ip = { 192, 0, 2, 1 },
			       .sender = S("a-b@x.example.com"),
			       .helo = S("h.example.com") };
	struct spf_verdict v;
	struct spf_report report;
	struct arena a;

	arena_init(&a, 8u << 20);
	while (w.n < ARRAY_LEN(w.lines) && str_split(&rest, '\n', &line)) {
		parse(line, &a);
		w.lines[w.n++] = line;
	}
	if (spf_look(&l, S("x.example.com"), &a, &report) == 0)
		must(report.rest < SPF_N_RESULTS && report.n_seen <= 100);
	w.asked = 0;
	spf_check_host(&l, &q, &a, &v);
	must(v.result < SPF_N_RESULTS && v.lookups <= SPF_LOOKUPS + 1);
	q.is_v6 = true;
	w.asked = 0;
	spf_check_host(&l, &q, &a, &v);
	arena_fini(&a);
	return 0;
}

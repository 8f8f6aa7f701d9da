/* SPDX-License-Identifier: MIT */
/* What comes over the pair of sockets as arbitrary bytes; the first says which of the two. What is taken is written back to the same bytes. */
#include "queue/attempt.h"

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void result(struct str input, struct arena *arena)
{
	AUTO(buf_fini) struct buf again = BUF_INIT(1u << 20);
	struct queue_result r;

	if (queue_result_read(input, arena, &r) < 0)
		return;
	must(r.n_rcpts <= QUEUE_ATTEMPT_RCPTS && str_is_utf8(r.host));
	for (size_t i = 0; i < r.n_rcpts; i++)
		must(r.rcpts[i].outcome < QUEUE_N_OUTCOMES && r.rcpts[i].reply.text.n <= QUEUE_REPLY_TEXT);
	queue_result_write(&r, &again);
	must(again.n == input.n);
}

static void attempt(struct str input, struct arena *arena)
{
	AUTO(buf_fini) struct buf again = BUF_INIT(1u << 20);
	struct queue_attempt a;

	if (queue_attempt_read(input, arena, &a) < 0)
		return;
	must(a.id != 0 && a.n_rcpts > 0);
	queue_attempt_write(&a, &again);
	buf_add(&again, a.message);
	must(buf_overflowed(&again) || str_eq(buf_str(&again), input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of(data, size);
	struct arena arena;

	if (size == 0)
		return 0;
	arena_init(&arena, 1u << 20);
	if (data[0] & 1)
		result(str_skip(input, 1), &arena);
	else
		attempt(str_skip(input, 1), &arena);
	arena_fini(&arena);
	return 0;
}

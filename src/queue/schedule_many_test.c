/* SPDX-License-Identifier: MIT */
/*
 * Many messages for many hosts, nine tenths of them dead. QUEUE_MANY says how many (make test-full: 100,000 for 1,000), and then memory and the
 * time to the first delivery after a start have bounds as well.
 */
#include "queue/schedule_test.h"

#include <stdlib.h>

#define FEW 10000
#define PER_HOST 100
#define MEMORY_MAX ((int64_t)100 << 20)
#define FIRST_MS 1000

struct many {
	int64_t messages, hosts, dead;
};

static struct many many(void)
{
	const char *z = getenv("QUEUE_MANY");
	uint64_t n = FEW;
	int64_t hosts;

	if (z)
		assert_true(str_to_u64(str_z(z), 10000000, &n));
	hosts = (int64_t)n / PER_HOST;
	return (struct many){ (int64_t)n, hosts, hosts * 9 / 10 };
}

static int fill_tx(struct db_tx *tx, void *arg)
{
	const struct many *m = arg;
	int rc = DB_EXEC(tx, &checks[Q_FILL_MESSAGES], DB_I(m->messages));

	if (rc == 0)
		rc = DB_EXEC(tx, &checks[Q_FILL_RECIPIENTS], DB_I(m->hosts));
	if (rc == 0)
		rc = db_exec(tx, &checks[Q_FILL_DESTINATIONS], NULL, 0, NULL);
	return rc == 0 ? db_exec(tx, &checks[Q_FILL_REFS], NULL, 0, NULL) : rc;
}

static int64_t memory(void)
{
	long pages = 0, all;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &all, &pages), 2);
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/* Until there are so few, and how long it took from begin_ms on. max: the most memory that was seen. */
static int64_t wait_below(struct fixture *x, int what, int64_t bound, int64_t begin_ms, int64_t *max)
{
	while (count(x, what) >= bound) {
		int64_t now = memory();

		*max = now > *max ? now : *max;
		if (clock_mono_ms() > begin_ms + 30 * WAIT_MS)
			fail_msg("check %d: %lld, not below %lld", what, (long long)count(x, what), (long long)bound);
		usleep(5000);
	}
	return clock_mono_ms() - begin_ms;
}

/* Hosts that nobody knows, and that do not answer for long, leave places to one that has taken mail before. */
TEST(silent_strangers_are_in_nobody_s_way)
{
	struct fixture x;
	char to[64];

	setup(&x);
	configure(&x, "[queue]\nmax_sessions = 8\n");
	start(&x);
	x.level = QUEUE_LEVEL_PLAIN;
	send_to(&x, ALICE, "a@alive.example", 0);
	wait_count(&x, Q_MESSAGES, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(to, sizeof(to), "s@silent%d.example", i);
		send_to(&x, ALICE, to, 0);
	}
	wait_seen(&x, 7);
	stays_seen(&x, 7); /* three quarters of the places */
	send_to(&x, ALICE, "a@alive.example", 0);
	wait_count(&x, Q_MESSAGES, 20);
	assert_int_equal(seen(&x), 8);
	teardown(&x);
}

/* The dead cost an attempt each, whatever waits for them, and the living ones get all of theirs. */
TEST(many_dead_ones_are_in_nobody_s_way)
{
	struct many m = many();
	struct queue_counts counts;
	struct fixture x;
	int64_t live = m.messages / 10, begin_ms, first_ms, all_ms, max = 0;

	setup(&x);
	configure(&x, getenv("QUEUE_MANY") ? "[queue]\n" : "[queue]\nmax_sessions = 20\n");
	send_to(&x, ALICE, "a@alive.example", 0);
	assert_int_equal(db_write(x.db, &(struct db_write_job){ .fn = fill_tx, .arg = &m }), 0);
	begin_ms = clock_mono_ms();
	start(&x);
	first_ms = wait_below(&x, Q_LIVE, live + 1, begin_ms, &max);
	all_ms = wait_below(&x, Q_LIVE, 1, begin_ms, &max);
	wait_count(&x, Q_TRIED, m.dead);
	max = memory() > max ? memory() : max;
	print_message("%lld messages, %lld hosts, %lld dead: first %lld ms, %lld living %lld ms, %lld MB\n", (long long)m.messages,
		      (long long)m.hosts, (long long)m.dead, (long long)first_ms, (long long)live, (long long)all_ms, (long long)(max >> 20));
	assert_int_equal(count(&x, Q_MESSAGES), m.messages - live);
	assert_int_equal(seen(&x), live + 1 + m.dead);
	wait_count(&x, Q_DESTINATIONS, m.dead);
	assert_int_equal(queue_count(x.q, &counts), 0);
	assert_int_equal(counts.recipients, m.messages - live);
	assert_int_equal(counts.destinations, m.dead);
	assert_int_equal(counts.failing, m.dead);
	pass(&x, 5 * MINUTE_MS);
	wait_count(&x, Q_TRIED, m.dead * 2);
	if (getenv("QUEUE_MANY")) {
		assert_in_range(max, 0, MEMORY_MAX);
		assert_in_range(first_ms, 0, FIRST_MS);
	}
	teardown(&x);
}

/* SPDX-License-Identifier: MIT */
/*
 * The limit: what this machine's disk allows a program that does nothing else. Threads hand in
 * messages; whoever finds no commit running appends all that wait with one write, syncs once, and
 * wakes those whose message is in it. No network, no parsing, no second file.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define BATCH_MAX_BYTES (64 << 20)

static struct {
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct buf waiting;     /* appended to by all, taken whole by the one who commits */
	uint64_t batch, synced; /* number of the batch that waits; of the last one on the disk */
	bool committing;
	int fd;
} file = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .done = PTHREAD_COND_INITIALIZER,
	   .waiting = BUF_INIT(BATCH_MAX_BYTES),
	   .batch = 1,
	   .fd = -1 };

int limit_file(const char *dir_z)
{
	struct buf path = BUF_INIT(4096);
	int fd;

	buf_printf(&path, "%s/limit.%d", dir_z, (int)getpid());
	fd = open(buf_z(&path), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || unlink(buf_z(&path)) < 0)
		load_fail("%s: %s", buf_z(&path), strerror(errno));
	buf_fini(&path);
	return fd;
}

static void open_once(const char *dir_z)
{
	pthread_mutex_lock(&file.lock);
	if (file.fd < 0)
		file.fd = limit_file(dir_z);
	pthread_mutex_unlock(&file.lock);
}

/* Called with the lock, returns with it; lets go of it while it writes. */
static void commit(void)
{
	struct buf batch = file.waiting;
	uint64_t number = file.batch++;

	file.waiting = (struct buf)BUF_INIT(BATCH_MAX_BYTES);
	file.committing = true;
	pthread_mutex_unlock(&file.lock);
	for (struct str s = buf_str(&batch); s.n;) {
		ssize_t n = write(file.fd, s.p, s.n);

		if (n <= 0)
			load_fail("write: %s", strerror(errno));
		s = str_skip(s, (size_t)n);
	}
	if (fdatasync(file.fd) < 0)
		load_fail("fdatasync: %s", strerror(errno));
	buf_fini(&batch);
	pthread_mutex_lock(&file.lock);
	file.committing = false;
	file.synced = number;
	pthread_cond_broadcast(&file.done);
}

static void append(struct str message)
{
	uint64_t mine;

	pthread_mutex_lock(&file.lock);
	buf_add(&file.waiting, message);
	mine = file.batch;
	while (file.synced < mine) {
		if (file.committing)
			pthread_cond_wait(&file.done, &file.lock);
		else
			commit();
	}
	pthread_mutex_unlock(&file.lock);
}

void load_limit(struct worker *w)
{
	struct buf message = BUF_INIT(w->load->size_bytes + 4096);
	uint64_t number;

	open_once(w->load->dir_z);
	while (load_take(w->load, &number)) {
		uint64_t start = load_now_us();

		buf_reset(&message);
		load_message(&message, number, w->load->size_bytes);
		append(buf_str(&message));
		worker_sample(w, LOAD_MAIN, start);
		w->done++;
	}
	buf_fini(&message);
}

/* SPDX-License-Identifier: MIT */
/*
 * Logins that wait for the asker (server/asker_main.c) to say something about their token. One thread takes the
 * answers; sessions begin, are woken, take. A slot goes
 *
 *   FREE  --sasl_ask_begin()--> ASKED
 *   ASKED --answer--> ANSWERED      ASKED --"all are lost"--> LOST      (the thread)
 *   any   --sasl_ask_take(), sasl_ask_forget()--> FREE
 *
 * 1. An answer is matched by an id that begins at random, so one to a server process before us finds nobody.
 * 2. The session keeps the time (conn_await()), so a slot lives as long as its exchange at most.
 * 3. Wakes happen under the lock: whoever has forgotten its slot is not woken any more, so the net may go.
 * 4. Nothing blocks: a full socket is "try again later".
 */
#include "sasl/oauth.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"
#include "base/rnd.h"
#include "sasl/ask.h"

enum state { FREE, ASKED, ANSWERED, LOST };

struct slot {
	enum state state;
	uint64_t id, conn, peer;
	char *body; /* ANSWERED; NULL: there was no answer */
	size_t n;
};

struct sasl_ask {
	struct lock lock;
	int fd, stop_fd; /* -1: nobody to ask */
	pthread_t thread;
	sasl_wake_fn *wake;
	void *ctx;
	uint64_t last_id;
	int64_t n_waiting;
	struct slot slots[LIMIT_OAUTH_WAITING];
};

struct sasl_ask *sasl_ask_new(void)
{
	struct sasl_ask *a = MEM_NEW(struct sasl_ask);

	lock_init(&a->lock);
	a->fd = a->stop_fd = -1;
	a->last_id = rnd_u64() | 1;
	return a;
}

static void empty(struct sasl_ask *a, struct slot *s)
{
	mem_free(s->body);
	*s = (struct slot){ .state = FREE };
	a->n_waiting--;
}

void sasl_ask_free(struct sasl_ask *a)
{
	uint64_t one = 1;

	if (a == NULL)
		return;
	if (a->fd >= 0) {
		must(write(a->stop_fd, &one, sizeof(one)) == sizeof(one));
		must(pthread_join(a->thread, NULL) == 0);
		close(a->stop_fd);
		close(a->fd);
	}
	for (size_t i = 0; i < ARRAY_LEN(a->slots); i++)
		if (a->slots[i].state != FREE)
			empty(a, &a->slots[i]);
	lock_fini(&a->lock);
	mem_free(a);
}

/* ---- the thread ---- */

static struct slot *find(struct sasl_ask *a, uint64_t id)
{
	must(lock_held(&a->lock));
	for (size_t i = 0; i < ARRAY_LEN(a->slots) && id != 0; i++)
		if (a->slots[i].state != FREE && a->slots[i].id == id)
			return &a->slots[i];
	return NULL;
}

static void deliver(struct sasl_ask *a, const struct sasl_ask_answer *answer)
{
	struct slot *s;

	lock_get(&a->lock);
	s = find(a, answer->id);
	if (s != NULL && s->state == ASKED) {
		s->state = answer->status == 200 ? ANSWERED : LOST;
		s->body = mem_dup_z(str_of(answer->body, answer->n));
		s->n = answer->n;
		a->wake(a->ctx, s->conn);
	}
	lock_put(&a->lock);
}

static void lose_all(struct sasl_ask *a)
{
	lock_get(&a->lock);
	for (size_t i = 0; i < ARRAY_LEN(a->slots); i++) {
		if (a->slots[i].state != ASKED)
			continue;
		a->slots[i].state = LOST;
		a->wake(a->ctx, a->slots[i].conn);
	}
	lock_put(&a->lock);
}

static void *ask_main(void *arg)
{
	struct sasl_ask *a = arg;
	struct sasl_ask_answer *answer = MEM_NEW(struct sasl_ask_answer);
	struct pollfd fds[2] = { { .fd = a->fd, .events = POLLIN }, { .fd = a->stop_fd, .events = POLLIN } };

	for (;;) {
		ssize_t got;

		must(poll(fds, ARRAY_LEN(fds), -1) >= 0 || errno == EINTR);
		if (fds[1].revents != 0 || (fds[0].revents & (POLLERR | POLLNVAL)))
			break;
		got = recv(a->fd, answer, sizeof(*answer), MSG_DONTWAIT);
		if (got == 0)
			break; /* the other end is gone for good */
		if (got < (ssize_t)SASL_ASK_ANSWER_HEAD)
			continue;
		if (answer->id == 0)
			lose_all(a);
		else if (answer->n == (size_t)got - SASL_ASK_ANSWER_HEAD)
			deliver(a, answer);
	}
	mem_free(answer);
	return NULL;
}

int sasl_ask_connect(struct sasl_ask *a, int fd, sasl_wake_fn *wake, void *ctx, struct fault *fault)
{
	int r;

	must(a->fd < 0);
	a->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (a->stop_fd < 0)
		return fault_errno(fault, errno, "cannot make an eventfd");
	a->wake = wake;
	a->ctx = ctx;
	a->fd = fd;
	r = pthread_create(&a->thread, NULL, ask_main, a);
	if (r == 0)
		return 0;
	close(a->stop_fd);
	a->fd = a->stop_fd = -1;
	return fault_errno(fault, r, "cannot start a thread for answers about tokens");
}

/* ---- sessions ---- */

/* A slot for one more, or NULL. */
static struct slot *take_slot(struct sasl_ask *a, uint64_t peer, int64_t max)
{
	struct slot *place = NULL;
	int64_t n_of_peer = 0;

	must(lock_held(&a->lock));
	for (size_t i = 0; i < ARRAY_LEN(a->slots); i++) {
		struct slot *s = &a->slots[i];

		if (s->state == FREE && place == NULL)
			place = s;
		n_of_peer += s->state != FREE && s->peer == peer;
	}
	if (a->n_waiting >= max || (peer != 0 && n_of_peer >= (max + 3) / 4))
		return NULL;
	return place;
}

int sasl_ask_begin(struct sasl_ask *a, struct str token, uint64_t conn, uint64_t peer, int64_t max,
		   uint64_t *ret_id)
{
	struct sasl_ask_request request;
	struct slot *s;
	ssize_t sent = -1;
	size_t n = SASL_ASK_REQUEST_HEAD + token.n;

	if (a->fd < 0 || token.n == 0 || token.n > sizeof(request.token))
		return -E_BUSY;
	lock_get(&a->lock);
	s = take_slot(a, peer, max);
	if (s != NULL) {
		a->last_id += 2; /* stays odd: never 0 */
		*s = (struct slot){ .state = ASKED, .id = a->last_id, .conn = conn, .peer = peer };
		a->n_waiting++;
		*ret_id = request.id = s->id;
		memcpy(request.token, token.p, token.n);
		sent = send(a->fd, &request, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		mem_wipe(&request, sizeof(request));
		if (sent != (ssize_t)n)
			empty(a, s);
	}
	lock_put(&a->lock);
	return sent == (ssize_t)n ? 0 : -E_BUSY;
}

int sasl_ask_take(struct sasl_ask *a, uint64_t id, struct buf *out)
{
	struct slot *s;
	int r = -E_IO;

	lock_get(&a->lock);
	s = find(a, id);
	if (s != NULL && s->state == ASKED)
		r = 0;
	if (s != NULL && s->state == ANSWERED) {
		buf_add(out, str_of(s->body, s->n));
		r = 1;
	}
	if (s != NULL && r != 0)
		empty(a, s);
	lock_put(&a->lock);
	return r;
}

void sasl_ask_forget(struct sasl_ask *a, uint64_t id)
{
	struct slot *s;

	lock_get(&a->lock);
	s = find(a, id);
	if (s != NULL)
		empty(a, s);
	lock_put(&a->lock);
}

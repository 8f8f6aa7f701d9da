/* SPDX-License-Identifier: MIT */
#include "strand.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "load.h"
#include "base/mem.h"

#define STACK_BYTES (128u << 10)
#define EVENTS_MAX 256
#define SILENCE_S 60

struct strand {
	ucontext_t here; /* where it waits */
	void *arg, *stack;
	uint32_t events; /* that woke it */
	bool is_done;
};

struct strands {
	size_t n, n_running;
	int epfd;
	ucontext_t loop;
	void (*fn)(void *arg);
	struct strand all[];
};

/* The set that this thread runs, and the strand of it that runs now. */
static __thread struct strands *set;
static __thread struct strand *self;

struct strands *strands_new(size_t n, void *args, size_t size)
{
	struct strands *s = mem_alloc(1, sizeof(*s) + n * sizeof(*s->all));

	s->n = n;
	s->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epfd < 0)
		load_fail("epoll: %s", strerror(errno));
	for (size_t i = 0; i < n; i++) {
		s->all[i].arg = (char *)args + i * size;
		s->all[i].stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		if (s->all[i].stack == MAP_FAILED)
			load_fail("no memory for %zu connections", n);
	}
	return s;
}

void strands_free(struct strands *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		munmap(s->all[i].stack, STACK_BYTES);
	close(s->epfd);
	mem_free(s);
}

static void begin(void)
{
	set->fn(self->arg);
	self->is_done = true;
	set->n_running--;
	swapcontext(&self->here, &set->loop);
}

static void resume(struct strand *t)
{
	self = t;
	swapcontext(&set->loop, &t->here);
	self = NULL;
}

void strands_run(struct strands *s, void (*fn)(void *arg))
{
	struct epoll_event ev[EVENTS_MAX];

	set = s;
	s->fn = fn;
	s->n_running = s->n;
	for (size_t i = 0; i < s->n; i++) {
		struct strand *t = &s->all[i];

		getcontext(&t->here);
		t->here.uc_stack.ss_sp = t->stack;
		t->here.uc_stack.ss_size = STACK_BYTES;
		t->here.uc_link = NULL;
		t->is_done = false;
		makecontext(&t->here, begin, 0);
		resume(t);
	}
	while (s->n_running) {
		int n = epoll_wait(s->epfd, ev, EVENTS_MAX, SILENCE_S * 1000);

		if (n == 0)
			load_fail("the server said nothing for %d s", SILENCE_S);
		for (int i = 0; i < n; i++) {
			struct strand *t = ev[i].data.ptr;

			t->events = ev[i].events;
			if (!t->is_done)
				resume(t);
		}
	}
	set = NULL;
}

static void yield(void)
{
	swapcontext(&self->here, &set->loop);
}

static void control(int how, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events | EPOLLIN | EPOLLRDHUP | EPOLLET,
				  .data.ptr = self };

	if (epoll_ctl(set->epfd, how, fd, &ev) < 0)
		load_fail("epoll: %s", strerror(errno));
}

void strand_watch(int fd)
{
	control(EPOLL_CTL_ADD, fd, 0);
}

bool strand_wait_input(void)
{
	yield();
	return self->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

void strand_wait_output(int fd)
{
	control(EPOLL_CTL_MOD, fd, EPOLLOUT);
	do
		yield();
	while (!(self->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)));
	control(EPOLL_CTL_MOD, fd, 0);
}

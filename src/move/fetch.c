/* SPDX-License-Identifier: MIT */
/*
 * Source, target and state together. The states of a message:
 *
 *   1. It was put (move_fetch_put): the target has it somewhere, perhaps in memory; its key waits in f->pending.
 *   2. The target has committed (move_fetch_commit): it is on the disk. A crash here leaves one that comes again, and that Maildir and mbox know again.
 *   3. The state is synced: it does not come again, and the source may delete it on the server.
 *
 * A connection that breaks leaves what came before in 3: that is committed before the next one is made.
 */
#include "move/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "move/folder.h"
#include "move/writer.h"

#define CONNECT_MS 30000
#define ADDRESSES 16
#define BATCH_BYTES (8u << 20)
#define TRIES 5          /* in a row, without a message */
#define PAUSE_MAX_MS 300000

void move_fetch_note(const struct move_fetch *f, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (f->watch->note != NULL)
		f->watch->note(f->watch->ctx, text);
}

/* ---- opening ---- */

static const struct move_target_kind *const kinds[] = { &move_to_maildir, &move_to_mbox, &move_to_stdout, &move_to_command };

int move_target_parse(const char *text_z, const struct move_target_kind **ret_kind, const char **ret_path_z, struct fault *fault)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct str name = str_z(kinds[i]->name_z), rest = str_skip(str_z(text_z), name.n);

		if (!str_starts(str_z(text_z), name) || (kinds[i] == &move_to_stdout ? rest.n > 0 : !str_starts(rest, S(":")) || rest.n < 2))
			continue;
		*ret_kind = kinds[i];
		*ret_path_z = rest.n > 0 ? rest.p + 1 : "";
		return 0;
	}
	return fault_set(fault, -E_USAGE, "%s: mail can go to maildir:DIRECTORY, mbox:FILE, stdout, or command:COMMAND", text_z);
}

static uint16_t port_of(const struct move_fetch_source *source, const struct move_fetch_options *o)
{
	return o->port != 0 ? o->port : o->starttls == NET_STARTTLS_FROM_START ? source->tls_port : source->port;
}

void move_fetch_who(const struct move_fetch_source *source, const struct move_fetch_options *o, struct buf *out)
{
	uint16_t port = port_of(source, o);

	buf_printf(out, "%s %" STR_FMT "@%s", source->name_z, STR_ARG(o->user), o->host_z);
	if (port != source->port && port != source->tls_port)
		buf_printf(out, ":%u", port);
}

/* The directory of a path, made if need be, and the name in it. */
static int open_parent(const char *path_z, bool make, struct buf *name, struct fault *fault)
{
	struct str path = str_z(path_z);
	ptrdiff_t slash = str_rchr(path, '/');
	AUTO(mem_auto_free) char *dir_z = mem_dup_z(slash < 0 ? S(".") : slash == 0 ? S("/") : str_head(path, (size_t)slash));

	buf_add(name, str_skip(path, (size_t)(slash + 1)));
	return name->n > 0 ? move_open_path(dir_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC, make, fault)
			   : fault_set(fault, -E_USAGE, "%s is no name of a file", path_z);
}

/* XDG Base Directory: $XDG_STATE_HOME, or ~/.local/state. Each level is made. */
static int open_home(struct fault *fault)
{
	AUTO(buf_fini) struct buf path = BUF_INIT(65536);
	const char *xdg_z = getenv("XDG_STATE_HOME"), *home_z = getenv("HOME");

	if (xdg_z != NULL && xdg_z[0] == '/')
		buf_printf(&path, "%s/martlet", xdg_z);
	else if (home_z != NULL && home_z[0] == '/')
		buf_printf(&path, "%s/.local/state/martlet", home_z);
	else
		return fault_set(fault, -E_USAGE, "there is no HOME to keep the state in: name a file with --state");
	for (char *p = path.p + 1; (p = memchr(p, '/', path.n - (size_t)(p - path.p))) != NULL; p++) {
		*p = '\0';
		if (mkdir(buf_z(&path), 0700) < 0 && errno != EEXIST)
			return fault_errno(fault, errno, "cannot make %s", buf_z(&path));
		*p = '/';
	}
	return move_open_path(buf_z(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC, true, fault);
}

/* Where the state is: the directory, and the name in it. Several accounts may share a target. */
static int open_place(struct move_fetch *f, const char *to_z, const char *state_z, struct buf *name, struct fault *fault)
{
	const struct move_target *t = &f->target;
	bool is_file = t->kind == &move_to_maildir || t->kind == &move_to_mbox;
	uint8_t key[STORE_IMPORT_KEY];
	int dir;

	if (state_z != NULL)
		return open_parent(state_z, false, name, fault);
	move_key(S("fetch"), t->who, is_file ? S("") : str_z(to_z), key);
	if (t->kind == &move_to_maildir)
		dir = move_open_path(t->path_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC, true, fault);
	else if (is_file)
		dir = open_parent(t->path_z, false, name, fault);
	else
		dir = open_home(fault);
	buf_add(name, t->kind == &move_to_mbox ? S(".martlet-fetch-") : S("martlet-fetch-"));
	text_hex(name, str_of(key, 8));
	return dir;
}

int move_fetch_open(struct move_fetch *f, const struct move_fetch_source *source, const struct move_fetch_options *o, const char *to_z,
		    const char *state_z, const struct move_fetch_watch *watch, struct fault *fault)
{
	AUTO(buf_fini) struct buf name = BUF_INIT(4096);
	AUTO(move_close_fd) int dir = -1;
	int r;

	*f = (struct move_fetch){ .source = source, .o = o, .watch = watch, .who = BUF_INIT(65536), .pending = BUF_INIT(64u << 20) };
	r = move_target_parse(to_z, &f->target.kind, &f->target.path_z, fault);
	if (r < 0)
		return r;
	move_fetch_who(source, o, &f->who);
	f->target.who = buf_str(&f->who);
	dir = open_place(f, to_z, state_z, &name, fault);
	r = dir < 0 ? dir : move_state_open(dir, buf_z(&name), f->target.who, &f->state, fault);
	f->target.state = f->state;
	return r < 0 ? r : f->target.kind->open(&f->target, fault);
}

void move_fetch_close(struct move_fetch *f)
{
	if (f->target.own != NULL)
		f->target.kind->close(&f->target);
	move_state_close(&f->state);
	buf_fini(&f->who);
	buf_fini(&f->pending);
}

/* ---- messages ---- */

static int break_off(struct move_fetch *f, int r, struct fault *fault)
{
	f->broken = r;
	snprintf(f->why, sizeof(f->why), "%s", fault->text);
	return r;
}

/* The target of a fault: nothing more is put once it is broken. */
static int still_broken(struct move_fetch *f, struct fault *fault)
{
	return fault_set(fault, f->broken, "%s", f->why);
}

static void tell(struct move_fetch *f, const struct move_fetched *m, int err, const char *why_z)
{
	if (f->watch->message != NULL)
		f->watch->message(f->watch->ctx, m, err, why_z);
}

static int change_box(struct move_fetch *f, struct str box, struct fault *fault)
{
	int r = 0;

	if (str_eq(str_z(f->box), box))
		return 0;
	if (f->n_pending > 0)
		r = move_fetch_commit(f, fault);
	if (r == 0 && box.n >= sizeof(f->box))
		r = fault_set(fault, -E_CANNOT, "the name of a mailbox is too long");
	if (r == 0)
		snprintf(f->box, sizeof(f->box), "%" STR_FMT, STR_ARG(box));
	return r;
}

int move_fetch_put(struct move_fetch *f, const struct move_fetched *m, struct fault *fault)
{
	struct fault why = { "" };
	int r = f->broken < 0 ? still_broken(f, fault) : change_box(f, m->box, fault);

	if (r == 0 && move_fetch_is_due(f))
		r = move_fetch_commit(f, fault);
	if (r < 0)
		return r;
	r = f->target.kind->add(&f->target, m, &why);
	if (r == -E_CANNOT) {
		f->n_left++;
		tell(f, m, r, why.text);
		return 1;
	}
	if (r < 0) {
		*fault = why;
		return break_off(f, r, fault);
	}
	f->n_there += r == 1;
	f->n_pending += r == 0;
	f->pending_bytes += m->bytes.n;
	if (m->key.n > 0)
		buf_printf(&f->pending, "%" STR_FMT "\t%" STR_FMT "\n", STR_ARG(m->key), STR_ARG(m->value));
	tell(f, m, r, "");
	return 0;
}

bool move_fetch_is_due(const struct move_fetch *f)
{
	return f->n_pending >= f->target.kind->batch || f->pending_bytes >= BATCH_BYTES || f->pending.n > f->pending.max / 2;
}

int move_fetch_commit(struct move_fetch *f, struct fault *fault)
{
	struct str rest = buf_str(&f->pending), line, key;
	int r = f->broken < 0 ? still_broken(f, fault) : f->target.kind->commit(&f->target, fault);

	while (r == 0 && str_split(&rest, '\n', &line))
		if (str_split(&line, '\t', &key))
			move_state_set(f->state, key, line);
	if (r == 0)
		r = move_state_sync(f->state, fault);
	if (r < 0)
		return break_off(f, r, fault);
	f->n_fetched += f->n_pending;
	if (f->n_pending > 0 && f->watch->committed != NULL)
		f->watch->committed(f->watch->ctx, f->n_pending);
	f->n_pending = 0;
	f->pending_bytes = 0;
	buf_reset(&f->pending);
	return 0;
}

/* ---- connections ---- */

struct net_stream_tls_want move_fetch_want(const struct move_fetch *f, const char *names_z[2])
{
	struct net_address literal;

	names_z[0] = f->o->host_z;
	names_z[1] = NULL;
	return (struct net_stream_tls_want){
		.trust = f->o->is_insecure ? NET_TRUST_ANY : NET_TRUST_PKIX,
		.sni_z = net_address_parse(str_z(f->o->host_z), 0, &literal) ? NULL : f->o->host_z,
		.names_z = names_z,
	};
}

static int connect_to(const struct move_fetch *f, struct net_stream **ret, struct fault *fault)
{
	uint16_t port = port_of(f->source, f->o);
	struct net_address addresses[ADDRESSES];
	struct net_stream_connect c = { .addresses = addresses, .deadline_ms = clock_mono_ms() + CONNECT_MS };
	struct fault why = { "" };
	size_t index;
	int r = net_address_lookup(f->o->host_z, port, addresses, ADDRESSES, &c.n, &why);

	if (r == 0)
		r = net_stream_connect(&c, ret, &index, &why);
	return r < 0 ? fault_set(fault, r, "cannot connect to %s port %u: %s", f->o->host_z, port, why.text) : 0;
}

/* One connection; what came over it counts, whatever became of it. */
static int run_once(struct move_fetch *f, struct fault *fault)
{
	struct net_stream *s = NULL;
	struct fault why = { "" };
	int r = connect_to(f, &s, fault), end;

	if (r == 0)
		r = f->source->run(f, s, fault);
	end = f->broken < 0 ? 0 : move_fetch_commit(f, &why);
	if (end < 0)
		*fault = why;
	return end < 0 ? end : r;
}

static bool may_pass(int r)
{
	return r == -E_CLOSED || r == -E_TIMEOUT || r == -E_IO || r == -E_BUSY;
}

int move_fetch_run(struct move_fetch *f, struct fault *fault)
{
	int64_t pause_ms = 1000;
	uint64_t before = 0;
	int r;

	for (int tries = 1; (r = run_once(f, fault)) < 0 && f->broken == 0 && may_pass(r); tries++) {
		uint64_t now = f->n_fetched + f->n_there + f->n_sent;

		if (now > before) {
			tries = 1;
			pause_ms = 1000;
		}
		/* A first connection that comes to nothing is what a person waits to hear of. */
		if (!f->o->is_idle && (tries >= TRIES || (now == 0 && r != -E_BUSY)))
			break;
		before = now;
		move_fetch_note(f, "%s; again in %lld seconds", fault->text, (long long)(pause_ms / 1000));
		poll(NULL, 0, (int)pause_ms);
		pause_ms = 2 * pause_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : 2 * pause_ms;
	}
	return r;
}

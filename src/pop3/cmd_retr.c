/* SPDX-License-Identifier: MIT */
/*
 * RETR and TOP: a message goes out in pieces, never all of it in memory. The first piece is read
 * before +OK, so that most trouble can still be said; trouble in the middle closes the
 * connection, since nothing else tells the client that the message is not whole.
 *
 * DEVIATION(RFC 6856 2.1): a message with 8-bit headers is sent as it is, also before UTF8. A
 * surrogate or a refusal would hide mail from clients that have shown such headers for decades.
 */
#include "pop3/pop3_int.h"

#include "base/log.h"
#include "store/message.h"

#define RETR_PIECE (64u << 10)

struct source {
	struct store *store;
	struct store_content content;
	uint64_t off;
	char *piece;
};

static void source_close(struct source *src)
{
	mem_free(src->piece);
}

static int source_open(struct source *src, struct store *store, int64_t content)
{
	AUTO(arena_fini) struct arena a = { .cap = 4096 };
	AUTO(store_reader_close) struct store_reader *reader = NULL;
	int rc = store_reader_open(store, &reader);

	src->store = store;
	if (rc == 0)
		rc = store_content_get(reader, &a, content, 0, &src->content);
	if (rc == 0)
		src->piece = mem_alloc(RETR_PIECE, 1);
	return rc;
}

/* 1 with the next piece; 0: no more; negative. */
static int source_next(struct source *src, struct str *ret)
{
	uint64_t left = src->content.size - src->off;
	size_t n = left < RETR_PIECE ? (size_t)left : RETR_PIECE;
	int rc;

	if (n == 0)
		return 0;
	rc = store_content_read(src->store, &src->content, src->off, src->piece, n);
	if (rc < 0)
		return rc;
	src->off += n;
	*ret = str_of(src->piece, n);
	return 1;
}

static void send_message(struct pop3_session *s, const struct store_msg *m, struct pop3_stuff *f)
{
	AUTO(source_close) struct source src = { 0 };
	struct str piece = { 0 };
	int rc = source_open(&src, s->ctx->store, m->content);

	if (rc == 0)
		rc = source_next(&src, &piece);
	if (rc < 0) {
		pop3_fail(s, "retr", rc);
		return;
	}
	if (f->is_whole)
		pop3_ok(s, "%u octets", m->size);
	else
		pop3_ok(s, "top of message follows");
	while (rc == 1 && !conn_failed(s->conn)) {
		pop3_stuff_add(f, s->conn, piece);
		rc = f->is_done ? 0 : source_next(&src, &piece);
	}
	if (rc < 0) {
		LOG(ERROR, "pop3.trouble", F_Z("what", "read"), F_Z("err", err_row(rc)->name),
		    F_INT("content", m->content));
		s->is_over = true;
		return;
	}
	pop3_stuff_end(f, s->conn);
	s->octets += f->is_whole ? (int64_t)src.off : 0;
}

/* RFC 1939 5: RETR msg */
void pop3_cmd_retr(struct pop3_session *s, struct str args)
{
	const struct store_msg *m = pop3_message(s, args, NULL);
	struct pop3_stuff f = POP3_STUFF_RETR;

	if (m == NULL)
		return;
	send_message(s, m, &f);
	s->n_retr++;
}

/* RFC 1939 7: TOP msg n */
void pop3_cmd_top(struct pop3_session *s, struct str args)
{
	const struct store_msg *m;
	struct pop3_stuff f;
	struct str number;
	uint64_t lines;

	if (!str_split(&args, ' ', &number) || !str_to_u64(str_trim(args), UINT32_MAX, &lines)) {
		pop3_err(s, "write TOP message lines");
		return;
	}
	m = pop3_message(s, number, NULL);
	if (m == NULL)
		return;
	f = POP3_STUFF_TOP(lines);
	send_message(s, m, &f);
	s->n_top++;
}

/* SPDX-License-Identifier: MIT */
/*
 * Secrets that live as long as the data: made at random when they are first asked for, and kept
 * as numbers beside the counters. For keys whose change would show that the server was restarted.
 */
#include "store/store_int.h"

#include "base/rnd.h"

#define WORDS (STORE_SECRET_BYTES / sizeof(int64_t))

struct job {
	struct str name;
	int64_t words[WORDS];
};

/* "NAME.0", ... */
static struct str word_name(const struct job *j, size_t i, char out[64])
{
	snprintf(out, 64, "%" STR_FMT ".%zu", STR_ARG(j->name), i);
	return str_z(out);
}

/* 1: all words are there; 0: not. */
static int read_words(struct db_tx *tx, struct job *j)
{
	int rc = 1;

	for (size_t i = 0; i < WORDS && rc > 0; i++) {
		AUTO(db_done) struct db_query q = { 0 };
		char name[64];

		DB_QUERY(tx, &q, SQL(COUNTER_GET), DB_T(word_name(j, i, name)));
		rc = db_step(&q);
		if (rc > 0)
			j->words[i] = db_int(&q, 0);
	}
	return rc;
}

static int make_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int rc = read_words(tx, j);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rnd_bytes(j->words, sizeof(j->words));
	for (size_t i = 0; i < WORDS && rc == 0; i++) {
		char name[64];

		rc = DB_EXEC(tx, SQL(COUNTER_PUT), DB_T(word_name(j, i, name)), DB_I(j->words[i]));
	}
	return rc;
}

static int read_now(struct store *s, struct job *j)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(s->db, &tx);

	return rc < 0 ? rc : read_words(tx, j);
}

int store_secret(struct store *s, struct str name, uint8_t ret[STORE_SECRET_BYTES])
{
	struct job j = { .name = name };
	int rc = read_now(s, &j);

	if (rc == 0)
		rc = db_write(s->db, &(struct db_write_job){
					     .fn = make_tx, .arg = &j, .durability = DB_DURABLE });
	if (rc < 0)
		return rc;
	memcpy(ret, j.words, STORE_SECRET_BYTES);
	mem_wipe(j.words, sizeof(j.words));
	return 0;
}

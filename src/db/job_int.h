/* SPDX-License-Identifier: MIT */
/* Private to writer.c and gather.c: a job on its way from its caller to the writer and back. */
#pragma once

#include "db/db_int.h"

#define BATCH_JOBS 512
#define BATCH_BYTES ((size_t)16 << 20)

/* What a waiting caller is told; a futex. */
enum job_state { JOB_WAITS, JOB_LEADS, JOB_IS_DONE };

/* Stands on its caller's stack, which is gone once the state is JOB_IS_DONE. */
struct job {
	struct db_write_job *j;
	struct job *next;
	struct db_pack_item *items; /* bodies that go to the pack of many; NULL: none */
	struct db_pack_item *last_item;
	size_t bytes;
	int64_t pack; /* where its bodies are: held until the job has a certain end; 0: none */
	int result;
	bool is_unsure; /* its commit failed: it may or may not be on the disk */
	uint64_t actor;
	bool ends_gathering; /* the last of those whose bodies were stored together */
	uint32_t state;
};

struct job_list {
	struct job *head, **tail;
};

void job_list_init(struct job_list *l);
void job_list_add(struct job_list *l, struct job *job);
/* Cuts off the first, and as many as make one batch; NULL: the list is empty. */
struct job *job_list_take(struct job_list *l);
/* The job may be gone when it returns. */
void job_tell(struct job *job, enum job_state state);

/* writer.c: the jobs are the writer's until they are done. */
void db_writer_add(struct db_writer *w, struct job *jobs);

/* gather.c: returns when the job is done. */
void db_gather(struct db *db, struct job *job);
/*
 * The writer is done with those whose bodies were stored. is_busy: other jobs wait for it, so one of those who gather leads.
 * Else it stores their bodies itself, and has its next batch, before anybody could have been woken for that.
 */
void db_gather_end(struct db *db, bool is_busy);
/* Returns when the job is done, or its turn to lead has come; false then. */
bool job_await(struct job *job);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * writer_internal: what writer.c (the thread, the flushes of use) and batch.c (batches of jobs)
 * share; no other file includes it.
 */

#include <pthread.h>

#include "daemon/write/writer.h"

struct writer {
	struct store *store;
	struct usage *usage;
	struct writer_shared shared; /* all NULL: a single store */
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows, up to stop */
	pthread_cond_t wake;
	struct queue queue;
	uint64_t waiting;
	bool flush;           /* now */
	bool turn;            /* of struct writer_shared: was asked for */
	uint32_t asked, beat; /* see writer_ask_beat */
	bool stop;
	struct writer_job *held; /* the thread's own: taken, and first of the next batch */
	bool flush_failed;       /* the thread's own: so that a full disk is said once */
	/* The thread's own: */
	struct share_append *append; /* of the batch that runs; NULL: it is on this host alone */
	unsigned gathered;           /* jobs of the last batch of a shared store */
	uint64_t
		full_at; /* when a change without room was logged last, in microseconds; 0: never */
	uint64_t full;   /* those since then */
};

/* In microseconds, CLOCK_MONOTONIC. */
uint64_t writer_microseconds(void);

/* The next job, or NULL. */
struct writer_job *writer_take(struct writer *writer);

/* How long a batch of a shared store waits for others at most, and between two looks. */
#define WRITER_GATHER_US      500
#define WRITER_GATHER_STEP_US 50

/* A batch before it begins. */
struct batch_gather {
	size_t last;                  /* jobs of the last batch */
	size_t queued, queued_before; /* those that wait beside the first; at the look before */
	uint64_t spent;               /* us, since it waits */
};

/* Does it wait for more? */
bool batch_gathers(const struct batch_gather *gather);

/* Runs a batch that begins with this job, and gives its jobs back. */
void batch_run(struct writer *writer, struct writer_job *first);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * queue: chooses the job that the writer runs next.
 *
 * A job has one of three classes: what ends rights goes before edits, and edits before what makes
 * something. Within a class the uids take turns, within a uid the tenants, and the jobs of one
 * tenant keep their order. So a flood delays its own uid and tenant, and a revocation waits for no
 * flood of creations at all. A job that took long costs its uid and tenant further turns. While a
 * class waits, QUEUE_PASSES jobs of the classes before it are served at most; then it has one turn.
 *
 * One order is kept across the classes: a job is not given before an earlier one that has the same
 * `order`. The caller gives one to jobs of one connection about one record. A job waits in the
 * worst class of those before it that are not done and of its own: a revocation that a connection
 * sends after an edit of the same record waits among the edits, and nothing gets into a better
 * class than its own. While an earlier one of a better class, or one that runs in slices, is not
 * done, the job waits outside the classes.
 *
 * Pure: no lock, no clock. The queue owns no job.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum queue_class {
	QUEUE_MAKES = 0,
	QUEUE_EDITS,
	QUEUE_ENDS,
	QUEUE_CLASSES,
};

/* Jobs of better classes that a class lets pass before it has a turn. */
#define QUEUE_PASSES 64
/* Turns that one job can cost at most. */
#define QUEUE_MAX_TURNS 64
/* The uid of the daemon's own jobs, and of those for whose uid or tenant there is no memory. */
#define QUEUE_DAEMON UINT32_MAX

#define QUEUE_ORDERS 1024 /* lists of jobs by their order */

struct queue_flow;

/* The first member of a job. The caller sets the first group, before queue_push. */
struct queue_item {
	enum queue_class class;
	uint32_t uid;
	uint32_t tenant; /* 0: none */
	uint64_t order;  /* 0: none */

	struct queue_item *next;   /* in the flow, or for the caller while it is not queued */
	struct queue_flow *flow;   /* NULL: it waits for `before` */
	enum queue_class waits;    /* the class that it waits in */
	bool sliced;               /* it may be taken several times */
	struct queue_item *before; /* those of its order that are not done */
	struct queue_item *after;
	struct queue_item *order_next; /* in queue.orders */
	struct queue_item **order_link;
};

/* Jobs of one uid, or of one of its tenants, in one class. */
struct queue_flow {
	uint32_t number;           /* the uid or the tenant */
	struct queue_flow *parent; /* a tenant's uid; NULL: it is a uid */
	struct queue_flow *next;   /* in its ring */
	struct queue_flow *first;  /* of a uid: its tenants, in the order of their turns */
	struct queue_flow **last;
	struct queue_item *items; /* of a tenant */
	struct queue_item **items_last;
	enum queue_class class;
	size_t count;  /* jobs in it that were not taken */
	size_t out;    /* jobs of it that were taken and are not done */
	uint32_t debt; /* turns that it sits out */
	bool kept;     /* a part of the queue: never freed */
};

struct queue {
	struct queue_flow classes[QUEUE_CLASSES]; /* the ring of uids of each class */
	struct queue_flow daemon[QUEUE_CLASSES];  /* QUEUE_DAEMON in it */
	struct queue_flow own[QUEUE_CLASSES];     /* and its tenant 0 */
	uint32_t passed[QUEUE_CLASSES];
	struct queue_item *orders[QUEUE_ORDERS];
	size_t count; /* jobs that queue_take can give */
};

/* The queue must stay where it is. */
void queue_init(struct queue *queue);

/* Puts a job after the others of its flow. */
void queue_push(struct queue *queue, struct queue_item *item);

/* Takes out the job whose turn it is; NULL: there is none. */
struct queue_item *queue_take(struct queue *queue);

/* A job that was taken runs in slices: no later one of its order is given before it is done. */
void queue_slice(struct queue *queue, struct queue_item *item);

/* Puts a job that was taken in front of its flow, and costs the flow the turns. */
void queue_return(struct queue *queue, struct queue_item *item, uint32_t turns);

/* Ends a job that was taken, and costs its flow the turns. The queue forgets it. */
void queue_done(struct queue *queue, struct queue_item *item, uint32_t turns);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authzen_task: the inside of a request, shared by authzen.c, authzen_batch.c (evaluations) and
 * authzen_search.c (searches).
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/http/authzen.h"
#include "client/http/authzen_entity.h"
#include "client/wire.h"

/* When a batch ends before its last evaluation. */
enum authzen_semantic {
	AUTHZEN_EXECUTE_ALL = 0,
	AUTHZEN_DENY_ON_FIRST_DENY,
	AUTHZEN_PERMIT_ON_FIRST_PERMIT,
};

/* A call ends after the question that takes it past this; the longest one fits after it, within
 * what the daemon reads. */
#define AUTHZEN_CALL_BYTES ((size_t)WIRE_MAX_REQUEST / 2)

struct authzen_batch {
	const json_t *list; /* a view of the request; NULL: the request is the one evaluation */
	enum authzen_semantic semantic;
	size_t count;
	size_t next;     /* the first evaluation of the present call, or of the next one */
	json_t *answers; /* an array of decisions, in the evaluations' order */
	size_t asked;    /* how many of the slots wait for the daemon: those that are NULL */
	size_t slot_count;
	json_t *slots[AUTHZEN_CHUNK]; /* decisions of the present call */
};

struct authzen_search {
	struct authzen_question question;
	uint64_t print; /* of what was asked, in page tokens */
	bool paged;     /* the request has a page */
	size_t limit;
	char *cursor; /* where the next list goes on; "": at its beginning. Owned */
	bool more;    /* there may be more after the cursor */
	unsigned rounds;
	json_t *candidates; /* ids or names that are to be verified */
	size_t asked;       /* this many of them, the first ones, are in the present call */
	json_t *results;    /* entities that were */
};

struct authzen {
	enum authzen_api api;
	struct authzen_scope scope;
	json_t *request;
	struct wire_buf params; /* of the present call */
	const char *method;     /* of the present call */
	struct authzen_batch batch;
	struct authzen_search search;
	bool ended;
	int status;
	char *body; /* NULL after the end: no memory */
};

/* Ends the request with a body, which it takes over. NULL, and a status of 503: no memory. */
void authzen_end(struct authzen *authzen, int status, json_t *body);

/* Ends it with an error for people. */
void authzen_fail(struct authzen *authzen, int status, const char *message);

/* Begins a call of authorize_many with what the configuration says; questions follow. Returns
 * where the array is, for wire_close_array. */
size_t authzen_open_questions(struct authzen *authzen);

/* The pairs that the configuration adds to a call, and how many they are. */
void authzen_put_scope(struct authzen *authzen);
uint32_t authzen_scope_pairs(const struct authzen *authzen);

/* Each reads the request, or ends with 400. */
void authzen_batch_begin(struct authzen *authzen);
void authzen_search_begin(struct authzen *authzen);

/* Each packs the next call, or ends. */
void authzen_batch_next(struct authzen *authzen);
void authzen_search_next(struct authzen *authzen);

/* Each takes a result of the daemon. False: it is of no known form. */
bool authzen_batch_reply(struct authzen *authzen, struct wire_cursor result);
bool authzen_search_reply(struct authzen *authzen, struct wire_cursor result);

/* True: the error of the daemon says something about the search, which goes on or ended. */
bool authzen_search_refused(
	struct authzen *authzen, const char *code, const char *param, const char *message);

void authzen_batch_finish(struct authzen_batch *batch);
void authzen_search_finish(struct authzen_search *search);

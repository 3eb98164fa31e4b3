/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authzen: the Authorization API 1.0 of the OpenID Foundation (AuthZEN), from a request's body to
 * its answer. Facts: api/authorization-api-1_0.md and
 * certification/authorization-api-1_0-scenario.md of https://github.com/openid/authzen.
 *
 * Pure: it parses, says what to ask the daemon, takes what the daemon answered and writes JSON. It
 * knows no HTTP, no socket and no clock. The caller carries the calls:
 *
 *     authzen_begin(AUTHZEN_EVALUATION, &scope, body, len, &authzen);
 *     while (authzen_next(authzen, &call)) {
 *             ... send call.method with call.params, and wait for the reply ...
 *             authzen_reply(authzen, result, result_len);        or authzen_refused(...)
 *     }
 *     answer = authzen_answer(authzen);
 *     authzen_destroy(authzen);
 *
 * What maps to what:
 *
 *     subject   type `user` or `service`: id is a principal's id. `token`: id is a secret. Another
 *               type is a subject that does not exist: unknown_principal.
 *     action    name: a method if it is in capitals (GET, VERSION-CONTROL), else an action.
 *     resource  type: a tree. id: a path; a `/` is put before it unless it has one.
 *     context   ip (an address), mfa_at and time (RFC 3339, or an integer of Unix seconds) are
 *               facts. One of another type, or with no such text, is unknown, as if it were absent.
 *
 *     properties, other members of context: facts of the policy (authzen_facts.h).
 *
 * Unknown members are ignored.
 *
 * A batch asks at most AUTHZEN_CHUNK questions in one call, and then lets others ask. With
 * deny_on_first_deny and permit_on_first_permit it asks one at a time, so that what stands after
 * the end is never asked, and counts in no quota.
 *
 * Threads: one at a time may use an object; objects share nothing.
 */

#include <stdbool.h>
#include <stddef.h>

#include "client/http/authzen_facts.h"

enum authzen_api {
	AUTHZEN_EVALUATION = 0,
	AUTHZEN_EVALUATIONS,
	AUTHZEN_SUBJECTS, /* the three searches */
	AUTHZEN_RESOURCES,
	AUTHZEN_ACTIONS,
	AUTHZEN_APIS,
};

enum {
	AUTHZEN_MAX_BODY = 256 * 1024,  /* bytes: its JSON values take up to eighty times as much */
	AUTHZEN_MAX_TEXT = 8192,        /* bytes of a type, an id or a name: a long URL */
	AUTHZEN_MAX_EVALUATIONS = 1024, /* as many as one authorize_many may have */
	AUTHZEN_CHUNK = 64,      /* questions of one call: some ten microseconds of a worker */
	AUTHZEN_MAX_PAGE = 1000, /* results of a page, as in the daemon's lists */
	AUTHZEN_DEFAULT_PAGE = 100,
	AUTHZEN_MAX_ROUNDS = 16, /* lists that are read for one page: 1,024 candidates */
};

/* What the configuration says of each question. A text may be NULL; none is copied, so they must
 * live as long as the object. */
struct authzen_scope {
	const char *service;
	const char *environment;
	const char *tenant;
	struct authzen_allowed allowed; /* facts of the principal that callers may state */
};

/* One request, made by authzen_begin and freed by authzen_destroy. */
struct authzen;

/* How much memory the JSON values of a request's answer may take, roughly: an evaluation is two
 * bytes of the body or more, and its decision about 1,200. */
size_t authzen_answer_memory(enum authzen_api api, size_t body_len);

/* Begins a request with its body, which is not kept. A body that is wrong is not an error here: the
 * answer says so. Returns 0, or -ENOMEM. */
int authzen_begin(enum authzen_api api, const struct authzen_scope *scope, const void *body,
	size_t len, struct authzen **out);

/* Frees it and wipes what it packed; NULL is allowed. */
void authzen_destroy(struct authzen *authzen);

/* A call to the daemon: a method and its packed parameters, valid until the reply is given. It may
 * hold a secret. */
struct authzen_call {
	const char *method;
	const void *params;
	size_t len;
};

/* True: the daemon is to be asked this, and then authzen_reply or authzen_refused called. False:
 * the answer is complete. */
bool authzen_next(struct authzen *authzen, struct authzen_call *out);

/* The last call once more, to be asked again when its connection ended before the reply. */
struct authzen_call authzen_last(const struct authzen *authzen);

/* The daemon's result of the last call, packed. It is not kept. */
void authzen_reply(struct authzen *authzen, const void *result, size_t len);

/* The daemon answered with an error. */
void authzen_refused(
	struct authzen *authzen, const char *code, const char *param, const char *message);

/* No answer came: no daemon, or the deadline. The request ends with 503. */
void authzen_unavailable(struct authzen *authzen);

/* There is no memory for the question. The request ends with 503. */
void authzen_overloaded(struct authzen *authzen);

/* An answer: the HTTP status, and the body, JSON of len bytes. A body of an error is a string. The
 * bytes belong to the object. */
struct authzen_answer {
	int status;
	const char *body;
	size_t len;
};

/* After authzen_next returned false. Without memory it is 503 with a body of a constant. */
struct authzen_answer authzen_answer(const struct authzen *authzen);

/* --- around it -------------------------------------------------------------------------------- */

/* The path of an API: "/access/v1/evaluation" and so on. Static. */
const char *authzen_path(enum authzen_api api);

#define AUTHZEN_METADATA_PATH "/.well-known/authzen-configuration"

/* Is it application/json, with parameters or without? NULL is not. */
bool authzen_is_json(const char *content_type);

/* NULL, or what is wrong with the identifier of a decision point: it is an https URL with a host,
 * a port perhaps, and nothing after it. */
const char *authzen_check_identifier(const char *url);

/* The metadata of a decision point with that identifier: JSON for authzen_free_text, or NULL
 * without memory. */
char *authzen_metadata(const char *url);

/* Frees a text that jansson's functions allocated; NULL is allowed. */
void authzen_free_text(char *text);

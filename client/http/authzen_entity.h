/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authzen_entity: subject, action, resource and context of a request, as a question to the daemon.
 * Pure.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/http/authzen_facts.h"
#include "client/wire.h"

/* What is wrong with a request, for people: "subject.id: is missing". Empty: nothing. */
struct authzen_fault {
	char text[256]; /* the longest message of the daemon, and what goes before it */
};

/* Sets a fault, unless there is one. Always returns false. */
bool authzen_fault(struct authzen_fault *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A member of an object that must have this type if it is there. *out is NULL when it is absent or
 * wrong. `where` is the object's name with a dot after it, or empty. False: a fault. */
bool authzen_member(const json_t *object, const char *where, const char *name, json_type type,
	json_t **out, struct authzen_fault *fault);

/* Which entity a search looks for: its id, or the whole action, is ignored. */
enum authzen_sought { AUTHZEN_NOTHING = 0, AUTHZEN_SUBJECT, AUTHZEN_RESOURCE, AUTHZEN_ACTION };

/* Where entities are read from. */
struct authzen_source {
	const json_t *own;      /* the request, or an evaluation of it */
	const json_t *defaults; /* the request, for an evaluation; else NULL */
	const char *where;      /* "evaluations[3]." or "" */
	enum authzen_sought sought;
	const struct authzen_allowed *allowed; /* facts of the subject; NULL: none */
};

/* A question. Texts are views of the request, and "" where the search looks for them. */
struct authzen_question {
	const char *subject_type, *subject_id;
	const char *action;
	const char *resource_type, *resource_id;
	const char *ip; /* NULL: unknown */
	int64_t mfa_at; /* 0: unknown */
	int64_t time;   /* 0: now */
	struct authzen_facts facts;
};

/* Reads a question. An entity of `own` replaces the default as a whole. False: a fault. */
bool authzen_read(const struct authzen_source *source, struct authzen_question *out,
	struct authzen_fault *fault);

/* Checks the entities that are there, for defaults that no evaluation may need. False: a fault. */
bool authzen_check_defaults(const json_t *request, struct authzen_fault *fault);

/* The reason for which no such question has to be asked (`unknown_principal`,
 * `unknown_resource`), or NULL. */
const char *authzen_hopeless(const struct authzen_question *question);

/* Is it a type whose ids are principals' ids? */
bool authzen_is_principal(const char *type);

/* Writes a question as parameters of authorize. */
void authzen_put(struct wire_buf *out, const struct authzen_question *question);

/* Writes subject and facts, as parameters of permissions; returns how many they are. */
uint32_t authzen_put_subject(struct wire_buf *out, const struct authzen_question *question);

/* Writes `TREE:/path`. */
void authzen_put_resource(struct wire_buf *out, const struct authzen_question *question);

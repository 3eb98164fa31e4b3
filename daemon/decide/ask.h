/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ask: the parameters of authorize and authorize_many, read into one checked question.
 *
 * Views into the request: dead after the answer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/decide/given.h"
#include "daemon/decide/subject.h"

/* In the order in which clients usually send them: the search for a field begins after the last
 * one found. */
enum ask_field {
	ASK_TOKEN,
	ASK_PRINCIPAL,
	ASK_METHOD,
	ASK_PATH,
	ASK_TREE,
	ASK_ACTION,
	ASK_RESOURCE,
	ASK_SERVICE,
	ASK_ENVIRONMENT,
	ASK_TENANT,
	ASK_IP,
	ASK_MFA_AT,
	ASK_TIME,
	ASK_FACTS,
	ASK_UNDECLARED,
	ASK_PLAN_FIELDS,
	ASK_EXPLAIN = ASK_PLAN_FIELDS,
	ASK_FIELDS,
	ASK_REQUESTS = ASK_FIELDS, /* authorize_many's own */
	ASK_MANY_FIELDS,
};

/* The rows of a table of fields that all questions have: all of the plan's but the first. */
#define ASK_ROWS                                                                                   \
	[ASK_PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),                              \
	[ASK_METHOD] = WIRE_FIELD("method", WIRE_KIND_TEXT, 0),                                    \
	[ASK_PATH] = WIRE_FIELD("path", WIRE_KIND_TEXT, 0),                                        \
	[ASK_TREE] = WIRE_FIELD("tree", WIRE_KIND_TEXT, 0),                                        \
	[ASK_ACTION] = WIRE_FIELD("action", WIRE_KIND_TEXT, 0),                                    \
	[ASK_RESOURCE] = WIRE_FIELD("resource", WIRE_KIND_TEXT, 0),                                \
	[ASK_SERVICE] = WIRE_FIELD("service", WIRE_KIND_TEXT, 0),                                  \
	[ASK_ENVIRONMENT] = WIRE_FIELD("environment", WIRE_KIND_TEXT, 0),                          \
	[ASK_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),                                    \
	[ASK_IP] = WIRE_FIELD("ip", WIRE_KIND_TEXT, 0),                                            \
	[ASK_MFA_AT] = WIRE_FIELD("mfa_at", WIRE_KIND_TIME, 0),                                    \
	[ASK_TIME] = WIRE_FIELD("time", WIRE_KIND_TIME, 0),                                        \
	[ASK_FACTS] = WIRE_FIELD("facts", WIRE_KIND_MAP, 0),                                       \
	[ASK_UNDECLARED] = WIRE_FIELD("undeclared", WIRE_KIND_TEXT, 0)

/* In the order of enum ask_field; plan has the first ASK_PLAN_FIELDS of
 * them, authorize the first ASK_FIELDS. */
extern const struct wire_field ask_fields[ASK_MANY_FIELDS];

/* One question, checked. */
struct ask {
	struct subject_ask who;
	struct pol_str service;
	struct pol_str tree;
	struct pol_str path;
	struct pol_str verb;
	struct pol_ip ip;
	int64_t mfa_at;
	int64_t time;
	const struct pol_given *given; /* until the thread's next question; NULL: none */
	bool http;
	bool explain;
	bool trusted;     /* the caller may state and see everything */
	bool not_trusted; /* it states what this peer may not */
};

/* NULL; or what is wrong with the request, and then *out_param names the parameter. Comes after
 * given_begin, or given_begin_shared for entries. */
const char *ask_read(const struct call *call, const struct wire_value *values, struct ask *out,
	const char **out_param);

/* The same for a request that nobody has made, about which the caller may know everything. */
const char *ask_read_tried(const struct call *call, const struct wire_value *values,
	struct ask *out, const char **out_param);

/* The same for a request that names no resource: who asks, and the facts. */
const char *ask_read_listing(const struct call *call, const struct wire_value *values,
	struct ask *out, const char **out_param);

/* Adds what is asked to the subject's facts. memo: of ask->path, or NULL. */
void ask_state(const struct ask *ask, struct pol_path_memo *memo, struct subject *subject);

/* Reading this many bytes of a path takes at most as long as a decision. */
#define ASK_PATH_BYTES 64

/* The path as it may be reported: up to its `?`, since a query may hold secrets. */
struct pol_str ask_without_query(struct pol_str path);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * forward: forward authentication, as a web server does it: the request that it sends to authz-http
 * about one of its own, and what it does with the answer. A family is the headers that a kind of
 * web server sends; each listener of authz-http reads one family. No input or output; texts
 * are in the run's arena.
 */

#include "tools/http.h"

enum forward_family {
	FORWARD_NONE = 0,
	FORWARD_NGINX,     /* nginx */
	FORWARD_FORWARDED, /* Caddy, Traefik, HAProxy */
	FORWARD_ENVOY,
	FORWARD_FAMILIES
};

/* A request of a client, as a web server describes it, and where the token stands. */
struct forward_asked {
	const char *path; /* of authz-http: "/check" */
	const char *method;
	const char *target;
	const char *header; /* that has the token; NULL: Authorization, as a bearer token */
	const char *cookie; /* that has the token; NULL: none */
	const char *ip;     /* of the client, in X-Forwarded-For; NULL: not stated */
};

/* "nginx", "forwarded", "envoy"; FORWARD_NONE for another word, NULL for FORWARD_NONE. */
enum forward_family forward_find(const char *name);
const char *forward_name(enum forward_family family);

/* What a listener of this family reads, for people. */
const char *forward_reads(enum forward_family family);

#define FORWARD_HEADERS 4

/* Sets method, target and headers of the request; the headers are put into `out`. The token is
 * app->token. */
void forward_put(struct app *app, enum forward_family family, const struct forward_asked *asked,
	struct http_header out[static FORWARD_HEADERS], struct http_request *request);

/* What an answer to forward_put is. */
enum forward_answer {
	FORWARD_STRANGER = 0, /* not authz-http's */
	FORWARD_REFUSED,      /* the question is wrong for this listener */
	FORWARD_NO_PATH,      /* authz-http has no such path */
	FORWARD_UNAVAILABLE,  /* it could not ask the daemon */
	FORWARD_DENIED,
	FORWARD_ALLOWED,
};

struct forward_decision {
	enum forward_answer answer;
	int status;         /* of the decision; of the answer where there is none */
	const char *reason; /* X-Authz-Reason; "" */
};

struct forward_decision forward_read(enum forward_family family, const struct http_answer *answer);

/* What a reason of authz-http itself says, and what to set; NULL: it is one of the daemon's. */
const char *forward_refusal(const char *reason);

/* What the family's web server does with an answer of this status: "passes the request on". */
const char *forward_effect(enum forward_family family, int status);

/* What a header of authz-http means; NULL: it does not matter here. *out_identity: it is for the
 * application. */
const char *forward_meaning(const char *header, bool *out_identity);

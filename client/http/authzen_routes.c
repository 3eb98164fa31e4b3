/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/authzen_routes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/http/memory.h"

#define JSON "application/json"

/* The value of a header that came once; NULL otherwise. */
static const char *find_once(const struct http_exchange *exchange, const char *name)
{
	const char *found = NULL;
	unsigned count = 0;

	for (size_t i = 0; i < exchange->head.count; i++) {
		const struct http_field *field = &exchange->head.fields[i];

		if (strcasecmp(field->name, name) == 0 && strlen(field->value) == field->len) {
			found = field->value;
			count++;
		}
	}
	return count == 1 ? found : NULL;
}

static void answer(struct http_exchange *exchange, int status, const char *body, size_t len)
{
	const char *id = find_once(exchange, "X-Request-ID");
	const char *headers[5] = { NULL };
	size_t count = 0;

	if (id != NULL) {
		headers[count++] = "X-Request-ID";
		headers[count++] = id;
	}
	if (status == 503) {
		headers[count++] = "Retry-After";
		headers[count++] = "1";
	}
	http_exchange_reply(exchange, status, JSON, body, len, headers);
}

/* --- requests with a body --------------------------------------------------------------------- */

static void carry(struct http_exchange *exchange);
static bool ask(struct http_exchange *exchange, const struct authzen_call *call);

static void on_reply(void *data, int error, const struct authz_reply *reply)
{
	struct http_exchange *exchange = data;
	struct authzen *authzen = exchange->state;
	struct authzen_call call = authzen_last(authzen);

	exchange->asked.id = 0;
	exchange->door->program->metrics.in_flight--;
	if (http_ask_may_repeat(error, &exchange->repeated) && ask(exchange, &call)) {
		return;
	}
	if (error == AUTHZ_OK) {
		authzen_reply(authzen, reply->data, reply->len);
	} else if (error == AUTHZ_EREFUSED && reply->code != NULL && reply->data != NULL) {
		authzen_refused(authzen, reply->code, reply->param, reply->message);
	} else {
		authzen_unavailable(authzen);
	}
	carry(exchange);
}

static bool ask(struct http_exchange *exchange, const struct authzen_call *call)
{
	struct http_program *program = exchange->door->program;
	const struct http_call asked = { call->method, call->params, call->len, 0 };

	if (http_ask_call(&program->ask, &asked, on_reply, exchange, &exchange->asked) !=
		AUTHZ_OK) {
		return false;
	}
	program->metrics.in_flight++;
	return true;
}

/* Asks the next question, or answers. Other requests have their turn before the next one. */
static void carry(struct http_exchange *exchange)
{
	struct authzen *authzen = exchange->state;
	struct authzen_answer done;
	struct authzen_call call;

	http_memory_give(exchange->counted);
	exchange->counted = 0;
	if (authzen_next(authzen, &call)) {
		if (http_memory_take(call.len)) {
			exchange->counted = call.len;
			if (ask(exchange, &call)) {
				return;
			}
			authzen_unavailable(authzen);
		} else {
			authzen_overloaded(authzen);
		}
	}
	done = authzen_answer(authzen);
	answer(exchange, done.status, done.body, done.len);
}

static void finish(void *state)
{
	authzen_destroy(state);
}

/* The tenant of the host that the request was sent to, if the configuration says so. False: of no
 * host that it names. */
static bool read_tenant(const struct http_exchange *exchange, const char **out)
{
	const struct http_listener *listener = exchange->door->listener;

	*out = listener->tenant;
	return !listener->tenant_from_host ||
	       http_request_find_tenant(listener, find_once(exchange, "Host"), out);
}

static void refuse(struct http_exchange *exchange, int status, const char *why)
{
	answer(exchange, status, why, strlen(why));
}

/* The answer is made while others wait, so its memory is taken at once. */
static bool reserve(struct http_exchange *exchange, enum authzen_api api)
{
	size_t values = exchange->body_len * HTTP_MEMORY_VALUES;
	size_t answer = authzen_answer_memory(api, exchange->body_len);

	if (!http_memory_has(values + answer) || !http_memory_take(answer)) {
		return false;
	}
	exchange->reserved = answer;
	return true;
}

static void on_api(struct http_exchange *exchange)
{
	const struct http_listener *listener = exchange->door->listener;
	struct authzen_scope scope = { listener->service, listener->environment, NULL,
		{ listener->principal_facts, listener->principal_fact_count } };
	enum authzen_api api = AUTHZEN_EVALUATION;
	struct authzen *authzen;

	while (!http_request_is_path(exchange->target, authzen_path(api))) {
		api++;
	}
	if (!authzen_is_json(find_once(exchange, "Content-Type"))) {
		refuse(exchange, 400, "\"the request must have one Content-Type: " JSON "\"");
	} else if (!read_tenant(exchange, &scope.tenant)) {
		refuse(exchange, 403, "\"the configuration has no tenant for this host\"");
	} else if (!reserve(exchange, api)) {
		refuse(exchange, 503, "\"no memory left\"");
	} else if (authzen_begin(api, &scope, exchange->body, exchange->body_len, &authzen) < 0) {
		refuse(exchange, 503, "\"no memory left\"");
	} else {
		exchange->state = authzen;
		exchange->finish = finish;
		carry(exchange);
	}
}

static void on_metadata(struct http_exchange *exchange)
{
	char *metadata = authzen_metadata(exchange->door->listener->authzen);

	if (metadata == NULL) {
		refuse(exchange, 503, "\"no memory left\"");
		return;
	}
	answer(exchange, 200, metadata, strlen(metadata));
	authzen_free_text(metadata);
}

void http_authzen_routes(struct http_route out[static HTTP_AUTHZEN_ROUTES])
{
	for (enum authzen_api api = AUTHZEN_EVALUATION; api < AUTHZEN_APIS; api++) {
		out[api] = (struct http_route){ authzen_path(api), "POST", HTTP_MAX_BODY, on_api };
	}
	out[AUTHZEN_APIS] = (struct http_route){ AUTHZEN_METADATA_PATH, "GET", 0, on_metadata };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/authzen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/http/authzen_task.h"

/* The body when there is no memory for another one. */
#define NO_MEMORY "\"no memory left\""

/* Bytes of a decision or an entity of an answer. */
#define MAX_ITEM ((size_t)1536)

/* The message around the parameters has less than a kilobyte. */
#define MAX_PARAMS ((size_t)WIRE_MAX_REQUEST - 1024)

void authzen_free_text(char *text)
{
	json_free_t free_text;

	json_get_alloc_funcs(NULL, &free_text);
	free_text(text);
}

void authzen_end(struct authzen *authzen, int status, json_t *body)
{
	authzen->ended = true;
	authzen->status = status;
	authzen_free_text(authzen->body);
	authzen->body = body != NULL ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	if (authzen->body == NULL) {
		authzen->status = 503;
	}
	json_decref(body);
}

void authzen_fail(struct authzen *authzen, int status, const char *message)
{
	authzen_end(authzen, status, json_string(message));
}

uint32_t authzen_scope_pairs(const struct authzen *authzen)
{
	const struct authzen_scope *scope = &authzen->scope;

	return (scope->service != NULL ? 1 : 0) + (scope->environment != NULL ? 1 : 0) +
	       (scope->tenant != NULL ? 1 : 0);
}

void authzen_put_scope(struct authzen *authzen)
{
	const struct {
		const char *name, *text;
	} pairs[] = {
		{ "service", authzen->scope.service },
		{ "environment", authzen->scope.environment },
		{ "tenant", authzen->scope.tenant },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		if (pairs[i].text != NULL) {
			wire_put_cstr(&authzen->params, pairs[i].name);
			wire_put_cstr(&authzen->params, pairs[i].text);
		}
	}
}

size_t authzen_open_questions(struct authzen *authzen)
{
	authzen->method = "authorize_many";
	wire_buf_wipe(&authzen->params);
	wire_put_map(&authzen->params, authzen_scope_pairs(authzen) + 1);
	authzen_put_scope(authzen);
	wire_put_cstr(&authzen->params, "requests");
	return wire_open_array(&authzen->params);
}

static bool is_search(const struct authzen *authzen)
{
	return authzen->api >= AUTHZEN_SUBJECTS;
}

/* A name that comes twice, a NUL and text that is not UTF-8 are refused too: programs differ in
 * what they make of them. jansson bounds the depth, at 2,048. */
static void parse(struct authzen *authzen, const char *body, size_t len)
{
	struct authzen_fault fault = { "" };
	json_error_t error;

	if (len == 0) {
		authzen_fail(authzen, 400, "the body is empty");
		return;
	}
	if (len > AUTHZEN_MAX_BODY) {
		authzen_fail(authzen, 400, "the body is too large");
		return;
	}
	authzen->request = json_loadb(body, len, JSON_REJECT_DUPLICATES, &error);
	if (authzen->request == NULL && json_error_code(&error) == json_error_out_of_memory) {
		authzen_end(authzen, 503, NULL);
	} else if (authzen->request == NULL) {
		/* jansson's text may quote the body, and with it a secret. */
		authzen_fault(&fault, "the body is not JSON: line %d, column %d", error.line,
			error.column);
		authzen_fail(authzen, 400, fault.text);
	} else if (!json_is_object(authzen->request)) {
		authzen_fail(authzen, 400, "the body must be an object");
	}
}

size_t authzen_answer_memory(enum authzen_api api, size_t body_len)
{
	size_t items = api == AUTHZEN_EVALUATION ? 1 : AUTHZEN_MAX_PAGE;

	if (api == AUTHZEN_EVALUATIONS) {
		items = body_len / 2 < AUTHZEN_MAX_EVALUATIONS ? body_len / 2
							       : AUTHZEN_MAX_EVALUATIONS;
	}
	return items * MAX_ITEM;
}

int authzen_begin(enum authzen_api api, const struct authzen_scope *scope, const void *body,
	size_t len, struct authzen **out)
{
	struct authzen *authzen = calloc(1, sizeof *authzen);

	if (authzen == NULL) {
		return -ENOMEM;
	}
	authzen->api = api;
	authzen->scope = *scope;
	wire_buf_init(&authzen->params, MAX_PARAMS);
	parse(authzen, body, len);
	if (!authzen->ended && is_search(authzen)) {
		authzen_search_begin(authzen);
	} else if (!authzen->ended) {
		authzen_batch_begin(authzen);
	}
	*out = authzen;
	return 0;
}

void authzen_destroy(struct authzen *authzen)
{
	if (authzen == NULL) {
		return;
	}
	authzen_batch_finish(&authzen->batch);
	authzen_search_finish(&authzen->search);
	json_decref(authzen->request);
	wire_buf_finish(&authzen->params);
	authzen_free_text(authzen->body);
	free(authzen);
}

struct authzen_call authzen_last(const struct authzen *authzen)
{
	return (struct authzen_call){
		.method = authzen->method,
		.params = authzen->params.data,
		.len = authzen->params.len,
	};
}

bool authzen_next(struct authzen *authzen, struct authzen_call *out)
{
	if (!authzen->ended && is_search(authzen)) {
		authzen_search_next(authzen);
	} else if (!authzen->ended) {
		authzen_batch_next(authzen);
	}
	/* All else that a question has fits. */
	if (!authzen->ended && authzen->params.status == WIRE_ELIMIT) {
		authzen_fail(authzen, 400, "there are too many properties, or they are too large");
	}
	if (!authzen->ended && authzen->params.status != WIRE_OK) {
		authzen_end(authzen, 503, NULL);
	}
	if (authzen->ended) {
		return false;
	}
	*out = authzen_last(authzen);
	return true;
}

void authzen_reply(struct authzen *authzen, const void *result, size_t len)
{
	struct wire_cursor cursor = wire_cursor_of(result, len);
	bool good = is_search(authzen) ? authzen_search_reply(authzen, cursor)
				       : authzen_batch_reply(authzen, cursor);

	if (!good) {
		authzen_fail(authzen, 503, "the answer of the daemon cannot be read");
	}
}

void authzen_refused(
	struct authzen *authzen, const char *code, const char *param, const char *message)
{
	struct authzen_fault fault = { "" };

	if (is_search(authzen) && authzen_search_refused(authzen, code, param, message)) {
		return;
	}
	/* The only mistake of the caller that is left: facts that are too large. */
	if (strcmp(code, "invalid_request") == 0 && param != NULL &&
		strstr(param, "facts") != NULL) {
		authzen_fault(&fault, "%s", message);
		authzen_fail(authzen, 400, fault.text);
		return;
	}
	authzen_fault(&fault, "the daemon refused the question: %s", message);
	authzen_fail(authzen,
		strcmp(code, "overloaded") == 0 || strcmp(code, "stale") == 0 ? 503 : 500,
		fault.text);
}

void authzen_unavailable(struct authzen *authzen)
{
	authzen_fail(authzen, 503, "the daemon does not answer");
}

void authzen_overloaded(struct authzen *authzen)
{
	authzen_end(authzen, 503, NULL);
}

struct authzen_answer authzen_answer(const struct authzen *authzen)
{
	const char *body = authzen->body != NULL ? authzen->body : NO_MEMORY;

	return (struct authzen_answer){ authzen->status, body, strlen(body) };
}

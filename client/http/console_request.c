/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/console_request.h"

#include <string.h>

#include "client/authz.h"
#include "client/http/json.h"

/* Parameters that say who calls: the program alone adds them. */
static const char *const callers[] = { "token", "impersonate" };

static bool fail(
	struct http_console_error *err, const char *code, const char *param, const char *message)
{
	err->code = code;
	wire_error_set(&err->text, WIRE_INVALID_REQUEST, (struct wire_str){ param, strlen(param) },
		"%s", message);
	return false;
}

static bool no_memory(struct http_console_error *err)
{
	return fail(err, "overloaded", "", HTTP_CONSOLE_NO_MEMORY);
}

static struct wire_str text_of(const json_t *value)
{
	return (struct wire_str){ json_string_value(value), json_string_length(value) };
}

/* An object with these members and no others. NULL: *err says why. */
static json_t *parse(
	const char *body, size_t len, const char *const *members, struct http_console_error *err)
{
	json_error_t error;
	json_t *object, *value;
	const char *key;

	object = json_loadb(len > 0 ? body : "", len, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL && json_error_code(&error) == json_error_out_of_memory) {
		no_memory(err);
		return NULL;
	}
	if (!json_is_object(object)) {
		fail(err, "invalid_request", "", "the body is not a JSON object");
		json_decref(object);
		return NULL;
	}
	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (members[i] != NULL && strcmp(members[i], key) != 0) {
			i++;
		}
		if (members[i] == NULL) {
			/* The name is not repeated: it may be anything. */
			fail(err, "invalid_request", "", "the body has a member that is unknown");
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* --- a call ----------------------------------------------------------------------------------- */

static void put_text(struct wire_buf *buf, const char *name, struct wire_str text)
{
	wire_put_cstr(buf, name);
	wire_put_str(buf, text);
}

/* The map of parameters: the page's, who calls, and an id by which it may be sent twice. */
static const char *pack(struct http_console_call *call, const json_t *params,
	const struct http_console_caller *caller)
{
	bool add_id = call->method->again == HTTP_CONSOLE_REQUEST_ID &&
		      json_object_get(params, "request_id") == NULL;
	uint32_t count = (uint32_t)json_object_size(params) + (caller->token.ptr != NULL) +
			 (caller->impersonate.ptr != NULL) + add_id;
	char id[AUTHZ_REQUEST_ID_SIZE];
	const char *wrong = NULL, *key;
	json_t *value;

	wire_buf_init(&call->params, WIRE_MAX_REQUEST);
	wire_put_map(&call->params, count);
	json_object_foreach((json_t *)(uintptr_t)params, key, value)
	{
		wire_put_cstr(&call->params, key);
		wrong = wrong == NULL ? http_json_to_wire(value, &call->params) : wrong;
	}
	if (caller->token.ptr != NULL) {
		put_text(&call->params, callers[0], caller->token);
	}
	if (caller->impersonate.ptr != NULL) {
		put_text(&call->params, callers[1], caller->impersonate);
	}
	if (add_id) {
		if (authz_request_id(id) != AUTHZ_OK) {
			return "gets no random number";
		}
		put_text(&call->params, "request_id", (struct wire_str){ id, sizeof id - 1 });
	}
	return wrong;
}

/* Takes what is right about the members of the call. */
static bool read_members(struct http_console_call *call, struct http_console_error *err)
{
	const json_t *method = json_object_get(call->body, "method");
	const json_t *params = json_object_get(call->body, "params");

	if (!json_is_string(method)) {
		return fail(err, "invalid_request", "method", "name a method, as in keys.list");
	}
	if (params == NULL && json_object_set_new(call->body, "params", json_object()) != 0) {
		return no_memory(err);
	}
	if (params != NULL && !json_is_object(params)) {
		return fail(err, "invalid_request", "params", "must be an object");
	}
	for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++) {
		if (json_object_get(params, callers[i]) != NULL) {
			return fail(err, "invalid_request", callers[i],
				"leave it out: the console itself says who calls");
		}
	}
	call->method = http_console_find_method(text_of(method));
	if (call->method == NULL && !http_console_is_local(text_of(method))) {
		return fail(err, "unknown_method", "", "the console does not pass on this method");
	}
	return true;
}

bool http_console_read_call(const char *body, size_t len, const struct http_console_caller *caller,
	struct http_console_call *out, struct http_console_error *err)
{
	static const char *const members[] = { "method", "params", NULL };
	const char *wrong;
	const json_t *params;

	*out = (struct http_console_call){ .body = parse(body, len, members, err) };
	if (out->body == NULL || !read_members(out, err)) {
		http_console_finish_call(out);
		return false;
	}
	if (out->method == NULL) {
		return true;
	}
	params = json_object_get(out->body, "params");
	wrong = pack(out, params, caller);
	out->everywhere = json_is_true(json_object_get(params, "everywhere"));
	if (wrong == NULL && out->params.status == WIRE_OK) {
		json_decref(out->body);
		out->body = NULL;
		return true;
	}
	if (wrong != NULL) {
		fail(err, "invalid_request", "params", wrong);
	} else if (out->params.status == WIRE_ELIMIT) {
		fail(err, "invalid_request", "params", "too large");
	} else {
		no_memory(err);
	}
	http_console_finish_call(out);
	return false;
}

bool http_console_make_call(
	const char *method, const struct http_console_caller *caller, struct http_console_call *out)
{
	json_t *params = json_object();
	bool good;

	*out = (struct http_console_call){
		.method = http_console_find_method((struct wire_str){ method, strlen(method) }),
	};
	good = params != NULL && pack(out, params, caller) == NULL && out->params.status == WIRE_OK;
	json_decref(params);
	if (!good) {
		http_console_finish_call(out);
	}
	return good;
}

const char *http_console_local_method(const struct http_console_call *call)
{
	return json_string_value(json_object_get(call->body, "method"));
}

const json_t *http_console_local_params(const struct http_console_call *call)
{
	return json_object_get(call->body, "params");
}

void http_console_finish_call(struct http_console_call *call)
{
	json_decref(call->body);
	call->body = NULL;
	wire_buf_finish(&call->params);
}

/* --- a ticket --------------------------------------------------------------------------------- */

json_t *http_console_read_ticket(const char *body, size_t len, struct http_console_error *err)
{
	static const char *const members[] = { "ticket", NULL };
	json_t *object = parse(body, len, members, err);

	if (object != NULL && !json_is_string(json_object_get(object, "ticket"))) {
		fail(err, "invalid_request", "ticket", "must be the text of a one-time link");
		json_decref(object);
		return NULL;
	}
	return object;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_fuzz: any bytes as the body of a call. What is passed on is a method of the list with one
 * whole map, in which the page has not said who calls; written as JSON again, it is the page's own
 * parameters and what the program added.
 */
#include "client/http/console_request.h"
#include "client/http/json.h"
#include "tests/fuzz/fuzz.h"

static const struct http_console_caller caller = { .token = { "who calls", 9 } };

static json_t *written(const struct wire_buf *packed)
{
	struct wire_buf text;
	json_error_t error;
	json_t *value;

	wire_buf_init(&text, 8 * WIRE_MAX_REQUEST);
	http_json_write(wire_cursor_of(packed->data, packed->len), &text);
	fuzz_require(text.status == WIRE_OK);
	value = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	wire_buf_finish(&text);
	fuzz_require(json_is_object(value));
	return value;
}

static void judge(const struct http_console_call *call, const char *body, size_t size)
{
	json_error_t error;
	json_t *own = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error);
	json_t *params = written(&call->params), *sent = json_object_get(own, "params");
	struct wire_walk walk;
	size_t len = 0;

	wire_walk_init(&walk, WIRE_MAX_REQUEST);
	fuzz_require(wire_walk(&walk, call->params.data, call->params.len, &len) == WIRE_COMPLETE);
	fuzz_require(len == call->params.len);
	fuzz_require(strcmp(json_string_value(json_object_get(params, "token")), "who calls") == 0);
	json_object_del(params, "token");
	if (json_object_get(sent, "request_id") == NULL) {
		json_object_del(params, "request_id");
	}
	fuzz_require(sent != NULL ? json_equal(params, sent) : json_object_size(params) == 0);
	json_decref(params);
	json_decref(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	struct http_console_error error;
	struct http_console_call call;

	if (http_console_read_call(copy, size, &caller, &call, &error)) {
		if (call.method != NULL) {
			judge(&call, copy, size);
		} else {
			fuzz_require(strncmp(http_console_local_method(&call), "folder.", 7) == 0);
			fuzz_require(json_is_object(http_console_local_params(&call)));
		}
		http_console_finish_call(&call);
	} else {
		fuzz_require(call.body == NULL && call.params.data == NULL);
		fuzz_require(http_console_status(
				     (struct wire_str){ error.code, strlen(error.code) }) >= 400);
		fuzz_require(error.text.message[0] != '\0');
	}
	free(copy);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* console_answer: what the console answers. */
#include <string.h>

#include "client/http/console_internal.h"
#include "client/http/json.h"
#include "client/http/memory.h"

void http_console_begin_answer(struct wire_buf *out)
{
	wire_buf_init(out, HTTP_CONSOLE_MAX_ANSWER);
}

void http_console_put(struct wire_buf *out, const char *text)
{
	wire_put_raw(out, text, strlen(text));
}

void http_console_put_member(struct wire_buf *out, const char *name, const char *text)
{
	http_console_put(out, name);
	if (text == NULL) {
		http_console_put(out, "null");
	} else {
		http_json_write_text((struct wire_str){ text, strlen(text) }, out);
	}
}

const char *http_console_mode(const struct http_exchange *exchange)
{
	return exchange->door->console->is_local ? "local" : "team";
}

void http_console_answer_error(struct http_exchange *exchange, int status, const char *code,
	const struct wire_error *error)
{
	struct wire_buf out;

	http_console_begin_answer(&out);
	http_console_put_member(&out, "{\"error\":{\"code\":", code);
	http_console_put_member(&out, ",\"message\":", error->message);
	if (error->param[0] != '\0') {
		http_console_put_member(&out, ",\"param\":", error->param);
	}
	http_console_put(&out, "}");
	/* By what the page asks to sign in. */
	if (status == 401) {
		http_console_put_member(&out, ",\"mode\":", http_console_mode(exchange));
	}
	http_console_put(&out, "}");
	http_exchange_give(exchange, status, HTTP_CONSOLE_JSON, &out, NULL);
}

int http_console_status_of(const char *code)
{
	return http_console_status((struct wire_str){ code, strlen(code) });
}

void http_console_refuse(struct http_exchange *exchange, const char *code, const char *message)
{
	struct wire_error error;

	wire_error_set(&error, WIRE_INTERNAL, (struct wire_str){ NULL, 0 }, "%s", message);
	http_console_answer_error(exchange, http_console_status_of(code), code, &error);
}

void http_console_refuse_memory(struct http_exchange *exchange)
{
	http_console_refuse(exchange, "overloaded", HTTP_CONSOLE_NO_MEMORY);
}

void http_console_problem(struct http_exchange *exchange, int status, const char *reason)
{
	static const struct {
		const char *reason, *code, *message;
	} texts[] = {
		{ "unknown_path", "not_found", "there is nothing at this path" },
		{ "unknown_method", "invalid_request", "this path has no such HTTP method" },
		{ "body_too_large", "invalid_request", "the body is too large" },
		{ "too_many_headers", "invalid_request", "the request has too many headers" },
		{ "overloaded", "overloaded", HTTP_CONSOLE_NO_MEMORY },
	};
	struct wire_error error = { .code = WIRE_INVALID_REQUEST };
	const char *code = "invalid_request", *message = "the request is malformed";

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (strcmp(reason, texts[i].reason) == 0) {
			code = texts[i].code;
			message = texts[i].message;
		}
	}
	wire_error_set(&error, WIRE_INVALID_REQUEST, (struct wire_str){ NULL, 0 }, "%s", message);
	http_console_answer_error(exchange, status, code, &error);
}

void http_console_give(struct http_exchange *exchange, int status, struct wire_buf *out)
{
	if (out->status == WIRE_OK && http_memory_take(out->cap)) {
		exchange->reserved += out->cap;
		http_exchange_give(exchange, status, HTTP_CONSOLE_JSON, out, NULL);
		return;
	}
	if (out->status == WIRE_ELIMIT) {
		http_console_refuse(exchange, "internal",
			"the answer is too large: ask for fewer at a time, with `limit`");
	} else {
		http_console_refuse_memory(exchange);
	}
	wire_buf_finish(out);
}

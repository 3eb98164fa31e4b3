/* SPDX-License-Identifier: Apache-2.0 */
/* console_call: calls of the daemon and of the program itself, and their answers. */
#include <stdlib.h>
#include <string.h>

#include "client/http/authzen.h"
#include "client/http/console_internal.h"
#include "client/http/json.h"
#include "client/http/memory.h"

/* What becomes of an answer of the daemon. */
struct pending {
	struct http_console_call call;
	/* Before a call that may take minutes, `whoami` is asked: it fails soon when the daemon is
	 * away. method == NULL: no probe. */
	struct http_console_call probe;
	bool is_probing; /* `probe` is outstanding */
	bool is_session; /* the answer to GET /console/session */
	bool may_stand;  /* a change was sent, and no answer came */
};

static int ask(struct http_exchange *exchange);

static void finish_pending(void *state)
{
	struct pending *pending = state;

	http_console_finish_call(&pending->call);
	http_console_finish_call(&pending->probe);
	free(pending);
}

static void answer_session(struct http_exchange *exchange, struct wire_cursor caller)
{
	const struct http_console *console = exchange->door->console;
	struct wire_buf out;

	http_console_begin_answer(&out);
	http_console_put_member(&out, "{\"mode\":", http_console_mode(exchange));
	http_console_put_member(&out, ",\"version\":", AUTHZ_VERSION);
	http_console_put(&out, ",\"caller\":");
	http_json_write(caller, &out);
	http_console_put(&out, console->local != NULL ? ",\"folder\":true" : ",\"folder\":false");
	http_console_put_member(&out, ",\"service\":", console->service);
	http_console_put(&out, "}");
	http_console_give(exchange, 200, &out);
}

/* The call that is outstanding, or to be made. */
static const struct http_console_call *present(const struct pending *pending)
{
	return pending->is_probing ? &pending->probe : &pending->call;
}

/* The daemon's error with all that it says. */
static void answer_refusal(struct http_exchange *exchange, const struct authz_reply *reply)
{
	const char *code = reply->code;
	struct wire_buf out;

	/* This is what the daemon answers for a caller that it does not accept. */
	if (((struct pending *)exchange->state)->is_session && strcmp(code, "forbidden") == 0 &&
		!exchange->door->console->is_local) {
		http_console_refuse(exchange, "unauthenticated", reply->message);
		return;
	}
	if (reply->data == NULL) {
		http_console_refuse(exchange, code, reply->message);
		return;
	}
	http_console_begin_answer(&out);
	http_console_put(&out, "{\"error\":");
	http_json_write(wire_cursor_of(reply->data, reply->len), &out);
	http_console_put(&out, "}");
	http_console_give(exchange, http_console_status_of(code), &out);
}

/* No answer came. */
static void answer_silence(struct http_exchange *exchange, int error)
{
	const struct pending *pending = exchange->state;
	struct wire_buf out;

	if (!pending->may_stand &&
		(error == AUTHZ_ELIMIT || error == AUTHZ_EBUSY || error == AUTHZ_ENOMEM)) {
		http_console_refuse(
			exchange, "overloaded", "too many calls at once: try again in a moment");
		return;
	}
	http_console_begin_answer(&out);
	http_console_put_member(
		&out, "{\"error\":{\"code\":", error == AUTHZ_EPROTO ? "internal" : "no_daemon");
	http_console_put_member(&out, ",\"message\":", authz_strerror(error));
	if (pending->may_stand) {
		http_console_put(&out, ",\"may_stand\":true");
	}
	http_console_put(&out, "}}");
	http_console_give(exchange, error == AUTHZ_EPROTO ? 500 : 503, &out);
}

/* Makes the call that the probe was for, or asks again; true: a call is outstanding. Otherwise
 * *error is what to answer. */
static bool goes_on(struct http_exchange *exchange, int *error)
{
	struct pending *pending = exchange->state;

	if (*error == AUTHZ_OK && pending->is_probing) {
		pending->is_probing = false;
		*error = ask(exchange);
		if (*error == AUTHZ_OK) {
			return true;
		}
	}
	if (present(pending)->method->again == HTTP_CONSOLE_ONCE ||
		!http_ask_may_repeat(*error, &exchange->repeated)) {
		return false;
	}
	pending->is_probing = pending->probe.method != NULL;
	return ask(exchange) == AUTHZ_OK;
}

static void answer_result(struct http_exchange *exchange, struct wire_cursor result)
{
	struct wire_buf out;

	http_console_begin_answer(&out);
	http_console_put(&out, "{\"result\":");
	http_json_write(result, &out);
	http_console_put(&out, "}");
	http_console_give(exchange, 200, &out);
}

static void answer_reply(struct http_exchange *exchange, int error, const struct authz_reply *reply)
{
	const struct pending *pending = exchange->state;

	if (error == AUTHZ_EREFUSED && pending->may_stand && pending->is_probing) {
		answer_silence(exchange, AUTHZ_ECLOSED); /* the call's, before it was repeated */
	} else if (error == AUTHZ_EREFUSED && reply->code != NULL) {
		answer_refusal(exchange, reply);
	} else if (error < 0) {
		answer_silence(exchange, error);
	} else if (pending->is_session) {
		answer_session(exchange, wire_cursor_of(reply->data, reply->len));
	} else {
		answer_result(exchange, wire_cursor_of(reply->data, reply->len));
	}
}

static void on_reply(void *data, int error, const struct authz_reply *reply)
{
	struct http_exchange *exchange = data;
	struct pending *pending = exchange->state;

	exchange->asked.id = 0;
	exchange->door->program->metrics.in_flight--;
	if (!pending->is_probing && (error == AUTHZ_ECLOSED || error == AUTHZ_ETIMEOUT)) {
		pending->may_stand = pending->call.method->again != HTTP_CONSOLE_READS;
	}
	if (!goes_on(exchange, &error)) {
		http_memory_give(exchange->counted);
		exchange->counted = 0;
		answer_reply(exchange, error, reply);
	}
}

static bool is_long(const struct http_console_call *call)
{
	return call->everywhere || call->method->long_work;
}

static unsigned timeout_of(const struct http_console_call *call)
{
	if (is_long(call)) {
		return HTTP_CONSOLE_LONG_TIMEOUT;
	}
	return call->method->again == HTTP_CONSOLE_READS ? HTTP_CONSOLE_READ_TIMEOUT
							 : HTTP_CONSOLE_TIMEOUT;
}

static int ask(struct http_exchange *exchange)
{
	struct http_program *program = exchange->door->program;
	const struct http_console_call *call = present(exchange->state);
	const struct http_call asked = {
		.method = call->method->name,
		.params = call->params.data,
		.len = call->params.len,
		.timeout_ms = timeout_of(call),
	};
	struct http_ask *managing =
		program->managing.count > 0 ? &program->managing : &program->ask;
	int r = http_ask_call(managing, &asked, on_reply, exchange, &exchange->asked);

	program->metrics.in_flight += r == AUTHZ_OK;
	return r;
}

static void pass_on(struct http_exchange *exchange)
{
	struct pending *pending = exchange->state;
	size_t bytes = pending->call.params.cap + pending->probe.params.cap;
	int r;

	if (!http_memory_take(bytes)) {
		http_console_refuse_memory(exchange);
		return;
	}
	exchange->counted = bytes;
	pending->is_probing = pending->probe.method != NULL;
	r = ask(exchange);
	if (r < 0) {
		answer_silence(exchange, r);
	}
}

/* NULL: answered. */
static struct pending *begin_pending(struct http_exchange *exchange)
{
	struct pending *pending = calloc(1, sizeof *pending);

	if (pending == NULL) {
		http_console_refuse_memory(exchange);
		return NULL;
	}
	exchange->state = pending;
	exchange->finish = finish_pending;
	return pending;
}

/* A call that the program answers itself. */
static void answer_local(struct http_exchange *exchange, const struct http_console_call *call)
{
	const struct http_console_local *local = exchange->door->console->local;
	const char *code;
	json_t *document;
	struct wire_buf out;
	char *text;

	if (local == NULL) {
		http_console_refuse(
			exchange, "unknown_method", "this console has no policy folder");
		return;
	}
	document = local->call(
		local->context, http_console_local_method(call), http_console_local_params(call));
	text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
	code = json_string_value(json_object_get(json_object_get(document, "error"), "code"));
	http_console_begin_answer(&out);
	if (text == NULL) {
		out.status = WIRE_ENOMEM;
	} else {
		http_console_put(&out, text);
	}
	http_console_give(exchange, code != NULL ? http_console_status_of(code) : 200, &out);
	json_decref(document);
	authzen_free_text(text);
}

void http_console_on_call(struct http_exchange *exchange)
{
	struct http_console_caller caller;
	struct http_console_error error;
	struct pending *pending;

	if (!http_console_admit(exchange, HTTP_CONSOLE_CHANGE) ||
		!http_console_find_caller(exchange, &caller)) {
		return;
	}
	if (!http_memory_has(exchange->body_len * HTTP_MEMORY_VALUES)) {
		http_console_refuse_memory(exchange);
		return;
	}
	pending = begin_pending(exchange);
	if (pending == NULL) {
		return;
	}
	if (!http_console_read_call(
		    exchange->body, exchange->body_len, &caller, &pending->call, &error)) {
		http_console_answer_error(
			exchange, http_console_status_of(error.code), error.code, &error.text);
	} else if (pending->call.method == NULL) {
		answer_local(exchange, &pending->call);
	} else if (is_long(&pending->call) &&
		   !http_console_make_call("whoami", &caller, &pending->probe)) {
		http_console_refuse_memory(exchange);
	} else {
		pass_on(exchange);
	}
}

void http_console_on_session_get(struct http_exchange *exchange)
{
	struct http_console_caller caller;
	struct pending *pending;

	if (!http_console_admit(exchange, HTTP_CONSOLE_READ) ||
		!http_console_find_caller(exchange, &caller)) {
		return;
	}
	pending = begin_pending(exchange);
	if (pending == NULL) {
		return;
	}
	pending->is_session = true;
	if (http_console_make_call("whoami", &caller, &pending->call)) {
		pass_on(exchange);
	} else {
		http_console_refuse_memory(exchange);
	}
}

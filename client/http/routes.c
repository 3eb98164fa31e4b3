/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/routes.h"

#include "client/http/authzen_routes.h"
#include "client/http/console.h"
#include "client/wire.h"
#include "daemon/host/log.h"

/* A page of metrics has a few hundred lines. */
enum { MAX_METRICS = 256 * 1024 };

/* --- decisions -------------------------------------------------------------------------------- */

static void finish_check(struct http_exchange *exchange, const struct http_answer *answer,
	bool allowed, const char *reason)
{
	http_metrics_count(
		&exchange->door->program->metrics, allowed, reason, uv_hrtime() - exchange->begin);
	http_exchange_answer(exchange, answer);
}

static void refuse(struct http_exchange *exchange, int status, const char *reason)
{
	struct http_answer answer;

	http_answer_refuse(
		exchange->door->listener, status, reason, exchange->question.has_token, &answer);
	finish_check(exchange, &answer, false, reason);
}

/* What the web server asked cannot be asked of the daemon, or the daemon does not answer. */
static void refuse_error(struct http_exchange *exchange, int error)
{
	if (error == AUTHZ_EINVAL) {
		refuse(exchange, 400, "malformed_request");
	} else {
		refuse(exchange, 503, "unavailable");
	}
}

static int ask(struct http_exchange *exchange);

static void on_decision(void *data, int error, const struct authz_decision *decision)
{
	struct http_exchange *exchange = data;
	struct http_answer answer;

	exchange->asked.id = 0;
	exchange->door->program->metrics.in_flight--;
	if (http_ask_may_repeat(error, &exchange->repeated) && ask(exchange) == AUTHZ_OK) {
		return;
	}
	if (error < 0) {
		refuse_error(exchange, error);
		return;
	}
	http_answer_decide(
		exchange->door->listener, decision, exchange->question.has_token, &answer);
	finish_check(exchange, &answer, http_answer_passes(exchange->door->listener, decision),
		decision->reason);
}

static int ask(struct http_exchange *exchange)
{
	struct http_program *program = exchange->door->program;
	int r = http_ask_check(&program->ask, &exchange->question.request, on_decision, exchange,
		&exchange->asked);

	program->metrics.in_flight += r == AUTHZ_OK;
	return r;
}

void http_routes_check(struct http_exchange *exchange)
{
	struct http_question *question = &exchange->question;
	struct http_answer answer;
	int r;

	http_request_read(exchange->door->listener, &exchange->head, question);
	if (question->outcome == HTTP_REFUSE) {
		refuse(exchange, question->status, question->reason);
		return;
	}
	if (question->outcome == HTTP_PASS) {
		http_answer_pass(exchange->door->listener, &answer);
		finish_check(exchange, &answer, true, "preflight");
		return;
	}
	r = ask(exchange);
	if (r < 0) {
		refuse_error(exchange, r);
	}
}

/* --- state ------------------------------------------------------------------------------------ */

static void on_healthz(struct http_exchange *exchange)
{
	http_exchange_reply(exchange, 200, "text/plain; charset=utf-8", "ok\n", 3, NULL);
}

static void on_ready(void *data, int error, const struct authz_reply *reply)
{
	static const char no[] = "the daemon does not answer\n";
	static const char *const retry[] = { "Retry-After", "1", NULL };
	struct http_exchange *exchange = data;

	(void)reply;
	exchange->asked.id = 0;
	exchange->door->program->metrics.in_flight--;
	/* A refusal is an answer. */
	if (error == AUTHZ_OK || (error == AUTHZ_EREFUSED && reply->data != NULL)) {
		http_exchange_reply(exchange, 200, "text/plain; charset=utf-8", "ready\n", 6, NULL);
	} else {
		http_exchange_reply(
			exchange, 503, "text/plain; charset=utf-8", no, sizeof no - 1, retry);
	}
}

static void write_metrics(struct http_exchange *exchange, const void *status, size_t len)
{
	struct wire_buf page;

	wire_buf_init(&page, MAX_METRICS);
	http_metrics_write(&exchange->door->program->metrics, status, len, &page);
	http_exchange_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
		(const char *)page.data, page.len, NULL);
	wire_buf_finish(&page);
}

static void on_status(void *data, int error, const struct authz_reply *reply)
{
	struct http_exchange *exchange = data;

	exchange->asked.id = 0;
	exchange->door->program->metrics.in_flight--;
	write_metrics(exchange, error == AUTHZ_OK ? reply->data : NULL, reply->len);
}

/* Asks the daemon for its status; without an answer the callback gets the error. */
static void ask_status(struct http_exchange *exchange, authz_on_reply on_reply)
{
	static const struct authz_reply none = { 0 };
	static const struct http_call status = { "status", NULL, 0, 0 };
	struct http_program *program = exchange->door->program;
	int r = http_ask_call(&program->ask, &status, on_reply, exchange, &exchange->asked);

	program->metrics.in_flight++;
	if (r < 0) {
		on_reply(exchange, r, &none);
	}
}

static void on_readyz(struct http_exchange *exchange)
{
	ask_status(exchange, on_ready);
}

static void on_metrics(struct http_exchange *exchange)
{
	ask_status(exchange, on_status);
}

void http_routes(const struct http_config *config, const struct http_listener *listener,
	struct http_route out[static HTTP_MAX_ROUTES])
{
	size_t count = 0;

	out[count++] = (struct http_route){ "/healthz", "GET", 0, on_healthz };
	out[count++] = (struct http_route){ "/readyz", "GET", 0, on_readyz };
	if (config->metrics) {
		out[count++] = (struct http_route){ "/metrics", "GET", 0, on_metrics };
	}
	if (listener->authzen != NULL) {
		http_authzen_routes(out + count);
		count += HTTP_AUTHZEN_ROUTES;
	}
	if (listener->console) {
		http_console_routes(false, out + count);
		count += HTTP_CONSOLE_ROUTES;
	}
	out[count] = (struct http_route){ NULL, NULL, 0, NULL };
}

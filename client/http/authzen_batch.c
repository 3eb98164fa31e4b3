/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "client/http/authzen_reply.h"
#include "client/http/authzen_task.h"

static bool read_semantic(
	const json_t *request, enum authzen_semantic *out, struct authzen_fault *fault)
{
	static const char *const names[] = { "execute_all", "deny_on_first_deny",
		"permit_on_first_permit" };
	json_t *options, *value;

	*out = AUTHZEN_EXECUTE_ALL;
	if (!authzen_member(request, "", "options", JSON_OBJECT, &options, fault) ||
		!authzen_member(
			options, "options.", "evaluations_semantic", JSON_STRING, &value, fault)) {
		return false;
	}
	if (value == NULL) {
		return true;
	}
	for (enum authzen_semantic i = AUTHZEN_EXECUTE_ALL; i <= AUTHZEN_PERMIT_ON_FIRST_PERMIT;
		i++) {
		if (strcmp(json_string_value(value), names[i]) == 0) {
			*out = i;
			return true;
		}
	}
	return authzen_fault(fault, "options.evaluations_semantic: must be execute_all, "
				    "deny_on_first_deny or permit_on_first_permit");
}

/* Reads what concerns the whole batch. */
static bool read_batch(struct authzen *authzen, struct authzen_fault *fault)
{
	struct authzen_batch *batch = &authzen->batch;
	json_t *list = NULL;

	if (authzen->api == AUTHZEN_EVALUATIONS &&
		(!read_semantic(authzen->request, &batch->semantic, fault) ||
			!authzen_member(
				authzen->request, "", "evaluations", JSON_ARRAY, &list, fault))) {
		return false;
	}
	batch->count = json_array_size(list);
	if (batch->count == 0) {
		batch->count = 1;
		return true;
	}
	if (batch->count > AUTHZEN_MAX_EVALUATIONS) {
		return authzen_fault(
			fault, "evaluations: must be at most %d", AUTHZEN_MAX_EVALUATIONS);
	}
	batch->list = list;
	return authzen_check_defaults(authzen->request, fault);
}

void authzen_batch_begin(struct authzen *authzen)
{
	struct authzen_fault fault = { "" };

	authzen->batch.answers = json_array();
	if (authzen->batch.answers == NULL) {
		authzen_end(authzen, 503, NULL);
	} else if (!read_batch(authzen, &fault)) {
		authzen_fail(authzen, 400, fault.text);
	}
}

static json_t *denial(const char *reason, size_t len)
{
	return json_pack("{s:b, s:{s:s%}}", "decision", 0, "context", "reason", reason, len);
}

/* Adds the names of the facts by whose absence it could not be decided. */
static bool add_missing(json_t *denied, struct authzen_decision *decision)
{
	json_t *names = decision->missing_count > 0 ? json_array() : NULL;
	struct wire_str name;

	for (uint32_t i = 0; i < decision->missing_count; i++) {
		if (!authzen_reply_next(&decision->missing, &name) ||
			json_array_append_new(names, json_stringn(name.ptr, name.len)) != 0) {
			json_decref(names);
			return false;
		}
	}
	return names == NULL ||
	       json_object_set_new(json_object_get(denied, "context"), "missing", names) == 0;
}

static json_t *decide(struct authzen_decision *decision)
{
	json_t *denied;

	if (decision->allow) {
		return json_pack("{s:b}", "decision", 1);
	}
	denied = denial(decision->reason.ptr, decision->reason.len);
	if (denied != NULL && !add_missing(denied, decision)) {
		json_decref(denied);
		return NULL;
	}
	return denied;
}

/* An evaluation that is not a question is denied by itself, and the others are answered. */
static json_t *mistake(const char *message)
{
	return json_pack("{s:b, s:{s:s, s:{s:i, s:s}}}", "decision", 0, "context", "reason",
		"invalid_request", "error", "status", 400, "message", message);
}

static bool read_one(const struct authzen *authzen, size_t number, struct authzen_question *out,
	struct authzen_fault *fault)
{
	const struct authzen_batch *batch = &authzen->batch;
	struct authzen_source source = {
		.own = authzen->request, .where = "", .allowed = &authzen->scope.allowed
	};
	char where[32];

	if (batch->list != NULL) {
		snprintf(where, sizeof where, "evaluations[%zu].", number);
		source.own = json_array_get(batch->list, number);
		source.defaults = authzen->request;
		source.where = where;
		if (!json_is_object(source.own)) {
			return authzen_fault(fault, "evaluations[%zu]: must be an object", number);
		}
	}
	return authzen_read(&source, out, fault);
}

/* Packs one evaluation, or decides it here. Without memory the request has ended. */
static void fill_slot(struct authzen *authzen, size_t number)
{
	struct authzen_batch *batch = &authzen->batch;
	struct authzen_question question;
	struct authzen_fault fault = { "" };
	const char *reason = NULL;
	json_t *decided = NULL;

	if (!read_one(authzen, number, &question, &fault)) {
		if (batch->list == NULL) {
			authzen_fail(authzen, 400, fault.text);
			return;
		}
		decided = mistake(fault.text);
	} else {
		reason = authzen_hopeless(&question);
		if (reason == NULL) {
			authzen_put(&authzen->params, &question);
			batch->asked++;
			batch->slots[batch->slot_count++] = NULL;
			return;
		}
		decided = denial(reason, strlen(reason));
	}
	if (decided == NULL) {
		authzen_end(authzen, 503, NULL);
		return;
	}
	batch->slots[batch->slot_count++] = decided;
}

static void end_batch(struct authzen *authzen)
{
	struct authzen_batch *batch = &authzen->batch;

	if (batch->list == NULL) {
		authzen_end(authzen, 200, json_incref(json_array_get(batch->answers, 0)));
		return;
	}
	authzen_end(authzen, 200, json_pack("{s:O}", "evaluations", batch->answers));
}

/* Does this decision end the batch? */
static bool ends(const struct authzen_batch *batch, const json_t *decision)
{
	bool allow = json_is_true(json_object_get(decision, "decision"));

	return (batch->semantic == AUTHZEN_DENY_ON_FIRST_DENY && !allow) ||
	       (batch->semantic == AUTHZEN_PERMIT_ON_FIRST_PERMIT && allow);
}

/* Moves the slots, all decided, to the answers. */
static void settle(struct authzen *authzen)
{
	struct authzen_batch *batch = &authzen->batch;
	bool stop = false;

	for (size_t i = 0; i < batch->slot_count; i++) {
		stop = stop || ends(batch, batch->slots[i]);
		if (json_array_append_new(batch->answers, batch->slots[i]) != 0) {
			authzen_end(authzen, 503, NULL);
		}
		batch->slots[i] = NULL;
	}
	batch->next += batch->slot_count;
	batch->slot_count = 0;
	if (!authzen->ended && (stop || batch->next == batch->count)) {
		end_batch(authzen);
	}
}

void authzen_batch_next(struct authzen *authzen)
{
	struct authzen_batch *batch = &authzen->batch;
	size_t most = batch->semantic == AUTHZEN_EXECUTE_ALL ? AUTHZEN_CHUNK : 1;

	while (!authzen->ended && batch->asked == 0) {
		size_t at = authzen_open_questions(authzen);

		while (!authzen->ended && batch->slot_count < most &&
			batch->next + batch->slot_count < batch->count &&
			authzen->params.len < AUTHZEN_CALL_BYTES) {
			fill_slot(authzen, batch->next + batch->slot_count);
		}
		wire_close_array(&authzen->params, at, (uint32_t)batch->asked);
		if (!authzen->ended && batch->asked == 0) {
			settle(authzen);
		}
	}
}

bool authzen_batch_reply(struct authzen *authzen, struct wire_cursor result)
{
	struct authzen_batch *batch = &authzen->batch;
	struct wire_cursor results;
	struct authzen_decision decision;
	uint32_t count;

	if (!authzen_reply_array(result, "results", &results, &count) || count != batch->asked) {
		return false;
	}
	for (size_t i = 0; i < batch->slot_count; i++) {
		if (batch->slots[i] != NULL) {
			continue;
		}
		if (!authzen_reply_decision(&results, &decision)) {
			return false;
		}
		batch->slots[i] = decide(&decision);
		if (batch->slots[i] == NULL) {
			return false;
		}
	}
	batch->asked = 0;
	settle(authzen);
	return true;
}

void authzen_batch_finish(struct authzen_batch *batch)
{
	for (size_t i = 0; i < batch->slot_count; i++) {
		json_decref(batch->slots[i]);
	}
	json_decref(batch->answers);
}

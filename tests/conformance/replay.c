/* SPDX-License-Identifier: Apache-2.0 */

/*
 * replay: libauthz's replayer of tests/conformance/cases.json: replay FILE. See README.md there.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/authz.h"
#include "client/wire.h"

static void require(bool truth, const char *what)
{
	if (!truth) {
		fprintf(stderr, "replay: %s\n", what);
		exit(1);
	}
}

/* --- JSON and MessagePack --- */

static void put_json(struct wire_buf *buf, json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		wire_put_map(buf, (uint32_t)json_object_size(value));
		json_object_foreach(value, key, item)
		{
			wire_put_cstr(buf, key);
			put_json(buf, item);
		}
		return;
	case JSON_ARRAY:
		wire_put_array(buf, (uint32_t)json_array_size(value));
		json_array_foreach(value, i, item)
		{
			put_json(buf, item);
		}
		return;
	case JSON_STRING:
		wire_put_str(buf,
			(struct wire_str){ json_string_value(value), json_string_length(value) });
		return;
	case JSON_INTEGER:
		wire_put_int(buf, json_integer_value(value));
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		wire_put_bool(buf, json_is_true(value));
		return;
	case JSON_NULL:
		wire_put_nil(buf);
		return;
	case JSON_REAL:
		break;
	}
	require(false, "a number of a case is not an integer");
}

static json_t *read_text(struct wire_cursor *cursor)
{
	struct wire_str text;

	require(wire_read_text(cursor, &text), "a name is not text");
	return json_stringn(text.ptr, text.len);
}

static json_t *read_value(struct wire_cursor *cursor);

static json_t *read_items(struct wire_cursor *cursor)
{
	json_t *array = json_array();
	uint32_t count;

	require(wire_read_array(cursor, &count), "a list is not one");
	for (; count > 0; count--) {
		json_array_append_new(array, read_value(cursor));
	}
	return array;
}

static json_t *read_pairs(struct wire_cursor *cursor)
{
	json_t *object = json_object();
	uint32_t count;

	require(wire_read_map(cursor, &count), "a map is not one");
	for (; count > 0; count--) {
		json_t *key = read_text(cursor);

		json_object_set_new(object, json_string_value(key), read_value(cursor));
		json_decref(key);
	}
	return object;
}

static json_t *read_value(struct wire_cursor *cursor)
{
	int64_t number;
	bool truth;

	switch (wire_peek(cursor)) {
	case WIRE_TEXT:
		return read_text(cursor);
	case WIRE_INT:
		require(wire_read_int(cursor, &number), "a number is too large");
		return json_integer(number);
	case WIRE_BOOL:
		require(wire_read_bool(cursor, &truth), "a bool is not one");
		return json_boolean(truth);
	case WIRE_ARRAY:
		return read_items(cursor);
	case WIRE_MAP:
		return read_pairs(cursor);
	case WIRE_NIL:
	case WIRE_FLOAT:
	case WIRE_EXT:
	case WIRE_NONE:
		break;
	}
	require(wire_skip(cursor), "bytes are not a value");
	return json_null();
}

/* --- outcomes --- */

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text[0] != '\0') {
		json_object_set_new(object, name, json_string(text));
	}
}

static json_t *words_json(const char *text)
{
	json_t *array = json_array();

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		json_array_append_new(array, json_stringn(text, len));
		text += len + (text[len] == ' ');
	}
	return array;
}

static json_t *decision_json(const struct authz_decision *decision)
{
	json_t *object = json_pack("{s:b, s:i, s:s}", "allow", decision->verdict == AUTHZ_ALLOW,
		"status", decision->status, "reason", decision->reason);

	set_text(object, "revision", decision->revision);
	set_text(object, "key", decision->key);
	set_text(object, "principal", decision->principal);
	set_text(object, "tenant", decision->tenant);
	set_text(object, "environment", decision->environment);
	if (decision->renew) {
		json_object_set_new(object, "renew", json_true());
		json_object_set_new(object, "renew_by", json_integer(decision->renew_by));
	}
	if (decision->missing_count > 0) {
		json_object_set_new(object, "missing", words_json(decision->missing));
	}
	if (decision->has_quota) {
		json_object_set_new(object, "quota",
			json_pack("{s:I, s:I, s:I}", "limit", (json_int_t)decision->quota_limit,
				"remaining", (json_int_t)decision->quota_remaining, "reset",
				(json_int_t)decision->quota_reset));
	}
	return object;
}

static json_t *error_json(const struct authz *authz, int error)
{
	struct authz_reply refusal;
	json_t *object;

	if (error == AUTHZ_EINVAL) {
		return json_pack("{s:b}", "invalid", true);
	}
	if (error != AUTHZ_EREFUSED) {
		return json_pack("{s:b}", "unavailable", true);
	}
	authz_refusal(authz, &refusal);
	object = json_pack("{s:s, s:s}", "code", refusal.code, "message", refusal.message);
	set_text(object, "param", refusal.param);
	return json_pack("{s:o}", "error", object);
}

/* --- what a program does --- */

static const char **items_of(const json_t *value)
{
	const char **items = calloc(json_array_size(value) + 1, sizeof *items);

	require(items != NULL, "no memory");
	for (size_t i = 0; i < json_array_size(value); i++) {
		items[i] = json_string_value(json_array_get(value, i));
	}
	return items;
}

static struct authz_fact fact_of(const char *name, const json_t *value)
{
	struct authz_fact fact = { .name = name };

	if (json_is_string(value)) {
		fact.type = AUTHZ_FACT_TEXT;
		fact.text = json_string_value(value);
	} else if (json_is_integer(value)) {
		fact.type = AUTHZ_FACT_INT;
		fact.number = json_integer_value(value);
	} else if (json_is_boolean(value)) {
		fact.type = AUTHZ_FACT_BOOL;
		fact.number = json_is_true(value);
	} else if (json_is_array(value)) {
		fact.type = AUTHZ_FACT_SET;
		fact.items = items_of(value);
		fact.count = json_array_size(value);
	}
	return fact;
}

static void take_facts(json_t *facts, struct authz_request *request)
{
	struct authz_fact *items = calloc(json_object_size(facts) + 1, sizeof *items);
	const char *name;
	json_t *value;

	require(items != NULL, "no memory");
	json_object_foreach(facts, name, value)
	{
		items[request->fact_count++] = fact_of(name, value);
	}
	request->facts = items;
}

static void free_facts(const struct authz_request *request)
{
	for (size_t i = 0; i < request->fact_count; i++) {
		free((void *)(uintptr_t)request->facts[i].items);
	}
	free((void *)(uintptr_t)request->facts);
}

static struct authz_request request_of(const json_t *fields)
{
	static const struct {
		const char *name;
		size_t offset;
	} texts[] = {
		{ "token", offsetof(struct authz_request, token) },
		{ "principal", offsetof(struct authz_request, principal) },
		{ "method", offsetof(struct authz_request, method) },
		{ "path", offsetof(struct authz_request, path) },
		{ "tree", offsetof(struct authz_request, tree) },
		{ "action", offsetof(struct authz_request, action) },
		{ "resource", offsetof(struct authz_request, resource) },
		{ "service", offsetof(struct authz_request, service) },
		{ "environment", offsetof(struct authz_request, environment) },
		{ "tenant", offsetof(struct authz_request, tenant) },
		{ "ip", offsetof(struct authz_request, ip) },
	};
	struct authz_request request = { .token = NULL };
	size_t known = 0;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *text = json_string_value(json_object_get(fields, texts[i].name));

		memcpy((char *)&request + texts[i].offset, &text, sizeof text);
		known += text != NULL;
	}
	request.mfa_at = json_integer_value(json_object_get(fields, "mfa_at"));
	request.time = json_integer_value(json_object_get(fields, "time"));
	known += (json_object_get(fields, "mfa_at") != NULL) +
		 (json_object_get(fields, "time") != NULL);
	if (json_object_get(fields, "facts") != NULL) {
		take_facts(json_object_get(fields, "facts"), &request);
		known++;
	}
	request.ignore_undeclared = json_object_get(fields, "undeclared") != NULL;
	known += request.ignore_undeclared;
	known += json_object_get(fields, "as_of") != NULL; /* of the handle */
	require(known == json_object_size(fields), "a request has a field that authz.h lacks");
	return request;
}

static void set_as_of(struct authz *authz, const json_t *fields)
{
	const char *place = json_string_value(json_object_get(fields, "as_of"));

	require(authz_set_as_of(authz, place) == AUTHZ_OK, "as_of is not a place");
}

static json_t *do_check(struct authz *authz, const json_t *fields)
{
	struct authz_request request = request_of(fields);
	struct authz_decision decision = { .verdict = AUTHZ_ALLOW };
	json_t *got;
	int error;

	set_as_of(authz, fields);
	error = authz_check(authz, &request, &decision);
	free_facts(&request);
	if (error == AUTHZ_OK) {
		return decision_json(&decision);
	}
	got = error_json(authz, error);
	json_object_set_new(got, "allow", json_boolean(decision.verdict == AUTHZ_ALLOW));
	return got;
}

static json_t *do_check_many(struct authz *authz, const json_t *many)
{
	const json_t *entries = json_object_get(many, "requests");
	struct authz_request shared = request_of(json_object_get(many, "shared"));
	size_t count = json_array_size(entries);
	struct authz_request *requests = calloc(count + 1, sizeof *requests);
	struct authz_decision *decisions = calloc(count + 1, sizeof *decisions);
	json_t *items = json_array(), *allows = json_array(), *got;
	int error;

	require(requests != NULL && decisions != NULL, "no memory");
	for (size_t i = 0; i < count; i++) {
		requests[i] = request_of(json_array_get(entries, i));
		decisions[i].verdict = AUTHZ_ALLOW;
	}
	set_as_of(authz, json_object_get(many, "shared"));
	error = authz_check_many(authz, &shared, requests, count, decisions);
	free_facts(&shared);
	for (size_t i = 0; i < count; i++) {
		free_facts(&requests[i]);
	}
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(items, decision_json(&decisions[i]));
		json_array_append_new(allows, json_boolean(decisions[i].verdict == AUTHZ_ALLOW));
	}
	if (error == AUTHZ_OK) {
		got = json_pack("{s:O}", "results", items);
	} else {
		got = error_json(authz, error);
		json_object_set(got, "allows", allows);
	}
	json_decref(items);
	json_decref(allows);
	free(requests);
	free(decisions);
	return got;
}

static json_t *do_call(struct authz *authz, const char *method, json_t *params)
{
	struct authz_reply reply;
	struct wire_cursor result;
	struct wire_buf buf;
	int error;

	wire_buf_init(&buf, AUTHZ_MAX_REQUEST);
	if (params != NULL && json_object_size(params) > 0) {
		put_json(&buf, params);
	}
	require(buf.status == WIRE_OK, "the parameters of a case are too large");
	error = authz_call(authz, method, buf.data, buf.len, &reply);
	wire_buf_finish(&buf);
	if (error != AUTHZ_OK) {
		return error_json(authz, error);
	}
	result = wire_cursor_of(reply.data, reply.len);
	return json_pack("{s:o}", "result", read_value(&result));
}

static json_t *do_one(struct authz *authz, const json_t *what)
{
	const json_t *fields = json_object_get(what, "check");

	if (fields != NULL) {
		return do_check(authz, fields);
	}
	fields = json_object_get(what, "check_many");
	if (fields != NULL) {
		return do_check_many(authz, fields);
	}
	return do_call(authz, json_string_value(json_object_get(what, "call")),
		json_object_get(what, "params"));
}

static void replay(const json_t *one)
{
	const struct authz_options options = {
		.socket = json_string_value(json_object_get(one, "socket")),
		.timeout_ms = (int)json_integer_value(json_object_get(one, "timeout_ms")),
	};
	json_t *got = json_array(), *line, *what;
	struct authz *authz = NULL;
	size_t i;

	require(authz_create(&options, &authz) == AUTHZ_OK, "no handle");
	json_array_foreach(json_object_get(one, "do"), i, what)
	{
		json_array_append_new(got, do_one(authz, what));
	}
	authz_destroy(authz);
	line = json_pack("{s:O, s:o}", "name", json_object_get(one, "name"), "got", got);
	require(line != NULL && json_dumpf(line, stdout, JSON_COMPACT) == 0 &&
			putchar('\n') != EOF && fflush(stdout) == 0,
		"the outcome cannot be printed");
	json_decref(line);
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *file, *one;
	size_t i;

	require(argc == 2, "usage: replay FILE");
	file = json_load_file(argv[1], 0, &error);
	require(file != NULL, "the file cannot be read");
	json_array_foreach(json_object_get(file, "cases"), i, one)
	{
		replay(one);
	}
	json_decref(file);
	return 0;
}

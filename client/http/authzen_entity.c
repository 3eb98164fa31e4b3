/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/authzen_entity.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/http/authzen.h"
#include "policy/text/cidr.h"
#include "policy/text/timetext.h"

bool authzen_fault(struct authzen_fault *fault, const char *format, ...)
{
	va_list args;

	if (fault->text[0] == '\0') {
		va_start(args, format);
		vsnprintf(fault->text, sizeof fault->text, format, args);
		va_end(args);
	}
	return false;
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return "of another type";
}

bool authzen_member(const json_t *object, const char *where, const char *name, json_type type,
	json_t **out, struct authzen_fault *fault)
{
	json_t *value = json_object_get(object, name);

	*out = NULL;
	if (value != NULL && json_typeof(value) != type) {
		return authzen_fault(fault, "%s%s: must be %s", where, name, type_name(type));
	}
	*out = value;
	return true;
}

/* A string that must be there, and no longer than anything that exists. */
static bool read_text(const json_t *entity, const char *where, const char *name, const char **out,
	struct authzen_fault *fault)
{
	json_t *value;

	if (!authzen_member(entity, where, name, JSON_STRING, &value, fault)) {
		return false;
	}
	if (value == NULL) {
		return authzen_fault(fault, "%s%s: is missing", where, name);
	}
	if (json_string_length(value) > AUTHZEN_MAX_TEXT) {
		return authzen_fault(
			fault, "%s%s: must have at most %d bytes", where, name, AUTHZEN_MAX_TEXT);
	}
	*out = json_string_value(value);
	return true;
}

/* The parts of a request, and which members of them a question needs. */
enum part { SUBJECT, ACTION, RESOURCE, PARTS };

struct part_form {
	const char *name;
	const char *members[2]; /* strings that it must have */
	enum authzen_sought sought;
};

static const struct part_form forms[PARTS] = {
	[SUBJECT] = { "subject", { "type", "id" }, AUTHZEN_SUBJECT },
	[ACTION] = { "action", { "name", NULL }, AUTHZEN_ACTION },
	[RESOURCE] = { "resource", { "type", "id" }, AUTHZEN_RESOURCE },
};

/* What is read of a part. */
struct part_read {
	const char *texts[2];
	json_t *properties; /* NULL: none */
};

/* Reads the members of an entity. `without_id`: a search looks for it. */
static bool read_entity(const json_t *entity, const char *where, const struct part_form *form,
	bool without_id, struct part_read *out, struct authzen_fault *fault)
{
	char inside[64];

	snprintf(inside, sizeof inside, "%s%s.", where, form->name);
	for (size_t i = 0; i < (without_id ? 1 : 2) && form->members[i] != NULL; i++) {
		if (!read_text(entity, inside, form->members[i], &out->texts[i], fault)) {
			return false;
		}
	}
	return authzen_member(entity, inside, "properties", JSON_OBJECT, &out->properties, fault);
}

/* The value of a part: the evaluation's own, or the default. */
static bool find(const struct authzen_source *source, const char *name, json_t **out,
	struct authzen_fault *fault)
{
	if (!authzen_member(source->own, source->where, name, JSON_OBJECT, out, fault)) {
		return false;
	}
	return *out != NULL || source->defaults == NULL ||
	       authzen_member(source->defaults, "", name, JSON_OBJECT, out, fault);
}

static bool read_part(const struct authzen_source *source, const struct part_form *form,
	struct part_read *out, struct authzen_fault *fault)
{
	bool sought = source->sought == form->sought;
	json_t *entity;

	*out = (struct part_read){ .texts = { "", "" } };
	if (sought && source->sought == AUTHZEN_ACTION) {
		return true;
	}
	if (!find(source, form->name, &entity, fault)) {
		return false;
	}
	if (entity == NULL) {
		return authzen_fault(fault, "%s%s: is missing", source->where, form->name);
	}
	return read_entity(entity, source->where, form, sought, out, fault);
}

/* A time as RFC 3339 or in Unix seconds. Whatever else it is says nothing: 0. */
static int64_t read_time(const json_t *value)
{
	int64_t time = 0;
	struct pol_str text;

	if (json_is_integer(value)) {
		time = json_integer_value(value);
	} else if (json_is_string(value)) {
		text = (struct pol_str){ json_string_value(value), json_string_length(value) };
		/* A date alone is no date-time. */
		if (memchr(text.ptr, ':', text.len) == NULL ||
			pol_timetext_parse(text, &time) != POL_OK) {
			return 0;
		}
	}
	return time > 0 && time <= WIRE_MAX_TIME ? time : 0;
}

static void read_context(const json_t *context, struct authzen_question *out)
{
	const json_t *ip = json_object_get(context, "ip");
	struct pol_ip address;

	out->ip = NULL;
	if (json_is_string(ip) &&
		pol_cidr_parse_ip((struct pol_str){ json_string_value(ip), json_string_length(ip) },
			&address) == POL_OK) {
		out->ip = json_string_value(ip);
	}
	out->mfa_at = read_time(json_object_get(context, "mfa_at"));
	out->time = read_time(json_object_get(context, "time"));
}

bool authzen_read(const struct authzen_source *source, struct authzen_question *out,
	struct authzen_fault *fault)
{
	struct part_read parts[PARTS];
	json_t *context;

	for (enum part part = 0; part < PARTS; part++) {
		if (!read_part(source, &forms[part], &parts[part], fault)) {
			return false;
		}
	}
	if (!find(source, "context", &context, fault)) {
		return false;
	}
	*out = (struct authzen_question){
		.subject_type = parts[SUBJECT].texts[0],
		.subject_id = parts[SUBJECT].texts[1],
		.action = parts[ACTION].texts[0],
		.resource_type = parts[RESOURCE].texts[0],
		.resource_id = parts[RESOURCE].texts[1],
		.facts = { .subject = parts[SUBJECT].properties,
			.resource = parts[RESOURCE].properties,
			.action = parts[ACTION].properties,
			.context = context,
			.allowed = source->allowed },
	};
	read_context(context, out);
	return true;
}

bool authzen_check_defaults(const json_t *request, struct authzen_fault *fault)
{
	struct part_read read;
	json_t *value;

	for (enum part part = 0; part < PARTS; part++) {
		if (!authzen_member(request, "", forms[part].name, JSON_OBJECT, &value, fault)) {
			return false;
		}
		if (value != NULL && !read_entity(value, "", &forms[part], false, &read, fault)) {
			return false;
		}
	}
	return authzen_member(request, "", "context", JSON_OBJECT, &value, fault);
}

bool authzen_is_principal(const char *type)
{
	return strcmp(type, "user") == 0 || strcmp(type, "service") == 0;
}

/* Can it be the name of a tree? A colon in it would move the border between tree and path. */
static bool is_tree(const char *type)
{
	return type[0] >= 'a' && type[0] <= 'z' &&
	       strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(type);
}

const char *authzen_hopeless(const struct authzen_question *question)
{
	if (!authzen_is_principal(question->subject_type) &&
		strcmp(question->subject_type, "token") != 0) {
		return "unknown_principal";
	}
	return is_tree(question->resource_type) ? NULL : "unknown_resource";
}

/* Methods are in capitals, and nothing else is. */
static bool is_method(const char *name)
{
	return name[0] >= 'A' && name[0] <= 'Z' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen(name);
}

static void put_text(struct wire_buf *out, const char *name, const char *text)
{
	wire_put_cstr(out, name);
	wire_put_cstr(out, text);
}

/* Tree, colon, slash, path, NUL. */
#define RESOURCE_SIZE ((size_t)2 * AUTHZEN_MAX_TEXT + 3)

void authzen_put_resource(struct wire_buf *out, const struct authzen_question *question)
{
	char text[RESOURCE_SIZE];
	int len = snprintf(text, sizeof text, "%s:%s%s", question->resource_type,
		question->resource_id[0] == '/' ? "" : "/", question->resource_id);

	wire_put_str(out, (struct wire_str){ text, (size_t)len });
}

uint32_t authzen_put_subject(struct wire_buf *out, const struct authzen_question *question)
{
	uint32_t pairs = 1;

	put_text(out, authzen_is_principal(question->subject_type) ? "principal" : "token",
		question->subject_id);
	if (question->ip != NULL) {
		put_text(out, "ip", question->ip);
		pairs++;
	}
	if (question->mfa_at != 0) {
		wire_put_cstr(out, "mfa_at");
		wire_put_int(out, question->mfa_at);
		pairs++;
	}
	if (question->time != 0) {
		wire_put_cstr(out, "time");
		wire_put_int(out, question->time);
		pairs++;
	}
	return pairs + authzen_facts_put(out, &question->facts);
}

void authzen_put(struct wire_buf *out, const struct authzen_question *question)
{
	char path[AUTHZEN_MAX_TEXT + 2];
	size_t at = wire_open_map(out);
	uint32_t pairs = authzen_put_subject(out, question);

	if (!is_method(question->action)) {
		put_text(out, "action", question->action);
		wire_put_cstr(out, "resource");
		authzen_put_resource(out, question);
		wire_close_map(out, at, pairs + 2);
		return;
	}
	snprintf(path, sizeof path, "%s%s", question->resource_id[0] == '/' ? "" : "/",
		question->resource_id);
	put_text(out, "method", question->action);
	put_text(out, "path", path);
	put_text(out, "tree", question->resource_type);
	wire_close_map(out, at, pairs + 3);
}

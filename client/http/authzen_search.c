/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/http/authzen_page.h"
#include "client/http/authzen_reply.h"
#include "client/http/authzen_task.h"

/*
 * A search goes in rounds: the daemon lists candidates, then decides about each of them. A
 * candidate is a result when authorize allows it, so a result is what an evaluation would allow,
 * stack and quotas included. What is listed:
 *
 *     subjects   principals.list, those of the kind that the type names
 *     resources  permissions of the subject in the tree: nodes without parameters, and those that
 *                have the values of a place of the subject's
 *     actions    permissions of the subject at the resource
 *
 * Permissions that depend on a condition are no candidates: what is listed is sure.
 */

/* Which entity the API looks for, and the method that lists candidates. */
static const struct search_form {
	enum authzen_sought sought;
	const char *method;
} forms[AUTHZEN_APIS] = {
	[AUTHZEN_SUBJECTS] = { AUTHZEN_SUBJECT, "principals.list" },
	[AUTHZEN_RESOURCES] = { AUTHZEN_RESOURCE, "permissions" },
	[AUTHZEN_ACTIONS] = { AUTHZEN_ACTION, "permissions" },
};

static bool read_search(struct authzen *authzen, struct authzen_fault *fault)
{
	struct authzen_search *search = &authzen->search;
	const struct authzen_source source = {
		.own = authzen->request,
		.where = "",
		.sought = forms[authzen->api].sought,
		.allowed = &authzen->scope.allowed,
	};
	struct authzen_page page;

	if (!authzen_read(&source, &search->question, fault) ||
		!authzen_page_print(authzen->request, source.sought, &search->print, fault) ||
		!authzen_page_read(authzen->request, search->print, &page, fault)) {
		return false;
	}
	search->paged = page.given;
	search->limit = page.limit;
	search->more = true;
	search->cursor = strdup(page.cursor);
	return true;
}

/* Is there nobody and nothing of these types? */
static bool is_hopeless(const struct authzen *authzen)
{
	const struct authzen_question *question = &authzen->search.question;

	return authzen_hopeless(question) != NULL ||
	       (authzen->api == AUTHZEN_SUBJECTS && !authzen_is_principal(question->subject_type));
}

void authzen_search_begin(struct authzen *authzen)
{
	struct authzen_search *search = &authzen->search;
	struct authzen_fault fault = { "" };

	search->candidates = json_array();
	search->results = json_array();
	if (!read_search(authzen, &fault) && fault.text[0] != '\0') {
		authzen_fail(authzen, 400, fault.text);
	} else if (search->candidates == NULL || search->results == NULL ||
		   search->cursor == NULL) {
		authzen_end(authzen, 503, NULL);
	} else if (is_hopeless(authzen)) {
		search->more = false;
	}
}

static size_t room(const struct authzen_search *search)
{
	size_t left = search->limit - json_array_size(search->results);

	return left < AUTHZEN_CHUNK ? left : AUTHZEN_CHUNK;
}

static void put_text(struct wire_buf *out, const char *name, const char *text)
{
	wire_put_cstr(out, name);
	wire_put_cstr(out, text);
}

static void put_page(struct authzen *authzen)
{
	wire_put_cstr(&authzen->params, "limit");
	wire_put_int(&authzen->params, (int64_t)room(&authzen->search));
	if (authzen->search.cursor[0] != '\0') {
		put_text(&authzen->params, "cursor", authzen->search.cursor);
	}
}

static uint32_t page_pairs(const struct authzen_search *search)
{
	return search->cursor[0] != '\0' ? 2 : 1;
}

/* In a call that manages, one tenant is named. */
static bool names_tenant(const struct authzen *authzen)
{
	return authzen->scope.tenant != NULL && strcmp(authzen->scope.tenant, "*") != 0;
}

static void ask_for_list(struct authzen *authzen)
{
	const struct authzen_search *search = &authzen->search;
	const struct authzen_question *question = &search->question;
	struct wire_buf *out = &authzen->params;
	uint32_t pairs = authzen_scope_pairs(authzen);
	size_t at;

	authzen->method = forms[authzen->api].method;
	wire_buf_wipe(out);
	if (authzen->api == AUTHZEN_SUBJECTS) {
		wire_put_map(out, page_pairs(search) + (names_tenant(authzen) ? 1 : 0));
		if (names_tenant(authzen)) {
			put_text(out, "tenant", authzen->scope.tenant);
		}
		put_page(authzen);
		return;
	}
	at = wire_open_map(out);
	pairs += authzen_put_subject(out, question);
	authzen_put_scope(authzen);
	if (authzen->api == AUTHZEN_ACTIONS) {
		/* The resource itself comes before what is below it. */
		wire_put_cstr(out, "limit");
		wire_put_int(out, 1);
		wire_put_cstr(out, "at");
		authzen_put_resource(out, question);
		wire_close_map(out, at, pairs + 2);
		return;
	}
	put_text(out, "tree", question->resource_type);
	put_page(authzen);
	wire_close_map(out, at, pairs + 1 + page_pairs(search));
}

/* The question about one candidate. */
static struct authzen_question about(const struct authzen *authzen, const char *candidate)
{
	struct authzen_question question = authzen->search.question;

	if (authzen->api == AUTHZEN_SUBJECTS) {
		question.subject_id = candidate;
	} else if (authzen->api == AUTHZEN_RESOURCES) {
		question.resource_id = candidate;
	} else {
		question.action = candidate;
	}
	return question;
}

static void ask_about_candidates(struct authzen *authzen)
{
	struct authzen_search *search = &authzen->search;
	size_t count = json_array_size(search->candidates);
	size_t at = authzen_open_questions(authzen), i;

	for (i = 0; i < count && authzen->params.len < AUTHZEN_CALL_BYTES; i++) {
		struct authzen_question question =
			about(authzen, json_string_value(json_array_get(search->candidates, i)));

		authzen_put(&authzen->params, &question);
	}
	search->asked = i;
	wire_close_array(&authzen->params, at, (uint32_t)i);
}

static json_t *page_of(const struct authzen_search *search)
{
	char *token = search->more ? authzen_page_token(search->print, search->cursor) : strdup("");
	json_t *page = token == NULL ? NULL
				     : json_pack("{s:s, s:I}", "next_token", token, "count",
					       (json_int_t)json_array_size(search->results));

	free(token);
	return page;
}

static void end_search(struct authzen *authzen)
{
	struct authzen_search *search = &authzen->search;

	if (search->more || search->paged) {
		authzen_end(authzen, 200,
			json_pack(
				"{s:o, s:O}", "page", page_of(search), "results", search->results));
		return;
	}
	authzen_end(authzen, 200, json_pack("{s:O}", "results", search->results));
}

void authzen_search_next(struct authzen *authzen)
{
	struct authzen_search *search = &authzen->search;

	if (json_array_size(search->candidates) > 0) {
		ask_about_candidates(authzen);
	} else if (search->more && room(search) > 0 && search->rounds < AUTHZEN_MAX_ROUNDS) {
		search->rounds++;
		ask_for_list(authzen);
	} else {
		end_search(authzen);
	}
}

static struct wire_str str_of(const json_t *string)
{
	return (struct wire_str){ json_string_value(string), json_string_length(string) };
}

static bool add_candidate(struct authzen_search *search, const char *text, size_t len)
{
	return len > AUTHZEN_MAX_TEXT ||
	       json_array_append_new(search->candidates, json_stringn(text, len)) == 0;
}

static bool list_subject(struct authzen *authzen, struct wire_cursor item)
{
	const char *type = authzen->search.question.subject_type;
	struct wire_str id, kind;

	if (!authzen_reply_text(item, "id", &id) || !authzen_reply_text(item, "kind", &kind)) {
		return false;
	}
	return !wire_str_equal(kind, (struct wire_str){ type, strlen(type) }) ||
	       add_candidate(&authzen->search, id.ptr, id.len);
}

/* Is it a candidate or a result of this page? */
static bool is_listed(const struct authzen_search *search, struct wire_str id)
{
	json_t *value;
	size_t i;

	json_array_foreach(search->candidates, i, value)
	{
		if (wire_str_equal(id, str_of(value))) {
			return true;
		}
	}
	json_array_foreach(search->results, i, value)
	{
		if (wire_str_equal(id, str_of(json_object_get(value, "id")))) {
			return true;
		}
	}
	return false;
}

/* Is the item held only on a condition? With the properties of the request it may be false. */
static bool is_sometimes(struct wire_cursor item)
{
	struct wire_cursor when;

	return authzen_reply_find(item, "when", &when) && !wire_at_end(&when);
}

/* The path of `TREE:/path` without its slash; the root alone keeps it. A parameter has no id. But
 * `{name...}` matches the path before it too, unless the node there has permissions of its own:
 * then that one is listed already, on this page or on one before. */
static bool list_resource(struct authzen *authzen, struct wire_cursor item)
{
	struct authzen_search *search = &authzen->search;
	struct wire_str text;
	const char *colon, *brace;

	if (!authzen_reply_text(item, "resource", &text)) {
		return false;
	}
	if (is_sometimes(item)) {
		return true;
	}
	colon = memchr(text.ptr, ':', text.len);
	if (colon == NULL) {
		return false;
	}
	text.len -= (size_t)(colon + 1 - text.ptr);
	text.ptr = colon + 1;
	brace = memchr(text.ptr, '{', text.len);
	if (brace != NULL && text.len > 4 && memcmp(text.ptr + text.len - 4, "...}", 4) == 0 &&
		memchr(brace, '/', text.len - (size_t)(brace - text.ptr)) == NULL) {
		text.len = (size_t)(brace - text.ptr) - (brace - text.ptr > 1 ? 1 : 0);
	} else if (brace != NULL) {
		return true;
	}
	if (text.len > 1) {
		text.ptr++;
		text.len--;
	}
	return is_listed(search, text) || add_candidate(search, text.ptr, text.len);
}

/* A page of actions begins after as many as the cursor says. */
static bool list_actions(struct authzen *authzen, struct wire_cursor item)
{
	struct authzen_search *search = &authzen->search;
	size_t skip = (size_t)strtoul(search->cursor, NULL, 10), most = room(search);
	struct wire_cursor actions;
	struct wire_str name;
	uint32_t count;

	if (is_sometimes(item)) {
		search->more = false;
		return true;
	}
	if (!authzen_reply_array(item, "actions", &actions, &count)) {
		return false;
	}
	for (size_t i = 0; i < count && i < skip + most; i++) {
		if (!authzen_reply_next(&actions, &name) ||
			(i >= skip && !add_candidate(search, name.ptr, name.len))) {
			return false;
		}
	}
	search->more = skip + most < count;
	free(search->cursor);
	search->cursor = malloc(24);
	if (search->cursor != NULL) {
		snprintf(search->cursor, 24, "%zu", skip + most);
	}
	return search->cursor != NULL;
}

static bool take_list(struct authzen *authzen, struct wire_cursor result)
{
	struct authzen_search *search = &authzen->search;
	struct wire_cursor items, item;
	struct wire_str cursor;
	uint32_t count;

	if (!authzen_reply_array(result, "items", &items, &count) ||
		!authzen_reply_text(result, "cursor", &cursor) || count > AUTHZEN_CHUNK) {
		return false;
	}
	search->more = false;
	for (uint32_t i = 0; i < count; i++) {
		bool good = wire_take(&items, &item);

		if (authzen->api == AUTHZEN_SUBJECTS) {
			good = good && list_subject(authzen, item);
		} else if (authzen->api == AUTHZEN_RESOURCES) {
			good = good && list_resource(authzen, item);
		} else {
			good = good && list_actions(authzen, item);
		}
		if (!good) {
			return false;
		}
	}
	if (authzen->api != AUTHZEN_ACTIONS) {
		search->more = cursor.len > 0;
		free(search->cursor);
		search->cursor = strndup(cursor.ptr, cursor.len);
	}
	return search->cursor != NULL;
}

static json_t *result_of(const struct authzen *authzen, json_t *candidate)
{
	const struct authzen_question *question = &authzen->search.question;

	if (authzen->api == AUTHZEN_ACTIONS) {
		return json_pack("{s:O}", "name", candidate);
	}
	return json_pack("{s:s, s:O}", "type",
		authzen->api == AUTHZEN_SUBJECTS ? question->subject_type : question->resource_type,
		"id", candidate);
}

static bool take_decisions(struct authzen *authzen, struct wire_cursor result)
{
	struct authzen_search *search = &authzen->search;
	struct wire_cursor results;
	struct authzen_decision decision;
	uint32_t count;

	if (!authzen_reply_array(result, "results", &results, &count) || count != search->asked) {
		return false;
	}
	for (; search->asked > 0; search->asked--) {
		json_t *candidate = json_array_get(search->candidates, 0);

		if (!authzen_reply_decision(&results, &decision) ||
			(decision.allow && json_array_append_new(search->results,
						   result_of(authzen, candidate)) != 0)) {
			return false;
		}
		json_array_remove(search->candidates, 0);
	}
	return true;
}

bool authzen_search_reply(struct authzen *authzen, struct wire_cursor result)
{
	return json_array_size(authzen->search.candidates) > 0 ? take_decisions(authzen, result)
							       : take_list(authzen, result);
}

bool authzen_search_refused(
	struct authzen *authzen, const char *code, const char *param, const char *message)
{
	struct authzen_search *search = &authzen->search;
	struct authzen_fault fault = { "" };

	if (json_array_size(search->candidates) > 0) {
		return false;
	}
	if (strcmp(code, "forbidden") == 0) {
		authzen_fail(authzen, 500,
			"this program may not list principals: give it a line `manage user NAME "
			"authz:/principals list` in authzd.conf, and a socket for both");
		return true;
	}
	if (strcmp(code, "invalid_request") != 0) {
		return false;
	}
	if (strcmp(param, "cursor") == 0) {
		authzen_fault(&fault, "page.token: %s", message);
		authzen_fail(authzen, 400, fault.text);
		return true;
	}
	/* A tree, or a node of one, that the policy does not have. */
	search->more = false;
	return strcmp(param, "tree") == 0 || strcmp(param, "at") == 0;
}

void authzen_search_finish(struct authzen_search *search)
{
	json_decref(search->candidates);
	json_decref(search->results);
	free(search->cursor);
}

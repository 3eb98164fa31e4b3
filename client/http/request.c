/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/request.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "client/wire.h"

/* The headers by which each family says what was asked for. */
static const struct {
	const char *method, *target, *host;
} families[] = {
	[HTTP_NGINX] = { "X-Original-Method", "X-Original-URI", "X-Original-Host" },
	[HTTP_FORWARDED] = { "X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host" },
	[HTTP_ENVOY] = { NULL, NULL, "Host" },
};

#define NAME(text)                                                                                 \
	{                                                                                          \
		(text), sizeof(text) - 1                                                           \
	}

/* A framework may take one of these for the method, after the decision about another one. */
static const struct pol_str overrides[] = { NAME("X-HTTP-Method"), NAME("X-HTTP-Method-Override"),
	NAME("X-Method-Override") };

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* --- headers ---------------------------------------------------------------------------------- */

bool http_field_is(const struct http_field *field, const char *name)
{
	/* Nearly all names differ in their length, or in their first letter. */
	return field->name_len == strlen(name) && ((field->name[0] ^ name[0]) & 0xdf) == 0 &&
	       strcasecmp(field->name, name) == 0;
}

static bool is_same_letter(char a, char b)
{
	return a == b || ((a ^ b) == 0x20 && (a | 0x20) >= 'a' && (a | 0x20) <= 'z');
}

/* A CGI, WSGI or PHP application reads `X_Name` and `X-Name` as the same header. True: this one
 * would be read as one whose name begins so. */
static bool is_read_as(const struct http_field *field, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = field->name[i] == '_' ? '-' : field->name[i];

		if (c == '\0' || !is_same_letter(c, name[i])) {
			return false;
		}
	}
	return true;
}

static bool is_read_wholly_as(const struct http_field *field, struct pol_str name)
{
	return field->name_len == name.len && is_read_as(field, name.ptr, name.len);
}

static struct pol_str text_of(const char *text)
{
	return (struct pol_str){ text, strlen(text) };
}

/* How many there are; *out is the first one, NULL without any. */
static size_t find(const struct http_head *head, const char *name, const struct http_field **out)
{
	size_t found = 0;

	*out = NULL;
	for (size_t i = 0; i < head->count; i++) {
		if (http_field_is(&head->fields[i], name) && found++ == 0) {
			*out = &head->fields[i];
		}
	}
	return found;
}

static bool has(const struct http_head *head, const char *name)
{
	const struct http_field *field;

	return find(head, name, &field) > 0;
}

static bool refuse(struct http_question *question, int status, const char *reason)
{
	question->outcome = HTTP_REFUSE;
	question->status = status;
	question->reason = reason;
	return false;
}

/* The value of a header that must be there once. False: refused. */
static bool take_one(const struct http_head *head, const char *name, const char **out,
	struct http_question *question)
{
	const struct http_field *field;
	size_t found = find(head, name, &field);

	if (found == 0) {
		return refuse(question, 400, "missing_header");
	}
	if (found > 1) {
		return refuse(question, 400, "doubled_header");
	}
	if (field->len == 0 || strlen(field->value) != field->len) {
		return refuse(question, 400, "malformed_header");
	}
	*out = field->value;
	return true;
}

/* --- what was asked for ----------------------------------------------------------------------- */

#define FIVE       true, true, true, true, true
#define TWENTY_SIX FIVE, FIVE, FIVE, FIVE, FIVE, true

/* By the character: is it one of a token? */
static const bool word_chars[UCHAR_MAX + 1] = {
	['!'] = true,
	['#'] = FIVE, /* #$%&' */
	['*'] = true,
	['+'] = true,
	['-'] = true,
	['.'] = true,
	['0'] = FIVE,
	['5'] = FIVE,
	['A'] = TWENTY_SIX,
	['^'] = true,
	['_'] = true,
	['`'] = true,
	['a'] = TWENTY_SIX,
	['|'] = true,
	['~'] = true,
};

bool http_request_is_word(const char *text)
{
	const char *at = text;

	while (word_chars[(unsigned char)*at]) {
		at++;
	}
	return at > text && *at == '\0';
}

static bool is_method(const char *text)
{
	return strlen(text) <= 32 && http_request_is_word(text);
}

/* Refuses what the application could believe and authz-http does not: another method, or an
 * identity under a name that web servers do not remove since they know the one with dashes. */
static bool check_fields(const struct http_head *head, struct http_question *out)
{
	static const char identity[] = "X-Authz-";
	size_t len = sizeof identity - 1;

	for (size_t i = 0; i < head->count; i++) {
		const struct http_field *field = &head->fields[i];

		for (size_t j = 0; j < LENGTH(overrides); j++) {
			if (is_read_wholly_as(field, overrides[j])) {
				return refuse(out, 400, "method_override");
			}
		}
		if (is_read_as(field, identity, len) && strchr(field->name, '_') != NULL) {
			return refuse(out, 400, "malformed_header");
		}
	}
	return true;
}

static bool read_target(const struct http_listener *listener, const struct http_head *head,
	struct http_question *out)
{
	const char *method = head->method, *target = head->target;

	for (size_t i = 0; i < LENGTH(families); i++) {
		if (i != (size_t)listener->family && families[i].method != NULL &&
			(has(head, families[i].method) || has(head, families[i].target))) {
			return refuse(out, 400, "foreign_header");
		}
	}
	if (listener->family == HTTP_ENVOY) {
		target += strlen(listener->prefix);
	} else if (!take_one(head, families[listener->family].method, &method, out) ||
		   !take_one(head, families[listener->family].target, &target, out)) {
		return false;
	}
	if (!is_method(method)) {
		return refuse(out, 400, "malformed_method");
	}
	/* Neither http://host/path nor `*`: which path the application takes them for is its own
	 * affair. And what is no UTF-8 the daemon does not take as a text. */
	if (target[0] != '/' || !wire_is_utf8((struct wire_str){ target, strlen(target) })) {
		return refuse(out, 400, "malformed_path");
	}
	out->request.method = method;
	out->request.path = target;
	return true;
}

/* --- the token -------------------------------------------------------------------------------- */

/* Takes one more token. False: it is not one, or another one than the one before. */
static bool add_token(struct http_question *out, const char *text, size_t len)
{
	bool same =
		out->has_token && strlen(out->token) == len && memcmp(out->token, text, len) == 0;
	unsigned char bad = 0;

	if (out->has_token) {
		return same;
	}
	out->has_token = true;
	if (len == 0 || len > HTTP_MAX_TOKEN) {
		return false;
	}
	/* Without a branch the compiler takes many at a time. */
	for (size_t i = 0; i < len; i++) {
		bad |= (text[i] <= ' ') | (text[i] > '~');
	}
	if (bad != 0) {
		return false;
	}
	memcpy(out->token, text, len);
	out->token[len] = '\0';
	return true;
}

/* Another scheme than Bearer, such as Basic, is the application's affair. */
static bool read_bearer(const struct http_field *field, struct http_question *out)
{
	static const char scheme[] = "Bearer";
	size_t skip = sizeof scheme - 1;

	if (field->len < skip || strncasecmp(field->value, scheme, skip) != 0 ||
		(field->len > skip && field->value[skip] != ' ')) {
		return true;
	}
	while (skip < field->len && field->value[skip] == ' ') {
		skip++;
	}
	return add_token(out, field->value + skip, field->len - skip);
}

/* The cookies of that name, in a header as of RFC 6265, section 4.2.1. */
static bool read_cookies(
	const struct http_field *field, const char *name, struct http_question *out)
{
	const char *at = field->value, *end = field->value + field->len;
	size_t len = strlen(name);

	while (at < end) {
		const char *next = memchr(at, ';', (size_t)(end - at));
		const char *stop = next != NULL ? next : end;

		while (at < stop && (*at == ' ' || *at == '\t')) {
			at++;
		}
		while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t')) {
			stop--;
		}
		if ((size_t)(stop - at) > len && at[len] == '=' && memcmp(at, name, len) == 0) {
			at += len + 1;
			if (stop - at >= 2 && *at == '"' && stop[-1] == '"') {
				at++;
				stop--;
			}
			if (!add_token(out, at, (size_t)(stop - at))) {
				return false;
			}
		}
		at = next != NULL ? next + 1 : end;
	}
	return true;
}

static bool read_token(const struct http_listener *listener, const struct http_head *head,
	struct http_question *out)
{
	const struct http_field *first = NULL;
	bool good = true;

	for (size_t i = 0; i < head->count && good; i++) {
		const struct http_field *field = &head->fields[i];

		if (http_field_is(field, "Authorization")) {
			/* Two that differ, of whatever scheme. */
			first = first != NULL ? first : field;
			good = field->len == first->len &&
			       memcmp(field->value, first->value, field->len) == 0 &&
			       read_bearer(field, out);
			out->has_token = out->has_token || !good;
		} else if (listener->token_header != NULL &&
			   is_read_wholly_as(field, text_of(listener->token_header))) {
			good = add_token(out, field->value, field->len);
		} else if (listener->token_cookie != NULL && http_field_is(field, "Cookie")) {
			good = read_cookies(field, listener->token_cookie, out);
		}
	}
	if (!good) {
		return refuse(out, 401, "malformed_token");
	}
	out->request.token = out->has_token ? out->token : NULL;
	return true;
}

/* The web server sets this header, and takes away what a client sent under its name. */
static bool read_identity(const struct http_listener *listener, const struct http_head *head,
	struct http_question *out)
{
	const struct http_field *identity = NULL;

	for (size_t i = 0; i < head->count && listener->identity != NULL; i++) {
		const struct http_field *field = &head->fields[i];

		if (!is_read_wholly_as(field, text_of(listener->identity))) {
			continue;
		}
		if (identity != NULL || !http_field_is(field, listener->identity) ||
			field->len == 0 ||
			!wire_is_utf8((struct wire_str){ field->value, field->len }) ||
			strlen(field->value) != field->len) {
			return refuse(out, 400, "malformed_header");
		}
		identity = field;
	}
	out->request.principal = identity != NULL ? identity->value : NULL;
	return true;
}

bool http_request_read_caller(const struct http_listener *listener, const struct http_head *head,
	struct http_question *out)
{
	http_question_init(out);
	if (!read_token(listener, head, out) || !read_identity(listener, head, out)) {
		return false;
	}
	if ((out->request.token != NULL) == (out->request.principal != NULL)) {
		return refuse(
			out, 401, out->request.token != NULL ? "two_callers" : "missing_token");
	}
	return true;
}

bool http_request_is_secret(const struct http_listener *listener, const struct http_field *field)
{
	return http_field_is(field, "Authorization") || http_field_is(field, "Cookie") ||
	       (listener->token_header != NULL &&
		       is_read_wholly_as(field, text_of(listener->token_header)));
}

/* --- facts ------------------------------------------------------------------------------------ */

static bool is_proxy(const struct http_listener *listener, const struct http_address *address)
{
	for (size_t i = 0; i < listener->proxy_count; i++) {
		if (http_network_has(&listener->proxies[i], address)) {
			return true;
		}
	}
	return false;
}

/* The last item of a list before `end`, without spaces; moves `end` before its comma, or to the
 * beginning. */
static struct pol_str last_item(const char *begin, const char **end)
{
	const char *stop = *end, *at = stop;

	while (at > begin && at[-1] != ',') {
		at--;
	}
	*end = at > begin ? at - 1 : begin;
	while (at < stop && (*at == ' ' || *at == '\t')) {
		at++;
	}
	while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t')) {
		stop--;
	}
	return (struct pol_str){ at, (size_t)(stop - at) };
}

/* The right-most address of X-Forwarded-For that is no proxy: each proxy appends the address that
 * connected to it, so everything further left is what the client wrote. */
static bool read_address(const struct http_listener *listener, const struct http_head *head,
	struct http_question *out)
{
	for (size_t i = head->count; i-- > 0 && listener->proxy_count > 0;) {
		const struct http_field *field = &head->fields[i];
		const char *end = field->value + field->len;

		if (!http_field_is(field, "X-Forwarded-For")) {
			continue;
		}
		do {
			struct pol_str item = last_item(field->value, &end);
			struct http_address address;

			if (item.len == 0) {
				continue;
			}
			if (!http_address_read(item, &address)) {
				return refuse(out, 400, "malformed_address");
			}
			if (!is_proxy(listener, &address)) {
				http_address_write(&address, out->ip);
				out->request.ip = out->ip;
				return true;
			}
		} while (end > field->value);
	}
	return true;
}

/* A name without its port, in any case. */
static bool is_host(const char *value, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(value, name, len) == 0 && (value[len] == '\0' || value[len] == ':');
}

bool http_request_find_tenant(
	const struct http_listener *listener, const char *host, const char **out)
{
	for (size_t i = 0; host != NULL && i < listener->host_count; i++) {
		if (is_host(host, listener->hosts[i].name)) {
			*out = listener->hosts[i].tenant;
			return true;
		}
	}
	return false;
}

static bool read_tenant(const struct http_listener *listener, const struct http_head *head,
	struct http_question *out)
{
	const char *value;

	out->request.tenant = listener->tenant;
	if (!listener->tenant_from_host) {
		return true;
	}
	if (!take_one(head, families[listener->family].host, &value, out)) {
		return false;
	}
	return http_request_find_tenant(listener, value, &out->request.tenant) ||
	       refuse(out, 403, "unknown_host");
}

/* --- the whole -------------------------------------------------------------------------------- */

/* A browser asks so before it sends a request to another site, and sends no token with it. */
static bool is_preflight(const struct http_head *head, const struct http_question *question)
{
	return !question->has_token && strcmp(question->request.method, "OPTIONS") == 0 &&
	       has(head, "Origin") && has(head, "Access-Control-Request-Method");
}

void http_request_read(const struct http_listener *listener, const struct http_head *head,
	struct http_question *out)
{
	http_question_init(out);
	if (!read_target(listener, head, out) || !check_fields(head, out) ||
		!read_token(listener, head, out) || !read_address(listener, head, out) ||
		!read_tenant(listener, head, out)) {
		return;
	}
	out->request.service = listener->service;
	out->request.environment = listener->environment;
	out->outcome = listener->preflight_pass && is_preflight(head, out) ? HTTP_PASS : HTTP_ASK;
}

bool http_request_is_framed(const struct http_head *head)
{
	const struct http_field *length;
	size_t lengths = find(head, "Content-Length", &length);

	if (has(head, "Transfer-Encoding") || lengths > 1) {
		return false;
	}
	return lengths == 0 || (length->len == 1 && length->value[0] == '0');
}

bool http_request_is_path(const char *target, const char *path)
{
	size_t len = strlen(path);

	return strncmp(target, path, len) == 0 && (target[len] == '\0' || target[len] == '?');
}

bool http_request_has_prefix(const char *target, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(target, prefix, len) == 0 && (target[len] == '\0' || target[len] == '/');
}

void http_question_init(struct http_question *question)
{
	memset(question, 0, offsetof(struct http_question, token));
	question->token[0] = '\0';
}

void http_question_wipe(struct http_question *question)
{
	wire_wipe(question->token, strlen(question->token));
}

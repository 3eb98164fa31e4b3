/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/wire.h"

/* Its number grew in 2006 the last time. */
#define LIBRARY "libcurl.so.4"

/* The functions that are used, found by name. */
struct curl {
	void *library;
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
	CURLcode (*easy_perform)(CURL *handle);
	CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
	void (*easy_cleanup)(CURL *handle);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
	void (*slist_free_all)(struct curl_slist *list);
};

struct receiving {
	struct app *app;
	struct http_answer *answer;
	char *body; /* HTTP_MAX_BODY and a zero byte */
};

/* --- the library ------------------------------------------------------------------------------ */

/* A pointer to a function from one to an object, which POSIX allows and ISO C does not. */
static bool find(const struct curl *curl, const char *name, void *out)
{
	void *symbol = dlsym(curl->library, name);

	memcpy(out, &symbol, sizeof symbol);
	return symbol != NULL;
}

/* The library stays loaded: it cannot be unloaded while threads of its own may run. */
static bool load(struct curl *curl)
{
	curl->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	return curl->library != NULL && find(curl, "curl_global_init", &curl->global_init) &&
	       find(curl, "curl_easy_init", &curl->easy_init) &&
	       find(curl, "curl_easy_setopt", &curl->easy_setopt) &&
	       find(curl, "curl_easy_perform", &curl->easy_perform) &&
	       find(curl, "curl_easy_getinfo", &curl->easy_getinfo) &&
	       find(curl, "curl_easy_cleanup", &curl->easy_cleanup) &&
	       find(curl, "curl_slist_append", &curl->slist_append) &&
	       find(curl, "curl_slist_free_all", &curl->slist_free_all) &&
	       curl->global_init(CURL_GLOBAL_NOTHING) == CURLE_OK;
}

/* --- the answer ------------------------------------------------------------------------------- */

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
	struct receiving *receiving = context;
	struct http_answer *answer = receiving->answer;
	size_t len = size * count;
	const char *colon = memchr(line, ':', len);
	size_t at = colon != NULL ? (size_t)(colon - line) + 1 : 0;
	size_t end = len;

	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		answer->header_count = 0; /* those of 100 Continue are not the answer's */
		return len;
	}
	if (colon == NULL || answer->header_count == HTTP_MAX_HEADERS) {
		return len;
	}
	while (at < end && (line[at] == ' ' || line[at] == '\t')) {
		at++;
	}
	while (end > at && strchr(" \t\r\n", line[end - 1]) != NULL) {
		end--;
	}
	answer->headers[answer->header_count++] = (struct http_header){
		app_text(receiving->app, "%.*s", (int)(colon - line), line),
		app_text(receiving->app, "%.*s", (int)(end - at), line + at),
	};
	return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct receiving *receiving = context;
	struct http_answer *answer = receiving->answer;
	size_t len = size * count;
	size_t room = HTTP_MAX_BODY - answer->body_len;

	memcpy(receiving->body + answer->body_len, bytes, len < room ? len : room);
	answer->body_len += len < room ? len : room;
	return len;
}

const char *http_header(const struct http_answer *answer, const char *name)
{
	for (size_t i = 0; i < answer->header_count; i++) {
		if (strcasecmp(answer->headers[i].name, name) == 0) {
			return answer->headers[i].value;
		}
	}
	return NULL;
}

/* --- the request ------------------------------------------------------------------------------ */

/* The list of headers; NULL: no memory. */
static struct curl_slist *list_of(const struct curl *curl, const struct http_request *request)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];
		size_t size = strlen(header->name) + strlen(header->value) + sizeof ": ";
		char *line = malloc(size);
		struct curl_slist *longer = NULL;

		if (line != NULL) {
			snprintf(line, size, "%s: %s", header->name, header->value);
			longer = curl->slist_append(list, line);
			wire_wipe(line, size);
			free(line);
		}
		if (longer == NULL) {
			curl->slist_free_all(list);
			return NULL;
		}
		list = longer;
	}
	return list;
}

/* A token is among them. */
static void wipe(struct curl_slist *list)
{
	for (; list != NULL; list = list->next) {
		wire_wipe(list->data, strlen(list->data));
	}
}

static bool set_options(
	struct app *app, const struct curl *curl, CURL *handle, const struct http_request *request)
{
	CURLcode (*set)(CURL *, CURLoption, ...) = curl->easy_setopt;
	bool head = strcmp(request->method, "HEAD") == 0;

	return set(handle, CURLOPT_URL, app_text(app, "http://%s/", request->host)) == CURLE_OK &&
	       set(handle, CURLOPT_UNIX_SOCKET_PATH, request->unix_path) == CURLE_OK &&
	       set(handle, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
	       set(handle, CURLOPT_PROXY, "") == CURLE_OK &&
	       set(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       set(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       set(handle, CURLOPT_NOBODY, head ? 1L : 0L) == CURLE_OK &&
	       set(handle, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
	       set(handle, CURLOPT_REQUEST_TARGET, request->target) == CURLE_OK &&
	       set(handle, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms) == CURLE_OK &&
	       set(handle, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	       set(handle, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
}

static enum http_result result_of(
	const struct curl *curl, CURL *handle, CURLcode code, int *out_error)
{
	long error = 0;

	if (code == CURLE_OK) {
		return HTTP_ANSWERED;
	}
	curl->easy_getinfo(handle, CURLINFO_OS_ERRNO, &error);
	*out_error = (int)error;
	/* clang-format off */
	return code == CURLE_COULDNT_CONNECT ? HTTP_NOT_CONNECTED
	     : code == CURLE_COULDNT_RESOLVE_HOST ? HTTP_NO_HOST
	     : code == CURLE_OPERATION_TIMEDOUT ? HTTP_LATE
	     : code == CURLE_OUT_OF_MEMORY ? HTTP_NO_LIBRARY : HTTP_NOT_HTTP;
	/* clang-format on */
}

static enum http_result perform(const struct curl *curl, CURL *handle, struct receiving *receiving,
	struct curl_slist *list, int *out_error)
{
	long status = 0;
	CURLcode code;

	curl->easy_setopt(handle, CURLOPT_HTTPHEADER, list);
	curl->easy_setopt(handle, CURLOPT_HEADERDATA, receiving);
	curl->easy_setopt(handle, CURLOPT_WRITEDATA, receiving);
	code = curl->easy_perform(handle);
	curl->easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
	receiving->body[receiving->answer->body_len] = '\0';
	receiving->answer->body = receiving->body;
	receiving->answer->status = (int)status;
	return result_of(curl, handle, code, out_error);
}

enum http_result http_ask(struct app *app, const struct http_request *request,
	struct http_answer *out, int *out_error)
{
	struct http_answer answer = { .status = 0 };
	struct receiving receiving = { app, &answer,
		pol_arena_alloc(&app->arena, HTTP_MAX_BODY + 1, 1) };
	enum http_result result = HTTP_NO_LIBRARY;
	struct curl_slist *list = NULL;
	CURL *handle = NULL;
	struct curl curl;

	*out_error = 0;
	if (receiving.body == NULL || !load(&curl)) {
		return HTTP_NO_LIBRARY;
	}
	handle = curl.easy_init();
	list = list_of(&curl, request);
	if (handle != NULL && list != NULL && set_options(app, &curl, handle, request)) {
		result = perform(&curl, handle, &receiving, list, out_error);
	}
	wipe(list);
	curl.slist_free_all(list);
	curl.easy_cleanup(handle);
	if (result == HTTP_ANSWERED) {
		*out = answer;
	}
	return result;
}

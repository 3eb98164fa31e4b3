/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_fuzz: any request of a web server. It is refused with a status and a reason, or becomes a
 * question whose token and path have the form that is promised; no secret is left after a wipe.
 *
 * The first byte chooses the listener. The lines after it are the method, the target, and a header
 * each, as NAME:VALUE, where a value may hold any byte but a line feed.
 */
#include <string.h>
#include <strings.h>

#include "client/http/request.h"
#include "tests/fuzz/fuzz.h"

/* Ends the line at `at` with a NUL; the beginning of the next one. */
static char *end_line(char *at, char *end, size_t *len)
{
	char *stop = memchr(at, '\n', (size_t)(end - at));

	stop = stop != NULL ? stop : end;
	*stop = '\0';
	*len = (size_t)(stop - at);
	return stop < end ? stop + 1 : end;
}

static void split(char *text, size_t size, struct http_head *head, struct http_field *fields)
{
	char *at = text, *end = text + size;
	size_t len;

	head->method = at;
	at = end_line(at, end, &len);
	head->target = at;
	at = end_line(at, end, &len);
	head->fields = fields;
	while (at < end && head->count < HTTP_MAX_FIELDS) {
		char *name = at, *colon;

		at = end_line(at, end, &len);
		colon = memchr(name, ':', len);
		if (colon != NULL) {
			*colon = '\0';
			fields[head->count++] = (struct http_field){ name, strlen(name), colon + 1,
				len - (size_t)(colon + 1 - name) };
		}
	}
}

static void listen_as(struct http_listener *listener, struct http_host *host, uint8_t choice)
{
	static const char network[] = "10.0.0.0/8";

	*host = (struct http_host){ "example.com", "acme" };
	listener->family = (enum http_family)(choice % 3);
	listener->prefix = "/check";
	listener->token_header = (choice & 4) != 0 ? "X-API-Key" : NULL;
	listener->token_cookie = (choice & 8) != 0 ? "key" : NULL;
	listener->preflight_pass = (choice & 16) != 0;
	listener->tenant_from_host = (choice & 32) != 0;
	listener->hosts = host;
	listener->host_count = 1;
	listener->proxy_count = (choice & 64) != 0;
	fuzz_require(http_network_read(
		(struct pol_str){ network, sizeof network - 1 }, &listener->proxies[0]));
}

static void judge(const struct http_listener *listener, const struct http_head *head,
	const struct http_question *question)
{
	if (question->outcome == HTTP_REFUSE) {
		fuzz_require(question->status == 400 || question->status == 401 ||
			     question->status == 403);
		fuzz_require(question->reason != NULL);
		return;
	}
	fuzz_require(question->request.path[0] == '/' && question->request.method[0] != '\0');
	fuzz_require(question->has_token == (question->request.token != NULL));
	fuzz_require(question->outcome == HTTP_ASK ||
		     (listener->preflight_pass && !question->has_token));
	for (const char *at = question->token; question->has_token && *at != '\0'; at++) {
		fuzz_require(*at > ' ' && *at <= '~');
	}
	for (size_t i = 0; i < head->count; i++) {
		fuzz_require(strcasecmp(head->fields[i].name, "X-HTTP-Method-Override") != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char zero[HTTP_MAX_TOKEN + 1];
	static struct http_listener listener;
	static struct http_question question;
	static struct http_field fields[HTTP_MAX_FIELDS];
	struct http_host host;
	struct http_head head = { 0 };
	char *text;

	if (size == 0) {
		return 0;
	}
	listen_as(&listener, &host, data[0]);
	text = malloc(size);
	fuzz_require(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	split(text, size - 1, &head, fields);
	if (listener.family != HTTP_ENVOY ||
		http_request_has_prefix(head.target, listener.prefix)) {
		http_request_read(&listener, &head, &question);
		judge(&listener, &head, &question);
		http_question_wipe(&question);
		fuzz_require(memcmp(question.token, zero, sizeof zero) == 0);
	}
	(void)http_request_is_framed(&head);
	free(text);
	return 0;
}

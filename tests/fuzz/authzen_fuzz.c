/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authzen_fuzz: the first byte chooses an API, what follows up to a NUL is a body, and the rest is
 * what the daemon answers to each call. The answer is one JSON document, and without a daemon
 * nothing is allowed and nothing found.
 */
#include <jansson.h>

#include "client/http/authzen.h"
#include "client/wire.h"
#include "tests/fuzz/fuzz.h"

/* A call must be one map that the daemon reads. */
static void check_call(const struct authzen_call *call)
{
	struct wire_walk walk;
	size_t len = 0;

	wire_walk_init(&walk, WIRE_MAX_REQUEST);
	fuzz_require(wire_walk(&walk, call->params, call->len, &len) == WIRE_COMPLETE);
	fuzz_require(len == call->len);
}

static void check_answer(const struct authzen *authzen, bool answered)
{
	struct authzen_answer answer = authzen_answer(authzen);
	json_t *body = json_loadb(answer.body, answer.len, JSON_DECODE_ANY, NULL);

	fuzz_require(body != NULL);
	fuzz_require(answer.status == 200 || answer.status == 400 || answer.status == 500 ||
		     answer.status == 503);
	fuzz_require((answer.status == 200) == json_is_object(body));
	fuzz_require(answered || !json_is_true(json_object_get(body, "decision")));
	fuzz_require(answered || json_array_size(json_object_get(body, "results")) == 0);
	json_decref(body);
}

/* reply NULL: no daemon. */
static void run(enum authzen_api api, const char *body, size_t len, const void *reply, size_t size)
{
	static const char *const names[] = { "role", "a.b" };
	const struct authzen_scope scope = { .tenant = "acme", .allowed = { names, 2 } };
	struct authzen_call call;
	struct authzen *authzen;
	unsigned calls = 0;

	fuzz_require(authzen_begin(api, &scope, body, len, &authzen) == 0);
	while (authzen_next(authzen, &call)) {
		check_call(&call);
		if (reply == NULL) {
			authzen_unavailable(authzen);
		} else {
			authzen_reply(authzen, reply, size);
		}
		fuzz_require(++calls <= AUTHZEN_MAX_EVALUATIONS + AUTHZEN_MAX_PAGE);
	}
	check_answer(authzen, reply != NULL);
	authzen_destroy(authzen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	const char *end = size > 0 ? memchr(copy, '\0', size) : NULL;
	size_t len = end != NULL ? (size_t)(end - copy) : size;

	if (len > 0) {
		enum authzen_api api = (unsigned char)copy[0] % AUTHZEN_APIS;
		const char *reply = end != NULL ? end + 1 : copy;

		run(api, copy + 1, len - 1, NULL, 0);
		run(api, copy + 1, len - 1, reply, size - (size_t)(reply - copy));
	}
	free(copy);
	return 0;
}

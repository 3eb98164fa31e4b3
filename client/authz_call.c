/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authz_call: the blocking interface. It packs a request, sends it and waits for the answer. When
 * the connection breaks it sends the request once more, if that cannot make a change twice.
 */

#include <string.h>

#include "client/authz_handle.h"

int authz_request_end(struct authz *authz, size_t mark)
{
	int status = authz->out.status;

	if (status == WIRE_OK && authz->out.len - mark <= AUTHZ_MAX_REQUEST) {
		return AUTHZ_OK;
	}
	wire_buf_rewind(&authz->out, mark);
	return status == WIRE_ENOMEM ? AUTHZ_ENOMEM : AUTHZ_ELIMIT;
}

bool authz_params_good(const char *method, const void *params, size_t params_len)
{
	struct wire_cursor cursor = wire_cursor_of(params, params_len);
	struct wire_walk walk;
	size_t len;
	uint32_t pairs;

	if (method == NULL || (params == NULL && params_len > 0)) {
		return false;
	}
	if (params_len == 0) {
		return true;
	}
	wire_walk_init(&walk, AUTHZ_MAX_REQUEST);
	return wire_walk(&walk, cursor.ptr, params_len, &len) == WIRE_COMPLETE &&
	       len == params_len && wire_read_map(&cursor, &pairs);
}

void authz_request_put(
	struct authz *authz, uint32_t id, const char *method, const void *params, size_t params_len)
{
	wire_put_request(
		&authz->out, id, (struct wire_str){ method, strlen(method) }, params_len > 0);
	wire_put_raw(&authz->out, params, params_len);
}

int authz_refuse(struct authz *authz, struct wire_cursor error)
{
	wire_decode_error(error, &authz->refusal);
	authz->refused = true;
	return AUTHZ_EREFUSED;
}

int authz_reply_read(
	struct authz *authz, const struct wire_response *response, struct authz_reply *out)
{
	*out = (struct authz_reply){ .data = NULL };
	if (response->failed) {
		authz_refuse(authz, response->value);
		authz_refusal(authz, out);
	}
	out->data = response->value.ptr;
	out->len = (size_t)(response->value.end - response->value.ptr);
	return response->failed ? AUTHZ_EREFUSED : AUTHZ_OK;
}

/* Begins a blocking call: AUTHZ_EBUSY while requests are outstanding; empties the buffers. */
static int begin(struct authz *authz)
{
	int r = authz_channel_enter(authz);

	if (r != AUTHZ_OK) {
		return r;
	}
	if (authz->processing || authz->outstanding > 0) {
		return AUTHZ_EBUSY;
	}
	/* Bytes that came between requests answer none of them; ids must not repeat. */
	if (authz->in.len > 0 || authz->ids_used == UINT32_MAX) {
		authz_channel_close(authz);
	}
	wire_buf_wipe(&authz->out);
	return AUTHZ_OK;
}

/* One attempt. *out_sent is how many bytes of the request were sent. */
static int attempt(struct authz *authz, uint32_t id, int64_t deadline, size_t *out_sent,
	struct wire_response *out)
{
	size_t len = 0;
	int r = authz_channel_open(authz, deadline, true);

	*out_sent = 0;
	if (r == AUTHZ_OK) {
		r = authz_channel_send(authz, deadline, out_sent);
	}
	if (r == AUTHZ_OK) {
		r = authz_channel_recv(authz, deadline, &len);
	}
	if (r != AUTHZ_OK) {
		return r;
	}
	/* Exactly one answer, with the id of the request, and no byte after it. */
	if (len != authz->in.len || wire_decode_response(authz->in.data, len, out) != WIRE_OK ||
		!out->has_id || out->id != id) {
		return AUTHZ_EPROTO;
	}
	authz->held = len;
	return AUTHZ_OK;
}

/* Sends authz->out and waits for the answer; wipes authz->out. */
static int exchange(struct authz *authz, uint32_t id, bool repeatable, struct wire_response *out)
{
	int64_t deadline = authz_now() + authz->timeout_ms;
	size_t sent;
	int r = attempt(authz, id, deadline, &sent, out);

	if (r == AUTHZ_ECLOSED && (repeatable || sent == 0)) {
		authz_channel_close(authz);
		r = attempt(authz, id, deadline, &sent, out);
	}
	if (r != AUTHZ_OK) {
		authz_channel_close(authz);
	}
	wire_buf_wipe(&authz->out);
	return r;
}

/* Sends the request in authz->out, which may be repeated, and waits for a result. */
static int ask(struct authz *authz, uint32_t id, struct wire_response *out)
{
	int r = authz_request_end(authz, 0);

	if (r == AUTHZ_OK) {
		r = exchange(authz, id, true, out);
	}
	if (r == AUTHZ_OK && out->failed) {
		r = authz_refuse(authz, out->value);
	}
	return r;
}

int authz_check(
	struct authz *authz, const struct authz_request *request, struct authz_decision *out)
{
	struct wire_response response;
	uint32_t id;
	int r;

	if (out == NULL) {
		return AUTHZ_EINVAL;
	}
	authz_deny(out);
	if (authz == NULL || request == NULL || authz_question_check(NULL, request) != AUTHZ_OK) {
		return AUTHZ_EINVAL;
	}
	r = begin(authz);
	if (r != AUTHZ_OK) {
		return r;
	}
	id = authz_channel_id(authz);
	wire_put_request(&authz->out, id, WIRE_STR("authorize"), true);
	authz_question_put(&authz->out, request, 0);
	r = ask(authz, id, &response);
	if (r != AUTHZ_OK) {
		return r;
	}
	r = authz_question_read(response.value, out);
	if (r != AUTHZ_OK) {
		authz_channel_close(authz);
	}
	return r;
}

/* Packs a request of authorize_many. */
static void put_many(struct authz *authz, uint32_t id, const struct authz_request *shared,
	const struct authz_request *requests, size_t count)
{
	struct wire_buf *buf = &authz->out;

	wire_put_request(buf, id, WIRE_STR("authorize_many"), true);
	authz_question_put(buf, shared, 1);
	wire_put_str(buf, WIRE_STR("requests"));
	wire_put_array(buf, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		authz_question_put(buf, &requests[i], 0);
	}
}

int authz_check_many(struct authz *authz, const struct authz_request *shared,
	const struct authz_request *requests, size_t count, struct authz_decision *out)
{
	static const struct authz_request nothing = { .token = NULL };
	struct wire_response response;
	uint32_t id;
	int r;

	if (out == NULL) {
		return AUTHZ_EINVAL;
	}
	for (size_t i = 0; i < count; i++) {
		authz_deny(&out[i]);
	}
	if (authz == NULL || requests == NULL || count == 0) {
		return AUTHZ_EINVAL;
	}
	if (count > AUTHZ_MAX_REQUESTS) {
		return AUTHZ_ELIMIT;
	}
	for (size_t i = 0; i < count; i++) {
		if (authz_question_check(shared, &requests[i]) != AUTHZ_OK) {
			return AUTHZ_EINVAL;
		}
	}
	r = begin(authz);
	if (r != AUTHZ_OK) {
		return r;
	}
	id = authz_channel_id(authz);
	put_many(authz, id, shared != NULL ? shared : &nothing, requests, count);
	r = ask(authz, id, &response);
	if (r != AUTHZ_OK) {
		return r;
	}
	r = authz_question_read_many(response.value, out, count);
	if (r != AUTHZ_OK) {
		authz_channel_close(authz);
	}
	return r;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

/* True for methods that change nothing, which may be sent twice. */
static bool is_repeatable(const char *method)
{
	return strcmp(method, "authorize") == 0 || strcmp(method, "authorize_many") == 0 ||
	       strcmp(method, "permissions") == 0 || strcmp(method, "status") == 0 ||
	       ends_with(method, ".get") || ends_with(method, ".list") ||
	       ends_with(method, ".status");
}

int authz_call(struct authz *authz, const char *method, const void *params, size_t params_len,
	struct authz_reply *out)
{
	struct wire_response response;
	char retry[AUTHZ_REQUEST_ID_SIZE];
	bool drawn, repeatable;
	uint32_t id;
	int r;

	if (out == NULL) {
		return AUTHZ_EINVAL;
	}
	*out = (struct authz_reply){ .data = NULL };
	if (authz == NULL || !authz_params_good(method, params, params_len)) {
		return AUTHZ_EINVAL;
	}
	r = begin(authz);
	if (r != AUTHZ_OK) {
		return r;
	}
	id = authz_channel_id(authz);
	drawn = authz_retry_id(method, params, params_len, retry);
	repeatable =
		drawn || is_repeatable(method) || authz_retry_given(method, params, params_len);
	if (drawn) {
		wire_put_request(
			&authz->out, id, (struct wire_str){ method, strlen(method) }, true);
		authz_retry_put(&authz->out, params, params_len, retry);
	} else {
		authz_request_put(authz, id, method, params, params_len);
	}
	r = authz_request_end(authz, 0);
	if (r == AUTHZ_OK) {
		r = exchange(authz, id, repeatable, &response);
	}
	return r == AUTHZ_OK ? authz_reply_read(authz, &response, out) : r;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authz_call: the blocking interface. It packs a request, sends it and waits for the answer. When
 * the connection breaks it sends the request once more, if that cannot make a change twice; while
 * nobody listens, it tries such a request again until the deadline.
 */

#include <string.h>
#include <time.h>

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

int authz_farewell_read(struct authz *authz, const struct wire_response *response)
{
	struct wire_error error;

	if (response->has_id || !response->failed) {
		return AUTHZ_EPROTO;
	}
	wire_decode_error(response->value, &error);
	if (error.message[0] == '\0') {
		return AUTHZ_EPROTO;
	}
	authz->refusal = error;
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
	/* Bytes that came between requests answer none of them, nor do answers to requests that
	 * were given up; ids must not repeat. */
	if (authz->in.len > 0 || authz->given_up > 0 || authz->ids_used == UINT32_MAX) {
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
	int sending, why, r;

	*out_sent = 0;
	r = authz_channel_open(authz, deadline, true);
	if (r != AUTHZ_OK) {
		return r;
	}
	sending = authz_channel_send(authz, deadline, out_sent);
	why = authz->sys_errno;
	/* A daemon that closes the connection may have said why, before it read anything. */
	if (sending == AUTHZ_OK || sending == AUTHZ_ECLOSED) {
		r = authz_channel_recv(authz, deadline, &len);
	}
	if (sending != AUTHZ_OK && (sending != AUTHZ_ECLOSED || r != AUTHZ_OK)) {
		authz->sys_errno = why;
		return sending;
	}
	if (r != AUTHZ_OK) {
		return r;
	}
	if (wire_decode_response(authz->in.data, len, out) != WIRE_OK) {
		return AUTHZ_EPROTO;
	}
	if (!out->has_id) {
		return authz_farewell_read(authz, out);
	}
	if (sending != AUTHZ_OK) {
		return sending;
	}
	/* Exactly one answer, with the id of the request, and no byte after it. */
	if (len != authz->in.len || out->id != id) {
		return AUTHZ_EPROTO;
	}
	authz->held = len;
	return AUTHZ_OK;
}

/* After AUTHZ_ECONNECT: waits until it is time for another attempt; false when there is none. */
static bool wait_for_daemon(const struct authz *authz, int64_t deadline, int *pause)
{
	int ms = authz_retry_pause(pause);
	const struct timespec wait = { .tv_sec = 0, .tv_nsec = (long)ms * 1000000 };

	if (!authz_retry_connect(authz) || deadline - authz_now() <= ms) {
		return false;
	}
	/* A signal only shortens the pause. */
	nanosleep(&wait, NULL);
	return true;
}

/* Sends authz->out and waits for the answer; wipes authz->out. */
static int exchange(struct authz *authz, uint32_t id, bool repeatable, struct wire_response *out)
{
	int64_t deadline = authz_now() + authz->timeout_ms;
	bool again = false;
	int pause = 0, refused = 0, r;
	size_t sent;

	for (;;) {
		r = attempt(authz, id, deadline, &sent, out);
		if (r == AUTHZ_ECLOSED && !again && (repeatable || sent == 0)) {
			authz_channel_close(authz);
			again = true;
		} else if (r == AUTHZ_ECONNECT && repeatable) {
			refused = authz->sys_errno;
			if (!wait_for_daemon(authz, deadline, &pause)) {
				break;
			}
		} else {
			break;
		}
	}
	/* The deadline passed in a pause. */
	if (r == AUTHZ_ETIMEOUT && authz->fd < 0 && refused != 0) {
		authz->sys_errno = refused;
		r = AUTHZ_ECONNECT;
	}
	if (r != AUTHZ_OK) {
		authz_channel_close(authz);
	}
	wire_buf_wipe(&authz->out);
	authz_watch_update(authz);
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

/* Sends one question, and waits for the result. */
static int question(struct authz *authz, struct wire_str method,
	const struct authz_request *request, struct wire_response *out)
{
	uint32_t id;
	int r;

	if (authz == NULL || request == NULL || authz_question_check(NULL, request) != AUTHZ_OK) {
		return AUTHZ_EINVAL;
	}
	r = begin(authz);
	if (r != AUTHZ_OK) {
		return r;
	}
	id = (uint32_t)authz_channel_id(authz);
	wire_put_request(&authz->out, id, method, true);
	authz_question_put(&authz->out, request, authz->as_of, 0);
	return ask(authz, id, out);
}

int authz_check(
	struct authz *authz, const struct authz_request *request, struct authz_decision *out)
{
	struct wire_response response;
	int r;

	if (out == NULL) {
		return AUTHZ_EINVAL;
	}
	authz_deny(out);
	r = question(authz, WIRE_STR("authorize"), request, &response);
	return r == AUTHZ_OK ? authz_question_read(response.value, out) : r;
}

int authz_plan(struct authz *authz, const struct authz_request *request, struct authz_plan *out)
{
	struct wire_response response;
	int r;

	if (out == NULL) {
		return AUTHZ_EINVAL;
	}
	authz_plan_deny(out);
	r = question(authz, WIRE_STR("plan"), request, &response);
	return r == AUTHZ_OK ? authz_plan_read(response.value, out) : r;
}

/* Packs a request of authorize_many. */
static void put_many(struct authz *authz, uint32_t id, const struct authz_request *shared,
	const struct authz_request *requests, size_t count)
{
	struct wire_buf *buf = &authz->out;

	wire_put_request(buf, id, WIRE_STR("authorize_many"), true);
	authz_question_put(buf, shared, authz->as_of, 1);
	wire_put_str(buf, WIRE_STR("requests"));
	wire_put_array(buf, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		authz_question_put(buf, &requests[i], "", 0);
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
	id = (uint32_t)authz_channel_id(authz);
	put_many(authz, id, shared != NULL ? shared : &nothing, requests, count);
	r = ask(authz, id, &response);
	if (r != AUTHZ_OK) {
		return r;
	}
	return authz_question_read_many(response.value, out, count);
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
	id = (uint32_t)authz_channel_id(authz);
	drawn = authz_retry_id(method, params, params_len, retry);
	repeatable = drawn || authz_retry_allowed(method, params, params_len);
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
	if (r == AUTHZ_EREFUSED) {
		authz_refusal(authz, out);
	}
	return r == AUTHZ_OK ? authz_reply_read(authz, &response, out) : r;
}

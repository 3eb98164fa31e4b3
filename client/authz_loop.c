/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authz_loop: the event loop interface. Started requests are queued in one buffer. authz_process
 * sends it, receives answers and finds the request of each by its id (authz_slots). A result that
 * cannot be read, and a missed deadline, fail their own request. Any other error ends the
 * connection and fails all requests outstanding on it.
 *
 * Requests that may be sent twice are outstanding without a connection, too, while nobody listens:
 * authz_process then tries to connect after a pause (authz_retry), until their deadlines.
 */

#include <errno.h>
#include <sys/socket.h>

#include "client/authz_handle.h"

/* Receives of one authz_process, so that a busy connection does not hold up the loop. */
enum { READS_A_TURN = 16 };

/* Calls the callback, with the response if error is 0. A result that cannot be read is this
 * request's error alone: the message around it was whole, so the next one is read as any other. */
static void finish(struct authz *authz, const struct authz_slot *slot, int error,
	const struct wire_response *response)
{
	if (slot->on_decision != NULL) {
		struct authz_decision decision;

		if (error == AUTHZ_OK && !response->failed) {
			error = authz_question_read(response->value, &decision);
		} else {
			authz_deny(&decision);
			error = error == AUTHZ_OK ? authz_refuse(authz, response->value) : error;
		}
		slot->on_decision(slot->data, error, &decision);
	} else if (slot->on_plan != NULL) {
		struct authz_plan plan;

		authz_plan_deny(&plan);
		if (error == AUTHZ_OK && response->failed) {
			error = authz_refuse(authz, response->value);
		} else if (error == AUTHZ_OK) {
			error = authz_plan_read(response->value, &plan);
		}
		slot->on_plan(slot->data, error, &plan);
	} else {
		struct authz_reply reply = { .data = NULL };

		if (error == AUTHZ_OK) {
			error = authz_reply_read(authz, response, &reply);
		} else if (error == AUTHZ_EREFUSED) {
			authz_refusal(authz, &reply);
		}
		slot->on_reply(slot->data, error, &reply);
	}
}

/* Ends the connection and fails all outstanding requests. They are taken off the handle first, so
 * that callbacks may start requests, and cancel those whose callback is still to come. */
static void fail_all(struct authz *authz, int error)
{
	struct authz_slots_walk walk = authz_slots_walk(authz);
	struct authz_slot *slot;

	authz_channel_close(authz);
	wire_buf_wipe(&authz->out);
	authz_slots_fail(authz);
	while ((slot = authz_slots_next_failing(authz, &walk)) != NULL) {
		struct authz_slot found = *slot;

		slot->state = AUTHZ_SLOT_FREE;
		authz->failing--;
		finish(authz, &found, error, NULL);
	}
}

/* Fails the requests whose deadline has passed. When no other is outstanding the connection ends,
 * too: the daemon may be stuck, and another connection may not. Returns 0, or the error that ended
 * it. */
static int expire(struct authz *authz)
{
	int64_t now = authz_now();
	int error = authz->fd < 0 ? AUTHZ_ECONNECT : AUTHZ_ETIMEOUT;
	struct authz_slots_walk walk = authz_slots_walk(authz);
	struct authz_slot *slot;
	uint32_t expired = 0;

	if (authz_slots_earliest(authz) > now) {
		return AUTHZ_OK;
	}
	while (authz_slots_next_expired(authz, now, &walk) != NULL) {
		expired++;
	}
	if (expired == authz->outstanding) {
		return error;
	}
	walk = authz_slots_walk(authz);
	while ((slot = authz_slots_next_expired(authz, now, &walk)) != NULL) {
		struct authz_slot found = *slot;

		authz_slots_give_up(authz, slot);
		finish(authz, &found, error, NULL);
	}
	return AUTHZ_OK;
}

/* Sends what it can without waiting. */
static int flush(struct authz *authz)
{
	while (authz->out.len > 0) {
		ssize_t n = send(
			authz->fd, authz->out.data, authz->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			wire_buf_consume(&authz->out, (size_t)n);
			authz->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			return AUTHZ_OK;
		} else if (errno != EINTR) {
			authz->sys_errno = errno;
			return AUTHZ_ECLOSED;
		}
	}
	return AUTHZ_OK;
}

/* Finds the request that one whole message answers, and finishes it. */
static int take_message(struct authz *authz, const uint8_t *bytes, size_t len)
{
	struct wire_response response;
	struct authz_slot *slot, found;

	if (wire_decode_response(bytes, len, &response) != WIRE_OK) {
		return AUTHZ_EPROTO;
	}
	if (!response.has_id) {
		return authz_farewell_read(authz, &response);
	}
	slot = authz_slots_find(authz, response.id);
	if (slot == NULL || slot->begin >= authz->sent) {
		return AUTHZ_EPROTO;
	}
	found = *slot;
	authz_slots_answered(authz, slot);
	if (found.state == AUTHZ_SLOT_GIVEN_UP) {
		return AUTHZ_OK;
	}
	finish(authz, &found, AUTHZ_OK, &response);
	return AUTHZ_OK;
}

/* Handles all whole messages in authz->in, and removes them. */
static int take_messages(struct authz *authz)
{
	size_t off = 0, len = 0;
	int r = AUTHZ_OK;

	while (r == AUTHZ_OK && off < authz->in.len) {
		enum wire_progress progress =
			wire_walk(&authz->walk, authz->in.data + off, authz->in.len - off, &len);

		if (progress == WIRE_NEED_MORE) {
			break;
		}
		if (progress != WIRE_COMPLETE) {
			r = AUTHZ_EPROTO;
			break;
		}
		r = take_message(authz, authz->in.data + off, len);
		off += len;
	}
	wire_buf_consume(&authz->in, off);
	return r;
}

/* Receives and handles what has come, in at most READS_A_TURN receives. */
static int receive(struct authz *authz)
{
	for (int i = 0; i < READS_A_TURN; i++) {
		uint8_t *room = wire_buf_reserve(&authz->in, AUTHZ_RECV_ROOM);
		size_t size = authz->in.cap - authz->in.len;
		ssize_t n;
		int r;

		if (room == NULL) {
			return AUTHZ_ENOMEM;
		}
		n = recv(authz->fd, room, size, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			return AUTHZ_OK;
		}
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			authz->sys_errno = n < 0 ? errno : 0;
			return AUTHZ_ECLOSED;
		}
		authz->in.len += (size_t)n;
		r = take_messages(authz);
		if (r != AUTHZ_OK || (size_t)n < size) {
			return r;
		}
	}
	return AUTHZ_OK;
}

/* Tries to connect for the requests that are outstanding without a connection. */
static int reconnect(struct authz *authz)
{
	int64_t now = authz_now();
	int r;

	if (now < authz->retry_at) {
		return AUTHZ_OK;
	}
	r = authz_channel_open(authz, now + authz->timeout_ms, false);
	if (r == AUTHZ_ECONNECT && authz_retry_connect(authz)) {
		authz->retry_at = now + authz_retry_pause(&authz->retry_pause);
		return AUTHZ_OK;
	}
	return r;
}

/* Sends and receives. */
static int transfer(struct authz *authz)
{
	int r = flush(authz), received;

	if (r != AUTHZ_OK && r != AUTHZ_ECLOSED) {
		return r;
	}
	/* Answers that came before the daemon closed the connection count. */
	received = receive(authz);
	return r == AUTHZ_OK || received == AUTHZ_EREFUSED ? received : r;
}

int authz_process(struct authz *authz)
{
	int r;

	if (authz == NULL) {
		return AUTHZ_EINVAL;
	}
	r = authz_channel_enter(authz);
	if (r != AUTHZ_OK) {
		return r;
	}
	if (authz->processing) {
		return AUTHZ_EBUSY;
	}
	authz->processing = true;
	if (authz->fd < 0 && authz->outstanding > 0) {
		r = reconnect(authz);
	}
	if (r == AUTHZ_OK && authz->fd >= 0) {
		r = transfer(authz);
	}
	if (r == AUTHZ_OK) {
		r = expire(authz);
	}
	if (r != AUTHZ_OK) {
		fail_all(authz, r);
	}
	authz_slots_settle(authz);
	authz->processing = false;
	authz_watch_turn(authz);
	return r;
}

int authz_cancel(struct authz *authz, uint64_t id)
{
	struct authz_slot *slot;
	int r;

	if (authz == NULL) {
		return AUTHZ_EINVAL;
	}
	r = authz_channel_enter(authz);
	if (r != AUTHZ_OK) {
		return r;
	}
	slot = authz->slots != NULL ? &authz->slots[id % AUTHZ_SLOTS] : NULL;
	if (slot != NULL && slot->id == id && slot->state == AUTHZ_SLOT_WAITING) {
		authz_slots_give_up(authz, slot);
	} else if (slot != NULL && slot->id == id && slot->state == AUTHZ_SLOT_FAILING) {
		slot->state = AUTHZ_SLOT_FREE;
		authz->failing--;
	} else {
		return AUTHZ_EINVAL;
	}
	authz_watch_update(authz);
	return AUTHZ_OK;
}

uint64_t authz_started(const struct authz *authz)
{
	return authz->started;
}

/* Opens a connection unless there is one. A request that may be sent twice does without one while
 * nobody listens. */
static int connect_or_wait(struct authz *authz, int64_t deadline, bool repeatable)
{
	bool waiting = authz->fd < 0 && authz->outstanding > 0;
	int r = AUTHZ_ECONNECT;

	if (!waiting) {
		r = authz_channel_open(authz, deadline, false);
	}
	if (r != AUTHZ_ECONNECT || !repeatable || !authz_retry_connect(authz)) {
		return r;
	}
	if (!waiting) {
		authz->retry_pause = 0;
		authz->retry_at = authz_now() + authz_retry_pause(&authz->retry_pause);
	}
	return AUTHZ_OK;
}

/* Room for one request more, and for its id. */
static int make_room(struct authz *authz)
{
	bool full = authz->outstanding + authz->failing + authz->given_up == AUTHZ_SLOTS;
	/* Ids would repeat soon: a new connection begins when no request is outstanding. */
	bool used_up = authz->ids_used >= UINT32_MAX - 2 * AUTHZ_SLOTS;

	if (full || used_up) {
		if (authz->outstanding > 0 || authz->processing) {
			return full ? AUTHZ_ELIMIT : AUTHZ_EBUSY;
		}
		authz_channel_close(authz);
		wire_buf_wipe(&authz->out);
	}
	return authz_slots_create(authz);
}

/* Prepares to queue a request. */
static int start(struct authz *authz, bool repeatable, struct authz_slot *slot)
{
	int r = authz_channel_enter(authz);

	if (r == AUTHZ_OK) {
		r = make_room(authz);
	}
	if (r != AUTHZ_OK) {
		return r;
	}
	slot->deadline = authz_now() + authz->timeout_ms;
	r = connect_or_wait(authz, slot->deadline, repeatable);
	if (r == AUTHZ_OK) {
		slot->id = authz_slots_id(authz);
	}
	return r;
}

/* Ends the request packed from mark on, and enters it in its slot. */
static int queue(struct authz *authz, size_t mark, const struct authz_slot *slot)
{
	int r = authz_request_end(authz, mark);

	if (r == AUTHZ_OK) {
		authz_slots_enter(authz, *slot, mark);
	}
	authz_watch_update(authz);
	return r;
}

static int ask_start(struct authz *authz, struct wire_str method,
	const struct authz_request *request, struct authz_slot *slot)
{
	size_t mark;
	int r;

	if (authz == NULL || request == NULL || authz_question_check(NULL, request) != AUTHZ_OK) {
		return AUTHZ_EINVAL;
	}
	r = start(authz, true, slot);
	if (r != AUTHZ_OK) {
		return r;
	}
	mark = authz->out.len;
	wire_put_request(&authz->out, (uint32_t)slot->id, method, true);
	authz_question_put(&authz->out, request, authz->as_of, 0);
	return queue(authz, mark, slot);
}

int authz_check_start(struct authz *authz, const struct authz_request *request,
	authz_on_decision on_decision, void *data)
{
	struct authz_slot slot = { .on_decision = on_decision, .data = data };

	return on_decision != NULL ? ask_start(authz, WIRE_STR("authorize"), request, &slot)
				   : AUTHZ_EINVAL;
}

int authz_plan_start(
	struct authz *authz, const struct authz_request *request, authz_on_plan on_plan, void *data)
{
	struct authz_slot slot = { .on_plan = on_plan, .data = data };

	return on_plan != NULL ? ask_start(authz, WIRE_STR("plan"), request, &slot) : AUTHZ_EINVAL;
}

int authz_call_start(struct authz *authz, const char *method, const void *params, size_t params_len,
	authz_on_reply on_reply, void *data)
{
	struct authz_slot slot = { .on_reply = on_reply, .data = data };
	size_t mark;
	int r;

	if (authz == NULL || on_reply == NULL || !authz_params_good(method, params, params_len)) {
		return AUTHZ_EINVAL;
	}
	r = start(authz, authz_retry_allowed(method, params, params_len), &slot);
	if (r != AUTHZ_OK) {
		return r;
	}
	mark = authz->out.len;
	authz_request_put(authz, (uint32_t)slot.id, method, params, params_len);
	return queue(authz, mark, &slot);
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authz_loop: the event loop interface. Started requests are queued in one buffer. authz_process
 * sends it, receives answers and finds the request of each by its id: the slot is id % AUTHZ_SLOTS,
 * and a new request skips ids whose slot is in use. Any error ends the connection and fails all
 * requests outstanding on it.
 */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/authz_handle.h"

/* Receives of one authz_process, so that a busy connection does not hold up the loop. */
enum { READS_A_TURN = 16 };

static bool is_foreign(const struct authz *authz)
{
	return authz->pid != getpid();
}

int authz_fd(const struct authz *authz)
{
	return is_foreign(authz) ? -1 : authz->fd;
}

short authz_events(const struct authz *authz)
{
	if (authz->fd < 0 || is_foreign(authz)) {
		return 0;
	}
	return (short)(POLLIN | (authz->outstanding > 0 && authz->out.len > 0 ? POLLOUT : 0));
}

static struct authz_slot *slot_of(const struct authz *authz, uint32_t id)
{
	return &authz->slots[id % AUTHZ_SLOTS];
}

/* The request that has waited longest, or NULL when none is outstanding. */
static struct authz_slot *oldest_slot(const struct authz *authz)
{
	if (authz->outstanding == 0) {
		return NULL;
	}
	for (uint32_t id = authz->oldest;; id++) {
		struct authz_slot *slot = slot_of(authz, id);

		if (slot->active && slot->id == id) {
			return slot;
		}
	}
}

int authz_timeout(const struct authz *authz)
{
	const struct authz_slot *slot;
	int64_t left;

	if (is_foreign(authz)) {
		return -1;
	}
	slot = oldest_slot(authz);
	if (slot == NULL) {
		return -1;
	}
	left = slot->deadline - authz_now();
	if (left < 0) {
		return 0;
	}
	return left < INT_MAX ? (int)left : INT_MAX;
}

/* Calls the callback, with the response if error is 0. Returns 0, or AUTHZ_EPROTO when the response
 * is malformed and the connection must end. */
static int finish(struct authz *authz, const struct authz_slot *slot, int error,
	const struct wire_response *response)
{
	int fatal = AUTHZ_OK;

	if (slot->on_decision != NULL) {
		struct authz_decision decision;

		authz_deny(&decision);
		if (error == AUTHZ_OK && response->failed) {
			error = authz_refuse(authz, response->value);
		} else if (error == AUTHZ_OK) {
			error = fatal = authz_question_read(response->value, &decision);
		}
		slot->on_decision(slot->data, error, &decision);
	} else {
		struct authz_reply reply = { .data = NULL };

		if (error == AUTHZ_OK) {
			error = authz_reply_read(authz, response, &reply);
		}
		slot->on_reply(slot->data, error, &reply);
	}
	return fatal;
}

/* Ends the connection and fails all outstanding requests. The slots are taken off the handle first,
 * so that callbacks may start requests. */
static void fail_all(struct authz *authz, int error)
{
	struct authz_slot *slots = authz->slots;
	uint32_t count = authz->outstanding;
	uint32_t id = authz->oldest;

	authz_channel_close(authz);
	wire_buf_wipe(&authz->out);
	authz->slots = NULL;
	authz->outstanding = 0;
	authz->oldest = authz->next_id;
	for (; count > 0; id++) {
		struct authz_slot *slot = &slots[id % AUTHZ_SLOTS];

		if (slot->active && slot->id == id) {
			slot->active = false;
			count--;
			finish(authz, slot, error, NULL);
		}
	}
	free(slots);
}

/* Sends what it can without waiting. */
static int flush(struct authz *authz)
{
	while (authz->outstanding > 0 && authz->out.len > 0) {
		ssize_t n = send(
			authz->fd, authz->out.data, authz->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			wire_buf_consume(&authz->out, (size_t)n);
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

	if (wire_decode_response(bytes, len, &response) != WIRE_OK || !response.has_id ||
		authz->outstanding == 0) {
		return AUTHZ_EPROTO;
	}
	slot = slot_of(authz, response.id);
	if (!slot->active || slot->id != response.id) {
		return AUTHZ_EPROTO;
	}
	found = *slot;
	slot->active = false;
	authz->outstanding--;
	if (authz->outstanding == 0) {
		authz->oldest = authz->next_id;
	} else if (found.id == authz->oldest) {
		authz->oldest = oldest_slot(authz)->id;
	}
	return finish(authz, &found, AUTHZ_OK, &response);
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

int authz_process(struct authz *authz)
{
	int r;

	if (authz == NULL) {
		return AUTHZ_EINVAL;
	}
	r = authz_channel_enter(authz);
	if (r != AUTHZ_OK || authz->fd < 0) {
		return r;
	}
	if (authz->processing) {
		return AUTHZ_EBUSY;
	}
	authz->processing = true;
	r = flush(authz);
	/* Answers that came before the daemon closed the connection count. */
	if (r == AUTHZ_OK || r == AUTHZ_ECLOSED) {
		int received = receive(authz);

		r = r == AUTHZ_OK ? received : r;
	}
	if (r == AUTHZ_OK && authz_timeout(authz) == 0) {
		r = AUTHZ_ETIMEOUT;
	}
	if (r != AUTHZ_OK) {
		fail_all(authz, r);
	}
	authz->processing = false;
	return r;
}

/* Prepares to queue a request: opens a connection, and chooses an id whose slot is free. */
static int start(struct authz *authz, int64_t *out_deadline, uint32_t *out_id)
{
	int r = authz_channel_enter(authz);

	if (r != AUTHZ_OK) {
		return r;
	}
	if (authz->outstanding == AUTHZ_MAX_REQUESTS) {
		return AUTHZ_ELIMIT;
	}
	if (authz->ids_used >= UINT32_MAX - AUTHZ_SLOTS) {
		/* Ids would repeat soon: a new connection begins when no request is outstanding. */
		if (authz->outstanding > 0 || authz->processing) {
			return AUTHZ_EBUSY;
		}
		authz_channel_close(authz);
	}
	if (authz->slots == NULL) {
		authz->slots = calloc(AUTHZ_SLOTS, sizeof *authz->slots);
		if (authz->slots == NULL) {
			return AUTHZ_ENOMEM;
		}
	}
	*out_deadline = authz_now() + authz->timeout_ms;
	r = authz_channel_open(authz, *out_deadline, false);
	if (r != AUTHZ_OK) {
		return r;
	}
	if (authz->outstanding == 0) {
		wire_buf_wipe(&authz->out);
	}
	while (slot_of(authz, authz->next_id)->active) {
		authz_channel_id(authz);
	}
	if (authz->outstanding == 0) {
		authz->oldest = authz->next_id;
	}
	*out_id = authz_channel_id(authz);
	return AUTHZ_OK;
}

/* Ends the request packed from mark on, and enters it in its slot. */
static int queue(struct authz *authz, size_t mark, const struct authz_slot *slot)
{
	int r = authz_request_end(authz, mark);

	if (r == AUTHZ_OK) {
		*slot_of(authz, slot->id) = *slot;
		authz->outstanding++;
	}
	return r;
}

int authz_check_start(struct authz *authz, const struct authz_request *request,
	authz_on_decision on_decision, void *data)
{
	struct authz_slot slot = { .active = true, .on_decision = on_decision, .data = data };
	size_t mark;
	int r;

	if (authz == NULL || request == NULL || on_decision == NULL ||
		authz_question_check(NULL, request) != AUTHZ_OK) {
		return AUTHZ_EINVAL;
	}
	r = start(authz, &slot.deadline, &slot.id);
	if (r != AUTHZ_OK) {
		return r;
	}
	mark = authz->out.len;
	wire_put_request(&authz->out, slot.id, WIRE_STR("authorize"), true);
	authz_question_put(&authz->out, request, 0);
	return queue(authz, mark, &slot);
}

int authz_call_start(struct authz *authz, const char *method, const void *params, size_t params_len,
	authz_on_reply on_reply, void *data)
{
	struct authz_slot slot = { .active = true, .on_reply = on_reply, .data = data };
	size_t mark;
	int r;

	if (authz == NULL || on_reply == NULL || !authz_params_good(method, params, params_len)) {
		return AUTHZ_EINVAL;
	}
	r = start(authz, &slot.deadline, &slot.id);
	if (r != AUTHZ_OK) {
		return r;
	}
	mark = authz->out.len;
	authz_request_put(authz, slot.id, method, params, params_len);
	return queue(authz, mark, &slot);
}

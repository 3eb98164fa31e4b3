/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/conn_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/call/dispatch.h"
#include "daemon/serve/conn_internal.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/server.h"
#include "daemon/serve/worker.h"
#include "daemon/share/row.h"
#include "daemon/store/shared.h"

#define PLACE_TAG 8 /* bytes of a tag that the text of a place has */

/* False: the log that this host follows has another change at that sequence. A row that is not kept
 * any more is believed. */
static bool has_tag(struct worker *worker, uint64_t sequence, const uint8_t tag[static PLACE_TAG])
{
	struct store_shared shared;
	struct share_row row;
	struct pol_str bytes;

	if (!worker->reading || store_get_shared(worker->read, &shared) != 0 ||
		sequence > shared.sequence) {
		return false;
	}
	if (sequence == shared.sequence) {
		return memcmp(shared.tag, tag, PLACE_TAG) == 0;
	}
	return store_get_row(worker->read, sequence, &bytes) != 0 ||
	       !share_row_decode(bytes, &row) || memcmp(row.tag, tag, PLACE_TAG) == 0;
}

static enum conn_place_state refuse(
	struct conn *conn, uint32_t id, enum wire_code code, const char *why)
{
	struct wire_error err;

	wire_error_set(&err, code, code == WIRE_INVALID_REQUEST ? WIRE_STR("as_of") : WIRE_STR(""),
		"%s", why);
	wire_put_error(&conn->worker->out, &id, &err);
	return CONN_PLACE_DONE;
}

static void append(struct worker *worker, struct conn_place *place)
{
	struct conn_place **link = &worker->places;

	while (*link != NULL) {
		link = &(*link)->next;
	}
	*link = place;
	worker->place_count++;
}

static void on_look(uv_timer_t *timer)
{
	conn_place_look(timer->data);
}

/* 0, or -ENOMEM or -ENOBUFS. */
static int keep(struct conn *conn, uint64_t sequence, struct wire_cursor message)
{
	struct worker *worker = conn->worker;
	size_t len = (size_t)(message.end - message.ptr);
	struct conn_place *place = malloc(sizeof *place + len);

	if (place == NULL) {
		return -ENOMEM;
	}
	*place = (struct conn_place){
		.conn = conn,
		.sequence = sequence,
		.deadline = uv_now(&worker->loop) + CONN_PLACE_MS,
		.size = sizeof *place + len,
		.len = len,
	};
	if (!peer_limits_charge(conn->limits, conn->slot.user, place->size, conn->peer.superuser)) {
		free(place);
		return -ENOBUFS;
	}
	memcpy(place->bytes, message.ptr, len);
	append(worker, place);
	conn->waiting++;
	if (!uv_is_active((uv_handle_t *)&worker->place)) {
		uv_timer_start(&worker->place, on_look, CONN_PLACE_TICK, CONN_PLACE_TICK);
	}
	return 0;
}

enum conn_place_state conn_place_check(struct conn *conn, const struct wire_value *as_of,
	uint32_t id, struct wire_cursor message, bool waited)
{
	struct worker *worker = conn->worker;
	struct pol_str text = { as_of->text.ptr, as_of->text.len };
	uint8_t tag[PLACE_TAG];
	uint64_t sequence;
	int r;

	if (!worker->view.shared) {
		return refuse(conn, id, WIRE_INVALID_REQUEST, "this is not a shared store");
	}
	if (!share_place_parse(text, &sequence, tag)) {
		return refuse(conn, id, WIRE_INVALID_REQUEST,
			"must be a place of the log, as the answer of a change gives it");
	}
	if (sequence <= worker->view.applied) {
		return has_tag(worker, sequence, tag) ? CONN_PLACE_HERE : CONN_PLACE_LATE;
	}
	if (waited) {
		return CONN_PLACE_LATE;
	}
	if (worker->place_count >= CONN_PLACES) {
		return refuse(conn, id, WIRE_OVERLOADED,
			"too many requests wait for a change that this host does not have yet");
	}
	r = keep(conn, sequence, message);
	if (r < 0) {
		dispatch_fail(&worker->out, id, r);
	}
	return CONN_PLACE_DONE;
}

void conn_place_look(struct worker *worker)
{
	uint64_t applied = share_fresh_view(worker->server->context.fresh).applied;
	uint64_t now = uv_now(&worker->loop);

	if (worker->places == NULL) {
		uv_timer_stop(&worker->place);
	}
	for (struct conn_place *place = worker->places; place != NULL; place = place->next) {
		if (!place->due && (place->sequence <= applied || place->deadline <= now)) {
			place->due = true;
			place->conn->due++;
			place->conn->more = true;
			worker_queue(worker, place->conn);
		}
	}
}

static void take_out(struct worker *worker, struct conn_place **link)
{
	struct conn_place *place = *link;
	struct conn *conn = place->conn;

	*link = place->next;
	place->next = NULL;
	worker->place_count--;
	conn->waiting--;
	if (place->due) {
		conn->due--;
	}
	peer_limits_release(conn->limits, conn->slot.user, place->size);
}

struct conn_place *conn_place_take(struct conn *conn)
{
	struct conn_place **link = &conn->worker->places, *place;

	while (*link != NULL && ((*link)->conn != conn || !(*link)->due)) {
		link = &(*link)->next;
	}
	place = *link;
	if (place != NULL) {
		take_out(conn->worker, link);
	}
	return place;
}

void conn_place_free(struct conn_place *place)
{
	wire_wipe(place->bytes, place->len);
	free(place);
}

void conn_place_drop(struct conn *conn)
{
	struct conn_place **link = &conn->worker->places;

	while (*link != NULL) {
		struct conn_place *place = *link;

		if (place->conn == conn) {
			take_out(conn->worker, link);
			conn_place_free(place);
		} else {
			link = &place->next;
		}
	}
}

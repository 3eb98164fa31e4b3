/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/wire.h"
#include "daemon/config/peer.h"
#include "daemon/host/log.h"
#include "daemon/serve/conn.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/server.h"
#include "daemon/serve/worker.h"

/* Nanoseconds between two lines of the log about refused connections. A peer can ask for thousands
 * a second. */
#define REFUSALS_EVERY (UINT64_C(60) * 1000 * 1000 * 1000)

/* Logs a refused connection, with the number of those since the last line. */
static void note_refusal(struct server *server, uid_t user, const char *why)
{
	struct accept_refusals *refusals = &server->refusals;
	uint64_t now = uv_hrtime();

	refusals->since++;
	if (refusals->logged && now - refusals->logged_at < REFUSALS_EVERY) {
		return;
	}
	log_warn("connections were refused", "count=%llu last_user=%u last_reason=%s",
		(unsigned long long)refusals->since, (unsigned)user, why);
	*refusals = (struct accept_refusals){ .logged = true, .logged_at = now };
}

void accept_refuse(int fd, const char *message)
{
	struct wire_error err;
	struct wire_buf out;

	wire_error_set(&err, WIRE_OVERLOADED, (struct wire_str){ NULL, 0 }, "%s", message);
	wire_buf_init(&out, 1024);
	wire_put_error(&out, NULL, &err);
	send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	wire_buf_finish(&out);
	close(fd);
}

static const char *explain(int error)
{
	switch (error) {
	case -EDQUOT:
		return "this user has as many connections as one may have now: close some, or try "
		       "later";
	case -EUSERS:
		return "the daemon has as many connections as it takes: try later";
	default:
		return "the daemon has no memory left: try later";
	}
}

void accept_make_room(struct server *server)
{
	if (!peer_limits_are_scarce(server->limits)) {
		return;
	}
	for (unsigned i = 0; i < server->worker_count; i++) {
		worker_reap(&server->workers[i]);
	}
}

void accept_connection(struct server *server, const struct config_listener *listener, int fd)
{
	const struct config *config = server->context.config;
	struct peer_limits_slot slot;
	struct conn *conn;
	struct peer peer;
	int r = peer_init(&peer, fd, config);

	if (r < 0) {
		log_warn("cannot identify a peer that connects", "error=%s", strerror(-r));
		close(fd);
		return;
	}
	peer.may_decide = listener->decide;
	peer.may_manage = listener->manage;
	r = peer_limits_connect(server->limits, peer.user, peer.superuser,
		peer.trusted || config_match_manager(config, &peer), &slot);
	if (r < 0 || (slot.pool != PEER_LIMITS_SHARED && slot.pool != PEER_LIMITS_EXEMPT)) {
		accept_make_room(server);
	}
	if (r < 0) {
		note_refusal(server, peer.user, explain(r));
		accept_refuse(fd, explain(r));
		return;
	}
	r = conn_create(fd, &peer, server->limits, &slot, &conn);
	if (r < 0) {
		peer_limits_disconnect(server->limits, &slot);
		peer_limits_count_refused(server->limits);
		note_refusal(server, peer.user, explain(r));
		accept_refuse(fd, explain(r));
		return;
	}
	worker_adopt(server_pick_worker(server), conn);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/watchdog.h"

#include "daemon/host/notify.h"
#include "daemon/serve/server.h"
#include "daemon/write/writer.h"

static bool all_answered(const struct server *server, uint32_t beat)
{
	for (unsigned i = 0; i < server->worker_count; i++) {
		if (atomic_load(&server->workers[i].beat) != beat) {
			return false;
		}
	}
	return writer_beat(server->writer) == beat;
}

static void on_time(uv_timer_t *timer)
{
	struct server *server = timer->data;
	uint32_t beat = atomic_load(&server->watchdog.beat);

	if (!all_answered(server, beat)) {
		return;
	}
	notify_send(&server->notify, "WATCHDOG=1");
	beat++;
	atomic_store(&server->watchdog.beat, beat);
	server_wake_workers(server);
	writer_ask_beat(server->writer, beat);
}

int watchdog_start(struct server *server)
{
	struct watchdog *watchdog = &server->watchdog;
	uint64_t interval = server->notify.watchdog_usec / 1000 / WATCHDOG_PARTS;
	int r;

	if (server->notify.watchdog_usec == 0) {
		return 0;
	}
	r = uv_timer_init(&server->loop, &watchdog->timer);
	if (r < 0) {
		return r;
	}
	watchdog->has_timer = true;
	watchdog->timer.data = server;
	return uv_timer_start(&watchdog->timer, on_time, 0, interval > 0 ? interval : 1);
}

static void on_close(uv_handle_t *handle)
{
	(void)handle;
}

void watchdog_stop(struct watchdog *watchdog)
{
	if (watchdog->has_timer) {
		uv_close((uv_handle_t *)&watchdog->timer, on_close);
		watchdog->has_timer = false;
	}
}

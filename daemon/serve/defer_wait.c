/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/defer_wait.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/serve/defer.h"
#include "daemon/serve/server.h"
#include "daemon/serve/worker.h"
#include "daemon/share/everywhere.h"
#include "daemon/share/fresh.h"
#include "daemon/share/share.h"

struct defer_wait {
	struct share_waiter waiter; /* first: `done` gives it back */
	struct defer *defer;
};

const size_t defer_wait_size = sizeof(struct defer_wait);

/* Finds the pairs of the result in a whole response. False: it is an error, or no map. */
static bool find_result(
	const struct wire_buf *response, uint32_t *out_pairs, struct wire_cursor *out)
{
	struct wire_cursor at = wire_cursor_of(response->data, response->len);
	uint32_t items;
	int64_t number;

	return response->status == WIRE_OK && wire_read_array(&at, &items) && items == 4 &&
	       wire_read_int(&at, &number) && wire_read_int(&at, &number) && wire_read_nil(&at) &&
	       wire_read_map(&at, out_pairs) && (*out = at, true);
}

/* Begins the response again, with `more` pairs that the caller puts next; what was there is in
 * *old, which the caller finishes. False: there is no result that could have more. */
static bool begin_more(struct defer *defer, uint32_t more, struct wire_buf *old)
{
	struct wire_cursor pairs;
	uint32_t count;

	if (!find_result(&defer->out, &count, &pairs)) {
		return false;
	}
	*old = defer->out;
	wire_buf_init(&defer->out, WIRE_MAX_RESPONSE);
	wire_put_result(&defer->out, defer->id);
	wire_put_map(&defer->out, count + more);
	wire_put_raw(&defer->out, pairs.ptr, (size_t)(pairs.end - pairs.ptr));
	return true;
}

/* A result may hold a token. */
static void finish_old(struct wire_buf *old)
{
	wire_buf_wipe(old);
	wire_buf_finish(old);
}

static void put_as_of(struct defer *defer)
{
	struct wire_buf old;

	if (begin_more(defer, 1, &old)) {
		wire_put_str(&defer->out, WIRE_STR("as_of"));
		wire_put_cstr(&defer->out, defer->job.place);
		finish_old(&old);
	}
}

/* Where hosts lack the change, they are named. */
static void put_reached(struct defer *defer, const struct share_waiter *waiter)
{
	size_t named = waiter->lacking_count < SHARE_NAMED_HOSTS ? waiter->lacking_count
								 : SHARE_NAMED_HOSTS;
	struct wire_buf old;

	if (!begin_more(defer, waiter->lacking_count > 0 ? 3 : 1, &old)) {
		return;
	}
	wire_put_str(&defer->out, WIRE_STR("everywhere"));
	wire_put_bool(&defer->out, waiter->reached != SHARE_REACHED_NOT);
	if (waiter->lacking_count > 0) {
		wire_put_str(&defer->out, WIRE_STR("lacking"));
		wire_put_array(&defer->out, (uint32_t)named);
		for (size_t i = 0; i < named; i++) {
			wire_put_cstr(&defer->out, waiter->lacking[i]);
		}
		wire_put_str(&defer->out, WIRE_STR("lacking_total"));
		wire_put_int(&defer->out, (int64_t)waiter->lacking_count);
	}
	finish_old(&old);
}

static void on_reached(struct share_waiter *waiter)
{
	struct defer *defer = ((struct defer_wait *)waiter)->defer;

	put_reached(defer, waiter);
	worker_deliver(defer);
}

int defer_wait_create(struct defer *defer)
{
	struct defer_wait *wait = calloc(1, sizeof *wait);

	if (wait == NULL) {
		return -ENOMEM;
	}
	wait->waiter.done = on_reached;
	wait->defer = defer;
	defer->everywhere = wait;
	return 0;
}

static bool wait_everywhere(const struct context *context, struct share_waiter *waiter)
{
	if (context->share != NULL) {
		return share_wait_everywhere(context->share, waiter);
	}
	return context->everywhere != NULL && share_everywhere_wait(context->everywhere, waiter);
}

bool defer_place(struct defer *defer)
{
	bool shared = defer->job.place[0] != '\0';
	struct share_waiter *waiter;
	struct wire_cursor pairs;
	uint32_t count;

	if (!find_result(&defer->out, &count, &pairs)) {
		return false;
	}
	if (shared) {
		put_as_of(defer);
	}
	if (defer->everywhere == NULL) {
		return false;
	}
	waiter = &defer->everywhere->waiter;
	/* A single store is everywhere. */
	waiter->reached = SHARE_REACHED_REPORTED;
	if (shared) {
		waiter->sequence = defer->job.sequence;
		waiter->since = share_now();
		if (wait_everywhere(&defer->server->context, waiter)) {
			return true;
		}
		waiter->reached = SHARE_REACHED_NOT;
	}
	put_reached(defer, waiter);
	return false;
}

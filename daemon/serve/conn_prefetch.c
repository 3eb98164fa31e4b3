/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/conn_prefetch.h"

#include "daemon/decide/ask.h"
#include "daemon/keys/usage.h"
#include "daemon/secret/token.h"
#include "daemon/serve/conn.h"
#include "daemon/serve/server.h"
#include "daemon/serve/worker.h"
#include "daemon/store/env.h"

static void warm(
	const struct worker *worker, const uint8_t *bytes, const struct conn_prefetch *ahead)
{
	struct pol_str kids[CONN_PREFETCH] = { { NULL, 0 } };
	size_t count = 0;

	for (unsigned i = 0; i < ahead->count; i++) {
		struct pol_str text = ask_peek_token(bytes, ahead->sizes[i]);
		struct secret_token token;

		/* Where the first has none the others have none, most likely. */
		if (!secret_token_split(text, &token)) {
			break;
		}
		kids[count++] = token.kid;
		bytes += ahead->sizes[i];
	}
	usage_prefetch(worker->server->context.usage, kids, count);
}

void conn_prefetch_run(
	struct conn *conn, const uint8_t *bytes, size_t len, struct conn_prefetch *out)
{
	size_t off = 0;

	out->count = 0;
	do {
		size_t size = 0;

		out->end = wire_walk(&conn->walk, bytes + off, len - off, &size);
		if (out->end != WIRE_COMPLETE) {
			break;
		}
		out->sizes[out->count++] = size;
		off += size;
	} while (off < len && out->count < CONN_PREFETCH);
	if (out->count > 0 && conn->worker->reading) {
		warm(conn->worker, bytes, out);
	}
}

void conn_prefetch_take(struct conn *conn)
{
	wire_walk_init(&conn->walk, WIRE_MAX_REQUEST);
}

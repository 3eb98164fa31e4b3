/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's connections, and the numbers by which answers find them. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/serve/conn.h"
#include "daemon/serve/worker.h"

static int grow_slots(struct worker *worker)
{
	uint32_t count = worker->slot_count == 0 ? 64 : worker->slot_count * 2;
	struct conn **slots = calloc(count, sizeof(struct conn *));

	if (slots == NULL) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < worker->slot_count; i++) {
		slots[i] = worker->slots[i];
	}
	free(worker->slots);
	worker->slots = slots;
	worker->slot_count = count;
	return 0;
}

int worker_add(struct worker *worker, struct conn *conn)
{
	uint32_t slot = 0;

	while (slot < worker->slot_count && worker->slots[slot] != NULL) {
		slot++;
	}
	if (slot == worker->slot_count && grow_slots(worker) < 0) {
		return -ENOMEM;
	}
	if (fairness_join(&worker->fairness, conn) < 0) {
		return -ENOMEM;
	}
	worker->slots[slot] = conn;
	conn->number = (uint64_t)++worker->generations << 32 | slot;
	conn->prev = NULL;
	conn->next = worker->conns;
	if (conn->next != NULL) {
		conn->next->prev = conn;
	}
	worker->conns = conn;
	stats_add(&worker->stats.accepted, 1);
	stats_add(&worker->stats.open, 1);
	return 0;
}

struct conn *worker_find(const struct worker *worker, uint64_t number)
{
	uint32_t slot = (uint32_t)number;
	struct conn *conn = slot < worker->slot_count ? worker->slots[slot] : NULL;

	return conn != NULL && conn->number == number ? conn : NULL;
}

void worker_remove(struct worker *worker, struct conn *conn)
{
	worker->slots[(uint32_t)conn->number] = NULL;
	fairness_leave(&worker->fairness, conn);
	if (conn->prev != NULL) {
		conn->prev->next = conn->next;
	} else {
		worker->conns = conn->next;
	}
	if (conn->next != NULL) {
		conn->next->prev = conn->prev;
	}
	conn->next = NULL;
	conn->prev = NULL;
	stats_add(&worker->stats.open, (uint64_t)-1);
}

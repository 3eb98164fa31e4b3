/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/write/queue.h"

#include <stdlib.h>

/* --- flows ------------------------------------------------------------------------------------ */

static void append(struct queue_flow *ring, struct queue_flow *flow)
{
	flow->next = NULL;
	*ring->last = flow;
	ring->last = &flow->next;
}

static void init_flow(struct queue_flow *flow, struct queue_flow *ring, uint32_t number)
{
	*flow = (struct queue_flow){ .number = number, .class = ring->class };
	flow->last = &flow->first;
	flow->items_last = &flow->items;
	append(ring, flow);
}

void queue_init(struct queue *queue)
{
	*queue = (struct queue){ .count = 0 };
	for (unsigned i = 0; i < QUEUE_CLASSES; i++) {
		struct queue_flow *ring = &queue->classes[i];

		ring->class = (enum queue_class)i;
		ring->last = &ring->first;
		init_flow(&queue->daemon[i], ring, QUEUE_DAEMON);
		init_flow(&queue->own[i], &queue->daemon[i], 0);
		queue->own[i].parent = &queue->daemon[i];
		queue->daemon[i].kept = true;
		queue->own[i].kept = true;
	}
}

static void rotate(struct queue_flow *ring)
{
	struct queue_flow *flow = ring->first;

	if (flow->next != NULL) {
		ring->first = flow->next;
		append(ring, flow);
	}
}

/* The flow of that number in the ring, a new one if there is none. NULL: no memory. */
static struct queue_flow *find_flow(struct queue_flow *ring, uint32_t number)
{
	struct queue_flow *flow = ring->first;

	while (flow != NULL && flow->number != number) {
		flow = flow->next;
	}
	if (flow == NULL) {
		flow = malloc(sizeof *flow);
		if (flow != NULL) {
			init_flow(flow, ring, number);
		}
	}
	return flow;
}

static void drop_if_empty(struct queue_flow *ring, struct queue_flow *flow)
{
	struct queue_flow **link = &ring->first;

	if (flow->kept || flow->count > 0 || flow->out > 0 || flow->first != NULL) {
		return;
	}
	while (*link != flow) {
		link = &(*link)->next;
	}
	*link = flow->next;
	if (flow->next == NULL) {
		ring->last = link;
	}
	free(flow);
}

static void drop(struct queue *queue, struct queue_flow *tenant)
{
	struct queue_flow *uid = tenant->parent;
	struct queue_flow *ring = &queue->classes[uid->class];

	drop_if_empty(uid, tenant);
	drop_if_empty(ring, uid);
}

/* --- orders ----------------------------------------------------------------------------------- */

static struct queue_item **order_list(struct queue *queue, uint64_t order)
{
	return &queue->orders[order % QUEUE_ORDERS];
}

/* The newest job of that order that is not done. */
static struct queue_item *find_order(struct queue *queue, uint64_t order)
{
	struct queue_item *item = order != 0 ? *order_list(queue, order) : NULL;

	while (item != NULL && item->order != order) {
		item = item->order_next;
	}
	return item;
}

static void add_order(struct queue *queue, struct queue_item *item)
{
	struct queue_item **list = order_list(queue, item->order);

	item->before = find_order(queue, item->order);
	item->after = NULL;
	if (item->before != NULL) {
		item->before->after = item;
	}
	item->order_link = NULL;
	if (item->order == 0) {
		return;
	}
	item->order_next = *list;
	item->order_link = list;
	if (*list != NULL) {
		(*list)->order_link = &item->order_next;
	}
	*list = item;
}

static void remove_order(struct queue_item *item)
{
	if (item->order_link == NULL) {
		return;
	}
	*item->order_link = item->order_next;
	if (item->order_next != NULL) {
		item->order_next->order_link = item->order_link;
	}
	item->order_link = NULL;
	if (item->before != NULL) {
		item->before->after = item->after;
	}
	if (item->after != NULL) {
		item->after->before = item->before;
	}
}

/* --- jobs ------------------------------------------------------------------------------------- */

static void count_waiting(struct queue *queue, struct queue_flow *tenant, bool more)
{
	size_t by = more ? 1 : (size_t)-1;

	tenant->count += by;
	tenant->parent->count += by;
	queue->classes[tenant->class].count += by;
	queue->count += by;
}

static struct queue_flow *choose_flow(struct queue *queue, const struct queue_item *item)
{
	struct queue_flow *ring = &queue->classes[item->waits];
	struct queue_flow *uid, *tenant;

	if (item->before != NULL) {
		return item->before->flow;
	}
	uid = find_flow(ring, item->uid);
	tenant = uid != NULL ? find_flow(uid, item->tenant) : NULL;
	if (tenant != NULL) {
		tenant->parent = uid;
		return tenant;
	}
	if (uid != NULL) {
		drop_if_empty(ring, uid);
	}
	return &queue->own[item->waits];
}

/* Does the job wait outside the classes? */
static bool must_wait(const struct queue_item *item)
{
	const struct queue_item *before = item->before;

	return before != NULL &&
	       (before->flow == NULL || before->waits != item->waits || before->sliced);
}

static void join_flow(struct queue *queue, struct queue_item *item)
{
	struct queue_flow *flow = choose_flow(queue, item);

	item->flow = flow;
	item->next = NULL;
	*flow->items_last = item;
	flow->items_last = &item->next;
	count_waiting(queue, flow, true);
}

void queue_push(struct queue *queue, struct queue_item *item)
{
	add_order(queue, item);
	item->flow = NULL;
	item->sliced = false;
	item->waits = item->class;
	/* The better class is the greater one. */
	if (item->before != NULL && item->before->waits < item->class) {
		item->waits = item->before->waits;
	}
	if (!must_wait(item)) {
		join_flow(queue, item);
	}
}

/* The flow whose turn it is; one of them has a job. It goes to the end of the ring. */
static struct queue_flow *next_flow(struct queue_flow *ring)
{
	for (;;) {
		struct queue_flow *flow = ring->first;
		bool ready = flow->count > 0 && flow->debt == 0;

		if (flow->debt > 0) {
			flow->debt--;
		}
		rotate(ring);
		if (ready) {
			return flow;
		}
	}
}

/* The class that is served now; QUEUE_CLASSES: no job waits. */
static unsigned next_class(struct queue *queue)
{
	unsigned class = QUEUE_CLASSES;

	for (unsigned i = 0; i < QUEUE_CLASSES; i++) {
		if (queue->classes[i].count > 0) {
			class = i;
			if (queue->passed[i] >= QUEUE_PASSES) {
				break;
			}
		}
	}
	for (unsigned i = 0; i < QUEUE_CLASSES; i++) {
		if (queue->classes[i].count == 0 || i == class) {
			queue->passed[i] = 0;
		} else if (i < class) {
			queue->passed[i]++;
		}
	}
	return class;
}

struct queue_item *queue_take(struct queue *queue)
{
	unsigned class = next_class(queue);
	struct queue_flow *flow;
	struct queue_item *item;

	if (class == QUEUE_CLASSES) {
		return NULL;
	}
	flow = next_flow(next_flow(&queue->classes[class]));
	item = flow->items;
	flow->items = item->next;
	if (flow->items == NULL) {
		flow->items_last = &flow->items;
	}
	item->next = NULL;
	flow->out++;
	count_waiting(queue, flow, false);
	return item;
}

static void charge(struct queue_flow *flow, uint32_t turns)
{
	turns = turns < QUEUE_MAX_TURNS ? turns : QUEUE_MAX_TURNS;
	flow->debt += turns < QUEUE_MAX_TURNS - flow->debt ? turns : QUEUE_MAX_TURNS - flow->debt;
}

static void end(struct queue_flow *flow, uint32_t turns)
{
	flow->out--;
	charge(flow, turns);
	charge(flow->parent, turns);
}

void queue_slice(struct queue *queue, struct queue_item *item)
{
	struct queue_flow *flow = item->flow;
	struct queue_item **link = &flow->items;

	item->sliced = true;
	if (item->after == NULL || item->after->flow == NULL) {
		return;
	}
	while (*link != NULL) {
		struct queue_item *other = *link;

		if (other->order == item->order) {
			*link = other->next;
			other->flow = NULL;
			count_waiting(queue, flow, false);
		} else {
			link = &other->next;
		}
	}
	flow->items_last = link;
}

void queue_return(struct queue *queue, struct queue_item *item, uint32_t turns)
{
	struct queue_flow *flow = item->flow;

	end(flow, turns);
	item->next = flow->items;
	flow->items = item;
	if (item->next == NULL) {
		flow->items_last = &item->next;
	}
	count_waiting(queue, flow, true);
}

void queue_done(struct queue *queue, struct queue_item *item, uint32_t turns)
{
	struct queue_flow *flow = item->flow;
	struct queue_item *after = item->order_link != NULL ? item->after : NULL;

	end(flow, turns);
	remove_order(item);
	item->flow = NULL;
	drop(queue, flow);
	while (after != NULL && after->flow == NULL && !must_wait(after)) {
		join_flow(queue, after);
		after = after->after;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * list: answers in pages.
 *
 * A cursor is the position in the list after which the next page begins. In an answer it is
 * hexadecimal text, after a tag that depends on the method and on every parameter except `limit`
 * and `cursor`, so that a cursor is valid for its own list alone.
 *
 * A page ends at the limit, at LIST_MAX_BYTES, after LIST_MAX_SEEN records, or where its method
 * ends it. Then it has a cursor, and perhaps no items. The last page has no cursor.
 *
 * A struct list belongs to one call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/call.h"
#include "policy/text/str.h"

#define LIST_DEFAULT    100
#define LIST_MAX        1000
#define LIST_MAX_SEEN   4096          /* keeps a worker's turn at a few milliseconds */
#define LIST_MAX_BYTES  (1024 * 1024) /* a quarter of what a client may leave unread */
#define LIST_MAX_CURSOR 160           /* bytes: an id, or a number */

struct list {
	struct call *call;
	uint32_t limit;
	uint32_t count;
	uint32_t seen;
	size_t start;                    /* of the answer in call->out */
	size_t map;                      /* where the header of the answer's map is */
	size_t items;                    /* where the header of the array of items is */
	uint8_t cursor[LIST_MAX_CURSOR]; /* after which this page begins, later the next one */
	size_t cursor_len;
	uint32_t extra; /* pairs that the caller appends after list_end */
	bool full;
};

/* Reads the parameters and begins the answer. 0; 1: refused, the error is written. */
int list_begin(struct list *list, struct call *call, const struct wire_value *limit,
	const struct wire_value *cursor);

/* The parameters of a list of what a tenant has, and its begin: the caller must be allowed `list`
 * on authz:/NOUN. As list_begin, or a negative errno. */
enum { LIST_TENANT_FIELDS = 3 };
extern const struct wire_field list_tenant_fields[LIST_TENANT_FIELDS];
int list_begin_tenant(struct list *list, struct call *call, const char *noun, uint32_t *out_tenant);

/* Is there room for one more record? If not, the page is marked full and the walk must stop. */
bool list_has_room(struct list *list);

/* Counts a record that the walk visited, which costs as much as a decision; `item`: it was written
 * to call->out, which costs another one. */
void list_visited(struct list *list, struct pol_str cursor, bool item);

/* Ends the page though it has room; `cursor` is where the method begins the next one. */
void list_stop(struct list *list, struct pol_str cursor);

/* Ends the answer; the caller appends list->extra pairs after it. Returns 0. */
int list_end(struct list *list);

/* For lists of what the store has, followed by what the files declare: a cursor is `s` and a name,
 * or `d` and a number. */
struct pol_str list_text_cursor(
	char kind, struct pol_str text, char cursor[static LIST_MAX_CURSOR]);

/* Where such a list goes on, from its cursor. */
struct list_from {
	bool in_files;
	struct pol_str after; /* the last name in the store, in `text` */
	uint64_t number;      /* of the next one in the files */
	char text[LIST_MAX_CURSOR];
};
void list_resume(const struct list *list, struct list_from *out);

/* Adds what the files declare, from number `from` up to `count`, as far as the page has room.
 * `encode` writes one item to call->out. */
void list_add_declared(struct list *list, uint64_t from, size_t count,
	void (*encode)(struct call *call, uint32_t number));

/* A number as a cursor, big-endian, and back; 0: the list's beginning. */
#define LIST_NUMBER 8
struct pol_str list_number_cursor(uint64_t number, char cursor[static LIST_NUMBER]);
uint64_t list_cursor_number(const struct list *list);

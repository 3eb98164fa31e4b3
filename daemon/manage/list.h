/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * list: answers in pages.
 *
 * A cursor is hexadecimal text: a tag, then the place behind which the next page begins. The tag
 * is bound to the method and to every parameter but `limit` and `cursor` itself, so that one list's
 * cursor opens no other.
 *
 * A page ends at the limit, at LIST_MAX_BYTES, after LIST_MAX_SEEN records of which few passed the
 * filter, or where its method ends it: then it has a cursor, and maybe no items. No cursor: that
 * was all.
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
#define LIST_MAX_CURSOR 160           /* an id, or a number */

struct list {
	struct call *call;
	uint32_t limit;
	uint32_t count;
	uint32_t seen;
	size_t start;                    /* of the answer in call->out */
	size_t map;                      /* where the answer's header is */
	size_t items;                    /* and that of its array */
	uint8_t cursor[LIST_MAX_CURSOR]; /* behind which the present page begins, or ended */
	size_t cursor_len;
	uint32_t extra; /* pairs that the caller puts behind list_end */
	bool full;
};

/* Reads limit and cursor and opens the answer. 0; 1: refused, the error is written. */
int list_begin(struct list *list, struct call *call, const struct wire_value *limit,
	const struct wire_value *cursor);

/* Is there room for one more record? If not, the list is marked full and the walk must stop. */
bool list_has_room(struct list *list);

/* A record was looked at; with `item` it was written to call->out as well. */
void list_visited(struct list *list, struct pol_str cursor, bool item);

/* The page ends here though it has room; the next one begins behind, or at, `cursor`, as the method
 * reads it. */
void list_stop(struct list *list, struct pol_str cursor);

/* Ends the answer; list->extra pairs of the caller's may follow. */
int list_end(struct list *list);

/* Lists of the store's things, then of those that the files declare: places are `s` and a name, or
 * `d` and a number. */
struct pol_str list_text_cursor(
	char kind, struct pol_str text, char cursor[static LIST_MAX_CURSOR]);

/* Where such a list goes on. */
struct list_from {
	bool in_files;
	struct pol_str after; /* a name of the store's, in `text` */
	uint64_t number;      /* of the first in the files */
	char text[LIST_MAX_CURSOR];
};
void list_resume(const struct list *list, struct list_from *out);

/* Numbers as places, big-endian, and back; 0 for a list's beginning. */
#define LIST_NUMBER 8
struct pol_str list_number_cursor(uint64_t number, char cursor[static LIST_NUMBER]);
uint64_t list_cursor_number(const struct list *list);

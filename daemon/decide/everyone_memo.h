/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * everyone_memo: what every principal, and every caller, of some tenants holds, as a worker last
 * read it, so that a decision need not look up and check the record again.
 *
 * A line holds for one serial of the policy, whose numbers its roles are, and for readers that see
 * the last change of any such record (store_everyone_changed), as the line's own reader did. That
 * there is no record is a line too. A line that was used is not replaced while readers have the
 * same view, because subjects of that time point into it.
 *
 * Each worker has a memo of its own, zeroed at the beginning.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/env.h"
#include "policy/snapshot/module.h"

/* What a line has room for; what is larger is looked up each time. A worker's memo takes about 24
 * KiB. */
#define EVERYONE_MEMO_LINES  8
#define EVERYONE_MEMO_HELD   16
#define EVERYONE_MEMO_PLACES 32
#define EVERYONE_MEMO_TEXT   2048 /* bytes of all places */

/* Whose line, and for which reader. */
struct everyone_memo_key {
	uint32_t tenant; /* never 0 */
	uint32_t kind;   /* enum store_everyone */
	uint64_t serial; /* of the policy */
	uint64_t view;   /* store_read_view, not 0 */
	uint64_t changed;
};

struct everyone_memo_line {
	uint32_t tenant; /* 0: empty */
	uint32_t kind;
	uint64_t serial;
	uint64_t view; /* of the reader that filled it */
	uint64_t used; /* the view of the last reader that used it */
	uint32_t held_count;
	uint32_t place_count;
	uint32_t text_used;
	struct pol_held held[EVERYONE_MEMO_HELD]; /* ended ones included */
	struct pol_str places[EVERYONE_MEMO_PLACES];
	char text[EVERYONE_MEMO_TEXT];
};

struct everyone_memo {
	struct everyone_memo_line lines[EVERYONE_MEMO_LINES];
};

/* NULL: it is not known. */
const struct everyone_memo_line *everyone_memo_find(
	struct everyone_memo *memo, const struct everyone_memo_key *key);

/* Begins a line, which is empty and valid; NULL: it must not be replaced now. */
struct everyone_memo_line *everyone_memo_begin(
	struct everyone_memo *memo, const struct everyone_memo_key *key);

/* Adds a held role with its places. False: there is no room, and the line is dropped. */
bool everyone_memo_add(
	struct everyone_memo_line *line, uint32_t role, int64_t until, struct store_list places);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * shared: what a store that follows the log of several hosts (daemon/share) has beside the shared
 * records.
 *
 * The place in the log, the rows since the last snapshot, and marks belong to this host alone: they
 * are in no batch's changes (changes.h) and in no copy. Settings are shared.
 *
 * Functions that put are for the writer's thread, inside a write, whose job the caller keeps. When
 * the batch's other jobs were kept, store_write_alone saves these a savepoint. Gets give -ENOENT
 * when there is none and -EBADMSG when it was altered.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/env.h"

struct store;
struct store_read;
struct store_write;

/* --- the place in the log --------------------------------------------------------------------- */

#define STORE_REALM 16

/* Without this record the store is a single one. */
struct store_shared {
	uint8_t realm[STORE_REALM];
	uint64_t epoch;
	uint64_t sequence; /* of the last row that is applied, in the same transaction */
	uint8_t tag[STORE_CHAIN];
	bool diverged;          /* the log has another row where this store has its own */
	uint64_t server_system; /* the server that the last row came from: share/log.h */
	uint32_t server_timeline;
};

int store_get_shared(struct store_read *read, struct store_shared *out);
int store_put_shared(struct store_write *write, const struct store_shared *shared);
int store_drop_shared(struct store_write *write); /* the store is a single one again */

/* --- rows since the last snapshot ------------------------------------------------------------- */

/* A view of the bytes that were put. */
int store_get_row(struct store_read *read, uint64_t sequence, struct pol_str *out);
int store_put_row(struct store_write *write, uint64_t sequence, struct pol_str bytes);
int store_oldest_row(struct store_read *read, uint64_t *out_sequence);
/* Deletes rows before a sequence, at most `most` of them; *out_more: there are others. */
int store_drop_rows(struct store_write *write, uint64_t before, unsigned most, bool *out_more);

/* --- settings: the same on all hosts ---------------------------------------------------------- */

#define STORE_MAX_SETTING      256
#define STORE_MAX_SETTING_NAME 32

/* A text under a short name, such as `max_lag`. Putting an empty text deletes it. Needs an entry of
 * the trail in the same job, which the caller makes: its kind is STORE_AUDIT_STORE, its tenant 0,
 * its target the name. */
int store_get_setting(struct store_read *read, const char *name, struct pol_str *out);
int store_put_setting(struct store_write *write, const char *name, struct pol_str text);

/* --- marks: keys that are denied here until the log has it ------------------------------------ */

enum store_mark_what {
	STORE_MARK_DISABLE = 1,
	STORE_MARK_REVOKE,
};

struct store_mark {
	char kid[STORE_KID];
	enum store_mark_what what;
	int64_t at;
	uint32_t uid; /* who asked */
};

/* Is any key marked? One load; any thread. Readers ask it before they look a mark up. */
bool store_has_marks(const struct store *store);
int store_get_mark(struct store_read *read, struct pol_str kid, struct store_mark *out);
int store_put_mark(struct store_write *write, const struct store_mark *mark);
int store_drop_mark(struct store_write *write, struct pol_str kid);
typedef int (*store_mark_seen)(void *context, const struct store_mark *mark);
int store_list_marks(struct store_read *read, store_mark_seen seen, void *context);

/* --- uses ------------------------------------------------------------------------------------- */

/* What this store counted itself is known to other hosts under a random id. A store that is
 * replaced has none any more, and counts from zero: the uses that it had remain those of the old
 * id. */
#define STORE_USES_ID 16
int store_get_uses_id(struct store_read *read, uint8_t out[static STORE_USES_ID]);
int store_put_uses_id(struct store_write *write, const uint8_t id[static STORE_USES_ID]);
/* Drops the id, all uses and all used permissions. */
int store_drop_uses(struct store_write *write);

/* The numbers of keys that have a use, or used permissions, after a number, in their order; `seen`
 * returns 0 to go on, any other value is returned. */
typedef int (*store_number_seen)(void *context, uint64_t number);
int store_list_uses(struct store_read *read, uint64_t after, store_number_seen seen, void *context);
int store_list_used(struct store_read *read, uint64_t after, store_number_seen seen, void *context);

/* Which numbers are those of keys: a bit for each, up to twice the highest. A walk over an index of
 * all keys, about 100 ns each. The caller frees `bits`, also after an error. */
#define STORE_MAX_NUMBERS (UINT64_C(1) << 32) /* bounds the bits */
struct store_numbers {
	uint8_t *bits;
	uint64_t end, highest;
};
int store_get_numbers(struct store_read *read, struct store_numbers *out);
bool store_numbers_have(const struct store_numbers *numbers, uint64_t number);
/* No key has the number, which is lower than that of another: it was deleted. */
bool store_numbers_lack(const struct store_numbers *numbers, uint64_t number);

/* --- the whole store -------------------------------------------------------------------------- */

/* Gives the next piece of a copy, as store_copy_next does, which is valid until the next call. 1:
 * it is the last. */
typedef int (*store_next_piece)(void *context, struct pol_str *out);

/* Deletes all shared records and puts those of a copy (copy.h: store_copy_open_whole), in a write
 * that has no job yet, and keeps that. Marks, the latest time and the place in the log stay, and
 * rows and uses do not: the caller puts another place in the same write, and what has uses in
 * memory must be dropped after the commit (keys/usage.h). The watch is called for everything;
 * store_write_changed_roles is true. Nothing is recorded. After an error the write must be aborted.
 * -EBADMSG: the copy is damaged or of other secrets. */
int store_replace(struct store_write *write, store_next_piece next, void *context,
	char why[static STORE_WHY]);

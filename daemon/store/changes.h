/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * changes: what a batch put and deleted, as bytes, and the same done to another store.
 *
 * A store that records (store_record_changes) notes each put and delete of a record, index, retry
 * or entry of the trail, in their order. It leaves out what each host has for itself: uses, used
 * permissions, the latest time, and what shared.h keeps. A job that is undone leaves nothing.
 *
 * The form, numbers little-endian: for each change a byte of its table (enum store_table), a byte
 * that is 1 for a put and 0 for a delete, the key's length in 2 bytes, the value's in 4, key,
 * value; at the end the CRC-32 of all in 4 bytes. The values are whole records with their tags,
 * which are the same on every host that has the same secrets.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/copy.h"
#include "policy/text/str.h"

struct store;
struct store_write;

/* Bytes of a batch's changes, so that a batch cannot take all memory. */
#define STORE_MAX_CHANGES ((size_t)64 << 20)

/* Before other threads use the store, or in the writer's thread between two writes. */
void store_record_changes(struct store *store, bool on);

/* What the kept jobs of the batch did; a view until the next put that is recorded or the end of the
 * write. Empty if the store does not record. -ENOMEM, or -E2BIG for more than STORE_MAX_CHANGES:
 * some are missing, and the batch must be aborted. */
int store_write_changes(const struct store_write *write, struct pol_str *out);

/* Does the same in this batch, which has no open job, and keeps it; may be called again in the
 * batch. Nothing is recorded. Entries of the trail must continue this store's, and there must be
 * one for each record that is changed. The watch is called at the commit as for the batch's own
 * changes. -EBADMSG: these are not changes, or they do not continue the trail: `why` says it, and
 * the write must be aborted. Other negative errnos are the store's. */
int store_apply_changes(
	struct store_write *write, struct pol_str changes, char why[static STORE_WHY]);

/* The sequence of the first entry of the trail that they put; 0: none, or these are not changes. */
uint64_t store_changes_entry(struct pol_str changes);

/* True if a kept job put or deleted a stored role. After the commit the policy's snapshot must be
 * extended again: daemon/load/stored_roles.h. */
bool store_write_changed_roles(const struct store_write *write);

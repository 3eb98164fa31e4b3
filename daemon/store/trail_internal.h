/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * trail_internal: what trail.c and verify.c share about the trail's entries on disk.
 */

#include "daemon/store/internal.h"

#define AUDIT_PRESENT 1 /* the version of entries that is written */

/* Byte offsets. The tag covers all that follows it, the tag of the entry before included: an entry
 * can be verified even if the one before it is gone. */
enum {
	AUDIT_TAG = 0,
	AUDIT_BEFORE = STORE_CHAIN,
	AUDIT_VERSION = AUDIT_BEFORE + STORE_CHAIN,
	AUDIT_KIND,
	AUDIT_FLAGS,
	AUDIT_SEQUENCE,
	AUDIT_TIME = AUDIT_SEQUENCE + 8,
	AUDIT_LATEST = AUDIT_TIME + 8,
	AUDIT_UID = AUDIT_LATEST + 8,
	AUDIT_PID = AUDIT_UID + 4,
	AUDIT_TENANT = AUDIT_PID + 4,
	AUDIT_MADE = AUDIT_TENANT + 4,
	AUDIT_TEXTS = AUDIT_MADE + SECRET_TAG, /* count of texts: actor, action, target, fields */
	AUDIT_TEXT = AUDIT_TEXTS + 2,
};

/* Computes the tag of an entry. */
void store_audit_chain(
	struct store *store, const uint8_t *record, size_t len, uint8_t out[static STORE_CHAIN]);

/* -EBADMSG: the entry was altered, or has another sequence. */
int store_decode_audit(
	struct store *store, MDB_val value, uint64_t sequence, struct store_audit *out);

/* Reads the big-endian number at the end of a key. */
uint64_t store_audit_number(const uint8_t *at);

/* Appends what the index's keys about a target begin with. */
void store_audit_target(
	struct store_place *place, uint8_t kind, uint32_t tenant, struct pol_str target);

/* Gives the index's keys of an entry; returns how many. */
size_t store_audit_places(const struct store_audit *audit, struct store_place places[3]);

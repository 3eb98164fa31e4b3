/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * roles: what roles.c (the table of methods, look-ups, lists), edit.c (create, update, delete, with
 * editing.h), check.c (checks of a changed role, and its entry in the trail), exclusive.c (who
 * would hold two exclusive roles) and altered.c share.
 */

#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/store/env.h"

enum { ROLES_CREATE_FIELDS = 6, ROLES_UPDATE_FIELDS = 6, ROLES_ID_FIELDS = 2 };

extern const struct wire_field roles_create_fields[ROLES_CREATE_FIELDS];
extern const struct wire_field roles_update_fields[ROLES_UPDATE_FIELDS];

/* manage/who.c: the principals, keys and roles that have a role. */
enum { ROLES_HOLDERS_FIELDS = 5 };
extern const struct wire_field roles_holders_fields[ROLES_HOLDERS_FIELDS];
int roles_holders(struct call *call);

int roles_create(struct call *call);
int roles_update(struct call *call);
int roles_delete(struct call *call);

/* Finds a role of the store to be changed. 0; 1: not_found is written, or conflict if the policy's
 * files declare it; or a negative errno. */
int roles_open(struct call *call, uint32_t tenant, struct pol_str name, struct store_role *out);

/* altered.c: was the record altered, and is the caller a peer, who may know it? And the methods get
 * and delete for such a role. */
bool roles_is_altered(struct call *call, uint32_t tenant, struct pol_str name);
int roles_answer_altered(struct call *call, uint32_t tenant, struct pol_str name);
int roles_delete_altered(struct call *call, uint32_t tenant, struct pol_str name);

/* The number of a role that is not stored yet, so that nobody holds it. */
#define ROLES_NEW UINT64_MAX

/* Checks a new or changed role: no circle, no exclusive roles together, no escalation. `before` is
 * the number of the old one in the call's snapshot, or POL_NONE. 0, and *out is a snapshot with the
 * role, which the caller releases; CALL_MORE; 1: the error is written; or a negative errno. */
int roles_check(struct call *call, const struct store_role *role, uint32_t before,
	struct pol_snapshot **out);

/* Refuses a role by which another one, a principal or a key would hold two exclusive roles. `next`
 * has the role. All that the tenant has is compared, if it must be, in parts: CALL_MORE, for
 * roles.update alone. 0, CALL_MORE, 1 or a negative errno. */
int roles_check_exclusive(
	struct call *call, const struct store_role *role, const struct pol_snapshot *next);

struct audit_note;
/* Notes what changed, for the trail. NULL: the role is created, or deleted. */
void roles_note(
	struct audit_note *note, const struct store_role *from, const struct store_role *to);

/* Encodes the role for an answer; `snapshot` has it. */
void roles_encode(
	struct call *call, const struct pol_snapshot *snapshot, const struct store_role *role);

/* The same with fields after the record's own, which the caller has packed. */
struct roles_more {
	const uint8_t *bytes;
	size_t len;
	uint32_t pairs;
};
void roles_encode_more(struct call *call, const struct pol_snapshot *snapshot,
	const struct store_role *role, const struct roles_more *more);

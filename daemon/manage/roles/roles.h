/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * roles: what roles.c (the table of methods, look-ups, lists), edit.c (create, update, delete) and
 * check.c (checks of a changed role, and its entry in the trail) share.
 */

#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/store/env.h"

enum { ROLES_CREATE_FIELDS = 5, ROLES_UPDATE_FIELDS = 5, ROLES_ID_FIELDS = 2 };

extern const struct wire_field roles_create_fields[ROLES_CREATE_FIELDS];
extern const struct wire_field roles_update_fields[ROLES_UPDATE_FIELDS];

int roles_create(struct call *call);
int roles_update(struct call *call);
int roles_delete(struct call *call);

/* Finds a role of the store to be changed. 0; 1: not_found is written, or conflict if the policy's
 * files declare it; or a negative errno. */
int roles_open(struct call *call, uint32_t tenant, struct pol_str name, struct store_role *out);

/* Checks a new or changed role: no circle, no exclusive roles together, no escalation. `before` is
 * the number of the old one in the call's snapshot, or POL_NONE. 0, and *out is a snapshot with the
 * role, which the caller releases; 1: the error is written; or a negative errno. */
int roles_check(struct call *call, const struct store_role *role, uint32_t before,
	struct pol_snapshot **out);

struct audit_note;
/* Notes what changed, for the trail. NULL: the role is created, or deleted. */
void roles_note(
	struct audit_note *note, const struct store_role *from, const struct store_role *to);

/* Encodes the role for an answer; `snapshot` has it. */
void roles_encode(
	struct call *call, const struct pol_snapshot *snapshot, const struct store_role *role);

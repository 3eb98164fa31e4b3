/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * roles: what roles.c (the table, look-ups, lists), roles_edit.c (create, update, delete) and
 * roles_check.c (may it be?) share.
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

/* The store's role of that name and tenant. 0; 1: not_found is written, or, for one that the
 * policy's files declare and that is about to be changed, conflict; negative errno. */
int roles_open(struct call *call, uint32_t tenant, struct pol_str name, struct store_role *out);

/* May the store have this role, instead of `before`, its number in the present snapshot or
 * POL_NONE: no circle, nothing exclusive come together, nothing given that the caller has not? 0,
 * and *out is the snapshot that has it; 1: the error is written; negative errno. */
int roles_check(struct call *call, const struct store_role *role, uint32_t before,
	struct pol_snapshot **out);

struct audit_note;
/* From what to what, for the audit trail; NULL: there was, or is, none. */
void roles_note(
	struct audit_note *note, const struct store_role *from, const struct store_role *to);

/* As an answer; `snapshot` is the one that has the role. */
void roles_encode(
	struct call *call, const struct pol_snapshot *snapshot, const struct store_role *role);

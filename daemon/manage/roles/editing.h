/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * editing: a role that a call makes or changes, while it is read, checked and stored; what edit.c,
 * read.c and effect.c share.
 */

#include "daemon/call/call.h"
#include "daemon/manage/check.h"
#include "daemon/manage/roles/roles.h"
#include "daemon/store/env.h"
#include "daemon/write/audit.h"

/* Grants of one role, and bytes of all of them. */
#define MAX_GRANTS       256
#define MAX_GRANTS_BYTES 32768

/* The parameters of create and update; those of delete begin with the same two. */
enum roles_edit_field {
	ROLES_EDIT_NAME,
	ROLES_EDIT_TENANT,
	ROLES_EDIT_DESCRIPTION,
	ROLES_EDIT_INHERITS,
	ROLES_EDIT_GRANTS,
	ROLES_EDIT_DRY_RUN,
	ROLES_EDIT_FIELDS
};

_Static_assert((int)ROLES_EDIT_FIELDS == (int)ROLES_CREATE_FIELDS, "the header has the size");
_Static_assert((int)ROLES_EDIT_FIELDS == (int)ROLES_UPDATE_FIELDS, "the header has the size");

/* A new or changed role, and the memory that its record points to. It is large: on the heap. */
struct editing {
	struct store_role role;
	struct pol_snapshot *next; /* with the role */
	struct store_pack line_pack;
	char name[STORE_MAX_NAME];
	char created_by[UINT8_MAX];
	char description[STORE_MAX_TEXT];
	uint8_t inherits[CHECK_NAMES_SIZE];
	uint8_t grants[MAX_GRANTS_BYTES];
	uint8_t lines[STORE_MAX_ROLE];
	struct audit_note note;
};

/* read.c: reads what the call gives of the description, the parents and the grants into the role.
 * 0; 1: a mistake is reported; or a negative errno. */
int roles_read(struct call *call, struct editing *editing);

/* effect.c: answers a dry run with the role as it would be, in editing->next, and what it would
 * allow more and less than the role `before`, a number in the call's snapshot or POL_NONE. Returns
 * 1, so that what was put is undone; or a negative errno. */
int roles_answer_effect(struct call *call, const struct editing *editing, uint32_t before);

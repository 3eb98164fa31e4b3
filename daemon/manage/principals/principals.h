/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * principals: what principals.c (the table of methods, look-ups, enable, disable, delete, lists),
 * edit.c (create, update), edit_attributes.c and manage/assignments/assignments.c share.
 */

#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/store/env.h"

enum { PRINCIPALS_CREATE_FIELDS = 6, PRINCIPALS_UPDATE_FIELDS = 7 };

extern const struct wire_field principals_create_fields[PRINCIPALS_CREATE_FIELDS];
extern const struct wire_field principals_update_fields[PRINCIPALS_UPDATE_FIELDS];

int principals_create(struct call *call);
int principals_update(struct call *call);

/* Bytes of all attributes of one. */
#define PRINCIPALS_MAX_ATTRIBUTES 8192

/* How attributes change: `all` replaces them, `set` and `remove` change some. None may be NULL. */
struct principals_attributes {
	const struct wire_value *all, *set, *remove; /* `all` may be nil: none */
};

/* edit_attributes.c: changes *attributes to a list in pack, if the change has anything; else they
 * stay as they are. 0; 1: invalid_request is written; or a negative errno. */
int principals_read_attributes(struct call *call, const struct principals_attributes *change,
	struct store_pack *pack, struct store_list *attributes);

/* Finds a principal of the store to be changed. 0; 1: not_found is written, or conflict if the
 * policy's files declare it; or a negative errno. */
int principals_find(struct call *call, const struct wire_value *id, const struct wire_value *tenant,
	struct store_principal *out);

/* Stores the record, enters it in the trail, and answers with it. 0 or a negative errno. */
int principals_save(struct call *call, const struct store_principal *principal);

/* manage/permissions.c: what a principal may do. */
enum { PRINCIPALS_PERMISSIONS_FIELDS = 6 };
extern const struct wire_field principals_permissions_fields[PRINCIPALS_PERMISSIONS_FIELDS];
int principals_permissions(struct call *call);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * principals: what principals.c (look-ups, switches, the table), principals_edit.c (create,
 * update) and assignments.c share.
 */

#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/store/env.h"

enum { PRINCIPALS_CREATE_FIELDS = 6, PRINCIPALS_UPDATE_FIELDS = 5 };

extern const struct wire_field principals_create_fields[PRINCIPALS_CREATE_FIELDS];
extern const struct wire_field principals_update_fields[PRINCIPALS_UPDATE_FIELDS];

int principals_create(struct call *call);
int principals_update(struct call *call);

/* The store's principal of that id and tenant. 0; 1: not_found is written, or, for one that the
 * policy's files declare and that is about to be changed, conflict; negative errno. */
int principals_find(struct call *call, const struct wire_value *id, const struct wire_value *tenant,
	struct store_principal *out);

/* Puts the record and answers with it. */
int principals_save(struct call *call, const struct store_principal *principal);

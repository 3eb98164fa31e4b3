/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * assignments: what assignments.c (the table of methods, create and delete), holder.c (whose
 * assignments they are) and list.c share.
 */

#include "daemon/call/call.h"
#include "daemon/store/env.h"
#include "policy/text/terms.h"

/* All three methods begin with the same fields. */
enum assignments_field {
	ASSIGNMENTS_PRINCIPAL,
	ASSIGNMENTS_EVERYONE,
	ASSIGNMENTS_ANYONE,
	ASSIGNMENTS_TENANT,
	ASSIGNMENTS_ROLE,
	ASSIGNMENTS_FIELDS
};

enum { ASSIGNMENTS_LIST_FIELDS = ASSIGNMENTS_FIELDS + 2 };
extern const struct wire_field assignments_list_fields[ASSIGNMENTS_LIST_FIELDS];
int assignments_list(struct call *call);

/* Whose assignments the parameters mean; *out_given: they name somebody. 0; 1: they name two, which
 * is refused. */
int assignments_read_holder(struct call *call, enum pol_holder *out, bool *out_given);

/* Gets the holder's record. Where there is none of every principal or every caller, it is a new
 * one. 0; 1: refused, as for a principal that is not there; -EBADMSG: the record of every principal
 * or caller was altered; or another negative errno. */
int assignments_find(struct call *call, enum pol_holder holder, struct store_principal *out);

/* Not for POL_HOLDER_SUBJECT. */
static inline enum store_everyone assignments_kind(enum pol_holder holder)
{
	return holder == POL_HOLDER_EVERYONE ? STORE_EVERY_PRINCIPAL : STORE_EVERY_CALLER;
}

/* For messages: "the principal", "every principal", "every caller". */
const char *assignments_holder_text(enum pol_holder holder);

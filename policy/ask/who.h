/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * who: which subjects may do one thing, from the sets that decide requests. Pure, any thread.
 *
 * As in a listing of permissions (query.h), stacks, networks and hours are not considered. What a
 * question answers for a subject is what pol_eval answers for it when its stack lets it through,
 * and what pol_query_permissions lists.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/ask/when.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/permset.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/path.h"

/* A question. Views of the caller's text; do not copy it. */
struct pol_who {
	const struct pol_snapshot *snapshot;
	struct pol_str tree;
	struct pol_path path;
	uint32_t node;
	struct pol_run run;            /* the permissions that are needed, all of them */
	const struct pol_given *given; /* facts that the caller states; NULL: none */
	size_t steps;                  /* of formulas so far, as in query.h */
	bool of_all; /* the subject stands for all who hold its roles: id, tenant, kind are open */
};

/* Reads a verb, an action or a method, and a resource, `TREE:/path`, which must live as long as
 * *out. If `http`, the verb must be a method. False: *out_reason is why: malformed_path,
 * unknown_resource or unknown_action. */
bool pol_who_read(const struct pol_snapshot *snapshot, struct pol_str verb, struct pol_str resource,
	bool http, struct pol_who *out, struct pol_str *out_reason);

/* The answers: `when` becomes the condition of POL_WHEN_SOMETIMES, with what is known put in: the
 * path, what the facts say of the subject, and what the caller states. Else it is empty. */

/* May the subject of these facts? What the facts say of the request does not matter. */
enum pol_when_kind pol_who_may(
	struct pol_who *who, const struct pol_facts *facts, char when[POL_WHEN_TEXT]);

/* May every principal with this role alone, or every key with this scope alone? */
enum pol_when_kind pol_who_role_may(struct pol_who *who, uint32_t role, char when[POL_WHEN_TEXT]);
enum pol_when_kind pol_who_scope_may(struct pol_who *who, uint32_t scope, char when[POL_WHEN_TEXT]);
/* May every caller, known or not? */
enum pol_when_kind pol_who_anyone_may(struct pol_who *who, char when[POL_WHEN_TEXT]);

/* Does the role facts->held[number] allow a part of it here, and neither it nor `anyone` deny any
 * always? For the roles to which a principal owes it. */
enum pol_when_kind pol_who_held_helps(struct pol_who *who, const struct pol_facts *facts,
	uint32_t number, char when[POL_WHEN_TEXT]);

/* The facts of an active principal that holds these roles, without a key. */
struct pol_facts pol_who_principal(const struct pol_held *held, uint32_t count);

/* The same of one that the files declare, with its id and its attributes. */
struct pol_facts pol_who_declared(const struct pol_snapshot *snapshot, uint32_t principal,
	const struct pol_held *held, uint32_t count);

/* The node as declared, `api:/loans/{loan}`, in a buffer of `size` bytes; longer text is cut. */
struct pol_str pol_who_node(const struct pol_who *who, char *buffer, size_t size);

/* Marks each role that is this one or inherits it, through others too. `marks` has an entry for
 * each role of the snapshot, all false. POL_OK, POL_ENOMEM or POL_ELIMIT. */
enum pol_status pol_who_heirs(const struct pol_snapshot *snapshot, uint32_t role, bool *marks);

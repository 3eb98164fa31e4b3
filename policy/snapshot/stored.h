/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stored: roles that are made at run time and kept outside of the policy's files.
 *
 * Their grants have the syntax of the files and are read by the same parser, against one snapshot.
 * The permissions that they select are then written out as text, so that the host can store them: a
 * pattern is expanded once and does not grow later. When the stored text is read with a later
 * policy, permissions that this policy does not have are ignored.
 *
 * An extension is a snapshot with stored roles. It copies the tables of roles of its base and adds
 * the stored ones after them, so that a decision treats both alike. Everything else it shares with
 * its base, to which it holds a reference.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* The permissions that one stored role allows and denies itself, always or under conditions,
 * without inheritance, as numbers of one snapshot; not valid with any but that one and those that
 * pol_stored_fits. Immutable, reference-counted, any thread. */
struct pol_stored;

struct pol_stored *pol_stored_ref(struct pol_stored *stored);
void pol_stored_unref(struct pol_stored *stored); /* NULL is ignored */

/* Bytes of a fault's message. */
#define POL_STORED_WHY 256

/* The first mistake in a list of grants. */
struct pol_stored_fault {
	size_t entry;
	uint32_t column; /* from 1, in characters; 0: the whole entry */
	char why[POL_STORED_WHY];
};

/* Reads grants, `allow ...` or `deny ...`, one in each entry. POL_EINVALID: *fault has the first
 * mistake. */
enum pol_status pol_stored_text_parse(const struct pol_snapshot *snapshot,
	const struct pol_str *grants, size_t count, struct pol_stored_fault *fault,
	struct pol_stored **out);

/* A callback for one line: one node and what is allowed, or denied, on it. False: stop. */
typedef bool (*pol_stored_line)(void *context, struct pol_str line);

/* Writes out the permissions, one line for each node, effect and condition, for
 * pol_stored_lines_read.
 * POL_ENOMEM; POL_ELIMIT: `seen` returned false. */
enum pol_status pol_stored_lines_write(const struct pol_snapshot *snapshot,
	const struct pol_stored *stored, pol_stored_line seen, void *context);

/* Reads what pol_stored_lines_write wrote, with any snapshot. `lines` sets *out to the next line
 * and returns false at the end. `missing`, unless NULL, is called with each line of which this
 * snapshot does not have all permissions, or not the condition: a fact of it is gone, or has
 * another type. What the line allows counts for nothing then; what it denies is denied always. */
struct pol_stored_source {
	bool (*lines)(void *context, struct pol_str *out);
	void (*missing)(void *context, struct pol_str line);
	void *context;
};
enum pol_status pol_stored_lines_read(const struct pol_snapshot *snapshot,
	const struct pol_stored_source *source, struct pol_stored **out);

/* The numbers of permissions that it allows and denies, always or under some condition. */
void pol_stored_count(const struct pol_stored *stored, size_t *out_allowed, size_t *out_denied);

/* --- extensions ------------------------------------------------------------------------------- */

/* An inherited role: a stored one by its number, or, if that is 0, one of the files by its name. */
struct pol_stored_parent {
	uint64_t number;
	struct pol_str name;
};

/* A role for pol_stored_extend, which copies all of it but takes a reference to `own`. */
struct pol_stored_role {
	uint64_t number; /* given by the host: not 0, never used twice */
	uint32_t tenant; /* the host's number of the tenant */
	struct pol_str name;
	struct pol_str description;
	struct pol_stored *own;
	const struct pol_stored_parent *parents;
	size_t parent_count;
	/* A role of the files has its name. It allows nothing, neither itself nor by inheritance;
	 * what it denies stays denied. */
	bool shadowed;
};

/*
 * Makes an extension of the base with these roles, which must be sorted by number. Without roles
 * *out is a reference to the base itself. If the base is an extension, its own base is extended. A
 * parent that does not exist is ignored. POL_EINVALID: the inheritance has a cycle, and *out_fault
 * is the index of a role in it or inheriting from it. POL_ENOMEM, POL_ELIMIT.
 */
enum pol_status pol_stored_extend(const struct pol_snapshot *base,
	const struct pol_stored_role *roles, size_t count, size_t *out_fault,
	struct pol_snapshot **out);

/* The snapshot's number of a stored role of this tenant, or POL_NONE. */
uint32_t pol_stored_find(const struct pol_snapshot *snapshot, uint64_t number, uint32_t tenant);
/* The same by name; sets *out_number to the number that the host gave it. */
uint32_t pol_stored_named(const struct pol_snapshot *snapshot, uint32_t tenant, struct pol_str name,
	uint64_t *out_number);
/* The number that the host gave a stored role; 0: the role is one of the files. */
uint64_t pol_stored_number(const struct pol_snapshot *snapshot, uint32_t role);
/* The own permissions of a stored role, borrowed, or NULL. */
struct pol_stored *pol_stored_own(const struct pol_snapshot *snapshot, uint32_t role);
/* Do both number their permissions alike, so that compiled sets of one are good for the other? Both
 * extend one policy, or one with other data files (compile/renew.h). */
bool pol_stored_fits(const struct pol_snapshot *one, const struct pol_snapshot *other);
/* The number of stored roles. */
size_t pol_stored_role_count(const struct pol_snapshot *snapshot);
/* Does a stored role inherit roles that are exclusive? Then out_members are two of them. */
bool pol_stored_breaches(
	const struct pol_snapshot *snapshot, uint32_t role, uint32_t out_members[static 2]);
/* Has a role of the files its name, so that it allows nothing? */
bool pol_stored_is_shadowed(const struct pol_snapshot *snapshot, uint32_t role);
/* Conditional grants of a stored role, with those that it inherits: each of a condition and an
 * effect is one. Whatever a role has, each role that inherits it has as well, and each decision
 * about a holder. The host refuses a change by which a role has more. */
#define POL_STORED_CONDITIONALS 512
/* A stored role that has more than that in `next`, and more than in `before`; or POL_NONE. */
uint32_t pol_stored_overgrown(const struct pol_snapshot *before, const struct pol_snapshot *next);
/* Is any stored role of the tenant, directly or by what it inherits, in an exclusive set, in `next`
 * and not in `before`? Both extend the same policy. If not, nobody's roles exclude each other in
 * `next` that did not do so before. */
bool pol_stored_gains_exclusions(
	const struct pol_snapshot *before, const struct pol_snapshot *next, uint32_t tenant);

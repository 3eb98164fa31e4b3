/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stored: roles that are made while the policy runs and are kept outside of its files.
 *
 * Their grants are written as in the files and read by the same parser, against one snapshot. What
 * they select is then spelled out, permission by permission, so that it can be kept: a pattern is
 * expanded once and never grows. A later policy is asked for what was spelled, and what it lacks
 * counts for nothing.
 *
 * An extension is a snapshot that has such roles beside its own. Their numbers come behind those
 * of the files, so that decisions treat both alike, and one without any is as fast as before. It
 * shares everything else with its base, and holds a reference to it.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* What one role allows and denies by itself, in one snapshot's numbers: good for that one and its
 * extensions alone. Immutable, any thread, freed with its last reference. */
struct pol_stored;

struct pol_stored *pol_stored_ref(struct pol_stored *stored);
void pol_stored_unref(struct pol_stored *stored); /* NULL is ignored */

#define POL_STORED_WHY 256

/* The first mistake in a list of grants. */
struct pol_stored_fault {
	size_t entry;
	uint32_t column; /* from 1, in characters; 0: it concerns the whole entry */
	char why[POL_STORED_WHY];
};

/* Reads `allow …` and `deny …`, one grant an entry. POL_EINVALID: *fault says what is wrong. */
enum pol_status pol_stored_text_parse(const struct pol_snapshot *snapshot,
	const struct pol_str *grants, size_t count, struct pol_stored_fault *fault,
	struct pol_stored **out);

/* One node with what is allowed, or denied, on it; for pol_stored_lines_read. Return false to stop.
 */
typedef bool (*pol_stored_line)(void *context, struct pol_str line);

/* Spells it out, node after node. POL_ENOMEM, or POL_ELIMIT when `seen` stopped it. */
enum pol_status pol_stored_lines_write(const struct pol_snapshot *snapshot,
	const struct pol_stored *stored, pol_stored_line seen, void *context);

/* The reverse, with any snapshot. `lines` gives the next one, false at the end; `missing`, unless
 * it is NULL, is told of each line of which this policy lacks something. */
struct pol_stored_source {
	bool (*lines)(void *context, struct pol_str *out);
	void (*missing)(void *context, struct pol_str line);
	void *context;
};
enum pol_status pol_stored_lines_read(const struct pol_snapshot *snapshot,
	const struct pol_stored_source *source, struct pol_stored **out);

/* How many permissions it allows, and denies. */
void pol_stored_count(const struct pol_stored *stored, size_t *out_allowed, size_t *out_denied);

/* --- extensions ------------------------------------------------------------------------------- */

/* A role by its name in the files, or by its number when that is not 0. */
struct pol_stored_parent {
	uint64_t number;
	struct pol_str name;
};

/* Everything is copied but `own`, of which the extension takes references. */
struct pol_stored_role {
	uint64_t number; /* not 0, and ever another one: whoever makes roles counts them */
	uint32_t tenant; /* his number of it */
	struct pol_str name;
	struct pol_str description;
	struct pol_stored *own;
	const struct pol_stored_parent *parents;
	size_t parent_count;
};

/*
 * The base with these roles, by ascending number, or, with none, the base itself; a parent that
 * neither has counts for nothing. POL_EINVALID: a circle, and *out_fault is the place in the list
 * of one in it. The base may be an extension: its own base is taken.
 */
enum pol_status pol_stored_extend(const struct pol_snapshot *base,
	const struct pol_stored_role *roles, size_t count, size_t *out_fault,
	struct pol_snapshot **out);

/* The role of that number, if it is one of this tenant; else POL_NONE. */
uint32_t pol_stored_find(const struct pol_snapshot *snapshot, uint64_t number, uint32_t tenant);
/* Likewise by name. *out_number is its own number. */
uint32_t pol_stored_named(const struct pol_snapshot *snapshot, uint32_t tenant, struct pol_str name,
	uint64_t *out_number);
/* The number of a role that was made outside of the files; 0: it is one of theirs. */
uint64_t pol_stored_number(const struct pol_snapshot *snapshot, uint32_t role);
/* What it was made of, borrowed, or NULL. */
struct pol_stored *pol_stored_own(const struct pol_snapshot *snapshot, uint32_t role);
size_t pol_stored_role_count(const struct pol_snapshot *snapshot);
/* Does it hold two that are exclusive, by what it inherits? */
bool pol_stored_breaches(const struct pol_snapshot *snapshot, uint32_t role);

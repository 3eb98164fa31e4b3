/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * snapshot: a compiled policy, immutable and reference-counted.
 *
 * It holds all that a decision needs: names are resolved and grants are expanded to sets of
 * permissions. It lives in one arena and is freed with the last reference. Any number of threads
 * may read it without a lock; only the reference count changes, atomically. It holds copies of all
 * text, so the sources may be freed after pol_compile. Its structures (compiled.h) are private to
 * policy/; other code uses these functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/diag.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_host;
struct pol_snapshot;

/* The most bytes of memory for one snapshot, and for what else is made of one. */
#define POL_SNAPSHOT_LIMIT ((size_t)1024 * 1024 * 1024)

/* The most bytes of memory to compile a policy of `text` bytes, POL_SNAPSHOT_LIMIT apart: all that
 * pol_compile allocates, the snapshot and the diagnostics included. A larger policy is refused. */
static inline size_t pol_compile_limit(size_t text)
{
	return 64 * text + (size_t)64 * 1024 * 1024;
}

/*
 * Parses and compiles a policy. POL_OK: *out is a snapshot with one reference; there may be
 * warnings. POL_EINVALID: the policy is refused, and diags, sorted, has the errors. POL_ENOMEM,
 * POL_ELIMIT. No source at all is an error in diags. The policy's own tests are not run; see
 * ask/suite.h. host may be NULL; see text/host.h.
 */
enum pol_status pol_compile(const struct pol_source *sources, size_t count,
	const struct pol_host *host, struct pol_diags *diags, struct pol_snapshot **out);

struct pol_snapshot *pol_snapshot_ref(struct pol_snapshot *snapshot);
void pol_snapshot_unref(struct pol_snapshot *snapshot); /* NULL is ignored */

/* 16 hex digits and a NUL: a hash of the names and bytes of the policy's files, modules and data
 * files, the same on each host that has the same ones. */
const char *pol_snapshot_revision(const struct pol_snapshot *snapshot);

/* The number of a name, or POL_NONE. */
uint32_t pol_snapshot_role(const struct pol_snapshot *snapshot, struct pol_str name);
uint32_t pol_snapshot_scope(const struct pol_snapshot *snapshot, struct pol_str name);
uint32_t pol_snapshot_environment(const struct pol_snapshot *snapshot, struct pol_str name);
uint32_t pol_snapshot_principal(const struct pol_snapshot *snapshot, struct pol_str id);

struct pol_environment {
	struct pol_str name;
	struct pol_str prefix;
	struct pol_str description;
};

/* The environments, at least one; the first is the default. A policy that declares none has `live`
 * with the prefix `ak_live_`. Returns their number. */
size_t pol_snapshot_environments(
	const struct pol_snapshot *snapshot, const struct pol_environment **out);

/* Times are in seconds. 0 is "no limit" for the two counts, key_ttl and key_max_ttl. */
struct pol_limits {
	uint64_t keys_per_principal;
	uint64_t secrets_per_principal;
	uint64_t key_ttl;
	uint64_t key_max_ttl;
	uint64_t rotation_overlap;
	uint64_t rotation_max_overlap;
};
const struct pol_limits *pol_snapshot_limits(const struct pol_snapshot *snapshot);

/* A number that is not in the snapshot has an empty name and description. */
struct pol_str pol_snapshot_role_name(const struct pol_snapshot *snapshot, uint32_t role);
struct pol_str pol_snapshot_role_description(const struct pol_snapshot *snapshot, uint32_t role);
struct pol_str pol_snapshot_scope_name(const struct pol_snapshot *snapshot, uint32_t scope);
struct pol_str pol_snapshot_tree_name(const struct pol_snapshot *snapshot, uint32_t tree);
/* The actions and methods of all trees, each once; GET and HEAD are always there. */
struct pol_str pol_snapshot_verb(const struct pol_snapshot *snapshot, uint32_t verb);
struct pol_str pol_snapshot_scope_description(const struct pol_snapshot *snapshot, uint32_t scope);
/* Does something that the scope allows or denies depend on a condition? */
bool pol_snapshot_scope_is_conditional(const struct pol_snapshot *snapshot, uint32_t scope);
size_t pol_snapshot_scope_count(const struct pol_snapshot *snapshot);
size_t pol_snapshot_role_count(const struct pol_snapshot *snapshot);
bool pol_snapshot_role_is_anyone(const struct pol_snapshot *snapshot, uint32_t role);

/* The principals that are declared in the files. A principal has at most POL_PRINCIPAL_ROLES roles;
 * pol_snapshot_principal_held fills `out` with those that have not expired at `now` (Unix seconds)
 * and returns their number. Views live as long as the snapshot. */
#define POL_PRINCIPAL_ROLES 64
struct pol_held;
size_t pol_snapshot_principal_count(const struct pol_snapshot *snapshot);
struct pol_str pol_snapshot_principal_id(const struct pol_snapshot *snapshot, uint32_t principal);
/* The position of its declaration, in the sources that were compiled. */
struct pol_span pol_snapshot_principal_at(const struct pol_snapshot *snapshot, uint32_t principal);
size_t pol_snapshot_principal_held(
	const struct pol_snapshot *snapshot, uint32_t principal, int64_t now, struct pol_held *out);

/* The attributes of a declared principal; they live as long as the snapshot. NULL: no such
 * principal. */
struct pol_given;
const struct pol_given *pol_snapshot_principal_attributes(
	const struct pol_snapshot *snapshot, uint32_t principal);

/* Does any declared principal have a `peer` line whose user or group the machine knows? */
bool pol_peer_any(const struct pol_snapshot *snapshot);
/* Does any have one, known or not? */
bool pol_peer_declared(const struct pol_snapshot *snapshot);
/* The declared principal of a user of the machine, or POL_NONE. `groups` are all groups of the
 * user. A line `peer user` for the user wins over `peer group` lines; if the groups belong to
 * different principals, the user has none of them. */
uint32_t pol_peer_find(
	const struct pol_snapshot *snapshot, uint32_t user, const uint32_t *groups, size_t count);

/* May a decision have charges (module.h)? */
bool pol_snapshot_may_charge(const struct pol_snapshot *snapshot);

/* The name of a quota that lines of the policy's stacks count, numbered from 0; false: there are
 * fewer. Modules that are not built in may name others. */
bool pol_snapshot_quota(const struct pol_snapshot *snapshot, uint32_t number, struct pol_str *out);

/* Is the role, or one that it inherits, a member of an `exclusive` set? */
bool pol_snapshot_is_exclusive(const struct pol_snapshot *snapshot, uint32_t role);
/* The number of an `exclusive` set of which the two roles, with what they inherit, have different
 * members, or POL_NONE. */
uint32_t pol_snapshot_exclusive(const struct pol_snapshot *snapshot, uint32_t a, uint32_t b);

/* Checks a place, TREE:/path. POL_EINVALID: it is malformed, or has a query, a wildcard or a
 * parameter. POL_ENOTFOUND: the policy has no node there. */
enum pol_status pol_snapshot_check_place(const struct pol_snapshot *snapshot, struct pol_str place);

/* Module number `index` of those that are not built in, for output. False: there are fewer. Views
 * live as long as the snapshot. */
struct pol_snapshot_module {
	struct pol_str name;
	struct pol_str version;
	uint64_t hash; /* of its code */
};
bool pol_snapshot_module(
	const struct pol_snapshot *snapshot, size_t index, struct pol_snapshot_module *out);

/* Note number `index` of those that modules left about their lines, for output. False: there are
 * fewer. The first POL_NOTES_MAX are kept. Views live as long as the snapshot. */
#define POL_NOTES_MAX 256
struct pol_snapshot_note {
	struct pol_str module;
	struct pol_str text;
	struct pol_str file;
	uint32_t line;
};
bool pol_snapshot_note(
	const struct pol_snapshot *snapshot, size_t index, struct pol_snapshot_note *out);

/* Copies of the files that it was compiled from, for messages with positions. They live as long as
 * the snapshot. */
const struct pol_source *pol_snapshot_files(const struct pol_snapshot *snapshot, size_t *out_count);

/* Sizes of the policy, for output. Stored roles are not in `roles`. */
struct pol_counts {
	size_t trees, nodes, permissions, roles, scopes, principals, stacks, tests, grants;
	size_t bytes; /* of memory */
};
struct pol_counts pol_snapshot_counts(const struct pol_snapshot *snapshot);
/* Bytes that are freed with its last reference: without those of a policy that it extends. */
size_t pol_snapshot_own_bytes(const struct pol_snapshot *snapshot);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * snapshot: a compiled policy, immutable and reference-counted.
 *
 * Everything a decision needs, names resolved and grants spread into sets of permissions. It
 * lives in one arena and is freed whole when the last reference goes. Readers on any thread need
 * no lock; only the count changes, atomically. It holds copies of all text, so the sources may go
 * after compiling. The structures are open to policy/ alone; others use the functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/diag.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_host;
struct pol_snapshot;

/* The arena of one snapshot, sources and statements included: a policy larger than this is
 * refused. One million nodes with their names and sets fit. */
#define POL_SNAPSHOT_LIMIT ((size_t)1024 * 1024 * 1024)

/*
 * Parses and compiles. All or nothing: on success *out is a snapshot with one reference; on
 * POL_EINVALID diags, sorted, says what is wrong. Warnings may come with success. The policy's
 * own tests are not run here (suite.h). No sources is an error of its own. host NULL: nobody is
 * asked about the machine (host.h).
 */
enum pol_status pol_compile(const struct pol_source *sources, size_t count,
	const struct pol_host *host, struct pol_diags *diags, struct pol_snapshot **out);

struct pol_snapshot *pol_snapshot_ref(struct pol_snapshot *snapshot);
void pol_snapshot_unref(struct pol_snapshot *snapshot); /* NULL is ignored */

/* 16 hex digits and a NUL; the same for the same files everywhere (relative names
 * and bytes; of the modules and data files that came from the host, too). */
const char *pol_snapshot_revision(const struct pol_snapshot *snapshot);

/* POL_NONE when there is none of that name. */
uint32_t pol_snapshot_role(const struct pol_snapshot *snapshot, struct pol_str name);
uint32_t pol_snapshot_scope(const struct pol_snapshot *snapshot, struct pol_str name);
uint32_t pol_snapshot_environment(const struct pol_snapshot *snapshot, struct pol_str name);
uint32_t pol_snapshot_principal(const struct pol_snapshot *snapshot, struct pol_str id);

struct pol_environment {
	struct pol_str name;
	struct pol_str prefix;
	struct pol_str description;
};

/* At least one: without declarations `live` with `ak_live_`. The first is the default. */
size_t pol_snapshot_environments(
	const struct pol_snapshot *snapshot, const struct pol_environment **out);

/* Seconds; 0 is "no limit" for the counts and for the ttl. */
struct pol_limits {
	uint64_t keys_per_principal;
	uint64_t secrets_per_principal;
	uint64_t key_ttl;
	uint64_t key_max_ttl;
	uint64_t rotation_overlap;
	uint64_t rotation_max_overlap;
};
const struct pol_limits *pol_snapshot_limits(const struct pol_snapshot *snapshot);

struct pol_str pol_snapshot_role_name(const struct pol_snapshot *snapshot, uint32_t role);
struct pol_str pol_snapshot_role_description(const struct pol_snapshot *snapshot, uint32_t role);
/* Where it is declared, in the sources that were compiled. */
struct pol_span pol_snapshot_role_at(const struct pol_snapshot *snapshot, uint32_t role);
struct pol_str pol_snapshot_scope_name(const struct pol_snapshot *snapshot, uint32_t scope);
size_t pol_snapshot_role_count(const struct pol_snapshot *snapshot);
bool pol_snapshot_role_is_anyone(const struct pol_snapshot *snapshot, uint32_t role);

/* The principals that the files declare. Their held roles are those whose time has not come at
 * `now` (Unix seconds); views live as long as the snapshot. At most POL_PRINCIPAL_ROLES. */
#define POL_PRINCIPAL_ROLES 64
struct pol_held;
size_t pol_snapshot_principal_count(const struct pol_snapshot *snapshot);
struct pol_str pol_snapshot_principal_id(const struct pol_snapshot *snapshot, uint32_t principal);
/* Where it is declared, in the sources that were compiled. */
struct pol_span pol_snapshot_principal_at(const struct pol_snapshot *snapshot, uint32_t principal);
size_t pol_snapshot_principal_held(
	const struct pol_snapshot *snapshot, uint32_t principal, int64_t now, struct pol_held *out);

/* The declared principal that this user of the machine is, groups being all that he is in, or
 * POL_NONE. His own `peer user` line goes before those of his groups; groups that stand for
 * different principals make him none of them. Without a host (host.h) nobody is known. */
bool pol_peer_any(const struct pol_snapshot *snapshot);
uint32_t pol_peer_find(
	const struct pol_snapshot *snapshot, uint32_t user, const uint32_t *groups, size_t count);

/* May a decision come to charges (module.h)? */
bool pol_snapshot_may_charge(const struct pol_snapshot *snapshot);

/* The number of an `exclusive` set that both roles, inherited ones counted, break; else
 * POL_NONE. */
uint32_t pol_snapshot_exclusive(const struct pol_snapshot *snapshot, uint32_t a, uint32_t b);

/* Is `at` a place of this policy: TREE:/path, normalised, leading to or through a declared node,
 * with no wildcard and no parameter in it? */
enum pol_status pol_snapshot_check_place(const struct pol_snapshot *snapshot, struct pol_str place);

/* The modules that came from the host, each once, for people. False: there are not so many. Views
 * live as long as the snapshot. */
struct pol_snapshot_module {
	struct pol_str name;
	struct pol_str version;
};
bool pol_snapshot_module(
	const struct pol_snapshot *snapshot, size_t index, struct pol_snapshot_module *out);

/* Counts for `status` and `policy check`. */
struct pol_counts {
	size_t trees, nodes, permissions, roles, scopes, principals, stacks, tests, grants;
	size_t bytes; /* of the arena */
};
struct pol_counts pol_snapshot_counts(const struct pol_snapshot *snapshot);

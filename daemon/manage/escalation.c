/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/escalation.h"

#include <errno.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "policy/ask/escalation.h"

/* What the caller has, and what it may grant beside that. */
struct rights {
	struct pol_grantor grantor;
	uint32_t roles[STORE_MAX_ASSIGNMENTS];
	uint32_t scopes[STORE_MAX_LIST];
	struct pol_run runs[64];
};

/* --- a manager of the configuration ----------------------------------------------------------- */

/* An id that no record has, so that only a pattern for all ids matches it. */
#define ANY_ID "\x01"

/* Every permission of the tree authz: that a `manage` line can give for all ids. */
static const struct {
	const char *noun;
	bool below; /* on /NOUN/ID, not on /NOUN */
	const char *actions[9];
} nodes[] = {
	{ "keys", false, { "list", "create" } },
	{ "keys", true,
		{ "read", "update", "disable", "enable", "rotate", "revoke", "delete",
			"restore" } },
	{ "principals", false, { "list", "create" } },
	{ "principals", true, { "read", "update", "disable", "enable", "delete", "issue" } },
	{ "roles", false, { "list", "create" } },
	{ "roles", true, { "read", "update", "delete" } },
	{ "assignments", false, { "list", "create", "delete" } },
	{ "grants/scopes", true, { "grant" } },
	{ "grants/roles", true, { "grant" } },
	{ "audit", false, { "read" } },
};

/* The permissions that `manage` lines give to a peer without a token, as runs. */
static int find_runs(struct call *call, struct rights *rights)
{
	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
		const char *const *action = nodes[i].actions;

		for (; *action != NULL; action++) {
			struct pol_str id =
				nodes[i].below ? POL_STR(ANY_ID) : (struct pol_str){ 0 };
			struct pol_run *run = &rights->runs[rights->grantor.run_count];
			int r = actor_can(call, nodes[i].noun, id, *action);

			if (r < 0) {
				return r;
			}
			if (r > 0 && rights->grantor.run_count < 64 &&
				pol_escalation_permission(call->snapshot, nodes[i].noun,
					nodes[i].below, *action, run)) {
				rights->grantor.run_count++;
			}
		}
	}
	rights->grantor.runs = rights->runs;
	return 0;
}

/* --- what `grant` allows beside --------------------------------------------------------------- */

static int add_roles(struct call *call, const struct pol_facts *facts, struct rights *rights)
{
	for (uint32_t i = 0; i < facts->held_count && i < STORE_MAX_ASSIGNMENTS; i++) {
		uint32_t role = facts->held[i].role;
		struct pol_str name = pol_snapshot_role_name(call->snapshot, role);
		int r = name.len > 0 ? actor_can(call, "grants/roles", name, "grant") : 0;

		if (r < 0) {
			return r;
		}
		if (r > 0) {
			rights->roles[rights->grantor.role_count++] = role;
		}
	}
	rights->grantor.roles = rights->roles;
	return 0;
}

static int add_scopes(struct call *call, const struct pol_facts *facts, struct rights *rights)
{
	for (uint32_t i = 0; i < facts->scope_count && i < STORE_MAX_LIST; i++) {
		struct pol_str name = pol_snapshot_scope_name(call->snapshot, facts->scopes[i]);
		int r = name.len > 0 ? actor_can(call, "grants/scopes", name, "grant") : 0;

		if (r < 0) {
			return r;
		}
		if (r > 0) {
			rights->scopes[rights->grantor.scope_count++] = facts->scopes[i];
		}
	}
	rights->grantor.scopes = rights->scopes;
	return 0;
}

static int init_grantor(struct call *call, struct rights *rights)
{
	rights->grantor = (struct pol_grantor){ .facts = NULL };
	if (call->actor != NULL) {
		rights->grantor.facts = &call->actor->subject.facts;
		return 0;
	}
	return find_runs(call, rights);
}

/* --- the comparison --------------------------------------------------------------------------- */

static int refuse(struct call *call, const struct pol_escalation *escalation, const char *hint)
{
	return call_error(call, "forbidden",
		"this would give away what you do not have yourself: %s on %s%s",
		escalation->action, escalation->resource, hint);
}

/* A subject's facts as of a later time, without the assignments that have ended by then. */
struct future {
	struct pol_facts facts;
	struct pol_held held[STORE_MAX_ASSIGNMENTS];
};

/* The next time after `when` at which an assignment ends; INT64_MAX: there is none. */
static int64_t next_end(const struct pol_facts *facts, int64_t when)
{
	int64_t next = INT64_MAX;

	for (uint32_t i = 0; facts != NULL && i < facts->held_count; i++) {
		int64_t until = facts->held[i].until;

		next = until > when && until < next ? until : next;
	}
	return next;
}

static const struct pol_facts *facts_at(
	const struct pol_facts *facts, int64_t when, struct future *future)
{
	if (facts == NULL) {
		return NULL;
	}
	future->facts = *facts;
	future->facts.held = future->held;
	future->facts.held_count = 0;
	for (uint32_t i = 0; i < facts->held_count && i < STORE_MAX_ASSIGNMENTS; i++) {
		if (facts->held[i].until == 0 || facts->held[i].until > when) {
			future->held[future->facts.held_count++] = facts->held[i];
		}
	}
	return &future->facts;
}

/* The facts that are compared. */
struct change {
	const struct pol_facts *before; /* NULL: nothing */
	const struct pol_facts *after;
};

/* Compares as of a later time. The caller may grant what it has now, and what it will have at that
 * time, when a denial of its own may have ended. */
static enum pol_status find_escalation_at(struct call *call, const struct change *change,
	const struct pol_grantor *grantor, int64_t when, struct pol_escalation *escalation)
{
	struct future was, is, own;
	const struct pol_facts *before = facts_at(change->before, when, &was);
	const struct pol_facts *after = facts_at(change->after, when, &is);
	struct pol_grantor then = *grantor;
	enum pol_status status;

	status = pol_escalation_find(call->snapshot, before, after, grantor, escalation);
	if (status == POL_OK && escalation->found && grantor->facts != NULL) {
		then.facts = facts_at(grantor->facts, when, &own);
		status = pol_escalation_find(call->snapshot, before, after, &then, escalation);
	}
	return status;
}

/* Compares as of now, and as of each time at which an assignment ends. Otherwise a role that is
 * held until Friday could be given without an end, and a denial until Friday would hide what is
 * allowed after it. */
static int find_escalation(struct call *call, const struct pol_facts *before,
	const struct pol_facts *after, const struct pol_grantor *grantor,
	struct pol_escalation *escalation)
{
	const struct change change = { before, after };
	int64_t when = call->now;
	enum pol_status status =
		pol_escalation_find(call->snapshot, before, after, grantor, escalation);

	while (status == POL_OK && !escalation->found) {
		int64_t first = next_end(before, when), second = next_end(after, when);

		when = first < second ? first : second;
		if (when == INT64_MAX) {
			break;
		}
		status = find_escalation_at(call, &change, grantor, when, escalation);
	}
	return status == POL_OK ? 0 : -ENOMEM;
}

/* `own`: the caller itself would gain. */
static int check(
	struct call *call, const struct pol_facts *before, const struct pol_facts *after, bool own)
{
	struct rights rights;
	struct pol_escalation escalation;
	int r = init_grantor(call, &rights);

	escalation.found = false;
	if (r == 0) {
		r = find_escalation(call, before, after, &rights.grantor, &escalation);
	}
	if (r < 0 || !escalation.found) {
		return r;
	}
	if (own) {
		return refuse(call, &escalation, "; and no caller may grant anything to itself");
	}
	r = add_roles(call, after, &rights);
	if (r == 0) {
		r = add_scopes(call, after, &rights);
	}
	if (r == 0) {
		r = find_escalation(call, before, after, &rights.grantor, &escalation);
	}
	if (r < 0) {
		return r;
	}
	return escalation.found
		       ? refuse(call, &escalation, "; `grant` on the role or scope would allow it")
		       : 0;
}

/* The key that the caller presented: whatever it gains, the caller gains. */
static int check_own_key(
	struct call *call, const struct pol_facts *before, const struct pol_facts *after)
{
	const struct pol_grantor nobody = { .facts = NULL };
	struct pol_escalation escalation;
	int r = find_escalation(call, before, after, &nobody, &escalation);

	if (r < 0) {
		return r;
	}
	return escalation.found
		       ? refuse(call, &escalation, "; and no caller may grant anything to itself")
		       : 0;
}

static bool is_own_principal(const struct call *call, uint32_t tenant, struct pol_str id)
{
	const struct actor *actor = call->actor;

	return actor != NULL && id.len > 0 && actor->tenant == tenant &&
	       pol_str_equal(id, (struct pol_str){ actor->principal, actor->principal_len });
}

static bool is_own_key(const struct call *call, const struct store_key *key)
{
	return call->actor != NULL &&
	       pol_str_equal(key->kid, (struct pol_str){ call->actor->kid, STORE_KID });
}

int escalation_check_key(
	struct call *call, const struct store_key *before, const struct store_key *after)
{
	struct subject was, is;
	bool own;
	int r = 0;

	if (actor_is_superuser(call)) {
		return 0;
	}
	own = is_own_principal(call, after->tenant, after->principal);
	if (before == NULL && after->binding == POL_BOUND_TO_PRINCIPAL && !own) {
		r = actor_may(call, "principals", after->principal, "issue");
	}
	if (r == 0 && before != NULL) {
		r = subject_describe_key(call, before, &was);
	}
	if (r == 0) {
		r = subject_describe_key(call, after, &is);
	}
	if (r != 0) {
		return r;
	}
	if (is_own_key(call, after)) {
		return check_own_key(call, before != NULL ? &was.facts : NULL, &is.facts);
	}
	return check(call, before != NULL ? &was.facts : NULL, &is.facts, own);
}

int escalation_check_principal(struct call *call, const struct store_principal *before,
	const struct store_principal *after)
{
	struct subject was, is;
	int r = 0;

	if (actor_is_superuser(call)) {
		return 0;
	}
	if (before != NULL) {
		r = subject_describe_principal(call, before, &was);
	}
	if (r == 0) {
		r = subject_describe_principal(call, after, &is);
	}
	if (r != 0) {
		return r;
	}
	return check(call, before != NULL ? &was.facts : NULL, &is.facts,
		is_own_principal(call, after->tenant, after->id));
}

int escalation_check_role(
	struct call *call, uint32_t before, const struct pol_snapshot *snapshot, uint32_t after)
{
	struct rights rights;
	struct pol_escalation escalation;
	int r;

	if (actor_is_superuser(call)) {
		return 0;
	}
	r = init_grantor(call, &rights);
	if (r < 0) {
		return r;
	}
	if (pol_escalation_of_role(call->snapshot, before, snapshot, after, &rights.grantor,
		    &escalation) != POL_OK) {
		return -ENOMEM;
	}
	return escalation.found ? refuse(call, &escalation, ", everywhere") : 0;
}

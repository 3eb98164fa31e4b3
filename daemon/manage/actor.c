/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/actor.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/config.h"
#include "policy/module.h"

/* The noun, its id of at most STORE_MAX_NAME bytes, and what is around them. */
#define MAX_RESOURCE (STORE_MAX_NAME + 64)

static int refuse(struct call *call, struct pol_str resource, const char *action)
{
	int r = call_error(call, "forbidden",
		"you may not %s on %.*s: a `manage` line of the configuration can allow it", action,
		POL_STR_ARGS(resource));

	return r < 0 ? r : 1;
}

int actor_may(struct call *call, const char *noun, struct pol_str id, const char *action)
{
	char text[MAX_RESOURCE];
	struct pol_str resource = { text, 0 };
	int len;

	if (call->peer->superuser) {
		return 0;
	}
	/* Longer than any id that exists: what is asked about is not there. */
	if (id.len > STORE_MAX_NAME) {
		id.len = 0;
	}
	len = snprintf(text, sizeof text, id.len > 0 ? "authz:/%s/%.*s" : "authz:/%s", noun,
		POL_STR_ARGS(id));
	resource.len = (size_t)len;
	if (len > 0 && (size_t)len < sizeof text &&
		config_manager_allows(call->config, call->peer, resource, pol_str_of(action))) {
		return 0;
	}
	return refuse(call, resource, action);
}

int actor_may_grant_role(struct call *call, struct pol_str role)
{
	return actor_may(call, "grants/roles", role, "grant");
}

int actor_may_grant_scope(struct call *call, struct pol_str scope)
{
	return actor_may(call, "grants/scopes", scope, "grant");
}

static int may_grant_all(struct call *call, struct store_list names,
	int (*may)(struct call *call, struct pol_str name))
{
	struct pol_str name;
	int r = 0;

	while (r == 0 && store_list_next(&names, &name)) {
		r = may(call, name);
	}
	return r;
}

static int may_give_declared(struct call *call, struct pol_str id)
{
	uint32_t number = pol_snapshot_principal(call->snapshot, id);
	struct pol_held held[POL_PRINCIPAL_ROLES];
	size_t count;
	int r = 0;

	if (number == POL_NONE) {
		return 0;
	}
	count = pol_snapshot_principal_held(call->snapshot, number, call->now, held);
	for (size_t i = 0; i < count && r == 0; i++) {
		r = actor_may_grant_role(
			call, pol_snapshot_role_name(call->snapshot, held[i].role));
	}
	return r;
}

int actor_may_give_assignments(struct call *call, struct store_list assignments)
{
	struct store_assignment assignment;
	int r = 0;

	while (r == 0 && store_assignment_next(&assignments, &assignment)) {
		r = actor_may_grant_role(call, assignment.role);
	}
	return r;
}

int actor_may_give_principal(struct call *call, uint32_t tenant, struct pol_str id)
{
	struct store_principal principal;
	int r = store_get_principal(call->read, tenant, id, &principal);

	if (call->peer->superuser) {
		return 0;
	}
	if (r < 0) {
		return r == -ENOENT ? may_give_declared(call, id) : r;
	}
	return actor_may_give_assignments(call, principal.assignments);
}

int actor_may_give_key(struct call *call, const struct store_key *key)
{
	int r = 0;

	if (call->peer->superuser) {
		return 0;
	}
	if (key->binding == POL_BOUND_TO_PRINCIPAL) {
		r = actor_may(call, "principals", key->principal, "issue");
	}
	/* What it may do is no more than its scopes say, so those are enough. */
	if (r == 0 && (key->flags & STORE_KEY_HAS_SCOPES) != 0) {
		return may_grant_all(call, key->scopes, actor_may_grant_scope);
	}
	if (r == 0 && key->binding == POL_BOUND_TO_PRINCIPAL) {
		r = actor_may_give_principal(call, key->tenant, key->principal);
	} else if (r == 0) {
		r = may_grant_all(call, key->roles, actor_may_grant_role);
	}
	return r;
}

struct pol_str actor_text(const struct call *call, char text[static ACTOR_TEXT])
{
	int len = snprintf(text, ACTOR_TEXT, "uid:%u", (unsigned)call->peer->uid);

	return (struct pol_str){ text, (size_t)len };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/who.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/given.h"
#include "daemon/manage/check.h"
#include "daemon/manage/roles/roles.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/stored.h"
#include "policy/snapshot/tree.h"

/* Bytes of a resource, with its tree, and of a node's name in the answer. */
#define RESOURCE_TEXT (POL_PATH_BYTES + 256)

#define REVISION 16

enum {
	ACTION,
	RESOURCE,
	METHOD,
	PATH,
	TREE,
	FACTS,
	UNDECLARED,
	KIND,
	TENANT,
	LIMIT,
	CURSOR,
	FIELDS,
};

static const struct wire_field fields[FIELDS] = {
	[ACTION] = WIRE_FIELD("action", WIRE_KIND_TEXT, 0),
	[RESOURCE] = WIRE_FIELD("resource", WIRE_KIND_TEXT, 0),
	[METHOD] = WIRE_FIELD("method", WIRE_KIND_TEXT, 0),
	[PATH] = WIRE_FIELD("path", WIRE_KIND_TEXT, 0),
	[TREE] = WIRE_FIELD("tree", WIRE_KIND_TEXT, 0),
	[FACTS] = WIRE_FIELD("facts", WIRE_KIND_MAP, 0),
	[UNDECLARED] = WIRE_FIELD("undeclared", WIRE_KIND_TEXT, 0),
	[KIND] = WIRE_FIELD("kind", WIRE_KIND_TEXT, 0),
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

/* --- what is asked about ---------------------------------------------------------------------- */

static enum pol_when_kind sure(bool counts, char when[POL_WHEN_TEXT])
{
	when[0] = '\0';
	return counts ? POL_WHEN_ALWAYS : POL_WHEN_NEVER;
}

enum pol_when_kind who_role_counts(struct who_walk *walk, uint32_t role, char when[POL_WHEN_TEXT])
{
	if (walk->who == NULL) {
		return sure(walk->heirs[role] && role != walk->role, when);
	}
	return pol_snapshot_role_is_anyone(walk->who->snapshot, role)
		       ? pol_who_anyone_may(walk->who, when)
		       : pol_who_role_may(walk->who, role, when);
}

/* May a holder of roles do it? What all hold does not count: that is an item of its own. */
enum pol_when_kind who_held_counts(struct who_walk *walk, const struct pol_facts *facts,
	uint32_t number, char when[POL_WHEN_TEXT])
{
	const struct pol_held *held = &facts->held[number];

	if (walk->who == NULL) {
		return sure(held->role != POL_NONE && walk->heirs[held->role] &&
				    pol_subject_holder(facts, number) == walk->holder,
			when);
	}
	return pol_who_held_helps(walk->who, facts, number, when);
}

enum pol_when_kind who_subject_counts(
	struct who_walk *walk, const struct pol_facts *facts, char when[POL_WHEN_TEXT])
{
	if (walk->who != NULL) {
		return pol_who_may(walk->who, facts, when);
	}
	for (uint32_t i = 0; i < facts->held_count; i++) {
		if (who_held_counts(walk, facts, i, when) != POL_WHEN_NEVER) {
			return POL_WHEN_ALWAYS;
		}
	}
	return sure(false, when);
}

/* --- parameters ------------------------------------------------------------------------------- */

/* Which kinds are listed; the caller must be allowed to list each. */
static int read_kinds(struct call *call, const struct wire_value *kind, struct who_walk *walk)
{
	static const struct pol_str none = { NULL, 0 };
	int r = 0;

	walk->roles = !kind->given || wire_str_equal(kind->text, WIRE_STR("role"));
	walk->principals = !kind->given || wire_str_equal(kind->text, WIRE_STR("principal"));
	walk->keys = !kind->given || wire_str_equal(kind->text, WIRE_STR("key"));
	if (!walk->roles && !walk->principals && !walk->keys) {
		return call_invalid(call, "kind", "must be role, principal or key");
	}
	if (walk->roles) {
		r = actor_may(call, "roles", none, "list");
	}
	if (r == 0 && walk->principals) {
		r = actor_may(call, "principals", none, "list");
	}
	return r == 0 && walk->keys ? actor_may(call, "keys", none, "list") : r;
}

static int read_tenant(struct call *call, const struct wire_value *value, struct who_walk *walk)
{
	struct store_tenant record;
	int r = check_tenant(call, value, &walk->tenant);

	if (r == 0) {
		r = store_get_tenant(call->read, walk->tenant, &record);
		walk->tenant_is_on = r == 0 && (record.flags & STORE_TENANT_DISABLED) == 0;
	}
	return r;
}

/* The resource as TREE:/path, in `text`. 0; 1: refused. */
static int read_resource(struct call *call, char text[static RESOURCE_TEXT], struct pol_str *out)
{
	const struct wire_value *params = call->params;
	bool http = params[METHOD].given || params[PATH].given || params[TREE].given;
	struct wire_str tree = params[TREE].given ? params[TREE].text : WIRE_STR("api");
	struct wire_str path = params[PATH].text;

	if (http == (params[ACTION].given || params[RESOURCE].given) ||
		params[METHOD].given != params[PATH].given ||
		params[ACTION].given != params[RESOURCE].given) {
		return call_invalid(call, http ? "method" : "action",
			"give either action and resource, or method and path");
	}
	if (!http) {
		*out = subject_str(params[RESOURCE].text);
		return 0;
	}
	if (tree.len + path.len + 2 > RESOURCE_TEXT) {
		return call_invalid(call, "path", "is longer than %d bytes", POL_PATH_BYTES);
	}
	memcpy(text, tree.ptr, tree.len);
	text[tree.len] = ':';
	memcpy(text + tree.len + 1, path.ptr, path.len);
	*out = (struct pol_str){ text, tree.len + 1 + path.len };
	return 0;
}

/* The policy has no such path in this tree, or has no such tree. */
static int refuse_path(struct call *call, struct pol_str tree)
{
	if (pol_tree_number(call->snapshot, tree) != POL_NONE) {
		return call_invalid(call, "path",
			"is nothing that the policy declares in tree '%.*s'", POL_STR_ARGS(tree));
	}
	if (call->params[TREE].given) {
		return call_invalid(call, "tree", "is not a tree of the policy");
	}
	return call_invalid(call, "path",
		"is in tree '%.*s', which the policy lacks: name the tree", POL_STR_ARGS(tree));
}

static int read_question(struct call *call, char text[static RESOURCE_TEXT], struct pol_who *out)
{
	bool http = call->params[METHOD].given;
	struct pol_str resource = { NULL, 0 }, reason;
	int r = read_resource(call, text, &resource);

	if (r != 0) {
		return r;
	}
	if (pol_who_read(call->snapshot, subject_str(call->params[http ? METHOD : ACTION].text),
		    resource, http, out, &reason)) {
		return 0;
	}
	if (pol_str_equal(reason, POL_STR("unknown_action"))) {
		return call_invalid(
			call, http ? "method" : "action", "the resource has no such action");
	}
	if (http && pol_str_equal(reason, POL_STR("unknown_resource"))) {
		return refuse_path(call, out->tree);
	}
	return call_invalid(call, http ? "path" : "resource", "%s",
		pol_str_equal(reason, POL_STR("unknown_resource"))
			? "is nothing that the policy declares"
			: "cannot be the TREE:/path of a request");
}

/* --- methods ---------------------------------------------------------------------------------- */

static void put_revision(struct call *call)
{
	wire_put_str(call->out, WIRE_STR("revision"));
	wire_put_str(
		call->out, (struct wire_str){ pol_snapshot_revision(call->snapshot), REVISION });
}

/* The facts that the caller states of the request, and of everybody who may be listed. */
static int read_facts(struct call *call, struct pol_who *who)
{
	const struct given_params params = { &call->params[FACTS], &call->params[UNDECLARED] };
	struct given_read given;
	const char *param, *wrong;

	given_begin(call);
	wrong = given_read(call, &params, &given, &param);
	if (wrong != NULL) {
		return call_invalid(call, param, "%s", wrong);
	}
	if (given.of_principal && !call->peer->trusted) {
		return call_error(call, "forbidden",
			"not_trusted: only a trusted peer may state facts of the principal");
	}
	who->given = given.given;
	return 0;
}

static int who(struct call *call)
{
	const struct wire_value *params = call->params;
	char text[RESOURCE_TEXT], node[RESOURCE_TEXT];
	struct who_walk walk = { .tenant = 0 };
	struct pol_who question;
	int r = read_kinds(call, &params[KIND], &walk);

	if (r == 0) {
		r = read_tenant(call, &params[TENANT], &walk);
	}
	if (r == 0) {
		r = read_question(call, text, &question);
	}
	if (r == 0) {
		r = read_facts(call, &question);
	}
	if (r == 0) {
		r = list_begin(&walk.list, call, &params[LIMIT], &params[CURSOR]);
	}
	if (r == 0) {
		walk.who = &question;
		r = who_walk(&walk);
	}
	if (r != 0) {
		return r;
	}
	walk.list.extra = 2;
	list_end(&walk.list);
	wire_put_str(call->out, WIRE_STR("resource"));
	wire_put_str(call->out, subject_wire(pol_who_node(&question, node, sizeof node)));
	put_revision(call);
	return 0;
}

enum { HOLDERS_NAME, HOLDERS_KIND, HOLDERS_TENANT, HOLDERS_LIMIT, HOLDERS_CURSOR };

const struct wire_field roles_holders_fields[ROLES_HOLDERS_FIELDS] = {
	[HOLDERS_NAME] = WIRE_FIELD("name", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[HOLDERS_KIND] = WIRE_FIELD("kind", WIRE_KIND_TEXT, 0),
	[HOLDERS_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[HOLDERS_LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[HOLDERS_CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

/* The role's number, or POL_NONE: one of the files, or of the tenant. */
static uint32_t find_role(struct call *call, uint32_t tenant)
{
	struct pol_str name = subject_str(call->params[HOLDERS_NAME].text);
	uint32_t role = pol_snapshot_role(call->snapshot, name);
	uint64_t ignored;

	return role != POL_NONE ? role : pol_stored_named(call->snapshot, tenant, name, &ignored);
}

static int list_holders(struct call *call, struct who_walk *walk, uint32_t role)
{
	bool *heirs = calloc(pol_snapshot_role_count(call->snapshot), sizeof *heirs);
	int r = -ENOMEM;

	if (heirs != NULL && pol_who_heirs(call->snapshot, role, heirs) == POL_OK) {
		walk->heirs = heirs;
		walk->role = role;
		r = who_walk(walk);
	}
	walk->heirs = NULL;
	free(heirs);
	if (r != 0) {
		return r;
	}
	walk->list.extra = 1;
	list_end(&walk->list);
	put_revision(call);
	return 0;
}

int roles_holders(struct call *call)
{
	const struct wire_value *params = call->params;
	struct who_walk walk = { .tenant = 0 };
	uint32_t role = POL_NONE;
	int r = read_kinds(call, &params[HOLDERS_KIND], &walk);

	if (r == 0) {
		r = read_tenant(call, &params[HOLDERS_TENANT], &walk);
	}
	if (r == 0) {
		role = find_role(call, walk.tenant);
		if (role == POL_NONE) {
			return call_error(call, "not_found", "there is no such role");
		}
		if (pol_snapshot_role_is_anyone(call->snapshot, role)) {
			return call_invalid(call, "name", "'anyone' is held by every caller");
		}
		r = list_begin(&walk.list, call, &params[HOLDERS_LIMIT], &params[HOLDERS_CURSOR]);
	}
	return r == 0 ? list_holders(call, &walk, role) : r;
}

const struct method who_methods[] = {
	{ "who", fields, FIELDS, METHOD_MANAGES | METHOD_TOKEN, who },
};
const size_t who_method_count = sizeof who_methods / sizeof who_methods[0];

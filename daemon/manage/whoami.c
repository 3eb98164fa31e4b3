/* SPDX-License-Identifier: Apache-2.0 */
/* whoami: who calls, and what the caller may do in the tree authz. */
#include <stdio.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/config/config.h"
#include "daemon/decide/actor.h"
#include "daemon/manage/authz_nodes.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/path.h"

/* More resources than these are left out. */
#define ITEMS 512

_Static_assert(AUTHZ_ACTIONS <= 32, "a set of actions is a word");

/* One resource: what may be done there. */
struct item {
	const struct authz_node *node;
	struct pol_str id; /* as a place or a line spells it; empty: of /NOUN, or of each id */
	uint32_t actions;
};

struct listing {
	struct call *call;
	struct item items[ITEMS];
	uint32_t count;
	uint32_t general; /* the item of the present node that is about each id */
	bool more;
};

/* --- places ----------------------------------------------------------------------------------- */

/* Cuts the next segment off. */
static struct pol_str cut(struct pol_str *rest)
{
	const char *slash = rest->len > 0 ? memchr(rest->ptr, '/', rest->len) : NULL;
	struct pol_str out = { rest->ptr, slash != NULL ? (size_t)(slash - rest->ptr) : rest->len };

	rest->ptr += out.len + (slash != NULL);
	rest->len -= out.len + (slash != NULL);
	return out;
}

static bool is_star(struct pol_str segment)
{
	return pol_str_equal(segment, POL_STR("*"));
}

/* Does the place, or the pattern of a line, name one id of the node? */
static bool names(struct pol_str place, const struct authz_node *node, struct pol_str *out_id)
{
	struct pol_str noun = pol_str_of(node->noun);

	if (node->param == NULL || !pol_str_starts(place, POL_STR("authz:/"))) {
		return false;
	}
	place.ptr += strlen("authz:/");
	place.len -= strlen("authz:/");
	while (noun.len > 0) {
		struct pol_str wanted = cut(&noun), got = cut(&place);

		if (!pol_str_equal(wanted, got) && !is_star(got)) {
			return false;
		}
	}
	*out_id = cut(&place);
	return place.len == 0 && out_id->len > 0 && !is_star(*out_id) &&
	       !pol_str_equal(*out_id, POL_STR("**"));
}

/* --- what is allowed -------------------------------------------------------------------------- */

/* The actions of the node that the caller may do on this id. 0 or a negative errno. */
static int find_actions(
	struct call *call, const struct authz_node *node, struct pol_str id, uint32_t *out)
{
	*out = 0;
	for (unsigned i = 0; node->actions[i] != NULL; i++) {
		int r = call->actor != NULL ? actor_could(call, &call->actor->subject.facts,
						      node->noun, id, node->actions[i])
					    : actor_can(call, node->noun, id, node->actions[i]);

		if (r < 0) {
			return r;
		}
		*out |= r > 0 ? UINT32_C(1) << i : 0;
		call->cost++;
	}
	return 0;
}

static void add(struct listing *listing, struct item item)
{
	if (listing->count == ITEMS) {
		listing->more = true;
	} else {
		listing->items[listing->count++] = item;
	}
}

/* Is it among the items of the present node? */
static bool is_listed(const struct listing *listing, struct pol_str id)
{
	for (uint32_t i = listing->general; i < listing->count; i++) {
		if (pol_str_equal(listing->items[i].id, id)) {
			return true;
		}
	}
	return false;
}

/* Adds the id that the place names, if something else is allowed there than on each id. */
static int add_place(
	struct listing *listing, const struct authz_node *node, struct pol_str place, bool encoded)
{
	uint32_t general = listing->items[listing->general].actions;
	struct item item = { .node = node };
	struct pol_path path;
	struct pol_str id;
	int r;

	if (!names(place, node, &item.id) || is_listed(listing, item.id)) {
		return 0;
	}
	id = item.id;
	if (encoded) {
		place.ptr += strlen("authz:");
		place.len -= strlen("authz:");
		if (pol_path_read(place, &path) != POL_OK || path.count == 0) {
			return 0;
		}
		id = path.segments[path.count - 1];
	}
	r = find_actions(listing->call, node, id, &item.actions);
	if (r == 0 && item.actions != general) {
		add(listing, item);
	}
	return r;
}

static int add_places_of_token(struct listing *listing, const struct authz_node *node)
{
	const struct pol_facts *facts = &listing->call->actor->subject.facts;
	int r = 0;

	for (uint32_t i = 0; i < facts->held_count; i++) {
		for (uint32_t k = 0; k < facts->held[i].place_count && r == 0; k++) {
			r = add_place(listing, node, facts->held[i].places[k], true);
		}
	}
	for (uint32_t i = 0; i < facts->key_place_count && r == 0; i++) {
		r = add_place(listing, node, facts->key_places[i], true);
	}
	return r;
}

static int add_places_of_peer(struct listing *listing, const struct authz_node *node)
{
	const struct config *config = listing->call->context->config;
	struct pol_str pattern;
	int r = 0;

	for (size_t i = 0; i < config->manager_count && r == 0; i++) {
		if (config_match_manager_line(config, listing->call->peer, i, &pattern)) {
			r = add_place(listing, node, pattern, false);
		}
	}
	return r;
}

static int list_nodes(struct listing *listing)
{
	struct call *call = listing->call;
	int r = 0;

	for (size_t i = 0; i < AUTHZ_NODES && r == 0; i++) {
		struct item item = { .node = &authz_nodes[i] };
		struct pol_str any = { NULL, 0 };

		if (item.node->param != NULL) {
			any = POL_STR(AUTHZ_ANY_ID);
		}
		r = find_actions(call, item.node, any, &item.actions);
		if (r < 0 || listing->count == ITEMS) {
			listing->more = true;
			return r;
		}
		listing->general = listing->count;
		add(listing, item);
		r = call->actor != NULL ? add_places_of_token(listing, item.node)
					: add_places_of_peer(listing, item.node);
	}
	return r;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void put_resource(struct wire_buf *out, const struct item *item)
{
	char text[sizeof "authz://{}" + 32 + POL_PATH_BYTES];
	const char *param = item->node->param;
	int len;

	if (item->id.len > 0) {
		len = snprintf(text, sizeof text, "authz:/%s/%.*s", item->node->noun,
			POL_STR_ARGS(item->id));
	} else if (param != NULL) {
		len = snprintf(text, sizeof text, "authz:/%s/{%s}", item->node->noun, param);
	} else {
		len = snprintf(text, sizeof text, "authz:/%s", item->node->noun);
	}
	wire_put_cstr(out, "resource");
	wire_put_str(out,
		(struct wire_str){ text, len > 0 && (size_t)len < sizeof text ? (size_t)len : 0 });
}

/* Nothing is said of a node on which nothing may be done; of one id it is, if more may be on
 * others. */
static bool is_shown(const struct item *item)
{
	return item->actions != 0 || item->id.len > 0;
}

static void put_item(struct wire_buf *out, const struct item *item)
{
	wire_put_map(out, 2);
	put_resource(out, item);
	wire_put_cstr(out, "actions");
	wire_put_array(out, (uint32_t)__builtin_popcount(item->actions));
	for (unsigned i = 0; item->node->actions[i] != NULL; i++) {
		if ((item->actions >> i & 1) != 0) {
			wire_put_cstr(out, item->node->actions[i]);
		}
	}
}

static void put_items(struct wire_buf *out, const struct listing *listing)
{
	uint32_t shown = 0;

	for (uint32_t i = 0; i < listing->count; i++) {
		shown += is_shown(&listing->items[i]);
	}
	wire_put_cstr(out, "items");
	wire_put_array(out, shown);
	for (uint32_t i = 0; i < listing->count; i++) {
		if (is_shown(&listing->items[i])) {
			put_item(out, &listing->items[i]);
		}
	}
}

static void put_pair(struct wire_buf *out, const char *name, struct pol_str value)
{
	wire_put_cstr(out, name);
	wire_put_str(out, subject_wire(value));
}

/* The policy's bounds of a rotation. */
static void put_limits(struct wire_buf *out, const struct pol_limits *limits)
{
	wire_put_cstr(out, "limits");
	wire_put_map(out, 2);
	wire_put_cstr(out, "rotation_overlap");
	wire_put_int(out, (int64_t)limits->rotation_overlap);
	wire_put_cstr(out, "rotation_max_overlap");
	wire_put_int(out, (int64_t)limits->rotation_max_overlap);
}

static void answer(struct call *call, const struct listing *listing)
{
	const struct actor *actor = call->actor;
	uint32_t tenant = actor != NULL ? actor->tenant : STORE_TENANT_DEFAULT;
	bool bound = actor != NULL && actor->principal_len > 0;
	bool by_key = actor != NULL && !actor->impersonated;
	struct wire_buf *out = call->out;
	char name[ACTOR_NAME];

	actor_name(call, name);
	wire_put_result(out, call->id);
	wire_put_map(out, 5 + (bound ? 1 : 0) + (by_key ? 1 : 0) + (listing->more ? 1 : 0));
	put_pair(out, "actor", pol_str_of(name));
	wire_put_cstr(out, "everything");
	wire_put_bool(out, actor_is_superuser(call));
	put_pair(out, "tenant", subject_tenant_name(call, tenant));
	if (bound) {
		put_pair(out, "principal",
			(struct pol_str){ actor->principal, actor->principal_len });
	}
	if (by_key) {
		put_pair(out, "key", (struct pol_str){ actor->kid, STORE_KID });
	}
	put_limits(out, pol_snapshot_limits(call->snapshot));
	put_items(out, listing);
	if (listing->more) {
		wire_put_cstr(out, "more");
		wire_put_bool(out, true);
	}
}

static int whoami(struct call *call)
{
	struct listing listing = { .call = call };
	int r = actor_is_superuser(call) ? 0 : list_nodes(&listing);

	if (r == 0) {
		answer(call, &listing);
	}
	return r;
}

const struct method whoami_methods[] = {
	{ "whoami", NULL, 0, METHOD_MANAGES | METHOD_TOKEN | METHOD_ANY_AGE, whoami },
};
const size_t whoami_method_count = sizeof whoami_methods / sizeof whoami_methods[0];

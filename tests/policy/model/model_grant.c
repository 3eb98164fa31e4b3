/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <string.h>

bool has(const struct set *set, unsigned permission)
{
	return (set->words[permission / 64] >> permission % 64 & 1) != 0;
}

static void put(struct set *set, unsigned permission)
{
	set->words[permission / 64] |= UINT64_C(1) << permission % 64;
}

/* --- grants ----------------------------------------------------------------------------------- */

bool stands_for(const struct policy *policy, const char *verb, unsigned permission)
{
	const struct permission *one = &policy->permissions[permission];

	return strcmp(verb, one->verb) == 0 ||
	       strcmp(verb, policy->nodes[one->node].actions[one->action].name) == 0;
}

static void join(struct route *route, const struct route *more)
{
	for (unsigned i = 0; i < more->count; i++) {
		route->segments[route->count++] = more->segments[i];
	}
}

bool spread(const struct pattern *pattern, unsigned number, struct route *out)
{
	*out = pattern->head;
	if (pattern->suffix_count == 0) {
		return number == 0;
	}
	for (unsigned i = 0; i < pattern->suffix_count; i++) {
		const struct suffix *suffix = &pattern->suffixes[i];
		unsigned count = suffix->inner_count > 0 ? suffix->inner_count : 1;

		if (number >= count) {
			number -= count;
			continue;
		}
		join(out, &suffix->route);
		if (suffix->inner_count > 0) {
			join(out, &suffix->inner[number]);
		}
		return true;
	}
	return false;
}

static bool segment_matches(const struct segment *segment, const struct segment *declared)
{
	if (segment->kind == STAR) {
		return declared->kind != REST;
	}
	return segment->kind == declared->kind && strcmp(segment->name, declared->name) == 0;
}

static bool route_matches(const struct policy *policy, const struct route *route, unsigned node)
{
	const struct segment *chain[DEPTH + 1];
	unsigned depth = policy->nodes[node].depth;

	for (unsigned i = depth; i > 0; i--) {
		chain[i - 1] = &policy->nodes[node].segment;
		node = (unsigned)policy->nodes[node].parent;
	}
	for (unsigned i = 0; i < route->count; i++) {
		if (route->segments[i].kind == STARSTAR) {
			return true;
		}
		if (i >= depth || !segment_matches(&route->segments[i], chain[i])) {
			return false;
		}
	}
	return depth == route->count;
}

static bool has_verb(
	const struct policy *policy, const struct selector *selector, unsigned permission)
{
	bool any = selector->all || selector->verb_count == 0;

	for (unsigned i = 0; i < selector->verb_count; i++) {
		any = any || stands_for(policy, selector->verbs[i], permission);
	}
	return any;
}

static bool is_on(const struct policy *policy, const struct pattern *pattern,
	const struct route *route, unsigned permission)
{
	unsigned node = policy->permissions[permission].node;

	return policy->nodes[node].tree == pattern->tree && route_matches(policy, route, node);
}

bool selects(const struct policy *policy, const struct selector *selector, unsigned permission)
{
	struct route route;

	if (!has_verb(policy, selector, permission)) {
		return false;
	}
	for (unsigned i = 0; i < selector->pattern_count; i++) {
		for (unsigned k = 0; spread(&selector->patterns[i], k, &route); k++) {
			if (is_on(policy, &selector->patterns[i], &route, permission)) {
				return true;
			}
		}
	}
	return selector->pattern_count == 0; /* an exception without patterns has the grant's */
}

static bool grant_selects(
	const struct policy *policy, const struct grant *grant, unsigned permission)
{
	return selects(policy, &grant->what, permission) &&
	       !(grant->except && selects(policy, &grant->less, permission));
}

/* Does each verb and each pattern of the selector find something of `within`? */
static bool each_finds(
	const struct policy *policy, const struct selector *selector, const struct set *within)
{
	struct route route;

	for (unsigned v = 0; v < selector->verb_count; v++) {
		bool any = false;

		for (unsigned p = 0; p < policy->permission_count; p++) {
			any = any || (has(within, p) && selects(policy, selector, p) &&
					     stands_for(policy, selector->verbs[v], p));
		}
		if (!any) {
			return false;
		}
	}
	for (unsigned i = 0; i < selector->pattern_count; i++) {
		for (unsigned k = 0; spread(&selector->patterns[i], k, &route); k++) {
			bool any = false;

			for (unsigned p = 0; p < policy->permission_count && !any; p++) {
				any = has(within, p) && has_verb(policy, selector, p) &&
				      is_on(policy, &selector->patterns[i], &route, p);
			}
			if (!any) {
				return false;
			}
		}
	}
	return true;
}

bool grant_is_valid(const struct policy *policy, const struct grant *grant)
{
	struct set whole = { { 0 } }, every;
	unsigned left = 0;

	memset(&every, 0xff, sizeof every);
	if (!each_finds(policy, &grant->what, &every)) {
		return false;
	}
	for (unsigned p = 0; p < policy->permission_count; p++) {
		if (selects(policy, &grant->what, p)) {
			put(&whole, p);
		}
		left += grant_selects(policy, grant, p);
	}
	return !grant->except || (left > 0 && each_finds(policy, &grant->less, &whole));
}

/* --- roles and scopes ------------------------------------------------------------------------- */

/* Does the condition hold? */
static bool holds(const struct policy *policy, const struct grant *grant)
{
	unsigned literal = grant->condition - 1;

	return grant->condition == 0 || policy->facts[literal / 2] == (literal % 2 == 0);
}

/* Adds the grants of the grantee and of all that it inherits. */
static void add_all(const struct policy *policy, const struct grantee *list,
	const struct grantee *from, struct grantee *out)
{
	for (unsigned i = 0; i < from->grant_count; i++) {
		const struct grant *grant = &from->grants[i];

		for (unsigned p = 0; p < policy->permission_count; p++) {
			if (holds(policy, grant) && grant_selects(policy, grant, p)) {
				put(grant->deny ? &out->deny : &out->allow, p);
			}
		}
	}
	for (unsigned i = 0; i < from->parent_count; i++) {
		add_all(policy, list, &list[from->parents[i]], out);
	}
}

void model_finish(struct policy *policy)
{
	for (unsigned i = 0; i < policy->role_count; i++) {
		add_all(policy, policy->roles, &policy->roles[i], &policy->roles[i]);
	}
	for (unsigned i = 0; i < policy->scope_count; i++) {
		add_all(policy, policy->scopes, &policy->scopes[i], &policy->scopes[i]);
	}
}

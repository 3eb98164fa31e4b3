/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model.h"

unsigned roll(struct dice *dice, unsigned sides)
{
	dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(dice->state >> 33) % sides;
}

bool chance(struct dice *dice, unsigned percent)
{
	return roll(dice, 100) < percent;
}

/* --- grants ----------------------------------------------------------------------------------- */

/* The segments from below `ancestor` down to `node`, some of them as wildcards. */
static void make_route(struct dice *dice, const struct policy *policy, unsigned ancestor,
	unsigned node, struct route *out)
{
	unsigned stars = chance(dice, 60) ? 0 : 50;

	out->count = policy->nodes[node].depth - policy->nodes[ancestor].depth;
	for (unsigned i = out->count; i > 0; i--) {
		const struct node *from = &policy->nodes[node];

		out->segments[i - 1] = from->segment;
		if (from->segment.kind != REST && chance(dice, stars)) {
			out->segments[i - 1].kind = STAR;
		}
		node = (unsigned)from->parent;
	}
}

/* Lets some routes without suffixes end early, in `**`. */
static void end_route(struct dice *dice, struct route *route)
{
	unsigned keep;

	if (!chance(dice, 45)) {
		return;
	}
	keep = roll(dice, route->count + 1);
	if (keep == 0 || route->segments[keep - 1].kind != REST) {
		route->segments[keep] = (struct segment){ STARSTAR, "" };
		route->count = keep + 1;
	}
}

/* A node at or below that one. */
static unsigned pick_below(struct dice *dice, const struct policy *policy, unsigned node)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		unsigned below = roll(dice, policy->node_count);

		for (int at = (int)below; at >= 0; at = policy->nodes[at].parent) {
			if (at == (int)node) {
				return below;
			}
		}
	}
	return node;
}

static void make_pattern(struct dice *dice, const struct policy *policy, struct pattern *out)
{
	unsigned node = roll(dice, policy->node_count);

	*out = (struct pattern){ .tree = policy->nodes[node].tree };
	if (policy->nodes[node].segment.kind != REST && chance(dice, 20)) {
		out->suffix_count = 1 + roll(dice, SUFFIXES);
	}
	make_route(dice, policy, out->tree, node, &out->head);
	if (out->suffix_count == 0) {
		end_route(dice, &out->head);
	}
	for (unsigned i = 0; i < out->suffix_count; i++) {
		struct suffix *suffix = &out->suffixes[i];
		unsigned below = pick_below(dice, policy, node);

		if (policy->nodes[below].segment.kind != REST && chance(dice, 30)) {
			suffix->inner_count = 1 + roll(dice, SUFFIXES);
		}
		make_route(dice, policy, node, below, &suffix->route);
		if (suffix->inner_count == 0) {
			end_route(dice, &suffix->route);
		}
		for (unsigned k = 0; k < suffix->inner_count; k++) {
			make_route(dice, policy, below, pick_below(dice, policy, below),
				&suffix->inner[k]);
			end_route(dice, &suffix->inner[k]);
		}
	}
}

static void make_verbs(
	struct dice *dice, const struct policy *policy, struct selector *out, unsigned most)
{
	for (unsigned tries = 1 + roll(dice, most); tries > 0; tries--) {
		const struct permission *one =
			&policy->permissions[roll(dice, policy->permission_count)];
		const char *verb = chance(dice, 50)
					   ? one->verb
					   : policy->nodes[one->node].actions[one->action].name;
		bool own = false;

		for (unsigned i = 0; i < out->verb_count; i++) {
			own = own || strcmp(out->verbs[i], verb) == 0;
		}
		if (!own) {
			out->verbs[out->verb_count++] = verb;
		}
	}
}

static void make_patterns(
	struct dice *dice, const struct policy *policy, struct selector *out, unsigned most)
{
	out->pattern_count = 1 + roll(dice, most);
	for (unsigned i = 0; i < out->pattern_count; i++) {
		make_pattern(dice, policy, &out->patterns[i]);
	}
}

static void make_grant(struct dice *dice, const struct policy *policy, struct grant *out)
{
	*out = (struct grant){ .deny = chance(dice, 20), .except = chance(dice, 35) };
	if (policy->conditional && chance(dice, 40)) {
		out->condition = 1 + roll(dice, 2 * FACTS);
	}
	out->what.all = chance(dice, out->except ? 70 : 35);
	if (!out->what.all) {
		make_verbs(dice, policy, &out->what, VERBS);
	}
	make_patterns(dice, policy, &out->what, chance(dice, 60) ? 1 : PATTERNS);
	if (!out->except) {
		return;
	}
	/* `except PATTERNS`, `except ACTIONS` or `except ACTIONS on PATTERNS`; ACTIONS may be
	 * `all`. */
	if (chance(dice, 60)) {
		out->less.all = chance(dice, 20);
		if (!out->less.all) {
			make_verbs(dice, policy, &out->less, 2);
		}
	}
	if (out->less.all || out->less.verb_count == 0 || chance(dice, 40)) {
		make_patterns(dice, policy, &out->less, 2);
	}
}

/* Makes number `own` of the list. It inherits some of the numbers from `first` up to its own. */
static void make_grantee(struct dice *dice, struct policy *policy, struct grantee *list,
	unsigned own, unsigned first)
{
	struct grantee *out = &list[own];
	unsigned wanted = 1 + roll(dice, GRANTS);

	for (unsigned tries = 0; tries < 40 && out->grant_count < wanted; tries++) {
		struct grant *grant = &out->grants[out->grant_count];

		make_grant(dice, policy, grant);
		if (grant_is_valid(policy, grant)) {
			out->grant_count++;
		} else if (chance(dice, 5)) {
			policy->has_fault = true;
			policy->fault = *grant;
		}
	}
	for (unsigned tries = roll(dice, PARENTS + 1); own > first && tries > 0; tries--) {
		unsigned parent = first + roll(dice, own - first);

		if (out->parent_count == 0 || out->parents[0] != parent) {
			out->parents[out->parent_count++] = parent;
		}
	}
}

void make_policy(struct dice *dice, struct policy *out)
{
	memset(out, 0, sizeof *out);
	make_trees(dice, out);
	out->conditional = chance(dice, 50);
	for (unsigned i = 0; i < FACTS; i++) {
		out->facts[i] = chance(dice, 50);
	}
	out->has_anyone = chance(dice, 50);
	out->anonymous = chance(dice, 50);
	out->role_count = 2 + roll(dice, ROLES - 1);
	out->scope_count = 1 + roll(dice, SCOPES);
	for (unsigned i = 0; i < out->role_count; i++) {
		bool anyone = i == ANYONE && out->has_anyone;

		strcpy(out->roles[i].name, anyone ? "anyone" : "r0");
		out->roles[i].name[1] += anyone ? 0 : (char)i;
		make_grantee(dice, out, out->roles, i, out->has_anyone);
	}
	for (unsigned i = 0; i < out->scope_count; i++) {
		strcpy(out->scopes[i].name, "s0");
		out->scopes[i].name[1] += (char)i;
		make_grantee(dice, out, out->scopes, i, 0);
	}
	model_finish(out);
}

/* --- subjects --------------------------------------------------------------------------------- */

enum { VALUES = 3 };
static const char *const values[VALUES] = { "7", "8", "x" };

enum { SIMILAR = 4 };
static const char *const similar[SIMILAR] = { "A", "b.", "K", "\u212a" };

void make_concrete(
	struct dice *dice, const struct policy *policy, unsigned node, struct concrete *out)
{
	unsigned depth = policy->nodes[node].depth;

	*out = (struct concrete){ .tree = policy->nodes[node].tree, .count = depth };
	for (unsigned i = depth; i > 0; i--) {
		const struct segment *segment = &policy->nodes[node].segment;

		out->segments[i - 1] =
			segment->kind == LITERAL ? segment->name : values[roll(dice, VALUES)];
		node = (unsigned)policy->nodes[node].parent;
		if (segment->kind == REST) {
			out->count = depth - 1 + roll(dice, 3);
			out->segments[depth] = values[roll(dice, VALUES)];
		}
	}
	/* A segment that only resembles a literal, or a value. */
	if (out->count > 0 && chance(dice, 4)) {
		out->segments[out->count - 1] = similar[roll(dice, SIMILAR)];
	}
	out->slash = out->count > 0 && chance(dice, 8);
}

static unsigned make_places(
	struct dice *dice, const struct policy *policy, unsigned most, struct concrete *out)
{
	unsigned count = roll(dice, most + 1);

	for (unsigned i = 0; i < count; i++) {
		make_concrete(dice, policy, roll(dice, policy->node_count), &out[i]);
		out[i].count = chance(dice, 50) ? out[i].count : roll(dice, out[i].count + 1);
		out[i].slash = out[i].slash && out[i].count > 0;
	}
	return count;
}

static void make_held(struct dice *dice, const struct policy *policy, enum by by, unsigned most,
	struct subject *out)
{
	unsigned roles = policy->role_count - policy->has_anyone;

	for (unsigned count = roll(dice, most + 1); count > 0; count--) {
		struct holding *held = &out->held[out->held_count++];

		held->by = by;
		held->role = chance(dice, 4) ? GONE : (int)(policy->has_anyone + roll(dice, roles));
		held->place_count =
			make_places(dice, policy, chance(dice, 50) ? 0 : PLACES, held->places);
	}
}

void make_subject(struct dice *dice, const struct policy *policy, struct subject *out)
{
	*out = (struct subject){ .who = (enum who)roll(dice, 16) };
	out->who = out->who > KEY_OF_SCOPES ? KEY_OF_PRINCIPAL + roll(dice, 2) : out->who;
	if (out->who != NOBODY && out->who != KEY_OF_SCOPES) {
		make_held(dice, policy, BY_ITSELF, HELD, out);
	}
	if ((out->who == PRINCIPAL || out->who == KEY_OF_PRINCIPAL) && chance(dice, 30)) {
		make_held(dice, policy, BY_EVERYONE, COMMON, out);
	}
	if (chance(dice, 30)) {
		make_held(dice, policy, BY_ANYONE, COMMON, out);
	}
	if (out->who < KEY_OF_PRINCIPAL) {
		return;
	}
	out->scope_count = out->who == KEY_OF_SCOPES || chance(dice, 40) ? 1 + roll(dice, 2) : 0;
	for (unsigned i = 0; i < out->scope_count; i++) {
		out->scopes[i] = chance(dice, 4) ? GONE : (int)roll(dice, policy->scope_count);
	}
	out->place_count = make_places(dice, policy, chance(dice, 60) ? 0 : PLACES, out->places);
}

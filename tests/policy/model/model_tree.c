/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model.h"

#define COUNT(list)      (sizeof(list) / sizeof(list)[0])
#define PICK(dice, list) ((list)[roll((dice), COUNT(list))])

static const char *const literals[] = { "a", "b", "c", "d", "e", "7", "long-name-of-a-collection",
	"f", "g", "h", "k", "m", "n", "o", "p", "q", "r", "s" };
static const char *const params[] = { "x", "y", "id" };
static const char *const names[] = { "view", "list", "edit", "create", "share" };
static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "LINK" };

static bool is_used(const struct node *node, const char *word)
{
	for (unsigned i = 0; i < node->action_count; i++) {
		const struct action *action = &node->actions[i];

		for (unsigned k = 0; k < action->method_count; k++) {
			if (strcmp(action->methods[k], word) == 0) {
				return true;
			}
		}
		if (strcmp(action->name, word) == 0) {
			return true;
		}
	}
	return false;
}

/* Adds a name alone, a name with methods, or a bare method. `plain` percent are names alone. */
static void add_action(struct dice *dice, struct node *node, unsigned plain)
{
	struct action *action = &node->actions[node->action_count];
	const char *name = chance(dice, 25) ? PICK(dice, methods) : PICK(dice, names);
	bool bare = name[0] < 'a';
	unsigned wanted = bare || chance(dice, plain) ? 0 : 1 + roll(dice, METHODS);

	if (is_used(node, name)) {
		return;
	}
	*action = (struct action){ .name = name };
	for (; wanted > 0; wanted--) {
		const char *method = PICK(dice, methods);
		bool own = false;

		for (unsigned k = 0; k < action->method_count; k++) {
			own = own || strcmp(action->methods[k], method) == 0;
		}
		if (!own && !is_used(node, method)) {
			action->methods[action->method_count++] = method;
		}
	}
	node->action_count++;
}

static int find_sibling(const struct policy *policy, unsigned parent, const struct segment *segment)
{
	for (unsigned i = parent + 1; i < policy->node_count; i++) {
		const struct node *node = &policy->nodes[i];
		bool literal = node->segment.kind == LITERAL;

		if (node->parent == (int)parent && literal == (segment->kind == LITERAL) &&
			(!literal || strcmp(node->segment.name, segment->name) == 0)) {
			return (int)i;
		}
	}
	return -1;
}

static struct node *add_node(struct policy *policy, int parent, struct segment segment)
{
	struct node *node = &policy->nodes[policy->node_count++];

	*node = (struct node){ .parent = parent, .segment = segment, .twin = -1 };
	if (parent >= 0) {
		node->tree = policy->nodes[parent].tree;
		node->depth = policy->nodes[parent].depth + 1;
	}
	return node;
}

/* Adds a child to a random node that may have one more. */
static void grow(struct dice *dice, struct policy *policy, unsigned plain)
{
	unsigned parent = roll(dice, policy->node_count);
	struct segment segment = { LITERAL, PICK(dice, literals) };
	struct node *node;
	int sibling;

	if (chance(dice, 25)) {
		segment = (struct segment){ chance(dice, 25) ? REST : PARAM, PICK(dice, params) };
	}
	sibling = find_sibling(policy, parent, &segment);
	if (sibling >= 0 || policy->nodes[parent].depth == DEPTH ||
		policy->nodes[parent].segment.kind == REST) {
		return;
	}
	node = add_node(policy, (int)parent, segment);
	for (unsigned wanted = chance(dice, 10) ? 0 : 1 + roll(dice, ACTIONS); wanted > 0;
		wanted--) {
		add_action(dice, node, plain);
	}
}

/* Adds a sibling to a leaf, declared together with it: `/a, /b { … }`. */
static void add_twin(struct dice *dice, struct policy *policy)
{
	unsigned first = roll(dice, policy->node_count);
	struct segment segment = { LITERAL, PICK(dice, literals) };
	struct node *node;

	if (policy->nodes[first].parent < 0 || policy->nodes[first].twin >= 0) {
		return;
	}
	for (unsigned i = 0; i < policy->node_count; i++) {
		if (policy->nodes[i].parent == (int)first) {
			return;
		}
	}
	if (find_sibling(policy, (unsigned)policy->nodes[first].parent, &segment) >= 0) {
		return;
	}
	node = add_node(policy, policy->nodes[first].parent, segment);
	memcpy(node->actions, policy->nodes[first].actions, sizeof node->actions);
	node->action_count = policy->nodes[first].action_count;
	node->twin = (int)first;
}

static void number(struct policy *policy)
{
	for (unsigned i = 0; i < policy->node_count; i++) {
		struct node *node = &policy->nodes[i];

		node->first = policy->permission_count;
		for (unsigned a = 0; a < node->action_count; a++) {
			const struct action *action = &node->actions[a];
			unsigned count = action->method_count > 0 ? action->method_count : 1;

			for (unsigned k = 0; k < count; k++) {
				policy->permissions[policy->permission_count++] =
					(struct permission){ i, a,
						action->method_count > 0 ? action->methods[k]
									 : action->name };
			}
		}
		node->end = policy->permission_count;
	}
}

void make_trees(struct dice *dice, struct policy *out)
{
	static const char *const trees[TREES] = { "api", "ui", "fields" };
	unsigned wanted = chance(dice, 6) ? 150 + roll(dice, NODES - 156) : 4 + roll(dice, 60);
	/* Some policies have names of one kind only, most have both. */
	unsigned plain = chance(dice, 20) ? roll(dice, 2) * 100 : 20 + roll(dice, 60);

	out->tree_count = 1 + roll(dice, TREES);
	for (unsigned i = 0; i < out->tree_count; i++) {
		out->trees[i] = trees[i];
		out->strict[i] = chance(dice, 30);
		add_node(out, -1, (struct segment){ LITERAL, "" })->tree = i;
		if (chance(dice, 20)) {
			add_action(dice, &out->nodes[i], plain);
		}
	}
	for (unsigned tries = 0; tries < 2 * wanted && out->node_count < wanted; tries++) {
		grow(dice, out, plain);
	}
	for (unsigned tries = roll(dice, 4); tries > 0; tries--) {
		add_twin(dice, out);
	}
	/* At least one action, so that something can be granted. */
	if (out->nodes[0].action_count == 0) {
		add_action(dice, &out->nodes[0], plain);
	}
	number(out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <string.h>
#include <strings.h>

/* --- paths ------------------------------------------------------------------------------------ */

static size_t trimmed(const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == '.' || text[len - 1] == ' ')) {
		len--;
	}
	return len;
}

/* Are the names equal, except for the case of letters and for dots and spaces at the end? The first
 * is ASCII; so is the other, unless it is the sign of the unit kelvin. */
static bool is_alike(const char *a, const char *b)
{
	b = strcmp(b, "\u212a") == 0 ? "k" : b;
	return trimmed(a) == trimmed(b) && strncasecmp(a, b, trimmed(a)) == 0;
}

/* The child for one segment: the literal, else the parameter, unless a literal is alike. */
static int find_child(const struct policy *policy, int parent, const char *value)
{
	int wild = -1;
	bool alike = false;

	for (unsigned i = 0; i < policy->node_count; i++) {
		const struct node *node = &policy->nodes[i];

		if (node->parent != parent) {
			continue;
		}
		if (node->segment.kind != LITERAL) {
			wild = (int)i;
		} else if (strcmp(node->segment.name, value) == 0) {
			return (int)i;
		} else {
			alike = alike || is_alike(node->segment.name, value);
		}
	}
	return alike ? -1 : wild;
}

static int find_rest(const struct policy *policy, int parent)
{
	for (unsigned i = 0; i < policy->node_count; i++) {
		if (policy->nodes[i].parent == parent && policy->nodes[i].segment.kind == REST) {
			return (int)i;
		}
	}
	return -1;
}

int model_find(const struct policy *policy, const struct concrete *path)
{
	int node = 0;

	while (policy->nodes[node].parent != -1 || policy->nodes[node].tree != path->tree) {
		node++;
	}
	for (unsigned i = 0; i < path->count && policy->nodes[node].segment.kind != REST; i++) {
		node = find_child(policy, node, path->segments[i]);
		if (node < 0) {
			return -1;
		}
	}
	if (policy->nodes[node].first == policy->nodes[node].end) {
		node = find_rest(policy, node);
	}
	if (path->slash && policy->strict[path->tree] && node >= 0 &&
		policy->nodes[node].segment.kind != REST) {
		node = find_rest(policy, node);
	}
	return node >= 0 && policy->nodes[node].first < policy->nodes[node].end ? node : -1;
}

/* --- subjects --------------------------------------------------------------------------------- */

bool is_within(const struct concrete *place, const struct concrete *path)
{
	if (place->tree != path->tree || place->count > path->count) {
		return false;
	}
	for (unsigned i = 0; i < place->count; i++) {
		if (strcmp(place->segments[i], path->segments[i]) != 0) {
			return false;
		}
	}
	return true;
}

/* What the subject's roles and scopes say of one permission at one path. */
struct said {
	bool anyone, roles, scopes, denied;
};

static void ask_role(const struct policy *policy, const struct holding *held,
	const struct concrete *path, unsigned permission, struct said *said)
{
	bool inside = held->place_count == 0;
	bool speaks = inside; /* the role has no places, or one in this tree */
	bool *allowed = held->by == BY_ANYONE ? &said->anyone : &said->roles;

	for (unsigned i = 0; i < held->place_count; i++) {
		inside = inside || is_within(&held->places[i], path);
		speaks = speaks || held->places[i].tree == path->tree;
	}
	if (held->role == GONE) {
		return;
	}
	*allowed = *allowed || (inside && has(&policy->roles[held->role].allow, permission));
	said->denied = said->denied ||
		       ((inside || !speaks) && has(&policy->roles[held->role].deny, permission));
}

static void ask_scopes(const struct policy *policy, const struct subject *subject,
	const struct concrete *path, unsigned permission, struct said *said)
{
	bool inside = subject->place_count == 0;

	said->scopes = subject->scope_count == 0 && subject->who != KEY_OF_SCOPES;
	for (unsigned i = 0; i < subject->scope_count; i++) {
		if (subject->scopes[i] != GONE) {
			const struct grantee *scope = &policy->scopes[subject->scopes[i]];

			said->scopes = said->scopes || has(&scope->allow, permission);
			said->denied = said->denied || has(&scope->deny, permission);
		}
	}
	for (unsigned i = 0; i < subject->place_count; i++) {
		inside = inside || is_within(&subject->places[i], path);
	}
	said->scopes = said->scopes && inside;
}

static struct said ask(const struct policy *policy, const struct subject *subject,
	const struct concrete *path, unsigned permission)
{
	struct said said = { 0 };

	if (policy->has_anyone) {
		said.anyone = has(&policy->roles[ANYONE].allow, permission);
		said.denied = has(&policy->roles[ANYONE].deny, permission);
	}
	ask_scopes(policy, subject, path, permission, &said);
	for (unsigned i = 0; i < subject->held_count; i++) {
		ask_role(policy, &subject->held[i], path, permission, &said);
	}
	return said;
}

bool model_allows(const struct policy *policy, const struct subject *subject,
	const struct concrete *path, unsigned permission)
{
	struct said said = ask(policy, subject, path, permission);
	bool roles = said.roles || subject->who == KEY_OF_SCOPES;

	return !said.denied && (said.anyone || (roles && said.scopes));
}

/* Does the verb stand for a permission of the node? */
static bool node_has(const struct policy *policy, const struct node *node, const char *verb)
{
	for (unsigned p = node->first; p < node->end; p++) {
		if (stands_for(policy, verb, p)) {
			return true;
		}
	}
	return false;
}

const char *model_judge(const struct policy *policy, const struct subject *subject,
	const struct concrete *path, const char *verb)
{
	int found = model_find(policy, path);
	const struct node *node = &policy->nodes[found < 0 ? 0 : found];
	struct said all = { .anyone = true, .roles = true, .scopes = true };

	if (subject->who == NOBODY && !policy->anonymous) {
		return "missing_token";
	}
	if (found < 0) {
		return "unknown_resource";
	}
	if (strcmp(verb, "HEAD") == 0 && !node_has(policy, node, "HEAD")) {
		verb = "GET";
	}
	if (!node_has(policy, node, verb)) {
		return "unknown_action";
	}
	for (unsigned p = node->first; p < node->end; p++) {
		if (stands_for(policy, verb, p)) {
			struct said said = ask(policy, subject, path, p);

			all.roles = all.roles && (said.roles || said.anyone);
			all.scopes = all.scopes && (said.scopes || said.anyone);
			all.denied = all.denied || said.denied;
		}
	}
	if (all.denied || !all.scopes) {
		return all.denied ? "denied" : "scope";
	}
	return all.roles || subject->who == KEY_OF_SCOPES ? "ok" : "role";
}

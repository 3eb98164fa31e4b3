/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "model_exam.h"
#include "policy/ask/query.h"
#include "policy/ask/show.h"

/* --- the permissions query -------------------------------------------------------------------- */

/* More than there are nodes: each place may add entries. */
enum { ENTRIES = 16 * NODES };

struct entry {
	char resource[NAME_ROOM];
	char actions[NAME_ROOM];   /* " view GET " */
	char sometimes[NAME_ROOM]; /* those on a condition */
};

struct listing {
	struct dice *dice;
	struct entry entries[ENTRIES];
	unsigned count;
	bool fresh; /* the page has no entry yet */
	bool open;  /* the facts were not stated */
};

static bool on_allowed(void *context, const struct pol_allowed *allowed)
{
	struct listing *listing = context;
	struct entry *entry = &listing->entries[listing->count];
	char *actions;
	size_t used;

	if (!listing->fresh && chance(listing->dice, 5)) {
		return false;
	}
	cr_assert_lt(listing->count, ENTRIES);
	cr_assert(listing->open || allowed->when.len == 0);
	listing->fresh = false;
	/* What is held on conditions follows as entries of the same resource. */
	if (listing->count > 0 && allowed->when.len > 0 &&
		pol_str_equal(allowed->resource, pol_str_of(entry[-1].resource))) {
		entry--;
	} else {
		listing->count++;
		snprintf(entry->resource, NAME_ROOM, "%.*s", POL_STR_ARGS(allowed->resource));
		strcpy(entry->actions, " ");
		strcpy(entry->sometimes, " ");
	}
	actions = allowed->when.len > 0 ? entry->sometimes : entry->actions;
	used = strlen(actions);
	for (size_t i = 0; i < allowed->action_count; i++) {
		used += (size_t)snprintf(actions + used, NAME_ROOM - used, "%.*s ",
			POL_STR_ARGS(allowed->actions[i]));
		cr_assert_lt(used, NAME_ROOM);
	}
	return true;
}

/* Reads all pages of one query. */
static void list(struct exam *exam, const struct pol_facts *facts, struct pol_query *query,
	struct listing *out)
{
	struct pol_query_result walked = { .more = true };

	out->count = 0;
	out->dice = &exam->dice;
	query->visit = on_allowed;
	query->context = out;
	while (walked.more) {
		out->fresh = true;
		cr_assert_eq(pol_query_permissions(exam->snapshot, facts, query, &walked), POL_OK);
		query->from = walked.next;
	}
}

/* Does one segment of an entry match segment i of the path? *out_end: nothing may follow. */
static bool segment_is_for(const struct segment *declared, const struct concrete *path, unsigned i,
	struct pol_str text, bool *out_end)
{
	char whole[64];

	*out_end = false;
	if (declared->kind == LITERAL) {
		return pol_str_equal(text, pol_str_of(declared->name));
	}
	snprintf(whole, sizeof whole, declared->kind == REST ? "{%s...}" : "{%s}", declared->name);
	if (pol_str_equal(text, pol_str_of(whole))) {
		*out_end = declared->kind == REST;
		return true;
	}
	return i < path->count && pol_str_equal(text, pol_str_of(path->segments[i]));
}

/* Does the entry's resource match the path, which leads to that node? */
static bool is_for(const struct policy *policy, unsigned number, const struct concrete *path,
	const char *resource)
{
	const struct node *node = &policy->nodes[number];
	const struct segment *chain[DEPTH + 1];
	const char *at = strchr(resource, ':') + 1;
	bool end = false;
	unsigned i = 0;

	if (!pol_str_starts(pol_str_of(resource), pol_str_of(policy->trees[node->tree])) ||
		resource[strlen(policy->trees[node->tree])] != ':') {
		return false;
	}
	for (unsigned k = node->depth, n = number; k > 0; k--) {
		chain[k - 1] = &policy->nodes[n].segment;
		n = (unsigned)policy->nodes[n].parent;
	}
	for (; at[0] == '/' && at[1] != '\0'; i++) {
		const struct segment *declared = i < node->depth ? chain[i] : &node->segment;
		struct pol_str text = { at + 1, strcspn(at + 1, "/") };

		if (end || (i >= node->depth && declared->kind != REST) ||
			!segment_is_for(declared, path, i, text, &end)) {
			return false;
		}
		at += 1 + text.len;
	}
	return node->segment.kind == REST ? end : i == node->depth;
}

/* The last entry that matches a path is the most special one, and has what is allowed there. */
static void check_path(struct exam *exam, const struct subject *subject,
	const struct listing *listing, const struct concrete *path, bool asked)
{
	const struct policy *policy = exam->policy;
	int node = model_find(policy, path);
	const struct entry *entry = NULL;

	for (unsigned i = 0; node >= 0 && i < listing->count; i++) {
		if (is_for(policy, (unsigned)node, path, listing->entries[i].resource)) {
			entry = &listing->entries[i];
		}
	}
	for (unsigned p = node < 0 ? 0 : policy->nodes[node].first;
		node >= 0 && p < policy->nodes[node].end; p++) {
		const struct permission *one = &policy->permissions[p];
		char action[64], method[64], who[1024], where[NAME_ROOM];
		bool expected = asked && model_allows(policy, subject, path, p), got;
		bool sometimes;

		snprintf(action, sizeof action, " %s ",
			policy->nodes[node].actions[one->action].name);
		snprintf(method, sizeof method, " %s ", one->verb);
		got = entry != NULL && (strstr(entry->actions, action) != NULL ||
					       strstr(entry->actions, method) != NULL);
		sometimes = entry != NULL && (strstr(entry->sometimes, action) != NULL ||
						     strstr(entry->sometimes, method) != NULL);
		if (got ? !expected : expected && !sometimes) {
			print_subject(policy, subject, who, sizeof who);
			print_concrete(policy, path, where, sizeof where);
			note_difference(exam->difference,
				2 + path->count + 4 * subject->held_count +
					4 * subject->scope_count + 2 * subject->place_count,
				"%s: the permissions of %s say '%s' of %s: '%s' of %s is %s",
				exam->label, who, entry == NULL ? "nothing" : entry->actions,
				entry == NULL ? where : entry->resource, method, where,
				expected ? "allowed" : "not allowed");
		}
	}
}

void exam_permissions(
	struct exam *exam, const struct subject *subject, const struct pol_facts *facts)
{
	const struct questions *questions = exam->questions;
	const struct concrete *at = NULL;
	static struct listing listing;
	struct pol_query query = { .tree = { 0 } };
	struct pol_facts asked = *facts;
	char text[NAME_ROOM];
	unsigned tree = TREES;

	if (chance(&exam->dice, 30)) {
		tree = roll(&exam->dice, exam->policy->tree_count);
		query.tree = pol_str_of(exam->policy->trees[tree]);
	} else if (chance(&exam->dice, 40)) {
		at = &questions->paths[roll(&exam->dice, questions->path_count)];
		at = model_find(exam->policy, at) >= 0 ? at : NULL;
	}
	if (at != NULL) {
		print_concrete(exam->policy, at, text, sizeof text);
		query.at = pol_str_of(text);
	}
	listing.open = exam->policy->conditional && chance(&exam->dice, 50);
	if (listing.open) {
		asked.given = NULL;
	}
	list(exam, &asked, &query, &listing);
	for (unsigned i = 0; i < questions->path_count; i++) {
		const struct concrete *path = &questions->paths[i];

		check_path(exam, subject, &listing, path,
			(tree == TREES || path->tree == tree) &&
				(at == NULL || is_within(at, path)));
	}
}

/* --- policy show ------------------------------------------------------------------------------ */

struct showing {
	struct exam *exam;
	unsigned role;
	unsigned nodes;
};

static void show_action(struct showing *showing, unsigned node, unsigned number,
	const struct pol_shown_action *shown)
{
	const struct policy *policy = showing->exam->policy;
	const struct grantee *role = &policy->roles[showing->role];
	const struct grantee *anyone = policy->has_anyone ? &policy->roles[ANYONE] : role;
	const struct action *action = &policy->nodes[node].actions[number];
	char methods[64] = "";
	bool allowed = true, denied = false;

	for (unsigned p = policy->nodes[node].first; p < policy->nodes[node].end; p++) {
		if (policy->permissions[p].action != number) {
			continue;
		}
		allowed = allowed && (has(&role->allow, p) || has(&anyone->allow, p));
		denied = denied || has(&role->deny, p) || has(&anyone->deny, p);
	}
	for (unsigned k = 0; k < action->method_count; k++) {
		strcat(strcat(methods, k > 0 ? " " : ""), action->methods[k]);
	}
	allowed = allowed && !denied;
	if (shown->marks.sometimes) {
		return; /* with other facts it may be another mark */
	}
	if (shown->marks.allowed != allowed ||
		(shown->marks.denied != denied && !policy->conditional) ||
		!pol_str_equal(shown->methods, pol_str_of(methods))) {
		note_difference(showing->exam->difference, 1 + policy->nodes[node].depth,
			"%s: policy show of %s has %s on %s as %s, denied %s, with '%.*s'",
			showing->exam->label, role->name, action->name,
			showing->exam->questions->names[node],
			shown->marks.allowed ? "allowed" : "not allowed",
			shown->marks.denied ? "yes" : "no", POL_STR_ARGS(shown->methods));
	}
}

static bool on_shown(void *context, const struct pol_shown *shown)
{
	struct showing *showing = context;
	const struct policy *policy = showing->exam->policy;
	unsigned node = 0;

	if (pol_str_equal(shown->tree, POL_STR("authz"))) {
		return true;
	}
	while (node < policy->node_count &&
		!pol_str_equal(
			shown->resource, pol_str_of(showing->exam->questions->names[node]))) {
		node++;
	}
	cr_assert_lt(node, policy->node_count, "%.*s", POL_STR_ARGS(shown->resource));
	cr_assert_eq(shown->action_count, policy->nodes[node].action_count);
	showing->nodes++;
	for (size_t i = 0; i < shown->action_count; i++) {
		unsigned number = 0;

		while (number < policy->nodes[node].action_count &&
			!pol_str_equal(shown->actions[i].name,
				pol_str_of(policy->nodes[node].actions[number].name))) {
			number++;
		}
		cr_assert_lt(number, policy->nodes[node].action_count);
		show_action(showing, node, number, &shown->actions[i]);
	}
	return true;
}

void exam_show(struct exam *exam)
{
	for (unsigned i = 0; i < exam->policy->role_count; i++) {
		struct showing showing = { .exam = exam, .role = i };
		const struct pol_show_holder holder = { .number = exam->roles[i] };

		cr_assert_eq(pol_show(exam->snapshot, (struct pol_str){ 0 }, &holder, on_shown,
				     &showing),
			POL_OK);
		cr_assert_eq(showing.nodes, exam->policy->node_count);
	}
}

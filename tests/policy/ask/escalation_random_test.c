/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/ask/escalation.h"
#include "policy/decide/subject.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/tree.h"
#include "tests/often.h"
#include "tests/policy/ask/random_grants.h"
#include "tests/policy/compiled_text.h"

/*
 * Random policies with conditions, and random changes of what a subject holds. Where a change is
 * no escalation, every request that is allowed after it was allowed before it, or is allowed to the
 * grantor or by what the grantor may grant. A peer may state facts of the subject's principal; for
 * the grantor only its record counts.
 */

#define POLICIES OFTEN(250)
#define CHANGES  24
#define REQUESTS 60

struct change {
	struct random_grants_who before, after, own;
	struct pol_grantor grantor;
	uint32_t granted;
	bool is_new; /* there was no subject before */
};

static void make_change(
	struct dice *dice, const struct pol_snapshot *snapshot, struct change *change)
{
	static const char *const roles[] = { "r1", "r2", "r3" };

	random_grants_who(dice, snapshot, &change->after);
	random_grants_who(dice, snapshot, &change->own);
	/* The same subject, which held other roles. */
	memcpy(&change->before, &change->after, sizeof change->before);
	change->before.own.items = change->before.attributes;
	change->before.facts.attributes = &change->before.own;
	random_grants_hold(dice, snapshot, &change->before);
	change->is_new = roll(dice, 4) == 0;
	/* Often the grantor has the same. */
	if (roll(dice, 2) == 0) {
		change->own.facts.key_state = POL_KEY_MISSING;
		memcpy(change->own.held, change->after.held, sizeof change->own.held);
		change->own.facts.held_count = change->after.facts.held_count;
		change->own.facts.everyone_count = change->after.facts.everyone_count;
		change->own.facts.anyone_count = change->after.facts.anyone_count;
		for (uint32_t i = 0; i < change->own.facts.held_count; i++) {
			change->own.held[i].place_count = 0;
		}
	}
	change->granted = pol_snapshot_role(snapshot, pol_str_of(PICK(dice, roles)));
	change->grantor = (struct pol_grantor){ .facts = &change->own.facts,
		.roles = &change->granted,
		.role_count = roll(dice, 4) == 0 };
}

static bool is_escalation(const struct pol_snapshot *snapshot, const struct change *change)
{
	static const struct pol_escalation_time now = { .when = INT64_MIN };
	struct pol_escalation_search *search;
	struct pol_escalation out = { .found = false };

	cr_assert_eq(pol_escalation_open(snapshot, change->is_new ? NULL : &change->before.facts,
			     &change->after.facts, &change->own.facts, &search),
		POL_OK);
	pol_escalation_find_at(search, &now, &change->grantor, &out);
	pol_escalation_close(search);
	return out.found;
}

/* One request: the permission, and what is stated of it and of its principal. */
struct request {
	struct pol_path path;
	uint32_t permission;
	struct pol_given_fact items[16], resource[16];
	struct pol_given given, without_principal;
};

static bool make_request(
	struct dice *dice, const struct pol_snapshot *snapshot, struct request *request)
{
	static const char *const paths[] = { "/loans", "/loans/7", "/loans/ann", "/loans/north",
		"/loans/7/notes/1" };
	static const char *const verbs[] = { "GET", "PUT" };
	struct pol_given stated;
	struct pol_run run;
	uint32_t node, twice;

	cr_assert_eq(pol_path_read(pol_str_of(PICK(dice, paths)), &request->path), POL_OK);
	if (pol_tree_find_requested(snapshot, 0, &request->path, &node) != POL_OK ||
		pol_tree_node_verb(snapshot, node, pol_str_of(PICK(dice, verbs)), false, &run) !=
			POL_OK) {
		return false;
	}
	request->permission = run.first;
	random_grants_give(dice, snapshot, false, request->resource, &request->without_principal);
	random_grants_give(dice, snapshot, true, request->items, &stated);
	request->given = (struct pol_given){ request->items,
		stated.count + request->without_principal.count };
	memcpy(request->items + stated.count, request->resource,
		request->without_principal.count * sizeof *request->items);
	cr_assert(pol_given_sort(request->items, request->given.count, &twice));
	return true;
}

static bool allows(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct request *request, const struct pol_given *given)
{
	struct pol_run run = { request->permission, 1 };
	struct pol_facts so = *facts;
	struct pol_truth_table table;
	struct pol_run_word at;

	so.given = given;
	cr_assert(pol_run_next(&run, &at));
	pol_truth_begin(&table, snapshot, &so, POL_STR("api"), &request->path);
	return pol_subject_allows(&so, pol_subject_decide(&table, &at)) != 0;
}

/* Does the role that may be granted allow it to the subject, wherever it may be held? */
static bool may_grant(const struct pol_snapshot *snapshot, const struct change *change,
	const struct request *request)
{
	const struct pol_grantee *role = &snapshot->roles[change->granted];
	struct pol_facts so = change->after.facts;
	struct pol_truth_table table;

	if (change->grantor.role_count == 0) {
		return false;
	}
	so.given = &request->given;
	pol_truth_begin(&table, snapshot, &so, POL_STR("api"), &request->path);
	for (uint32_t i = 0; i < role->conditional_count; i++) {
		if (!role->conditionals[i].deny &&
			pol_permset_has(&role->conditionals[i].set, request->permission) &&
			pol_truth_of(&table, role->conditionals[i].condition) == POL_TRUE) {
			return true;
		}
	}
	return pol_permset_has(&role->allow, request->permission);
}

/* Is the request one that escalates? */
static bool gains(const struct pol_snapshot *snapshot, const struct change *change,
	const struct request *request)
{
	const struct pol_facts *after = &change->after.facts;
	/* What every caller holds, which was there before a new subject. */
	const struct pol_facts nobody = {
		.held = after->held + (after->held_count - after->anyone_count),
		.held_count = after->anyone_count,
		.anyone_count = after->anyone_count,
	};

	return allows(snapshot, &change->after.facts, request, &request->given) &&
	       !(change->is_new ? allows(snapshot, &nobody, request, &request->without_principal)
				: allows(snapshot, &change->before.facts, request,
					  &request->given)) &&
	       !allows(snapshot, &change->own.facts, request, &request->without_principal) &&
	       !may_grant(snapshot, change, request);
}

Test(escalation_random, what_does_not_escalate_allows_no_request_more)
{
	static struct random_grants_text text;
	static struct change change;
	static struct request request;
	struct dice dice = { 20261201 };
	unsigned escalations = 0, seen = 0, others = 0;

	for (int i = 0; i < POLICIES; i++) {
		struct pol_snapshot *snapshot;

		random_grants_policy(&dice, &text);
		snapshot = compiled_text_good(text.bytes);
		for (int k = 0; k < CHANGES; k++) {
			bool found, gained = false;

			make_change(&dice, snapshot, &change);
			found = is_escalation(snapshot, &change);
			for (int n = 0; n < REQUESTS; n++) {
				gained = gained || (make_request(&dice, snapshot, &request) &&
							   gains(snapshot, &change, &request));
			}
			cr_assert(found || !gained, "policy %d, change %d:\n%s", i, k, text.bytes);
			escalations += found;
			seen += found && gained;
			others += !found && change.after.facts.held_count > 0;
		}
		pol_snapshot_unref(snapshot);
	}
	/* Most escalations are found, and many changes do not escalate. */
	cr_expect_gt(2 * seen, escalations);
	cr_expect_gt(others, POLICIES);
}

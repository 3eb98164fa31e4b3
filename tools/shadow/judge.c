/* SPDX-License-Identifier: Apache-2.0 */
/* Both policies' answers to one item of decisions.watch, and the statements that decided. */
#include <stdio.h>
#include <string.h>

#include "policy/ask/explain.h"
#include "tools/record.h"
#include "tools/shadow/replay.h"
#include "tools/text.h"

/* --- both answers ----------------------------------------------------------------------------- */

static bool same_charge(const struct pol_charge *a, const struct pol_charge *b)
{
	return pol_str_equal(a->name, b->name) && a->limit == b->limit && a->period == b->period &&
	       a->per == b->per && a->prefix6 == b->prefix6;
}

/* Does `all` have each charge of `some`? */
static bool has_charges(const struct charges *all, const struct charges *some)
{
	for (uint32_t i = 0; i < some->count; i++) {
		bool found = false;

		for (uint32_t k = 0; k < all->count; k++) {
			found = found || same_charge(all->items[k], some->items[i]);
		}
		if (!found) {
			return false;
		}
	}
	return true;
}

/* The candidate's answer where quotas have a say. What they have counted is known by the daemon's
 * answer alone: they passed, or one was used up. */
static void weigh_quotas(
	struct replay *candidate, const struct replay *running, bool allowed, struct pol_str reason)
{
	const struct charges *charges = &candidate->charges;

	if (!candidate->decision.allow || charges->count == 0) {
		return;
	}
	if (pol_str_equal(reason, POL_STR("quota"))) {
		if (running == NULL || !has_charges(charges, &running->charges) ||
			!has_charges(&running->charges, charges)) {
			replay_doubt(candidate, SHADOW_QUOTA);
		}
		candidate->decision.allow = false;
		candidate->decision.reason = POL_STR("quota");
	} else if (allowed && (running == NULL || !has_charges(&running->charges, charges))) {
		replay_doubt(candidate, SHADOW_QUOTA);
	}
}

/* Does the running policy give the daemon's answer from these facts? */
static bool agrees(const struct replay *running, bool allow, struct pol_str reason)
{
	if (running->doubt != SHADOW_SURE) {
		return true; /* the candidate has the same doubt */
	}
	if (pol_str_equal(reason, POL_STR("quota")) && running->charges.count > 0) {
		return running->decision.allow;
	}
	return running->decision.allow == allow && pol_str_equal(running->decision.reason, reason);
}

static const char *copy(struct pol_arena *arena, struct pol_str text)
{
	return text_escape(arena, text);
}

/* FILE:LINE. */
static const char *position_text(struct pol_arena *arena, const struct pol_position *position)
{
	char text[4352];

	if (position->line == 0) {
		return "";
	}
	snprintf(text, sizeof text, "%.*s:%u", POL_STR_ARGS(position->file),
		(unsigned)position->line);
	return copy(arena, pol_str_of(text));
}

static struct shadow_rule rule_of(
	struct pol_arena *arena, const struct pol_position *position, struct pol_str text)
{
	return (struct shadow_rule){ position_text(arena, position), copy(arena, text) };
}

/* Of a role of the store, which is in no file. */
static struct shadow_rule stored_rule(struct pol_arena *arena, struct pol_str role)
{
	char text[512];

	snprintf(text, sizeof text, "role %.*s of the store", POL_STR_ARGS(role));
	return (struct shadow_rule){ "", copy(arena, pol_str_of(text)) };
}

/* The line of the stack that denied; of an allowing one, the last that allowed. */
static const struct pol_explained_line *find_line(
	const struct pol_explanation *explanation, bool allow)
{
	const struct pol_explained_line *found = NULL;

	for (int group = 0; group < POL_GROUP_RECORD; group++) {
		const struct pol_explained_group *one = &explanation->groups[group];

		for (uint32_t i = 0; one->asked && one->passed == allow && i < one->line_count;
			i++) {
			const struct pol_explained_line *line = &one->lines[i];

			if (line->asked && (line->verdict == POL_ALLOW) == allow &&
				line->verdict != POL_IGNORE) {
				found = line;
			}
		}
	}
	return found;
}

/* What decided: a rule of a role or scope, or else a line of the stack. */
static void find_rule(struct replay *replay, struct shadow_rule *out)
{
	const struct pol_explained_line *line;
	struct pol_explanation explanation;
	struct pol_decision decision;
	bool allow = replay->decision.allow;

	*out = (struct shadow_rule){ "", "" };
	if (pol_explain(replay->snapshot, &replay->facts, replay->arena, &decision, &explanation) !=
		POL_OK) {
		return;
	}
	for (uint32_t i = 0; i < explanation.rule_count; i++) {
		const struct pol_explained_rule *rule = &explanation.rules[i];
		bool decides = rule->truth == POL_TRUE &&
			       (allow ? !rule->deny
				      : rule->deny && explanation.stage == POL_STAGE_SUBJECT);

		if (decides && rule->position.line > 0) {
			*out = rule_of(replay->arena, &rule->position, rule->text);
			return;
		}
		if (decides && rule->chain_count > 0) {
			*out = stored_rule(replay->arena, rule->chain[rule->chain_count - 1]);
			return;
		}
	}
	line = find_line(&explanation, allow);
	/* A line of the built-in stack says no more than the reason. */
	if (line != NULL && line->position.line > 0 &&
		(allow || explanation.stage != POL_STAGE_SUBJECT)) {
		*out = rule_of(replay->arena, &line->position, line->module);
	}
}

static enum shadow_change change_of(
	const struct pol_decision *candidate, bool allow, struct pol_str reason)
{
	if (candidate->allow != allow) {
		return allow ? SHADOW_LOST : SHADOW_GAINED;
	}
	return pol_str_equal(candidate->reason, reason) ? SHADOW_SAME : SHADOW_REASON;
}

static void judge(struct replay sides[SHADOW_SIDES], bool knows_running, struct shadow_verdict *out)
{
	struct replay *running = knows_running ? &sides[SHADOW_RUNNING] : NULL;
	struct replay *candidate = &sides[SHADOW_CANDIDATE];
	struct wire_cursor item = candidate->item, facts;
	bool allow = record_bool(item, "allow", false);
	struct pol_str reason = record_str(item, "reason");

	if (record_bool(item, "redacted", false)) {
		replay_doubt(candidate, SHADOW_REDACTED);
	}
	if (record_find(item, "facts", &facts)) {
		replay_doubt(candidate, SHADOW_FACTS);
	}
	if (running != NULL && !agrees(running, allow, reason)) {
		replay_doubt(candidate, SHADOW_REPLAY);
	}
	weigh_quotas(candidate, running, allow, reason);
	out->doubt = candidate->doubt;
	out->change = change_of(&candidate->decision, allow, reason);
	out->sides[SHADOW_RUNNING].allow = allow;
	out->sides[SHADOW_RUNNING].reason = copy(candidate->arena, reason);
	out->sides[SHADOW_CANDIDATE].allow = candidate->decision.allow;
	out->sides[SHADOW_CANDIDATE].reason = copy(candidate->arena, candidate->decision.reason);
	for (int side = 0; side < SHADOW_SIDES; side++) {
		out->sides[side].known = side == SHADOW_CANDIDATE || running != NULL;
		out->sides[side].rule = (struct shadow_rule){ "", "" };
		if (out->doubt == SHADOW_SURE && out->change != SHADOW_SAME &&
			out->sides[side].known) {
			find_rule(&sides[side], &out->sides[side].rule);
		}
	}
}

bool shadow_judge(struct shadow *shadow, struct wire_cursor item, struct pol_arena *arena,
	struct shadow_verdict *out)
{
	bool knows_running = shadow->is_running && record_int(item, "snapshot", 0) == shadow->as_of;
	struct replay sides[SHADOW_SIDES];

	for (int side = knows_running ? SHADOW_RUNNING : SHADOW_CANDIDATE; side < SHADOW_SIDES;
		side++) {
		replay_ask(shadow, item, side, arena, &sides[side]);
	}
	judge(sides, knows_running, out);
	return arena->status == POL_OK;
}

bool shadow_is_stale(const struct shadow *shadow, struct wire_cursor item)
{
	return record_int(item, "snapshot", 0) > shadow->as_of;
}

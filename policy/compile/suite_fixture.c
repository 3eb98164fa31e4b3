/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/suite_fixture.h"

#include "policy/decide/stack.h"
#include "policy/text/cidr.h"
#include "policy/text/nearest.h"
#include "policy/text/path.h"
#include "policy/text/timetext.h"

struct pol_fixture pol_suite_fixture_begin(void)
{
	return (struct pol_fixture){
		.key_state = POL_KEY_ACTIVE, .now = POL_NO_TIME, .peer = POL_NONE
	};
}

/* Returns the number of a role or a scope, or POL_NONE, which is reported. */
static uint32_t find_grantee(
	struct pol_suite_builder *builder, const struct pol_word *word, bool scope)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	const struct pol_names *names = scope ? &snapshot->scope_names : &snapshot->role_names;
	const struct pol_grantee *grantees = scope ? snapshot->scopes : snapshot->roles;
	uint32_t count = scope ? snapshot->scope_count : snapshot->role_count;
	uint32_t number = pol_names_find(names, word->text);
	struct pol_nearest nearest;

	if (number != POL_NONE) {
		return number;
	}
	nearest = pol_nearest_to(word->text);
	for (uint32_t i = 0; i < count; i++) {
		pol_nearest_offer(&nearest, grantees[i].name);
	}
	pol_diag_error(builder->diags, word->at, "unknown %s '%.*s'" POL_NEAREST,
		scope ? "scope" : "role", POL_STR_ARGS(word->text), POL_NEAREST_ARGS(nearest));
	return POL_NONE;
}

/* A copy in canonical spelling; empty if it is not a place, which was reported. */
static struct pol_str copy_place(struct pol_suite_builder *builder, struct pol_str place)
{
	char *buffer = pol_arena_alloc(builder->arena, place.len, 1);
	struct pol_str copy = { 0 };

	if (buffer != NULL && pol_path_place_normalise(place, buffer, &copy) != POL_OK) {
		copy = (struct pol_str){ 0 };
	}
	return copy;
}

static void copy_places(struct pol_suite_builder *builder, const struct pol_words *words,
	struct pol_str **out, uint32_t *out_count)
{
	struct pol_str *places = pol_arena_alloc(builder->arena, words->count, sizeof *places);

	for (uint32_t i = 0; places != NULL && i < words->count; i++) {
		const struct pol_word *word = &words->items[i];
		struct pol_loss loss = { 0 };

		pol_damage_of_resource(builder->snapshot, word->text, &loss);
		if (!loss.nodes &&
			pol_snapshot_check_place(builder->snapshot, word->text) != POL_OK) {
			pol_diag_error(builder->diags, word->at,
				"'%.*s' is not a place of this policy: write TREE:/path that leads "
				"to "
				"or through a declared node, without parameters and wildcards",
				POL_STR_ARGS(word->text));
		}
		places[i] = copy_place(builder, word->text);
	}
	*out = places;
	*out_count = places != NULL ? words->count : 0;
}

static int64_t read_time(struct pol_suite_builder *builder, const struct pol_word *word)
{
	int64_t time;

	if (pol_timetext_parse(word->text, &time) != POL_OK) {
		pol_diag_error(builder->diags, word->at,
			"'%.*s' is not a time: write it as in '2026-03-01T09:00:00Z'",
			POL_STR_ARGS(word->text));
		return POL_NO_TIME;
	}
	if (time <= POL_NO_TIME) {
		pol_diag_error(builder->diags, word->at, "'%.*s' is not after 1970-01-01T00:00:01Z",
			POL_STR_ARGS(word->text));
		return POL_NO_TIME;
	}
	return time;
}

static void add_held(
	struct pol_suite_builder *builder, enum pol_holder holder, struct pol_fixture_role held)
{
	struct pol_fixture_roles *roles = &builder->fixture.held[holder];
	struct pol_fixture_role *grown;

	if (roles->count == roles->capacity) {
		grown = pol_arena_grow(builder->arena, roles->items, roles->count, roles->count + 1,
			sizeof *grown, &roles->capacity);
		if (grown == NULL) {
			return;
		}
		roles->items = grown;
	}
	roles->items[roles->count++] = held;
}

static void forget_key(struct pol_fixture *fixture)
{
	fixture->keyless = true;
	fixture->scopes_given = false;
	fixture->scope_count = 0;
	fixture->key_place_count = 0;
	fixture->environment = 0;
	fixture->held[POL_HOLDER_SUBJECT].count = 0;
}

/* The roles of a line, with its places and its end, for a holder. */
static void set_held(
	struct pol_suite_builder *builder, enum pol_holder holder, const struct pol_ast_step *step)
{
	struct pol_fixture_role held = { 0 };
	struct pol_str *places;

	copy_places(builder, &step->held.places, &places, &held.held.place_count);
	held.held.places = places;
	if (step->held.until.text.ptr != NULL) {
		held.until = read_time(builder, &step->held.until);
		held.held.until = held.until;
	}
	for (uint32_t i = 0; i < step->held.roles.count; i++) {
		const struct pol_word *word = &step->held.roles.items[i];

		if (pol_str_equal(word->text, POL_STR("anyone"))) {
			pol_diag_error(builder->diags, word->at,
				"role 'anyone' is held by every caller and never given: write 'as "
				"nobody' to ask as one who holds no other");
			continue;
		}
		if (builder->fixture.held[holder].count == POL_FIXTURE_ROLES) {
			pol_diag_error(
				builder->diags, word->at, "more than %d roles", POL_FIXTURE_ROLES);
			return;
		}
		held.held.role = find_grantee(builder, word, false);
		add_held(builder, holder, held);
	}
}

static void set_roles(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	struct pol_fixture *fixture = &builder->fixture;

	if (step->kind == POL_STEP_AS_ROLE) {
		fixture->held[POL_HOLDER_SUBJECT].count = 0;
		fixture->named = false;
	}
	if (!fixture->named) {
		fixture->keyless = false;
		fixture->principal = POL_STR("test");
	}
	if (step->kind == POL_STEP_AS_ROLE || fixture->principal_state == POL_PRINCIPAL_NONE) {
		fixture->principal_state = POL_PRINCIPAL_ACTIVE;
	}
	set_held(builder, POL_HOLDER_SUBJECT, step);
}

static void set_principal(struct pol_suite_builder *builder, const struct pol_word *word)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	struct pol_fixture *fixture = &builder->fixture;
	uint32_t number;
	struct pol_nearest nearest;

	if (pol_str_equal(word->text, POL_STR("inactive"))) {
		fixture->principal_state = POL_PRINCIPAL_INACTIVE;
		return;
	}
	number = pol_names_find(&snapshot->principal_names, word->text);
	if (number == POL_NONE) {
		nearest = pol_nearest_to(word->text);
		for (uint32_t i = 0; i < snapshot->principal_count; i++) {
			pol_nearest_offer(&nearest, snapshot->principals[i].id);
		}
		pol_diag_error(builder->diags, word->at,
			"unknown principal '%.*s': a test knows those that the files declare, and "
			"'inactive'" POL_NEAREST,
			POL_STR_ARGS(word->text), POL_NEAREST_ARGS(nearest));
		return;
	}
	forget_key(fixture);
	fixture->named = true;
	fixture->declared = number;
	fixture->principal_state = POL_PRINCIPAL_ACTIVE;
	fixture->principal = snapshot->principals[number].id;
	for (uint32_t i = 0; i < snapshot->principals[number].assignment_count; i++) {
		const struct pol_assignment *assignment =
			&snapshot->principals[number].assignments[i];

		add_held(builder, POL_HOLDER_SUBJECT,
			(struct pol_fixture_role){ assignment->held, assignment->until });
	}
}

static void set_nobody(struct pol_fixture *fixture)
{
	forget_key(fixture);
	fixture->named = false;
	fixture->principal_state = POL_PRINCIPAL_NONE;
	fixture->principal = (struct pol_str){ 0 };
}

static void set_scopes(struct pol_suite_builder *builder, const struct pol_words *words)
{
	struct pol_fixture *fixture = &builder->fixture;

	fixture->scopes = pol_arena_alloc(builder->arena, words->count, sizeof *fixture->scopes);
	fixture->scope_count = fixture->scopes != NULL ? words->count : 0;
	fixture->scopes_given = true;
	fixture->keyless = false;
	for (uint32_t i = 0; i < fixture->scope_count; i++) {
		fixture->scopes[i] = find_grantee(builder, &words->items[i], true);
	}
}

static void set_key_state(struct pol_suite_builder *builder, const struct pol_word *word)
{
	static const struct {
		struct pol_str name;
		enum pol_key_state state;
	} states[] = {
		{ POL_STR_INIT("active"), POL_KEY_ACTIVE },
		{ POL_STR_INIT("inactive"), POL_KEY_INACTIVE },
		{ POL_STR_INIT("expired"), POL_KEY_EXPIRED },
		{ POL_STR_INIT("revoked"), POL_KEY_REVOKED },
		{ POL_STR_INIT("unknown"), POL_KEY_UNKNOWN },
		{ POL_STR_INIT("missing"), POL_KEY_MISSING },
	};
	struct pol_nearest nearest = pol_nearest_to(word->text);

	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		if (pol_str_equal(states[i].name, word->text)) {
			builder->fixture.key_state = states[i].state;
			builder->fixture.keyless = false;
			return;
		}
		pol_nearest_offer(&nearest, states[i].name);
	}
	pol_diag_error(builder->diags, word->at, "unknown state of a key '%.*s'" POL_NEAREST,
		POL_STR_ARGS(word->text), POL_NEAREST_ARGS(nearest));
}

static void set_environment(struct pol_suite_builder *builder, const struct pol_word *word)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	uint32_t number = pol_names_find(&snapshot->environment_names, word->text);
	struct pol_nearest nearest;

	if (number != POL_NONE) {
		builder->fixture.environment = number;
		return;
	}
	nearest = pol_nearest_to(word->text);
	for (size_t i = 0; i < snapshot->environment_count; i++) {
		pol_nearest_offer(&nearest, snapshot->environments[i].name);
	}
	pol_diag_error(builder->diags, word->at, "unknown environment '%.*s'" POL_NEAREST,
		POL_STR_ARGS(word->text), POL_NEAREST_ARGS(nearest));
}

static void set_service(struct pol_suite_builder *builder, const struct pol_word *word)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	const struct pol_stack *stack = pol_stack_find(snapshot, word->text);
	struct pol_fixture *fixture = &builder->fixture;

	fixture->service = pol_arena_copy(builder->arena, word->text);
	fixture->undeclared =
		(stack == NULL || stack->fragment) && snapshot->other == NULL ? word : NULL;
}

static void set_address(struct pol_suite_builder *builder, const struct pol_word *word)
{
	if (pol_cidr_parse_ip(word->text, &builder->fixture.ip) != POL_OK) {
		pol_diag_error(builder->diags, word->at,
			"'%.*s' is not an address: write IPv4 or IPv6", POL_STR_ARGS(word->text));
	}
}

void pol_suite_fixture_apply(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	struct pol_fixture *fixture = &builder->fixture;

	fixture->facts = NULL;
	if (step->kind == POL_STEP_AS_ROLE || step->kind == POL_STEP_AS_PRINCIPAL ||
		step->kind == POL_STEP_AS_NOBODY) {
		pol_suite_given_forget(builder);
	}
	switch (step->kind) {
	case POL_STEP_ENVIRONMENT:
		set_environment(builder, &step->word);
		break;
	case POL_STEP_SERVICE:
		set_service(builder, &step->word);
		break;
	case POL_STEP_FROM:
		set_address(builder, &step->word);
		break;
	case POL_STEP_TIME:
		fixture->time = read_time(builder, &step->word);
		fixture->now = fixture->time;
		break;
	case POL_STEP_PEER:
		fixture->peer = pol_peer_user(builder->snapshot, step->word.text);
		break;
	case POL_STEP_MFA:
		fixture->mfa_at = fixture->now;
		break;
	case POL_STEP_KEY_STATE:
		set_key_state(builder, &step->word);
		break;
	case POL_STEP_KEY_AT:
		copy_places(builder, &step->words, &fixture->key_places, &fixture->key_place_count);
		fixture->keyless = false;
		break;
	case POL_STEP_WITH_SCOPE:
		set_scopes(builder, &step->words);
		break;
	case POL_STEP_AS_NOBODY:
		set_nobody(fixture);
		break;
	case POL_STEP_AS_PRINCIPAL:
		set_principal(builder, &step->word);
		break;
	case POL_STEP_AS_ROLE:
	case POL_STEP_AND_ROLE:
		set_roles(builder, step);
		break;
	case POL_STEP_EVERYONE_ROLE:
		set_held(builder, POL_HOLDER_EVERYONE, step);
		break;
	case POL_STEP_ANYONE_ROLE:
		set_held(builder, POL_HOLDER_ANYONE, step);
		break;
	case POL_STEP_GIVEN:
		pol_suite_given_apply(builder, step);
		break;
	case POL_STEP_EXPECT:
		break;
	}
}

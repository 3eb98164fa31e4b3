/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/suite_fixture.h"

#include "policy/decide/stack.h"
#include "policy/text/cidr.h"
#include "policy/text/nearest.h"
#include "policy/text/timetext.h"

/* All of a test is of one tenant. */
#define TENANT 1

/* The number of a role or a scope, or POL_NONE after an error. */
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

static void copy_places(struct pol_suite_builder *builder, const struct pol_words *words,
	struct pol_str **out, uint32_t *out_count)
{
	struct pol_str *places = pol_arena_alloc(builder->arena, words->count, sizeof *places);

	for (uint32_t i = 0; places != NULL && i < words->count; i++) {
		const struct pol_word *word = &words->items[i];
		struct pol_loss loss = { 0 };

		pol_damage_of_place(builder->snapshot, word->text, &loss);
		if (!loss.nodes &&
			pol_snapshot_check_place(builder->snapshot, word->text) != POL_OK) {
			pol_diag_error(builder->diags, word->at,
				"'%.*s' is no place of this policy: write TREE:/path that leads to "
				"or through a declared node, without parameters and wildcards",
				POL_STR_ARGS(word->text));
		}
		places[i] = pol_arena_copy(builder->arena, word->text);
	}
	*out = places;
	*out_count = places != NULL ? words->count : 0;
}

static int64_t read_time(struct pol_suite_builder *builder, const struct pol_word *word)
{
	int64_t time;

	if (pol_timetext_parse(word->text, &time) != POL_OK) {
		pol_diag_error(builder->diags, word->at,
			"'%.*s' is no time: write it as in '2026-03-01T09:00:00Z'",
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

static void hold(struct pol_suite_builder *builder, struct pol_scene_held held)
{
	struct pol_scene *scene = &builder->scene;
	struct pol_scene_held *grown;

	if (scene->held_count == scene->held_capacity) {
		grown = pol_arena_grow(builder->arena, scene->held, scene->held_count,
			scene->held_count + 1, sizeof *grown, &scene->held_capacity);
		if (grown == NULL) {
			return;
		}
		scene->held = grown;
	}
	scene->held[scene->held_count++] = held;
}

static void forget_key(struct pol_scene *scene)
{
	scene->keyless = true;
	scene->scopes_given = false;
	scene->scope_count = 0;
	scene->key_place_count = 0;
	scene->environment = 0;
	scene->held_count = 0;
}

static void hold_roles(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	struct pol_scene *scene = &builder->scene;
	struct pol_scene_held held = { 0 };
	struct pol_str *places;

	if (step->kind == POL_STEP_AS_ROLE) {
		scene->held_count = 0;
		scene->named = false;
	}
	if (!scene->named) {
		scene->keyless = false;
		scene->principal = POL_STR("test");
	}
	if (step->kind == POL_STEP_AS_ROLE || scene->principal_state == POL_PRINCIPAL_NONE) {
		scene->principal_state = POL_PRINCIPAL_ACTIVE;
	}
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
		held.held.role = find_grantee(builder, word, false);
		hold(builder, held);
	}
}

static void be_principal(struct pol_suite_builder *builder, const struct pol_word *word)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	struct pol_scene *scene = &builder->scene;
	uint32_t number;
	struct pol_nearest nearest;

	if (pol_str_equal(word->text, POL_STR("inactive"))) {
		scene->principal_state = POL_PRINCIPAL_INACTIVE;
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
	forget_key(scene);
	scene->named = true;
	scene->declared = number;
	scene->principal_state = POL_PRINCIPAL_ACTIVE;
	scene->principal = snapshot->principals[number].id;
	for (uint32_t i = 0; i < snapshot->principals[number].assignment_count; i++) {
		const struct pol_assignment *assignment =
			&snapshot->principals[number].assignments[i];

		hold(builder, (struct pol_scene_held){ assignment->held, assignment->until });
	}
}

static void be_nobody(struct pol_scene *scene)
{
	forget_key(scene);
	scene->named = false;
	scene->principal_state = POL_PRINCIPAL_NONE;
	scene->principal = (struct pol_str){ 0 };
}

static void give_scopes(struct pol_suite_builder *builder, const struct pol_words *words)
{
	struct pol_scene *scene = &builder->scene;

	scene->scopes = pol_arena_alloc(builder->arena, words->count, sizeof *scene->scopes);
	scene->scope_count = scene->scopes != NULL ? words->count : 0;
	scene->scopes_given = true;
	scene->keyless = false;
	for (uint32_t i = 0; i < scene->scope_count; i++) {
		scene->scopes[i] = find_grantee(builder, &words->items[i], true);
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
			builder->scene.key_state = states[i].state;
			builder->scene.keyless = false;
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
		builder->scene.environment = number;
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
	struct pol_scene *scene = &builder->scene;

	scene->service = pol_arena_copy(builder->arena, word->text);
	scene->undeclared =
		(stack == NULL || stack->fragment) && snapshot->other == NULL ? word : NULL;
}

static void set_address(struct pol_suite_builder *builder, const struct pol_word *word)
{
	if (pol_cidr_parse_ip(word->text, &builder->scene.ip) != POL_OK) {
		pol_diag_error(builder->diags, word->at, "'%.*s' is no address: write IPv4 or IPv6",
			POL_STR_ARGS(word->text));
	}
}

void pol_suite_scene_take(struct pol_suite_builder *builder, const struct pol_ast_step *step)
{
	struct pol_scene *scene = &builder->scene;

	scene->facts = NULL;
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
		scene->time = read_time(builder, &step->word);
		scene->now = scene->time;
		break;
	case POL_STEP_PEER:
		scene->peer = pol_peer_user(builder->snapshot, step->word.text);
		break;
	case POL_STEP_MFA:
		scene->mfa_at = scene->now;
		break;
	case POL_STEP_KEY_STATE:
		set_key_state(builder, &step->word);
		break;
	case POL_STEP_KEY_AT:
		copy_places(builder, &step->words, &scene->key_places, &scene->key_place_count);
		scene->keyless = false;
		break;
	case POL_STEP_WITH_SCOPE:
		give_scopes(builder, &step->words);
		break;
	case POL_STEP_AS_NOBODY:
		be_nobody(scene);
		break;
	case POL_STEP_AS_PRINCIPAL:
		be_principal(builder, &step->word);
		break;
	case POL_STEP_AS_ROLE:
	case POL_STEP_AND_ROLE:
		hold_roles(builder, step);
		break;
	case POL_STEP_EXPECT:
		break;
	}
}

static void add_key(const struct pol_scene *scene, struct pol_facts *facts)
{
	facts->key = POL_STR("test");
	facts->wrong_environment = scene->environment != 0;
	facts->narrowed_by_scopes = scene->scopes_given;
	facts->narrowed = scene->scopes_given || scene->key_place_count > 0;
	facts->scopes = scene->scopes;
	facts->scope_count = scene->scope_count;
	facts->key_places = scene->key_places;
	facts->key_place_count = scene->key_place_count;
	if (scene->principal_state != POL_PRINCIPAL_NONE) {
		facts->binding = POL_BOUND_TO_PRINCIPAL;
	} else if (scene->scopes_given) {
		facts->binding = POL_BOUND_TO_SCOPES;
	} else {
		facts->binding = POL_BOUND_TO_ROLES;
	}
}

static void add_roles(struct pol_suite_builder *builder, struct pol_facts *facts)
{
	const struct pol_scene *scene = &builder->scene;
	struct pol_held *held = pol_arena_alloc(builder->arena, scene->held_count, sizeof *held);

	if (held == NULL) {
		return;
	}
	facts->held = held;
	for (size_t i = 0; i < scene->held_count; i++) {
		if (scene->held[i].until == 0 || scene->now < scene->held[i].until) {
			held[facts->held_count++] = scene->held[i].held;
		}
	}
}

/* Is it a principal's own peer that asks, with nobody else named? */
static bool is_peer(const struct pol_suite_builder *builder)
{
	const struct pol_scene *scene = &builder->scene;

	return scene->peer < builder->snapshot->principal_count &&
	       scene->principal_state != POL_PRINCIPAL_INACTIVE &&
	       (!scene->named || scene->declared == scene->peer);
}

static void add_peer(struct pol_suite_builder *builder, struct pol_facts *facts)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	const struct pol_principal *principal = &snapshot->principals[builder->scene.peer];
	struct pol_held *held = pol_arena_alloc(builder->arena, POL_PRINCIPAL_ROLES, sizeof *held);

	if (held == NULL) {
		return;
	}
	facts->by_peer = true;
	facts->declared = true;
	facts->principal_state = POL_PRINCIPAL_ACTIVE;
	facts->principal = principal->id;
	facts->tenant = TENANT;
	facts->held = held;
	facts->held_count = (uint32_t)pol_snapshot_principal_held(
		snapshot, builder->scene.peer, builder->scene.now, held);
}

const struct pol_facts *pol_suite_scene_facts(struct pol_suite_builder *builder)
{
	struct pol_scene *scene = &builder->scene;
	struct pol_facts *facts = scene->facts;

	if (facts != NULL) {
		return facts;
	}
	facts = pol_arena_alloc(builder->arena, 1, sizeof *facts);
	if (facts == NULL) {
		return NULL;
	}
	facts->key_state = scene->keyless ? POL_KEY_MISSING : scene->key_state;
	if (facts->key_state != POL_KEY_MISSING) {
		add_key(scene, facts);
	}
	/* Whose key did not come is not known, unless a trusted peer says who asks, or he is the
	 * peer himself. */
	if (facts->key_state == POL_KEY_MISSING && is_peer(builder)) {
		add_peer(builder, facts);
	} else if (facts->key_state != POL_KEY_MISSING || scene->named) {
		facts->principal_state = scene->principal_state;
		facts->principal = scene->principal;
		facts->declared = scene->named;
		facts->tenant = TENANT;
		add_roles(builder, facts);
	}
	facts->service = scene->service;
	facts->ip = scene->ip;
	facts->now = scene->now;
	facts->time = scene->time;
	facts->mfa_at = scene->mfa_at;
	scene->facts = facts;
	return facts;
}

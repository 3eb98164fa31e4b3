/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/escalation.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/call/context.h"
#include "daemon/config/config.h"
#include "daemon/decide/actor.h"
#include "daemon/manage/custody.h"
#include "tests/policy/load.h"

#define NOW 1000

static const char policy[] = "tree api { /loans { list GET, create POST, /{loan} { read GET } } }\n"
			     "scope reads { allow GET on api:/loans/** }\n"
			     "role viewer { allow GET on api:/loans/** }\n"
			     "role clerk { allow create on api:/loans }\n"
			     "role barred { deny GET on api:/loans/** }\n"
			     "role granter {\n"
			     "    allow grant on authz:/grants/roles/*\n"
			     "    allow grant on authz:/grants/scopes/*\n"
			     "}\n";

/* Who received secrets of the subject; tests/e2e and tests/attack have the real answers. */
static struct custody custody;

int __wrap_custody_of_key(struct call *call, const struct store_key *key, struct custody *out);
int __wrap_custody_of_principal(
	struct call *call, uint32_t tenant, struct pol_str id, struct custody *out);

int __wrap_custody_of_key(struct call *call, const struct store_key *key, struct custody *out)
{
	(void)call;
	(void)key;
	*out = custody;
	return 0;
}

int __wrap_custody_of_principal(
	struct call *call, uint32_t tenant, struct pol_str id, struct custody *out)
{
	(void)call;
	(void)tenant;
	(void)id;
	*out = custody;
	return 0;
}

/* There is no store, and so no tenant, no key of a principal, and nothing that all hold. */
int __wrap_store_get_tenant(struct store_read *read, uint32_t number, struct store_tenant *out);
int __wrap_store_get_tenant(struct store_read *read, uint32_t number, struct store_tenant *out)
{
	(void)read;
	(void)number;
	(void)out;
	return -ENOENT;
}

int __wrap_store_list_unrevoked(struct store_read *read, uint32_t tenant, struct pol_str principal,
	store_key_seen seen, void *context);
int __wrap_store_list_unrevoked(struct store_read *read, uint32_t tenant, struct pol_str principal,
	store_key_seen seen, void *data)
{
	(void)read;
	(void)tenant;
	(void)principal;
	(void)seen;
	(void)data;
	return 0;
}

bool __wrap_store_has_everyone(const struct store *store);
bool __wrap_store_has_everyone(const struct store *store)
{
	(void)store;
	return false;
}

static struct loaded loaded;
static const struct peer nobody = { .uid = 7 };
static const struct peer root = { .superuser = true };
static const struct peer manager = { .uid = 7, .manager = true, .manages_all = true };
static struct config config;
static const struct context context = { .config = &config };
static uint32_t random_state = 1;

static void setup(void)
{
	custody = (struct custody){ .own = false };
	loaded = load_text(policy);
	cr_assert_not_null(loaded.snapshot, "%s", loaded.said);
}

static void teardown(void)
{
	unload(&loaded);
}

TestSuite(escalation, .init = setup, .fini = teardown);

/* A principal of these roles: "viewer barred@2000 granter=authz:/grants/roles/viewer", some with an
 * end or a place. */
struct holder {
	struct store_principal principal;
	uint8_t bytes[1024];
};

static const struct store_principal *hold(struct holder *holder, const char *id, const char *roles)
{
	struct store_pack pack = { .bytes = holder->bytes, .cap = sizeof holder->bytes };
	char *words = strdup(roles), *rest = words, *word;

	while ((word = strtok_r(rest, " ", &rest)) != NULL) {
		char *end = strchr(word, '@'), *place = strchr(word, '=');
		struct store_assignment assignment = { .until = end != NULL ? atol(end + 1) : 0 };
		uint8_t bytes[64];
		struct store_pack places = { .bytes = bytes, .cap = sizeof bytes };

		if (end != NULL) {
			*end = '\0';
		}
		if (place != NULL) {
			*place = '\0';
			cr_assert(store_pack_add(&places, pol_str_of(place + 1)));
			assignment.places = store_pack_list(&places);
		}
		assignment.role = pol_str_of(word);
		cr_assert(store_assignment_add(&pack, &assignment));
	}
	free(words);
	holder->principal = (struct store_principal){
		.id = pol_str_of(id),
		.tenant = STORE_TENANT_DEFAULT,
		.assignments = store_pack_list(&pack),
	};
	return &holder->principal;
}

struct scene {
	struct call call;
	struct actor actor;
	struct holder grantor;
	struct wire_buf out;
};

/* A call of mallory, by the token of a key, who has these roles. */
static void begin(struct scene *scene, const char *roles)
{
	memset(scene, 0, sizeof *scene);
	wire_buf_init(&scene->out, WIRE_MAX_RESPONSE);
	scene->call = (struct call){
		.peer = &nobody,
		.context = &context,
		.snapshot = loaded.snapshot,
		.now = NOW,
		.random_state = &random_state,
		.out = &scene->out,
	};
	cr_assert_eq(subject_describe_principal(&scene->call,
			     hold(&scene->grantor, "mallory", roles), &scene->actor.subject),
		0);
	scene->actor.subject.facts.binding = POL_BOUND_TO_PRINCIPAL;
	scene->actor.subject.facts.key_state = POL_KEY_ACTIVE;
	scene->actor.tenant = STORE_TENANT_DEFAULT;
	memcpy(scene->actor.kid, "1mallorymall", STORE_KID);
	memcpy(scene->actor.principal, "mallory", 7);
	scene->actor.principal_len = 7;
	scene->call.actor = &scene->actor;
}

/* Ends the call; was it refused, in these words? */
static bool refused(struct scene *scene, int r, const char *words)
{
	bool said = memmem(scene->out.data, scene->out.len, words, strlen(words)) != NULL;

	cr_expect_eq(r == 1, scene->out.len > 0);
	wire_buf_finish(&scene->out);
	return r == 1 && said;
}

static const char beside[] = "`grant` on the role or scope would allow it";
static const char oneself[] = "no caller may grant anything to itself";
static const char received[] = "a secret that you receive counts as your own";

#define VIEWER_GRANTER "granter=authz:/grants/roles/viewer"

Test(escalation, a_principal_can_gain_what_the_grantor_has_or_may_grant)
{
	static const struct {
		const char *giver, *id, *before, *after;
		const char *words; /* of the refusal; NULL: there is none */
	} rows[] = {
		{ "viewer", "bob", "", "viewer", NULL },
		{ "clerk", "bob", "", "viewer", beside },
		{ "viewer", "bob", "", "clerk", "POST on api:/loans" },
		{ "", "bob", "", "viewer", beside },
		/* What it has already is not gained. */
		{ "", "bob", "viewer", "viewer", NULL },
		{ "", "bob", "viewer clerk", "viewer", NULL },
		{ "", "bob", "viewer", "viewer clerk", beside },
		/* A denial is removed. */
		{ "", "bob", "viewer barred", "viewer", beside },
		{ "viewer", "bob", "viewer barred", "viewer", NULL },
		/* `grant` counts for that role alone, and not for the caller itself. */
		{ VIEWER_GRANTER, "bob", "", "viewer", NULL },
		{ "granter", "bob", "", "viewer clerk", NULL },
		{ VIEWER_GRANTER, "bob", "", "clerk", beside },
		{ VIEWER_GRANTER, "bob", "", "viewer clerk", beside },
		{ "granter", "mallory", "granter", "granter viewer", oneself },
		{ "viewer", "mallory", "viewer", "viewer", NULL },
		{ "viewer", "mallory", "viewer", "viewer clerk", oneself },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct holder before, after;
		struct scene scene;
		int r;

		begin(&scene, rows[i].giver);
		r = escalation_check_principal(&scene.call,
			hold(&before, rows[i].id, rows[i].before),
			hold(&after, rows[i].id, rows[i].after));
		if (rows[i].words == NULL) {
			cr_expect_eq(r, 0, "row %zu", i);
			wire_buf_finish(&scene.out);
		} else {
			cr_expect(refused(&scene, r, rows[i].words), "row %zu: %d", i, r);
		}
	}
}

/* An assignment that ends does not hide what is gained after its end. */
Test(escalation, each_later_end_is_compared)
{
	static const struct {
		const char *giver, *before, *after;
		bool allowed;
	} rows[] = {
		{ "", "viewer@2000", "viewer@2000", true },
		{ "", "viewer@2000", "viewer@1500", true },
		{ "", "viewer@2000", "viewer", false },
		{ "", "viewer@2000", "viewer@3000", false },
		{ "", "viewer@2000 clerk@3000", "viewer@2000 clerk@3000", true },
		{ "", "viewer@2000 clerk@3000", "viewer@2000 clerk", false },
		{ "", "viewer barred", "viewer barred@2000", false },
		/* The grantor must have it at each time at which it is gained. */
		{ "viewer", "viewer@2000", "viewer", true },
		{ "viewer@1500", "viewer@2000", "viewer", false },
		{ "viewer@2500", "viewer@2000", "viewer", false },
		{ "viewer@2500", "viewer@2000", "viewer@2500", true },
		{ "viewer@2500", "", "viewer@2501", false },
		{ "viewer@1500 viewer", "viewer@2000", "viewer", true },
		{ "viewer", "", "viewer@2000", true },
		/* `grant` ends too. */
		{ "granter", "", "viewer", true },
		{ "granter@1500", "", "viewer", false },
		{ "granter@1500", "", "viewer@1500", true },
		{ "granter@1500 viewer", "", "viewer", true },
		{ "granter@1500 viewer@1200", "", "viewer@1500", true },
		{ "viewer barred", "", "viewer", false },
		{ "viewer barred@2000", "", "viewer", false },
		{ "viewer barred@2000", "", "viewer barred@2000", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct holder before, after;
		struct scene scene;
		int r;

		begin(&scene, rows[i].giver);
		r = escalation_check_principal(&scene.call, hold(&before, "bob", rows[i].before),
			hold(&after, "bob", rows[i].after));
		cr_expect_eq(r, !rows[i].allowed, "row %zu: %d", i, r);
		wire_buf_finish(&scene.out);
	}
}

/* The end of the caller's key, or of the secret that it presented. */
Test(escalation, nothing_outlasts_the_callers_credential)
{
	static const struct {
		int64_t expires_at, retires_at;
		const char *after;
		bool allowed;
	} rows[] = {
		{ 0, 0, "viewer", true },
		{ 2000, 0, "viewer", false },
		{ 2000, 0, "viewer@2000", true },
		{ 2000, 0, "viewer@2001", false },
		{ 0, 1500, "viewer", false },
		{ 0, 1500, "viewer@1500", true },
		{ 2000, 1500, "viewer@2000", false },
		{ 1500, 2000, "viewer@1500", true },
		{ 1500, 2000, "viewer@2000", false },
		/* Granted or not. */
		{ 2000, 0, "clerk", false },
		{ 2000, 0, "clerk@2000", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct holder before, after;
		struct scene scene;
		struct store_key *key = &scene.actor.subject.key;
		int r;

		begin(&scene, "viewer granter");
		key->expires_at = rows[i].expires_at;
		if (rows[i].retires_at != 0) {
			scene.actor.subject.by_other = true;
			key->rotation.other = STORE_OTHER_RETIRING;
			key->rotation.other_until = rows[i].retires_at;
		}
		r = escalation_check_principal(
			&scene.call, hold(&before, "bob", ""), hold(&after, "bob", rows[i].after));
		cr_expect_eq(r, !rows[i].allowed, "row %zu: %d", i, r);
		wire_buf_finish(&scene.out);
	}
}

Test(escalation, the_message_has_the_time_from_which_it_would_be_too_much)
{
	struct holder before, after;
	struct scene scene;

	begin(&scene, "viewer@2000");
	cr_expect(refused(&scene,
		escalation_check_principal(
			&scene.call, hold(&before, "bob", ""), hold(&after, "bob", "viewer")),
		"yourself from 1970-01-01T00:33:20Z on: GET on api:/loans"));
}

Test(escalation, grant_gives_nothing_to_a_secret_that_the_caller_received)
{
	struct holder before, after;
	struct scene scene;

	custody.own = true;
	begin(&scene, "granter");
	cr_expect(refused(&scene,
		escalation_check_principal(
			&scene.call, hold(&before, "bob", ""), hold(&after, "bob", "viewer")),
		received));
	begin(&scene, "viewer granter");
	cr_expect_eq(escalation_check_principal(
			     &scene.call, hold(&before, "bob", ""), hold(&after, "bob", "viewer")),
		0);
	wire_buf_finish(&scene.out);
}

Test(escalation, a_revived_principal_gains_all)
{
	struct holder after;
	struct scene scene;

	begin(&scene, "");
	cr_expect(refused(&scene,
		escalation_check_principal(&scene.call, NULL, hold(&after, "bob", "viewer")),
		beside));
	begin(&scene, "viewer");
	cr_expect_eq(
		escalation_check_principal(&scene.call, NULL, hold(&after, "bob", "viewer")), 0);
	wire_buf_finish(&scene.out);
}

Test(escalation, a_superuser_can_grant_anything_and_a_peer_what_the_configuration_names)
{
	static const struct peer *const exempt[] = { &root, &manager };
	struct holder after;
	struct scene scene;

	begin(&scene, "");
	scene.call.actor = NULL;
	cr_expect_eq(escalation_check_principal(&scene.call, NULL, hold(&after, "bob", "")), 0);
	cr_expect(refused(&scene,
		escalation_check_principal(&scene.call, NULL, hold(&after, "bob", "clerk")),
		beside));
	for (size_t i = 0; i < 2; i++) {
		begin(&scene, "");
		scene.call.actor = NULL;
		scene.call.peer = exempt[i];
		cr_expect_eq(
			escalation_check_principal(&scene.call, NULL, hold(&after, "bob", "clerk")),
			0);
		cr_expect_eq(scene.out.len, 0);
		wire_buf_finish(&scene.out);
		/* With a token the peer does not count. */
		begin(&scene, "");
		scene.call.peer = exempt[i];
		cr_expect(refused(&scene,
			escalation_check_principal(&scene.call, NULL, hold(&after, "bob", "clerk")),
			beside));
	}
}

/* A key of one scope. */
static struct store_key key_of(const char *kid, struct store_pack *scopes)
{
	struct store_key key = {
		.kid = { kid, STORE_KID },
		.tenant = STORE_TENANT_DEFAULT,
		.binding = POL_BOUND_TO_SCOPES,
		.flags = STORE_KEY_HAS_SCOPES,
	};

	cr_assert(store_pack_add(scopes, POL_STR("reads")));
	key.scopes = store_pack_list(scopes);
	return key;
}

Test(escalation, a_key_is_compared_by_what_it_allows)
{
	uint8_t bytes[2][64];
	struct store_pack packs[2] = { { .bytes = bytes[0], .cap = 64 },
		{ .bytes = bytes[1], .cap = 64 } };
	struct store_key other = key_of("1other1other", &packs[0]);
	struct store_key own = key_of("1mallorymall", &packs[1]);
	struct scene scene;

	begin(&scene, "viewer");
	cr_expect_eq(escalation_check_key(&scene.call, NULL, &other), 0);
	cr_expect_eq(escalation_check_key(&scene.call, &other, &other), 0);
	/* The key that the caller presented. */
	cr_expect_eq(escalation_check_key(&scene.call, &own, &own), 0);
	cr_expect(refused(&scene, escalation_check_key(&scene.call, NULL, &own), oneself));
	begin(&scene, "granter");
	cr_expect_eq(escalation_check_key(&scene.call, NULL, &other), 0);
	cr_expect(refused(&scene, escalation_check_secret(&scene.call, &other), received));
	begin(&scene, "viewer");
	cr_expect_eq(escalation_check_secret(&scene.call, &other), 0);
	cr_expect(refused(&scene, escalation_check_secret(&scene.call, &own), oneself));
	begin(&scene, "granter");
	cr_expect(refused(&scene, escalation_check_key(&scene.call, NULL, &own), oneself));
	begin(&scene, "clerk");
	cr_expect_eq(escalation_check_key(&scene.call, &other, &other), 0);
	cr_expect(refused(&scene, escalation_check_key(&scene.call, NULL, &other), beside));
}

Test(escalation, what_a_role_allows_in_addition_is_gained_by_all_holders)
{
	static const struct {
		const char *giver, *before, *after;
		bool allowed;
	} rows[] = {
		{ "viewer", NULL, "viewer", true },
		{ "clerk", NULL, "viewer", false },
		{ "granter", NULL, "viewer", false },
		/* A role has no end. */
		{ "viewer@2000", NULL, "viewer", false },
		{ "viewer@2000", "barred", NULL, false },
		{ "viewer@2000", "viewer", "viewer", true },
		{ "", "viewer", "viewer", true },
		{ "", "viewer", NULL, true },
		/* It no longer denies what it denied. */
		{ "", "barred", NULL, false },
		{ "viewer", "barred", NULL, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint32_t before = POL_NONE, after = POL_NONE;
		struct scene scene;
		int r;

		if (rows[i].before != NULL) {
			before = pol_snapshot_role(loaded.snapshot, pol_str_of(rows[i].before));
		}
		if (rows[i].after != NULL) {
			after = pol_snapshot_role(loaded.snapshot, pol_str_of(rows[i].after));
		}
		begin(&scene, rows[i].giver);
		r = escalation_check_role(&scene.call, before, loaded.snapshot, after);
		cr_expect_eq(r, !rows[i].allowed, "row %zu: %d", i, r);
		wire_buf_finish(&scene.out);
	}
}

/* A caller that gives something to all gives it to itself, so that `grant` does not help. */
Test(escalation, what_all_gain_the_caller_must_have_for_as_long)
{
	static const struct {
		const char *giver, *before, *after;
		bool allowed;
	} rows[] = {
		{ "viewer", "", "viewer", true },
		{ "clerk", "", "viewer", false },
		{ "granter", "", "viewer", false },
		{ "", "viewer", "viewer", true },
		{ "viewer@2000", "", "viewer", false },
		{ "viewer@2000", "", "viewer@2000", true },
		{ "viewer@2000", "", "viewer@2001", false },
		{ "viewer=api:/loans/7", "", "viewer", false },
		{ "viewer=api:/loans/7", "", "viewer=api:/loans/7", true },
		{ "viewer=api:/loans/7", "", "viewer=api:/loans/8", false },
		{ "viewer", "", "viewer=api:/loans/8", true },
		{ "viewer barred", "", "viewer", false },
		{ "viewer barred", "viewer barred", "viewer", false },
		{ "", "", "barred", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (int kind = 0; kind < STORE_EVERYONE_KINDS; kind++) {
			struct holder before, after;
			struct scene scene;
			int r;

			begin(&scene, rows[i].giver);
			r = escalation_check_everyone(&scene.call, (enum store_everyone)kind,
				hold(&before, "every", rows[i].before),
				hold(&after, "every", rows[i].after));
			cr_expect_eq(r, !rows[i].allowed, "row %zu, kind %d: %d", i, kind, r);
			wire_buf_finish(&scene.out);
		}
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/escalation.h"

#include "tests/policy/compiled_text.h"

static const char policy[] = "tree api {\n"
			     "  /loans { list GET, create POST\n"
			     "    /{loan} { read GET, update PUT PATCH, delete DELETE } }\n"
			     "  /files/{path...} { GET }\n"
			     "  /health { GET }\n"
			     "}\n"
			     "role anyone { allow GET on api:/health }\n"
			     "role open { allow GET on api:/health }\n"
			     "role viewer { allow GET on api:/loans/** }\n"
			     "role collector inherits viewer { allow create on api:/loans }\n"
			     "role auditor { allow GET on api:/files/{path...} }\n"
			     "role both inherits auditor, collector\n"
			     "role frozen { deny read on api:/loans/{loan} }\n"
			     "scope files { allow GET on api:/files/{path...} }\n"
			     "scope loans { allow GET on api:/loans }\n";

/* At a time before any role ends. */
static enum pol_status find(const struct pol_snapshot *snapshot, const struct pol_facts *before,
	const struct pol_facts *after, const struct pol_grantor *grantor,
	struct pol_escalation *out)
{
	static const struct pol_escalation_time always = { .when = INT64_MIN };
	struct pol_escalation_search *search;
	enum pol_status status =
		pol_escalation_open(snapshot, before, after, grantor->facts, &search);

	if (status == POL_OK) {
		pol_escalation_find_at(search, &always, grantor, out);
		pol_escalation_close(search);
	}
	return status;
}

/* A role, or two with a comma, and the place of the first. */
struct who {
	const char *roles;
	const char *at;
	const char *scope; /* of a key bound to roles */
};

struct facts {
	struct pol_facts facts;
	struct pol_held held[2];
	struct pol_str place;
	uint32_t scope;
};

static void make(const struct pol_snapshot *snapshot, const struct who *who, struct facts *out)
{
	const char *comma = who->roles != NULL ? strchr(who->roles, ',') : NULL;
	struct pol_str first = who->roles != NULL ? pol_str_of(who->roles) : POL_STR("");

	*out = (struct facts){ .facts = { .key_state = POL_KEY_ACTIVE,
				       .binding = POL_BOUND_TO_ROLES,
				       .key = POL_STR("k") } };
	if (comma != NULL) {
		first.len = (size_t)(comma - who->roles);
		out->held[1].role = pol_snapshot_role(snapshot, pol_str_of(comma + 1));
	}
	out->held[0].role = pol_snapshot_role(snapshot, first);
	out->facts.held = out->held;
	out->facts.held_count = comma != NULL ? 2 : who->roles != NULL ? 1 : 0;
	if (who->at != NULL) {
		out->place = pol_str_of(who->at);
		out->held[0].places = &out->place;
		out->held[0].place_count = 1;
	}
	if (who->scope != NULL) {
		out->scope = pol_snapshot_scope(snapshot, pol_str_of(who->scope));
		out->facts.scopes = &out->scope;
		out->facts.scope_count = 1;
		out->facts.narrowed = true;
		out->facts.narrowed_by_scopes = true;
	}
}

Test(escalation, nobody_gives_permissions_that_they_do_not_have)
{
	static const struct {
		struct who before, after, own;
		const char *found; /* NULL: nothing too much */
	} cases[] = {
		{ { 0 }, { "viewer", 0, 0 }, { "viewer", 0, 0 }, NULL },
		{ { 0 }, { "viewer", 0, 0 }, { "collector", 0, 0 }, NULL },
		{ { 0 }, { "collector", 0, 0 }, { "viewer", 0, 0 }, "POST api:/loans" },
		{ { "viewer", 0, 0 }, { "viewer", 0, 0 }, { 0 }, NULL },
		{ { 0 }, { "open", 0, 0 }, { 0 }, NULL }, /* as anybody */
		/* places */
		{ { 0 }, { "viewer", "api:/loans/7", 0 }, { "viewer", 0, 0 }, NULL },
		{ { 0 }, { "viewer", "api:/loans/7", 0 }, { "viewer", "api:/loans", 0 }, NULL },
		{ { 0 }, { "viewer", "api:/loans/7", 0 }, { "viewer", "api:/loans/7", 0 }, NULL },
		{ { 0 }, { "viewer", "api:/loans/7", 0 }, { "viewer", "api:/loans/8", 0 },
			"GET api:/loans/{loan}" },
		{ { 0 }, { "viewer", "api:/loans", 0 }, { "viewer", "api:/loans/7", 0 },
			"GET api:/loans" },
		{ { 0 }, { "viewer", 0, 0 }, { "viewer", "api:/loans", 0 }, NULL }, /* all of it */
		{ { 0 }, { "auditor", 0, 0 }, { "auditor", "api:/files/a", 0 },
			"GET api:/files/{path...}" },
		{ { 0 }, { "auditor", "api:/files/a/b", 0 }, { "auditor", "api:/files/a", 0 },
			NULL },
		/* denials */
		{ { "viewer,frozen", 0, 0 }, { "viewer", 0, 0 }, { 0 }, "GET api:/loans/{loan}" },
		{ { "viewer,frozen", 0, 0 }, { "viewer", 0, 0 }, { "viewer", 0, 0 }, NULL },
		{ { 0 }, { "viewer", 0, 0 }, { "viewer,frozen", 0, 0 }, "GET api:/loans/{loan}" },
		{ { "frozen,viewer", "api:/loans/7", 0 }, { "viewer", 0, 0 },
			{ "viewer", "api:/loans/8", 0 }, "GET api:/loans/{loan}" },
		{ { "frozen,viewer", "api:/loans/7", 0 }, { "viewer", 0, 0 },
			{ "viewer", "api:/loans/7", 0 }, NULL },
		/* narrowed */
		{ { 0 }, { "both", 0, "files" }, { "auditor", 0, 0 }, NULL },
		{ { 0 }, { "auditor", 0, 0 }, { "auditor", 0, "loans" },
			"GET api:/files/{path...}" },
	};
	struct pol_snapshot *snapshot = compiled_text_good(policy);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct facts before, after, own;
		struct pol_grantor giver = { .facts = &own.facts };
		struct pol_escalation gain = { .found = false };
		char said[512];

		make(snapshot, &cases[i].before, &before);
		make(snapshot, &cases[i].after, &after);
		make(snapshot, &cases[i].own, &own);
		cr_assert_eq(find(snapshot, &before.facts, &after.facts, &giver, &gain), POL_OK);
		snprintf(said, sizeof said, "%s %s", gain.found ? gain.action : "",
			gain.found ? gain.resource : "");
		cr_expect_str_eq(said, cases[i].found != NULL ? cases[i].found : " ",
			"case %zu: %s", i, said);
	}
	pol_snapshot_unref(snapshot);
}

Test(escalation, what_may_be_handed_out_need_not_be_held)
{
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	const struct who nobody = { 0 }, collector = { "collector", 0, 0 };
	uint32_t role = pol_snapshot_role(snapshot, POL_STR("collector"));
	uint32_t other = pol_snapshot_role(snapshot, POL_STR("auditor"));
	struct facts before, after;
	struct pol_escalation gain = { .found = false };

	make(snapshot, &nobody, &before);
	make(snapshot, &collector, &after);
	cr_assert_eq(find(snapshot, &before.facts, &after.facts,
			     &(struct pol_grantor){ .roles = &role, .role_count = 1 }, &gain),
		POL_OK);
	cr_expect_not(gain.found);
	cr_assert_eq(find(snapshot, &before.facts, &after.facts,
			     &(struct pol_grantor){ .roles = &other, .role_count = 1 }, &gain),
		POL_OK);
	cr_expect(gain.found);
	pol_snapshot_unref(snapshot);
}

Test(escalation, what_every_caller_held_before_is_no_gain)
{
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	const struct who viewer = { "viewer", 0, 0 };
	const struct pol_grantor peer = { 0 };
	struct pol_escalation gain;
	struct facts common, none;

	make(snapshot, &viewer, &common);
	common.facts.key_state = POL_KEY_MISSING;
	common.facts.binding = POL_BOUND_TO_NOTHING;
	common.facts.anyone_count = 1;
	make(snapshot, &(struct who){ 0 }, &none);
	/* A key that is revived may do what its bearer may without it. */
	cr_assert_eq(find(snapshot, NULL, &common.facts, &peer, &gain), POL_OK);
	cr_expect_not(gain.found);
	/* But the change that gives it to all is one: the grantor does not have it by that. */
	cr_assert_eq(find(snapshot, &none.facts, &common.facts, &peer, &gain), POL_OK);
	cr_expect(gain.found);
	/* Nor is a role of all principals a role of every caller. */
	common.facts.anyone_count = 0;
	common.facts.everyone_count = 1;
	common.facts.principal_state = POL_PRINCIPAL_ACTIVE;
	cr_assert_eq(find(snapshot, NULL, &common.facts, &peer, &gain), POL_OK);
	cr_expect(gain.found);
	pol_snapshot_unref(snapshot);
}

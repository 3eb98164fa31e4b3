/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/revision.h"
#include "policy/snapshot/tree.h"
#include "policy/text/path.h"
#include "tests/policy/compiled_text.h"

/* The first two lines of every policy below; its own text begins on line 3. */
#define TREES                                                                                      \
	"tree api { GET, /loans { list GET, create POST, /search { POST }, /{loan} { read GET, "   \
	"update PUT PATCH, /notes { GET, POST } } }, /files/{path...} { GET, PUT } }\ntree ui "    \
	"{ /page { view, edit } }\n"

static bool has(const struct pol_snapshot *snapshot, const struct pol_permset *set,
	const char *resource, const char *verb)
{
	struct pol_str tree;
	struct pol_str raw;
	struct pol_path path;
	struct pol_run run;
	uint32_t node;

	cr_assert(pol_path_split(pol_str_of(resource), &tree, &raw));
	cr_assert_eq(pol_path_read(raw, &path), POL_OK);
	cr_assert_eq(pol_tree_find(snapshot, pol_tree_number(snapshot, tree), &path, &node), POL_OK,
		"%s", resource);
	cr_assert_eq(pol_tree_node_verb(snapshot, node, pol_str_of(verb), false, &run), POL_OK,
		"%s %s", verb, resource);
	return pol_permset_has_all(set, run);
}

struct row {
	const char *grant;
	const char *yes[4]; /* "VERB TREE:/path" */
	const char *no[4];
};

static void check_row(const struct row *row)
{
	char text[2048];
	struct pol_snapshot *snapshot;

	snprintf(text, sizeof text, TREES "role r { %s }\n", row->grant);
	snapshot = compiled_text_good(text);
	for (int i = 0; i < 8; i++) {
		const char *line = i < 4 ? row->yes[i] : row->no[i - 4];
		char verb[32];
		const char *space = line != NULL ? strchr(line, ' ') : NULL;

		if (space == NULL) {
			continue;
		}
		snprintf(verb, sizeof verb, "%.*s", (int)(space - line), line);
		cr_expect_eq(has(snapshot, &snapshot->roles[0].allow, space + 1, verb), i < 4,
			"%s: %s", row->grant, line);
	}
	pol_snapshot_unref(snapshot);
}

Test(compile, a_grant_selects_nodes_and_no_strings)
{
	static const struct row rows[] = {
		{ "allow GET on api:/loans", { "GET api:/loans", "list api:/loans" },
			{ "GET api:/loans/7", "POST api:/loans", "GET api:/" } },
		{ "allow GET on api:/loans/**",
			{ "GET api:/loans", "GET api:/loans/7", "GET api:/loans/7/notes" },
			{ "POST api:/loans", "GET api:/", "POST api:/loans/7/notes" } },
		{ "allow all on api:/loans/*", { "POST api:/loans/search", "update api:/loans/7" },
			{ "GET api:/loans", "GET api:/loans/7/notes" } },
		{ "allow all on api:/**", { "PUT api:/files/x", "GET api:/" },
			{ "view ui:/page" } },
		{ "allow PUT on api:/loans/{loan}", { "PUT api:/loans/7" },
			{ "PATCH api:/loans/7", "update api:/loans/7" } },
		{ "allow update on api:/loans/{loan}",
			{ "PUT api:/loans/7", "PATCH api:/loans/7", "update api:/loans/7" },
			{ "GET api:/loans/7" } },
		{ "allow create, view on api:/loans, ui:/page",
			{ "POST api:/loans", "view ui:/page" },
			{ "edit ui:/page", "GET api:/loans" } },
		{ "allow GET on api:/files/{path...}", { "GET api:/files/a/b" },
			{ "PUT api:/files/a" } },
		{ "allow GET on api:/loans { /, /{loan} { /notes } }",
			{ "GET api:/loans", "GET api:/loans/7/notes" }, { "GET api:/loans/7" } },
		{ "allow POST on api:/loans/*/notes", { "POST api:/loans/7/notes" },
			{ "POST api:/loans/search" } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		check_row(&rows[i]);
	}
}

Test(compile, an_exception_takes_from_its_own_grant_alone)
{
	static const struct row rows[] = {
		{ "allow all on api:/loans/** except api:/loans/search",
			{ "POST api:/loans", "GET api:/loans/7" }, { "POST api:/loans/search" } },
		{ "allow all on api:/loans/** except POST",
			{ "GET api:/loans", "PUT api:/loans/7" },
			{ "POST api:/loans", "POST api:/loans/search",
				"POST api:/loans/7/notes" } },
		{ "allow all on api:/loans/** except update, POST on api:/loans/{loan}/**",
			{ "POST api:/loans", "GET api:/loans/7" },
			{ "PUT api:/loans/7", "POST api:/loans/7/notes" } },
		{ "allow all on api:/loans/** except all on api:/loans",
			{ "POST api:/loans/search" }, { "GET api:/loans" } },
		{ "allow GET on api:/** except api:/loans/**\nallow GET on api:/loans",
			{ "GET api:/loans", "GET api:/files/x" }, { "GET api:/loans/7" } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		check_row(&rows[i]);
	}
}

Test(compile, all_on_keys_does_not_include_granting)
{
	struct pol_snapshot *snapshot =
		compiled_text_good("role r { allow all on authz:/keys/** }\n");
	const struct pol_permset *set = &snapshot->roles[0].allow;

	cr_expect(has(snapshot, set, "authz:/keys", "create"));
	cr_expect(has(snapshot, set, "authz:/keys/x", "restore"));
	cr_expect_not(has(snapshot, set, "authz:/grants/scopes/x", "grant"));
	cr_expect_not(has(snapshot, set, "authz:/principals/x", "issue"));
	pol_snapshot_unref(snapshot);
}

Test(compile, inheritance_is_transitive_for_allows_and_denies)
{
	struct pol_snapshot *snapshot = compiled_text_good(TREES
		"role c inherits b { allow view on ui:/page }\n"
		"role b inherits a\n"
		"role a { allow GET on api:/loans/**\n deny GET on api:/loans/{loan}/notes }\n"
		"scope y includes x { allow edit on ui:/page }\n"
		"scope x { allow view on ui:/page }\n");
	const struct pol_grantee *c = &snapshot->roles[pol_snapshot_role(snapshot, POL_STR("c"))];
	const struct pol_grantee *y = &snapshot->scopes[pol_snapshot_scope(snapshot, POL_STR("y"))];

	cr_expect(has(snapshot, &c->allow, "api:/loans/7", "GET"));
	cr_expect(has(snapshot, &c->allow, "ui:/page", "view"));
	cr_expect(has(snapshot, &c->deny, "api:/loans/7/notes", "GET"));
	cr_expect(has(snapshot, &y->allow, "ui:/page", "view"));
	cr_expect_eq(pol_snapshot_role(snapshot, POL_STR("d")), POL_NONE);
	pol_snapshot_unref(snapshot);
}

struct mistake {
	const char *text; /* after TREES */
	const char *said; /* the whole output, or its beginning when this ends without a new line */
};

static void check_mistakes(const struct mistake *rows, size_t count)
{
	struct compiled_text *out = malloc(sizeof *out);

	cr_assert_not_null(out);
	for (size_t i = 0; i < count; i++) {
		char text[4096];
		const char *texts[] = { text };

		snprintf(text, sizeof text, TREES "%s\n", rows[i].text);
		compiled_text_of(out, texts, 1);
		cr_expect_eq(strncmp(out->said, rows[i].said, strlen(rows[i].said)), 0,
			"%s\nsaid: %s\nnot: %s", rows[i].text, out->said, rows[i].said);
		pol_snapshot_unref(out->snapshot);
	}
	free(out);
}

#define CHECK(rows) check_mistakes(rows, sizeof(rows) / sizeof *(rows))

Test(compile, mistakes_in_trees_show_both_places)
{
	static const struct mistake rows[] = {
		{ "tree api { /loans { GET } }",
			"error 3:21 'GET' twice in one node: a method belongs to one action\n"
			"note 1:31 first here\n" },
		{ "tree api { /loans { list DELETE } }",
			"error 3:21 action 'list' twice in one node\nnote 1:26 first here\n" },
		{ "tree api { /x { update PUT PUT } }",
			"error 3:28 'PUT' twice in one node: a method belongs to one action\n" },
		{ "tree api { /loans/{id} { DELETE } }",
			"error 3:19 a second name for one parameter: '{id}' was called '{loan}'\n"
			"note 1:" },
		{ "tree api { /loans/{id...} { DELETE } }",
			"error 3:19 a node has at most one of a parameter and a rest: '{id...}' "
			"stands beside '{loan}'\n" },
		{ "tree api { /x, /x { GET } }", "error 3:16 this list has the path twice\n" },
		{ "tree authz { /x { GET } }",
			"error 3:6 tree 'authz' is built in and cannot be declared\n" },
		{ "tree x \"a\" { GET }\ntree x \"b\" { POST }",
			"error 4:8 a second description\nnote 3:8 the first is here\n" },
	};
	CHECK(rows);
}

Test(compile, mistakes_in_grants_are_found)
{
	static const struct mistake rows[] = {
		{ "role r { allow GET on aip:/loans }",
			"error 3:23 unknown tree 'aip': did you mean 'api'?\n" },
		{ "role r { allow GET on api:/laons }",
			"error 3:28 no node 'laons' is declared here in tree 'api': did you mean "
			"'loans'?\n" },
		{ "role r { allow GET on api:/loans/{id} }",
			"error 3:34 no '{id}' here: the parameter is declared as '{loan}'\n" },
		{ "role r { allow GET on api:/loans/123456789 }",
			"error 3:34 no node '123456789' is declared here: patterns select "
			"declared nodes, and any other value is '{loan}'\n" },
		{ "role r { allow raed on api:/loans/{loan} }",
			"error 3:16 unknown action 'raed': did you mean 'read'?\n" },
		{ "role r { allow view on api:/loans }",
			"error 3:24 this selects nothing: none of its nodes has 'view'\n" },
		{ "role r { allow GET, view on api:/loans }",
			"error 3:21 'view' selects nothing: no node of these patterns has it\n" },
		{ "role r { allow GET on api:/loans, ui:/page }",
			"error 3:35 this selects nothing: none of its nodes has 'GET'\n" },
		{ "role r { allow all on api:/files }",
			"error 3:23 this selects nothing: there are no actions here\n" },
		{ "role r { allow GET on api:/** except PUT on ui:/** }",
			"error 3:45 this exception takes nothing away\n" },
		{ "role r { allow GET on api:/** except PUT }",
			"error 3:38 this exception takes nothing away: the grant has no 'PUT'\n" },
		{ "role r { allow GET on api:/** except GET }",
			"error 3:31 this exception takes everything away: nothing is left of the "
			"grant\n" },
		{ "role r { allow GET on api:/loans except api:/** }",
			"error 3:34 this exception takes everything" },
	};
	CHECK(rows);
}

Test(compile, mistakes_between_roles_are_found)
{
	static const struct mistake rows[] = {
		{ "role r { allow GET on api:/ }\nrole r { allow GET on api:/ }",
			"error 4:6 role 'r' is declared twice\nnote 3:6 role 'r' is declared "
			"here\n" },
		{ "role r { allow GET on api:/ }\nrole R { allow GET on api:/ }",
			"error 4:6 role 'R' differs from another in case alone\nnote 3:6 role 'r' "
			"is declared here\n" },
		{ "role viewer { allow GET on api:/ }\nrole r inherits veiwer",
			"error 4:17 unknown role 'veiwer': did you mean 'viewer'?\n" },
		{ "role c inherits a\nrole a inherits b\nrole b inherits c",
			"error 3:6 a circle: role 'c' inherits 'a' inherits 'b' inherits 'c'\n"
			"note 3:17 'c' inherits 'a' here\n"
			"note 4:17 'a' inherits 'b' here\n"
			"note 5:17 'b' inherits 'c' here\n" },
		{ "scope c includes c",
			"error 3:7 a circle: scope 'c' includes 'c'\nnote 3:18 'c' includes 'c' "
			"here\n" },
		{ "role anyone { allow GET on api:/ }\nrole r inherits anyone",
			"error 4:17 role 'anyone' is held by every caller and never inherited\n" },
		{ "role a { allow GET on api:/ }\nrole b { allow view on ui:/page }\n"
		  "role c inherits a, b\nrole d inherits c\nexclusive a, b",
			"error 5:6 role 'c' would hold both 'a' and 'b', which are exclusive\n"
			"note 7:11 declared exclusive here\n" },
		{ "role a { allow GET on api:/ }\nexclusive a, x",
			"error 4:14 unknown role 'x'\n" },
		{ "role anyone { allow GET on api:/ }\nrole a { allow GET on api:/loans }\n"
		  "exclusive a, anyone",
			"error 5:14 role 'anyone' is held by every caller and excludes nobody\n" },
	};
	CHECK(rows);
}

Test(compile, what_is_surely_not_meant_is_warned_of)
{
	static const struct mistake rows[] = {
		{ "role r { allow GET on api:/**\n allow GET on api:/loans }",
			"warning 4:2 another rule covers this one whole\nnote 3:10 that one\n" },
		{ "role r { allow GET on api:/loans\n allow list on api:/loans }",
			"warning 4:2 another rule covers this one whole\nnote 3:10 that one\n" },
		{ "role r {\n}", "warning 3:6 role 'r' grants nothing\n" },
		{ "role r { allow GET on api:/loans\n deny all on api:/** }",
			"warning 3:6 role 'r' grants nothing: it denies all that it allows\n" },
		{ "role r { deny all on api:/** }\nscope s { allow GET, POST on api:/loans/** }",
			"" },
	};
	CHECK(rows);
}

Test(compile, mistakes_in_settings_are_found)
{
	static const struct mistake rows[] = {
		{ "environment live prefix a__b_", "error 3:25 the underscores" },
		{ "environment live prefix ab", "error 3:25 a prefix ends in an underscore\n" },
		{ "environment live prefix a-b_", "error 3:25 a prefix is of letters" },
		{ "environment live prefix _", "error 3:25 a prefix begins with" },
		{ "environment live prefix a_\nenvironment live prefix b_",
			"error 4:13 environment 'live' is declared twice\nnote 3:13 first here\n" },
		{ "environment live prefix a_\nenvironment test prefix a_",
			"error 4:25 prefix 'a_' is that of environment 'live' already\n" },
		{ "limits {\nkey_tll 3d\n}",
			"error 4:1 unknown limit 'key_tll': did you mean 'key_ttl'?\n" },
		{ "limits {\nkey_ttl 0d\n}", "error 4:9 '0d' is not a duration" },
		{ "limits {\nkey_ttl 3w\n}", "error 4:9 '3w' is not a duration" },
		{ "limits {\nkey_ttl 3\n}", "error 4:9 '3' is not a duration" },
		{ "limits {\nkey_ttl 99999999999999999999d\n}",
			"error 4:9 '99999999999999999999d' is too large" },
		{ "limits {\nkey_ttl 999999d\n}", "error 4:9 '999999d' is too large" },
		{ "limits {\nkeys_per_principal 0\n}", "error 4:20 '0' is not a limit" },
		{ "limits {\nkeys_per_principal -1\n}", "error 4:20 '-1' is not a limit" },
		{ "limits {\nkey_ttl 3d\n}\nlimits {\nkey_ttl 3d\n}",
			"error 7:1 limit 'key_ttl' is given twice\nnote 4:1 first here\n" },
		{ "limits {\nkey_ttl 3d\nkey_max_ttl 47h\n}",
			"error 4:9 key_ttl is longer than key_max_ttl\nnote 5:13 that is here\n" },
		{ "limits {\nrotation_overlap 31d\n}",
			"error 4:18 rotation_overlap is longer than rotation_max_overlap (30d "
			"by default)\n" },
	};
	CHECK(rows);
}

Test(compile, mistakes_in_principals_are_found)
{
	static const struct mistake rows[] = {
		{ "principal inactive {\n}", "error 3:11 no principal is called 'inactive'" },
		{ "principal p {\n}\nprincipal p {\n}",
			"error 5:11 principal 'p' is declared twice\nnote 3:11 first here\n" },
		{ "principal p {\npeer user x\n}\nprincipal q {\npeer group x\npeer user x\n}",
			"error 8:11 peer user 'x' is principal 'p' already\nnote 4:11 declared "
			"here\n" },
		{ "principal p {\n role x\n}", "error 4:7 unknown role 'x'\n" },
		{ "role anyone { allow GET on api:/ }\nprincipal p {\n role anyone\n}",
			"error 5:7 role 'anyone' is held by every caller and never assigned\n" },
		{ "role a { allow GET on api:/ }\nprincipal p {\n role a until tomorrow\n}",
			"error 5:15 'tomorrow' is not a time" },
		{ "role a { allow GET on api:/ }\nprincipal p {\n role a at api:/x/y\n}",
			"error 5:12 no declared node is at 'api:/x/y'\n" },
		{ "role a { allow GET on api:/ }\nprincipal p {\n role a at aip:/loans\n}",
			"error 5:12 unknown tree 'aip': did you mean 'api'?\n" },
		{ "role a { allow GET on api:/ }\nprincipal p {\n role a at api:/loans/../x\n}",
			"error 5:12 '/loans/../x' is not a path" },
		{ "role a { allow GET on api:/ }\nprincipal p {\n role a at \"api:/loans/{id}\"\n}",
			"error 5:12 a place is concrete: write a value in place of {name}\n" },
		{ "role a { allow GET on api:/ }\nprincipal p {\n role a at \"api:/loans/*\"\n}",
			"error 5:12 a place is concrete and holds what is below it" },
		{ "role a { allow GET on api:/ }\nrole b { allow view on ui:/page }\n"
		  "exclusive a, b\nprincipal p {\n role a\n role b\n}",
			"error 8:7 principal 'p' would hold 'b' beside 'a', which are exclusive\n"
			"note 5:11 declared exclusive here\n" },
	};
	CHECK(rows);
}

Test(compile, environments_stand_in_one_file)
{
	const char *texts[] = { "environment live prefix a_\n", "environment test prefix b_\n" };
	struct compiled_text *out = malloc(sizeof *out);

	cr_assert_not_null(out);
	compiled_text_of(out, texts, 2);
	cr_expect_eq(strncmp(out->said, "error 1:13 declare all environments in one file", 47), 0,
		"%s", out->said);
	free(out);
}

Test(compile, trees_and_limits_go_on_in_another_file)
{
	const char *texts[] = { "tree api { /a { GET } }\nlimits {\nkey_ttl 3d\n}\n"
				"role r { allow GET on api:/** }\n",
		"tree api { /a { POST\n/b { GET } } }\nlimits {\nkey_max_ttl 4d\n}\n" };
	struct compiled_text *out = malloc(sizeof *out);

	cr_assert_not_null(out);
	compiled_text_of(out, texts, 2);
	cr_assert_not_null(out->snapshot, "%s", out->said);
	cr_expect(has(out->snapshot, &out->snapshot->roles[0].allow, "api:/a/b", "GET"));
	cr_expect_eq(pol_snapshot_limits(out->snapshot)->key_ttl, 3 * 86400);
	cr_expect_eq(pol_snapshot_limits(out->snapshot)->key_max_ttl, 4 * 86400);
	cr_expect_eq(pol_snapshot_limits(out->snapshot)->rotation_overlap, 86400);
	pol_snapshot_unref(out->snapshot);
	free(out);
}

Test(compile, no_file_at_all_is_an_error)
{
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	pol_diags_init(&diags, NULL, 0);
	cr_expect_eq(pol_compile(NULL, 0, NULL, &diags, &snapshot), POL_EINVALID);
	cr_expect_eq(diags.errors, 1);
	cr_expect_null(snapshot);
	pol_diags_finish(&diags);
}

Test(compile, an_empty_file_denies_everything_and_has_its_defaults)
{
	struct pol_snapshot *snapshot = compiled_text_good("");
	const struct pol_environment *environments;

	cr_assert_eq(pol_snapshot_environments(snapshot, &environments), 1);
	cr_expect(pol_str_equal(environments[0].name, POL_STR("live")));
	cr_expect(pol_str_equal(environments[0].prefix, POL_STR("ak_live_")));
	cr_expect_eq(pol_snapshot_environment(snapshot, POL_STR("live")), 0);
	cr_expect_eq(pol_snapshot_role(snapshot, POL_STR("anyone")), POL_NONE);
	cr_expect_not(pol_snapshot_role_is_anyone(snapshot, POL_NONE));
	cr_expect_eq(pol_snapshot_limits(snapshot)->rotation_max_overlap, 30 * 86400);
	pol_snapshot_unref(snapshot);
}

/* Forty lines that declare 2^40 nodes. */
Test(compile, lists_inside_lists_are_bounded)
{
	struct compiled_text *out = malloc(sizeof *out);
	char text[4096] = "tree t {\n";
	const char *texts[] = { text };

	cr_assert_not_null(out);
	for (int i = 0; i < 40; i++) {
		snprintf(text + strlen(text), sizeof text - strlen(text), "/a, /b {\n");
	}
	snprintf(text + strlen(text), sizeof text - strlen(text), "GET\n");
	for (int i = 0; i < 41; i++) {
		snprintf(text + strlen(text), sizeof text - strlen(text), "}\n");
	}
	compiled_text_of(out, texts, 1);
	cr_expect_not_null(
		strstr(out->said, "when the lists of paths are multiplied out"), "%s", out->said);
	free(out);
}

Test(compile, exclusive_roles_are_seen_through_inheritance)
{
	struct pol_snapshot *snapshot = compiled_text_good(
		TREES "role a { allow GET on api:/ }\nrole b { allow view on ui:/page }\n"
		      "role c inherits a\nrole d inherits b\nrole e inherits a\nexclusive a, b\n");
	uint32_t a = pol_snapshot_role(snapshot, POL_STR("a"));
	uint32_t c = pol_snapshot_role(snapshot, POL_STR("c"));
	uint32_t d = pol_snapshot_role(snapshot, POL_STR("d"));
	uint32_t e = pol_snapshot_role(snapshot, POL_STR("e"));

	cr_expect_eq(pol_snapshot_exclusive(snapshot, c, d), 0);
	cr_expect_eq(pol_snapshot_exclusive(snapshot, a, d), 0);
	cr_expect_eq(pol_snapshot_exclusive(snapshot, a, c), POL_NONE);
	cr_expect_eq(pol_snapshot_exclusive(snapshot, c, e), POL_NONE);
	cr_expect_eq(pol_snapshot_exclusive(snapshot, a, POL_NONE), POL_NONE);
	pol_snapshot_unref(snapshot);
}

Test(compile, a_declared_principal_holds_its_roles_until_their_time)
{
	struct pol_snapshot *snapshot = compiled_text_good(TREES
		"role a { allow GET on api:/ }\n"
		"principal p {\n role a at api:/loans/7, ui:/page until 1970-01-01T00:01:40Z\n"
		" role a\n}\n");
	uint32_t p = pol_snapshot_principal(snapshot, POL_STR("p"));
	struct pol_held held[POL_PRINCIPAL_ROLES];

	cr_assert_eq(pol_snapshot_principal_held(snapshot, p, 99, held), 2);
	cr_expect_eq(held[0].place_count, 2);
	cr_expect(pol_str_equal(held[0].places[0], POL_STR("api:/loans/7")));
	cr_assert_eq(pol_snapshot_principal_held(snapshot, p, 100, held), 1);
	cr_expect_eq(held[0].place_count, 0);
	cr_expect_eq(pol_snapshot_principal_held(snapshot, POL_NONE, 100, held), 0);
	pol_snapshot_unref(snapshot);
}

Test(compile, a_place_leads_to_or_through_a_declared_node)
{
	struct pol_snapshot *snapshot = compiled_text_good(TREES);

	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/loans/7")), POL_OK);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/")), POL_OK);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/files/a/b/c")), POL_OK);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/files")), POL_OK);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/x")), POL_ENOTFOUND);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("x:/loans")), POL_ENOTFOUND);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/Loans")), POL_ENOTFOUND);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/loans?x")), POL_EINVALID);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/a/../b")), POL_EINVALID);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("loans")), POL_EINVALID);
	pol_snapshot_unref(snapshot);
}

Test(compile, a_place_is_no_pattern)
{
	static const char *const rows[] = { "api:/loans/*", "api:/loans/**", "api:/loans/{id}",
		"api:/loans/{id}/x", "api:/files/{path...}", "api:/loans/%2A",
		"api:/loans/%7bid%7d", "api:/**", "api:/files/a/*" };
	struct pol_snapshot *snapshot = compiled_text_good(TREES);

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cr_expect_eq(pol_snapshot_check_place(snapshot, pol_str_of(rows[i])), POL_EINVALID,
			"%s", rows[i]);
	}
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/loans/*a")), POL_OK);
	cr_expect_eq(pol_snapshot_check_place(snapshot, POL_STR("api:/loans/a{b}")), POL_OK);
	pol_snapshot_unref(snapshot);
}

static void revision(char out[POL_REVISION_TEXT], const char *const *files, size_t count)
{
	struct pol_source sources[4];

	for (size_t i = 0; i < count; i++) {
		sources[i] = (struct pol_source){ pol_str_of(files[2 * i]),
			pol_str_of(files[2 * i + 1]) };
	}
	pol_revision_text(pol_revision_of(sources, count), 0, out);
}

Test(compile, a_revision_is_that_of_names_and_bytes_wherever_the_folder_lies)
{
	static const char *const here[] = { "p/a.policy", "x", "p/b/c.policy", "y" };
	static const char *const there[] = { "/etc/q/b/c.policy", "y", "/etc/q/a.policy", "x" };
	static const char *const renamed[] = { "p/a.policy", "x", "p/b/d.policy", "y" };
	static const char *const swapped[] = { "p/a.policy", "y", "p/b/c.policy", "x" };
	char a[POL_REVISION_TEXT], b[POL_REVISION_TEXT];

	revision(a, here, 2);
	revision(b, there, 2);
	cr_expect_str_eq(a, b);
	cr_expect_eq(strlen(a), 16);
	revision(b, renamed, 2);
	cr_expect_str_neq(a, b);
	revision(b, swapped, 2);
	cr_expect_str_neq(a, b);
	revision(b, here, 1);
	cr_expect_str_neq(a, b);
}

Test(compile, the_hash_is_xxh64)
{
	cr_expect_eq(pol_revision_hash64(POL_STR(""), 0), UINT64_C(0xef46db3751d8e999));
	cr_expect_eq(pol_revision_hash64(POL_STR("abc"), 0), UINT64_C(0x44bc2cf5ad770999));
}

Test(compile, a_snapshot_is_counted_and_shared)
{
	const char *text = TREES "role a { allow GET on api:/** }\nrole b inherits a\n";
	struct pol_snapshot *snapshot = compiled_text_good(text);

	cr_expect_gt(pol_snapshot_counts(snapshot).bytes, 0);
	cr_expect_eq(pol_snapshot_counts(snapshot).grants, 1);
	cr_expect_eq(pol_snapshot_counts(snapshot).roles, 2);
	pol_snapshot_ref(snapshot);
	pol_snapshot_unref(snapshot);
	pol_snapshot_unref(snapshot);
	pol_snapshot_unref(NULL);
}

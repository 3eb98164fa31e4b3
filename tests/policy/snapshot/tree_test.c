/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/tree.h"

#include <stdlib.h>

#include "tests/policy/compiled_text.h"
#include "tests/policy/load.h"

static const char text[] = "tree api {\n"
			   "  version GET\n"
			   "  /loans {\n"
			   "    list GET, create POST\n"
			   "    /search { search POST }\n"
			   "    /Old. { GET }\n"
			   "    /{loan} { read GET, update PUT PATCH, view\n"
			   "      /payments { GET } }\n"
			   "  }\n"
			   "  /admin/{path...} { GET }\n"
			   "  /files { PUT, /{path...} { GET, HEAD } }\n"
			   "  /users/active { /report { GET } }\n"
			   "  /users/{user} { GET }\n"
			   "  /a%20b { GET }\n"
			   "}\n"
			   "tree ui { /loans { view } }\n";

/* The node's declared place, or what kind of refusal. */
static const char *find(const struct pol_snapshot *snapshot, const char *tree, const char *raw)
{
	static char out[512];
	struct pol_path path;
	uint32_t node;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = 0;
	size_t used = 0;
	enum pol_status status;

	if (pol_path_read(pol_str_of(raw), &path) != POL_OK) {
		return "malformed";
	}
	status = pol_tree_find_requested(
		snapshot, pol_tree_number(snapshot, pol_str_of(tree)), &path, &node);
	if (status != POL_OK) {
		return status == POL_EINVALID ? "malformed" : "none";
	}
	for (uint32_t at = node; snapshot->nodes[at].parent != POL_NONE;
		at = snapshot->nodes[at].parent) {
		chain[depth++] = at;
	}
	used = (size_t)snprintf(out, sizeof out, "%s", depth == 0 ? "/" : "");
	while (depth > 0) {
		const struct pol_node *step = &snapshot->nodes[chain[--depth]];

		used += (size_t)snprintf(out + used, sizeof out - used,
			step->kind == POL_SEGMENT_LITERAL ? "/%.*s"
			: step->kind == POL_SEGMENT_PARAM ? "/{%.*s}"
							  : "/{%.*s...}",
			POL_STR_ARGS(step->name));
	}
	return out;
}

Test(tree, a_path_means_the_node_that_its_literals_lead_to)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);
	static const struct {
		const char *tree, *raw, *node;
	} rows[] = {
		{ "api", "/", "/" },
		{ "api", "/loans", "/loans" },
		{ "api", "/loans/", "/loans" },
		{ "api", "/loans/search", "/loans/search" },
		{ "api", "/loans/7", "/loans/{loan}" },
		{ "api", "/loans/searches", "/loans/{loan}" },
		{ "api", "/loans/7/payments", "/loans/{loan}/payments" },
		{ "api", "/loans/7/notes", "none" },
		{ "api", "/loans/search/payments", "none" }, /* no way back to {loan} */
		{ "api", "/users/active", "/users/active" },
		{ "api", "/users/active/report", "/users/active/report" },
		{ "api", "/users/bob", "/users/{user}" },
		{ "api", "/a%20b", "/a b" },
		{ "api", "/nope", "none" },
		{ "ui", "/loans", "/loans" },
		{ "ui", "/loans/7", "none" },
		{ "nope", "/loans", "none" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = find(snapshot, rows[i].tree, rows[i].raw);

		cr_expect_str_eq(got, rows[i].node, "%s: %s", rows[i].raw, got);
	}
	pol_snapshot_unref(snapshot);
}

/* The text from `begin` to the first `end` after it, without `end`; ends what it is cut from. */
static char *cut(char *from, const char *begin, const char *end)
{
	char *start = strstr(from, begin);
	char *last;

	cr_assert_not_null(start, "the page lacks '%s'", begin);
	last = strstr(start + 1, end);
	cr_assert_not_null(last, "the page has no '%s' after '%s'", end, begin);
	*last = '\0';
	return start;
}

/* Asks for every path of a row "| `/a`, `/b` | `NODE` |". */
static unsigned check_examples(const struct pol_snapshot *snapshot, char *row)
{
	char *node = strstr(row, "` | `");
	unsigned count = 0;
	char *rest = NULL;

	cr_assert_not_null(node, "no second cell: %s", row);
	*node = '\0';
	node = cut(node + 1, "`", "` |") + 1;
	for (char *word = strtok_r(row + 3, "`", &rest); word != NULL;
		word = strtok_r(NULL, "`", &rest)) {
		const char *got;

		if (strcmp(word, ", ") == 0) {
			continue;
		}
		got = find(snapshot, "api", word);
		got = strcmp(got, "malformed") == 0                       ? "malformed_path"
		      : strcmp(got, "none") == 0 || strcmp(got, "/") == 0 ? "unknown_resource"
									  : got;
		cr_expect_str_eq(got, node, "%s: the page says %s, got %s", word, node, got);
		count++;
	}
	return count;
}

Test(tree, the_examples_of_the_reference_hold)
{
	struct loaded page = load_file("policy/REFERENCE.md");
	char *all = (char *)(uintptr_t)page.sources[0].text.ptr;
	char *section = strstr(all, "\n## How a request becomes a node\n");
	struct pol_snapshot *snapshot;
	unsigned count = 0;
	char *rest = NULL;

	cr_assert_not_null(section);
	section = cut(section + 1, "\n| request | node |", "\n## ");
	snapshot = compiled_text_good(cut(all, "\n    tree api ", "\n\n"));
	for (char *line = strtok_r(section, "\n", &rest); line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "| `", 3) == 0) {
			count += check_examples(snapshot, line);
		}
	}
	cr_expect_geq(count, 70, "the page has %u examples", count);
	pol_snapshot_unref(snapshot);
	unload(&page);
}

Test(tree, a_value_similar_to_a_literal_matches_no_parameter)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);
	static const char *const refused[] = { "/loans/SEARCH", "/loans/Search", "/loans/search.",
		"/loans/search%20", "/loans/search..", "/loans/sEarch. .", "/loans/old",
		"/loans/OLD.", "/loans/Old", "/Loans", "/users/Active/report" };

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		cr_expect_str_eq(find(snapshot, "api", refused[i]), "none", "%s", refused[i]);
	}
	cr_expect_str_eq(find(snapshot, "api", "/loans/Old."), "/loans/Old.");
	cr_expect_str_eq(find(snapshot, "api", "/loans/.search"), "/loans/{loan}");
	pol_snapshot_unref(snapshot);
}

Test(tree, case_is_that_of_unicode)
{
	struct pol_snapshot *snapshot = compiled_text_good("tree api {\n"
							   "  /kiosk, /straße, /ΟΔΟΣ { GET }\n"
							   "  /{x} { GET }\n"
							   "}\n");
	/* The sign of the unit kelvin, in each spelling; a long s; a final sigma. */
	static const char *const refused[] = { "/\u212Aiosk", "/%E2%84%AAiosk", "/\u212aIO\u017fK",
		"/kio%C5%BFk", "/STRAßE", "/STRA\u1E9EE", "/οδος", "/οδοσ.", "/ΟΔΟσ%20" };

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		cr_expect_str_eq(find(snapshot, "api", refused[i]), "none", "%s", refused[i]);
	}
	cr_expect_str_eq(find(snapshot, "api", "/straße"), "/straße");
	cr_expect_str_eq(find(snapshot, "api", "/ΟΔΟΣ"), "/ΟΔΟΣ");
	cr_expect_str_eq(find(snapshot, "api", "/\u212Aiosks"), "/{x}");
	cr_expect_str_eq(find(snapshot, "api", "/strase"), "/{x}");
	pol_snapshot_unref(snapshot);
}

Test(tree, what_decoding_again_turns_into_a_sibling_is_malformed)
{
	struct pol_snapshot *snapshot =
		compiled_text_good("tree api {\n"
				   "  /users/me { GET }\n"
				   "  /users/{user} { GET, /me { GET } }\n"
				   "  /%2541, /A { GET }\n"
				   "  /logs { /today { GET }, /{path...} { GET } }\n"
				   "}\n");
	static const char *const refused[] = { "/users/%256de", "/users/%25256de", "/users/m%2565",
		"/users/%254De", "/users/me%252E", "/users/%25%36%64e", "/%2541",
		"/logs/%2574oday/x" };
	static const char *const accepted[] = { "/users/%256d", "/users/%25zz%256de",
		"/users/x%256de", "/users/x/m%2565x", "/logs/x/%2574oday" };

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		cr_expect_str_eq(find(snapshot, "api", refused[i]), "malformed", "%s", refused[i]);
	}
	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
		const char *got = find(snapshot, "api", accepted[i]);

		cr_expect_str_neq(got, "malformed", "%s", accepted[i]);
	}
	cr_expect_str_eq(find(snapshot, "api", "/users/%25zz%256de"), "/users/{user}");
	cr_expect_str_eq(find(snapshot, "api", "/users/x/%256de"), "malformed");
	pol_snapshot_unref(snapshot);
}

/* Routers that compare raw text and go back would answer with a parameter further up. */
Test(tree, an_encoded_literal_is_refused_below_a_parameter_that_was_passed)
{
	struct pol_snapshot *snapshot =
		compiled_text_good("tree api {\n"
				   "  /users/me { GET }\n"
				   "  /{section}/{page} { GET, /all { GET } }\n"
				   "}\n"
				   "tree ui { /users/me { GET } }\n");

	cr_expect_str_eq(find(snapshot, "api", "/users/me"), "/users/me");
	cr_expect_str_eq(find(snapshot, "api", "/users/%6de"), "none");
	cr_expect_str_eq(find(snapshot, "api", "/x/y/%61ll"), "/{section}/{page}/all");
	cr_expect_str_eq(find(snapshot, "ui", "/users/%6de"), "/users/me");
	pol_snapshot_unref(snapshot);
}

Test(tree, a_strict_tree_has_a_slash_at_the_end_only_in_a_rest)
{
	static const char nodes[] = "  /bank { GET, /{k} { GET } }\n"
				    "  /files/{path...} { GET }\n"
				    "  /docs { PUT, /{path...} { GET } }\n"
				    "}\n";
	static const struct {
		const char *raw, *strict, *loose;
	} rows[] = {
		{ "/", "/", "/" },
		{ "/bank", "/bank", "/bank" },
		{ "/bank/", "none", "/bank" },
		{ "/bank/?k=1", "none", "/bank" },
		{ "/bank/7", "/bank/{k}", "/bank/{k}" },
		{ "/bank/7/", "none", "/bank/{k}" },
		{ "/files", "/files/{path...}", "/files/{path...}" },
		{ "/files/", "/files/{path...}", "/files/{path...}" },
		{ "/files/a/", "/files/{path...}", "/files/{path...}" },
		{ "/docs", "/docs", "/docs" },
		{ "/docs/", "/docs/{path...}", "/docs" },
		{ "/nowhere/", "none", "none" },
	};
	char texts[2][512];
	struct pol_snapshot *strict, *loose;
	struct pol_path path;
	uint32_t node;

	snprintf(texts[0], sizeof texts[0], "tree api { strict_slash yes\n%s", nodes);
	snprintf(texts[1], sizeof texts[1], "tree api { strict_slash no\n%s", nodes);
	strict = compiled_text_good(texts[0]);
	loose = compiled_text_good(texts[1]);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cr_expect_str_eq(
			find(strict, "api", rows[i].raw), rows[i].strict, "%s", rows[i].raw);
		cr_expect_str_eq(find(loose, "api", rows[i].raw), rows[i].loose, "%s", rows[i].raw);
	}
	/* A place has no such slash: `api:/bank/` is `api:/bank`. */
	cr_assert_eq(pol_path_read(POL_STR("/bank/"), &path), POL_OK);
	cr_expect_eq(pol_tree_find(strict, 0, &path, &node), POL_OK);
	pol_snapshot_unref(strict);
	pol_snapshot_unref(loose);
}

Test(tree, a_rest_owns_its_parent_unless_that_has_permissions)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);

	cr_expect_str_eq(find(snapshot, "api", "/admin"), "/admin/{path...}");
	cr_expect_str_eq(find(snapshot, "api", "/admin/"), "/admin/{path...}");
	cr_expect_str_eq(find(snapshot, "api", "/admin/a/b/c"), "/admin/{path...}");
	cr_expect_str_eq(find(snapshot, "api", "/files"), "/files");
	cr_expect_str_eq(find(snapshot, "api", "/files/a"), "/files/{path...}");
	pol_snapshot_unref(snapshot);
}

/* Names what a verb stands for on a node: its methods or itself, or "none". */
static const char *verb(
	const struct pol_snapshot *snapshot, const char *raw, const char *word, bool http)
{
	static char out[256];
	struct pol_path path;
	struct pol_run run;
	uint32_t node;
	size_t used = 0;

	cr_assert_eq(pol_path_read(pol_str_of(raw), &path), POL_OK);
	cr_assert_eq(pol_tree_find(snapshot, 0, &path, &node), POL_OK);
	if (pol_tree_node_verb(snapshot, node, pol_str_of(word), http, &run) != POL_OK) {
		return "none";
	}
	out[0] = '\0';
	for (uint32_t i = run.first; i < run.first + run.count; i++) {
		used += (size_t)snprintf(out + used, sizeof out - used, " %.*s",
			POL_STR_ARGS(snapshot->verbs[snapshot->permissions[i]]));
	}
	return out;
}

Test(tree, a_verb_is_an_action_or_one_of_its_methods)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);

	cr_expect_str_eq(verb(snapshot, "/loans/7", "update", false), " PUT PATCH");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "PATCH", false), " PATCH");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "PATCH", true), " PATCH");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "update", true), "none");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "view", false), " view");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "view", true), "none");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "patch", true), "none");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "DELETE", true), "none");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "list", false), "none");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "", false), "none");
	cr_expect_str_eq(verb(snapshot, "/", "version", false), " GET");
	pol_snapshot_unref(snapshot);
}

Test(tree, head_goes_with_get_unless_the_node_declares_it)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);

	cr_expect_str_eq(verb(snapshot, "/loans/7", "HEAD", true), " GET");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "HEAD", false), " GET");
	cr_expect_str_eq(verb(snapshot, "/files/x", "HEAD", true), " HEAD");
	cr_expect_str_eq(verb(snapshot, "/loans/search", "HEAD", true), "none");
	cr_expect_str_eq(verb(snapshot, "/loans/7", "OPTIONS", true), "none");
	pol_snapshot_unref(snapshot);
}

Test(tree, the_managing_tree_is_built_in)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);
	static const struct {
		const char *raw;
		uint32_t count;
	} rows[] = {
		{ "/keys", 2 },
		{ "/keys/1abc", 8 },
		{ "/principals", 2 },
		{ "/principals/bob", 6 },
		{ "/roles", 2 },
		{ "/roles/x", 3 },
		{ "/assignments", 3 },
		{ "/grants/scopes/a:b", 1 },
		{ "/grants/roles/a", 1 },
		{ "/audit", 1 },
		{ "/grants", 0 },
		{ "/", 0 },
	};
	uint32_t tree = pol_tree_number(snapshot, POL_STR("authz"));

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pol_path path;
		uint32_t node;

		cr_assert_eq(pol_path_read(pol_str_of(rows[i].raw), &path), POL_OK);
		cr_assert_eq(
			pol_tree_find(snapshot, tree, &path, &node), POL_OK, "%s", rows[i].raw);
		cr_expect_eq(
			pol_tree_node_run(snapshot, node).count, rows[i].count, "%s", rows[i].raw);
	}
	pol_snapshot_unref(snapshot);
}

/* More than the first table of them has room for; one name of them in two places. */
Test(tree, every_action_of_many_is_found)
{
	enum { ACTIONS = 400, LINE = 32 };
	char *many = malloc((size_t)(ACTIONS + 4) * LINE);
	struct pol_snapshot *snapshot;
	size_t used;

	cr_assert_not_null(many);
	used = (size_t)snprintf(many, (size_t)2 * LINE, "tree t {\n\t/x { act0 GET }\n\t/y {\n");
	for (int i = 0; i < ACTIONS; i++) {
		used += (size_t)snprintf(many + used, LINE, "\t\tact%d\n", i);
	}
	snprintf(many + used, LINE, "\t}\n}\n");
	snapshot = compiled_text_good(many);
	for (int i = 0; i < ACTIONS; i++) {
		char name[LINE];
		struct pol_run run;

		snprintf(name, sizeof name, "act%d", i);
		/* The root, /x, /y. */
		cr_assert_eq(pol_tree_node_verb(snapshot, 2, pol_str_of(name), false, &run), POL_OK,
			"%s", name);
		cr_expect_eq(run.count, 1);
		cr_expect_eq(run.first, (uint32_t)i + 1, "%s", name);
		cr_expect_eq(
			pol_tree_node_verb(snapshot, 1, pol_str_of(name), false, &run) == POL_OK,
			i == 0, "%s", name);
	}
	cr_expect_eq(pol_names_find(&snapshot->verb_names, POL_STR("GET")), POL_VERB_GET);
	cr_expect_eq(pol_names_find(&snapshot->verb_names, POL_STR("HEAD")), POL_VERB_HEAD);
	pol_snapshot_unref(snapshot);
	free(many);
}

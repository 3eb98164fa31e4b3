/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/query.h"

#include "policy/decide/eval.h"
#include "tests/policy/compiled_text.h"

static const char text[] =
	"tree api {\n"
	"  /loans { list GET, create POST\n"
	"    /{loan} { read GET, update PUT PATCH, /notes { GET, POST, /{note} { GET } } } }\n"
	"  /files/{path...} { GET, PUT }\n"
	"}\n"
	"tree ui { /page \"A page\" { view \"See it\", edit } }\n"
	"role viewer { allow GET on api:/** }\n"
	"role writer { allow PUT on api:/**\n allow POST on api:/loans/** }\n"
	"role page { allow view on ui:/page\n deny edit on ui:/page }\n"
	"role mute { deny POST on api:/loans/** }\n"
	"role anyone { allow GET on api:/loans }\n"
	"scope reading { allow GET on api:/loans/** }\n"
	"stack plain {\n authenticate sufficient key\n authenticate required principal\n"
	"authorize required role\n authorize required scope\n}\n";

/* The whole walk, in as many pages as it takes. */
static enum pol_status walk(
	const struct pol_snapshot *snapshot, const struct pol_facts *facts, struct pol_query *query)
{
	struct pol_query_result walked = { .more = true };
	enum pol_status status = POL_OK;

	for (int pages = 0; status == POL_OK && walked.more; pages++) {
		cr_assert_lt(pages, 1000);
		status = pol_query_permissions(snapshot, facts, query, &walked);
		query->from = walked.next;
	}
	return status;
}

struct list {
	char said[8192];
	size_t used;
	size_t stop_after;
	size_t count;
};

static bool collect(void *context, const struct pol_allowed *allowed)
{
	struct list *list = context;

	if (list->stop_after > 0 && list->count == list->stop_after) {
		return false;
	}
	list->used += (size_t)snprintf(list->said + list->used, sizeof list->said - list->used,
		"%.*s:", POL_STR_ARGS(allowed->resource));
	for (size_t i = 0; i < allowed->action_count; i++) {
		list->used += (size_t)snprintf(list->said + list->used,
			sizeof list->said - list->used, " %.*s", POL_STR_ARGS(allowed->actions[i]));
	}
	list->used +=
		(size_t)snprintf(list->said + list->used, sizeof list->said - list->used, "\n");
	list->count++;
	return true;
}

static struct pol_held hold(
	const struct pol_snapshot *snapshot, const char *role, const struct pol_str *place)
{
	uint32_t number = pol_snapshot_role(snapshot, pol_str_of(role));

	cr_assert_neq(number, POL_NONE);
	return (struct pol_held){ number, place != NULL ? 1 : 0, place, 0 };
}

static struct pol_facts key_of(const struct pol_held *held, uint32_t count)
{
	return (struct pol_facts){ .key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_ROLES,
		.held = held,
		.held_count = count };
}

static void check(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const char *tree, const char *at, const char *expected)
{
	struct list list = { .used = 0 };
	struct pol_query query = {
		.tree = pol_str_of(tree), .at = pol_str_of(at), .visit = collect, .context = &list
	};

	cr_assert_eq(walk(snapshot, facts, &query), POL_OK);
	cr_expect_str_eq(list.said, expected, "got:\n%s", list.said);
}

Test(query, permissions_are_those_of_all_roles_in_tree_order)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);
	struct pol_held held[] = { hold(snapshot, "viewer", NULL), hold(snapshot, "writer", NULL),
		hold(snapshot, "page", NULL) };
	struct pol_facts facts = key_of(held, 3);

	check(snapshot, &facts, "", "",
		"api:/loans: list create\n"
		"api:/loans/{loan}: read PUT\n"
		"api:/loans/{loan}/notes: GET POST\n"
		"api:/loans/{loan}/notes/{note}: GET\n"
		"api:/files/{path...}: GET PUT\n"
		"ui:/page: view\n");
	check(snapshot, &facts, "ui", "", "ui:/page: view\n");
	pol_snapshot_unref(snapshot);
}

Test(query, places_fill_in_their_own_segments)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);
	struct pol_str loan = POL_STR("api:/loans/7");
	struct pol_str note = POL_STR("api:/loans/7/notes/a%3Bb");
	struct pol_str file = POL_STR("api:/files/a");
	struct pol_held held[] = { hold(snapshot, "viewer", &loan), hold(snapshot, "writer", &file),
		hold(snapshot, "viewer", &note) };
	struct pol_facts facts = key_of(held, 3);

	check(snapshot, &facts, "", "",
		"api:/loans: list\n" /* by `anyone` */
		"api:/loans/7: read\n"
		"api:/loans/7/notes: GET\n"
		"api:/loans/7/notes/{note}: GET\n"
		"api:/files/a/{path...}: PUT\n");
	pol_snapshot_unref(snapshot);
}

Test(query, a_deny_at_a_place_is_an_entry_without_what_it_takes)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);
	struct pol_str loan = POL_STR("api:/loans/7");
	struct pol_held held[] = { hold(snapshot, "writer", NULL), hold(snapshot, "mute", &loan) };
	struct pol_facts facts = key_of(held, 2);

	check(snapshot, &facts, "api", "api:/loans",
		"api:/loans: list create\n"
		"api:/loans/{loan}: PUT\n"
		"api:/loans/{loan}/notes: POST\n"
		"api:/loans/7/notes:\n");
	pol_snapshot_unref(snapshot);
}

Test(query, at_asks_for_one_place_and_below)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);
	struct pol_held held[] = { hold(snapshot, "viewer", NULL) };
	struct pol_facts facts = key_of(held, 1);
	struct pol_query bad[] = {
		{ .tree = POL_STR("x"), .visit = collect },
		{ .at = POL_STR("api:/x"), .visit = collect },
		{ .at = POL_STR("x"), .visit = collect },
	};

	check(snapshot, &facts, "", "api:/loans/7/notes",
		"api:/loans/7/notes: GET\napi:/loans/7/notes/{note}: GET\n");
	check(snapshot, &facts, "ui", "api:/loans/7", "");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_expect_eq(walk(snapshot, &facts, &bad[i]), POL_EINVALID, "%zu", i);
	}
	pol_snapshot_unref(snapshot);
}

Test(query, a_walk_is_stopped_before_an_entry_and_goes_on_there)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);
	struct pol_str loan = POL_STR("api:/loans/7");
	struct pol_held held[] = { hold(snapshot, "viewer", NULL),
		hold(snapshot, "writer", &loan) };
	struct pol_facts facts = key_of(held, 2);
	struct list list = { .stop_after = 2 };
	struct pol_query query = { .visit = collect, .context = &list };
	struct pol_query_result walked;

	cr_assert_eq(pol_query_permissions(snapshot, &facts, &query, &walked), POL_OK);
	cr_expect(walked.more);
	cr_expect_str_eq(list.said, "api:/loans: list\napi:/loans/{loan}: read\n");
	list = (struct list){ .stop_after = 1 };
	query.from = walked.next;
	cr_assert_eq(pol_query_permissions(snapshot, &facts, &query, &walked), POL_OK);
	cr_expect_str_eq(list.said, "api:/loans/7: read PUT\n");
	list = (struct list){ .stop_after = 0 };
	query.from = walked.next;
	cr_assert_eq(pol_query_permissions(snapshot, &facts, &query, &walked), POL_OK);
	cr_expect_not(walked.more);
	cr_expect_str_eq(list.said,
		"api:/loans/{loan}/notes: GET\n"
		"api:/loans/7/notes: GET POST\n"
		"api:/loans/{loan}/notes/{note}: GET\n"
		"api:/files/{path...}: GET\n",
		"%s", list.said);
	pol_snapshot_unref(snapshot);
}

/* More work than one page may do, with places that lead everywhere and allow nothing. */
Test(query, a_walk_that_finds_nothing_ends_at_its_limit_and_goes_on_there)
{
	enum { NODES = 2000, PLACES = 500 };
	static struct pol_str places[PLACES];
	static char names[PLACES][24];
	struct pol_str none = POL_STR("api:/p/none");
	char *large = malloc(NODES * 24 + 200);
	struct list list = { .used = 0 };
	struct pol_query query = { .visit = collect, .context = &list };
	struct pol_query_result walked = { .more = true };
	struct pol_snapshot *snapshot;
	struct pol_facts facts;
	struct pol_held held;
	size_t used, pages = 0;

	cr_assert_not_null(large);
	used = (size_t)snprintf(large, 100, "tree api { /p/{id} {\n");
	for (int i = 0; i < NODES; i++) {
		used += (size_t)snprintf(large + used, 24, "/n%d { GET }\n", i);
	}
	snprintf(large + used, 100, "} }\nrole viewer { allow GET on api:/** }\n");
	snapshot = compiled_text_good(large);
	for (int i = 0; i < PLACES; i++) {
		snprintf(names[i], sizeof names[i], "api:/p/%d", i);
		places[i] = pol_str_of(names[i]);
	}
	held = hold(snapshot, "viewer", places);
	held.place_count = PLACES;
	facts = key_of(&held, 1);
	facts.key_places = &none;
	facts.key_place_count = 1;
	for (; walked.more; pages++) {
		uint32_t before = query.from.node;

		cr_assert_eq(pol_query_permissions(snapshot, &facts, &query, &walked), POL_OK);
		cr_assert(!walked.more || walked.next.node > before);
		cr_assert_lt(walked.steps, 2 * POL_QUERY_STEPS);
		query.from = walked.next;
	}
	cr_expect_gt(pages, 5);
	cr_expect_eq(list.count, 0);
	pol_snapshot_unref(snapshot);
	free(large);
}

Test(query, a_subject_that_is_not_active_has_no_entries)
{
	struct pol_snapshot *snapshot = compiled_text_good(text);
	struct pol_held held[] = { hold(snapshot, "viewer", NULL) };
	struct pol_facts facts = key_of(held, 1);

	facts.key_state = POL_KEY_EXPIRED;
	check(snapshot, &facts, "", "", "");
	facts = key_of(held, 1);
	facts.principal_state = POL_PRINCIPAL_INACTIVE;
	check(snapshot, &facts, "", "", "");
	pol_snapshot_unref(snapshot);
}

/* --- what is listed is what is decided --- */

static const char *const probes[] = { "api:/loans", "api:/loans/7", "api:/loans/8",
	"api:/loans/7/notes", "api:/loans/8/notes", "api:/loans/7/notes/1", "api:/loans/7/notes/2",
	"api:/loans/8/notes/1", "api:/files", "api:/files/a", "api:/files/a/b", "api:/files/b",
	"ui:/page" };
static const char *const verbs[] = { "list", "create", "read", "update", "GET", "POST", "PUT",
	"PATCH", "view", "edit" };
#define PROBES (sizeof probes / sizeof *probes)
#define VERBS  (sizeof verbs / sizeof *verbs)

struct property {
	const struct pol_snapshot *snapshot;
	struct pol_facts facts;
	unsigned *seed; /* for the lengths of pages */
	bool allowed[PROBES][VERBS];
};

/* Does the resource of an entry match this concrete path? */
static bool stands_for(struct pol_str resource, const char *path)
{
	size_t i = 0;

	while (i < resource.len) {
		if (resource.ptr[i] == '{') {
			const char *close = memchr(resource.ptr + i, '}', resource.len - i);

			if (close[-1] == '.') {
				return true;
			}
			if (*path == '\0') {
				return false;
			}
			i = (size_t)(close + 1 - resource.ptr);
			path += strcspn(path, "/");
			continue;
		}
		if (resource.ptr[i] != *path) {
			/* `/files/{path...}` stands for `/files` too */
			return *path == '\0' && resource.len - i > 2 && resource.ptr[i] == '/' &&
			       resource.ptr[i + 1] == '{' && resource.ptr[resource.len - 2] == '.';
		}
		i++;
		path++;
	}
	return *path == '\0';
}

static bool names_verb(const struct pol_allowed *allowed, const char *verb)
{
	static const struct {
		const char *action, *methods;
	} of[] = { { "list", "GET" }, { "create", "POST" }, { "read", "GET" },
		{ "update", "PUT PATCH" } };

	for (size_t i = 0; i < allowed->action_count; i++) {
		if (pol_str_equal(allowed->actions[i], pol_str_of(verb))) {
			return true;
		}
		for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
			if (pol_str_equal(allowed->actions[i], pol_str_of(of[k].action)) &&
				strstr(of[k].methods, verb) != NULL) {
				return true;
			}
		}
	}
	return false;
}

static unsigned draw(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 10) % below;
}

/* A later entry for the same path is more special and replaces the earlier one. */
static bool note_allowed(void *context, const struct pol_allowed *allowed)
{
	struct property *property = context;

	if (draw(property->seed, 3) == 0) {
		return false; /* the page is full: the entry comes again */
	}
	for (size_t i = 0; i < PROBES; i++) {
		if (!stands_for(allowed->resource, probes[i])) {
			continue;
		}
		for (size_t v = 0; v < VERBS; v++) {
			property->allowed[i][v] = names_verb(allowed, verbs[v]);
		}
	}
	return true;
}

static void make_policy(unsigned *seed, char *out, size_t room)
{
	static const char *const patterns[] = { "api:/**", "api:/loans", "api:/loans/**",
		"api:/loans/{loan}", "api:/loans/*/notes", "api:/loans/{loan}/notes/**",
		"api:/files/{path...}", "api:/*/*", "ui:/**", "ui:/page" };
	size_t used = (size_t)snprintf(
		out, room, "%.*s", (int)(strstr(text, "role viewer") - text), text);

	for (int r = 0; r < 5; r++) {
		used += (size_t)snprintf(out + used, room - used,
			r == 4   ? "scope r%d {\n"
			: r == 3 ? "role anyone {\n"
				 : "role r%d {\n",
			r);
		for (int g = 0; g < 3; g++) {
			used += (size_t)snprintf(out + used, room - used, "%s all on %s%s\n",
				draw(seed, 4) == 0 ? "deny" : "allow", patterns[draw(seed, 10)],
				draw(seed, 3) == 0 ? " except GET" : "");
		}
		used += (size_t)snprintf(out + used, room - used, "}\n");
	}
	snprintf(out + used, room - used, "%s", strstr(text, "stack plain"));
}

static void check_property(struct property *property)
{
	struct pol_query query = { .visit = note_allowed, .context = property };

	cr_assert_eq(walk(property->snapshot, &property->facts, &query), POL_OK);
	for (size_t i = 0; i < PROBES; i++) {
		for (size_t v = 0; v < VERBS; v++) {
			struct pol_facts facts = property->facts;
			struct pol_decision decision;

			facts.path = pol_str_of(probes[i]);
			facts.verb = pol_str_of(verbs[v]);
			facts.service = POL_STR("plain");
			pol_eval(property->snapshot, &facts, &decision);
			cr_assert_eq(decision.allow, property->allowed[i][v], "%s %s: %.*s",
				verbs[v], probes[i], POL_STR_ARGS(decision.reason));
		}
	}
}

Test(query, what_is_listed_is_what_is_decided)
{
	static const char *const places[] = { "api:/loans/7", "api:/loans/7/notes",
		"api:/loans/7/notes/1", "api:/loans", "api:/files/a", "ui:/page", "api:/", "x:/y" };
	struct compiled_text *out = malloc(sizeof *out);
	unsigned seed = 7;
	int tried = 0;

	cr_assert_not_null(out);
	for (int turn = 0; turn < 600; turn++) {
		struct property property = { 0 };
		struct pol_held held[3];
		struct pol_str at[4];
		uint32_t scope = 0;
		char policy[4096];
		const char *texts[] = { policy };

		make_policy(&seed, policy, sizeof policy);
		compiled_text_of(out, texts, 1);
		if (out->snapshot == NULL) {
			continue; /* an exception took nothing away, or everything */
		}
		tried++;
		for (int i = 0; i < 4; i++) {
			at[i] = pol_str_of(places[draw(&seed, 8)]);
		}
		for (uint32_t i = 0; i < 3; i++) {
			char name[8];

			snprintf(name, sizeof name, "r%u", i);
			held[i] = hold(out->snapshot, name, draw(&seed, 2) == 0 ? &at[i] : NULL);
		}
		property.snapshot = out->snapshot;
		property.seed = &seed;
		property.facts = key_of(held, draw(&seed, 4));
		if (draw(&seed, 3) == 0) {
			property.facts.narrowed = true;
			property.facts.narrowed_by_scopes = true;
			property.facts.scopes = &scope;
			property.facts.scope_count = 1;
		}
		if (draw(&seed, 3) == 0) {
			property.facts.narrowed = true;
			property.facts.key_places = &at[3];
			property.facts.key_place_count = 1;
		}
		if (draw(&seed, 5) == 0 && property.facts.scope_count > 0) {
			property.facts.binding = POL_BOUND_TO_SCOPES;
			property.facts.held_count = 0;
		}
		check_property(&property);
		pol_snapshot_unref(out->snapshot);
	}
	cr_expect_gt(tried, 100, "%d", tried);
	free(out);
}

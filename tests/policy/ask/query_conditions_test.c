/* SPDX-License-Identifier: Apache-2.0 */

/* What is listed with conditions is what is decided, for random policies, subjects and facts. */

#include "policy/ask/query.h"
#include "policy/ask/who.h"
#include "policy/decide/eval.h"
#include "policy/snapshot/given.h"
#include "tests/policy/compiled_text.h"
#include "tests/policy/dice.h"

static const char head[] = "facts {\n"
			   "  resource.owner string\n"
			   "  resource.open bool\n"
			   "  resource.level int default 2\n"
			   "  principal.team string\n"
			   "}\n"
			   "tree api {\n"
			   "  /loans { GET, POST\n"
			   "    /{loan} { GET, PUT, /notes { GET, POST, /{note} { GET } } } }\n"
			   "  /files/{path...} { GET, PUT }\n"
			   "}\n"
			   "tree ui { /page { view, edit } }\n"
			   "stack plain {\n authenticate sufficient key\n"
			   " authenticate required principal\n"
			   " authorize required role\n authorize required scope\n}\n";

static const char *const probes[] = { "api:/loans", "api:/loans/7", "api:/loans/8",
	"api:/loans/7/notes", "api:/loans/8/notes", "api:/loans/7/notes/1", "api:/loans/8/notes/2",
	"api:/files", "api:/files/a", "ui:/page" };
static const char *const verbs[] = { "GET", "POST", "PUT", "view", "edit" };

enum { FACTS = 4, TRIES = 6 };
#define PROBES (sizeof probes / sizeof *probes)
#define VERBS  (sizeof verbs / sizeof *verbs)

static unsigned draw(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 10) % below;
}

/* --- policies --------------------------------------------------------------------------------- */

static const char *draw_condition(unsigned *seed, bool loan)
{
	static const char *const conditions[] = { "resource.owner is principal.id", "resource.open",
		"not resource.open", "resource.level < 3", "resource.level >= 2 or resource.open",
		"principal.team is \"x\"", "not principal.team is \"x\"",
		"principal.roles has \"r1\"",
		"not principal.roles has \"r2\" and resource.level < 3", "{loan} is principal.id",
		"{loan} is not principal.id and resource.open", "{loan} is resource.owner" };

	return conditions[draw(seed, loan ? 12 : 9)];
}

static void make_policy(unsigned *seed, char *out, size_t room)
{
	static const char *const patterns[] = { "api:/loans/{loan}", "api:/loans/{loan}/notes/**",
		"api:/loans/{loan}/**", "api:/**", "api:/loans", "api:/loans/**",
		"api:/files/{path...}", "ui:/**", "ui:/page" };
	size_t used = (size_t)snprintf(out, room, "%s", head);

	for (int r = 0; r < 5; r++) {
		used += (size_t)snprintf(out + used, room - used,
			r == 4   ? "scope r%d {\n"
			: r == 3 ? "role anyone {\n"
				 : "role r%d {\n",
			r);
		for (int g = 0; g < 3; g++) {
			unsigned pattern = draw(seed, 9);
			bool when = draw(seed, 3) > 0;

			used += (size_t)snprintf(out + used, room - used, "%s all on %s%s%s\n",
				draw(seed, 4) == 0 ? "deny" : "allow", patterns[pattern],
				when ? " when " : "",
				when ? draw_condition(seed, pattern < 3) : "");
		}
		used += (size_t)snprintf(out + used, room - used, "}\n");
	}
}

/* --- facts ------------------------------------------------------------------------------------ */

struct stated {
	struct pol_given_fact items[FACTS];
	struct pol_given given;
};

/* Random values of all facts, or of some. */
static void state(const struct pol_snapshot *snapshot, unsigned *seed, bool all, struct stated *out)
{
	static const char *const texts[] = { "7", "x", "8" };
	static const char *const names[FACTS] = { "resource.owner", "resource.open",
		"resource.level", "principal.team" };
	uint32_t twice;

	out->given = (struct pol_given){ out->items, 0 };
	for (int i = 0; i < FACTS; i++) {
		struct pol_given_fact *item = &out->items[out->given.count];

		item->fact = pol_condition_fact(snapshot, pol_str_of(names[i]));
		item->value = (struct pol_value){ .type = i == 1   ? POL_TYPE_BOOL
							  : i == 2 ? POL_TYPE_INT
								   : POL_TYPE_STRING };
		if (i == 1 || i == 2) {
			item->value.number = (int64_t)draw(seed, i == 1 ? 2 : 5);
		} else {
			item->value.text = pol_str_of(texts[draw(seed, 3)]);
		}
		out->given.count += all || draw(seed, 2) == 0;
	}
	cr_assert(pol_given_sort(out->items, out->given.count, &twice));
}

/* --- lists ------------------------------------------------------------------------------------ */

struct listing {
	unsigned *seed; /* for the lengths of pages */
	char resources[PROBES][128];
	enum pol_when_kind held[PROBES][VERBS];
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

/* The entries of a later resource for the same path replace those of the earlier ones. */
static bool on_allowed(void *context, const struct pol_allowed *allowed)
{
	struct listing *listing = context;
	char resource[128];

	if (draw(listing->seed, 3) == 0) {
		return false; /* the page is full: the entry comes again */
	}
	snprintf(resource, sizeof resource, "%.*s", POL_STR_ARGS(allowed->resource));
	for (size_t i = 0; i < PROBES; i++) {
		if (!stands_for(allowed->resource, probes[i])) {
			continue;
		}
		if (strcmp(listing->resources[i], resource) != 0) {
			strcpy(listing->resources[i], resource);
			memset(listing->held[i], 0, sizeof listing->held[i]);
		}
		for (size_t v = 0; v < VERBS; v++) {
			for (size_t a = 0; a < allowed->action_count; a++) {
				if (pol_str_equal(allowed->actions[a], pol_str_of(verbs[v]))) {
					cr_assert_eq(listing->held[i][v], POL_WHEN_NEVER);
					listing->held[i][v] = allowed->when.len > 0
								      ? POL_WHEN_SOMETIMES
								      : POL_WHEN_ALWAYS;
				}
			}
		}
	}
	return true;
}

static void list(const struct pol_snapshot *snapshot, const struct pol_facts *facts, unsigned *seed,
	struct listing *out)
{
	struct pol_query query = { .visit = on_allowed, .context = out };
	struct pol_query_result walked = { .more = true };

	memset(out, 0, sizeof *out);
	out->seed = seed;
	for (int pages = 0; walked.more; pages++) {
		cr_assert_lt(pages, 1000);
		cr_assert_eq(pol_query_permissions(snapshot, facts, &query, &walked), POL_OK);
		query.from = walked.next;
	}
}

/* `who` says the same of the path as the list does. */
static void check_who(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct listing *listing)
{
	char when[POL_WHEN_TEXT];

	for (size_t i = 0; i < PROBES; i++) {
		for (size_t v = 0; v < VERBS; v++) {
			struct pol_str reason;
			struct pol_who who;
			enum pol_when_kind kind;

			if (!pol_who_read(snapshot, pol_str_of(verbs[v]), pol_str_of(probes[i]),
				    false, &who, &reason)) {
				continue;
			}
			kind = pol_who_may(&who, facts, when);
			cr_assert_eq(when[0] != '\0', kind == POL_WHEN_SOMETIMES);
			/* A path's segments are known, those of a node may be open. */
			cr_assert(kind == listing->held[i][v] ||
					  listing->held[i][v] == POL_WHEN_SOMETIMES,
				"%s %s: who says %d, the list %d", verbs[v], probes[i], (int)kind,
				(int)listing->held[i][v]);
		}
	}
}

/* What is held always is allowed, what is not listed is not. */
static void compare(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct listing *listing, const char *text)
{
	for (size_t i = 0; i < PROBES; i++) {
		for (size_t v = 0; v < VERBS; v++) {
			enum pol_when_kind held = listing->held[i][v];
			struct pol_facts asked = *facts;
			struct pol_decision decision;

			asked.path = pol_str_of(probes[i]);
			asked.verb = pol_str_of(verbs[v]);
			asked.service = POL_STR("plain");
			pol_eval(snapshot, &asked, &decision);
			cr_assert(held != POL_WHEN_ALWAYS || decision.allow, "%s %s: %.*s in\n%s",
				verbs[v], probes[i], POL_STR_ARGS(decision.reason), text);
			cr_assert(held != POL_WHEN_NEVER || !decision.allow, "%s %s in\n%s",
				verbs[v], probes[i], text);
		}
	}
}

/* With every fact stated and the path known, `who` is exactly the decision. */
static void check_exact(
	const struct pol_snapshot *snapshot, const struct pol_facts *facts, const char *text)
{
	char when[POL_WHEN_TEXT];

	for (size_t i = 0; i < PROBES; i++) {
		for (size_t v = 0; v < VERBS; v++) {
			struct pol_facts asked = *facts;
			struct pol_decision decision;
			struct pol_str reason;
			struct pol_who who;
			enum pol_when_kind kind;

			if (!pol_who_read(snapshot, pol_str_of(verbs[v]), pol_str_of(probes[i]),
				    false, &who, &reason)) {
				continue;
			}
			asked.path = pol_str_of(probes[i]);
			asked.verb = pol_str_of(verbs[v]);
			asked.service = POL_STR("plain");
			pol_eval(snapshot, &asked, &decision);
			kind = pol_who_may(&who, facts, when);
			cr_assert_eq(kind, decision.allow ? POL_WHEN_ALWAYS : POL_WHEN_NEVER,
				"%s %s: %d '%s', %.*s in\n%s", verbs[v], probes[i], (int)kind, when,
				POL_STR_ARGS(decision.reason), text);
		}
	}
}

/* --- subjects --------------------------------------------------------------------------------- */

struct subject {
	struct pol_facts facts;
	struct pol_held held[3];
	struct pol_str places[4];
	uint32_t scope;
};

static void make_subject(const struct pol_snapshot *snapshot, unsigned *seed, struct subject *out)
{
	static const char *const places[] = { "api:/loans/7", "api:/loans/7/notes",
		"api:/loans/8/notes/2", "api:/loans", "api:/files/a", "ui:/page", "api:/", "x:/y" };
	static const char *const roles[] = { "r0", "r1", "r2" };

	*out = (struct subject){ .scope = 0 };
	for (int i = 0; i < 4; i++) {
		out->places[i] = pol_str_of(places[draw(seed, 8)]);
	}
	for (int i = 0; i < 3; i++) {
		out->held[i].role = pol_snapshot_role(snapshot, pol_str_of(roles[i]));
		out->held[i].places = &out->places[i];
		out->held[i].place_count = draw(seed, 2);
	}
	out->facts = (struct pol_facts){ .key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_PRINCIPAL,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.principal_kind = POL_KIND_USER,
		.principal = POL_STR("7"),
		.held = out->held,
		.held_count = draw(seed, 4) };
	if (draw(seed, 3) == 0) {
		out->facts.narrowed = out->facts.narrowed_by_scopes = true;
		out->facts.scopes = &out->scope;
		out->facts.scope_count = 1;
	}
	if (draw(seed, 3) == 0) {
		out->facts.narrowed = true;
		out->facts.key_places = &out->places[3];
		out->facts.key_place_count = 1;
	}
}

static void check_policy(const struct pol_snapshot *snapshot, unsigned *seed, const char *text)
{
	static struct listing open, some, all;
	struct subject subject;
	struct stated stated;

	make_subject(snapshot, seed, &subject);
	list(snapshot, &subject.facts, seed, &open);
	check_who(snapshot, &subject.facts, &open);
	compare(snapshot, &subject.facts, &open, text);
	for (int i = 0; i < TRIES; i++) {
		struct pol_facts facts = subject.facts;

		facts.given = &stated.given;
		state(snapshot, seed, false, &stated);
		list(snapshot, &facts, seed, &some);
		compare(snapshot, &facts, &open, text);
		compare(snapshot, &facts, &some, text);
		check_who(snapshot, &facts, &some);
		state(snapshot, seed, true, &stated);
		list(snapshot, &facts, seed, &all);
		compare(snapshot, &facts, &open, text);
		compare(snapshot, &facts, &all, text);
		check_exact(snapshot, &facts, text);
	}
}

Test(query_conditions, what_is_listed_with_conditions_is_what_is_decided)
{
	struct compiled_text *out = malloc(sizeof *out);
	unsigned seed = (unsigned)dice_setting("AUTHZ_TEST_SEED", 11);
	unsigned long policies = dice_setting("AUTHZ_TEST_GRANTS", 300), tried = 0;

	cr_assert_not_null(out);
	for (unsigned long turn = 0; turn < policies; turn++) {
		char text[4096];
		const char *texts[] = { text };

		make_policy(&seed, text, sizeof text);
		compiled_text_of(out, texts, 1);
		if (out->snapshot != NULL) {
			tried++;
			check_policy(out->snapshot, &seed, text);
			pol_snapshot_unref(out->snapshot);
		}
	}
	if (policies != 300) {
		cr_log_warn("%lu policies compiled", tried);
	}
	cr_expect_gt(tried, policies * 2 / 3, "%lu", tried);
	free(out);
}

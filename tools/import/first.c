/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a first policy has beside its tree: environments, roles, scopes, stacks, and tests that
 * pass. Roles and tests are only about methods that the tree has, since a grant of nothing is an
 * error.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/method.h"
#include "tools/import/import.h"

/* The value of each parameter in a test. */
#define VALUE "example-1"

/* An operation that a test can ask for; place NULL: there is none. */
struct pick {
	const struct import_operation *one;
	const char *place;
};

struct first {
	struct import *import;
	const char *text;
	struct pick read;   /* a GET */
	struct pick write;  /* a POST, PUT or PATCH */
	struct pick remove; /* a DELETE */
	struct pick any;
	bool tested;         /* a test was written */
	bool writes;         /* the tree has a method that is not safe */
	const char *writing; /* the methods of `write` that the tree has: "POST, PUT" */
};

__attribute__((format(printf, 2, 3))) static void add(struct first *first, const char *format, ...)
{
	va_list arguments;
	char line[4096];

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	first->text = import_text(first->import, "%s%s", first->text, line);
}

/* The operation's path with a value for each parameter; NULL: a literal of it needs quotes. */
static const char *place_of(struct import *import, const struct import_operation *one)
{
	const struct import_segment *segments = one->segments;
	const char *path = import_text(import, "%s:", import->tree);

	for (uint32_t i = 0; i < one->segment_count; i++) {
		if (!segments[i].param && !import_is_plain(segments[i].text)) {
			return NULL;
		}
		path = segments[i].param ? import_text(import, "%s/" VALUE, path)
					 : import_text(import, "%s/%.*s", path,
						   POL_STR_ARGS(segments[i].text));
	}
	return one->segment_count > 0 ? path : import_text(import, "%s/", path);
}

static bool is_one_of(struct pol_str method, const char *const *methods)
{
	while (*methods != NULL && !pol_str_equal(method, pol_str_of(*methods))) {
		methods++;
	}
	return *methods != NULL;
}

static const char *const reading[] = { "GET", NULL };
static const char *const writing[] = { "POST", "PUT", "PATCH", NULL };
static const char *const removing[] = { "DELETE", NULL };

static void offer(struct first *first, struct pick *pick, const struct import_operation *one)
{
	if (pick->place == NULL) {
		*pick = (struct pick){ one, place_of(first->import, one) };
	}
}

static void pick_operations(struct first *first)
{
	struct import *import = first->import;
	bool has[sizeof writing / sizeof writing[0]] = { false };

	for (size_t i = 0; i < import->count; i++) {
		const struct import_operation *one = &import->operations[i];

		offer(first, &first->any, one);
		first->writes = first->writes || !pol_method_is_safe(one->method);
		if (is_one_of(one->method, reading)) {
			offer(first, &first->read, one);
		} else if (is_one_of(one->method, writing)) {
			offer(first, &first->write, one);
		} else if (is_one_of(one->method, removing)) {
			offer(first, &first->remove, one);
		}
		for (size_t k = 0; writing[k] != NULL; k++) {
			has[k] = has[k] || pol_str_equal(one->method, pol_str_of(writing[k]));
		}
	}
	first->writing = "";
	for (size_t k = 0; writing[k] != NULL; k++) {
		if (has[k]) {
			first->writing = import_text(import, "%s%s%s", first->writing,
				first->writing[0] != '\0' ? ", " : "", writing[k]);
		}
	}
}

/* --- statements ------------------------------------------------------------------------------- */

/* What `policy lint` would find in the next line is meant. A test has no path with quotes. */
#define MEANT    "    # lint: allow wildcard-write it is meant for what is added later, too\n"
#define UNTESTED "# lint: allow role-unused it has no test yet\n"

static void environments(struct first *first, const char *prefix)
{
	add(first,
		"# How keys begin. Keys of one environment are not valid in another, and secret\n"
		"# scanners find what begins so (authzcheck key pattern).\n"
		"environment live prefix %s_live_\n"
		"environment test prefix %s_test_\n",
		prefix, prefix);
}

static void roles(struct first *first)
{
	const char *tree = first->import->tree;

	add(first, "\n# Roles are for principals: people and services. What no role allows is\n"
		   "# denied, and a `deny` would override every `allow`.\n");
	if (first->read.one != NULL) {
		add(first,
			"%srole reader \"Reads everything\" {\n"
			"    allow GET on %s:/**\n"
			"}\n",
			first->read.place == NULL && first->write.one == NULL ? UNTESTED : "",
			tree);
	}
	if (first->write.one != NULL) {
		add(first,
			"\n%srole editor \"Creates and changes, and deletes nothing\"%s {\n" MEANT
			"    allow %s on %s:/**\n"
			"}\n",
			first->write.place == NULL ? UNTESTED : "",
			first->read.one != NULL ? " inherits reader" : "", first->writing, tree);
	}
	add(first,
		"\nrole admin \"May do everything, and manages keys, principals and roles\" {\n"
		"%s    allow all on %s:/**\n"
		"    allow all on authz:/**\n"
		"}\n",
		first->writes ? MEANT : "", tree);
}

static bool has_scopes(const struct import *import)
{
	for (size_t i = 0; i < import->scope_count; i++) {
		if (import->scopes[i].count > 0) {
			return true;
		}
	}
	return false;
}

static void scopes(struct first *first)
{
	const char *tree = first->import->tree;

	if (has_scopes(first->import)) {
		add(first,
			"\n# The scopes are those of the API's description, beside the tree. A "
			"key\n"
			"# with scopes may do what they allow, and no more than its roles do.\n");
		return;
	}
	add(first,
		"\n# Scopes are for keys: a key with scopes may do what they allow, and no more\n"
		"# than its principal's roles do.\n");
	if (first->read.one != NULL) {
		add(first,
			"scope %s:read \"Read everything\" {\n"
			"    allow GET on %s:/**\n"
			"}\n",
			tree, tree);
	}
	if (first->write.one != NULL) {
		add(first,
			"%sscope %s:write \"Create and change\"%s%s%s {\n" MEANT
			"    allow %s on %s:/**\n"
			"}\n",
			first->read.one != NULL ? "\n" : "", tree,
			first->read.one != NULL ? " includes " : "",
			first->read.one != NULL ? tree : "", first->read.one != NULL ? ":read" : "",
			first->writing, tree);
	}
}

static void stacks(struct first *first)
{
	add(first,
		"\n# A request that names the service '%s' is decided by this stack. `account` "
		"lines\n"
		"# may be added between: network, hours, mfa, quota.\n"
		"stack %s {\n"
		"    authenticate  sufficient  key          # a token\n"
		"    authenticate  required    principal    # or a trusted peer says who asks\n"
		"    authorize     required    role\n"
		"    authorize     required    scope\n"
		"}\n"
		"\n# A request without a service, or with one that has no stack, is refused.\n"
		"stack other {\n"
		"    authenticate  required  deny\n"
		"    authorize     required  deny\n"
		"}\n",
		first->import->tree, first->import->tree);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void expect(
	struct first *first, const char *verdict, const struct pick *pick, const char *because)
{
	if (pick->place != NULL) {
		add(first, "    %s %.*s %s%s%s\n", verdict, POL_STR_ARGS(pick->one->method),
			pick->place, because != NULL ? " because " : "",
			because != NULL ? because : "");
	}
}

static void begin_test(struct first *first, const char *name)
{
	add(first, "%stest \"%s\" {\n", first->tested ? "\n" : "", name);
	first->tested = true;
}

/* A request of the API's own stack. */
static void begin_request(struct first *first, const char *name)
{
	begin_test(first, name);
	add(first, "    service %s\n", first->import->tree);
}

static void test_roles(struct first *first)
{
	if (first->read.place != NULL) {
		begin_request(first, "a reader reads, and changes nothing");
		add(first, "    as role reader\n");
		expect(first, "allow", &first->read, NULL);
		expect(first, "deny", &first->write, "role");
		expect(first, "deny", &first->remove, "role");
		add(first, "}\n");
	}
	if (first->write.place != NULL) {
		begin_request(first, "an editor changes, and deletes nothing");
		add(first, "    as role editor\n");
		expect(first, "allow", &first->write, NULL);
		expect(first, "deny", &first->remove, "role");
		add(first, "}\n");
	}
	begin_request(first, "an admin does everything, and manages keys");
	add(first, "    as role admin\n");
	expect(first, "allow", &first->any, NULL);
	expect(first, "allow", &first->remove, NULL);
	add(first, "    allow create authz:/keys\n}\n");
}

/* An operation that the scope allows, and one that it does not. */
static bool pick_of_scope(
	struct first *first, const struct import_scope *scope, struct pick *in, struct pick *out)
{
	struct import *import = first->import;
	size_t next = 0;

	*in = *out = (struct pick){ NULL, NULL };
	for (uint32_t i = 0; i < (uint32_t)import->count; i++) {
		bool allowed = next < scope->count && scope->operations[next] == i;

		next += allowed;
		if (!import->operations[i].shares) {
			offer(first, allowed ? in : out, &import->operations[i]);
		}
	}
	return in->place != NULL;
}

static void test_scope(struct first *first)
{
	struct import *import = first->import;
	struct pick in, out;

	for (size_t i = 0; i < import->scope_count; i++) {
		const struct import_scope *scope = &import->scopes[i];

		if (scope->all == NULL && pick_of_scope(first, scope, &in, &out)) {
			begin_request(first, "a key with a scope may do what it says, and no more");
			add(first, "    with scope %.*s\n", POL_STR_ARGS(scope->id));
			expect(first, "allow", &in, NULL);
			expect(first, "deny", &out, "scope");
			add(first, "}\n");
			return;
		}
	}
	if (!has_scopes(import) && first->read.place != NULL) {
		begin_request(
			first, "a key with a scope may do what it says, and no more than its role");
		add(first, "    as role admin\n    with scope %s:read\n", import->tree);
		expect(first, "allow", &first->read, NULL);
		expect(first, "deny", &first->write, "scope");
		add(first, "}\n");
	}
}

static void test_strangers(struct first *first)
{
	if (first->any.place == NULL) {
		return;
	}
	begin_request(first, "nobody is let in without a key");
	add(first, "    as nobody\n");
	expect(first, "deny", &first->any, "missing_token");
	add(first, "    key expired\n");
	expect(first, "deny", &first->any, "expired_key");
	add(first, "}\n");
	begin_test(first, "a request has to name the service");
	add(first, "    as role admin\n");
	expect(first, "deny", &first->any, "deny");
	add(first, "}\n");
}

bool import_first(struct import *import, const char *prefix, struct pol_str *out)
{
	struct first first = { .import = import, .text = "" };

	pick_operations(&first);
	environments(&first, prefix);
	roles(&first);
	scopes(&first);
	stacks(&first);
	add(&first, "\n# The daemon refuses a policy whose tests fail. authzcheck policy test -v "
		    "shows\n"
		    "# each, and why one failed.\n");
	test_roles(&first);
	test_scope(&first);
	test_strangers(&first);
	*out = pol_str_of(first.text);
	return import->arena.status == POL_OK ? import_format(import, out)
					      : import_fail(import, "no memory left");
}

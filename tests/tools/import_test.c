/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "tools/import/import.h"

struct named {
	const char *from;
	const char *action;
	const char *param;
	const char *scope;
};

/* A name of a source, and what the language calls it. */
static const struct named names[] = {
	{ "listPets", "listPets", "listPets", "listPets" },
	{ "repos/get", "repos/get", "repos-get", "repos/get" },
	{ "pets:read", "pets-read", "pets-read", "pets:read" },
	{ "create pet!", "create-pet", "create-pet", "create-pet" },
	{ "  a  ", "a", "a", "a" },
	{ "LIST_ALL", "list_all", "LIST_ALL", "LIST_ALL" },
	{ "all", "all_", "all", "all" },
	{ "strict_slash", "strict_slash_", "strict_slash", "strict_slash" },
	{ "7up", "op-7up", "_7up", "s-7up" },
	{ "_x", "op-_x", "_x", "s-_x" },
	{ "https://a.example/b/", "https-//a.example/b/", "https-a-example-b",
		"https:a.example/b" },
	{ "naïve", "na-ve", "na-ve", "na-ve" },
	{ "", "", "parameter", "" },
	{ "{}", "", "parameter", "" },
};

static void expect(const char *from, const char *what, struct pol_str got, const char *wanted)
{
	cr_expect(pol_str_equal(got, pol_str_of(wanted)), "%s '%s' is '%.*s' and not '%s'", what,
		from, POL_STR_ARGS(got), wanted);
}

Test(import, names_become_names_of_the_language)
{
	struct import import;

	import_init(&import, "api");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct pol_str from = pol_str_of(names[i].from);

		expect(names[i].from, "action", import_action_name(&import, from), names[i].action);
		expect(names[i].from, "parameter", import_param_name(&import, from),
			names[i].param);
		expect(names[i].from, "scope", import_scope_name(&import, from), names[i].scope);
	}
	import_finish(&import);
}

Test(import, no_name_is_longer_than_the_language_allows)
{
	char text[1000];
	struct import import;

	memset(text, 'x', sizeof text);
	import_init(&import, "api");
	cr_expect_eq(import_action_name(&import, (struct pol_str){ text, sizeof text }).len,
		IMPORT_NAME_MAX);
	cr_expect_eq(import_param_name(&import, (struct pol_str){ text, sizeof text }).len,
		IMPORT_NAME_MAX);
	cr_expect_eq(import_scope_name(&import, (struct pol_str){ text, sizeof text }).len,
		IMPORT_NAME_MAX);
	import_finish(&import);
}

static struct pol_str describe(struct import *import, const char *text)
{
	return import_description(import, pol_str_of(text));
}

Test(import, a_description_is_one_line_of_bounded_length)
{
	struct import import;
	char text[4 * IMPORT_DESCRIPTION_MAX];
	struct pol_str got;

	import_init(&import, "api");
	expect("", "description", describe(&import, ""), "");
	expect("", "description", describe(&import, " \n\n "), "");
	expect("", "description", describe(&import, "One\ntwo\t three.\n\nFour."),
		"One two three.");
	expect("", "description", describe(&import, "hidden\xe2\x80\xae text \xff"), "hidden text");
	for (size_t i = 0; i < sizeof text; i++) {
		text[i] = i % 10 == 9 ? ' ' : 'x';
	}
	got = import_description(&import, (struct pol_str){ text, sizeof text });
	cr_expect_leq(got.len, IMPORT_DESCRIPTION_MAX + strlen("…"));
	cr_expect(memcmp(got.ptr + got.len - strlen("x…"), "x…", strlen("x…")) == 0);
	import_finish(&import);
}

/* The policy of a document, or its error. */
static struct pol_str policy(struct import *import, const char *text)
{
	struct pol_str out = { 0 };

	import_init(import, "api");
	if (!import_openapi(import, pol_str_of(text)) || !import_build(import) ||
		!import_write(import, &out)) {
		return pol_str_of(import->error);
	}
	return out;
}

Test(import, one_name_for_two_methods_of_a_path_is_one_action)
{
	struct import import;
	struct pol_str got = policy(&import,
		"{\"openapi\": \"3.0.0\", \"security\": [{\"o\": [\"s\"]}], \"paths\": {\"/a\": {"
		"\"put\": {\"operationId\": \"save\", \"security\": []},"
		"\"get\": {\"operationId\": \"read\"},"
		"\"post\": {\"operationId\": \"save\"}}}}");

	expect("", "policy", got,
		"tree api {\n    /a {\n        read  GET\n        save  POST PUT\n    }\n}\n"
		"\nscope s {\n    allow read, POST on api:/a\n}\n");
	import_finish(&import);
}

Test(import, a_parameter_with_slashes_is_a_rest_where_nothing_follows)
{
	struct import import;
	struct pol_str got = policy(&import,
		"openapi: 3.0.3\n"
		"paths:\n"
		"  /files/{path}:\n"
		"    parameters: [{name: path, in: path, x-multi-segment: true}]\n"
		"    get: {}\n"
		"  /refs/{ref}:\n"
		"    get: {parameters: [{$ref: '#/components/parameters/ref'}]}\n"
		"  /refs/{ref}/log: {get: {}}\n"
		"components: {parameters: {ref: {name: ref, in: path, x-multi-segment: true}}}\n");

	expect("", "policy", got,
		"tree api {\n    /files/{path...} { GET }\n    /refs/{ref} {\n        GET\n"
		"        /log { GET }\n    }\n}\n");
	cr_assert_eq(import.note_count, 2);
	cr_expect_str_eq(import.notes->text, "{path...} takes /files itself, too");
	cr_expect(strstr(import.last_note->text, "{ref} is one segment") != NULL);
	import_finish(&import);
}

Test(import, an_error_keeps_no_part_of_the_document)
{
	struct import import;
	struct pol_str got = policy(&import, "{\"openapi\": \"3.0.0\", \"paths\": {\"/a\": 1}}");

	expect("", "error", got, "path '/a' is not an object");
	import_finish(&import);
}

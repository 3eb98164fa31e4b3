/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/console_folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A policy in two files, one of them in a folder below. */
static const char api[] =
	"tree api \"The API\" {\n"
	"    /loans { list GET, create POST, /{loan} { read GET, update PUT PATCH } }\n"
	"}\n"
	"facts { resource.owner string }\n"
	"scope reading \"Only reads\" { allow GET on api:/** }\n";
static const char roles[] =
	"# Who may do what.\n"
	"role viewer \"Sees loans\" {\n"
	"    allow GET on api:/loans   # all\n"
	"    allow GET on api:/loans/{loan} when resource.owner is principal.id\n"
	"}\n"
	"role editor inherits viewer { allow update on api:/loans/{loan} }\n"
	"role chief inherits editor {\n"
	"    allow all on api:/**\n"
	"    deny PATCH on api:/loans/{loan}\n"
	"}\n"
	"role other { allow create on api:/loans }\n"
	"\n"
	"test \"viewers see\" {\n"
	"    as role viewer\n"
	"    allow GET api:/loans\n"
	"    deny  POST, PUT api:/loans, api:/loans/1\n"
	"}\n"
	"test \"chiefs create\" {\n"
	"    as role chief\n"
	"    and role other\n"
	"    allow POST api:/loans\n"
	"}\n";

struct kept {
	char path[64];
	struct console_folder *folder;
};

static void put(const struct kept *kept, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", kept->path, name);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	cr_assert_eq(fclose(file), 0);
}

static struct kept begin(void)
{
	struct kept kept = { .path = "/tmp/authz-console-XXXXXX" };
	char path[128];

	cr_assert_not_null(mkdtemp(kept.path));
	snprintf(path, sizeof path, "%s/below", kept.path);
	cr_assert_eq(mkdir(path, 0700), 0);
	put(&kept, "api.policy", api);
	put(&kept, "below/roles.policy", roles);
	put(&kept, "notes.txt", "not of the policy\n");
	kept.folder = console_folder_create(kept.path, NULL);
	cr_assert_not_null(kept.folder);
	return kept;
}

static void end(struct kept *kept)
{
	static const char *const names[] = { "/api.policy", "/notes.txt", "/.authz-revision",
		"/below/roles.policy", "/below/more.policy", "/below", "" };
	char path[128];

	console_folder_destroy(kept->folder);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s%s", kept->path, names[i]);
		(void)remove(path);
	}
}

/* The answer to a call whose parameters are JSON. */
static json_t *call(const struct kept *kept, const char *method, const char *params)
{
	json_t *given = json_loads(params, 0, NULL);
	json_t *answer;

	cr_assert_not_null(given, "%s", params);
	answer = console_folder_call(kept->folder, method, given);
	cr_assert_not_null(answer);
	json_decref(given);
	return answer;
}

static json_t *result(const struct kept *kept, const char *method, const char *params)
{
	json_t *answer = call(kept, method, params);
	json_t *value = json_incref(json_object_get(answer, "result"));

	if (value == NULL) {
		char *text = json_dumps(answer, 0);

		cr_assert_fail("%s: %s", method, text);
	}
	json_decref(answer);
	return value;
}

static void expect_json(const json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_t *want = json_loads(wanted, JSON_DECODE_ANY, NULL);

	cr_assert_not_null(want, "%s", wanted);
	cr_expect(json_equal(value, want), "%s", text);
	json_decref(want);
	free(text);
}

/* The result of a call, compared as a whole. */
static void expect_result(
	const struct kept *kept, const char *method, const char *params, const char *wanted)
{
	json_t *value = result(kept, method, params);

	expect_json(value, wanted);
	json_decref(value);
}

static void expect_error(const struct kept *kept, const char *method, const char *params,
	const char *code, const char *message)
{
	json_t *answer = call(kept, method, params);
	const json_t *error = json_object_get(answer, "error");
	const char *said = json_string_value(json_object_get(error, "message"));

	cr_assert_not_null(error, "%s %s", method, params);
	cr_expect_str_eq(json_string_value(json_object_get(error, "code")), code, "%s", said);
	cr_expect_not_null(strstr(said, message), "%s", said);
	json_decref(answer);
}

Test(console_folder, its_state_has_the_files_and_whether_the_revision_is_the_daemons)
{
	struct kept kept = begin();
	json_t *status = result(&kept, "folder.status", "{\"revision\": \"0123456789abcdef\"}");
	char params[64];

	snprintf(params, sizeof params, "{\"revision\": \"%s\"}",
		json_string_value(json_object_get(status, "revision")));
	expect_json(json_object_get(status, "same"), "false");
	expect_json(json_object_get(status, "readable"), "true");
	expect_json(json_object_get(status, "valid"), "true");
	expect_json(json_object_get(status, "files"),
		"[{\"name\": \"api.policy\", \"lines\": 5, \"bytes\": 184},"
		" {\"name\": \"below/roles.policy\", \"lines\": 22, \"bytes\": 556}]");
	cr_expect_str_eq(json_string_value(json_object_get(status, "folder")), kept.path);
	cr_expect_null(json_object_get(status, "problem"));
	cr_expect_null(json_object_get(status, "commit"));
	json_decref(status);
	put(&kept, ".authz-revision", "2b4d9f1c\n");
	status = result(&kept, "folder.status", params);
	expect_json(json_object_get(status, "same"), "true");
	expect_json(json_object_get(status, "commit"), "\"2b4d9f1c\"");
	json_decref(status);
	status = result(&kept, "folder.status", "{}");
	cr_expect_null(json_object_get(status, "same"));
	json_decref(status);
	end(&kept);
}

Test(console_folder, a_file_is_one_of_those_of_the_policy_alone)
{
	struct kept kept = begin();
	char params[128];
	json_t *file = result(&kept, "folder.file", "{\"name\": \"below/roles.policy\"}");

	cr_expect_str_eq(json_string_value(json_object_get(file, "text")), roles);
	json_decref(file);
	snprintf(params, sizeof params, "{\"name\": \"%s/api.policy\"}", kept.path);
	file = result(&kept, "folder.file", params);
	cr_expect_str_eq(json_string_value(json_object_get(file, "name")), "api.policy");
	cr_expect_str_eq(json_string_value(json_object_get(file, "text")), api);
	json_decref(file);
	expect_error(&kept, "folder.file", "{\"name\": \"notes.txt\"}", "not_found", "notes.txt");
	expect_error(&kept, "folder.file", "{\"name\": \"/etc/passwd\"}", "not_found", "passwd");
	expect_error(&kept, "folder.file", "{\"name\": \"below/../api.policy\"}", "not_found", "");
	expect_error(&kept, "folder.file", "{\"name\": \"../x.policy\"}", "not_found", "");
	end(&kept);
}

Test(console_folder, a_file_that_is_too_long_for_a_page_is_refused)
{
	struct kept kept = begin();
	size_t size = 3 * 1024 * 1024;
	char *text = malloc(size + 1);

	cr_assert_not_null(text);
	memset(text, '#', size);
	text[size] = '\0';
	put(&kept, "below/more.policy", text);
	free(text);
	expect_error(&kept, "folder.file", "{\"name\": \"below/more.policy\"}", "limit_reached",
		"3145728 bytes");
	end(&kept);
}

Test(console_folder, a_check_has_the_tests_and_what_lint_finds)
{
	struct kept kept = begin();
	json_t *check = result(&kept, "folder.check", "{}");

	expect_json(json_object_get(check, "ok"), "true");
	expect_json(json_object_get(check, "tests"), "{\"passed\": 2, \"failed\": 0}");
	expect_json(json_object_get(check, "errors"), "0");
	cr_expect_gt(json_integer_value(json_object_get(check, "warnings")), 0);
	expect_json(json_object_get(
			    json_array_get(json_object_get(check, "diagnostics"), 0), "severity"),
		"\"warning\"");
	json_decref(check);
	end(&kept);
}

Test(console_folder, what_changes_in_the_folder_shows_in_the_next_call)
{
	struct kept kept = begin();
	json_t *check = result(&kept, "folder.check", "{}");

	json_decref(check);
	put(&kept, "below/more.policy",
		"test \"wrong\" {\n    as role other\n    allow GET api:/loans\n}\n");
	check = result(&kept, "folder.check", "{}");
	expect_json(json_object_get(check, "ok"), "false");
	expect_json(json_object_get(check, "tests"), "{\"passed\": 2, \"failed\": 1}");
	json_decref(check);
	expect_result(&kept, "folder.tests", "{\"role\": \"other\"}",
		"{\"passed\": 2, \"failed\": 1, \"total\": 2, \"tests\": ["
		"{\"name\": \"wrong\", \"file\": \"below/more.policy\", \"line\": 1,"
		" \"passed\": false, \"roles\": [\"other\"], \"cases\": [{\"line\": 3, \"text\":"
		" \"allow GET api:/loans\", \"passed\": false, \"failures\": [\"expected allow for"
		" GET api:/loans, got deny because role\"]}]},"
		"{\"name\": \"chiefs create\", \"file\": \"below/roles.policy\", \"line\": 18,"
		" \"passed\": true, \"roles\": [\"chief\", \"other\"], \"cases\": [{\"line\": 21,"
		" \"text\": \"allow POST api:/loans\", \"passed\": true}]}]}");
	put(&kept, "below/more.policy", "role broken {\n    allow raed on api:/loans\n}\n");
	check = result(&kept, "folder.check", "{}");
	expect_json(json_object_get(check, "ok"), "false");
	expect_json(json_object_get(check, "errors"), "1");
	expect_json(
		json_object_get(json_array_get(json_object_get(check, "diagnostics"), 0), "file"),
		"\"below/more.policy\"");
	json_decref(check);
	expect_error(&kept, "folder.tests", "{}", "invalid_policy", "1 error");
	expect_error(&kept, "folder.matrix", "{}", "invalid_policy", "does not compile");
	check = result(&kept, "folder.status", "{\"revision\": \"0123456789abcdef\"}");
	expect_json(json_object_get(check, "valid"), "false");
	cr_expect_null(json_object_get(check, "same"));
	cr_expect_not_null(strstr(
		json_string_value(json_object_get(check, "problem")), "1 error, 0 warnings"));
	json_decref(check);
	check = result(&kept, "folder.file", "{\"name\": \"below/more.policy\"}");
	json_decref(check);
	end(&kept);
}

Test(console_folder, a_folder_that_is_gone_is_a_problem_and_no_failure)
{
	struct kept kept = begin();
	json_t *status = result(&kept, "folder.status", "{}");

	json_decref(status);
	end(&kept);
	kept.folder = console_folder_create(kept.path, NULL);
	status = result(&kept, "folder.status", "{\"revision\": \"0123456789abcdef\"}");
	expect_json(json_object_get(status, "readable"), "false");
	expect_json(json_object_get(status, "valid"), "false");
	expect_json(json_object_get(status, "files"), "[]");
	cr_expect_not_null(
		strstr(json_string_value(json_object_get(status, "problem")), kept.path));
	json_decref(status);
	expect_error(&kept, "folder.check", "{}", "unavailable", kept.path);
	expect_error(&kept, "folder.file", "{\"name\": \"a.policy\"}", "unavailable", kept.path);
	expect_error(&kept, "folder.role", "{\"name\": \"a\"}", "unavailable", kept.path);
	console_folder_destroy(kept.folder);
}

Test(console_folder, a_folder_without_policy_files_says_so)
{
	struct kept kept = begin();
	char path[128];

	snprintf(path, sizeof path, "%s/api.policy", kept.path);
	cr_assert_eq(unlink(path), 0);
	snprintf(path, sizeof path, "%s/below/roles.policy", kept.path);
	cr_assert_eq(unlink(path), 0);
	expect_error(&kept, "folder.check", "{}", "invalid_policy", "no *.policy file");
	put(&kept, "api.policy", api);
	json_decref(result(&kept, "folder.check", "{}"));
	end(&kept);
}

Test(console_folder, a_role_is_shown_as_written_with_its_heirs_grants_and_tests)
{
	struct kept kept = begin();
	json_t *role = result(&kept, "folder.role", "{\"name\": \"viewer\"}");

	expect_json(json_object_get(role, "text"),
		"\"role viewer \\\"Sees loans\\\" {\\n    allow GET on api:/loans   # all\\n    "
		"allow GET on api:/loans/{loan} when resource.owner is principal.id\\n}\"");
	expect_json(json_object_get(role, "description"), "\"Sees loans\"");
	expect_json(json_object_get(role, "file"), "\"below/roles.policy\"");
	expect_json(json_object_get(role, "line"), "2");
	expect_json(json_object_get(role, "end_line"), "5");
	expect_json(json_object_get(role, "inherits"), "[]");
	expect_json(json_object_get(role, "inherited_by"), "[\"editor\"]");
	expect_json(json_object_get(role, "inherited_through"), "[\"chief\"]");
	expect_json(json_object_get(role, "grants"),
		"[{\"role\": \"viewer\", \"deny\": false, \"text\": \"allow GET on api:/loans\","
		" \"file\": \"below/roles.policy\", \"line\": 3, \"covered\": true,"
		" \"reached\": true, \"tests\": 1},"
		" {\"role\": \"viewer\", \"deny\": false, \"text\": \"allow GET on"
		" api:/loans/{loan} when resource.owner is principal.id\", \"file\":"
		" \"below/roles.policy\", \"line\": 4, \"covered\": false, \"reached\": false,"
		" \"tests\": 0}]");
	cr_expect_eq(json_array_size(json_object_get(role, "tests")), 1);
	json_decref(role);
	role = result(&kept, "folder.role", "{\"name\": \"chief\"}");
	expect_json(json_object_get(role, "inherits"), "[\"editor\"]");
	expect_json(json_object_get(role, "inherited_by"), "[]");
	cr_expect_null(json_object_get(role, "description"));
	json_decref(role);
	expect_error(&kept, "folder.role", "{\"name\": \"nobody\"}", "not_found", "'nobody'");
	end(&kept);
}

Test(console_folder, coverage_says_of_each_grant_how_many_tests_need_it)
{
	struct kept kept = begin();
	json_t *coverage = result(&kept, "folder.coverage", "{}");

	expect_json(json_object_get(json_object_get(coverage, "counts"), "roles"),
		"{\"covered\": 3, \"total\": 4}");
	cr_expect_eq(json_array_size(json_object_get(coverage, "grants")), 7);
	expect_json(json_array_get(json_object_get(coverage, "grants"), 0),
		"{\"scope\": \"reading\", \"deny\": false, \"text\": \"allow GET on api:/**\","
		" \"file\": \"api.policy\", \"line\": 5, \"covered\": false, \"reached\": false,"
		" \"tests\": 0}");
	expect_json(json_array_get(json_object_get(coverage, "roles"), 1),
		"{\"role\": \"viewer\", \"file\": \"below/roles.policy\", \"line\": 2,"
		" \"covered\": true, \"tests\": 1}");
	json_decref(coverage);
	end(&kept);
}

Test(console_folder, the_matrix_has_a_mark_for_each_holder_and_the_conditions_once)
{
	struct kept kept = begin();
	json_t *matrix = result(&kept, "folder.matrix", "{\"tree\": \"api\"}");

	expect_json(json_object_get(matrix, "holders"),
		"[{\"kind\": \"role\", \"name\": \"viewer\", \"description\": \"Sees loans\"},"
		" {\"kind\": \"role\", \"name\": \"editor\"},"
		" {\"kind\": \"role\", \"name\": \"chief\"},"
		" {\"kind\": \"role\", \"name\": \"other\"},"
		" {\"kind\": \"scope\", \"name\": \"reading\", \"description\": \"Only reads\"}]");
	expect_json(json_object_get(matrix, "nodes"),
		"[{\"resource\": \"api:/\", \"description\": \"The API\", \"actions\": []},"
		" {\"resource\": \"api:/loans\", \"actions\": ["
		"  {\"action\": \"list\", \"methods\": [\"GET\"], \"marks\": \"+3.+\"},"
		"  {\"action\": \"create\", \"methods\": [\"POST\"], \"marks\": \".2+2.\"}]},"
		" {\"resource\": \"api:/loans/{loan}\", \"actions\": ["
		"  {\"action\": \"read\", \"methods\": [\"GET\"], \"marks\": \"?2+.+\","
		"   \"when\": {\"0\": 0, \"1\": 0}},"
		"  {\"action\": \"update\", \"methods\": [\"PUT\", \"PATCH\"],"
		"   \"marks\": \".+x.2\"}]}]");
	expect_json(json_object_get(matrix, "conditions"), "[\"resource.owner is principal.id\"]");
	json_decref(matrix);
	matrix = result(&kept, "folder.matrix", "{\"scope\": \"reading\"}");
	cr_expect_eq(json_array_size(json_object_get(matrix, "holders")), 1);
	json_decref(matrix);
	expect_error(&kept, "folder.matrix", "{\"tree\": \"ui\"}", "not_found", "'ui'");
	expect_error(&kept, "folder.matrix", "{\"role\": \"nobody\"}", "not_found", "'nobody'");
	expect_error(&kept, "folder.matrix", "{\"role\": \"viewer\", \"scope\": \"reading\"}",
		"invalid_request", "exclude");
	end(&kept);
}

Test(console_folder, bad_parameters_and_other_calls_are_refused)
{
	struct kept kept = begin();
	json_t *answer = call(&kept, "folder.file", "{\"name\": 7}");

	expect_json(json_object_get(json_object_get(answer, "error"), "param"), "\"name\"");
	json_decref(answer);
	expect_error(&kept, "folder.file", "{}", "invalid_request", "missing");
	expect_error(&kept, "folder.file", "{\"name\": \"\"}", "invalid_request", "not empty");
	expect_error(&kept, "folder.check", "{\"name\": \"a\"}", "invalid_request", "unknown");
	expect_error(&kept, "folder.write", "{}", "unknown_method", "unknown");
	expect_error(&kept, "folder.", "{}", "unknown_method", "unknown");
	end(&kept);
}

/* Asks for all parts with the given parameters; returns how many there are, and the marks of all.
 */
static size_t read_parts(const struct kept *kept, const char *params, char *marks, size_t size)
{
	json_t *given = json_loads(params, 0, NULL), *answer, *node, *action;
	const json_t *part;
	size_t count = 0, i, k, used = 0;
	bool more = true;

	for (; more; count++) {
		answer = console_folder_call(kept->folder, "folder.matrix", given);
		part = json_object_get(answer, "result");
		cr_assert_not_null(part);
		cr_expect_eq(json_object_get(part, "holders") != NULL, count == 0);
		json_array_foreach(json_object_get(part, "nodes"), i, node)
		{
			json_array_foreach(json_object_get(node, "actions"), k, action)
			{
				used += (size_t)snprintf(marks + used, size - used, "%s|",
					json_string_value(json_object_get(action, "marks")));
				cr_assert_lt(used, size);
			}
		}
		more = json_object_get(part, "cursor") != NULL;
		if (more) {
			json_object_set(given, "cursor", json_object_get(part, "cursor"));
		}
		json_decref(answer);
	}
	json_decref(given);
	return count;
}

static size_t add_run(char *out, char mark, size_t count)
{
	if (count == 0) {
		return 0;
	}
	return (size_t)(count == 1 ? snprintf(out, 24, "%c", mark)
				   : snprintf(out, 24, "%c%zu", mark, count));
}

Test(console_folder, a_large_matrix_comes_in_parts_that_are_the_whole_together)
{
	enum { ROLES = 2500, NODES = 1000, OTHERS = 5, SIZE = 1024 * 1024 };
	struct kept kept = begin();
	char *text = malloc(SIZE), *marks = malloc(SIZE), *want = malloc(SIZE);
	size_t used = 0;

	cr_assert(text != NULL && marks != NULL && want != NULL);
	used = (size_t)snprintf(text, SIZE, "tree big {\n");
	for (size_t i = 0; i < NODES; i++) {
		used += (size_t)snprintf(text + used, SIZE - used, "/n%zu { GET }\n", i);
	}
	used += (size_t)snprintf(text + used, SIZE - used, "}\n");
	for (size_t i = 0; i < ROLES; i++) {
		used += (size_t)snprintf(text + used, SIZE - used,
			"role r%zu { allow GET on big:/n%zu }\n", i, i % NODES);
	}
	cr_assert_lt(used, SIZE);
	put(&kept, "below/more.policy", text);
	cr_expect_eq(read_parts(&kept, "{\"tree\": \"big\"}", marks, SIZE), 2);
	used = 0;
	for (size_t i = 0; i < NODES; i++) {
		/* Every thousandth role has it, and none of the other roles and scopes. */
		size_t first = i;

		for (size_t role = i; role < ROLES; role += NODES) {
			used += add_run(want + used, '.', role == i ? first : NODES - 1);
			used += add_run(want + used, '+', 1);
			first = role;
		}
		used += add_run(want + used, '.', ROLES - 1 - first + OTHERS);
		want[used++] = '|';
		cr_assert_lt(used, SIZE - 100);
	}
	want[used] = '\0';
	cr_expect(strcmp(marks, want) == 0, "%.100s", marks);
	expect_error(&kept, "folder.matrix", "{\"cursor\": \"-1\"}", "invalid_request", "cursor");
	expect_error(&kept, "folder.matrix", "{\"cursor\": \"1x\"}", "invalid_request", "cursor");
	free(text);
	free(marks);
	free(want);
	end(&kept);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "client/http/json.h"
#include "tools/document.h"

/* Takes the document over. */
static char *printed(json_t *document)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	cr_assert(document_print(document, file));
	fclose(file);
	json_decref(document);
	return text;
}

static void expect_printed(json_t *document, const char *text)
{
	char *out = printed(document);

	cr_expect_str_eq(out, text);
	free(out);
}

Test(document, is_indented_and_its_text_escaped)
{
	expect_printed(json_pack("{s:o, s:n, s:[i, b], s:[], s:{}}", "name",
			       document_text("a \"b\" \\ \n \x1b \x7f \xc2\x9b \xff Zoë"), "none",
			       "list", -3, 1, "empty", "map"),
		"{\n"
		"  \"name\": \"a \\\"b\\\" \\\\ \\n \\u001B \\u007f \\u009b \xef\xbf\xbd Zoë\",\n"
		"  \"none\": null,\n"
		"  \"list\": [\n"
		"    -3,\n"
		"    true\n"
		"  ],\n"
		"  \"empty\": [],\n"
		"  \"map\": {}\n"
		"}\n");
}

Test(document, times_of_the_wire_become_rfc_3339_and_the_order_stays)
{
	struct wire_buf buf;

	wire_buf_init(&buf, 4096);
	wire_put_map(&buf, 5);
	wire_put_cstr(&buf, "until");
	wire_put_int(&buf, INT64_C(1795316738));
	wire_put_cstr(&buf, "created_at");
	wire_put_int(&buf, 0);
	wire_put_cstr(&buf, "uses");
	wire_put_int(&buf, 7);
	wire_put_cstr(&buf, "expires_at");
	wire_put_int(&buf, INT64_MAX);
	wire_put_cstr(&buf, "at");
	wire_put_array(&buf, 1);
	wire_put_cstr(&buf, "api:/loans/7");
	cr_assert_eq(buf.status, WIRE_OK);
	expect_printed(document_wire(wire_cursor_of(buf.data, buf.len)),
		"{\n"
		"  \"until\": \"2026-11-22T03:05:38Z\",\n"
		"  \"created_at\": \"1970-01-01T00:00:00Z\",\n"
		"  \"uses\": 7,\n"
		"  \"expires_at\": 9223372036854775807,\n"
		"  \"at\": [\n"
		"    \"api:/loans/7\"\n"
		"  ]\n"
		"}\n");
	wire_buf_finish(&buf);
}

/* Prints the object in parts, from the member `array` on; takes it over. */
static char *printed_in_parts(json_t *object, const char *array)
{
	struct document_list list = { 0 };
	json_t *before = json_object(), *after = json_object(), *member, *item;
	const char *key;
	bool passed = false;
	char *text = NULL;
	size_t len = 0, i;
	FILE *file = open_memstream(&text, &len);

	json_object_foreach(object, key, member)
	{
		if (strcmp(key, array) == 0) {
			passed = true;
		} else {
			json_object_set(passed ? after : before, key, member);
		}
	}
	cr_assert(document_list_begin(&list, file, before, array));
	json_array_foreach(json_object_get(object, array), i, item)
	{
		cr_assert(document_list_item(&list, item));
	}
	cr_assert(document_list_end(&list, json_object_size(after) > 0 ? after : NULL));
	fclose(file);
	json_decref(before);
	json_decref(after);
	json_decref(object);
	return text;
}

Test(document, a_list_in_parts_has_the_bytes_of_the_whole)
{
	static const char *const objects[] = {
		"{\"items\": []}",
		"{\"items\": [1]}",
		"{\"items\": [{}, [], {\"a\\n\\u007f\": [\"b\\n\\u009b\", {\"c\": null}]}, \"d\"]}",
		"{\"a\": {\"b\": [1]}, \"items\": [[[3]], {\"c\": 4}], \"d\": [], \"e\": \"\\n\"}",
		"{\"items\": [], \"error\": {\"code\": \"internal\"}}",
	};

	for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
		json_t *object = json_loads(objects[i], 0, NULL);
		char *whole = printed(json_incref(object));
		char *parts = printed_in_parts(object, "items");

		cr_expect_str_eq(parts, whole);
		free(whole);
		free(parts);
	}
}

Test(document, a_list_without_memory_prints_nothing)
{
	struct document_list list = { 0 };

	cr_expect_not(document_list_begin(&list, stdout, NULL, "items"));
	cr_expect_null(list.file);
}

static const char *wrong_with(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);
	struct wire_buf buf;
	const char *wrong;

	wire_buf_init(&buf, 4096);
	wrong = http_json_to_wire(value, &buf);
	if (wrong == NULL) {
		json_t *back = document_wire(wire_cursor_of(buf.data, buf.len));

		cr_expect(json_equal(back, value), "%s", text);
		json_decref(back);
	}
	wire_buf_finish(&buf);
	json_decref(value);
	return wrong;
}

Test(document, goes_to_the_wire_and_back_or_says_why_not)
{
	cr_expect_null(wrong_with("{\"a\": [1, -9223372036854775808, true, false, null, \"ü\"],"
				  " \"b\": {\"c\": {}}}"));
	cr_expect_str_eq(wrong_with("[1.0]"), "has a number that is not an integer");
	cr_expect_null(wrong_with("[[[[[[[1]]]]]]]"));
	cr_expect_str_eq(wrong_with("[[[[[[[[1]]]]]]]]"), "is nested too deeply");
}

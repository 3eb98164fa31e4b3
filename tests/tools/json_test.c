/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tools/json.h"

static char *printed(struct json *json)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	cr_assert(json_print(json, file));
	fclose(file);
	json_finish(json);
	return text;
}

Test(json, a_document_is_indented_and_its_text_escaped)
{
	struct json json;
	char *text;

	cr_assert(json_init(&json));
	json_open(&json, '{');
	json_pair(&json, "name", "a \"b\" \\ \n \x1b \x7f \xff Zoë");
	json_pair(&json, "none", NULL);
	json_key(&json, "list");
	json_open(&json, '[');
	json_int(&json, -3);
	json_bool(&json, true);
	json_close(&json, ']');
	json_key(&json, "empty");
	json_open(&json, '[');
	json_close(&json, ']');
	json_close(&json, '}');
	text = printed(&json);
	cr_expect_str_eq(text,
		"{\n"
		"  \"name\": \"a \\\"b\\\" \\\\ \\n \\u001b \\u007f \xef\xbf\xbd Zoë\",\n"
		"  \"none\": null,\n"
		"  \"list\": [\n"
		"    -3,\n"
		"    true\n"
		"  ],\n"
		"  \"empty\": []\n"
		"}\n");
	free(text);
}

Test(json, times_of_the_wire_become_rfc_3339_and_other_numbers_stay)
{
	struct wire_buf buf;
	struct json json;
	char *text;

	wire_buf_init(&buf, 4096);
	wire_put_map(&buf, 4);
	wire_put_cstr(&buf, "created_at");
	wire_put_int(&buf, 0);
	wire_put_cstr(&buf, "until");
	wire_put_int(&buf, INT64_C(1795316738));
	wire_put_cstr(&buf, "uses");
	wire_put_int(&buf, 7);
	wire_put_cstr(&buf, "at");
	wire_put_array(&buf, 1);
	wire_put_cstr(&buf, "api:/loans/7");
	cr_assert_eq(buf.status, WIRE_OK);
	cr_assert(json_init(&json));
	json_wire(&json, wire_cursor_of(buf.data, buf.len));
	wire_buf_finish(&buf);
	text = printed(&json);
	cr_expect_str_eq(text, "{\n"
			       "  \"created_at\": \"1970-01-01T00:00:00Z\",\n"
			       "  \"until\": \"2026-11-22T03:05:38Z\",\n"
			       "  \"uses\": 7,\n"
			       "  \"at\": [\n"
			       "    \"api:/loans/7\"\n"
			       "  ]\n"
			       "}\n");
	free(text);
}

Test(json, what_was_reset_is_forgotten_and_nothing_prints_nothing)
{
	struct json json;
	char *text;

	cr_assert(json_init(&json));
	json_open(&json, '{');
	json_key(&json, "half");
	cr_assert(json_reset(&json));
	text = printed(&json);
	cr_expect_str_eq(text, "");
	free(text);
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Names of the language made from the names of a source. */

#include <string.h>

#include "tools/import/import.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_id(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Copies what is an id character or one of `more`; a run of others becomes one '-', or nothing at
 * an end. `prefix` stands before a first character that is not a letter. */
static char *copy_legal(struct import *import, struct pol_str text, const char *more,
	const char *prefix, size_t *out_len)
{
	size_t room = text.len + strlen(prefix) + 4;
	char *out = pol_arena_alloc(&import->arena, room, 1);
	size_t len = 0;
	bool gap = false;

	*out_len = 0;
	if (out == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < text.len && len < IMPORT_NAME_MAX; i++) {
		char c = text.ptr[i];

		if (!is_id(c) && (c == '\0' || strchr(more, c) == NULL)) {
			gap = len > 0;
			continue;
		}
		if (len == 0 && !is_letter(c)) {
			if (!is_id(c)) {
				continue;
			}
			len = strlen(prefix);
			memcpy(out, prefix, len);
		}
		if (gap && out[len - 1] != '-') {
			out[len++] = '-';
		}
		gap = false;
		out[len++] = c;
	}
	*out_len = len < IMPORT_NAME_MAX ? len : IMPORT_NAME_MAX;
	return out;
}

struct pol_str import_action_name(struct import *import, struct pol_str text)
{
	static const char *const taken[] = { "all", "on", "except", "when", "with", "because",
		"strict_slash" };
	size_t len;
	char *out = copy_legal(import, text, "./", "op-", &len);
	bool small = false;

	if (out == NULL || len == 0) {
		return (struct pol_str){ "", 0 };
	}
	for (size_t i = 0; i < len; i++) {
		small = small || (out[i] >= 'a' && out[i] <= 'z');
	}
	/* A word in capitals is a method. */
	for (size_t i = 0; !small && i < len; i++) {
		out[i] = out[i] >= 'A' && out[i] <= 'Z' ? (char)(out[i] + ('a' - 'A')) : out[i];
	}
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
		if (pol_str_equal((struct pol_str){ out, len }, pol_str_of(taken[i]))) {
			out[len++] = '_';
			break;
		}
	}
	return (struct pol_str){ out, len };
}

struct pol_str import_param_name(struct import *import, struct pol_str text)
{
	size_t len;
	char *out =
		copy_legal(import, text, "", text.len > 0 && text.ptr[0] == '_' ? "" : "_", &len);

	if (out == NULL || len == 0) {
		return POL_STR("parameter");
	}
	return (struct pol_str){ out, len };
}

/* Words joined by one '.', ':' or '/' each. */
struct pol_str import_scope_name(struct import *import, struct pol_str text)
{
	size_t len, used = 0;
	char *out = copy_legal(import, text, ".:/", "s-", &len);

	if (out == NULL) {
		return (struct pol_str){ "", 0 };
	}
	for (size_t i = 0; i < len; i++) {
		bool joint = !is_id(out[i]);

		if (joint && (used == 0 || !is_id(out[used - 1]))) {
			continue;
		}
		out[used++] = out[i];
	}
	while (used > 0 && !is_id(out[used - 1])) {
		used--;
	}
	return (struct pol_str){ out, used };
}

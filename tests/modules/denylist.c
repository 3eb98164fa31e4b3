/* SPDX-License-Identifier: Apache-2.0 */

/*
 * denylist: denies the keys whose ids are in a data file.
 *
 *	account required denylist data=denied
 *
 * The data file has the ids of keys, one a line. A request without a key is ignored.
 */

#include <authz/module.h>

#include <stdlib.h>
#include <string.h>

struct denylist {
	const struct pol_str *keys; /* sorted */
	size_t count;
};

static bool is_key_id(struct pol_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) {
			return false;
		}
	}
	return text.len > 0 && text.len <= 64;
}

static int compare(const void *a, const void *b)
{
	const struct pol_str *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = len > 0 ? memcmp(x->ptr, y->ptr, len) : 0;

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* `text` is the module's own copy: the file's bytes are valid only while it prepares. */
static bool read_keys(const struct pol_prepare *prepare, const struct pol_word *name,
	struct pol_str text, struct denylist *denylist)
{
	size_t lines = 1, count = 0, line = 0;
	const char *end = text.ptr + text.len;
	struct pol_str *keys;

	for (const char *at = text.ptr; at < end; at++) {
		lines += *at == '\n';
	}
	keys = prepare->alloc(prepare, lines, sizeof *keys);
	if (keys == NULL) {
		return false;
	}
	for (const char *at = text.ptr; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct pol_str key = { at, (size_t)((stop != NULL ? stop : end) - at) };

		line++;
		at += key.len + 1;
		if (key.len == 0 || key.ptr[0] == '#') {
			continue;
		}
		if (!is_key_id(key)) {
			prepare->data_error(prepare, name, line, "is not a key's id");
			return false;
		}
		keys[count++] = key;
	}
	qsort(keys, count, sizeof *keys, compare);
	denylist->keys = keys;
	denylist->count = count;
	return true;
}

static bool prepare_denylist(const struct pol_prepare *prepare, const void **out)
{
	static const char *const names[] = { "data" };
	struct denylist *denylist = prepare->alloc(prepare, 1, sizeof *denylist);
	struct pol_option data;
	struct pol_str text;
	char *copy;

	if (denylist == NULL || !prepare->options(prepare, names, 1, &data)) {
		return false;
	}
	if (data.count != 1) {
		prepare->error(prepare, prepare->module.at,
			"module 'denylist' wants one data file, as in 'denylist data=denied'");
		return false;
	}
	if (!prepare->data(prepare, data.values, &text)) {
		return false;
	}
	copy = prepare->alloc(prepare, text.len + 1, 1);
	if (copy == NULL) {
		return false;
	}
	memcpy(copy, text.ptr, text.len);
	*out = denylist;
	return read_keys(prepare, data.values, (struct pol_str){ copy, text.len }, denylist);
}

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	const struct denylist *denylist = state;
	const struct pol_str *key = &request->facts->key;

	if (key->len == 0) {
		return (struct pol_answer){ .verdict = POL_IGNORE };
	}
	if (denylist->count > 0 &&
		bsearch(key, denylist->keys, denylist->count, sizeof *key, compare) != NULL) {
		return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("denylist") };
	}
	return (struct pol_answer){ .verdict = POL_ALLOW };
}

const struct pol_module authz_module = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "denylist",
	.version = "2",
	.groups = 1U << POL_GROUP_ACCOUNT,
	.prepare = prepare_denylist,
	.decide = decide,
};

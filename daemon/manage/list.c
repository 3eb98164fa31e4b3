/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/list.h"

#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/manage/check.h"
#include "daemon/secret/token.h"
#include "daemon/store/env.h"

#define MAX_CURSOR_TEXT (2 * (SECRET_TAG + LIST_MAX_CURSOR))

/* Adds bytes to the tag: they are hashed, and then the hash with the tag so far. Parameters need no
 * bound that way. */
static void chain(struct list *list, const void *bytes, size_t len, uint8_t tag[static SECRET_TAG])
{
	struct secrets *secrets = store_secrets(list->call->context->store);
	uint8_t both[2 * SECRET_TAG];

	memcpy(both, tag, SECRET_TAG);
	secret_tag(secrets, SECRET_CURSORS, bytes, len, both + SECRET_TAG);
	secret_tag(secrets, SECRET_CURSORS, both, sizeof both, tag);
}

static bool is_paging(struct wire_str name)
{
	return wire_str_equal(name, WIRE_STR("limit")) || wire_str_equal(name, WIRE_STR("cursor"));
}

static void tag_cursor(struct list *list, uint8_t tag[static SECRET_TAG])
{
	const struct method *method = list->call->method;

	memset(tag, 0, SECRET_TAG);
	chain(list, method->name, strlen(method->name), tag);
	if (list->call->actor != NULL) {
		chain(list, &list->call->actor->tenant, sizeof list->call->actor->tenant, tag);
	}
	for (uint32_t i = 0; i < method->field_count; i++) {
		const struct wire_value *value = &list->call->params[i];
		uint8_t given = value->given;

		if (is_paging(method->fields[i].name)) {
			continue;
		}
		chain(list, &given, 1, tag);
		if (value->given && method->fields[i].kind == WIRE_KIND_TEXT) {
			chain(list, value->text.ptr, value->text.len, tag);
		} else if (value->given) {
			chain(list, &value->integer, sizeof value->integer, tag);
		}
	}
	chain(list, list->cursor, list->cursor_len, tag);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_cursor(struct list *list, struct wire_str text)
{
	uint8_t bytes[MAX_CURSOR_TEXT / 2], tag[SECRET_TAG];
	size_t len = text.len / 2;

	if (text.len % 2 != 0 || len <= SECRET_TAG || len > sizeof bytes) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		int high = digit(text.ptr[2 * i]), low = digit(text.ptr[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		bytes[i] = (uint8_t)(high * 16 + low);
	}
	list->cursor_len = len - SECRET_TAG;
	memcpy(list->cursor, bytes + SECRET_TAG, list->cursor_len);
	tag_cursor(list, tag);
	return secret_equal(tag, bytes, SECRET_TAG);
}

static void encode_cursor(struct list *list)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[MAX_CURSOR_TEXT / 2];
	char text[MAX_CURSOR_TEXT];
	size_t len = SECRET_TAG + list->cursor_len;

	tag_cursor(list, bytes);
	memcpy(bytes + SECRET_TAG, list->cursor, list->cursor_len);
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	wire_put_str(list->call->out, WIRE_STR("cursor"));
	wire_put_str(list->call->out, (struct wire_str){ text, 2 * len });
}

int list_begin(struct list *list, struct call *call, const struct wire_value *limit,
	const struct wire_value *cursor)
{

	*list = (struct list){ .call = call, .limit = LIST_DEFAULT, .start = call->out->len };
	if (limit->given && (limit->integer < 1 || limit->integer > LIST_MAX)) {
		return call_invalid(call, "limit", "must be from 1 to %d", LIST_MAX);
	}
	if (limit->given) {
		list->limit = (uint32_t)limit->integer;
	}
	if (cursor->given && !read_cursor(list, cursor->text)) {
		return call_invalid(call, "cursor",
			"is not one that this list gave with these filters: begin without a "
			"cursor");
	}
	wire_put_result(call->out, call->id);
	list->map = wire_open_map(call->out);
	wire_put_str(call->out, WIRE_STR("items"));
	list->items = wire_open_array(call->out);
	return 0;
}

enum { TENANT, LIMIT, CURSOR };

const struct wire_field list_tenant_fields[LIST_TENANT_FIELDS] = {
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

int list_begin_tenant(struct list *list, struct call *call, const char *noun, uint32_t *out_tenant)
{
	int r = actor_may(call, noun, (struct pol_str){ NULL, 0 }, "list");

	if (r == 0) {
		r = check_tenant(call, &call->params[TENANT], out_tenant);
	}
	return r == 0 ? list_begin(list, call, &call->params[LIMIT], &call->params[CURSOR]) : r;
}

bool list_has_room(struct list *list)
{
	if (list->count == list->limit || list->seen == LIST_MAX_SEEN ||
		list->call->out->len - list->start > LIST_MAX_BYTES) {
		list->full = true;
		return false;
	}
	return true;
}

static void keep_cursor(struct list *list, struct pol_str cursor)
{
	list->cursor_len = cursor.len < LIST_MAX_CURSOR ? cursor.len : LIST_MAX_CURSOR;
	memcpy(list->cursor, cursor.ptr, list->cursor_len);
}

void list_visited(struct list *list, struct pol_str cursor, bool item)
{
	list->seen++;
	list->count += item;
	list->call->cost += 1 + item;
	keep_cursor(list, cursor);
}

void list_stop(struct list *list, struct pol_str cursor)
{
	list->full = true;
	keep_cursor(list, cursor);
}

int list_end(struct list *list)
{
	wire_close_array(list->call->out, list->items, list->count);
	if (list->full) {
		encode_cursor(list);
	}
	wire_close_map(list->call->out, list->map, (list->full ? 2 : 1) + list->extra);
	return 0;
}

struct pol_str list_number_cursor(uint64_t number, char cursor[static LIST_NUMBER])
{
	for (int i = 0; i < LIST_NUMBER; i++) {
		cursor[i] = (char)(number >> (56 - 8 * i));
	}
	return (struct pol_str){ cursor, LIST_NUMBER };
}

uint64_t list_cursor_number(const struct list *list)
{
	uint64_t number = 0;

	for (size_t i = 0; i < list->cursor_len && i < LIST_NUMBER; i++) {
		number = number << 8 | list->cursor[i];
	}
	return number;
}

struct pol_str list_text_cursor(char kind, struct pol_str text, char cursor[static LIST_MAX_CURSOR])
{
	cursor[0] = kind;
	memcpy(cursor + 1, text.ptr, text.len);
	return (struct pol_str){ cursor, text.len + 1 };
}

void list_resume(const struct list *list, struct list_from *out)
{
	size_t len = list->cursor_len > 0 ? list->cursor_len - 1 : 0;

	out->in_files = list->cursor_len > 0 && list->cursor[0] == 'd';
	out->number = 0;
	memcpy(out->text, list->cursor + 1, len);
	out->after = (struct pol_str){ out->text, len };
	for (size_t i = 0; out->in_files && i < len; i++) {
		out->number = out->number << 8 | (unsigned char)out->text[i];
	}
}

void list_add_declared(struct list *list, uint64_t from, size_t count,
	void (*encode)(struct call *call, uint32_t number))
{
	char cursor[LIST_MAX_CURSOR], number[LIST_NUMBER];

	for (size_t i = (size_t)from; i < count; i++) {
		if (!list_has_room(list)) {
			return;
		}
		encode(list->call, (uint32_t)i);
		list_visited(list, list_text_cursor('d', list_number_cursor(i + 1, number), cursor),
			true);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tools/rpc.h"

static struct wire_str view(const char *text)
{
	return (struct wire_str){ text, strlen(text) };
}

void params_begin(struct params *params)
{
	*params = (struct params){ 0 };
	wire_buf_init(&params->buf, WIRE_MAX_REQUEST);
	params->map = wire_open_map(&params->buf);
}

void params_end(struct params *params, const struct app *app)
{
	if (app->token_len > 0) {
		params_str(params, "token", (struct pol_str){ app->token, app->token_len });
	}
	wire_close_map(&params->buf, params->map, params->count);
}

void params_finish(struct params *params)
{
	wire_buf_finish(&params->buf);
}

static void put_name(struct params *params, const char *name)
{
	wire_put_str(&params->buf, view(name));
	params->count++;
}

void params_str(struct params *params, const char *name, struct pol_str value)
{
	put_name(params, name);
	wire_put_str(&params->buf, (struct wire_str){ value.ptr, value.len });
}

void params_text(struct params *params, const char *name, const char *value)
{
	params_str(params, name, pol_str_of(value));
}

void params_int(struct params *params, const char *name, int64_t value)
{
	put_name(params, name);
	wire_put_int(&params->buf, value);
}

void params_bool(struct params *params, const char *name, bool value)
{
	put_name(params, name);
	wire_put_bool(&params->buf, value);
}

void params_nil(struct params *params, const char *name)
{
	put_name(params, name);
	wire_put_nil(&params->buf);
}

void params_list(struct params *params, const char *name, const struct args_list *list)
{
	put_name(params, name);
	wire_put_array(&params->buf, (uint32_t)list->count);
	for (size_t i = 0; i < list->count; i++) {
		wire_put_str(
			&params->buf, (struct wire_str){ list->items[i].ptr, list->items[i].len });
	}
}

bool params_map(struct params *params, const char *name, const struct args_list *list)
{
	put_name(params, name);
	wire_put_map(&params->buf, (uint32_t)list->count);
	for (size_t i = 0; i < list->count; i++) {
		struct pol_str item = list->items[i];
		const char *sign = memchr(item.ptr, '=', item.len);

		if (sign == NULL || sign == item.ptr) {
			return false;
		}
		wire_put_str(
			&params->buf, (struct wire_str){ item.ptr, (size_t)(sign - item.ptr) });
		wire_put_str(&params->buf,
			(struct wire_str){ sign + 1, item.len - (size_t)(sign - item.ptr) - 1 });
	}
	return true;
}

void params_flag(struct params *params, const struct app *app, const char *name, enum flag flag)
{
	if (app->args.given[flag]) {
		params_text(params, name, app->args.values[flag]);
	}
}

void params_flag_list(
	struct params *params, const struct app *app, const char *name, enum flag flag)
{
	if (app->args.given[flag]) {
		params_list(params, name, &app->args.lists[flag]);
	}
}

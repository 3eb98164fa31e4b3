/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/assignment.h"

#include <stdio.h>

#include "tools/record.h"
#include "tools/text.h"
#include "tools/when.h"

void assignment_put(struct app *app, struct params *params)
{
	params_text(params, "principal", app->args.words[0]);
	params_text(params, "role", app->args.words[1]);
	params_flag_list(params, app, "at", FLAG_AT);
	params_flag(params, app, "tenant", FLAG_TENANT);
}

void assignment_print(struct app *app, struct wire_cursor record, const char *done)
{
	struct pol_arena *arena = &app->arena;
	const char *at = record_list(arena, record, "at");
	int64_t until = record_int(record, "until", 0);

	printf("%s: %s, role %s%s%s%s%s\n", done,
		text_escape(arena, pol_str_of(app->args.words[0])),
		text_escape(arena, pol_str_of(app->args.words[1])), at[0] != '\0' ? ", at " : "",
		at, until != 0 ? ", until " : "", when_text_full(app, until));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/differences.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/text/timetext.h"
#include "tools/pager.h"
#include "tools/text.h"

/* GitHub and GitLab refuse or cut comments that are longer than 65,536 characters or 1 MB. What
 * does not fit is counted. */
#define MARKDOWN_BYTES ((size_t)60000)

/* --- words ------------------------------------------------------------------------------------ */

static const char *time_of(struct app *app, int64_t time)
{
	char text[POL_TIME_TEXT];

	return pol_timetext_format(time, text) == POL_OK ? app_text(app, "%s", text) : "";
}

static void put_list(FILE *out, const struct pol_str *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fputs(i > 0 ? ", " : "", out);
		text_put(out, texts[i]);
	}
}

/* "GET, POST", or "all" of a subtree. */
static void put_verbs(FILE *out, const struct pol_change *change)
{
	size_t len = change->pattern.len;
	bool deep = len > 3 && memcmp(change->pattern.ptr + len - 3, "/**", 3) == 0;

	if (change->all && deep && change->verb_count > 1) {
		fputs("all", out);
	} else {
		put_list(out, change->verbs, change->verb_count);
	}
}

static const struct {
	char sign;
	enum colour colour;
	const char *before; /* what stands before the permission */
} looks[] = {
	[POL_CHANGE_GAINED] = { '+', COLOUR_GREEN, "" },
	[POL_CHANGE_LOST] = { '-', COLOUR_RED, "" },
	[POL_CHANGE_DENIED] = { '-', COLOUR_RED, "now denied, whatever else is held: " },
	[POL_CHANGE_UNDENIED] = { '+', COLOUR_GREEN, "no longer denied: " },
	[POL_CHANGE_WIDER] = { '+', COLOUR_GREEN, "wider: " },
	[POL_CHANGE_NARROWER] = { '-', COLOUR_RED, "narrower: " },
	[POL_CHANGE_OTHERWISE] = { '!', COLOUR_YELLOW, "wider and narrower: " },
	[POL_CHANGE_MAYBE] = { '!', COLOUR_YELLOW, "may be wider: " },
	[POL_CHANGE_READS] = { '!', COLOUR_YELLOW, "now read by " },
	[POL_CHANGE_NONE] = { '=', COLOUR_DIM, "" },
	[POL_CHANGE_DECLARED] = { '+', COLOUR_NONE, "" },
	[POL_CHANGE_DROPPED] = { '-', COLOUR_NONE, "" },
	[POL_CHANGE_ADDED] = { '+', COLOUR_YELLOW, "" },
	[POL_CHANGE_REMOVED] = { '-', COLOUR_YELLOW, "" },
	[POL_CHANGE_ALTERED] = { '!', COLOUR_YELLOW, "" },
};

static void put_condition(FILE *out, struct pol_str condition)
{
	if (!pol_str_equal(condition, POL_STR("always")) &&
		!pol_str_equal(condition, POL_STR("never")) &&
		!pol_str_starts(condition, POL_STR("unless "))) {
		fputs("when ", out);
	}
	text_put(out, condition);
}

/* The conditions of permissions. */
static void put_conditions(FILE *out, const struct pol_change *change)
{
	if (change->when.len > 0) {
		fputc(' ', out);
		put_condition(out, change->when);
	}
	if (change->before.len > 0) {
		fputs(": ", out);
		put_condition(out, change->before);
		fputs(" -> ", out);
		put_condition(out, change->after);
	}
}

/* What the change says, without its sign. Straight to the file: it may have many exceptions. */
static void put_change(FILE *out, struct app *app, const struct pol_change *change)
{
	fputs(change->denial ? "denials, whatever else is held, " : "", out);
	fputs(looks[change->kind].before, out);
	if (change->kind == POL_CHANGE_NONE) {
		fprintf(out, "nothing changes%s", change->at.len > 0 ? " at " : "");
		text_put(out, change->at);
	} else if (change->verb_count > 0) {
		put_verbs(out, change);
		fputc(' ', out);
		text_put(out, change->pattern);
		fputs(change->except_count > 0 ? " except " : "", out);
		put_list(out, change->except, change->except_count);
		put_conditions(out, change);
	} else {
		text_put(out, change->what);
	}
	if (change->kind == POL_CHANGE_ALTERED) {
		fputs(": ", out);
		text_put(out, change->before);
		fputs(" -> ", out);
		text_put(out, change->after);
	}
	if (change->from != 0) {
		fprintf(out, "  from %s", time_of(app, change->from));
	}
}

/* --- groups ----------------------------------------------------------------------------------- */

struct differences_group {
	struct differences_group *next;
	struct differences_group *next_in_table; /* with the same hash, modulo the table's size */
	enum pol_compared kind;
	enum pol_presence presence;
	const char *tenant;
	uint64_t hash;
	struct pol_str body; /* the changes, a line each */
	struct pol_str *names;
	size_t name_count, name_capacity;
};

/* The changes as lines, to be freed. NULL: no memory. */
static char *make_body(const struct differences *differences,
	const struct pol_difference *difference, size_t *out_len)
{
	struct app *app = differences->app;
	bool markdown = differences->form == DIFFERENCES_MARKDOWN;
	char *text = NULL;
	FILE *out = open_memstream(&text, out_len);

	for (size_t i = 0; out != NULL && i < difference->count; i++) {
		const struct pol_change *change = &difference->changes[i];
		enum colour colour = looks[change->kind].colour;
		bool coloured = app->colour && !markdown;
		char sign = looks[change->kind].sign;

		/* In a block of the language `diff` a blank begins what is unchanged. */
		fprintf(out, "%s%s%c ", markdown ? "" : "  ", text_begin(coloured, colour),
			markdown && sign == '=' ? ' ' : sign);
		put_change(out, app, change);
		fprintf(out, "%s\n", text_end(coloured, colour));
	}
	if (out != NULL && fclose(out) == 0) {
		return text;
	}
	app->no_memory = true;
	free(text);
	return NULL;
}

static bool is_same(const struct differences_group *group, const struct differences_group *other)
{
	return group->hash == other->hash && group->kind == other->kind &&
	       group->presence == other->presence && group->tenant == other->tenant &&
	       pol_str_equal(group->body, other->body);
}

/* Doubles the table when it is full. */
static bool make_room(struct differences *differences)
{
	size_t size = differences->table_size > 0 ? 2 * differences->table_size : 64;
	struct differences_group **table;

	if (differences->group_count < differences->table_size) {
		return true;
	}
	table = pol_arena_alloc(&differences->app->arena, size, sizeof(struct differences_group *));
	if (table == NULL) {
		return false;
	}
	for (struct differences_group *group = differences->first; group != NULL;
		group = group->next) {
		group->next_in_table = table[group->hash % size];
		table[group->hash % size] = group;
	}
	differences->table = table;
	differences->table_size = size;
	return true;
}

/* The group of the same kind with the same text, which is added if there is none. NULL: no memory.
 */
static struct differences_group *find_group(
	struct differences *differences, const struct differences_group *like)
{
	struct differences_group *group;

	if (!make_room(differences)) {
		return NULL;
	}
	group = differences->table[like->hash % differences->table_size];
	while (group != NULL && !is_same(group, like)) {
		group = group->next_in_table;
	}
	if (group != NULL) {
		return group;
	}
	group = pol_arena_alloc(&differences->app->arena, 1, sizeof *group);
	if (group == NULL) {
		return NULL;
	}
	*group = *like;
	group->body = pol_arena_copy(&differences->app->arena, like->body);
	group->next_in_table = differences->table[like->hash % differences->table_size];
	differences->table[like->hash % differences->table_size] = group;
	if (differences->last != NULL) {
		differences->last->next = group;
	} else {
		differences->first = group;
	}
	differences->last = group;
	differences->group_count++;
	return group;
}

static void add_name(
	struct differences *differences, struct differences_group *group, struct pol_str name)
{
	struct pol_arena *arena = &differences->app->arena;

	if (group->name_count == group->name_capacity) {
		struct pol_str *grown = pol_arena_grow(arena, group->names, group->name_count,
			group->name_count + 1, sizeof *grown, &group->name_capacity);

		if (grown == NULL) {
			return;
		}
		group->names = grown;
	}
	group->names[group->name_count++] = pol_arena_copy(arena, name);
}

static void take(struct differences *differences, const struct pol_difference *difference)
{
	struct differences_group like = { .kind = difference->kind,
		.presence = difference->presence,
		.tenant = differences->tenant };
	struct differences_group *group;
	char *body = make_body(differences, difference, &like.body.len);

	like.body.ptr = body;
	if (body == NULL) {
		return;
	}
	like.hash = pol_str_hash(like.body, POL_HASH_SEED);
	group = find_group(differences, &like);
	if (group != NULL) {
		add_name(differences, group, difference->name);
	}
	free(body);
}

/* --- text and Markdown ------------------------------------------------------------------------ */

/* As a span of code, which a backtick would end. */
static void put_code(FILE *out, struct app *app, struct pol_str name)
{
	const char *text = text_escape(&app->arena, name);

	fputc('`', out);
	for (size_t i = 0; text[i] != '\0'; i++) {
		fputc(text[i] == '`' ? '\'' : text[i], out);
	}
	fputc('`', out);
}

/* "roles viewer, clerk (new)" */
static void put_heading(
	FILE *out, const struct differences *differences, const struct differences_group *group)
{
	static const char *const presences[] = {
		[POL_IN_BOTH] = "", [POL_IN_BEFORE] = " (removed)", [POL_IN_AFTER] = " (new)"
	};
	struct app *app = differences->app;
	bool markdown = differences->form == DIFFERENCES_MARKDOWN;
	bool colour = app->colour && !markdown;

	fprintf(out, "%s%s%s%s", markdown ? "**" : text_begin(colour, COLOUR_BOLD),
		pol_compare_kind_name(group->kind), group->name_count > 1 ? "s" : "",
		markdown ? "**" : "");
	for (size_t i = 0; i < group->name_count && group->names[0].len > 0; i++) {
		fputs(i > 0 ? ", " : " ", out);
		if (markdown) {
			put_code(out, app, group->names[i]);
		} else {
			text_put(out, group->names[i]);
		}
	}
	fputs(markdown ? "" : text_end(colour, COLOUR_BOLD), out);
	if (group->tenant != NULL) {
		fputs(" of the store, tenant ", out);
		text_put(out, pol_str_of(group->tenant));
	}
	fprintf(out, "%s\n", presences[group->presence]);
}

/* A group as a block of code of the language `diff`, which is shown in colours. A line never begins
 * with a backtick, so that none ends the block. */
static void put_markdown(
	FILE *out, const struct differences *differences, const struct differences_group *group)
{
	put_heading(out, differences, group);
	if (group->body.len > 0) {
		fprintf(out, "```diff\n%.*s```\n", POL_STR_ARGS(group->body));
	}
}

/* Prints the groups for which there is room. Returns how many differences are left out. */
static size_t print_markdown(const struct differences *differences)
{
	size_t shown = 0, left_out = 0;

	for (const struct differences_group *group = differences->first; group != NULL;
		group = group->next) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		if (out == NULL) {
			differences->app->no_memory = true;
			return left_out;
		}
		put_markdown(out, differences, group);
		if (fclose(out) != 0) {
			differences->app->no_memory = true;
		} else if (shown + len > MARKDOWN_BYTES) {
			left_out += group->name_count;
		} else {
			printf("%s%s", shown > 0 ? "\n" : "", text);
			shown += len + 1;
		}
		free(text);
	}
	return left_out;
}

static void print_text(const struct differences *differences)
{
	if (differences->first != NULL) {
		pager_begin(differences->app);
	}
	for (const struct differences_group *group = differences->first; group != NULL;
		group = group->next) {
		if (group != differences->first) {
			putchar('\n');
		}
		put_heading(stdout, differences, group);
		fwrite(group->body.ptr, 1, group->body.len, stdout);
	}
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* NULL, which json_pack leaves out, where there are none. */
static json_t *json_texts(struct app *app, const struct pol_str *texts, size_t count)
{
	json_t *array = count > 0 ? json_array() : NULL;

	for (size_t i = 0; i < count; i++) {
		app_append(app, array, document_str(texts[i]));
	}
	return array;
}

/* The same for one text. */
static json_t *json_some(struct pol_str str)
{
	return str.len > 0 ? document_str(str) : NULL;
}

static json_t *json_change(struct app *app, const struct pol_change *change)
{
	json_t *permissions =
		change->verb_count > 0 ? json_integer((json_int_t)change->permissions) : NULL;
	json_t *from = change->from != 0 ? document_text(time_of(app, change->from)) : NULL;

	return json_pack(
		"{s:s, s:b, s:b, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, "
		"s:o*}",
		"change", pol_compare_change_name(change->kind), "gain",
		(change->effect & POL_CHANGE_GAIN) != 0, "loss",
		(change->effect & POL_CHANGE_LOSS) != 0, "actions",
		json_texts(app, change->verbs, change->verb_count), "pattern",
		json_some(change->pattern), "except",
		json_texts(app, change->except, change->except_count), "permissions", permissions,
		"when", json_some(change->when), "denial", change->denial ? json_true() : NULL,
		"what", json_some(change->what), "before", json_some(change->before), "after",
		json_some(change->after), "at", json_some(change->at), "from", from);
}

static void print_json(struct differences *differences, const struct pol_difference *difference)
{
	static const char *const presences[] = {
		[POL_IN_BOTH] = "both", [POL_IN_BEFORE] = "before", [POL_IN_AFTER] = "after"
	};
	struct app *app = differences->app;
	json_t *changes = json_array();

	for (size_t i = 0; i < difference->count; i++) {
		app_append(app, changes, json_change(app, &difference->changes[i]));
	}
	app_item(app, json_pack("{s:s, s:o*, s:o*, s:s, s:o}", "kind",
			      pol_compare_kind_name(difference->kind), "name",
			      json_some(difference->name), "tenant",
			      json_some(pol_str_of(differences->tenant)), "in",
			      presences[difference->presence], "changes", changes));
}

/* --- all -------------------------------------------------------------------------------------- */

void differences_show(void *context, const struct pol_difference *difference)
{
	struct differences *differences = context;
	unsigned effect = pol_compare_effect(difference);

	differences->count++;
	differences->gaining += (effect & POL_CHANGE_GAIN) != 0;
	differences->losing += (effect & POL_CHANGE_LOSS) != 0;
	if (differences->form == DIFFERENCES_JSON) {
		print_json(differences, difference);
	} else {
		take(differences, difference);
	}
}

void differences_end(struct differences *differences)
{
	struct app *app = differences->app;
	bool markdown = differences->form == DIFFERENCES_MARKDOWN;
	size_t left_out = 0;

	if (differences->form == DIFFERENCES_JSON) {
		return;
	}
	if (differences->count == 0) {
		if (markdown) {
			puts("The policy decides as before.");
		}
		return;
	}
	if (markdown) {
		left_out = print_markdown(differences);
	} else {
		print_text(differences);
	}
	if (left_out > 0) {
		printf("\n%s more, for which a comment has no room: see `authzcheck policy "
		       "diff`.\n",
			app_count(app, left_out, "difference"));
	}
	printf("\n%s%s%s: %zu may give more, %zu may take away\n", markdown ? "**" : "",
		app_count(app, differences->count, "difference"), markdown ? "**" : "",
		differences->gaining, differences->losing);
}

/* SPDX-License-Identifier: Apache-2.0 */

/* renew: a snapshot with other data files is what compiling the whole policy would make of them. */

#include "policy/compile/renew.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ask/suite.h"
#include "policy/decide/eval.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/stored.h"

/*
 * A module `list` that denies the principals whose first letters are in its files. Its state is in
 * memory that it got before and after it read them. A file with '!' is refused, one with '?' is a
 * mistake of the policy, and one with '>' and a name has another one read too.
 */

enum { FILES = 4, TEXT = 64 };

struct list {
	char letters[FILES * TEXT];
};

static unsigned prepared; /* calls */

static bool read_file(const struct pol_prepare *prepare, const struct pol_word *name,
	struct list **lists, int depth)
{
	struct pol_word next = { .at = name->at };
	const char *more;
	struct pol_str text;

	if (!prepare->data(prepare, name, &text)) {
		return false;
	}
	if (memchr(text.ptr, '!', text.len) != NULL) {
		prepare->data_error(prepare, name, 1, "has a mark");
		return false;
	}
	if (memchr(text.ptr, '?', text.len) != NULL) {
		prepare->error(prepare, name->at, "a mistake of the line");
		return false;
	}
	*lists = prepare->alloc(prepare, 1, sizeof **lists);
	if (*lists == NULL) {
		return false;
	}
	memcpy((*lists)->letters, text.ptr, text.len);
	more = memchr(text.ptr, '>', text.len);
	next.text = (struct pol_str){ more != NULL ? more + 1 : NULL, more != NULL ? 1 : 0 };
	lists[1] = NULL;
	return more == NULL || depth == 2 || read_file(prepare, &next, lists + 1, depth + 1);
}

static bool prepare_list(const struct pol_prepare *prepare, const void **out)
{
	static const char *const names[] = { "data", "zone" };
	struct pol_option options[2];
	const struct pol_zone *zone;
	struct list **lists;
	size_t count = 0;

	prepared++;
	if (!prepare->options(prepare, names, 2, options)) {
		return false;
	}
	lists = prepare->alloc(prepare, 16, sizeof(struct list *));
	if (lists == NULL ||
		(options[1].count > 0 && !prepare->zone(prepare, options[1].values, &zone))) {
		return false;
	}
	for (size_t i = 0; i < options[0].count; i++) {
		if (!read_file(prepare, &options[0].values[i], lists + count, 0)) {
			return false;
		}
		while (lists[count] != NULL) {
			count++;
		}
	}
	prepare->note(prepare, "%zu lists, the first begins with %.1s", count,
		count > 0 ? lists[0]->letters : "-");
	*out = lists;
	return true;
}

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	struct list *const *lists = state;

	for (; *lists != NULL; lists++) {
		if (request->facts->principal.len > 0 &&
			strchr((*lists)->letters, request->facts->principal.ptr[0]) != NULL) {
			return (struct pol_answer){ POL_DENY, .reason = POL_STR("listed") };
		}
	}
	return (struct pol_answer){ .verdict = POL_ALLOW };
}

static const struct pol_module module = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "list",
	.version = "1",
	.groups = POL_GROUPS_ALL,
	.prepare = prepare_list,
	.decide = decide,
};

/* --- a host ----------------------------------------------------------------------------------- */

struct files {
	bool has[FILES];
	char text[FILES][TEXT];
};

struct host {
	struct pol_host interface;
	struct files now, last;
	bool refused[FILES], read[FILES];
	char faults[1024];
	unsigned users, released;
};

static size_t number_of(struct pol_str name)
{
	size_t i = name.len == 1 ? (size_t)(name.ptr[0] - 'a') : FILES;

	return i < FILES ? i : FILES;
}

static enum pol_status get(const struct files *files, struct pol_str name, struct pol_str *out)
{
	size_t i = number_of(name);

	if (i == FILES || !files->has[i]) {
		return POL_ENOTFOUND;
	}
	*out = pol_str_of(files->text[i]);
	return POL_OK;
}

static enum pol_status on_data(
	void *context, struct pol_str name, struct pol_str *out, char why[POL_HOST_WHY])
{
	struct host *host = context;
	enum pol_status status = get(&host->now, name, out);

	if (status == POL_OK) {
		host->read[number_of(name)] = true;
	} else {
		snprintf(why, POL_HOST_WHY, "is missing");
	}
	return status;
}

static enum pol_status on_last(void *context, struct pol_str name, struct pol_str *out)
{
	return get(&((struct host *)context)->last, name, out);
}

static void on_fault(void *context, struct pol_str name, struct pol_str of, struct pol_str why)
{
	struct host *host = context;
	size_t used = strlen(host->faults);

	snprintf(host->faults + used, sizeof host->faults - used, "%.*s of %.*s: %.*s\n",
		POL_STR_ARGS(name), POL_STR_ARGS(of), POL_STR_ARGS(why));
	if (number_of(name) < FILES) {
		host->refused[number_of(name)] = true;
	}
}

static void on_release(void *handle)
{
	((struct host *)handle)->released++;
}

static enum pol_status on_module(
	void *context, struct pol_str name, struct pol_host_module *out, char why[POL_HOST_WHY])
{
	(void)why;
	if (!pol_str_equal(name, POL_STR("list"))) {
		return POL_ENOTFOUND;
	}
	*out = (struct pol_host_module){
		.table = &module, .hash = 7, .release = on_release, .handle = context
	};
	return POL_OK;
}

static enum pol_status on_user(void *context, bool group, struct pol_str name, uint32_t *out)
{
	(void)group;
	(void)name;
	((struct host *)context)->users++;
	*out = 5;
	return POL_OK;
}

static void begin(struct host *host)
{
	host->interface = (struct pol_host){ .context = host,
		.data = on_data,
		.last_data = on_last,
		.data_fault = on_fault,
		.data_may_lack = true,
		.module = on_module,
		.user = on_user };
	host->faults[0] = '\0';
	memset(host->refused, 0, sizeof host->refused);
	memset(host->read, 0, sizeof host->read);
}

/* After a build that succeeded: the content that was read and not refused is the last good one. */
static void take(struct host *host)
{
	for (size_t i = 0; i < FILES; i++) {
		if (host->read[i] && !host->refused[i]) {
			host->last.has[i] = true;
			memcpy(host->last.text[i], host->now.text[i], TEXT);
		}
	}
}

/* --- a policy --------------------------------------------------------------------------------- */

static const char policy[] = "tree api { /x { GET } }\n"
			     "role reader { allow GET on api:/x\n"
			     "    allow GET on api:/**\n" /* a warning */
			     "}\n"
			     "principal own { peer user own\n role reader }\n"
			     "stack part {\n"
			     "    account required list data=b,c\n"
			     "    account optional permit\n"
			     "}\n"
			     "stack s {\n"
			     "    authenticate required key\n"
			     "    account required list\n"
			     "    account required list data=a\n"
			     "    account substack part\n"
			     "    account required list data=\"c\"\n"
			     "    authorize required role\n"
			     "}\n"
			     "stack other {\n"
			     "    authenticate required key\n"
			     "    account required list data=a,d\n"
			     "    authorize required role\n"
			     "}\n"
			     "test \"z is in no file\" {\n"
			     "    as role reader\n"
			     "    service s\n"
			     "    allow GET api:/x\n"
			     "}\n";

static const struct pol_source source = { { "p/a.policy", 10 }, { policy, sizeof policy - 1 } };

struct made {
	struct pol_diags diags;
	struct pol_snapshot *snapshot; /* NULL: refused */
};

static struct made compile(struct host *host)
{
	struct made made = { .snapshot = NULL };

	begin(host);
	pol_diags_init(&made.diags, &source, 1);
	(void)pol_compile(&source, 1, &host->interface, &made.diags, &made.snapshot);
	return made;
}

static struct made renew(const struct pol_snapshot *before, struct host *host)
{
	struct made made = { .snapshot = NULL };
	const struct pol_source *sources;
	size_t count;

	begin(host);
	sources = pol_snapshot_files(before, &count);
	pol_diags_init(&made.diags, sources, count);
	(void)pol_renew(before, &host->interface, &made.diags, &made.snapshot);
	return made;
}

static void finish(struct made *made)
{
	pol_snapshot_unref(made->snapshot);
	pol_diags_finish(&made->diags);
}

static bool asks(const struct pol_snapshot *snapshot, const char *service, char letter,
	struct pol_decision *out)
{
	const struct pol_held held = { .role = pol_snapshot_role(snapshot, POL_STR("reader")) };
	struct pol_facts facts = { .key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_PRINCIPAL,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.held = &held,
		.held_count = 1,
		.principal = { &letter, 1 },
		.service = pol_str_of(service),
		.path = POL_STR("api:/x"),
		.verb = POL_STR("GET"),
		.http = true,
		.now = 1000000 };

	pol_eval(snapshot, &facts, out);
	return out->allow;
}

static void append(void *context, const char *text, size_t len)
{
	char *out = context;
	size_t used = strlen(out);

	cr_assert_lt(used + len, 16384);
	memcpy(out + used, text, len);
	out[used + len] = '\0';
}

/* All that can be seen of a snapshot and of the way it came about. */
static char *shown(const struct made *made, const struct host *host)
{
	char *out = calloc(1, 16384);
	struct pol_snapshot_module used;
	struct pol_snapshot_note note;
	char line[512];

	cr_assert_not_null(out);
	append(out, host->faults, strlen(host->faults));
	for (const struct pol_diag *diag = made->diags.first; diag != NULL; diag = diag->next) {
		pol_diag_render(&made->diags, diag, append, out);
	}
	for (int i = 0; i < FILES; i++) {
		append(out, host->read[i] ? "r" : "-", 1);
	}
	append(out, pol_snapshot_revision(made->snapshot), 16);
	for (size_t i = 0; pol_snapshot_note(made->snapshot, i, &note); i++) {
		snprintf(line, sizeof line, "\n%.*s:%u %.*s", POL_STR_ARGS(note.file), note.line,
			POL_STR_ARGS(note.text));
		append(out, line, strlen(line));
	}
	for (size_t i = 0; pol_snapshot_module(made->snapshot, i, &used); i++) {
		append(out, used.name.ptr, used.name.len);
	}
	for (char letter = 'a'; letter <= 'h'; letter++) {
		for (int service = 0; service < 2; service++) {
			struct pol_decision decision;

			asks(made->snapshot, service ? "s" : "else", letter, &decision);
			snprintf(line, sizeof line, "\n%c %d %.*s %u", letter, decision.allow,
				POL_STR_ARGS(decision.reason),
				decision.by != NULL ? decision.by->written->line : 0);
			append(out, line, strlen(line));
		}
	}
	snprintf(line, sizeof line, "\ntests %d", pol_suite_passes(made->snapshot));
	append(out, line, strlen(line));
	return out;
}

/* --- random changes --------------------------------------------------------------------------- */

static uint32_t seed;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void change(struct files *files)
{
	static const char *const texts[] = { "a", "b", "gh", "ab", "cd", "", "z", "e>b", "f>d", "!",
		"b!", "?" };
	size_t i = chance(FILES);
	size_t text = chance(sizeof texts / sizeof *texts);

	files->has[i] = chance(8) > 0;
	memset(files->text[i], 0, TEXT);
	snprintf(files->text[i], TEXT, "%s", texts[text]);
}

/* With a role of the store, or none. A reference. */
static struct pol_snapshot *extend(const struct pol_snapshot *snapshot)
{
	struct pol_str grant = POL_STR("deny GET on api:/x");
	struct pol_stored_fault fault;
	struct pol_stored_role role = { .number = 9, .tenant = 1, .name = POL_STR("kept") };
	struct pol_snapshot *out;
	size_t at;

	cr_assert_eq(pol_stored_text_parse(snapshot, &grant, 1, &fault, &role.own), POL_OK);
	cr_assert_eq(pol_stored_extend(snapshot, &role, chance(2), &at, &out), POL_OK);
	pol_stored_unref(role.own);
	return out;
}

static void expect_same(const struct made *made, const struct host *by, const struct made *all,
	const struct host *of)
{
	char *one = shown(made, by), *other = shown(all, of);

	cr_expect_str_eq(one, other, "renewed:\n%s\n\ncompiled:\n%s\n", one, other);
	free(one);
	free(other);
}

Test(renew, it_is_what_compiling_would_have_made_after_any_changes_of_data_files)
{
	unsigned renewed = 0, refused = 0;
	static struct host host, fresh;
	struct made first;
	struct pol_snapshot *before;

	for (int i = 0; i < FILES; i++) {
		host.now.has[i] = true;
		snprintf(host.now.text[i], TEXT, "%c", 'e' + i);
	}
	first = compile(&host);
	cr_assert_not_null(first.snapshot);
	take(&host);
	before = pol_snapshot_ref(first.snapshot);
	finish(&first);
	for (int i = 0; i < 2000; i++) {
		struct pol_snapshot *whole = extend(before);
		struct made made, all;

		do {
			change(&host.now);
		} while (chance(3) == 0);
		fresh.now = host.now;
		fresh.last = host.last;
		made = renew(whole, &host);
		all = compile(&fresh);
		cr_assert(made.snapshot == NULL || all.snapshot != NULL, "%d", i);
		renewed += made.snapshot != NULL;
		refused += all.snapshot == NULL;
		if (made.snapshot != NULL) {
			expect_same(&made, &host, &all, &fresh);
		}
		pol_snapshot_unref(whole);
		if (all.snapshot != NULL && pol_suite_passes(all.snapshot)) {
			/* As the daemon does: what could not be renewed was compiled. */
			pol_snapshot_unref(before);
			before = pol_snapshot_ref(
				made.snapshot != NULL ? made.snapshot : all.snapshot);
			take(&fresh);
			host.last = fresh.last;
		}
		finish(&made);
		finish(&all);
	}
	pol_snapshot_unref(before);
	cr_expect_gt(renewed, 1000);
	cr_expect_gt(refused, 100);
	cr_expect_gt(fresh.released + host.released, 0);
}

/* --- what is done, and what is not ------------------------------------------------------------ */

static struct host plain, alien;

static struct pol_snapshot *compiled(void)
{
	struct made made;

	for (int i = 0; i < FILES; i++) {
		plain.now.has[i] = true;
		snprintf(plain.now.text[i], TEXT, "%c", 'e' + i);
	}
	made = compile(&plain);
	cr_assert_not_null(made.snapshot);
	take(&plain);
	pol_diags_finish(&made.diags);
	prepared = 0;
	plain.users = 0;
	return made.snapshot;
}

Test(renew, only_lines_whose_file_changed_are_prepared_and_no_name_is_looked_up)
{
	struct pol_snapshot *before = compiled();
	struct made made;
	struct pol_decision decision;

	snprintf(plain.now.text[1], TEXT, "q");
	made = renew(before, &plain);
	cr_assert_not_null(made.snapshot);
	cr_expect_eq(prepared, 1, "%u", prepared);
	cr_expect_eq(plain.users, 0);
	cr_expect_not(asks(made.snapshot, "s", 'q', &decision));
	cr_expect(asks(before, "s", 'q', &decision));
	cr_expect_eq(made.snapshot->roles, before->roles, "shared");
	cr_expect_eq(made.snapshot->nodes, before->nodes);
	cr_expect_eq(made.snapshot->files, before->files);
	finish(&made);
	pol_snapshot_unref(before);
	cr_expect_eq(plain.released, 1);
}

Test(renew, the_modules_and_what_is_shared_outlive_the_snapshot_that_was_compiled)
{
	struct pol_snapshot *before = compiled();
	struct made made = renew(before, &plain), again;
	struct made alone = compile(&alien);
	struct pol_snapshot *other = alone.snapshot;
	struct pol_snapshot_module used;
	struct pol_decision decision;

	cr_assert_not_null(made.snapshot);
	pol_snapshot_unref(before);
	cr_expect_eq(plain.released, 0);
	cr_expect(pol_snapshot_module(made.snapshot, 0, &used));
	snprintf(plain.now.text[0], TEXT, "q");
	again = renew(made.snapshot, &plain);
	cr_assert_not_null(again.snapshot);
	cr_expect_eq(again.snapshot->compiled, made.snapshot->compiled, "they form no chain");
	cr_expect(pol_stored_fits(again.snapshot, made.snapshot));
	cr_expect_not(pol_stored_fits(again.snapshot, other), "it was compiled by itself");
	finish(&made);
	cr_expect_not(asks(again.snapshot, "s", 'q', &decision));
	cr_expect_not(asks(again.snapshot, "s", 'f', &decision));
	cr_expect_eq(plain.released, 0);
	finish(&again);
	finish(&alone);
	cr_expect_eq(plain.released, 1);
}

Test(renew, content_that_nothing_uses_any_more_is_freed)
{
	struct pol_snapshot *before = compiled();
	struct made first = renew(before, &plain);
	size_t bytes;

	cr_assert_not_null(first.snapshot);
	bytes = pol_snapshot_counts(first.snapshot).bytes;
	for (int i = 0; i < 20; i++) {
		struct made made;

		snprintf(plain.now.text[i % FILES], TEXT, "%c", 'a' + i);
		made = renew(first.snapshot, &plain);
		cr_assert_not_null(made.snapshot);
		cr_expect_eq(pol_snapshot_counts(made.snapshot).bytes, bytes);
		finish(&first);
		first = made;
	}
	pol_snapshot_unref(before);
	cr_expect_eq(first.snapshot->compiled->data_line_count, 0, "nor has the compiled one any");
	finish(&first);
}

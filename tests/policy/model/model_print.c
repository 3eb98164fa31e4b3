/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "model_print.h"

void shuffle(struct dice *dice, unsigned *items, unsigned count)
{
	for (unsigned i = count; i > 1; i--) {
		unsigned k = roll(dice, i);
		unsigned last = items[i - 1];

		items[i - 1] = items[k];
		items[k] = last;
	}
}

FILE *open_text(char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	if (out == NULL) {
		abort();
	}
	return out;
}

/* --- grants ----------------------------------------------------------------------------------- */

/* Ends a line between two suffixes, or after the comma of a list. */
static void put_break(const struct printer *printer, FILE *out, bool list)
{
	if (printer->one_line || chance(printer->dice, 60)) {
		fputs(", ", out);
	} else {
		fputs(list ? ",\n        " : "\n            ", out);
	}
}

static void put_suffixes(
	const struct printer *printer, FILE *out, const struct suffix *suffixes, unsigned count)
{
	fputs(" { ", out);
	for (unsigned i = 0; i < count; i++) {
		if (i > 0) {
			put_break(printer, out, false);
		}
		put_route(out, &suffixes[i].route);
		for (unsigned k = 0; k < suffixes[i].inner_count; k++) {
			if (k == 0) {
				fputs(" { ", out);
			} else {
				put_break(printer, out, false);
			}
			put_route(out, &suffixes[i].inner[k]);
		}
		fputs(suffixes[i].inner_count > 0 ? " }" : "", out);
	}
	fputs(" }", out);
}

static void put_selector(const struct printer *printer, FILE *out, const struct selector *selector)
{
	bool verbs = selector->all || selector->verb_count > 0;

	fputs(selector->all ? " all" : "", out);
	for (unsigned i = 0; i < selector->verb_count; i++) {
		fprintf(out, "%s%s", i > 0 ? ", " : " ", selector->verbs[i]);
	}
	fputs(verbs && selector->pattern_count > 0 ? " on" : "", out);
	for (unsigned i = 0; i < selector->pattern_count; i++) {
		const struct pattern *pattern = &selector->patterns[i];

		if (i > 0) {
			put_break(printer, out, true);
		}
		fprintf(out, "%s%s:", i > 0 ? "" : " ", printer->policy->trees[pattern->tree]);
		put_route(out, &pattern->head);
		if (pattern->suffix_count > 0) {
			put_suffixes(printer, out, pattern->suffixes, pattern->suffix_count);
		}
	}
}

static void put_grant(const struct printer *printer, FILE *out, const struct grant *grant)
{
	fputs(grant->deny ? "deny" : "allow", out);
	put_selector(printer, out, &grant->what);
	if (grant->except) {
		fputs(" except", out);
		put_selector(printer, out, &grant->less);
	}
	if (grant->condition > 0) {
		fprintf(out, " when %scontext.f%u", grant->condition % 2 == 0 ? "not " : "",
			(grant->condition - 1) / 2);
	}
}

char *print_grant(const struct policy *policy, const struct grant *grant)
{
	struct printer printer = { .policy = policy, .one_line = true };
	char *text = NULL;
	size_t size;
	FILE *out = open_text(&text, &size);

	put_grant(&printer, out, grant);
	fclose(out);
	return text;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void add_grantee(struct printer *printer, const struct grantee *list,
	const struct grantee *from, const char *what, const char *inherits)
{
	unsigned order[GRANTS];
	size_t size;
	FILE *out = open_text(&printer->statements[printer->count++], &size);

	fprintf(out, "%s %s", what, from->name);
	for (unsigned i = 0; i < from->parent_count; i++) {
		fprintf(out, " %s %s", i > 0 ? "," : inherits, list[from->parents[i]].name);
	}
	fputs(" {\n", out);
	for (unsigned i = 0; i < from->grant_count; i++) {
		order[i] = i;
	}
	shuffle(printer->dice, order, from->grant_count);
	for (unsigned i = 0; i < from->grant_count; i++) {
		fputs("    ", out);
		put_grant(printer, out, &from->grants[order[i]]);
		fputc('\n', out);
	}
	fputs("}\n", out);
	fclose(out);
}

static void add_stack(struct printer *printer)
{
	char *text = strdup("stack other {\n"
			    "    authenticate  sufficient  key  anonymous=allow\n"
			    "    authenticate  required    principal\n"
			    "    authorize     required    role\n"
			    "    authorize     required    scope\n"
			    "}\n");

	if (text == NULL) {
		abort();
	}
	printer->statements[printer->count++] = text;
}

static void add_facts(struct printer *printer)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_text(&text, &size);

	fputs("facts {\n", out);
	for (unsigned i = 0; i < FACTS; i++) {
		fprintf(out, "    context.f%u bool\n", i);
	}
	fputs("}\n", out);
	fclose(out);
	printer->statements[printer->count++] = text;
}

static void add_statements(struct printer *printer, bool fault)
{
	const struct policy *policy = printer->policy;
	static struct grantee faulty;

	for (unsigned i = 0; i < policy->tree_count; i++) {
		add_tree(printer, i);
	}
	for (unsigned i = 0; i < printer->apart_count; i++) {
		add_tree(printer, printer->apart[i]);
	}
	for (unsigned i = 0; i < policy->role_count; i++) {
		add_grantee(printer, policy->roles, &policy->roles[i], "role", "inherits");
	}
	for (unsigned i = 0; i < policy->scope_count; i++) {
		add_grantee(printer, policy->scopes, &policy->scopes[i], "scope", "includes");
	}
	if (policy->conditional) {
		add_facts(printer);
	}
	if (policy->anonymous) {
		add_stack(printer);
	}
	if (fault) {
		faulty = (struct grantee){ .name = "faulty", .grant_count = 1 };
		faulty.grants[0] = policy->fault;
		add_grantee(printer, NULL, &faulty, "role", "inherits");
	}
}

unsigned print_policy(
	struct dice *dice, const struct policy *policy, bool fault, char *files[FILES])
{
	static struct printer printer;
	unsigned order[STATEMENTS], count = 1 + roll(dice, FILES);
	size_t sizes[FILES];
	FILE *out[FILES];

	printer = (struct printer){ .dice = dice, .policy = policy };
	add_statements(&printer, fault);
	for (unsigned i = 0; i < printer.count; i++) {
		order[i] = i;
	}
	shuffle(dice, order, printer.count);
	for (unsigned i = 0; i < count; i++) {
		out[i] = open_text(&files[i], &sizes[i]);
	}
	for (unsigned i = 0; i < printer.count; i++) {
		fputs(printer.statements[order[i]], out[roll(dice, count)]);
		free(printer.statements[order[i]]);
	}
	for (unsigned i = 0; i < count; i++) {
		fclose(out[i]);
	}
	return count;
}

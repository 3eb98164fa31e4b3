/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model_print.h"

void put_segment(FILE *out, const struct segment *segment)
{
	switch (segment->kind) {
	case LITERAL:
		fprintf(out, "/%s", segment->name);
		break;
	case PARAM:
		fprintf(out, "/{%s}", segment->name);
		break;
	case REST:
		fprintf(out, "/{%s...}", segment->name);
		break;
	case STAR:
		fputs("/*", out);
		break;
	case STARSTAR:
		fputs("/**", out);
		break;
	}
}

void put_route(FILE *out, const struct route *route)
{
	for (unsigned i = 0; i < route->count; i++) {
		put_segment(out, &route->segments[i]);
	}
	if (route->count == 0) {
		fputc('/', out);
	}
}

void put_chain(FILE *out, const struct policy *policy, int node)
{
	if (policy->nodes[node].parent >= 0) {
		put_chain(out, policy, policy->nodes[node].parent);
		put_segment(out, &policy->nodes[node].segment);
	}
}

static FILE *open_room(char *out, size_t room)
{
	FILE *file = fmemopen(out, room, "w");

	if (file == NULL) {
		abort();
	}
	return file;
}

void print_node(const struct policy *policy, unsigned node, char *out, size_t room)
{
	FILE *file = open_room(out, room);

	fprintf(file, "%s:%s", policy->trees[policy->nodes[node].tree],
		policy->nodes[node].depth == 0 ? "/" : "");
	put_chain(file, policy, (int)node);
	fclose(file);
}

static void put_concrete(FILE *out, const struct policy *policy, const struct concrete *concrete)
{
	fprintf(out, "%s:%s", policy->trees[concrete->tree], concrete->count == 0 ? "/" : "");
	for (unsigned i = 0; i < concrete->count; i++) {
		fprintf(out, "/%s", concrete->segments[i]);
	}
	fputs(concrete->slash ? "/" : "", out);
}

void print_concrete(
	const struct policy *policy, const struct concrete *concrete, char *out, size_t room)
{
	FILE *file = open_room(out, room);

	put_concrete(file, policy, concrete);
	fclose(file);
}

void put_places(
	FILE *out, const struct policy *policy, const struct concrete *places, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		fputs(i > 0 ? ", " : " at ", out);
		put_concrete(out, policy, &places[i]);
	}
}

void print_subject(
	const struct policy *policy, const struct subject *subject, char *out, size_t room)
{
	static const char *const who[] = { "nobody", "a principal", "a key of a principal",
		"a key of roles", "a key of scopes" };
	FILE *file = open_room(out, room);

	fputs(who[subject->who], file);
	for (unsigned i = 0; i < subject->held_count; i++) {
		const struct holding *held = &subject->held[i];

		fprintf(file, ", %srole %s",
			held->by == BY_ITSELF   ? ""
			: held->by == BY_ANYONE ? "anyone's "
						: "everyone's ",
			held->role == GONE ? "(gone)" : policy->roles[held->role].name);
		put_places(file, policy, held->places, held->place_count);
	}
	for (unsigned i = 0; i < subject->scope_count; i++) {
		fprintf(file, ", scope %s",
			subject->scopes[i] == GONE ? "(gone)"
						   : policy->scopes[subject->scopes[i]].name);
	}
	fputs(subject->place_count > 0 ? ", key" : "", file);
	put_places(file, policy, subject->places, subject->place_count);
	fclose(file);
}

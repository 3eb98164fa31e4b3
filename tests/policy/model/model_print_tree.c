/* SPDX-License-Identifier: Apache-2.0 */
#include "model_print.h"

static void put_indent(FILE *out, unsigned depth)
{
	fprintf(out, "%*s", (int)(4 * depth), "");
}

/* Puts two on one line only when no bare method follows an action. */
static void put_actions(
	const struct printer *printer, FILE *out, const struct node *node, unsigned depth)
{
	unsigned order[ACTIONS];
	bool methods_alone = true; /* on this line */

	for (unsigned i = 0; i < node->action_count; i++) {
		order[i] = i;
	}
	shuffle(printer->dice, order, node->action_count);
	for (unsigned i = 0; i < node->action_count; i++) {
		const struct action *action = &node->actions[order[i]];
		bool bare = action->name[0] < 'a';

		if (i == 0 || (bare && !methods_alone) || chance(printer->dice, 50)) {
			fputs(i > 0 ? "\n" : "", out);
			put_indent(out, depth);
			methods_alone = true;
		} else {
			fputs(", ", out);
		}
		methods_alone = methods_alone && bare;
		fputs(action->name, out);
		for (unsigned k = 0; k < action->method_count; k++) {
			fprintf(out, " %s", action->methods[k]);
		}
	}
	fputs(node->action_count > 0 ? "\n" : "", out);
}

static void put_block(
	struct printer *printer, FILE *out, unsigned number, unsigned depth, bool together)
{
	const struct node *nodes = printer->policy->nodes;
	unsigned children[NODES], count = 0;
	bool done[NODES] = { false };

	put_actions(printer, out, &nodes[number], depth);
	for (unsigned i = 0; i < printer->policy->node_count; i++) {
		if (nodes[i].parent == (int)number) {
			children[count++] = i;
		}
	}
	shuffle(printer->dice, children, count);
	for (unsigned i = 0; i < count; i++) {
		unsigned child = children[i];

		if (done[child]) {
			continue;
		}
		if (!together && chance(printer->dice, 25)) {
			printer->apart[printer->apart_count++] = child;
			continue;
		}
		put_indent(out, depth);
		put_segment(out, &nodes[child].segment);
		for (unsigned k = i + 1; k < count; k++) {
			if (nodes[children[k]].twin == (int)child) {
				fputs(", ", out);
				put_segment(out, &nodes[children[k]].segment);
				done[children[k]] = true;
			}
		}
		fputs(" {\n", out);
		put_block(printer, out, child, depth + 1, together);
		put_indent(out, depth);
		fputs("}\n", out);
	}
}

void add_tree(struct printer *printer, unsigned node)
{
	const struct policy *policy = printer->policy;
	size_t size;
	FILE *out = open_text(&printer->statements[printer->count++], &size);

	fprintf(out, "tree %s {\n", policy->trees[policy->nodes[node].tree]);
	if (policy->nodes[node].depth > 0) {
		fputs("    ", out);
		put_chain(out, policy, (int)node);
		fputs(" {\n", out);
		put_block(printer, out, node, 2, false);
		fputs("    }\n", out);
	} else {
		bool strict = policy->strict[policy->nodes[node].tree];

		if (strict || chance(printer->dice, 20)) {
			fprintf(out, "    strict_slash %s\n", strict ? "yes" : "no");
		}
		put_block(printer, out, node, 1, chance(printer->dice, 30));
	}
	fputs("}\n", out);
	fclose(out);
}

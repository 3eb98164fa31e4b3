/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures policy/decide/eval alone: one process, no socket, no store, a path parsed before.
 *
 *     bench-eval DECISIONS TURNS POLICY-FILE ROLE ELSEWHERE CONDITIONAL
 *
 * A principal that holds a role asks for GET /loans/123/payments. `builtin` and `ten`: it holds
 * ROLE, and the built-in stack decides, or the stack `ten` of the file. `elsewhere`: as `builtin`
 * with a role that allows the same, and something else on a condition. `three`: with a role that
 * allows it on a condition of three comparisons, of which two are with facts of the request.
 * Prints {"builtin":US,"ten":US,"elsewhere":US,"three":US}, microseconds a decision, the median of
 * the turns, which are taken alternately.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/decide/eval.h"
#include "policy/snapshot/condition.h"
#include "policy/snapshot/given.h"
#include "policy/text/cidr.h"
#include "policy/text/path.h"

#define MAX_FILE  ((size_t)8 << 20)
#define MAX_TURNS 99

static void fail(const char *why)
{
	fprintf(stderr, "bench-eval: %s\n", why);
	exit(1);
}

static struct pol_str read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *bytes = malloc(MAX_FILE);
	size_t len;

	if (file == NULL || bytes == NULL) {
		fail("cannot read the policy");
	}
	len = fread(bytes, 1, MAX_FILE, file);
	fclose(file);
	return (struct pol_str){ bytes, len };
}

static struct pol_snapshot *compile(const struct pol_source *source)
{
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	pol_diags_init(&diags, source, 1);
	if (pol_compile(source, 1, NULL, &diags, &snapshot) != POL_OK) {
		fprintf(stderr, "%.*s\n",
			POL_STR_ARGS(diags.first != NULL ? diags.first->message : POL_STR("")));
		fail("the policy does not compile");
	}
	pol_diags_finish(&diags);
	return snapshot;
}

static double turn(
	const struct pol_snapshot *snapshot, const struct pol_facts *facts, unsigned long decisions)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	for (unsigned long i = 0; i < decisions; i++) {
		struct pol_decision decision;

		pol_eval(snapshot, facts, &decision);
		if (!decision.allow) {
			fprintf(stderr, "%.*s\n", POL_STR_ARGS(decision.reason));
			fail("denied");
		}
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
	       (double)decisions / 1e3;
}

static int compare(const void *a, const void *b)
{
	const double *left = (const double *)a, *right = (const double *)b;

	return (*left > *right) - (*left < *right);
}

static double median(double *values, unsigned long count)
{
	qsort(values, count, sizeof values[0], compare);
	return values[count / 2];
}

enum figure { BUILTIN = 0, TEN, ELSEWHERE, THREE, FIGURES };

/* What is measured, and the index of its role among the arguments. */
static const struct {
	const char *name;
	int role;
} figures[FIGURES] = { { "builtin", 4 }, { "ten", 4 }, { "elsewhere", 5 }, { "three", 6 } };

static struct pol_given_fact fact(
	const struct pol_snapshot *snapshot, const char *name, struct pol_value value)
{
	struct pol_given_fact out = { pol_condition_fact(snapshot, pol_str_of(name)), value };

	if (out.fact == POL_NONE) {
		fail("the policy lacks a fact");
	}
	return out;
}

/* What the conditions of the workload's policy read. */
static void give(const struct pol_snapshot *snapshot, struct pol_given_fact stated[2],
	struct pol_given_fact recorded[1])
{
	uint32_t twice;

	stated[0] = fact(snapshot, "resource.owner",
		(struct pol_value){ .type = POL_TYPE_STRING, .text = POL_STR("p") });
	stated[1] = fact(snapshot, "context.amount",
		(struct pol_value){ .type = POL_TYPE_INT, .number = 400 });
	recorded[0] = fact(snapshot, "principal.limit",
		(struct pol_value){ .type = POL_TYPE_INT, .number = 500 });
	(void)pol_given_sort(stated, 2, &twice);
}

int main(int argc, char **argv)
{
	unsigned long decisions = argc == 7 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long turns = argc == 7 ? strtoul(argv[2], NULL, 10) : 0;
	double took[FIGURES][MAX_TURNS];
	struct pol_given_fact stated[2], recorded[1];
	const struct pol_given given = { stated, 2 }, attributes = { recorded, 1 };
	struct pol_source source = { .name = POL_STR("bench.policy") };
	struct pol_path_memo memo = { .known = false };
	struct pol_facts facts = { .principal_state = POL_PRINCIPAL_ACTIVE,
		.principal = POL_STR("p"),
		.held_count = 1,
		.tree = POL_STR("api"),
		.path = POL_STR("/loans/123/payments"),
		.memo = &memo,
		.verb = POL_STR("GET"),
		.http = true,
		.now = 1795316738,
		.mfa_at = 1795316700,
		.dice = 1,
		.given = &given,
		.attributes = &attributes };
	struct pol_snapshot *snapshot;
	struct pol_held held = { .role = POL_NONE };

	if (decisions == 0 || turns == 0 || turns > MAX_TURNS) {
		fail("usage: bench-eval DECISIONS TURNS POLICY-FILE ROLE ELSEWHERE CONDITIONAL");
	}
	source.text = read_file(argv[3]);
	snapshot = compile(&source);
	give(snapshot, stated, recorded);
	facts.held = &held;
	(void)pol_cidr_parse_ip(POL_STR("10.1.2.3"), &facts.ip);
	for (unsigned long i = 0; i < turns; i++) {
		for (int k = 0; k < FIGURES; k++) {
			held.role = pol_snapshot_role(snapshot, pol_str_of(argv[figures[k].role]));
			facts.service = k == TEN ? POL_STR("ten") : (struct pol_str){ NULL, 0 };
			took[k][i] = turn(snapshot, &facts, decisions);
		}
	}
	for (int k = 0; k < FIGURES; k++) {
		printf("%s\"%s\":%.4f", k == 0 ? "{" : ",", figures[k].name,
			median(took[k], turns));
	}
	printf("}\n");
	pol_snapshot_unref(snapshot);
	free((void *)(uintptr_t)source.text.ptr);
	return 0;
}

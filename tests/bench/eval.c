/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures policy/decide/eval alone: one process, no socket, no store, a path parsed before.
 *
 *     bench-eval DECISIONS TURNS POLICY-FILE ROLE
 *
 * A principal that holds the role asks for GET /loans/123/payments, by the built-in stack and by
 * the stack `ten` of the file. Prints {"builtin":US,"ten":US}, microseconds a decision, the median
 * of the turns, which are taken alternately.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/decide/eval.h"
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

int main(int argc, char **argv)
{
	unsigned long decisions = argc == 5 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long turns = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
	double builtin[MAX_TURNS], ten[MAX_TURNS];
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
		.dice = 1 };
	struct pol_snapshot *snapshot;
	struct pol_held held;

	if (decisions == 0 || turns == 0 || turns > MAX_TURNS) {
		fail("usage: bench-eval DECISIONS TURNS POLICY-FILE ROLE");
	}
	source.text = read_file(argv[3]);
	snapshot = compile(&source);
	held = (struct pol_held){ .role = pol_snapshot_role(snapshot, pol_str_of(argv[4])) };
	facts.held = &held;
	(void)pol_cidr_parse_ip(POL_STR("10.1.2.3"), &facts.ip);
	for (unsigned long i = 0; i < turns; i++) {
		facts.service = (struct pol_str){ NULL, 0 };
		builtin[i] = turn(snapshot, &facts, decisions);
		facts.service = POL_STR("ten");
		ten[i] = turn(snapshot, &facts, decisions);
	}
	printf("{\"builtin\":%.4f,\"ten\":%.4f}\n", median(builtin, turns), median(ten, turns));
	pol_snapshot_unref(snapshot);
	free((void *)(uintptr_t)source.text.ptr);
	return 0;
}

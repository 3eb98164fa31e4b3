/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures pol_compile alone, without a host: everything runs in one thread.
 *
 *     bench-compile TURNS POLICY-FILE…
 *
 * Each turn compiles the policy of each file, one after the other, and then in the opposite order.
 * Prints one list for each file, in their order: [[MS, …], …], the processor time of each turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/snapshot/snapshot.h"

#define MAX_FILE  ((size_t)8 << 20)
#define MAX_FILES 8
#define MAX_TURNS 999

static void fail(const char *why)
{
	fprintf(stderr, "bench-compile: %s\n", why);
	exit(1);
}

static struct pol_source read_source(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *bytes = malloc(MAX_FILE);
	size_t len;

	if (file == NULL || bytes == NULL) {
		fail("cannot read the policy");
	}
	len = fread(bytes, 1, MAX_FILE, file);
	fclose(file);
	return (struct pol_source){ .name = POL_STR("bench.policy"), .text = { bytes, len } };
}

/* Milliseconds of the processor. */
static double compile(const struct pol_source *source)
{
	struct pol_snapshot *snapshot = NULL;
	struct timespec begin, end;
	struct pol_diags diags;

	pol_diags_init(&diags, source, 1);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	if (pol_compile(source, 1, NULL, &diags, &snapshot) != POL_OK || diags.warnings > 0) {
		fprintf(stderr, "%.*s\n",
			POL_STR_ARGS(diags.first != NULL ? diags.first->message : POL_STR("")));
		fail("the policy does not compile, or with warnings");
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	pol_snapshot_unref(snapshot);
	pol_diags_finish(&diags);
	return (double)(end.tv_sec - begin.tv_sec) * 1e3 +
	       (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
}

int main(int argc, char **argv)
{
	static double took[MAX_FILES][MAX_TURNS];
	unsigned long turns = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	int count = argc - 2;
	struct pol_source sources[MAX_FILES];

	if (turns == 0 || turns > MAX_TURNS || count > MAX_FILES) {
		fail("usage: bench-compile TURNS POLICY-FILE...");
	}
	for (int k = 0; k < count; k++) {
		sources[k] = read_source(argv[k + 2]);
		(void)compile(&sources[k]);
	}
	for (unsigned long i = 0; i < turns; i++) {
		for (int k = 0; k < count; k++) {
			int at = i % 2 == 0 ? k : count - 1 - k;

			took[at][i] = compile(&sources[at]);
		}
	}
	for (int k = 0; k < count; k++) {
		for (unsigned long i = 0; i < turns; i++) {
			printf("%s%.4f", i > 0 ? "," : k > 0 ? ",[" : "[[", took[k][i]);
		}
		printf("]");
	}
	printf("]\n");
	for (int k = 0; k < count; k++) {
		free((void *)(uintptr_t)sources[k].text.ptr);
	}
	return 0;
}

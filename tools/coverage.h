/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * coverage: the coverage of a policy's tests, shown, and shares of counts with their limit
 * --fail-under.
 */

#include "policy/ask/coverage.h"
#include "tools/app.h"

/* "9 of 12 (75.0%)"; "none" of nothing. A share is rounded down, so that only all is 100.0%. */
const char *coverage_share(struct app *app, size_t part, size_t whole);

/* The whole number of --fail-under, from 0 to 100; -1: it is not given. EXIT_YES, or another status
 * after a message. */
int coverage_limit(struct app *app, int *out);

/* Is the share less than the limit, in percent? Nothing at all is 100%. */
bool coverage_is_under(size_t part, size_t whole, int limit);

/* The counts of all kinds together. */
struct pol_coverage_count coverage_total(const struct pol_coverage *coverage);

/* "role viewer", "scope read: allow GET on api:/loans", "stack other: authorize required role" */
const char *coverage_item_text(struct app *app, const struct pol_coverage_item *item);

/* A table of the kinds, and what is not covered with its position. `prefix` begins each line. */
void coverage_print(
	struct app *app, const struct pol_coverage *coverage, const char *prefix, FILE *file);

/* {"percent", "rules": {"covered", "total"}, …, "uncovered": [{"kind", "name", …}]} */
json_t *coverage_json(struct app *app, const struct pol_coverage *coverage);

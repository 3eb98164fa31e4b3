/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * report: what policy shadow has found, counted by statement, by key and by principal, and shown at
 * the end to people or as the document of --json. It grows with the number of different ones, up
 * to SHADOW_MOST of each kind; of more there is the number.
 */

#include "tools/shadow/shadow.h"

#define SHADOW_MOST 10000

struct shadow_report {
	uint64_t judged; /* same, or one of the changes */
	uint64_t changes[SHADOW_CHANGES];
	uint64_t doubts[SHADOW_DOUBTS];
	uint64_t seen, dropped; /* by the daemon; dropped: of these */
	uint64_t gaps;          /* how often the watch ended and was begun again */
	int64_t seconds;
	/* By what they are of: {…, count} */
	json_t *rules, *keys, *principals;
	uint64_t more; /* divergences that found no space in one of these */
};

void shadow_report_init(struct shadow_report *report);
void shadow_report_finish(struct shadow_report *report);

void shadow_report_add(struct shadow_report *report, struct wire_cursor item,
	const struct shadow_verdict *verdict);

/* Prints it, or makes it the run's document. */
void shadow_report_show(const struct shadow *shadow, const struct shadow_report *report);

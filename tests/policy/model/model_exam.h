/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * model_exam: compares the answers of a snapshot with those of the model.
 */

#include "policy/snapshot/given.h"
#include "policy/snapshot/snapshot.h"
#include "tests/policy/model/model.h"

enum { PATHS = 80, SUBJECTS = 4, NAME_ROOM = 256 };

/* The smallest question with different answers, as text. */
struct difference {
	unsigned weight; /* 0: there is none */
	char text[2048];
};

/* The questions for every form of one policy. */
struct questions {
	struct concrete paths[PATHS];
	unsigned path_count;
	struct subject subjects[SUBJECTS];
	char names[NODES][NAME_ROOM]; /* the nodes as declared */
};

/* All reasons that a random question may have. */
#define REASONS 7
extern const char *const reasons[REASONS];

struct exam {
	const struct policy *policy;
	const struct questions *questions;
	const struct pol_snapshot *snapshot;
	const char *label;
	uint32_t roles[ROLES]; /* the snapshot's numbers of the model's roles */
	uint32_t scopes[SCOPES];
	struct pol_given_fact facts[FACTS]; /* the policy's */
	struct pol_given given;
	struct dice dice;
	struct difference *difference;
	unsigned *met; /* the reasons that were expected so far, a bit each */
};

/* Keeps a difference unless a smaller one is known. */
void note_difference(struct difference *difference, unsigned weight, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

void make_questions(struct dice *dice, const struct policy *policy, struct questions *out);

/* Compares decisions and explanations, permissions queries, the marks of `policy show`, and the
 * results of the policy's own tests. */
void run_exam(struct exam *exam);

/* model_query.c: queries and `policy show`; model_suite.c: tests; model_who.c: the subjects that
 * may do what the facts ask for. */
struct pol_facts;
void exam_who(struct exam *exam, const struct subject *subject, const struct concrete *path,
	const struct pol_facts *facts);
void exam_permissions(
	struct exam *exam, const struct subject *subject, const struct pol_facts *facts);
void exam_show(struct exam *exam);
void exam_tests(struct exam *exam);

/* model_suite.c: writes some questions with their answers as tests of the policy. The snapshot says
 * what is a place. The caller frees the text. */
char *print_tests(struct dice *dice, const struct pol_snapshot *snapshot,
	const struct policy *policy, const struct questions *questions);

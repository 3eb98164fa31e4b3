/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * shadow: a candidate policy beside the policy that a daemon runs, on the decisions that it makes.
 *
 * The daemon says what it decided and from which facts (decisions.watch); the candidate is asked
 * here. The running policy, where its sources are known, is asked here as well: where it does not
 * give the daemon's answer, the facts are not enough, and the decision is not judged.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"
#include "tools/policy.h"

enum { SHADOW_RUNNING, SHADOW_CANDIDATE, SHADOW_SIDES };

/* How the candidate's answer differs. */
enum shadow_change {
	SHADOW_SAME = 0,
	SHADOW_LOST,   /* allowed by the running policy alone */
	SHADOW_GAINED, /* by the candidate alone */
	SHADOW_REASON, /* denied by both, for another reason */
	SHADOW_CHANGES,
};

/* Why a decision is not judged. */
enum shadow_doubt {
	SHADOW_SURE = 0,
	SHADOW_REDACTED,     /* a token stood in the request, or in a place */
	SHADOW_FACTS,        /* the request stated facts, whose values the daemon does not give */
	SHADOW_PEER,         /* the caller is known by the user of its socket alone */
	SHADOW_REFUSED_KEY,  /* what the key holds was not looked up */
	SHADOW_UNKNOWN_ROLE, /* a role is held that the running policy lacks */
	SHADOW_STORED_ROLE,  /* a role of the store is held that is not known exactly */
	SHADOW_QUOTA,        /* it depends on what a quota has counted */
	SHADOW_REPLAY,       /* the running policy gives another answer from the same facts */
	SHADOW_DOUBTS,
};

/* The roles of the store of one tenant, and both policies with them. */
struct shadow_tenant {
	const char *name;
	json_t *roles;                            /* as roles.list gives them */
	json_t *numbers;                          /* by name: the role's number */
	json_t *inexact;                          /* names of those that are not known exactly */
	struct pol_snapshot *sides[SHADOW_SIDES]; /* NULL: they could not be extended */
};

struct shadow {
	struct app *app;
	struct policy policies[SHADOW_SIDES];
	const char *names[SHADOW_SIDES];
	bool knows_running; /* the running policy's sources are known */
	bool adds_roles;    /* the candidate declares a role that the running policy lacks */

	/* as of the daemon's snapshot (policy.status) of this number */
	int64_t as_of;   /* -1: nothing was read yet */
	bool is_running; /* the daemon runs policies[SHADOW_RUNNING] */
	char revision[17];
	struct shadow_tenant *tenants;
	size_t tenant_count;
};

/* Reads both policies. EXIT_YES, or another status, reported. The caller finishes *shadow. */
int shadow_open(struct app *app, struct shadow *shadow);
void shadow_finish(struct shadow *shadow);

/* Reads what the daemon runs and the roles of its store, as of now. EXIT_YES, or another status,
 * reported. */
int shadow_refresh(struct shadow *shadow);

/* A statement that decided. */
struct shadow_rule {
	const char *position; /* FILE:LINE; empty: it is in no file */
	const char *text;     /* of a line of a role or scope, or a module's name; may be empty */
};

/* What was found out about one decision. Texts live as long as the arena. */
struct shadow_verdict {
	enum shadow_doubt doubt;
	enum shadow_change change;
	struct {
		bool known;
		bool allow;
		const char *reason;
		struct shadow_rule rule; /* of a decision that differs */
	} sides[SHADOW_SIDES];
};

/* Judges one item of decisions.watch. False: no memory. */
bool shadow_judge(struct shadow *shadow, struct wire_cursor item, struct pol_arena *arena,
	struct shadow_verdict *out);

/* Does the item need what is read by shadow_refresh, and more than was read? */
bool shadow_is_stale(const struct shadow *shadow, struct wire_cursor item);

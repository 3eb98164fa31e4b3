/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * replay: a decision that the daemon made, made again by a policy that is here.
 */

#include "policy/decide/eval.h"
#include "tools/shadow/shadow.h"

struct charges {
	uint32_t count;
	const struct pol_charge *items[POL_CHARGES];
};

/* One item, and the facts for one side. */
struct replay {
	const struct shadow *shadow;
	struct pol_arena *arena;
	struct wire_cursor item;
	int side;
	const struct shadow_tenant *tenant; /* NULL: its roles of the store are not known */
	const struct pol_snapshot *snapshot;
	struct pol_facts facts;
	enum shadow_doubt doubt;
	struct charges charges; /* that the decision would take */
	struct pol_decision decision;
};

/* One side's answer to the item. Fills *out; texts are views of the item and in the arena. */
void replay_ask(const struct shadow *shadow, struct wire_cursor item, int side,
	struct pol_arena *arena, struct replay *out);

/* Notes a doubt, unless there is one. */
void replay_doubt(struct replay *replay, enum shadow_doubt doubt);

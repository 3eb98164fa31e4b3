/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * grantor: what the caller of a managing method has, until when, and what it may grant beside that.
 *
 * The caller is the credential that it presented: its roles and their ends, its scopes and places,
 * and the end of the key and of the secret. The writer's thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/call/call.h"
#include "daemon/decide/subject.h"
#include "daemon/store/env.h"
#include "policy/ask/escalation.h"
#include "policy/snapshot/module.h"

/* What a subject holds, and when its key ends. Zeroed: a caller without a key. */
struct party {
	const struct pol_facts *facts;
	int64_t end; /* Unix seconds; 0: none */
};

/* Memory for a party's facts as of a later time. */
struct party_future {
	struct pol_facts facts;
	struct pol_held held[SUBJECT_MAX_HELD];
};

/* The next time after `when` at which something that the party holds ends; INT64_MAX: none. */
int64_t party_next_end(const struct party *party, int64_t when);

bool party_has_ended(const struct party *party, int64_t when);

/* The party's facts as of a time; NULL: it has none. They point into the party's and *future. */
const struct pol_facts *party_at(
	const struct party *party, int64_t when, struct party_future *future);

/* What the caller has, and what it may grant at the time that grantor_allow was called with. */
struct grantor {
	struct party own; /* zeroed for a peer without a token */
	struct pol_run runs[64];
	size_t run_count; /* what `manage` lines give to a peer without a token */
	uint32_t roles[SUBJECT_MAX_HELD];
	uint32_t scopes[STORE_MAX_LIST];
};

/* 0 or a negative errno. */
int grantor_init(struct call *call, struct grantor *grantor);

/* Adds to *out the roles and scopes of `facts` on which the caller has `grant`. `own` are the
 * caller's facts as of that time: NULL if its key has ended, or for a peer. 0 or a negative errno.
 */
int grantor_allow(struct call *call, struct grantor *grantor, const struct pol_facts *own,
	const struct pol_facts *facts, struct pol_grantor *out);

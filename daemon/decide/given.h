/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * given: the facts that a request states, checked against the policy's declarations.
 *
 * They are read into a struct given_room, which each worker has one of, so that nothing is
 * allocated. What is read points into that room, the request and the policy: it is dead after the
 * answer, and after the next request is read. Values are private: no message and no log has one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/call.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/given.h"

/* The members of all sets of one map: each may be empty, and counts for no byte then. */
#define GIVEN_MEMBERS (POL_GIVEN_FACTS * POL_GIVEN_MEMBERS)

/* The facts of one map. */
struct given_map {
	struct pol_given_fact items[POL_GIVEN_FACTS]; /* sorted */
	uint32_t count;
	bool unsorted;             /* while it is read */
	struct pol_fact_set named; /* those that are nil are not in `items` */
	bool of_principal;         /* some are principal.*, nil or not */
};

struct given_room {
	struct given_map shared; /* of all entries of authorize_many */
	struct given_map own;    /* of a request, or of one entry */
	struct pol_given_fact merged[POL_GIVEN_FACTS];
	struct pol_given given;      /* what the last given_read gave */
	const uint8_t *shared_bytes; /* of `shared` in the request; NULL: there are none */
	size_t shared_size;          /* of their names and texts, which count for each entry */
	uint32_t shared_members;     /* members before these are in use by `shared` */
	uint32_t member_count;
	/* The facts of the last request by their places in it: the next one usually has the same.
	 */
	uint32_t guesses[POL_GIVEN_FACTS];
	char param[WIRE_PARAM_SIZE];
	char wrong[WIRE_MESSAGE_SIZE];
	char why[POL_GIVEN_WHY];
	struct pol_str members[2 * GIVEN_MEMBERS];
};

/* The parameters `facts` and `undeclared` as they were decoded. */
struct given_params {
	const struct wire_value *facts;
	const struct wire_value *undeclared;
};

/* What a request states. Zeroed: nothing. */
struct given_read {
	const struct pol_given *given; /* for struct pol_facts; NULL: none */
	bool of_principal;             /* it states something that only a trusted peer may */
};

/* Before the first given_read of a call: there are no shared facts. */
void given_begin(const struct call *call);

/* The same, with the facts that all entries share. NULL; or what is wrong, and then *out_param
 * names the parameter, `facts.resource.owner`. Both texts live until the call's room is used
 * again. */
const char *given_begin_shared(
	const struct call *call, const struct given_params *params, const char **out_param);

/* Reads the facts of a request, or of an entry: these replace shared ones of the same name. Returns
 * what given_begin_shared returns. */
const char *given_read(const struct call *call, const struct given_params *params,
	struct given_read *out, const char **out_param);

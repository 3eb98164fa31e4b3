/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authzen_facts: properties and context of a request as facts of the policy. Pure.
 *
 *     subject.properties   principal.NAME, those that the configuration lists
 *     resource.properties  resource.NAME
 *     action.properties    action.NAME
 *     context              context.NAME
 *
 * Objects in one another are joined by dots: {"owner": {"level": 3}} is resource.owner.level. null
 * is absent. What cannot be the value of a fact, such as a fraction or an object where the policy
 * declares a string, is sent as a value of no type, so that the fact is unknown if the policy
 * declares it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"

/* Facts `principal.NAME` that callers may state. Their texts live as long as the configuration. */
struct authzen_allowed {
	const char *const *names; /* without `principal.` */
	size_t count;
};

/* The objects; NULL: there is none. Views of the request. */
struct authzen_facts {
	json_t *subject, *resource, *action, *context;
	const struct authzen_allowed *allowed; /* NULL: none */
};

/* Writes `facts` and `undeclared` as parameters, if there is a fact; returns how many they are. The
 * status of `out` becomes WIRE_ELIMIT when there are more than 1,024. */
uint32_t authzen_facts_put(struct wire_buf *out, const struct authzen_facts *facts);

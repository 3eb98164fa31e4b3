/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fact: the texts of facts by which a denial was judged, for people. Pure, any thread.
 */

#include "policy/decide/truth.h"
#include "policy/snapshot/module.h"

/* Writes the address, or that none was stated. */
void pol_fact_address(const struct pol_ip *ip, char out[POL_FACT_TEXT]);

/* Writes whom or what a charge is counted for, as far as it is known: "counted for key K", "counted
 * for 2001:db8::/64". */
void pol_fact_counted(
	const struct pol_charge *charge, const struct pol_facts *facts, char out[POL_FACT_TEXT]);

/* Names the module that failed. */
void pol_fact_module(const struct pol_module *module, char out[POL_FACT_TEXT]);

/* Names the facts that are missing, as many as there is room for: "resource.owner, context.amount
 * and 2 more are not known". */
void pol_fact_missing(const struct pol_snapshot *snapshot, const struct pol_fact_set *missing,
	char out[POL_FACT_TEXT]);
